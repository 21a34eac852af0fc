"""What a query says of a cell holds the whole cell, at poles, at 0h, and at every order."""

from __future__ import annotations

import numpy as np
import pytest

from skyquarry.sky import healpix
from skyquarry.sky.polygons import Polygon
from skyquarry.sky.regions import Cone
from skyquarry.sky.vectors import to_xyz
from skyquarry.surveys.fetch import areas
from skyquarry.surveys.fetch.cells import Cell

CELLS = [
    Cell(order, int(pixel))
    for order in (0, 1, 2, 3, 5, 8, 12, 20)
    for pixel in {
        0, (1 << (2 * order)) - 1, 4 << (2 * order), 8 << (2 * order), (12 << (2 * order)) - 1,
        *np.random.default_rng(order).integers(0, 12 << (2 * order), 6).tolist(),
    }
]  # fmt: skip


def points_of(cell: Cell) -> tuple[np.ndarray, np.ndarray]:
    """Corners, border and inside of a cell, and its pixels of five orders more."""
    deep = min(cell.order + 5, 29)
    ra, dec = healpix.center(healpix.children([cell.pixel], cell.order, deep)[0], deep)
    edge_ra, edge_dec = areas.outline(cell, 50)
    return np.append(ra, edge_ra), np.append(dec, edge_dec)


@pytest.mark.parametrize("cell", CELLS, ids=lambda cell: cell.key)
def test_a_circle_a_polygon_and_a_box_hold_the_cell(cell):
    ra, dec = points_of(cell)
    ra0, dec0, radius = areas.circle(cell)
    assert Cone(ra0, dec0, radius * 3600).contains(to_xyz(ra, dec)).all()
    corners = areas.polygon(cell)
    assert (corners is None) == (cell.order < 3)
    if corners is not None:
        assert Polygon(corners).contains(to_xyz(ra, dec)).all()
    west, east, south, north = areas.box(cell)
    assert ((dec >= south) & (dec <= north)).all()
    inside = (ra >= west) & (ra <= east) if west <= east else (ra >= west) | (ra <= east)
    assert (inside | (np.abs(dec) == 90.0)).all()


def test_a_polygon_is_hardly_larger_than_its_cell():
    some = [cell for cell in CELLS if 3 <= cell.order <= 12]
    sizes = [
        Polygon(areas.polygon(cell)).area() / float(healpix.cell_area_deg2(cell.order))
        for cell in some
    ]
    assert min(sizes) > 1.0
    assert np.median(sizes) < 1.05
    assert max(sizes) < 1.6  # beside a pole


def test_a_box_at_a_pole_is_the_whole_ring_and_one_at_0h_runs_through_it():
    assert areas.box(Cell(2, 15))[:2] == (0.0, 360.0)
    assert areas.box(Cell(2, 15))[3] == 90.0
    around = int(healpix.index([0.0], [0.1], 5)[0])
    west, east, _, _ = areas.box(Cell(5, around))
    assert west > 350.0
    assert east < 10.0
