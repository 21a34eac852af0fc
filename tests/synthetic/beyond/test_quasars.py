"""Quasars: as many, and of the colours, that surveys find; light through the hydrogen between."""

import itertools

import numpy as np
import pyarrow.parquet as pq
import pytest

from skyquarry.synthetic.bands import BAND
from skyquarry.synthetic.beyond import igm, quasars
from skyquarry.synthetic.beyond.quasars import QuasarPopulation
from skyquarry.synthetic.beyond.quasarseds import Quasars, quasar_table
from skyquarry.synthetic.blocks import Block, limits_of
from skyquarry.synthetic.sources import Kind, Sources
from skyquarry.testing import realsky

LIMITS = limits_of({"sdss_g": 22.6, "sdss_i": 21.2})
EXTINCTION = np.array([4.239, 3.303, 2.285, 1.698, 1.263])


@pytest.fixture(scope="module")
def seen():
    """Quasars of 250 square degrees off the disc: Sources, area."""
    population = QuasarPopulation()
    blocks = [Block(60_000 + 61 * k, 2, LIMITS) for k in range(1500)]
    high = [block for block in blocks if abs(block.galactic[1]) > 30]
    made = [population.drawn(block, block.generator(population.number)) for block in high]
    return Sources.concatenated(made), sum(block.area_deg2 for block in high)


def test_a_block_has_the_same_quasars_whoever_draws_it_all_of_them_points_inside():
    population, block = QuasarPopulation(), Block(81_000, 1, LIMITS)
    first, again = (population.drawn(block, block.generator(21)) for _ in range(2))
    np.testing.assert_array_equal(first.mags, again.mags)
    assert block.contains(first.ra_deg, first.dec_deg).all()
    assert block.visible(first.mags).all()
    assert (first.kind == Kind.QUASAR).all()
    assert (first.half_light_arcsec == 0).all()
    assert np.isfinite(first.mags).all()


# ------------------------------------------------------------------ how many
@pytest.mark.parametrize(("low", "high", "number"), [(0, 1, 30), (1, 2.15, 99), (2.15, 7, 47)])
def test_as_many_to_g_22_5_as_deep_surveys_count(seen, low, high, number):
    """Palanque-Delabrouille et al. 2013, A&A 551, A29, abstract: a square degree, dereddened."""
    made, area = seen
    g = made.mags[:, BAND["sdss_g"]] - 3.303 * made.ebv
    found = (g < 22.5) & (made.redshift > low) & (made.redshift < high)
    assert found.sum() / area == pytest.approx(number, rel=0.3)


@pytest.mark.parametrize(
    ("low", "high", "faint", "number"), [(0.3, 2.2, 18.6, 2.63), (0.3, 2.2, 19.1, 5.28),
                                         (3, 5, 20.2, 1.37)]
)  # fmt: skip
def test_as_many_bright_ones_as_in_sdss(seen, low, high, faint, number):
    """Richards et al. 2006, AJ 131, 2766, tables 2 and 3: N(<i), dereddened."""
    made, area = seen
    i = made.mags[:, BAND["sdss_i"]] - 1.698 * made.ebv
    found = (i < faint) & (made.redshift > low) & (made.redshift < high)
    assert found.sum() / area == pytest.approx(number, rel=0.3)


# ------------------------------------------------------------------ how they look
def held(real, z_real, seen, chosen, edges):
    made = realsky.as_sdss_sees(seen[0].mags[:, :5].astype(float), extended=False)
    z_made = seen[0].redshift
    for low, high in itertools.pairwise(edges):
        theirs = realsky.colours(real[chosen(real) & (z_real >= low) & (z_real < high)])
        ours = realsky.colours(made[chosen(made) & (z_made >= low) & (z_made < high)])
        yield low, ours, theirs


def test_colours_by_redshift_are_those_of_dr5_quasars(shared_data, seen):
    table = pq.read_table(shared_data / "labels" / "sdss_dr5_qso.parquet")
    real = np.stack([table[f"{band}_mag"].to_numpy() for band in "ugriz"], axis=1)
    good = (real > 10).all(axis=1) & (real < 27).all(axis=1)
    edges = (0.25, 0.35, 0.5, 0.7, 0.9, 1.1, 1.3, 1.5, 1.7, 1.9, 2.1, 2.3, 2.6)
    ratios = []
    z = table["z"].to_numpy()[good]
    for low, ours, theirs in held(real[good], z, seen, lambda m: m[:, 3] < 19.3, edges):
        off = abs(np.median(ours, axis=0) - np.median(theirs, axis=0))
        luck = 1.25 * realsky.half_width(ours) / np.sqrt(len(ours))
        assert (off <= 0.1 + 2 * luck).all(), (low, off)
        assert off.mean() <= 0.05 + luck.mean(), (low, off)
        ratios.append(realsky.half_width(ours) / realsky.half_width(theirs))
    assert abs(np.mean(ratios, axis=0) - 1).max() < 0.2


