"""Regions agree with textbook trigonometry, with other packages, and with their own areas."""

from __future__ import annotations

import math
import pickle
import subprocess
import sys

import numpy as np
import pytest
from astropy import units
from hypothesis import given, settings
from hypothesis import strategies as st

from skyquarry.errors import RegionError, UserError
from skyquarry.sky import frames
from skyquarry.sky.algebra import NOWHERE, WHOLE
from skyquarry.sky.halfspaces import CUT, INSIDE, OUTSIDE, Cap, Cells
from skyquarry.sky.manycones import Cones
from skyquarry.sky.ranges import SKY_DEG2
from skyquarry.sky.regions import Box, Cone, Convex, Ellipse, Polygon, Region, Zone
from skyquarry.sky.regiontext import region_from_text, to_stcs
from skyquarry.sky.vectors import to_radec, to_xyz
from skyquarry.testing.naive import regions as naive
from skyquarry.testing.skyshapes import (
    points_near,
    random_place,
    random_region,
    random_shape,
    random_size,
    star_vertices,
)

seeds = st.integers(0, 2**32 - 1)
FRAME = st.sampled_from(frames.FRAMES)


ROUNDING = 1e-11  # radians, 2 microarcsec: what degrees and textbook formulas may lose


def agree(region: Region, xyz: np.ndarray, expected: np.ndarray) -> None:
    """Points get the expected answer, but for those within rounding of an edge."""
    wrong = region.contains(xyz) != expected
    near = region.relate(Cells(xyz[wrong], np.full(wrong.sum(), ROUNDING)))
    assert (near == CUT).all()


def agree_in(region: Region, naive_inside, frame: str, seed: int) -> None:
    """The same for points at every scale, where the expected answer is asked of a slow twin."""
    xyz = points_near(np.random.default_rng(seed), region, 400)
    lon, lat = to_radec(frames.to_frame(xyz, frame))
    places = zip(lon.tolist(), lat.tolist(), strict=True)
    agree(region, xyz, np.array([naive_inside(place) for place in places]))


@settings(max_examples=80)
@given(seeds, FRAME)
def test_cones_are_separations(seed, frame):
    rng = np.random.default_rng(seed)
    place, radius = random_place(rng), random_size(rng)
    cone = Cone(*place, radius * 3600, frame)
    agree_in(cone, lambda p: naive.in_cone(p, place, radius), frame, seed)


@settings(max_examples=80)
@given(seeds, FRAME)
def test_boxes_are_intervals(seed, frame):
    rng = np.random.default_rng(seed)
    (west, south), width = random_place(rng), random_size(rng)
    edges = west, west + 2 * width, south, min(south + width, 90.0)
    agree_in(Box(*edges, frame), lambda p: naive.in_box(p, *edges), frame, seed)
    agree_in(Zone(*edges[2:], frame), lambda p: edges[2] <= p[1] <= edges[3], frame, seed)


@settings(max_examples=80)
@given(seeds, FRAME)
def test_ellipses_are_sums_of_distances_to_foci(seed, frame):
    rng = np.random.default_rng(seed)
    place, a, pa = random_place(rng), random_size(rng, 80.0), float(rng.uniform(0, 360))
    b = a * float(10 ** rng.uniform(-1, 0))
    ellipse = Ellipse(*place, a * 3600, b * 3600, pa, frame)
    agree_in(ellipse, lambda p: naive.in_ellipse(p, place, a, b, pa), frame, seed)


@settings(max_examples=80)
@given(seeds, FRAME)
def test_polygons_turn_round_their_points(seed, frame):
    vertices = star_vertices(np.random.default_rng(seed), 30.0)
    agree_in(Polygon(vertices, frame), lambda p: naive.in_polygon(p, vertices), frame, seed)


@settings(max_examples=60)
@given(seeds)
def test_algebra_is_that_of_masks(seed):
    rng = np.random.default_rng(seed)
    a, b = random_region(rng), random_region(rng)
    xyz = points_near(rng, a | b, 500)
    p, q = a.contains(xyz), b.contains(xyz)
    assert ((a & b).contains(xyz) == (p & q)).all()
    assert ((a | b).contains(xyz) == (p | q)).all()
    assert ((a - b).contains(xyz) == (p & ~q)).all()
    assert ((~a).contains(xyz) == ~p).all()
    assert ~~a is a or ~~a == a


