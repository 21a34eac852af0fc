"""What stands around a source: galaxies of its own colour, and the nearest galaxy in its own size.

A cluster's galaxies share the colour of its red sequence: a galaxy with many neighbours of its own
colour, more than chance, is in one. A supernova stands in a galaxy: near, in units of its size.
Rows near the edge of a table see fewer neighbours: give rows with a margin of `REACH_ARCSEC`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from skyquarry.errors import ColumnError, UserError
from skyquarry.match.geometry.search import Points, estimate_pairs, find_pairs, sorted_points

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from numpy.typing import ArrayLike, NDArray

    from skyquarry.features.observed import Surveys

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]
    Mask = NDArray[np.bool_]

REACH_ARCSEC: Final = 420.0
RADII_ARCSEC: Final = {"1": 60.0, "3": 180.0}
_RING_ARCSEC: Final = (180.0, REACH_ARCSEC)
_COLOUR_MAG: Final = 0.1
"""half width of a red sequence with its errors: scatter 0.05 (Bower, Lucey & Ellis 1992)"""
_FAINTER_MAG: Final = 2.0
"""how much fainter than a galaxy its neighbours may be: a cluster's brightest sees them all"""
_HOST_ARCSEC: Final = 60.0
_EXTENDED_MAG: Final = 0.145
"""SDSS calls galaxies what has PSF - model above this: Stoughton et al. 2002, AJ 123, 485"""
_PAIRS: Final = 4_000_000
"""at most about so many in memory at once"""


@dataclass(frozen=True)
class Galaxies:
    """Galaxies (n,) in any order."""

    ra_deg: Floats
    dec_deg: Floats
    mag: Floats
    colour: Floats


def red_neighbours(galaxies: Galaxies) -> dict[str, Floats]:
    """{name: (n,)}: neighbours of a galaxy's own colour.

    red_1 and red_3: within 1' and 3', less what the ring from 3' to 7' lets expect; sigma_5: 5 over
    the area to the fifth nearest, a square arcminute (Dressler 1980), 0 where there is none in 7'.
    Neighbours have a colour within 0.1 mag of its own and are at most 2 mag fainter.
    """
    points, order = sorted_points(galaxies.ra_deg, galaxies.dec_deg)
    mag, colour = galaxies.mag[order], galaxies.colour[order]
    n = len(order)
    inside = {name: np.zeros(n) for name in RADII_ARCSEC}
    ring, fifth = np.zeros(n), np.full(n, np.inf)
    for rows, place, there, apart in _pairs(points, points, REACH_ARCSEC):
        alike = (
            (rows[place] != there)
            & (np.abs(colour[there] - colour[rows[place]]) <= _COLOUR_MAG)
            & (mag[there] <= mag[rows[place]] + _FAINTER_MAG)
        )
        left, sep = place[alike], apart[alike]
        for name, radius in RADII_ARCSEC.items():
            inside[name][rows] = np.bincount(left[sep <= radius], minlength=len(rows))
        ring[rows] = np.bincount(left[sep > _RING_ARCSEC[0]], minlength=len(rows))
        fifth[rows] = _kth(left, sep, len(rows), 5)
    area = _RING_ARCSEC[1] ** 2 - _RING_ARCSEC[0] ** 2
    told = {f"red_{name}": inside[name] - ring * r**2 / area for name, r in RADII_ARCSEC.items()}
    told["sigma_5"] = 5.0 / (np.pi * np.square(fifth / 60.0))
    unknown = ~np.isfinite(mag + colour)
    for values in told.values():
        values[unknown] = np.nan
    return {name: _back(values, order) for name, values in told.items()}


def _pairs(
    left: Points, right: Points, radius_arcsec: float
) -> Iterator[tuple[Ints, Ints, Ints, Floats]]:
    """(rows of the left side, their place in them, right rows, separations), in parts.

    A part has as many rows as keep its pairs few: halved where it has more.
    """
    todo = [np.arange(len(left))]
    while todo:
        rows = todo.pop()
        if not len(rows):
            continue
        some = slice(int(rows[0]), int(rows[-1]) + 1)
        part = Points(*(getattr(left, name)[some] for name in Points.__slots__))
        if len(rows) > 1000 and estimate_pairs(part, right, radius_arcsec) > _PAIRS:
            half = len(rows) // 2
            todo += [rows[half:], rows[:half]]
            continue
        found = find_pairs(part, right, radius_arcsec)
        yield rows, found.left, found.right, found.sep_arcsec


def _kth(left: Ints, sep: Floats, n: int, k: int) -> Floats:
    """(n,) separation of the k-th pair of each row, inf where it has fewer; sorted by row, sep."""
    first = np.searchsorted(left, np.arange(n))
    there = np.searchsorted(left, np.arange(n), side="right") - first >= k
    kth = np.full(n, np.inf)
    kth[there] = sep[first[there] + k - 1]
    return kth


