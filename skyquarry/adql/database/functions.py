"""Functions of Python that the database may call: Arrow arrays in, an Arrow array out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from skyquarry.adql.geometry.manycorners import PREFIX, holding
from skyquarry.adql.geometry.measuring import areas, middles
from skyquarry.adql.geometry.touching import containing, touching

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Python:
    """A function, and the types that the database knows it by."""

    function: Callable[..., Any]
    takes: tuple[str, ...]
    gives: str


def _numbers(*columns: Any) -> tuple[list[Floats], Mask]:
    """Columns (n,) as float64, and where all are there."""
    arrays = [np.asarray(each.to_numpy(zero_copy_only=False), np.float64) for each in columns]
    return arrays, np.asarray(~np.isnan(arrays).any(axis=0))


def _on_sky(ra: Floats, dec: Floats, known: Any) -> Mask:
    return np.asarray(known & np.isfinite(ra) & (np.abs(dec) <= 90.0))


def _column(column: Any) -> Any:
    return column.combine_chunks() if hasattr(column, "combine_chunks") else column


def _cells(ra: Any, dec: Any, index: Callable[[Floats, Floats], Any]) -> Any:
    import pyarrow as pa

    (lon, lat), known = _numbers(_column(ra), _column(dec))
    known = _on_sky(lon, lat, known)
    found = np.zeros(len(lon), np.int64)
    if known.any():
        found[known] = index(lon[known], lat[known])
    return pa.array(found, mask=~known)


def healpix_index(ra: Any, dec: Any, order: Any) -> Any:
    """The nested pixel of each position; NULL where there is none."""
    from skyquarry.sky import healpix

    level = _first(order)
    return _cells(ra, dec, lambda lon, lat: healpix.index(lon, lat, level))


def htm_index(ra: Any, dec: Any, level: Any) -> Any:
    """The trixel of each position."""
    from skyquarry.sky import htm

    depth = _first(level)
    return _cells(ra, dec, lambda lon, lat: htm.index_radec(lon, lat, depth))


def _first(column: Any) -> int:
    return int(_column(column)[0].as_py()) if len(column) else 0


def healpix_center(pixel: Any, order: Any) -> Any:
    """(ra, dec) of the middle of each pixel; NULL for a number that is no pixel."""
    from skyquarry.sky import healpix

    level = _first(order)
    values = _column(pixel)
    known = np.asarray(values.is_valid().to_numpy(zero_copy_only=False), bool)
    numbers = np.asarray(values.fill_null(0).to_numpy(zero_copy_only=False), np.int64)
    known &= (numbers >= 0) & (numbers < 12 << (2 * level))
    ra, dec = healpix.center(np.where(known, numbers, 0), level)
    return _pairs(np.asarray(ra), np.asarray(dec), known)


def moved(  # noqa: PLR0913, PLR0917  (the database counts them)
    ra: Any, dec: Any, parallax: Any, pmra: Any, pmdec: Any, velocity: Any, start: Any, stop: Any
) -> Any:
    """(ra, dec) at another epoch: ra, dec, parallax, pmra, pmdec, radial velocity, two years.

    A position that is not there gives NULL; motion, parallax and velocity that are not count as 0.
    """
    from skyquarry.sky.motion import propagate

    columns = (ra, dec, start, stop, pmra, pmdec, parallax, velocity)
    arrays, _ = _numbers(*(_column(each) for each in columns))
    known = _on_sky(arrays[0], arrays[1], ~np.isnan(arrays[:4]).any(axis=0))
    lon, lat = arrays[0].copy(), arrays[1].copy()
    if known.any():
        there = [each[known] for each in arrays]
        years = there[3] - there[2]
        found = propagate(there[0], there[1], there[4], there[5], years, there[6], there[7])
        lon[known], lat[known] = found
    return _pairs(lon, lat, known)


def propagated(  # noqa: PLR0913, PLR0917  (the database counts them)
    ra: Any, dec: Any, parallax: Any, pmra: Any, pmdec: Any, velocity: Any, start: Any, stop: Any
) -> Any:
    """All six parameters at another epoch, as a list: as `moved` takes them, angles in mas.

    The radial velocity of what has no parallax above 0 is NULL, as its motion along the line of
    sight is not known.
    """
    from skyquarry.sky.motion import KM_S_YEARS_PER_AU
    from skyquarry.sky.motioncovariance import Astrometry, moved_astrometry

    columns = (ra, dec, start, stop, parallax, pmra, pmdec, velocity)
    arrays, _ = _numbers(*(_column(each) for each in columns))
    known = _on_sky(arrays[0], arrays[1], ~np.isnan(arrays[:4]).any(axis=0))
    lon, lat, begun, ended, *rest = (each[known] for each in arrays)
    plx, east, north, along = (np.nan_to_num(each) for each in rest)
    stars = Astrometry.of(lon, lat, plx, east, north, along * plx / KM_S_YEARS_PER_AU)
    end = moved_astrometry(stars, ended - begun) if len(lon) else stars
    with np.errstate(divide="ignore", invalid="ignore"):
        speed = end.radial_masyr * KM_S_YEARS_PER_AU / end.parallax_mas
    speed[~(end.parallax_mas > 0)] = np.nan
    six = (end.ra_deg, end.dec_deg, end.parallax_mas, end.pmra_masyr, end.pmdec_masyr, speed)
    return _lists(np.column_stack(six), known)


def _lists(values: Floats, known: Mask) -> Any:
    """Rows (m, k) as lists of those that are known, NULL for the others; NaN as NULL."""
    import pyarrow as pa

    flat = pa.array(values.ravel(), from_pandas=True)
    ends = np.concatenate([[0], np.cumsum(known)]).astype(np.int32) * values.shape[1]
    return pa.ListArray.from_arrays(pa.array(ends, mask=np.append(~known, False)), flat)


def _pairs(lon: Floats, lat: Floats, known: Mask) -> Any:
    import pyarrow as pa

    flat = pa.array(np.column_stack([lon, lat]).ravel())
    ends = np.arange(0, 2 * len(lon) + 1, 2, dtype=np.int32)
    offsets = pa.array(ends, mask=np.append(~known, False))
    return pa.ListArray.from_arrays(offsets, flat)


PYTHON: Final[dict[str, Python]] = {
    "sky_healpix": Python(healpix_index, ("DOUBLE", "DOUBLE", "INTEGER"), "BIGINT"),
    "sky_htm": Python(htm_index, ("DOUBLE", "DOUBLE", "INTEGER"), "BIGINT"),
    "sky_healpix_center": Python(healpix_center, ("BIGINT", "INTEGER"), "DOUBLE[]"),
    "sky_moved": Python(moved, ("DOUBLE",) * 8, "DOUBLE[]"),
    "sky_touching": Python(touching, ("DOUBLE[]", "DOUBLE[]"), "BOOLEAN"),
    "sky_containing": Python(containing, ("DOUBLE[]", "DOUBLE[]"), "BOOLEAN"),
    "sky_area": Python(areas, ("DOUBLE[]",), "DOUBLE"),
    "sky_middle": Python(middles, ("DOUBLE[]",), "DOUBLE[]"),
    "sky_propagated": Python(propagated, ("DOUBLE",) * 8, "DOUBLE[]"),
}


def known(name: str) -> Python:
    """The function of that name in SQL: one of ours, or one that the user registered."""
    if name in PYTHON:
        return PYTHON[name]
    if name.startswith(PREFIX):
        return Python(holding(name), ("DOUBLE", "DOUBLE"), "BOOLEAN")
    from skyquarry.adql.userfunctions import sql_function

    return Python(*sql_function(name))
