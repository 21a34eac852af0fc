"""The Earth's place, and what it does to a near star's."""

import numpy as np
import pytest
from astropy.coordinates import get_body_barycentric
from astropy.time import Time

from skyquarry.sky.parallax import displacement_mas, earth_au


def test_the_earth_stands_where_astropy_has_it():
    time = Time(np.linspace(1980, 2040, 500), format="jyear", scale="tdb")
    earth, sun = (
        get_body_barycentric(body, time).xyz.to_value("au").T for body in ("earth", "sun")
    )
    assert abs(earth_au(time.jyear) - (earth - sun)).max() < 3e-4


def test_a_star_at_the_pole_of_the_ecliptic_goes_round_in_a_circle():
    ra, dec = 270.0, 66.5607
    jyear = np.linspace(2016, 2017, 50)
    far = np.linalg.norm(displacement_mas(ra, dec, 100.0, jyear), axis=1)
    assert far == pytest.approx(100, abs=2)


def test_a_star_in_the_ecliptic_goes_to_and_fro():
    jyear = np.linspace(2016, 2017, 200)
    moved = displacement_mas(0.0, 0.0, 100.0, jyear)
    straight = np.linalg.svd(moved - moved.mean(axis=0), compute_uv=False)
    assert straight[1] / straight[0] < 0.01


def test_what_has_no_parallax_does_not_move():
    assert not displacement_mas([10.0], [20.0], [0.0], [2020.3]).any()
