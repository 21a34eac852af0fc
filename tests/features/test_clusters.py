import tracemalloc

import numpy as np
import pytest

from skyquarry.errors import UserError
from skyquarry.features.clusters import (
    clusters_of,
    radius_arcsec,
    ridge_colour,
    ridge_redshift,
    star_mag,
)


def test_mstar_and_the_ridge_by_hand():
    # 12.27 + 12.472 - 11.5916 + 5.83752 - 1.135072
    assert star_mag(0.2) == pytest.approx(17.8528, abs=1e-4)
    # 0.6275 + 0.54676 + 0.054484
    assert ridge_colour(0.2) == pytest.approx(1.228744)
    assert ridge_redshift(1.228744) == pytest.approx(0.2)


def test_the_radius_of_richness_100_is_143_mpc():
    # D_A at z 0.2 of this cosmology is 680.6 Mpc (Wright's calculator): 3.300 kpc an arcsecond
    assert radius_arcsec(100.0, 0.2) == pytest.approx(1430 / 3.300, rel=1e-3)
    assert radius_arcsec(3.125, 0.2) / radius_arcsec(100.0, 0.2) == pytest.approx(0.5)


def _field(random, n=6000, side=1.2):
    """Field galaxies: blue and red ones, no structure, n in side x side degrees."""
    ra, dec = 150 + random.uniform(0, side, n), random.uniform(0, side, n)
    colour = np.where(random.random(n) < 0.6, random.normal(0.7, 0.25, n),
                      ridge_colour(random.uniform(0.05, 0.4, n)))  # fmt: skip
    return ra, dec, colour, 21.0 + np.log10(random.random(n)) / 0.5


def _cluster(random, n, z, ra, dec):
    """n red members above 0.2 L* within their radius, and a brightest galaxy in the middle."""
    turn, out = random.uniform(0, 2 * np.pi, n), radius_arcsec(n, z) / 3600 * random.random(n)
    out[0] = 0.0
    mag = star_mag(z) + random.uniform(-0.8, 1.7, n)
    mag[0] = star_mag(z) - 2.0
    colour = ridge_colour(z) + random.normal(0, 0.03, n)
    return ra + out * np.cos(turn), dec + out * np.sin(turn), colour, mag


def _joined(*parts):
    return [np.concatenate(each) for each in zip(*parts, strict=True)]


def test_clusters_are_found_with_their_redshift_richness_and_brightest_galaxy():
    random = np.random.default_rng(11)
    field = _field(random)
    near = _cluster(random, 60, 0.15, 150.4, 0.4)
    far = _cluster(random, 35, 0.28, 150.9, 0.8)
    found = clusters_of(*_joined(field, near, far), area_deg2=1.44)
    assert found.row.tolist() == [6000, 6060]
    assert found.redshift == pytest.approx([0.15, 0.28], abs=0.02)
    assert abs(found.richness - [60, 35]).max() < 12
    assert found.brightest_mag == pytest.approx(star_mag([0.15, 0.28]) - 2.0)
    assert (found.gap_mag > 1.0).all()
    assert found.to_table().num_rows == 2


def test_a_field_without_structure_has_no_cluster():
    for seed in range(3):
        field = _field(np.random.default_rng(seed))
        assert len(clusters_of(*field, area_deg2=1.44).row) == 0


def test_two_clusters_behind_each_other_are_two():
    random = np.random.default_rng(12)
    parts = _field(random), *(_cluster(random, 50, z, 150.6, 0.6) for z in (0.12, 0.3))
    found = clusters_of(*_joined(*parts), area_deg2=1.44)
    assert sorted(found.redshift) == pytest.approx([0.12, 0.3], abs=0.02)


def test_the_order_of_rows_changes_nothing():
    random = np.random.default_rng(13)
    table = _joined(_field(random), _cluster(random, 40, 0.2, 150.5, 0.5))
    found = clusters_of(*table)
    shuffled = random.permutation(len(table[0]))
    again = clusters_of(*(each[shuffled] for each in table))
    assert shuffled[again.row].tolist() == found.row.tolist()
    assert again.richness.tolist() == found.richness.tolist()


def test_candidates_do_not_keep_the_galaxies_about_them():
    random = np.random.default_rng(14)
    clusters_of(*_joined(_field(random, 500)))  # what is compiled at the first call
    centres = zip(random.uniform(150.2, 151.0, 20), random.uniform(0.2, 1.0, 20), strict=True)
    groups = [_cluster(random, 60, 0.15, *each) for each in centres]
    table = _joined(_field(random, 12_000), *groups)
    tracemalloc.start()
    found = clusters_of(*table, richness=3.0)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(found.row) > 12
    # 3.4 MB, and 6.1 MB with all that lies about each candidate, held until the richest has chosen
    assert peak < 4.8e6, peak


def test_columns_of_different_lengths_are_refused_and_nan_is_left_out():
    with pytest.raises(UserError, match=r"columns have \[2, 2, 1, 2, 2\] rows"):
        clusters_of([1.0, 2.0], [0.0, 0.0], [1.0], [17.0, 17.0])
    assert len(clusters_of([1.0], [0.0], [np.nan], [17.0]).row) == 0


def test_a_cluster_of_redmapper_is_found_in_sdss(shared_data):
    from astropy.io import fits

    path = shared_data / "clusters" / "redmapper_test_dr8_gals_with_zred.fit"
    rows = fits.getdata(path)
    members = fits.getdata(path.with_name("redmapper_test_cluster_members.fit"))
    mag, error = (np.asarray(rows[name], np.float64) for name in ("MAG", "MAG_ERR"))
    found = clusters_of(
        rows["RA"], rows["DEC"], mag[:, 1] - mag[:, 2], mag[:, 3],
        g_r_error=np.hypot(error[:, 1], error[:, 2]),
    )  # fmt: skip
    # their cluster 17551, at redshift 0.2279: its centre is the member with R = 0
    at = int(np.argmin(abs(found.redshift - 0.2279)))
    assert found.redshift[at] == pytest.approx(0.2279, abs=0.01)
    centre = members[np.argmin(members["R"])]
    east = (found.ra_deg[at] - centre["RA"]) * np.cos(np.radians(centre["DEC"]))
    assert np.hypot(east, found.dec_deg[at] - centre["DEC"]) * 60 < 2.0
    assert found.richness[at] > 20
