from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skyquarry.errors import UserError
from skyquarry.testing.evidencerows import columns
from skyquarry.testing.naive import bayesfactors as bf


def test_two_circles_are_golden_on_the_sphere_and_in_the_plane(golden):
    t = columns(golden / "bf2_circular.parquet")
    psi = bf.separations(t["sep_arcsec"])
    sigma = np.stack([t["sigma1_arcsec"], t["sigma2_arcsec"]], axis=-1)
    np.testing.assert_allclose(bf.lnB_sphere(psi, sigma), t["lnB_sphere"], rtol=1e-12, atol=1e-10)
    np.testing.assert_allclose(bf.lnB_flat(psi, sigma), t["lnB_flat"], rtol=1e-12, atol=1e-10)


def test_the_sphere_is_used_above_ten_arcseconds():
    psi = bf.separations([30.0, 30.0])
    sigma = np.array([[10.0, 10.0], [10.0, 10.1]])
    found = bf.ln_bayes(psi, sigma)
    assert found[0] == bf.lnB_flat(psi, sigma)[0]
    assert found[1] == bf.lnB_sphere(psi, sigma)[1] != bf.lnB_flat(psi, sigma)[1]


def test_the_hand_check_of_equation_16():
    lnB = bf.lnB_flat(bf.separations([0.0, 0.3]), [[0.1, 0.1]] * 2)
    assert np.exp(lnB[0]) == pytest.approx(4.2545e12, rel=1e-4)
    assert lnB[1] - lnB[0] == pytest.approx(-2.25, abs=1e-12)


def test_equation_17_is_equation_18_of_three():
    rng = np.random.default_rng(2)
    s = rng.uniform(0.1, 1.0, 3)
    psi = np.zeros((3, 3))
    a, b, c = rng.uniform(0.0, 1.0, 3)
    psi[0, 1] = psi[1, 0] = a
    psi[1, 2] = psi[2, 1] = b
    psi[0, 2] = psi[2, 0] = c
    s1, s2, s3 = (s / bf.ARCSEC_PER_RADIAN) ** 2
    q = (s3 * a**2 + s1 * b**2 + s2 * c**2) / bf.ARCSEC_PER_RADIAN**2
    total = s1 * s2 + s2 * s3 + s3 * s1
    eq17 = np.log(4.0 / total) - 0.5 * q / total
    assert bf.lnB_flat(psi, s) == pytest.approx(eq17, rel=1e-12)


def test_opposite_points_and_whole_sky_errors_are_finite():
    lnB = bf.lnB_sphere(bf.separations(180.0 * 3600.0), [3600.0 * 60.0] * 2)
    w = 1.0 / np.radians(60.0) ** 2
    assert lnB == pytest.approx(2.0 * np.log(w / np.sinh(w)), rel=1e-12)


def test_groups_are_golden_by_the_sequential_update(golden):
    m, g = columns(golden / "bfn_members.parquet"), columns(golden / "bfn_groups.parquet")
    east, north = m["sigma_east_arcsec"], m["sigma_north_arcsec"]
    covariance = np.stack([east**2, north**2, m["corr"] * east * north], axis=-1)
    for n in (3, 4, 5):
        at = np.flatnonzero(np.isin(m["group_id"], g["group_id"][g["n"] == n])).reshape(-1, n)
        chi2, lnB = bf.lnB_ellipses(m["ra_deg"][at], m["dec_deg"][at], covariance[at])
        np.testing.assert_allclose(chi2, g["chi2"][g["n"] == n], rtol=1e-7, atol=1e-5)
        np.testing.assert_allclose(lnB, g["lnB"][g["n"] == n], rtol=1e-7, atol=1e-5)


def test_pairs_of_ellipses_are_golden(golden):
    t = columns(golden / "bf2_elliptical.parquet")
    covariance = np.stack(
        [bf.ellipse_covariance(t[f"a{k}_arcsec"], t[f"b{k}_arcsec"], t[f"pa{k}_deg"])
         for k in (1, 2)], axis=1)  # fmt: skip
    ra, dec = (np.stack([t[f"{c}{k}_deg"] for k in (1, 2)], axis=1) for c in ("ra", "dec"))
    chi2, lnB = bf.lnB_ellipses(ra, dec, covariance)
    np.testing.assert_allclose(chi2, t["chi2"], rtol=1e-7)
    np.testing.assert_allclose(lnB, t["lnB"], rtol=1e-7)
    pa = bf.position_angle_deg(t["ra1_deg"], t["dec1_deg"], t["ra2_deg"], t["dec2_deg"])
    apart = t["sep_arcsec"] > 1e-3
    assert np.abs((pa - t["pa_1to2_deg"] + 180.0) % 360.0 - 180.0)[apart].max() < 1e-6


