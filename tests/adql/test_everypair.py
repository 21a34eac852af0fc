"""Tables of neighbours that are not read: the rows of a query are those of the table all the same.

A table that promises every pair and lacks some, as no builder makes it, tells which was done: where
it is not read the rows are those of all pairs, where it is read those that it has.
"""

from __future__ import annotations

import shutil

import duckdb
import numpy as np
import pyarrow as pa
import pytest

import skyquarry as sq
from skyquarry.adql.joins import everypair, leading, meeting, ordering
from skyquarry.catalog.relations import ALL_PAIRS, NEAR_KEYS
from skyquarry.catalog.roles import Roles
from skyquarry.engine.catalog import open_catalog
from skyquarry.ingest.build import plan_build
from skyquarry.mine.neighbours import promised
from skyquarry.sky.vectors import separation_arcsec, to_xyz
from skyquarry.testing.handmade import write_catalog

ROWS = 2_000
RADIUS = 60.0
FROM = ("FROM sky AS a JOIN near AS n ON n.id = a.id JOIN sky AS b ON b.id = n.other_id "
        "WHERE ABS(a.mag - b.mag) < 0.2")  # fmt: skip
ORDERED = f"SELECT a.id, b.id AS beside {FROM} AND a.id < b.id"


def _sky() -> pa.Table:
    """Close rows around 0h: some at one place, some without an id or magnitude, in three modes."""
    random = np.random.default_rng(18)
    ra, dec = 359.8 + 0.4 * random.random(ROWS), 0.4 * random.random(ROWS) - 0.2
    mag = random.random(ROWS)
    ra[:20], dec[:20], mag[:10] = ra[20:40], dec[20:40], mag[20:30]
    mag[random.random(ROWS) < 0.05] = np.nan
    ids = pa.array(random.permutation(ROWS) - 500, mask=random.random(ROWS) < 0.02)
    return pa.table({
        "id": ids, "ra": ra % 360.0, "dec": dec, "mag": mag,
        "mode": pa.array(random.integers(1, 4, ROWS), pa.int8(), mask=random.random(ROWS) < 0.02),
    })  # fmt: skip


