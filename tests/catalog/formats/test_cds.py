"""CDS and MRT tables: bytes as described, nulls, positions; astropy judges."""

from __future__ import annotations

import gzip

import numpy as np
import pyarrow as pa
import pytest
from astropy.coordinates import SkyCoord
from astropy.io import ascii as astropy_ascii
from astropy.table import Table

from skyquarry.catalog.formats import open_table, write_table
from skyquarry.errors import FormatError, IngestError, NotFoundError

# Where the columns of the AT20G bright source sample stand (Massardi et al. 2008, table 2).
README = """J/MNRAS/384/775     AT20G bright source sample       (Massardi+, 2008)
================================================================================
Title: The Australia Telescope 20-GHz (AT20G) Survey:
       the bright source sample
================================================================================
Byte-by-byte Description of file: table2.dat table9*.dat
--------------------------------------------------------------------------------
   Bytes Format Units   Label     Explanations
--------------------------------------------------------------------------------
   1-  3  I3    ---     Seq       Sequential number
       4  A1    ---   n_Seq       [*] Note
   6-  7  I2    h       RAh       Hour of right ascension (J2000)
   9- 10  I2    min     RAm       Minute of right ascension (J2000)
  12- 16  F5.2  s       RAs       Second of right ascension (J2000)
      18  A1    ---     DE-       Sign of declination (J2000)
  19- 20  I2    deg     DEd       Degree of declination (J2000)
  22- 23  I2    arcmin  DEm       Arcminute of declination (J2000)
  25- 28  F4.1  arcsec  DEs       Arcsecond of declination (J2000)
      30  A1    ---   l_S20       Limit flag on S20
  32- 35  F4.2  Jy      S20       [0.5/30]?=9.99 Flux density at 20GHz,
                                   integrated
  37- 40  F4.2  Jy    e_S20       ? rms uncertainty on S20
--------------------------------------------------------------------------------
"""


@pytest.fixture
def at20g(shared_data, tmp_path):
    (tmp_path / "table2.dat").write_bytes((shared_data / "xmatch/at20g/table2.dat").read_bytes())
    (tmp_path / "ReadMe").write_text(README)
    return tmp_path / "table2.dat"


def test_a_pair_of_readme_and_rows_equals_astropys_reading(at20g):
    ours = open_table(at20g).to_table()
    theirs = astropy_ascii.read(at20g, readme=str(at20g.parent / "ReadMe"), format="cds")
    assert ours.column_names == [*theirs.colnames, "ra", "dec"]
    assert ours.num_rows == 320
    for name in theirs.colnames:
        np.testing.assert_equal(ours[name].to_pylist(), theirs[name].tolist(), name)


@pytest.mark.filterwarnings("ignore::astropy.coordinates.IllegalSecondWarning")
def test_positions_come_in_degrees(at20g):
    opened = open_table(at20g)
    assert opened.schema.field("ra").metadata[b"unit"] == b"deg"
    found = opened.to_table()
    lines = at20g.read_text().splitlines()
    sky = SkyCoord([f"{line[5:16]} {line[17:28]}" for line in lines], unit=("hourangle", "deg"))
    np.testing.assert_allclose(found["ra"].to_numpy(), sky.ra.deg, rtol=0, atol=1e-12)
    np.testing.assert_allclose(found["dec"].to_numpy(), sky.dec.deg, rtol=0, atol=1e-12)


def test_meanings_and_the_title_are_read(at20g):
    schema = open_table(at20g).schema
    assert schema.field("S20").metadata == {
        b"unit": b"Jy", b"description": b"[0.5/30] Flux density at 20GHz, integrated",
    }  # fmt: skip
    assert schema.metadata[b"description"].endswith(b"Survey: the bright source sample")


def test_south_of_the_equator_by_less_than_a_degree_keeps_its_sign(tmp_path):
    (tmp_path / "ReadMe").write_text(README)
    (tmp_path / "table2.dat").write_text(
        "  1  00 04 35.65 -00 36 19.1\n  2  00 04 35.65 +00 36 00.0\n"
    )
    found = open_table(tmp_path / "table2.dat").to_table()
    assert found["dec"].to_pylist() == pytest.approx([-(36 / 60 + 19.1 / 3600), 0.6])


def test_the_number_that_means_null_becomes_null(tmp_path):
    (tmp_path / "ReadMe").write_text(README)
    row = "  1  00 04 35.65 -47 36 19.1   {} 0.04\r\n"
    (tmp_path / "table2.dat").write_text(
        row.format("9.99") + row.format("0.87") + row.format("    ")
    )
    assert open_table(tmp_path / "table2.dat").to_table()["S20"].to_pylist() == [None, 0.87, None]


def test_a_packed_table_finds_its_readme_and_its_name(at20g):
    (at20g.parent / "table91.dat.gz").write_bytes(gzip.compress(at20g.read_bytes()))
    assert open_table(at20g.parent / "table91.dat.gz").to_table().num_rows == 320


def test_a_table_that_is_described_nowhere_is_said(at20g):
    other = at20g.rename(at20g.with_name("other.dat"))
    with pytest.raises(NotFoundError, match=r"'other\.dat' nowhere: .* table2\.dat table9\*\.dat"):
        open_table(other)
    assert open_table(other, table="table2.dat").to_table().num_rows == 320
    (at20g.parent / "ReadMe").unlink()
    with pytest.raises(NotFoundError, match="no ReadMe beside it"):
        open_table(other)


