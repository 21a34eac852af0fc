"""Published cuts on the synthetic sky: how pure and complete they are, beside what is published."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from skyquarry.synthetic.beyond.obscured import NUMBER as OBSCURED
from skyquarry.synthetic.check.report import BOUNDS, Verdict
from skyquarry.synthetic.sources import Kind

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    from skyquarry.synthetic.check.fields import Field

    Mask = NDArray[np.bool_]

_LEAST: Final = 20
"""rows: of fewer no share is told"""


@dataclass(frozen=True, slots=True)
class Cut:
    """A way of choosing rows of a survey, and what it is said to do."""

    name: str
    survey: str
    wanted: Callable[[Field], Mask]
    """(rows,) what is looked for"""
    among: Callable[[Field], Mask]
    """(rows,) where the cut is used"""
    chosen: Callable[[Field], Mask]
    purity: float | None
    completeness: float | None
    source: str


def _kind(*kinds: Kind) -> Callable[[Field], Mask]:
    return lambda field: np.isin(field.kinds("sdss"), kinds)


def _agn(field: Field) -> Mask:
    """Quasars, and obscured nuclei that Spitzer's colours would find."""
    obscured = field.populations("allwise") == OBSCURED
    return np.asarray(obscured | (field.kinds("allwise") == Kind.QUASAR))


def _bright_w2(field: Field) -> Mask:
    w1, w2 = (field.column("allwise", f"w{k}mpro") for k in (1, 2))
    return np.asarray((w2 < 15.05) & np.isfinite(w1))


def _red_w1_w2(field: Field) -> Mask:
    w1, w2 = (field.column("allwise", f"w{k}mpro") for k in (1, 2))
    return np.asarray(w1 - w2 >= 0.8)


def _hot(field: Field) -> Mask:
    """White dwarfs above 7,000 K."""
    place = np.maximum(field.of["gaia"], 0)
    white = field.kinds("gaia") == Kind.WHITE_DWARF
    return np.asarray(white & (field.sources.teff_k[place] > 7_000.0))


def _any_white(field: Field) -> Mask:
    return np.asarray(field.kinds("gaia") == Kind.WHITE_DWARF)


def _to_20(field: Field) -> Mask:
    return np.asarray(field.column("gaia", "phot_g_mean_mag") <= 20.0)


def _gentile_fusillo(field: Field) -> Mask:
    """As DESI's target selection writes it, Cooper et al. 2023, ApJ 947, 37, table 3."""
    names = ("phot_g_mean_mag", "phot_bp_mean_mag", "phot_rp_mean_mag", "parallax",
             "parallax_over_error", "pmra", "pmdec")  # fmt: skip
    g, bp, rp, parallax, sure, pmra, pmdec = (field.column("gaia", name) for name in names)
    with np.errstate(invalid="ignore", divide="ignore"):
        absolute, x = g + 5 * np.log10(parallax) - 10, bp - rp
        return np.asarray(
            (absolute > 5) & (absolute > 5.93 + 5.047 * x)
            & (absolute > 6 * x**3 - 21.77 * x**2 + 27.91 * x + 0.897)
            & (x < 1.7) & (sure > 1) & (np.hypot(pmra, pmdec) > 2)
        )  # fmt: skip


def _extended(field: Field) -> Mask:
    return np.asarray(field.column("sdss", "psfMag_r") - field.column("sdss", "modelMag_r") > 0.145)


def _between(low: float, high: float) -> Callable[[Field], Mask]:
    def inside(field: Field) -> Mask:
        r = field.column("sdss", "modelMag_r")
        return np.asarray((r >= low) & (r < high))

    return inside


_STERN: Final = (
    "Stern et al. 2012, ApJ 753, 30: 95 % reliable, and finds 78 % of Spitzer candidates, obscured "
    "and not"
)
_FUSILLO: Final = (
    "Gentile Fusillo et al. 2019, MNRAS 482, 4570: of 486,641 so chosen 262,480 have P > 0.75; "
    "up to 85 % complete for G < 20 and T > 7,000 K (from memory)"
)
_STOUGHTON: Final = (
    "SDSS: 95 % right at r = 21 (Stoughton et al. 2002, AJ 123, 485, 4.4.6; from memory)"
)

CUTS: Final = (
    Cut("W1-W2 >= 0.8, W2 < 15.05: active nuclei", "allwise", _agn, _bright_w2, _red_w1_w2, 0.95,
        0.78, _STERN),
    Cut("Gaia colour and luminosity: white dwarfs, G < 20", "gaia", _any_white, _to_20,
        _gentile_fusillo, 0.54, None, _FUSILLO),
    Cut("Gaia colour and luminosity: white dwarfs of 7,000 K, G < 20", "gaia", _hot, _to_20,
        _gentile_fusillo, None, 0.85, _FUSILLO),
    Cut("psf - model > 0.145: galaxies, r 18 to 20", "sdss", _kind(Kind.GALAXY),
        _between(18.0, 20.0), _extended, 0.99, 0.99,
        "SDSS: better than 99 % for r < 20 (from memory)"),
    Cut("psf - model > 0.145: galaxies, r 20.5 to 21.5", "sdss", _kind(Kind.GALAXY),
        _between(20.5, 21.5), _extended, 0.95, 0.95, _STOUGHTON),
)  # fmt: skip


def measured(fields: Mapping[str, Field], stars: Field | None = None) -> list[dict[str, Any]]:
    """One row a cut, over all fields that its survey has seen; Gaia's over the drawn stars too."""
    rows = []
    for cut in CUTS:
        among = wanted = chosen = both = 0
        more = [stars] if stars is not None and cut.survey == "gaia" else []
        for field in (*fields.values(), *more):
            if cut.survey not in field.tables:
                continue
            where = cut.among(field)
            looked, taken = cut.wanted(field) & where, cut.chosen(field) & where
            among += int(where.sum())
            wanted += int(looked.sum())
            chosen += int(taken.sum())
            both += int((looked & taken).sum())
        rows.append(
            {
                "name": cut.name,
                "among": among,
                "wanted": wanted,
                "chosen": chosen,
                "right": both,
                "purity": both / chosen if chosen >= _LEAST and wanted else None,
                "completeness": both / wanted if wanted >= _LEAST else None,
                "published_purity": cut.purity,
                "published_completeness": cut.completeness,
                "source": cut.source,
            }
        )
    return rows


def judged(rows: Sequence[Mapping[str, Any]]) -> list[Verdict]:
    """Purity and completeness of each cut for which they are published."""
    return [
        _verdict(row, what)
        for row in rows
        for what in ("purity", "completeness")
        if row[f"published_{what}"] is not None
    ]


def _verdict(row: Mapping[str, Any], what: str) -> Verdict:
    name, there = f"{row['name']}: {what}", row[what]
    if there is None:
        why = f"{row['wanted']} such objects in the fields, {row['chosen']} rows chosen: too few"
        return Verdict.missing("cuts", name, why)
    published = row[f"published_{what}"]
    near = abs(there - published) <= BOUNDS["cuts"]
    return Verdict("cuts", name, there, published, f"within {BOUNDS['cuts']:.2f}", near)
