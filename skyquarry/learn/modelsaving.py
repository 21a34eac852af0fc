"""Writing a model as a folder: JSON, safetensors, the boosters' own files, and checksums of all.

model.json          classes, features, units, pool, calibration, and how it was trained
NAME/               one folder a learner
base/               the older ensemble, of a model that was repaired
variable/           the second head, where there is one: head.json and its learners
sample.safetensors  rows of the training set, to compare the density of a catalogue with
checksums.json      sha256 of every file

`modelfile` reads it back.
"""

from __future__ import annotations

import json
import os
from importlib import metadata
from shutil import rmtree
from typing import TYPE_CHECKING, Any, Final

from skyquarry.catalog.files import path_here
from skyquarry.errors import ExistsError
from skyquarry.learn import ensemblefile, sealed
from skyquarry.learn.checkpoints import write_whole
from skyquarry.learn.repaired import Repaired
from skyquarry.learn.summed import Summed

if TYPE_CHECKING:
    from pathlib import Path

    from skyquarry.learn.model import Model

FORMAT: Final = 1
FILE: Final = "model.json"
BASE: Final = "base"
VARIABLE: Final = "variable"
_PACKAGES: Final = ("skyquarry", "numpy", "scikit-learn", "xgboost-cpu", "xgboost", "catboost",
                    "torch", "safetensors")  # fmt: skip


def versions() -> dict[str, str]:
    """Of the software that takes part, as far as it is installed."""
    found = {}
    for name in _PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def save(model: Model, path: str | os.PathLike[str], *, overwrite: bool = False) -> None:
    """Write the folder: beside its name, then renamed. Raises ExistsError."""
    target = path_here(path, "a model")
    check_free(target, overwrite=overwrite)
    beside = target.with_name(f".{target.name}.{os.getpid()}.part")
    rmtree(beside, ignore_errors=True)
    beside.mkdir(parents=True)
    for each in model.learners:
        (beside / each.name).mkdir()
        each.save(beside / each.name)
    if isinstance(model.ensemble, Repaired):
        (beside / BASE).mkdir()
        ensemblefile.save(model.ensemble.base, beside / BASE)
    if model.variable is not None:
        (beside / VARIABLE).mkdir()
        model.variable.save(beside / VARIABLE)
    if model.sample is not None:
        model.sample.save(beside)
    write_whole(beside / FILE, json.dumps(_told(model), indent=1).encode())
    sealed.seal(beside)
    _put(beside, target)


def check_free(path: str | os.PathLike[str], *, overwrite: bool) -> None:
    """Raises ExistsError where a model cannot be written: another thing is never overwritten."""
    target = path_here(path, "a model")
    if target.exists() and not (overwrite and (target / FILE).exists()):
        raise ExistsError(
            f"{target} exists already, and a model would be written over it: choose another path"
            + (", or say overwrite=True" if (target / FILE).exists() else "")
        )


def checkpoints_beside(path: str | os.PathLike[str]) -> Path:
    """Where the training of a model keeps what goes on after a kill."""
    target = path_here(path, "a model")
    return target.with_name(f".{target.name}.training")


def _told(model: Model) -> dict[str, Any]:
    ensemble = model.ensemble
    return {
        "format": FORMAT,
        "classes": model.classes,
        "features": model.features,
        "units": model.units,
        "learners": [each.name for each in ensemble.learners],
        "plugins": ensemblefile.origins(ensemble),
        "pool": ensemble.pool.to_json(),
        "calibration": ensemble.calibration.to_json(),
        "columns": ensemble.columns if isinstance(ensemble, Repaired) else None,
        "conformal": None if model.conformal is None else model.conformal.to_json(),
        "novelty": None if model.novelty is None else model.novelty.to_json(),
        "told": model.told,
    } | (ensemble.to_json() if isinstance(ensemble, Summed) else {})


def _put(beside: Path, target: Path) -> None:
    """Rename into place; what was there goes only when the new one is whole."""
    if not target.exists():
        beside.rename(target)
        return
    old = target.with_name(f".{target.name}.{os.getpid()}.old")
    target.rename(old)
    beside.rename(target)
    rmtree(old)
