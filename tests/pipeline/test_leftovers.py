"""What a match that was killed has left in its folder goes with the next one there."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pyarrow as pa
import pytest

import skyquarry as sq

if TYPE_CHECKING:
    from pathlib import Path

KILLED = """
import os, signal, sys
import skyquarry as sq
from skyquarry.pipeline import matchcatalog
from test_leftovers import matched
matchcatalog.build = lambda *_, **__: os.kill(os.getpid(), signal.SIGKILL)
matched().to_catalog(sys.argv[1], "inline")
"""


def matched() -> sq.Plan:
    a, b = (pa.table({"id": [1, 2], "ra": ra, "dec": [0.0, 0.0]})
            for ra in ([10.0, 10.01], [10.0, 10.02]))  # fmt: skip
    return sq.crossmatch(a, b, names=["a", "b"], default_error_arcsec=0.1)


@pytest.mark.skipif(sys.platform == "win32", reason="no signal ends a process there")
def test_the_rows_of_a_killed_match_go_with_the_next(tmp_path: Path, request) -> None:
    done = subprocess.run(
        [sys.executable, "-c", KILLED, str(tmp_path / "matched")], check=False,
        cwd=request.path.parent,
    )  # fmt: skip
    assert done.returncode == -9
    (left,) = tmp_path.iterdir()
    assert any(left.glob("*.arrow")), "rows on their way to the catalogue"
    matched().to_catalog(tmp_path / "matched", "inline")
    names = {each.name for each in tmp_path.iterdir()}
    assert names == {"matched", "matched_members", "matched_pairs"}
