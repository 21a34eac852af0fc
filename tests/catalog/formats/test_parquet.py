"""Parquet: parts are row groups; meanings travel."""

from __future__ import annotations

import io
import os
import pickle

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from skyquarry.catalog.columns import describe
from skyquarry.catalog.formats import open_table, outputs, parquetfile, write_table
from skyquarry.errors import ColumnError, ExistsError, FormatError, IngestError, NotFoundError


def stars(rows=1000):
    schema = pa.schema(
        [
            describe(pa.field("ra", pa.float64()), unit="deg", ucd="pos.eq.ra;meta.main"),
            describe(pa.field("name", pa.string()), description="what it is called"),
        ]
    )
    return pa.table(
        [[float(i) for i in range(rows)], [f"s{i}" for i in range(rows)]], schema=schema
    )


def test_parts_are_row_groups_in_order_and_can_travel(tmp_path, monkeypatch):
    monkeypatch.setattr(parquetfile, "PART_ROWS", 300)
    table = stars()
    pq.write_table(table, tmp_path / "a.parquet", row_group_size=100)
    opened = open_table(tmp_path / "a.parquet")
    assert [part.key for part in opened.parts()] == [
        "groups 0-3", "groups 3-6", "groups 6-9", "groups 9-10",
    ]  # fmt: skip
    assert [part.rows for part in opened.parts()] == [300, 300, 300, 100]
    parts = [pickle.loads(pickle.dumps(part)) for part in opened.parts()]
    batches = [batch for part in parts for batch in part.batches(70)]
    assert max(batch.num_rows for batch in batches) <= 70
    assert pa.Table.from_batches(batches).equals(table)


def test_only_the_columns_asked_for_come_in_the_order_asked(tmp_path):
    pq.write_table(stars(), tmp_path / "a.parquet")
    opened = open_table(tmp_path / "a.parquet")
    assert opened.to_table(["name", "ra"]).column_names == ["name", "ra"]
    with pytest.raises(ColumnError, match="'mag' was asked for, but the table has ra, name"):
        opened.to_table(["mag"])


def test_meanings_are_written_as_voparquet_and_read_from_it_alone(tmp_path):
    write_table(stars().to_batches(), stars().schema, tmp_path / "a.parquet")
    bare = pq.read_table(tmp_path / "a.parquet")
    assert b"IVOA.VOTable-Parquet.content" in bare.schema.metadata
    fields = [field.remove_metadata() for field in bare.schema]
    pq.write_table(bare.cast(pa.schema(fields, bare.schema.metadata)), tmp_path / "b.parquet")
    read = open_table(tmp_path / "b.parquet").schema
    assert read.field("ra").metadata == {b"unit": b"deg", b"ucd": b"pos.eq.ra;meta.main"}
    assert read.field("name").metadata == {b"description": b"what it is called"}


def test_a_file_object_and_a_packed_file_are_read(tmp_path):
    sink = io.BytesIO()
    pq.write_table(stars(), sink)
    sink.seek(0)
    assert open_table(sink).to_table().equals(stars())
    write_table(stars().to_batches(), stars().schema, tmp_path / "a.parquet.gz")
    assert open_table(tmp_path / "a.parquet.gz").to_table().to_pydict() == stars().to_pydict()
    assert [p.name for p in tmp_path.iterdir()] == ["a.parquet.gz"]


def test_a_truncated_file_is_named(tmp_path):
    pq.write_table(stars(), tmp_path / "a.parquet")
    content = (tmp_path / "a.parquet").read_bytes()
    (tmp_path / "a.parquet").write_bytes(content[:-20])
    with pytest.raises(IngestError, match=r"a\.parquet is not a whole Parquet file"):
        open_table(tmp_path / "a.parquet")


def test_a_damaged_row_group_is_named(tmp_path):
    pq.write_table(stars(), tmp_path / "a.parquet", compression="zstd")
    content = bytearray((tmp_path / "a.parquet").read_bytes())
    content[30:500] = bytes(470)
    (tmp_path / "a.parquet").write_bytes(content)
    with pytest.raises(IngestError, match=r"a\.parquet is damaged in row groups 0-1"):
        open_table(tmp_path / "a.parquet").to_table()


def test_a_failed_write_leaves_what_was_there(tmp_path):
    path = tmp_path / "a.parquet"
    write_table(stars(5).to_batches(), stars().schema, path)

    def breaking():
        yield from stars(3).to_batches()
        raise KeyError("boo")

    with pytest.raises(KeyError):
        write_table(breaking(), stars().schema, path)
    assert open_table(path).n_rows == 5
    assert [p.name for p in tmp_path.iterdir()] == ["a.parquet"]


