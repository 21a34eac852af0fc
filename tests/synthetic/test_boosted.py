"""The sky that benchmarks/skyscores.py scores on: more of what is rare, and what undoes it."""

import sys
from pathlib import Path

import numpy as np
import pytest

from skyquarry.catalog.classes import TRANSIENT_MAG
from skyquarry.pipeline.skyasked import field
from skyquarry.synthetic.changing.lightcurves import found
from skyquarry.synthetic.populations import usual
from skyquarry.synthetic.sources import Sources

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture(scope="module")
def boost():
    sys.path.insert(0, str(BENCHMARKS))
    try:
        import skyboost
    finally:
        sys.path.remove(str(BENCHMARKS))
    return skyboost


@pytest.fixture(scope="module")
def block(boost):
    """A block of the sky: its natural and extra sources, and their strata."""
    sky = boost.BoostedSky(field(0.1, latitude_deg=50), 5, usual(), ("sdss", "twomass"))
    table = sky.truth(int(sky.wide[0]))
    ids, sources = table["id"].to_numpy(), Sources.from_table(table)
    return ids, boost.stratum_of(sources, ids, sky.seed), sources


def test_no_two_sources_have_one_id(block):
    assert len(np.unique(block[0])) == len(block[0])


def test_every_extra_source_is_of_the_stratum_that_it_was_drawn_for(boost, block):
    ids, stratum, _ = block
    row = ids & (2**32 - 1)
    extra = row >= boost.FIRST_EXTRA
    assert extra.any()
    assert (stratum[extra] == row[extra] // boost.FIRST_EXTRA - 1).all()


def test_weights_undo_the_boost(boost, block):
    ids, stratum, _ = block
    natural = (ids & (2**32 - 1)) < boost.FIRST_EXTRA
    for place, each in enumerate(boost.STRATA):
        mine = stratum == place
        stands_for = mine.sum() * each.weight
        assert abs(stands_for - (mine & natural).sum()) < 4 * np.sqrt(stands_for + 1)


def test_what_falls_short_of_a_transient_is_boosted_with_it(boost, block):
    ids, stratum, sources = block
    place = [each.name for each in boost.STRATA].index("eclipsing")
    mine = np.flatnonzero(stratum == place)
    some = found(sources.taken(mine), ids[mine], 5)
    assert len(some.place) == len(mine)
    amplitude = some.changes.amplitude_mag
    assert amplitude.min() >= boost.SHALLOW
    deep = (amplitude >= TRANSIENT_MAG).mean()
    assert 0.2 < deep < 0.8
