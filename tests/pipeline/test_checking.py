"""A check of a synthetic sky from end to end, on a small one."""

import json
from html import escape

import pytest

from skyquarry.errors import UserError
from skyquarry.pipeline.checking import check
from skyquarry.pipeline.simulating import simulate
from skyquarry.pipeline.skyasked import field
from skyquarry.synthetic.check.report import PARTS
from skyquarry.testing.points import simulated


@pytest.fixture(scope="module")
def report(shared_data, tmp_path_factory):
    """Of a fifth of the usual area, and a learner of few trees."""
    pytest.importorskip("catboost")
    pytest.importorskip("matplotlib")
    page = tmp_path_factory.mktemp("check") / "check.html"
    made = check(real=shared_data, area_deg2=0.2, scale=0.12, trees=40, page=page)
    return made, page.read_text()


def test_every_part_is_measured_and_told_as_json(report):
    made, _ = report
    told = json.loads(json.dumps(made.to_dict()))
    assert {each["part"] for each in told["verdicts"] if each["passed"] is not None} == set(PARTS)
    assert told["simulated"] is True
    assert told["passed"] + told["failed"] + told["unmeasured"] == len(told["verdicts"])
    assert len(made.lines()) == len(told["verdicts"])


@pytest.mark.parametrize(
    "what", ["SDSS DR17 main galaxies, r-i", "SDSS DR5 quasars, r-i", "SDSS DR14 stars, r-i"]
)
def test_red_colours_are_those_of_real_objects_even_in_a_small_field(report, what):
    found = next(e for e in report[0].verdicts if e.what.startswith(f"{what}: offset"))
    assert found.measured < 0.05


def test_as_many_rows_as_surveys_have_even_in_a_small_field(report):
    rows = {e.what: e for e in report[0].verdicts if e.what.startswith("rows of")}
    for name in ("sdss", "allwise", "twomass"):
        assert rows[f"rows of {name}, |b| = 45"].passed


def test_the_page_tells_each_failure_by_name(report):
    made, page = report
    assert made.failed > 0
    assert "Where it falls short" in page
    for each in made.counts:
        assert escape(each["what"]) in page


def test_without_real_data_loci_are_told_as_not_measured():
    made = check(scale=0.01, area_deg2=0.2, parts=["loci", "separability"])
    assert made.unmeasured == len(made.verdicts) > 10
    assert any("No folder of real data" in each for each in made.doubts)


@pytest.mark.parametrize(
    ("how", "words"),
    [
        ({"real": "no-such-folder"}, "no-such-folder"),
        ({"parts": ["colours"]}, "'colours'"),
        ({"scale": 0.0}, "scale 0.0"),
        ({"page": "check.txt"}, r"ends in \.html"),
    ],
)
def test_what_cannot_be_checked_is_refused_before_any_work(how, words):
    with pytest.raises(UserError, match=words):
        check(**how)


def test_a_folder_that_is_no_synthetic_sky_is_refused(tmp_path):
    with pytest.raises(UserError, match="no catalogue 'truth'"):
        check(tmp_path)


def test_a_sky_of_other_populations_is_refused(tmp_path):
    with pytest.raises(UserError, match="other populations"):
        check(simulated(tmp_path / "sky"))


def test_the_rows_of_an_archive_stand_for_the_field_at_its_latitude(tmp_path):
    sky = simulate(field(0.03), tmp_path / "sky", seed=4, progress=False)
    made = check(tmp_path / "sky", scale=0.01, area_deg2=0.2, parts=["counts", "cuts"])
    told = {row["what"]: row for row in made.counts}
    for name in ("sdss", "gaia", "allwise", "twomass"):
        row = told[f"rows of {name}, |b| = 45"]
        assert row["counted"] == len(sky[name].to_table())
        assert row["area_deg2"] == pytest.approx(0.03, rel=1e-3)
    assert made.sky["seed"] == 4
    assert made.sky["archive"] == ["field 45"]
    bright = next(row for row in made.cuts if "r 18 to 20" in row["name"])
    assert bright["purity"] > 0.9
