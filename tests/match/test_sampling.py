"""The sample that is learnt from: which sky it is of, and that it counts every island once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pytest

import skyquarry as sq
from skyquarry.match.calibration.calibrate import Calibration
from skyquarry.match.given.reading import Rejects
from skyquarry.match.likelihood.motionprior import MotionPrior
from skyquarry.match.priors.densities import Densities
from skyquarry.match.priors.densityplaces import lone_sums
from skyquarry.match.priors.densitysums import Summary, Sums
from skyquarry.match.priors.fields import Counts
from skyquarry.match.runs import sampling
from skyquarry.match.runs.identify import identified
from skyquarry.match.runs.passes import Scene
from skyquarry.match.runs.patches import Patch
from skyquarry.match.runs.rowsource import Resident
from skyquarry.match.runs.rules import Rules
from skyquarry.match.runs.sampling import lesson_of, sample_of, sampled_share
from skyquarry.match.runs.weighed import Weighed
from skyquarry.sky.ranges import Ranges
from skyquarry.testing.setsky import SetSky, set_sky

if TYPE_CHECKING:
    from skyquarry.match.given.rows import Rows

RATES = {("a",): 2_000.0, ("b",): 6_000.0, ("a", "b"): 5_000.0}


def sky_of(area_deg2: float, seed: int) -> SetSky:
    return set_sky(RATES, {"a": 2.0, "b": 2.0}, area_deg2, seed)


def counts_of(sky: SetSky) -> list[Counts]:
    return [Counts.of(rows.spatial) for rows in sky.rows]


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """A sample is a tenth of what it is else."""
    monkeypatch.setattr(sampling, "SAMPLE_ROWS", 8_000)
    monkeypatch.setattr(sampling, "LEAST_ROWS", 1_000)
    monkeypatch.setattr(sampling, "MOST_ROWS", 20_000)


@pytest.mark.parametrize(
    ("rows", "share"),
    [
        ([100_000, 100_000], 1.0),  # too few to leave some out
        ([1_000_000] * 4, 0.025),
        ([200_000, 5_000_000], 0.125),  # 25,000 of the shorter one
        ([2_000, 300_000], 1.0),
        ([2_000, 1_000_000_000], 0.0015),  # and never more than 1.5 million
    ],
)
def test_a_sample_has_enough_of_each_catalogue(rows: list[int], share: float) -> None:
    assert sampled_share(rows) == pytest.approx(share, rel=0.01)


@pytest.mark.usefixtures("small")
def test_the_sample_is_of_the_wanted_part_of_the_rows_all_over_the_sky() -> None:
    sky = sky_of(5.0, 1)
    counts = counts_of(sky)
    patches = sample_of(counts)
    inside = Ranges.union(patch.core for patch in patches)
    wanted = sampled_share([each.rows for each in counts])
    for rows in sky.rows:
        assert inside.contains(rows.spatial).mean() == pytest.approx(wanted, rel=0.1)
        middle = [np.median(each) for each in (rows.ra_deg, rows.dec_deg)]
        taken = inside.contains(rows.spatial)
        for values, m in zip((rows.ra_deg, rows.dec_deg), middle, strict=True):
            assert (values[taken] > m).mean() == pytest.approx(0.5, abs=0.1)


@pytest.mark.usefixtures("small")
def test_the_sample_does_not_depend_on_the_order_of_catalogues_or_counting() -> None:
    counts = counts_of(sky_of(5.0, 2))
    told = [[patch.core for patch in sample_of(each)] for each in (counts, counts[::-1])]
    assert told[0] == told[1]
    halves = [
        Counts.union(Counts(each.order, each.pixel[k::2], each.count[k::2]) for k in (0, 1))
        for each in counts
    ]
    assert [patch.core for patch in sample_of(halves)] == told[0]


def test_few_rows_are_all_learnt_from() -> None:
    assert sample_of(counts_of(sky_of(0.2, 3))) == []
    assert sample_of([Counts.of(np.empty(0, np.int64))] * 2) == []


def sums_of(piece: Any, densities: Densities) -> Sums:
    weight = densities.ln_weight(piece.groups, piece.ln_bayes, piece.rows)
    expected = densities.expected(piece.groups, piece.posterior(weight), piece.rows)
    assert densities.magnitudes is not None
    return expected + lone_sums(piece.lone, densities.coverage, densities.magnitudes.scales)


def test_lessons_of_all_the_sky_count_every_island_once() -> None:
    sky = sky_of(0.3, 4)  # islands of up to 20 arcsec, in cells of 50
    rules = Rules(("a", "b"), "one_to_one", 0.9973, MotionPrior())
    source = Resident(tuple(sky.rows), tuple(Rejects(name) for name in rules.names))
    scene = Scene(source, rules, Calibration.none(rules.names))
    whole = Weighed.of(identified(sky.rows, rules), rules)
    densities = Densities.start(rules.names, Summary.of(sky.rows))
    cells = np.unique(np.concatenate([rows.spatial for rows in sky.rows]) >> 2 * (29 - 12))
    parts = [Patch(n, Ranges.from_cells(12, cells[n::3])) for n in range(3)]
    lessons = [lesson_of(scene, part, 30.0) for part in parts]
    for lesson in lessons:
        assert lesson.mine is not None
        assert 0 < lesson.mine.sum() < len(lesson.mine)
    found = Sums.union(sums_of(lesson, densities) for lesson in lessons)
    expected = sums_of(whole, densities)
    for mine, theirs in ((found.groups, expected.groups), (found.members, expected.members)):
        assert np.array_equal(mine.key, theirs.key)
        assert np.abs(mine.total - theirs.total).max() <= 8  # of 2^24: rounding of weights


def table_of(rows: Rows) -> tuple[pa.Table, dict[str, Any]]:
    columns = {"id": rows.row, "ra": rows.ra_deg, "dec": rows.dec_deg, "mag": rows.mag}
    error = np.sqrt(rows.covariance[:, 0])
    roles: dict[str, Any] = {"id": "id", "ra": "ra", "dec": "dec"}
    roles["bands"] = [{"name": "r", "column": "mag"}]
    roles["position_error"] = {"model": "circular", "columns": ["error"], "unit": "arcsec"}
    return pa.table(columns | {"error": error}), roles


@pytest.mark.usefixtures("small")
def test_a_run_that_samples_finds_what_one_that_does_not_finds(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sky = sky_of(2.0, 5)
    tables = [table_of(rows) for rows in sky.rows]
    sampled = sq.crossmatch(*tables, names=["a", "b"], fast_pass=False).run("inline")
    assert sampled.made.lessons
    found = sampled.made.learnt.densities
    monkeypatch.setattr(sampling, "SAMPLE_ROWS", 10**9)
    full = sq.crossmatch(*tables, names=["a", "b"], fast_pass=False).run("inline")
    assert not full.made.lessons
    share = sampled_share([len(rows) for rows in sky.rows])
    for mask in (1, 2, 3):
        whole = full.made.learnt.densities.nu[mask]
        error = np.sqrt(whole / (share * full.made.learnt.densities.area.sr.sum()))
        assert found.nu[mask] == pytest.approx(whole, abs=4.0 * error)
    p = [np.asarray(each.pairs["posterior"]) for each in (sampled, full)]
    assert p[0].sum() == pytest.approx(p[1].sum(), rel=0.01)
    assert np.abs(p[0] - p[1]).mean() < 0.005
