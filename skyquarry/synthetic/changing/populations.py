"""Populations of what changes, numbers 51 to 62 of the 63, and all ways to change."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from skyquarry.synthetic.changing.asteroids import Asteroids
from skyquarry.synthetic.changing.cataclysmic import Cataclysmic
from skyquarry.synthetic.changing.eclipses import Eclipses
from skyquarry.synthetic.changing.flares import Flares
from skyquarry.synthetic.changing.lensing import Lensing
from skyquarry.synthetic.changing.longperiod import LongPeriod
from skyquarry.synthetic.changing.rrlyrae import RRLyrae
from skyquarry.synthetic.changing.supernovae import (
    NUMBER_CC,
    NUMBER_IA,
    NUMBER_SNAPSHOT_CC,
    NUMBER_SNAPSHOT_IA,
    Supernovae,
)
from skyquarry.synthetic.changing.wandering import Wandering
from skyquarry.synthetic.observe.surveys import sdss, twomass, ukidss

if TYPE_CHECKING:
    from skyquarry.synthetic.blocks import Population
    from skyquarry.synthetic.changing.changes import Model
    from skyquarry.synthetic.observe.instruments import Instrument

_IA: Final = (2.35e-5, 1.5)
_CC: Final = (1.01e-4, 2.5)


def _thermonuclear(
    name: str, number: int, farthest: float, snapshot: Instrument | None = None
) -> Supernovae:
    return Supernovae(name, number, False, *_IA, farthest, 0.7, 1.3, snapshot)


def _collapsing(
    name: str, number: int, farthest: float, snapshot: Instrument | None = None
) -> Supernovae:
    return Supernovae(name, number, True, *_CC, farthest, 0.05, 2.0, snapshot)


RR_LYRAE: Final = RRLyrae()
CATACLYSMIC: Final = Cataclysmic()
SUPERNOVAE: Final = (
    _thermonuclear("supernovae Ia", NUMBER_IA, 0.2),
    _collapsing("supernovae of core collapse", NUMBER_CC, 0.13),
    _thermonuclear("supernovae Ia in SDSS", NUMBER_SNAPSHOT_IA, 0.5, sdss.INSTRUMENT),
    _collapsing("supernovae of core collapse in SDSS", NUMBER_SNAPSHOT_CC, 0.3, sdss.INSTRUMENT),
)
ASTEROIDS: Final = (
    Asteroids(sdss.INSTRUMENT, 57),
    Asteroids(twomass.INSTRUMENT, 58),
    Asteroids(ukidss.INSTRUMENT, 59),
)
"""In the surveys that looked once"""
POPULATIONS: Final[tuple[Population, ...]] = (RR_LYRAE, CATACLYSMIC, *SUPERNOVAE, *ASTEROIDS)
"""To come after galaxies and clusters: supernovae stand in them."""
MODELS: Final[tuple[Model, ...]] = (
    RR_LYRAE, CATACLYSMIC, *SUPERNOVAE, *ASTEROIDS, Wandering(), LongPeriod(), Eclipses(),
    Lensing(), Flares(),
)  # fmt: skip
"""A source that several would change is changed by the first of them."""
