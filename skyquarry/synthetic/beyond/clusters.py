"""Clusters of galaxies: members on the red sequence about a brightest galaxy, and projections.

Clusters are drawn in cells coarser than blocks; a block takes of the members of its own and the
neighbouring cells those that lie in it. So each member is in one block, and no block needs another.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Final

import numpy as np

from skyquarry.sky import healpix
from skyquarry.sky.cellsearch import cap_radius
from skyquarry.sky.compiledcells import centers
from skyquarry.sky.vectors import separation_arcsec, to_radec, to_xyz
from skyquarry.synthetic.beyond import massfunction
from skyquarry.synthetic.beyond.cosmology import distance_modulus, kpc_per_arcsec, volume_mpc3_deg2
from skyquarry.synthetic.beyond.galaxies import Drawn
from skyquarry.synthetic.beyond.galaxyseds import galaxy_table
from skyquarry.synthetic.beyond.luminosity import BLUE, RED, elapsed
from skyquarry.synthetic.blocks import Block
from skyquarry.synthetic.chance import generator
from skyquarry.synthetic.sources import Sources

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

CELL_ORDER: Final = 5
"""3.4 square degrees: no cluster reaches beyond the neighbours of its cell."""
_EDGES: Final = np.arange(0.05, 1.21, 0.02)
_LOG_MASSES: Final = np.arange(np.log(1e14), np.log(4e15), 0.05)
_GROUP_MASSES: Final = (2e13, 7e13)
_REACH: Final = 1.2
"""radii to which members are drawn"""
_CONCENTRATION: Final = 4.0
_BRIGHTEST: Final = -1.2
"""of members, less the break: brighter ones have fallen into the brightest galaxy"""
_FARTHEST_ARCSEC: Final = 3600.0
"""No member is farther from its center; cells of order 5 are wider than that."""
_FIRST_ID: Final = 1 << 60
_LIGHT_KMS: Final = 299_792.458


@dataclass(frozen=True)
class Clusters:
    """Clusters more massive than 1e14 Msun, and groups that happen to lie behind each other."""

    name: str = "clusters"
    number: int = 22
    richness_at: float = 33.0
    """red galaxies brighter than 0.2 L* at 3e14 Msun; in proportion to mass, so that as many
    clusters of 20 and more are found as by redMaPPer"""
    richness_scatter: float = 0.25
    ridge_scatter: float = 0.10
    """of u-r at rest: 0.05 in g-r as seen from redshift 0.1 to 0.3"""
    blue_share: float = 0.25
    """blue members for each red one (Butcher & Oemler 1984, ApJ 285, 426: some 20 per cent)"""
    miscentred: float = 0.05
    """share of clusters whose brightest galaxy is not at the center"""
    projections: float = 0.10
    """pairs and triples of groups along a line of sight, for each cluster: no system"""
    faint_slope: float = -0.9
    """alpha of red members, whose break is that of red galaxies of the field"""

    def drawn(self, block: Block, random: np.random.Generator) -> Sources:  # noqa: ARG002
        """Members of clusters in a block that some survey could see.

        Drawn with a generator of the coarse cell that the cluster lies in, not with the block's.
        """
        found, limits = [], block.limits.tobytes()
        for cell in _cells_about(block):
            if self.near(block, cell):
                members = _members(self, block.seed, cell, limits)
                found.append(members.taken(block.contains(members.ra_deg, members.dec_deg)))
        return Sources.concatenated(found)

    def near(self, block: Block, cell: int) -> bool:
        """Whether a cluster of a coarse cell may reach into a block."""
        xyz, reach_arcsec = _reaches(self, block.seed, cell)
        center = to_xyz(*(np.full(1, each) for each in block.center))
        apart = separation_arcsec(xyz, np.broadcast_to(center, xyz.shape))
        own_arcsec = 3600.0 * float(np.degrees(cap_radius(block.order)))
        return bool((apart < reach_arcsec + own_arcsec).any())


@dataclass(frozen=True, slots=True)
class Haloes:
    """Clusters (n,), and the groups of projections."""

    ra_deg: Floats
    dec_deg: Floats
    redshift: Floats
    mass_msun: Floats
    """inside 200 times the mean density"""
    richness: Floats
    """red galaxies brighter than 0.2 L* that are expected"""
    system: Ints
    """-1 for the groups of projections"""

    def __len__(self) -> int:
        return len(self.ra_deg)

    @property
    def reach_arcsec(self) -> Floats:
        """(n,) how far out members lie."""
        radius_kpc = 1000.0 * massfunction.radius_mpc(self.mass_msun, self.redshift)
        told = _REACH * radius_kpc / kpc_per_arcsec(self.redshift)
        return np.asarray(np.minimum(told, _FARTHEST_ARCSEC))


@lru_cache(maxsize=64)
def clusters_of(population: Clusters, seed: int, cell: int) -> Haloes:
    """The clusters and projections of a cell of order 5: the truth that a finder is held to."""
    random = generator(seed, population.number, cell, 1)
    rates = _rates() * healpix.cell_area_deg2(CELL_ORDER)
    z, mass = _from_bins(random.poisson(rates), random)
    ra, dec = _uniform(cell, len(z), random)
    ids = _FIRST_ID + (cell << 20) + np.arange(len(z), dtype=np.int64)
    by_chance = random.poisson(population.projections * rates.sum())
    extra = _projections(cell, by_chance, random)
    both = zip((ra, dec, z, mass), extra, strict=True)
    ra, dec, z, mass = (np.concatenate(each) for each in both)
    expected = population.richness_at * mass / 3e14
    scatter = population.richness_scatter * random.standard_normal(len(expected))
    systems = np.concatenate([ids, np.full(len(extra[0]), -1, np.int64)])
    return Haloes(ra, dec, z, mass, expected * np.exp(scatter), systems)


@lru_cache(maxsize=64)
def _reaches(population: Clusters, seed: int, cell: int) -> tuple[Floats, Floats]:
    """Where the clusters of a cell are, unit vectors, and how far out their members lie."""
    there = clusters_of(population, seed, cell)
    return to_xyz(there.ra_deg, there.dec_deg), there.reach_arcsec


def _projections(
    cell: int, number: int, random: np.random.Generator
) -> tuple[Floats, Floats, Floats, Floats]:
    """Right ascension, declination, redshift, mass of groups, two or three along a line of sight.

    Within about an arcminute of each other, and 0.15 in redshift.
    """
    n = random.integers(2, 4, number)
    place = np.repeat(np.arange(number), n)
    ra, dec = _uniform(cell, number, random)
    z = random.uniform(0.1, 0.7, number)[place] + random.uniform(-0.075, 0.075, len(place))
    away = to_xyz(ra[place], dec[place]) + random.normal(0.0, 1.5e-4, (len(place), 3))
    lo, hi = np.log(_GROUP_MASSES)
    near = to_radec(away / np.linalg.norm(away, axis=1, keepdims=True))
    return (*near, z, np.exp(random.uniform(lo, hi, len(place))))


@lru_cache(maxsize=64)
def _members(population: Clusters, seed: int, cell: int, limits: bytes) -> Sources:
    """All galaxies of the clusters of a cell that some survey could see."""
    haloes = clusters_of(population, seed, cell)
    random = generator(seed, population.number, cell, 2)
    block = Block(0, seed, np.frombuffer(limits, np.float32))
    red = _faint_members(population, haloes, block, 1.0, random)
    blue = _faint_members(population, haloes, block, population.blue_share, random)
    first = np.arange(len(haloes))[haloes.system >= 0]
    parts = []
    for (which, absolute), is_red in ((red, True), (blue, False)):
        parts.append(_placed(population, haloes, which, absolute, block, random, red=is_red))
    bright = _brightest(haloes.mass_msun[first], haloes.redshift[first], random)
    parts.append(_central(population, haloes, first, bright, block, random))
    return Sources.concatenated(parts)


def _faint_members(
    population: Clusters, haloes: Haloes, block: Block, share: float, random: np.random.Generator
) -> tuple[Ints, Floats]:
    """Haloes (n,) that members belong to, and the members' M_r, drawn from a Schechter function."""
    break_today = RED.bright - RED.brighter * elapsed(haloes.redshift)
    faintest = np.minimum(_faintest(haloes.redshift, block.limits) - break_today, 6.0)
    grid = np.arange(_BRIGHTEST, 6.01, 0.05)
    light = 10 ** (-0.4 * grid)
    rising = np.cumsum(light ** (population.faint_slope + 1) * np.exp(-light))
    to_limit = np.interp(faintest, grid, rising, left=0.0)
    norm = np.interp(1.75, grid, rising)
    inside = _share_inside(haloes.richness, haloes.mass_msun, haloes.redshift)
    numbers = random.poisson(share * haloes.richness / inside * to_limit / norm)
    which = np.repeat(np.arange(len(haloes)), numbers)
    drawn = np.interp(random.random(len(which)) * to_limit[which], rising, grid)
    return which, drawn + break_today[which]


