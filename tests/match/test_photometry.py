"""Photometric evidence: what magnitudes of several catalogues say together."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import pytest

from skyquarry.match.kernels.fitting import fit_marginals
from skyquarry.match.priors.densities import Densities
from skyquarry.match.priors.densitysums import Summary, histogram
from skyquarry.match.priors.jointmags import Joint, joints_of
from skyquarry.match.priors.learning import learn
from skyquarry.match.priors.magnitudes import MagnitudeScale
from skyquarry.match.priors.photometry import MagnitudePrior
from skyquarry.match.priors.securepairs import MagnitudeSums, scales_of
from skyquarry.testing.setsky import Candidates, candidates, is_true, set_sky

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

RATES = {("a",): 20_000.0, ("b",): 30_000.0, ("a", "b"): 20_000.0}
SAME = dict.fromkeys(RATES, 20.0)


def scene(seed: int, *, related: bool = True) -> tuple[Candidates, NDArray[np.bool_]]:
    """Candidates, and which are true; magnitudes are related to 0.3, or not at all."""
    sky = set_sky(RATES, {"a": 0.3, "b": 0.3}, 0.2, seed, mean_mag=SAME if related else None)
    found = candidates(sky.rows)
    return found, is_true(found.groups, sky.objects) & (np.diff(found.groups.start) > 1)


def fitted(found: Candidates, posterior: NDArray[np.float64]) -> MagnitudePrior | None:
    summary = Summary.of(found.rows)
    sums = MagnitudeSums.of(found.rows, found.groups, posterior, scales_of(summary))
    return MagnitudePrior.fit(sums, summary)


def test_true_pairs_are_likelier_and_chance_pairs_less_likely() -> None:
    found, true = scene(1)
    prior = fitted(found, true.astype(float))
    assert prior is not None
    ratio = prior.ln_ratio(found.rows, found.groups)
    false = ~true & (np.diff(found.groups.start) > 1)
    assert ratio[true].mean() > 0.5
    assert ratio[false].mean() < -0.5


def test_the_ratio_is_that_of_the_bells_it_was_drawn_from() -> None:
    """ln c / (c1 c2) of a bivariate normal distribution of correlation rho."""
    found, true = scene(2)
    prior = fitted(found, true.astype(float))
    assert prior is not None
    pairs = np.flatnonzero(np.diff(found.groups.start) == 2)
    nodes = found.groups.nodes[found.groups.start[pairs, None] + [0, 1]]
    mags = np.concatenate([rows.mag for rows in found.rows])[nodes]
    u, v = ((mags - 20.0) / np.sqrt(1.09)).T
    inner = (np.abs(u) < 1.2) & (np.abs(v) < 1.2) & (np.abs(u - v) < 1.0)
    rho = 1.0 / 1.09
    apart = rho**2 * (u**2 + v**2) - 2.0 * rho * u * v
    exact = -0.5 * np.log(1.0 - rho**2) - apart / (2.0 * (1.0 - rho**2))
    ratio = prior.ln_ratio(found.rows, found.groups)[pairs]
    assert np.abs(ratio - exact)[inner].mean() < 0.25


def test_missing_magnitudes_and_single_rows_are_neutral() -> None:
    found, true = scene(3)
    prior = fitted(found, true.astype(float))
    assert prior is not None
    found.rows[1].mag[:] = np.nan
    assert (prior.ln_ratio(found.rows, found.groups) == 0.0).all()


def test_the_ratio_stays_within_ten() -> None:
    found, true = scene(4)
    prior = fitted(found, true.astype(float))
    assert prior is not None
    found.rows[0].mag[:], found.rows[1].mag[:] = -20.0, 60.0
    assert np.abs(prior.ln_ratio(found.rows, found.groups)).max() <= 10.0


def test_fewer_than_a_hundred_secure_pairs_teach_nothing() -> None:
    found, true = scene(5)
    few = np.zeros(len(true))
    few[np.flatnonzero(true)[:99]] = 1.0
    assert fitted(found, few) is None
    few[np.flatnonzero(true)[99]] = 1.0
    assert fitted(found, few) is not None


@pytest.mark.parametrize("seed", range(4))
def test_magnitudes_without_relation_stay_neutral(seed: int) -> None:
    found, true = scene(10 + seed, related=False)
    prior = fitted(found, true.astype(float))
    if prior is not None:
        ratio = prior.ln_ratio(found.rows, found.groups)[np.diff(found.groups.start) > 1]
        assert np.sqrt((ratio**2).mean()) < 0.06


def test_learning_does_not_run_away_on_pure_chance() -> None:
    """Two catalogues with nothing in common: densities, magnitudes and pairs stay at nothing."""
    rates: dict[tuple[str, ...], float] = {("a",): 40_000.0, ("b",): 40_000.0}
    sky = set_sky(rates, {"a": 1.0, "b": 1.0}, 0.4, 6)
    found = candidates(sky.rows)
    summary = Summary.of(found.rows)
    learnt = learn(Densities.start(sky.names, summary), summary, [found])
    photometry = learnt.photometry
    ratio = None if photometry is None else photometry.ln_ratio(found.rows, found.groups)
    weight = learnt.densities.ln_weight(found.groups, found.ln_bayes, found.rows, ratio)
    pairs = np.diff(found.groups.start) > 1
    assert pairs.sum() > 1_000
    assert found.posterior(weight)[pairs].sum() < 0.01 * len(found.rows[0])


def test_magnitudes_are_not_counted_twice() -> None:
    """Marginals in `Densities` and the joint part here, or all here: the same factor."""
    rates = {("a",): 30_000.0, ("b",): 60_000.0, ("a", "b"): 30_000.0}
    mean = {("a",): 21.5, ("b",): 21.5, ("a", "b"): 20.0}
    sky = set_sky(rates, {"a": 0.3, "b": 0.3}, 0.2, 7, mean_mag=mean)
    found = candidates(sky.rows)
    true = is_true(found.groups, sky.objects) & (np.diff(found.groups.start) > 1)
    summary = Summary.of(found.rows)
    learnt = learn(Densities.start(sky.names, summary), summary, [found])
    assert learnt.photometry is not None
    two_parts = learnt.photometry.ln_ratio(found.rows, found.groups)
    zero = np.zeros(len(found.groups))
    plain = learnt.densities.without_magnitudes()
    two_parts += learnt.densities.ln_weight(found.groups, zero, found.rows)
    two_parts -= plain.ln_weight(found.groups, zero, found.rows)
    sums = MagnitudeSums.of(found.rows, found.groups, true.astype(float), scales_of(summary))
    whole = MagnitudePrior.fit(sums, summary, "field")
    assert whole is not None
    one_part = whole.ln_ratio(found.rows, found.groups)
    nodes = found.groups.nodes[found.groups.start[np.flatnonzero(true), None] + [0, 1]]
    u, v = ((np.concatenate([r.mag for r in found.rows])[nodes] - 20.0) / np.sqrt(1.09)).T
    away, rho = 1.5 / np.sqrt(1.09), 1.0 / 1.09
    apart = rho**2 * (u**2 + v**2) - 2.0 * rho * u * v
    exact = -0.5 * np.log(1.0 - rho**2) - apart / (2.0 * (1.0 - rho**2))
    exact += 0.5 * ((u - away) ** 2 - u**2 + (v - away) ** 2 - v**2)
    inner = (np.abs(u) < 1.2) & (np.abs(v) < 1.2) & (np.abs(u - v) < 1.0)
    for part in (one_part, two_parts):
        assert np.abs(part[true] - exact)[inner].mean() < 0.35
    assert exact[inner].mean() > 2.0  # marginals counted twice would be 2 off


def test_sums_do_not_depend_on_how_they_were_cut() -> None:
    found, true = scene(8)
    scales = scales_of(Summary.of(found.rows))
    posterior = np.random.default_rng(8).uniform(0.85, 1.0, len(true)) * true
    half = np.arange(len(true)) < len(true) // 2
    parts = [
        MagnitudeSums.of(found.rows, found.groups, posterior * side, scales)
        for side in (~half, half)
    ]
    whole = MagnitudeSums.of(found.rows, found.groups, posterior, scales)
    together = MagnitudeSums.union(parts)
    assert whole.pairs.keys() == together.pairs.keys()
    for key, counts in whole.pairs.items():
        assert (counts == together.pairs[key]).all()


def test_a_prior_comes_back_from_its_file_as_it_was(tmp_path: Path) -> None:
    found, true = scene(9)
    one = fitted(found, true.astype(float))
    assert one is not None
    one.save(tmp_path / "prior.json")
    two = MagnitudePrior.load(tmp_path / "prior.json")
    ratios = [each.ln_ratio(found.rows, found.groups) for each in (one, two)]
    assert (ratios[0] == ratios[1]).all()
    assert json.loads(json.dumps(one.to_dict())) == two.to_dict()
    assert one.lines(("a", "b"))[0].startswith("magnitudes of a and b: from ")


def test_of_three_magnitudes_those_that_tell_most_are_linked() -> None:
    def joint(information: float) -> Joint:
        line = np.array([14.0, 16.0])
        return Joint(line, line, np.eye(2), 200.0, information)

    told = {(0, 1): 0.2, (0, 2): 0.9, (1, 2): 0.5, (0, 3): 0.1}
    prior = MagnitudePrior((), {(0, *each): joint(value) for each, value in told.items()}, None)
    assert set(prior._tree(0b0111)) == {(0, 2), (1, 2)}
    assert set(prior._tree(0b0011)) == {(0, 1)}
    assert set(prior._tree(0b1110)) == {(1, 2)}  # nothing is known of 3 with 1 or 2


def test_bright_pairs_of_a_deep_field_know_how_well_they_agree() -> None:
    """At 2.3 sigma, the brightest 1 per cent: in 16 bins of equal counts e^2.8 at the very most."""
    rho = 0.9
    mags = np.random.default_rng(5).multivariate_normal([0, 0], [[1, rho], [rho, 1]], 40_000)
    counts = [histogram(20.0 + each) for each in mags.T]
    scales = tuple(MagnitudeScale.of(each) for each in counts)
    first, second = (s.bins(20.0 + each) for s, each in zip(scales, mags.T, strict=True))
    fine = np.zeros((len(scales[0]), len(scales[1])))
    np.add.at(fine, (first, second), 1.0)
    joint = joints_of({(3, 0, 1): fine}, scales)[0, 0, 1]
    x = np.array([-2.3, 0.0, 1.5])
    bell = -0.5 * np.log(1.0 - rho**2) + rho * x**2 / (1.0 + rho)
    np.testing.assert_allclose(joint.at(20.0 + x, 20.0 + x), bell, atol=0.35)
    assert bell[0] > np.log(16.0) + 0.4


def test_a_table_is_drawn_to_its_marginals_and_keeps_its_odds_ratios() -> None:
    random = np.random.default_rng(3)
    table, rows, columns = random.random((5, 4)) + 0.1, random.random(5), random.random(4)
    rows, columns = rows / rows.sum(), columns / columns.sum()
    fitted = table.copy()
    fit_marginals(fitted, rows, columns, 1000, 1e-14)
    np.testing.assert_allclose(fitted.sum(axis=1), rows, rtol=1e-12)
    np.testing.assert_allclose(fitted.sum(axis=0), columns, rtol=1e-12)
    odds = [t[1:, 1:] * t[:1, :1] / (t[1:, :1] * t[:1, 1:]) for t in (table, fitted)]
    np.testing.assert_allclose(*odds, rtol=1e-12)
