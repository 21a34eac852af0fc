"""Follow-up lists: who stands in them, in which order, with which reason."""

from __future__ import annotations

import csv
import json
from typing import TYPE_CHECKING

import numpy as np
import pyarrow.parquet as pq
import pytest

import skyquarry as sq
from skyquarry.pipeline.project.reporting.followup import disagreement_bits, entropy_bits

if TYPE_CHECKING:
    from pathlib import Path


def test_a_fair_coin_is_one_bit_and_a_sure_thing_none() -> None:
    p = np.array([[0.5, 0.5, 0.0], [0.25, 0.25, 0.5], [0.0, 1.0, 0.0]])
    np.testing.assert_allclose(entropy_bits(p), [1.0, 1.5, 0.0])


def test_learners_that_agree_have_nothing_to_learn_and_opposites_one_bit() -> None:
    unsure = np.full((2, 1, 2), 0.5)
    opposed = np.array([[[1.0, 0.0]], [[0.0, 1.0]]])
    np.testing.assert_allclose(disagreement_bits(unsure), [0.0])
    np.testing.assert_allclose(disagreement_bits(opposed), [1.0])


def test_the_list_of_the_telling_begins_with_the_greatest_entropy_of_what_is_measured(
    folder: Path,
) -> None:
    told = pq.read_table(folder / "report" / "telling.parquet")
    classified = sq.open(folder / "archive" / "classified")
    rows = classified.where("outcome IS NOT NULL").to_table()
    p = np.stack([rows[name].to_numpy() for name in ("p_galaxy", "p_main_sequence")], axis=1)
    every = entropy_bits(p.astype(float))
    assert told["gain"][0].as_py() == pytest.approx(every.max())
    gains = told["gain"].to_numpy()
    assert (np.diff(gains) <= 0).all()
    assert told["rank"].to_pylist() == list(range(1, told.num_rows + 1))
    assert told.num_rows == min(1_000, rows.num_rows)


def test_every_listed_object_has_its_reason(folder: Path) -> None:
    for name in ("rare", "unusual", "telling"):
        told = pq.read_table(folder / "report" / f"{name}.parquet")
        assert all(" speaks " in reason for reason in told["reason"].to_pylist())


def test_the_unusual_are_those_that_the_catalogue_flags(folder: Path) -> None:
    told = pq.read_table(folder / "report" / "unusual.parquet")
    rows = sq.open(folder / "archive" / "classified").to_table()
    flagged = rows.filter(rows["follow_up"])["group_id"].to_pylist()
    assert sorted(told["id"].to_pylist()) == sorted(flagged)


def test_the_lists_are_text_too(folder: Path) -> None:
    told = pq.read_table(folder / "report" / "telling.parquet")
    with (folder / "report" / "telling.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["id"] for row in rows] == told["id"].to_pylist()
    assert float(rows[0]["ra"]) == told["ra"][0].as_py()


def test_the_tables_of_the_page_are_files(folder: Path) -> None:
    home = folder / "report" / "tables"
    rows = pq.read_table(home / "classes.parquet").to_pylist()
    classified = sq.open(folder / "archive" / "classified").to_table()["class"].to_pylist()
    assert {each["class"]: each["n"] for each in rows} == {
        name: classified.count(name) for name in set(classified)
    }
    scores = json.loads((folder / "scores" / "scores.json").read_text())
    told = pq.read_table(home / "confusion.parquet").to_pylist()
    assert [each["weight"] for each in told] == [n for line in scores["confusion"] for n in line]
    purity = {
        each["class"]: each["purity"] for each in pq.read_table(home / "scores.parquet").to_pylist()
    }
    assert purity == {each["name"]: each["purity"]["value"] for each in scores["per_class"]}
    stages = pq.read_table(home / "stages.parquet")
    assert stages["stage"].to_pylist()[:2] == ["simulate", "match"]
    assert stages.schema.field("seconds").metadata[b"unit"] == b"s"


def test_every_table_is_text_too_and_stands_in_the_readme(folder: Path) -> None:
    home = folder / "report"
    text = (home / "README.md").read_text()
    for file in home.rglob("*.parquet"):
        assert file.with_suffix(".csv").is_file()
        assert f"## {file.relative_to(home).as_posix()}: " in text
