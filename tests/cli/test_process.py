"""The command in a real process: its exit codes, its streams, and what it imports."""

from __future__ import annotations

import json
import subprocess
import sys

import pyarrow as pa
import pyarrow.parquet as pq


def process(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "skyquarry", *words], capture_output=True, text=True, check=False,
        timeout=120,
    )  # fmt: skip


def test_the_answer_goes_to_stdout_and_the_fault_to_stderr(archive):
    good = process("info", str(archive / "stars"), "--json")
    assert (good.returncode, good.stderr) == (0, "")
    bad = process("info", str(archive / "nothing"))
    assert (bad.returncode, bad.stdout) == (2, "")
    assert bad.stderr.startswith("skyquarry: there is no catalogue at ")
    assert "Traceback" not in bad.stderr


def test_a_query_that_needs_a_database_says_nothing_beside_its_answer(archive):
    done = process("query", "SELECT COUNT(*) AS n FROM stars", "--archive", str(archive), "--json")
    assert done.returncode == 0
    assert json.loads(done.stdout) == [{"n": 3000}]
    assert done.stderr == ""


def test_an_unknown_option_is_a_mistake_even_beside_negative_numbers(archive):
    bad = process("cone", str(archive / "stars"), "1", "-2", "3", "--colums", "ra")
    assert bad.returncode == 2
    assert "--colums" in bad.stderr


def test_the_command_imports_nothing_heavy_before_it_runs():
    code = (
        "import sys, skyquarry.cli\n"
        "heavy = {'numpy', 'pyarrow', 'numba', 'astropy', 'matplotlib', 'dask', 'mocpy'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout == "[]\n"


def test_pairs_of_files_load_no_more_than_they_need(tmp_path):
    """Half a second of a short command went into these, of which it uses none."""
    stars = tmp_path / "stars.parquet"
    pq.write_table(pa.table({"id": [1, 2], "ra": [10.0, 20.0], "dec": [0.0, 5.0]}), stars)
    code = (
        "import sys, skyquarry.cli as cli\n"
        f"sys.argv = ['skyquarry', 'pairs', {str(stars)!r}, {str(stars)!r}, '--radius', '1',\n"
        f"            '--keep', 'best', '--out', {str(tmp_path / 'pairs.parquet')!r}]\n"
        "try:\n    cli.main()\n"
        "except SystemExit as done:\n    assert not done.code\n"
        "idle = {'pandas', 'scipy.linalg', 'pydantic', 'astropy', 'matplotlib', 'dask', 'rich',\n"
        "        'pyarrow.compute'}\n"
        "print(sorted(idle & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120
    )
    assert done.stdout.splitlines()[-1] == "[]"
