"""Where stars stand and how they move."""

import numpy as np
import pytest

from skyquarry.sky.frames import from_frame
from skyquarry.sky.vectors import to_radec, to_xyz
from skyquarry.synthetic.milkyway.discs import HALO, THICK, THIN, YOUNG, galactocentric
from skyquarry.synthetic.milkyway.kinematics import motions


def radec(lon, lat):
    return to_radec(from_frame(to_xyz(np.atleast_1d(lon), np.atleast_1d(lat)), "galactic"))


def test_the_sun_stands_above_the_plane_and_sees_the_center_at_longitude_0():
    x, y, z = galactocentric(np.array([0.0, 90.0]), np.zeros(2), np.array([8000.0, 100.0]))
    assert np.allclose(x, [0.0, 8000.0])
    assert np.allclose(y, [0.0, -100.0])
    assert np.allclose(z, 25.0)


@pytest.mark.parametrize(("component", "share"), [(THIN, 1.0), (THICK, 0.12), (HALO, 1.12 / 480)])
def test_local_densities_are_those_of_juric_and_of_bird(component, share):
    at_sun = component.density(np.array([8000.0]), np.zeros(1), np.zeros(1))
    assert at_sun == pytest.approx(share, rel=0.01)


def test_densities_fall_by_e_in_a_scale_height_and_the_halo_is_flat():
    x = np.array([8000.0])
    for component, height in ((YOUNG, 100.0), (THIN, 300.0), (THICK, 900.0)):
        low, high = (component.density(x, 0 * x, x * 0 + z) for z in (0.0, height))
        assert low / high == pytest.approx(np.e)
    above = HALO.density(np.zeros(1), np.zeros(1), np.array([0.64 * 9000.0]))
    beside = HALO.density(np.array([9000.0]), np.zeros(1), np.zeros(1))
    assert above == pytest.approx(beside)


@pytest.mark.parametrize(("kpc", "power"), [(15.0, 2.77), (60.0, 3.8)])
def test_the_halo_is_steeper_beyond_28_kpc(kpc, power):
    near, far = (
        HALO.density(np.array([r]), np.zeros(1), np.zeros(1)) for r in (1e3 * kpc, 1.1e3 * kpc)
    )
    assert np.log(near / far) / np.log(1.1) == pytest.approx(power, rel=0.01)


def test_stars_at_rest_in_the_disc_reflect_the_suns_motion():
    n, random = 40_000, np.random.default_rng(1)
    ra, dec = radec(np.full(n, 90.0), np.zeros(n))
    _, _, rv = motions(YOUNG, ra, dec, np.full(n, 100.0), random)
    lag = np.mean((48.0 * (np.linspace(0.1, 2.0, 1000) / 10.0) ** 0.39) ** 2) / 80.0
    assert rv.mean() == pytest.approx(-12.24 - lag, abs=0.3)
    pole = radec(np.zeros(n), np.full(n, 90.0))
    assert motions(THICK, *pole, np.full(n, 100.0), random)[2].std() == pytest.approx(
        39.0, rel=0.02
    )


def test_the_halo_does_not_rotate():
    n, random = 40_000, np.random.default_rng(1)
    ra, dec = radec(np.full(n, 90.0), np.zeros(n))
    rv = motions(HALO, ra, dec, np.full(n, 10.0), random)[2]
    assert rv.mean() == pytest.approx(-232.24, abs=2.0)


def test_proper_motions_shrink_with_distance():
    n = 5_000
    ra, dec = radec(np.full(n, 30.0), np.full(n, 40.0))
    near, far = (
        motions(HALO, ra, dec, np.full(n, d), np.random.default_rng(2)) for d in (100, 200)
    )
    assert np.median(np.hypot(*near[:2])) == pytest.approx(
        2 * np.median(np.hypot(*far[:2])), rel=0.05
    )
    assert np.median(np.hypot(*near[:2])) > 100.0
