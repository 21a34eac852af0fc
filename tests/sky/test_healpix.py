"""HEALPix: pixels as cdshealpix gives them, searches that miss nothing."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skyquarry.errors import PositionError, RegionError
from skyquarry.sky import cellsearch, healpix
from skyquarry.sky.vectors import separation_arcsec, to_radec, to_xyz


def random_sky(n: int, seed: int = 1) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return to_radec(rng.normal(size=(n, 3)))


@pytest.mark.judge
def test_pixels_are_those_of_cdshealpix_to_the_last_bit() -> None:
    cdshealpix = pytest.importorskip("cdshealpix")
    from astropy.coordinates import Latitude, Longitude

    ra, dec = random_sky(200_000)
    ra[:5], dec[:5] = [0, 90, 180, 0, 0], [0, 0, 0, 90, -90]
    for order in (0, 7, 29):
        theirs = cdshealpix.lonlat_to_healpix(
            Longitude(ra, "deg"), Latitude(dec, "deg"), order, num_threads=1
        )
        np.testing.assert_array_equal(healpix.index(ra, dec, order), theirs.astype(np.int64))


def test_turns_of_ra_change_nothing() -> None:
    ra, dec = np.array([0.0, 10.0, 359.5]), np.array([1.0, -2.0, 3.0])
    here = healpix.index(ra, dec)
    np.testing.assert_array_equal(healpix.index(ra - 720.0, dec), here)
    assert healpix.index(-1e-20, 1.0) == healpix.index(0.0, 1.0)
    assert healpix.index(360.0, 1.0) == healpix.index(0.0, 1.0)


@pytest.mark.parametrize(
    ("ra", "dec", "what"),
    [
        ([1.0, 2.0], [0.0, 91.0], "dec_deg is 91.0 in row 1"),
        ([1.0, 2.0], [np.nan, 0.0], "dec_deg is nan in row 0"),
        ([np.inf, 2.0], [0.0, 0.0], "ra_deg is inf in row 0"),
        ([np.nan], [0.0], "ra_deg is nan in row 0"),
        ([1.0, 2.0, 3.0], [0.0, 1.0], "ra_deg has 3 values and dec_deg has 2"),
    ],
)
def test_what_is_not_on_the_sky_is_named_with_its_row(ra: list, dec: list, what: str) -> None:
    with pytest.raises(PositionError, match=what):
        healpix.index(ra, dec)


def test_no_points_give_no_pixels() -> None:
    assert healpix.index([], []).shape == (0,)


def test_an_order_beyond_29_is_refused() -> None:
    with pytest.raises(RegionError, match="order is 30"):
        healpix.index(0.0, 0.0, 30)
    with pytest.raises(RegionError, match="pixel is 12 in row 1"):
        healpix.center([0, 12], 0)


def test_chunks_join_without_a_seam() -> None:
    n = healpix._CHUNK
    ra, dec = random_sky(2 * n + 3)
    whole = healpix.index(ra, dec)
    for part in (slice(0, 5), slice(n - 2, n + 2), slice(2 * n - 1, None)):
        np.testing.assert_array_equal(whole[part], healpix.index(ra[part], dec[part]))


@given(st.integers(0, 29), st.integers(0, 2**63))
def test_a_centre_lies_in_its_cell(order: int, number: int) -> None:
    pixel = number % (12 << 2 * order)
    ra, dec = healpix.center(pixel, order)
    assert healpix.index(ra, dec, order)[0] == pixel
    start, stop = healpix.pixel_range(order, pixel)
    deep = healpix.index(ra, dec)[0]
    assert start <= deep < stop
    assert healpix.parent(deep, 29, order) == pixel


def test_children_tile_their_parent() -> None:
    start, stop = healpix.pixel_range(3, [5])
    low, high = healpix.pixel_range(5, healpix.children([5], 3, 5)[0])
    assert low[0] == start[0]
    assert high[-1] == stop[0]
    np.testing.assert_array_equal(low[1:], high[:-1])
    with pytest.raises(RegionError, match="to_order is 4"):
        healpix.parent([1], 3, 4)


def test_neighbours_touch_and_three_corner_cells_have_seven() -> None:
    pixels = np.arange(12 * 4**3)
    around = healpix.neighbours(pixels, 3)
    assert np.bincount((around < 0).sum(axis=1)).tolist() == [pixels.size - 24, 24]
    here = to_xyz(*healpix.center(pixels, 3))
    for column in around.T:
        some = column >= 0
        there = to_xyz(*healpix.center(column[some], 3))
        assert separation_arcsec(here[some], there).max() < 16 * 3600.0


def test_corners_of_one_cell_are_shared_with_its_neighbour() -> None:
    ra, dec = healpix.corners([100], 4, steps=8)
    assert ra.shape == (1, 32)
    middle = to_xyz(*healpix.center([100], 4))
    outline = to_xyz(ra[0], dec[0])
    assert separation_arcsec(outline, middle).min() > 3600.0
    inner = outline + 1e-6 * (middle - outline)
    assert set(healpix.index(*to_radec(inner), order=4)) == {100}


def test_areas_add_up_to_the_sphere() -> None:
    assert 12 * 4**5 * healpix.cell_area_deg2(5) == pytest.approx(41252.96125, rel=1e-9)


# ------------------------------------------------------------------ searches
def judge_cells(cells: healpix.Cells, ra: np.ndarray, dec: np.ndarray, inside: np.ndarray) -> None:
    """No point inside is missed, no cell called full holds a point outside, cells are disjoint."""
    pixel, order, fully = cells
    start, stop = healpix.pixel_range(order, pixel)
    assert np.all(start[1:] >= stop[:-1])
    points = healpix.index(ra, dec)
    cell = np.searchsorted(start, points, side="right") - 1
    found = (cell >= 0) & (points < stop[cell])
    assert not np.any(inside & ~found)
    assert not np.any(found & fully[cell] & ~inside)


places = st.sampled_from([(0.0, 0.0), (359.9, -0.2), (12.0, 89.9), (200.0, -90.0), (45.0, 41.8)])


@given(places, st.floats(1e-4, 179.9), st.integers(0, 7), st.integers(0, 2**32 - 1))
def test_a_cone_search_misses_nothing(
    place: tuple[float, float], radius_deg: float, order: int, seed: int
) -> None:
    ra, dec = random_sky(3000, seed)
    inside = separation_arcsec(to_xyz(ra, dec), to_xyz(*place)) <= radius_deg * 3600
    judge_cells(healpix.cone_cells(*place, radius_deg * 3600, order), ra, dec, inside)


@pytest.mark.parametrize("order", [12, 28, 29])
def test_a_small_cone_works_at_the_finest_orders(order: int) -> None:
    pixel, found, _ = healpix.cone_cells(83.82, -5.39, 0.001, order)
    assert found.max() <= order
    start, stop = healpix.pixel_range(found, pixel)
    here = healpix.index(83.82, -5.39)
    assert np.any((start <= here) & (here < stop))


def test_a_radius_beyond_the_sphere_or_nan_is_refused() -> None:
    for radius in (-1.0, 648001.0, float("nan")):
        with pytest.raises(RegionError, match="radius_arcsec is"):
            healpix.cone_cells(0.0, 0.0, radius, 5)
    with pytest.raises(PositionError, match="dec_deg 95"):
        healpix.cone_cells(0.0, 95.0, 1.0, 5)


@given(
    st.floats(0, 360),
    st.floats(0.01, 400),
    st.tuples(st.floats(-90, 90), st.floats(-90, 90)).map(sorted),
    st.integers(0, 7),
    st.integers(0, 2**32 - 1),
)
def test_a_zone_search_misses_nothing(
    west: float, width: float, dec_deg: list[float], order: int, seed: int
) -> None:
    ra, dec = random_sky(3000, seed)
    inside = ((ra - west) % 360.0 <= width) & (dec >= dec_deg[0]) & (dec <= dec_deg[1])
    cells = healpix.zone_cells((west, west + width), (dec_deg[0], dec_deg[1]), order)
    judge_cells(cells, ra, dec, inside)


def test_searches_are_right_where_the_library_errs() -> None:
    # cdshealpix 0.9 calls base cell 4 full, misses cells at a seam, and misses base cells.
    judge_cone((0.0, 0.0), 22.0, 0)
    judge_cone((4.5977, 32.8252), 3.1482, 8)
    judge_cone((226.9874, 87.6138), 2.20512, 5)
    judge_cone((10.0, 0.0), 170.0, 4)


def judge_cone(place: tuple[float, float], radius_deg: float, order: int) -> None:
    rng = np.random.default_rng(3)
    centre = to_xyz(*place)
    near = centre + np.tan(np.radians(min(radius_deg, 60.0))) * rng.normal(size=(40_000, 3))
    ra, dec = to_radec(near)
    inside = separation_arcsec(to_xyz(ra, dec), centre) <= radius_deg * 3600
    judge_cells(healpix.cone_cells(*place, radius_deg * 3600, order), ra, dec, inside)


@given(places, st.floats(-5, 5.5), st.integers(0, 14), st.integers(0, 2**32 - 1))
def test_a_search_that_starts_near_its_cone_agrees_with_one_that_starts_at_the_top(
    place: tuple[float, float], log_radius: float, order: int, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    ra, dec = (place[0] + rng.normal(0, 3)) % 360, np.clip(place[1] + rng.normal(0, 3), -90, 90)
    radius_arcsec = min(10.0**log_radius, 40 * 211_000 / 2**order)
    near = healpix.cone_cells(ra, dec, radius_arcsec, order)
    judge = cellsearch.cone_judge(to_xyz(ra, dec)[0], np.radians(radius_arcsec / 3600))
    top = healpix.search(judge, order)
    assert set(near[0][~near[2]]) <= set(top[0][~top[2]])
    assert covered(near) == covered(top)


@given(st.integers(0, 2**32 - 1), st.floats(-8, -1))
def test_a_point_moves_by_at_most_one_and_a_half_base_cells_a_radian(
    seed: int, log_step: float
) -> None:
    rng = np.random.default_rng(seed)
    here = rng.normal(size=(100, 3))
    here /= np.linalg.norm(here, axis=1)[:, None]
    there = here + 10.0**log_step * rng.normal(size=(100, 3))
    apart = separation_arcsec(here, there / np.linalg.norm(there, axis=1)[:, None]) / 206264.8
    starts, ends = np.transpose(to_radec(here)), np.transpose(to_radec(there))
    for a, b, angle in zip(starts, ends, apart, strict=True):
        (face, x, y), (other, u, v) = cellsearch.locate(*a), cellsearch.locate(*b)
        # A base cell is not convex: an arc that leaves it and comes back may be a shortcut.
        if face == other and max(abs(x - 0.5), abs(y - 0.5)) + 2.0 * angle < 0.5:
            assert max(abs(x - u), abs(y - v)) <= 1.5 * angle + 1e-13


def covered(cells: healpix.Cells) -> int:
    start, stop = healpix.pixel_range(cells[1][cells[2]], cells[0][cells[2]])
    return int((stop - start).sum())


def test_no_cell_is_larger_than_its_cap() -> None:
    for order in range(6):
        pixels = np.arange(12 << 2 * order)
        ra, dec = healpix.corners(pixels, order, steps=16)
        middle = np.repeat(to_xyz(*healpix.center(pixels, order)), 64, axis=0)
        apart = separation_arcsec(to_xyz(ra.ravel(), dec.ravel()), middle).max() / 206264.8
        assert 0.99 * cellsearch.cap_radius(order) < apart < cellsearch.cap_radius(order)


@given(st.integers(0, 29), st.integers(0, 2**63))
def test_own_centres_are_those_of_the_library(order: int, number: int) -> None:
    pixel = number % (12 << 2 * order)
    x, y = (int(f"0{pixel % 4**order:b}"[::-1][k::2][::-1] or "0", 2) for k in (0, 1))
    ours = cellsearch.center_xyz(order, *np.array([[pixel >> 2 * order], [x], [y]]))
    assert separation_arcsec(ours, to_xyz(*healpix.center(pixel, order)))[0] < 1e-9


def test_a_whole_sky_cone_is_the_twelve_base_cells() -> None:
    pixel, order, fully = healpix.cone_cells(1.0, 2.0, 648000.0, 9)
    assert pixel.tolist() == list(range(12))
    assert set(order) == {0}
    assert fully.all()


def test_a_zone_that_is_upside_down_is_refused() -> None:
    with pytest.raises(RegionError, match="Dec 5 to -5"):
        healpix.zone_cells((0, 10), (5, -5), 5)


def test_indexing_does_not_import_astropy() -> None:
    code = (
        "import sys; from skyquarry.sky import healpix; healpix.index(1.0, 2.0); "
        "healpix.cone_cells(1.0, 2.0, 60.0, 12); "
        "print([m for m in ('astropy', 'numba', 'mocpy') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
