"""Groups round leaders and among their candidates; what becomes of stars that are too large."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skyquarry.match.resolution.islands import islands
from skyquarry.match.resolution.resolve import resolve
from skyquarry.match.resolution.stars import shared_leader, star_groups


def arrays(pairs):
    return tuple(np.array([p[k] for p in pairs], np.int64) for k in (0, 1))


def star(catalog, led, others):
    """Islands, groups, and what the groups are called."""
    held = islands(len(catalog), *arrays(led))
    both = [(*arrays(pairs), np.zeros(len(pairs))) for pairs in (led, others)]
    groups = star_groups(held, *both, np.array(catalog, np.uint8))
    names = [tuple(part.tolist()) for part in np.split(groups.nodes, groups.start[1:-1])]
    return held, groups, names


@given(
    st.lists(st.tuples(st.integers(0, 3), st.integers(4, 9)), max_size=12, unique=True),
    st.lists(st.tuples(st.integers(4, 6), st.integers(7, 9)), max_size=9),
)
def test_rows_share_a_leader_where_one_has_both_as_candidates(led, others):
    told = shared_leader(10, arrays(led), arrays(others)).tolist()
    assert told == [any({(x, a), (x, b)} <= set(led) for x in range(4)) for a, b in others]


def test_groups_stand_by_island_size_and_nodes():
    catalog = [0, 0, 1, 1, 2, 2]
    led = [(0, 2), (0, 4), (1, 3), (1, 5)]
    _, groups, names = star(catalog, led, [(2, 4), (3, 5)])
    assert names == [
        (0,), (2,), (4,), (0, 2), (0, 4), (2, 4), (0, 2, 4),
        (1,), (3,), (5,), (1, 3), (1, 5), (3, 5), (1, 3, 5),
    ]  # fmt: skip
    assert groups.catalogs[[5, 6]].tolist() == [0b110, 0b111]


def test_rows_that_are_one_object_anyway_are_no_better_for_agreeing():
    """An X-ray row that knows nothing: the pair of others is as probable as either of them."""
    held, groups, names = star([0, 1, 2], [(0, 1), (0, 2)], [(1, 2)])
    certain = 50.0
    weight = {(1, 2): certain, (0, 1): 0.0, (0, 2): 0.0, (0, 1, 2): certain}
    told = resolve(
        held, groups, np.array([weight.get(g, 0.0) for g in names]), "many_to_one"
    ).posterior
    assert told[names.index((0, 1, 2))] == pytest.approx(0.5)
    assert told[names.index((1, 2))] == 0.0


def test_where_the_others_have_no_object_in_common_groups_compete_with_rows_alone():
    """As in nway: the weight of {1, 2} is 0."""
    held, groups, names = star([0, 1, 2], [(0, 1), (0, 2)], [(1, 2)])
    weight = {(1, 2): -np.inf, (0, 1): 1.0, (0, 2): 0.5, (0, 1, 2): 2.0}
    ln = np.array([weight.get(g, 0.0) for g in names])
    told = resolve(held, groups, ln, "many_to_one").posterior
    led = [k for k, g in enumerate(names) if g[0] == 0]
    np.testing.assert_allclose(told[led], np.exp(ln[led]) / np.exp(ln[led]).sum(), rtol=1e-14)


def test_a_star_whose_candidates_all_hang_together_is_solved_and_flagged():
    """20 rows of two catalogues in a chain: the strongest pairs are kept, in sets of up to 12."""
    n = 10
    catalog = [0] + [1] * n + [2] * n
    led = [(0, i) for i in range(1, 2 * n + 1)]
    others = [(1 + i, 1 + n + i) for i in range(n)] + [(1 + i, n + i) for i in range(1, n)]
    held, groups, names = star(catalog, led, others)
    weight = np.zeros(len(names))
    for k, g in enumerate(names):
        if len(g) == 2 and g[0] != 0:
            weight[k] = 8.0 if g[1] - g[0] == n else 0.0
        elif len(g) > 1:
            weight[k] = 3.0 if len(g) == 2 else 11.0 * (g[2] - g[1] == n)
    told = resolve(held, groups, weight, "many_to_one")
    led_by = [k for k, g in enumerate(names) if g[0] == 0]
    assert told.heuristic.all()
    assert told.posterior[led_by].sum() == pytest.approx(1.0)
    assert sum(told.chosen[led_by]) == 1
    true = [told.posterior[names.index((0, 1 + i, 1 + n + i))] for i in range(n)]
    assert np.ptp(true) < 0.01
    assert sum(true) > 0.9


def test_a_star_of_many_candidates_that_do_not_hang_together_is_exact():
    n = 15
    catalog = [0] + [1] * n + [2] * n
    led = [(0, i) for i in range(1, 2 * n + 1)]
    held, groups, names = star(catalog, led, [(1 + i, 1 + n + i) for i in range(n)])
    weight = np.array([5.0 if len(g) == 2 and g[0] else 1.0 * (len(g) == 2) for g in names])
    told = resolve(held, groups, weight, "many_to_one")
    assert not told.heuristic.any()
    z = 1.0 + np.exp(5.0)
    alone, pair = np.exp(1.0) / z, 1.0  # a row taken breaks its pair
    expected = alone / (pair + 2 * n * alone + n / z + n * (n - 1) / z**2)
    assert told.posterior[names.index((0, 1))] == pytest.approx(expected, rel=1e-12)
