"""A margin opened by itself: its rows lie outside the tiles that hold them."""

from __future__ import annotations

import numpy as np
import pytest

from skyquarry.engine.catalog import open_catalog
from skyquarry.sky.regions import Cone, Zone
from skyquarry.sky.vectors import to_xyz
from skyquarry.testing.handmade import write_catalog


@pytest.fixture(scope="module")
def margin(sky, sky_path, tmp_path_factory):
    path = tmp_path_factory.mktemp("margins") / "sky"
    properties = {**open_catalog(sky_path).roles.to_properties(), "skyquarry_nan": "null"}
    write_catalog(path, sky, max_rows=1000, margin_arcsec=600, properties=properties)
    return open_catalog(path / "v1" / "sky_600arcs")


def ids_in(table, region):
    xyz = to_xyz(table["ra"].to_numpy(), table["dec"].to_numpy())
    return sorted(table["id"].to_numpy()[region.contains(xyz)].tolist())


@pytest.mark.parametrize(
    "region", [Zone(-90, 0), Zone(1, 3), Cone(12, 2, 3_000), Cone(12, 2, 30_000)]
)
def test_a_region_of_a_margin_gives_what_brute_force_gives(margin, region):
    found = margin.region(region)
    expected = ids_in(margin.to_table(), region)
    assert len(expected) > 10
    assert sorted(found.to_table()["id"].to_pylist()) == expected
    assert len(found) == len(expected)
    assert len(found.explain()) > 0


def test_a_cone_on_each_row_of_a_margin_finds_it(margin):
    rows = margin.to_table().slice(0, 20).to_pylist()
    for row in rows:
        found = margin.cone(row["ra"], row["dec"], 1).to_table()["id"].to_pylist()
        assert row["id"] in found


def test_a_sample_of_a_margin_is_that_of_its_rows(margin):
    whole = margin.select(["id", "_healpix_29"]).to_table()
    sampled = margin.sample(0.3)
    mask = sampled.cut.samples[0].of_pixels(whole["_healpix_29"].to_numpy())
    expected = sorted(whole["id"].to_numpy()[mask].tolist())
    assert sorted(sampled.to_table()["id"].to_pylist()) == expected
    assert 0 < len(expected) < len(whole)


def test_a_moved_cone_searches_the_whole_margin(margin):
    region = Cone(12, 2, 7_200)
    table = margin.cone(12, 2, 14_400, epoch=2000).to_table()
    xyz = to_xyz(table["ra_at_epoch"].to_numpy(), table["dec_at_epoch"].to_numpy())
    found = margin.cone(12, 2, 7_200, epoch=2000).to_table()
    assert sorted(found["id"].to_pylist()) == sorted(
        table["id"].to_numpy()[region.contains(xyz)].tolist()
    )
    whole = ids_in(margin.to_table(), Cone(12, 2, 6_000))
    assert whole
    assert not set(whole) - set(found["id"].to_pylist())


def test_the_first_rows_of_a_margin_are_there(margin):
    assert [len(margin.head(n).to_table()) for n in (1, 100, 1_000)] == [1, 100, 1_000]


def test_a_moved_cone_within_a_region_gives_rows_of_both(cat):
    moved = cat.cone(12, 2, 7_200, epoch=2000)
    both = moved.region(Zone(2, 90)).to_table()
    table = moved.to_table()
    expected = np.flatnonzero(table["dec"].to_numpy() >= 2.0)
    assert 0 < len(expected) < len(table)
    assert both.equals(table.take(expected))
