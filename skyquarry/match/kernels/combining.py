"""Groups as one position and one motion: the means of the filter in evidence.py."""

# ruff: noqa: I001, PLR0917 - column names side by side; scalars in, scalars out
from __future__ import annotations

import math

import numpy as np

from skyquarry.match.kernels.evidence import prepare
from skyquarry.match.kernels.filter import (
    BX, BY, FCA, FCD, FSA, FSD, LARGE, ME, MN, MOVING, N_PM, OE, ON, PLACE_COLUMNS, PXX, PXY, PYY,
    R0, R1, R2, R3, SPAN, T0, mixed, reduced, room, summed,
)  # fmt: skip
from skyquarry.match.kernels.frames import frame_of, rotation_in, turn, turned
from skyquarry.match.kernels.nodes import (
    ARCSEC, CATALOG, DEC, EE, EN, EPOCH, MOTION, NN, PE, PN, RA, XX, XY, YY,
)  # fmt: skip
from skyquarry.match.kernels.stepping import step
from skyquarry.sky.compiled import kernel

# columns of out
O_RA, O_DEC, O_XX, O_YY, O_XY, O_EPOCH, O_PE, O_PN, O_EE, O_NN, O_EN, O_CHI2 = range(12)
_SHORTEST = 1.0  # years: over less, the annual parallax passes for motion


@kernel
def combine_groups(
    nodes, motions, ratio, base, sigma2, starts, members, first, last, floor2, out, dof
):
    """Fill out (last - first, 12) and dof. Position and covariance in arcsec at `epoch`, in the
    local axes there; the motion (mas/yr) is that of the data alone, NaN where they tell none.

    floor2 (catalogues,): the part of the variance that rows of one catalogue share.
    """
    size = 1
    for g in range(first, last):
        size = max(size, starts[g + 1] - starts[g])
    info, place = np.empty((2, size, 16)), np.empty((size, PLACE_COLUMNS))
    many = room(nodes, members, starts, first, last)
    states, odds = np.empty(many, np.int64), np.empty(many)
    head, terms = np.empty(16), np.empty((many * len(sigma2), 2))
    weights, sums = np.empty(len(sigma2)), np.empty((2, 16))
    A, L = sums[0], sums[1]
    gain = np.empty((size, 4))
    widest2 = sigma2.max()
    for g in range(first, last):
        start, stop, o = starts[g], starts[g + 1], g - first
        for c in range(O_PE, O_CHI2):
            out[o, c] = math.nan
        if stop - start == 1:
            _alone(nodes, motions, members[start], out[o])
            dof[o] = 0
            continue
        n = stop - start
        prepare(nodes, motions, widest2, members, start, stop, info, place, head)
        _, out[o, O_CHI2], k, wide = mixed(
            ratio, base, sigma2, members, start, stop, info, place, head, weights, terms, sums,
            states, odds,
        )  # fmt: skip
        dof[o] = 2 * n - 2 + 2 * int(head[N_PM])
        variance = sigma2[k] if k >= 0 else 0.0
        east, north, xx, yy, xy = _state(info, n, wide, variance, head, A, L, gain)
        shared = _shared(nodes, members, start, stop, floor2, gain)
        xx, yy, xy = xx + shared[0], yy + shared[1], xy + shared[2]
        out[o, O_EPOCH] = head[T0] if _any_epoch(nodes, members, start, stop) else math.nan
        _to_sky(head, east, north, xx, yy, xy, L, out[o])


@step
def _alone(nodes, motions, i, out):
    """A row by itself is its own mean."""
    out[O_RA], out[O_DEC], out[O_EPOCH] = nodes[i, RA], nodes[i, DEC], nodes[i, EPOCH]
    out[O_XX], out[O_YY], out[O_XY] = nodes[i, XX], nodes[i, YY], nodes[i, XY]
    out[O_CHI2] = 0.0
    m = int(nodes[i, MOTION])
    if m >= 0:
        out[O_PE], out[O_PN] = motions[m, PE] * 1e3, motions[m, PN] * 1e3
        out[O_EE], out[O_NN] = motions[m, EE] * 1e6, motions[m, NN] * 1e6
        out[O_EN] = motions[m, EN] * 1e6


@step
def _any_epoch(nodes, members, start, stop):
    found = False
    for i in range(start, stop):
        found = found or not math.isnan(nodes[members[i], EPOCH])
    return found


