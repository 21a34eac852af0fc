"""Small tables stay in memory: the rows are those of the files that lie there now."""

from __future__ import annotations

import os
import shutil
import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import skyquarry as sq
from skyquarry.adql.database import duck, hot, standing
from skyquarry.adql.database.kept import Limits
from skyquarry.adql.joins import ordering
from skyquarry.errors import CancelledError, RunError
from skyquarry.testing.adqlqueries import Grammar

ADQL = "SELECT id, mag, kind, good FROM sky WHERE mag < 20"


@pytest.fixture(autouse=True)
def _nothing_held(monkeypatch):
    """And tables of many files, as that of these tests is, may be."""
    monkeypatch.setattr(hot, "_FILES", 512)
    monkeypatch.setattr(hot, "_MAY_STAY", hot.Recall(hot._may_stay))
    hot.forget_all()
    yield
    hot.forget_all()


@pytest.fixture
def from_files(monkeypatch):
    """Counts the queries whose rows the database reads from files."""
    count = []
    own = duck._own
    monkeypatch.setattr(duck, "_own", lambda *given: count.append(1) or own(*given))
    return count


@pytest.fixture
def shelf(tmp_path):
    """A function that builds a catalogue of three rows, all files with the same times."""

    def built(values, name="sky", **more):
        shutil.rmtree(tmp_path / name, ignore_errors=True)
        table = pa.table({"id": [1, 2, 3], "ra": [10.0, 11.0, 12.0], "dec": [0.0, 1.0, 2.0],
                          "mag": values, **more})  # fmt: skip
        sq.build(table, tmp_path / name, ra="ra", dec="dec", id="id", progress=False)
        for file in tmp_path.rglob("*"):
            os.utime(file, ns=(10**18, 10**18))
        return sq.archive(tmp_path)

    return built


def held():
    """The columns that are held, by name."""
    return sorted(name for (_, name), each in hot._COLUMNS.items() if each.values is not None)


def mags(sky, name="sky"):
    return sky.query(f"SELECT mag FROM {name} ORDER BY id").to_table()["mag"].to_pylist()


def test_what_is_asked_again_comes_from_memory_and_is_the_same(ask, from_files):
    tables = [ask(ADQL).to_table() for _ in range(4)]
    assert len(from_files) == 1
    assert held() == ["good", "id", "kind", "mag"]
    assert all(each.equals(tables[0]) for each in tables)
    assert tables[0].num_rows > 1_000
    assert tables[0]["kind"].null_count > 0


def test_what_was_asked_once_is_not_held(ask, from_files):
    ask(ADQL).to_table()
    ask("SELECT pm FROM sky").to_table()
    assert held() == []
    ask("SELECT id, pm FROM sky WHERE mag < 18").to_table()  # each of them a second time
    assert held() == ["id", "mag", "pm"]
    assert len(from_files) == 2


@pytest.mark.parametrize("name", ["a", "b"])
def test_random_queries_have_the_same_rows_from_memory(ask, from_files, name):
    grammar, warm = Grammar(np.random.default_rng([80, ord(name)])), 0
    for _ in range(20):
        made = grammar.query()
        if "lines" in made.adql:
            continue
        hot.forget_all()
        first = ask(made.adql).to_table()
        ask(made.adql).to_table()
        before = len(from_files)
        again = ask(made.adql).to_table()
        warm += len(from_files) == before
        assert again.schema == first.schema, made.adql
        _compare(first, again, made.adql)
    assert warm > 5


def _compare(one, other, adql):
    """The same rows; sums of floats to what the order of adding leaves open."""
    assert one.num_rows == other.num_rows, adql
    rows = [sorted(map(repr, _rounded(each))) for each in (one, other)]
    assert rows[0] == rows[1], adql


def _rounded(table):
    for row in zip(*(column.to_pylist() for column in table.columns), strict=True):
        yield tuple(float(f"{v:.9g}") if isinstance(v, float) else v for v in row)


def test_a_catalogue_built_anew_is_read_anew(shelf):
    for values in ([1.0, 2.0, 3.0], [3.0, 1.0, 2.0], [2.0, 3.0, 1.0]):
        sky = shelf(values)
        assert [mags(sky) for _ in range(3)] == [values] * 3
        assert "mag" in held()


