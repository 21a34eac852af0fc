"""The most likely parameters of the mixture of offsets, by Newton's steps within bounds."""

# ruff: noqa: PLR0917 - arrays in, scalars in, arrays out

from __future__ import annotations

import numpy as np

from skyquarry.match.kernels.stepping import step
from skyquarry.sky.compiled import kernel

_LN_2PI = np.log(2.0 * np.pi)
_SCALE, _FLOOR, _WIDE, _WIDTH, _CHANCE = range(5)
_MOST_STEPS = 100
_STEEPEST, _GENTLEST = 1e9, 1e-6
_NEAR = 1e-9


@step
def _component(x, y, rest, own, n, k2, added, extra, out):
    """Ln N of an offset and its derivatives: out = value, k, s, kk, ks, ss in k^2 and s^2.

    With P = S^-1, Q = P + 2 pi kappa, ln N = ln det Q / 2 - d^T Q d / 2 and dS = E, F:
    dP = -P E P, d2P = P F P E P + P E P F P, d ln N = tr(Q^-1 dP) / 2 - d^T dP d / 2,
    d2 ln N = tr(Q^-1 d2P) / 2 - tr(Q^-1 dP Q^-1 dP) / 2 - d^T d2P d / 2.
    """
    cxx, cyy, cxy = own[n, 0], own[n, 1], own[n, 2]
    sxx = rest[n, 0] + k2 * cxx + added
    syy = rest[n, 1] + k2 * cyy + added
    sxy = rest[n, 2] + k2 * cxy
    size = 1.0 / (sxx * syy - sxy * sxy)
    pxx, pyy, pxy = syy * size, sxx * size, -sxy * size
    qxx, qyy = pxx + extra, pyy + extra
    det = qxx * qyy - pxy * pxy
    txx, tyy, txy = qyy / det, qxx / det, -pxy / det
    u, v = pxx * x + pxy * y, pxy * x + pyy * y
    out[0] = 0.5 * np.log(det) - _LN_2PI
    out[0] -= 0.5 * (qxx * x * x + 2.0 * pxy * x * y + qyy * y * y)
    # A = P C (not symmetric), K = P C P, L = P P: minus the dP of k^2 and of s^2
    axx, axy = pxx * cxx + pxy * cxy, pxx * cxy + pxy * cyy
    ayx, ayy = pxy * cxx + pyy * cxy, pxy * cxy + pyy * cyy
    kxx, kyy, kxy = axx * pxx + axy * pxy, ayx * pxy + ayy * pyy, axx * pxy + axy * pyy
    lxx, lyy, lxy = pxx * pxx + pxy * pxy, pyy * pyy + pxy * pxy, pxy * (pxx + pyy)
    out[1] = 0.5 * (cxx * u * u + cyy * v * v + 2.0 * cxy * u * v)
    out[1] -= 0.5 * (txx * kxx + tyy * kyy + 2.0 * txy * kxy)
    out[2] = 0.5 * (u * u + v * v - txx * lxx - tyy * lyy - 2.0 * txy * lxy)
    # halves of d2P: K C P = A K, A L (symmetrised: K P + P K = 2 of the mixed one), L P
    hxx, hyy, hxy = axx * kxx + axy * kxy, ayx * kxy + ayy * kyy, axx * kxy + axy * kyy
    mxx, myy = kxx * pxx + kxy * pxy, kxy * pxy + kyy * pyy
    mxy = 0.5 * (kxx * pxy + kxy * pyy + kxy * pxx + kyy * pxy)
    gxx, gyy, gxy = lxx * pxx + lxy * pxy, lxy * pxy + lyy * pyy, lxx * pxy + lxy * pyy
    # T K and T L, for the traces of T K T K, T K T L and T L T L
    ixx, ixy = txx * kxx + txy * kxy, txx * kxy + txy * kyy
    iyx, iyy = txy * kxx + tyy * kxy, txy * kxy + tyy * kyy
    jxx, jxy = txx * lxx + txy * lxy, txx * lxy + txy * lyy
    jyx, jyy = txy * lxx + tyy * lxy, txy * lxy + tyy * lyy
    out[3] = txx * hxx + tyy * hyy + 2.0 * txy * hxy
    out[3] -= hxx * x * x + hyy * y * y + 2.0 * hxy * x * y
    out[3] -= 0.5 * (ixx * ixx + 2.0 * ixy * iyx + iyy * iyy)
    out[4] = txx * mxx + tyy * myy + 2.0 * txy * mxy
    out[4] -= mxx * x * x + myy * y * y + 2.0 * mxy * x * y
    out[4] -= 0.5 * (ixx * jxx + ixy * jyx + iyx * jxy + iyy * jyy)
    out[5] = txx * gxx + tyy * gyy + 2.0 * txy * gxy
    out[5] -= gxx * x * x + gyy * y * y + 2.0 * gxy * x * y
    out[5] -= 0.5 * (jxx * jxx + 2.0 * jxy * jyx + jyy * jyy)


