"""Databases kept between queries: used again, apart from each other, nothing left on disk."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from skyquarry.adql.database import kept
from skyquarry.adql.database.kept import Limits, close_all, cursor


@pytest.fixture(autouse=True)
def _none_kept():
    close_all()
    yield
    close_all()


@pytest.fixture
def files(tmp_path):
    """Three files of one number each."""
    for i in range(3):
        pq.write_table(pa.table({"x": [i]}), tmp_path / f"{i}.parquet")
    return [str(tmp_path / f"{i}.parquet") for i in range(3)]


def number(connection, file):
    """What stands in a file."""
    return connection.execute(f"SELECT x FROM read_parquet('{file}')").fetchall()[0][0]


def made(monkeypatch):
    """Counts the databases that are made."""
    count = []
    real = kept._made
    monkeypatch.setattr(kept, "_made", lambda *given: count.append(1) or real(*given))
    return count


def test_a_database_serves_later_queries_of_its_files(files, monkeypatch):
    count = made(monkeypatch)
    for some in (files, files[:1], files[1:]):
        with cursor(Limits(), some) as connection:
            assert number(connection, some[0]) == files.index(some[0])
    assert len(count) == 1


def test_other_limits_and_other_files_get_a_database_of_their_own(files, monkeypatch):
    count = made(monkeypatch)
    for limits, some in (
        (Limits(), files[:1]), (Limits(), files[1:2]), (Limits(threads=1), files[:1]),
    ):  # fmt: skip
        with cursor(limits, some):
            pass
    assert len(count) == 3


def test_no_more_than_four_are_kept(files):
    for threads in range(1, 8):
        with cursor(Limits(threads=threads), files):
            pass
    assert len(kept._here()) == 4


def test_a_file_that_was_written_anew_is_read_anew(files):
    with cursor(Limits(), files) as connection:
        assert number(connection, files[0]) == 0
    pq.write_table(pa.table({"x": [17], "y": ["longer than it was"]}), files[0])
    with cursor(Limits(), files) as connection:
        assert number(connection, files[0]) == 17


def test_queries_at_work_at_once_do_not_see_each_other_s_tables(files):
    import duckdb

    with cursor(Limits(), files) as one, cursor(Limits(), files) as other:
        one.execute("CREATE TEMP TABLE mine AS SELECT 1")
        with pytest.raises(duckdb.Error, match="mine"):
            other.execute("SELECT * FROM mine")
        assert number(other, files[2]) == 2


def test_what_was_spilled_goes_with_the_query(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with cursor(Limits(memory_bytes=24 << 20), []) as connection:
        connection.execute("CREATE TEMP TABLE t AS SELECT range AS x, hash(range) AS y "
                           "FROM range(4000000)")  # fmt: skip
        assert len(list(tmp_path.iterdir())) == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(os.name != "posix", reason="elsewhere a process is not asked whether it lives")
def test_what_a_killed_process_spilled_is_swept_up(monkeypatch, tmp_path):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    names = [f"{kept._mine()}{number}-a" for number in (gone.pid, os.getpid())]
    names.append(f".skyquarry-query-another machine-{gone.pid}-a")
    for name in names:
        (tmp_path / name).mkdir()
        (tmp_path / name / "spilled.tmp").write_bytes(b"x")
    kept.sweep()
    assert sorted(each.name for each in tmp_path.iterdir()) == sorted(names[1:])
