"""Whether probabilities are frequencies, class by class."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from skyquarry.learn.scores.blocks import Blocks

    Floats = NDArray[np.float64]
    Mask = NDArray[np.bool_]

BINS: Final = 15
_LEAST_ROWS: Final = 20
"""rows a bin: with fewer, fewer bins"""
CONFIDENT: Final = 0.5
GAP: Final = 0.02
"""of mean probability and fraction right among confident rows: as much is allowed"""


@dataclass(frozen=True, slots=True)
class Reliability:
    """How far the probabilities of one class are from frequencies, in bins of equal count."""

    ece: float
    """debiased: `ece_plain` times the root of the share of the mean square gap that the scatter of
    counts leaves unexplained (the debiased square of Kumar, Liang & Ma 2019, arXiv 1909.10155)"""
    ece_plain: float
    """mean over bins of |mean p - fraction|"""
    ece_noise: float
    """what `ece_plain` would be on average of perfect probabilities"""


def reliability(p: Floats, mine: Mask, weight: Floats, bins: int = BINS) -> Reliability:
    """Of one class: its probabilities p (n,), who belongs to it, weights. NaN below 20 rows."""
    number = min(bins, len(p) // _LEAST_ROWS)
    if not number or not weight.sum():
        return Reliability(float("nan"), float("nan"), float("nan"))
    place = np.empty(len(p), np.intp)
    order = np.argsort(p, kind="stable")
    place[order] = np.arange(len(p)) * number // len(p)
    total = np.bincount(place, weight, number)
    known = total > 0
    total = total[known]
    gap = (np.bincount(place, weight * (p - mine), number)[known]) / total
    variance = np.bincount(place, weight**2 * p * (1.0 - p), number)[known] / total**2
    share = total / total.sum()
    square = float(share @ gap**2)
    signal = max(0.0, square - float(share @ variance)) / square if square else 0.0
    plain = float(share @ np.abs(gap))
    noise = float(share @ np.sqrt(2.0 * variance / np.pi))
    return Reliability(plain * signal**0.5, plain, noise)


def confidence(p: Floats, mine: Mask, weight: Floats, blocks: Blocks) -> dict[str, Any]:
    """Among rows with p >= 0.5 of one class: mean p - fraction right, its error, and if it serves.

    It does where it is at most 0.02, or 2 standard errors by cell.
    """
    sure = p >= CONFIDENT
    counted = np.where(sure, weight, 0.0)
    gaps = blocks.sums(np.stack([counted * (p - mine), counted], axis=1))
    total = gaps.sum(axis=0)
    if not total[1]:
        return {"n": 0, "gap": None, "error": None, "kept": None}
    draws = blocks.resampled(gaps)
    known = draws[:, 1] > 0
    error = float(np.std(draws[known, 0] / draws[known, 1], ddof=1)) if known.sum() > 1 else 0.0
    gap = float(total[0] / total[1])
    return {
        "n": int(sure.sum()), "gap": gap, "error": error, "kept": abs(gap) <= max(GAP, 2.0 * error),
    }  # fmt: skip


def curve(p: Floats, mine: Mask, weight: Floats, parts: int = 10) -> list[dict[str, float]]:
    """Points of a reliability diagram: bins of equal width, those without rows left out."""
    place = np.minimum((p * parts).astype(np.intp), parts - 1)
    told = []
    for each in range(parts):
        here = place == each
        total = float(weight[here].sum())
        if not total:
            continue
        share = float(weight[here] @ mine[here]) / total
        n = total**2 / float(weight[here] @ weight[here])
        told.append({
            "p": float(weight[here] @ p[here]) / total,
            "fraction": share,
            "error": float(np.sqrt((share * (1.0 - share) + 0.25 / n) / n)),
            "n": int(here.sum()),
        })  # fmt: skip
    return told
