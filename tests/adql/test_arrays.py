"""Arrays of columns: profiles of five bands and fifteen rings, flat or as lists of lists."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from skyquarry.adql.asking import query
from skyquarry.catalog.roles import Roles
from skyquarry.errors import QueryError
from skyquarry.testing.handmade import write_catalog

PROFILES = np.random.default_rng(5).random((40, 5, 15))


@pytest.fixture(scope="module")
def profiles(tmp_path_factory):
    """A catalogue whose profiles are lists of 75 numbers, of which the column tells the shape."""
    flat = pa.FixedSizeListArray.from_arrays(pa.array(PROFILES.ravel()), 75)
    field = pa.field("flat", flat.type, metadata={"tdim": "(15,5)", "unit": "nmgy"})
    fields = [("id", pa.int64()), ("ra", pa.float64()), ("dec", pa.float64())]
    schema = pa.schema([*(pa.field(*each) for each in fields), field])
    numbers = np.arange(40)
    columns = [pa.array(numbers), pa.array(numbers * 5.0), pa.array(numbers * 1.0), flat]
    path = tmp_path_factory.mktemp("profiles") / "prof"
    roles = Roles(ra="ra", dec="dec", id="id").to_properties()
    write_catalog(path, pa.table(columns, schema=schema), margin_arcsec=None, properties=roles)
    return path


@pytest.fixture
def ask(profiles):
    """Rows over the catalogue, and over a table of lists of lists."""
    nested = pa.table({"id": np.arange(40), "deep": PROFILES.tolist()})

    def of(adql: str, **how):
        plan = query(adql, {"prof": profiles}, {"nested": nested}, **how)
        return [tuple(row.values()) for row in plan.to_table().to_pylist()]

    return of


@pytest.mark.parametrize(("table", "column"), [("prof", "flat"), ("nested", "deep")])
def test_an_item_of_a_band_and_ring_is_reached(ask, table, column):
    found = ask(f"SELECT id, array_item({column}, 3, 15) AS x FROM {table}")
    assert dict(found) == dict(enumerate(PROFILES[:, 2, 14].tolist()))
    bright = ask(f"SELECT id FROM {table} WHERE array_item({column}, 5, 1) > 0.5")
    assert {each for (each,) in bright} == set(np.flatnonzero(PROFILES[:, 4, 0] > 0.5).tolist())


@pytest.mark.parametrize(("table", "column"), [("prof", "flat"), ("nested", "deep")])
def test_a_row_of_an_array_is_one_and_has_a_sum(ask, table, column):
    row = f"array_row({column}, 2)"
    words = ", ".join(f"array_{what}({row}) AS the_{what}" for what in ("sum", "avg", "min", "max"))
    found = {i: rest for i, *rest in ask(f"SELECT id, {words} FROM {table}")}
    band = PROFILES[:, 1]
    for i in range(40):
        wanted = [band[i].sum(), band[i].mean(), band[i].min(), band[i].max()]
        assert found[i] == pytest.approx(wanted, rel=1e-14)
    assert set(ask(f"SELECT array_length({row}) AS n FROM {table}")) == {(15,)}


@pytest.mark.parametrize("at", ["6, 1", "1, 16", "0, 1", "1, 0", "-1, 1", "id - id, 1"])
@pytest.mark.parametrize(("table", "column"), [("prof", "flat"), ("nested", "deep")])
def test_what_lies_beyond_an_array_is_null(ask, table, column, at):
    found = ask(f"SELECT array_item({column}, {at}) AS x FROM {table}")
    assert set(found) == {(None,)}


def test_an_item_may_be_counted_by_a_column(ask):
    found = ask("SELECT id, array_item(flat, id + 1) AS x FROM prof")
    flat = PROFILES.reshape(40, 75)
    assert dict(found) == {i: flat[i, i] for i in range(40)}


_LARGE = 2**60 + 1


@pytest.mark.parametrize(
    ("adql", "told"),
    [
        ("SELECT array_item(ids, 1) AS x FROM t", [_LARGE, 3]),
        ("SELECT array_max(ids) AS x FROM t", [_LARGE, 5]),
        ("SELECT array_sum(ids) AS x FROM t", [_LARGE + 2, 8]),
        ("SELECT array_avg(small) AS x FROM t", [1.5, 4.5]),
        ("SELECT array_item(small, 2) / 2 AS x FROM t", [1, 2]),
        ("SELECT bitwise_and(array_item(small, 1), 4) AS x FROM t", [0, 4]),
        ("SELECT array_item(array_row(deep, 1), 2) AS x FROM t", [_LARGE, 4]),
        ("SELECT array_item(x, 1) AS x FROM (SELECT ids AS x FROM t) AS q", [_LARGE, 3]),
        ("SELECT array_item(words, 2) || '!' AS x FROM t", ["b!", "d!"]),
        ("SELECT array_min(words) AS x FROM t", ["a", "c"]),
        ("SELECT array_item(truths, 1) AS x FROM t", [1, 0]),
        ("SELECT number AS x FROM t WHERE array_item(ids, 1) = number", [_LARGE]),
    ],
)
def test_an_item_is_of_its_arrays_kind_to_the_last_digit(adql, told):
    columns = {
        "number": [_LARGE, 2],
        "ids": [[_LARGE, 2], [3, 5]],
        "small": pa.array([[1, 2], [4, 5]], pa.list_(pa.int16(), 2)),
        "deep": [[[0, _LARGE]], [[0, 4]]],
        "words": [["a", "b"], ["c", "d"]],
        "truths": [[True], [False]],
    }
    found = query(adql, {}, {"t": pa.table(columns)}).to_table()["x"].to_pylist()
    assert [(each, type(each)) for each in found] == [(each, type(each)) for each in told]


def test_texts_have_no_sum():
    with pytest.raises(QueryError, match="words is an array of which an item is a text"):
        query("SELECT array_sum(words) AS x FROM t", {}, {"t": pa.table({"words": [["a"]]})})


def test_the_unit_of_an_item_is_that_of_its_column(profiles):
    plan = query("SELECT array_item(flat, 1, 1) AS x FROM prof", {"prof": profiles})
    assert plan.schema.field("x").metadata == {b"unit": b"nmgy"}


@pytest.mark.parametrize(
    ("adql", "told"),
    [
        ("SELECT array_item(ra, 1) AS x FROM prof", "ra is a number, but an array is needed"),
        ("SELECT array_item(flat, 1.5) AS x FROM prof", "1.5 is no whole number"),
        ("SELECT array_item(flat) AS x FROM prof", "array_item(array, number) or array_item(arr"),
    ],
)
def test_what_is_no_array_is_refused(profiles, adql, told):
    with pytest.raises(QueryError) as fault:
        query(adql, {"prof": profiles})
    assert told in str(fault.value)
