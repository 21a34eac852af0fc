"""What is right, shared and false among rows that hold the light of several sources."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pytest

from skyquarry.synthetic.observe.surveys import CATALOGUES
from skyquarry.testing.syntheticscores import LEAST_PART, Linked, Truth

NAMES = ("sdss", "allwise")


@dataclass
class Links:
    """As a catalogue `NAME_truth`: rows, the sources in each, and their shares of its light."""

    table: pa.Table

    def select(self, columns: list[str]) -> Links:
        return Links(self.table.select(columns))

    def to_table(self) -> pa.Table:
        return self.table


def truth(**rows: dict[int, dict[int, float]]) -> Truth:
    """Of surveys whose rows hold sources with these shares."""
    sky = {}
    for name, mine in rows.items():
        told = [(row, one, part) for row, parts in mine.items() for one, part in parts.items()]
        key, source, share = zip(*told, strict=True)
        columns = {CATALOGUES[name].key: key, "truth_id": source, "share": share}
        sky[f"{name}_truth"] = Links(pa.table(columns))
    return Truth({name: Linked(sky, name) for name in rows}, np.array([1]))  # type: ignore[arg-type]


def kinds(told: Truth, *pairs: tuple[int, int]) -> tuple[int, int, int, int, int]:
    """right, merged, blended, apart, false of these pairs."""
    score = told.score(NAMES, [pa.chunked_array([ids]) for ids in zip(*pairs, strict=True)])
    return score.right, score.merged, score.blended, score.apart, score.false


def test_the_same_brightest_source_is_right() -> None:
    told = truth(sdss={10: {1: 1.0}}, allwise={20: {1: 0.6, 2: 0.4}})
    assert kinds(told, (10, 20)) == (1, 0, 0, 0, 0)


def test_two_sources_seen_as_one_by_both_are_not_false() -> None:
    told = truth(sdss={10: {1: 0.7, 2: 0.3}}, allwise={20: {2: 0.6, 1: 0.4}})
    assert kinds(told, (10, 20)) == (0, 1, 0, 0, 0)


def test_a_blend_with_what_the_other_survey_does_not_see_is_not_false() -> None:
    told = truth(sdss={10: {1: 1.0}}, allwise={20: {2: 0.6, 1: 0.4}})
    assert kinds(told, (10, 20)) == (0, 0, 1, 0, 0)


def test_a_pair_is_false_where_a_better_row_was_there() -> None:
    told = truth(sdss={10: {1: 1.0}, 11: {2: 1.0}}, allwise={20: {2: 0.6, 1: 0.4}})
    assert kinds(told, (10, 20)) == (0, 0, 1, 0, 1)
    assert kinds(told, (11, 20)) == (1, 0, 0, 0, 0)


def test_a_pair_is_false_where_the_lesser_source_has_a_row_of_its_own() -> None:
    told = truth(sdss={10: {1: 1.0}}, allwise={20: {2: 0.6, 1: 0.4}, 21: {1: 1.0}})
    assert kinds(told, (10, 20)) == (0, 0, 1, 0, 1)


@pytest.mark.parametrize("part", [LEAST_PART - 0.01, LEAST_PART + 0.01])
def test_a_pair_is_false_where_they_share_too_little_light(part: float) -> None:
    told = truth(sdss={10: {1: 1.0}}, allwise={20: {2: 1.0 - part, 1: part}})
    assert kinds(told, (10, 20)) == (0, 0, 1, 0, int(part < LEAST_PART))


def test_rows_without_a_source_in_common_are_apart_and_false() -> None:
    told = truth(sdss={10: {1: 1.0}}, allwise={20: {2: 1.0}})
    assert kinds(told, (10, 20), (99, 20)) == (0, 0, 0, 2, 2)
