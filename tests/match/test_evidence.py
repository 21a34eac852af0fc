from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skyquarry.match.given.rows import Flag
from skyquarry.match.likelihood.evidence import group_evidence, pair_evidence
from skyquarry.testing.evidencerows import (
    Mixture,
    columns,
    groups,
    motions,
    of_sources,
    one_motion,
    round_errors,
    rows,
)
from skyquarry.testing.naive.bayesfactors import ellipse_covariance
from skyquarry.testing.naive.evidence import Source, ln_bayes

PLACES = [(10.0, 20.0), (0.00001, -35.0), (211.0, 89.99995), (77.0, -89.999999), (123.4, 90.0)]


# ---------------------------------------------------------------- golden


def test_pairs_of_ellipses_are_golden(golden):
    t = columns(golden / "bf2_elliptical.parquet")
    a, b = (
        rows(t[f"ra{k}_deg"], t[f"dec{k}_deg"],
             ellipse_covariance(t[f"a{k}_arcsec"], t[f"b{k}_arcsec"], t[f"pa{k}_deg"]))
        for k in (1, 2)
    )  # fmt: skip
    every = np.arange(len(a))
    found = pair_evidence(a, b, every, every, Mixture())
    np.testing.assert_allclose(found.chi2, t["chi2"], rtol=1e-7)
    np.testing.assert_allclose(found.lnB, t["lnB"], rtol=1e-7)
    np.testing.assert_allclose(found.sep_arcsec, t["sep_arcsec"], rtol=0, atol=1e-9)
    apart = t["sep_arcsec"] > 1e-3
    turn = (found.pa_deg - t["pa_1to2_deg"] + 180.0) % 360.0 - 180.0
    assert np.abs(turn[apart]).max() < 1e-6


def test_groups_of_three_to_five_are_golden(golden):
    m, g = columns(golden / "bfn_members.parquet"), columns(golden / "bfn_groups.parquet")
    east, north = m["sigma_east_arcsec"], m["sigma_north_arcsec"]
    covariance = np.stack([east**2, north**2, m["corr"] * east * north], axis=-1)
    everyone = rows(m["ra_deg"], m["dec_deg"], covariance)
    found = group_evidence([everyone], groups(g["n"]), Mixture())
    np.testing.assert_array_equal(found.dof, g["dof"])
    np.testing.assert_allclose(found.chi2, g["chi2"], rtol=1e-7, atol=1e-5)
    np.testing.assert_allclose(found.lnB, g["lnB"], rtol=1e-7, atol=1e-5)


def test_unknown_motions_are_golden(golden):
    t = columns(golden / "bf_pm_marginalised.parquet")
    for number in np.unique(t["group_id"]):
        of = {name: values[t["group_id"] == number] for name, values in t.items()}
        everyone = rows(of["ra_deg"], of["dec_deg"], round_errors(of["sigma_arcsec"]),
                        2000.0 + of["epoch_offset_yr"])  # fmt: skip
        whole = groups([len(everyone)])
        found = group_evidence([everyone], whole, one_motion(of["sigma_mu_masyr"][0]))
        assert found.lnB[0] == pytest.approx(of["lnB_pm"][0], abs=1e-5)
        assert found.chi2[0] == pytest.approx(of["chi2_pm"][0], abs=1e-5)
        still = group_evidence([everyone], whole, one_motion(0.0))
        assert still.lnB[0] == pytest.approx(of["lnB_static"][0], abs=1e-5)
        assert still.chi2[0] == pytest.approx(of["chi2_static"][0], rel=1e-7, abs=1e-5)


def test_round_errors_are_golden_on_the_sphere_and_in_the_plane(golden):
    """To 1e-10 and 1e-12 of themselves; at ra = 0 on the equator offsets have all their digits.

    Errors up to 10" are compared in the plane that touches the sphere between the two, where `flat`
    has sep itself: offsets are 2 sin(sep / 2), and errors along them shorter by cos(sep / 2). That
    takes 4e-5 from -424 at 30 sigma, and nothing that could be seen within six.
    """
    t = columns(golden / "bf2_circular.parquet")
    at, sep = np.zeros(len(t["sep_arcsec"])), t["sep_arcsec"]
    sigma1, sigma2 = t["sigma1_arcsec"], t["sigma2_arcsec"]
    a, b = (
        rows(at, sign * sep / 7200.0, round_errors(sigma))
        for sign, sigma in ((-1, sigma1), (1, sigma2))
    )
    every = np.arange(len(at))
    lnB = pair_evidence(a, b, every, every, Mixture()).lnB
    large = np.maximum(sigma1, sigma2) > 10.0
    assert 10 < large.sum() < len(large) - 10
    np.testing.assert_allclose(lnB[large], t["lnB_sphere"][large], rtol=1e-12, atol=1e-10)
    half = np.radians(sep / 7200.0)
    stretch = np.tan(half) ** 2 / np.where(half > 0.0, half, 1.0) ** 2 - (half > 0.0)
    chi2 = sep**2 / (sigma1**2 + sigma2**2)
    plane = t["lnB_flat"] - 0.5 * chi2 * stretch - np.log(np.cos(half))
    np.testing.assert_allclose(lnB[~large], plane[~large], rtol=1e-12, atol=1e-10)
    np.testing.assert_allclose(lnB[~large], t["lnB_flat"][~large], rtol=1e-7, atol=1e-10)


