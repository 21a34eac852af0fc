"""A cross-match larger than memory writes what one in memory does, patch by patch."""

from __future__ import annotations

from contextlib import contextmanager

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

import skyquarry as sq
from skyquarry.match import matchresult
from skyquarry.match.runs import asked, identification

ROLES = {
    "id": "id",
    "ra": "ra",
    "dec": "dec",
    "position_error": {"model": "circular", "columns": ["err"], "unit": "arcsec"},
    "bands": [{"name": "m", "column": "mag", "system": "AB"}],
}


def sky(n: int = 900) -> list[pa.Table]:
    """Three catalogues of one field; a tenth of the objects missing in each."""
    random = np.random.default_rng(20261121)
    ra, dec = 150.0 + 3.0 * random.random(n), 2.0 + 3.0 * random.random(n)
    mag = random.normal(18.0, 1.5, n)
    tables = []
    for number in range(3):
        seen = np.flatnonzero(random.random(n) < 0.9)
        east, north = random.normal(0.0, 0.1 / 3600.0, (2, len(seen)))
        tables.append(
            pa.table(
                {
                    "id": seen + 10_000 * number,
                    "ra": ra[seen] + east / np.cos(np.radians(dec[seen])),
                    "dec": dec[seen] + north,
                    "err": np.full(len(seen), 0.1),
                    "mag": mag[seen],
                    "note": pa.array([f"{number}:{k}" for k in seen.tolist()]),
                }
            )
        )
    return tables


EPOCHS = (2000.0, 2010.0, 2016.0)


def plan():
    """Of three epochs, so that there is a second search."""
    given = [
        (table, {**ROLES, "epoch": {"jyear": epoch}})
        for table, epoch in zip(sky(), EPOCHS, strict=True)
    ]
    return sq.crossmatch(*given, names=["a", "b", "c"])


@contextmanager
def small_memory():
    """Nothing is kept, and a patch holds a few rows."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(identification, "PATCH_ROWS", 300)
        patched.setattr(asked, "RESIDENT_ROWS", 10)
        yield


def in_order(table: pa.Table, *keys: str) -> pa.Table:
    decoded = [c.cast(pa.string()) if pa.types.is_dictionary(c.type) else c for c in table.columns]
    table = pa.table(decoded, names=table.column_names)
    plain = pa.table([pc.cast(table[k], pa.string()) for k in keys], names=list(keys))
    return table.take(pc.sort_indices(plain, [(key, "ascending") for key in keys]))


@pytest.mark.parametrize("wide", [False, True])
def test_a_large_result_becomes_the_same_catalogue(tmp_path, wide):
    made = plan().to_catalog(tmp_path / "here", wide=wide)
    with small_memory():
        large = plan().run()
        assert large.is_large
        assert len(large.made.patches) > 3
        again = plan().to_catalog(tmp_path / "there", wide=wide)
    assert made.to_table().equals(again.to_table())
    for kind, keys in (
        ("pairs", ("left_id", "right_id")),
        ("members", ("catalog", "id")),
    ):
        one, two = (sq.open(tmp_path / f"{name}_{kind}").to_table() for name in ("here", "there"))
        assert in_order(one, *keys).equals(in_order(two, *keys))
    assert not list(tmp_path.glob(".crossmatch-*"))


@pytest.mark.parametrize("kind", ["pairs", "groups", "members", "wide"])
def test_a_large_result_is_saved_as_one_in_memory(tmp_path, kind):
    plan().run().save(tmp_path / "here.parquet", kind)
    with small_memory():
        plan().run().save(tmp_path / "there.parquet", kind)
    keys = {
        "pairs": ("left_id", "right_id"),
        "groups": ("group_id",),
        "members": ("catalog", "id"),
        "wide": ("group_id",),
    }[kind]
    one, two = (
        in_order(pq.read_table(tmp_path / f"{n}.parquet"), *keys) for n in ("here", "there")
    )
    assert one.equals(two)
    assert len(one) > 500


def test_the_report_of_a_large_result_is_that_of_one_in_memory(tmp_path):
    with small_memory():
        large = plan().run()
        large.spill(tmp_path)
        assert large.report["pairs"]
    small = plan().run()
    _ = small.all

    left_out = {"seconds", "provenance"}
    one, two = (
        {key: value for key, value in each.report.items() if key not in left_out}
        for each in (large, small)
    )
    assert one == two


@contextmanager
def passing():
    """Rows are kept, but a table that is only to be written is not."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(identification, "PATCH_ROWS", 300)
        patched.setattr(matchresult, "PASSING_ROWS", 10)
        yield


KEYS = {"pairs": ("left_id", "right_id"), "groups": ("group_id",), "members": ("catalog", "id")}


@pytest.mark.parametrize("kind", list(KEYS))
def test_a_table_written_while_it_is_made_is_the_one_in_memory(tmp_path, kind):
    with passing():
        result = plan().run()
        rows = result.save(tmp_path / "there.parquet", kind)
        assert len(result.made.patches) > 3
    expected = plan().to_table(kind=kind)
    there = pq.read_table(tmp_path / "there.parquet")
    assert rows == len(expected) > 500
    assert in_order(there, *KEYS[kind]).equals(in_order(expected, *KEYS[kind]))


def test_after_a_table_was_written_all_of_them_are_there_along_the_sky(tmp_path):
    with passing():
        result = plan().run()
        result.save(tmp_path / "pairs.parquet")
        told = {kind: result.to_table(kind) for kind in KEYS}
    whole = plan().run()
    for kind, table in told.items():
        assert table.equals(whole.to_table(kind))


def test_the_report_after_a_table_was_written_is_that_of_one_in_memory(tmp_path):
    with passing():
        result = plan().run()
        result.save(tmp_path / "pairs.parquet")
        one = result.report
    two = plan().run().report
    left_out = {"seconds", "provenance"}
    assert {k: v for k, v in one.items() if k not in left_out} == {
        k: v for k, v in two.items() if k not in left_out
    }


def test_a_stream_that_is_not_read_to_its_end_leaves_the_result_as_it_was():
    with passing():
        result = plan().run()
        next(result.stream())
        assert result.pairs.equals(plan().run().pairs)
