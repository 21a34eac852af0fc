"""The prior on motions that nobody measured: shares that follow magnitude, latitude and extent."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

from skyquarry.errors import UserError
from skyquarry.match.given.rows import Rows
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
    ("mag", "latitude", "share"),
    # design/motion_prior.py: Hipparcos-2 by Hp and |b|, then Gaia around NGC 188 (|b| = 22)
    [
        (6.5, 30, 0.69),
        (7.5, 5, 0.30),
        (7.5, 70, 0.76),
        (8.5, 5, 0.26),
        (8.5, 70, 0.68),
        (13, 22, 0.092),
        (15, 22, 0.026),
        (17, 22, 0.030),
        (19, 22, 0.022),
    ],
)
def test_the_share_of_fast_stars_is_as_measured(mag: float, latitude: float, share: float) -> None:
    weights = MotionPrior().weights(rows(mag, latitude, 0.0))[0]
    odds = np.log(weights[2] / weights[1]) - np.log(share / (1 - share))
    assert abs(odds) < 0.5


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
    assert weights[3, 3] == pytest.approx(COOL_IF_EXTENDED * weights[1, 3])


def test_where_no_colour_tells_near_dwarfs_are_a_part_of_the_stars() -> None:
    weights = MotionPrior().weights(rows([14.0, 24.0, 24.0], 90.0, [np.nan, np.nan, 1.0]))
    stars = 1.0 - weights[:, 0]
    np.testing.assert_allclose(weights[:, 3] / stars, 1e-4 / 0.7, rtol=1e-3)


def test_one_gaussian_is_the_same_for_all() -> None:
    prior = MotionPrior.single(20.0)
    assert prior.slow_masyr == 20.0
    np.testing.assert_array_equal(prior.weights(rows([5.0, 25.0])), np.ones((2, 1)))


def test_the_search_goes_as_far_as_the_slowest_that_move() -> None:
    assert MotionPrior().slow_masyr == 8.0
    assert MotionPrior.single(0.0).slow_masyr == 0.0


def test_the_fastest_are_one_component_more() -> None:
    prior = MotionPrior().with_fastest(1200.0, 1e-3)
    assert prior.sigmas_masyr.tolist() == [0.0, 8.0, 80.0, 250.0, 1200.0]
    assert prior.base.sum() == pytest.approx(1.0, abs=1e-15)
    plain, more = (p.weights(rows([9.0, 19.0])) for p in (MotionPrior(), prior))
    np.testing.assert_allclose(more[:, :4], plain * 0.999)
    np.testing.assert_allclose(more[:, 4], 1e-3)


def test_weights_that_do_not_sum_to_one_are_refused() -> None:
    with pytest.raises(UserError, match=r"weights \[0.5, 0.6\], but"):
        MotionPrior(np.array([0.0, 10.0]), np.array([0.5, 0.6]), informed=False)
    with pytest.raises(UserError, match="each sigma needs a weight"):
        replace(MotionPrior(), base=np.array([1.0]))
