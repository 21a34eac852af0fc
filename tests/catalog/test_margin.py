from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skyquarry.catalog import kernels
from skyquarry.catalog.margin import cell_distance_arcsec, margin_ranks, margin_rows
from skyquarry.catalog.tiles import Tiles
from skyquarry.catalog.tiling import tiles_from_counts
from skyquarry.errors import UserError
from skyquarry.sky import healpix
from skyquarry.sky.vectors import ARCSEC_PER_RADIAN, to_radec, to_xyz
from skyquarry.testing.naive.catalog import distance_to_cell, margin_pairs


def twin_error(order):
    """How far the twin, which takes 1/4096 of an edge as straight, may be wrong: arcsec."""
    return 0.01 * 0.5**order


def near_edges(order, pixel, number, spread_arcsec, seed):
    """Places strewn around the border of a cell: (ra, dec)."""
    random = np.random.default_rng(seed)
    ra, dec = healpix.corners(np.array([pixel]), order, steps=64)
    border = to_xyz(ra.ravel(), dec.ravel())
    chosen = border[random.integers(0, len(border), number)]
    chosen[: number // 3] = border[:: len(border) // 4][random.integers(0, 4, number // 3)]
    offset = random.standard_normal((number, 3)) * spread_arcsec / ARCSEC_PER_RADIAN
    moved = chosen + offset * 10.0 ** random.uniform(-2, 0, (number, 1))
    return to_radec(moved / np.linalg.norm(moved, axis=1)[:, None])


def margin_of(ra, dec, tile, leaves, threshold):
    inside = healpix.index(ra, dec, tile[0]) == tile[1]
    ra, dec = ra[inside], dec[inside]
    row, leaf = margin_rows(ra, dec, healpix.index(ra, dec), tile, leaves, threshold)
    return ra, dec, list(zip(row.tolist(), leaf.tolist(), strict=True))


def check_against_twin(ra, dec, tile, leaves, threshold):
    ra, dec, found = margin_of(ra, dec, tile, leaves, threshold)
    slack = max(twin_error(int(order)) for order in leaves.order)
    sure = {(r, l) for r, l, _ in margin_pairs(ra, dec, tile, leaves, threshold - slack)}
    possible = {(r, l) for r, l, _ in margin_pairs(ra, dec, tile, leaves, threshold + slack)}
    assert len(found) == len(set(found))
    assert sure <= set(found) <= possible
    return found


@settings(max_examples=40)
@given(st.integers(0, 3), st.data(), st.sets(st.sampled_from([0, 0.05, 1, 10, 50, 2_000, 3e5])))
def test_several_margins_at_once_are_each_as_alone(order, data, wide):
    thresholds = sorted({*wide, data.draw(st.floats(0.0, 600.0))})
    pixel = data.draw(st.integers(0, (12 << 2 * order) - 1))
    ra, dec = near_edges(order, pixel, 60, thresholds[-1] + 1, data.draw(st.integers(0, 99)))
    inside = healpix.index(ra, dec, order) == pixel
    ra, dec = ra[inside], dec[inside]
    leaves = Tiles(np.full(12 << 2 * order, order), np.arange(12 << 2 * order))
    given_ = ra, dec, healpix.index(ra, dec), (order, pixel), leaves
    row, leaf, rank = margin_ranks(*given_, thresholds)
    for number, threshold in enumerate(thresholds):
        alone_row, alone_leaf = margin_rows(*given_, threshold)
        assert np.array_equal(row[rank <= number], alone_row)
        assert np.array_equal(leaf[rank <= number], alone_leaf)


POLES = [(0, 0), (1, 3), (2, 15), (3, 63), (4, 255), (3, 8 * 64), (3, 11 * 64), (2, 4 * 16)]


@settings(max_examples=60)
@given(st.integers(0, 9), st.data(), st.sampled_from([0.05, 10.0, 1000.0]))
def test_the_distance_is_that_of_the_naive_twin(order, data, spread):
    pixel = data.draw(st.integers(0, (12 << 2 * order) - 1))
    ra, dec = near_edges(order, pixel, 4, spread, data.draw(st.integers(0, 99)))
    found = cell_distance_arcsec(ra, dec, order, pixel)
    expected = [distance_to_cell(a, d, order, pixel) for a, d in zip(ra, dec, strict=True)]
    assert found == pytest.approx(expected, abs=twin_error(order))


@pytest.mark.parametrize(("order", "pixel"), POLES)
def test_the_distance_is_right_at_poles_and_where_three_faces_meet(order, pixel):
    ra, dec = near_edges(order, pixel, 30, 500.0, seed=order)
    ra, dec = np.append(ra, [0.0, 123.0, 0.0, 45.0]), np.append(dec, [90.0, -90.0, 0.0, 41.8])
    found = cell_distance_arcsec(ra, dec, order, pixel)
    expected = [distance_to_cell(a, d, order, pixel) for a, d in zip(ra, dec, strict=True)]
    assert found == pytest.approx(expected, abs=twin_error(order))


def test_the_distance_to_a_corner_beyond_the_edges_is_that_to_the_corner():
    ra, dec = healpix.corners(np.array([5]), 6)
    corner = to_xyz(ra.ravel()[:1], dec.ravel()[:1])[0]
    away = corner - to_xyz(*healpix.center(np.array([5]), 6))[0]
    place = corner + away / np.linalg.norm(away) * 1e-4
    place /= np.linalg.norm(place)
    expected = 2 * np.arcsin(np.linalg.norm(place - corner) / 2) * ARCSEC_PER_RADIAN
    assert cell_distance_arcsec(*to_radec(place[None]), 6, 5)[0] == pytest.approx(
        expected, abs=1e-9
    )


@settings(max_examples=25)
@given(
    st.integers(0, 12 * 64 - 1),
    st.dictionaries(st.integers(0, 12 * 1024 - 1), st.just(9), max_size=20),
    st.sampled_from([0.5, 10.0, 600.0]),
    st.integers(0, 99),
)
def test_margins_are_complete_and_exact(cell, counts, threshold, seed):
    """Leaves of many orders side by side, empty ones too; the tile is the one around `cell`."""
    counts[cell << 4] = 9
    leaves = tiles_from_counts(list(counts), list(counts.values()), 5, max_rows=8)
    number = int(leaves.find([cell << 2 * 26])[0])
    tile = int(leaves.order[number]), int(leaves.pixel[number])
    near = leaves.take(np.abs(np.arange(len(leaves)) - number) < 12)
    ra, dec = near_edges(*tile, 12, threshold * 1.5, seed)
    found = check_against_twin(ra, dec, tile, near, threshold)
    _, _, whole = margin_of(ra, dec, tile, leaves, threshold)
    names = {(r, leaves.number(*list(near)[l])) for r, l in found}
    assert names <= set(whole)


@pytest.mark.parametrize(
    "tile", [(2, 15), (2, 0), (2, 4 * 16 + 5), (2, 8 * 16), (1, 0), (2, 11 * 16 + 3)]
)
@pytest.mark.parametrize("threshold", [1.0, 30.0])
def test_margins_at_poles_faces_and_0h(tile, threshold):
    leaves = Tiles(np.full(12 * 4 ** tile[0], tile[0]), np.arange(12 * 4 ** tile[0]))
    ra, dec = near_edges(*tile, 24, threshold, seed=tile[1])
    found = check_against_twin(ra, dec, tile, leaves, threshold)
    assert len({leaf for _, leaf in found}) >= 3


def test_a_threshold_larger_than_a_tile_reaches_several_rings():
    order, pixel = 8, 12_345
    center = healpix.center(np.array([pixel]), order)
    leaves = Tiles(np.full(12 << 16, order), np.arange(12 << 16))
    threshold = 2_700.0  # a cell is 825 arcsec wide
    _, _, found = margin_of(*center, (order, pixel), leaves, threshold)
    ra, dec = healpix.center(leaves.pixel, order)
    chord = 2 * np.sin(np.radians((threshold + 2_000) / 3600) / 2)
    near = np.linalg.norm(to_xyz(ra, dec) - to_xyz(*center), axis=1) < chord
    distance = np.array(
        [distance_to_cell(center[0][0], center[1][0], order, int(p)) for p in leaves.pixel[near]]
    )
    expected = set(leaves.pixel[near][(distance <= threshold) & (distance > 0)].tolist())
    assert {leaf for _, leaf in found} == expected
    assert len(expected) > 24


def test_a_threshold_wider_than_any_cell_tries_all():
    leaves = Tiles(np.zeros(12, int), np.arange(12))
    ra, dec = np.array([45.0, 40.0]), np.array([0.0, 89.0])
    threshold = 40.0 * 3600
    for row, tile in ((0, (0, 4)), (1, (0, 0))):
        check_against_twin(ra[row : row + 1], dec[row : row + 1], tile, leaves, threshold)


def test_an_empty_cell_beside_the_tile_is_served():
    leaves = tiles_from_counts([0], [5], 3, max_rows=1)
    tile = (3, 0)
    ra, dec = near_edges(*tile, 50, 5.0, seed=1)
    _, _, found = margin_of(ra, dec, tile, leaves, 10.0)
    served = {leaf for _, leaf in found}
    assert served
    assert all(leaves.rows[leaf] == 0 for leaf in served)


def test_rows_far_from_the_border_and_no_rows_have_no_margin():
    leaves = Tiles(np.full(768, 3), np.arange(768))
    center = healpix.center(np.array([7]), 3)
    assert margin_of(*center, (3, 7), leaves, 10.0)[2] == []
    none = np.empty(0)
    assert margin_of(none, none, (3, 7), leaves, 10.0)[2] == []


def test_the_threshold_itself_is_within():
    leaves = Tiles(np.full(768, 3), np.arange(768))
    ra, dec = near_edges(3, 300, 200, 20.0, seed=3)
    inside = healpix.index(ra, dec, 3) == 300
    ra, dec = ra[inside][:1], dec[inside][:1]
    others = np.delete(np.arange(768), 300)
    nearest = cell_distance_arcsec(np.repeat(ra, 767), np.repeat(dec, 767), 3, others)
    threshold = float(nearest.min())
    assert len(margin_of(ra, dec, (3, 300), leaves, threshold)[2]) == 1
    assert len(margin_of(ra, dec, (3, 300), leaves, threshold - 1e-6)[2]) == 0


@pytest.mark.parametrize("threshold", [-1.0, float("nan"), 648_000.0])
def test_a_threshold_that_is_none_is_told(threshold):
    leaves = Tiles(np.zeros(12, int), np.arange(12))
    with pytest.raises(UserError, match=f"threshold is {threshold}"):
        margin_of(np.array([1.0]), np.array([1.0]), (0, 4), leaves, threshold)


@given(st.sampled_from([0, 3, 4, 7, 8, 11]), st.floats(0.001, 0.998), st.floats(0.001, 0.998))
def test_the_bounds_that_the_kernels_trust_hold(face, x, y):
    step = 1e-4 * min(x, y, 1 - x, 1 - y)
    at = lambda a, b: np.array(kernels.on_sphere(face, a, b))  # noqa: E731
    along_x = (at(x + step, y) - at(x - step, y)) / (2 * step)
    along_y = (at(x, y + step) - at(x, y - step)) / (2 * step)
    speed = max(np.linalg.norm(along_x), np.linalg.norm(along_y))
    assert speed <= kernels.SPEED
    assert np.linalg.norm(np.cross(along_x, along_y)) / speed >= kernels.HEIGHT


@given(st.integers(0, 11), st.integers(0, 4), st.data())
def test_an_edge_strays_from_its_chord_no_more_than_told(face, order, data):
    cells = 1 << order
    fixed = data.draw(st.integers(0, cells)) / cells
    start = data.draw(st.integers(0, cells - 1)) / cells
    ends = [np.array(kernels.on_sphere(face, s, fixed)) for s in (start, start + 1 / cells)]
    bound = kernels.bend(face, fixed, start, start + 1 / cells) / cells**2 / 8
    for part in np.linspace(0, 1, 33):
        curve = np.array(kernels.on_sphere(face, start + part / cells, fixed))
        straight = ends[0] * (1 - part) + ends[1] * part
        assert np.linalg.norm(curve - straight) <= bound + 1e-12


def test_the_projection_is_that_of_cdshealpix():
    random = np.random.default_rng(5)
    for order in (0, 1, 5, 24):
        pixel = random.integers(0, 12 << 2 * order, 100)
        place = pixel & ((1 << 2 * order) - 1)
        size = 1 / (1 << order)
        ours = [
            kernels.on_sphere(
                p >> 2 * order,
                (kernels.compact(q) + 0.5) * size,
                (kernels.compact(q >> 1) + 0.5) * size,
            )
            for p, q in zip(pixel.tolist(), place.tolist(), strict=True)
        ]
        assert np.allclose(ours, to_xyz(*healpix.center(pixel, order)), rtol=0, atol=3e-15)
