"""Nuclei behind dust: as many as the infrared finds, red there, galaxies elsewhere."""

from dataclasses import replace

import numpy as np
import pytest

from skyquarry.synthetic.bands import BAND, BANDS
from skyquarry.synthetic.beyond.obscured import NUMBER, ObscuredNuclei
from skyquarry.synthetic.beyond.quasars import QuasarPopulation
from skyquarry.synthetic.beyond.quasarseds import Quasars, quasar_table
from skyquarry.synthetic.blocks import Block, limits_of
from skyquarry.synthetic.sources import Kind, Sources

LIMITS = limits_of({"wise_w2": 18.6, "sdss_r": 21.0})
BLOCKS = [Block(60_000 + 61 * k, 2, LIMITS) for k in range(300)]


def vega(made, band):
    return made.mags[:, BAND[band]] - BANDS[BAND[band]].vega_to_ab


def drawn(population):
    made = [population.drawn(block, block.generator(population.number)) for block in BLOCKS]
    return Sources.concatenated(made)


@pytest.fixture(scope="module")
def nuclei():
    return drawn(ObscuredNuclei())


@pytest.fixture(scope="module")
def bright(nuclei):
    """Nuclei and quasars together to the depth of Stern et al. 2012, W2 < 15.05."""
    both = Sources.concatenated([nuclei, drawn(QuasarPopulation())])
    return both.taken(vega(both, "wise_w2") < 15.05)


def test_a_block_has_the_same_nuclei_whoever_draws_it_all_of_them_inside(nuclei):
    population, block = ObscuredNuclei(), BLOCKS[7]
    first, again = (population.drawn(block, block.generator(NUMBER)) for _ in range(2))
    np.testing.assert_array_equal(first.mags, again.mags)
    assert block.contains(first.ra_deg, first.dec_deg).all()
    assert block.visible(first.mags).all()
    assert np.isfinite(nuclei.mags).all()
    assert (nuclei.system == -1).all()


def test_as_many_are_red_in_wise_as_stern_counted(bright):
    """Stern et al. 2012, ApJ 753, 30, abstract: 61.9 a square degree, 95 % of them AGN."""
    red = vega(bright, "wise_w1") - vega(bright, "wise_w2") >= 0.8
    area = sum(block.area_deg2 for block in BLOCKS)
    assert red.sum() / area == pytest.approx(0.95 * 61.9, rel=0.3)


def test_hosts_hide_a_sixth_of_them_from_stern_s_cut(bright):
    """78 % of Spitzer candidates are found (the same abstract)."""
    red = vega(bright, "wise_w1") - vega(bright, "wise_w2") >= 0.8
    assert red.mean() == pytest.approx(0.78, abs=0.1)


def test_half_of_the_bright_ones_are_obscured_by_their_optical_colours(bright):
    """R-[4.5] above 6.1, Vega: Hickox et al. 2007, ApJ 671, 1365; here of r (from memory)."""
    obscured = vega(bright, "sdss_r") - 0.16 - vega(bright, "wise_w2") > 6.1
    assert 0.35 < obscured.mean() < 0.65


def test_stars_outshine_the_nuclei_of_galaxies_and_points_are_quasars(nuclei):
    points = nuclei.kind == Kind.QUASAR
    assert (nuclei.kind[~points] == Kind.GALAXY).all()
    assert (nuclei.half_light_arcsec[points] == 0).all()
    assert (nuclei.half_light_arcsec[~points] > 0).all()
    blue = nuclei.mags[:, BAND["sdss_u"]] - nuclei.mags[:, BAND["sdss_g"]]
    faint = nuclei.mags[:, BAND["sdss_g"]]
    assert 0 < (points & (faint < 22.5)).mean() < 0.05
    assert np.median(blue[~points & (nuclei.redshift < 0.5)]) > 0.8


def test_weak_nuclei_are_left_to_the_galaxies():
    every, strong = (replace(ObscuredNuclei(), least=least) for least in (0.25, 0.7))
    colours = [
        vega(made, "wise_w1") - vega(made, "wise_w2") for made in map(drawn, (every, strong))
    ]
    assert len(colours[1]) < 0.8 * len(colours[0])
    assert np.percentile(colours[1], 5) > np.percentile(colours[0], 5) + 0.1


def test_without_dust_a_nucleus_is_a_mean_quasar_and_behind_it_only_the_torus_is_left():
    z, one = np.array([0.4, 1.5]), np.ones(2)
    table = quasar_table()
    mean = table.at(Quasars.mean(z))
    mean[:, BAND["sdss_u"]] -= 0.04  # as SDSS tells u
    np.testing.assert_allclose(table.obscured(z, 0 * one, one, 0.0), mean, atol=1e-4)
    dusty = Quasars(z, 0 * one, 0.8 * one, one, one, one, 0 * one)
    seen = table.at(replace(dusty, first=np.full(2, 9.0)))
    seen[:, BAND["sdss_u"]] -= 0.04
    np.testing.assert_allclose(table.obscured(z, 0.8 * one, one, 0.0), seen, atol=1e-4)
    hidden = table.obscured(z, 20 * one, one, 0.01)
    np.testing.assert_allclose(hidden[:, BAND["sdss_g"]], mean[:, BAND["sdss_g"]] + 5.0, atol=0.1)
    assert (hidden[:, BAND["wise_w3"]] - mean[:, BAND["wise_w3"]] < 0.5).all()