# ---------------------------------------------------------------- the naive twin

number = st.floats(-1.0, 1.0, allow_nan=False, width=32)


@st.composite
def sources(draw, max_size=4):
    """A few rows of one place: ellipses, epochs, some motions, wide errors, weights."""
    ra0, dec0 = draw(st.sampled_from(PLACES))
    size = draw(st.integers(2, max_size))
    found = []
    for _ in range(size):
        a = 10.0 ** (1.5 * draw(number) - 1.0)
        b = a * 10.0 ** draw(number)  # thinner, and the digits of a determinant are the limit
        pa, reach = 180.0 * draw(number), 0.5 / 3600.0
        dec = dec0 + reach * draw(number)
        dec = dec if abs(dec) <= 90.0 else np.copysign(180.0, dec) - dec
        ra = ra0 + reach * draw(number) / max(np.cos(np.radians(dec)), 1e-5)
        weights = np.array([0.2, 0.75, 0.05]) * [1.5 + draw(number) for _ in range(3)]
        source = Source(
            ra % 360.0, dec, tuple(ellipse_covariance(a, b, pa)), 2000.0 + 16.0 * draw(number),
            wide=draw(st.sampled_from([0.0, 0.0, 0.05, 0.4])),
            weights=tuple(weights / weights.sum()),
        )  # fmt: skip
        if draw(st.booleans()):
            e0, e1 = 0.2 + abs(draw(number)), 0.2 + abs(draw(number))
            scale = 300.0 * min(a, b)
            source = replace(
                source,
                pm=(60.0 * draw(number), 60.0 * draw(number)),
                pm_covariance=(e0**2, e1**2, 0.5 * e0 * e1 * draw(number)),
                cross=tuple(0.3 * scale * e0 * e1 * draw(number) for _ in range(4)),
                parallax=50.0 * draw(number), parallax_error=0.3,
                rv=draw(st.sampled_from([None, -110.0])), rv_error=1.0,
            )  # fmt: skip
            if not _definite(source):
                source = replace(source, cross=(0.0,) * 4)
        found.append(source)
    return found


def _definite(s):
    C = np.zeros((4, 4))
    C[:2, :2] = np.array([[s.covariance[0], s.covariance[2]], [s.covariance[2], s.covariance[1]]])
    C[:2, :2] *= 1e6
    xx, yy, xy = s.pm_covariance
    C[2:, 2:] = [[xx, xy], [xy, yy]]
    C[:2, 2:] = np.reshape(s.cross, (2, 2))
    C[2:, :2] = C[:2, 2:].T
    d = np.sqrt(np.diag(C))
    return np.linalg.eigvalsh(C / np.outer(d, d))[0] > 1e-3


def prior_of(found):
    return Mixture(table=np.array([s.weights for s in found]))


@settings(max_examples=60)
@given(sources())
def test_the_filter_is_the_dense_matrices(found):
    prior = prior_of(found)
    made = group_evidence(of_sources(found, 2.0), groups([len(found)]), prior)
    slow = ln_bayes(found, list(prior.sigmas_masyr), list(prior.base), 2.0)
    assert made.lnB[0] == pytest.approx(slow, rel=1e-7, abs=1e-6)


@settings(max_examples=30)
@given(sources(max_size=2))
def test_the_lnb_of_a_pair_is_that_of_the_group_of_two(found):
    a, b = of_sources(found, 2.0)
    prior = prior_of(found)
    pair = pair_evidence(a, b, np.array([0]), np.array([0]), prior)
    assert pair.lnB[0] == group_evidence([a, b], groups([2]), prior).lnB[0]


