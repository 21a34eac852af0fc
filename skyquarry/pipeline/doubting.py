"""What stands against the scores of a model, in sentences."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from skyquarry.learn.repeats import MANY
from skyquarry.learn.scores.rivals import LEAST_EFFECTIVE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

_RINGS: Final = 0.1
"""share of rows unlike the training set from which on it is said"""
_SEEN: Final = 0.01
"""share of rows in cells that the model was trained on, from which on it is said"""
_LOST: Final = 0.01
"""share of a class in the mix that no row stands for, or of an unmeasured class among all"""
_HEAVY: Final = (0.1, 0.9)
"""between these parts of a class's weight, by magnitude, its rows are to be had"""


def doubts(
    told: Mapping[str, Any],
    cells: bool,  # noqa: FBT001
    seen: float,
    kept: tuple[int, int] = (0, 0),
) -> list[str]:
    """What an evaluation (its JSON) says against itself.

    cells: whether errors are by cells; seen: share of rows in cells of the training set; kept: how
    many of the training rows that the model keeps are among those scored, and how many it keeps.
    """
    found = []
    if told["strange"]:
        names = ", ".join(f"{name} ({count:,})" for name, count in told["strange"].items())
        found.append(f"Classes that the model does not know were left out: {names}.")
    alarm = told["alarm"]
    if alarm is not None and (alarm["rows"] > _RINGS or alarm["table"]):
        found.append(
            f"{alarm['rows']:.0%} of the rows are unlike what the model was trained on: its own "
            "scores and sets do not hold here; some hundred labels of these mend it (sq.repair)."
        )
    if kept[0] > MANY * kept[1]:
        found.append(
            f"{kept[0]:,} of the {kept[1]:,} rows that the model keeps of its training have their "
            "very values among these: where these are the same objects the scores are too good."
        )
    elif seen > _SEEN:
        found.append(
            f"{seen:.0%} of the rows lie in cells of the sky that the model was trained on: if "
            "they are rows of its training, the scores are too good."
        )
    if not cells:
        found.append("Errors are those of independent rows: no cells of the sky were given.")
    if told.get("repriored") is False:
        found.append(
            "The mix hangs on the magnitude, but the model kept no mix of its training by "
            "magnitude: probabilities were brought to the sky's shares over all magnitudes only."
        )
    return found


def few(
    told: Mapping[str, Any],
    number: NDArray[np.int64],
    magnitude: Floats | None,
    weights: Floats | None,
) -> list[str]:
    """What too few rows stand for: of the whole, of classes, and what no row stands for.

    number (n,), magnitude (n,) and weights (n,) are those of the rows; weights are None as given.
    """
    if weights is not None and np.ptp(weights) == 0.0:
        weights = None  # each row stands for itself
    found = []
    if not told["measured"]:
        found.append(
            f"Figures over all classes are not measured: {told['n_effective']:.0f} effective of "
            f"{told['n']:,} rows{_heavy(weights)}. {_remedy(weights, 'more rows')}"
        )
    lacking = [
        (place, each) for place, each in enumerate(told["per_class"]) if not each["measured"]
    ]
    if lacking:
        parts = [_of_class(each, number == place, magnitude, weights) for place, each in lacking]
        found.append(
            f"Not measured, with fewer than {LEAST_EFFECTIVE:.0f} effective rows"
            f"{_heavy(weights)}: {'; '.join(parts)}. {_remedy(weights, 'more of them')}"
        )
    large = [each for _, each in lacking if each["share"] > _LOST]
    if large and weights is not None:
        names = " and ".join(f"{_plain(each)} ({each['share']:.0%})" for each in large)
        found.append(
            f"Large in the mix and not measured: {names}. How much of it is taken for other "
            "classes is not known either, so that their purity may be lower than it seems."
        )
    lost = zip(told["per_class"], told.get("uncovered") or (), strict=False)
    return found + [
        f"Of {_plain(each)} in the mix, {share:.0%} lies where no row was scored: its scores are "
        "those of the rest."
        for each, share in lost
        if share > _LOST
    ]


def _heavy(weights: Floats | None) -> str:
    return "" if weights is None else " (at this mix a few rows stand for nearly all)"


def _remedy(weights: Floats | None, what: str) -> str:
    if weights is None:
        return f"Label {what}."
    return (
        f"Label {what}, as bright as those are that weigh most, or score the rows as they are "
        "(without mix; `as_given` has that)."
    )


def _of_class(
    each: Mapping[str, Any],
    mine: NDArray[np.bool_],
    magnitude: Floats | None,
    weights: Floats | None,
) -> str:
    """One class: how many rows stand for it, and at which magnitudes they weigh most."""
    if not each["n"]:
        return f"{_plain(each)} (no row)"
    if weights is None:
        return f"{_plain(each)} ({each['n']:,})"
    if not weights[mine].any():
        return f"{_plain(each)} (none of its {each['n']:,} rows lies where the mix has any)"
    where = ""
    counts = mine & (weights > 0)
    if magnitude is not None:
        counts &= np.isfinite(magnitude)
        if counts.any():
            low, high = _middle(magnitude[counts], weights[counts])
            where = f", magnitude {low:.1f} to {high:.1f}"
    return f"{_plain(each)} ({each['n_effective']:.0f} of {each['n']:,}{where})"


def _middle(value: Floats, weight: Floats) -> tuple[float, float]:
    """Between which values most of the weight lies."""
    order = np.argsort(value, kind="stable")
    below = np.cumsum(weight[order]) / weight.sum()
    low, high = (value[order][np.searchsorted(below, part)] for part in _HEAVY)
    return float(low), float(high)


def _plain(each: Mapping[str, Any]) -> str:
    return str(each["name"]).replace("_", " ")
