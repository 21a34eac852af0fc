from __future__ import annotations

import tempfile

import numpy as np
import pyarrow as pa
import pyarrow.dataset as pds
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skyquarry.catalog.files import Folder
from skyquarry.catalog.index import IdIndex, KeyRuns, build_index
from skyquarry.errors import ColumnError, DamagedError
from skyquarry.testing.naive.catalog import id_index


def built(path, runs, kind, **options):
    folder = Folder.at(path)
    keys = KeyRuns(folder.make("runs"))
    for order, pixel, values in runs:
        keys.add(order, pixel, pa.array(values, kind))
    return build_index(keys, folder.make("v1"), "stars", "id", **options), folder.join("v1")


def entries_of(found, home):
    folder = home.join(found.name)
    parts = [pq.read_table(folder.path(rel)) for rel in found.files if "part" in rel]
    table = pa.concat_tables(parts) if parts else None
    return list(zip(*table.to_pydict().values(), strict=True)) if parts else []


KEYS = {
    pa.int64(): st.integers(-(2**63), 2**63 - 1),
    pa.uint64(): st.integers(0, 2**64 - 1),
    pa.int32(): st.integers(-5, 5),
    pa.string(): st.text(st.characters(codec="utf-8"), max_size=3),
}


@settings(max_examples=80)
@given(st.sampled_from(list(KEYS)), st.integers(1, 40), st.data())
def test_the_index_is_that_of_the_naive_twin(kind, range_rows, data):
    near = st.lists(KEYS[kind], min_size=1, max_size=6).flatmap(st.sampled_from)
    keys = st.lists(st.none() | near | KEYS[kind], max_size=12)
    cells = data.draw(st.lists(st.integers(0, 191), unique=True, max_size=6))
    runs = [(2, cell, data.draw(keys)) for cell in cells]
    with tempfile.TemporaryDirectory() as path:
        found, home = built(path, runs, kind, range_rows=range_rows)
        entries, repeated = id_index(runs)
        assert entries_of(found, home) == entries
        assert found.entries == len(entries)
        assert found.rows == sum(key is not None for _, _, keys in runs for key in keys)
        assert found.missing == sum(key is None for _, _, keys in runs for key in keys)
        assert found.duplicates == len(repeated)
        assert found.surplus == sum(repeated.values()) - len(repeated)
        assert found.repeated == sorted(repeated)
        assert home.exists("duplicates.parquet") == bool(repeated)
        if repeated:
            listed = pq.read_table(home.path("duplicates.parquet"))["id"].to_pylist()
            assert listed == [key for key in sorted(repeated) for _ in range(repeated[key])]


def test_ranges_are_bounded_and_parts_follow_each_other(tmp_path, monkeypatch):
    sizes = []
    original = IdIndex.__setattr__
    random = np.random.default_rng(1)
    keys = random.permutation(100_000)
    runs = [(3, cell, keys[cell * 1_000 : (cell + 1) * 1_000]) for cell in range(100)]

    def watch(self, name, value):
        if name == "rows" and value:
            sizes.append(value - self.rows)
        original(self, name, value)

    monkeypatch.setattr(IdIndex, "__setattr__", watch)
    found, home = built(tmp_path, runs, pa.int64(), range_rows=5_000)
    assert max(sizes) <= 10_000
    assert sum(sizes) == 100_000
    parts = [rel for rel in found.files if "part" in rel]
    assert len(parts) == -(-len(sizes) // 4)
    assert [key for key, _, _ in entries_of(found, home)] == list(range(100_000))


def test_the_index_says_what_hats_asks_for(tmp_path):
    found, home = built(tmp_path, [(1, 3, [5, 4]), (2, 2, [4])], pa.uint64())
    folder = home.join(found.name)
    text = folder.read_text("hats.properties")
    for line in (
        "dataproduct_type=index",
        "hats_primary_table_url=../stars",
        "hats_index_column=id",
    ):
        assert line in text
    dataset = pds.parquet_dataset(folder.path("dataset/_metadata"))
    table = dataset.to_table()
    assert table.schema.types == [pa.uint64(), pa.uint8(), pa.uint64()]
    assert table.to_pydict() == {"id": [4, 4, 5], "Norder": [2, 1, 1], "Npix": [2, 3, 3]}


def test_ids_that_may_repeat_are_no_duplicates(tmp_path):
    runs = [(1, 3, [5, 5, 4]), (2, 2, [4, 4, 9])]
    found, home = built(tmp_path / "may", runs, pa.int64(), unique=False)
    assert (found.duplicates, found.surplus, found.repeated) == (0, 0, [])
    assert not home.exists("duplicates.parquet")
    strict, _ = built(tmp_path / "should_not", runs, pa.int64())
    assert (strict.duplicates, strict.surplus) == (2, 3)
    assert (found.rows, found.files) == (strict.rows, strict.files)


def test_no_ids_make_an_empty_index(tmp_path):
    found, home = built(tmp_path, [], pa.int64())
    assert found.entries == 0
    assert pds.parquet_dataset(home.path("stars_id/dataset/_metadata")).count_rows() == 0


def test_a_run_that_is_there_is_kept(tmp_path):
    runs = KeyRuns(Folder.at(tmp_path))
    runs.add(1, 1, pa.array([2, 1]))
    before = {p.name: p.stat().st_mtime_ns for p in tmp_path.iterdir()}
    runs.add(1, 1, pa.array([2, 1]))
    assert {p.name: p.stat().st_mtime_ns for p in tmp_path.iterdir()} == before


def test_columns_of_many_chunks_or_a_dictionary_are_keys_too(tmp_path):
    runs = KeyRuns(Folder.at(tmp_path))
    runs.add(1, 1, pa.chunked_array([["b"], ["a"]]).dictionary_encode())
    runs.add(1, 2, pa.chunked_array([], pa.string()))
    assert [run.keys.to_pylist() for run in runs.runs()] == [["a", "b"], []]


def test_keys_that_are_no_ids_are_refused(tmp_path):
    runs = KeyRuns(Folder.at(tmp_path))
    with pytest.raises(ColumnError, match="the id column is double"):
        runs.add(1, 1, pa.array([1.0]))


def test_runs_of_two_types_are_refused(tmp_path):
    runs = KeyRuns(Folder.at(tmp_path))
    runs.add(1, 1, pa.array([1]))
    runs.add(1, 2, pa.array(["a"]))
    with pytest.raises(DamagedError, match="int64 and text"):
        runs.runs()


def test_a_stray_file_among_the_runs_is_named(tmp_path):
    (tmp_path / "notes.txt").write_text("x")
    with pytest.raises(DamagedError, match=r"notes\.txt is not a run"):
        KeyRuns(Folder.at(tmp_path)).runs()


def test_the_index_is_small(tmp_path):
    random = np.random.default_rng(2)
    ids = random.permutation(200_000)
    runs = [(4, cell, ids[cell::20]) for cell in range(20)]
    found, home = built(tmp_path, runs, pa.int64())
    size = sum(home.join(found.name).size(rel) for rel in found.files)
    assert size < 1.2 * len(ids)


def test_texts_that_repeat_are_sorted_as_any_are(tmp_path):
    """Rows of children: neighbours with one key, and the key again farther on."""
    runs = KeyRuns(Folder.at(tmp_path))
    keys = ["b", "b", "a", "a", "a", "c", "b", "", "", "c"]
    runs.add(0, 3, pa.array(keys))
    assert runs.runs()[0].keys.to_pylist() == sorted(keys)
