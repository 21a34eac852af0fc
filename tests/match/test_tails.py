"""As many true pairs as was asked for are candidates, whatever their errors are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pytest

import skyquarry as sq
from skyquarry.match.calibration.corrections import CatalogCalibration
from skyquarry.match.calibration.tails import UNSEEN, Tail

if TYPE_CHECKING:
    from numpy.typing import NDArray

THREE_SIGMA = 0.9973
ERROR = {"position_error": {"model": "circular", "columns": ["err"], "unit": "arcsec"}}


def chi2_of(
    rng: np.random.Generator, pairs: int, wide: float, factor: float
) -> NDArray[np.float64]:
    """Of pairs of which a part has errors larger by a factor than stated."""
    size = np.where(rng.random(pairs) < wide, factor, 1.0)
    return size**2 * rng.chisquare(2, pairs)


@pytest.mark.parametrize("pairs", [400, 2_000, 20_000])
@pytest.mark.parametrize(("wide", "factor"), [(0.0, 1.0), (0.01, 2.0), (0.1, 5.0)])
def test_new_pairs_lie_within_as_often_as_was_asked(pairs, wide, factor):
    """Of 400 samples on average: 0.27 % or less are beyond, and no less than one pair's worth."""
    rng = np.random.default_rng(pairs)
    beyond = []
    for _ in range(400):
        limit = Tail.of(chi2_of(rng, pairs, wide, factor)).chi2_within(THREE_SIGMA)
        parts = np.exp(-0.5 * limit), np.exp(-0.5 * limit / factor**2)
        beyond.append((1.0 - wide) * parts[0] + wide * parts[1])
    error = np.std(beyond) / np.sqrt(len(beyond))
    assert np.mean(beyond) <= 1.0 - THREE_SIGMA + 3.0 * error
    assert np.mean(beyond) >= 1.0 - THREE_SIGMA - 1.0 / (pairs + 1) - 3.0 * error


def test_too_few_pairs_tell_nothing():
    """One of 370 lies beyond three sigma."""
    chi2 = np.random.default_rng(1).chisquare(2, 370)
    assert Tail.of(chi2[:369]).chi2_within(THREE_SIGMA) == 0.0
    assert Tail.of(chi2).chi2_within(THREE_SIGMA) == pytest.approx(chi2.max(), rel=1e-5)
    assert Tail.of(chi2).chi2_within(0.9999) == 0.0
    assert Tail.of(np.empty(0)).chi2_within(THREE_SIGMA) == 0.0


def test_below_99_percent_errors_are_believed():
    chi2 = np.random.default_rng(2).chisquare(2, 5_000)
    assert Tail.of(chi2).chi2_within(0.9) == 0.0
    assert Tail.of(chi2).chi2_within(0.99) == pytest.approx(9.21, abs=0.6)


def test_a_calibration_of_before_has_no_tail():
    plain = CatalogCalibration.neutral("of old").to_dict()
    del plain["tail"]
    assert CatalogCalibration.from_dict(plain).tail == UNSEEN


# ---------------------------------------------------------------- a whole run
def few_blends(seed: int) -> list[tuple[pa.Table, dict[str, Any]]]:
    """600 objects in two tables; five are displaced by 3.7 sigma, all others by their errors."""
    rng, count, sigma = np.random.default_rng(seed), 600, 0.1
    ra, dec = rng.uniform(-0.5, 0.5, (2, count))
    offset = sigma * rng.normal(size=(2, count))
    offset[:, :5] = 3.7 * sigma * np.array([np.cos(np.arange(5)), np.sin(np.arange(5))])
    east, north = offset / 3600.0
    ids = np.arange(count)
    places = [(ra, dec, 1e-3), (ra + east, dec + north, sigma)]
    roles = {"id": "id", "ra": "ra", "dec": "dec"}
    return [
        (
            pa.table({"id": ids, "ra": x + 30.0, "dec": y, "err": np.full(count, error)}),
            roles | ERROR,
        )
        for x, y, error in places
    ]


@pytest.mark.parametrize("seed", range(3))
def test_a_few_blends_among_some_hundred_rows_are_candidates(seed):
    """They are too few to be told as wide errors, and more than three sigma may leave out."""
    tables = few_blends(seed)
    result = sq.crossmatch(*tables, names=("a", "b")).run("inline")
    (told,) = (each for each in result.report["calibration"]["catalogs"] if each["pairs"])
    assert told["errors"]["wide"] == [0.0]
    assert set(range(5)) <= same(result)
    assert len(same(result)) >= THREE_SIGMA * 600
    stated = sq.crossmatch(*tables, names=("a", "b"), calibrate=False).run("inline")
    assert not set(range(5)) & same(stated)


def drifted(seed: int) -> list[tuple[pa.Table, dict[str, Any]]]:
    """2,000 objects of two tables, 11 years apart and without motions; 4 % moved by 60 mas/yr.

    So faint that the prior takes them for galaxies, and seeks them no farther than what is slow.
    """
    rng, count, sigma = np.random.default_rng(seed), 2_000, 0.1
    ra, dec = rng.uniform(-0.5, 0.5, (2, count))
    speed = np.where(np.arange(count) < 80, 0.06, 0.005)
    angle = rng.uniform(0.0, 2.0 * np.pi, count)
    east, north = 11.0 * speed * np.stack([np.cos(angle), np.sin(angle)]) / 3600.0
    tables = []
    for years in (0.0, 1.0):
        x, y = (sigma * rng.normal(size=(2, count))) / 3600.0
        places = {"ra": 30.0 + ra + years * east + x, "dec": dec + years * north + y}
        table = pa.table({"id": np.arange(count), **places, "err": np.full(count, sigma)})
        table = table.append_column("mag", pa.array(np.full(count, 25.0)))
        epoch: dict[str, Any] = {"epoch": {"jyear": 2000.0 + 11.0 * years}}
        bands = {"bands": [{"name": "m", "column": "mag"}]}
        tables.append((table, {"id": "id", "ra": "ra", "dec": "dec"} | ERROR | epoch | bands))
    return tables


@pytest.mark.parametrize("seed", range(2))
def test_stars_that_moved_are_candidates_where_nobody_measured_motions(seed):
    """As 2MASS and AllWISE: 0.7" is 4 sigma with what a usual star may move."""
    result = sq.crossmatch(*drifted(seed), names=("a", "b")).run("inline")
    found = same(result)
    assert len(found & set(range(80))) >= 0.95 * 80
    assert len(found) >= 0.99 * 2_000
    stated = sq.crossmatch(*drifted(seed), names=("a", "b"), calibrate=False).run("inline")
    assert len(same(stated) & set(range(80))) < 0.7 * 80


def same(result) -> set[int]:
    """The objects whose two rows are matched."""
    pairs = result.pairs.filter(result.pairs["is_match"])
    both = zip(pairs["left_id"].to_pylist(), pairs["right_id"].to_pylist(), strict=True)
    return {left for left, right in both if left == right}