@given(seeds)
def test_nan_is_nowhere(seed):
    region = random_region(np.random.default_rng(seed))
    bad = np.array([[np.nan, 0, 1], [np.nan] * 3, [0, 0, np.nan]])
    assert not (region | ~region).contains(bad).any()


@settings(max_examples=15)
@given(seeds)
def test_many_points_are_asked_in_blocks(seed):
    rng = np.random.default_rng(seed)
    region = random_region(rng)
    xyz = np.tile(points_near(rng, region, 100), (700, 1))
    assert (region.contains(xyz).reshape(700, -1) == region.contains(xyz[:100])).all()


# ------------------------------------------------------------------ edges
@given(st.floats(0, 360), st.floats(-90, 90), seeds)
def test_a_cone_holds_its_centre_and_its_rim(ra, dec, seed):
    rng = np.random.default_rng(seed)
    assert Cone(ra, dec, 0).contains(to_xyz(ra, dec)).all()
    other = to_xyz(*random_place(rng))
    apart = 2 * math.atan2(
        float(np.linalg.norm(to_xyz(ra, dec) - other)),
        float(np.linalg.norm(to_xyz(ra, dec) + other)),
    )
    assert Cone(ra, dec, math.degrees(apart) * 3600).contains(other).all()


@pytest.mark.parametrize("radius_mas", [1, 10, 1000])
def test_a_milliarcsecond_is_told_apart(radius_mas):
    """Points a millionth of the radius within and beyond the rim; the cosine could not tell."""
    radius = radius_mas / 3.6e6
    for factor, expected in ((1 - 1e-6, True), (1 + 1e-6, False)):
        points = [naive.offset((123.0, 45.0), pa, radius * factor) for pa in range(0, 360, 10)]
        # positions in degrees are rounded: 1.4e-14 degrees of 123, against 2.8e-13 of 1 mas
        tolerance = 3e-14 / radius
        if tolerance < 1e-6:
            inside = Cone(123, 45, radius_mas / 1000).contains(to_xyz(*np.transpose(points)))
            assert inside.tolist() == [expected] * 36


def test_corners_and_edges_belong_to_shapes():
    box = Box(350, 10, -5, 5)
    assert box.contains(to_xyz([350, 10, 350, 10, 0, 350], [-5, -5, 5, 5, 5, 0])).all()
    vertices = [(10.0, -5.0), (20.0, -5.0), (15.0, 5.0)]
    for polygon in (Polygon(vertices), Polygon(vertices[::-1], interior="left")):
        assert polygon.contains(to_xyz(*np.transpose(vertices))).all()
        corners = to_xyz(*np.transpose(vertices))
        middles = corners + np.roll(corners, 1, axis=0)
        middles /= np.linalg.norm(middles, axis=1, keepdims=True)
        assert polygon.contains(middles).all()
    ends = [
        naive.offset((30, 40), pa, r) for pa, r in ((20, 2.0), (110, 1.0), (200, 2.0), (290, 1.0))
    ]
    assert Ellipse(30, 40, 7200, 3600, 20).contains(to_xyz(*np.transpose(ends))).sum() >= 2


@pytest.mark.parametrize(
    ("box", "inside", "outside"),
    [
        (Box(350, 10, 80, 90), [(0, 90), (123, 90), (0, 85)], [(20, 85)]),
        (Box(-10, 10, -90, -80), [(200, -90), (355, -85)], [(180, -89)]),
        (Box(10, 350, -5, 5), [(180, 0), (10, 0)], [(0, 0), (5, 0)]),
        (Box(10, 190, -5, 5), [(100, 0), (10, 0), (190, 0)], [(280, 0)]),
        (Box(50, 50, -5, 5), [(50, 0)], [(50.001, 0), (230, 0)]),
        (Box(50, 410, -5, 5), [(50, 0), (230, 0)], [(50, 6)]),
        (Box(0, 360, -5, 5), [(0, 0), (359.9, 5)], [(0, -6)]),
    ],
)
def test_boxes_at_0h_and_poles(box, inside, outside):
    assert box.contains(to_xyz(*np.transpose(inside))).all()
    assert not box.contains(to_xyz(*np.transpose(outside))).any()


