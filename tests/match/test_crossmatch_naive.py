"""`sq.crossmatch` agrees with its slow twin: all rows against all, every partition of them."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pytest

import skyquarry as sq
from skyquarry.sky import healpix
from skyquarry.testing.naive.crossmatch import Answer, crossmatch
from skyquarry.testing.naive.evidence import Source

if TYPE_CHECKING:
    from skyquarry.match.matchresult import MatchResult

NAMES = ("a", "b", "c")
EPOCHS = (2016.0, 2000.0, 2010.5)
FIELD_ARCSEC = 8.0
PLACES = [(0.0, 90.0), (211.0, -90.0), (359.9999, 0.0), (0.0, 41.8103149), (77.7, -44.0)]


def field(place: tuple[float, float], count: int, seed: int) -> list[list[Source]]:
    """Eleven objects, so near each other that a third of the islands holds several."""
    random = np.random.default_rng(seed)
    n = 11
    at = random.uniform(-FIELD_ARCSEC, FIELD_ARCSEC, (n, 2))
    motion = random.normal(0.0, 30.0, (n, 2))
    found = []
    for catalog in range(count):
        rows = []
        for k in np.flatnonzero(random.random(n) < (0.9, 0.8, 0.7)[catalog]):
            a, ratio = (0.1, 0.4, 0.6)[catalog] * random.uniform(0.6, 1.5), random.uniform(0.5, 1.0)
            covariance = ellipse(a, a * ratio, random.uniform(0.0, 180.0))
            xx, yy, xy = covariance
            error = np.linalg.cholesky([[xx, xy], [xy, yy]]) @ random.standard_normal(2)
            offset = at[k] + error + 1e-3 * motion[k] * (EPOCHS[catalog] - 2016.0)
            measured = catalog == 0 and random.random() < 0.6
            rows.append(
                Source(
                    *on_sky(place, offset),
                    covariance,
                    EPOCHS[catalog],
                    pm=(float(motion[k, 0]), float(motion[k, 1])) if measured else None,
                    pm_covariance=(1.0, 1.5, 0.0),
                    weights=(0.3, 0.573, 0.116, 0.0109, 0.0001),
                )
            )
        found.append(rows)
    return found


def ellipse(a: float, b: float, pa_deg: float) -> tuple[float, float, float]:
    s, c = np.sin(np.radians(pa_deg)), np.cos(np.radians(pa_deg))
    return (
        float(a * a * s * s + b * b * c * c),
        float(a * a * c * c + b * b * s * s),
        float((a * a - b * b) * s * c),
    )


def on_sky(place: tuple[float, float], offset_arcsec: Any) -> tuple[float, float]:
    """Degrees of what lies east and north of a place by some arcseconds."""
    ra, dec = np.radians(place)
    east = np.array([-np.sin(ra), np.cos(ra), 0.0])
    u = np.array([np.cos(dec) * np.cos(ra), np.cos(dec) * np.sin(ra), np.sin(dec)])
    x, y = np.radians(np.asarray(offset_arcsec) / 3600.0)
    v = u + x * east + y * np.cross(u, east)
    told = np.degrees(np.arctan2(v[1], v[0])) % 360.0
    return float(told), float(np.degrees(np.arctan2(v[2], np.hypot(v[0], v[1]))))


def table(rows: list[Source], catalog: int) -> tuple[pa.Table, dict[str, Any]]:
    """As `sq.crossmatch` takes it; ids are the numbers of the rows."""
    sigma = [(r.covariance[0] ** 0.5, r.covariance[1] ** 0.5) for r in rows]
    columns: dict[str, Any] = {
        "id": pa.array(range(len(rows)), pa.int64()),
        "ra": pa.array([r.ra_deg for r in rows], pa.float64()),
        "dec": pa.array([r.dec_deg for r in rows], pa.float64()),
        "e": pa.array([s[0] for s in sigma], pa.float64()),
        "n": pa.array([s[1] for s in sigma], pa.float64()),
        "corr": pa.array(
            [r.covariance[2] / (s[0] * s[1]) for r, s in zip(rows, sigma, strict=True)],
            pa.float64(),
        ),
    }
    for axis, (name, error) in enumerate((("pmra", 1.0), ("pmdec", 1.5**0.5))):
        columns[name] = pa.array([None if r.pm is None else r.pm[axis] for r in rows], pa.float64())
        columns[f"{name}_error"] = pa.array(
            [None if r.pm is None else error for r in rows], pa.float64()
        )
    roles: dict[str, Any] = {
        "id": "id",
        "ra": "ra",
        "dec": "dec",
        "epoch": {"jyear": EPOCHS[catalog]},
        "position_error": {"model": "covariance", "columns": ["e", "n", "corr"], "unit": "arcsec"},
    }
    if catalog == 0:
        motion = ("pmra", "pmdec", "pmra_error", "pmdec_error")
        roles["motion"] = {name: name for name in motion}
    return pa.table(columns), roles


def densities(count: int) -> dict[frozenset[int], float]:
    """Per square degree, as many as the field has, with some alone."""
    area = (2.0 * FIELD_ARCSEC / 3600.0) ** 2
    told = {}
    for size in range(1, count + 1):
        for some in itertools.combinations(range(count), size):
            told[frozenset(some)] = (3.0 + size) / area
    return told


def both(
    place: tuple[float, float], count: int, seed: int, constraint: Any
) -> tuple[MatchResult, Answer, list[list[Source]]]:
    rows, nu = field(place, count, seed), densities(count)
    prior = {tuple(NAMES[c] for c in sorted(key)): value for key, value in nu.items()}
    result = sq.crossmatch(
        *(table(each, c) for c, each in enumerate(rows)),
        names=NAMES[:count],
        prior=prior,
        calibrate=False,
        photometry=None,
        fast_pass=False,
        constraint=constraint,
    ).run("inline")
    coverage = result.made.learnt.densities.coverage

    def observed(source: Source) -> int:
        pixel = healpix.index(np.array([source.ra_deg]), np.array([source.dec_deg]))
        return int(coverage.observed_at(pixel)[0])

    limit = result.made.rules.chi2_limit
    return result, crossmatch(rows, nu, limit, constraint, observed), rows


def compare(result: MatchResult, answer: Answer, rows: list[list[Source]]) -> None:
    """The same candidates and groups; probabilities to 1e-9."""
    start = np.cumsum([0, *(len(each) for each in rows)])
    number = dict(zip(NAMES, start, strict=False))
    pairs = {}
    for pair in result.pairs.to_pylist():
        left, right = (number[pair[f"{s}_catalog"]] + pair[f"{s}_id"] for s in ("left", "right"))
        pairs[int(left), int(right)] = pair
    assert pairs.keys() == answer.pairs.keys()
    for key, pair in pairs.items():
        assert pair["posterior"] == pytest.approx(answer.pairs[key], abs=1e-9)
    matched = {key for key in pairs if any(set(key) <= set(g) for g in answer.groups)}
    assert {key for key, pair in pairs.items() if pair["is_match"]} == matched
    groups = {}
    for g in result.groups.to_pylist():
        members = [(n, g[f"{n}_id"]) for n in result.asked.names if g[f"{n}_id"] is not None]
        groups[tuple(int(number[n] + i) for n, i in members)] = g["posterior"]
    assert groups == pytest.approx(answer.groups, abs=1e-9)
    for m in result.members.to_pylist():
        node = int(number[m["catalog"]] + m["id"])
        assert m["p_none"] == pytest.approx(answer.alone[node], abs=1e-9)


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("count", [2, 3])
def test_small_fields_are_those_of_the_slow_twin(place: tuple[float, float], count: int) -> None:
    result, answer, rows = both(
        place, count, seed=round(10 * place[1]) % 1000, constraint="one_to_one"
    )
    compare(result, answer, rows)
    doubtful = [p for p in answer.pairs.values() if 0.001 < p < 0.999]
    assert len(answer.pairs) >= 6
    assert len(doubtful) >= 1


@pytest.mark.parametrize("constraint", ["many_to_one", "none"])
@pytest.mark.parametrize("seed", [4, 5])
def test_other_constraints_are_those_of_the_slow_twin(constraint: str, seed: int) -> None:
    random = np.random.default_rng(seed)
    place = (float(random.uniform(0, 360)), float(np.degrees(np.arcsin(random.uniform(-1, 1)))))
    compare(*both(place, 3, seed, constraint))


@pytest.mark.parametrize("seed", range(3))
def test_random_places_are_those_of_the_slow_twin(seed: int) -> None:
    random = np.random.default_rng(100 + seed)
    place = (float(random.uniform(0, 360)), float(np.degrees(np.arcsin(random.uniform(-1, 1)))))
    compare(*both(place, 2 + seed % 2, seed, "one_to_one"))
