"""The page of a report: all of it is there, it needs no network, and it does not change."""

from __future__ import annotations

import re
import subprocess
import sys
from base64 import b64decode
from copy import deepcopy
from functools import cache
from html import escape
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

import numpy as np
import pytest

from skyquarry.errors import MissingExtraError, UserError
from skyquarry.match.calibration.calibrate import fit
from skyquarry.match.calibration.errormodel import ErrorModel
from skyquarry.match.calibration.residuals import Residuals
from skyquarry.match.reports.quality import Facts, quality_report, tally
from skyquarry.match.reports.shifted import DIRECTIONS, ShiftedSky
from skyquarry.plots import matchfigures
from skyquarry.plots.matchpage import match_page, page
from skyquarry.sky.vectors import to_xyz

if TYPE_CHECKING:
    from pathlib import Path

pytest.importorskip("matplotlib")
from matplotlib.backends.backend_agg import FigureCanvasAgg

NAMES = ["gaia", "wise <all>", "ps1"]


def offsets_sample(seed: int, count: int = 600) -> Residuals:
    rng = np.random.default_rng(seed)
    at = to_xyz(rng.uniform(10, 11, count), rng.uniform(-1, 1, count))
    own = np.tile([0.01, 0.01, 0.0], (count, 1))
    mag = rng.uniform(12.0, 20.0, count)
    size = np.where(mag < 14.0, 0.4, 0.1)[:, None]
    offset = size * rng.normal(size=(count, 2)) + [0.08, -0.05]
    none = np.zeros(count, np.int64)
    sure = np.ones(count, bool)
    key = np.arange(count).astype(np.uint64)
    more = {"seen": count, "radius_arcsec": 3.0, "cap": 1_000}
    return Residuals(key, none, at, offset, own * 1.01, own, mag, none, sure, **more)


@cache
def example() -> dict[str, Any]:
    """A report with everything in it."""
    rng = np.random.default_rng(1)
    count = 6_000
    match = rng.random(count) < 0.8
    p = np.where(match, rng.beta(20, 1, count), rng.beta(1, 8, count))
    pairs = {
        "left": np.zeros(count, int),
        "right": rng.integers(1, 3, count),
        "norm_sep": np.minimum(1.1 * rng.rayleigh(size=count), 3.43),
        "posterior": p,
        "posterior_geometry": np.clip(p + 0.1 * rng.normal(size=count), 0, 1),
        "is_match": match,
        "is_true": rng.random(count) < p,
        "flags": rng.integers(0, 2, count) * 16,
    }
    members = {
        "catalog": rng.integers(0, 3, count),
        "reason": np.where(rng.random(count) < 0.7, 0, rng.integers(1, 4, count)),
        "mag": rng.normal(18.0, 2.0, count),
    }
    sky = ShiftedSky.start(2.0).with_match(np.full(900, 0.3), 1_000)
    for direction in range(DIRECTIONS):
        sky = sky.with_shift(direction, rng.uniform(0, 2, 50), 1_000)
    report = quality_report(
        tally(NAMES, pairs, members),
        calibration=fit({1: offsets_sample(1, 2_000), 2: offsets_sample(2)}, NAMES),
        shifted={(0, 1): sky},
        facts=Facts(unknown_epochs={"ps1": 17}, notes=("A <b>note</b>.",)),
    )
    return report.to_dict()


@cache
def example_page() -> str:
    return page(example())


def images(text: str) -> list[str]:
    found = re.findall(r'src="data:image/svg\+xml;base64,([^"]+)"', text)
    return [b64decode(each).decode() for each in found]


def test_everything_of_the_report_is_on_the_page(tmp_path: Path) -> None:
    path = match_page(example(), tmp_path / "report.html")
    text = path.read_text(encoding="utf-8")
    for line in example()["verdict"][:4]:
        words = line.partition(":")[2].strip()
        assert "<br>".join(map(escape, words.split("; "))) in text
    for words in ("no candidate", "outside footprint", "17 of", "flag: ambiguous", "the usual"):
        assert words in text
    assert f"{example()['pairs'][0]['candidates']:,}" in text


