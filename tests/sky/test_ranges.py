"""Ranges agree with plain Python sets, at the edges of the sky too."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skyquarry.errors import RegionError
from skyquarry.sky.ranges import N_PIXELS, SKY_DEG2, Ranges
from skyquarry.testing.naive import regions as naive

# A small line of whole numbers at each end of the sky: the naive twin can walk it.
pairs = st.lists(st.tuples(st.integers(0, 40), st.integers(0, 12)), max_size=8)
OFFSETS = st.sampled_from([0, 17, N_PIXELS - 60])
DEEPEST = 2
pixel_sets = st.sets(st.integers(0, 12 * 4**DEEPEST - 1))


def make(items: list[tuple[int, int]], offset: int = 0) -> Ranges:
    starts = np.array([start for start, _ in items], np.int64) + offset
    return Ranges(starts, starts + np.array([length for _, length in items], np.int64))


def from_set(pixels: set[int]) -> Ranges:
    return Ranges.from_cells(DEEPEST, np.array(sorted(pixels), np.int64))


@given(pairs, OFFSETS)
def test_any_ranges_become_sorted_disjoint_and_not_touching(items, offset):
    pixels = naive.pixels_of((offset + s, offset + s + n) for s, n in items)
    assert list(make(items, offset)) == naive.ranges_of(pixels)


@given(pairs, pairs, OFFSETS)
def test_algebra_is_that_of_sets(a, b, offset):
    x, y = make(a, offset), make(b, offset)
    p, q = naive.pixels_of(x), naive.pixels_of(y)
    assert list(x & y) == naive.ranges_of(p & q)
    assert list(x | y) == naive.ranges_of(p | q)
    assert list(x - y) == naive.ranges_of(p - q)
    assert list(x ^ y) == naive.ranges_of(p ^ q)
    assert (x <= y) == (p <= q)
    assert (x == y) == (p == q)


@given(pixel_sets)
def test_complement_is_the_rest_of_the_sky(pixels):
    rest = set(range(12 * 4**DEEPEST)) - pixels
    assert ~from_set(pixels) == from_set(rest)
    assert ~~from_set(pixels) == from_set(pixels)


@given(pairs, st.lists(st.integers(-3, 60), max_size=20))
def test_contains_is_membership(items, wanted):
    pixels = naive.pixels_of(make(items))
    assert make(items).contains(np.array(wanted, np.int64)).tolist() == [
        w in pixels for w in wanted
    ]


@given(pairs, pairs)
def test_overlaps_and_covers_ask_each_range(items, asked):
    pixels = naive.pixels_of(make(items))
    starts = np.array([s for s, _ in asked], np.int64)
    stops = starts + np.array([n for _, n in asked], np.int64)
    each = [set(range(s, t)) for s, t in zip(starts, stops, strict=True)]
    assert make(items).overlaps(starts, stops).tolist() == [bool(e & pixels) for e in each]
    assert make(items).covers(starts, stops).tolist() == [e <= pixels for e in each]


@given(pixel_sets)
def test_cells_are_the_fewest_and_give_the_ranges_back(pixels):
    order, pixel = from_set(pixels).cells()
    assert list(zip(order.tolist(), pixel.tolist(), strict=True)) == naive.cells_of(pixels, DEEPEST)
    assert Ranges.from_cells(order, pixel) == from_set(pixels)


@given(pixel_sets, st.integers(0, 2))
def test_coarsen_grows_and_shrink_cuts_to_whole_cells(pixels, order):
    step = 4 ** (DEEPEST - order)
    touched = {p // step for p in pixels}
    wholly = {c for c in touched if all(p in pixels for p in range(c * step, (c + 1) * step))}
    assert from_set(pixels).coarsen(order) == Ranges.from_cells(
        order, np.array(sorted(touched), int)
    )
    assert from_set(pixels).shrink(order) == Ranges.from_cells(order, np.array(sorted(wholly), int))
    assert from_set(pixels).flat(order).tolist() == sorted(touched)


@given(st.lists(pairs, max_size=4))
def test_the_union_of_many_is_one_sweep(many):
    parts = [make(items) for items in many]
    assert list(Ranges.union(parts)) == naive.ranges_of(set().union(*map(naive.pixels_of, parts)))


def test_small_against_huge_agrees_with_huge_against_small():
    starts = np.arange(0, 10_000, 10, dtype=np.int64)
    huge, small = Ranges(starts, starts + 5), Ranges([3, 812, 9_998], [12, 813, 20_000])
    expected = naive.ranges_of(naive.pixels_of(huge) & naive.pixels_of(small))
    assert list(huge & small) == list(small & huge) == expected


def test_empty_and_whole():
    empty, whole = Ranges.empty(), Ranges.whole()
    assert (len(empty), empty.count(), empty.area_deg2()) == (0, 0, 0.0)
    assert whole.area_deg2() == pytest.approx(SKY_DEG2)
    assert ~empty == whole
    assert ~whole == empty
    assert whole - whole == empty
    assert not empty.contains([0, N_PIXELS - 1]).any()
    assert whole.contains([0, N_PIXELS - 1]).all()
    assert not whole.contains([-1, N_PIXELS]).any()
    assert empty.cells()[0].dtype == np.int8
    assert whole.cells()[1].tolist() == list(range(12))


def test_mixed_orders_merge():
    mixed = Ranges.from_cells([0, 1, 29], [0, 4, 5 * 4**28])
    assert list(mixed) == [(0, 5 * 4**28 + 1)]


def test_a_set_does_not_change():
    ranges = Ranges([1], [2])
    with pytest.raises(ValueError, match="read-only"):
        ranges.starts[0] = 0
    with pytest.raises(AttributeError, match="make a new one"):
        ranges.starts = np.zeros(1, np.int64)
    assert pickle.loads(pickle.dumps(ranges)) == ranges
    assert hash(Ranges([1], [2])) == hash(ranges)


def test_repr_is_a_sentence():
    assert repr(Ranges.from_cells(0, [0])) == (
        "Ranges: 1 range of 288,230,376,151,711,744 order-29 pixels, 3.44e+03 deg2"
    )
    assert repr(Ranges.empty()) == "Ranges: empty, no pixel of the sky"


@pytest.mark.parametrize(
    ("action", "message"),
    [
        (lambda: Ranges([5], [3]), r"range 0 is \[5, 3\)"),
        (lambda: Ranges([-1], [3]), r"range 0 is \[-1, 3\)"),
        (lambda: Ranges([0.5], [3]), "starts is an array of float64"),
        (lambda: Ranges.from_cells(30, [0]), "order is 30"),
        (lambda: Ranges.from_cells(1, [48]), "pixel is 48 at order 1, which has pixels 0 to 47"),
        (lambda: Ranges.whole().coarsen(-1), "order is -1"),
        (lambda: Ranges.whole().flat(20), "order 20 would list 13,194,139,533,312 cells"),
        (lambda: ~Ranges([0], [N_PIXELS + 1]), "a complement needs order-29 HEALPix pixels"),
    ],
)
def test_errors_say_what_was_given(action, message):
    with pytest.raises(RegionError, match=message):
        action()
