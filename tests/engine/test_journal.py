from __future__ import annotations

import os
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skyquarry.engine.journal import Journal


def test_a_journal_opened_again_knows_what_was_done(tmp_path):
    with Journal(tmp_path / "new" / "run.journal", "v1") as journal:
        journal.record("a")
        journal.record(("tile", 3), {"rows": 12})
    with Journal(tmp_path / "new" / "run.journal", "v1") as again:
        assert again.done("a") is True
        assert again.done(("tile", 3)) == {"rows": 12}
        assert again.done("b") is None
        assert "a" in again
        assert "b" not in again
        assert dict(again.items()) == {"a": True, ("tile", 3): {"rows": 12}}


def test_another_fingerprint_starts_clean(tmp_path):
    with Journal(tmp_path / "run", "v1") as journal:
        journal.record("a")
    with Journal(tmp_path / "run", "v2") as other:
        assert len(other) == 0
    with Journal(tmp_path / "run", "v1") as back:
        assert "a" not in back


@given(st.integers(min_value=1, max_value=60))
def test_a_torn_line_is_cut_off_and_the_rest_kept(tmp_path_factory, torn):
    path = tmp_path_factory.mktemp("torn") / "run"
    with Journal(path, "v1") as journal:
        journal.record("a", {"rows": 1})
        whole = path.stat().st_size
        journal.record("b", {"rows": 2, "name": "x" * 40})
    full = path.read_bytes()
    path.write_bytes(full[: max(whole, len(full) - torn)])
    with Journal(path, "v1") as again:
        assert again.done("a") == {"rows": 1}
        assert "b" not in again
        again.record("c", 3)
    with Journal(path, "v1") as last:
        assert dict(last.items()) == {"a": {"rows": 1}, "c": 3}


def test_a_file_that_is_no_journal_starts_clean(tmp_path):
    (tmp_path / "run").write_bytes(b"\x00\xff not json\n[]\n")
    with Journal(tmp_path / "run", "v1") as journal:
        assert len(journal) == 0


@pytest.mark.skipif(os.name != "posix", reason="kills itself with a signal")
def test_what_was_recorded_before_a_kill_is_there_after_it(tmp_path):
    code = (
        "import os, sys; from skyquarry.engine.journal import Journal\n"
        f"journal = Journal({str(tmp_path / 'run')!r}, 'v1')\n"
        "for n in range(5): journal.record(n)\n"
        "os.kill(os.getpid(), 9)"
    )
    ran = subprocess.run([sys.executable, "-c", code], check=False)
    assert ran.returncode == -9
    with Journal(tmp_path / "run", "v1") as again:
        assert [key for key, _ in again.items()] == [0, 1, 2, 3, 4]


def test_a_removed_journal_leaves_nothing(tmp_path):
    Journal(tmp_path / "run", "v1").remove()
    assert list(tmp_path.iterdir()) == []
