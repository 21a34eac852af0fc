"""MOCs go out and come back unchanged, and are regions like others."""

from __future__ import annotations

import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skyquarry.errors import RegionError
from skyquarry.sky import healpix
from skyquarry.sky.mocs import MocRegion, finest_order, read_moc
from skyquarry.sky.ranges import N_PIXELS, Ranges
from skyquarry.sky.regions import Cone, Ellipse, Polygon, Zone
from skyquarry.sky.vectors import to_radec, to_xyz
from skyquarry.testing.skyshapes import points_near, random_region

seeds = st.integers(0, 2**32 - 1)


def random_moc(seed: int) -> MocRegion:
    rng = np.random.default_rng(seed)
    orders = rng.integers(0, 30, size=rng.integers(0, 12))
    pixels = np.array([rng.integers(0, 12 << 2 * int(o)) for o in orders], np.int64)
    ranges = Ranges.from_cells(orders, pixels)
    return MocRegion(ranges, max(int(orders.max(initial=0)), finest_order(ranges)))


@settings(max_examples=60)
@given(seeds)
def test_fits_json_and_ascii_give_the_map_back(seed):
    moc = random_moc(seed)
    for written in (moc.to_fits(), moc.to_json(), moc.to_ascii(), moc.to_ascii().encode()):
        assert read_moc(written) == moc
    assert read_moc(io.BytesIO(moc.to_fits())) == moc
    assert moc.to_fits() == moc.to_fits()


def test_mocpy_reads_the_same_cells():
    from mocpy import MOC

    moc = MocRegion(Ranges.from_cells([3, 5], [1, 77]), 5)
    theirs = MOC.from_fits(io.BytesIO(moc.to_fits()))
    assert theirs == MOC.from_string("3/1 5/77")
    assert moc.area() == pytest.approx(theirs.sky_fraction * 41252.961249419277, rel=1e-12)


def test_a_version_1_file_is_read():
    from mocpy import MOC

    buffer = io.BytesIO()
    MOC.from_string("3/1 5/77").serialize("fits", v1_compatible=True).writeto(buffer)
    assert read_moc(buffer.getvalue()) == read_moc("3/1 5/77")


@settings(max_examples=40)
@given(seeds, st.integers(0, 29))
def test_covers_of_a_map_are_exact(seed, order):
    moc = random_moc(seed)
    cover = moc.cover(order)
    assert cover.inner <= moc.ranges <= cover.all
    assert cover.all == moc.ranges.coarsen(order)
    assert cover.inner == moc.ranges.shrink(order)
    if order >= moc.order:
        assert not len(cover.outer)


@settings(max_examples=40)
@given(seeds)
def test_a_region_lies_between_its_two_maps(seed):
    rng = np.random.default_rng(seed)
    region = random_region(rng)
    outer, inner = region.to_moc(6), region.to_moc(6, "inside")
    xyz = points_near(rng, region, 500)
    assert (inner.contains(xyz) <= region.contains(xyz)).all()
    assert (region.contains(xyz) <= outer.contains(xyz)).all()


@pytest.mark.judge
@pytest.mark.parametrize("center", [(10.0, 20.0), (0.0, 90.0), (359.99, -2.0)])
def test_mocpy_touches_the_same_cells(center):
    """Ours never lacks a cell that theirs holds for sure, and is at most a little larger."""
    from astropy import units as u
    from astropy.coordinates import Latitude, Longitude
    from mocpy import MOC

    lon, lat = Longitude(center[0] * u.deg), Latitude(center[1] * u.deg)
    theirs = MOC.from_cone(lon=lon, lat=lat, radius=3 * u.deg, max_depth=9, delta_depth=4)
    cover = Cone(*center, 10800).cover(9)
    edges = np.asarray(theirs.to_depth29_ranges).astype(np.int64)
    judge = Ranges(edges[:, 0], edges[:, 1])
    assert cover.inner <= judge
    assert (cover.all - judge).count() < 0.02 * judge.count()
    assert (judge - cover.all).count() < 0.02 * judge.count()

    axes = {"a": 3 * u.deg, "b": 1 * u.deg, "pa": 30 * u.deg}
    ellipse = MOC.from_elliptical_cone(lon=lon, lat=lat, **axes, max_depth=9, delta_depth=4)
    edges = np.asarray(ellipse.to_depth29_ranges).astype(np.int64)
    ours = Ellipse(*center, 10800, 3600, 30).cover(9)
    assert ours.inner <= Ranges(edges[:, 0], edges[:, 1])


