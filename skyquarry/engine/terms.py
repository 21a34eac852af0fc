"""The terms that a predicate is made of: what they are worth for a table, and what they rule out.

Values follow SQL: a comparison with null is null, AND, OR and NOT are three-valued. NaN counts as
null, in columns and in results. `/` between two integers truncates towards zero; dividing by zero
is null. Integers are of 64 bits, and a result beyond them is an error, never a wrong number.
"""

# ruff: noqa: D102 (what the methods give is said once, in Term)

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache, reduce
from typing import TYPE_CHECKING, Any, Literal

import pyarrow as pa
import pyarrow.compute as pc

from skyquarry.engine.bounds import both, either, widened

if TYPE_CHECKING:
    from collections.abc import Callable

    from skyquarry.engine.bounds import Bounds

    Columns = Callable[[str], Any]
    """Name of a column -> its array, chunked array, or pyarrow.compute Expression."""

Kind = Literal["integer", "float", "text", "boolean", "time", "null", "other"]

NUMBERS = ("integer", "float", "null")
FLIPPED = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "=": "=", "<>": "<>"}
_NEGATED = {"<": ">=", "<=": ">", ">": "<=", ">=": "<", "=": "<>", "<>": "="}
_COMPARE = {
    "<": pc.less,
    "<=": pc.less_equal,
    ">": pc.greater,
    ">=": pc.greater_equal,
    "=": pc.equal,
    "<>": pc.not_equal,
}
_ARITHMETIC = {"+": pc.add_checked, "-": pc.subtract_checked, "*": pc.multiply_checked}


_KINDS: tuple[tuple[Any, Kind], ...] = (
    (pa.types.is_integer, "integer"),
    (pa.types.is_floating, "float"),
    (pa.types.is_decimal, "float"),
    (pa.types.is_string, "text"),
    (pa.types.is_large_string, "text"),
    (pa.types.is_string_view, "text"),
    (pa.types.is_boolean, "boolean"),
    (pa.types.is_timestamp, "time"),
    (pa.types.is_date, "time"),
    (pa.types.is_null, "null"),
)


@lru_cache(maxsize=256)
def kind_of(type_: Any) -> Kind:
    """What a column of this Arrow type is in the language."""
    value = type_.value_type if pa.types.is_dictionary(type_) else type_
    return next((kind for test, kind in _KINDS if test(value)), "other")


@dataclass(frozen=True, slots=True)
class Term:
    """A part of a predicate, and where it stands in the text."""

    start: int
    stop: int

    @property
    def kind(self) -> Kind:
        """What the term is worth: a number, a text, a truth."""
        return "boolean"

    def value(self, columns: Columns) -> Any:
        """Its value: an array as long as the columns, a scalar where no column is in it."""
        raise NotImplementedError

    def names(self) -> frozenset[str]:
        """The columns in it."""
        return frozenset()

    def bounds(self, *, negated: bool = False) -> Bounds | None:
        """What a row where the term is true (false, if negated) must satisfy; None: no row can."""
        del negated
        return {}


@dataclass(frozen=True, slots=True)
class Column(Term):
    """A column of the table."""

    name: str
    type: Any

    @property
    def kind(self) -> Kind:
        return kind_of(self.type)

    def value(self, columns: Columns) -> Any:
        found = columns(self.name)
        if self.kind == "float":
            return _nan_to_null(_cast(found, self.type, pa.float64()))
        if self.kind == "text":
            return _cast(found, self.type, pa.large_string())
        if pa.types.is_dictionary(self.type):
            return _cast(found, self.type, self.type.value_type)
        return found

    def names(self) -> frozenset[str]:
        return frozenset((self.name,))


@dataclass(frozen=True, slots=True)
class Constant(Term):
    """A number, text, truth, moment or null that stands in the text."""

    python: Any
    type: Any

    @property
    def kind(self) -> Kind:
        return kind_of(self.type)

    def value(self, columns: Columns) -> Any:
        return _literal(self.python, self.type, columns)

    def bounds(self, *, negated: bool = False) -> Bounds | None:
        return {} if self.python is not None and bool(self.python) is not negated else None


@dataclass(frozen=True, slots=True)
class Negative(Term):
    """Minus a number."""

    of: Term

    @property
    def kind(self) -> Kind:
        return self.of.kind

    def value(self, columns: Columns) -> Any:
        return pc.negate_checked(_as_int64(self.of, columns))

    def names(self) -> frozenset[str]:
        return self.of.names()


