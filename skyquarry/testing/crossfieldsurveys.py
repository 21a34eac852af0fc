"""How four surveys see the objects of a frozen sky: blends, losses, errors, spurious rows.

Part of `crossfields.py`, version 1: frozen, see there. Nothing here is a formula of the matcher:
true errors have Student-t tails, their stated sizes are wrong by a factor that changes with
magnitude, floors are left out of them, galaxies and blends move centroids.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np

from skyquarry.sky.vectors import to_radec, to_xyz
from skyquarry.testing.crossfieldobjects import strewn

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from skyquarry.testing.crossfieldobjects import Floats, Objects, Random

    Ints = NDArray[np.int64]

_MAS: Final = np.pi / (180.0 * 3600.0 * 1000.0)
_ARCSEC: Final = np.pi / (180.0 * 3600.0)
_DEGREES_OF_FREEDOM: Final = 4.0
_LEAST_SHARE: Final = 0.01


@dataclass(frozen=True, slots=True)
class Seen:
    """What one survey is like."""

    name: str
    band: str
    limit: float
    falloff: float
    """completeness is 1 / (1 + exp((m - limit) / falloff)), times 0.995"""
    bright: float
    """saturated: no row brighter than this"""
    psf_arcsec: float
    """objects closer than this to a brighter one are one row with it"""
    floor_arcsec: float
    faint_arcsec: float
    slope: float
    """true error per axis: floor and faint * 10**(slope * (m - limit)), in quadrature"""
    stated_floor: float
    """the part of the floor that the stated error knows, 0 to 1"""
    misstated: tuple[float, float]
    """true over stated size, from the bright end to the faint, wavy between"""
    distortion_arcsec: float
    """amplitude per axis of the smooth zero-point field"""
    spurious: float
    """share of rows that are of nothing, near the limit, anywhere"""
    spikes: float
    """mean number of spurious rows around a star brighter than `spiked`"""
    spiked: float
    overlap_deg: tuple[float, float]
    """tiles of this width, overlapping by so much: rows there may stand twice"""
    epochs: tuple[float, float]
    by_strip: bool
    """one epoch a strip of 0.2 degrees in x, else one a row"""


SURVEYS: Final = (
    Seen("gaia_dr3", "G", 20.7, 0.12, 2.0, 0.35, 4e-5, 8e-4, 0.21, 1.0, (1.05, 1.25), 0.0,
         0.002, 0.3, 11.0, (9.9, 0.0), (2016.0, 2016.0), True),
    Seen("twomass_psc", "J", 16.4, 0.15, 3.0, 2.2, 0.06, 0.16, 0.30, 0.8, (0.85, 1.20), 0.040,
         0.005, 1.5, 9.0, (9.9, 0.0), (1997.6, 2001.1), True),
    Seen("allwise", "W1", 17.0, 0.20, 2.0, 5.0, 0.038, 0.36, 0.33, 0.9, (1.15, 0.85), 0.030,
         0.020, 3.0, 9.0, (1.5, 0.02), (2010.05, 2010.60), True),
    Seen("panstarrs1", "i", 22.3, 0.20, 13.0, 0.9, 0.009, 0.06, 0.27, 0.2, (0.90, 1.30), 0.025,
         0.030, 3.0, 14.0, (0.4, 0.008), (2010.0, 2014.4), False),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Detections:
    """Rows of one survey in the frame of the field."""

    xyz: Floats
    """(n, 3) unit vectors as catalogued"""
    stated_arcsec: Floats
    """(n,) stated error per axis"""
    corr: Floats
    """(n,) stated correlation of the errors in x and y; true errors have it too"""
    epoch: Floats
    mags: dict[str, Floats]
    object: Ints
    """(n,) brightest contributor, -1 for spurious rows"""
    spurious: NDArray[np.bool_]
    duplicate: NDArray[np.bool_]
    link: Ints
    link_object: Ints
    link_share: Floats
    """one entry for each contributor of at least 1 % of a row's flux: row, object, share"""