@settings(max_examples=60)
@given(sources(max_size=2), st.sampled_from([2000.0, np.nan]))
def test_two_rows_that_stand_still_are_told_in_closed_form(found, epoch):
    """To the last bit as a group of two; as the filter tells them a blink of an eye apart."""
    found = [replace(each, pm=None, epoch=2000.0) for each in found]
    a, b = (replace(each, motions=None) for each in of_sources(found, 2.0))
    prior, later = prior_of(found), replace(b, epoch=np.array([2000.0 + 1e-11]))
    b = replace(b, epoch=np.array([epoch]))
    pair = pair_evidence(a, b, np.array([0]), np.array([0]), prior)
    group = group_evidence([a, b], groups([2]), prior)
    assert pair.lnB[0] == group.lnB[0]
    assert pair.joint[0].tolist() == [group.chi2[0], group.dof[0], group.flags[0]]
    filtered = group_evidence([a, later], groups([2]), prior)
    assert pair.lnB[0] == pytest.approx(filtered.lnB[0], rel=1e-12, abs=1e-10)
    assert pair.joint[0, 0] == pytest.approx(filtered.chi2[0], rel=1e-9, abs=1e-9)
    assert group.dof[0] == filtered.dof[0]
    assert group.flags[0] == filtered.flags[0]


@settings(max_examples=60)
@given(sources(), st.randoms(use_true_random=False))
def test_the_order_of_the_members_does_not_matter(found, random):
    shuffled = random.sample(found, len(found))
    one_way, other = (
        group_evidence(of_sources(each, 2.0), groups([len(each)]), prior_of(each))
        for each in (found, shuffled)
    )
    assert one_way.lnB[0] == pytest.approx(other.lnB[0], rel=1e-12, abs=1e-9)
    assert one_way.dof[0] == other.dof[0]


@settings(max_examples=60)
@given(sources(max_size=2))
def test_exchanging_the_catalogues_changes_no_evidence(found):
    zero = np.array([0])
    a, b = of_sources(found, 2.0)
    there = pair_evidence(a, b, zero, zero, prior_of(found))
    back = pair_evidence(b, a, zero, zero, prior_of(found))
    assert there.lnB[0] == pytest.approx(back.lnB[0], rel=1e-12, abs=1e-12)
    assert there.chi2[0] == pytest.approx(back.chi2[0], rel=1e-12, abs=1e-12)
    assert there.sep_arcsec[0] == pytest.approx(back.sep_arcsec[0], rel=1e-12)
    assert there.epoch_used[0] == back.epoch_used[0]
    assert there.flags[0] == back.flags[0]


@settings(max_examples=40)
@given(st.lists(st.tuples(number, number, number, number, number), min_size=2, max_size=5))
def test_the_poles_are_like_the_equator(members):
    """One pattern of offsets and ellipses, laid anywhere: the same evidence."""
    found = []
    for ra0, dec0 in [*PLACES, (300.0, 0.0)]:
        frame = _frame(ra0, dec0)
        placed = [_place(frame, m) for m in members]
        found.append(group_evidence(placed, groups([len(members)]), Mixture()))
    for other in found[1:]:
        assert other.lnB[0] == pytest.approx(found[0].lnB[0], abs=1e-6)
        assert other.chi2[0] == pytest.approx(found[0].chi2[0], rel=1e-6, abs=1e-6)


def _frame(ra_deg, dec_deg):
    ra, dec = np.radians([ra_deg, dec_deg])
    u = np.array([np.cos(dec) * np.cos(ra), np.cos(dec) * np.sin(ra), np.sin(dec)])
    e = np.array([-np.sin(ra), np.cos(ra), 0.0])
    return e, np.cross(u, e), u


def _place(frame, member):
    """An ellipse at an offset in a frame, as a row: its axes are those at its own place."""
    e, n, u = frame
    x, y, a, b, pa = member
    v = u + (e * x + n * y) / 206264.80624709636
    v /= np.linalg.norm(v)
    ra, dec = np.arctan2(v[1], v[0]), np.arctan2(v[2], np.hypot(v[0], v[1]))
    own = _frame(np.degrees(ra), np.degrees(dec))
    J = np.array([[p @ q for q in (e, n)] for p in own[:2]])
    xx, yy, xy = ellipse_covariance(0.1 + abs(a), 0.1 + abs(b), 180.0 * pa)
    C = J @ np.array([[xx, xy], [xy, yy]]) @ J.T
    return rows([np.degrees(ra) % 360.0], [np.degrees(dec)], [[C[0, 0], C[1, 1], C[0, 1]]])


