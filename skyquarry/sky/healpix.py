"""HEALPix, nested, at any order from 0 to 29. The only importer of cdshealpix.

Pixels are int64, positions degrees, radii arcseconds. Searches (`search`, `cone_cells`,
`zone_cells`, from `cellsearch`) return cells of mixed order, sorted along the sky:
`(pixel int64, order int8, fully bool)`, where `fully` says that the cell lies wholly inside. A
search never misses a point of its shape; it may return a few cells that do not touch it.
"""

from __future__ import annotations

import importlib.machinery
import importlib.util
import sys
from functools import cache
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from skyquarry.errors import RegionError
from skyquarry.sky.cellsearch import (
    MAX_ORDER,
    Cells,
    Ints,
    cap_radius,
    check_order,
    cone_cells,
    search,
    zone_cells,
)
from skyquarry.sky.vectors import Floats, check_positions, wrap_ra

__all__ = [
    "BASE_CELLS",
    "MAX_ORDER",
    "Cells",
    "Ints",
    "cap_radius",
    "cell_area_deg2",
    "center",
    "check_order",
    "children",
    "cone_cells",
    "corners",
    "index",
    "neighbours",
    "parent",
    "pixel_range",
    "search",
    "zone_cells",
]

BASE_CELLS: Final = 12
_RADIAN: Final = np.pi / 180.0
_CHUNK: Final = 1 << 16  # temporaries of one chunk stay in the cache: measured fastest of 8k .. 1M
_ONE_THREAD: Final = np.uint16(1)  # parallel over tiles, not inside them


@cache
def _native() -> Any:
    """The compiled half of cdshealpix, without its `__init__`.

    That `__init__` imports astropy, which costs 0.3 s: half of what a cone search typed in a shell
    may take. The compiled functions take plain arrays and need none of it. (A package loaded
    already is used as it is.)
    """
    name = "cdshealpix.cdshealpix"
    if name in sys.modules:
        return sys.modules[name]
    package = importlib.util.find_spec("cdshealpix")
    if package is not None:
        for folder in package.submodule_search_locations or ():
            for suffix in importlib.machinery.EXTENSION_SUFFIXES:
                path = Path(folder) / f"cdshealpix{suffix}"
                if path.is_file():
                    return _load_extension(name, path)
    return importlib.import_module(name)


def _load_extension(name: str, path: Path) -> Any:
    loader = importlib.machinery.ExtensionFileLoader(name, str(path))
    spec = importlib.util.spec_from_file_location(name, path, loader=loader)
    assert spec is not None  # a loader was given, so there is a spec
    module = importlib.util.module_from_spec(spec)
    loader.exec_module(module)
    return module


# ------------------------------------------------------------------ positions and pixels
def index(ra_deg: npt.ArrayLike, dec_deg: npt.ArrayLike, order: int = MAX_ORDER) -> Ints:
    """Pixels (n,) int64 of positions; RA may be any finite number.

    Raises PositionError with value and row for a NaN, an infinite RA, or |dec| > 90.

    >>> index([45.0, 405.0], [0.0, 0.0], order=0).tolist()
    [0, 0]
    """
    check_order(order)
    ra, dec = check_positions(ra_deg, dec_deg)
    ra, dec = ra.ravel(), dec.ravel()
    pixels = np.empty(ra.size, np.uint64)
    if ra.size == 0:
        return pixels.view(np.int64)
    if ra.min() < 0.0 or ra.max() >= 360.0:
        ra = wrap_ra(ra)
    size = min(_CHUNK, ra.size)
    # The library also returns where in the cell a point lies; that goes to a scratch of one chunk.
    lon, lat, dx, dy = np.empty((4, size))
    depth = np.full(size, order, np.uint8)
    hash_points = _native().lonlat_to_healpix
    for start in range(0, ra.size, size):
        out = pixels[start : start + size]
        n = out.size
        np.multiply(ra[start : start + n], _RADIAN, out=lon[:n])
        np.multiply(dec[start : start + n], _RADIAN, out=lat[:n])
        hash_points(depth[:n], lon[:n], lat[:n], out, dx[:n], dy[:n], _ONE_THREAD)
    return pixels.view(np.int64)


def center(pixel: npt.ArrayLike, order: int | npt.ArrayLike) -> tuple[Floats, Floats]:
    """(ra_deg in [0, 360), dec_deg) of the centres of cells (n,)."""
    pixels, depths = _cells(pixel, order)
    lon, lat = np.empty((2, pixels.size))
    _native().healpix_to_lonlat(depths, pixels, 0.5, 0.5, lon, lat, _ONE_THREAD)
    return wrap_ra(np.degrees(lon)), np.degrees(lat)


