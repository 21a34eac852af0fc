"""`sq.train`: from a table with labels to a model."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from skyquarry.errors import UserError
from skyquarry.pipeline.labelled import (
    groups_of,
    labels_of,
    numbers_of,
    places_of,
    table_of,
    units_of,
)
from skyquarry.pipeline.models import model_of
from skyquarry.pipeline.ownsurveys import survey_recipe
from skyquarry.pipeline.varying import varies_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import pyarrow as pa

    from skyquarry.features.leakage import Leakage
    from skyquarry.features.making import Features
    from skyquarry.learn.classifiers.protocol import Telling
    from skyquarry.learn.ensemble import Trained
    from skyquarry.learn.examples import Examples
    from skyquarry.learn.model import Model
    from skyquarry.learn.pooling import Combine

FOLDS: Final = 5


def train(  # noqa: PLR0913  each keyword is said by its name
    table: Any,
    *,
    label: str = "class",
    survey: Any = None,
    features: str | Sequence[str] = "auto",
    groups: Any = "sky",
    positions: tuple[str, str] | None = None,
    weights: str | None = None,
    variable: str | None = None,
    finer: str | None = None,
    with_spectra: bool = False,
    ebv: str | None = None,
    allow_leakage: bool = False,
    learners: Sequence[str] | Mapping[str, Mapping[str, Any]] | None = None,
    combine: Combine = "auto",
    threads: int | None = None,
    seed: int = 0,
    checkpoints: str | os.PathLike[str] | None = None,
    telling: Telling | None = None,
    said: Callable[[str], Any] | None = print,
) -> Model:
    """A model that tells the classes of a table with labels apart: any two or more.

    An ensemble of CatBoost, XGBoost, a random forest and, where torch is installed, a network. What
    joins and calibrates them is learnt of rows that they have not seen; no group of rows lies on
    both sides of a split.

    Parameters
    ----------
    table
        A catalogue, the path of one or of a file, or a pyarrow, pandas or astropy table.
    label
        The column of classes; rows where it is null or empty are left out.
    survey
        Whose columns they are: a name, a role file, several, or {prefix: name}; see `features`.
    features
        "auto": all that is made of columns to which the survey's roles give a name; or features,
        families and columns by name. Bookkeeping and positions are refused.
    groups
        "sky": cells of 0.84 square degrees; a column, or numbers (n,); None: each row for itself.
    positions
        Columns of right ascension and declination, in degrees of ICRS, where they are not found by
        themselves: for `groups`, and for a dust map.
    weights
        A column of positive weights.
    variable
        What tells which objects vary, for a second head beside the classes (`Model.variability`): a
        column of true and false, null where unknown, or "light" for features of light curves. A
        transient always varies. None: no such head.
    finer
        A column of kinds within the classes, null where a row is of none: learners tell the kinds
        apart, whose probabilities are summed to those of the classes. Kinds of fewer than 200 rows
        count to the largest of their class.
    with_spectra
        Let what comes from spectra in, such as a redshift that `features` names: another model, for
        objects that have them.
    ebv
        A column of E(B-V), or "sfd", for dereddened colours.
    allow_leakage
        Train although the class can be told from what is missing, or from the survey alone, at 0.1
        balanced accuracy over chance. The score is kept in either case.
    learners
        Names, or settings by name; None: those for so many rows and features that are installed.
        One of yours by the name that it is registered or offered by, or as "module:Class".
    combine
        "vote", "product", "stack", or "auto": the mean of vote and product; of more than 20,000
        rows the best of all on unseen rows, without a stack where a class has fewer than 200.
    threads
        Of each learner; None: one a core. The same number gives the same bits.
    seed
        Another seed, another model of the same quality.
    checkpoints
        A folder: a training that was killed and is called again with it goes on, and gives the
        same model. What trainings kept there is removed at the end, and nothing else.
    telling
        Is told how far each learner is.
    said
        Is told what features are used and refused, and why; None: nobody is. The model keeps what
        was refused (`told["recipe"]["refused"]`).

    Raises UserError for labels, features or groups of which nothing can be learnt, DamagedError for
    a damaged checkpoint.

    >>> model = sq.train("labels.parquet", label="class", survey="sdss")  # doctest: +SKIP
    """
    from skyquarry.features.making import AUTO
    from skyquarry.learn.classifiers.checking import check_learners
    from skyquarry.learn.classifiers.registry import asked
    from skyquarry.learn.examples import Examples
    from skyquarry.learn.fitting import Fitting
    from skyquarry.learn.hierarchy import counts_of, fit_head

    _yielding()
    check_learners(learners)
    learners = asked(learners)
    seed, threads = (
        _whole("seed", seed, 0),
        _whole("threads", cores() if threads is None else threads, 1),
    )
    rows, places = table_of(table), places_of(table, positions)
    words = labels_of(rows, label)
    cells = groups_of(rows, groups, survey, places)
    kinds = None if finer is None else np.array(labels_of(rows, finer), object)
    made = _features(
        rows, (label, variable, finer), features, survey=survey, with_spectra=with_spectra, ebv=ebv,
        positions=places, telling=said,
    )  # fmt: skip
    if features == AUTO:
        made = _measured(made, words, said)
    varies, leave = (None, ()) if variable is None else varies_of(rows, variable, words, made)
    every = Examples.of(
        made.values, made.names, words, groups=cells,
        weights=None if weights is None else numbers_of(rows, weights, "weights"),
    )  # fmt: skip
    examples, labelled = every.labelled(), every.labels >= 0
    if varies is not None:
        varies = varies[labelled]
        counts_of(varies, len(examples))
    found = _leakage(examples, seed, allow_leakage=allow_leakage)
    if said is not None:
        _say_repeats(examples, said)
        _say_alike(examples.classes, said)
    fitting = Fitting(None if checkpoints is None else Path(checkpoints), telling=telling)
    trained = _trained(
        examples, None if kinds is None else kinds[labelled].tolist(), learners=learners,
        combine=combine, threads=threads, seed=seed, fitting=fitting,
    )  # fmt: skip
    recipe = {"features": list(made.names), **survey_recipe(survey), "label": label, "ebv": ebv,
              "given": rows.column_names, "positions": places, "with_spectra": with_spectra,
              "leakage": found.to_json(),
              "refused": dict(made.refused)}  # fmt: skip
    sky = isinstance(groups, str) and groups == "sky"
    columns = units_of(rows, {column for each in made.used for column in each.columns})
    units = tuple(each.unit for each in made.used)
    model = model_of(examples, trained, units, recipe, seed, columns, sky=sky)
    if varies is not None:
        head = fit_head(
            examples, varies, leave=leave, learners=learners, threads=threads,
            seed=seed, fitting=fitting,
        )  # fmt: skip
        model = replace(model, variable=head, told=model.told | {"variable": dict(head.told)})
    fitting.clear()
    return model


def _whole(name: str, value: Any, least: int) -> int:
    """The number, of whatever type. Raises UserError."""
    whole = isinstance(value, int | np.integer) and not isinstance(value, bool)
    if not whole or value < least:
        raise UserError(f"{name} is {value!r}, but a whole number of {least} or more is needed")
    return int(value)


def _yielding() -> None:
    """Threads of OpenMP that wait give their core away, if its user has not said otherwise.

    They would spin: with as many threads as cores and one other process at work, XGBoost took
    three times the processor's time, and as long. It is read when a library with OpenMP is loaded.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")


