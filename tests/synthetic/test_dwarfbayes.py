"""Bayes' answer of benchmarks/dwarfceiling.py: what it says of simulated dwarfs comes true."""

import sys
from pathlib import Path

import numpy as np
import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
ERROR = 0.03


@pytest.fixture(scope="module")
def known():
    sys.path.insert(0, str(BENCHMARKS))
    try:
        import dwarfbayes
        import dwarfsky
    finally:
        sys.path.remove(str(BENCHMARKS))
    return dwarfbayes, dwarfsky


@pytest.fixture(scope="module")
def told(known):
    """Dwarfs of a cell, W1 < 15.5: probabilities, who is brown, and how many each stands for."""
    bayes, sky = known
    sources, _, times = sky.drawn(np.array([20_000]), 3)
    faint = sources.mags[:, bayes.PLACES[-2]] > 15.5 + 2.699
    random = np.random.default_rng(0)
    kept = random.permutation(np.flatnonzero(~faint & (sources.spectral_type >= 17.0)))[:1500]
    mags = sources.mags[kept][:, bayes.PLACES].astype(float)
    mags += ERROR * random.standard_normal(mags.shape)
    errors = np.full(mags.shape, ERROR)
    parallax = sources.parallax_mas[kept] + 0.5 * random.standard_normal(len(kept))
    p = bayes.Sequence.known().brown(mags, errors, parallax, np.full(len(kept), 0.5))
    return p, sources.spectral_type[kept] >= sky.L0, 1.0 / times[kept], (mags, errors)


def test_as_many_are_brown_as_it_expects(told):
    p, brown, weight, _ = told
    for low, high in ((0.05, 0.5), (0.5, 0.9), (0.9, 1.0)):
        some = (p >= low) & (p <= high)
        expected, right = ((weight[some] * each[some]).sum() for each in (p, brown))
        error = np.sqrt((weight[some] ** 2 * p[some] * (1.0 - p[some])).sum())
        assert abs(expected - right) < 3.0 * error + 0.03 * right, (low, expected, right)


def test_an_early_dwarf_and_a_late_one_are_told_apart(told):
    p, brown, weight, _ = told
    said = p > 0.5
    assert (weight * (said == brown)).sum() > 0.9 * weight.sum()
    assert said.any()
    assert not said.all()


def test_fewer_bands_tell_less(known, told):
    bayes, _ = known
    p, brown, weight, (mags, errors) = told
    unknown = np.full(len(mags), np.nan)
    few = mags.copy()
    few[:, : bayes.BANDS.index("twomass_j")] = np.nan
    poor = bayes.Sequence.known().brown(few, errors, unknown, unknown)

    def loss(said):
        right = np.clip(np.where(brown, said, 1.0 - said), 1e-9, 1.0)
        return -(weight * np.log(right)).sum()

    assert loss(p) < 0.8 * loss(poor)
