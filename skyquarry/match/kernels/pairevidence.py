"""Pairs compared at one epoch: separation, position angle, combined covariance, chi2, lnB."""

# ruff: noqa: I001, PLR0917 - column names side by side; scalars in, scalars out
from __future__ import annotations

import math

import numpy as np

from skyquarry.match.kernels.evidence import APPLIED, PRIOR, group_flags, prepare
from skyquarry.match.kernels.filter import (
    FCA, FCD, FSA, FSD, MOVING, N_PM, PLACE_COLUMNS, mixed, motion_weights,
)  # fmt: skip
from skyquarry.match.kernels.frames import (
    frame_of, moved, offset, rotation_in, space_motion, turn, turned,
)  # fmt: skip
from skyquarry.match.kernels.nodes import (
    ARCSEC, CA, CD, DEC, EE, EN, EPOCH, MOTION, NN, PE, PN, RA, SA, SD, X0, X1, X2, X3, XX, XY, YY,
    ZETA, ZETA2,
)  # fmt: skip
from skyquarry.match.kernels.nearness import NEAR, RARE
from skyquarry.match.kernels.standing import LARGE2, are_still, frame_between, weigh_still
from skyquarry.match.kernels.stepping import step
from skyquarry.sky.compiled import kernel

# lines of out
(
    SEP,
    PA,
    EAST,
    NORTH,
    MET,
    CXX,
    CYY,
    CXY,
    CHI2,
    LNB,
    JOINT_CHI2,
    JOINT_DOF,
    JOINT_FLAGS,
    DRIFT,
    FAR2,
) = range(15)


@kernel
def pairs_evidence(nodes, motions, ratio, base, sigma2, lost, left, right, out, flags):
    """Fill out (15, m) and flags (m,) for the nodes left (m,), right (m,).

    Offsets and covariance are in the left row's local axes at the epoch compared. chi2 takes a
    motion that neither knows from one component of the prior (`_sought`); lnB is from all.
    Three lines are what `groups_evidence` tells of the two as a group; the last two what the prior
    adds to the variance, and the square of how far a motion has taken all but `lost` of such pairs.
    """
    members, weights = np.empty(2, np.int64), np.empty(len(sigma2))
    info, place = np.empty((2, 2, 16)), np.empty((2, PLACE_COLUMNS))
    sums = np.empty((2, 16))
    head, terms = np.empty(16), np.empty((4 * len(sigma2), 2))
    states, odds = np.empty(4, np.int64), np.empty(4)
    widest2, slow2 = sigma2.max(), _slow(sigma2)
    moved_by = np.zeros((2, 13))
    first, second, last = np.int64(0), np.int64(1), np.int64(2)
    for p in range(len(left)):
        i, j = left[p], right[p]
        epoch, carried = _meeting(nodes, i, j)
        out[MET, p], flags[p], extra, far2 = epoch, 0, 0.0, 0.0
        still = are_still(nodes, i, j)
        if still:
            t_i = t_j = 0.0
            frame_between(nodes, i, j, head)
        else:
            members[0], members[1] = i, j
            prepare(nodes, motions, widest2, members, first, last, info, place, head)
            found = mixed(
                ratio, base, sigma2, members, first, last, info, place, head, weights, terms, sums,
                states, odds,
            )  # fmt: skip
            out[LNB, p], out[JOINT_CHI2, p] = found[0], found[1]
            out[JOINT_DOF, p] = 2.0 + 2.0 * head[N_PM]
            out[JOINT_FLAGS, p] = group_flags(head[N_PM] > 0.0, found[2] >= 0, found[3] > 0)
            if nodes[i, MOTION] < 0.0 and nodes[j, MOTION] < 0.0 and head[MOVING] > 0.0:
                motion_weights(ratio, base, members, first, last, weights)
                dt = nodes[i, EPOCH] - nodes[j, EPOCH]
                extra = _sought(weights, sigma2, slow2) * dt * dt
                far2 = _farthest2(ratio, base, sigma2, slow2, weights, lost, i, j) * dt * dt
                flags[p] = PRIOR
            t_i = epoch - nodes[i, EPOCH] if carried == 0 else 0.0
            t_j = epoch - nodes[j, EPOCH] if carried == 1 else 0.0
            if not (t_i == 0.0 and t_j == 0.0):
                flags[p] |= APPLIED
        out[DRIFT, p], out[FAR2, p] = extra, far2
        _carry(nodes, motions, i, t_i, moved_by, first)
        _carry(nodes, motions, j, t_j, moved_by, second)
        e, n, xx, yy, xy = _compare(nodes, motions, i, j, moved_by, extra, head, out, p)
        if still:
            lnB, chi2, wide = weigh_still(nodes, i, j, e, n, xx, yy, xy, terms)
            out[LNB, p], out[JOINT_CHI2, p], out[JOINT_DOF, p] = lnB, chi2, 2.0
            out[JOINT_FLAGS, p] = group_flags(False, False, wide)


