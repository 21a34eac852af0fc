"""Small tables of a join tell where the others are read: the same rows, of fewer row groups."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

import skyquarry as sq
from skyquarry.adql import leading, ordering
from skyquarry.catalog.roles import Roles
from skyquarry.catalog.writer import Options
from skyquarry.engine.catalog import open_catalog
from skyquarry.engine.children import NEAR_KEYS, NearKey, near_keys, told_near
from skyquarry.testing.handmade import write_catalog

ROWS = 20_000
NEAR = ("SELECT a.id, b.id AS other, n.sep_arcsec FROM sky AS a JOIN sky_neighbours AS n "
        "ON n.id = a.id JOIN sky AS b ON b.id = n.neighbour_id WHERE a.mag < {0}")  # fmt: skip


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A sky of close rows, and its neighbours within 60 arcsec."""
    folder = tmp_path_factory.mktemp("leading")
    random = np.random.default_rng(8)
    ra, dec = 10 + random.random(ROWS) * 3, random.random(ROWS) * 3
    mag = random.random(ROWS)
    table = pa.table({"id": np.arange(ROWS) * 7, "ra": ra, "dec": dec, "mag": mag})
    few = Options(row_group_rows=256)
    roles = {**Roles(id="id", ra="ra", dec="dec").to_properties(), "skyquarry_nan": "null"}
    write_catalog(folder / "sky", table, max_rows=4_000, margin_arcsec=None, options=few,
                  properties=roles)  # fmt: skip
    sq.neighbours(open_catalog(folder / "sky"), 60.0)
    return folder


@pytest.fixture
def seen(monkeypatch):
    """The sizes of tables that were read at few places."""
    found: list[float] = []
    real = leading._near

    def near(sized, *given):
        made = real(sized, *given)
        found.append(made.whole / sized.whole)
        return made

    monkeypatch.setattr(leading, "_near", near)
    monkeypatch.setattr(ordering, "_WORTH", 0)
    return found


def _rows(table) -> list[str]:
    return sorted(str(each) for each in table.to_pylist())


@pytest.mark.parametrize("limit", [0.0005, 0.05, 0.9])
@pytest.mark.parametrize("share", [0.0, 0.1, 1.0])
def test_rows_are_those_of_the_whole_tables(home, seen, monkeypatch, limit, share):
    monkeypatch.setattr(leading, "_SHARE", share)
    monkeypatch.setattr(leading, "_SMALL", 1.0)
    monkeypatch.setattr(leading, "_FEW", 5_000)
    found = sq.query(NEAR.format(limit), archive=home).to_table()
    assert bool(seen) == (limit < 0.9)
    monkeypatch.setattr(leading, "leads", lambda *_: None)
    monkeypatch.setattr(ordering, "leads", lambda *_: None)
    assert _rows(found) == _rows(sq.query(NEAR.format(limit), archive=home).to_table())
    assert len(found)


def test_few_rows_spare_parts_of_both_others(home, seen, monkeypatch):
    monkeypatch.setattr(leading, "_SMALL", 1.0)
    monkeypatch.setattr(leading, "_FEW", 100)
    plan = sq.query(NEAR.format(0.0005), archive=home)
    assert "others are read only where these lie" in plan.explain()
    plan.to_table()
    assert len(seen) == 2
    assert min(seen) < 0.01  # row groups of the sky
    assert max(seen) < 0.6  # tiles of its neighbours, which have few row groups


def test_where_no_tile_can_hold_a_row_none_is_found(home, seen):
    assert not sq.query(NEAR.format(-1), archive=home).to_table().num_rows
    assert not seen


def test_a_key_of_another_version_promises_nothing(home, seen, monkeypatch):
    monkeypatch.setattr(leading, "_SMALL", 1.0)
    monkeypatch.setattr(leading, "_FEW", 100)
    monkeypatch.setattr("skyquarry.adql.ties.current", lambda _: "v2")
    sq.query(NEAR.format(0.0005), archive=home).to_table()
    assert len(seen) == 1  # the neighbours, which lie where their own rows do


def test_what_is_promised_of_a_key_is_read_as_it_was_written(home):
    there = dict(open_catalog(home / "sky_neighbours").properties)
    assert near_keys(there) == (NearKey("neighbour_id", "sky", "id", "v1", 60.0),)
    assert told_near(*near_keys(there))[NEAR_KEYS] == there[NEAR_KEYS]
    assert near_keys({}) == ()
