"""Every format with every type: what is written is read again, by us and by astropy."""

from __future__ import annotations

import datetime as dt
import warnings

import numpy as np
import pyarrow as pa
import pytest
from astropy.table import Table
from astropy.utils.exceptions import AstropyWarning

from skyquarry.catalog.columns import describe
from skyquarry.catalog.formats import open_table, write_table
from skyquarry.errors import FormatError

WIDTHS = {"int8": 8, "int16": 16, "int32": 32, "int64": 64}
INTEGERS = [pa.int8(), pa.uint8(), pa.int16(), pa.uint16(), pa.int32(), pa.uint32(), pa.int64(),
            pa.uint64()]  # fmt: skip
TYPED = ["parquet", "fits", "fits.gz", "votable", "vot.gz", "ecsv", "ecsv.gz", "hdf5"]
ALL = [*TYPED, "csv", "csv.gz", "tsv"]


def ends(kind):
    info = np.iinfo(kind.to_pandas_dtype())
    return [int(info.min), int(info.max), 0, 7]


def columns():
    """Name -> array of four values without nulls, every type that every typed format holds."""
    made = {f"n_{kind}": pa.array(ends(kind), kind) for kind in INTEGERS}
    made["flag"] = pa.array([True, False, True, True])
    made["single"] = pa.array([1.5, -0.1, 3.4e38, 1e-45], pa.float32())
    made["double"] = pa.array([0.1, -1e300, 5e-324, float("inf")])
    made["text"] = pa.array(["a", "", "b c", 'q"u,o'])
    return made


def nulls():
    """Name -> array with nulls whose other values leave room for a sentinel."""
    made = {f"n_{kind}": pa.array([1, None, 3, None], kind) for kind in INTEGERS}
    made["flag"] = pa.array([True, None, False, None])
    made["text"] = pa.array(["a", None, "b", None])
    return made


def through(tmp_path, suffix, made, **options):
    table = pa.table(made)
    path = tmp_path / f"a.{suffix}"
    assert write_table(table.to_batches(max_chunksize=3), table.schema, path) == table.num_rows
    return open_table(path, **options).to_table()


def columns_for(suffix):
    made = columns()
    if suffix.startswith("vot"):  # its largest whole number is 2^63 - 1
        made["n_uint64"] = pa.array([0, 2**63 - 1, 2**53 + 1, 7], pa.uint64())
    return made


@pytest.mark.parametrize("suffix", TYPED)
def test_every_plain_type_and_its_ends_come_back(tmp_path, suffix):
    made = columns_for(suffix)
    again = through(tmp_path, suffix, made)
    assert again.column_names == list(made)
    for name, array in made.items():
        assert again[name].to_pylist() == array.to_pylist(), name
        if suffix.startswith("vot") and name in {"n_int8", "n_uint16", "n_uint32", "n_uint64"}:
            continue  # VOTable has no such types: the next wider one
        assert again.schema.field(name).type == array.type, name


@pytest.mark.parametrize("suffix", ALL)
def test_values_come_back_where_types_are_guessed(tmp_path, suffix):
    made = columns_for(suffix)
    again = through(tmp_path, suffix, made)
    for name, array in made.items():
        if name == "single" and suffix[:3] in {"csv", "tsv"}:
            np.testing.assert_array_equal(
                np.array(again[name].to_pylist(), "f4"), array.to_numpy(), name
            )
        else:
            assert again[name].to_pylist() == array.to_pylist(), name


@pytest.mark.parametrize("suffix", ALL)
def test_nulls_come_back(tmp_path, suffix):
    made = nulls()
    again = through(tmp_path, suffix, made)
    for name, array in made.items():
        assert again[name].to_pylist() == array.to_pylist(), name


@pytest.mark.parametrize("suffix", ALL)
def test_unicode_comes_back(tmp_path, suffix):
    made = {"s": pa.array(["Zürich", "星表", "a\tb", "two\nlines"]), "n": pa.array([1, 2, 3, 4])}
    assert through(tmp_path, suffix, made)["s"].to_pylist() == made["s"].to_pylist()


@pytest.mark.parametrize("suffix", ["parquet", "votable", "ecsv", "csv", "hdf5"])
def test_null_and_nan_stay_apart(tmp_path, suffix):
    again = through(tmp_path, suffix, {"x": pa.array([1.0, None, float("nan")]), "n": [1, 2, 3]})
    found = again["x"].to_pylist()
    assert found[:2] == [1.0, None]
    assert np.isnan(found[2])


