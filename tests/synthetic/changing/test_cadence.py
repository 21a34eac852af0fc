"""When ZTF looks, and how deep, beside astropy's ephemerides and real light curves."""

import numpy as np
import pyarrow.parquet as pq
import pytest
from astropy.coordinates import get_body, get_sun
from astropy.time import Time

from skyquarry.sky import healpix
from skyquarry.sky.vectors import separation_arcsec, to_xyz
from skyquarry.synthetic.changing import almanac
from skyquarry.synthetic.changing.cadence import LAST_MJD, visits


def field(ra, dec):
    return int(healpix.index(np.array([float(ra)]), np.array([float(dec)]), 3)[0])


@pytest.mark.parametrize(("ours", "theirs", "degrees"), [
    (almanac.sun, get_sun, 0.4), (almanac.moon, lambda time: get_body("moon", time), 1.2),
])  # fmt: skip
def test_sun_and_moon_stand_where_astropy_has_them(ours, theirs, degrees):
    mjd = np.linspace(58_200, 59_250, 60)
    right = theirs(Time(mjd, format="mjd"))
    apart = separation_arcsec(to_xyz(*ours(mjd)), to_xyz(right.ra.deg, right.dec.deg))
    assert apart.max() < 3600 * degrees


def test_a_star_culminates_over_palomar():
    assert almanac.altitude_deg(np.linspace(58_500, 58_501, 500), 100.0, 33.356).max() > 89.5


def test_a_field_is_visited_at_night_in_its_season_and_in_order(seen):
    assert (np.diff(seen.mjd) > 0).all()
    assert almanac.altitude_deg(seen.mjd, *almanac.sun(seen.mjd)).max() < -11.5
    assert almanac.altitude_deg(seen.mjd, 180.0, 30.0).min() > 20.0
    assert 40 < np.diff(seen.mjd).max() < 150


def test_visits_depend_on_seed_field_and_night_alone():
    whole, part = visits(300, 7), visits(300, 7, 58_700, 59_000)
    inside = (whole.number >= 58_700 * 8) & (whole.number < 59_001 * 8)
    np.testing.assert_array_equal(part.mjd, whole.mjd[inside])
    np.testing.assert_array_equal(part.limit, whole.limit[inside])
    assert len(np.intersect1d(visits(301, 7).mjd, whole.mjd)) == 0


def test_the_far_south_is_not_seen():
    assert len(visits(field(30, -60), 1)) == 0


def test_the_public_survey_comes_each_third_night_and_faster_in_the_end(seen):
    both = [np.unique(np.floor(seen.mjd[seen.band == band])) for band in (0, 1)]
    early = [each[each < 59_184] for each in both]
    assert set(np.unique(early[0] % 3)) == set(np.unique(early[1] % 3))
    assert len(np.unique(early[0] % 3)) == 1
    assert len(np.unique(both[0][both[0] >= 59_184] % 2)) == 1


def test_the_full_moon_takes_depth_most_in_g(seen):
    ra, dec = almanac.moon(seen.mjd)
    sun = almanac.sun(seen.mjd)
    apart = separation_arcsec(to_xyz(ra, dec), to_xyz(*sun)) / 3600
    loss = [
        np.median(seen.limit[(apart < 45) & (seen.band == band)])
        - np.median(seen.limit[(apart > 150) & (seen.band == band)])
        for band in (0, 1)
    ]
    assert 0.4 < loss[1] < loss[0] < 1.6


def test_limits_are_those_of_real_forced_photometry(shared_data):
    real = pq.read_table(shared_data / "lightcurves" / "ztf_forced_phot.parquet").to_pandas()
    some = [visits(field(ra, dec), 1) for ra, dec in ((20, 0), (120, 60), (180, 30), (280, 10))]
    for band in (0, 1):
        rows = real[(real.fid == band + 1) & (real.mag_tot > 16)]
        # Zero points of ZTF's images scatter about 26.275.
        theirs = 26.275 - 2.5 * np.log10(5 * rows.forcediffimfluxunc)
        ours = np.concatenate([each.limit[each.band == band] for each in some])
        off = np.quantile(ours, [0.16, 0.5, 0.84]) - np.quantile(theirs, [0.16, 0.5, 0.84])
        assert abs(off).max() < 0.3, off


def test_as_many_nights_and_gaps_as_real_objects_have(shared_data):
    real = pq.read_table(shared_data / "lightcurves" / "ztf_forced_phot.parquet").to_pandas()
    real = real[real.mjd < LAST_MJD]
    nights = [
        np.unique(np.floor(each.mjd)) for _, each in real.groupby((real.mjd.diff() < -1).cumsum())
    ]
    many = np.array([len(each) for each in nights])
    ours = [
        len(np.unique(np.floor(visits(field(ra, dec), 1).mjd)))
        for ra in range(0, 360, 30) for dec in (-10, 15, 40)
    ]  # fmt: skip
    assert 0.6 * np.median(many) < np.median(ours) < 1.5 * np.median(many)
    assert many.min() < min(ours) < max(ours) < 1.3 * many.max()