def _near(folder, radius=RADIUS, where=None, thin=0, told=None):
    """`near`: the pairs of `sky`, or less than these, as a child of it that promises all."""
    sky = open_catalog(folder / "sky")
    some = sky if where is None else sky.where(where)
    table = sq.pairs(some, radius_arcsec=radius, both=True).to_table()
    table = table.rename_columns(["id", "other_id", "sep_arcsec"])
    table = table.filter(pa.array((np.arange(table.num_rows) % thin) > 0)) if thin else table
    told = promised(some, ("id", "other_id"), radius) if told is None else told
    plan = plan_build(table, folder / "near", parent=folder / "sky", on="id", overwrite=True,
                      properties=told)  # fmt: skip
    plan.run("inline", progress=False)


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A sky and its neighbours within an arc minute."""
    folder = tmp_path_factory.mktemp("every")
    roles = {**Roles(id="id", ra="ra", dec="dec").to_properties(), "skyquarry_nan": "null"}
    write_catalog(folder / "sky", _sky(), max_rows=400, margin_arcsec=10.0, properties=roles)
    _near(folder)
    return folder


@pytest.fixture(scope="module")
def lacking(home, tmp_path_factory):
    """The same, of whose neighbours every third row is missing: a promise that is not kept."""
    folder = tmp_path_factory.mktemp("lacking")
    shutil.copytree(home / "sky", folder / "sky")
    _near(folder, thin=3)
    return folder


@pytest.fixture
def thin(lacking, tmp_path):
    """A copy of it."""
    shutil.copytree(lacking, tmp_path / "thin")
    return tmp_path / "thin"


@pytest.fixture(autouse=True)
def spared(monkeypatch):
    """The tables that were given for others, or None for one that had to be asked."""
    found = []
    real = everypair._given

    def given(*args):
        found.append(real(*args))
        return found[-1]

    monkeypatch.setattr(everypair, "_given", given)
    monkeypatch.setattr(ordering, "_WORTH", 0)
    monkeypatch.setattr(leading, "_LED", 1 << 40)
    monkeypatch.setattr(ordering, "worth", lambda *_: True)
    return found


def _rows(adql, home, **more):
    return sorted(str(each) for each in sq.query(adql, archive=home, **more).to_table().to_pylist())


def _of_tables(adql, home):
    """By DuckDB, of the whole tables."""
    with duckdb.connect() as connection:
        for name in ("sky", "near"):
            connection.register(name, open_catalog(home / name).to_table())
        table = connection.sql(adql).to_arrow_table()
    return sorted(str(each) for each in table.to_pylist())


def _drawn(random):
    """A query through the table of neighbours, drawn."""
    first, second = [("n.id", "n.other_id"), ("n.other_id", "n.id")][random.integers(2)]
    differ = ["a.id < b.id", "b.id < a.id", "a.id <> b.id", "n.id < n.other_id",
              "n.id <> n.other_id", f"{second} < a.id"]  # fmt: skip
    alone = ["a.mag < 0.7", "b.mag BETWEEN 0.1 AND 0.8", "a.mode = 1", "a.mode < 3", "n.id > 0",
             "n.other_id < 900", "n.id + n.other_id > 700", "a.dec > 0", "b.mode IS NULL",
             "b.ra < 180", "NOT (n.id = 3 OR b.mag < 0.2)"]  # fmt: skip
    tests = [str(random.choice(differ)), f"ABS(a.mag - b.mag) < {random.choice([0.01, 0.05, 0.2])}"]
    tests += [str(each) for each in random.choice(alone, random.integers(4), replace=False)]
    asked = [
        "a.id, b.id AS beside, n.id AS one, n.other_id",
        "n.id, COUNT(*) AS k, MIN(b.mag) AS m",
        "DISTINCT n.other_id", "COUNT(*) AS k, MAX(n.id) AS s", "a.id, n.other_id, b.dec",
    ][random.integers(5)]  # fmt: skip
    group = " GROUP BY n.id" if asked.startswith("n.id, COUNT") else ""
    joined = f"sky AS a JOIN near AS n ON {first} = a.id JOIN sky AS b ON b.id = {second}"
    return f"SELECT {asked} FROM {joined} WHERE {' AND '.join(tests)}{group}"


@pytest.mark.parametrize("seed", range(40))
def test_rows_are_those_of_the_whole_tables(home, spared, seed):
    adql = _drawn(np.random.default_rng(seed))
    assert _rows(adql, home) == _of_tables(adql, home)
    assert [each is not None for each in spared] == [True]


def test_the_table_is_not_read(home, thin, spared):
    """Of one that lacks rows all pairs are found: they are not its own."""
    every = _rows(ORDERED, home)
    assert every == _rows(ORDERED, thin)
    assert len(every) > len(_of_tables(ORDERED, thin)) > 100
    assert len(spared) == 2
    plan = sq.query(ORDERED, archive=home)
    assert "these in place of near, which has all within 60 arcsec" in plan.explain()
    assert "near (v1): not read, unless few rows of the others are left" in plan.explain()
    assert plan.cost().rows == 2 * ROWS
    assert sq.query(READ["another column"], archive=home).cost().rows > 2 * ROWS


READ = {
    "another column": f"SELECT a.id, n.sep_arcsec {FROM} AND a.id < b.id",
    "a condition on one": f"{ORDERED} AND n.sep_arcsec > 5",
    "its place": f"{ORDERED} AND n.dec > -1",
    "an order by one": f"{ORDERED} ORDER BY n.sep_arcsec, a.id, b.id",
    "an outer join": ORDERED.replace("JOIN near", "LEFT JOIN near"),
    "another key": ORDERED.replace("b.id = n.other_id", "b.id = n.other_id + 0"),
    "the same key twice": ORDERED.replace("b.id = n.other_id", "b.id = n.id OR b.id = n.other_id"),
}


@pytest.mark.parametrize("how", READ)
def test_where_more_is_asked_the_table_is_read(thin, spared, how):
    assert _rows(READ[how], thin) == _of_tables(READ[how], thin)
    assert not spared
    assert "in place of near" not in sq.query(READ[how], archive=thin).explain()


def _cuts(home):
    sky, near = (open_catalog(home / name) for name in ("sky", "near"))
    yield {"near": near.sample(0.5)}, "near"
    yield {"near": near.where("other_id > 0")}, "near"
    yield {"near": near.head(500)}, "near"
    yield {"sky": sky.sample(0.5, by="row")}, "sky"
    yield {"sky": sky.cone(0.0, 0.0, 500.0)}, "sky"
    yield {"sky": sky.where("mode = 1")}, "sky"


def test_of_samples_and_cuts_nothing_is_promised(thin, spared):
    """They are read: a sample of pairs lacks some, and rows of a sample have fewer."""
    for cut, name in _cuts(thin):
        catalogs = {each: open_catalog(thin / each) for each in ("sky", "near")} | cut
        found = sq.query(ORDERED, catalogs=catalogs).to_table().to_pylist()
        with duckdb.connect() as connection:
            for each, catalog in catalogs.items():
                connection.register(each, catalog.to_table())
            table = connection.sql(ORDERED).to_arrow_table()
        assert sorted(map(str, found)) == sorted(map(str, table.to_pylist())), name
    assert not spared


def test_subsets_tags_and_results_promise_nothing(home, tmp_path):
    shutil.copytree(home / "sky", tmp_path / "sky")
    shutil.copytree(home / "near", tmp_path / "near")
    near = open_catalog(tmp_path / "near")
    made = [
        near.where("sep_arcsec < 5").select(near.stored.schema.names).to_catalog(tmp_path / "tag"),
        near.where("id < 300").to_catalog(tmp_path / "some"),
        near.sample(0.5).to_catalog(tmp_path / "sample"),
        near.to_catalog(tmp_path / "all"),
        open_catalog(sq.query("SELECT * INTO my.kept FROM near", archive=tmp_path,
                              my=tmp_path / "my").run().path),
    ]  # fmt: skip
    assert ALL_PAIRS in near.properties
    assert not any(ALL_PAIRS in each.properties for each in made)


def test_a_column_that_is_added_to_either_leaves_the_promise(thin, spared, home):
    sq.add_column(open_catalog(thin / "near"), "minutes", "sep_arcsec / 60")
    sq.add_column(open_catalog(thin / "sky"), "twice", "2 * id")
    assert _rows(ORDERED, thin) == _rows(ORDERED, home)
    assert None not in spared
    assert len(spared) == 2


def test_of_a_later_version_of_the_catalogue_nothing_is_promised(thin, spared):
    sky = open_catalog(thin / "sky")
    roles = {**sky.roles.to_properties(), "skyquarry_nan": "null"}
    table = sky.to_table().filter(pa.array(np.arange(ROWS) % 7 > 0))
    write_catalog(thin / "sky", table, max_rows=400, margin_arcsec=None, properties=roles)
    assert open_catalog(thin / "sky").stored.version == "v2"
    assert _rows(ORDERED, thin) == _of_tables(ORDERED, thin)
    assert not spared


def test_a_table_that_was_built_anew_promises_its_own_radius(home, thin, spared):
    """The matcher looks as far as the table went before; now it goes less far."""
    _near(thin, radius=20.0)
    found = _rows(ORDERED, thin)
    assert found == _of_tables(ORDERED, thin)
    assert 50 < len(found) < len(_rows(ORDERED, home))
    assert None not in spared


@pytest.mark.parametrize("change", ['"key": "mag"', '"catalog": "sky2"', '"identity": "x"', "3"])
def test_another_promise_is_not_trusted(thin, spared, change):
    for file in (thin / "near").rglob("*properties"):
        lines = file.read_text().splitlines()
        part = change.split(":")[0]
        at = [i for i, line in enumerate(lines) if line.startswith(ALL_PAIRS)]
        for i in at:
            old = next((each for each in lines[i].split(", ") if each.startswith(part)), None)
            lines[i] = lines[i].replace(old, change) if old else f"{ALL_PAIRS}={change}"
        file.write_text("\n".join(lines))
    assert _rows(ORDERED, thin) == _of_tables(ORDERED, thin)
    assert not spared


def test_a_pair_at_the_very_rim_is_asked_of_the_table(home, thin, spared):
    """Rounding decides whether it is one: the table knows what its builder took it for."""
    table = _sky()
    mag, ids = np.array(table["mag"]), np.array(table["id"].fill_null(-10_000))
    mag = np.where(ids == -10_000, np.nan, mag)
    xyz = to_xyz(np.array(table["ra"]), np.array(table["dec"]))
    one, other, radius = next(
        (one, int(at), float(sep[at]))
        for one in range(1_000, ROWS)
        for sep in (separation_arcsec(xyz[[one]], xyz),)
        for at in np.flatnonzero((sep > 30.0) & (sep < RADIUS) & (np.abs(mag - mag[one]) < 0.1))
    )
    pair = str({"id": int(min(ids[one], ids[other])), "beside": int(max(ids[one], ids[other]))})
    for off in (0.0, 9e-7, -9e-7):
        for thinned in (0, 3):
            told = promised(open_catalog(thin / "sky"), ("id", "other_id"), radius + off)
            _near(thin, radius=radius + 1e-3, thin=thinned, told=told)
            assert _rows(ORDERED, thin) == _of_tables(ORDERED, thin)
    assert spared == [None] * 6
    for off, there in ((2e-6, True), (-2e-6, False)):
        told = promised(open_catalog(thin / "sky"), ("id", "other_id"), radius + off)
        _near(thin, radius=radius + off, told=told)
        found = _rows(ORDERED, thin)
        assert found == _of_tables(ORDERED, thin)
        assert (pair in found) == there
    assert None not in spared[6:]


LIMITED = ["", "AND a.mode = 1", "AND a.mode = 1 AND b.mode = 1", "AND b.mode IN (1, 3)",
           "AND a.mode < 3 AND b.mode <= 2", "AND a.mode <> 2",
           "AND a.mode + b.mode = 4"]  # fmt: skip


@pytest.mark.parametrize("where", ["mode < 3", "mode >= 2 AND mode <= 3"])
@pytest.mark.parametrize("more", LIMITED)
def test_rows_that_do_not_count_have_no_pair(thin, spared, more, where):
    """Where neighbours are of some modes only, as SDSS's are, the others are found by no query."""
    _near(thin, where=where)
    adql = f"{ORDERED} {more}"
    assert _rows(adql, thin) == _of_tables(adql, thin)
    assert [each is not None for each in spared] == [True]


