"""The second search: who is searched again, what is found, and what is said to be found."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

from skyquarry.match.given.rows import Motions, Rows
from skyquarry.match.likelihood.fastpass import (
    FASTEST_ARCSEC_YR,
    Conditions,
    FastRule,
    completeness_by_speed,
    eligible,
    fast_candidates,
    free,
)
from skyquarry.match.likelihood.motionprior import MotionPrior
from skyquarry.sky import healpix
from skyquarry.sky.motion import propagate
from skyquarry.sky.vectors import separation_arcsec, to_xyz


def rows(ra: object, dec: object, epoch: object = 2000.0, *, sigma: float = 0.1) -> Rows:
    ra, dec, epoch = np.broadcast_arrays(
        *(np.atleast_1d(x).astype(float) for x in (ra, dec, epoch))
    )
    n = len(ra)
    spatial = healpix.index(ra, dec)
    order = np.argsort(spatial, kind="stable")
    nothing = np.full(n, np.nan)
    return Rows(
        ra[order], dec[order], spatial[order], pa.array(range(n)), np.arange(n), order,
        np.tile([sigma**2, sigma**2, 0.0], (n, 1)), epoch[order], None, np.full(n, 10.0), nothing,
        nothing, np.zeros(n), 0.0, np.zeros(n, np.int32),
    )  # fmt: skip


def test_bright_or_red_rows_that_nobody_knows_are_searched_again() -> None:
    some = rows(np.arange(8.0), 0.0)
    some = replace(
        some,
        mag=np.array([13.9, 14.1, 17.0, np.nan, 10.0, 10.0, 10.0, 17.0]),
        cool=np.array([np.nan, 1e-4, 0.01, 0.5, 1e-4, 1e-4, 1e-4, 0.5]),
        extended=np.array([np.nan, 0, 0, np.nan, 0, 0, 0, 1.0]),
        epoch=np.array([2000.0] * 5 + [np.nan, 2000.0, 2000.0]),
    )
    pm = np.full((8, 2), np.nan)
    pm[6] = 5.0
    zeros = np.zeros(8)
    some = replace(
        some, motions=Motions(pm, np.ones((8, 3)), np.zeros((8, 4)), zeros, zeros, zeros, zeros)
    )
    matched = np.zeros(8, bool)
    matched[4] = True
    told = eligible(some, matched, FastRule())
    assert np.flatnonzero(told).tolist() == [0, 2, 3]
    assert np.flatnonzero(free(some, matched)).tolist() == [0, 1, 2, 3, 7]


def test_barnard_is_found_after_sixteen_years_and_what_is_faster_is_not() -> None:
    a = rows([269.452, 100.0], [4.693, 50.0], 1999.5)
    there = [
        propagate(269.452, 4.693, -801.551, 10362.394, 16.5),
        propagate(100.0, 50.0, 0.0, 10600.0, 16.5),
    ]
    b = rows([t[0][0] for t in there], [t[1][0] for t in there], 2016.0)
    everyone = (np.ones(2, bool), np.ones(2, bool))
    i, j = fast_candidates(a, b, everyone, everyone, 3.4)
    assert [(a.row[p], b.row[q]) for p, q in zip(i, j, strict=True)] == [(0, 0)]


@pytest.mark.parametrize("centre", [(0.0, 30.0), (0.0, 89.995), (200.0, -89.99)])
def test_candidates_are_all_pairs_that_brute_force_finds(centre: tuple[float, float]) -> None:
    rng = np.random.default_rng(7)

    def scattered(n: int, low: float, high: float) -> Rows:
        ra, dec = centre[0] + rng.normal(0, 0.03, n), centre[1] + rng.normal(0, 0.02, n)
        over = np.abs(dec) > 90
        ra, dec = np.where(over, ra + 180, ra) % 360, np.where(over, np.sign(dec) * 180 - dec, dec)
        return rows(ra, dec, rng.uniform(low, high, n), sigma=0.3)

    a, b = scattered(120, 1998, 2001), scattered(150, 2010, 2011)
    allowed = rng.random(120) < 0.8, rng.random(150) < 0.8
    fast = allowed[0] & (rng.random(120) < 0.4), allowed[1] & (rng.random(150) < 0.4)
    sep = separation_arcsec(
        np.repeat(to_xyz(a.ra_deg, a.dec_deg), 150, axis=0),
        np.tile(to_xyz(b.ra_deg, b.dec_deg), (120, 1)),
    ).reshape(120, 150)
    reach = FASTEST_ARCSEC_YR * np.abs(a.epoch[:, None] - b.epoch[None, :]) + 3 * np.hypot(0.3, 0.3)
    wanted = (sep <= reach) & allowed[0][:, None] & allowed[1][None, :]
    wanted &= fast[0][:, None] | fast[1][None, :]
    i, j = fast_candidates(a, b, allowed, fast, 3.0)
    assert wanted.sum() > 20
    assert list(zip(i.tolist(), j.tolist(), strict=True)) == list(
        zip(*(x.tolist() for x in np.nonzero(wanted)), strict=True)
    )


def test_nobody_free_is_nobody_found() -> None:
    a = rows([1.0], [1.0])
    none, one = np.zeros(1, bool), np.ones(1, bool)
    assert len(fast_candidates(a, a, (none, one), (none, one), 3.0)[0]) == 0
    assert len(fast_candidates(a, a, (one, one), (none, none), 3.0)[0]) == 0


# ---------------------------------------------------------------- completeness

EDGES = np.arange(0.0, 13.0)
QUIET = Conditions(years=16.5, sigma_arcsec=0.1, left_deg2=0.5, right_deg2=0.5, both_deg2=500.0)
PRIOR = MotionPrior().with_fastest(3000.0, 1e-2)


def test_on_an_empty_sky_all_are_found_and_nothing_beyond_the_fastest() -> None:
    told = completeness_by_speed(EDGES, QUIET, PRIOR, PRIOR.base)
    assert (told[:10] > 0.8).all()
    assert 0.0 < told[10] < 0.5
    assert told[11] == 0.0


def test_completeness_is_what_a_simulation_finds() -> None:
    case = replace(QUIET, left_deg2=40.0, right_deg2=60.0, both_deg2=3000.0, share_eligible=0.7)
    told = completeness_by_speed(EDGES, case, PRIOR, PRIOR.base)
    rng = np.random.default_rng(3)
    n = 40_000
    deg = 1 / 3600.0**2
    far = 80.0 * np.sqrt(2.0 * np.log(PRIOR.base[3] / (1.0 - PRIOR.base[0]) / PRIOR.lost))
    assert far > 8.0 * case.k
    variance = 0.01 + (PRIOR.sigmas_masyr * 1e-3 * 16.5) ** 2
    for low, expected in zip(EDGES[:-1], told, strict=True):
        v = rng.uniform(low, low + 1, n)
        s = v * 16.5
        gain = (
            3000.0
            / (40 * 60 * deg)
            * sum(
                w * np.exp(-s * s / 2 / var) / (2 * np.pi * var)
                for w, var in zip(PRIOR.base, variance, strict=True)
            )
        )
        crowd = rng.poisson(np.pi * s**2 * deg * 40) + rng.poisson(np.pi * s**2 * deg * 60)
        second = (gain > 1) & (crowd == 0) & (v <= FASTEST_ARCSEC_YR) & (rng.random(n) < 0.7)
        first = s <= np.hypot(case.k * 0.1, far * 1e-3 * 16.5)
        found = np.where(first, rng.random(n) < 0.9973, second)
        assert abs(found.mean() - expected) < 0.015


def test_a_crowded_sky_hides_the_fastest() -> None:
    crowded = replace(QUIET, left_deg2=2000.0, right_deg2=2000.0)
    told = completeness_by_speed(EDGES, crowded, PRIOR, PRIOR.base)
    assert told[1] < 0.5
    assert told[9] == 0.0


def test_without_time_between_everything_is_in_the_first_search() -> None:
    told = completeness_by_speed(EDGES, replace(QUIET, years=0.0), PRIOR, PRIOR.base)
    np.testing.assert_allclose(told, 0.9973, atol=1e-5)
