"""Row groups are chosen by their limits, rows are cut to ranges, and caches stay within bounds."""

from __future__ import annotations

import multiprocessing
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skyquarry.catalog import footers, parquet
from skyquarry.catalog.files import Folder
from skyquarry.catalog.schemas import Spatial
from skyquarry.catalog.stored import open_stored
from skyquarry.sky.ranges import Ranges
from skyquarry.testing.skies import uniform_sky
from skyquarry.testing.trees import Layout, write_tree

RANGES = st.lists(st.tuples(st.integers(0, 200), st.integers(0, 30)), max_size=8).map(
    lambda pairs: Ranges([a for a, _ in pairs], [a + n for a, n in pairs])
)
PIXELS = st.lists(st.integers(0, 220), max_size=60)


@given(pixels=PIXELS, ranges=RANGES)
def test_rows_in_ranges_are_those_of_a_test_of_each(pixels, ranges):
    ordered = np.sort(np.array(pixels, np.int64))
    slow = [i for i, p in enumerate(ordered) if any(a <= p < b for a, b in ranges)]
    rows = parquet.rows_in(ordered, ranges)
    assert np.arange(len(ordered))[rows].tolist() == slow
    assert parquet.contains(ordered, ranges).tolist() == slow


@given(pixels=st.lists(st.integers(0, 220), min_size=1, max_size=60), ranges=RANGES)
def test_no_row_group_with_a_wanted_row_is_left_out(tmp_path_factory, pixels, ranges):
    folder = tmp_path_factory.mktemp("p")
    table = pa.table({"_healpix_29": pa.array(pixels, pa.int64())})
    pq.write_table(table, folder / "f.parquet", row_group_size=7)
    _, footer = footers.footer_of(Folder.at(folder), "f.parquet")
    chosen = parquet.select_groups(footer, Spatial("_healpix_29"), ranges, None).tolist()
    for group in range(len(footer.rows)):
        rows = pixels[group * 7 : group * 7 + 7]
        touched = any(a <= max(rows) and min(rows) < b for a, b in ranges)
        assert (group in chosen) == touched


VALUES = st.lists(
    st.one_of(st.none(), st.integers(-5, 5).map(float), st.just(float("nan"))),
    min_size=1,
    max_size=40,
)


@given(values=VALUES, low=st.integers(-6, 6), width=st.integers(0, 4))
def test_no_row_group_with_a_wanted_value_is_left_out(tmp_path_factory, values, low, width):
    folder = tmp_path_factory.mktemp("p")
    pq.write_table(
        pa.table({"x": pa.array(values, pa.float64())}), folder / "f.parquet", row_group_size=5
    )
    _, footer = footers.footer_of(Folder.at(folder), "f.parquet")
    bounds = {"x": (low, low + width)}
    chosen = parquet.select_groups(footer, Spatial(None), None, bounds).tolist()
    for group in range(len(footer.rows)):
        rows = values[group * 5 : group * 5 + 5]
        if any(v is not None and low <= v <= low + width for v in rows):
            assert group in chosen


FLOATS = st.one_of(st.none(), st.just(float("nan")), st.just(1.5))


def nulled(value):
    """The slow twin of nan_to_null on Python values."""
    if isinstance(value, list):
        return [nulled(v) for v in value]
    if isinstance(value, dict):
        return {k: nulled(v) for k, v in value.items()}
    return None if isinstance(value, float) and np.isnan(value) else value


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        (pa.float32(), FLOATS),
        (pa.list_(pa.float64()), st.none() | st.lists(FLOATS, max_size=3)),
        (pa.large_list(pa.float32()), st.none() | st.lists(FLOATS, max_size=3)),
        (pa.list_(pa.float64(), 2), st.none() | st.lists(FLOATS, min_size=2, max_size=2)),
        (
            pa.struct([("a", pa.list_(pa.float64())), ("b", pa.string())]),
            st.none()
            | st.fixed_dictionaries({"a": st.lists(FLOATS, max_size=2), "b": st.just("n")}),
        ),
        (
            pa.list_(pa.struct([("x", pa.float64())])),
            st.lists(st.fixed_dictionaries({"x": FLOATS}), max_size=2),
        ),
    ],
    ids=["float", "list", "large list", "fixed list", "struct", "list of structs"],
)
def test_nan_is_null_however_deep_it_lies(kind, values):
    @given(rows=st.lists(values, max_size=12), start=st.integers(0, 3))
    def check(rows, start):
        column = pa.chunked_array([pa.array(rows, kind), pa.array(rows, kind)]).slice(start)
        found = parquet.nan_to_null(column)
        found.validate(full=True)
        assert found.type == kind
        assert found.to_pylist() == nulled((rows + rows)[start:])

    check()


