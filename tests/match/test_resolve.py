"""Posteriors and best partitions against every partition, and against the golden tables."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skyquarry.errors import UserError
from skyquarry.match.resolution.candidates import Limits, candidate_groups
from skyquarry.match.resolution.groups import Groups, Islands
from skyquarry.match.resolution.islands import islands
from skyquarry.match.resolution.resolve import resolve
from skyquarry.match.resolution.stars import star_groups
from skyquarry.testing.naive import resolve as naive


def prepared(catalog, pairs, constraint="one_to_one", limits=None):
    left = np.array([a for a, _ in pairs], np.int64)
    right = np.array([b for _, b in pairs], np.int64)
    held = islands(len(catalog), left, right)
    numbers = np.array(catalog, np.uint8)
    return held, candidate_groups(held, left, right, numbers, constraint, limits)


def members(groups):
    return [tuple(part.tolist()) for part in np.split(groups.nodes, groups.start[1:-1])]


def solved(catalog, pairs, weight, constraint="one_to_one"):
    """Answers by the fast way, as dictionaries."""
    held, groups = prepared(catalog, pairs, constraint)
    names = members(groups)
    answer = resolve(held, groups, np.array([weight[g] for g in names]), constraint)
    best = sorted(g for g, c in zip(names, answer.chosen, strict=True) if c)
    return dict(zip(names, answer.posterior, strict=True)), best, answer


@st.composite
def problems(draw, weights):
    """Catalogue of each node, ascending; candidate pairs; ln weight of every candidate group."""
    catalog = sorted(draw(st.lists(st.integers(0, 3), min_size=2, max_size=8)))
    every = [(a, b) for a in range(len(catalog)) for b in range(a) if catalog[a] != catalog[b]]
    pairs = draw(st.lists(st.sampled_from(every), max_size=12)) if every else []
    names = [
        g for isle in naive.islands(len(catalog), pairs) for g in naive.groups(isle, pairs, catalog)
    ]
    drawn = draw(st.lists(weights, min_size=len(names), max_size=len(names)))
    return catalog, pairs, dict(zip(names, drawn, strict=True))


HALVES = st.integers(-6, 6).map(lambda n: n / 2)


@given(problems(HALVES | st.just(-math.inf) | st.floats(-1e4, 1e5)))
@settings(max_examples=150)
def test_partitions_agree_with_listing_them_all(problem):
    catalog, pairs, weight = problem
    posterior, best, answer = solved(catalog, pairs, weight)
    expected = []
    for k, isle in enumerate(naive.islands(len(catalog), pairs)):
        own = {g: w for g, w in weight.items() if g[0] in isle}
        probabilities, partition, evidence = naive.posteriors(isle, own)
        for group, p in probabilities.items():
            assert posterior[group] == pytest.approx(p, rel=1e-7, abs=1e-9)
        assert answer.ln_evidence[k] == pytest.approx(evidence, rel=1e-12, abs=1e-12)
        expected += partition
    assert best == sorted(expected)
    assert not answer.heuristic.any()


@given(problems(HALVES))
def test_posteriors_of_a_row_sum_to_one(problem):
    catalog, pairs, weight = problem
    posterior, best, _ = solved(catalog, pairs, weight)
    for i in range(len(catalog)):
        assert sum(p for g, p in posterior.items() if i in g) == pytest.approx(1.0, abs=1e-12)
        assert sum(i in g for g in best) == 1


@given(problems(HALVES))
def test_the_runner_up_is_the_best_other_group_of_its_rows(problem):
    catalog, pairs, weight = problem
    posterior, _, answer = solved(catalog, pairs, weight)
    for g, found in zip(posterior, answer.runner_up, strict=True):
        others = [p for h, p in posterior.items() if h != g and set(h) & set(g)]
        assert found == max(others, default=0.0)


@st.composite
def choices(draw, weights):
    """Catalogue of each node, ascending; pairs with a leader; pairs of others; ln weights."""
    catalog = sorted(draw(st.lists(st.integers(0, 3), min_size=2, max_size=8)))
    n = len(catalog)
    every = [(a, b) for b in range(n) for a in range(b) if catalog[a] != catalog[b]]
    pairs = draw(st.lists(st.sampled_from(every), max_size=16, unique=True)) if every else []
    led = [p for p in pairs if catalog[p[0]] == 0]
    others = [p for p in pairs if catalog[p[0]] != 0]
    others = [p for p in others if any((x, p[0]) in led and (x, p[1]) in led for x in range(n))]
    names = [g for isle in naive.islands(n, led) for g in naive.stars(isle, led + others, catalog)]
    drawn = draw(st.lists(weights, min_size=len(names), max_size=len(names)))
    return catalog, led, others, dict(zip(names, drawn, strict=True))


def chosen(catalog, led, others, weight):
    """Answers of `many_to_one` by the fast way, as dictionaries."""

    def given(pairs):
        left, right = (np.array([p[k] for p in pairs], np.int64) for k in (0, 1))
        return left, right, np.zeros(len(left))

    held = islands(len(catalog), *given(led)[:2])
    groups = star_groups(held, given(led), given(others), np.array(catalog, np.uint8))
    names = members(groups)
    answer = resolve(held, groups, np.array([weight[g] for g in names]), "many_to_one")
    best = sorted(g for g, c in zip(names, answer.chosen, strict=True) if c)
    return dict(zip(names, answer.posterior, strict=True)), best, answer


@given(choices(HALVES | st.floats(-50, 1e3)))
@settings(max_examples=150)
def test_many_to_one_lets_each_first_row_choose_among_partitions_of_its_star(problem):
    catalog, led, _, weight = problem
    posterior, best, answer = chosen(*problem)
    assert set(posterior) == set(weight)
    expected = []
    for k, isle in enumerate(naive.islands(len(catalog), led)):
        own = {g: w for g, w in weight.items() if g[0] in isle}
        probabilities, choice, evidence = naive.many_to_one(isle, own, catalog)
        for group, p in probabilities.items():
            assert posterior[group] == pytest.approx(p, rel=1e-7, abs=1e-9)
        assert answer.ln_evidence[k] == pytest.approx(evidence, rel=1e-12, abs=1e-9)
        expected += choice
    assert best == sorted(expected)
    assert not answer.heuristic.any()


def test_without_constraint_a_pair_is_judged_alone():
    weight = {(0,): 1.0, (1,): 2.0, (2,): 0.5, (0, 1): 5.0, (0, 2): 1.0}
    posterior, best, answer = solved([0, 1, 1], [(0, 1), (0, 2)], weight, "none")
    p, q = 1 / (1 + math.exp(-2.0)), 1 / (1 + math.exp(0.5))
    assert [posterior[0, 1], posterior[0, 2]] == pytest.approx([p, q], abs=1e-15)
    assert posterior[(0,)] == pytest.approx((1 - p) * (1 - q))
    assert best == [(0, 1), (2,)]
    assert answer.ln_evidence[0] == pytest.approx(3.5 - math.log(1 - p) - math.log(1 - q))


def test_partitions_of_the_golden_groups(golden):
    from pyarrow import parquet

    table = parquet.read_table(golden / "partition_posterior.parquet").to_pylist()
    for number in {row["group_id"] for row in table}:
        own = [row for row in table if row["group_id"] == number]
        partitions = [
            [tuple(ord(c) - ord("A") for c in block) for block in row["partition"].split("|")]
            for row in own
        ]
        weight = weights_of_blocks(partitions, [row["ln_weight"] for row in own])
        n = own[0]["n"]
        pairs = [(a, b) for b in range(n) for a in range(b)]
        posterior, best, answer = solved(list(range(n)), pairs, weight)
        for group, p in posterior.items():
            exact = sum(r["posterior"] for r, q in zip(own, partitions, strict=True) if group in q)
            assert abs(p - exact) < 1e-9
        top = max(range(len(own)), key=lambda q: own[q]["ln_weight"])
        assert best == sorted(partitions[top])
        total = np.logaddexp.reduce([row["ln_weight"] for row in own])
        assert answer.ln_evidence[0] == pytest.approx(total, abs=1e-9)


def weights_of_blocks(partitions, ln_weight):
    """ln weight of each block such that they add up to those of the partitions."""
    blocks = sorted({block for p in partitions for block in p})
    matrix = np.array([[float(b in p) for b in blocks] for p in partitions])
    found, *_ = np.linalg.lstsq(matrix, np.array(ln_weight), rcond=None)
    assert np.allclose(matrix @ found, ln_weight, rtol=0, atol=1e-10)
    return dict(zip(blocks, found.tolist(), strict=True))


@pytest.mark.parametrize(
    "name", ["field4_wrap_nway", "field4_wrap_nway_cal", "field4_pole_nway_cal"]
)
def test_islands_of_the_golden_field(golden, name):
    """All islands with a row of two to four surveys: posterior and best partition of each."""
    from pyarrow import parquet

    table = parquet.read_table(golden / f"{name}.parquet").to_pydict()
    bounds = np.flatnonzero(np.diff(np.array(table["island"]), prepend=-1, append=-1))
    catalog, pairs, weight, asked = [], [], {}, []
    for low, high in pairwise(bounds):
        letters = sorted({c for p in table["partition"][low:high] for c in p} - {"|"})
        node = {c: len(catalog) + i for i, c in enumerate(letters)}
        catalog += [" GTWP".index(c) for c in letters]
        partitions = [
            [tuple(sorted(node[c] for c in block)) for block in text.split("|")]
            for text in table["partition"][low:high]
        ]
        weight |= weights_of_blocks(partitions, table["ln_weight"][low:high])
        pairs += [(a, b) for a in node.values() for b in node.values() if a < b]
        asked.append((partitions, table["posterior"][low:high], table["is_map"][low:high]))
    held, groups = prepared(np.array(catalog) - 1, pairs)
    names = members(groups)
    answer = resolve(held, groups, np.array([weight[g] for g in names]))
    posterior = dict(zip(names, answer.posterior, strict=True))
    best = {g for g, c in zip(names, answer.chosen, strict=True) if c}
    assert len(asked) > 1000
    for partitions, probability, is_map in asked:
        for group in {g for p in partitions for g in p}:
            exact = sum(q for p, q in zip(partitions, probability, strict=True) if group in p)
            assert abs(posterior[group] - exact) < 1e-9
        assert set(partitions[is_map.index(True)]) <= best


# ---------------------------------------------------------------- large islands


def complete(sides, gain):
    """One island: every row of each catalogue is a candidate of every row of the others."""
    catalog = np.repeat(np.arange(len(sides)), sides).tolist()
    pairs = [(a, b) for b in range(len(catalog)) for a in range(b) if catalog[a] != catalog[b]]
    held, groups = prepared(catalog, pairs)
    names = members(groups)
    return held, groups, names, np.array([gain(g) if len(g) > 1 else 0.0 for g in names])


def of_rows(groups, posterior, n):
    return np.bincount(groups.nodes, np.repeat(posterior, np.diff(groups.start)), n)


@pytest.mark.parametrize("sides", [(9, 13), (13, 9), (20, 7)])
def test_two_catalogues_are_exact_while_one_side_is_small(sides):
    """All gains equal: the sum over assignments is sum of C(n1, k) C(n2, k) k! e**(k gain)."""
    held, groups, names, weight = complete(sides, lambda g: 0.3)
    answer = resolve(held, groups, weight)
    terms = [
        math.comb(sides[0], k) * math.comb(sides[1], k) * math.factorial(k) * math.exp(0.3 * k)
        for k in range(min(sides) + 1)
    ]
    mean = sum(k * t for k, t in enumerate(terms)) / sum(terms)
    pair = np.diff(groups.start) == 2
    assert answer.ln_evidence[0] == pytest.approx(math.log(sum(terms)), abs=1e-12)
    assert answer.posterior[pair] == pytest.approx(mean / math.prod(sides), rel=1e-12)
    assert not answer.heuristic.any()
    first = [g for g, c in zip(names, answer.chosen, strict=True) if c and len(g) == 2]
    assert first == [(i, sides[0] + i) for i in range(min(sides))]


def test_an_island_beyond_exact_sums_keeps_an_exact_best_assignment():
    from scipy.optimize import linear_sum_assignment

    rng = np.random.default_rng(5)
    gain = rng.normal(0.0, 3.0, (40, 30))
    held, groups, names, weight = complete(gain.shape, lambda g: gain[g[0], g[1] - 40])
    answer = resolve(held, groups, weight)
    rows, columns = linear_sum_assignment(np.maximum(gain, 0.0), maximize=True)
    wanted = [(i, j + 40) for i, j in zip(rows, columns, strict=True) if gain[i, j] > 0.0]
    assert [g for g, c in zip(names, answer.chosen, strict=True) if c and len(g) == 2] == wanted
    assert answer.heuristic.tolist() == [True]
    assert np.allclose(of_rows(groups, answer.posterior, 70), 1.0, rtol=0, atol=1e-6)


def test_belief_propagation_is_near_the_truth_and_never_beyond_one():
    """The same problem, so large that it is estimated, and estimated where it is known."""
    from skyquarry.match.kernels.large import believe

    rng = np.random.default_rng(8)
    gain = rng.normal(-2.0, 3.0, (6, 6))
    held, groups, _, weight = complete(gain.shape, lambda g: gain[g[0], g[1] - 6])
    exact = resolve(held, groups, weight)
    estimate = np.empty(len(groups))
    evidence = believe(12, groups.start, groups.nodes, weight, 500, 1e-12, estimate)
    assert np.abs(estimate - exact.posterior).max() < 0.05
    assert abs(evidence - exact.ln_evidence[0]) < 0.2
    assert (of_rows(groups, estimate, 12) <= 1.0 + 1e-12).all()


def test_belief_propagation_is_exact_on_a_chain():
    from skyquarry.match.kernels.large import believe

    catalog, pairs = [0] * 4 + [1] * 4, [(0, 4), (1, 4), (1, 5), (2, 5), (2, 6), (3, 6), (3, 7)]
    held, groups = prepared(catalog, pairs)
    weight = np.where(np.diff(groups.start) == 2, np.linspace(-1.0, 2.0, len(groups)), 0.0)
    exact = resolve(held, groups, weight)
    estimate = np.empty(len(groups))
    evidence = believe(8, groups.start, groups.nodes, weight, 500, 1e-12, estimate)
    assert np.abs(estimate - exact.posterior).max() < 1e-9
    assert evidence == pytest.approx(exact.ln_evidence[0], abs=1e-9)


def test_a_long_chain_of_three_catalogues_is_exact():
    """40 rows, each a candidate of its neighbours: transfer matrices give the truth."""
    catalog = sorted([0, 1, 2] * 14)[:42]
    line = [i + 14 * c for i in range(14) for c in range(3)]  # along the chain: 0, 14, 28, 1, ...
    pairs = [tuple(sorted(p)) for p in pairwise(line)]
    held, groups = prepared(catalog, pairs)
    weight = np.where(np.diff(groups.start) == 2, 0.7, np.where(np.diff(groups.start) == 3, 1.9, 0))
    answer = resolve(held, groups, weight)
    sums = [1.0, 1.0]
    for k in range(2, 43):
        sums.append(
            sums[-1] + math.exp(0.7) * sums[-2] + (math.exp(1.9) * sums[-3] if k > 2 else 0)
        )
    assert answer.ln_evidence[0] == pytest.approx(math.log(sums[42]), rel=1e-12)
    assert not answer.heuristic.any()
    assert np.allclose(of_rows(groups, answer.posterior, 42), 1.0, rtol=0, atol=1e-12)


def test_groups_without_weight_do_not_make_an_island_large():
    """A field of true pairs, chained by pairs of gain -60: as exact as without the chain."""
    n = 300
    catalog = [0] * n + [1] * n
    true = [(i, n + i) for i in range(n)]
    chain = [(i + 1, n + i) for i in range(n - 1)]
    held, groups = prepared(catalog, true + chain)
    names = members(groups)
    gain = {**dict.fromkeys(true, 2.0), **dict.fromkeys(chain, -60.0)}
    answer = resolve(held, groups, np.array([gain.get(g, 0.0) for g in names]))
    posterior = dict(zip(names, answer.posterior, strict=True))
    assert len(held) == 1
    assert not answer.heuristic.any()
    assert [posterior[g] for g in true] == pytest.approx([1 / (1 + math.exp(-2.0))] * n, abs=1e-15)
    assert 0.0 < posterior[chain[0]] < math.exp(-60.0)
    assert answer.ln_evidence[0] == pytest.approx(n * math.log1p(math.exp(2.0)), rel=1e-12)


def test_a_giant_island_of_three_catalogues_is_flagged_and_never_dropped():
    rng = np.random.default_rng(3)
    catalog = np.repeat([0, 1, 2], 40)
    x = rng.uniform(0.0, 12.0, 120)
    pairs = [
        (a, b)
        for b in range(120)
        for a in range(b)
        if catalog[a] != catalog[b] and abs(x[a] - x[b]) < 1.0
    ]
    held, groups = prepared(catalog, pairs)
    names = members(groups)
    spread = [float(np.ptp(x[list(g)])) for g in names]
    weight = np.array([3.0 * (len(g) - 1) - 8.0 * s for g, s in zip(names, spread, strict=True)])
    answer = resolve(held, groups, weight)
    giant = np.diff(held.start) > 50
    assert giant.any()
    assert answer.heuristic[giant].all()
    sums = of_rows(groups, answer.posterior, 120)
    assert (sums <= 1.0 + 1e-9).all()
    assert (sums > 0.9).all()
    times = np.bincount(
        groups.nodes[np.repeat(answer.chosen, np.diff(groups.start))], minlength=120
    )
    assert (times == 1).all()
    gained = weight[answer.chosen].sum()
    assert gained > 0.9 * weight_of_nearest(groups, weight)


def weight_of_nearest(groups, weight):
    """What a greedy choice, greatest weight first, gains."""
    taken, total = set(), 0.0
    for g in np.argsort(-weight):
        nodes = set(groups.nodes[groups.start[g] : groups.start[g + 1]].tolist())
        if weight[g] > 0 and not nodes & taken:
            taken |= nodes
            total += weight[g]
    return total


def test_islands_with_groups_left_out_are_flagged():
    sides = (3, 3, 3)
    catalog = np.repeat([0, 1, 2], sides).tolist()
    pairs = [(a, b) for b in range(9) for a in range(b) if catalog[a] != catalog[b]]
    held, groups = prepared(catalog, pairs, limits=Limits(sets=20, sets_a_row=4))
    assert groups.heuristic.all()
    assert resolve(held, groups, np.zeros(len(groups))).heuristic.tolist() == [True]


# ---------------------------------------------------------------- edges


def test_nothing_is_resolved_to_nothing():
    held, groups = prepared([], [])
    for constraint in ("one_to_one", "many_to_one", "none"):
        answer = resolve(held, groups, np.empty(0), constraint)
        assert len(answer.posterior) == len(answer.ln_evidence) == 0


def test_rows_stand_alone_where_every_partition_has_weight_zero():
    weight = {(0,): 0.0, (1,): -math.inf, (0, 1): -math.inf}
    posterior, best, answer = solved([0, 1], [(0, 1)], weight)
    assert posterior == {(0,): 1.0, (1,): 1.0, (0, 1): 0.0}
    assert best == [(0,), (1,)]
    assert answer.ln_evidence[0] == -math.inf


def test_solving_again_with_other_weights_needs_no_new_groups():
    held, groups = prepared([0, 1], [(0, 1)])
    first = resolve(held, groups, np.array([0.0, 0.0, 1.0]))
    again = resolve(held, groups, np.array([0.0, 0.0, -1.0]))
    assert first.posterior[2] == pytest.approx(1 / (1 + math.exp(-1)))
    assert again.posterior[2] == pytest.approx(1 / (1 + math.exp(1)))


def test_a_weight_that_is_no_number_is_refused():
    held, groups = prepared([0, 1], [(0, 1)])
    with pytest.raises(UserError, match=r"ln_weight of group 2 is nan, but a weight is finite"):
        resolve(held, groups, np.array([0.0, 0.0, np.nan]))
    with pytest.raises(UserError, match=r"shape \(2,\), but there are 3 groups"):
        resolve(held, groups, np.zeros(2))
    with pytest.raises(UserError, match=r"single row of group 1 has weight 0"):
        resolve(held, groups, np.array([0.0, -np.inf, 1.0]), "none")


def crowd(rows, seed=3):
    """Objects of three rows, each a candidate of every other: the wrong groups at e^-8."""
    rng = np.random.default_rng(seed)
    catalog = np.repeat(np.arange(3), rows)
    pairs = [(b, a) for a in range(3 * rows) for b in range(a) if catalog[a] != catalog[b]]
    held, groups = prepared(catalog.tolist(), pairs, limits=Limits(sets=50_000, sets_a_row=600))
    count = np.diff(groups.start)
    same = np.array([len({node % rows for node in group}) == 1 for group in members(groups)])
    weight = np.where(same, 9.0 * (count - 1), rng.uniform(-9.0, -8.0, len(groups)))
    weight[count == 1] = 0.0
    return held, groups, weight, same


@pytest.mark.parametrize("rows", [12, 22])
def test_a_crowd_falls_apart_where_groups_of_next_to_no_weight_are_left_out(rows):
    """36 rows are exact; of 66 those groups are left out that have next to no weight."""
    held, groups, weight, same = crowd(rows)
    count = np.diff(groups.start)
    assert len(held) == 1
    assert len(groups) == 3 * rows + 3 * rows**2 + rows**3
    answer = resolve(held, groups, weight)
    assert (answer.posterior[same & (count == 3)] > 0.98).all()
    assert (answer.chosen == (same & (count == 3))).all()
    assert answer.heuristic.all() == (rows > 21)
    wrong = answer.posterior[~same]
    assert 0.0 < wrong.max() < 1e-3
    sums = of_rows(groups, answer.posterior, 3 * rows)
    assert (sums <= 1.0 + 1e-12).all()
    assert np.allclose(sums, 1.0, rtol=0, atol=1e-3 if rows > 21 else 1e-12)


def tangle(steps, seed, spread=4.0):
    """Islands of so many steps along a line, at each a row of three catalogues; random weights."""
    rng, place = np.random.default_rng(seed), [np.arange(n) + 1e3 * n for n in steps]
    catalog = np.repeat(np.arange(3), sum(steps))
    x = np.concatenate(place * 3) + rng.uniform(0.0, 0.8, len(catalog))
    near = np.triu((np.abs(x[:, None] - x) < 1.4) & (catalog[:, None] != catalog))
    held, groups = prepared(catalog.tolist(), np.argwhere(near).tolist(), limits=Limits(50_000))
    count = np.diff(groups.start)
    weight = rng.normal(1.5, spread, len(groups)) * (count - 1)
    return held, groups, np.where(count > 1, weight, rng.normal(-3.0, 1.0, len(groups)))


def whole_sums(held, groups, weight):
    """Posteriors, choices and ln of the sum without a state left out, however long it takes."""
    from skyquarry.match.kernels.frontier import frontier_places
    from skyquarry.match.kernels.resolve import group_masks, room, solve
    from skyquarry.match.resolution.exact import beginnings, places, unsolved

    found, begin, place = unsolved(len(held), len(groups)), beginnings(held, groups), places(held)
    masks = group_masks(groups.start, groups.nodes, place)
    frontier_places(held.start, held.nodes, begin, masks, weight, place)
    masks = group_masks(groups.start, groups.nodes, place)
    wide = room(1 << 18, 1 << 22, 1 << 20)
    solve(held.start, begin, masks, weight, wide, False, found.arrays())
    return found


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("spread", [1.0, 4.0, 300.0])
def test_states_of_next_to_no_probability_are_left_out_unseen(seed, spread):
    held, groups, weight = tangle([5, 7, 8, 9], seed, spread)
    judge, answer = whole_sums(held, groups, weight), resolve(held, groups, weight)
    known = judge.solved & ~answer.heuristic
    assert (known & (np.diff(held.start) > 20)).any()
    here = known[groups.island]
    assert np.abs(answer.posterior - judge.posterior)[here].max() < 1e-13
    assert np.array_equal(answer.chosen[here], judge.chosen[here])
    assert answer.ln_evidence[known] == pytest.approx(judge.evidence[known], rel=1e-13, abs=1e-12)


def test_an_island_of_many_rows_with_a_single_row_of_weight_zero_is_exact():
    held, groups, weight = tangle([7], 1)
    weight[groups.start[:-1][np.diff(groups.start) == 1][4]] = -np.inf
    judge, answer = whole_sums(held, groups, weight), resolve(held, groups, weight)
    assert not answer.heuristic.any()
    assert np.abs(answer.posterior - judge.posterior).max() < 1e-13


def test_an_island_is_told_as_if_it_were_alone():
    """Exact ones, those with too many partitions that matter, and those of too many rows."""
    together = tangle([5, 8, 30, 12], 5, spread=0.3)
    answer = resolve(*together)
    assert answer.heuristic.any()
    assert not answer.heuristic.all()
    held, groups, weight = together
    for k in range(len(held)):
        rows = held.nodes[held.start[k] : held.start[k + 1]]
        own = groups.island == k
        number = np.full(len(held.nodes), -1)
        number[rows] = np.arange(len(rows))
        start = np.concatenate([[0], np.cumsum(np.diff(groups.start)[own])])
        nodes = number[groups.nodes[np.repeat(own, np.diff(groups.start))]]
        zeros = np.zeros(len(rows), np.int64)
        alone = Islands(zeros, np.array([0, len(rows)]), np.arange(len(rows)))
        island, flags = np.zeros(own.sum(), np.int64), groups.heuristic[own]
        its = Groups(start, nodes, groups.catalogs[own], island, flags)
        one = resolve(alone, its, weight[own])
        assert np.array_equal(one.posterior, answer.posterior[own])
        assert np.array_equal(one.chosen, answer.chosen[own])
        assert one.heuristic[0] == answer.heuristic[k]


def test_posteriors_alone_are_the_same():
    held, groups, weight = tangle([5, 8, 30], 5)
    whole, few = resolve(held, groups, weight), resolve(held, groups, weight, best=False)
    assert np.array_equal(few.posterior, whole.posterior)
    assert len(few.chosen) == len(few.runner_up) == 0


def test_the_numbers_of_catalogues_do_not_matter_even_where_sums_are_too_long():
    """Three catalogues in the opposite order: the same heuristics, to the last digits."""
    held, groups, weight = tangle([5, 9, 14, 30], 5, spread=0.5)
    n = len(held.nodes) // 3
    other = np.concatenate([np.arange(n) + 2 * n, np.arange(n) + n, np.arange(n)])
    pair = groups.nodes[groups.start[:-1][np.diff(groups.start) == 2]]
    also = groups.nodes[groups.start[:-1][np.diff(groups.start) == 2] + 1]
    pairs = list(zip(other[also].tolist(), other[pair].tolist(), strict=True))
    turned, swapped = prepared(np.repeat(np.arange(3), n).tolist(), pairs, limits=Limits(50_000))
    number = {g: k for k, g in enumerate(members(swapped))}
    there = np.array([number[tuple(sorted(other[list(g)].tolist()))] for g in members(groups)])
    again = np.empty(len(groups))
    again[there] = weight
    one, two = resolve(held, groups, weight), resolve(turned, swapped, again)
    assert one.heuristic.any()
    assert np.array_equal(two.heuristic[turned.label[other]], one.heuristic[held.label])
    assert np.abs(two.posterior[there] - one.posterior).max() < 1e-12
    assert np.array_equal(two.chosen[there], one.chosen)
