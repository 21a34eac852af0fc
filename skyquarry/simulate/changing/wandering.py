"""Quasars as damped random walks: MacLeod et al. 2010, ApJ 721, 1014.

Equation 7 with table 1: log f = A + B log(wavelength at rest / 4000 A) + C (M_i + 23) + D log(M /
1e9), for the structure function at long times and for the time of decorrelation at rest. The mass
of the black hole, given M_i: log M = 2.0 - 0.27 M_i, scatter 0.58 + 0.011 M_i (their equation 8,
after Shen et al. 2008).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from scipy.special import ndtri

from skyquarry.simulate.bands import BAND, BANDS
from skyquarry.simulate.beyond.cosmology import distance_modulus
from skyquarry.simulate.chance import normal
from skyquarry.simulate.changing.cadence import WAVELENGTHS_NM
from skyquarry.simulate.changing.changes import Changes, Lit, Type, each_at
from skyquarry.simulate.sources import Kind

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from skyquarry.simulate.changing.cadence import Visits
    from skyquarry.simulate.changing.changes import Ints
    from skyquarry.simulate.sources import Sources

    Floats = NDArray[np.float64]

_AMPLITUDE: Final = (-0.51, -0.479, 0.131, 0.18)
_TIME: Final = (2.4, 0.17, 0.03, 0.21)
_REST: Final = 400.0
_I: Final = BAND["sdss_i"]


@dataclass(frozen=True)
class Wandering:
    """All quasars."""

    types: tuple[Type, ...] = (Type.QSO,)

    def found(self, sources: Sources, ids: Ints, seed: int) -> tuple[Ints, Changes]:
        """The amplitude is the structure function at long times, in g."""
        which = np.flatnonzero((sources.kind == Kind.QUASAR) & (sources.redshift > 0))
        empty = Changes.of(np.empty(0, np.int8))
        some = Lit(sources.taken(which), ids[which], empty, np.empty((0, 3)), seed)
        redshift = some.sources.redshift.astype(np.float64)
        absolute = _absolute_i(some.sources)
        mass = 2.0 - 0.27 * absolute - 9.0
        scatter = np.clip(0.58 + 0.011 * absolute, 0.2, 0.6)
        mass += scatter * ndtri(some.uniform("wandering.mass"))
        rest = WAVELENGTHS_NM[0] / (1.0 + redshift)
        amplitude = law(_AMPLITUDE, rest, absolute, mass)
        time = law(_TIME, rest, absolute, mass) * (1.0 + redshift)
        return which, Changes.of(
            np.full(len(which), Type.QSO), amplitude_mag=amplitude, scale_d=time
        )

    def light(self, some: Lit, visits: Visits) -> Floats:
        """The mean magnitude is that of the truth; all bands go together, red ones less."""
        walk = walked(some, visits)
        # Of a band's amplitude to that in g, only the term of the wavelength is left.
        band = (WAVELENGTHS_NM / WAVELENGTHS_NM[0]) ** _AMPLITUDE[1]
        sigma = some.changes.amplitude_mag[:, None] / np.sqrt(2.0)
        mags = sigma * walk * band[visits.band]
        return np.asarray(some.quiet[:, visits.band] * 10.0 ** (-0.4 * mags))


def law(terms: tuple[float, ...], rest_nm: Floats, absolute: Floats, log_mass: Floats) -> Floats:
    """(n,) of equation 7; `log_mass` over 1e9 Suns."""
    a, b, c, d = terms
    power = a + b * np.log10(rest_nm / _REST) + c * (absolute + 23.0) + d * log_mass
    return np.asarray(10.0**power)


def walked(some: Lit, visits: Visits) -> Floats:
    """(n, v) of variance 1, step by step from one visit to the next (their equation 2)."""
    steps = normal(some.seed, "changing.walk", each_at(some.ids, visits.number))
    walk = np.empty(steps.shape)
    if not len(visits):
        return walk
    kept = np.exp(-np.diff(visits.mjd) / some.changes.scale_d[:, None])
    new = np.sqrt(1.0 - kept**2) * steps[:, 1:]
    walk[:, 0] = steps[:, 0]
    for step in range(len(visits) - 1):
        walk[:, step + 1] = kept[:, step] * walk[:, step] + new[:, step]
    return walk


def _absolute_i(sources: Sources) -> Floats:
    """(n,) M_i at redshift 2 (Richards et al. 2006), by a power law of index -0.5."""
    redshift = sources.redshift.astype(np.float64)
    mag = sources.mags[:, _I] - sources.ebv * BANDS[_I].extinction
    k = -2.5 * 0.5 * np.log10((1.0 + redshift) / 3.0)
    return np.asarray(mag - distance_modulus(redshift) - k)
