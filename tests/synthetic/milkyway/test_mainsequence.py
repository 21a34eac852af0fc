import numpy as np
import pytest

from skyquarry.synthetic.bands import BAND
from skyquarry.synthetic.milkyway import binaries, mainsequence, metallicity
from skyquarry.synthetic.milkyway.discs import COMPONENTS, HALO, THIN
from skyquarry.synthetic.milkyway.mainsequence import MainSequence
from skyquarry.synthetic.sources import Kind

DWARFS = [MainSequence(component, number) for number, component in enumerate(COMPONENTS, 1)]


def test_the_sun_is_where_it_is():
    known = mainsequence.knots()
    place = np.interp(-1.0, -known.mass_msun, np.arange(len(known.mass_msun)))
    mags = mainsequence.magnitudes(np.array([place]), np.array([-0.1]))[0]
    # Willmer 2018, ApJS 236, 47: SDSS g, r, i of the Sun 5.11, 4.65, 4.53; W1 (AB) 5.92
    for band, told in (("sdss_g", 5.11), ("sdss_r", 4.65), ("sdss_i", 4.53), ("wise_w1", 5.92)):
        assert mags[BAND[band]] == pytest.approx(told, abs=0.1)


def test_knots_go_from_hot_to_cold():
    known = mainsequence.knots()
    for falling in (known.mass_msun, known.teff_k, -known.g_i, -known.mags[:, BAND["sdss_r"]]):
        assert (np.diff(falling) <= 0).all()
    assert np.isfinite(known.mags).all()


def test_a_block_has_the_same_stars_whoever_draws_it(sky):
    block = sky.block(80, 45)
    first, again = (DWARFS[1].drawn(block, block.generator(2)) for _ in range(2))
    assert np.array_equal(first.mags, again.mags)
    assert np.array_equal(first.pmra_masyr, again.pmra_masyr)


def test_what_is_drawn_is_visible_and_inside_and_known_in_every_band(sky):
    block = sky.block(80, 45)
    stars = DWARFS[1].drawn(block, block.generator(2))
    assert block.visible(stars.mags).all()
    assert block.contains(stars.ra_deg, stars.dec_deg).all()
    assert np.isfinite(stars.mags).all()
    assert (stars.kind == Kind.MAIN_SEQUENCE).all()
    for column in ("teff_k", "logg", "mass_msun", "feh", "parallax_mas", "ebv", "rv_kms"):
        assert np.isfinite(getattr(stars, column)).all()


def test_deeper_surveys_see_all_that_shallow_ones_see(sky):
    shallow, deep = (sky.stars(DWARFS, 100, 50, 4)[0] for _ in range(2))
    bright = deep.mags[:, BAND["sdss_r"]] < 20
    assert bright.sum() == (shallow.mags[:, BAND["sdss_r"]] < 20).sum()


def test_the_halo_is_metal_poor_and_has_few_stars_bluer_than_its_turnoff(sky):
    halo, _ = sky.stars([MainSequence(HALO, 4)], 120, 60)
    assert halo.feh.mean() == pytest.approx(-1.46, abs=0.05)
    single = halo.taken(~halo.companion)
    g_i = single.mags[:, BAND["sdss_g"]] - single.mags[:, BAND["sdss_i"]]
    assert 0.0 < (g_i < 0.1).mean() < 0.01
    assert np.percentile(g_i, 5) > 0.2


def test_the_halo_near_the_sun_is_as_dense_as_gaia_counted_it():
    # Bird et al. 2026, arXiv:2603.11354: 1.7e-4 stars a cubic parsec, from giants to M_G = 13
    known = mainsequence.knots()
    m_g = known.mags[:, BAND["gaia_g"]] - 0.1136 + metallicity.fainter(np.array(HALO.feh))
    bright = 0.5 * (m_g[1:] + m_g[:-1]) < 13.0
    numbers = known.numbers * mainsequence.share_of(HALO) * HALO.share
    assert numbers[bright].sum() == pytest.approx(1.7e-4, rel=0.2)


def test_pairs_are_as_many_as_published_and_brighter_by_less_than_a_factor_two():
    random = np.random.default_rng(1)
    assert binaries.share(np.array([0.2, 1.0, 2.0])) == pytest.approx([0.20, 0.44, 0.57], abs=0.02)
    masses = binaries.companions(np.full(10_000, 1.0), random)
    assert ((masses >= 0.079) & (masses <= 1.0)).all()
    assert masses.mean() == pytest.approx(0.54, abs=0.01)
    assert binaries.joined(np.array([10.0]), np.array([10.0])) == pytest.approx(9.2474, abs=1e-4)


def test_the_solar_neighbourhood_has_as_many_dwarfs_as_were_counted():
    known = mainsequence.knots()
    assert 0.07 < known.numbers.sum() < 0.14
    assert THIN.share == 1.0
