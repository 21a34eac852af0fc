"""What a learner learns from: numbers with names, and the class of each row."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from skyquarry.errors import ColumnError, UserError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

UNLABELLED: Final = -1
LEAST_MEMBERS: Final = 5
"""of a class: fewer cannot lie in every one of five folds"""
_WEIGHTS: Final = 1e50
"""the greatest weight, and one over the least"""


@dataclass(frozen=True, slots=True)
class Examples:
    """Rows to learn from. Made by `of`, which checks everything."""

    names: tuple[str, ...]
    """of the features, (p,)"""
    values: NDArray[np.float32]
    """(n, p); NaN where not measured"""
    classes: tuple[str, ...]
    """(K,), two or more"""
    labels: NDArray[np.int16]
    """(n,) place in `classes`; -1 where unlabelled"""
    groups: NDArray[np.int64] | None
    """(n,) rows of one group never lie on both sides of a split; None: each row alone"""
    weights: NDArray[np.float64]
    """(n,) positive"""

    @classmethod
    def of(
        cls,
        values: Any,
        names: Sequence[str],
        labels: Any,
        *,
        classes: Sequence[str] | None = None,
        groups: Any = None,
        weights: Any = None,
        least: int = LEAST_MEMBERS,
    ) -> Examples:
        """The arguments, judged.

        Parameters
        ----------
        values
            (n, p) numbers; NaN where not measured.
        names
            (p,) of the columns of `values`.
        labels
            (n,) words or whole numbers; None, NaN or an empty word is unlabelled.
        classes
            All classes in the order wanted; else those of the labels, sorted.
        groups
            (n,) whole numbers, as `splits.sky_groups` gives them.
        weights
            (n,) positive numbers where there is a label, else 1.
        least
            Members that each class must have.

        Raises ColumnError for features, and UserError for the rest, that nothing can be learnt of.
        """
        table = _values(values, names)
        words = _words(labels)
        _same_length("labels", len(words), len(table))
        known = sorted({word for word in words if word is not None})
        chosen = tuple(known) if classes is None else tuple(str(each) for each in classes)
        number = _numbers(words, chosen)
        _check_classes(number, chosen, least)
        _check_measured(table[number != UNLABELLED], names)
        return cls(
            names=tuple(str(name) for name in names),
            values=table,
            classes=chosen,
            labels=number,
            groups=_groups(groups, len(table)),
            weights=_weights(weights, number != UNLABELLED),
        )

    def __len__(self) -> int:
        return len(self.values)

    def take(self, rows: NDArray[Any]) -> Examples:
        """These rows: their numbers, or a mask (n,)."""
        return Examples(
            self.names,
            np.ascontiguousarray(self.values[rows]),
            self.classes,
            self.labels[rows],
            None if self.groups is None else self.groups[rows],
            self.weights[rows],
        )

    def columns(self, names: Sequence[str]) -> Examples:
        """These features alone, in this order. Raises ColumnError for one that is not there."""
        places = {name: place for place, name in enumerate(self.names)}
        for name in names:
            if name not in places:
                raise ColumnError(
                    f"{name!r} was asked for, but the examples have the features "
                    f"{', '.join(self.names)}: choose from these"
                )
        values = np.ascontiguousarray(self.values[:, [places[name] for name in names]])
        return Examples(tuple(names), values, self.classes, self.labels, self.groups, self.weights)

    def labelled(self) -> Examples:
        """The rows whose class is known."""
        known = self.labels != UNLABELLED
        return self if known.all() else self.take(known)

    def counts(self) -> NDArray[np.int64]:
        """(K,) members of each class."""
        return np.bincount(self.labels[self.labels >= 0], minlength=len(self.classes))

    def priors(self) -> NDArray[np.float64]:
        """(K,) share of each class among the labelled rows, by weight."""
        known = self.labels >= 0
        total = np.bincount(
            self.labels[known], weights=self.weights[known], minlength=len(self.classes)
        )
        return np.asarray(total / total.sum(), np.float64)

    def fingerprint(self) -> str:
        """Equal for equal examples: sha256 in hexadecimal."""
        told = hashlib.sha256("\n".join((*self.names, "", *self.classes)).encode())
        for each in (self.values, self.labels, self.groups, self.weights):
            told.update(b"none" if each is None else np.ascontiguousarray(each).tobytes())
        return told.hexdigest()


def _values(values: Any, names: Sequence[str]) -> NDArray[np.float32]:
    with np.errstate(over="ignore"):
        table = np.ascontiguousarray(values, np.float32)
    if table.ndim != 2 or table.shape[1] != len(names):
        raise ColumnError(
            f"the values have the shape {table.shape} for {len(names)} names of features, but one "
            "row an object and one column a name are needed: give (n, p) numbers"
        )
    if len(set(names)) < len(names):
        twice = next(name for name in names if list(names).count(name) > 1)
        raise ColumnError(f"the feature {twice!r} is named twice, but names must differ: leave one")
    if not table.size:
        raise UserError(f"the values have the shape {table.shape}: nothing can be learnt of none")
    endless = np.isinf(table)
    if endless.any():
        table = np.where(endless, np.float32(np.nan), table)
    return table


def _words(labels: Any) -> list[str | None]:
    given = labels.tolist() if hasattr(labels, "tolist") else list(labels)
    return [word(each) for each in given]


def word(label: Any) -> str | None:
    """A label as a word: whole numbers without a point; None where it is empty.

    Raises UserError for bytes that are no text.
    """
    if label is None or label != label:  # noqa: PLR0124  (NaN)
        return None
    if isinstance(label, float) and label.is_integer():
        label = int(label)
    if isinstance(label, bytes):
        try:
            label = label.decode()
        except UnicodeDecodeError as fault:
            raise UserError(
                f"a label is {label!r}, which is no UTF-8 ({fault.reason}), but labels are words: "
                "decode the column first"
            ) from fault
    return str(label).strip() or None


def _numbers(words: Sequence[str | None], classes: tuple[str, ...]) -> NDArray[np.int16]:
    place: dict[str | None, int] = {name: number for number, name in enumerate(classes)}
    place[None] = UNLABELLED
    try:
        return np.fromiter((place[word] for word in words), np.int16, len(words))
    except KeyError as error:
        raise UserError(
            f"a label is {error.args[0]!r}, but the classes are {', '.join(classes)}: mend the "
            "label, or leave it empty"
        ) from None


def _check_classes(labels: NDArray[np.int16], classes: tuple[str, ...], least: int) -> None:
    counts = np.bincount(labels[labels >= 0], minlength=len(classes))
    if (counts > 0).sum() < 2:
        only = [name for name, count in zip(classes, counts, strict=True) if count]
        raise UserError(
            f"the labels are of {'no class' if not only else f'one class only, {only[0]!r}'}, but "
            "to tell classes apart needs two or more: add labelled objects of another class"
        )
    for name, count in zip(classes, counts.tolist(), strict=True):
        if count < least:
            raise UserError(
                f"the class {name!r} has {count} members, but at least {least} are needed to "
                "learn it and to judge what was learnt: add some, or leave the class out"
            )


def _check_measured(values: NDArray[np.float32], names: Sequence[str]) -> None:
    measured = np.isfinite(values).any(axis=0)
    if not measured.any():
        raise ColumnError(
            f"none of the {len(names)} features ({', '.join(names[:4])} ...) is measured for any "
            "labelled object, but one at least is needed: look at the columns they are made of"
        )
    if not measured.all():
        empty = [names[place] for place in np.flatnonzero(~measured).tolist()]
        raise ColumnError(
            f"{', '.join(map(repr, empty))}: all values are null among the labelled objects, but "
            "of what is never measured nothing is learnt: leave the features out"
        )


def _groups(groups: Any, n: int) -> NDArray[np.int64] | None:
    if groups is None:
        return None
    given = np.asarray(groups)
    _same_length("groups", len(given), n)
    if given.dtype.kind not in "iu":
        given = np.unique(given.astype(str), return_inverse=True)[1]
    return given.astype(np.int64)


def _weights(weights: Any, known: NDArray[np.bool_]) -> NDArray[np.float64]:
    """(n,): those of rows without a label count for nothing, and may be anything."""
    if weights is None:
        return np.ones(len(known))
    given = np.asarray(weights, np.float64)
    _same_length("weights", len(given), len(known))
    given = np.where(known, given, 1.0)
    if not (np.isfinite(given) & (given > 0)).all():
        worst = given[~(np.isfinite(given) & (given > 0))][0]
        raise UserError(f"a weight is {worst}, but weights are positive numbers: leave the row out")
    least, most = given.min(), given.max()
    if most > _WEIGHTS or least < 1.0 / _WEIGHTS:
        raise UserError(
            f"weights go from {least:g} to {most:g}, but sums of their squares need numbers from "
            f"{1.0 / _WEIGHTS:g} to {_WEIGHTS:g}: divide them by their mean"
        )
    return given


def _same_length(what: str, length: int, n: int) -> None:
    if length != n:
        raise UserError(f"there are {length} {what} for {n} rows, but one a row is needed")
