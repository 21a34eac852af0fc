"""Conditions that are limits of columns and nothing else: which rows have them, and who asks fewer.

`bounds` are as wide as need be: no row that is chosen lies outside. The spans of a condition are
as narrow as need be: every row within them is chosen.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from skyquarry.engine.bounds import both
from skyquarry.engine.terms import FLIPPED, All, Column, Comparison, Constant

if TYPE_CHECKING:
    from skyquarry.engine.bounds import Bounds
    from skyquarry.engine.terms import Term

_EXACT = {"integer": 2.0**53, "float": 2.0**24}
"""Beyond it the database compares a column of 32 bits with a whole number as 32 bits have it."""


def spans_of(term: Term) -> Bounds | None:
    """Limits of columns of numbers, inclusive, within which the term is true of every row.

    None where it is no comparison of columns with constants, or several joined by AND.
    """
    if isinstance(term, All):
        found = [spans_of(each) for each in term.of]
        return None if None in found else both(found)
    if not isinstance(term, Comparison):
        return None
    operator, left, right = term.operator, term.left, term.right
    if isinstance(left, Constant):
        operator, left, right = FLIPPED[operator], right, left
    if not (isinstance(left, Column) and isinstance(right, Constant)):
        return None
    if not _is_number(right.python, _EXACT.get(left.kind, 0.0)):
        return None
    value = float(right.python)
    spans = {
        "<": (None, math.nextafter(value, -math.inf)),
        "<=": (None, value),
        ">": (math.nextafter(value, math.inf), None),
        ">=": (value, None),
    }
    return {left.name: spans[operator]} if operator in spans else None


def _is_number(value: Any, most: float) -> bool:
    """Whether it is a number, smaller than what is exact for all who compare it."""
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < most


def implies(asked: Bounds, spans: Bounds) -> bool:
    """Whether every row within the first limits is within the second."""
    return all(
        name in asked and _ends_in(asked[name], low, high) for name, (low, high) in spans.items()
    )


def _ends_in(asked: tuple[Any, Any], low: Any, high: Any) -> bool:
    above = low is None or (asked[0] is not None and asked[0] >= low)
    return above and (high is None or (asked[1] is not None and asked[1] <= high))
