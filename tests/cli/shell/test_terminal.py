"""A person at a terminal: by prompt_toolkit's own pipe, by plain lines, and by a real one."""

from __future__ import annotations

import os
import select
import subprocess
import sys
import time

import pytest

from skyquarry.cli.shell import terminal
from skyquarry.cli.shell.completing import Completer


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A user without history."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "skyquarry"


@pytest.fixture
def typed(shell, home):
    """What is read of keys that are pressed."""
    pytest.importorskip("prompt_toolkit", reason="the extra shell is not installed")
    from prompt_toolkit.input import create_pipe_input
    from prompt_toolkit.output import DummyOutput

    with create_pipe_input() as keys:
        read = terminal.prompting(shell.session, input=keys, output=DummyOutput())

        def of(text: str) -> str:
            keys.send_text(text)
            return read()

        yield of


def test_a_statement_is_read_until_its_semicolon(typed):
    assert typed("SELECT id\nFROM stars;\n") == "SELECT id\nFROM stars;"
    assert typed("\\d\n") == "\\d"


def test_the_tab_key_offers_the_words_of_the_place(shell):
    document = pytest.importorskip("prompt_toolkit.document")
    offered = terminal.offers(Completer(shell.session))
    asked = document.Document("SELECT s. FROM stars s", len("SELECT s."))
    found = list(offered.get_completions(asked, None))
    assert {each.text for each in found} >= {"ra", "dec", "mag"}
    asked = document.Document("SELECT id FROM sta")
    assert [(w.text, w.start_position) for w in offered.get_completions(asked, None)] == [
        ("stars", -3)
    ]


def test_control_c_drops_the_line_and_control_d_ends(typed):
    with pytest.raises(KeyboardInterrupt):
        typed("SELECT nonsense\x03")
    with pytest.raises(EOFError):
        typed("\x04")


def test_history_is_kept_for_the_next_session_and_for_no_one_else(typed, home):
    typed("SELECT id FROM stars;\n")
    assert "SELECT id FROM stars;" in (home / "history").read_text()
    assert (home / "history").stat().st_mode & 0o077 == 0
    assert typed("\x1b[A\n") == "SELECT id FROM stars;"


def test_where_nothing_can_be_written_there_is_no_history(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    assert terminal.history_file() is None


def test_without_prompt_toolkit_plain_lines_are_read(shell, home, monkeypatch):
    monkeypatch.setitem(sys.modules, "prompt_toolkit", None)
    monkeypatch.setitem(sys.modules, "readline", None)
    lines = iter(["SELECT id", "FROM stars;"])
    asked = []
    monkeypatch.setattr("builtins.input", lambda prompt: asked.append(prompt) or next(lines))
    assert terminal.reader_of(shell.session)() == "SELECT id\nFROM stars;"
    assert asked == [terminal.PROMPT, terminal.MORE]


def test_readline_is_offered_the_same_words(shell, home):
    readline = pytest.importorskip("readline")
    terminal.plainly(shell.session)
    assert readline.get_completer()
    assert "." in readline.get_completer_delims()


def _until(fd: int, wanted: str, seconds: float = 120, asking: bytes = b"") -> str:
    """What a terminal shows, up to these words, with a key pressed each second until then.

    A key that is pressed before the query has begun is the prompt's, however busy the machine is.
    """
    got, end = "", time.monotonic() + seconds
    while wanted not in got:
        assert time.monotonic() < end, got
        if not select.select([fd], [], [], 1.0)[0]:
            os.write(fd, asking)
        else:
            got += os.read(fd, 65_536).decode(errors="replace")
    return got


@pytest.mark.skipif(not hasattr(os, "openpty"), reason="this system has no pseudo-terminals")
def test_a_real_terminal_gets_answers_and_lives_through_control_c(archive, home):
    """Ctrl-C goes to the process as a signal, while a query of minutes runs."""
    master, slave = os.openpty()
    words = ["skyquarry", "--archive", str(archive), "shell"]
    code = (
        "import fcntl, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0)\n"
        f"from skyquarry.cli import main; sys.argv = {words!r}; main()"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code], stdin=slave, stdout=slave, stderr=slave,
        env={**os.environ, "TERM": "dumb", "XDG_CACHE_HOME": str(home.parent)},
        start_new_session=True,
    )  # fmt: skip
    try:
        _until(master, terminal.PROMPT)
        os.write(master, b"SELECT COUNT(*) AS n FROM stars;\r")
        _until(master, "1 row")
        long = "SELECT SUM(a.ra*b.ra*c.ra*d.ra) AS n FROM stars a, stars b, stars c, stars d;\r"
        os.write(master, long.encode())
        _until(master, "stopped", asking=b"\x03")
        os.write(master, b"\\q\r")
        assert process.wait(30) == 0
    finally:
        process.kill()
        process.wait()
        os.close(master)
        os.close(slave)
