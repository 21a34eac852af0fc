"""Small tables of a join tell where the others are read: the same rows, of fewer row groups."""

from __future__ import annotations

import shutil

import numpy as np
import pyarrow as pa
import pytest

import skyquarry as sq
from skyquarry.adql.database import hot
from skyquarry.adql.joins import leading, ordering
from skyquarry.adql.running import dividing
from skyquarry.catalog.properties import REPEATED_KEY
from skyquarry.catalog.relations import NEAR_KEYS, NearKey, near_keys, told_near
from skyquarry.catalog.roles import Roles
from skyquarry.catalog.writer import Options
from skyquarry.engine.catalog import open_catalog
from skyquarry.errors import UserError
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
    monkeypatch.setattr(leading, "_LED", 0)
    monkeypatch.setattr(hot, "in_memory", lambda _: None)  # tables so small come from memory
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


def _other_rows(home, tmp_path, **how):
    """The archive with another sky in the place of its own: rows have changed places."""
    shutil.copytree(home, tmp_path / "there")
    table = open_catalog(home / "sky").select(["id", "ra", "dec", "mag"]).to_table()
    random = np.random.default_rng(3).permutation(ROWS)
    table = table.set_column(0, "id", table["id"].take(pa.array(random)))
    if how.get("in_its_place"):
        shutil.rmtree(tmp_path / "there" / "sky")
    properties = dict(open_catalog(home / "sky").properties)
    write_catalog(tmp_path / "there" / "sky", table, max_rows=4_000, margin_arcsec=None,
                  options=Options(row_group_rows=256),
                  properties={k: v for k, v in properties.items() if "skyquarry" in k})  # fmt: skip
    return tmp_path / "there"


@pytest.mark.parametrize("in_its_place", [False, True])
def test_a_key_of_another_version_promises_nothing(home, seen, monkeypatch, tmp_path, in_its_place):
    """Not even of one that has the same name, as it was built where the first one lay."""
    monkeypatch.setattr(leading, "_SMALL", 1.0)
    monkeypatch.setattr(leading, "_FEW", 100)
    there = _other_rows(home, tmp_path, in_its_place=in_its_place)
    version = open_catalog(there / "sky").version
    assert version == ("v1" if in_its_place else "v2")
    found = sq.query(NEAR.format(0.0005), archive=there).to_table()
    assert not seen
    names = ("sky", "sky_neighbours")
    whole = {name: open_catalog(there / name).to_table() for name in names}
    assert _rows(found) == _rows(sq.query(NEAR.format(0.0005), uploads=whole).to_table())
    assert len(found)


def test_a_child_of_another_version_is_not_joined_tile_by_tile(home, tmp_path):
    there = _other_rows(home, tmp_path)
    with pytest.raises(UserError, match="sky_neighbours was built of another version of sky"):
        open_catalog(there / "sky").join_child("sky_neighbours")
    faults = open_catalog(there / "sky_neighbours").verify()
    assert any("rows do not lie where the row of sky" in each.what for each in faults)


def test_columns_that_are_added_leave_the_keys_as_they_were(home, seen, monkeypatch, tmp_path):
    monkeypatch.setattr(leading, "_SMALL", 1.0)
    monkeypatch.setattr(leading, "_FEW", 100)
    shutil.copytree(home, tmp_path / "there")
    sq.add_column(tmp_path / "there" / "sky", "fainter", "mag + 1")
    sq.add_column(tmp_path / "there" / "sky", "faintest", "fainter + 1")
    found = sq.query(NEAR.format(0.0005), archive=tmp_path / "there").to_table()
    assert len(seen) == 2
    assert _rows(found) == _rows(sq.query(NEAR.format(0.0005), archive=home).to_table())


def test_ids_that_repeat_promise_nothing(tmp_path, monkeypatch):
    """A child lies with one of the rows of its id, and the others may lie in other tiles."""
    monkeypatch.setattr(ordering, "_WORTH", 0)
    monkeypatch.setattr(leading, "_LED", 0)
    monkeypatch.setattr(leading, "_SMALL", 1.0)
    monkeypatch.setattr(dividing, "FIRST_ROWS", 100)
    ra = np.linspace(10.0, 13.0, 2_000)
    ids = np.arange(2_000) % 1_500
    table = pa.table({"id": ids, "ra": ra, "dec": ra - 10.0, "mag": ra})
    roles = {**Roles(id="id", ra="ra", dec="dec").to_properties(), "skyquarry_nan": "null"}
    write_catalog(tmp_path / "sky", table, max_rows=200, margin_arcsec=None,
                  properties={**roles, REPEATED_KEY: "500"})  # fmt: skip
    spectra = pa.table({"id": np.arange(1_500), "z": np.arange(1_500) * 0.001})
    sq.build(spectra, tmp_path / "spectra", parent=tmp_path / "sky", on="id")
    adql = "SELECT a.id, a.ra, s.z FROM sky AS a JOIN spectra AS s ON s.id = a.id WHERE s.z < {0}"
    for limit, rows in ((0.05, 100), (9.0, 2_000)):
        assert sq.query(adql.format(limit), archive=tmp_path).to_table().num_rows == rows
    neighbours = sq.neighbours(open_catalog(tmp_path / "sky"), 60.0)
    assert NEAR_KEYS not in neighbours.properties


@pytest.mark.parametrize(
    ("arcsec", "said"),
    [(60.0, None), (1.0, "rows lie more than 1 arcsec"), (-1.0, "cannot be read")],
)
def test_verify_tells_of_a_promise_that_is_not_kept(home, tmp_path, arcsec, said):
    shutil.copytree(home, tmp_path / "there")
    for file in (tmp_path / "there" / "sky_neighbours").rglob("*properties"):
        lines = file.read_text().splitlines()
        changed = (line.replace('"arcsec": 60.0', f'"arcsec": {arcsec}')
                   if line.startswith(NEAR_KEYS) else line for line in lines)  # fmt: skip
        file.write_text("\n".join(changed))
    faults = [each for each in open_catalog(tmp_path / "there" / "sky_neighbours").verify()
              if "checksums" not in each.what]  # fmt: skip
    if said is None:
        assert not faults
        return
    assert len(faults) == 1
    assert said in faults[0].what
    if arcsec > 0:
        pairs = open_catalog(home / "sky_neighbours").to_table()["sep_arcsec"].to_numpy()
        assert faults[0].what.startswith(f"{(pairs > 1.001).sum()} rows")
        assert "neighbour_id" in faults[0].what
        assert len(faults[0].rows) == 5
    else:  # queries go by no such promise
        plan = sq.query(NEAR.format(0.0005), archive=tmp_path / "there")
        assert plan.to_table().num_rows > 0


def test_what_is_promised_of_a_key_is_read_as_it_was_written(home):
    there = dict(open_catalog(home / "sky_neighbours").properties)
    identity = open_catalog(home / "sky").source.identity
    assert near_keys(there) == (NearKey("neighbour_id", "sky", "id", "v1", 60.0, identity),)
    assert told_near(*near_keys(there))[NEAR_KEYS] == there[NEAR_KEYS]
    assert near_keys({}) == ()
