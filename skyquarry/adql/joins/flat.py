"""Tables in inner joins, laid side by side with their conditions: in any order the same rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from skyquarry.adql.terms import Truth

if TYPE_CHECKING:
    from skyquarry.adql.scanned import Scanned


@dataclass(frozen=True, slots=True)
class Part:
    """One use of a stored or given table."""

    scan: int
    """Its number among the query's scans."""
    alias: str
    sql: str
    """How it stands in a FROM, less its view's condition."""


@dataclass(frozen=True, slots=True)
class Flat:
    """Inner joins without their order: rows of all parts for which every condition is true."""

    parts: tuple[Part, ...] = ()
    truths: tuple[Truth, ...] = ()

    @classmethod
    def of(cls, scan: Scanned, truths: tuple[Truth, ...] = ()) -> Flat:
        """One table, and the conditions of its view."""
        return cls((Part(scan.number, scan.alias, f"{scan.name} AS {scan.alias}"),), truths)

    @classmethod
    def joined(
        cls, left: Flat | None, right: Flat | None, truths: tuple[Truth, ...] = ()
    ) -> Flat | None:
        """Both, and the conditions between them; None where one is not flat."""
        if left is None or right is None:
            return None
        return cls((*left.parts, *right.parts), (*left.truths, *right.truths, *truths))

    @staticmethod
    def equality(one: str, other: str) -> Truth:
        """Two columns, by their SQL, that are equal."""
        sides = (frozenset((one,)), frozenset((other,)))
        return Truth(f"({one} = {other})", free=sides[0] | sides[1], sides=sides)

    def owners(self, truth: Truth) -> frozenset[str] | None:
        """The aliases of the parts that a condition is about.

        None for one that asks a query within it, or a table that is not here.
        """
        found = owners(truth.free)
        known = found <= {part.alias for part in self.parts}
        return found if known and "(SELECT " not in truth.sql else None


@dataclass(frozen=True, slots=True)
class JoinText:
    """The FROM and WHERE of one SELECT: as text, and what they are made of."""

    text: str
    flat: Flat


def owners(free: frozenset[str]) -> frozenset[str]:
    """The aliases of columns, by their SQL."""
    return frozenset(column.partition(".")[0] for column in free)
