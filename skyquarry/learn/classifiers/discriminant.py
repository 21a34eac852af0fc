"""What each class looks like, and which of them a row is likeliest of: mixtures of Gaussians.

Mixture discriminant analysis (Hastie & Tibshirani 1996, J. R. Statist. Soc. B 58, 155) with
covariances that differ: p(k | x) is proportional to the weight of class k times its density at x.
Others draw borders between classes; this one knows where each ends, and errs elsewhere than they.
What a row lacks is integrated over, so that gaps by chance cost no more than what they hid. A
density knows no feature that follows from others: a colour of two magnitudes that are there is left
out. On inner folds the log-loss of the whole fell by it from 0.0465 to 0.0427 (points, four
colours), 0.1037 to 0.0989 (DR14), 0.3432 to 0.3421 (DR17) and, cells blanked, 0.3852 to 0.3825;
alone it is too sure of itself (0.064, 0.137, 0.439, 0.472).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Final, Self

import numpy as np

from skyquarry.errors import DamagedError
from skyquarry.learn import arrays, mixtures
from skyquarry.learn.calibration import softmax
from skyquarry.learn.checkpoints import write_whole
from skyquarry.learn.classifiers.pace import Learner, Pace, check_fitted, needed, training
from skyquarry.learn.classifiers.similarity import Scaling, arrays_of, of_arrays
from skyquarry.learn.onethread import one_thread

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from skyquarry.learn.checkpoints import Checkpoint
    from skyquarry.learn.classifiers.protocol import Telling
    from skyquarry.learn.examples import Examples
    from skyquarry.learn.mixtures import Mixture

    Floats = NDArray[np.float64]
    Single = NDArray[np.float32]

_FILE: Final = "mixtures.safetensors"
_FORMAT: Final = "1"
_OWN: Final = 1e-4
"""share of a feature's variance that others must leave to it, or it is left out"""
_ROWS_EACH: Final = 20
"""rows for each component and feature: fewer than a fit that judges what is unusual wants"""
_RIDGE: Final = 2e-3
"""share of the covariance of a class that each component has at least"""
_OF_ALL: Final = 0.05
"""share of all rows' covariance added to it: a class may have but one value of a feature"""
_LITTLE: Final = 1e-9
"""least variance"""
_LEAST: Final = 2
"""measured values for each feature without which a class has no density of its own"""
_FAR: Final = 30.0
"""distances of the quartiles: no value lies further"""
_COMPLETE: Final = 3
"""complete rows for each feature by which is seen what follows from others"""


class Discriminant(Learner):
    """Densities of the classes; of each so many fits, which begin elsewhere."""

    name: ClassVar[str] = "discriminant"
    extra: ClassVar[tuple[str, ...]] = ("safetensors",)

    def __init__(self, *, fits: int = 3, threads: int = 1) -> None:
        """Settings: `fits` of each class are averaged. Arithmetic is one thread's."""
        self.fits, self.threads = fits, threads
        self._scaling: Scaling | None = None
        self._features: NDArray[np.int32] = np.zeros(0, np.int32)
        self._prior: Floats = np.zeros(0)
        self._found: list[Mixture] = []

    @one_thread()
    def fit(
        self,
        examples: Examples,
        *,
        valid: Examples | None = None,
        checkpoint: Checkpoint | None = None,
        telling: Telling | None = None,
        seed: int = 0,
    ) -> Self:
        """Learn; `valid` is not needed. Within a class all rows count alike."""
        needed(self.name, self.extra, "learn")
        _ = valid
        self._classes = examples.classes
        self._scaling = Scaling.of(examples.values)
        self._features = own_features(_scaled(self._scaling, examples.values))
        x = _scaled(self._scaling, examples.values)[:, self._features]
        count = len(self._classes)
        share = np.bincount(examples.labels, examples.weights, count).astype(np.float64)
        self._prior = share / share.sum()
        mark = training(self, examples, None, seed, _FORMAT)
        saved = None if checkpoint is None else checkpoint.read(mark)
        self._found = [] if saved is None else _mixtures_of(saved.content, "the checkpoint")
        every, of = _spread_of(x), self.fits * count
        pace = Pace(self.name, of, telling)
        while len(self._found) < of:
            turn, number = divmod(len(self._found), count)
            self._found.append(_density(x, examples.labels == number, every, [seed, turn, number]))
            done = len(self._found)
            pace.tell(done)
            if checkpoint is not None and checkpoint.due(done) and done < of:
                checkpoint.write(mark, done, arrays.to_bytes(_as_arrays(self._found), {}), {})
        return self

    def predict_proba(self, values: Single) -> Floats:
        """(n, K) of (n, p): each row sums to 1."""
        check_fitted(self, self._scaling)
        assert self._scaling is not None
        if not len(values):
            return np.empty((0, len(self._classes)))
        parts = mixtures.Parts.of(_scaled(self._scaling, values)[:, self._features])
        told = [each.log_density(parts, len(values)) for each in self._found]
        fits = np.stack(told, axis=1).reshape(len(values), self.fits, len(self._classes))
        with np.errstate(divide="ignore"):
            scores = np.logaddexp.reduce(fits, axis=1) + np.log(self._prior)
        return softmax(scores)

    def explain(self, values: Single) -> Floats | None:
        """None: the boosted trees tell what speaks for a class."""
        _ = values
        return None

    def save(self, folder: Path) -> None:
        """All mixtures, and beside them classes and settings."""
        check_fitted(self, self._scaling)
        assert self._scaling is not None
        kept = _as_arrays(self._found) | arrays_of(self._scaling, "scaling")
        kept |= {"features": self._features, "prior": self._prior}
        told = {"classes": self._classes, "settings": self.settings()}
        write_whole(folder / _FILE, arrays.to_bytes(kept, told))

    @classmethod
    def load(cls, folder: Path) -> Self:
        """What `save` wrote. Raises DamagedError, naming the file."""
        path = folder / _FILE
        content = path.read_bytes()
        kept, told = arrays.from_bytes(content, str(path))
        made = cls(**told["settings"])
        made._classes = tuple(told["classes"])
        try:
            made._scaling = of_arrays(Scaling, kept, "scaling")
            made._features, made._prior = kept["features"], kept["prior"]
        except KeyError as error:
            raise _lacks(str(path), error) from error
        made._found = _mixtures_of(content, str(path))
        if len(made._found) != made.fits * len(made._classes):
            raise _lacks(str(path), "a mixture of a class")
        return made


