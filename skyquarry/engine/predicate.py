"""The condition of `where(...)`, ready to be asked of tables."""

from __future__ import annotations

import sys
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from skyquarry.catalog.arrow import from_numpy
from skyquarry.errors import PredicateError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from skyquarry.engine.bounds import Bounds
    from skyquarry.engine.plainterms import Plain
    from skyquarry.engine.terms import Term

_AT_ONCE = 32_768
_LOOPS = "skyquarry.engine.kernels"
_WORTH_LOADING = 5_000_000
"""Rows to be asked from which on it is worth while to load compiled loops: a quarter of a second,
which they save in 1e7 rows; a process that scans so many does so again"""


@dataclass(frozen=True, slots=True)
class Predicate:
    """A condition on the rows of a table with a known schema.

    Rows are chosen where it is true; where it is false, or unknown because of a null, they are not.
    """

    text: str
    """As it was given, conditions joined with AND."""
    term: Term
    columns: tuple[str, ...]
    """The columns that it needs, as the schema spells them."""
    bounds: Bounds
    """Column -> (lowest, highest) value of any chosen row, inclusive, None where open."""
    never: bool = False
    """Whether no row can be chosen, whatever it holds."""

    @property
    def digested(self) -> str:
        """What it counts by in a digest."""
        return self.text

    @property
    def expression(self) -> Any:
        """The condition as a `pyarrow.compute.Expression`, for `Table.filter` or Acero."""
        import pyarrow.compute as pc

        found = self.term.value(pc.field)
        # NULL alone is of type null, which Arrow's filters refuse.
        return (found if isinstance(found, pc.Expression) else pc.scalar(found)).cast(pa.bool_())

    def mask(self, table: pa.Table) -> Any:
        """(n,) booleans: true for the chosen rows, false or null for the others.

        Raises PredicateError where integers of the table overflow in arithmetic.
        """
        try:
            found = self.term.value(table.column)
        except pa.ArrowInvalid as error:
            raise _beyond(self.text, error) from None
        if isinstance(found, pa.Scalar):
            return pa.repeat(found.cast(pa.bool_()), table.num_rows)
        return found

    def rows(self, columns: Plain) -> NDArray[np.int64]:
        """(m,) rows for which the condition is true, rising; columns are made ready once for all.

        Raises PredicateError where integers of the table overflow in arithmetic.
        """
        from skyquarry.engine.plainterms import holds, rising

        try:
            return rising(holds(self.term, columns))
        except pa.ArrowInvalid as error:
            raise _beyond(self.text, error) from None

    def choose(self, table: pa.Table) -> pa.Table:
        """The rows of the table for which the condition is true."""
        from skyquarry.engine.plainterms import Plain

        if table.num_rows <= _AT_ONCE:
            return rows_of(table, self.rows(Plain(table)))
        return rows_of(table, self._rows_of_many(table))

    def _rows_of_many(self, table: pa.Table) -> NDArray[np.int64]:
        """As `rows`, some at a time: what is worked out stays in the processor's cache."""
        import numpy as np

        from skyquarry.engine.plainterms import Plain

        if _LOOPS in sys.modules:  # to load them takes longer than they save in one tile
            from skyquarry.engine.programs import NoSteps, program_of

            with suppress(NoSteps):
                return program_of([self], table).rows(table)[0]
        table, starts = table.combine_chunks(), range(0, table.num_rows, _AT_ONCE)
        found = (self.rows(Plain(table.slice(start, _AT_ONCE))) + start for start in starts)
        return np.concatenate(list(found))

    def prepare(self, rows: int) -> None:
        """Load what asks so many rows quickest, where that is worth it."""
        if self.columns and rows >= _WORTH_LOADING:
            import skyquarry.engine.programs  # noqa: F401

    def __and__(self, other: Predicate) -> Predicate:
        from skyquarry.engine.terms import All

        term = All(0, 0, (self.term, other.term))
        return _predicate(f"({self.text}) AND ({other.text})", term)


def _beyond(text: str, error: pa.ArrowInvalid) -> PredicateError:
    return PredicateError(
        f"{text!r} cannot be worked out for a row ({error}), but integers must stay "
        "within 64 bits: write one of them with a decimal point, as in 1.0 * x"
    )


def rows_of(table: pa.Table, rows: NDArray[np.int64]) -> pa.Table:
    """These rows (rising) of a table; the table itself where they are all."""
    return table if len(rows) == table.num_rows else table.take(from_numpy(rows))


def parse(text: str, schema: pa.Schema) -> Predicate:
    """The condition that the text states about a table of this schema.

    The language: see `skyquarry.engine.language`. Unquoted names match columns without case.

    Raises
    ------
    PredicateError
        Text that is not of the language, or joins what does not fit (a text < a number).
    ColumnError
        A name of no column, or of several.

    >>> parse("mag < 18 AND name IN ('a', 'b')", schema).bounds  # doctest: +SKIP
    {'mag': (None, 18), 'name': ('a', 'b')}
    """
    if not isinstance(text, str):
        raise PredicateError(f'where was given {text!r}, but it needs a text: try "mag < 18"')
    return _parse(text, schema)


@dataclass(frozen=True, slots=True)
class Number:
    """What a text of arithmetic is worth for each row of a table: a colour, a ratio."""

    text: str
    term: Term
    columns: tuple[str, ...]

    def values(self, columns: Plain) -> NDArray[np.float64]:
        """(n,) float64, NaN where it is null. Raises PredicateError where integers overflow."""
        from skyquarry.engine.plainterms import number

        try:
            return number(self.term, columns)
        except pa.ArrowInvalid as error:
            raise _beyond(self.text, error) from None


def parse_number(text: str, schema: pa.Schema) -> Number:
    """The number that a text states about a table of this schema: "u_mag - g_mag".

    Raises PredicateError for what is no number, ColumnError for a name of no column.
    """
    from skyquarry.engine.terms import NUMBERS, Missing

    asked = parse(f"({text}) IS NULL", schema)
    of = asked.term.of if isinstance(asked.term, Missing) else None
    if of is None or of.kind not in NUMBERS:
        raise PredicateError(
            f"{text!r} is no number, but columns and + - * / are needed: try 'u_mag - g_mag'"
        )
    return Number(text, of, asked.columns)


@lru_cache(maxsize=64)
def _parse(text: str, schema: pa.Schema) -> Predicate:
    from skyquarry.engine.language import read  # loads sqlglot: only where there is a text

    return _predicate(text, read(text, schema))


def _predicate(text: str, term: Term) -> Predicate:
    bounds = term.bounds()
    impossible = bounds is None or any(
        low is not None and high is not None and low > high for low, high in bounds.values()
    )
    return Predicate(text, term, tuple(sorted(term.names())), bounds or {}, impossible)
