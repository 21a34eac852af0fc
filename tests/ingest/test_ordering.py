from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skyquarry.ingest.ordering import sky_order
from skyquarry.testing.naive.ingest import storage_order

# Few distinct values, so that ties are common; the extremes, so that words are full.
PIXELS = st.one_of(
    st.integers(0, 5), st.integers(0, 12 * 4**29 - 1), st.integers(12 * 4**29 - 3, 12 * 4**29 - 1)
)


@given(st.lists(st.tuples(PIXELS, st.one_of(st.none(), st.integers(-2, 2)))))
def test_rows_are_ordered_by_pixel_then_id_then_place(rows):
    pixels = [pixel for pixel, _ in rows]
    ids = [mark for _, mark in rows]
    found = sky_order(np.array(pixels, np.int64), pa.array(ids, pa.int64()))
    assert found.tolist() == storage_order(pixels, ids)


@given(st.lists(st.tuples(PIXELS, st.sampled_from(["b", "a", "", "é"]))))
def test_ids_may_be_texts(rows):
    pixels = [pixel for pixel, _ in rows]
    ids = [mark for _, mark in rows]
    found = sky_order(np.array(pixels, np.int64), pa.array(ids, pa.string()))
    assert found.tolist() == storage_order(pixels, ids)


@given(st.lists(st.lists(st.tuples(PIXELS, st.sampled_from(["b", "a", "", "é"])))))
def test_of_stretches_that_are_in_order_only_what_they_share_is_compared(stretches):
    ordered = [sorted(each, key=lambda row: (row[0], row[1].encode())) for each in stretches]
    rows = [row for each in ordered for row in each]
    pixels, ids = [pixel for pixel, _ in rows], [mark for _, mark in rows]
    runs = [len(each) for each in ordered]
    found = sky_order(np.array(pixels, np.int64), pa.array(ids, pa.string()), runs)
    assert found.tolist() == storage_order(pixels, ids)


@given(st.lists(PIXELS))
def test_without_ids_ties_keep_their_order(pixels):
    assert sky_order(np.array(pixels, np.int64)).tolist() == storage_order(pixels)


@pytest.mark.parametrize("rows", [1, 2, 3, 4, 5, 1000, 70_000])
def test_wide_ranges_of_pixels_lose_no_bit(rows):
    pixels = np.random.default_rng(rows).integers(0, 12 * 4**29, rows)
    pixels[: rows // 3] = pixels[0] + np.arange(rows // 3)  # differ in the lowest bits alone
    assert np.array_equal(sky_order(pixels), np.argsort(pixels, kind="stable"))
