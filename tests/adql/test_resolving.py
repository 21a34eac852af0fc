"""Names of tables and columns, and kinds of values: what is there, and what is said where not."""

from __future__ import annotations

import pytest

from skyquarry.adql.asking import query
from skyquarry.errors import QueryError, UserError

REFUSED = """
SELECT raa FROM sky | line 1, column 8: raa is no column of sky: did you mean ra?
SELECT "RA" FROM sky | "RA" is no column of sky: did you mean ra
SELECT ra FROM sky WHERE kind = "STAR" | in double quotes it is no text: write 'STAR' for a text
SELECT s.mag FROM sky AS t | s.mag names the table s, which is not in FROM: FROM has t
SELECT skyy.mag FROM sky | names the table skyy, which is not in FROM: did you mean sky?
SELECT ra FROM ski | ski is no table here: did you mean sky?
SELECT ra FROM public.sky | public is a word of ADQL
SELECT ra FROM other.sky | other.sky is no table here: did you mean sky?
SELECT id FROM sky, mine | id may mean sky.id or mine.id: name the table before the column
SELECT sky.id FROM sky, sky | is the second table called sky
SELECT a.* FROM sky | means no one table called a: FROM has sky
SELECT kind, ra FROM sky GROUP BY kind | has the column ra, of which a group has many values
SELECT COUNT(*), ra FROM sky | has the column ra, of which a group has many values
SELECT MAX(AVG(ra)) FROM sky | stands within MAX
SELECT ra FROM sky WHERE MAX(ra) > 1 | has an aggregate, but WHERE looks at single rows
SELECT ra FROM sky GROUP BY COUNT(*) | is an aggregate, but GROUP BY makes the groups
SELECT ra FROM sky WHERE kind > 5 | compares a text with a whole number
SELECT ra FROM sky WHERE seen > 'yesterday' | 'yesterday' is no moment
SELECT ra FROM sky WHERE POINT(ra, dec) = 1 | compares a geometry with a whole number
SELECT kind + 1 FROM sky | kind is a text, but + needs a number
SELECT SQRT(kind) FROM sky | kind is a text, but SQRT needs a number
SELECT LOWER(ra) FROM sky | ra is a number, but LOWER needs a text
SELECT ra || kind FROM sky | ra is a number, but || joins texts
SELECT COALESCE(ra, 'x') FROM sky | 'x' is a text, but a number stands before it in COALESCE
SELECT AVG(kind) FROM sky | kind is a text, but AVG needs a number
SELECT ra FROM sky ORDER BY 2 | 2 is no place of a column: the query gives 1
SELECT DISTINCT ra FROM sky ORDER BY dec | is not among what DISTINCT gives
SELECT ra FROM sky UNION SELECT id, ra FROM mine | joins 1 columns with 2 by UNION
SELECT ra FROM sky UNION SELECT label FROM mine | the columns must be of one kind
SELECT ra FROM sky WHERE id IN (SELECT id, ra FROM mine) | gives 2 columns, but IN needs
SELECT ra FROM sky WHERE kind IN (SELECT id FROM mine) | gives a whole number, but a text is
SELECT * FROM sky NATURAL JOIN (SELECT label FROM mine) m | have no column of one name
SELECT * FROM sky JOIN mine USING (label) | label is no column of sky
WITH a AS (SELECT id FROM sky), a AS (SELECT id FROM mine) SELECT * FROM a | the name of two
SELECT CONTAINS(ra, CIRCLE(1, 2, 3)) FROM sky | ra is a number, but a geometry is needed
SELECT POINT(1, 91) FROM sky | 91 is no declination
SELECT CIRCLE(1, 2, -3) FROM sky | -3 is no radius
SELECT BOX(1, 2, 0, 3) FROM sky | the box is 0.0 by 3.0 degrees
SELECT POLYGON(0, 0, 1, 1, 0, 1, 1, 0) FROM sky | cross
SELECT CAST('1 2 3' AS POINT) FROM sky | has 3 numbers, which make no POINT
SELECT CAST(POINT(1, 2) AS VARCHAR) FROM sky | is a geometry, which cannot be cast
SELECT size FROM sky | size is a word of ADQL
SELECT IN_UNIT(flags, 'deg') FROM sky | has no unit that is known
SELECT IN_UNIT(ra, 'flurbs') FROM sky | is no unit that astropy knows
SELECT IN_UNIT(ra, 'km') FROM sky | cannot be had from 'deg'
SELECT eso_intersection(ra, dec) FROM sky | is no function that is known here
SELECT ivo_healpix_index(99, ra, dec) FROM sky | a number from 0 to 29
SELECT ivo_healpix_index(9) FROM sky | has other arguments than it takes: ivo_healpix_index(order
SELECT bitwise_and(ra, 1) FROM sky | is no whole number
SELECT ivo_string_agg(kind) FROM sky | takes a text and a separator
"""