def test_fits_has_one_word_for_null_and_nan(tmp_path):
    found = through(tmp_path, "fits", {"x": pa.array([1.0, None])})["x"].to_pylist()
    assert np.isnan(found[1])


@pytest.mark.parametrize("suffix", ["parquet", "fits", "votable", "ecsv", "hdf5"])
def test_lists_come_back(tmp_path, suffix):
    made = {
        "fixed": pa.array([[1.5, 2.5], [3.5, 4.5]], pa.list_(pa.float64(), 2)),
        "whole": pa.array([[1, 2, 3], [4, 5, 6]], pa.list_(pa.int32(), 3)),
        "any": pa.array([[1, 2, 3], []], pa.list_(pa.int64())),
    }
    again = through(tmp_path, suffix, made)
    for name, array in made.items():
        assert again[name].to_pylist() == array.to_pylist(), name
        assert again.schema.field(name).type.value_type == array.type.value_type, name


MOMENTS = [dt.datetime(2016, 1, 1, 12, 30, 15, 250000), None]  # noqa: DTZ001 - no zone


@pytest.mark.parametrize("suffix", ["parquet", "csv"])
def test_moments_come_back(tmp_path, suffix):
    made = {"t": pa.array(MOMENTS, pa.timestamp("us")), "n": [1, 2]}
    assert through(tmp_path, suffix, made)["t"].to_pylist() == MOMENTS


@pytest.mark.parametrize("suffix", ["fits", "votable", "ecsv", "hdf5"])
def test_moments_become_iso_text_where_there_is_no_type(tmp_path, suffix):
    made = {"t": pa.array(MOMENTS, pa.timestamp("us")), "n": [1, 2]}
    assert through(tmp_path, suffix, made)["t"].to_pylist() == ["2016-01-01T12:30:15.250000", None]


@pytest.mark.parametrize("suffix", TYPED)
def test_meanings_come_back(tmp_path, suffix):
    field = describe(
        pa.field("pm", pa.float64()),
        unit="mas.yr**-1",
        ucd="pos.pm",
        utype="a.b",
        description="how it's moving, " * 9,
    )
    schema = pa.schema([field, pa.field("n", pa.int32())])
    table = pa.table([[1.0], [2]], schema=schema)
    write_table(table.to_batches(), schema, tmp_path / f"a.{suffix}")
    found = open_table(tmp_path / f"a.{suffix}").schema.field("pm").metadata
    assert {k: v.strip() for k, v in found.items()} == {
        k: v.strip() for k, v in field.metadata.items()
    }


@pytest.mark.parametrize("suffix", ALL)
def test_an_empty_table_comes_back(tmp_path, suffix):
    made = {"x": pa.array([], pa.float64()), "s": pa.array([], pa.string())}
    again = through(tmp_path, suffix, made)
    assert (again.num_rows, again.column_names) == (0, ["x", "s"])


@pytest.mark.parametrize("suffix", ["fits", "vot", "ecsv", "csv", "hdf5", "parquet"])
def test_the_same_rows_give_the_same_bytes(tmp_path, suffix):
    for name in ("a", "b"):
        table = pa.table(columns_for(suffix))
        write_table(table.to_batches(), table.schema, tmp_path / f"{name}.{suffix}.gz")
    one, two = ((tmp_path / f"{name}.{suffix}.gz").read_bytes() for name in "ab")
    assert one == two or suffix == "parquet"  # its VOTable header holds the file's name


@pytest.mark.parametrize(
    ("suffix", "options"),
    [
        ("fits", {"format": "fits"}),
        ("votable", {"format": "votable"}),
        ("ecsv", {"format": "ascii.ecsv"}),
        ("csv", {"format": "ascii.csv"}),
    ],
)
def test_astropy_reads_what_we_write(tmp_path, suffix, options):
    made = {k: v for k, v in columns().items() if k not in {"text", "n_uint64", "single"}}
    made["text"] = pa.array(["a", "bc", "d e", "f"])
    made["maybe"] = pa.array([1, None, 3, 4])
    table = pa.table(made)
    write_table(table.to_batches(), table.schema, tmp_path / f"a.{suffix}")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", AstropyWarning)
        theirs = Table.read(tmp_path / f"a.{suffix}", **options)
    assert theirs.colnames == list(made)
    for name, array in made.items():
        found = theirs[name].tolist()
        if suffix == "csv" and name == "flag":
            found = [word == "true" for word in found]
        assert found == array.to_pylist(), name


