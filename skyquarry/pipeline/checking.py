"""`skyquarry simulate check`: how true a synthetic sky is, as data and as a page."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from skyquarry.errors import UserError, one_of
from skyquarry.pipeline.reports import check_page
from skyquarry.pipeline.simulating import SETTINGS, TRUTH
from skyquarry.synthetic.check.report import PARTS

if TYPE_CHECKING:
    import os
    from collections.abc import Sequence

    import pyarrow as pa

    from skyquarry.catalog.stored import Stored
    from skyquarry.engine.archive import Archive
    from skyquarry.sky.algebra import Region
    from skyquarry.synthetic.check.fields import Field
    from skyquarry.synthetic.check.report import Report

_NEAR_DEG = 2.0
"""An archive so near to the latitude of a field of published counts stands for it."""
_COLUMNS = {
    "sdss": ("psfMag_r", "modelMag_r"),
    "twomass": (),
    "allwise": ("w1mpro", "w2mpro"),
    "gaia": ("phot_g_mean_mag", "phot_bp_mean_mag", "phot_rp_mean_mag", "parallax",
             "parallax_over_error", "pmra", "pmdec"),
}  # fmt: skip
"""of the surveys that are looked at, what counts and cuts need"""


def check(  # noqa: PLR0913  each keyword is said by its name
    sky: str | os.PathLike[str] | Archive | None = None,
    *,
    real: str | os.PathLike[str] | None = None,
    seed: int = 1,
    area_deg2: float = 1.0,
    scale: float = 1.0,
    parts: Sequence[str] = PARTS,
    trees: int = 500,
    page: str | os.PathLike[str] | None = None,
) -> Report:
    """How true a synthetic sky is: loci, counts, separability, published cuts.

    Rare classes are drawn alone over hundreds of square degrees, and fields at |b| = 30, 45, 60, 78
    and 90 are made and observed, all in memory. An archive's rows take the place of the field at
    their latitude.

    Parameters
    ----------
    sky
        An archive of `sq.simulate`, or its folder; its seed is used. None: only what is made here.
    real
        A folder of real tables of known class; what it lacks is told as not measured.
    area_deg2
        Of each field, at least.
    scale
        Times the usual area of what is drawn of one class.
    parts
        Of loci, counts, separability, cuts.
    trees
        Of CatBoost; the bound is meant for 500.
    page
        Write the report as this HTML file, with plots.

    Raises UserError for arguments that cannot be, MissingExtraError without what they need.

    >>> check(real="real", page="check.html").failed  # doctest: +SKIP
    """
    from skyquarry.synthetic.check.checking import Asked, checked
    from skyquarry.synthetic.populations import usual

    for part in parts:
        one_of("a part", part, PARTS)
    if not (area_deg2 > 0 and scale > 0):
        raise UserError(f"area_deg2 is {area_deg2} and scale {scale}, but both must be above 0")
    if page is not None:
        check_page(page)
    folder = None if real is None else _folder(real)
    populations = usual()
    given: dict[str, Field] = {}
    if sky is not None:
        seed, given = _of_archive(sky, {each.name: repr(each) for each in populations})
    report = checked(Asked(populations, seed, folder, area_deg2, scale, tuple(parts), trees, given))
    if page is not None:
        from skyquarry.plots.checkpage import check_page as drawn

        drawn(report.to_dict(), page)
    return report


def _folder(real: str | os.PathLike[str]) -> Path:
    folder = Path(real)
    if not folder.is_dir():
        raise UserError(
            f"the folder of real tables is {str(folder)!r}, but there is none: leave it out, and "
            "what needs it is told as not measured"
        )
    return folder


def _of_archive(
    sky: str | os.PathLike[str] | Archive, now: dict[str, str]
) -> tuple[int, dict[str, Field]]:
    """The seed of an archive, and its field under the name that counts know it by."""
    from skyquarry.engine.archive import archive
    from skyquarry.synthetic.check.counts import PLACES

    opened = archive(sky) if isinstance(sky, str | Path) or hasattr(sky, "__fspath__") else sky
    told = opened[TRUTH].properties.get(SETTINGS) if TRUTH in opened else None
    if told is None:
        raise UserError(
            f"{opened.path} has no catalogue {TRUTH!r} of sq.simulate, but a check needs the "
            "truth: give a folder that `skyquarry simulate --out` made"
        )
    settings = json.loads(told)
    if settings["populations"] != now:
        raise UserError(
            f"{opened.path} was made of other populations than this version draws: simulate it anew"
        )
    if not set(_COLUMNS) <= set(settings["surveys"]):
        raise UserError(
            f"{opened.path} has the surveys {', '.join(settings['surveys'])}, but a check needs "
            f"{', '.join(_COLUMNS)}: simulate it with them"
        )
    made = _field(opened, settings)
    near = [name for name, (_, b) in PLACES.items() if abs(abs(made.latitude_deg) - b) < _NEAR_DEG]
    return int(settings["seed"]), {near[0] if near else "field of the archive": made}


def _field(opened: Archive, settings: dict[str, Any]) -> Field:
    """The truth inside of the region, and the surveys' rows."""
    from skyquarry.sky.regiontext import region_from_text
    from skyquarry.sky.vectors import to_xyz
    from skyquarry.synthetic.check.fields import Field, joined
    from skyquarry.synthetic.observe.surveys import CATALOGUES
    from skyquarry.synthetic.sources import Sources

    region = region_from_text(settings["region"])
    truth = _whole(opened[TRUTH].stored)
    sources, ids = Sources.from_table(truth), truth["id"].to_numpy()
    tables, of = {}, {}
    for name, columns in _COLUMNS.items():
        key = CATALOGUES[name].key
        tables[name] = _whole(opened[name].stored, (key, *columns))
        of[name] = joined(tables[name], _whole(opened[f"{name}_truth"].stored), key, ids)
    inside = region.contains(to_xyz(sources.ra_deg, sources.dec_deg))
    kept, place = np.flatnonzero(inside), np.full(len(ids) + 1, -1)
    place[kept] = np.arange(len(kept))
    moved = {name: np.where(each >= 0, place[each], -1) for name, each in of.items()}
    area = region.area()
    known = sources.taken(kept), tables, moved, ids[kept]
    return Field("archive", area, _latitude(region), *known)


def _whole(stored: Stored, columns: Sequence[str] | None = None) -> pa.Table:
    import pyarrow as pa

    names = [
        name
        for name in (columns if columns is not None else stored.schema.names)
        if name != "_healpix_29"
    ]
    return pa.concat_tables([stored.read(tile, names) for tile in range(len(stored.tiles))])


def _latitude(region: Region) -> float:
    """Galactic, of the middle of what the region covers."""
    from skyquarry.sky import healpix
    from skyquarry.sky.frames import to_frame
    from skyquarry.sky.vectors import to_radec, to_xyz

    cover = region.cover(9)
    cells = (cover.inner | cover.outer).flat(9)
    middle = to_xyz(*healpix.center(cells, 9)).mean(axis=0)
    _, b = to_radec(to_frame(middle[None] / np.linalg.norm(middle), "galactic"))
    return float(b[0])