@step
def _slow(sigma2):
    """The least variance of what moves at all: so that no slow star is cut off as static."""
    slow = 0.0
    for s2 in sigma2:
        if s2 > 0.0 and (slow == 0.0 or s2 < slow):
            slow = s2
    return slow


@step
def _sought(weights, sigma2, slow2):
    """Variance of the component that weighs most, or of the slowest that moves if that is faster.

    Of the near dwarfs' where that is not quite improbable: they are few, and lost if not sought.
    """
    most2 = max(sigma2[np.argmax(weights)], slow2)
    if len(weights) > NEAR and weights[NEAR] >= RARE:
        most2 = max(most2, sigma2[NEAR])
    return most2


@step
def _farthest2(ratio, base, sigma2, slow2, weights, lost, i, j):
    """(arcsec/yr)^2: beyond its root lie `lost` of the pairs, by the component that goes farthest.

    Shares of what moves are geometric means of the two rows', as `MotionPrior.reach_masyr` has
    them; a row's are squares of its ratios, of which a group's are products (`together`).
    """
    still = all_i = all_j = most = 0.0
    for k in range(len(sigma2)):
        if sigma2[k] == 0.0:
            still += weights[k]
        else:
            all_i += ratio[i, k] * ratio[i, k] * base[k]
            all_j += ratio[j, k] * ratio[j, k] * base[k]
    by_share = (1.0 - still) / lost
    by_share *= by_share / (all_i * all_j)
    for k in range(min(len(sigma2), NEAR)):
        if sigma2[k] > slow2:
            share = ratio[i, k] * ratio[j, k] * base[k]
            share2 = share * share * by_share
            if share2 > 1.0:
                most = max(most, sigma2[k] * math.log(share2))
    return most


@step
def _meeting(nodes, i, j):
    """(epoch compared, which of the two is carried there: 0, 1, or -1), as epochs.meeting_epoch.

    One motion known: at the other's epoch. Both or none: at that of the larger variance; of
    equals, the earlier. A row without an epoch is of the other's.
    """
    a, b = nodes[i, EPOCH], nodes[j, EPOCH]
    if math.isnan(a) or math.isnan(b):
        return (b if math.isnan(a) else a), -1
    moves_a, moves_b = nodes[i, MOTION] >= 0.0, nodes[j, MOTION] >= 0.0
    var_a, var_b = nodes[i, XX] + nodes[i, YY], nodes[j, XX] + nodes[j, YY]
    at_a = a <= b if var_a == var_b else var_a > var_b
    if moves_a != moves_b:
        at_a = moves_b
    if not (moves_a or moves_b):
        return (a if at_a else b), -1
    return (a, 1) if at_a else (b, 0)


@step
def _carry(nodes, motions, i, t, at, which):
    """Fill at[which] with a row's direction after t years, its axes and motion (rad/yr) there."""
    sa, ca, sd, cd = nodes[i, SA], nodes[i, CA], nodes[i, SD], nodes[i, CD]
    at[which, 0], at[which, 1], at[which, 2] = cd * ca, cd * sa, sd
    at[which, 3], at[which, 4], at[which, 5], at[which, 6] = sa, ca, sd, cd
    at[which, 10] = t
    if t == 0.0:
        return
    m = int(nodes[i, MOTION])
    x, y, z = space_motion(sa, ca, sd, cd, motions[m, PE] / ARCSEC, motions[m, PN] / ARCSEC)
    zeta = motions[m, ZETA]
    now = moved(at[which, 0], at[which, 1], at[which, 2], x, y, z, zeta, t)
    at[which, 0], at[which, 1], at[which, 2] = now[0], now[1], now[2]
    at[which, 3], at[which, 4], at[which, 5], at[which, 6] = frame_of(now[0], now[1], now[2])
    at[which, 7], at[which, 8], at[which, 9] = now[3], now[4], now[5]
    w = 1.0 + zeta * t
    at[which, 11], at[which, 12] = w, 1.0 / math.sqrt(w * w + (x * x + y * y + z * z) * t * t)


