import warnings

import numpy as np
import pytest

from skyquarry.features.astrometry import (
    chi2_of_motion,
    corrected_excess,
    excess_sigma,
    log_no_motion,
    luminosity,
    reduced_motion,
)
from skyquarry.features.making import features_of
from skyquarry.features.zeropoint import effective_wavenumber, parallax_zero_point

# Barnard's star after Gaia DR3
BARNARD = {
    "ra": [269.4485], "dec": [4.7398], "parallax": [546.97594], "parallax_error": [0.0401],
    "pmra": [-801.551], "pmdec": [10362.394], "pmra_error": [0.0316], "pmdec_error": [0.0362],
    "phot_g_mean_mag": [8.1940], "phot_bp_mean_mag": [9.7943], "phot_rp_mean_mag": [6.9585],
    "ruwe": [1.06],
}  # fmt: skip


# a survey of plates: motions in right ascension itself, parallaxes in whatever unit
PLATE = """
name = "plate"
title = "Plates"
[roles]
ra = "ra"
dec = "dec"
parallax = "plx"
parallax_error = "e_plx"
parallax_unit = "UNIT"
[roles.motion]
pmra = "rate"
pmdec = "north"
pmra_error = "e_rate"
pmdec_error = "e_north"
cos_dec = false
"""


def _told(table, surveys="gaia", **more):
    made = features_of(table, surveys, **more)
    return dict(zip(made.names, made.values[0].tolist(), strict=True))


def test_barnards_star_by_hand():
    told = _told(BARNARD)
    assert told["gaia_pm"] == pytest.approx(10393.35, abs=0.01)
    # M_G = 8.1940 + 5 log10(547.0) - 10 = 11.884: a = 10^(0.2 * 11.884)
    assert 5 * np.log10(told["gaia_luminosity"]) == pytest.approx(11.884, abs=1e-3)
    # H_G = 8.1940 + 5 log10(10393.35) - 10 = 18.278
    assert told["gaia_reduced_pm_gaia_G"] == pytest.approx(18.278, abs=1e-3)
    assert told["gaia_parallax_over_error"] == pytest.approx(13641, rel=1e-3)
    assert told["gaia_ruwe"] == pytest.approx(1.06)


def test_luminosity_is_defined_for_negative_parallaxes():
    # 10^(0.2 * 20 - 2) = 100 times the parallax
    assert luminosity(np.array([-0.1, 0.0, 2.0]), np.array([20.0] * 3)) == pytest.approx(
        [-10.0, 0.0, 200.0]
    )


def test_chi_squared_and_density_of_no_motion_by_hand():
    # x = 1, y = -1, rho = 0.5: (1 + 1 + 1) / 0.75
    chi2 = chi2_of_motion(*(np.array([each]) for each in (0.1, -0.2, 0.1, 0.2, 0.5)))
    assert chi2 == pytest.approx([4.0])
    # 2 pi 0.1 0.2 sqrt(0.75) = 0.108828; -ln of it is 2.21799; less 2
    told = log_no_motion(chi2, *(np.array([each]) for each in (0.1, 0.2, 0.5)))
    assert told == pytest.approx([0.21799], abs=1e-5)


def test_a_motion_within_its_errors_is_none():
    # mu 5, error 4: sqrt(9) = 3; mu 1, error 4: the least, 0.01 mas/yr
    told = reduced_motion(np.array([20.0, 20.0]), np.array([5.0, 1.0]), np.array([4.0, 4.0]))
    assert told == pytest.approx([20 + 5 * np.log10(3.0) - 10, 0.0])


def test_the_flux_excess_has_the_published_signs():
    # x = 0.82: 1.162004 + 0.00940048 + 0.03311906 - 0.00324149 = 1.20128205
    assert corrected_excess(np.array([1.2]), np.array([0.82])) == pytest.approx([-0.00128205])
    # below 0.5 and above 4 the other two branches: 1.15836 at 0.1, 1.760257 at 5
    told = corrected_excess(np.array([0.0, 0.0]), np.array([0.1, 5.0]))
    assert told == pytest.approx([-(1.154360 + 0.0033772 + 0.00032277), -1.760257])
    # e-12, not e-11: 15^7.618399 = 9.1187e8
    assert excess_sigma(np.array([15.0])) == pytest.approx([0.0140302], abs=1e-6)


def test_the_branches_of_the_flux_excess_meet():
    for edge in (0.5, 4.0):
        low, high = corrected_excess(np.zeros(2), np.array([edge - 1e-9, edge + 1e-9]))
        assert low == pytest.approx(high, abs=0.01)


def test_the_zero_point_by_hand():
    # G 15.9, nu 1.48, on the ecliptic: -38.33 + 15.42 * (-1/3) = -43.47 microarcseconds
    told = parallax_zero_point(*(np.array([each]) for each in (15.9, 1.48, 0.0, 31.0)))
    assert told == pytest.approx([-0.04347], abs=1e-6)
    # G 20, nu 1.72, at the pole, six parameters:
    # -13.73 - 10.92 - 8.30 * 2/3 + 0.24 * (-74.4 + 196.4 - 42.0 * 2/3) = -7.623
    told = parallax_zero_point(*(np.array([each]) for each in (20.0, 1.72, 1.0, 95.0)))
    assert told == pytest.approx([-0.0076233], abs=1e-6)


def test_the_zero_point_is_that_of_the_published_program():
    zpt = pytest.importorskip("zero_point.zpt")
    random = np.random.default_rng(3)
    n = 500
    g, latitude = random.uniform(5.0, 21.5, n), random.uniform(-90, 90, n)
    colour, solved = random.uniform(1.1, 1.9, n), random.choice([31.0, 95.0], n)
    zpt.load_tables()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = zpt.get_zpt(g, colour, colour, latitude, solved)
    ours = parallax_zero_point(g, colour, np.sin(np.radians(latitude)), solved)
    assert np.abs(ours - theirs).max() < 1e-6


