"""`simulate`: a synthetic sky whose truth is known, as an archive."""

from __future__ import annotations

from typing import Annotated

import typer

from skyquarry.cli.options import Json  # noqa: TC001  (typer reads it)
from skyquarry.cli.output import write_json
from skyquarry.cli.words import listed
from skyquarry.errors import UserError

SKY = "The sky"
MADE = "What is made of it"
_SURVEYS = "sdss,twomass,allwise,gaia"


def simulate(
    context: typer.Context,
    *,
    area: Annotated[
        float | None,
        typer.Option(
            "--area", min=0.001, help="Square degrees of a round field.", rich_help_panel=SKY
        ),
    ] = None,
    latitude: Annotated[
        float,
        typer.Option(
            "--b",
            min=-90,
            max=90,
            help="Galactic latitude of the round field.",
            rich_help_panel=SKY,
        ),
    ] = 45.0,
    longitude: Annotated[
        float,
        typer.Option(
            "--l",
            min=0,
            max=360,
            help="Galactic longitude of the round field.",
            rich_help_panel=SKY,
        ),
    ] = 90.0,
    region: Annotated[
        str | None,
        typer.Option(
            "--region",
            help="Another field: CIRCLE 180 30 1, POLYGON ..., RANGE ...",
            rich_help_panel=SKY,
        ),
    ] = None,
    seed: Annotated[
        int | None,
        typer.Option(
            "--seed",
            min=0,
            help="Another seed, another sky: 1, with --sdss 8.",
            rich_help_panel=SKY,
        ),
    ] = None,
    depth: Annotated[
        float | None,
        typer.Option(
            "--depth",
            help="Faintest magnitude made, AB; else by the surveys' depths.",
            rich_help_panel=SKY,
        ),
    ] = None,
    out: Annotated[
        str | None,
        typer.Option("--out", help="The folder of the new archive; needed.", rich_help_panel=MADE),
    ] = None,
    surveys: Annotated[
        str,
        typer.Option(
            "--surveys",
            help="Who looks: sdss, twomass, allwise, gaia, panstarrs, ukidss.",
            rich_help_panel=MADE,
        ),
    ] = _SURVEYS,
    lightcurves: Annotated[
        bool,
        typer.Option(
            "--lightcurves",
            help="Also variables, and their light curves as ZTF's.",
            rich_help_panel=MADE,
        ),
    ] = False,
    sdss: Annotated[
        bool,
        typer.Option(
            "--sdss", help="Make SDSS's archive with all its tables.", rich_help_panel=MADE
        ),
    ] = False,
    overwrite: Annotated[
        bool,
        typer.Option(
            "--overwrite", help="Publish new versions over what is there.", rich_help_panel=MADE
        ),
    ] = False,
    as_json: Json = False,
) -> None:
    """Make a synthetic sky: its truth, and what each survey makes of it.

    Example: skyquarry simulate --area 25 --out sky

    Every row is simulated; beside each catalogue, NAME_truth tells of which true sources.
    """
    if context.invoked_subcommand is not None:
        return
    if out is None:
        raise UserError("no folder is given, but a synthetic sky needs one: try --out sky")
    from skyquarry.pipeline.sdssarchive import SEED, simulate_sdss
    from skyquarry.pipeline.simulating import simulate
    from skyquarry.pipeline.skyasked import field

    seed = (SEED if sdss else 1) if seed is None else seed
    made = (simulate_sdss if sdss else simulate)(
        field(area, latitude_deg=latitude, longitude_deg=longitude, region=region),
        out,
        seed=seed,
        surveys=listed(surveys),
        depth=depth,
        lightcurves=lightcurves,
        overwrite=overwrite,
        progress=True,
    )
    rows = {name: int(made[name].stored.tiles.rows.sum()) for name in made.names()}
    if as_json:
        write_json({"path": out, "seed": seed, "simulated": True, "rows": rows})
    else:
        typer.echo(f"simulated, seed {seed}, in {out}:")
        for name, count in rows.items():
            typer.echo(f"  {name:<16}{count:>12,} rows")
