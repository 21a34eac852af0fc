"""The ends of queries: rung in their order until they are over, never when they were taken back."""

from __future__ import annotations

import threading
import time
import weakref

from skyquarry.adql.database import deadlines
from skyquarry.adql.database.deadlines import after


def test_what_lasts_too_long_is_told_and_what_does_not_is_not():
    late, early = threading.Event(), threading.Event()
    with after(0.02, late.set), after(30.0, early.set):
        assert late.wait(20.0)
    assert not early.is_set()


def test_ends_come_in_their_order_whenever_they_were_named():
    rung: list[float] = []
    done = threading.Event()
    with (
        after(0.3, done.set),
        after(0.2, lambda: rung.append(0.2)),
        after(0.05, lambda: rung.append(0.05)),
    ):
        assert done.wait(20.0)
    assert list(dict.fromkeys(rung)) == [0.05, 0.2]


def test_who_did_not_hear_it_is_told_again():
    """A database hears of no interruption that comes while it is between two works."""
    rung = threading.Semaphore(0)
    with after(0.01, rung.release):
        assert all(rung.acquire(timeout=20.0) for _ in range(3))
    while rung.acquire(blocking=False):
        pass
    time.sleep(3 * deadlines._AGAIN_S)
    assert not rung.acquire(blocking=False)


def test_what_is_taken_back_is_not_rung():
    rung = threading.Event()
    for _ in range(200):
        with after(0.05, rung.set):
            pass
    time.sleep(0.3)
    assert not rung.is_set()
    assert len(deadlines._watch()._ends) <= deadlines._MANY + 1


def test_a_fault_in_one_does_not_keep_others_from_theirs():
    def fails():
        raise OSError("gone")

    rung = threading.Event()
    with after(0.01, fails), after(0.05, rung.set):
        assert rung.wait(20.0)


def test_what_was_rung_does_not_live_as_long_as_the_thread():
    """A database that a query's end interrupted was left to the interpreter's own end."""

    class Bell:
        def __init__(self):
            self.rung = threading.Event()

        def ring(self):
            self.rung.set()

    bell = Bell()
    gone = weakref.ref(bell)
    with after(0.01, bell.ring):
        assert bell.rung.wait(20.0)
    del bell
    until = time.monotonic() + 20.0
    while gone() is not None and time.monotonic() < until:
        time.sleep(0.01)
    assert gone() is None


def test_one_thread_waits_for_all():
    with after(30.0, print):
        before = threading.active_count()
        with after(30.0, print), after(30.0, print):
            assert threading.active_count() == before


def test_none_is_for_ever():
    with after(None, print):
        pass
