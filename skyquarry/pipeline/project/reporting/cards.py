"""A model card: what a model was trained on, how good it is where, and what it is not for."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from skyquarry.catalog.classes import DEFINITIONS
from skyquarry.catalog.files import Folder
from skyquarry.learn.repeats import MANY
from skyquarry.pipeline.project.places import MODEL, SCORES
from skyquarry.software import said as code_said

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from skyquarry.pipeline.project.settings import Project

_MEASURES: Final = ("accuracy", "balanced_accuracy", "macro_f1", "log_loss", "brier", "auc", "ece")
_SHOWN: Final = 60
"""columns that were refused, as far as the card lists them"""
_ALWAYS: Final = (
    "- Whatever it is shown is called one of its classes: `novelty` tells what resembles none.",
    "- It is for rows like those of its training: `shifted` and `sq.evaluate`'s alarm tell others.",
    "- Of `undersampled` objects it saw few: a catalogue has ten times as many (`density_ratio`).",
    "- `uncertainty` is doubt among classes; `tree_spread`, of the trees, lessens with labels.",
)
_HOW: Final = """```python
import skyquarry as sq
model = sq.load_model("model")
p = model.predict_proba(table)   # columns in the order of model.classes
```

    skyquarry classify model CATALOG --to classified

A table needs the columns listed in `model.json` (told.columns), in their units. What the model says
holds at the mix of its training set, or at a mix that is given. All files are JSON, safetensors or
the learners' own formats: none of them runs code when it is read."""


def write_card(project: Project) -> None:
    """Write README.md beside the project's model, with its scores where there are any."""
    from skyquarry.pipeline.project.records import Records

    folder = project.folder
    model = json.loads((folder / MODEL / "model.json").read_text(encoding="utf-8"))
    scores = folder / SCORES / "scores.json"
    label = Records(folder).of("label")
    text = card(
        model,
        name=folder.name,
        scores=json.loads(scores.read_text(encoding="utf-8")) if scores.is_file() else None,
        sources=_sources(project),
        label={} if label is None else label.told,
    )
    Folder.at(folder / MODEL).write_atomic("README.md", text.encode())


def card_beside(path: Path) -> None:
    """Write README.md beside a model of no project: scores are those of rows it was not fitted to.

    Raises NotFoundError where no model is there.
    """
    from skyquarry.errors import NotFoundError

    if not (path / "model.json").is_file():
        raise NotFoundError(f"{path} holds no model, but a card tells of one: train it first")
    model = json.loads((path / "model.json").read_text(encoding="utf-8"))
    text = card(model, name=path.name, scores=model["told"]["scores"], sources=(), label={})
    Folder.at(path).write_atomic("README.md", text.encode())


def _sources(project: Project) -> list[dict[str, Any]]:
    from skyquarry.engine.catalog import open_catalog
    from skyquarry.pipeline.project.places import place_of
    from skyquarry.pipeline.project.reporting.gathering import SIMULATION
    from skyquarry.pipeline.project.settings import matched_names

    told = []
    for name in matched_names(project):
        properties = open_catalog(place_of(project, name)).properties
        simulated = project.surveys[name].source == "simulate" or SIMULATION in properties
        told.append({"name": name, "title": properties.get("obs_title", name),
                     "simulated": simulated})  # fmt: skip
    return told


def card(
    model: Mapping[str, Any],
    *,
    name: str,
    scores: Mapping[str, Any] | None,
    sources: Sequence[Mapping[str, Any]],
    label: Mapping[str, Any],
) -> str:
    """The text of a model card, after Mitchell et al. 2019, Model Cards for Model Reporting."""
    told = model["told"]
    parts = [
        [f"# Model of {name}", "", _summary(model, sources)],
        ["## How to use it", "", _HOW],
        ["## Classes", "", *_classes(model, label)],
        ["## What it was trained on", "", *_training(told, sources, label)],
        ["## Scores", "", *_scores(scores)],
        ["## Limits", "", *_limits(model, scores, sources, label)],
        ["## Leakage", "", *_leakage(told["recipe"].get("leakage"))],
        ["## Features", "", *_features(model)],
        ["## How it was made", "", *_making(model)],
        ["## Licence", "", *_licence(sources)],
    ]
    return "\n\n".join("\n".join(part) for part in parts) + "\n"


