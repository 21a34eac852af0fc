"""Text becomes regions and regions become text, digit by digit; what cannot be said is refused."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skyquarry.errors import RegionError, UserError
from skyquarry.sky.algebra import NOWHERE, WHOLE
from skyquarry.sky.manycones import Cones
from skyquarry.sky.mocs import MocRegion
from skyquarry.sky.ranges import Ranges
from skyquarry.sky.regions import Box, Cone, Convex, Ellipse, Polygon, Zone
from skyquarry.sky.regiontext import region_from_text, to_ivoa, to_stcs
from skyquarry.sky.vectors import to_xyz
from skyquarry.testing.naive.regions import offset
from skyquarry.testing.skyshapes import points_near, random_region

TRIANGLE = [(10.0, -5.0), (20.0, -5.0), (15.0, 5.0)]
seeds = st.integers(0, 2**32 - 1)


@pytest.mark.parametrize(
    ("text", "region"),
    [
        ("CIRCLE 12 -3 0.5", Cone(12, -3, 1800)),
        ("circle 12.0 -3.0 5e-1", Cone(12, -3, 1800)),
        ("POLYGON 10 -5 20 -5 15 5", Polygon(TRIANGLE)),
        ("RANGE 350 10 -5 5", Box(350, 10, -5, 5)),
        ("RANGE -Inf +Inf -Inf 20", Zone(-90, 20)),
        ("RANGE 10 +Inf -5 +Inf", Box(10, 360, -5, 90)),
        ("RANGE 0 360 -2 2", Zone(-2, 2)),
        ("Circle ICRS 12 -3 0.5", Cone(12, -3, 1800)),
        ("Circle ICRS GEOCENTER SPHERICAL2 12 -3 0.5 unit deg", Cone(12, -3, 1800)),
        ("Circle GALACTIC 12 -3 0.5", Cone(12, -3, 1800, "galactic")),
        ("Circle SUPER_GALACTIC BARYCENTER 12 -3 0.5", Cone(12, -3, 1800, "supergalactic")),
        ("Position ECLIPTIC 12 -3", Cone(12, -3, 0, "ecliptic")),
        ("Ellipse ICRS 12 -3 0.5 0.25 30", Ellipse(12, -3, 1800, 900, 30)),
        ("Ellipse ICRS 12 -3 0.25 0.5 30", Ellipse(12, -3, 1800, 900, 120)),
        ("Convex ICRS 0 0 1 0.5 1 0 0 0", Convex([((0, 0, 1), 0.5), ((1, 0, 0), 0)])),
        ("PositionInterval ICRS 350 -5 10 5", Box(350, 10, -5, 5)),
        ("AllSky ICRS", WHOLE),
        ("Not ICRS (AllSky)", ~WHOLE),
        (
            "Union GALACTIC (Circle 1 2 3 Circle 4 5 6)",
            Cone(1, 2, 10800, "galactic") | Cone(4, 5, 21600, "galactic"),
        ),
        ("Intersection (Circle 1 2 3 Not (Circle 4 5 6))", Cone(1, 2, 10800) & ~Cone(4, 5, 21600)),
        (
            "Difference ICRS ( Circle 1 2 3 Circle ECLIPTIC 4 5 6 )",
            Cone(1, 2, 10800) - Cone(4, 5, 21600, "ecliptic"),
        ),
        ("3/0-1", MocRegion(Ranges.from_cells(3, [0, 1]), 3)),
        ("MOC 3/0-1 5/77", MocRegion(Ranges.from_cells([3, 3, 5], [0, 1, 77]), 5)),
    ],
)
def test_text_in_region_out(text, region):
    assert region_from_text(text) == region


@settings(max_examples=150)
@given(seeds)
def test_stcs_gives_the_same_region_back(seed):
    region = random_region(np.random.default_rng(seed))
    try:
        text = to_stcs(region)
    except RegionError:  # a MOC, many cones, a polygon beyond a hemisphere: tested below
        return
    back = region_from_text(text)
    if "interior='left'" not in repr(region):
        assert back == region
    xyz = points_near(np.random.default_rng(seed + 1), region, 300)
    assert (back.contains(xyz) == region.contains(xyz)).all()


@given(st.floats(0, 360), st.floats(-90, 90), st.floats(0, 648000))
def test_ivoa_circles_come_back_digit_by_digit(ra, dec, radius):
    assert region_from_text(to_ivoa(Cone(ra, dec, radius))) == Cone(ra, dec, radius)


@pytest.mark.parametrize(
    ("region", "text"),
    [
        (Cone(12, -3, 1800), "CIRCLE 12.0 -3.0 0.5"),
        (Polygon(TRIANGLE), "POLYGON 10.0 -5.0 20.0 -5.0 15.0 5.0"),
        (Box(350, 10, -5, 5), "RANGE 350.0 10.0 -5.0 5.0"),
        (Zone(-5, 5), "RANGE 0.0 360.0 -5.0 5.0"),
    ],
)
def test_ivoa_out_and_back(region, text):
    assert to_ivoa(region) == text
    assert region_from_text(text) == region


def test_whole_and_empty_have_words():
    for region in (WHOLE, NOWHERE, Convex([])):
        back = region_from_text(to_stcs(region))
        assert back.area() == pytest.approx(region.area(), abs=1e-9)


def test_an_stcs_box_has_great_circle_sides_at_its_arms_ends():
    """Its arms end at half the sizes along the axes at the centre, where the sides cross them."""
    box = region_from_text("Box GALACTIC 30 60 4 2")
    for pa, half in ((0, 1.0), (90, 2.0), (180, 1.0), (270, 2.0)):
        near, far = (offset((30.0, 60.0), pa, half * f) for f in (1 - 1e-9, 1 + 1e-9))
        from skyquarry.sky.frames import lonlat_from_frame

        inside = box.contains(to_xyz(*lonlat_from_frame(*np.transpose([near, far]), "galactic")))
        assert inside.tolist() == [True, False]
    # the area of such a box: 4 asin(tan(w/2) tan(h/2)) for its half extents' tangents' sines
    w, h = math.radians(2.0), math.radians(1.0)
    solid = 4 * math.asin(math.sin(w) * math.sin(h))
    assert box.area() == pytest.approx(math.degrees(math.degrees(solid)), rel=2e-4)


@pytest.mark.judge
def test_sphgeom_reads_the_same_ivoa_text():
    sphgeom = pytest.importorskip("lsst.sphgeom")
    xyz = points_near(np.random.default_rng(5), Cone(12, -3, 7200), 500)
    for text in (
        "CIRCLE 12 -3 1",
        "POLYGON 10 -5 20 -5 15 5",
        "RANGE 10 14 -5 -1",
        "RANGE 0 360 -2 2",
    ):
        theirs = sphgeom.Region.from_ivoa_pos(text)
        expected = [theirs.contains(sphgeom.UnitVector3d(*p)) for p in xyz]
        assert region_from_text(text).contains(xyz).tolist() == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "the region's text is ''"),
        ("CIRCEL 1 2 3", "word 1 is 'CIRCEL'; a shape"),
        ("CIRCLE 1 2", "CIRCLE has 2 numbers from word 2 on; it needs 3: try 'CIRCLE 12 -3 0.5'"),
        ("CIRCLE 1 2 3 4", "CIRCLE has 4 numbers"),
        ("POLYGON 1 2 3 4", "POLYGON has 4 numbers from word 2 on; it needs 6, or 2 more"),
        ("POLYGON 1 2 3 4 5 6 7", "POLYGON has 7 numbers"),
        ("Convex ICRS 1 2 3", "CONVEX has 3 numbers"),
        ("Circle FK5 1 2 3", "word 2 is 'FK5'; a frame"),
        ("Circle ICRS fillfactor 0.5 1 2 3", "no fill factor is needed"),
        ("Circle ICRS 1 2 3 unit arcsec", "word 7 is 'arcsec'; deg is needed"),
        ("Circle ICRS CARTESIAN2 1 2 3", "word 3 is 'CARTESIAN2'"),
        ("CIRCLE 1 2 nan", "CIRCLE has 2 numbers"),
        ("CIRCLE 1 2 inf", "radius_arcsec is inf"),
        ("CIRCLE 1 95 1", r"position is \(1.0, 95.0\)"),
        ("CIRCLE 1 2 3 CIRCLE 1 2 3", "nothing more is needed there"),
        ("Union ( Circle 1 2 3", "it ends; '\\)' is needed"),
        ("Union ICRS ( )", "UNION has 0 regions in its brackets; it needs 1 or more"),
        ("Not ( Circle 1 2 3 Circle 1 2 3 )", "NOT has 2 regions in its brackets; it needs 1"),
        ("Not " * 3 + "Circle 1 2 3", r"'\(' is needed"),
        ("Not ( " * 60, "a nesting of at most 50 brackets"),
        ("Box ICRS 1 2 200 3", "the Box is 200.0 by 3.0 degrees"),
        ("3/0-1 3/1", "overlapping"),
        (None, "the region is None; it needs a text or a Region"),
        (b"CIRCLE 1 2 3", "the region is b'CIRCLE 1 2 3'; it needs a text"),
    ],
)
def test_text_that_is_no_region_is_refused(text, message):
    with pytest.raises(UserError, match=message):
        region_from_text(text)


def test_maps_in_ascii_and_json_are_regions():
    assert region_from_text("3/0-1 5/77") == region_from_text(' {"3": [0, 1], "5": [77]}')


@pytest.mark.parametrize(
    ("write", "region", "message"),
    [
        (
            to_ivoa,
            Cone(1, 2, 3, "galactic"),
            "the region is a Cone in galactic; IVOA text has only",
        ),
        (to_ivoa, Cone(1, 2, 3) | Cone(2, 3, 4), "the region is a Union; IVOA text has only"),
        (to_stcs, Cones([1], [2], [3]), "the region is a Cones, for which STC-S has no word"),
        (to_stcs, MocRegion(Ranges.whole()), "a MocRegion, for which STC-S has no word"),
        (to_stcs, Polygon(TRIANGLE[::-1], interior="left"), "41,2.. deg2, but a polygon in text"),
    ],
)
def test_regions_without_words_are_refused(write, region, message):
    with pytest.raises(RegionError, match=message):
        write(region)
