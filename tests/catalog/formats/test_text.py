"""CSV and TSV: types that lose nothing, errors that say where."""

from __future__ import annotations

import gzip

import numpy as np
import pyarrow as pa
import pytest
from astropy.table import Table
from hypothesis import given
from hypothesis import strategies as st

from skyquarry.catalog.formats import open_table, text, write_table
from skyquarry.errors import ColumnError, FormatError, IngestError, NotFoundError


def make(folder, content, name="a.csv"):
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def columns(path, **options):
    return open_table(path, **options).to_table().to_pydict()


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (["1", "-2"], pa.int64()),
        (["1", "1.5", "nan", "1e-3", "+.5"], pa.float64()),
        (["18446744073709551615", "1"], pa.uint64()),
        (["-9223372036854775808", "9223372036854775807"], pa.int64()),
        (["18446744073709551616", "1"], pa.string()),
        (["-1", "18446744073709551615"], pa.string()),
        (["9007199254740993", "1.5"], pa.string()),
        (["007", "008"], pa.string()),
        (["0x10", "0x11"], pa.string()),
        (["true", "FALSE"], pa.bool_()),
        (["1", "true"], pa.string()),
        (["2020-01-01T00:00:00", "2020-01-01 00:00:00.5"], pa.timestamp("us")),
        (["2020-01-01T00:00:00.123456789", "2020-01-01T00:00:00"], pa.timestamp("ns")),
        (["2020-01-01T00:00:00Z", "2020-01-01T00:00:01.5Z"], pa.timestamp("us", "UTC")),
        (["2020-01-01", "2020-01-02"], pa.string()),
        (["NA", "1"], pa.string()),
    ],
)
def test_the_narrowest_type_that_loses_nothing_is_found(tmp_path, values, kind):
    path = make(tmp_path, "x,y\n" + "".join(f"{v},1\n" for v in values))
    assert open_table(path).schema.field("x").type == kind


def test_an_empty_field_is_null_and_a_quoted_one_is_empty_text(tmp_path):
    path = make(tmp_path, 'x,s,f\n1,,\n,"",2.5\n null,null," "\n')
    assert columns(path) == {
        "x": ["1", None, " null"],
        "s": [None, "", None],
        "f": [None, 2.5, None],
    }


def test_a_single_column_keeps_its_empty_lines_as_nulls(tmp_path):
    assert columns(make(tmp_path, "x\n1\n\n3\n")) == {"x": [1, None, 3]}


def test_a_bom_mixed_line_ends_and_quoted_newlines_are_read(tmp_path):
    path = make(tmp_path, b'\xef\xbb\xbfra,s\r\n1,"two\nlines"\n2,x\r\n3,"a ""q"""')
    assert columns(path) == {"ra": [1, 2, 3], "s": ["two\nlines", "x", 'a "q"']}


def test_comment_lines_above_the_header_are_skipped(tmp_path):
    assert columns(make(tmp_path, "# made by hand\n#\nra,dec\n1,2\n")) == {"ra": [1], "dec": [2]}


def test_a_commented_header_gives_the_names(tmp_path):
    assert columns(make(tmp_path, "# ra, dec\n1,2\n3,4\n")) == {"ra": [1, 3], "dec": [2, 4]}


def test_a_value_that_does_not_fit_the_first_rows_is_named_with_its_row(tmp_path, monkeypatch):
    monkeypatch.setattr(text, "SAMPLE_BYTES", 1)
    monkeypatch.setattr("skyquarry.catalog.formats.textbody.BLOCK_BYTES", 1000)
    path = make(tmp_path, "x,y\n" + "1,2\n" * 5000 + "3,abc\n")
    with pytest.raises(IngestError, match=r"a\.csv has 'abc' in column 'y' at data row 5001"):
        columns(path)
    assert open_table(path, infer="all").schema.field("y").type == pa.string()
    assert columns(path, types={"y": "string"})["y"][-1] == "abc"


