"""Functions of a query as terms: which there are, and where each is made."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from skyquarry.adql import userfunctions
from skyquarry.adql.calls import geocalls, mathematics, servicecalls, usercalls
from skyquarry.adql.calls.aggregates import AGGREGATES
from skyquarry.adql.kinds import NUMBERS, WORDS
from skyquarry.adql.text.shapes import SHAPES
from skyquarry.adql.text.words import nearest

if TYPE_CHECKING:
    from collections.abc import Callable, Container

    from skyquarry.adql.making import Maker
    from skyquarry.adql.terms import Term
    from skyquarry.adql.text.syntax import Call


def called(maker: Maker, tree: Call, arguments: tuple[Term, ...]) -> Term:
    """The value of a function that is no aggregate."""
    for names, make in _MAKERS:
        if tree.key in names:
            return make(maker, tree, arguments)
    there = (*SHAPES, *usercalls.FUNCTIONS, *servicecalls.CALLS, *AGGREGATES)
    hint = nearest(tree.name, [each.lower() for each in there]) or "a service elsewhere may have it"
    raise maker.error(tree, f"is no function that is known here: {hint}")


def _cased(maker: Maker, tree: Call, arguments: tuple[Term, ...]) -> Term:
    """LOWER and UPPER: of ASCII as the standard demands, of other letters one by one."""
    of = maker.text(arguments[0], tree.key)
    return maker.made(f"{tree.key.lower()}({of.sql})", "text", tree, (of,), name=of.name)


def _coalesce(maker: Maker, tree: Call, arguments: tuple[Term, ...]) -> Term:
    """The first that is not NULL; all of one kind."""
    known = [each for each in arguments if each.kind != "null"]
    for each in known[1:]:
        if not alike(known[0], each):
            raise maker.error(
                each,
                f"is {WORDS[each.kind]}, but {WORDS[known[0].kind]} stands before it in COALESCE",
            )
    if not known:
        return maker.made("NULL", "null", tree, arguments)
    if len({each.kind for each in known}) > 1:  # numbers, some of which may be truths
        arguments = tuple(maker.number(each, tree.key) for each in arguments)
        known = [each for each in arguments if each.kind != "null"]
    kind = "float" if any(each.kind == "float" for each in known) else known[0].kind
    sql = f"coalesce({', '.join(each.sql for each in arguments)})"
    unit = known[0].unit if len({each.unit for each in known}) == 1 else ""
    return maker.made(sql, kind, tree, arguments, name=known[0].name, unit=unit)


def alike(one: Term, other: Term) -> bool:
    """Whether two values are of one kind, as far as comparing goes."""
    if one.kind in NUMBERS and other.kind in NUMBERS:
        return True
    return one.kind == other.kind or "null" in (one.kind, other.kind)


_MAKERS: Final[tuple[tuple[Container[str], Callable[[Maker, Call, Any], Term]], ...]] = (
    (mathematics.FORMS, mathematics.called),
    (geocalls.MAKERS, geocalls.called),
    (("LOWER", "UPPER"), _cased),
    (("COALESCE",), _coalesce),
    (usercalls.FUNCTIONS, usercalls.called),
    (servicecalls.CALLS, servicecalls.called),
    (userfunctions.USERS, userfunctions.called),
)
"""The names of functions, and what makes their values."""
