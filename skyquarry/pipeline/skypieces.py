"""Pieces of a synthetic sky, made and put on disk by whichever process has time for them."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from skyquarry.ingest.description import Given, describe_input
from skyquarry.ingest.spill import gather, open_run
from skyquarry.ingest.spilled import ChildRows, ParentRows
from skyquarry.sky.ranges import Ranges
from skyquarry.synthetic.blocks import WIDE_ORDER
from skyquarry.synthetic.sources import Sources

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from skyquarry.catalog.roles import Survey
    from skyquarry.ingest.firstpass import Tally
    from skyquarry.ingest.spill import Run, Share
    from skyquarry.ingest.spilled import Spilled
    from skyquarry.synthetic.simulation import Simulation, Truth

    Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Spilling:
    """Rows of a catalogue, and of its links to the truth, on their way to disk."""

    parent: ParentRows
    links: ChildRows | None = None

    @classmethod
    def of(
        cls, folder: Path, name: str, schema: Any, survey: Survey, links: Any = None, key: str = ""
    ) -> Spilling:
        """Into files of a folder; links (a schema) have the catalogue's key."""
        parent = ParentRows(folder, name, describe_input(schema, Given(survey=survey)))
        if links is None:
            return cls(parent)
        return cls(parent, ChildRows(folder, f"{name}_more", key, links, parent))

    def spilled(self) -> dict[str, Spilled]:
        """{name: what was spilled}."""
        parts = [self.parent.spilled, *([] if self.links is None else [self.links.spilled])]
        return {each.name: each for each in parts}

    def emptied(self) -> Spilling:
        """The same that counts for itself: what travels to whoever writes."""
        return deepcopy(self)

    def written(self, number: int, table: Any, links: Any = None) -> tuple[Tally, ...]:
        """Write the rows of a piece, in any process; `number` is of no other piece."""
        told, beside = self.parent.written(table, number)
        if self.links is None:
            return (told,)
        return told, self.links.written(links, beside, number)

    def add(self, told: tuple[Tally, ...]) -> None:
        """Count what was written, piece after piece."""
        for each, tally in zip(self.spilled().values(), told, strict=True):
            each.tally.add(tally)


@dataclass(frozen=True, slots=True)
class SpilledTruth:
    """A truth that was spilled, cell by cell of order 6, and may not be a catalogue yet."""

    spilling: Spilling

    def sources(self, ranges: Ranges) -> tuple[Sources, Ints]:
        """Those of some ranges of the sky, along it, and their ids (n,)."""
        spilled = self.spilling.parent.spilled
        parts = []
        for cell in ranges.flat(WIDE_ORDER).tolist():
            wanted = ranges & Ranges.from_cells(WIDE_ORDER, np.array([cell]))
            part, path = 0, spilled.path(cell)
            while path.exists():
                shares = _shares(open_run(path), wanted)
                parts += [_within(gather(shares, spilled.stored), wanted)] if shares else []
                part, path = part + 1, spilled.path(cell, part + 1)
        if not parts:
            return Sources.of(0), np.empty(0, np.int64)
        table = pa.concat_tables(parts)
        return Sources.from_table(table), table["id"].to_numpy()


def _shares(run: Run, wanted: Ranges) -> list[Share]:
    """What to read of a run: batches with rows near those ranges, those side by side at once.

    Of a cell beside a patch that is a rim of 51".
    """
    begin = np.searchsorted(run.last, wanted.starts, side="left")
    end = np.searchsorted(run.first, wanted.stops, side="left")
    touched = np.zeros(len(run.rows) + 2, np.int64)
    np.add.at(touched, begin[begin < end] + 1, 1)
    np.add.at(touched, end[begin < end] + 1, -1)
    there = np.cumsum(touched) > 0
    edges = np.flatnonzero(there[1:] != there[:-1]).reshape(-1, 2)
    found = (run.share(int(run.first[a]), int(run.last[b - 1]) + 1) for a, b in edges)
    return [share for share in found if share is not None]


def _within(table: pa.Table, ranges: Ranges) -> pa.Table:
    kept = ranges.contains(table["_healpix_29"].to_numpy())
    return table if kept.all() else table.take(pa.array(np.flatnonzero(kept)))


def drawn(sky: Simulation, rows: Spilling, cell: int, ranges: Ranges | None) -> tuple[Tally, ...]:
    """The truth of a cell of order 6, written; of some ranges of it."""
    return rows.written(cell, sky.truth(cell, ranges))


def observed(
    sky: Simulation, truth: Truth, rows: Mapping[str, Spilling], number: int, cells: Ints
) -> dict[str, tuple[Tally, ...]]:
    """What the surveys see of some cells, written; by survey."""
    return {
        name: rows[name].written(number, *tables)
        for name, tables in sky.observed(truth, cells).items()
    }


def changing(sky: Simulation, truth: Truth, rows: Spilling, block: int) -> tuple[Tally, ...]:
    """The variables of a block and their light curves, written."""
    return rows.written(block, *sky.changing(truth, block))