def test_a_value_that_is_no_number_is_named(at20g):
    at20g.write_text(at20g.read_text().replace("0.87 0.04", "0.x7 0.04", 1))
    with pytest.raises(IngestError, match=r"table2\.dat has '0\.x7' in column 'S20'"):
        open_table(at20g).to_table()


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("   1-  3  I3    ---", "   1-  3  Q3    ---", "the line '1-  3  Q3"),
        ("   1-  3  I3", "   9-  3  I3", "the bytes 9-3 of Seq"),
        ("-" * 80, "", "0 rules of dashes"),
    ],
)
def test_a_description_that_is_none_is_refused(at20g, old, new, message):
    (at20g.parent / "ReadMe").write_text(README.replace(old, new))
    with pytest.raises(IngestError, match=message):
        open_table(at20g)


def test_a_machine_readable_table_is_written_and_read_by_both(tmp_path):
    schema = pa.schema(
        [("n", pa.int64()), pa.field("v", pa.float64(), metadata={"unit": "mag"}),
         ("s", pa.string())],
    )  # fmt: skip
    table = pa.table([[1, None, 3], [1.25, 2.5, None], ["a", None, "cd"]], schema=schema)
    assert write_table(table.to_batches(), schema, tmp_path / "a.mrt") == 3
    opened = open_table(tmp_path / "a.mrt")
    assert opened.format == "cds"
    assert opened.to_table().to_pydict() == table.to_pydict()
    assert opened.schema.field("v").metadata[b"unit"] == b"mag"
    theirs = Table.read(tmp_path / "a.mrt", format="ascii.mrt")
    assert theirs["v"].tolist() == [1.25, 2.5, None]


def test_too_many_rows_for_memory_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("skyquarry.catalog.formats.cdswrite.MOST_ROWS", 10)
    table = pa.table({"n": list(range(11))})
    with pytest.raises(FormatError, match="more than 10 rows were given"):
        write_table(table.to_batches(), table.schema, tmp_path / "a.mrt")


@pytest.mark.parametrize(
    ("column", "back"),
    [
        (pa.array([1.5, 2.25], pa.float32()), [1.5, 2.25]),
        (pa.array([0.1, 3e38], pa.float32()), [0.1, 3e38]),
        (pa.array([1.5, None], pa.float32()), [1.5, None]),
        (pa.array([1.5, 2.0], pa.float16()), [1.5, 2.0]),
        (pa.array([1.5, None]), [1.5, None]),
        (pa.array([None, None], pa.float64()), [None, None]),
        (pa.array([None, None], pa.int32()), [None, None]),
        (pa.array([1 / 3, -5e-324]), [1 / 3, -5e-324]),
        (pa.array([1.0, -1e300]), [1.0, -1e300]),
        (pa.array([True, None]), [1, None]),
        (pa.array([2**63 - 1, -(2**63)]), [2**63 - 1, -(2**63)]),
        (pa.array(["a b", None]), ["a b", None]),
    ],
)
def test_every_value_comes_back_from_a_machine_readable_table(tmp_path, column, back):
    table = pa.table({"n": [7, 8], "x": column})
    write_table(table.to_batches(), table.schema, tmp_path / "a.mrt")
    assert open_table(tmp_path / "a.mrt").to_table()["x"].to_pylist() == back
    theirs = Table.read(tmp_path / "a.mrt", format="ascii.mrt")
    assert theirs["n"].tolist() == [7, 8]
    assert theirs["x"].tolist() == back


def test_a_machine_readable_table_without_rows(tmp_path):
    table = pa.table({"x": pa.array([], pa.float64())})
    assert write_table(table.to_batches(), table.schema, tmp_path / "a.mrt") == 0
    assert open_table(tmp_path / "a.mrt").to_table().to_pydict() == {"x": []}


@pytest.mark.parametrize(
    ("name", "column", "message"),
    [
        ("x", pa.array([1.5, np.nan]), "'x' holds nan in row 2.*finite number"),
        ("x", pa.array([np.inf, 1.5], pa.float32()), "'x' holds inf in row 1.*finite number"),
        ("x", pa.array([1, 2**63], pa.uint64()), "'x' holds 9223372036854775808 in row 2"),
        ("x", pa.array(["a", "é"]), "'x' holds 'é' in row 2.*ASCII"),
        ("x", pa.array(["a\nb", "c"]), r"'x' holds 'a\\nb' in row 1.*one line"),
        ("x", pa.array([b"a", b"b"]), "'x' is binary"),
        ("x y", pa.array([1, 2]), "'x y' has a name"),
        ("", pa.array([1, 2]), "'' has a name"),
        ("x", pa.array([1, None]), "row 2 has no value"),
        ("x", pa.array(["a", "--------"]), "row 2 .* rule"),
    ],
)
def test_what_a_machine_readable_table_cannot_hold_is_named(tmp_path, name, column, message):
    table = pa.table({name: column})
    with pytest.raises(FormatError, match=message):
        write_table(table.to_batches(), table.schema, tmp_path / "a.mrt")
    assert not (tmp_path / "a.mrt").exists()
