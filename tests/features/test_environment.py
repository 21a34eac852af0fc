import numpy as np
import pyarrow as pa
import pytest

from skyquarry.errors import ColumnError, UserError
from skyquarry.features.environment import (
    Galaxies,
    environment_of,
    nearest_galaxy,
    red_neighbours,
)
from skyquarry.features.making import features_of
from skyquarry.sky.vectors import separation_arcsec, to_xyz

ARCSEC = 1 / 3600


def test_the_neighbours_of_one_galaxy_by_hand():
    # about the first: 30", 90", 150" of its colour; 20" of another; 40" too faint; 300" in the ring
    east = np.array([0, 30, 90, 150, 20, 40, 300]) * ARCSEC
    galaxies = Galaxies(
        10 + east, np.zeros(7),
        np.array([16.0, 17.0, 17.5, 18.0, 17.0, 18.1, 17.0]),
        np.array([1.0, 1.05, 0.95, 1.0, 1.2, 1.0, 1.0]),
    )  # fmt: skip
    told = red_neighbours(galaxies)
    area = 420**2 - 180**2
    assert told["red_1"][0] == pytest.approx(1 - 60**2 / area)
    assert told["red_3"][0] == pytest.approx(3 - 180**2 / area)
    assert told["sigma_5"][0] == 0.0


def test_the_fifth_neighbour_gives_the_density():
    east = np.array([0, 10, 20, 30, 40, 50]) * ARCSEC
    galaxies = Galaxies(10 + east, np.zeros(6), np.full(6, 17.0), np.ones(6))
    # 5 in a circle of 50 / 60 arcmin
    assert red_neighbours(galaxies)["sigma_5"][0] == pytest.approx(5 / (np.pi * (50 / 60) ** 2))


def _strewn(n=300, seed=3):
    random = np.random.default_rng(seed)
    ra, dec = random.uniform(-0.1, 0.1, n) % 360, 60 + random.uniform(-0.1, 0.1, n)
    return Galaxies(ra, dec, random.uniform(16, 20, n), random.normal(1.0, 0.1, n))


def test_strewn_galaxies_agree_with_loops_over_all_pairs_across_0h():
    galaxies = _strewn()
    xyz = to_xyz(galaxies.ra_deg, galaxies.dec_deg)
    told = red_neighbours(galaxies)
    for i in range(0, 300, 7):
        sep = separation_arcsec(np.broadcast_to(xyz[i], xyz.shape), xyz)
        like = abs(galaxies.colour - galaxies.colour[i]) <= 0.1
        like &= galaxies.mag <= galaxies.mag[i] + 2.0
        like[i] = False
        ring = (like & (sep > 180) & (sep <= 420)).sum() / (420**2 - 180**2)
        assert told["red_1"][i] == pytest.approx((like & (sep <= 60)).sum() - ring * 60**2)
        assert told["red_3"][i] == pytest.approx((like & (sep <= 180)).sum() - ring * 180**2)
        fifth = np.sort(sep[like & (sep <= 420)])[4:5]
        expected = 5 / (np.pi * (fifth[0] / 60) ** 2) if len(fifth) else 0.0
        assert told["sigma_5"][i] == pytest.approx(expected)


def test_the_order_of_rows_and_the_size_of_parts_change_nothing(monkeypatch):
    galaxies = _strewn(1500)
    told = red_neighbours(galaxies)
    shuffled = np.random.default_rng(1).permutation(1500)
    some = Galaxies(*(getattr(galaxies, name)[shuffled] for name in Galaxies.__annotations__))
    monkeypatch.setattr("skyquarry.features.environment._PAIRS", 1)
    for name, values in red_neighbours(some).items():
        assert np.array_equal(values, told[name][shuffled]), name


def test_the_host_is_the_galaxy_nearest_in_its_own_size():
    # 12" from a galaxy of 1", 30" from one of 10": 12 against 3
    hosts = Galaxies(*(np.array([10 + 12 * ARCSEC, 10 - 30 * ARCSEC]), *[np.zeros(2)] * 3))
    near, which = nearest_galaxy([10.0, 11.0], [0.0, 0.0], hosts, [1.0, 10.0])
    assert near[0] == pytest.approx(3.0, rel=1e-6)
    assert np.isnan(near[1])
    assert which.tolist() == [1, -1]


def _table():
    galaxies = _strewn(200)
    return pa.table({
        "ra": galaxies.ra_deg, "dec": galaxies.dec_deg,
        "psfMag_r": galaxies.mag + np.arange(200) % 2 * 0.5, "modelMag_r": galaxies.mag,
        "psfMag_g": galaxies.mag + galaxies.colour, "modelMag_g": galaxies.mag + galaxies.colour,
        "petroR50_r": np.full(200, 2.0),
    })  # fmt: skip


def test_surroundings_become_features_of_a_table():
    table = _table()
    told = environment_of(table)
    assert told.column_names == [
        "near_g-r_red_1", "near_g-r_red_3", "near_g-r_sigma_5", "near_host_dlr",
    ]  # fmt: skip
    # every second row is a point: it has no red neighbours, but may have a host
    assert told["near_g-r_red_3"].null_count == 100
    wide = table
    for name in told.column_names:
        wide = wide.append_column(name, told[name])
    made = features_of(wide, "sdss")
    assert set(told.column_names) <= set(made.names)
    assert next(each for each in made.used if each.name == "near_g-r_red_3").formula


def test_the_galaxies_of_a_table_are_those_whose_light_is_spread():
    table, strewn = _table(), _strewn(200)
    galaxy = np.arange(200) % 2 == 1  # PSF - model is 0.5 there, 0 elsewhere
    some = Galaxies(*(getattr(strewn, name)[galaxy] for name in Galaxies.__annotations__))
    expected = red_neighbours(some)
    told = environment_of(table)
    assert environment_of(table, galaxy=galaxy).equals(told)
    for name in ("red_1", "red_3", "sigma_5"):
        column = told[f"near_g-r_{name}"].to_numpy()
        assert np.isnan(column).tolist() == (~galaxy).tolist()
        assert column[galaxy] == pytest.approx(expected[name], abs=1e-9)


def test_what_surroundings_need_is_named():
    table = _table()
    with pytest.raises(ColumnError, match="has no PSF and model magnitudes in 'r'"):
        environment_of(table.drop_columns(["psfMag_r"]))
    with pytest.raises(ColumnError, match="has no positions in the table"):
        environment_of(table.drop_columns(["ra"]))
    with pytest.raises(UserError, match="names 2 surveys"):
        environment_of({"ra": [1.0], "dec": [1.0], "j_m": [1.0]}, ["sdss", "twomass"])
