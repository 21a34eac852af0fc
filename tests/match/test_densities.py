"""The prior of every set of catalogues: weights, sums, what was given, what comes back."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skyquarry.errors import UserError
from skyquarry.match.kernels.magnitudes import on_scale
from skyquarry.match.priors.densities import Densities, converged
from skyquarry.match.priors.densitysums import Summary, Sums, distinct
from skyquarry.match.priors.magnitudes import MagnitudeScale
from skyquarry.match.resolution.groups import Groups
from skyquarry.match.resolution.resolve import resolve
from skyquarry.sky.footprint import Footprint
from skyquarry.sky.ranges import Ranges
from skyquarry.testing.naive import densities as naive
from skyquarry.testing.setsky import Candidates, SetSky, candidates, rows_of, set_sky
from skyquarry.testing.setsky import ln_bayes as bayes_of

if TYPE_CHECKING:
    from pathlib import Path

    from skyquarry.match.given.rows import Rows

DENSITY = {("a",): 900.0, ("b",): 1200.0, ("c",): 500.0, ("a", "b"): 700.0, ("a", "b", "c"): 900.0}
BRIGHT = {("a",): 19.0, ("b",): 22.0, ("c",): 20.0, ("a", "b"): 20.0, ("a", "b", "c"): 18.0}
SIGMA = {"a": 2.0, "b": 3.0, "c": 5.0}


def small_sky(seed: int = 1, area_deg2: float = 0.1) -> tuple[SetSky, Candidates]:
    sky = set_sky(DENSITY, SIGMA, area_deg2, seed, mean_mag=BRIGHT)
    return sky, candidates(sky.rows)


def learnt(sky: SetSky, found: Candidates, **options: Any) -> Densities:
    """After two steps, so that magnitudes and places matter."""
    densities = Densities.start(sky.names, Summary.of(sky.rows), **options)
    posterior = densities.guess(found.groups, found.ln_bayes, sky.rows)
    for _ in range(2):
        densities = densities.updated(densities.expected(found.groups, posterior, sky.rows))
        weight = densities.ln_weight(found.groups, found.ln_bayes, sky.rows)
        posterior = resolve(found.islands, found.groups, weight).posterior
    return densities


@given(st.lists(st.integers(-(2**62), 2**62) | st.integers(0, 9), max_size=200))
def test_keys_are_told_apart_as_numpy_does(keys: list[int]) -> None:
    key = np.array(keys, np.int64)
    for mine, theirs in zip(distinct(key), np.unique(key, return_inverse=True), strict=True):
        assert np.array_equal(mine, theirs)


@settings(max_examples=8)
@given(seed=st.integers(0, 10_000), seen=st.sampled_from(["all", "west of c", "nowhere c"]))
def test_weights_are_those_of_plain_loops(seed: int, seen: str) -> None:
    sky, found = small_sky(seed)
    sky.rows[0].mag[::3] = np.nan
    half = Ranges([0], [int(np.median(sky.rows[2].spatial))])
    maps = {"all": Ranges.whole(), "west of c": half, "nowhere c": Ranges.empty()}
    footprints = [None, None, Footprint(maps[seen], "survey")]
    densities = learnt(sky, found, footprints=footprints)
    weight = densities.ln_weight(found.groups, found.ln_bayes, sky.rows)
    slow = naive.ln_weight(densities, found.groups, found.ln_bayes, sky.rows)
    np.testing.assert_allclose(weight, slow, rtol=1e-11, atol=1e-9)


def test_expected_numbers_are_those_of_plain_loops() -> None:
    sky, found = small_sky(2)
    densities = learnt(sky, found)
    posterior = np.random.default_rng(2).random(len(found.groups))
    cell, observed, catalogs, amount = densities.expected(found.groups, posterior, sky.rows).table()
    kinds = zip(cell.tolist(), observed.tolist(), catalogs.tolist(), strict=True)
    slow = naive.expected(densities, found.groups, posterior, sky.rows)
    assert dict(zip(kinds, amount.tolist(), strict=True)) == pytest.approx(slow, abs=1e-4)


def test_single_rows_weigh_nothing() -> None:
    sky, found = small_sky(3)
    weight = learnt(sky, found).ln_weight(found.groups, found.ln_bayes, sky.rows)
    assert (weight[np.diff(found.groups.start) == 1] == 0.0).all()


def split(groups: Groups, cuts: list[int]) -> list[tuple[slice, Groups]]:
    parts = []
    for a, b in pairwise([0, *sorted(cuts), len(groups)]):
        at = groups.start[a : b + 1]
        nodes = groups.nodes[at[0] : at[-1]]
        each = (groups.catalogs[a:b], groups.island[a:b], groups.heuristic[a:b])
        parts.append((slice(a, b), Groups(at - at[0], nodes, *each)))
    return parts


def test_sums_are_the_same_to_the_bit_however_the_sky_is_cut() -> None:
    sky, found = small_sky(4)
    densities = learnt(sky, found)
    posterior = np.random.default_rng(4).random(len(found.groups))
    whole = densities.expected(found.groups, posterior, sky.rows)
    for cuts in ([1], [50, 51, 400], list(range(0, len(found.groups), 37))):
        pieces = [
            densities.expected(groups, posterior[part], sky.rows)
            for part, groups in split(found.groups, cuts)
        ]
        together = Sums.union(pieces[::-1])
        for one, two in ((whole.groups, together.groups), (whole.members, together.members)):
            assert (one.key == two.key).all()
            assert (one.total == two.total).all()
        assert (densities.updated(whole).nu == densities.updated(together).nu).all()


def test_not_observed_is_not_absent() -> None:
    """Where c never looked, a pair of a and b may well be an object that c would have seen."""
    sky, found = small_sky(5)
    prior = {("a",): 10.0, ("b",): 10.0, ("a", "b"): 1.0, ("a", "b", "c"): 99.0}
    options: dict[str, Any] = {
        "prior": prior,
        "footprints": [None, None, Footprint(Ranges.empty())],
    }
    blind = Densities.start(sky.names, Summary.of(sky.rows), **options)
    seeing = Densities.start(sky.names, Summary.of(sky.rows), prior=prior)
    pair = np.flatnonzero(found.groups.catalogs == 0b011)
    weights = [d.ln_weight(found.groups, found.ln_bayes, sky.rows)[pair] for d in (blind, seeing)]
    inside = np.isclose(weights[0] - weights[1], np.log(100.0), atol=1e-6)
    assert inside.mean() > 0.8  # the others lie at the rim of what c is known to have seen


def test_a_field_that_one_survey_half_saw_has_the_densities_of_the_whole() -> None:
    rates = {("a",): 6_000.0, ("b",): 8_000.0, ("a", "b"): 20_000.0}
    sky = set_sky(rates, {"a": 0.3, "b": 0.3}, 0.5, 6)
    edge = int(np.median(sky.rows[0].spatial))
    half = Ranges([0], [edge])
    rows = [sky.rows[0], sky.rows[1].take(np.flatnonzero(sky.rows[1].spatial < edge))]
    found = candidates(rows)
    maps = [None, Footprint(half, "survey")]
    densities = Densities.start(sky.names, Summary.of(rows), maps)
    posterior = densities.guess(found.groups, found.ln_bayes, rows)
    for _ in range(6):
        densities = densities.updated(densities.expected(found.groups, posterior, rows))
        weight = densities.ln_weight(found.groups, found.ln_bayes, rows)
        posterior = resolve(found.islands, found.groups, weight).posterior
    assert densities.of("a", "b") == pytest.approx(20_000.0, rel=0.04)
    assert densities.of("a") == pytest.approx(6_000.0, rel=0.06)


def test_a_density_that_varies_is_followed_and_one_that_does_not_is_not() -> None:
    even = set_sky({("a",): 400.0, ("b",): 300.0}, {"a": 0.1, "b": 0.1}, 20.0, 7)
    steep = even.rows[0]
    keep = np.random.default_rng(7).random(len(steep)) < np.clip(
        (steep.dec_deg - 20.0) / 4.5, 0.05, 1.0
    )
    for rows, varies in (
        (even.rows, False),
        ([steep.take(np.flatnonzero(keep)), even.rows[1]], True),
    ):
        found = candidates(rows)
        densities = Densities.start(("a", "b"), Summary.of(rows))
        posterior = densities.guess(found.groups, found.ln_bayes, rows)
        densities = densities.updated(densities.expected(found.groups, posterior, rows))
        ln = densities.local.ln_ratio(1, densities.local.cell)
        assert (np.ptp(ln) > 1.0) == varies
        assert np.ptp(ln) < 0.5 or varies


# ---------------------------------------------------------------- priors that were given


def nway_rows() -> list[Rows]:
    """One X-ray source, two optical rows: 1 and 2 arcsec away."""
    ra, mag = 10.0, np.full(2, np.nan)
    xray, _ = rows_of(np.array([ra]), np.array([0.0]), 1.0, mag[:1])
    near, _ = rows_of(np.full(2, ra), np.array([1.0, 2.0]) / 3600.0, 0.1, mag)
    return [xray, near]


def test_nways_weights_are_reproduced() -> None:
    """w = c B / (4 pi nu_2) against 1: crossmatch.md 1.5, whose 1 - c it is not."""
    rows = nway_rows()
    found = candidates(rows)
    cells = Footprint(Ranges.from_cells(4, [int(rows[0].spatial[0]) >> 50]), "user")
    densities = Densities.start(
        ("x", "o"), Summary.of(rows), [cells, cells], prior="nway", completeness=0.9
    )
    nu = 2.0 / (cells.area_deg2() * (np.pi / 180.0) ** 2)
    weight = densities.ln_weight(found.groups, found.ln_bayes, rows)
    pair = np.flatnonzero(np.diff(found.groups.start) == 2)
    expected = np.log(0.9) + found.ln_bayes[pair] - np.log(4.0 * np.pi * nu)
    assert len(pair) == 2
    np.testing.assert_allclose(weight[pair], expected, rtol=1e-12)
    w = np.exp(expected)
    one = resolve(found.islands, found.groups, weight, "many_to_one").posterior[pair]
    np.testing.assert_allclose(one, w / (1.0 + w.sum()), rtol=1e-9)


def test_given_densities_stay() -> None:
    sky, found = small_sky(8)
    prior = {("a",): 10.0, ("b",): 20.0, ("b", "a"): 30.0}
    densities = Densities.start(sky.names, Summary.of(sky.rows), prior=prior)
    after = densities.updated(
        densities.expected(found.groups, np.ones(len(found.groups)), sky.rows)
    )
    assert densities.of("a", "b") == pytest.approx(30.0)
    assert after is densities
    assert converged(densities, after)


@pytest.mark.parametrize(
    ("prior", "message"),
    [
        ("flat", "prior is 'flat'; it needs to be 'auto', 'uniform', 'nway'"),
        ({("a", "z"): 1.0}, "has a density for ('a', 'z'), but a key needs to be a tuple of some"),
        ({("a",): -1.0}, "density of a is -1.0, but it needs to be a number"),
        ({("a",): 0.0}, "has no density above 0, but at least one set"),
    ],
)
def test_a_prior_that_cannot_be_is_refused(prior: Any, message: str) -> None:
    rows = nway_rows()
    with pytest.raises(UserError) as error:
        Densities.start(("a", "b"), Summary.of(rows), prior=prior)
    assert message in str(error.value)


def test_densities_come_back_as_they_were() -> None:
    sky, found = small_sky(9)
    one = learnt(sky, found)
    two = Densities.from_dict(json.loads(json.dumps(one.to_dict())))
    weights = [d.ln_weight(found.groups, found.ln_bayes, sky.rows) for d in (one, two)]
    assert (weights[0] == weights[1]).all()
    assert one.lines() == two.lines()
    assert any(line.startswith("a+b+c: ") for line in one.lines())


def test_no_rows_are_no_trouble() -> None:
    sky, _ = small_sky(10)
    rows = [each.take(np.empty(0, np.int64)) for each in sky.rows]
    none = np.empty(0, np.int64)
    groups = Groups(np.zeros(1, np.int64), none, none.astype(np.uint32), none, none.astype(bool))
    densities = Densities.start(sky.names, Summary.of(rows))
    assert len(densities.ln_weight(groups, np.empty(0), rows)) == 0
    after = densities.updated(densities.expected(groups, np.empty(0), rows))
    assert np.isfinite(after.nu).all()


# ---------------------------------------------------------------- authority


def members_of(text: str) -> list[int]:
    return [ord(letter) - ord("A") for letter in text]


def test_partitions_of_the_golden_table_have_their_posteriors(golden: Path) -> None:
    """Circular groups: evidence of 1.1, densities 2000, 3000, 5000, 8000 per deg2 by size."""
    import pyarrow.parquet as pq

    table = pq.read_table(golden / "partition_posterior.parquet").to_pylist()
    rows_of_group: dict[int, list[dict[str, Any]]] = {}
    for row in pq.read_table(golden / "bfn_members.parquet").to_pylist():
        rows_of_group.setdefault(row["group_id"], []).append(row)
    circular = {
        row["group_id"]
        for row in pq.read_table(golden / "bfn_groups.parquet").to_pylist()
        if row["circular"]
    }
    checked = 0
    for group in sorted({row["group_id"] for row in table} & circular):
        rows = [row_of(member) for member in rows_of_group[group]]
        truth = {r["partition"]: r["posterior"] for r in table if r["group_id"] == group}
        found = golden_posteriors(rows, list(truth))
        for partition, posterior in truth.items():
            assert found[partition] == pytest.approx(posterior, abs=1e-6)
            checked += 1
    assert checked > 100


def row_of(member: dict[str, Any]) -> Rows:
    ra, dec = np.array([member["ra_deg"]]), np.array([member["dec_deg"]])
    return rows_of(ra, dec, member["sigma_east_arcsec"], np.array([np.nan]))[0]


def golden_posteriors(rows: list[Rows], partitions: list[str]) -> dict[str, float]:
    from skyquarry.sky.vectors import to_xyz

    names = tuple("ABCDE"[: len(rows)])
    blocks = sorted({block for each in partitions for block in each.split("|")})
    sizes = [len(block) for block in blocks]
    prior = {tuple(block): {1: 2e3, 2: 3e3, 3: 5e3, 4: 8e3}[len(block)] for block in blocks}
    groups = Groups(
        np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64),
        np.concatenate([members_of(block) for block in blocks]).astype(np.int64),
        np.array([sum(1 << m for m in members_of(b)) for b in blocks], np.uint32),
        np.zeros(len(blocks), np.int64),
        np.zeros(len(blocks), np.bool_),
    )
    xyz = np.concatenate([to_xyz(r.ra_deg, r.dec_deg) for r in rows])
    sigma = np.concatenate([np.sqrt(r.covariance[:, 0]) for r in rows]) * np.pi / 648_000.0
    whole = Footprint(Ranges.whole(), "survey")
    densities = Densities.start(names, Summary.of(rows), [whole] * len(rows), prior=prior)
    weight = densities.ln_weight(groups, bayes_of(groups, xyz, sigma), rows)
    gain = dict(zip(blocks, weight.tolist(), strict=True))
    ln = np.array([sum(gain[block] for block in each.split("|")) for each in partitions])
    odds = np.exp(ln - ln.max())
    return dict(zip(partitions, (odds / odds.sum()).tolist(), strict=True))


@given(
    st.lists(st.floats(-30.0, 40.0) | st.sampled_from([np.nan, np.inf, -np.inf]), max_size=30),
    st.lists(st.integers(0, 60), max_size=8, unique=True),
)
@settings(max_examples=60, deadline=None)
def test_magnitudes_lie_on_their_bins_as_numpy_finds(mags: list[float], centers: list[int]) -> None:
    mag, middle = np.array(mags, float), np.sort(np.array(centers, float)) / 2.0
    scale = MagnitudeScale(0.5 * (middle[1:] + middle[:-1]), middle)
    bins, low, way = np.empty(len(mag), int), np.empty(len(mag), int), np.empty(len(mag))
    on_scale(mag, scale.edges, scale.centers, bins, low, way)
    there, (below, along) = scale.bins(mag), scale.between(mag) if len(middle) else (bins, way)
    np.testing.assert_array_equal(bins, there)
    np.testing.assert_array_equal(low, np.where(there < 0, -1, below))
    np.testing.assert_array_equal(way, np.where(there < 0, 0.0, along))
