"""Calibration: what is wrong is found, what is right is left alone, and nothing else matters."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from scipy.spatial import cKDTree

from skyquarry.errors import DamagedError, UserError
from skyquarry.match.calibration import residuals as sampled
from skyquarry.match.calibration.calibrate import Calibration, fit, gather, reference_of
from skyquarry.match.calibration.errormodel import ErrorModel
from skyquarry.match.calibration.errorscale import Offsets, likelihood
from skyquarry.match.calibration.residuals import Residuals, displaced, tangent
from skyquarry.match.calibration.zeropoint import ZeroPoint
from skyquarry.match.given.rows import Flag, Rows
from skyquarry.sky.vectors import ARCSEC_PER_RADIAN, separation_arcsec, to_radec, to_xyz
from skyquarry.testing.naive.calibrate import ln_likelihood, mutual_pairs, plain_rows

if TYPE_CHECKING:
    from pathlib import Path

CENTRES = [(0.0, 0.0), (359.99, -30.0), (200.0, 89.9)]
FIELD4 = {"wrap": (0.0, 30.0), "pole": (123.4, 89.95)}


# ------------------------------------------------------------------ skies
def sky(
    seed: int = 1,
    pairs: int = 3_000,
    *,
    centre: tuple[float, float] = (0.0, 0.0),
    side_arcsec: float = 3_600.0,
    scale: float = 1.0,
    floor: float = 0.0,
    offset: tuple[float, float] = (0.0, 0.0),
    wide: tuple[float, float] = (0.0, 1.0),
    lone: int = 0,
) -> tuple[Rows, Rows]:
    """Objects seen twice, with stated errors of 20 mas and of 50 to 200 mas, and others once."""
    rng = np.random.default_rng(seed)

    def place(count: int) -> np.ndarray:
        middle = np.repeat(to_xyz(*centre), count, axis=0)
        return displaced(middle, rng.uniform(-0.5, 0.5, (count, 2)) * side_arcsec)

    true = place(pairs)
    stated = rng.uniform(0.05, 0.2, pairs)
    size = np.hypot(scale * stated, floor)
    size = np.where(rng.random(pairs) < wide[0], np.hypot(size, wide[1]), size)
    a = displaced(true, 0.02 * rng.normal(size=(pairs, 2)))
    b = displaced(true, size[:, None] * rng.normal(size=(pairs, 2)) + offset)
    both = np.concatenate([stated, rng.uniform(0.05, 0.2, lone)])
    first = rows_of(np.concatenate([a, place(lone)]), np.full(pairs + lone, 0.02))
    return first, rows_of(np.concatenate([b, place(lone)]), both, 10.0 + 50.0 * both)


def rows_of(xyz: np.ndarray, sigma: np.ndarray, mag: np.ndarray | None = None) -> Rows:
    covariance = np.stack([sigma**2, sigma**2, 0.0 * sigma], axis=1)
    return plain_rows(*to_radec(xyz), covariance, mag=mag)


def rivals_of(left: Any, right: Any, i: Any, j: Any) -> Any:
    """How many other rows could have been nearest, for mutual pairs (i, j), of all pairs (p,)."""
    return np.bincount(left)[i] + np.bincount(right)[j] - 2


def pairs_of(a: Rows, b: Rows, radius: float = 3.0) -> dict[str, Any]:
    """Mutual nearest pairs of rows without motion."""
    u, v = to_xyz(a.ra_deg, a.dec_deg), to_xyz(b.ra_deg, b.dec_deg)
    i = cKDTree(u).query(v)[1]
    j = np.flatnonzero(cKDTree(v).query(u)[1][i] == np.arange(len(v)))
    i, d = i[j], (v[j] - u[i[j]]) * ARCSEC_PER_RADIAN
    near = separation_arcsec(u[i], v[j]) <= radius
    i, j, d = i[near], j[near], d[near]
    middle = u[i] + v[j]
    middle /= np.linalg.norm(middle, axis=1)[:, None]
    east, north = tangent(middle)
    found = {
        "i": i,
        "j": j,
        "offset": np.stack([(d * east).sum(1), (d * north).sum(1)], axis=1),
        "covariance": a.covariance[i] + sampled.turned(b.covariance[j], v[j], middle),
        "at": middle,
        "rivals": rivals_of(*_all_pairs(u, v, radius), i, j),
    }
    return found | {"radius_arcsec": radius}


def _all_pairs(u: np.ndarray, v: np.ndarray, radius: float) -> tuple[np.ndarray, np.ndarray]:
    near = cKDTree(u).query_ball_point(v, radius / ARCSEC_PER_RADIAN)
    count = [len(each) for each in near]
    left = np.concatenate([np.empty(0, np.int64), *(np.array(n, np.int64) for n in near)])
    return left, np.repeat(np.arange(len(v)), count)


def sample_of(a: Rows, b: Rows, radius: float = 3.0, **more: Any) -> Residuals:
    found = pairs_of(a, b, radius)
    return gather(a, b, found.pop("i"), found.pop("j"), **found, **more)


def calibrated(a: Rows, b: Rows, radius: float = 3.0) -> Calibration:
    return fit({1: sample_of(a, b, radius)}, ["a", "b"])


def equal(one: Rows, other: Rows) -> bool:
    names = ("ra_deg", "dec_deg", "covariance", "wide", "flags")
    return all(np.array_equal(getattr(one, n), getattr(other, n)) for n in names)


# ------------------------------------------------------------------ right errors
@pytest.mark.parametrize("seed", range(6))
def test_nothing_is_invented_where_errors_are_right(seed: int) -> None:
    a, b = sky(seed, 2_000)
    found = calibrated(a, b).catalogs[1]
    assert np.hypot(*found.offset_arcsec) <= 3.0 * found.offset_error_arcsec
    assert found.errors.scale == pytest.approx((1.0,), abs=0.02)
    assert found.errors.floor_arcsec == (0.0,)
    assert found.errors.wide == (0.0,)


def test_a_neutral_calibration_returns_the_rows_themselves() -> None:
    a, b = sky(3, 500)
    assert Calibration.none(["a", "b"]).apply(b, 1) is b
    assert fit({1: sample_of(a, b)}, ["a", "b"]).apply(a, 0) is a


@pytest.mark.parametrize("pairs", [0, 1, 49])
def test_few_pairs_change_nothing_and_the_report_says_so(pairs: int) -> None:
    found = calibrated(*sky(2, pairs, offset=(1.0, 0.0)))
    assert found.catalogs[1].is_neutral
    assert "used as it is (" in found.lines()[1]
    assert ("too few, 50 are needed" in found.lines()[1]) == (pairs > 0)


def test_chance_pairs_alone_change_nothing() -> None:
    found = calibrated(*sky(4, 0, lone=4_000))
    assert found.catalogs[1].is_neutral


# ------------------------------------------------------------------ wrong errors
@pytest.mark.parametrize("centre", CENTRES)
def test_a_shift_is_found_at_any_place_of_the_sky(centre: tuple[float, float]) -> None:
    a, b = sky(5, 3_000, centre=centre)
    xyz = to_xyz(b.ra_deg, b.dec_deg)
    axis = to_xyz(centre[0] + 90.0, 0.0)[0]  # a rotation about it moves the field by -40 mas in dec
    shifted = rows_of(xyz + np.cross(axis, xyz) * 0.04 / ARCSEC_PER_RADIAN, _sigma(b), b.mag)
    found = calibrated(a, shifted).catalogs[1]
    there = to_xyz(*centre)
    assert found.zero.offset(there)[0] == pytest.approx([0.0, -0.04], abs=0.008)
    assert found.offset_error_arcsec == pytest.approx(
        np.median(_sigma(b)) / np.sqrt(3_000), rel=0.4
    )


def _sigma(rows: Rows) -> np.ndarray:
    return np.sqrt(rows.covariance[:, 0])


@pytest.mark.parametrize(
    ("scale", "floor"), [(1.4, 0.0), (0.7, 0.0), (1.0, 0.1), (1.0, 0.5), (1.3, 0.15)]
)
def test_scale_and_floor_are_found(scale: float, floor: float) -> None:
    found = calibrated(*sky(6, 8_000, scale=scale, floor=floor)).catalogs[1].errors
    dk, ds = found.uncertainty
    assert found.unknown[0] == pytest.approx(scale, abs=max(4.0 * dk, 1e-9))
    assert found.unknown[1] == pytest.approx(floor, abs=max(4.0 * ds, 1e-9))
    assert dk < 0.08
    assert found.wide == (0.0,) * len(found.wide)


def test_a_floor_of_bright_stars_only_is_found_by_magnitude() -> None:
    a, b = sky(7, 6_000)
    rng = np.random.default_rng(8)
    bright = b.mag < np.quantile(b.mag, 0.25)
    extra = np.where(bright, 0.3, 0.0)[:, None] * rng.normal(size=(len(b), 2))
    spoiled = rows_of(displaced(to_xyz(b.ra_deg, b.dec_deg), extra), _sigma(b), b.mag)
    errors = calibrated(a, spoiled).catalogs[1].errors
    _, floor, _ = errors.at(np.array([12.6, 13.2, 15.5, 19.0]))
    assert floor[:2] == pytest.approx(0.3, rel=0.1)
    assert floor[2:].max() < 0.05


def test_wide_errors_are_found_and_only_where_they_are() -> None:
    a, b = sky(9, 5_000, wide=(0.15, 0.7))
    errors = calibrated(a, b).catalogs[1].errors
    assert errors.unknown[2] == pytest.approx(0.15, abs=0.03)
    assert errors.wide_arcsec == pytest.approx(0.7, rel=0.08)
    assert errors.scale == pytest.approx((1.0,), abs=0.03)


@pytest.mark.parametrize("lone", [3_000, 15_000])
def test_crowded_chance_pairs_bias_nothing(lone: int) -> None:
    """Up to 0.02 strangers an arcsec^2: most pairs within 3 arcsec are by chance."""
    a, b = sky(10, 4_000, side_arcsec=900.0, scale=1.3, offset=(0.1, -0.05), lone=lone)
    found = calibrated(a, b).catalogs[1]
    assert found.errors.unknown[0] == pytest.approx(1.3, abs=0.06)
    assert found.errors.unknown[1] < 0.05
    assert found.errors.unknown[2] < 0.03
    assert found.offset_arcsec == pytest.approx((0.1, -0.05), abs=0.012)


def test_a_smooth_field_of_shifts_is_found() -> None:
    """50 mas with a period of some degrees: most of it goes; and none is made up without it."""
    a, b = sky(11, 16_000, centre=(0.0, 0.0), side_arcsec=10 * 3_600.0)

    def wave(rows: Rows) -> np.ndarray:
        east = 0.05 * np.sin(2.0 * np.pi * (rows.ra_deg + rows.dec_deg) / 8.0)
        return np.stack([east, 0.0 * east], axis=1)

    waving = rows_of(displaced(to_xyz(b.ra_deg, b.dec_deg), wave(b)), _sigma(b), b.mag)
    found = calibrated(a, waving)
    assert found.catalogs[1].zero.order >= 0
    left = wave(waving) - found.catalogs[1].zero.offset(to_xyz(waving.ra_deg, waving.dec_deg))
    assert np.sqrt((left**2).mean()) < 0.4 * np.sqrt((wave(waving) ** 2).mean())
    assert calibrated(a, b).catalogs[1].zero.is_zero


# ------------------------------------------------------------------ what must not matter
def test_parts_in_any_order_and_number_give_the_same_bytes() -> None:
    a, b = sky(12, 2_000, scale=1.2, offset=(0.05, 0.0))
    found = pairs_of(a, b)
    i, j = found.pop("i"), found.pop("j")
    radius = found.pop("radius_arcsec")

    def parts(number: np.ndarray, cap: int) -> list[Residuals]:
        pieces = [np.flatnonzero(number == n) for n in np.unique(number)]
        cut = lambda piece: {name: value[piece] for name, value in found.items()}  # noqa: E731
        more = {"radius_arcsec": radius, "cap": cap}
        return [gather(a, b, i[p], j[p], **cut(p), **more) for p in pieces]

    rng = np.random.default_rng(1)
    for cap in (200_000, 700):
        whole = fit({1: parts(np.zeros(len(i)), cap)[0]}, ["a", "b"])
        several = parts(rng.integers(0, 9, len(i)), cap)
        forwards = sampled.joined(several)
        backwards = sum(several[::-1], start=sampled.empty(radius, cap))
        assert len(forwards) == min(cap, len(i))
        assert forwards.seen == len(i)
        for sample in (forwards, backwards):
            assert fit({1: sample}, ["a", "b"]).to_dict() == whole.to_dict()


def test_samples_of_different_radii_are_not_mixed() -> None:
    with pytest.raises(UserError, match=r"radii of \[2.0, 5.0\] arcsec, but a calibration needs"):
        sampled.joined([sampled.empty(2.0), sampled.empty(5.0)])


@pytest.mark.parametrize("centre", CENTRES)
def test_rivals_are_counted_exactly(centre: tuple[float, float]) -> None:
    a, b = sky(19, 400, centre=centre, side_arcsec=200.0, lone=200)
    found = mutual_pairs(a, b, 4.0)
    i, j, expected = found.pop("i"), found.pop("j"), found.pop("rivals")
    kept = gather(a, b, i, j, **found, radius_arcsec=4.0)
    order = np.argsort(gather(a, b, i, j, **found, rivals=np.arange(len(i))).rivals)
    assert np.array_equal(kept.rivals[order], expected)
    density = sampled.crowding(kept)  # 600 rows of each catalogue on 200" by 200"
    assert density == pytest.approx(1_200 / 200.0**2, rel=0.15)


def test_pairs_whose_motion_is_unknown_do_not_make_a_floor() -> None:
    a, b = sky(13, 3_000)
    rng = np.random.default_rng(2)
    old = rng.random(len(b)) < 0.3
    drift = np.where(old, 0.4, 0.0)[:, None] * rng.normal(size=(len(b), 2))
    moving = rows_of(displaced(to_xyz(b.ra_deg, b.dec_deg), drift), _sigma(b), b.mag)
    place = np.argsort(np.lexsort((moving.rank, moving.spatial)))
    epoch = np.where(old, 1975.0, 2016.0)[moving.row][place]
    moving = replace(moving, epoch=epoch)
    a = replace(a, epoch=np.full(len(a), 2016.0))
    found = calibrated(a, moving).catalogs[1]
    assert found.used < 0.75 * found.pairs
    assert found.is_neutral


def test_errors_stay_as_stated_where_all_motions_are_unknown() -> None:
    """A sky of two epochs that stands still: nothing tells errors from motions."""
    a, b = sky(17, 3_000)
    off = np.broadcast_to([0.3, -0.2], (len(b), 2))
    moved = rows_of(displaced(to_xyz(b.ra_deg, b.dec_deg), off), _sigma(b), b.mag)
    a = replace(a, epoch=np.full(len(a), 2016.0))
    found = calibrated(a, replace(moved, epoch=np.full(len(b), 1955.0)))
    assert found.catalogs[1].errors.is_neutral
    assert found.catalogs[1].offset_arcsec == pytest.approx((0.3, -0.2), abs=0.05)
    assert "errors as stated: of " in found.lines()[1]
    assert found.lines()[1].startswith("b: shifted by")


@pytest.mark.parametrize("f", [0.0, 0.2])
def test_the_likelihood_agrees_with_the_naive_one(f: float) -> None:
    a, b = sky(14, 200)
    found = sample_of(a, b)
    data = Offsets.of(found.offset, found.covariance, found.own, radius_arcsec=3.0)
    theta = np.array([1.3, 0.2, f, 4.0, 0.1, 0.0])
    expected = ln_likelihood(theta, data.d, data.rest, data.own, data.radius)
    assert likelihood(theta, data)[0] == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("kappa", [0.0, 1e-7, 0.02])
def test_the_slope_of_the_likelihood_is_its_derivative(kappa: float) -> None:
    found = sample_of(*sky(15, 200, lone=100))
    data = Offsets.of(found.offset, found.covariance, found.own, radius_arcsec=3.0)
    theta = np.array([1.3, 0.2, 0.1, 4.0, 0.1, kappa])
    slope = likelihood(theta, data)[1]
    for number in range(5):
        step = np.zeros(6)
        step[number] = 1e-6
        ends = [likelihood(theta + sign * step, data)[0] for sign in (1, -1)]
        assert slope[number] == pytest.approx((ends[0] - ends[1]) / 2e-6, rel=1e-5, abs=1e-4)


# ------------------------------------------------------------------ use
def test_applying_moves_positions_and_widens_errors() -> None:
    _, b = sky(16, 100, centre=(200.0, 89.99), side_arcsec=200.0)
    errors = replace(ErrorModel.none(), scale=(2.0,), floor_arcsec=(0.3,), unknown=(2.0, 0.3, 0.0))
    zero = ZeroPoint(np.array([0.3, -0.2, 0.1]))
    whole = Calibration.none(["a", "b"])
    mine = replace(whole.catalogs[1], zero=zero, errors=errors)
    whole = replace(whole, catalogs=(whole.catalogs[0], mine))
    new = whole.apply(b, 1)
    moves = separation_arcsec(to_xyz(b.ra_deg, b.dec_deg), to_xyz(new.ra_deg, new.dec_deg))
    assert moves == pytest.approx(np.hypot(0.3, 0.2), rel=1e-3)
    assert new.covariance[:, :2] == pytest.approx(4.0 * b.covariance[:, :2] + 0.09, abs=1e-12)
    assert (new.flags & Flag.ZERO_POINT).all()
    floored = (new.flags & Flag.ERROR_FLOOR) > 0
    assert np.array_equal(floored, 4.0 * b.covariance[:, 0] < 0.09)
    assert np.array_equal(new.spatial, b.spatial)
    assert equal(b, sky(16, 100, centre=(200.0, 89.99), side_arcsec=200.0)[1])  # b is as it was
    assert whole.common_floor_arcsec == (0.0, 0.3)


def test_what_is_saved_is_loaded_to_the_last_digit(tmp_path: Path) -> None:
    a, b = sky(17, 3_000, scale=1.5, offset=(0.1, 0.0), wide=(0.2, 0.8))
    found = calibrated(a, b)
    found.save(tmp_path / "calibration.json")
    again = Calibration.load(tmp_path / "calibration.json")
    assert again.to_dict() == found.to_dict()
    assert again.lines() == found.lines()
    assert equal(again.apply(b, 1), found.apply(b, 1))


def test_a_file_that_is_no_calibration_is_named(tmp_path: Path) -> None:
    path = tmp_path / "other.json"
    path.write_text('{"format": "skyquarry calibration 1"}')
    with pytest.raises(DamagedError, match=r"other\.json is no calibration \('catalogs'\)"):
        Calibration.load(path)
    path.write_text('{"format": 2}')
    with pytest.raises(UserError, match="the calibration says format 2, but"):
        Calibration.load(path)


def test_the_reference_has_the_smallest_errors_and_the_first_of_equals() -> None:
    assert reference_of([0.3, 0.1, 0.1]) == 1
    assert reference_of([np.nan, 5.0]) == 1


def test_residuals_of_the_reference_itself_are_refused() -> None:
    with pytest.raises(UserError, match=r"given for catalogues \[0\]"):
        fit({0: sampled.empty()}, ["a", "b"])


def test_calibrated_rows_ask_for_no_more_calibration() -> None:
    a, b = sky(18, 4_000, scale=1.4, offset=(0.1, 0.05))
    again = calibrated(a, calibrated(a, b).apply(b, 1)).catalogs[1]
    assert again.is_neutral
    assert again.median_before == pytest.approx(2.0 * np.log(2.0), abs=0.08)


# ------------------------------------------------------------------ field4
def field4(folder: Path, place: str, name: str) -> Rows:
    import pyarrow.parquet as pq

    table = pq.read_table(folder / f"field4_{place}_{name}.parquet")
    t = {n: table[n].to_numpy() for n in table.schema.names}
    east, north = t["sigma_east_arcsec"], t["sigma_north_arcsec"]
    covariance = np.stack([east**2, north**2, east * north * t["corr_east_north"]], axis=1)
    motion = {}
    if name == "gaia":
        motion = {"pm": np.stack([t["pmra_masyr"], t["pmdec_masyr"]], axis=1)}
        motion |= {"pm_error": t["pm_error_masyr"]}
    more = {"ids": t["id"], "mag": t["mag"], "epoch": t["epoch_jyear"]}
    return plain_rows(t["ra_deg"], t["dec_deg"], covariance, **more, **motion)


@cache  # a fit of three catalogues for several claims
def field4_calibration(folder: Path, place: str) -> Calibration:
    names = ["gaia", "tmass", "wise", "ps1"]
    rows = [field4(folder, place, name) for name in names]
    samples = {}
    for number in (1, 2, 3):
        found = mutual_pairs(rows[0], rows[number], 5.0)
        i, j = found.pop("i"), found.pop("j")
        samples[number] = gather(rows[0], rows[number], i, j, **found, radius_arcsec=5.0)
    return fit(samples, names)


@pytest.mark.parametrize("place", FIELD4)
def test_field4s_zero_point_is_found(golden: Path, place: str) -> None:
    ps1 = field4_calibration(golden, place).catalogs[3]
    centre = to_xyz(*FIELD4[place])
    assert 1e3 * ps1.zero.offset(centre)[0] == pytest.approx([40.0, -25.0], abs=1.0)


@pytest.mark.parametrize("place", FIELD4)
def test_field4s_floors_are_near_the_golden_ones(golden: Path, place: str) -> None:
    """The golden floors have neither wide component nor model choice: 16, 35 and 2.7 mas, where the
    smallest stated errors are 52, 35 and 5. A floor is near if no error changes by half of itself.
    """
    _, tmass, wise, ps1 = field4_calibration(golden, place).common_floor_arcsec
    assert tmass == pytest.approx(0.0163, abs=0.026)
    assert wise == pytest.approx(0.0351, abs=0.036)
    assert ps1 == pytest.approx(0.00275, abs=0.0015)


@pytest.mark.parametrize("place", FIELD4)
def test_field4s_blends_are_found(golden: Path, place: str) -> None:
    """1.9: a width of a quarter of the PSF, which blends within 4" and 0.8"; here to a factor 2."""
    _, tmass, wise, ps1 = (each.errors for each in field4_calibration(golden, place).catalogs)
    assert tmass.wide == (0.0,)
    assert wise.wide_arcsec == pytest.approx(1.0, rel=0.5)
    assert ps1.wide_arcsec == pytest.approx(0.2, rel=0.51)
    assert 0.05 < wise.unknown[2] < 0.25
    assert 0.03 < ps1.unknown[2] < 0.15


def test_field4_is_the_same_over_the_pole_and_across_0h(golden: Path) -> None:
    wrap, pole = (field4_calibration(golden, place) for place in ("wrap", "pole"))
    for one, other in zip(wrap.catalogs, pole.catalogs, strict=True):
        for name in ("scale", "floor_arcsec", "wide", "wide_arcsec", "unknown", "chance"):
            assert getattr(one.errors, name) == pytest.approx(
                getattr(other.errors, name), rel=1e-6, abs=1e-9
            )
        size = [np.hypot(*each.offset_arcsec) for each in (one, other)]
        assert size[0] == pytest.approx(size[1], abs=1e-6)
        assert one.pairs == other.pairs
