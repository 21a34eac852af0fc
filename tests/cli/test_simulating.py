"""`simulate` from the command line."""

import json

import pytest

from skyquarry.pipeline.skyasked import field
from skyquarry.sky.regions import Cone


@pytest.mark.parametrize("area", [0.01, 25.0, 20_000.0])
def test_a_field_has_the_area_that_was_asked(area):
    assert field(area).area() == pytest.approx(area, rel=1e-6)


def test_a_field_lies_at_its_galactic_place():
    made = field(1.0, latitude_deg=-30.0, longitude_deg=10.0)
    assert made == Cone(10.0, -30.0, made.radius_arcsec, frame="galactic")


def test_area_and_region_are_not_both_given(run, tmp_path):
    out = ("--out", tmp_path / "sky")
    both = run("simulate", *out, "--area", 1, "--region", "CIRCLE 1 2 3", code=2)
    assert "an area and a region" in both.stderr
    assert "neither" in run("simulate", *out, code=2).stderr


def test_a_survey_that_there_is_not_is_named(run, tmp_path):
    told = run("simulate", "--area", 0.01, "--out", tmp_path / "s", "--surveys", "sds", code=2)
    assert "'sds'" in told.stderr


def test_the_account_says_what_was_made(run, tmp_path):
    words = ("simulate", "--area", 0.02, "--out", tmp_path / "sky", "--surveys", "gaia,sdss")
    told = json.loads(run(*words, "--json").stdout)
    assert told["simulated"] is True
    assert set(told["rows"]) == {"truth", "gaia", "gaia_truth", "sdss", "sdss_truth"}
    assert "simulated, seed 1" in run(*words).stdout


def test_the_archive_of_sdss_has_its_tables(run, tmp_path):
    words = ("simulate", "--sdss", "--region", "CIRCLE 185 -0.5 0.03", "--surveys", "gaia")
    told = json.loads(run(*words, "--depth", 20, "--out", tmp_path / "sky", "--json").stdout)
    assert told["seed"] == 8
    tables = {"photoobj", "phototag", "photoprofile", "photoz", "specobj", "specline", "xcredshift"}
    survey = {"run", "stripe", "segment", "field", "plate", "spectarget", "mask", "extinction"}
    assert {*tables, *survey, "neighbors", "crossreference", "gaia"} <= set(told["rows"])
    assert told["rows"]["photoobj"] > 20
    assert told["rows"]["photoobj"] == told["rows"]["phototag"] == told["rows"]["photoshape"]
    assert told["rows"]["specline"] == told["rows"]["speclinetag"]
    assert {"specphoto", "specneighbors", "specaround"} <= set(told["rows"])
