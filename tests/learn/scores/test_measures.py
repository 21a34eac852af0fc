"""Scores: the same as scikit-learn's where it has them, with weights too."""

from __future__ import annotations

import numpy as np
import pytest

from skyquarry.learn.calibration import softmax
from skyquarry.learn.scores import measures
from skyquarry.learn.scores.blocks import Blocks, effective
from skyquarry.learn.scores.curves import Ranked, purity_completeness
from skyquarry.learn.scores.reliability import confidence, curve, reliability

judge = pytest.importorskip("sklearn.metrics")


def honest(n=4_000, kinds=4, seed=0):
    random = np.random.default_rng(seed)
    p = softmax(random.normal(0, 1.5, (n, kinds)) - np.arange(kinds) * 0.8)
    label = (p.cumsum(axis=1) < random.random((n, 1))).sum(axis=1)
    return p, np.minimum(label, kinds - 1), random.exponential(1, n), random.integers(0, 60, n)


def totals(p, label, weight):
    blocks = Blocks.of(None, len(label), 2)
    return measures.by_block(p, label, weight, blocks).summed()


@pytest.mark.parametrize("weighted", [False, True])
def test_overall_scores_are_those_of_scikit_learn(weighted):
    p, label, weight, _ = honest()
    weight = weight if weighted else np.ones(len(label))
    told = measures.overall(totals(p, label, weight))
    said, w = p.argmax(axis=1), {"sample_weight": weight}
    assert told["accuracy"] == pytest.approx(judge.accuracy_score(label, said, **w))
    assert told["balanced_accuracy"] == pytest.approx(
        judge.balanced_accuracy_score(label, said, **w)
    )
    assert told["macro_f1"] == pytest.approx(judge.f1_score(label, said, average="macro", **w))
    assert told["log_loss"] == pytest.approx(judge.log_loss(label, p, **w))
    brier = judge.brier_score_loss(label, p, scale_by_half=False, **w)
    assert told["brier"] == pytest.approx(brier)
    area = measures.areas(p, label, weight)
    theirs = [judge.roc_auc_score(label == k, p[:, k], **w) for k in range(4)]
    assert area == pytest.approx(theirs)


def test_purity_and_completeness_are_precision_and_recall():
    p, label, weight, _ = honest(seed=2)
    told = measures.of_classes(totals(p, label, weight))
    precision, recall, f1, _ = judge.precision_recall_fscore_support(
        label, p.argmax(axis=1), sample_weight=weight
    )
    assert told["purity"] == pytest.approx(precision)
    assert told["completeness"] == pytest.approx(recall)
    assert told["f1"] == pytest.approx(f1)


def test_equal_scores_count_half_in_the_area_under_the_curve():
    p = np.round(honest()[0], 1)
    label = honest()[1]
    ours = measures.area_under_curve(p[:, 0], label == 0, np.ones(len(p)))
    assert ours == pytest.approx(judge.roc_auc_score(label == 0, p[:, 0]))
    assert np.isnan(measures.area_under_curve(p[:, 0], label >= 0, np.ones(len(p))))


def test_the_curve_of_purity_holds_the_points_of_scikit_learn():
    p, label, weight, _ = honest(600)
    purity, completeness = Ranked.of(p[:, 1], label == 1).curve(weight)
    precision, recall, _ = judge.precision_recall_curve(
        label == 1, p[:, 1], sample_weight=weight, drop_intermediate=False
    )
    assert purity[::-1] == pytest.approx(precision[:-1])
    assert completeness[::-1] == pytest.approx(recall[:-1])
    told = purity_completeness(p[:, 1], label == 1, weight)
    assert 50 < len(told) <= 151
    assert told[-1]["completeness"] == pytest.approx(1.0)


def test_the_threshold_at_a_purity_is_the_deepest_that_keeps_it():
    p = np.array([0.9, 0.8, 0.8, 0.6, 0.5, 0.1])
    mine = np.array([True, True, False, True, False, False])
    ranked = Ranked.of(p, mine)
    assert ranked.at_purity(np.ones(6), 0.75) == (1.0, 0.6)
    assert ranked.at_purity(np.ones(6), 0.9) == (pytest.approx(1 / 3), 0.9)
    assert Ranked.of(p, ~mine).at_purity(np.ones(6), 0.9) == (0.0, float("inf"))


def test_a_class_without_members_counts_in_no_mean():
    p, label, weight, _ = honest(500, 3)
    more = np.column_stack([p * 0.999, np.full(500, 0.001)])
    a, b = (measures.overall(totals(each, label, weight)) for each in (p, more))
    for name in ("accuracy", "balanced_accuracy", "macro_f1"):
        assert a[name] == pytest.approx(b[name])


def test_calibration_error_of_honest_probabilities_is_nought_but_for_chance():
    gauges = [reliability(p[:, 0], label == 0, np.ones(len(p)))
              for p, label, _, _ in (honest(3_000, seed=seed) for seed in range(30))]  # fmt: skip
    plain = np.mean([each.ece_plain for each in gauges])
    assert plain == pytest.approx(np.mean([each.ece_noise for each in gauges]), rel=0.15)
    assert np.mean([each.ece for each in gauges]) < 0.5 * plain


def test_calibration_error_of_shifted_probabilities_is_the_shift():
    p, label, weight, _ = honest(200_000, 2)
    off = np.clip(p[:, 0] + 0.05, 0, 1)
    told = reliability(off, label == 0, weight)
    assert told.ece == pytest.approx(np.average(off - p[:, 0], weights=weight), abs=0.004)
    assert np.isnan(reliability(p[:10, 0], label[:10] == 0, weight[:10]).ece)


def test_confident_rows_are_judged_by_their_mean():
    p, label, weight, cells = honest(40_000, 2)
    blocks = Blocks.of(cells, len(p))
    fine = confidence(p[:, 0], label == 0, weight, blocks)
    assert fine["kept"]
    bad = confidence(np.sqrt(p[:, 0]), label == 0, weight, blocks)
    assert bad["gap"] > 0.05
    assert not bad["kept"]
    assert confidence(p[:, 0] * 0.4, label == 0, weight, blocks)["kept"] is None


def test_points_of_a_reliability_diagram_lie_on_the_diagonal_where_honest():
    p, label, _, _ = honest(100_000, 3)
    points = curve(p[:, 0], label == 0, np.ones(len(p)))
    assert sum(each["n"] for each in points) == 100_000
    assert all(abs(each["p"] - each["fraction"]) < 4 * each["error"] for each in points)


def test_rows_of_one_cell_count_as_one_in_the_error():
    random = np.random.default_rng(4)
    cells = np.repeat(np.arange(100), 50)
    wrong = np.repeat(random.random(100) < 0.3, 50)  # whole cells are right or wrong
    p = np.where(wrong[:, None], [0.2, 0.8], [0.8, 0.2])
    label = np.zeros(5_000, np.int64)
    for given, error in ((cells, np.sqrt(0.3 * 0.7 / 100)), (None, np.sqrt(0.3 * 0.7 / 5_000))):
        blocks = Blocks.of(given, 5_000, 2_000)
        drawn = measures.by_block(p, label, np.ones(5_000), blocks).resampled(blocks)
        assert measures.overall(drawn)["accuracy"].std() == pytest.approx(error, rel=0.12)


def test_effective_size_is_what_equal_weights_would_be():
    assert effective(np.full(70, 3.0)) == pytest.approx(70)
    assert effective(np.array([1.0] * 10 + [0.0] * 90)) == pytest.approx(10)
    assert effective(np.zeros(3)) == 0
