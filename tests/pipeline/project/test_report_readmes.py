"""READMEs and model cards beside what a project makes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

import skyquarry as sq
from skyquarry.errors import DamagedError
from skyquarry.pipeline.project.reading import read_project
from skyquarry.pipeline.project.reporting.cards import card
from skyquarry.pipeline.project.running import Runner
from skyquarry.software import this_code

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    "place",
    ["archive/truth", "archive/sdss", "archive/gaia_truth", "archive/matched",
     "archive/matched_pairs", "archive/features", "archive/classified", "examples", "report"],
)  # fmt: skip
def test_each_product_has_a_readme_that_provenance_knows(folder: Path, place: str) -> None:
    text = (folder / place / "README.md").read_text()
    name = text.split("| provenance | `")[1].split("`")[0]
    assert name in json.loads((folder / "provenance.json").read_text())["activity"]


def test_a_readme_tells_every_column_with_its_unit(folder: Path) -> None:
    text = (folder / "archive" / "classified" / "README.md").read_text()
    schema = sq.open(folder / "archive" / "classified").schema
    for name in schema.names:
        assert f"| `{name}` |" in text
    assert "| `ra` | double | deg |" in text


def test_what_is_simulated_says_so(folder: Path) -> None:
    assert "**Simulated**" in (folder / "archive" / "sdss" / "README.md").read_text()
    assert "**Simulated**" in (folder / "model" / "README.md").read_text()


def test_a_model_card_has_the_scores_that_came_after_training(folder: Path) -> None:
    text = (folder / "model" / "README.md").read_text()
    accuracy = json.loads((folder / "scores" / "scores.json").read_text())["overall"]["accuracy"]
    assert f"| accuracy | {accuracy['value']:.4f}" in text
    for words in ("galaxy", "sdss_g-r", "sha256", "Leakage", "licence", "No column was refused",
                  f"skyquarry's code: {this_code()}."):  # fmt: skip
        assert words in text


def test_a_model_card_lists_what_was_refused_and_why(folder: Path) -> None:
    """The project's features are asked for by name; of those that `auto` finds some are refused."""
    model = json.loads((folder / "model" / "model.json").read_text())
    model["told"]["recipe"]["refused"] = {"sdss_objID": "bookkeeping", "sdss_run": "bookkeeping"}
    text = card(model, name="field", scores=None, sources=(), label={})
    assert "Refused (2):\n\n- `sdss_objID`, `sdss_run`: bookkeeping" in text


def test_a_card_gives_our_definitions_to_our_labels_alone(folder: Path) -> None:
    """A table's "giant" had the line of Ciardi et al. beside it, whatever its author meant."""
    model = json.loads((folder / "model" / "model.json").read_text())
    own = card(model, name="field", scores=None, sources=(), label={})
    assert "| galaxy | as its labels have it |" in own
    assert "a galaxy whose stars outshine" in (folder / "model" / "README.md").read_text()


def test_a_card_damages_no_model_and_makes_nothing_new(folder: Path) -> None:
    card = folder / "model" / "README.md"
    before = card.read_text()
    card.write_text(before + "my own words\n")
    sq.load_model(folder / "model")
    assert all(
        state.why == "" for state in Runner(read_project(folder.with_suffix(".toml"))).states()
    )
    card.write_text(before)
    strange = folder / "model" / "strange.txt"
    strange.write_text("")
    with pytest.raises(DamagedError, match=r"strange.txt is not listed"):
        sq.load_model(folder / "model")
    strange.unlink()
