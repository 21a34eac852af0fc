"""What real surveys do to positions: halos and masks, saturation, frames that are turned, gaps."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest

import skyquarry as sq
from skyquarry.catalog.roles import Roles, Survey
from skyquarry.match.given.rows import Flag
from skyquarry.sky.footprint import Footprint
from skyquarry.sky.regions import Box, Cone
from skyquarry.sky.vectors import ARCSEC_PER_RADIAN, to_radec, to_xyz

ARCSEC = 1.0 / 3600.0
ROLES: dict[str, Any] = {
    "id": "id", "ra": "ra", "dec": "dec", "bands": [{"name": "m", "column": "mag"}],
    "position_error": {"model": "circular", "columns": ["err"], "unit": "arcsec"},
}  # fmt: skip


def sky(n: int, size_deg: float, seed: int = 1) -> dict[str, Any]:
    """Stars strewn over a square of the equator around (30, 0), as catalogued without error."""
    random = np.random.default_rng(seed)
    ra, dec = random.uniform(-0.5, 0.5, (2, n)) * size_deg
    mag = 18.0 + np.log10(random.uniform(1e-4, 1.0, n)) / 0.4
    return {"id": np.arange(n), "ra": 30.0 + ra, "dec": dec, "mag": mag, "err": np.full(n, 0.05)}


def measured(stars: dict[str, Any], seed: int, sigma_arcsec: Any = 0.05) -> dict[str, Any]:
    """The same seen again, with errors of this size and as many stated."""
    random = np.random.default_rng([seed, 7])
    dx, dy = sigma_arcsec * ARCSEC * random.standard_normal((2, len(stars["ra"])))
    return stars | {"ra": stars["ra"] + dx, "dec": stars["dec"] + dy}


def given(rows: dict[str, Any]) -> tuple[pa.Table, dict[str, Any]]:
    return pa.table(rows), ROLES


def matches(result: Any) -> set[tuple[int, int]]:
    pairs = result.pairs.filter(result.pairs["is_match"])
    return set(zip(pairs["left_id"].to_pylist(), pairs["right_id"].to_pylist(), strict=True))


# ---------------------------------------------------------------- halos
def test_rows_of_nothing_in_the_halo_of_a_bright_star_take_no_stars_row() -> None:
    """Four hundred of them within 30", one in 7 square arcsec: the stars there keep their rows."""
    stars = sky(1_500, 0.4)
    stars["mag"][0], random = 5.0, np.random.default_rng(3)
    near = np.flatnonzero(np.arange(1_500) < 12)  # eleven others stand in the halo too
    angle, radius = random.uniform(0, 2 * np.pi, 12), np.r_[0.0, random.uniform(5, 28, 11)] * ARCSEC
    for name, part in (("ra", np.cos(angle)), ("dec", np.sin(angle))):
        stars[name][near] = stars[name][0] + radius * part
    a, b = measured(stars, 1), measured(stars, 2)
    angle, radius = random.uniform(0, 2 * np.pi, 400), 30 * ARCSEC * np.sqrt(random.random(400))
    halo = {
        "id": 10_000 + np.arange(400), "ra": stars["ra"][0] + radius * np.cos(angle),
        "dec": stars["dec"][0] + radius * np.sin(angle), "mag": random.uniform(14, 18, 400),
        "err": np.full(400, 0.05),
    }  # fmt: skip
    both = {name: np.concatenate([b[name], halo[name]]) for name in b}
    result = sq.crossmatch(given(a), given(both), names=("a", "b")).run("inline")
    found = matches(result)
    assert sum(right >= 10_000 for _, right in found) <= 1
    assert {(k, k) for k in range(12)} <= found
    assert len({(k, k) for k in range(1_500)} - found) <= 12  # beyond three sigma
    of_halo = [p["posterior"] for p in result.pairs.to_pylist() if p["right_id"] >= 10_000]
    assert sum(of_halo) < 1.0


def test_behind_the_mask_of_a_bright_star_nobody_looked(tmp_path) -> None:
    """A row there has no counterpart because none could be seen, and is told so."""
    stars = sky(2_000, 0.4)
    a, b = measured(stars, 1), measured(stars, 2)
    apart = np.hypot(stars["ra"] - 30.0, stars["dec"])
    seen = {name: values[apart > 120 * ARCSEC] for name, values in b.items()}
    area = Box(29.78, 30.22, -0.22, 0.22) - Cone(30.0, 0.0, 120.0)
    footprint = Footprint.from_region(area, 14)
    survey = Survey("b", "b", roles=Roles.from_mapping(ROLES, "b"))
    options = {"survey": survey, "footprint": footprint, "progress": False, "executor": "inline"}
    catalog = sq.build(pa.table(seen), tmp_path / "b", **options)
    result = sq.crossmatch(given(a), catalog, names=("a", "b"), fast_pass=False).run("inline")
    reasons = {m["id"]: m["reason"] for m in result.members.to_pylist() if m["catalog"] == "a"}
    # to a cell of 13 arcsec
    inside, outside = np.flatnonzero(apart < 100 * ARCSEC), np.flatnonzero(apart > 140 * ARCSEC)
    assert len(inside) > 10
    assert {reasons[k] for k in inside.tolist()} == {"outside footprint"}
    assert "outside footprint" not in {reasons[k] for k in outside.tolist()}


