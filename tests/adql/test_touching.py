"""INTERSECTS and CONTAINS of any two shapes, beside dense points of either."""

from __future__ import annotations

import math

import numpy as np
import pyarrow as pa
import pytest

from skyquarry.adql.asking import query
from skyquarry.adql.geometry import shapes as geometry
from skyquarry.errors import QueryError
from skyquarry.sky.regions import Cone, Polygon
from skyquarry.sky.vectors import to_radec, to_xyz

KINDS = ("POINT", "CIRCLE", "BOX", "POLYGON")


def shape(kind: str, random: np.random.Generator, at: tuple[float, float]) -> list[float]:
    """Numbers of a shape some degrees across, near a place."""
    middle = to_xyz([at[0]], [at[1]])[0] + 0.04 * random.standard_normal(3)
    ra, dec = (float(each[0]) for each in to_radec((middle / np.linalg.norm(middle))[None]))
    if kind == "POINT":
        return [ra, dec]
    if kind == "CIRCLE":
        return [ra, dec, float(random.uniform(0.2, 5))]
    if kind == "BOX":
        return [ra, dec, *random.uniform(0.5, 8, 2).tolist()]
    angles = 2 * np.pi * (np.arange(5) + 0.6 * random.random(5)) / 5
    sizes = np.radians(random.uniform(1, 6, 5))
    return _around(ra, dec, angles, sizes)


def _around(ra: float, dec: float, angles: np.ndarray, sizes: np.ndarray) -> list[float]:
    """Corners at angles and distances from a middle: a star-shaped polygon, maybe not convex."""
    east, north = _axes(ra, dec)
    middle = to_xyz([ra], [dec])[0]
    along = np.outer(np.cos(angles), east) + np.outer(np.sin(angles), north)
    corners = np.cos(sizes)[:, None] * middle + np.sin(sizes)[:, None] * along
    return np.column_stack(to_radec(corners)).ravel().tolist()


def _axes(ra: float, dec: float) -> tuple[np.ndarray, np.ndarray]:
    lon, lat = math.radians(ra), math.radians(dec)
    east = np.array([-math.sin(lon), math.cos(lon), 0.0])
    return east, np.array(
        [-math.sin(lat) * math.cos(lon), -math.sin(lat) * math.sin(lon), math.cos(lat)]
    )


def region(kind: str, numbers: list[float]):
    """The region of the sky that the numbers are, by the library's own regions."""
    if kind in ("POINT", "CIRCLE"):
        return Cone(*numbers[:2], 3600.0 * (numbers[2] if kind == "CIRCLE" else 1e-9))
    if kind == "BOX":
        return geometry._box(*numbers)
    return Polygon(list(zip(numbers[::2], numbers[1::2], strict=True)))


def cloud(at: tuple[float, float], random: np.random.Generator) -> np.ndarray:
    """Dense points about a place."""
    points = to_xyz([at[0]], [at[1]])[0] + 0.12 * random.standard_normal((9_000, 3))
    return points / np.linalg.norm(points, axis=1, keepdims=True)


def rows_of(rows: list[tuple[list[float], list[float]]]) -> pa.Table:
    """A table with the numbers of two shapes a row."""
    columns = {"id": list(range(len(rows)))}
    for side in range(2):
        for i in range(len(rows[0][side])):
            columns[f"{'ab'[side]}{i}"] = [row[side][i] for row in rows]
    return pa.table(columns)


def called(kind: str, side: str, n: int) -> str:
    return f"{kind}({', '.join(f'{side}{i}' for i in range(n))})"


@pytest.mark.parametrize("at", [(0.0, 89.0), (359.9, 0.0)])
@pytest.mark.parametrize("one", KINDS)
@pytest.mark.parametrize("other", KINDS)
def test_shapes_of_rows_touch_and_hold_each_other_as_their_points_do(one, other, at):
    random = np.random.default_rng(sum(map(ord, one + other)) + int(at[0]))
    rows = [(shape(one, random, at), shape(other, random, at)) for _ in range(16)]
    table = rows_of(rows)
    a, b = called(one, "a", len(rows[0][0])), called(other, "b", len(rows[0][1]))
    adql = f"SELECT id, INTERSECTS({a}, {b}) AS meet, CONTAINS({b}, {a}) AS held FROM t"
    found = {r["id"]: r for r in query(adql, uploads={"t": table}).to_table().to_pylist()}
    points = cloud(at, random)
    for i, (first, second) in enumerate(rows):
        in_one, in_other = region(one, first), region(other, second)
        inside = in_one.contains(points) & in_other.contains(points)
        if inside.sum() > 3:
            assert found[i]["meet"] == 1
        if not found[i]["meet"]:
            assert not inside.any()
        if found[i]["held"]:
            assert found[i]["meet"] == 1
            assert not (in_other.contains(points) & ~in_one.contains(points)).any()
        elif other != "POINT":
            wide = in_other.contains(points)
            outside = (wide & ~in_one.contains(points)).sum()
            assert outside or _just(in_one, in_other, second, points)


