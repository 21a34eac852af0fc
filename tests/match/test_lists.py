"""A short list against an archive: what each row is there, and how probable that is."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

import skyquarry as sq
from skyquarry.catalog.arrow import to_numpy
from skyquarry.catalog.parquet import DECODED
from skyquarry.errors import ColumnError, UserError
from skyquarry.match.lists.skycounts import SkyCounts
from skyquarry.match.priors.fields import Counts
from skyquarry.pipeline.lists import match_table
from skyquarry.sky import healpix

ARCSEC = 1.0 / 3600.0
ERROR = {"model": "circular", "columns": ["err"], "unit": "arcsec"}
ROLES = {"id": "id", "ra": "ra", "dec": "dec", "position_error": ERROR}
MOVING = {
    **ROLES,
    "epoch": {"jyear": 2016.0},
    "motion": {"pmra": "pmra", "pmdec": "pmdec", "pmra_error": "pme", "pmdec_error": "pme"},
}
N = 40_000


def stars(seed=1, n=N):
    """Rows on 10 by 10 degrees at ra 350 to 10, dec -5 to 5: 400 a square degree."""
    rng = np.random.default_rng(seed)
    return pa.table(
        {
            "id": np.arange(n) + 10_000,
            "ra": rng.uniform(-5.0, 5.0, n) % 360.0,
            "dec": rng.uniform(-5.0, 5.0, n),
            "err": rng.uniform(0.05, 0.2, n),
            "pmra": np.zeros(n),
            "pmdec": np.zeros(n),
            "pme": np.full(n, 0.1),
        }
    )


def survey(roles):
    from skyquarry.catalog.roles import Roles, Survey

    return Survey(name="stars", title="stars", roles=Roles.from_mapping(roles, "a test"))


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    folder = tmp_path_factory.mktemp("lists") / "stars"
    how = {"max_rows": 5_000, "row_group_rows": 500, "progress": False}
    return sq.build(stars(), folder, survey=survey(MOVING), executor="inline", **how)


def some(seed=2, n=60):
    """Rows of the archive seen again with 0.3", every third one somewhere else instead."""
    rng = np.random.default_rng(seed)
    table, chosen = stars(), rng.choice(N, n, replace=False)
    ra, dec = (to_numpy(table[name])[chosen] for name in ("ra", "dec"))
    ra = (ra + rng.normal(0.0, 0.3, n) * ARCSEC) % 360.0
    dec = dec + rng.normal(0.0, 0.3, n) * ARCSEC
    dec[::3] = rng.uniform(-4.9, 4.9, len(dec[::3]))
    told = {"id": [f"t{k}" for k in range(n)], "ra": ra, "dec": dec, "err": np.full(n, 0.3)}
    wanted = [None if k % 3 == 0 else int(i) for k, i in enumerate(chosen + 10_000)]
    return pa.table(told), wanted


def test_each_row_of_the_list_is_told_once_in_its_order(archive):
    mine, wanted = some()
    told = match_table((mine, ROLES), archive)
    assert told.column_names[:3] == ["left_id", "right_id", "sep_arcsec"]
    assert told["left_id"].to_pylist() == mine["id"].to_pylist()
    found = [
        i if m else None
        for i, m in zip(*(told[c].to_pylist() for c in ("right_id", "is_match")), strict=True)
    ]
    assert found == wanted


def test_the_probability_is_that_of_the_formula(archive):
    """P = c w / (1 - c + c sum w) with w = B / (4 pi nu), c as the whole list has it."""
    mine, _ = some()
    told = match_table((mine, ROLES), archive, keep="all")
    any_ = dict(zip(told["left_id"].to_pylist(), told["p_any"].to_pylist(), strict=True))
    share = (sum(any_.values()) + 1.0) / (len(any_) + 2.0)
    nu = 400.0 * (180.0 / np.pi) ** 2
    odds = share / (1.0 - share)
    alone = told.filter(pa.compute.equal(told["n_candidates"], 1))
    weight = np.exp(to_numpy(alone["lnB_pos"])) / (4.0 * np.pi * nu)
    expected = odds * weight / (1.0 + odds * weight)
    np.testing.assert_allclose(1.0 - expected, 1.0 - to_numpy(alone["posterior"]), rtol=0.35)


def test_probabilities_of_the_candidates_of_a_row_sum_to_p_any(archive):
    mine, _ = some()
    coarse = mine.set_column(3, "err", pa.array(np.full(len(mine), 60.0)))
    told = match_table((coarse, ROLES), archive, keep="all")
    p, left = to_numpy(told["posterior"].fill_null(0.0)), told["left_row"].to_pylist()
    total = np.bincount(left, p)
    at = np.searchsorted(left, np.arange(len(mine)))
    np.testing.assert_allclose(total, to_numpy(told["p_any"])[at], atol=1e-12)
    assert to_numpy(told["n_candidates"])[at].max() > 3
    assert [r for r, m in zip(left, told["is_match"].to_pylist(), strict=True) if m] == sorted(
        {r for r, m in zip(left, told["is_match"].to_pylist(), strict=True) if m}
    )


def test_one_row_alone_is_weighed_fairly(archive):
    mine, wanted = some()
    at = next(k for k, i in enumerate(wanted) if i is not None)
    told = match_table((mine.slice(at, 1), ROLES), archive).to_pylist()
    assert told[0]["right_id"] == wanted[at]
    assert told[0]["posterior"] > 0.99


