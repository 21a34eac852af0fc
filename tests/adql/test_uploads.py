"""Tables of pandas, pyarrow and astropy, dicts and files join in as uploads, NaN as NULL."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from astropy import units as u
from astropy.table import MaskedColumn, Table

from skyquarry.adql.asking import query
from skyquarry.errors import QueryError

IDS, WEIGHTS = [3, 1, 2, 12_001], [0.5, float("nan"), 2.0, 1.0]


def _pandas(tmp_path):
    pandas = pytest.importorskip("pandas")
    return pandas.DataFrame({"id": IDS, "weight": WEIGHTS}, index=[7, 8, 9, 10])


def _astropy(tmp_path):
    masked = MaskedColumn([0.5, 99.0, 2.0, 1.0], mask=[False, True, False, False], unit=u.arcmin)
    return Table({"id": IDS, "weight": masked})


def _file(tmp_path):
    pq.write_table(pa.table({"id": IDS, "weight": WEIGHTS}), tmp_path / "mine.parquet")
    return tmp_path / "mine.parquet"


MADE = {
    "pandas": _pandas,
    "astropy": _astropy,
    "pyarrow": lambda _: pa.table({"id": IDS, "weight": WEIGHTS}),
    "batch": lambda _: pa.record_batch({"id": IDS, "weight": WEIGHTS}),
    "dict": lambda _: {"id": IDS, "weight": WEIGHTS},
    "file": _file,
}


@pytest.mark.parametrize("kind", MADE)
def test_a_table_of_each_kind_joins_in(archive, columns, tmp_path, kind):
    found = query(
        "SELECT s.id, s.ra, weight FROM sky s JOIN TAP_UPLOAD.mine m ON s.id = m.id ORDER BY s.id",
        uploads={"mine": MADE[kind](tmp_path)},
        archive=archive,
    ).to_table()
    place = dict(zip(columns["id"].tolist(), columns["ra"].tolist(), strict=True))
    assert found.to_pylist() == [
        {"id": 1, "ra": place[1], "weight": None},
        {"id": 2, "ra": place[2], "weight": 2.0},
        {"id": 3, "ra": place[3], "weight": 0.5},
    ]


def test_units_of_astropy_are_known(tmp_path):
    found = query(
        "SELECT IN_UNIT(weight, 'arcsec') AS w FROM mine WHERE id = 3",
        uploads={"mine": _astropy(tmp_path)},
    ).to_table()
    assert found["w"].to_pylist() == [30.0]


def test_a_column_of_two_dimensions_is_an_array(tmp_path):
    profile = np.arange(2 * 5 * 15, dtype=float).reshape(2, 5, 15)
    given = Table({"id": [1, 2], "profile": profile})
    found = query(
        "SELECT array_item(profile, 2, 3) AS one, array_length(array_row(profile, 5)) AS n FROM t",
        uploads={"t": given},
    ).to_table()
    assert found["one"].to_pylist() == [profile[0, 1, 2], profile[1, 1, 2]]
    assert found["n"].to_pylist() == [15, 15]


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"a": [1, 2], "b": [1]}, r"'mine' is no table .* expected length 2"),
        ({"a": [1, "x"]}, "'mine' is no table"),
        (3, r"'mine' is 3 .int., but a table is needed"),
    ],
)
def test_what_is_no_table_is_told_by_its_name(given, told):
    with pytest.raises(QueryError, match=told):
        query("SELECT a FROM mine", uploads={"mine": given})


def test_a_table_without_a_column_is_refused():
    with pytest.raises(QueryError, match="upload 'mine' has no column"):
        query("SELECT COUNT(*) AS n FROM mine", {}, {"mine": {}})


@pytest.mark.parametrize(
    "name",
    [
        "gaiadr3.gaia_source", "GaiaDR3.Gaia_Source", '"gaiadr3".gaia_source',
        '"gaiadr3.gaia_source"', "gaiadr3.gaia_source AS gaia_source",
    ],
)  # fmt: skip
def test_a_table_may_have_a_name_as_services_write_it(name):
    """Gaia's own queries run word for word; the error said: did you mean what you wrote?"""
    tables = {"gaiadr3.gaia_source": {"ra": [1.0, 2.0]}}
    plan = query(f"SELECT ra FROM {name} WHERE ra > 1", {}, tables)
    assert plan.to_table()["ra"].to_pylist() == [2.0]
    if not name.startswith('"gaiadr3.'):
        told = query(f"SELECT gaia_source.ra FROM {name}", {}, tables)
        assert told.to_table()["ra"].to_pylist() == [1.0, 2.0]


def test_a_table_among_the_catalogues_is_told_where_it_goes():
    with pytest.raises(QueryError, match=r"'mine' is a Table, .* by uploads="):
        query("SELECT a FROM mine", catalogs={"mine": pa.table({"a": [1]})})


def test_numbers_of_sixteen_bits_are_numbers():
    given = pa.table({"a": np.array([1.5, np.nan], np.float16)})
    found = query("SELECT 2 * a AS b FROM mine", uploads={"mine": given}).to_table()
    assert found["b"].to_pylist() == [3.0, None]
