"""The upper level agrees with the classes; a second head says what varies, whatever its class."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("catboost", reason="the extra learn is not installed")

from skyquarry.catalog.classes import NAMES
from skyquarry.errors import DamagedError, UserError
from skyquarry.learn.examples import Examples
from skyquarry.learn.hierarchy import Head, branches_of, fit_head
from skyquarry.learn.scores.measures import area_under_curve

QUICK = {"catboost": {"rounds": 60, "rate": 0.1, "depth": 4}}


# ------------------------------------------------------------------ branches
def test_the_eight_classes_have_two_branches_and_transients_are_in_neither():
    made = branches_of(NAMES)
    words = {
        name: {NAMES[at] for at in holds}
        for name, holds in zip(made.names, made.holds, strict=True)
    }
    assert words == {
        "star": {"main_sequence", "giant", "white_dwarf", "brown_dwarf"},
        "extragalactic": {"galaxy", "quasar", "galaxy_cluster"},
    }


def test_a_branch_is_the_sum_of_its_classes_for_every_row():
    p = np.random.default_rng(0).dirichlet(np.ones(8), 100)
    told = branches_of(NAMES).probabilities(p)
    assert told[:, 0] == pytest.approx(p[:, :4].sum(axis=1))
    assert told.sum(axis=1) + p[:, 7] == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("classes", "names"),
    [
        (("GALAXY", "QSO", "STAR"), ("star", "extragalactic")),
        (("QSO", "STAR", "WD"), ("star", "extragalactic")),
        (("galaxy", "transient"), ("extragalactic",)),
    ],
)
def test_words_of_other_label_sets_are_known(classes, names):
    assert branches_of(classes).names == names


@pytest.mark.parametrize("classes", [("giant", "main_sequence"), ("cat", "dog"), ("STAR", "cat")])
def test_classes_of_one_branch_or_of_none_have_no_upper_level(classes):
    assert branches_of(classes) is None


# ------------------------------------------------------------------ what varies
def sky(n=1_500, seed=0):
    """Stars and quasars by colour; what varies has a larger scatter, in both, and dust in front."""
    random = np.random.default_rng(seed)
    quasar, varies = random.random(n) < 0.5, random.random(n) < 0.3
    colour = np.where(quasar, 0.2, 1.2) + random.normal(0, 0.2, n)
    scatter = np.where(varies, 0.3, 0.05) * np.exp(random.normal(0, 0.4, n))
    values = np.stack([colour, scatter, random.normal(size=n)], axis=1)
    groups = random.integers(0, 40, n)
    return Examples.of(values, ("u-g", "scatter", "noise"), quasar, groups=groups), varies, quasar


@pytest.fixture(scope="module")
def head():
    examples, varies, _ = sky()
    told = varies.astype(np.int8)
    told[::7] = -1
    return fit_head(examples, told, learners=QUICK)


def test_an_object_may_be_a_star_and_variable_or_a_quasar_and_variable(head):
    examples, varies, quasar = sky(seed=1)
    p = head.probability(examples.values)
    for kind in (quasar, ~quasar):
        area = area_under_curve(p[kind], varies[kind], np.ones(kind.sum()))
        assert area > 0.97
    assert p.mean() == pytest.approx(varies.mean(), abs=0.03)


def test_a_saved_head_says_the_same_bits_and_a_damaged_one_is_named(head, tmp_path):
    head.save(tmp_path)
    values = sky(100, 2)[0].values
    assert (Head.load(tmp_path).probability(values) == head.probability(values)).all()
    (tmp_path / "head.json").write_text("{}")
    with pytest.raises(DamagedError, match=r"head\.json cannot be read"):
        Head.load(tmp_path)


def test_features_that_told_the_label_are_not_looked_at():
    examples, varies, _ = sky()
    blind = fit_head(examples, varies, leave=["scatter"], learners=QUICK)
    assert blind.columns == (0, 2)
    other, truth, _ = sky(seed=1)
    p = blind.probability(other.values)
    assert abs(area_under_curve(p, truth, np.ones(len(p))) - 0.5) < 0.06


def test_too_few_that_vary_and_other_numbers_are_refused():
    examples, varies, _ = sky()
    few = np.where(np.cumsum(varies) <= 20, varies, 0)
    with pytest.raises(UserError, match="20 objects are known to be variable"):
        fit_head(examples, few, learners=QUICK)
    with pytest.raises(UserError, match=r"needs 1 \(variable\), 0 \(constant\) or -1"):
        fit_head(examples, np.full(len(examples), 2), learners=QUICK)
