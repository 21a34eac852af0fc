"""Eclipsing binaries, among the stars that the truth marks as unresolved pairs.

Contact binaries (EW): one of 500 dwarfs of types F to K (Rucinski 2002, PASP 114, 1124; 2006, MNRAS
368, 1319), at orbits and amplitudes of any inclination. Shortest period at a colour after Eggen and
Rucinski, 0.04 (B-V)**-2.25 = P ... in days, and longer ones to 0.1 dex beyond; amplitudes as those
of Rucinski 2001, AJ 122, 1007 (from memory): up to 0.8 mag edge-on, none at 35 degrees. Detached
ones (EA): one pair of seven has a period of 0.6 to 100 days, even in log P (Raghavan et al. 2010,
ApJS 190, 1); which of them eclipse, how deep and how long, geometry decides.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from scipy.special import ndtri

from skyquarry.synthetic.changing.changes import Changes, Lit, Type
from skyquarry.synthetic.sources import Kind

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from skyquarry.synthetic.changing.cadence import Visits
    from skyquarry.synthetic.changing.changes import Ints
    from skyquarry.synthetic.sources import Sources

    Floats = NDArray[np.float64]

_PAIRS: Final = 0.4
"""part of the dwarfs that are unresolved pairs: what turns a part of all into one of pairs"""
_SUN_DAYS: Final = 4.2082
"""a / R_sun = 4.2082 (M P**2)**(1/3), masses of the Sun and days"""
_LEAST_DEPTH: Final = 0.005
_TEFF: Final = np.array([4200.0, 4800.0, 5300.0, 5770.0, 6500.0, 7200.0])
_B_V: Final = np.array([1.20, 0.95, 0.78, 0.65, 0.44, 0.33])
"""of dwarfs, Pecaut & Mamajek 2013, ApJS 208, 9 (rounded)"""


@dataclass(frozen=True)
class Eclipses:
    """Pairs seen almost edge-on."""

    contact: float = 1.0 / 500.0
    """part of all dwarfs between 4,200 and 7,200 K"""
    close: float = 1.0 / 7.0
    """part of the pairs of which the orbit takes 0.6 to 100 days"""
    types: tuple[Type, ...] = (Type.EW, Type.EA)

    def found(self, sources: Sources, ids: Ints, seed: int) -> tuple[Ints, Changes]:
        """Pairs of dwarfs that touch, and those that eclipse each other without touching."""
        pairs = np.flatnonzero(
            (sources.kind == Kind.MAIN_SEQUENCE) & sources.companion & (sources.teff_k > 2800.0)
        )
        empty = Changes.of(np.empty(0, np.int8))
        some = Lit(sources.taken(pairs), ids[pairs], empty, np.empty((0, 3)), seed)
        drawn = some.uniform("eclipses")
        warm = (some.sources.teff_k > 4200.0) & (some.sources.teff_k < 7200.0)
        share = np.where(warm, self.contact / _PAIRS, 0.0)
        touch = drawn < share
        apart = ~touch & (drawn < share + self.close)
        parts = [_contact(_taken(some, touch)), _detached(_taken(some, apart))]
        places = np.concatenate([pairs[touch], pairs[apart]])
        every = Changes.concatenated(parts)
        deep = every.amplitude_mag > _LEAST_DEPTH
        return places[deep], every.taken(deep)

    def light(self, some: Lit, visits: Visits) -> Floats:
        """The truth's magnitudes are those outside of eclipses, or at maximum."""
        changes = some.changes
        phase = (visits.mjd - changes.epoch_mjd[:, None]) / changes.period_d[:, None]
        contact = changes.type == Type.EW
        mags = np.empty(phase.shape)
        mags[contact] = _touching(phase[contact], changes.taken(contact))
        mags[~contact] = _eclipsed(phase[~contact], changes.taken(~contact))
        return np.asarray(some.quiet[:, visits.band] * 10.0 ** (-0.4 * mags))


