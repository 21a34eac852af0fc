"""Columns become numpy arrays and back, and pandas is not loaded for it."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pyarrow as pa
import pytest

from skyquarry.catalog.arrow import from_numpy, taken, to_numpy
from skyquarry.testing.skies import uniform_sky
from skyquarry.testing.trees import write_tree


@pytest.mark.parametrize(
    "column",
    [
        pa.array([1, 2, 3]).slice(1),
        pa.chunked_array([[1.5], [], [2.5, 3.5]]),
        pa.chunked_array([], pa.int64()),
        pa.array([1, 2**64 - 1], pa.uint64()),
        pa.array([1.0, 2.0], pa.float32()),
        pa.array([1.0, None]),
        pa.array(["a", "b"]),
        pa.array([True, False]),
        pa.chunked_array([[1, None], [3]]),
    ],
    ids=str,
)
def test_values_are_those_of_pyarrow(column):
    found = to_numpy(column)
    assert pa.array(found, from_pandas=True).to_pylist() == column.to_pylist()
    if not column.null_count and pa.types.is_primitive(column.type):
        assert found.dtype == column.type.to_pandas_dtype()


@pytest.mark.parametrize("kind", [np.int64, np.float64, bool, np.float32, np.int8])
@pytest.mark.parametrize("step", [1, 3])
def test_arrays_go_over_as_they_are(kind, step):
    values = (np.arange(20) % 3).astype(kind)[::step]
    assert from_numpy(values).equals(pa.array(values))
    assert len(from_numpy(values[:0])) == 0


def test_an_array_outlives_what_it_was_made_of():
    made = from_numpy(np.arange(1000) * 2)
    np.full(1000, 7)
    assert made.to_pylist() == list(range(0, 2000, 2))


def test_a_cone_in_a_new_process_loads_nothing_heavy(tmp_path):
    write_tree(tmp_path / "t", uniform_sky(2000))
    code = f"""
import sys
from skyquarry.catalog.stored import open_stored
from skyquarry.sky.regions import Cone
stored = open_stored({str(tmp_path / "t")!r})
cover = Cone(10.0, 10.0, 36000.0).cover()
ranges = cover.inner | cover.outer
rows = [stored.read(t, ["id"], ranges=ranges).num_rows
        for t in stored.tiles.overlapping(ranges).tolist()]
assert sum(rows) > 10
heavy = {{"pandas", "astropy", "fsspec", "mocpy", "matplotlib", "dask"}} & set(sys.modules)
assert not heavy, heavy
"""
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize(
    "column",
    [
        pa.chunked_array([[1, 2], [3, 4]], pa.int16()),
        pa.chunked_array([[1.5, None], [2.5]]),
        pa.chunked_array([["a", "b", None], ["c"]]),
        pa.chunked_array([[0.1, 0.2], [0.3]], pa.float32()),
    ],
    ids=str,
)
@pytest.mark.parametrize("rows", [[2, 0, 0, 1], []], ids=str)
def test_rows_are_taken_as_pyarrow_does(column, rows):
    index = np.array(rows, np.int64)
    found, expected = taken(column, index), column.take(pa.array(rows, pa.int64()))
    assert found.type == expected.type
    assert found.to_pylist() == expected.to_pylist()
