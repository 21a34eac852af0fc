"""Error floor, scale and wide component of a catalogue by magnitude: fitted, and put on rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from skyquarry.match.calibration.errorscale import (
    CHANCE,
    CROWDING,
    FLOOR,
    SCALE,
    WIDE,
    WIDTH,
    Offsets,
    Shape,
    choose_shape,
    fit_shape,
    hessian,
    likelihood,
    neutral,
    wide_fraction,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

_PAIRS_A_BIN: Final = 250
_MOST_BINS: Final = 8
_SHARED: Final = {WIDTH}
_REAL_A_BIN: Final = 100  # pairs that are not by chance, for a bin to speak for itself


@dataclass(frozen=True, slots=True)
class ErrorModel:
    """C' = k^2 C + s^2 I by magnitude, and how often the error is the wide one."""

    edges: tuple[float, ...]
    """magnitudes between the bins, ascending: one less than bins; none: one bin for all"""
    scale: tuple[float, ...]
    """k of each bin"""
    floor_arcsec: tuple[float, ...]
    """s of each bin"""
    wide: tuple[float, ...]
    """f of each bin"""
    wide_arcsec: float
    """sigma_b per axis, added in quadrature; 0 where there is no wide component"""
    unknown: tuple[float, float, float]
    """k, s, f of rows without magnitude: those of all rows together"""
    uncertainty: tuple[float, float]
    """standard errors of k and of s (arcsec) of all rows together; 0 where they were not free"""
    chance: float
    """share of the mutual nearest pairs that are by chance"""
    crowding: float
    """kappa, sources per arcsec^2 that compete for a pair; 0 where that does not matter"""

    @classmethod
    def none(cls) -> ErrorModel:
        """Errors as they are stated."""
        return cls((), (1.0,), (0.0,), (0.0,), 0.0, (1.0, 0.0, 0.0), (0.0, 0.0), 0.0, 0.0)

    @property
    def is_neutral(self) -> bool:
        """Stated errors are left as they are."""
        return {*self.scale} == {1.0} and not any(self.floor_arcsec) and not any(self.wide)

    def at(self, mag: Floats) -> tuple[Floats, Floats, Floats]:
        """k, s in arcsec and f, each (n,), of rows with magnitudes `mag`, NaN where missing."""
        number = np.searchsorted(np.array(self.edges), mag, side="right")
        number = np.where(np.isfinite(mag), np.minimum(number, len(self.scale) - 1), -1)
        tables = zip((self.scale, self.floor_arcsec, self.wide), self.unknown, strict=True)
        k, s, f = (np.array([*bins, rest])[number] for bins, rest in tables)
        return k, s, f

    def to_dict(self) -> dict[str, Any]:
        """Plain data."""
        return {name: _plain(getattr(self, name)) for name in self.__slots__}

    @classmethod
    def from_dict(cls, plain: dict[str, Any]) -> ErrorModel:
        """What `to_dict` gave."""
        values: dict[str, Any] = {n: _tupled(plain[n]) for n in cls.__slots__}
        return cls(**values)


