"""A cover never misses a point of its region and never calls a cut cell inner."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skyquarry.errors import RegionError
from skyquarry.sky import healpix, htm
from skyquarry.sky.algebra import NOWHERE, WHOLE
from skyquarry.sky.covers import Trixels, auto_order, pixel_radius
from skyquarry.sky.halfspaces import angles
from skyquarry.sky.ranges import N_PIXELS, Ranges
from skyquarry.sky.regions import Box, Cone, Ellipse, Polygon, Region, Zone
from skyquarry.sky.vectors import to_radec, to_xyz
from skyquarry.testing.naive.regions import offset
from skyquarry.testing.skyshapes import points_near, random_place, random_region, random_size

seeds = st.integers(0, 2**32 - 1)


def order_for(region: Region, rng: np.random.Generator) -> int:
    return int(min(max(auto_order(region) + rng.integers(-2, 2), 0), 29))


@settings(max_examples=150)
@given(seeds)
def test_no_point_of_a_region_is_missed_and_no_inner_point_lies_outside(seed):
    rng = np.random.default_rng(seed)
    region = random_region(rng)
    cover = region.cover(order_for(region, rng))
    xyz = points_near(rng, region)
    inside = region.contains(xyz)
    pixel = healpix.index(*to_radec(xyz))
    assert cover.all.contains(pixel[inside]).all()
    assert inside[cover.inner.contains(pixel)].all()
    assert not len(cover.inner & cover.outer)


@settings(max_examples=60)
@given(seeds)
def test_htm_covers_hold_the_same_promise(seed):
    rng = np.random.default_rng(seed)
    region = random_region(rng)
    level = int(np.clip(auto_order(region, "htm") + rng.integers(-2, 2), 0, 24))
    cover = region.cover(level, "htm")
    xyz = points_near(rng, region, 1000)
    inside = region.contains(xyz)
    ids = htm.index(xyz, level)
    assert cover.all.contains(ids[inside]).all()
    assert inside[cover.inner.contains(ids)].all()
    assert not len(cover.inner & cover.outer)


@settings(max_examples=60)
@given(seeds)
def test_inner_cells_lie_inside_with_their_corners_and_rims(seed):
    rng = np.random.default_rng(seed)
    region = random_region(rng)
    order, pixel = region.cover(order_for(region, rng)).inner.cells()
    some = rng.permutation(len(pixel))[:40]
    for depth, cell in zip(order[some], pixel[some], strict=True):
        rim = to_xyz(*healpix.corners([cell], int(depth), steps=5)).reshape(-1, 3)
        # (of a map's cell only half the rim is its own)
        assert region.contains(rim).all() or "MocRegion" in repr(region)
        # anywhere within: descendants' centres
        parts = (int(cell) << 2 * (29 - int(depth))) + rng.integers(
            0, 1 << 2 * (29 - int(depth)), 20
        )
        assert region.contains(to_xyz(*healpix.center(parts, 29))).all()


@settings(max_examples=150)
@given(seeds, st.integers(-3, 3))
def test_a_cone_is_covered_to_its_rim(seed, finer):
    rng = np.random.default_rng(seed)
    place, radius = random_place(rng), random_size(rng)
    cone = Cone(*place, radius * 3600)
    order = min(max(int(np.ceil(np.log2(100 / radius))) + finer, 0), 29)
    rim = [offset(place, pa, radius * (1 - 1e-9)) for pa in rng.uniform(0, 360, 60)]
    ra, dec = np.transpose([*rim, place])
    assert cone.cover(order).all.contains(healpix.index(ra, dec)).all()


@pytest.mark.parametrize("order", [0, 1, 2, 3, 6])
def test_no_cell_reaches_beyond_its_bounding_circle(order):
    pixel = np.arange(12 << 2 * order)
    ra, dec = healpix.corners(pixel, order, steps=8)
    rim = to_xyz(ra.ravel(), dec.ravel()).reshape(len(pixel), -1, 3)
    center = to_xyz(*healpix.center(pixel, order))
    away = max(angles(rim[i], center[i]).max() for i in range(len(pixel)))
    assert away <= pixel_radius(order)
    assert away > 0.99 * pixel_radius(order)


def test_whole_sky_and_nowhere():
    for region, inner in (
        (WHOLE, Ranges.whole()),
        (NOWHERE, Ranges.empty()),
        (Zone(-90, 90), Ranges.whole()),
    ):
        cover = region.cover(3)
        assert (cover.inner, cover.outer) == (inner, Ranges.empty())
    assert list(WHOLE.cover(5, "htm").inner) == [(8 << 10, 16 << 10)]
    assert Cone(3, 4, 648000).cover(2).inner == Ranges.whole()


def test_complement_swaps_what_is_inner():
    cone = Cone(10, 20, 40000)
    cover, rest = cone.cover(6), (~cone).cover(6)
    assert cover.outer == rest.outer
    assert cover.all == ~rest.inner


@pytest.mark.parametrize("radius_mas", [0, 1, 10, 100])
def test_the_smallest_cones_reach_order_29(radius_mas):
    cone = Cone(123.456, -45.678, radius_mas / 1000)
    cover = cone.cover()
    assert 1 <= len(cover.all.flat(29)) <= N_PIXELS
    assert cover.all.contains(healpix.index([123.456], [-45.678])).all()
    assert len(cone.cover(29).all) >= 1


@settings(max_examples=40)
@given(seeds)
def test_without_an_order_some_ten_to_two_hundred_cells_are_used(seed):
    rng = np.random.default_rng(seed)
    cone = Cone(*random_place(rng), random_size(rng, 60.0) * 3600)
    assert 4 <= len(cone.cover().all.cells()[0]) <= 250


def test_finer_covers_are_tighter():
    region = Polygon([(0, 0), (10, 0), (10, 10), (5, 2), (0, 10)])
    bounds = [region.area_bounds(order) for order in range(4, 10)]
    assert all(a[0] <= b[0] <= region.area() <= b[1] <= a[1] for a, b in pairwise(bounds))
    assert bounds[-1][1] - bounds[-1][0] < 0.3 * region.area()


@pytest.mark.parametrize(
    ("region", "order"),
    [(Cone(30, 50, 36000), 8), (Box(350, 10, -5, 5), 8), (Ellipse(10, 85, 36000, 9000, 30), 9)],
)
def test_cut_cells_are_few(region, order):
    """Not many more than a perfect cover has, here found by asking every cell's rim and centre."""
    touching = region.cover(order).all.flat(order)
    cut = region.cover(order).outer.flat(order)
    ra, dec = healpix.corners(cut, order, steps=8)
    inside = region.contains(to_xyz(ra.ravel(), dec.ravel())).reshape(len(cut), -1)
    truly_cut = inside.any(axis=1) & ~inside.all(axis=1)
    assert truly_cut.sum() > 0.75 * len(cut)
    assert len(touching) > len(cut)


