"""Text without a header line, its columns told: padded, packed, with or without a last bar."""

from __future__ import annotations

import bz2
import gzip

import pyarrow as pa
import pytest

from skyquarry.catalog.formats import open_table
from skyquarry.errors import FormatError, IngestError

COLUMNS = ("name char", "ra double", "dec double", "flag char", "n short", "mag float")
ROWS = "00042876-8955069 |1.119851|-89.91861|000|7|12.467\nnone |0.5|+3|012|\\N|\n"


def read(path, **options):
    table = open_table(path, format="bulk", columns=COLUMNS, **options)
    return pa.Table.from_batches([b for p in table.parts() for b in p.batches()], table.schema)


@pytest.mark.parametrize("last_bar", [False, True])
@pytest.mark.parametrize("pack", [None, gzip.compress, bz2.compress])
def test_fields_are_stripped_typed_and_null_where_nothing_is(tmp_path, pack, last_bar):
    text = ROWS.replace("\n", "|\n" if last_bar else "\n").encode()
    (tmp_path / "psc_aaa").write_bytes(text if pack is None else pack(text))
    found = read(tmp_path / "psc_aaa")
    assert found.schema.types == [
        pa.string(), pa.float64(), pa.float64(), pa.string(), pa.int16(), pa.float32(),
    ]  # fmt: skip
    assert found["name"].to_pylist() == ["00042876-8955069", "none"]
    assert found["flag"].to_pylist() == ["000", "012"]
    assert found["dec"].to_pylist() == [-89.91861, 3.0]
    assert found["n"].to_pylist() == [7, None]
    assert found["mag"].to_pylist() == [pa.scalar(12.467, pa.float32()).as_py(), None]


def test_a_word_where_a_number_stands_is_named_with_its_row(tmp_path):
    (tmp_path / "f").write_text(ROWS.replace("|7|", "|seven|"))
    with pytest.raises(IngestError, match="'seven' in column 'n' at data row 1"):
        read(tmp_path / "f")


def test_another_number_of_fields_is_told(tmp_path):
    (tmp_path / "f").write_text("1|2|3\n")
    with pytest.raises(IngestError, match="3 fields in its first row, but 6 columns"):
        read(tmp_path / "f")


def test_a_type_that_is_none_is_told(tmp_path):
    (tmp_path / "f").write_text("1\n")
    with pytest.raises(FormatError, match="column 'ra real' was told"):
        open_table(tmp_path / "f", format="bulk", columns=["ra real"])


def test_a_bzip2_file_that_is_cut_is_told_where(tmp_path):
    packed = bz2.compress((ROWS * 5000).encode())
    (tmp_path / "f.bz2").write_bytes(packed[: len(packed) // 2])
    with pytest.raises(IngestError, match="is a damaged bzip2 file: it breaks off at byte"):
        read(tmp_path / "f.bz2")
