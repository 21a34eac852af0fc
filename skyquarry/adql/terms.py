"""Values and conditions with all names looked up: their SQL, kind, unit, and what they narrow."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from skyquarry.engine.bounds import both, either

if TYPE_CHECKING:
    from skyquarry.adql.geometry.shapes import Point, Shape
    from skyquarry.adql.infinities import Tame
    from skyquarry.adql.kinds import Kind
    from skyquarry.adql.text.words import Span
    from skyquarry.engine.bounds import Bounds
    from skyquarry.sky.algebra import Region


@dataclass(frozen=True, slots=True)
class Narrow:
    """What rows of one scan must satisfy to matter: used to leave tiles unread, and no more."""

    region: Region | None = None
    bounds: Bounds = field(default_factory=dict)

    def __and__(self, other: Narrow) -> Narrow:
        regions = [each for each in (self.region, other.region) if each is not None]
        region = regions[0] & regions[1] if len(regions) == 2 else next(iter(regions), None)
        return Narrow(region, both([self.bounds, other.bounds]) or {})

    def __or__(self, other: Narrow) -> Narrow:
        known = self.region is not None and other.region is not None
        region = self.region | other.region if known else None  # type: ignore[operator]
        return Narrow(region, either([self.bounds, other.bounds]) or {})


Narrowing = dict[int, Narrow]
"""By the number of a scan; a scan that is not there is not narrowed."""


def narrowed_by_all(parts: list[Narrowing]) -> Narrowing:
    """What conditions joined by AND narrow."""
    found: Narrowing = {}
    for part in parts:
        for scan, narrow in part.items():
            found[scan] = found[scan] & narrow if scan in found else narrow
    return found


def narrowed_by_any(parts: list[Narrowing]) -> Narrowing:
    """What conditions joined by OR narrow: scans that each of them narrows."""
    found = dict(parts[0])
    for part in parts[1:]:
        found = {scan: found[scan] | part[scan] for scan in found if scan in part}
    return found


@dataclass(frozen=True, slots=True)
class Term:
    """A value, ready to be written into SQL."""

    sql: str
    """In parentheses where it needs them: it may stand in any expression."""
    kind: Kind
    span: Span
    name: str = ""
    """What it is called where a query gives it back without a name."""
    unit: str = ""
    items: Kind = "float"
    """Of a list: what its values are."""
    tame: Tame | None = None
    """Of a number: what keeps it finite, where that is known."""
    may_be_nan: bool = False
    """Whether its SQL is still to be tested for NaN."""
    constant: float | str | None = None
    """Its value where that is known: an int, float or text."""
    column: Field | None = None
    """The column that it is, and nothing else."""
    shape: Shape | None = None
    distance: tuple[Point, Point] | None = None
    """Of DISTANCE: between what."""
    truth: Truth | None = None
    """Of CONTAINS and INTERSECTS: the condition that it counts as 1 and 0."""
    free: frozenset[str] = frozenset()
    """Columns in it that are in no aggregate, by their SQL."""
    aggregated: bool = False

    def called(self, name: str) -> Term:
        """The same value with another name."""
        return replace(self, name=name)


Origin = tuple[int, str]
"""The number of a scan, and a column of its table."""
Equal = tuple[Origin, Origin]
"""Where rows of the first scan matter, those of the second that matter have the same value."""


@dataclass(frozen=True, slots=True)
class Near:
    """Two points of rows that a condition wants to be no farther apart than a radius."""

    one: Point
    other: Point
    radius_deg: float


@dataclass(frozen=True, slots=True)
class Band:
    """Two numbers of rows that a condition wants to differ by no more than a width."""

    one: Term
    other: Term
    width: float


@dataclass(frozen=True, slots=True)
class Truth:
    """A condition, ready to be written into SQL."""

    sql: str
    narrowing: Narrowing = field(default_factory=dict)
    otherwise: Narrowing = field(default_factory=dict)
    """What is narrowed where the condition is false."""
    free: frozenset[str] = frozenset()
    aggregated: bool = False
    near: tuple[Near, ...] = ()
    """Pairs of points that are near each other wherever it is true."""
    equal: tuple[Equal, ...] = ()
    """Columns that are equal wherever it is true."""
    among: tuple[Equal, ...] = ()
    """Columns of queries within it, and what is among their values wherever it is true."""
    band: Band | None = None
    """That it is true where two numbers differ by little."""
    differ: tuple[Origin, Origin] | None = None
    """Stored columns whose values differ wherever it is true: a row never meets itself in it."""
    sides: tuple[frozenset[str], frozenset[str]] | None = None
    """Of an equality: the columns, by their SQL, of which each side is made."""
    every: tuple[Truth, ...] = ()
    """The conditions that it joins by AND, where it joins some."""

    @property
    def each(self) -> tuple[Truth, ...]:
        """The conditions all of which must be true: itself where it joins none."""
        return self.every or (self,)


@dataclass(frozen=True, slots=True)
class Field:
    """A column that a query may name."""

    name: str
    sql: str
    kind: Kind
    real: bool = False
    """Whether it is a number of 32 bits, which is worked with as one of 64."""
    small: bool = False
    """Whether it is a whole number of other than 64 bits."""
    items: Kind = "float"
    """Of a list: what its values are."""
    tame: Tame | None = None
    """Of a number: what keeps it finite, where that is known."""
    metadata: tuple[tuple[bytes, bytes], ...] = ()
    """What the column means: unit, ucd, description ..."""
    origin: Origin | None = None
    """The scan and stored column that it is."""
    shape: Shape | None = None

    @property
    def unit(self) -> str:
        """Its unit; empty where it says none."""
        return dict(self.metadata).get(b"unit", b"").decode()

    def beside(self, kind: Kind) -> str:
        """Its SQL where it meets another value: of 64 bits beside a whole number.

        The database would make both of 32 bits, in which 16777217 is 16777216.
        """
        return f"CAST({self.sql} AS DOUBLE)" if self.real and kind == "integer" else self.sql

    def with_values_of(self, other: Field) -> Field:
        """The column that has the values of both: of the wider kind, whichever comes first."""
        kinds: set[Kind] = {self.kind, other.kind} - {"null"}
        kind: Kind = self.kind if self.kind != "null" else other.kind
        if len(kinds) > 1:
            kind = "float" if "float" in kinds else "integer"
        return replace(
            self,
            kind=kind,
            real=kind == "float" and (self.real or other.real),
            small=kind == "integer" and (self.small or other.small or len(kinds) > 1),
            items=self.items if self.items == other.items else "float",
            tame=self.tame | other.tame if self.tame and other.tame else None,
            origin=None,
        )
