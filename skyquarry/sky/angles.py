"""Positions as text, in and out: degrees or sexagesimal, in the spellings people use."""

from __future__ import annotations

import math
import re
from typing import Final, Literal

from skyquarry.errors import PositionError

Style = Literal["hms", ":", " "]

_NUMBER: Final = r"(\d+\.?\d*(?:[eE][+-]?\d+)?|\.\d+(?:[eE][+-]?\d+)?)"
_PIECE: Final = re.compile(_NUMBER + r"\s*(hours?|hrs?|h|degrees?|deg|d|°|m|′|'|sec|s|″|\"|:)?\s*")
_SIGN: Final = re.compile(r"(?<=[^eE\s])\s*(?=[+-])")
# What may follow the first, second and third number, and in which measure it puts the first.
_HOURS: Final = {"h", "hr", "hrs", "hour", "hours"}
_DEGREES: Final = {"d", "deg", "degree", "degrees", "°"}
_MINUTES: Final = {"m", "'", ":", ""}
_SECONDS: Final = {"s", "sec", '"', ""}
_MINUS: Final = str.maketrans(
    {"−": "-", "–": "-", "′": "'", "″": '"', "ʰ": "h", "ᵐ": "m", "ˢ": "s"}
)


def parse_position(text: str) -> tuple[float, float]:
    """(ra_deg in [0, 360), dec_deg) from text: two angles, the first in degrees or in hours.

    Decimal numbers are degrees; an RA of two or three numbers is hours unless it says degrees.
    Raises PositionError, naming what could not be read.

    >>> parse_position("83.82 -5.39")
    (83.82, -5.39)
    >>> ra, dec = parse_position("05h35m17.3s -05d23m28s")
    >>> round(ra, 6), round(dec, 6)
    (83.822083, -5.391111)
    """
    ra_text, dec_text = _halves(text)
    return parse_ra(ra_text), parse_dec(dec_text)


def parse_ra(text: str) -> float:
    """Right ascension in degrees, in [0, 360).

    >>> parse_ra("5:30:00"), parse_ra("82.5"), parse_ra("5.5h"), parse_ra("82°30'")
    (82.5, 82.5, 82.5, 82.5)
    """
    sign, value, measure, count = _angle(text)
    hours = measure in _HOURS or (count > 1 and measure not in _DEGREES)
    limit = 24.0 if hours else 360.0
    if value > limit or (sign < 0 and hours):
        unit = "hours" if hours else "degrees"
        raise PositionError(
            f"right ascension is {text!r}, but it needs 0 to {limit:g} {unit}; "
            "try degrees as one decimal number, hours as 05:35:17.3"
        )
    degrees = sign * value * (15.0 if hours else 1.0) % 360.0
    return 0.0 if degrees == 360.0 else degrees + 0.0


def parse_dec(text: str) -> float:
    """Declination in degrees, -90 to 90; a minus before zero degrees counts.

    >>> parse_dec("-00 30 00"), parse_dec("+5d15m")
    (-0.5, 5.25)
    """
    sign, value, measure, _ = _angle(text)
    if measure in _HOURS or value > 90.0:
        raise PositionError(
            f"declination is {text!r}, but it needs -90 to 90 degrees; "
            "try RA first and declination second, such as '05 35 17.3 -05 23 28'"
        )
    return sign * value


def format_ra(ra_deg: float, *, digits: int = 2, style: Style = "hms") -> str:
    """Right ascension as hours, minutes, seconds; 59.999 s carries into the minute, 24 h is 0 h.

    >>> format_ra(83.8220833), format_ra(359.99999999, style=":")
    ('05h35m17.30s', '00:00:00.00')
    """
    _check_finite(ra_deg, "ra_deg")
    scale = 10**digits
    # Rounding the whole angle once, as an integer of the last digit, makes every carry right.
    ticks = round((ra_deg % 360.0) / 15.0 * 3600.0 * scale) % (24 * 3600 * scale)
    return _join(ticks, digits, _marks(style, "h"))


def format_dec(dec_deg: float, *, digits: int = 1, style: Style = "hms") -> str:
    """Declination as degrees, minutes, seconds, always with its sign.

    >>> format_dec(-0.5), format_dec(-5.39111111, style=" ")
    ('-00d30m00.0s', '-05 23 28.0')
    """
    _check_finite(dec_deg, "dec_deg")
    if abs(dec_deg) > 90.0:
        raise PositionError(
            f"dec_deg is {dec_deg}, but a declination needs -90 to 90; try swapping RA and Dec"
        )
    sign = "-" if math.copysign(1.0, dec_deg) < 0 else "+"
    return sign + _join(round(abs(dec_deg) * 3600.0 * 10**digits), digits, _marks(style, "d"))


