"""The information filter of a group, once its members lie in one frame.

State (x, mu): position at T0 and motion, both as what is left after the track of the best-known
motion is taken off. Each row adds to A = [[P, R], [R', M]], b, c; x is marginalised over the sky,
mu over a mixture of N(0, sigma_k^2 I) (crossmatch.md 1.4). With L = M - R' P^-1 R, h = b_mu - R'
P^-1 b_x, G = (1 + sigma_k^2 L)^-1 and the track's motion m, mu + m having the prior:

    Q = c - b_x' P^-1 b_x - sigma_k^2 h' G h + 2 h' G m + m' L G m
    2 ln M = -2 ln(4 pi) - sum ln det(2 pi C_i) + ln det(2 pi P^-1) - ln det(1 + sigma_k^2 L) - Q

which holds for sigma_k = 0 too, and without motions (L = 0) is BS08's. Rows with a wide error enter
as a mixture: any MOST_WIDE members have it, each by its own odds. Units: arcsec, years.
"""

# ruff: noqa: PLR0917 - scalars in, scalars out
from __future__ import annotations

import math

import numpy as np

from skyquarry.match.kernels.nodes import ARCSEC, WIDE
from skyquarry.match.kernels.stepping import step

# a member's part of A, b, c
PXX, PYY, PXY, R0, R1, R2, R3, MXX, MYY, MXY, BX, BY, BU, BV, C, DET = range(16)
# where a member is: residual direction, residual offset, years from T0, odds of the wide error by
# itself, and whether it can be wide where all members are
RX, RY, RZ, EAST, NORTH, YEARS, ODDS, JOINS = range(8)
PLACE_COLUMNS = 8
# what holds for the group
FSA, FCA, FSD, FCD, T0, N_PM, MOVING, ME, MN, OE, ON, LARGE, CURVED, SPAN, LONE_SUM, LN_DETS = (
    range(16)
)

MOST_WIDE = 4  # members of a group that are in their wide state at once: of up to 4, any
_LAST_BIT = 62  # members from here on are never wide; groups have no more than 16
_LEAST_OF_ALL = 3  # members of a group whose rows may be wide all at once
_SHARE = 0.5  # of the least f: how often an object is wide in all its rows

LN_TWO_R2 = math.log(2.0 * ARCSEC * ARCSEC)
_LN_TWO_PI = math.log(2.0 * math.pi)


@step
def room(nodes, members, starts, first, last):
    """How many wide states the groups first to last - 1 have at most."""
    most = 0
    for g in range(first, last):
        count = 0
        for i in range(starts[g], min(starts[g + 1], starts[g] + _LAST_BIT)):
            if nodes[members[i], WIDE] > 0.0:
                count += 1
        most = max(most, count)
    states, choices = 1, 1
    for k in range(1, MOST_WIDE + 1):
        choices = choices * (most - k + 1) // k
        states += choices
    return states + 1


@step
def wide_states(n, place, states, odds):
    """Fill states (bits: which members are wide) and their odds; (how many, sum of the odds).

    The first is that of no wide error; the last may be that of an object whose rows are all wide.
    """
    states[0], odds[0] = 0, 1.0
    count, norm = 1, 1.0
    for k in range(min(n, _LAST_BIT)):
        if place[k, ODDS] > 0.0:
            before = count
            for j in range(before):
                if bits_of(states[j]) < MOST_WIDE:
                    states[count] = states[j] | (1 << k)
                    odds[count] = odds[j] * place[k, ODDS]
                    norm += odds[count]
                    count += 1
    g = _all_wide(n, place)
    if g > 0.0:
        states[count], odds[count] = (1 << n) - 1, g / (1.0 - g) * norm
        norm += odds[count]
        count += 1
    return count, norm


@step
def _all_wide(n, place):
    """How often an object is wide in all its rows; 0 where a member never is.

    A galaxy is displaced in every survey, the reference of the calibration too, which no product
    of the members' own f can tell (design/quality.md). The f of a pair already has it.
    """
    least = 1.0
    for k in range(n):
        if place[k, JOINS] == 0.0:
            return 0.0
        odds = place[k, ODDS]
        if odds > 0.0:
            least = min(least, odds / (1.0 + odds))
    return _SHARE * least if _LEAST_OF_ALL <= n < _LAST_BIT and least < 1.0 else 0.0


@step
def bits_of(mask):
    """How many bits are set."""
    count = 0
    while mask:
        mask &= mask - 1
        count += 1
    return count


@step
def mixed(
    ratio, base, sigma2, members, start, stop, info, place, head, weights, terms, sums, states, odds
):
    """(lnB, chi2 of the component that weighs most, its motion, its wide members as bits)."""
    n = stop - start
    count, norm = wide_states(n, place, states, odds)
    if head[MOVING] > 0.0:
        motion_weights(ratio, base, members, start, stop, weights)
        lnM, chi2, k, wide = _moving(
            sigma2, n, info, head, weights, terms, sums, states, odds, count
        )
    else:
        lnM, chi2, wide = _still(n, info, terms, states, odds, count)
        k = -1
    if count > 1:
        lnM -= math.log(norm)
    lnM -= head[N_PM] * _LN_TWO_PI + 0.5 * head[LN_DETS]
    lnB = (n - 1) * LN_TWO_R2 + lnM - head[LONE_SUM] + head[CURVED]
    return lnB, chi2, k, wide


@step
def motion_weights(ratio, base, members, start, stop, weights):
    """Fill weights (k,): base_k prod_i w_k(i) / base_k, which sum to 1 (naive Bayes)."""
    total = 0.0
    for k in range(len(base)):
        w = base[k]
        for i in range(start, stop):
            w *= ratio[members[i], k]
        weights[k] = w
        total += w
    for k in range(len(base)):
        weights[k] = weights[k] / total if total > 0.0 else base[k]


