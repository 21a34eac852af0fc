"""`add-column`: a computed column in a new version of a catalogue."""

from __future__ import annotations

from typing import Annotated

import typer

from skyquarry.cli.options import ARCHIVE, Archive, Catalogue, located


def add_column(
    path: Catalogue,
    name: Annotated[str, typer.Argument(help="What the column is to be called.")],
    value: Annotated[
        str, typer.Argument(help="ADQL over the catalogue's columns, as in: bp_mag - rp_mag")
    ],
    *,
    archive: Archive = ARCHIVE,
    unit: Annotated[str | None, typer.Option("--unit", help="Its unit, else worked out.")] = None,
    description: Annotated[
        str | None, typer.Option("--description", help="What it means, else the expression.")
    ] = None,
) -> None:
    """Add a column worked out from others, in a new version; the version before it stays.

    Example: skyquarry add-column demo/archive/gaia abs_mag "phot_g_mean_mag - 5" --unit mag
    """
    from skyquarry.adql.adding import add_column as add

    made = add(located(path, archive), name, value, unit=unit, description=description)
    typer.echo(f"{made.name} is at {made.stored.version} now, with the column {name}")
