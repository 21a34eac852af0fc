"""Rows by their id and a hash of all that the matcher sees of them: which have changed since."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from skyquarry.catalog.arrow import from_numpy, to_numpy

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from skyquarry.match.given.rows import Rows

    Ints = NDArray[np.int64]
    Words = NDArray[np.uint64]

_ODD = np.uint64(0x9E3779B97F4A7C15)  # splitmix64 (Steele, Lea & Flood 2014, OOPSLA)
_MIX = (np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB))
_NAMES = {"spatial", "ids", "rank", "row", "wide_arcsec"}
"""What names a row, and is no property of it."""


@dataclass(frozen=True, slots=True)
class Marks:
    """The rows of one catalogue."""

    spatial: Ints
    ids: pa.Array
    row: Ints
    """number in the table that was given; -1 for a catalogue on disk"""
    content: Words
    """a hash of everything else, as catalogued; equal rows have equal ones"""
    mag: NDArray[np.float64]

    @classmethod
    def of(cls, rows: Rows, id_type: pa.DataType) -> Marks:
        """Of rows as catalogued; ids in the type that all catalogues' ids have in tables."""
        return cls(rows.spatial, rows.ids.cast(id_type), rows.row, content(rows), rows.mag)

    def __len__(self) -> int:
        return len(self.spatial)


def content(rows: Rows) -> Words:
    """(n,) uint64: a hash of every number that a row is matched by; id and row number left out.

    Two rows that differ have one hash in 2^64 cases once.
    """
    told = np.zeros(len(rows), np.uint64)
    for values in _columns(rows):
        told = _mixed(told + _ODD ^ _words(values))
    return told


def _columns(of: Any) -> list[NDArray[Any]]:
    found: list[NDArray[Any]] = []
    for each in fields(of):
        value = getattr(of, each.name)
        if each.name == "motions" and value is not None:
            found += _columns(value)
        elif each.name not in _NAMES and isinstance(value, np.ndarray):
            found += list(value.T) if value.ndim == 2 else [value]
    return found


def _words(values: NDArray[Any]) -> Words:
    """Numbers as their bits; every NaN the same, and -0 as 0."""
    if values.dtype.kind != "f":
        return values.astype(np.int64).view(np.uint64)
    plain = np.where(np.isnan(values), np.nan, values + 0.0)
    return np.ascontiguousarray(plain, np.float64).view(np.uint64)


def _mixed(x: Words) -> Words:
    x = (x ^ x >> np.uint64(30)) * _MIX[0]
    x = (x ^ x >> np.uint64(27)) * _MIX[1]
    return x ^ x >> np.uint64(31)


# ---------------------------------------------------------------- what has changed


@dataclass(frozen=True, slots=True)
class Changes:
    """Two versions of one catalogue, compared."""

    gone: Ints
    """places in the old version of rows that are not in the new one as they were"""
    come: Ints
    """places in the new version of rows that were not in the old one as they are"""
    stayed: tuple[Ints, Ints]
    """places in both of the rows that are the same"""

    def counts(self, old: Marks, new: Marks) -> dict[str, int]:
        """How many rows were added, removed, and changed (the same id, another place or values)."""
        ids = [old.ids.take(from_numpy(self.gone)), new.ids.take(from_numpy(self.come))]
        same = int(pc.sum(pc.is_in(ids[1], value_set=ids[0])).as_py() or 0) if len(ids[1]) else 0
        return {"added": len(ids[1]) - same, "removed": len(ids[0]) - same, "changed": same}


def compared(old: Marks, new: Marks) -> Changes:
    """Which rows are the same in both: pixel, id and content, each key as often as before.

    Where several rows share pixel and id, all of them are the same, row numbers too, or all have
    changed: nothing else tells them apart.
    """
    key, n = _keys(old, new)
    old_key, new_key = key[: len(old)], key[len(old) :]
    by_old = np.lexsort((old.row, old.content, old_key))
    by_new = np.lexsort((new.row, new.content, new_key))
    count_old, count_new = np.bincount(old_key, minlength=n), np.bincount(new_key, minlength=n)
    both = count_old == count_new
    at_old = by_old[both[old_key[by_old]]]
    at_new = by_new[both[new_key[by_new]]]
    alike = old.content[at_old] == new.content[at_new]
    alike &= (old.row[at_old] == new.row[at_new]) | (count_old[old_key[at_old]] == 1)
    same = both & (count_old > 0)
    same[old_key[at_old[~alike]]] = False
    kept = same[old_key[at_old]]
    gone, come = np.flatnonzero(~same[old_key]), np.flatnonzero(~same[new_key])
    return Changes(gone, come, (at_old[kept], at_new[kept]))


def _keys(old: Marks, new: Marks) -> tuple[Ints, int]:
    """(old + new,) a number for each pixel and id, and how many numbers there are."""
    ids = pa.concat_arrays([old.ids, new.ids])
    code = np.asarray(to_numpy(pc.rank(ids, tiebreaker="dense").cast(pa.int64())))
    spatial = np.concatenate([old.spatial, new.spatial])
    order = np.lexsort((code, spatial))
    a, b = spatial[order], code[order]
    begins = np.append(True, (a[1:] != a[:-1]) | (b[1:] != b[:-1]))[: len(order)]
    key = np.empty(len(order), np.int64)
    key[order] = np.cumsum(begins) - 1
    return key, int(begins.sum())
