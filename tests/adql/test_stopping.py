"""Ctrl-C is heard while the database works, wherever it is at."""

from __future__ import annotations

import os
import signal
import threading
import time

import pytest

from skyquarry.adql.database.stopping import heard

LONG = (
    "SELECT COUNT(*) AS n FROM sky a, sky b, sky c WHERE a.mag + b.mag + c.mag < -99",
    "SELECT a.id, b.id FROM sky a, sky b ORDER BY a.pm * b.pm",
    "SELECT a.id, b.id, c.id FROM sky a, sky b, sky c",
)


def _take_all(plan, executor):
    for _ in plan.stream(executor):
        time.sleep(0.001)


@pytest.mark.usefixtures("ctrl_c")
@pytest.mark.parametrize("executor", [None, "threads"])
@pytest.mark.parametrize("adql", LONG)
def test_a_query_that_runs_is_interrupted(ask, adql, executor):
    plan = ask(adql, timeout=60.0)
    _ = plan.pieces.here
    pressed = threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGINT))
    pressed.start()
    began = time.monotonic()
    try:
        with pytest.raises(KeyboardInterrupt):
            _take_all(plan, executor)
    finally:
        pressed.cancel()
    assert time.monotonic() - began < 30.0
    assert len(ask("SELECT id FROM sky WHERE id < 5").to_table()) > 0


class Deaf:
    """A connection that nobody can interrupt."""

    def __init__(self):
        self.told = 0

    def interrupt(self):
        self.told += 1


def test_ctrl_c_while_the_other_thread_starts_leaves_no_call_behind(monkeypatch):
    """It was raised out of start(), and the call went on in a connection that another took."""
    start, made, connection = threading.Thread.start, [], Deaf()

    def interrupted(thread):
        start(thread)
        raise KeyboardInterrupt

    def call():
        time.sleep(0.3)
        made.append("over")

    monkeypatch.setattr(threading.Thread, "start", interrupted)
    with pytest.raises(KeyboardInterrupt):
        heard(connection, call)
    assert made in (["over"], [])
    before = list(made)
    time.sleep(0.6)
    assert made == before  # what had not begun never does, what had is over


def test_a_call_that_has_not_begun_when_ctrl_c_comes_never_does(monkeypatch):
    kept, made = [], []
    monkeypatch.setattr(threading.Thread, "start", lambda thread: kept.append(thread) or _press())
    with pytest.raises(KeyboardInterrupt):
        heard(Deaf(), lambda: made.append("begun"))
    kept[0].run()
    assert made == []


def _press():
    raise KeyboardInterrupt
