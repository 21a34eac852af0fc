"""Conditions that cost more than to look a row up are asked of the rows that were found.

A division by a column, with its test for zero, takes seven nanoseconds a row, to look for its key
in a small table two and a half. Where few rows of a large table have a partner, its divisions wait
until the join: written as conditions on both tables, which the database cannot ask before.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from skyquarry.adql.joins.flat import Flat, owners

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from skyquarry.adql.joins.joinplan import Sized
    from skyquarry.adql.terms import Truth

_FEW: Final = 8
"""One in so many rows of a table, or fewer, has a partner."""
_COSTLY: Final = "nullif("
"""What stands about a divisor that is no number."""
_MOODY: Final = "random("


def postponed(flat: Flat, sized: Sequence[Sized]) -> Flat:
    """The same joins, with costly conditions on a table that few rows of another lead into."""
    leaders = {each.alias: _leader(each, flat, sized) for each in sized}
    return Flat(flat.parts, tuple(_after(truth, flat, leaders) for truth in flat.truths))


def _after(truth: Truth, flat: Flat, leaders: dict[str, str]) -> Truth:
    """A condition that waits for the join, where it should; it is true of the same rows."""
    about = flat.owners(truth)
    if about is None or len(about) != 1 or _COSTLY not in truth.sql or _MOODY in truth.sql:
        return truth
    column = leaders.get(min(about), "")
    if not column:
        return truth
    sql = f"(CASE WHEN {column} IS NULL THEN FALSE ELSE {truth.sql} END)"
    return replace(truth, sql=sql, free=truth.free | {column})


def _leader(of: Sized, flat: Flat, sized: Sequence[Sized]) -> str:
    """A column of a small table that equals one of this table, few rows of which have a partner."""
    others = {each.alias: each for each in sized}
    for alias, column in _equal(of.alias, flat):
        other = others.get(alias)
        if other is None or other.rows * _FEW > of.whole:
            continue
        met = of.whole * other.rows / max(min(of.whole, other.whole), 1.0)
        if met * _FEW <= of.whole:
            return column
    return ""


def _equal(alias: str, flat: Flat) -> Iterator[tuple[str, str]]:
    """Columns of other tables that equal something of this one, each with its table."""
    for truth in flat.truths:
        one, other = truth.sides or (frozenset(), frozenset())
        for here, there in ((one, other), (other, one)):
            if owners(here) == {alias} and len(there) == 1 and not owners(there) & {alias}:
                yield min(owners(there)), min(there)
