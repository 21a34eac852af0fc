"""Geometry in a query beside numpy: at the poles, across 0h, small and large; what it prunes."""

# ruff: noqa: E501  (a query or a case is a line)

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from astropy import units as u
from astropy.coordinates import SkyCoord

from skyquarry.adql.asking import query
from skyquarry.adql.geometry.measuring import areas
from skyquarry.adql.geometry.regionsql import region_sql
from skyquarry.adql.geometry.shapes import contains_point
from skyquarry.adql.pixelsql import fewer
from skyquarry.errors import QueryError
from skyquarry.sky.ranges import Ranges
from skyquarry.sky.regions import Box as SkyBox
from skyquarry.sky.regions import Cone, Polygon, Zone
from skyquarry.sky.vectors import separation_arcsec, to_xyz

CONES = [(0.0, 1.0, 0.5), (359.9, 0.5, 1.7), (10.0, 89.0, 2.0), (0.0, -90.0, 1.0), (123.0, 20.0, 40.0),
         (12.0, -30.0, 100.0), (50.0, 10.0, 170.0), (0.0, 90.0, 180.0), (0.3, 1.2, 1e-4)]  # fmt: skip
POLYGONS = [
    [(359, 0), (1, 0), (1, 2), (359, 2)],
    [(0, 88), (90, 88), (180, 88), (270, 88)],
    [(358.5, -0.5), (1.5, -0.5), (1.5, 2.5), (0, 0.7), (358.5, 2.5)],
    [(10, -80), (130, -85), (250, -80)],
    [(0, -60), (90, -60), (90, 60), (0, 60)],
]


def inside(columns, region):
    return set(columns["id"][region.contains(to_xyz(columns["ra"], columns["dec"]))].tolist())


def ids(rows, condition):
    return {each for (each,) in rows(f"SELECT id FROM sky WHERE {condition}")}


@pytest.mark.parametrize(("ra", "dec", "radius"), CONES)
def test_a_circle_holds_what_numpy_finds_in_it(rows, columns, ra, dec, radius):
    wanted = inside(columns, Cone(ra, dec, radius * 3600))
    circle = f"CIRCLE({ra!r}, {dec!r}, {radius!r})"
    assert ids(rows, f"1 = CONTAINS(POINT(ra, dec), {circle})") == wanted
    assert ids(rows, f"INTERSECTS({circle}, POINT('ICRS', ra, dec)) = 1") == wanted
    assert ids(rows, f"DISTANCE(POINT(ra, dec), POINT({ra!r}, {dec!r})) <= {radius!r}") == wanted
    assert ids(rows, f"NOT CONTAINS(POINT(ra, dec), {circle}) = 0") == wanted
    everything = set(columns["id"].tolist())
    assert ids(rows, f"0 = CONTAINS(POINT(ra, dec), {circle})") == everything - wanted


@pytest.mark.parametrize("corners", POLYGONS)
def test_a_polygon_holds_what_numpy_finds_in_it(rows, columns, corners):
    text = ", ".join(f"{ra}, {dec}" for ra, dec in corners)
    wanted = inside(columns, Polygon(corners))
    assert ids(rows, f"1 = CONTAINS(POINT(ra, dec), POLYGON({text}))") == wanted
    assert wanted


@pytest.mark.parametrize(
    ("ra", "dec", "width", "height"),
    [(0, 1, 2, 1), (40, 89, 3, 2), (10, -20, 170, 60), (359.5, 0, 1, 9)],
)
def test_a_box_is_bounded_by_great_circles_at_the_ends_of_its_cross(
    rows, columns, ra, dec, width, height
):
    x, y, z = to_xyz(columns["ra"], columns["dec"]).T
    lon, lat = np.radians([ra, dec])
    middle = np.cos(lat) * (x * np.cos(lon) + y * np.sin(lon)) + z * np.sin(lat)
    east = y * np.cos(lon) - x * np.sin(lon)
    north = z * np.cos(lat) - np.sin(lat) * (x * np.cos(lon) + y * np.sin(lon))
    ahead = middle > 0
    across = np.degrees(np.abs(np.arctan2(east, middle))) <= width / 2
    along = np.degrees(np.abs(np.arctan2(north, middle))) <= height / 2
    wanted = set(columns["id"][ahead & across & along].tolist())
    assert wanted
    box = f"BOX({ra}, {dec}, {width}, {height})"
    assert ids(rows, f"1 = CONTAINS(POINT(ra, dec), {box})") == wanted
    by_row = f"BOX({ra} + 0 * flags, {dec} + 0 * flags, {width} + 0 * flags, {height} + 0 * flags)"
    assert ids(rows, f"1 = CONTAINS(POINT(ra, dec), {by_row})") == wanted


