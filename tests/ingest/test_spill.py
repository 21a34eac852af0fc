from __future__ import annotations

from itertools import pairwise

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skyquarry.errors import IngestError
from skyquarry.ingest.spill import (
    BATCH_ROWS,
    cell_borders,
    gather,
    histogram,
    index_path,
    open_run,
    write_run,
)
from skyquarry.ingest.tiling import groups_of, leaves_of, rows_of_a_tile
from skyquarry.testing.naive.ingest import counts_by_cell

SKY = 12 * 4**29
SORTED_PIXELS = st.lists(st.integers(0, SKY - 1), min_size=1).map(sorted)


def a_run(path, pixels, **more):
    columns = {"_healpix_29": np.asarray(pixels, np.int64), "row": np.arange(len(pixels)), **more}
    return write_run(path / "run.arrow", pa.table(columns))


def rows_between(run, start, stop, schema):
    share = run.share(start, stop)
    return [] if share is None else gather([share], schema).column("row").to_pylist()


@given(SORTED_PIXELS, st.integers(0, SKY), st.integers(0, SKY))
def test_a_share_holds_the_rows_of_its_pixels_and_no_others(tmp_path, pixels, a, b):
    run = a_run(tmp_path, pixels)
    schema = pa.schema([("_healpix_29", pa.int64()), ("row", pa.int64())])
    expected = [row for row, pixel in enumerate(pixels) if min(a, b) <= pixel < max(a, b)]
    assert rows_between(run, min(a, b), max(a, b), schema) == expected


def test_a_run_of_many_batches_is_read_in_shares(tmp_path):
    pixels = np.sort(np.random.default_rng(1).integers(0, SKY, 50_000))
    run = a_run(tmp_path, pixels)
    assert len(run.rows) > 6
    assert run.rows.max() <= BATCH_ROWS
    schema = pa.schema([("_healpix_29", pa.int64()), ("row", pa.int64())])
    borders = [0, *np.sort(np.random.default_rng(2).integers(0, SKY, 20)).tolist(), SKY]
    found = [row for a, b in pairwise(borders) for row in rows_between(run, a, b, schema)]
    assert found == list(range(50_000))


def test_texts_lists_and_nulls_come_back_as_they_were(tmp_path):
    texts = pa.array([None, "é", "", "long " * 50] * 5_000)
    lists = pa.array([[1.0, None], [], None, [3.0]] * 5_000, pa.list_(pa.float64()))
    run = a_run(tmp_path, np.arange(20_000) * 10**12, text=texts, list=lists)
    schema = pa.table({"text": texts, "list": lists}).schema
    full = pa.schema([("_healpix_29", pa.int64()), ("row", pa.int64()), *schema])
    back = gather([run.share(5 * 10**12, 15_000 * 10**12)], full)
    assert back.column("text").to_pylist() == texts.slice(5, 14_995).to_pylist()
    assert back.column("list").to_pylist() == lists.slice(5, 14_995).to_pylist()


def test_a_run_is_opened_again(tmp_path):
    run = a_run(tmp_path, [3, 5, 5, 9])
    again = open_run(run.path)
    for name in ("first", "last", "rows", "offsets", "cells", "counts"):
        assert np.array_equal(getattr(run, name), getattr(again, name))


def test_a_run_cut_short_is_noticed(tmp_path):
    run = a_run(tmp_path, [3, 5, 5, 9])
    whole = (tmp_path / "run.arrow").read_bytes()
    (tmp_path / "run.arrow").write_bytes(whole[:-1])
    with pytest.raises(ValueError, match="its index speaks of"):
        open_run(run.path)
    with pytest.raises(IngestError, match="ends 1 bytes early"):
        run.share(0, SKY).batches(pa.schema([("_healpix_29", pa.int64()), ("row", pa.int64())]))
    index_path(tmp_path / "run.arrow").unlink()
    with pytest.raises(OSError, match="No such file"):
        open_run(run.path)


@given(SORTED_PIXELS, st.integers(0, 29))
def test_the_histogram_agrees_with_counting(pixels, order):
    cells, counts = histogram(np.array(pixels, np.int64), order)
    expected = counts_by_cell(pixels, order)
    assert dict(zip(cells.tolist(), counts.tolist(), strict=True)) == expected


@given(SORTED_PIXELS, st.integers(1, 5))
def test_a_run_is_cut_at_the_borders_of_cells(pixels, most):
    borders = cell_borders(np.array(pixels, np.int64), most).tolist()
    assert borders[0] == 0
    assert borders[-1] == len(pixels)
    assert all(0 < b - a <= most for a, b in pairwise(borders))


def test_crowded_cells_are_counted_finer(tmp_path):
    random = np.random.default_rng(4)
    crowd = 7 * 4**21 + random.integers(0, 4**15, 3_000)  # one cell of order 14
    pixels = np.sort(np.concatenate([crowd, random.integers(0, SKY, 2_000)]))
    run = a_run(tmp_path, pixels)
    schema = pa.schema([("_healpix_29", pa.int64()), ("row", pa.int64())])
    leaves = leaves_of([run], schema, 500)
    assert leaves.rows.sum() == 5_000
    assert leaves.rows.max() <= 500
    assert leaves.order.max() > 14
    found = np.searchsorted(pixels, leaves.stops) - np.searchsorted(pixels, leaves.starts)
    assert np.array_equal(found, leaves.rows)


def test_rows_at_one_place_are_one_tile_however_many(tmp_path):
    run = a_run(tmp_path, [12345] * 3_000)
    schema = pa.schema([("_healpix_29", pa.int64()), ("row", pa.int64())])
    leaves = leaves_of([run], schema, 100)
    assert leaves.rows.max() == 3_000
    assert leaves.rows.sum() == 3_000


def test_rows_that_will_not_be_stored_are_not_counted(tmp_path):
    pixels = np.sort(np.random.default_rng(5).integers(0, 4**12, 4_000))
    run = a_run(tmp_path, pixels)
    schema = pa.schema([("_healpix_29", pa.int64()), ("row", pa.int64())])
    lost = pixels[::4]
    leaves = leaves_of([run], schema, 500, lost)
    kept = np.delete(pixels, np.arange(0, 4_000, 4))
    found = np.searchsorted(kept, leaves.stops) - np.searchsorted(kept, leaves.starts)
    assert np.array_equal(found, leaves.rows)


def test_wide_rows_get_smaller_tiles():
    assert rows_of_a_tile(1_000_000, 10, 10 * 88) == 1_000_000
    assert rows_of_a_tile(1_000_000, 10, 10 * 2048) == 131_072
    assert rows_of_a_tile(7, 0, 0) == 7


@given(st.lists(st.integers(1, 50)), st.integers(1, 60))
def test_groups_hold_neighbours_and_every_tile_once(rows, most):
    groups = groups_of(np.array(rows, np.int64), most)
    assert [n for a, b in groups for n in range(a, b)] == list(range(len(rows)))
    assert all(sum(rows[a:b]) <= most or b - a == 1 for a, b in groups)
