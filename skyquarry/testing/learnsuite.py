"""A suite that proves a learner of yours: subclass it, name the learner's class, run pytest."""

# ruff: noqa: D102 (the name of a test is its claim)

from __future__ import annotations

import json
import signal
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pytest

from skyquarry.errors import DamagedError, UserError
from skyquarry.learn.checkpoints import Checkpoint
from skyquarry.learn.classifiers.pace import log_loss
from skyquarry.testing.classes import objects
from skyquarry.testing.killedfit import fitted

if TYPE_CHECKING:
    from collections.abc import Callable

    from skyquarry.learn.classifiers.protocol import Classifier, Step


class ClassifierSuite:
    """What a model needs of a learner."""

    kind: ClassVar[type[Any]]
    settings: ClassVar[dict[str, Any]] = {}
    """quick ones"""
    kills: ClassVar[tuple[int, int, int]]
    """steps at which a fit is killed, one after the other"""
    every: ClassVar[int] = 10
    """steps between two checkpoints"""
    longer: ClassVar[dict[str, Any]] = {}
    """settings by which it has to stop early; none: it needs no stopping"""

    def make(self) -> Classifier:
        made: Classifier = self.kind(**self.settings)
        return made

    @pytest.fixture
    def learnt(self) -> Classifier:
        return _learnt(self.kind, json.dumps(self.settings))  # type: ignore[arg-type]

    def test_it_learns_what_there_is_to_learn(self, learnt: Classifier) -> None:
        seen = objects(600, seed=5)
        p = learnt.predict_proba(seen.values)
        assert log_loss(p, seen.labels, None) < 0.85 * np.log(3)

    def test_probabilities_of_each_row_sum_to_one(self, learnt: Classifier) -> None:
        p = learnt.predict_proba(objects(200, seed=6).values)
        assert p.shape == (200, 3)
        assert p.dtype == np.float64
        assert (p >= 0).all()
        assert np.abs(p.sum(axis=1) - 1.0).max() < 1e-12

    def test_a_row_without_any_measurement_has_probabilities_too(self, learnt: Classifier) -> None:
        p = learnt.predict_proba(np.full((1, 5), np.nan, np.float32))
        assert abs(p.sum() - 1.0) < 1e-12

    def test_no_rows_have_no_probabilities(self, learnt: Classifier) -> None:
        assert learnt.predict_proba(np.empty((0, 5), np.float32)).shape == (0, 3)

    def test_a_row_is_said_to_be_the_same_alone_among_few_and_among_many(
        self, learnt: Classifier
    ) -> None:
        values = objects(900, seed=8).values
        whole = learnt.predict_proba(values)
        for size in (1, 7, 300):
            parts = range(0, len(values) if size > 1 else 50, size)
            told = np.concatenate([learnt.predict_proba(values[at : at + size]) for at in parts])
            assert (told == whole[: len(told)]).all(), f"{size} at once"

    def test_the_same_seed_gives_the_same_bits_and_another_does_not(
        self, learnt: Classifier
    ) -> None:
        values = objects(300, seed=8).values
        again = self.make().fit(objects(900), seed=3).predict_proba(values)
        other = self.make().fit(objects(900), seed=4).predict_proba(values)
        assert (again == learnt.predict_proba(values)).all()
        assert (other != again).any()

    def test_what_was_saved_predicts_the_same_bits(
        self, learnt: Classifier, tmp_path: Path
    ) -> None:
        learnt.save(tmp_path)
        loaded = self.kind.load(tmp_path)
        values = objects(300, seed=8).values
        assert (loaded.predict_proba(values) == learnt.predict_proba(values)).all()
        assert loaded.classes == learnt.classes
        assert loaded.settings() == learnt.settings()

    def test_weights_move_the_probabilities(self) -> None:
        examples = objects(900)
        examples.weights[examples.labels == 0] = 10.0
        p = self.make().fit(examples, seed=3).predict_proba(examples.values)
        plain = self.make().fit(objects(900), seed=3).predict_proba(examples.values)
        assert p[:, 0].mean() > plain[:, 0].mean() + 0.1

    def test_explanations_have_a_number_for_each_feature_and_class(
        self, learnt: Classifier
    ) -> None:
        told = learnt.explain(objects(20, seed=8).values)
        if told is not None:
            assert told.shape == (20, 5, 3)
            weight = np.abs(told).mean(axis=(0, 2))
            assert weight.argmin() == 4, "the last feature tells nothing"

    def test_one_that_is_not_fitted_says_so(self) -> None:
        with pytest.raises(UserError, match=f"the learner {self.kind.name} is not fitted"):
            self.make().predict_proba(np.zeros((1, 5), np.float32))

    def test_it_stops_when_what_is_held_out_gains_no_more(self) -> None:
        """And one that needs no stopping goes to its end."""
        steps: list[Step] = []
        learner = self.kind(**(self.settings | self.longer))
        held = objects(300, seed=2)
        learner.fit(objects(150), valid=held, telling=steps.append, seed=1)
        if not self.longer:
            assert steps[-1].done == steps[-1].of
            return
        assert steps[-1].done < steps[-1].of
        assert steps[-1].score is not None
        best = min(each.score for each in steps if each.score is not None)
        reached = log_loss(learner.predict_proba(held.values), held.labels, None)
        assert reached == pytest.approx(best, abs=1e-5)

    def test_killed_three_times_it_ends_in_the_same_bits(self, tmp_path: Path) -> None:
        told = self._told(tmp_path, 300 if self.longer else 0)
        for step in self.kills:
            done = subprocess.run(  # noqa: S603
                [sys.executable, "-m", "skyquarry.testing.killedfit",
                 json.dumps(told | {"die_at": step})],
                capture_output=True, text=True, check=False, timeout=120,
            )  # fmt: skip
            assert done.returncode == -signal.SIGKILL, done.stderr
        values = objects(400, seed=9).values
        went_on = fitted(told).predict_proba(values)
        whole = fitted(told | {"folder": None}).predict_proba(values)
        assert (went_on == whole).all()

    def test_a_killed_fit_does_not_begin_anew(self, tmp_path: Path) -> None:
        told = self._told(tmp_path, 0)
        seen: list[int] = []

        def stop(step: Step) -> None:
            if step.done == self.kills[-1]:
                raise _Stopped

        with pytest.raises(_Stopped):
            self._fit(told, stop)
        self._fit(told, lambda step: seen.append(step.done))
        assert seen[0] > self.kills[-1] - 2 * self.every

    def test_a_damaged_checkpoint_is_named(self, tmp_path: Path) -> None:
        told = self._told(tmp_path, 0)

        def stop(step: Step) -> None:
            if step.done == self.kills[-1]:
                raise _Stopped

        with pytest.raises(_Stopped):
            self._fit(told, stop)
        (state,) = tmp_path.rglob("state.checkpoint")
        content = bytearray(state.read_bytes())
        content[len(content) // 2] ^= 0x10
        state.write_bytes(content)
        with pytest.raises(DamagedError, match=state.name):
            self._fit(told, lambda _: None)

    def _fit(self, told: dict[str, Any], telling: Any) -> None:
        checkpoint = Checkpoint(Path(told["folder"]), self.every)
        self.make().fit(objects(told["rows"]), checkpoint=checkpoint, telling=telling, seed=7)

    def _told(self, folder: Path, held: int) -> dict[str, Any]:
        return {"module": self.kind.__module__, "kind": self.kind.__name__, "rows": 400,
                "settings": self.settings, "folder": str(folder), "every": self.every,
                "held": held}  # fmt: skip


@cache
def _learnt(kind: Callable[..., Any], settings: str) -> Classifier:
    """One fit for all tests of a learner, which leave it as it is."""
    made: Classifier = kind(**json.loads(settings))
    return made.fit(objects(900), seed=3)


class _Stopped(Exception):  # noqa: N818  (no error: a test's way out of a fit)
    pass
