"""Drawing rare stars along a sight line, and their magnitudes in Pan-STARRS' bands."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from skyquarry.synthetic.milkyway.kinematics import motions

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from skyquarry.synthetic.blocks import Block
    from skyquarry.synthetic.milkyway.discs import Component

    Floats = NDArray[np.float64]

_SHELLS: Final = 120


def shells(
    block: Block,
    random: np.random.Generator,
    density: Callable[[Floats, Floats, Floats], Floats],
    reach_pc: tuple[float, float],
) -> Floats:
    """Distances (n,) in parsecs of a block's stars, of a density (lon, lat, distance) a pc3."""
    edges = np.geomspace(*reach_pc, _SHELLS + 1)
    middle = np.sqrt(edges[1:] * edges[:-1])
    volume = np.radians(1.0) ** 2 * block.area_deg2 * np.diff(edges**3) / 3.0
    lon, lat = (np.full(_SHELLS, each) for each in block.galactic)
    many = random.poisson(volume * density(lon, lat, middle))
    low, high = np.repeat(edges[:-1], many), np.repeat(edges[1:], many)
    return np.asarray(np.cbrt(low**3 + (high**3 - low**3) * random.random(len(low))))


def panstarrs(g: Floats, r: Floats, i: Floats, z: Floats) -> dict[str, Floats]:
    """Pan-STARRS g, r, i, z from SDSS': Tonry et al. 2012, ApJ 750, 99, table 6 (from memory)."""
    colour = g - r
    return {
        "ps1_g": g - 0.011 - 0.125 * colour - 0.015 * colour**2,
        "ps1_r": r + 0.001 - 0.006 * colour - 0.002 * colour**2,
        "ps1_i": i + 0.004 - 0.014 * colour + 0.001 * colour**2,
        "ps1_z": z - 0.013 + 0.040 * colour - 0.001 * colour**2,
    }


def moving(
    component: Component,
    ra_deg: Floats,
    dec_deg: Floats,
    distance_pc: Floats,
    random: np.random.Generator,
) -> dict[str, Floats]:
    """Columns of sources: parallaxes, proper motions and radial velocities."""
    pmra, pmdec, rv = motions(component, ra_deg, dec_deg, distance_pc, random)
    return {
        "parallax_mas": 1000.0 / distance_pc,
        "pmra_masyr": pmra,
        "pmdec_masyr": pmdec,
        "rv_kms": rv,
    }
