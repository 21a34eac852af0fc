"""The twenty queries: rows as a slow twin finds them, ten at least, and no condition idle."""

import pytest

import skyquarry as sq
from skyquarry.adql.twenty.every import twenty
from skyquarry.testing.naive.twenty import oracle
from skyquarry.testing.smallsky import INNER

QUERIES = twenty(INNER, paper=INNER)
ORDERED = ("1", "1-2002")
IMPLIED = {"10A-2002": ("a.ew > 200",)}
"""conditions that others imply: ew > 20 times a width above 10"""
CONDITIONS = [
    (name, number)
    for name, query in QUERIES.items()
    for number, text in enumerate(query.where)
    if text not in IMPLIED.get(name, ()) and name != "18"  # that one takes 20 s without its join
]


def _rows(archive, query, limit=None):
    found = sq.query(query.adql, archive=archive, limit=limit).to_table()
    return [tuple(row.values()) for row in found.to_pylist()]


@pytest.fixture(scope="module")
def answers(small):
    return {name: _rows(small, query) for name, query in QUERIES.items()}


@pytest.mark.parametrize("name", QUERIES)
def test_each_of_the_twenty_agrees_with_its_slow_twin(answers, sky, name):
    expected = oracle(name)(sky, INNER)
    found = [row[: len(expected[0])] for row in answers[name]]
    if name not in ORDERED:
        found = sorted(found)
    assert len(found) == len(expected)
    for row, twin in zip(found, expected, strict=True):
        assert row == pytest.approx(twin, rel=1e-9)


@pytest.mark.parametrize("name", QUERIES)
def test_each_of_the_twenty_finds_ten_rows(answers, name):
    assert len(answers[name]) >= 10


@pytest.mark.parametrize(("name", "number"), CONDITIONS)
def test_a_query_without_one_of_its_conditions_has_another_answer(small, answers, name, number):
    most = len(answers[name]) + 1
    other = _rows(small, QUERIES[name].without(number), most)
    assert sorted(other) != sorted(answers[name])
