"""Sentences drawn from the productions of ADQL 2.1 (appendix A), each of which has to be read.

And sentences with a word too many, too few, or another: read where the productions make them, which
a second reader of all context-free grammars tells (Earley 1970), refused where they do not. And
sentences that are asked: what is understood is answered.

The productions stand here as the standard has them, in words of its own, and know nothing of the
reader. Where the reader asks for more than the BNF (`design/query.md`), so do they: a join has a
condition unless it is NATURAL, and a user's function has a prefix of a service. Where it asks for
less, so do they: a star beside columns, a name for joins in parentheses, REGION of any text (2.0).
"""

from __future__ import annotations

import random
import re
from itertools import pairwise

import pyarrow as pa
import pytest

from skyquarry.adql.asking import query
from skyquarry.adql.text.grammar import parse
from skyquarry.errors import QueryError

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
column: value as? | value as? | qualifier . * | *
as: AS name | name
qualifier: name | name . name | name . name . name
tables: table | table | tables , table
table: table_name as? | ( select_expression ) as | joined | ( joined ) as
table_name: name | name . name | name . name . name
joined: table join_type? JOIN table join_how | table NATURAL join_type? JOIN table | ( joined )
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
    frame? center , number ) | POINT ( frame? pair ) | polygon | REGION ( text ) | udf
frame: string ,
center: pair | point
pair: number , number
point: POINT ( frame? pair ) | CENTROID ( geometry ) | udf | reference
polygon: POLYGON ( frame? pair , pair , pair ) | POLYGON ( frame? point , point , point , point
    ) | POLYGON ( pair , pair , pair , pair )
udf: udf_name ( ) | udf_name ( values )
literal: digits | real
"""
SENTENCES = 250
"""Changed sentences of each seed."""
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


# ------------------------------------------------------------ a reader of any grammar
def _without_options(choice: list[str]) -> list[tuple[str, ...]]:
    """A choice with each of its optional words, and without it."""
    found: list[tuple[str, ...]] = [()]
    for word in choice:
        bare = word.removesuffix("?")
        longer = [(*each, bare) for each in found]
        found = longer + found if word.endswith("?") else longer
    return found


_CHOICES = {
    name: list(dict.fromkeys(plain for each in choices for plain in _without_options(each)))
    for name, choices in _RULES.items()
}


def made_by_the_standard(words: list[str]) -> bool:
    """Whether the productions make these words (Earley's algorithm; none of them is empty)."""
    chart: list[dict] = [{} for _ in range(len(words) + 1)]
    chart[0] = {("query", choice, 0, 0): None for choice in _CHOICES["query"]}
    for at in range(len(words) + 1):
        todo = list(chart[at])
        while todo:
            name, choice, done, start = todo.pop()
            if done == len(choice):
                wider = [
                    (n, c, d + 1, s) for n, c, d, s in chart[start] if d < len(c) and c[d] == name
                ]
                new = [each for each in wider if each not in chart[at]]
            elif choice[done] in _RULES:
                new = [(choice[done], each, 0, at) for each in _CHOICES[choice[done]]]
                new = [each for each in new if each not in chart[at]]
            else:
                if at < len(words) and _fits(choice[done], words[at]):
                    chart[at + 1][name, choice, done + 1, start] = None
                continue
            chart[at].update(dict.fromkeys(new))
            todo += new
    return any(
        name == "query" and done == len(choice) and not start
        for name, choice, done, start in chart[-1]
    )


def _fits(wanted: str, word: str) -> bool:
    if wanted == "name":
        return word in NAMES or word in WORDS["udf_name"]
    return word in WORDS[wanted] if wanted in WORDS else word == wanted


def _mutant(draw: random.Random, words: list[str], others: list[str]) -> list[str]:
    """The words with one lost, doubled, exchanged with the next, or another in its place."""
    at, found = draw.randrange(len(words)), list(words)
    kind = draw.choice(("lost", "doubled", "exchanged", "another", "more"))
    if kind == "lost":
        del found[at]
    elif kind == "doubled":
        found.insert(at, words[at])
    elif kind == "exchanged":
        found[at : at + 2] = reversed(found[at : at + 2])
    elif kind == "another":
        found[at] = draw.choice(others)
    else:
        found.insert(at, draw.choice(others))
    return found


def _names_offset(words: list[str]) -> bool:
    """Whether OFFSET stands where it can be but a name: by no list is it reserved."""
    return any(a == "OFFSET" and not b.isdecimal() for a, b in pairwise([*words, ""]))


def _is_read(text: str) -> bool:
    try:
        parse(text)
    except QueryError:
        return False
    return True


@pytest.mark.parametrize("seed", range(4))
def test_a_sentence_with_a_word_changed_is_read_if_the_standard_makes_it(seed):
    draw = random.Random(f"mutants {seed}")
    wrong, made, judged = [], 0, 0
    while judged < SENTENCES:
        words = sentence(draw, "query", draw.choice((8, 12, 14)))
        mutant = _mutant(draw, words, sentence(draw, "query", 12))
        if len(words) > 45 or _names_offset(mutant):
            continue
        judged += 1
        wanted = made_by_the_standard(mutant)
        made += wanted
        if _is_read(" ".join(mutant)) is not wanted:
            wrong.append((wanted, " ".join(mutant)))
    assert wrong == []
    assert SENTENCES / 50 < made < SENTENCES / 2


@pytest.mark.parametrize("room", [8, 12, 16, 22])
def test_a_sentence_of_the_standard_s_grammar_is_read(room):
    draw = random.Random(room)
    for _ in range(150):
        text = _written(draw, sentence(draw, "query", room))
        assert parse(text).body, text


def _tables() -> dict[str, pa.Table]:
    """A small table of each name, with a column of each: numbers mostly, in some places texts."""
    plain = [name.strip('"').replace('""', '"') for name in NAMES]
    kinds = ([1, -2, None, 0], [0.5, None, -30.0, 7.25], ["a", "b", None, "km/s"])
    return {
        table: pa.table(
            {name: kinds[2 if i + k == 11 else (i + k) % 2] for i, name in enumerate(plain)}
        )
        for k, table in enumerate(plain)
    }


@pytest.mark.parametrize("seed", range(2))
def test_a_sentence_that_is_understood_is_answered(seed):
    """What is wrong with the others is a QueryError, and no fault of the database or of ours."""
    draw, tables, answered = random.Random(f"asked {seed}"), _tables(), 0
    for _ in range(150):
        text = " ".join(sentence(draw, "query", draw.choice((8, 12, 16))))
        try:
            plan = query(text, uploads=tables, limit=50, timeout=60)
            assert plan.explain()
            plan.to_table()
        except QueryError:
            continue
        except Exception as error:
            error.add_note(text)
            raise
        answered += 1
    assert answered > 10


def test_a_point_after_a_keyword_begins_a_number():
    query = parse("SELECT a FROM t WHERE a BETWEEN .5 AND .75 GROUP BY .5 ORDER BY.5")
    assert query.order[0].value.value == 0.5
