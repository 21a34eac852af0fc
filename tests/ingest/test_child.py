"""Tables without positions, stored in the tiles of their parents."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from skyquarry.catalog.stored import open_stored
from skyquarry.catalog.verify import verify
from skyquarry.errors import ColumnError, UserError
from skyquarry.ingest import firstpass
from skyquarry.ingest.build import plan_build
from skyquarry.ingest.child import locate
from skyquarry.testing.skies import clumpy_sky

PARENTS = 6_000


@pytest.fixture(scope="module")
def parent(tmp_path_factory):
    path = tmp_path_factory.mktemp("parent") / "photo"
    plan_build(clumpy_sky(PARENTS), path, max_rows=700).run(progress=False)
    return path


@pytest.fixture(scope="module")
def positions():
    sky = clumpy_sky(PARENTS)
    rows = zip(*(sky.column(name).to_pylist() for name in ("id", "ra", "dec")), strict=True)
    return {name: (ra, dec) for name, ra, dec in rows}


def lines(rows, highest, seed=1):
    random = np.random.default_rng(seed)
    return pa.table(
        {
            "specObj": random.integers(1, highest + 1, rows),
            "z": random.random(rows),
            "line": pa.array([f"L{i % 7}" for i in range(rows)]),
        }
    )


def everything(stored):
    return pa.concat_tables([stored.read(tile) for tile in range(len(stored.tiles))])


def built(table, path, parent, **how):
    plan = plan_build(table, path, parent=str(parent), on="specobj", margin_arcsec=None, **how)
    report = plan.run("inline", progress=False)
    return open_stored(path), report


def test_each_row_lies_beside_its_parent(tmp_path, parent, positions, monkeypatch):
    monkeypatch.setattr(firstpass, "RUN_ROWS", 4_096)
    table = lines(10_000, PARENTS)
    stored, report = built(table, tmp_path / "lines", parent)
    found = everything(stored)
    assert report.rows_stored == 10_000
    assert found.column_names == ["_healpix_29", "specObj", "z", "line", "ra", "dec"]
    at = zip(*(found.column(name).to_pylist() for name in ("specObj", "ra", "dec")), strict=True)
    assert all(positions[name] == (ra, dec) for name, ra, dec in at)
    rows = found.select(table.column_names).sort_by("z")
    assert rows.equals(table.sort_by("z"))


def test_tiles_are_the_parents(tmp_path, parent):
    stored, _ = built(lines(3_000, PARENTS), tmp_path / "lines", parent)
    theirs = open_stored(parent)
    assert {tuple(tile) for tile in stored.tiles} <= {tuple(tile) for tile in theirs.tiles}
    for tile in range(len(stored.tiles)):
        number = theirs.tiles.number(int(stored.tiles.order[tile]), int(stored.tiles.pixel[tile]))
        ids = set(theirs.read(number, ["id"]).column("id").to_pylist())
        assert set(stored.read(tile, ["specObj"]).column("specObj").to_pylist()) <= ids


def test_the_tree_is_sound(tmp_path, parent):
    unique = lines(3_000, PARENTS).set_column(0, "specObj", pa.array(np.arange(1, 3_001)))
    stored, _ = built(unique, tmp_path / "lines", parent)
    assert verify(stored) == []


def test_orphans_are_set_aside(tmp_path, parent):
    table = lines(2_000, PARENTS + 2_000)
    orphans = int((table.column("specObj").to_numpy() > PARENTS).sum())
    table = pa.concat_tables(
        [table, lines(1, 5).set_column(0, "specObj", pa.array([None], pa.int64()))]
    )
    stored, report = built(table, tmp_path / "lines", parent)
    assert report.rejected == {"no parent": orphans + 1}
    assert stored.n_rows == 2_000 - orphans
    rejects = pq.read_table(tmp_path / "lines" / "v1" / "rejects.parquet")
    assert rejects.column_names == ["specObj", "z", "line", "_file", "_row", "_reason"]


def test_a_child_says_whose_it_is(tmp_path, parent):
    stored, _ = built(lines(100, PARENTS), tmp_path / "lines", parent)
    assert stored.properties["skyquarry_parent"] == str(parent)
    assert stored.properties["skyquarry_parent_on"] == "specObj"
    assert stored.properties["skyquarry_parent_key"] == "id"
    assert stored.roles.object_id == "specObj"
    assert stored.roles.id is None
    assert stored.properties["skyquarry_duplicate_ids"] == "0"


def test_names_that_the_child_has_are_not_overwritten(tmp_path, parent, positions):
    table = lines(50, PARENTS).append_column("ra", pa.array(np.zeros(50)))
    stored, _ = built(table, tmp_path / "lines", parent)
    found = everything(stored)
    assert set(found.column("ra").to_pylist()) == {0.0}
    first = found.select(["specObj", "parent_ra", "dec"]).to_pylist()[0]
    assert positions[first["specObj"]] == (first["parent_ra"], first["dec"])


def test_ids_are_located_as_reading_every_tile_tells(parent):
    stored = open_stored(parent)
    told = {}
    for tile in range(len(stored.tiles)):
        told |= dict.fromkeys(stored.read(tile, ["id"]).column("id").to_pylist(), tile)
    wanted = [5, 1, PARENTS, PARENTS + 1, -3, 5, None, 17]
    found = locate(stored, "id", pa.array(wanted, pa.int64())).tolist()
    assert found == [told.get(each, -1) for each in wanted]


def test_a_parent_without_an_index_is_refused(tmp_path):
    bare = pa.table({"ra": [1.0], "dec": [2.0], "flux": [3.0]})
    plan_build(bare, tmp_path / "bare").run(progress=False)
    with pytest.raises(ColumnError, match="has no index of its id"):
        plan_build(lines(3, 5), tmp_path / "x", parent=str(tmp_path / "bare"), on="specObj")


def test_ids_of_another_kind_are_refused(tmp_path, parent):
    with pytest.raises(ColumnError, match="on='line' is string, but the parent's id is int64"):
        plan_build(lines(3, 5), tmp_path / "x", parent=str(parent), on="line")


def test_a_child_needs_both_words(tmp_path, parent):
    with pytest.raises(UserError, match="a child table needs both"):
        plan_build(lines(3, 5), tmp_path / "x", parent=str(parent))
    with pytest.raises(UserError, match="a parent may have many children"):
        plan_build(
            lines(3, 5), tmp_path / "x", parent=str(parent), on="specObj", duplicates="reject"
        )
