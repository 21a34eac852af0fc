"""The shifted sky: a rotation that changes nothing but the counterparts, and what it tells."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial import cKDTree

from skyquarry.errors import UserError
from skyquarry.match.calibration.residuals import displaced, tangent
from skyquarry.match.reports.shifted import DIRECTIONS, ShiftedSky, rotated, shift_arcsec
from skyquarry.sky.vectors import ARCSEC_PER_RADIAN, separation_arcsec, to_radec, to_xyz

if TYPE_CHECKING:
    from pathlib import Path

ON_SKY = (st.floats(0.0, 360.0, exclude_max=True), st.floats(-90.0, 90.0))


@given(*ON_SKY, st.integers(0, DIRECTIONS - 1))
def test_rows_move_by_the_angle_at_any_declination(ra: float, dec: float, direction: int) -> None:
    new = rotated(np.array([ra]), np.array([dec]), direction, 180.0)
    moved = separation_arcsec(to_xyz(ra, dec), to_xyz(*new))[0]
    assert 0.95 * 180.0 < moved <= 180.0 + 1e-6  # less beside the middle of a 15 degree cell


@given(*ON_SKY, st.integers(0, DIRECTIONS - 1))
def test_neighbours_stay_neighbours(ra: float, dec: float, direction: int) -> None:
    middle = np.repeat(to_xyz(ra, dec), 8, axis=0)
    ring = 2.0 * np.stack([np.cos(np.arange(8)), np.sin(np.arange(8))], axis=1)
    places = np.concatenate([middle[:1], displaced(middle, ring)])
    new = to_xyz(*rotated(*to_radec(places), direction, 180.0))
    kept = np.abs(separation_arcsec(new[:1], new[1:]) - 2.0) < 1e-6
    assert kept.all() or kept.sum() < 8  # all, unless a border of a cell passes between
    alone = to_xyz(*rotated(*to_radec(places[3:4]), direction, 180.0))
    assert np.array_equal(alone, new[3:4])  # whatever else is there


def test_directions_are_north_east_south_and_between() -> None:
    centre = np.array([0.0]), np.array([0.0])
    found = [rotated(*centre, direction, 90.0) for direction in range(DIRECTIONS)]
    east = [3600.0 * ((ra[0] + 180.0) % 360.0 - 180.0) for ra, _ in found]
    north = [3600.0 * dec[0] for _, dec in found]
    angle = np.degrees(np.arctan2(east, north)) % 360.0
    assert angle == pytest.approx(45.0 * np.arange(DIRECTIONS), abs=5.0)


def test_shifts_are_three_arcminutes_and_at_least_ten_radii() -> None:
    assert shift_arcsec(1.0) == shift_arcsec(18.0) == 180.0
    assert shift_arcsec(30.0) == 300.0
    with pytest.raises(UserError, match=r"radius_arcsec is 0.0, but a shifted sky needs more"):
        shift_arcsec(0.0)
    with pytest.raises(UserError, match="direction is 8, but directions of a shift are 0 to 7"):
        rotated(np.zeros(1), np.zeros(1), 8, 180.0)


# ------------------------------------------------------------------ estimates
def nearest(a: np.ndarray, b: np.ndarray, radius: float) -> np.ndarray:
    """Separations of the nearest row of b, of those rows of a that have one within the radius."""
    found = separation_arcsec(a, b[cKDTree(b).query(a)[1]])
    return found[found <= radius]


def estimated(
    a: np.ndarray, b: np.ndarray, radius: float, inner: np.ndarray, *, companions: bool = False
) -> ShiftedSky:
    """The estimate for rows a in b; rows `inner` are far from the border of the field."""
    sky = ShiftedSky.start(radius).with_match(nearest(a, b, radius), len(a))
    for direction in range(DIRECTIONS):
        there = to_xyz(*rotated(*to_radec(b), direction, shift_arcsec(radius)))
        sky = sky.with_shift(direction, nearest(a[inner], there, radius), int(inner.sum()))
    if companions:
        near = cKDTree(a).query(a, k=2)[0][:, 1] * ARCSEC_PER_RADIAN <= radius
        sky = sky.with_companions(int(near.sum()), len(b))
    return sky


def crowded_field(sigma: float) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """4,000 objects in both, 1,000 in one alone, 8,000 in the other: 0.0075 rows an arcsec^2."""
    rng = np.random.default_rng(3)
    side = 1_300.0
    true, lone, other = (rng.uniform(-0.5, 0.5, (n, 2)) * side for n in (4_000, 1_000, 8_000))
    centre = to_xyz(40.0, -60.0)

    def at(offset: np.ndarray) -> np.ndarray:
        return displaced(np.repeat(centre, len(offset), axis=0), offset)

    seen = true + sigma * rng.normal(size=true.shape)
    a, b = np.concatenate([true, lone]), np.concatenate([seen, other])
    return at(a), at(b), np.abs(a).max(axis=1) < 0.5 * side - 200.0, np.arange(len(true))


@pytest.mark.parametrize("sigma", [0.2, 1.5])
def test_false_matches_are_estimated_to_a_few_percent(sigma: float) -> None:
    a, b, inner, true = crowded_field(sigma)
    partner = cKDTree(b).query(a)[1]
    apart = separation_arcsec(a, b[partner])
    right = np.zeros(len(a), bool)
    right[true] = partner[true] == true
    false = int(((apart <= 6.0) & ~right).sum())
    told = estimated(a, b, 6.0, inner).to_dict()
    assert told["false"] == pytest.approx(false, rel=0.08)
    assert told["usual_false_share"] * told["matched"] > 1.8 * false


def test_the_formula_of_rayleigh_separations_holds() -> None:
    """e = 2 pi nu s^2 / (1 + 2 pi nu s^2), crossmatch.md 4a."""
    a, b, inner, true = crowded_field(1.0)
    sky = estimated(a[true], b, 8.0, inner[true])
    nu = len(b) / 1_300.0**2
    expected = 2.0 * np.pi * nu / (1.0 + 2.0 * np.pi * nu)
    assert sky.lost_to_a_stranger == pytest.approx(expected, rel=0.12)


def test_a_sky_of_chance_alone_is_all_false() -> None:
    a, b, inner, _ = crowded_field(1.0)
    alone, others = a[4_000:], b[4_000:]
    sky = estimated(alone, others, 4.0, inner[4_000:])
    assert sky.false == pytest.approx(sky.matched, rel=0.1)


def test_parts_add_up_in_any_order() -> None:
    rng = np.random.default_rng(1)
    parts = [ShiftedSky.start(3.0).with_match(rng.uniform(0, 4, 50), 80) for _ in range(3)]
    parts += [ShiftedSky.start(3.0).with_shift(n, rng.uniform(0, 3, 9), 70) for n in range(3)]
    parts.append(ShiftedSky.start(3.0).with_companions(10, 300))
    forth, back = (sum(each, start=ShiftedSky.start(3.0)) for each in (parts, parts[::-1]))
    assert forth.to_dict() == back.to_dict()
    assert forth.rows == 240
    assert forth.matched == int(forth.nearest.sum()) < 150
    with pytest.raises(UserError, match=r"radii of 3.0 and 4.0 arcsec"):
        forth + ShiftedSky.start(4.0)


def test_nothing_known_is_null_and_not_nan() -> None:
    told = ShiftedSky.start(1.0).to_dict()
    assert told["chance"] is None
    assert told["false"] is None
    assert replace(ShiftedSky.start(1.0), rows=3).to_dict()["matched"] == 0


# ------------------------------------------------------------------ field4
def gaia_and_ps1(folder: Path, *, with_motion: bool) -> tuple[Any, ...]:
    import pyarrow.parquet as pq

    gaia, ps1, links = (
        pq.read_table(folder / f"field4_wrap_{name}.parquet").to_pydict()
        for name in ("gaia", "ps1", "links")
    )
    a, b = (to_xyz(each["ra_deg"], each["dec_deg"]) for each in (gaia, ps1))
    east, north = tangent(to_xyz(0.0, 30.0))
    inner = np.maximum(np.abs(a @ east[0]), np.abs(a @ north[0])) * ARCSEC_PER_RADIAN < 530.0
    if with_motion:  # to the mean epoch of ps1: the fastest stars miss it by up to 8"
        pm = np.nan_to_num(np.array([gaia["pmra_masyr"], gaia["pmdec_masyr"]], float).T)
        a = displaced(a, 1e-3 * pm * (float(np.mean(ps1["epoch_jyear"])) - 2016.0))
    objects: dict[int, set[int]] = {}
    for object_, row in zip(links["obj_id"], links["det_id"], strict=True):
        objects.setdefault(row, set()).add(object_)
    partner = cKDTree(b).query(a)[1]
    found = separation_arcsec(a, b[partner]) <= 3.0
    ids = zip(np.array(gaia["id"])[found], np.array(ps1["id"])[partner[found]], strict=True)
    none: set[int] = set()
    right = [bool(objects.get(i, none) & objects.get(j, none)) for i, j in ids]
    return a, b, inner, 1.0 - float(np.mean(right))


def test_field4s_usual_estimate_overstates_the_false_matches(golden: Path) -> None:
    """4a: truth 1.5 %, usual shift 5.7 %; of the 1.5 % two thirds are stars that moved away."""
    a, b, inner, truth = gaia_and_ps1(golden, with_motion=False)
    told = estimated(a, b, 3.0, inner, companions=True).to_dict()
    assert truth == pytest.approx(0.0154, abs=0.0005)
    assert told["usual_false_share"] == pytest.approx(0.057, abs=0.006)
    assert 0.004 < told["false_share"] < truth


def test_field4s_false_matches_are_estimated_where_motions_are_used(golden: Path) -> None:
    a, b, inner, truth = gaia_and_ps1(golden, with_motion=True)
    told = estimated(a, b, 3.0, inner, companions=True).to_dict()
    assert told["false_share"] == pytest.approx(truth, rel=0.35)