def _tupled(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def fit_errors(data: Offsets, mag: Floats, whole: Shape | None = None) -> ErrorModel:
    """The error model of offsets with magnitudes (m,): one for all, or by bin where bins differ.

    Bins hold equally many pairs, 250 or more; width of the wide component and crowding are those of
    all. Bins are used only where BIC prefers them.
    """
    shape = whole or choose_shape(data, None)
    best = _model((), [shape], shape, data)
    edges = _edges(mag)
    if not edges:
        return best
    number = np.searchsorted(np.array(edges), mag, side="right")
    known = np.isfinite(mag)
    parts = [data.take(known & (number == n)) for n in range(len(edges) + 1)]
    score = 2.0 * sum(likelihood(shape.theta, part)[0] for part in parts)
    score -= len(shape.free) * np.log(len(data))
    for base in _bases(shape, data):
        fits = [_bin_shape(part, base) for part in parts]
        free = len(_own(base)) * len(parts) + len(set(base.free) & _SHARED)
        here = 2.0 * sum(each.ln_likelihood for each in fits) - free * np.log(len(data))
        if here > score:
            best, score = _model(edges, fits, base, data), here
    return best


def _bases(shape: Shape, data: Offsets) -> list[Shape]:
    """What bins may vary about: the fit; a floor or a scale alone; each with and without wide.

    A floor of some magnitudes only looks like a scale, or like a wide component, in all together.
    """
    found = [shape]
    for wide in (True, False) if WIDE in shape.free else (False,):
        for alone, other in ((FLOOR, SCALE), (SCALE, FLOOR)):
            theta = shape.theta.copy()
            theta[other] = neutral()[other]
            if not wide:
                theta[WIDE] = 0.0
            free = (alone, CHANCE, *((WIDE, WIDTH) if wide else ()))
            if free != shape.free:
                found.append(fit_shape(data, theta, free))
    return found


def _edges(mag: Floats) -> tuple[float, ...]:
    known = np.sort(mag[np.isfinite(mag)])
    bins = min(_MOST_BINS, len(known) // _PAIRS_A_BIN)
    at = [len(known) * n // bins for n in range(1, bins)]
    return tuple(sorted({float(known[n]) for n in at}))


def _own(shape: Shape) -> tuple[int, ...]:
    """What each bin has of its own: all that is free but the width and the crowding.

    Scale and floor together cannot be told apart in a bin of nearly equal errors: then the scale is
    that of all.
    """
    free = [n for n in shape.free if n not in _SHARED]
    if SCALE in free and FLOOR in free:
        free.remove(SCALE)
    return tuple(free)


def _bin_shape(part: Offsets, shape: Shape) -> Shape:
    theta = shape.theta.copy()
    if len(part) < _REAL_A_BIN:
        return Shape(theta, likelihood(theta, part)[0], shape.free)
    found = fit_shape(part, theta, _own(shape))
    real = (1.0 - found.theta[CHANCE]) * len(part)
    if real < _REAL_A_BIN:
        theta[CHANCE] = found.theta[CHANCE]
        return Shape(theta, likelihood(theta, part)[0], shape.free)
    return found


def _model(edges: tuple[float, ...], fits: list[Shape], whole: Shape, data: Offsets) -> ErrorModel:
    unit = data.unit
    k, s, f = zip(*(_numbers(each, data) for each in fits), strict=True)
    return ErrorModel(
        edges=edges,
        scale=k,
        floor_arcsec=s,
        wide=f,
        wide_arcsec=unit * float(np.sqrt(whole.theta[WIDTH])) if any(f) else 0.0,
        unknown=_numbers(whole, data),
        uncertainty=_uncertainty(whole, data),
        chance=float(whole.theta[CHANCE]),
        crowding=float(whole.theta[CROWDING]) / unit**2,
    )


def _numbers(shape: Shape, data: Offsets) -> tuple[float, float, float]:
    theta = shape.theta
    floor = data.unit * float(np.sqrt(theta[FLOOR]))
    return float(np.sqrt(theta[SCALE])), floor, wide_fraction(theta, data)


def _uncertainty(shape: Shape, data: Offsets) -> tuple[float, float]:
    """Standard errors of k and s: curvature of the likelihood, delta method for the root."""
    where = [n for n in shape.free if n not in (WIDE, WIDTH) or shape.theta[WIDE] > 0.0]
    with np.errstate(all="ignore"):
        try:
            covariance = np.linalg.inv(-hessian(shape.theta, data, where))
        except np.linalg.LinAlgError:
            return (0.0, 0.0)
    found = {}
    for n, root in ((SCALE, 1.0), (FLOOR, data.unit)):
        size = np.sqrt(shape.theta[n])
        free = n in where and size > 0.0
        variance = covariance[where.index(n), where.index(n)] if free else 0.0
        found[n] = float(0.5 * root * np.sqrt(max(variance, 0.0)) / size) if free else 0.0
    return found[SCALE], found[FLOOR]
