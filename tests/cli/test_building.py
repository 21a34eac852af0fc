"""`build` from the command line: counts that add up, roles that stay, mistakes that are named."""

from __future__ import annotations

import json

import pytest

ROWS = "id,ra,dec,mag\n1,10.0,-5.0,9.5\n2,11.0,95.0,8.5\n3,12.0,5.0,7.5\n"


@pytest.fixture
def source(tmp_path):
    (tmp_path / "stars.csv").write_text(ROWS)
    return tmp_path / "stars.csv"


def test_rows_in_are_rows_stored_and_set_aside(run, source, tmp_path):
    target = tmp_path / "out" / "stars"
    told = json.loads(run("build", source, "--to", target, "--json").stdout)
    assert (told["rows_in"], told["rows_stored"], told["rows_rejected"]) == (3, 2, 1)
    assert "is sound" in run("verify", target).stdout
    assert json.loads(run("info", target, "--json").stdout)["rows"] == 2


def test_margins_are_said_one_by_one(run, source, tmp_path):
    run("build", source, "--to", tmp_path / "two", "--margin-arcsec", 5, "--margin-arcsec", 60)
    run("build", source, "--to", tmp_path / "none", "--margin-arcsec", 0)
    run("build", source, "--to", tmp_path / "usual")
    told = [
        json.loads(run("info", tmp_path / name, "--json").stdout)["margins"]
        for name in ("two", "none", "usual")
    ]
    assert [[*each] for each in told] == [
        ["v1/two_5arcs", "v1/two_60arcs"],
        [],
        ["v1/usual_10arcs"],
    ]


def test_the_account_is_printed(run, source, tmp_path):
    text = run("build", source, "--to", tmp_path / "stars2").stdout
    assert "rows in" in text
    assert "set aside" in text


def test_what_was_guessed_is_told_where_stderr_is_no_terminal(run, source, tmp_path):
    result = run("build", source, "--to", tmp_path / "told", "--json")
    assert "positions are ra and dec (by name)" in result.stderr
    notes = json.loads(result.stdout)["notes"]
    assert notes
    assert all(note in result.stderr for note in notes)


def test_repeated_ids_that_are_kept_are_no_fault(run, tmp_path):
    rows = "id,ra,dec\n1,10,5\n1,10,5\n2,10,5\n2,200,-5\n3,200,-5\n,200,-5\n"
    (tmp_path / "twice.csv").write_text(rows)
    report = run("build", tmp_path / "twice.csv", "--to", tmp_path / "twice", "--json").stdout
    assert json.loads(report)["duplicate_ids"] == 2
    assert "is sound" in run("verify", tmp_path / "twice").stdout


def test_a_role_file_of_ones_own_is_taken(run, source, tmp_path):
    (tmp_path / "mine.toml").write_text(
        'name = "mine"\ntitle = "Mine"\nacknowledgement = "Thanks to me."\n'
        '[roles]\nid = "id"\nra = "ra"\ndec = "dec"\n[sentinels]\nmag = [9.5]\n'
    )
    target = tmp_path / "mine"
    run("build", source, "--to", target, "--survey", tmp_path / "mine.toml")
    assert json.loads(run("info", target, "--json").stdout)["properties"]["obs_title"] == "Mine"
    assert "Thanks to me." in run("cite", target).stdout


def test_what_is_there_is_not_overwritten_unasked(run, source, tmp_path):
    run("build", source, "--to", tmp_path / "once")
    assert "once" in run("build", source, "--to", tmp_path / "once", code=2).stderr
    run("build", source, "--to", tmp_path / "once", "--overwrite")
    version = json.loads(run("info", tmp_path / "once", "--json").stdout)["version"]
    assert version == "v2"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--survey", "gaja_dr3"], "did you mean 'gaia_dr3'"),
        (["--ra", "alpha"], "alpha"),
    ],
)
def test_a_mistake_is_named(run, source, tmp_path, words, said):
    result = run("build", source, "--to", tmp_path / "no", *words, code=2)
    assert said in result.stderr
    assert not (tmp_path / "no" / "collection.properties").exists()


def test_a_missing_file_is_named(run, tmp_path):
    result = run("build", tmp_path / "nowhere.fits", "--to", tmp_path / "no", code=2)
    assert "nowhere.fits" in result.stderr


def test_neighbours_are_kept_beside_the_catalogue(run, tmp_path):
    rows = ["id,ra,dec", *(f"{i},{10 + i / 3600},5.0" for i in range(20))]
    (tmp_path / "row.csv").write_text("\n".join(rows))
    how = ("build", tmp_path / "row.csv", "--to", tmp_path / "row", "--json")
    told = json.loads(run(*how, "--neighbours", 3.5).stdout)["neighbours"]
    assert told["rows"] == 2 * (19 + 18 + 17)
    assert told["path"].endswith("row_neighbours")
    told = json.loads(
        run(*how, "--neighbours", 3.5, "--nearest", 2, "--overwrite").stdout
    )["neighbours"]  # fmt: skip
    assert told["rows"] == 40
    assert "--neighbours 30 --nearest 2" in run(*how, "--nearest", 2, code=2).output.replace(
        "\n", " "
    )