# ---------------------------------------------------------------- motions

BARNARD = Source(
    269.45207696, 4.69336497, (1e-8, 1e-8, 0.0), 2016.0, pm=(-801.551, 10362.394),
    pm_covariance=(1e-3, 1e-3, 0.0), parallax=546.976, parallax_error=0.04, rv=-110.51,
    rv_error=0.2, weights=(0.2, 0.7, 0.1),
)  # fmt: skip


def _barnard_at(epoch, **changes):
    from skyquarry.sky.motion import propagate

    star = replace(BARNARD, **changes)
    ra, dec = propagate(BARNARD.ra_deg, BARNARD.dec_deg, *BARNARD.pm, epoch - BARNARD.epoch,
                        BARNARD.parallax, BARNARD.rv)  # fmt: skip
    return star, Source(
        float(ra[0]), float(dec[0]), (1e-4, 1e-4, 0.0), epoch, weights=(0.2, 0.7, 0.1)
    )


def test_barnards_star_is_met_where_it_was():
    star, plate = _barnard_at(1950.0)
    prior = prior_of([star, plate])
    a, b = of_sources([star, plate])
    zero = np.array([0])
    found = pair_evidence(a, b, zero, zero, prior)
    assert found.sep_arcsec[0] < 1e-8
    assert found.epoch_used[0] == 1950.0
    assert found.chi2[0] < 1e-9
    assert found.flags[0] == Flag.PM_APPLIED
    assert found.lnB[0] == pytest.approx(
        ln_bayes([star, plate], list(prior.sigmas_masyr), list(prior.base)), abs=1e-6
    )


def test_an_unknown_radial_velocity_widens_along_the_motion_only():
    star, plate = _barnard_at(1950.0, rv=None)
    zero = np.array([0])
    a, b = of_sources([star, plate])
    found = pair_evidence(a, b, zero, zero, prior_of([star, plate]))
    assert 1.0 < found.sep_arcsec[0] < 4.0  # all of it from the perspective acceleration
    assert found.chi2[0] < 6.0
    assert found.sigma_major_arcsec[0] > 1.0
    assert found.sigma_minor_arcsec[0] < 0.1


def test_where_nothing_can_move_the_mixture_is_left_out_without_a_trace():
    ra, dec = np.array([10.0, 10.00002, 10.00001]), np.array([20.0, 20.00001, 20.00003])
    covariance = round_errors([0.05, 0.1, 0.07])
    still = group_evidence([rows(ra, dec, covariance)], groups([3]), Mixture())
    # 1e-7 years: the same, by the long way
    epochs = 2000.0 + np.array([0.0, 1e-6, 2e-6])
    moving = group_evidence([rows(ra, dec, covariance, epochs)], groups([3]), Mixture())
    assert moving.lnB[0] == pytest.approx(still.lnB[0], rel=1e-12)
    assert moving.chi2[0] == pytest.approx(still.chi2[0], rel=1e-12)
    assert (still.flags[0], moving.flags[0]) == (0, Flag.PM_PRIOR)


def test_rows_without_an_epoch_are_of_the_others():
    ra, dec = np.array([10.0, 10.00002]), np.array([20.0, 20.00001])
    a, b = (rows(ra[k : k + 1], dec[k : k + 1], round_errors([0.1]), e)
            for k, e in ((0, np.nan), (1, 1980.0)))  # fmt: skip
    zero = np.array([0])
    found = pair_evidence(a, b, zero, zero, Mixture())
    same = pair_evidence(replace(a, epoch=np.array([1980.0])), b, zero, zero, Mixture())
    assert found.lnB[0] == same.lnB[0]
    assert found.flags[0] == 0
    assert found.epoch_used[0] == 1980.0


def test_a_motion_agreed_upon_counts_for_the_pair():
    """Two stars at one place: motions that agree raise the evidence, others sink it."""
    at = {"covariance": round_errors([0.1]), "epoch": 2010.0}
    zero = np.array([0])
    here = rows([10.0], [20.0], motions=motions([[50.0, 0.0]], [[1.0, 1.0, 0.0]]), **at)
    lnB = [
        pair_evidence(here, rows([10.0], [20.0], motions=m, **at), zero, zero, Mixture()).lnB[0]
        for m in (motions([[50.5, 0.5]], [[1.0, 1.0, 0.0]]), None,
                  motions([[-50.0, 0.0]], [[1.0, 1.0, 0.0]]))
    ]  # fmt: skip
    assert lnB[0] > lnB[1] + 3.0
    assert lnB[2] < lnB[1] - 100.0


