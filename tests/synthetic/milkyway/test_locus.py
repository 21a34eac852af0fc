import numpy as np
import pytest

from skyquarry.errors import UserError
from skyquarry.synthetic.bands import BAND
from skyquarry.synthetic.milkyway import locus, metallicity, tables

SEEN = [name for name in BAND if not name.startswith(("ukidss", "wise_w3", "wise_w4", "sdss_r"))]


def test_mamajeks_sun_is_as_he_tells_it():
    m = tables.dwarfs()
    sun = np.flatnonzero(m["spectral_type"] == -8)[0]
    assert (m["Teff"][sun], m["M_G"][sun], m["M_Ks"][sun]) == (5770, 4.635, 3.236)
    assert np.isnan(m["i-z"][sun])


def test_a_package_that_is_missing_is_told_with_what_to_install():
    with pytest.raises(UserError, match=r"no package not_a_package.*skyquarry\[simulate\]"):
        tables.file_of("not_a_package", "data.txt")


@pytest.mark.parametrize("band", SEEN)
def test_colours_are_those_of_real_stars_that_all_surveys_saw(band, field_of_m67):
    g_i = field_of_m67[:, BAND["sdss_g"]] - field_of_m67[:, BAND["sdss_i"]]
    off = field_of_m67 - field_of_m67[:, [BAND["sdss_r"]]] - locus.colours(g_i)
    for low, high in ((0.7, 0.9), (0.9, 1.1), (1.1, 1.4), (1.4, 1.8)):
        some = off[(g_i > low) & (g_i <= high), BAND[band]]
        assert abs(np.nanmedian(some)) < (0.08 if band in ("gaia_bp", "sdss_u") else 0.06)


def test_every_band_knows_every_colour():
    g_i = np.linspace(-0.6, 4.6, 521)
    mags = locus.colours(g_i)
    assert np.isfinite(mags).all()
    assert np.abs(np.diff(mags[g_i < 4.3], axis=0)).max() < 0.05


def test_metal_poor_dwarfs_are_fainter_and_bluer_in_u_g():
    feh = np.array([-1.5, -0.1])
    assert np.allclose(metallicity.fainter(feh), [1.1502, 0.0], atol=1e-3)
    u_g, g_r = metallicity.shifts(np.full(2, 0.6), feh)
    assert 0.2 < u_g[1] - u_g[0] < 0.6
    assert abs(g_r[1] - g_r[0]) < 1e-9
    subdwarf, dwarf = metallicity.shifts(np.full(2, 2.5), feh)[1]
    assert 0.08 < subdwarf - dwarf < 0.15


def test_bonds_polynomial_gives_back_its_own_metallicity():
    g_i, feh = np.array([0.60]), np.array([-1.2])
    g_r = g_i - np.interp(g_i, tables.table("stellar_locus.csv")["g_i"],
                          tables.table("stellar_locus.csv")["r_i"])  # fmt: skip
    mags = locus.colours(g_i)[0]
    x = mags[BAND["sdss_u"]] - mags[BAND["sdss_g"]] + metallicity.shifts(g_i, feh)[0][0]
    y = g_r[0]
    told = -13.13 + 14.09 * x + 28.04 * y - 5.51 * x * y - 5.90 * x**2 - 58.68 * y**2
    told += 9.14 * x**2 * y - 20.61 * x * y**2 + 58.20 * y**3
    assert abs(told - feh[0]) < 0.05
