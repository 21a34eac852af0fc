"""Every edge case that the specification of matching lists, at the level of `sq.crossmatch`.

| edge (crossmatch.md, section 3) | shown by |
| --- | --- |
| poles, any RA there, across a pole | here `at_the_poles`; pairs `golden_edge_pairs` |
| 0h, RA 360, negative, above 360 | here `right_ascensions_of_any_turn` |
| corners of cells, face borders | search `across_the_corners`; invariance (all tests) |
| antipode, 0 to 180 degrees | search `separations_are_exact`, `half_a_turn` |
| radius 0, 1 uas, 180 degrees, per row | pairs `extreme_radii`, `each_rows_own`; search_edges |
| radius, errors of degrees | pairs `a_radius_of_degrees`; here the same, `errors_of_degrees` |
| radius equal to a separation | pairs `equal_to_the_radius`; here `a_limit_is_closed` |
| NaN, infinite, null positions, dec > 90 | here `without_a_place`; reading |
| empty left, right, both; one row each | here `empty_tables`, `one_row_each` |
| float32, big endian, strided | pairs `float32`; reading `big_endian_and_strided` |
| ids beyond 2^53, text, uint64, none, null | here `ids_keep_their_value`, `without_an_id` |
| duplicate ids, positions | here `rows_that_share_an_id`, `repeat_in_a_catalogue`, `multiply` |
| errors zero, negative, NaN, absurd, unit | here `errors_that_cannot_be_used`; reading |
| no error columns | here `missing_errors`; a default is flagged |
| corr 1 and more, axes exchanged, angles | reading `correlations`, `exchanged_axes`, `angles` |
| self match, the same catalogue twice | pairs `within_a_table`; here `given_twice` |
| mutual, many to one, ties | options; resolve; here `ties_go_to_the_lower_id` |
| chains, giant islands | resolve `giant_island`; here `a_crowd_is_resolved` |
| partitions, margins, orders, workers | invariance; patches; pairs_tilings |
| shuffled rows, swapped catalogues | invariance `shuffled`, `swapped` |
| systematic offset, blending, high motion | field4; calibrate; fastpass |
| frames: B1950 undeclared, declared | here `b1950` |
| RA in hours | here `hours`, `stated_their_unit`, `low_right_ascension` |
| catalogues that do not overlap | here `that_do_not_overlap` |
| epochs missing, motions missing | here `rows_without_epoch`, `motions_that_are_missing` |
| spurious rows, masks, footprints | footprints; crossfields |
| extended sources, floors | reading `tenth_of_its_size`; here `middle_of_a_galaxy`; calibrate |
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pytest

import skyquarry as sq
from skyquarry.catalog.roles import Roles, Survey
from skyquarry.errors import ColumnError, UserError
from skyquarry.match.given.rows import Flag
from skyquarry.match.runs import expecting

if TYPE_CHECKING:
    from pathlib import Path

    from skyquarry.match.matchresult import MatchResult

PLACE = {"id": "id", "ra": "ra", "dec": "dec"}
ROLES: dict[str, Any] = PLACE | {
    "position_error": {"model": "circular", "columns": ["err"], "unit": "arcsec"}
}
BIG, ALL = 2**53, 2**64 - 1
DENSITIES = {("a",): 1e3, ("b",): 1e3, ("a", "b"): 1e3}


def table(ra: Any, dec: Any, err: Any = 0.1, *, ids: Any = None, first: int = 0) -> pa.Table:
    ra = np.atleast_1d(np.asarray(ra, np.float64))
    n = len(ra)
    return pa.table(
        {
            "id": np.arange(n) + first if ids is None else ids,
            "ra": ra,
            "dec": np.broadcast_to(np.asarray(dec, np.float64), n).copy(),
            "err": np.broadcast_to(np.asarray(err, np.float64), n).copy(),
        }
    )


def matched(a: Any, b: Any, *, roles: Any = ROLES, **options: Any) -> MatchResult:
    """Two tables under given densities, so that nothing is learnt from a few rows."""
    given: dict[str, Any] = {"names": ("a", "b"), "prior": DENSITIES, "calibrate": False} | options
    return sq.crossmatch((a, roles), (b, roles), **given).run("inline")


def pairs_of(result: MatchResult, *, all_of_them: bool = False) -> list[tuple[Any, Any]]:
    told = [
        (p["left_id"], p["right_id"])
        for p in result.pairs.to_pylist()
        if all_of_them or p["is_match"]
    ]
    return sorted(told, key=str)


A, B = table([10.0, 10.1, 10.2], 20.0), table([10.0, 10.1, 10.2], 20.00001, first=100)

# ---------------------------------------------------------------- places


def test_rows_at_the_poles_are_one_object_whatever_their_right_ascension() -> None:
    a = table([0.0, 77.0, 10.0], [90.0, -90.0, 89.99999])
    b = table([250.0, 12.0, 190.0], [90.0, -90.0, 89.99999], first=10)
    found = matched(a, b)
    assert (1, 11) in pairs_of(found)
    sep = {(p["left_id"], p["right_id"]): p["sep_arcsec"] for p in found.pairs.to_pylist()}
    assert sep[0, 10] == pytest.approx(0.0, abs=1e-9)
    assert sep[0, 12] == pytest.approx(0.036, abs=1e-9)
    assert sep[2, 12] == pytest.approx(0.072, abs=1e-9)


def test_right_ascensions_of_any_turn_are_the_same_place_and_kept_as_they_were() -> None:
    a = table([359.99999, 0.0, 360.0, -1.0, 370.0], [0, 1, 2, 3, 4])
    b = table([0.00001, 360.0, 0.0, 359.0, 10.0], [0, 1, 2, 3, 4], first=10)
    found = matched(a, b)
    assert pairs_of(found) == [(k, 10 + k) for k in range(5)]
    assert sorted(found.wide["a_ra"].to_pylist()) == [-1.0, 0.0, 359.99999, 360.0, 370.0]
    assert all(0.0 <= ra < 360.0 for ra in found.groups["ra"].to_pylist())


def test_rows_without_a_place_are_counted_and_matched_with_nothing() -> None:
    a = table([10.0, np.nan, np.inf, 30.0], [20.0, 20.0, 20.0, 95.0])
    b = table([10.0, 10.1], [20.0, np.nan], first=10)
    found = matched(a, b)
    assert pairs_of(found) == [(0, 10)]
    assert found.report["facts"]["invalid"] == {"a": 3, "b": 1}
    assert found.members.num_rows == 2


def test_catalogues_that_do_not_overlap_are_told_of() -> None:
    found = matched(A, table([200.0, 201.0], -20.0, first=100))
    assert found.pairs.num_rows == 0
    assert found.groups.num_rows == 5
    assert (
        "No row of a and b has a candidate in another catalogue: do they overlap"
        in (found.report["doubts"][0])
    )


# ---------------------------------------------------------------- how many rows


@pytest.mark.parametrize("constraint", ["one_to_one", "many_to_one", "none"])
@pytest.mark.parametrize(("left", "right"), [(0, 3), (3, 0), (0, 0)])
def test_empty_tables_give_every_column_of_the_same_type(
    left: int, right: int, constraint: str
) -> None:
    found = matched(A.slice(0, left), B.slice(0, right), constraint=constraint)
    full = matched(A, B, constraint=constraint)
    assert found.pairs.schema == full.pairs.schema
    assert found.groups.schema == full.groups.schema
    assert found.wide.schema.names == full.wide.schema.names
    assert found.pairs.num_rows == 0
    assert found.groups.num_rows == found.members.num_rows == left + right
    assert len(found.verdict.splitlines()) == 5


def test_one_row_each_is_enough() -> None:
    found = sq.crossmatch((A.slice(0, 1), ROLES), (B.slice(0, 1), ROLES)).run("inline")
    assert pairs_of(found) == [(0, 100)]
    assert found.groups["posterior"][0].as_py() > 0.99


# ---------------------------------------------------------------- ids, duplicates, ties


@pytest.mark.parametrize(
    ("left", "right", "told"),
    [
        (pa.array([BIG + 1, 7]), pa.array([2**63 - 1, -5]), [(BIG + 1, 2**63 - 1), (7, -5)]),
        (pa.array(["x", "y"]), pa.array(["p", "q"]), [("x", "p"), ("y", "q")]),
        (pa.array([ALL, 5], pa.uint64()), pa.array([1, 2]), [(str(ALL), "1"), ("5", "2")]),
        (pa.array([1, 2], pa.int32()), pa.array([3, 4], pa.int16()), [(1, 3), (2, 4)]),
    ],
)  # fmt: skip
def test_ids_keep_their_value(left: pa.Array, right: pa.Array, told: list[Any]) -> None:
    a, b = table([10.0, 10.1], 20.0, ids=left), table([10.0, 10.1], 20.0, ids=right)
    assert pairs_of(matched(a, b)) == sorted(told, key=str)


def test_rows_without_an_id_are_called_by_their_number() -> None:
    roles = {name: told for name, told in ROLES.items() if name != "id"}
    found = matched(A.drop_columns(["id"]), B.drop_columns(["id"]), roles=roles)
    assert pairs_of(found) == [(0, 0), (1, 1), (2, 2)]


def test_a_row_whose_id_is_missing_names_its_group_by_its_place() -> None:
    found = matched(table([10.0, 10.1, 10.2], 20.0, ids=[1, None, 3]), B)
    names = sorted(found.groups["group_id"].to_pylist())
    assert names[:2] == ["a:1", "a:3"]
    assert names[2].startswith("a:@")
    assert found.members["group_id"].null_count == 0


def test_rows_that_share_an_id_are_matched_each_and_told_of() -> None:
    found = matched(table([10.0, 10.1, 10.2], 20.0, ids=[1, 1, 2]), B)
    assert pairs_of(found) == [(1, 100), (1, 101), (2, 102)]
    assert any("a: 1 rows share their id" in each for each in found.report["doubts"])


@pytest.mark.parametrize(
    ("options", "words", "unknown"),
    [
        ({}, "a: 1 ids of the whole catalogue stand more than once, and their groups", []),
        ({"duplicates": "reject"}, "", []),
        ({"count": False}, "", ["a"]),
    ],
    ids=["kept", "set aside", "not counted"],
)
def test_ids_that_repeat_in_a_catalogue_are_told_of(
    tmp_path: Path, options: dict[str, Any], words: str, unknown: list[str]
) -> None:
    options = dict(options)
    counted = options.pop("count", True)
    given = table([10.0, 10.1, 10.2], 20.0, ids=[1, 1, 2])
    survey = Survey(name="mine", title="", roles=Roles.from_mapping(ROLES))
    sq.build(given, tmp_path / "a", survey=survey, progress=False, **options)
    if not counted:
        for path in tmp_path.rglob("*.properties"):
            lines = path.read_text().splitlines(keepends=True)
            path.write_text("".join(each for each in lines if "duplicate_ids" not in each))
    settings: dict[str, Any] = {"names": ("a", "b"), "prior": DENSITIES, "calibrate": False}
    report = sq.crossmatch(tmp_path / "a", (B, ROLES), **settings).run("inline").report
    told = [each for each in report["doubts"] if "stand more than once" in each]
    assert [each.startswith(words) for each in told] == [True] * bool(words)
    assert report["facts"]["uncounted_ids"] == unknown


def test_duplicates_multiply_and_are_flagged() -> None:
    found = matched(table([10.0] * 3, 20.0, ids=[1, 2, 3]), table([10.0] * 2, 20.0, ids=[7, 8]))
    assert len(pairs_of(found, all_of_them=True)) == 6
    assert set(found.pairs["multiplicity"].to_pylist()) == {2}
    assert all(flags & Flag.TIE for flags in found.pairs["flags"].to_pylist())
    assert sum(found.pairs["posterior"].to_pylist()) == pytest.approx(2.0, abs=1e-2)


def test_ties_go_to_the_lower_id() -> None:
    found = matched(table([10.0] * 3, 20.0, ids=[3, 1, 2]), table([10.0] * 2, 20.0, ids=[8, 7]))
    assert pairs_of(found) == [(1, 7), (2, 8)]


# ---------------------------------------------------------------- errors of positions


def test_errors_that_cannot_be_used_are_set_aside_or_take_the_default() -> None:
    errors = [0.1, 0.0, -1.0, np.nan, np.inf, 1e9]
    at = np.arange(6) + 10.0
    a, b = table(at, 20.0, errors), table(at, 20.0, first=100)
    assert pairs_of(matched(a, b)) == [(0, 100), (1, 101)]
    found = matched(a, b, default_error_arcsec=0.5)
    assert pairs_of(found) == [(k, 100 + k) for k in range(6)]
    flags = {p["left_id"]: p["flags"] for p in found.pairs.to_pylist()}
    assert {k for k in flags if flags[k] & Flag.DEFAULT_ERROR} == {2, 3, 4, 5}
    assert flags[1] & Flag.ERROR_FLOOR
    assert found.report["facts"]["default_errors"] == {"a": 4}


def test_missing_errors_are_asked_for_and_a_default_is_flagged() -> None:
    with pytest.raises(UserError, match=r"known of a, b, but .*_arcsec={'a': 0.3, 'b': 0.3}, or"):
        matched(A, B, roles=PLACE)
    found = matched(A, B, roles=PLACE, default_error_arcsec={"a": 0.3, "b": 0.2})
    assert all(flags & Flag.DEFAULT_ERROR for flags in found.pairs["flags"].to_pylist())
    assert found.pairs["sigma_major_arcsec"][0].as_py() == pytest.approx(np.hypot(0.3, 0.2))


def test_errors_of_degrees_are_refused_before_their_candidates_are_made() -> None:
    random = np.random.default_rng(0)
    a, b = (
        table(5.0 * random.random(n), 5.0 * random.random(n), err)
        for n, err in ((60_000, 3600.0 * 3), (60_000, 0.1))
    )
    with pytest.raises(UserError, match=r"error of a is 1\.\d+e\+04 arcsec.*candidate pairs.*unit"):
        _ = matched(a, b).pairs


def _in_two_degrees(n: int, err: float, seed: int, first: int = 0) -> pa.Table:
    random = np.random.default_rng(seed)
    return table(10.0 + 2.0 * random.random(n), 2.0 * random.random(n), err, first=first)


def test_errors_of_degrees_run_when_they_are_forced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(expecting, "MOST_CANDIDATES", 100)
    monkeypatch.setattr(expecting, "CANDIDATES_A_ROW", 1)
    a, b = _in_two_degrees(20, 1800.0, 1), _in_two_degrees(20, 1800.0, 2, first=100)
    message = r"is 1794 arcsec per axis, .* about \d+ candidate pairs of a and b, .*force=True"
    with pytest.raises(UserError, match=message):
        _ = matched(a, b).pairs
    assert matched(a, b, force=True).pairs.num_rows > 300  # nearly each with each


def test_a_limit_of_the_separation_counts_in_what_is_predicted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(expecting, "MOST_CANDIDATES", 100)
    monkeypatch.setattr(expecting, "CANDIDATES_A_ROW", 1)
    a, b = _in_two_degrees(20, 1800.0, 1), _in_two_degrees(20, 1800.0, 2, first=100)
    assert matched(a, b, radius_arcsec=600.0).pairs.num_rows < 100
    with pytest.raises(UserError, match=r"candidate pairs of a and b within radius_arcsec=3600"):
        _ = matched(a, b, radius_arcsec=3600.0).pairs


def test_a_radius_of_degrees_is_shown_with_its_pairs_and_refused_unless_forced() -> None:
    a, b = _in_two_degrees(300, 0.1, 1), _in_two_degrees(300, 0.1, 1, first=1000)
    within = sq.pairs((a, ROLES), (b, ROLES), radius_arcsec=7200).to_table().num_rows
    with pytest.raises(UserError, match=r"is 7200, within which .* at most 3600.*force") as refused:
        sq.crossmatch((a, ROLES), (b, ROLES), names=("a", "b"), radius_arcsec=7200)
    told = re.findall(r"within which about ([\d,]+) pairs of a and b lie", str(refused.value))
    assert 0.5 < int(told[0].replace(",", "")) / within < 2.0
    forced = sq.crossmatch((a, ROLES), (b, ROLES), radius_arcsec=7200, force=True)
    assert "warning  radius_arcsec is 7200, within which about" in forced.explain()
    assert len(pairs_of(forced.run("inline"))) == 300


def test_errors_in_what_may_be_the_wrong_unit_are_told_of() -> None:
    found = matched(table([10.0, 11.0], 20.0, 100.0), table([10.0, 11.0], 20.0, first=10))
    assert any(each.startswith("a: the median error is above") for each in found.report["doubts"])


def test_a_limit_of_the_separation_is_closed() -> None:
    a, b = table(10.0, 0.0, 5.0), table(10.0, 1.0 / 3600.0, 5.0, first=9)
    sep = matched(a, b).pairs["sep_arcsec"][0].as_py()
    assert matched(a, b, radius_arcsec=sep).pairs.num_rows == 1
    assert matched(a, b, radius_arcsec=sep * (1.0 - 1e-9)).pairs.num_rows == 0


def test_the_middle_of_a_galaxy_may_be_a_tenth_of_its_size_away() -> None:
    """0.4 arcsec apart, errors of 0.05: a star is lost, a galaxy of 5 arcsec is found."""
    plain, other = table([10.0, 11.0], 20.0, 0.05), table([10.0, 11.0], 20.0 + 0.4 / 3600, 0.05)
    size = pa.field("size", pa.float64(), metadata={"unit": "arcsec"})
    told = plain.append_column(size, pa.array([0.7, 5.0]))
    given = (told, ROLES | {"extent": "size"})
    options: dict[str, Any] = {"names": ("a", "b"), "prior": DENSITIES, "calibrate": False}
    found = sq.crossmatch(given, (other, ROLES), **options).run("inline")
    assert pairs_of(found) == [(1, 1)]
    assert found.pairs["flags"][0].as_py() & Flag.ERROR_FLOOR
    assert any("0.1 of its size is added" in each for each in found.report["doubts"])


# ---------------------------------------------------------------- frames and units


def test_b1950_is_refused_unless_it_is_declared() -> None:
    old = pa.table({"id": [1], "RAB1950": [10.0], "DEB1950": [20.0], "err": [0.1]})
    roles = ROLES | {"ra": "RAB1950", "dec": "DEB1950"}
    with pytest.raises(UserError, match=r"positions of B1950 \(RAB1950, DEB1950\).*\"fk4\""):
        sq.crossmatch((old, roles), (B, ROLES))
    from astropy.coordinates import FK4, SkyCoord

    icrs = SkyCoord(10.0, 20.0, unit="deg", frame=FK4(equinox="B1950", obstime="B1950")).icrs
    new = table(icrs.ra.deg, icrs.dec.deg, first=7)
    found = sq.crossmatch((old, roles | {"frame": "fk4"}), (new, ROLES)).run("inline")
    assert pairs_of(found) == [(1, 7)]


def test_right_ascensions_in_hours_are_refused_unless_they_are_declared() -> None:
    random = np.random.default_rng(1)
    hours, dec = random.random(300) * 24.0, random.random(300) * 120.0 - 60.0
    bare = pa.table({"ra": hours, "dec": dec})
    degrees = table(15.0 * hours, dec, first=1000)
    with pytest.raises(ColumnError, match=r"looks like hours, but degrees are needed.*hourangle"):
        _ = sq.crossmatch(bare, (degrees, ROLES), default_error_arcsec=0.3).run("inline").pairs
    declared = (table(hours, dec), ROLES | {"ra_unit": "hourangle"})
    found = sq.crossmatch(declared, (degrees, ROLES)).run("inline")
    assert len(pairs_of(found)) == 300


def _hours() -> pa.Table:
    random = np.random.default_rng(1)
    return table(random.random(300) * 24.0, random.random(300) * 120.0 - 60.0)


@pytest.mark.parametrize("roles", [ROLES, Roles.from_mapping(ROLES)], ids=["mapping", "Roles"])
@pytest.mark.parametrize(
    "match",
    [
        lambda given: sq.pairs(given, (A, ROLES), radius_arcsec=1.0).to_table(),
        lambda given: sq.crossmatch(given, (A, ROLES)).run("inline").pairs,
        lambda given: sq.match_table(given, (A, ROLES)),
        lambda given: sq.match_table((A, ROLES), given),
    ],
    ids=["pairs", "crossmatch", "list", "archive"],
)
def test_who_names_the_columns_has_not_stated_their_unit(match: Any, roles: Any) -> None:
    message = (
        r"ra from 0\..* to 2.*, dec from -.*, which looks like hours, but degrees are needed: "
        r'declare it, as in \(table, {"ra": "ra", "dec": "dec", "ra_unit": "hourangle"}\)'
    )
    with pytest.raises(ColumnError, match=message):
        match((_hours(), roles))


def _with_unit(unit: str) -> pa.Table:
    """The same positions, of columns that state their unit."""
    bare = _hours()
    stated = [
        field.with_metadata({"unit": unit if field.name == "ra" else "deg"})
        if field.name in ("ra", "dec")
        else field
        for field in bare.schema
    ]
    return bare.cast(pa.schema(stated))


@pytest.mark.parametrize(
    ("given", "turn"),
    [
        ((_hours(), ROLES | {"ra_unit": "deg"}), 1.0),
        ((_hours(), ROLES | {"position_unit": "deg"}), 1.0),
        ((_hours(), ROLES | {"unit": "hourangle"}), 15.0),
        ((_hours(), Roles.from_mapping(ROLES | {"position_unit": "hourangle"})), 15.0),
        ((_hours(), Survey(name="mine", title="", roles=Roles.from_mapping(ROLES))), 1.0),
        ((_with_unit("deg"), ROLES), 1.0),
        ((_with_unit("h"), ROLES), 15.0),
    ],
    ids=["ra_unit", "position_unit", "unit", "roles", "survey", "degrees", "hours"],
)
def test_a_unit_that_is_stated_is_believed(given: Any, turn: float) -> None:
    same = _hours()
    degrees = table(turn * same["ra"].to_numpy(), same["dec"].to_numpy())
    found = sq.pairs(given, (degrees, ROLES | {"ra_unit": "deg"}), radius_arcsec=0.001).to_table()
    assert found.num_rows == 300


@pytest.mark.parametrize(("widest", "tallest"), [(24.0, 29.0), (20.0, 120.0), (0.5, 0.5)])
def test_a_field_of_low_right_ascension_is_no_sky_in_hours(widest: float, tallest: float) -> None:
    random = np.random.default_rng(1)
    field = table(random.random(300) * widest, (random.random(300) - 0.5) * tallest)
    assert sq.pairs((field, ROLES), (field, ROLES), radius_arcsec=0.001).to_table().num_rows == 300


# ---------------------------------------------------------------- epochs, motions, crowds


def test_rows_without_epoch_stay_where_they_are_and_are_counted() -> None:
    found = sq.crossmatch((A, ROLES | {"epoch": {"jyear": 2016.0}}), (B, ROLES)).run("inline")
    assert len(pairs_of(found)) == 3
    assert set(found.pairs["epoch_used"].to_pylist()) == {2016.0}
    assert found.report["facts"]["unknown_epochs"] == {"table2": 3}


def test_motions_that_are_missing_are_marginalised() -> None:
    moving = A.append_column("pmra", pa.array([300.0, None, float("nan")]))
    moving = moving.append_column("pmdec", pa.array([0.0, None, float("nan")]))
    at = np.array([10.0, 10.1, 10.2])
    at[0] -= 300.0 * 16.0 / 3.6e6 / np.cos(np.radians(20.0))
    roles = ROLES | {"motion": {"pmra": "pmra", "pmdec": "pmdec"}, "epoch": {"jyear": 2016.0}}
    there = (table(at, 20.0, first=100), ROLES | {"epoch": {"jyear": 2000.0}})
    found = sq.crossmatch((moving, roles), there, calibrate=False).run("inline")
    assert pairs_of(found) == [(0, 100), (1, 101), (2, 102)]
    rows = {p["left_id"]: p for p in found.pairs.to_pylist()}
    assert rows[0]["flags"] & Flag.PM_APPLIED
    assert rows[0]["sep_arcsec"] < 1e-3
    assert rows[1]["flags"] & rows[2]["flags"] & Flag.PM_PRIOR


def test_a_crowd_is_resolved_flagged_and_never_dropped() -> None:
    random = np.random.default_rng(0)
    a, b = (table(10.0 + random.random(60) * 2e-3, 20.0 + random.random(60) * 2e-3, 1.0, first=f)
            for f in (0, 1000))  # fmt: skip
    found = matched(a, b)
    assert found.pairs.num_rows > 1_000
    assert found.members.num_rows == 120
    assert all(flags & Flag.HEURISTIC for flags in found.pairs["flags"].to_pylist())
    assert found.report["facts"]["heuristic_islands"] > 0
    assert max(np.bincount(found.pairs["left_id"], found.pairs["posterior"])) <= 1.0 + 1e-9


# ---------------------------------------------------------------- what is refused


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"constraint": "both"}, r"constraint is 'both', but .* 'many_to_one', 'none': try"),
        ({"keep": "some"}, r"keep is 'some', but it is one of 'all', 'best': try 'all'"),
        ({"completeness": 1}, r"completeness is 1, but .* between 0 and 1: 0.9973 is three sigma"),
        ({"prior": "flat"}, r"prior is 'flat', but .* 'uniform', 'nway': try 'auto'"),
        ({"photometry": 3}, r"photometry is 3, but .* ln_ratio\(rows, groups\): try 'auto'"),
        ({"calibrate": "x"}, r"calibrate is 'x', but .* True, False or a Calibration: try"),
        ({"radius_arcsec": 7200}, r"is 7200, within which .*, but .* at most 3600 arcsec: leave"),
        ({"radius_arcsec": 700_000, "force": True}, r"radius_arcsec is 700000, .* half a turn: le"),
        ({"radius_arcsec": 0}, r"radius_arcsec is 0, but .* more than 0 .*: leave"),
        ({"radius_arcsec": np.nan}, r"radius_arcsec is nan, but"),
        ({"names": ("a", "a")}, r"names is \['a', 'a'\], but 2 different names are needed.*: by"),
        ({"default_error_arcsec": {"x": 1}}, r"names 'x', but the catalogues are called a, b: use"),
        ({"default_error_arcsec": -1.0}, r"default_arcsec is -1.0, but .*above 0.*: try 0.5"),
    ],
)
def test_bad_arguments_are_refused_before_work_starts(
    options: dict[str, Any], message: str
) -> None:
    with pytest.raises(UserError, match=message):
        sq.crossmatch((A, ROLES), (B, ROLES), **({"names": ("a", "b")} | options))


def test_priors_of_other_catalogues_are_refused() -> None:
    for prior, message in (
        ({("x",): 1.0}, r"density for \('x',\), but a key needs .*: try"),
        ({("a",): -1.0}, r"density of a is -1.0, but .* 0 or more: try"),
    ):
        with pytest.raises(UserError, match=message):
            _ = matched(A, B, prior=prior).pairs


def test_one_catalogue_or_one_given_twice_is_refused() -> None:
    with pytest.raises(UserError, match=r"1 catalogues were given, but .* 2 to 16: for pairs"):
        sq.crossmatch((A, ROLES))
    with pytest.raises(UserError, match=r"given twice, but an object would .* itself: for pairs"):
        sq.crossmatch((A, ROLES), (A, ROLES))
