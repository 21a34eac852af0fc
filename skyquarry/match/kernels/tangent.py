"""East and north at places of the sky, offsets along them, and rotations fitted to offsets."""

from __future__ import annotations

import numpy as np

from skyquarry.match.kernels.stepping import step
from skyquarry.sky.compiled import kernel


@step
def _axes(x, y, z):
    """East (its z is 0) and north of a unit vector; at a pole itself as for RA 0."""
    along = np.hypot(x, y)
    if along > 0.0:
        x, y = x / along, y / along
    else:
        x, y = 1.0, 0.0
    return -y, x, -z * x, -z * y, along


@step
def _rotation(omega, x, y, z):
    """Omega x u along east and north."""
    ex, ey, nx, ny, nz = _axes(x, y, z)
    a = omega[1] * z - omega[2] * y
    b = omega[2] * x - omega[0] * z
    c = omega[0] * y - omega[1] * x
    return a * ex + b * ey, a * nx + b * ny + c * nz


@kernel
def axes(xyz, east, north):
    """Fills east and north (n, 3) at unit vectors (n, 3)."""
    for n in range(len(xyz)):
        ex, ey, nx, ny, nz = _axes(xyz[n, 0], xyz[n, 1], xyz[n, 2])
        east[n, 0], east[n, 1], east[n, 2] = ex, ey, 0.0
        north[n, 0], north[n, 1], north[n, 2] = nx, ny, nz


@kernel
def rotated(omega, xyz, out):
    """Fills out (n, 2): omega x u along east and north."""
    for n in range(len(xyz)):
        out[n, 0], out[n, 1] = _rotation(omega, xyz[n, 0], xyz[n, 1], xyz[n, 2])


@kernel
def normal_equations(xyz, offset, weight, normal, right):
    """Fills normal (3, 3) and right (3,) of the rotation that offsets (n, 2) are likeliest of.

    weight (n, 3): inverse covariances, ee, nn, en. Omega x u has omega . n along east and
    -omega . e along north.
    """
    normal[:] = 0.0
    right[:] = 0.0
    one, two, first, second = np.zeros(3), np.zeros(3), np.zeros(3), np.zeros(3)
    for n in range(len(xyz)):
        ex, ey, nx, ny, nz = _axes(xyz[n, 0], xyz[n, 1], xyz[n, 2])
        one[0], one[1], one[2] = nx, ny, nz
        two[0], two[1] = -ex, -ey
        for i in range(3):
            first[i] = weight[n, 0] * one[i] + weight[n, 2] * two[i]
            second[i] = weight[n, 2] * one[i] + weight[n, 1] * two[i]
        for i in range(3):
            right[i] += first[i] * offset[n, 0] + second[i] * offset[n, 1]
            for j in range(3):
                normal[i, j] += first[i] * one[j] + second[i] * two[j]


@kernel
def robust_weights(xyz, offset, omega, scale, weight):
    """Fills weight (n, 3) with 1 / (1 + r^2 / scale^2)^2 / scale^2 of what the rotation leaves.

    Gives the sum of these without the last factor, and the sum of them times r^2.
    """
    total, scatter = 0.0, 0.0
    for n in range(len(xyz)):
        east, north = _rotation(omega, xyz[n, 0], xyz[n, 1], xyz[n, 2])
        x, y = offset[n, 0] - east, offset[n, 1] - north
        r2 = x * x + y * y
        w = 1.0 / (1.0 + r2 / scale**2) ** 2
        total += w
        scatter += w * r2
        weight[n, 0] = weight[n, 1] = w / scale**2
        weight[n, 2] = 0.0
    return total, scatter


@kernel
def displaced(xyz, shift, out):
    """Fills out (n, 3): unit vectors moved by small shifts (n, 2) in radians, east and north."""
    for n in range(len(xyz)):
        x, y, z = xyz[n, 0], xyz[n, 1], xyz[n, 2]
        ex, ey, nx, ny, nz = _axes(x, y, z)
        x += shift[n, 0] * ex + shift[n, 1] * nx
        y += shift[n, 0] * ey + shift[n, 1] * ny
        z += shift[n, 1] * nz
        length = np.sqrt(x * x + y * y + z * z)
        out[n, 0], out[n, 1], out[n, 2] = x / length, y / length, z / length


@kernel
def turned(covariance, here, there, out):
    """Fills out (n, 3): covariances of the axes at `here` in those at `there`, J C J^T of 1.1."""
    for n in range(len(here)):
        px, py, qx, qy, qz = _axes(here[n, 0], here[n, 1], here[n, 2])
        ex, ey, nx, ny, nz = _axes(there[n, 0], there[n, 1], there[n, 2])
        ep, eq = ex * px + ey * py, ex * qx + ey * qy
        np_, nq = nx * px + ny * py, nx * qx + ny * qy + nz * qz
        xx, yy, xy = covariance[n, 0], covariance[n, 1], covariance[n, 2]
        out[n, 0] = ep * ep * xx + 2.0 * ep * eq * xy + eq * eq * yy
        out[n, 1] = np_ * np_ * xx + 2.0 * np_ * nq * xy + nq * nq * yy
        out[n, 2] = ep * np_ * xx + (ep * nq + eq * np_) * xy + eq * nq * yy
