"""What is told of a long job on a terminal, and in a log."""

import io
import re
from itertools import count

from skyquarry.ingest.progress import Bar, Lines


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_a_bar_tells_rows_speed_and_the_time_left(monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "120")
    clock = count()
    shown = Terminal()
    bar = Bar(shown)
    bar._bar.get_time = lambda: 0.5 * next(clock)
    bar._bar.live.auto_refresh = False
    bar.stage("fetching", 1_000)
    for _ in range(5):
        bar.advance(100)
        bar._bar.refresh()
    bar.close(None)
    told = shown.getvalue()
    assert "500/1000" in told
    assert "rows/s" in told
    assert re.search(r"0:\d\d:\d\d", told)


def test_a_log_has_the_notes_alone():
    log = io.StringIO()
    lines = Lines(log)
    lines.stage("fetching", 10)
    lines.advance(5)
    lines.note("two columns are not there")
    lines.close(None)
    assert log.getvalue() == "two columns are not there\n"