# ---------------------------------------------------------------- groups, wide errors, large errors


def test_single_rows_weigh_nothing():
    found = group_evidence([rows([1.0, 2.0], [3.0, 4.0], round_errors([0.1, 0.1]))],
                           groups([1, 1]), Mixture())  # fmt: skip
    assert found.lnB.tolist() == [0.0, 0.0]
    assert found.chi2.tolist() == [0.0, 0.0]
    assert found.dof.tolist() == [0, 0]
    assert found.flags.tolist() == [0, 0]


def test_a_wide_error_that_never_happens_is_none():
    at = rows([10.0, 10.0003], [20.0, 20.0], round_errors([0.1, 0.1]))
    plain = group_evidence([at], groups([2]), Mixture())
    never = group_evidence([replace(at, wide_arcsec=2.0)], groups([2]), Mixture())
    assert never.lnB[0] == plain.lnB[0]


def test_a_blend_is_forgiven_by_its_wide_error():
    at = rows([10.0, 10.0003], [20.0, 20.0], round_errors([0.1, 0.1]))
    wide = replace(at, wide=np.array([0.0, 0.1]), wide_arcsec=1.0)
    plain = group_evidence([at], groups([2]), Mixture())
    found = group_evidence([wide], groups([2]), Mixture())
    assert found.lnB[0] > plain.lnB[0] + 15.0
    assert found.chi2[0] < 2.0
    assert found.flags[0] == Flag.BLEND


def test_a_blend_in_two_surveys_is_forgiven_in_both():
    """Two wide rows, apart from each other and from the two that are not."""
    ra = 10.0 + np.array([0.0, 0.0, 0.9, -0.9]) / 3600.0
    at = rows(ra, np.full(4, 0.0), round_errors(np.full(4, 0.02)))
    one = replace(at, wide=np.array([0.0, 0.0, 0.1, 0.0]), wide_arcsec=0.6)
    both = replace(at, wide=np.array([0.0, 0.0, 0.1, 0.1]), wide_arcsec=0.6)
    broken = group_evidence([one], groups([4]), Mixture())
    whole = group_evidence([both], groups([4]), Mixture())
    assert broken.chi2[0] > 1000.0
    assert whole.chi2[0] == pytest.approx(2 * 0.9**2 / 0.36, rel=0.01)
    assert whole.lnB[0] > 10.0
    assert whole.flags[0] == Flag.BLEND


def test_wide_states_end_at_four_members_at_once():
    """Five rows that are all wide: what is left out is normalised away."""
    found = [Source(10.0 + k * 1e-5, 20.0, (0.01, 0.01, 0.0), wide=0.3) for k in range(5)]
    made = group_evidence(of_sources(found, 2.0), groups([5]), prior_of(found))
    expected = ln_bayes(found, [0.0], [1.0], 2.0)
    assert made.lnB[0] == pytest.approx(expected, rel=1e-9)


def test_an_object_may_be_wide_in_all_its_rows_and_the_reference_is_so_only_then():
    """A galaxy: displaced in three surveys and in the one that they are calibrated against."""
    place = [(0.0, 0.0, -1.0), (0.3, 0.1, 0.05), (-0.2, 0.3, 0.1), (-0.1, -0.4, 0.2)]
    found = [Source(10.0 + x / 3600.0, y / 3600.0, (1e-4, 1e-4, 0.0), wide=f) for x, y, f in place]
    made = group_evidence(of_sources(found, 0.2), groups([4]), prior_of(found))
    assert made.lnB[0] == pytest.approx(ln_bayes(found, [0.0], [1.0], 0.2), rel=1e-9)
    never = [replace(found[0], wide=0.0), *found[1:]]
    alone = group_evidence(of_sources(never, 0.2), groups([4]), prior_of(never))
    assert alone.lnB[0] == pytest.approx(ln_bayes(never, [0.0], [1.0], 0.2), rel=1e-9)
    assert made.lnB[0] > alone.lnB[0] + 1.0
    pair = group_evidence(of_sources(found[:2], 0.2), groups([2]), prior_of(found[:2]))
    same = group_evidence(of_sources(never[:2], 0.2), groups([2]), prior_of(never[:2]))
    assert pair.lnB[0] == same.lnB[0]  # whose f is fitted as it is


