"""Two classifications of the same objects, compared object by object; and physics cuts.

Both see the same cells in every draw, so that what is hard for both drops out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from skyquarry.errors import UserError
from skyquarry.learn.scores import measures
from skyquarry.learn.scores.blocks import Blocks, effective, spread
from skyquarry.learn.scores.curves import Ranked
from skyquarry.learn.scores.given import Given

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]
    Mask = NDArray[np.bool_]

INTERVAL: Final = (2.5, 97.5)
LEAST_EFFECTIVE: Final = 100.0


@dataclass(frozen=True, slots=True)
class Cut:
    """A physics cut: who passes is said to be of the class."""

    name: str
    label: str
    """the class it is for"""
    chosen: Mask
    """(n,) bool"""
    known: Mask | None = None
    """(n,) bool: rows where all it needs is measured; the rest is compared in neither"""
    source: str = ""


def compare(
    p: ArrayLike,
    other: ArrayLike,
    labels: ArrayLike,
    *,
    weights: ArrayLike | None = None,
    cells: ArrayLike | None = None,
    draws: int = 1_000,
    seed: int = 0,
) -> dict[str, dict[str, float | bool]]:
    """Each measure of p (n, K) and of `other` (n, K), their difference and its error and interval.

    `better` says that the 95 % interval of the difference excludes 0 on the good side: for log-loss
    and Brier the difference is to be negative.
    """
    ours = Given.of(p, labels, weights=weights)
    theirs = Given.of(other, labels, weights=weights)
    if ours.p.shape != theirs.p.shape:
        raise UserError(
            f"the probabilities have shapes {ours.p.shape} and {theirs.p.shape}, but both need one "
            "row an object and the same classes: give predictions of the same table"
        )
    blocks = Blocks.of(cells, len(ours.label), draws, seed)
    sums = [measures.by_block(each.p, each.label, each.weight, blocks) for each in (ours, theirs)]
    totals = [measures.overall(each.summed()) for each in sums]
    drawn = [measures.overall(each.resampled(blocks)) for each in sums]
    told: dict[str, dict[str, float | bool]] = {}
    for name in measures.OVERALL:
        gaps = drawn[0][name] - drawn[1][name]
        low, high = np.nanpercentile(gaps, INTERVAL)
        less = name in ("log_loss", "brier")
        told[name] = {
            "value": float(totals[0][name]),
            "other": float(totals[1][name]),
            "difference": float(totals[0][name] - totals[1][name]),
            "error": float(spread(gaps)),
            "low": float(low),
            "high": float(high),
            "better": bool(high < 0 if less else low > 0),
        }
    return told


def against_cuts(  # noqa: PLR0913  (what is compared, and how)
    p: ArrayLike,
    labels: ArrayLike,
    classes: Sequence[str],
    cuts: Sequence[Cut],
    *,
    weights: ArrayLike | None = None,
    cells: ArrayLike | None = None,
    draws: int = 400,
    seed: int = 0,
) -> list[dict[str, Any]]:
    """For each cut: its purity and completeness, and the model's completeness at that purity.

    `beaten` says that the 95 % interval of the gain in completeness lies above 0; in every draw
    the model's threshold is set anew to the purity that the cut has in it. None where the cut's
    class has fewer than 100 effective members or nothing passes.
    """
    given = Given.of(p, labels, weights=weights)
    blocks = Blocks.of(cells, len(given.label), draws, seed)
    return [_against(given, list(classes), each, blocks) for each in cuts]


def _against(given: Given, classes: list[str], cut: Cut, blocks: Blocks) -> dict[str, Any]:
    if cut.label not in classes:
        raise UserError(
            f"the cut {cut.name!r} is for {cut.label!r}, but the classes are {', '.join(classes)}: "
            "leave it out"
        )
    if np.shape(cut.chosen) != given.label.shape:
        raise UserError(
            f"the cut {cut.name!r} has shape {np.shape(cut.chosen)}, but there are "
            f"{len(given.label)} rows: give one a row"
        )
    number = classes.index(cut.label)
    known = np.ones(len(given.label), bool) if cut.known is None else np.asarray(cut.known)
    mine = given.label[known] == number
    chosen, weight = np.asarray(cut.chosen)[known], given.weight[known]
    told: dict[str, Any] = {
        "name": cut.name, "class": cut.label, "source": cut.source, "n": int(known.sum()),
        "n_effective": effective(weight[mine]), "chosen": int(chosen.sum()),
        "purity": None, "completeness": None, "model_completeness": None, "model_threshold": None,
        "gain": None, "low": None, "high": None, "beaten": None,
    }  # fmt: skip
    if told["n_effective"] < LEAST_EFFECTIVE or not (weight[chosen] > 0).any():
        return told
    ranked = Ranked.of(given.p[known, number], mine)
    purity, completeness = _of_cut(chosen, mine, weight)
    ours, threshold = ranked.at_purity(weight, purity)
    told |= {"purity": purity, "completeness": completeness, "model_completeness": ours,
             "model_threshold": threshold, "gain": ours - completeness}  # fmt: skip
    gains = []
    for drawn in blocks.drawn:
        counted = weight * drawn[blocks.number[known]]
        if not (counted[mine] > 0).any() or not (counted[chosen] > 0).any():
            continue
        here, found = _of_cut(chosen, mine, counted)
        gains.append(ranked.at_purity(counted, here)[0] - found)
    if gains:
        low, high = np.percentile(gains, INTERVAL)
        told |= {"low": float(low), "high": float(high), "beaten": bool(low > 0)}
    return told


def _of_cut(chosen: Mask, mine: Mask, weight: Floats) -> tuple[float, float]:
    right = float(weight[chosen & mine].sum())
    return right / float(weight[chosen].sum()), right / float(weight[mine].sum())
