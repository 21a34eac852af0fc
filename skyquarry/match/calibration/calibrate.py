"""The fit of a calibration: zero point, error scale and floor, wide errors from blending.

Every catalogue is compared with one reference, the one of the smallest stated errors, by mutual
nearest pairs (`residuals.gather`). What is found is reported, and can be saved, loaded and switched
off (`corrections.Calibration`).
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from skyquarry.errors import UserError
from skyquarry.match.calibration.corrections import Calibration, CatalogCalibration
from skyquarry.match.calibration.errormodel import ErrorModel, fit_errors
from skyquarry.match.calibration.errorscale import (
    CHANCE,
    Offsets,
    Shape,
    choose_shape,
    fit_shape,
    likelihood,
    precision,
)
from skyquarry.match.calibration.residuals import Residuals, crowding, gather
from skyquarry.match.calibration.tails import Tail
from skyquarry.match.calibration.zeropoint import (
    ZeroPoint,
    first_rotation,
    significant,
    solved,
    with_field,
)
from skyquarry.match.numbers import TINY
from skyquarry.sky.vectors import normalised

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

__all__ = ["Calibration", "CatalogCalibration", "Residuals", "fit", "gather", "reference_of"]

LEAST_PAIRS: Final = 50
_SHAPE_PAIRS: Final = 12_000  # enough for k to 0.7 %
_ROUGH_PAIRS: Final = 4_000  # enough to weigh pairs by
_SAMPLE: Final = 400  # offsets kept for the report's plot
_TYPICAL: Final = 0.5  # of the pairs: if fewer are certain, the tail of these is not that of all
_MOST_STEPS: Final = 50  # of weights and rotation in turn: ten are usual
_SETTLED: Final = 1e-9  # of the radius: 5 nas, below what a position is stored to


def reference_of(median_error_arcsec: Sequence[float]) -> int:
    """The catalogue to compare the others with: smallest median error, the first of equals."""
    return int(np.argmin(np.nan_to_num(np.asarray(median_error_arcsec), nan=np.inf)))


def fit(
    residuals: Mapping[int, Residuals],
    names: Sequence[str],
    *,
    reference: int = 0,
    over: Callable[[Callable[[Any], Any], Sequence[Any]], Iterable[Any]] = map,
) -> Calibration:
    """The calibration of catalogues `names` from samples of pairs with the reference, by number.

    A catalogue without a sample, or with fewer than 50 pairs, stays as it is, and `lines()` says
    so. Only sums over a sample enter, in the order of its keys: the same pairs, the same numbers.
    `over` is map, or works on several catalogues at once.
    """
    if reference in residuals or not set(residuals) <= set(range(len(names))):
        raise UserError(
            f"residuals are given for catalogues {sorted(residuals)}, but they need to be numbers "
            f"of the {len(names)} catalogues without the reference {reference}; "
            "try gather(reference rows, rows of each other catalogue, ...)"
        )
    some = {number: sample for number, sample in residuals.items() if len(sample)}
    found = dict(zip(some, over(_fit_one, list(some.values())), strict=True))
    found[reference] = CatalogCalibration.neutral()
    lone = CatalogCalibration.neutral("no mutual nearest pair with the reference")
    catalogs = tuple(found.get(number, lone) for number in range(len(names)))
    return Calibration(tuple(names), reference, catalogs)


def _fit_one(sample: Residuals) -> CatalogCalibration:
    certain = sample.take(sample.sure)
    served = certain if len(certain) >= LEAST_PAIRS else sample
    if len(served) < LEAST_PAIRS:
        return CatalogCalibration.neutral(
            f"{sample.seen} pairs are too few, {LEAST_PAIRS} are needed", sample.seen, len(served)
        )
    plain = _offsets(served)
    zero, shape, error = _fit_zero(served, plain)
    data = _left(plain, served, zero)
    count = (1.0 - shape.theta[CHANCE]) * len(data)
    if count < LEAST_PAIRS:
        return CatalogCalibration.neutral(
            f"of {sample.seen} pairs only {count:.0f} are not by chance, {LEAST_PAIRS} are needed",
            sample.seen,
            len(served),
        )
    real = likelihood(shape.theta, data)[2][2] < 0.5
    if served is not certain:  # their errors cannot be told from their motions
        found = _described(served, zero, ErrorModel.none(), real, sample.seen, error)
        return replace(
            found, note=_unsure(sample.seen, len(certain)), tail=_tail_of_all(sample, found)
        )
    errors = fit_errors(_first(data), served.mag[:_SHAPE_PAIRS], shape)
    found = _described(served, zero, errors, real, sample.seen, error)
    if len(certain) >= _TYPICAL * len(sample):
        return found
    return replace(found, tail=_tail_of_all(sample, found))


def _tail_of_all(sample: Residuals, found: CatalogCalibration) -> Tail:
    """Of all pairs, with what candidates are allowed for motions that nobody has measured.

    Blends and stars that are faster than that are told from chance pairs by a wide component of
    their own.
    """
    left = _left(_offsets(sample), sample, found.zero)
    shape = choose_shape(_first(left))
    real = likelihood(shape.theta, left)[2][2] < 0.5
    return _described(sample, found.zero, found.errors, real, sample.seen, 0.0).tail


def _unsure(seen: int, certain: int) -> str:
    return (
        f"errors as stated: of {seen} pairs only {certain} have a motion between the epochs that "
        f"is known or small, {LEAST_PAIRS} are needed"
    )


def _fit_zero(sample: Residuals, plain: Offsets) -> tuple[ZeroPoint, Shape, float]:
    """Zero point, error shape, standard error of the offset: the first two fitted in turn.

    Pairs weigh as the fit of the errors believes them to be neither wide nor by chance.
    """
    some, few = sample.take(slice(0, _SHAPE_PAIRS)), _first(plain)
    begin = ZeroPoint(first_rotation(some.at, some.offset, sample.radius_arcsec))
    shape = choose_shape(_first(_left(few, some, begin), _ROUGH_PAIRS))
    zero, _ = _rotated(some, few, begin, shape)
    shape = choose_shape(_left(few, some, zero))
    near, _ = _rotated(some, few, zero, shape)
    zero, normal = _rotated(sample, plain, near, shape)
    error = float(np.sqrt(2.0 / max(np.trace(normal), TINY)))
    if not significant(zero.rotation_arcsec, normal, len(sample)):
        zero = ZeroPoint.none()  # it explained nothing: the same parameters are free without it
        shape = fit_shape(_left(few, some, zero), shape.theta, shape.free)
    field = with_field(zero, sample.at, sample.offset, _weights(plain, sample, zero, shape))
    if field is not zero:
        shape = choose_shape(_left(few, some, field))
    return field, shape, error


def _rotated(
    sample: Residuals, plain: Offsets, zero: ZeroPoint, shape: Shape
) -> tuple[ZeroPoint, Floats]:
    normal = np.zeros((3, 3))
    for _ in range(_MOST_STEPS):
        weight = _weights(plain, sample, zero, shape)
        omega, normal, _ = solved(sample.at, sample.offset, weight)
        change = float(np.abs(omega - zero.rotation_arcsec).max())
        zero = ZeroPoint(omega)
        if change < _SETTLED * sample.radius_arcsec:
            break
    return zero, normal


def _offsets(sample: Residuals) -> Offsets:
    """As gathered."""
    return Offsets.of(
        sample.offset,
        sample.covariance,
        sample.own,
        radius_arcsec=sample.radius_arcsec,
        crowding=crowding(sample),
    )


def _left(plain: Offsets, sample: Residuals, zero: ZeroPoint) -> Offsets:
    """What a zero point leaves of offsets."""
    return replace(plain, d=plain.d - zero.offset(sample.at) / plain.unit)


def _first(data: Offsets, count: int = _SHAPE_PAIRS) -> Offsets:
    """The pairs that errors are fitted to: keys are a hash, so the first are a fair sample."""
    return data.take(slice(0, count))


def _weights(plain: Offsets, sample: Residuals, zero: ZeroPoint, shape: Shape) -> Floats:
    """Expected inverse covariances (m, 3) of the offsets, arcsec^-2: over narrow, wide, chance."""
    return precision(shape.theta, _left(plain, sample, zero)) / plain.unit**2


def _described(
    sample: Residuals,
    zero: ZeroPoint,
    errors: ErrorModel,
    real: NDArray[np.bool_],
    seen: int,
    offset_error: float,
) -> CatalogCalibration:
    """The fit with what a report shows of it; `real` (m,): pairs that are not by chance."""
    k, s, f = errors.at(sample.mag)
    after = sample.offset - zero.offset(sample.at)
    mended = sample.covariance + (k * k - 1.0)[:, None] * sample.own
    mended[:, :2] += (s * s)[:, None]
    widest = mended.copy()
    widest[:, :2] += np.where(f > 0.0, errors.wide_arcsec**2, 0.0)[:, None]
    centre = normalised(sample.at.mean(axis=0))
    shown = np.flatnonzero(real)[:_SAMPLE]
    both = np.concatenate([sample.offset, after], axis=1)[shown]
    return CatalogCalibration(
        zero=zero,
        errors=errors,
        pairs=seen,
        used=len(sample),
        offset_arcsec=_pair(zero.offset(centre)[0]),
        offset_error_arcsec=offset_error,
        median_before=_median_chi2(sample.offset[real], sample.covariance[real]),
        median_after=_median_chi2(after[real], mended[real]),
        sample=tuple(tuple(row) for row in np.round(both, 6).tolist()),
        tail=Tail.of(_chi2(after[real], widest[real])),
    )


def _pair(values: Floats) -> tuple[float, float]:
    return float(values[0]), float(values[1])


def _median_chi2(offset: Floats, covariance: Floats) -> float:
    return float(np.median(_chi2(offset, covariance))) if len(offset) else float("nan")


def _chi2(offset: Floats, covariance: Floats) -> Floats:
    xx, yy, xy = covariance.T
    x, y = offset.T
    return np.asarray((yy * x * x - 2.0 * xy * x * y + xx * y * y) / (xx * yy - xy * xy))
