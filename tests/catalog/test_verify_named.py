"""A tag that promises the rows that another catalogue names is held to it, row by row."""

from __future__ import annotations

import json

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from skyquarry.catalog.relations import NAMED_ROWS, NamedRows, named_rows, told_named
from skyquarry.catalog.stored import open_stored
from skyquarry.catalog.verify_named import check_named
from skyquarry.testing.handmade import write_catalog

ROWS = 2_000


def _sky() -> pa.Table:
    random = np.random.default_rng(9)
    ids = random.permutation(ROWS)
    ids[:30] = np.arange(30, 60)
    return pa.table({
        "id": pa.array(ids, mask=random.random(ROWS) < 0.02), "ra": random.random(ROWS) * 90.0,
        "dec": random.random(ROWS) * 40.0,
        "mag": pa.array(random.random(ROWS), mask=random.random(ROWS) < 0.1),
        "other": random.random(ROWS),
    })  # fmt: skip


def _list() -> pa.Table:
    random = np.random.default_rng(2)
    of = pa.array(random.integers(0, 500, 300).astype(np.int32), mask=random.random(300) < 0.1)
    return pa.table({"ra": random.random(300) * 90.0, "dec": random.random(300) * 40.0, "of": of})


def _write(path, table, properties=None):
    told = {"skyquarry_nan": "null", **(properties or {})}
    write_catalog(path, table, max_rows=150, margin_arcsec=None, index=None, properties=told)
    return open_stored(path)


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    folder = tmp_path_factory.mktemp("named")
    return folder, _write(folder / "sky", _sky()), _write(folder / "list", _list())


def _promise(home, **changes):
    _, sky, by = home
    told = {
        "catalog": "sky", "key": "id", "version": sky.version, "identity": sky.identity,
        "by": "list", "column": "of", "by_version": by.version, "by_identity": by.rows_identity,
    }  # fmt: skip
    return told_named(NamedRows(**(told | changes)))


def _due():
    keys = pc.unique(_list()["of"]).drop_null().cast(pa.int64())
    rows = _sky().filter(pc.is_in(_sky()["id"], value_set=keys, skip_nulls=True))
    return rows.select(["id", "ra", "dec", "mag"])


def _faults(home, table, **changes):
    return list(check_named(_write(home[0] / "tag", table, _promise(home, **changes))))


def _said(home, table, **changes):
    (fault,) = _faults(home, table, **changes)
    assert "make the tag again" in str(fault)
    return str(fault)


def test_all_named_rows_and_no_other_are_sound(home):
    assert _due().num_rows > 150
    assert _faults(home, _due()) == []


def test_a_missing_row_is_named(home):
    lost = _due()["id"][7].as_py()
    found = _said(home, pa.concat_tables([_due().slice(0, 7), _due().slice(8)]))
    assert "1 rows of sky that list names by of are not among its rows" in found
    assert f"id={lost}" in found


def test_one_of_two_rows_of_a_key_is_missed(home):
    counts = _due()["id"].value_counts().to_pylist()
    twice = next(each["values"] for each in counts if each["counts"] == 2)
    at = _due()["id"].to_pylist().index(twice)
    found = _said(home, pa.concat_tables([_due().slice(0, at), _due().slice(at + 1)]))
    assert "1 rows of sky that list names by of are not among its rows" in found


def test_surplus_and_doubled_rows_are_named(home):
    named = set(_due()["id"].to_pylist())
    other = next(
        row for row in _sky().to_pylist() if row["id"] is not None and row["id"] not in named
    )
    more = pa.Table.from_pylist([other], schema=_due().schema)
    assert f"id={other['id']}" in _said(home, pa.concat_tables([_due(), more]))
    doubled = _said(home, pa.concat_tables([_due(), _due().slice(3, 2)]))
    assert "2 of its rows are no rows of sky that list names by of, or there twice" in doubled


def test_a_row_without_a_key_is_surplus(home):
    none = next(row for row in _sky().to_pylist() if row["id"] is None)
    more = pa.Table.from_pylist([none], schema=_due().schema)
    assert "1 of its rows are no rows of sky" in _said(home, pa.concat_tables([_due(), more]))


def test_rows_with_other_values_are_told(home):
    mag = _due()["mag"].to_numpy().copy()
    mag[5] = -1.0
    other = _due().set_column(3, "mag", pa.array(mag, from_pandas=True))
    assert "in 1 tiles of sky its rows have other values" in _said(home, other)


def test_a_row_elsewhere_is_missing_and_surplus(home):
    dec = _due()["dec"].to_numpy().copy()
    dec[0] = -60.0
    moved = _due().set_column(2, "dec", pa.array(dec))
    found = [str(each) for each in _faults(home, moved)]
    assert any("1 rows of sky that list names" in each for each in found)
    assert any("1 rows lie where sky has none" in each for each in found)


def test_promises_that_cannot_hold(home):
    assert "as another build had it" in _said(home, _due(), identity="0" * 64)
    assert "as another build had it" in _said(home, _due(), by_identity="0" * 64)
    assert "there is no of_all" in _said(home, _due(), column="of_all")
    assert "there is no number" in _said(home, _due(), key="number")
    assert "is told by double of list" in _said(home, _due(), column="dec")


@pytest.mark.parametrize("which", ["", "by_"])
def test_of_later_versions_nothing_is_promised(home, which):
    changes = {f"{which}identity": "0" * 64, f"{which}version": "v0"}
    assert _faults(home, _due().slice(0, 3), **changes) == []
    gone = {"by": "lost"} if which else {"catalog": "lost"}
    assert _faults(home, _due().slice(0, 3), **gone) == []


def test_verify_asks_it(home):
    stored = _write(home[0] / "tag", _due().slice(1), _promise(home))
    assert any(NAMED_ROWS in str(each) for each in _verified(stored))


def _verified(stored):
    from skyquarry.catalog.verify import verify

    return verify(stored)


@pytest.mark.parametrize("told", ["{", "[1]", '{"catalog": "sky"}', "7"])
def test_a_promise_that_cannot_be_read_is_a_fault(home, told):
    stored = _write(home[0] / "tag", _due(), {NAMED_ROWS: told})
    (fault,) = check_named(stored)
    assert f"{NAMED_ROWS} cannot be read" in str(fault)


def test_what_is_told_is_read_again(home):
    told = _promise(home)
    assert told_named(named_rows(told)) == told
    assert named_rows({}) is None
    with pytest.raises(ValueError, match="names no catalog"):
        named_rows({NAMED_ROWS: json.dumps(json.loads(told[NAMED_ROWS]) | {"by": 3})})
