"""One-to-one assignment of two catalogues."""

from __future__ import annotations

import numpy as np
import pytest

from skyquarry.errors import UserError
from skyquarry.match.kernels.large import best_assignment
from skyquarry.match.resolution.assignment import assign


def test_the_golden_components(golden):
    from pyarrow import parquet

    rows = parquet.read_table(golden / "assignment_small.parquet").to_pylist()
    numbers = {row["component_id"] for row in rows}
    assert len(numbers) == 28
    for number in numbers:
        own = [row for row in rows if row["component_id"] == number]
        gain = np.array([np.nan if r["gain"] is None else r["gain"] for r in own])
        left, right = [r["i"] for r in own], [r["j"] for r in own]
        found = assign(own[0]["n1"], own[0]["n2"], left, right, gain)
        assert found.chosen.tolist() == [r["in_map"] for r in own]
        assert np.abs(found.posterior - [r["marginal"] for r in own]).max() < 1e-12
        assert abs(found.ln_evidence - own[0]["ln_evidence"]) < 1e-12
        total = gain[found.chosen].sum()
        assert total == pytest.approx(own[0]["map_total_gain"], abs=1e-12)
        assert not found.heuristic.any()


def test_the_order_of_pairs_does_not_matter():
    rng = np.random.default_rng(2)
    left, right = (a.ravel() for a in np.mgrid[:6, :5])
    gain = rng.normal(0, 2, 30)
    mixed = rng.permutation(30)
    one = assign(6, 5, left, right, gain)
    other = assign(6, 5, left[mixed], right[mixed], gain[mixed])
    assert np.array_equal(one.chosen[mixed], other.chosen)
    assert np.array_equal(one.posterior[mixed], other.posterior)
    assert one.ln_evidence == other.ln_evidence


def test_swapped_catalogues_give_the_same_answer():
    rng = np.random.default_rng(3)
    left, right = (a.ravel() for a in np.mgrid[:6, :4])
    gain = rng.normal(0, 2, 24)
    one, other = assign(6, 4, left, right, gain), assign(4, 6, right, left, gain)
    assert np.array_equal(one.chosen, other.chosen)
    assert np.abs(one.posterior - other.posterior).max() < 1e-12


@pytest.mark.parametrize("shape", [(1, 1), (7, 7), (12, 30), (60, 80)])
def test_the_best_assignment_is_scipys(shape):
    from scipy.optimize import linear_sum_assignment

    gain = np.random.default_rng(7).normal(0.0, 4.0, shape)
    column, u, v = best_assignment(gain)
    rows, columns = linear_sum_assignment(np.maximum(gain, 0.0), maximize=True)
    wanted = np.full(shape[0], -1)
    wanted[rows] = np.where(gain[rows, columns] > 0.0, columns, -1)
    assert np.array_equal(column, wanted)
    assert (u[:, None] + v - np.maximum(gain, 0.0)).min() > -1e-12
    total = np.maximum(gain, 0.0)[rows, columns].sum()
    assert u.sum() + v.sum() == pytest.approx(total, rel=1e-12)


def test_ties_of_a_large_component_go_to_the_first_pairs():
    """20 x 20 with equal gains is beyond exact sums; the choice is decided all the same."""
    left, right = (a.ravel() for a in np.mgrid[:20, :20])
    found = assign(20, 20, left, right, np.full(400, 2.0))
    assert np.array_equal(found.chosen.reshape(20, 20), np.eye(20, dtype=bool))
    assert found.heuristic.all()
    assert np.ptp(found.posterior) < 1e-9
    assert 0.9 / 20 < found.posterior[0] <= 1.0 / 20


def test_no_pairs_are_no_assignment():
    found = assign(3, 0, [], [], [])
    assert len(found.chosen) == 0
    assert found.ln_evidence == 0.0


def test_what_is_no_assignment_is_refused():
    with pytest.raises(UserError, match=r"shapes \(2,\), \(1,\) and \(1,\)"):
        assign(2, 2, [0, 1], [0], [1.0])
    with pytest.raises(UserError, match=r"right has rows from 2 to 2, but there are 2 rows"):
        assign(2, 2, [0], [2], [1.0])
    with pytest.raises(UserError, match=r"a gain is \+inf"):
        assign(2, 2, [0], [1], [np.inf])
    with pytest.raises(UserError, match=r"the pair \(1, 0\) is given twice"):
        assign(2, 2, [1, 1], [0, 0], [1.0, 2.0])
