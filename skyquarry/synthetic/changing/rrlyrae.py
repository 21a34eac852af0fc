"""RR Lyrae stars: those of the halo, after the 483 of Stripe 82 (Sesar et al. 2010, ApJ 708, 717).

Density: a power law of the ellipsoidal radius, n = 2.42, q = 0.63 (Sesar et al. 2013, AJ 146, 21,
from 5 to 30 kpc; from memory), steeper beyond 30 kpc of the centre (Sesar et al. 2010). Periods,
amplitudes, colours and their scatter are those of their table 2; the shapes are Fourier sums fitted
to every second star's light curve in g of their table 1, and have the same form in each band. What
there is not: the thick disc's and the bulge's stars, streams, double-mode stars, the Blazhko
effect.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from scipy.special import ndtri

from skyquarry.synthetic import dust
from skyquarry.synthetic.bands import BAND, BANDS, N_BANDS
from skyquarry.synthetic.changing.changes import Changes, Lit, Type, population_of
from skyquarry.synthetic.changing.drawing import moving, panstarrs, shells
from skyquarry.synthetic.milkyway.discs import HALO, SUN_RADIUS_PC, galactocentric
from skyquarry.synthetic.sources import Kind, Sources

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from skyquarry.synthetic.blocks import Block
    from skyquarry.synthetic.changing.cadence import Visits

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

NUMBER: Final = 51
_LOCAL_PC3: Final = 7e-9
"""of both types, at the Sun: four fifths of Stripe 82's stars, as a fifth of these stand in clumps;
Sesar et al. 2013 have 5.6e-9"""
_POWER, _FLATTENING = 2.42, 0.63
_BREAK_PC: Final = 30_000.0
_STEEPER: Final = 2.2
"""beyond the break the density falls with the power 2.42 + 2.2"""
_NEAREST_PC, _FARTHEST_PC = 300.0, 130_000.0
_SHARE_AB: Final = 0.785
"""379 of 483"""
_M_R: Final = (0.57, 0.63)
"""absolute magnitudes of types ab and c in r"""
_SCATTER_M: Final = 0.08
_COLOURS: Final = ((1.14, 0.137, 0.034, -0.006), (1.152, 0.036, -0.027, -0.038))
"""u-g, g-r, r-i, i-z without dust"""
_SCATTERS: Final = (0.035, 0.045, 0.02, 0.02)
_MORE: Final = {
    "gaia_g": -0.02, "gaia_bp": 0.06, "gaia_rp": 0.0, "twomass_j": 0.17, "twomass_h": 0.44,
    "twomass_ks": 0.80, "wise_w1": 1.42, "wise_w2": 2.06, "wise_w3": 3.90, "wise_w4": 5.34,
    "ukidss_y": 0.02, "ukidss_j": 0.18, "ukidss_h": 0.43, "ukidss_k": 0.84, "ps1_y": 0.0,
}  # fmt: skip
"""AB magnitudes over that in i, of a star of 6,700 K: LINEAR's stars with 2MASS, Mamajek's F3V"""
_PERIODS: Final = ((np.log10(0.580), 0.052), (np.log10(0.335), 0.060))
"""mean and scatter of log10 days"""
RATIOS: Final = np.array([1.0, 0.72, 0.57])
"""amplitudes in r and i over that in g, table 2's medians"""

# The columns: cosines of 1 to 8 times the phase, sines; magnitudes, for an amplitude of 1.
_AB_LOW: Final = np.array(
    [[-0.3611, -0.1541, -0.0678, -0.0097, 0.0126, 0.0093, -0.0072, -0.0083],
     [-0.2270, -0.0451, 0.0289, 0.0281, 0.0078, -0.0093, -0.0100, -0.0053]]
)  # fmt: skip
_AB_MIDDLE: Final = np.array(
    [[-0.2971, -0.1447, -0.1133, -0.0629, -0.0255, -0.0080, 0.0033, 0.0059],
     [-0.2290, -0.0941, -0.0162, 0.0238, 0.0288, 0.0190, 0.0123, 0.0056]]
)  # fmt: skip
_AB_HIGH: Final = np.array(
    [[-0.2809, -0.1286, -0.1123, -0.0757, -0.0453, -0.0186, -0.0054, -0.0009],
     [-0.2153, -0.1012, -0.0369, 0.0037, 0.0219, 0.0245, 0.0161, 0.0112]]
)  # fmt: skip
_C: Final = np.array(
    [[-0.4588, -0.0562, 0.0011, 0.0026, 0.0024, 0.0029, -0.0009, 0.0008],
     [-0.1798, 0.0404, 0.0193, 0.0022, -0.0011, -0.0027, 0.0024, -0.0049]]
)  # fmt: skip
_AT: Final = (0.66, 0.98, 1.26)
"""amplitudes of the stars that the three shapes of type ab were fitted to"""


