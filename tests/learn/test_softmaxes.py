"""The loss of scores and what it falls with: as numpy says it, and as differences say it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skyquarry.learn.calibration import softmax
from skyquarry.learn.kernels.softmaxes import lost


def some(n, kinds, seed, wide):
    random = np.random.default_rng(seed)
    scores = random.normal(0, wide, (n, kinds))
    return scores, random.integers(0, kinds, n), random.uniform(0, 2, n)


@given(n=st.integers(1, 30), kinds=st.integers(2, 9), seed=st.integers(0, 99),
       wide=st.sampled_from([0.0, 1.0, 400.0]))  # fmt: skip
def test_it_is_the_weighted_loss_of_softmax(n, kinds, seed, wide):
    scores, labels, weight = some(n, kinds, seed, wide)
    written = scores.copy()
    value = lost(written, labels, weight)
    own = scores[np.arange(n), labels]
    slow = weight @ (np.logaddexp.reduce(scores, axis=1) - own)
    assert value == pytest.approx(slow, rel=1e-12, abs=1e-12)
    fall = softmax(scores)
    fall[np.arange(n), labels] -= 1.0
    assert written == pytest.approx(weight[:, None] * fall, rel=1e-12, abs=1e-12)


def test_scores_fall_with_what_it_writes():
    scores, labels, weight = some(5, 3, 1, 1.0)
    slope = scores.copy()
    lost(slope, labels, weight)
    for row, kind in np.ndindex(5, 3):
        more, less = scores.copy(), scores.copy()
        more[row, kind] += 1e-5
        less[row, kind] -= 1e-5
        told = (lost(more, labels, weight) - lost(less, labels, weight)) / 2e-5
        assert told == pytest.approx(slope[row, kind], abs=1e-8)