# ------------------------------------------------------------------ polygons
def test_the_smaller_side_is_inside_whichever_way_one_walks():
    vertices = [(10, -5), (20, -5), (20, 5), (10, 5)]
    for walk in (vertices, vertices[::-1], [*vertices, vertices[0]]):
        assert Polygon(walk).contains(to_xyz([15, 100], [0, 0])).tolist() == [True, False]


def test_the_left_side_may_be_the_larger():
    vertices = [(10, -5), (20, -5), (20, 5), (10, 5)]
    small, large = Polygon(vertices, interior="left"), Polygon(vertices[::-1], interior="left")
    points = to_xyz([15, 100, 195], [0, 0, 0])
    assert small.contains(points).tolist() == [True, False, False]
    assert large.contains(points).tolist() == [False, True, True]
    assert small.area() + large.area() == pytest.approx(SKY_DEG2, rel=1e-14)


def test_a_band_round_the_sky_has_its_pole_inside():
    ring = [(ra, 10) for ra in range(0, 360, 30)]
    north = Polygon(ring)
    assert north.contains(to_xyz([0, 0], [90, -90])).tolist() == [True, False]
    assert Polygon(ring[::-1], interior="left").contains(to_xyz(0, -90)).all()


def test_a_hemisphere_is_a_polygon():
    equator = Polygon([(0, 0), (90, 0), (180, 0), (270, 0)])
    assert equator.area() == pytest.approx(SKY_DEG2 / 2)
    assert equator.contains(to_xyz([10, 10, 10], [1, -1, 90])).tolist() == [True, False, True]


@settings(max_examples=40)
@given(seeds)
def test_many_vertices_on_meridians_and_parallels_do_not_confuse(seed):
    """Points with the very coordinates of vertices, a comb of them: parity must still be right."""
    comb = [(float(i), 10.0 if i % 2 else 1.0) for i in range(20)]
    polygon = Polygon([*comb, (19.0, -5.0), (0.0, -5.0)])
    rng = np.random.default_rng(seed)
    ra = rng.integers(0, 20, 50).astype(float)
    dec = rng.choice([-4.0, 0.5, 12.0], 50)
    assert (polygon.contains(to_xyz(ra, dec)) == (dec < 1)).all()


@pytest.mark.parametrize(
    ("vertices", "message"),
    [
        ([(0, 0), (10, 10), (10, 0), (0, 10)], "edges 0 and 2 cross"),
        ([(0, 0), (10, 0)], "the polygon has 2 distinct vertices; it needs 3"),
        ([(0, 0), (10, 0), (10, 0), (0, 0)], "the polygon has 2 distinct vertices"),
        ([], "the polygon has 0 distinct vertices"),
        ([(0, 0), (180, 0), (90, 50)], "vertices 0 and 1 are opposite each other"),
        ([(0, 0), (10, 0), (20, 0)], "lie on one line"),
        ([(0, 0), (10, 0), (20, 95)], r"\(20.0, 95.0\) in icrs"),
        ([(0, 0), (10, 0), (math.nan, 5)], "finite longitude"),
    ],
)
def test_what_is_no_polygon_is_refused(vertices, message):
    with pytest.raises(UserError, match=message):
        Polygon(vertices)


# ------------------------------------------------------------------ areas
@pytest.mark.parametrize(
    ("region", "deg2"),
    [
        (Cone(1, 2, 648000), SKY_DEG2),
        (Cone(1, 2, 324000), SKY_DEG2 / 2),
        (Cone(1, 2, 0.001), math.pi * (0.001 / 3600) ** 2),
        (Cone(0, 90, 0), 0.0),
        (Zone(-90, 90), SKY_DEG2),
        (Zone(0, 30), SKY_DEG2 / 4),
        (Box(350, 10, -90, 90), SKY_DEG2 / 18),
        (Box(10, 350, 0, 90), SKY_DEG2 / 2 * 340 / 360),
        (Polygon([(0, 0), (90, 0), (0, 90)]), SKY_DEG2 / 8),
        (Polygon([(0, 0), (90, 0), (0, 90)][::-1], interior="left"), SKY_DEG2 * 7 / 8),
        (Ellipse(5, 6, 3, 3, 0), Cone(0, 0, 3).area()),
        (Ellipse(5, 6, 2, 1, 0), 2 * math.pi / 3600**2),
        (Ellipse(5, 6, 300000, 300000, 77), Cone(0, 0, 300000).area()),
        (Convex([((0, 0, 2), 0.5)]), SKY_DEG2 / 4),
        (WHOLE, SKY_DEG2),
        (NOWHERE, 0.0),
        (~Cone(3, 4, 36000), SKY_DEG2 - Cone(0, 0, 36000).area()),
    ],
)
def test_areas_known_in_closed_form(region, deg2):
    assert region.area() == pytest.approx(deg2, rel=1e-9, abs=1e-12)