def axes(xyz: Floats) -> tuple[Floats, Floats]:
    """Unit vectors towards local east and north, (n, 3) each; nowhere near a pole."""
    east = np.column_stack([-xyz[:, 1], xyz[:, 0], np.zeros(len(xyz))])
    east /= np.linalg.norm(east, axis=1)[:, None]
    return east, np.cross(xyz, east)


def shifted(xyz: Floats, east_rad: Floats, north_rad: Floats) -> Floats:
    """Unit vectors moved along the local tangent plane."""
    east, north = axes(xyz)
    moved = xyz + east * np.asarray(east_rad)[:, None] + north * np.asarray(north_rad)[:, None]
    return np.asarray(moved / np.linalg.norm(moved, axis=1)[:, None])


def observe(seen: Seen, objects: Objects, area_deg2: float, random: Random) -> Detections:
    """The rows of one survey, in random order."""
    near = np.flatnonzero(objects.mags[seen.band] < seen.limit + 2.5)
    epochs = _epochs(seen, objects.x_deg[near], random)
    places = to_xyz(objects.x_deg[near], objects.y_deg[near])
    moved = objects.pm[near] * (_MAS * (epochs - 2016.0))[:, None]
    places = shifted(places, moved[:, 0], moved[:, 1])
    size = 0.1 * objects.size_arcsec[near] * _ARCSEC
    places = shifted(places, *(size * random.standard_normal((2, len(near)))))
    leader = _merged(places, objects.mags[seen.band][near], seen.psf_arcsec)
    blends = _blended(seen, objects, near, leader, places, epochs)
    kept = _detected(seen, blends.mags[seen.band], random)
    real = _taken(blends, kept)
    rows = _joined([real, _twice(seen, real, random), *_spurious(seen, real, area_deg2, random)])
    return _shuffled(_measured(seen, rows, random), random)


# ---------------------------------------------------------------- what is there
def _epochs(seen: Seen, x_deg: Floats, random: Random) -> Floats:
    low, high = seen.epochs
    if not seen.by_strip:
        return random.uniform(low, high, len(x_deg))
    strips = np.floor((x_deg + 180.0) / 0.2).astype(np.int64)
    return random.uniform(low, high, 1801)[strips]


def _merged(places: Floats, mags: Floats, psf_arcsec: float) -> Ints:
    """The object that each is merged into (itself where it is not): the brighter ones first."""
    from scipy.spatial import cKDTree

    order = np.lexsort((np.arange(len(mags)), mags))
    rank = np.empty(len(mags), np.int64)
    rank[order] = np.arange(len(mags))
    chord = 2.0 * np.sin(psf_arcsec * _ARCSEC / 2.0)
    pairs = rank[cKDTree(places).query_pairs(chord, output_type="ndarray")]
    pairs.sort(axis=1)
    pairs = pairs[np.lexsort((pairs[:, 1], pairs[:, 0]))]
    leader = list(range(len(mags)))
    for bright, faint in pairs.tolist():
        if leader[bright] == bright and leader[faint] == faint:
            leader[faint] = bright
    return order[np.asarray(leader, np.int64)[rank]]


def _blended(
    seen: Seen, objects: Objects, near: Ints, leader: Ints, places: Floats, epochs: Floats
) -> Detections:
    """One row for each leader: flux-weighted centroid, total magnitudes, links to all its parts."""
    leaders, row = np.unique(leader, return_inverse=True)
    n = len(leaders)
    flux = 10.0 ** (-0.4 * objects.mags[seen.band][near])
    total = np.bincount(row, flux, n)
    centre = np.column_stack([np.bincount(row, flux * places[:, k], n) for k in range(3)])
    share = flux / total[row]
    linked = np.flatnonzero(share >= _LEAST_SHARE)
    return Detections(
        centre / np.linalg.norm(centre, axis=1)[:, None],
        np.zeros(n),
        np.zeros(n),
        epochs[leaders],
        {b: _total_mag(objects.mags[b][near], row, n) for b in objects.mags},
        near[leaders],
        np.zeros(n, bool),
        np.zeros(n, bool),
        row[linked],
        near[linked],
        share[linked],
    )


