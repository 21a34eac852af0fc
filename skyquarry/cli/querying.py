"""`query`: rows of an ADQL query over an archive and files beside it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from skyquarry.cli.options import ARCHIVE, Archive, Json, Limit, Out, located


def query(
    adql: Annotated[
        str, typer.Argument(metavar="ADQL", help="The query, or the name of a file that holds it.")
    ],
    *,
    archive: Archive = ARCHIVE,
    catalog: Annotated[
        list[str] | None,
        typer.Option("--catalog", help="NAME=PATH of a catalogue elsewhere; as often as needed."),
    ] = None,
    upload: Annotated[
        list[str] | None,
        typer.Option("--upload", help="NAME=FILE of a table to join with, of any format."),
    ] = None,
    explain: Annotated[
        bool, typer.Option("--explain", help="Say what would be read and which SQL runs; stop.")
    ] = False,
    dialect: Annotated[
        Literal["duckdb", "trino", "spark"] | None,
        typer.Option("--dialect", help="Print the SQL for this engine; stop."),
    ] = None,
    rows: Annotated[
        int | None, typer.Option("--rows", min=0, help="At most so many rows come back.")
    ] = None,
    timeout: Annotated[
        float | None, typer.Option("--timeout", help="Seconds after which it is stopped.")
    ] = None,
    out: Out = None,
    limit: Limit = 20,
    as_json: Json = False,
) -> None:
    """Ask an archive an ADQL 2.1 query: its catalogues are the tables.

    Example: skyquarry query "SELECT TOP 5 * FROM gaia WHERE dec > 89" --archive demo/archive
    """
    from skyquarry.adql.asking import query as asked
    from skyquarry.cli.output import write_rows

    plan = asked(
        _text(adql),
        {name: located(path, archive) for name, path in _named(catalog, "--catalog").items()},
        _named(upload, "--upload"),
        archive=archive,
        limit=rows,
        timeout=timeout,
    )
    if explain or dialect is not None:
        typer.echo(plan.explain() if dialect is None else plan.to_sql(dialect))
        return
    more = "name fewer in SELECT"
    write_rows(plan.stream(), plan.schema, out=out, as_json=as_json, limit=limit, more=more)


def _text(word: str) -> str:
    """The query, or what a file of that name says."""
    if len(word) < 256 and "\n" not in word and Path(word).is_file():
        return Path(word).read_text(encoding="utf-8")
    return word


def _named(words: list[str] | None, option: str) -> dict[str, str]:
    """NAME=PATH as a dict."""
    from skyquarry.errors import UserError

    found = {}
    for word in words or ():
        name, equals, path = word.partition("=")
        if not (name and equals and path):
            raise UserError(f"{option} is {word!r}, but NAME=PATH is needed: as in mine=stars.csv")
        found[name] = path
    return found
