"""HTM: ids as SkyServer's, judged by lsst.sphgeom and by a slow twin."""

from __future__ import annotations

import itertools
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skyquarry.errors import PositionError, RegionError
from skyquarry.sky import htm
from skyquarry.sky.vectors import normalised, separation_arcsec
from skyquarry.testing.naive import sky as naive


def random_points(n: int, seed: int = 1) -> np.ndarray:
    return normalised(np.random.default_rng(seed).normal(size=(n, 3)))


# corners, middles of edges and centres of the roots
special = normalised([p for p in itertools.product((-1.0, 0.0, 1.0), repeat=3) if any(p)])


@pytest.mark.judge
@pytest.mark.parametrize("level", [0, 1, 7, 20, 24])
def test_ids_are_those_of_sphgeom(level: int) -> None:
    sphgeom = pytest.importorskip("lsst.sphgeom")
    pixels = sphgeom.HtmPixelization(level)
    points = np.concatenate([random_points(4000, level), special])
    theirs = [pixels.index(sphgeom.UnitVector3d(*p)) for p in points.tolist()]
    np.testing.assert_array_equal(htm.index(points, level), theirs)


@pytest.mark.judge
def test_corners_and_names_are_those_of_sphgeom() -> None:
    sphgeom = pytest.importorskip("lsst.sphgeom")
    ids = htm.index(random_points(200), 9)
    for trixel, three in zip(ids.tolist(), htm.corners(ids), strict=True):
        theirs = [list(v) for v in sphgeom.HtmPixelization(9).triangle(trixel).getVertices()]
        np.testing.assert_allclose(sorted(three.tolist()), sorted(theirs), atol=1e-15)
        assert htm.name(trixel) == [sphgeom.HtmPixelization.asString(trixel)]


@given(st.integers(0, 2**32 - 1), st.integers(0, 24))
def test_the_walk_agrees_with_the_slow_twin(seed: int, level: int) -> None:
    points = random_points(5, seed)
    assert htm.index(points, level).tolist() == [naive.htm_index(p, level) for p in points]


@given(st.integers(0, 24), st.integers(0, 2**60))
def test_the_centre_of_every_trixel_lies_in_it(level: int, number: int) -> None:
    trixel = (8 << 2 * level) + number % (8 << 2 * level)
    assert htm.index(htm.center(trixel), level)[0] == trixel
    assert htm.level_of(trixel)[0] == level
    assert htm.parse_name(htm.name(trixel)[0]) == trixel


def test_the_centres_of_all_coarse_trixels_lie_in_them() -> None:
    for level in range(7):
        ids = np.arange(8 << 2 * level, 16 << 2 * level)
        np.testing.assert_array_equal(htm.index(htm.center(ids), level), ids)


@given(st.integers(0, 12), st.integers(0, 2**40), st.integers(12, 24))
def test_a_corner_lies_in_a_trixel_that_touches_it(level: int, number: int, deep: int) -> None:
    trixel = (8 << 2 * level) + number % (8 << 2 * level)
    three = htm.corners(trixel)[0]
    for point in (*three, *normalised(three + np.roll(three, 1, axis=0))):
        found = htm.corners(htm.index(point, deep))[0]
        sides = [naive._side(found[k - 1], found[k], point) for k in range(3)]
        edge = np.linalg.norm(found[0] - found[1])
        assert min(sides) >= -1e-15 * edge  # within float64's rounding of the point itself


@given(st.integers(0, 2**32 - 1), st.integers(0, 24), st.integers(0, 24))
def test_a_trixel_is_a_range_of_any_deeper_level(seed: int, one: int, other: int) -> None:
    coarse, deep = sorted((one, other))
    point = random_points(1, seed)
    start, stop = htm.ranges(htm.index(point, coarse), deep)
    found = htm.index(point, deep)
    assert start[0] <= found[0] < stop[0]
    assert htm.parent(found, coarse)[0] == htm.index(point, coarse)[0]


def test_ids_and_names_as_skyserver_has_them() -> None:
    assert htm.index([[1.0, 1.0, -1.0], [1.0, 1.0, 1.0]], 0).tolist() == [8, 15]
    assert htm.parse_name("N012") == (12 << 4) | (1 << 2) | 2
    assert htm.name([8, 12, 15, 0x3A]) == ["S0", "N0", "N3", "N22"]
    ids = htm.index(random_points(100), 20)
    assert np.all((ids >= 8 << 40) & (ids < 16 << 40))


def test_length_of_a_vector_does_not_matter() -> None:
    points = random_points(1000)
    np.testing.assert_array_equal(htm.index(points * 1e5, 24), htm.index(points, 24))


def test_degrees_and_vectors_give_the_same_ids_across_chunks() -> None:
    from skyquarry.sky.vectors import to_xyz

    rng = np.random.default_rng(2)
    ra, dec = rng.uniform(0, 360, 140_000), rng.uniform(-90, 90, 140_000)
    np.testing.assert_array_equal(htm.index_radec(ra, dec, 20), htm.index(to_xyz(ra, dec), 20))


def test_corners_of_mixed_levels_match_the_slow_twin() -> None:
    ids = [8, 15, htm.parse_name("N0123"), htm.parse_name("S3" + "0123" * 6)]
    for ours, trixel in zip(htm.corners(ids), ids, strict=True):
        apart = separation_arcsec(ours, naive.htm_corners(trixel))
        assert apart.max() < 1e-9


@pytest.mark.parametrize("bad", [[np.nan, 0, 0], [0, 0, 0], [np.inf, 0, 1]])
def test_what_is_no_direction_is_named_with_its_row(bad: list[float]) -> None:
    with pytest.raises(PositionError, match="in row 1, but an index needs a direction"):
        htm.index([[1.0, 0.0, 0.0], bad], 5)


def test_what_is_no_trixel_is_refused_by_its_value() -> None:
    with pytest.raises(RegionError, match="trixel id is 7 in row 1"):
        htm.corners([8, 7])
    with pytest.raises(RegionError, match="trixel id is 16"):
        htm.level_of(16)
    with pytest.raises(RegionError, match="'N4'"):
        htm.parse_name("N4")
    with pytest.raises(RegionError, match="level is 25"):
        htm.index([[1.0, 0, 0]], 25)
    with pytest.raises(RegionError, match="try `parent`"):
        htm.ranges([htm.parse_name("N00")], 0)
    with pytest.raises(RegionError, match="try `ranges`"):
        htm.parent([8], 3)


def test_no_points_give_no_ids() -> None:
    assert htm.index(np.empty((0, 3)), 20).shape == (0,)


def test_numba_is_imported_only_when_a_trixel_is_asked_for() -> None:
    code = "import sys; from skyquarry.sky import htm; htm.name([8]); print('numba' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_kernels_work_where_nothing_can_be_cached(monkeypatch: pytest.MonkeyPatch) -> None:
    import numba

    from skyquarry.sky.compiled import kernel

    njit = numba.njit

    def refuse(*given: object, **options: bool) -> object:  # numba itself calls it as it compiles
        if options.pop("cache", False):
            raise RuntimeError("cannot cache function: no locator available")
        return njit(*given, **options)

    monkeypatch.setattr(numba, "njit", refuse)

    def double(x: float) -> float:
        return 2.0 * x

    assert kernel(double)(2.0) == 4.0
