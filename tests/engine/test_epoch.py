from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skyquarry.catalog.roles import Epoch, Motion, Roles
from skyquarry.engine.catalog import open_catalog
from skyquarry.errors import ColumnError, PositionError, UserError
from skyquarry.sky.motion import propagate
from skyquarry.sky.regions import Cone
from skyquarry.sky.vectors import to_xyz
from skyquarry.testing.handmade import write_catalog
from skyquarry.testing.trees import Layout, write_tree


def moved(sky, years):
    pmra, pmdec = (np.nan_to_num(sky[name].to_numpy()) for name in ("pmra", "pmdec"))
    pmdec = np.where(np.isnan(sky["pmra"].to_numpy()), 0.0, pmdec)
    return propagate(sky["ra"].to_numpy(), sky["dec"].to_numpy(), pmra, pmdec, years)


@settings(max_examples=30)
@given(st.integers(0, 19_999), st.floats(-3000, 3000), st.floats(1, 20_000))
def test_no_star_is_missed_and_none_is_wrong(sky, sky_path, row, years, radius):
    ra, dec = moved(sky, years)
    expected = Cone(ra[row], dec[row], radius).contains(to_xyz(ra, dec))
    cat = open_catalog(sky_path).cone(ra[row], dec[row], radius, epoch=2016.0 + years)
    table = cat.to_table()
    assert sorted(table["id"].to_pylist()) == sorted(sky["id"].to_numpy()[expected].tolist())
    assert len(cat) == expected.sum()


def test_positions_stay_as_stored_and_those_at_the_epoch_are_added(cat, sky):
    found = cat.cone(12, 2, 7200, epoch=2116.0)
    assert found.columns[-2:] == ["ra_at_epoch", "dec_at_epoch"]
    table = found.to_table()
    assert table.schema.equals(found.schema, check_metadata=True)
    rows = {n: i for i, n in enumerate(sky["id"].to_pylist())}
    at = [rows[n] for n in table["id"].to_pylist()]
    assert table["ra"].to_numpy().tolist() == sky["ra"].to_numpy()[at].tolist()
    ra, dec = moved(sky, 100.0)
    assert table["ra_at_epoch"].to_numpy() == pytest.approx(ra[at], abs=1e-12)
    assert table["dec_at_epoch"].to_numpy() == pytest.approx(dec[at], abs=1e-12)
    narrow = found.select(["id"]).to_table()
    assert narrow.column_names == ["id", "ra_at_epoch", "dec_at_epoch"]


def test_the_search_is_widened_tile_by_tile(cat):
    scan = cat.cone(12, 2, 60, epoch=2116.0).plan().root
    assert len(set(scan.reach.tolist())) > 10
    assert len(scan) < len(cat.source.tiles)
    assert "arcsec wider, as stars there can move" in cat.cone(12, 2, 60, epoch=2116).explain()


def test_each_row_has_its_own_epoch_where_the_catalogue_says_so(tmp_path):
    table = pa.table(
        {
            "id": [1, 2, 3],
            "ra": [10.0, 10.0, 10.0],
            "dec": [0.0, 0.0, 0.0],
            "pmra": [3_600_000.0, 3_600_000.0, 3_600_000.0],
            "pmdec": [0.0, 0.0, 0.0],
            "mjd": [51544.5, 51544.5 + 365.25, None],
        }
    )
    roles = Roles(
        ra="ra",
        dec="dec",
        id="id",
        epoch=Epoch(column="mjd", format="mjd", jyear=2003.0),
        motion=Motion("pmra", "pmdec"),
    )
    layout = Layout(properties=roles.to_properties())
    theirs = open_catalog(write_tree(tmp_path / "theirs", table, layout))
    for star, ra in ((1, 12.0), (2, 11.0), (3, 9.0)):  # a degree a year, from its own epoch
        found = theirs.cone(ra, 0.0, 60, epoch=2002.0).to_table()
        assert found["id"].to_pylist() == [star]


def test_a_motion_without_cos_dec_is_understood(tmp_path):
    table = pa.table(
        {"id": [1], "ra": [10.0], "dec": [60.0], "pmra": [3_600.0], "pmdec": [0.0], "z": [0.0]}
    )
    roles = Roles(
        ra="ra",
        dec="dec",
        id="id",
        epoch=Epoch(jyear=2000.0),
        motion=Motion("pmra", "pmdec", unit="arcsec/yr", cos_dec=False),
    )
    write_catalog(tmp_path / "c", table, properties=roles.to_properties())
    found = open_catalog(tmp_path / "c").cone(11, 60, 60, epoch=2001).to_table()
    assert found["ra_at_epoch"].to_pylist() == pytest.approx([11.0], abs=1e-3)


def test_without_proper_motions_nothing_can_be_moved(tmp_path):
    table = pa.table({"id": [1], "ra": [10.0], "dec": [60.0]})
    still = open_catalog(write_tree(tmp_path / "t", table))
    with pytest.raises(ColumnError, match="t says of no column that it is a proper"):
        still.cone(10, 60, 10, epoch=2000)


@pytest.mark.parametrize("epoch", ["J2000", float("nan"), 1e9])
def test_an_epoch_is_a_julian_year(cat, epoch):
    with pytest.raises(PositionError, match="a Julian year is needed"):
        cat.cone(12, 2, 60, epoch=epoch)


def test_two_epochs_do_not_mix(cat):
    with pytest.raises(UserError, match="asked for already"):
        cat.cone(12, 2, 60, epoch=2000).cone(12, 2, 60, epoch=2010)
