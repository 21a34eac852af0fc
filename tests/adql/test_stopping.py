"""Ctrl-C is heard while the database works, wherever it is at."""

from __future__ import annotations

import gc
import os
import signal
import threading
import time
import weakref

import pytest

from skyquarry.adql.database import stopping
from skyquarry.adql.database.stopping import heard, when_over

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


class Pressed:
    """The thread that makes calls, and Ctrl-C when it has taken one."""

    def __init__(self, take):
        self.take = lambda call: take(call) or _press()


def test_ctrl_c_while_a_call_is_handed_over_leaves_none_behind(monkeypatch):
    """It was raised there, and the call went on in a connection that another took."""
    made = []

    def call():
        time.sleep(0.3)
        made.append("over")

    monkeypatch.setattr(stopping, "_maker", lambda: Pressed(stopping._Maker().take))
    with pytest.raises(KeyboardInterrupt):
        heard(Deaf(), call)
    assert made in (["over"], [])
    before = list(made)
    time.sleep(0.6)
    assert made == before  # what had not begun never does, what had is over


def test_a_call_that_has_not_begun_when_ctrl_c_comes_never_does(monkeypatch):
    kept, made = [], []
    monkeypatch.setattr(stopping, "_maker", lambda: Pressed(kept.append))
    with pytest.raises(KeyboardInterrupt):
        heard(Deaf(), lambda: made.append("begun"))
    kept[0].run()
    assert made == []
    assert kept[0].over.is_set()  # and the thread is free for the next


def _press():
    raise KeyboardInterrupt


def test_one_thread_makes_the_calls_of_all_queries():
    names = {heard(Deaf(), threading.get_ident) for _ in range(20)}
    assert len(names) == 1
    assert threading.get_ident() not in names


def test_a_call_that_is_not_over_holds_up_no_other():
    """A second Ctrl-C leaves one behind."""
    released = threading.Event()
    call = stopping._Beside(released.wait)
    stopping._maker().take(call)
    try:
        assert heard(Deaf(), lambda: "made") == "made"
    finally:
        released.set()


def test_what_a_call_gave_is_not_kept():
    class Rows:
        pass

    gone = weakref.ref(heard(Deaf(), Rows))
    gc.collect()
    for _ in range(100):
        if gone() is None:
            return
        time.sleep(0.01)
    pytest.fail("the rows of the last call lie in memory")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_a_process_that_was_forked_has_a_thread_of_its_own():
    heard(Deaf(), int)
    child = os.fork()
    if child == 0:
        signal.alarm(20)
        os._exit(heard(Deaf(), lambda: 7))
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7


class Held:
    """What a call holds, and gives: it tells which thread let go of it last."""

    def __init__(self, told):
        self.told = told

    def __call__(self):
        return Held(self.told)

    def __del__(self):
        self.told.append(threading.current_thread() is threading.main_thread())


def test_the_other_thread_has_let_go_of_all_when_the_answer_is_given(monkeypatch):
    """One that let go of a database while the interpreter ended aborted the process."""
    told, run = [], stopping._Beside.run
    monkeypatch.setattr(stopping._Beside, "run", lambda each: (run(each), time.sleep(0.2)))
    heard(Deaf(), Held(told))
    assert told == [True, True]


@pytest.mark.usefixtures("ctrl_c")
def test_a_second_ctrl_c_leaves_a_call_that_hears_nothing_and_tidies_up_after_it():
    over, tidied, connection = threading.Event(), threading.Event(), Deaf()
    presses = [threading.Timer(s, os.kill, (os.getpid(), signal.SIGINT)) for s in (0.2, 0.6)]
    for each in presses:
        each.start()
    with pytest.raises(KeyboardInterrupt):
        heard(connection, lambda: over.wait(60.0))
    when_over(connection, tidied.set)
    assert connection.told > 0
    assert not tidied.is_set()  # the call goes on in it
    over.set()
    assert tidied.wait(60.0)
    tidied.clear()
    when_over(connection, tidied.set)
    assert tidied.is_set()
