"""`twenty`: the twenty queries of Szalay et al. 2000, asked of an SDSS-like archive."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from skyquarry.cli.options import ARCHIVE, Archive, Json

if TYPE_CHECKING:
    from collections.abc import Callable

    import pyarrow as pa


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
    pictures: Annotated[
        str | None,
        typer.Option("--pictures", help="A folder for pictures of 12 and 13: counts on the sky."),
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
    keep = None if pictures is None else _drawing(pictures, archive)
    for told in ask_twenty(archive, names or (), timeout=timeout, keep=keep):
        line = {"query": told.query.name, "rows": told.rows, "seconds": round(told.seconds, 3)}
        if as_json:
            import json

            typer.echo(json.dumps(line))
        else:
            title = told.query.title + (f" ({told.query.reading})" if told.query.reading else "")
            typer.echo(
                f"{told.query.name:>12} {told.rows:>10,} rows {told.seconds:8.2f} s  {title}"
            )


def _drawing(folder: str, archive: Any) -> Callable[[str, pa.Table], None]:
    """What draws the answers that have a picture into a folder."""
    from skyquarry.adql.twenty.every import twenty as every
    from skyquarry.engine.archive import archive as open_archive
    from skyquarry.plots.twentyfigures import picture_of

    Path(folder).mkdir(parents=True, exist_ok=True)
    known, sky = every(), open_archive(archive)
    made = any("skyquarry_simulation" in sky[name].properties for name in sky.names()[:50])
    note = "simulated: no object in it is real" if made else ""

    def draw(name: str, rows: pa.Table) -> None:
        if rows.num_rows:
            title = f"query {name}: {known[name].title}"
            picture_of(name, rows, Path(folder) / f"query-{name}.png", title=title, note=note)

    return draw
