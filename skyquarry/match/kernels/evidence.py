"""Groups of rows as the filter sees them: one tangent frame, tracks taken off, information.

A member's residual is its direction minus that of the track of the best-known motion at its epoch,
and for its own motion likewise; `filter.py` has the formulas.
"""

# ruff: noqa: I001, PLR0917 - column names side by side; scalars in, scalars out
from __future__ import annotations

import math

import numpy as np

from skyquarry.match.kernels.filter import (
    BU, BV, BX, BY, C, CURVED, DET, EAST, FCA, FCD, FSA, FSD, JOINS, LARGE, LN_DETS, LONE_SUM, ME,
    MN, MOVING, MXX, MXY, MYY, N_PM, NORTH, ODDS, OE, ON, PLACE_COLUMNS, PXX, PXY, PYY, R0, R1, R2,
    R3, RX, RY, RZ, SPAN, T0, YEARS, mixed, room,
)  # fmt: skip
from skyquarry.match.kernels.frames import (
    frame_of, moved, offset, rotation_in, space_motion, turn, turned, turned_cross,
)  # fmt: skip
from skyquarry.match.kernels.nodes import (
    ARCSEC, CA, CD, EE, EN, EPOCH, LONE, MOTION, NN, PE, PN, SA, SD, WIDE, WIDE2, X0, X1, X2, X3,
    XX, XY, YY, ZETA, ZETA2,
)  # fmt: skip
from skyquarry.match.kernels.standing import LARGE2, are_still, evidence_still
from skyquarry.match.kernels.stepping import step
from skyquarry.sky.compiled import kernel

APPLIED, PRIOR, BLEND = 1, 2, 64  # rows.Flag.PM_APPLIED, PM_PRIOR, BLEND
_STILL = 1e-14  # sigma_mu^2 dt^2 / sigma^2: below, motion cannot move lnB by 1e-12


@kernel
def groups_evidence(
    nodes, motions, ratio, base, sigma2, starts, members, first, last, least, lnB, chi2, dof, flags
):
    """Fill lnB, chi2, dof, flags (last - first,) each.

    starts, members: CSR of the groups; first, last: which groups; a single row gives 0 throughout.
    Groups of several rows, but fewer than `least`, are left as they are.
    """
    size = 1
    for g in range(first, last):
        size = max(size, starts[g + 1] - starts[g])
    info, place = np.empty((2, size, 16)), np.empty((size, PLACE_COLUMNS))
    many = room(nodes, members, starts, first, last)
    states, odds = np.empty(many, np.int64), np.empty(many)
    head, terms = np.empty(16), np.empty((many * len(sigma2), 2))
    weights, sums = np.empty(len(sigma2)), np.empty((2, 16))
    widest2 = sigma2.max()
    for g in range(first, last):
        start, stop, out = starts[g], starts[g + 1], g - first
        if stop - start < 2:
            lnB[out], chi2[out], dof[out], flags[out] = 0.0, 0.0, 0, 0
            continue
        if stop - start < least:
            continue
        i, j = members[start], members[start + 1]
        if stop - start == 2 and are_still(nodes, i, j):
            lnB[out], chi2[out], blend = evidence_still(nodes, i, j, head, terms)
            dof[out], flags[out] = 2, group_flags(False, False, blend)
            continue
        prepare(nodes, motions, widest2, members, start, stop, info, place, head)
        lnB[out], chi2[out], motion, wide = mixed(
            ratio, base, sigma2, members, start, stop, info, place, head, weights, terms, sums,
            states, odds,
        )  # fmt: skip
        dof[out] = 2 * (stop - start) - 2 + 2 * int(head[N_PM])
        flags[out] = group_flags(head[N_PM] > 0.0, motion >= 0, wide > 0)


@step
def group_flags(measured, moving, wide):
    """What a group's evidence rests on: rows.Flag.PM_APPLIED, or PM_PRIOR; and BLEND."""
    flags = APPLIED if measured else PRIOR if moving else 0
    return flags + BLEND if wide else flags


