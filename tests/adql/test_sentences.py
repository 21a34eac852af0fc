"""Sentences drawn from the productions of ADQL 2.1 (appendix A), each of which has to be read.

The productions stand here as the standard has them, in words of its own, and know nothing of the
reader. Where the reader asks for more than the BNF (`design/query.md`), so do they: a join has a
condition unless it is NATURAL, and a user's function has a prefix of a service.
"""

from __future__ import annotations

import random
import re

import pytest

from skyquarry.adql.grammar import parse

BNF = """
query: with? select_expression
with: WITH name AS ( select_expression ) more_with?
more_with: , name AS ( select_expression )
select_expression: set_expression order? offset?
set_expression: set_term | set_term | set_expression UNION all? set_term | set_expression EXCEPT
    all? set_term
set_term: set_primary | set_primary | set_term INTERSECT all? set_primary
set_primary: select | select | select | ( select_expression )
all: ALL
select: SELECT quantifier? top? list FROM tables where? group? having?
quantifier: DISTINCT | ALL
top: TOP digits
list: * | columns | columns
columns: column | columns , column
column: value as? | qualifier . *
as: AS name | name
qualifier: name | name . name | name . name . name
tables: table | table | tables , table
table: table_name as? | ( select_expression ) as | joined
table_name: name | name . name | name . name . name
joined: table_name as? join_type? JOIN table_name as? join_how | table_name NATURAL join_type?
    JOIN table_name | ( joined )
join_type: INNER | LEFT | RIGHT OUTER | FULL OUTER | LEFT OUTER
join_how: ON condition | USING ( name ) | USING ( name , name )
where: WHERE condition
group: GROUP BY value | GROUP BY value , value
having: HAVING condition
order: ORDER BY order_term | ORDER BY order_term , order_term
order_term: value | value ASC | value DESC | digits DESC
offset: OFFSET digits
condition: and | and | condition OR and
and: factor | factor | and AND factor
factor: primary_condition | primary_condition | NOT primary_condition
primary_condition: predicate | predicate | ( condition )
predicate: value comparison value | value not? BETWEEN value AND value | value not? IN ( values
    ) | value not? IN ( select_expression ) | text not? LIKE text | text not? ILIKE text |
    reference IS not? NULL | EXISTS ( select_expression ) | geometry_number = value
not: NOT
comparison: = | <> | != | < | > | <= | >=
values: value | values , value
value: number | number | number | text | geometry | NULL
number: term | term | number + term | number - term
term: signed | signed | term * signed | term / signed
signed: number_primary | number_primary | number_primary | + number_primary | - number_primary
number_primary: primary | primary | primary | function | geometry_number | udf
primary: literal | reference | reference | set_function | cast | COALESCE ( values ) | ( value )
reference: name | name | name . name | name . name . name | name . name . name . name
set_function: COUNT ( * ) | aggregate ( quantifier? value )
aggregate: AVG | MAX | MIN | SUM | COUNT
cast: CAST ( value AS type )
type: SMALLINT | INTEGER | BIGINT | REAL | DOUBLE PRECISION | CHAR | CHAR ( digits ) | VARCHAR |
    VARCHAR ( digits ) | TIMESTAMP | POINT | CIRCLE | POLYGON
text: text_factor | text_factor | text || text_factor
text_factor: primary | string | COORDSYS ( geometry ) | LOWER ( text ) | UPPER ( text ) | udf
function: one ( number ) | two ( number , number ) | PI ( ) | RAND ( ) | RAND ( digits ) |
    rounding ( number ) | rounding ( number , integer ) | IN_UNIT ( number , string )
one: ABS | CEILING | DEGREES | EXP | FLOOR | LOG | LOG10 | RADIANS | SQRT | ACOS | ASIN | ATAN |
    COS | COT | SIN | TAN
two: MOD | POWER | ATAN2
rounding: ROUND | TRUNCATE
integer: digits | + digits | - digits
geometry_number: CONTAINS ( geometry , geometry ) | INTERSECTS ( geometry , geometry ) | AREA (
    geometry ) | COORD1 ( point ) | COORD2 ( point ) | DISTANCE ( point , point ) | DISTANCE (
    number , number , number , number )
geometry: primary | BOX ( frame? center , number , number ) | CENTROID ( geometry ) | CIRCLE (
    frame? center , number ) | POINT ( frame? pair ) | polygon | REGION ( string ) | udf
frame: string ,
center: pair | point
pair: number , number
point: POINT ( frame? pair ) | CENTROID ( geometry ) | udf | reference
polygon: POLYGON ( frame? pair , pair , pair ) | POLYGON ( frame? point , point , point , point
    ) | POLYGON ( pair , pair , pair , pair )
udf: udf_name ( ) | udf_name ( values )
literal: digits | real
"""
NAMES = ("a", "Ra", "b_1", "t", "offs", '"x y"', '"select"', '"a""b"', "cot", "flux_90", "Z")
WORDS = {
    "name": NAMES,
    "digits": ("0", "7", "12"),
    "real": ("1.", ".5", "2.25", "1e3", "4.5E-2", ".5e+1", "3.e0"),
    "string": ("''", "'ICRS'", "'it''s'", "'--'", "'km/s'"),
    "udf_name": ("ivo_healpix_index", "gavo_x", "Gaia_f2", "eso_g"),
}
_LINES = re.sub(r"\n    ", " ", BNF.strip()).splitlines()
_RULES = {
    name: [choice.split() for choice in re.split(r" \| ", body)]
    for name, body in (line.split(": ", 1) for line in _LINES)
}