@kernel
def curved(d, rest, own, theta, ln_uniform, wide, slope, hessian, outer):
    """ln L of offsets, as `mixture` has it, and what it is like about theta (6,).

    Fills slope (5,), hessian (5, 5) and outer (5, 5), the sum of products of slopes, which is never
    negative. `wide`: the wide component is wanted; without it f counts as 0.
    """
    k2, s2, f, b2, c, kappa = theta[0], theta[1], theta[2], theta[3], theta[4], theta[5]
    extra = 2.0 * np.pi * kappa
    slope[:] = 0.0
    hessian[:] = 0.0
    outer[:] = 0.0
    g, p = np.zeros(5), np.zeros((5, 5))
    narrow, broad = np.zeros(6), np.zeros(6)
    broad[0] = -np.inf
    total = 0.0
    for n in range(len(d)):
        x, y = d[n, 0], d[n, 1]
        chance = ln_uniform - 0.5 * extra * (x * x + y * y)
        _component(x, y, rest, own, n, k2, s2, extra, narrow)
        top = max(narrow[0], chance)
        if wide:
            _component(x, y, rest, own, n, k2, s2 + b2, extra, broad)
            top = max(top, broad[0])
        q0, q1, q2 = np.exp(narrow[0] - top), np.exp(broad[0] - top), np.exp(chance - top)
        whole = (1.0 - c) * ((1.0 - f) * q0 + f * q1) + c * q2
        total += top + np.log(whole)
        q0, q1, q2 = q0 / whole, q1 / whole, q2 / whole
        r0, r1 = (1.0 - c) * (1.0 - f) * q0, (1.0 - c) * f * q1
        a0, b0, a1, b1 = narrow[1], narrow[2], broad[1], broad[2]
        g[_SCALE] = r0 * a0 + r1 * a1
        g[_FLOOR] = r0 * b0 + r1 * b1
        g[_WIDE] = (1.0 - c) * (q1 - q0)
        g[_WIDTH] = r1 * b1
        g[_CHANCE] = q2 - (1.0 - f) * q0 - f * q1
        p[_SCALE, _SCALE] = r0 * (narrow[3] + a0 * a0) + r1 * (broad[3] + a1 * a1)
        p[_SCALE, _FLOOR] = r0 * (narrow[4] + a0 * b0) + r1 * (broad[4] + a1 * b1)
        p[_FLOOR, _FLOOR] = r0 * (narrow[5] + b0 * b0) + r1 * (broad[5] + b1 * b1)
        p[_SCALE, _WIDTH] = r1 * (broad[4] + a1 * b1)
        p[_FLOOR, _WIDTH] = r1 * (broad[5] + b1 * b1)
        p[_WIDTH, _WIDTH] = p[_FLOOR, _WIDTH]
        p[_SCALE, _WIDE] = (1.0 - c) * (q1 * a1 - q0 * a0)
        p[_FLOOR, _WIDE] = (1.0 - c) * (q1 * b1 - q0 * b0)
        p[_WIDE, _WIDTH] = (1.0 - c) * q1 * b1
        p[_SCALE, _CHANCE] = -(1.0 - f) * q0 * a0 - f * q1 * a1
        p[_FLOOR, _CHANCE] = -(1.0 - f) * q0 * b0 - f * q1 * b1
        p[_WIDTH, _CHANCE] = -f * q1 * b1
        p[_WIDE, _CHANCE] = q0 - q1
        for i in range(5):
            slope[i] += g[i]
            for j in range(i, 5):
                product = g[i] * g[j]
                outer[i, j] += product
                hessian[i, j] += p[i, j] - product
    for i in range(5):
        for j in range(i):
            outer[i, j], hessian[i, j] = outer[j, i], hessian[j, i]
    return total


