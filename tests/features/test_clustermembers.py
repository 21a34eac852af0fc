import numpy as np
import pytest

from skyquarry.features import clustermembers as members


def test_profile_luminosity_and_colour_are_of_one_member():
    radius, step = 1.1, 0.002
    apart = np.arange(step / 2, 2.0, step)
    inside = members.profile(apart, radius) * 2.0 * np.pi * apart * step
    assert inside.sum() == pytest.approx(1.0, abs=0.005)
    assert (members.profile(apart, radius)[apart > radius] == 0.0).all()
    beyond = np.arange(-4.0, 3.0, 1e-3)
    assert members.luminosity(beyond).sum() * 1e-3 == pytest.approx(1.0, abs=0.002)
    assert members.luminosity(np.array([members.FAINTEST + 0.01]))[0] == 0.0
    off = np.arange(-1.0, 1.0, 1e-3)
    assert members.colour(off, np.full(len(off), 0.07)).sum() * 1e-3 == pytest.approx(1.0)


def test_the_profile_is_nfw_s_at_the_scale_radius_and_flat_in_the_core():
    # Bartelmann 1996: 1/3 at x = 1; at x = 2, (1 - 2/sqrt(3) atan(sqrt(1/3))) / 3 = 0.131800
    near = members.profile(np.array([1.0, 2.0]) * 0.15 / 0.7, 1.0)
    assert near[1] / near[0] == pytest.approx(3.0 * 0.131800, rel=3e-4)
    core = members.profile(np.array([0.0, 0.05, 0.1 / 0.7]), 1.0)
    assert (core == core[0]).all()


def test_richness_is_the_sum_of_membership_probabilities():
    random = np.random.default_rng(1)
    u, b = random.uniform(0.0, 2.0, 80), random.uniform(0.5, 2.0, 80)
    told, p = members.richness(u, b, np.ones(80))
    assert p.sum() == pytest.approx(told, rel=1e-9)
    assert p == pytest.approx(told * u / (told * u + b))
    half, q = members.richness(u, b, np.full(80, 0.5))
    assert 0.5 * q.sum() == pytest.approx(half, rel=1e-9)
    assert half < told


def test_where_the_background_tells_all_there_is_no_richness():
    told, p = members.richness(np.full(9, 0.01), np.ones(9), np.ones(9))
    assert told == 0.0
    assert (p == 0.0).all()


def test_the_background_is_the_density_of_what_is_there():
    random = np.random.default_rng(2)
    n, area = 200_000, 1e6
    mag, colour = random.uniform(17.0, 21.0, n), random.uniform(0.0, 2.0, n)
    found = members.Background.of(mag, colour, area).at(
        np.array([19.0, 18.0]), np.array([1.0, 0.5])
    )
    assert found == pytest.approx(n / area / 4.0 / 2.0, rel=0.1)
    nowhere = members.Background.of(mag, colour, area).at(np.array([19.0]), np.array([-0.9]))
    assert 0.0 < nowhere[0] < 1e-4
