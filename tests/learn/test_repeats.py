"""Rows that are there twice are found, and no others."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from skyquarry.learn.repeats import among, repeated


@given(seed=st.integers(0, 100), grouped=st.booleans())
def test_they_are_those_that_a_comparison_of_all_pairs_finds(seed, grouped):
    random = np.random.default_rng(seed)
    values = random.integers(0, 3, (40, 4)).astype(np.float32)
    values[random.random((40, 4)) < 0.2] = np.nan
    groups = random.integers(0, 4, 40) if grouped else None
    own = np.arange(40) if groups is None else groups
    same = (np.isnan(values)[:, None] & np.isnan(values)[None]) | (values[:, None] == values[None])
    told = (~np.isnan(values)).sum(axis=1) >= 3
    naive = (same.all(axis=2) & (own[:, None] != own[None])).any(axis=1) & told
    assert np.array_equal(repeated(values, groups), naive)


def test_known_rows_are_found_among_others_whatever_their_nan_and_zero():
    known = np.array([[1, 2, 3, np.nan], [0.0, 5, 6, 7], [1, 2, np.nan, np.nan]], np.float32)
    other = np.array([[-0.0, 5, 6, 7], [9, 9, 9, 9], [1, 2, np.nan, np.nan]], np.float32)
    assert among(other, known).tolist() == [False, True, False]
    assert among(known, known).tolist() == [True, True, False]
