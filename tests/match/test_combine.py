from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skyquarry.errors import UserError
from skyquarry.match.likelihood.combine import combine
from skyquarry.match.likelihood.evidence import group_evidence
from skyquarry.sky.vectors import separation_arcsec, to_xyz
from skyquarry.testing.evidencerows import (
    Mixture,
    columns,
    groups,
    motions,
    one_motion,
    round_errors,
    rows,
)
from skyquarry.testing.naive.bayesfactors import ellipse_covariance


def _golden_position(found, t):
    """Positions to 1e-7 arcsec, covariances to 1e-9 of the ellipse.

    Not of each variance: 0.02" from a pole the rounding of a unit vector turns the axes by 1e-9.
    """
    apart = separation_arcsec(
        to_xyz(found.ra_deg, found.dec_deg), to_xyz(t["ra_c_deg"], t["dec_c_deg"])
    )
    assert apart.max() < 1e-7
    wanted = np.stack([t["var_east_c"], t["var_north_c"], t["cov_en_c"]], axis=-1)
    scale = wanted[:, :2].max(axis=1, keepdims=True)
    assert (np.abs(found.covariance - wanted) / scale).max() < 1e-9
    far = np.abs(found.dec_deg) < 89.9999
    np.testing.assert_allclose(found.covariance[far, :2], wanted[far, :2], rtol=1e-9)


def test_positions_of_groups_are_golden(golden):
    m, g = columns(golden / "bfn_members.parquet"), columns(golden / "bfn_groups.parquet")
    east, north = m["sigma_east_arcsec"], m["sigma_north_arcsec"]
    covariance = np.stack([east**2, north**2, m["corr"] * east * north], axis=-1)
    everyone = rows(m["ra_deg"], m["dec_deg"], covariance)
    found = combine([everyone], groups(g["n"]), Mixture())
    _golden_position(found, g)
    np.testing.assert_allclose(found.p_value, g["p_value"], rtol=1e-5, atol=1e-12)
    assert np.isnan(found.pm).all()
    assert (found.epoch == 2000.0).all()


def test_positions_of_pairs_of_ellipses_are_golden(golden):
    t = columns(golden / "bf2_elliptical.parquet")
    a, b = (
        rows(t[f"ra{k}_deg"], t[f"dec{k}_deg"],
             ellipse_covariance(t[f"a{k}_arcsec"], t[f"b{k}_arcsec"], t[f"pa{k}_deg"]))
        for k in (1, 2)
    )  # fmt: skip
    n = len(a)
    members = np.stack([np.arange(n), n + np.arange(n)], axis=1).ravel()
    _golden_position(combine([a, b], groups([2] * n, members), Mixture()), t)


def test_a_single_row_is_its_own_mean():
    covariance = [[0.04, 0.01, 0.01], [0.01, 0.02, 0.0]]
    a = rows([10.0, 359.0], [20.0, -90.0], covariance, [np.nan, 2016.0],
             motions([[np.nan, np.nan], [3.0, -4.0]], [[1.0, 2.0, 0.5]] * 2))  # fmt: skip
    found = combine([a], groups([1, 1]), Mixture())
    np.testing.assert_array_equal(found.ra_deg, a.ra_deg)
    np.testing.assert_array_equal(found.dec_deg, a.dec_deg)
    np.testing.assert_array_equal(found.covariance, a.covariance)
    np.testing.assert_array_equal(found.epoch, a.epoch)
    np.testing.assert_allclose(found.pm, [[np.nan, np.nan], [3.0, -4.0]], rtol=1e-15)
    np.testing.assert_allclose(found.pm_covariance[1], [1.0, 2.0, 0.5], rtol=1e-15)
    assert found.p_value.tolist() == [1.0, 1.0]
    assert found.ra_error[0] == 0.2
    assert found.ra_dec_corr[0] == pytest.approx(0.5)


number = st.floats(-1.0, 1.0, allow_nan=False, width=32)


@settings(max_examples=40)
@given(st.lists(st.tuples(number, number, number), min_size=2, max_size=5), number)
def test_position_and_motion_are_those_of_generalised_least_squares(members, place):
    """A plain twin: one dense fit of (x, mu) with the prior as two more data."""
    sigma_mu = 8.0
    dec0 = 30.0
    x, y, t = (np.array(c) for c in zip(*members, strict=True))
    sigma = 0.05 + 0.1 * np.arange(len(x))
    epoch = 2000.0 + 10.0 * t
    everyone = rows(40.0 + x / 3600.0 / np.cos(np.radians(dec0)), dec0 + y / 3600.0,
                    round_errors(sigma), epoch)  # fmt: skip
    found = combine([everyone], groups([len(x)]), one_motion(sigma_mu))
    t0 = epoch[0]  # the best
    dt = epoch - t0
    H = np.stack([np.ones_like(dt), dt], axis=1)
    W = H.T @ (H / sigma[:, None] ** 2)
    W[1, 1] += 1.0 / (sigma_mu * 1e-3) ** 2
    C = np.linalg.inv(W)
    mean = C @ (H.T @ (np.stack([x, y], axis=1) / sigma[:, None] ** 2))
    assert found.epoch[0] == t0
    np.testing.assert_allclose(found.covariance[0, :2], C[0, 0], rtol=1e-6)
    assert (found.ra_deg[0] - 40.0) * 3600.0 * np.cos(np.radians(dec0)) == pytest.approx(
        mean[0, 0], abs=3e-5
    )
    assert (found.dec_deg[0] - dec0) * 3600.0 == pytest.approx(mean[0, 1], abs=3e-5)


