"""The edges of the search: poles, 0h, equal radii, ties, no rows, what is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from skyquarry.errors import PositionError, UserError
from skyquarry.match.geometry import search
from skyquarry.sky.vectors import to_radec

if TYPE_CHECKING:
    from pathlib import Path


def points(*places: tuple[float, float], rank: list[int] | None = None) -> search.Points:
    """Points in the order of the sky; ranks are the given ones, or the rows as given."""
    ra, dec = np.array(places, float).reshape(-1, 2).T
    return search.sorted_points(ra, dec, rank)[0]


def ranks_of(a: search.Points, b: search.Points, found: search.Found) -> list[tuple[int, int]]:
    return list(zip(a.rank[found.left].tolist(), b.rank[found.right].tolist(), strict=True))


def strewn(n: int, seed: int) -> search.Points:
    """Positions all over the sky."""
    return search.sorted_points(*to_radec(np.random.default_rng(seed).standard_normal((n, 3))))[0]


# ---------------------------------------------------------------- computed truths
def valid(golden: Path, name: str) -> search.Points:
    """The rows of an edge table that have a position, RA within one turn; rank: row number."""
    table = pq.read_table(golden / f"{name}.parquet")
    row, ra, dec = (table[column].to_numpy() for column in ("row", "ra_deg", "dec_deg"))
    good = np.isfinite(ra) & (np.abs(dec) <= 90.0)
    return search.sorted_points(ra[good] % 360.0, dec[good], row[good])[0]


@pytest.mark.parametrize(("radius", "only"), [(2.0, None), (1.0, "in_1arcsec")])
def test_the_edge_pairs_are_found_and_no_others(
    golden: Path, radius: float, only: str | None
) -> None:
    a, b = valid(golden, "edge_A"), valid(golden, "edge_B")
    found = search.find_pairs(a, b, radius)
    truth = pq.read_table(golden / "edge_pairs_within_2arcsec.parquet").to_pylist()
    wanted = {(t["row_a"], t["row_b"]): t["sep_arcsec"] for t in truth if not only or t[only]}
    got = dict(zip(ranks_of(a, b, found), found.sep_arcsec.tolist(), strict=True))
    assert len(got) == len(found)
    assert got == pytest.approx(wanted, rel=0, abs=1e-9)
    assert (only is not None) or len(got) == 40


# ---------------------------------------------------------------- the radius
@pytest.mark.parametrize(
    ("a", "b"),
    [
        ((10.0, 90.0), (250.0, 90.0)),
        ((10.0, -90.0), (0.0, -90.0)),
        ((123.4, 56.7), (123.4, 56.7)),
        ((45.0, 0.0), (45.0, 0.0)),
    ],
)
def test_a_radius_of_zero_matches_the_same_place(a: Any, b: Any) -> None:
    found = search.find_pairs(points(a), points(b), 0.0)
    assert found.sep_arcsec.tolist() == [0.0]


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ((45.0, 45.0), (np.nextafter(45.0, 50.0), 45.0)),
        ((0.0, 0.0), (np.nextafter(360.0, 0.0), 0.0)),
        ((0.0, 90.0), (0.0, np.nextafter(90.0, 0.0))),
    ],
)
def test_a_radius_of_zero_tells_the_closest_places_apart(a: Any, b: Any) -> None:
    assert len(search.find_pairs(points(a), points(b), 0.0)) == 0
    assert len(search.find_pairs(points(a), points(b), 1e-9)) == 1


def test_a_radius_equal_to_a_separation_includes_it() -> None:
    a, b = strewn(300, 1), strewn(300, 2)
    every = search.find_pairs(a, b, 20_000.0)
    assert len(every) > 100
    for k in range(0, len(every), 7):
        sep = float(every.sep_arcsec[k])
        assert ((left_right := search.find_pairs(a, b, sep)).sep_arcsec <= sep).all()
        assert len(left_right) == np.sum(every.sep_arcsec <= sep)
        assert len(search.find_pairs(a, b, np.nextafter(sep, 0))) == np.sum(every.sep_arcsec < sep)


def test_two_radii_add_up_to_the_limit_itself() -> None:
    a, b = points((50.0, 0.0)), points((50.0, 0.5))
    half = 0.5 * float(search.find_pairs(a, b, 3600.0).sep_arcsec[0])
    assert half == pytest.approx(900.0, rel=1e-15)
    assert len(search.find_pairs(a, b, half, right_radius_arcsec=half)) == 1
    less = float(np.nextafter(half, 0.0))
    assert len(search.find_pairs(a, b, less, right_radius_arcsec=less)) == 0


def test_a_radius_of_nan_matches_nothing() -> None:
    a = strewn(50, 3)
    nothing = np.full(50, np.nan)
    assert len(search.find_pairs(a, a, np.nan)) == 0
    assert len(search.find_pairs(a, a, nothing)) == 0
    assert len(search.find_pairs(a, a, 648_000.0, right_radius_arcsec=nothing)) == 0
    assert len(search.find_pairs(a, a, 648_000.0, right_radius_arcsec=np.nan)) == 0


def test_half_a_turn_finds_every_pair_also_the_antipode() -> None:
    a, b = points((70.0, 20.0), (0.0, 90.0)), points((250.0, -20.0), (10.0, -90.0))
    found = search.find_pairs(a, b, 648_000.0)
    assert sorted(ranks_of(a, b, found)) == [(0, 0), (0, 1), (1, 0), (1, 1)]
    assert found.sep_arcsec.max() == 648_000.0
    assert len(search.find_pairs(strewn(200, 4), strewn(300, 5), 648_000.0)) == 60_000


def test_one_row_that_reaches_far_finds_all_and_changes_no_other() -> None:
    a, b = strewn(500, 6), strewn(500, 7)
    radius = np.full(500, 5000.0)
    plain = search.find_pairs(a, b, radius)
    radius[250] = 648_000.0
    wide = search.find_pairs(a, b, radius)
    others = wide.take(wide.left != 250)
    kept = plain.take(plain.left != 250)
    assert np.sum(wide.left == 250) == 500
    for name in ("left", "right", "sep_arcsec"):
        assert getattr(others, name).tolist() == getattr(kept, name).tolist()
    there = search.find_pairs(b, a, 0.0, right_radius_arcsec=radius)
    assert len(there) == len(wide)


# ---------------------------------------------------------------- ties and order
def test_ties_go_to_the_lower_rank_then_to_the_lower_row() -> None:
    a = points((300.0, -30.0))
    b = points((300.0, -29.9998), (300.0, -30.0002), rank=[8, 3])
    assert ranks_of(a, b, search.find_pairs(a, b, 1.0)) == [(0, 3), (0, 8)]
    assert ranks_of(a, b, search.find_pairs(a, b, 1.0, nearest=1)) == [(0, 3)]
    same = points((300.0, -30.0), (300.0, -30.0), (300.0, -30.0), rank=[5, 5, 5])
    assert search.find_pairs(a, same, 1.0).right.tolist() == [0, 1, 2]
    assert search.find_pairs(a, same, 1.0, nearest=1).right.tolist() == [0]


def test_duplicates_give_every_combination() -> None:
    a, b = points(*[(200.0, 10.0)] * 3), points(*[(200.0, 10.0)] * 2)
    found = search.find_pairs(a, b, 0.0)
    assert found.left.tolist() == [0, 0, 1, 1, 2, 2]
    assert found.right.tolist() == [0, 1, 0, 1, 0, 1]


@pytest.mark.parametrize("n", [30, 3000, 6000])
def test_many_pairs_of_one_row_are_in_order(n: int) -> None:
    random = np.random.default_rng(n)
    crowd = search.sorted_points(100.0 + random.random(n) ** 3, 10.0 + random.random(n))[0]
    centre = points((100.3, 10.4))
    found = search.find_pairs(centre, crowd, 20_000.0)
    assert len(found) == n
    assert (np.diff(found.sep_arcsec) >= 0).all()
    assert sorted(found.right.tolist()) == list(range(n))
    nearest = search.find_pairs(centre, crowd, 20_000.0, nearest=7)
    assert nearest.right.tolist() == found.right[:7].tolist()


def test_thousands_of_rows_at_one_place_are_in_the_order_of_their_rank() -> None:
    ranks = np.random.default_rng(1).permutation(5000)
    crowd = points(*[(10.0, 0.0)] * 5000, rank=ranks.tolist())
    found = search.find_pairs(points((10.0, 1e-4)), crowd, 1.0)
    assert crowd.rank[found.right].tolist() == list(range(5000))


def test_results_do_not_depend_on_the_other_rows() -> None:
    a, b = strewn(400, 8), strewn(4000, 9)
    every = search.find_pairs(a, b, 30_000.0)
    for rows in (slice(0, 130), slice(130, 400)):
        part = search.Points(a.ra_deg[rows], a.dec_deg[rows], a.spatial[rows], a.rank[rows])
        found = search.find_pairs(part, b, 30_000.0)
        chosen = every.take((every.left >= rows.start) & (every.left < rows.stop))
        assert found.sep_arcsec.tolist() == chosen.sep_arcsec.tolist()
        assert found.right.tolist() == chosen.right.tolist()


# ---------------------------------------------------------------- no rows, other memory
@pytest.mark.parametrize(("left", "right"), [(0, 0), (0, 3), (3, 0)])
def test_no_rows_give_no_pairs_of_the_same_types(left: int, right: int) -> None:
    found = search.find_pairs(strewn(left, 1), strewn(right, 2), 10.0)
    assert len(found) == 0
    assert (found.left.dtype, found.right.dtype) == (np.int64, np.int64)
    assert found.sep_arcsec.dtype == np.float64
    assert search.estimate_pairs(strewn(left, 1), strewn(right, 2), 10.0) == 0
    radii = np.ones(left)
    assert len(search.find_pairs(strewn(left, 1), strewn(right, 2), radii, nearest=2)) == 0


def test_one_row_each_is_enough() -> None:
    found = search.find_pairs(points((1.0, 2.0)), points((1.0, 2.1)), np.array([400.0]))
    assert found.sep_arcsec.tolist() == pytest.approx([360.0], abs=1e-9)


def test_arrays_that_are_read_only_or_strided_are_taken_and_left_alone() -> None:
    a = strewn(100, 10)
    columns = [np.repeat(getattr(a, name), 2)[::2] for name in a.__dataclass_fields__]
    frozen = search.Points(*columns)
    for name in a.__dataclass_fields__:
        getattr(a, name).flags.writeable = False
    assert search.find_pairs(a, frozen, 5.0).sep_arcsec.tolist() == [0.0] * 100
    assert not a.ra_deg.flags.writeable


# ---------------------------------------------------------------- sizes told beforehand
def test_the_number_of_pairs_is_estimated_before_they_are_made() -> None:
    a, b = strewn(3000, 11), strewn(3000, 12)
    exact = len(search.find_pairs(a, b, 30_000.0))
    assert search.estimate_pairs(a, b, 30_000.0) == pytest.approx(exact, rel=0.1)
    own = len(search.find_pairs(a, a, 30_000.0, same=True))
    assert search.estimate_pairs(a, a, 30_000.0, same=True) == pytest.approx(own, rel=0.1)
    assert search.estimate_pairs(a, a, 1e-3, same=True) == 0


# ---------------------------------------------------------------- what stands beside it
def test_unmatched_rows_are_those_without_a_pair() -> None:
    assert search.unmatched(5, np.array([1, 1, 4])).tolist() == [0, 2, 3]
    assert search.unmatched(0, np.empty(0, np.int64)).tolist() == []


# ---------------------------------------------------------------- refused
@pytest.mark.parametrize(
    ("radius", "message"),
    [
        (-1.0, "radius_arcsec is -1.0 in row 0, but a radius needs 0 to 648000"),
        (648_001.0, "radius_arcsec is 648001.0 in row 0"),
        (np.array([1.0, np.inf, 1.0]), "radius_arcsec is inf in row 1"),
        (np.ones(2), r"radius_arcsec has the shape \(2,\), but 3 rows need one radius"),
    ],
)
def test_a_radius_that_cannot_be_is_refused(radius: Any, message: str) -> None:
    with pytest.raises(PositionError, match=message):
        search.find_pairs(strewn(3, 1), strewn(4, 2), radius)


def test_no_neighbours_and_rows_out_of_order_are_refused() -> None:
    a = strewn(3, 1)
    with pytest.raises(UserError, match="nearest is 0, but it needs to be 1 or more"):
        search.find_pairs(a, a, 1.0, nearest=0)
    wrong = search.Points(a.ra_deg[::-1], a.dec_deg[::-1], a.spatial[::-1], a.rank)
    with pytest.raises(UserError, match=f"spatial is {a.spatial[1]} in row 1, after"):
        search.find_pairs(wrong, a, 1.0)
