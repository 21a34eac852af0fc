"""Maps of how many rows lie where: skymap.fits and point_map.fits, as HATS keeps them.

A map is sparse here: (pixel, count), both (m,) int64, pixels ascending, counts above 0. In FITS it
is a HEALPix table, nested, ICRS; all cells where at least half hold rows, else those alone.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import numpy as np

from skyquarry.errors import DamagedError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

MAP_FILES = ("skymap.fits", "point_map.fits")


def add_maps(
    maps: Iterable[tuple[NDArray[np.int64], NDArray[np.int64]]],
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The sum of sparse maps of one order, as a sparse map."""
    parts = list(maps)
    if not parts:
        return np.empty(0, np.int64), np.empty(0, np.int64)
    pixel = np.concatenate([part[0] for part in parts])
    count = np.concatenate([part[1] for part in parts])
    cells, place = np.unique(pixel, return_inverse=True)
    total = np.zeros(len(cells), np.int64)
    np.add.at(total, place, count)
    return cells, total


def degrade(
    pixel: NDArray[np.int64], count: NDArray[np.int64], order: int, to_order: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The sparse map at a lower order; the sum stays."""
    return add_maps([(pixel >> 2 * (order - to_order), count)])


def write_skymap(pixel: NDArray[np.int64], count: NDArray[np.int64], order: int) -> bytes:
    """A FITS file with a HEALPix table of the counts: the same bytes for the same map."""
    from astropy.io import fits

    cells = 12 << 2 * order
    full = len(pixel) * 2 >= cells
    if full:
        values = np.zeros(cells, np.int64)
        values[pixel] = count
        columns = [fits.Column("VALUE", "K", array=values)]
    else:
        columns = [
            fits.Column("PIXEL", "K", array=pixel),
            fits.Column("VALUE", "K", array=count),
        ]
    table = fits.BinTableHDU.from_columns(columns)
    table.header.update(_keywords(order, len(pixel), full=full))
    out = io.BytesIO()
    fits.HDUList([fits.PrimaryHDU(), table]).writeto(out)
    return out.getvalue()


def read_skymap(
    data: bytes, file: str = "skymap.fits"
) -> tuple[int, NDArray[np.int64], NDArray[np.int64]]:
    """(order, pixel, count) of a map's FITS file; cells without rows are left out.

    Raises
    ------
    DamagedError
        When it is no FITS file, no nested HEALPix table, or has a cell that does not exist.
    """
    from astropy.io import fits

    try:
        with fits.open(io.BytesIO(data)) as hdus:
            header, rows = hdus[1].header, hdus[1].data
            scheme = header.get("ORDERING", "NESTED").strip().upper()
            order = int(header["NSIDE"]).bit_length() - 1
            pixel, count = _cells(rows, header)
    except (OSError, KeyError, IndexError, TypeError, ValueError) as error:
        raise DamagedError(
            f"{file} is no HEALPix map ({error}), but a FITS table with NSIDE is needed: "
            "build the catalogue again, or remove the file"
        ) from error
    if scheme != "NESTED":
        raise DamagedError(f"{file}: ORDERING is {scheme}, but HATS maps are NESTED: reorder it")
    if len(pixel) and not 0 <= pixel.min() <= pixel.max() < 12 << 2 * order:
        raise DamagedError(f"{file}: a cell beyond those of order {order}: build the map again")
    held = np.flatnonzero(count)
    held = held[np.argsort(pixel[held], kind="stable")]
    return order, pixel[held], count[held]


def map_files(
    pixel: NDArray[np.int64], count: NDArray[np.int64], order: int
) -> tuple[dict[str, bytes], list[int]]:
    """Every map file of a catalogue, name -> bytes; and the orders of the lower ones."""
    whole = write_skymap(pixel, count, order)
    files = dict.fromkeys(MAP_FILES, whole)
    lower = lower_orders(order)
    for k in lower:
        files[f"skymap.{k}.fits"] = write_skymap(*degrade(pixel, count, order, k), k)
    return files, lower


def write_moc(pixel: NDArray[np.int64], order: int) -> bytes:
    """The MOC (FITS) of the cells that hold rows: where there are sources, not where one looked."""
    from skyquarry.sky.mocs import MocRegion
    from skyquarry.sky.ranges import Ranges

    return MocRegion(Ranges.from_cells(np.full(len(pixel), order), pixel), order).to_fits()


def lower_orders(order: int) -> list[int]:
    """Orders at which a map is also kept: 2, 4, 6, where they are lower."""
    return [k for k in (2, 4, 6) if k < order]


def sky_fraction(pixel: Sequence[int] | NDArray[np.int64], order: int) -> float:
    """The part of the sky whose cells hold rows."""
    return len(pixel) / (12 << 2 * order)


def _keywords(order: int, held: int, *, full: bool) -> dict[str, Any]:
    cells = 12 << 2 * order
    told: dict[str, Any] = {
        "PIXTYPE": "HEALPIX",
        "ORDERING": "NESTED",
        "COORDSYS": "C",
        "EXTNAME": "SKYMAP",
        "NSIDE": 1 << order,
        "INDXSCHM": "IMPLICIT" if full else "EXPLICIT",
        "FIRSTPIX": 0,
        "LASTPIX": cells - 1,
    }
    return told if full else {**told, "OBS_NPIX": held}


def _cells(rows: Any, header: Any) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """(pixel, count) of a map's table; an implicit one may hold many cells a row."""
    names = [name.upper() for name in rows.names]
    if str(header.get("INDXSCHM", "IMPLICIT")).strip().upper() == "EXPLICIT":
        pixel = np.asarray(rows[rows.names[names.index("PIXEL")]]).astype(np.int64)
        values = next(n for n, upper in zip(rows.names, names, strict=True) if upper != "PIXEL")
        return pixel, np.asarray(rows[values]).astype(np.int64)
    count = np.asarray(rows[rows.names[0]]).astype(np.int64).ravel()
    return np.arange(len(count)), count
