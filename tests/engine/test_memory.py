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
    monkeypatch.setattr(memory, "_of_c", lambda name: None)
    memory.give_back()


def test_what_is_kept_within_is_given_back_and_arrow_has_its_own_memory_again():
    before = pa.default_memory_pool().backend_name
    with memory.keeping():
        assert pa.default_memory_pool().backend_name == "system"
        held = pa.array(range(100_000))
    assert pa.default_memory_pool().backend_name == before
    assert held[-1].as_py() == 99_999


def test_memory_is_kept_where_there_is_another_c_library_too(monkeypatch):
    monkeypatch.setattr(memory, "_of_c", lambda name: None)
    with memory.keeping():
        assert pa.default_memory_pool().backend_name == "system"
