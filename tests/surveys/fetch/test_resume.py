"""A download that is killed goes on where it was; one that has ended asks for nothing."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from threading import Event

import pytest

from skyquarry.errors import ExistsError
from skyquarry.sky.regions import Cone
from skyquarry.surveys.fetch.cache import Cache
from skyquarry.testing.tapserver import Fault

from .conftest import Heard, ids_in, ids_of

HERE = Cone(0.0, 60.0, 60_000.0)
PROGRAM = """
import sys
from pathlib import Path
from skyquarry.sky.regions import Cone
from skyquarry.surveys.fetch.plan import FetchPlan
from skyquarry.surveys.fetch.target import target_of

class Silent:
    def stage(self, *_): pass
    def advance(self, *_): pass
    def note(self, *_): pass

target = target_of(None, tap=sys.argv[1], table="stars", parallel=2)
FetchPlan(target, Cone(0.0, 60.0, 60_000.0), Path(sys.argv[2])).run(Silent())
"""


def test_one_that_is_killed_goes_on_where_it_was(serve, plan_of, sky, tmp_path):
    reached = Event()

    def stands_still(query: str, number: int) -> Fault | None:
        fetched = sum("COUNT" not in q and "TOP" not in q for q in server.queries)
        if fetched > 8:
            reached.set()
            return Fault(stall_s=600.0)
        return None

    server = serve(fault=stands_still)
    folder = tmp_path / "cells"
    child = subprocess.Popen([sys.executable, "-c", PROGRAM, server.url, str(folder)])
    try:
        assert reached.wait(60.0)
    finally:
        os.kill(child.pid, signal.SIGKILL)
        child.wait(30.0)
    plan = plan_of(server, HERE, folder=folder, parallel=2, rows=None)
    with Cache(folder, plan.fingerprint) as cache:
        kept = len(cache)
    server.manners.fault = lambda *_: None
    asked = len(server.queries)
    fetched = plan.run(Heard())
    assert sorted(ids_of(fetched)) == ids_in(sky, HERE)
    assert fetched.cells - fetched.asked == kept >= 6
    anew = server.queries[asked:]
    assert not any("TOP" in query or "COUNT" in query for query in anew)
    assert len(anew) == len(set(anew)) <= fetched.asked


@pytest.mark.usefixtures("ctrl_c")
def test_a_ctrl_c_ends_it_at_once_though_the_service_stands_still(serve, tmp_path):
    reached = Event()

    def stands_still(_: str, number: int) -> Fault | None:
        if number == 6:
            reached.set()
        return Fault(stall_s=600.0) if number >= 5 else None

    server = serve(fault=stands_still)
    words = [sys.executable, "-c", PROGRAM, server.url, str(tmp_path / "cells")]
    child = subprocess.Popen(words, stderr=subprocess.PIPE)
    try:
        assert reached.wait(60.0)
        child.send_signal(signal.SIGINT)
        _, told = child.communicate(timeout=300.0)
    finally:
        child.kill()
    assert b"KeyboardInterrupt" in told


def test_one_that_has_ended_asks_for_nothing(serve, plan_of, sky):
    server = serve(hard_limit=40)
    first = plan_of(server, HERE, max_rows=40).run(Heard())
    requests = sum(server.requests.values())
    second = plan_of(server, HERE, max_rows=40).run(Heard())
    assert sum(server.requests.values()) == requests
    assert (second.files, second.rows, second.asked) == (first.files, first.rows, 0)


@pytest.mark.parametrize("damage", ["gone", "other bytes", "longer"])
def test_a_file_that_is_no_longer_as_it_was_is_fetched_again(serve, plan_of, sky, damage):
    server = serve()
    first = plan_of(server, HERE).run(Heard())
    file = first.files[-1]
    raw = file.read_bytes()
    if damage == "gone":
        file.unlink()
    else:
        file.write_bytes(raw[:-9] + b"X" + raw[-8:] if damage == "other bytes" else raw + b"X")
    second = plan_of(server, HERE).run(Heard())
    assert second.asked == 1
    assert sorted(ids_of(second)) == ids_in(sky, HERE)


def test_another_region_or_condition_is_another_download(serve, plan_of):
    server = serve()
    plans = [
        plan_of(server, HERE),
        plan_of(server, Cone(0.0, 60.0, 60_001.0)),
        plan_of(server, HERE, where="mag < 9"),
        plan_of(server, HERE, columns=["id"]),
        plan_of(server, HERE, table="galaxies"),
    ]
    assert len({plan.fingerprint for plan in plans}) == len(plans)
    again = plan_of(server, Cone(0.0, 60.0, 60_000.0), max_rows=7, parallel=5, count=False)
    assert again.fingerprint == plans[0].fingerprint


def test_two_at_once_in_one_folder_are_refused(serve, plan_of):
    plan = plan_of(serve(), HERE)
    with (
        Cache(plan.folder, plan.fingerprint),
        pytest.raises(ExistsError, match="another process fetches into"),
    ):
        plan.run(Heard())