# ---------------------------------------------------------------- caches
def footer_of_size(nbytes):
    empty = np.empty(0, np.int64)
    return footers.Footer("x", None, pa.schema([]), {}, empty, empty, nbytes)


@given(sizes=st.lists(st.integers(1, 60), min_size=1, max_size=30))
def test_footers_stay_within_their_bound_and_the_newest_stay(sizes):
    cache = footers.FooterCache(max_bytes=100)
    for i, size in enumerate(sizes):
        cache.put((str(i), 0, 0), footer_of_size(size))
        assert cache.nbytes <= 100 or len(cache) == 1
        assert cache.get((str(i), 0, 0)) is not None
    kept = [i for i in range(len(sizes)) if cache.get((str(i), 0, 0)) is not None]
    assert kept == list(range(len(sizes) - len(kept), len(sizes)))
    assert cache.nbytes == sum(sizes[i] for i in kept)


def test_idle_files_stay_within_their_bound(tmp_path):
    stored = open_stored(write_tree(tmp_path / "t", uniform_sky(2000), Layout(order=1)))
    kept = footers.FILES.max_files
    try:
        footers.FILES.clear()
        footers.FILES.max_files = 5
        for tile in range(len(stored.tiles)):
            stored.read(tile, ["id"])
            assert len(footers.FILES) <= 5
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda t: stored.read(t % 3, ["id"]), range(60)))
        assert len(footers.FILES) <= 5
    finally:
        footers.FILES.max_files = kept


def test_a_footer_is_parsed_once(tmp_path, monkeypatch):
    stored = open_stored(write_tree(tmp_path / "t", uniform_sky(500), Layout(order=0)))
    parsed = []
    parse = footers._parse
    monkeypatch.setattr(footers, "_parse", lambda *a: parsed.append(a[0]) or parse(*a))
    for _ in range(3):
        stored.read(2)
        stored.read(2, ["ra"], bounds={"ra": (0.0, 1.0)})
    assert len(parsed) == 1


def _count(stored, tile):
    return stored.read(tile, ["id"]).num_rows


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_another_process_reads_what_this_one_has_open(tmp_path, method):
    stored = open_stored(write_tree(tmp_path / "t", uniform_sky(300), Layout(order=0)))
    here = [_count(stored, tile) for tile in range(12)]
    context = multiprocessing.get_context(method)
    with ProcessPoolExecutor(1, mp_context=context) as pool:
        if method == "spawn":  # a function of a test module cannot be found there
            there = [pool.submit(stored.read, t, ["id"]).result().num_rows for t in range(12)]
        else:
            there = list(pool.map(_count, [stored] * 12, range(12)))
    assert there == here


def test_what_was_decoded_is_counted(tmp_path):
    stored = open_stored(
        write_tree(tmp_path / "t", uniform_sky(2000), Layout(order=0, row_group_rows=50))
    )
    before = parquet.DECODED.row_groups, parquet.DECODED.rows
    table = stored.read(0)
    groups = -(-table.num_rows // 50)
    assert (stored.decoded.row_groups, stored.decoded.rows) == (groups, table.num_rows)
    assert parquet.DECODED.row_groups - before[0] == groups
    assert parquet.DECODED.rows - before[1] == table.num_rows
