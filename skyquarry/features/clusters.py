"""Galaxy clusters, found as systems: overdensities of galaxies on one red sequence.

A cluster is no row of a table of sources; it gets a row in a table of its own. About each bright
red galaxy with others of its colour the richness is sought that the membership probabilities of all
galaxies near it add up to (`clustermembers`, after redMaPPer: Rykoff et al. 2014, ApJ 785, 104),
within a radius that grows with it; the richest takes its members away from the others. It knows
redshifts from 0.08 to 0.35, where g - r tells them. How pure and complete that is on a synthetic
sky is told by benchmarks/clusterscores.py; against redMaPPer's richness nothing is calibrated.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from skyquarry.errors import UserError
from skyquarry.features import clustermembers as members
from skyquarry.match.geometry.search import find_pairs, sorted_points
from skyquarry.sky import healpix
from skyquarry.sky.vectors import separation_arcsec, to_xyz

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]
    Mask = NDArray[np.bool_]

LEAST_Z, MOST_Z = 0.08, 0.35
_RIDGE: Final = (0.6275, 2.7338, 1.3621)
"""g - r = a + b z + c z^2 of red galaxies without dust: fitted to 576 galaxies of redMaPPer's test
data (chi^2 < 5, i < 19.5), about which they scatter by 0.036 mag; their ZRED is calibrated on
spectra"""
_RIDGE_WIDTH: Final = 0.05
_SIGMAS: Final = 2.0
_MOST_RICH: Final = 300.0
"""no cluster's radius is taken to be larger than with it"""
_STEPS_Z: Final = 0.01
_CENTRAL: Final = -0.3
"""a cluster's brightest galaxy is brighter than m* by this at least"""
_APART_Z: Final = 0.06
_ROUNDS: Final = 6
_LEAST_IN_CELL: Final = 8.0


@dataclass(frozen=True)
class Found:
    """Clusters (c,), the richest first."""

    row: Ints
    """of the brightest galaxy, in the table given"""
    ra_deg: Floats
    dec_deg: Floats
    redshift: Floats
    """from the median colour of members: good to 0.01 to 0.02"""
    richness: Floats
    richness_error: Floats
    """Poisson, and that membership is not sure"""
    members: Ints
    """galaxies that are members more probably than not"""
    radius_arcsec: Floats
    brightest_mag: Floats
    gap_mag: Floats
    """from the brightest to the second"""

    def to_table(self) -> Any:
        """As Arrow."""
        import pyarrow as pa

        return pa.table({name: pa.array(getattr(self, name)) for name in self.__dataclass_fields__})


def star_mag(redshift: ArrayLike) -> Floats:
    """(n,) m* in i of red galaxies, AB, z 0.05 to 0.35: Rykoff et al. 2012, ApJ 746, 178, eq. 2."""
    z = np.asarray(redshift, np.float64)
    return np.asarray(12.27 + 62.36 * z - 289.79 * z**2 + 729.69 * z**3 - 709.42 * z**4)


def ridge_colour(redshift: ArrayLike) -> Floats:
    """(n,) g - r of red galaxies at a redshift, without dust."""
    a, b, c = _RIDGE
    z = np.asarray(redshift, np.float64)
    return np.asarray(a + b * z + c * z**2)


def ridge_redshift(colour: ArrayLike) -> Floats:
    """(n,) redshift at which red galaxies have this g - r."""
    a, b, c = _RIDGE
    room = np.maximum(b**2 - 4 * c * (a - np.asarray(colour, np.float64)), 0.0)
    return np.asarray((np.sqrt(room) - b) / (2 * c))


@cache
def _distances() -> tuple[Floats, Floats]:
    """Redshifts, and angular diameter distances in Mpc: flat, 0.3 of matter, 70 km/s/Mpc."""
    z = np.linspace(0.0, 0.6, 601)
    slowness = 299_792.458 / 70.0 / np.sqrt(0.3 * (1 + z) ** 3 + 0.7)
    along = np.append(0.0, np.cumsum(0.5 * (slowness[1:] + slowness[:-1]) * np.diff(z)))
    return z, along / (1 + z)


