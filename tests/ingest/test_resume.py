"""Killed at any moment and run again, a build ends with the bytes it would have had."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys

import pyarrow.parquet as pq
import pytest

from skyquarry.catalog import tree as catalog_tree
from skyquarry.catalog.stored import open_stored
from skyquarry.catalog.verify import verify
from skyquarry.errors import CancelledError, ExistsError, IngestError, StorageError
from skyquarry.ingest import firstpass, running
from skyquarry.ingest.build import plan_build
from skyquarry.ingest.workspace import Workspace
from skyquarry.testing.skies import clumpy_sky, uniform_sky

# A build that kills itself, as `kill -9` would, when it calls a function for the nth time.
KILLED = """
import importlib, os, signal, sys
from skyquarry.ingest import firstpass, running
from skyquarry.ingest.build import plan_build

firstpass.RUN_ROWS = 4096
running._SMALLEST_GROUP = 2000
source, target, module, owner, name, count, after = sys.argv[1:]
at = importlib.import_module(module)
at = getattr(at, owner) if owner else at
real, calls = getattr(at, name), [0]

def killing(*args, **how):
    calls[0] += 1
    if calls[0] == int(count) and after == "before":
        os.kill(os.getpid(), signal.SIGKILL)
    value = real(*args, **how)
    if calls[0] == int(count):
        os.kill(os.getpid(), signal.SIGKILL)
    return value

