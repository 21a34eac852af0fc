"""Ctrl-C is heard while the database works, wherever it is at."""

from __future__ import annotations

import os
import signal
import threading
import time

import pytest

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
    if threading.current_thread() is not threading.main_thread():
        pytest.skip("signals reach the main thread alone, and this test runs in another")
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
