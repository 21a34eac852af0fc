"""How many stars of a sequence some survey could see in a block, and how far they are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from skyquarry.synthetic.milkyway.discs import galactocentric

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from skyquarry.synthetic.blocks import Block
    from skyquarry.synthetic.milkyway.discs import Component

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

_NEAREST, _FARTHEST, _STEP = -5.0, 20.5, 0.25
_MODULI: Final = np.arange(_NEAREST, _FARTHEST, _STEP)
"""Lower edges of bins of distance, by distance modulus: 1 pc to 126 kpc"""
_STERADIANS: Final = (np.pi / 180.0) ** 2


def drawn_places(
    block: Block,
    component: Component,
    numbers: Floats,
    absolute: Floats,
    spare: float | Floats,
    random: np.random.Generator,
) -> tuple[Floats, Floats]:
    """Places along a sequence (n,) and distances (n,) parsecs of the stars that may be visible.

    `numbers` (k-1,) stars a cubic parsec at the Sun between the knots of the sequence, `absolute`
    (k, 24) magnitudes of the knots; stars may be `spare` magnitudes, one or (k-1,), brighter than
    these. A place is a knot's number and a fraction. Dust is left to the caller, as it makes none
    visible.
    """
    moduli, shells = _shells(block, component)
    reach = _reach(block, absolute, spare)
    alive = np.flatnonzero((numbers > 0) & (reach > moduli[0]))
    if not len(alive):
        return np.empty(0), np.empty(0)
    expected = np.where(moduli[:, None] < reach[alive], shells[:, None] * numbers[alive], 0.0)
    summed = np.cumsum(expected)
    n = int(random.poisson(summed[-1]))
    cell = np.searchsorted(summed, random.random(n) * summed[-1], side="right")
    shell, segment = np.divmod(np.minimum(cell, expected.size - 1), len(alive))
    place = alive[segment] + random.random(n)
    near, far = (10.0 ** (0.2 * (moduli[shell] + more) + 1.0) for more in (0.0, _STEP))
    distance = np.cbrt(near**3 + random.random(n) * (far**3 - near**3))
    return place, distance


def _shells(block: Block, component: Component) -> tuple[Floats, Floats]:
    """Moduli of shells' near sides, and their volumes in parsecs times relative densities."""
    edges = 10.0 ** (0.2 * np.append(_MODULI, _FARTHEST) + 1.0)
    volume = block.area_deg2 * _STERADIANS * np.diff(edges**3) / 3.0
    middle = np.cbrt(0.5 * (edges[1:] ** 3 + edges[:-1] ** 3))
    lon, lat = block.galactic
    return _MODULI, volume * component.density(
        *galactocentric(np.full(1, lon), np.full(1, lat), middle)
    )


def _reach(block: Block, absolute: Floats, spare: float | Floats) -> Floats:
    """(k-1,) the largest distance modulus at which any survey sees some star of a segment."""
    brightest = np.minimum(absolute[1:], absolute[:-1])
    return np.asarray((block.limits - brightest).max(axis=1) + spare)


def between(values: Floats, place: Floats) -> Floats:
    """Values (k, ...) of knots, interpolated at places (n,): (n, ...)."""
    knot = np.minimum(place.astype(np.int64), len(values) - 2)
    part = place - knot
    if values.ndim > 1:
        part = part[:, None]
    return np.asarray(values[knot] * (1.0 - part) + values[knot + 1] * part)