def test_types_of_an_absent_column_are_refused(tmp_path):
    with pytest.raises(ColumnError, match="'z', but the file has x, y"):
        open_table(make(tmp_path, "x,y\n1,2\n"), types={"z": "string"})


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", r"a\.csv is empty"),
        ("\n \n", r"a\.csv is empty"),
        ("1,2\n3,4\n", "looks like data"),
        ("x,x\n3,4\n", "more than one column named 'x'"),
        ("x,y\n1,2\n1,2,3\n", "not a sound text table"),
        (b"x,y\n1,\xff\xfe\n", "encoding='latin-1'"),
    ],
)
def test_an_unsound_file_is_refused(tmp_path, content, message):
    with pytest.raises(IngestError, match=message):
        columns(make(tmp_path, content))


def test_a_header_without_names_is_refused(tmp_path):
    with pytest.raises(FormatError, match="no name for any of its 2 columns"):
        columns(make(tmp_path, ",\n3,4\n"))


def test_a_file_of_another_encoding_is_read(tmp_path):
    path = make(tmp_path, "s,x\nCoudé,1\n".encode("latin-1"))
    assert columns(path, encoding="latin-1") == {"s": ["Coudé"], "x": [1]}


def test_a_header_without_rows_is_an_empty_table(tmp_path):
    for content in ("x,y\n", "x,y"):
        table = open_table(make(tmp_path, content)).to_table()
        assert (table.num_rows, table.column_names) == (0, ["x", "y"])


def test_a_truncated_gzip_names_the_file_and_the_byte(tmp_path):
    rng = np.random.default_rng(1)
    packed = gzip.compress(("x,y\n" + "".join(f"{v},1\n" for v in rng.random(9000))).encode())
    path = make(tmp_path, packed[:20_000], "a.csv.gz")
    with pytest.raises(IngestError, match=r"a\.csv\.gz is a damaged gzip file: .* byte 20000"):
        columns(path)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(NotFoundError, match=r"none\.csv is not there"):
        open_table(tmp_path / "none.csv")


def test_an_option_of_another_format_is_refused(tmp_path):
    with pytest.raises(FormatError, match=r"'hdu' was given, but csv takes .*delimiter"):
        open_table(make(tmp_path, "x\n1\n"), hdu=1)


def test_a_tsv_is_read_and_written(tmp_path):
    table = pa.table({"x": [1, 2], "s": ["a,b", None]})
    write_table(table.to_batches(), table.schema, tmp_path / "a.tsv.gz")
    assert columns(tmp_path / "a.tsv.gz") == table.to_pydict()


def test_the_2mass_and_spitzer_catalogue_equals_astropys_reading(shared_data):
    path = shared_data / "images/w5_psc.csv"
    ours, theirs = open_table(path).to_table(), Table.read(path, format="ascii.csv")
    assert ours.column_names == theirs.colnames
    for name in theirs.colnames:
        assert ours[name].to_pylist() == theirs[name].tolist(), name


def test_a_file_with_blanks_before_quotes_equals_astropys_reading(shared_data):
    path = shared_data / "labels/3hsp.csv"
    ours = open_table(path).to_table()
    theirs = Table.read(path, format="ascii.csv")
    assert ours.column_names == theirs.colnames
    for name in theirs.colnames:
        assert ours[name].to_pylist() == theirs[name].tolist(), name


