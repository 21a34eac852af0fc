"""Costly conditions wait for a join that few rows come through: the same rows, asked later."""

from __future__ import annotations

import pytest

from skyquarry.adql.joins import ordering
from skyquarry.adql.joins.flat import Flat, Part
from skyquarry.adql.joins.joinplan import Sized
from skyquarry.adql.joins.postponing import postponed
from skyquarry.adql.terms import Truth

DIVIDED = (
    "a.pm / a.flags > 0.5",  # flags are -8 to 7
    "NOT a.pm / a.flags > 0.5",
    "(a.pm / a.flags > 0.5 OR a.mag / a.pm < 0 OR a.flags = 0)",
    "COALESCE(a.id / a.flags, -1) = -1",
)


@pytest.fixture
def texts(monkeypatch):
    """The joins as they were written; as if every table were a large one."""
    found = []
    real = ordering._text
    monkeypatch.setattr(ordering, "_WORTH", 0)

    def text(*given):
        made = real(*given)
        found.append(made.sql)
        return made

    monkeypatch.setattr(ordering, "_text", text)
    return found


@pytest.mark.parametrize("test", DIVIDED)
def test_the_rows_are_the_same(ask, texts, monkeypatch, test):
    adql = (
        "SELECT a.id, a.pm, a.flags, b.mag FROM sky a JOIN sky b ON a.id = b.id + 3 "
        f"WHERE b.mag < 17 AND {test} ORDER BY a.id"
    )
    found = ask(adql).to_table()
    assert 'CASE WHEN t2."id" IS NULL THEN FALSE' in texts[-1]
    assert 5 < found.num_rows < 2_000
    monkeypatch.setattr(ordering, "_WORTH", 10**12)
    assert ask(adql).to_table().equals(found)


@pytest.mark.parametrize(
    "adql",
    [
        "SELECT a.id FROM sky a JOIN sky b ON a.id = b.id WHERE a.pm / a.flags > 0.5",
        "SELECT a.id FROM sky a JOIN sky b ON a.id = b.id WHERE b.mag < 17 AND a.pm * 2 > 0.5",
        "SELECT a.id FROM sky a, mine b WHERE a.pm / a.flags > 0.5 AND a.pm > b.reach",
    ],
)
def test_what_is_cheap_or_meets_many_rows_is_asked_first(ask, texts, adql):
    assert ask(adql).to_table().num_rows > 10
    assert "IS NULL THEN FALSE" not in texts[-1]


def test_what_meets_many_rows_in_the_end_is_asked_first():
    """A key of few values finds many rows for each of a small table."""
    equal = Flat.equality('t1."kind"', 't2."kind"')
    costly = Truth('(1 / nullif(t1."x", 0) > 2)', free=frozenset({'t1."x"'}))
    flat = Flat((Part(0, "t1", "s0 AS t1"), Part(1, "t2", "s1 AS t2")), (equal, costly))

    def told(rows, whole):
        sized = [Sized("t1", "s0 AS t1", 1e5, 1e6), Sized("t2", "s1 AS t2", rows, whole)]
        return postponed(flat, sized).truths[1]

    assert told(100.0, 1e5).free == {'t1."x"', 't2."kind"'}
    assert told(100.0, 100.0) == costly
    assert told(2e5, 1e6) == costly
    moody = Truth('(random() / nullif(t1."x", 0) > 2)', free=costly.free)
    few = [Sized("t1", "s0 AS t1", 1e5, 1e6), Sized("t2", "s1 AS t2", 100.0, 1e5)]
    assert postponed(Flat(flat.parts, (equal, moody)), few).truths[1] == moody
