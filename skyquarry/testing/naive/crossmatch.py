"""An identification said slowly: all rows against all, every set of them, every partition.

For small fields with given densities: evidence at 40 digits (`naive/evidence.py`), every partition
of an island in turn (`naive/resolve.py`). Rows are (catalogue, number); no index, no patches.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from skyquarry.testing.naive import resolve
from skyquarry.testing.naive.evidence import Source, ln_bayes

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Group = tuple[int, ...]

ARCSEC = 180.0 * 3600.0 / math.pi
DEG2_SR = (180.0 / math.pi) ** 2


@dataclass(frozen=True)
class Motion:
    """The mixture of motions, and the slowest that moves, in mas/yr; what candidates may lose."""

    sigmas: tuple[float, ...] = (0.0, 8.0, 25.0, 80.0, 250.0)
    base: tuple[float, ...] = (0.3, 0.573, 0.116, 0.0109, 0.0001)
    slow: float = 8.0
    usual: int = 4
    """how many components, the first ones, decide how far pairs are sought"""
    lost: float = 0.0027


@dataclass(frozen=True)
class Answer:
    """Nodes count through all catalogues."""

    pairs: dict[tuple[int, int], float]
    """posterior of every candidate pair"""
    groups: dict[Group, float]
    """posterior of the groups of the best solution, single rows too"""
    alone: dict[int, float]
    """probability that a row is alone"""


def crossmatch(
    catalogs: Sequence[Sequence[Source]],
    per_deg2: Mapping[frozenset[int], float],
    chi2_limit: float,
    constraint: str = "one_to_one",
    observed: Callable[[Source], int] | None = None,
) -> Answer:
    """Every candidate within `chi2_limit`, and the best solution.

    per_deg2: the density of objects in just these catalogues, for every set of them.
    observed: which catalogues looked where a row is, bit by bit; all by default.
    """
    nodes = [source for catalog in catalogs for source in catalog]
    catalog = [c for c, each in enumerate(catalogs) for _ in each]
    motion, looked = Motion(), observed or (lambda _: (1 << len(catalogs)) - 1)
    pairs = [
        (i, j)
        for i in range(len(nodes))
        for j in range(i + 1, len(nodes))
        if catalog[i] != catalog[j] and _may_be_one(nodes[i], nodes[j], motion, chi2_limit)
    ]
    every = pairs
    if constraint == "many_to_one":
        pairs = [(i, j) for i, j in pairs if catalog[i] == 0]
    told = Answer({}, {}, {})
    for island in resolve.islands(len(nodes), pairs):
        if constraint == "many_to_one":
            listed = resolve.stars(island, every, catalog)
        else:
            listed = resolve.groups(island, pairs, catalog)
        if constraint == "none":
            listed = [g for g in listed if len(g) < 3]
        weight = {g: _gain(g, nodes, catalog, per_deg2, motion, looked) for g in listed}
        posterior, best = _solved(island, weight, catalog, constraint)
        told.alone.update({i: posterior[(i,)] for i in island})
        told.groups.update({g: posterior[g] for g in best})
        for i, j in pairs:
            if i in island:
                told.pairs[i, j] = math.fsum(p for g, p in posterior.items() if {i, j} <= set(g))
    return told


def _solved(
    island: Group, weight: dict[Group, float], catalog: Sequence[int], constraint: str
) -> tuple[dict[Group, float], list[Group]]:
    if constraint == "one_to_one":
        return resolve.posteriors(island, weight)[:2]
    if constraint == "many_to_one":
        return resolve.many_to_one(island, weight, catalog)[:2]
    posterior = {g: 1.0 / (1.0 + math.exp(-w)) for g, w in weight.items() if len(g) > 1}
    best = [g for g in posterior if weight[g] > resolve.TIE]
    taken = {i for g in best for i in g}
    for i in island:
        posterior[(i,)] = math.prod(1.0 - posterior[g] for g in weight if len(g) > 1 and i in g)
    return posterior, best + [(i,) for i in island if i not in taken]


def _gain(
    group: Group,
    nodes: Sequence[Source],
    catalog: Sequence[int],
    per_deg2: Mapping[frozenset[int], float],
    motion: Motion,
    looked: Callable[[Source], int],
) -> float:
    """The ln odds of one object against one for each row (crossmatch.md 1.5)."""
    if len(group) == 1:
        return 0.0
    lnB = ln_bayes([nodes[i] for i in group], list(motion.sigmas), list(motion.base))
    place = min((nodes[i] for i in group), key=_pixel)
    together = _ln_density(frozenset(catalog[i] for i in group), looked(place), per_deg2)
    apart = [_ln_density(frozenset({catalog[i]}), looked(nodes[i]), per_deg2) for i in group]
    return together - math.fsum(apart) + lnB - (len(group) - 1) * math.log(4.0 * math.pi)


def _pixel(source: Source) -> int:
    from skyquarry.sky import healpix

    return int(healpix.index(np.array([source.ra_deg]), np.array([source.dec_deg]))[0])


def _ln_density(
    seen: frozenset[int], looked: int, per_deg2: Mapping[frozenset[int], float]
) -> float:
    """Ln per sr of objects that look like this: what did not look there may hold them too."""
    there = {c for c in range(16) if looked >> c & 1} | seen
    return math.log(DEG2_SR * math.fsum(nu for s, nu in per_deg2.items() if s & there == seen))


# ---------------------------------------------------------------- candidates


def _may_be_one(a: Source, b: Source, motion: Motion, limit: float) -> bool:
    """Whether chi2 is within the limit, of what is slow or of what few of the others exceed."""
    far = _farthest(a, b, motion) / math.sqrt(limit)
    return chi2(a, b, max(motion.slow, far)) <= limit


def _farthest(a: Source, b: Source, motion: Motion) -> float:
    """Mas/yr: of every usual component `lost` of what moves, and less, goes beyond."""
    together = [x * y / base for x, y, base in zip(a.weights, b.weights, motion.base, strict=True)]
    moving = 1.0 - together[0] / math.fsum(together)
    own = [[w * w / base for w, base in zip(s.weights, motion.base, strict=True)] for s in (a, b)]
    told = [motion.slow]
    for k, sigma in enumerate(motion.sigmas[: motion.usual]):
        shares = [squares[k] / math.fsum(squares[1:]) for squares in own]
        beyond = moving * math.sqrt(shares[0] * shares[1]) / motion.lost
        if sigma > motion.slow and beyond > 1.0:
            told.append(sigma * math.sqrt(2.0 * math.log(beyond)))
    return max(told)


def chi2(a: Source, b: Source, motion_masyr: float) -> float:
    """Of the offset at the epoch at which the two are compared, 2 degrees of freedom."""
    epoch = _meeting(a, b)
    one, two = _carried(a, epoch), _carried(b, epoch)
    middle = one[0] + two[0]
    frame = _axes(middle / np.linalg.norm(middle))
    covariance = sum(frame @ axes.T @ c @ axes @ frame.T for _, axes, c in (one, two))
    if a.pm is None and b.pm is None:
        covariance = covariance + np.eye(2) * (motion_masyr * 1e-3 * (a.epoch - b.epoch)) ** 2
    offset = frame @ (two[0] - one[0]) * ARCSEC
    return float(offset @ np.linalg.solve(covariance, offset))


def _meeting(a: Source, b: Source) -> float:
    if (a.pm is None) != (b.pm is None):
        return b.epoch if b.pm is None else a.epoch
    wide = [each.covariance[0] + each.covariance[1] for each in (a, b)]
    if wide[0] == wide[1]:
        return min(a.epoch, b.epoch)
    return a.epoch if wide[0] > wide[1] else b.epoch


def _carried(source: Source, epoch: float) -> tuple[Floats, Floats, Floats]:
    """Unit vector (3,), local axes (2, 3) and covariance (2, 2) at an epoch."""
    ra, dec = math.radians(source.ra_deg), math.radians(source.dec_deg)
    u = np.array([math.cos(dec) * math.cos(ra), math.cos(dec) * math.sin(ra), math.sin(dec)])
    east = np.array([-math.sin(ra), math.cos(ra), 0.0])
    axes = np.stack([east, np.cross(u, east)])
    xx, yy, xy = source.covariance
    covariance = np.array([[xx, xy], [xy, yy]])
    if source.pm is not None:
        years = epoch - source.epoch
        mxx, myy, mxy = source.pm_covariance
        covariance = covariance + years**2 * 1e-6 * np.array([[mxx, mxy], [mxy, myy]])
        u = u + axes.T @ np.array(source.pm) * 1e-3 * years / ARCSEC
        u = u / np.linalg.norm(u)
    return u, axes, covariance


def _axes(u: Floats) -> Floats:
    ra = math.atan2(u[1], u[0])
    east = np.array([-math.sin(ra), math.cos(ra), 0.0])
    return np.stack([east, np.cross(u, east)])
