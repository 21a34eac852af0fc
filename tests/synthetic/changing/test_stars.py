"""Stars and quasars that vary: shapes, numbers, and their distributions beside real ones."""

import numpy as np
import pyarrow.parquet as pq
import pytest
from astropy.table import Table

from skyquarry.sky import healpix
from skyquarry.synthetic.bands import BAND
from skyquarry.synthetic.blocks import Block, limits_of
from skyquarry.synthetic.changing.cadence import Visits
from skyquarry.synthetic.changing.cataclysmic import Cataclysmic, outburst
from skyquarry.synthetic.changing.changes import Type
from skyquarry.synthetic.changing.eclipses import Eclipses
from skyquarry.synthetic.changing.flares import Flares, template
from skyquarry.synthetic.changing.lensing import Lensing, magnified, per_year
from skyquarry.synthetic.changing.longperiod import LongPeriod
from skyquarry.synthetic.changing.rrlyrae import RRLyrae
from skyquarry.synthetic.changing.rrlyrae import shape as rr_shape
from skyquarry.synthetic.changing.wandering import Wandering, walked
from skyquarry.synthetic.sources import Kind, Sources
from skyquarry.testing.changingsky import chosen, lit, magnitudes, quantiles, skewness

DENSE = 58_300.0 + np.arange(0.0, 120.0, 0.02)


def close_visits(mjd):
    n = len(mjd)
    return Visits(mjd, np.zeros(n, np.int8), np.full(n, 20.5), np.arange(n))


def rr_lyrae(n=1500):
    warm = np.where(np.arange(n) % 5 < 4, 6600.0, 7000.0)
    return lit(RRLyrae(), n, population=51, teff_k=warm)


def dwarfs(n, **columns):
    return {"kind": Kind.MAIN_SEQUENCE, "teff_k": np.linspace(3500, 7000, n), "companion": True,
            "mass_msun": np.linspace(0.4, 1.4, n)} | columns  # fmt: skip


def test_a_source_changes_the_same_alone_and_among_others():
    many = rr_lyrae(40)
    place, alone = RRLyrae().found(many.sources.taken(np.array([7])), many.ids[7:8], 1)
    assert place.tolist() == [0]
    assert alone.period_d[0] == many.changes.period_d[7]
    assert alone.amplitude_mag[0] == many.changes.amplitude_mag[7]


def test_shapes_of_rr_lyrae_have_their_amplitude_and_begin_at_maximum():
    phase = np.linspace(0, 1, 500)[None].repeat(4, axis=0)
    mags = rr_shape(phase, np.array([False, False, False, True]), np.array([0.5, 0.9, 1.3, 0.5]))
    np.testing.assert_allclose(np.ptp(mags, axis=1), 1.0, atol=0.05)
    np.testing.assert_allclose(mags.mean(axis=1), 0.0, atol=0.01)
    top = mags.argmin(axis=1) / 500
    assert (np.minimum(top, 1 - top) < 0.03).all()


def test_rr_lyrae_repeat_after_their_period():
    some = rr_lyrae(5)
    first = close_visits(DENSE[:50])
    later = close_visits(DENSE[:50] + 7 * some.changes.period_d[2])
    model = RRLyrae()
    np.testing.assert_allclose(model.light(some, first)[2], model.light(some, later)[2], rtol=1e-6)


@pytest.fixture(scope="module")
def halo():
    """RR Lyrae stars of Stripe 82: distances in pc, magnitudes, and the area."""
    limits = limits_of({"sdss_r": 22.5})
    ra = np.arange(-51.0, 60.0, 1.0) % 360
    cells = np.unique(healpix.index(np.repeat(ra, 3), np.tile([-1.0, 0, 1], len(ra)), 7))
    blocks = [Block(int(cell), seed, limits) for cell in cells for seed in (1, 2, 3)]
    made = Sources.concatenated([RRLyrae().drawn(each, each.generator(51)) for each in blocks])
    return made, len(blocks) * blocks[0].area_deg2


def test_as_many_rr_lyrae_and_as_far_as_in_stripe_82(shared_data, halo):
    real = Table.read(shared_data / "labels" / "s82_rrlyrae_sesar2010.fit").to_pandas()
    made, area = halo
    bins = [5, 12, 25, 50, 100]
    ours = np.histogram(1 / made.parallax_mas, bins)[0] * 278 / area
    theirs = np.histogram(real.Dist, bins)[0]
    # Streams: a fifth and more of the real stars.
    assert 0.65 < ours.sum() / theirs.sum() < 0.95
    assert (abs(ours / theirs - 0.8) < 0.45).all()


