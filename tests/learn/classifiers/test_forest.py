from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("sklearn", reason="the extra learn is not installed")

from skyquarry.errors import DamagedError
from skyquarry.learn import arrays
from skyquarry.learn.classifiers.forest import ExtraTrees, Forest
from skyquarry.learn.classifiers.nodes import Nodes
from skyquarry.testing.classes import objects
from skyquarry.testing.learnsuite import ClassifierSuite


class TestForest(ClassifierSuite):
    kind = Forest
    settings = {"trees": 45, "depth": 8}  # noqa: RUF012
    kills = (5, 17, 38)


@pytest.mark.parametrize("missing", [0.0, 0.2])
def test_nodes_give_what_scikit_learn_gives(missing):
    from sklearn.ensemble import RandomForestClassifier

    some, seen = objects(2000, missing=missing), objects(3000, seed=2, missing=0.1)
    theirs = RandomForestClassifier(30, max_depth=12, random_state=1).fit(some.values, some.labels)
    ours = Nodes.joined([Nodes.of_tree(each.tree_) for each in theirs.estimators_])
    values = seen.values if missing else np.nan_to_num(seen.values)
    assert np.abs(ours.probabilities(values) - theirs.predict_proba(values)).max() < 1e-6


def test_a_value_at_a_threshold_goes_where_scikit_learn_sends_it():
    from sklearn.tree import DecisionTreeClassifier

    values = np.array([[0.1], [0.2], [0.3], [0.4]], np.float32)
    tree = DecisionTreeClassifier(random_state=0).fit(values, [0, 1, 0, 1])
    cuts = tree.tree_.threshold[tree.tree_.feature >= 0]
    near = cuts.astype(np.float32)
    asked = np.concatenate(
        [near, np.nextafter(near, np.float32(1)), np.nextafter(near, np.float32(0))]
    )
    ours = Nodes.of_tree(tree.tree_).probabilities(asked[:, None])
    assert (ours == tree.predict_proba(asked[:, None])).all()


def test_threads_change_no_bit():
    examples = objects(500)
    one, three = (Forest(trees=12, depth=6, threads=n).fit(examples, seed=1) for n in (1, 3))
    assert (one.predict_proba(examples.values) == three.predict_proba(examples.values)).all()


def test_trees_differ_most_where_classes_meet():
    learnt = Forest(trees=60, depth=8).fit(objects(900), seed=1)
    values = objects(2000, seed=3).values
    p, spread = learnt.with_spread(values)
    assert np.array_equal(p, learnt.predict_proba(values))
    sure = p.max(axis=1) > 0.9
    assert spread[~sure].mean() > 1.5 * spread[sure].mean()


@pytest.mark.parametrize("of", [None, (0, 1, 1)])
def test_the_spread_of_trees_is_that_of_one_tree_after_another(of):
    learnt = Forest(trees=15, depth=7, threads=2).fit(objects(600), seed=2)
    values = objects(300, seed=4).values
    nodes = learnt._nodes
    starts = [*nodes.roots.tolist(), len(nodes.feature)]
    told = []
    for first in starts[:-1]:
        lone = Nodes(**(nodes.arrays() | {"roots": np.array([first], np.int64)}))
        p = lone.probabilities(values)
        told.append(p if of is None else np.stack([p[:, 0], p[:, 1] + p[:, 2]], axis=1))
    slow = np.sqrt(0.5 * np.var(told, axis=0).sum(axis=1))
    p, spread = learnt.with_spread(values, of)
    assert spread == pytest.approx(slow, abs=1e-7)
    assert p.shape == (300, 3), "shares are of what was learnt"
    if of is not None:  # of two classes it is the deviation of either's share
        assert spread == pytest.approx(np.std(told, axis=0)[:, 0], abs=1e-7)


@pytest.mark.parametrize(
    ("which", "to"), [("inner", "first"), ("inner", "last"), ("leaf", "below"), ("leaf", "beyond")]
)
def test_nodes_that_lead_nowhere_are_refused(tmp_path, which, to):
    Forest(trees=3, depth=4).fit(objects(300), seed=1).save(tmp_path)
    path = tmp_path / "nodes.safetensors"
    kept, told = arrays.from_bytes(path.read_bytes(), "it")
    n, leaves = len(kept["feature"]), len(kept["leaves"])
    at = np.flatnonzero((kept["feature"] >= 0) == (which == "inner"))[-1]
    # the sibling of the last node would lie behind all of them
    kept["child"][at] = {"first": 0, "last": n - 1, "below": -1, "beyond": leaves}[to]
    path.write_bytes(arrays.to_bytes(kept, told))
    with pytest.raises(DamagedError, match=r"nodes\.safetensors has nodes that lead nowhere"):
        Forest.load(tmp_path)


def test_a_class_that_no_sample_holds_has_no_share_there():
    examples = objects(400)
    lone = np.flatnonzero(examples.labels == 2)[5:]
    few = examples.take(np.delete(np.arange(400), lone))
    learnt = Forest(trees=20, depth=5, samples=20).fit(few, seed=1)
    assert learnt.predict_proba(few.values).shape[1] == 3


class TestExtraTrees(ClassifierSuite):
    kind = ExtraTrees
    settings = {"trees": 45, "depth": 10}  # noqa: RUF012
    kills = (5, 17, 38)


def test_extra_trees_draw_no_row_twice():
    drawn = ExtraTrees(samples=30)._sample(np.random.default_rng(1), 100)
    assert sorted(np.unique(drawn)) == [0.0, 1.0]
    assert drawn.sum() == 30
    assert (ExtraTrees()._sample(np.random.default_rng(1), 100) == 1.0).all()
