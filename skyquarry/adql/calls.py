"""Functions of a query as terms: which there are, and where each is made."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from skyquarry.adql import geocalls, mathematics, usercalls, userfunctions
from skyquarry.adql.blocks import Aggregate
from skyquarry.adql.kinds import NUMBERS, WORDS
from skyquarry.adql.shapes import SHAPES, without_frame
from skyquarry.adql.words import nearest

if TYPE_CHECKING:
    from skyquarry.adql.resolving import Resolver
    from skyquarry.adql.syntax import Call
    from skyquarry.adql.terms import Term

AGGREGATES: Final = ("COUNT", "SUM", "AVG", "MIN", "MAX", "IVO_STRING_AGG")


def called(resolver: Resolver, tree: Call) -> Term:
    """The value of a function that is no aggregate."""
    arguments = tuple(resolver.value(each) for each in without_frame(tree.key, tree.arguments))
    if tree.key in mathematics.FORMS:
        return mathematics.called(resolver, tree, arguments)
    if tree.key in geocalls.MAKERS:
        return geocalls.called(resolver, tree, arguments)
    if tree.key in ("LOWER", "UPPER"):
        of = resolver.text(arguments[0], tree.key)
        return resolver.made(f"{tree.key.lower()}({of.sql})", "text", tree, (of,), name=of.name)
    if tree.key == "COALESCE":
        return _coalesce(resolver, tree, arguments)
    if tree.key in usercalls.FUNCTIONS:
        return usercalls.called(resolver, tree, arguments)
    if tree.key in userfunctions.USERS:
        return userfunctions.called(resolver, tree, arguments)
    known = [each.lower() for each in (*SHAPES, *usercalls.FUNCTIONS, *AGGREGATES)]
    hint = nearest(tree.name, known) or "a service elsewhere may have it"
    raise resolver.error(tree, f"is no function that is known here: {hint}")


def _coalesce(resolver: Resolver, tree: Call, arguments: tuple[Term, ...]) -> Term:
    """The first that is not NULL; all of one kind."""
    known = [each for each in arguments if each.kind != "null"]
    for each in known[1:]:
        if not alike(known[0], each):
            raise resolver.error(
                each,
                f"is {WORDS[each.kind]}, but {WORDS[known[0].kind]} stands before it in COALESCE",
            )
    if not known:
        return resolver.made("NULL", "null", tree, arguments)
    kind = "float" if any(each.kind == "float" for each in known) else known[0].kind
    sql = f"coalesce({', '.join(each.sql for each in arguments)})"
    unit = known[0].unit if len({each.unit for each in known}) == 1 else ""
    return resolver.made(sql, kind, tree, arguments, name=known[0].name, unit=unit)


def alike(one: Term, other: Term) -> bool:
    """Whether two values are of one kind, as far as comparing goes."""
    if one.kind in NUMBERS and other.kind in NUMBERS:
        return True
    return one.kind == other.kind or "null" in (one.kind, other.kind)


def aggregate(resolver: Resolver, tree: Call, arguments: tuple[Term, ...]) -> Term:
    """COUNT, SUM, AVG, MIN, MAX, and texts joined: over the rows of a group."""
    key = tree.key
    if any(each.aggregated for each in arguments):
        raise resolver.error(tree, "is an aggregate of an aggregate: use a query in FROM")
    found = _aggregated(resolver, tree, arguments)
    distinct = bool(tree.distinct)
    of = "*" if tree.star or not arguments else arguments[0].sql
    if key in ("SUM", "AVG"):
        of = resolver.number(arguments[0], key).sql
    resolver.state.aggregates[found.sql] = Aggregate(key, of, distinct=distinct)
    return found


def _aggregated(resolver: Resolver, tree: Call, arguments: tuple[Term, ...]) -> Term:
    key = tree.key
    if tree.star:
        return _made(tree, "count(*)", "integer", "count")
    distinct = "DISTINCT " if tree.distinct else ""
    if key == "IVO_STRING_AGG":
        return _string_agg(resolver, tree, arguments)
    of = arguments[0]
    name = f"{key.lower()}_{of.name}" if of.name else key.lower()
    if key == "COUNT":
        return _made(tree, f"count({distinct}{of.sql})", "integer", name)
    if key in ("SUM", "AVG"):
        of = resolver.number(of, key)
        return _sum(tree, of, distinct, name)
    if of.kind in ("geometry", "list", "other"):
        raise resolver.error(of, f"is {WORDS[of.kind]}, which has no order for {key}")
    return _made(tree, f"{key.lower()}({distinct}{of.sql})", of.kind, name, of.unit)


def _sum(tree: Call, of: Term, distinct: str, name: str) -> Term:
    sql = f"{tree.key.lower()}({distinct}{of.sql})"
    if tree.key == "SUM" and of.kind == "integer":
        return _made(tree, f"CAST({sql} AS BIGINT)", "integer", name, of.unit)
    return _made(tree, sql, "float", name, of.unit)


def _string_agg(resolver: Resolver, tree: Call, arguments: tuple[Term, ...]) -> Term:
    if len(arguments) != 2:
        raise resolver.error(tree, "takes a text and a separator: ivo_string_agg(name, ', ')")
    of, separator = (resolver.text(each, tree.name) for each in arguments)
    if not isinstance(separator.constant, str):
        raise resolver.error(separator, "is no separator: write a text in quotes")
    sql = f"string_agg({of.sql}, {separator.sql} ORDER BY {of.sql})"
    return _made(tree, sql, "text", of.name)


def _made(tree: Call, sql: str, kind: Any, name: str, unit: str = "") -> Term:
    from skyquarry.adql.terms import Term

    return Term(sql, kind, tree.span, name, unit, aggregated=True)
