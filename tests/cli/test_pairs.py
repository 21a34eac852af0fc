"""`skyquarry pairs`: the pairs of the library, on screen, as JSON, in files and catalogues."""

from __future__ import annotations

import json

import pyarrow.parquet as pq
import pytest

import skyquarry as sq


@pytest.fixture(scope="module")
def rows(archive):
    """Pairs within an arcminute inside `stars`, by the library."""
    return sq.pairs(archive / "stars", radius_arcsec=60).to_table().to_pylist()


def test_pairs_of_two_catalogues_are_those_of_the_library(run, archive):
    found = json.loads(run("pairs", "stars", "match", "--radius", 7200, "--json").stdout)
    expected = sq.pairs(archive / "stars", archive / "match", radius_arcsec=7200).to_table()
    assert found == expected.to_pylist()
    assert len(found) > 100


def test_pairs_within_one_table(run, rows):
    assert json.loads(run("pairs", "stars", "--radius", "60", "--json").stdout) == rows
    assert rows


def test_a_file_is_written_with_all_columns(run, archive, tmp_path):
    out = tmp_path / "found.parquet"
    said = run("pairs", "stars", archive / "match", "--radius", 3600, "--keep", "best", "--how",
               "left", "--columns", "all", "--out", out).stdout  # fmt: skip
    table = pq.read_table(out)
    assert f"{table.num_rows:,} rows written to {out}" in said
    assert table.num_rows == 3000
    assert table.schema.names[:4] == ["left_id", "right_id", "sep_arcsec", "stars_id"]


def test_a_file_may_be_given_with_its_survey(run, tmp_path):
    import pyarrow as pa

    pq.write_table(
        pa.table({"source_id": [7], "ra": [56.755], "dec": [24.125]}), tmp_path / "g.parquet"
    )
    found = json.loads(
        run("pairs", tmp_path / "g.parquet", "stars", "--left-survey", "gaia_dr3", "--radius", 120,
            "-k", 3, "--json").stdout
    )  # fmt: skip
    assert [row["left_id"] for row in found] == [7, 7, 7]


def test_a_name_without_a_suffix_makes_a_catalogue(run, tmp_path, rows):
    said = run("pairs", "stars", "--radius", 60, "--out", tmp_path / "near").stdout
    assert f"{len(rows)} rows written" in said
    assert len(sq.open(tmp_path / "near")) == len(rows)


def test_it_says_what_it_would_do(run):
    said = run("pairs", "stars", "match", "--radius", 10, "--explain").stdout
    assert "pairs of stars and match within 10 arcsec" in said
    assert "3,000 rows in" in said


def test_rows_without_a_position_are_told(run, tmp_path):
    (tmp_path / "t.csv").write_text("id,ra,dec\n1,56.755,24.125\n2,,3\n")
    result = run("pairs", tmp_path / "t.csv", "stars", "--radius", 60)
    assert "1 left rows set aside: no position (null or NaN)" in result.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["stars", "match", "--radius", "far"], "far"),
        (["stars", "match", "--radius", "-1"], "radius_arcsec is -1.0"),
        (["stars", "nowhere", "--radius", "1"], "nowhere"),
    ],
)
def test_what_cannot_be_done_is_said_in_a_line(run, words, said):
    result = run("pairs", *words, code=2)
    assert said in result.stderr
    assert "Traceback" not in result.output
