import subprocess
import sys
import threading

import numpy as np
import pyarrow as pa
import pytest

from skyquarry.catalog.parquet import DECODED
from skyquarry.catalog.roles import Roles
from skyquarry.catalog.writer import Options
from skyquarry.engine import predicate
from skyquarry.engine.catalog import open_catalog
from skyquarry.errors import CancelledError, PredicateError, UserError
from skyquarry.mine import scan, sweeping
from skyquarry.mine.scan import ScanMachine, sweep_once
from skyquarry.mine.sweeping import sweep
from skyquarry.sky.regions import Cone
from skyquarry.testing.handmade import write_catalog

PREDICATES = ["u - g < 0.5", "r > 18 AND kind = 'star'", "u IS NULL", "NOT (g < 19 OR u > 20)",
              "kind IN ('galaxy') AND g / r > 1.05", "r < 0", "id < 1000"]  # fmt: skip


def _cuts(stars):
    cuts = [stars.where(text).select(["id", "r"]) for text in PREDICATES]
    cone = stars.region(Cone(12.0, 0.0, 3600.0)).where("r < 19")
    return [*cuts, stars, cone, stars.sample(0.1), stars.sample(0.3, "row").select(["g"])]


@pytest.mark.parametrize(("executor", "worth"), [(None, 0), ("inline", 0), ("inline", 10**9)])
def test_each_question_gets_what_it_gets_alone(stars, executor, worth, monkeypatch):
    monkeypatch.setattr(sweeping, "WORTH", worth)
    cuts = _cuts(stars)
    found = sweep_once(cuts, executor)
    assert [each.num_rows for each in found[:3]] != [0, 0, 0]
    for cut, table in zip(cuts, found, strict=True):
        assert table.equals(cut.to_table())


def test_sixteen_questions_read_each_tile_once(stars):
    with ScanMachine(stars) as machine:
        with machine._changed:  # all of them before the first tile
            answers = [machine.ask(stars.where(f"r - {0.1 * n} < 17")) for n in range(16)]
        tables = [answer.table() for answer in answers]
        assert machine.read == len(stars.source.tiles)
    assert [each.num_rows for each in tables] == [
        stars.where(f"r - {0.1 * n} < 17").count() for n in range(16)
    ]


@pytest.fixture(scope="module")
def strips(tmp_path_factory):
    """One tile of twenty row groups, each of a narrow range of declination and of x."""
    n = 2_000
    dec = np.linspace(1.0, 3.0, n)
    table = pa.table({"id": np.arange(n), "ra": np.full(n, 45.0), "dec": dec, "x": dec})
    home = tmp_path_factory.mktemp("scan") / "strips"
    options = Options(row_group_rows=100)
    roles = Roles(ra="ra", dec="dec", id="id").to_properties()
    write_catalog(home, table, max_rows=n, options=options, properties=roles)
    return open_catalog(home)


def _rows_read(cuts):
    before = DECODED.rows
    tables = sweep_once(cuts)
    read = DECODED.rows - before
    assert all(table.equals(cut.to_table()) for table, cut in zip(tables, cuts, strict=True))
    return read


def test_questions_of_few_row_groups_read_these_by_themselves(strips):
    near = [strips.where(f"x BETWEEN {low} AND {low + 0.1}").select(["id"]) for low in (1.3, 2.3)]
    assert 100 <= _rows_read(near) <= 800
    assert _rows_read([*near, strips.where("id >= 0")]) == 2_000  # which reads all of them anyhow
    many = [strips.where(f"x < {2 + 0.01 * n}").select(["id"]) for n in range(8)]
    assert _rows_read(many) == 2_000


class _Stepping:
    """An executor that does a task when it is told to: the sweep stands still in between."""

    def __init__(self):
        self.may, self.done = threading.Semaphore(0), []

    def submit(self, function, *args):
        from concurrent.futures import Future

        assert self.may.acquire(timeout=30)
        future = Future()
        try:
            future.set_result(function(*args))
        except BaseException as error:  # noqa: BLE001  as an executor does
            future.set_exception(error)
        self.done.append(args[1])
        return future


def test_a_newcomer_joins_at_the_next_tile_and_leaves_after_one_round(stars):
    tiles = len(stars.source.tiles)
    executor = _Stepping()
    executor._max_workers = 1
    with ScanMachine(stars, executor) as machine:
        first = machine.ask(stars.where("r - 1 < 17"))
        executor.may.release(5)
        while len(executor.done) < 5:
            threading.Event().wait(0.01)
        second = machine.ask(stars.where("g - 1 < 17"))
        executor.may.release(10 * tiles)
        assert first.table().equals(stars.where("r - 1 < 17").to_table())
        assert second.table().equals(stars.where("g - 1 < 17").to_table())
    # a run holds two tiles more that were cut before the newcomer came
    assert tiles + 5 <= len(executor.done) <= tiles + 9
    assert executor.done[:tiles] == list(range(tiles))
    assert executor.done[tiles:] == list(range(len(executor.done) - tiles))
    assert second.share == 1.0


