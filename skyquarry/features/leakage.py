"""Whether classes can be told from what is missing alone, or from the survey of a row.

Training sets are put together from surveys with footprints and depths of their own: where all brown
dwarfs have J and no quasar does, a model learns which rows have J. So two classifiers that see no
measurement are scored on held-out rows: one is told which features are null, the other which
surveys a row has (or the catalogue that its label came from). Better than chance by more than 0.1
in balanced accuracy is a leak, and training stops unless it is allowed. A number that stands for
"not measured" in a column of the user's own (-9999, or 0 for a magnitude) counts as missing here:
one value of many rows, far outside of all others.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from skyquarry.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray

    Mask = NDArray[np.bool_]
    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

MOST: Final = 0.1
"""balanced accuracy over chance"""
_REPEATED: Final = (20, 0.01)
"""rows, and share of them, that have the same value, where it may stand for "not measured\""""
_DISTINCT: Final = 100
"""other values there must be: counts and flags have fewer, and all of theirs are measured"""
_LOOKED_AT: Final = 200_000
"""rows among which such values are sought"""
_ENOUGH: Final = 5
"""training rows of a pattern; with fewer its columns are judged one by one (naive Bayes)"""


@dataclass(frozen=True, slots=True)
class Leakage:
    """What the classes betray without a measurement."""

    chance: float
    """1 / number of classes"""
    of_nulls: float
    """balanced accuracy from the null pattern"""
    of_surveys: float
    """balanced accuracy from the surveys, or the origin of labels"""
    most_telling: tuple[tuple[str, float], ...]
    """(feature, balanced accuracy from its being null alone), the three most telling"""

    stand_ins: tuple[tuple[str, float, int], ...] = ()
    """(feature, value, rows) that count as missing: one value of many rows, far outside of all"""

    @property
    def leaks(self) -> bool:
        """Whether one of the two is a leak."""
        return max(self.of_nulls, self.of_surveys) - self.chance > MOST

    def to_json(self) -> dict[str, Any]:
        """As plain data."""
        told = asdict(self)
        lists = {name: [list(x) for x in told[name]] for name in ("most_telling", "stand_ins")}
        return told | lists | {"leaks": self.leaks}

    def __str__(self) -> str:
        by = ", ".join(f"{name} {score:.2f}" for name, score in self.most_telling)
        return (
            f"balanced accuracy without a measurement: {self.of_nulls:.3f} from which features "
            f"are missing, {self.of_surveys:.3f} from the survey alone; chance is "
            f"{self.chance:.3f}" + (f" (most telling: {by})" if by else "") + self._taken()
        )

    def _taken(self) -> str:
        """Which numbers are taken for "not measured"."""
        if not self.stand_ins:
            return ""
        said = ", ".join(f"{name} = {value:g} in {n:,} rows" for name, value, n in self.stand_ins)
        return f" (taken for not measured, as it is far from all others: {said}; make it null)"


def leakage(
    values: NDArray[np.floating],
    names: Sequence[str],
    labels: ArrayLike,
    folds: ArrayLike,
    origin: ArrayLike | None = None,
) -> Leakage:
    """The two scores of a training set.

    Parameters
    ----------
    values : (n, p), NaN where not measured
    names : (p,) of the features; what stands before the first _ is the survey
    labels : (n,) class numbers, -1 where unlabelled
    folds : (n,) as `skyquarry.learn.splits.folds` gives them
    origin : (n,) the catalogue that each label came from, where there are several
    """
    label, fold = np.asarray(labels, np.int64), np.asarray(folds)
    known = label >= 0
    label, fold, given = label[known], fold[known], np.asarray(values)[known]
    missing, stand_ins = _missing(given, names)
    classes, label = np.unique(label, return_inverse=True)
    if len(classes) < 2:
        raise UserError(
            f"labels hold {len(classes)} classes, but leakage is asked of two or more: give rows "
            "of more classes"
        )
    surveys = _surveys(missing, names)
    if origin is not None:
        of = np.unique(np.asarray(origin)[known], return_inverse=True)[1]
        surveys = np.hstack([surveys, of[:, None] == np.arange(of.max() + 1)])
    return Leakage(
        1.0 / len(classes),
        _score(_distinct(missing), label, fold, len(classes)),
        _score(surveys, label, fold, len(classes)),
        _single(missing, names, label, len(classes)),
        stand_ins,
    )


def check_leakage(found: Leakage, *, allow_leakage: bool = False) -> None:
    """Raises UserError where there is a leak that nobody allowed."""
    if found.leaks and not allow_leakage:
        raise UserError(
            f"{found}; a model would learn where the labels were taken, and not what the objects "
            "are: leave out features that only some classes have, give every class rows of the "
            "same surveys, or say allow_leakage=True"
        )


