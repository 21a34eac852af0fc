"""Examples: labelled objects chosen, weighted and parted by cells of the sky."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pytest

import skyquarry as sq
from skyquarry.catalog.classes import Class
from skyquarry.errors import UserError
from skyquarry.pipeline.examples import CELL, LABEL, VARIES, WEIGHT, Choice, examples_of

if TYPE_CHECKING:
    from skyquarry.engine.catalog import Catalog

ROWS = 1_000
CHOICE = Choice(most_per_class=100, least_per_class=20, cell_order=6, seed=4)


@pytest.fixture(scope="module")
def matched(tmp_path_factory: pytest.TempPathFactory) -> Catalog:
    random = np.random.default_rng(1)
    table = pa.table(
        {
            "id": np.arange(ROWS),
            "ra": random.uniform(100.0, 120.0, ROWS),
            "dec": random.uniform(-10.0, 10.0, ROWS),
        }
    )
    return sq.build(table, tmp_path_factory.mktemp("x") / "matched", max_rows=200)


@pytest.fixture(scope="module")
def codes(matched: Catalog) -> np.ndarray:
    """By the id: a class for each number, wherever its row has come to lie."""
    ids = np.asarray(matched.select(["id"]).to_table()["id"])
    told = np.where(ids < 700, Class.GALAXY, Class.MAIN_SEQUENCE)
    told[ids >= 950] = Class.QUASAR
    told[ids >= 990] = Class.WHITE_DWARF
    told[ids % 10 == 0] = Class.UNLABELLED
    told[ids % 25 == 1] = Class.OTHER
    return told.astype(np.int8)


def test_each_row_keeps_its_own_label(matched: Catalog, codes: np.ndarray) -> None:
    made = examples_of(matched, codes, CHOICE)
    rows = pa.concat_tables([made.train, made.test])
    by_id = dict(zip(np.asarray(matched.select(["id"]).to_table()["id"]), codes, strict=True))
    for number, name in zip(rows["id"].to_pylist(), rows[LABEL].to_pylist(), strict=True):
        assert Class(by_id[number]).label == name


def test_a_class_too_few_and_what_is_no_class_are_left_out_and_told(
    matched: Catalog, codes: np.ndarray
) -> None:
    made = examples_of(matched, codes, CHOICE)
    assert set(made.left_out) == {"other", "white_dwarf"}
    assert made.left_out["white_dwarf"] == int((codes == Class.WHITE_DWARF).sum())
    assert set(made.train[LABEL].to_pylist()) == {"galaxy", "main_sequence", "quasar"}


def test_weights_give_back_what_the_match_has_of_each_class(
    matched: Catalog, codes: np.ndarray
) -> None:
    made = examples_of(matched, codes, CHOICE)
    rows = pa.concat_tables([made.train, made.test])
    summed = rows.group_by(LABEL).aggregate([(WEIGHT, "sum"), (WEIGHT, "count")]).to_pylist()
    assert {each[LABEL]: round(each[f"{WEIGHT}_sum"]) for each in summed} == made.counts
    assert max(each[f"{WEIGHT}_count"] for each in summed) == CHOICE.most_per_class


def test_no_cell_of_the_sky_both_trains_and_judges(matched: Catalog, codes: np.ndarray) -> None:
    made = examples_of(matched, codes, CHOICE)
    assert not set(made.train[CELL].to_pylist()) & set(made.test[CELL].to_pylist())
    assert 0.1 < made.test.num_rows / (made.train.num_rows + made.test.num_rows) < 0.3


def test_the_same_seed_chooses_the_same_rows(matched: Catalog, codes: np.ndarray) -> None:
    first, second = (examples_of(matched, codes, CHOICE) for _ in range(2))
    assert first.train.equals(second.train)


def test_one_class_alone_is_refused(matched: Catalog, codes: np.ndarray) -> None:
    lone = np.where(codes == Class.GALAXY, codes, Class.UNLABELLED).astype(np.int8)
    with pytest.raises(UserError, match=r"objects are galaxy \d+, but two classes of 20"):
        examples_of(matched, lone, CHOICE)


def test_what_varies_stands_beside_the_label_and_is_left_out_where_it_is_rare(
    matched: Catalog, codes: np.ndarray
) -> None:
    ids = np.asarray(matched.select(["id"]).to_table()["id"])
    varies = np.where(ids % 3 == 0, 1, np.where(ids % 3 == 1, 0, -1)).astype(np.int8)
    made = examples_of(matched, codes, CHOICE, varies)
    rows = pa.concat_tables([made.train, made.test])
    for number, told in zip(rows["id"].to_pylist(), rows[VARIES].to_pylist(), strict=True):
        assert told == {0: 1, 1: 0, 2: None}[number % 3]
    few = np.where(ids < 9, varies, 0).astype(np.int8)
    assert VARIES not in examples_of(matched, codes, CHOICE, few).train.column_names


def test_who_may_be_learnt_of_does_not_change_who_is_judged(
    matched: Catalog, codes: np.ndarray
) -> None:
    ids = np.asarray(matched.select(["id"]).to_table()["id"])
    learnt = ids % 3 == 0
    whole = examples_of(matched, codes, CHOICE)
    made = examples_of(matched, codes, CHOICE, learnt=learnt)
    told = set(made.train[LABEL].to_pylist())
    expected = [row for row in whole.test.to_pylist() if row[LABEL] in told]
    assert made.test.to_pylist() == expected
    assert made.train.num_rows > 40
    assert all(each % 3 == 0 for each in made.train["id"].to_pylist())
    assert not set(made.train[CELL].to_pylist()) & set(whole.test[CELL].to_pylist())
    assert "quasar" in made.left_out  # 16 of them may be learnt of, 20 are needed
