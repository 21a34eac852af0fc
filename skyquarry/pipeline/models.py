"""A model around what was trained: made, loaded from its folder, and what it reads of a table."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from skyquarry.errors import DataError, UserError
from skyquarry.pipeline.inputs import side_of
from skyquarry.pipeline.labelled import SKY_ORDER, check_columns, places_of, survey_names, table_of
from skyquarry.pipeline.ownsurveys import survey_of

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray

    from skyquarry.learn.conformal import ConformalSets
    from skyquarry.learn.density import TrainingSample
    from skyquarry.learn.ensemble import Trained
    from skyquarry.learn.examples import Examples
    from skyquarry.learn.model import Model
    from skyquarry.learn.novelty import Novelty

_ALPHA: Final = 0.1
"""share of each class that a conformal set may miss"""
_NOVEL_ROWS: Final = 50_000
_NOVEL_RARE: Final = 2_000
"""members of a class of which none is left out of what novelty is learnt of"""


def load_model(path: str | os.PathLike[str]) -> Model:
    """The model in a folder that `Model.save` wrote; its checksums are compared first.

    Raises NotFoundError, and DamagedError that names what is damaged.

    >>> sq.load_model("model").predict_proba("other.parquet")  # doctest: +SKIP
    """
    from skyquarry.learn.modelfile import load

    return load(path, reading=features_for)


def model_given(given: Model | str | os.PathLike[str]) -> Model:
    """A model as it is given, or the one in a folder.

    Raises UserError for anything else, and what `load_model` raises.
    """
    from skyquarry.learn.model import Model

    if isinstance(given, Model):
        return given
    if isinstance(given, str | os.PathLike):
        return load_model(given)
    raise UserError(
        f"a {type(given).__name__} is given, but a model is needed: give one that sq.train or "
        "sq.load_model gave, or its folder; the table comes after it"
    )


def features_for(model: Model, table: Any) -> NDArray[np.float32]:
    """(n, p) the model's features of any table. Raises ColumnError for one that lacks columns."""
    from skyquarry.features.making import features_of

    recipe, rows = model.told["recipe"], table_of(table)
    check_columns(model.told["columns"], rows)
    rows = _as_trained(recipe, table, rows)
    made = features_of(
        rows, survey_of(recipe), which=list(model.features),
        with_spectra=recipe["with_spectra"], ebv=recipe["ebv"], positions=recipe.get("positions"),
    )  # fmt: skip
    return made.columns(model.features).values


def _as_trained(recipe: dict[str, Any], table: Any, rows: pa.Table) -> pa.Table:
    """The rows without columns that the training table lacked.

    A survey's own name goes before a plain one: a table with modelMag_g beside the g that the model
    was trained on would be read by the former, and nothing would tell.
    """
    known = recipe.get("given")
    if known is None:  # a model of before
        return rows
    kept = {*known, *_places_for_dust(recipe, table, rows)}
    return rows.select([name for name in rows.column_names if name in kept])


def _places_for_dust(recipe: dict[str, Any], table: Any, rows: pa.Table) -> set[str]:
    """Columns of positions, where a map of dust asks for them, as this table calls them."""
    if recipe["ebv"] is None or recipe["ebv"] in rows.column_names:
        return set()
    found = set(places_of(table, None) or ())
    for each in [*((rows, name) for name in survey_names(survey_of(recipe))), rows]:
        with suppress(UserError, DataError):
            roles = side_of(each).roles
            found |= {str(roles.ra), str(roles.dec)}
    return found


def places_before(model: Model, rows: pa.Table) -> tuple[str, str] | None:
    """The columns of positions that its training was told of, where the table has them too."""
    told = model.told.get("recipe", {}).get("positions")
    return None if told is None or set(told) - set(rows.column_names) else tuple(told)