@dataclass(frozen=True)
class RRLyrae:
    """A population, and how its stars change."""

    local_pc3: float = _LOCAL_PC3
    name: str = "RR Lyrae stars"
    number: int = NUMBER
    types: tuple[Type, ...] = (Type.RRAB, Type.RRC)

    def drawn(self, block: Block, random: np.random.Generator) -> Sources:
        """Those of a block that some survey could see."""
        distance = shells(block, random, self.density, (_NEAREST_PC, _FARTHEST_PC))
        n = len(distance)
        ra, dec = block.uniform(n, random)
        type_c = random.random(n) > _SHARE_AB
        ebv = dust.to_distance(block.seed, ra, dec, distance)
        mags = _magnitudes(type_c, random)
        mags += (5.0 * np.log10(distance / 10.0))[:, None]
        mags += ebv[:, None] * np.array([band.extinction for band in BANDS])
        feh = random.normal(HALO.feh, HALO.feh_sigma, n)
        made = Sources.of(
            n, ra_deg=ra, dec_deg=dec, kind=Kind.GIANT, mags=mags, ebv=ebv, feh=feh,
            teff_k=np.where(type_c, 7000.0, 6600.0), logg=2.8,
            mass_msun=0.65, **moving(HALO, ra, dec, distance, random),
        )  # fmt: skip
        return made.taken(block.visible(mags))

    def density(self, lon_deg: Floats, lat_deg: Floats, distance_pc: Floats) -> Floats:
        """(n,) stars a cubic parsec."""
        x, y, z = galactocentric(lon_deg, lat_deg, distance_pc)
        radius = np.sqrt(x**2 + y**2 + (z / _FLATTENING) ** 2)
        beyond = np.maximum(radius / _BREAK_PC, 1.0) ** -_STEEPER
        own = np.hypot(radius, 500.0) / SUN_RADIUS_PC
        return np.asarray(self.local_pc3 * own**-_POWER * beyond)

    def found(self, sources: Sources, ids: Ints, seed: int) -> tuple[Ints, Changes]:
        """All of the population; the bluer half of what is hot is of type c."""
        which = np.flatnonzero(population_of(ids) == self.number)
        some = Lit(sources, ids[which], Changes.of(np.empty(0, np.int8)), np.empty((0, 3)), seed)
        type_c = sources.teff_k[which] > 6800.0
        normal, other = (ndtri(some.uniform(f"rrlyrae.{what}")) for what in ("period", "amplitude"))
        mean, width = (np.where(type_c, c, ab) for ab, c in zip(*_PERIODS, strict=True))
        log_period = mean + width * np.clip(normal, -2.5, 2.5)
        # Table 2: A_g falls with the period of type ab (slope -3.8, scatter 0.23).
        amplitude_ab = 0.96 - 3.8 * (log_period + 0.2366) + 0.23 * other
        amplitude = np.where(
            type_c, np.clip(0.52 + 0.09 * other, 0.15, 0.9), np.clip(amplitude_ab, 0.25, 1.6)
        )
        period = 10.0**log_period
        return which, Changes.of(
            np.where(type_c, Type.RRC, Type.RRAB), period_d=period, amplitude_mag=amplitude,
            epoch_mjd=58_000.0 + period * some.uniform("rrlyrae.phase"),
        )  # fmt: skip

    def light(self, some: Lit, visits: Visits) -> Floats:
        """The mean magnitude is that of the truth."""
        changes = some.changes
        phase = (visits.mjd - changes.epoch_mjd[:, None]) / changes.period_d[:, None]
        mags = shape(phase, changes.type == Type.RRC, changes.amplitude_mag)
        mags = mags * changes.amplitude_mag[:, None] * RATIOS[visits.band]
        return np.asarray(some.quiet[:, visits.band] * 10.0 ** (-0.4 * mags))


def shape(phase: Floats, type_c: NDArray[np.bool_], amplitude: Floats) -> Floats:
    """(n, v) magnitudes around the mean, of amplitude 1, at phases (n, v) from maximum light."""
    knots = np.stack([_AB_LOW, _AB_MIDDLE, _AB_HIGH])
    place = np.interp(amplitude, _AT, (0.0, 1.0, 2.0))
    low = np.minimum(place.astype(np.int64), 1)
    part = (place - low)[:, None, None]
    terms = np.where(type_c[:, None, None], _C, (1 - part) * knots[low] + part * knots[low + 1])
    turn = np.exp(2j * np.pi * (phase % 1.0))
    power, total = np.ones_like(turn), np.zeros(phase.shape)
    for order in range(terms.shape[2]):
        power = power * turn
        total += terms[:, 0, order, None] * power.real + terms[:, 1, order, None] * power.imag
    return total


def _magnitudes(type_c: NDArray[np.bool_], random: np.random.Generator) -> Floats:
    """(n, 24) absolute, without dust."""
    n = len(type_c)
    u_g, g_r, r_i, i_z = (
        np.where(type_c, c, ab) + scatter * random.standard_normal(n)
        for ab, c, scatter in zip(*_COLOURS, _SCATTERS, strict=True)
    )
    r = np.where(type_c, _M_R[1], _M_R[0]) + _SCATTER_M * random.standard_normal(n)
    mags = np.empty((n, N_BANDS))
    g, i = r + g_r, r - r_i
    sdss = {"sdss_u": g + u_g, "sdss_g": g, "sdss_r": r, "sdss_i": i, "sdss_z": i - i_z}
    for name, mag in (sdss | panstarrs(g, r, i, i - i_z)).items():
        mags[:, BAND[name]] = mag
    for name, over in _MORE.items():
        mags[:, BAND[name]] = i + over
    return mags