def _features(
    rows: pa.Table, told: Sequence[str | None], which: str | Sequence[str], **how: Any
) -> Features:
    """Features of a table without the columns that the model is to tell.

    Raises UserError where one of these is asked for as a feature.
    """
    from skyquarry.features.making import features_asked, features_of

    for own in () if isinstance(which, str) else told:
        if own in features_asked(which):
            raise UserError(
                f"{own!r} is what the model is to tell, and a feature: leave it out of the features"
            )
    beside = [name for name in told if name in rows.column_names]
    return features_of(rows.drop_columns(beside), which=which, **how)


def _trained(examples: Examples, kinds: list[Any] | None, **how: Any) -> Trained:
    """The ensemble; where kinds (n,) are given it learns these, and sums them to the classes."""
    from skyquarry.learn import summed
    from skyquarry.learn.ensemble import train as train_ensemble

    if kinds is None:
        return train_ensemble(examples, **how)
    taught = summed.split(examples, kinds)
    return summed.of_classes(train_ensemble(taught, **how), taught, examples)


def _measured(made: Features, words: list[Any], said: Callable[[str], Any] | None) -> Features:
    """Without the features that no labelled row has: nobody asked for each of them by name."""
    from skyquarry.learn.examples import word

    rows = np.array([word(each) is not None for each in words], np.bool_)
    seen = np.asarray(np.isfinite(made.values[rows]).any(axis=0)).tolist()
    empty = [name for name, has in zip(made.names, seen, strict=True) if not has]
    if not empty or len(empty) == len(seen):  # all of them: the error says what is wrong
        return made
    if said is not None:
        said(f"no labelled row has {', '.join(empty)}: left out")
    left = [(name, "no labelled row has it") for name in empty]
    kept = made.columns([name for name in made.names if name not in set(empty)])
    return replace(kept, refused=(*made.refused, *left))


def cores() -> int:
    """Those that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _leakage(examples: Examples, seed: int, *, allow_leakage: bool) -> Leakage:
    """What the classes betray without a measurement. Raises UserError where that is much."""
    from skyquarry.features.leakage import check_leakage, leakage
    from skyquarry.learn.splits import folds

    fold = folds(examples.labels, examples.groups, FOLDS, seed, names=examples.classes)
    found = leakage(examples.values, examples.names, examples.labels, fold)
    check_leakage(found, allow_leakage=allow_leakage)
    return found


def _say_repeats(examples: Examples, said: Callable[[str], Any]) -> None:
    """Tell of rows that splits may put on both sides."""
    from skyquarry.learn.repeats import MANY, repeated

    many = int(repeated(examples.values, examples.groups).sum())
    if many > MANY * len(examples):
        said(
            f"{many:,} of {len(examples):,} rows have the very values of a row in another group: "
            "if they are one object, its own scores are too good and its probabilities too sure; "
            "give each object once, or a column of groups that is the same for all its rows"
        )


def _say_alike(classes: tuple[str, ...], said: Callable[[str], Any]) -> None:
    """Tell of classes that may be one, spelled in two ways."""
    spelled: dict[str, list[str]] = {}
    for name in classes:
        spelled.setdefault(name.casefold(), []).append(name)
    for names in spelled.values():
        if len(names) > 1:
            said(
                f"{' and '.join(map(repr, names))} are learnt as classes of their own: if they are "
                "one, spell it in one way"
            )
