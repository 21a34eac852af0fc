"""Folders for rows on their way go at the end of a run; those of killed ones with the next."""

from __future__ import annotations

import subprocess
import sys

import pytest

from skyquarry.engine.scratch import scratch

KILLED = """
import os, signal, sys
from pathlib import Path
from skyquarry.engine.scratch import scratch
with scratch("river", sys.argv[1]) as home:
    Path(home, "rows.arrow").write_text("rows")
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_folder_goes_at_the_end_and_with_a_failure(tmp_path):
    with scratch("river", tmp_path) as home:
        assert home.startswith(str(tmp_path / ".skyquarry-river-"))
    with pytest.raises(ZeroDivisionError), scratch("river", tmp_path):
        _ = 1 / 0
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(sys.platform == "win32", reason="no signal ends a process there")
def test_what_a_killed_run_has_left_goes_with_the_next_and_living_ones_stay(tmp_path):
    done = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path)], check=False)
    assert done.returncode == -9
    assert len(list(tmp_path.iterdir())) == 1
    with scratch("river", tmp_path) as home, scratch("river", tmp_path) as other:
        assert {str(path) for path in tmp_path.iterdir()} == {home, other}
    assert list(tmp_path.iterdir()) == []
