"""Functions of columns that hold arrays: an item, a row, and numbers of the whole.

ADQL has no arrays. Ours count from 1; an array of two dimensions is a list of lists, or one list
whose column says its shape (`tdim`, the fastest first, as FITS and VOTable write it).
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from skyquarry.adql.kinds import NUMBERS, WORDS

if TYPE_CHECKING:
    from skyquarry.adql.kinds import Kind
    from skyquarry.adql.making import Maker
    from skyquarry.adql.terms import Term
    from skyquarry.adql.text.syntax import Call

_WHOLE: Final = {
    "ARRAY_SUM": "list_sum",
    "ARRAY_AVG": "list_avg",
    "ARRAY_MIN": "list_min",
    "ARRAY_MAX": "list_max",
}


def item(maker: Maker, tree: Call, arguments: tuple[Term, ...]) -> Term:
    """A value of an array; NULL beyond its end."""
    of = _array(maker, arguments[0])
    at = [_index(maker, each) for each in arguments[1:]]
    width = _width(of)
    if len(at) == 2 and width is not None:
        sql = f"list_extract({of.sql}, ({at[0].sql} - 1) * {width} + {at[1].sql})"
        sql = f"CASE WHEN {at[1].sql} BETWEEN 1 AND {width} AND {at[0].sql} >= 1 THEN {sql} END"
    else:
        sql = of.sql
        for each in at:
            sql = f"list_extract({sql}, {_counted(each)})"
    return _value(maker, tree, f"({sql})", arguments, of.items)


def row(maker: Maker, tree: Call, arguments: tuple[Term, ...]) -> Term:
    """One row of an array of two dimensions, an array itself."""
    of, at = _array(maker, arguments[0]), _index(maker, arguments[1])
    width = _width(of)
    if width is None:
        sql = f"list_extract({of.sql}, {_counted(at)})"
    else:
        first = f"(({at.sql} - 1) * {width} + 1)"
        row = f"list_slice({of.sql}, {first}, {first} + {width - 1})"
        sql = f"(CASE WHEN {at.sql} >= 1 THEN {row} END)"
    made = maker.made(sql, "list", tree, arguments, name=of.name, unit=of.unit)
    return replace(made, items=of.items)


def length(maker: Maker, tree: Call, arguments: tuple[Term, ...]) -> Term:
    """How many items an array has; how many rows, where it is a list of lists."""
    of = _array(maker, arguments[0])
    return maker.made(f"len({of.sql})", "integer", tree, arguments, name="array_length")


def whole(maker: Maker, tree: Call, arguments: tuple[Term, ...]) -> Term:
    """Sum, mean, least or greatest of an array's items; NULLs among them are left out."""
    of = _array(maker, arguments[0])
    sums = tree.key in ("ARRAY_SUM", "ARRAY_AVG")
    if sums and of.items not in NUMBERS:
        raise maker.error(of, f"is an array of which an item is {WORDS[of.items]}, without a sum")
    kind: Kind = "float" if tree.key == "ARRAY_AVG" else of.items
    return _value(maker, tree, f"{_WHOLE[tree.key]}({of.sql})", arguments, kind)


def _array(maker: Maker, term: Term) -> Term:
    if term.kind not in ("list", "null"):
        raise maker.error(term, f"is {WORDS[term.kind]}, but an array is needed")
    return term


def _index(maker: Maker, term: Term) -> Term:
    found = maker.number(term, "an array's item")
    if found.kind != "integer":
        raise maker.error(term, "is no whole number, but an array's items are counted from 1")
    return found


def _counted(at: Term) -> str:
    """An index that counts from the front: the database takes negative ones from the end."""
    value: Any = at.constant
    if isinstance(value, int) and value > 0:
        return at.sql
    return f"CASE WHEN {at.sql} >= 1 THEN {at.sql} END"


def _width(of: Term) -> int | None:
    """How long a row is of a list that stands for a table of two dimensions."""
    metadata = dict(of.column.metadata) if of.column is not None else {}
    shape = re.findall(r"\d+", metadata.get(b"tdim", b"").decode())
    return int(shape[0]) if len(shape) == 2 else None


def _value(maker: Maker, tree: Call, sql: str, arguments: tuple[Term, ...], kind: Kind) -> Term:
    """A value of an array, of a kind; numbers are of 64 bits, NULL for NaN."""
    of = arguments[0]
    if kind == "float":
        double = f"CAST({sql} AS DOUBLE)"
        sql = f"(CASE WHEN NOT isnan({double}) THEN {double} END)"
    elif kind in ("integer", "boolean"):
        sql, kind = f"CAST({sql} AS BIGINT)", "integer"
    return maker.made(sql, kind, tree, arguments, name=of.name, unit=of.unit)
