"""Supernovae: rates, hosts, light curves and colours beside real ones."""

import numpy as np
import pyarrow.parquet as pq
import pytest
from astropy.table import Table

from skyquarry.sky.vectors import separation_arcsec, to_xyz
from skyquarry.synthetic.bands import BAND
from skyquarry.synthetic.beyond.cosmology import distance_modulus, volume_mpc3_deg2
from skyquarry.synthetic.beyond.galaxies import Galaxies
from skyquarry.synthetic.blocks import Block, limits_of, truth_of
from skyquarry.synthetic.changing.cadence import FIRST_MJD, LAST_MJD
from skyquarry.synthetic.changing.changes import Lit, Type
from skyquarry.synthetic.changing.explosions import TEMPLATES
from skyquarry.synthetic.changing.populations import SUPERNOVAE
from skyquarry.synthetic.changing.supernovae import _beside, shining
from skyquarry.synthetic.observe.surveys import sdss
from skyquarry.synthetic.sources import Kind
from skyquarry.testing.changingsky import lit, quantiles

IA, CC, SDSS_IA, SDSS_CC = SUPERNOVAE
LIMITS = limits_of(sdss.INSTRUMENT.faintest)


def exploded(model, rate, area_deg2=3000):
    """Supernovae of a volume to redshift 0.2, with their brightest magnitude in g or r."""
    edges = np.linspace(0.003, 0.2, 200)
    many = volume_mpc3_deg2(edges[:-1], edges[1:]) * rate * area_deg2
    redshift = np.repeat(edges[1:], np.random.default_rng(1).poisson(many))
    some = lit(model, len(redshift), population=model.number, redshift=redshift, ebv=0.03)
    mjd = some.changes.epoch_mjd[:, None] + np.arange(-12.0, 30.0, 3.0)
    flux = [shining(some, mjd, np.array([[wave]])).max(axis=1) for wave in (481.0, 643.0)]
    return some, 22.5 - 2.5 * np.log10(np.maximum(*flux))


@pytest.fixture(scope="module")
def thermonuclear():
    return exploded(IA, 2.35e-5)


@pytest.fixture(scope="module")
def collapsed():
    return exploded(CC, 1.01e-4, 1500)


def test_galaxies_have_the_published_rate_of_their_volume():
    expected, found = np.zeros(2), np.zeros(2)
    for number in range(30):
        block = Block(60_000 + 1111 * number, 1, LIMITS)
        made = Galaxies().drawn(block, block.generator(20))
        for k, model in enumerate((IA, CC)):
            near = made.taken((made.redshift > 0.02) & (made.redshift < model.farthest))
            found[k] += model._rate(near, np.arange(len(near))).sum()
            edges = np.linspace(0.02, model.farthest, 50)
            volume = volume_mpc3_deg2(edges[:-1], edges[1:]) * block.area_deg2
            grown = (1 + edges[1:]) ** (model.growth - 1)
            expected[k] += (volume * model.rate_mpc3_year * grown).sum()
    assert (abs(found / expected - 1) < 0.25).all(), found / expected


@pytest.fixture(scope="module")
def hosted():
    """A block's galaxies and supernovae, and their ids."""
    populations = (Galaxies(), *SUPERNOVAE)
    block = Block(81_000, 4, LIMITS)
    return block, *truth_of(block, populations)


def test_supernovae_stand_in_galaxies_of_their_redshift(hosted):
    block, sources, ids = hosted
    guests = np.flatnonzero(sources.kind == Kind.TRANSIENT)
    assert len(guests) > 2
    place = {int(each): at for at, each in enumerate(ids)}
    hosts = sources.taken(np.array([place[int(each)] for each in sources.system[guests]]))
    some = sources.taken(guests)
    assert (hosts.kind == Kind.GALAXY).all()
    np.testing.assert_array_equal(hosts.redshift, some.redshift)
    apart = separation_arcsec(
        to_xyz(some.ra_deg, some.dec_deg), to_xyz(hosts.ra_deg, hosts.dec_deg)
    )
    assert (apart < 6 * hosts.half_light_arcsec + 0.01).all()
    assert block.contains(some.ra_deg, some.dec_deg).all()


