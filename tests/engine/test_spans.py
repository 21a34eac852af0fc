"""Every row within a condition's spans is chosen by it: told by asking rows at their very ends."""

from __future__ import annotations

import math

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skyquarry.engine.predicate import parse
from skyquarry.engine.spans import implies, spans_of

SCHEMA = pa.schema(
    [("x", pa.float64()), ("f", pa.float32()), ("n", pa.int64()), ("t", pa.string())]
)
OPERATORS = st.sampled_from(["<", "<=", ">", ">="])
NUMBERS = st.one_of(
    st.integers(0, 2**24 - 1), st.floats(1e-30, 2.0**23).map(lambda each: float(np.float32(each))),
    st.floats(1e-30, 2.0**23), st.just(0),
)  # fmt: skip


@given(st.sampled_from("xfn"), OPERATORS, NUMBERS)
def test_rows_at_the_ends_of_a_span_are_chosen(column, operator, number):
    chosen = parse(f"{column} {operator} {number!r}", SCHEMA)
    low, high = spans_of(chosen.term)[column]
    end = low if high is None else high
    near = [end, np.nextafter(end, -np.inf), np.nextafter(end, np.inf), end * 2, end / 2, -end]
    if column == "n":
        near = [min(max(math.floor(each), -(2**62)), 2**62) for each in near]
    rows = pa.table({column: pa.array(near, SCHEMA.field(column).type)})
    values = rows[column].to_pylist()
    within = [(low is None or v >= low) and (high is None or v <= high) for v in values]
    mask = chosen.mask(rows).to_pylist()
    assert all(m for w, m in zip(within, mask, strict=True) if w)
    assert values.count(values[0]) <= 6


def test_spans_of_conditions_joined_by_and_are_met_together():
    assert spans_of(parse("x < 5 AND 2 <= x AND n > 1", SCHEMA).term) == {
        "x": (2.0, math.nextafter(5, 0)),
        "n": (math.nextafter(1, 2), None),
    }
    assert spans_of(parse("x BETWEEN 1 AND 2.5", SCHEMA).term) == {"x": (1.0, 2.5)}


@pytest.mark.parametrize(
    "text",
    [
        "x < 5 OR n > 1", "NOT x < 5", "x <> 5", "x = 5", "x < n", "x + 1 < 5", "t < 'b'",
        "x < 5 AND t = 'a'", "x IS NULL", "n < 9007199254740993", "f >= 16777217", "x < NULL",
        "x IN (1, 2)",
    ],
)  # fmt: skip
def test_other_conditions_have_none(text):
    assert spans_of(parse(text, SCHEMA).term) is None


def test_who_asks_less_than_a_span_implies_it():
    assert implies({"x": (1, 2)}, {})
    assert implies({"x": (1, 2), "n": (None, 3)}, {"x": (1, 2)})
    assert implies({"x": (None, 2)}, {"x": (None, 2.0)})
    assert not implies({"x": (None, math.nextafter(2, 3))}, {"x": (None, 2.0)})
    assert not implies({"n": (None, 2)}, {"x": (None, 2)})
    assert not implies({"x": (None, 2)}, {"x": (1, 2)})
    assert not implies({"x": (1, None)}, {"x": (1, 2)})
