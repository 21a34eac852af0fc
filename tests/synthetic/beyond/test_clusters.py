"""Clusters: as many as are found, members in one block each, ridges, brightest galaxies."""

import numpy as np
import pytest

from skyquarry.sky import healpix
from skyquarry.sky.vectors import separation_arcsec, to_xyz
from skyquarry.synthetic.bands import BAND
from skyquarry.synthetic.beyond import massfunction
from skyquarry.synthetic.beyond.clusters import CELL_ORDER, Clusters, _members, clusters_of
from skyquarry.synthetic.beyond.cosmology import distance_modulus
from skyquarry.synthetic.blocks import BLOCK_ORDER, Block, limits_of

POPULATION, SEED = Clusters(), 7
LIMITS = limits_of({"sdss_r": 21.5, "sdss_i": 21.0})
CELLS = range(3000, 3060)


def drawn(pixel):
    block = Block(pixel, SEED, LIMITS)
    return POPULATION.drawn(block, block.generator(POPULATION.number))


@pytest.fixture(scope="module")
def haloes():
    found = [clusters_of(POPULATION, SEED, cell) for cell in CELLS]
    names = ("redshift", "mass_msun", "richness", "system", "reach_arcsec")
    return {name: np.concatenate([getattr(each, name) for each in found]) for name in names}


@pytest.mark.parametrize("cell", [3011, 0, 12_287, 1023])
def test_each_member_of_a_cluster_is_in_one_block_and_no_other(cell):
    members = _members(POPULATION, SEED, cell, LIMITS.tobytes())
    pixels = np.unique(healpix.index(members.ra_deg, members.dec_deg, BLOCK_ORDER))
    found = [drawn(int(pixel)) for pixel in pixels]
    theirs = np.concatenate([each.ra_deg + 1j * each.dec_deg for each in found])
    ours = members.ra_deg + 1j * members.dec_deg
    assert np.isin(ours, theirs).all()
    assert len(np.unique(theirs)) == len(theirs)


def test_members_lie_in_their_block_and_could_be_seen():
    block = Block(3011 << 4, SEED, LIMITS)
    made = drawn(block.pixel)
    assert len(made) > 5
    assert block.contains(made.ra_deg, made.dec_deg).all()
    assert block.visible(made.mags).all()


def test_no_cluster_reaches_beyond_the_neighbours_of_its_cell(haloes):
    assert haloes["reach_arcsec"].max() <= 3600
    assert healpix.cell_area_deg2(CELL_ORDER) > (3600 / 0.6 / 3600) ** 2


# ------------------------------------------------------------------ how many
@pytest.mark.parametrize(
    ("low", "high", "number", "source"),
    [
        (0.1, 0.3, 0.69, "SDSS: Costanzi et al. 2019, MNRAS 488, 4779: 6,964 in 10,134 deg2"),
        (0.2, 0.65, 4.4, "DES Y1: Abbott et al. 2020, PRD 102, 023509: 6,504 in 1,437 deg2"),
    ],
)  # fmt: skip
def test_as_many_rich_clusters_as_redmapper_finds(haloes, low, high, number, source):
    """Figures from memory."""
    found = (haloes["richness"] > 20) & (haloes["system"] >= 0)
    found &= (haloes["redshift"] > low) & (haloes["redshift"] < high)
    area = len(CELLS) * healpix.cell_area_deg2(CELL_ORDER)
    assert found.sum() / area == pytest.approx(number, rel=0.3), source


def test_the_density_field_is_normalised_and_grows():
    sphere = 4 / 3 * np.pi * (8 / 0.7) ** 3 * 2.775e11 * 0.49 * 0.3
    assert massfunction.deviation(sphere) == pytest.approx(0.81, rel=1e-3)
    a = np.linspace(1e-4, 1, 200_000)
    for z, steps in ((0.0, a), (1.0, a[a <= 0.5])):
        rate = np.sqrt(0.3 / steps + 0.7 * steps**2)
        integral = np.trapezoid(rate**-3, steps)
        unnormalised = integral * np.sqrt(0.3 * (1 + z) ** 3 + 0.7)
        if z == 0:
            today = unnormalised
    assert massfunction.growth(1.0) == pytest.approx(unnormalised / today, rel=0.01)


