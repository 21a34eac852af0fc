"""Values of rows, in the room of the rows' numbers."""

from __future__ import annotations

import numpy as np

from skyquarry.sky.compiled import kernel


@kernel
def take_into(rows, values):
    """Put the values (n,) int64 of some rows (m,) int64, all of which there are, in their place."""
    for i in range(np.uint64(rows.size)):  # unsigned: see `looking.py`
        rows[i] = values[np.uint64(rows[i])]
