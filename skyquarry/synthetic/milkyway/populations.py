"""All populations of our Galaxy, numbers 1 to 20 of the 63."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from skyquarry.synthetic.milkyway.browndwarfs import BrownDwarfs
from skyquarry.synthetic.milkyway.discs import COMPONENTS, HALO, THICK, THIN
from skyquarry.synthetic.milkyway.giants import Giants
from skyquarry.synthetic.milkyway.mainsequence import MainSequence
from skyquarry.synthetic.milkyway.whitedwarfs import WhiteDwarfs

if TYPE_CHECKING:
    from skyquarry.synthetic.blocks import Population

_OLD: Final = (THIN, THICK, HALO)

POPULATIONS: Final[tuple[Population, ...]] = (
    *(MainSequence(component, number) for number, component in enumerate(COMPONENTS, 1)),
    *(Giants(component, number) for number, component in enumerate(_OLD, 5)),
    *(WhiteDwarfs(component, number) for number, component in enumerate(_OLD, 8)),
    *(BrownDwarfs(component, number) for number, component in enumerate((THIN, THICK), 11)),
)