def _faintest(redshift: Floats, limits: NDArray[np.float32]) -> Floats:
    """(n,) M_r of the faintest red galaxy that some survey could see."""
    mags = galaxy_table().at(redshift, np.full(len(redshift), 2.3), np.zeros(len(redshift)))
    return np.asarray((limits - mags).max(axis=1) - distance_modulus(redshift))


def _share_inside(richness: Floats, mass: Floats, redshift: Floats) -> Floats:
    """Share of members within 1.43 (richness / 100)^0.2 Mpc, as Rykoff et al. 2014 count them."""
    radius = _REACH * massfunction.radius_mpc(mass, redshift)
    grid, rising = _profile()
    cut = 1.43 * (np.maximum(richness, 1.0) / 100.0) ** 0.2 / radius
    return np.asarray(np.interp(np.minimum(cut, 1.0), grid, rising))


def _placed(
    population: Clusters,
    haloes: Haloes,
    which: Ints,
    absolute: Floats,
    block: Block,
    random: np.random.Generator,
    *,
    red: bool,
) -> Sources:
    """Members at projected places of an NFW profile, with velocities, as they are seen."""
    n = len(which)
    mass, z = haloes.mass_msun[which], haloes.redshift[which]
    grid, rising = _profile()
    out = np.interp(random.random(n), rising, grid) * haloes.reach_arcsec[which]
    ra, dec = _moved(haloes, which, out, random)
    moving = z + (1 + z) * _dispersion_kms(mass, z) / _LIGHT_KMS * random.standard_normal(n)
    scatter = population.ridge_scatter if red else None
    sequence = RED if red else BLUE
    made = Drawn.of(moving, absolute, sequence, red=red, random=random, scatter=scatter)
    return made.seen(block, ra, dec, random, haloes.system[which])


