"""The counterparts of a list as a table: one row a candidate, or one row of the list."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from skyquarry.catalog.arrow import from_numpy, to_numpy
from skyquarry.catalog.columns import SPATIAL, describe
from skyquarry.match.given.sides import ROW
from skyquarry.sky.ranges import Ranges

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from skyquarry.match.given.rows import Rows
    from skyquarry.match.given.sides import Side
    from skyquarry.match.lists.counterparts import Counterparts

    Ints = NDArray[np.int64]
    Mask = NDArray[np.bool_]

# (name, unit, description) of what a candidate has, in the order of the table.
_OF_PAIRS = (
    ("sep_arcsec", "arcsec", "separation at the epoch compared"),
    ("pa_deg", "deg", "direction from the list's row to the archive's, east of north"),
    ("dra_cosdec_arcsec", "arcsec", "archive minus list, towards east"),
    ("ddec_arcsec", "arcsec", "archive minus list, towards north"),
    ("epoch_used", "yr", "Julian epoch at which the two are compared"),
    ("chi2", "", "of the offset, 2 degrees of freedom"),
    ("lnB_pos", "", "ln Bayes factor of the positions and motions"),
    ("posterior", "", "probability that this is the counterpart"),
)


@dataclass(frozen=True)
class ListTable:
    """What the table is made of."""

    sides: tuple[Side, Side]
    """the list and the archive"""
    mine: Rows
    theirs: Rows
    found: Counterparts
    observed: Mask
    """(list,) whether the archive looked there"""

    def table(self, keep: str, columns: Sequence[str]) -> pa.Table:
        """Rows in the order of the list; `keep` "best" or "all"; `columns` of the archive."""
        place, pair = self._lines(keep)
        told = self._told(place, pair)
        if columns:
            for name, values in self._of_archive(pair, columns):
                told = told.append_column(name, values)
        return told

    def _lines(self, keep: str) -> tuple[Ints, Ints]:
        """(lines,) row of the list by its number, and candidate; -1 where there is none."""
        found = self.found
        chosen = np.flatnonzero(found.first) if keep == "best" else np.arange(len(found.row))
        place = self._number[found.row[chosen]]
        alone = np.setdiff1d(np.arange(self._n), place)
        place = np.concatenate([place, alone])
        pair = np.concatenate([chosen, np.full(len(alone), -1, np.int64)])
        order = np.argsort(place, kind="stable")
        return place[order], pair[order]

    # ------------------------------------------------------------ rows of the list
    @cached_property
    def _ids(self) -> pa.Array:
        """Ids of every row of the list, those without a position included, by number."""
        if not self.sides[0].in_memory:
            return self.mine.ids
        side = self.sides[0]
        table = side.read(None, [str(side.roles.id), ROW])
        order = from_numpy(np.argsort(to_numpy(table[ROW])))
        return table[str(side.roles.id)].take(order).combine_chunks()

    @property
    def _n(self) -> int:
        return len(self._ids)

    @property
    def _number(self) -> Ints:
        """(list,) number of each row that has a position."""
        return self.mine.row if self.sides[0].in_memory else np.arange(len(self.mine))

    def _of_list(self, values: Any) -> pa.Array:
        """(n,) values of rows that have a position, by number; null for the others."""
        at = np.full(self._n, -1, np.int64)
        at[self._number] = np.arange(len(self.mine))
        return from_numpy(np.ascontiguousarray(values)).take(_or_null(at))

    # ------------------------------------------------------------ the table
    def _told(self, place: Ints, pair: Ints) -> pa.Table:
        found, at, line = self.found, _or_null(pair), from_numpy(place)
        of_pair = {
            "posterior": found.posterior,
            **{
                name: getattr(found.evidence, name)
                for name in ("sep_arcsec", "pa_deg", "dra_cosdec_arcsec", "ddec_arcsec")
            },
            "epoch_used": found.evidence.epoch_used,
            "chi2": found.evidence.chi2,
            "lnB_pos": found.evidence.lnB,
        }
        if found.by_distance:
            nothing = np.full(len(found.row), np.nan)
            of_pair |= dict.fromkeys(("chi2", "lnB_pos", "posterior"), nothing)
        told = {name: _without_nan(from_numpy(v).take(at)) for name, v in of_pair.items()}
        count = np.bincount(found.row, minlength=len(self.mine)).astype(np.int32)
        columns: list[tuple[Any, Any]] = [
            (pa.field("left_id", self._ids.type), self._ids.take(line)),
            (pa.field("right_id", self.theirs.ids.type), self.theirs.ids.take(self._other(pair))),
            *((_field(name, unit, text), told[name]) for name, unit, text in _OF_PAIRS),
            (
                _field("p_any", "", "probability of any counterpart"),
                _without_nan(self._of_list(found.p_any)).take(line),
            ),
            (pa.field("n_candidates", pa.int32()), self._of_list(count).take(line)),
            (
                pa.field("is_match", pa.bool_()),
                from_numpy(found.accepted).take(at).fill_null(False),
            ),
            (pa.field("observed", pa.bool_()), self._of_list(self.observed).take(line)),
            (pa.field("flags", pa.int32()), from_numpy(self._flags(place, pair))),
            (pa.field("left_row", pa.int64()), line),
        ]
        return pa.table([v for _, v in columns], schema=pa.schema([f for f, _ in columns]))

    def _flags(self, place: Ints, pair: Ints) -> NDArray[np.int32]:
        flags = np.zeros(self._n, np.int32)
        flags[self._number] = self.mine.flags
        told: NDArray[np.int32] = flags[place]
        there = np.flatnonzero(pair >= 0)
        at = pair[there]
        told[there] |= self.found.evidence.flags[at] | self.theirs.flags[self.found.other[at]]
        return told

    def _other(self, pair: Ints) -> pa.Array:
        """(lines,) place among the archive's rows; null where there is no candidate."""
        return from_numpy(self.found.other).take(_or_null(pair))

    # ------------------------------------------------------------ columns of the archive
    def _of_archive(self, pair: Ints, columns: Sequence[str]) -> list[tuple[pa.Field, Any]]:
        """Columns of the counterparts' rows, read again: only where these lie."""
        side, id_name = self.sides[1], str(self.sides[1].roles.id)
        other = self.found.other[pair[pair >= 0]]
        pixels = np.unique(self.theirs.spatial[other])
        wanted = list(dict.fromkeys([*columns, SPATIAL, id_name]))
        table = side.read(Ranges(pixels, pixels + 1), wanted).combine_chunks()
        keys = zip(to_numpy(table[SPATIAL]).tolist(), table[id_name].to_pylist(), strict=True)
        place = {key: at for at, key in reversed(list(enumerate(keys)))}
        ids = self.theirs.ids.take(from_numpy(other)).to_pylist()
        at = np.full(len(pair), -1, np.int64)
        spatial = self.theirs.spatial[other].tolist()
        at[pair >= 0] = [place[key] for key in zip(spatial, ids, strict=True)]
        index = _or_null(at)
        fields = [side.schema.field(name).with_name(f"{side.name}_{name}") for name in columns]
        values = [table[name].take(index) for name in columns]
        return list(zip(fields, values, strict=True))


def _field(name: str, unit: str, text: str) -> pa.Field:
    meaning = {"unit": unit} if unit else {}
    return describe(pa.field(name, pa.float64()), description=text, **meaning)


def _or_null(index: Ints) -> pa.Array:
    """Places as Arrow; null for those below 0."""
    return pc.if_else(from_numpy(index >= 0), from_numpy(index), None)


def _without_nan(values: pa.Array) -> pa.Array:
    return pc.if_else(pc.is_nan(values), None, values)
