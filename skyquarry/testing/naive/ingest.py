"""Ingest without haste: the order of rows and the cuts of a run, said as plainly as Python can."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence


def storage_order(pixels: Sequence[int], ids: Sequence[Any] | None = None) -> list[int]:
    """Row numbers by pixel, then id (None last), then row number: the twin of `sky_order`."""

    def key(row: int) -> tuple[Any, ...]:
        mark = None if ids is None else ids[row]
        return (pixels[row], mark is None, 0 if mark is None else mark, row)

    return sorted(range(len(pixels)), key=key)


def counts_by_cell(pixels: Sequence[int], order: int) -> dict[int, int]:
    """Rows in each cell: the twin of `spill.histogram`."""
    found: dict[int, int] = {}
    for pixel in pixels:
        cell = pixel >> 2 * (29 - order)
        found[cell] = found.get(cell, 0) + 1
    return found