def radius_arcsec(richness: ArrayLike, redshift: ArrayLike) -> Floats:
    """(n,) 1.43 (richness / 100)^0.2 Mpc on the sky: Rykoff et al. 2014, section 4, h = 0.7."""
    mpc = 1.43 * (np.maximum(np.asarray(richness, np.float64), 1.0) / 100.0) ** 0.2
    return np.asarray(mpc / mpc_an_arcsec(redshift))


def mpc_an_arcsec(redshift: ArrayLike) -> Any:
    """At a redshift."""
    return np.interp(np.asarray(redshift), *_distances()) / 206_264.806


@dataclass(frozen=True)
class _Sky:
    """Galaxies that could be of a cluster, and how dense they are at each redshift."""

    ra: Floats
    dec: Floats
    colour: Floats
    width: Floats
    """standard deviation of a red sequence for each, its error included"""
    mag: Floats
    density: Floats
    """(z,) expected galaxies an arcsec^2 on the red sequence of a redshift"""
    background: Floats
    """of all galaxies, an arcsec^2, a magnitude and one of colour, at each"""

    def on_ridge(self, rows: Ints | slice, redshift: float) -> Mask:
        """Of these rows, which are on the red sequence of a redshift."""
        near = np.abs(self.colour[rows] - ridge_colour(redshift)) <= _SIGMAS * self.width[rows]
        return np.asarray(near & (self.mag[rows] <= star_mag(redshift) + members.FAINTEST))

    def expected(self, redshift: float) -> float:
        """Galaxies an arcsec^2 at a redshift."""
        return float(np.interp(redshift, _grid(), self.density))


def _grid() -> Floats:
    return np.arange(LEAST_Z, MOST_Z + _STEPS_Z / 2, _STEPS_Z)


def clusters_of(
    ra_deg: ArrayLike,
    dec_deg: ArrayLike,
    g_r: ArrayLike,
    i_mag: ArrayLike,
    *,
    g_r_error: ArrayLike | None = None,
    area_deg2: float | None = None,
    richness: float = 20.0,
) -> Found:
    """Clusters of at least a richness among galaxies (n,): no stars, dust taken off, AB.

    `area_deg2`: of the sky that the galaxies were taken from; None: counted in cells that have any.
    Rows with a NaN are left out. Clusters nearer to an edge than their radius are found too poor.

    Raises UserError for columns of different lengths.
    """
    given = [np.asarray(each, np.float64) for each in (ra_deg, dec_deg, g_r, i_mag)]
    given.append(
        np.zeros(len(given[0])) if g_r_error is None else np.asarray(g_r_error, np.float64)
    )
    if len({len(each) for each in given}) != 1:
        raise UserError(
            f"columns have {[len(each) for each in given]} rows, but each galaxy needs one value "
            "in each: give columns of one table"
        )
    faintest = float(star_mag(MOST_Z)) + members.FAINTEST
    kept = np.flatnonzero(np.isfinite(np.sum(given, axis=0)) & (given[3] <= faintest))
    points, order = sorted_points(given[0][kept], given[1][kept])
    rows = kept[order]
    colour, mag, error = (given[number][rows] for number in (2, 3, 4))
    if not len(rows):
        return _told([], _Sky(*(np.empty(0),) * 7), rows)
    area = _area(points.ra_deg, points.dec_deg) if area_deg2 is None else area_deg2
    sky = _Sky(
        points.ra_deg, points.dec_deg, colour, np.hypot(_RIDGE_WIDTH, error), mag,
        np.zeros(len(_grid())),
        members.Background.of(mag, colour, area * 3600.0**2).at(mag, colour),
    )  # fmt: skip
    for number, z in enumerate(_grid().tolist()):
        sky.density[number] = sky.on_ridge(slice(None), z).sum() / (area * 3600.0**2)
    judged = (_judged(sky, seed, points, richness) for seed in _seeds(sky).tolist())
    asked = [each.system for each in judged if each is not None and each.richness >= richness]
    return _told(_settled(sky, asked, points, richness), sky, rows)


