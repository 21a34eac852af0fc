"""Numbers of objects, fields and spectra, packed as SkyServer packs them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from skyquarry.errors import DataError
from skyquarry.synthetic.observe.places import CELL_ORDER

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from skyquarry.synthetic.sdss.objects import Objects
    from skyquarry.synthetic.sdss.scans import Spots

    Ints = NDArray[np.int64]

SKY_VERSION: Final = 1
RERUN: Final = 40
_CELL_BITS: Final = 11
_MOST: Final = 1 << _CELL_BITS


def field_ids(spots: Spots) -> Ints:
    """(n,) sky version, rerun, run, camera column and field: an objID without its last 16 bits."""
    first = (SKY_VERSION << 59) | (RERUN << 48)
    return first | (spots.run << 32) | (spots.camcol << 29) | (spots.field << 16)


def object_ids(objects: Objects) -> Ints:
    """(n,) objIDs, of their own as far as whole cells of order 9 are among the objects.

    The number within a field is the place of the cell (5 bits: a field touches no two cells that
    are alike in them; the fifth tells apart faces of HEALPix that are turned against each other)
    and the rank among those of field and cell. Raises DataError where 11 bits are too few for it.
    """
    fields, cell = field_ids(objects.spots), objects.cell
    owner, mode = objects.measured.owner, objects.mode
    order = np.lexsort((mode, owner, fields, cell))
    new = (np.diff(fields[order], prepend=-1) != 0) | (np.diff(cell[order], prepend=-1) != 0)
    first = np.flatnonzero(new)
    rank = np.empty(len(order), np.int64)
    count = np.diff(np.append(first, len(order)))
    rank[order] = np.arange(len(order)) - np.repeat(first, count)
    if len(order) and rank.max() >= _MOST:
        raise DataError(
            f"{int(count.max())} objects lie in one cell of 7', but SDSS's numbers have room for "
            f"{_MOST}: try a region further from the plane of our Galaxy"
        )
    place = (cell & 15) | (((cell >> 2 * CELL_ORDER) & 1) << 4)
    return fields | (place << _CELL_BITS) | rank


def spectrum_ids(plate: Ints, mjd: Ints, fiber: Ints) -> Ints:
    """(n,) specObjIDs."""
    return (plate << 48) | (mjd << 32) | (fiber << 22)
