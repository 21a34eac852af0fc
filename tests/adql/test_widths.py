"""Numbers of different widths that meet: in comparisons, joins by name, and set operations."""

from __future__ import annotations

import pyarrow as pa
import pytest

from skyquarry.adql.asking import query

_ODD = 2**24 + 1
"""A whole number that a float of 32 bits has not: there it is 16777216."""
TABLE = pa.table(
    {
        "whole": pa.array([_ODD]),
        "short": pa.array([5], pa.int16()),
        "rough": pa.array([2.0**24], pa.float32()),
        "half": pa.array([5.5]),
        "wholes": [[1, 2]],
        "halves": [[1.5, 2.5]],
        "none": pa.nulls(1),
    }
)


def column(adql: str) -> list[float]:
    return query(adql, {}, {"t": TABLE}).to_table()["x"].to_pylist()


@pytest.mark.parametrize(
    "condition",
    [
        "whole = rough", "whole <= rough", "rough = 16777217", "rough >= 16777217",
        "rough IN (16777217, 3)", "rough BETWEEN 16777217 AND 16777219",
        "whole IN (SELECT rough FROM t)", "rough IN (SELECT whole FROM t)",
    ],
)  # fmt: skip
def test_a_number_of_32_bits_is_compared_exactly_with_whole_ones(condition):
    assert column(f"SELECT COUNT(*) AS x FROM t WHERE {condition}") == [0]
    assert column(f"SELECT COUNT(*) AS x FROM t WHERE NOT ({condition})") == [1]


@pytest.mark.parametrize(
    ("kind", "told"), [("JOIN", []), ("LEFT JOIN", [_ODD]), ("FULL JOIN", [_ODD - 1, _ODD])]
)
def test_using_joins_a_whole_number_exactly_with_one_of_32_bits(kind, told):
    other = "(SELECT rough AS x FROM t) AS b"
    found = column(f"SELECT x FROM (SELECT whole AS x FROM t) AS a {kind} {other} USING (x)")
    assert sorted(found) == told


@pytest.mark.parametrize(
    ("word", "told"), [("UNION ALL", 2), ("UNION", 2), ("EXCEPT", 1), ("INTERSECT", 0)]
)
@pytest.mark.parametrize("sides", [("whole", "rough"), ("rough", "whole")])
def test_set_operations_keep_whole_numbers_beside_those_of_32_bits(word, told, sides):
    one, other = sides
    found = column(f"SELECT {one} AS x FROM t {word} SELECT {other} FROM t")
    values = {"whole": float(_ODD), "rough": float(_ODD - 1)}
    wanted = list(values.values()) if told == 2 else [values[one]][:told]
    assert sorted(found) == sorted(wanted)


@pytest.mark.parametrize(
    ("value", "one", "other", "told"),
    [
        ("v / 2", "short", "half", [2.5, 2.75]),
        ("v / 2", "half", "short", [2.5, 2.75]),
        ("v * v", "none", "short", [25, None]),
        ("array_item(v, 1)", "wholes", "halves", [1.0, 1.5]),
        ("array_item(v, 1)", "halves", "wholes", [1.0, 1.5]),
    ],
)
def test_a_union_is_of_the_wider_kind_whichever_side_comes_first(value, one, other, told):
    both = f"SELECT {one} AS v FROM t UNION ALL SELECT {other} FROM t"
    found = column(f"SELECT {value} AS x FROM ({both}) AS u")
    assert sorted(found, key=lambda each: (each is None, each)) == told


def test_using_with_full_join_is_of_the_wider_kind():
    a, b = "(SELECT short AS v FROM t) AS a", "(SELECT half AS v FROM t) AS b"
    assert sorted(column(f"SELECT v / 2 AS x FROM {a} FULL JOIN {b} USING (v)")) == [2.5, 2.75]
