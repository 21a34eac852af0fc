"""Covariances of positions, whatever convention a survey has, and whatever is wrong with them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from skyquarry.catalog.conventions import ARCSEC
from skyquarry.errors import UserError
from skyquarry.match.given.bands import EXTENDED_ARCSEC, sizes
from skyquarry.match.given.rows import Flag

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from numpy.typing import NDArray

    from skyquarry.catalog.roles import PositionError, Roles
    from skyquarry.match.given.policies import ErrorPolicy, Notes
    from skyquarry.match.given.values import Values

    Floats = NDArray[np.float64]
    Mask = NDArray[np.bool_]

HIGHEST_CORRELATION = 0.9999
NO_ERRORS = "no column of errors"
_ZERO_ARCSEC = 1e-7  # nothing was ever measured to a tenth of a microarcsecond
_ABSURD_ARCSEC = 648_000.0
SHARE_OF_SIZE = 0.1
"""Of an extended row's size: how far one survey's middle of it is from another's, per axis."""
_THINNEST = 1e-6  # of an ellipse: minor / major
_TOO_LARGE_ARCSEC, _TOO_SMALL_ARCSEC = 60.0, 1e-6


@dataclass(frozen=True, slots=True)
class Errors:
    """Covariances of rows."""

    covariance: Floats
    """(n, 3) arcsec^2: east-east, north-north, east-north; positive definite"""
    flags: NDArray[np.int32]
    measured: Mask
    """(n,) False where the default stands"""
    aside: Mask | None
    """(n,) rows without an error that can be used"""


def errors_of(values: Values, roles: Roles, policy: ErrorPolicy, notes: Notes) -> Errors:
    """Covariances of all rows; what is odd about them is noted."""
    error, n = roles.position_error, len(values)
    default = _default(error, policy)
    flags = np.zeros(n, np.int32)
    check_known([(roles, policy, values.name)])
    if error is None or error.model == "fixed":
        assert default is not None
        if error is None:
            flags |= Flag.DEFAULT_ERROR.value
            notes.warn(f'{NO_ERRORS}: {default:g}" per axis is taken for all', n)
        covariance = np.tile([default**2, default**2, 0.0], (n, 1))
        return Errors(covariance, flags, np.full(n, error is not None), None)
    columns = {name: values.floats(name).copy() for name in error.columns}
    bad, aside = _bad(columns, error, policy, default, notes)
    floored = _mend(columns, error, policy, bad, notes)
    covariance = np.ascontiguousarray(error.covariance_arcsec2(columns, n))
    if error.model == "covariance":
        _clip(covariance, notes)
    covariance[bad] = np.array([1.0, 1.0, 0.0]) * (default or policy.floor_arcsec) ** 2
    flags[floored & ~bad] |= Flag.ERROR_FLOOR.value
    flags[bad] |= Flag.DEFAULT_ERROR.value
    _judge_unit(covariance[~bad] if bad.any() else covariance, notes)
    return Errors(covariance, flags, ~bad, aside)


def check_known(given: Iterable[tuple[Roles, ErrorPolicy, str]]) -> None:
    """Raises UserError that names each catalogue of whose rows nothing tells how large errors are.

    Given are the roles, the policy and the name of each.
    """
    unknown = [name for roles, policy, name in given if not _is_known(roles.position_error, policy)]
    if unknown:
        raise UserError(_missing(unknown))


def _is_known(error: PositionError | None, policy: ErrorPolicy) -> bool:
    columns = error is not None and error.model != "fixed"
    return columns or _default(error, policy) is not None


def widen_for_single_precision(
    values: Values, roles: Roles, radec: tuple[Floats, Floats], errors: Errors, notes: Notes
) -> None:
    """A floor of one step of a 32-bit position; changes the covariances in place."""
    wide = errors.covariance
    for axis, (column, degrees) in enumerate(zip((roles.ra, roles.dec), radec, strict=True)):
        if column is None or not values.is_single(column):
            continue
        step = np.spacing(np.abs(degrees).astype(np.float32)).astype(np.float64) * 3600.0
        if axis == 0:
            step *= np.cos(np.radians(radec[1]))
        low = wide[:, axis] < step**2
        wide[low, axis] = step[low] ** 2
        errors.flags[low] |= Flag.ERROR_FLOOR.value
        notes.warn(f'{column} has 32 bits: no error below its step (up to 0.11") is believed', low)


def widen_for_extent(values: Values, roles: Roles, errors: Errors, notes: Notes) -> None:
    """A tenth of its size is added in quadrature to the errors of an extended row, in place.

    Where the light of a galaxy has its middle depends on band and resolution (crossmatch.md,
    section 3). Only where the column of sizes states a unit of angle: an error is not built on a
    guess. What was correlated with the error as stated is not with the larger one.
    """
    if roles.extent is None or not values.has(roles.extent):
        return
    size = sizes(values, roles)
    if size is None or values.unit(roles.extent) not in ARCSEC:
        return
    large = np.flatnonzero(size > EXTENDED_ARCSEC)
    floor = (SHARE_OF_SIZE * size[large]) ** 2
    own = errors.covariance[large, :2].max(axis=1)
    errors.covariance[large, 0] += floor
    errors.covariance[large, 1] += floor
    errors.measured[large] = False
    errors.flags[large[floor > own]] |= Flag.ERROR_FLOOR.value
    notes.warn(f"extended: {SHARE_OF_SIZE:g} of its size is added to the error", len(large))


