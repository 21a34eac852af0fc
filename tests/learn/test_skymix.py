"""The mix of the sky that is shipped: whole, sensible, and at home with other words."""

from __future__ import annotations

import numpy as np
import pytest

from skyquarry.catalog.classes import NAMES
from skyquarry.errors import UserError
from skyquarry.learn.skymix import check_band, sky_mix, told

ROWS = tuple(name for name in NAMES if name != "galaxy_cluster")


def density(name, low, high, zone):
    """Objects a square degree of a class with low <= r < high in a zone of latitude."""
    own = told()
    edges = np.array(own["magnitude_edges"])
    bins = (edges[:-1] >= low) & (edges[1:] <= high)
    counts = np.array(own["counts_deg2"])
    return counts[bins, zone, own["classes"].index(name)].sum()


def test_the_file_says_how_it_was_made_and_what_is_left_out():
    own = told()
    assert own["made by"] == "python design/sky_mix.py"
    assert own["commit"]
    assert "supernovae" in own["left out"]
    assert np.shape(own["counts_deg2"]) == (
        len(own["magnitude_edges"]) - 1, len(own["latitude_edges"]) - 1, len(NAMES)
    )  # fmt: skip


def test_galaxies_and_quasars_have_their_published_counts():
    # SDSS, Yasuda et al. 2001, AJ 122, 1104: 10^(0.6 (r - 20)) of some 600 a mag at r = 20 to 21
    # is bent by redshift; quasars, Palanque-Delabrouille et al. 2016: 100 or so to g = 22
    assert 1_000 < density("galaxy", 19, 21, 4) < 6_000
    assert 30 < density("quasar", 10, 21, 4) < 120
    assert density("quasar", 10, 21, 1) == pytest.approx(density("quasar", 10, 21, 4), rel=0.25)


def test_stars_thin_out_with_latitude_and_galaxies_do_not():
    stars = [density("main_sequence", 16, 20, zone) for zone in range(5)]
    assert (np.diff(stars) < 0).all()
    assert density("galaxy", 19, 21, 3) == pytest.approx(density("galaxy", 19, 21, 4), rel=0.3)


def test_words_of_sdss_are_sums_of_the_eight():
    eight, three = sky_mix(ROWS), sky_mix(["GALAXY", "QSO", "STAR"])
    whole = eight.counts.sum(axis=2)
    assert three.counts.sum(axis=2) == pytest.approx(whole)
    assert three.counts[..., 1] == pytest.approx(eight.counts[..., ROWS.index("quasar")])
    four = sky_mix(["QSO", "STAR", "WD"])
    assert four.counts[..., 2] == pytest.approx(eight.counts[..., ROWS.index("white_dwarf")])


def test_what_is_no_class_of_the_sky_and_another_magnitude_are_refused():
    with pytest.raises(UserError, match="class 'HMXB' has no place in the mix"):
        sky_mix(["AGN", "HMXB", "STAR"][1:])
    with pytest.raises(UserError, match=r"magnitude is twomass_J, but the mix .* by r \(or G\)"):
        check_band("twomass_J")
    check_band("sdss_r")
