"""A result brought up to date is that of a whole run, and only what was touched is worked out."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

import skyquarry as sq
from skyquarry.errors import NotFoundError, UserError
from skyquarry.match.runs.frozen import Frozen
from skyquarry.match.updates.marks import Marks, compared
from skyquarry.pipeline.crossmatching import Crossmatch, write_catalog
from skyquarry.pipeline.updating import update_match
from skyquarry.pipeline.written import open_match

ARCSEC = 1.0 / 3600.0
SIDE = 30


def roles(year):
    return {
        "id": "id",
        "ra": "ra",
        "dec": "dec",
        "position_error": {"model": "circular", "columns": ["err"], "unit": "arcsec"},
        "epoch": {"jyear": year},
        "bands": [{"name": "G", "column": "mag", "wavelength_um": 0.6}],
    }


ROLES = {"a": roles(2000.0), "b": roles(2008.0), "c": roles(2016.0)}


def seen(seed, first, year):
    """900 objects 25" apart, 0.2" of noise, one in 50 unseen; 6 fast stars at 1.5"/yr."""
    rng = np.random.default_rng(seed)
    x, y = (each.ravel() * 25.0 for each in np.mgrid[:SIDE, :SIDE])
    mag = 8.0 + 12.0 * np.random.default_rng(1).random(len(x))
    found = np.flatnonzero(rng.random(len(x)) > 0.02)
    n = len(found)
    east = np.append(x[found] + rng.normal(0.0, 0.2, n), 110.0 + 100.0 * np.arange(6))
    north = np.append(y[found] + rng.normal(0.0, 0.2, n), 512.0 + 1.5 * np.full(6, year - 2000.0))
    dec = 40.0 + north * ARCSEC
    return pa.table(
        {
            "id": np.arange(n + 6) + first,
            "ra": (east * ARCSEC / np.cos(np.radians(dec))) % 360.0,
            "dec": dec,
            "err": np.full(n + 6, 0.2),
            "mag": np.append(mag[found], np.linspace(8.2, 13.7, 6)),
        }
    )


A, B, C = seen(11, 10_000, 2000.0), seen(12, 20_000, 2008.0), seen(13, 30_000, 2016.0)


def put(table, at, **values):
    """The table with other values in some rows."""
    for name, value in values.items():
        column = table[name].to_numpy().copy()
        column[at] = value if np.ndim(value) else column[at] + value
        table = table.set_column(table.schema.get_field_index(name), name, pa.array(column))
    return table


def newer():
    """B with three rows gone, two moved, one fainter, four new ones, two fast stars; shuffled."""
    n = len(B)
    table = put(B, [100, 101], dec=0.3 * ARCSEC)
    table = put(table, [700], mag=1.0)
    keep = np.setdiff1d(np.arange(n), [5, 300, n - 1])
    table = table.take(keep)
    more = B.take([40, 41, 800, n - 3])
    more = put(more, [0, 1, 2, 3], dec=[d + 2.0 * ARCSEC for d in more["dec"].to_pylist()])
    more = more.set_column(0, "id", pa.array([1, 2, 3, 4]))
    table = pa.concat_tables([table, more])
    return table.take(np.random.default_rng(3).permutation(len(table)))


def plan(b, **how):
    return sq.crossmatch(
        (A, ROLES["a"]), (b, ROLES["b"]), (C, ROLES["c"]), names=("a", "b", "c"), **how
    )


@pytest.fixture(scope="module")
def result():
    return plan(B).run("inline")


@pytest.fixture(scope="module")
def updated(result):
    return update_match(result, {"b": (newer(), ROLES["b"])}, "inline")


def whole(before, b, **how):
    """A whole run with what an earlier one has learnt."""
    asked = plan(b, **how)
    return Crossmatch(replace(asked.node, learnt=before.made.frozen)).run("inline")


def same(one, other):
    for kind in ("pairs", "groups", "members"):
        a, b = getattr(one.all, kind), getattr(other.all, kind)
        assert a.schema.equals(b.schema), kind
        for name in a.column_names:
            assert a[name].combine_chunks().equals(b[name].combine_chunks()), (kind, name)


def test_the_field_has_what_an_update_can_get_wrong(result):
    """Fast stars that only the second search finds, and accepted groups of all sizes."""
    flags = result.pairs["flags"].to_numpy() & 1024
    assert (flags > 0).sum() >= 6
    assert set(result.groups["n"].to_pylist()) == {1, 2, 3}


def test_the_tables_are_those_of_a_whole_run_to_the_bit(result, updated):
    same(updated, whole(result, newer()))


def test_few_islands_are_worked_out_and_it_is_told_what_changed(result, updated):
    told = updated.updated
    assert told.changes == {"b": {"added": 4, "removed": 3, "changed": 3}}
    assert told.islands <= 25
    assert told.rows < len(result.members) / 20


def test_where_only_accepted_pairs_are_kept_it_is_the_same():
    before = plan(B, keep="best").run("inline")
    after = update_match(before, {"b": (newer(), ROLES["b"])}, "inline")
    same(after, whole(before, newer(), keep="best"))
    assert after.updated.islands < 60