@step
def prepare(nodes, motions, widest2, members, start, stop, info, place, head):
    """Fill info, place and head of a group: frame, track, residuals, information."""
    n = stop - start
    best, lead, n_pm, large = _leaders(nodes, motions, members, start, stop, head)
    b, t0 = members[start + best], head[T0]
    bx, by, bz = _direction(nodes, b)
    if n_pm > 0:
        i = members[start + lead]
        m = int(nodes[i, MOTION])
        lx, ly, lz = _direction(nodes, i)
        mx, my, mz = _motion(nodes, motions, i, m)
        lead_epoch, zeta = _or(nodes[i, EPOCH], t0), motions[m, ZETA]
        now = moved(lx, ly, lz, mx, my, mz, zeta, t0 - lead_epoch)
        head[ME], head[MN] = _arcsec(head, now[3], now[4], now[5])
    else:
        lx, ly, lz, mx, my, mz = bx, by, bz, 0.0, 0.0, 0.0
        lead_epoch, zeta, m = t0, 0.0, -1
        head[ME], head[MN] = 0.0, 0.0
    lone, precision, span = 0.0, 0.0, 0.0
    for k in range(n):
        i = members[start + k]
        x, y, z = _direction(nodes, i)
        epoch = _or(nodes[i, EPOCH], t0)
        place[k, YEARS] = epoch - t0
        span = max(span, abs(epoch - t0))
        if n_pm > 0:
            now = moved(lx, ly, lz, mx, my, mz, zeta, epoch - lead_epoch)
            place[k, RX], place[k, RY], place[k, RZ] = x - now[0], y - now[1], z - now[2]
        else:
            place[k, RX], place[k, RY], place[k, RZ] = x - bx, y - by, z - bz
        f = nodes[i, WIDE]
        place[k, ODDS] = f / (1.0 - f) if f > 0.0 else 0.0
        place[k, JOINS] = 1.0 if f != 0.0 else 0.0
    _offsets(n, best, bx, by, bz, large, place, head)
    for k in range(n):
        i = members[start + k]
        own = int(nodes[i, MOTION])
        path = (0.0, 0.0, 0.0)
        if n_pm > 0 and k != lead:
            path = _bend(head, motions, m, place[k, YEARS] + t0 - lead_epoch)
        jee, jen, jne, jnn = turn(
            head[FSA], head[FCA], head[FSD], head[FCD],
            nodes[i, SA], nodes[i, CA], nodes[i, SD], nodes[i, CD],
        )  # fmt: skip
        if large:
            jee, jen, jne, jnn = rotation_in(jee, jen, jne, jnn)
        xx, yy, xy = turned(jee, jen, jne, jnn, nodes[i, XX], nodes[i, YY], nodes[i, XY])
        states = 2 if place[k, JOINS] > 0.0 else 1
        if own < 0:
            t = path[2]
            xx, yy = xx + path[0] * path[0] * t * t, yy + path[1] * path[1] * t * t
            xy += path[0] * path[1] * t * t
            for s in range(states):
                _position(info, s, k, xx + s * nodes[i, WIDE2], yy + s * nodes[i, WIDE2], xy, place)
            precision += info[0, k, PXX] + info[0, k, PYY]
        else:
            lone += motions[own, LONE]
            x, y, z = _motion(nodes, motions, i, own)
            now = moved(lx, ly, lz, mx, my, mz, zeta, place[k, YEARS] + t0 - lead_epoch)
            u, v = _arcsec(head, x - now[3], y - now[4], z - now[5])
            pm = turned(jee, jen, jne, jnn, motions[own, EE], motions[own, NN], motions[own, EN])
            cross = turned_cross(
                jee, jen, jne, jnn,
                motions[own, X0], motions[own, X1], motions[own, X2], motions[own, X3],
            )  # fmt: skip
            for s in range(states):
                wide2 = s * nodes[i, WIDE2]
                _star(info, s, k, (xx + wide2, yy + wide2, xy), pm, cross, path, u, v, place)
    head[N_PM], head[LONE_SUM], head[SPAN] = n_pm, lone, span
    head[LN_DETS] = _ln_product(n, info)
    moving = n_pm > 0 or widest2 * span * span * precision > _STILL
    head[MOVING] = 1.0 if moving else 0.0
    if moving:
        for k in range(n):
            if nodes[members[start + k], MOTION] < 0.0:
                _let_move(info, np.int64(0), k, place[k, YEARS])
                if place[k, JOINS] > 0.0:
                    _let_move(info, np.int64(1), k, place[k, YEARS])
    head[LARGE] = 1.0 if large else 0.0
    head[CURVED] = _curvature(nodes, members, start, n, place) if large else 0.0


