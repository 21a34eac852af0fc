"""The report of a project: one page that says what is real, what was found, how far to trust it."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

import skyquarry as sq
from skyquarry.errors import NotFoundError, UserError
from skyquarry.pipeline.project.reading import read_project
from skyquarry.pipeline.project.reporting.gathering import gathered
from skyquarry.pipeline.project.reporting.tallying import tallied
from skyquarry.pipeline.project.reporting.writing import report_page, write_report
from skyquarry.pipeline.project.running import Runner

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Any


@pytest.fixture(scope="module")
def told(folder: Path) -> dict[str, Any]:
    return gathered(read_project(folder.parent / "field.toml"))[0]


def test_the_page_needs_nothing_from_elsewhere(folder: Path) -> None:
    text = (folder / "report" / "report.html").read_text()
    assert not re.findall(r'(?:src|href)="(?!data:|#)', text)
    assert "url(" not in text


def test_the_page_says_first_what_is_simulated(folder: Path) -> None:
    text = (folder / "report" / "report.html").read_text()
    assert "Everything below is simulated." in text[: text.index("<h2")]


def test_every_classified_object_is_counted_once(folder: Path, told: dict[str, Any]) -> None:
    rows = sq.open(folder / "archive" / "classified").to_table()
    words = rows["class"].to_pylist()
    assert {each["name"]: each["n"] for each in told["classes"]} == {
        name: words.count(name) for name in ("galaxy", "main_sequence")
    }
    assert told["sky"]["counts"].sum() == rows.num_rows


def test_a_diagram_holds_those_whose_colours_are_known(told: dict[str, Any]) -> None:
    titles = [each["title"] for each in told["diagrams"]]
    assert "g − r, r − i" in titles
    assert "W1 against W1 − W2" not in titles
    for each in told["diagrams"]:
        assert each["counts"].sum() <= sum(each["shown"])


def test_examples_are_told_with_their_reasons(told: dict[str, Any]) -> None:
    kinds = [(each["class"], each["kind"]) for each in told["specimens"]]
    assert kinds == [(name, kind) for name in ("galaxy", "main_sequence")
                     for kind in ("sure", "usual", "doubtful")]  # fmt: skip
    for each in told["specimens"]:
        assert any("speaks" in words for words in each["reasons"])
    assert told["specimens"][0]["p"]["galaxy"] >= told["specimens"][2]["p"]["galaxy"]


def test_the_numbers_of_the_page_are_a_file(folder: Path, told: dict[str, Any]) -> None:
    kept = json.loads((folder / "report" / "report.json").read_text())
    assert kept["classes"] == told["classes"]
    assert kept["scores"]["overall"]["accuracy"] == told["scores"]["overall"]["accuracy"]


def test_a_project_without_a_finished_stage_has_no_report(tmp_path: Path) -> None:
    (tmp_path / "field.toml").write_text('[surveys.a]\nfiles = "a.csv"\n')
    with pytest.raises(NotFoundError, match="no finished stage"):
        report_page(read_project(tmp_path / "field.toml"), tmp_path / "r.html")


def test_a_price_below_nothing_is_refused(tmp_path: Path) -> None:
    text = '[surveys.a]\nfiles = "a.csv"\n[report]\nprice_per_hour = -1\n'
    (tmp_path / "f.toml").write_text(text)
    with pytest.raises(UserError, match=r"report.price_per_hour is -1.0, but 0 or more"):
        read_project(tmp_path / "f.toml")


def test_the_command_writes_what_the_stage_wrote(folder: Path) -> None:
    project = read_project(folder.parent / "field.toml")
    files = sorted(path for path in (folder / "report").rglob("*") if path.is_file())
    before = {path.name: path.read_bytes() for path in files}
    write_report(project, folder / "report")
    after = {path.name: path.read_bytes() for path in files}
    assert {name for name in before if before[name] != after[name]} == set()
    assert all(state.why == "" for state in Runner(project).states())


def test_a_log_that_was_changed_is_told_on_the_page(folder: Path) -> None:
    log = folder / "audit.jsonl"
    whole = log.read_text()
    log.write_text(whole.replace("never done", "ever done"))
    try:
        told, _ = gathered(read_project(folder.parent / "field.toml"))
    finally:
        log.write_text(whole)
    assert "line 1 was changed" in told["audit"][0]


def test_a_match_without_a_model_is_drawn_as_objects(folder: Path) -> None:
    matched = sq.open(folder / "archive" / "matched").stored
    surveys = {"sdss": "sdss_dr18_photoobj", "gaia": "gaia_dr3"}
    told = tallied(matched, None, ("object",), surveys)
    assert told.counts.tolist() == [matched.n_rows]
    assert told.magnitude == "sdss_r"
    assert told.planes[1].sum() > 0


def test_a_tally_does_not_hang_on_the_order_of_tiles(folder: Path) -> None:
    home = folder / "archive"
    matched, classified = (sq.open(home / name).stored for name in ("matched", "classified"))
    classes = ("galaxy", "main_sequence")
    whole = tallied(matched, classified, classes, {})
    rows = classified.read(0, [*classified.schema.names])
    parts = replace(whole, samples={})
    for part in (rows.slice(100), rows.slice(0, 100)):
        parts.add(part, {})
    assert parts.counts.tolist() == whole.counts.tolist()
    assert (parts.sky == whole.sky).all()
    for name in classes:
        assert parts.samples[name]["group_id"].equals(whole.samples[name]["group_id"])
