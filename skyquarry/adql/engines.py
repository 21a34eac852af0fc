"""Our SQL in the words of other engines: what they lack, and what they mean by the same words.

From their documentation: Trino's list of functions (https://trino.io/docs/current/functions/list.html),
Spark's (https://spark.apache.org/docs/latest/api/sql/); Spark's are tried on Spark itself in
`tests/adql/test_spark.py`, where it is installed.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

import sqlglot
from sqlglot import exp
from sqlglot.tokens import TokenType

if TYPE_CHECKING:
    from collections.abc import Callable

    Form = Callable[[Any], Any]

_BOTH: Final = """
    ABS ACOS ASIN ATAN ATAN2 AVG CAST CEIL COALESCE CONCAT CORR COS COUNT COVAR_SAMP DEGREES EXP
    FLOOR GREATEST LEAST LISTAGG LN LOG10 LOWER MAX MIN NULLIF PI POWER RADIANS RAND
    REGEXP_EXTRACT_ALL REGR_INTERCEPT REGR_SLOPE ROUND SIN SLICE SPLIT SQRT STDDEV_SAMP SUM TAN
    UPPER VARIANCE VAR_SAMP
"""
_TRINO: Final = """
    BITWISE_AND BITWISE_AND_AGG BITWISE_OR BITWISE_OR_AGG BITWISE_RIGHT_SHIFT CARDINALITY CONTAINS
    ELEMENT_AT INFINITY IS_NAN NAN SUBSTR TIMESTAMP TRUNCATE
"""
_SPARK: Final = """
    ARRAY ARRAY_CONTAINS ARRAY_MAX ARRAY_MIN BIT_AND BIT_OR ISNAN LEFT MEDIAN REPLACE RINT
    SHIFTRIGHT SIZE TRY_ELEMENT_AT
"""
FUNCTIONS: Final = {
    "trino": frozenset((_BOTH + _TRINO).split()),
    "spark": frozenset((_BOTH + _SPARK).split()),
}
"""Functions that our SQL may call there: all are in the engine's own list, and mean there what they
mean here. Spark's REGR_R2 does not: of y that are all equal it is NULL, and 1 by the standard."""
REWRITTEN: Final = ("list_extract", "list_slice", "round_even")
"""Functions of our own database that are written otherwise for each engine."""
_WORDS: Final = """
    ALL AND AS BETWEEN BY DISTINCT ELSE EXCEPT EXISTS FROM GROUP HAVING ILIKE IN INTERSECT IS JOIN
    LIKE NOT ON OR ORDER SELECT THEN UNION USING VALUES WHEN WHERE WITH ZONES BINS
"""
"""What else stands before a parenthesis."""
_WHOLE: Final = 2**53
"""Numbers beyond it have no fraction."""


def in_words_of(tree: Any, dialect: str) -> Any:
    """The tree of a query with what an engine calls otherwise in its words; itself is changed."""
    forms = {**_COMMON, **_FORMS[dialect]}
    nodes: list[Any] = list(tree.walk())
    for node in reversed(nodes):
        form = forms.get(type(node))
        made = node if form is None else form(node)
        if made is not node:
            node.replace(made)
    return tree


def calls_in(sql: str, dialect: str) -> list[str]:
    """The functions that a text calls and the engine does not have, by name."""
    tokens = sqlglot.tokenize(sql, read=dialect)
    quoted = (TokenType.STRING, TokenType.IDENTIFIER, TokenType.NUMBER)
    called = {
        word.text.upper()
        for word, after in pairwise(tokens)
        if after.token_type is TokenType.L_PAREN
        and word.token_type not in quoted
        and word.text[:1].isalpha()
    }
    words = set(_WORDS.split())  # a token may be two of them, as ORDER BY
    return sorted(each for each in called - FUNCTIONS[dialect] if not words >= set(each.split()))


def ordered_once(tree: Any) -> Any:
    """SELECT * FROM (... ORDER BY ...) LIMIT n with its limit where the order is.

    Engines may forget the order of a query that stands in FROM.
    """
    inner = tree.args["from_"].this if tree.args.get("from_") else None
    own, limit = getattr(inner, "this", None), tree.args.get("limit")
    if not isinstance(own, exp.Select) or limit is None or not own.args.get("order"):
        return tree
    had = own.args.get("limit")
    rows = [int(each.expression.name) for each in (limit, had) if each is not None]
    made = own.copy().limit(min(rows))
    made.set("with_", tree.args.get("with_"))
    return made


# ------------------------------------------------------------------ forms of both
def _called(name: str, *arguments: Any) -> Any:
    return exp.Anonymous(this=name, expressions=list(arguments))


def _copied(text: str, **parts: Any) -> Any:
    """A text of SQL as a tree, with trees in the place of names."""
    tree = sqlglot.parse_one(text)
    for each in list(tree.find_all(exp.Column)):
        part = parts[each.name].copy()
        each.replace(exp.Paren(this=part) if isinstance(part, exp.Binary) else part)
    return exp.Paren(this=tree)


def _in_list(node: Any) -> Any:
    """A long list of numbers, which is one text for our database: number by number."""
    asked = node.args["query"].this if node.args.get("query") else None
    if not isinstance(asked, exp.Select) or asked.args.get("from_"):
        return node
    whole = asked.find(exp.DataType).expressions[0].is_type("bigint")
    words = asked.find(exp.Literal).name.strip("[]").split(", ")
    return exp.In(this=node.this, expressions=[_number(each, whole=whole) for each in words])


