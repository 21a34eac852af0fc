"""Connected components: facts, and agreement with the slow twin."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from skyquarry.match.resolution.islands import islands
from skyquarry.testing.naive import resolve as naive


@st.composite
def graphs(draw):
    n = draw(st.integers(1, 30))
    node = st.integers(0, n - 1)
    return n, draw(st.lists(st.tuples(node, node), max_size=40))


def found(n, pairs):
    left, right = np.array(pairs, np.int64).reshape(-1, 2).T
    return islands(n, left, right)


@given(graphs())
def test_islands_are_the_connected_components(graph):
    n, pairs = graph
    answer = found(n, pairs)
    parts = [tuple(p.tolist()) for p in np.split(answer.nodes, answer.start[1:-1])]
    assert parts == naive.islands(n, pairs)
    assert all((answer.label[list(part)] == k).all() for k, part in enumerate(parts))


@given(graphs(), st.randoms(use_true_random=False))
def test_islands_do_not_depend_on_the_order_of_pairs(graph, random):
    n, pairs = graph
    other = [p if random.random() < 0.5 else p[::-1] for p in pairs]
    random.shuffle(other)
    assert found(n, pairs).label.tolist() == found(n, other).label.tolist()


def test_a_row_without_pairs_is_an_island():
    answer = found(3, [])
    assert answer.label.tolist() == [0, 1, 2]
    assert answer.start.tolist() == [0, 1, 2, 3]
    assert len(found(0, [])) == 0


def test_a_path_of_a_million_rows_is_one_island():
    n = 1_000_000
    node = np.random.default_rng(1).permutation(n)
    answer = islands(n, node[:-1], node[1:])
    assert len(answer) == 1
    assert np.array_equal(answer.nodes, np.arange(n))
