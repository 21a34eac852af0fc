"""A table that promises every pair of a catalogue's rows is held to it, row by row."""

from __future__ import annotations

import itertools
import json

import numpy as np
import pyarrow as pa
import pytest

import skyquarry as sq
from skyquarry.catalog import verify_pairs
from skyquarry.catalog.relations import ALL_PAIRS, AllPairs, all_pairs, told_pairs
from skyquarry.catalog.stored import open_stored
from skyquarry.catalog.verify_pairs import check_pairs
from skyquarry.engine.catalog import open_catalog
from skyquarry.ingest.build import build, plan_build
from skyquarry.mine.neighbours import promised
from skyquarry.sky.vectors import separation_arcsec, to_xyz

ROWS = 900


def _sky(dec_from: float, seed: int = 7) -> pa.Table:
    """Close rows around 0h, some at one place, in three kinds."""
    random = np.random.default_rng(seed)
    ra = (359.8 + 0.4 * random.random(ROWS)) % 360.0
    dec = dec_from + 0.4 * random.random(ROWS)
    if dec_from > 89.0:
        ra *= 900.0
        ra %= 360.0
    ra[:5], dec[:5] = ra[5:10], dec[5:10]
    kind = random.integers(1, 4, ROWS)
    return pa.table({"id": random.permutation(ROWS) + 10, "ra": ra, "dec": dec, "kind": kind})


def _built(folder, dec_from=-0.2, seed=7, **more):
    return build(_sky(dec_from, seed), folder / "sky", ra="ra", dec="dec", id="id", max_rows=100,
                 progress=False, **more)  # fmt: skip


def _told(folder, table, properties):
    """A child of the sky with these rows, which promises what it is told."""
    plan = plan_build(table, folder / "near", parent=folder / "sky", on="id", overwrite=True,
                      properties=properties)  # fmt: skip
    plan.run("inline", progress=False)
    return folder / "near"


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pairs")
    sky = _built(folder)
    near = sq.neighbours(sky, 60.0, executor="inline")
    return folder, near.select(["id", "neighbour_id"]).to_table(), dict(near.properties)


def _naive(table, radius):
    xyz = to_xyz(np.array(table["ra"]), np.array(table["dec"]))
    ids = np.array(table["id"])
    return {
        (int(ids[i]), int(ids[j]))
        for i, j in itertools.permutations(range(len(ids)), 2)
        if np.linalg.norm(xyz[i] - xyz[j]) < radius / 206_000.0
        and separation_arcsec(xyz[[i]], xyz[[j]])[0] <= radius
    }


@pytest.mark.parametrize("dec_from", [-0.2, 89.6])
@pytest.mark.parametrize("rows", [20_000, 7])
def test_what_our_builder_makes_is_found_to_be_all_pairs(tmp_path, monkeypatch, dec_from, rows):
    """Those of brute force, at the equator over 0h and about a pole, however few rows at once."""
    monkeypatch.setattr(verify_pairs, "_ROWS", rows)
    near = sq.neighbours(_built(tmp_path, dec_from), 60.0, executor="inline")
    table = near.select(["id", "neighbour_id"]).to_table()
    pairs = list(zip(*(table[name].to_pylist() for name in table.column_names), strict=True))
    assert set(pairs) == _naive(_sky(dec_from), 60.0)
    assert len(pairs) == len(set(pairs)) > 500
    assert not near.verify()


def _changed(table, how):
    rows = np.arange(table.num_rows)
    if how == "deleted":
        return table.take(pa.array(np.delete(rows, 50)))
    if how == "twice":
        return table.take(pa.array(np.append(rows, 50)))
    known = table["neighbour_id"].to_pylist()
    ids = sorted(set(known))
    mine, its = table["id"][50].as_py(), known[50]
    taken = {b for a, b in zip(table["id"].to_pylist(), known, strict=True) if a == mine}
    far = next(each for each in ids if each not in taken and each != mine)
    if how == "added":
        return pa.concat_tables([table, pa.table({"id": [mine], "neighbour_id": [far]})])
    if how == "itself":
        return pa.concat_tables([table, pa.table({"id": [mine], "neighbour_id": [mine]})])
    if how == "unknown":
        return pa.concat_tables([table, pa.table({"id": [mine], "neighbour_id": [-3]})])
    assert how == "changed"
    assert its != far
    known[50] = far
    return table.set_column(1, "neighbour_id", pa.array(known))


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ("deleted", ["1 pairs within 60 arcsec are not among"]),
        ("added", ["1 of its rows are no pairs within 60 arcsec"]),
        ("twice", ["1 of its rows are no pairs within 60 arcsec, or there twice"]),
        ("itself", ["1 of its rows are no pairs"]),
        ("unknown", ["1 of its rows are no pairs"]),
        ("changed", ["1 pairs within 60 arcsec are not among", "1 of its rows are no pairs"]),
    ],
)
def test_each_row_that_is_not_as_promised_is_found(home, how, said):
    folder, table, told = home
    path = _told(folder, _changed(table, how), {ALL_PAIRS: told[ALL_PAIRS]})
    found = [each for each in open_catalog(path).verify() if ALL_PAIRS in each.what]
    assert len(found) == len(said)
    for each, words in zip(found, said, strict=True):
        assert each.what.startswith(words)
        assert len(each.rows) == 1
        assert set(each.rows[0]) == {"id", "neighbour_id"}
    if how in ("deleted", "changed"):
        row = {name: table[name][50].as_py() for name in table.column_names}
        assert found[0].rows == (row,)


