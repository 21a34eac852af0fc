"""Each flag of a result is set where its case is, and nowhere else: a dozen stars, one is special.

Star 0 of the list is the case; the others lie minutes of arc apart and have no flag of their own.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pytest

import skyquarry as sq
from skyquarry.match.calibration.calibrate import Calibration
from skyquarry.match.calibration.zeropoint import ZeroPoint
from skyquarry.match.given.rows import Flag

if TYPE_CHECKING:
    from collections.abc import Callable

    from skyquarry.match.matchresult import MatchResult

    Rows = list[dict[str, Any]]
    Found = set[tuple[Any, Any]]

STARS = 12
ARCSEC = 1.0 / 3600.0
NAMES = ("a", "b", "c")
ROLES: dict[str, Any] = {
    "id": "id", "ra": "ra", "dec": "dec",
    "position_error": {"model": "circular", "columns": ["err"], "unit": "arcsec"},
}  # fmt: skip
EPOCH = {"epoch": {"column": "epoch"}}
MOTION = {"motion": {"pmra": "pm", "pmdec": "pm", "pmra_error": "pm_error",
                     "pmdec_error": "pm_error"}}  # fmt: skip
BAND = {"bands": [{"name": "V", "column": "mag"}]}
TYPES = {"id": pa.int64(), **dict.fromkeys(("ra", "dec", "err", "epoch", "pm", "pm_error", "mag"),
                                           pa.float64())}  # fmt: skip


def star(number: int, east: float = 0.0, north: float = 0.0, **more: Any) -> dict[str, Any]:
    """A row of star `number`, so many arcsec beside its place on the equator."""
    place = {"ra": 10.0 + 0.05 * number + east * ARCSEC, "dec": north * ARCSEC}
    return {"id": number, **place, "err": 0.1, **more}


def stars(first: int = 0, **more: Any) -> Rows:
    return [star(number, **more) for number in range(first, STARS)]


def matched(*catalogs: Rows, roles: dict[str, Any] | None = None, **options: Any) -> MatchResult:
    """Catalogues of these rows by geometry, with densities given; ids of b begin at 1000."""
    given, names = [], NAMES[: len(catalogs)]
    for number, rows in enumerate(catalogs):
        columns = {name: pa.array([row.get(name) for row in rows], kind)
                   for name, kind in TYPES.items()}  # fmt: skip
        columns["id"] = pa.array([1000 * number + row["id"] for row in rows])
        given.append((pa.table(columns), ROLES | (roles or {})))
    density = {(name,): 500.0 for name in names} | {names: 5_000.0}
    plain = {"calibrate": False, "photometry": None, "fast_pass": False, "prior": density}
    return sq.crossmatch(*given, names=names, **(plain | options)).run("inline")


def of_pairs(result: MatchResult, flag: Flag) -> Found:
    return {(pair["left_id"], pair["right_id"])
            for pair in result.pairs.to_pylist() if pair["flags"] & flag}  # fmt: skip


def of_groups(result: MatchResult, flag: Flag) -> Found:
    return {(group["a_id"], group["b_id"])
            for group in result.groups.to_pylist() if group["flags"] & flag}  # fmt: skip


def every(*, but: int = -1) -> Found:
    """The pairs of a and b, star by star."""
    return {(number, 1000 + number) for number in range(STARS) if number != but}


# ---------------------------------------------------------------- the cases
FIRST = {(0, 1000)}


def moving() -> MatchResult:
    """Star 0 has a measured motion, the others have none, and 16 years lie between."""
    a = stars(epoch=2016.0)
    a[0] |= {"pm": 10.0, "pm_error": 0.1}
    return matched(a, stars(epoch=2000.0), roles=EPOCH | MOTION)


def errorless() -> MatchResult:
    return matched([star(0, err=0.0), *stars(1)], stars())


def without_error() -> MatchResult:
    return matched([star(0, err=None), *stars(1)], stars(), default_error_arcsec=0.2)


def two_candidates() -> MatchResult:
    """Two rows of b fit star 0 about as well; the second, number 50, is left alone."""
    return matched(stars(), [star(0, north=0.1), star(50) | near(0, 0.11), *stars(1)])


def near(number: int, north: float) -> dict[str, Any]:
    """Beside star `number`, whatever the id."""
    place = star(number, north=north)
    return {"ra": place["ra"], "dec": place["dec"]}


def two_for_one() -> MatchResult:
    """Two rows of a have the same best row of b."""
    return matched([*stars(), star(50) | near(0, 0.2)], stars())


def equal_candidates() -> MatchResult:
    return matched(stars(), [star(0, north=0.1), star(50) | near(0, -0.1), *stars(1)])


def blended() -> MatchResult:
    """Row 0 of b lies far from either of two stars, which its wide error allows."""
    wide = Calibration.none(("a", "b"))
    own = wide.catalogs[1]
    errors = replace(own.errors, wide=(0.2,), wide_arcsec=0.5, unknown=(1.0, 0.0, 0.2))
    wide = replace(wide, catalogs=(wide.catalogs[0], replace(own, errors=errors)))
    a = [star(0, -0.7), star(50) | near(0, 0.9), *stars(1)]
    return matched(a, stars(), calibrate=wide)


def crowd() -> MatchResult:
    """Sixty rows of each within errors, beside clear stars."""
    random = np.random.default_rng(1)
    many = [[star(100 + k) | near(0, north) for k, north in enumerate(random.uniform(0, 0.2, 60))]
            for _ in range(2)]  # fmt: skip
    return matched([*stars(1), *many[0]], [*stars(1), *many[1]])


def fast() -> MatchResult:
    """Star 0 is bright, and has moved by 30" in ten years; nobody measured that."""
    a, b = stars(epoch=2010.0, mag=10.0), stars(epoch=2000.0, mag=10.0)
    b[0] |= near(0, 30.0)
    rare = {("a",): 20.0, ("b",): 20.0, ("a", "b"): 5_000.0}
    return matched(a, b, roles=EPOCH | BAND, fast_pass=True, prior=rare)


