"""Polygons of many edges: slabs and sweeps give what comparing all with all gives."""

from __future__ import annotations

import numpy as np
import pytest

from skyquarry.errors import RegionError
from skyquarry.sky import polygons
from skyquarry.sky.covers import Pixels
from skyquarry.sky.polygonedges import crossing
from skyquarry.sky.polygons import Polygon
from skyquarry.sky.vectors import to_radec, to_xyz


def _star(random, n, size_deg, center):
    """A closed walk that does not cross itself, about any place: rough, with arms."""
    angle = np.sort(random.random(n)) * 2 * np.pi
    away = np.radians(size_deg) * (0.6 + 0.2 * np.sin(5 * angle) + 0.2 * random.random(n))
    north = np.array([0.0, 0.0, 1.0]) if abs(center[2]) < 0.9 else np.array([1.0, 0.0, 0.0])
    east = np.cross(north, center)
    east /= np.linalg.norm(east)
    up = np.cross(center, east)
    xyz = np.outer(np.cos(away), center)
    xyz += np.sin(away)[:, None] * (np.outer(np.cos(angle), east) + np.outer(np.sin(angle), up))
    return list(zip(*(each.tolist() for each in to_radec(xyz)), strict=True))


def _comb(teeth):
    """Long narrow teeth side by side, each edge 20 degrees long."""
    up = [(350 + i * 20 / teeth, 20.0 if i % 2 else 0.0) for i in range(teeth)]
    return [(ra % 360, dec) for ra, dec in [*up, (10.0, -1.0), (350.0, -1.0)]]


def _cells(order):
    return Pixels(np.arange(12 * 4**order), order).cells()


PLACES = [(0.0, 0.0), (359.9, 1.0), (120.0, 89.5), (40.0, -90.0), (200.0, 35.0)]


def _walks(seed):
    random = np.random.default_rng(seed)
    center = to_xyz(*PLACES[seed % len(PLACES)]).reshape(3)
    return _star(random, 250 + 40 * seed, (0.01, 1.0, 30.0, 80.0)[seed % 4], center)


@pytest.mark.parametrize("walk", [*range(8), "comb"])
def test_points_and_cells_are_judged_as_by_all_edges(monkeypatch, walk):
    corners = _comb(301) if walk == "comb" else _walks(walk)
    many = Polygon(corners)
    random = np.random.default_rng(1)
    middle = to_xyz(*np.array(corners).T)
    points = np.concatenate(
        [
            middle,
            0.5 * (middle + np.roll(middle, -1, axis=0)),
            middle[random.integers(0, len(middle), 4_000)] + random.normal(0, 0.02, (4_000, 3)),
            [[np.nan, 0, 0], [0, 0, 1], [0, 0, -1]],
        ]
    )
    points /= np.linalg.norm(points, axis=1)[:, None]
    found = many.contains(points)
    levels = [many.relate(_cells(order)) for order in (0, 3)]
    monkeypatch.setattr(polygons, "_MANY", 1_000)
    assert (found == Polygon(corners).contains(points)).all()
    assert found[: len(middle)].all()
    for order, level in zip((0, 3), levels, strict=True):
        assert (level == Polygon(corners).relate(_cells(order))).all()


@pytest.mark.parametrize("seed", range(12))
def test_the_first_crossing_is_found(monkeypatch, seed):
    random = np.random.default_rng(100 + seed)
    corners = _walks(seed)
    one, other = random.integers(0, len(corners), 2)
    corners[one], corners[other] = corners[other], corners[one]
    edges = polygons.Edges.around(to_xyz(*np.array(corners).T))
    assert crossing(edges) == polygons._crossing(edges)
    if crossing(edges):
        with pytest.raises(RegionError, match=r"the polygon's edges \d+ and \d+ cross"):
            Polygon(corners)


def test_ten_thousand_corners_have_their_area_and_rows():
    angle = np.linspace(0, 2 * np.pi, 10_000, endpoint=False)
    circle = Polygon([(180 + np.cos(a) * 2, np.sin(a) * 2) for a in angle])
    assert circle.area() == pytest.approx(np.pi * 4, rel=1e-3)
    assert circle.contains(to_xyz([180.0, 181.99, 182.01], [0.0, 0.0, 0.0])).tolist() == [1, 1, 0]
