"""`twenty`: the twenty queries of Szalay et al. 2000, asked of an SDSS-like archive."""

from __future__ import annotations

from typing import Annotated

import typer

from skyquarry.cli.options import ARCHIVE, Archive, Json


def twenty(
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="[NAME]...", help="1 to 20, 1-2002 to 20-2002; all if left out."),
    ] = None,
    *,
    archive: Archive = ARCHIVE,
    show: Annotated[bool, typer.Option("--show", help="Print the ADQL of each; stop.")] = False,
    timeout: Annotated[
        float | None, typer.Option("--timeout", help="Seconds after which a query is stopped.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Ask the twenty queries of Szalay et al. 2000, and print rows and seconds of each.

    Those named 1 to 20 have the constants of the paper, 1-2002 to 20-2002 those of the report
    MSR-TR-2002-01.

    Example: skyquarry twenty 5-2002 7-2002 --archive sdss
    """
    from skyquarry.adql.twenty.asking import ask_twenty
    from skyquarry.adql.twenty.every import twenty as every

    if show:
        known = every()
        for name in names or known:
            typer.echo(f"-- {name}: {known[name].title}\n{known[name].adql}\n")
        return
    for told in ask_twenty(archive, names or (), timeout=timeout):
        line = {"query": told.query.name, "rows": told.rows, "seconds": round(told.seconds, 3)}
        if as_json:
            import json

            typer.echo(json.dumps(line))
        else:
            title = told.query.title + (f" ({told.query.reading})" if told.query.reading else "")
            typer.echo(
                f"{told.query.name:>12} {told.rows:>10,} rows {told.seconds:8.2f} s  {title}"
            )
