"""A fit that kills its own process at a step: python -m skyquarry.testing.killedfit TOLD (JSON)."""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from skyquarry.learn.checkpoints import Checkpoint
from skyquarry.testing.classes import objects

if TYPE_CHECKING:
    from skyquarry.learn.classifiers.protocol import Classifier, Step


def fitted(told: dict[str, Any], *, die_at: int | None = None) -> Classifier:
    """The fit that is told of: module, kind, settings, folder, every, held (rows to stop by)."""
    kind = getattr(__import__(told["module"], fromlist=[told["kind"]]), told["kind"])
    examples = objects(told["rows"])
    valid = objects(told["held"], seed=2) if told["held"] else None
    folder = told["folder"]
    checkpoint = None if folder is None else Checkpoint(Path(folder), told["every"])

    def telling(step: Step) -> None:
        if step.done == die_at:
            os.kill(os.getpid(), signal.SIGKILL)

    learner: Classifier = kind(**told["settings"])
    return learner.fit(examples, valid=valid, checkpoint=checkpoint, telling=telling, seed=7)


if __name__ == "__main__":
    asked = json.loads(sys.argv[1])
    fitted(asked, die_at=asked["die_at"])
