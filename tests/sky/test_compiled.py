"""Kernels say when they are compiled, and leave numba as it was."""

from __future__ import annotations

import io
import logging

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


def test_numba_still_multiplies_matrices_of_others():
    """That scipy's BLAS is there is taken for granted, and asked for when it is needed."""

    @numba.njit
    def product(a, b):
        return a @ b

    a = np.arange(4.0).reshape(2, 2)
    np.testing.assert_array_equal(product(a, a), a @ a)
