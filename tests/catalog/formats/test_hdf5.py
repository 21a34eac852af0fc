"""HDF5: the layouts that are met; nothing is unpickled."""

from __future__ import annotations

import pickle

import h5py
import numpy as np
import pyarrow as pa
import pytest

from skyquarry.catalog.formats import hdf5, open_table, write_table
from skyquarry.errors import FormatError, IngestError, NotFoundError


@pytest.fixture
def file(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as made:
        yield made


def columns(file, **options):
    path = file.filename
    file.close()
    return open_table(path, **options).to_table().to_pydict()


def test_a_pandas_frame_of_the_gd1_stream_is_read(shared_data):
    path = shared_data / "xmatch/gd1/gd1_candidates.hdf5"
    opened = open_table(path)
    ours = opened.to_table()
    with h5py.File(path) as raw:
        frame = raw["candidate_df"]
        assert ours.column_names == [name.decode() for name in frame["axis0"][:]]
        for block in (0, 1):
            for i, name in enumerate(frame[f"block{block}_items"][:]):
                theirs = frame[f"block{block}_values"][:, i]
                np.testing.assert_array_equal(ours[name.decode()].to_numpy(), theirs)
    assert (opened.n_rows, opened.schema.field("source_id").type) == (7346, pa.int64())


def test_the_stars_of_gd1_with_photometry_are_among_its_candidates(shared_data):
    folder = shared_data / "xmatch/gd1"
    photo = set(open_table(folder / "gd1_photo.fits").to_table()["source_id"].to_pylist())
    stars = set(open_table(folder / "gd1_candidates.hdf5").to_table()["source_id"].to_pylist())
    assert len(photo) == 3724
    assert photo <= stars


def test_a_group_of_columns_is_a_table(file):
    group = file.create_group("stars")
    group["ra"] = [1.5, 2.5]
    group["name"] = np.array([b"a", b"bc"])
    group["word"] = np.array(["ü", "x"], h5py.string_dtype())
    group["mags"] = np.arange(6).reshape(2, 3)
    assert columns(file) == {
        "mags": [[0, 1, 2], [3, 4, 5]], "name": ["a", "bc"], "ra": [1.5, 2.5], "word": ["ü", "x"],
    }  # fmt: skip


def test_a_compound_dataset_is_read_with_its_big_endian_members(file):
    kind = [("n", ">i4"), ("v", ">f8", (2,)), ("s", "S3")]
    file["t"] = np.array([(1, (1, 2), b"ab"), (2, (3, 4), b"c")], kind)
    assert columns(file) == {"n": [1, 2], "v": [[1, 2], [3, 4]], "s": ["ab", "c"]}


def test_columns_of_vaex_are_read_with_their_masks(file):
    column = file.create_group("table/columns/x")
    column["data"] = [1, 2]
    column["mask"] = [False, True]
    file["table"].attrs["type"] = "table"
    assert columns(file) == {"x": [1, None]}


def test_the_table_of_pytables_is_read(file):
    frame = file.create_group("df")
    frame.attrs["pandas_type"] = "frame_table"
    frame["table"] = np.array([(0, 1.5), (1, 2.5)], [("index", "i8"), ("x", "f8")])
    assert columns(file) == {"index": [0, 1], "x": [1.5, 2.5]}


def test_pickled_columns_are_refused(file):
    frame = file.create_group("df")
    frame.attrs.update({"pandas_type": "frame", "nblocks": 1})
    frame["axis0"] = frame["block0_items"] = np.array([b"x"])
    blob = np.frombuffer(pickle.dumps(["a"]), "u1")
    pickled = frame.create_dataset("block0_values", (1,), h5py.vlen_dtype("u1"))
    pickled[0] = blob
    with pytest.raises(FormatError, match="pickled objects at /df/block0_values, which are never"):
        columns(file)


def test_the_table_is_chosen_by_its_path(file):
    file["one/x"] = [1]
    file["two/x"] = [2, 3]
    path = file.filename
    file.close()
    with pytest.raises(NotFoundError, match=r"asked for a table, but holds /one, /two"):
        open_table(path)
    assert open_table(path, table="/two").to_table().to_pydict() == {"x": [2, 3]}


def test_columns_of_different_lengths_are_refused(file):
    file["g/x"], file["g/y"] = [1], [1, 2]
    with pytest.raises(IngestError, match="different lengths"):
        columns(file)


def test_complex_columns_are_refused(file):
    file["g/x"] = [1j]
    with pytest.raises(FormatError, match="'x' holds complex numbers"):
        columns(file)


def test_a_truncated_file_is_named(tmp_path):
    table = pa.table({"x": np.random.default_rng(1).random(100_000)})
    write_table(table.to_batches(), table.schema, tmp_path / "a.h5")
    content = (tmp_path / "a.h5").read_bytes()
    (tmp_path / "a.h5").write_bytes(content[: len(content) // 2])
    with pytest.raises(IngestError, match=r"a\.h5 is no whole HDF5 file"):
        open_table(tmp_path / "a.h5")


def test_parts_are_row_ranges_that_travel(tmp_path, monkeypatch):
    monkeypatch.setattr(hdf5, "PART_ROWS", 40)
    table = pa.table({"n": range(100)})
    write_table(table.to_batches(), table.schema, tmp_path / "a.h5")
    parts = [pickle.loads(pickle.dumps(p)) for p in open_table(tmp_path / "a.h5").parts()]
    assert [p.rows for p in parts] == [40, 40, 20]
    assert [n for p in parts for b in p.batches(7) for n in b["n"].to_pylist()] == list(range(100))


@pytest.mark.parametrize("kind", [pa.float64(), pa.string()])
@pytest.mark.parametrize("name", ["a/b", "", ".", "a\0b"])
def test_a_name_that_is_none_in_hdf5_is_refused_as_a_name(tmp_path, name, kind):
    table = pa.table({name: pa.array([], kind)})
    with pytest.raises(FormatError, match=r"has a name that HDF5 cannot hold.*rename it"):
        write_table(table.to_batches(), table.schema, tmp_path / "a.h5")


@pytest.mark.parametrize(
    "lists",
    [
        [[1.5, 2.5], [3.5, 4.5], [5.5, 6.5]],
        [[1.5, 2.5]],
        [[1.5]],
        [[], []],
        [[1.5], [], [2.5, 3.5]],
        [],
    ],
)
def test_lists_that_happen_to_be_of_one_length_are_written(tmp_path, lists):
    """Points of a query are lists of two numbers in a column of lists of any length."""
    table = pa.table({"p": pa.array(lists, pa.list_(pa.float64()))})
    path = tmp_path / "points.h5"
    write_table(table.to_batches(), table.schema, path)
    assert open_table(path).to_table()["p"].to_pylist() == lists
