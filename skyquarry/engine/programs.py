"""Predicates made into steps for a compiled loop: many of them are asked of a row in one pass.

What several have in common, a column, a colour, a comparison, is worked out once. Text, times,
truths, whole numbers with nulls or in arithmetic have no steps: `plainterms` works these out.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from math import isfinite
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pyarrow as pa

from skyquarry.catalog.arrow import to_numpy
from skyquarry.engine import kernels as k
from skyquarry.engine import terms

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Sequence

    from numpy.typing import NDArray

    from skyquarry.engine.predicate import Predicate

    Ints = NDArray[np.int64]
    Floats = NDArray[np.float64]

COLUMNS = 32
"""that one program may read"""
_AT_ONCE = 65_536
"""rows of one call"""
_FEW = 16
_NEGATED = {"<": ">=", "<=": ">", ">": "<=", ">=": "<", "=": "<>", "<>": "="}
_FLIPPED = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "=": "=", "<>": "<>"}
_COMPARE = {"<": k.LESS, "<=": k.AT_MOST, "=": k.EQUAL, "<>": k.UNEQUAL, ">": k.MORE,
            ">=": k.AT_LEAST}  # fmt: skip
_ARITHMETIC = {"+": k.ADD, "-": k.SUBTRACT, "*": k.MULTIPLY, "/": k.DIVIDE}
_WORK: dict[str, Callable[[float, float], float]] = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": lambda a, b: a / b if b else float("nan"),
}

Held = Literal["float32", "float64", "int64"]


class NoSteps(Exception):  # noqa: N818  no error: it is worked out in another way
    """A term that has no steps."""


@dataclass(frozen=True, slots=True)
class Program:
    """Steps, and the columns that they read."""

    columns: tuple[str, ...]
    steps: Ints
    constants: Floats
    whole_constants: Ints
    asked: Ints
    """(questions,) the mask of each"""
    sizes: Ints

    def rows(self, table: pa.Table) -> list[Ints]:
        """For each question the rows (m,) of a table for which it is true, rising."""
        views = [_bytes(table.column(name)) for name in self.columns]
        views += [_NONE] * (COLUMNS - len(views))
        n = table.num_rows
        found: list[list[Ints]] = [[] for _ in self.asked]
        out = np.empty((len(self.asked), min(n, _AT_ONCE)), np.int64)
        for first in range(0, n, _AT_ONCE):
            counts = k.choose(
                tuple(views), self.steps, self.constants, self.whole_constants, first,
                min(first + _AT_ONCE, n), self.asked, self.sizes, out,
            )  # fmt: skip
            for number in np.flatnonzero(counts).tolist():
                found[number].append(out[number, : counts[number]].copy())
        none = np.empty(0, np.int64)
        return [np.concatenate(each) if each else none for each in found]


def program_of(predicates: Sequence[Predicate], table: pa.Table) -> Program:
    """The steps of some predicates about a table's columns.

    Raises NoSteps where one of them cannot be told in steps; ask them one by one to know which.
    """
    names = {name for each in predicates for name in each.columns}
    held = tuple(sorted((name, _held(table.column(name))) for name in names))
    return _compiled(_Terms(tuple(each.term for each in predicates)), held)


@dataclass(frozen=True, eq=False)
class _Terms:
    """Terms that are the same where they are the same objects, which `parse` keeps."""

    of: tuple[terms.Term, ...]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Terms) and self._ids == other._ids

    def __hash__(self) -> int:
        return hash(self._ids)

    @property
    def _ids(self) -> tuple[int, ...]:
        return tuple(map(id, self.of))


@lru_cache(maxsize=64)
def _compiled(asked: _Terms, held: tuple[tuple[str, Held], ...]) -> Program:
    making = _Making(dict(held))
    masks = [making.mask(term, negated=False) for term in asked.of]
    return making.program(masks)


def _held(column: pa.ChunkedArray) -> Held:
    """How numpy has a column. Raises NoSteps where it has it not."""
    if pa.types.is_float64(column.type):
        return "float64"
    if pa.types.is_float32(column.type):
        return "float32"
    whole = pa.types.is_integer(column.type) and column.type != pa.uint64()
    if whole and not column.null_count:
        return "int64"
    raise NoSteps


def _bytes(column: pa.ChunkedArray) -> NDArray[np.uint8]:
    """The values of a column as `_held` tells, not to be written, as the kernel wants all."""
    found = to_numpy(column)
    whole = found.dtype.kind in "iu"
    view = np.ascontiguousarray(found, np.int64 if whole else found.dtype).view(np.uint8)
    view.flags.writeable = False
    return view


_NONE = np.empty(0, np.uint8)
_NONE.flags.writeable = False


@dataclass
class _Making:
    """A program as it grows: what is worked out already has a place."""

    held: dict[str, Held]
    steps: list[tuple[int, int, int, int]] = field(default_factory=list)
    columns: list[str] = field(default_factory=list)
    constants: list[float] = field(default_factory=list)
    wholes: list[int] = field(default_factory=list)
    known: dict[Hashable, int] = field(default_factory=dict)
    sizes: dict[str, int] = field(default_factory=lambda: {"float": 0, "whole": 0, "mask": 0})

    def program(self, masks: list[int]) -> Program:
        """What has been made."""
        if len(self.columns) > COLUMNS:
            raise NoSteps
        return Program(
            tuple(self.columns),
            np.array(self.steps, np.int64).reshape(-1, 4),
            np.array(self.constants, np.float64),
            np.array(self.wholes, np.int64),
            np.array(masks, np.int64),
            np.array([max(each, 1) for each in self.sizes.values()], np.int64),
        )

    def _made(self, kind: str, what: int, a: int = 0, b: int = 0) -> int:
        """The place of what a step gives."""
        key = (what, a, b)
        if key not in self.known:
            self.known[key] = self.sizes[kind]
            self.sizes[kind] += 1
            self.steps.append((what, self.known[key], a, b))
        return self.known[key]

    # ------------------------------------------------------------ truths
    def mask(self, term: terms.Term, *, negated: bool) -> int:
        """The mask of rows where a term is true, or false."""
        if isinstance(term, terms.Not):
            return self.mask(term.of, negated=not negated)
        if isinstance(term, terms.All | terms.AnyOf):
            every = isinstance(term, terms.All) is not negated
            return self._joined([self.mask(each, negated=negated) for each in term.of], every=every)
        if isinstance(term, terms.Comparison):
            sign = _NEGATED[term.operator] if negated else term.operator
            return self._compared(sign, term.left, term.right)
        if isinstance(term, terms.OneOf):
            return self._one_of(term, negated=negated)
        if isinstance(term, terms.Missing) and isinstance(term.of, terms.Column):
            return self._missing(term.of, negated=negated)
        raise NoSteps

    def _joined(self, masks: list[int], *, every: bool) -> int:
        first, *rest = masks
        for each in rest:
            first = self._made("mask", k.BOTH if every else k.EITHER, first, each)
        return first

    def _compared(self, sign: str, left: terms.Term, right: terms.Term) -> int:
        if {left.kind, right.kind} == {"integer"}:
            return self._of_wholes(sign, left, right)
        if not {left.kind, right.kind} <= {"integer", "float"}:
            raise NoSteps
        if _number(left) is not None:
            sign, left, right = _FLIPPED[sign], right, left
        constant, place = _number(right), self.number(left)
        if constant is not None:
            return self._made("mask", _COMPARE[sign] + 10, place, self._constant(constant))
        other = self.number(right)
        if sign in (">", ">="):
            sign, place, other = _FLIPPED[sign], other, place
        return self._made("mask", _COMPARE[sign], place, other)

    def _of_wholes(self, sign: str, left: terms.Term, right: terms.Term) -> int:
        if isinstance(left, terms.Constant):
            sign, left, right = _FLIPPED[sign], right, left
        place = self.whole(left)
        if isinstance(right, terms.Constant):
            return self._made("mask", _COMPARE[sign] + 30, place, self._whole_constant(right))
        other = self.whole(right)
        if sign in (">", ">="):
            sign, place, other = _FLIPPED[sign], other, place
        return self._made("mask", _COMPARE[sign] + 20, place, other)

    def _one_of(self, term: terms.OneOf, *, negated: bool) -> int:
        known = [choice for choice in term.choices if choice is not None]
        if not known or len(known) > _FEW or not {type(each) for each in known} <= {int, float}:
            raise NoSteps
        if negated and len(known) < len(term.choices):  # not in (1, NULL) is never true
            return self._made("mask", k.ALWAYS, 0)
        kind = pa.int64() if {type(each) for each in known} == {int} else pa.float64()
        each = [self._compared("<>" if negated else "=", term.of, _constant(c, kind))
                for c in known]  # fmt: skip
        return self._joined(each, every=negated)

    def _missing(self, column: terms.Column, *, negated: bool) -> int:
        if column.kind == "integer":  # without nulls
            self.whole(column)
            return self._made("mask", k.ALWAYS, int(negated))
        return self._made("mask", k.KNOWN if negated else k.UNKNOWN, self.number(column))

    # ------------------------------------------------------------ numbers
    def number(self, term: terms.Term) -> int:
        """The place of the numbers of a term."""
        if term.kind == "integer":
            return self._made("float", k.AS_FLOAT, self.whole(term))
        if isinstance(term, terms.Column):
            held = self.held.get(term.name)
            if held not in ("float32", "float64"):
                raise NoSteps
            what = k.FROM_FLOAT32 if held == "float32" else k.FROM_FLOAT64
            return self._made("float", what, self._column(term.name))
        if isinstance(term, terms.Negative) and term.kind == "float":
            minus = self._constant(-1.0)
            return self._made("float", k.MULTIPLY + 4, self.number(term.of), minus)
        if isinstance(term, terms.Arithmetic) and term.kind == "float":
            return self._arithmetic(term)
        raise NoSteps

    def _arithmetic(self, term: terms.Arithmetic) -> int:
        what, left, right = _ARITHMETIC[term.operator], _number(term.left), _number(term.right)
        if right is not None:
            return self._made("float", what + 4, self.number(term.left), self._constant(right))
        if left is not None:
            return self._made("float", what + 8, self._constant(left), self.number(term.right))
        return self._made("float", what, self.number(term.left), self.number(term.right))

    def whole(self, term: terms.Term) -> int:
        """The place of the whole numbers of a column."""
        if not isinstance(term, terms.Column) or self.held.get(term.name) != "int64":
            raise NoSteps
        return self._made("whole", k.FROM_INT64, self._column(term.name))

    def _column(self, name: str) -> int:
        if name not in self.columns:
            self.columns.append(name)
        return self.columns.index(name)

    def _constant(self, value: float) -> int:
        if value not in self.constants:
            self.constants.append(value)
        return self.constants.index(value)

    def _whole_constant(self, term: terms.Constant) -> int:
        if not -(2**63) <= term.python < 2**63:
            raise NoSteps
        if term.python not in self.wholes:
            self.wholes.append(term.python)
        return self.wholes.index(term.python)


def _constant(value: Any, kind: pa.DataType) -> terms.Constant:
    return terms.Constant(0, 0, value, kind)


def _number(term: terms.Term) -> float | None:
    """What a term without a column is worth; None: it has one."""
    if isinstance(term, terms.Constant) and term.kind in ("integer", "float"):
        if term.kind == "integer" and not -(2**63) <= term.python < 2**63:
            raise NoSteps
        return float(term.python)
    if isinstance(term, terms.Negative):
        of = _number(term.of)
        return None if of is None else -of
    if isinstance(term, terms.Arithmetic) and term.kind == "float":
        left, right = _number(term.left), _number(term.right)
        return None if left is None or right is None else _worked_out(term.operator, left, right)
    return None


def _worked_out(sign: str, left: float, right: float) -> float:
    found = _WORK[sign](left, right)
    if not isfinite(found):
        raise NoSteps
    return found
