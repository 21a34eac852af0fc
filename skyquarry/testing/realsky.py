"""Real galaxies and quasars that simulated ones are held to, and SDSS's ways of choosing them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal

import numpy as np
import pyarrow.parquet as pq

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Mask = NDArray[np.bool_]

_DEPTHS: Final = np.array([22.15, 23.13, 22.70, 22.20, 20.71])
_SOFT: Final = np.array([1.4, 0.9, 1.2, 1.8, 7.4]) * 1e-10


def spectroscopic(path: Path, kind: Literal["GALAXY", "QSO", "STAR"]) -> tuple[Floats, Floats]:
    """Magnitudes ugriz (n, 5) and redshifts (n,) of a class in a table of SDSS spectra."""
    table = pq.read_table(path)
    mags = np.stack([table[band].to_numpy() for band in "ugriz"], axis=1).astype(np.float64)
    chosen = np.array(table["class"].to_pylist()) == kind
    good = chosen & (mags > 0).all(axis=1) & (mags < 30).all(axis=1)
    return mags[good], table["redshift"].to_numpy()[good].astype(np.float64)


def as_sdss_sees(mags: Floats, *, extended: bool, seed: int = 0) -> Floats:
    """Magnitudes (n, 5) with SDSS's noise in flux, by arsinh as SDSS tells them (Lupton 1999).

    Noise: Ivezic et al. 2019, ApJ 873, 111, equation 5. Depths at 5 sigma of points; of galaxies,
    whose light is spread, 1 mag less.
    """
    x = 10 ** (0.4 * (mags - (_DEPTHS - 1.0 * extended)))
    sigma = np.sqrt(0.012**2 + 0.001 * x + 0.039 * x**2)
    flux = 10 ** (-0.4 * mags)
    seen = flux * (1 + sigma * np.random.default_rng(seed).standard_normal(mags.shape))
    return np.asarray(-2.5 / np.log(10) * (np.arcsinh(seen / (2 * _SOFT)) + np.log(_SOFT)))


def half_width(values: Floats) -> Floats:
    """Half of what lies between the 16th and the 84th percentile of columns (n, m)."""
    low, high = np.percentile(values, [16, 84], axis=0)
    return np.asarray((high - low) / 2)


def colours(mags: Floats) -> Floats:
    """u-g, g-r, r-i, i-z (n, 4) of ugriz (n, 5)."""
    return -np.diff(mags, axis=1)


def main_sample(mags: Floats) -> Mask:
    """As SDSS's main galaxy sample, by model magnitudes (Strauss et al. 2002, AJ 124, 1810)."""
    return mags[:, 2] < 17.8


def first_ten_thousand(mags: Floats) -> Mask:
    """As the query behind sdss_dr14_10k, which ends at u = 19.6 and g = 20."""
    return main_sample(mags) & (mags[:, 0] < 19.55) & (mags[:, 1] < 19.9)


def lowz(mags: Floats) -> Mask:
    """BOSS's galaxies at low redshift (Dawson et al. 2013, AJ 145, 10, section 2.1)."""
    _, g, r, i, _ = mags.T
    parallel = 0.7 * (g - r) + 1.2 * (r - i - 0.18)
    perpendicular = (r - i) - (g - r) / 4 - 0.18
    return np.asarray(
        (r > 16) & (r < 19.6) & (abs(perpendicular) < 0.2) & (r < 13.5 + parallel / 0.3)
    )


def cmass(mags: Floats) -> Mask:
    """BOSS's galaxies of constant mass (the same)."""
    _, g, r, i, _ = mags.T
    d = (r - i) - (g - r) / 8
    return np.asarray(
        (i > 17.5) & (i < 19.86 + 1.6 * (d - 0.8)) & (i < 19.9) & (d > 0.55) & (r - i < 2)
    )