@given(
    st.lists(
        st.tuples(
            st.none() | st.integers(-(2**63), 2**63 - 1),
            st.none() | st.text(st.characters(codec="utf-8", exclude_characters="\x00\r")),
            st.none() | st.floats(),
        ),
        min_size=1,
    )
)
def test_what_is_written_is_read_again(tmp_path, rows):
    schema = pa.schema([("n", pa.int64()), ("s", pa.string()), ("f", pa.float64())])
    columns_in = [pa.array(c, f.type) for c, f in zip(zip(*rows, strict=True), schema, strict=True)]
    batch = pa.record_batch(columns_in, schema=schema)
    path = tmp_path / "round.csv"
    assert write_table([batch], schema, path) == len(rows)
    types = {"n": "int64", "s": "string", "f": "float64"}
    again = open_table(path, types=types).to_table()
    for name in ("n", "s", "f"):
        np.testing.assert_equal(again[name].to_pylist(), batch[name].to_pylist())


@pytest.mark.parametrize("suffix", ["csv", "tsv"])
@pytest.mark.parametrize(
    "texts", [["a\n", "", None], ['x\n "b', "", " c "], ["\t", '\n\t"', ""], ['"', ' "', "", "d\t"]]
)
def test_texts_keep_blanks_and_ends_of_lines_beside_what_is_missing(tmp_path, suffix, texts):
    """An empty field between tabs, or a blank before a quote in a text, sets off no field."""
    table = pa.table({"n": pa.nulls(len(texts), pa.int64()), "s": pa.array(texts, pa.string())})
    table = table.append_column("t", table["s"])
    write_table(table.to_batches(), table.schema, tmp_path / f"a.{suffix}")
    types = {"n": "int64", "s": "string", "t": "string"}
    assert columns(tmp_path / f"a.{suffix}", types=types) == table.to_pydict()


@given(st.lists(st.tuples(*[st.none() | st.text(alphabet='ab \t\n",;|')] * 3), min_size=1))
def test_blanks_quotes_and_delimiters_in_texts_are_read_again(tmp_path, rows):
    texts = [pa.array([row[i] for row in rows], pa.string()) for i in range(3)]
    table = pa.table(texts, names=["s", "t", "u"])
    for suffix in ("csv", "tsv"):
        write_table(table.to_batches(), table.schema, tmp_path / f"a.{suffix}")
        assert columns(tmp_path / f"a.{suffix}") == table.to_pydict()


# ---------------------------------------------------------------------- names and delimiters
def test_a_column_without_a_name_gets_its_number(tmp_path):
    path = make(tmp_path, ",ra,dec\n0,1.5,2\n1,3.5,4\n")
    assert columns(path) == {"column_1": [0, 1], "ra": [1.5, 3.5], "dec": [2, 4]}
    field = open_table(path).schema.field("column_1")
    assert b"no name" in field.metadata[b"description"]


def test_a_number_that_is_taken_as_a_name_is_refused(tmp_path):
    with pytest.raises(FormatError, match=r"no name for column 1 of 2, .* column_1, is taken"):
        open_table(make(tmp_path, ",Column_1\n1,2\n"))


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("head", ["", "# made by hand\n"])
def test_the_delimiter_is_found(tmp_path, delimiter, head):
    rows = head + 'ra,dec,"a note"\n1.5,2,"x\ny"\n2.5,,z\n'
    path = make(tmp_path, rows.replace(",", delimiter))
    assert columns(path) == {"ra": [1.5, 2.5], "dec": [2, None], "a note": ["x\ny", "z"]}


@pytest.mark.parametrize(
    ("rows", "names"),
    [
        ("a;b,c\n1;2,3\n", ["a;b", "c"]),  # two would do: the comma it is
        ("a;b,c\n1,2;3\n", ["a;b", "c"]),
        ("a;b\n1\n", ["a;b"]),
        ("a\n1\n", ["a"]),
        ("a;b\n1,5;2,5\n", ["a", "b"]),
    ],
)
def test_a_delimiter_that_is_not_certain_is_a_comma(tmp_path, rows, names):
    assert open_table(make(tmp_path, rows)).schema.names == names


def test_a_delimiter_that_is_given_is_taken(tmp_path):
    assert columns(make(tmp_path, "a;b\n1;2\n"), delimiter=",") == {"a;b": ["1;2"]}