def test_a_fault_ends_its_own_question_alone(stars):
    bad = stars.where("id * 9223372036854775807 > 5")
    with ScanMachine(stars) as machine:
        wrong, right = machine.ask(bad), machine.ask(stars.where("r < 18"))
        with pytest.raises(PredicateError, match="64 bits"):
            wrong.table()
        assert right.table().num_rows == stars.where("r < 18").count()


def test_an_answer_that_nobody_reads_waits_and_loses_nothing(stars, monkeypatch):
    monkeypatch.setattr(scan, "UNREAD_BYTES", 100_000)
    with ScanMachine(stars) as machine:
        slow = machine.ask(stars)
        quick = machine.ask(stars.where("r < 18").select(["id"]))
        assert quick.table().num_rows == stars.where("r < 18").count()
        assert 0.0 < slow.share < 1.0
        assert slow._unread < 100_000 + 4 * 2_000 * 80
        assert slow.table().equals(stars.to_table())


def test_a_part_of_each_tile_is_kept_in_place_of_its_rows(stars):
    def count(table):
        return pa.table({"rows": pa.array([table.num_rows], pa.int64())})

    with ScanMachine(stars) as machine:
        told = machine.ask(stars.where("r - 1 < 17"), part=count).table()
    assert told.num_rows == len(stars.source.tiles)
    assert sum(told["rows"].to_pylist()) == stars.where("r - 1 < 17").count()


def test_a_stream_hands_out_while_the_sweep_goes_on_and_cancel_ends_one(stars):
    with ScanMachine(stars) as machine:
        answer, other = machine.ask(stars), machine.ask(stars.where("r < 18"))
        assert next(answer.stream()).num_rows > 0
        answer.cancel()
        with pytest.raises(CancelledError):
            list(answer.stream())
        assert other.table().num_rows == stars.where("r < 18").count()


def test_what_waits_when_a_machine_closes_is_told_so(stars):
    machine = ScanMachine(stars, _Stepping())
    machine.executor._max_workers = 1
    answer = machine.ask(stars)
    closing = threading.Thread(target=machine.close)
    closing.start()
    machine.executor.may.release(100)
    with pytest.raises(CancelledError):
        answer.table()
    closing.join(30)
    assert not closing.is_alive()
    with pytest.raises(UserError, match="closed"):
        machine.ask(stars)


def test_questions_that_a_sweep_cannot_answer_are_refused(stars, tmp_path):
    with ScanMachine(stars) as machine:
        with pytest.raises(UserError, match="head"):
            machine.ask(stars.head(5))
        other = stars.where("r < 17").to_catalog(tmp_path / "other")
        with pytest.raises(UserError, match=r"machine\.catalog"):
            machine.ask(other)
        with pytest.raises(UserError, match="the question is 'r < 17', but a cut of the machine's"):
            machine.ask("r < 17")
    with pytest.raises(UserError, match="one at least"):
        sweep_once([])


def test_a_damaged_tile_is_told_to_all_who_wait(stars, monkeypatch):
    def broken(*_):
        raise OSError("disk")

    monkeypatch.setattr(scan, "sweep", broken)
    with ScanMachine(stars, "inline") as machine:
        answers = [machine.ask(stars), machine.ask(stars.where("r < 18"))]
        for answer in answers:
            with pytest.raises(OSError, match="disk"):
                answer.table()
    assert sweep is not broken


def test_a_scan_of_many_rows_loads_the_loops_that_ask_quickest(stars, monkeypatch):
    def loaded(work):
        monkeypatch.delitem(sys.modules, "skyquarry.engine.programs", raising=False)
        work()
        return "skyquarry.engine.programs" in sys.modules

    red = stars.where("u - g > 1")
    monkeypatch.setattr(predicate, "_LOOPS", "not loaded")  # or a table is asked by them anyhow
    assert not loaded(red.to_table)
    assert not loaded(lambda: sweep_once([red]))
    monkeypatch.setattr(predicate, "_WORTH_LOADING", len(stars))
    assert loaded(red.to_table)
    assert loaded(lambda: sweep_once([red]))
    assert not loaded(red.region(Cone(12.0, 0.0, 60.0)).to_table)


_LEFT_OPEN = """
import atexit, sys
import skyquarry as sq

def said():
    print(machine._thread.is_alive())

atexit.register(said)  # what is registered first is called last
machine = sq.ScanMachine(sq.open(sys.argv[1]))
machine.ask(machine.catalog).table()
"""


def test_a_machine_that_nobody_closed_sweeps_no_more_when_python_ends(stars):
    """A thread that reads while the interpreter ends is unwound by force, and aborts it."""
    where = stars.stored.home.root
    done = subprocess.run(
        [sys.executable, "-c", _LEFT_OPEN, where], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["False"]
