"""A query printed for other engines: DuckDB's runs as ours does, the rest reads as theirs."""

# ruff: noqa: E501  (a query is a line)

from __future__ import annotations

import duckdb
import pyarrow as pa
import pytest

from skyquarry.adql.asking import query
from skyquarry.catalog.roles import Roles
from skyquarry.engine.catalog import open_catalog
from skyquarry.errors import QueryError, UserError
from skyquarry.testing.handmade import write_catalog

CONE = "1 = CONTAINS(POINT(ra, dec), CIRCLE(0, 1, 0.7))"
QUERIES = [
    f"SELECT id, mag - 0.5 AS m FROM sky WHERE {CONE} AND kind LIKE 'st%' ORDER BY id",
    f"SELECT kind, COUNT(*) n, AVG(mag) FROM sky WHERE {CONE} GROUP BY kind ORDER BY kind",
    "WITH a AS (SELECT TOP 50 id, flags FROM sky ORDER BY id) SELECT id / 7, MOD(flags, 3), bitwise_and(flags, 3) FROM a WHERE flags <> 0 ORDER BY id",
    "SELECT a.id, b.id FROM sky a JOIN sky b ON DISTANCE(a.ra, a.dec, b.ra, b.dec) < 0.005 AND a.id < b.id ORDER BY a.id, b.id",
    "SELECT id FROM sky WHERE id < 40 EXCEPT SELECT id FROM sky WHERE 1 = CONTAINS(POINT(ra, dec), POLYGON(358, -1, 2, -1, 2, 3, 0, 1, 358, 3)) ORDER BY 1",
    'SELECT TRUNCATE(s, 2), ROUND(ra, -1), LOG10(ra), POWER(ra, 0.5) FROM (SELECT "size" AS s, ra, id FROM sky) q ORDER BY id',
    "SELECT TOP 5 ivo_healpix_index(5, ra, dec) AS h, id FROM sky WHERE dec > 100 ORDER BY id",
]  # fmt: skip


@pytest.mark.parametrize("adql", QUERIES)
def test_what_is_printed_for_duckdb_runs_there_as_here(ask, rows, adql):
    with duckdb.connect() as elsewhere:
        assert elsewhere.sql(ask(adql).to_sql("duckdb")).fetchall() == rows(adql)


@pytest.mark.parametrize("adql", QUERIES)
@pytest.mark.parametrize("dialect", ["trino", "spark"])
def test_a_cluster_s_engine_gets_tables_and_ranges(ask, adql, dialect):
    found = ask(adql, limit=9).to_sql(dialect)
    assert "read_parquet" not in found.lower()
    assert ('"sky"' if dialect == "trino" else "`sky`") in found
    assert found.endswith("LIMIT 5" if "TOP 5 " in adql else "LIMIT 9")
    assert ("_healpix_29" in found) == (CONE in adql or "POLYGON" in adql or "ivo_healpix" in adql)


def test_whole_numbers_divide_as_each_engine_does_it(ask):
    plan = ask("SELECT id / 7 AS week FROM sky")
    assert 't1."id" / NULLIF(7, 0)' in plan.to_sql("trino")
    assert "t1.`id` DIV NULLIF(7, 0)" in plan.to_sql("spark")


@pytest.mark.parametrize(
    ("adql", "dialect", "told"),
    [
        ("SELECT htm_id(ra, dec) FROM sky", "trino", "htm_id has no form in trino"),
        ("SELECT htm_id(ra, dec) FROM sky", "duckdb", "htm_id has no form in duckdb"),
        (
            "SELECT ivo_to_mjd(seen) FROM sky",
            "spark",
            "ivo_to_mjd or ivo_to_jd has no form in spark",
        ),
        ("SELECT MEDIAN(mag) FROM sky", "trino", "median has no form in trino"),
        ("SELECT ivo_regr_r2(ra, dec) FROM sky", "trino", "ivo_regr_r2 has no form in trino"),
        ("SELECT ivo_regr_r2(ra, dec) FROM sky", "spark", "ivo_regr_r2 has no form in spark"),
        ("SELECT id FROM mine", "duckdb", "the table mine is in this process's memory"),
    ],
)
def test_what_has_no_form_is_refused_by_name(ask, adql, dialect, told):
    with pytest.raises(QueryError, match=told):
        ask(adql).to_sql(dialect)


