"""CAST: from a value to a number, text, moment or geometry."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from skyquarry.adql.geometry.shapes import Circle, Outline, Point, Shape
from skyquarry.adql.kinds import WORDS, Kind, literal
from skyquarry.adql.terms import Term

if TYPE_CHECKING:
    from skyquarry.adql.making import Maker
    from skyquarry.adql.text.syntax import Cast
    from skyquarry.adql.text.words import Span

_NUMBERS: Final[dict[str, tuple[str, Kind]]] = {
    "SMALLINT": ("SMALLINT", "integer"),
    "INTEGER": ("INTEGER", "integer"),
    "BIGINT": ("BIGINT", "integer"),
    "REAL": ("FLOAT", "float"),
    "DOUBLE PRECISION": ("DOUBLE", "float"),
}
_GEOMETRIES: Final = ("POINT", "CIRCLE", "POLYGON")


def cast(maker: Maker, tree: Cast, of: Term) -> Term:
    """The value as another type: a number is rounded (halves to even), a text cut to its length."""
    if tree.type in _GEOMETRIES:
        return _geometry(maker, tree, of)
    if of.kind in ("geometry", "list", "other"):
        raise maker.error(of, f"is {WORDS[of.kind]}, which cannot be cast to {tree.type}")
    if tree.type in _NUMBERS:
        type_, kind = _NUMBERS[tree.type]
        if (of.kind, kind) == ("float", "integer"):
            return maker.made(
                f"CAST(round_even({of.sql}, 0) AS {type_})", kind, tree, (of,), name=of.name,
                unit=of.unit,
            )  # fmt: skip
        return _as(maker, tree, of, type_, kind)
    if tree.type == "TIMESTAMP":
        return moment(maker, of) or _as(maker, tree, of, "TIMESTAMP", "time")
    # TRY_CAST never fails here, and marks a text that engines write with other digits
    made = "TRY_CAST" if of.kind in ("float", "time") else "CAST"
    text = f"{made}({of.sql} AS VARCHAR)"
    found = maker.made(text, "text", tree, (of,), name=of.name, unit=of.unit)
    if tree.length is None:
        return found
    sql = f"left({found.sql}, {tree.length})"
    return maker.made(sql, "text", tree, (of,), name=of.name)


def _as(maker: Maker, tree: Cast, of: Term, type_: str, kind: Kind) -> Term:
    sql = f"CAST({of.sql} AS {type_})"
    return maker.made(sql, kind, tree, (of,), name=of.name, unit=of.unit)


def moment(maker: Maker, of: Term) -> Term | None:
    """The moment that a constant text says, in ISO 8601; None for what is no constant text."""
    if not isinstance(of.constant, str):
        return None
    try:
        found = datetime.fromisoformat(of.constant.strip())
    except ValueError:
        raise maker.error(
            of, "is no moment: write it as '2016-01-01T00:00:00' or '2016-01-01'"
        ) from None
    if found.tzinfo is not None:
        found = found.astimezone(UTC).replace(tzinfo=None)
    return Term(f"CAST({literal(found.isoformat(sep=' '))} AS TIMESTAMP)", "time", of.span)


def _geometry(maker: Maker, tree: Cast, of: Term) -> Term:
    """DALI's text of a geometry: its numbers with spaces between them."""
    if not isinstance(of.constant, str):
        raise maker.error(
            of, f"is no text in quotes, but only such are cast to {tree.type}: use {tree.type}(...)"
        )
    numbers = [_number(maker, of, word) for word in of.constant.split()]
    shape = _shape(tree.type, [_constant(each, of.span) for each in numbers])
    if shape is None:
        raise maker.error(
            of, f"has {len(numbers)} numbers, which make no {tree.type}: it needs "
            "2 (POINT), 3 (CIRCLE), or pairs of 3 corners and more (POLYGON)",
        )  # fmt: skip
    return geometry_term(shape, tree, tree.type.lower())


def _number(maker: Maker, of: Term, word: str) -> float:
    try:
        return float(word)
    except ValueError:
        raise maker.error(of, f"holds {word!r}, which is no number") from None


def _constant(value: float, span: Span) -> Term:
    return Term(literal(value), "float", span, constant=value)


def _shape(type_: str, parts: list[Term]) -> Shape | None:
    n = len(parts)
    if type_ == "POINT" and n == 2:
        return Point(*parts)
    if type_ == "CIRCLE" and n == 3:
        return Circle(Point(*parts[:2]), parts[2])
    if type_ == "POLYGON" and n >= 6 and n % 2 == 0:
        corners = (Point(*pair) for pair in zip(parts[::2], parts[1::2], strict=True))
        return Outline(tuple(corners))
    return None


def geometry_term(shape: Shape, at: Any, name: str) -> Term:
    """A geometry as a value: given back, it is the list of its numbers (DALI 1.1)."""
    parts = shape.parts
    doubles = ", ".join(f"CAST({part.sql} AS DOUBLE)" for part in parts)
    free = frozenset().union(*(part.free for part in parts)) if parts else frozenset()
    aggregated = any(part.aggregated for part in parts)
    sql = f"[{doubles}]"
    return Term(
        sql, "geometry", at.span, name, "deg", shape=shape, free=free, aggregated=aggregated
    )
