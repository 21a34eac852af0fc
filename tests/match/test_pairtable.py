"""What the pair table tells of pairs, against plain loops; and the merging of tables."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from skyquarry.match.given.rows import Rows
from skyquarry.match.kernels import pairtable
from skyquarry.match.likelihood.evidence import group_evidence, node_pairs, node_table
from skyquarry.match.likelihood.motionprior import MotionPrior
from skyquarry.match.resolution.groups import Groups
from skyquarry.match.results.assembling import together
from skyquarry.match.results.tables import Tables

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


def test_standings_are_those_of_a_plain_sort(pairs):
    """Rank, number, sum, best and ties among the pairs of a row with one other catalogue."""
    left, right = pairs
    rng = np.random.default_rng(3)
    value = rng.integers(0, 4, len(left)) / 4.0  # many are equal
    odds = rng.integers(0, 3, len(left)).astype(float)
    begin = pairtable.starts_of(left, 60)
    own = np.arange(len(left))
    found = pairtable.standings(begin, own, right, CATALOG, value, value, odds, False)
    rank, count, total, best, ties, order = found
    assert sorted(order.tolist()) == own.tolist()
    for p in own:
        mine = [q for q in own if left[q] == left[p] and CATALOG[right[q]] == CATALOG[right[p]]]
        mine.sort(key=lambda q: (-value[q], -odds[q], right[q]))
        assert (rank[p], count[p]) == (mine.index(p) + 1, len(mine))
        assert total[p] == sum(value[q] for q in mine)
        assert best[p] == value[mine[0]]
        assert ties[p] == sum(odds[q] == odds[mine[0]] for q in mine)
        assert order[begin[left[p]] : begin[left[p] + 1]].tolist().index(p) >= rank[p] - 1


def test_candidates_judged_apart_are_any_of_them(pairs):
    left, right = pairs
    value = np.random.default_rng(3).random(len(left))
    begin, own = pairtable.starts_of(left, 60), np.arange(len(left))
    total = pairtable.standings(begin, own, right, CATALOG, value, value, value, True)[2]
    for p in own:
        mine = (left == left[p]) & (CATALOG[right] == CATALOG[right[p]])
        assert total[p] == pytest.approx(1.0 - np.prod(1.0 - value[mine]), abs=1e-12)


def test_mates_are_other_rows_with_the_same_best(pairs):
    left, right = pairs
    best = np.random.default_rng(4).random(len(left)) < 0.5
    begin = pairtable.starts_of(left, 60)
    told = pairtable.mates(*pairtable.by_right(begin, right, 60), CATALOG, best)
    for p in range(len(left)):
        same = (right == right[p]) & (CATALOG[left] == CATALOG[left[p]])
        assert told[p] == (same & best).sum() - best[p]


def test_rows_of_a_chosen_group_that_are_no_candidates_are_found():
    """0 - 20 - 40: the two ends are joined by the row between alone."""
    left, right = np.array([0, 20]), np.array([20, 40])
    groups = np.array([0, 3, 5]), np.array([0, 20, 40, 0, 20])
    begin = pairtable.starts_of(left, 60)
    found = pairtable.absent_pairs(begin, right, *groups, np.array([True, False]))
    assert [each.tolist() for each in found] == [[0], [40]]
    found = pairtable.absent_pairs(begin, right, *groups, np.array([False, True]))
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