@pytest.mark.parametrize(
    ("text", "region"),
    [
        ("Union ICRS (Circle 0 1 0.5 Circle 10 89 1)", Cone(0, 1, 1800) | Cone(10, 89, 3600)),
        ("NOT (Circle ICRS 0 1 0.5)", ~Cone(0, 1, 1800)),
        ("RANGE 350 10 -1 1", SkyBox(350, 10, -1, 1)),
    ],
)
def test_a_region_s_text_is_a_region(rows, columns, text, region):
    wanted = inside(columns, region)
    assert ids(rows, f"1 = CONTAINS(POINT(ra, dec), REGION('{text}'))") == wanted


def test_conditions_join_regions_and_leave_tiles_out(ask, columns):
    near, far = "CIRCLE(0, 1, 0.7)", "CIRCLE(0, -90, 1)"
    both = (
        f"SELECT id FROM sky WHERE mag < 22 AND (1 = CONTAINS(POINT(ra, dec), {near}) "
        f"OR 1 = CONTAINS(POINT(ra, dec), {far}))"
    )
    plan = ask(both)
    region = Cone(0, 1, 0.7 * 3600) | Cone(0, -90, 3600)
    with np.errstate(invalid="ignore"):
        bright = set(columns["id"][columns["mag"] < 22].tolist())
    assert set(plan.to_table()["id"].to_pylist()) == inside(columns, region) & bright
    assert plan.cost().tiles < ask("SELECT id FROM sky").cost().tiles / 2


def test_an_or_with_something_else_reads_every_tile(ask):
    plan = ask("SELECT id FROM sky WHERE id = 7 OR 1 = CONTAINS(POINT(ra, dec), CIRCLE(0, 1, 1))")
    assert plan.cost().tiles == ask("SELECT id FROM sky").cost().tiles
    assert 7 in plan.to_table()["id"].to_pylist()


def test_what_lies_in_a_query_or_join_is_narrowed_too(ask):
    whole = ask("SELECT id FROM sky").cost().tiles
    circle = "1 = CONTAINS(POINT(q.ra, q.dec), CIRCLE(0, 1, 0.5))"
    for text in (
        f"SELECT q.id FROM (SELECT * FROM sky WHERE mag < 20) q WHERE {circle}",
        f"SELECT q.id FROM mine m JOIN sky q ON q.id = m.id AND {circle}",
        f"SELECT q.id FROM sky q LEFT JOIN mine m ON q.id = m.id WHERE {circle}",
    ):
        assert ask(text).cost().tiles < whole / 2
    kept = f"SELECT q.id FROM sky q LEFT JOIN mine m ON q.id = m.id AND {circle}"
    assert ask(kept).cost().tiles == whole
    assert len(ask(kept).to_table()) == 12_000
    first = f"SELECT q.id FROM (SELECT TOP 9 * FROM sky ORDER BY mag) q WHERE {circle}"
    assert ask(first).cost().tiles == whole


@pytest.mark.parametrize("test", [
    "DISTANCE(s.ra, s.dec, m.ra, m.dec) < 0.25", "DISTANCE(POINT(m.ra, m.dec), POINT(s.ra, s.dec)) < 0.25",
    "1 = CONTAINS(POINT(s.ra, s.dec), CIRCLE(m.ra, m.dec, 0.25))", "0.25 > DISTANCE(m.ra, m.dec, s.ra, s.dec)",
])  # fmt: skip
def test_a_join_on_position_finds_every_pair(rows, columns, mine, test):
    found = rows(f"SELECT m.id, s.id FROM mine m JOIN sky s ON {test}")
    places = to_xyz(mine["ra"].to_numpy(), mine["dec"].to_numpy())
    xyz = to_xyz(columns["ra"], columns["dec"])
    wanted = {
        (i + 1, int(columns["id"][j]))
        for i, place in enumerate(places)
        for j in np.flatnonzero(separation_arcsec(np.tile(place, (len(xyz), 1)), xyz) < 900.0)
    }
    assert set(found) == wanted
    assert len(found) == len(wanted) > 20


