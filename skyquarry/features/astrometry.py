"""Parallaxes and proper motions: distances never, luminosities and significances instead.

A parallax is corrected for its zero point and stays a parallax: its inverse is no distance where
the error is large, and quasars have negative ones. What is asked of motion is whether there is any.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Final

import numpy as np

from skyquarry.features.protocol import Family, Measure, Template
from skyquarry.features.zeropoint import MEAN_MAS, effective_wavenumber, parallax_zero_point
from skyquarry.sky.frames import to_frame
from skyquarry.sky.vectors import to_xyz

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from skyquarry.catalog.roles import Band, Motion
    from skyquarry.features.observed import Observed, SurveySeen

    Floats = NDArray[np.floating]

_MAS: Final = {"mas": 1.0, "arcsec": 1e3, "rad": 206_264_806.24709636}
_DR3: Final = frozenset({"gaia_dr3", "gaia_edr3"})
_LEAST_MOTION: Final = 0.01
"""mas/yr: a motion that its errors explain counts as this"""

_LUMINOSITY = "Arenou & Luri 1999, ASP Conf. Ser. 167, 13"
_LINDEGREN = "Lindegren et al. 2021, A&A 649, A4"
_CATNORTH = "Fu et al. 2024, ApJS 271, 54"
_RIELLO = "Riello et al. 2021, A&A 649, A3, eq. 6 and 18, table 2"

# fmt: off
PARALLAX: Final = Template(
    "{survey}_parallax", "mas", "parallax - zero point", _LINDEGREN, "parallax")
SIGNIFICANCE: Final = Template(
    "{survey}_parallax_over_error", "", "(parallax - zero point) / error", _LINDEGREN,
    "parallax, its error")
LUMINOSITY: Final = Template(
    "{survey}_luminosity", "", "a = (parallax - zero point) 10^(0.2 m - 2), which is 10^(0.2 M), "
    "for parallaxes of any sign", _LUMINOSITY, "parallax, a magnitude")
LUMINOSITY_ERROR: Final = Template(
    "{survey}_luminosity_error", "", "error of parallax times 10^(0.2 m - 2)", _LUMINOSITY,
    "error of parallax, a magnitude")
MOTION: Final = Template(
    "{survey}_pm", "mas.yr**-1", "sqrt(pmra^2 + pmdec^2)", "definition", "proper motion")
CHI2: Final = Template(
    "{survey}_chi2_pm", "", "(x^2 - 2 rho x y + y^2) / (1 - rho^2), x and y motions over errors",
    "chi squared of no motion, 2 degrees of freedom", "proper motion, its errors")
NO_MOTION: Final = Template(
    "{survey}_log_f_pm0", "", "-ln(2 pi e_a e_d sqrt(1 - rho^2)) - chi2_pm / 2", _CATNORTH,
    "proper motion, its errors")
REDUCED: Final = Template(
    "{survey}_reduced_pm_{other}_{band}", "mag",
    "m + 5 log10(mu) - 10, mu^2 less the squares of its errors, 0.01 mas/yr at least",
    "Luyten 1922, Lick Obs. Bull. 10, 135; Salim & Gould 2003, ApJ 582, 1011",
    "proper motion, a magnitude near 0.48, 0.62 or 1.24 um")
QUALITY: Final = tuple(
    Template(f"{{survey}}_{name}", unit, text, "Lindegren et al. 2021, A&A 649, A2", name)
    for name, unit, text in (
        ("ruwe", "", "renormalised unit weight error"),
        ("astrometric_excess_noise", "mas", "excess noise of the solution"),
        ("astrometric_excess_noise_sig", "", "its significance"),
        ("ipd_frac_multi_peak", "", "per cent of windows with several peaks"),
        ("ipd_gof_harmonic_amplitude", "", "dependence of the fit on the scan direction"),
    ))
C_STAR: Final = Template(
    "{survey}_c_star", "", "C - f(BP - RP): flux in BP and RP beyond what a point would give",
    _RIELLO, "phot_bp_rp_excess_factor, BP, RP")
C_STAR_SIGMA: Final = Template(
    "{survey}_c_star_sigma", "", "C* / (0.0059898 + 8.817481e-12 G^7.618399)", _RIELLO,
    "phot_bp_rp_excess_factor, BP, RP, G")
# fmt: on


def luminosity(parallax_mas: Floats, mag: Floats) -> Floats:
    """(n,) 10^(0.2 M) of parallaxes of any sign."""
    return np.asarray(parallax_mas * 10.0 ** (0.2 * mag - 2.0))


def chi2_of_motion(
    pmra: Floats, pmdec: Floats, pmra_error: Floats, pmdec_error: Floats, corr: Floats
) -> Floats:
    """(n,) chi squared, 2 degrees of freedom, of a source that does not move."""
    x, y = pmra / pmra_error, pmdec / pmdec_error
    return np.asarray((x**2 - 2.0 * corr * x * y + y**2) / (1.0 - corr**2))


def log_no_motion(chi2: Floats, pmra_error: Floats, pmdec_error: Floats, corr: Floats) -> Floats:
    """(n,) ln of the probability density of no motion, (mas/yr)^-2."""
    area = 2.0 * np.pi * pmra_error * pmdec_error * np.sqrt(1.0 - corr**2)
    return np.asarray(-np.log(area) - 0.5 * chi2)


def reduced_motion(mag: Floats, motion_masyr: Floats, error_masyr: Floats) -> Floats:
    """(n,) m + 5 log10(mu) - 10, mu freed of what its error adds to it."""
    error = np.where(np.isnan(error_masyr), 0.0, error_masyr)
    clean = np.maximum(motion_masyr**2 - error**2, _LEAST_MOTION**2)
    return np.asarray(mag + 2.5 * np.log10(clean) - 10.0)


def corrected_excess(excess: Floats, bp_rp: Floats) -> Floats:
    """(n,) C* of stars is 0 within its sigma; that of galaxies is above."""
    x = np.asarray(bp_rp, np.float64)
    blue = 1.154360 + 0.033772 * x + 0.032277 * x**2
    middle = 1.162004 + 0.011464 * x + 0.049255 * x**2 - 0.005879 * x**3
    red = 1.057572 + 0.140537 * x
    return np.asarray(excess - np.where(x < 0.5, blue, np.where(x < 4.0, middle, red)))


def excess_sigma(g_mag: Floats) -> Floats:
    """(n,) scatter of C* of point sources at a magnitude."""
    return np.asarray(0.0059898 + 8.817481e-12 * np.asarray(g_mag, np.float64) ** 7.618399)


@dataclass(frozen=True)
class _Moves:
    """The astrometry of a survey, each number made once."""

    survey: SurveySeen

    @property
    def roles(self) -> Motion | None:
        return self.survey.roles.motion

    @property
    def columns(self) -> tuple[str, ...]:
        moves = self.roles
        names = (moves.pmra, moves.pmdec, moves.pmra_error, moves.pmdec_error) if moves else ()
        return tuple(name for name in names if name)

    @cached_property
    def motion(self) -> tuple[Floats, Floats]:
        """(pmra cos dec, pmdec) in mas/yr."""
        moves = self.roles
        assert moves is not None
        east, north = (
            self.survey.told(each) * moves.to_masyr for each in (moves.pmra, moves.pmdec)
        )
        return east * self._shrinking, north

    @property
    def _shrinking(self) -> Floats:
        """What makes of a rate of right ascension one on the sky; NaN where no position tells."""
        moves, dec = self.roles, self.survey.roles.dec
        assert moves is not None
        if moves.cos_dec:
            return np.ones(1)
        if dec is None or self.survey.roles.position_unit != "deg":
            return np.full(1, np.nan)
        return np.cos(np.radians(self.survey.told(dec)))

    @cached_property
    def errors(self) -> tuple[Floats, Floats, Floats]:
        """(of pmra, of pmdec, their correlation): 0 where no column tells that."""
        moves = self.roles
        assert moves is not None
        empty = np.full(self.survey.columns.rows, np.nan)
        east, north = (
            empty if each is None else self.survey.told(each) * moves.to_masyr
            for each in (moves.pmra_error, moves.pmdec_error)
        )
        corr = moves.pmra_pmdec_corr
        return (
            east * self._shrinking,
            north,
            np.zeros(1) if corr is None else self.survey.told(corr),
        )

    @cached_property
    def total(self) -> Floats:
        return np.hypot(*self.motion)

    @cached_property
    def chi2(self) -> Floats:
        return chi2_of_motion(*self.motion, *self.errors)

    @cached_property
    def parallax(self) -> Floats:
        """Less its zero point where the survey is Gaia's third release, mas."""
        assert self.survey.roles.parallax is not None
        told = self.survey.told(self.survey.roles.parallax) * _MAS[self.survey.roles.parallax_unit]
        return told - self._zero_point if self.survey.survey.rules in _DR3 else told

    @cached_property
    def parallax_error(self) -> Floats:
        name = self.survey.roles.parallax_error
        if name is None:
            return np.full(self.survey.columns.rows, np.nan)
        return self.survey.told(name) * _MAS[self.survey.roles.parallax_unit]

    @property
    def _zero_point(self) -> Floats:
        survey = self.survey
        g_mag = _mag(survey, "G")
        solved = survey.floats("astrometric_params_solved")
        colour = survey.loose("nu_eff_used_in_astrometry")
        colour = np.where(solved == 95.0, survey.loose("pseudocolour"), colour)
        guessed = effective_wavenumber(_mag(survey, "BP") - _mag(survey, "RP"))
        colour = np.where(np.isnan(colour), guessed, colour)
        zero = parallax_zero_point(g_mag, colour, self._sine_ecliptic, solved)
        return np.where(np.isnan(zero), MEAN_MAS, zero)

    @property
    def _sine_ecliptic(self) -> Floats:
        latitude = self.survey.loose("ecl_lat")
        if not np.isnan(latitude).all():
            return np.sin(np.radians(latitude))
        roles = self.survey.roles
        if roles.ra is None or roles.dec is None or roles.position_unit != "deg":
            return latitude
        ra, dec = self.survey.told(roles.ra), self.survey.told(roles.dec)
        there = np.isfinite(ra) & np.isfinite(dec)
        sine = np.full(len(ra), np.nan)
        sine[there] = to_frame(to_xyz(ra[there], dec[there]), "ecliptic")[:, 2]
        return sine


