"""Rows at other epochs, judged by the whole 6 x 6 covariance; and no candidate that is lost."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skyquarry.match.given.rows import Motions, Rows
from skyquarry.match.kernels.nearness import NEAR, RARE
from skyquarry.match.likelihood.epochs import (
    RV_DISPERSION_KMS,
    largest_variance,
    meeting_epoch,
    moved,
    moved_pairs,
    search_reach,
)
from skyquarry.match.likelihood.motionprior import MotionPrior
from skyquarry.sky import healpix
from skyquarry.sky.motion import KM_S_YEARS_PER_AU
from skyquarry.sky.motioncovariance import (
    Astrometry,
    moved_astrometry,
    moved_covariance,
    with_radial_motion,
)
from skyquarry.sky.vectors import separation_arcsec, to_radec, to_xyz


def positions(rng: np.random.Generator, n: int) -> tuple[np.ndarray, np.ndarray]:
    """All over the sky, with the poles, 0h, and rows within an arcminute of a pole."""
    ra, dec = rng.uniform(0, 360, n), np.degrees(np.arcsin(rng.uniform(-1, 1, n)))
    special = [(0.0, 90.0), (200.0, 90.0), (77.0, -90.0), (359.99999999, 10.0), (0.0, -30.0)]
    special += [(10.0, 89.99999), (250.0, -89.999), (180.0, 89.9)]
    for k, (a, d) in enumerate(special[:n]):
        ra[k], dec[k] = a, d
    return ra, dec


def some_rows(n: int, seed: int = 0, *, pm_sigma: float = 300.0, known: bool = True) -> Rows:
    rng = np.random.default_rng(seed)
    ra, dec = positions(rng, n)
    half = rng.normal(size=(n, 4, 4)) * np.array([0.5, 0.5, 0.2, 0.2])[:, None]
    whole = half @ half.transpose(0, 2, 1) + np.diag([0.01, 0.01, 0.01, 0.01])  # mas, mas/yr
    motions = Motions(
        rng.normal(0, pm_sigma, (n, 2)),
        np.stack([whole[:, 2, 2], whole[:, 3, 3], whole[:, 2, 3]], axis=1),
        np.stack([whole[:, 0, 2], whole[:, 0, 3], whole[:, 1, 2], whole[:, 1, 3]], axis=1),
        np.where(rng.random(n) < 0.8, rng.normal(20, 60, n), np.nan),
        rng.uniform(0.02, 0.5, n),
        np.where(rng.random(n) < 0.5, rng.normal(0, 80, n), np.nan),
        rng.uniform(0.1, 5, n),
    )
    return Rows(
        ra,
        dec,
        healpix.index(ra, dec),
        pa.array(range(n)),
        np.arange(n),
        np.arange(n),
        np.stack([whole[:, 0, 0], whole[:, 1, 1], whole[:, 0, 1]], axis=1) * 1e-6,
        np.full(n, 2016.0),
        motions if known else None,
        np.full(n, np.nan),
        np.full(n, np.nan),
        np.full(n, np.nan),
        np.zeros(n),
        0.0,
        np.zeros(n, np.int32),
    )


def twin(rows: Rows, years: float | np.ndarray) -> tuple[Astrometry, np.ndarray]:
    """The same by the full six parameters."""
    m = rows.motions
    assert m is not None
    n = len(rows)
    plx = np.where(np.isnan(m.parallax), 0.0, m.parallax)
    known = ~np.isnan(m.rv)
    rv, rv_error = np.where(known, m.rv, 0.0), np.where(known, m.rv_error, RV_DISPERSION_KMS)
    five = np.zeros((n, 5, 5))
    c = rows.covariance * 1e6
    for a, b, value in [
        (0, 0, c[:, 0]), (1, 1, c[:, 1]), (0, 1, c[:, 2]), (2, 2, m.parallax_error**2),
        (3, 3, m.covariance[:, 0]), (4, 4, m.covariance[:, 1]), (3, 4, m.covariance[:, 2]),
        (0, 3, m.cross[:, 0]), (0, 4, m.cross[:, 1]), (1, 3, m.cross[:, 2]), (1, 4, m.cross[:, 3]),
    ]:  # fmt: skip
        five[:, a, b] = five[:, b, a] = value
    stars = Astrometry.of(
        rows.ra_deg, rows.dec_deg, plx, m.pm[:, 0], m.pm[:, 1], rv * plx / KM_S_YEARS_PER_AU
    )
    whole = with_radial_motion(five, plx, rv, rv_error)
    return moved_astrometry(stars, years), moved_covariance(stars, whole, years)


def test_positions_motions_and_covariances_are_those_of_six_parameters() -> None:
    rows = some_rows(400)
    years = np.random.default_rng(9).uniform(-120, 120, 400)
    now = moved(rows, 2016.0 + years)
    years = (2016.0 + years) - 2016.0
    stars, whole = twin(rows, years)
    there = to_xyz(stars.ra_deg, stars.dec_deg)
    assert separation_arcsec(now.xyz, there).max() < 1e-9
    assert separation_arcsec(to_xyz(now.ra_deg, now.dec_deg), there).max() < 1e-9
    scale = np.sqrt(np.einsum("nii->ni", whole))
    for mine, (a, b), unit in [
        (now.covariance[:, 0], (0, 0), 1e6), (now.covariance[:, 1], (1, 1), 1e6),
        (now.covariance[:, 2], (0, 1), 1e6), (now.pm_covariance[:, 0], (3, 3), 1.0),
        (now.pm_covariance[:, 1], (4, 4), 1.0), (now.pm_covariance[:, 2], (3, 4), 1.0),
        (now.cross[:, 0], (0, 3), 1.0), (now.cross[:, 1], (0, 4), 1.0),
        (now.cross[:, 2], (1, 3), 1.0), (now.cross[:, 3], (1, 4), 1.0),
    ]:  # fmt: skip
        away = (mine * unit - whole[:, a, b]) / (scale[:, a] * scale[:, b])
        assert np.abs(away).max() < 1e-8, (a, b)
    np.testing.assert_allclose(now.pm[:, 0], stars.pmra_masyr, atol=1e-7)
    np.testing.assert_allclose(now.pm[:, 1], stars.pmdec_masyr, atol=1e-7)


def test_an_unknown_radial_velocity_makes_near_stars_less_sure() -> None:
    rows = some_rows(1)
    assert rows.motions is not None
    near = replace(
        rows.motions,
        pm=np.array([[-3600.0, 900.0]]),
        parallax=np.array([750.0]),
        rv=np.array([np.nan]),
    )
    rows = replace(rows, ra_deg=np.array([219.9]), dec_deg=np.array([-60.8]), motions=near)
    unknown = moved(rows, 1916.0).covariance
    known = moved(
        replace(rows, motions=replace(near, rv=np.array([-22.0]), rv_error=np.array([0.1]))), 1916.0
    ).covariance
    # d(position) = -mu zeta t^2: 3.7"/yr * (50 / 4.74 * 0.75") * (100 yr)^2 in radians
    drift = 3.711 * (50 / 4.740470464 * 0.75 / 206264.8) * 1e4
    gained = np.sqrt(largest_variance(unknown) - largest_variance(known))[0]
    assert gained == pytest.approx(drift, rel=0.02)


def test_rows_without_motion_stay_to_the_last_bit() -> None:
    rows = some_rows(50)
    assert rows.motions is not None
    unknown = replace(rows.motions, pm=np.full((50, 2), np.nan))
    for still in (replace(rows, motions=None), replace(rows, motions=unknown)):
        now = moved(still, 1950.0)
        np.testing.assert_array_equal(now.ra_deg, rows.ra_deg)
        np.testing.assert_array_equal(now.dec_deg, rows.dec_deg)
        np.testing.assert_array_equal(now.covariance, rows.covariance)
        assert np.isnan(now.pm).all()


def test_no_epoch_and_no_time_leave_a_row_where_it_is() -> None:
    rows = some_rows(20)
    for other, to in ((rows, np.nan), (rows, 2016.0)):
        np.testing.assert_array_equal(moved(other, to).ra_deg, rows.ra_deg)
    nowhen = replace(rows, epoch=np.full(20, np.nan))
    np.testing.assert_array_equal(moved(nowhen, 1950.0).covariance, rows.covariance)


def test_pairs_are_moved_each_to_its_own_epoch() -> None:
    rows = some_rows(30)
    index, to = np.array([3, 3, 29, 0]), np.array([1950.0, 2016.0, 2000.5, 1991.25])
    pairs = moved_pairs(rows, index, to)
    for k, (i, year) in enumerate(zip(index, to, strict=True)):
        alone = moved(rows, float(year))
        np.testing.assert_array_equal(pairs.covariance[k], alone.covariance[i])
        assert pairs.ra_deg[k] == alone.ra_deg[i]


def test_a_parallax_widens_what_is_compared_with_single_dates() -> None:
    rows = some_rows(100)
    assert rows.motions is not None
    gained = moved(rows, 2000.0, parallactic=True).covariance - moved(rows, 2000.0).covariance
    parallax = rows.motions.parallax
    expected = np.where(parallax > 0, 0.5 * (parallax * 1e-3) ** 2, 0.0)
    np.testing.assert_allclose(gained[:, 0], expected, atol=1e-12)
    np.testing.assert_allclose(gained[:, 1], expected, atol=1e-12)
    np.testing.assert_array_equal(gained[:, 2], 0.0)


# ---------------------------------------------------------------- where rows meet


def test_the_row_that_can_move_goes_to_the_other() -> None:
    a, b = (
        some_rows(3),
        replace(some_rows(3, known=False), epoch=np.array([2000.0, np.nan, 1999.0])),
    )
    i = np.arange(3)
    np.testing.assert_array_equal(meeting_epoch(a, b, i, i), [2000.0, 2016.0, 1999.0])
    np.testing.assert_array_equal(meeting_epoch(b, a, i, i), [2000.0, 2016.0, 1999.0])


def test_of_two_that_can_move_the_better_one_does() -> None:
    a, b = some_rows(2), some_rows(2)
    b = replace(b, epoch=np.full(2, 1991.25), covariance=b.covariance * np.array([[4.0], [0.25]]))
    i = np.arange(2)
    np.testing.assert_array_equal(meeting_epoch(a, b, i, i), [1991.25, 2016.0])
    np.testing.assert_array_equal(meeting_epoch(b, a, i, i), [1991.25, 2016.0])


def test_of_equals_the_earlier_epoch_is_taken() -> None:
    a = some_rows(2, known=False)
    b = replace(a, epoch=np.array([2000.0, 2020.0]))
    i = np.arange(2)
    np.testing.assert_array_equal(meeting_epoch(a, b, i, i), [2000.0, 2016.0])
    np.testing.assert_array_equal(meeting_epoch(b, a, i, i), [2000.0, 2016.0])


# ---------------------------------------------------------------- reach


def counterpart(rows: Rows, rng: np.random.Generator, kind: str, k: float) -> Rows:
    """Rows of a second catalogue, each at the very edge of chi2 = k^2 from its partner."""
    n = len(rows)
    epoch = rng.uniform(1985.0, 2025.0, n)
    if kind == "one epoch":
        epoch = np.full(n, 2000.0)
    epoch[rng.random(n) < 0.1] = np.nan
    sigma = 10.0 ** rng.uniform(-5, 1, n)
    covariance = np.stack([sigma**2, sigma**2, np.zeros(n)], axis=1)
    b = replace(rows, epoch=epoch, covariance=covariance, motions=None)
    if kind == "both move":
        assert rows.motions is not None
        own = replace(
            rows.motions,
            pm=rows.motions.pm + rng.normal(0, 50, (n, 2)),
            covariance=np.tile([0.04, 0.04, 0.0], (n, 1)),
            cross=np.zeros((n, 4)),
        )
        own.pm[rng.random(n) < 0.3] = np.nan
        b = replace(b, motions=own)
    i = np.arange(n)
    met = meeting_epoch(rows, b, i, i)
    here, there = moved(rows, met), moved(b, met)
    drift = np.zeros(n)
    neither = np.isnan(here.pm[:, 0]) & np.isnan(there.pm[:, 0])
    dt = np.nan_to_num(rows.epoch - epoch)
    drift[neither] = 8e-3 * np.abs(dt[neither])
    # partner placed k sigma along the larger axis of the sum of both
    whole = here.covariance + there.covariance
    whole[:, :2] += drift[:, None] ** 2
    angle = 0.5 * np.arctan2(2 * whole[:, 2], whole[:, 0] - whole[:, 1])
    step = np.sin(k * np.sqrt(largest_variance(whole)) * 0.999 / 206264.806247)
    ra = np.radians(here.ra_deg)
    p = np.stack([-np.sin(ra), np.cos(ra), np.zeros(n)], axis=1)
    q = np.cross(here.xyz, p)
    edge = here.xyz + step[:, None] * (p * np.cos(angle)[:, None] + q * np.sin(angle)[:, None])
    at_met = replace(b, ra_deg=to_radec(edge)[0], dec_deg=to_radec(edge)[1], epoch=met)
    home = moved(at_met, epoch)  # back to its own epoch; near a pole its axes are others there
    motions = None if b.motions is None else replace(b.motions, pm=home.pm)
    return replace(b, ra_deg=home.ra_deg, dec_deg=home.dec_deg, motions=motions)


@settings(max_examples=30)
@given(
    st.integers(0, 10_000),
    st.sampled_from(["one epoch", "epochs by row", "both move"]),
    st.sampled_from([1.0, 3.44, 6.0]),
)
def test_no_pair_within_the_limit_is_out_of_reach(seed: int, kind: str, k: float) -> None:
    rng = np.random.default_rng(seed)
    a = some_rows(60, seed, pm_sigma=1000.0)
    assert a.motions is not None
    a.motions.pm[rng.random(60) < 0.3] = np.nan
    a.epoch[rng.random(60) < 0.5] = 2015.5
    b = counterpart(a, rng, kind, k)
    reach_a, reach_b = search_reach(a, b, k, MotionPrior())
    sep = separation_arcsec(
        to_xyz(reach_a.ra_deg, reach_a.dec_deg), to_xyz(reach_b.ra_deg, reach_b.dec_deg)
    )
    assert (sep <= reach_a.radius_arcsec + reach_b.radius_arcsec).all()


def test_the_reach_of_one_epoch_is_k_sigma_there_and_no_more() -> None:
    a = some_rows(100)
    b = replace(some_rows(100, known=False), epoch=np.full(100, 2000.0))
    here, there = search_reach(a, b, 3.0, MotionPrior())
    now = moved(a, 2000.0)
    np.testing.assert_allclose(here.dec_deg, now.dec_deg, atol=1e-13)
    assert separation_arcsec(to_xyz(here.ra_deg, here.dec_deg), now.xyz).max() < 1e-9
    sigma = np.sqrt(largest_variance(now.covariance))
    assert (here.radius_arcsec >= 3 * sigma).all()
    at_home = np.sqrt(largest_variance(a.covariance))
    assert (here.radius_arcsec <= 3.01 * (sigma + 2 * at_home)).all()
    still = search_reach(a, replace(b, epoch=np.full(100, 2016.0)), 3.0, MotionPrior())[0]
    np.testing.assert_allclose(still.radius_arcsec, 3 * at_home, atol=2e-9)
    assert here.moved
    assert not there.moved
    assert there.ra_deg is b.ra_deg
    np.testing.assert_array_equal(here.slack_arcsec, 0.0)


def test_pairs_judged_by_the_fast_component_are_reached() -> None:
    rng = np.random.default_rng(11)
    prior, n = MotionPrior(), 4000
    a, b = some_rows(n, known=False), replace(some_rows(n, known=False), epoch=np.full(n, 1991.25))
    a, b = (replace(each, mag=rng.uniform(4, 16, n)) for each in (a, b))
    b.mag[:100] = np.nan
    together = prior.weights(a) * prior.weights(b) / prior.base
    sigma = prior.sigmas_masyr[together.argmax(axis=1)]
    assert set(sigma) >= {8.0, 80.0}
    here, there = search_reach(a, b, 3.0, prior)
    needed = 3 * np.sqrt(largest_variance(a.covariance + b.covariance) + (sigma * 24.75e-3) ** 2)
    assert (here.radius_arcsec + there.radius_arcsec >= needed).all()


def test_pairs_that_may_be_near_dwarfs_are_reached_whatever_else_they_may_be() -> None:
    rng = np.random.default_rng(12)
    prior, n = MotionPrior(), 4000
    a, b = some_rows(n, known=False), replace(some_rows(n, known=False), epoch=np.full(n, 1991.25))
    cool = np.array([np.nan, 1e-4, 3e-4, 1e-3, 3e-3, 0.1, 0.5])
    extent = np.array([np.nan, 0.0, 1.0])
    a, b = (
        replace(each, mag=rng.uniform(12, 24, n), cool=rng.choice(cool, n), extended=seen)
        for each, seen in ((a, rng.choice(extent, n)), (b, np.full(n, np.nan)))
    )
    together = prior.weights(a) * prior.weights(b) / prior.base
    near = together[:, NEAR] >= RARE * together.sum(axis=1)
    here, there = search_reach(a, b, 3.0, prior)
    assert 200 < near.sum() < 2000
    assert ((here.radius_arcsec + there.radius_arcsec)[near] >= 3 * 0.25 * 24.75).all()
    a, b = (replace(each, cool=np.full(n, np.nan)) for each in (a, b))
    assert max(each.radius_arcsec.max() for each in search_reach(a, b, 3.0, prior)) < 9.0


def test_the_wide_component_of_blends_is_reached() -> None:
    b = some_rows(10, known=False)
    wide = replace(b, wide=np.full(10, 0.1), wide_arcsec=2.0)
    plain, reach = (search_reach(each, b, 3.0, MotionPrior())[0] for each in (b, wide))
    np.testing.assert_allclose(reach.radius_arcsec, 6.0, rtol=1e-4)
    assert plain.radius_arcsec.max() < 0.1


def test_nothing_to_search_needs_no_reach() -> None:
    a, none = some_rows(4), some_rows(0)
    here, there = search_reach(a, none, 3.0, MotionPrior())
    assert len(here.radius_arcsec) == 4
    assert len(there.radius_arcsec) == 0
    assert not here.moved
