"""How an answer is written: rows to a file, to a program, or to a person."""

from __future__ import annotations

import io
import json
import math
import shutil
import sys
from typing import TYPE_CHECKING, Any, TextIO

import typer

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import pyarrow as pa

WIDTH_OF_A_PIPE = 132


def check_out(out: str | None) -> None:
    """Raises UserError where no file can be written there: asked before any work."""
    from pathlib import Path

    from skyquarry.errors import UserError

    if out is not None and (not Path(out).parent.is_dir() or Path(out).is_dir()):
        raise UserError(
            f"--out is {out!r}, but the path of a file in a folder that is there is needed: make "
            "the folder, or choose another"
        )


def write_out(told: Any, out: str) -> None:
    """JSON in a file, which is the old one or the new one, whenever a kill comes."""
    from pathlib import Path

    from skyquarry.catalog.files import Folder

    target = Path(out).absolute()
    text = json.dumps(told, indent=1) + "\n"
    Folder.at(target.parent).write_atomic(target.name, text.encode())


def write_rows(
    batches: Iterable[pa.RecordBatch],
    schema: pa.Schema,
    *,
    out: str | None,
    as_json: bool,
    limit: int,
    more: str = "--columns chooses",
) -> None:
    """Rows to a file (`out`), as a JSON list, or the first `limit` of them as a table.

    `more` says how columns are seen that the screen has no room for.
    """
    if out is not None:
        from skyquarry.catalog.formats import write_table

        rows = write_table(batches, schema, out)
        told = {"rows": rows, "path": out}
        typer.echo(json.dumps(told) if as_json else f"{rows:,} rows written to {out}")
    elif as_json:
        _write_json_rows(batches)
    else:
        _show(batches, schema, limit, more)


def write_json(told: Any) -> None:
    """Plain data as one JSON text."""
    typer.echo(json.dumps(told, indent=2, ensure_ascii=False, default=str))


def write_table_of(rows: list[dict[str, Any]]) -> None:
    """A small table of plain data, all of it."""
    if rows:
        names = list(rows[0])
        _print_table(names, [[_text(row[name]) for name in names] for row in rows])


def _write_json_rows(batches: Iterable[pa.RecordBatch]) -> None:
    """A JSON list, one row a line, written as the rows come."""
    first = True
    for row in _rows(batches):
        sys.stdout.write(("[\n" if first else ",\n") + json.dumps(row, default=str))
        first = False
    sys.stdout.write("[]\n" if first else "\n]\n")


def _rows(batches: Iterable[pa.RecordBatch]) -> Iterator[dict[str, Any]]:
    for batch in batches:
        for row in batch.to_pylist():
            yield {name: _json_value(value) for name, value in row.items()}


def _json_value(value: Any) -> Any:
    """JSON has no NaN and no infinity: null stands for what is no number."""
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return [_json_value(each) for each in value] if isinstance(value, list) else value


def _show(batches: Iterable[pa.RecordBatch], schema: pa.Schema, limit: int, more: str) -> None:
    """The first rows, and how many there are in all."""
    shown: list[dict[str, Any]] = []
    total = 0
    for batch in batches:
        room = batch.num_rows if limit == 0 else max(limit - len(shown), 0)
        shown += batch.slice(0, room).to_pylist()
        total += batch.num_rows
    names, left_out = _fitting(schema.names, shown)
    if shown:
        _print_table(names, [[_text(row[name]) for name in names] for row in shown])
    typer.echo(_summary(len(shown), total, left_out, more))


def _summary(shown: int, total: int, left_out: int, more: str) -> str:
    said = f"{total:,} row{'' if total == 1 else 's'}"
    if shown < total:
        said += f", {shown:,} shown (--limit 0 shows all, --out FILE writes them)"
    if left_out:
        said += f"; {left_out} more columns ({more})"
    return said


def _fitting(names: list[str], rows: list[dict[str, Any]]) -> tuple[list[str], int]:
    """As many of the first columns as fit the screen, at least one; how many are left out."""
    room, kept = _width(), 0
    for name in names:
        room -= max([len(name), *(len(_text(row[name])) for row in rows)]) + 2
        if room < 0 and kept:
            break
        kept += 1
    return names[:kept], len(names) - kept


def _width() -> int:
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else WIDTH_OF_A_PIPE


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.10g}"
    return str(value)


def kept_text(saved: Any) -> str:
    """Of a result that was kept: its name, rows and place."""
    what = "a catalogue" if saved.kind == "object" else "a table without positions"
    rows = f"{saved.rows:,} row{'' if saved.rows == 1 else 's'}"
    return f"{rows} kept as {saved.name}, {what} at {saved.path}"


def table_text(names: list[str], rows: list[dict[str, Any]], *, more: bool) -> str:
    """Rows for a person, as text, and how many they are; `more` where others follow them."""
    kept, left_out = _fitting(names, rows)
    said = f"{len(rows):,} row{'' if len(rows) == 1 else 's'}"
    said += " shown, more are there (\\limit N shows more, \\o FILE writes all)" if more else ""
    said += f"; {left_out} more columns (name fewer in SELECT)" if left_out else ""
    if not rows:
        return said
    into = io.StringIO()
    _print_table(kept, [[_text(row[name]) for name in kept] for row in rows], into)
    return into.getvalue() + said


def _print_table(names: list[str], rows: list[list[str]], into: TextIO | None = None) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for i, name in enumerate(names):
        numbers = all(_is_number(row[i]) for row in rows)
        table.add_column(name, justify="right" if numbers else "left", no_wrap=True)
    for row in rows:
        table.add_row(*(_plain(text) for text in row))
    console = Console(width=max(_width(), 40), markup=False, highlight=False, file=into)
    console.print(table)


def _plain(text: str) -> Any:
    from rich.text import Text

    return Text(text)


def _is_number(text: str) -> bool:
    try:
        float(text.replace(",", "") or 0)
    except ValueError:
        return False
    return True
