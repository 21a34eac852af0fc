"""The tables of the report as tables: one row a class, a stage, a bin; None is null."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    Row = dict[str, Any]
    Told = Mapping[str, Any]

_UNITS: Final = {"seconds": "s", "cpu_s": "s", "energy_j": "J", "low": "mag", "high": "mag"}
_TEXTS: Final = {
    "share": "of all objects",
    "discovery": "objects of a rare class beyond doubt",
    "follow_up": "objects that resemble no class",
    "shifted": "objects far out of the training set",
    "undersampled": "objects of which the catalogue has ten times the training set's share",
    "variable": "objects that vary with a probability of 0.5 and more",
    "n_effective": "rows of equal weight that would tell as much",
    "measured": "whether 100 effective members were there to tell",
    "true": "class by label",
    "said": "likeliest class under the model",
    "weight": "rows, at the mix that is declared",
    "p": "mean probability of the bin",
    "fraction": "of its rows that are of the class",
    "rate": "of rows with a counterpart in another catalogue",
    "cpu_s": "of all processors, helpers included",
    "energy_j": "of the machine's processors meanwhile; null where nobody can know",
    "low": "first magnitude of the bin",
    "high": "last magnitude of the bin",
}
_SCORES: Final = ("purity", "completeness", "f1")


def tables_of(told: Told) -> dict[str, pa.Table]:
    """The tables by name, of what the report has; empty ones are left out."""
    made = {
        "classes": _classes(told),
        "counts": _counts(told),
        "matches": _matches(told),
        "stages": _stages(told),
    }
    if told.get("scores"):
        scores = told["scores"]
        made |= {
            "scores": [_scored(each) for each in scores["per_class"]],
            "confusion": _confusion(scores),
            "reliability": _reliability(scores),
            "scores_by_magnitude": list(_binned(scores["by"].get("magnitude") or ())),
        }
    return {name: _table(rows) for name, rows in made.items() if rows}


def _table(rows: Sequence[Row]) -> pa.Table:
    table = pa.Table.from_pylist(list(rows))
    return table.cast(pa.schema([_field(each) for each in table.schema]))


def _field(field: pa.Field) -> pa.Field:
    said = {"unit": _UNITS.get(field.name, ""), "description": _TEXTS.get(field.name, "")}
    kind = pa.float64() if pa.types.is_null(field.type) else field.type
    return pa.field(field.name, kind, metadata={k: v for k, v in said.items() if v})


def _classes(told: Told) -> list[Row]:
    names = ("n", "share", "discovery", "follow_up", "shifted", "undersampled", "variable")
    return [
        {"class": each["name"], **{name: each[name] for name in names}}
        for each in told.get("classes") or ()
    ]


def _counts(told: Told) -> list[Row]:
    found = told.get("magnitudes")
    if not found:
        return []
    edges, names = found["edges"], [each["name"] for each in told["classes"]]
    return [
        {"magnitude": found["name"], "class": name, "low": low, "high": high, "n": int(n)}
        for name, counts in zip(names, found["counts"], strict=True)
        for low, high, n in zip(edges[:-1], edges[1:], counts, strict=True)
        if n
    ]


def _matches(told: Told) -> list[Row]:
    names = ("rows", "matched", "rate")
    rows = (told.get("match") or {}).get("rows", ())
    return [{"catalogue": each["name"], **{name: each[name] for name in names}} for each in rows]


def _stages(told: Told) -> list[Row]:
    names = ("stage", "seconds", "cpu_s", "energy_j", "rows", "ended")
    return [{name: each[name] for name in names} for each in told["resources"]["stages"]]


def _scored(each: Told) -> Row:
    row = {"class": each["name"]}
    row |= {name: each[name] for name in ("n", "n_effective", "measured", "auc", "ece")}
    for name in _SCORES:
        row |= {name: each[name]["value"], f"{name}_error": each[name]["error"]}
    return row


def _confusion(scores: Told) -> list[Row]:
    names = scores["classes"]
    return [
        {"true": true, "said": said, "weight": weight}
        for true, line in zip(names, scores["confusion"], strict=True)
        for said, weight in zip(names, line, strict=True)
    ]


def _reliability(scores: Told) -> list[Row]:
    return [
        {"class": name, **{key: each[key] for key in ("p", "fraction", "error", "n")}}
        for name, points in scores["curves"]["reliability"].items()
        for each in points
    ]


def _binned(bins: Sequence[Told]) -> Iterator[Row]:
    for each in bins:
        for one in each["per_class"]:
            yield {"low": each["low"], "high": each["high"], **_scored(one)}
