"""Magnitudes and colours, within a survey and across surveys, raw and without the dust.

Magnitudes stay in each survey's own system (SDSS and Pan-STARRS AB, Gaia, 2MASS and WISE Vega): an
offset is nothing to a classifier, and published cuts are in these. A colour is a number where both
bands were measured; where one of them is a limit it is a bound, in a feature of its own.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from skyquarry.features.protocol import Family, Measure, Template

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from skyquarry.catalog.roles import Band
    from skyquarry.features.observed import Observed, SurveySeen

    Floats = NDArray[np.floating]

_ASINH = "Lupton, Gunn & Szalay 1999, AJ 118, 1406; else Pogson's"
_NOTES = "limits as bounds: Feigelson & Nelson 1985, ApJ 293, 192"
_DUST = "extinction coefficients of the role files, A / E(B-V) of SFD"

MAGNITUDE: Final = Template(
    "{survey}_{band}",
    "mag",
    "{band}, asinh where told as flux; only where measured",
    _ASINH,
    "the band",
)
COLOUR: Final = Template("{survey}_{a}-{b}", "mag", "{a} - {b}", _ASINH, "both bands")
ACROSS: Final = Template(
    "{survey}_{a}-{other}_{b}",
    "mag",
    "{survey} {a} - {other} {b}, each in its own system",
    _ASINH,
    "both bands",
)
BELOW: Final = Template(
    "{survey}_{a}-{b}_below", "mag", "{a} - (limit in {b}): {a} - {b} is below this", _NOTES,
    "both bands, b of a survey with limits",
)  # fmt: skip
ABOVE: Final = Template(
    "{survey}_{a}-{b}_above", "mag", "(limit in {a}) - {b}: {a} - {b} is above this", _NOTES,
    "both bands, a of a survey with limits",
)  # fmt: skip
ACROSS_BELOW: Final = Template(
    "{survey}_{a}-{other}_{b}_below", "mag",
    "{survey} {a} - (limit in {other} {b}): the colour is below this", _NOTES,
    "both bands, b of a survey with limits",
)  # fmt: skip
DEREDDENED: Final = Template(
    "{survey}_{a}-{b}_0", "mag", "{a} - {b} - (k_{a} - k_{b}) E(B-V)", _DUST, "both bands, E(B-V)"
)
ACROSS_DEREDDENED: Final = Template(
    "{survey}_{a}-{other}_{b}_0", "mag",
    "{survey} {a} - {other} {b} - (k_{a} - k_{b}) E(B-V)", _DUST,
    "both bands, E(B-V)",
)  # fmt: skip
EBV: Final = Template(
    "ebv", "mag", "E(B-V) of all dust in front, SFD's scale",
    "Schlegel, Finkbeiner & Davis 1998, ApJ 500, 525", "E(B-V), extinction_r, or a dust map",
)  # fmt: skip
SNR: Final = Template(
    "{survey}_{band}_snr", "", "1.0857 / error of {band}", "d m = 2.5 / ln 10 * d f / f",
    "the band and its error",
)  # fmt: skip

_LIMITED: Final = frozenset({"allwise", "catwise2020", "twomass_psc"})
_ANCHORS_UM: Final = (0.23, 0.62, 0.90, 1.24, 2.16, 3.35, 4.60)
_NEAR: Final = 0.14
"""share of its wavelength by which an anchor may lie off"""


@dataclass(frozen=True, slots=True)
class _Sight:
    """A band of a survey, to be subtracted from another."""

    survey: SurveySeen
    base: str
    band: Band

    @property
    def mag(self) -> Floats:
        return self.survey.light(self.band).mag

    @property
    def limit(self) -> Floats:
        return self.survey.light(self.band).limit

    @property
    def columns(self) -> tuple[str, ...]:
        return tuple(each for each in (self.band.column, self.band.error) if each)

    @property
    def limited(self) -> bool:
        """Whether it can be a limit."""
        return self.band.error is not None and self.survey.survey.rules in _LIMITED

    @property
    def wavelength(self) -> float:
        return self.band.wavelength_um or 0.0


def _sights(survey: SurveySeen) -> list[_Sight]:
    return [_Sight(survey, base, band) for base, band in survey.bands.items()]


def _anchors(survey: SurveySeen) -> list[_Sight]:
    """The bands by which a survey is compared with others: near 0.62 and 0.9 um, J, K, W1, W2."""
    found: dict[str, _Sight] = {}
    for target in _ANCHORS_UM:
        known = [each for each in _sights(survey) if each.wavelength]
        best = min(known, key=lambda each: abs(each.wavelength / target - 1), default=None)
        if best is not None and abs(best.wavelength / target - 1) <= _NEAR:
            found[best.base] = best
    return list(found.values())


def pairs_across(surveys: tuple[SurveySeen, ...]) -> Iterator[tuple[_Sight, _Sight]]:
    """Of each two surveys, each anchor of the bluer with the nearest anchor of the redder."""
    known = [(each, anchors) for each in surveys if (anchors := _anchors(each))]
    known.sort(key=lambda each: (np.mean([a.wavelength for a in each[1]]), each[0].short))
    for (_, blue), (_, red) in itertools.combinations(known, 2):
        for one in blue:
            other = min(red, key=lambda each: abs(np.log(each.wavelength / one.wavelength)))
            yield one, other


def _by_wavelength(survey: SurveySeen) -> list[_Sight]:
    return sorted(_sights(survey), key=lambda each: each.wavelength)


def _within(survey: SurveySeen) -> list[tuple[_Sight, _Sight]]:
    """All pairs of up to six bands, else neighbours in wavelength only."""
    sights = _by_wavelength(survey)
    if len(sights) <= 6:
        return list(itertools.combinations(sights, 2))
    return list(itertools.pairwise(sights))


def _found(sky: Observed) -> list[Measure]:
    found: list[Measure] = []
    for survey in sky.surveys:
        found += [_magnitude(each) for each in _sights(survey)]
        near = {(a.base, b.base) for a, b in itertools.pairwise(_by_wavelength(survey))}
        for one, other in _within(survey):
            found += _colour(one, other, bounds=(one.base, other.base) in near)
        if sky.ebv is not None:
            found += _without_dust(sky, list(itertools.pairwise(_by_wavelength(survey))))
    across = list(pairs_across(sky.surveys))
    for one, other in across:
        found += _colour(one, other, bounds=True)
    if sky.ebv is not None:
        found += _without_dust(sky, across)
        found.append(EBV.measure(sky.ebv_columns, lambda: _known(sky.ebv)))
    return found


def _known(ebv: Floats | None) -> Floats:
    assert ebv is not None
    return ebv


def _magnitude(sight: _Sight) -> Measure:
    return MAGNITUDE.measure(
        sight.columns, lambda: sight.mag, survey=sight.survey.short, band=sight.base
    )


def _words(one: _Sight, other: _Sight) -> dict[str, str]:
    words = {"survey": one.survey.short, "a": one.base, "b": other.base}
    return words if one.survey is other.survey else words | {"other": other.survey.short}


def _colour(one: _Sight, other: _Sight, *, bounds: bool) -> list[Measure]:
    """A colour, and its bounds where a band can be a limit: those of neighbours are enough."""
    words, own = _words(one, other), one.survey is other.survey
    columns = (*one.columns, *other.columns)
    value = COLOUR if own else ACROSS
    found = [value.measure(columns, lambda: one.mag - other.mag, **words)]
    if bounds and other.limited:
        below = BELOW if own else ACROSS_BELOW
        found.append(below.measure(columns, lambda: one.mag - other.limit, **words))
    if bounds and own and one.limited:
        found.append(ABOVE.measure(columns, lambda: one.limit - other.mag, **words))
    return found


def _without_dust(sky: Observed, pairs: list[tuple[_Sight, _Sight]]) -> list[Measure]:
    found = []
    for one, other in pairs:
        if one.band.extinction is not None and other.band.extinction is not None:
            template = DEREDDENED if one.survey is other.survey else ACROSS_DEREDDENED
            columns = (*one.columns, *other.columns, *sky.ebv_columns)
            found.append(template.measure(columns, _Clear(sky, one, other), **_words(one, other)))
    return found


@dataclass(frozen=True, slots=True)
class _Clear:
    """A colour without the reddening of all dust in front."""

    sky: Observed
    one: _Sight
    other: _Sight

    def __call__(self) -> Floats:
        steps = (self.one.band.extinction or 0.0) - (self.other.band.extinction or 0.0)
        return np.asarray(self.one.mag - self.other.mag - steps * _known(self.sky.ebv))


def _snr(sky: Observed) -> list[Measure]:
    return [
        SNR.measure(
            each.columns, _Precision(each), survey=survey.short, band=each.base
        )
        for survey in sky.surveys
        for each in _sights(survey)
        if each.band.error is not None
    ]  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Precision:
    sight: _Sight

    def __call__(self) -> Floats:
        return np.asarray(1.0857362 / self.sight.survey.light(self.sight.band).error)


COLOURS: Final = Family(
    "colours", "Magnitudes and colours",
    (MAGNITUDE, COLOUR, ACROSS, BELOW, ABOVE, ACROSS_BELOW, DEREDDENED, ACROSS_DEREDDENED, EBV),
    _found,
)  # fmt: skip
PRECISION: Final = Family(
    "precision", "Signal to noise of bands: it tells the survey's depth, so that a model which "
    "knows it goes wrong at another depth", (SNR,), _snr, auto=False,
)  # fmt: skip
