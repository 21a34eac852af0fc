"""`@sq.function`: a user's own function over Arrow arrays, in queries that are trusted."""

from __future__ import annotations

from datetime import datetime  # noqa: TC003  (a function's annotation is looked up)

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from skyquarry.adql.asking import query
from skyquarry.adql.isolating import isolated_query
from skyquarry.adql.text import names
from skyquarry.adql.userfunctions import USERS, function
from skyquarry.errors import QueryError, UserError


@pytest.fixture(autouse=True)
def registry():
    """No function outlives a test."""
    yield
    names.FOREIGN.difference_update(USERS)
    USERS.clear()


def test_a_function_is_called_by_its_name_in_any_case(rows, columns):
    @function
    def dimmed(mag: float, by: float) -> float:
        return pc.add(mag, by)

    found = dict(rows("SELECT id, Dimmed(mag, 2) AS m FROM sky WHERE dimmed(mag, 2) < 20"))
    mag = columns["mag"].astype(float)
    kept = mag + 2 < 20
    assert found == dict(zip(columns["id"][kept].tolist(), (mag[kept] + 2).tolist(), strict=True))


def test_nulls_come_as_nulls_and_nan_goes_as_null(rows):
    @function
    def root(x: float) -> float:
        with np.errstate(invalid="ignore"):
            return np.sqrt(x.to_numpy(zero_copy_only=False))

    assert rows("SELECT root(x) AS r FROM (SELECT id - 3 AS x FROM mine) AS q") == [
        (None,), (None,), (0.0,), (1.0,), (2.0**0.5,)
    ]  # fmt: skip


def test_texts_truths_whole_numbers_and_moments_are_types_too(rows):
    @function
    def shout(word: str) -> str:
        return pc.utf8_upper(word)

    @function(name="is_late")
    def late(seen: datetime) -> bool:
        return pc.greater(seen, pa.scalar(np.datetime64("2017-06-01", "us")))

    @function
    def twice(n: int) -> int:
        return pc.multiply(n, 2)

    assert rows("SELECT shout(label) AS s, twice(id) AS n FROM mine WHERE id < 3") == [
        ("A", 2), ("B", 4)
    ]  # fmt: skip
    late_ones = rows("SELECT COUNT(*) AS n FROM sky WHERE is_late(seen) = 1")
    assert late_ones == rows("SELECT COUNT(*) AS n FROM sky WHERE seen > '2017-06-01'")
    assert rows("SELECT is_late('2018-01-01') AS l FROM mine WHERE id = 1") == [(True,)]


def test_the_same_name_again_replaces_the_function(rows):
    for by in (1, 5):

        @function(name="plus")
        def plus(n: int, by: int = by) -> int:
            return pc.add(n, by)

    assert rows("SELECT plus(id, 0) AS n FROM mine WHERE id = 1") == [(1,)]

    @function(name="plus")
    def other(n: int) -> int:
        return pc.add(n, 100)

    assert rows("SELECT plus(id) AS n FROM mine WHERE id = 1") == [(101,)]


def test_queries_that_are_not_trusted_may_not_call_it(ask, archive):
    @function
    def same(x: float) -> float:
        return x

    with pytest.raises(QueryError, match=r"same.* is a function of this process's user"):
        ask("SELECT same(ra) AS x FROM sky", trusted=False)
    with pytest.raises(QueryError, match="same is no function of ADQL"):
        isolated_query("SELECT same(ra) AS x FROM sky", archive=archive).to_table()


def test_what_fails_in_it_is_told_with_its_name(ask):
    @function
    def broken(x: float) -> float:
        raise ValueError("no such thing")

    @function
    def short(x: float) -> float:
        return x[:1]

    with pytest.raises(QueryError, match="the function broken failed: ValueError"):
        ask("SELECT broken(ra) AS x FROM sky").to_table()
    with pytest.raises(QueryError, match="the function short gave 1 values for"):
        ask("SELECT short(ra) AS x FROM sky").to_table()


@pytest.mark.parametrize("given", [None, "abc", 3.0, ["a", "b"]])
def test_a_function_that_gives_no_array_is_told_what_it_must_give(ask, given):
    @function
    def empty(x: float) -> float:
        return given

    what = rf"the function empty gave {type(given).__name__} .*array of float is needed"
    with pytest.raises(QueryError, match=what):
        ask("SELECT empty(ra) AS x FROM sky").to_table()


@pytest.mark.parametrize(
    ("adql", "told"),
    [
        ("SELECT near(ra) AS x FROM sky", "has other arguments than it takes: near(float, text)"),
        ("SELECT near(kind, 'a') AS x FROM sky", "kind is a text, but near needs a number"),
        ("SELECT near(ra, 5) AS x FROM sky", "5 is a whole number, but near takes a text here"),
        ("SELECT whole(ra) AS x FROM sky", "ra is a number, but whole takes a whole number here"),
    ],
)
def test_arguments_are_checked_before_anything_runs(ask, adql, told):
    @function
    def near(x: float, word: str) -> float:
        return x

    @function
    def whole(n: int) -> int:
        return n

    with pytest.raises(QueryError) as fault:
        ask(adql)
    assert told in str(fault.value)


@pytest.mark.parametrize("name", ["select", "SQRT", "ivo_healpix_index", "gaia_x", "2x", "größe"])
def test_a_name_that_is_another_s_is_refused(name):
    def given(x: float) -> float:
        return x

    with pytest.raises(UserError, match="the function's name is"):
        function(given, name=name)


def test_annotations_are_needed():
    def bare(x):
        return x

    def odd(x: list) -> float:
        return x

    for each in (bare, odd):
        with pytest.raises(UserError, match="each argument and the result needs float, int, str"):
            function(each)


def test_it_has_no_form_in_other_engines(ask):
    @function
    def same(x: float) -> float:
        return x

    for dialect in ("duckdb", "trino"):
        with pytest.raises(QueryError, match=f"same has no form in {dialect}"):
            ask("SELECT same(ra) AS x FROM sky").to_sql(dialect)


def test_where_it_was_not_registered_a_query_says_so(ask):
    @function
    def gone(x: float) -> float:
        return x

    plan = ask("SELECT gone(ra) AS x FROM sky")
    USERS.clear()
    with pytest.raises(QueryError, match="the function gone is not known in this process"):
        plan.to_table()


def test_its_result_may_be_asked_of_a_table_given_along():
    @function
    def half(n: int) -> float:
        return pc.divide(pc.cast(n, pa.float64()), 2.0)

    found = query("SELECT MAX(half(n)) AS m FROM t", uploads={"t": {"n": [1, 2, 3]}}).to_table()
    assert found.to_pylist() == [{"m": 1.5}]
