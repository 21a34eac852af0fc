"""Where the positions of a catalogue are shifted against another: a rotation and a smooth field.

A shift is a vector at a place of the sky, so that neither pole nor 0h is special. The rotation is
offset = omega x u; the field is a mean shift for each HEALPix cell, shrunk towards zero by what
the cells scatter among themselves (empirical Bayes: James & Stein 1961), and blended between the
centres of neighbouring cells.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from skyquarry.match.calibration.residuals import tangent
from skyquarry.match.kernels import tangent as kernels
from skyquarry.match.numbers import TINY
from skyquarry.sky import healpix
from skyquarry.sky.vectors import to_radec, to_xyz

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

_PAIRS_A_CELL: Final = 100
_FINEST: Final = 6  # cells of 55 arcmin: what plates, tracts and scan strips look like
_LEAST_CELLS: Final = 8
_STEPS: Final = 40  # of 0.7: from half the radius to a millionth of it, at most
_SHRINK: Final = 0.7
_EXACT_ARCSEC: Final = 1e-9  # a scale to stop at: offsets that agree to the last digit
_RANK: Final = 1e-9  # eigenvalue against the sum of all: above rounding (1e-16 of 1e5 sums)
_NARROW: Final = 0.02  # eigenvalue against the largest: a field too small to tell the third angle


@dataclass(frozen=True, slots=True)
class ZeroPoint:
    """How far a catalogue lies from the reference, everywhere on the sky."""

    rotation_arcsec: Floats
    """(3,) omega: what is taken out is omega x u"""
    order: int = -1
    """of the cells of the field; -1 where there is none"""
    cells: Ints = None  # type: ignore[assignment]
    """(c,) ascending"""
    shifts: Floats = None  # type: ignore[assignment]
    """(c, 3) arcsec, tangent at the centre of the cell"""

    @classmethod
    def none(cls) -> ZeroPoint:
        """No shift anywhere."""
        return cls(np.zeros(3))

    @property
    def is_zero(self) -> bool:
        """Nothing is moved."""
        return self.order < 0 and not self.rotation_arcsec.any()

    def offset(self, xyz: Floats) -> Floats:
        """The shift (n, 2) in arcsec, east and north, at unit vectors (n, 3)."""
        shift = np.empty((len(xyz), 2))
        kernels.rotated(self.rotation_arcsec, xyz, shift)
        if self.order >= 0:
            field = self._field(xyz)
            along = [(field * axis).sum(axis=1) for axis in tangent(xyz)]
            shift += np.stack(along, axis=1)
        return shift

    def _field(self, xyz: Floats) -> Floats:
        """Shifts (n, 3) blended from the own cell and its neighbours, by distance to centres."""
        ra, dec = to_radec(xyz)
        own = healpix.index(ra, dec, self.order)
        near = np.concatenate([own[:, None], healpix.neighbours(own, self.order)], axis=1)
        width = np.sqrt(float(healpix.cell_area_deg2(self.order))) * np.pi / 180.0
        total, weight = np.zeros_like(xyz), np.zeros(len(xyz))
        for cell in near.T:
            there = cell >= 0
            centre = to_xyz(*healpix.center(np.where(there, cell, 0), self.order))
            distance2 = ((xyz - centre) ** 2).sum(axis=1) / width**2
            part = np.where(there, np.exp(-2.0 * distance2), 0.0)
            total += part[:, None] * self._shift_of(cell)
            weight += part
        return total / weight[:, None]

    def _shift_of(self, cell: Ints) -> Floats:
        where = np.minimum(np.searchsorted(self.cells, cell), len(self.cells) - 1)
        known = self.cells[where] == cell
        return np.where(known[:, None], self.shifts[where], 0.0)

    def to_dict(self) -> dict[str, Any]:
        """Plain data; arcsec."""
        plain: dict[str, Any] = {"rotation_arcsec": self.rotation_arcsec.tolist()}
        if self.order >= 0:
            plain["field"] = {
                "order": self.order,
                "cells": self.cells.tolist(),
                "shifts_arcsec": self.shifts.tolist(),
            }
        return plain

    @classmethod
    def from_dict(cls, plain: dict[str, Any]) -> ZeroPoint:
        """What `to_dict` gave."""
        rotation = np.array(plain["rotation_arcsec"], np.float64)
        field = plain.get("field")
        if field is None:
            return cls(rotation)
        cells = np.array(field["cells"], np.int64)
        return cls(rotation, field["order"], cells, np.array(field["shifts_arcsec"], np.float64))


# ------------------------------------------------------------------ rotation
def first_rotation(middle: Floats, offset: Floats, radius_arcsec: float) -> Floats:
    """A robust rotation (3,) to begin with, whatever the errors: what most pairs agree on.

    Weighted least squares with 1/(1 + r^2/s^2)^2 (a redescending M-estimator), the scale s going
    down from the radius to the scatter of the pairs that remain (graduated non-convexity).
    """
    omega, scale = np.zeros(3), 0.5 * radius_arcsec
    weight = np.empty((len(middle), 3))
    for _ in range(_STEPS):
        total, scatter2 = kernels.robust_weights(middle, offset, omega, scale, weight)
        omega = solved(middle, offset, weight)[0]
        scale = max(_SHRINK * scale, min(scale, np.sqrt(scatter2 / total)), _EXACT_ARCSEC)
    return omega


def solved(middle: Floats, offset: Floats, weight: Floats) -> tuple[Floats, Floats, Floats]:
    """(omega (3,), its inverse covariance N (3, 3), N omega (3,)) by weighted least squares.

    `weight` (m, 3): inverse covariance east-east, north-north, east-north. The rotation about the
    centre of a small field is left at zero: it is unknown there, and would throw far.
    """
    normal, right = np.empty((3, 3)), np.empty(3)
    kernels.normal_equations(middle, offset, weight, normal, right)
    values, axes = np.linalg.eigh(normal)
    known = values > _NARROW * values[-1]
    inside = axes[:, known]
    omega = inside @ ((inside.T @ right) / values[known])
    return omega, inside @ np.diag(values[known]) @ inside.T, right


def significant(omega: Floats, normal: Floats, pairs: int) -> bool:
    """The rotation explains more than its parameters cost (BIC)."""
    gain = float(omega @ normal @ omega)
    parameters = int((np.linalg.eigvalsh(normal) > _RANK * np.trace(normal)).sum())
    return bool(gain > parameters * np.log(max(pairs, 2)))


# ------------------------------------------------------------------ field
def with_field(zero: ZeroPoint, middle: Floats, offset: Floats, weight: Floats) -> ZeroPoint:
    """The zero point with the smooth field that remains, where the pairs show that there is one.

    `offset` (m, 2) are as gathered, `weight` (m, 3) their inverse covariances, 0 for pairs by
    chance. Cells are as fine as leaves 100 pairs in one; the scatter tau^2 of their true shifts is
    the most likely one, and counts only if it raises 2 ln L by more than ln(cells) + 6.
    """
    ra, dec = to_radec(middle)
    order = _field_order(ra, dec)
    if order < 0:
        return zero
    left = offset - zero.offset(middle)
    cells, number = np.unique(healpix.index(ra, dec, order), return_inverse=True)
    shifts, precision = _cell_means(cells, number, order, middle, left, weight)
    tau2 = _scatter(shifts, precision)
    if tau2 <= 0.0:
        return zero
    shrunk = shifts * (tau2 * precision / (1.0 + tau2 * precision))[:, None]
    return replace(zero, order=order, cells=cells.astype(np.int64), shifts=shrunk)


def _field_order(ra: Floats, dec: Floats) -> int:
    deep = np.unique(healpix.index(ra, dec, _FINEST), return_counts=False) if len(ra) else ra
    for order in range(_FINEST, 0, -1):
        cells = len(np.unique(np.asarray(deep, np.int64) >> (2 * (_FINEST - order))))
        if cells >= _LEAST_CELLS and len(ra) >= _PAIRS_A_CELL * cells:
            return order
    return -1


def _cell_means(
    cells: Ints, number: Ints, order: int, middle: Floats, left: Floats, weight: Floats
) -> tuple[Floats, Floats]:
    """Mean shifts (c, 3), tangent at the cells' centres, and their precisions (c,) a component.

    The precision is from the scatter within the cell too: offsets are not as certain as stated.
    """
    east, north = tangent(middle)
    vector = left[:, :1] * east + left[:, 1:] * north
    single = 0.5 * (weight[:, 0] + weight[:, 1])
    count = len(cells)
    total = np.maximum(np.bincount(number, single, count), TINY)
    mean = [np.bincount(number, single * part, count) / total for part in vector.T]
    shifts = np.stack(mean, axis=1)
    centre = to_xyz(*healpix.center(cells, order))
    shifts -= (shifts * centre).sum(axis=1)[:, None] * centre
    apart = ((vector - shifts[number]) ** 2).sum(axis=1)
    scatter = np.bincount(number, single**2 * apart, count) / (2.0 * total**2)
    return shifts, 1.0 / np.maximum(scatter, 1.0 / total)


def _scatter(shifts: Floats, precision: Floats) -> float:
    """The variance tau^2 of the true shifts, per component; 0 where cells agree within errors."""
    from scipy.optimize import minimize_scalar

    size2, variance = (shifts * shifts).sum(axis=1), 1.0 / precision

    def cost(tau2: float) -> float:
        wide = variance + tau2
        return float((size2 / wide + 2.0 * np.log(wide)).sum())

    found = minimize_scalar(cost, bounds=(0.0, 2.0 * float(size2.max()) + 1e-30), method="bounded")
    gain = cost(0.0) - float(found.fun)
    return float(found.x) if gain > np.log(len(shifts)) + 6.0 else 0.0
