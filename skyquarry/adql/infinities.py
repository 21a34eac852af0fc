"""What infinities make of sums and sines: no value, which is NULL here and NaN to the database.

To the database NaN is a number, greater than all others, so that inf - inf > 1 would be true. A
value that may be NaN is tested for it. Most are known not to be: a sum of columns whose extremes
are finite, as the statistics of their tiles tell, is not tested and costs nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from skyquarry.adql.state import State
    from skyquarry.adql.tables import Given
    from skyquarry.adql.terms import Origin, Term

_TAME: Final = 1e30
_MOST_FACTORS: Final = 8
"""of which each is below 1e30: sums of many such products are still far from infinity"""


@dataclass(frozen=True, slots=True)
class Tame:
    """What keeps a value finite."""

    columns: frozenset[Origin] = frozenset()
    """Those that must be: of which every value is below 1e30."""
    factors: int = 1
    """How many of them, or numbers like them, are multiplied in it at most."""

    def __or__(self, other: Tame) -> Tame:
        return Tame(self.columns | other.columns, max(self.factors, other.factors))

    def times(self, other: Tame) -> Tame | None:
        """What keeps the product finite; None where nothing does."""
        return (self | other).multiplied(self.factors + other.factors)

    def multiplied(self, factors: int) -> Tame | None:
        """With so many factors; None where that is too many."""
        return Tame(self.columns, factors) if factors <= _MOST_FACTORS else None


def tame_of(term: Term) -> Tame | None:
    """What keeps a number finite; None where nothing is known that does."""
    if isinstance(term.constant, int | float):
        return Tame() if abs(term.constant) < _TAME else None
    return Tame() if term.kind in ("integer", "boolean") else term.tame


def tame_result(operator: str, left: Term, right: Term) -> Tame | None:
    """What keeps a sum, difference, product or quotient finite."""
    one, other = tame_of(left), tame_of(right)
    if one is None or other is None:
        return None
    if operator == "*":
        return one.times(other)
    if operator == "/":
        divisor = right.constant
        return one if isinstance(divisor, int | float) and abs(divisor) >= 1 else None
    return one | other


def is_wild(state: State, term: Term) -> bool:
    """Whether a number may be infinite, for all that is known."""
    tame = tame_of(term)
    return tame is None or not all(_is_tame(state, *each) for each in sorted(tame.columns))


def may_be_nan(state: State, operator: str, left: Term, right: Term) -> bool:
    """Whether a sum, difference, product or quotient may be no number."""
    if operator == "*":
        pairs = ((left, right), (right, left))
        return any(not _counts(one) and is_wild(state, other) for one, other in pairs)
    return all(is_wild(state, each) for each in sorted((left, right), key=_to_ask))


def _to_ask(term: Term) -> int:
    """How many columns have to be asked whether it is finite."""
    tame = tame_of(term)
    return len(tame.columns) if tame is not None else 0


def tested(sql: str) -> str:
    """NULL for NaN."""
    return f"(CASE WHEN NOT isnan({sql}) THEN {sql} END)"


def _counts(term: Term) -> bool:
    """Whether it is a known number that is not zero: infinity times it is infinity."""
    return isinstance(term.constant, int | float) and term.constant != 0


def _is_tame(state: State, number: int, name: str) -> bool:
    """Whether all values of a stored column are known to be finite."""
    import numpy as np

    from skyquarry.adql.tables import Plain, Stored

    table = state.scans[number].table
    if isinstance(table, Stored):
        told = table.source.told_limits(name)
        return told is not None and bool(np.all(np.abs(told) < _TAME))
    if isinstance(table, Plain):
        return False
    return _given_is_tame(table, name)  # type: ignore[arg-type]


def _given_is_tame(table: Given, name: str) -> bool:
    import pyarrow.compute as pc

    found = pc.min_max(table.table.column(name)).as_py()
    return all(each is None or abs(each) < _TAME for each in found.values())
