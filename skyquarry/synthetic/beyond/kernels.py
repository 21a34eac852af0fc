"""Loops over galaxies: their magnitudes between the nodes of a table."""

from __future__ import annotations

import math

import numba


@numba.njit(nogil=True, cache=True)
def below(nodes, value):
    """Node below a value along rising nodes, but not the last, and how far beyond: 0 to 1."""
    place = 0
    while place < len(nodes) - 2 and nodes[place + 1] <= value:
        place += 1
    part = (value - nodes[place]) / (nodes[place + 1] - nodes[place])
    return place, min(max(part, 0.0), 1.0)


@numba.njit(nogil=True, cache=True)
def interpolated(table, step, colours, dusts, redshift, colour, dust, added, mags):  # noqa: PLR0917
    """Fill mags (n, bands) float32: linear in ln(1 + z), colour and dust; `added` (n,) on top.

    table (nz, nt, nd, bands) float32, its redshifts 0, step, 2 step, ... in ln(1 + z);
    colours (nt,) and dusts (nd,) rising; redshift, colour, dust, added (n,). Beyond the table
    its ends count.
    """
    last = len(table) - 1
    bands = table.shape[3]
    for n in range(len(redshift)):
        along = min(max(math.log1p(redshift[n]) / step, 0.0), float(last))
        z = min(int(along), last - 1)
        wz = along - z
        t, wt = below(colours, colour[n])
        d, wd = below(dusts, dust[n])
        a, b, c = table[z, t], table[z, t + 1], table[z + 1, t]
        e = table[z + 1, t + 1]
        w1, w2 = (1 - wz) * (1 - wt), (1 - wz) * wt
        w3, w4 = wz * (1 - wt), wz * wt
        for band in range(bands):
            low = w1 * a[d, band] + w2 * b[d, band] + w3 * c[d, band] + w4 * e[d, band]
            high = (
                w1 * a[d + 1, band]
                + w2 * b[d + 1, band]
                + w3 * c[d + 1, band]
                + w4 * e[d + 1, band]
            )
            mags[n, band] = added[n] + (1 - wd) * low + wd * high