@step
def _ln_product(n, info):
    """ln of the product of the determinants: a logarithm only before it leaves what floats hold."""
    total, product = 0.0, 1.0
    for k in range(n):
        product *= info[0, k, DET]
        if not 1e-150 < product < 1e150:
            total, product = total + math.log(product), 1.0
    return total + math.log(product)


@step
def _leaders(nodes, motions, members, start, stop, head):
    """(best position, best motion, motions, whether any error is large); the frame and T0.

    T0 is the epoch of the best position; of equals, the earlier. A row without epoch is of T0.
    """
    best, lead, n_pm, large = 0, -1, 0, False
    best_var, best_epoch = math.inf, math.inf
    x = y = z = 0.0
    for k in range(stop - start):
        i = members[start + k]
        ux, uy, uz = _direction(nodes, i)
        x, y, z = x + ux, y + uy, z + uz
        var = nodes[i, XX] + nodes[i, YY]
        epoch = _or(nodes[i, EPOCH], math.inf)
        if var < best_var or (var == best_var and epoch < best_epoch):
            best, best_var, best_epoch = k, var, epoch
        large = large or max(nodes[i, XX], nodes[i, YY]) > LARGE2
        m = int(nodes[i, MOTION])
        if m >= 0:
            n_pm += 1
            if lead < 0 or _leads(nodes, motions, i, members[start + lead]):
                lead = k
    if best_epoch == math.inf:  # the best has none: the earliest of the others', if any
        for k in range(stop - start):
            best_epoch = min(best_epoch, _or(nodes[members[start + k], EPOCH], math.inf))
    head[T0] = best_epoch if best_epoch < math.inf else 0.0
    head[FSA], head[FCA], head[FSD], head[FCD] = frame_of(x, y, z)
    return best, lead, n_pm, large


@step
def _leads(nodes, motions, i, j):
    """Whether the motion of i is better known than that of j; ties by what they say, not by order.

    The better motion, the better position, the earlier epoch, then motion and position themselves.
    """
    m, k = int(nodes[i, MOTION]), int(nodes[j, MOTION])
    a, b = motions[m, EE] + motions[m, NN], motions[k, EE] + motions[k, NN]
    if a == b:
        a, b = nodes[i, XX] + nodes[i, YY], nodes[j, XX] + nodes[j, YY]
    if a == b:
        a, b = _or(nodes[i, EPOCH], math.inf), _or(nodes[j, EPOCH], math.inf)
    for c in (PE, PN, ZETA, ZETA2):
        if a == b:
            a, b = motions[m, c], motions[k, c]
    for c in (SA, CA, SD, CD):
        if a == b:
            a, b = nodes[i, c], nodes[j, c]
    return a < b


@step
def _offsets(n, best, bx, by, bz, large, place, head):
    """Offsets (arcsec) of the residuals from the best position's; equal-area for large errors.

    In Lambert's projection a point lies at its chord from the frame's centre.
    """
    sa, ca, sd, cd = head[FSA], head[FCA], head[FSD], head[FCD]
    rx, ry, rz = place[best, RX], place[best, RY], place[best, RZ]
    be, bn = offset(sa, ca, sd, cd, bx, by, bz)
    head[OE], head[ON] = be, bn
    if not large:
        for k in range(n):
            e, v = offset(sa, ca, sd, cd, place[k, RX] - rx, place[k, RY] - ry, place[k, RZ] - rz)
            place[k, EAST], place[k, NORTH] = e * ARCSEC, v * ARCSEC
        return
    ux, uy, uz = cd * ca, cd * sa, sd
    stretch = math.sqrt(2.0 / max(1.0 + ux * bx + uy * by + uz * bz, 1e-12))
    be, bn = be * stretch, bn * stretch
    head[OE], head[ON] = be, bn
    for k in range(n):
        x, y, z = bx + place[k, RX] - rx, by + place[k, RY] - ry, bz + place[k, RZ] - rz
        e, v = offset(sa, ca, sd, cd, x, y, z)
        stretch = math.sqrt(2.0 / max(1.0 + ux * x + uy * y + uz * z, 1e-12))
        place[k, EAST], place[k, NORTH] = (e * stretch - be) * ARCSEC, (v * stretch - bn) * ARCSEC


