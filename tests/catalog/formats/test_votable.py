"""VOTable: every serialisation, nulls, arrays; hostile files refused."""

from __future__ import annotations

import base64
import io
import struct

import numpy as np
import pyarrow as pa
import pytest
from astropy.io import fits
from astropy.io.votable import parse_single_table

from skyquarry.catalog.formats import open_table, votable, write_table
from skyquarry.errors import FormatError, IngestError, NotFoundError

HEAD = '<?xml version="1.0"?>\n<VOTABLE version="1.4" xmlns="http://www.ivoa.net/xml/VOTable/v1.3">'
FIELDS = """
<FIELD name="id" datatype="long" ucd="meta.id"><VALUES null="-1"/></FIELD>
<FIELD name="ra" datatype="double" unit="deg"><DESCRIPTION>where it is</DESCRIPTION></FIELD>
<FIELD name="name" datatype="char" arraysize="*"/>
<FIELD name="flag" datatype="boolean"/>
<FIELD name="mags" datatype="float" arraysize="3"/>
<FIELD name="times" datatype="int" arraysize="*"/>
<FIELD name="bits" datatype="bit" arraysize="3"/>
<FIELD name="word" datatype="unicodeChar" arraysize="4"/>
<FIELD name="tags" datatype="char" arraysize="2x2"/>
"""
CELLS = """
<TR><TD>1</TD><TD>10.5</TD><TD>a &amp; b</TD><TD>T</TD><TD>1 2 3</TD><TD>4 5</TD><TD>101</TD>
<TD>Zürč</TD><TD>abcd</TD></TR>
<TR><TD>-1</TD><TD/><TD></TD><TD>?</TD><TD>1.5 NaN +Inf</TD><TD></TD><TD>000</TD><TD>x</TD>
<TD>a b</TD></TR>
<TR><TD>0x1F</TD><TD>NaN</TD><TD> c </TD><TD>false</TD><TD/><TD>7</TD><TD>0 1 1</TD><TD/>
<TD/></TR>
"""


def document(data, fields=FIELDS, above="", table='<TABLE name="stars">'):
    return f"{HEAD}<RESOURCE>{above}{table}{fields}{data}</TABLE></RESOURCE></VOTABLE>"


def put(folder, text, name="a.vot"):
    (folder / name).write_bytes(text if isinstance(text, bytes) else text.encode())
    return folder / name


def cells_file(folder):
    return put(folder, document(f"<DATA><TABLEDATA>{CELLS}</TABLEDATA></DATA>"))


def test_cells_of_every_type_are_read(tmp_path):
    opened = open_table(cells_file(tmp_path))
    found = opened.to_table().to_pydict()
    assert found["id"] == [1, None, 31]
    assert found["ra"][:2] == [10.5, None]
    assert np.isnan(found["ra"][2])
    assert found["name"] == ["a & b", None, " c "]
    assert found["flag"] == [True, None, False]
    assert found["mags"][0] == [1, 2, 3]
    assert (found["mags"][1][0], found["mags"][1][2], found["mags"][2]) == (1.5, np.inf, None)
    assert found["times"] == [[4, 5], None, [7]]
    assert found["bits"] == [[True, False, True], [False] * 3, [False, True, True]]
    assert found["word"] == ["Zürč", "x", None]
    assert found["tags"] == [["ab", "cd"], ["a", "b"], None]
    assert opened.schema.field("ra").metadata == {b"unit": b"deg", b"description": b"where it is"}
    assert opened.schema.metadata == {b"name": b"stars"}


def record(number, ra, name, times, word, *, mask=b""):
    return mask + b"".join([
        struct.pack(">qd", number, ra), struct.pack(">i", len(name)), name, b"T",
        struct.pack(">3f", 1, 2, 3), struct.pack(f">i{len(times)}i", len(times), *times), b"\xa0",
        word.encode("utf-16-be").ljust(8, b"\0"), b"abcd",
    ])  # fmt: skip


def stream(tag, data, step=60):
    text = base64.b64encode(data).decode()
    lines = "\n".join(text[i : i + step] for i in range(0, len(text), step))
    return f'<DATA><{tag}><STREAM encoding="base64">\n {lines} </STREAM></{tag}></DATA>'


