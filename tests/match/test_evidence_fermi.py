"""Error ellipses of degrees: the Fermi catalogues against the associations that 3FGL publishes."""

from __future__ import annotations

import csv

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import skyquarry as sq
from skyquarry.match.likelihood.evidence import pair_evidence
from skyquarry.sky.vectors import to_xyz
from skyquarry.testing.evidencerows import Mixture, rows
from skyquarry.testing.naive.bayesfactors import chi2_threshold, ellipse_covariance

SIGMA95 = np.sqrt(2.0 * np.log(20.0))  # the 95 % radius of a 2-dimensional Gaussian
PUBLISHED, STILTS = 1590, 1559


@pytest.fixture(scope="module")
def sources(shared_data):
    return {name: _read(shared_data / "xmatch" / "fermi" / f"{name}.parquet")
            for name in ("2fgl", "3fgl")}  # fmt: skip


def _read(path):
    t = pq.read_table(path).to_pydict()
    a, b, pa = (np.array([np.nan if v is None else v for v in t[f"Conf_95_{part}"]], float)
                for part in ("SemiMajor", "SemiMinor", "PosAng"))  # fmt: skip
    good = np.isfinite(a) & np.isfinite(b) & np.isfinite(pa) & (b > 0)
    a, b, pa = (np.where(good, v, 1.0) for v in (a, b, pa))
    covariance = ellipse_covariance(*(3600.0 * v / SIGMA95 for v in (a, b)), pa)
    at = rows(np.array(t["RAJ2000"], float), np.array(t["DEJ2000"], float), covariance)
    names = np.array(t["Source_Name"])
    older = np.array([n or "" for n in t.get("2FGL_Name", [""] * len(names))])
    return at.take(np.flatnonzero(good)), names[good], older[good], (~good).sum()


@pytest.fixture(scope="module")
def pairs(sources):
    """Pairs within 5 degrees, with their evidence."""
    (a, names_a, _, _), (b, names_b, older, _) = sources["2fgl"], sources["3fgl"]
    near = to_xyz(a.ra_deg, a.dec_deg) @ to_xyz(b.ra_deg, b.dec_deg).T > np.cos(np.radians(5.0))
    i, j = np.nonzero(near)
    found = pair_evidence(a, b, i, j, Mixture())
    return names_a[i], names_b[j], older[j], found


def test_ellipses_that_are_not_finite_are_set_aside(sources):
    assert sources["2fgl"][3] > 0
    assert sources["3fgl"][3] > 0


def test_published_associations_are_recovered_as_well_as_by_stilts(pairs, sources):
    old, _, older, found = pairs
    everywhere = [n for n in sources["3fgl"][2] if n in set(sources["2fgl"][1])]
    consistent = found.chi2 <= chi2_threshold(0.9973, 2) ** 2
    published = old == older
    assert len(everywhere) <= PUBLISHED
    recovered = int((published & consistent).sum())
    assert recovered >= STILTS


def test_what_stilts_finds_is_found(pairs, shared_data):
    """All pairs whose ellipses overlap, by tskymatch2 skyellipse; ours within 4.2 sigma."""
    path = shared_data / "xmatch" / "expected_stilts" / "2fgl_x_3fgl_skyellipse_all.csv"
    with path.open() as lines:
        wanted = {(r["Source_Name_1"], r["Source_Name_2"]) for r in csv.DictReader(lines)}
    old, new, _, found = pairs
    # two 95 % ellipses that touch: at most 2.4477 (1 + 1) / sqrt(2) sigma apart
    within = found.chi2 <= 2.0 * SIGMA95**2
    ours = set(zip(old[within], new[within], strict=True))
    assert len(wanted - ours) == 0


def test_published_associations_have_evidence(pairs):
    old, _, older, found = pairs
    lnB = found.lnB[old == older]
    assert np.isfinite(found.lnB).all()
    assert np.median(lnB) > 8.0
    assert (lnB > 0.0).mean() > 0.98


# ---------------------------------------------------------------- by sq.crossmatch
NAMES = ("2fgl", "3fgl")
ROLES = {
    "id": "Source_Name", "ra": "RAJ2000", "dec": "DEJ2000",
    "position_error": {
        "model": "ellipse", "unit": "deg", "factor": 1.0 / 2.4477,
        "columns": [f"Conf_95_{part}" for part in ("SemiMajor", "SemiMinor", "PosAng")],
    },
}  # fmt: skip
PER_DEG2 = {("2fgl",): 300.0, ("3fgl",): 1400.0, NAMES: 1600.0}  # of the whole sky


@pytest.fixture(scope="module")
def tables(shared_data):
    return {name: _float64(pq.read_table(shared_data / "xmatch" / "fermi" / f"{name}.parquet"))
            for name in NAMES}  # fmt: skip


def _float64(table):
    """Positions of 32 bits without the warning that they are: steps of 0.1" are nothing here."""
    for name in ("RAJ2000", "DEJ2000"):
        at = table.column_names.index(name)
        table = table.set_column(at, name, table[name].cast(pa.float64()))
    return table


@pytest.fixture(scope="module")
def result(tables):
    prior = {names: count / 41252.96 for names, count in PER_DEG2.items()}
    given = [(table, ROLES) for table in tables.values()]
    options = {"calibrate": False, "photometry": None, "fast_pass": False}
    return sq.crossmatch(*given, names=NAMES, prior=prior, **options).run("inline")


@pytest.mark.parametrize("accepted", [False, True])
def test_crossmatch_recovers_the_published_associations(tables, result, accepted):
    """As candidates and as matches: at least as many as STILTS has overlapping ellipses."""
    older = dict(zip(tables["3fgl"]["Source_Name"].to_pylist(),
                     tables["3fgl"]["2FGL_Name"].to_pylist(), strict=True))  # fmt: skip
    pairs = result.pairs.filter(result.pairs["is_match"]) if accepted else result.pairs
    found = zip(pairs["left_id"].to_pylist(), pairs["right_id"].to_pylist(), strict=True)
    assert sum(older[new] == old for old, new in found) >= STILTS


def test_crossmatch_sets_ellipses_aside_that_are_not_finite(tables, result):
    members = result.members.select(["catalog", "row"]).to_pylist()
    for name, table in tables.items():
        axes = np.array([table[each].to_numpy() for each in ROLES["position_error"]["columns"]])
        bad = set(np.flatnonzero(~np.isfinite(axes).all(axis=0)).tolist())
        rows = {m["row"] for m in members if m["catalog"] == name}
        assert rows == set(range(len(table))) - bad
        assert result.report["facts"]["invalid"][name] == len(bad) > 0
