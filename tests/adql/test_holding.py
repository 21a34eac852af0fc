"""Rows are held before functions of Python are asked about them; what comes out is the same."""

from __future__ import annotations

from dataclasses import replace

import pytest

from skyquarry.adql.running import answers, dividing, merging
from skyquarry.adql.running.holding import Held
from skyquarry.errors import RunError
from skyquarry.sky import htm

TRIXELS = (
    "SELECT htm_id(ra, dec, 3) AS cell, COUNT(*) AS n, AVG(mag) AS m, MAX(kind) AS k, "
    "COUNT(DISTINCT kind) AS kinds FROM sky WHERE mag < 22 GROUP BY htm_id(ra, dec, 3)"
)
QUERIES = [
    TRIXELS,
    TRIXELS + " HAVING COUNT(*) > 5 ORDER BY n DESC, cell",
    "SELECT id, htm_id(ra, dec, 5) AS cell, seen FROM sky WHERE mag < 20 AND good = 'true'",
    "SELECT DISTINCT htm_id(ra, dec, 2) AS cell FROM sky WHERE dec > 0",
    "SELECT TOP 7 id, ivo_healpix_index(4, ra, dec) AS p FROM sky WHERE mag < 21 ORDER BY p, id",
    "SELECT COUNT(*) AS n, MIN(htm_id(ra, dec, 4)) AS least FROM sky WHERE mag < 21",
    "SELECT id, htm_id(ra, dec, 4) AS c FROM sky WHERE htm_id(ra, dec, 1) = 35 AND mag < 22",
]


@pytest.fixture(autouse=True)
def small_parts(monkeypatch):
    monkeypatch.setattr(dividing, "FIRST_ROWS", 700)
    monkeypatch.setattr(dividing, "MOST_ROWS", 3_000)


def _sorted(rows):
    return sorted(rows, key=repr)


def _value(of):
    return pytest.approx(of, rel=1e-12) if isinstance(of, float) else of


@pytest.mark.parametrize("adql", QUERIES)
@pytest.mark.parametrize("executor", [None, "inline"])
def test_rows_are_the_same_as_without(ask, monkeypatch, adql, executor):
    found = ask(adql).to_table(executor).to_pylist()
    monkeypatch.setattr(merging, "held", lambda block, aggregates, called: Held(block, aggregates))
    assert "holds" not in ask(adql).explain()
    without = ask(adql).to_table(executor).to_pylist()
    assert len(found) == len(without) > 0
    for one, other in zip(_sorted(found), _sorted(without), strict=True):
        assert {name: _value(of) for name, of in one.items()} == other


def test_trixels_are_those_of_the_rows_that_are_left(rows, columns):
    told = dict(rows("SELECT id, htm_id(ra, dec, 6) AS c FROM sky WHERE mag < 20"))
    left = columns["mag"] < 20
    expected = htm.index_radec(columns["ra"][left], columns["dec"][left], 6)
    assert told == dict(zip(columns["id"][left].tolist(), expected.tolist(), strict=True))
    assert left.sum() > 500


@pytest.mark.parametrize(
    ("adql", "holds"),
    [
        (TRIXELS, True),
        ("SELECT htm_id(ra, dec, 3) AS c, MAX(mag) AS m FROM sky GROUP BY htm_id(ra, dec, 3)", 0),
        ("SELECT kind, COUNT(*) AS n FROM sky WHERE htm_id(ra, dec, 1) = 35 GROUP BY kind", False),
        ("SELECT kind, COUNT(*) AS n FROM sky WHERE mag < 20 GROUP BY kind", False),
    ],
)
def test_rows_are_held_where_a_condition_leaves_some_for_a_function(ask, adql, holds):
    assert ("SQL of the rows that each part holds" in ask(adql).explain()) == holds


@pytest.mark.parametrize("adql", [each for each in QUERIES if "TOP" not in each])
def test_the_database_has_them_where_there_is_no_room_to_hold_them(ask, monkeypatch, adql):
    found = ask(adql).to_table("inline").to_pylist()
    seen = []
    real = answers.gathered
    monkeypatch.setattr(answers, "part_room_of", lambda _: 500)
    monkeypatch.setattr(answers, "gathered", lambda *given: seen.append(real(*given)) or seen[-1])
    without = ask(adql).to_table("inline").to_pylist()
    assert None in seen
    assert len(found) == len(without) > 0
    for one, other in zip(_sorted(found), _sorted(without), strict=True):
        assert {name: _value(of) for name, of in one.items()} == other


def test_what_parts_give_has_the_querys_memory_alone(ask):
    plan = ask("SELECT id, COUNT(*) AS n, AVG(mag) AS m FROM sky GROUP BY id")
    assert plan.pieces.here.divisions
    small = replace(plan, limits=replace(plan.limits, memory_bytes=200_000))
    with pytest.raises(RunError, match="needs more than its limits"):
        small.to_table()