@step
def _solved(matrix, right, count, factor, found):
    """Whether a symmetric matrix is positive; if so found = matrix^-1 right, by Cholesky's way."""
    for i in range(count):
        for j in range(i + 1):
            rest = matrix[i, j]
            for k in range(j):
                rest -= factor[i, k] * factor[j, k]
            if i == j:
                if not rest > 1e-14 * matrix[i, i]:
                    return False
                factor[i, i] = np.sqrt(rest)
            else:
                factor[i, j] = rest / factor[j, j]
    for i in range(count):
        rest = right[i]
        for k in range(i):
            rest -= factor[i, k] * found[k]
        found[i] = rest / factor[i, i]
    for i in range(count - 1, -1, -1):
        rest = found[i]
        for k in range(i + 1, count):
            rest -= factor[k, i] * found[k]
        found[i] = rest / factor[i, i]
    return True


@kernel
def climbed(d, rest, own, theta, free, low, high, ln_uniform):
    """ln L at its greatest; theta (6,) becomes the parameters there, moved where free (5,) is set.

    Newton's steps, damped (Levenberg 1944; Marquardt 1963) where they would not climb, with the
    products of slopes where the curvature is not that of a summit; held at bounds that the slope
    points out of. They end when the next one would gain less than 1e-9, and it is taken.
    """
    wide = free[_WIDE] or theta[_WIDE] > 0.0
    slope, hessian, outer = np.empty(5), np.empty((5, 5)), np.empty((5, 5))
    there, curve, product = np.empty(5), np.empty((5, 5)), np.empty((5, 5))
    matrix, factor = np.zeros((5, 5)), np.zeros((5, 5))
    right, move = np.zeros(5), np.zeros(5)
    index = np.zeros(5, np.int64)
    trial = theta.copy()
    damping = 0.0
    value = curved(d, rest, own, theta, ln_uniform, wide, slope, hessian, outer)
    for _ in range(_MOST_STEPS):
        count = np.int64(0)
        for i in range(5):
            out = (theta[i] <= low[i] and slope[i] <= 0.0) or (
                theta[i] >= high[i] and slope[i] >= 0.0
            )
            idle = i == _WIDTH and theta[_WIDE] <= 0.0
            if free[i] and not out and not idle and outer[i, i] > 0.0:
                index[count] = i
                count += 1
        if count == 0:
            break
        summit = False
        for kind in range(2):
            for i in range(count):
                right[i] = slope[index[i]]
                for j in range(count):
                    at = index[i], index[j]
                    matrix[i, j] = -hessian[at] if kind == 0 else outer[at]
                matrix[i, i] += (damping + 1e-12) * outer[index[i], index[i]]
            if _solved(matrix, right, count, factor, move):
                summit = True
                break
        if not summit:
            damping = max(10.0 * damping, _GENTLEST)
            if damping > _STEEPEST:
                break
            continue
        trial[:] = theta
        gain = 0.0
        for i in range(count):
            k = index[i]
            trial[k] = min(max(theta[k] + move[i], low[k]), high[k])
            gain += 0.5 * slope[k] * (trial[k] - theta[k])
        if abs(gain) < _NEAR and damping <= _GENTLEST:
            theta[:] = trial
            break
        after = curved(d, rest, own, trial, ln_uniform, wide, there, curve, product)
        if after >= value - 1e-13 * abs(value):
            value = after
            theta[:] = trial
            slope, there = there, slope
            hessian, curve = curve, hessian
            outer, product = product, outer
            damping = 0.1 * damping if damping > _GENTLEST else 0.0
        else:
            damping = max(10.0 * damping, 1e-3)
            if damping > _STEEPEST:
                break
    return value
