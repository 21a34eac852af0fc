"""Why a row was matched, or not: told from its island alone, and the same as the tables say."""

from __future__ import annotations

import json

import numpy as np
import pyarrow as pa
import pytest

import skyquarry as sq
from skyquarry.errors import NotFoundError, UserError

ARCSEC = 1.0 / 3600.0
ROLES = {
    "id": "id",
    "ra": "ra",
    "dec": "dec",
    "position_error": {"model": "circular", "columns": ["err"], "unit": "arcsec"},
}


def table(ids, east, north, err=0.3):
    """Rows at offsets (arcsec) from ra 0, dec 60."""
    dec = 60.0 + np.asarray(north, float) * ARCSEC
    ra = np.asarray(east, float) * ARCSEC / np.cos(np.radians(dec)) % 360.0
    return pa.table({"id": ids, "ra": ra, "dec": dec, "err": np.full(len(ids), err)})


@pytest.fixture(scope="module")
def result():
    """Three catalogues: a lattice of matched objects, a contested row, a far one, a lonely one."""
    x, y = (each.ravel() * 20.0 for each in np.mgrid[-7:8, -7:8])
    n = len(x)
    rng = np.random.default_rng(7)

    def seen(first, shown, more=()):
        dx, dy = rng.normal(0.0, 0.3, (2, len(shown)))
        east = np.append(x[shown] + dx, [e for e, _ in more])
        north = np.append(y[shown] + dy, [e for _, e in more])
        return table(np.arange(len(east)) + first, east, north)

    every = np.arange(n)
    a = seen(1000, every, [(10.0, 10.0), (11.0, 10.0)])  # two of a want one of b
    b = seen(2000, every, [(10.2, 10.0)])
    c = seen(3000, every[: n // 2], [(14.0, 10.0)])
    plan = sq.crossmatch((a, ROLES), (b, ROLES), (c, ROLES), names=("a", "b", "c"), calibrate=False)
    return plan.run("inline")


def test_a_match_is_told_with_the_numbers_of_the_tables(result):
    pairs = [p for p in result.pairs.to_pylist() if p["left_id"] == 1003]
    assert len(pairs) == 2
    told = result.explain_match("a", 1003).to_dict()
    assert told["group_id"] == "a:1003"
    for pair, candidate in zip(pairs, told["candidates"], strict=True):
        assert candidate["id"] == pair["right_id"]
        for name in ("sep_arcsec", "chi2", "lnB_pos", "ln_gain", "posterior", "is_match"):
            assert candidate[name] == pair[name], name
        assert candidate["east_arcsec"] == pair["dra_cosdec_arcsec"]


def test_seen_from_the_other_side_the_offset_is_reversed(result):
    here = result.explain_match("a", 1003).candidates[0]
    there = next(
        c for c in result.explain_match(here["catalog"], here["id"]).candidates if c["id"] == 1003
    )
    assert there["east_arcsec"] == -here["east_arcsec"]
    assert there["posterior"] == here["posterior"]


def test_the_terms_add_up_to_the_odds(result):
    for each in result.explain_match("a", 1003).candidates:
        terms = each["lnB_pos"] + each["lnB_phot"] + each["ln_prior"]
        assert terms == pytest.approx(each["ln_gain"], abs=1e-9)


def test_a_rejected_candidate_says_who_took_it(result):
    told = result.explain_match("a", 1226)
    assert told.to_dict()["reason"] == "candidates rejected"
    assert "a 1226 is alone" in str(told)
    assert "b 2225 fits better in the group a:1225" in str(told)
    groups = told.to_dict()["groups"]
    assert sum(g["posterior"] for g in groups if g["has_row"]) == pytest.approx(1.0)
    assert [g["posterior"] for g in groups] == sorted(
        (g["posterior"] for g in groups), reverse=True
    )


def test_a_row_without_candidates_names_the_nearest_and_why_not(result):
    told = result.explain_match("c", 3112).to_dict()
    assert told["candidates"] == []
    nearest = next(each for each in told["beyond"] if each["catalog"] == "a")
    assert nearest["id"] == 1226
    assert nearest["sep_arcsec"] == pytest.approx(3.0, abs=1e-6)
    assert nearest["chi2"] == pytest.approx(50.0, rel=1e-5)
    assert nearest["why"] == f"chi2 50 is above {told['chi2_limit']:.4g}"


def test_not_observed_is_not_absent(result):
    """c has seen only half of the field: its silence in the other half says nothing."""
    far = result.explain_match("a", 1000 + 220).to_dict()["footprint"]["c"]
    near = result.explain_match("a", 1003).to_dict()["footprint"]["b"]
    assert not far["observed"]
    assert near["observed"]
    assert "c: not observed here" in str(result.explain_match("a", 1220))


def test_plain_data_is_plain(result):
    told = result.explain_match("b", 2225)
    assert json.loads(json.dumps(told.to_dict())) == told.to_dict()


def test_the_members_table_agrees_for_every_tenth_row(result):
    for member in result.members.to_pylist()[::10]:
        told = result.explain_match(member["catalog"], member["id"]).to_dict()
        assert told["group_id"] == member["group_id"]
        assert told["posterior"] == member["membership_posterior"]
        assert told["reason"] == member["reason"]


def test_unknown_names_and_ids_say_what_there_is(result):
    with pytest.raises(UserError, match="catalogue is 'd', but the result is of a, b, c"):
        result.explain_match("d", 1)
    with pytest.raises(NotFoundError, match="no row of a that was matched has the id 77"):
        result.explain_match("a", 77)
    with pytest.raises(UserError, match="which is 1, but 1 rows of a have the id 1003"):
        result.explain_match("a", 1003, which=1)


def test_lookup_gives_groups_in_the_order_of_the_ids(result):
    found = result.lookup("b", [2225, 77, 2003])
    assert found["b_id"].to_pylist() == [2225, 2003]
    assert found["group_id"].to_pylist() == ["a:1225", "a:1003"]
    with pytest.raises(UserError, match="ids of type int64 are needed"):
        result.lookup("b", ["x"])


def test_ids_are_taken_as_the_tables_have_them():
    """One catalogue has numbers, the other texts: in the tables all are texts."""
    x = np.arange(60) * 30.0
    a = table(np.arange(60) + 1000, x, np.zeros(60))
    b = table([f"W{n}" for n in range(60)], x + 0.2, np.zeros(60))
    result = sq.crossmatch((a, ROLES), (b, ROLES), names=("a", "b"), calibrate=False).run("inline")
    pair = result.pairs.slice(7, 1).to_pylist()[0]
    told = result.explain_match("a", pair["left_id"])
    assert str(told.to_dict()["id"]) == pair["left_id"]
    assert (
        result.explain_match("b", pair["right_id"]).candidates[0]["posterior"] == pair["posterior"]
    )
    groups = result.lookup("a", result.pairs["left_id"].slice(0, 3))
    assert groups["a_id"].to_pylist() == [
        int(each) for each in result.pairs["left_id"][:3].to_pylist()
    ]