@step
def _curvature(nodes, members, start, n, place):
    """lnB on the sphere minus lnB in the plane, for errors made circular (crossmatch.md 1.1).

    Added to the evidence of the ellipses: exact where they are circles. With S = sum w,
    D = sum_{i<j} w_i w_j |x_i - x_j|^2, W = sqrt(S^2 - D), l(z) = ln(1 - exp(-2 z)).
    """
    S = D = flat = out = 0.0
    for k in range(n):
        wk = _weight(nodes, members[start + k])
        S += wk
        out -= math.log(-math.expm1(-2.0 * wk))
        for j in range(k):
            ww = wk * _weight(nodes, members[start + j])
            x, y = place[k, RX] - place[j, RX], place[k, RY] - place[j, RY]
            z = place[k, RZ] - place[j, RZ]
            D += ww * (x * x + y * y + z * z)
            e, v = place[k, EAST] - place[j, EAST], place[k, NORTH] - place[j, NORTH]
            flat += ww * (e * e + v * v) / (ARCSEC * ARCSEC)
    W = math.sqrt(max(S * S - D, 0.0))
    ends = math.log(-math.expm1(-2.0 * W) / W) if W > 0.0 else math.log(2.0)
    return out + ends + math.log(S) - D / (W + S) + 0.5 * flat / S


@step
def _weight(nodes, i):
    """1 / sigma^2 (1/rad^2) of the circle with the ellipse's area."""
    det = nodes[i, XX] * nodes[i, YY] - nodes[i, XY] * nodes[i, XY]
    return ARCSEC * ARCSEC / math.sqrt(det)


@step
def _direction(nodes, i):
    return nodes[i, CD] * nodes[i, CA], nodes[i, CD] * nodes[i, SA], nodes[i, SD]


@step
def _motion(nodes, motions, i, m):
    """Motion of a row as a vector, rad/yr."""
    east, north = motions[m, PE] / ARCSEC, motions[m, PN] / ARCSEC
    return space_motion(nodes[i, SA], nodes[i, CA], nodes[i, SD], nodes[i, CD], east, north)


@step
def _arcsec(head, x, y, z):
    """(east, north) of a vector in the group's frame, arcsec."""
    e, n = offset(head[FSA], head[FCA], head[FSD], head[FCD], x, y, z)
    return e * ARCSEC, n * ARCSEC


@step
def _or(value, other):
    return other if math.isnan(value) else value


@step
def _bend(head, motions, m, t):
    """(mu_east t, mu_north t) sigma_zeta and t: the track may be bent so much, after t years.

    d r / d zeta = -mu t^2 and d mu / d zeta = -2 mu t; each row is charged for it on its own.
    """
    s = math.sqrt(motions[m, ZETA2]) * t
    return head[ME] * s, head[MN] * s, t


@step
def _position(info, s, k, xx, yy, xy, place):
    """A row without motion: information of its position."""
    det = xx * yy - xy * xy
    pxx, pyy, pxy = yy / det, xx / det, -xy / det
    e, n = place[k, EAST], place[k, NORTH]
    bx, by = pxx * e + pxy * n, pxy * e + pyy * n
    info[s, k, PXX], info[s, k, PYY], info[s, k, PXY] = pxx, pyy, pxy
    info[s, k, BX], info[s, k, BY] = bx, by
    info[s, k, C], info[s, k, DET] = bx * e + by * n, det