def _total_mag(mags: Floats, row: Ints, n: int) -> Floats:
    total: Floats = -2.5 * np.log10(np.bincount(row, 10.0 ** (-0.4 * mags), n))
    return total


def _detected(seen: Seen, mags: Floats, random: Random) -> Ints:
    with np.errstate(over="ignore"):
        chance = 0.995 / (1.0 + np.exp((mags - seen.limit) / seen.falloff))
    return np.flatnonzero((random.random(len(mags)) < chance) & (mags > seen.bright))


def _twice(seen: Seen, real: Detections, random: Random) -> Detections:
    """Six in ten of the rows where tiles overlap, once more, to be measured anew."""
    width, overlap = seen.overlap_deg
    x, _ = to_radec(real.xyz)
    within = np.mod(x + 180.0, width) < overlap
    again = _taken(real, np.flatnonzero(within & (random.random(len(x)) < 0.6)))
    return replace(again, duplicate=np.ones(len(again.epoch), bool))


def _spurious(seen: Seen, real: Detections, area_deg2: float, random: Random) -> list[Detections]:
    """Rows of nothing: even over the field near the limit, and along the spikes of bright stars."""
    n = random.poisson(seen.spurious * len(real.epoch))
    x, y = strewn(n, area_deg2, random)
    faint = seen.limit - random.exponential(0.5, n)
    even = _of_nothing(to_xyz(x, y), faint, _epochs(seen, x, random))
    bright = np.flatnonzero(real.mags[seen.band] < seen.spiked)
    star = bright[np.repeat(np.arange(len(bright)), random.poisson(seen.spikes, len(bright)))]
    m = len(star)
    excess = seen.spiked - real.mags[seen.band][star]
    out = (seen.psf_arcsec + random.exponential(6.0, m) * 10.0 ** (0.12 * excess)) * _ARCSEC
    arm = random.integers(0, 4, m) * np.pi / 2.0 + np.radians(
        40.0 + 2.0 * random.standard_normal(m)
    )
    places = shifted(real.xyz[star], out * np.cos(arm), out * np.sin(arm))
    mags = np.minimum(real.mags[seen.band][star] + random.uniform(4.0, 8.0, m), seen.limit)
    return [even, _of_nothing(places, mags, real.epoch[star])]


def _of_nothing(places: Floats, mags: Floats, epochs: Floats) -> Detections:
    n = len(mags)
    none, yes = np.empty(0, np.int64), np.ones(n, bool)
    every = {
        band: mags.copy() for band in (["G", "BP", "RP", "J", "H", "Ks", "W1", "W2", "g", "i"])
    }
    nobody = np.full(n, -1, np.int64)
    zero = np.zeros(n)
    return Detections(places, zero, zero, epochs, every, nobody, yes, ~yes, none, none, np.empty(0))


# ---------------------------------------------------------------- how it is measured
def _measured(seen: Seen, rows: Detections, random: Random) -> Detections:
    """The rows with the errors of a measurement, and the sizes that the survey states for them."""
    n, mags = len(rows.epoch), rows.mags[seen.band]
    faint = seen.faint_arcsec * 10.0 ** (
        seen.slope * (np.minimum(mags, seen.limit + 1) - seen.limit)
    )
    factor = _misstatement(seen, mags) * np.exp(0.05 * random.standard_normal(n))
    true = np.hypot(seen.floor_arcsec, faint)
    stated = np.hypot(seen.stated_floor * seen.floor_arcsec, faint) / factor
    corr = np.clip(0.15 * random.standard_normal(n), -0.6, 0.6)
    tails = np.sqrt(2.0 / random.chisquare(_DEGREES_OF_FREEDOM, n)) * true  # variance: true**2
    first, second = random.standard_normal((2, n))
    error_x = tails * first
    error_y = tails * (corr * first + np.sqrt(1.0 - corr**2) * second)
    zero_x, zero_y = _distortion(seen, rows.xyz, random)
    places = shifted(rows.xyz, (error_x + zero_x) * _ARCSEC, (error_y + zero_y) * _ARCSEC)
    noisy = {band: _noisy(seen, values, mags, random) for band, values in rows.mags.items()}
    return replace(rows, xyz=places, stated_arcsec=stated, corr=corr, mags=noisy)