def test_circles_of_rows_contain_and_touch(rows, columns, mine):
    found = rows(
        "SELECT m.id, s.id FROM mine m, sky s WHERE 1 = CONTAINS(POINT(s.ra, s.dec), CIRCLE(m.ra, m.dec, m.reach))"
    )
    xyz, n = to_xyz(columns["ra"], columns["dec"]), 0
    for i, (ra, dec, reach) in enumerate(
        zip(*(mine[c].to_numpy() for c in ("ra", "dec", "reach")), strict=True)
    ):
        wanted = set(columns["id"][Cone(ra, dec, reach * 3600).contains(xyz)].tolist())
        assert {s for m, s in found if m == i + 1} == wanted
        n += len(wanted)
    assert n == len(found)
    pairs = "FROM mine a JOIN mine b ON a.id < b.id WHERE 1 = "
    assert rows(
        f"SELECT a.id, b.id {pairs} INTERSECTS(CIRCLE(a.ra, a.dec, 0.1), CIRCLE(b.ra, b.dec, 0.1))"
    ) == [(3, 4)]
    assert rows(
        f"SELECT a.id, b.id {pairs} CONTAINS(CIRCLE(a.ra, a.dec, 0.1), CIRCLE(b.ra, b.dec, 0.2))"
    ) == [(3, 4)]
    assert (
        rows(
            f"SELECT a.id, b.id {pairs} CONTAINS(CIRCLE(a.ra, a.dec, 0.2), CIRCLE(b.ra, b.dec, 0.1))"
        )
        == []
    )


def test_a_distance_is_exact_from_nought_to_half_the_sky(rows):
    found = rows(
        "SELECT DISTANCE(10, 20, 10, 20), DISTANCE(0, 90, 0, -90), DISTANCE(0, 0, 180, 0), "
        "DISTANCE(0, 0, 0, 1./3600000), DISTANCE(359.5, 0, 0.5, 0) FROM mine WHERE id = 1"
    )[0]
    assert found[:3] == (0.0, 180.0, pytest.approx(180.0, abs=1e-12))
    assert found[3] == pytest.approx(1 / 3_600_000, rel=1e-8)
    assert found[4] == pytest.approx(1.0, rel=1e-14)


def test_areas_are_those_of_regions(rows):
    found = rows(
        "SELECT AREA(POINT(1, 2)), AREA(CIRCLE(1, 2, reach)), AREA(CIRCLE(0, 0, 180)), "
        "AREA(POLYGON(0, 0, 90, 0, 0, 90)), AREA(BOX(0, 0, 2, 2)) FROM mine WHERE id = 1"
    )[0]
    assert found[0] == 0.0
    assert found[1] == pytest.approx(Cone(1, 2, 1800).area(), rel=1e-13)
    assert found[2] == pytest.approx(41_252.961249, rel=1e-9)
    assert found[3] == pytest.approx(41_252.961249 / 8, rel=1e-9)
    assert found[4] == pytest.approx(3.99959392178, rel=1e-11)


def _drawn_polygons(rows, corners):
    """Corners in order about places everywhere, poles and 0h among them, (rows, corners, 2)."""
    random = np.random.default_rng(corners)
    ra, dec = random.uniform(0, 360, rows), np.degrees(np.arcsin(random.uniform(-1, 1, rows)))
    dec[:3], ra[3:6] = (90, -90, 89.9), (0, 360, 1e-9)
    angles = np.sort(random.uniform(0, 2 * np.pi, (rows, corners)), axis=1)
    size = 10.0 ** random.uniform(-3, 1.3, (rows, 1)) * random.uniform(0.6, 1, (rows, corners))
    places = SkyCoord(ra[:, None], dec[:, None], unit="deg")
    found = places.directional_offset_by(angles * u.rad, size * u.deg)
    return np.stack([found.ra.deg, found.dec.deg], axis=2)


@pytest.mark.parametrize("corners", [3, 5])
def test_polygons_of_rows_have_the_area_and_middle_of_those_of_constants(corners):
    drawn = _drawn_polygons(40, corners)
    names = [f"{axis}{i}" for i in range(corners) for axis in ("ra", "dec")]
    given = {"t": {"id": list(range(40))} | dict(zip(names, drawn.reshape(40, -1).T, strict=True))}
    shape = f"POLYGON({', '.join(names)})"
    asked = f"SELECT AREA({shape}) AS a, CENTROID({shape}) AS c FROM t ORDER BY id"
    found = query(asked, uploads=given).to_table()
    for corner, area, middle in zip(
        drawn, *(found[each].to_pylist() for each in "ac"), strict=True
    ):
        told = ", ".join(repr(float(each)) for each in corner.ravel())
        fixed = f"SELECT AREA(POLYGON({told})) AS a, CENTROID(POLYGON({told})) AS c FROM t"
        row = query(fixed, uploads=given, limit=1).to_table().to_pylist()[0]
        assert area == pytest.approx(row["a"], rel=1e-7)
        away = SkyCoord(*middle, unit="deg").separation(SkyCoord(*row["c"], unit="deg"))
        assert away.arcsec < 1e-6


