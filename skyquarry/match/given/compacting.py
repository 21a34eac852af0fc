"""Rows that are kept for long: what is the same for all of them is there once.

A catalogue without epochs, colours, extents, or with one error for all, has columns of one value:
of 116 bytes a row 60 and more. Such a column is kept as a view of its first value (stride 0), and
spread out again for the few rows that are worked on, since kernels want plain arrays.
"""

from __future__ import annotations

from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from skyquarry.match.given.rows import Rows

_OWN = ("ra_deg", "dec_deg", "spatial", "ids", "rank", "row", "motions", "wide_arcsec")
"""Fields that differ from row to row, or are no arrays of the rows."""


def compact(rows: Rows) -> Rows:
    """The same rows; columns of one value are views of it."""
    told: dict[str, Any] = {
        f.name: _thin(getattr(rows, f.name)) for f in fields(rows) if f.name not in _OWN
    }
    return replace(rows, **told)


def spread(rows: Rows) -> Rows:
    """The same rows, with plain arrays."""
    thin: dict[str, Any] = {
        f.name: np.array(getattr(rows, f.name), order="C")
        for f in fields(rows)
        if f.name not in _OWN and _is_thin(getattr(rows, f.name))
    }
    return replace(rows, **thin) if thin else rows


def _thin(values: NDArray[Any]) -> NDArray[Any]:
    """(n, ...) values, or where all are the same to the bit, a view of the first."""
    if len(values) < 2:
        return values
    bits = values.view(np.int32 if values.itemsize == 4 else np.int64)
    for some in (bits[:: max(1, len(bits) // 64)], bits):  # most columns differ at a glance
        if not (some == bits[0]).all():
            return values
    return np.broadcast_to(values[:1].copy(), values.shape)


def _is_thin(values: NDArray[Any]) -> bool:
    return len(values) > 1 and values.strides[0] == 0
