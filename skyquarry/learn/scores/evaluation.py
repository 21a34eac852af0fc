"""The whole evaluation of a classification: plain data, for a page, a file, or a test."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from skyquarry.errors import UserError
from skyquarry.learn.scores import measures
from skyquarry.learn.scores.baselines import baselines
from skyquarry.learn.scores.blocks import Blocks, at_least, effective, spread
from skyquarry.learn.scores.curves import purity_completeness
from skyquarry.learn.scores.given import Given
from skyquarry.learn.scores.reliability import confidence, curve, reliability
from skyquarry.learn.scores.rivals import LEAST_EFFECTIVE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]
    Mask = NDArray[np.bool_]

LATITUDES: Final = (0.0, 20.0, 40.0, 60.0, 90.0)


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What `evaluate` found; every value with its standard error by cells of the sky.

    Where all rows are right, or none, draws of them do not differ: the error is what a share may be
    of which so many rows saw none (`blocks.unseen`).
    """

    classes: tuple[str, ...]
    mix: str
    """what the weights stand for"""
    n: int
    n_effective: float
    cells: int
    """blocks of the bootstrap"""
    overall: dict[str, dict[str, float | None]]
    """accuracy, balanced_accuracy, macro_f1, log_loss, brier, auc, ece: value and error"""
    per_class: list[dict[str, Any]]
    confusion: list[list[float]]
    """true by said: weights"""
    by: dict[str, list[dict[str, Any]]]
    """magnitude, latitude: the same in bins"""
    baselines: dict[str, Any]
    curves: dict[str, dict[str, list[dict[str, float]]]]
    """reliability and purity_completeness of each class"""
    cuts: list[dict[str, Any]] = field(default_factory=list)
    uncovered: list[float] | None = None
    """share of each class in the declared mix that no row stands for"""

    @property
    def not_measured(self) -> tuple[str, ...]:
        """Classes with fewer than 100 effective members: their figures are not to be quoted."""
        return tuple(each["name"] for each in self.per_class if not each["measured"])

    @property
    def measured(self) -> bool:
        """Whether 100 effective rows or more stand for the figures over all classes."""
        return self.n_effective >= LEAST_EFFECTIVE

    def to_json(self) -> dict[str, Any]:
        """As plain data; what is not known is None."""
        return {
            name: _plain(getattr(self, name)) for name in self.__dataclass_fields__
        } | {"not_measured": list(self.not_measured), "measured": self.measured}  # fmt: skip


def evaluate(  # noqa: PLR0913  (options by name)
    p: ArrayLike,
    labels: ArrayLike,
    classes: Sequence[str],
    *,
    weights: ArrayLike | None = None,
    cells: ArrayLike | None = None,
    magnitude: ArrayLike | None = None,
    magnitude_edges: Sequence[float] | None = None,
    latitude_deg: ArrayLike | None = None,
    latitude_edges: Sequence[float] = LATITUDES,
    merged: Mapping[str, str] | None = None,
    sets: NDArray[np.bool_] | None = None,
    mix: str = "the rows as given",
    draws: int = 200,
    seed: int = 0,
) -> Evaluation:
    """Score probabilities p (n, K) against true class numbers (n,).

    `weights` (n,) bring the rows to the mix that `mix` names (`SkyMix.weights`), `cells` (n,) are
    the blocks of the bootstrap (`splits.sky_groups`), `merged` maps classes to star, galaxy, quasar
    for the three-class baseline, `sets` (n, K) are conformal sets. Bins of magnitude are whole
    magnitudes if not given; an object without one is in no bin. Values of classes with fewer than
    100 effective members say `measured` False.
    """
    given = Given.of(p, labels, weights=weights)
    if len(classes) != given.p.shape[1] or len(set(classes)) != len(classes):
        raise UserError(
            f"{len(classes)} names stand for {given.p.shape[1]} columns of probabilities, but each "
            "column needs a name of its own: give Model.classes"
        )
    if sets is not None and np.shape(sets) != given.p.shape:
        raise UserError(
            f"the sets have shape {np.shape(sets)}, but probabilities {given.p.shape}: give "
            "ConformalSets.sets of the same rows"
        )
    blocks = Blocks.of(cells, len(given.label), draws, seed)
    held = None if sets is None else np.asarray(sets)
    whole = _scores(given, classes, blocks, held)
    edges = _edges(magnitude, magnitude_edges)
    return Evaluation(
        classes=tuple(classes),
        mix=mix,
        n=len(given.label),
        n_effective=effective(given.weight),
        cells=blocks.count,
        overall=whole["overall"],
        per_class=whole["per_class"],
        confusion=whole["confusion"],
        by={
            "magnitude": _by(given, classes, blocks, held, magnitude, edges),
            "latitude": _by(given, classes, blocks, held, _size(latitude_deg), latitude_edges),
        },
        baselines=baselines(given, classes, merged),
        curves=_curves(given, classes),
    )  # fmt: skip


