from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skyquarry.catalog.tiles import Tiles, leaf_path, parse_leaf
from skyquarry.errors import DamagedError, UserError
from skyquarry.testing.naive.catalog import tiles_overlapping


@dataclass
class Span:
    starts: np.ndarray
    stops: np.ndarray


def spans(*pairs):
    array = np.array(pairs, np.int64).reshape(-1, 2)
    return Span(array[:, 0], array[:, 1])


@st.composite
def some_tiles(draw):
    cells, free = [], [(0, p) for p in range(12)]
    for _ in range(draw(st.integers(0, 12))):
        order, pixel = free.pop(draw(st.integers(0, len(free) - 1)))
        if order < 5 and draw(st.booleans()):
            free += [(order + 1, 4 * pixel + k) for k in range(4)]
        else:
            cells.append((order, pixel))
    order, pixel = zip(*cells, strict=True) if cells else ((), ())
    return Tiles(order, pixel)


def test_tiles_are_sorted_along_the_curve_with_their_rows():
    tiles = Tiles([2, 0, 1], [17, 0, 5], rows=[3, 1, 2])
    assert list(tiles) == [(0, 0), (2, 17), (1, 5)]
    assert tiles.rows.tolist() == [1, 3, 2]
    assert tiles.bytes.tolist() == [-1, -1, -1]
    assert tiles.stops[0] == 1 << 58


def test_overlapping_tiles_are_both_named_with_their_file():
    with pytest.raises(
        DamagedError, match=r"here\.csv.*Norder=1/Npix=4 .*Norder=3/Npix=70 overlap"
    ):
        Tiles([3, 1, 0], [70, 4, 0], where="here.csv")


def test_a_tile_given_twice_is_refused():
    with pytest.raises(DamagedError, match="overlap"):
        Tiles([5, 5], [7, 7])


@pytest.mark.parametrize(("order", "pixel"), [(0, 12), (30, 0), (3, -1), (-1, 0), (29, 12 << 58)])
def test_a_cell_that_does_not_exist_is_named(order, pixel):
    with pytest.raises(DamagedError, match=f"order {order} and pixel {pixel}"):
        Tiles([order], [pixel])


def test_pixels_that_are_not_integers_are_refused():
    with pytest.raises(UserError, match="float64"):
        Tiles([1], [0.5])


def test_lengths_that_differ_are_told():
    with pytest.raises(UserError, match="2, 1, 1 and 1"):
        Tiles([1, 1], [0])


def test_the_last_pixel_of_the_sky_is_found():
    tiles = Tiles([0, 29], [0, (12 << 58) - 1])
    assert tiles.find([(12 << 58) - 1, 0, 1 << 58]).tolist() == [1, 0, -1]


@given(some_tiles(), st.lists(st.integers(0, (12 << 10) - 1), max_size=20))
def test_find_agrees_with_looking_at_each_tile(tiles, coarse):
    pixels = np.array(coarse, np.int64) << 48
    expected = [
        next((i for i in range(len(tiles)) if tiles.starts[i] <= p < tiles.stops[i]), -1)
        for p in pixels
    ]
    assert tiles.find(pixels).tolist() == expected


@given(some_tiles(), st.sets(st.integers(0, 12 << 10), max_size=16))
def test_overlapping_agrees_with_looking_at_each_pair(tiles, edges):
    bounds = sorted(edges)
    bounds = bounds[: len(bounds) // 2 * 2]
    ranges = spans(*[(a << 48, b << 48) for a, b in zip(bounds[::2], bounds[1::2], strict=True)])
    assert tiles.overlapping(ranges).tolist() == tiles_overlapping(tiles, ranges)


def test_a_million_tiles_are_found_as_few_are():
    pixel = np.arange(1_000_000)
    tiles = Tiles(np.full(len(pixel), 9), pixel[::-1], rows=pixel)
    found = tiles.overlapping(Span(tiles.starts[::7], tiles.stops[::7]))
    assert found.tolist() == list(range(0, len(pixel), 7))


def test_leaf_paths_go_both_ways():
    tiles = Tiles([9], [123_456])
    assert tiles.leaf(0) == "dataset/Norder=9/Dir=120000/Npix=123456.parquet"
    assert parse_leaf(tiles.leaf(0)) == (9, 123_456, ".parquet")
    assert parse_leaf(leaf_path(4, 3, "/") + "part0.parquet") == (4, 3, "/part0.parquet")


@pytest.mark.parametrize("path", ["dataset/readme.txt", "dataset/Norder=2/Npix=999999.parquet"])
def test_a_stray_path_is_named(path):
    with pytest.raises(DamagedError, match=path):
        parse_leaf(path)


def test_a_tile_is_found_by_its_cell():
    tiles = Tiles([1, 2], [3, 16])
    assert [tiles.number(1, 3), tiles.number(2, 16), tiles.number(2, 12)] == [0, 1, -1]


def test_no_tiles_overlap_nothing():
    empty = Tiles.empty()
    assert len(empty.overlapping(spans((0, 100)))) == 0
    assert empty.find([3]).tolist() == [-1]
    assert repr(empty) == "Tiles: none"
