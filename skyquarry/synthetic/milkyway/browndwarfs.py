"""Brown dwarfs and the least of stars, L0 to T8."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Final

import numpy as np

from skyquarry.synthetic.milkyway import binaries, counting, ultracool
from skyquarry.synthetic.milkyway.discs import THIN_AT_SUN
from skyquarry.synthetic.milkyway.observed import seen
from skyquarry.synthetic.milkyway.tables import dwarfs
from skyquarry.synthetic.sources import Kind, Sources

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from skyquarry.synthetic.blocks import Block
    from skyquarry.synthetic.milkyway.discs import Component

    Floats = NDArray[np.float64]

_SPARE: Final = 1.8
_PAIRED: Final = 0.12
"""Duchene & Kraus 2013, ARA&A 51, 269: 15 to 20 %, of which some are resolved"""
_NUMBERS: Final = (
    0.50, 0.45, 0.42, 0.38, 0.36, 0.34, 0.32, 0.30, 0.30, 0.26, 0.22, 0.20, 0.20, 0.22, 0.26, 0.50,
    0.90, 1.20, 1.50,
)  # fmt: skip
"""L0 to T8, a subtype and 1000 cubic parsec at the Sun: after Kirkpatrick et al. 2021, ApJS 253, 7,
and Best et al. 2021, AJ 161, 42 (8.4e-3 a cubic parsec in all), from memory; of all components"""


@dataclass(frozen=True, slots=True)
class Types:
    """Means of spectral types L0 to T8: (19,) each."""

    spectral_type: Floats
    mags: Floats
    """(19, 24) absolute AB magnitudes"""
    numbers: Floats
    """(18,) a cubic parsec of the thin disc, between the types"""
    teff_k: Floats


@cache
def types() -> Types:
    """Colours and luminosities of `ultracool.py`, temperatures of E. Mamajek's table.

    The mass of a brown dwarf is not told: it depends on an age that nothing here knows.
    """
    kind, m = np.arange(20.0, 20.0 + len(_NUMBERS)), dwarfs()
    known = np.isfinite(m["Teff"]) & (m["spectral_type"] >= 19) & (m["spectral_type"] <= 39)
    teff = np.interp(kind, m["spectral_type"][known], m["Teff"][known])
    numbers = THIN_AT_SUN * 1e-3 * np.array(_NUMBERS)
    return Types(kind, ultracool.absolute(kind), 0.5 * (numbers[1:] + numbers[:-1]), teff)


@dataclass(frozen=True, slots=True)
class BrownDwarfs:
    """Dwarfs of types L0 to T8 of a component of our Galaxy: as many a star as in the thin disc."""

    component: Component
    number: int

    @property
    def name(self) -> str:
        """As `simulate check` tells it."""
        return f"brown dwarfs, {self.component.name}"

    def drawn(self, block: Block, random: np.random.Generator) -> Sources:
        """The brown dwarfs of a block that some survey could see."""
        known = types()
        place, distance = counting.drawn_places(
            block, self.component, known.numbers, known.mags, _SPARE, random
        )
        return seen(block, self.component, distance, random, _Dim(place))


@dataclass(frozen=True, slots=True)
class _Dim:
    """Brown dwarfs at places of the sequence of types."""

    place: Floats

    def light(self, feh: Floats, random: np.random.Generator) -> tuple[Floats, dict[str, object]]:
        """(n, 24) absolute AB magnitudes, and the columns of `Sources` that are known here."""
        known, n = types(), len(feh)
        kind = counting.between(known.spectral_type, self.place)
        mags = ultracool.absolute(kind)
        paired = random.random(n) < _PAIRED
        other = random.uniform(self.place[paired], len(known.mags) - 1.0)
        mags[paired] = binaries.joined(mags[paired], counting.between(known.mags, other))
        mags += ultracool.scatter(kind, random)
        return mags, {
            "kind": Kind.BROWN_DWARF,
            "teff_k": counting.between(known.teff_k, self.place),
            "spectral_type": kind,
            "companion": paired,
        }
