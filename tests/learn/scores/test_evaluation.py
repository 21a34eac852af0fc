"""The evaluation as a whole: mixes, bins, baselines, coverage, what is not measured."""

from __future__ import annotations

import json

import numpy as np
import pytest

from skyquarry.errors import UserError
from skyquarry.learn.calibration import softmax
from skyquarry.learn.scores import SkyMix, evaluate

CLASSES = ("dwarf", "giant", "quasar", "galaxy")
MERGED = {"dwarf": "star", "giant": "star", "quasar": "quasar", "galaxy": "galaxy"}


def sample(n=6_000, seed=0, shares=(0.4, 0.3, 0.1, 0.2)):
    """A stratified test set; fainter objects are harder."""
    random = np.random.default_rng(seed)
    label = random.choice(4, n, p=shares)
    magnitude = random.uniform(16, 22, n)
    signal = 5.0 - 0.6 * (magnitude - 16)
    p = softmax(signal[:, None] * np.eye(4)[label] + random.normal(0, 1.3, (n, 4)))
    return p, label, magnitude, random.uniform(-90, 90, n), random.integers(0, 80, n)


def test_an_evaluation_is_plain_data_with_an_error_beside_each_value():
    p, label, magnitude, b, cells = sample()
    told = evaluate(p, label, CLASSES, cells=cells, magnitude=magnitude, latitude_deg=b,
                    merged=MERGED, sets=p > 0.1)  # fmt: skip
    plain = json.loads(json.dumps(told.to_json(), allow_nan=False))
    assert plain["classes"] == list(CLASSES)
    assert plain["cells"] == 80
    for name in ("accuracy", "balanced_accuracy", "macro_f1", "log_loss", "brier"):
        assert 0 < plain["overall"][name]["error"] < 0.1
    assert [each["low"] for each in plain["by"]["magnitude"]] == [16, 17, 18, 19, 20, 21]
    assert [each["high"] for each in plain["by"]["latitude"]] == [20, 40, 60, 90]
    assert sum(each["n"] for each in plain["by"]["magnitude"]) == len(label)
    bright, faint = (plain["by"]["magnitude"][k]["overall"]["accuracy"]["value"] for k in (0, -1))
    assert bright > faint + 0.1
    assert np.sum(plain["confusion"]) == len(label)
    assert set(plain["curves"]["reliability"]) == set(CLASSES)


def test_a_declared_mix_changes_the_purity_not_the_completeness():
    p, label, magnitude, _, _ = sample(40_000)
    counts = np.zeros((1, 1, 4))
    counts[0, 0] = [1000, 300, 5, 200]  # a quasar to 200 dwarfs
    weights, uncovered = SkyMix(counts, ()).weights(label)
    assert (uncovered == 0).all()
    plain = evaluate(p, label, CLASSES, magnitude=magnitude)
    sky = evaluate(
        p, label, CLASSES, magnitude=magnitude, weights=weights, mix="200 dwarfs a quasar"
    )
    a, b = plain.per_class[2], sky.per_class[2]
    assert a["completeness"]["value"] == pytest.approx(b["completeness"]["value"])
    assert b["purity"]["value"] < 0.5 * a["purity"]["value"]
    assert b["share"] == pytest.approx(5 / 1505)
    assert b["n_effective"] == pytest.approx(b["n"])  # equal weights within the class


def test_weights_of_a_mix_give_the_scores_of_a_sample_drawn_from_it():
    p, label, magnitude, b, _ = sample(60_000, 1)
    _, sky, sky_magnitude, sky_b, _ = sample(50_000, 2, (0.7, 0.2, 0.01, 0.09))
    keep = np.random.default_rng(3).random(50_000) < np.exp((sky_magnitude - 22) * 0.8)
    edges = {"magnitude_edges": np.arange(16, 22.1, 0.5), "latitude_edges": (0, 30, 90)}
    mix = SkyMix.of_objects(
        sky[keep], 4, magnitude=sky_magnitude[keep], latitude_deg=sky_b[keep], **edges
    )
    weights, _ = mix.weights(label, magnitude, b)
    ours = evaluate(p, label, CLASSES, weights=weights)
    q, truth, m, _, _ = sample(300_000, 4, (0.7, 0.2, 0.01, 0.09))
    drawn = np.random.default_rng(5).random(300_000) < np.exp((m - 22) * 0.8)
    theirs = evaluate(q[drawn], truth[drawn], CLASSES)
    for name in ("accuracy", "macro_f1", "log_loss"):
        gap = abs(ours.overall[name]["value"] - theirs.overall[name]["value"])
        assert gap < 4 * np.hypot(ours.overall[name]["error"], theirs.overall[name]["error"])
    assert ours.n_effective < 0.5 * ours.n


def test_what_the_sky_holds_and_the_sample_does_not_is_told():
    counts = np.ones((2, 1, 2))
    counts[1, 0, 1] = 3.0
    weights, uncovered = SkyMix(counts, (15.0, 18.0, 21.0)).weights(
        np.array([0, 0, 1, 0]), np.array([16.0, 20.0, 16.0, np.nan])
    )
    assert uncovered == pytest.approx([0.0, 0.75])
    assert weights == pytest.approx([1, 1, 1, 0])


