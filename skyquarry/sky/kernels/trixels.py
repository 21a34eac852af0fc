"""HTM in loops over bare arrays (numba). `htm.py` checks and wraps.

Corners of the eight root trixels and of the four children as in Szalay et al. 2005 (Microsoft
Research MSR-TR-2005-123): a trixel (v0, v1, v2) has midpoints w0 = v1 + v2, w1 = v0 + v2,
w2 = v0 + v1 (to unit length) and children (v0, w2, w1), (v1, w0, w2), (v2, w1, w0), (w0, w1, w2).
"""

from __future__ import annotations

import math

import numpy as np

from skyquarry.sky.compiled import kernel

_X, _Y, _Z = (1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)
_MX, _MY, _MZ = (-1.0, 0.0, 0.0), (0.0, -1.0, 0.0), (0.0, 0.0, -1.0)
# (8, 3, 3): S0, S1, S2, S3, N0, N1, N2, N3
ROOTS = np.array(
    [
        [_X, _MZ, _Y],
        [_Y, _MZ, _MX],
        [_MX, _MZ, _MY],
        [_MY, _MZ, _X],
        [_X, _Z, _MY],
        [_MY, _Z, _MX],
        [_MX, _Z, _Y],
        [_Y, _Z, _X],
    ]
)


BLOCK = 1024  # points that walk down together: their state stays in the first-level cache


@kernel
def _descend(a, b, c, c0, c1, c2, path):
    """One level down for a block of points, in place and without branches, so that it vectorises.

    c0, c1, c2 are the cosines of the edges opposite v0, v1, v2; h those of half of them: |v + v| is
    2 h. Child 0 has the edge cosines (w1 . w2, h1, h2), and so on round; child 3 the three w . w.
    """
    for i in range(path.size):
        ai, bi, ci = a[i], b[i], c[i]
        h0 = math.sqrt(0.5 + 0.5 * c0[i])
        h1 = math.sqrt(0.5 + 0.5 * c1[i])
        h2 = math.sqrt(0.5 + 0.5 * c2[i])
        k = 0.25 / (h0 * h1 * h2)
        k0, k1, k2 = k * h0, k * h1, k * h2  # 1 / (4 h1 h2) and so on round
        s = 1.0 + c0[i] + c1[i] + c2[i]  # (v0 + v1) . (v0 + v2), whichever corner comes first
        da, db, dc = ai - (bi + ci), bi - (ci + ai), ci - (ai + bi)
        in0, in1, in2 = da >= 0.0, db >= 0.0, dc >= 0.0
        corner = in0 | in1 | in2
        # The corner's own numbers, turned so that it comes first.
        far = da if in0 else (db if in1 else dc)
        left = bi if in0 else (ci if in1 else ai)
        right = ci if in0 else (ai if in1 else bi)
        kc = k0 if in0 else (k1 if in1 else k2)
        hl = h1 if in0 else (h2 if in1 else h0)
        hr = h2 if in0 else (h0 if in1 else h1)
        a[i] = far * kc if corner else -da * k0
        b[i] = left * (2.0 * kc * hr) if corner else -db * k1
        c[i] = right * (2.0 * kc * hl) if corner else -dc * k2
        c0[i] = s * kc if corner else s * k0
        c1[i] = hl if corner else s * k1
        c2[i] = hr if corner else s * k2
        path[i] = (path[i] << 2) + (0 if in0 else (1 if in1 else (2 if in2 else 3)))


@kernel
def htm_index(xyz, level, out):
    """Ids (n,) int64 of points (n, 3), of any length above zero, at a level.

    The walk needs no vectors. With a = p . (v1 x v2), b = p . (v2 x v0), c = p . (v0 x v1) a point
    lies in child 0 where a >= b + c (the plane through w2 and w1 is that of v0 + v1 and v0 + v2),
    in child 1 where b >= c + a, in child 2 where c >= a + b, else in child 3; and the three numbers
    of a child follow from these sums and from the cosines of half the parent's edges. Their error
    halves at each level, so that it stays that of the point's own coordinates (1e-16 radians).
    A point on an edge goes to the first child that holds it. Roots are quarters of RA, each with
    its western edge; the equator belongs to the north (as in lsst.sphgeom).
    """
    a, b, c = np.empty(BLOCK), np.empty(BLOCK), np.empty(BLOCK)
    c0, c1, c2 = np.empty(BLOCK), np.empty(BLOCK), np.empty(BLOCK)
    for first in range(0, len(xyz), BLOCK):
        n = min(BLOCK, len(xyz) - first)
        path = out[first : first + n]
        for i in range(n):
            px, py, pz = xyz[first + i, 0], xyz[first + i, 1], xyz[first + i, 2]
            if py > 0.0:
                quarter = 0 if px > 0.0 else 1
            elif py < 0.0:
                quarter = 2 if px < 0.0 else 3
            else:
                quarter = 2 if px < 0.0 else 0
            root = quarter if pz < 0.0 else 7 - quarter
            # In a root the three numbers are |x|, |y|, |z|; its edges are right angles.
            a[i], c[i] = (abs(py), abs(px)) if root & 1 else (abs(px), abs(py))
            b[i] = abs(pz)
            c0[i], c1[i], c2[i] = 0.0, 0.0, 0.0
            path[i] = 8 + root
        for _ in range(level):
            _descend(a, b, c, c0, c1, c2, path)


@kernel
def htm_corners(ids, level, roots, out):
    """Corners (n, 3, 3) of the trixels (n,), all of one level, by the midpoints themselves."""
    for i in range(ids.size):
        root = (ids[i] >> (2 * level)) - 8
        ax, ay, az = roots[root, 0]
        bx, by, bz = roots[root, 1]
        cx, cy, cz = roots[root, 2]
        for step in range(level - 1, -1, -1):
            child = (ids[i] >> (2 * step)) & 3
            ux, uy, uz = bx + cx, by + cy, bz + cz
            n = 1.0 / math.sqrt(ux * ux + uy * uy + uz * uz)
            ux, uy, uz = ux * n, uy * n, uz * n
            vx, vy, vz = ax + cx, ay + cy, az + cz
            n = 1.0 / math.sqrt(vx * vx + vy * vy + vz * vz)
            vx, vy, vz = vx * n, vy * n, vz * n
            wx, wy, wz = ax + bx, ay + by, az + bz
            n = 1.0 / math.sqrt(wx * wx + wy * wy + wz * wz)
            wx, wy, wz = wx * n, wy * n, wz * n
            if child == 0:
                bx, by, bz, cx, cy, cz = wx, wy, wz, vx, vy, vz
            elif child == 1:
                ax, ay, az, bx, by, bz, cx, cy, cz = bx, by, bz, ux, uy, uz, wx, wy, wz
            elif child == 2:
                ax, ay, az, bx, by, bz, cx, cy, cz = cx, cy, cz, vx, vy, vz, ux, uy, uz
            else:
                ax, ay, az, bx, by, bz, cx, cy, cz = ux, uy, uz, vx, vy, vz, wx, wy, wz
        out[i, 0, 0], out[i, 0, 1], out[i, 0, 2] = ax, ay, az
        out[i, 1, 0], out[i, 1, 1], out[i, 1, 2] = bx, by, bz
        out[i, 2, 0], out[i, 2, 1], out[i, 2, 2] = cx, cy, cz
