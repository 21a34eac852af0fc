"""HEALPix cells by loops of our own: those of the library."""

import numpy as np
import pytest

from skyquarry.sky import healpix
from skyquarry.sky.compiledcells import cells_at, centers


@pytest.fixture(scope="module")
def places():
    random = np.random.default_rng(1)
    ra = random.uniform(0.0, 360.0, 100_000)
    dec = np.degrees(np.arcsin(random.uniform(-1.0, 1.0, len(ra))))
    dec[:1_000] = 90.0 - random.uniform(0.0, 1e-5, 1_000)
    dec[1_000:2_000] = random.uniform(0.0, 1e-5, 1_000) - 90.0
    return ra, dec


@pytest.mark.parametrize("order", [0, 3, 7, 12, 29])
def test_cells_and_their_centers_are_the_librarys(places, order):
    pixels = healpix.index(*places, order)
    assert np.array_equal(cells_at(*places, order), pixels)
    ra, dec = centers(pixels, order)
    known_ra, known_dec = healpix.center(pixels, order)
    assert np.abs((ra - known_ra + 180.0) % 360.0 - 180.0).max() < 1e-12
    assert np.abs(dec - known_dec).max() < 1e-12
    assert np.array_equal(healpix.index(ra, dec, order), pixels)


def test_right_ascensions_go_round():
    ra, dec = np.array([400.0, -320.0]), np.array([3.0, 3.0])
    assert cells_at(ra, dec, 12).tolist() == healpix.index([40.0, 40.0], dec, 12).tolist()


def test_the_poles_and_no_places_at_all_have_cells():
    poles = np.array([90.0, -90.0])
    assert np.array_equal(cells_at(np.zeros(2), poles, 29), healpix.index(np.zeros(2), poles, 29))
    assert len(cells_at(np.empty(0), np.empty(0), 10)) == 0
