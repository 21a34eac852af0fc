"""A synthetic sky, from a region to an archive."""

from pathlib import Path

import numpy as np
import pytest

import skyquarry as sq
from skyquarry.engine.helpers import Helpers
from skyquarry.errors import ExistsError, RegionError, UserError
from skyquarry.pipeline.simulating import Run
from skyquarry.pipeline.skyasked import field as field_of
from skyquarry.pipeline.skyasked import simulation
from skyquarry.sky import healpix
from skyquarry.sky.vectors import to_xyz
from skyquarry.testing.points import FIELD, Points, simulated


def sky_area(radius_deg):
    return 2 * np.pi * np.degrees(1) ** 2 * (1 - np.cos(np.radians(radius_deg)))


def contents(archive):
    """{catalogue: its rows as text}"""
    tables = {name: archive[name].to_table() for name in archive.names()}
    return {name: sorted(map(repr, table.to_pylist())) for name, table in tables.items()}


@pytest.fixture(scope="module")
def field(tmp_path_factory):
    return simulated(tmp_path_factory.mktemp("sky"))


def test_there_is_a_truth_and_a_catalogue_for_each_survey_with_its_links(field):
    surveys = {"sdss", "twomass", "allwise", "gaia"}
    assert set(field.names()) == {"truth", *surveys, *(f"{each}_truth" for each in surveys)}
    assert len(field["sdss"].to_table()) > 200


def test_every_row_lies_in_the_region_and_the_truth_reaches_over_it(field):
    region = sq.region(FIELD)
    inside = {}
    for name, ra, dec in (("truth", "ra_deg", "dec_deg"), ("gaia", "ra", "dec")):
        table = field[name].to_table()
        inside[name] = region.contains(to_xyz(table[ra].to_numpy(), table[dec].to_numpy()))
    assert inside["gaia"].all()
    assert not inside["truth"].all()


@pytest.mark.parametrize("area", [0.05, 3.0, 25.0])
def test_blocks_hold_the_region_and_the_truth_goes_round_it(area):
    sky = simulation(field_of(area), seed=1, populations=[Points()])
    assert set(sky.blocks) <= set(sky.drawn)
    cells = np.arange(sky.drawn.min() << 8, (sky.drawn.max() + 1) << 8)
    points = to_xyz(*healpix.center(cells, 11))
    assert set(np.unique(cells[sky.region.contains(points)] >> 8)) <= set(sky.blocks)
    assert len(sky.blocks) * 0.2098 >= area


def test_links_tell_which_sources_rows_are_of(field):
    links = field["gaia_truth"].to_table()
    truth = set(field["truth"].to_table()["id"].to_pylist())
    assert set(links["truth_id"].to_pylist()) <= truth
    assert set(links["source_id"].to_pylist()) <= set(
        field["gaia"].to_table()["source_id"].to_pylist()
    )


def test_catalogues_say_that_they_are_simulated_and_how(field):
    told = field["gaia"].properties["skyquarry_simulation"]
    assert '"seed": 1' in told
    assert "Points" in told


def test_a_survey_tells_where_it_looked(tmp_path):
    sky = simulated(tmp_path / "sky", region="CIRCLE 180 30 0.6", surveys=["sdss"])
    looked = sky["sdss"].footprint()
    rows = sky["sdss"].to_table()
    assert looked.label == "survey"
    assert looked.contains(rows["ra"].to_numpy(), rows["dec"].to_numpy()).mean() > 0.999
    assert 0.9 < looked.area_deg2() / sky_area(0.6) < 1.05


def test_the_surveys_match_each_other(field):
    pairs = sq.pairs(field["sdss"], field["gaia"], radius_arcsec=1, keep="best").to_table()
    assert len(pairs) > 0.8 * len(field["gaia"].to_table())


@pytest.mark.parametrize("executor", ["inline", "processes"])
def test_the_sky_is_the_same_on_any_number_of_workers(field, tmp_path, executor):
    assert contents(simulated(tmp_path / "again", executor=executor)) == contents(field)


def test_the_sky_is_the_same_from_helpers_that_a_large_region_gets(tmp_path):
    how = {"region": "CIRCLE 180 30 1.2", "populations": [Points(each=40)], "surveys": ["gaia"]}
    one, two = (simulated(tmp_path / "one", executor="inline", **how), tmp_path / "two")
    with Helpers(2, here=True) as helpers:
        run = Run(simulation(how.pop("region"), seed=1, **how), two, helpers, None, False)
        two.mkdir()
        run.truth_and_surveys()
    assert len(run.sky.drawn) > 20
    assert contents(sq.archive(two)) == contents(one)


def test_a_part_of_the_region_has_the_same_sources_and_measurements(field, tmp_path):
    part = simulated(tmp_path / "part", region="CIRCLE 180 30 0.06")
    inside = [
        sorted(map(repr, each["gaia"].cone(180, 30, 200).to_table().to_pylist()))
        for each in (part, field)
    ]
    assert inside[0] == inside[1] != []


def test_another_seed_is_another_sky(field, tmp_path):
    other = simulated(tmp_path / "other", seed=2, surveys=["gaia"])
    mine, theirs = (each["truth"].to_table()["mag_sdss_r"].to_pylist() for each in (field, other))
    assert len(set(mine) & set(theirs)) < 0.01 * len(mine)


def test_what_is_there_from_the_same_arguments_is_kept(tmp_path):
    first = simulated(tmp_path / "sky", surveys=["gaia"])
    again = simulated(tmp_path / "sky", surveys=["gaia"])
    assert first["gaia"].version == again["gaia"].version == "v1"


def test_what_is_there_from_others_is_not_written_over_unless_asked(tmp_path):
    simulated(tmp_path / "sky", surveys=["gaia"])
    with pytest.raises(ExistsError, match="not from the same arguments"):
        simulated(tmp_path / "sky", surveys=["gaia"], seed=2)
    again = simulated(tmp_path / "sky", surveys=["gaia"], seed=2, overwrite=True)
    assert '"seed": 2' in again["gaia"].properties["skyquarry_simulation"]


def test_a_catalogue_is_refused_before_anything_is_simulated_into_it(field):
    home = Path(field["gaia"].stored.home.root)
    before = sorted(home.iterdir())
    with pytest.raises(UserError, match="is a catalogue, but an archive is a folder of catalogues"):
        sq.simulate("CIRCLE 180 30 0.01", home, seed=1)
    assert sorted(home.iterdir()) == before


def test_no_source_is_made_below_the_depth(tmp_path):
    sky = simulated(tmp_path / "sky", surveys=["sdss"], depth=18.0)
    assert sky["truth"].to_table()["mag_sdss_r"].to_numpy().max() < 18


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ({"surveys": ["sds"]}, "sds"),
        ({"surveys": []}, "surveys is empty"),
        ({"seed": -1}, "seed is -1"),
        ({"region": "RANGE 0 360 -90 90"}, "square degrees"),
    ],
)
def test_arguments_that_make_no_sky_are_refused(tmp_path, how, message):
    with pytest.raises(UserError, match=message):
        simulated(tmp_path / "sky", **how)
    assert not (tmp_path / "sky").exists()


def test_a_region_that_is_none_is_refused(tmp_path):
    with pytest.raises(RegionError):
        simulated(tmp_path / "sky", region="CIRCLE 180")