@step
def _let_move(info, s, k, t):
    """The same with H = [1, t 1]."""
    pxx, pyy, pxy = info[s, k, PXX], info[s, k, PYY], info[s, k, PXY]
    info[s, k, R0], info[s, k, R1], info[s, k, R2], info[s, k, R3] = (
        t * pxx, t * pxy, t * pxy, t * pyy,
    )  # fmt: skip
    info[s, k, MXX], info[s, k, MYY], info[s, k, MXY] = t * t * pxx, t * t * pyy, t * t * pxy
    info[s, k, BU], info[s, k, BV] = t * info[s, k, BX], t * info[s, k, BY]


@step
def _star(info, s, k, position, pm, cross, path, u, v, place):
    """A row with a measured motion (residual u, v): information of both, H = [[1, t 1], [0, 1]].

    The inverse of [[Cp, X], [X', Cm]] by its Schur complement S = Cp - X Cm^-1 X'.
    """
    gx, gy, years = path
    c0, c1, c2 = position
    c0, c1, c2 = c0 + (gx * years) ** 2, c1 + (gy * years) ** 2, c2 + gx * gy * years * years
    m0, m1, m2 = pm[0] + 4.0 * gx * gx, pm[1] + 4.0 * gy * gy, pm[2] + 4.0 * gx * gy
    x0, x1 = cross[0] + 2.0 * gx * gx * years, cross[1] + 2.0 * gx * gy * years
    x2, x3 = cross[2] + 2.0 * gx * gy * years, cross[3] + 2.0 * gy * gy * years
    md = m0 * m1 - m2 * m2
    i0, i1, i2 = m1 / md, m0 / md, -m2 / md
    k0, k1, k2, k3 = x0 * i0 + x1 * i2, x0 * i2 + x1 * i1, x2 * i0 + x3 * i2, x2 * i2 + x3 * i1
    s0, s1 = c0 - (k0 * x0 + k1 * x1), c1 - (k2 * x2 + k3 * x3)
    s2 = c2 - 0.5 * (k0 * x2 + k1 * x3 + k2 * x0 + k3 * x1)
    det = s0 * s1 - s2 * s2
    if not (s0 > 1e-9 * c0 and s1 > 1e-9 * c1 and det > 1e-12 * s0 * s1):
        k0 = k1 = k2 = k3 = 0.0
        s0, s1, s2 = c0, c1, c2
        det = s0 * s1 - s2 * s2
    pxx, pyy, pxy = s1 / det, s0 / det, -s2 / det
    # V_pm = -S^-1 K, V_mm = Cm^-1 + K' S^-1 K, K = X Cm^-1
    q0, q1 = -(pxx * k0 + pxy * k2), -(pxx * k1 + pxy * k3)
    q2, q3 = -(pxy * k0 + pyy * k2), -(pxy * k1 + pyy * k3)
    v0, v1 = i0 - (k0 * q0 + k2 * q2), i1 - (k1 * q1 + k3 * q3)
    v2 = i2 - 0.5 * (k0 * q1 + k2 * q3 + k1 * q0 + k3 * q2)
    e, n, t = place[k, EAST], place[k, NORTH], place[k, YEARS]
    bx, by = pxx * e + pxy * n + q0 * u + q1 * v, pxy * e + pyy * n + q2 * u + q3 * v
    bu, bv = q0 * e + q2 * n + v0 * u + v2 * v, q1 * e + q3 * n + v2 * u + v1 * v
    info[s, k, PXX], info[s, k, PYY], info[s, k, PXY] = pxx, pyy, pxy
    info[s, k, R0], info[s, k, R1] = t * pxx + q0, t * pxy + q1
    info[s, k, R2], info[s, k, R3] = t * pxy + q2, t * pyy + q3
    info[s, k, MXX] = t * t * pxx + 2.0 * t * q0 + v0
    info[s, k, MYY] = t * t * pyy + 2.0 * t * q3 + v1
    info[s, k, MXY] = t * t * pxy + t * (q1 + q2) + v2
    info[s, k, BX], info[s, k, BY] = bx, by
    info[s, k, BU], info[s, k, BV] = t * bx + bu, t * by + bv
    info[s, k, C] = bx * e + by * n + bu * u + bv * v
    info[s, k, DET] = det * md