@step
def _state(info, n, wide, s2, head, A, L, gain):
    """(east, north, xx, yy, xy): mean and covariance of x, mu having the prior N(0, s2).

    C_mu = s2 G, x = P^-1 b_x - K delta, C_x = P^-1 + K C_mu K' with K = P^-1 R and G, L, h of
    evidence.py; fills gain (n, 4) with dx / dy_i. Where nothing moves, R is left out.
    """
    moving = head[MOVING] > 0.0
    if not moving:
        for k in range(n):
            for j in range(2):
                info[j, k, R0] = info[j, k, R1] = info[j, k, R2] = info[j, k, R3] = 0.0
    summed(n, info, wide, A)
    det = A[PXX] * A[PYY] - A[PXY] * A[PXY]
    i0, i1, i2 = A[PYY] / det, A[PXX] / det, -A[PXY] / det
    east, north = i0 * A[BX] + i2 * A[BY], i2 * A[BX] + i1 * A[BY]
    xx, yy, xy = i0, i1, i2
    k0 = k1 = k2 = k3 = c0 = c1 = c2 = 0.0
    if moving:
        reduced(A, L)
        k0, k1 = i0 * A[R0] + i2 * A[R2], i0 * A[R1] + i2 * A[R3]
        k2, k3 = i2 * A[R0] + i1 * A[R2], i2 * A[R1] + i1 * A[R3]
        a, b, c = 1.0 + s2 * L[0], 1.0 + s2 * L[1], s2 * L[2]
        d = a * b - c * c
        g0, g1, g2 = b / d, a / d, -c / d
        c0, c1, c2 = s2 * g0, s2 * g1, s2 * g2
        u = c0 * L[3] + c2 * L[4] - (g0 * head[ME] + g2 * head[MN])
        v = c2 * L[3] + c1 * L[4] - (g2 * head[ME] + g1 * head[MN])
        east, north = east - (k0 * u + k1 * v), north - (k2 * u + k3 * v)
        more = turned(k0, k1, k2, k3, c0, c1, c2)
        xx, yy, xy = xx + more[0], yy + more[1], xy + more[2]
    # K C_mu
    t0, t1, t2, t3 = k0 * c0 + k1 * c2, k0 * c2 + k1 * c1, k2 * c0 + k3 * c2, k2 * c2 + k3 * c1
    for k in range(n):
        s = (wide >> k) & 1
        p0, p1, p2 = info[s, k, PXX], info[s, k, PYY], info[s, k, PXY]
        # R_i' - K' P_i
        w0 = info[s, k, R0] - (k0 * p0 + k2 * p2)
        w1 = info[s, k, R2] - (k0 * p2 + k2 * p1)
        w2 = info[s, k, R1] - (k1 * p0 + k3 * p2)
        w3 = info[s, k, R3] - (k1 * p2 + k3 * p1)
        gain[k, 0] = i0 * p0 + i2 * p2 - (t0 * w0 + t1 * w2)
        gain[k, 1] = i0 * p2 + i2 * p1 - (t0 * w1 + t1 * w3)
        gain[k, 2] = i2 * p0 + i1 * p2 - (t2 * w0 + t3 * w2)
        gain[k, 3] = i2 * p2 + i1 * p1 - (t2 * w1 + t3 * w3)
    return east, north, xx, yy, xy


@step
def _shared(nodes, members, start, stop, floor2, gain):
    """What rows of one catalogue have in common does not average away: s^2 (K_i K_j' + ...)."""
    xx = yy = xy = 0.0
    for i in range(stop - start):
        mine = int(nodes[members[start + i], CATALOG])
        s2 = floor2[mine]
        for j in range(i):
            if s2 > 0.0 and int(nodes[members[start + j], CATALOG]) == mine:
                a0, a1, a2, a3 = gain[i, 0], gain[i, 1], gain[i, 2], gain[i, 3]
                b0, b1, b2, b3 = gain[j, 0], gain[j, 1], gain[j, 2], gain[j, 3]
                xx += 2.0 * s2 * (a0 * b0 + a1 * b1)
                yy += 2.0 * s2 * (a2 * b2 + a3 * b3)
                xy += s2 * (a0 * b2 + a1 * b3 + b0 * a2 + b1 * a3)
    return xx, yy, xy


@step
def _to_sky(head, east, north, xx, yy, xy, L, out):
    """Back to the sphere; covariance and motion in the local axes at the place reached."""
    sa, ca, sd, cd = head[FSA], head[FCA], head[FSD], head[FCD]
    e, n = head[OE] + east / ARCSEC, head[ON] + north / ARCSEC
    large = head[LARGE] > 0.0
    u = 1.0  # its length is taken off below
    if large:  # Lambert's projection, backwards
        chord2 = min(e * e + n * n, 4.0)
        slant = math.sqrt(1.0 - 0.25 * chord2)
        e, n, u = e * slant, n * slant, 1.0 - 0.5 * chord2
    x = u * cd * ca - e * sa - n * sd * ca
    y = u * cd * sa + e * ca - n * sd * sa
    z = u * sd + n * cd
    ra = math.atan2(y, x) * 180.0 / math.pi
    ra = ra + 360.0 if ra < 0.0 else ra
    out[O_RA] = ra if ra < 360.0 else 0.0
    out[O_DEC] = math.atan2(z, math.hypot(x, y)) * 180.0 / math.pi
    here = frame_of(x, y, z)
    back = turn(here[0], here[1], here[2], here[3], sa, ca, sd, cd)
    jee, jen, jne, jnn = rotation_in(back[0], back[1], back[2], back[3]) if large else back
    out[O_XX], out[O_YY], out[O_XY] = turned(jee, jen, jne, jnn, xx, yy, xy)
    if head[MOVING] == 0.0 or (head[N_PM] == 0.0 and head[SPAN] < _SHORTEST):
        return
    det = L[0] * L[1] - L[2] * L[2]
    if not (L[0] > 0.0 and det > 1e-12 * L[0] * L[1]):
        return
    i0, i1, i2 = L[1] / det, L[0] / det, -L[2] / det
    u, v = head[ME] + i0 * L[3] + i2 * L[4], head[MN] + i2 * L[3] + i1 * L[4]
    out[O_PE], out[O_PN] = (jee * u + jen * v) * 1e3, (jne * u + jnn * v) * 1e3
    pm = turned(jee, jen, jne, jnn, i0, i1, i2)
    out[O_EE], out[O_NN], out[O_EN] = pm[0] * 1e6, pm[1] * 1e6, pm[2] * 1e6
