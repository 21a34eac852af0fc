"""`simulate check`: how true a synthetic sky is."""

from __future__ import annotations

from typing import Annotated

import typer

from skyquarry.cli.options import Json  # noqa: TC001  (typer reads it)
from skyquarry.cli.output import check_out, write_json, write_out
from skyquarry.cli.words import listed


def check(
    *,
    sky: Annotated[
        str | None,
        typer.Argument(
            metavar="[SKY]", help="An archive of `skyquarry simulate`: its rows are judged too."
        ),
    ] = None,
    real: Annotated[
        str | None,
        typer.Option("--real", help="A folder of real tables; without it loci are not measured."),
    ] = None,
    report: Annotated[
        str | None, typer.Option("--report", help="Write a page with plots: check.html.")
    ] = None,
    out: Annotated[str | None, typer.Option("--out", help="Write all numbers as JSON.")] = None,
    seed: Annotated[
        int, typer.Option("--seed", min=0, help="Of the sky that is made; an archive has its own.")
    ] = 1,
    area: Annotated[
        float, typer.Option("--area", min=0.1, help="Square degrees of each field that is made.")
    ] = 1.0,
    scale: Annotated[
        float, typer.Option("--scale", min=0.01, help="Times the usual area of rare classes.")
    ] = 1.0,
    parts: Annotated[
        str, typer.Option("--parts", help="What is checked, with commas between.")
    ] = "loci,counts,separability,cuts",
    as_json: Json = False,
) -> None:
    """Tell how true a synthetic sky is, and where it falls short.

    Example: skyquarry simulate check --real real --report check.html

    Colours beside those of real objects, counts beside published ones, a learner that tries to tell
    simulated from real, and published cuts.
    """
    from skyquarry.pipeline.checking import check

    check_out(out)
    wanted = listed(parts)
    found = check(sky, real=real, seed=seed, area_deg2=area, scale=scale, parts=wanted, page=report)
    told = found.to_dict()
    if out is not None:
        write_out(told, out)
    if as_json:
        write_json(told)
        return
    for line in found.lines():
        typer.echo(line)
    typer.echo(f"{found.passed} kept, {found.failed} failed, {found.unmeasured} not measured")
