"""Squares in the (x, y) of a base cell, in the bits of the nested index itself.

A pixel of order 29 is `face << 58 | bits`, where x has the even bits and y the odd ones. Bits that
are spread so compare and add like the numbers they are (with the gaps filled for a carry), so that
nothing is ever de-interleaved (Schrack 1992, "Finding neighbors of equal size in linear
quadtrees").

The bound. Along a path on the sky within one base cell, x and y change by at most STEEP = 1.5 base
cells a radian; where the path stays between the latitudes +-41.8 degrees, by at most FLAT = 1.03
(greatest slopes 1.4519 and 1.0208: `design/search_cells.py`). Two positions at most r apart are
joined by a path of length r. Either it stays within one base cell: then x and y differ by at most
`reach(r)`. Or it leaves: then both ends lie within `reach(r)` of an edge of their own base cell.
"""

from __future__ import annotations

from skyquarry.match.kernels.stepping import step

SIDE = 1 << 29  # pixels of order 29 along a base cell
EVEN = 0x0155555555555555
ODD = EVEN << 1
WHOLE = EVEN | ODD
STEEP, FLAT = 1.5, 1.03  # base cells a radian
FLAT_DEG = 41.8  # asin(2/3) is 41.810: below it the equatorial part
PIXELS_AN_ARCSEC = SIDE / (3600.0 * 180.0 / 3.141592653589793)
WIDE_ARCSEC = 34000.0  # a square that reaches a quarter of a base cell is not worth cutting
SLACK = 2  # pixels: rounding of the index and of this product


@step
def reach(dec_deg, radius_arcsec):
    """How many order-29 pixels x or y may change within a radius (arcsec) of a declination."""
    slope = FLAT if abs(dec_deg) + radius_arcsec / 3600.0 < FLAT_DEG else STEEP
    pixels = radius_arcsec * (slope * PIXELS_AN_ARCSEC)
    return SIDE - 1 if pixels >= SIDE - 8 else int(pixels) + SLACK


@step
def box(low, high, spread_reach):
    """(x from, x to, y from, y to, whether the box was cut at an edge of the base cell).

    All four are spread bits in their places, inclusive. About a cell: the bits of its least and its
    greatest pixel, without the face.
    """
    far = spread_reach << 1
    x_from, x_to = (low & EVEN) - spread_reach, (high | ODD) + spread_reach
    y_from, y_to = (low & ODD) - far, (high | EVEN) + far
    cut = x_from < 0 or y_from < 0 or x_to > WHOLE or y_to > WHOLE
    if cut:
        x_from = max(x_from, 0)
        y_from = max(y_from, 0)
        x_to = min(x_to, WHOLE)
        y_to = min(y_to, WHOLE)
    return x_from & EVEN, x_to & EVEN, y_from & ODD, y_to & ODD, cut


@step
def even_size(pixels):
    """Bits of the nested index of a cell whose side is above twice these pixels: even."""
    bits = 0
    while pixels > 0:
        pixels >>= 1
        bits += 2
    return bits + 2
