"""ADQL's functions of numbers as SQL: what has no value is NULL, never NaN or an error.

LOG is natural. MOD has the sign of what is divided. ROUND goes away from zero at a half. A root or
logarithm outside its range, or a division by zero, is NULL, so that one odd row spoils no query.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import reduce
from operator import or_
from typing import TYPE_CHECKING, Any, Final

from skyquarry.adql.calls.units import conversion
from skyquarry.adql.infinities import is_wild, tame_of, tested
from skyquarry.adql.kinds import literal
from skyquarry.adql.terms import Term

if TYPE_CHECKING:
    from skyquarry.adql.infinities import Tame
    from skyquarry.adql.making import Maker
    from skyquarry.adql.text.syntax import Call


@dataclass(frozen=True, slots=True)
class Form:
    """How a function is written: {0}, {1} are its arguments."""

    sql: str
    kind: str = "float"
    unit: str = ""
    """"same": that of the argument."""


FORMS: Final[dict[str, Form]] = {
    "ABS": Form("abs({0})", "same", "same"),
    "CEILING": Form("ceil(CAST({0} AS DOUBLE))", unit="same"),
    "FLOOR": Form("floor(CAST({0} AS DOUBLE))", unit="same"),
    "DEGREES": Form("degrees({0})", unit="deg"),
    "RADIANS": Form("radians({0})", unit="rad"),
    "EXP": Form("exp({0})"),
    "LOG": Form("(CASE WHEN {0} > 0 THEN ln({0}) END)"),
    "LOG10": Form("(CASE WHEN {0} > 0 THEN log10({0}) END)"),
    "SQRT": Form("(CASE WHEN {0} >= 0 THEN sqrt({0}) END)"),
    "ACOS": Form("(CASE WHEN abs({0}) <= 1 THEN acos({0}) END)", unit="rad"),
    "ASIN": Form("(CASE WHEN abs({0}) <= 1 THEN asin({0}) END)", unit="rad"),
    "ATAN": Form("atan({0})", unit="rad"),
    "COS": Form("cos({0})"),
    "SIN": Form("sin({0})"),
    "TAN": Form("tan({0})"),
    "COT": Form("(cos({0}) / nullif(sin({0}), 0))"),
    "ATAN2": Form("atan2({0}, {1})", unit="rad"),
    "MOD": Form("({0} % nullif({1}, 0))", "same"),
    "POWER": Form("power(CAST({0} AS DOUBLE), {1})"),
    "PI": Form("pi()"),
    "RAND": Form("random()"),
    "ROUND": Form("", "same", "same"),
    "TRUNCATE": Form("", "same", "same"),
    "IN_UNIT": Form(""),
}


_OF_FINITE: Final = ("SIN", "COS", "TAN", "COT", "MOD")
"""Those that infinity has no value of."""
_TAME: Final = (
    "ABS", "CEILING", "FLOOR", "DEGREES", "RADIANS", "LOG", "LOG10", "SQRT", "ACOS", "ASIN", "ATAN",
    "ATAN2", "COS", "SIN", "TAN", "MOD",
)  # fmt: skip
"""Those that are finite where their arguments are."""
_DIGITS: Final = 18
"""of whole numbers of 64 bits that may all be nines"""


def called(maker: Maker, tree: Call, arguments: tuple[Term, ...]) -> Term:
    """The value of a function of numbers."""
    key = tree.key
    if key == "IN_UNIT":
        return _in_unit(maker, tree, arguments)
    if key == "PI":
        return Term(literal(math.pi), "float", tree.span, "pi", constant=math.pi)
    if key == "RAND":
        return Term("random()", "float", tree.span, "rand")
    numbers = tuple(maker.number(each, key) for each in arguments)
    kinds = {each.kind for each in numbers}
    form = FORMS[key]
    kind: Any = "null" if "null" in kinds else "float"
    if form.kind == "same" and kinds == {"integer"}:
        kind = "integer"
    unit = numbers[0].unit if form.unit == "same" else form.unit
    sql = _written(key, form, numbers, kind)
    made = maker.made(sql, kind, tree, numbers, name=key.lower(), unit=unit)
    if kind != "float" or made.aggregated:
        return made
    if key in _OF_FINITE and is_wild(maker.state, numbers[0]):
        made = replace(made, sql=tested(sql))
    return replace(made, tame=_tame(key, numbers))


def _tame(key: str, numbers: tuple[Term, ...]) -> Tame | None:
    """What keeps a function finite."""
    each = [tame_of(number) for number in numbers]
    power: Any = numbers[1].constant if key == "POWER" else None
    if each[0] is not None and isinstance(power, int) and power >= 0:
        return each[0].multiplied(each[0].factors * power)
    if key not in _TAME or None in each:
        return None
    return reduce(or_, each)


def _written(key: str, form: Form, numbers: tuple[Term, ...], kind: str) -> str:
    if key in ("ROUND", "TRUNCATE"):
        return _rounded(key, numbers, kind)
    if key == "POWER":
        raised = form.sql.format(*(each.sql for each in numbers))
        return raised if isinstance(numbers[1].constant, int) else tested(raised)
    return form.sql.format(*(each.sql for each in numbers))


def _rounded(key: str, numbers: tuple[Term, ...], kind: str) -> str:
    of = numbers[0].sql
    places = int(numbers[1].constant or 0) if len(numbers) > 1 else 0
    name = "round" if key == "ROUND" else "trunc"
    if kind == "integer" and places >= 0:
        return of
    if kind == "integer" and places >= -_DIGITS:
        return _whole_rounded(key, of, -places)
    double = f"CAST({of} AS DOUBLE)"
    if not places:
        return f"{name}({double})"
    if places > 0:
        scale = literal(10.0 ** min(places, 300))
        found = f"({name}({double} * {scale}) / {scale})"
    else:
        scale = literal(10.0 ** min(-places, 300))
        found = f"({name}({double} / {scale}) * {scale})"
    return f"CAST({found} AS BIGINT)" if kind == "integer" else found


def _whole_rounded(key: str, of: str, places: int) -> str:
    """A whole number to tens, hundreds ...: to the last digit, as a float would not have it."""
    rest = f"({of} % {10**places})"
    half, whole = 10**places // 2, 10**places
    up = f" + CASE WHEN {rest} >= {half} THEN {whole} WHEN {rest} <= -{half} THEN -{whole} "
    up += "ELSE 0 END"
    return f"({of} - {rest}{up if key == 'ROUND' else ''})"


def _in_unit(maker: Maker, tree: Call, arguments: tuple[Term, ...]) -> Term:
    """The value in another unit: its own is that of its column, or follows from those in it."""
    of, wanted = maker.number(arguments[0], "IN_UNIT"), arguments[1].constant
    if not of.unit:
        raise maker.error(
            arguments[0],
            "has no unit that is known, but IN_UNIT needs one: give the column a unit when it is "
            "built, or convert by hand",
        )
    factor = conversion(maker, arguments[1], of.unit, str(wanted))
    sql = f"({of.sql} * {literal(factor)})"
    return maker.made(sql, "float", tree, (of,), name=of.name, unit=str(wanted))