def _missing(
    values: NDArray[np.floating], names: Sequence[str]
) -> tuple[Mask, tuple[tuple[str, float, int], ...]]:
    """(n, p) what is null, or has a number that stands for it; and these numbers."""
    missing, found = np.isnan(values), []
    for place, name in enumerate(names):
        for value in _stand_ins(values[:, place]):
            mine = values[:, place] == value
            missing[:, place] |= mine
            found.append((name, value, int(mine.sum())))
    return missing, tuple(found)


def _stand_ins(column: NDArray[np.floating]) -> list[float]:
    """Values that stand for "not measured": each of many rows, and far outside of all others."""
    some = column[:: max(1, len(column) // _LOOKED_AT)]
    value, count = np.unique(some[np.isfinite(some)], return_counts=True)
    least = max(_REPEATED[0], _REPEATED[1] * float(count.sum()))
    often = count >= least
    rest = np.repeat(value[~often], count[~often])
    if not often.any() or (~often).sum() < _DISTINCT:
        return []
    low, high = np.percentile(rest, [1.0, 99.0])
    away = (value < low - (high - low)) | (value > high + (high - low))
    return [float(each) for each in value[often & away & (high > low)]]


def _distinct(missing: Mask) -> Mask:
    """Its columns (n, d), of like ones one, without those that are all null or never."""
    found = {
        np.packbits(column).tobytes(): number
        for number, column in enumerate(missing.T)
        if column.any() and not column.all()
    }
    return missing[:, sorted(found.values())]


def _surveys(missing: Mask, names: Sequence[str]) -> Mask:
    """(n, surveys) whether a row has anything of a survey."""
    shorts = np.array([name.partition("_")[0] for name in names], np.str_)
    columns = [~missing[:, shorts == short].all(axis=1) for short in np.unique(shorts)]
    return np.stack(columns, axis=1) if columns else np.zeros((len(missing), 0), np.bool_)


def _score(bits: Mask, label: Ints, fold: NDArray[Any], k: int) -> float:
    """Balanced accuracy on held-out folds of what patterns (n, d) tell of classes."""
    patterns, place = _patterns(bits)
    right, all_of = np.zeros(k), np.bincount(label, minlength=k)
    for each in np.unique(fold):
        test = fold == each
        guess = _guesses(patterns, place[~test], label[~test], k)[place[test]]
        right += np.bincount(label[test][guess == label[test]], minlength=k)
    return float((right / all_of).mean())


def _patterns(bits: Mask) -> tuple[Mask, Ints]:
    """(distinct patterns (m, d), the pattern of each row (n,))."""
    packed = np.ascontiguousarray(np.packbits(bits, axis=1))
    if not packed.shape[1]:
        return bits[:1], np.zeros(len(bits), np.int64)
    whole = packed.view(np.dtype((np.void, packed.shape[1]))).ravel()
    _, first, place = np.unique(whole, return_index=True, return_inverse=True)
    return bits[first], place.astype(np.int64).ravel()


def _guesses(patterns: Mask, place: Ints, label: Ints, k: int) -> Ints:
    """(m,) the class that is most probable at equal shares of classes, for each pattern."""
    counts = np.zeros((len(patterns), k))
    np.add.at(counts, (place, label), 1.0)
    members = np.maximum(counts.sum(axis=0), 1.0)
    rates = counts / members
    seen = counts.sum(axis=1) >= _ENOUGH
    naive = _naive(patterns, counts, members)
    return np.asarray(np.where(seen, rates.argmax(axis=1), naive.argmax(axis=1)), np.int64)


def _naive(patterns: Mask, counts: Floats, members: Floats) -> Floats:
    """(m, k) log likelihoods of patterns, each column judged alone."""
    ones = patterns.astype(np.float64)
    share = (ones.T @ counts + 0.5) / (members + 1.0)
    return ones @ np.log(share) + (1.0 - ones) @ np.log1p(-share)


def _single(
    missing: Mask, names: Sequence[str], label: Ints, k: int
) -> tuple[tuple[str, float], ...]:
    """The three features whose absence tells most, of those that tell anything."""
    members = np.bincount(label, minlength=k)
    share = np.zeros((missing.shape[1], k))
    for each in range(k):
        share[:, each] = missing[label == each].sum(axis=0) / members[each]
    # the best guess where it is null and where it is not
    score = (share.max(axis=1) + (1.0 - share).max(axis=1)) / k
    order = np.argsort(-score, kind="stable")[:3]
    return tuple((names[at], float(score[at])) for at in order if score[at] > 1.0 / k + 0.01)
