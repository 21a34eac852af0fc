"""Joins in another order and joins by the matcher give the rows of the SQL as it stands."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

from skyquarry.adql.asking import query
from skyquarry.adql.database.kept import Limits
from skyquarry.adql.joins import meeting, ordering, sides
from skyquarry.errors import RunError
from skyquarry.testing.handmade import write_catalog

JOINS = (
    "sky a JOIN sky b ON a.id = b.id + 1 WHERE a.mag < 21 AND b.kind = 'star'",
    "sky a JOIN sky b USING (id) JOIN sky c ON c.id = a.flags WHERE a.mag < 22 OR b.mag > 20",
    "sky a, sky b, mine m WHERE a.id = m.id AND b.flags = a.flags AND b.mag < 15 AND a.pm <> b.pm",
    "sky a JOIN mine m ON a.id = m.id, mine n WHERE n.id = m.id AND n.label IS NULL",
    "sky a JOIN sky b ON a.flags = b.flags AND a.kind = b.kind WHERE a.mag < 14 AND b.mag < 13",
    "sky a JOIN sky b ON a.id = b.id WHERE a.id NOT IN (SELECT id FROM sky WHERE mag < 20)",
    "sky a JOIN mine m ON a.id = m.id WHERE EXISTS (SELECT 1 FROM sky c WHERE c.flags = m.id)",
    "sky a, mine m WHERE a.mag < 10",
)  # fmt: skip
NEAR = (
    "sky a JOIN sky b ON DISTANCE(a.ra, a.dec, b.ra, b.dec) < 0.02",
    "sky a JOIN sky b ON DISTANCE(a.ra, a.dec, b.ra, b.dec) <= 0.02 AND a.id < b.id",
    "sky a, sky b WHERE 1 = CONTAINS(POINT(a.ra, a.dec), CIRCLE(b.ra, b.dec, 0.03)) AND a.mag < 22",
    "sky a JOIN mine b ON DISTANCE(a.ra, a.dec, b.ra, b.dec) < 0.5",
    'mine a JOIN sky b ON DISTANCE(a.ra, a.dec, b.ra, b.dec) < 0.5 AND ABS(a.reach-b."size") < 0.3',
    ("sky a JOIN sky b ON DISTANCE(a.ra, a.dec, b.ra, b.dec) < 0.1 "
     'WHERE ABS((a."size") - b."size") < 0.004 AND 10 > ABS(b.pm - a.pm)'),
    ("sky a JOIN sky b ON DISTANCE(a.ra, a.dec, b.ra, b.dec) < 0.1 AND a.id < b.id "
     'WHERE ABS(a."size" - b."size") < 0.004'),
    ("sky a JOIN sky b ON DISTANCE(a.ra, a.dec, b.ra, b.dec) < 0.1 AND b.flags <> a.id "
     'WHERE ABS(a."size" - b."size") < 0.004'),
    ("sky a JOIN sky b ON DISTANCE(a.ra, a.dec, b.ra, b.dec) < 0.1 "
     'WHERE ABS(a."size" - b.pm / 200) < 0.004'),
    "sky a JOIN sky b ON DISTANCE(a.ra, a.dec, b.ra, b.dec) < 0.02 JOIN mine m ON m.id = b.flags",
    ("sky a JOIN sky b ON DISTANCE(a.ra, a.dec, b.ra, b.dec) < 0.1 AND a.flags = b.flags "
     "AND a.kind IN ('star', 'a.b') AND b.kind IN ('star', 'b.b')"),
    "sky a JOIN sky b ON DISTANCE(a.ra + 360, a.dec, b.ra - 720, b.dec) < 0.02",
)  # fmt: skip


def told(plan) -> list[str]:
    """The rows, in an order of their own."""
    return sorted(map(str, plan.to_table().to_pylist()))


def planned(plan) -> list[ordering.Plan]:
    """The joins that are not left to the database."""
    return ordering.planned(plan.pieces.joins, plan.reads)


@pytest.fixture
def as_it_stands(ask, monkeypatch):
    """The rows of a query whose joins are left to the database."""

    def of(adql: str, **how):
        with monkeypatch.context() as patch:
            patch.setattr(ordering, "_WORTH", 10**12)
            patch.setattr(ordering, "_WORTH_MATCHING", 10**12)
            assert not planned(ask(adql, **how))
            return told(ask(adql, **how))

    return of


@pytest.fixture
def all_worth(monkeypatch):
    """As if every table were a large one."""
    monkeypatch.setattr(ordering, "_WORTH", 0)
    monkeypatch.setattr(ordering, "_WORTH_MATCHING", 0)


@pytest.mark.parametrize("join", [*JOINS, *NEAR])
def test_the_rows_are_those_of_the_sql_as_it_stands(ask, as_it_stands, all_worth, join):
    adql = f"SELECT * FROM {join}"
    plan = ask(adql)
    assert planned(plan)
    assert told(plan) == as_it_stands(adql)
    assert told(plan)


@pytest.mark.parametrize("more", ["", " AND ABS(a.mag - b.mag) < 1"])
def test_a_side_that_has_no_row_left_gives_none(ask, all_worth, more):
    """No statistics tell of it: the conditions of that side leave nothing."""
    near = "sky a JOIN sky b ON DISTANCE(a.ra, a.dec, b.ra, b.dec) < 0.02"
    plan = ask(f"SELECT a.id, b.id FROM {near} WHERE a.mag * 0 > 1{more}")
    assert planned(plan)
    assert told(plan) == []


@pytest.mark.parametrize("room", [7, 1 << 21])
def test_pairs_come_in_roomfuls_and_whole(ask, as_it_stands, all_worth, monkeypatch, room):
    adql = "SELECT a.id, b.id FROM sky a JOIN sky b ON DISTANCE(a.ra, a.dec, b.ra, b.dec) < 0.02"
    monkeypatch.setattr(meeting, "_ROOM", room)
    monkeypatch.setattr(meeting, "_HELD", room)  # what is beyond is streamed into the database
    found = told(ask(adql))
    assert found == as_it_stands(adql)
    assert len(found) > 12_000  # each row is near itself


@pytest.mark.parametrize("band", ["", " AND ABS(a.mag - b.mag) < 1", " AND ABS(a.mag - b.pm) < 9"])
def test_rows_are_held_in_memory_or_become_a_table(ask, as_it_stands, all_worth, monkeypatch, band):
    adql = ("SELECT a.*, b.* FROM sky a JOIN sky b ON DISTANCE(a.ra, a.dec, b.ra, b.dec) < 0.02 "
            f"AND a.id < b.id{band} WHERE a.mag < 22")  # fmt: skip
    held = told(ask(adql))
    assert held == as_it_stands(adql)
    assert held
    seen = []
    real = sides.gathered
    monkeypatch.setattr(sides, "gathered", lambda *given: seen.append(real(*given)) or seen[-1])
    monkeypatch.setattr(sides, "_TIMES", Limits().memory_bytes / 2 / 400_000)  # numbers have room
    assert told(ask(adql)) == held
    assert None not in seen
    monkeypatch.setattr(sides, "_width", lambda _: 0.0)  # as if they were thought to have it too
    assert told(ask(adql)) == held
    assert None in seen


def test_the_limit_of_memory_holds_for_rows_that_are_held(ask, all_worth):
    adql = "SELECT a.id, b.id FROM sky a JOIN sky b ON DISTANCE(a.ra, a.dec, b.ra, b.dec) < 0.02"
    plan = ask(adql)
    small = replace(plan, limits=replace(plan.limits, memory_bytes=2 << 20))
    with pytest.raises(RunError, match=r"more than its limits of 0\.00195 GiB of memory"):
        small.to_table()


@pytest.mark.parametrize("room", [140, 1 << 28])
def test_columns_may_have_the_names_that_number_rows(all_worth, monkeypatch, room):
    monkeypatch.setattr(sides, "_TIMES", Limits().memory_bytes / 2 / room)
    one = {"id": [1, 2, 3, 4], "ra": [10.0, 20.0, 30.0, 10.0], "dec": [1.0, 2.0, 3.0, 1.0],
           "~row": [2, 0, 1, 3], "rowid": [3, 3, 3, 3]}  # fmt: skip
    other = {
        "ra": [10.01, 20.01, 30.01],
        "dec": [1.0, 2.0, 3.0],
        "~ROW": [7, 8, 9],
        "~0": [4, 5, 6],
    }
    plan = query(
        'SELECT a.id, a."~row", a.rowid, b."~ROW", b."~0" FROM one a JOIN other b '
        "ON DISTANCE(a.ra, a.dec, b.ra, b.dec) < 0.1",
        uploads={"one": one, "other": other},
    )
    found = sorted(tuple(row.values()) for row in plan.to_table().to_pylist())
    assert found == [(1, 2, 3, 7, 4), (2, 0, 3, 8, 5), (3, 1, 3, 9, 6), (4, 3, 3, 7, 4)]


def test_every_order_of_three_tables_gives_the_same_rows(ask, as_it_stands, all_worth, monkeypatch):
    adql = ("SELECT a.id, b.id, c.id FROM sky a JOIN sky b ON a.flags = b.id "
            "JOIN sky c ON c.id = b.flags WHERE a.mag < 20 AND b.pm <> c.pm")  # fmt: skip
    wanted = as_it_stands(adql)
    for turn in range(6):
        order = list(ordering.permutations(range(3)))[turn]
        monkeypatch.setattr(ordering, "_best", lambda parts, flat, o=order: [parts[i] for i in o])
        assert told(ask(adql)) == wanted


def test_a_position_beyond_the_pole_lies_where_its_sine_has_it(all_worth):
    one = pa.table({"id": [1, 2, 3], "ra": [10.0, 370.0, None], "dec": [90.02, 89.8, 89.8]})
    other = pa.table({"id": [7], "ra": [190.0], "dec": [89.98]})
    plan = query(
        "SELECT a.id FROM one a JOIN other b ON DISTANCE(a.ra, a.dec, b.ra, b.dec) < 0.1",
        uploads={"one": one, "other": other},
    )
    assert plan.to_table().column(0).to_pylist() == [1]


def test_a_short_list_leaves_the_tiles_unread_that_lie_far_from_it(ask, all_worth, monkeypatch):
    read = []
    real = sides._around
    monkeypatch.setattr(sides, "_around", lambda *given: read.append(real(*given)) or read[-1])
    adql = "SELECT s.id FROM sky s JOIN mine m ON DISTANCE(s.ra, s.dec, m.ra, m.dec) < 0.2"
    found = told(ask(adql))
    assert len(found) > 20
    whole = len(ask(adql).reads[0].files())
    assert 0 < read[0].count(".parquet") < whole / 2


def test_outer_joins_and_tables_without_a_size_are_left_as_they_stand(ask, all_worth):
    for join in (
        "sky a LEFT JOIN sky b ON a.id = b.flags",
        "sky a JOIN (SELECT TOP 3 * FROM sky) b ON a.id = b.id",
    ):
        plan = ask(f"SELECT a.id FROM {join}")
        assert not planned(plan)


def test_explain_says_who_finds_the_pairs(ask, all_worth):
    near = "SELECT a.id FROM sky a JOIN mine b ON DISTANCE(a.ra, a.dec, b.ra, b.dec) < 0.5"
    assert "pairs of sky and mine within 1800 arcsec by the matcher" in ask(near).explain()
    by_key = ask("SELECT a.id FROM sky a JOIN mine b ON a.id = b.id").explain()
    assert "joins of sky, mine in an order chosen after a look into each" in by_key


def test_ten_conditions_do_not_make_a_large_table_small(tmp_path):
    rows = 60_000
    random = np.random.default_rng(5)
    ra, dec = random.random(rows) * 10, random.random(rows) * 10
    mags = {f"m{i}": random.random(rows) * 10 + 10 for i in range(8)}
    ids = np.arange(rows)
    write_catalog(tmp_path / "stars", pa.table({"id": ids, "ra": ra, "dec": dec, **mags}),
                  max_rows=20_000, margin_arcsec=None, index=None)  # fmt: skip
    sane = " AND ".join(f"{a}.m{i} BETWEEN 1 AND 27" for a in "ab" for i in range(8))
    plan = query(
        f"SELECT a.id FROM stars a JOIN keys n ON a.id = n.id JOIN stars b ON b.id = n.other "
        f"WHERE {sane} AND a.m0 <> b.m0 AND ABS(a.m1 - b.m1) < 5",
        catalogs={"stars": tmp_path / "stars"},
        uploads={"keys": {"id": ids[:40_000], "other": ids[:40_000][::-1].copy()}},
    )
    from skyquarry.adql.database.duck import _named_in, _own

    plans = planned(plan)
    with _own(plan.limits, plan.reads, set(), plans) as (connection, _):
        text = _named_in(connection, plan.sql, plan.reads, plans)
        told = connection.execute("EXPLAIN " + text).fetchall()[0][1]
    assert "Nested Loop" not in told
    assert told.count("Hash Join") == 2
    wanted = np.abs(mags["m1"][:40_000] - mags["m1"][:40_000][::-1]) < 5
    assert plan.to_table().num_rows == wanted.sum()
