"""A small sky of which the density of every set of catalogues is known, and its plain evidence.

The judge of densities, priors and posteriors: objects are strewn at random over a box across 0h,
each is in exactly the catalogues of its set, errors are circular, Gaussian and as stated.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from skyquarry.catalog.arrow import from_numpy
from skyquarry.match.given.rows import Rows
from skyquarry.match.resolution.candidates import candidate_groups
from skyquarry.match.resolution.groups import offsets
from skyquarry.match.resolution.islands import islands
from skyquarry.match.resolution.resolve import resolve
from skyquarry.sky import healpix
from skyquarry.sky.vectors import to_radec, to_xyz

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from skyquarry.match.resolution.groups import Groups, Islands

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

ARCSEC = np.pi / 648_000.0
DEC_DEG = 20.0


@dataclass(frozen=True, slots=True)
class SetSky:
    """Rows of each catalogue, and the object of each row."""

    names: tuple[str, ...]
    rows: list[Rows]
    objects: list[Ints]
    counts: dict[tuple[str, ...], int]
    """objects of each set that there are"""
    area_deg2: float


@dataclass(frozen=True, slots=True)
class Candidates:
    """What the rows may be: all groups within 99.73 per cent, and the evidence of positions."""

    rows: list[Rows]
    islands: Islands
    groups: Groups
    ln_bayes: Floats

    def posterior(self, ln_weight: Floats) -> Floats:
        """(groups,) exact, one to one."""
        return resolve(self.islands, self.groups, ln_weight).posterior


def set_sky(
    per_deg2: Mapping[tuple[str, ...], float],
    sigma_arcsec: Mapping[str, float],
    area_deg2: float,
    seed: int,
    *,
    mean_mag: Mapping[tuple[str, ...], float] | None = None,
    colour_scatter: float = 0.3,
) -> SetSky:
    """Objects of every set at these densities; magnitudes are bells of width 1 round `mean_mag`.

    Magnitudes of one object in several catalogues scatter by `colour_scatter`; without `mean_mag`
    all rows are of one bell and say nothing.
    """
    random = np.random.default_rng(seed)
    names = tuple(sigma_arcsec)
    counts = {key: int(random.poisson(density * area_deg2)) for key, density in per_deg2.items()}
    n = sum(counts.values())
    kind = np.repeat(np.arange(len(counts)), list(counts.values()))
    ra, dec = _strewn(n, area_deg2, random)
    mean = np.array([20.0 if mean_mag is None else mean_mag[key] for key in counts])
    mag = mean[kind] + random.standard_normal(n)
    rows, objects = [], []
    for name, sigma in sigma_arcsec.items():
        inside = np.array([name in key for key in counts])[kind]
        thing = random.permutation(np.flatnonzero(inside))
        own = mag[thing] + colour_scatter * random.standard_normal(len(thing))
        if mean_mag is None:
            own = 20.0 + random.standard_normal(len(thing))
        made, order = rows_of(*_moved(ra[thing], dec[thing], sigma, random), sigma, own)
        rows.append(made)
        objects.append(thing[order])
    return SetSky(names, rows, objects, counts, area_deg2)


def rows_of(
    ra_deg: Floats, dec_deg: Floats, sigma_arcsec: float | Floats, mag: Floats
) -> tuple[Rows, NDArray[np.intp]]:
    """Rows with circular errors, sorted along the sky, and where each was."""
    n = len(ra_deg)
    spatial = healpix.index(ra_deg, dec_deg)
    order = np.lexsort((np.arange(n), spatial))
    square = np.broadcast_to(np.asarray(sigma_arcsec, np.float64) ** 2, n)[order]
    nothing, unknown = np.zeros(n), np.full(n, np.nan)
    rows = Rows(
        ra_deg=ra_deg[order] % 360.0,
        dec_deg=dec_deg[order],
        spatial=spatial[order],
        ids=from_numpy(np.asarray(order, np.int64)),
        rank=np.asarray(order, np.int64),
        row=np.asarray(order, np.int64),
        covariance=np.stack([square, square, nothing], axis=1),
        epoch=np.full(n, 2016.0),
        motions=None,
        mag=np.asarray(mag, np.float64)[order],
        cool=unknown,
        extended=unknown,
        wide=nothing,
        wide_arcsec=0.0,
        flags=np.zeros(n, np.int32),
    )
    return rows, order


def candidates(rows: list[Rows], reach: float = 3.4393) -> Candidates:
    """Every group of rows whose pairs lie within `reach` standard deviations."""
    from scipy.spatial import cKDTree

    first = offsets(rows)
    xyz = [to_xyz(each.ra_deg, each.dec_deg) for each in rows]
    sigma = [np.sqrt(each.covariance[:, 0]) * ARCSEC for each in rows]
    lefts, rights = [], []
    for b in range(1, len(rows)):
        tree = cKDTree(xyz[b])
        for a in range(b):
            radius = reach * np.hypot(sigma[a], sigma[b].max(initial=0.0))
            near = tree.query_ball_point(xyz[a], radius, return_sorted=True)
            i = np.repeat(np.arange(len(xyz[a])), [len(each) for each in near])
            j = np.concatenate([np.empty(0, np.int64), *(np.asarray(e, np.int64) for e in near)])
            apart = np.linalg.norm(xyz[a][i] - xyz[b][j], axis=1)
            close = apart <= reach * np.hypot(sigma[a][i], sigma[b][j])
            lefts.append(first[a] + i[close])
            rights.append(first[b] + j[close])
    left, right = np.concatenate(lefts), np.concatenate(rights)
    catalog = np.repeat(np.arange(len(rows)), [len(each) for each in rows]).astype(np.uint8)
    found = islands(int(first[-1]), left, right)
    groups = candidate_groups(found, left, right, catalog)
    return Candidates(
        rows, found, groups, ln_bayes(groups, np.concatenate(xyz), np.concatenate(sigma))
    )


def ln_bayes(groups: Groups, xyz: Floats, sigma_rad: Floats) -> Floats:
    """(groups,) lnB of positions with circular errors: Budavari & Szalay 2008, eq 18."""
    start, weight = groups.start[:-1], sigma_rad[groups.nodes] ** -2
    total = np.add.reduceat(weight, start)
    group = np.repeat(np.arange(len(groups)), np.diff(groups.start))
    from_first = xyz[groups.nodes] - xyz[groups.nodes[start]][group]
    middle = np.add.reduceat(weight[:, None] * from_first, start) / total[:, None]
    square = np.add.reduceat(weight * ((from_first - middle[group]) ** 2).sum(axis=1), start)
    size = np.diff(groups.start)
    ln_weights = np.add.reduceat(np.log(weight), start)
    found: Floats = (size - 1) * np.log(2.0) + ln_weights - np.log(total) - 0.5 * square
    return np.where(size == 1, 0.0, found)


def is_true(groups: Groups, objects: list[Ints]) -> NDArray[np.bool_]:
    """(groups,) whether the rows of a group are one object, and all rows of it."""
    every = np.concatenate(objects)
    thing, start = every[groups.nodes], groups.start[:-1]
    first = np.minimum.reduceat(thing, start)
    whole = np.bincount(every)[first] == np.diff(groups.start)
    return np.asarray(whole & (np.maximum.reduceat(thing, start) == first))


def _strewn(n: int, area_deg2: float, random: np.random.Generator) -> tuple[Floats, Floats]:
    side = np.sqrt(area_deg2)
    low = np.sin(np.radians(DEC_DEG))
    high = low + np.radians(side)
    width = area_deg2 / np.degrees(high - low)
    sin_dec = random.uniform(low, high, n)
    return random.uniform(-0.5 * width, 0.5 * width, n), np.degrees(np.arcsin(sin_dec))


def _moved(
    ra: Floats, dec: Floats, sigma_arcsec: float | Floats, random: np.random.Generator
) -> tuple[Floats, Floats]:
    east, north = random.standard_normal((2, len(ra))) * np.asarray(sigma_arcsec) * ARCSEC
    xyz = to_xyz(ra % 360.0, dec)
    a, d = np.radians(ra), np.radians(dec)
    e = np.stack([-np.sin(a), np.cos(a), np.zeros(len(a))], axis=1)
    up = np.stack([-np.sin(d) * np.cos(a), -np.sin(d) * np.sin(a), np.cos(d)], axis=1)
    moved = xyz + east[:, None] * e + north[:, None] * up
    found = to_radec(moved / np.linalg.norm(moved, axis=1)[:, None])
    return found[0], found[1]
