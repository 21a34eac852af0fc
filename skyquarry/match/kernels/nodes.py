"""Rows as the evidence kernels read them: one line of numbers a node, another a measured motion.

Columns of a node: sin and cos of ra and dec, covariance (arcsec^2), epoch, probability (-1: not by
itself, only where all members of a group are) and variance of the wide error, number of its line
among the motions (-1: none) and of its catalogue, degrees.
Columns of a motion: pmra*, pmdec (arcsec/yr), their covariance, the covariance with the position
(ra-pmra, ra-pmdec, dec-pmra, dec-pmdec), zeta and its variance (1/yr), ln of its lone evidence.
"""

# ruff: noqa: PLR0917 - scalars in, scalars out
from __future__ import annotations

import math

from skyquarry.match.kernels.stepping import step
from skyquarry.sky.compiled import kernel

SA, CA, SD, CD, XX, YY, XY, EPOCH, WIDE, WIDE2, MOTION, CATALOG, RA, DEC = range(14)
NODE_COLUMNS = 14
PE, PN, EE, NN, EN, X0, X1, X2, X3, ZETA, ZETA2, LONE = range(12)
MOTION_COLUMNS = 12

ARCSEC = 180.0 * 3600.0 / math.pi  # in a radian
_DEG = math.pi / 180.0
_A = 149_597_870.7 / 31_557_600.0  # km/s in au per Julian year
_CERTAIN = 1.0 - 1e-9  # odds of a wide error stay finite


@kernel
def pack_rows(nodes, first, ra_deg, dec_deg, covariance, epoch, wide, wide_variance, catalog):
    """Fill nodes[first : first + n]; no row has a motion yet."""
    for i in range(len(ra_deg)):
        k = first + i
        ra, dec = ra_deg[i] * _DEG, dec_deg[i] * _DEG
        nodes[k, SA], nodes[k, CA] = math.sin(ra), math.cos(ra)
        nodes[k, SD], nodes[k, CD] = math.sin(dec), math.cos(dec)
        nodes[k, XX], nodes[k, YY] = covariance[i, 0], covariance[i, 1]
        nodes[k, XY] = covariance[i, 2]
        nodes[k, EPOCH] = epoch[i]
        nodes[k, WIDE] = max(min(wide[i], _CERTAIN), -1.0) if wide_variance > 0.0 else 0.0
        nodes[k, WIDE2] = wide_variance
        nodes[k, MOTION] = -1.0
        nodes[k, CATALOG] = catalog
        nodes[k, RA], nodes[k, DEC] = ra_deg[i], dec_deg[i]


@kernel
def pack_motions(
    motions, offset, nodes, first, index, pm, covariance, cross, parallax, parallax_error, rv,
    rv_error, rv_dispersion, weights, sigma2,
):  # fmt: skip
    """Fill motions[offset : offset + len(index)] with rows `index`, and name them to the nodes.

    weights (n, k) of the prior's components; sigma2 (k,) their variances, (arcsec/yr)^2. A cross
    covariance that leaves the position no variance of its own is taken as 0.
    """
    for m in range(len(index)):
        i, k = index[m], offset + m
        nodes[first + i, MOTION] = k
        motions[k, PE], motions[k, PN] = pm[i, 0] * 1e-3, pm[i, 1] * 1e-3
        motions[k, EE], motions[k, NN] = covariance[i, 0] * 1e-6, covariance[i, 1] * 1e-6
        motions[k, EN] = covariance[i, 2] * 1e-6
        for c in range(4):
            motions[k, X0 + c] = cross[i, c] * 1e-6
        known = math.isfinite(rv[i])
        v = rv[i] / _A if known else 0.0
        v_error = (rv_error[i] if known else rv_dispersion) / _A
        v_error = v_error if math.isfinite(v_error) else 0.0
        plx = parallax[i] * 1e-3 / ARCSEC if math.isfinite(parallax[i]) else 0.0
        plx_error = parallax_error[i] * 1e-3 / ARCSEC if math.isfinite(parallax_error[i]) else 0.0
        motions[k, ZETA] = v * plx
        motions[k, ZETA2] = plx_error**2 * (v * v + v_error * v_error) + (plx * v_error) ** 2
        motions[k, LONE] = _lone(motions, k, weights, i, sigma2)


@step
def _lone(motions, k, weights, i, sigma2):
    """ln of sum_c w_c N(mu | 0, sigma_c^2 I + C_mu), in (arcsec/yr)^-2."""
    best, total = -math.inf, 0.0
    x, y = motions[k, PE], motions[k, PN]
    for c in range(len(sigma2)):
        if weights[i, c] <= 0.0:
            continue
        xx, yy, xy = motions[k, EE] + sigma2[c], motions[k, NN] + sigma2[c], motions[k, EN]
        det = xx * yy - xy * xy
        chi2 = (yy * x * x - 2.0 * xy * x * y + xx * y * y) / det
        term = math.log(weights[i, c]) - math.log(2.0 * math.pi) - 0.5 * (math.log(det) + chi2)
        if term > best:
            total = total * math.exp(best - term) + 1.0
            best = term
        else:
            total += math.exp(term - best)
    return best + math.log(total)