setattr(at, name, killing)
plan_build(source, target, max_rows=1500, margin_arcsec=[10, 60]).run("inline", progress=False)
print("ended")
"""

MOMENTS = [
    ("skyquarry.engine.journal", "Journal", "record", 1, "before"),
    ("skyquarry.engine.journal", "Journal", "record", 1, "after"),
    ("skyquarry.catalog.writer", "VersionWriter", "begin", 1, "after"),
    ("skyquarry.ingest.firstpass", "", "write_run", 1, "before"),
    ("skyquarry.ingest.firstpass", "", "write_run", 3, "after"),
    ("skyquarry.engine.journal", "Journal", "record", 4, "after"),
    ("skyquarry.ingest.running", "", "save_leaves", 1, "after"),
    ("skyquarry.catalog.tree", "TreeWriter", "write_tile", 2, "after"),
    ("skyquarry.catalog.index", "KeyRuns", "add", 3, "after"),
    ("skyquarry.engine.journal", "Journal", "record", 7, "after"),
    ("skyquarry.ingest.secondpass", "", "write_batches", 1, "after"),
    ("skyquarry.ingest.running", "", "build_index", 1, "before"),
    ("skyquarry.ingest.running", "", "build_index", 1, "after"),
    ("skyquarry.ingest.running", "", "write_rejects", 1, "after"),
    ("skyquarry.catalog.writer", "VersionWriter", "finish", 1, "after"),
    ("skyquarry.catalog.writer", "VersionWriter", "publish", 1, "before"),
    ("skyquarry.catalog.files", "Folder", "replace_if", 1, "after"),
    ("skyquarry.catalog.writer", "VersionWriter", "publish", 1, "after"),
]


@pytest.fixture(autouse=True)
def _one_date(monkeypatch):
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    monkeypatch.setattr(firstpass, "RUN_ROWS", 4_096)
    monkeypatch.setattr(running, "_SMALLEST_GROUP", 2_000)


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    folder = tmp_path_factory.mktemp("in")
    sky = clumpy_sky(12_000)
    bad = sky.slice(0, 3).set_column(2, "dec", [[95.0, -95.0, float("nan")]])
    for i in range(3):
        pq.write_table(sky.slice(i * 4_000, 4_000), folder / f"{i}.parquet")
    pq.write_table(bad.cast(sky.schema), folder / "3.parquet")
    return str(folder)


@pytest.fixture(scope="module")
def undisturbed(source, tmp_path_factory):
    target = tmp_path_factory.mktemp("whole") / "sky"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SOURCE_DATE_EPOCH", "1700000000")
        patch.setattr(firstpass, "RUN_ROWS", 4_096)
        patch.setattr(running, "_SMALLEST_GROUP", 2_000)
        plan_build(source, target, max_rows=1500, margin_arcsec=[10, 60]).run(
            "inline", progress=False
        )
    return tree(target)


def tree(path):
    return {
        str(file.relative_to(path)): hashlib.sha256(file.read_bytes()).hexdigest()
        for file in sorted(path.rglob("*"))
        if file.is_file()
    }


def killed(source, target, moment):
    """Whether a build was killed at the moment; False where it ended before that came."""
    module, owner, name, count, after = moment
    words = [source, str(target), module, owner, name, str(count), after]
    done = subprocess.run([sys.executable, "-c", KILLED, *words], check=False, capture_output=True)
    assert done.returncode in {0, -signal.SIGKILL}, done.stderr.decode()
    return done.returncode != 0


@pytest.mark.parametrize("moment", MOMENTS, ids=lambda m: f"{m[2]}-{m[3]}-{m[4]}")
def test_a_killed_build_ends_as_if_it_had_not_been(source, undisturbed, tmp_path, moment):
    assert killed(source, tmp_path / "sky", moment)
    plan_build(source, tmp_path / "sky", max_rows=1500, margin_arcsec=[10, 60]).run(
        "inline", progress=False
    )
    assert tree(tmp_path / "sky") == undisturbed


def test_what_was_done_is_not_done_again(source, tmp_path, monkeypatch):
    moment = ("skyquarry.ingest.running", "", "build_index", 1, "before")
    assert killed(source, tmp_path / "sky", moment)

    def never(*_):
        raise AssertionError("a chunk was read again")

    monkeypatch.setattr(running, "sort_chunk", never)
    monkeypatch.setattr(running, "store_group", never)
    report = plan_build(source, tmp_path / "sky", max_rows=1500, margin_arcsec=[10, 60]).run(
        "inline", progress=False
    )
    assert report.rows_in == 12_003
    assert report.rows_rejected == 3


def test_an_input_that_changed_is_read_from_the_start(tmp_path, undisturbed):
    (tmp_path / "in").mkdir()
    sky = clumpy_sky(8_000)
    pq.write_table(sky, tmp_path / "in" / "0.parquet")
    moment = ("skyquarry.catalog.tree", "TreeWriter", "write_tile", 2, "after")
    assert killed(str(tmp_path / "in"), tmp_path / "sky", moment)
    pq.write_table(sky.slice(0, 7_000), tmp_path / "in" / "0.parquet")
    report = plan_build(
        str(tmp_path / "in"), tmp_path / "sky", max_rows=1500, margin_arcsec=[10, 60]
    ).run(progress=False)
    assert report.rows_stored == 7_000
    stored = open_stored(tmp_path / "sky")
    assert verify(stored) == []
    assert stored.version == "v1"


def test_other_options_start_clean(source, tmp_path):
    moment = ("skyquarry.catalog.tree", "TreeWriter", "write_tile", 2, "after")
    assert killed(source, tmp_path / "sky", moment)
    plan_build(source, tmp_path / "sky", max_rows=5000).run(progress=False)
    stored = open_stored(tmp_path / "sky")
    assert verify(stored) == []
    assert stored.counted.rows.max() > 1500
    assert sorted(p.name for p in (tmp_path / "sky").iterdir()) == ["collection.properties", "v1"]


def test_runs_that_vanished_are_made_again(source, undisturbed, tmp_path):
    moment = ("skyquarry.catalog.tree", "TreeWriter", "write_tile", 2, "after")
    assert killed(source, tmp_path / "sky", moment)
    runs = sorted((tmp_path / "sky" / ".build" / "runs").glob("run-*.arrow"))
    runs[0].unlink()
    os.truncate(runs[1], 100)
    plan_build(source, tmp_path / "sky", max_rows=1500, margin_arcsec=[10, 60]).run(progress=False)
    assert tree(tmp_path / "sky") == undisturbed


def test_a_new_version_that_is_killed_leaves_the_old_one(source, tmp_path):
    plan_build(uniform_sky(50), tmp_path / "sky").run(progress=False)
    old = tree(tmp_path / "sky")
    plan = plan_build(
        source, tmp_path / "sky", overwrite=True, max_rows=1500, margin_arcsec=[10, 60]
    )

    def cancel(*_, **__):
        raise CancelledError("the run was cancelled")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(running, "build_index", cancel)
        with pytest.raises(CancelledError):
            plan.run(progress=False)
    assert open_stored(tmp_path / "sky").version == "v1"
    assert {k: v for k, v in tree(tmp_path / "sky").items() if k in old} == old
    report = plan_build(
        source, tmp_path / "sky", overwrite=True, max_rows=1500, margin_arcsec=[10, 60]
    ).run(progress=False)
    assert report.rows_stored == 12_000
    assert open_stored(tmp_path / "sky").version == "v2"


def test_two_builds_at_one_place_are_refused(source, tmp_path):
    plan = plan_build(source, tmp_path / "sky")
    with (
        Workspace(plan.collection, "another"),
        pytest.raises(ExistsError, match="is being built by another process"),
    ):
        plan.run(progress=False)
    assert plan.run(progress=False).rows_stored == 12_000


# ---------------------------------------------------------------------- errors leave no trace
def test_a_full_disk_leaves_the_target_as_it_was(source, tmp_path, monkeypatch):
    import errno

    real = catalog_tree.TreeWriter.write_tile
    calls = []

    def full(self, *args):
        calls.append(args)
        if len(calls) == 3:
            raise OSError(errno.ENOSPC, "No space left on device")
        return real(self, *args)

    monkeypatch.setattr(catalog_tree.TreeWriter, "write_tile", full)
    with pytest.raises(StorageError, match=r"No space left on device.*needs free space"):
        plan_build(source, tmp_path / "sky", max_rows=1500, margin_arcsec=[10, 60]).run(
            "inline", progress=False
        )
    assert not (tmp_path / "sky").exists()


def test_a_full_disk_in_the_first_pass_keeps_the_old_version(source, tmp_path, monkeypatch):
    import errno

    plan_build(uniform_sky(50), tmp_path / "sky").run(progress=False)
    old = tree(tmp_path / "sky")

    def full(*_, **__):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(firstpass, "write_run", full)
    with pytest.raises(StorageError, match="No space left on device"):
        plan_build(source, tmp_path / "sky", overwrite=True).run(progress=False)
    assert tree(tmp_path / "sky") == old
    assert sorted(p.name for p in (tmp_path / "sky").iterdir()) == ["collection.properties", "v1"]


def test_a_file_that_changes_while_it_is_read_is_refused(tmp_path, monkeypatch):
    path = tmp_path / "in.parquet"
    pq.write_table(uniform_sky(100), path)
    plan = plan_build(str(path), tmp_path / "sky")
    real = running.sort_chunk

    def touched(*args):
        told = real(*args)
        os.utime(path, ns=(1, 1))
        return told

    monkeypatch.setattr(running, "sort_chunk", touched)
    with pytest.raises(IngestError, match="was changed while it was being read"):
        plan.run("inline", progress=False)
    assert not (tmp_path / "sky").exists()


def test_lost_rows_are_an_error_of_ours(tmp_path, monkeypatch):
    real = running.sort_chunk

    def losing(*args):
        told = real(*args)
        return told | {"stored": told["stored"] - 1}

    monkeypatch.setattr(running, "sort_chunk", losing)
    with pytest.raises(RuntimeError, match="rows were lost"):
        plan_build(uniform_sky(100), tmp_path / "sky").run("inline", progress=False)
    assert not (tmp_path / "sky").exists()
