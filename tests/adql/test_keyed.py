"""Rows that keys bring near each other and that must be alike: the rows of the SQL as it stands."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

import skyquarry as sq
from skyquarry.adql.joins import leading, meeting, ordering, sides
from skyquarry.catalog.roles import Roles
from skyquarry.engine.catalog import open_catalog
from skyquarry.testing.handmade import write_catalog

ROWS = 6_000
LIKE = ("SELECT a.id, b.id AS other, n.sep_arcsec FROM sky AS a JOIN sky_neighbours AS n "
        "ON n.id = a.id JOIN sky AS b ON b.id = n.neighbour_id "
        "WHERE {0} AND ABS(a.mag - b.mag) < 0.05")  # fmt: skip


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A sky of close rows, and its neighbours within 60 arcsec."""
    folder = tmp_path_factory.mktemp("keyed")
    random = np.random.default_rng(18)
    ra, dec, mag = 359.5 + random.random(ROWS), random.random(ROWS) - 0.5, random.random(ROWS)
    mag[random.random(ROWS) < 0.05] = np.nan
    ids = random.permutation(ROWS)
    table = pa.table({"id": ids, "ra": ra % 360.0, "dec": dec, "mag": mag})
    roles = {**Roles(id="id", ra="ra", dec="dec").to_properties(), "skyquarry_nan": "null"}
    write_catalog(folder / "sky", table, max_rows=1_000, margin_arcsec=None, properties=roles)
    sq.neighbours(open_catalog(folder / "sky"), 60.0)
    return folder


@pytest.fixture
def matched(monkeypatch):
    """How many pairs the matcher gave, each time it was asked."""
    found: list[int] = []
    real = meeting._first

    def first(pairs, most):
        held, more = real(pairs, most)
        found.append(sum(len(one) for one, _ in held))
        return held, more

    monkeypatch.setattr(meeting, "_first", first)
    monkeypatch.setattr(ordering, "_WORTH", 0)
    monkeypatch.setattr(leading, "_FEW", 500)
    monkeypatch.setattr(leading, "_LED", 0)
    return found


def _rows(adql: str, home) -> list[str]:
    return sorted(str(each) for each in sq.query(adql, archive=home).to_table().to_pylist())


@pytest.mark.parametrize(
    "test",
    ["a.id < b.id", "n.id < n.neighbour_id", "a.id <> n.neighbour_id AND n.sep_arcsec > 5",
     "b.id < n.id AND a.mag < 0.9 AND b.mag > 0.1"],
)  # fmt: skip
def test_rows_are_those_of_the_tables_as_they_are_joined(home, matched, monkeypatch, test):
    adql = LIKE.format(test)
    found = _rows(adql, home)
    assert len(matched) == 1
    assert "that are alike first" in sq.query(adql, archive=home).explain()
    monkeypatch.setattr(ordering, "keyed", lambda *_: None)
    assert found == _rows(adql, home)
    assert len(matched) == 1
    assert 50 < len(found) < ROWS


def test_a_row_that_may_meet_itself_is_left_to_the_database(home, matched):
    """All rows are like themselves: the matcher would give each of them."""
    assert _rows(LIKE.format("a.id <= b.id"), home)
    assert not matched


def test_where_rows_have_no_room_here_the_database_joins_them(home, matched, monkeypatch):
    adql = LIKE.format("a.id < b.id")
    found = _rows(adql, home)
    assert len(matched) == 1
    monkeypatch.setattr(sides, "_TIMES", 1 << 40)
    assert found == _rows(adql, home)
    assert len(matched) == 1


def test_few_rows_lead_as_before(home, matched):
    """Where few rows are left of a table, others are read where these lie."""
    assert _rows(LIKE.format("a.id < b.id AND a.mag < 0.02"), home)
    assert not matched


def test_keys_that_promise_nothing_bring_nothing_near(home, matched):
    tables = {name: open_catalog(home / name).to_table() for name in ("sky", "sky_neighbours")}
    adql = LIKE.format("a.id < b.id")
    told = sq.query(adql, uploads=tables).to_table().to_pylist()
    assert not matched
    assert sorted(map(str, told)) == _rows(adql, home)
