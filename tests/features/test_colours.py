import numpy as np
import pyarrow as pa
import pytest

from skyquarry.features.making import features_of

# 3C 273 after SIMBAD: u..z AB as psfMag, J H K Vega (2MASS), W1 W2 Vega, E(B-V) 0.0206 of SFD
QUASAR = {
    "sdss_psfMag_u": [12.83], "sdss_psfMag_g": [13.00], "sdss_psfMag_r": [12.83],
    "sdss_psfMag_i": [12.80], "sdss_psfMag_z": [12.55], "sdss_extinction_r": [2.751 * 0.0206],
    "twomass_j_m": [11.69], "twomass_h_m": [10.95], "twomass_k_m": [9.97],
    "twomass_j_msigcom": [0.02], "twomass_h_msigcom": [0.02], "twomass_k_msigcom": [0.02],
    "wise_w1mpro": [8.20], "wise_w2mpro": [7.08], "wise_w1sigmpro": [0.02],
    "wise_w2sigmpro": [0.02],
}  # fmt: skip
SURVEYS = ["sdss", "twomass", "wise"]


def _one(table, surveys, name, **more):
    return float(features_of(table, surveys, which=[name], **more).values[0, 0])


def test_colours_of_a_quasar_by_hand():
    assert _one(QUASAR, SURVEYS, "sdss_u-g") == pytest.approx(-0.17)
    assert _one(QUASAR, SURVEYS, "wise_W1-W2") == pytest.approx(1.12)
    assert _one(QUASAR, SURVEYS, "twomass_J-Ks") == pytest.approx(1.72)
    assert _one(QUASAR, SURVEYS, "sdss_z-twomass_J") == pytest.approx(0.86)
    assert _one(QUASAR, SURVEYS, "twomass_Ks-wise_W1") == pytest.approx(1.77)


def test_a_dereddened_colour_by_hand():
    # k_u - k_g = 4.239 - 3.303 = 0.936, times 0.0206 = 0.0193
    assert _one(QUASAR, SURVEYS, "sdss_u-g_0") == pytest.approx(-0.1893, abs=1e-4)
    # z and J: 1.263 - 0.723 = 0.540
    assert _one(QUASAR, SURVEYS, "sdss_z-twomass_J_0") == pytest.approx(0.8489, abs=1e-4)
    assert _one(QUASAR, SURVEYS, "ebv") == pytest.approx(0.0206, abs=1e-6)


def test_surveys_meet_in_anchors_alone():
    """r and z stand for SDSS (0.62, 0.9 um), J and Ks for 2MASS, W1 and W2 for WISE."""
    assert _across(QUASAR, SURVEYS) == {
        "sdss_r-twomass_J", "sdss_z-twomass_J", "sdss_r-wise_W1", "sdss_z-wise_W1",
        "twomass_J-wise_W1", "twomass_Ks-wise_W1",
    }  # fmt: skip


def test_anchors_of_two_surveys_are_paired_by_wavelength():
    """G (0.62 um) and RP (0.78 um, by 0.14 off 0.9) stand for Gaia; SDSS r meets Pan-STARRS r."""
    gaia = {
        "gaia_phot_g_mean_mag": [15.0], "gaia_phot_bp_mean_mag": [15.5],
        "gaia_phot_rp_mean_mag": [14.2], "wise_w1mpro": [13.0], "wise_w2mpro": [13.0],
    }  # fmt: skip
    assert _across(gaia, {"gaia": "gaia_dr3", "wise": "allwise"}) == {
        "gaia_G-wise_W1", "gaia_RP-wise_W1",
    }  # fmt: skip
    both = {f"a_psfMag_{band}": [18.0] for band in "ugriz"}
    both |= {f"b_{band}MeanPSFMag": [18.0] for band in "grizy"}
    assert _across(both, {"a": "sdss", "b": "ps1"}) == {"ps1_r-sdss_r", "ps1_z-sdss_z"}


def test_without_dust_no_dereddened_colour_is_made():
    table = {name: told for name, told in QUASAR.items() if "extinction" not in name}
    assert not any(name.endswith("_0") or name == "ebv" for name in _names(table, SURVEYS))
    assert _one(table, SURVEYS, "sdss_u-g_0", ebv=[0.1]) == pytest.approx(-0.17 - 0.0936, abs=1e-4)


def _names(table, surveys):
    return features_of(table, surveys).names


def _across(table, surveys):
    """Colours of two surveys, as measured."""
    across = {name for name in _names(table, surveys) if name.count("_") == 2 and "-" in name}
    return {name for name in across if not name.endswith(("_0", "_above", "_below"))}


def test_a_limit_makes_a_colour_a_bound():
    table = {
        "z": [19.0], "i": [20.5],
        "w1mpro": [15.0], "w1sigmpro": [0.03], "w2mpro": [16.2], "w2sigmpro": [np.nan],
    }  # fmt: skip
    made = features_of(table, ["sdss", "wise"])
    told = dict(zip(made.names, made.values[0].tolist(), strict=True))
    assert np.isnan(told["wise_W1-W2"])
    assert told["wise_W1-W2_below"] == pytest.approx(-1.2)
    assert told["sdss_z-wise_W1"] == pytest.approx(4.0)
    assert np.isnan(told["sdss_z-wise_W1_below"])


def test_a_limit_in_the_bluer_band_bounds_from_below():
    table = {
        "w1mpro": [18.0], "w1sigmpro": [np.nan], "w2mpro": [15.5], "w2sigmpro": [0.1],
    }  # fmt: skip
    assert _one(table, "wise", "wise_W1-W2_above") == pytest.approx(2.5)


def test_model_magnitudes_make_the_colours_where_there_are_both():
    table = {
        "psfMag_g": [18.5], "psfMag_r": [18.0], "modelMag_g": [17.9], "modelMag_r": [17.1],
    }  # fmt: skip
    assert _one(table, "sdss", "sdss_g-r") == pytest.approx(0.8)


def test_signal_to_noise_is_not_taken_by_itself():
    table = {"u": [20.0], "e_u": [0.1], "g": [19.0], "e_g": [0.05]}
    assert "sdss_u_snr" not in _names(table, "sdss")
    assert _one(table, "sdss", "sdss_g_snr") == pytest.approx(21.7147, abs=1e-3)


def test_a_missing_survey_costs_features_and_never_the_row():
    both = pa.table({
        "gaia_phot_g_mean_mag": [15.0, None], "gaia_phot_rp_mean_mag": [14.2, None],
        "wise_w1mpro": [13.0, 14.0], "wise_w1sigmpro": [0.02, 0.03],
    })  # fmt: skip
    made = features_of(both, {"gaia": "gaia_dr3", "wise": "allwise"})
    told = dict(zip(made.names, made.values.T.tolist(), strict=True))
    assert told["wise_W1"] == [13.0, 14.0]
    assert told["gaia_G-wise_W1"][0] == pytest.approx(2.0)
    assert np.isnan(told["gaia_G"][1])
    assert np.isnan(told["gaia_G-wise_W1"][1])


def test_features_are_named_alike_whatever_the_table_calls_its_catalogues():
    wide = {"old_w1mpro": [13.0], "old_w2mpro": [13.1]}
    assert set(_names(wide, {"old": "allwise"})) == set(
        _names({"w1mpro": [13.0], "w2mpro": [13.1]}, "wise")
    )
