"""Where a predicate is true, by numpy: terms of numbers at a tenth of what Arrow's kernels take.

A row is chosen where the predicate is true, so that two values are enough: NOT is carried down to
the leaves, where a null (NaN here) makes neither a comparison nor its opposite true. Leaves that
are not of numbers are Arrow's.
"""

from __future__ import annotations

import operator
from functools import reduce
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from skyquarry.catalog.arrow import to_numpy
from skyquarry.engine import terms

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

    from numpy.typing import NDArray

    Mask = NDArray[np.bool_]
    Numbers = NDArray[np.float64] | NDArray[np.int64]

_COMPARE: dict[str, Callable[[Any, Any], Any]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "=": operator.eq,
}
_NEGATED = {"<": ">=", "<=": ">", ">": "<=", ">=": "<", "=": "<>", "<>": "="}
_WORD = 8
_FEW = 16
"""so many values of a list are compared one by one"""


class _NotHere(Exception):  # noqa: N818  no error: the leaf is worked out by Arrow
    """A term that numpy has no form for."""


class Plain:
    """The columns of a table as numpy has them; each, and what is worked out of them, made once.

    Many predicates may be asked of one: a colour that several need is subtracted once.
    """

    __slots__ = ("_known", "table")

    def __init__(self, table: pa.Table) -> None:
        self.table = table
        self._known: dict[Hashable, Any] = {}

    def column(self, column: terms.Column) -> Numbers:
        """float64 with NaN for null, or int64 where none is null."""
        if column.name not in self._known:
            self._known[column.name] = _numbers(self.table.column(column.name), column)
        found: Numbers = self._known[column.name]
        return found

    def worked_out(self, term: terms.Arithmetic) -> Any:
        """The value of arithmetic with floats."""
        key = _meaning(term)
        if key not in self._known:
            left, right = (np.float64(_value(each, self)) for each in (term.left, term.right))
            with np.errstate(all="ignore"):
                self._known[key] = _arithmetic(term.operator, left, right)
        return self._known[key]


def _numbers(found: pa.ChunkedArray, column: terms.Column) -> Numbers:
    if column.kind == "integer":
        whole = pa.types.is_integer(found.type) and found.type != pa.uint64()
        if not whole or found.null_count:
            raise _NotHere
        return to_numpy(found).astype(np.int64, copy=False)
    if not (pa.types.is_float64(found.type) or pa.types.is_float32(found.type)):
        raise _NotHere
    return to_numpy(found).astype(np.float64, copy=False)


def holds(term: terms.Term, columns: Plain, *, negated: bool = False) -> Mask:
    """(n,) bool: rows for which the term is true; with `negated`, for which it is false.

    Raises what Arrow raises: ArrowInvalid where integers overflow.
    """
    if isinstance(term, terms.Not):
        return holds(term.of, columns, negated=not negated)
    if isinstance(term, terms.All | terms.AnyOf):
        every = isinstance(term, terms.All) is not negated
        parts = (holds(each, columns, negated=negated) for each in term.of)
        return reduce(operator.and_ if every else operator.or_, parts)
    try:
        return _leaf(term, columns, negated=negated)
    except _NotHere:
        return _by_arrow(term, columns.table, negated=negated)


def number(term: terms.Term, columns: Plain) -> NDArray[np.float64]:
    """(n,) what a term of numbers is worth, NaN for null. Raises what Arrow raises."""
    n = columns.table.num_rows
    try:
        found = _value(term, columns)
    except _NotHere:
        found = term.value(columns.table.column)
        if isinstance(found, pa.Scalar):
            found = np.float64(np.nan if found.as_py() is None else found.as_py())
        else:
            found = to_numpy(pc.cast(found, pa.float64(), safe=False))
    return np.broadcast_to(np.float64(found), n)


def rising(mask: Mask) -> NDArray[np.int64]:
    """(m,) rows where a mask (n,) holds. Eight rows at a time, where few do."""
    whole = len(mask) // _WORD * _WORD
    words = np.ascontiguousarray(mask[:whole]).view(np.uint64).nonzero()[0]
    if len(words) * 4 > len(mask) // _WORD:
        return mask.nonzero()[0]
    near = (words[:, None] * _WORD + np.arange(_WORD)).ravel()
    return np.concatenate([near[mask[near]], whole + mask[whole:].nonzero()[0]])


