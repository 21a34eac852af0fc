"""One position, however it is said: degrees, SkyCoord, Quantity, sexagesimal text or a name."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import Any, Final

from skyquarry.engine.names import lookup
from skyquarry.errors import PositionError
from skyquarry.sky.angles import parse_dec, parse_position, parse_ra

# Text of numbers, signs, and the marks of hours, degrees, minutes and seconds is never a name.
_ANGLES: Final = re.compile(
    r"(?:[\d\s.,;:+\-−–°'\"′″ʰᵐˢ]|(?<=[\d\s.])(?:hours?|hrs?|h|degrees?|deg|d|m|sec|s|e)(?![a-z]))+",
    re.IGNORECASE,
)
_TRY: Final = "try (83.82, -5.39), '05 35 17.3 -05 23 28', a SkyCoord, or a name such as 'M42'"


def resolve(position: Any, dec: Any = None, *, online: bool = False) -> tuple[float, float]:
    """(ra_deg in [0, 360), dec_deg), ICRS, of one position.

    `position` is an RA with `dec` beside it (numbers are degrees; Quantity and text say their own
    unit), a pair of those, a SkyCoord in any frame, text with two angles, or an object's name.
    Names come from packages on this machine; with `online=True` CDS's Sesame is asked last.
    Raises PositionError for what is no single place on the sky.

    >>> resolve(83.82, -5.39)
    (83.82, -5.39)
    >>> resolve("5h30m -5d15m")
    (82.5, -5.25)
    """
    if dec is not None:
        return _checked(_angle(position, parse_ra), _angle(dec, parse_dec))
    if isinstance(position, str):
        return _from_text(position, online=online)
    if hasattr(position, "transform_to") and hasattr(position, "spherical"):
        return _from_skycoord(position)
    return _from_pair(position)


def _from_text(text: str, *, online: bool) -> tuple[float, float]:
    if not text.strip():
        raise PositionError(f"position is {text!r}, but a place on the sky is needed; {_TRY}")
    if _ANGLES.fullmatch(text.strip()):
        return parse_position(text)
    return lookup(text.strip(), online=online)


def _from_skycoord(coord: Any) -> tuple[float, float]:
    if not coord.isscalar:
        raise PositionError(
            f"the SkyCoord has {coord.size} positions, but one is needed; try coord[0]"
        )
    from astropy.coordinates import SkyCoord  # loaded already: someone made `coord`

    icrs = SkyCoord(coord).icrs
    return _checked(float(icrs.spherical.lon.deg), float(icrs.spherical.lat.deg))


def _from_pair(pair: Any) -> tuple[float, float]:
    is_sequence = isinstance(pair, Sequence) or hasattr(pair, "__array__")
    if not is_sequence or getattr(pair, "shape", (2,)) != (2,) or len(pair) != 2:
        raise PositionError(f"position is {pair!r}, but RA and Dec are needed, one of each; {_TRY}")
    return _checked(_angle(pair[0], parse_ra), _angle(pair[1], parse_dec))


def _angle(value: Any, parse: Any) -> float:
    """One angle in degrees: text by its own rules, a Quantity by its unit, a number as it is."""
    if isinstance(value, str):
        return float(parse(value))
    try:
        if hasattr(value, "to_value"):
            return float(value.to_value("deg"))
        return float(value)
    except (TypeError, ValueError) as error:  # also astropy's UnitConversionError
        raise PositionError(
            f"an angle is {value!r} ({error}), but degrees or an angular Quantity are needed; "
            f"{_TRY}"
        ) from None


def _checked(ra_deg: float, dec_deg: float) -> tuple[float, float]:
    if not (math.isfinite(ra_deg) and -90.0 <= dec_deg <= 90.0):
        raise PositionError(
            f"position is RA {ra_deg}, Dec {dec_deg} degrees, but a finite RA and a declination "
            f"from -90 to 90 are needed; {_TRY}"
        )
    ra = ra_deg % 360.0
    return (0.0 if ra == 360.0 else ra), dec_deg
