"""The scores of a project's model, in the colours of its classes."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

from skyquarry.plots import evaluationfigures as figures
from skyquarry.plots.evaluationfigures import words
from skyquarry.plots.pages import figure, table, with_error

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


def scores(told: Mapping[str, Any] | None, band: str | None = None) -> list[str]:
    """The section: what holds at which mix, class by class, and what to doubt.

    `band`: the feature that is the magnitude of its bins.
    """
    if not told:
        return []
    overall = told["overall"]
    line = ", ".join(
        f"{name} {value(overall[what])}"
        for what, name in (("accuracy", "accuracy"), ("balanced_accuracy", "balanced accuracy"),
                           ("macro_f1", "macro-F1"), ("log_loss", "log-loss"),
                           ("ece", "calibration error"))
    )  # fmt: skip
    measured = {each["name"] for each in told["per_class"] if each["measured"]}
    curves = {name: points if name in measured else []
              for name, points in told["curves"]["reliability"].items()}  # fmt: skip
    bins = told["by"].get("magnitude") or []
    along = f"{band.replace('_', ' ')} (mag)" if band else "magnitude"
    who = (
        f"{told['n']:,} labelled objects in {told['cells']} cells of the sky that the model has "
        f"not seen, {told['n_effective']:,.0f} effective, at the mix: {told['mix']}. Errors are by "
        "cells."
    )
    return [
        f'<p class="note">{escape(who)} Baselines and physics cuts: scores/scores.html.</p>',
        f'<div class="card">{escape(line)}</div>',
        _doubts(told.get("doubts") or []),
        _classes(told["per_class"]),
        figure("Of each true class, per cent said to be",
               figures.confusion(told["classes"], told["confusion"]), "narrow"),
        *(figure("Whether probabilities come true: fraction right by probability", each, "broad")
          for each in figures.reliability(curves)),
        *([figure("Purity and completeness by magnitude", figures.by_bins(bins, along),
                  "broad", "Bins with fewer than 100 effective members of a class are left out.")]
          if bins else []),
    ]  # fmt: skip


def _doubts(sentences: Sequence[str]) -> str:
    if not sentences:
        return ""
    items = "".join(f"<li>{escape(each)}</li>" for each in sentences)
    return f'<div class="card doubts"><h3>What to doubt</h3><ul>{items}</ul></div>'


def _classes(classes: Sequence[Mapping[str, Any]]) -> str:
    head = ["class", "test objects", "purity", "completeness", "F1", "AUC"]
    rows = []
    for each in classes:
        row = [words(each["name"]), f"{each['n']:,}"]
        if each["measured"]:
            auc = "–" if each["auc"] is None else f"{each['auc']:.4f}"
            row += [*(value(each[what]) for what in ("purity", "completeness", "f1")), auc]
        else:
            row += [f"not measured: {each['n_effective']:.0f} effective", "–", "–", "–"]
        rows.append(row)
    return table(head, rows, [not each["measured"] for each in classes])


def value(told: Mapping[str, float | None]) -> str:
    """A score with its error."""
    return with_error(told["value"], told.get("error"))
