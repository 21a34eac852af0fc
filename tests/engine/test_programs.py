"""Conditions as steps of a compiled loop: the rows are those that numpy finds."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from skyquarry.engine import predicate
from skyquarry.engine.plainterms import Plain
from skyquarry.engine.predicate import parse
from skyquarry.engine.programs import COLUMNS, NoSteps, program_of

ROWS = 70_001
"""more than are asked in one call, and no whole number of words"""
IN_STEPS = [
    "u - g < 0.5", "u - g >= g - r", "g > u", "-u <= -18", "2 * u - 1 < g + 18", "3 - r > -15",
    "u / g > 1", "20 / (r - r) > 1 OR r < 16", "1 / 4.0 < u - g", "n < 3", "n >= k", "n > id",
    "id = 9007199254740993", "id <> 9007199254740992", "n < 2.5", "u > n", "k / 2.0 = n",
    "NOT (u < 19 OR g < 18 AND n = 1)", "r BETWEEN 17.5 AND 18", "r NOT BETWEEN 17.5 AND 18",
    "n IN (1, 2, 7)", "n NOT IN (1, 2)", "u IN (20.5, 21)", "u NOT IN (20.5, NULL)", "u IS NULL",
    "u IS NOT NULL AND r < 18", "n IS NULL", "n IS NOT NULL", "u <> 20.5", "u <> g", "n <> k",
    "3 > n", "18.0 >= r",
]  # fmt: skip


@pytest.fixture(scope="module")
def rows():
    random = np.random.default_rng(7)

    def magnitudes(of, kind):
        return pa.array(np.round(random.normal(of, 1.5, ROWS) * 8) / 8, kind)

    u = magnitudes(20, pa.float64())
    return pa.table({
        "u": pa.array(u, mask=random.random(ROWS) < 0.1),
        "g": pa.array(np.where(random.random(ROWS) < 0.1, np.nan, magnitudes(19, pa.float64()))),
        "r": magnitudes(18, pa.float32()),
        "n": pa.array(random.integers(-3, 9, ROWS), pa.int16()),
        "k": pa.array(random.integers(-3, 9, ROWS), pa.int64()),
        "id": pa.array(2**53 + np.arange(ROWS) - 3),
        "maybe": pa.array(random.integers(0, 3, ROWS), mask=random.random(ROWS) < 0.5),
        "name": pa.array(np.array(["a", "b"])[random.integers(0, 2, ROWS)]),
    })  # fmt: skip


def test_many_conditions_at_once_choose_what_each_chooses_alone(rows):
    asked = [parse(text, rows.schema) for text in IN_STEPS]
    found = program_of(asked, rows).rows(rows)
    for each, chosen in zip(asked, found, strict=True):
        assert np.array_equal(chosen, each.rows(Plain(rows))), each.text
    assert sum(map(len, found)) > 20 * ROWS / 10


def test_what_several_need_is_worked_out_once(rows):
    texts = ["u - g < 0.5", "u - g < 0.5 AND r < 18", "r < 18 OR u - g > 1"]
    program = program_of([parse(text, rows.schema) for text in texts], rows)
    assert program.columns == ("u", "g", "r")
    assert program.sizes.tolist() == [4, 1, 5]  # three columns and a colour; five truths


@pytest.mark.parametrize(
    "text", ["name = 'a'", "maybe < 2", "n + k < 3", "n < 9223372036854775808", "1 < 2"]
)
def test_what_has_no_steps_is_left_to_others(rows, text):
    with pytest.raises(NoSteps):
        program_of([parse(text, rows.schema)], rows)


def test_more_columns_than_a_program_reads_are_left_to_others():
    many = pa.table({f"c{n}": [1.0] for n in range(COLUMNS + 1)})
    asked = parse(" AND ".join(f"{name} > 0" for name in many.column_names), many.schema)
    with pytest.raises(NoSteps):
        program_of([asked], many)


@pytest.mark.parametrize("loops", [predicate._LOOPS, "not loaded"])
def test_a_large_table_is_asked_in_parts(rows, monkeypatch, loops):
    monkeypatch.setattr(predicate, "_LOOPS", loops)
    for text in (*IN_STEPS, "name = 'a' AND r < 18", "n + k < 3"):
        asked = parse(text, rows.schema)
        whole = rows["id"].take(pa.array(asked.rows(Plain(rows))))
        assert asked.choose(rows)["id"].equals(whole), text
