"""What each option of `sq.crossmatch` promises, on small crowded skies, and each way out of it."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow.compute as pc
import pytest

import skyquarry as sq
from skyquarry.catalog.formats import open_table
from skyquarry.match.given.rows import Flag
from skyquarry.testing.crosstables import ZERO_POINT_ARCSEC, CrossTable, cross_tables

if TYPE_CHECKING:
    from pathlib import Path

    from skyquarry.match.matchresult import MatchResult

    Tables = list[CrossTable]

CONSTRAINTS = ("one_to_one", "many_to_one", "none")
NAMES = ("gaia", "tmass", "wise")
PER_DEG2 = {("gaia",): 2e5, ("tmass",): 1e5, ("gaia", "tmass"): 4e5}
SR_PER_DEG2 = (np.pi / 180.0) ** 2
GEOMETRY: dict[str, Any] = {"photometry": None, "calibrate": False, "fast_pass": False}


@pytest.fixture(scope="module")
def tables() -> Tables:
    """Three catalogues of 240 objects, so crowded that a tenth of the rows is in doubt."""
    return cross_tables(240, seed=3, spread=2e-4)


@pytest.fixture(scope="module")
def sparse() -> Tables:
    """The same far apart: most rows are alone or in no doubt, and some wait for a second search."""
    return cross_tables(240)


@pytest.fixture(scope="module")
def expected(sparse: Tables) -> MatchResult:
    """All three with the options that are the default."""
    return matched(sparse)


def matched(tables: Tables, **options: Any) -> MatchResult:
    return sq.crossmatch(*[each.given for each in tables], **options).run("inline")


def floats(result: MatchResult, name: str) -> Any:
    return np.array(result.pairs[name].to_pylist(), float)


def flagged(result: MatchResult, flag: Flag) -> int:
    """How many pairs have it."""
    return sum(bool(flags & flag) for flags in result.pairs["flags"].to_pylist())


def row_of(pair: dict[str, Any], side: str) -> tuple[str, int]:
    return pair[f"{side}_catalog"], pair[f"{side}_row"]


def alone(result: MatchResult) -> dict[tuple[str, int], float]:
    """{row: the probability that it is alone}."""
    return {(m["catalog"], m["row"]): m["p_none"] for m in result.members.to_pylist()}


# ---------------------------------------------------------------- probabilities


@pytest.mark.parametrize("fast_pass", [False, True])
@pytest.mark.parametrize("constraint", CONSTRAINTS)
def test_what_a_row_may_be_has_probability_one(
    tables: Tables,
    constraint: str,
    fast_pass: bool,  # noqa: FBT001  a case
) -> None:
    """Alone or one of its pairs: who chooses one of them sums to 1, who is chosen is free of each.

    "one_to_one": all rows choose one. "many_to_one": those of the first. "none": nobody does.
    """
    result = matched(tables[:2], constraint=constraint, fast_pass=fast_pass)
    assert result.report["facts"]["heuristic_islands"] == 0
    of_row: dict[tuple[str, int], list[float]] = defaultdict(list)
    for pair in result.pairs.to_pylist():
        for side in ("left", "right"):
            of_row[row_of(pair, side)].append(pair["posterior"])
    choosing = {"one_to_one": {"gaia", "tmass"}, "many_to_one": {"gaia"}, "none": set()}
    p_none = alone(result)
    assert sum(0.01 < p < 0.99 for p in p_none.values()) > 10
    assert any(len(each) > 1 for each in of_row.values())
    for row, p in p_none.items():
        if row[0] in choosing[constraint]:
            assert p + sum(of_row[row]) == pytest.approx(1.0, abs=1e-9)
        else:
            assert p == pytest.approx(np.prod([1.0 - each for each in of_row[row]]), abs=1e-9)


@pytest.mark.parametrize("constraint", CONSTRAINTS)
def test_a_counterpart_and_none_have_probability_one(tables: Tables, constraint: str) -> None:
    result = matched(tables[:2], constraint=constraint, fast_pass=False)
    p_none = alone(result)
    for pair in result.pairs.to_pylist():
        assert pair["p_any"] + p_none[row_of(pair, "left")] == pytest.approx(1.0, abs=1e-9)
        assert pair["p_i"] * pair["p_any"] == pytest.approx(pair["posterior"], abs=1e-12)


@pytest.mark.parametrize("constraint", ["one_to_one", "many_to_one"])
def test_groups_of_three_catalogues_sum_to_one(tables: Tables, constraint: str) -> None:
    result = matched(tables, constraint=constraint, fast_pass=False)
    assert result.report["facts"]["heuristic_islands"] == 0
    chooses = NAMES if constraint == "one_to_one" else NAMES[:1]
    rows = [m for m in result.members.to_pylist() if m["n"] > 1 and m["catalog"] in chooses]
    seen = 0
    for member in sorted(rows, key=lambda m: m["membership_posterior"])[:15]:
        told = result.explain_match(member["catalog"], member["id"]).to_dict()
        if told["n_groups"] == len(told["groups"]):
            held = [group["posterior"] for group in told["groups"] if group["has_row"]]
            assert sum(held) == pytest.approx(1.0, abs=1e-9)
            seen += len(held) > 2
    assert seen >= 3


# ---------------------------------------------------------------- keep, constraint


@pytest.mark.parametrize("constraint", CONSTRAINTS)
def test_the_best_are_the_matches_among_all(tables: Tables, constraint: str) -> None:
    every = matched(tables, constraint=constraint)
    best = matched(tables, constraint=constraint, keep="best")
    accepted = every.pairs.filter(every.pairs["is_match"])
    assert 100 < best.pairs.num_rows < every.pairs.num_rows
    assert best.pairs.combine_chunks().equals(accepted.combine_chunks())
    assert best.groups.equals(every.groups)
    assert best.members.equals(every.members)


def partners(result: MatchResult) -> dict[str, int]:
    """{catalogue: the most rows of one other catalogue that are matched with a row of it}."""
    count: Counter[tuple[str, int, str]] = Counter()
    for pair in result.pairs.to_pylist():
        if pair["is_match"]:
            left, right = row_of(pair, "left"), row_of(pair, "right")
            count[*left, right[0]] += 1
            count[*right, left[0]] += 1
    return {name: max(n for key, n in count.items() if key[0] == name) for name in NAMES}


def test_one_to_one_has_every_row_in_one_match_at_most(tables: Tables) -> None:
    result = matched(tables)
    assert partners(result) == dict.fromkeys(NAMES, 1)
    assert sum(result.groups["n"].to_pylist()) == result.members.num_rows


def test_many_to_one_lets_rows_be_chosen_often_but_choose_once(tables: Tables) -> None:
    most = partners(matched(tables, constraint="many_to_one"))
    assert most["gaia"] == 1
    assert most["tmass"] > 1
    assert most["wise"] > 1


def test_no_constraint_lets_every_row_be_matched_often(tables: Tables) -> None:
    assert min(partners(matched(tables, constraint="none")).values()) > 1


# ---------------------------------------------------------------- catalogues, files


@pytest.mark.parametrize("constraint", ["one_to_one", "many_to_one"])
def test_a_result_becomes_a_sound_catalogue_with_children(
    tables: Tables, tmp_path: Path, constraint: Any
) -> None:
    plan = sq.crossmatch(*[each.given for each in tables], constraint=constraint)
    result = plan.run("inline")
    made = plan.to_catalog(tmp_path / "found", "inline")
    assert made.verify() == []
    found = made.to_table()
    assert Counter(found["group_id"].to_pylist()) == Counter(result.groups["group_id"].to_pylist())
    for name in NAMES:
        ids = [Counter(each[f"{name}_id"].to_pylist()) for each in (found, result.groups)]
        assert ids[0] == ids[1]
    for kind in ("pairs", "members"):
        child = sq.open(tmp_path / f"found_{kind}")
        assert child.verify() == []
        assert child.to_table().num_rows == result.to_table(kind).num_rows


@pytest.mark.parametrize("kind", ["pairs", "groups", "members", "wide"])
@pytest.mark.parametrize("suffix", ["parquet", "csv", "fits", "vot"])
def test_saved_tables_come_back_whole(
    expected: MatchResult, tmp_path: Path, kind: Any, suffix: str
) -> None:
    there = expected.to_table(kind)
    path = tmp_path / f"{kind}.{suffix}"
    assert expected.save(path, kind) == there.num_rows > 100
    back = open_table(path).to_table()
    assert back.column_names == there.column_names
    assert back.num_rows == there.num_rows
    name = {"pairs": "left_id", "members": "id"}.get(kind, "wise_id")
    assert back[name].to_pylist() == there[name].to_pylist()


# ---------------------------------------------------------------- the wide view


def test_the_wide_view_has_the_columns_of_members_and_null_without(
    sparse: Tables, expected: MatchResult
) -> None:
    wide, groups = expected.wide, expected.groups
    assert wide.select(groups.column_names).equals(groups)
    for each in sparse:
        given = each.table.column_names
        assert {f"{each.name}_{column}" for column in given} <= set(wide.column_names)
        absent = pc.is_null(wide[f"{each.name}_id"])
        assert 0 < sum(absent.to_pylist()) < len(wide)
        for column in ("ra", "dec", "err", "mag"):
            assert pc.is_null(wide[f"{each.name}_{column}"]).equals(absent)
        # Of rows that stand twice both are the same but for their number.
        rows = {row["id"]: row for row in each.table.to_pylist()}
        for told in wide.filter(pc.invert(absent)).to_pylist():
            own = {column: told[f"{each.name}_{column}"] for column in given}
            assert own == rows[own["id"]]


# ---------------------------------------------------------------- options and their effects


def test_given_densities_are_the_odds_of_every_pair(tables: Tables) -> None:
    result = matched(tables[:2], prior=PER_DEG2, **GEOMETRY)
    a, b, both = (value / SR_PER_DEG2 for value in PER_DEG2.values())
    assert most_common_prior(result) == pytest.approx(np.log(both / (4.0 * np.pi * a * b)))


@pytest.mark.parametrize("completeness", [0.9, 0.9973])
def test_nway_weighs_by_the_density_of_the_second_alone(
    tables: Tables, completeness: float
) -> None:
    result = matched(tables[:2], prior="nway", completeness=completeness, **GEOMETRY)
    second = result.made.learnt.densities.of("tmass") / SR_PER_DEG2
    assert most_common_prior(result) == pytest.approx(np.log(completeness / (4.0 * np.pi * second)))


def most_common_prior(result: MatchResult) -> float:
    """The ln prior odds that nine of ten pairs have: all but those where one did not look."""
    ln = prior_odds(result)
    (value, count), *_ = Counter(ln.tolist()).most_common(1)
    assert count > 0.9 * len(ln) > 20
    return float(value)


def prior_odds(result: MatchResult) -> Any:
    """(pairs,) ln odds of each before its place is known."""
    return np.round(floats(result, "ln_gain") - floats(result, "lnB_pos"), 9)


def test_a_uniform_prior_is_one_for_every_pair_of_a_place(tables: Tables) -> None:
    """With magnitudes nearly every pair has odds of its own."""
    several = [len(set(prior_odds(matched(tables[:2], prior=prior, **GEOMETRY)).tolist()))
               for prior in ("uniform", "auto")]  # fmt: skip
    assert 3 <= several[0] < 30
    assert several[1] > 150


def test_without_photometry_geometry_is_all(tables: Tables) -> None:
    result, usual = matched(tables, photometry=None), matched(tables)
    names = ("posterior", "posterior_geometry")
    assert np.array_equal(*(floats(result, name) for name in names))
    assert not np.array_equal(*(floats(usual, name) for name in names))


def test_without_calibration_positions_are_compared_as_they_are(
    sparse: Tables, expected: MatchResult
) -> None:
    result = matched(sparse, calibrate=False)
    assert flagged(expected, Flag.ZERO_POINT) > 100
    assert flagged(result, Flag.ZERO_POINT) == 0
    step = median_offset(result) - median_offset(expected)
    assert step == pytest.approx(np.array(ZERO_POINT_ARCSEC), abs=0.025)


def median_offset(result: MatchResult) -> Any:
    """East and north of the matches of the second catalogue from the first, in arcsec."""
    between = result.best_neighbour("gaia", "tmass")["source_id"].to_pylist()
    found = [
        (pair["dra_cosdec_arcsec"], pair["ddec_arcsec"])
        for pair in result.pairs.to_pylist()
        if pair["is_match"] and (pair["left_catalog"], pair["right_catalog"]) == NAMES[:2]
    ]
    assert len(found) == len(between) > 100
    return np.median(found, axis=0)


def test_without_a_fast_pass_there_is_no_second_search(
    sparse: Tables, expected: MatchResult
) -> None:
    assert flagged(expected, Flag.FAST_PASS) > 0
    assert flagged(matched(sparse, fast_pass=False), Flag.FAST_PASS) == 0


def test_a_radius_keeps_the_pairs_within_it(tables: Tables) -> None:
    free, bound = (
        matched(tables[:2], prior=PER_DEG2, radius_arcsec=radius, **GEOMETRY)
        for radius in (None, 0.3)
    )
    near = free.pairs.filter(pc.less_equal(free.pairs["sep_arcsec"], 0.3))
    assert 0 < bound.pairs.num_rows < free.pairs.num_rows
    by_row = [(name, "ascending") for name in ("left_row", "right_row")]
    columns = ["left_row", "right_row", "sep_arcsec", "chi2", "lnB_pos", "ln_gain"]
    one, two = (each.select(columns).sort_by(by_row) for each in (bound.pairs, near))
    assert one.equals(two)


@pytest.mark.parametrize("completeness", [0.5, 0.9])
def test_completeness_limits_chi2(tables: Tables, completeness: float) -> None:
    free, bound = (
        matched(tables[:2], prior=PER_DEG2, completeness=share, **GEOMETRY)
        for share in (0.9973, completeness)
    )
    limit = -2.0 * np.log(1.0 - completeness)  # of 2 degrees of freedom
    chi2, kept = floats(free, "chi2"), floats(bound, "chi2")
    assert 0 < (chi2 > limit).sum() < len(chi2)
    told, left = (np.asarray(each.pairs["flags"]) & Flag.PM_PRIOR == 0 for each in (free, bound))
    assert sorted(kept[left]) == sorted(chi2[told & (chi2 <= limit)])
    assert set(chi2[chi2 <= limit]) <= set(kept) <= set(chi2)  # what may have moved reaches farther
