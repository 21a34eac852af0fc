"""Objects of a scan on their way to PhotoObj."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from skyquarry.sky import healpix
from skyquarry.synthetic import chance
from skyquarry.synthetic.observe.measuring import Measured
from skyquarry.synthetic.observe.places import CELL_ORDER
from skyquarry.synthetic.sdss.scans import Spots
from skyquarry.synthetic.sources import Sources

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]
    Mask = NDArray[np.bool_]


@dataclass(slots=True)
class Objects:
    """Objects (n,) of the scans of a patch of the sky."""

    measured: Measured
    truth: Sources
    """(n,) empty where an object is no source of the truth"""
    spots: Spots
    place_ra: Floats
    """(n,) where it truly is, of a blend where its brightest member is: what numbers go by"""
    place_dec: Floats
    mode: Ints
    given_type: Ints
    """(n,) a PhotoType, or -1: what the shape says"""
    rowv: Floats
    colv: Floats
    trail_arcsec: Floats
    """(n,) length of the trail that a moving thing leaves"""
    trail_pa: Floats
    parent: Ints
    """(n,) place of the parent among these, or -1"""
    children: Ints

    def __len__(self) -> int:
        return len(self.measured)

    @classmethod
    def of(
        cls, measured: Measured, truth: Sources, spots: Spots, mode: int, **known: Any
    ) -> Objects:
        """Objects that stand still and are single, unless it is said."""
        n = len(measured)
        usual: dict[str, Any] = {
            "place_ra": measured.ra_deg, "place_dec": measured.dec_deg,
            "mode": np.full(n, mode, np.int64), "given_type": np.full(n, -1, np.int64),
            "rowv": np.zeros(n), "colv": np.zeros(n),
            "trail_arcsec": np.zeros(n), "trail_pa": np.zeros(n),
            "parent": np.full(n, -1, np.int64), "children": np.zeros(n, np.int64),
        }  # fmt: skip
        return cls(measured=measured, truth=truth, spots=spots, **{**usual, **known})

    def taken(self, which: Mask | Ints) -> Objects:
        """Some of them; a parent that is not among them is lost."""
        which = np.flatnonzero(which) if which.dtype == bool else which
        parts = {name: getattr(self, name) for name in self.__slots__}
        some: dict[str, Any] = {
            name: each.taken(which) if hasattr(each, "taken") else each[which]
            for name, each in parts.items()
        }
        place = np.full(len(self) + 1, -1, np.int64)
        place[which] = np.arange(len(which))
        some["parent"] = place[some["parent"]]
        return Objects(**some)

    @staticmethod
    def concatenated(parts: list[Objects]) -> Objects:
        """One after the other."""
        starts = np.cumsum([0, *(len(part) for part in parts)])
        parents = [
            np.where(part.parent >= 0, part.parent + start, -1)
            for part, start in zip(parts, starts, strict=False)
        ]
        joined: dict[str, Any] = {
            name: np.concatenate([getattr(part, name) for part in parts])
            for name in Objects.__slots__
            if name not in ("measured", "truth", "spots", "parent")
        }
        return Objects(
            measured=Measured.concatenated([part.measured for part in parts]),
            truth=Sources.concatenated([part.truth for part in parts]),
            spots=Spots.concatenated([part.spots for part in parts]),
            parent=np.concatenate(parents),
            **joined,
        )

    @property
    def cell(self) -> Ints:
        """(n,) cells of order 9 that numbers are given in."""
        return np.asarray(healpix.index(self.place_ra, self.place_dec, CELL_ORDER))

    def normal(self, seed: int, what: str) -> Floats:
        """(n,) standard normal numbers of each object's own."""
        return chance.normal(seed, f"sdss.{what}", self._own())

    def uniform(self, seed: int, what: str) -> Floats:
        """(n,) numbers in (0, 1) of each object's own."""
        return chance.uniform(seed, f"sdss.{what}", self._own())

    def _own(self) -> Ints:
        """(n,) of the source and the scan: another scan, other numbers."""
        return self.measured.owner * 8 + 2 * self.mode + self.spots.repeat