@pytest.mark.parametrize("chunk", [1, 7, 1 << 18])
def test_binary_rows_of_any_length_are_read_whatever_the_blocks(tmp_path, chunk, monkeypatch):
    monkeypatch.setattr("skyquarry.catalog.formats.voparser.CHUNK", chunk)
    monkeypatch.setattr(votable, "BINARY_ROWS", 2)
    rows = [record(1, 2.5, b"ab", (4, 5), "Zü"), record(-1, 3.5, b"", (), "x")] * 3
    found = open_table(put(tmp_path, document(stream("BINARY", b"".join(rows))))).to_table()
    assert found["id"].to_pylist() == [1, None] * 3
    assert found["name"].to_pylist() == ["ab", ""] * 3
    assert found["times"].to_pylist() == [[4, 5], []] * 3
    assert found["bits"].to_pylist() == [[True, False, True]] * 6
    assert found["word"].to_pylist() == ["Zü", "x"] * 3
    assert found["tags"].to_pylist() == [["ab", "cd"]] * 6


def test_the_mask_of_binary2_makes_nulls(tmp_path):
    rows = [record(1, 2.5, b"ab", (4,), "x", mask=b"\x00\x00"),
            record(1, 2.5, b"ab", (4,), "x", mask=b"\xff\x80")]  # fmt: skip
    found = open_table(put(tmp_path, document(stream("BINARY2", b"".join(rows))))).to_table()
    assert all(column.null_count == 1 for column in found.columns)
    assert found.slice(1).to_pylist() == [dict.fromkeys(found.column_names)]


def test_inline_fits_is_read_with_what_the_fields_say(tmp_path):
    hdu = fits.BinTableHDU.from_columns([fits.Column("ra", "D", array=[1.0, 2.0])])
    sink = io.BytesIO()
    fits.HDUList([fits.PrimaryHDU(), hdu]).writeto(sink)
    data = stream("FITS", sink.getvalue()).replace("<FITS>", '<FITS extnum="1">')
    fields = '<FIELD name="ra" datatype="double" unit="deg"/>'
    opened = open_table(put(tmp_path, document(data, fields)))
    assert opened.to_table().to_pydict() == {"ra": [1.0, 2.0]}
    assert opened.schema.field("ra").metadata == {b"unit": b"deg"}
    assert opened.format == "votable"


def test_the_table_is_chosen_by_number_name_or_id(tmp_path):
    def table(name, value):
        cells = f"<DATA><TABLEDATA><TR><TD>{value}</TD></TR></TABLEDATA></DATA>"
        return f'<TABLE {name}><FIELD name="x" datatype="int"/>{cells}</TABLE>'

    inner = table('name="one"', 1) + table('ID="two"', 2)
    path = put(tmp_path, f"{HEAD}<RESOURCE>{inner}</RESOURCE></VOTABLE>")
    found = [open_table(path, table=t).to_table()["x"].to_pylist() for t in (None, 0, 1, "two")]
    assert found == [[1], [1], [2], [2]]
    with pytest.raises(NotFoundError, match="table 'three', but has 0 one, 1 two"):
        open_table(path, table="three")


def test_frame_epoch_and_description_of_the_table_are_read(tmp_path):
    above = '<COOSYS ID="s" system="eq_FK5" equinox="J2000" epoch="J2015.5"/>'
    fields = '<DESCRIPTION>bright stars</DESCRIPTION><FIELD name="x" datatype="int"/>'
    schema = open_table(put(tmp_path, document("", fields, above))).schema
    assert schema.metadata == {
        b"name": b"stars", b"description": b"bright stars", b"frame": b"fk5",
        b"equinox": b"J2000", b"epoch": b"2015.5",
    }  # fmt: skip


def test_a_table_without_data_is_empty(tmp_path):
    assert open_table(put(tmp_path, document(""))).to_table().num_rows == 0


def test_columns_of_equal_names_are_called_by_their_ids(tmp_path):
    fields = '<FIELD name="x" ID="x1" datatype="int"/><FIELD name="x" ID="x2" datatype="int"/>'
    assert open_table(put(tmp_path, document("", fields))).schema.names == ["x1", "x2"]


BOMB = '<!DOCTYPE v [<!ENTITY a "aa"><!ENTITY b "&a;&a;">]>'
FILE = '<!DOCTYPE v [<!ENTITY x SYSTEM "file:///etc/hostname">]>'


@pytest.mark.parametrize("declaration", [BOMB, FILE, '<!DOCTYPE v SYSTEM "http://x.test/v.dtd">'])
def test_a_document_type_is_refused(tmp_path, declaration):
    text = document("").replace("?>\n", f"?>\n{declaration}")
    with pytest.raises(IngestError, match=r"a\.vot: it declares a document type or an entity"):
        open_table(put(tmp_path, text))