def format_position(ra_deg: float, dec_deg: float, *, digits: int = 2, style: Style = " ") -> str:
    """Both angles, RA with `digits` decimals of a second and declination with one fewer.

    >>> format_position(83.8220833, -5.3911111)
    '05 35 17.30 -05 23 28.0'
    """
    ra = format_ra(ra_deg, digits=digits, style=style)
    return f"{ra} {format_dec(dec_deg, digits=max(digits - 1, 0), style=style)}"


def _marks(style: Style, first: str) -> tuple[str, str, str]:
    return (first, "m", "s") if style == "hms" else (style, style, "")


def _join(ticks: int, digits: int, marks: tuple[str, str, str]) -> str:
    whole, fraction = divmod(ticks, 10**digits)
    minutes, seconds = divmod(whole, 60)
    units, minutes = divmod(minutes, 60)
    tail = f".{fraction:0{digits}d}" if digits else ""
    return f"{units:02d}{marks[0]}{minutes:02d}{marks[1]}{seconds:02d}{tail}{marks[2]}"


def _check_finite(value: float, name: str) -> None:
    if not math.isfinite(value):
        raise PositionError(f"{name} is {value}, but text needs a finite angle; try another row")


def _halves(text: str) -> tuple[str, str]:
    """The text of RA and that of Dec: at a comma, at the sign of Dec, or in the middle."""
    plain = text.translate(_MINUS).strip()
    parts = [part for part in re.split(r"[,;]", plain) if part.strip()]
    if len(parts) == 1:
        parts = _SIGN.split(plain)
    if len(parts) == 1:
        words = plain.split()
        half = len(words) // 2
        parts = [" ".join(words[:half]), " ".join(words[half:])] if len(words) in {2, 4, 6} else []
    if len(parts) != 2:
        raise PositionError(
            f"position is {text!r}, but it needs a right ascension and a declination; "
            "try '83.82 -5.39', '05 35 17.3 -05 23 28' or '5h35m17.3s -5d23m28s'"
        )
    return parts[0].strip(), parts[1].strip()


def _angle(text: str) -> tuple[float, float, str, int]:
    """(sign, size in the first number's measure, that measure's mark, how many numbers)."""
    plain = text.translate(_MINUS).strip()
    sign = -1.0 if plain.startswith("-") else 1.0
    rest = plain[1:] if plain[:1] in {"+", "-"} else plain
    pieces, end = [], 0
    for match in _PIECE.finditer(rest.lower().strip()):
        if match.start() != end:
            break
        pieces.append((match[1], match[2] or ""))
        end = match.end()
    if end != len(rest.strip()) or not 1 <= len(pieces) <= 3 or not _marks_fit(pieces):
        raise PositionError(
            f"angle is {text!r}, but it needs one to three numbers; "
            "try -5.39, '-05 23 28', '-05:23:28' or '-5d23m28s'"
        )
    return sign, _sum(text, [number for number, _ in pieces]), pieces[0][1], len(pieces)


def _marks_fit(pieces: list[tuple[str, str]]) -> bool:
    marks = [mark for _, mark in pieces]
    first = {"", ":"} if len(marks) > 1 else {""}
    if marks[0] not in _HOURS | _DEGREES | first:
        return False
    if marks[-1] == ":":
        return False
    return all(m in allowed for m, allowed in zip(marks[1:], (_MINUTES, _SECONDS), strict=False))


def _sum(text: str, numbers: list[str]) -> float:
    *whole, last = numbers
    if any(not number.isdigit() for number in whole) or any(float(n) >= 60.0 for n in numbers[1:]):
        raise PositionError(
            f"angle is {text!r}, but minutes and seconds need to be below 60, and only the last "
            "number may have decimals; try one decimal number of degrees"
        )
    if len(numbers) > 1 and "e" in last:
        raise PositionError(f"angle is {text!r}, but sexagesimal text needs plain numbers")
    seconds = sum(float(n) * 60.0 ** (2 - k) for k, n in enumerate(numbers))
    return float(numbers[0]) if len(numbers) == 1 else seconds / 3600.0