def test_those_of_ztf_are_in_no_other_survey_and_those_of_sdss_in_none_but_sdss(hosted):
    _, sources, ids = hosted
    number = (ids >> 32) & 63
    ztf = np.isin(number, (IA.number, CC.number))
    assert np.isinf(sources.mags[ztf]).all()
    snapshot = sources.taken(np.isin(number, (SDSS_IA.number, SDSS_CC.number)))
    assert np.isinf(snapshot.mags[:, BAND["gaia_g"]]).all()
    assert (snapshot.mags[:, BAND["sdss_r"]] < 24).any()


def test_a_galaxy_left_out_leaves_none():
    block = Block(81_000, 4, LIMITS)
    sources, _ = truth_of(block, SUPERNOVAE)
    assert len(sources) == 0


def test_maxima_lie_around_the_years_of_ztf(thermonuclear):
    some, _ = thermonuclear
    epoch = some.changes.epoch_mjd
    assert FIRST_MJD - 201 < epoch.min() < FIRST_MJD - 150
    assert LAST_MJD < epoch.max() < LAST_MJD + 41


def test_redshifts_of_bright_ones_are_those_that_ztf_found(shared_data, thermonuclear, collapsed):
    real = pq.read_table(shared_data / "transients" / "ztf_spec_labels.parquet").to_pandas()
    real = real[real.Z > 0]
    (some, mags), (other, fainter) = thermonuclear, collapsed
    ours = quantiles(some.sources.redshift[mags < 18.6])
    assert abs(ours / quantiles(real[real.LABEL == "SN Ia"].Z) - 1).max() < 0.25
    two = (other.changes.type == Type.SN_II) & (fainter < 18.6)
    assert np.median(other.sources.redshift[two]) == pytest.approx(
        real[real.LABEL == "SN II"].Z.median(), rel=0.3
    )


def test_a_sample_to_a_magnitude_has_the_mix_of_types_of_ztf(shared_data, thermonuclear, collapsed):
    real = pq.read_table(shared_data / "transients" / "ztf_spec_labels.parquet").to_pandas().LABEL
    (_, mags), (other, fainter) = thermonuclear, collapsed
    ia = (mags < 18.6).sum() / 2.0
    sorts = {
        Type.SN_II: real.isin(["SN II", "SN IIP"]).sum(),
        Type.SN_IIN: real.eq("SN IIn").sum(),
        Type.SN_IBC: real.isin(["SN Ib", "SN Ic", "SN IIb", "SN Ib/c", "SN Ic-BL"]).sum(),
    }
    many = real.isin(["SN Ia", "SN Ia-91T-like", "SN Ia-91bg-like"]).sum()
    for kind, theirs in sorts.items():
        ours = ((other.changes.type == kind) & (fainter < 18.6)).sum()
        assert 0.55 < (ours / ia) / (theirs / many) < 1.8, (kind, ours / ia, theirs / many)


def test_stretches_and_colours_are_those_of_pantheon(shared_data, thermonuclear):
    real = pq.read_table(shared_data / "transients" / "pantheon_plus.parquet").to_pandas()
    real = real[(real.zHD > 0.01) & (real.zHD < 0.1)]
    some, mags = thermonuclear
    bright = some.changes.taken(mags < 18.0)
    assert abs(quantiles((bright.shape - 0.98) / 0.091) - quantiles(real.x1)).max() < 0.45
    assert abs(quantiles(bright.colour - 0.07) - quantiles(real.c)).max() < 0.04
    at_peak = bright.peak_mag + 3.6 * bright.colour
    theirs = real.mB - distance_modulus(real.zHD)
    assert abs(quantiles(at_peak) - quantiles(theirs)).max() < 0.15