@pytest.mark.parametrize("href", ["http://x.test/data", "https://x.test/d", "file:///etc/passwd"])
def test_a_stream_elsewhere_is_refused(tmp_path, href):
    data = f'<DATA><BINARY2><STREAM href="{href}" encoding="gzip"/></BINARY2></DATA>'
    with pytest.raises(FormatError, match=r"nothing is fetched because a file says so"):
        open_table(put(tmp_path, document(data))).to_table()


def test_a_parquet_reference_is_refused(tmp_path):
    data = '<DATA><PARQUET type="VOTable-remote-partition"/></DATA>'
    with pytest.raises(FormatError, match="a reference to a Parquet file, which is not followed"):
        open_table(put(tmp_path, document(data)))


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda t: t[: len(t) // 2 + 300], "no whole XML document"),
        (lambda t: t.replace("10.5", "ten"), "row 1 has 'ten' in column 'ra'"),
        (lambda t: t.replace("<TD>1 2 3</TD>", "<TD>1 2</TD>"), "row 1 has 2 values in .*'mags'"),
        (lambda t: t.replace("<TD>7</TD>", ""), "ends a row of 8 cells, but the table has 9"),
        (lambda t: t.replace('"double"', '"quad"'), "datatype 'quad'"),
        (lambda t: t.replace('arraysize="3"', 'arraysize="999999999x9"'), "8999999991 values"),
    ],
)
def test_damage_is_named(tmp_path, spoil, message):
    path = cells_file(tmp_path)
    path.write_text(spoil(path.read_text()))
    with pytest.raises(IngestError, match=rf"a\.vot: .*{message}"):
        open_table(path).to_table()


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (record(1, 2.5, b"ab", (4,), "x")[:-1], "bytes of a row that is not whole"),
        (struct.pack(">qdi", 1, 2.0, 2**31 - 1), "a cell says that it holds 2147483647 values"),
    ],
)
def test_a_row_that_is_not_whole_is_refused(tmp_path, data, message):
    with pytest.raises(IngestError, match=message):
        open_table(put(tmp_path, document(stream("BINARY", data)))).to_table()


def test_base64_that_is_none_is_refused(tmp_path):
    text = document(stream("BINARY", record(1, 2.5, b"ab", (4,), "x"))).replace("AAAA", "A*AA", 1)
    with pytest.raises(IngestError, match="base64 data are damaged"):
        open_table(put(tmp_path, text)).to_table()


def test_complex_numbers_are_refused(tmp_path):
    with pytest.raises(FormatError, match="column 'v' holds complex numbers"):
        open_table(put(tmp_path, document("", '<FIELD name="v" datatype="floatComplex"/>')))


def test_an_error_of_a_service_is_no_empty_table(tmp_path):
    above = '<INFO name="QUERY_STATUS" value="ERROR">no such column</INFO>'
    with pytest.raises(IngestError, match="QUERY_STATUS = ERROR"):
        open_table(put(tmp_path, document("", "", above)))


@pytest.mark.parametrize("serialization", ["binary2", "tabledata"])
def test_what_is_written_is_read_by_astropy_with_its_nulls(tmp_path, serialization):
    schema = pa.schema(
        [("n", pa.int32()), ("x", pa.float64()), ("s", pa.string()),
         ("v", pa.list_(pa.float32(), 2)), ("any", pa.list_(pa.int64())), ("b", pa.bool_())],
        metadata={"name": "stars", "description": "a < b", "frame": "icrs", "epoch": "2016.0"},
    )  # fmt: skip
    rows = [[1, None, 3], [0.1, 2.5, None], ["a<", "ü\u2606", None], [[1, 2], [3, 4], [5, 6]],
            [[1], [2, 3], []], [True, False, None]]  # fmt: skip
    table = pa.table(rows, schema=schema)
    path = tmp_path / "a.vot"
    write_table(table.to_batches(), schema, path, serialization=serialization)
    theirs = parse_single_table(path)
    assert theirs.description.strip() == "a < b"
    assert theirs.array["n"].tolist() == [1, None, 3]
    assert theirs.array["x"].tolist()[:2] == [0.1, 2.5]
    assert [str(s) for s in theirs.array["s"][:2]] == ["a<", "ü\u2606"]
    assert theirs.array["v"].tolist() == rows[3]
    assert [list(v) for v in theirs.array["any"]] == rows[4]
    opened = open_table(path)
    assert opened.schema.metadata == schema.metadata
    found = opened.to_table().to_pydict()
    for name, values in zip(schema.names, rows, strict=True):
        if (name, serialization) != ("any", "tabledata"):  # an empty cell is null there
            assert found[name] == values, name
