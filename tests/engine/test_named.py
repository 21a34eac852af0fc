"""Rows that another catalogue names by their key, and the tag that they are beside the two."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from skyquarry.catalog.relations import NAMED_ROWS
from skyquarry.engine import named
from skyquarry.engine.catalog import open_catalog
from skyquarry.engine.named import named_beside
from skyquarry.errors import ColumnError, QueryError, UserError
from skyquarry.testing.handmade import write_catalog

ROWS = 4_000
POPULAR = ["id", "ra", "dec", "mag"]


def _sky() -> pa.Table:
    """Rows all over the sky, about one of ten near another's id, some without one."""
    random = np.random.default_rng(4)
    ids = random.permutation(ROWS)
    ids[:50] = ids[50:100]
    return pa.table({
        "id": pa.array(ids, mask=random.random(ROWS) < 0.01),
        "ra": random.random(ROWS) * 360.0,
        "dec": np.degrees(np.arcsin(random.random(ROWS) * 2 - 1)),
        "mag": random.random(ROWS), "short": (ids % 100).astype(np.int8),
        "name": [f"o{each}" for each in ids],
    })  # fmt: skip


def _list() -> pa.Table:
    random = np.random.default_rng(5)
    of = pa.array(random.integers(-5, 400, 300), mask=random.random(300) < 0.1)
    return pa.table({
        "ra": random.random(300) * 360.0, "dec": random.random(300) * 90.0, "of": of,
        "label": [f"o{each}" for each in random.integers(0, 300, 300)],
        "value": random.random(300), "big": np.arange(300).astype(np.uint64),
    })  # fmt: skip


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    folder = tmp_path_factory.mktemp("named")
    told = {"skyquarry_nan": "null", "skyquarry_id": "id"}
    write_catalog(folder / "sky", _sky(), max_rows=200, properties=told)
    write_catalog(folder / "list", _list(), max_rows=100, index=None, properties=told)
    return folder


@pytest.fixture
def home(written, tmp_path):
    """A copy of both, to save others beside them."""
    return Path(shutil.copytree(written, tmp_path / "home"))


def _naive(column, key):
    keys = {each for each in _list()[column].to_pylist() if each is not None}
    rows = [row for row in _sky().to_pylist() if row[key] in keys]
    return sorted((row["id"] is None, row["id"] or 0, row["ra"]) for row in rows)


def _found(catalog):
    rows = catalog.select(POPULAR).to_table().to_pylist()
    return sorted((row["id"] is None, row["id"] or 0, row["ra"]) for row in rows)


@pytest.mark.parametrize(("column", "key"), [("of", "id"), ("label", "name"), ("of", "short")])
def test_rows_are_those_whose_key_is_named(home, column, key):
    some = open_catalog(home / "sky").named_by(home / "list", column, key)
    naive = _naive(column, key)
    assert _found(some) == naive
    assert len(naive) > 100
    assert f"{key} among" in repr(some)
    assert f"in {column} of list" in some.explain()
    assert some.count() == len(naive)


def test_saved_beside_both_they_are_a_tag_with_tiles_of_its_own(home):
    sky = open_catalog(home / "sky")
    made = sky.named_by(home / "list", "of", "id").select(POPULAR).to_catalog(home / "tag")
    assert _found(made) == _naive("of", "id")
    assert made.verify() == []
    assert len(made.source.tiles) <= 12 < len(sky.source.tiles)
    promise = json.loads(made.properties[NAMED_ROWS])
    assert (promise["catalog"], promise["key"], promise["by"], promise["column"]) == (
        "sky", "id", "list", "of")  # fmt: skip
    assert [tag.stored.name for tag, _ in named_beside(sky.source)] == ["tag"]
    assert not list(named_beside(open_catalog(home / "list").source))


