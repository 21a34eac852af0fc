"""Four states of a band: measured, limit, not observed, bad; and the magnitude in each.

A magnitude is a number only where the band was measured; where it is a limit, the limit stands in a
column of its own, so that a colour becomes a bound. Which rows are limits or bad, surveys tell in
ways of their own: the rules stand here, with their source.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from functools import partial
from typing import TYPE_CHECKING, Final

import numpy as np

from skyquarry.catalog.conventions import AB_FLUX
from skyquarry.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from skyquarry.catalog.roles import Band
    from skyquarry.features.observed import SurveySeen

    Floats = NDArray[np.float64]
    Singles = NDArray[np.float32]
    Mask = NDArray[np.bool_]
    Rule = Callable[[SurveySeen, Band], tuple[Mask, Mask]]


class State(IntEnum):
    """What is known of a row in a band."""

    MEASURED = 0
    LIMIT = 1
    """not detected: fainter than a magnitude"""
    NOT_OBSERVED = 2
    """nothing is told: outside of the footprint, or no counterpart"""
    BAD = 3
    """told, and not to be trusted: an artefact, no error, no magnitude that stars have"""


@dataclass(frozen=True, slots=True)
class Light:
    """A band of a table, each (n,)."""

    mag: Singles
    """NaN unless measured; in the survey's own system"""
    limit: Singles
    """NaN unless a limit"""
    error: Singles
    """of `mag`; NaN where not told"""
    state: NDArray[np.int8]


FAINTEST, BRIGHTEST = 40.0, -10.0
"""Magnitudes beyond these are codes, not light"""
_NULL_IS_LIMIT: Final = frozenset({"allwise", "catwise2020", "twomass_psc"})
"""A magnitude without an error is a limit: Explanatory Supplements of AllWISE (II.1.a, w?sigmpro)
and 2MASS (II.2.a, j_msigcom)"""


def asinh_magnitude(flux: Floats, zero: float, softening: float) -> Floats:
    """(n,) magnitudes of fluxes (n,), finite for zero and negative ones.

    `zero` is the flux of magnitude 0, `softening` b is in its units: Lupton, Gunn & Szalay 1999,
    AJ 118, 1406, eq. 3. At fluxes above 10 b `zero` it is Pogson's magnitude to 0.003.

    >>> round(float(asinh_magnitude(np.array([1e-8]), 1.0, 1.4e-10)[0]), 3)
    20.0
    """
    scaled = np.asarray(flux, np.float64) / zero
    told: Floats = -2.5 / np.log(10.0) * (np.arcsinh(scaled / (2 * softening)) + np.log(softening))
    return told


def light_of(survey: SurveySeen, band: Band) -> Light:
    """A band of a survey's table, in its four states."""
    told, error = _told(survey, band)
    missing = np.isnan(told)
    sane = (told > BRIGHTEST) & (told < FAINTEST)
    bad = ~missing & ~(sane & ~(error < 0))
    limit = np.zeros(len(told), np.bool_)
    if band.error is not None and survey.survey.rules in _NULL_IS_LIMIT:
        limit = sane & np.isnan(error)
    rule, judged = _RULES.get(survey.survey.rules, (None, ()))
    if rule is not None and band.name in judged:
        flagged, fainter = rule(survey, band)
        bad |= flagged & ~missing
        limit = (limit & ~flagged) | (fainter & sane)
    bad &= ~limit
    state = np.full(len(told), State.MEASURED, np.int8)
    state[missing], state[limit], state[bad] = State.NOT_OBSERVED, State.LIMIT, State.BAD
    measured = state == State.MEASURED
    return Light(
        _only(told, measured),
        _only(told, state == State.LIMIT),
        _only(error, measured & (error > 0)),
        state,
    )


def _only(values: Floats, where: Mask) -> Singles:
    """float32, NaN elsewhere."""
    kept = values.astype(np.float32)
    kept[~where] = np.nan
    return kept


def _told(survey: SurveySeen, band: Band) -> tuple[Floats, Floats]:
    """Magnitudes and errors as the table has them; those of fluxes are made here."""
    told = survey.told(band.column)
    error = np.full(len(told), np.nan) if band.error is None else survey.told(band.error)
    if band.kind == "mag":
        return told, error
    zero = AB_FLUX.get(band.unit)
    if zero is None or band.softening is None or band.system == "Vega":
        raise UserError(
            f"band {band.name!r} of {survey.survey.name!r} is a flux in {band.unit!r} with "
            f"softening {band.softening}, but its asinh magnitude needs the system AB, a unit of "
            f"{', '.join(AB_FLUX)}, and softening (the noise of one measurement over the flux of "
            "magnitude 0: SDSS has 1.2e-10 in r): give them in the role file"
        )
    # d m / d f of the same equation
    slope = 2.5 / np.log(10.0) / np.hypot(2 * band.softening * zero, told)
    return asinh_magnitude(told, zero, band.softening), error * slope


def _letter(text: str, place: int, among: str) -> bool:
    return len(text) > place and text[place] in among


def _allwise(survey: SurveySeen, band: Band) -> tuple[Mask, Mask]:
    """ph_qual U a limit, X and Z no profile fit; cc_flags D, P, H, O an artefact's own light."""
    place = int(band.name[1]) - 1
    return (
        survey.judged("cc_flags", partial(_letter, place=place, among="DPHO"))
        | survey.judged("ph_qual", partial(_letter, place=place, among="XZ")),
        survey.judged("ph_qual", partial(_letter, place=place, among="U")),
    )


def _twomass(survey: SurveySeen, band: Band) -> tuple[Mask, Mask]:
    """ph_qual U a limit; X, F, E: no brightness, no error, a bad fit."""
    place = ("J", "H", "Ks").index(band.name)
    return (
        survey.judged("ph_qual", partial(_letter, place=place, among="XFE")),
        survey.judged("ph_qual", partial(_letter, place=place, among="U")),
    )


def _ukidss(survey: SurveySeen, band: Band) -> tuple[Mask, Mask]:
    """Bits from 2**16 on in ppErrBits: saturation, cross-talk (Hambly et al. 2008, MNRAS 384)."""
    name = {"J": "j_1", "J2": "j_2"}.get(band.name, band.name.lower())
    bits = survey.floats(f"{name}ppErrBits")
    return np.asarray(bits >= 65_536.0), np.zeros(len(bits), np.bool_)


_WISE: Final = ("W1", "W2", "W3", "W4")
_RULES: Final[dict[str, tuple[Rule, tuple[str, ...]]]] = {
    "allwise": (_allwise, _WISE),
    "catwise2020": (_allwise, _WISE),
    "twomass_psc": (_twomass, ("J", "H", "Ks")),
    "ukidss_las": (_ukidss, ("Y", "J", "J2", "H", "K")),
}
"""(bad, limit) of which bands, by survey; columns that the table lacks tell nothing"""