def corners(
    pixel: npt.ArrayLike, order: int | npt.ArrayLike, steps: int = 1
) -> tuple[Floats, Floats]:
    """(ra_deg, dec_deg), each (n, 4 * steps): the outline of cells, from south over east to north.

    With `steps` above 1 the points between two corners lie on the cell's true (curved) edge.
    """
    pixels, depths = _cells(pixel, order)
    lon, lat = np.empty((2, pixels.size, 4 * steps))
    _native().vertices(depths, pixels, steps, lon, lat, _ONE_THREAD)
    return wrap_ra(np.degrees(lon)), np.degrees(lat)


def neighbours(pixel: npt.ArrayLike, order: int) -> Ints:
    """Neighbours (n, 8) in the order S, SE, E, SW, NE, W, NW, N; -1 where there is none."""
    pixels, _ = _cells(pixel, order)
    around = np.empty((pixels.size, 9), np.int64)
    _native().neighbours(np.uint8(order), pixels, around, _ONE_THREAD)
    return np.delete(around, 4, axis=1)


def pixel_range(order: int | npt.ArrayLike, pixel: npt.ArrayLike) -> tuple[Ints, Ints]:
    """(start, stop) int64 of cells in order-29 pixels, half-open; vectorised over both."""
    shift = 2 * (MAX_ORDER - np.asarray(order, dtype=np.int64))
    cell = np.asarray(pixel, dtype=np.int64)
    return np.asarray(cell << shift), np.asarray((cell + 1) << shift)


def parent(pixel: npt.ArrayLike, order: int | npt.ArrayLike, to_order: int) -> Ints:
    """The cells of a coarser order `to_order` that hold these cells."""
    depth = np.asarray(order, dtype=np.int64)
    if np.any(depth < to_order):
        raise RegionError(
            f"to_order is {to_order}, but the parent of a cell of order {int(depth.min())} "
            "needs an order no finer than that; try `children`"
        )
    return np.asarray(np.asarray(pixel, dtype=np.int64) >> (2 * (depth - to_order)))


def children(pixel: npt.ArrayLike, order: int, to_order: int) -> Ints:
    """The cells (n, 4**(to_order - order)) of a finer order that these cells consist of."""
    count = 1 << (2 * (check_order(to_order) - check_order(order)))
    cell = np.atleast_1d(np.asarray(pixel, dtype=np.int64))
    return np.asarray(cell[:, np.newaxis] * count + np.arange(count))


def cell_area_deg2(order: int | npt.ArrayLike) -> Floats:
    """Area in square degrees of one cell; all cells of an order are equal."""
    sphere = 4.0 * np.pi / _RADIAN**2
    return np.asarray(sphere / (BASE_CELLS * 4.0 ** np.asarray(order, dtype=np.float64)))


def to_ring(pixel: npt.ArrayLike, order: int) -> Ints:
    """Numbers (n,) in the ring scheme of nested pixels (n,): many maps are ordered so."""
    pixels, _ = _cells(pixel, order)
    ring = np.empty(pixels.size, np.uint64)
    _native().to_ring(np.uint8(order), pixels, ring, _ONE_THREAD)
    return ring.view(np.int64)


def bilinear(ra_deg: npt.ArrayLike, dec_deg: npt.ArrayLike, order: int) -> tuple[Ints, Floats]:
    """The four cells (n, 4) around each position, and their weights, which add up to 1."""
    check_order(order)
    ra, dec = check_positions(ra_deg, dec_deg)
    pixels, weights = np.empty((ra.size, 4), np.uint64), np.empty((ra.size, 4))
    lon, lat = np.radians(wrap_ra(ra.ravel())), np.radians(dec.ravel())
    _native().bilinear_interpolation(np.uint8(order), lon, lat, pixels, weights, _ONE_THREAD)
    return pixels.view(np.int64), weights


def _cells(
    pixel: npt.ArrayLike, order: int | npt.ArrayLike
) -> tuple[npt.NDArray[np.uint64], npt.NDArray[np.uint8]]:
    pixels, orders = np.broadcast_arrays(
        np.atleast_1d(np.asarray(pixel, dtype=np.int64)), np.asarray(order, dtype=np.int64)
    )
    pixels, orders = pixels.ravel(), orders.ravel()
    for extreme in (orders.min(initial=0), orders.max(initial=0)):
        check_order(int(extreme))
    bad = np.flatnonzero((pixels < 0) | (pixels >= BASE_CELLS << (2 * orders)))
    if bad.size:
        raise RegionError(
            f"pixel is {pixels[bad[0]]} in row {bad[0]}, but order {orders[bad[0]]} needs pixels "
            f"from 0 to {(BASE_CELLS << int(2 * orders[bad[0]])) - 1}; try another order"
        )
    return pixels.astype(np.uint64), orders.astype(np.uint8)
