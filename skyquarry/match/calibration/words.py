"""A calibration in words, for people: one sentence a catalogue."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from skyquarry.match.calibration.corrections import Calibration, CatalogCalibration


def line(calibration: Calibration, number: int) -> str:
    """What was found of one catalogue, and what that rests on."""
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