def test_trixels_are_those_of_the_index():
    batch = Trixels.roots()
    for _ in range(4):
        np.testing.assert_array_equal(
            htm.index(batch.cells().centers, htm.level_of(batch.ids)[0]), batch.ids
        )
        np.testing.assert_allclose(batch.corners, htm.corners(batch.ids), atol=1e-15)
        batch = batch.split()


def judged(ranges) -> Ranges:
    edges = np.array(list(ranges), np.int64).reshape(-1, 2)
    return Ranges(edges[:, 0], edges[:, 1])


@pytest.mark.judge
@settings(max_examples=60)
@given(seeds)
def test_sphgeom_covers_by_the_same_trixels(seed):
    """Ours lies between its interior and its envelope, or within a few trixels of rounding."""
    sphgeom = pytest.importorskip("lsst.sphgeom")
    rng = np.random.default_rng(seed)
    place, radius = random_place(rng), max(random_size(rng, 80.0), 1e-3)
    level = int(np.clip(np.ceil(np.log2(400 / radius)), 2, 16))
    ring = [offset(place, pa, radius) for pa in (0, 70, 150, 200, 300)]
    ra, dec = np.transpose(ring)
    center = sphgeom.UnitVector3d(*to_xyz(*place)[0])
    pairs = [
        (Cone(*place, radius * 3600), sphgeom.Circle(center, sphgeom.Angle.fromDegrees(radius))),
        (Polygon(ring), sphgeom.ConvexPolygon([sphgeom.UnitVector3d(*v) for v in to_xyz(ra, dec)])),
    ]
    pixelization = sphgeom.HtmPixelization(level)
    for ours, theirs in pairs:
        cover = ours.cover(level, "htm")
        envelope, interior = (
            judged(pixelization.envelope(theirs)),
            judged(pixelization.interior(theirs)),
        )
        assert (interior - cover.all).count() == 0
        assert (cover.inner - envelope).count() == 0
        # Cones are compared with trixels exactly, polygons by circles round quarters of them.
        loose = 0.02 if isinstance(ours, Cone) else 0.1
        assert cover.all.count() <= (1 + loose) * envelope.count() + 4
        assert cover.inner.count() >= (1 - loose) * interior.count() - 4
        assert (cover.all - envelope).count() <= loose * envelope.count() + 4


@pytest.mark.parametrize(
    ("action", "message"),
    [
        (lambda: Cone(0, 0, 1).cover(30), "order is 30"),
        (lambda: Zone(0, 1).cover(25, "htm"), "covers by htm need 0 to 24: try 24"),
        (lambda: Zone(0, 1).cover(3, "q3c"), "scheme is 'q3c'"),
        (lambda: Zone(0, 1).cover(29), "fewer than 10,000,000"),
    ],
)
def test_errors_say_what_to_try(action, message, monkeypatch):
    if "fewer" in message:
        monkeypatch.setattr("skyquarry.sky.covers.MAX_CELLS", 10_000)
        message = "fewer than 10,000"
    with pytest.raises(RegionError, match=message):
        action()