def test_rows_in_another_order_are_the_same_rows(result):
    shuffled = B.take(np.random.default_rng(4).permutation(len(B)))
    after = update_match(result, {"b": (shuffled, ROLES["b"])}, "inline")
    assert after.updated.islands == 0
    same(after, whole(result, shuffled))


def test_an_update_can_be_updated_and_back_again(result, updated):
    back = update_match(updated, {"b": (B, ROLES["b"])}, "inline")
    same(back, whole(result, B))


def test_two_catalogues_can_change_at_once(result):
    c = put(C.slice(3), [50], ra=1.0 * ARCSEC)
    new = {"b": (newer(), ROLES["b"]), "c": (c, ROLES["c"])}
    after = update_match(result, new, "inline")
    asked = sq.crossmatch((A, ROLES["a"]), new["b"], new["c"], names=("a", "b", "c"))
    full = Crossmatch(replace(asked.node, learnt=result.made.frozen)).run("inline")
    same(after, full)


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("how", [{"constraint": "many_to_one"}, {"constraint": "none"}, {}])
def test_any_change_gives_the_tables_of_a_whole_run(result, how, seed):
    """Rows that come, go and move at random, in patches of a few hundred rows."""
    rng = np.random.default_rng(seed)
    before = plan(B, **how).run("inline") if how else result
    some = rng.choice(len(B), 30, replace=False)
    new = put(B, some, ra=rng.normal(0.0, 4.0, 30) * ARCSEC + B["ra"].to_numpy()[some])
    again = B.take(rng.choice(len(B), 10, replace=False))
    again = again.set_column(0, "id", pa.array(np.arange(10) + 500))
    new = pa.concat_tables([new.take(np.sort(rng.permutation(len(B))[:-10])), again])
    with pytest.MonkeyPatch.context() as patching:
        patching.setattr("skyquarry.match.runs.identification.PATCH_ROWS", 300)
        full = whole(before, new, **how)
        assert len(full.made.patches) > 1
        same(update_match(before, {"b": (new, ROLES["b"])}, "inline"), full)


def test_the_report_is_of_the_new_tables(updated, result):
    assert len(updated.verdict.splitlines()) == 5
    assert updated.report["catalogues"] == ["a", "b", "c"]
    assert updated.explain_match("b", 1).to_dict()["id"] == 1


def test_ids_of_another_kind_are_matched_as_a_whole(result):
    text = B.set_column(0, "id", pa.array([str(i) for i in B["id"].to_pylist()]))
    after = update_match(result, {"b": (text, ROLES["b"])}, "inline")
    assert after.updated is None
    assert after.groups["b_id"].type == pa.string()


# ---------------------------------------------------------------- on disk


@pytest.fixture(scope="module")
def written(result, tmp_path_factory):
    path = tmp_path_factory.mktemp("update") / "matched"
    write_catalog(result, path, updatable=True)
    return path


INPUTS = {"a": (A, ROLES["a"]), "b": (B, ROLES["b"]), "c": (C, ROLES["c"])}


def test_a_written_match_is_updated_as_one_in_memory(written, updated):
    match = open_match(written, {"a": INPUTS["a"], "c": INPUTS["c"]})
    after = update_match(match, {"b": (newer(), ROLES["b"])}, "inline")
    same(after, updated)
    write_catalog(after, written.with_name("again"), updatable=True)
    inputs = {"a": INPUTS["a"], "c": INPUTS["c"]}
    back = update_match(open_match(written.with_name("again"), inputs), {"b": INPUTS["b"]})
    same(back, whole(updated, B))


def test_a_written_match_explains_as_the_result_does(written, result):
    match = open_match(written, INPUTS)
    for catalog, row_id in (("a", 10_007), ("b", 20_100), ("c", C["id"][-1].as_py())):
        told = match.explain_match(catalog, row_id).to_dict()
        assert told == result.explain_match(catalog, row_id).to_dict()


def test_a_fast_star_is_explained_by_the_second_search(result):
    row_id = C["id"][-1].as_py()
    told = result.explain_match("c", row_id).to_dict()
    member = next(m for m in result.members.to_pylist() if m["id"] == row_id)
    assert "FAST_PASS" in told["candidates"][0]["flags"]
    assert told["group_id"] == member["group_id"]
    assert told["posterior"] == member["membership_posterior"]


def test_groups_of_a_written_match_are_looked_up_by_ids(written, result):
    found = open_match(written).lookup("b", [20_031, 77, 20_003])
    assert found["b_id"].to_pylist() == [20_031, 20_003]
    assert found["group_id"].equals(result.lookup("b", [20_031, 20_003])["group_id"])
    assert len(open_match(written).lookup("b", [77])) == 0