def test_the_wavenumber_of_the_sun_is_that_of_yellow_light():
    # BP - RP 0.82: 1.76 - 0.51248 * arctan(0.43542) = 1.5495
    assert effective_wavenumber(np.array([0.82])) == pytest.approx([1.5495], abs=1e-4)


def test_the_zero_point_uses_the_tables_own_wavenumber_and_latitude():
    table = {
        "parallax": [1.0], "phot_g_mean_mag": [15.9], "nu_eff_used_in_astrometry": [1.48],
        "ecl_lat": [0.0],
    }  # fmt: skip
    assert _told(table)["gaia_parallax"] == pytest.approx(1.04347, abs=1e-5)


def test_without_colour_the_zero_point_is_the_mean_of_quasars():
    table = {"parallax": [1.0], "phot_g_mean_mag": [18.0]}
    assert _told(table)["gaia_parallax"] == pytest.approx(1.017, abs=1e-5)


def test_six_parameters_take_the_pseudocolour():
    # G 20, at the pole, as above: nu 1.72 is its pseudocolour, nu 1.48 belongs to nobody
    table = {
        "parallax": [1.0], "phot_g_mean_mag": [20.0], "astrometric_params_solved": [95],
        "nu_eff_used_in_astrometry": [1.48], "pseudocolour": [1.72], "ecl_lat": [90.0],
    }  # fmt: skip
    assert _told(table)["gaia_parallax"] == pytest.approx(1.0076233, abs=1e-6)
    five = table | {"astrometric_params_solved": [31], "phot_g_mean_mag": [15.9],
                    "ecl_lat": [0.0]}  # fmt: skip
    assert _told(five)["gaia_parallax"] == pytest.approx(1.04347, abs=1e-5)


def test_errors_of_motion_make_its_chi_squared_and_density():
    # x = 100, y = 50, no correlation: 12,500; -ln(2 pi 0.3 0.4) less half of it
    table = {"pmra": [30.0], "pmdec": [20.0], "pmra_error": [0.3], "pmdec_error": [0.4]}
    told = _told(table)
    assert told["gaia_chi2_pm"] == pytest.approx(12_500.0)
    assert told["gaia_log_f_pm0"] == pytest.approx(-np.log(0.24 * np.pi) - 6_250.0, rel=1e-6)


@pytest.mark.parametrize(("unit", "mas"), [("mas", 1.0), ("arcsec", 1e3), ("rad", 206264806.247)])
def test_parallaxes_come_in_their_own_unit(tmp_path, unit, mas):
    path = tmp_path / "plate.toml"
    path.write_text(PLATE.replace("UNIT", unit), encoding="utf-8")
    told = _told(
        {"plx": [0.2], "e_plx": [0.05], "rate": [60.0], "north": [0.0], "dec": [60.0]}, path
    )
    assert told["plate_parallax"] == pytest.approx(0.2 * mas, rel=1e-6)
    assert told["plate_parallax_over_error"] == pytest.approx(4.0)


def test_a_motion_along_right_ascension_shrinks_towards_the_pole(tmp_path):
    path = tmp_path / "plate.toml"
    path.write_text(PLATE.replace("UNIT", "mas"), encoding="utf-8")
    table = {"rate": [60.0], "e_rate": [0.6], "north": [40.0], "e_north": [0.4],
             "ra": [10.0], "dec": [60.0]}  # fmt: skip
    told = _told(table, path)
    assert told["plate_pm"] == pytest.approx(50.0)  # 60 cos 60 = 30, and 40
    assert told["plate_chi2_pm"] == pytest.approx(20_000.0)  # (30 / 0.3)^2 + (40 / 0.4)^2
    nowhere = {name: told for name, told in table.items() if name not in ("ra", "dec")}
    assert np.isnan(_told(nowhere, path)["plate_pm"]), "how far it moves nobody can know"


def test_a_parallax_of_another_survey_has_no_zero_point_of_gaias():
    assert _told({"Plx": [10.0], "Hpmag": [8.0]}, "hipparcos")["hipparcos_parallax"] == 10.0


def test_the_motion_of_gaia_reduces_the_magnitudes_of_others():
    table = {
        "gaia_pmra": [30.0], "gaia_pmdec": [40.0], "gaia_phot_g_mean_mag": [15.0],
        "twomass_j_m": [14.0], "sdss_psfMag_g": [15.5],
    }  # fmt: skip
    told = _told(table, ["gaia", "twomass", "sdss"])
    assert told["gaia_reduced_pm_twomass_J"] == pytest.approx(14 + 5 * np.log10(50) - 10, abs=1e-5)
    assert told["gaia_reduced_pm_sdss_g"] == pytest.approx(15.5 + 5 * np.log10(50) - 10, abs=1e-5)
    others = _told(
        table | {"sdss_psfMag_u": [17.0], "twomass_k_m": [13.5]}, ["gaia", "twomass", "sdss"]
    )
    reduced = {name.partition("reduced_pm_")[2] for name in others if "reduced_pm" in name}
    assert reduced == {"gaia_G", "twomass_J", "sdss_g"}, "u and Ks are left alone"


def test_a_galaxy_stands_out_in_corrected_excess():
    table = {
        "phot_g_mean_mag": [19.0], "phot_bp_mean_mag": [19.5], "phot_rp_mean_mag": [18.4],
        "phot_bp_rp_excess_factor": [2.0],
    }  # fmt: skip
    told = _told(table)
    assert told["gaia_c_star"] == pytest.approx(2.0 - 1.226388, abs=1e-4)
    assert told["gaia_c_star_sigma"] > 10