def test_a_row_that_is_not_there_in_a_catalogue_with_no_pair_is_found(tmp_path):
    """Also where tiles have rows and the table of their pairs none."""
    table = pa.table({"id": [1, 2, 3], "ra": [10.0, 10.001, 200.0], "dec": [0.0, 0.0, 5.0]})
    sky = build(table, tmp_path / "sky", ra="ra", dec="dec", id="id", progress=False)
    told = promised(sky, ("id", "other"), 10.0)
    assert not list(check_pairs(open_stored(_told(tmp_path, _pairs([(1, 2), (2, 1)]), told))))
    [fault] = check_pairs(open_stored(_told(tmp_path, _pairs([(2, 1)]), told)))
    assert fault.rows == ({"id": 1, "other": 2},)


def _pairs(rows):
    ids, others = zip(*rows, strict=True)
    return pa.table({"id": pa.array(ids, pa.int64()), "other": pa.array(others, pa.int64())})


def test_only_rows_within_the_limits_count(tmp_path):
    """As of SDSS's neighbours, which are of primary and secondary objects alone."""
    sky = _built(tmp_path)
    some = sky.where("kind < 3")
    told = promised(some, ("id", "other"), 60.0)
    assert all_pairs(told).limits == {"kind": (None, np.nextafter(3.0, 0.0))}
    table = _sky(-0.2)
    kinds = dict(zip(table["id"].to_pylist(), table["kind"].to_pylist(), strict=True))
    every = sorted(_naive(table, 60.0))
    counting = [(a, b) for a, b in every if max(kinds[a], kinds[b]) < 3]
    assert len(every) > len(counting) > 100
    assert not list(check_pairs(open_stored(_told(tmp_path, _pairs(counting), told))))
    [fault] = check_pairs(open_stored(_told(tmp_path, _pairs(every), told)))
    assert fault.what.startswith(f"{len(every) - len(counting)} of its rows are no pairs")
    [fault] = check_pairs(open_stored(_told(tmp_path, _pairs(counting[1:]), told)))
    assert fault.rows == (dict(zip(("id", "other"), counting[0], strict=True)),)


def test_of_rows_without_a_key_nothing_is_promised(tmp_path):
    """Their pairs are there by half: a row of a child needs a key, its neighbour's may lack."""
    table = _sky(-0.2)
    ids = pa.array(table["id"].to_pylist(), mask=np.arange(ROWS) % 20 == 0)
    sky = build(table.set_column(0, "id", ids), tmp_path / "sky", ra="ra", dec="dec", id="id",
                max_rows=100, progress=False)  # fmt: skip
    near = sq.neighbours(sky, 60.0, executor="inline")
    known = near.select(["id", "neighbour_id"]).to_table()
    assert known["neighbour_id"].null_count > 20
    assert not list(check_pairs(near.stored))
    told = {ALL_PAIRS: near.properties[ALL_PAIRS]}
    at = known["neighbour_id"].is_valid().to_pylist().index(True)
    path = _told(tmp_path, known.take(pa.array(np.delete(np.arange(len(known)), at))), told)
    [fault] = check_pairs(open_stored(path))
    assert fault.what.startswith("1 pairs within 60 arcsec are not among")


