"""The search for pairs agrees with trying all against all, wherever on the sky."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skyquarry.match.geometry import search, searching
from skyquarry.match.kernels import boxes, tables
from skyquarry.sky import healpix
from skyquarry.sky.cellsearch import center_xyz
from skyquarry.sky.vectors import to_radec, to_xyz
from skyquarry.testing.naive.match import naive_nearest, naive_pairs, naive_separations

if TYPE_CHECKING:
    from pathlib import Path

# Places where x, y of the base cells jump: poles, 0h, the corners of base cells (4 and 3 of them
# meet), their edges, the border of the polar caps; and ordinary ones.
CORNERS = [(0.0, np.degrees(np.arcsin(2 / 3))), (90.0, -np.degrees(np.arcsin(2 / 3))), (45.0, 0.0)]
EDGES = [(22.5, np.degrees(np.arcsin(1 / 3))), (90.0, 60.0), (180.0, -75.0), (337.5, -19.4712)]
PLACES = [(0.0, 90.0), (0.0, -90.0), (0.0, 0.0), (0.0, 30.0), (150.0, 20.0), (359.9999, -50.0)]
centres = st.sampled_from(PLACES + CORNERS + EDGES) | st.tuples(
    st.floats(0, 359.99), st.floats(-90, 90)
)
radii = st.floats(-6, 5.5).map(lambda power: 10.0**power)  # 1 uas to 88 degrees


def cloud(centre: tuple[float, float], size_arcsec: float, n: int, seed: int) -> Any:
    """`n` positions (ra_deg, dec_deg) strewn round a centre, some of them equal, some at it."""
    random = np.random.default_rng(seed)
    scale = size_arcsec / 206264.8 * random.choice([0.1, 1.0, 3.0], (n, 1))
    xyz = to_xyz(*centre) + random.standard_normal((n, 3)) * scale
    ra, dec = to_radec(xyz)
    if n > 3:
        ra[1], dec[1] = ra[0], dec[0]
        ra[2], dec[2] = centre
    return ra, dec


def found_of(left: Any, right: Any, radius: Any, **options: Any) -> list[tuple[int, int, float]]:
    """What find_pairs gives for unsorted positions, as rows of these; all ranks are the rows."""
    a, of_a = search.sorted_points(*left)
    b, of_b = search.sorted_points(*right)
    radius, right_radius = np.asarray(radius), np.asarray(options.pop("right_radius_arcsec", 0.0))
    got = search.find_pairs(
        a,
        b,
        radius[of_a] if radius.ndim else float(radius),
        right_radius_arcsec=right_radius[of_b] if right_radius.ndim else float(right_radius),
        **options,
    )
    assert got.left.dtype == got.right.dtype == np.int64
    rows = zip(of_a[got.left], of_b[got.right], got.sep_arcsec, strict=True)
    ordered = sorted(rows, key=lambda row: row[0])  # a stable sort: the rest stays as it was
    return [(int(i), int(j), float(sep)) for i, j, sep in ordered]


def check(
    left: Any, right: Any, radius: Any, right_radius: Any = 0.0, *, same: bool = False
) -> int:
    """Compare with the twin; pairs within rounding of the radius may fall on either side."""
    got = found_of(left, right, radius, right_radius_arcsec=right_radius, same=same)
    pairs = {(i, j): sep for i, j, sep in got}
    assert len(pairs) == len(got)
    wider = naive_pairs(*left, *right, np.asarray(radius) + 2e-10, right_radius, same=same)
    surely = naive_pairs(*left, *right, np.asarray(radius) - 2e-10, right_radius, same=same)
    assert surely.keys() <= pairs.keys() <= wider.keys()
    assert all(abs(sep - wider[pair]) < 2e-10 + 1e-15 * sep for pair, sep in pairs.items())
    assert got == sorted(got, key=lambda row: (row[0], row[2], row[1]))
    return len(got)


@given(centres, radii, st.integers(0, 2**32), st.sampled_from([0, 1, 2, 30, 80]))
@settings(max_examples=150)
def test_pairs_are_those_of_all_against_all(
    centre: tuple[float, float], radius: float, seed: int, n: int
) -> None:
    check(cloud(centre, radius, n, seed), cloud(centre, radius, 50, seed + 1), radius)


@given(centres, radii, st.integers(0, 2**32))
@settings(max_examples=80)
def test_radii_of_rows_add_up_and_nan_matches_nothing(
    centre: tuple[float, float], radius: float, seed: int
) -> None:
    random = np.random.default_rng(seed)
    factors = random.choice([0.0, 0.01, 0.3, 1.0, 1.0, 30.0, np.nan], 100)
    own = np.minimum(radius * factors, 648000.0)
    left, right = cloud(centre, radius, 40, seed), cloud(centre, radius, 60, seed + 1)
    check(left, right, own[:40], own[40:])
    check(left, right, radius, own[40:])
    check(left, right, own[:40])


@given(centres, radii, st.integers(0, 2**32))
@settings(max_examples=50)
def test_a_side_against_itself_gives_each_pair_twice_and_no_row_alone(
    centre: tuple[float, float], radius: float, seed: int
) -> None:
    side = cloud(centre, radius, 60, seed)
    assert check(side, side, radius, same=True) % 2 == 0


@pytest.mark.parametrize("of_rows", [True, False])
@given(centre=centres, radius=radii, seed=st.integers(0, 2**32))
@settings(max_examples=30)
def test_a_side_against_itself_gives_each_pair_once_where_asked(
    *, centre: tuple[float, float], radius: float, seed: int, of_rows: bool
) -> None:
    points, _ = search.sorted_points(*cloud(centre, radius, 60, seed))
    own = np.random.default_rng(seed).uniform(0.0, radius, 60) if of_rows else 0.5 * radius
    both = search.find_pairs(points, points, own, right_radius_arcsec=own, same=True)
    once = search.find_pairs(points, points, own, right_radius_arcsec=own, same=True, once=True)
    first = both.take(both.left < both.right)
    for name in ("left", "right", "sep_arcsec"):
        assert getattr(once, name).tolist() == getattr(first, name).tolist()


@given(centres, radii, st.integers(0, 2**32), st.integers(1, 4), st.sampled_from([20, 300]))
@settings(max_examples=60)
def test_the_nearest_k_are_the_first_of_all_pairs(
    centre: tuple[float, float], radius: float, seed: int, k: int, n: int
) -> None:
    left, right = cloud(centre, radius, 40, seed), cloud(centre, 0.3 * radius, n, seed + 1)
    every = found_of(left, right, radius)
    pairs = {(i, j): sep for i, j, sep in every}
    best = [(i, j) for i, j, _ in found_of(left, right, radius, nearest=k)]
    assert best == naive_nearest(pairs, np.arange(n), k)


@given(centres, radii, st.integers(0, 2**32))
@settings(max_examples=40)
def test_exchanged_sides_give_the_same_pairs_to_the_bit(
    centre: tuple[float, float], radius: float, seed: int
) -> None:
    left, right = cloud(centre, radius, 40, seed), cloud(centre, radius, 50, seed + 1)
    there = {(i, j, sep) for i, j, sep in found_of(left, right, radius)}
    assert there == {(i, j, sep) for j, i, sep in found_of(right, left, radius)}


@given(st.integers(0, 2**32), st.floats(0.1, 2.0))
@settings(max_examples=10)
def test_pairs_over_the_whole_sky_and_in_crowds(seed: int, radius_deg: float) -> None:
    random = np.random.default_rng(seed)
    left = to_radec(random.standard_normal((400, 3)))
    crowd = cloud((200.0, -40.0), 3600.0, 200, seed)
    wide = [np.concatenate(both) for both in zip(left, crowd, strict=True)]
    check(wide, to_radec(random.standard_normal((700, 3))), 3600.0 * radius_deg)
    check(wide, wide, 3600.0 * radius_deg, same=True)


@given(centres, st.floats(-2, 3.5), st.sampled_from([0.02, 0.1, 0.5]), st.integers(0, 2**32))
@settings(max_examples=12)
def test_crowds_whose_rows_share_what_is_looked_at_give_the_same_pairs(
    centre: tuple[float, float], power: float, part: float, seed: int
) -> None:
    size = 10.0**power
    left, right = cloud(centre, size, 300, seed), cloud(centre, size, 900, seed + 1)
    check(left, right, part * size)
    reach = np.random.default_rng(seed).choice([0.0, 0.1, 1.0, 8.0], 900)
    check(left, right, 0.1 * part * size, 0.1 * part * size * reach)
    check(right, right, 0.2 * part * size, same=True)


@given(st.integers(0, 2**32), st.integers(0, 11), st.integers(1, 9))
@settings(max_examples=60)
def test_pairs_across_the_corners_of_cells_are_found(seed: int, face: int, order: int) -> None:
    ra, dec = healpix.corners(np.array([face * 4**order + seed % 4**order]), order)
    corner = (float(ra[0, seed % 4]), float(dec[0, seed % 4]))
    assert check(cloud(corner, 1.0, 40, seed), cloud(corner, 1.0, 40, seed + 1), 1.0) > 0


@pytest.mark.parametrize("pole", [90.0, -90.0])
@pytest.mark.parametrize("ra_deg", [20.0, 45.0, 200.0])
def test_rows_of_one_base_cell_beside_a_pole_are_paired_once(pole: float, ra_deg: float) -> None:
    random = np.random.default_rng(5)
    dec = [pole * (1.0 - random.uniform(1e-6, 5e-4, n)) for n in (40, 300)]
    left, right = ((ra_deg + random.uniform(0, 40, len(d)), d) for d in dec)
    assert len({*(healpix.index(*left) >> 58), *(healpix.index(*right) >> 58)}) < 3
    assert check(left, right, 30.0) > 500


@pytest.mark.parametrize("radius", [200_000.0, 500_000.0, 648_000.0])
def test_a_radius_may_be_as_large_as_the_sky(radius: float) -> None:
    random = np.random.default_rng(7)
    left, right = (to_radec(random.standard_normal((n, 3))) for n in (60, 90))
    pairs = check(left, right, radius)
    assert (pairs == 60 * 90) == (radius == 648_000.0)


def test_separations_are_exact_from_0_to_180_degrees(golden: Path) -> None:
    table = pq.read_table(golden / "separation.parquet")
    names = ("ra1_deg", "dec1_deg", "ra2_deg", "dec2_deg", "sep_arcsec")
    ra1, dec1, ra2, dec2, truth = (table[name].to_numpy() for name in names)
    ours = search.separation_arcsec(ra1 % 360.0, dec1, ra2 % 360.0, dec2)
    np.testing.assert_allclose(ours, truth, rtol=0, atol=1e-9)


@given(centres, st.floats(-14, 5.8), st.integers(0, 2**32))
def test_separations_agree_with_those_of_vectors(
    centre: tuple[float, float], power: float, seed: int
) -> None:
    a, b = cloud(centre, 10.0**power, 20, seed), cloud(centre, 10.0**power, 20, seed + 1)
    ours = search.separation_arcsec(a[0][:, None], a[1][:, None], b[0][None], b[1][None])
    np.testing.assert_allclose(ours, naive_separations(*a, *b), rtol=1e-15, atol=2e-10)


@pytest.mark.parametrize("face", range(12))
def test_x_and_y_of_base_cells_change_no_faster_than_the_search_allows(face: int) -> None:
    side = 1 << 29
    steps = (0.5 - 0.4999 * np.cos(np.linspace(0.0, np.pi, 60))) * side
    x, y = (along.ravel() for along in np.meshgrid(steps.astype(np.int64), steps.astype(np.int64)))
    faces = np.full(x.size, face)
    step = 4096
    across = center_xyz(29, faces, x + step, y) - center_xyz(29, faces, x - step, y)
    along = center_xyz(29, faces, x, y + step) - center_xyz(29, faces, x, y - step)
    gradients = np.linalg.pinv(np.stack([across, along], axis=2) / (2 * step / side))
    slope = np.linalg.norm(gradients, axis=2).max(axis=1)
    dec = np.degrees(np.arcsin(center_xyz(29, faces, x, y)[:, 2]))
    assert 0.97 < slope.max() < boxes.STEEP
    assert slope[np.abs(dec) < boxes.FLAT_DEG].max() < boxes.FLAT


@pytest.mark.parametrize("crowded", [0.0, 0.9, 1.0])
def test_a_crowd_does_not_crowd_the_table_of_its_rows(crowded: float) -> None:
    random, rows = np.random.default_rng(3), 5000
    wide = random.integers(0, 12 << 58, rows)
    narrow = (7 << 58) + random.integers(0, 1 << 52, rows)
    spatial = np.sort(np.where(random.random(rows) < crowded, narrow, wide))
    spatial[100:110] = spatial[100]
    table = searching.table_of_classes(spatial, np.array([0, rows]))
    first, last, shift, start, cells, buckets = table
    own = first[0], last[0], shift[0], start[0], cells, buckets
    found = np.array([tables.bucket_of.py_func(pixel, own) for pixel in spatial])
    numbers = np.arange(rows)
    assert ((found[:, 0] <= numbers) & (numbers < found[:, 1])).all()
    assert (found[:, 1] - found[:, 0]).mean() < 5.0
    outside = [tables.bucket_of.py_func(pixel, own) for pixel in (-1, 12 << 58)]
    assert (outside[0][0], outside[1][1]) == (0, rows)
