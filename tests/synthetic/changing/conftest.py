"""What the tests of changing sources share."""

import numpy as np
import pytest

from skyquarry.sky import healpix
from skyquarry.synthetic.changing.cadence import visits


@pytest.fixture(scope="session")
def seen():
    """Visits of a field near the north galactic pole."""
    return visits(int(healpix.index(np.array([180.0]), np.array([30.0]), 3)[0]), 1)