@dataclass(frozen=True, slots=True)
class Arithmetic(Term):
    """Two numbers added, subtracted, multiplied or divided."""

    operator: str
    left: Term
    right: Term

    @property
    def kind(self) -> Kind:
        kinds = {self.left.kind, self.right.kind}
        return "null" if "null" in kinds else "float" if "float" in kinds else "integer"

    def value(self, columns: Columns) -> Any:
        if self.kind == "null":
            return _literal(None, pa.float64(), columns)
        left, right = _as_int64(self.left, columns), _as_int64(self.right, columns)
        if self.kind == "integer":
            return self._whole(left, right)
        left, right = _as(left, pa.float64()), _as(right, pa.float64())
        if self.operator == "/":
            return _nan_to_null(pc.divide(left, _zero_to_null(right)))
        unchecked = {"+": pc.add, "-": pc.subtract, "*": pc.multiply}
        return _nan_to_null(unchecked[self.operator](left, right))

    def _whole(self, left: Any, right: Any) -> Any:
        if self.operator == "/":
            return pc.divide_checked(left, _zero_to_null(right))
        return _ARITHMETIC[self.operator](left, right)

    def names(self) -> frozenset[str]:
        return self.left.names() | self.right.names()


@dataclass(frozen=True, slots=True)
class Comparison(Term):
    """Two values of one kind compared."""

    operator: str
    left: Term
    right: Term

    def value(self, columns: Columns) -> Any:
        if "null" in (self.left.kind, self.right.kind):
            return _literal(None, pa.bool_(), columns)
        left, right = self.left.value(columns), self.right.value(columns)
        if self.left.kind == self.right.kind == "integer":
            left, right = _signs_apart(self.left, left, self.right, right)
        elif self.left.kind != self.right.kind and self.left.kind in NUMBERS:
            left, right = _as(left, pa.float64()), _as(right, pa.float64())
        return _COMPARE[self.operator](left, right)

    def names(self) -> frozenset[str]:
        return self.left.names() | self.right.names()

    def bounds(self, *, negated: bool = False) -> Bounds | None:
        operator, left, right = self.operator, self.left, self.right
        if isinstance(left, Constant):
            operator, left, right = FLIPPED[operator], right, left
        if not (isinstance(left, Column) and isinstance(right, Constant)):
            return {}
        if right.python is None:
            return None
        if right.kind == "time":
            return {}
        operator = _NEGATED[operator] if negated else operator
        low, high = widened(left.kind, right.python)
        span = {"<": (None, high), "<=": (None, high), ">": (low, None), ">=": (low, None)}
        span["="] = (low, high)
        return {left.name: span[operator]} if operator in span else {}


@dataclass(frozen=True, slots=True)
class OneOf(Term):
    """Whether a value is in a list of constants."""

    of: Term
    choices: tuple[Any, ...]
    """Python values, null as None; all of the kind of `of`."""

    def value(self, columns: Columns) -> Any:
        known = [choice for choice in self.choices if choice is not None]
        if not known or self.of.kind == "null":
            return _literal(None, pa.bool_(), columns)
        value = self.of.value(columns)
        value, members = self._members(value, known)
        found = pc.if_else(pc.is_valid(value), pc.is_in(value, value_set=members), _UNKNOWN)
        if len(known) == len(self.choices):
            return found
        return pc.if_else(found, pa.scalar(value=True), _UNKNOWN)

    def _members(self, value: Any, known: list[Any]) -> tuple[Any, Any]:
        if self.of.kind == "integer" and all(isinstance(choice, int) for choice in known):
            type_ = pa.uint64() if _is_uint64(self.of) else pa.int64()
            low, high = (0, 2**64) if _is_uint64(self.of) else (-(2**63), 2**63)
            return _as(value, type_), pa.array([c for c in known if low <= c < high], type_)
        if self.of.kind in NUMBERS:
            floats = [float(choice) for choice in known]
            floats += [-0.0, 0.0] if 0.0 in floats else []
            return _as(value, pa.float64()), pa.array(floats, pa.float64())
        types = {"text": pa.large_string(), "boolean": pa.bool_()}
        return value, pa.array(known, types.get(self.of.kind, getattr(self.of, "type", None)))

    def names(self) -> frozenset[str]:
        return self.of.names()

    def bounds(self, *, negated: bool = False) -> Bounds | None:
        known = [choice for choice in self.choices if choice is not None]
        if negated:
            return {} if len(known) == len(self.choices) else None
        if not known:
            return None
        if not isinstance(self.of, Column) or self.of.kind == "time":
            return {}
        spans = [widened(self.of.kind, choice) for choice in known]
        return {self.of.name: (min(low for low, _ in spans), max(high for _, high in spans))}


