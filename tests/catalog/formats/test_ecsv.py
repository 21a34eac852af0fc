"""ECSV: types as the header says, masks, arrays; damage named."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from astropy.table import Table

from skyquarry.catalog.formats import open_table, write_table
from skyquarry.errors import FormatError, IngestError

HEAD = """# %ECSV 1.0
# ---
# datatype:
# - {name: id, datatype: int64, meta: !!omap [{ucd: meta.id}]}
# - {name: pm, unit: mas / yr, datatype: float64, description: motion}
# - {name: s, datatype: string}
# schema: astropy-2.0
id pm s
"""


def put(folder, text):
    (folder / "a.ecsv").write_text(text)
    return folder / "a.ecsv"


def test_a_real_file_equals_astropys_reading(shared_data):
    path = shared_data / "xmatch/ngc188/2MASS_results.ecsv"
    opened, theirs = open_table(path), Table.read(path)
    ours = opened.to_table()
    assert ours.column_names == theirs.colnames
    for name in theirs.colnames:
        np.testing.assert_equal(ours[name].to_pylist(), theirs[name].tolist(), name)
        assert (
            ours[name].type == pa.from_numpy_dtype(theirs[name].dtype)
            or ours[name].type == "string"
        )
    assert opened.schema.field("Jmag").metadata[b"unit"] == b"mag"
    assert opened.schema.field("RAJ2000").metadata[b"ucd"] == b"POS_EQ_RA_MAIN"


def test_types_units_and_nulls_are_as_the_header_says(tmp_path):
    opened = open_table(put(tmp_path, HEAD + '1 2.5 "a b"\n2 "" ""\n"" nan null\n4 null 007\n'))
    found = opened.to_table().to_pydict()
    assert found["id"] == [1, 2, None, 4]
    np.testing.assert_equal(found["pm"], [2.5, None, np.nan, None])
    assert found["s"] == ["a b", None, "null", "007"]
    assert opened.schema.field("pm").metadata == {
        b"unit": b"mas.yr**-1",
        b"description": b"motion",
    }
    assert opened.schema.field("id").metadata == {b"ucd": b"meta.id"}


def test_masked_and_multidimensional_columns_of_astropy_are_read(tmp_path):
    table = Table(
        {
            "n": np.ma.array([1, 2], mask=[False, True]),
            "v": np.arange(12.0).reshape(2, 2, 3),
            "any": np.array([np.array([1, 2]), np.array([3])], dtype=object),
        }
    )
    table.write(tmp_path / "a.ecsv")
    found = open_table(tmp_path / "a.ecsv").to_table().to_pydict()
    assert found == {
        "n": [1, None],
        "v": [list(range(6)), list(range(6, 12))],
        "any": [[1, 2], [3]],
    }


def test_a_wrong_value_is_named_with_its_row(tmp_path):
    with pytest.raises(IngestError, match=r"a\.ecsv has 'x' in column 'id' at data row 2"):
        open_table(put(tmp_path, HEAD + "1 2 a\nx 2 a\n")).to_table()


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("id pm s\n", "id pm t\n", "the line of names 'id pm t'"),
        ("# datatype:", "# datatypes:", "no list of columns under datatype"),
        ("{name: id,", "{name: id: x,", r"a\.ecsv has a header that is no ECSV"),
        ("# schema", "# <<: [*a, *a]\n# schema", "merges maps by <<"),
    ],
)
def test_a_damaged_header_is_refused(tmp_path, old, new, message):
    with pytest.raises(IngestError, match=message):
        open_table(put(tmp_path, (HEAD + "1 2 a\n").replace(old, new)))


def test_no_tag_of_the_header_makes_an_object(tmp_path):
    evil = (
        "# meta: !!python/object/apply:os.system ['touch " + str(tmp_path / "evil") + "']\n# schema"
    )
    open_table(put(tmp_path, (HEAD + "1 2 a\n").replace("# schema", evil)))
    assert not (tmp_path / "evil").exists()


@pytest.mark.parametrize("kind", ["complex128", "float128"])
def test_a_type_that_would_lose_something_is_refused(tmp_path, kind):
    with pytest.raises(FormatError, match="'id'"):
        open_table(put(tmp_path, HEAD.replace("int64", kind) + "1 2 a\n"))


def test_what_is_written_says_units_and_nulls_to_astropy(tmp_path):
    schema = pa.schema(
        [pa.field("v", pa.float64(), metadata={"unit": "km.s**-1", "ucd": "phys.veloc"}),
         ("m", pa.list_(pa.float64(), 2)), ("b", pa.bool_())],
        metadata={"description": "it's: a \"table\"", "frame": "icrs"},
    )  # fmt: skip
    table = pa.table([[1.5, None], [[1, 2], [3, 4]], [True, False]], schema=schema)
    write_table(table.to_batches(), schema, tmp_path / "a.ecsv")
    theirs = Table.read(tmp_path / "a.ecsv")
    assert theirs["v"].unit == "km/s"
    assert theirs["v"].tolist() == [1.5, None]
    assert theirs["m"].tolist() == [[1, 2], [3, 4]]
    assert theirs["b"].tolist() == [True, False]
    assert theirs.meta["description"] == 'it\'s: a "table"'
    assert open_table(tmp_path / "a.ecsv").schema.metadata == schema.metadata
