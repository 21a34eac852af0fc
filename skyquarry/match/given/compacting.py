"""Rows that are kept for long: what is the same for all of them is there once.

A catalogue without epochs, colours, extents, or with one error for all, has columns of one value:
of 116 bytes a row 60 and more. Such a column is kept as a view of its first value (stride 0), and
spread out again for the few rows that are worked on, since kernels want plain arrays.
"""

from __future__ import annotations

from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from skyquarry.match.given.rows import Motions

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from skyquarry.match.given.rows import Rows

    Ints = NDArray[np.int64]

LONG_STRETCH = 256
"""Rows: stretches that are as long on average are copied one by one, others row by row."""
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


def pieces(rows: Rows, first: Ints, last: Ints) -> Rows:
    """The rows of several stretches, one after the other, with plain arrays."""
    if not len(first):
        return spread(rows.between(0, 0))
    if len(first) == 1:  # nothing need be copied
        return spread(rows.between(int(first[0]), int(last[0])))
    size = int((last - first).sum())
    if size < LONG_STRETCH * len(first):
        return spread(rows.take(_numbers(first, last)))
    spans = [slice(a, b) for a, b in zip(first.tolist(), last.tolist(), strict=True)]
    told: dict[str, Any] = {
        f.name: _put_together(getattr(rows, f.name), spans, size)
        for f in fields(rows)
        if f.name not in ("ids", "motions", "wide_arcsec")
    }
    if rows.motions is not None:
        of = rows.motions
        told["motions"] = Motions(
            *(_put_together(getattr(of, f.name), spans, size) for f in fields(of))
        )
    parts = [rows.ids.slice(span.start, span.stop - span.start) for span in spans]
    return replace(rows, ids=pa.concat_arrays(parts), **told)


def _numbers(first: Ints, last: Ints) -> Ints:
    """The numbers of all stretches, ascending."""
    size = last - first
    begin = np.cumsum(size) - size
    return np.repeat(first - begin, size) + np.arange(int(size.sum()))


def _put_together(values: NDArray[Any], spans: list[slice], size: int) -> NDArray[Any]:
    """The values (n, ...) of several stretches."""
    told = np.empty((size, *values.shape[1:]), values.dtype)
    if _is_thin(values):
        told[:] = values[:1]
        return told
    done = 0
    for span in spans:
        told[done : done + span.stop - span.start] = values[span]
        done += span.stop - span.start
    return told


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
