"""All populations of our Galaxy, numbers 1 to 20 of the 63."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from skyquarry.simulate.milkyway.discs import COMPONENTS
from skyquarry.simulate.milkyway.mainsequence import MainSequence

if TYPE_CHECKING:
    from skyquarry.simulate.blocks import Population

POPULATIONS: Final[tuple[Population, ...]] = tuple(
    MainSequence(component, number) for number, component in enumerate(COMPONENTS, 1)
)