def _misstatement(seen: Seen, mags: Floats) -> Floats:
    """True over stated size, smooth in magnitude, within 0.8 to 1.3."""
    bright, faint = seen.misstated
    along = np.clip((mags - (seen.limit - 6.0)) / 6.0, 0.0, 1.0)
    wavy: Floats = bright + (faint - bright) * along + 0.05 * np.sin(2.0 * np.pi * along)
    return np.clip(wavy, 0.8, 1.3)


def _distortion(seen: Seen, xyz: Floats, random: Random) -> Floats:
    """(2, n) arcsec: a constant and three waves of 0.4 to 2 degrees for each axis."""
    x, y = to_radec(xyz)
    x = np.where(x > 180.0, x - 360.0, x)
    field = np.repeat(random.normal(0.0, 0.7, (2, 1)), len(x), axis=1)
    for _ in range(3):
        angle, phase = random.uniform(0.0, 2.0 * np.pi, (2, 2))
        turns = 2.0 * np.pi / random.uniform(0.4, 2.0, 2)
        for axis in range(2):
            along = x * np.cos(angle[axis]) + y * np.sin(angle[axis])
            field[axis] += 0.5 * np.sin(turns[axis] * along + phase[axis])
    return seen.distortion_arcsec * field


def _noisy(seen: Seen, values: Floats, mags: Floats, random: Random) -> Floats:
    size = np.hypot(0.015, 0.12 * 10.0 ** (0.35 * (np.minimum(mags, seen.limit + 1) - seen.limit)))
    noisy: Floats = values + size * random.standard_normal(len(values))
    return noisy


# ---------------------------------------------------------------- rows
def _taken(rows: Detections, index: Ints) -> Detections:
    """These rows, in this order, with their links."""
    at = np.full(len(rows.epoch), -1, np.int64)
    at[index] = np.arange(len(index))
    links = np.flatnonzero(at[rows.link] >= 0)
    return Detections(
        rows.xyz[index],
        rows.stated_arcsec[index],
        rows.corr[index],
        rows.epoch[index],
        {band: values[index] for band, values in rows.mags.items()},
        rows.object[index],
        rows.spurious[index],
        rows.duplicate[index],
        at[rows.link[links]],
        rows.link_object[links],
        rows.link_share[links],
    )


def _joined(parts: list[Detections]) -> Detections:
    first = np.cumsum([0, *(len(part.epoch) for part in parts)])
    bands = parts[0].mags
    return Detections(
        np.concatenate([p.xyz for p in parts]),
        np.concatenate([p.stated_arcsec for p in parts]),
        np.concatenate([p.corr for p in parts]),
        np.concatenate([p.epoch for p in parts]),
        {band: np.concatenate([p.mags[band] for p in parts]) for band in bands},
        np.concatenate([p.object for p in parts]),
        np.concatenate([p.spurious for p in parts]),
        np.concatenate([p.duplicate for p in parts]),
        np.concatenate([p.link + start for p, start in zip(parts, first[:-1], strict=True)]),
        np.concatenate([p.link_object for p in parts]),
        np.concatenate([p.link_share for p in parts]),
    )


def _shuffled(rows: Detections, random: Random) -> Detections:
    return _taken(rows, random.permutation(len(rows.epoch)))
