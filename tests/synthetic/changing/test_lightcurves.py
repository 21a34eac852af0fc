"""Light curves of a block: rows, errors, limits, and that they depend on nothing but the sky."""

import numpy as np
import pytest

from skyquarry.sky import healpix
from skyquarry.synthetic.blocks import Block, limits_of, truth_of
from skyquarry.synthetic.changing.cadence import field_of, visits
from skyquarry.synthetic.changing.changes import Type
from skyquarry.synthetic.changing.lightcurves import NAMES, found, light_curves
from skyquarry.synthetic.changing.populations import MODELS, POPULATIONS, RR_LYRAE
from skyquarry.synthetic.changing.rrlyrae import RRLyrae
from skyquarry.synthetic.observe.surveys import sdss
from skyquarry.synthetic.populations import usual
from skyquarry.synthetic.sources import Kind, Sources

PIXEL = int(healpix.index(np.array([150.0]), np.array([20.0]), 7)[0])


@pytest.fixture(scope="module")
def truth():
    block = Block(PIXEL, 1, limits_of(sdss.INSTRUMENT.faintest))
    many = tuple(each for each in usual() if each.number != RR_LYRAE.number)
    return truth_of(block, (*many, RRLyrae(local_pc3=3e-6)))


@pytest.fixture(scope="module")
def made(truth):
    return light_curves(PIXEL, *truth, 1)


def test_each_bright_variable_has_a_row_a_visit(made):
    variables, curves = (each.to_pandas() for each in made)
    seen = visits(field_of(PIXEL, 7), 1)
    rows = curves.groupby("id").size()
    assert (rows == len(seen)).all()
    assert dict(rows) == dict(variables[variables.visits > 0].set_index("id").visits)
    np.testing.assert_array_equal(np.unique(curves.mjd), np.unique(seen.mjd))


def test_there_is_every_common_type_and_something_to_tell_it_from(made):
    types = set(made[0]["type"].to_pylist())
    assert {"RRab", "RRc", "EA", "UV", "QSO", "constant"} <= types <= set(NAMES.values())


def test_errors_are_what_they_say(made):
    variables, curves = (each.to_pandas() for each in made)
    constant = variables[variables.type == "constant"].id
    rows = curves[curves.id.isin(constant)]
    pull = rows.diff_flux_ujy / rows.diff_flux_error_ujy
    assert abs(pull.mean()) < 0.05
    assert pull.std() == pytest.approx(1.0, abs=0.03)
    faint = rows[rows.mag > 20.3]
    deep = 10 ** (-0.4 * (faint.limit_mag - 23.9))
    np.testing.assert_allclose(faint.diff_flux_error_ujy, deep / 5, rtol=0.2)


def test_magnitudes_are_null_under_three_sigma_and_right_above(made, truth):
    variables, curves = (each.to_pandas() for each in made)
    sources, ids = truth
    told = curves[curves.mag.notna()]
    assert (told.mag_error < 1.0857 / 2.99).all()
    constant = variables[variables.type == "constant"].id
    bright = constant[constant.isin(ids[sources.mags[:, 6] < 20.0])].iloc[0]
    mine = curves[(curves.id == bright) & (curves.fid == 2)]
    place = np.flatnonzero(ids == bright)[0]
    assert mine.mag.median() == pytest.approx(sources.mags[place, 6], abs=0.05)


def test_rr_lyrae_are_detected_and_constant_stars_are_not(made):
    variables = made[0].to_pandas()
    some = variables[(variables.type == "RRab") & (variables.visits > 0)]
    assert (some.detections > 0.1 * some.visits).mean() > 0.9
    still = variables[variables.type == "constant"]
    assert (still.detections <= 2).all()


def test_light_curves_depend_on_the_source_alone(made, truth):
    sources, ids = truth
    some = np.flatnonzero(np.isin(ids, made[0]["id"].to_numpy()))[::3]
    mixed = np.random.default_rng(1).permutation(some)
    part = light_curves(PIXEL, sources.taken(mixed), ids[mixed], 1)
    names = ["id", "mjd", "fid"]
    whole = made[1].to_pandas().set_index(names)
    again = part[1].to_pandas().set_index(names)
    both = whole.loc[again.index]
    assert len(again) > 1000
    np.testing.assert_array_equal(both.diff_flux_ujy, again.diff_flux_ujy)
    np.testing.assert_array_equal(both.mag_error, again.mag_error)


def test_another_seed_makes_other_curves(made, truth):
    other = light_curves(PIXEL, *truth, 2)
    mine, theirs = (set(each[0]["id"].to_pylist()) for each in (made, other))
    assert mine != theirs


def test_no_source_changes_in_two_ways(truth):
    some = found(*truth, 1)
    assert len(np.unique(some.place)) == len(some.place)
    assert (np.diff(truth[1][some.place]) > 0).all()


def test_every_type_has_a_model_and_every_population_a_number_of_its_own():
    made = {each for model in MODELS for each in model.types}
    assert made == set(Type) - {Type.CONSTANT}
    numbers = [each.number for each in (*usual(), *POPULATIONS)]
    assert len(set(numbers)) == len(set(usual()))
    assert all(1 <= each < 63 for each in numbers)


def test_where_ztf_does_not_look_there_are_variables_without_curves():
    south = int(healpix.index(np.array([30.0]), np.array([-70.0]), 7)[0])
    ra, dec = healpix.center(np.array([south]), 7)
    stars = Sources.of(3, ra_deg=ra[0], dec_deg=dec[0], mags=15.0, kind=Kind.QUASAR, redshift=1.0)
    variables, curves = light_curves(south, stars, np.arange(3), 1)
    assert variables["visits"].to_pylist() == [0, 0, 0]
    assert len(curves) == 0


def test_an_empty_block_has_empty_tables_of_the_same_columns(made):
    nothing = light_curves(PIXEL, Sources.of(0), np.empty(0, np.int64), 1)
    assert [len(each) for each in nothing] == [0, 0]
    assert [each.schema for each in nothing] == [each.schema for each in made]