@pytest.mark.parametrize("line", REFUSED.strip().splitlines())
def test_what_is_not_there_is_refused_with_what_is(ask, line):
    text, told = line.rsplit(" | ", 1)
    with pytest.raises(QueryError) as error:
        ask(text)
    assert told in str(error.value)


def test_names_match_without_case_unless_quoted(ask):
    plan = ask('SELECT RA, "dec", Sky.MAG FROM SKY')
    assert plan.schema.names == ["ra", "dec", "mag"]


def test_columns_that_differ_in_case_only_must_be_quoted():
    twins = {"t": {"u": [1], "U": [2]}}
    with pytest.raises(QueryError, match='u may mean "u" or "U"'):
        query("SELECT u FROM t", uploads=twins)
    assert query('SELECT "U" FROM t', uploads=twins).to_table().to_pydict() == {"U": [2]}
    with pytest.raises(QueryError, match="u and U of t differ in case only"):
        query('SELECT "u", "U" FROM t', uploads=twins)


def test_a_column_keeps_its_unit_and_meaning(ask):
    schema = ask("SELECT ra AS alpha, ra + dec s, AVG(ra) FROM sky GROUP BY ra, dec").schema
    assert schema.field("alpha").metadata == {b"unit": b"deg", b"ucd": b"pos.eq.ra"}
    assert schema.field("s").metadata == {b"unit": b"deg"}


def test_outputs_of_one_name_get_numbers(ask):
    plan = ask("SELECT s.id, m.id, s.ra + 1, AVG(1) FROM sky s, mine m GROUP BY s.id, m.id, s.ra")
    assert plan.schema.names == ["id", "id_2", "column_3", "avg"]


def test_a_star_leaves_out_the_spatial_column(ask, sky):
    assert ask("SELECT * FROM sky").schema.names == sky.schema.names
    assert ask("SELECT s.* FROM sky s, mine").schema.names == sky.schema.names
    assert ask('SELECT "_healpix_29" FROM sky').schema.names == ["_healpix_29"]


def test_an_upload_may_be_called_by_tap_s_schema(rows):
    assert rows("SELECT label FROM TAP_UPLOAD.mine WHERE TAP_UPLOAD.mine.id = 4") == [("d",)]


def test_only_columns_that_are_named_are_read(ask):
    plan = ask("SELECT COUNT(*) FROM sky WHERE mag < 20 AND dec > 3")
    assert sorted(plan.reads[0].columns) == ["dec", "mag"]
    assert ask("SELECT COUNT(*) FROM sky").reads[0].columns == ("_healpix_29",)


@pytest.mark.parametrize(
    ("how", "told"),
    [
        ({"limit": -1}, "limit is -1, but a number of rows"),
        ({"timeout": 0}, "timeout is 0, but it needs seconds"),
    ],
)
def test_limits_are_judged_at_the_door(ask, how, told):
    with pytest.raises(UserError, match=told):
        ask("SELECT 1 FROM sky", **how)


def test_an_upload_that_is_no_table_is_refused():
    with pytest.raises(QueryError, match=r"the upload 'm' is 5 .int., but a table is needed"):
        query("SELECT 1 FROM m", uploads={"m": 5})


def test_a_query_without_any_table_says_how_to_give_one():
    with pytest.raises(QueryError, match="no table was given: try catalogs="):
        query("SELECT 1 FROM gaia")


def test_an_archive_without_a_catalogue_is_named(tmp_path):
    with pytest.raises(QueryError, match=r"no catalogue lies in the archive .*nowhere: name"):
        query("SELECT 1 FROM gaia", archive=tmp_path / "nowhere")
