"""Nested HEALPix in loops over bare arrays (numba). `compiledcells.py` wraps.

After Górski et al. 2005, ApJ 622, 759, section 5, and the nested scheme of its library.
"""

from __future__ import annotations

import math

import numpy as np

from skyquarry.sky.compiled import kernel

_HALF = 0.5 * math.pi
_JRLL = np.array([2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4], np.int64)
_JPLL = np.array([1, 3, 5, 7, 0, 2, 4, 6, 1, 3, 5, 7], np.int64)


@kernel
def spread(v):
    """Bits of a number of 29 bits to the even places."""
    v = (v | (v << 16)) & 0x0000FFFF0000FFFF
    v = (v | (v << 8)) & 0x00FF00FF00FF00FF
    v = (v | (v << 4)) & 0x0F0F0F0F0F0F0F0F
    v = (v | (v << 2)) & 0x3333333333333333
    return (v | (v << 1)) & 0x5555555555555555


@kernel
def gathered(v):
    """The even bits of a number, side by side."""
    v = v & 0x5555555555555555
    v = (v | (v >> 1)) & 0x3333333333333333
    v = (v | (v >> 2)) & 0x0F0F0F0F0F0F0F0F
    v = (v | (v >> 4)) & 0x00FF00FF00FF00FF
    v = (v | (v >> 8)) & 0x0000FFFF0000FFFF
    return (v | (v >> 16)) & 0x00000000FFFFFFFF


@kernel
def pixels_of(ra, dec, order, out):
    """Into out (n,): pixels of degrees ra in [0, 360), dec."""
    nside = 1 << order
    for i in range(ra.size):
        lat = math.radians(dec[i])
        z = math.sin(lat)
        a = abs(z)
        tt = math.radians(ra[i]) / _HALF
        if a <= 2.0 / 3.0:
            t1 = nside * (0.5 + tt)
            t2 = nside * (z * 0.75)
            jp = int(t1 - t2)
            jm = int(t1 + t2)
            ifp = jp >> order
            ifm = jm >> order
            if ifp == ifm:
                face = ifp | 4
            elif ifp < ifm:
                face = ifp
            else:
                face = ifm + 8
            ix = jm & (nside - 1)
            iy = nside - (jp & (nside - 1)) - 1
        else:
            ntt = min(3, int(tt))
            tp = tt - ntt
            tmp = nside * math.cos(lat) / math.sqrt((1.0 + a) / 3.0)
            jp = min(int(tp * tmp), nside - 1)
            jm = min(int((1.0 - tp) * tmp), nside - 1)
            if z >= 0:
                face, ix, iy = ntt, nside - jm - 1, nside - jp - 1
            else:
                face, ix, iy = ntt + 8, jp, jm
        out[i] = (face << (2 * order)) | spread(ix) | (spread(iy) << 1)


@kernel
def centers_of(pixel, order, ra, dec):
    """Into ra, dec (n,): degrees of the centers."""
    o = order
    nside = 1 << o
    for i in range(pixel.size):
        face = pixel[i] >> (2 * o)
        inside = pixel[i] & ((1 << (2 * o)) - 1)
        ix = gathered(inside)
        iy = gathered(inside >> 1)
        jr = (_JRLL[face] << o) - ix - iy - 1
        if jr < nside:
            nr = jr
            tmp = (nr / nside) * (nr / nside) / 3.0
            z = 1.0 - tmp
            s = math.sqrt(tmp * (2.0 - tmp))
        elif jr > 3 * nside:
            nr = 4 * nside - jr
            tmp = (nr / nside) * (nr / nside) / 3.0
            z = tmp - 1.0
            s = math.sqrt(tmp * (2.0 - tmp))
        else:
            nr = nside
            z = (2 * nside - jr) * 2.0 / (3.0 * nside)
            s = math.sqrt((1.0 - z) * (1.0 + z))
        t = _JPLL[face] * nr + ix - iy
        if t < 0:
            t += 8 * nr
        ra[i] = math.degrees(_HALF * 0.5 * t / nr)
        dec[i] = math.degrees(math.atan2(z, s))
