from itertools import pairwise

import numpy as np
import pytest

from skyquarry.sky.frames import from_frame
from skyquarry.sky.vectors import to_radec, to_xyz
from skyquarry.synthetic import dust


def ring(lat_deg, n=100):
    lon = np.linspace(0.0, 360.0, n, endpoint=False)
    return to_radec(from_frame(to_xyz(lon, np.full(n, lat_deg)), "galactic"))


@pytest.mark.parametrize(("lat", "least", "most"), [(60, 0.015, 0.035), (-45, 0.02, 0.05),
                                                    (30, 0.035, 0.08)])  # fmt: skip
def test_totals_resemble_the_map_of_schlegel_finkbeiner_davis(lat, least, most):
    means = [dust.total(seed, *ring(lat)).mean() for seed in range(12)]
    assert least < np.mean(means) < most


def test_clumps_scatter_log_normally():
    drawn = np.concatenate([np.log(dust.total(seed, *ring(40))) for seed in range(12)])
    assert 0.35 < drawn.std() < 0.55
    assert abs(np.mean((drawn - drawn.mean()) ** 3) / drawn.std() ** 3) < 0.4


def test_a_star_has_the_dust_in_front_of_it_only():
    ra, dec = ring(30)
    told = [dust.to_distance(1, ra, dec, np.full(100, d)) for d in (50, 100, 300, 1000, 1e5)]
    assert (told[0] == 0).all()
    assert all((near < far).all() for near, far in pairwise(told))
    assert np.allclose(told[-1], dust.total(1, ra, dec))


def test_dust_is_the_same_in_whatever_company_it_is_asked_for():
    ra, dec = ring(50)
    together = dust.total(3, ra, dec)
    assert np.array_equal(together[::-1], dust.total(3, ra[::-1], dec[::-1]))
    assert together[7] == dust.total(3, ra[7:8], dec[7:8])[0]
    assert not np.array_equal(together, dust.total(4, ra, dec))


def test_dust_is_smooth_between_cells():
    ra = np.linspace(200.0, 205.0, 200)
    told = dust.total(1, ra, np.full(200, 10.0))
    assert np.abs(np.diff(np.log(told))).max() < 0.25