def test_a_target_is_checked_before_any_row_is_taken(tmp_path):
    with pytest.raises(FormatError, match=r"a\.xyz has a suffix that says no format.*\.parquet"):
        write_table(iter([]), stars().schema, tmp_path / "a.xyz")
    with pytest.raises(NotFoundError, match="its folder"):
        write_table(iter([]), stars().schema, tmp_path / "none/a.csv")
    (tmp_path / "a.csv").write_text("x")
    with pytest.raises(ExistsError, match=r"a\.csv exists already"):
        write_table(iter([]), stars().schema, tmp_path / "a.csv", overwrite=False)


def test_a_batch_with_other_columns_is_refused(tmp_path):
    with pytest.raises(FormatError, match=r"a batch has the columns \['ra'\]"):
        write_table(stars().select(["ra"]).to_batches(), stars().schema, tmp_path / "a.parquet")


def test_an_empty_table_is_written_and_read(tmp_path):
    write_table([], stars().schema, tmp_path / "a.parquet")
    assert open_table(tmp_path / "a.parquet").to_table().equals(stars(0))


def test_columns_are_encoded_as_those_of_tiles_unless_the_caller_says_how(tmp_path):
    table = pa.table(
        {"id": list(range(9000)), "ra": [i / 7 for i in range(9000)], "kind": [3, 1 << 20] * 4500}
    )
    path = tmp_path / "a.parquet"
    used = {}
    for name, options in (("ours", {}), ("theirs", {"use_dictionary": ["ra"]})):
        write_table(table.to_batches(), table.schema, path, **options)
        assert pq.read_table(path).cast(table.schema).equals(table)
        group = pq.read_metadata(path).row_group(0)
        used[name] = [set(group.column(i).encodings) for i in range(3)]
    assert "DELTA_BINARY_PACKED" in used["ours"][0]
    assert "BYTE_STREAM_SPLIT" in used["ours"][1]
    assert "RLE_DICTIONARY" in used["ours"][2]
    assert "RLE_DICTIONARY" in used["theirs"][1]
    assert "RLE_DICTIONARY" not in used["theirs"][2]


def test_numbers_are_compressed_quickly_and_texts_well_unless_the_caller_says_how(tmp_path):
    columns = {"id": list(range(99)), "ra": [i / 7 for i in range(99)], "name": ["a star"] * 99}
    table, path = pa.table(columns), tmp_path / "a.parquet"
    for options, codecs in (
        ({}, ["LZ4", "LZ4", "ZSTD"]),
        ({"compression": "gzip"}, ["GZIP"] * 3),
        ({"compression_level": 9}, ["ZSTD"] * 3),
    ):
        write_table(table.to_batches(), table.schema, path, **options)
        group = pq.read_metadata(path).row_group(0)
        assert [group.column(i).compression for i in range(3)] == codecs
        assert pq.read_table(path).cast(table.schema).equals(table)


def test_integers_in_runs_are_left_to_the_compression(tmp_path):
    rows = range(9000)
    columns = {"left": [row // 3 for row in rows], "right": [row * 7 % 9000 for row in rows]}
    table, path = pa.table(columns), tmp_path / "a.parquet"
    write_table(table.to_batches(), table.schema, path)
    group = pq.read_metadata(path).row_group(0)
    packed = ["DELTA_BINARY_PACKED" in group.column(i).encodings for i in range(2)]
    assert packed == [False, True]
    assert group.column(0).total_compressed_size < 9000 * 8 / 3
    assert pq.read_table(path).cast(table.schema).equals(table)


@pytest.mark.parametrize("told", [True, False])
def test_the_disk_begins_before_a_file_is_whole_where_it_can_be_told(tmp_path, monkeypatch, told):
    stretches = []
    monkeypatch.setattr(outputs, "_STRETCH", 1000)
    if told:
        begin = lambda _, start, size, how: stretches.append((start, start + size))  # noqa: E731
        monkeypatch.setattr(os, "posix_fadvise", begin, raising=False)
    else:
        monkeypatch.delattr(os, "posix_fadvise", raising=False)
    table, path = stars(3 * parquetfile.GROUP_ROWS), tmp_path / "a.parquet"
    write_table(table.to_batches(), table.schema, path)
    assert open_table(path).to_table().equals(table)
    assert len(stretches) == (3 if told else 0)
    assert [start for start, _ in stretches[1:]] == [stop for _, stop in stretches[:-1]]
