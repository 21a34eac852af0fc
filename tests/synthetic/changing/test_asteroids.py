"""Asteroids: how many, how fast, and in one survey alone."""

import numpy as np
import pytest

from skyquarry.sky import healpix
from skyquarry.sky.frames import from_frame
from skyquarry.sky.vectors import to_radec, to_xyz
from skyquarry.synthetic.bands import BAND
from skyquarry.synthetic.blocks import Block, limits_of
from skyquarry.synthetic.changing.asteroids import Asteroids, per_deg2
from skyquarry.synthetic.changing.populations import ASTEROIDS
from skyquarry.synthetic.observe.surveys import CATALOGUES, sdss
from skyquarry.testing.changingsky import lit

ALL = limits_of({k: v for each in CATALOGUES.values() for k, v in each.instrument.faintest.items()})


def block_at(longitude, latitude, seed=1):
    ra, dec = to_radec(from_frame(to_xyz([longitude], [latitude]), "ecliptic"))
    return Block(int(healpix.index(ra, dec, 7)[0]), seed, ALL)


def drawn(latitude, model=ASTEROIDS[0], blocks=30):
    some = [block_at(12.0 * k, latitude) for k in range(blocks)]
    return [model.drawn(each, each.generator(model.number)) for each in some], some[0].area_deg2


def test_as_many_on_the_ecliptic_as_published():
    made, area = drawn(0.0)
    r = np.concatenate([each.mags[:, BAND["sdss_r"]] for each in made])
    # Gladman et al. 2009: 210 to R = 23, slope 0.27; r is 0.21 fainter than R.
    assert (r < 23.21).sum() / (30 * area) == pytest.approx(210, rel=0.1)
    assert (r < 21.21).sum() / (30 * area) == pytest.approx(210 * 10**-0.54, rel=0.2)


def test_few_are_far_from_the_ecliptic():
    assert per_deg2(21.5, 25.0) < 0.1 * per_deg2(21.5, 0.0)
    assert sum(map(len, drawn(60.0)[0])) == 0


def test_colours_have_two_heaps_near_that_of_the_sun():
    some = drawn(0.0)[0]
    g_r = np.concatenate(
        [each.mags[:, BAND["sdss_g"]] - each.mags[:, BAND["sdss_r"]] for each in some]
    )
    red = g_r > 0.565
    assert 0.5 < red.mean() < 0.7
    assert 0.14 < np.median(g_r[red]) - np.median(g_r[~red]) < 0.24


def test_each_survey_has_its_own():
    for model in ASTEROIDS:
        bands = {BAND[channel.band] for channel in model.instrument.channels}
        for each in drawn(0.0, model, 5)[0]:
            finite = np.flatnonzero(np.isfinite(each.mags).any(axis=0))
            assert set(finite) <= bands
    assert len({each.number for each in ASTEROIDS}) == 3


def moved(latitude, n=2000):
    ra, dec = to_radec(from_frame(to_xyz([40.0], [latitude]), "ecliptic"))
    some = lit(ASTEROIDS[0], n, population=57, ra_deg=ra[0], dec_deg=dec[0])
    along = to_radec(from_frame(to_xyz([40.01], [latitude]), "ecliptic"))
    east = (along[0][0] - ra[0]) * np.cos(np.radians(dec[0]))
    forward = np.array([east, along[1][0] - dec[0]])
    forward /= np.hypot(*forward)
    speed = np.stack([some.changes.east_degday, some.changes.north_degday])
    return forward @ speed, np.array([-forward[1], forward[0]]) @ speed


def test_they_run_backward_at_opposition_as_circular_orbits_do():
    forward, upward = moved(0.0)
    # n / (R + sqrt R) for R of 2.2 to 3.2 au is 0.27 to 0.20 degrees a day.
    assert np.median(forward) == pytest.approx(-0.22, abs=0.02)
    assert (forward < -0.1).mean() > 0.97
    assert abs(np.median(upward)) < 0.01
    assert 0.02 < upward.std() < 0.09


def test_none_stands_still_off_the_ecliptic():
    forward, upward = moved(15.0)
    assert (np.hypot(forward, upward) > 0.1).all()
    assert np.median(forward) < -0.15


def test_a_survey_that_sees_none_has_none():
    dark = Block(81_000, 1, limits_of({"gaia_g": 21.0}))
    assert len(Asteroids(sdss.INSTRUMENT, 57).drawn(dark, np.random.default_rng(1))) == 0
