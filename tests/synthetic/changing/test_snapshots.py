"""Variables in a survey that looked once."""

import numpy as np
import pytest

from skyquarry.synthetic.bands import BAND
from skyquarry.synthetic.changing.lightcurves import found
from skyquarry.synthetic.changing.snapshots import dated
from skyquarry.synthetic.observe.surveys import gaia, sdss, twomass
from skyquarry.synthetic.sources import Kind, Sources

N = 600


@pytest.fixture(scope="module")
def sky():
    """RR Lyrae stars, quasars and constant stars, 600 each, and their ids."""
    place = np.random.default_rng(1).uniform(0, 30, (2, 3 * N))
    kind = np.repeat([Kind.GIANT, Kind.QUASAR, Kind.MAIN_SEQUENCE], N)
    known = {"ra_deg": 120 + place[0], "dec_deg": place[1], "kind": kind, "mags": 17.0}
    redshift = np.where(kind == Kind.QUASAR, 1.5, np.nan)
    sources = Sources.of(3 * N, teff_k=6600.0, redshift=redshift, **known)
    ids = np.repeat(np.array([51, 25, 1]) << 32, N) + np.tile(np.arange(N), 3)
    return sources, ids


def change(sky, instrument, band, which=slice(None)):
    sources, ids = (sky[0].taken(np.arange(3 * N)[which]), sky[1][which])
    caught = dated(instrument, sources, ids, found(sources, ids, 1), 1)
    return (caught.mags - sources.mags)[:, BAND[band]]


def test_rr_lyrae_are_caught_at_any_phase(sky):
    away = change(sky, sdss.INSTRUMENT, "sdss_g")[:N]
    # Half of its period a star of type ab is fainter than its mean, by up to 0.4 amplitudes.
    assert away.std() == pytest.approx(0.33, abs=0.06)
    assert abs(away.mean()) < 0.05
    redder = change(sky, sdss.INSTRUMENT, "sdss_i")[:N]
    assert redder.std() / away.std() == pytest.approx(0.6, abs=0.05)


def test_quasars_are_away_from_their_means(sky):
    away = change(sky, sdss.INSTRUMENT, "sdss_g")[N : 2 * N]
    # Of luminous ones, M_i = -27.8: MacLeod et al. 2010 have about 0.1 mag.
    assert 0.05 < away.std() < 0.2
    assert len(np.unique(away)) > 0.95 * N


def test_constant_stars_and_their_other_bands_are_as_in_the_truth(sky):
    assert (change(sky, sdss.INSTRUMENT, "sdss_r")[2 * N :] == 0).all()
    assert (change(sky, sdss.INSTRUMENT, "twomass_j") == 0).all()


def test_a_survey_of_many_looks_tells_the_mean(sky):
    sources, ids = sky
    assert dated(gaia.INSTRUMENT, sources, ids, found(sources, ids, 1), 1) is sources


def test_two_surveys_catch_it_at_different_phases(sky):
    one = change(sky, sdss.INSTRUMENT, "sdss_g")[:N]
    other = change(sky, twomass.INSTRUMENT, "twomass_j")[:N]
    assert abs(np.corrcoef(one, other)[0, 1]) < 0.15
    assert 0.2 < other.std() / one.std() < 0.5


def test_it_depends_on_the_source_alone(sky):
    whole = change(sky, sdss.INSTRUMENT, "sdss_g")
    part = change(sky, sdss.INSTRUMENT, "sdss_g", slice(100, 1500, 7))
    np.testing.assert_array_equal(part, whole[100:1500:7])
