"""Which texts are ADQL 2.1: rule by rule, and IVOA's own corpus."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from skyquarry.adql.text import names, syntax
from skyquarry.adql.text.grammar import parse
from skyquarry.errors import QueryError

VALID = """
SELECT * FROM t
select all (a+b)X from (p join q on(a between(b+and7)and 4)), r
SELECT a, * FROM t
SELECT t.*, u.a FROM s.t, u
SELECT c.s.t.x FROM c.s.t
SELECT DISTINCT TOP 0 a b FROM t
SELECT a "select", "a""b" FROM "T"
SELECT offset FROM t OFFSET 5
SELECT x FROM t ORDER BY x DESC OFFSET 0
SELECT -a*-b/+c FROM t
SELECT 1., .5, 1.5e3, 2E-4, 1.e5, (.5) FROM t
SELECT 'it''s' || a || LOWER(b) FROM t
SELECT '--' FROM t -- 'a comment
SELECT COUNT(*), COUNT(ALL a), SUM(DISTINCT b+1), MAX(NULL) FROM t
SELECT AVG(a) FROM t GROUP BY b, c+1 HAVING AVG(a) > 2 AND NOT MIN(b) = 3
SELECT a FROM t WHERE a = NULL OR b IN (1) AND c NOT IN (SELECT d FROM u) AND NOT (a < b)
SELECT a FROM t WHERE ((a + 1) * 2 > 3) AND (((b = 1)))
SELECT a FROM t WHERE a NOT BETWEEN 1 AND 2 AND b NOT LIKE 'x%' AND c ILIKE d || '_'
SELECT a FROM t WHERE a IS NULL AND t.b IS NOT NULL AND EXISTS (SELECT * FROM u WHERE u.a = t.a)
SELECT a FROM t WHERE a IN ((SELECT b FROM u))
SELECT a FROM t WHERE 1 = CONTAINS(POINT('ICRS', ra, dec), BOX(1, 2, 3, 4))
SELECT a FROM t WHERE CONTAINS(p, POLYGON(a, b, c)) = 0 AND INTERSECTS(r, CIRCLE(p, 1)) = 1
SELECT POINT(frame, 1, 2), POINT(ivo_frame(x), 1, 2), POINT(a || 'b', 1, 2) FROM t
SELECT POINT(NULL, 1, 2), CIRCLE('', 1, 2, 3), BOX('x', p, 1, 2), POLYGON(1,2,3,4,5,6,7,8) FROM t
SELECT DISTANCE(1, 2, ra, dec), DISTANCE(p, POINT(1, 2)), AREA(c), CENTROID(c) FROM t
SELECT COORD1(p), COORD2(CENTROID(c)), COORDSYS(p), REGION('circle 1 2 3') FROM t
SELECT CAST(a AS DOUBLE PRECISION), CAST('x' AS CHAR(3)), cast(NULL as timestamp) FROM t
SELECT COALESCE(a, 1, NULL), IN_UNIT(a+1, 'km/s'), UPPER(LOWER(b)), MOD(a, 2), PI(), RAND(4) FROM t
SELECT ROUND(a, -2), TRUNCATE(a), POWER(a, 2), ATAN2(a, b), COT(a), cot FROM t
SELECT ivo_healpix_index(6, ra, dec), gavo_anything(), eso_x('a') FROM t
SELECT a FROM t UNION ALL SELECT b FROM u EXCEPT (SELECT 1 FROM v ORDER BY c)
SELECT a FROM t INTERSECT SELECT 1 FROM w
(SELECT a FROM t)
(SELECT a FROM t UNION SELECT b FROM u) INTERSECT ALL SELECT TOP 3 c FROM v ORDER BY 1
WITH a AS (SELECT 1 x FROM t), b AS (SELECT x FROM a) SELECT * FROM a NATURAL LEFT JOIN b
SELECT * FROM a JOIN b JOIN c ON b.x = c.x ON a.x = b.x
SELECT * FROM a JOIN b NATURAL JOIN c USING (x) NATURAL LEFT JOIN d
SELECT * FROM a NATURAL FULL OUTER JOIN b JOIN c USING (x, y)
SELECT * FROM (SELECT * FROM t) q, ((SELECT a FROM u) AS v JOIN w USING (a)), (b JOIN d USING (e)) f
SELECT * FROM ((SELECT a FROM t) UNION (SELECT a FROM u)) AS q
SELECT * FROM (((SELECT a FROM t) AS q JOIN u USING (a)))
SELECT * FROM (((SELECT a FROM t) UNION (SELECT b FROM u)) AS q NATURAL JOIN v) AS w
SELECT a FROM t ;
"""
INVALID = """
| the end is all there is: write SELECT
SELECT | the end stands where a value is needed
SELECT a | the end stands where FROM is needed
SELECT a, FROM t | FROM stands where a value is needed
SELECT a FROM | the end stands where a table is needed
SELECT 1 | FROM is needed
SELECT a b c FROM t | c stands where FROM is needed
SELECT TOP 10 DISTINCT a FROM t | DISTINCT is a word of ADQL
SELECT TOP (10) a FROM t | ( stands where a whole number, 0 or more, is needed after TOP
SELECT TOP 1.5 a FROM t | 1.5 stands where a whole number
SELECT a FROM t WHERE b < TIMESTAMP '2016-01-01' | write CAST('2016-01-01T12:00:00' AS TIMESTAMP)
SELECT size FROM t | size is a word of ADQL, but a value is needed
SELECT t.date FROM t | date is a word of ADQL, but a column is needed
SELECT a AS top FROM t | top is a word of ADQL, but a name for the value is needed
SELECT _a FROM t | _a is no name of ADQL
SELECT größe FROM t | größe is no name of ADQL
SELECT "" FROM t | is an empty name
SELECT 2x FROM t | 2x is neither a number nor a name
SELECT 0xFF FROM t | 0xFF is neither a number nor a name
SELECT 1e FROM t | 1e is no name
SELECT a FROM t WHERE a == 1 | = stands where a value is needed
SELECT a FROM t WHERE a < b < c | follows a comparison
SELECT a FROM t WHERE a | a is a value, but a condition is needed
SELECT a > 1 FROM t | a > 1 is a condition, but a value is needed
SELECT a FROM t WHERE (a = 1) + 1 = 2 | is no number, but + needs numbers
SELECT a FROM t WHERE (a = 1) = 1 | is a condition, but a value is needed to compare
SELECT a FROM t WHERE NOT NOT a = 1 | stands twice
SELECT a FROM t WHERE a = 1 AND | the end stands where a value is needed
SELECT a FROM t WHERE a + 1 IS NULL | may not be asked for IS NULL
SELECT a FROM t WHERE a IS 1 | 1 stands where NULL is needed
SELECT a FROM t WHERE a IN () | ) stands where a value is needed
SELECT a FROM t WHERE a IN 1 | 1 stands where ( is needed after IN
SELECT a FROM t WHERE a LIKE 1 + 2 | is no text, but LIKE compares texts
SELECT a FROM t WHERE a = (SELECT b FROM u) | begins a query, but ADQL takes no query as a value
SELECT a FROM t WHERE a BETWEEN 1 OR 2 | OR stands where AND is needed
SELECT a FROM t WHERE TRUE | has no truths
SELECT a & 1 FROM t | & is no sign of ADQL
SELECT a FROM t WHERE a = ? | ? is no sign of ADQL
SELECT a /* b */ FROM t | stands where a value is needed
SELECT 'a' 'b' FROM t | 'b' follows another text: put a comma between
SELECT 'a FROM t | ' opens a quotation that has no end
SELECT a "b FROM t | " opens a quotation that has no end
SELECT N'a' FROM t | N'a' is no sign
SELECT LOWER(a + 1) FROM t | LOWER(a + 1) has other arguments than it takes: LOWER(a text)
SELECT POINT(1, 2) + 1 FROM t | is no number, but + needs numbers
SELECT NULL + 1 FROM t | NULL is no number
SELECT SQRT() FROM t | has other arguments
SELECT POINT('ICRS', 1) FROM t | has other arguments
SELECT CIRCLE(1, 2, 3, 4) FROM t | has other arguments
SELECT POLYGON(1, 2, 3, 4) FROM t | has other arguments
SELECT POLYGON(1, 2, 3, 4, 5, 6, 7) FROM t | has other arguments
SELECT DISTANCE(CIRCLE(1, 2, 3), p) FROM t | has other arguments
SELECT COORD1(1) FROM t | has other arguments
SELECT ROUND(a, b) FROM t | has other arguments
SELECT IN_UNIT(a, b) FROM t | has other arguments
SELECT COUNT() FROM t | ) stands where a value is needed
SELECT SUM(*) FROM t | * stands where a value is needed
SELECT COUNT(DISTINCT a, b) FROM t | , stands where ) is needed
SELECT CAST(a AS FLOAT) FROM t | FLOAT is no type of CAST
SELECT CAST(a AS VARCHAR(x)) FROM t | x stands where a whole number
SELECT CAST(a, REAL) FROM t | , stands where AS is needed
SELECT SUBSTRING(a, 1) FROM t | is no function of ADQL
SELECT helpix_index(a) FROM t | is no function of ADQL, and none that is known here: did you mean
SELECT a FROM t WHERE b = CASE WHEN 1 THEN 2 END | CASE has no form in ADQL: ask for each case
SELECT SUBSTRING(a, 1) FROM t | SUBSTRING is no function of ADQL: it is a word
SELECT * FROM a JOIN b | the end stands where ON condition or USING (columns) is needed
SELECT * FROM a NATURAL JOIN b ON a.x = b.x | ON is a condition, but NATURAL is one
SELECT * FROM a JOIN (b NATURAL JOIN c USING (x)) ON a.x = c.x | USING is a condition
SELECT * FROM a JOIN b NATURAL JOIN c | ON condition or USING (columns) is needed
SELECT * FROM a CROSS JOIN b | join all with all by a comma
SELECT * FROM (SELECT * FROM t) | a name for the query in FROM is needed
SELECT * FROM (t) | is one table in parentheses
SELECT * FROM t AS | the end stands where a name for the table is needed
SELECT * FROM a.b.c.d | has 4 parts, but at most 3 fit
SELECT * FROM t LIMIT 5 | LIMIT is no clause of ADQL, and was read as a name: write SELECT TOP n
SELECT * FROM t ORDER BY a NULLS FIRST | NULL sorts last
SELECT * FROM t ORDER BY a FETCH FIRST 5 ROWS ONLY | write SELECT TOP n
SELECT a FROM t WHERE a LIKE 'x!_' ESCAPE '!' | no way around that
SELECT a FROM t WHERE a > 1) | no parenthesis is open there
SELECT a FROM t /* b */ | a comment begins with --
SELECT a FROM t WHERE a > ALL (SELECT b FROM u) | ALL is no function of ADQL: a query is asked by IN
SELECT * FROM t WHERE a = 1 LIMIT 5 | LIMIT stands after the end of the query: write SELECT TOP n
SELECT * FROM t ORDER a | a stands where BY is needed
SELECT * FROM t OFFSET -1 | - stands where a whole number
SELECT * FROM t OFFSET 5 ORDER BY a | ORDER stands after the end
SELECT * FROM t ORDER BY a UNION SELECT * FROM u | UNION stands after the end
SELECT a FROM t UNION DISTINCT SELECT a FROM u | DISTINCT stands where SELECT is needed
SELECT a FROM t GROUP BY a HAVING (a > 2 | the end stands where ) is needed to close
WITH RECURSIVE a AS (SELECT 1 FROM t) SELECT * FROM a | may not ask itself
WITH a (x) AS (SELECT 1 FROM t) SELECT * FROM a | ( stands where AS is needed
SELECT * FROM (WITH a AS (SELECT 1 FROM t) SELECT * FROM a) b | only the very beginning may name
SELECT * FROM t; SELECT * FROM u | one query at a time
INSERT INTO t VALUES (1) | INSERT stands where SELECT is needed
SELECT * INTO u FROM t | u is no name to keep rows under
SELECT (a, b) FROM t | , stands where ) is needed
"""


@pytest.mark.parametrize("text", VALID.strip().splitlines())
def test_a_text_of_the_grammar_is_read(text):
    assert isinstance(parse(text), syntax.Query)


@pytest.mark.parametrize("line", [each for each in INVALID.splitlines() if each])
def test_a_text_that_is_not_of_the_grammar_is_refused_with_its_reason(line):
    text, told = line.rsplit("| ", 1) if not line.startswith("| ") else ("", line[2:])
    with pytest.raises(QueryError) as error:
        parse(text)
    assert told in str(error.value)


def test_ivoa_s_corpus_is_judged_as_ivoa_does(shared_data, monkeypatch):
    """All files that lie there; functions that a query declares are known to it."""
    wrong, judged, there = [], 0, 0
    for file in sorted((shared_data / "adql").rglob("*.xml")):
        there += file.read_text(encoding="utf-8").count("<adql ")
        for query in ET.parse(file).getroot().iter("query"):
            declared = {form.text.partition("(")[0].strip().upper() for form in query.iter("form")}
            monkeypatch.setattr(names, "FOREIGN", declared)
            for text in query.iter("adql"):
                judged += 1
                if _is_adql(text.text) is not (text.get("valid") == "true"):
                    wrong.append((file.name, text.text))
    assert wrong == []
    assert judged == there >= 196


def test_sentences_are_judged_as_the_standard_s_text_does():
    lines = (Path(__file__).parent / "verdicts.txt").read_text(encoding="utf-8").splitlines()
    wrong, judged = [], {"T": 0, "F": 0}
    for verdict, text in (line.split(" ", 1) for line in lines if not line.startswith("#")):
        written = text.replace("\\n", "\n").replace("\\t", "\t").replace("\\r", "\r")
        judged[verdict] += 1
        if _is_adql(written) is not (verdict == "T"):
            wrong.append(text)
    assert wrong == []
    assert min(judged.values()) > 200


def _is_adql(text):
    try:
        return bool(parse(text))
    except QueryError:
        return False


def test_an_error_says_line_and_column():
    with pytest.raises(QueryError, match="query, line 2, column 12: distance is a word of ADQL"):
        parse("SELECT a\nFROM t AS  distance")


def test_no_query_s_text_but_a_text():
    with pytest.raises(QueryError, match="the query is 5, but a text is needed"):
        parse(5)


@pytest.mark.parametrize("opening", ["(", "ABS(", "-(", "COALESCE(1, "])
def test_deep_nesting_is_refused_in_words(opening):
    with pytest.raises(QueryError, match="nested more than 60 deep"):
        parse("SELECT " + opening * 5000 + "1 FROM t")


def test_a_query_of_unusual_length_is_refused():
    with pytest.raises(QueryError, match="at most 1,000,000 are read"):
        parse("SELECT 1 FROM t" + " " * 1_000_000)


def test_intersect_binds_before_union():
    body = parse("SELECT a FROM t UNION SELECT b FROM u INTERSECT SELECT c FROM v").body
    assert body.word == "UNION"
    assert body.right.word == "INTERSECT"


def test_union_and_except_are_read_from_the_left():
    body = parse("SELECT a FROM t EXCEPT SELECT b FROM u UNION ALL SELECT c FROM v").body
    assert (body.word, body.all, body.left.word) == ("UNION", True, "EXCEPT")


def test_a_chain_of_natural_joins_is_read_from_the_left():
    source = parse("SELECT * FROM a NATURAL LEFT JOIN b NATURAL JOIN c").body.source
    assert (source.kind, source.left.kind) == ("INNER", "LEFT")


def test_a_comment_ends_with_its_line():
    query = parse("SELECT a -- , b\n, 'x -- y' FROM t -- end")
    assert [each.value.span.start for each in query.body.outputs] == [7, 18]


def test_a_text_goes_on_in_the_next_line():
    query = parse("SELECT 'it''s' -- and\n 'so' a FROM t")
    assert query.body.outputs[0].value.value == "it'sso"


def test_a_backslash_in_a_text_is_a_backslash():
    assert parse(r"SELECT 'a\' FROM t").body.outputs[0].value.value == "a\\"


def test_product_binds_before_sum_and_both_from_the_left():
    value = parse("SELECT a - b * c - d FROM t").body.outputs[0].value
    assert (value.operator, value.left.operator, value.left.right.operator) == ("-", "-", "*")


def test_and_binds_before_or_and_not_before_both():
    where = parse("SELECT a FROM t WHERE a = 1 OR NOT b = 2 AND c = 3").body.where
    assert where.word == "OR"
    assert [type(each).__name__ for each in where.parts] == ["Comparison", "Junction"]
    assert type(where.parts[1].parts[0]).__name__ == "Not"


@pytest.mark.parametrize("call", ["generate_series(1, 5)", "read_csv('x')", "UNNEST (mags)"])
@pytest.mark.parametrize("before", ["", "sky JOIN ", "sky, "])
def test_a_function_is_no_table(call, before):
    with pytest.raises(QueryError, match=r"is called in FROM.* catalogues and uploads.* FROM mine"):
        parse(f"SELECT * FROM {before}{call} AS t")