@pytest.mark.parametrize(
    ("suffix", "options"),
    [
        ("fits", {}),
        ("vot", {"format": "votable", "tabledata_format": "binary2"}),
        ("xml", {"format": "votable", "tabledata_format": "binary"}),
        ("votable", {"format": "votable", "tabledata_format": "tabledata"}),
        ("ecsv", {}),
        ("hdf5", {"path": "table", "serialize_meta": True}),
    ],
)
def test_we_read_what_astropy_writes(tmp_path, suffix, options):
    table = Table(
        {
            "ra": [1.5, 359.0],
            "id": np.array([2**63 - 1, -(2**63) + 1]),
            "name": ["a", "bcd"],
            "flag": [True, False],
            "mags": np.arange(6.0).reshape(2, 3).astype("f4"),
        },
        units={"ra": "deg"},
        descriptions={"ra": "where it is"},
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", AstropyWarning)
        table.write(tmp_path / f"a.{suffix}", **options)
    opened = open_table(tmp_path / f"a.{suffix}")
    again = opened.to_table()
    for name in table.colnames:
        assert again[name].to_pylist() == table[name].tolist(), name
    field = opened.schema.field("ra")
    assert field.metadata[b"unit"] == b"deg"
    assert field.metadata[b"description"] == b"where it is"


@pytest.mark.parametrize("suffix", ["fits", "votable", "csv", "ecsv", "hdf5"])
def test_a_column_that_a_format_cannot_hold_is_named(tmp_path, suffix):
    table = pa.table({"n": [1], "deep": [{"a": 1}]})
    with pytest.raises(FormatError, match="column 'deep' is struct<a: int64>, which"):
        write_table(table.to_batches(), table.schema, tmp_path / f"a.{suffix}")
    assert list(tmp_path.iterdir()) == []


def test_fits_refuses_a_null_beside_the_number_that_would_mark_it(tmp_path):
    table = pa.table({"n": pa.array([255, None], pa.uint8())})
    with pytest.raises(FormatError, match="column 'n' has nulls and the number 255"):
        write_table(table.to_batches(), table.schema, tmp_path / "a.fits")


@pytest.mark.parametrize("suffix", ["votable", "hdf5"])
@pytest.mark.parametrize("kind", [pa.list_(pa.int32()), pa.list_(pa.int32(), 2)])
def test_a_null_inside_a_list_of_whole_numbers_is_refused_not_filled(tmp_path, suffix, kind):
    table = pa.table({"v": pa.array([[1, None]], kind)})
    with pytest.raises(FormatError, match="column 'v' has lists with nulls inside"):
        write_table(table.to_batches(), table.schema, tmp_path / f"a.{suffix}")


@pytest.mark.parametrize("suffix", ["parquet", "fits", "votable", "ecsv", "hdf5"])
def test_null_lists_of_a_fixed_length_keep_their_place(tmp_path, suffix):
    made = {
        "v": pa.array([[1.0, 2.0], None, [3.0, 4.0]], pa.list_(pa.float64(), 2)),
        "n": [1, 2, 3],
    }
    found = through(tmp_path, suffix, made)["v"].to_pylist()
    assert (found[0], found[2]) == ([1, 2], [3, 4])
    assert found[1] is None or (suffix == "fits" and np.isnan(found[1]).all())


def test_votable_refuses_a_number_that_its_long_cannot_hold(tmp_path):
    table = pa.table({"n": pa.array([2**63], pa.uint64())})
    with pytest.raises(FormatError, match="column 'n' holds a number above 9223372036854775807"):
        write_table(table.to_batches(), table.schema, tmp_path / "a.vot")


def test_fits_with_declared_widths_refuses_a_longer_text(tmp_path):
    table = pa.table({"s": ["abc"]})
    with pytest.raises(FormatError, match="text of 3 bytes, but 2 were declared"):
        write_table(table.to_batches(), table.schema, tmp_path / "a.fits", widths={"s": 2})