def test_haloes_thin_out_with_mass_and_redshift():
    mass = np.array([1e14, 3e14, 1e15])
    now, then = massfunction.density(mass, 0.1), massfunction.density(mass, 0.8)
    assert (np.diff(np.log(now)) < -1).all()
    assert (np.diff(np.log(then / now)) < 0).all()


def test_a_tenth_as_many_projections_belong_to_no_system(haloes):
    groups = (haloes["system"] < 0).sum() / (haloes["system"] >= 0).sum()
    assert groups == pytest.approx(0.25, abs=0.05)


# ------------------------------------------------------------------ how they look
@pytest.fixture(scope="module")
def rich():
    """Clusters of more than 60 members, 0.1 < z < 0.3: (index in its cell, cell)."""
    found = []
    for cell in CELLS:
        there = clusters_of(POPULATION, SEED, cell)
        some = (there.richness > 50) & (there.redshift > 0.1) & (there.redshift < 0.3)
        found += [(cell, int(k)) for k in np.flatnonzero(some & (there.system >= 0))]
    assert len(found) >= 8
    return found


def of(cell, k):
    there, members = (
        clusters_of(POPULATION, SEED, cell),
        _members(POPULATION, SEED, cell, LIMITS.tobytes()),
    )
    return there, members.taken(members.system == there.system[k])


def test_red_members_lie_on_a_ridge_five_hundredths_wide(rich):
    widths = []
    for cell, k in rich:
        mine = of(cell, k)[1]
        early = mine.sersic > 2.6
        g_r = mine.mags[early, BAND["sdss_g"]] - mine.mags[early, BAND["sdss_r"]]
        r = mine.mags[early, BAND["sdss_r"]]
        left = g_r - np.polyval(np.polyfit(r, g_r, 2), r)
        widths.append(1.48 * np.median(abs(left)))
    assert np.median(widths) == pytest.approx(0.05, abs=0.015)


def test_the_brightest_galaxy_is_luminous_and_mostly_at_the_center(rich):
    off, luminous = [], []
    for cell, k in rich:
        there, mine = of(cell, k)
        first = mine.mags[:, BAND["sdss_r"]].argmin()
        absolute = mine.mags[first, BAND["sdss_i"]] - distance_modulus(there.redshift[k])
        luminous.append(float(absolute) < -22.5)
        center = to_xyz(there.ra_deg[k : k + 1], there.dec_deg[k : k + 1])
        at = to_xyz(mine.ra_deg[first : first + 1], mine.dec_deg[first : first + 1])
        off.append(float(separation_arcsec(center, at)[0]) > 60)
    assert np.mean(luminous) > 0.8
    assert np.mean(off) < 0.3


def test_members_crowd_to_the_center_and_move(rich):
    cell, k = rich[0]
    there, mine = of(cell, k)
    center = to_xyz(*(np.full(len(mine), each[k]) for each in (there.ra_deg, there.dec_deg)))
    out = separation_arcsec(center, to_xyz(mine.ra_deg, mine.dec_deg)) / there.reach_arcsec[k]
    assert out.max() <= 1.0 + 1e-6
    assert 0.2 < np.median(out) < 0.5
    moving = 299_792 * (mine.redshift - there.redshift[k]).std() / (1 + there.redshift[k])
    assert 450 < moving < 1500


def test_about_as_many_red_members_are_bright_as_the_richness_tells(rich):
    ratios = []
    for cell, k in rich:
        there, mine = of(cell, k)
        absolute = mine.mags[:, BAND["sdss_r"]] - distance_modulus(there.redshift[k])
        bright = (mine.sersic > 2.0) & (absolute < -19.4)
        ratios.append(bright.sum() / there.richness[k])
    assert 0.8 < np.median(ratios) < 2.2