def test_a_file_that_was_written_over_is_read_anew(shelf):
    """In a version nothing should change; who changes it is not given what was there before."""
    sky = shelf([1.0, 2.0, 3.0])
    assert [mags(sky) for _ in range(3)] == [[1.0, 2.0, 3.0]] * 3
    (file,) = sky["sky"].stored.files(0)
    path = sky["sky"].stored.folder.path(file)
    table = pq.read_table(path)
    moved = pa.array([4.0, 5.0, 6.0])
    pq.write_table(table.set_column(table.schema.get_field_index("mag"), "mag", moved), path)
    os.utime(path, ns=(10**18, 10**18))
    assert sorted(mags(sky)) == [4.0, 5.0, 6.0]


def test_a_file_that_is_gone_is_told(shelf):
    sky = shelf([1.0, 2.0, 3.0])
    plan = sky.query("SELECT mag FROM sky")
    assert [plan.to_table().num_rows for _ in range(3)] == [3, 3, 3]
    (file,) = sky["sky"].stored.files(0)
    Path(sky["sky"].stored.folder.path(file)).unlink()
    with pytest.raises(RunError, match="is gone"):
        plan.to_table()


def test_archives_with_the_same_names_are_not_mixed_up(shelf, tmp_path):
    sky = shelf([1.0, 2.0, 3.0])
    (tmp_path / "other").mkdir()
    shutil.copytree(tmp_path / "sky", tmp_path / "other" / "sky")
    more = shelf([7.0, 8.0, 9.0])
    other = sq.archive(tmp_path / "other")
    for _ in range(3):
        assert mags(other) == [1.0, 2.0, 3.0]
        assert mags(more) == mags(sky) == [7.0, 8.0, 9.0]


def test_what_its_owner_cut_stays_cut(shelf):
    sky = shelf([1.0, 2.0, 3.0])
    adql = "SELECT mag FROM sky ORDER BY mag"
    for _ in range(3):
        assert mags(sky) == [1.0, 2.0, 3.0]
        for cut in (sky["sky"].where("mag > 1"), sky["sky"].cone(10.0, 0.0, 3600 * 1.9)):
            table = sq.query(adql, catalogs={"sky": cut}).to_table()
            assert table["mag"].to_pylist() == cut.to_table(["mag"])["mag"].sort().to_pylist()
            assert table.num_rows == 2


def test_kinds_that_may_differ_are_left_to_the_files(ask, from_files):
    for _ in range(3):
        assert ask("SELECT seen FROM sky").to_table().num_rows == 12_000
    assert held() == []
    assert len(from_files) == 3


def test_large_tables_and_small_parts_are_left_to_the_files(ask, from_files, monkeypatch):
    part = "SELECT id FROM sky WHERE ra BETWEEN 100 AND 130 AND dec BETWEEN -30 AND 0"
    tables = [ask(part).to_table().num_rows for _ in range(3)]
    assert len(from_files) == 3
    assert len(set(tables)) == 1
    monkeypatch.setattr(hot, "_MAY_STAY", hot.Recall(hot._may_stay))
    monkeypatch.setattr(hot, "_TABLE_ROWS", 11_999)
    for _ in range(3):
        ask(ADQL).to_table()
    assert len(from_files) == 6
    assert held() == []


def test_texts_that_are_longer_than_foretold_are_read_once(ask, from_files, monkeypatch):
    monkeypatch.setattr(hot, "width_of", lambda _: 1.0)
    monkeypatch.setattr(hot, "_TABLE_BYTES", 60_000)
    reads = []
    real = hot._read
    monkeypatch.setattr(hot, "_read", lambda *given: reads.append(1) or real(*given))
    for _ in range(4):
        assert ask("SELECT kind FROM sky").to_table().num_rows == 12_000
    assert len(from_files) == 4
    assert len(reads) == 1
    assert held() == []