@dataclass(frozen=True, slots=True)
class Missing(Term):
    """Whether a value is null (or NaN)."""

    of: Term

    def value(self, columns: Columns) -> Any:
        return pc.is_null(self.of.value(columns))

    def names(self) -> frozenset[str]:
        return self.of.names()


@dataclass(frozen=True, slots=True)
class Not(Term):
    """The opposite; unknown stays unknown."""

    of: Term

    def value(self, columns: Columns) -> Any:
        return pc.invert(_truth(self.of, columns))

    def names(self) -> frozenset[str]:
        return self.of.names()

    def bounds(self, *, negated: bool = False) -> Bounds | None:
        return self.of.bounds(negated=not negated)


@dataclass(frozen=True, slots=True)
class All(Term):
    """True where every one is: AND."""

    of: tuple[Term, ...]

    def value(self, columns: Columns) -> Any:
        return reduce(pc.and_kleene, (_truth(term, columns) for term in self.of))

    def names(self) -> frozenset[str]:
        return frozenset().union(*(term.names() for term in self.of))

    def bounds(self, *, negated: bool = False) -> Bounds | None:
        found = [term.bounds(negated=negated) for term in self.of]
        return either(found) if negated else both(found)


@dataclass(frozen=True, slots=True)
class AnyOf(Term):
    """True where one at least is: OR."""

    of: tuple[Term, ...]

    def value(self, columns: Columns) -> Any:
        return reduce(pc.or_kleene, (_truth(term, columns) for term in self.of))

    def names(self) -> frozenset[str]:
        return frozenset().union(*(term.names() for term in self.of))

    def bounds(self, *, negated: bool = False) -> Bounds | None:
        found = [term.bounds(negated=negated) for term in self.of]
        return both(found) if negated else either(found)


_UNKNOWN = pa.nulls(1, pa.bool_())[0]


def _truth(term: Term, columns: Columns) -> Any:
    """A truth's value; the bare word NULL is an unknown truth."""
    return _literal(None, pa.bool_(), columns) if term.kind == "null" else term.value(columns)


def _literal(value: Any, type_: Any, columns: Columns) -> Any:
    """A constant, as an expression among expressions."""
    scalar = pa.scalar(value, type_)
    return pc.scalar(scalar) if columns is pc.field else scalar


def _as(value: Any, type_: Any) -> Any:
    """The value as another type. Integers beyond 2**53 are rounded to floats, as SQL does."""
    safe = type_ != pa.float64()
    if isinstance(value, pc.Expression):  # which `pyarrow.compute.cast` does not take
        return value.cast(type_, safe=safe)
    return pc.cast(value, type_, safe=safe)


def _cast(value: Any, from_type: Any, to_type: Any) -> Any:
    if from_type == to_type:
        return value
    if from_type == pa.float16():
        value = _as(value, pa.float32())
    if pa.types.is_dictionary(from_type) and from_type.value_type != to_type:
        value = _as(value, from_type.value_type)
    return _as(value, to_type)


def _as_int64(term: Term, columns: Columns) -> Any:
    value = term.value(columns)
    return _as(value, pa.int64()) if term.kind == "integer" else value


def _nan_to_null(value: Any) -> Any:
    nan = pc.is_nan(value)
    if not isinstance(value, pc.Expression) and pc.any(nan).as_py() is not True:
        return value
    return pc.if_else(nan, pa.scalar(None, pa.float64()), value)


def _zero_to_null(value: Any) -> Any:
    type_ = getattr(value, "type", None)
    if isinstance(type_, pa.DataType):
        null = pa.scalar(None, type_)
        return pc.if_else(pc.equal(value, pa.scalar(0, type_)), null, value)
    return pc.if_else(pc.equal(value, 0), pa.scalar(None), value)


def _is_uint64(term: Term) -> bool:
    """Whether the term's values may be beyond int64."""
    type_ = getattr(term, "type", None)
    if type_ is not None and pa.types.is_dictionary(type_):
        type_ = type_.value_type
    return bool(type_ == pa.uint64())


def _signs_apart(left: Term, left_value: Any, right: Term, right_value: Any) -> tuple[Any, Any]:
    """Two integer values as one type that holds both: uint64 and int64 have none among integers."""
    if _is_uint64(left) == _is_uint64(right):
        return left_value, right_value
    wide = pa.decimal128(20, 0)
    return _as(left_value, wide), _as(right_value, wide)