# ------------------------------------------------------------------ one part of the rows
def _scores(
    given: Given, classes: Sequence[str], blocks: Blocks, sets: Mask | None
) -> dict[str, Any]:
    sums = measures.by_block(given.p, given.label, given.weight, blocks)
    total, drawn = sums.summed(), sums.resampled(blocks)
    values, errors = measures.overall(total), measures.overall(drawn)
    overall = {
        name: {"value": float(values[name]), "error": float(spread(errors[name]))}
        for name in measures.OVERALL
    }
    area = measures.areas(given.p, given.label, given.weight)
    gauges = [
        reliability(given.p[:, k], given.label == k, given.weight) for k in range(len(classes))
    ]
    for name, each in (("auc", area), ("ece", np.array([gauge.ece for gauge in gauges]))):
        known = each[np.isfinite(each)]
        overall[name] = {"value": float(known.mean()) if len(known) else np.nan, "error": np.nan}
    told, told_errors = measures.of_classes(total), measures.of_classes(drawn)
    per_class, said = [], given.p.argmax(axis=1)
    for k, name in enumerate(classes):
        mine = given.label == k
        n_effective = effective(given.weight[mine])
        row: dict[str, Any] = {
            "name": name, "n": int(mine.sum()), "n_effective": n_effective,
            "share": float(given.weight[mine].sum() / given.weight.sum()),
            "measured": n_effective >= LEAST_EFFECTIVE, "auc": float(area[k]),
            "ece": gauges[k].ece, "ece_plain": gauges[k].ece_plain,
            "ece_noise": gauges[k].ece_noise,
            "confident": confidence(given.p[:, k], mine, given.weight, blocks),
        }  # fmt: skip
        judged = {"completeness": n_effective, "f1": n_effective,
                  "purity": effective(given.weight[said == k])}  # fmt: skip
        for what in measures.OF_CLASS:
            value, error = float(told[what][k]), float(spread(told_errors[what][:, k]))
            row[what] = {"value": value, "error": at_least(error, value, judged[what])}
        if sets is not None:
            row["coverage"] = _coverage(sets[:, k], mine, given.weight, blocks)
        per_class.append(row)
    _widen(overall, per_class, effective(given.weight))
    if sets is not None:
        overall |= _sizes(sets, given.weight)
    return {"overall": overall, "per_class": per_class, "confusion": total.confusion.tolist()}


def _widen(
    overall: dict[str, dict[str, float]], per_class: Sequence[Mapping[str, Any]], n: float
) -> None:
    """Errors of means over classes, with what a class of which all or none is right may hide."""
    whole = overall["accuracy"]
    whole["error"] = at_least(whole["error"], whole["value"], n)
    for mean, part in (("balanced_accuracy", "completeness"), ("macro_f1", "f1")):
        known = [each[part] for each in per_class if each["n_effective"] > 0]
        hidden = [each["error"] for each in known if each["value"] in (0.0, 1.0)]
        if hidden:
            of_them = float(np.linalg.norm(hidden)) / len(known)
            overall[mean]["error"] = float(np.hypot(overall[mean]["error"], of_them))


