"""Calibration between catalogues: zero point, error scale and floor, wide errors from blending.

Every catalogue is compared with one reference, the one of the smallest stated errors, by mutual
nearest pairs (`residuals.gather`). What is found serves the evidence only: positions that a user
gets back are as they were. It is reported, and can be saved, loaded and switched off.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from skyquarry.errors import DamagedError, UserError
from skyquarry.match.calibration.errormodel import ErrorModel, fit_errors
from skyquarry.match.calibration.errorscale import (
    CHANCE,
    Offsets,
    Shape,
    choose_shape,
    likelihood,
    precision,
)
from skyquarry.match.calibration.residuals import Residuals, crowding, displaced, gather, turned
from skyquarry.match.calibration.zeropoint import (
    ZeroPoint,
    first_rotation,
    significant,
    solved,
    with_field,
)
from skyquarry.match.given.rows import Flag, Rows
from skyquarry.sky.vectors import normalised, to_radec, to_xyz

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from os import PathLike

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

__all__ = ["Calibration", "CatalogCalibration", "Residuals", "fit", "gather", "reference_of"]

LEAST_PAIRS: Final = 50
_SHAPE_PAIRS: Final = 12_000  # enough for k to 0.7 %
_ROUGH_PAIRS: Final = 4_000  # enough to weigh pairs by
_FORMAT: Final = "skyquarry calibration 1"
_SAMPLE: Final = 400  # offsets kept for the report's plot


@dataclass(frozen=True, slots=True)
class CatalogCalibration:
    """What one catalogue needs, and what that rests on."""

    zero: ZeroPoint
    errors: ErrorModel
    pairs: int = 0
    """mutual nearest pairs with the reference that were seen"""
    used: int = 0
    """of which this many served: a sample, and those whose motion is known"""
    offset_arcsec: tuple[float, float] = (0.0, 0.0)
    """the zero point taken out at the middle of the pairs, east and north"""
    offset_error_arcsec: float = 0.0
    """its standard error, per axis"""
    median_before: float = float("nan")
    """median chi2 of the pairs that are not by chance, as stated; 1.386 where errors are right"""
    median_after: float = float("nan")
    note: str = ""
    """why nothing was done, or not all of it"""
    sample: tuple[tuple[float, float, float, float], ...] = ()
    """a few offsets for a plot, arcsec: east and north before, east and north after"""

    @property
    def is_neutral(self) -> bool:
        """The catalogue is used as it is."""
        return self.zero.is_zero and self.errors.is_neutral

    def to_dict(self) -> dict[str, Any]:
        """Plain data, null for NaN."""
        return {
            "zero": self.zero.to_dict(),
            "errors": self.errors.to_dict(),
            "pairs": self.pairs,
            "used": self.used,
            "offset_arcsec": list(self.offset_arcsec),
            "offset_error_arcsec": self.offset_error_arcsec,
            "median_before": _or_none(self.median_before),
            "median_after": _or_none(self.median_after),
            "note": self.note,
            "sample": [list(each) for each in self.sample],
        }

    @classmethod
    def from_dict(cls, plain: dict[str, Any]) -> CatalogCalibration:
        """What `to_dict` gave."""
        whole = dict(plain)
        whole["zero"] = ZeroPoint.from_dict(plain["zero"])
        whole["errors"] = ErrorModel.from_dict(plain["errors"])
        whole["offset_arcsec"] = tuple(plain["offset_arcsec"])
        whole["sample"] = tuple(tuple(each) for each in plain["sample"])
        for name in ("median_before", "median_after"):
            whole[name] = float("nan") if plain[name] is None else plain[name]
        return cls(**whole)


@dataclass(frozen=True, slots=True)
class Calibration:
    """What every catalogue of a run needs before its rows are compared."""

    names: tuple[str, ...]
    reference: int
    """number of the catalogue that the others were compared with"""
    catalogs: tuple[CatalogCalibration, ...]

    @classmethod
    def none(cls, names: Sequence[str]) -> Calibration:
        """Every catalogue as it is."""
        return cls(tuple(names), 0, tuple(_neutral() for _ in names))

    @property
    def common_floor_arcsec(self) -> tuple[float, ...]:
        """For each catalogue the part of its floor that all its rows share: the least of its bins.

        Detections of one catalogue have it in common; it does not average away (section 6).
        """
        return tuple(min(each.errors.floor_arcsec) for each in self.catalogs)

    def apply(self, rows: Rows, number: int) -> Rows:
        """The rows of catalogue `number` as the evidence should see them.

        Positions lose the zero point, covariances become k^2 C + s^2 I, `wide` and `wide_arcsec`
        are set, and flags say so. `spatial` and the order of the rows stay.
        """
        mine = self.catalogs[number]
        return rows if mine.is_neutral else _with_errors(_shifted(rows, mine.zero), mine.errors)

    def lines(self) -> list[str]:
        """What was found, one sentence a catalogue."""
        return [_line(self, number) for number in range(len(self.names))]

    def to_dict(self) -> dict[str, Any]:
        """Plain data, as in the file and in the report."""
        return {
            "format": _FORMAT,
            "names": list(self.names),
            "reference": self.reference,
            "catalogs": [each.to_dict() for each in self.catalogs],
        }

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> Calibration:
        """What `to_dict` gave; raises UserError for anything else."""
        if plain.get("format") != _FORMAT:
            raise UserError(
                f"the calibration says format {plain.get('format')!r}, but {_FORMAT!r} is needed; "
                "try a file that Calibration.save wrote"
            )
        found = tuple(CatalogCalibration.from_dict(each) for each in plain["catalogs"])
        return cls(tuple(plain["names"]), int(plain["reference"]), found)

    def save(self, path: str | PathLike[str]) -> None:
        """Write it as JSON; all digits are kept."""
        text = json.dumps(self.to_dict(), indent=1, allow_nan=False)
        Path(path).write_text(text + "\n", encoding="utf-8")

    @classmethod
    def load(cls, path: str | PathLike[str]) -> Calibration:
        """The calibration that `save` wrote."""
        try:
            plain = json.loads(Path(path).read_text(encoding="utf-8"))
            return cls.from_dict(plain)
        except (json.JSONDecodeError, KeyError, TypeError) as problem:
            raise DamagedError(
                f"{path} is no calibration ({problem}), but a JSON file that Calibration.save "
                "wrote is needed; try to calibrate anew"
            ) from None


# ------------------------------------------------------------------ fit
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
    found[reference] = _neutral()
    lone = _neutral("no mutual nearest pair with the reference")
    catalogs = tuple(found.get(number, lone) for number in range(len(names)))
    return Calibration(tuple(names), reference, catalogs)


def _neutral(note: str = "", pairs: int = 0, used: int = 0) -> CatalogCalibration:
    return CatalogCalibration(ZeroPoint.none(), ErrorModel.none(), pairs, used, note=note)


def _fit_one(sample: Residuals) -> CatalogCalibration:
    certain = sample.take(sample.sure)
    served = certain if len(certain) >= LEAST_PAIRS else sample
    if len(served) < LEAST_PAIRS:
        return _neutral(
            f"{sample.seen} pairs are too few, {LEAST_PAIRS} are needed", sample.seen, len(served)
        )
    plain = _offsets(served)
    zero, shape, error = _fit_zero(served, plain)
    data = _left(plain, served, zero)
    count = (1.0 - shape.theta[CHANCE]) * len(data)
    if count < LEAST_PAIRS:
        return _neutral(
            f"of {sample.seen} pairs only {count:.0f} are not by chance, {LEAST_PAIRS} are needed",
            sample.seen,
            len(served),
        )
    real = likelihood(shape.theta, data)[2][2] < 0.5
    if served is not certain:  # their errors cannot be told from their motions
        found = _described(served, zero, ErrorModel.none(), real, sample.seen, error)
        return replace(found, note=_unsure(sample.seen, len(certain)))
    errors = fit_errors(_first(data), served.mag[:_SHAPE_PAIRS], shape)
    return _described(served, zero, errors, real, sample.seen, error)


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
    error = float(np.sqrt(2.0 / max(np.trace(normal), 1e-300)))
    if not significant(zero.rotation_arcsec, normal, len(sample)):
        zero = ZeroPoint.none()
        shape = choose_shape(_left(few, some, zero), shape.theta)
    field = with_field(zero, sample.at, sample.offset, _weights(plain, sample, zero, shape))
    if field is not zero:
        shape = choose_shape(_left(few, some, field))
    return field, shape, error


def _rotated(
    sample: Residuals, plain: Offsets, zero: ZeroPoint, shape: Shape
) -> tuple[ZeroPoint, Floats]:
    normal = np.zeros((3, 3))
    for _ in range(50):
        weight = _weights(plain, sample, zero, shape)
        omega, normal, _ = solved(sample.at, sample.offset, weight)
        change = float(np.abs(omega - zero.rotation_arcsec).max())
        zero = ZeroPoint(omega)
        if change < 1e-9 * sample.radius_arcsec:
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
    k, s, _ = errors.at(sample.mag)
    after = sample.offset - zero.offset(sample.at)
    mended = sample.covariance + (k * k - 1.0)[:, None] * sample.own
    mended[:, :2] += (s * s)[:, None]
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
    )


def _pair(values: Floats) -> tuple[float, float]:
    return float(values[0]), float(values[1])


def _median_chi2(offset: Floats, covariance: Floats) -> float:
    if not len(offset):
        return float("nan")
    xx, yy, xy = covariance.T
    x, y = offset.T
    return float(np.median((yy * x * x - 2.0 * xy * x * y + xx * y * y) / (xx * yy - xy * xy)))


# ------------------------------------------------------------------ apply
def _shifted(rows: Rows, zero: ZeroPoint) -> Rows:
    if zero.is_zero or not len(rows):
        return rows
    xyz = to_xyz(rows.ra_deg, rows.dec_deg)
    offset = zero.offset(xyz)
    new = displaced(xyz, -offset)
    ra, dec = to_radec(new)
    flags = np.where(offset.any(axis=1), int(Flag.ZERO_POINT), 0).astype(np.int32)
    return replace(
        rows,
        ra_deg=ra,
        dec_deg=dec,
        covariance=turned(rows.covariance, xyz, new),
        flags=rows.flags | flags,
    )


def _with_errors(rows: Rows, errors: ErrorModel) -> Rows:
    if errors.is_neutral:
        return rows
    k, s, f = errors.at(rows.mag)
    covariance = rows.covariance * (k * k)[:, None]
    larger = 0.5 * (covariance[:, 0] + covariance[:, 1])
    covariance[:, :2] += (s * s)[:, None]
    flags = np.where(s * s > larger, int(Flag.ERROR_FLOOR), 0).astype(np.int32)
    motions = rows.motions
    if motions is not None:
        motions = replace(motions, cross=motions.cross * k[:, None])
    return replace(
        rows,
        covariance=covariance,
        motions=motions,
        wide=f,
        wide_arcsec=errors.wide_arcsec,
        flags=rows.flags | flags,
    )


# ------------------------------------------------------------------ words
def _line(calibration: Calibration, number: int) -> str:
    name, mine = calibration.names[number], calibration.catalogs[number]
    other = calibration.names[calibration.reference]
    if number == calibration.reference:
        return f"{name}: the reference, used as it is"
    if mine.note:
        done = ", ".join(_findings(mine)) or "used as it is"
        return f"{name}: {done} ({mine.note})"
    if mine.is_neutral:
        return f"{name}: agrees with {other} as it is ({mine.pairs:,} pairs)"
    return f"{name}: {', '.join(_findings(mine))} ({mine.pairs:,} pairs with {other})"


def _findings(mine: CatalogCalibration) -> list[str]:
    errors, found = mine.errors, []
    if not mine.zero.is_zero:
        east, north = (1e3 * each for each in mine.offset_arcsec)
        field = " and a field" if mine.zero.order >= 0 else ""
        size = 1e3 * mine.offset_error_arcsec
        found.append(f"shifted by {east:+.3g}, {north:+.3g} mas{field} (± {size:.2g})")
    if {*errors.scale} != {1.0}:
        found.append(f"errors times {_span(errors.scale)}")
    if any(errors.floor_arcsec):
        found.append(f"error floor {_span([1e3 * each for each in errors.floor_arcsec])} mas")
    if any(errors.wide):
        share = _span([100.0 * each for each in errors.wide])
        found.append(f"{share} % of rows with wide errors of {errors.wide_arcsec:.2g} arcsec")
    return found


def _span(values: Sequence[float]) -> str:
    low, high = f"{min(values):.3g}", f"{max(values):.3g}"
    return low if low == high else f"{low} to {high}"


def _or_none(value: float) -> float | None:
    return value if np.isfinite(value) else None