def test_a_motion_comes_of_two_epochs():
    """0.1 arcsec in 20 years east, with errors of 0.03: 5 mas/yr +- 2.1."""
    ra = 10.0 + np.array([0.0, 0.1 / 3600.0 / np.cos(np.radians(20.0))])
    everyone = rows(ra, [20.0, 20.0], round_errors([0.03, 0.03]), [1990.0, 2010.0])
    found = combine([everyone], groups([2]), Mixture())
    np.testing.assert_allclose(found.pm[0], [5.0, 0.0], rtol=1e-5, atol=1e-4)
    error = 1e3 * 0.03 * np.sqrt(2.0) / 20.0
    np.testing.assert_allclose(np.sqrt(found.pm_covariance[0, :2]), error, rtol=1e-6)
    assert found.epoch[0] == 1990.0  # of equally good ones the earlier


def test_epochs_less_than_a_year_apart_tell_no_motion():
    everyone = rows([10.0, 10.00001], [20.0, 20.0], round_errors([0.03, 0.03]), [2000.0, 2000.9])
    found = combine([everyone], groups([2]), Mixture())
    assert np.isnan(found.pm).all()
    assert np.isnan(found.pm_covariance).all()


def test_a_measured_motion_gains_by_an_old_position():
    gaia = rows([10.0], [20.0], round_errors([0.001]), 2016.0,
                motions([[100.0, 0.0]], [[4.0, 4.0, 0.0]]))  # fmt: skip
    east = -101.0 * 26.0e-3 / 3600.0 / np.cos(np.radians(20.0))
    plate = rows([10.0 + east], [20.0], round_errors([0.02]), 1990.0)
    found = combine([gaia, plate], groups([2]), Mixture())
    plate_pm = 0.02e3 / 26.0
    assert np.sqrt(found.pm_covariance[0, 0]) == pytest.approx(
        (1.0 / 2.0**2 + 1.0 / plate_pm**2) ** -0.5, rel=2e-3
    )
    assert 100.5 < found.pm[0, 0] < 101.0
    assert found.epoch[0] == 2016.0


def test_chi2_is_that_of_the_evidence():
    rng = np.random.default_rng(1)
    everyone = rows(10.0 + rng.normal(0, 3e-5, 12), 20.0 + rng.normal(0, 3e-5, 12),
                    round_errors(rng.uniform(0.05, 0.2, 12)), rng.uniform(1990, 2020, 12),
                    wide=0.1, wide_arcsec=1.0)  # fmt: skip
    some = groups([1, 2, 4, 5])
    found, evidence = (f([everyone], some, Mixture()) for f in (combine, group_evidence))
    np.testing.assert_array_equal(found.chi2, evidence.chi2)
    np.testing.assert_array_equal(found.dof, evidence.dof)


def test_what_a_catalogue_has_in_common_is_not_averaged_away():
    """Two rows of one catalogue with a floor of 0.3: never better than 0.3; of two, it is."""
    sigma = np.hypot([0.1, 0.1], 0.3)
    at = rows([10.0, 10.0], [20.0, 20.0], round_errors(sigma))
    one = combine([at], groups([2]), Mixture(), [0.3])
    assert one.ra_error[0] == pytest.approx(np.hypot(0.1 / np.sqrt(2.0), 0.3), rel=1e-9)
    index = np.arange(1)
    two = combine([at.take(index), at.take(index)], groups([2]), Mixture(), [0.3, 0.3])
    assert two.ra_error[0] == pytest.approx(sigma[0] / np.sqrt(2.0), rel=1e-9)


def test_members_in_another_order_give_the_same_mean():
    rng = np.random.default_rng(8)
    everyone = rows(rng.uniform(0, 360, 4), 90.0 - rng.uniform(0, 1e-4, 4),
                    round_errors(rng.uniform(0.05, 0.2, 4)),
                    rng.uniform(1990, 2020, 4))  # fmt: skip
    one, other = (
        combine([everyone], groups([4], order), Mixture()) for order in ([0, 1, 2, 3], [2, 0, 3, 1])
    )
    apart = separation_arcsec(to_xyz(one.ra_deg, one.dec_deg), to_xyz(other.ra_deg, other.dec_deg))
    assert apart[0] < 1e-9
    np.testing.assert_allclose(
        one.covariance[:, :2].sum(axis=1), other.covariance[:, :2].sum(axis=1), rtol=1e-9
    )


def test_a_group_without_epochs_has_none():
    at = rows([10.0, 10.0], [20.0, 20.0], round_errors([0.1, 0.1]), np.nan)
    found = combine([at], groups([2]), Mixture())
    assert np.isnan(found.epoch[0])
    assert found.ra_error[0] == pytest.approx(0.1 / np.sqrt(2.0), rel=1e-9)
    dated = replace(at, epoch=np.array([np.nan, 1985.0]))
    assert combine([dated], groups([2]), Mixture()).epoch[0] == 1985.0


@pytest.mark.parametrize("floor", [[0.1, 0.2], [-0.1], [np.nan]])
def test_a_floor_that_cannot_be_is_refused(floor):
    at = rows([10.0], [20.0], round_errors([0.1]))
    with pytest.raises(UserError, match="common_floor_arcsec"):
        combine([at], groups([1]), Mixture(), floor)
