"""Small queries by prepared statements: the same rows as without, and none kept or mixed up."""

from __future__ import annotations

import threading

import duckdb
import numpy as np
import pyarrow as pa
import pytest

from skyquarry.adql.database import standing


@pytest.fixture(autouse=True)
def _none_waiting():
    standing.close_all()
    yield
    standing.close_all()


def rows(sql, **tables):
    with standing.standing(sql, tables) as (connection, statement):
        return connection.sql(statement).to_arrow_table()


def table(*values, kind=None):
    return pa.table({"a": pa.array(values, kind or pa.float64())})


def here():
    return standing._here(standing._Kind(alone=True))


def waiting():
    return sum(map(len, here().waiting.values()))


def test_another_place_is_the_same_statement_and_each_has_its_own_rows(monkeypatch):
    made = []
    prepared = standing._prepared
    monkeypatch.setattr(standing, "_prepared", lambda *given: made.append(1) or prepared(*given))
    for bound in (0.5, 1.5, 2.5):
        found = rows(f"SELECT a FROM s0 WHERE a > {bound!r}e0", s0=table(1.0, 2.0, 3.0 + bound))
        assert found["a"].to_pylist() == [each for each in (1.0, 2.0, 3.0 + bound) if each > bound]
    assert len(made) == 1
    assert rows("SELECT a FROM s0 WHERE a > 0.5e0", s0=table())["a"].to_pylist() == []
    assert len(made) == 1


def test_a_table_of_other_columns_is_another_statement():
    sql = "SELECT a FROM s0 ORDER BY a"
    assert rows(sql, s0=table(2, 1, kind=pa.int64()))["a"].type == pa.int64()
    assert rows(sql, s0=table("b", "a", kind=pa.string()))["a"].to_pylist() == ["a", "b"]
    assert rows(sql, s0=table(2.5))["a"].to_pylist() == [2.5]


def test_numbers_are_compared_as_they_stand():
    """Of a column of 32 bits a parameter would be one of 32 bits too, were its type not said."""
    few = pa.table({"a": pa.array([0.1, 0.2], pa.float32())})
    sql = "SELECT a FROM s0 WHERE a > 0.1e0"
    connection = duckdb.connect()
    connection.register("s0", few)
    assert rows(sql, s0=few) == connection.sql(sql).to_arrow_table()
    assert rows(sql, s0=few).num_rows == 2  # 0.1 of 32 bits is more than that of 64


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT floor(a * 0.5e0) AS g, count(*) AS n FROM s0 GROUP BY floor(a * 0.5e0) ORDER BY g",
        "SELECT DISTINCT a * 0.5e0 AS g FROM s0 ORDER BY a * 0.5e0",
        "SELECT a, 'it''s 1.0e0' AS t, a AS \"2.0e0\" FROM s0 WHERE a < 1.0e1 ORDER BY 1",
        "SELECT sum(a * 1.0e-1) AS s FROM s0 HAVING sum(a * 1.0e-1) > 1.0e-3",
        "WITH w AS (SELECT a + 1.0e0 AS b FROM s0) SELECT b FROM w WHERE b > 2.0e1 ORDER BY 1",
        "SELECT a FROM s0 UNION SELECT a + 1.0e0 FROM s0 ORDER BY 1 LIMIT 3",
        "SELECT CASE WHEN a > 1.0e1 THEN 1.0e0 END AS c FROM s0 ORDER BY a",
        "SELECT 1.5e0 AS c, -2.5e-300 AS d FROM s0",
    ],
)
def test_the_answer_is_that_of_the_text(sql):
    some = table(*np.random.default_rng(1).random(50) * 30)
    connection = duckdb.connect()
    connection.register("s0", some)
    wanted = connection.sql(sql).to_arrow_table()
    for _ in range(2):
        assert rows(sql, s0=some) == wanted


def test_what_has_values_that_must_be_the_same_keeps_its_numbers(monkeypatch):
    """Where a text slips through that wants two numbers to be one, it is prepared as it stands."""
    monkeypatch.setattr(
        standing,
        "parted",
        lambda sql: (
            sql.replace("2e0", "CAST($1 AS DOUBLE)", 1).replace("2e0", "CAST($2 AS DOUBLE)"),
            ["2e0", "2e0"],
        ),
    )
    found = rows("SELECT a * 2e0 AS b FROM s0 GROUP BY a * 2e0", s0=table(1.0, 1.0))
    assert found["b"].to_pylist() == [2.0]


def test_what_failed_is_not_used_again():
    sql = "SELECT CAST(a AS INTEGER) AS b FROM s0"
    with pytest.raises(duckdb.ConversionException):
        rows(sql, s0=table("x", kind=pa.string()))
    assert waiting() == 0
    assert rows(sql, s0=table("7", kind=pa.string()))["b"].to_pylist() == [7]
    assert waiting() == 1


def test_no_rows_stay_behind():
    sql = "SELECT a FROM s0"
    rows(sql, s0=table(1.0))
    (statement,) = next(iter(here().waiting.values()))
    assert all(slot.table is None for slot in statement.slots.values())


def test_queries_at_once_do_not_see_each_other_s_rows():
    wrong = []

    def ask(value):
        for _ in range(30):
            found = rows("SELECT a FROM s0 WHERE a > 0.0e0", s0=table(value))
            if found["a"].to_pylist() != [value]:
                wrong.append(found)

    threads = [threading.Thread(target=ask, args=(float(each + 1),)) for each in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert not wrong
    assert 1 <= waiting() <= 4


def test_few_statements_wait():
    for number in range(standing._MOST + 6):
        rows(f"SELECT a + {number} AS b FROM s0", s0=table(1.0))
    assert waiting() == standing._MOST


def test_few_rows_are_for_one_thread():
    """Few of all tables with all: a join without a condition makes many of them."""
    sql = "SELECT current_setting('threads') AS n FROM s0, s1 LIMIT 1"
    ((usual,),) = duckdb.connect().sql("SELECT current_setting('threads')").fetchall()
    few, some = (pa.table({"a": np.arange(each)}) for each in (standing._ALONE // 2, 2))
    for other, threads in ((few[:2], 1), (few[:3], usual), (few[:0], 1)):
        found = rows("SELECT max(n) AS n FROM (" + sql + ")", s0=few, s1=other)["n"].to_pylist()
        assert found == [threads if len(other) else None]
    assert rows(sql, s0=some, s1=some)["n"].to_pylist() == [1]


def test_many_rows_are_no_statement():
    many = pa.table({"a": np.arange(standing._FEW + 1)})
    assert rows("SELECT count(*) AS n FROM s0", s0=many)["n"].to_pylist() == [many.num_rows]
    assert waiting() == 0