def _taken(some: Lit, which: NDArray[np.bool_]) -> Lit:
    return Lit(some.sources.taken(which), some.ids[which], some.changes, some.quiet, some.seed)


def _contact(some: Lit) -> Changes:
    b_v = np.interp(some.sources.teff_k, _TEFF, _B_V)
    shortest = (0.04 / b_v) ** (1.0 / 2.25)
    period = shortest * 10.0 ** np.abs(0.09 * ndtri(some.uniform("ew.period")))
    tilt = some.uniform("ew.tilt")
    edge_on = 0.45 + 0.40 * some.uniform("ew.ratio")
    amplitude = edge_on * np.clip(1.0 - (tilt / 0.82) ** 1.2, 0.0, 1.0)
    return Changes.of(
        np.full(len(some), Type.EW), period_d=period, amplitude_mag=amplitude,
        shape=1.0 - 0.25 * some.uniform("ew.depth") ** 2,
        epoch_mjd=58_000.0 + period * some.uniform("ew.phase"),
    )  # fmt: skip


def _detached(some: Lit) -> Changes:
    """Radii and light as those of dwarfs: R = M**0.8, T = 5770 M**0.6, light R2 T4 (to 4 kpc)."""
    n = len(some)
    mass = np.nan_to_num(some.sources.mass_msun.astype(np.float64), nan=0.7)
    other = mass * np.maximum(0.12, some.uniform("ea.ratio"))
    period = 10.0 ** (np.log10(0.6) + some.uniform("ea.period") * (2.0 - np.log10(0.6)))
    axis = _SUN_DAYS * np.cbrt((mass + other) * period**2)
    big, small = mass**0.8, other**0.8
    nearest = axis * some.uniform("ea.tilt")
    covered = np.clip((big + small - nearest) / (2.0 * small), 0.0, 1.0)
    hot, cool = mass**2.4, other**2.4
    whole = big**2 * hot + small**2 * cool
    area = covered * small**2
    primary = -2.5 * np.log10(np.maximum(1.0 - area * hot / whole, 1e-3))
    secondary = -2.5 * np.log10(np.maximum(1.0 - area * cool / whole, 1e-3))
    path = np.sqrt(np.maximum((big + small) ** 2 - nearest**2, 0.0))
    roomy = axis > 1.3 * (big + small)
    depth = np.where((path > 0) & roomy, primary, 0.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        relative = np.where(depth > 0, secondary / primary, np.nan)
    return Changes.of(
        np.full(n, Type.EA), period_d=period, amplitude_mag=depth,
        scale_d=period * np.arcsin(np.minimum(path / axis, 1.0)) / np.pi, shape=relative,
        epoch_mjd=58_000.0 + period * some.uniform("ea.phase"),
    )  # fmt: skip


def _touching(phase: Floats, changes: Changes) -> Floats:
    """(n, v) magnitudes under maximum: cosines of two and four times the phase (Rucinski 1993)."""
    turn = 2.0 * np.pi * phase
    wave = 0.5 + 0.5 * (0.86 * np.cos(2.0 * turn) + 0.14 * np.cos(4.0 * turn))
    deep = 0.5 * (1.0 + changes.shape)[:, None] + 0.5 * (1.0 - changes.shape)[:, None] * np.cos(
        turn
    )
    return changes.amplitude_mag[:, None] * wave * deep


def _eclipsed(phase: Floats, changes: Changes) -> Floats:
    """(n, v) two trapezoids at phases 0 and 1/2, the middle third of which is flat."""
    half = (0.5 * changes.scale_d / changes.period_d)[:, None]
    mags = np.zeros(phase.shape)
    for at, depth in ((0.0, changes.amplitude_mag), (0.5, changes.amplitude_mag * changes.shape)):
        away = np.abs((phase - at + 0.5) % 1.0 - 0.5)
        mags += depth[:, None] * np.clip(1.5 * (1.0 - away / half), 0.0, 1.0)
    return mags
