"""Footprints know their area, their source and what they leave out."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skyquarry.errors import RegionError
from skyquarry.sky import healpix
from skyquarry.sky.footprint import Footprint
from skyquarry.sky.manycones import Cones
from skyquarry.sky.mocs import MocRegion
from skyquarry.sky.ranges import SKY_DEG2, Ranges
from skyquarry.sky.regions import NOWHERE, Box, Cone, Union
from skyquarry.sky.vectors import to_xyz
from skyquarry.testing.skyshapes import points_near, random_place, random_size


def cells(order: int, *pixels: int) -> Ranges:
    return Ranges.from_cells(order, np.array(pixels, np.int64))


def test_area_and_overlap_count_cells():
    a, b = Footprint(cells(1, 0, 1, 2), "survey"), Footprint(cells(1, 2, 3), "user")
    cell = SKY_DEG2 / 48
    assert a.area_deg2() == pytest.approx(3 * cell)
    assert a.overlap_deg2(b) == pytest.approx(cell)
    assert a.overlap(b).ranges == cells(1, 2)


@pytest.mark.parametrize(
    ("one", "other", "both"),
    [
        ("survey", "user", "user"),
        ("estimate", "survey", "estimate"),
        ("survey", "survey", "survey"),
    ],
)
def test_an_overlap_is_as_sure_as_the_less_sure(one, other, both):
    assert Footprint(cells(0, 1), one).overlap(Footprint(cells(0, 1), other)).label == both


def test_contains_follows_cells():
    footprint = Footprint(cells(0, 4))
    ra, dec = healpix.center(np.arange(12), 0)
    assert footprint.contains(ra, dec).tolist() == [pixel == 4 for pixel in range(12)]


def test_bright_stars_are_left_out():
    footprint = Footprint.from_region(Box(40, 50, -5, 5), 9)
    masked = footprint.masked([45.0, 46.0], [0.0, 0.0], [3600.0, 1800.0])
    assert masked.contains([45.5, 47.5], [0, 0]).tolist() == [False, True]
    # Two circles that share a lens: their union by the exact area of each and the lens between.
    union = Cone(45, 0, 3600) | Cone(46, 0, 1800)
    lost = footprint.area_deg2() - masked.area_deg2()
    assert lost == pytest.approx(union.area(), abs=2.5e-4 * footprint.area_deg2())
    assert lost > math.pi


def test_masks_add_up():
    footprint = Footprint(cells(0, 4)).without(Cone(45, 0, 36000)).without(Cone(50, 0, 36000))
    assert not footprint.contains([45, 55], [0, 0]).any()
    assert footprint.overlap(Footprint(cells(0, 4))).masks == footprint.masks


@settings(max_examples=60)
@given(st.integers(0, 2**32 - 1))
def test_many_cones_are_the_union_of_each(seed):
    rng = np.random.default_rng(seed)
    places = [random_place(rng) for _ in range(rng.integers(1, 20))]
    scale = random_size(rng, 60.0)
    radii = scale * 10 ** rng.uniform(-3, 0, len(places)) * 3600
    many = Cones(*np.transpose(places), radii)
    one_by_one = Union(tuple(Cone(*p, r) for p, r in zip(places, radii.tolist(), strict=True)))
    xyz = points_near(rng, many, 1000)
    assert (many.contains(xyz) == one_by_one.contains(xyz)).all()
    assert not many.contains([np.nan, 0.0, 1.0]).any()


def test_ten_thousand_masks_are_looked_up_not_tried():
    rng = np.random.default_rng(1)
    ra, dec = rng.uniform(0, 360, 10_000), rng.uniform(-80, 80, 10_000)
    masks = Cones(ra, dec, rng.uniform(10, 300, 10_000))
    assert masks.contains(to_xyz(ra, dec)).all()
    points, pairs = to_xyz(rng.uniform(0, 360, 2000), rng.uniform(-80, 80, 2000)), 0
    for shelf in masks._shelves:
        pairs += len(shelf.pairs(points)[0])
    assert pairs < 0.001 * 10_000 * 2000


def test_an_estimate_is_labelled_and_needs_twenty_sources_a_cell():
    pixel = np.arange(100)
    estimate = Footprint.from_counts(pixel, np.full(100, 20), 6)
    assert (estimate.label, estimate.ranges) == ("estimate", Ranges.from_cells(6, pixel))
    assert "estimated from counts" in repr(estimate)
    with pytest.raises(RegionError, match=r"hold 19\.0 sources in the mean; .* try order 5"):
        Footprint.from_counts(pixel, np.full(100, 19), 6)
    with pytest.raises(RegionError, match=r"hold 1\.0 sources .* try order 3"):
        Footprint.from_counts(np.arange(64), np.ones(64, int), 6)
    with pytest.raises(RegionError, match="the survey's own map"):
        Footprint.from_counts(pixel, np.ones(100, int) * (pixel < 3), 6)


@pytest.mark.parametrize(("pixel", "count"), [([], []), ([1, 2], [0, 0])])
def test_no_source_has_no_footprint_at_any_order(pixel, count):
    with pytest.raises(RegionError, match=r"hold 0.0 sources.*: try the survey's own map"):
        Footprint.from_counts(pixel, count, 10)


def test_empty_cells_are_not_covered():
    estimate = Footprint.from_counts([1, 2, 3], [50, 0, 50], 4)
    assert estimate.ranges == cells(4, 1, 3)


def test_from_a_moc_and_back():
    footprint = Footprint.from_moc("1/0 3/77")
    assert footprint.label == "survey"
    assert footprint.to_moc() == MocRegion(footprint.ranges, 3)
    assert Footprint.from_moc(footprint.to_moc().to_fits()) == footprint


def test_depth_is_looked_up_by_cell():
    footprint = Footprint(cells(0, 4)).with_depth([7, 3], 2, [22.5, 21.0])
    ra, dec = healpix.center([3, 7, 8], 2)
    assert footprint.depth is not None
    np.testing.assert_array_equal(footprint.depth.at(ra, dec), [21.0, 22.5, np.nan])
    with pytest.raises(RegionError, match="each pixel once"):
        footprint.with_depth([1, 1], 2, [1.0, 2.0])


def test_a_wrong_label_is_refused():
    with pytest.raises(RegionError, match="label is 'guess'"):
        Footprint(Ranges.whole(), "guess")


def test_an_empty_mask_changes_nothing():
    assert Footprint(cells(0, 4), masks=NOWHERE).area_deg2() == pytest.approx(SKY_DEG2 / 12)