def _mag(survey: SurveySeen, name: str) -> Floats:
    band = survey.bands.get(name)
    return np.full(survey.columns.rows, np.nan) if band is None else survey.light(band).mag


def _main_band(survey: SurveySeen) -> Band | None:
    """The band nearest to 0.62 um."""
    known = [band for band in survey.bands.values() if band.wavelength_um]
    return min(known, key=lambda band: abs((band.wavelength_um or 0) - 0.62), default=None)


def _found(sky: Observed) -> list[Measure]:
    found: list[Measure] = []
    for survey in sky.surveys:
        moves = _Moves(survey)
        if survey.roles.parallax is not None:
            found += _of_parallax(moves)
        if survey.roles.motion is not None:
            found += _of_motion(moves, sky)
        found += _quality(survey)
        found += _excess(survey)
    return found


def _of_parallax(moves: _Moves) -> list[Measure]:
    survey = moves.survey
    told = tuple(name for name in (survey.roles.parallax, survey.roles.parallax_error) if name)
    band = _main_band(survey)
    found = [PARALLAX.measure(told[:1], lambda: moves.parallax, survey=survey.short)]
    if band is not None:
        light, columns = survey.light, (*told, band.column)
        found.append(
            LUMINOSITY.measure(
                columns, lambda: luminosity(moves.parallax, light(band).mag), survey=survey.short
            )
        )
    if survey.roles.parallax_error is None:
        return found
    found.append(
        SIGNIFICANCE.measure(
            told, lambda: moves.parallax / moves.parallax_error, survey=survey.short
        )
    )
    if band is not None:
        found.append(
            LUMINOSITY_ERROR.measure(
                columns,
                lambda: luminosity(moves.parallax_error, light(band).mag),
                survey=survey.short,
            )
        )
    return found  # fmt: skip


