"""Long-period variables among cool giants: Miras, semiregular and small-amplitude red giants.

Periods and amplitudes are log-normal (Miras' amplitudes normal), with the medians, scatters and
correlations of OGLE-III's catalogues of the bulge and the Magellanic Clouds (Soszynski et al. 2009,
AcA 59, 239; 2013, AcA 63, 21), told in I. Amplitudes in g and r over those in I: from memory of
Miras' spectra (2.6 and 1.7). Which giant is which: cooler ones pulsate more; temperatures and
shares from memory.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from scipy.special import ndtri

from skyquarry.synthetic.chance import normal
from skyquarry.synthetic.changing.changes import Changes, Lit, Type, each_at
from skyquarry.synthetic.sources import Kind

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from skyquarry.synthetic.changing.cadence import Visits
    from skyquarry.synthetic.changing.changes import Ints
    from skyquarry.synthetic.sources import Sources

    Floats = NDArray[np.float64]

_LAWS: Final = {
    Type.OSARG: (1.345, 0.28, -1.88, 0.42, 0.71),
    Type.SRV: (1.95, 0.20, -0.89, 0.22, 0.62),
    Type.M: (2.513, 0.15, np.log10(1.95), 0.13, 0.54),
}
"""log10 period in days: median, scatter; log10 amplitude in I, peak to peak; their correlation"""
RATIOS: Final = np.array([2.6, 1.7, 1.0])
"""amplitudes in g, r, i over that in I"""
_BEGIN_K: Final = 4000.0
_HIGHEST_LOGG: Final = 1.6
_WANDER: Final = {Type.OSARG: 0.6, Type.SRV: 0.45, Type.M: 0.12}
"""part of the amplitude that does not repeat, from cycle to cycle"""


@dataclass(frozen=True)
class LongPeriod:
    """Giants cooler than 4,000 K."""

    types: tuple[Type, ...] = (Type.M, Type.SRV, Type.OSARG)

    def found(self, sources: Sources, ids: Ints, seed: int) -> tuple[Ints, Changes]:
        """Every cool, large giant pulsates in some way."""
        which = np.flatnonzero(
            (sources.kind == Kind.GIANT)
            & (sources.teff_k < _BEGIN_K)
            & (sources.logg < _HIGHEST_LOGG)
        )
        empty = Changes.of(np.empty(0, np.int8))
        some = Lit(sources.taken(which), ids[which], empty, np.empty((0, 3)), seed)
        teff = some.sources.teff_k
        drawn = some.uniform("longperiod")
        mira = drawn < np.interp(teff, (2800.0, 3300.0, 3500.0), (0.9, 0.2, 0.0))
        large = drawn < np.interp(teff, (3200.0, 3600.0, 3900.0), (1.0, 0.3, 0.0))
        kind = np.where(mira, Type.M, np.where(large, Type.SRV, Type.OSARG))
        a, b = (ndtri(some.uniform(f"longperiod.{what}")) for what in ("period", "amplitude"))
        law = np.array([_LAWS[Type(each)] for each in kind]).reshape(-1, 5)
        log_period, width, log_size, size_width, tie = law.T
        period = 10.0 ** (log_period + width * a)
        size = 10.0 ** (log_size + size_width * (tie * a + np.sqrt(1.0 - tie**2) * b))
        return which, Changes.of(
            kind, period_d=period, amplitude_mag=size * RATIOS[0],
            epoch_mjd=58_000.0 - period * some.uniform("longperiod.phase"),
        )  # fmt: skip

    def light(self, some: Lit, visits: Visits) -> Floats:
        """The mean magnitude is that of the truth; heights of cycles and their times scatter."""
        changes = some.changes
        turns = (visits.mjd - changes.epoch_mjd[:, None]) / changes.period_d[:, None]
        wander = np.array([_WANDER[Type(each)] for each in changes.type])[:, None]
        slip = 0.5 * wander * _cycles(some, turns, "phase")
        height = 1.0 + 0.5 * wander * _cycles(some, turns, "height")
        level = 0.25 * wander * _cycles(some, turns, "level")
        turn = 2.0 * np.pi * (turns + slip / (2.0 * np.pi))
        wave = -0.5 * (np.cos(turn) + 0.15 * np.cos(2.0 * turn - 0.9)) * height + level
        mags = changes.amplitude_mag[:, None] * wave * (RATIOS / RATIOS[0])[visits.band]
        return np.asarray(some.quiet[:, visits.band] * 10.0 ** (-0.4 * mags))


def _cycles(some: Lit, turns: Floats, what: str) -> Floats:
    """(n, v) normal numbers of each cycle, smoothly from one to the next."""
    cycle = np.floor(turns).astype(np.int64)
    part = turns - cycle
    smooth = part * part * (3.0 - 2.0 * part)
    here, there = (
        normal(some.seed, f"changing.longperiod.{what}", each_at(some.ids, cycle + more))
        for more in (0, 1)
    )
    return np.asarray((1.0 - smooth) * here + smooth * there)
