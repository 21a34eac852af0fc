"""Rows carried to other epochs, one at a time. `epochs.py` checks, names and wraps."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from skyquarry.sky.compiled import kernel

_DEG = math.pi / 180.0
_MAS = math.pi / (180.0 * 3600.0 * 1000.0)
_A = 149_597_870.7 / 31_557_600.0


class Start(NamedTuple):
    """Rows as catalogued (n, ...): degrees; arcsec^2; mas/yr; (mas/yr)^2; mas mas/yr; mas; km/s."""

    ra_deg: np.ndarray
    dec_deg: np.ndarray
    covariance: np.ndarray
    pm: np.ndarray
    pm_covariance: np.ndarray
    cross: np.ndarray
    parallax: np.ndarray
    parallax_error: np.ndarray
    rv: np.ndarray
    rv_error: np.ndarray


class End(NamedTuple):
    """What is filled (m, ...), in the units of `Start`."""

    radec: np.ndarray
    xyz: np.ndarray
    covariance: np.ndarray
    pm: np.ndarray
    pm_covariance: np.ndarray
    cross: np.ndarray


@kernel
def move(index, years, start, rv_dispersion, end):
    """Fill the end with rows `index` (m,) after `years` (m,) Julian years.

    Exact propagation and Jacobian (ESA 1997, vol. 1, section 1.5.5), of which the rows of the
    position and the motion are computed; the parallax contributes through the radial motion only.
    A row without motion, or with years NaN, stays as it is; its motion is NaN.
    """
    ra_deg, dec_deg, covariance = start.ra_deg, start.dec_deg, start.covariance
    pm, pm_covariance, cross = start.pm, start.pm_covariance, start.cross
    parallax, parallax_error, rv, rv_error = start[6], start[7], start[8], start[9]
    out_radec, out_xyz, out_covariance, out_pm, out_pm_covariance, out_cross = end
    j = np.zeros((4, 5))
    c = np.zeros((5, 5))
    jc = np.zeros((4, 5))
    for k in range(len(index)):
        i = index[k]
        ra, dec = ra_deg[i] * _DEG, dec_deg[i] * _DEG
        sin_ra, cos_ra, sin_dec, cos_dec = math.sin(ra), math.cos(ra), math.sin(dec), math.cos(dec)
        x, y, z = cos_dec * cos_ra, cos_dec * sin_ra, sin_dec
        east, north = pm[i, 0] * _MAS, pm[i, 1] * _MAS
        t = years[k]
        if not (math.isfinite(east) and math.isfinite(north)) or not math.isfinite(t) or t == 0.0:
            out_radec[k, 0], out_radec[k, 1] = ra_deg[i], dec_deg[i]
            out_xyz[k, 0], out_xyz[k, 1], out_xyz[k, 2] = x, y, z
            out_pm[k, 0], out_pm[k, 1] = pm[i, 0], pm[i, 1]
            for m in range(3):
                out_covariance[k, m] = covariance[i, m]
                out_pm_covariance[k, m] = pm_covariance[i, m]
            for m in range(4):
                out_cross[k, m] = cross[i, m]
            continue
        plx = parallax[i] if math.isfinite(parallax[i]) else 0.0
        plx_var = parallax_error[i] ** 2 if math.isfinite(parallax_error[i]) else 0.0
        known = math.isfinite(rv[i])
        v = rv[i] / _A if known else 0.0
        v_error = (rv_error[i] if known else rv_dispersion) / _A
        if not math.isfinite(v_error):
            v_error = 0.0
        zeta = v * plx * _MAS
        zeta_var = plx_var * (v * v + v_error * v_error) + (plx * v_error) ** 2  # (mas/yr)^2
        # the star's straight way
        mx = -sin_ra * east - sin_dec * cos_ra * north
        my = cos_ra * east - sin_dec * sin_ra * north
        mz = cos_dec * north
        speed2 = east * east + north * north
        w = 1.0 + zeta * t
        f = 1.0 / math.sqrt(w * w + speed2 * t * t)
        x1, y1, z1 = (x * w + mx * t) * f, (y * w + my * t) * f, (z * w + mz * t) * f
        across = math.sqrt(x1 * x1 + y1 * y1)
        if across > 0.0:
            sin_ra1, cos_ra1 = y1 / across, x1 / across
        else:  # at a pole the axes are those of RA 0
            sin_ra1, cos_ra1 = 0.0, 1.0
        f3 = f * f * f
        ux, uy, uz = (
            (mx * w - x * speed2 * t) * f3,
            (my * w - y * speed2 * t) * f3,
            (mz * w - z * speed2 * t) * f3,
        )
        out_xyz[k, 0], out_xyz[k, 1], out_xyz[k, 2] = x1, y1, z1
        ra1 = math.atan2(y1, x1) / _DEG
        if ra1 < 0.0:
            ra1 += 360.0
            if ra1 >= 360.0:
                ra1 = 0.0
        out_radec[k, 0], out_radec[k, 1] = ra1, math.atan2(z1, across) / _DEG
        for axis in range(2):
            if axis == 0:
                ax, ay, az = -sin_ra1, cos_ra1, 0.0
            else:
                ax, ay, az = -z1 * cos_ra1, -z1 * sin_ra1, across
            ap = ay * cos_ra - ax * sin_ra
            aq = -sin_dec * (ax * cos_ra + ay * sin_ra) + az * cos_dec
            ar = ax * x + ay * y + az * z
            later = ax * ux + ay * uy + az * uz
            out_pm[k, axis] = later / _MAS
            j[axis, 0] = ap * w * f - ar * east * t * f
            j[axis, 1] = aq * w * f - ar * north * t * f
            j[axis, 2] = ap * t * f
            j[axis, 3] = aq * t * f
            j[axis, 4] = -later * t * t
            low = axis + 2
            bend, curl = 2.0 * ar * t * f3, 3.0 * later * t * t * f * f
            j[low, 0] = -(ap * speed2 * t + ar * east * w) * f3
            j[low, 1] = -(aq * speed2 * t + ar * north * w) * f3
            j[low, 2] = ap * w * f3 - (bend + curl) * east
            j[low, 3] = aq * w * f3 - (bend + curl) * north
            along = ax * mx + ay * my + az * mz
            j[low, 4] = (along * f - 3.0 * later * w) * t * f * f
        # covariance in mas and mas/yr
        c[0, 0], c[1, 1] = covariance[i, 0] * 1e6, covariance[i, 1] * 1e6
        c[0, 1] = c[1, 0] = covariance[i, 2] * 1e6
        c[2, 2], c[3, 3] = pm_covariance[i, 0], pm_covariance[i, 1]
        c[2, 3] = c[3, 2] = pm_covariance[i, 2]
        c[0, 2] = c[2, 0] = cross[i, 0]
        c[0, 3] = c[3, 0] = cross[i, 1]
        c[1, 2] = c[2, 1] = cross[i, 2]
        c[1, 3] = c[3, 1] = cross[i, 3]
        c[4, 4] = zeta_var
        for a in range(4):
            for b in range(4):
                jc[a, b] = (
                    j[a, 0] * c[0, b] + j[a, 1] * c[1, b] + j[a, 2] * c[2, b] + j[a, 3] * c[3, b]
                )
            jc[a, 4] = j[a, 4] * zeta_var
        out_covariance[k, 0] = _row(jc, j, 0, 0) * 1e-6
        out_covariance[k, 1] = _row(jc, j, 1, 1) * 1e-6
        out_covariance[k, 2] = _row(jc, j, 0, 1) * 1e-6
        out_pm_covariance[k, 0] = _row(jc, j, 2, 2)
        out_pm_covariance[k, 1] = _row(jc, j, 3, 3)
        out_pm_covariance[k, 2] = _row(jc, j, 2, 3)
        out_cross[k, 0], out_cross[k, 1] = _row(jc, j, 0, 2), _row(jc, j, 0, 3)
        out_cross[k, 2], out_cross[k, 3] = _row(jc, j, 1, 2), _row(jc, j, 1, 3)


@kernel
def _row(jc, j, a, b):
    """Element (a, b) of J C J^T."""
    return (
        jc[a, 0] * j[b, 0]
        + jc[a, 1] * j[b, 1]
        + jc[a, 2] * j[b, 2]
        + jc[a, 3] * j[b, 3]
        + jc[a, 4] * j[b, 4]
    )


@kernel
def reach(start, epoch, when, home, rv_dispersion, out):
    """Fill out: places at the common epoch (n, 2), sigma and slack (n,) arcsec.

    `when`: the common epoch, and the first and last at which a row may meet another.
    A standard deviation of a sum is at most the sum of them: sigma(t) is at most that of the
    position, of the motion times |t|, and of mu zeta t^2. `bend` bounds the factors of the exact
    path, 1 / (1 - (|mu| + |zeta|) |t|). `home`: a row may also meet another at its own epoch.
    """
    common, low, high = when
    radec, sigma, slack = out
    for i in range(len(epoch)):
        sigma[i] = math.sqrt(_largest(start.covariance, i))
        slack[i] = 0.0
        radec[i, 0], radec[i, 1] = start.ra_deg[i], start.dec_deg[i]
        east, north = start.pm[i, 0] * _MAS, start.pm[i, 1] * _MAS
        if not (math.isfinite(east) and math.isfinite(north)):
            continue
        plx = start.parallax[i] if math.isfinite(start.parallax[i]) else 0.0
        plx_error = start.parallax_error[i] if math.isfinite(start.parallax_error[i]) else 0.0
        known = math.isfinite(start.rv[i])
        v = start.rv[i] / _A if known else 0.0
        v_error = (start.rv_error[i] if known else rv_dispersion) / _A
        if not math.isfinite(v_error):
            v_error = 0.0
        zeta = v * plx * _MAS
        zeta_sigma = math.sqrt(
            plx_error * plx_error * (v * v + v_error * v_error) + (plx * v_error) ** 2
        )
        mu = math.sqrt(east * east + north * north)
        longest = _longer(_longer(0.0, abs(low - epoch[i])), abs(high - epoch[i]))
        apart = _longer(_longer(0.0, abs(low - common)), abs(high - common))
        if home:
            apart = _longer(apart, abs(epoch[i] - common))
        t = _longer(longest, abs(common - epoch[i]))
        bend = 1.0 / max(1.0 - (mu + abs(zeta)) * t, 0.1)
        moved_by = math.sqrt(_largest(start.pm_covariance, i)) * longest
        moved_by += mu * zeta_sigma * longest * longest
        if longest > 0.0:
            sigma[i] = (sigma[i] + moved_by * 1e-3) * bend * bend
        slack[i] = mu / _MAS * 1e-3 * apart * bend
        t = common - epoch[i]
        if not math.isfinite(t) or t == 0.0:
            continue
        ra, dec = start.ra_deg[i] * _DEG, start.dec_deg[i] * _DEG
        sin_ra, cos_ra, sin_dec, cos_dec = math.sin(ra), math.cos(ra), math.sin(dec), math.cos(dec)
        w = 1.0 + zeta * t
        x = cos_dec * cos_ra * w + (-sin_ra * east - sin_dec * cos_ra * north) * t
        y = cos_dec * sin_ra * w + (cos_ra * east - sin_dec * sin_ra * north) * t
        z = sin_dec * w + cos_dec * north * t
        ra = math.atan2(y, x) / _DEG
        if ra < 0.0:
            ra += 360.0
            if ra >= 360.0:
                ra = 0.0
        radec[i, 0], radec[i, 1] = ra, math.atan2(z, math.sqrt(x * x + y * y)) / _DEG


@kernel
def _longer(known, other):
    """The larger of the two; the first where the second is NaN."""
    return other if other > known else known  # noqa: FURB136  (max may give NaN)


@kernel
def _largest(covariance, i):
    """The larger eigenvalue of a covariance (east-east, north-north, east-north)."""
    half = 0.5 * (covariance[i, 0] + covariance[i, 1])
    difference = 0.5 * (covariance[i, 0] - covariance[i, 1])
    return half + math.sqrt(difference * difference + covariance[i, 2] * covariance[i, 2])


@kernel
def indefinite(covariance, pm_covariance, cross, bad):
    """Mark rows whose 4 x 4 covariance (position, motion) is not positive definite.

    Cholesky of the matrix scaled to a unit diagonal; covariance in arcsec^2, the others in mas and
    years. A row without motion (NaN) is never marked.
    """
    for i in range(len(bad)):
        bad[i] = False
        s0, s1 = math.sqrt(covariance[i, 0]) * 1e3, math.sqrt(covariance[i, 1]) * 1e3
        s2, s3 = math.sqrt(pm_covariance[i, 0]), math.sqrt(pm_covariance[i, 1])
        if not (math.isfinite(s2) and math.isfinite(s3)):
            continue
        r01 = covariance[i, 2] * 1e6 / (s0 * s1)
        r02, r03 = cross[i, 0] / (s0 * s2), cross[i, 1] / (s0 * s3)
        r12, r13 = cross[i, 2] / (s1 * s2), cross[i, 3] / (s1 * s3)
        r23 = pm_covariance[i, 2] / (s2 * s3)
        d1 = 1.0 - r01 * r01
        if not d1 > 1e-9:
            bad[i] = True
            continue
        l11 = math.sqrt(d1)
        l21, l31 = (r12 - r02 * r01) / l11, (r13 - r03 * r01) / l11
        d2 = 1.0 - r02 * r02 - l21 * l21
        if not d2 > 1e-9:
            bad[i] = True
            continue
        l32 = (r23 - r03 * r02 - l31 * l21) / math.sqrt(d2)
        bad[i] = not (1.0 - r03 * r03 - l31 * l31 - l32 * l32 > 1e-9)
