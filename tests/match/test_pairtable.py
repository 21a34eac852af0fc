"""What the pair table tells of pairs, against plain loops; and the merging of tables."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pyarrow as pa
import pytest

from skyquarry.match.given.rows import Rows
from skyquarry.match.kernels import pairlines, pairtable
from skyquarry.match.likelihood.evidence import group_evidence, node_pairs, node_table
from skyquarry.match.likelihood.motionprior import MotionPrior
from skyquarry.match.resolution.groups import Groups
from skyquarry.match.results.arrays import known, named, nothing, numbered, texts_at, where
from skyquarry.match.results.assembling import together
from skyquarry.match.results.lazytables import Tables

CATALOG = np.repeat([0, 1, 2], 20)
NONE = np.empty(0, np.int64)


@pytest.fixture
def pairs():
    """(left, right) of 300 pairs of 60 rows in three catalogues, sorted."""
    rng = np.random.default_rng(7)
    left, right = np.sort(rng.integers(0, 60, (2, 600)), axis=0)
    told = np.unique(np.stack([left, right])[:, CATALOG[left] != CATALOG[right]], axis=1)
    return told[0].copy(), told[1].copy()


def test_pairs_are_ordered_as_a_lexical_sort_does(pairs):
    left, right = pairs
    mixed = np.random.default_rng(1).permutation(len(left))
    order = pairtable.pair_order(left[mixed], right[mixed], 60)
    np.testing.assert_array_equal(order, np.lexsort((right[mixed], left[mixed])))


def test_starts_count_labels_that_nothing_has():
    start = pairtable.starts_of(np.array([1, 1, 4]), 6)
    assert start.tolist() == [0, 0, 2, 2, 2, 3, 3]
    assert pairtable.starts_of(NONE, 2).tolist() == [0, 0, 0]


def rivals_of(left, right, p):
    """The pairs of the left row of p with the catalogue of its right row."""
    return np.flatnonzero((left == left[p]) & (CATALOG[right] == CATALOG[right[p]]))


def weighed_lines(left, right, value, odds, *, apart=False):
    """The lines of the table, by pair: probabilities, ranks, and match flags."""
    begin, m = pairtable.starts_of(left, 60), len(left)
    order, top = pairlines.ranked(begin, right, CATALOG, value, odds)
    line, at_left = pairlines.along_the_sky(np.arange(60), begin, order)
    told, ranks, best = np.empty((6, m)), np.empty((3, m), np.int32), np.empty(m, np.int8)
    nan = np.full(m, np.nan)
    missing = pairlines.of_weights(
        line, at_left, right, CATALOG, odds, nan, value, value, odds, apart, told, ranks, best
    )
    assert missing.tolist() == [m, 0, 0, 0, 0, 0]
    back = np.argsort(line)
    assert sorted(line.tolist()) == list(range(m))
    np.testing.assert_array_equal(at_left, left[line])
    return told[:, back], ranks[:, back], best[back], top


def test_lines_are_ranked_as_a_plain_sort_does(pairs):
    """Rank, number, sum, ties and flag among the pairs of a row with one other catalogue."""
    left, right = pairs
    rng = np.random.default_rng(3)
    value = rng.integers(0, 4, len(left)) / 4.0  # many are equal
    odds = rng.integers(0, 3, len(left)).astype(float)
    told, ranks, best, top = weighed_lines(left, right, value, odds)
    for p in range(len(left)):
        mine = sorted(rivals_of(left, right, p), key=lambda q: (-value[q], -odds[q], right[q]))
        even = sum(odds[q] == odds[mine[0]] for q in mine)
        assert ranks[:, p].tolist() == [mine.index(p) + 1, len(mine), even]
        assert top[p] == (mine[0] == p)
        any_ = min(sum(value[q] for q in mine), 1.0)
        assert told[4, p] == any_
        assert told[5, p] == (value[p] / any_ if any_ else 0.0)
        near = value[mine[0]] > 0 and value[p] / value[mine[0]] > 0.5
        assert best[p] == (1 if mine[0] == p else 2 if near else 0)


def test_candidates_judged_apart_are_any_of_them(pairs):
    left, right = pairs
    value = np.random.default_rng(3).random(len(left))
    any_ = weighed_lines(left, right, value, value, apart=True)[0][4]
    for p in range(len(left)):
        mine = rivals_of(left, right, p)
        assert any_[p] == pytest.approx(1.0 - np.prod(1.0 - value[mine]), abs=1e-12)


def test_a_crowd_of_candidates_is_ranked_too():
    """300 pairs of one row: more than an insertion sort is meant for."""
    value = np.random.default_rng(2).permutation(300) / 300.0
    begin, catalog = np.array([0, 300, *[300] * 300]), np.append(0, np.full(300, 1))
    order, _ = pairlines.ranked(begin, np.arange(1, 301), catalog, value, value)
    np.testing.assert_array_equal(order, np.argsort(-value))


def test_the_right_row_says_which_is_its_best_and_of_how_many_others_it_is_the_best(pairs):
    left, right = pairs
    rng = np.random.default_rng(4)
    value, odds = rng.integers(0, 4, (2, len(left))) / 4.0
    best = rng.random(len(left)) < 0.5
    begin = pairtable.starts_of(left, 60)
    bits, mates = pairlines.seen_from_right(begin, right, CATALOG, value, odds, best)
    for p in range(len(left)):
        mine = np.flatnonzero((right == right[p]) & (CATALOG[left] == CATALOG[left[p]])).tolist()
        assert mates[p] == best[mine].sum() - best[p]
        mine.sort(key=lambda q: (-value[q], -odds[q], left[q]))
        told = pairlines.TOP * (mine[0] == p) | pairlines.SEVERAL * (len(mine) > 1)
        even = sum(odds[q] == odds[mine[0]] for q in mine) > 1
        assert bits[p] == told | pairlines.EVEN * even


def test_marginals_are_sums_over_the_groups_that_hold_both(pairs):
    """Groups of two and three; a row with more pairs than are looked through one by one."""
    left, right = np.zeros(40, np.int64), np.arange(20, 60)
    left, right = np.append(left, np.arange(20, 30)), np.append(right, np.arange(40, 50))
    begin = pairtable.starts_of(left, 60)
    twos = np.stack([left, right], axis=1)
    threes = np.array([[0, 20 + k, 40 + k] for k in range(10)])
    start = np.concatenate([[0], np.cumsum([2] * 50 + [3] * 10)])
    nodes = np.concatenate([twos.ravel(), threes.ravel()])
    posterior = np.random.default_rng(5).random(60) / 2.0
    chosen = np.arange(60) == 55
    own = np.arange(50)
    total, plain, inside = pairlines.marginals(
        begin, right, own, start, nodes, posterior, posterior / 2, chosen
    )
    for p in range(50):
        holds = [{left[p], right[p]} <= set(nodes[a:b]) for a, b in pairwise(start)]
        assert total[p] == pytest.approx(posterior[holds].sum(), abs=1e-15)
        assert plain[p] == pytest.approx(posterior[holds].sum() / 2, abs=1e-15)
        assert inside[p] == chosen[holds].any()


def test_two_lists_of_pairs_become_one(pairs):
    left, right = pairs
    some = np.random.default_rng(6).random(len(left)) < 0.1
    found = pairtable.among(left[~some], right[~some], left[some], right[some])
    np.testing.assert_array_equal(found[0], left)
    np.testing.assert_array_equal(found[1], right)
    back = np.append(np.flatnonzero(~some), np.flatnonzero(some))
    np.testing.assert_array_equal(back[found[2]], np.arange(len(left)))


def test_groups_stand_by_their_first_member_and_a_row_is_at_home_in_its_first():
    """Rows 2, 0, 1, 3 along the sky; row 1 is in two groups, as where rows may be shared."""
    start, nodes = np.array([0, 2, 4, 5, 6]), np.array([0, 1, 1, 3, 2, 0])
    along, chosen = np.array([2, 0, 1, 3]), np.array([0, 1, 2])
    order, home = pairtable.groups_along(along, start, nodes, chosen)
    assert order.tolist() == [2, 0, 1]
    assert home.tolist() == [1, 1, 0, 2]


def test_names_of_numbers_are_what_python_writes():
    numbers = np.array([0, 7, -1, 10, 2**63 - 1, -(2**63), 99, 100], np.int64)
    kind = np.array([0, 1, 0, 1, 0, 1, 0, 1])
    told = named(kind, ["a:", "bé:"], numbers)
    told.validate(full=True)
    names = [f"{('a:', 'bé:')[k]}{n}" for k, n in zip(kind, numbers, strict=True)]
    assert told.to_pylist() == names
    index = np.array([3, 3, 0, 7, 5])
    assert texts_at(told, index).to_pylist() == [names[k] for k in index]
    assert texts_at(told.slice(2), index[:3]).to_pylist() == [names[2 + k] for k in index[:3]]
    assert texts_at(told, NONE).to_pylist() == []


def test_columns_that_share_values_differ_in_what_is_missing():
    names, there = pa.array(["x", "y", "z"]), np.array([True, False, True])
    assert where(names, there).to_pylist() == ["x", None, "z"]
    assert names.to_pylist() == ["x", "y", "z"]
    assert known(np.array([1.0, np.nan]), pa.float64()).to_pylist() == [1.0, None]
    assert numbered(np.array([4, -1])).to_pylist() == [4, None]
    assert nothing(pa.int64(), 9).null_count == nothing(pa.string(), 9).null_count == 9


def test_rows_of_a_chosen_group_that_are_no_candidates_are_found():
    """0 - 20 - 40: the two ends are joined by the row between alone."""
    left, right = np.array([0, 20]), np.array([20, 40])
    groups = np.array([0, 3, 5]), np.array([0, 20, 40, 0, 20])
    begin = pairtable.starts_of(left, 60)
    found = pairtable.absent_pairs(begin, right, *groups, np.array([0]))
    assert [each.tolist() for each in found] == [[0], [40]]
    found = pairtable.absent_pairs(begin, right, *groups, np.array([1]))
    assert [each.tolist() for each in found] == [[], []]


def test_a_group_of_two_has_the_evidence_of_its_pair_to_the_last_bit():
    rows = [_rows(10, 1, 2000.0, 0.1), _rows(10, 2, 2015.0, 0.0)]
    prior = MotionPrior()
    table = node_table(rows, prior)
    left, right = np.arange(10), np.arange(10, 20)
    nodes = np.stack([left, right], axis=1).ravel()
    start = np.arange(0, 22, 2)
    bits = np.full(10, 3, np.uint32)
    groups = Groups(start, nodes, bits, np.arange(10), np.zeros(10, bool))
    known = node_pairs(table, left, right)
    plain = group_evidence(rows, groups, prior, table=table)
    taken = group_evidence(rows, groups, prior, table=table, pairs=(left, known))
    for name in ("lnB", "chi2", "dof", "flags"):
        np.testing.assert_array_equal(getattr(plain, name), getattr(taken, name))


def test_a_pair_without_a_group_of_its_own_touches_no_other() -> None:
    """In the core of a crowd some pairs are not weighed: -1 is no group, not the last one."""
    rows = [_rows(10, 1, 2000.0, 0.1), _rows(10, 2, 2015.0, 0.0)]
    prior = MotionPrior()
    table = node_table(rows, prior)
    known = node_pairs(table, np.array([0, 0]), np.array([10, 11]))
    groups = Groups(
        np.array([0, 1, 3]), np.array([11, 0, 10]), np.array([2, 3], np.uint32),
        np.zeros(2, np.int64), np.zeros(2, bool),
    )  # fmt: skip
    told = group_evidence(rows, groups, prior, table=table, pairs=(np.array([1, -1]), known))
    assert told.lnB.tolist() == [0.0, known.lnB[0]]


def _rows(n: int, seed: int, epoch: float, wide: float) -> Rows:
    rng = np.random.default_rng(seed)
    ra, dec = 10.0 + 0.1 * np.arange(n) + rng.normal(0, 1e-5, n), 20.0 + rng.normal(0, 1e-5, n)
    covariance = np.tile([0.01, 0.02, 0.001], (n, 1))
    number = np.arange(n)
    nan = np.full(n, np.nan)
    return Rows(
        ra, dec, number, pa.array(number), number, number, covariance, np.full(n, epoch), None,
        rng.uniform(10, 20, n), nan, nan, np.full(n, wide), 0.5, np.zeros(n, np.int32),
    )  # fmt: skip


def test_tables_of_parts_are_merged_along_the_sky():
    """Rows of one pixel: by catalogue, id, and row, whichever part they come from."""
    first = _members([(5, "a", 9, 0), (7, "a", 2, 1), (5, "b", 1, 0)])
    second = _members([(5, "a", 3, 7), (6, "a", 4, 8), (5, "a", 9, -1)])
    members = together([_tables(first), _tables(second)], ("a", "b")).members
    columns = (members[name].to_pylist() for name in ("_spatial", "catalog", "id", "row"))
    told = list(zip(*columns, strict=True))
    assert told == [
        (5, "a", 3, 7), (5, "a", 9, None), (5, "a", 9, 0), (5, "b", 1, 0), (6, "a", 4, 8),
        (7, "a", 2, 1),
    ]  # fmt: skip


def _members(rows: list[tuple[int, str, int, int]]) -> pa.Table:
    spatial, catalog, ids, row = zip(*rows, strict=True)
    return pa.table(
        {
            "_spatial": pa.array(spatial, pa.int64()),
            "catalog": pa.array(catalog).dictionary_encode(),
            "id": pa.array(ids, pa.int64()),
            "row": pa.array([None if r < 0 else r for r in row], pa.int64()),
        }
    )


def _tables(members: pa.Table) -> Tables:
    none = {"_spatial": pa.array([], pa.int64())}
    name = pa.array([], pa.string())
    pairs = pa.table(
        {
            **none,
            "_node": pa.array([], pa.int64()),
            "left_catalog": name.dictionary_encode(),
            "right_catalog": name.dictionary_encode(),
            "left_id": pa.array([], pa.int64()),
            "left_row": pa.array([], pa.int64()),
            "rank": pa.array([], pa.int32()),
        }
    )
    groups = pa.table({**none, "group_id": name, "_0": none["_spatial"], "_1": none["_spatial"]})
    return Tables(pairs, groups, members)
