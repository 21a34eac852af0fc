"""What is to be simulated: a field of the sky, and the arguments of a simulation, judged."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from skyquarry.errors import UserError, one_of
from skyquarry.synthetic.observe.surveys import CATALOGUES, MAIN
from skyquarry.synthetic.simulation import Simulation

if TYPE_CHECKING:
    from collections.abc import Sequence

    from skyquarry.sky.algebra import Region
    from skyquarry.synthetic.blocks import Population

_MOST_AREA_DEG2 = 5_000.0


def field(
    area_deg2: float | None,
    *,
    latitude_deg: float = 45.0,
    longitude_deg: float = 90.0,
    region: str | None = None,
) -> Region:
    """A round field of an area about a galactic position, or the region that a text tells.

    Raises UserError where both are given, or neither.
    """
    from skyquarry.sky.regions import Cone
    from skyquarry.sky.regiontext import region_from_text

    if (area_deg2 is None) == (region is None):
        given = "neither an area nor a region" if region is None else "an area and a region"
        raise UserError(f"{given} is given, but one of them is needed: try an area of 25")
    if region is not None:
        return region_from_text(region)
    assert area_deg2 is not None
    if not area_deg2 > 0.0:
        raise UserError(f"the area is {area_deg2} square degrees, but more than 0 is needed")
    whole = 4.0 * np.pi * np.degrees(1.0) ** 2
    radius = np.degrees(np.arccos(1.0 - 2.0 * min(area_deg2 / whole, 1.0)))
    return Cone(longitude_deg, latitude_deg, 3600.0 * float(radius), frame="galactic")


def simulation(
    region: Region | str,
    *,
    seed: int,
    surveys: Sequence[str] = MAIN,
    depth: float | None = None,
    populations: Sequence[Population] | None = None,
) -> Simulation:
    """The arguments of `simulate`, judged. Raises UserError."""
    from skyquarry.sky.regiontext import region_from_text
    from skyquarry.synthetic.populations import usual

    if isinstance(region, str):
        region = region_from_text(region)
    if not surveys:
        raise UserError(f"surveys is empty, but one is needed: choose from {', '.join(CATALOGUES)}")
    for name in surveys:
        one_of("a survey", name, tuple(CATALOGUES))
    if not isinstance(seed, int) or not 0 <= seed < 2**31:
        raise UserError(f"seed is {seed!r}, but a whole number from 0 to {2**31 - 1} is needed")
    area = region.area()
    if area > _MOST_AREA_DEG2:
        raise UserError(
            f"the region has {area:.0f} square degrees, but at most {_MOST_AREA_DEG2:.0f} are "
            "simulated at once: give a part of it"
        )
    chosen = usual() if populations is None else tuple(populations)
    return Simulation(region, seed, chosen, tuple(dict.fromkeys(surveys)), depth)