def test_inputs_on_disk_are_opened_again_by_their_paths(tmp_path):
    from skyquarry.catalog.roles import Roles, Survey

    sides = []
    for name, table in (("a", A), ("b", B)):
        survey = Survey(name=name, title=name, roles=Roles.from_mapping(ROLES[name], "a test"))
        sides.append(
            sq.build(table, tmp_path / name, survey=survey, progress=False, executor="inline")
        )
    result = sq.crossmatch(*sides).run("inline")
    sq.crossmatch(*sides).to_catalog(tmp_path / "ab", "inline", updatable=True)
    told = open_match(tmp_path / "ab").explain_match("b", 20_100).to_dict()
    assert told == result.explain_match("b", 20_100).to_dict()
    survey = Survey(name="b", title="b", roles=Roles.from_mapping(ROLES["b"], "a test"))
    new = sq.build(
        newer(), tmp_path / "b", survey=survey, overwrite=True, progress=False, executor="inline"
    )
    after = update_match(tmp_path / "ab", {"b": new}, "inline")
    asked = Crossmatch(replace(sq.crossmatch(sides[0], new).node, learnt=result.made.frozen))
    same(after, asked.run("inline"))
    with pytest.raises(UserError, match="b is not as it was when it was matched"):
        open_match(tmp_path / "ab").explain_match("b", 20_100)


def test_a_match_that_moved_together_with_its_inputs_finds_them(tmp_path):
    home = tmp_path / "old" / "archive"
    home.mkdir(parents=True)
    pq.write_table(B, tmp_path / "old" / "b.parquet")
    given = {"ra": "ra", "dec": "dec", "id": "id"}
    a = sq.build(A, home / "a", progress=False, executor="inline", **given)
    plan = sq.crossmatch(a, (tmp_path / "old" / "b.parquet", given), names=["a", "b"],
                         default_error_arcsec=0.2, calibrate=False)  # fmt: skip
    told = plan.run("inline").explain_match("b", 20_100).to_dict()
    plan.to_catalog(home / "ab", "inline")
    (tmp_path / "old").rename(tmp_path / "new")
    moved = tmp_path / "new" / "archive" / "ab"
    assert open_match(moved).explain_match("b", 20_100).to_dict() == told
    (tmp_path / "new" / "b.parquet").unlink()
    with pytest.raises(NotFoundError, match=r"old/b\.parquet"):
        open_match(moved).explain_match("b", 20_100)


def test_what_is_missing_is_said(written, result, tmp_path):
    with pytest.raises(NotFoundError, match=r"there is no learnt\.json"):
        open_match(tmp_path)
    with pytest.raises(UserError, match="a was a table in memory or a part of a catalogue"):
        open_match(written).explain_match("a", 1)
    with pytest.raises(UserError, match="catalogue is 'd', but it is one of 'a', 'b', 'c'"):
        update_match(result, {"d": B})
    with pytest.raises(UserError, match="no new version was given"):
        update_match(result, {})
    with pytest.raises(UserError, match="2 inputs were given, but a, b, c were matched"):
        open_match(written, [A, B])
    write_catalog(result, tmp_path / "plain")
    match = open_match(tmp_path / "plain", {"a": INPUTS["a"], "c": INPUTS["c"]})
    with pytest.raises(NotFoundError, match=r"updatable=True"):
        update_match(match, {"b": (newer(), ROLES["b"])})


# ---------------------------------------------------------------- which rows are the same


def test_what_was_learnt_comes_back_from_plain_data_exactly(result):
    import json

    told = result.made.frozen.to_dict()
    again = Frozen.from_dict(json.loads(json.dumps(told)))
    assert json.dumps(again.to_dict()) == json.dumps(told)


def test_a_match_that_expected_other_motions_is_not_mixed_with_one_of_today(result):
    told = result.made.frozen.to_dict()
    for former in (None, 1):
        with pytest.raises(UserError, match=r"expected other motions.*match the catalogues anew"):
            Frozen.from_dict(told | {"motions": former})
    del told["motions"]
    with pytest.raises(UserError, match=r"expected other motions.*match the catalogues anew"):
        Frozen.from_dict(told)


ROW = st.tuples(st.integers(0, 3), st.integers(0, 3), st.integers(0, 1))


@given(st.lists(ROW, max_size=12), st.lists(ROW, max_size=12))
def test_rows_are_the_same_where_their_whole_key_is(old, new):
    """The brute-force twin: keys whose rows are all as before; of several, numbers too."""

    def marks(rows):
        numbers = [np.array([r[k] for r in rows], np.int64) for k in range(3)]
        n = len(rows)
        ids = pa.array(numbers[1])
        return Marks(numbers[0], ids, np.arange(n), numbers[2].view(np.uint64), np.zeros(n))

    def by_key(rows):
        found = {}
        for number, (pixel, row_id, content) in enumerate(rows):
            found.setdefault((pixel, row_id), []).append((content, number))
        return found

    a, b = by_key(old), by_key(new)

    def stays(key):
        one, two = a.get(key, []), b.get(key, [])
        if len(one) == len(two) == 1:
            return one[0][0] == two[0][0]
        return Counter(one) == Counter(two)

    told = compared(marks(old), marks(new))
    assert told.gone.tolist() == [k for k, r in enumerate(old) if not stays(r[:2])]
    assert told.come.tolist() == [k for k, r in enumerate(new) if not stays(r[:2])]
    assert [old[k] for k in told.stayed[0]] == [new[k] for k in told.stayed[1]]