def _back(values: Floats, order: Ints) -> Floats:
    """Into the order of the rows given."""
    told = np.empty_like(values)
    told[order] = values
    return told


def nearest_galaxy(
    ra_deg: ArrayLike, dec_deg: ArrayLike, hosts: Galaxies, size_arcsec: ArrayLike
) -> tuple[Floats, Ints]:
    """((n,) separation over size of the galaxy for which it is least, (n,) its row or -1).

    Among galaxies within 60", a row's own place left out (nearer than 0.1"); NaN where there is
    none. `size_arcsec` (m,): the half-light radius; smaller than 0.5" counts as that.
    """
    left, left_order = sorted_points(np.asarray(ra_deg), np.asarray(dec_deg))
    right, right_order = sorted_points(hosts.ra_deg, hosts.dec_deg)
    size = np.maximum(np.asarray(size_arcsec, np.float64)[right_order], 0.5)
    best, which = np.full(len(left), np.nan), np.full(len(left), -1)
    for rows, place, there, sep in _pairs(left, right, _HOST_ARCSEC):
        kept = (sep > 0.1) & np.isfinite(size[there])
        row, near = place[kept], sep[kept] / size[there[kept]]
        order = np.lexsort((right_order[there[kept]], near, row))
        row, near, host = row[order], near[order], there[kept][order]
        first = np.append(True, row[1:] != row[:-1])[: len(row)]
        best[rows[row[first]]] = near[first]
        which[rows[row[first]]] = right_order[host[first]]
    return _back(best, left_order), _back(which.astype(np.float64), left_order).astype(np.int64)


def environment_of(
    table: Any,
    survey: Surveys = "sdss",
    *,
    columns: Mapping[str, str] | None = None,
    galaxy: ArrayLike | None = None,
    colours: tuple[tuple[str, str], ...] = (("g", "r"), ("r", "i")),
    mag: str = "r",
) -> Any:
    """An Arrow table of features of the surroundings, a row a row of `table`, in its order.

    near_<a>-<b>_red_1, _red_3, _sigma_5 (galaxies only, for each pair of bands), near_host_dlr.
    `galaxy` (n,): which rows are galaxies; None: PSF - model above 0.145 in `mag`. Append its
    columns to the table: `features_of` takes them by themselves.

    Raises ColumnError for a table without positions, UserError for several surveys.
    """
    import pyarrow as pa

    from skyquarry.features.observed import seen
    from skyquarry.features.reading import Columns

    read = Columns(table)
    found = seen(read, survey, columns or {})
    if len(found) != 1:
        raise UserError(
            f"survey names {len(found)} surveys, but surroundings are those of one: give that one"
        )
    [own] = found
    if own.roles.ra is None or own.roles.dec is None:
        raise ColumnError(
            f"survey {own.survey.name!r} has no positions in the table: name their columns with "
            "columns={'ra': ..., 'dec': ...}"
        )
    ra, dec = own.told(own.roles.ra), own.told(own.roles.dec)
    placed = np.isfinite(ra) & np.isfinite(dec)
    is_galaxy = placed & (_extended(own, mag) if galaxy is None else np.asarray(galaxy, np.bool_))
    mags = {name: own.light(band).mag.astype(np.float64) for name, band in own.bands.items()}
    told: dict[str, Floats] = {}
    for a, b in colours:
        if a in mags and b in mags and mag in mags:
            some = Galaxies(*(each[is_galaxy] for each in (ra, dec, mags[mag], mags[a] - mags[b])))
            for name, values in red_neighbours(some).items():
                told[f"near_{a}-{b}_{name}"] = _at(values, is_galaxy)
    if own.roles.extent is not None:
        size = own.told(own.roles.extent)[is_galaxy]
        empty = np.zeros(int(is_galaxy.sum()))
        hosts = Galaxies(ra[is_galaxy], dec[is_galaxy], empty, empty)
        near, _ = nearest_galaxy(ra[placed], dec[placed], hosts, size)
        told["near_host_dlr"] = _at(near, placed)
    if not told:
        raise ColumnError(
            f"survey {own.survey.name!r} has neither the bands {mag} and {colours[0]} nor sizes in "
            "the table: name bands that it has with mag= and colours="
        )
    return pa.table({name: pa.array(each, mask=np.isnan(each)) for name, each in told.items()})


def _extended(own: Any, name: str) -> Mask:
    """PSF - model above SDSS's limit."""
    point, total = own.band(name), own.band(f"{name}_model")
    if point is None or total is None:
        raise ColumnError(
            f"survey {own.survey.name!r} has no PSF and model magnitudes in {name!r}, by which "
            "galaxies are told: say which rows are galaxies with galaxy="
        )
    return np.asarray(own.light(point).mag - own.light(total).mag > _EXTENDED_MAG, np.bool_)


def _at(values: Floats, rows: Mask) -> Floats:
    whole = np.full(len(rows), np.nan)
    whole[rows] = values
    return whole
