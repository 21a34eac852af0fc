"""The angle between two positions, to the last digits at any distance, without trigonometry a row.

With d = difference of the declinations, a = that of the right ascensions, s = sum of declinations:
    sin^2(t/2) = sin^2(d/2) + cos(dec1) cos(dec2) sin^2(a/2)                      (haversine)
    cos^2(t/2) = cos^2(d/2) cos^2(a/2) + sin^2(s/2) sin^2(a/2)
Each is a sum of what is not negative, so neither loses digits: not at 0, not at the antipode. The
differences are taken in degrees, where they are exact for close positions; at a pole the cosine is
exactly 0, so that every right ascension is the same place. The functions are symmetric: exchanging
the two positions gives the same bits.
"""

from __future__ import annotations

import math

import numpy as np

from skyquarry.match.kernels.stepping import step
from skyquarry.sky.compiled import kernel

RADIAN = math.pi / 180.0
ARCSEC = 3600.0 * 180.0 / math.pi
HALF = 0.5 * RADIAN
NEAR = 8.0  # degrees; up to here the series below are exact to the last digit
HALF_TURN = 648000.0


@kernel
def cosines(dec_deg, out):
    """Cosines (n,) of declinations in degrees: exactly 0 at the poles, 1e-16 relative elsewhere.

    Polynomials of fdlibm's k_sin and k_cos for arguments up to pi/4; without branches, so that the
    loop is vectorised (1 ns a row).
    """
    for i in range(dec_deg.size):
        d = abs(dec_deg[i])
        polar = d > 45.0
        x = (90.0 - d if polar else d) * RADIAN
        z = x * x
        s = 2.75573137070700676789e-06 + z * (
            -2.50507602534068634195e-08 + z * 1.58969099521155010221e-10
        )
        s = 8.33333333332248946124e-03 + z * (-1.98412698298579493134e-04 + z * s)
        sine = x + x * z * (-1.66666666666666324348e-01 + z * s)
        c = -2.75573143513906633035e-07 + z * (
            2.08757232129817482790e-09 - z * 1.13596475577881948265e-11
        )
        c = -1.38888888888741095749e-03 + z * (2.48015872894767294178e-05 + z * c)
        cosine = 1.0 - (0.5 * z - z * z * (4.16666666666666019037e-02 + z * c))
        out[i] = sine if polar else cosine


@step
def across(ra_1, ra_2):
    """Difference of two right ascensions in [0, 360), within -180 to 180 degrees."""
    turn = ra_1 - ra_2
    # without branches; exact, since what is lowered is above 180 (Sterbenz)
    west = ra_1 - 360.0 if turn > 180.0 else ra_1
    east = ra_2 - 360.0 if turn < -180.0 else ra_2
    return west - east


@step
def square_sine(u):
    """sin^2(x) of u = x^2, for x up to 4 degrees: the series to 1e-17."""
    return u * (
        1.0 + u * (-1.0 / 3.0 + u * (2.0 / 45.0 + u * (-1.0 / 315.0 + u * (2.0 / 14175.0))))
    )


@step
def near_separation(a, d, cosines_product):
    """Arcsec between positions whose differences `a`, `d` are at most NEAR degrees."""
    v, u = a * HALF, d * HALF
    h = square_sine(u * u) + cosines_product * square_sine(v * v)
    x = math.sqrt(h)
    if h < 1e-4:  # the series of the arcsine, to 3e-18
        x *= 1.0 + h * (1.0 / 6.0 + h * (3.0 / 40.0 + h * (15.0 / 336.0)))
    else:
        x = math.asin(x)
    return 2.0 * x * ARCSEC


@step
def far_separation(a, dec_1, dec_2, cosines_product):
    """Arcsec between any two positions; `a` from `across`."""
    d = abs(dec_1 - dec_2)
    turn = abs(a)
    sin_d, cos_d = math.sin(d * HALF), math.sin((180.0 - d) * HALF)
    sin_a, cos_a = math.sin(turn * HALF), math.sin((180.0 - turn) * HALF)
    sin_s = math.sin((dec_1 + dec_2) * HALF)
    h = sin_d * sin_d + cosines_product * (sin_a * sin_a)
    k = (cos_d * cos_a) * (cos_d * cos_a) + (sin_s * sin_a) * (sin_s * sin_a)
    return min(2.0 * math.atan2(math.sqrt(h), math.sqrt(k)) * ARCSEC, HALF_TURN)


@step
def separation(ra_1, dec_1, cos_1, ra_2, dec_2, cos_2):
    """Arcsec between two positions in degrees, with the cosines of their declinations."""
    a = across(ra_1, ra_2)
    d = dec_1 - dec_2
    if abs(a) <= NEAR and abs(d) <= NEAR:
        return near_separation(a, d, cos_1 * cos_2)
    return far_separation(a, dec_1, dec_2, cos_1 * cos_2)


@kernel
def separations(ra_1, dec_1, ra_2, dec_2):
    """Arcsec (n,) between positions of the same row."""
    n = ra_1.size
    cos_1, cos_2, out = np.empty(n), np.empty(n), np.empty(n)
    cosines(dec_1, cos_1)
    cosines(dec_2, cos_2)
    for i in range(n):
        out[i] = separation(ra_1[i], dec_1[i], cos_1[i], ra_2[i], dec_2[i], cos_2[i])
    return out