@settings(max_examples=25)
@given(seeds)
def test_areas_lie_between_their_bounds(seed):
    region = random_shape(np.random.default_rng(seed))
    if isinstance(region, Convex | Cones):  # from covers: below
        region = Box(0, 20, 55, 75) - region.to_moc(4)
    low, high = region.area_bounds(5)
    assert low * (1 - 1e-9) <= region.area() * (1 + 1e-3) + 1e-12
    assert region.area() * (1 - 1e-3) <= high * (1 + 1e-9) + 1e-12


def test_areas_of_combinations_add_up():
    a, b = Cone(10, 60, 36000), Box(0, 20, 55, 75)
    assert (a | b).area() + (a & b).area() == pytest.approx(a.area() + b.area(), rel=2e-4)
    # an octant, by three planes: not a cap, so from covers
    assert Convex([((1, 0, 0), 0), ((0, 1, 0), 0), ((0, 0, 1), 0)]).area() == pytest.approx(
        SKY_DEG2 / 8, rel=1e-4
    )


def test_an_area_that_would_take_too_long_names_its_bounds(monkeypatch):
    monkeypatch.setattr("skyquarry.sky.covers._AREA_CELLS", 1000)
    with pytest.raises(RegionError, match=r"the area lies between .* try area_bounds\("):
        (Zone(0, 0.01) - Cone(0, 0, 3600)).area()


# ------------------------------------------------------------------ one cap
@given(seeds)
def test_the_two_sides_of_a_cap_relate_in_opposite_ways(seed):
    rng = np.random.default_rng(seed)
    cap = Cap(to_xyz(*random_place(rng))[0], math.radians(random_size(rng, 179.0)))
    centers = points_near(rng, Cone(0, 0, 1), 50)
    cells = Cells(centers, rng.uniform(0, 1, 50))
    assert (cap.relate(cells) == -cap.complement.relate(cells)).all()
    assert set(cap.relate(cells).tolist()) <= {INSIDE, CUT, OUTSIDE}


@pytest.mark.parametrize(("c", "inside"), [(1.5, False), (-1.5, True), (-1.0, True)])
def test_half_spaces_beyond_the_sphere_hold_nothing_or_all(c, inside):
    convex = Convex([((0, 0, 1), c)])
    assert (convex.contains(to_xyz([0, 0, 50], [90, -90, 3])) == inside).all()
    assert convex.area() == pytest.approx(SKY_DEG2 * inside)


# ------------------------------------------------------------------ judges, errors, housekeeping
@pytest.mark.judge
@settings(max_examples=60)
@given(seeds)
def test_sphgeom_contains_the_same_points(seed):
    sphgeom = pytest.importorskip("lsst.sphgeom")
    rng = np.random.default_rng(seed)
    (ra, dec), radius = random_place(rng), random_size(rng, 60.0)
    center = sphgeom.UnitVector3d(*to_xyz(ra, dec)[0])
    pairs = [
        (Cone(ra, dec, radius * 3600), sphgeom.Circle(center, sphgeom.Angle.fromDegrees(radius)))
    ]
    ring = [naive.offset((ra, dec), pa, radius) for pa in (0, 70, 150, 200, 300)]
    hull = sphgeom.ConvexPolygon([sphgeom.UnitVector3d(*v) for v in to_xyz(*np.transpose(ring))])
    pairs.append((Polygon(ring), hull))
    for ours, theirs in pairs:
        xyz = points_near(rng, ours, 200)
        expected = np.array([theirs.contains(sphgeom.UnitVector3d(*p)) for p in xyz])
        agree(ours, xyz, expected)