def _of_motion(moves: _Moves, sky: Observed) -> list[Measure]:
    short, columns = moves.survey.short, moves.columns
    found = [MOTION.measure(columns[:2], lambda: moves.total, survey=short)]
    if len(columns) == 4:
        found += [
            CHI2.measure(columns, lambda: moves.chi2, survey=short),
            NO_MOTION.measure(
                columns, lambda: log_no_motion(moves.chi2, *moves.errors), survey=short
            ),
        ]
    for survey in sky.surveys:
        for base, band in survey.bands.items():
            if _is_for_motion(band):
                found.append(
                    REDUCED.measure(
                        (*columns, band.column),
                        _Reduced(moves, survey, band),
                        survey=short,
                        other=survey.short,
                        band=base,
                    )
                )
    return found  # fmt: skip


def _is_for_motion(band: Band) -> bool:
    """Near 0.48, 0.62 or 1.24 um: g, G or r, J."""
    near = (abs((band.wavelength_um or 0.0) / each - 1) < 0.03 for each in (0.475, 0.62, 1.24))
    return any(near)


@dataclass(frozen=True, slots=True)
class _Reduced:
    moves: _Moves
    survey: SurveySeen
    band: Band

    def __call__(self) -> Floats:
        east, north, _ = self.moves.errors
        return reduced_motion(
            self.survey.light(self.band).mag, self.moves.total, np.hypot(east, north)
        )


