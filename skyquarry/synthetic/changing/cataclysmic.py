"""Cataclysmic variables and their outbursts.

Density 4.8e-6 a cubic parsec, scale height 280 pc (Pala et al. 2020, MNRAS 494, 3799, from memory;
Pretorius & Knigge 2012, MNRAS 419, 1442: 4e-6). Absolute magnitudes in quiescence 10.9 with 1.2 of
scatter, colours of the SDSS sample (Szkody et al.): from memory. Six of ten are dwarf novae;
outbursts recur log-normally about 60 days from star to star, and their height grows with that time,
1.3 + 1.6 log10 of days (Coppejans et al. 2016, MNRAS 456, 4441, from memory), scatter 0.5.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from scipy.special import ndtri

from skyquarry.synthetic import dust
from skyquarry.synthetic.bands import BAND, BANDS, N_BANDS
from skyquarry.synthetic.chance import normal, uniform
from skyquarry.synthetic.changing.changes import Changes, Lit, Type, each_at, population_of
from skyquarry.synthetic.changing.drawing import moving, panstarrs, shells
from skyquarry.synthetic.milkyway.discs import SUN_RADIUS_PC, THIN, galactocentric
from skyquarry.synthetic.sources import Kind, Sources

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from skyquarry.synthetic.blocks import Block
    from skyquarry.synthetic.changing.cadence import Visits
    from skyquarry.synthetic.changing.changes import Ints

    Floats = NDArray[np.float64]

NUMBER: Final = 52
_REACH_PC: Final = (20.0, 4000.0)
_HEIGHT_PC, _LENGTH_PC = 280.0, 2600.0
_M_G, _SCATTER = 10.9, 1.2
_COLOURS: Final = ((0.05, 0.30), (0.20, 0.25), (0.20, 0.20), (0.20, 0.20))
"""u-g, g-r, r-i, i-z in quiescence: mean, scatter"""
_MORE: Final = {
    "gaia_bp": -0.05, "gaia_rp": -0.45, "twomass_j": -0.8, "twomass_h": -0.9, "twomass_ks": -0.8,
    "wise_w1": -0.4, "wise_w2": 0.1, "wise_w3": 1.7, "wise_w4": 3.0, "ps1_y": -0.55,
    "ukidss_y": -0.6, "ukidss_j": -0.8, "ukidss_h": -0.9, "ukidss_k": -0.8,
}  # fmt: skip
"""AB magnitudes over that in r: a white dwarf with a late M dwarf; from memory"""
_NOVAE: Final = 0.6
_HOT: Final = np.array([0.0, -0.15, -0.30])
"""magnitudes by which outbursts are lower in r and i than in g, beside the colours of quiescence"""
_RISE_D: Final = 1.0
_FALL_DAY_MAG: Final = 2.2


@dataclass(frozen=True)
class Cataclysmic:
    """A population, and how its stars change."""

    local_pc3: float = 4.8e-6
    name: str = "cataclysmic variables"
    number: int = NUMBER
    types: tuple[Type, ...] = (Type.UG,)

    def drawn(self, block: Block, random: np.random.Generator) -> Sources:
        """Those of a block that some survey could see in quiescence."""
        distance = shells(block, random, self.density, _REACH_PC)
        n = len(distance)
        ra, dec = block.uniform(n, random)
        ebv = dust.to_distance(block.seed, ra, dec, distance)
        mags = _magnitudes(n, random)
        mags += (5.0 * np.log10(distance / 10.0))[:, None]
        mags += ebv[:, None] * np.array([band.extinction for band in BANDS])
        made = Sources.of(
            n, ra_deg=ra, dec_deg=dec, kind=Kind.WHITE_DWARF, mags=mags, ebv=ebv, companion=True,
            mass_msun=0.83, **moving(THIN, ra, dec, distance, random),
        )  # fmt: skip
        return made.taken(block.visible(mags))

    def density(self, lon_deg: Floats, lat_deg: Floats, distance_pc: Floats) -> Floats:
        """(n,) stars a cubic parsec."""
        x, y, z = galactocentric(lon_deg, lat_deg, distance_pc)
        away = (np.hypot(x, y) - SUN_RADIUS_PC) / _LENGTH_PC + np.abs(z) / _HEIGHT_PC
        return np.asarray(self.local_pc3 * np.exp(-away))

    def found(self, sources: Sources, ids: Ints, seed: int) -> tuple[Ints, Changes]:
        """Dwarf novae; the rest are taken as constant."""
        which = np.flatnonzero(population_of(ids) == self.number)
        empty = Changes.of(np.empty(0, np.int8))
        some = Lit(sources, ids[which], empty, np.empty((0, 3)), seed)
        which = which[some.uniform("cataclysmic") < _NOVAE]
        some = Lit(sources, ids[which], empty, np.empty((0, 3)), seed)
        log_recurrence = np.clip(1.78 + 0.45 * ndtri(some.uniform("ug.period")), 0.8, 3.3)
        height = 1.3 + 1.6 * log_recurrence + 0.5 * ndtri(some.uniform("ug.height"))
        top = 10.0 ** (0.35 + 0.25 * log_recurrence + 0.2 * ndtri(some.uniform("ug.top")))
        period = 10.0**log_recurrence
        return which, Changes.of(
            np.full(len(which), Type.UG), period_d=period, scale_d=np.minimum(top, 0.4 * period),
            amplitude_mag=np.clip(height, 1.5, 8.0),
            epoch_mjd=58_000.0 - period * some.uniform("ug.phase"),
        )  # fmt: skip

    def light(self, some: Lit, visits: Visits) -> Floats:
        """Flickering of 0.15 mag, and an outburst in each cycle at a time of its own."""
        changes = some.changes
        period, height = changes.period_d[:, None], changes.amplitude_mag[:, None]
        turns = (visits.mjd - changes.epoch_mjd[:, None]) / period
        boost = np.zeros(turns.shape)
        for back in (0, 1):
            cycle = np.floor(turns).astype(np.int64) - back
            keys = each_at(some.ids, cycle)
            start = cycle + 0.5 * uniform(some.seed, "changing.ug.start", keys)
            long = changes.scale_d[:, None] * 10.0 ** (
                0.25 * normal(some.seed, "changing.ug.long", keys)
            )
            boost = np.maximum(boost, outburst((turns - start) * period, height, long))
        flicker = 0.15 * normal(some.seed, "changing.flicker", each_at(some.ids, visits.number))
        quiet = some.quiet[:, visits.band] * 10.0 ** (-0.4 * flicker)
        bright = some.quiet[:, :1] * (10.0 ** (0.4 * boost) - 1.0)
        return np.asarray(quiet + bright * 10.0 ** (0.4 * _HOT[visits.band]))


def outburst(time_d: Floats, height_mag: Floats, top_d: Floats) -> Floats:
    """Magnitudes over quiescence at times since its start: a rise, a top that sinks, a fall."""
    rise = height_mag * np.clip(time_d / _RISE_D, 0.0, 1.0)
    late = np.maximum(time_d - _RISE_D - top_d, 0.0)
    sinking = 0.1 * np.clip(time_d - _RISE_D, 0.0, top_d) / np.maximum(top_d, 1e-9)
    return np.asarray(
        np.where(time_d < 0, 0.0, np.maximum(rise - sinking - late / _FALL_DAY_MAG, 0))
    )


def _magnitudes(n: int, random: np.random.Generator) -> Floats:
    """(n, 24) absolute, without dust."""
    g = _M_G + _SCATTER * random.standard_normal(n)
    u_g, g_r, r_i, i_z = (mean + width * random.standard_normal(n) for mean, width in _COLOURS)
    r = g - g_r
    i = r - r_i
    mags = np.empty((n, N_BANDS))
    sdss = {"sdss_u": g + u_g, "sdss_g": g, "sdss_r": r, "sdss_i": i, "sdss_z": i - i_z}
    for name, mag in (sdss | panstarrs(g, r, i, i - i_z)).items():
        mags[:, BAND[name]] = mag
    mags[:, BAND["gaia_g"]] = 0.5 * (g + r) - 0.02
    for name, over in _MORE.items():
        mags[:, BAND[name]] = r + over
    return mags
