"""Inputs of every form: one schema, ordered parts, a fingerprint."""

from __future__ import annotations

import pickle

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from astropy.table import Table
from hypothesis import given
from hypothesis import strategies as st

from skyquarry.errors import IngestError, NotFoundError, UserError
from skyquarry.ingest.sources import open_sources
from skyquarry.ingest.widening import wider


def put(folder, name, **columns):
    pq.write_table(pa.table(columns), folder / name)
    return str(folder / name)


def rows(sources):
    batches = [batch for part in sources.parts() for batch in part.batches()]
    return pa.Table.from_batches(batches, sources.schema).to_pydict()


@pytest.fixture
def two(tmp_path):
    return [put(tmp_path, "b.parquet", x=[1, 2]), put(tmp_path, "a.parquet", x=[3])]


def test_a_list_keeps_its_order_and_a_glob_is_sorted(two, tmp_path):
    assert rows(open_sources(two)) == {"x": [1, 2, 3]}
    assert rows(open_sources(str(tmp_path / "*.parquet"))) == {"x": [3, 1, 2]}
    assert open_sources(tmp_path).names == sorted(two)
    assert open_sources(two).n_rows == 3


def test_hidden_files_and_readmes_of_a_folder_are_left_out(two, tmp_path):
    for name in (".c.parquet", "_metadata", "README.md"):
        (tmp_path / name).write_text("x")
    assert open_sources(tmp_path).names == sorted(two)


def test_parts_say_their_file_and_travel(two):
    parts = [pickle.loads(pickle.dumps(part)) for part in open_sources(two).parts()]
    assert [(part.number, part.key) for part in parts] == [
        (0, "0:groups 0-1"),
        (1, "1:groups 0-1"),
    ]


def test_columns_in_another_order_and_narrower_types_are_made_one(tmp_path):
    one = put(tmp_path, "a.parquet", x=pa.array([1], pa.int16()), y=pa.array([1.5], pa.float32()))
    two = put(tmp_path, "b.parquet", y=pa.array([0.1]), x=pa.array([2**40]))
    sources = open_sources([one, two])
    assert sources.schema.types == [pa.int64(), pa.float64()]
    assert rows(sources) == {"x": [1, 2**40], "y": [1.5, 0.1]}


def test_a_column_that_one_input_lacks_is_named_with_both(tmp_path):
    one, two = put(tmp_path, "a.parquet", x=[1]), put(tmp_path, "b.parquet", x=[1], y=[2])
    with pytest.raises(
        IngestError, match=r"b\.parquet has the column 'y' and .*a\.parquet has not"
    ):
        open_sources([one, two])


def test_types_that_do_not_fit_are_named_with_both(tmp_path):
    one, two = put(tmp_path, "a.parquet", x=[1]), put(tmp_path, "b.parquet", x=["s"])
    with pytest.raises(IngestError, match=r"'x' is int64 in .*a\.parquet and string in .*b\.parq"):
        open_sources([one, two])


def test_an_integer_that_a_double_would_round_is_refused(tmp_path):
    one, two = put(tmp_path, "a.parquet", x=[2**53 + 1]), put(tmp_path, "b.parquet", x=[0.5])
    with pytest.raises(IngestError, match=r"a\.parquet has a value in column 'x' \(int64\)"):
        rows(open_sources([one, two]))


@pytest.mark.parametrize("name", ["none.parquet", "none*.parquet", "empty"])
def test_nothing_there_is_said_before_work_starts(tmp_path, name):
    (tmp_path / "empty").mkdir()
    with pytest.raises(NotFoundError, match="stands for no file"):
        open_sources(str(tmp_path / name))


def test_a_file_named_twice_is_refused(two):
    with pytest.raises(UserError, match=r"b\.parquet was given twice"):
        open_sources([*two, two[0]])


def test_what_is_no_source_is_refused():
    with pytest.raises(UserError, match="'3' of type int was given"):
        open_sources(3)


def test_the_fingerprint_changes_with_the_file_only(two, tmp_path):
    before = open_sources(two).fingerprint
    assert open_sources(two).fingerprint == before
    put(tmp_path, "a.parquet", x=[3, 4])
    assert open_sources(two).fingerprint != before


def test_tables_in_memory_give_their_rows():
    frame = pd.DataFrame({"x": [1, 2], "s": ["a", None]})
    arrow = pa.table({"x": [1, 2], "s": ["a", None]})
    astro = Table({"x": [1, 2], "s": np.ma.array(["a", "b"], mask=[False, True])})
    for source in (frame, arrow, astro, arrow.to_batches()[0], arrow.to_reader()):
        assert rows(open_sources(source)) == {"x": [1, 2], "s": ["a", None]}


def test_equal_tables_have_equal_fingerprints_and_others_not():
    marks = [open_sources(pa.table({"x": x})).fingerprint for x in ([1, 2], [1, 2], [1, 3])]
    assert marks[0] == marks[1] != marks[2]


def test_a_stream_is_read_once():
    sources = open_sources(pa.table({"x": [1]}).to_reader())
    assert rows(sources) == {"x": [1]}
    with pytest.raises(IngestError, match="a stream can be read once"):
        rows(sources)


def test_units_of_an_astropy_table_are_kept():
    table = Table({"ra": [1.0]}, units={"ra": "deg"}, descriptions={"ra": "where"})
    field = open_sources(table).schema.field("ra")
    assert field.metadata == {b"unit": b"deg", b"description": b"where"}


NUMBERS = [pa.int8(), pa.uint8(), pa.int16(), pa.uint16(), pa.int32(), pa.uint32(), pa.int64(),
           pa.float32(), pa.float64()]  # fmt: skip


@given(st.sampled_from(NUMBERS), st.sampled_from(NUMBERS))
def test_the_wider_type_holds_the_ends_of_both(one, other):
    joint = wider(one, other)
    assert joint == wider(other, one)
    for kind in (one, other):
        if pa.types.is_integer(kind) and kind.bit_width <= 32:
            ends = np.iinfo(kind.to_pandas_dtype())
            for end in (int(ends.min), int(ends.max)):
                assert pa.array([end], kind).cast(joint)[0].as_py() == end


def test_a_table_of_another_library_is_read_by_arrows_protocol():
    class Frame:  # as polars' has it, texts as views and all
        def __arrow_c_stream__(self, requested_schema=None):
            column = pa.array(["a", None], pa.string_view())
            return pa.table({"x": [1, 2], "s": column}).__arrow_c_stream__(requested_schema)

    opened = open_sources(Frame())
    assert opened.schema == pa.schema({"x": pa.int64(), "s": pa.string()})
    assert rows(opened) == {"x": [1, 2], "s": ["a", None]}


@pytest.mark.parametrize("made", [lambda r: r, pd.DataFrame, lambda r: r.view(np.recarray)])
def test_records_and_numbers_as_fits_stores_them_are_read(made):
    records = np.array([(1, 2.5, True), (2, 0.5, False)], [("n", ">i4"), ("x", ">f8"), ("b", "?")])
    opened = open_sources(made(records))
    assert opened.schema == pa.schema({"n": pa.int32(), "x": pa.float64(), "b": pa.bool_()})
    assert rows(opened) == {"n": [1, 2], "x": [2.5, 0.5], "b": [True, False]}


def test_a_frame_with_a_column_twice_is_refused_by_name():
    frame = pd.DataFrame([[1, 2]], columns=["u", "u"])
    with pytest.raises(UserError, match="column 'u' more than once"):
        open_sources(frame)
