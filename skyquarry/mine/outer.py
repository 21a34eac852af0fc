"""Rows of both sides of a match: pairs, rows of the river alone, and rows that nobody met."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from skyquarry.catalog.arrow import from_numpy, to_numpy
from skyquarry.engine.sampling import scrambled
from skyquarry.mine.blocked import PLACE, SIDE, hashed

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Outer:
    """What a match gives with its rows without a partner, and the partners that none has.

    The second river has the partners' columns by their names in the answer.
    """

    of: pa.Schema
    """of the match"""
    key: str
    """the column that says which partner it is"""
    told: str
    """how it is said"""
    hides_key: bool = False
    """whether the key is no column of the answer"""

    @property
    def rows(self) -> pa.Schema:
        """Rows, where they came from and from which river."""
        return pa.schema([*self.of, pa.field(PLACE, pa.int64()), pa.field(SIDE, pa.int64())])

    @property
    def schema(self) -> pa.Schema:
        """That of the match."""
        return pa.schema(
            [each for each in self.of if not (self.hides_key and each.name == self.key)]
        )

    def sorted(self, table: pa.Table, place: int, side: int) -> tuple[pa.Table, Ints]:
        """Rows of the same partner meet; those without one go anywhere."""
        n = table.num_rows
        here = set(table.column_names)
        columns = [
            table.column(each.name) if each.name in here else pa.nulls(n, each.type)
            for each in self.of
        ]
        places = place + np.arange(n)
        extra = [from_numpy(places), from_numpy(np.full(n, side))]
        rows = pa.table([*columns, *extra], schema=self.rows)
        alone = scrambled(places.view(np.uint64)).view(np.int64)
        known = np.asarray(pc.is_valid(rows[self.key]))
        return rows, np.where(known, hashed(rows, (self.key,)), alone)

    def finished(self, partition: pa.Table) -> pa.Table:
        """The match's rows, then the partners that are in none of them: each as they came."""
        rows = partition.take(from_numpy(np.argsort(to_numpy(partition[PLACE]), kind="stable")))
        theirs = to_numpy(rows[SIDE]) == 1
        met = pc.unique(rows.filter(from_numpy(~theirs))[self.key])
        known = np.asarray(pc.is_in(rows[self.key], value_set=met))
        return rows.filter(from_numpy(~theirs | ~known)).select(self.schema.names)

    def words(self) -> str:
        """The match."""
        return f"{self.told}, and partners without one"
