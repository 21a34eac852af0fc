"""Which features are magnitudes."""

from __future__ import annotations

from skyquarry.pipeline.brightness import magnitudes_among, whole_magnitudes


def test_magnitudes_are_neither_colours_nor_reduced_motions_nor_sizes():
    names = ["sdss_r", "sdss_u-g", "gaia_reduced_pm_sdss_g", "gaia_G", "ebv", "lc_1_amplitude",
             "sdss_r_psf-total", "sdss_size", "gaia_parallax", "wise_W1"]  # fmt: skip
    units = ["mag"] * 7 + ["", "mas", "mag"]
    assert [names[at] for at in magnitudes_among(names, units)] == ["sdss_r", "gaia_G", "wise_W1"]


def test_whole_magnitudes_lie_around_all_but_the_outermost():
    told = whole_magnitudes([float("nan"), 16.2, 17.5, 19.9])
    assert told == [16.0, 17.0, 18.0, 19.0, 20.0]
    assert whole_magnitudes([float("nan")]) == []