def _quality(survey: SurveySeen) -> list[Measure]:
    found = []
    for template in QUALITY:
        name = template.needs
        column = survey.renamed.get(name) or survey.plain(name)
        if survey.survey.rules.startswith("gaia") and column is not None:
            found.append(template.measure((column,), _Told(survey, column), survey=survey.short))
    return found


@dataclass(frozen=True, slots=True)
class _Told:
    survey: SurveySeen
    column: str

    def __call__(self) -> Floats:
        return self.survey.told(self.column)


def _excess(survey: SurveySeen) -> list[Measure]:
    """Corrected flux excess of Gaia's third release."""
    name = "phot_bp_rp_excess_factor"
    bands = [survey.bands.get(each) for each in ("BP", "RP", "G")]
    if survey.survey.rules not in _DR3 or not survey.has(name) or None in bands:
        return []
    columns = (survey.renamed[name], *(band.column for band in bands if band is not None))
    excess: Callable[[], Floats] = lambda: corrected_excess(  # noqa: E731
        survey.floats(name), _mag(survey, "BP") - _mag(survey, "RP")
    )
    return [
        C_STAR.measure(columns[:3], excess, survey=survey.short),
        C_STAR_SIGMA.measure(
            columns, lambda: excess() / excess_sigma(_mag(survey, "G")), survey=survey.short
        ),
    ]


ASTROMETRY: Final = Family(
    "astrometry", "Parallaxes, proper motions, and how well a point in motion fits",
    (PARALLAX, SIGNIFICANCE, LUMINOSITY, LUMINOSITY_ERROR, MOTION, CHI2, NO_MOTION, REDUCED,
     *QUALITY, C_STAR, C_STAR_SIGMA), _found,
)  # fmt: skip