number = st.floats(-1.0, 1.0, allow_nan=False, width=32)
source = st.tuples(number, number, number, number, number)


def _single(s):
    x, y, a, b, pa = s
    return bf.Merged.single([x, y], bf.ellipse_covariance(0.1 + abs(a), 0.1 + abs(b), 180.0 * pa))


@settings(max_examples=60)
@given(source, source, source)
def test_merging_is_associative(a, b, c):
    a, b, c = _single(a), _single(b), _single(c)
    left, right = bf.merge(bf.merge(a, b), c), bf.merge(a, bf.merge(b, c))
    for name in ("offset", "covariance", "chi2", "lnB"):
        np.testing.assert_allclose(getattr(left, name), getattr(right, name), rtol=1e-9, atol=1e-9)


def test_a_merged_position_is_golden(golden):
    """The means of bfn_groups, in their frame, against the sum of inverse covariances."""
    rng = np.random.default_rng(4)
    c = bf.ellipse_covariance(
        rng.uniform(0.1, 1, 5), rng.uniform(0.1, 1, 5), rng.uniform(0, 180, 5)
    )
    x = rng.normal(size=(5, 2))
    whole = bf.Merged.single(x[0], c[0])
    for k in range(1, 5):
        whole = bf.merge(whole, bf.Merged.single(x[k], c[k]))
    W = np.linalg.inv(bf.matrices(c))
    total = np.linalg.inv(W.sum(axis=0))
    np.testing.assert_allclose(whole.covariance, total, rtol=1e-12)
    np.testing.assert_allclose(whole.offset, total @ np.einsum("kij,kj->i", W, x), rtol=1e-12)


def test_an_ellipse_has_its_axes_where_the_angle_says():
    np.testing.assert_allclose(bf.ellipse_covariance(3.0, 1.0, 0.0), [1.0, 9.0, 0.0], atol=1e-12)
    np.testing.assert_allclose(bf.ellipse_covariance(3.0, 1.0, 90.0), [9.0, 1.0, 0.0], atol=1e-12)
    np.testing.assert_allclose(bf.ellipse_covariance(3.0, 1.0, 45.0), [5.0, 5.0, 4.0], atol=1e-12)
    swapped = bf.ellipse_covariance(1.0, 3.0, 30.0)
    np.testing.assert_allclose(swapped, bf.ellipse_covariance(3.0, 1.0, -60.0), atol=1e-12)


def test_thresholds_are_golden(golden):
    t = columns(golden / "chi2_threshold.parquet")
    for n, gamma, k in zip(t["n_cat"], t["gamma"], t["k_gamma"], strict=True):
        assert bf.chi2_threshold(gamma, int(n)) == pytest.approx(k, rel=1e-12)


def test_thresholds_accept_the_share_they_promise(golden):
    """200,000 true tuples of random ellipses, simulated elsewhere; ours, fewer, through merge."""
    t = columns(golden / "chi2_completeness_mc.parquet")
    rng = np.random.default_rng(9)
    trials = 20_000
    for n in np.unique(t["n_cat"]):
        mine = t["n_cat"] == n
        chi2 = _true_chi2(int(n), trials, rng)
        for gamma, measured, sigma in zip(
            t["gamma"][mine], t["measured"][mine], t["sigma_binomial"][mine], strict=True
        ):
            assert abs(measured - gamma) < 4.0 * sigma
            accepted = (chi2 <= bf.chi2_threshold(gamma, int(n)) ** 2).mean()
            assert abs(accepted - gamma) < 4.0 * np.sqrt(gamma * (1.0 - gamma) / trials)


def _true_chi2(n, trials, rng):
    def single():
        a, b = rng.uniform(0.05, 1.0, (2, trials))
        c = bf.ellipse_covariance(a, b, rng.uniform(0.0, 180.0, trials))
        root = np.linalg.cholesky(bf.matrices(c))
        return bf.Merged.single(np.einsum("tij,tj->ti", root, rng.normal(size=(trials, 2))), c)

    whole = single()
    for _ in range(n - 1):
        whole = bf.merge(whole, single())
    return whole.chi2


@pytest.mark.parametrize(
    ("call", "told"),
    [
        (lambda: bf.chi2_threshold(1.0, 2), "completeness is 1.0, but a share"),
        (lambda: bf.chi2_threshold(0.9, 1), "n is 1, but a match needs 2"),
        (lambda: bf.lnB_flat(1.0, [1.0, 1.0]), "an n x n matrix|needs? an n x n|n x n matrix"),
        (lambda: bf.lnB_sphere(bf.separations(1.0), [0.0, 1.0]), "sigma_arcsec is 0.0, but"),
    ],
)
def test_what_cannot_be_is_refused(call, told):
    with pytest.raises(UserError, match=told):
        call()
