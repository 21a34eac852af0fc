"""More statistics of light curves, by the package light-curve, where its user has installed it.

It is under the GNU General Public License, and so is no part of `skyquarry[features]` or
`skyquarry[all]`: `pip install 'skyquarry[lightcurves-gpl]'` is the user's own choice.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from skyquarry.errors import missing_extra

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from skyquarry.features.lightcurves import Curves

    Floats = NDArray[np.float64]

_LEAST: Final = 4
"""observations that each of these needs to be more than luck; the rule of four is our own"""


@dataclass(frozen=True, slots=True)
class Statistic:
    """One statistic of the package: its class there, its settings, and what it is."""

    kind: str
    settings: dict[str, float]
    output: int
    unit: str
    text: str
    source: str


_LIGHT_CURVE: Final = "Lavrukhina & Malanchev 2023, arXiv:2309.17217"
_KIM: Final = "Kim et al. 2014, A&A 566, A43"
_DISANTO: Final = "D'Isanto et al. 2016, MNRAS 457, 3119"
STATISTICS: Final[dict[str, Statistic]] = {
    "anderson_darling": Statistic(
        "AndersonDarlingNormal", {}, 0, "", "A^2 (1 + 4 / n - 25 / n^2) against a normal", _KIM),
    "cusum": Statistic(
        "Cusum", {}, 0, "", "range of cumulative sums of (m - mean), over n S", _KIM),
    "eta_e": Statistic(
        "EtaE", {}, 0, "", "von Neumann's ratio with steps over their lags", _KIM),
    "iqr": Statistic(
        "InterPercentileRange", {"quantile": 0.25}, 0, "mag",
        "75th less 25th percentile", "definition"),
    "kurtosis": Statistic(
        "Kurtosis", {}, 0, "", "unbiased excess kurtosis", "definition"),
    "trend": Statistic(
        "LinearFit", {}, 0, "mag.d**-1", "slope of a weighted straight line", _LIGHT_CURVE),
    "trend_chi2_dof": Statistic(
        "LinearFit", {}, 2, "", "chi squared of that line over n - 2", _LIGHT_CURVE),
    "middle_share": Statistic(
        "MagnitudePercentageRatio", {"quantile_numerator": 0.4, "quantile_denominator": 0.05}, 0,
        "", "(60th - 40th percentile) over (95th - 5th)", _DISANTO),
    "maximum_slope": Statistic(
        "MaximumSlope", {}, 0, "mag.d**-1", "largest |dm / dt| of neighbours", _DISANTO),
    "mad": Statistic(
        "MedianAbsoluteDeviation", {}, 0, "mag", "median |m - median|", "definition"),
    "near_median": Statistic(
        "MedianBufferRangePercentage", {"quantile": 0.1}, 0, "",
        "share of observations within a tenth of the amplitude of the median", _DISANTO),
    "otsu_step": Statistic(
        "OtsuSplit", {}, 0, "mag", "difference of means of the two parts of Otsu's threshold",
        "Otsu 1979, IEEE Trans. SMC 9, 62"),
    "percent_amplitude": Statistic(
        "PercentAmplitude", {}, 0, "mag", "largest |m - median|", _DISANTO),
    "roms": Statistic(
        "Roms", {}, 0, "", "sum of |m - median| / e over n - 1",
        "Enoch, Brown & Burgasser 2003, AJ 126, 1006"),
}  # fmt: skip
"""{name: what it is}; as columns lc_<band>_<name>"""


def more(curves: Curves) -> dict[str, Floats]:
    """{name: (g,)} of the statistics above; NaN for fewer than four observations.

    Raises MissingExtraError without the package light-curve.
    """
    try:
        import light_curve
    except ImportError:
        raise missing_extra("light-curve", "lightcurves-gpl", "more of a light curve") from None
    told = {name: np.full(len(curves.first), np.nan) for name in STATISTICS}
    kept = np.flatnonzero(curves.count >= _LEAST)
    if not len(kept):
        return told
    pieces = [_piece(curves, int(group)) for group in kept]
    made: dict[tuple[Any, ...], Floats] = {}
    for name, each in STATISTICS.items():
        key = (each.kind, *each.settings.values())
        if key not in made:
            statistic = getattr(light_curve, each.kind)(**each.settings)
            made[key] = np.asarray(
                statistic.many(pieces, sorted=True, check=False, fill_value=np.nan, n_jobs=1)
            )
        told[name][kept] = made[key][:, each.output]
    return told


def _piece(curves: Curves, group: int) -> tuple[Floats, Floats, Floats]:
    one = slice(curves.first[group], curves.first[group] + curves.count[group])
    return curves.time[one], curves.mag[one], curves.error[one]