def _area(ra: Floats, dec: Floats) -> float:
    """Square degrees of the finest cells that hold some galaxies each."""
    if not len(ra):
        return 1.0
    for order in (11, 10, 9, 8, 7, 6):
        cells = np.unique(healpix.index(ra, dec, order))
        if len(ra) >= _LEAST_IN_CELL * len(cells) or order == 6:
            return len(cells) * float(healpix.cell_area_deg2(order))
    return 0.0


def _seeds(sky: _Sky) -> Ints:
    """Galaxies bright and red enough to be a cluster's brightest, at their own redshift."""
    z = ridge_redshift(sky.colour)
    inside = (z >= LEAST_Z) & (z <= MOST_Z)
    bright = sky.mag <= star_mag(np.clip(z, LEAST_Z, MOST_Z)) + _CENTRAL
    return np.flatnonzero(inside & bright)


@dataclass(frozen=True)
class _Candidate:
    """A cluster as one galaxy sees it."""

    seed: int
    redshift: float
    richness: float
    error: float
    radius: float
    near: Ints
    """galaxies within reach"""
    apart: Floats
    """arcseconds from the seed"""
    p: Floats
    """that each is a member"""

    @property
    def system(self) -> _System:
        """What is kept of it: the thousands of galaxies within reach are not."""
        members = self.near[self.p >= 0.5]
        return _System(self.seed, self.redshift, self.richness, self.error, self.radius, members)


@dataclass(frozen=True, slots=True)
class _System:
    """A candidate, without the galaxies about it."""

    seed: int
    redshift: float
    richness: float
    error: float
    radius: float
    members: Ints
    """galaxies that are members more probably than not"""


def _judged(sky: _Sky, seed: int, points: Any, least: float) -> _Candidate | None:
    """The cluster about a galaxy: radius, richness and redshift until they agree.

    None where even a count on the red sequence is below `least`.
    """
    from skyquarry.match.geometry.search import Points

    z = float(ridge_redshift(sky.colour[seed]))
    one = Points(*(getattr(points, name)[seed : seed + 1] for name in Points.__slots__))
    found = find_pairs(one, points, float(radius_arcsec(_MOST_RICH, max(z - 0.03, LEAST_Z / 2))))
    near, apart = found.right, found.sep_arcsec
    radius = float(radius_arcsec(30.0, z))
    inside = sky.on_ridge(near, z) & (apart <= radius)
    count = float(inside.sum()) - sky.expected(z) * np.pi * radius**2
    if count < 0.5 * least or count < 3.0:
        return None
    z = float(np.clip(ridge_redshift(np.median(sky.colour[near[inside]])), LEAST_Z, MOST_Z))
    return _weighed(sky, seed, near, apart, z, np.ones(len(near)))


def _weighed(
    sky: _Sky, seed: int, near: Ints, apart: Floats, z: float, free: Floats
) -> _Candidate | None:
    """By membership probabilities of galaxies within reach; free (n,): of no richer cluster."""
    count, p = 30.0, np.zeros(len(near))
    for turn in range(_ROUNDS):
        scale = mpc_an_arcsec(z)
        radius = min(float(radius_arcsec(count, z)), float(radius_arcsec(_MOST_RICH, z)))
        off, width = sky.colour[near] - ridge_colour(z), sky.width[near]
        u = members.profile(apart * scale, radius * scale) * scale**2
        u = u * members.luminosity(sky.mag[near] - star_mag(z)) * members.colour(off, width)
        count, p = members.richness(u, sky.background[near], free)
        if count < 3.0:
            return None
        if turn < _ROUNDS - 1:  # members know the colour better than one galaxy
            weight = free * p / width**2
            shift = float(np.clip((weight @ off) / weight.sum(), -0.05, 0.05))
            z = float(np.clip(ridge_redshift(ridge_colour(z) + shift), LEAST_Z, MOST_Z))
    error = np.sqrt(count + float((free * p * (1.0 - p)).sum()))
    return _Candidate(seed, z, count, float(error), radius, near, apart, p)


