"""The geometry of SDSS's scans."""

import numpy as np
import pytest

from skyquarry.synthetic.sdss.scans import (
    LENGTH_DEG,
    WIDTH_DEG,
    first_scan,
    from_great_circle,
    great_circle,
    opposition_deg,
    repeated_scan,
    run_jyear,
    second_scan,
)


@pytest.fixture(scope="module")
def sky():
    random = np.random.default_rng(1)
    return random.uniform(0, 360, 20_000), np.degrees(
        np.arcsin(random.uniform(-0.95, 0.95, 20_000))
    )


def test_the_equator_is_stripe_10_in_the_north_and_82_in_the_south():
    spots = first_scan(np.array([185.0, 5.0]), np.array([0.01, 0.01]))
    assert spots.stripe.tolist() == [10, 82]
    assert spots.mu_deg == pytest.approx([185.0, 5.0], abs=0.1)


def test_stripe_37_passes_the_pole_of_the_survey_at_dec_67_and_a_half():
    spots = first_scan(np.array([185.0]), np.array([67.5]))
    assert spots.stripe.tolist() == [37]  # eta = 2.5 * 37 - 57.5 = 35, dec = eta + 32.5


def test_every_place_lies_in_the_line_that_sees_it_first(sky):
    spots = first_scan(*sky)
    assert np.abs(spots.nu_deg).max() < WIDTH_DEG / 2
    assert spots.camcol.min() == 1
    assert spots.camcol.max() == 6


def test_great_circles_are_turned_back():
    mu, nu = np.array([160.0, 185.0, 20.0]), np.array([1.0, -0.5, 0.2])
    tilt = np.array([10.0, -20.0, 5.0])
    ra, dec = from_great_circle(mu, nu, tilt)
    there = great_circle(ra, dec, tilt)
    assert there[0] == pytest.approx(mu)
    assert there[1] == pytest.approx(nu)


def test_fields_are_as_long_as_1361_rows():
    ra = np.linspace(180.01, 190.0, 5_000)
    spots = first_scan(ra, np.zeros(5_000))
    fields = np.unique(spots.field)
    assert len(fields) == pytest.approx(10 / LENGTH_DEG, abs=2)


def test_a_second_line_sees_a_fifteenth_of_the_sky_near_the_survey_meridian():
    random = np.random.default_rng(2)
    ra, dec = random.uniform(183, 187, 40_000), random.uniform(-2, 2, 40_000)
    _, there = second_scan(ra, dec, first_scan(ra, dec))
    overlap = 12 * WIDTH_DEG / 2.5 - 1
    assert there.mean() == pytest.approx(overlap, rel=0.05)


def test_the_second_scan_is_another_run(sky):
    first = first_scan(*sky)
    second, there = second_scan(*sky, first)
    assert (second.run != first.run)[there].all()
    assert np.abs(second.nu_deg[there]).max() < WIDTH_DEG / 2


def test_repeated_scans_are_other_runs_of_the_same_fields(sky):
    first = first_scan(*sky)
    again, there = repeated_scan(first, 0.3, 1)
    assert there.mean() == pytest.approx(0.3, abs=0.03)
    assert (again.run == first.run + 1).all()
    assert (again.field == first.field).all()


def test_a_run_looks_within_75_degrees_of_opposition():
    run = np.arange(94, 5_000)
    angle = opposition_deg(run)
    assert np.abs(angle).max() <= 75
    jyear = run_jyear(run, 1999.2, 2009.9)
    sun = 280.46 + 360 * (jyear - np.floor(jyear))
    middle = 36 * (((run - 94) >> 2) % 10 + 0.5)
    away = (middle - sun - 180 - angle + 180) % 360 - 180
    assert np.abs(away).max() < 1e-6


def test_rows_and_columns_are_those_of_a_field(sky):
    spots = first_scan(*sky)
    assert (spots.row >= 0).all()
    assert (spots.row < 1361).all()
    assert spots.column.min() >= 0
    assert spots.column.max() <= 2048
