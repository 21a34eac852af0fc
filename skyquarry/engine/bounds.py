"""What conditions say about the lowest and highest values of a column: for pruning alone.

Bounds are as wide as need be: a row that a condition chooses lies within them, whatever else does.
"""

from __future__ import annotations

import math
from typing import Any

Bounds = dict[str, tuple[Any, Any]]
"""Column -> (lowest, highest) value of the rows that can be chosen, both inclusive; None: open."""

_EXACT = 2.0**53


def widened(kind: str, value: Any) -> tuple[Any, Any]:
    """(low, high) around a constant, wide enough for how the comparison rounds.

    Integers beyond 2**53 are rounded when they meet a float, so that a neighbour may be equal.
    """
    if not isinstance(value, int | float) or isinstance(value, bool):
        return value, value
    rounds = isinstance(value, float) or kind == "float"
    if not rounds or abs(value) < _EXACT:
        return value, value
    near = float(value)
    return math.nextafter(near, -math.inf), math.nextafter(near, math.inf)


def both(found: list[Bounds | None]) -> Bounds | None:
    """Bounds of rows that satisfy all."""
    merged: Bounds = {}
    for bounds in found:
        if bounds is None:
            return None
        for name, (low, high) in bounds.items():
            old_low, old_high = merged.get(name, (None, None))
            merged[name] = (_outer(max, old_low, low), _outer(min, old_high, high))
    return merged


def _outer(choose: Any, one: Any, other: Any) -> Any:
    if one is None or other is None:
        return other if one is None else one
    return choose(one, other)


def either(found: list[Bounds | None]) -> Bounds | None:
    """Bounds of rows that satisfy one at least: columns that all of them bound."""
    possible = [bounds for bounds in found if bounds is not None]
    if not possible:
        return None
    merged: Bounds = {}
    for name in set.intersection(*(set(bounds) for bounds in possible)):
        lows = [bounds[name][0] for bounds in possible]
        highs = [bounds[name][1] for bounds in possible]
        low = None if None in lows else min(lows)
        high = None if None in highs else max(highs)
        merged[name] = (low, high)
    return merged