def _least() -> dict[str, int]:
    """How deep a sentence of each production is at least."""
    depth = dict.fromkeys(WORDS, 0)
    for _ in range(len(_RULES)):
        for name, choices in _RULES.items():
            known = [
                max((depth.get(w, 99) if w in _RULES or w in WORDS else 0 for w in each), default=0)
                for each in ([w for w in choice if not w.endswith("?")] for choice in choices)
            ]
            depth[name] = min(depth.get(name, 99), 1 + min(known))
    return depth


_DEPTH = _least()


def sentence(draw: random.Random, name: str, room: int) -> list[str]:
    """Words of a production, no deeper than there is room, as far as it can be so shallow."""
    if name in WORDS:
        return [draw.choice(WORDS[name])]
    if name not in _RULES:
        return [name]
    choices = _RULES[name]
    fitting = [each for each in choices if _need(each) < room]
    words = draw.choice(fitting) if fitting else min(choices, key=_need)
    found: list[str] = []
    for word in words:
        if word.endswith("?"):
            if draw.random() < 0.4 and _DEPTH[word[:-1]] < room:
                found += sentence(draw, word[:-1], room - 1)
        else:
            found += sentence(draw, word, room - 1)
    return found


def _need(words: list[str]) -> int:
    return max((_DEPTH.get(word, 0) for word in words if not word.endswith("?")), default=0)


def _written(draw: random.Random, words: list[str]) -> str:
    """With spaces, newlines, comments or nothing between words, keywords in any case."""
    text = " ".join(words)
    if draw.random() < 0.3:
        kept = re.split(r"('(?:[^']|'')*'|\"(?:[^\"]|\"\")*\")", text)
        text = "".join(each if i % 2 else _packed(each) for i, each in enumerate(kept))
    if draw.random() < 0.3:
        text = re.sub(r" (SELECT|FROM|WHERE|AND|OR) ", r" -- it's a remark\n\t\1\r\n", text)
    return text.lower() if draw.random() < 0.3 else text


def _packed(text: str) -> str:
    """Without spaces beside signs, but where two signs would run together."""
    text = re.sub(r" ?([(),=]) ?", r"\1", text)
    return re.sub(r"([)\w]) ([<>*/]) ([\w(])", r"\1\2\3", text)


@pytest.mark.parametrize("room", [8, 12, 16, 22])
def test_a_sentence_of_the_standard_s_grammar_is_read(room):
    draw = random.Random(room)
    for _ in range(150):
        text = _written(draw, sentence(draw, "query", room))
        assert parse(text).body, text


def test_a_point_after_a_keyword_begins_a_number():
    query = parse("SELECT a FROM t WHERE a BETWEEN .5 AND .75 GROUP BY .5 ORDER BY.5")
    assert query.order[0].value.value == 0.5
