"""`features`: the numbers that a model learns from, of every row of a catalogue."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from skyquarry.cli.options import Spectra, Surveys, Which  # noqa: TC001  (typer reads them)
from skyquarry.cli.words import listed, one_or_more


def features(
    catalog: Annotated[str, typer.Argument(metavar="CATALOG", help="A catalogue: path or URL.")],
    *,
    to: Annotated[str, typer.Option("--to", help="Where the catalogue of features is written.")],
    survey: Surveys = None,
    which: Which = "auto",
    with_spectra: Spectra = False,
    ebv: Annotated[
        str | None, typer.Option("--ebv", help="E(B-V): a column, or a dust map: sfd.")
    ] = None,
    columns: Annotated[
        str | None, typer.Option("--columns", help="Columns to keep, with commas between.")
    ] = None,
    plan: Annotated[bool, typer.Option("--plan", help="Say what it would do, and end.")] = False,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="A new version of a catalogue that is there.")
    ] = False,
) -> None:
    """Make the features of a catalogue, tile by tile; killed and started again, it goes on.

    Example: skyquarry features archive/field --survey sdss --to archive/features
    """
    from skyquarry.pipeline.featuring import make_features

    surveys: Any = one_or_more(survey)
    made = make_features(
        catalog, surveys, which=one_or_more(which) or "auto",
        with_spectra=with_spectra, ebv=ebv, columns=listed(columns),
        telling=lambda text: typer.echo(text, err=True),
    )  # fmt: skip
    if plan:
        typer.echo(made.explain())
        return
    found = made.to_catalog(to, overwrite=overwrite)
    typer.echo(f"{len(found):,} rows with their features: {to}")
