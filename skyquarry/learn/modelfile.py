"""A model as a folder: JSON, safetensors and the boosters' own files, each with its checksum.

model.json          classes, features, units, pool, calibration, and how it was trained
NAME/               one folder a learner
base/               the older ensemble, of a model that was repaired
variable/           the second head, where there is one: head.json and its learners
checksums.json      sha256 of every file
"""

from __future__ import annotations

import json
import os
from importlib import metadata
from pathlib import Path
from shutil import rmtree
from typing import TYPE_CHECKING, Any, Final

from skyquarry.errors import DamagedError, ExistsError, NotFoundError
from skyquarry.learn import ensemblefile, sealed
from skyquarry.learn.calibration import Calibration
from skyquarry.learn.checkpoints import write_whole
from skyquarry.learn.classifiers.registry import kind_of
from skyquarry.learn.conformal import ConformalSets
from skyquarry.learn.ensemble import Ensemble
from skyquarry.learn.model import Model
from skyquarry.learn.pooling import Pool
from skyquarry.learn.repaired import Repaired
from skyquarry.learn.summed import Summed, learnt_classes, summed

if TYPE_CHECKING:
    from skyquarry.learn.hierarchy import Head
    from skyquarry.learn.model import Reading

FORMAT: Final = 1
_FILE: Final = "model.json"
_BASE: Final = "base"
_VARIABLE: Final = "variable"
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
    target = Path(path)
    check_free(target, overwrite=overwrite)
    beside = target.with_name(f".{target.name}.{os.getpid()}.part")
    rmtree(beside, ignore_errors=True)
    beside.mkdir(parents=True)
    for each in model.learners:
        (beside / each.name).mkdir()
        each.save(beside / each.name)
    if isinstance(model.ensemble, Repaired):
        (beside / _BASE).mkdir()
        ensemblefile.save(model.ensemble.base, beside / _BASE)
    if model.variable is not None:
        (beside / _VARIABLE).mkdir()
        model.variable.save(beside / _VARIABLE)
    write_whole(beside / _FILE, json.dumps(_told(model), indent=1).encode())
    sealed.seal(beside)
    _put(beside, target)


def check_free(path: str | os.PathLike[str], *, overwrite: bool) -> None:
    """Raises ExistsError where a model cannot be written: another thing is never overwritten."""
    target = Path(path)
    if target.exists() and not (overwrite and (target / _FILE).exists()):
        raise ExistsError(
            f"{target} exists already, and a model would be written over it: choose another path"
            + (", or say overwrite=True" if (target / _FILE).exists() else "")
        )


def checkpoints_beside(path: str | os.PathLike[str]) -> Path:
    """Where the training of a model keeps what goes on after a kill."""
    target = Path(path)
    return target.with_name(f".{target.name}.training")


def load(path: str | os.PathLike[str], *, reading: Reading | None = None) -> Model:
    """What `save` wrote. Raises NotFoundError, and DamagedError that names what is damaged."""
    folder = Path(path)
    if not (folder / _FILE).is_file() and not (folder / sealed.CHECKSUMS).is_file():
        raise NotFoundError(f"{folder} is no model: it has no {_FILE}; give the folder of one")
    sealed.check(folder)
    told = json.loads((folder / _FILE).read_bytes())
    if told.get("format") != FORMAT:
        raise DamagedError(
            f"{folder / _FILE} is of format {told.get('format')}, but this version reads "
            f"{FORMAT}: use the version of skyquarry that wrote it"
        )
    classes, learnt, names = tuple(told["classes"]), learnt_classes(told), told["learners"]
    learners = tuple(kind_of(name).load(folder / name) for name in names)
    for each in learners:
        if each.classes != learnt:
            raise DamagedError(f"{folder / each.name} is of other classes than {folder / _FILE}")
    pool = Pool.from_json(told["pool"], len(learners), len(learnt))
    ensemble = Ensemble(classes, learners, pool, Calibration.from_json(told["calibration"]))
    ensemble = summed(ensemble, told, str(folder / _FILE))
    if (folder / _BASE).is_dir():
        base, columns = ensemblefile.load(folder / _BASE), tuple(told["columns"])
        ensemble = Repaired(classes, learners, pool, ensemble.calibration, base, columns)
    sets = told["conformal"]
    return Model(
        ensemble,
        tuple(told["features"]),
        tuple(told["units"]),
        conformal=None if sets is None else ConformalSets.from_json(sets),
        novelty=_novelty(told["novelty"]),
        told=told["told"],
        reading=reading,
        variable=_head(folder / _VARIABLE),
    )


def _head(folder: Path) -> Head | None:
    from skyquarry.learn.hierarchy import Head

    return Head.load(folder) if folder.is_dir() else None


def _told(model: Model) -> dict[str, Any]:
    ensemble = model.ensemble
    return {
        "format": FORMAT,
        "classes": model.classes,
        "features": model.features,
        "units": model.units,
        "learners": [each.name for each in ensemble.learners],
        "pool": ensemble.pool.to_json(),
        "calibration": ensemble.calibration.to_json(),
        "columns": ensemble.columns if isinstance(ensemble, Repaired) else None,
        "conformal": None if model.conformal is None else model.conformal.to_json(),
        "novelty": None if model.novelty is None else model.novelty.to_json(),
        "told": model.told,
    } | (ensemble.to_json() if isinstance(ensemble, Summed) else {})


def _novelty(told: Any) -> Any:
    if told is None:
        return None
    from skyquarry.learn.novelty import Novelty

    return Novelty.from_json(told)


def _put(beside: Path, target: Path) -> None:
    """Rename into place; what was there goes only when the new one is whole."""
    if not target.exists():
        beside.rename(target)
        return
    old = target.with_name(f".{target.name}.{os.getpid()}.old")
    target.rename(old)
    beside.rename(target)
    rmtree(old)
