"""Neighbours are those that a tree of points finds."""

import numpy as np
import pytest
from scipy.spatial import cKDTree

from skyquarry.sky.vectors import to_radec, to_xyz
from skyquarry.synthetic.observe.neighbours import neighbours

RADIUS = 40.0


@pytest.mark.parametrize(
    ("ra", "dec"), [(180.0, 0.0), (0.001, 30.0), (120.0, 89.99), (7.0, -90.0), (359.9, -70.0)]
)
@pytest.mark.parametrize("n", [0, 1, 2, 400])
def test_neighbours_are_those_that_a_tree_finds(ra, dec, n):
    random = np.random.default_rng(n)
    middle = to_xyz(np.array([ra]), np.array([dec]))
    points = middle + np.radians(0.1) * random.uniform(-1, 1, (n, 3))
    at = to_radec(points / np.linalg.norm(points, axis=1)[:, None])
    found = neighbours(*at, RADIUS)
    chord = 2 * np.sin(np.radians(RADIUS / 3600) / 2)
    tree = cKDTree(to_xyz(*at)).query_pairs(chord) if n else set()
    both = sorted([*tree, *((b, a) for a, b in tree)])
    assert list(zip(found.seen.tolist(), found.other.tolist(), strict=True)) == both
    assert (found.distance_arcsec <= RADIUS).all()


def test_many_sources_at_one_place_are_all_neighbours():
    found = neighbours(np.full(50, 12.0), np.full(50, -3.0), 1.0)
    assert len(found.seen) == 50 * 49
