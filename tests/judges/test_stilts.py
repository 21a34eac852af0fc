"""STILTS reads what we write: the same values, names, units and UCDs as we meant."""

from __future__ import annotations

import shutil
import subprocess

import pyarrow as pa
import pyarrow.csv
import pytest
from astropy.io.votable import parse_single_table

from skyquarry.catalog.columns import describe
from skyquarry.catalog.formats import write_table

pytestmark = [
    pytest.mark.judge,
    pytest.mark.skipif(
        shutil.which("stilts") is None, reason="STILTS is not installed (Debian: stilts)"
    ),
]


def table() -> pa.Table:
    """Three rows with a null in every column that can hold one, and integers beyond 2^53."""
    schema = pa.schema(
        [
            describe(pa.field("source_id", pa.int64()), ucd="meta.id;meta.main"),
            describe(pa.field("ra", pa.float64()), unit="deg", ucd="pos.eq.ra;meta.main"),
            describe(pa.field("mag", pa.float32()), unit="mag", ucd="phot.mag"),
            pa.field("name", pa.string()),
            pa.field("good", pa.bool_()),
        ]
    )
    rows = [
        {"source_id": 2**60 + 1, "ra": 359.999999999, "mag": 12.5, "name": "a b", "good": True},
        {"source_id": -5, "ra": 0.1, "mag": None, "name": "μ", "good": False},
        {"source_id": 7, "ra": 1e-9, "mag": -1.25, "name": "c", "good": True},
    ]
    return pa.Table.from_pylist(rows, schema)


def stilts(*words: str) -> None:
    done = subprocess.run(["stilts", *words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("suffix", [".fits", ".vot", ".ecsv", ".csv", ".fits.gz"])
def test_stilts_reads_the_values_that_we_wrote(suffix, tmp_path):
    ours, theirs = tmp_path / f"ours{suffix}", tmp_path / "theirs.csv"
    write_table(table().to_batches(), table().schema, ours)
    stilts("tpipe", f"in={ours}", *(["ifmt=csv"] if suffix == ".csv" else []),
           f"out={theirs}", "ofmt=csv")  # fmt: skip
    read = pyarrow.csv.read_csv(
        theirs, convert_options=pyarrow.csv.ConvertOptions(strings_can_be_null=True)
    )
    assert read.column_names == table().column_names
    for name in ("source_id", "ra", "mag", "good"):
        assert read[name].to_pylist() == table()[name].to_pylist(), name
    if suffix == ".vot":  # FITS holds ASCII, and this STILTS reads other text as Latin-1
        assert read["name"].to_pylist() == table()["name"].to_pylist()


@pytest.mark.parametrize("suffix", [".fits", ".vot", ".ecsv"])
def test_stilts_reads_the_units_that_we_wrote(suffix, tmp_path):
    ours, theirs = tmp_path / f"ours{suffix}", tmp_path / "theirs.vot"
    write_table(table().to_batches(), table().schema, ours)
    stilts("tpipe", f"in={ours}", f"out={theirs}", "ofmt=votable")
    fields = {field.name: field for field in parse_single_table(theirs).fields}
    assert str(fields["ra"].unit) == "deg"
    assert str(fields["mag"].unit) == "mag"
    if suffix != ".ecsv":  # a UCD in ECSV is a private key of ours
        assert fields["ra"].ucd == "pos.eq.ra;meta.main"
