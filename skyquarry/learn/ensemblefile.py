"""An ensemble as a folder: ensemble.json, a folder a learner, and one for what it repairs."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from skyquarry.errors import DamagedError
from skyquarry.learn.calibration import Calibration
from skyquarry.learn.checkpoints import write_whole
from skyquarry.learn.classifiers.plugins import origin
from skyquarry.learn.classifiers.registry import kinds_of, ours
from skyquarry.learn.ensemble import Ensemble
from skyquarry.learn.pooling import Pool
from skyquarry.learn.repaired import Repaired
from skyquarry.learn.summed import Summed, learnt_classes, summed

if TYPE_CHECKING:
    from pathlib import Path

_FILE: Final = "ensemble.json"
_BASE: Final = "base"


def save(ensemble: Ensemble, folder: Path) -> None:
    """Write it into a folder that is there."""
    told: dict[str, Any] = {
        "classes": ensemble.classes,
        "learners": [each.name for each in ensemble.learners],
        "plugins": origins(ensemble),
        "pool": ensemble.pool.to_json(),
        "calibration": ensemble.calibration.to_json(),
    }
    for each in ensemble.learners:
        (folder / each.name).mkdir()
        each.save(folder / each.name)
    if isinstance(ensemble, Summed):
        told |= ensemble.to_json()
    if isinstance(ensemble, Repaired):
        told["columns"] = ensemble.columns
        (folder / _BASE).mkdir()
        save(ensemble.base, folder / _BASE)
    write_whole(folder / _FILE, json.dumps(told, indent=1).encode())


def origins(ensemble: Ensemble) -> dict[str, Any]:
    """Where learners come from that are not ours, by name."""
    return {each.name: origin(type(each)) for each in ensemble.learners if not ours(each.name)}


def load(folder: Path) -> Ensemble:
    """What `save` wrote. Raises DamagedError, naming the file."""
    try:
        told = json.loads((folder / _FILE).read_bytes())
        classes, names = tuple(told["classes"]), list(told["learners"])
        learnt = learnt_classes(told)
        pool = Pool.from_json(told["pool"], len(names), len(learnt))
        mended = Calibration.from_json(told["calibration"])
        columns = tuple(int(each) for each in told.get("columns", ()))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DamagedError(
            f"{folder / _FILE} cannot be read ({error}): take the folder from a copy, or train "
            "again"
        ) from error
    kinds = kinds_of(names, str(folder / _FILE), told.get("plugins", {}))
    learners = tuple(kind.load(folder / name) for kind, name in zip(kinds, names, strict=True))
    for each in learners:
        if each.classes != learnt:
            raise DamagedError(f"{folder / each.name} is of other classes than {folder / _FILE}")
    if (folder / _BASE).is_dir():
        return Repaired(classes, learners, pool, mended, load(folder / _BASE), columns)
    return summed(Ensemble(classes, learners, pool, mended), told, str(folder / _FILE))