def _central(
    population: Clusters,
    haloes: Haloes,
    which: Ints,
    absolute: Floats,
    block: Block,
    random: np.random.Generator,
) -> Sources:
    """The brightest galaxies, a few of them off the center (Rayleigh, 0.4 Mpc)."""
    off = random.random(len(which)) < population.miscentred
    away_kpc = 400.0 * random.rayleigh(1.0, len(which))
    out = np.where(off, away_kpc / kpc_per_arcsec(haloes.redshift[which]), 0.0)
    ra, dec = _moved(haloes, which, np.minimum(out, haloes.reach_arcsec[which]), random)
    scatter = population.ridge_scatter
    z = haloes.redshift[which]
    made = Drawn.of(z, absolute, RED, red=True, random=random, scatter=scatter)
    return made.seen(block, ra, dec, random, haloes.system[which])


def _brightest(mass: Floats, redshift: Floats, random: np.random.Generator) -> Floats:
    """M_r of brightest galaxies: L ~ M^0.3, 0.35 mag of scatter, M_r = -23.1 at 3e14 Msun today.

    Hansen et al. 2009, ApJ 699, 1333 (L_BCG ~ M^0.30; normalisation from memory).
    """
    today = -23.1 - 2.5 * 0.30 * np.log10(mass / 3e14)
    return np.asarray(
        today - RED.brighter * elapsed(redshift) + 0.35 * random.standard_normal(len(mass))
    )


