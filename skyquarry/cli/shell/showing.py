"""Results of a shell: the first rows on the screen, or all of them in a file."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

from skyquarry.cli.output import table_text
from skyquarry.errors import UserError

if TYPE_CHECKING:
    from skyquarry.adql.asking import QueryPlan

_TEXTS: Final = ("csv", "tsv", "ecsv", "votable", "cds")
FORMATS: Final = ("table", *_TEXTS, "fits", "parquet", "hdf5")


def show(plan: QueryPlan, format_: str, limit: int) -> str:
    """The rows as text: a table of the first, or all of them in a format that is text."""
    if format_ == "table":
        return _table(plan, limit)
    if format_ not in _TEXTS:
        raise UserError(f"{format_} is nothing to look at: name a file first, as in \\o FILE")
    with tempfile.TemporaryDirectory(prefix=".skyquarry-shell-") as folder:
        path = Path(folder) / "result"
        _written(plan, str(path), format_)
        return path.read_bytes().decode().removesuffix("\n")  # ends of lines in texts as they are


def _table(plan: QueryPlan, limit: int) -> str:
    """The first rows; no more are worked out than are shown, and one to see that there are more."""
    rows: list[dict[str, object]] = []
    for batch in plan.stream():
        room = batch.num_rows if limit == 0 else limit + 1 - len(rows)
        rows += batch.slice(0, room).to_pylist()
        if limit and len(rows) > limit:
            break
    more = limit > 0 and len(rows) > limit
    shown = rows[:limit] if more else rows
    return table_text(plan.schema.names, shown, more=more)


def write(plan: QueryPlan, out: str, format_: str) -> str:
    """The rows in a file; says how many."""
    rows = _written(plan, out, None if format_ == "table" else format_)
    return f"{rows:,} row{'' if rows == 1 else 's'} written to {out}"


def _written(plan: QueryPlan, path: str, format_: str | None) -> int:
    from skyquarry.catalog.formats import write_table

    return write_table(plan.stream(), plan.schema, path, format_)


def complain(text: str) -> None:
    """A fault, for a person to read."""
    sys.stderr.write(text + "\n")