def test_colours_of_rr_lyrae_are_those_of_stripe_82(shared_data, halo):
    real = Table.read(shared_data / "labels" / "s82_rrlyrae_sesar2010.fit").to_pandas()
    made, _ = halo
    for kind, teff in ((b"ab", 6600), (b"c", 7000)):
        theirs, ours = real[real.Type == kind], made.taken(abs(made.teff_k - teff) < 50)
        for a, b in ("ug", "gr", "ri", "iz"):
            dust = ours.ebv * {"ug": 0.936, "gr": 1.018, "ri": 0.587, "iz": 0.435}[a + b]
            colour = ours.mags[:, BAND[f"sdss_{a}"]] - ours.mags[:, BAND[f"sdss_{b}"]] - dust
            assert abs(np.median(colour) - np.median(theirs[f"{a}mag"] - theirs[f"{b}mag"])) < 0.02


def test_periods_and_amplitudes_of_rr_lyrae_are_those_of_stripe_82(shared_data):
    real = Table.read(shared_data / "labels" / "s82_rrlyrae_sesar2010.fit").to_pandas()
    changes = rr_lyrae().changes
    for kind, name in ((Type.RRAB, b"ab"), (Type.RRC, b"c")):
        ours, theirs = changes.taken(changes.type == kind), real[real.Type == name]
        off = quantiles(ours.period_d) / quantiles(theirs.Per) - 1
        assert abs(off).max() < 0.05
        assert abs(quantiles(ours.amplitude_mag) - quantiles(theirs.gAmp)).max() < 0.08
    ab = changes.taken(changes.type == Type.RRAB)
    assert np.corrcoef(np.log(ab.period_d), ab.amplitude_mag)[0, 1] == pytest.approx(-0.64, abs=0.1)


def test_the_shape_fits_real_light_curves_that_it_was_not_fitted_to(shared_data):
    table = Table.read(shared_data / "labels" / "s82_rrlyrae_sesar2010.fit").to_pandas()
    curves = pq.read_table(shared_data / "lightcurves" / "s82_rrlyr.parquet").to_pandas()
    curves = curves[(curves.g > 10) & (curves.gerr < 0.1)].assign(id=curves.star_id.astype(int))
    both = curves.merge(table, left_on="id", right_on="__SIG2010_")
    stars = both.id.unique()[1::2]
    both = both[both.id.isin(stars)]
    phase = ((both.g_mjd - both.T0_g) / both.Per).to_numpy()[:, None]
    fitted = rr_shape(phase, (both.Type == b"c").to_numpy(), both.gAmp.to_numpy())[:, 0]
    away = both.g - both.gmag - 1.379 * both.Ar - both.gAmp * fitted
    assert 1.48 * np.median(abs(away - np.median(away))) < 0.08


def test_amplitudes_and_skewness_in_r_are_those_of_linear(shared_data, seen):
    real = pq.read_table(shared_data / "labels" / "linear_variables.parquet").to_pandas()
    some = rr_lyrae()
    mags = magnitudes(RRLyrae(), some, seen)[:, seen.band == 1]
    for kind, number in ((Type.RRAB, 1), (Type.RRC, 2)):
        mine, theirs = mags[some.changes.type == kind], real[real.LCtype == number]
        assert abs(np.median(np.ptp(mine, axis=1)) - theirs.Ampl.median()) < 0.08
        assert abs(np.median(skewness(mine)) - theirs["skew"].median()) < 0.3


def test_eclipsing_binaries_are_as_frequent_as_published():
    some = lit(Eclipses(), 100_000, **dwarfs(100_000))
    touching = (some.changes.type == Type.EW) & (some.changes.amplitude_mag > 0.05)
    # Two dwarfs of five are pairs. Rucinski 2002: 1 / 500; Kirk et al. 2016: 1.3 % in all.
    assert 0.4 * touching.sum() / 100_000 == pytest.approx(1 / 500, rel=0.45)
    assert 0.005 < 0.4 * len(some) / 100_000 < 0.02


def test_single_stars_do_not_eclipse():
    assert len(lit(Eclipses(), 5_000, **dwarfs(5_000, companion=False))) == 0


