"""An evaluation as one HTML file: scores beside baselines, classes, plots, cuts, doubts."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any, Final

from skyquarry.plots import evaluationfigures as figures
from skyquarry.plots.evaluationfigures import words
from skyquarry.plots.pages import facts, figure, table, whole, with_error, write_page

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from os import PathLike
    from pathlib import Path

_NEEDED: Final = (
    "classes", "mix", "n", "overall", "per_class", "confusion", "by", "baselines", "curves",
)  # fmt: skip
_MEASURES: Final = {
    "accuracy": "accuracy",
    "balanced_accuracy": "balanced accuracy",
    "macro_f1": "macro-F1",
    "log_loss": "log-loss",
    "brier": "Brier score (0 to 2)",
    "auc": "AUC, each class against the rest",
    "ece": "calibration error by class, debiased",
}
_OF_CUTS: Final = (
    "Completeness of the model where its purity is that of the cut, over the objects for which all "
    "that the cut needs is measured."
)
_FEATURES: Final = 30
"""of the most important that are shown"""
_OF_SHUFFLED: Final = (
    "How much the log-loss ({loss:.4f}) rises when a feature is shuffled among {rows:,} rows that "
    "the model has not seen. Features that say nearly the same cover for each other."
)
_THREE: Final = "knows star, galaxy, quasar"


def evaluation_page(report: Mapping[str, Any], path: str | PathLike[str]) -> Path:
    """Write an evaluation (`Evaluation.to_json()`, `sq.evaluate(...)`) as one HTML file.

    Returns the path. The same report gives the same bytes. Raises MissingExtraError without
    matplotlib, UserError for a dict that is no evaluation.
    """
    return write_page(report, path, page, _NEEDED, "the answer of sq.evaluate(...)")


def page(report: Mapping[str, Any]) -> str:
    """The text of the page."""
    title = report.get("title") or "Evaluation of a classification"
    body = [
        f"<h1>{escape(title)}</h1>",
        f'<p class="note">{escape(_what(report))}</p>',
        _verdict(report),
        _doubts(report),
        "<h2>Scores beside baselines</h2>",
        _baselines(report),
        "<h2>Classes</h2>",
        _classes(report["per_class"]),
        *_plots(report),
        *_cuts(report.get("cuts") or []),
        *_shift(report.get("shift") or {}),
        *_importance(report.get("importance")),
        *_bins(report["by"]),
    ]
    return whole(title, body)


# ------------------------------------------------------------------ against the training set
def _shift(changes: Mapping[str, Mapping[str, float | None]]) -> Iterator[str]:
    """How far the scores are from those at home."""
    rows = [
        [_MEASURES[what], _short(each["training"]), f"{each['change']:+.4f} ± {each['error']:.4f}"]
        for what, each in changes.items()
        if each["change"] is not None
    ]
    if rows:
        yield "<h2>Here, and where it was trained</h2>"
        yield table(["", "unseen rows of the training set", "here, less that"], rows)


def _importance(told: Mapping[str, Any] | None) -> Iterator[str]:
    """What features are worth, the most important first."""
    if told is None:
        return
    yield "<h2>What each feature is worth</h2>"
    yield f'<p class="note">{_OF_SHUFFLED.format(rows=told["rows"], loss=told["log_loss"])}</p>'
    worth = set(told["worth"])
    rows = [
        [each["name"], f"{each['rise']:.4f}" + (f" ± {each['error']:.4f}" if each["error"] else ""),
         "yes" if each["name"] in worth else "no"]
        for each in told["features"][:_FEATURES]
    ]  # fmt: skip
    yield table(["feature", "rise", "beyond two errors"], rows)


# ------------------------------------------------------------------ head
def _what(report: Mapping[str, Any]) -> str:
    told = f"{report['n']:,} objects, {report['n_effective']:,.0f} effective, at the mix: "
    return f"{told}{report['mix']}. Errors by {report['cells']:,} cells of the sky."


def _verdict(report: Mapping[str, Any]) -> str:
    overall = report["overall"]
    parts = [
        (name, _value(overall[what]) if report.get("measured", True) else "not measured")
        for what, name in (("accuracy", "accuracy"), ("macro_f1", "macro-F1"),
                           ("log_loss", "log-loss"), ("ece", "calibration error"))
    ]  # fmt: skip
    told = [("model", report["model"])] if report.get("model") else []
    lines = "".join(f"<dt>{escape(a)}</dt><dd>{escape(b)}</dd>" for a, b in told + parts)
    return f'<dl class="verdict card">{lines}</dl>'


def _doubts(report: Mapping[str, Any]) -> str:
    sentences = [*report.get("doubts", ()), *_found(report)]
    if not sentences:
        return '<div class="card fine">Nothing stands out as doubtful.</div>'
    items = "".join(f"<li>{escape(each)}</li>" for each in sentences)
    return f'<div class="card doubts"><h3>What to doubt</h3><ul>{items}</ul></div>'


def _found(report: Mapping[str, Any]) -> Iterator[str]:
    """What the scores themselves say against the model."""
    few = [each for each in report["per_class"] if not each["measured"]]
    told = {"doubts", "measured"} <= set(report)  # of sq.evaluate, which says it with what to do
    if few and not told:
        names = ", ".join(f"{words(each['name'])} ({each['n_effective']:.0f})" for each in few)
        yield f"Not measured, fewer than 100 effective members: {names}."
    for each in report["per_class"]:
        sure = each["confident"]
        if sure["kept"] is False and each["measured"]:
            more = "more" if sure["gap"] > 0 else "less"
            yield (
                f"Where {words(each['name'])} is likelier than not, the model promises "
                f"{abs(sure['gap']):.3f} {more} than comes true (± {sure['error']:.3f})."
            )
    lost = [] if told else report.get("uncovered") or []
    for name, share in zip(report["classes"], lost, strict=False):
        if share > 0.01:
            yield f"Of {words(name)} in the mix, {_percent(share)} lies where no row was scored."
    for each in report.get("cuts") or []:
        if each["beaten"] is False:
            yield f"The cut “{each['name']}” is not beaten at its own purity."


# ------------------------------------------------------------------ tables
def _baselines(report: Mapping[str, Any]) -> str:
    told, overall = report["baselines"], report["overall"]
    head = ["", "model", f"majority ({words(told['majority']['says'])})"]
    columns = [told["majority"]]
    if "three_known" in told:
        head += [_THREE, "model, judged on these three"]
        columns += [told["three_known"], told["three_classes"]]
    rows = [
        [name, _value(overall[what]), *(_short(each.get(what)) for each in columns)]
        for what, name in _MEASURES.items()
    ]
    return table(head, rows)


def _classes(classes: Sequence[Mapping[str, Any]]) -> str:
    sets = any("coverage" in each for each in classes)
    head = ["class", "objects", "effective", "share", "purity", "completeness", "F1", "AUC",
            "calibration", *(["in its set"] if sets else [])]  # fmt: skip
    rows = []
    for each in classes:
        row = [words(each["name"]), f"{each['n']:,}", f"{each['n_effective']:,.0f}",
               _percent(each["share"])]  # fmt: skip
        if each["measured"]:
            row += [_value(each["purity"]), _value(each["completeness"]), _value(each["f1"]),
                    _short(each["auc"]), _short(each["ece"])]  # fmt: skip
            row += [_value(each["coverage"])] if sets else []
        else:
            row += ["not measured", *["–"] * (5 if sets else 4)]
        rows.append(row)
    return table(head, rows, [not each["measured"] for each in classes])


def _cuts(cuts: Sequence[Mapping[str, Any]]) -> list[str]:
    if not cuts:
        return []
    head = ["cut", "class", "objects", "purity", "completeness", "model, same purity", "gain",
            "95 %", ""]  # fmt: skip
    rows = [
        [
            each["name"], words(each["class"]), f"{each['n']:,}", _short(each["purity"]),
            _short(each["completeness"]), _short(each["model_completeness"]), _signed(each["gain"]),
            "–" if each["low"] is None else f"{each['low']:+.3f} to {each['high']:+.3f}",
            {True: "beaten", False: "not beaten", None: "not measured"}[each["beaten"]],
        ]
        for each in cuts
    ]  # fmt: skip
    sources = "".join(f"<li>{escape(each['name'])}: {escape(each['source'])}</li>"
                      for each in cuts if each["source"])  # fmt: skip
    return [
        "<h2>Physics cuts</h2>",
        f'<p class="note">{_OF_CUTS}</p>',
        table(head, rows, [each["beaten"] is not True for each in cuts]),
        f'<div class="card"><ol>{sources}</ol></div>' if sources else "",
    ]


def _bins(by: Mapping[str, Sequence[Mapping[str, Any]]]) -> list[str]:
    parts = []
    for name, title, unit in (("magnitude", "By magnitude", "magnitude"),
                              ("latitude", "By Galactic latitude", "|b|, degrees")):  # fmt: skip
        bins = by.get(name) or []
        if not bins:
            continue
        head = [unit, "objects", "effective", "accuracy", "balanced", "macro-F1", "log-loss", "AUC",
                "calibration"]  # fmt: skip
        rows = [
            [
                f"{each['low']:g}–{each['high']:g}", f"{each['n']:,}",
                f"{each['n_effective']:,.0f}",
                *(
                    _value(each["overall"][what]) if each["measured"] else "–"
                    for what in ("accuracy", "balanced_accuracy", "macro_f1", "log_loss", "auc",
                                 "ece")
                ),
            ]
            for each in bins
        ]  # fmt: skip
        parts += [
            f"<h2>{title}</h2>",
            figure(title, figures.by_bins(bins, unit), "broad",
                   "Points with fewer than 100 effective members are left out."),
            table(head, rows, [not each["measured"] for each in bins]),
        ]  # fmt: skip
    return parts


# ------------------------------------------------------------------ plots and pieces
def _plots(report: Mapping[str, Any]) -> list[str]:
    curves = report["curves"]
    shown = {each["name"] for each in report["per_class"] if each["measured"]}
    points, pure = (
        {name: told if name in shown else [] for name, told in curves[what].items()}
        for what in ("reliability", "purity_completeness")
    )
    reliable = figures.reliability(points)
    parts = [
        "<h2>Which class is taken for which</h2>",
        figure("Of each true class, per cent said to be",
               figures.confusion(report["classes"], report["confusion"]), "narrow"),
    ]  # fmt: skip
    if shown:
        parts += [
            "<h2>Whether probabilities come true</h2>",
            *(figure("Fraction right by probability", each, "broad") for each in reliable),
            "<h2>Purity and completeness</h2>",
            figure("As the threshold on the probability moves",
                   figures.purity_completeness(pure, report.get("cuts") or []), "broad"),
        ]  # fmt: skip
    told = [(name, str(value)) for name, value in (report.get("facts") or {}).items()]
    return [*parts, *([facts(told)] if told else [])]


def _value(told: Mapping[str, float | None]) -> str:
    return with_error(told["value"], told.get("error"))


def _short(value: float | None) -> str:
    return "–" if value is None else f"{value:.4f}"


def _signed(value: float | None) -> str:
    return "–" if value is None else f"{value:+.3f}"


def _percent(share: float) -> str:
    return f"{100 * share:.3g} %"