def model_of(
    examples: Examples,
    trained: Trained,
    units: tuple[str, ...],
    recipe: dict[str, Any],
    seed: int,
    columns: dict[str, str],
    *,
    sky: bool,
) -> Model:
    """What was trained, with its scores, sets, priors and novelty, learnt of these examples."""
    from skyquarry.learn.model import Model
    from skyquarry.learn.modelsaving import versions
    from skyquarry.learn.repeats import repeated
    from skyquarry.learn.scores import evaluate
    from skyquarry.pipeline.brightness import magnitude_name
    from skyquarry.software import this_code

    labels, weights = examples.labels[trained.rows], examples.weights[trained.rows]
    cells = None if examples.groups is None else examples.groups[trained.rows]
    scores = evaluate(
        trained.held, labels, examples.classes, weights=weights, cells=cells,
        mix="the training set, by rows that were not seen",
    )  # fmt: skip
    told = {
        "recipe": recipe,
        "columns": columns,
        "priors": examples.priors().tolist(),
        "counts": examples.counts().tolist(),
        "losses": trained.losses,
        "scores": scores.to_json(),
        "data": {
            "rows": len(examples),
            "sha256": examples.fingerprint(),
            "repeated": int(repeated(examples.values, examples.groups).sum()),
        },
        "footprint": _footprint(examples) if sky else None,
        "priors_by": _priors_by(examples, units),
        "skipped": list(trained.skipped),
        "seed": seed,
        "settings": {each.name: each.settings() for each in trained.ensemble.learners},
        "versions": versions(),
        "code": this_code().to_json(),
    }
    bright = magnitude_name(examples.names, units)
    told["sets_by"] = bright
    sets, novelty = _sets(trained, examples, bright), _novelty(examples, units, seed)
    return Model(
        trained.ensemble, examples.names, units, conformal=sets, told=told, novelty=novelty,
        reading=features_for, sample=_sample(examples, novelty, seed),
    )  # fmt: skip


def _sets(trained: Trained, examples: Examples, bright: str | None) -> ConformalSets:
    """Sets whose promise holds in each magnitude, and so at any mix of magnitudes."""
    from skyquarry.learn import conformal
    from skyquarry.pipeline.brightness import whole_magnitudes

    labels, weights = examples.labels[trained.rows], examples.weights[trained.rows]
    if bright is None:
        return conformal.fit(trained.held, labels, alpha=_ALPHA, weights=weights)
    magnitude = examples.values[trained.rows, examples.names.index(bright)]
    return conformal.fit(
        trained.held, labels, alpha=_ALPHA, weights=weights, magnitude=magnitude,
        edges=whole_magnitudes(magnitude)[1:-1],
    )  # fmt: skip


def _priors_by(examples: Examples, units: tuple[str, ...]) -> dict[str, Any] | None:
    """The mix of the training set by magnitude; None where no feature is one."""
    from skyquarry.pipeline.brightness import magnitude_name, priors_by_magnitude

    name = magnitude_name(examples.names, units)
    if name is None:
        return None
    magnitude = np.asarray(examples.values[:, examples.names.index(name)], np.float64)
    return priors_by_magnitude(examples.labels, len(examples.classes), magnitude, examples.weights)


def _novelty(examples: Examples, units: tuple[str, ...], seed: int) -> Novelty | None:
    """What resembles no class, of some tens of thousands of rows; None where too few tell it."""
    from skyquarry.learn import novelty
    from skyquarry.pipeline.brightness import magnitudes_among

    if len(examples) > _NOVEL_ROWS:
        some = np.random.default_rng(seed).permutation(len(examples))[:_NOVEL_ROWS]
        rare = np.isin(examples.labels, np.flatnonzero(examples.counts() < _NOVEL_RARE))
        examples = examples.take(np.union1d(some, np.flatnonzero(rare)))
    edges = None
    if len(units) > novelty.MOST_EDGES:  # of many features: magnitudes, which go deeper first
        edges = magnitudes_among(examples.names, units) or None
    try:
        return novelty.fit(
            examples.values, examples.labels, examples.groups, edges=edges, seed=seed
        )
    except UserError:  # a class in one group alone, or features that are never measured together
        return None


def _sample(examples: Examples, novelty: Novelty | None, seed: int) -> TrainingSample | None:
    """Rows in the features by which it is told what is unlike the training set."""
    from skyquarry.learn.density import TrainingSample

    if novelty is None:
        return None
    edges = () if novelty.support is None else novelty.support.columns
    return TrainingSample.of(examples.values, sorted({*novelty.columns, *edges}), seed)


def _footprint(examples: Examples) -> dict[str, Any]:
    """The cells of the sky that it was trained on."""
    assert examples.groups is not None
    cells = np.unique(examples.groups)
    return {"order": SKY_ORDER, "pixels": cells[cells >= 0].tolist()}