def test_what_can_be_one_or_not_is_left_to_the_table(tmp_path):
    """A pair at the very rim: with it and without it the table keeps its promise."""
    table = _sky(-0.2)
    xyz = to_xyz(np.array(table["ra"]), np.array(table["dec"]))
    sep = separation_arcsec(xyz[[20]], xyz)
    at = int(np.argsort(sep)[2])
    one, other = table["id"][20].as_py(), table["id"][at].as_py()
    radius = float(sep[at])
    sky = _built(tmp_path)
    inside = _naive(table, radius - 1e-3)
    for off in (0.0, 5e-7, -5e-7):
        told = promised(sky, ("id", "other"), radius + off)
        for pairs in (inside, {*inside, (one, other), (other, one)}):
            path = _told(tmp_path, _pairs(sorted(pairs)), told)
            assert not list(check_pairs(open_stored(path)))
    told = promised(sky, ("id", "other"), radius + 1e-5)
    faults = list(check_pairs(open_stored(_told(tmp_path, _pairs(sorted(inside)), told))))
    assert [each.what.split(" ")[0] for each in faults] == ["2"]


def test_a_catalogue_built_in_the_place_of_another_is_found(tmp_path):
    near = sq.neighbours(_built(tmp_path), 60.0, executor="inline")
    assert not near.verify()
    for path in sorted((tmp_path / "sky").rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    _built(tmp_path, seed=8)
    [fault] = check_pairs(open_catalog(near.stored.home.root).stored)
    assert "as another build had it that was v1 too" in fault.what


def test_of_a_later_version_nothing_is_promised_and_of_one_with_the_same_rows_all(tmp_path):
    sky = _built(tmp_path)
    near = sq.neighbours(sky, 60.0, executor="inline")
    wider = sq.add_column(sky, "twice", "2 * id")
    assert wider.stored.version == "v2"
    assert not near.verify()
    told = {ALL_PAIRS: near.properties[ALL_PAIRS]}
    table = near.select(["id", "neighbour_id"]).to_table()
    [fault] = check_pairs(open_stored(_told(tmp_path, table.slice(1), told)))
    assert fault.what.startswith("1 pairs")
    _built(tmp_path, seed=8, overwrite=True)
    assert open_catalog(tmp_path / "sky").stored.version == "v3"
    assert not list(check_pairs(open_stored(tmp_path / "near")))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"arcsec": 0.0}, "cannot be read"), ({"identity": ""}, "cannot be read"),
        ({"limits": 3}, "cannot be read"), ({"limits": {"kind": ["a", 1]}}, "cannot be read"),
        ({"more": 3}, "cannot be read"), ({"other": "nothing"}, "no nothing"),
        ({"key": "nothing"}, "no nothing"), ({"limits": {"nothing": [1, 2]}}, "no nothing"),
        ({"key": "kind"}, "no unique id"),
    ],
)  # fmt: skip
def test_a_promise_that_cannot_be_kept_is_a_fault(home, change, said):
    folder, table, told = home
    text = json.dumps({**json.loads(told[ALL_PAIRS]), **change})
    path = _told(folder, table, {ALL_PAIRS: text})
    [fault] = check_pairs(open_stored(path))
    assert said in fault.what


def test_a_promise_is_read_as_it_was_written(home):
    folder, _, told = home
    identity = open_stored(folder / "sky").identity
    promise = AllPairs("id", "neighbour_id", "sky", "id", "v1", 60.0, identity)
    assert all_pairs(told) == promise
    assert told_pairs(promise)[ALL_PAIRS] == told[ALL_PAIRS]
    limited = AllPairs("a", "b", "sky", "id", "v1", 1.0, "x", {"kind": (None, 2.0)})
    assert all_pairs(told_pairs(limited)) == limited
    assert all_pairs({}) is None


def test_only_whole_sets_of_pairs_are_promised(tmp_path):
    """Not where the nearest few are kept, ids repeat, or the rows are told by more than limits."""
    sky = _built(tmp_path)
    assert ALL_PAIRS not in sq.neighbours(sky, 60.0, nearest=2).properties
    cuts = [sky.cone(0.0, 0.0, 600.0), sky.sample(0.5), sky.where("kind < 3 OR id < 50"),
            sky.where("dec < 0.1"), sky.head(50), sky.where("kind <> 2")]  # fmt: skip
    assert not any(ALL_PAIRS in promised(each, ("id", "other"), 60.0) for each in cuts)
    twice = _sky(-0.2).set_column(0, "id", pa.array(np.arange(ROWS) // 2))
    again = build(twice, tmp_path / "again", ra="ra", dec="dec", id="id", progress=False)
    assert not promised(again, ("id", "other"), 60.0)
