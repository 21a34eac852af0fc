"""Directions, tangent frames and straight motions: the scalar steps that evidence kernels share.

A frame is (sin ra, cos ra, sin dec, cos dec) of its direction: e = (-sin ra, cos ra, 0) points
east, n = (-sin dec cos ra, -sin dec sin ra, cos dec) north. At a pole ra may be anything, and
fixes what is called east.
"""

# ruff: noqa: PLR0917 - scalars in, scalars out
from __future__ import annotations

import math

from skyquarry.match.kernels.stepping import step


@step
def frame_of(x, y, z):
    """The frame at the direction of a vector of any length; at a pole ra is 0."""
    rho2 = x * x + y * y
    rho, r = math.sqrt(rho2), 1.0 / math.sqrt(rho2 + z * z)
    if rho == 0.0:
        return 0.0, 1.0, math.copysign(1.0, z), 0.0
    across = 1.0 / rho
    return y * across, x * across, z * r, rho * r


@step
def offset(SA, CA, SD, CD, x, y, z):
    """(east, north) components of a vector in a frame."""
    return CA * y - SA * x, CD * z - SD * (CA * x + SA * y)


@step
def turn(SA, CA, SD, CD, sa, ca, sd, cd):
    """J = [[e.p, e.q], [n.p, n.q]]: local axes p, q of a source, seen in a frame e, n."""
    c = SA * sa + CA * ca
    s = SA * ca - CA * sa
    return c, sd * s, -SD * s, SD * sd * c + CD * cd


@step
def rotation_in(jee, jen, jne, jnn):
    """The rotation nearest to J, which a foreshortening of large angles leaves out."""
    c, s = jee + jnn, jne - jen
    h = math.hypot(c, s)
    if h == 0.0:
        return 1.0, 0.0, 0.0, 1.0
    return c / h, -s / h, s / h, c / h


@step
def turned(jee, jen, jne, jnn, xx, yy, xy):
    """J C J^T of a symmetric C, as (xx, yy, xy)."""
    a, b = jee * xx + jen * xy, jee * xy + jen * yy
    c, d = jne * xx + jnn * xy, jne * xy + jnn * yy
    return a * jee + b * jen, c * jne + d * jnn, a * jne + b * jnn


@step
def turned_cross(jee, jen, jne, jnn, ee, en, ne, nn):
    """J X J^T of any X, row by row."""
    a, b = jee * ee + jen * ne, jee * en + jen * nn
    c, d = jne * ee + jnn * ne, jne * en + jnn * nn
    return a * jee + b * jen, a * jne + b * jnn, c * jee + d * jen, c * jne + d * jnn


@step
def space_motion(sa, ca, sd, cd, east, north):
    """p mu_alpha* + q mu_delta as a vector, in the unit of the motions."""
    across = sd * north
    return -sa * east - across * ca, ca * east - across * sa, cd * north


@step
def moved(ux, uy, uz, mx, my, mz, zeta, t):
    """Direction and motion (rad/yr) after t years: (x, y, z, mu_x, mu_y, mu_z).

    r1 = [r (1 + zeta t) + mu t] f and mu1 = [mu (1 + zeta t) - r |mu|^2 t] f^3 (ESA 1997, The
    Hipparcos and Tycho Catalogues, vol. 1, section 1.5.5). After 0 years nothing changes, to the
    last bit.
    """
    if t == 0.0:
        return ux, uy, uz, mx, my, mz
    w = 1.0 + zeta * t
    mu2 = mx * mx + my * my + mz * mz
    f = 1.0 / math.sqrt(w * w + mu2 * t * t)
    f3 = f * f * f
    back = mu2 * t
    return (
        (ux * w + mx * t) * f,
        (uy * w + my * t) * f,
        (uz * w + mz * t) * f,
        (mx * w - ux * back) * f3,
        (my * w - uy * back) * f3,
        (mz * w - uz * back) * f3,
    )
