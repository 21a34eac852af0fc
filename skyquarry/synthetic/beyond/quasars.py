"""Quasars: how many, how bright, how they look, and how they vary."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Final

import numpy as np

from skyquarry.synthetic import dust as galactic_dust
from skyquarry.synthetic.bands import BANDS
from skyquarry.synthetic.beyond.cosmology import distance_modulus, volume_mpc3_deg2
from skyquarry.synthetic.beyond.igm import first_thick
from skyquarry.synthetic.beyond.quasarseds import MOST, Quasars, quasar_table
from skyquarry.synthetic.sources import Kind, Sources

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from skyquarry.synthetic.blocks import Block

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

STEP: Final = 0.02
_EDGES: Final = np.expm1(np.arange(np.log(1.1), np.log1p(MOST), STEP))
"""Redshifts from 0.1 to 6, even in ln(1 + z)."""
WIDTH: Final = 0.2
_BRIGHTEST: Final = -31.0
_EXTINCTION: Final = np.array([band.extinction for band in BANDS], np.float32)
_PIVOT: Final = 2.2


@dataclass(frozen=True)
class QuasarPopulation:
    """Quasars by luminosity function, each with a slope, dust, lines and a host of its own."""

    name: str = "quasars"
    number: int = 21
    faintest: float = -21.0
    """M_g (z = 2): fainter nuclei count as what happens in galaxies"""
    slope_scatter: float = 0.25
    mean_reddening: float = 0.049
    """E(B-V) of most, exponential"""
    unseen: float = 0.40
    """magnitudes by which quasars are brighter than the luminosity function, to which their own
    dust belongs, tells (its mean effect in the ultraviolet)"""
    red_share: float = 0.1
    red_reddening: float = 0.15
    """the same of a red tail"""
    line_scatter: float = 0.30
    torus_scatter: float = 0.30
    host_scatter: float = 0.90
    """of natural logarithms"""

    def drawn(self, block: Block, random: np.random.Generator) -> Sources:
        """Quasars of a block that some survey could see; they do not cluster."""
        bins = _expected(self, block.limits.tobytes())
        numbers = random.poisson(bins.per_deg2 * block.area_deg2)
        which = np.repeat(np.arange(len(numbers)), numbers)
        n = len(which)
        along = np.log1p(bins.redshift[which]) + STEP * random.random(n)
        redshift, absolute = np.expm1(along), bins.absolute[which] + WIDTH * random.random(n)
        ra, dec = block.uniform(n, random)
        ebv = galactic_dust.total(block.seed, ra, dec)
        mags = quasar_table().at(self.own(redshift, absolute, random))
        mags += (absolute - self.unseen + distance_modulus(redshift)).astype(np.float32)[:, None]
        mags += ebv.astype(np.float32)[:, None] * _EXTINCTION
        made = Sources.of(
            n, ra_deg=ra, dec_deg=dec, kind=Kind.QUASAR, mags=mags, redshift=redshift, ebv=ebv
        )
        return made.taken(block.visible(mags))

    def own(self, redshift: Floats, absolute: Floats, random: np.random.Generator) -> Quasars:
        """What each quasar of a redshift and M_g (z = 2) has of its own."""
        n = len(redshift)
        red = random.random(n) < self.red_share
        usual, more = random.exponential(self.mean_reddening, n), random.exponential(1.0, n)
        host = host_ratio(absolute) * np.exp(self.host_scatter * random.standard_normal(n))
        return Quasars(
            redshift=redshift,
            slope=self.slope_scatter * random.standard_normal(n),
            reddening=usual + np.where(red, self.red_reddening * more, 0.0),
            first=first_thick(redshift, random),
            lines=np.exp(self.line_scatter * random.standard_normal(n)),
            torus=np.exp(self.torus_scatter * random.standard_normal(n)),
            host=host,
        )


def density(absolute: ArrayLike, redshift: ArrayLike) -> Floats:
    """Quasars per Mpc^3 (comoving) and magnitude of M_g (z = 2), as seen through dust of their own.

    Double power laws. Up to redshift 2.2 the break moves: Palanque-Delabrouille et al. 2013, A&A
    551, A29, table 4 (0.68 < z < 2.2, to g = 22.5; their constants as distributed with BOSS's
    software; carried on below). Beyond, it moves and thins out: Ross et al. 2013, ApJ 773, 14,
    table 8, LEDE on Stripe 82 (2.2 < z < 3.5; rates of change from memory), continuous at 2.2, with
    the break of 3.5 farther out. All times 1.15: with K-corrections of our own spectrum as many are
    found then as both papers count.
    """
    m, z = np.asarray(absolute, np.float64), np.asarray(redshift, np.float64)
    since = z - _PIVOT
    near = -26.36 - 2.5 * (0.03 * since - 0.34 * since**2)
    far = -26.36 - 0.809 * np.minimum(since, 1.3)
    low = since < 0
    faintness = m - np.where(low, near, far)
    bright, faint = np.where(low, -3.50, -3.51), np.where(low, -1.43, -1.40)
    laws = 10 ** (0.4 * (bright + 1) * faintness) + 10 ** (0.4 * (faint + 1) * faintness)
    return np.asarray(1.15 * 10 ** (-5.89 - 0.689 * np.maximum(since, 0.0)) / laws)


def host_ratio(absolute: ArrayLike) -> Floats:
    """Starlight over the nucleus at 510 nm, by M_g (z = 2).

    Shen et al. 2011, ApJS 194, 45, equation 1 (from memory): 0.8052 - 1.5502 x + 0.9121 x^2 -
    0.1577 x^3 with x = log10 L(510 nm) / 1e44 erg/s; 0.7 of it, since as much falls into a point's
    magnitude; as at x = 0 for fainter ones, none beyond x = 1.05.
    """
    at_510 = np.asarray(absolute) - 0.25
    x = np.log10(4.345e20 * 5.878e14 / 1e44) - 0.4 * at_510
    x = np.clip(x, 0.0, 1.05)
    ratio = 0.8052 - 1.5502 * x + 0.9121 * x**2 - 0.1577 * x**3
    return np.asarray(0.7 * np.maximum(ratio, 0.0))


def structure_function(
    wavelength_nm: ArrayLike, absolute_i: ArrayLike, redshift: ArrayLike, black_hole_msun: ArrayLike
) -> tuple[Floats, Floats]:
    """How much a quasar varies (mag, of a damped random walk) and in how many days, as observed.

    MacLeod et al. 2010, ApJ 721, 1014, equation 7 and table 1 (from memory): logarithms of SF_inf
    and tau at rest are A + B log(λ / 400 nm) + C (M_i + 23) + D log(M_BH / 1e9 Msun).
    """
    rest = np.log10(np.asarray(wavelength_nm) / (1 + np.asarray(redshift)) / 400.0)
    bright, heavy = np.asarray(absolute_i) + 23.0, np.log10(np.asarray(black_hole_msun) / 1e9)
    amplitude = -0.51 - 0.479 * rest + 0.131 * bright + 0.18 * heavy
    days = 2.4 + 0.17 * rest + 0.03 * bright + 0.21 * heavy
    return np.asarray(10**amplitude), np.asarray(10**days * (1 + np.asarray(redshift)))


def black_hole_msun(absolute_i: ArrayLike) -> Floats:
    """Median mass by luminosity: log10 M = 2.0 - 0.27 M_i (MacLeod et al. 2010, from memory)."""
    return np.asarray(10 ** (2.0 - 0.27 * np.asarray(absolute_i)))


@dataclass(frozen=True, slots=True)
class Bins:
    """Nuclei of a square degree, (n,) each, in bins of redshift and of M_g (z = 2)."""

    redshift: Floats
    """low edge"""
    absolute: Floats
    """bright edge"""
    per_deg2: Floats

    @classmethod
    def of(cls, edges: Floats, brightest: float, faintest: float) -> Bins:
        """By `density`; redshifts have edges (k + 1,) that are `STEP` apart in ln(1 + z)."""
        low, high = edges[:-1], edges[1:]
        absolute = np.arange(brightest, faintest - WIDTH / 2, WIDTH)
        z, m = (each.ravel() for each in np.meshgrid(low, absolute, indexing="ij"))
        volume = np.repeat(volume_mpc3_deg2(low, high), len(absolute))
        return cls(z, m, density(m + WIDTH / 2, z + 0.5 * STEP * (1 + z)) * WIDTH * volume)

    def taken(self, which: NDArray[np.bool_]) -> Bins:
        """Some of them."""
        return Bins(self.redshift[which], self.absolute[which], self.per_deg2[which])


@lru_cache(maxsize=8)
def _expected(population: QuasarPopulation, limits: bytes) -> Bins:
    """Quasars in a square degree, in bins in which one might be seen."""
    bins = Bins.of(_EDGES, _BRIGHTEST, population.faintest)
    z, m = bins.redshift, bins.absolute
    bright = quasar_table().at(Quasars.mean(z, host=1.0)) + (m + distance_modulus(z))[:, None]
    seen = (bright - 1.2 < np.frombuffer(limits, np.float32)).any(axis=1)
    return bins.taken(seen & (bins.per_deg2 > 1e-9))
