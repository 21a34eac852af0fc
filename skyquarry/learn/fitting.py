"""Fits one after another, of which none is done twice: killed anywhere, the next call goes on."""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass, replace
from shutil import rmtree
from typing import TYPE_CHECKING, Any, Final

from skyquarry.learn.checkpoints import Checkpoint
from skyquarry.learn.classifiers.pace import training
from skyquarry.learn.classifiers.registry import kind_of
from skyquarry.learn.sealed import check, seal

if TYPE_CHECKING:
    from pathlib import Path

    from skyquarry.learn.classifiers.protocol import Classifier, Step, Telling
    from skyquarry.learn.examples import Examples

_FORMAT = "1"
"""changes when the same settings come to give another model"""
_OURS: Final = re.compile(r"\.?[\w-]+-[0-9a-f]{16}(\.state|\.part)?")
"""what a training keeps: fits, states of fits, and fits that are being written"""


@dataclass(frozen=True, slots=True)
class Fitting:
    """Where fits are kept (None: nowhere), how often, and who is told."""

    folder: Path | None = None
    every: int = 25
    telling: Telling | None = None

    def fit(
        self,
        name: str,
        settings: dict[str, Any],
        part: str,
        examples: Examples,
        *,
        valid: Examples | None = None,
        seed: int = 0,
    ) -> Classifier:
        """The learner fitted to these examples; read back, where that was done before.

        `part` says which fit of the ensemble it is ("fold 2 of 5"), and stands in what is told.
        """
        learner = kind_of(name)(**settings)
        told = self._telling(part)
        if self.folder is None:
            return learner.fit(examples, valid=valid, telling=told, seed=seed)
        mark = training(learner, examples, valid, seed, _FORMAT)[:16]
        done = self.folder / f"{name}-{mark}"
        if done.is_dir():
            check(done)
            return type(learner).load(done)
        state = self.folder / f"{name}-{mark}.state"
        learner.fit(
            examples, valid=valid, checkpoint=Checkpoint(state, self.every), telling=told, seed=seed
        )
        beside = self.folder / f".{name}-{mark}.part"
        rmtree(beside, ignore_errors=True)
        beside.mkdir(parents=True)
        learner.save(beside)
        seal(beside)
        beside.rename(done)
        rmtree(state, ignore_errors=True)
        return type(learner).load(done)

    def clear(self) -> None:
        """Forget all that was kept: the training has ended.

        The folder goes too where nothing else lies in it; what else lies in it is somebody's.
        """
        if self.folder is None or not self.folder.is_dir():
            return
        for each in self.folder.iterdir():
            if _OURS.fullmatch(each.name):
                rmtree(each, ignore_errors=True)
        with suppress(OSError):
            self.folder.rmdir()

    def _telling(self, part: str) -> Telling | None:
        telling = self.telling
        if telling is None:
            return None

        def told(step: Step) -> None:
            telling(replace(step, learner=f"{step.learner}, {part}"))

        return told
