from __future__ import annotations

import io

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from skyquarry.catalog import columns
from skyquarry.catalog.columns import (
    describe,
    from_voparquet,
    leaf_columns,
    meaning,
    resolve,
    votable_header,
    with_voparquet,
)
from skyquarry.errors import ColumnError, DamagedError

SCHEMA = pa.schema(
    [
        describe(pa.field("ra", pa.float64()), unit="deg"),
        describe(
            pa.field("Gmag", pa.float32()), unit="mag", ucd="phot.mag;em.opt", description="<G> & α"
        ),
        pa.field("objID", pa.uint64()),
        pa.field("name", pa.string()),
        pa.field("cov", pa.list_(pa.float32(), 6)),
        pa.field("when", pa.timestamp("us")),
        pa.field("lc", pa.struct([("t", pa.list_(pa.float64())), ("band", pa.list_(pa.string()))])),
    ]
)


def test_a_name_is_found_without_case():
    assert resolve(SCHEMA, "RA") == "ra"
    assert resolve(SCHEMA, "OBJID") == "objID"
    assert resolve(SCHEMA, '"Gmag"') == "Gmag"


def test_a_quoted_name_keeps_its_case():
    with pytest.raises(ColumnError, match=r"'gmag' spelled exactly so .*did you mean Gmag"):
        resolve(SCHEMA, '"gmag"')


def test_an_ambiguous_name_names_both():
    schema = pa.schema([("g", pa.float32()), ("G", pa.float32())])
    with pytest.raises(ColumnError, match="g or G"):
        resolve(schema, "g")
    assert resolve(schema, '"G"') == "G"


def test_a_miss_offers_the_nearest_names():
    with pytest.raises(ColumnError, match="no column 'gmga' among 7: did you mean Gmag"):
        resolve(SCHEMA, "gmga")
    with pytest.raises(ColumnError, match="choose from ra, Gmag"):
        resolve(SCHEMA, "zzzzzz")


def test_a_name_that_stands_twice_is_refused():
    with pytest.raises(ColumnError, match="stands 2 times"):
        resolve(pa.schema([("a", pa.int8()), ("a", pa.int8())]), "a")


def test_describing_adds_and_removes():
    field = describe(describe(pa.field("x", pa.int8()), unit="deg"), ucd="pos")
    assert meaning(field) == {"unit": "deg", "ucd": "pos"}
    assert meaning(describe(field, unit="")) == {"ucd": "pos"}


def test_meanings_come_back_from_the_header_alone():
    bare = pa.schema([pa.field(f.name, f.type) for f in SCHEMA])
    told = from_voparquet(bare.with_metadata(with_voparquet(SCHEMA, "t").metadata))
    assert [meaning(f) for f in told] == [meaning(f) for f in SCHEMA]


def test_the_header_is_a_valid_votable():
    from astropy.io.votable import parse

    table = parse(io.BytesIO(votable_header(SCHEMA, "demo")), verify="exception").get_first_table()
    kinds = {f.name: (f.datatype, f.arraysize) for f in table.iter_fields_and_params()}
    assert kinds["ra"] == ("double", None)
    assert kinds["Gmag"] == ("float", None)
    assert kinds["objID"] == ("long", None)
    assert kinds["name"] == ("unicodeChar", "*")
    assert kinds["cov"] == ("float", "6")
    assert kinds["lc.t"] == ("double", "*")
    assert str(table.get_field_by_id_or_name("ra").unit) == "deg"
    group = next(g for g in table.groups if g.name == "lc")
    assert [ref.ref for ref in group.entries if type(ref).__name__ == "FieldRef"] == [
        "lc.t",
        "lc.band",
    ]


def test_entities_in_a_header_are_refused():
    bomb = b'<!DOCTYPE x [<!ENTITY a "b">]><VOTABLE/>'
    with pytest.raises(DamagedError, match="document type"):
        columns.parse_votable_header(bomb, "dataset/_common_metadata")
    with pytest.raises(DamagedError, match="f: the VOTable header is not XML"):
        columns.parse_votable_header(b"<VOTABLE", "f")


def test_leaf_paths_are_those_of_parquet():
    sink = io.BytesIO()
    pq.write_table(SCHEMA.empty_table(), sink)
    written = pq.ParquetFile(sink).schema
    paths = [written.column(i).path for i in range(len(written))]
    assert [path for path, _ in leaf_columns(SCHEMA)] == paths
