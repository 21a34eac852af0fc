"""From stars at distances to sources on the sky: positions, metallicities, motions and dust."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

import numpy as np

from skyquarry.sky.frames import to_frame
from skyquarry.sky.vectors import to_radec, to_xyz
from skyquarry.synthetic import dust
from skyquarry.synthetic.bands import BANDS
from skyquarry.synthetic.milkyway.discs import galactocentric
from skyquarry.synthetic.milkyway.kinematics import motions
from skyquarry.synthetic.sources import Sources

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from skyquarry.synthetic.blocks import Block
    from skyquarry.synthetic.milkyway.discs import Component

    Floats = NDArray[np.float64]

EXTINCTION: Final = np.array([band.extinction for band in BANDS])


class Stars(Protocol):
    """Stars that know what they are once their metallicities are drawn."""

    def light(self, feh: Floats, random: np.random.Generator) -> tuple[Floats, dict[str, object]]:
        """(n, 24) absolute AB magnitudes, and columns of `Sources`."""


def seen(
    block: Block,
    component: Component,
    distance_pc: Floats,
    random: np.random.Generator,
    stars: Stars,
) -> Sources:
    """Sources of a block: those of these stars (n,) that some survey could see."""
    if not len(distance_pc):
        return Sources.of(0)
    feh = metallicities(block, component, distance_pc, random)
    mags, known = stars.light(feh, random)
    mags += (5.0 * np.log10(distance_pc) - 5.0)[:, None]
    bright = np.flatnonzero(block.visible(mags))  # dust makes none visible
    ra, dec = block.uniform(len(bright), random)
    ebv = dust.to_distance(block.seed, ra, dec, distance_pc[bright])
    mags = mags[bright] + ebv[:, None] * EXTINCTION
    kept = block.visible(mags)
    of_all, distance = bright[kept], distance_pc[bright[kept]]
    pmra, pmdec, rv = motions(component, ra[kept], dec[kept], distance, random)
    known = {name: values[of_all] if isinstance(values, np.ndarray) else values
             for name, values in known.items()}  # fmt: skip
    return Sources.of(
        len(of_all), ra_deg=ra[kept], dec_deg=dec[kept], mags=mags[kept], ebv=ebv[kept],
        feh=feh[of_all], pmra_masyr=pmra, pmdec_masyr=pmdec, rv_kms=rv,
        parallax_mas=1000.0 / distance, **known,
    )  # fmt: skip


def metallicities(
    block: Block, component: Component, distance_pc: Floats, random: np.random.Generator
) -> Floats:
    """(n,) [Fe/H] of stars at these distances along a block's sight line."""
    lon, lat = (np.full(len(distance_pc), angle) for angle in block.galactic)
    z = galactocentric(lon, lat, distance_pc)[2]
    mean = component.feh + component.feh_per_kpc * np.minimum(np.abs(z), 2000.0) * 1e-3
    return np.asarray(mean + component.feh_sigma * random.standard_normal(len(z)))


def galactic(ra_deg: Floats, dec_deg: Floats) -> tuple[Floats, Floats]:
    """Galactic longitudes and latitudes (n,), degrees."""
    return to_radec(to_frame(to_xyz(ra_deg, dec_deg), "galactic"))