def _settled(sky: _Sky, asked: list[_System], points: Any, least: float) -> list[_System]:
    """The richest takes its members, as far as they are, from those after it (percolation).

    What lies about a candidate is looked up once more when its turn comes, which few live to see:
    what is about all of them at once would be gigabytes on some hundred square degrees.
    """
    order = sorted(asked, key=lambda each: (-each.richness, sky.mag[each.seed], each.seed))
    free, kept = np.ones(len(sky.ra)), _Kept.of(sky, len(asked))
    for each in order:
        if kept.taken(each):
            continue
        again = _judged(sky, each.seed, points, least)
        if again is not None and (free[again.near] < 1.0).any():
            again = _weighed(
                sky, each.seed, again.near, again.apart, again.redshift, free[again.near]
            )
        if again is not None and again.richness >= least:
            free[again.near] *= 1.0 - again.p
            kept.add(again.system)
    return sorted(
        kept.systems, key=lambda each: (-each.richness, sky.mag[each.seed], each.seed)
    )  # fmt: skip


@dataclass(slots=True)
class _Kept:
    """Systems so far, and whether another is one of them."""

    xyz: Floats
    """(n, 3) of all galaxies"""
    rows: Floats
    """(c, 5) x, y, z, radius and redshift of those kept, and room for more"""
    systems: list[_System]

    @classmethod
    def of(cls, sky: _Sky, most: int) -> _Kept:
        return cls(to_xyz(sky.ra, sky.dec), np.empty((most, 5)), [])

    def add(self, system: _System) -> None:
        self.rows[len(self.systems)] = *self.xyz[system.seed], system.radius, system.redshift
        self.systems.append(system)

    def taken(self, system: _System) -> bool:
        """Whether it lies within one that is kept, or that within it, at its redshift."""
        rows = self.rows[: len(self.systems)]
        here = np.broadcast_to(self.xyz[system.seed], (len(rows), 3))
        apart = separation_arcsec(rows[:, :3], here)
        near = apart <= np.maximum(rows[:, 3], system.radius)
        return bool((near & (np.abs(rows[:, 4] - system.redshift) < _APART_Z)).any())


def _told(kept: list[_System], sky: _Sky, rows: Ints) -> Found:
    """Clusters about their brightest member within half of the radius of the seed."""
    xyz = to_xyz(sky.ra, sky.dec)
    brightest, gaps = [], []
    for each in kept:
        apart = separation_arcsec(
            xyz[each.members], np.broadcast_to(xyz[each.seed], (len(each.members), 3))
        )
        central = np.append(each.members[apart <= 0.5 * each.radius], each.seed)
        central = np.unique(central)
        bright = central[np.lexsort((rows[central], sky.mag[central]))]
        brightest.append(int(bright[0]))
        gaps.append(float(sky.mag[bright[1]] - sky.mag[bright[0]]) if len(bright) > 1 else np.nan)
    at = np.array(brightest, np.int64)
    told = np.array(
        [(each.redshift, each.richness, each.error, each.radius) for each in kept]
    ).reshape(-1, 4)
    numbers = np.array([len(each.members) for each in kept], np.int64)
    redshift, richness, error, radius = told.T
    return Found(
        rows[at], sky.ra[at], sky.dec[at], redshift, richness, error, numbers, radius, sky.mag[at],
        np.array(gaps, np.float64),
    )  # fmt: skip