def test_a_class_with_fewer_than_100_effective_members_is_not_measured():
    p, label, _, _, _ = sample(3_000)
    weights = np.ones(3_000)
    weights[np.flatnonzero(label == 1)[:20]] = 500.0  # many rows, few of them weigh
    told = evaluate(p, label, CLASSES, weights=weights)
    assert told.not_measured == ("giant",)
    assert told.per_class[1]["n"] > 800
    assert told.per_class[1]["n_effective"] < 25
    assert not evaluate(p[:150], label[:150], CLASSES).per_class[0]["measured"]


def test_baselines_stand_beside_the_model():
    p, label, _, _, _ = sample(20_000)
    told = evaluate(p, label, CLASSES, merged=MERGED).baselines
    assert told["majority"]["says"] == "dwarf"
    assert told["majority"]["accuracy"] == pytest.approx(np.mean(label == 0))
    share = np.bincount(label) / len(label)
    assert told["majority"]["log_loss"] == pytest.approx(-share @ np.log(share))
    assert told["three_known"]["accuracy"] == pytest.approx(1 - np.mean(label == 1))
    assert told["three_known"]["log_loss"] == pytest.approx(
        -(share[0] * np.log(share[0] / (share[0] + share[1]))
          + share[1] * np.log(share[1] / (share[0] + share[1])))
    )  # fmt: skip
    three = told["three_classes"]
    assert three["classes"] == ["star", "quasar", "galaxy"]
    assert three["accuracy"] > evaluate(p, label, CLASSES).overall["accuracy"]["value"]


def test_coverage_of_sets_is_told_for_every_class():
    p, label, _, _, cells = sample(20_000)
    sets = np.random.default_rng(0).random(p.shape) < [0.9, 0.8, 0.7, 0.6]
    told = evaluate(p, label, CLASSES, sets=sets, cells=cells)
    values = [each["coverage"]["value"] for each in told.per_class]
    assert values == pytest.approx([0.9, 0.8, 0.7, 0.6], abs=0.03)
    assert told.overall["set_size"]["value"] == pytest.approx(3.0, abs=0.03)


def test_scores_do_not_depend_on_the_order_of_the_rows():
    p, label, magnitude, b, cells = sample(2_000)
    order = np.random.default_rng(1).permutation(2_000)
    one = evaluate(p, label, CLASSES, cells=cells, magnitude=magnitude, latitude_deg=b)
    two = evaluate(p[order], label[order], CLASSES, cells=cells[order],
                   magnitude=magnitude[order], latitude_deg=b[order])  # fmt: skip
    for name, told in one.overall.items():
        assert told["value"] == pytest.approx(two.overall[name]["value"], rel=1e-9)
        if np.isfinite(told["error"]):
            assert told["error"] == pytest.approx(two.overall[name]["error"], rel=1e-6)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"p": np.full((3, 4), 0.3)}, "row 0 of the probabilities does not sum to 1"),
        ({"labels": np.array([0, 1, 4])}, "labels go from 0 to 4"),
        ({"classes": ("a", "b")}, "2 names stand for 4 columns"),
        ({"weights": np.zeros(3)}, "all weights are 0"),
        ({"cells": np.zeros(2)}, r"cells have shape \(2,\)"),
        ({"merged": {"dwarf": "star"}}, "merged says nothing of giant"),
        ({"magnitude": np.zeros(2), "magnitude_edges": (0, 1)}, r"shape \(2,\)"),
        ({"sets": np.ones((3, 2), bool)}, "the sets have shape"),
    ],
)
def test_what_cannot_be_scored_is_an_error(change, words):
    given = {"p": np.full((3, 4), 0.25), "labels": np.array([0, 1, 2]), "classes": CLASSES} | change
    with pytest.raises(UserError, match=words):
        evaluate(given.pop("p"), given.pop("labels"), given.pop("classes"), **given)


def test_where_all_are_right_the_error_is_what_so_many_rows_may_have_missed():
    """Purity 1.0000 +- 0 of 39 objects: binomial law, Gehrels 1986, ApJ 303, 336, table 1."""
    label = np.repeat([0, 1], [60, 40])
    p = np.eye(2)[label]
    p[:3] = [0.2, 0.8]
    found = evaluate(p, label, ["star", "quasar"])
    one, other = found.per_class
    assert other["completeness"]["value"] == one["purity"]["value"] == 1.0
    assert other["completeness"]["error"] == pytest.approx(1.0 - 0.15866 ** (1 / 40), rel=1e-3)
    assert one["purity"]["error"] == pytest.approx(1.0 - 0.15866 ** (1 / 57), rel=1e-3)
    balanced = found.overall["balanced_accuracy"]["error"]
    assert balanced > other["completeness"]["error"] / 2
    whole = evaluate(np.eye(2)[label], label, ["star", "quasar"]).overall
    assert whole["accuracy"]["error"] == pytest.approx(1.841 / 100, rel=0.02)  # Gehrels, n = 0
    assert 0.01 < whole["macro_f1"]["error"] < 0.05
    assert whole["log_loss"]["error"] == 0.0
