"""The command in a real process: its exit codes, its streams, and what it imports."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time

import pyarrow as pa
import pyarrow.parquet as pq
import pytest


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


DEAF = """
import hashlib, signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)  # a script's background ignores it
import skyquarry.adql.database.duck as duck
from skyquarry.cli import main

def deaf(connection, sql):
    print("begun", flush=True)
    hashlib.pbkdf2_hmac("sha256", b"a", b"b", 10**9)  # minutes, and no way to stop it

duck._reader = deaf
sys.argv = ["skyquarry", *sys.argv[1:]]
main()
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Ctrl-C is another thing there")
def test_a_second_ctrl_c_ends_a_query_that_heeds_none(archive):
    adql = "SELECT a.id FROM stars a, stars b WHERE a.id < b.id"
    words = [sys.executable, "-c", DEAF, "query", adql, "--archive", str(archive)]
    with subprocess.Popen(
        words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as asked:  # fmt: skip
        try:
            assert asked.stdout.readline() == "begun\n"
            for _ in range(2):
                time.sleep(0.5)
                asked.send_signal(signal.SIGINT)
            assert asked.wait(30.0) == 130
            assert asked.stderr.read() == ""
        finally:
            asked.kill()


def test_a_query_does_without_pandas(archive):
    """pyarrow loads it for 0.3 s, and drops a Ctrl-C that comes meanwhile."""
    code = (
        "import sys, skyquarry.cli as cli\n"
        f"sys.argv = ['skyquarry', 'query', 'SELECT COUNT(*) AS n FROM stars', '--archive',\n"
        f"            {str(archive)!r}]\n"
        "try:\n    cli.main()\n"
        "except SystemExit as done:\n    assert not done.code\n"
        "print(sorted({'pandas'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120
    )
    assert done.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize("command", ["query", "shell"])
def test_a_result_is_kept_by_a_process_that_does_without_pandas(archive, tmp_path, command):
    """The new catalogue's maps need astropy's tables, which look for pandas before they work."""
    adql = "SELECT id, ra, dec INTO my.few FROM stars WHERE id < 5"
    words = [adql] if command == "query" else []
    given = ["--archive", str(archive), "--my", str(tmp_path)]
    done = subprocess.run(
        [sys.executable, "-m", "skyquarry", command, *words, *given], capture_output=True,
        text=True, check=False, timeout=120, input=adql + ";\n",
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    again = process("query", "SELECT COUNT(*) AS n FROM my.few", *given, "--json")
    assert json.loads(again.stdout) == [{"n": 5}]
