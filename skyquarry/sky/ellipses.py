"""Ellipses on the sphere."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from skyquarry.errors import RegionError
from skyquarry.sky.algebra import Region
from skyquarry.sky.halfspaces import EDGE, SLACK, Cells, Floats, Mask, Relation, angles
from skyquarry.sky.placing import direction, north_and_east, plain_numbers

ARCSEC_TO_RAD = math.pi / 648_000.0


@dataclass(frozen=True)
class Ellipse(Region):
    """The points whose angular distances to two foci add up to at most twice the semi-major axis.

    That is where an elliptic cone cuts the sphere, so seen in the tangent plane at its centre it is
    an ellipse with semi-axes tan a and tan b (spherical conics: Booth 1852). The semi-axes are the
    angles from the centre to the rim, 0 < b <= a < 324000 arcsec (90 degrees); the position angle
    runs from north (of `frame`) over east.
    """

    ra_deg: float
    dec_deg: float
    semi_major_arcsec: float
    semi_minor_arcsec: float
    pa_deg: float
    frame: str = "icrs"
    _pole: Floats = field(init=False, repr=False, compare=False)
    _scaled: Floats = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        plain_numbers(self, "ra_deg", "dec_deg", "semi_major_arcsec", "semi_minor_arcsec", "pa_deg")
        if not 0.0 < self.semi_minor_arcsec <= self.semi_major_arcsec < 324_000.0:
            raise RegionError(
                f"the semi-axes are {self.semi_major_arcsec} and {self.semi_minor_arcsec} arcsec; "
                "an ellipse needs 0 < minor <= major < 324000: try the longer one first"
            )
        if not math.isfinite(self.pa_deg):
            raise RegionError(
                f"pa_deg is {self.pa_deg}, but an ellipse needs a finite position angle: "
                "try 0 for north"
            )
        object.__setattr__(self, "_pole", direction(self.ra_deg, self.dec_deg, self.frame))
        object.__setattr__(self, "_scaled", self._axes())

    @property
    def _semi_axes(self) -> tuple[float, float]:
        return self.semi_major_arcsec * ARCSEC_TO_RAD, self.semi_minor_arcsec * ARCSEC_TO_RAD

    def _axes(self) -> Floats:
        """(3, 2): tangent vectors along the axes, each divided by the tangent of its semi-axis."""
        north, east = north_and_east(self.ra_deg, self.dec_deg, self.frame)
        pa = math.radians(self.pa_deg % 360.0)
        a, b = self._semi_axes
        major = math.cos(pa) * north + math.sin(pa) * east
        minor = -math.sin(pa) * north + math.cos(pa) * east
        return np.column_stack([major / math.tan(a), minor / math.tan(b)])

    def _height(self, xyz: Floats) -> Floats:
        """The height of points, at most 0 inside: |((e1 . x) / tan a, (e2 . x) / tan b)| - n . x.

        The axes are perpendicular to n, so x - n may stand for x: small ellipses keep their digits.
        """
        u = (xyz - self._pole) @ self._scaled
        return np.asarray(np.hypot(u[:, 0], u[:, 1]) - xyz @ self._pole)

    def _inside(self, xyz: Floats) -> Mask:
        return self._height(xyz) <= EDGE / math.sin(self._semi_axes[1])

    def relate(self, cells: Cells) -> Relation:
        """By height, which changes by at most 1 / sin b a radian, and distance from the centre."""
        height = self._height(cells.centers)
        reach = (cells.radius + SLACK) / math.sin(self._semi_axes[1])
        inside, outside = height <= -reach, height > reach
        a = self._semi_axes[0]
        outside |= angles(cells.centers, self._pole) - cells.radius - SLACK > a
        return inside.astype(np.int8) - outside.astype(np.int8)

    def area(self) -> float:
        """By one integral over the eccentric angle; smooth and periodic, so the sum is exact.

        With k = tan^2 a cos^2 t + tan^2 b sin^2 t: tan a tan b (1 - 1/sqrt(1 + k)) / k.
        """
        a, b = (math.tan(axis) for axis in self._semi_axes)
        t = (np.arange(1 << 14) + 0.5) * (2.0 * math.pi / (1 << 14))
        k = (a * np.cos(t)) ** 2 + (b * np.sin(t)) ** 2
        # 1 - 1/sqrt(1 + k) = k / (1 + k + sqrt(1 + k)), without the cancellation
        mean = float(np.mean(a * b / (1.0 + k + np.sqrt(1.0 + k))))
        return 2.0 * math.pi * mean * math.degrees(1.0) ** 2
