import numpy as np
import pyarrow as pa
import pytest

from skyquarry.errors import UserError
from skyquarry.features.clusters import radius_arcsec, ridge_colour, star_mag
from skyquarry.pipeline.build import build
from skyquarry.pipeline.clustering import clusters_among

DUST = 0.1
"""E(B-V); bands lose so much by it, with the coefficients of Schlafly & Finkbeiner 2011"""
LOST = {"g": 3.303 * DUST, "r": 2.285 * DUST, "i": 1.698 * DUST}


def _sky():
    """A field, a cluster of 60 at z 0.15, and as many stars with its colours."""
    random = np.random.default_rng(11)
    n, m, z = 4000, 60, 0.15
    turn, out = random.uniform(0, 2 * np.pi, m), radius_arcsec(m, z) / 3600 * random.random(m)
    out[0] = 0.0
    near = 150.5 + out * np.cos(turn), 0.5 + out * np.sin(turn)
    colour, mag = ridge_colour(z) + random.normal(0, 0.03, m), star_mag(z) + random.random(m)
    mag[0] = star_mag(z) - 2.0
    ra, dec = (np.concatenate([random.uniform(low, low + 1, n), each, each + shift])
               for low, each, shift in ((150, near[0], 0.3), (0, near[1], 0.3)))  # fmt: skip
    colour = np.concatenate([random.normal(0.7, 0.25, n), colour, colour])
    mag = np.concatenate([21.0 + np.log10(random.random(n)) / 0.5, mag, mag])
    kind = np.repeat(["galaxy", "galaxy", "main_sequence"], [n, m, m])
    return ra, dec, colour, mag, kind


@pytest.fixture(scope="module")
def catalogs(tmp_path_factory):
    ra, dec, colour, mag, kind = _sky()
    home = tmp_path_factory.mktemp("sky")
    ids = np.arange(len(ra)) + 1000
    place = {"group_id": ids, "ra": ra, "dec": dec}
    seen = {"g": mag + colour + 0.4, "r": mag + 0.4, "i": mag}
    matched = place | {f"sdss_modelMag_{band}": seen[band] + LOST[band] for band in seen}
    matched |= {f"sdss_modelMagErr_{band}": np.full(len(ra), 0.01) for band in seen}
    matched["sdss_extinction_r"] = np.full(len(ra), 2.751 * DUST)  # as SDSS has it
    names = {"id": "group_id", "ra": "ra", "dec": "dec"}
    return tuple(
        build(pa.table(columns), home / name, **names)
        for name, columns in (("matched", matched), ("classified", place | {"class": kind}))
    )


def test_a_cluster_is_found_among_galaxies_without_their_dust_and_not_among_stars(catalogs):
    found = clusters_among(*catalogs, {"gaia": "gaia_dr3", "sdss": "sdss"}).to_pylist()
    assert len(found) == 1
    assert found[0]["cluster_id"] == 1
    assert found[0]["brightest_id"] == 1000 + 4000
    assert found[0]["redshift"] == pytest.approx(0.15, abs=0.02)
    assert found[0]["richness"] == pytest.approx(60, abs=12)
    assert found[0]["brightest_mag"] == pytest.approx(star_mag(0.15) - 2.0, abs=1e-3)
    assert found[0]["ra"] == pytest.approx(150.5)


def test_a_sky_without_rich_clusters_has_a_catalogue_without_rows(catalogs, tmp_path):
    table = clusters_among(*catalogs, {"sdss": "sdss"}, richness=500.0)
    made = build(table, tmp_path / "clusters", id="cluster_id", ra="ra", dec="dec")
    assert made.stored.n_rows == 0


def test_surveys_without_g_r_and_i_are_refused(catalogs):
    with pytest.raises(UserError, match="none of gaia has them"):
        clusters_among(*catalogs, {"gaia": "gaia_dr3"})