@pytest.mark.parametrize(
    ("adql", "trino", "spark"),
    [
        ("LOG10(pm * pm)", "LOG10(", "LOG10("),
        ("FLOOR(pm)", "FLOOR(", "WHEN ABS(CAST(t1.`pm` AS DOUBLE)) < 9007199254740992"),
        ("TRUNCATE(pm)", "TRUNCATE(", "AS BIGINT) AS DOUBLE) ELSE"),
        ("CAST(pm AS INTEGER)", "= 0.5e0 THEN 2 * ROUND(", "RINT(t1.`pm`)"),
        ("ROUND(id, -1)", "<= -5 THEN -10", "<= -5 THEN -10"),
        ("1e308 * 10", "INFINITY()", "CAST('inf' AS DOUBLE)"),
        (
            "ivo_string_agg('x', ',')",
            "LISTAGG('x', ',') WITHIN GROUP (ORDER BY 'x')",
            "LISTAGG('x', ',')",
        ),
        (
            "CAST('2016-01-01T00:00:00.000001' AS TIMESTAMP)",
            "AS TIMESTAMP(6))",
            "AS TIMESTAMP_NTZ)",
        ),
    ],
)
def test_engines_that_mean_something_else_by_a_function_are_given_another(ask, adql, trino, spark):
    grouped = " GROUP BY id, pm" if "agg" in adql else ""
    plan = ask(f"SELECT {adql} AS x, id, pm FROM sky{grouped}")
    assert trino in plan.to_sql("trino")
    assert spark in plan.to_sql("spark")


@pytest.mark.parametrize("dialect", ["trino", "spark"])
def test_what_is_sorted_and_grouped_by_may_begin_with_a_parenthesis(ask, dialect):
    found = ask("SELECT (id + 1) * 2, COUNT(*) FROM sky GROUP BY (id + 1) * 2").to_sql(dialect)
    assert "GROUP BY (" in found
    assert "ORDER BY (" in ask("SELECT id FROM sky ORDER BY (id + 1) * 2").to_sql(dialect)
    joined = ask("SELECT ivo_string_agg(kind || '_', ',') FROM sky").to_sql(dialect)
    assert "WITHIN GROUP (ORDER BY (" in joined


def test_a_backslash_is_a_letter_of_a_pattern_in_spark_too(ask):
    plan = ask("SELECT id FROM sky WHERE kind LIKE 'a\\_b' OR 'x' ILIKE kind")
    assert "LIKE 'a\\\\\\\\_b'" in plan.to_sql("spark")  # two of them, each doubled in quotes
    assert "ILIKE REPLACE(t1.`kind`, '\\\\', '\\\\\\\\')" in plan.to_sql("spark")
    assert "LIKE 'a\\_b'" in plan.to_sql("trino")


@pytest.mark.parametrize("dialect", ["trino", "spark"])
@pytest.mark.parametrize("top", ["", "TOP 20 ", "TOP 4 "])
def test_a_limit_stands_where_the_order_is(ask, dialect, top):
    found = ask(f"SELECT {top}id FROM sky ORDER BY mag DESC, id OFFSET 2", limit=9).to_sql(dialect)
    assert "whole" not in found  # engines forget the order of a query in FROM
    assert f"LIMIT {4 if '4' in top else 9}" in found
    assert "OFFSET 2" in found


def test_items_of_arrays_are_counted_from_one_everywhere(tmp_path):
    table = pa.table({"id": [1, 2], "ra": [1.0, 2.0], "dec": [0.0, 0.0], "v": [[1.0, 2.0], []]})
    roles = Roles(ra="ra", dec="dec", id="id").to_properties()
    write_catalog(tmp_path / "a", table, margin_arcsec=None, properties=roles)
    plan = query("SELECT array_item(v, id), array_length(v) FROM a", {"a": tmp_path / "a"})
    assert 'ELEMENT_AT(t1."v", CASE WHEN' in plan.to_sql("trino")
    assert 'CARDINALITY(t1."v")' in plan.to_sql("trino")
    assert "TRY_ELEMENT_AT(t1.`v`, CAST(CASE WHEN" in plan.to_sql("spark")
    assert "SIZE(t1.`v`)" in plan.to_sql("spark")


@pytest.mark.parametrize("dialect", ["trino", "spark"])
@pytest.mark.parametrize("of", ["pm", "mag", "seen"])
def test_a_text_of_what_engines_write_with_other_digits_is_refused(ask, dialect, of):
    with pytest.raises(QueryError, match=f"CAST to VARCHAR has no form in {dialect}"):
        ask(f"SELECT CAST({of} AS VARCHAR) FROM sky").to_sql(dialect)
    assert "AS VARCHAR" in ask(f"SELECT CAST({of} AS VARCHAR) FROM sky").to_sql("duckdb")


def test_a_dialect_that_is_none_is_refused(ask):
    with pytest.raises(UserError, match="dialect is 'oracle', but it is one of 'duckdb'"):
        ask("SELECT id FROM sky").to_sql("oracle")


def test_a_catalogue_that_was_cut_is_refused(archive):
    north = open_catalog(archive / "sky").where("dec > 0")
    with pytest.raises(QueryError, match="north was cut before it was given"):
        query("SELECT id FROM north", {"north": north}).to_sql("trino")
