"""Is it a point: PSF against total light in each band and in all bands together, and its size.

The difference of a PSF magnitude and a total one is 0 for a point within its error, and grows with
the size of a galaxy. Over its error it says how sure that is; with all bands weighed by their
errors ("white" light) it reaches a magnitude deeper than any band alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from skyquarry.features.protocol import Family, Measure, Template

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from skyquarry.catalog.roles import Band
    from skyquarry.features.observed import Observed, SurveySeen

    Floats = NDArray[np.floating]

_STOUGHTON = "Stoughton et al. 2002, AJ 123, 485, section 4.4.6"
_WHITE = "after Tachibana & Miller 2018, PASP 130, 128001, with inverse variances for weights"
_TOTALS: Final = ("model", "kron")
"""suffixes of bands that hold an extended source's light, where the bare band is that of the PSF"""
# fmt: off
POINT: Final = Template(
    "{survey}_{band}_psf-total", "mag", "PSF magnitude - model or Kron magnitude in {band}",
    _STOUGHTON, "both magnitudes of the band")
POINT_SIGMA: Final = Template(
    "{survey}_{band}_psf-total_sigma", "", "the same over sqrt(e_psf^2 + e_total^2)", _STOUGHTON,
    "both magnitudes of the band, their errors")
WHITE: Final = Template(
    "{survey}_psf-total", "mag", "sum of w d over sum of w: d PSF - total in each band, "
    "w = 1 / (e_psf^2 + e_total^2)", _WHITE, "both magnitudes of two bands, their errors")
WHITE_SIGMA: Final = Template(
    "{survey}_psf-total_sigma", "", "sum of w d over sqrt(sum of w)", _WHITE,
    "both magnitudes of two bands, their errors")
SIZE: Final = Template(
    "{survey}_size", "", "the size that the survey tells: petroR50_r of SDSS, arcsec", _STOUGHTON,
    "the role extent")
CONCENTRATION: Final = Template(
    "{survey}_concentration", "", "petroR90_r / petroR50_r: 2.3 for discs, 3.3 for spheroids",
    "Strateva et al. 2001, AJ 122, 1861", "petroR90_r, petroR50_r")
PROFILE: Final = Template(
    "{survey}_frac_dev", "", "fracDeV_r, the weight of the de Vaucouleurs profile", _STOUGHTON,
    "fracDeV_r")
APERTURE: Final = Template(
    "{survey}_{band}_aper-petro", "mag", "magnitude in 2 arcsec - Petrosian magnitude in {band}",
    "Hambly et al. 2008, MNRAS 384, 637", "AperMag3 and PetroMag of the band")
MISFIT: Final = Template(
    "{survey}_{band}_rchi2", "", "reduced chi squared of the profile fit in {band}",
    "AllWISE Explanatory Supplement II.1.a", "w?rchi2")
EXTENDED: Final = Template(
    "{survey}_ext_flg", "", "0 a point, 1 misfit, 2 to 5 beside or in an extended 2MASS source",
    "AllWISE Explanatory Supplement II.1.a", "ext_flg")
# fmt: on


@dataclass(frozen=True, slots=True)
class _Spread:
    """A band's PSF and total magnitudes."""

    survey: SurveySeen
    point: Band
    total: Band

    @property
    def columns(self) -> tuple[str, ...]:
        names = (self.point.column, self.total.column, self.point.error, self.total.error)
        return tuple(name for name in names if name)

    @property
    def difference(self) -> Floats:
        return self.survey.light(self.point).mag - self.survey.light(self.total).mag

    @property
    def error(self) -> Floats:
        return np.hypot(self.survey.light(self.point).error, self.survey.light(self.total).error)

    def over_error(self) -> Floats:
        return self.difference / self.error


def white(differences: list[Floats], errors: list[Floats]) -> tuple[Floats, Floats]:
    """((n,) weighted mean of differences of bands, (n,) that over its error).

    A band that is NaN has no weight; a row without any band is NaN.
    """
    weighted, weights = np.zeros(len(differences[0])), np.zeros(len(differences[0]))
    for difference, error in zip(differences, errors, strict=True):
        weight = np.where(np.isfinite(difference / error), 1.0 / np.square(error), 0.0)
        weighted += weight * np.where(weight > 0, difference, 0.0)
        weights += weight
    empty = weights == 0
    safe = np.where(empty, 1.0, weights)
    mean = np.where(empty, np.nan, weighted / safe)
    return mean, np.where(empty, np.nan, weighted / np.sqrt(safe))


