"""What an identification gives: tables of pairs, of groups, and of their members.

`pairs` holds one row a candidate, `groups` one row an object (single rows too), `members` one row a
catalogue row: which group it is in, or why it is alone. Null is "not there", never -99.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, cached_property
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from skyquarry.catalog.arrow import from_numpy
from skyquarry.match.given.merging import flat
from skyquarry.match.given.rows import Flag
from skyquarry.match.kernels import pairtable
from skyquarry.match.results.arrays import named, plain_ids, texts_at
from skyquarry.match.results.assembling import groups_together, members_together
from skyquarry.match.results.lazytables import Tables

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from skyquarry.match.calibration.calibrate import Calibration
    from skyquarry.match.given.rows import Rows
    from skyquarry.match.priors.footprints import Coverage
    from skyquarry.match.runs.identify import Solved, Work
    from skyquarry.match.runs.rules import Rules

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]
    Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Shape:
    """What the tables of every patch have in common."""

    names: tuple[str, ...]
    id_types: tuple[pa.DataType, ...]
    keep: str

    @property
    def id_type(self) -> pa.DataType:
        """One type that holds the ids of every catalogue: int64 where all are, else text."""
        if len(set(self.id_types)) == 1:
            return self.id_types[0]
        signed = all(pa.types.is_integer(t) and t != pa.uint64() for t in self.id_types)
        return pa.int64() if signed else pa.string()


def tables(
    work: Work,
    solved: Solved,
    shape: Shape,
    rules: Rules,
    calibration: Calibration,
    coverage: Coverage,
) -> Tables:
    """The three tables of some whole islands."""
    from skyquarry.match.results.grouptable import groups_of, members_of
    from skyquarry.match.results.pairtable import pairs_of

    maker = Maker(work, solved, shape, rules, calibration, coverage)
    pairs = pairs_of(maker)
    if shape.keep == "best":
        pairs = pairs.filter(pairs["is_match"])
    return Tables(pairs, groups_of(maker), members_of(maker))


def with_lone(told: Tables, lone: Callable[[], Tables], names: tuple[str, ...]) -> Tables:
    """The tables with those of rows without any candidate among them, which are made later."""
    made = cache(lone)
    return Tables(
        told.pairs,
        lambda: groups_together([told.groups, made().groups], names),
        lambda: members_together([told.members, made().members], names),
    )


@dataclass(frozen=True)
class Maker:
    """The columns that the three tables share, worked out once."""

    work: Work
    solved: Solved
    shape: Shape
    rules: Rules
    calibration: Calibration
    coverage: Coverage

    @cached_property
    def catalog(self) -> Ints:
        """(nodes,) number of each row's catalogue."""
        return np.repeat(np.arange(len(self.work.rows)), np.diff(self.work.start))

    @cached_property
    def single(self) -> Ints:
        """(nodes,) the group that is the row alone."""
        groups = self.work.groups
        found: Ints = pairtable.single_groups(self.work.n_nodes, groups.start, groups.nodes)
        return found

    @cached_property
    def chosen(self) -> Ints:
        """Numbers of the groups of the best partition, ascending."""
        return np.flatnonzero(self.solved.resolved.chosen)

    @cached_property
    def _along_groups(self) -> tuple[Ints, Ints]:
        groups = self.work.groups
        told: tuple[Ints, Ints] = pairtable.groups_along(
            self.along, groups.start, groups.nodes, self.chosen
        )
        return told

    @property
    def in_order(self) -> Ints:
        """The same by first member along the sky: the lines of the table of groups."""
        return self._along_groups[0]

    @property
    def home(self) -> Ints:
        """(nodes,) the line, in the table of groups, of the chosen group that holds the row.

        Of several, as where rows may be shared, the first by number.
        """
        return self._along_groups[1]

    @cached_property
    def row(self) -> Ints:
        """(nodes,) row numbers."""
        return np.concatenate([each.row for each in self.work.rows])

    @cached_property
    def spatial(self) -> Ints:
        """(nodes,) order-29 pixels."""
        return np.concatenate([each.spatial for each in self.work.rows])

    @cached_property
    def along(self) -> Ints:
        """(nodes,) the rows along the sky: by pixel, catalogue, and as they stand in it."""
        told: Ints = np.argsort(self.spatial, kind="stable")
        return told

    @cached_property
    def node_flags(self) -> NDArray[np.int32]:
        """(nodes,) what is known of each row, by itself."""
        flags = np.concatenate([each.flags for each in self.work.rows])
        rim = np.int32(Flag.FOOTPRINT_EDGE) * self.coverage.at_rim(self.spatial).astype(np.int32)
        told: NDArray[np.int32] = flags | rim
        return told

    @cached_property
    def posterior(self) -> Floats:
        """(groups,) within 0 and 1."""
        return np.clip(self.solved.resolved.posterior, 0.0, 1.0)

    @cached_property
    def ids(self) -> pa.Array:
        """(nodes,) ids of all rows in one type."""
        parts = [flat(each.ids).cast(self.shape.id_type) for each in self.work.rows]
        return pa.concat_arrays(parts)

    @cached_property
    def plain_ids(self) -> Ints | None:
        """(nodes,) the same where they are int64 and none is missing; else None."""
        parts = [plain_ids(flat(each.ids)) for each in self.work.rows]
        if self.shape.id_type != pa.int64() or any(part is None for part in parts):
            return None
        return np.concatenate([part for part in parts if part is not None])

    @cached_property
    def names(self) -> pa.Array:
        """`gaia:4472...`: what each line of the table of groups is called, by its first member.

        A row without an id has the pixel of its place instead, as `gaia:@3458...`.
        """
        first = self.first(self.in_order)
        if self.plain_ids is not None:
            prefixes = [f"{name}:" for name in self.shape.names]
            return named(self.catalog[first], prefixes, self.plain_ids[first])
        rows = zip(self.shape.names, self.work.rows, strict=True)
        parts = [pc.binary_join_element_wise(name, _texts(each), ":") for name, each in rows]
        return pa.concat_arrays(parts).take(from_numpy(first))

    def first(self, group: Ints) -> Ints:
        """(k,) the first members of these groups."""
        groups = self.work.groups
        told: Ints = groups.nodes[groups.start[group]]
        return told

    def group_names(self, nodes: Ints) -> pa.Array:
        """(k,) what the groups of these rows are called."""
        return texts_at(self.names, self.home[nodes])


# ---------------------------------------------------------------- small things


def _texts(rows: Rows) -> pa.Array:
    """(n,) ids as text."""
    texts = flat(rows.ids).cast(pa.string())
    if not texts.null_count:
        return texts
    pixels = from_numpy(rows.spatial).cast(pa.string())
    return pc.coalesce(texts, pc.binary_join_element_wise("@", pixels, ""))


def public(table: pa.Table) -> pa.Table:
    """The table without the columns that only the matcher needs."""
    return table.select([name for name in table.column_names if not name.startswith("_")])
