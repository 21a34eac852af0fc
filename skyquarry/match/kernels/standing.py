"""Two rows that stand still (no motion is known, no time lies between): a closed form."""

# ruff: noqa: I001, PLR0917 - column names side by side; scalars in, scalars out
from __future__ import annotations

import math

import numpy as np

from skyquarry.match.kernels.filter import (
    FCA, FCD, FSA, FSD, LN_TWO_R2, heavier, summed_weights,
)  # fmt: skip
from skyquarry.match.kernels.frames import frame_of, offset, turn, turned
from skyquarry.match.kernels.nodes import (
    ARCSEC, CA, CD, EPOCH, MOTION, SA, SD, WIDE, WIDE2, XX, XY, YY,
)  # fmt: skip
from skyquarry.match.kernels.stepping import step

LARGE2 = 100.0  # (10 arcsec)^2: beyond, the sphere's curvature is felt (crossmatch.md 1.1)


@step
def are_still(nodes, i, j):
    """Whether two rows can be compared as they lie, in a plane."""
    if nodes[i, MOTION] >= 0.0 or nodes[j, MOTION] >= 0.0:
        return False
    a, b = nodes[i, EPOCH], nodes[j, EPOCH]
    largest = max(nodes[i, XX], nodes[i, YY], nodes[j, XX], nodes[j, YY])
    return (a == b or math.isnan(a) or math.isnan(b)) and largest <= LARGE2


@step
def frame_between(nodes, i, j, head):
    """The frame that `prepare` gives to two rows: at the sum of their directions."""
    head[FSA], head[FCA], head[FSD], head[FCD] = frame_of(
        nodes[i, CD] * nodes[i, CA] + nodes[j, CD] * nodes[j, CA],
        nodes[i, CD] * nodes[i, SA] + nodes[j, CD] * nodes[j, SA],
        nodes[i, SD] + nodes[j, SD],
    )


@step
def evidence_still(nodes, i, j, head, terms):
    """(lnB, chi2, whether a row is wide) of two rows that stand still."""
    frame_between(nodes, i, j, head)
    sa, ca, sd, cd = head[FSA], head[FCA], head[FSD], head[FCD]
    e, n = offset(
        sa, ca, sd, cd,
        nodes[j, CD] * nodes[j, CA] - nodes[i, CD] * nodes[i, CA],
        nodes[j, CD] * nodes[j, SA] - nodes[i, CD] * nodes[i, SA],
        nodes[j, SD] - nodes[i, SD],
    )  # fmt: skip
    xx, yy, xy = _turned(nodes, i, sa, ca, sd, cd)
    xx2, yy2, xy2 = _turned(nodes, j, sa, ca, sd, cd)
    return weigh_still(
        nodes, i, j, e * ARCSEC, n * ARCSEC, xx + xx2, yy + yy2, xy + xy2, terms
    )  # fmt: skip


@step
def _turned(nodes, i, sa, ca, sd, cd):
    """The covariance of a row in a frame."""
    jee, jen, jne, jnn = turn(
        sa, ca, sd, cd, nodes[i, SA], nodes[i, CA], nodes[i, SD], nodes[i, CD]
    )
    return turned(jee, jen, jne, jnn, nodes[i, XX], nodes[i, YY], nodes[i, XY])


@step
def weigh_still(nodes, i, j, e, n, xx, yy, xy, terms):
    """(lnB, chi2, whether a row is wide), what `mixed` tells, of the offset (e, n) between two rows
    and the sum of their covariances.

    The product of the determinants of C_i, C_j and C_i^-1 + C_j^-1 is that of C_i + C_j:
    B = 2 R^2 sum_s w_s det(C_s)^-1/2 exp(-chi2_s / 2) over the states of wide errors.
    """
    count, best, norm, wide = np.int64(0), np.int64(0), 0.0, False
    for state in range(4):
        odds, more = 1.0, 0.0
        if state & 1:
            odds, more = _odds(nodes[i, WIDE]), nodes[i, WIDE2]
        if state & 2:
            odds, more = odds * _odds(nodes[j, WIDE]), more + nodes[j, WIDE2]
        if odds > 0.0:
            ee, nn = xx + more, yy + more
            det = ee * nn - xy * xy
            terms[count, 0] = odds / math.sqrt(det)
            terms[count, 1] = (nn * e * e - 2.0 * xy * e * n + ee * n * n) / det
            if count > 0 and heavier(terms, count, best):
                best, wide = count, True
            norm += odds
            count += 1
    total = summed_weights(terms, count, best) / norm
    return LN_TWO_R2 + math.log(total) - 0.5 * terms[best, 1], terms[best, 1], wide


@step
def _odds(wide):
    return wide / (1.0 - wide) if wide > 0.0 else 0.0
