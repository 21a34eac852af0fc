"""Quasars as damped random walks: MacLeod et al. 2010, ApJ 721, 1014.

Amplitudes and times are those of `beyond.quasars.structure_function` (their equation 7), by
luminosity and the mass of the black hole, which scatters about its median by 0.58 + 0.011 M_i
(their section 5.2 after Shen et al. 2008, from memory).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from scipy.special import ndtri

from skyquarry.synthetic.bands import BAND, BANDS
from skyquarry.synthetic.beyond.cosmology import distance_modulus
from skyquarry.synthetic.beyond.quasars import black_hole_msun, structure_function
from skyquarry.synthetic.chance import normal
from skyquarry.synthetic.changing.cadence import WAVELENGTHS_NM
from skyquarry.synthetic.changing.changes import Changes, Lit, Type, each_at
from skyquarry.synthetic.sources import Kind

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from skyquarry.synthetic.changing.cadence import Visits
    from skyquarry.synthetic.changing.changes import Ints
    from skyquarry.synthetic.sources import Sources

    Floats = NDArray[np.float64]

_REDDER: Final = -0.479
"""exponent of the wavelength in the amplitude"""
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
        scatter = np.clip(0.58 + 0.011 * absolute, 0.2, 0.6)
        scatter *= ndtri(some.uniform("wandering.mass"))
        mass = black_hole_msun(absolute) * 10.0**scatter
        amplitude, time = structure_function(WAVELENGTHS_NM[0], absolute, redshift, mass)
        return which, Changes.of(
            np.full(len(which), Type.QSO), amplitude_mag=amplitude, scale_d=time
        )

    def light(self, some: Lit, visits: Visits) -> Floats:
        """The mean magnitude is that of the truth; all bands go together, red ones less."""
        walk = walked(some, visits)
        band = (WAVELENGTHS_NM / WAVELENGTHS_NM[0]) ** _REDDER
        sigma = some.changes.amplitude_mag[:, None] / np.sqrt(2.0)
        mags = sigma * walk * band[visits.band]
        return np.asarray(some.quiet[:, visits.band] * 10.0 ** (-0.4 * mags))


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