def _summary(model: Mapping[str, Any], sources: Sequence[Mapping[str, Any]]) -> str:
    learners = ", ".join(each if isinstance(each, str) else each["name"]
                         for each in model["learners"])  # fmt: skip
    given = model["told"]["recipe"]["survey"] or ()
    given = list(given.values()) if hasattr(given, "values") else given
    known = [given] if isinstance(given, str) else [str(each) for each in given]
    of = ", ".join(each["title"] for each in sources) or ", ".join(known)
    return (
        f"Tells {len(model['classes'])} classes apart by {len(model['features'])} features of "
        f"photometry, astrometry and shapes of {of or 'a table'}: {learners}, pooled and "
        "calibrated on rows that none of them had seen."
    )


def _classes(model: Mapping[str, Any], label: Mapping[str, Any]) -> list[str]:
    labelled = label.get("classes", {})
    ours = DEFINITIONS.items() if labelled else ()  # of a table the labels have their own meaning
    definitions = {each.label: told.physics for each, told in ours}
    lines = ["| class | definition | in training | labelled in all | share of the mix |",
             "|---|---|---|---|---|"]  # fmt: skip
    rows = zip(model["classes"], model["told"]["counts"], model["told"]["priors"], strict=True)
    for name, count, prior in rows:
        total = f"{labelled[name]:,}" if name in labelled else "not known"
        meant = definitions.get(name, "as its labels have it")
        lines.append(f"| {name} | {meant} | {count:,} | {total} | {100 * prior:.3g} % |")
    left = label.get("left_out", {})
    if left:
        said = ", ".join(f"{name} ({count:,})" for name, count in left.items())
        lines += ["", f"Left out, as too few or none of the eight classes: {said}."]
    return lines


def _training(
    told: Mapping[str, Any], sources: Sequence[Mapping[str, Any]], label: Mapping[str, Any]
) -> list[str]:
    made = [each["name"] for each in sources if each["simulated"]]
    real = [each["name"] for each in sources if not each["simulated"]]
    data = told["data"]
    lines = [f"{data['rows']:,} rows, seed {told['seed']}; sha256 of them `{data['sha256']}`.", ""]
    old = told.get("repairs", {}).get("data")
    if old:
        base = f"a model of {old['rows']:,} other rows, kept whole in `base/`"
        lines += [f"It repairs {base}, and looks at what that one says.", ""]
    if made:
        sky = "How true that sky is, docs/explain/how-true-is-the-synthetic-sky.md tells"
        lines += [f"**Simulated**: {', '.join(made)}. {sky}; on real rows expect less.", ""]
    if real:
        lines += [f"Real: {', '.join(real)}.", ""]
    rows = label.get("rows", {})
    if rows:
        parts = f"{rows.get('train', 0):,} rows train, {rows.get('test', 0):,} judge"
        lines += [f"{parts}; no cell of the sky has both.", ""]
    return lines[:-1]


def _scores(scores: Mapping[str, Any] | None) -> list[str]:
    if scores is None:
        return ["Not yet: the stage `evaluate` writes them."]
    overall = scores["overall"]
    who = (
        f"{scores['n']:,} rows of cells that training has not seen, at the declared mix: "
        f"{scores['mix']}. Errors are by cells of the sky."
    )
    lines = [
        who, "",
        "| measure | value |", "|---|---|",
        *(f"| {name.replace('_', ' ')} | {_value(overall[name])} |" for name in _MEASURES), "",
        "| class | rows | purity | completeness |", "|---|---|---|---|",
    ]  # fmt: skip
    for each in scores["per_class"]:
        pure, whole = ((_value(each[w]) for w in ("purity", "completeness"))
                       if each["measured"] else ("not measured", "not measured"))  # fmt: skip
        lines.append(f"| {each['name']} | {each['n']:,} | {pure} | {whole} |")
    return lines


