"""The prior on motions that nobody measured: shares that follow magnitude, latitude and extent."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

from skyquarry.errors import UserError
from skyquarry.match.given.rows import Rows
from skyquarry.match.kernels.nearness import NEAR
from skyquarry.match.likelihood.motionprior import (
    COOL_IF_EXTENDED,
    OF_COOL_DWARFS,
    MotionPrior,
)
from skyquarry.sky.frames import lonlat_from_frame


def rows(mag: object, latitude: object = 30.0, extended: object = np.nan) -> Rows:
    mag, b, extended = np.broadcast_arrays(*map(np.atleast_1d, (mag, latitude, extended)))
    ra, dec = lonlat_from_frame(np.full(len(mag), 77.0), b.astype(float), "galactic")
    n = len(ra)
    nothing = np.full(n, np.nan)
    zeros = np.zeros(n, np.int64)
    return Rows(
        ra, dec, zeros, pa.array(range(n)), zeros, zeros, np.ones((n, 3)), nothing, None,
        mag.astype(float), nothing, extended.astype(float), np.zeros(n), 0.0,
        zeros.astype(np.int32),
    )  # fmt: skip


def test_weights_of_a_row_are_positive_and_sum_to_one() -> None:
    mags = np.append(np.linspace(-30, 60, 200), np.nan)
    for prior in (MotionPrior(), MotionPrior().with_fastest(), MotionPrior.single(10.0)):
        for extended in (0.0, 0.5, 1.0, np.nan):
            weights = prior.weights(rows(mags, -50.0, extended))
            assert weights.shape == (201, len(prior.sigmas_masyr))
            assert (weights > 0).all()
            np.testing.assert_allclose(weights.sum(axis=1), 1.0, atol=1e-12)


def test_a_row_of_which_nothing_is_known_has_the_base_weights() -> None:
    for prior in (MotionPrior(), MotionPrior().with_fastest()):
        np.testing.assert_allclose(prior.weights(rows(np.nan))[0], prior.base, rtol=1e-12)


@pytest.mark.parametrize(
    ("mag", "sin_b", "middling", "fast"),
    # design/motion_prior.py: Hipparcos-2 by Hp, then simulated stars by G
    [
        (6.6, 0.08, 0.357, 0.153),
        (6.6, 0.93, 0.493, 0.496),
        (8.5, 0.08, 0.253, 0.109),
        (8.5, 0.49, 0.493, 0.183),
        (8.6, 0.93, 0.568, 0.305),
        (13.2, 0.77, 0.414, 0.069),
        (17.2, 0.37, 0.050, 0.0066),
        (17.2, 0.77, 0.170, 0.014),
        (21.1, 0.57, 0.043, 0.0020),
        (21.1, 0.77, 0.085, 0.0042),
        (21.1, 0.98, 0.159, 0.0064),
    ],
)
def test_the_shares_of_faster_stars_are_as_measured(
    mag: float, sin_b: float, middling: float, fast: float
) -> None:
    weights = MotionPrior().weights(rows(mag, np.degrees(np.arcsin(sin_b)), 0.0))[0]
    stars = weights[1:4] / weights[1:4].sum()
    assert abs(np.log(stars[1] / middling)) < 0.4
    assert abs(np.log(stars[2] / fast)) < 0.6


def test_real_faint_stars_bear_the_shares_out() -> None:
    """Gaia around NGC 188 (|b| = 22), by G: middling stars within a factor of three."""
    for mag, middling in ((13.2, 0.166), (15.2, 0.040), (17.1, 0.040), (18.5, 0.039)):
        weights = MotionPrior().weights(rows(mag, 22.0, 0.0))[0]
        assert 1 / 3 < weights[2] / weights[1:4].sum() / middling < 3


def test_faint_rows_far_from_the_plane_may_be_galaxies() -> None:
    static = MotionPrior().weights(rows([14.0, 20.0, 20.0], [90.0, 90.0, 10.0]))[:, 0]
    np.testing.assert_allclose(static, [0.02, 0.5, 0.121], atol=0.002)


def test_extended_rows_stand_still_and_points_seldom_do() -> None:
    weights = MotionPrior().weights(rows([21.0, 21.0], 80.0, [1.0, 0.0]))
    np.testing.assert_allclose(weights[:, 0], [0.98, 0.02], rtol=2e-4)  # near dwarfs have the rest


def test_what_may_be_a_cool_dwarf_is_fast_or_near_by_as_much() -> None:
    some = rows(np.full(4, 18.0), 60.0, [np.nan, np.nan, np.nan, 1.0])
    weights = MotionPrior().weights(replace(some, cool=np.array([0.0, 0.5, 1.0, 0.5])))
    np.testing.assert_allclose(weights[2], OF_COOL_DWARFS)
    np.testing.assert_allclose(weights[1], 0.5 * (weights[0] + weights[2]))
    assert weights[3, NEAR] == pytest.approx(COOL_IF_EXTENDED * weights[1, NEAR])


def test_where_no_colour_tells_there_are_some_near_dwarfs_for_each_slow_star() -> None:
    weights = MotionPrior().weights(rows([14.0, 24.0, 24.0], 90.0, [np.nan, np.nan, 1.0]))
    base = MotionPrior().base
    np.testing.assert_allclose(weights[:, NEAR] / weights[:, 1], base[NEAR] / base[1])


def test_one_gaussian_is_the_same_for_all() -> None:
    prior = MotionPrior.single(20.0)
    assert prior.slow_masyr == 20.0
    np.testing.assert_array_equal(prior.weights(rows([5.0, 25.0])), np.ones((2, 1)))


def test_the_search_goes_as_far_as_the_slowest_that_move() -> None:
    assert MotionPrior().slow_masyr == 8.0
    assert MotionPrior.single(0.0).slow_masyr == 0.0


@pytest.mark.parametrize(("mag", "latitude"), [(21.0, 60.0), (21.0, 25.0), (14.0, 45.0)])
def test_the_search_goes_where_few_of_the_stars_lie_beyond(mag: float, latitude: float) -> None:
    """Two rows of a star whose motion is drawn from the prior: `lost` of each component exceed."""
    prior, rng, n = MotionPrior(lost=0.01), np.random.default_rng(5), 400_000
    star = rows(mag, latitude, 0.0)
    weights = prior.weights(star)[0, 1:NEAR]
    sigma = rng.choice(prior.sigmas_masyr[1:NEAR], n, p=weights / weights.sum())
    speed = np.hypot(*(sigma * rng.normal(size=(2, n))))
    k = 3.0
    reach = 2.0 * k * prior.reach_masyr(star, k)[0]
    assert (speed > reach).mean() < 0.02
    assert prior.reach_masyr(star, 2.0 * k)[0] >= 0.5 * prior.slow_masyr


def test_nearer_the_pole_and_brighter_none_reaches_farther_than_the_bound() -> None:
    prior, rng = MotionPrior(), np.random.default_rng(6)
    some = rows(rng.uniform(4, 26, 4000), rng.uniform(-90, 90, 4000))
    standing = replace(some, mag=np.floor(some.mag) + rng.random(4000))
    most = replace(prior, bounding=True).reach_masyr(standing, 3.0)
    assert (prior.reach_masyr(some, 3.0) <= most * (1.0 + 1e-9)).all()


def test_the_fastest_are_one_component_more() -> None:
    prior = MotionPrior().with_fastest(1200.0, 1e-3)
    assert prior.sigmas_masyr.tolist() == [0.0, 8.0, 25.0, 80.0, 250.0, 1200.0]
    assert prior.base.sum() == pytest.approx(1.0, abs=1e-15)
    plain, more = (p.weights(rows([9.0, 19.0])) for p in (MotionPrior(), prior))
    np.testing.assert_allclose(more[:, :5], plain * 0.999)
    np.testing.assert_allclose(more[:, 5], 1e-3)


def test_weights_that_do_not_sum_to_one_are_refused() -> None:
    with pytest.raises(UserError, match=r"weights \[0.5, 0.6\], but"):
        MotionPrior(np.array([0.0, 10.0]), np.array([0.5, 0.6]), informed=False)
    with pytest.raises(UserError, match="each sigma needs a weight"):
        replace(MotionPrior(), base=np.array([1.0]))
