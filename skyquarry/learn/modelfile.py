"""Reading a model from the folder that `modelsaving` has written; checksums are compared first."""

from __future__ import annotations

import re
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

from skyquarry.catalog.files import Folder
from skyquarry.errors import DamagedError, NotFoundError
from skyquarry.learn import ensemblefile, sealed
from skyquarry.learn.calibration import Calibration
from skyquarry.learn.checkpoints import told_in
from skyquarry.learn.classifiers.registry import kinds_of
from skyquarry.learn.conformal import ConformalSets
from skyquarry.learn.density import TrainingSample
from skyquarry.learn.ensemble import Ensemble
from skyquarry.learn.model import Model
from skyquarry.learn.modelsaving import BASE, FILE, FORMAT, VARIABLE, versions
from skyquarry.learn.pooling import Pool
from skyquarry.learn.repaired import Repaired
from skyquarry.learn.summed import learnt_classes, summed

if TYPE_CHECKING:
    import os

    from skyquarry.learn.hierarchy import Head
    from skyquarry.learn.model import Reading


def load(path: str | os.PathLike[str], *, reading: Reading | None = None) -> Model:
    """What `save` wrote. Raises NotFoundError, and DamagedError that names what is damaged.

    NotFoundError too where a learner is not known here: it says where that one comes from.

    Warns where a package that took part is older here than where the model was trained.
    """
    folder = Path(Folder.at(path).root)
    if not (folder / FILE).is_file() and not (folder / sealed.CHECKSUMS).is_file():
        raise NotFoundError(f"{folder} is no model: it has no {FILE}; give the folder of one")
    sealed.check(folder)
    told = told_in(folder / FILE)
    if told.get("format") != FORMAT:
        raise DamagedError(
            f"{folder / FILE} is of format {told.get('format')}, but this version reads "
            f"{FORMAT}: use the version of skyquarry that wrote it"
        )
    try:
        return _model(folder, told, reading)
    except (KeyError, TypeError, AttributeError) as error:
        # its checksum holds: somebody has edited it, and written the checksum anew
        raise DamagedError(
            f"{folder / FILE} lacks what a model is made of ({type(error).__name__}: {error}): "
            "take it from a copy, or train again"
        ) from error


def _model(folder: Path, told: dict[str, Any], reading: Reading | None) -> Model:
    """The model that the file and those beside it tell of."""
    _check_versions(told["told"].get("versions", {}), folder)
    classes, learnt, names = tuple(told["classes"]), learnt_classes(told), told["learners"]
    kinds = kinds_of(names, str(folder), told.get("plugins", {}))
    learners = tuple(kind.load(folder / name) for kind, name in zip(kinds, names, strict=True))
    for each in learners:
        if each.classes != learnt:
            raise DamagedError(f"{folder / each.name} is of other classes than {folder / FILE}")
    pool = Pool.from_json(told["pool"], len(learners), len(learnt))
    ensemble = Ensemble(classes, learners, pool, Calibration.from_json(told["calibration"]))
    ensemble = summed(ensemble, told, str(folder / FILE))
    if (folder / BASE).is_dir():
        base, columns = ensemblefile.load(folder / BASE), tuple(told["columns"])
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
        variable=_head(folder / VARIABLE),
        sample=TrainingSample.load(folder, len(told["features"])),
    )


def _check_versions(made_by: dict[str, str], folder: Path) -> None:
    """Newer software reads what older wrote; the other way nobody promises."""
    here = versions()
    older = [
        f"{name} {here[name]} (it was {version})"
        for name, version in made_by.items()
        if name in here and _numbers(here[name]) < _numbers(version)
    ]
    if older:
        warnings.warn(
            f"{folder} was trained by newer software than there is here, {', '.join(older)}, so "
            "that its probabilities may differ: install what it was trained by",
            UserWarning,
            stacklevel=5,
        )


def _numbers(version: str) -> tuple[int, ...]:
    """2.13.0+cpu -> (2, 13, 0)."""
    return tuple(int(each) for each in re.findall(r"\d+", version.partition("+")[0])[:3])


def _head(folder: Path) -> Head | None:
    from skyquarry.learn.hierarchy import Head

    return Head.load(folder) if folder.is_dir() else None


def _novelty(told: Any) -> Any:
    if told is None:
        return None
    from skyquarry.learn.novelty import Novelty

    return Novelty.from_json(told)
