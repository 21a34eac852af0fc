"""The twenty queries asked of an archive: rows and seconds of each."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from skyquarry.adql.twenty.every import twenty
from skyquarry.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

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
) -> Iterator[Answered]:
    """Each query, or those named, asked of an SDSS-like archive (opened, or its path), one by one.

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
        for batch in query(asked.adql, archive=archive, timeout=timeout).stream():
            first = first or time.perf_counter() - begun
            rows += batch.num_rows
        seconds = time.perf_counter() - begun
        yield Answered(asked, rows, seconds, first or seconds)