def _number(word: str, *, whole: bool) -> Any:
    text = word.removeprefix("-")
    found = exp.Literal.number(text if whole or "e" in text else f"{text}e0")
    return exp.Neg(this=found) if word.startswith("-") else found


def _logarithm(node: Any) -> Any:
    """LOG(10, x) is the quotient of two logarithms there: 2.9999999999999996 of 1000."""
    return _called("LOG10", node.expression) if node.this.name == "10" else node


# ------------------------------------------------------------------ forms of Trino
def _trino_call(node: Any) -> Any:
    arguments = node.expressions
    if node.name == "list_extract":
        return _called("ELEMENT_AT", *arguments)
    if node.name == "list_slice":
        return _called("SLICE", *_from_and_length(arguments))
    if node.name == "round_even":
        half = "ABS(x - TRUNCATE(x)) = 0.5e0"
        return _copied(f"CASE WHEN {half} THEN 2 * ROUND(x / 2) ELSE ROUND(x) END", x=arguments[0])
    return node


def _from_and_length(arguments: list[Any]) -> list[Any]:
    """Of a list, its first and last item: where engines want the first and how many."""
    of, first, last = arguments
    return [of, first, _copied("last - first + 1", first=first, last=last)]


def _trino_cast(node: Any) -> Any:
    """Moments to the microsecond, as our own are; numbers that are none by their functions."""
    if node.to.is_type("timestamp", "timestampntz") and not node.to.expressions:
        node.set("to", exp.DataType.build("TIMESTAMP(6)", dialect="trino"))
    if isinstance(node.this, exp.Literal) and node.to.is_type("double"):
        words = {"inf": "INFINITY", "-inf": "INFINITY", "nan": "NAN"}
        word = str(node.this.name).lower()
        if word in words:
            made = _called(words[word])
            return exp.Paren(this=exp.Neg(this=made)) if word.startswith("-") else made
    return node


def _whole_division(node: Any) -> Any:
    """Trino divides whole numbers to whole ones by itself, to the last digit."""
    return exp.Div(this=node.this, expression=node.expression, typed=True, safe=False)


def _trino_joined(node: Any) -> Any:
    """LISTAGG says there in which order; ours has none where all texts are the same."""
    if not isinstance(node.this, exp.Order):
        of = node.this
        order = exp.Ordered(this=of.copy(), nulls_first=False)
        node.set("this", exp.Order(this=of.copy(), expressions=[order]))
    return node


# ------------------------------------------------------------------ forms of Spark
def _spark_call(node: Any) -> Any:
    arguments = node.expressions
    if node.name == "list_extract":
        return _called("TRY_ELEMENT_AT", arguments[0], _int(arguments[1]))
    if node.name == "list_slice":
        of, *ends = _from_and_length(arguments)
        return _called("SLICE", of, *(_int(each) for each in ends))
    if node.name == "round_even":
        return _called("RINT", arguments[0])
    return node


def _int(node: Any) -> Any:
    """Items of arrays are counted there by 32 bits."""
    return exp.cast(node.copy(), "int")


def _spark_floor(node: Any) -> Any:
    """Spark's are whole numbers of 64 bits, and beyond them the last one."""
    if not isinstance(node.this, exp.Cast):
        return node  # ours, of numbers that are small
    inner = type(node)(this=node.this.copy())
    return _small_or_itself(inner, node.this)


def _spark_truncated(node: Any) -> Any:
    return _small_or_itself(exp.cast(node.this.copy(), "bigint"), node.this)


def _small_or_itself(whole: Any, of: Any) -> Any:
    text = f"CASE WHEN ABS(x) < {_WHOLE} THEN CAST(made AS DOUBLE) ELSE x END"
    return _copied(text, x=of, made=whole)


def _spark_like(node: Any) -> Any:
    """A backslash is an escape there, and a letter like others here."""
    pattern = node.expression
    if isinstance(pattern, exp.Literal):
        pattern.set("this", pattern.name.replace("\\", "\\\\"))
        return node
    one, two = (exp.Literal.string("\\" * n) for n in (1, 2))
    node.set("expression", _called("REPLACE", pattern.copy(), one, two))
    return node


def _spark_length(node: Any) -> Any:
    """SIZE of NULL is -1 there, unless a setting says otherwise."""
    size = _called("SIZE", node.this.copy())
    return _copied("CASE WHEN NOT v IS NULL THEN n END", v=node.this, n=size)


_COMMON: Final[dict[type, Form]] = {exp.Log: _logarithm, exp.In: _in_list}
_FORMS: Final[dict[str, dict[type, Form]]] = {
    "trino": {
        exp.Anonymous: _trino_call,
        exp.Cast: _trino_cast,
        exp.GroupConcat: _trino_joined,
        exp.IntDiv: _whole_division,
        exp.Length: lambda node: _called("CARDINALITY", node.this),
    },
    "spark": {
        exp.Anonymous: _spark_call,
        exp.Floor: _spark_floor,
        exp.Ceil: _spark_floor,
        exp.Trunc: _spark_truncated,
        exp.Like: _spark_like,
        exp.ILike: _spark_like,
        exp.Length: _spark_length,
    },
}
