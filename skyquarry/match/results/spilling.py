"""A result that is larger than memory: its tables on disk, patch by patch."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq

from skyquarry.match.results.runcounts import RunCounts
from skyquarry.match.results.tables import public

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from skyquarry.match.results.lazytables import Tables

_FORMAT: dict[str, Any] = {"compression": "zstd", "compression_level": 1, "use_dictionary": False}


def spilled(
    parts: Iterable[Tables],
    folder: Path,
    names: tuple[str, ...],
    widened: Callable[[pa.Table], pa.Table] | None = None,
) -> RunCounts:
    """Write `pairs.parquet`, `groups.parquet`, `members.parquet`; the counts of all parts.

    `widened` makes of the groups of a part, hidden columns included, those of `wide.parquet`.
    """
    counts: list[RunCounts] = []
    with ExitStack() as stack:
        writers: dict[str, pq.ParquetWriter] = {}
        for part in parts:
            counts.append(RunCounts.of(part, names))
            counts = [sum(counts[1:], counts[0])]
            for kind, table in _told(part, widened):
                if kind not in writers:
                    made = pq.ParquetWriter(folder / f"{kind}.parquet", table.schema, **_FORMAT)
                    writers[kind] = stack.enter_context(made)
                writers[kind].write_table(table)
    return counts[0]


def _told(
    part: Tables, widened: Callable[[pa.Table], pa.Table] | None
) -> list[tuple[str, pa.Table]]:
    told = [("pairs", part.pairs), ("groups", part.groups), ("members", part.members)]
    if widened is not None:
        told.append(("wide", widened(part.groups)))
    return [(kind, public(table)) for kind, table in told]
