"""The mixture density of offsets between two catalogues, and its slopes, in one loop."""

# ruff: noqa: PLR0917 - arrays in, scalars in, arrays out

from __future__ import annotations

import numpy as np

from skyquarry.sky.compiled import kernel

_LN_2PI = np.log(2.0 * np.pi)


@kernel
def mixture(d, rest, own, k2, s2, b2, kappa, ln_weights, ln_uniform, share, slopes):
    """ln L of offsets d (m, 2), summed in their order.

    Covariances (m, 3), ee, nn, en: S = rest + k2 own + s2 I, wide: S + b2 I. `ln_weights` (3,) of
    narrow, wide, chance; `ln_uniform`: chance density at d = 0. Fills share (3, m), which
    component an offset is of, and slopes (3,): of ln L in k2, s2, b2, weighed by share.
    """
    total = 0.0
    slopes[:] = 0.0
    extra = 2.0 * np.pi * kappa
    value = np.empty(3)
    by_scale = np.zeros(2)
    by_floor = np.zeros(2)
    for n in range(len(d)):
        x, y = d[n, 0], d[n, 1]
        cxx, cyy, cxy = own[n, 0], own[n, 1], own[n, 2]
        for part in range(2):
            added = s2 + part * b2
            sxx = rest[n, 0] + k2 * cxx + added
            syy = rest[n, 1] + k2 * cyy + added
            sxy = rest[n, 2] + k2 * cxy
            size = sxx * syy - sxy * sxy
            pxx, pyy, pxy = syy / size, sxx / size, -sxy / size
            qxx, qyy = pxx + extra, pyy + extra  # precision S^-1 + 2 pi kappa
            det = qxx * qyy - pxy * pxy
            chi2 = qxx * x * x + 2.0 * pxy * x * y + qyy * y * y
            value[part] = ln_weights[part] + 0.5 * np.log(det) - _LN_2PI - 0.5 * chi2
            # dS = E gives d(S^-1) = -P E P with P = S^-1: with u = P d and M = P Q^-1 P,
            # d ln N = -tr(M E)/2 + u^T E u / 2
            u, v = pxx * x + pxy * y, pxy * x + pyy * y
            txx, tyy, txy = qyy / det, qxx / det, -pxy / det
            mxx = pxx * (txx * pxx + txy * pxy) + pxy * (txy * pxx + tyy * pxy)
            myy = pxy * (txx * pxy + txy * pyy) + pyy * (txy * pxy + tyy * pyy)
            mxy = pxx * (txx * pxy + txy * pyy) + pxy * (txy * pxy + tyy * pyy)
            traced = mxx * cxx + myy * cyy + 2.0 * mxy * cxy
            by_scale[part] = 0.5 * (cxx * u * u + cyy * v * v + 2.0 * cxy * u * v - traced)
            by_floor[part] = 0.5 * (u * u + v * v - mxx - myy)
        value[2] = ln_weights[2] + ln_uniform - 0.5 * extra * (x * x + y * y)
        top = max(value[0], value[1], value[2])
        whole = 0.0
        for part in range(3):
            share[part, n] = np.exp(value[part] - top)
            whole += share[part, n]
        for part in range(3):
            share[part, n] /= whole
        total += top + np.log(whole)
        slopes[0] += share[0, n] * by_scale[0] + share[1, n] * by_scale[1]
        slopes[1] += share[0, n] * by_floor[0] + share[1, n] * by_floor[1]
        slopes[2] += share[1, n] * by_floor[1]
    return total


@kernel
def precisions(d, rest, own, k2, s2, b2, kappa, ln_weights, ln_uniform, out):
    """Fills out (m, 3), ee, nn, en: the expected inverse covariance of each offset.

    Over what it may be of: narrow, wide, or chance, which weighs nothing. Arguments as above.
    """
    extra = 2.0 * np.pi * kappa
    value = np.empty(3)
    inverse = np.empty((2, 3))
    for n in range(len(d)):
        x, y = d[n, 0], d[n, 1]
        for part in range(2):
            added = s2 + part * b2
            sxx = rest[n, 0] + k2 * own[n, 0] + added
            syy = rest[n, 1] + k2 * own[n, 1] + added
            sxy = rest[n, 2] + k2 * own[n, 2]
            size = sxx * syy - sxy * sxy
            pxx, pyy, pxy = syy / size, sxx / size, -sxy / size
            inverse[part, 0], inverse[part, 1], inverse[part, 2] = pxx, pyy, pxy
            qxx, qyy = pxx + extra, pyy + extra
            chi2 = qxx * x * x + 2.0 * pxy * x * y + qyy * y * y
            det = qxx * qyy - pxy * pxy
            value[part] = ln_weights[part] + 0.5 * np.log(det) - _LN_2PI - 0.5 * chi2
        value[2] = ln_weights[2] + ln_uniform - 0.5 * extra * (x * x + y * y)
        top = max(value[0], value[1], value[2])
        narrow, wide = np.exp(value[0] - top), np.exp(value[1] - top)
        whole = narrow + wide + np.exp(value[2] - top)
        for axis in range(3):
            out[n, axis] = (narrow * inverse[0, axis] + wide * inverse[1, axis]) / whole
