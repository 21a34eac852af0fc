"""Physics cuts: chosen by hand, over rows that have what they need."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from skyquarry.pipeline.physicscuts import cuts_of

EIGHT = ("main_sequence", "giant", "white_dwarf", "brown_dwarf", "galaxy", "quasar")


def test_wise_cuts_choose_red_bright_sources_that_are_measured():
    table = pa.table({
        "w1mpro": [15.0, 15.0, 16.5, None], "w2mpro": [14.0, 14.8, 15.6, 14.0],
        "w1sigmpro": [0.02] * 4, "w2sigmpro": [0.02] * 4,
    })  # fmt: skip
    told = {each.name: each for each in cuts_of(table, "allwise", EIGHT)}
    stern = told["W1-W2 >= 0.8, W2 < 15.05"]
    assert stern.label == "quasar"
    assert stern.chosen.tolist() == [True, False, False, False]  # W1-W2 0.2; W2 15.6; no W1
    assert stern.known.tolist() == [True, True, True, False]
    r90 = told["R90 in W1-W2 and W2"]
    # at W2 = 15.6 the line is .650 exp(.153 * 1.74^2) = 1.03
    assert r90.chosen.tolist() == [True, False, False, False]


def test_a_white_dwarf_a_giant_and_a_dwarf_are_told_by_gaia():
    # G, BP-RP, parallax: Sirius B's like at 20 pc; Arcturus' like at 1 kpc; the Sun's at 100 pc
    g = np.array([13.0, 10.0, 9.8])
    colour = np.array([0.0, 1.4, 0.82])
    table = pa.table({
        "phot_g_mean_mag": g, "phot_bp_mean_mag": g + 0.5 * colour,
        "phot_rp_mean_mag": g - 0.5 * colour, "parallax": [50.0, 1.0, 10.0],
        "parallax_error": [0.03] * 3, "pmra": [100.0, 3.0, 20.0], "pmdec": [10.0, 1.0, 3.0],
        "pmra_error": [0.02] * 3, "pmdec_error": [0.02] * 3,
    })  # fmt: skip
    told = {each.label: each.chosen.tolist() for each in cuts_of(table, "gaia_dr3", EIGHT)}
    assert told["white_dwarf"] == [True, False, False]
    assert told["giant"] == [False, True, False]
    still = told["quasar"]
    assert still == [False, False, False]  # all three move, or have a parallax
    assert told["main_sequence"] == [False, False, True]


def test_ultraviolet_excess_goes_by_the_name_the_model_has_for_quasars():
    table = pa.table({name: [19.0, 20.0] for name in ("g", "r", "i", "z")} | {"u": [19.2, 21.0]})
    told = cuts_of(table, "sdss", ("GALAXY", "QSO", "STAR"))
    assert [(each.name, each.label) for each in told] == [("u-g < 0.6", "QSO")]
    assert told[0].chosen.tolist() == [True, False]


def test_l_dwarfs_are_told_across_surveys_and_late_ones_by_wise():
    # 2MASS J1507-1627, L5: SDSS z = 15.9, J 12.83; an M3 dwarf; a source that 2MASS has not seen
    table = pa.table({
        "sdss_z": [15.9, 15.0, 19.0], "sdss_i": [18.5, 15.4, 19.4],
        "twomass_j_m": [12.83, 13.7, None], "twomass_j_msigcom": [0.02, 0.02, None],
        "allwise_w1mpro": [10.7, 12.7, 16.0], "allwise_w2mpro": [10.4, 12.55, 15.5],
        "allwise_w1sigmpro": [0.02] * 3, "allwise_w2sigmpro": [0.02] * 3,
    })  # fmt: skip
    told = {each.name: each for each in cuts_of(
        table, {"sdss": "sdss", "twomass": "twomass", "allwise": "allwise"}, EIGHT)}  # fmt: skip
    assert told["z-J > 2.5"].chosen.tolist() == [True, False, False]
    assert told["z-J > 2.5"].known.tolist() == [True, True, False]
    assert told["W1-W2 > 0.4"].chosen.tolist() == [False, False, True]
    assert told["i-z > 1.7"].chosen.tolist() == [True, False, False]


def test_m_giants_are_told_from_m_dwarfs_by_j_h_at_their_j_k():
    # no dust: a giant of J-H .88, H-Ks .25 (Bessell & Brett 1988, M5 III: .92, .29), a dwarf
    table = pa.table({
        "j_m": [9.0, 12.0], "h_m": [8.12, 11.4], "k_m": [7.87, 11.12],
        "j_msigcom": [0.02] * 2, "h_msigcom": [0.02] * 2, "k_msigcom": [0.02] * 2,
        "ebv": [0.0] * 2,
    })  # fmt: skip
    told = {each.name: each for each in cuts_of(table, "twomass", EIGHT)}
    giants = told["J-H above dwarfs at J-K > 0.85"]
    assert giants.label == "giant"
    assert giants.chosen.tolist() == [True, False]


def test_a_light_curve_that_scatters_is_a_transients():
    table = pa.table({"g": [19.0, 19.0], "r": [18.5, 18.5], "i": [18.3, 18.3],
                      "lc_1_chi2_dof": [8.0, 1.0], "lc_1_amplitude": [0.5, 0.4]})  # fmt: skip
    told = cuts_of(table, "sdss", ("main_sequence", "transient"))
    assert {each.label for each in told} == {"transient"}
    assert all(each.chosen.tolist() == [True, False] for each in told)


def test_a_table_of_no_survey_has_no_cuts():
    assert cuts_of(pa.table({"x": [1.0], "y": [2.0]}), None, EIGHT) == []
