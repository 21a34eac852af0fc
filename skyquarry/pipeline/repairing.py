"""`sq.repair`: an old model and a few hundred labels of another survey become a model for it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from skyquarry.pipeline.labelled import groups_of, labels_of, numbers_of, places_of, table_of
from skyquarry.pipeline.models import model_given, model_of, places_before
from skyquarry.pipeline.ownsurveys import survey_of
from skyquarry.pipeline.training import cores

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping, Sequence

    from skyquarry.learn.classifiers.protocol import Telling
    from skyquarry.learn.model import Model
    from skyquarry.learn.pooling import Combine

LEARNERS: Final = ("forest", "extratrees", "kernel")
"""of a few hundred labels: of those that are installed. With what the old model says beside the
features they were right more often, and sooner fitted, than CatBoost and a forest (inner halves of
DR17)."""


def repair(  # noqa: PLR0913  each keyword is said by its name
    model: Model | str | os.PathLike[str],
    table: Any,
    *,
    label: str = "class",
    groups: Any = "sky",
    positions: tuple[str, str] | None = None,
    weights: str | None = None,
    learners: Sequence[str] | Mapping[str, Mapping[str, Any]] | None = None,
    combine: Combine = "auto",
    threads: int | None = None,
    seed: int = 0,
    checkpoints: str | os.PathLike[str] | None = None,
    telling: Telling | None = None,
) -> Model:
    """A model for where an old one is wrong: another depth, survey or part of the sky.

    Give a few hundred objects from there with their labels, where the alarm rings (`shifted`). The
    new model looks at the features of the old one and at what it says; the old one's training rows
    are not needed. Scores, sets, priors and novelty are those of the new labels. With 500 labels of
    deep SDSS a model of bright SDSS so repaired is better than one of the 500 alone.

    Parameters
    ----------
    model
        The old model, or its folder. It is kept whole in the new one.
    table
        A catalogue, the path of one or of a file, or a table, with the old model's columns.
    label, groups, positions, weights
        As `sq.train` takes them.
    learners
        Names, or settings by name; None: a random forest, extra trees and a kernel.
    combine, threads, seed, checkpoints, telling
        As `sq.train` takes them.

    Raises UserError where a class has fewer than five labels, ColumnError where the table lacks
    columns of the model.

    >>> new = sq.repair("model", "deep_labels.parquet")  # doctest: +SKIP
    """
    from skyquarry.learn.classifiers.checking import check_learners
    from skyquarry.learn.classifiers.registry import asked, installed
    from skyquarry.learn.examples import Examples, word
    from skyquarry.learn.fitting import Fitting
    from skyquarry.learn.repaired import repair as repaired

    check_learners(learners)
    learners = asked(learners)
    old = model_given(model)
    rows, places = table_of(table), places_of(table, positions)
    words = labels_of(rows, label)
    recipe = old.told.get("recipe", {})
    cells = groups_of(rows, groups, survey_of(recipe), places or places_before(old, rows))
    values = old.values(rows.drop_columns([label]))
    fitting = Fitting(None if checkpoints is None else Path(checkpoints), telling=telling)
    trained, seen = repaired(
        old.ensemble, values, old.features, words, groups=cells,
        weights=None if weights is None else numbers_of(rows, weights, "weights"),
        learners=learners or [each for each in LEARNERS if installed(each)] or None,
        combine=combine, threads=threads or cores(), seed=seed, fitting=fitting,
    )  # fmt: skip
    known = np.array([word(each) is not None for each in words], np.bool_)
    whole = Examples(
        old.features, values[known], seen.classes, seen.labels, seen.groups, seen.weights
    )
    made = model_of(
        whole, trained, old.units, recipe | {"label": label}, seed, old.told.get("columns", {}),
        sky=isinstance(groups, str) and groups == "sky",
    )  # fmt: skip
    about = {"repairs": {"data": old.told.get("data"), "seed": old.told.get("seed")}}
    fitting.clear()
    return replace(made, variable=old.variable, told=made.told | about)