@pytest.mark.parametrize(
    ("action", "message"),
    [
        (lambda: Cone(1, 2, -1), "radius_arcsec is -1, but a cone needs 0 to 648000"),
        (lambda: Cone(1, 2, math.nan), "radius_arcsec is nan"),
        (lambda: Cone(1, 91, 1), r"position is \(1, 91\)"),
        (lambda: Cone(1, 2, 3, "fk5"), "frame is 'fk5'"),
        (lambda: Zone(5, 4), "latitudes run from 5 to 4"),
        (lambda: Box(0, math.inf, 0, 1), "RA runs from 0 to inf"),
        (lambda: Ellipse(0, 0, 1, 2, 0), "the semi-axes are 1 and 2 arcsec"),
        (lambda: Ellipse(0, 0, 2, 1, math.nan), "pa_deg is nan"),
        (lambda: Convex([((0, 0, 0), 1)]), r"the half-space is n = \(0, 0, 0\)"),
        (lambda: Cone(0, 0, 1).contains([1.0, 2.0]), r"the points have shape \(2,\)"),
        (lambda: Polygon([(0, 0), (1, 0), (0, 1)], interior="right"), "interior is 'right'"),
        (lambda: Cone("a", 0, 1), "ra_deg is 'a', but a shape needs a plain number"),
        (lambda: Cone(0, 0, None), "radius_arcsec is None, but a shape needs"),
        (lambda: Cone(0, 0, True), "radius_arcsec is True, but a shape needs"),
        (lambda: Cone(0, 0, 1 * units.arcmin), "radius_arcsec is <Quantity 1. arcmin>, but"),
        (lambda: Cone([1.0], 0, 1), r"ra_deg is \[1.0\], but a shape needs"),
        (lambda: Cone(0, 0, 1, 5), "frame is 5, but a frame needs to be one of"),
        (lambda: Zone("a", 1), "dec_min is 'a', but a shape needs"),
        (lambda: Box("a", 1, 0, 1), "ra_min is 'a', but a shape needs"),
        (lambda: Ellipse(0, 0, "a", 1, 0), "semi_major_arcsec is 'a', but a shape needs"),
        (lambda: Convex([((0, 0, 1), "a")]), "c = 'a'; it needs a normal"),
        (lambda: Convex(5), "the half-spaces are 5; a convex needs a list"),
        (lambda: Polygon(None), "the vertices are None; a polygon needs a list"),
        (lambda: Polygon([1, 2, 3]), r"the vertices are \[1, 2, 3\]; a polygon needs"),
        (lambda: Polygon([("a", "b")] * 3), "the vertices are .*; a polygon needs a list"),
        (lambda: Polygon([(0, 0, 0)] * 3), "the vertices are .*; a polygon needs a list"),
        (lambda: Cone(0, 0, 1).cover(2.5), "order is 2.5, but"),
        (lambda: Zone(0, 1).cover("a"), "order is 'a', but"),
    ],
)
def test_errors_say_what_was_given(action, message):
    with pytest.raises(UserError, match=message):
        action()


@pytest.mark.parametrize("kind", [np.float32, np.float64, np.int64])
def test_numbers_of_numpy_become_plain_ones(kind):
    n = kind(3)
    made = (Cone(n, n, n), Zone(kind(1), n), Box(kind(1), n, kind(1), n), Ellipse(n, n, n, n, n))
    for region in made:
        assert "np." not in repr(region)
        assert region_from_text(to_stcs(region)) == region


def test_regions_travel_between_processes_and_compare():
    for region in (
        Cone(1, 2, 3),
        Polygon([(0, 0), (1, 0), (0, 1)]),
        Cone(1, 2, 3) - Box(0, 1, 0, 1),
    ):
        copy = pickle.loads(pickle.dumps(region))
        assert copy == region
        assert (copy.contains(to_xyz([0.3], [0.3])) == region.contains(to_xyz([0.3], [0.3]))).all()


def test_regions_load_nothing_heavy():
    code = (
        "import sys, skyquarry.sky.regions as r; r.Cone(1, 2, 3).cover(); "
        "print([m for m in ('astropy', 'numba', 'mocpy', 'pyarrow') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