@pytest.mark.parametrize("rows", [1, 4, 12])
def test_its_tiles_are_divided_where_it_has_many_rows(home, monkeypatch, rows):
    monkeypatch.setattr(named, "MAX_ROWS", rows)
    sky = open_catalog(home / "sky")
    made = sky.named_by(home / "list", "of", "id").select(POPULAR).to_catalog(home / "tag")
    assert _found(made) == _naive("of", "id")
    assert made.verify() == []
    assert len(made.source.tiles) > 12


def test_a_run_that_was_killed_goes_on(home, monkeypatch):
    from skyquarry.engine import save

    sky = open_catalog(home / "sky")
    plan = sky.named_by(home / "list", "of", "id").select(POPULAR)
    real, written = save.write_tables, []

    def failing(*given):
        written.append(given[2])
        if len(written) == 6:
            raise OSError("the disk is full")
        return real(*given)

    monkeypatch.setattr(save, "write_tables", failing)
    with pytest.raises(OSError, match="full"):
        plan.to_catalog(home / "tag", "inline")
    made = plan.to_catalog(home / "tag", "inline")
    assert len(set(written)) == len(written) - 1 == len(made.source.tiles)
    assert _found(made) == _naive("of", "id")
    assert made.verify() == []


@pytest.mark.parametrize(
    "cut",
    [
        lambda sky, by: sky.where("mag < 0.9").named_by(by, "of", "id").select(POPULAR),
        lambda sky, by: sky.named_by(by.where("value < 0.9"), "of", "id").select(POPULAR),
        lambda sky, by: sky.named_by(by, "of", "id").select(["ra", "dec", "mag"]),
        lambda sky, by: sky.named_by(by, "of", "id").select(POPULAR).head(100),
        lambda sky, by: sky.named_by(by, "of", "id").sample(0.5).select(POPULAR),
        lambda sky, by: sky.named_by(by, "of", "id").cone(10, 20, 3600 * 90).select(POPULAR),
        lambda sky, by: sky.ids(range(400)).select(POPULAR),
    ],
)
def test_what_is_cut_in_any_other_way_promises_nothing(home, cut):
    made = cut(open_catalog(home / "sky"), open_catalog(home / "list")).to_catalog(home / "tag")
    assert NAMED_ROWS not in made.properties
    assert made.verify() == []
    assert len(made) > 10


def test_elsewhere_they_promise_nothing(home, tmp_path_factory):
    apart = tmp_path_factory.mktemp("apart")
    some = open_catalog(home / "sky").named_by(home / "list", "of", "id")
    assert NAMED_ROWS not in some.select(POPULAR).to_catalog(apart / "tag").properties
    write_catalog(apart / "list", _list(), index=None)
    some = open_catalog(home / "sky").named_by(apart / "list", "of", "id")
    assert NAMED_ROWS not in some.select(POPULAR).to_catalog(home / "tag").properties


def test_a_part_of_a_tag_promises_nothing(home):
    some = open_catalog(home / "sky").named_by(home / "list", "of", "id").select(POPULAR)
    tag = some.to_catalog(home / "tag")
    for n, part in enumerate((tag.where("mag < 0.5"), tag.select(["id", "ra", "dec"]))):
        assert NAMED_ROWS not in part.to_catalog(home / f"part{n}").properties


def test_keys_that_cannot_be_compared_are_refused(home):
    sky = open_catalog(home / "sky")
    with pytest.raises(ColumnError, match=r"value of list is double, and id of sky int64.*choose"):
        sky.named_by(home / "list", "value", "id")
    with pytest.raises(ColumnError, match="big of list is uint64"):
        sky.named_by(home / "list", "big", "id")
    with pytest.raises(ColumnError, match="label of list is string, and id"):
        sky.named_by(home / "list", "label", "id")
    with pytest.raises((ColumnError, QueryError), match="off"):
        sky.named_by(home / "list", "off", "id")
    with pytest.raises(UserError, match="ids were asked for already"):
        sky.ids([1]).named_by(home / "list", "of", "id")
