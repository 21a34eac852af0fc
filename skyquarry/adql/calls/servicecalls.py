"""Functions that services beside ours have and that are a line of SQL: texts, numbers, spectra.

Names and meanings are those of IVOA's catalogue of user-defined functions, of ESA's archives
(`esdc_`), of ESO's and of GAVO's, so that a query that was written for one of them runs here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from skyquarry.adql.calls.units import spectral
from skyquarry.adql.kinds import literal

if TYPE_CHECKING:
    from collections.abc import Callable

    from skyquarry.adql.making import Maker
    from skyquarry.adql.terms import Term
    from skyquarry.adql.text.syntax import Call

    Terms = tuple[Term, ...]


@dataclass(frozen=True, slots=True)
class Line:
    """A function as a line of SQL."""

    sql: str
    """{0}, {1} are its arguments."""
    takes: str
    """A letter for each: n a number, i a whole one, t a text."""
    gives: str
    usage: str
    does: str


_GREATEST: Final = Line("greatest({0}, {1})", "nn", "n", "greatest(x, y)", "the greater of two")
_LEAST: Final = Line("least({0}, {1})", "nn", "n", "least(x, y)", "the smaller of two")
_LENGTH: Final = Line("length({0})", "t", "integer", "length(text)", "how many characters it has")
_SUBSTRING: Final = Line(
    "substring({0}, greatest({1}, 1), greatest({2}, 0))", "tii", "text",
    "esdc_substring(text, start, length)", "so many characters from a place on, the first being 1",
)  # fmt: skip
LINES: Final[dict[str, Line]] = {
    "GREATEST": _GREATEST,
    "ESDC_GREATEST": _GREATEST,
    "LEAST": _LEAST,
    "ESDC_LEAST": _LEAST,
    "CBRT": Line("cbrt({0})", "n", "float", "cbrt(x)", "the cube root"),
    "SQUARE": Line("({0} * {0})", "n", "n", "square(x)", "the square"),
    "SIGN": Line("sign({0})", "n", "integer", "sign(x)", "-1, 0 or 1"),
    "LENGTH": _LENGTH,
    "ESDC_LENGTH": _LENGTH,
    "REPLACE": Line(
        "replace({0}, {1}, {2})", "ttt", "text", "replace(text, what, by)", "a text changed"
    ),
    "CONCAT": Line("concat({0}, {1})", "tt", "text", "concat(a, b)", "two texts; NULL is empty"),
    "ESDC_LEFT": Line(
        "left({0}, {1})", "ti", "text", "esdc_left(text, n)", "the first; less the last -n"
    ),
    "ESDC_RIGHT": Line(
        "right({0}, {1})", "ti", "text", "esdc_right(text, n)", "the last; less the first -n"
    ),
    "ESDC_POSITION": Line(
        "strpos({1}, {0})", "tt", "integer", "esdc_position(what, text)",
        "where it begins, from 1; 0 where it does not stand there",
    ),
    "ESDC_SUBSTRING": _SUBSTRING,
    "ESO_SUBSTRING": _SUBSTRING,
    "ESDC_TRANSLATE": Line(
        "translate({0}, {1}, {2})", "ttt", "text", "esdc_translate(text, from, to)",
        "each character of one list made that of the other",
    ),
    "ESDC_NULLIF": Line(
        "nullif({0}, {1})", "tt", "text", "esdc_nullif(a, b)", "a, or NULL where it is b"
    ),
    "ESDC_TO_CHAR": Line("CAST({0} AS VARCHAR)", "n", "text", "esdc_to_char(x)", "as a text"),
    "ESDC_TO_DOUBLE": Line("CAST({0} AS DOUBLE)", "n", "float", "esdc_to_double(x)", "as a number"),
    "ESDC_TO_REAL": Line("CAST({0} AS FLOAT)", "n", "float", "esdc_to_real(x)", "of 32 bits"),
    **{
        f"ESDC_TO_{word}": Line(
            f"CAST({{0}} AS {word})", "n", "integer", f"esdc_to_{word.lower()}(x)", "rounded"
        )
        for word in ("BIGINT", "INTEGER", "SMALLINT")
    },
    "GAVO_GETAUTHORITY": Line(
        "nullif(regexp_extract({0}, '^[A-Za-z][A-Za-z0-9+.-]*://([^/?#]+)', 1), '')", "t", "text",
        "gavo_getauthority(ivoid)", "the authority of an IVOA identifier",
    ),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Made:
    """A function that needs more than a line."""

    make: Callable[[Maker, Call, Any], Term]
    usage: str
    does: str


def called(maker: Maker, tree: Call, arguments: Terms) -> Term:
    """The value of such a function."""
    found = CALLS[tree.key]
    if isinstance(found, Made):
        return found.make(maker, tree, arguments)
    if len(arguments) != len(found.takes):
        raise _count(maker, tree, found.usage)
    takes = zip(found.takes, arguments, strict=True)
    of = tuple(_taken(maker, tree, letter, each) for letter, each in takes)
    kind: Any = found.gives
    if kind == "n":
        kind = "integer" if all(each.kind in ("integer", "null") for each in of) else "float"
    unit = of[0].unit if found.gives == "n" and len({each.unit for each in of}) == 1 else ""
    unit = "" if tree.key == "SQUARE" else unit
    sql = f"({found.sql.format(*(each.sql for each in of))})"
    return maker.made(sql, kind, tree, of, name=tree.name.lower(), unit=unit)


def _count(maker: Maker, tree: Call, usage: str) -> Exception:
    return maker.error(tree, f"has other arguments than it takes: {usage}")


def _taken(maker: Maker, tree: Call, letter: str, term: Term) -> Term:
    if letter == "t":
        return maker.text(term, tree.name)
    found = maker.number(term, tree.name)
    if letter == "i" and found.kind not in ("integer", "null"):
        raise maker.error(term, f"is no whole number, but {tree.name} needs one here")
    return found


def _specconv(maker: Maker, tree: Call, arguments: Terms) -> Term:
    """A wavelength, frequency or energy as one in another unit: k x, or k / x."""
    usage = "ivo_specconv(x, 'GHz') of a column with a unit, or ivo_specconv(x, 'nm', 'GHz')"
    if len(arguments) not in (2, 3):
        raise _count(maker, tree, usage)
    of = maker.number(arguments[0], tree.name)
    for each in arguments[1:]:
        if not isinstance(each.constant, str):
            raise maker.error(each, "is no unit: write one in quotes, as 'nm'")
    unit = str(arguments[1].constant) if len(arguments) == 3 else of.unit
    if not unit:
        raise maker.error(arguments[0], f"has no unit that is known: {usage}")
    factor, power = spectral(maker, arguments[-1], unit, str(arguments[-1].constant))
    sql = f"({of.sql} * {literal(factor)})"
    if power < 0:
        sql = f"({literal(factor)} / nullif({of.sql}, 0))"
    wanted = str(arguments[-1].constant)
    return maker.made(sql, "float", tree, (of,), name=of.name or "specconv", unit=wanted)


def _div(maker: Maker, tree: Call, arguments: Terms) -> Term:
    """The whole quotient, towards zero: of whole numbers to the last digit."""
    if len(arguments) != 2:
        raise _count(maker, tree, "div(x, y)")
    x, y = (maker.number(each, tree.name) for each in arguments)
    sql = f"CAST(trunc({x.sql} / CAST(nullif({y.sql}, 0) AS DOUBLE)) AS BIGINT)"
    if {x.kind, y.kind} <= {"integer", "null"}:
        sql = f"({x.sql} // nullif({y.sql}, 0))"
    return maker.made(sql, "integer", tree, (x, y), name="div")


def _match(maker: Maker, tree: Call, arguments: Terms) -> Term:
    """Whether a regular expression fits somewhere in a text."""
    usage = "gavo_match(pattern, text)"
    if len(arguments) != 2:
        raise _count(maker, tree, usage)
    pattern, of = (maker.text(each, tree.name) for each in arguments)
    if not isinstance(pattern.constant, str):
        raise maker.error(pattern, f"is no pattern: write a text in quotes, {usage}")
    _check_pattern(maker, pattern, pattern.constant)
    sql = f"CAST(regexp_matches({of.sql}, {pattern.sql}) AS BIGINT)"
    return maker.made(sql, "integer", tree, (pattern, of), name="match")


def _check_pattern(maker: Maker, at: Term, pattern: str) -> None:
    """Raises QueryError for what RE2, which the database has too, cannot read."""
    import pyarrow as pa
    import pyarrow.compute as pc

    try:
        pc.match_substring_regex(pa.array([""]), pattern)
    except pa.ArrowInvalid as error:
        why = str(error).removeprefix("Invalid regular expression: ")
        raise maker.error(at, f"is no regular expression (RE2): {why}") from None


def _apply_pm(maker: Maker, tree: Call, arguments: Terms) -> Term:
    """A place moved in the tangential plane, by degrees a year."""
    from skyquarry.adql.calls.casting import geometry_term
    from skyquarry.adql.geometry.shapes import Point

    if len(arguments) != 5:
        raise _count(maker, tree, "ivo_apply_pm(ra, dec, pmra, pmdec, years), all of degrees")
    of = tuple(maker.number(each, tree.name) for each in arguments)
    ra, dec, east, north, years = (each.sql for each in of)
    xi, eta = f"radians({east} * {years})", f"radians({north} * {years})"
    delta = f"radians({dec})"
    away = f"(cos({delta}) - {eta} * sin({delta}))"
    turned = f"({ra} + degrees(atan2({xi}, {away})))"
    lon = f"({turned} - 360 * floor({turned} / 360))"
    high = f"(sin({delta}) + {eta} * cos({delta}))"
    lat = f"degrees(atan2({high}, sqrt({away} * {away} + {xi} * {xi})))"
    parts = [maker.made(sql, "float", tree, of, unit="deg") for sql in (lon, lat)]
    return geometry_term(Point(*parts), tree, "point")


_SPECTRAL: Final = Made(
    _specconv, "ivo_specconv(x, to), ivo_specconv(x, from, to)",
    "a wavelength, frequency or energy in another unit",
)  # fmt: skip
_MOVED: Final = Made(
    _apply_pm, "ivo_apply_pm(ra, dec, pmra, pmdec, years)",
    "a point moved in the tangential plane, by degrees a year; better `ivo_epoch_prop_pos`",
)  # fmt: skip
CALLS: Final[dict[str, Line | Made]] = {
    **LINES,
    "DIV": Made(_div, "div(x, y)", "the whole quotient, towards zero"),
    "IVO_SPECCONV": _SPECTRAL,
    "GAVO_SPECCONV": _SPECTRAL,
    "IVO_APPLY_PM": _MOVED,
    "GAVO_APPLY_PM": _MOVED,
    "GAVO_MATCH": Made(
        _match, "gavo_match(pattern, text)", "1 where a regular expression (RE2) fits, else 0"
    ),
}
