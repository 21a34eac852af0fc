"""Galaxies of a block: the same for whoever draws them, inside, visible, of sane shapes."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skyquarry.synthetic.bands import BAND
from skyquarry.synthetic.beyond import shapes
from skyquarry.synthetic.beyond.galaxies import WEB, Galaxies
from skyquarry.synthetic.beyond.galaxyseds import DUST, archetypes, galaxy_table
from skyquarry.synthetic.beyond.spectra import WAVELENGTH_NM
from skyquarry.synthetic.blocks import Block, limits_of
from skyquarry.synthetic.sources import Kind
from skyquarry.testing.naive.simulate import galaxy_magnitudes

LIMITS = limits_of({"sdss_r": 21.0, "wise_w1": 19.5})


def block(pixel=81_000, seed=1, limits=LIMITS):
    return Block(pixel, seed, limits)


def drawn(where):
    return Galaxies().drawn(where, where.generator(20))


@pytest.fixture(scope="module")
def some():
    return drawn(block())


def test_the_same_block_has_the_same_galaxies_in_any_order_of_drawing(some):
    drawn(block(12))
    again = drawn(block())
    np.testing.assert_array_equal(some.ra_deg, again.ra_deg)
    np.testing.assert_array_equal(some.mags, again.mags)
    assert not np.array_equal(some.redshift[:50], drawn(block(seed=2)).redshift[:50])


@pytest.mark.parametrize("pixel", [0, 81_000, 196_607, 16_383])
def test_all_galaxies_lie_in_their_block_and_could_be_seen(pixel):
    where = block(pixel)
    made = drawn(where)
    assert where.contains(made.ra_deg, made.dec_deg).all()
    assert where.visible(made.mags).all()
    assert (made.kind == Kind.GALAXY).all()


def test_a_fainter_limit_adds_galaxies_as_faint_as_it():
    deep = drawn(block(limits=limits_of({"sdss_r": 22.0})))
    shallow = drawn(block(limits=limits_of({"sdss_r": 20.0})))
    ratio = len(deep) / len(shallow)
    assert 4 < ratio < 10


def test_all_columns_of_a_galaxy_are_told(some):
    for name in ("redshift", "half_light_arcsec", "sersic", "axis_ratio", "ebv", "mass_msun"):
        assert np.isfinite(getattr(some, name)).all(), name
    assert np.isfinite(some.mags).all()
    assert np.isnan(some.teff_k).all()
    assert (some.half_light_arcsec > 0).all()
    assert (some.axis_ratio > 0.04).all()
    assert (some.axis_ratio <= 1).all()
    assert (some.parallax_mas == 0).all()


def test_a_typical_spiral_at_a_tenth_of_the_speed_of_light_spans_two_arcseconds(some):
    like_ours = (some.redshift > 0.08) & (some.redshift < 0.14) & (some.sersic < 2.5)
    bright = like_ours & (some.mags[:, BAND["sdss_r"]] < 18.5)
    assert 1.0 < np.median(some.half_light_arcsec[bright]) < 4.0


def test_faint_galaxies_are_as_large_as_in_cosmos():
    """Hubble's images: median circular half-light radii of half an arcsecond (from memory)."""
    made = drawn(block(limits=limits_of({"sdss_r": 22.0})))
    faint = (made.mags[:, BAND["sdss_r"]] > 21) & (made.mags[:, BAND["sdss_r"]] < 22)
    circle = made.half_light_arcsec[faint] * np.sqrt(made.axis_ratio[faint])
    assert 0.44 < np.median(circle) < 0.56


@pytest.mark.parametrize(
    ("redshift", "red", "kpc"), [(0.75, True, 2.63), (1.25, True, 1.66), (1.25, False, 5.01)]
)
def test_distant_galaxies_have_the_sizes_of_candels(redshift, red, kpc):
    """Van der Wel et al. 2014, table 1, at 5e10 Msun: major axes (from memory)."""
    shen, ratio = (2.82, 0.75) if red else (3.86, 0.55)
    there = shen * shapes.shrunk(redshift, np.array(red)) / np.sqrt(ratio)
    assert there == pytest.approx(kpc, rel=0.15)


def test_near_galaxies_have_the_sizes_that_were_measured_there():
    assert (shapes.shrunk(np.array([0.05, 0.1, 0.3]), np.array([True, True, False])) == 1).all()