def test_colours_by_redshift_are_those_of_dr14_quasars_too(shared_data, seen):
    real, z = realsky.spectroscopic(shared_data / "labels" / "sdss_dr14_10k.parquet", "QSO")
    edges = (0.4, 0.7, 1.0, 1.3, 1.6, 2.0)
    bright = lambda m: (m[:, 0] < 19.6) & (m[:, 1] < 20)  # noqa: E731
    for low, ours, theirs in held(real, z, seen, bright, edges):
        off = abs(np.median(ours, axis=0) - np.median(theirs, axis=0))
        luck = 1.25 * realsky.half_width(theirs) / np.sqrt(len(theirs))
        assert (off <= 0.1 + luck).all(), (low, off)


def test_beyond_redshift_three_the_forest_reddens_g_as_in_dr5(shared_data, seen):
    """u-g is not held there: u is lost in noise, and selection of real ones leans on it."""
    table = pq.read_table(shared_data / "labels" / "sdss_dr5_qso.parquet")
    real = np.stack([table[f"{band}_mag"].to_numpy() for band in "ugriz"], axis=1)
    z, bright = table["z"].to_numpy(), lambda m: m[:, 3] < 20.2
    for low, ours, theirs in held(real, z, seen, bright, (2.7, 3.1, 3.6)):
        off = abs(np.median(ours, axis=0) - np.median(theirs, axis=0))
        assert off[1] < 0.2, (low, off)
        assert off[2:].max() < 0.1, (low, off)


def test_warm_dust_makes_them_red_in_wise():
    """W1-W2 near 1.2 at z = 1 to 2, less beyond (Stern et al. 2012, ApJ 753, 30)."""
    at = np.array([0.5, 1.0, 1.8, 3.2])
    mags = quasar_table().at(Quasars.mean(at))
    w1_w2 = mags[:, BAND["wise_w1"]] - mags[:, BAND["wise_w2"]] + 0.64
    np.testing.assert_allclose(w1_w2, [1.1, 1.25, 1.2, 0.85], atol=0.15)


def test_a_host_makes_faint_ones_redder_and_bright_ones_not():
    ratio = quasars.host_ratio(np.array([-21.0, -23.0, -26.0]))
    assert ratio[0] > 0.4 > ratio[1] > 0.02
    assert ratio[2] < 0.02


# ------------------------------------------------------------------ between them and us
def test_hydrogen_lets_through_what_is_measured():
    """Mean transmission of the forest (Becker et al. 2013, MNRAS 430, 2067): 0.68, 0.42."""
    for z, mean in ((3.0, 0.68), (4.0, 0.42)):
        there = np.array([121.567 * (1 + z)])
        assert igm.transmission(there, z + 0.1)[0] == pytest.approx(mean, abs=0.05)


def test_nothing_is_lost_redwards_of_lyman_alpha_and_all_far_beyond_the_limit():
    z = 3.5
    told = igm.transmission(np.array([121.7, 60.0]) * (1 + z), z)
    assert told[0] == 1.0
    assert told[1] < 0.05


def test_thick_clouds_are_as_frequent_as_in_blind_surveys():
    """1.21 a unit of redshift at 2.8 (Fumagalli et al. 2013, ApJ 775, 78)."""
    before = igm.first_thick(np.full(20_000, 2.9), np.random.default_rng(1))
    reached = np.log(3.9 / 3.7)
    assert (before < reached).mean() == pytest.approx(1 - np.exp(-1.21 * 0.2), abs=0.01)
    assert (igm.first_thick(np.full(2_000, 0.5), np.random.default_rng(1)) > 0.1).mean() > 0.9


def test_a_thick_cloud_ends_the_light_at_its_own_limit_and_not_before():
    nm = 91.2 * 4.0 * np.exp(np.array([-0.12, -0.08, 0.01]))
    clouded, clear = (igm.transmission(nm, 3.0, first) for first in (0.1, 5.0))
    assert clouded[0] < 0.04 * clear[0] / clear[1]
    np.testing.assert_array_equal(clouded[1:], clear[1:])
    assert clear[0] > 0.15


def test_quasars_of_redshift_three_differ_in_u_by_the_clouds_before_them():
    made = QuasarPopulation().own(
        np.full(4_000, 3.1), np.full(4_000, -26.0), np.random.default_rng(2)
    )
    u, g = quasar_table().at(made)[:, :2].T
    low, middle, high = np.percentile(u - g, [16, 50, 84])
    assert high - middle > 1.5 * (middle - low)
    assert high - low > 0.8


# ------------------------------------------------------------------ how they vary
def test_a_bright_quasar_varies_by_a_fifth_of_a_magnitude_over_a_year():
    amplitude, days = quasars.structure_function(
        623.0, -26.0, 1.5, quasars.black_hole_msun(np.array([-26.0]))
    )
    assert 0.1 < float(amplitude[0]) < 0.35
    assert 200 < float(days[0]) < 1500


def test_the_luminosity_function_is_continuous_where_its_parts_meet():
    m = np.linspace(-29, -21, 30)
    below, above = quasars.density(m, 2.2 - 1e-9), quasars.density(m, 2.2 + 1e-9)
    np.testing.assert_allclose(above / below, 1.0, atol=0.2)
