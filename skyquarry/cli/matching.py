"""`pairs`: what of two tables lies near each other."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import typer

from skyquarry.cli.options import ARCHIVE, Archive, Json, Limit, Out, table_given
from skyquarry.cli.output import write_rows
from skyquarry.cli.words import listed

Columns = Annotated[
    str,
    typer.Option(
        "--columns",
        help="ids, all, or names with commas between them (a column is called TABLE_COLUMN).",
    ),
]
Survey = "What the columns of a file are: a survey, as `skyquarry schema` lists, or a role file."


def pairs(
    left: Annotated[
        str,
        typer.Argument(
            metavar="A",
            help="A catalogue (name in the archive, path, URL), a file, or FILE:SURVEY.",
        ),
    ],
    right: Annotated[
        str | None,
        typer.Argument(metavar="B", help="The same; without it, pairs within A."),
    ] = None,
    *,
    radius: Annotated[
        str,
        typer.Option("--radius", help="Greatest separation: arcsec, or a column of A that has it."),
    ],
    keep: Annotated[
        Literal["all", "best", "mutual"],
        typer.Option("--keep", help="best: the nearest of each row of A; mutual: of either's."),
    ] = "all",
    how: Annotated[
        Literal["inner", "left", "outer", "anti"],
        typer.Option("--how", help="left, outer: also rows without a pair; anti: only those of A."),
    ] = "inner",
    nearest: Annotated[
        int | None, typer.Option("--nearest", "-k", min=1, help="The k nearest of each row of A.")
    ] = None,
    columns: Columns = "ids",
    left_survey: Annotated[str | None, typer.Option("--left-survey", help=Survey)] = None,
    right_survey: Annotated[str | None, typer.Option("--right-survey", help=Survey)] = None,
    archive: Archive = ARCHIVE,
    explain: Annotated[
        bool, typer.Option("--explain", help="Say what would be done, and do nothing.")
    ] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Run although very many pairs are predicted.")
    ] = False,
    workers: Annotated[
        Literal["threads", "processes"], typer.Option("--workers", help="Where tasks run.")
    ] = "threads",
    out: Out = None,
    limit: Limit = 20,
    as_json: Json = False,
) -> None:
    """Find the rows of two tables that lie near each other on the sky.

    Example: skyquarry pairs gaia.parquet wise.fits --radius 1 --keep best --out pairs.parquet

    A name without a suffix after --out makes a catalogue of the pairs. FILE:SURVEY says what the
    columns of a file are. Which rows are the same object is another question: `crossmatch`.
    """
    from pathlib import PurePath

    from skyquarry.pipeline.matching import pairs as planned

    plan = planned(
        _table(left, left_survey, archive),
        None if right is None else _table(right, right_survey, archive),
        radius_arcsec=_radius(radius),
        keep=keep,
        how=how,
        k=nearest,
        columns=columns if columns in ("ids", "all") else listed(columns),
        force=force,
    )
    if explain:
        typer.echo(plan.explain())
        return
    result = plan.run(workers)
    if out is not None and not PurePath(out).suffix:
        typer.echo(f"{len(plan.to_catalog(out, workers)):,} rows written to {out}")
        return
    write_rows(result.stream(), plan.schema, out=out, as_json=as_json, limit=limit)
    for line in _doubts(result.report):
        typer.echo(line, err=True)


def _table(name: str, survey: str | None, archive: str) -> Any:
    given = table_given(name, archive)
    if survey is None:
        return given
    return (given if isinstance(given, str) else given[0]), survey


def _radius(text: str) -> float | str:
    """A number of arcseconds, else the name of a column."""
    try:
        return float(text)
    except ValueError:
        return text


def _doubts(report: dict[str, Any]) -> list[str]:
    """What a user should know beside the rows: set aside, and warnings."""
    lines = [
        f"{rows:,} {side} rows set aside: {why}"
        for side, reasons in report["set_aside"].items()
        for why, rows in reasons.items()
    ]
    return lines + [f"warning: {each}" for each in report["warnings"]]
