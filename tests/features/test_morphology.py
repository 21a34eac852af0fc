import numpy as np
import pytest

from skyquarry.features.making import features_of
from skyquarry.features.morphology import white

GALAXY = {
    "psfMag_g": [18.6], "modelMag_g": [18.0], "psfMagErr_g": [0.03], "modelMagErr_g": [0.04],
    "psfMag_r": [17.9], "modelMag_r": [17.4], "psfMagErr_r": [0.06], "modelMagErr_r": [0.08],
    "petroR50_r": [2.0], "petroR90_r": [6.4], "fracDeV_r": [0.9],
}  # fmt: skip


def _told(table, survey):
    made = features_of(table, survey)
    return dict(zip(made.names, made.values[0].tolist(), strict=True))


def test_a_galaxy_by_hand():
    told = _told(GALAXY, "sdss")
    assert told["sdss_g_psf-total"] == pytest.approx(0.6, abs=1e-5)
    assert told["sdss_g_psf-total_sigma"] == pytest.approx(12.0, abs=1e-3)
    assert told["sdss_r_psf-total_sigma"] == pytest.approx(5.0, abs=1e-3)
    # weights 400 and 100: (240 + 50) / 500, and 290 / sqrt(500)
    assert told["sdss_psf-total"] == pytest.approx(0.58, abs=1e-5)
    assert told["sdss_psf-total_sigma"] == pytest.approx(12.969, abs=1e-3)
    assert told["sdss_concentration"] == pytest.approx(3.2)
    assert told["sdss_size"] == 2.0
    assert told["sdss_frac_dev"] == pytest.approx(0.9)


def test_a_band_without_a_number_has_no_weight():
    nothing = np.array([np.nan, np.nan])
    mean, sigma = white([np.array([0.5, np.nan]), nothing], [np.array([0.1, 0.1]), nothing])
    assert mean == pytest.approx([0.5, np.nan], nan_ok=True)
    assert sigma == pytest.approx([5.0, np.nan], nan_ok=True)


def test_a_large_error_has_a_small_weight_not_none():
    # weights 100 and 1/4: (50 + 0.05) / 100.25
    differences = [np.array([each]) for each in (0.5, 0.2)]
    mean, sigma = white(differences, [np.array([each]) for each in (0.1, 2.0)])
    assert mean == pytest.approx([50.05 / 100.25])
    assert sigma == pytest.approx([50.05 / np.sqrt(100.25)])
    alone, _ = white([np.array([0.2])], [np.array([2.0])])
    assert alone == pytest.approx([0.2])


def test_kron_magnitudes_are_the_total_of_pan_starrs():
    table = {"iMeanPSFMag": [19.0], "iMeanKronMag": [18.9]}
    assert _told(table, "ps1")["ps1_i_psf-total"] == pytest.approx(0.1, abs=1e-5)


def test_the_sentinels_of_ukidss_leave_no_difference():
    table = {"kAperMag3": [16.0], "kPetroMag": [-999999500.0], "hAperMag3": [16.5],
             "hPetroMag": [16.1]}  # fmt: skip
    told = _told(table, "ukidss")
    assert np.isnan(told["ukidss_K_aper-petro"])
    assert told["ukidss_H_aper-petro"] == pytest.approx(0.4, abs=1e-5)


def test_the_misfit_of_wise_is_told():
    table = {"w1mpro": [12.0], "w1sigmpro": [0.02], "w1rchi2": [3.5], "ext_flg": [5]}
    told = _told(table, "wise")
    assert told["wise_W1_rchi2"] == 3.5
    assert told["wise_ext_flg"] == 5.0