@pytest.mark.judge
def test_mocpy_agrees_on_a_polygon():
    from astropy import units as u
    from astropy.coordinates import SkyCoord
    from mocpy import MOC

    vertices = [(350, -10), (20, -12), (15, 20), (5, 0), (352, 15)]
    sky = SkyCoord(vertices, unit=u.deg)
    theirs = MOC.from_polygon_skycoord(sky, max_depth=8)
    edges = np.asarray(theirs.to_depth29_ranges).astype(np.int64)
    cover = Polygon(vertices).cover(8)
    assert cover.inner <= Ranges(edges[:, 0], edges[:, 1]) <= cover.all.coarsen(8)


def test_points_belong_to_the_cell_of_their_index():
    rng = np.random.default_rng(3)
    moc = MocRegion(Ranges.from_cells(2, rng.choice(192, 60, replace=False)), 2)
    xyz = rng.normal(size=(500, 3))
    xyz /= np.linalg.norm(xyz, axis=1, keepdims=True)
    own = healpix.index(*to_radec(xyz), 2)
    assert (moc.contains(xyz) == np.isin(own, moc.ranges.flat(2))).all()
    assert not moc.contains([np.nan, 0, 1]).any()


def test_maps_combine_with_shapes():
    north = Zone(0, 90).to_moc(4, "inside") - Cone(0, 90, 3600)
    assert north.contains(to_xyz([0, 10], [90, 45])).tolist() == [False, True]
    assert north.area() < Zone(0, 90).area()


@pytest.mark.parametrize(
    ("action", "message"),
    [
        (lambda: read_moc("3/0-1 4/0"), "overlapping elements.*try mocpy"),
        (lambda: read_moc("rubbish"), "the MOC is 'rubbish', which cannot be read"),
        (lambda: read_moc('{"3": [1, 9999]}'), "the MOC has '3/9999'"),
        (lambda: read_moc('{"3":'), "cannot be read"),
        (lambda: read_moc("29/1-0"), "the MOC has '29/1-0', which no map of the sky has"),
        (lambda: read_moc("3/0 4-2"), "the MOC has '3/4-2', which no map"),
        (lambda: read_moc("99/1"), "the MOC has '99/1', which no map of the sky has"),
        (lambda: read_moc("0/12"), "the MOC has '0/12'"),
        (lambda: read_moc("3/1 30/"), "the MOC has '30/'"),
        (lambda: read_moc('{"99": [1]}'), "the MOC has '99/'"),
        (lambda: read_moc('{"3": [-1]}'), "the MOC has '3/-1'"),
        (lambda: read_moc('{"3": 5}'), "cannot be read"),
        (lambda: read_moc(None), "the MOC is None; it needs bytes, a text or an open file"),
        (lambda: read_moc(b"\xff\xfe"), "neither FITS nor text"),
        (lambda: read_moc(b"SIMPLE  =" + b" " * 5000), "FITS of 5,009 bytes"),
        (
            lambda: MocRegion(Ranges([0], [1]), 5),
            "the MOC's order is 5, but it has cells of order 29",
        ),
        (lambda: MocRegion(Ranges([0], [N_PIXELS + 1])), "the sky ends at"),
        (
            lambda: read_moc(read_moc("3/1").to_fits().replace(b"COORDSYS= 'C", b"COORDSYS= 'G")),
            "COORDSYS is 'G', but it needs C",
        ),
    ],
)
def test_what_is_no_map_is_refused(action, message):
    with pytest.raises(RegionError, match=message):
        action()
