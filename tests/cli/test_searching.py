"""Searches from the command line: the same rows as by hand, on screen, as JSON and in files."""

from __future__ import annotations

import json

import numpy as np
import pyarrow.parquet as pq
import pytest
from astropy.table import Table

from skyquarry.cli.searching import centre_and_radius
from skyquarry.errors import PositionError
from skyquarry.sky.vectors import separation_arcsec, to_xyz


@pytest.fixture(scope="module")
def table(archive):
    leaves = list((archive / "stars" / "v1" / "stars").rglob("Npix=*.parquet"))
    rows = [pq.read_table(leaf, columns=["id", "ra", "dec", "mag"]) for leaf in leaves]
    return {n: np.concatenate([r[n].to_numpy() for r in rows]) for n in ("id", "ra", "dec", "mag")}


def inside(table, ra, dec, radius_arcsec):
    centre = np.broadcast_to(to_xyz(ra, dec), (len(table["ra"]), 3))
    away = separation_arcsec(to_xyz(table["ra"], table["dec"]), centre)
    return set(table["id"][away <= radius_arcsec].tolist())


def ids(result):
    return {row["id"] for row in json.loads(result.stdout)}


def test_a_cone_finds_the_rows_that_lie_in_it(run, table):
    found = ids(run("cone", "stars", 56.755, 24.125, 120, "--json"))
    assert found == inside(table, 56.755, 24.125, 120)
    assert len(found) == 10


@pytest.mark.parametrize("dec", ["-5.39", "-45", "-.5", "-8.99e1"])
def test_a_negative_declination_is_no_option(run, table, dec):
    found = ids(run("cone", "stars", "100", dec, 36_000, "--json"))
    assert found == inside(table, 100.0, float(dec), 36_000)


def test_a_centre_may_be_sexagesimal(run, table):
    found = ids(run("cone", "stars", "05:35:17.3", "-05:23:28", 36_000, "--json"))
    expected = inside(table, 83.82208333, -5.39111111, 36_000)
    assert found == expected
    assert found


def test_a_centre_may_be_a_name(run):
    pytest.importorskip("pyongc", reason="names come from the package pyongc")
    assert len(ids(run("cone", "stars", "M45", 7200, "--json"))) >= 10


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["1"], "the cone is '1'"),
        (["1", "2", "wide"], "the cone is '1 2 wide'"),
    ],
)
def test_a_cone_without_a_radius_says_what_is_needed(words, said):
    with pytest.raises(PositionError, match=said):
        centre_and_radius(words)


def test_a_wrong_position_is_the_users_mistake(run):
    result = run("cone", "stars", "10", "95", "60", code=2)
    assert "95" in result.stderr
    assert "Traceback" not in result.output


def test_a_wrong_condition_is_the_users_mistake(run):
    assert "magg" in run("cone", "stars", 1, 2, 3, "--where", "magg < 3", code=2).stderr


def test_condition_and_columns_apply(run, table):
    rows = json.loads(
        run("cone", "stars", 10, 10, 360_000, "--where", "mag < 4", "--columns", "ID, mag",
            "--json").stdout
    )  # fmt: skip
    wanted = inside(table, 10, 10, 360_000) & set(table["id"][table["mag"] < 4].tolist())
    assert {row["id"] for row in rows} == wanted
    assert set(rows[0]) == {"id", "mag"}


def test_the_screen_says_how_many_rows_are_not_shown(run, table):
    everywhere = len(inside(table, 10, 10, 360_000))
    text = run("cone", "stars", 10, 10, 360_000, "--limit", 5).stdout
    assert f"{everywhere:,} rows, 5 shown" in text
    assert len(text.strip().splitlines()) == 1 + 5 + 1
    every = run("cone", "stars", 10, 10, 360_000, "--limit", 0).stdout
    assert len(every.strip().splitlines()) == 1 + everywhere + 1


def test_no_rows_are_no_mistake(run):
    assert run("cone", "stars", 0, 89.99, 0.001).stdout == "0 rows\n"
    assert json.loads(run("cone", "stars", 0, 89.99, 0.001, "--json").stdout) == []


@pytest.mark.parametrize("suffix", ["fits", "csv", "parquet", "ecsv", "vot"])
def test_the_suffix_says_the_format(run, table, tmp_path, suffix):
    target = tmp_path / f"cone.{suffix}"
    said = run("cone", "stars", 56.755, 24.125, 120, "--out", target).stdout
    assert said == f"10 rows written to {target}\n"
    if suffix == "parquet":
        back = set(pq.read_table(target)["id"].to_pylist())
    else:
        kind = {"csv": "ascii.csv", "ecsv": "ascii.ecsv", "vot": "votable"}.get(suffix, suffix)
        back = set(np.asarray(Table.read(target, format=kind)["id"]).tolist())
    assert back == inside(table, 56.755, 24.125, 120)


def test_an_unknown_suffix_is_the_users_mistake(run, tmp_path):
    assert (
        "cone.xyz" in run("cone", "stars", 1, 2, 3, "--out", tmp_path / "cone.xyz", code=2).stderr
    )


def test_a_region_of_ivoas_text_is_searched(run, table):
    found = ids(run("region", "stars", "CIRCLE 20 -30 10", "--json"))
    assert found == inside(table, 20, -30, 36_000)
    assert ids(run("region", "stars", "CIRCLE", 20, -30, 10, "--json")) == found


def test_a_wrong_region_is_the_users_mistake(run):
    assert "SQUIRCLE" in run("region", "stars", "SQUIRCLE 1 2 3", code=2).stderr


def test_a_sample_is_the_same_each_time(run):
    one = ids(run("sample", "stars", 0.1, "--by", "row", "--json"))
    assert one == ids(run("sample", "stars", 0.1, "--by", "row", "--json"))
    assert 200 < len(one) < 400


def test_ls_lists_what_there_is(run):
    told = {row["name"]: row for row in json.loads(run("ls", "--json").stdout)}
    assert set(told) == {"stars", "match"}
    assert told["stars"]["rows"] == 3000
    text = run("ls").stdout
    assert "stars" in text
    assert "3000" in text


def test_an_empty_archive_is_said_to_be_empty(run, tmp_path):
    assert "holds no catalogues" in run("ls", "--archive", tmp_path).stdout
