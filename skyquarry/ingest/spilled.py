"""Rows that come in pieces along the sky, such as a program makes them: spilled as they come.

They need no first pass: each piece is cleaned, put in storage order and written as runs when it is
made, so that memory holds a piece. `open_sources` takes what was spilled as it takes a file.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from skyquarry.catalog.arrow import from_numpy, pc
from skyquarry.catalog.columns import SPATIAL
from skyquarry.catalog.tiles import MAX_ORDER
from skyquarry.ingest.clean import Cleaned, decoded, plain_field, tidied
from skyquarry.ingest.firstpass import RUN_BYTES, RUN_ROWS, Tally
from skyquarry.ingest.ordering import sky_order
from skyquarry.ingest.spill import COUNT_ORDER, Run, open_run, write_run

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from skyquarry.ingest.description import Described

    Ints = NDArray[np.int64]


@dataclass(slots=True)
class Spilled:
    """Runs of one table in a folder of their own."""

    folder: Path
    name: str
    """as `prov_progenitor` tells it"""
    schema: pa.Schema
    """of the rows as they were given"""
    stored: pa.Schema
    """of the runs: with `_healpix_29` first, and what else the catalogue adds"""
    count_order: int = COUNT_ORDER
    tally: Tally = field(default_factory=Tally)
    mark: str = field(default_factory=lambda: f"spilled {uuid.uuid4()}")
    """no two are the same: a build of it cannot go on in another process"""

    def written(self, done: Cleaned, order: Ints, number: int) -> Tally:
        """Write the rows of a piece in this order (n,), which is that of storage; what was written.

        Any process may write: `tally.add` takes what it tells, in the order of the pieces. `number`
        is of no other piece.
        """
        rows = done.table
        told = Tally(len(rows), len(rows), rows.nbytes, nan=done.nan, limits=done.limits)
        step = max(1, min(RUN_ROWS, RUN_BYTES * len(rows) // max(1, rows.nbytes)))
        in_order = bool((order[1:] > order[:-1]).all())
        for start in range(0, len(rows), step):
            path = self.path(number, start // step)
            some = rows.slice(start, step)
            if not in_order:
                some = rows.take(from_numpy(order[start : start + step]))
            write_run(path, some, count_order=self.count_order)
            told.runs.append(path.name)
        return told

    def path(self, number: int, part: int = 0) -> Path:
        """Where the rows of a piece lie; large ones have several parts."""
        return self.folder / f"{self.name}-{number:06d}-{part:03d}.arrow"

    def runs(self) -> list[Run]:
        """In the order in which they were written."""
        return [open_run(self.folder / name) for name in self.tally.runs]

    def remove(self) -> None:
        """Give the room on disk back."""
        for name in self.tally.runs:
            for path in self.folder.glob(f"{name.removesuffix('.arrow')}.*"):
                path.unlink()


class ParentRows:
    """Spilling rows that have positions; of a piece, those that children are laid beside."""

    def __init__(self, folder: Path, name: str, described: Described) -> None:
        assert described.cleaning is not None
        self._cleaning, self._key = described.cleaning, described.key
        self.ra, self.dec = str(described.roles.ra), str(described.roles.dec)
        self.spilled = Spilled(folder, name, described.schema, self._cleaning.stored_schema())

    def add(self, table: pa.Table) -> Piece:
        """Spill the rows of a piece; none of them may lack a position."""
        told, piece = self.written(table, len(self.spilled.tally.runs))
        self.spilled.tally.add(told)
        return piece

    def written(self, table: pa.Table, number: int) -> tuple[Tally, Piece]:
        """Write the rows of a piece, as `Spilled.written` does; all of them have positions."""
        done = self._cleaning.cleaned(table)
        rows = done.table
        pixels = rows.column(SPATIAL).to_numpy()
        keys = rows.column(self._key) if self._key else None
        order = sky_order(pixels, keys)
        told = self.spilled.written(done, order, number)
        place = np.empty(len(order), np.int64)
        place[order] = np.arange(len(order))
        ra, dec = (rows.column(name).to_numpy() for name in (self.ra, self.dec))
        return told, Piece(keys, pixels, ra, dec, place)


@dataclass(frozen=True, slots=True)
class Piece:
    """Rows of a parent that were spilled together."""

    keys: Any
    pixels: Ints
    ra: NDArray[np.float64]
    dec: NDArray[np.float64]
    place: Ints
    """(n,) of each row, in storage order"""


class ChildRows:
    """Spilling rows that are stored beside a parent's: with its position, in its order.

    `on`: the column that holds the parent's key.
    """

    def __init__(
        self, folder: Path, name: str, on: str, schema: pa.Schema, parent: ParentRows
    ) -> None:
        given = parent.spilled.stored
        fields = [plain_field(each) for each in schema]
        stored = pa.schema(
            [
                pa.field(SPATIAL, pa.int64()),
                *fields,
                *(given.field(each) for each in (parent.ra, parent.dec)),
            ],
            metadata=schema.metadata,
        )
        self.on = on
        self.spilled = Spilled(folder, name, schema, stored, MAX_ORDER)

    def add(self, table: pa.Table, beside: Piece) -> None:
        """Spill the rows whose parents are in that piece, all of them."""
        self.spilled.tally.add(self.written(table, beside, len(self.spilled.tally.runs)))

    def written(self, table: pa.Table, beside: Piece, number: int) -> Tally:
        """Write them, as `Spilled.written` does."""
        plain, nan, _ = tidied(decoded(table), ())
        keys = beside.keys.combine_chunks()
        found = pc.index_in(plain.column(self.on), value_set=keys).to_numpy()
        columns = [
            from_numpy(beside.pixels[found]),
            *plain.columns,
            from_numpy(beside.ra[found]),
            from_numpy(beside.dec[found]),
        ]
        rows = pa.table(columns, schema=self.spilled.stored)
        order = np.argsort(beside.place[found], kind="stable")
        return self.spilled.written(Cleaned(rows, None, None, nan), order, number)
