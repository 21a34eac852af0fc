"""Candidate groups: every connected set with at most one row a catalogue."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skyquarry.errors import UserError
from skyquarry.match.resolution.candidates import Limits, candidate_groups
from skyquarry.match.resolution.islands import islands
from skyquarry.testing.naive import resolve as naive


def listed(catalog, pairs, constraint="one_to_one", limits=None):
    left, right = np.array(pairs, np.int64).reshape(-1, 2).T
    held = islands(len(catalog), left, right)
    return held, candidate_groups(
        held, left, right, np.array(catalog, np.uint8), constraint, limits
    )


def members(groups):
    return [tuple(part.tolist()) for part in np.split(groups.nodes, groups.start[1:-1])]


@st.composite
def fields(draw, catalogs=4, rows=9):
    catalog = draw(st.lists(st.integers(0, catalogs - 1), min_size=1, max_size=rows))
    node = st.integers(0, len(catalog) - 1)
    pairs = draw(st.lists(st.tuples(node, node).filter(lambda p: p[0] != p[1]), max_size=16))
    return sorted(catalog), pairs


def sorted_sets(catalog, pairs, wanted=lambda g: True):
    """What should be listed: by island, members, nodes."""
    return [
        group
        for isle in naive.islands(len(catalog), pairs)
        for group in naive.groups(isle, [p for p in pairs if apart(catalog, p)], catalog)
        if wanted(group)
    ]


def apart(catalog, pair):
    return catalog[pair[0]] != catalog[pair[1]]


@given(fields())
@settings(max_examples=150)
def test_every_connected_set_is_listed_once_and_in_order(field):
    catalog, pairs = field
    _, groups = listed(catalog, pairs)
    assert members(groups) == sorted_sets(catalog, pairs)
    assert not groups.heuristic.any()


@given(fields())
def test_a_group_knows_its_catalogues_and_island(field):
    catalog, pairs = field
    held, groups = listed(catalog, pairs)
    assert groups.catalogs.dtype == np.uint32
    for g, nodes in enumerate(members(groups)):
        assert groups.catalogs[g] == sum(1 << catalog[i] for i in nodes)
        assert groups.island[g] == held.label[nodes[0]]


@given(fields())
def test_many_to_one_lists_what_is_round_a_row_of_the_first_catalogue(field):
    catalog, pairs = field
    beside = {frozenset(p) for p in pairs if apart(catalog, p)}

    def star(group):
        return len(group) == 1 or (
            catalog[group[0]] == 0 and all(frozenset((group[0], i)) in beside for i in group[1:])
        )

    _, groups = listed(catalog, pairs, "many_to_one")
    assert members(groups) == sorted_sets(catalog, pairs, star)


@given(fields())
def test_without_constraint_there_are_rows_and_pairs(field):
    catalog, pairs = field
    _, groups = listed(catalog, pairs, "none")
    assert members(groups) == sorted_sets(catalog, pairs, lambda g: len(g) <= 2)


@given(fields(catalogs=2, rows=12))
def test_two_catalogues_have_rows_and_pairs_however_large_the_island(field):
    catalog, pairs = field
    _, groups = listed(catalog, pairs, limits=Limits(sets=1, sets_a_row=1))
    assert members(groups) == sorted_sets(catalog, pairs)
    assert not groups.heuristic.any()


def test_four_rows_of_four_catalogues_have_fifteen_groups():
    pairs = [(a, b) for b in range(4) for a in range(b)]
    _, groups = listed([0, 1, 2, 3], pairs)
    assert len(groups) == 15
    assert groups.catalogs.max() == 15


def test_sixteen_catalogues_are_the_most():
    pairs = [(0, i) for i in range(1, 16)]
    _, groups = listed(list(range(16)), pairs[:10])
    assert len(groups) == 16 + 2**10 - 1
    with pytest.raises(UserError, match=r"there are 17 catalogues, but at most 16"):
        listed(list(range(17)), pairs)


def test_a_constraint_of_another_name_is_refused():
    with pytest.raises(UserError, match=r"constraint is 'best', but a match is one of"):
        listed([0, 1], [(0, 1)], "best")


# ---------------------------------------------------------------- large islands


@given(fields(catalogs=4, rows=9))
def test_a_large_island_lists_rows_and_pairs_and_all_that_agree_with_each_other(field):
    """With a limit of no sets every island of several rows is large."""
    catalog, pairs = field
    beside = {frozenset(p) for p in pairs if apart(catalog, p)}

    def clique(group):
        return all(frozenset((a, b)) in beside for a in group for b in group if a < b)

    held, groups = listed(catalog, pairs, limits=Limits(sets=0))
    assert members(groups) == sorted_sets(catalog, pairs, clique)
    several = (np.diff(held.start)[groups.island] > 1) & (max(catalog) > 1)
    assert np.array_equal(groups.heuristic, several)


@given(fields(catalogs=4, rows=9))
def test_beyond_all_limits_rows_and_pairs_are_still_listed(field):
    catalog, pairs = field
    _, groups = listed(catalog, pairs, limits=Limits(sets=0, sets_a_row=0))
    found, every = members(groups), sorted_sets(catalog, pairs)
    assert set(found) <= set(every)
    assert found == [g for g in every if g in set(found)]
    assert {g for g in every if len(g) <= 2} <= set(found)


@given(fields(catalogs=4, rows=9))
def test_a_large_island_of_choosers_lists_all_of_their_choices(field):
    catalog, pairs = field
    _, whole = listed(catalog, pairs, "many_to_one")
    _, groups = listed(catalog, pairs, "many_to_one", Limits(sets=0))
    assert set(members(groups)) <= set(members(whole))
    assert {g for g in members(whole) if len(g) <= 2} <= set(members(groups))


def test_choosers_in_an_island_of_a_thousand_rows_are_exact():
    """A chain of 500 stars: the island is beyond 56 rows, but each choice is small."""
    n = 500
    catalog = [0] * n + [1] * n + [2] * n
    pairs = [(i, n + i) for i in range(n)] + [(i, 2 * n + i) for i in range(n)]
    pairs += [(i, n + i + 1) for i in range(n - 1)]
    held, groups = listed(catalog, pairs, "many_to_one")
    assert len(held) == 1
    assert len(groups) == 3 * n + len(pairs) + n + (n - 1)
    assert not groups.heuristic.any()


def test_a_crowded_island_of_thousands_of_rows_is_listed_in_proportion():
    rng = np.random.default_rng(4)
    n = 3000
    x = np.sort(rng.uniform(0, n / 30, n))  # 30 rows within 1, of 4 catalogues
    catalog = rng.integers(0, 4, n)
    order = np.argsort(catalog, kind="stable")
    x, catalog = x[order], catalog[order]
    left, right = np.nonzero(np.abs(x[:, None] - x) < 1.0)
    kept = (left < right) & (catalog[left] != catalog[right])
    pairs = np.stack([left[kept], right[kept]], axis=1)
    held, groups = listed(catalog, pairs)
    assert len(held) == 1
    assert groups.heuristic.all()
    size = np.diff(groups.start)
    assert (size == 1).sum() == n
    assert (size == 2).sum() == len(pairs)
    assert (size == 4).any()
    assert len(groups) < 1000 * n


def test_in_the_core_of_a_crowd_only_pairs_among_the_best_of_both_rows_make_groups():
    """Six rows of three catalogues each, all candidates of each other; row i fits row i best."""
    rows = 6
    catalog = np.repeat(np.arange(3), rows).astype(np.uint8)
    pairs = [(a, b) for a in range(3 * rows) for b in range(a) if catalog[a] != catalog[b]]
    left, right = np.array(pairs, np.int64).T
    fit = np.where(left % rows == right % rows, 5.0, -np.abs(left % rows - right % rows))
    held = islands(len(catalog), left, right)
    limits = Limits(sets=20, vast_rows=10, best=1)
    groups = candidate_groups(held, left, right, catalog, limits=limits, strength=fit)
    several = [group for group in members(groups) if len(group) > 1]
    assert len(several) == 4 * rows  # three pairs and one group of three, for each i
    assert all(len({node % rows for node in group}) == 1 for group in several)
    assert len(members(groups)) == 4 * rows + 3 * rows
    plain = candidate_groups(held, left, right, catalog, limits=limits)
    assert len(plain) > len(groups)
    assert plain.heuristic.all()
    whole = candidate_groups(held, left, right, catalog, limits=Limits(vast_rows=18), strength=fit)
    assert members(whole) == members(candidate_groups(held, left, right, catalog))
