"""`cone`, `region`, `sample`: rows of a catalogue."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import typer

from skyquarry.cli.options import (
    ARCHIVE,
    Archive,
    Catalogue,
    Columns,
    Json,
    Limit,
    Out,
    Where,
    located,
)
from skyquarry.cli.output import write_rows
from skyquarry.cli.words import listed


def cone(
    path: Catalogue,
    position: Annotated[
        list[str],
        typer.Argument(
            metavar="RA_DEG DEC_DEG RADIUS_ARCSEC",
            help="The centre in degrees (ICRS), sexagesimal or by name, then the radius.",
        ),
    ],
    *,
    archive: Archive = ARCHIVE,
    columns: Columns = None,
    where: Where = None,
    epoch: Annotated[
        float | None,
        typer.Option("--epoch", help="Julian year that the stars are moved to before the search."),
    ] = None,
    out: Out = None,
    limit: Limit = 20,
    as_json: Json = False,
) -> None:
    """Search a circle on the sky.

    Example: skyquarry cone demo/archive/gaia 56.75 24.12 3600 --out pleiades.fits

    The centre may have a name, or be sexagesimal: skyquarry cone gaia M45 3600
    """
    centre, radius_arcsec = centre_and_radius(position)
    found = _opened(path, archive).cone(*centre, radius_arcsec=radius_arcsec, epoch=epoch)
    _answer(found, columns, where, out=out, limit=limit, as_json=as_json)


def centre_and_radius(words: list[str]) -> tuple[tuple[float, float] | tuple[str], float]:
    """The centre (two numbers of degrees, or one text) and the radius in arcsec.

    >>> centre_and_radius(["83.82", "-5.39", "60"])
    ((83.82, -5.39), 60.0)
    >>> centre_and_radius(["M", "45", "3600"])
    (('M 45',), 3600.0)
    """
    from skyquarry.errors import PositionError

    numbers = [_number(word) for word in words]
    if len(words) < 2 or numbers[-1] is None:
        raise PositionError(
            f"the cone is {' '.join(words)!r}, but it needs a centre, then a radius as a number of "
            "arcsec: as in 56.75 24.12 3600, or M45 3600"
        )
    if len(words) == 3 and numbers[0] is not None and numbers[1] is not None:
        return (numbers[0], numbers[1]), numbers[-1]
    return (" ".join(words[:-1]),), numbers[-1]


def _number(word: str) -> float | None:
    try:
        return float(word)
    except ValueError:
        return None


def region(
    path: Catalogue,
    words: Annotated[
        list[str],
        typer.Argument(
            metavar="REGION",
            help="CIRCLE ra dec radius, POLYGON ra dec ra dec ..., RANGE ra1 ra2 dec1 dec2, or "
            "STC-S; degrees, ICRS.",
        ),
    ],
    *,
    archive: Archive = ARCHIVE,
    columns: Columns = None,
    where: Where = None,
    out: Out = None,
    limit: Limit = 20,
    as_json: Json = False,
) -> None:
    """Search any region of the sky that IVOA's text can say.

    Example: skyquarry region demo/archive/gaia "CIRCLE 83.82 -5.39 1" --where "phot_g_mean_mag < 8"
    """
    found = _opened(path, archive).region(" ".join(words))
    _answer(found, columns, where, out=out, limit=limit, as_json=as_json)


def sample(
    path: Catalogue,
    fraction: Annotated[float, typer.Argument(help="Between 0 and 1.")] = 0.01,
    by: Annotated[
        Literal["sky", "row"],
        typer.Option("--by", help="sky: whole cells, the same in any catalogue; row: rows."),
    ] = "sky",
    *,
    archive: Archive = ARCHIVE,
    columns: Columns = None,
    where: Where = None,
    out: Out = None,
    limit: Limit = 20,
    as_json: Json = False,
) -> None:
    """Take a sample of a catalogue: the same rows every time.

    Example: skyquarry sample demo/archive/gaia 0.01 --out gaia_1_percent.parquet
    """
    found = _opened(path, archive).sample(fraction, by=by)
    _answer(found, columns, where, out=out, limit=limit, as_json=as_json)


def _opened(path: str, archive: str) -> Any:
    from skyquarry.engine.catalog import open_catalog

    return open_catalog(located(path, archive))


def _answer(
    found: Any,
    columns: str | None,
    where: str | None,
    *,
    out: str | None,
    limit: int,
    as_json: bool,
) -> None:
    if where:
        found = found.where(where)
    if columns:
        found = found.select(listed(columns))
    write_rows(found.stream(), found.schema, out=out, as_json=as_json, limit=limit)