@step
def _still(n, info, terms, states, odds, many):
    """(ln M + const, chi2, wide members) where nothing can have moved.

    Weights are relative to that of no wide error: sqrt of a ratio of determinants, no logarithm.
    """
    best, first = np.int64(0), 1.0
    for state in range(many):
        wide = states[state]
        pxx = pyy = pxy = bx = by = c = 0.0
        for k in range(n):
            s = (wide >> k) & 1
            pxx, pyy, pxy = pxx + info[s, k, PXX], pyy + info[s, k, PYY], pxy + info[s, k, PXY]
            bx, by, c = bx + info[s, k, BX], by + info[s, k, BY], c + info[s, k, C]
        det = pxx * pyy - pxy * pxy
        chi2 = max(c - (pyy * bx * bx - 2.0 * pxy * bx * by + pxx * by * by) / det, 0.0)
        weight = 1.0
        if state == 0:
            first = det
        else:
            weight = odds[state] * math.sqrt(_narrowing(n, info, wide) * first / det)
        terms[state, 0], terms[state, 1] = weight, chi2
        if state > 0 and heavier(terms, state, best):
            best = state
    total = summed_weights(terms, many, best)
    lnM = math.log(total) - 0.5 * (math.log(first) + terms[best, 1])
    return lnM, terms[best, 1], states[best]


@step
def _narrowing(n, info, wide):
    """Product of det C / det C_wide over the members that are wide."""
    ratio = 1.0
    for k in range(n):
        if (wide >> k) & 1:
            ratio *= info[0, k, DET] / info[1, k, DET]
    return ratio


@step
def heavier(terms, i, j):
    """Whether w_i exp(-chi2_i / 2) is more than w_j exp(-chi2_j / 2)."""
    return terms[i, 0] * math.exp(0.5 * min(terms[j, 1] - terms[i, 1], 1400.0)) > terms[j, 0]


@step
def summed_weights(terms, count, best):
    """sum w exp(-(chi2 - chi2_best) / 2)."""
    total = terms[best, 0]
    for i in range(count):
        if i != best:
            total += terms[i, 0] * math.exp(0.5 * (terms[best, 1] - terms[i, 1]))
    return total


@step
def _moving(sigma2, n, info, head, weights, terms, sums, states, odds, many):
    """(ln M + const, chi2, component of motion, wide members) for the mixture of motions."""
    count, best, first = np.int64(0), np.int64(0), 1.0
    motion, members = np.int64(0), np.int64(0)
    A, L = sums[0], sums[1]
    for state in range(many):
        wide = states[state]
        summed(n, info, wide, A)
        reduced(A, L)
        ratio = 1.0
        if state == 0:
            first = L[6]
        else:
            ratio = _narrowing(n, info, wide) * first / L[6]
        for k in range(len(sigma2)):
            if weights[k] <= 0.0:
                continue
            det, more = _prior_terms(L, sigma2[k], head[ME], head[MN])
            terms[count, 0] = weights[k] * odds[state] * math.sqrt(ratio / det)
            terms[count, 1] = max(L[5] + more, 0.0)
            if count == 0 or heavier(terms, count, best):
                best, motion, members = count, k, wide
            count += 1
    total = summed_weights(terms, count, best)
    lnM = math.log(total) - 0.5 * (math.log(first) + terms[best, 1])
    return lnM, terms[best, 1], motion, members


@step
def summed(n, info, wide, A):
    """Fill A (16,) with the sums over the members, those in their wide state by their bits."""
    for j in range(16):
        A[j] = 0.0
    for k in range(n):
        s = (wide >> k) & 1
        for j in range(16):
            A[j] += info[s, k, j]


@step
def reduced(A, L):
    """Fill L: the information on mu once x is marginalised: Lxx, Lyy, Lxy, h, h, c, det P."""
    det = A[PXX] * A[PYY] - A[PXY] * A[PXY]
    i0, i1, i2 = A[PYY] / det, A[PXX] / det, -A[PXY] / det
    # K = P^-1 R
    k0, k1 = i0 * A[R0] + i2 * A[R2], i0 * A[R1] + i2 * A[R3]
    k2, k3 = i2 * A[R0] + i1 * A[R2], i2 * A[R1] + i1 * A[R3]
    L[0] = A[MXX] - (A[R0] * k0 + A[R2] * k2)
    L[1] = A[MYY] - (A[R1] * k1 + A[R3] * k3)
    L[2] = A[MXY] - (A[R0] * k1 + A[R2] * k3)
    L[3] = A[BU] - (k0 * A[BX] + k2 * A[BY])
    L[4] = A[BV] - (k1 * A[BX] + k3 * A[BY])
    L[5] = A[C] - (i0 * A[BX] * A[BX] + 2.0 * i2 * A[BX] * A[BY] + i1 * A[BY] * A[BY])
    L[6] = det


@step
def _prior_terms(L, s2, mx, my):
    """(det(1 + s2 L), -s2 h' G h + 2 h' G m + m' L G m)."""
    a, b, c = 1.0 + s2 * L[0], 1.0 + s2 * L[1], s2 * L[2]
    det = a * b - c * c
    g0, g1, g2 = b / det, a / det, -c / det
    h0, h1 = L[3], L[4]
    quad = -s2 * (g0 * h0 * h0 + 2.0 * g2 * h0 * h1 + g1 * h1 * h1)
    if mx != 0.0 or my != 0.0:
        u, v = g0 * mx + g2 * my, g2 * mx + g1 * my  # G m
        quad += 2.0 * (h0 * u + h1 * v)
        quad += mx * (L[0] * u + L[2] * v) + my * (L[2] * u + L[1] * v)
    return det, quad
