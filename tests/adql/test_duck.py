"""The second wall: what SQL could do if any of a stranger's reached the database. None does."""

from __future__ import annotations

import tempfile
import threading
from dataclasses import replace

import pytest

from skyquarry.adql.asking import query
from skyquarry.adql.database.duck import rows_of
from skyquarry.adql.database.kept import Limits
from skyquarry.adql.database.stopping import Stop
from skyquarry.errors import CancelledError, QueryError, RunError

ATTACKS = (
    "SELECT * FROM read_text('/etc/passwd')",
    "SELECT * FROM read_csv('/etc/passwd')",
    "SELECT * FROM '/etc/passwd'",
    "SELECT * FROM glob('/etc/*')",
    "SELECT * FROM read_parquet('https://example.org/a.parquet')",
    "COPY (SELECT 1) TO '{folder}/stolen.csv'",
    "EXPORT DATABASE '{folder}/all'",
    "ATTACH '{folder}/other.db'",
    "INSTALL httpfs",
    "LOAD httpfs",
    "SET enable_external_access = true",
    "SET allowed_paths = ['/etc/passwd']",
    "PRAGMA enable_profiling",
    "SELECT * FROM query('SELECT * FROM read_text(''/etc/passwd'')')",
    "SELECT * FROM duckdb_secrets(); SELECT * FROM read_text('/etc/passwd')",
    "SELECT getenv('HOME')",
)


@pytest.fixture
def spills(tmp_path, monkeypatch):
    """The folder in which databases make theirs."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


@pytest.mark.parametrize("sql", ATTACKS)
@pytest.mark.parametrize("table", ["sky", "mine"])
def test_the_database_opens_nothing_and_changes_nothing(ask, tmp_path, sql, table):
    reads = ask(f"SELECT * FROM {table}").reads
    attack = sql.format(folder=tmp_path)
    with pytest.raises((RunError, QueryError)), rows_of(attack, reads, set(), Limits()) as reader:
        reader.read_all()
    assert list(tmp_path.iterdir()) == []


def test_what_is_written_as_a_text_stays_a_text(rows):
    evil = "x''; COPY sky TO ''stolen'' --"
    assert rows(f"SELECT '{evil}' FROM mine WHERE id = 1") == [(evil.replace("''", "'"),)]
    assert rows("SELECT label FROM mine WHERE label = ''' OR 1 = 1 --'") == []


def test_a_name_of_an_odd_column_stays_a_name(ask):
    from skyquarry.adql.asking import query

    odd = {'a" FROM x; --': [1], "b'c": [2]}
    found = query('SELECT "a"" FROM x; --" AS "p""q", t."b\'c" FROM t', uploads={"t": odd})
    assert found.to_table().to_pydict() == {'p"q': [1], "b'c": [2]}


def test_memory_has_a_limit_and_nothing_is_left_behind(ask, spills):
    plan = ask("SELECT ivo_string_agg(a.kind, '-') FROM sky a, sky b")
    small = Limits(seconds=60.0, memory_bytes=16 << 20, spill_bytes=1 << 16)
    with (
        pytest.raises(RunError, match=r"more than its limits of 0\.0156 GiB"),
        rows_of(plan.sql, plan.reads, set(), small) as reader,
    ):
        reader.read_all()
    assert list(spills.iterdir()) == []


def test_a_reader_that_is_given_up_leaves_nothing_behind(ask, spills):
    stream = ask("SELECT a.id FROM sky a, sky b").stream()
    assert next(stream).num_rows
    stream.close()
    assert list(spills.iterdir()) == []


def test_small_queries_do_not_see_each_other_s_tables(ask):
    stream = ask("SELECT id FROM mine").stream()
    next(stream)
    with pytest.raises(RunError, match="s7"), rows_of("SELECT * FROM s7", [], set(), Limits()):
        pass
    assert ask("SELECT label FROM mine WHERE id = 1").to_table().to_pydict() == {"label": ["a"]}
    stream.close()


def test_a_value_that_fails_in_a_later_batch_is_told_as_ours():
    words = [str(each) for each in range(200_000)] + ["many"]
    plan = query("SELECT CAST(word AS INTEGER) AS n FROM mine", uploads={"mine": {"word": words}})
    with pytest.raises(QueryError, match=r"a value of a row cannot be worked out.*many"):
        list(plan.stream())


def test_a_query_is_stopped_from_another_thread(mine):
    stop = Stop()
    tables = " , ".join(f"mine AS m{i}" for i in range(16))
    plan = query(f"SELECT SUM(m0.ra * m15.ra) AS n FROM {tables}", uploads={"mine": mine})
    plan = replace(plan, limits=replace(plan.limits, stop=stop))
    clock = threading.Timer(0.3, stop.ring)
    clock.start()
    with pytest.raises(CancelledError, match="the query was stopped"):
        plan.to_table()
    with pytest.raises(CancelledError, match="the query was stopped"):
        plan.to_table()  # what is stopped does not begin again