def strained() -> MatchResult:
    """Three rows of star 0, in line: each two agree, all three hardly."""
    return matched(stars(), [star(0, 0.55), *stars(1)], [star(0, 0.0, 0.5), *stars(1)])


def twice() -> MatchResult:
    return matched(stars(), [star(0), *stars()])


def shifted() -> MatchResult:
    """b alone of three catalogues has a zero point."""
    none = Calibration.none(NAMES)
    zero = ZeroPoint(np.array([0.0, 0.0, 0.05]))
    b = replace(none.catalogs[1], zero=zero)
    calibration = replace(none, catalogs=(none.catalogs[0], b, none.catalogs[2]))
    return matched(stars(), stars(east=0.05), stars(), calibrate=calibration)


@dataclass(frozen=True)
class Case:
    flag: Flag
    made: Callable[[], MatchResult]
    expected: Found
    told: Callable[[MatchResult, Flag], Found] = of_pairs


TWO = {(0, 1000), (0, 1050)}
CASES = [
    Case(Flag.PM_APPLIED, moving, FIRST),
    Case(Flag.PM_PRIOR, moving, every(but=0)),
    Case(Flag.ERROR_FLOOR, errorless, FIRST),
    Case(Flag.DEFAULT_ERROR, without_error, FIRST),
    Case(Flag.AMBIGUOUS, two_candidates, FIRST, of_groups),
    Case(Flag.SHARED, two_for_one, {(0, 1000), (50, 1000)}),
    Case(Flag.BLEND, blended, {(0, 1000), (50, 1000)}),
    Case(Flag.TIE, equal_candidates, TWO),
    Case(Flag.HEURISTIC, crowd, {(100 + i, 1100 + j) for i in range(60) for j in range(60)}),
    Case(Flag.FAST_PASS, fast, FIRST),
    Case(Flag.OUTLIER, strained, FIRST, of_groups),
    Case(Flag.DUPLICATE, twice, FIRST),
    Case(Flag.ZERO_POINT, shifted, every() | {(1000 + k, 2000 + k) for k in range(STARS)}),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.flag.name}-{case.told.__name__}")
def test_a_flag_stands_at_its_case_and_nowhere_else(case: Case) -> None:
    assert case.told(case.made(), case.flag) == case.expected


def test_clear_stars_have_no_flag() -> None:
    result = matched(stars(), stars())
    assert result.pairs.num_rows == STARS
    for table in (result.pairs, result.groups, result.members):
        assert not any(table["flags"].to_pylist())


def test_rows_at_the_rim_of_an_estimated_footprint_are_flagged_and_no_others() -> None:
    """A disc of 0.6 degrees, 20 rows a cell of 0.11: the rim is what a cell's diagonal reaches."""
    random, size, cell = np.random.default_rng(2), 0.6, 0.115
    east, north = random.uniform(-size, size, (2, 4_000))
    inside = np.hypot(east, north) < size
    rows = [{"id": k, "ra": 10.0 + x, "dec": y, "err": 0.1}
            for k, (x, y) in enumerate(zip(east[inside], north[inside], strict=True))]  # fmt: skip
    result = matched(rows, rows)
    radius = np.hypot(east[inside], north[inside])
    flagged = np.zeros(len(rows), bool)
    flagged[[k for k, _ in of_pairs(result, Flag.FOOTPRINT_EDGE)]] = True
    assert not flagged[radius < size - 2.0 * cell].any()
    assert flagged[radius > size - 0.1 * cell].mean() > 0.9
    members = result.members.to_pylist()
    assert {m["id"] for m in members if m["catalog"] == "a" and m["flags"]} == set(
        np.flatnonzero(flagged).tolist()
    )
