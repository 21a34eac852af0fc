"""`map`, `demo`: pictures of the sky."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from skyquarry.cli.options import ARCHIVE, Archive, Catalogue, Json, located
from skyquarry.cli.output import write_json


def sky_map(
    path: Catalogue,
    out: Annotated[str, typer.Option("--out", help="The picture: .png, .pdf or .svg.")] = "map.png",
    frame: Annotated[
        Literal["icrs", "galactic", "ecliptic"], typer.Option("--frame", help="Which coordinates.")
    ] = "icrs",
    projection: Annotated[
        Literal["mollweide", "aitoff"], typer.Option("--projection", help="Which whole-sky map.")
    ] = "mollweide",
    archive: Archive = ARCHIVE,
    *,
    as_json: Json = False,
) -> None:
    """Draw how dense a catalogue is over the whole sky.

    Example: skyquarry map demo/archive/gaia --frame galactic --out gaia.png
    """
    from skyquarry.engine.catalog import open_catalog
    from skyquarry.plots.sky import sky_map as draw

    catalog = open_catalog(located(path, archive))
    draw(catalog, out, frame=frame, projection=projection)
    if as_json:
        told = {"path": out, "sources": len(catalog), "frame": frame, "projection": projection}
        write_json(told)
    else:
        typer.echo(f"drawn to {out}")


def demo(
    to: Annotated[str, typer.Option("--to", help="The folder that the demo is put into.")] = "demo",
    *,
    as_json: Json = False,
) -> None:
    """Show it whole: a real sky built, searched, matched and drawn; a simulated one classified.

    Example: skyquarry demo --to demo

    Gaia DR3 to G < 10 and Hipparcos-2 are real. The field that SDSS, 2MASS, AllWISE and Gaia see is
    simulated, matched, learnt from and classified. What was done is not done again.
    """
    from skyquarry.pipeline.demo import run_demo

    report = run_demo(to, say=(lambda _: None) if as_json else typer.echo)
    if as_json:
        write_json(report.to_dict())