def test_sizes_at_the_break_are_those_by_mass():
    """Shen et al. 2003: 0.1 (M/Msun)^0.14 (1 + M/M0)^0.25 kpc at M = M0 = 3.98e10."""
    kpc, scatter = shapes.late_radius_kpc(-20.91)
    assert kpc == pytest.approx(0.1 * 3.98e10**0.14 * 2**0.25, rel=0.1)
    assert 0.27 < scatter < 0.45


def test_discs_are_seen_from_all_sides_and_spheroids_are_rounder():
    random = np.random.default_rng(1)
    discs, spheroids = (
        shapes.late_axis_ratio(random, 20_000),
        shapes.early_axis_ratio(random, 20_000),
    )
    assert np.percentile(discs, 10) < 0.3
    assert np.median(spheroids) == pytest.approx(0.75, abs=0.06)
    assert 0.45 < np.median(discs) < 0.62


def test_the_table_of_magnitudes_tells_its_nodes_and_is_linear_between_them():
    table = galaxy_table()
    z, colour = table.redshift[7], table.colour[4]
    plain = int(np.flatnonzero(DUST == 0.0)[0])
    np.testing.assert_allclose(
        table.at(*np.array([[z], [colour], [0.0]]))[0], table.mags[7, 4, plain], atol=1e-5
    )
    between = table.at(*np.array([[z], [(colour + table.colour[5]) / 2], [0.0]]))[0]
    np.testing.assert_allclose(
        between, (table.mags[7, 4, plain] + table.mags[7, 5, plain]) / 2, atol=1e-5
    )


def test_dust_reddens_by_as_much_as_the_colour_is_told_to_be():
    table = galaxy_table()
    for colour, dust in ((1.2, 0.0), (1.4, 0.1), (1.6, 0.3)):
        mags = table.at(*np.array([[0.0], [colour], [dust]]))[0]
        assert mags[BAND["sdss_u"]] - mags[BAND["sdss_r"]] == pytest.approx(colour, abs=0.02)
        assert mags[BAND["sdss_r"]] == pytest.approx(0.0, abs=1e-5)


def test_infrared_colours_go_from_stars_to_dust_as_galaxies_turn_blue():
    """Vega; Wright et al. 2010, figure 12: ellipticals near (0, 0.6), spirals (0.2, 3.5)."""
    table = galaxy_table()
    bands = [BAND[f"wise_w{k}"] for k in (1, 2, 3)]
    seen = table.at(*np.array([[0.02, 0.02], [2.55, 1.2], [0.0, 0.0]]))[:, bands]
    red, blue = seen - np.array([2.699, 3.339, 5.174])
    np.testing.assert_allclose(-np.diff(red), [-0.03, 0.6], atol=0.15)
    np.testing.assert_allclose(-np.diff(blue), [0.3, 3.4], atol=0.3)


@pytest.mark.parametrize("u_r", [2.2, 2.4, 2.6])
def test_red_galaxies_have_as_little_ultraviolet_light_as_galex_finds(u_r):
    """NUV-r of the red sequence, 5 to 7: Wyder et al. 2007, ApJS 173, 293 (from memory)."""
    table, spectra = galaxy_table(), archetypes()
    row = spectra[np.abs(table.colour - u_r).argmin()]
    near, far = (row[abs(WAVELENGTH_NM / nm - 1) < 0.05].mean() for nm in (620.0, 227.0))
    assert 4.8 < 2.5 * np.log10(near / far) < 7.2


def test_places_that_are_near_share_the_web():
    where = block()
    logs = np.log(WEB.densities(where, 1.0))
    fine = logs.reshape(len(logs), -1, 4)
    assert fine.std(axis=2).mean() < 0.8 * logs.std(axis=1).mean()


@settings(max_examples=40)
@given(
    redshift=st.floats(0.0, 3.5), colour=st.floats(-1.0, 4.0), dust=st.floats(-0.3, 0.8),
)  # fmt: skip
def test_magnitudes_are_those_of_the_naive_twin(redshift, colour, dust):
    table = galaxy_table()
    told = table.at(*np.array([[redshift], [colour], [dust]]), np.array([40.0]))[0]
    np.testing.assert_allclose(
        told, galaxy_magnitudes(table, redshift, colour, dust) + 40.0, atol=2e-5
    )