def _just(outer, inner, numbers, points) -> bool:
    """Whether too few points fell into a shape to tell: then its corners do."""
    corners = to_xyz(numbers[:2][::2], numbers[1:2]) if len(numbers) < 6 else to_xyz(
        numbers[::2], numbers[1::2]
    )  # fmt: skip
    return not outer.contains(corners).all() or inner.contains(points).sum() < 60


def _one(condition: str) -> int | None:
    plan = query(f"SELECT {condition} AS x FROM t", uploads={"t": {"r": [1.0], "n": [None]}})
    return plan.to_table()["x"].to_pylist()[0]


@pytest.mark.parametrize(
    ("condition", "wanted"),
    [
        # two squares like a cross: no corner of one in the other
        ("INTERSECTS(BOX(10, 0, 8, 2), BOX(10, 0, 2, 8))", 1),
        ("CONTAINS(BOX(10, 0, 2, 8), BOX(10, 0, 8, 2))", 0),
        ("CONTAINS(BOX(10, 0, 2, 2), BOX(10, 0, 8, 8))", 1),
        # a circle whose middle is outside, and which reaches over an edge between two corners
        ("INTERSECTS(CIRCLE(10, 0.6, r / 5), POLYGON(5, -1, 15, -1, 15, 0.5, 5, 0.5))", 1),
        ("INTERSECTS(CIRCLE(10, 0.8, r / 5), POLYGON(5, -1, 15, -1, 15, 0.5, 5, 0.5))", 0),
        # a polygon about a pole, and one across 0h
        ("INTERSECTS(CIRCLE(77, 90, r / 99), POLYGON(0, 85, 90, 85, 180, 85, 270, 85))", 1),
        ("CONTAINS(CIRCLE(0, 0, r), POLYGON(358, -2, 2, -2, 2, 2, 358, 2))", 1),
        ("CONTAINS(CIRCLE(1.5, 0, r), POLYGON(358, -2, 2, -2, 2, 2, 358, 2))", 0),
        # a notch: the circle lies in it, outside of a polygon that is not convex
        ("INTERSECTS(CIRCLE(5, 4, r / 2), POLYGON(0, 0, 10, 0, 10, 6, 5, 1, 0, 6))", 0),
        ("INTERSECTS(CIRCLE(5, 0.5, r / 4), POLYGON(0, 0, 10, 0, 10, 6, 5, 1, 0, 6))", 1),
        # a circle larger than a hemisphere
        ("CONTAINS(POLYGON(0, 0, 10, 0, 5, 8), CIRCLE(180, 0, 150 * r))", 0),
        ("CONTAINS(POLYGON(0, 0, 10, 0, 5, 8), CIRCLE(5, 4, 150 * r))", 1),
        # regions of a text, and shapes that are not there
        ("INTERSECTS(REGION('CIRCLE 10 0 1'), BOX(11.5, 0, 2, r))", 1),
        ("INTERSECTS(REGION('POLYGON 0 0 10 0 5 8'), CIRCLE(5, -2, r))", 0),
        ("INTERSECTS(CIRCLE(n, 0, 1), BOX(11.5, 0, 2, 2))", None),
        ("INTERSECTS(CIRCLE(10, 0, -r), BOX(10, 0, 2, 2))", 0),
        # far on the other side, where the corners go round as well
        ("INTERSECTS(CIRCLE(185, -2, r), POLYGON(0, 0, 10, 0, 5, 8))", 0),
    ],
)
def test_forms_with_a_known_answer(condition, wanted):
    assert _one(condition) == wanted


def test_a_region_that_is_no_list_is_refused_beside_a_shape():
    with pytest.raises(QueryError, match="has no form for these two shapes"):
        _one("INTERSECTS(REGION('UNION ICRS (CIRCLE 1 1 1 CIRCLE 9 9 1)'), CIRCLE(r, 1, 1))")


def test_it_has_no_form_on_a_cluster():
    plan = query("SELECT INTERSECTS(BOX(r, 0, 1, 1), BOX(5, 0, 1, 1)) AS x FROM t",
                 uploads={"t": {"r": [1.0]}})  # fmt: skip
    with pytest.raises(QueryError, match="INTERSECTS of these two shapes has no form in trino"):
        plan.to_sql("trino")
