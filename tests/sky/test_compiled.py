"""Kernels say when they are compiled, and leave numba as it was."""

from __future__ import annotations

import io
import logging
import subprocess
import sys

import numba
import numpy as np
import pytest

from skyquarry.sky import compiled


@pytest.fixture
def fresh():
    """A kernel that nobody has compiled: its source is in no file, so that none is kept."""
    names: dict[str, object] = {}
    exec("def doubled(x):\n    return 2.0 * x\n", names)
    compiled._say.cache_clear()
    yield compiled.kernel(names["doubled"])
    compiled._say.cache_clear()


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_the_first_call_says_that_it_compiles_and_no_other_does(fresh, monkeypatch, caplog):
    screen = Terminal()
    monkeypatch.setattr("sys.stderr", screen)
    with caplog.at_level(logging.INFO, "skyquarry"):
        assert fresh(2.0) == 4.0
        assert fresh(np.float32(1.0)) == 2.0  # another type: compiled anew, not told again
        assert fresh(3.0) == 6.0
    assert screen.getvalue() == f"skyquarry: {compiled.COMPILING}\n"
    assert caplog.messages == [compiled.COMPILING]


def test_nothing_is_written_where_nobody_looks_on(fresh, capsys):
    assert fresh(2.0) == 4.0
    assert capsys.readouterr() == ("", "")


def test_a_process_that_found_its_kernels_can_compile_others_that_call_them():
    """Machine code is loaded without what compiling needs: the next kernel has to find it."""
    lines = """
import sys
import numpy as np
from skyquarry.match.kernels import separation
from skyquarry.sky import compiled

cos = np.empty(2)
separation.cosines(np.array([0.0, 90.0]), cos)
assert not separation.cosines.stats.cache_misses
assert "numba.np.npyimpl" not in sys.modules
names = {"separation": separation, "np": np}
exec(
    "def both(dec):\\n    out = np.zeros(dec.size)\\n    separation.cosines(dec, out)\\n"
    "    return out.sum() + np.linalg.norm(out)\\n",
    names,
)
print(cos.tolist(), compiled.kernel(names["both"])(np.array([0.0, 90.0])))
"""
    warm = "from skyquarry.match.kernels import separation as s; import numpy as np\n"
    warm += "s.cosines(np.zeros(1), np.zeros(1))"
    subprocess.run([sys.executable, "-c", warm], check=True)
    done = subprocess.run([sys.executable, "-c", lines], check=True, capture_output=True, text=True)
    assert done.stdout.split() == ["[1.0,", "0.0]", "2.0"]


def test_numba_still_multiplies_matrices_of_others():
    """That scipy's BLAS is there is taken for granted, and asked for when it is needed."""

    @numba.njit
    def product(a, b):
        return a @ b

    a = np.arange(4.0).reshape(2, 2)
    np.testing.assert_array_equal(product(a, a), a @ a)
