"""The plainest synthetic sky: points as bright in every band, for tests of what is around it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from skyquarry.synthetic.bands import N_BANDS
from skyquarry.synthetic.sources import Kind, Sources

if TYPE_CHECKING:
    from pathlib import Path

    from skyquarry.engine.archive import Archive
    from skyquarry.synthetic.blocks import Block

FIELD = "CIRCLE 180 30 0.12"


@dataclass(frozen=True)
class Points:
    """So many stars a block, of magnitudes from 13 to 23.5."""

    name: str = "points"
    number: int = 1
    each: int = 2_000

    def drawn(self, block: Block, random: np.random.Generator) -> Sources:
        """Those that some survey could see."""
        n = self.each * len(block.parts())
        ra, dec = block.uniform(n, random)
        mags = np.repeat(random.uniform(13, 23.5, n)[:, None], N_BANDS, axis=1)
        made = Sources.of(n, ra_deg=ra, dec_deg=dec, mags=mags, kind=Kind.MAIN_SEQUENCE)
        return made.taken(block.visible(mags))


def simulated(path: Path, **how: Any) -> Archive:
    """A field of points, seed 1, as `simulate` makes it; `how` as its arguments."""
    from skyquarry.pipeline.simulating import simulate

    how = {"seed": 1, "populations": [Points()], "progress": False, **how}
    return simulate(how.pop("region", FIELD), path, **how)