@pytest.mark.parametrize("sides", [(1e-3, 1e-3), (1, 2), (10, 3), (120, 60)])
def test_a_box_has_the_area_of_the_polygon_of_its_corners(sides):
    box = [[70.0, 81.0, *map(float, sides)]]
    given = {"t": {"box": box} | {name: [each] for name, each in zip("xywh", box[0], strict=True)}}
    by_columns = query("SELECT AREA(BOX(x, y, w, h)) AS a FROM t", uploads=given)
    told = ", ".join(map(repr, box[0]))
    by_constants = query(f"SELECT AREA(BOX({told})) AS a FROM t", uploads=given)
    expected = areas(pa.array(box))[0].as_py()
    for plan in (by_columns, by_constants):
        assert plan.to_table()["a"][0].as_py() == pytest.approx(expected, rel=1e-9)


def test_areas_and_middles_of_what_is_not_there_are_null():
    given = {"t": {"ra": [1.0, None], "w": [2.0, 2.0]}}
    asked = (
        "SELECT AREA(POLYGON(ra, 0, 2, 0, 2, 1)), CENTROID(POLYGON(ra, 0, 2, 0, 2, 1)), "
        "AREA(BOX(ra, 0, w, 3)), AREA(BOX(0, 0, -w, 3)) FROM t"
    )
    one, none = (list(each.values()) for each in query(asked, uploads=given).to_table().to_pylist())
    assert one[2] == pytest.approx(5.999010264986, rel=1e-12)
    assert one[0] > 0
    assert none[:2] == [None, [None, None]]
    assert one[3] is none[3] is None


def test_geometries_come_back_as_lists_and_are_taken_apart(rows):
    assert rows("SELECT POINT(ra, 1), CIRCLE(POINT(1, 2), 3) FROM mine WHERE id = 1") == [
        ([10.0, 1.0], [1.0, 2.0, 3.0])
    ]
    assert rows(
        "SELECT COORD1(p), COORD2(p), COORD2(CENTROID(c)), COORDSYS(p) FROM "
        "(SELECT POINT(ra, dec) AS p, CIRCLE(ra, 7, 1) AS c FROM mine) q WHERE COORD1(p) > 359"
    ) == [(359.999, 1.002, 7.0, "ICRS")]
    assert rows("SELECT CENTROID(POLYGON(0, 80, 90, 80, 180, 80, 270, 80)) FROM mine WHERE id = 1")[
        0
    ][0][1] == pytest.approx(90.0)
    assert rows("SELECT id FROM mine WHERE 1 = CONTAINS(POINT(ra, dec), CAST('0 1 0.01' AS CIRCLE))") == [
        (3,), (4,),
    ]  # fmt: skip


def test_a_place_that_is_not_there_lies_nowhere():
    given = {"t": {"ra": [1.0, None, float("nan")], "dec": [2.0, 3.0, 4.0]}}
    asked = "SELECT ra FROM t WHERE {} = CONTAINS(POINT(ra, dec), CIRCLE(1, 2, 1))"
    assert len(query(asked.format(1), uploads=given).to_table()) == 1
    assert len(query(asked.format(0), uploads=given).to_table()) == 0


def test_a_region_without_a_form_is_refused():
    from skyquarry.errors import RegionError
    from skyquarry.sky.regions import Ellipse

    with pytest.raises(RegionError, match="which has no form in SQL"):
        region_sql(Ellipse(1, 2, 30, 10, 0), ("x", "y", "z"))
    assert region_sql(Zone(-90, 90), ("x", "y", "z")) == "(x IS NOT NULL)"
    assert contains_point.__doc__


def test_few_ranges_hold_all_that_many_hold():
    many = Ranges(np.arange(0, 1000, 10), np.arange(0, 1000, 10) + np.arange(1, 101) % 7 + 1)
    starts, stops = fewer(many, 5)
    assert len(starts) == 5
    assert Ranges(starts, stops).covers(many.starts, many.stops).all()


