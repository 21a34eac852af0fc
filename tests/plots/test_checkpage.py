"""The page of a check: all of it is there, it needs no network, and it does not change."""

from __future__ import annotations

import re
import sys
from typing import Any

import pytest

from skyquarry.errors import MissingExtraError, UserError
from skyquarry.plots import checkfigures
from skyquarry.plots.checkpage import check_page, page

pytest.importorskip("matplotlib")
from matplotlib.backends.backend_agg import FigureCanvasAgg

PARTS = ("loci", "counts", "separability", "cuts")


def verdict(part: str, passed: bool | None, what: str = "some <thing>") -> dict[str, Any]:  # noqa: FBT001
    told = {"part": part, "what": what, "passed": passed, "measured": 0.3, "expected": 0.2}
    return told | {"bound": "", "note": "why not", **({"measured": None} if passed is None else {})}


def example() -> dict[str, Any]:
    """A report with everything in it, failures too."""
    full = {"real": 50, "made": 60, "real_median": 0.5, "made_median": 0.7, "real_width": 0.1,
            "made_width": 0.2, "luck": 0.02, "sure": 1}  # fmt: skip
    empty = {"real": 5, "made": 60} | dict.fromkeys(list(full)[2:])
    bins = [{"low": 0.0, "high": 1.0, "colours": [full, empty]}]
    summary = {"bins": 1, "mean": 0.2, "most": 0.2, "luck": 0.02, "sure": 1, "scatter": 2.0,
               "scatter_low": 2.0, "scatter_high": 2.0}  # fmt: skip
    counts = [
        {
            "what": "stars <b>",
            "published": 10.0,
            "simulated": value,
            "counted": 12,
            "source": "Somebody 1980",
            "checked": value is None,
        }
        for value in (12.0, None)
    ]
    return {
        "sky": {"seed": 1, "populations": ["stars & more"]},
        "bounds": {"offset_mean_mag": 0.05, "offset_most_mag": 0.1, "scatter": 0.2, "counts": 0.3,
                   "auc": 0.75, "cuts": 0.1},
        "verdicts": [verdict("counts", True), verdict("counts", None),
                     verdict("loci", False, "real set, g-r: offset of medians, mag"),
                     verdict("separability", False), verdict("cuts", None)],
        "loci": [{"name": "real set", "kind": "stars", "along": "redshift", "note": "a note",
                  "colours": ["g-r", "r-i"], "bins": bins, "summary": [summary, None]}],
        "counts": counts,
        "separability": [{"name": "one", "auc": 0.9, "real": 500, "importance": {"g-r": 70.0}},
                         {"name": "none", "auc": None}],
        "cuts": [{"name": "a cut", "purity": 0.9, "completeness": None, "chosen": 100, "wanted": 5,
                  "published_purity": 0.95, "published_completeness": 0.8, "source": "Else 2012"}],
        "doubts": ["No population draws dragons."],
    }  # fmt: skip


def test_all_of_it_is_on_the_page_and_nothing_of_the_net() -> None:
    text = page(example())
    for words in ("real set", "a note", "Somebody 1980", "Else 2012", "dragons", "0.900", "fails",
                  "stars &amp; more", "Not measured", "some &lt;thing&gt;: why not"):  # fmt: skip
        assert words in text, words
    assert not re.search(r"(src|href)=\"(?!data:)", text)


def test_the_same_report_gives_the_same_bytes() -> None:
    assert page(example()) == page(example())


def test_a_part_that_was_not_asked_for_has_no_section() -> None:
    report = example()
    report["verdicts"] = [each for each in report["verdicts"] if each["part"] == "counts"]
    assert "Colours beside" not in page(report | {"loci": [], "separability": [], "cuts": []})


def test_a_dict_that_is_no_check_is_refused(tmp_path) -> None:
    with pytest.raises(UserError, match="the report has no verdicts, loci"):
        check_page({}, tmp_path / "x.html")


def test_without_matplotlib_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'skyquarry\[plots\]'"):
        checkfigures.cuts([])


def test_names_find_room_beside_the_axes(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[Any] = []
    monkeypatch.setattr(checkfigures, "svg", lambda figure: drawn.append(figure) or "")
    name = "Gaia colour and luminosity: white dwarfs of 7,000 K, G < 20"
    checkfigures.cuts([example()["cuts"][0] | {"name": name, "completeness": 0.5}])
    for figure in drawn:
        FigureCanvasAgg(figure).draw()
        for label in figure.axes[0].get_yticklabels():
            assert label.get_window_extent().x0 >= 0
