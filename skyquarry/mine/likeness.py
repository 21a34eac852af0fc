"""How alike two rows are: their distance in colours, in units of their errors where these count."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from skyquarry.catalog.columns import resolve
from skyquarry.engine import given, terms
from skyquarry.engine.plainterms import Plain
from skyquarry.engine.predicate import Number, parse_number
from skyquarry.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import pyarrow as pa
    from numpy.typing import NDArray

    from skyquarry.engine.catalog import Catalog

    Floats = NDArray[np.float64]

SCATTER = 0.01
_LEAST = 1e-100
"""A scatter whose square is a number; of a lesser one it is 0, and equal rows lie nowhere."""


@dataclass(frozen=True, slots=True)
class Likeness:
    """Numbers in which rows are compared, and the errors of these."""

    numbers: tuple[Number, ...]
    errors: tuple[tuple[tuple[float, Number], ...], ...] = ()
    """of each number: (slope, error) of what it is made of; (): distances are plain differences"""
    scatter: float = SCATTER

    @classmethod
    def of(
        cls,
        catalog: Catalog,
        in_: Sequence[str],
        *,
        errors: Mapping[str, str] | bool | None,
        scatter: float = SCATTER,
    ) -> Likeness:
        """By texts of arithmetic; `errors`: see `similar`. Raises UserError, ColumnError."""
        schema, texts = catalog.source.schema, given.texts(in_, "in_", ["u - g", "g - r"])
        scatter = given.number(scatter, "scatter", SCATTER, above=_LEAST)
        numbers = tuple(parse_number(text, schema) for text in texts)
        if errors is False:
            return cls(numbers)
        known = _of_roles(catalog) if errors is None or errors is True else _given(errors, schema)
        found = []
        for number in numbers:
            slopes = _slopes(number.term)
            missing = [name for name in number.columns if name not in known]
            if slopes is None or missing:
                if errors is None:
                    return cls(numbers)
                what = f"no error of {missing[0]}" if missing else "it is no sum of columns"
                raise UserError(
                    f"the error of {number.text!r} is not known ({what}), but all are needed: try "
                    "errors={'u': 'u_error'}, or errors=False for plain differences"
                )
            named = ((slopes[name], known[name]) for name in number.columns)
            found.append(tuple((slope, parse_number(f'"{e}"', schema)) for slope, e in named))
        return cls(numbers, tuple(found), float(scatter))

    @property
    def columns(self) -> tuple[str, ...]:
        """What has to be read."""
        every = [*self.numbers, *(error for each in self.errors for _, error in each)]
        return tuple(dict.fromkeys(name for each in every for name in each.columns))

    def values(self, table: pa.Table) -> tuple[Floats, Floats]:
        """(n, d) numbers and (n, d) squares of their errors; NaN where one is not known."""
        plain = Plain(table)
        values = np.stack([each.values(plain) for each in self.numbers], axis=1)
        if not self.errors:
            return values, np.zeros_like(values)
        squares = [
            sum((slope * error.values(plain)) ** 2 for slope, error in each) for each in self.errors
        ]
        return values, np.stack(squares, axis=1)

    def _squared(self, squares: Floats, gap_of: Callable[[int], Floats], own: Floats) -> Floats:
        """(n,) squared distances: differences `gap_of(dimension)` over all errors.

        Every step rises with the gap and falls with the errors, rounding included, so that a bound
        of these gives a bound of the distance.
        """
        total = np.zeros(len(squares))
        for axis in range(squares.shape[1]):
            gap = gap_of(axis)
            square = gap * gap
            if self.errors:
                square = square / (squares[:, axis] + own[axis] + self.scatter**2)
            total += square
        return total

    def distances(self, values: Floats, squares: Floats, at: Floats, own: Floats) -> Floats:
        """(n,) squared distances of rows from one object, (d,) and (d,)."""
        return self._squared(squares, lambda axis: np.abs(values[:, axis] - at[axis]), own)

    def bounds(self, low: Floats, high: Floats, squares: Floats, at: Floats, own: Floats) -> Floats:
        """(cells,) below which no row's squared distance is; `squares`: the greatest of a cell."""

        def gap(axis: int) -> Floats:
            below, above = low[:, axis] - at[axis], at[axis] - high[:, axis]
            outside: Floats = np.maximum(np.maximum(below, above), 0.0)
            return outside

        return self._squared(squares, gap, own)


def _of_roles(catalog: Catalog) -> dict[str, str]:
    here = set(catalog.source.schema.names)
    bands = (band for band in catalog.roles.bands if band.error in here)
    return {band.column: str(band.error) for band in bands}


def _given(errors: Mapping[str, str], schema: pa.Schema) -> dict[str, str]:
    named = given.by_text(errors, "errors", {"u": "u_error"})
    return {resolve(schema, name): resolve(schema, error) for name, error in named.items()}


def _slopes(term: terms.Term) -> dict[str, float] | None:
    """What a sum of columns is made of, "" its constant; None for another kind of term."""
    if isinstance(term, terms.Column):
        return {term.name: 1.0}
    if isinstance(term, terms.Constant):
        return {"": float(term.python)}
    if isinstance(term, terms.Negative):
        return _times(_slopes(term.of), -1.0)
    if isinstance(term, terms.Arithmetic):
        return _of_two(term.operator, _slopes(term.left), _slopes(term.right))
    return None


def _of_two(
    sign: str, left: dict[str, float] | None, right: dict[str, float] | None
) -> dict[str, float] | None:
    if left is None or right is None:
        return None
    if sign in "+-":
        more = {name: -slope if sign == "-" else slope for name, slope in right.items()}
        return {n: left.get(n, 0.0) + more.get(n, 0.0) for n in {**left, **more}}
    by = right.get("", 0.0) if set(right) == {""} else 0.0
    if by:
        return _times(left, by if sign == "*" else 1.0 / by)
    return _times(right, left[""]) if sign == "*" and set(left) == {""} else None


def _times(slopes: dict[str, float] | None, by: float) -> dict[str, float] | None:
    return None if slopes is None else {name: by * slope for name, slope in slopes.items()}
