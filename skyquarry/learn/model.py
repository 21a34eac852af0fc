"""A trained classifier with all that is needed to use it and to judge it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from skyquarry.errors import ColumnError, UserError
from skyquarry.learn.conformal import ConformalSets  # noqa: TC001  (a field)

if TYPE_CHECKING:
    import os

    from numpy.typing import NDArray

    from skyquarry.learn.density import TrainingSample
    from skyquarry.learn.ensemble import Ensemble
    from skyquarry.learn.hierarchy import Branches, Head
    from skyquarry.learn.novelty import Novelty

    Floats = NDArray[np.float64]

_BESIDE: Final = ("ebv", "match_")
"""features of where and how an object was found: the same for an object of any kind"""
Reading = Callable[["Model", Any], "NDArray[np.float32]"]
"""from a model and a table to the model's features (n, p)"""


@dataclass(frozen=True)
class Model:
    """A trained classifier: `sq.train` makes it, `sq.load_model` reads it.

    >>> model = sq.train("labels.parquet", label="class", survey="sdss")  # doctest: +SKIP
    >>> p = model.predict_proba("other.parquet")  # doctest: +SKIP
    """

    ensemble: Ensemble
    features: tuple[str, ...]
    """(p,) names"""
    units: tuple[str, ...]
    """(p,) in VOUnit; empty where none is known"""
    conformal: ConformalSets | None = None
    """sets that hold the true class nine times of ten, for every class"""
    novelty: Novelty | None = None
    """whether an object resembles no class"""
    told: dict[str, Any] = field(default_factory=dict)
    """how it was trained: recipe, columns, priors, scores, data, footprint, versions, seed"""
    reading: Reading | None = None
    """how features come from a table; None: they are its columns"""
    variable: Head | None = None
    """whether an object varies, whatever its class; None: nothing told it in training"""
    sample: TrainingSample | None = None
    """rows of the training set, to compare the density of a catalogue with"""

    @property
    def classes(self) -> tuple[str, ...]:
        """(K,) in the order of the columns of `predict_proba`."""
        return self.ensemble.classes

    @property
    def priors(self) -> Floats:
        """(K,) shares of the classes among the rows it was trained on."""
        return np.array(self.told["priors"], np.float64)

    def predict_proba(self, table: Any) -> Floats:
        """(n, K) probabilities at the mix of the training set, columns as in `classes`.

        A row of which nothing is measured has those of the mix. `table` is an Arrow, pandas or
        astropy table, the path of a file, a catalogue, or features (n, p) as an array. Raises
        ColumnError where it lacks columns of the model.
        """
        return self.judge(self.values(table))

    def judge(self, values: NDArray[np.float32]) -> Floats:
        """(n, K) `predict_proba` of features (n, p)."""
        return self._but_blank(self.ensemble.predict_proba(values), values)

    def judge_with_spread(self, values: NDArray[np.float32]) -> tuple[Floats, Floats | None]:
        """`judge`, and how far the trees of its forest differ (n,), NaN where nothing is measured.

        None without a forest.
        """
        p, spread = self.ensemble.with_spread(values)
        if spread is not None:
            spread = np.where(self.measured(values), spread, np.nan)
        return self._but_blank(p, values), spread

    def measured(self, values: NDArray[np.float32]) -> NDArray[np.bool_]:
        """(n,) whether features (n, p) tell anything of the object itself.

        Dust in front of it and the quality of its match do not.
        """
        own = [not name.startswith(_BESIDE) for name in self.features]
        if not any(own):
            return np.ones(len(values), np.bool_)
        return np.asarray(~np.isnan(values[:, own]).all(axis=1))

    def predict(self, table: Any) -> NDArray[np.str_]:
        """(n,) the likeliest class of each row."""
        words: NDArray[np.str_] = np.array(self.classes)
        said: NDArray[np.str_] = words[self.predict_proba(table).argmax(axis=1)]
        return said

    @property
    def branches(self) -> Branches | None:
        """Star and extragalactic, as sums of the classes; None where the classes tell no two."""
        from skyquarry.learn.hierarchy import branches_of

        return branches_of(self.classes)

    def variability(self, table: Any) -> Floats:
        """(n,) probability that each row varies. Raises UserError where training told nothing."""
        if self.variable is None:
            raise UserError(
                "the model does not know what varies: train it with variable=COLUMN, or 'light' "
                "for a table with features of light curves"
            )
        return self.variable.probability(self.values(table))

    def sets(self, table: Any) -> NDArray[np.bool_]:
        """(n, K) bool: classes that each row may belong to, right nine times of ten."""
        if self.conformal is None:
            raise UserError("the model has no conformal sets: train it with sq.train")
        values = self.values(table)
        return self.sets_of(self.judge(values), values)

    def sets_of(self, p: Floats, values: NDArray[np.float32]) -> NDArray[np.bool_]:
        """(n, K) bool: the same of probabilities p (n, K) at the training mix and features (n, p).

        Sets are made in bins of the magnitude that the model knows, so that they hold at any mix of
        magnitudes. All classes for a row of which nothing is measured, and for a model without
        sets: nothing is promised.
        """
        if self.conformal is None:
            return np.ones(p.shape, np.bool_)
        name = self.told.get("sets_by") if self.conformal.edges else None
        magnitude = None if name is None else values[:, self.features.index(name)]
        return self.conformal.sets(p, magnitude) | ~self.measured(values)[:, None]

    def explain(self, table: Any) -> Floats | None:
        """(n, p, K) what each feature adds to the score of each class."""
        return self.ensemble.explain(self.values(table))

    def values(self, table: Any) -> NDArray[np.float32]:
        """(n, p) its features of a table's rows."""
        if isinstance(table, np.ndarray):
            return self._checked(table)
        if self.reading is None:
            return columns_of(table, self.features)
        return self._checked(self.reading(self, table))

    def save(self, path: str | os.PathLike[str], *, overwrite: bool = False) -> None:
        """Write it as a folder of safe formats: no file of it runs code when it is read.

        Raises ExistsError where something is there already.
        """
        from skyquarry.learn.modelsaving import save

        save(self, path, overwrite=overwrite)

    def __str__(self) -> str:
        losses = self.told.get("losses", {})
        return (
            f"a model of {len(self.classes)} classes ({', '.join(self.classes)}) on "
            f"{len(self.features)} features by {', '.join(each.name for each in self.learners)}"
            + (f"; log-loss {losses['calibrated']:.4f}" if "calibrated" in losses else "")
        )

    @property
    def learners(self) -> tuple[Any, ...]:
        """Those of its ensemble."""
        return self.ensemble.learners

    def _but_blank(self, p: Floats, values: NDArray[np.float32]) -> Floats:
        """Probabilities p (n, K), those of the mix where nothing is measured.

        Learners would answer there with what gaps were worth in training: that is no measurement.
        """
        blank = ~self.measured(values)
        return np.where(blank[:, None], self.priors, p) if blank.any() else p

    def _checked(self, values: NDArray[Any]) -> NDArray[np.float32]:
        if values.ndim != 2 or values.shape[1] != len(self.features):
            raise ColumnError(
                f"the values have the shape {values.shape}, but the model has "
                f"{len(self.features)} features ({', '.join(self.features[:4])} ...): give (n, "
                f"{len(self.features)}), or a table"
            )
        with np.errstate(over="ignore"):
            given = np.ascontiguousarray(values, np.float32)
        return np.where(np.isinf(given), np.float32(np.nan), given)


def columns_of(table: Any, names: tuple[str, ...]) -> NDArray[np.float32]:
    """(n, p) columns of an Arrow table or of a mapping of arrays, NaN where null.

    Raises ColumnError that names the columns which are not there, or not numbers.
    """
    there = list(getattr(table, "column_names", None) or table.keys())
    missing = [name for name in names if name not in there]
    if missing:
        raise ColumnError(
            f"the table lacks {', '.join(map(repr, missing))}, but the model needs these columns: "
            f"it has {', '.join(map(str, there[:12]))}"
        )
    made = [_numbers(table[name], name) for name in names]
    values = np.empty((len(made[0]), len(names)), np.float32)
    with np.errstate(over="ignore"):
        for number, each in enumerate(made):
            values[:, number] = each
    values[np.isinf(values)] = np.nan
    return values


def _numbers(column: Any, name: str) -> Floats:
    given = column.to_numpy() if hasattr(column, "to_numpy") else np.ma.filled(column, np.nan)
    try:
        return np.asarray(given, np.float64)
    except (TypeError, ValueError) as error:
        raise ColumnError(
            f"the column {name!r} holds no numbers ({error}), but a feature needs numbers: leave "
            "it out"
        ) from error