def test_contact_binaries_are_those_of_linear(shared_data, seen):
    real = pq.read_table(shared_data / "labels" / "linear_variables.parquet").to_pandas()
    real = real[(real.LCtype == 5) & (real.Ampl > 0.3)]
    warm = dwarfs(200_000, teff_k=np.random.default_rng(1).normal(5400, 600, 200_000))
    some = lit(Eclipses(), 200_000, **warm)
    some = chosen(some, (some.changes.type == Type.EW) & (some.changes.amplitude_mag > 0.3))
    assert abs(quantiles(np.log10(some.changes.period_d)) - quantiles(real.logP)).max() < 0.08
    assert abs(quantiles(some.changes.amplitude_mag) - quantiles(real.Ampl)).max() < 0.06
    mags = magnitudes(Eclipses(), some, seen)
    assert 0.2 < np.median(skewness(mags)) < np.quantile(real["skew"], 0.6)


def test_detached_binaries_are_faint_in_eclipse_alone():
    some = lit(Eclipses(), 60_000, **dwarfs(60_000))
    some = chosen(
        some, np.flatnonzero((some.changes.type == Type.EA) & (some.changes.period_d < 20))[:60]
    )
    mags = magnitudes(Eclipses(), some, close_visits(DENSE))
    dimmed = (mags > 1e-9).mean(axis=1)
    expected = 2 * some.changes.scale_d / some.changes.period_d
    np.testing.assert_allclose(dimmed, expected, atol=0.05)
    np.testing.assert_allclose(mags.max(axis=1), some.changes.amplitude_mag, atol=0.01)
    assert np.nanmedian(skewness(mags)) > 1.5


def test_giants_pulsate_as_in_ogle(shared_data):
    real = pq.read_table(shared_data / "labels" / "ogle3_variables_8th.parquet").to_pandas()
    real = real[(real.A_1 > 0) & (real.P_1 > 0) & (real.P_1 < 1000)]
    cool = {"kind": Kind.GIANT, "teff_k": np.linspace(2700, 3999, 20_000), "logg": 0.5}
    changes = lit(LongPeriod(), 20_000, **cool).changes
    for kind, name in ((Type.M, "Mira"), (Type.SRV, "SRV"), (Type.OSARG, "OSARG")):
        ours, theirs = changes.taken(changes.type == kind), real[real.Subtype == name]
        period = np.log10(quantiles(ours.period_d)) - np.log10(quantiles(theirs.P_1))
        size = np.log10(quantiles(ours.amplitude_mag / 2.6)) - np.log10(quantiles(theirs.A_1))
        assert abs(period).max() < 0.12
        assert abs(size).max() < 0.12


def test_no_warm_giant_and_no_dwarf_is_a_long_period_variable():
    assert len(lit(LongPeriod(), 100, kind=Kind.GIANT, teff_k=4500.0, logg=1.0)) == 0
    assert len(lit(LongPeriod(), 100, kind=Kind.MAIN_SEQUENCE, teff_k=3300.0, logg=1.0)) == 0


def test_giants_have_about_the_amplitude_that_is_told():
    some = lit(LongPeriod(), 60, kind=Kind.GIANT, teff_k=2800.0, logg=0.0)
    some = chosen(some, some.changes.type == Type.M)
    mags = magnitudes(LongPeriod(), some, close_visits(58_200 + np.arange(0, 1500, 5.0)))
    assert np.median(np.ptp(mags, axis=1) / some.changes.amplitude_mag) == pytest.approx(1, abs=0.2)
    assert np.isfinite(mags).all()


def test_the_flare_template_is_that_of_davenport():
    # Davenport et al. 2014: 1 at the peak, a half at the half times, and 0 before.
    np.testing.assert_allclose(template(np.array([0.0, -1.0])), [0.992, 0.005], atol=0.001)
    half = np.interp(0.5, template(np.array([-0.6, -0.4])), [-0.6, -0.4])
    assert abs(half + 0.5) < 0.1
    assert template(np.array([0.5]))[0] == pytest.approx(0.57, abs=0.02)
    assert template(np.array([-1.5]))[0] == 0


def test_flares_come_at_their_rate_and_are_blue():
    red = {"kind": Kind.MAIN_SEQUENCE, "teff_k": 3000.0, "parallax_mas": 50.0}
    some = lit(Flares(), 400, **red)
    assert 0.3 < len(some) / 400 < 0.8
    mjd = 58_300.0 + np.arange(0, 20, 30 / 86_400)
    seen = close_visits(mjd)
    some = chosen(some, np.arange(12))
    boost = Flares().light(some, seen) / some.quiet[:, :1] - 1
    duration = boost.sum() * 30.0 / len(some) / 20.0
    # A mean of E(duration) a day: integral of rate / ED from 5 s to the rarest one met.
    rate = some.changes.shape.mean()
    assert rate * 3 < duration < rate * 16
    bands = Visits(mjd, np.ones(len(mjd), np.int8), np.full(len(mjd), 20.5), np.arange(len(mjd)))
    red_boost = Flares().light(some, bands) / some.quiet[:, :1] - 1
    # A black body of 10,000 K has g - r = -0.06.
    assert -2.5 * np.log10(boost.sum() / red_boost.sum()) == pytest.approx(-0.06, abs=0.02)


