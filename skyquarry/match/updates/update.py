"""A result brought up to a new version of some of its catalogues: only islands that were touched.

With calibration, densities and magnitude prior frozen, the answer of an island depends on its own
rows alone. So what is worked out again is what holds a row that has come, and what held one that
has gone: each piece that an old island falls into holds a former partner of a row that has gone.
All other lines of the tables stay. The second search is the same once more, among the rows that
the first leaves alone. The tables are those of a whole run with the same frozen values, to the bit.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from skyquarry.catalog.arrow import from_numpy, to_numpy
from skyquarry.match.explain.local import first_search, second_ring_arcsec, second_search
from skyquarry.match.explain.whole import cells_of
from skyquarry.match.given.rows import Flag
from skyquarry.match.results.assembling import together
from skyquarry.match.runs.identify import identified
from skyquarry.match.runs.passes import finished
from skyquarry.match.updates.lines import Keys, as_part, kept, renumbered
from skyquarry.match.updates.marks import Changes, Marks, compared
from skyquarry.sky.dilation import around

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from skyquarry.match.explain.whole import Neighbourhood, Seeds
    from skyquarry.match.given.rows import Rows
    from skyquarry.match.results.lazytables import Tables
    from skyquarry.match.runs.identification import Identification
    from skyquarry.sky.ranges import Ranges

    Ints = NDArray[np.int64]
    Mask = NDArray[np.bool_]

_NONE = np.empty(0, np.int64)


@dataclass(frozen=True, slots=True)
class Updated:
    """Tables of the new versions, and how little of them was worked out."""

    tables: Tables
    changes: dict[str, dict[str, int]]
    """by catalogue: rows added, removed, changed"""
    islands: int
    """worked out again"""
    islands_of_second: int
    """of the second search"""
    rows: int
    """in all these islands"""


def updated(
    before: Tables,
    made: Identification,
    marks: Mapping[int, tuple[Marks, Marks]],
) -> Updated:
    """The tables after some catalogues have changed.

    Parameters
    ----------
    before
        The tables of the former result, with the matcher's own columns.
    made
        A run of the new versions with what the former one has learnt, not made as a whole.
    marks
        By number of the catalogue, for those that have changed: rows before, rows after.
    """
    work = _Update(before, made, marks)
    counts = {made.rules.names[n]: c.counts(*marks[n]) for n, c in work.changes.items()}
    if not len(work.changed_pixels()):
        return Updated(
            together([as_part(work.before, made.rules.names)], made.rules.names), counts, 0, 0, 0
        )
    first, told = work.first()
    second, more = work.second(first)
    names = made.rules.names
    touched = Keys.of_rows(first.island_rows) | work.gone
    searched = Keys.none(len(names)) if second is None else Keys.of_rows(second.island_rows)
    stayed = as_part(kept(work.before, names, touched, searched), names)
    parts = [stayed, told] if more is None else [stayed, told, more]
    whole = together(parts, names)
    islands = 0 if second is None else second.n_islands
    rows = sum(map(len, first.island_rows)) + sum(map(len, second.island_rows if second else []))
    return Updated(whole, counts, first.n_islands, islands, rows)


class _Update:
    """What both searches share."""

    def __init__(
        self, before: Tables, made: Identification, marks: Mapping[int, tuple[Marks, Marks]]
    ) -> None:
        self.made, self.marks = made, marks
        names = made.rules.names
        self.changes: dict[int, Changes] = {n: compared(*both) for n, both in marks.items()}
        self.gone = Keys.none(len(names))
        for n, change in self.changes.items():
            self.gone |= Keys.of(n, len(names), *_taken(marks[n][0], change.gone))
        self.before = renumbered(before, names, self._numbers())

    def _numbers(self) -> dict[int, tuple[Ints, Ints]]:
        """By catalogue in memory: old and new numbers of the rows that stayed."""
        found = {}
        for n, change in self.changes.items():
            old, new = (m.row[at] for m, at in zip(self.marks[n], change.stayed, strict=True))
            if len(old) and not np.array_equal(old, new):
                found[n] = (old, new)
        return found

    # ------------------------------------------------------------ the two searches
    def first(self) -> tuple[Neighbourhood, Tables]:
        """The islands of the first search that were touched, and their tables."""
        made = self.made
        pixels = self.changed_pixels()
        lost = around(self._gone_pixels(), made.ring_arcsec) if self._is_best_only else None
        partners = self._partners(self.gone, fast=False)
        near = first_search(made, cells_of(pixels, 0.0), self._seeds(partners, lost))
        found = identified(near.island_rows, made.rules)
        return near, finished(found, made.scene, made.final).tables

    def second(self, first: Neighbourhood) -> tuple[Neighbourhood | None, Tables | None]:
        """The islands of the second search that were touched; None where there is no such search.

        Touched are rows of the islands of the first search, and former partners of these.
        """
        made, fast = self.made, self.made.final.fast
        if fast is None:
            return None, None
        rows = first.island_rows
        touched = Keys.of_rows(rows) | self.gone
        pixels = touched.pixels()
        lost = around(pixels, second_ring_arcsec(made)) if self._is_best_only else None
        partners = self._partners(touched, fast=True)

        def is_seed(number: int, some: Rows) -> Mask:
            mask = self._seeds(partners, lost)(number, some)
            return mask | np.isin(some.spatial, rows[number].spatial)

        near = second_search(made, cells_of(pixels, 0.0), is_seed)
        assert near is not None
        return near, fast.tables(near.island_rows, made.scene, made.final)

    # ------------------------------------------------------------ seeds
    @property
    def _is_best_only(self) -> bool:
        """Whether the tables have no rejected candidates: then partners are all rows near."""
        return self.made.plan.settings.keep == "best"

    def changed_pixels(self) -> Ints:
        """Where rows have come or gone."""
        new = [self.marks[n][1].spatial[c.come] for n, c in self.changes.items()]
        return np.unique(np.concatenate([self._gone_pixels(), *new]))

    def _gone_pixels(self) -> Ints:
        return self.gone.pixels()

    def _seeds(self, partners: dict[int, pa.Array], lost: Ranges | None) -> Seeds:
        """Rows that have come, former partners, and without these all near what has gone.

        Other rows of the same pixel or id may be among them: their islands are then worked out for
        nothing.
        """
        come = {n: self.marks[n][1].spatial[c.come] for n, c in self.changes.items()}

        def is_seed(number: int, rows: Rows) -> Mask:
            mask: Mask = np.isin(rows.spatial, come.get(number, _NONE))
            if number in partners and len(rows):
                ids = rows.ids.cast(self.made.plan.shape.id_type)
                mask |= np.asarray(to_numpy(pc.is_in(ids, value_set=partners[number])))
            return mask if lost is None else mask | lost.contains(rows.spatial)

        return is_seed

    def _partners(self, keys: Keys, *, fast: bool) -> dict[int, pa.Array]:
        """By catalogue: ids of the rows that were candidates of these, in one of the searches."""
        pairs, names = self.before.pairs, self.made.rules.names
        bit = to_numpy(pairs["flags"]) & int(Flag.FAST_PASS)
        pairs = pairs.filter(from_numpy((bit > 0) == fast))
        ids = keys.ids(self.made.plan.shape.id_type)
        found: dict[int, list[Any]] = {}
        for side, other in (("left", "right"), ("right", "left")):
            for n, wanted in ids.items():
                mine = pc.and_(
                    pc.equal(pairs[f"{side}_catalog"].cast(pa.string()), names[n]),
                    pc.is_in(pairs[f"{side}_id"], value_set=wanted),
                )
                some = pairs.filter(mine)
                where = some[f"{other}_catalog"].cast(pa.string())
                for m, name in enumerate(names):
                    theirs = some.filter(pc.equal(where, name))[f"{other}_id"].combine_chunks()
                    found.setdefault(m, []).append(theirs)
        return {m: pa.concat_arrays(parts) for m, parts in found.items()}


def _taken(marks: Marks, at: Ints) -> tuple[Ints, pa.Array]:
    return marks.spatial[at], marks.ids.take(from_numpy(at))
