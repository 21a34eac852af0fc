from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skyquarry.catalog.tiling import tiles_from_counts
from skyquarry.errors import UserError
from skyquarry.testing.naive.catalog import divide

ORDER = 4


@given(
    st.dictionaries(st.integers(0, (12 << 2 * ORDER) - 1), st.integers(0, 60), max_size=60),
    st.integers(1, 100),
)
def test_the_division_is_that_of_the_naive_recursion(counts, max_rows):
    tiles = tiles_from_counts(list(counts), list(counts.values()), ORDER, max_rows)
    expected = sorted(divide(counts, ORDER, max_rows), key=lambda t: t[1] << 2 * (29 - t[0]))
    found = zip(tiles.order.tolist(), tiles.pixel.tolist(), tiles.rows.tolist(), strict=True)
    assert list(found) == expected
    assert tiles.rows.sum() == sum(counts.values())
    assert tiles.starts[0] == 0
    assert np.array_equal(tiles.starts[1:], tiles.stops[:-1])
    assert tiles.stops[-1] == 12 << 58


def test_the_sequence_of_the_counts_does_not_matter():
    random = np.random.default_rng(1)
    pixel, count = random.permutation(3000), random.integers(0, 100, 3000)
    turned = random.permutation(3000)
    assert tiles_from_counts(pixel, count, 6, 500) == tiles_from_counts(
        pixel[turned], count[turned], 6, 500
    )


def test_all_rows_at_one_point_stay_one_tile():
    tiles = tiles_from_counts([7], [10**9], 10)
    held = tiles.take(tiles.rows > 0)
    assert list(held) == [(10, 7)]
    assert held.rows.tolist() == [10**9]
    assert len(tiles) == 12 + 3 * 10


def test_no_rows_make_twelve_empty_leaves():
    tiles = tiles_from_counts([], [], 9)
    assert list(tiles) == [(0, p) for p in range(12)]
    assert tiles.rows.sum() == 0


def test_an_even_sky_has_even_tiles():
    order = 8
    tiles = tiles_from_counts(
        np.arange(12 << 2 * order), np.full(12 << 2 * order, 9), order, 10_000
    )
    assert len(set(tiles.rows.tolist())) == 1
    assert 2_500 <= tiles.rows[0] <= 10_000


@pytest.mark.parametrize(
    ("pixel", "count", "order", "max_rows", "message"),
    [
        ([0], [1], 3, 0, "max_rows is 0"),
        ([0], [1], 30, 9, "order of the counts is 30"),
        ([0], [-1], 3, 9, "a count is -1"),
        ([12], [1], 0, 9, "the cells run from 12 to 12, but order 0"),
        ([0, 1], [1], 3, 9, "2 cells and 1 counts"),
    ],
)
def test_what_cannot_be_divided_is_told(pixel, count, order, max_rows, message):
    with pytest.raises(UserError, match=message):
        tiles_from_counts(pixel, count, order, max_rows)
