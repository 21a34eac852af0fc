"""What the tests of the sky beyond our Galaxy share: galaxies, made once."""

import pytest

from skyquarry.synthetic.beyond.galaxies import Galaxies
from skyquarry.synthetic.blocks import Block, limits_of
from skyquarry.synthetic.sources import Sources


@pytest.fixture(scope="session")
def galaxies():
    """Galaxies of r < 20 or i < 20.2 in some 120 blocks off the disc, and their area in deg2."""
    limits = limits_of({"sdss_r": 20.0, "sdss_i": 20.2})
    blocks = (Block(60_000 + 411 * k, 3, limits) for k in range(200))
    high = [block for block in blocks if abs(block.galactic[1]) > 30]
    made = Sources.concatenated([Galaxies().drawn(b, b.generator(20)) for b in high])
    return made, sum(block.area_deg2 for block in high)
