"""What a run says of itself: match rates, tests of errors and probabilities, and what to doubt."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from skyquarry.match.reports.doubts import Facts, doubts
from skyquarry.match.reports.measured import measured
from skyquarry.match.reports.rayleigh import RayleighTest, rayleigh_test
from skyquarry.match.reports.tally import (
    FLAGS,
    LARGEST_SEPARATION,
    MAG_BINS,
    MAG_FIRST,
    MAG_STEP,
    P_EDGES,
    P_UNIT,
    REASONS,
    PairTally,
    RowTally,
    Tally,
    tally,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from skyquarry.match.calibration.calibrate import Calibration
    from skyquarry.match.reports.measured import Measured
    from skyquarry.match.reports.shifted import ShiftedSky
    from skyquarry.match.reports.strangers import Strangers

    Floats = NDArray[np.float64]

__all__ = ["Facts", "QualityReport", "Tally", "quality_report", "tally"]

_TOLD: Final = 3  # doubts of the verdict
_SHOWN_BINS: Final = 60  # of separations, in the report
_NAMED_PAIRS: Final = 2  # pairs of catalogues that a line of the verdict names one by one
_SEPARATION_BLOCK: Final = 10


@dataclass(frozen=True, slots=True)
class QualityReport:
    """Plain data: numbers, text, lists and dicts of them, None where unknown."""

    names: tuple[str, ...]
    rows: list[dict[str, Any]]
    """a catalogue each: rows, matched, rate, reasons, by_magnitude"""
    pairs: list[dict[str, Any]]
    """two catalogues each: candidates, accepted, expected_false, rayleigh, reliability, shifted"""
    calibration: dict[str, Any] | None
    """`Calibration.to_dict()`, None where none was made"""
    calibration_lines: list[str]
    doubts: list[str]
    """what may be wrong, a sentence each, the gravest first"""
    facts: dict[str, Any] = field(default_factory=dict)

    def verdict(self) -> list[str]:
        """Five lines: matched, expected false, error scale, calibration, what to doubt."""
        return [
            f"matched: {_matched(self.rows)}",
            f"expected false: {_false(self.pairs)}",
            f"error scale: {_scales(self.pairs)}",
            f"calibration: {'; '.join(self.calibration_lines) or 'off'}",
            f"doubt: {_gravest(self.doubts)}",
        ]

    def to_dict(self) -> dict[str, Any]:
        """All of it, with the verdict."""
        return {
            "verdict": self.verdict(),
            "names": list(self.names),
            "rows": self.rows,
            "pairs": self.pairs,
            "calibration": self.calibration,
            "calibration_lines": self.calibration_lines,
            "doubts": self.doubts,
            "facts": self.facts,
        }

    def to_json(self) -> str:
        """The same as text."""
        return json.dumps(self.to_dict(), indent=1, allow_nan=False)


def quality_report(
    counted: Tally,
    *,
    calibration: Calibration | None = None,
    shifted: Mapping[tuple[int, int], ShiftedSky] | None = None,
    strangers: Mapping[tuple[int, int], Strangers] | None = None,
    facts: Facts | None = None,
    chi2_limit: float = 11.829,
) -> QualityReport:
    """The report of a run from its counts.

    `calibration`: what was applied, None where it was switched off. `shifted`: the shifted sky of
    two catalogues, by their numbers. `strangers`: what rows without counterpart find; gives the
    reliability table its measured side.
    `chi2_limit`: candidates are cut off there (99.73 % of 2 degrees of freedom by default).
    """
    told = facts or Facts()
    skies = shifted or {}
    pairs = []
    for (a, b), each in sorted(counted.pairs.items()):
        sky = skies.get((a, b))
        away = measured(each.candidates, counted.rows[a], sky, (strangers or {}).get((a, b)))
        pair = _pair(each, sky, away, np.sqrt(chi2_limit))
        pairs.append({"left": counted.names[a], "right": counted.names[b]} | pair)
    rows = [_row(name, each) for name, each in zip(counted.names, counted.rows, strict=True)]
    return QualityReport(
        names=counted.names,
        rows=rows,
        pairs=pairs,
        calibration=None if calibration is None else calibration.to_dict(),
        calibration_lines=[] if calibration is None else calibration.lines(),
        doubts=doubts(rows, pairs, calibration, told),
        facts=told.to_dict(),
    )


def _gravest(doubts: list[str]) -> str:
    """The first few, and how many more there are."""
    if not doubts:
        return "nothing stands out"
    more = len(doubts) - _TOLD
    return " ".join(doubts[:_TOLD]) + (f" And {more} more: see the report." if more > 0 else "")


# ------------------------------------------------------------------ rows
def _row(name: str, each: RowTally) -> dict[str, Any]:
    rows, matched = int(each.reasons.sum()), int(each.reasons[0])
    return {
        "name": name,
        "rows": rows,
        "matched": matched,
        "rate": _ratio(matched, rows),
        "reasons": dict(zip(REASONS[1:], each.reasons[1:].tolist(), strict=True)),
        "by_magnitude": _by_magnitude(each),
    }


def _by_magnitude(each: RowTally) -> list[dict[str, Any]]:
    """Bins that have rows."""
    return [
        {
            "mag": MAG_FIRST + MAG_STEP * n,
            "to": MAG_FIRST + MAG_STEP * (n + 1),
            "rows": int(each.mags[n]),
            "matched": int(each.matched_mags[n]),
            "rate": _ratio(each.matched_mags[n], each.mags[n]),
        }
        for n in range(MAG_BINS)
        if each.mags[n]
    ]


# ------------------------------------------------------------------ pairs
def _pair(
    each: PairTally, sky: ShiftedSky | None, away: Measured | None, limit: float
) -> dict[str, Any]:
    accepted = int(each.accepted[0])
    sure = P_UNIT * float(each.accepted_probability[0])
    test = rayleigh_test(each.separations, LARGEST_SEPARATION, limit)
    return {
        "candidates": int(each.candidates.sum()),
        "accepted": accepted,
        "expected_true": P_UNIT * float(each.probability.sum()),
        "expected_false": accepted - sure,
        "expected_false_share": _ratio(accepted - sure, accepted),
        "flags": {str(flag.name).lower(): n for flag, n in _flags(each) if n},
        "separations": _separations(each, test, limit),
        "rayleigh": test.to_dict(),
        "probability": _histogram(each),
        "reliability": _reliability(each, away),
        "shifted": None if sky is None else sky.to_dict(),
    }


def _flags(each: PairTally) -> list[tuple[Any, int]]:
    return list(zip(FLAGS, each.flags.tolist(), strict=True))


def _separations(each: PairTally, test: RayleighTest, limit: float) -> dict[str, Any]:
    """The histogram of separations in standard errors, and what is expected in its bins."""
    counts = each.separations.reshape(_SHOWN_BINS, _SEPARATION_BLOCK).sum(axis=1)
    edges = np.linspace(0.0, LARGEST_SEPARATION, _SHOWN_BINS + 1)
    return {
        "edges": edges.round(6).tolist(),
        "counts": counts.tolist(),
        "expected": (test.pairs * _rayleigh(edges, limit)).tolist(),
        "limit": limit,
    }


def _rayleigh(edges: Floats, limit: float) -> Floats:
    curve = -np.expm1(-0.5 * np.minimum(edges, limit) ** 2)
    return np.asarray(np.diff(curve) / -np.expm1(-0.5 * limit**2))


def _histogram(each: PairTally) -> dict[str, Any]:
    """Candidates by probability, with and without what magnitudes say."""
    return {
        "edges": P_EDGES.round(6).tolist(),
        "with_photometry": each.candidates.tolist(),
        "without_photometry": each.geometry.tolist(),
    }


def _reliability(each: PairTally, away: Measured | None) -> list[dict[str, Any]]:
    """A bin of probability each: how many of its candidates are true, as told and as measured."""
    told = []
    simulated = bool(each.true.any())
    for n, count in enumerate(each.candidates.tolist()):
        if count:
            expected = P_UNIT * float(each.probability[n]) / count
            share, error = (None, None) if away is None else away.of_bin(n)
            told.append(
                {
                    "from": float(round(P_EDGES[n], 6)),
                    "to": float(round(P_EDGES[n + 1], 6)),
                    "candidates": count,
                    "expected": expected,
                    "true": int(each.true[n]) / count if simulated else None,
                    "shifted": share,
                    "error": float(np.sqrt(expected * (1.0 - expected) / count)),
                    "shifted_error": error,
                }
            )
    return told


# ------------------------------------------------------------------ words
def _matched(rows: Sequence[Mapping[str, Any]]) -> str:
    return ", ".join(
        f"{each['matched']:,} of {each['rows']:,} {each['name']}{_percent(each['rate'])}"
        for each in rows
    )


def _false(pairs: Sequence[Mapping[str, Any]]) -> str:
    told = [each for each in pairs if each["accepted"]]
    if not told:
        return "no pair was accepted"
    if len(told) <= _NAMED_PAIRS:
        return "; ".join(f"{_expected(each, _both(each))}{_by_shift([each])}" for each in told)
    total = {key: sum(each[key] for each in told) for key in ("expected_false", "accepted")}
    total["expected_false_share"] = total["expected_false"] / total["accepted"]
    worst = max(told, key=lambda each: float(each["expected_false_share"]))
    most = f"; the largest share, {100 * worst['expected_false_share']:.2g} %, in {_both(worst)}"
    return f"{_expected(total, 'pairs')}{_by_shift(told)}{most}"


def _expected(pair: Mapping[str, Any], of_what: str) -> str:
    share = 100.0 * pair["expected_false_share"]
    return f"{pair['expected_false']:,.1f} of {pair['accepted']:,} {of_what} ({share:.2g} %)"


def _by_shift(pairs: Sequence[Mapping[str, Any]]) -> str:
    """Of the nearest rows, whatever their probability: how many are by chance."""
    skies = [each["shifted"] for each in pairs]
    skies = [sky for sky in skies if sky is not None and sky["false"] is not None]
    if not skies:
        return ""
    false, matched = (sum(sky[key] for sky in skies) for key in ("false", "matched"))
    low, high = (f(sky["radius_arcsec"] for sky in skies) for f in (min, max))
    within = f"{low:.2g}" if f"{low:.2g}" == f"{high:.2g}" else f"{low:.2g} to {high:.2g}"
    return f", and by a shifted sky {false:,.1f} of {matched:,} nearest within {within} arcsec"


def _scales(pairs: Sequence[Mapping[str, Any]]) -> str:
    tests = [(each["rayleigh"], _both(each)) for each in pairs]
    told = [(test, both) for test, both in tests if test["scale"] is not None]
    if not told:
        return "too few pairs to tell"
    right = "; 1 and 1.39 are right"
    if len(told) <= _NAMED_PAIRS:
        return ", ".join(f"{_scale(test)}, {both}" for test, both in told) + right
    scales = [test["scale"] for test, _ in told]
    test, both = max(told, key=lambda each: abs(float(np.log(max(each[0]["scale"], 1e-9)))))
    return f"{min(scales):.3f} to {max(scales):.3f}; farthest off: {_scale(test)}, {both}{right}"


def _scale(test: Mapping[str, Any]) -> str:
    size = f"{test['scale']:.3f} ± {test['scale_error']:.3f}"
    return f"{size} (median chi2 {test['median_chi2']:.2f})"


def _both(pair: Mapping[str, Any]) -> str:
    return f"{pair['left']}–{pair['right']}"


def _percent(share: float | None) -> str:
    return "" if share is None else f" ({100.0 * share:.3g} %)"


def _ratio(part: float, whole: float) -> float | None:
    return float(part) / float(whole) if whole else None
