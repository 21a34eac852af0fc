"""How many matches are by chance, by matching again with one catalogue rotated away a little.

A rotated catalogue has lost every true counterpart and kept its density and its close pairs. How
often a row of the other still meets a row within the radius, p_r, tells what chance does to a row
*without* counterpart. A row *with* one rarely loses it to a chance neighbour: the usual estimate
p_r N / N_match overstates the false matches, and what is used here (crossmatch.md 4a) is

    N_false = N_without p_r + N_with e,    N_with = (N_match - N p_r) / (1 - p_r)

with e the chance that a stranger is nearer than the true counterpart: F(d) of the rotated sky,
averaged over the separations d of the true pairs; for Rayleigh separations of scale s in a density
nu that is 2 pi nu s^2 / (1 + 2 pi nu s^2). A row without counterpart also meets its companions':
rows that have another row of their own catalogue nearby, more often than chance has it, raise p_r
for those without a counterpart to 1 - (1 - p_r)(1 - q), q being that excess.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from skyquarry.errors import UserError
from skyquarry.sky import healpix
from skyquarry.sky.vectors import ARCSEC_PER_RADIAN, to_radec, to_xyz

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

DIRECTIONS: Final = 8
FARTHEST_ARCSEC: Final = 180.0  # farther, and the density is another's
_RADII: Final = 10.0
_CELL_ORDER: Final = 2  # 15 degrees: within a cell all rows move by the same rotation
_BINS: Final = 300


def shift_arcsec(radius_arcsec: float) -> float:
    """How far to rotate for a match within a radius: 3 arcmin, where the density is still the same.

    Radii above 18 arcsec move by ten radii: nearer, true counterparts would stay within reach.
    """
    if not radius_arcsec > 0.0:
        raise UserError(
            f"radius_arcsec is {radius_arcsec}, but a shifted sky needs more than 0; "
            "try the largest separation of the matches"
        )
    return max(FARTHEST_ARCSEC, _RADII * radius_arcsec)


def rotated(
    ra_deg: Floats, dec_deg: Floats, direction: int, angle_arcsec: float
) -> tuple[Floats, Floats]:
    """Positions (n,), (n,) rotated by an angle towards one of eight directions, 0 north, 2 east.

    Each cell of order 2 turns as one rigid piece about an axis 90 degrees from its centre, so that
    neighbours stay neighbours (binaries!) at any declination; what is done to a row depends on the
    row alone, not on the rows around it.
    """
    if not 0 <= direction < DIRECTIONS:
        raise UserError(
            f"direction is {direction}, but directions of a shift are 0 to {DIRECTIONS - 1}; "
            "try range(skyquarry.match.reports.shifted.DIRECTIONS)"
        )
    xyz = to_xyz(ra_deg, dec_deg)
    cells, number = np.unique(healpix.index(ra_deg, dec_deg, _CELL_ORDER), return_inverse=True)
    axis = _axes(cells, direction)[number]
    angle = angle_arcsec / ARCSEC_PER_RADIAN
    along = np.einsum("ij,ij->i", axis, xyz)[:, None] * axis  # Rodrigues
    turned = along + np.cos(angle) * (xyz - along) + np.sin(angle) * np.cross(axis, xyz)
    return to_radec(turned)


def _axes(cells: Ints, direction: int) -> Floats:
    """Unit vectors (c, 3) about which each cell turns."""
    ra, dec = (np.radians(each) for each in healpix.center(cells, _CELL_ORDER))
    east = np.stack([-np.sin(ra), np.cos(ra), 0.0 * ra], axis=1)
    north = [-np.sin(dec) * np.cos(ra), -np.sin(dec) * np.sin(ra), np.cos(dec)]
    towards = 2.0 * np.pi * direction / DIRECTIONS
    # a turn about the axis a moves the centre towards a x c: for north that is -east
    return np.asarray(np.sin(towards) * np.stack(north, axis=1) - np.cos(towards) * east)


@dataclass(frozen=True, slots=True)
class ShiftedSky:
    """Counts of a match and of its repetitions with one catalogue rotated; parts can be added."""

    radius_arcsec: float
    rows: int
    """rows of the leading catalogue, inside the footprint of the other"""
    nearest: Ints
    """(bins,) of them by the separation of the nearest row within the radius"""
    shifted_rows: Ints
    """(directions,) rows still inside the footprint, by direction"""
    shifted_nearest: Ints
    """(directions, bins) of them, by the separation of the nearest row of the rotated catalogue"""
    companions: int = 0
    """rows of the leading catalogue with another row of it within the radius"""
    others: int = 0
    """rows of the other catalogue inside the same footprint; 0: companions were not looked for"""

    @classmethod
    def start(cls, radius_arcsec: float) -> ShiftedSky:
        """No rows yet."""
        shifted_rows = np.zeros(DIRECTIONS, np.int64)
        by_bin = np.zeros((DIRECTIONS, _BINS), np.int64)
        return cls(radius_arcsec, 0, np.zeros(_BINS, np.int64), shifted_rows, by_bin)

    def with_match(self, sep_arcsec: Floats, rows: int) -> ShiftedSky:
        """With nearest separations (m,) of a match of `rows` rows, as the sky is."""
        return self + _count(self.radius_arcsec, rows, self._binned(sep_arcsec), -1)

    def with_shift(self, direction: int, sep_arcsec: Floats, rows: int) -> ShiftedSky:
        """With nearest separations (m,) of the same match, rotated in one direction."""
        return self + _count(self.radius_arcsec, rows, self._binned(sep_arcsec), direction)

    def with_companions(self, companions: int, others: int) -> ShiftedSky:
        """With how many of the rows have another of their own catalogue within the radius.

        `others` is the number of rows of the other catalogue, where the rows of this one were.
        """
        none = ShiftedSky.start(self.radius_arcsec)
        return self + replace(none, companions=companions, others=others)

    def _binned(self, sep_arcsec: Floats) -> Ints:
        # bins of equal area, as chance is spread
        place = np.floor(_BINS * (np.asarray(sep_arcsec) / self.radius_arcsec) ** 2)
        inside = place <= _BINS  # the radius itself is inside
        kept = np.minimum(place[inside], _BINS - 1).astype(np.int64)
        return np.asarray(np.bincount(kept, minlength=_BINS), np.int64)

    def __add__(self, other: ShiftedSky) -> ShiftedSky:
        """Both parts together."""
        if self.radius_arcsec != other.radius_arcsec:
            raise UserError(
                f"the parts have radii of {self.radius_arcsec} and {other.radius_arcsec} arcsec, "
                "but counts add up for one radius only; try the same radius for both"
            )
        return ShiftedSky(
            self.radius_arcsec,
            self.rows + other.rows,
            self.nearest + other.nearest,
            self.shifted_rows + other.shifted_rows,
            self.shifted_nearest + other.shifted_nearest,
            self.companions + other.companions,
            self.others + other.others,
        )

    # ------------------------------------------------------------ estimates
    @property
    def matched(self) -> int:
        """Rows with a row within the radius."""
        return int(self.nearest.sum())

    @property
    def chance(self) -> float:
        """p_r: how often a row without counterpart meets one within the radius; NaN if unknown."""
        rows = int(self.shifted_rows.sum())
        return float(self.shifted_nearest.sum()) / rows if rows else float("nan")

    @property
    def chance_error(self) -> float:
        """Standard error of p_r, from the scatter of the directions: clustering is in it."""
        looked = self.shifted_rows > 0
        if looked.sum() < 2:
            return float("nan")
        each = self.shifted_nearest[looked].sum(axis=1) / self.shifted_rows[looked]
        return float(each.std(ddof=1) / np.sqrt(looked.sum()))

    @property
    def chance_without(self) -> float:
        """The same for a row without counterpart, its companions' counterparts counted."""
        p = self.chance
        if not self.others or not self.rows or not p < 1.0:
            return p
        by_chance = 1.0 - (1.0 - p) ** (self.rows / self.others)
        excess = max(1.0 - (1.0 - self.companions / self.rows) / (1.0 - by_chance), 0.0)
        return float(1.0 - (1.0 - p) * (1.0 - excess * self.matched / self.rows))

    @property
    def with_counterpart(self) -> float:
        """N_with: rows whose counterpart lies within the radius."""
        p = self.chance_without
        return max((self.matched - self.rows * p) / (1.0 - p), 0.0) if p < 1.0 else 0.0

    @property
    def lost_to_a_stranger(self) -> float:
        """The chance e that a stranger is nearer than the true counterpart."""
        rows, true = int(self.shifted_rows.sum()), self.with_counterpart
        if not rows or true <= 0.0:
            return 0.0
        density = self.shifted_nearest.sum(axis=0) / rows
        nearer = np.cumsum(density) - 0.5 * density
        pairs = np.maximum(self.nearest - (self.rows - true) * density, 0.0)
        return float(pairs @ nearer / pairs.sum()) if pairs.sum() else 0.0

    @property
    def false(self) -> float:
        """N_false: matches by chance among the nearest within the radius."""
        true = self.with_counterpart
        return (self.rows - true) * self.chance_without + true * self.lost_to_a_stranger

    def to_dict(self) -> dict[str, Any]:
        """Plain data: estimates, and what the usual one would have been; null where unknown."""
        matched = max(self.matched, 1)
        told = {
            "radius_arcsec": self.radius_arcsec,
            "rows": self.rows,
            "matched": self.matched,
            "directions": int((self.shifted_rows > 0).sum()),
            "chance": self.chance,
            "chance_error": self.chance_error,
            "chance_without": self.chance_without,
            "with_counterpart": self.with_counterpart,
            "lost_to_a_stranger": self.lost_to_a_stranger,
            "false": self.false,
            "false_share": self.false / matched,
            "usual_false_share": self.chance * self.rows / matched,
        }
        return {name: value if np.isfinite(value) else None for name, value in told.items()}


def _count(radius_arcsec: float, rows: int, binned: Ints, direction: int) -> ShiftedSky:
    none = ShiftedSky.start(radius_arcsec)
    if direction < 0:
        return ShiftedSky(radius_arcsec, rows, binned, none.shifted_rows, none.shifted_nearest)
    some, by_bin = none.shifted_rows.copy(), none.shifted_nearest.copy()
    some[direction], by_bin[direction] = rows, binned
    return ShiftedSky(radius_arcsec, 0, none.nearest, some, by_bin)
