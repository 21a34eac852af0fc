"""One object of a project, told: found by id, by member, by place; its class and match and why."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

import skyquarry as sq
from skyquarry.catalog.classes import names_of
from skyquarry.errors import NotFoundError
from skyquarry.pipeline.labelling import labels_of_truth
from skyquarry.pipeline.project.reading import read_project
from skyquarry.pipeline.project.reporting.explaining import (
    explain_in_catalogue,
    explain_in_project,
)
from skyquarry.pipeline.project.reporting.truths import truth_words, truths_in

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Any

    from skyquarry.pipeline.project.settings import Project


@pytest.fixture(scope="module")
def project(folder: Path) -> Project:
    return read_project(folder.with_suffix(".toml"))


@pytest.fixture(scope="module")
def both(folder: Path) -> dict[str, Any]:
    """A matched object that both surveys have, as its classified row has it."""
    matched = sq.open(folder / "archive" / "matched").to_table().to_pylist()
    one = next(each for each in matched if each["n"] == 2)
    rows = sq.open(folder / "archive" / "classified").to_table().to_pylist()
    return one | next(each for each in rows if each["group_id"] == one["group_id"])


def test_an_object_is_found_by_its_group_by_each_member_and_by_its_place(
    project: Project, both: dict[str, Any]
) -> None:
    place = f"{both['ra']:.6f} {both['dec']:+.6f}"
    for words in (both["group_id"], f"sdss:{both['sdss_id']}", f"gaia:{both['gaia_id']}", place):
        assert explain_in_project(project, words).to_dict()["id"] == both["group_id"]


def test_what_is_told_is_what_the_classified_catalogue_says(
    project: Project, both: dict[str, Any]
) -> None:
    told = explain_in_project(project, both["group_id"]).to_dict()
    assert told["class"] == both["class"]
    assert told["probabilities"]["galaxy"] == pytest.approx(both["p_galaxy"], abs=0)
    assert told["novelty"] == pytest.approx(both["novelty"], abs=0)
    flags = ("discovery", "follow_up", "shifted", "undersampled")
    assert told["flags"] == [name for name in flags if both[name]]
    for name in ("uncertainty", "tree_spread", "distance", "density_ratio"):
        assert told[name] == pytest.approx(both[name], abs=0)


def test_class_reasons_and_match_stand_in_the_words(project: Project, both: dict[str, Any]) -> None:
    text = str(explain_in_project(project, both["group_id"]))
    assert f"class: {both['class'].replace('_', ' ')}" in text
    assert " speaks " in text
    assert "is matched with" in text
    assert "seen by 2 of 2 catalogues" in text
    assert "in truth, as it is simulated: " in text


def test_a_catalogue_and_a_model_are_enough(folder: Path, both: dict[str, Any]) -> None:
    model, catalog = sq.load_model(folder / "model"), sq.open(folder / "archive" / "matched")
    told = explain_in_catalogue(model, catalog, both["group_id"]).to_dict()
    assert told["class"] == both["class"]
    assert told["match"] is None


@pytest.mark.parametrize("words", ["sdss:17", "gaia:17", "nothing", "10.0 +10.0"])
def test_what_is_not_there_is_an_error_that_names_it(project: Project, words: str) -> None:
    with pytest.raises(NotFoundError, match=r"one is needed"):
        explain_in_project(project, words)


def test_a_match_whose_catalogues_have_gone_is_still_told_of(
    project: Project, folder: Path, both: dict[str, Any]
) -> None:
    gaia = folder / "archive" / "gaia"
    gaia.rename(gaia.with_name("elsewhere"))
    try:
        told = explain_in_project(project, both["group_id"]).to_dict()
    finally:
        gaia.with_name("elsewhere").rename(gaia)
    assert told["match"]["members"]["gaia"] == both["gaia_id"]
    assert "gaia" in told["match"]["why_not"]


def test_the_truth_is_told_as_labels_know_it(project: Project, folder: Path) -> None:
    rows = sq.open(folder / "archive" / "matched").to_table()
    few = rows.slice(0, 150)
    names = ("sdss", "gaia")
    told = [each and each["class"] for each in truths_in(project, few)]
    assert told == names_of(labels_of_truth(few, sq.archive(folder / "archive"), names)).tolist()


def test_a_spurious_row_is_nothing_in_truth() -> None:
    assert truth_words({"class": "other", "spurious": True}) == "nothing: a spurious row"
    star = {"class": "main_sequence", "teff_k": 5300.0, "logg": 4.5}
    assert truth_words(star) == "main sequence, 5,300 K, log g = 4.50"


def test_a_project_without_a_match_says_so(tmp_path: Path) -> None:
    (tmp_path / "f.toml").write_text('[surveys.a]\nfiles = "a.csv"\n')
    with pytest.raises(NotFoundError, match="no match"):
        explain_in_project(read_project(tmp_path / "f.toml"), "a:1")