def pairs_of(one, other, radius_deg):
    """Every pair of two lists within a radius, tried one by one."""
    a, b = (to_xyz(each["ra"], each["dec"]) for each in (one, other))
    limit = 2 * np.sin(np.radians(radius_deg) / 2)
    return {
        (int(one["id"][i]), int(other["id"][j]))
        for i in range(len(a))
        for j in np.flatnonzero(((b - a[i]) ** 2).sum(axis=1) < limit * limit)
    }


def lists(seed):
    """Two lists of 250 places: at the poles, round 0h, and anywhere; some RA beyond 0 to 360."""
    random = np.random.default_rng(seed)
    found = []
    for _ in range(2):
        ra = np.concatenate([random.uniform(-2, 2, 90), random.uniform(0, 720, 160)])
        dec = np.concatenate(
            [random.uniform(-3, 3, 90), random.uniform(86, 90, 80), -random.uniform(86, 90, 80)]
        )
        found.append({"id": np.arange(250), "ra": ra, "dec": dec})
    return found


@pytest.mark.parametrize("radius", [0.0001, 0.03, 0.7, 1.99, 2.5])
def test_joins_on_position_by_cells_are_those_by_trying_every_pair(radius):
    one, other = lists(int(radius * 1000))
    other["ra"][:5], other["dec"][:5] = one["ra"][:5] + 360, one["dec"][:5]
    wanted = pairs_of(one, other, radius)
    uploads = {"one": one, "other": other}
    near = f"DISTANCE(a.ra, a.dec, b.ra, b.dec) < {radius}"
    for text in (
        f"SELECT a.id, b.id FROM one a JOIN other b ON {near}",
        f"SELECT a.id, b.id FROM one a, other b WHERE a.id >= 0 AND {near}",
        f"WITH c AS (SELECT * FROM other) SELECT a.id, b.id FROM one a, c x, c b WHERE x.id = a.id AND {near}",
        f"SELECT a.id, b.id FROM (SELECT ra, dec, id FROM one) a JOIN other b ON 1 = CONTAINS(POINT(b.ra, b.dec), CIRCLE(a.ra, a.dec, {radius}))",
    ):
        plan = query(text, uploads=uploads)
        assert ("~cell" in plan.sql) == (radius <= 2)
        found = [tuple(row.values()) for row in plan.to_table().to_pylist()]
        assert len(found) == len(set(found))
        assert set(found) == wanted
    assert wanted


@pytest.mark.parametrize("kind", ["LEFT", "RIGHT", "FULL"])
def test_an_outer_join_on_position_keeps_the_rows_without_a_pair(kind):
    one, other = lists(9)
    wanted = pairs_of(one, other, 0.1)
    text = f"SELECT a.id i, b.id j FROM one a {kind} JOIN other b ON DISTANCE(a.ra, a.dec, b.ra, b.dec) < 0.1"
    plan = query(text, uploads={"one": one, "other": other})
    found = [tuple(row.values()) for row in plan.to_table().to_pylist()]
    pairs = [each for each in found if None not in each]
    assert sorted(pairs) == sorted(wanted)
    alone = {"LEFT": (0,), "RIGHT": (1,), "FULL": (0, 1)}[kind]
    missing = sum(250 - len({pair[side] for pair in wanted}) for side in alone)
    assert len(found) - len(pairs) == missing > 0


def test_a_table_is_joined_with_itself_on_position(rows, columns):
    found = rows(
        "SELECT a.id, b.id FROM sky a JOIN sky b ON DISTANCE(a.ra, a.dec, b.ra, b.dec) < 0.01 AND a.id < b.id"
    )
    assert set(found) == {(i, j) for i, j in pairs_of(columns, columns, 0.01) if i < j}
    assert len(found) > 20


@pytest.mark.parametrize(("unit", "by"), [("rad", np.pi / 180), ("15deg", 1 / 15)])
def test_positions_that_say_another_unit_are_not_taken_for_degrees(unit, by):
    field = pa.field("ra", pa.float64(), metadata={"unit": unit})
    schema = pa.schema([field, ("dec", pa.float64())])
    tables = {"t": pa.table([[57.3 * by], [28.6]], schema=schema)}
    with pytest.raises(QueryError, match=rf"ra is in {unit}, but DISTANCE takes degrees: write IN"):
        query("SELECT dec FROM t WHERE DISTANCE(ra, dec, 57.3, 28.6) < 1", {}, tables)
    near = "SELECT dec FROM t WHERE DISTANCE(IN_UNIT(ra, 'deg'), dec, 57.3, 28.6) < 1e-9"
    assert query(near, {}, tables).to_table().num_rows == 1