def test_chi2_of_a_pair_lets_a_faint_row_move():
    """The heaviest component of faint rows is the static one: a slow star must not be cut off."""
    weights = np.tile([0.9, 0.08, 0.02], (2, 1))
    prior = Mixture(table=weights)
    a = rows([10.0], [0.0], round_errors([0.02]), np.array([2000.0]))
    b = rows([10.0 + 0.1 / 3600.0], [0.0], round_errors([0.02]), np.array([2016.0]))
    zero = np.array([0])
    found = pair_evidence(a, b, zero, zero, prior)
    slow = min(s for s in prior.sigmas_masyr if s > 0.0) * 1e-3 * 16.0
    assert found.chi2[0] == pytest.approx(0.01 / (0.0008 + slow**2), rel=1e-6)


def test_slices_are_the_whole():
    rng = np.random.default_rng(5)
    everyone = rows(10.0 + rng.normal(0, 1e-5, 60), 20.0 + rng.normal(0, 1e-5, 60),
                    round_errors(np.full(60, 0.05)), rng.uniform(1990, 2020, 60))  # fmt: skip
    some = groups([1, 2, 3, 4, 5, 5, 4, 3, 2, 1, 30])
    whole = group_evidence([everyone], some, Mixture())
    parts = [group_evidence([everyone], some, Mixture(), start=a, stop=b)
             for a, b in ((0, 3), (3, 4), (4, 11))]  # fmt: skip
    for name in ("lnB", "chi2", "dof", "flags"):
        joined = np.concatenate([getattr(p, name) for p in parts])
        np.testing.assert_array_equal(getattr(whole, name), joined)


def test_ellipses_go_over_from_the_plane_to_the_sphere_without_a_step():
    lnB = []
    for sigma in (9.999999, 10.000001):
        c = ellipse_covariance(sigma, 0.3 * sigma, 25.0)
        a, b = rows([10.0], [50.0], [c]), rows([10.004], [50.003], [c])
        lnB.append(pair_evidence(a, b, np.array([0]), np.array([0]), Mixture()).lnB[0])
    assert lnB[0] == pytest.approx(lnB[1], abs=1e-5)


def test_opposite_points_have_an_evidence_too():
    c = round_errors([3600.0 * 60.0])
    a, b = rows([0.0], [0.0], c), rows([180.0], [0.0], c)
    found = pair_evidence(a, b, np.array([0]), np.array([0]), Mixture())
    w = (206264.80624709636 / (3600.0 * 60.0)) ** 2
    # W = 0: B = (w / sinh w)^2
    assert found.lnB[0] == pytest.approx(2.0 * np.log(w / np.sinh(w)), rel=1e-9)
    assert np.isfinite(found.chi2[0])


def test_no_pair_and_no_group_are_empty_answers():
    none = rows([], [], np.empty((0, 3)))
    found = pair_evidence(none, none, np.empty(0, np.int64), np.empty(0, np.int64), Mixture())
    assert len(found.lnB) == 0
    assert found.covariance.shape == (0, 3)
    assert len(group_evidence([none], groups([]), Mixture()).lnB) == 0


def test_offsets_and_covariance_give_the_chi2(golden):
    rng = np.random.default_rng(3)
    n = 200
    ra, dec = rng.uniform(0, 360, n), np.degrees(np.arcsin(rng.uniform(-1, 1, n)))
    c = ellipse_covariance(rng.uniform(0.1, 1, n), rng.uniform(0.1, 1, n), rng.uniform(0, 180, n))
    a = rows(ra, dec, c)
    b = rows((ra + 1e-4) % 360.0, np.clip(dec + 1e-4, -90, 90), c)
    every = np.arange(n)
    f = pair_evidence(a, b, every, every, Mixture())
    x, y = f.dra_cosdec_arcsec, f.ddec_arcsec
    xx, yy, xy = f.covariance.T
    chi2 = (x * x * yy - 2 * x * y * xy + y * y * xx) / (xx * yy - xy * xy)
    np.testing.assert_allclose(chi2, f.chi2, rtol=1e-9)
    np.testing.assert_allclose(np.hypot(x, y), f.sep_arcsec, rtol=1e-9)
    np.testing.assert_allclose(np.degrees(np.arctan2(x, y)) % 360.0, f.pa_deg, atol=1e-4)
    # the ellipse of the combined errors gives them back
    again = ellipse_covariance(f.sigma_major_arcsec, f.sigma_minor_arcsec, f.sigma_pa_deg)
    np.testing.assert_allclose(again, f.covariance, rtol=1e-9, atol=1e-12)
