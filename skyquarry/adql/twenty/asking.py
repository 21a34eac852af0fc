"""The twenty queries asked of an archive: rows and seconds of each."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from skyquarry.adql.twenty.every import twenty
from skyquarry.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    import pyarrow as pa

    from skyquarry.adql.asking import QueryPlan
    from skyquarry.adql.twenty.asked import Asked, Boxes


@dataclass(frozen=True, slots=True)
class Answered:
    """One query, what it took, how many rows it gave."""

    query: Asked
    rows: int
    seconds: float
    first_s: float
    """until the first rows came"""


def ask_twenty(
    archive: Any,
    names: Sequence[str] = (),
    *,
    boxes: Boxes | None = None,
    paper: Boxes | None = None,
    timeout: float | None = None,
    keep: Callable[[str, pa.Table], None] | None = None,
) -> Iterator[Answered]:
    """Each query, or those named, asked of an SDSS-like archive (opened, or its path), one by one.

    `keep` is given the name of each and its rows, once its time is taken; without it no more than
    a batch of them is held.

    Raises UserError for a name that none has; what `query` raises for an archive without a table.
    """
    from skyquarry.adql.asking import query

    every = twenty(boxes, paper=paper)
    unknown = [name for name in names if name not in every]
    if unknown:
        raise UserError(
            f"{', '.join(unknown)} is none of the twenty queries, which are {', '.join(every)}: "
            "leave the names out for all"
        )
    for asked in (every[name] for name in names or every):
        begun, first, rows = time.perf_counter(), None, 0
        plan, held = query(asked.adql, archive=archive, timeout=timeout), []
        for batch in plan.stream():
            first = first or time.perf_counter() - begun
            rows += batch.num_rows
            held += [batch] if keep is not None else []
        seconds = time.perf_counter() - begun
        if keep is not None:
            keep(asked.name, _table(plan, held))
        yield Answered(asked, rows, seconds, first or seconds)


def _table(plan: QueryPlan, batches: list[pa.RecordBatch]) -> pa.Table:
    import pyarrow as pa

    return pa.Table.from_batches(batches) if batches else plan.schema.empty_table()
