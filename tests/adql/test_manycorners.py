"""Polygons of many corners in a query: the rows that the region holds, wherever they are sought."""

from __future__ import annotations

import duckdb
import numpy as np
import pyarrow as pa
import pytest

from skyquarry.adql.asking import query
from skyquarry.errors import QueryError
from skyquarry.sky.regions import Polygon
from skyquarry.sky.vectors import to_xyz


def _star(corners):
    """About (0, 1), across 0h, with seven arms."""
    angle = np.linspace(0, 2 * np.pi, corners, endpoint=False)
    away = 1 + 0.3 * np.sin(7 * angle)
    ra, dec = (away * np.cos(angle)) % 360, 1 + away * np.sin(angle)
    return list(zip(ra.tolist(), dec.tolist(), strict=True))


def _text(corners):
    return f"POLYGON({', '.join(f'{ra!r}, {dec!r}' for ra, dec in corners)})"


def _wanted(columns, corners):
    held = Polygon(corners).contains(to_xyz(columns["ra"], columns["dec"]))
    return set(columns["id"][held].tolist())


@pytest.mark.parametrize("where", [None, "inline"])
@pytest.mark.parametrize("corners", [30, 250])
def test_rows_are_those_that_the_region_holds(ask, columns, corners, where):
    walk = _star(corners)
    plan = ask(f"SELECT id FROM sky WHERE 1 = CONTAINS(POINT(ra, dec), {_text(walk)})")
    found = plan.to_table(where)["id"].to_pylist()
    assert set(found) == _wanted(columns, walk)
    assert 100 < len(found) < 4_000
    assert len(plan.reads[0].numbers) < len(plan.reads[0].source.tiles) / 2


def test_another_process_makes_the_function_from_its_name(ask, columns):
    walk = _star(20)
    plan = ask(f"SELECT id FROM sky WHERE 1 = CONTAINS(POINT(ra, dec), {_text(walk)})")
    assert set(plan.to_table("processes")["id"].to_pylist()) == _wanted(columns, walk)


def test_other_rows_are_those_outside_and_a_place_that_is_none_is_in_neither(ask, columns):
    walk = _star(40)
    outside = ask(f"SELECT id FROM sky WHERE INTERSECTS({_text(walk)}, POINT(ra, dec)) = 0")
    every = set(columns["id"].tolist())
    assert set(outside.to_table()["id"].to_pylist()) == every - _wanted(columns, walk)
    given = pa.table({"ra": [0.0, None, 0.0, 0.0], "dec": [1.0, 1.0, None, 91.0]})
    found = query(
        f"SELECT CONTAINS(POINT(ra, dec), {_text(walk)}) AS c FROM t", uploads={"t": given}
    )
    assert found.to_table()["c"].to_pylist() == [1, None, None, None]


def test_ten_thousand_corners_are_read_planned_and_asked(columns, archive):
    walk = _star(10_000)
    text = f"SELECT id FROM sky WHERE 1 = CONTAINS(POINT(ra, dec), {_text(walk)})"
    found = query(text, archive=archive).to_table()["id"].to_pylist()
    assert set(found) == _wanted(columns, walk)


def test_other_engines_are_given_conditions_on_the_edges(ask, columns):
    walk = _star(30)
    plan = ask(f"SELECT id FROM sky WHERE 1 = CONTAINS(POINT(ra, dec), {_text(walk)})")
    with duckdb.connect() as elsewhere:
        found = elsewhere.sql(plan.to_sql("duckdb")).fetchall()
    assert {each for (each,) in found} == _wanted(columns, walk)
    for dialect in ("trino", "spark"):
        assert "sky_polygon" not in plan.to_sql(dialect)
    many = ask(f"SELECT id FROM sky WHERE 1 = CONTAINS(POINT(ra, dec), {_text(_star(250))})")
    with pytest.raises(QueryError, match="CONTAINS of a polygon of many corners has no form in"):
        many.to_sql("trino")


def test_edges_that_cross_are_refused_where_they_stand(ask):
    walk = _star(300)
    walk[10], walk[200] = walk[200], walk[10]
    with pytest.raises(QueryError, match=r"query, line 1, column \d+: POLYGON.* cross"):
        ask(f"SELECT id FROM sky WHERE 1 = CONTAINS(POINT(ra, dec), {_text(walk)})")