@dataclass(frozen=True, slots=True)
class _White:
    spreads: list[_Spread]
    which: int

    def __call__(self) -> Floats:
        differences = [each.difference for each in self.spreads]
        return white(differences, [each.error for each in self.spreads])[self.which]


def _found(sky: Observed) -> list[Measure]:
    found: list[Measure] = []
    for survey in sky.surveys:
        found += _of_points(survey)
        found += _of_sdss(survey)
        found += _of_ukidss(survey)
        found += _of_wise(survey)
    return found


def _spreads(survey: SurveySeen) -> dict[str, _Spread]:
    pairs = {}
    for band in survey.roles.bands:
        for suffix in _TOTALS:
            total = survey.band(f"{band.name}_{suffix}")
            if total is not None:
                pairs[band.name] = _Spread(survey, band, total)
    return pairs


def _of_points(survey: SurveySeen) -> list[Measure]:
    found, spreads = [], _spreads(survey)
    for base, each in spreads.items():
        words = {"survey": survey.short, "band": base}
        found.append(POINT.measure(each.columns[:2], _Difference(each), **words))
        if len(each.columns) == 4:
            found.append(POINT_SIGMA.measure(each.columns, each.over_error, **words))
    known = [each for each in spreads.values() if len(each.columns) == 4]
    if len(known) > 1:
        columns = tuple(name for each in known for name in each.columns)
        found += [
            template.measure(columns, _White(known, number), survey=survey.short)
            for number, template in enumerate((WHITE, WHITE_SIGMA))
        ]
    return found


@dataclass(frozen=True, slots=True)
class _Difference:
    spread: _Spread

    def __call__(self) -> Floats:
        return self.spread.difference


def _of_sdss(survey: SurveySeen) -> list[Measure]:
    found, extent = [], survey.roles.extent
    if extent is not None:
        found.append(SIZE.measure((extent,), lambda: survey.told(extent), survey=survey.short))
    if survey.has("petroR90_r", "petroR50_r"):
        columns = tuple(survey.renamed[name] for name in ("petroR90_r", "petroR50_r"))
        found.append(
            CONCENTRATION.measure(
                columns,
                lambda: survey.floats("petroR90_r") / survey.floats("petroR50_r"),
                survey=survey.short,
            )
        )
    if survey.has("fracDeV_r"):
        found.append(
            PROFILE.measure(
                (survey.renamed["fracDeV_r"],),
                lambda: survey.floats("fracDeV_r"),
                survey=survey.short,
            )
        )
    return found  # fmt: skip


def _of_ukidss(survey: SurveySeen) -> list[Measure]:
    found = []
    for base, name in (("Y", "y"), ("J", "j_1"), ("H", "h"), ("K", "k")):
        aperture, total = f"{name}AperMag3", f"{name}PetroMag"
        if survey.has(aperture, total):
            columns = (survey.renamed[aperture], survey.renamed[total])
            found.append(
                APERTURE.measure(
                    columns, _Minus(survey, aperture, total), survey=survey.short, band=base
                )
            )
    return found  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Minus:
    survey: SurveySeen
    one: str
    other: str

    def __call__(self) -> Floats:
        return self.survey.floats(self.one) - self.survey.floats(self.other)


def _of_wise(survey: SurveySeen) -> list[Measure]:
    found = []
    for base in survey.bands:
        name = f"{base.lower()}rchi2"
        if survey.survey.rules == "allwise" and survey.has(name):
            found.append(
                MISFIT.measure(
                    (survey.renamed[name],), _One(survey, name), survey=survey.short, band=base
                )
            )
    if survey.survey.rules == "allwise" and survey.has("ext_flg"):
        found.append(
            EXTENDED.measure(
                (survey.renamed["ext_flg"],), _One(survey, "ext_flg"), survey=survey.short
            )
        )
    return found  # fmt: skip


@dataclass(frozen=True, slots=True)
class _One:
    survey: SurveySeen
    name: str

    def __call__(self) -> Floats:
        return self.survey.floats(self.name)


MORPHOLOGY: Final = Family(
    "morphology", "Point or not: PSF against total light, sizes, profiles",
    (POINT, POINT_SIGMA, WHITE, WHITE_SIGMA, SIZE, CONCENTRATION, PROFILE, APERTURE, MISFIT,
     EXTENDED), _found,
)  # fmt: skip