def _coverage(held: Mask, mine: Mask, weight: Floats, blocks: Blocks) -> dict[str, float]:
    """Share of a class's members whose set holds it."""
    counted = np.where(mine, weight, 0.0)
    sums = blocks.sums(np.stack([counted * held, counted], axis=1))
    total, drawn = sums.sum(axis=0), blocks.resampled(sums)
    value = total[0] / total[1] if total[1] else np.nan
    known = drawn[:, 1] > 0
    error = float(spread(drawn[known, 0] / drawn[known, 1]))
    return {"value": float(value), "error": at_least(error, float(value), effective(counted))}


def _sizes(sets: Mask, weight: Floats) -> dict[str, dict[str, float]]:
    size = sets.sum(axis=1)
    shares = {
        "set_size": size.astype(np.float64),
        "empty_sets": size == 0,
        "single_sets": size == 1,
    }
    return {
        name: {"value": float(np.average(each, weights=weight)), "error": np.nan}
        for name, each in shares.items()
    }


# ------------------------------------------------------------------ bins
def _size(latitude_deg: ArrayLike | None) -> Floats | None:
    return None if latitude_deg is None else np.abs(np.asarray(latitude_deg, np.float64))


def _edges(magnitude: ArrayLike | None, edges: Sequence[float] | None) -> Sequence[float]:
    """Whole magnitudes from the first to the 99th percentile."""
    if magnitude is None or edges is not None:
        return edges or ()
    known = np.asarray(magnitude, np.float64)
    known = known[np.isfinite(known)]
    if not len(known):
        return ()
    low, high = np.floor(np.percentile(known, [1, 99]))
    return [float(each) for each in np.arange(low, high + 2)]


def _by(
    given: Given,
    classes: Sequence[str],
    blocks: Blocks,
    sets: Mask | None,
    value: ArrayLike | None,
    edges: Sequence[float],
) -> list[dict[str, Any]]:
    """The scores of each bin that holds rows."""
    if value is None or len(edges) < 2:
        return []
    known = np.asarray(value, np.float64)
    if known.shape != given.label.shape:
        raise UserError(
            f"values to bin by have shape {known.shape}, but there are {len(given.label)} rows: "
            "give one a row, NaN where it is unknown"
        )
    told = []
    for low, high in itertools.pairwise(edges):
        last = high == edges[-1]
        rows = (known >= low) & ((known <= high) if last else (known < high))
        if not given.weight[rows].any():
            continue
        part = Given(given.p[rows], given.label[rows], given.weight[rows])
        scores = _scores(part, classes, blocks.taken(rows), None if sets is None else sets[rows])
        n_effective = effective(part.weight)
        told.append({
            "low": float(low), "high": float(high), "n": int(rows.sum()),
            "n_effective": n_effective, "measured": n_effective >= LEAST_EFFECTIVE,
            "overall": scores["overall"], "per_class": scores["per_class"],
        })  # fmt: skip
    return told


def _curves(given: Given, classes: Sequence[str]) -> dict[str, dict[str, list[dict[str, float]]]]:
    reliable, pure = {}, {}
    for k, name in enumerate(classes):
        mine = given.label == k
        reliable[name] = curve(given.p[:, k], mine, given.weight)
        pure[name] = purity_completeness(given.p[:, k], mine, given.weight)
    return {"reliability": reliable, "purity_completeness": pure}


def _plain(value: Any) -> Any:
    """For JSON: NaN and infinity are None."""
    if isinstance(value, dict):
        return {name: _plain(each) for name, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(each) for each in value]
    if isinstance(value, float) and not np.isfinite(value):
        return None
    return value.item() if isinstance(value, np.generic) else value
