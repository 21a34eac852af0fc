"""The rows of one catalogue as the matcher needs them: arrays of positions, errors, motions."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from enum import IntFlag
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]


class Flag(IntFlag):
    """What is worth knowing about a pair or a group: the bits of their column `flags`."""

    PM_APPLIED = 1
    PM_PRIOR = 2
    ERROR_FLOOR = 4
    DEFAULT_ERROR = 8
    AMBIGUOUS = 16
    SHARED = 32
    BLEND = 64
    TIE = 128
    HEURISTIC = 256
    FOOTPRINT_EDGE = 512
    FAST_PASS = 1024
    OUTLIER = 2048
    DUPLICATE = 4096
    ZERO_POINT = 8192


@dataclass(frozen=True, slots=True)
class Motions:
    """What is known of the rows' motions; NaN where it is not."""

    pm: Floats
    """(n, 2) mas/yr: pmra * cos dec, pmdec"""
    covariance: Floats
    """(n, 3) (mas/yr)^2: east-east, north-north, east-north"""
    cross: Floats
    """(n, 4) mas * mas/yr: covariance of ra-pmra, ra-pmdec, dec-pmra, dec-pmdec; 0 where unknown"""
    parallax: Floats
    """(n,) mas; NaN where unknown"""
    parallax_error: Floats
    rv: Floats
    """(n,) km/s; NaN where unknown"""
    rv_error: Floats

    def take(self, index: Ints) -> Motions:
        """These rows."""
        import numpy as np

        return Motions(*(np.take(getattr(self, each.name), index, axis=0) for each in fields(self)))


@dataclass(frozen=True, slots=True)
class Rows:
    """Valid rows of one catalogue, sorted by `spatial`, then id, then row."""

    ra_deg: Floats
    """(n,) ICRS, in [0, 360)"""
    dec_deg: Floats
    spatial: Ints
    """(n,) order-29 pixel of the position as catalogued, as on disk"""
    ids: pa.Array
    """(n,) of any type"""
    rank: Ints
    """(n,) ordered as the ids are: ties go to the lower rank"""
    row: Ints
    """(n,) row number in the table that was given; -1 for a catalogue on disk"""
    covariance: Floats
    """(n, 3) arcsec^2 in the tangent plane at the row: east-east, north-north, east-north; finite,
    positive definite"""
    epoch: Floats
    """(n,) Julian years; NaN where unknown"""
    motions: Motions | None
    mag: Floats
    """(n,) reference magnitude of the catalogue; NaN where missing"""
    cool: Floats
    """(n,) probability of a dwarf of M8 or cooler, by its colour (`cool.py`); NaN where unknown"""
    extended: Floats
    """(n,) 1 for extended, 0 for point-like, NaN where unknown"""
    wide: Floats
    """(n,) probability that the error is the wide one (blends); 0 before calibration"""
    wide_arcsec: float
    """sigma of the wide component, per axis, added in quadrature"""
    flags: NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.ra_deg)

    def take(self, index: Ints) -> Rows:
        """These rows, in this order."""
        import numpy as np

        from skyquarry.catalog.arrow import from_numpy

        taken: dict[
            str, Any
        ] = {  # np.take: five times faster than an index where a row is several numbers
            each.name: np.take(getattr(self, each.name), index, axis=0)
            for each in fields(self)
            if each.name not in ("ids", "motions", "wide_arcsec")
        }
        motions = None if self.motions is None else self.motions.take(index)
        return replace(self, ids=self.ids.take(from_numpy(index)), motions=motions, **taken)

    def between(self, first: int, last: int) -> Rows:
        """The rows from `first` up to `last`, without it: views of these ones."""
        span = slice(first, last)
        names = [f.name for f in fields(self) if f.name not in ("ids", "motions", "wide_arcsec")]
        told: dict[str, Any] = {name: getattr(self, name)[span] for name in names}
        known = self.motions
        if known is not None:
            known = Motions(*(getattr(known, each.name)[span] for each in fields(known)))
        ids = self.ids.slice(first, last - first)
        return replace(self, ids=ids, motions=known, **told)