def _limits(
    model: Mapping[str, Any],
    scores: Mapping[str, Any] | None,
    sources: Sequence[Mapping[str, Any]],
    label: Mapping[str, Any],
) -> list[str]:
    lines = list(_ALWAYS)
    data = model["told"].get("data", {})
    if data.get("repeated", 0) > MANY * data.get("rows", 0):
        lines.append(
            f"- {data['repeated']:,} of its rows have the very values of a row in another group: "
            "if they are one object, the scores are too good."
        )
    if scores is not None:
        few = [each["name"] for each in scores["per_class"] if not each["measured"]]
        if few and not scores.get("doubts"):
            lines.append(f"- Not measured, for want of members: {', '.join(few)}.")
        lines += [f"- {each}" for each in scores.get("doubts", ())]
    if label.get("left_out"):
        lines.append(f"- Not known to it: {', '.join(label['left_out'])}.")
    if any(each["simulated"] for each in sources):
        lines.append("- Trained on a simulated sky: its scores there are no promise on a real one.")
    if model["told"].get("skipped"):
        lines.append(f"- Trained without {', '.join(model['told']['skipped'])}: not installed.")
    return lines


def _leakage(found: Mapping[str, Any] | None) -> list[str]:
    if not found:
        return ["Not tested."]
    told = (
        f"From what is missing alone, a class is told with a balanced accuracy of "
        f"{found['of_nulls']:.3f}; from which surveys have a row, {found['of_surveys']:.3f}; by "
        f"chance {found['chance']:.3f}."
    )
    if not found["leaks"]:
        return [told, "That is within 0.1 of chance."]
    names = ", ".join(f"`{name}`" for name, _ in found["most_telling"])
    much = (
        f"That is more than 0.1 over chance, and was allowed. Most telling: {names}. Where surveys "
        "differ in depth or footprint from those here, this misleads."
    )
    return [told, much]


def _features(model: Mapping[str, Any]) -> list[str]:
    refused = model["told"]["recipe"].get("refused", {})
    names = ", ".join(f"`{each}`" for each in model["features"])
    lines = [f"Used ({len(model['features'])}): {names}.", ""]
    if not refused:
        return [*lines, "No column was refused."]
    reasons: dict[str, list[str]] = {}
    for name, reason in refused.items():
        reasons.setdefault(reason, []).append(f"`{name}`")
    lines += [f"Refused ({len(refused)}):", ""]
    for reason, names_of in reasons.items():
        some = ", ".join(names_of[:_SHOWN])
        more = f" and {len(names_of) - _SHOWN} more" if len(names_of) > _SHOWN else ""
        lines.append(f"- {some}{more}: {reason}")
    return lines


def _making(model: Mapping[str, Any]) -> list[str]:
    told = model["told"]
    lines = ["| learner | log-loss on rows not seen | settings |", "|---|---|---|"]
    for name, settings in told["settings"].items():
        said = ", ".join(f"{key} {value}" for key, value in settings.items())
        loss = told["losses"].get(name)
        shown = "not known" if loss is None else f"{loss:.4f}"
        lines.append(f"| {name} | {shown} | {said} |")
    pooled = told["losses"].get("calibrated")
    if pooled is not None:
        lines.append(f"| pooled and calibrated | {pooled:.4f} | |")
    versions = ", ".join(f"{name} {version}" for name, version in told["versions"].items())
    code = f" skyquarry's code: {code_said(told['code'])}." if "code" in told else ""
    return [*lines, "", f"Software: {versions}.{code}"]


def _licence(sources: Sequence[Mapping[str, Any]]) -> list[str]:
    real = ", ".join(each["title"] for each in sources if not each["simulated"])
    lines = ["The project states no licence of the model. The software is under BSD-3-Clause."]
    if real:
        lines.append(f"It is made of {real}, whose terms hold for what is made of them.")
    return lines


def _value(told: Mapping[str, float | None]) -> str:
    if told["value"] is None:
        return "not known"
    error = told.get("error")
    return f"{told['value']:.4f}" + ("" if error is None else f" ± {error:.1g}")