@pytest.fixture(scope="module")
def carnegie(shared_data):
    """{band: (days at rest since maximum, flux over that at maximum)}, and colours at maximum."""
    folder = shared_data / "lightcurves"
    heads = Table.read(folder / "DES-SN5YR_LOWZ_HEAD.FITS.gz")
    rows = Table.read(folder / "DES-SN5YR_LOWZ_PHOT.FITS.gz")
    band = np.array(rows["BAND"]).astype(str)
    mjd, flux = np.array(rows["MJD"], float), np.array(rows["FLUXCAL"], float)
    curves = {each: ([], []) for each in ("u/a", "g/b", "r/c", "i/d")}
    peaks = []
    for head in heads:
        part = slice(head["PTROBS_MIN"] - 1, head["PTROBS_MAX"])
        peak = {}
        for name, (times, values) in curves.items():
            mine = band[part] == f"CSP-{name}"
            time = (mjd[part][mine] - head["PEAKMJD"]) / (1 + head["REDSHIFT_HELIO"])
            near = abs(time) < 4
            if mine.sum() < 8 or not near.any() or time.min() > 0:
                continue
            peak[name] = np.median(flux[part][mine][near])
            times.append(time)
            values.append(flux[part][mine] / peak[name])
        peaks.append(peak)
    return {name: tuple(map(np.concatenate, each)) for name, each in curves.items()}, peaks


@pytest.mark.parametrize(
    ("name", "wavelength"), [("u/a", 364.0), ("g/b", 477.0), ("r/c", 618.0), ("i/d", 760.0)]
)
def test_light_curves_of_type_ia_are_those_of_carnegie(carnegie, name, wavelength):
    time, flux = carnegie[0][name]
    days = np.array([-5.0, 0, 5, 10, 15, 20, 25, 30, 40])
    theirs = np.array([np.median(flux[abs(time - day) < 2.5]) for day in days])
    ours = TEMPLATES[Type.SN_IA].at(np.full((1, 9), wavelength), days[None])[0]
    assert abs(ours / ours[1] - theirs).max() < 0.08


U, G, R, I = ("u/a", 364), ("g/b", 477), ("r/c", 618), ("i/d", 760)


@pytest.mark.parametrize(("blue", "red"), [(U, G), (G, R), (R, I)])
def test_colours_at_maximum_are_those_of_carnegie(carnegie, thermonuclear, blue, red):
    theirs = [
        -2.5 * np.log10(each[blue[0]] / each[red[0]])
        for each in carnegie[1]
        if blue[0] in each and red[0] in each
    ]
    some, mags = thermonuclear
    near = np.flatnonzero(mags < 18.0)
    some = Lit(some.sources.taken(near), some.ids[near], some.changes.taken(near),
               some.quiet[near], 1)  # fmt: skip
    some.sources.redshift[:] = 0.02
    flux = [shining(some, some.changes.epoch_mjd[:, None], np.array([[1.02 * wave[1]]]))[:, 0]
            for wave in (blue, red)]  # fmt: skip
    ours = -2.5 * np.log10(flux[0] / flux[1])
    assert abs(np.median(ours) - np.median(theirs)) < 0.12


def test_supernovae_redden_as_they_age(collapsed):
    some, _ = collapsed
    some = Lit(some.sources.taken(np.arange(50)), some.ids[:50], some.changes.taken(np.arange(50)),
               some.quiet[:50], 1)  # fmt: skip
    epoch = some.changes.epoch_mjd[:, None]
    after = epoch + 25 * some.changes.shape[:, None]
    late = [shining(some, after, np.array([[w]])) for w in (481, 643)]
    early = [shining(some, epoch, np.array([[w]])) for w in (481, 643)]
    assert (late[0] / late[1] < early[0] / early[1]).mean() > 0.95


def test_offsets_from_hosts_are_about_those_of_des(shared_data):
    real = pq.read_table(shared_data / "transients" / "des_sn5yr_candidates.parquet").to_pandas()
    real = real[(real.HOSTGAL_DDLR > 0) & (real.HOSTGAL_DDLR < 4)]
    block = Block(81_000, 4, LIMITS)
    galaxies = Galaxies().drawn(block, block.generator(20))
    hosts = galaxies.taken((galaxies.half_light_arcsec > 0.5) & (galaxies.axis_ratio > 0.5))
    ra, dec = _beside(hosts, block, np.random.default_rng(1))
    apart = separation_arcsec(to_xyz(ra, dec), to_xyz(hosts.ra_deg, hosts.dec_deg))
    light_radius = hosts.half_light_arcsec * np.sqrt(hosts.axis_ratio)
    assert np.median(apart / light_radius) == pytest.approx(1.0, abs=0.15)
    assert 0.3 < np.median(real.HOSTGAL_DDLR) / np.median(apart / light_radius) < 1.5
