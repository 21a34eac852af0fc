"""`fetch`: a survey's rows from its own service, built into a catalogue."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from skyquarry.cli.building import report_as_data
from skyquarry.cli.options import Json  # noqa: TC001  (typer reads it)
from skyquarry.cli.output import write_json

WHAT = "What to fetch"
SERVICE = "The service, where it is not the survey's own"
KEPT = "Where it goes"


def fetch(
    survey: Annotated[
        str | None,
        typer.Argument(help="A survey (gaia, 2mass, allwise ...) or a role file of your own."),
    ] = None,
    *,
    cone: Annotated[
        tuple[float, float, float] | None,
        typer.Option(
            "--cone",
            metavar="RA DEC RADIUS",
            help="A circle; all three in degrees.",
            rich_help_panel=WHAT,
        ),
    ] = None,
    region: Annotated[
        str | None,
        typer.Option(
            "--region",
            help="Any region, as in: RANGE 160 190 -5 5; or a MOC's file.",
            rich_help_panel=WHAT,
        ),
    ] = None,
    where: Annotated[
        str | None,
        typer.Option(
            "--where",
            help="ADQL that rows must meet, as in: phot_g_mean_mag < 18",
            rich_help_panel=WHAT,
        ),
    ] = None,
    columns: Annotated[
        str | None,
        typer.Option(
            "--columns",
            help="Columns wanted, with commas between them; * for all.",
            rich_help_panel=WHAT,
        ),
    ] = None,
    to: Annotated[
        str, typer.Option("--to", help="The folder of the new catalogue.", rich_help_panel=KEPT)
    ],
    cache: Annotated[
        str | None,
        typer.Option(
            "--cache", help="The folder that keeps what was fetched.", rich_help_panel=KEPT
        ),
    ] = None,
    keep_cells: Annotated[
        bool,
        typer.Option(
            "--keep/--no-keep", help="Keep it when the catalogue is built.", rich_help_panel=KEPT
        ),
    ] = True,
    dry_run: Annotated[
        bool,
        typer.Option(
            "--dry-run",
            help="Show cells, queries and rows to expect; no network.",
            rich_help_panel=KEPT,
        ),
    ] = False,
    overwrite: Annotated[
        bool,
        typer.Option(
            "--overwrite", help="Publish a new version over what is there.", rich_help_panel=KEPT
        ),
    ] = False,
    tap: Annotated[
        str | None,
        typer.Option("--tap", help="The URL of another service.", rich_help_panel=SERVICE),
    ] = None,
    table: Annotated[
        str | None, typer.Option("--table", help="Its table.", rich_help_panel=SERVICE)
    ] = None,
    ra: Annotated[
        str | None,
        typer.Option("--ra", help="Its column of right ascension.", rich_help_panel=SERVICE),
    ] = None,
    dec: Annotated[
        str | None,
        typer.Option("--dec", help="Its column of declination.", rich_help_panel=SERVICE),
    ] = None,
    area: Annotated[
        Literal["polygon", "circle", "range", "healpix"] | None,
        typer.Option(
            "--area", help="How a cell of the sky is said to the service.", rich_help_panel=SERVICE
        ),
    ] = None,
    max_rows: Annotated[
        int | None,
        typer.Option(
            "--max-rows", min=1, help="Rows that one answer may have.", rich_help_panel=SERVICE
        ),
    ] = None,
    parallel: Annotated[
        int | None,
        typer.Option(
            "--parallel", min=1, max=16, help="Requests at a time.", rich_help_panel=SERVICE
        ),
    ] = None,
    count: Annotated[
        bool | None,
        typer.Option(
            "--count/--no-count",
            help="Whether rows are held against COUNT(*).",
            rich_help_panel=SERVICE,
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Download a survey's rows in a region from its own service, and build a catalogue of them.

    Example: skyquarry fetch gaia --cone 180 30 2 --to archive/gaia

    A download that was broken off goes on where it was when the same command is given again. Any
    TAP service will do: skyquarry fetch --tap URL --table T --cone 180 30 0.5 --to archive/t
    """
    from skyquarry.pipeline.fetching import plan_fetch

    plan = plan_fetch(
        survey,
        to,
        region=region_given(cone, region),
        columns=columns,
        where=where,
        tap=tap,
        table=table,
        ra=ra,
        dec=dec,
        area=area,
        max_rows=max_rows,
        parallel=parallel,
        count=count,
        cache=cache,
        keep_cells=keep_cells,
        overwrite=overwrite,
    )
    if dry_run:
        write_json(plan.as_data()) if as_json else typer.echo(plan.explain())
        return
    catalog = plan.run(progress=True)
    if as_json:
        write_json(report_as_data(catalog.report) | {"path": to})
    else:
        typer.echo(str(catalog.report))


def region_given(cone: tuple[float, float, float] | None, words: str | None) -> Any:
    """The region that was asked for: a cone in degrees, a text, or a MOC's file.

    >>> region_given((180.0, 30.0, 2.0), None)
    Cone(ra_deg=180.0, dec_deg=30.0, radius_arcsec=7200.0, frame='icrs')
    """
    from skyquarry.errors import RegionError
    from skyquarry.sky.mocs import read_moc
    from skyquarry.sky.regions import Cone
    from skyquarry.sky.regiontext import region_from_text

    if (cone is None) == (words is None):
        given = "neither --cone nor --region was" if cone is None else "--cone and --region were"
        raise RegionError(
            f"{given} given, but one of them is needed: as in --cone 180 30 2, in degrees; "
            "--region AllSky is everything"
        )
    if cone is not None:
        ra, dec, radius = cone
        return Cone(ra, dec, radius * 3600.0)
    if words is not None and Path(words).is_file():
        return read_moc(Path(words).read_bytes())
    return region_from_text(words or "")
