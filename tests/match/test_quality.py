"""The report of a run: counts that add up, tests that catch wrong errors, sentences that fit."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from skyquarry.errors import UserError
from skyquarry.match.calibration.calibrate import Calibration, fit
from skyquarry.match.calibration.residuals import empty
from skyquarry.match.given.rows import Flag
from skyquarry.match.reports.measured import measured
from skyquarry.match.reports.quality import Facts, QualityReport, Tally, quality_report, tally
from skyquarry.match.reports.rayleigh import MEDIAN_CHI2, rayleigh_test
from skyquarry.match.reports.shifted import DIRECTIONS, ShiftedSky
from skyquarry.match.reports.strangers import Home, Strangers
from skyquarry.match.reports.tally import P_EDGES, RowTally, p_bins

NAMES = ["a", "b", "c"]
LIMIT = 3.4393


def pairs_of(
    seed: int = 1, real: int = 4_000, false: int = 0, scale: float = 1.0, **more: Any
) -> dict[str, Any]:
    """Accepted pairs of two catalogues: Rayleigh separations, and uniform ones by chance."""
    rng = np.random.default_rng(seed)
    x = scale * rng.rayleigh(size=4 * real)
    x = x[x < LIMIT][:real]
    norm_sep = np.concatenate([x, LIMIT * np.sqrt(rng.random(false))])
    count = real + false
    told = {
        "left": np.zeros(count, int),
        "right": np.ones(count, int),
        "norm_sep": norm_sep,
        "posterior": np.full(count, 0.999),
        "is_match": np.ones(count, bool),
    }
    return told | more


def members_of(matched: int = 80, alone: int = 20) -> dict[str, Any]:
    reason = np.array([0] * matched + [1] * alone + [2] * 5)
    catalog = np.tile(reason[None], (2, 1)) * 0 + np.array([[0], [1]])
    mag = np.tile(np.linspace(10.2, 20.2, len(reason)), 2)
    return {"catalog": catalog.ravel(), "reason": np.tile(reason, 2), "mag": mag}


def reported(pairs: dict[str, Any], **more: Any) -> QualityReport:
    more = {"calibration": Calibration.none(NAMES[:2]), **more}
    return quality_report(tally(NAMES[:2], pairs, members_of()), **more)


def test_of(report: QualityReport) -> dict[str, Any]:
    return report.pairs[0]["rayleigh"]


test_of.__test__ = False  # type: ignore[attr-defined]


# ------------------------------------------------------------------ Rayleigh
@pytest.mark.parametrize("seed", range(5))
def test_right_errors_pass(seed: int) -> None:
    told = test_of(reported(pairs_of(seed)))
    assert told["scale"] == pytest.approx(1.0, abs=3.5 * told["scale_error"])
    assert told["scale_error"] == pytest.approx(0.5 / np.sqrt(4_000), rel=0.5)
    assert told["median_chi2"] == pytest.approx(MEDIAN_CHI2, abs=0.1)
    assert told["ks_p"] > 1e-3
    assert told["false"] < 120


@pytest.mark.parametrize(("scale", "doubt"), [(1.3, "larger"), (0.8, "smaller")])
def test_wrong_errors_are_measured_and_doubted(scale: float, doubt: str) -> None:
    report = reported(pairs_of(scale=scale))
    told = test_of(report)
    assert told["scale"] == pytest.approx(scale, rel=0.06)
    assert told["ks_p"] < 1e-6
    assert any(f"seem {doubt} than used, by a factor of" in line for line in report.doubts)


def test_chance_pairs_do_not_pass_for_wrong_errors() -> None:
    told = test_of(reported(pairs_of(real=4_000, false=1_500)))
    assert told["false"] == pytest.approx(1_500, rel=0.12)
    assert told["scale"] == pytest.approx(1.0, abs=0.04)


def test_few_pairs_are_not_tested() -> None:
    report = reported(pairs_of(real=12))
    assert test_of(report)["scale"] is None
    assert "12 matches of a and b are too few to test their errors." in report.doubts
    assert "too few pairs to tell" in report.verdict()[2]


def test_the_median_is_that_of_the_values() -> None:
    x = np.random.default_rng(2).rayleigh(size=5_001)
    x = x[x < 3.0]
    counts = np.histogram(x, np.linspace(0.0, 6.0, 601))[0]
    assert rayleigh_test(counts, 6.0, 3.0).median_chi2 == pytest.approx(np.median(x) ** 2, abs=0.01)


def test_blends_are_left_out_of_the_test() -> None:
    wide = np.where(np.arange(4_000) % 4 == 0, int(Flag.BLEND), 0)
    assert test_of(reported(pairs_of(flags=wide)))["pairs"] == 3_000


# ------------------------------------------------------------------ counts
def test_expected_false_is_the_sum_of_what_is_missing_to_one() -> None:
    p = np.random.default_rng(3).random(4_000)
    match = p > 0.4
    pair = reported(pairs_of(posterior=p, is_match=match)).pairs[0]
    assert pair["accepted"] == match.sum()
    assert pair["expected_false"] == pytest.approx((1.0 - p[match]).sum(), abs=1e-8)
    assert pair["expected_true"] == pytest.approx(p.sum(), abs=1e-8)


def test_any_parts_in_any_order_give_the_same_bytes() -> None:
    rng = np.random.default_rng(4)
    pairs = pairs_of(posterior=rng.random(4_000), flags=rng.integers(0, 1 << 14, 4_000))
    pairs |= {"left": rng.integers(0, 2, 4_000), "right": np.full(4_000, 2)}
    members = members_of()
    part = rng.integers(0, 7, 4_000)

    def piece(n: int) -> Tally:
        mine = {name: values[part == n] for name, values in pairs.items()}
        rows = {name: values[n::7] for name, values in members.items()}
        return tally(NAMES, mine, rows)

    pieces = [piece(n) for n in range(7)]
    whole = quality_report(tally(NAMES, pairs, members)).to_json()
    for order in (pieces, pieces[::-1]):
        assert quality_report(sum(order, start=Tally.start(NAMES))).to_json() == whole


def test_roles_do_not_matter() -> None:
    pairs = pairs_of()
    swapped = pairs | {"left": pairs["right"], "right": pairs["left"]}
    assert reported(swapped).to_json() == reported(pairs).to_json()


def test_counts_of_other_catalogues_are_not_added() -> None:
    with pytest.raises(UserError, match=r"count catalogues \('a',\) and \('b',\)"):
        Tally.start(["a"]) + Tally.start(["b"])


def test_rows_tell_rates_reasons_and_magnitudes() -> None:
    row = reported(pairs_of()).rows[0]
    assert (row["rows"], row["matched"]) == (105, 80)
    assert row["rate"] == pytest.approx(80 / 105)
    assert row["reasons"] == {
        "no candidate": 20, "candidates rejected": 5, "outside footprint": 0, "invalid": 0,
    }  # fmt: skip
    assert sum(each["rows"] for each in row["by_magnitude"]) == 105
    first, last = row["by_magnitude"][0], row["by_magnitude"][-1]
    assert (first["mag"], first["rate"], last["rate"]) == (10.0, 1.0, 0.0)


def test_no_rows_and_no_pairs_are_a_report_too() -> None:
    report = quality_report(Tally.start(NAMES))
    assert len(report.verdict()) == 5
    assert json.loads(report.to_json())["rows"][2]["rate"] is None


# ------------------------------------------------------------------ reliability
def test_reliability_compares_with_the_truth_where_it_is_known() -> None:
    rng = np.random.default_rng(5)
    p = rng.random(20_000)
    pairs = pairs_of(real=20_000, posterior=p, is_true=rng.random(20_000) < p, is_match=p > 0.5)
    table = reported(pairs).pairs[0]["reliability"]
    for each in table:
        assert each["true"] == pytest.approx(each["expected"], abs=4.0 * each["error"] + 1e-3)
    assert sum(each["candidates"] for each in table) == 20_000


def test_reliability_is_measured_by_strangers() -> None:
    """1,000 rows, 600 with counterpart; strangers of P = 0.3 about each tenth row."""
    real = {"posterior": np.array([0.98] * 600 + [0.3] * 40), "is_match": np.arange(640) < 600}
    zeros = np.zeros(640, int)
    pairs = {"left": zeros, "right": zeros + 1, "norm_sep": zeros + 1.0} | real
    bins = np.bincount(p_bins(np.full(800, 0.3)), minlength=len(P_EDGES) - 1)
    sky = ShiftedSky.start(2.0).with_match(np.full(640, 1.0), 1_000)
    for direction in range(DIRECTIONS):
        sky = sky.with_shift(direction, np.full(100, 1.5), 1_000)
    members = {
        "catalog": np.repeat([0, 1], 1_000),
        "reason": np.repeat([0, 1, 0, 1], [600, 400] * 2),
    }
    report = quality_report(
        tally(NAMES[:2], pairs, members),
        shifted={(0, 1): sky},
        strangers={(0, 1): Strangers(8_000, bins)},
    )
    table = {each["from"]: each for each in report.pairs[0]["reliability"]}
    assert table[0.95]["shifted"] == 1.0
    assert table[0.3]["shifted"] == pytest.approx(0.0, abs=0.02)
    assert 0.0 < table[0.95]["shifted_error"] < 0.01 < table[0.3]["shifted_error"]
    assert report.pairs[0]["shifted"]["with_counterpart"] == pytest.approx(600.0)


BINS = len(P_EDGES) - 1


def at(p: float, count: int) -> Any:
    """So many candidates of one probability, by bins."""
    return np.bincount(p_bins(np.full(count, p)), minlength=BINS)


def half_a_sky() -> tuple[RowTally, ShiftedSky]:
    """1,000 rows, of which the shifted sky says that 500 have a counterpart, and meets nothing."""
    sky = ShiftedSky.start(2.0).with_match(np.full(500, 1.0), 1_000)
    for direction in range(DIRECTIONS):
        sky = sky.with_shift(direction, np.empty(0), 1_000)
    members = {"catalog": np.zeros(1_000, int), "reason": np.repeat([0, 1], 500)}
    return tally(["a"], {n: np.empty(0) for n in EMPTY}, members).rows[0], sky


EMPTY = ("left", "right", "norm_sep", "posterior", "is_match")


def test_rows_with_a_counterpart_find_what_accompanied_strangers_do() -> None:
    """Of 300 candidates, 100 are there by chance beside rows without one, 50 beside the others."""
    rows, sky = half_a_sky()
    beside = Strangers(1_000, at(0.35, 100), at(0.35, 0))
    found = measured(at(0.35, 300), rows, sky, Strangers(1_000, at(0.35, 200), 0, beside))
    assert found is not None
    share, error = found.of_bin(int(p_bins(np.array([0.35]))[0]))
    assert share == pytest.approx(0.5)
    assert error is not None
    assert 0.03 < error < 0.1


@pytest.mark.parametrize(("lost", "told"), [(200, 0.5), (0, None)])
def test_rivals_are_true_as_often_as_accepted_pairs_are_false(lost: int, told: Any) -> None:
    """200 rivals, none by chance, of accepted pairs of P = 1/2: of these, strangers take `lost`.

    Where they take none, the rivals belong to the same objects, and nothing tells which is right.
    """
    rows, sky = half_a_sky()
    home = Home(at(0.45, 200), at(0.45, 200), 0.5 * at(0.45, 200), 0.0 * at(0.45, 0))
    none = at(0.45, 0)
    beside = Strangers(1_000, none, none, accepted=2 * lost)
    found = measured(at(0.45, 200), rows, sky, Strangers(1_000, none, none, beside, home))
    assert found is not None
    share, _ = found.of_bin(int(p_bins(np.array([0.45]))[0]))
    assert share == (None if told is None else pytest.approx(told))


def test_accepted_pairs_of_blends_are_false_as_often_as_their_rivals_are_true() -> None:
    """100 accepted pairs of P = 0.92 with a rival of 0.07 each, none of them by chance."""
    rows, sky = half_a_sky()
    none, both = at(0.5, 0), at(0.92, 100) + at(0.07, 100)
    home = Home(both, at(0.07, 100), 0.08 * at(0.07, 100), 0.07 * at(0.92, 100))
    strangers = Strangers(100_000, none, none, Strangers(100_000, none, none), home)
    found = measured(both, rows, sky, strangers)
    assert found is not None
    blends = 1.0 - 3.0 * np.sqrt(101.0) / 100.0  # what may be the scatter of chance is not counted
    share, error = found.of_bin(int(p_bins(np.array([0.92]))[0]))
    assert share == pytest.approx(1.0 - 0.07 * blends)
    assert error is not None
    assert error > 0.07 * blends
    share, _ = found.of_bin(int(p_bins(np.array([0.07]))[0]))
    assert share == pytest.approx(0.08)


# ------------------------------------------------------------------ words
def test_the_verdict_has_five_lines() -> None:
    lines = reported(pairs_of()).verdict()
    starts = ["matched:", "expected false:", "error scale:", "calibration:", "doubt:"]
    assert [line.split(" ")[0] for line in lines] == [each.split(" ")[0] for each in starts]
    assert lines[0] == "matched: 80 of 105 a (76.2 %), 80 of 105 b (76.2 %)"
    assert lines[1] == "expected false: 4.0 of 4,000 a–b (0.1 %)"
    assert lines[2].endswith("; 1 and 1.39 are right")
    assert lines[4] == "doubt: nothing stands out"


def test_the_verdict_tells_the_gravest_doubts_and_how_many_more() -> None:
    sentences = tuple(f"Doubt {n}." for n in range(5))
    told = reported(pairs_of(), facts=Facts(notes=sentences))
    assert told.verdict()[4] == "doubt: Doubt 0. Doubt 1. Doubt 2. And 2 more: see the report."
    assert told.doubts == list(sentences)


FACTS = [
    (Facts(estimated_footprints=("b",)), "The footprint of b was estimated from its rows"),
    (Facts(default_errors={"a": 12}), "12 of 105 rows of a have a default error."),
    (Facts(assumed_errors={"a": "0.1 arcsec"}), "a has no errors of its own: 0.1 arcsec was"),
    (Facts(unknown_epochs={"b": 105}), "105 of 105 rows of b have no epoch: they were not moved."),
    (Facts(invalid={"b": 3}), "3 rows of b could not be used."),
    (Facts(islands=1_000, heuristic_islands=2), "2 of 1,000 islands were too large to be solved"),
    (Facts(secure_pairs=40), "Magnitudes were not used: 40 secure pairs are fewer than the 100"),
    (Facts(fast_pass="Stars beyond 5 arcsec/yr: 80 % found."), "Stars beyond 5 arcsec/yr"),
    (Facts(notes=("Something else.",)), "Something else."),
]


@pytest.mark.parametrize(("facts", "words"), FACTS)
def test_each_fact_is_doubted_and_nothing_else(facts: Facts, words: str) -> None:
    doubts = reported(pairs_of(), facts=facts).doubts
    assert len(doubts) == 1
    assert doubts[0].startswith(words)


def test_ambiguous_and_false_matches_are_doubted() -> None:
    rival = np.where(np.arange(4_000) < 400, int(Flag.AMBIGUOUS), 0)
    doubts = reported(pairs_of(flags=rival, posterior=np.full(4_000, 0.9))).doubts
    assert doubts[0].startswith("10 % of the matches of a and b have a rival above 10 %")
    assert doubts[1].startswith("10 % of the matches of a and b are expected to be false")


def test_catalogues_that_do_not_meet_are_doubted() -> None:
    none = pairs_of(is_match=np.zeros(4_000, bool))
    assert reported(none).doubts[0].startswith("No pair of a and b was accepted; do they overlap")


def test_a_shifted_sky_that_disagrees_is_doubted() -> None:
    sky = ShiftedSky.start(2.0).with_match(np.full(900, 0.1), 1_000)
    for direction in range(DIRECTIONS):
        sky = sky.with_shift(direction, np.full(500, 1.0), 1_000)
    doubts = reported(pairs_of(), shifted={(0, 1): sky}).doubts
    assert doubts == [
        "A shifted sky gives 11 % of chance among the nearest of a and b, probabilities say 0.1 %."
    ]


def test_calibration_that_was_off_or_impossible_is_doubted() -> None:
    off = reported(pairs_of(), calibration=None)
    assert off.doubts == ["Errors and zero points were taken as stated: calibration was off."]
    assert off.verdict()[3] == "calibration: off"
    poor = reported(pairs_of(), calibration=fit({1: empty()}, ["a", "b"]))
    assert poor.doubts[0].startswith("b was not calibrated: no mutual nearest pair")


def test_the_report_is_plain_data() -> None:
    facts = replace(Facts(notes=("x",)), islands=3)
    report = reported(pairs_of(), facts=facts)
    assert json.loads(report.to_json()) == report.to_dict()
