"""`skyquarry crossmatch`: what the library says, in files, catalogues, pages and on screen."""

from __future__ import annotations

import json

import numpy as np
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
import pytest

import skyquarry as sq
from skyquarry.cli import crossmatching
from skyquarry.cli.options import table_given
from skyquarry.match.calibration.calibrate import Calibration

COUNT = 300


def survey(seed: int, sigma_arcsec: float, name: str) -> pa.Table:
    """The same stars in a square degree, each seen with an error of its own."""
    sky, seen = np.random.default_rng(7), np.random.default_rng(seed)
    ra, dec = sky.uniform(10, 11, COUNT), sky.uniform(20, 21, COUNT)
    off = seen.normal(0, sigma_arcsec / 3600, (COUNT, 2))
    return pa.table(
        {
            f"{name}_id": np.arange(COUNT) + 1000 * seed,
            "ra": ra + off[:, 0] / np.cos(np.radians(dec)),
            "dec": dec + off[:, 1],
        }
    )


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Two files of one sky, and their role files."""
    folder = tmp_path_factory.mktemp("crossmatch")
    for seed, sigma, name in ((1, 0.05, "red"), (2, 0.3, "blue")):
        table = survey(seed, sigma, name)
        pa_csv.write_csv(table, folder / f"{name}.csv")
        error = f'[roles.position_error]\nmodel = "fixed"\nfixed_arcsec = {sigma}\n'
        columns = "".join(
            f'[columns.{each}]\ntype = "{kind}"\n{unit}ucd = "{ucd}"\ndescription = "{each}"\n'
            for each, kind, unit, ucd in (
                (f"{name}_id", "long", "", "meta.id;meta.main"),
                ("ra", "double", 'unit = "deg"\n', "pos.eq.ra;meta.main"),
                ("dec", "double", 'unit = "deg"\n', "pos.eq.dec;meta.main"),
            )
        )
        (folder / f"{name}.toml").write_text(
            f'name = "{name}"\ntitle = "{name}"\n\n[roles]\nid = "{name}_id"\nra = "ra"\n'
            f'dec = "dec"\n{error}\n{columns}'
        )
    return folder


@pytest.fixture
def words(files):
    """The two tables as one says them to the command."""
    return [f"{files / name}.csv:{files / name}.toml" for name in ("red", "blue")]


@pytest.fixture(scope="module")
def result(files):
    """The same by the library."""
    return sq.crossmatch(
        *((files / f"{name}.csv", files / f"{name}.toml") for name in ("red", "blue"))
    ).run()


@pytest.mark.parametrize("table", ["pairs", "groups", "members", "wide"])
def test_a_file_is_what_the_library_says(run, words, result, tmp_path, table):
    out = tmp_path / "found.parquet"
    said = run("crossmatch", *words, "--table", table, "--out", out).stdout
    expected = result.to_table(table)
    assert pq.read_table(out).replace_schema_metadata() == expected.replace_schema_metadata()
    assert said.splitlines()[0] == f"{expected.num_rows:,} rows written to {out}"


def test_the_verdict_has_five_lines_at_the_end(run, words, result):
    lines = run("crossmatch", *words).stdout.splitlines()
    assert lines[-5:] == result.verdict.splitlines()
    assert [line.partition(":")[0] for line in lines[-5:]] == [
        "matched", "expected false", "error scale", "calibration", "doubt",
    ]  # fmt: skip
    assert f"{result.pairs.num_rows:,} rows, 20 shown" in lines[-6]


def test_a_name_without_a_suffix_makes_a_catalogue_with_its_children(run, words, result, tmp_path):
    said = run("crossmatch", *words, "--out", tmp_path / "found").stdout
    assert f"{result.groups.num_rows:,} rows written" in said
    made = sq.archive(tmp_path)
    assert len(made["found"]) == result.groups.num_rows
    assert len(made["found_pairs"]) == result.pairs.num_rows
    assert json.loads((tmp_path / "found" / "report.json").read_text())["verdict"]
    again = run("crossmatch", *words, "--out", tmp_path / "found", code=2)
    assert "there is a catalogue at" in again.stderr


def test_a_program_is_given_the_report(run, words, tmp_path):
    told = json.loads(run("crossmatch", *words, "--json", "--out", tmp_path / "p.csv").stdout)
    assert told["path"] == str(tmp_path / "p.csv")
    assert told["rows"] > 290
    assert told["report"]["names"] == ["red", "blue"]
    assert len(told["report"]["verdict"]) == 5


def test_the_report_is_a_page(run, words, tmp_path):
    pytest.importorskip("matplotlib")
    page = tmp_path / "report.html"
    said = run("crossmatch", *words, "--names", "a,b", "--report", page).stdout
    assert f"the report was written to {page}" in said
    assert "<h1>a × b</h1>" in page.read_text(encoding="utf-8")


def test_a_calibration_is_kept_and_used_again(run, words, tmp_path):
    kept = tmp_path / "c.json"
    first = run("crossmatch", *words, "--save-calibration", kept, "--json").stdout
    assert Calibration.load(kept).names == ("red", "blue")
    second = run("crossmatch", *words, "--calibration", kept, "--json").stdout
    a, b = (json.loads(each)["report"] for each in (first, second))
    assert a["pairs"] == b["pairs"]
    assert a["calibration"] == b["calibration"]


def test_it_says_what_it_would_do_and_does_nothing(run, words, tmp_path):
    said = run("crossmatch", *words, "--explain", "--out", tmp_path / "x.parquet").stdout
    assert f"cross-match red ({COUNT} rows) x blue ({COUNT} rows): one_to_one" in said
    assert not (tmp_path / "x.parquet").exists()


def test_without_photometry_and_calibration_the_passes_are_fewer(run, words):
    said = run("crossmatch", *words, "--explain", "--no-photometry", "--no-calibrate",
               "--no-fast-pass").stdout  # fmt: skip
    assert "calibrate" not in said
    assert "magnitudes by" not in said
    assert "fast stars" not in said


def test_the_library_hears_what_the_command_is_told(run, words, monkeypatch):
    heard = {}

    def planned(*_, **told):
        heard.update(told)
        raise sq_error

    from skyquarry.errors import UserError

    sq_error = UserError("enough")
    monkeypatch.setattr("skyquarry.pipeline.crossmatching.crossmatch", planned)
    run("crossmatch", *words, "--constraint", "many_to_one", "--keep", "best", "--completeness",
        0.99, "--prior", "red=2000,blue=5000,red+blue=900", "--radius", 5, "--default-error",
        "red=0.1", "--default-error", "blue=0.2", "--force", code=2)  # fmt: skip
    assert heard == {
        "constraint": "many_to_one", "keep": "best", "completeness": 0.99,
        "prior": {("red",): 2000.0, ("blue",): 5000.0, ("red", "blue"): 900.0},
        "photometry": "auto", "calibrate": True, "radius_arcsec": 5.0,
        "default_error_arcsec": {"red": 0.1, "blue": 0.2}, "names": None, "fast_pass": True,
        "force": True,
    }  # fmt: skip


def test_a_file_without_errors_asks_for_them(run, words, files):
    said = run("crossmatch", files / "red.csv", words[1], code=2).stderr
    assert "no errors of the positions are known of red" in said
    run("crossmatch", files / "red.csv", words[1], "--default-error", "red=0.05")


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--report", "page.pdf"], "'page.pdf', but it is a page: give a name that ends in .html"),
        (["--report", "nowhere/page.html"], "there is no folder 'nowhere'"),
        (["--out", "found.xyz"], "found.xyz has a suffix that says no format"),
        (["--out", "nowhere/found.csv"], "its folder nowhere is not there"),
        (["--default-error", "much"], "--default-error is 'much', but 'much' is no number"),
        (["--default-error", "1", "--default-error", "2"], "each needs a name"),
        (["--prior", "red=x"], "'x' is no number: as in gaia=2000"),
        (["--prior", "flat"], "prior is 'flat', but it is one of"),
        (["--calibration", "none.json"], "'none.json', but a file that --save-calibration wrote"),
        (["--no-calibrate", "--save-calibration", "c.json"], "nothing is calibrated anew"),
        (["--completeness", "1.5"], "completeness is 1.5"),
        (["--names", "a"], "2 different names are needed"),
    ],
)
def test_what_cannot_be_done_is_said_before_any_work(run, words, monkeypatch, more, said):
    monkeypatch.setattr(crossmatching._Wanted, "run", None)
    result = run("crossmatch", *words, *more, code=2)
    assert said in result.stderr
    assert result.stderr.count("\n") == 1


def test_one_table_is_not_enough(run, words):
    assert "needs 2 to 16" in run("crossmatch", words[0], code=2).stderr


def test_without_matplotlib_a_page_is_refused_before_any_work(run, words, monkeypatch):
    monkeypatch.setattr(crossmatching._Wanted, "run", None)
    monkeypatch.setattr("skyquarry.pipeline.reports.find_spec", lambda _: None)
    said = run("crossmatch", *words, "--report", "page.html", code=2).stderr
    assert "pip install 'skyquarry[plots]'" in said


@pytest.mark.parametrize(
    ("word", "given"),
    [
        ("{0}/red.csv", "{0}/red.csv"),
        ("{0}/red.csv:gaia_dr3", ("{0}/red.csv", "gaia_dr3")),
        ("{0}/red.csv:{0}/red.toml", ("{0}/red.csv", "{0}/red.toml")),
        ("{0}/*.csv:2mass", ("{0}/*.csv", "2mass")),
        ("https://example.org/t.csv", "https://example.org/t.csv"),
        ("https://example.org:8000/t.csv", "https://example.org:8000/t.csv"),
        ("https://example.org/t.csv:2mass", ("https://example.org/t.csv", "2mass")),
        ("{0}/odd:name.csv", "{0}/odd:name.csv"),
    ],
)
def test_a_survey_stands_behind_a_colon(files, word, given):
    (files / "odd:name.csv").write_text("")
    where = str(files)
    expected = given.format(where) if isinstance(given, str) else tuple(
        each.format(where) for each in given)  # fmt: skip
    assert table_given(word.format(where), "archive") == expected


def test_pairs_takes_a_survey_behind_a_colon_too(run, words):
    found = json.loads(run("pairs", *words, "--radius", 1, "--json", "--limit", 0).stdout)
    assert len(found) > 250
    assert {"left_id", "right_id", "sep_arcsec"} <= set(found[0])


def test_a_bar_is_shown_where_somebody_looks_on(monkeypatch):
    import io

    from skyquarry.cli.bars import patch_bar

    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    screen = Terminal()
    monkeypatch.setattr("sys.stderr", screen)
    monkeypatch.setenv("TERM", "xterm")
    with patch_bar() as progress:
        for step in [("survey", 1, 2), ("survey", 2, 2), ("learn", 0, 0), ("tables", 1, 1)]:
            progress(*step)
    assert "survey" in screen.getvalue()
    monkeypatch.setattr("sys.stderr", io.StringIO())
    with patch_bar() as progress:
        assert progress is None
