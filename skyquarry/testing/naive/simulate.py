"""Slow and obvious twins of loops that make a synthetic sky."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from skyquarry.synthetic.beyond.galaxyseds import GalaxyTable

    Floats = NDArray[np.float64]


def galaxy_magnitudes(table: GalaxyTable, redshift: float, colour: float, dust: float) -> Floats:
    """Magnitudes (24,) of one galaxy, one axis of the table after another."""
    from skyquarry.synthetic.beyond.galaxyseds import DUST

    own = colour - table.reddening * dust
    cube = np.asarray(table.mags, np.float64)
    axes = ((np.log1p(table.redshift), np.log1p(redshift)), (table.colour, own), (DUST, dust))
    for nodes, value in axes:
        place = float(np.interp(value, nodes, np.arange(len(nodes))))
        low = min(int(place), len(nodes) - 2)
        cube = (low + 1 - place) * cube[low] + (place - low) * cube[low + 1]
    return np.asarray(cube)
