"""`sq.evaluate`: a model against a table with labels, as a dict and a page."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np

from skyquarry.errors import UserError
from skyquarry.pipeline.brightness import (
    at_mix,
    latitude_deg,
    magnitude_name,
    merged_of,
    mix_of,
)
from skyquarry.pipeline.doubting import doubts, few
from skyquarry.pipeline.labelled import (
    groups_of,
    labels_of,
    numbers_of,
    places_of,
    positions_of,
    table_of,
)
from skyquarry.pipeline.models import model_given, places_before
from skyquarry.pipeline.ownsurveys import survey_of
from skyquarry.pipeline.physicscuts import cuts_of
from skyquarry.pipeline.reports import check_page

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping, Sequence

    import pyarrow as pa
    from numpy.typing import NDArray

    from skyquarry.learn.model import Model
    from skyquarry.learn.scores import Cut, Evaluation, SkyMix

    Floats = NDArray[np.float64]

_SHUFFLED: Final = 5_000
"""rows among which features are shuffled: 180 predictions of them for 60 features"""
_COMPARED: Final = ("accuracy", "balanced_accuracy", "macro_f1", "log_loss")
_TRAINING_MIX: Final = "the table as it is, probabilities at the mix of the training set"


@dataclass(frozen=True, slots=True)
class _Judged:
    """What is known of the rows that have a label the model knows."""

    rows: pa.Table
    number: NDArray[np.int64]
    """(n,) class"""
    values: NDArray[np.float32]
    """(n, p) features"""
    p: Floats
    """(n, K) at the mix of the training set"""
    cells: NDArray[np.int64] | None
    magnitude: Floats | None
    latitude: Floats | None
    strange: Mapping[str, int]
    """labels that the model does not know, and how many rows have them"""


def evaluate(  # noqa: PLR0913  each keyword is said by its name
    model: Model | str | os.PathLike[str],
    table: Any,
    *,
    label: str = "class",
    groups: Any = "sky",
    positions: tuple[str, str] | None = None,
    magnitude: str | None = None,
    mix: SkyMix | Literal["sky"] | None = None,
    merged: Mapping[str, str] | None = None,
    cuts: Sequence[Cut] | None = None,
    importance: bool = False,
    page: str | os.PathLike[str] | None = None,
    draws: int = 200,
    seed: int = 0,
) -> dict[str, Any]:
    """How good a model is on a table with labels: a dict, and a page where one is asked for.

    Purity hangs on the mix of the classes more than on the model: with `mix` the rows are weighted
    to that sky and the probabilities brought to it; what holds for the rows as they are stands
    under `as_given`. Errors are by cells of the sky. `shift` tells how much worse the model is here
    than on rows of its own training set that it had not seen: of another survey, depth or region.

    Parameters
    ----------
    model
        A model, or the folder of one.
    table
        A catalogue, the path of one or of a file, or a pyarrow, pandas or astropy table.
    label
        The column of classes, in the words of the model; rows where it is null are left out, those
        of other classes are counted and left out.
    groups
        The cells of the errors: "sky", a column, numbers (n,), or None: each row for itself.
    positions
        Columns of right ascension and declination, where they are not found by themselves.
    magnitude
        The column or feature to bin by; if not given, r, G, g, i ... of the model's features.
    mix
        The sky that the scores are for: "sky" is the one that is shipped (`learn/skymix.py`), by r
        and |b|; if not given, the table as it is.
    merged
        From classes to star, galaxy, quasar; known for the eight classes.
    cuts
        Cuts (n,) over the rows of the table, to be beaten at their own purity; None: those of
        `physicscuts` that the columns allow.
    importance
        Whether to tell what each feature is worth: how much the log-loss rises when it is shuffled
        among at most 5,000 of these rows, with errors by cells. `importance["worth"]` are those
        beyond two errors, the most important first: what `sq.train(features=...)` may be given.
    page
        A file that ends in .html.
    draws, seed
        Of the bootstrap.

    What fewer than 100 effective rows stand for is not measured: `measured` says so of a class, of
    a bin and of the whole, and `doubts` in words, with what to do.

    Raises UserError where no row has a label of the model, ColumnError where the table lacks its
    columns.

    >>> sq.evaluate(model, "other.parquet", page="scores.html")  # doctest: +SKIP
    """
    if page is not None:
        check_page(page)
    model = model_given(model)
    mix = mix_of(mix, model)
    rows = table_of(table)
    positions = places_of(table, positions) or places_before(model, rows)
    kept, judged = _judged(model, rows, label, groups, positions, magnitude)
    _check_places(mix, judged)
    told = _told(model, judged, mix, merged, draws, seed)
    if cuts is None:
        cuts = cuts_of(rows.drop_columns([label]), _survey(model), model.classes)
    told["cuts"] = _against(model, judged, kept, cuts, mix, draws, seed)
    if importance:
        told["importance"] = _importance(model, judged, seed)
    told |= {
        "shift": _shift(model, told),
        "title": f"How well {_and(model.classes)} are told apart",
        "model": str(model),
        "alarm": _alarm(model, judged),
        "strange": dict(judged.strange),
    }
    told["doubts"] = [
        *doubts(
            told,
            judged.cells is not None,
            _in_training_cells(model, judged),
            _of_training(model, judged),
        ),
        *few(told, judged.number, judged.magnitude, _weights(judged, mix)),
    ]
    if page is not None:
        from skyquarry.plots.evaluationpage import evaluation_page

        evaluation_page(told, page)
    return told


# ------------------------------------------------------------------ rows
def _survey(model: Model) -> Any:
    return survey_of(model.told.get("recipe", {}))


def _judged(
    model: Model, rows: pa.Table, label: str, groups: Any, positions: Any, magnitude: str | None
) -> tuple[NDArray[np.intp], _Judged]:
    """Which rows are scored, and what is known of them."""
    from skyquarry.learn.examples import word

    place = {name: number for number, name in enumerate(model.classes)}
    words = [word(each) for each in labels_of(rows, label)]
    number = np.array([-1 if each is None else place.get(each, -2) for each in words], np.int64)
    others = Counter(each for each in words if each is not None and each not in place)
    strange = dict(sorted(others.items()))
    kept = np.flatnonzero(number >= 0)
    if not len(kept):
        found = ", ".join(strange) or "empty"
        raise UserError(
            f"no row of {len(rows)} has a class of the model in {label!r} (there: {found}), but it "
            f"knows {', '.join(model.classes)}: name the column, or rename the classes"
        )
    survey = _survey(model)
    cells = groups_of(rows, groups, survey, positions)
    part = rows.take(kept)
    values = model.values(part.drop_columns([label]))
    return kept, _Judged(
        rows=part,
        number=number[kept],
        values=values,
        p=model.judge(values),
        cells=None if cells is None else cells[kept],
        magnitude=_magnitude(model, part, values, magnitude),
        latitude=_latitude(part, survey, positions),
        strange=strange,
    )


def _magnitude(
    model: Model, rows: pa.Table, values: NDArray[np.float32], name: str | None
) -> Floats | None:
    if name is not None and name in rows.column_names:
        return numbers_of(rows, name, "magnitude")
    if name is not None and name not in model.features:
        raise UserError(
            f"magnitude is {name!r}, but that is neither a column of the table nor a feature of "
            f"the model ({', '.join(model.features[:8])} ...): name one"
        )
    found = name or magnitude_name(model.features, model.units)
    return None if found is None else np.asarray(values[:, model.features.index(found)], np.float64)


def _latitude(rows: pa.Table, survey: Any, positions: Any) -> Floats | None:
    """None where the table has no positions: then nothing is binned by it."""
    try:
        ra, dec = positions_of(rows, survey, positions)
    except UserError:
        if positions is not None:
            raise
        return None
    return latitude_deg(ra, dec)


# ------------------------------------------------------------------ scores
def _told(
    model: Model,
    judged: _Judged,
    mix: SkyMix | None,
    merged: Mapping[str, str] | None,
    draws: int,
    seed: int,
) -> dict[str, Any]:
    given = _scores(model, judged, judged.p, None, merged, _TRAINING_MIX, draws, seed)
    if mix is None:
        return given.to_json()
    weights, uncovered = mix.weights(judged.number, judged.magnitude, judged.latitude)
    p, exact = at_mix(model, judged.p, judged.magnitude, mix)
    at_sky = _scores(model, judged, p, weights, merged, mix.name, draws, seed).to_json()
    plain = given.to_json()
    kept = ("mix", "n", "n_effective", "measured", "overall", "per_class", "confusion", "baselines")
    return at_sky | {
        "uncovered": uncovered.tolist(),
        "repriored": exact,
        "as_given": {name: plain[name] for name in kept},
    }


def _scores(  # noqa: PLR0913, PLR0917
    model: Model,
    judged: _Judged,
    p: Floats,
    weights: Floats | None,
    merged: Mapping[str, str] | None,
    mix: str,
    draws: int,
    seed: int,
) -> Evaluation:
    from skyquarry.learn.scores import evaluate as score

    sets = None
    if model.conformal is not None:
        sets = model.sets_of(judged.p, judged.values)
    return score(
        p, judged.number, model.classes, weights=weights, cells=judged.cells,
        magnitude=judged.magnitude, latitude_deg=judged.latitude,
        merged=merged or merged_of(model.classes), sets=sets, mix=mix, draws=draws, seed=seed,
    )  # fmt: skip


def _check_places(mix: SkyMix | None, judged: _Judged) -> None:
    """Raises UserError where the mix hangs on what the rows do not have."""
    if mix is None:
        return
    if mix.latitude_edges and judged.latitude is None:
        raise UserError(
            f"{mix.name} is told by Galactic latitude, but the table has no positions that are "
            "understood: name them with positions=(ra, dec), or score the rows as they are (no mix)"
        )
    if mix.magnitude_edges and judged.magnitude is None:
        raise UserError(
            f"{mix.name} is told by magnitude, but no feature of the model is one: name a column "
            "with magnitude=, or score the rows as they are (no mix)"
        )


def _weights(judged: _Judged, mix: SkyMix | None) -> Floats | None:
    """(n,) of the rows at a mix; None without one."""
    if mix is None:
        return None
    return mix.weights(judged.number, judged.magnitude, judged.latitude)[0]


def _against(
    model: Model,
    judged: _Judged,
    kept: NDArray[np.intp],
    cuts: Sequence[Cut],
    mix: SkyMix | None,
    draws: int,
    seed: int,
) -> list[dict[str, Any]]:
    from skyquarry.learn.scores import Cut, against_cuts

    weights, p = _weights(judged, mix), judged.p
    if mix is not None:
        p = at_mix(model, judged.p, judged.magnitude, mix)[0]
    there = [
        Cut(each.name, each.label, np.asarray(each.chosen)[kept],
            None if each.known is None else np.asarray(each.known)[kept], each.source)
        for each in cuts
    ]  # fmt: skip
    return against_cuts(
        p, judged.number, model.classes, there, weights=weights, cells=judged.cells, draws=draws,
        seed=seed,
    )  # fmt: skip


def _importance(model: Model, judged: _Judged, seed: int) -> dict[str, Any]:
    """What each feature is worth on rows that the model has not seen."""
    from skyquarry.features.importance import importance

    some = np.sort(np.random.default_rng(seed).permutation(len(judged.number))[:_SHUFFLED])
    found = importance(
        model.judge, judged.values[some], model.features, judged.number[some],
        cells=None if judged.cells is None else judged.cells[some], seed=seed,
    )  # fmt: skip
    return found.to_json() | {"rows": len(some), "worth": list(found.worth())}


def _shift(model: Model, told: Mapping[str, Any]) -> dict[str, dict[str, float | None]] | None:
    """Scores on unseen rows of the training set, and here less there; None for an older model."""
    home = model.told.get("scores", {}).get("overall")
    if home is None:
        return None
    here = told.get("as_given", told)["overall"]
    return {name: _change(home[name], here[name]) for name in _COMPARED}


def _change(home: Mapping[str, Any], here: Mapping[str, Any]) -> dict[str, float | None]:
    if home["value"] is None or here["value"] is None:
        return {"training": home["value"], "change": None, "error": None}
    error = float(np.hypot(home["error"] or 0.0, here["error"] or 0.0))
    return {
        "training": home["value"], "change": here["value"] - home["value"], "error": error,
    }  # fmt: skip


def _alarm(model: Model, judged: _Judged) -> dict[str, float] | None:
    """Shares of rows that are unlike the training set: on their own, and as a whole table."""
    from skyquarry.learn.shift import alarm

    if model.novelty is None:
        return None
    told = alarm(model.novelty, judged.values)
    return {"rows": float(told.rows.mean()), "table": bool(told.batches.any())}


def _in_training_cells(model: Model, judged: _Judged) -> float:
    footprint = model.told.get("footprint")
    if not footprint or judged.cells is None or judged.latitude is None:
        return 0.0
    return float(np.isin(judged.cells, footprint["pixels"]).mean())


def _of_training(model: Model, judged: _Judged) -> tuple[int, int]:
    """How many of the training rows that the model keeps are among these, and how many it keeps."""
    from skyquarry.learn.repeats import among

    if model.sample is None:
        return 0, 0
    kept = model.sample.values
    return int(among(judged.values[:, list(model.sample.columns)], kept).sum()), len(kept)


def _and(names: Sequence[str]) -> str:
    words = [name.replace("_", " ") for name in names]
    return f"{', '.join(words[:-1])} and {words[-1]}"