def test_only_what_lies_near_the_list_is_read(archive):
    mine, _ = some()
    near = mine.slice(1, 2)
    match_table((near, ROLES), archive)
    before = DECODED.rows
    match_table((near, ROLES), archive)
    assert DECODED.rows - before <= 2 * 500 * 2


def test_the_archive_in_memory_gives_the_same(archive):
    mine, _ = some()
    on_disk = match_table((mine, ROLES), archive)
    held = match_table((mine, ROLES), (stars(), MOVING))
    for name in ("left_id", "right_id", "sep_arcsec", "chi2", "is_match", "lnB_pos"):
        assert on_disk[name].equals(held[name]), name


def test_columns_of_the_archive_are_those_of_the_counterpart(archive):
    mine, wanted = some()
    told = match_table((mine, ROLES), archive, columns=["err", "id"])
    assert told["stars_id"].to_pylist() == told["right_id"].to_pylist()
    first = next(k for k, i in enumerate(wanted) if i is not None)
    assert told["stars_err"][first].as_py() == stars()["err"][wanted[first] - 10_000].as_py()


def test_a_fast_star_is_found_where_it_was(tmp_path):
    """Moving 10"/yr, 16 years before the archive's epoch: 160" away."""
    table = stars(n=2_000)
    pm = np.zeros(2_000)
    pm[7] = 10_000.0
    table = table.set_column(5, "pmdec", pa.array(pm))
    archive = sq.build(
        table, tmp_path / "stars", survey=survey(MOVING), progress=False, executor="inline"
    )
    ra, dec = table["ra"][7].as_py(), table["dec"][7].as_py() - 160.0 * ARCSEC
    mine = pa.table({"id": [1], "ra": [ra], "dec": [dec], "err": [0.3]})
    told = match_table((mine, {**ROLES, "epoch": {"jyear": 2000.0}}), archive).to_pylist()[0]
    assert told["right_id"] == 10_007
    assert told["sep_arcsec"] < 0.01
    assert told["is_match"]


def test_without_errors_the_nearest_within_the_radius_is_told(archive):
    mine, wanted = some()
    plain = {"id": "id", "ra": "ra", "dec": "dec"}
    with pytest.raises(UserError, match="list has no errors of its positions"):
        match_table((mine, plain), archive)
    told = match_table((mine, plain), archive, radius_arcsec=2.0)
    assert told["posterior"].null_count == len(mine)
    pairs = sq.pairs((mine, plain), archive, radius_arcsec=2.0, keep="best").to_table()
    best = dict(zip(pairs["left_id"].to_pylist(), pairs["right_id"].to_pylist(), strict=True))
    assert told["right_id"].to_pylist() == [best.get(i) for i in mine["id"].to_pylist()]
    told = match_table((mine, plain), archive, default_error_arcsec=(0.3, None))
    assert [
        i if m else None
        for i, m in zip(*(told[c].to_pylist() for c in ("right_id", "is_match")), strict=True)
    ] == wanted


def test_rows_of_the_list_without_a_position_keep_their_place(archive):
    mine = pa.table(
        {"id": ["a", "b", "c"], "ra": [None, 0.5, 90.0], "dec": [0.0, 0.5, 0.0], "err": [0.3] * 3}
    )
    told = match_table((mine, ROLES), archive)
    assert told["left_id"].to_pylist() == ["a", "b", "c"]
    assert told["left_row"].to_pylist() == [0, 1, 2]
    assert told["observed"].to_pylist() == [None, True, False]
    assert told["is_match"].to_pylist() == [False, False, False]


def test_a_file_and_a_data_frame_do_as_well(archive, tmp_path):
    pd = pytest.importorskip("pandas")
    mine, _ = some()
    told = match_table((mine, ROLES), archive)
    frame = pd.DataFrame({n: mine[n].to_pylist() for n in mine.column_names})
    assert match_table((frame, ROLES), archive).drop("left_id").equals(told.drop("left_id"))
    frame.to_csv(tmp_path / "targets.csv", index=False)
    again = match_table((tmp_path / "targets.csv", ROLES), archive)
    assert again["right_id"].equals(told["right_id"])


def test_what_cannot_be_done_is_said(archive):
    mine, _ = some(n=3)
    with pytest.raises(ColumnError, match="'parallax' was asked for, but stars has no column"):
        match_table((mine, ROLES), archive, columns=["parallax"])
    with pytest.raises(UserError, match="keep is 'mutual'"):
        match_table((mine, ROLES), archive, keep="mutual")
    with pytest.raises(UserError, match="columns is 'err', but it is 'all' or a list"):
        match_table((mine, ROLES), archive, columns="err")
    with pytest.raises(UserError, match="radius_arcsec is -1"):
        match_table((mine, ROLES), archive, radius_arcsec=-1)


def test_the_density_round_a_place_is_that_of_its_field():
    rng = np.random.default_rng(3)
    ra, dec = rng.uniform(100.0, 104.0, 16_000), rng.uniform(-2.0, 2.0, 16_000)
    counts = SkyCounts(Counts.of(healpix.index(ra, dec), 8))
    per_deg2 = counts.density_sr(healpix.index(ra, dec)) * (np.pi / 180.0) ** 2
    assert np.median(per_deg2) == pytest.approx(1_000.0, rel=0.1)
    assert counts.observed(healpix.index(ra, dec)).all()
    assert not counts.observed(healpix.index(np.array([50.0]), np.array([0.0]))).any()
