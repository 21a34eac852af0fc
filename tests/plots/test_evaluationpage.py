"""The page of an evaluation: all of it is there, it needs no network, and it does not change."""

from __future__ import annotations

import re
import sys
from typing import Any

import pytest

from skyquarry.errors import MissingExtraError, UserError
from skyquarry.plots.evaluationpage import evaluation_page, page

pytest.importorskip("matplotlib")


def value(told: float | None, error: float | None = 0.01) -> dict[str, float | None]:
    return {"value": told, "error": error}


def of_class(name: str, *, measured: bool = True, kept: bool = True) -> dict[str, Any]:
    return {
        "name": name, "n": 500, "n_effective": 300.0 if measured else 40.0, "share": 0.25,
        "measured": measured, "auc": 0.98, "ece": 0.004, "ece_plain": 0.01, "ece_noise": 0.01,
        "confident": {"n": 200, "gap": 0.051, "error": 0.004, "kept": kept},
        "purity": value(0.9), "completeness": value(0.8), "f1": value(0.85),
        "coverage": value(0.907),
    }  # fmt: skip


def example() -> dict[str, Any]:
    """An evaluation with everything in it, doubts too."""
    names = ["white_dwarf", "quasar", "comet <x>"]
    measures = ("accuracy", "balanced_accuracy", "macro_f1", "log_loss", "brier")
    overall = {name: value(0.9) for name in measures}
    overall |= {"auc": value(0.99, None), "ece": value(0.005, None)}
    classes = [
        of_class(names[0]),
        of_class(names[1], kept=False),
        of_class(names[2], measured=False),
    ]
    part = {"n": 300, "n_effective": 250.0, "overall": overall, "per_class": classes}
    bins = [
        {"low": 18.0, "high": 19.0, "measured": True, **part},
        {"low": 19.0, "high": 20.0, "measured": False, **part},
    ]
    plain = dict.fromkeys(overall, 0.4)
    return {
        "classes": names, "mix": "a sky & mix", "n": 1000, "n_effective": 700.0, "cells": 40,
        "overall": overall, "per_class": classes, "title": "A <model>",
        "confusion": [[90.0, 8.0, 2.0], [10.0, 90.0, 0.0], [0.0, 0.0, 0.0]],
        "by": {"magnitude": bins, "latitude": []},
        "baselines": {"majority": {"says": names[0], **plain},
                      "three_known": {"classes": ["star", "quasar"], **plain},
                      "three_classes": {"classes": ["star", "quasar"], **plain}},
        "curves": {
            "reliability": {name: [{"p": 0.1, "fraction": 0.12, "error": 0.03, "n": 50}]
                            for name in names},
            "purity_completeness": {name: [{"p": 0.9, "purity": 0.9, "completeness": 0.5},
                                           {"p": 0.2, "purity": 0.5, "completeness": 0.9}]
                                    for name in names},
        },
        "cuts": [
            {"name": "W1-W2 > 0.8", "class": "quasar", "n": 900, "purity": 0.9, "gain": 0.1,
             "completeness": 0.5, "model_completeness": 0.6, "low": -0.05, "high": 0.2,
             "beaten": False, "source": "Stern et al. 2012"},
            {"name": "few", "class": "quasar", "n": 9, "purity": None, "completeness": None,
             "model_completeness": None, "gain": None, "low": None, "high": None, "beaten": None,
             "source": ""},
        ],
        "uncovered": [0.0, 0.2, 0.0],
        "doubts": ["No cells were given."],
    }  # fmt: skip


def test_a_page_tells_scores_classes_plots_cuts_and_doubts():
    text = page(example())
    for told in ("A &lt;model&gt;", "a sky &amp; mix", "0.90 ± 0.01", "majority (white dwarf)",
                 "knows star, galaxy, quasar", "in its set", "not measured", "W1-W2 &gt; 0.8",
                 "not beaten", "By magnitude", "18–19", "No cells were given.",
                 "promises 0.051 more than comes true", "20 % lies where no row was scored",
                 "comet &lt;x&gt; (40)"):  # fmt: skip
        assert told in text, told
    assert text.count("<figure") == 4


def test_classes_with_few_members_show_no_figures_of_theirs():
    line = re.search(r"<tr class=\"bad\"><td>comet &lt;x&gt;.*?</tr>", page(example()))
    assert line is not None
    assert "0.9" not in line[0]


def test_a_page_needs_no_network_and_is_the_same_every_time():
    text = page(example())
    assert not re.search(r"(src|href)=\"(?!data:)", text)
    assert text == page(example())


def test_a_page_without_cuts_bins_or_doubts_says_that_nothing_stands_out():
    told = example() | {"cuts": [], "by": {"magnitude": [], "latitude": []}, "doubts": [],
                        "uncovered": None, "per_class": [of_class("a"), of_class("b")]}  # fmt: skip
    text = page(told)
    assert "Nothing stands out as doubtful." in text
    assert "Physics cuts" not in text
    assert "By magnitude" not in text


def test_what_is_no_evaluation_is_an_error(tmp_path):
    with pytest.raises(UserError, match=r"has no .*confusion.*sq\.evaluate"):
        evaluation_page({"classes": []}, tmp_path / "x.html")
    told = evaluation_page(example(), tmp_path / "x.html")
    assert told.read_text(encoding="utf-8").startswith("<!doctype html>")


def test_without_matplotlib_the_error_gives_the_pip_line(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(MissingExtraError, match="skyquarry"):
        page(example())
