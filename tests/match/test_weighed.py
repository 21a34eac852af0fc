"""Islands as the learning of densities sees them: large ones thinned, and solved where need be."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from skyquarry.match.likelihood.motionprior import MotionPrior
from skyquarry.match.priors.densities import Densities
from skyquarry.match.priors.densitysums import Summary
from skyquarry.match.resolution.resolve import resolve
from skyquarry.match.runs.identify import Found, identified
from skyquarry.match.runs.rules import Rules
from skyquarry.match.runs.weighed import LARGE_ROWS, MANY_ROWS, SEEN, Weighed
from skyquarry.testing.setsky import set_sky

RULES = Rules(("a", "b"), "one_to_one", 0.9973, MotionPrior.single(0.0))
RATES = {("a",): 20_000.0, ("b",): 20_000.0, ("a", "b"): 20_000.0}


@cache
def crowded() -> tuple[Found, np.ndarray]:
    """A sky whose islands are of all sizes, and weights of their groups."""
    sky = set_sky(RATES, {"a": 3.2, "b": 3.2}, 0.03, 1)
    found = identified(sky.rows, RULES)
    densities = Densities.start(RULES.names, Summary.of(sky.rows))
    work = found.work
    return found, densities.ln_weight(work.groups, work.evidence.lnB, work.rows)


def test_posteriors_are_those_of_the_whole() -> None:
    found, weight = crowded()
    work, piece = found.work, Weighed.of(found, RULES)
    size = np.diff(work.islands.start)[work.groups.island]
    middle = (size > MANY_ROWS) & (size <= LARGE_ROWS)
    assert min((size > LARGE_ROWS).sum(), middle.sum(), (size <= MANY_ROWS).sum()) > 100
    exact = resolve(work.islands, work.groups, weight, "one_to_one").posterior
    told = piece.posterior(weight)
    np.testing.assert_array_equal(told[size <= MANY_ROWS], exact[size <= MANY_ROWS])
    assert np.abs(told - exact)[middle].max() < 1e-3
    large = (size > LARGE_ROWS) & (np.diff(work.groups.start) > 1)
    assert told[large].sum() == pytest.approx(exact[large].sum(), rel=0.01)
    assert np.abs(told - exact)[large].sum() < 0.05 * exact[large].sum()


def test_large_islands_are_solved_again_only_where_it_would_be_seen() -> None:
    found, weight = crowded()
    piece = Weighed.of(found, RULES)
    large = piece.large
    assert large.stale(weight[large.part.which]).all()
    piece.posterior(weight)
    several = np.diff(piece.groups.start) > 1
    small, great = (np.where(several, weight + step, weight) for step in (0.1 * SEEN, 0.5))
    assert not large.stale(small[large.part.which]).any()
    assert large.stale(great[large.part.which]).any()
    fresh = Weighed.of(found, RULES).posterior(great)
    assert np.abs(piece.posterior(great) - fresh).max() <= SEEN
    assert np.abs(piece.posterior(small) - Weighed.of(found, RULES).posterior(small)).max() <= SEEN


def test_one_group_that_becomes_possible_is_seen() -> None:
    found, weight = crowded()
    piece = Weighed.of(found, RULES)
    piece.posterior(weight)
    large = piece.large.part
    never = large.which[np.argmin(weight[large.which])]
    weight = weight.copy()
    weight[never] += 200.0
    stale = piece.large.stale(weight[large.which])
    assert stale.sum() == 1
    assert piece.posterior(weight)[never] > 0.99
