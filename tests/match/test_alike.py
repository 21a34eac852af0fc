"""Near pairs of like values: the same as all against all, at the poles, at 0h, with NaN."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skyquarry.match.geometry import alike
from skyquarry.match.geometry.alike import Valued, alike_pairs
from skyquarry.testing.naive.match import naive_pairs

PLACES = {"pole": (0.0, 90.0), "south": (120.0, -90.0), "0h": (0.0, 0.0), "high": (359.9, 80.0)}


def _crowd(place: str, rows: int, seed: int) -> Valued:
    random = np.random.default_rng(seed)
    ra0, dec0 = PLACES[place]
    dec = dec0 + (random.random(rows) - 0.5)
    beyond = np.abs(dec) > 90.0
    dec = np.where(beyond, np.sign(dec) * 180.0 - dec, dec)
    ra = random.random(rows) * 360.0 if abs(dec0) == 90.0 else ra0 + random.random(rows) - 0.5
    values = random.integers(0, 4, (rows, 2)) / 4.0
    values[random.random(rows) < 0.1, 0] = np.nan
    return Valued(ra % 360.0, dec, tuple(values.T))


def _naive(left: Valued, right: Valued, radius: float, widths: np.ndarray, *, once: bool) -> set:
    near = naive_pairs(left.ra_deg, left.dec_deg, right.ra_deg, right.dec_deg, radius)
    return {
        (i, j)
        for i, j in near
        if not (once and i >= j)
        and all(
            abs(one[i] - other[j]) <= width
            for one, other, width in zip(left.values, right.values, widths, strict=True)
        )
    }


def _found(pairs) -> list:
    return [each for one, other in pairs for each in zip(one.tolist(), other.tolist(), strict=True)]


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("radius", [20.0, 300.0, 4000.0])
def test_two_sides_have_the_pairs_of_all_against_all(place, radius):
    left, right = _crowd(place, 200, 1), _crowd(place, 150, 2)
    widths = np.array([0.25, 0.5])
    found = _found(alike_pairs(left, right, radius, widths, threads=2))
    assert len(found) == len(set(found))
    assert set(found) == _naive(left, right, radius, widths, once=False)


@given(st.sampled_from(list(PLACES)), st.integers(2, 120), st.integers(0, 99), st.floats(1.0, 9e3))
@settings(deadline=None, max_examples=40)
def test_a_side_with_itself_has_each_pair_once(place, rows, seed, radius):
    side, widths = _crowd(place, rows, seed), np.array([0.0, 0.3])
    found = _found(alike_pairs(side, None, radius, widths))
    pairs = [(min(pair), max(pair)) for pair in found]
    assert len(pairs) == len(set(pairs))
    assert set(pairs) == _naive(side, side, radius, widths, once=True)


def test_little_room_and_small_parts_lose_no_pair(monkeypatch):
    side, widths = _crowd("0h", 300, 5), np.array([0.5, 0.5])
    whole = set(_found(alike_pairs(side, None, 2000.0, widths)))
    for name in ("_PART", "_BELT", "_ROOM"):
        monkeypatch.setattr(alike, name, 7)
    assert whole
    assert set(_found(alike_pairs(side, None, 2000.0, widths, threads=2))) == whole
    monkeypatch.setattr(alike, "_STEPS", 12)  # of five arc minutes
    found = set(_found(alike_pairs(side, None, 2000.0, widths)))
    assert {(min(pair), max(pair)) for pair in found} == {(min(p), max(p)) for p in whole}


def test_no_rows_have_no_pairs():
    none = Valued(np.empty(0), np.empty(0), (np.empty(0),))
    assert _found(alike_pairs(none, None, 60.0, np.ones(1))) == []
    assert _found(alike_pairs(none, _crowd("0h", 5, 1), 60.0, np.ones(1))) == []