def _dispersion_kms(mass: Floats, redshift: Floats) -> Floats:
    """Along a line of sight: Evrard et al. 2008, ApJ 672, 122, with M200c = 0.75 M200m."""
    expansion = 0.7 * np.sqrt(0.3 * (1 + redshift) ** 3 + 0.7)
    return np.asarray(1082.9 * (expansion * 0.75 * mass / 1e15) ** 0.3361)


def _moved(
    haloes: Haloes, which: Ints, out_arcsec: Floats, random: np.random.Generator
) -> tuple[Floats, Floats]:
    """Places at distances (n,) from the centers of their haloes, in any direction."""
    ra, dec = np.radians(haloes.ra_deg[which]), np.radians(haloes.dec_deg[which])
    turn, out = 2 * np.pi * random.random(len(which)), np.radians(out_arcsec / 3600.0)
    zero = np.zeros(len(which))
    east = np.stack([-np.sin(ra), np.cos(ra), zero], axis=1)
    north = np.stack([-np.sin(dec) * np.cos(ra), -np.sin(dec) * np.sin(ra), np.cos(dec)], axis=1)
    aside = np.sin(turn)[:, None] * east + np.cos(turn)[:, None] * north
    center = to_xyz(haloes.ra_deg[which], haloes.dec_deg[which])
    return to_radec(np.cos(out)[:, None] * center + np.sin(out)[:, None] * aside)


@lru_cache(maxsize=1)
def _profile() -> tuple[Floats, Floats]:
    """Projected radii over the reach, and the share of members inside (NFW 1996, cut there)."""
    edge = _CONCENTRATION * _REACH
    x = np.linspace(0.0, edge, 2001)
    within = np.log1p(x) - x / (1 + x)
    middle = 0.5 * (x[1:] + x[:-1])
    shells = np.diff(within) / within[-1]
    rising = np.array([
        (shells * (1 - np.sqrt(np.maximum(1 - (radius / middle) ** 2, 0.0)))).sum()
        for radius in np.linspace(0.0, edge, 400)
    ])  # fmt: skip
    return np.linspace(0.0, 1.0, 400), rising


@lru_cache(maxsize=1)
def _rates() -> Floats:
    """(redshifts, masses) clusters a square degree in each bin."""
    z = 0.5 * (_EDGES[1:] + _EDGES[:-1])
    volume = volume_mpc3_deg2(_EDGES[:-1], _EDGES[1:])
    mass = np.exp(_LOG_MASSES + 0.025)
    return np.asarray(massfunction.density(mass[None, :], z[:, None]) * 0.05 * volume[:, None])


def _from_bins(numbers: Ints, random: np.random.Generator) -> tuple[Floats, Floats]:
    places = np.repeat(np.arange(numbers.size), numbers.ravel())
    z, mass = np.divmod(places, numbers.shape[1])
    along = _EDGES[z] + 0.02 * random.random(len(places))
    return along, np.exp(_LOG_MASSES[mass] + 0.05 * random.random(len(places)))


def _uniform(cell: int, n: int, random: np.random.Generator) -> tuple[Floats, Floats]:
    inside = 1 << 2 * (healpix.MAX_ORDER - CELL_ORDER)
    return centers(cell * inside + random.integers(0, inside, n, np.int64), healpix.MAX_ORDER)


def _cells_about(block: Block) -> list[int]:
    """The coarse cell of a block and its neighbours, rising."""
    own = block.pixel >> 2 * (block.order - CELL_ORDER)
    about = healpix.neighbours(np.array([own]), CELL_ORDER).ravel()
    return sorted({own, *(int(each) for each in about if each >= 0)})
