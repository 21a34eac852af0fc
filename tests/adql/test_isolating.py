"""Strangers' queries: the same rows, and hard limits that leave no process and no file behind."""

from __future__ import annotations

import math
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from skyquarry.adql.asking import query
from skyquarry.adql.isolating import Bounds, isolated_query
from skyquarry.engine.archive import archive as open_archive
from skyquarry.engine.catalog import open_catalog
from skyquarry.errors import CancelledError, QueryError, RunError, UserError

_STAR = (
    (180 + (20 + 9 * (i % 2)) * math.cos(i / 1_900), (20 + 9 * (i % 2)) * math.sin(i / 1_900))
    for i in range(11_900)
)
LONG = (
    "SELECT COUNT(*) AS n FROM sky WHERE 1 = CONTAINS(POINT(ra, dec), "
    f"POLYGON({', '.join(f'{x:.5f}, {y:.5f}' for x, y in _STAR)}))"
)
"""What takes long before there is a database to interrupt: a star of 11,900 corners."""


@pytest.fixture
def left(monkeypatch, tmp_path):
    """What lies in the folder for temporary files, and which processes were started."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    started = []
    popen = subprocess.Popen

    class Noted(popen):
        def __init__(self, *args, **kwargs) -> None:
            super().__init__(*args, **kwargs)
            started.append(self)

    monkeypatch.setattr(subprocess, "Popen", Noted)

    def after() -> tuple[list[Path], list[int]]:
        assert started
        return list(tmp_path.iterdir()), [p.pid for p in started if p.poll() is None]

    return after


def test_an_isolated_query_gives_the_same_rows_and_leaves_nothing(archive, mine, ask, left):
    adql = "SELECT s.id, s.ra, m.label FROM sky s JOIN mine m ON s.id = m.id ORDER BY s.id"
    plan = isolated_query(adql, uploads={"mine": mine}, archive=open_archive(archive))
    assert plan.to_table().equals(ask(adql).to_table())
    assert plan.schema.field("ra").metadata == {b"unit": b"deg", b"ucd": b"pos.eq.ra"}
    assert left() == ([], [])


def test_it_explains_and_streams_no_more_rows_than_it_may(archive, left):
    plan = isolated_query("SELECT id FROM sky", {"sky": open_catalog(archive / "sky")}, rows=700)
    assert sum(batch.num_rows for batch in plan.stream()) == 700
    assert "query over sky" in plan.explain()
    assert left() == ([], [])


def test_a_path_means_the_same_in_the_other_process(archive, monkeypatch):
    monkeypatch.chdir(archive.parent)
    plan = isolated_query("SELECT COUNT(*) AS n FROM sky", archive=archive.name)
    assert plan.to_table().to_pylist() == [{"n": 12_000}]
    plan = isolated_query("SELECT COUNT(*) AS n FROM s", {"s": f"{archive.name}/sky"})
    assert plan.to_table().to_pylist() == [{"n": 12_000}]


def test_who_stops_taking_rows_leaves_nothing(archive, left):
    stream = isolated_query("SELECT id FROM sky", archive=archive).stream()
    next(stream)
    stream.close()
    assert left() == ([], [])


def test_faults_come_as_they_are_here(archive, left):
    with pytest.raises(QueryError, match="decl is no column of sky") as fault:
        isolated_query("SELECT ra,\n decl FROM sky", archive=archive).to_table()
    assert (fault.value.line, fault.value.column) == (2, 2)
    with pytest.raises(QueryError, match="cannot be worked out"):
        isolated_query("SELECT CAST(kind AS INTEGER) AS n FROM sky", archive=archive).to_table()
    assert left() == ([], [])


def test_a_long_call_that_hears_no_interrupt_is_killed_in_time(archive, left):
    begun = time.monotonic()
    with pytest.raises(CancelledError, match=r"stopped after 0\.5 s"):
        isolated_query(LONG, archive=archive, seconds=0.5).to_table()
    assert time.monotonic() - begun < 30
    assert left() == ([], [])


def test_a_flood_of_rows_that_is_cut_by_its_time_says_so(archive, left):
    flood = "SELECT a.id FROM sky a, sky b, sky c"  # no machine gives so many in three seconds
    plan = isolated_query(flood, archive=archive, seconds=3, rows=10**12)
    with pytest.raises(CancelledError, match="stopped after 3 s"):
        for _ in plan.stream():
            pass
    assert left() == ([], [])


def test_a_bomb_of_memory_ends_the_query_and_nothing_else(archive, left):
    adql = (
        "SELECT ivo_string_agg(a.kind || b.kind || a.kind || b.kind, ',') AS bomb "
        "FROM sky a, sky b WHERE a.id < 3000"
    )
    with pytest.raises(RunError, match="memory"):
        isolated_query(adql, archive=archive, memory_gb=0.25, seconds=60).to_table()
    assert left() == ([], [])


@pytest.mark.parametrize(
    "adql",
    [
        "SELECT * FROM read_csv('/etc/passwd')",
        "SELECT * FROM '/etc/passwd'",
        "SELECT read_text('/etc/passwd') FROM sky",
        "SELECT getenv('HOME') FROM sky",
        "SELECT * FROM query('SELECT 1')",
        "SELECT * FROM range(0, 1000000000)",
        "COPY sky TO 'stolen.csv'",
        "ATTACH 'other.db'",
        "EXPORT DATABASE 'all'",
        "INSTALL httpfs",
        "SET enable_external_access = true",
        "PRAGMA version",
        "SELECT id FROM sky; SELECT id FROM sky",
        "CREATE TABLE t AS SELECT id FROM sky",
        "DROP TABLE sky",
        "SELECT id FROM sky; DROP TABLE sky",
        "SELECT id FROM duckdb_settings()",
        "SELECT id FROM information_schema.tables",
        "SELECT id FROM sky WHERE id = (SELECT MAX(id) FROM sky)",
        "SELECT " + "(" * 5_000 + "1" + ")" * 5_000 + " FROM sky",
        "SELECT id FROM sky WHERE " + " OR ".join(["id = 1"] * 200_000),
    ],
    ids=lambda text: text[:40],
)
def test_an_attack_is_refused_by_the_grammar_before_anything_runs(
    archive, adql, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(QueryError):
        query(adql, archive=archive)
    assert list(tmp_path.iterdir()) == []


def test_functions_of_python_and_into_are_not_for_strangers(archive, tmp_path):
    asked = isolated_query("SELECT id INTO my.x FROM sky", archive=archive, my=str(tmp_path))
    with pytest.raises(UserError, match="INTO is not for isolated queries"):
        asked.to_table()


def test_what_cannot_travel_is_refused_at_once(archive):
    cut = open_catalog(archive / "sky").where("mag < 18")
    with pytest.raises(UserError, match="the catalogue sky was cut before it was given"):
        isolated_query("SELECT id FROM sky", {"sky": cut})
    with pytest.raises(UserError, match="seconds is 0, but more than 0 is needed"):
        Bounds(seconds=0)


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="processes are looked up in /proc")
def test_it_ends_with_the_process_that_asked_for_it(archive, tmp_path):
    """The asker is killed, and can tidy nothing."""
    code = (
        "import time; from skyquarry.adql.isolating import isolated_query\n"
        f"rows = isolated_query('SELECT * FROM sky', archive={str(archive)!r}).stream()\n"
        "next(rows); time.sleep(120)  # the other one waits for more of its rows to be taken\n"
    )
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    asker = subprocess.Popen([sys.executable, "-c", code], env=environment)
    try:
        child = _until(lambda: _children(asker.pid))
        _until(lambda: list(tmp_path.glob(".skyquarry-isolated-*")))
        asker.send_signal(signal.SIGKILL)
        asker.wait()
        _until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in child))
        _until(lambda: not list(tmp_path.glob(".skyquarry-isolated-*")))
    finally:
        asker.kill()


def _children(pid: int) -> list[int]:
    return [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def _until(found, seconds: float = 60.0):
    end = time.monotonic() + seconds
    while not (value := found()):
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.05)
    return value
