"""Mixtures with gaps: the loops by pattern say what one row after another says."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from skyquarry.learn import mixtures
from skyquarry.learn.kernels.gaussians import BLOCK, expected
from skyquarry.testing.naive import mixtures as naive


def gapped(n, d, seed, gaps):
    """Rows (n, d), each with one value at least."""
    random = np.random.default_rng(seed)
    x = random.normal(size=(n, d)) @ random.normal(size=(d, d)) + random.normal(size=d)
    lost = random.random((n, d)) < gaps
    lost[np.arange(n), random.integers(0, d, n)] = False
    x[lost] = np.nan
    return x


def some_mixture(d, components, seed):
    random = np.random.default_rng(seed)
    factor = random.normal(size=(components, d, d))
    covariance = factor @ factor.transpose(0, 2, 1) + 0.1 * np.eye(d)
    weight = random.dirichlet(np.ones(components))
    return mixtures.Mixture(weight, random.normal(0, 2, (components, d)), covariance)


cases = given(
    d=st.integers(1, 7), components=st.integers(1, 4), seed=st.integers(0, 99),
    gaps=st.sampled_from([0.0, 0.3, 0.8]), n=st.sampled_from([1, 5, BLOCK + 3]),
)  # fmt: skip


@cases
def test_distances_are_those_of_one_row_after_another(d, components, seed, gaps, n):
    x, made = gapped(n, d, seed, gaps), some_mixture(d, components, seed)
    square = np.array([naive.least_square(row, made.mean, made.covariance) for row in x])
    free = np.isfinite(x).sum(axis=1)
    small = 2.0 / (9.0 * free)
    told = (np.cbrt(square / free) - 1.0 + small) / np.sqrt(small)
    assert made.distance(x) == pytest.approx(told, rel=1e-9, abs=1e-9)


@cases
def test_expectations_are_those_of_one_row_after_another(d, components, seed, gaps, n):
    x, old = gapped(n, d, seed, gaps), some_mixture(d, components, seed)
    parts = mixtures.Parts.of(x)
    sums = np.zeros(components), np.zeros((components, d)), np.zeros((components, d, d))
    assert expected(
        parts.turned, parts.starts, parts.known, old.weight, old.mean, old.covariance, *sums
    )
    for told, slow in zip(
        sums, naive.expected(x, old.weight, old.mean, old.covariance), strict=True
    ):
        assert told == pytest.approx(slow, rel=1e-8, abs=1e-8)


@cases
def test_what_is_missing_is_the_expectation_of_one_row_after_another(d, components, seed, gaps, n):
    x, made = gapped(n, d, seed, gaps), some_mixture(d, components, seed)
    told = made.likely(x)
    for row, got in zip(x, told, strict=True):
        share = naive.shares(row, made.weight, made.mean, made.covariance)
        means = zip(made.mean, made.covariance, strict=True)
        filled = np.array([naive.completed(row, *each)[0] for each in means])
        here = np.isfinite(row)
        assert (got[here] == row[here]).all()
        assert got[~here] == pytest.approx((share @ filled)[~here], rel=1e-6, abs=1e-6)


@cases
def test_a_round_is_that_of_one_component_after_another(d, components, seed, gaps, n):
    x, old = gapped(n, d, seed, gaps), some_mixture(d, components, seed)
    sums = naive.expected(x, old.weight, old.mean, old.covariance)
    assume(sums[0].min() > 1e-4)  # of a component that holds nothing, nothing is known
    ridge = 0.01 * some_mixture(d, 1, seed + 100).covariance[0]
    told = mixtures.step(mixtures.Parts.of(x), old, ridge)
    slow_ones = naive.maximised(*sums, ridge)
    for name, slow in zip(("weight", "mean", "covariance"), slow_ones, strict=True):
        assert getattr(told, name) == pytest.approx(slow, rel=1e-6, abs=1e-6)


def test_two_heaps_are_found_again():
    """Of 230 rows two components are made: as many as there are heaps."""
    random = np.random.default_rng(5)
    heap = random.random(230) < 0.3
    whole = np.where(heap[:, None], [4.0, 1.0], [-2.0, 0.0]) + random.normal(size=(230, 2))
    x = np.where(random.random(whole.shape) < 0.1, np.nan, whole)
    made = mixtures.fit(x)
    order = np.argsort(made.mean[:, 0])
    assert made.weight[order] == pytest.approx([1 - heap.mean(), heap.mean()], abs=0.02)
    for at, rows in zip(order, (whole[~heap], whole[heap]), strict=True):
        assert made.mean[at] == pytest.approx(rows.mean(axis=0), abs=0.12)
        assert made.covariance[at] == pytest.approx(np.cov(rows.T), abs=0.25)


@cases
def test_log_densities_are_those_of_one_row_after_another(d, components, seed, gaps, n):
    x, made = gapped(n, d, seed, gaps), some_mixture(d, components, seed)
    told = made.log_density(mixtures.Parts.of(x), n)
    for row, got in zip(x, told, strict=True):
        here = np.isfinite(row)
        parts = []
        for weight, mean, wide in zip(made.weight, made.mean, made.covariance, strict=True):
            block, left = wide[np.ix_(here, here)], (row - mean)[here]
            square = left @ np.linalg.solve(block, left)
            parts.append(np.log(max(weight, 1e-12)) - 0.5 * (square + np.linalg.slogdet(block)[1]))
        assert got == pytest.approx(np.logaddexp.reduce(parts), rel=1e-6, abs=1e-6)


def test_a_row_without_a_value_has_the_log_density_0():
    x = np.array([[np.nan, np.nan], [0.5, np.nan], [np.nan, np.nan]])
    told = some_mixture(2, 2, 1).log_density(mixtures.Parts.of(x), 3)
    assert told[[0, 2]].tolist() == [0.0, 0.0]
    assert told[1] != 0.0


def test_with_a_ridge_of_its_own_covariance_a_fit_is_the_same_in_other_units():
    x = gapped(900, 3, 5, 0.2)
    turn = np.diag([1e3, 1e-2, 7.0])
    found = []
    for rows, unit in ((x, np.eye(3)), (x @ turn, turn)):
        ridge = unit @ (2e-3 * np.nan_to_num(np.cov(np.nan_to_num(x), rowvar=False))) @ unit
        found.append(mixtures.fit(rows, 3, rows_each=30, ridge=ridge))
    plain, turned = found
    assert len(plain.weight) == 8
    density = plain.log_density(mixtures.Parts.of(x), len(x))
    other = turned.log_density(mixtures.Parts.of(x @ turn), len(x))
    volume = np.where(np.isfinite(x), np.log(np.diag(turn)), 0.0).sum(axis=1)
    assert np.median(np.abs(density - other - volume)) < 0.2


def test_rows_without_a_value_are_at_minus_infinity_wherever_they_stand():
    x, made = gapped(40, 3, 1, 0.5), some_mixture(3, 2, 1)
    x[[0, 7, 39]] = np.nan
    told = made.distance(x)
    assert np.flatnonzero(np.isneginf(told)).tolist() == [0, 7, 39]
    assert np.isneginf(made.distance(np.full((4, 3), np.nan))).all()
    assert made.distance(np.empty((0, 3))).shape == (0,)


def test_each_pattern_is_one_part_however_many_features_there_are():
    x = np.zeros((6, 70))
    x[[1, 4], 69] = np.nan
    parts = mixtures.Parts.of(x)
    assert sorted(np.diff(parts.starts).tolist()) == [2, 4]
    assert parts.rows.tolist() in ([0, 2, 3, 5, 1, 4], [1, 4, 0, 2, 3, 5])


def test_a_covariance_that_is_none_is_refused():
    flat = mixtures.Mixture(np.ones(1), np.zeros((1, 2)), np.ones((1, 2, 2)))
    with pytest.raises(np.linalg.LinAlgError, match="positive definite"):
        flat.distance(np.zeros((3, 2)))
