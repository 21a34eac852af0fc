"""The identification against a synthetic sky whose truth is known."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from skyquarry.pipeline.simulating import simulate
from skyquarry.pipeline.skyasked import field
from skyquarry.synthetic.observe.surveys import MAIN
from skyquarry.testing.syntheticscores import Score, scores

if TYPE_CHECKING:
    from skyquarry.engine.archive import Archive

FIELDS = ((30, 31), (-60, 62))
"""galactic latitudes, and seeds"""
BLENDED = ("sdss", "allwise")
Told = dict[str, dict[str, Score]]


@pytest.fixture(scope="module")
def skies(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[int, int], Archive]:
    """A square degree of each field.

    In half of that what is wrong less what is expected to be scatters by 0.2 per cent about 0.8.
    """
    return {
        (latitude, seed): simulate(
            field(1.0, latitude_deg=latitude),
            tmp_path_factory.mktemp("sky"),
            seed=seed,
            progress=False,
        )
        for latitude, seed in FIELDS
    }


@pytest.fixture(scope="module")
def every(skies: dict[tuple[int, int], Archive]) -> dict[tuple[int, int], Told]:
    """Scores of every two surveys and of all."""
    return {which: scores(sky, MAIN) for which, sky in skies.items()}


@pytest.fixture(scope="module")
def alone(skies: dict[tuple[int, int], Archive]) -> list[dict[str, Score]]:
    """Of the two surveys with most blends, matched without the others."""
    return [told for sky in skies.values() for told in scores(sky, BLENDED).values()]


@pytest.fixture(params=FIELDS, ids=str)
def told(request: pytest.FixtureRequest, every: dict[tuple[int, int], Told]) -> Told:
    """Those of one field."""
    return every[request.param]


def test_counterparts_are_found_and_few_are_false(told: Told) -> None:
    assert len(told) == 7
    for each in told.values():
        ours = each["crossmatch"].shares()
        assert ours["false"] <= 0.01
        assert ours["found"] >= 0.98
        assert ours["found_bright"] >= 0.98


def test_no_fewer_are_found_than_by_the_nearest(told: Told) -> None:
    for each in told.values():
        ours, nearest = (each[how].shares() for how in ("crossmatch", "nearest"))
        assert ours["found"] >= nearest["found"] - 0.002


def test_so_they_are_where_two_surveys_are_matched_alone(alone: list[dict[str, Score]]) -> None:
    """Over both fields: 0.6 to 0.8 per cent is false in a square degree, 0.08 of it luck."""
    ours, nearest = ([each[how] for each in alone] for how in ("crossmatch", "nearest"))
    assert sum(each.false for each in ours) <= 0.01 * sum(each.accepted for each in ours)
    assert sum(each.found for each in ours) >= 0.98 * sum(each.observed for each in ours)
    assert sum(each.found for each in ours) >= sum(each.found for each in nearest)


def test_probabilities_expect_what_is_false(told: Told, alone: list[dict[str, Score]]) -> None:
    for each in (*told.values(), *alone):
        score = each["crossmatch"]
        assert score.wrong_expected is not None
        assert abs(score.false - score.wrong_expected) <= 0.003 * score.accepted


def wrong(score: Score) -> float:
    """Accepted without the same brightest source, as a part."""
    return 1.0 - score.shares()["right"]


def test_probabilities_know_what_is_wrong_to_one_per_cent(told: Told) -> None:
    """Blends count as wrong; most of what is missing are rows that see the same two as one."""
    for each in told.values():
        for how in ("crossmatch", "sure"):
            score = each[how]
            assert score.wrong_expected is not None
            assert abs(wrong(score) - score.wrong_expected / score.accepted) <= 0.01


def test_what_is_sure_is_right(told: Told) -> None:
    for each in told.values():
        sure = each["sure"].shares()
        assert sure["blended"] + sure["apart"] <= 0.0125
    blends = told["sdss x allwise"]
    assert wrong(blends["sure"]) < wrong(blends["crossmatch"])


def test_what_is_sure_is_most_of_what_is_there(every: dict[tuple[int, int], Told]) -> None:
    """Over both fields: of SDSS x AllWISE one has 0.978 to 0.984 at |b| = 30, by its luck."""
    for pair in every[FIELDS[0]]:
        each = [told[pair]["sure"] for told in every.values()]
        assert sum(score.found for score in each) >= 0.98 * sum(score.observed for score in each)
