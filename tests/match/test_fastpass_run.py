"""What a run's report says of fast stars is what the run finds of them."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

import skyquarry as sq
from skyquarry.catalog.roles import Roles
from skyquarry.match.given.reading import rows_of
from skyquarry.match.given.rows import Flag
from skyquarry.match.likelihood.motionprior import MotionPrior
from skyquarry.match.runs import asked, identification
from skyquarry.sky import healpix

ROLES = {
    "id": "id",
    "ra": "ra",
    "dec": "dec",
    "position_error": {"model": "circular", "columns": ["err"], "unit": "arcsec"},
    "bands": [{"name": "m", "column": "mag", "system": "Vega"}],
}
STARS = 12
"""fast ones in each 1"/yr"""
SPEEDS = 10
YEARS = 16.0
SIDE = 40.0
OTHER = 10**6


def sky(seed: int, mags: tuple[float, float]) -> list[pa.Table]:
    """Two epochs of 2,500 stars that stand, and 120 of up to 10"/yr of magnitudes 8 to 14."""
    random = np.random.default_rng(seed)
    n = 2_500 + STARS * SPEEDS
    ra, dec = 100.0 + SIDE * random.random(n), SIDE * (random.random(n) - 0.5)
    mag = random.uniform(*mags, n)
    mag[2_500:] = random.uniform(8.0, 14.0, STARS * SPEEDS)
    speed = np.zeros(n)
    speed[2_500:] = np.repeat(np.arange(SPEEDS), STARS) + random.random(STARS * SPEEDS)
    towards = 2.0 * np.pi * random.random(n)
    tables = []
    for number in range(2):
        way = (speed * YEARS * number + 0.0) / 3600.0
        error = random.normal(0.0, 0.1 / 3600.0, (2, n))
        told = {
            "id": np.arange(n) + number * OTHER,
            "ra": ra + (way * np.sin(towards) + error[0]) / np.cos(np.radians(dec)),
            "dec": dec + way * np.cos(towards) + error[1],
            "err": np.full(n, 0.1),
            "mag": mag,
        }
        tables.append(pa.table(told))
    return tables


def plan(tables: list[pa.Table]) -> Any:
    given: list[Any] = [
        (each, ROLES | {"epoch": {"jyear": 2000.0 + YEARS * number}})
        for number, each in enumerate(tables)
    ]
    return sq.crossmatch(*given, names=["a", "b"], calibrate=False)


def run(seed: int, mags: tuple[float, float]) -> tuple[np.ndarray, np.ndarray]:
    """Shares of the fast stars, per 1"/yr: as the report says, and as are matched rightly."""
    result = plan(sky(seed, mags)).run("inline")
    pairs = result.pairs.to_pylist()
    right = {p["left_id"] for p in pairs if p["is_match"] and p["right_id"] - OTHER == p["left_id"]}
    found = np.array([2_500 + k in right for k in range(STARS * SPEEDS)])
    words = result.report["facts"]["fast_pass"]
    assert words in result.report["doubts"]
    assert "a x b, 16.0 years apart" in words
    return said(words), found.reshape(SPEEDS, STARS).mean(axis=1)


def said(words: str) -> np.ndarray:
    """The share in each 1"/yr: all of them are told, each once."""
    shares = np.full(SPEEDS, np.nan)
    for share, low, high in re.findall(r'(\d+) % at (\d+)-(\d+)"/yr', words):
        assert np.isnan(shares[int(low) : int(high)]).all()
        shares[int(low) : int(high)] = float(share) / 100.0
    assert not np.isnan(shares).any()
    return shares


@pytest.mark.parametrize("seed", [1, 2])
def test_a_report_tells_the_share_that_is_found_per_arcsec_a_year(seed: int) -> None:
    told, found = run(seed, (8.0, 14.0))
    assert told[0] > 0.9
    assert told[-1] < 0.1
    scatter = np.sqrt(np.maximum(told * (1.0 - told), 0.05) / STARS)
    assert np.all(np.abs(told - found) < 3.0 * scatter), (told, found)


@pytest.mark.parametrize("large", [False, True], ids=["held", "on disk"])
def test_stars_that_cross_borders_are_found_patch_by_patch(
    monkeypatch: pytest.MonkeyPatch, *, large: bool
) -> None:
    """60 stars of 2"/yr from one cell of the sky to the next: the same bytes for any patches."""
    tables = [pa.concat_tables(each) for each in zip(sky(3, (8.0, 14.0)), crossing(), strict=True)]
    whole = plan(tables).run("inline")
    assert len(whole.made.patches) == 1
    monkeypatch.setattr(identification, "PATCH_ROWS", 150)
    if large:
        monkeypatch.setattr(asked, "RESIDENT_ROWS", 10)
    parts = plan(tables).run("inline")
    assert len(parts.made.patches) > 20
    assert parts.made.is_resident != large
    for kind in ("pairs", "groups", "members"):
        assert getattr(parts, kind).equals(getattr(whole, kind)), kind
    crossed = 0
    for pair in parts.pairs.to_pylist():
        if pair["left_id"] >= CROSSING and pair["is_match"] and pair["flags"] & Flag.FAST_PASS:
            ends = [patch_of(parts, tables[n], pair[f"{side}_id"]) for n, side in ENDS]
            crossed += ends[0] != ends[1]
    assert crossed > 20


CROSSING = 500_000
ENDS = ((0, "left"), (1, "right"))


def crossing() -> list[pa.Table]:
    """Stars whose two places lie in different cells of order 4."""
    random = np.random.default_rng(5)
    n, way = 200_000, 2.0 * YEARS / 3600.0
    ra, dec = 100.0 + SIDE * random.random(n), SIDE * (random.random(n) - 0.5)
    towards = 2.0 * np.pi * random.random(n)
    there = (
        ra + way * np.sin(towards) / np.cos(np.radians(dec)),
        dec + way * np.cos(towards),
    )
    some = np.flatnonzero(healpix.index(ra, dec, 4) != healpix.index(*there, 4))[:60]
    mag = random.uniform(8.0, 14.0, len(some))
    return [
        pa.table(
            {
                "id": np.arange(len(some)) + number * OTHER + CROSSING,
                "ra": place[0][some],
                "dec": place[1][some],
                "err": np.full(len(some), 0.1),
                "mag": mag,
            }
        )
        for number, place in enumerate([(ra, dec), there])
    ]


def patch_of(result: Any, table: pa.Table, row_id: int) -> int:
    row = table.filter(pc.equal(table["id"], row_id))
    pixel = healpix.index(row["ra"].to_numpy(), row["dec"].to_numpy())
    return next(p.number for p in result.made.patches if p.core.contains(pixel)[0])


@pytest.mark.parametrize("seed", [1, 2])
def test_a_report_promises_no_more_where_most_bright_stars_have_gone(seed: int) -> None:
    """What is bright stands alone more often than what is faint: a pair is less probable."""
    told, found = run(seed, (14.0, 20.0))
    scatter = np.sqrt(np.maximum(told * (1.0 - told), 0.05) / STARS)
    assert np.all(told - found < 3.0 * scatter), (told, found)


def test_the_prior_of_a_motion_does_not_depend_on_the_rows_beside() -> None:
    """To the last bit: a product of matrices adds up otherwise for another number of rows."""
    table = sky(1, (8.0, 14.0))[0]
    rows, _ = rows_of(table, Roles.from_mapping(ROLES), name="a")
    whole = MotionPrior().weights(rows)
    alone = [MotionPrior().weights(rows.take(np.array([n]))) for n in range(500)]
    np.testing.assert_array_equal(np.concatenate(alone), whole[:500])