def test_what_was_not_asked_for_longest_goes_first(ask, monkeypatch):
    monkeypatch.setattr(hot, "_MOST_BYTES", 12_000 * 18)
    for name in ("id", "pm"):
        for _ in range(2):
            ask(f"SELECT {name} FROM sky").to_table()
    assert held() == ["id", "pm"]
    ask("SELECT id FROM sky").to_table()
    for _ in range(2):
        assert ask("SELECT ra FROM sky").to_table().num_rows == 12_000
    assert held() == ["id", "ra"]
    assert sum(each.size for each in hot._COLUMNS.values()) <= hot._MOST_BYTES


def test_other_limits_of_memory_have_a_database_of_their_own(ask, from_files):
    plan = ask(ADQL)
    for _ in range(3):
        plan.to_table()
    assert len(from_files) == 1
    replace(plan, limits=Limits(memory_bytes=1 << 30)).to_table()
    assert len(from_files) == 2


def test_joins_are_put_in_order_once(ask, from_files, monkeypatch):
    monkeypatch.setattr(ordering, "_WORTH", 1)
    looks = []
    text = ordering._text
    monkeypatch.setattr(ordering, "_text", lambda *given: looks.append(1) or text(*given))
    adql = (
        "SELECT a.id, COUNT(*) AS n FROM sky a JOIN sky b ON a.flags = b.flags "
        "WHERE a.mag < 12 AND b.pm > 50 GROUP BY a.id ORDER BY a.id"
    )
    tables = [ask(adql).to_table() for _ in range(4)]
    assert all(each.equals(tables[0]) for each in tables)
    assert tables[0].num_rows > 10
    assert len(from_files) == 1
    assert len(looks) == 2  # of the files, and of what is held


def test_threads_that_ask_at_once_get_their_own_rows(ask, sky):
    mag, pm = sky["mag"].to_numpy(), sky["pm"].to_numpy()
    wrong = []

    def some(number):
        for turn in range(12):
            bound = number + turn / 7.0
            found = ask(f"SELECT COUNT(*) AS n FROM sky WHERE pm > {bound}").to_table()
            below = ask(f"SELECT id FROM sky WHERE mag < {14 + number}").to_table()
            if found["n"].to_pylist() != [int((pm > bound).sum())]:
                wrong.append(found)
            if below.num_rows != int((mag < 14 + number).sum()):
                wrong.append(below)

    threads = [threading.Thread(target=some, args=(each,)) for each in range(5)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert not wrong


def test_a_query_of_tables_in_memory_is_stopped_in_time(ask, from_files):
    adql = "SELECT COUNT(*) AS n FROM sky a, sky b, sky c WHERE a.mag + b.mag + c.mag < -99"
    for _ in range(2):
        ask("SELECT mag FROM sky").to_table()
    before = len(from_files)
    with pytest.raises(CancelledError, match=r"0\.3 s"):
        ask(adql, timeout=0.3).to_table()
    assert len(from_files) == before
    assert ask("SELECT COUNT(mag) AS n FROM sky").to_table()["n"][0].as_py() > 10_000


def test_what_memory_has_no_room_for_is_spilled_and_then_removed(ask, from_files, monkeypatch):
    """A database of small queries had no place on disk, so that such a sort failed."""
    small = Limits(memory_bytes=48 << 20)
    standing.close_all()
    monkeypatch.setattr(standing, "_HERE", {})
    monkeypatch.setattr(standing, "Limits", lambda: small)
    for _ in range(2):
        ask("SELECT id, ra, dec, pm FROM sky").to_table()
    before = len(from_files)
    adql = (
        "SELECT a.id, a.ra, a.dec, a.pm, b.pm AS other FROM sky a, sky b "
        "WHERE b.id < 150 ORDER BY a.pm * b.pm"
    )
    here, rows = standing._here(standing._Kind()), 0
    for batch in ask(adql).stream():
        rows += batch.num_rows
        assert here.database.has_spilled
    assert rows == 149 * 12_000
    assert not here.database.has_spilled
    assert standing._here(standing._Kind()) is not here
    assert len(from_files) == before
    assert ask("SELECT id FROM sky WHERE pm > 0").to_table().num_rows > 5_000