@step
def _compare(nodes, motions, i, j, at, extra, head, out, p):
    """Fill the lines of the offset and its covariance; both in the frame: e, n, xx, yy, xy."""
    dx, dy, dz = at[1, 0] - at[0, 0], at[1, 1] - at[0, 1], at[1, 2] - at[0, 2]
    sx, sy, sz = at[0, 0] + at[1, 0], at[0, 1] + at[1, 1], at[0, 2] + at[1, 2]
    chord, across = math.sqrt(dx * dx + dy * dy + dz * dz), math.sqrt(sx * sx + sy * sy + sz * sz)
    sep = 2.0 * math.atan2(chord, across) * ARCSEC
    if at[0, 10] == 0.0 and at[1, 10] == 0.0:
        pe, pn = _towards(nodes, i, j)
        sa, ca, sd, cd = head[FSA], head[FCA], head[FSD], head[FCD]
    else:
        pe, pn = offset(at[0, 3], at[0, 4], at[0, 5], at[0, 6], dx, dy, dz)
        sa, ca, sd, cd = frame_of(sx, sy, sz)
    pa = math.atan2(pe, pn) * 180.0 / math.pi
    out[0, p], out[1, p] = sep, pa + 360.0 if pa < 0.0 else pa
    large = max(nodes[i, XX], nodes[i, YY], nodes[j, XX], nodes[j, YY]) > LARGE2
    e, n = offset(sa, ca, sd, cd, dx, dy, dz)
    if large and chord > 0.0:
        straight = math.hypot(e, n)
        if straight > 0.0:
            e, n = e * chord / straight, n * chord / straight
    e, n = e * ARCSEC, n * ARCSEC
    xx, yy, xy = extra, extra, 0.0
    for k in range(2):
        c0, c1, c2 = _covariance(nodes, motions, i if k == 0 else j, at, k, sa, ca, sd, cd, large)
        xx, yy, xy = xx + c0, yy + c1, xy + c2
    out[8, p] = (yy * e * e - 2.0 * xy * e * n + xx * n * n) / (xx * yy - xy * xy)
    back = turn(at[0, 3], at[0, 4], at[0, 5], at[0, 6], sa, ca, sd, cd)
    jee, jen, jne, jnn = rotation_in(back[0], back[1], back[2], back[3])
    out[2, p], out[3, p] = jee * e + jen * n, jne * e + jnn * n
    out[5, p], out[6, p], out[7, p] = turned(jee, jen, jne, jnn, xx, yy, xy)
    return e, n, xx, yy, xy


@step
def _towards(nodes, i, j):
    """(east, north) at i of the direction to j, from degrees: no digit is lost where j is near."""
    a, b = nodes[i, RA], nodes[j, RA]
    if b - a > 180.0:
        b -= 360.0
    elif a - b > 180.0:
        a -= 360.0
    half = (b - a) * math.pi / 360.0
    s, cd = math.sin(half), nodes[j, CD]
    dec = (nodes[j, DEC] - nodes[i, DEC]) * math.pi / 180.0
    return 2.0 * s * math.cos(half) * cd, math.sin(dec) + 2.0 * nodes[i, SD] * cd * s * s


@step
def _covariance(nodes, motions, i, at, which, sa, ca, sd, cd, large):
    """Covariance (arcsec^2) of a carried row in a frame: the position's rows of the Jacobian.

    dr1 = f [w dr0 + t dmu - t r0 (mu0 . dr0)] - mu1 t^2 dzeta (ESA 1997, section 1.5.5).
    """
    osa, oca, osd, ocd = nodes[i, SA], nodes[i, CA], nodes[i, SD], nodes[i, CD]
    jee, jen, jne, jnn = turn(sa, ca, sd, cd, osa, oca, osd, ocd)
    if large:
        jee, jen, jne, jnn = rotation_in(jee, jen, jne, jnn)
    t = at[which, 10]
    if t == 0.0:
        return turned(jee, jen, jne, jnn, nodes[i, XX], nodes[i, YY], nodes[i, XY])
    m, w, f = int(nodes[i, MOTION]), at[which, 11], at[which, 12]
    east, north = motions[m, PE] / ARCSEC, motions[m, PN] / ARCSEC
    re, rn = offset(sa, ca, sd, cd, ocd * oca, ocd * osa, osd)
    # position: f (w J - t r mu'), motion: f t J
    a0, a1 = f * (w * jee - t * re * east), f * (w * jen - t * re * north)
    a2, a3 = f * (w * jne - t * rn * east), f * (w * jnn - t * rn * north)
    b0, b1, b2, b3 = f * t * jee, f * t * jen, f * t * jne, f * t * jnn
    xx, yy, xy = turned(a0, a1, a2, a3, nodes[i, XX], nodes[i, YY], nodes[i, XY])
    pm = turned(b0, b1, b2, b3, motions[m, EE], motions[m, NN], motions[m, EN])
    x0, x1, x2, x3 = motions[m, X0], motions[m, X1], motions[m, X2], motions[m, X3]
    # A X B'
    u0, u1, u2, u3 = a0 * x0 + a1 * x2, a0 * x1 + a1 * x3, a2 * x0 + a3 * x2, a2 * x1 + a3 * x3
    ee, nn = u0 * b0 + u1 * b1, u2 * b2 + u3 * b3
    en, ne = u0 * b2 + u1 * b3, u2 * b0 + u3 * b1
    me, mn = offset(sa, ca, sd, cd, at[which, 7], at[which, 8], at[which, 9])
    s = math.sqrt(motions[m, ZETA2]) * t * t * ARCSEC
    me, mn = me * s, mn * s
    return (
        xx + pm[0] + 2.0 * ee + me * me,
        yy + pm[1] + 2.0 * nn + mn * mn,
        xy + pm[2] + en + ne + me * mn,
    )
