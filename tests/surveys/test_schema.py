"""The same schema for other systems: written, taken by those systems, and read back."""

from __future__ import annotations

import io
import sqlite3

import pyarrow as pa
import pytest
from astropy.io import fits, votable

from skyquarry.catalog.columns import describe
from skyquarry.errors import DamagedError, FormatError, UserError
from skyquarry.surveys.load import load, names, parse
from skyquarry.surveys.schema import arrow_schema, parse_schema, schema_file, schema_text

ODD = pa.schema(
    [
        describe(pa.field('a "quoted" name', pa.float64()), unit="deg", description="Has -- and |"),
        describe(pa.field("flux", pa.list_(pa.float32())), ucd="phot.flux;em.opt"),
        pa.field("plain", pa.uint8()),
        describe(pa.field("text", pa.string()), description="x" * 200),
        pa.field("yes", pa.bool_()),
    ]
)
READ_BACK = ("sql", "votable", "fits", "xml")


@pytest.mark.parametrize("system", READ_BACK)
@pytest.mark.parametrize("name", names())
def test_a_surveys_schema_comes_back_whole(name, system):
    survey = load(name)
    back = parse_schema(schema_text(survey, system), system)
    assert back.equals(arrow_schema(survey), check_metadata=True)


@pytest.mark.parametrize("system", READ_BACK)
def test_an_odd_schema_comes_back_whole(system):
    for written in (schema_text(ODD, system), schema_file(ODD, system)):
        assert parse_schema(written, system).equals(ODD, check_metadata=True)


@pytest.mark.parametrize("name", names())
def test_sqlite_takes_the_sql(name):
    survey = load(name)
    with sqlite3.connect(":memory:") as base:
        base.execute(schema_text(survey, "sql"))
        told = base.execute(f"PRAGMA table_info({survey.name})").fetchall()
    assert [row[1] for row in told] == list(survey.columns)
    assert [row[1] for row in told if row[5]] == [survey.roles.id] * (survey.roles.id is not None)


def test_duckdb_takes_the_sql():
    duckdb = pytest.importorskip("duckdb", reason="duckdb is not installed")
    with duckdb.connect() as base:
        base.execute(schema_text(ODD, "sql", name="odd"))
        told = base.execute("DESCRIBE odd").fetchall()
    assert [row[0] for row in told] == ODD.names


def test_astropy_reads_the_votable():
    text = schema_text(load("gaia"), "votable").encode()
    table = votable.parse(io.BytesIO(text)).get_first_table()
    field = {f.name: f for f in table.fields}["pmra"]
    assert (str(field.unit), field.ucd) == ("mas / yr", "pos.pm;pos.eq.ra")


def test_astropy_reads_the_fits_file():
    with fits.open(io.BytesIO(schema_file(load("2mass"), "fits"))) as file:
        table = file[1]
        assert table.name == "TWOMASS_PSC"
        assert len(table.data) == 0
        assert table.columns["err_maj"].unit == "arcsec"
        assert table.header["TUCD1"] == "meta.id;meta.main"


def test_markdown_has_a_row_for_each_column():
    lines = schema_text(ODD, "md", name="odd").splitlines()
    assert len(lines) == 4 + len(ODD)
    assert r"Has -- and \|" in lines[4]


def test_an_unknown_system_is_refused():
    with pytest.raises(FormatError, match=r"'tex'.*sql, votable, fits, xml, md"):
        schema_text(ODD, "tex")
    with pytest.raises(FormatError, match="cannot be read from 'md'"):
        parse_schema("", "md")


def test_a_column_that_no_other_system_holds_is_named():
    nested = pa.schema([pa.field("lc", pa.struct([("t", pa.list_(pa.float64()))]))])
    with pytest.raises(FormatError, match="'lc' is of type struct"):
        schema_text(nested, "sql")


def test_a_role_file_without_columns_has_no_schema():
    with pytest.raises(UserError, match="'x' describes no columns"):
        schema_text(parse({"name": "x", "title": "y", "roles": {}}), "sql")


@pytest.mark.parametrize(
    ("system", "text"),
    [
        ("sql", 'CREATE TABLE "a" (\n    DROP TABLE b\n);'),
        ("xml", '<!DOCTYPE x [<!ENTITY e "e">]><tableset/>'),
        ("xml", "<tableset"),
        ("votable", "<VOTABLE"),
    ],
)
def test_a_damaged_schema_is_refused(system, text):
    with pytest.raises(DamagedError):
        parse_schema(text, system)
