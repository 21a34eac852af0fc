"""Learning densities by expectation and maximisation: on skies whose truth is known."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from skyquarry.match.priors.densities import Densities
from skyquarry.match.priors.densitysums import Summary
from skyquarry.match.priors.learning import Learnt, learn
from skyquarry.match.resolution.groups import Groups
from skyquarry.match.resolution.resolve import resolve
from skyquarry.sky.footprint import Footprint
from skyquarry.sky.ranges import Ranges
from skyquarry.testing.scores import reliability
from skyquarry.testing.setsky import Candidates, SetSky, candidates, is_true, rows_of, set_sky
from skyquarry.testing.xraysky import INFRARED_ARCSEC, OPTICAL_ARCSEC, xraysky

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from skyquarry.match.given.rows import Rows

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

TWO = {("a",): 20_000.0, ("b",): 60_000.0, ("a", "b"): 20_000.0}
THREE = {
    ("a",): 8_000.0,
    ("b",): 20_000.0,
    ("c",): 5_000.0,
    ("a", "b"): 5_000.0,
    ("a", "c"): 1_000.0,
    ("b", "c"): 8_000.0,
    ("a", "b", "c"): 10_000.0,
}
SIGMA = {"a": 1.0, "b": 1.0, "c": 1.5}


def made(rates: dict[tuple[str, ...], float], area: float, seed: int) -> tuple[SetSky, Candidates]:
    names = {name: SIGMA[name] for key in rates for name in key}
    sky = set_sky(rates, dict(sorted(names.items())), area, seed)
    return sky, candidates(sky.rows)


def taught(names: tuple[str, ...], found: Candidates, **options: Any) -> Learnt:
    summary = Summary.of(found.rows)
    return learn(Densities.start(names, summary, **options), summary, [found])


def posterior_of(learnt: Learnt, found: Candidates) -> Floats:
    photometry = learnt.photometry
    ratio = None if photometry is None else photometry.ln_ratio(found.rows, found.groups)
    weight = learnt.densities.ln_weight(found.groups, found.ln_bayes, found.rows, ratio)
    return found.posterior(weight)


@pytest.mark.parametrize("rates", [TWO, THREE])
def test_densities_are_recovered_and_posteriors_are_calibrated(
    rates: dict[tuple[str, ...], float],
) -> None:
    sky, found = made(rates, 0.5, 1)
    learnt = taught(sky.names, found, prior="uniform")
    for key, n in sky.counts.items():
        expected = learnt.densities.of(*key) * sky.area_deg2
        assert expected == pytest.approx(n, abs=4.0 * np.sqrt(n) + 0.02 * n)
    posterior = posterior_of(learnt, found)
    many = np.diff(found.groups.start) > 1
    p, true = posterior[many], is_true(found.groups, sky.objects)[many]
    assert reliability(p, true, low=0.01, high=0.99).ece <= 0.01
    assert p.sum() == pytest.approx(true.sum(), rel=0.02)
    assert learnt.passes <= 15


def ln_likelihood(densities: Densities, found: Candidates) -> float:
    """Of all rows: Poisson, with the pseudo-counts that keep densities above 0."""
    weight = densities.ln_weight(found.groups, found.ln_bayes, found.rows)
    evidence = resolve(found.islands, found.groups, weight).ln_evidence.sum()
    nu = densities.nu[1:]
    alone = [np.log(densities.nu[1 << c]) * len(rows) for c, rows in enumerate(found.rows)]
    expected = densities.expected_groups().sum()
    return float(evidence + sum(alone) + 0.1 * np.log(nu).sum() - expected)


@pytest.mark.parametrize("rates", [TWO, THREE])
def test_no_pass_makes_the_data_less_likely(rates: dict[tuple[str, ...], float]) -> None:
    sky, found = made(rates, 0.2, 2)
    # One map for all: every row is where every catalogue looked.
    maps = [Footprint(_around(found.rows), "survey")] * len(sky.names)
    summary = Summary.of(found.rows)
    passes: list[Densities] = []
    learn(
        Densities.start(sky.names, summary, maps, prior="uniform"),
        summary,
        [found],
        each_pass=passes.append,
    )
    likelihood = np.array([ln_likelihood(each, found) for each in passes])
    assert (np.diff(likelihood) >= -1e-3).all()
    assert len(passes) >= 3


def _around(rows: list[Rows]) -> Ranges:
    cells = np.unique(np.concatenate([each.spatial for each in rows]) >> 2 * (29 - 10))
    return Ranges.from_cells(10, cells)


def test_a_short_list_against_a_deep_catalogue_is_learnt_by_magnitude() -> None:
    rates = {("a",): 60.0, ("b",): 400_000.0, ("a", "b"): 1_200.0}
    mean = {("a",): 20.0, ("b",): 23.5, ("a", "b"): 20.5}
    sky = set_sky(rates, {"a": 2.0, "b": 0.1}, 0.5, 3, mean_mag=mean)
    sky.rows[0].mag[:] = np.nan
    found = candidates(sky.rows)
    true = is_true(found.groups, sky.objects) & (np.diff(found.groups.start) > 1)
    right = {}
    for prior in ("uniform", "auto"):
        learnt = taught(sky.names, found, prior=prior)
        posterior = posterior_of(learnt, found)
        right[prior] = posterior[true].mean()
        if prior == "auto":
            pairs = np.diff(found.groups.start) > 1
            assert posterior[pairs].sum() == pytest.approx(true.sum(), rel=0.05)
    assert right["auto"] > right["uniform"] + 0.1


# ---------------------------------------------------------------- COSMOS-like


def xray_scene(scale: float, names: tuple[str, ...]) -> tuple[Candidates, list[Ints]]:
    """Candidates, and the object of each row."""
    sky = xraysky(scale)
    sizes = {name: len(sky.catalogs[name]) for name in ("optical", "infrared", "xray")}
    things = {
        "optical": np.arange(sizes["optical"]),
        "infrared": sizes["optical"] + np.arange(sizes["infrared"]),
        "xray": sizes["optical"] + sizes["infrared"] + np.arange(sizes["xray"]),
    }
    things["infrared"][np.asarray(sky.pairs["infrared"])] = np.asarray(sky.pairs["optical"])
    x, o, i = (np.asarray(sky.truth[name]) for name in ("xray", "optical", "infrared"))
    red = np.where(i >= 0, sizes["optical"] + i, things["xray"][x])
    things["xray"][x] = np.where(o >= 0, o, red)
    rows, objects = [], []
    for name in names:
        table = sky.catalogs[name]
        errors = {"optical": OPTICAL_ARCSEC, "infrared": INFRARED_ARCSEC}
        sigma = np.asarray(table["pos_err"]) if name == "xray" else errors[name]
        mag = np.full(len(table), np.nan) if name == "xray" else np.asarray(table["mag"])
        each, order = rows_of(np.asarray(table["ra"]), np.asarray(table["dec"]), sigma, mag)
        rows.append(each)
        objects.append(things[name][order])
    return candidates(rows), objects


def xray_pairs(found: Candidates, posterior: Floats) -> tuple[Ints, Ints, Floats]:
    """Node of the X-ray row, of the optical row, and P of every such pair."""
    has = np.flatnonzero(found.groups.catalogs & 3 == 3)
    at = found.groups.start[has]
    key = found.groups.nodes[at] << 32 | found.groups.nodes[at + 1]
    pairs, place = np.unique(key, return_inverse=True)
    total = np.bincount(place, posterior[has]).astype(np.float64)
    return pairs >> 32, pairs & 0xFFFFFFFF, total


@pytest.mark.parametrize(
    ("scale", "names"), [(1.0, ("xray", "optical")), (0.4, ("xray", "optical", "infrared"))]
)
def test_cosmos_is_calibrated_and_magnitudes_find_more(
    scale: float, names: tuple[str, ...]
) -> None:
    found, objects = xray_scene(scale, names)
    learnt = taught(names, found)
    x, o, p = xray_pairs(found, posterior_of(learnt, found))
    every = np.concatenate(objects)
    true = every[x] == every[o]
    n_true = np.isin(objects[0], objects[1]).sum()
    assert reliability(p, true, low=0.01, high=0.99).ece <= 0.01
    assert reliability(p, true).ece <= 0.005
    assert p.sum() == pytest.approx(n_true, rel=0.02)
    order = np.lexsort((-p, x))
    best = order[np.unique(x[order], return_index=True)[1]]
    assert true[best].sum() >= 0.84 * n_true


# ---------------------------------------------------------------- field4


LETTERS = {"gaia": "G", "tmass": "T", "wise": "W", "ps1": "P"}


def field4_islands(golden: Path) -> tuple[dict[str, float], dict[str, dict[str, Any]]]:
    """ln nu per sr of every set by letters, and islands: partition -> row of the golden table.

    Sets that the truth does not hold have half an object there.
    """
    import pyarrow.parquet as pq

    lines = (golden / "field4_wrap_set_densities.csv").read_text().splitlines()[1:]
    cells = [line.split(",") for line in lines]
    nu = {"".join(LETTERS[n] for n in c[0].split("+")): float(c[2]) for c in cells}
    half = 0.5 * float(cells[0][2]) / float(cells[0][1])
    sets = ["".join(c for k, c in enumerate("GTWP") if m >> k & 1) for m in range(1, 16)]
    islands: dict[str, dict[str, Any]] = {}
    for row in pq.read_table(golden / "field4_wrap_nway_cal.parquet").to_pylist():
        islands.setdefault(row["ids"], {})["|".join(sorted(row["partition"].split("|")))] = row
    return {each: float(np.log(nu.get(each, half))) for each in sets}, islands


def block_evidence(ln_nu: dict[str, float], island: dict[str, Any]) -> dict[str, float]:
    """lnB of every block of an island, from the partitions that hold it and single rows."""
    letters = "".join(sorted(max(island, key=lambda p: p.count("|")).replace("|", "")))
    alone = island["|".join(letters)]["ln_weight"]
    found = dict.fromkeys(letters, 0.0)
    for partition, row in island.items():
        big = [block for block in partition.split("|") if len(block) > 1]
        if len(big) == 1:
            ratio = ln_nu[big[0]] - sum(ln_nu[c] for c in big[0])
            room = (len(big[0]) - 1) * np.log(4.0 * np.pi)
            found[big[0]] = row["ln_weight"] - alone - ratio + room
    return found


def field4_scene(golden: Path) -> tuple[list[Rows], Groups, Floats, list[tuple[str, list[str]]]]:
    """Rows of all four catalogues, groups of the golden islands, lnB; and who is where."""
    import pyarrow.parquet as pq

    ln_nu, islands = field4_islands(golden)
    rows: list[Rows] = []
    node: dict[int, int] = {}
    for name in LETTERS:
        table = pq.read_table(golden / f"field4_wrap_{name}.parquet")
        places = (np.asarray(table["ra_deg"]), np.asarray(table["dec_deg"]))
        each, order = rows_of(*places, 0.1, np.full(len(table), np.nan))
        for k, i in enumerate(np.asarray(table["id"])[order].tolist()):
            node[i] = k + sum(len(before) for before in rows)
        rows.append(each)
    nodes, catalogs, evidence, label, told = [], [], [], [], []
    for number, (ids, island) in enumerate(islands.items()):
        member = {"GTWP"[int(i) // 1_000_000 - 1]: node[int(i)] for i in ids.split("+")}
        blocks = block_evidence(ln_nu, island)
        told.append((ids, list(blocks)))
        for block, ln in blocks.items():
            inside = sorted(member[c] for c in block)
            nodes.append(inside)
            catalogs.append(sum(1 << "GTWP".index(c) for c in block))
            evidence.append(ln)
            label.append(number)
    begin = np.concatenate([[0], np.cumsum([len(each) for each in nodes])]).astype(np.int64)
    groups = Groups(
        begin,
        np.concatenate(nodes).astype(np.int64),
        np.array(catalogs, np.uint32),
        np.array(label, np.int64),
        np.zeros(len(nodes), np.bool_),
    )
    return rows, groups, np.array(evidence), told


def test_field4_has_its_posteriors_with_the_true_densities(golden: Path) -> None:
    ln_nu, islands = field4_islands(golden)
    rows, groups, evidence, told = field4_scene(golden)
    names = tuple(LETTERS)
    back = {letter: name for name, letter in LETTERS.items()}
    deg2 = (np.pi / 180.0) ** 2
    prior = {tuple(back[c] for c in key): np.exp(ln) * deg2 for key, ln in ln_nu.items()}
    maps = [Footprint(_around(rows), "survey")] * 4
    densities = Densities.start(names, Summary.of(rows), maps, prior=prior)
    gain = iter(densities.ln_weight(groups, evidence, rows).tolist())
    worst = 0.0
    for ids, blocks in told:
        weight = {block: next(gain) for block in blocks}
        island = islands[ids]
        ln = np.array([sum(weight[b] for b in p.split("|")) for p in island])
        odds = np.exp(ln - ln.max())
        truth = np.array([row["posterior"] for row in island.values()])
        worst = max(worst, float(np.abs(odds / odds.sum() - truth).max()))
    assert len(told) > 500
    assert worst < 1e-6
