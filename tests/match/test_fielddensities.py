"""What the others are among themselves, where rows of the first catalogue choose."""

from __future__ import annotations

import numpy as np
import pytest

import skyquarry as sq
from skyquarry.match.priors.densitystep import EVEN, Local
from skyquarry.match.priors.fielddensities import LEAST, beside, local_beside
from skyquarry.testing.xrayscores import THREE
from skyquarry.testing.xraysky import xraysky


def test_sets_without_the_first_are_what_it_leaves_of_the_field():
    field = np.array([0.0, 1e-9, 50.0, 1e-9, 30.0, 1e-9, 20.0, 1e-9])
    found = beside(np.array([0.0, 5.0, 7.0, 4.0, 7.0, 3.0, 7.0, 21.0]), field)
    assert found.tolist() == [0.0, 5.0, 46.0, 4.0, 27.0, 3.0, 20.0 * LEAST, 21.0]


def test_places_keep_what_either_knows_of_its_own_sets():
    first = Local(np.array([3, 5]), np.array([1, 2, 3]), np.arange(6.0).reshape(2, 3))
    field = Local(np.array([5, 9]), np.array([1, 2]), np.array([[10.0, 20.0], [30.0, 40.0]]))
    told = local_beside(first, field)
    assert told.sets.tolist() == [1, 2, 3]
    assert told.cell.tolist() == [3, 5, 9]
    assert told.ln.tolist() == [[0.0, 0.0, 2.0], [3.0, 20.0, 5.0], [0.0, 40.0, 0.0]]
    assert len(local_beside(EVEN, EVEN).cell) == 0


@pytest.fixture(scope="module")
def sky():
    return xraysky(0.2, seed=3)


def learnt(sky, **settings):
    sides = [(sky.catalogs[name], sky.roles[name]) for name in THREE]
    plan = sq.crossmatch(*sides, names=THREE, constraint="many_to_one", **settings)
    return plan.run("inline").made.learnt.densities


def test_objects_of_the_field_are_counted_as_one_to_one_would(sky):
    """Optical and infrared: far from any X-ray source too, where nothing is chosen."""
    densities = learnt(sky)
    both = densities.of("optical", "infrared") + densities.of(*THREE)
    assert both * sky.area_deg2 == pytest.approx(sky.pairs.num_rows, rel=0.015)
    with_xray = sum(
        densities.of("xray", *some) for some in ((), *((n,) for n in THREE[1:]), THREE[1:])
    )
    assert with_xray * sky.area_deg2 == pytest.approx(len(sky.truth), rel=0.01)


def test_given_densities_stay_and_nways_rule_knows_no_objects_of_the_field(sky):
    assert learnt(sky, prior="nway").of("optical", "infrared") == 0.0
    given = dict.fromkeys(((n,) for n in THREE), 10.0) | {("optical", "infrared"): 7.0}
    assert learnt(sky, prior=given).of("optical", "infrared") == pytest.approx(7.0)
