"""The page of a project, from plain data: fields and whole skies, and what is not there."""

from __future__ import annotations

import re
from base64 import b64decode
from typing import Any

import numpy as np
import pytest

from skyquarry.plots.classcolours import colours_of
from skyquarry.plots.projectfigures import diagram
from skyquarry.plots.projectpage import page
from skyquarry.plots.projectsky import sky_maps
from skyquarry.plots.projectwords import read_feature, read_reason

pytest.importorskip("matplotlib", reason="the extra plots is not installed")

SOURCE = {"name": "sdss", "simulated": False, "title": "SDSS <DR18>", "from": "files", "rows": 7}


def report(**more: Any) -> dict[str, Any]:
    return {"title": "field", "seed": 1, "sources": [SOURCE], "labels": None} | more


def classes(*counts: int) -> list[dict[str, Any]]:
    names = ("galaxy", "quasar", "my class")
    return [
        {"name": name, "n": n, "share": n / sum(counts), "definition": "", "discovery": 0,
         "follow_up": 0, "shifted": 0, "undersampled": 0, "variable": 0}
        for name, n in zip(names, counts, strict=False)
    ]  # fmt: skip


def test_a_page_of_little_is_a_page() -> None:
    text = page(report())
    assert "Real data." in text
    assert "SDSS &lt;DR18&gt;" in text
    assert "<h2" not in text


@pytest.mark.parametrize(
    ("simulated", "words"),
    [((True, True), "Everything below is simulated"),
     ((True, False), "Part of this is simulated"), ((False, False), "Real data")],
)  # fmt: skip
def test_what_is_simulated_is_said_before_all_else(
    simulated: tuple[bool, bool], words: str
) -> None:
    sources = [SOURCE | {"name": f"s{n}", "simulated": each} for n, each in enumerate(simulated)]
    text = page(report(sources=sources))
    assert words in text[text.index("<h1>") :].split("<table")[0]


def test_a_class_that_is_mostly_unlike_the_training_set_is_told_in_words() -> None:
    made = classes(1_000, 700)
    made[0]["shifted"], made[1]["shifted"] = 40, 390
    text = page(report(model={"learners": []}, classes=made))
    assert "<b>390 of 700</b> in the class quasar (56 %)" in text
    assert "40 of 1,000" not in text
    made[1]["shifted"] = 30
    assert "Unlike all" not in page(report(model={"learners": []}, classes=made))


def test_each_class_has_one_colour_whatever_others_there_are() -> None:
    few, many = colours_of(["quasar", "galaxy"]), colours_of(["star", "x", "galaxy", "y", "quasar"])
    assert {name: many[name] for name in few} == few
    assert len(set(many.values())) == 5
    assert len(set(colours_of([f"class {n}" for n in range(10)]).values())) == 10


def test_a_whole_sky_is_drawn_as_one() -> None:
    counts = np.zeros((2, 12 * 4**4), np.int32)
    counts[0, ::3] = 4
    counts[1, 17] = 1
    told = {"plane": {"whole": True}, "classes": ("galaxy", "quasar"), "counts": counts,
            "points": {"quasar": (np.array([10.0]), np.array([-20.0]))}}  # fmt: skip
    text = sky_maps(told, classes(4096, 1))
    assert text.count("<image") == 2  # of each the ground with the density on it


def test_a_field_shows_few_objects_as_points_and_many_by_density() -> None:
    side = 48
    counts = np.zeros((2, side * side), np.int32)
    counts[0] = 3
    east, north = np.array([0.1, 0.2]), np.array([0.0, -0.1])
    counts[1, :2] = 1
    plane = {"whole": False, "ra_deg": 10.0, "dec_deg": 20.0, "half_deg": 0.5}
    told = {"plane": plane, "classes": ("galaxy", "quasar"), "counts": counts,
            "points": {"quasar": (east, north)}}  # fmt: skip
    text = sky_maps(told, classes(3 * side * side, 2))
    assert text.count("<image") == 1
    circles = np.array([[0.1, 0.1, 0.05], [0.0, -0.2, 0.1]])
    marked = sky_maps(told | {"clusters": circles}, classes(3 * side * side, 2))
    assert marked.count("#7b1e58") == 2
    assert "<text" not in text  # letters are outlines: no font is needed


def _diagram(*, upward: bool = False) -> dict[str, Any]:
    counts = np.zeros((2, 110, 110), np.int32)
    counts[0, 20:60, 20:60] = 5
    axis = {"words": "g", "unit": "mag", "low": 0.0, "high": 1.0, "upward": False}
    return {"title": "a diagram", "who": "", "x": axis, "y": axis | {"upward": upward},
            "counts": counts, "shown": [8000, 2],
            "points": {"quasar": (np.array([0.5, 0.6]), np.array([0.5, 0.6]))}}  # fmt: skip


def test_a_diagram_has_lines_of_the_many_and_points_of_the_few() -> None:
    text = diagram(_diagram(upward=True), ["galaxy", "quasar"])
    colours = colours_of(["galaxy", "quasar"])
    for name in ("galaxy", "quasar"):
        assert colours[name] in text
    assert text != diagram(_diagram(), ["galaxy", "quasar"])


def test_the_same_report_gives_the_same_bytes() -> None:
    told = report(classes=classes(8000, 2), diagrams=[_diagram()])
    assert page(told) == page(told)


def test_what_nobody_knows_is_called_not_known() -> None:
    stage = {"stage": "match", "seconds": 90.0, "cpu_s": None, "energy_j": None, "rows": 900,
             "ended": ""}  # fmt: skip
    costs = {"currency": "EUR", "price_per_kwh": 0.3, "price_per_hour": 2.0,
             "cost_of_energy": None, "cost_of_time": 0.05}  # fmt: skip
    told = {"stages": [stage], "seconds": 90.0, "cpu_s": None, "energy_j": None} | costs
    text = page(report(resources=told))
    cells = re.findall(r"<td[^>]*>([^<]*)</td>", text)
    assert cells[5:11] == ["match", "1 min 30 s", "not known", "not known", "900", "10"]
    assert "0.05 EUR" in text


def test_clusters_are_listed_where_there_are_any() -> None:
    row = {"cluster_id": 1, "ra": 10.0, "dec": -1.5, "richness": 41.25, "richness_error": 6.0,
           "redshift": 0.213, "members": 52, "radius_arcsec": 300.0, "brightest_id": "sdss:7",
           "brightest_mag": 15.0, "gap_mag": 0.4}  # fmt: skip
    text = page(report(clusters={"n": 3, "rows": [row]}))
    for words in ("3 systems", "10.00000 -1.50000", "41.2 ± 6.0", "0.213", "5.00", "sdss:7"):
        assert words in text
    assert "0 systems" in page(report(clusters={"n": 0, "rows": []}))


def test_plots_need_no_font_and_no_address() -> None:
    text = page(report(classes=classes(8000, 2), diagrams=[_diagram()]))
    for data in re.findall(r"base64,([^\"]*)", text):
        drawn = b64decode(data).decode()
        assert "<text" not in drawn
        assert not re.search(r'href="http', drawn)


def test_features_are_read_as_they_are_written() -> None:
    assert read_feature("twomass_J-wise_W1_below") == "J−W1 (at most)"
    assert read_feature("sdss_psf-total") == "sdss psf-total"
    assert read_reason("sdss_u-g_0 = -0.3 mag speaks for x") == (
        "u−g (dereddened) = −0.3 mag speaks for x"
    )