def _default(error: PositionError | None, policy: ErrorPolicy) -> float | None:
    if error is not None and error.model == "fixed":
        return float(error.fixed_arcsec or 0.0) or policy.floor_arcsec
    if policy.default_arcsec is not None:
        return policy.default_arcsec
    return None if error is None else error.fixed_arcsec


def _missing(names: list[str]) -> str:
    stated = ", ".join(f"{name!r}: 0.3" for name in names)
    return (
        f"no errors of the positions are known of {', '.join(names)}, but a probability needs "
        f"them: state one sigma per axis, as in default_error_arcsec={{{stated}}}, or name the "
        "columns that hold them (the role position_error)"
    )


def _sigmas(error: PositionError) -> tuple[str, ...]:
    """The columns that are lengths."""
    return error.columns[: 1 if error.model == "circular" else 2]


def _bad(
    columns: dict[str, Floats],
    error: PositionError,
    policy: ErrorPolicy,
    default: float | None,
    notes: Notes,
) -> tuple[Mask, Mask | None]:
    """Rows without a usable error, and those of them that are set aside."""
    scale = error.factor * ARCSEC[error.unit]
    reasons = dict(_reasons([columns[name] for name in _sigmas(error)], scale))
    if error.model == "ellipse":
        major, minor, angle = (columns[name] for name in error.columns)
        reasons["position error is null"] |= ~np.isfinite(angle) & (major != minor)
    bad = np.logical_or.reduce(list(reasons.values()))
    if not bad.any():
        return bad, None
    if policy.on_bad == "default" and default is not None:
        for why, where in reasons.items():
            notes.warn(f'{why}: {default:g}" per axis is taken', where)
        return bad, None
    if policy.on_bad == "default":
        notes.warn("rows without an error are set aside; a default error would keep them", bad)
    return bad, notes.first_reason(iter(reasons.items()))


def _reasons(sigmas: list[Floats], scale: float) -> Iterator[tuple[str, Mask]]:
    with np.errstate(invalid="ignore"):
        yield "position error is null", np.logical_or.reduce([np.isnan(s) for s in sigmas])
        yield "position error is infinite", np.logical_or.reduce([np.isinf(s) for s in sigmas])
        yield "position error is negative", np.logical_or.reduce([s < 0.0 for s in sigmas])
        yield (
            "position error is above 180 degrees",
            np.logical_or.reduce([(s * scale > _ABSURD_ARCSEC) & np.isfinite(s) for s in sigmas]),
        )


def _mend(
    columns: dict[str, Floats], error: PositionError, policy: ErrorPolicy, bad: Mask, notes: Notes
) -> Mask:
    """Zero errors to the floor, exchanged axes put right, in place; which rows had a zero."""
    scale = error.factor * ARCSEC[error.unit]
    floored = np.zeros(len(bad), bool)
    for name in dict.fromkeys(_sigmas(error)):
        column = columns[name]
        column[bad] = policy.floor_arcsec / scale
        zero = column * scale < _ZERO_ARCSEC
        column[zero] = policy.floor_arcsec / scale
        floored |= zero
    notes.warn(f'position error is zero: {policy.floor_arcsec:g}" is taken', floored)
    if error.model == "ellipse":
        major, minor, angle = (columns[name] for name in error.columns)
        exchanged = major < minor
        notes.warn("minor axis is longer than the major one: exchanged", exchanged)
        major[exchanged], minor[exchanged] = minor[exchanged], major[exchanged]
        np.maximum(minor, _THINNEST * major, out=minor)
        angle[~np.isfinite(angle)] = 0.0
    for name in error.columns[2:] if error.model == "covariance" else ():
        columns[name][~np.isfinite(columns[name]) | bad] = 0.0
    return floored


def _clip(covariance: Floats, notes: Notes) -> None:
    """Correlations to at most 0.9999, in place."""
    limit = HIGHEST_CORRELATION * np.sqrt(covariance[:, 0] * covariance[:, 1])
    over = np.abs(covariance[:, 2]) > limit
    notes.warn(f"correlation beyond {HIGHEST_CORRELATION}: clipped", over)
    np.clip(covariance[:, 2], -limit, limit, out=covariance[:, 2])


def _judge_unit(covariance: Floats, notes: Notes) -> None:
    if not len(covariance):
        return
    median = float(np.sqrt(0.5 * np.median(covariance[:, 0] + covariance[:, 1])))
    if median > _TOO_LARGE_ARCSEC:
        notes.warn('the median error is above 60": is its unit right?', len(covariance))
    if median < _TOO_SMALL_ARCSEC:
        notes.warn("the median error is below 1 uas: is its unit right?", len(covariance))
