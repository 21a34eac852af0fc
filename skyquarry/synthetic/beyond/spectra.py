"""Spectra on one logarithmic grid, where a redshift is a shift, and their fluxes in bands."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Final

import numpy as np

from skyquarry.synthetic.beyond.filters import curves

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]

STEP: Final = 0.001
"""of the natural logarithm of the wavelength: 300 km/s, the resolution of kcorrect's templates"""
WAVELENGTH_NM: Final = 60.0 * np.exp(STEP * np.arange(6200))
"""(6200,) from 60 nm to 30 micrometres: the grid of all spectra, at rest and as seen."""


def on_grid(wavelength_nm: ArrayLike, f_lambda: ArrayLike) -> Floats:
    """(6200,) flux per frequency of a spectrum given per wavelength; 0 outside of it."""
    known = np.asarray(wavelength_nm, np.float64)
    flux = np.asarray(f_lambda, np.float64) * known**2
    return np.asarray(np.interp(WAVELENGTH_NM, known, flux, left=0.0, right=0.0))


def shifts_to(redshift: float, stride: int) -> NDArray[np.int64]:
    """(nz,) shifts in steps of the grid, every `stride`-th, from 0 to beyond a redshift."""
    return np.arange(0, int(np.log1p(redshift) / STEP) + 2 * stride, stride)


def redshifts_of(shifts: NDArray[np.int64]) -> Floats:
    """(nz,) redshifts that are these shifts."""
    return np.asarray(np.expm1(STEP * shifts))


def band_fluxes(
    spectra: Floats,
    shifts: NDArray[np.int64],
    transmission: Callable[[float], Floats] | None = None,
) -> Floats:
    """(nz, m, 24) fluxes per frequency of spectra (m, 6200) in each band, seen from each redshift.

    With the factor (1 + z) of a bandwidth that is stretched, without that of the distance.
    `transmission(z)` (6200,) is that of what lies between, at observed wavelengths.
    """
    weights = band_weights()
    fluxes = np.empty((len(shifts), len(spectra), len(weights)))
    for place, shift in enumerate(shifts):
        redshift = float(np.expm1(STEP * shift))
        seen = weights if transmission is None else weights * transmission(redshift)
        rest = spectra[:, : spectra.shape[1] - shift]
        fluxes[place] = (1.0 + redshift) * (rest @ seen[:, shift:].T)
    return fluxes


@lru_cache(maxsize=1)
def band_weights() -> Floats:
    """(24, 6200) weights of fluxes per frequency: mean over photons, as AB magnitudes are meant.

    <f_nu> = int f_nu T dlnλ / int T dlnλ (Fukugita et al. 1996, AJ 111, 1748, equation 7).
    """
    weights = np.empty((len(curves()), len(WAVELENGTH_NM)))
    edges = np.append(WAVELENGTH_NM, WAVELENGTH_NM[-1] * np.exp(STEP)) * np.exp(-STEP / 2)
    for place, (wavelength, response) in enumerate(curves()):
        fine = np.linspace(wavelength[0], wavelength[-1], 20_000)
        passed = np.interp(fine, wavelength, response) / fine
        weights[place] = np.histogram(fine, edges, weights=passed)[0]
    return np.asarray(weights / weights.sum(axis=1, keepdims=True))


def magnitudes(fluxes: Floats) -> NDArray[np.float32]:
    """AB magnitudes of fluxes relative to that of magnitude 0; 99 where there is no light."""
    return np.where(fluxes > 0, -2.5 * np.log10(np.maximum(fluxes, 1e-300)), 99.0).astype(
        np.float32
    )
