"""Features of change: from light curves (`lightcurves.variability_of`), and without any.

Gaia tells the error of a mean flux over many transits: a star that varies has a larger one than
others of its magnitude.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from skyquarry.features.morecurves import STATISTICS
from skyquarry.features.protocol import AsItIs, Family, Measure, Template

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from skyquarry.features.observed import Observed, SurveySeen

    Floats = NDArray[np.floating]

_STETSON = "Stetson 1996, PASP 108, 851"
_CURVE: Final = {
    name: Template(f"lc_{{band}}_{name}", unit, text, source, "a light curve: variability_of")
    for name, unit, text, source in (
        ("amplitude", "mag", "maximum - minimum", "definition"),
        ("excess_variance", "mag**2", "S^2 - <e^2>", "Nandra et al. 1997, ApJ 476, 70, in mag"),
        ("chi2_dof", "", "sum of ((m - weighted mean) / e)^2 over n - 1", "definition"),
        ("von_neumann", "", "sum of squared steps over (n - 1) S^2",
         "von Neumann 1941, Ann. Math. Stat. 12, 367"),
        ("stetson_j", "", "sum of w sgn(P) sqrt|P| over sum of w, P of pairs within half a day",
         _STETSON),
        ("stetson_k", "", "<|delta|> over sqrt(<delta^2>)", _STETSON),
        ("stetson_l", "", "J K / 0.798", _STETSON),
        ("skew", "", "<(m - mean)^3> over <(m - mean)^2>^1.5", "definition"),
        ("beyond_sigma", "", "share of observations beyond S of the mean",
         "Richards et al. 2011, ApJ 733, 10"),
        ("sf_short", "mag", "structure function at 3 to 30 d", "di Clemente et al. 1996, ApJ 463"),
        ("sf_long", "mag", "structure function at 30 to 300 d", "di Clemente et al. 1996, ApJ 463"),
        ("sf_slope", "", "log10 (sf_long / sf_short)", "Schmidt et al. 2010, ApJ 714, 1194"),
        ("period_d", "d", "of the highest peak of the periodogram",
         "Zechmeister & Kuerster 2009, A&A 496, 577, by nifty-ls"),
        ("period_power", "", "share of chi squared that the sine explains",
         "Zechmeister & Kuerster 2009, A&A 496, 577, by nifty-ls"),
    )
}  # fmt: skip
_MORE: Final = {
    name: Template(f"lc_{{band}}_{name}", each.unit, each.text, each.source,
                   "a light curve: variability_of(also=['more'])")
    for name, each in STATISTICS.items()
}  # fmt: skip
_KNOWN: Final = _CURVE | _MORE
RELATIVE: Final = Template(
    "{survey}_relvarg", "", "sqrt(n) e(F) / F in G: scatter of single transits over the mean flux",
    "Delchambre et al. 2023, A&A 674, A31, section 3.2",
    "phot_g_n_obs, phot_g_mean_flux and its error",
)  # fmt: skip
_RELATIVE_NEEDS: Final = ("phot_g_n_obs", "phot_g_mean_flux", "phot_g_mean_flux_error")


def _found(sky: Observed) -> list[Measure]:
    found = []
    for column in sky.columns.names:
        head, _, rest = column.partition("_")
        band, _, name = rest.partition("_")
        if head == "lc" and name in _KNOWN:
            found.append(_KNOWN[name].measure((column,), AsItIs(sky, column), band=band))
    for survey in sky.surveys:
        if survey.has(*_RELATIVE_NEEDS):
            columns = tuple(survey.renamed[name] for name in _RELATIVE_NEEDS)
            found.append(RELATIVE.measure(columns, _Relative(survey), survey=survey.short))
    return found


@dataclass(frozen=True, slots=True)
class _Relative:
    survey: SurveySeen

    def __call__(self) -> Floats:
        number, flux, error = (self.survey.floats(name) for name in _RELATIVE_NEEDS)
        return np.sqrt(number) * error / flux


VARIABILITY: Final = Family(
    "variability", "Change: statistics of light curves in each band, and Gaia's flux errors",
    (*_KNOWN.values(), RELATIVE), _found,
)  # fmt: skip
