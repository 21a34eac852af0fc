"""Objects of each class to look at: the surest, one in the middle, the most doubtful."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pyarrow as pa

from skyquarry.pipeline.project.reporting.truths import truth_words, truths_in

if TYPE_CHECKING:
    from skyquarry.engine.catalog import Catalog
    from skyquarry.learn.model import Model
    from skyquarry.pipeline.project.reporting.tallying import Tally
    from skyquarry.pipeline.project.settings import Project

_KINDS: Final = ("sure", "usual", "doubtful")
_REASONS: Final = 3


def specimens_of(
    project: Project, tally: Tally, model: Model, matched: Catalog
) -> list[dict[str, Any]]:
    """Three objects of each class, with what is known of them and what speaks for the class.

    They are of the sample of the tally, well measured where some are: the same sky gives the same
    objects.
    """
    chosen = [each for name in tally.classes for each in _of_class(tally, name)]
    if not chosen:
        return []
    key = str(matched.roles.id)
    ids = [each["id"] for each in chosen]
    rows = matched.ids(dict.fromkeys(ids)).to_table()
    place = {value: row for row, value in enumerate(rows[key].to_pylist())}
    said = [model.classes.index(each["class"]) for each in chosen]
    told = reasons_of(model, rows, said, [place[each] for each in ids])
    truths = truths_in(project, rows)
    return [
        {**each, "reasons": words, "truth": _in_words(truths[place[each["id"]]], each["class"])}
        for each, words in zip(chosen, told, strict=True)
    ]


def reasons_of(
    model: Model, rows: pa.Table, said: list[int], places: list[int], most: int = _REASONS
) -> list[list[str]]:
    """For each place among the rows what speaks for or against the class that is said of it."""
    from skyquarry.learn.explanations import reasons

    values = model.values(rows)[np.array(places, np.intp)]
    weights = model.ensemble.explain(values)
    if weights is None:
        return [[] for _ in places]
    found = reasons(
        weights, values, model.features, model.classes, np.array(said), units=model.units,
        most=most,
    )  # fmt: skip
    return [[each.text for each in one] for one in found]


def _in_words(truth: dict[str, Any] | None, said: str) -> dict[str, Any] | None:
    if truth is None:
        return None
    return {"words": truth_words(truth), "right": truth["class"] == said}


def _of_class(tally: Tally, name: str) -> list[dict[str, Any]]:
    rows = tally.samples.get(name)
    if rows is None:
        return []
    rows = _well_measured(rows)
    p = rows["probability"].to_numpy()
    order = np.lexsort((rows["lot"].to_numpy(), -p))
    picked = dict.fromkeys([order[0], order[len(order) // 2], order[-1]])
    return [
        _told(tally, rows, int(row), kind, name)
        for row, kind in zip(picked, _kinds(len(picked)), strict=True)
    ]


def _well_measured(rows: pa.Table) -> pa.Table:
    """Those with errors small enough for some diagram, where there are any."""
    places = [name for name in rows.column_names if name[0] == "x" and name[1:].isdigit()]
    good = np.zeros(rows.num_rows, np.bool_)
    for name in places:
        good |= np.isfinite(rows[name].to_numpy())
    return rows.filter(pa.array(good)) if good.sum() >= len(_KINDS) else rows


def _kinds(number: int) -> tuple[str, ...]:
    return _KINDS if number == len(_KINDS) else ("sure", "doubtful")[:number]


def _told(tally: Tally, rows: pa.Table, row: int, kind: str, name: str) -> dict[str, Any]:
    one = {column: rows[column][row].as_py() for column in rows.column_names}
    return {
        "kind": kind,
        "class": name,
        "id": one[rows.column_names[0]],
        "ra": one["ra"],
        "dec": one["dec"],
        "bands": {band: one[band] for band in tally.bands if np.isfinite(one[band])},
        "p": _probabilities(one, tally.classes),
        "class_set": one["class_set"],
        "novelty": one["novelty"],
    }


def _probabilities(one: dict[str, Any], classes: tuple[str, ...]) -> dict[str, float]:
    from skyquarry.pipeline.verdicts import probability_columns

    return {name: float(one[column]) for name, column in probability_columns(classes).items()}
