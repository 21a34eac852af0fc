"""Columns that lie in memory are read without being asked for before; nothing else is unlocked."""

from __future__ import annotations

import duckdb
import pytest

from skyquarry.adql.database import foresight, kept
from skyquarry.adql.database.foresight import Foresight

ASK = f"SELECT current_setting('{foresight.SETTING}')"


@pytest.fixture
def disk(monkeypatch):
    """What came from disk, as a test says."""
    told = [0]
    monkeypatch.setattr(foresight, "bytes_from_disk", lambda: told[0])
    return told


def _never_asks(connection):
    return connection.execute(ASK).fetchone()[0]


@pytest.fixture
def connection():
    with duckdb.connect() as made:
        made.execute("LOAD parquet")
        yield made


def test_what_was_read_from_memory_is_not_asked_for_before(connection, disk):
    found = Foresight()
    for expected in (False, True, True):
        with found.reading(connection, frozenset({"a.u", "a.g"})):
            assert _never_asks(connection) is expected
    with found.reading(connection, frozenset({"a.g"})):
        assert _never_asks(connection) is True


def test_a_column_that_is_new_is_asked_for_before(connection, disk):
    found = Foresight()
    for columns in ({"a.u"}, {"a.u"}, {"a.u", "a.z"}):
        with found.reading(connection, frozenset(columns)):
            last = _never_asks(connection)
    assert last is False


def test_what_came_from_disk_is_asked_for_before_again(connection, disk):
    found, columns = Foresight(), frozenset({"a.u"})
    for _ in range(2):
        with found.reading(connection, columns):
            pass
    assert found.in_memory == {"a.u"}
    with found.reading(connection, columns):
        disk[0] += 1 << 20
    assert found.in_memory == set()
    with found.reading(connection, columns):
        assert _never_asks(connection) is False


def test_where_the_disk_does_not_tell_it_always_asks_before(connection, monkeypatch):
    monkeypatch.setattr(foresight, "bytes_from_disk", lambda: None)
    found = Foresight()
    for _ in range(3):
        with found.reading(connection, frozenset({"a.u"})):
            assert _never_asks(connection) is False


def test_a_system_that_tells_nothing_is_no_error(monkeypatch, tmp_path):
    monkeypatch.setattr(foresight, "_TELLER", tmp_path / "io")
    assert foresight.bytes_from_disk() is None
    (tmp_path / "io").write_text("rchar: 7\nread_bytes: 4096\n")
    assert foresight.bytes_from_disk() == 4096


@pytest.mark.parametrize("setting", ["threads = 3", "allowed_configs = ['threads']"])
def test_all_other_settings_stay_locked(setting):
    with (
        kept.cursor(kept.Limits(), []) as connection,
        pytest.raises(duckdb.InvalidInputException, match="Cannot change configuration"),
    ):
        connection.execute(f"SET GLOBAL {setting}")


def test_queries_of_one_table_learn_that_it_lies_in_memory(ask, disk):
    kept.close_all()
    for _ in range(2):
        ask("SELECT kind, COUNT(*) AS n FROM sky GROUP BY kind ORDER BY kind").to_table()
    states = [each.foresight for each in kept._here()]
    assert any(name.endswith(" kind") for each in states for name in each.in_memory)
    kept.close_all()