# ---------------------------------------------------------------- saturation
def test_saturated_stars_are_found_by_the_error_of_their_magnitude() -> None:
    """b states 0.05" for the brightest fifth, which it sees to 0.4", with one magnitude for all."""
    stars = sky(4_000, 1.0)
    limit = np.quantile(stars["mag"], 0.2)
    bright = stars["mag"] < limit
    a, b = measured(stars, 1), measured(stars, 2, np.where(bright, 0.4, 0.05))
    b["mag"] = np.maximum(b["mag"], limit)
    result = sq.crossmatch(given(a), given(b), names=("a", "b")).run("inline")
    found = matches(result)
    assert all(left == right for left, right in found)
    mine = {left for left, _ in found}
    for some in (bright, ~bright):
        ids = set(np.flatnonzero(some).tolist())
        assert len(ids & mine) >= 0.985 * len(ids)
    errors = result.made.calibration.catalogs[1].errors
    scale, floor, wide = errors.at(np.array([limit, limit + 2.0]))
    told = np.sqrt((0.05 * scale) ** 2 + floor**2 + wide * errors.wide_arcsec**2)
    assert told[0] == pytest.approx(0.37, abs=0.05)  # a bin of saturated stars and a few others
    assert told[1] == pytest.approx(0.05, rel=0.15)


# ---------------------------------------------------------------- a frame that is turned
def test_a_frame_turned_by_a_few_tenths_of_an_arcsec_is_turned_back() -> None:
    """A rotation of 0.35" about an axis of its own, six times the errors, over 40 degrees."""
    stars = sky(3_000, 40.0)
    a, b = measured(stars, 1), measured(stars, 2)
    omega = np.array([0.2, -0.15, 0.25])
    xyz = to_xyz(b["ra"], b["dec"])
    turned = xyz + np.cross(omega / ARCSEC_PER_RADIAN, xyz)
    b["ra"], b["dec"] = to_radec(turned / np.linalg.norm(turned, axis=1)[:, None])
    result = sq.crossmatch(given(a), given(b), names=("a", "b")).run("inline")
    assert matches(result) <= {(k, k) for k in range(3_000)}
    assert len(matches(result)) > 0.99 * 3_000
    found = result.made.calibration.catalogs[1].zero.offset(xyz)
    true = np.cross(omega, xyz)
    east = np.column_stack([-np.sin(np.radians(b["ra"])), np.cos(np.radians(b["ra"])), 0 * b["ra"]])
    assert np.abs(found[:, 0] - (true * east).sum(axis=1)).max() < 0.02
    assert np.abs(found[:, 1] - (true * np.cross(xyz, east)).sum(axis=1)).max() < 0.02
    assert all(flags & Flag.ZERO_POINT for flags in result.pairs["flags"].to_pylist())
    left = np.sqrt(np.array(result.pairs["sep_arcsec"].to_pylist()) ** 2 / 2.0)
    assert np.sqrt(np.mean(left**2)) == pytest.approx(0.05 * np.sqrt(2.0), rel=0.1)


# ---------------------------------------------------------------- parts on one side only
def test_tiles_that_only_one_side_has_lose_nothing_and_invent_nothing(tmp_path) -> None:
    """a has the west and the middle, b the middle and the east, in tiles of different orders."""
    stars = sky(3_000, 3.0)
    parts = {"a": stars["ra"] < 30.6, "b": stars["ra"] > 29.4}
    tables, catalogs = {}, []
    for seed, (name, mine) in enumerate(parts.items()):
        rows = {key: values[mine] for key, values in measured(stars, seed).items()}
        tables[name] = rows
        catalogs.append(sq.build(
            pa.table(rows), tmp_path / name, max_rows=(150, 600)[seed], progress=False,
            survey=Survey(name, name, roles=Roles.from_mapping(ROLES, name)), executor="inline",
        ))  # fmt: skip
    whole = sq.crossmatch(*map(given, tables.values()), names=("a", "b")).run("inline")
    tiled = sq.crossmatch(*catalogs, names=("a", "b")).run("inline")
    both = set(np.flatnonzero(parts["a"] & parts["b"]).tolist())
    assert matches(tiled) == matches(whole) <= {(k, k) for k in both}
    assert len(matches(tiled)) > 0.99 * len(both)
    assert tiled.members.num_rows == sum(len(rows["id"]) for rows in tables.values())
    reasons = {(m["catalog"], m["id"]): m["reason"] for m in tiled.members.to_pylist()}
    west, east = np.flatnonzero(stars["ra"] < 29.1), np.flatnonzero(stars["ra"] > 30.9)
    told = [reasons["a", k] for k in west.tolist()] + [reasons["b", k] for k in east.tolist()]
    assert set(told) == {"outside footprint"}