def test_pairs_that_are_too_many_to_hold_are_asked_of_the_table(thin, monkeypatch, spared):
    monkeypatch.setattr(meeting, "_HELD", 10)
    assert _rows(ORDERED, thin) == _of_tables(ORDERED, thin)
    assert not spared


def test_rows_that_the_database_holds_are_as_good(home, monkeypatch, spared):
    """Sides that take more than their share of the memory."""
    from skyquarry.adql.joins import sides

    real, calls = sides._gathered, []

    def gathered(*args):
        calls.append(args)
        return None if len(calls) in (1, 3) else real(*args)

    monkeypatch.setattr(sides, "_gathered", gathered)
    for adql in (ORDERED, f"{ORDERED} AND a.dec > 0"):
        calls.clear()
        assert _rows(adql, home) == _of_tables(adql, home)
    assert None not in spared
    assert len(spared) == 2


def test_two_tables_between_are_each_replaced(home, thin, spared):
    adql = ("SELECT a.id, b.id AS beside, m.id AS one FROM sky AS a JOIN near AS n ON n.id = a.id "
            "JOIN sky AS b ON b.id = n.other_id "
            "JOIN near AS m ON m.other_id = a.id AND m.id = b.id "
            "WHERE ABS(a.mag - b.mag) < 0.2 AND a.id < b.id")  # fmt: skip
    assert _rows(adql, home) == _of_tables(adql, home) == _rows(adql, thin)
    assert len(spared) == 4
    assert None not in spared


def test_other_tables_of_the_join_are_read(home, spared):
    adql = ("SELECT a.id, m.other_id AS third FROM sky AS a JOIN near AS n ON n.id = a.id "
            "JOIN sky AS b ON b.id = n.other_id JOIN near AS m ON m.id = b.id "
            "WHERE ABS(a.mag - b.mag) < 0.05 AND a.id < b.id AND m.sep_arcsec < 20")  # fmt: skip
    assert _rows(adql, home) == _of_tables(adql, home)
    assert [each is not None for each in spared] == [True]


def test_a_margin_of_the_table_is_no_table_of_pairs(home):
    margin = home / "near" / "v1" / "near_10arcs"
    if margin.is_dir():
        read = sq.query("SELECT id, other_id FROM m", catalogs={"m": open_catalog(margin)})
        assert everypair._promise(read.reads[0]) is None


def test_without_near_keys_pairs_are_not_looked_for(thin, spared):
    """How far to look is what these tell."""
    for file in (thin / "near").rglob("*properties"):
        lines = [line for line in file.read_text().splitlines() if not line.startswith(NEAR_KEYS)]
        file.write_text("\n".join(lines))
    assert _rows(ORDERED, thin) == _of_tables(ORDERED, thin)
    assert not spared