def _by_arrow(term: terms.Term, table: pa.Table, *, negated: bool) -> Mask:
    found = term.value(table.column)
    if isinstance(found, pa.Scalar):
        known = found.as_py()
        return np.full(table.num_rows, known is not None and bool(known) is not negated)
    truth = pc.fill_null(pc.invert(found) if negated else found, False)
    return np.array(to_numpy(truth), np.bool_)


def _leaf(term: terms.Term, columns: Plain, *, negated: bool) -> Mask:
    if isinstance(term, terms.Comparison):
        return _compared(term, columns, negated=negated)
    if isinstance(term, terms.OneOf):
        return _one_of(term, columns, negated=negated)
    if isinstance(term, terms.Missing) and isinstance(term.of, terms.Column):
        missing: Mask = np.isnan(_value(term.of, columns))
        return ~missing if negated else missing
    raise _NotHere


def _compared(term: terms.Comparison, columns: Plain, *, negated: bool) -> Mask:
    if not {term.left.kind, term.right.kind} <= {"integer", "float"}:
        raise _NotHere
    left, right = _value(term.left, columns), _value(term.right, columns)
    if term.left.kind != term.right.kind:
        left, right = np.float64(left), np.float64(right)
    sign = _NEGATED[term.operator] if negated else term.operator
    n = columns.table.num_rows
    if sign == "<>":
        return np.broadcast_to((left < right) | (left > right), n)
    return np.broadcast_to(_COMPARE[sign](left, right), n)


def _one_of(term: terms.OneOf, columns: Plain, *, negated: bool) -> Mask:
    known = [choice for choice in term.choices if choice is not None]
    kinds = {type(choice) for choice in known}
    if term.of.kind not in ("integer", "float") or not kinds <= {int, float} or not known:
        raise _NotHere
    whole = term.of.kind == "integer" and kinds == {int}
    if whole and not all(-(2**63) <= choice < 2**63 for choice in known):
        raise _NotHere
    value = _value(term.of, columns)
    value = np.asarray(value if whole else np.float64(value))
    choices = np.array(known, np.int64 if whole else np.float64)
    if len(choices) <= _FEW:
        found = reduce(operator.or_, (value == choice for choice in choices))
    else:
        found = np.isin(value, choices)
    if negated:
        some_null = len(known) < len(term.choices)
        found = np.zeros_like(found) if some_null else ~(found | np.isnan(value))
    return np.broadcast_to(found, columns.table.num_rows)


def _value(term: terms.Term, columns: Plain) -> Any:
    """The numbers of a term: an array (n,), or one number; NaN is null."""
    if isinstance(term, terms.Column) and term.kind in ("integer", "float"):
        return columns.column(term)
    if isinstance(term, terms.Constant) and term.kind in ("integer", "float"):
        return _constant(term)
    if isinstance(term, terms.Negative) and term.kind == "float":
        return -_value(term.of, columns)
    if isinstance(term, terms.Arithmetic) and term.kind == "float":
        return columns.worked_out(term)
    raise _NotHere


def _meaning(term: terms.Term) -> Hashable:
    """What a term says, wherever it stands in a text."""
    if isinstance(term, terms.Column):
        return ("column", term.name)
    if isinstance(term, terms.Constant):
        return ("constant", type(term.python), term.python)
    if isinstance(term, terms.Negative):
        return ("-", _meaning(term.of))
    if isinstance(term, terms.Arithmetic):
        return (term.operator, _meaning(term.left), _meaning(term.right))
    raise _NotHere


def _constant(term: terms.Constant) -> Any:
    if term.kind == "float":
        return np.float64(term.python)
    if not -(2**63) <= term.python < 2**63:
        raise _NotHere
    return np.int64(term.python)


def _arithmetic(sign: str, left: Any, right: Any) -> Any:
    if sign == "/":
        return left / np.where(right == 0.0, np.nan, right)
    return {"+": operator.add, "-": operator.sub, "*": operator.mul}[sign](left, right)