def test_each_plot_is_there_and_is_sound_svg() -> None:
    text = example_page()
    titles = re.findall(r"<figcaption>([^<]+)<", text)
    for title in ("Match rate by magnitude", "Reliability", "gaia – wise", "ps1: offsets"):
        assert title in text
    found = images(text)
    assert len(found) == len(titles) >= 9
    for svg in found:
        assert ET.fromstring(svg).tag.endswith("svg")
        assert len(svg) > 3_000


def test_the_page_needs_no_network_and_no_script() -> None:
    text = example_page()
    without_images = re.sub(r'src="data:[^"]+"', "", text)
    assert not re.search(r"https?:|<script|<link|@import|url\(", without_images)


def test_names_and_notes_are_text_and_not_markup() -> None:
    text = example_page()
    assert "wise &lt;all&gt;" in text
    assert "<all>" not in text
    assert "A &lt;b&gt;note&lt;/b&gt;." in text


def test_the_same_report_gives_the_same_bytes() -> None:
    assert page(deepcopy(example())) == example_page()


def test_an_empty_report_is_a_page(tmp_path: Path) -> None:
    from skyquarry.match.reports.tally import Tally

    text = match_page(quality_report(Tally.start(["a"])).to_dict(), tmp_path / "x.html").read_text()
    assert "Calibration was switched off." in text


def test_a_calibration_without_bins_or_pairs_is_a_page() -> None:
    report = deepcopy(example())
    for each in report["calibration"]["catalogs"]:
        each["errors"], each["sample"] = ErrorModel.none().to_dict(), []
        each["median_before"] = None
    assert "–" in page(report)


def test_a_dict_that_is_no_report_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="the report has no names, rows, pairs, calibration, doub"):
        match_page({"verdict": []}, tmp_path / "x.html")


def test_importing_the_page_loads_no_matplotlib() -> None:
    code = "import skyquarry.plots.matchpage, sys; sys.exit('matplotlib' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_without_matplotlib_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'skyquarry\[plots\]'"):
        matchfigures.rates([])


def bin_of(expected: float, shifted: float | None) -> dict[str, Any]:
    error = None if shifted is None else 0.05
    told = {"from": expected, "to": expected, "candidates": 9, "expected": expected, "true": None}
    return told | {"shifted": shifted, "error": 0.1, "shifted_error": error}


def test_bins_that_are_not_measured_are_drawn_as_such_and_explained() -> None:
    report = deepcopy(example())
    bins = [bin_of(0.1, None), bin_of(0.5, 0.5), bin_of(0.9, 0.93)]
    report["pairs"] = [report["pairs"][0] | {"reliability": bins}]
    assert "are not measured" in page(report)
    some = matchfigures.reliability(report["pairs"][0])
    every = matchfigures.reliability({"reliability": bins[1:]})
    assert some.count("<use ") > every.count("<use ")  # the tick of the bin at 0.1
    report["pairs"][0]["reliability"] = bins[:1]
    assert "are not measured" not in page(report)


@pytest.mark.parametrize("times", [1, 4_000, 40_000_000])
def test_nothing_of_a_plot_is_cut_off_by_its_margins(
    monkeypatch: pytest.MonkeyPatch, times: int
) -> None:
    """Margins are fixed: the labels of the largest counts and offsets have to find room in them."""
    drawn: list[Any] = []
    monkeypatch.setattr(matchfigures, "svg", lambda figure: drawn.append(figure) or "")
    pair = deepcopy(example()["pairs"][0])
    for part, names in (
        ("separations", ("counts", "expected")),
        ("probability", ("with_photometry", "without_photometry")),
    ):
        for name in names:
            pair[part][name] = [times * count for count in pair[part][name]]
    catalog = deepcopy(example()["calibration"]["catalogs"][1])
    catalog["sample"] = [[min(times, 4_000) ** 0.3 * v for v in row] for row in catalog["sample"]]
    for draw in (matchfigures.separations, matchfigures.probabilities, matchfigures.reliability):
        draw(pair)
    matchfigures.rates(example()["rows"])
    matchfigures.offsets(catalog)
    matchfigures.errors(catalog)
    for figure in drawn:
        FigureCanvasAgg(figure)  # what text takes
        whole = figure.bbox
        for axes in figure.axes:
            box = axes.get_tightbbox()
            assert box.x0 > whole.x0
            assert box.x1 < whole.x1
            assert box.y0 > whole.y0
            assert box.y1 < whole.y1