def test_high_above_the_plane_dwarfs_are_quiet():
    red = {"kind": Kind.MAIN_SEQUENCE, "teff_k": 3000.0}
    near, far = (len(lit(Flares(), 2000, **red, parallax_mas=each)) for each in (50.0, 1.0))
    assert far < 0.05 * near


def test_lensing_is_that_of_paczynski():
    np.testing.assert_allclose(magnified(np.array([1.0])), 3 / np.sqrt(5))
    assert magnified(np.array([10.0]))[0] == pytest.approx(1 + 2 / 10**4, abs=1e-5)


def test_events_come_where_stars_are_dense():
    bulge, pole = per_year(np.array([2.0, 120.0]), np.array([-3.0, 80.0]))
    assert bulge == pytest.approx(12.6e-6, rel=0.05)
    assert pole < 1e-8
    some = lit(Lensing(times=3e6), 2000, kind=Kind.MAIN_SEQUENCE)
    assert 5 < len(some) < 200
    peak = -magnitudes(Lensing(), some, close_visits(57_900 + np.arange(0, 1700, 0.25))).min(axis=1)
    slow = some.changes.amplitude_mag < 2.5
    np.testing.assert_allclose(peak[slow], some.changes.amplitude_mag[slow], atol=0.05)


def test_outbursts_rise_in_a_day_and_fall_in_days():
    time = np.arange(-2.0, 40.0, 0.5)
    mags = outburst(time, np.array(4.0), np.array(6.0))
    assert mags[time <= 0].max() == 0
    assert mags.max() == pytest.approx(4.0, abs=0.1)
    assert (mags > 3.5).sum() * 0.5 == pytest.approx(7.5, abs=1.0)
    assert mags[-1] == 0


def test_dwarf_novae_burst_as_often_as_told():
    some = lit(Cataclysmic(), 300, population=52)
    assert len(some) == pytest.approx(180, abs=40)
    some = chosen(some, some.changes.period_d < 60)
    bright = magnitudes(Cataclysmic(), some, close_visits(58_300 + np.arange(0, 600, 0.5))) < -1.2
    bursts = (bright[:, 1:] & ~bright[:, :-1]).sum(axis=1)
    assert np.median(bursts * some.changes.period_d / 600) == pytest.approx(1.0, abs=0.2)


def test_cataclysmic_variables_have_the_local_density():
    limits = limits_of({"sdss_g": 22.0})
    block = Block(81_000, 1, limits)
    drawn = Cataclysmic(local_pc3=0.3).drawn(block, np.random.default_rng(1))
    near = ((drawn.parallax_mas > 5) & (drawn.parallax_mas < 40)).sum()
    volume = block.area_deg2 * np.radians(1) ** 2 * (200**3 - 25**3) / 3
    height = 0.75 * 200 * abs(np.sin(np.radians(block.galactic[1]))) + 25
    assert near == pytest.approx(0.3 * volume * np.exp(-height / 280), rel=0.35)


def quasars(n=400, **columns):
    return lit(Wandering(), n, kind=Kind.QUASAR, redshift=np.linspace(0.5, 3, n), **columns)


def test_amplitudes_and_times_of_quasars_are_those_of_stripe_82():
    # MacLeod et al. 2010, figure 3: structure functions of 0.1 to 0.4 mag, times of 0.3 to 4 years.
    changes = quasars(mags=19.5).changes
    assert 0.12 < np.median(changes.amplitude_mag) < 0.32
    assert 200 < np.median(changes.scale_d) < 2500


def test_quasars_walk_with_their_variance_and_forget_in_their_time():
    some = quasars(1500)
    mjd = 58_000 + np.arange(0.0, 4000.0, 50.0)
    walk = walked(some, close_visits(mjd))
    assert walk.std() == pytest.approx(1.0, abs=0.05)
    lag = 10
    together = (walk[:, lag:] * walk[:, :-lag]).mean(axis=1)
    expected = np.exp(-50.0 * lag / some.changes.scale_d)
    assert together.mean() == pytest.approx(expected.mean(), abs=0.05)


def test_quasars_are_redder_when_faint(seen):
    some = quasars(300)
    mags = magnitudes(Wandering(), some, seen)
    size = [mags[:, seen.band == band].std() for band in (0, 1)]
    assert size[1] / size[0] == pytest.approx((643 / 481) ** -0.479, rel=0.05)
