"""`query`: rows of an ADQL query over an archive and files beside it."""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from skyquarry.cli.options import (
    ARCHIVE,
    Archive,
    Catalogs,
    Json,
    Limit,
    My,
    Out,
    Uploads,
    located,
    named,
)
from skyquarry.cli.words import in_options
from skyquarry.errors import NotFoundError, UserError


@in_options(
    most_rows="--limit-rows", most_seconds="--limit-seconds", most_bytes="--limit-bytes",
    limit="--rows", seconds="--timeout", timeout="--timeout", memory_gb="--memory",
    fraction="--sample", sample="--sample", rows="--rows", my="--my",
)  # fmt: skip
def query(
    adql: Annotated[
        str, typer.Argument(metavar="ADQL", help="The query, or the name of a file that holds it.")
    ],
    *,
    archive: Archive = ARCHIVE,
    catalog: Catalogs = None,
    upload: Uploads = None,
    explain: Annotated[
        bool, typer.Option("--explain", help="Say what would be read and which SQL runs; stop.")
    ] = False,
    my: My = None,
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
    limit_rows: Annotated[
        int | None, typer.Option("--limit-rows", help="Refuse, or ask, where more are expected.")
    ] = None,
    limit_seconds: Annotated[
        float | None, typer.Option("--limit-seconds", help="The same of the time it takes.")
    ] = None,
    limit_bytes: Annotated[
        float | None, typer.Option("--limit-bytes", help="The same of what is read from disk.")
    ] = None,
    sample: Annotated[
        float | None,
        typer.Option("--sample", help="Of every catalogue this part of the sky: 0.01 to try it."),
    ] = None,
    isolated: Annotated[
        bool,
        typer.Option("--isolated", help="For a stranger's query: in a process with hard limits."),
    ] = False,
    memory: Annotated[
        float | None, typer.Option("--memory", help="GiB that an isolated query may use; else 2.")
    ] = None,
    out: Out = None,
    limit: Limit = 20,
    as_json: Json = False,
) -> None:
    """Ask an archive an ADQL 2.1 query: its catalogues are the tables.

    Example: skyquarry query "SELECT TOP 5 * FROM gaia WHERE dec > 89" --archive demo/archive
    """
    from skyquarry.adql.asking import query as asked
    from skyquarry.adql.isolating import isolated_query

    tables = _tables(catalog, upload, archive)
    if isolated:
        _check_alone(dialect, sample, (limit_rows, limit_seconds, limit_bytes))
        apart = isolated_query(
            _text(adql), *tables, archive=archive, my=my,
            seconds=_or(timeout, 60.0), memory_gb=_or(memory, 2.0), rows=_or(rows, 1_000_000),
        )  # fmt: skip
        _answer(apart, explain=explain, out=out, as_json=as_json, limit=limit)
        return
    if memory is not None:
        raise UserError(
            f"--memory is {memory:g}, but only an isolated query has it: add --isolated"
        )
    plan = asked(
        _text(adql), *tables, archive=archive, my=my, sample=sample, limit=rows, timeout=timeout,
        trusted=False, most_rows=limit_rows, most_seconds=limit_seconds, most_bytes=limit_bytes,
    )  # fmt: skip
    if dialect is not None:
        typer.echo(plan.to_sql(dialect))
    elif explain:
        typer.echo(plan.explain())
    elif plan.into is not None:
        if out is not None:
            raise UserError(
                f"the rows are kept as my.{plan.into.name}, and none go to {out}: leave out INTO "
                "or --out"
            )
        _keep(_allowed(plan), as_json=as_json)
    else:
        _answer(_allowed(plan), explain=False, out=out, as_json=as_json, limit=limit)


def _tables(
    catalog: list[str] | None, upload: list[str] | None, archive: str
) -> tuple[dict[str, str], dict[str, str]]:
    """The catalogues and the uploads that are named along with the query."""
    catalogs = {name: located(path, archive) for name, path in named(catalog, "--catalog").items()}
    return catalogs, named(upload, "--upload")


def _or(given: Any, usual: Any) -> Any:
    """A number that was given, 0 among them, or the usual one."""
    return usual if given is None else given


def _check_alone(dialect: str | None, sample: float | None, most: tuple[Any, ...]) -> None:
    if dialect is not None:
        raise UserError(f"--dialect is {dialect!r}, but an isolated query is run: drop one")
    if sample is not None:
        raise UserError(f"--sample is {sample!r}, but an isolated query reads all: drop one")
    for name, value in zip(("rows", "seconds", "bytes"), most, strict=True):
        if value is not None:
            raise UserError(
                f"--limit-{name} is {value:g}, but what an isolated query takes is bounded, not "
                "foreseen: give --rows, --timeout and --memory"
            )


def _keep(plan: Any, *, as_json: bool) -> None:
    """Its rows under the name that INTO says."""
    from skyquarry.cli.output import kept_text, write_json

    saved = plan.run()
    write_json(asdict(saved)) if as_json else typer.echo(kept_text(saved))


def _allowed(plan: Any) -> Any:
    """The query, where it costs no more than it may; a person at a terminal may allow more."""
    from skyquarry.errors import QueryError

    try:
        plan.check_cost()
    except QueryError as error:
        if not (sys.stdin.isatty() and sys.stderr.isatty()):
            raise
        typer.confirm(f"{error}\nRun it all the same?", abort=True, err=True)
    return plan.unlimited()


def _answer(plan: Any, *, explain: bool, out: str | None, as_json: bool, limit: int) -> None:
    """What it would read, or its rows."""
    from skyquarry.cli.output import write_rows

    if explain:
        typer.echo(plan.explain())
        return
    more = "name fewer in SELECT"
    write_rows(plan.stream(), plan.schema, out=out, as_json=as_json, limit=limit, more=more)


def _text(word: str) -> str:
    """The query, or what a file of that name says."""
    if len(word) < 256 and "\n" not in word and Path(word).is_file():
        return Path(word).read_text(encoding="utf-8")
    if word.strip() and " " not in word.strip() and Path(word).suffix in (".sql", ".adql"):
        raise NotFoundError(f"{word} is no file that is there, and no query: check the name")
    return word
