"""How many of one unit are in another, by astropy."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from skyquarry.adql.making import Maker
    from skyquarry.adql.terms import Term


def conversion(maker: Maker, at: Term, of: str, wanted: str) -> float:
    """The factor from one unit to another; QueryError where there is none."""
    from astropy import units

    known = _unit(of), _unit(wanted)
    if known[1] is None:
        raise maker.error(at, "is no unit that astropy knows: try 'rad', 'mas/yr' or 'km/s'")
    if known[0] is None:
        raise maker.error(at, f"cannot be had from {of!r}, which is no unit that astropy knows")
    try:
        return float(known[0].to(known[1]))
    except units.UnitConversionError:
        raise maker.error(at, f"cannot be had from {of!r}: the two measure other things") from None


def spectral(maker: Maker, at: Term, of: str, wanted: str) -> tuple[float, int]:
    """The factor k and power of a spectral quantity in another unit: k x, or k / x where -1."""
    from astropy import units

    known = _unit(of), _unit(wanted)
    for text, unit in zip((of, wanted), known, strict=True):
        if unit is None:
            raise maker.error(at, f"cannot be: {text!r} is no unit that astropy knows")
    try:
        one, two = ((x * known[0]).to_value(known[1], units.spectral()) for x in (1.0, 2.0))
    except units.UnitConversionError:
        raise maker.error(
            at, f"cannot be had from {of!r}: both have to measure a wavelength, frequency or energy"
        ) from None
    return float(one), 1 if two > one else -1


def _unit(text: str) -> Any:
    from astropy import units

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for form in ("vounit", "generic"):
            try:
                return units.Unit(text, format=form)
            except (ValueError, TypeError):
                continue
    return None
