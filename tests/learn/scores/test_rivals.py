"""Two classifications of the same objects; a model against a cut at the cut's own purity."""

from __future__ import annotations

import numpy as np
import pytest

from skyquarry.errors import UserError
from skyquarry.learn.calibration import softmax
from skyquarry.learn.scores import Cut, against_cuts, compare

CLASSES = ("star", "quasar")


def sky(n=8_000, seed=0):
    random = np.random.default_rng(seed)
    label = (random.random(n) < 0.2).astype(np.int64)
    colour = random.normal(0, 0.5, n) + label
    other = random.normal(0, 0.7, n) + label
    return label, colour, other, random.integers(0, 100, n)


def bayes(*scores):
    return softmax(np.stack([np.zeros(len(scores[0])), np.log(0.25) + sum(scores)], axis=1))


def model(colour, other, *, know=True):
    one = (colour - 0.5) / 0.25
    return bayes(one, (other - 0.5) / 0.49) if know else bayes(one)


def test_a_model_that_knows_more_is_better_and_the_same_is_not():
    label, colour, other, cells = sky()
    ours, theirs = model(colour, other), model(colour, other, know=False)
    told = compare(ours, theirs, label, cells=cells)
    assert told["log_loss"]["better"]
    assert told["log_loss"]["high"] < 0
    assert told["accuracy"]["better"]
    assert told["accuracy"]["difference"] == pytest.approx(
        told["accuracy"]["value"] - told["accuracy"]["other"]
    )
    same = compare(ours, ours, label, cells=cells)
    assert not any(each["better"] for each in same.values())
    back = compare(theirs, ours, label, cells=cells)
    assert not back["log_loss"]["better"]
    assert back["log_loss"]["difference"] == pytest.approx(-told["log_loss"]["difference"])


def test_the_paired_error_is_smaller_than_that_of_either():
    label, colour, other, cells = sky()
    p = model(colour, other)
    told = compare(p, softmax(np.log(p) * 1.1), label, cells=cells)["log_loss"]
    alone = compare(p, np.full_like(p, 0.5), label, cells=cells)["log_loss"]
    assert told["error"] < 0.2 * alone["error"]


def test_a_cut_in_colour_is_beaten_at_its_own_purity_by_more_than_chance():
    label, colour, other, cells = sky()
    cut = Cut("red", "quasar", colour > 0.8, source="somebody")
    ours = against_cuts(model(colour, other), label, CLASSES, [cut], cells=cells)[0]
    assert ours["beaten"]
    assert ours["low"] > 0
    assert ours["purity"] == pytest.approx(label[colour > 0.8].mean())
    assert ours["model_completeness"] > ours["completeness"] + 0.1


def test_a_model_that_is_the_cut_does_not_beat_it():
    label, colour, _, cells = sky()
    told = against_cuts(bayes(4 * colour - 2), label, CLASSES, [Cut("red", "quasar", colour > 0.8)],
                        cells=cells)[0]  # fmt: skip
    assert not told["beaten"]
    assert abs(told["gain"]) < 0.05


def test_a_cut_is_judged_where_its_columns_are_measured():
    label, colour, other, cells = sky()
    known = np.arange(len(label)) % 2 == 0
    cut = Cut("red", "quasar", (colour > 0.8) & known, known)
    told = against_cuts(model(colour, other), label, CLASSES, [cut], cells=cells)[0]
    assert told["n"] == known.sum()
    assert told["completeness"] == pytest.approx(np.mean((colour > 0.8)[known & (label == 1)]))


def test_a_cut_for_few_members_or_none_chosen_is_not_judged():
    label, colour, other, _ = sky(300)
    p = model(colour, other)
    assert against_cuts(p, label, CLASSES, [Cut("a", "quasar", colour > 0)])[0]["beaten"] is None
    nobody = Cut("b", "star", np.zeros(300, bool))
    assert against_cuts(p, label, CLASSES, [nobody])[0]["purity"] is None


def test_a_cut_for_another_class_or_table_is_an_error():
    label, colour, other, _ = sky(300)
    p = model(colour, other)
    with pytest.raises(UserError, match="is for 'comet'"):
        against_cuts(p, label, CLASSES, [Cut("a", "comet", colour > 0)])
    with pytest.raises(UserError, match="has shape"):
        against_cuts(p, label, CLASSES, [Cut("a", "star", colour[:5] > 0)])
    with pytest.raises(UserError, match="same table"):
        compare(p, np.full((300, 3), 1 / 3), label)