def own_features(x: Floats) -> NDArray[np.int32]:
    """Features of rows (n, p), NaN where missing, that do not follow from those before them.

    By the complete rows; where these are few all features.
    """
    whole = x[np.isfinite(x).all(axis=1)]
    if len(whole) < _COMPLETE * x.shape[1]:
        return np.arange(x.shape[1], dtype=np.int32)
    left = whole - whole.mean(axis=0)
    variance, kept = (left**2).sum(axis=0), []
    for each in range(x.shape[1]):
        column = left[:, each]
        rest = float(column @ column)
        if rest <= _OWN * variance[each] or variance[each] <= 0.0:
            continue
        kept.append(each)
        after = left[:, each + 1 :]
        after -= np.outer(column, column @ after) / rest
    return np.array(kept, np.int32)


def _scaled(scaling: Scaling, values: Single) -> Floats:
    """(n, p): linear in what is measured, so that what follows still follows; clipped far off."""
    with np.errstate(invalid="ignore", over="ignore"):
        scaled = (values.astype(np.float64) - scaling.middle) * scaling.factor
    return np.where(np.isfinite(values), np.clip(scaled, -_FAR, _FAR), np.nan)


def _density(x: Floats, mine: NDArray[np.bool_], every: Floats, seed: list[int]) -> Mixture:
    """Of the rows of a class; of all rows where these are hardly more than features."""
    enough = np.isfinite(x[mine]).sum(axis=0).min(initial=len(x)) > _LEAST * x.shape[1]
    rows = x[mine] if enough else x
    ridge = _RIDGE * (_spread_of(rows) + _OF_ALL * every)
    return mixtures.fit(rows, seed, rows_each=_ROWS_EACH, ridge=ridge)


def _spread_of(x: Floats) -> Floats:
    """(d, d) covariance of rows with gaps."""
    little = _LITTLE * np.eye(x.shape[1])
    return np.asarray(mixtures.fit(x, rows_each=len(x) + 1, ridge=little).covariance[0])


def _as_arrays(found: list[Mixture]) -> dict[str, NDArray[Any]]:
    return {
        name: each
        for number, held in enumerate(found)
        for name, each in arrays_of(held, f"{number}").items()
    }


def _mixtures_of(content: bytes, name: str) -> list[Mixture]:
    """Those of a file or checkpoint. Raises DamagedError, naming it."""
    kept, _ = arrays.from_bytes(content, name)
    count = sum(each.endswith(".weight") for each in kept)
    try:
        return [of_arrays(mixtures.Mixture, kept, f"{number}") for number in range(count)]
    except KeyError as error:
        raise _lacks(name, error) from error


def _lacks(name: str, what: Any) -> DamagedError:
    return DamagedError(f"{name} lacks {what}: take it from a copy, or train again")
