import numpy as np
import pyarrow as pa
import pytest

from skyquarry.errors import UserError
from skyquarry.features.observed import seen
from skyquarry.features.reading import Columns
from skyquarry.features.states import State, asinh_magnitude
from skyquarry.surveys.load import load, parse


def _light(table, survey, band):
    [one] = seen(Columns(table), survey, {})
    return one.light(one.bands[band])


def test_an_asinh_magnitude_by_hand():
    # f/f0 = 2 b, so that arcsinh(1) = 0.881374: m = -1.085736 (0.881374 + ln 1.4e-10)
    told = asinh_magnitude(np.array([2.8e-10, 0.0, -2.8e-10]), 1.0, 1.4e-10)
    assert told == pytest.approx([23.6777, 24.6347, 25.5916], abs=1e-4)


def test_bright_asinh_magnitudes_are_pogsons():
    told = asinh_magnitude(np.array([1e9 * 10**-6.0]), 1e9, 1.4e-10)
    assert told == pytest.approx([15.0], abs=1e-6)


def test_a_flux_becomes_an_asinh_magnitude_with_its_error():
    survey = parse({"name": "mine", "title": "Mine", "roles": {"bands": [
        {"name": "u", "column": "f", "error": "e", "kind": "flux", "system": "asinh",
         "unit": "nanomaggy", "softening": 1.4e-10}]}})  # fmt: skip
    light = _light({"f": [0.28, -0.28], "e": [0.1, 0.1]}, survey, "u")
    assert light.mag == pytest.approx([23.6777, 25.5916], abs=1e-4)
    # dm/df = 1.085736 / sqrt((2 b f0)^2 + f^2) = 1.085736 / 0.395980
    assert light.error == pytest.approx([0.274190, 0.274190], abs=1e-5)


@pytest.mark.parametrize(
    ("unit", "flux"),
    [("Jy", 3.631e-3), ("mJy", 3.631), ("uJy", 3631.0), ("nJy", 3.631e6), ("nanomaggy", 1e3),
     ("nmgy", 1e3), ("maggy", 1e-6)],
)  # fmt: skip
def test_a_millionth_of_the_zero_point_is_15th_magnitude_in_every_unit(unit, flux):
    survey = parse({"name": "mine", "title": "Mine", "roles": {"bands": [
        {"name": "u", "column": "f", "kind": "flux", "system": "asinh", "unit": unit,
         "softening": 1e-12}]}})  # fmt: skip
    assert _light({"f": [flux]}, survey, "u").mag == pytest.approx([15.0], abs=1e-5)


@pytest.mark.parametrize(("mag", "state"), [
    (39.9, State.MEASURED), (40.1, State.BAD), (-9.9, State.MEASURED), (-10.1, State.BAD),
])  # fmt: skip
def test_magnitudes_that_no_star_has_are_codes(mag, state):
    table = {"phot_g_mean_mag": [mag]}
    assert _light(table, "gaia_dr3", "G").state.tolist() == [state]


def test_a_role_file_that_extends_a_survey_keeps_its_rules():
    """Under a name of its own a limit of WISE was a magnitude, and Gaia's zero point was lost."""
    table = {"w1mpro": [15.0, 16.0], "w1sigmpro": [0.1, np.nan], "cc_flags": ["D000", "0000"]}
    mine = parse({"extends": "allwise", "name": "mine", "title": "WISE of mine"})
    assert _light(table, mine, "W1").state.tolist() == [State.BAD, State.LIMIT]
    own = [{"name": "w1", "column": "w1mpro", "error": "w1sigmpro"}]
    called = parse({"extends": "allwise", "name": "m", "title": "M", "roles": {"bands": own}})
    assert _light(table, called, "w1").state.tolist() == [State.MEASURED, State.LIMIT]
    gaia = parse({"extends": "gaia", "name": "mine", "title": "Gaia of mine"})
    assert (gaia.rules, load("gaia_dr2").rules) == ("gaia_dr3", "gaia_dr2")


def test_a_flux_without_softening_is_refused_with_what_it_needs():
    survey = parse({"name": "mine", "title": "Mine", "roles": {"bands": [
        {"name": "u", "column": "f", "kind": "flux", "system": "AB", "unit": "uJy"}]}})  # fmt: skip
    with pytest.raises(UserError, match=r"'u' of 'mine' is a flux in 'uJy' with softening None"):
        _light({"f": [1.0]}, survey, "u")


def test_the_four_states_of_wise():
    table = pa.table({
        "w1mpro": [15.0, 17.5, None, 14.0, 16.0, 99.0],
        "w1sigmpro": [0.03, None, None, 0.02, 0.1, 0.1],
        "cc_flags": ["0000", "0000", None, "D000", "0h00", "0000"],
        "ph_qual": ["AAUU", "UAUU", None, "AAAA", "BBUU", "AAAA"],
    })  # fmt: skip
    light = _light(table, "allwise", "W1")
    assert light.state.tolist() == [
        State.MEASURED, State.LIMIT, State.NOT_OBSERVED, State.BAD, State.MEASURED, State.BAD,
    ]  # fmt: skip
    assert light.mag == pytest.approx([15.0, np.nan, np.nan, np.nan, 16.0, np.nan], nan_ok=True)
    assert light.limit == pytest.approx([np.nan, 17.5] + [np.nan] * 4, nan_ok=True)


def test_a_code_of_2mass_for_an_error_makes_a_band_bad_and_u_a_limit():
    table = pa.table({
        "h_m": [12.0, 15.8, 13.0, 14.0], "h_msigcom": [0.02, None, 8.888, 9.995],
        "ph_qual": ["AAA", "AUU", "AFA", "AEA"],
    })  # fmt: skip
    light = _light(table, "twomass", "H")
    assert light.state.tolist() == [State.MEASURED, State.LIMIT, State.BAD, State.BAD]


def test_sentinels_of_the_role_file_are_not_magnitudes():
    light = _light({"rMeanPSFMag": [18.0, -999.0], "rMeanPSFMagErr": [0.1, -999.0]}, "ps1", "r")
    assert light.state.tolist() == [State.MEASURED, State.NOT_OBSERVED]


def test_a_saturated_band_of_ukidss_is_bad():
    table = {"j_1AperMag3": [11.0, 15.0], "j_1ppErrBits": [65_536, 64]}
    assert _light(table, "ukidss", "J").state.tolist() == [State.BAD, State.MEASURED]


def test_extinction_of_the_simulator_agrees_with_the_role_files():
    from skyquarry.synthetic.bands import BANDS

    known = {band.name: band.extinction for band in BANDS}
    for short in ("sdss", "ps1", "gaia", "twomass", "wise", "ukidss"):
        for band in load(short).roles.bands:
            base, _, kind = band.name.partition("_")
            name = f"{short}_{base.lower()}"
            if not kind and name in known and band.extinction is not None:
                assert band.extinction == pytest.approx(known[name], abs=0.003), name
