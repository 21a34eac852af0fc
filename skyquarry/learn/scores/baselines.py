"""What costs nothing, to stand beside a score: the commonest class, and star, galaxy, quasar.

An accuracy of 0.9 is no feat where nine of ten objects are stars.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from skyquarry.errors import UserError
from skyquarry.learn.scores import measures
from skyquarry.learn.scores.blocks import Blocks
from skyquarry.learn.scores.given import Given

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray


def baselines(
    given: Given, classes: Sequence[str], merged: Mapping[str, str] | None
) -> dict[str, Any]:
    """Scores of three that need no features, or fewer classes.

    `majority`: the shares of the classes, told of every object. With `merged`, `three_classes`: the
    model itself, judged on the merged classes; `three_known`: one that knows the merged class
    without fail, and tells the shares within it.
    """
    kinds = len(classes)
    share = np.bincount(given.label, given.weight, kinds) / given.weight.sum()
    told: dict[str, Any] = {
        "majority": {
            "says": classes[int(share.argmax())],
            **_overall(np.tile(share, (len(given.label), 1)), given),
        }
    }
    if not merged:
        return told
    lacking = [name for name in classes if name not in merged]
    if lacking:
        raise UserError(
            f"merged says nothing of {', '.join(lacking)}, but each class belongs to one of the "
            "merged: add them"
        )
    names = list(dict.fromkeys(merged[name] for name in classes))
    if len(names) < 2:
        return told
    number = np.array([names.index(merged[name]) for name in classes])
    into = np.eye(len(names))[number]
    coarse = Given(given.p @ into, number[given.label], given.weight)
    within = share * (into[given.label] @ into.T)
    total = within.sum(axis=1, keepdims=True)
    told["three_classes"] = {
        "classes": names, **_overall(coarse.p, coarse), "per_class": _of_merged(coarse, names),
    }  # fmt: skip
    told["three_known"] = {"classes": names, **_overall(within / total, given)}
    return told


def _overall(p: NDArray[np.float64], given: Given) -> dict[str, float]:
    one = Blocks(np.zeros(len(p), np.intp), np.ones((1, 1)))
    totals = measures.by_block(p, given.label, given.weight, one).summed()
    return {name: float(value) for name, value in measures.overall(totals).items()}


def _of_merged(given: Given, names: Sequence[str]) -> list[dict[str, Any]]:
    one = Blocks(np.zeros(len(given.label), np.intp), np.ones((1, 1)))
    totals = measures.by_block(given.p, given.label, given.weight, one).summed()
    told = measures.of_classes(totals)
    return [
        {"name": name, **{what: float(told[what][k]) for what in measures.OF_CLASS}}
        for k, name in enumerate(names)
    ]
