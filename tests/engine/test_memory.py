"""Free memory is given back, and nothing that is held is lost by it."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from skyquarry.engine import memory


def test_what_is_held_stays_as_it_was():
    held, array = np.arange(100_000), pa.array(range(1000))
    memory.give_back()
    assert held.sum() == 4_999_950_000
    assert array[-1].as_py() == 999


@pytest.mark.parametrize(("items", "often"), [(3, 0), (4, 1), (9, 2)])
def test_items_pass_and_memory_is_given_back_now_and_then(monkeypatch, items, often):
    called = []
    monkeypatch.setattr(memory, "OFTEN", 4)
    monkeypatch.setattr(memory, "give_back", lambda: called.append(1))
    assert list(memory.giving_back(range(items))) == list(range(items))
    assert len(called) == often


def test_another_c_library_is_left_alone(monkeypatch):
    monkeypatch.setattr(memory, "_malloc_trim", lambda: None)
    memory.give_back()
