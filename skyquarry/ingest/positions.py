"""Coordinates as surveys write them, and as degrees in ICRS; which of them cannot be used."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from skyquarry.catalog.arrow import pc, to_numpy
from skyquarry.errors import ColumnError, DataError, UserError
from skyquarry.ingest import reasons
from skyquarry.ingest.guess import is_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

TO_DEGREES = {"deg": (1.0, 1.0), "rad": (180 / np.pi, 180 / np.pi), "hourangle": (15.0, 1.0)}
"""Factors for ra and dec."""
_ROTATED = ("galactic", "ecliptic", "supergalactic")


@dataclass(frozen=True, slots=True)
class Limits:
    """The extremes of the usable positions of some rows, in the unit of the input."""

    rows: int = 0
    ra_low: float = np.inf
    ra_high: float = -np.inf
    dec_low: float = np.inf
    dec_high: float = -np.inf
    usable: int = 0
    """rows with a position, in whatever unit"""
    unusable: tuple[tuple[str, int], ...] = ()
    """how many rows were set aside for each reason"""
    first: str = ""
    """what the first row that was set aside has for a position"""

    @classmethod
    def of(cls, ra_deg: Floats, dec_deg: Floats, good: NDArray[np.bool_], unit: str) -> Limits:
        """The limits of the rows that are good, of positions that came in `unit`."""
        if unit == "sexagesimal" or not good.any():
            return cls()
        ra, dec = (ra_deg, dec_deg) if good.all() else (ra_deg[good], dec_deg[good])
        by_ra, by_dec = TO_DEGREES.get(unit, (1.0, 1.0))
        return cls(
            len(ra),
            float(ra.min()) / by_ra,
            float(ra.max()) / by_ra,
            float(dec.min()) / by_dec,
            float(dec.max()) / by_dec,
        )

    @classmethod
    def around(cls, several: Iterable[Limits]) -> Limits:
        """The limits of all rows together."""
        several = list(several)
        counted: Counter[str] = Counter()
        for each in several:
            counted.update(dict(each.unusable))
        rest = (
            sum(each.usable for each in several),
            tuple(counted.items()),
            next((each.first for each in several if each.first), ""),
        )
        found = [each for each in several if each.rows]
        if not found:
            return cls(0, np.inf, -np.inf, np.inf, -np.inf, *rest)
        return cls(
            sum(each.rows for each in found),
            min(each.ra_low for each in found),
            max(each.ra_high for each in found),
            min(each.dec_low for each in found),
            max(each.dec_high for each in found),
            *rest,
        )

    def to_json(self) -> dict[str, Any]:
        """Plain data for a journal; no limits for no rows."""
        names = self.__slots__ if self.rows else ("usable", "unusable", "first")
        return {name: getattr(self, name) for name in names}

    @classmethod
    def from_json(cls, told: dict[str, Any]) -> Limits:
        """What `to_json` told of."""
        reasons_told = tuple((str(reason), int(rows)) for reason, rows in told["unusable"])
        return cls(**(told | {"unusable": reasons_told}))


def coordinates(ra: pa.ChunkedArray, dec: pa.ChunkedArray, unit: str) -> tuple[Floats, Floats]:
    """(ra_deg, dec_deg), each (n,) float64, NaN where null or unreadable, in the input's frame.

    Raises ColumnError for a column that holds neither numbers nor, where the unit is sexagesimal,
    text; UserError for an unknown unit.
    """
    if unit == "sexagesimal":
        return _sexagesimal(ra, dec)
    if unit == "text":
        return _either(ra, 15.0), _either(dec, 1.0)
    if unit not in TO_DEGREES:
        raise UserError(
            f"position_unit is {unit!r}, but one of {', '.join(TO_DEGREES)} or sexagesimal is "
            "needed: leave it out for degrees"
        )
    by_ra, by_dec = TO_DEGREES[unit]
    east, north = _numbers(ra), _numbers(dec)
    if unit == "deg":
        return east, north
    return east * by_ra, north * by_dec


def faults(
    ra: Floats, dec: Floats, given_ra: Any, given_dec: Any, unit: str = "deg"
) -> NDArray[np.int8]:
    """A number of `reasons.REASONS` for each row (n,): 0 where the position can be used."""
    fault = np.zeros(len(ra), np.int8)
    sound = np.isfinite(ra) & np.isfinite(dec)
    beyond = np.abs(dec) > 90.0
    if unit == "text":  # hours or degrees: nothing tells which the plain number is
        two_styles = ~_is_sexagesimal(given_ra) & _is_sexagesimal(given_dec) & sound
        fault[two_styles] = reasons.TWO_STYLES
    if sound.all() and not beyond.any():
        return fault
    fault[beyond] = reasons.DEC_BEYOND
    fault[np.isinf(ra) | np.isinf(dec)] = reasons.INFINITE
    missing = np.isnan(ra) | np.isnan(dec)
    fault[missing] = reasons.NO_POSITION
    if missing.any():
        fault[_unreadable(dec, given_dec)] = reasons.DEC_UNREADABLE
        fault[_unreadable(ra, given_ra)] = reasons.RA_UNREADABLE
    return fault


def _unreadable(values: Floats, given: pa.ChunkedArray) -> NDArray[np.bool_]:
    """Where a text that is not blank gave no number, (n,) bool."""
    if not is_text(given.type):
        return np.zeros(len(values), np.bool_)
    written = pc.not_equal(pc.utf8_trim_whitespace(given), pa.scalar("", given.type))
    return np.isnan(values) & _bools(written)


def as_numbers(good: NDArray[np.bool_], ra: Any, dec: Any) -> NDArray[np.bool_]:
    """Of the rows that are good, those that are not sexagesimal."""
    for given in (ra, dec):
        if is_text(given.type):
            good = good & ~_is_sexagesimal(given)
    return good


def with_faults(limits: Limits, fault: NDArray[np.int8], ra: Any, dec: Any) -> Limits:
    """The limits, with what was set aside and the first such row."""
    numbers, counts = np.unique(fault[fault != reasons.OK], return_counts=True)
    told = {reasons.REASONS[n]: int(rows) for n, rows in zip(numbers, counts, strict=True)}
    usable = len(fault) - sum(told.values())
    if not told:
        return replace(limits, usable=usable)
    row = int(np.flatnonzero(fault)[0])
    first = f"ra {str(ra[row].as_py())[:40]!r}, dec {str(dec[row].as_py())[:40]!r}"
    return replace(limits, usable=usable, unusable=tuple(told.items()), first=first)


def to_icrs(ra_deg: Floats, dec_deg: Floats, frame: str) -> tuple[Floats, Floats]:
    """Positions in ICRS of positions in `frame`: fk5 is J2000, fk4 is B1950 at epoch B1950.

    Raises UserError for another frame.
    """
    if frame == "icrs" or not len(ra_deg):
        return ra_deg, dec_deg
    if frame in _ROTATED:
        from skyquarry.sky.frames import from_frame
        from skyquarry.sky.vectors import to_radec, to_xyz

        return to_radec(from_frame(to_xyz(ra_deg, dec_deg), frame))
    if frame not in {"fk5", "fk4"}:
        raise UserError(
            f"the frame is {frame!r}, but one of icrs, fk5 (J2000), fk4 (B1950), "
            f"{', '.join(_ROTATED)} is needed: convert the positions first"
        )
    from astropy import units
    from astropy.coordinates import FK4, FK5, SkyCoord

    given = FK4(equinox="B1950", obstime="B1950") if frame == "fk4" else FK5(equinox="J2000")
    icrs = SkyCoord(ra_deg * units.deg, dec_deg * units.deg, frame=given).icrs
    return np.asarray(icrs.ra.deg), np.asarray(icrs.dec.deg)


def by_keyword(unit: str) -> str:
    """How a unit of positions is stated to `skyquarry.build`.

    >>> by_keyword("rad")
    'pass ra_unit="rad", or ra_unit="deg" if they are degrees indeed'
    """
    return f'pass ra_unit="{unit}", or ra_unit="deg" if they are degrees indeed'


def check_unit(
    limits: Limits, unit: str, *, stated: bool, remedy: Callable[[str], str] = by_keyword
) -> None:
    """Raise ColumnError where positions taken as degrees look like hours or radians.

    Raises DataError where no row of several has a position that can be used. `remedy(unit)` says
    how the caller states the unit.

    Only where nothing states the unit. A whole survey in radians fills 0 to 2 pi and not one bit
    more; in hours, 0 to 24 over many degrees of declination. A patch of the sky that has just
    those borders in degrees is possible: stating the unit lets it pass.
    """
    _check_usable(limits)
    if stated or unit not in {"deg", "text"} or not limits.rows:
        return
    spread = limits.ra_high - limits.ra_low
    tall = limits.dec_high - limits.dec_low
    shown = (
        f"ra from {limits.ra_low:.4g} to {limits.ra_high:.4g}, "
        f"dec from {limits.dec_low:.4g} to {limits.dec_high:.4g}"
    )
    within_pi = max(-limits.dec_low, limits.dec_high) <= np.pi / 2
    if within_pi and limits.ra_low >= -np.pi and limits.ra_high <= 2 * np.pi:
        if spread > 0.8 * 2 * np.pi and tall > 0.5:
            raise _looks_like("radians", shown, remedy("rad"))
    elif limits.ra_low >= 0.0 and limits.ra_high <= 24.0 and spread > 21.0 and tall > 30.0:
        raise _looks_like("hours", shown, remedy("hourangle"))


def _check_usable(limits: Limits) -> None:
    if limits.usable or not limits.unusable:
        return
    rows = sum(count for _, count in limits.unusable)
    reason, count = max(limits.unusable, key=lambda each: each[1])
    raise DataError(
        f"all {rows} rows were set aside, {count} of them since: {reason} (the first row has "
        f"{limits.first}), but a catalogue needs positions: name other columns with ra= and dec=, "
        "or their unit with ra_unit="
    )


def _looks_like(name: str, shown: str, remedy: str) -> ColumnError:
    return ColumnError(
        f"positions were given with {shown}, which looks like {name}, but degrees are needed: "
        f"{remedy}"
    )


def _numbers(column: pa.ChunkedArray) -> Floats:
    """Float64 values of a column of numbers or their texts, NaN for null and other texts."""
    if is_text(column.type):
        return _decimal(column)
    if not _is_number(column.type):
        raise ColumnError(
            f"a position column holds {column.type}, but numbers are needed: convert it, or pass "
            'ra_unit="sexagesimal" for texts such as 12:34:56.7'
        )
    if pa.types.is_decimal(column.type):
        column = column.cast(pa.float64())
    return np.asarray(to_numpy(column), np.float64)


def _is_number(kind: Any) -> bool:
    return bool(
        pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind)
    )


def _sexagesimal(ra: pa.ChunkedArray, dec: pa.ChunkedArray) -> tuple[Floats, Floats]:
    """Degrees of texts such as 12:34:56.7 and -01 02 03, NaN where there is no such text."""
    for column in (ra, dec):
        if not (pa.types.is_string(column.type) or pa.types.is_large_string(column.type)):
            raise ColumnError(
                f"a position column holds {column.type}, but sexagesimal text was announced: "
                'pass ra_unit="deg" or "hourangle" for numbers'
            )
    return _parsed(ra) * 15.0, _parsed(dec)


def _decimal(column: pa.ChunkedArray) -> Floats:
    """The plain number that each text spells, NaN where it spells none: (n,) float64."""
    plain = pc.replace_substring_regex(pc.utf8_trim_whitespace(column), r"^\+", "")
    spelled = pc.match_substring_regex(plain, _DECIMAL)
    numbers = pc.if_else(spelled, plain, pa.scalar(None, plain.type)).cast(pa.float64())
    return np.asarray(numbers.to_numpy(), np.float64)


def _either(column: pa.ChunkedArray, factor: float) -> Floats:
    """Degrees of texts that are plain numbers, or sexagesimal in units of `factor` degrees."""
    values = _numbers(column)
    if not is_text(column.type):
        return values
    return np.where(_is_sexagesimal(column), _parsed(column) * factor, values)


def _is_sexagesimal(column: pa.ChunkedArray) -> NDArray[np.bool_]:
    """Where a text looks like 12:34:56.7, (n,) bool."""
    if not is_text(column.type):
        return np.zeros(len(column), np.bool_)
    return _bools(pc.match_substring_regex(column, _SEXAGESIMAL))


def _bools(column: pa.ChunkedArray) -> NDArray[np.bool_]:
    return np.asarray(pc.fill_null(column, False).to_numpy(), np.bool_)


_DECIMAL = r"^-?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?$"
_SEXAGESIMAL = (
    r"^\s*(?P<sign>[+-]?)\s*(?P<a>\d{1,3})[\s:hd°]+(?P<b>\d{1,2})"
    r"(?:[\s:m'′]+(?P<c>\d{1,2}(?:\.\d*)?)[\s\"s″]*)?\s*$"
)


def _parsed(column: pa.ChunkedArray) -> Floats:
    """The number that each text spells in base sixty, (n,) float64."""
    found = pc.extract_regex(column.cast(pa.string()), pattern=_SEXAGESIMAL).combine_chunks()
    parts = {name: pc.struct_field(found, name) for name in ("sign", "a", "b", "c")}
    whole, minutes, seconds = (_float(parts[name]) for name in ("a", "b", "c"))
    seconds = np.where(np.isnan(seconds) & ~np.isnan(minutes), 0.0, seconds)
    value = whole + minutes / 60.0 + seconds / 3600.0
    value[(minutes >= 60.0) | (seconds >= 60.0)] = np.nan
    negative = pc.equal(parts["sign"], "-").fill_null(False).to_numpy(zero_copy_only=False)
    return np.where(negative, -value, value)


def _float(texts: Any) -> Floats:
    empty = pc.equal(texts, "").fill_null(True)
    numbers = pc.if_else(empty, pa.scalar(None, pa.string()), texts).cast(pa.float64())
    return np.asarray(numbers.to_numpy(zero_copy_only=False), np.float64)
