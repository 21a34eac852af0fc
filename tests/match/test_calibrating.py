"""The rows that a calibration is learnt from: mutual nearest ones, drawn by where they are."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from scipy.spatial import cKDTree

from skyquarry.match.calibration import residuals
from skyquarry.match.calibration.calibrate import Calibration
from skyquarry.match.calibration.residuals import RADIUS_ARCSEC
from skyquarry.match.given.reading import Rejects
from skyquarry.match.likelihood.motionprior import MotionPrior
from skyquarry.match.priors.fields import Counts
from skyquarry.match.runs.calibrating import Draw, draws_of, mutual_nearest, residuals_of
from skyquarry.match.runs.passes import Scene
from skyquarry.match.runs.patches import Patch
from skyquarry.match.runs.rowsource import Resident
from skyquarry.match.runs.rules import Rules
from skyquarry.sky.ranges import Ranges
from skyquarry.sky.vectors import ARCSEC_PER_RADIAN, to_xyz
from skyquarry.testing.setsky import set_sky

if TYPE_CHECKING:
    from skyquarry.match.given.rows import Rows

RATES = {("a",): 2_000.0, ("b",): 60_000.0, ("a", "b"): 20_000.0}
MOTION = MotionPrior()


def rows_of(area_deg2: float = 0.1) -> tuple[Rows, Rows]:
    first, second = set_sky(RATES, {"a": 1.0, "b": 1.0}, area_deg2, 1).rows
    return first, second


def scene_of(rows: tuple[Rows, Rows]) -> Scene:
    rules = Rules(("a", "b"), "one_to_one", 0.9973, MOTION)
    source = Resident(rows, tuple(Rejects(name) for name in rules.names))
    return Scene(source, rules, Calibration.none(rules.names))


def by_trees(a: Rows, b: Rows) -> set[tuple[int, int]]:
    u, v = to_xyz(a.ra_deg, a.dec_deg), to_xyz(b.ra_deg, b.dec_deg)
    apart, near = cKDTree(v).query(u)
    back = cKDTree(u).query(v)[1]
    both = (back[near] == np.arange(len(u))) & (apart * ARCSEC_PER_RADIAN <= RADIUS_ARCSEC)
    return {(int(i), int(near[i])) for i in np.flatnonzero(both)}


@pytest.mark.parametrize("share", [1.0, 0.3])
def test_pairs_are_the_mutual_nearest_of_the_rows_that_are_drawn(share: float) -> None:
    a, b = rows_of()
    draw = Draw(True, share)
    drawn = draw.chosen(a.spatial)
    assert drawn.mean() == pytest.approx(share, abs=4.0 * np.sqrt(0.25 / len(a)))
    found = set(zip(*(each.tolist() for each in mutual_nearest(a, b, draw)), strict=True))
    assert found == {pair for pair in by_trees(a, b) if drawn[pair[0]]}
    assert len(found) > 100


def test_whose_nearest_is_sought_first_does_not_matter() -> None:
    rows = rows_of()
    told = [
        residuals_of(scene_of(rows), Patch(0, Ranges.whole()), 0, [Draw(True, 1.0), draw])[1]
        for draw in (Draw(True, 1.0), Draw(False, 1.0))
    ]
    assert len(told[0]) > 1_000
    assert np.array_equal(told[0].key, told[1].key)
    assert np.array_equal(told[0].offset, told[1].offset)


def test_what_is_drawn_and_counted_does_not_depend_on_patches(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(residuals, "_CROWD", 200)
    scene = scene_of(rows_of())
    draws = [Draw(True, 1.0), Draw(True, 0.5)]
    whole = residuals_of(scene, Patch(0, Ranges.whole()), 0, draws)[1]
    spatial = scene.source.rows(0, None).spatial
    middle = int(np.median(spatial))
    halves = (Ranges([0], [middle]), Ranges([middle], [12 << 58]))
    one, other = (residuals_of(scene, Patch(n, h), 0, draws)[1] for n, h in enumerate(halves))
    assert min(len(one), len(other)) > 100
    both = one + other
    assert np.array_equal(both.key, whole.key)
    assert np.array_equal(both.rivals, whole.rivals)
    assert (whole.rivals[:200] >= 0).all()
    assert (whole.rivals[200:] == -1).all()


def test_the_sparser_catalogue_is_drawn_from_and_no_more_than_is_needed() -> None:
    counts = [Counts.of(np.arange(n) << 40) for n in (120_000, 1_000, 400_000)]
    draws = draws_of(counts, [], 0)
    assert [draw.of_reference for draw in draws] == [True, False, True]
    assert [draw.share for draw in draws[1:]] == [1.0, pytest.approx(50 / 120)]
    half = draws_of(counts, [Patch(0, Ranges([0], [60_000 << 40]))], 0)
    assert half[2].share == pytest.approx(50 / 60, rel=1e-3)
