"""Rows of queries beside rows worked out by hand in numpy and plain Python."""

from __future__ import annotations

import collections

import numpy as np
import pytest

from skyquarry.adql.asking import query
from skyquarry.catalog.roles import Epoch, Motion, Roles
from skyquarry.engine.archive import archive as open_archive
from skyquarry.engine.catalog import open_catalog
from skyquarry.errors import CancelledError, QueryError, UserError
from skyquarry.testing.handmade import write_catalog


def test_plain_rows_come_in_the_order_of_the_sky(ask, archive):
    found = ask("SELECT * FROM sky").to_table()
    assert found.equals(open_catalog(archive / "sky").to_table())


def test_a_condition_chooses_rows_where_it_is_true_and_not_null(rows, columns):
    found = rows("SELECT id FROM sky WHERE mag < 20 AND (flags >= 0 OR NOT kind = 'star')")
    mag, kind = columns["mag"], columns["kind"]
    other = np.array([each is not None and each != "star" for each in kind])
    with np.errstate(invalid="ignore"):
        wanted = (mag < 20) & ((columns["flags"] >= 0) | other)
    assert {each for (each,) in found} == set(columns["id"][wanted].tolist())


def test_top_and_offset_go_after_order(rows, columns):
    mags = np.sort(columns["mag"][~np.isnan(columns["mag"])])
    found = rows("SELECT TOP 4 mag FROM sky ORDER BY mag OFFSET 3")
    assert [each for (each,) in found] == mags[3:7].tolist()


@pytest.mark.parametrize("constant", ["'a'", "NULL", "1.5", "-1", "'a' || 'b'", "2 - 1"])
def test_a_constant_neither_sorts_nor_groups(rows, constant):
    found = rows(f"SELECT id FROM mine ORDER BY {constant}, id DESC")
    assert found == [(5,), (4,), (3,), (2,), (1,)]
    found = rows(f"SELECT id FROM mine UNION SELECT id FROM mine ORDER BY {constant}, id DESC")
    assert found == [(5,), (4,), (3,), (2,), (1,)]
    assert rows(f"SELECT COUNT(*) AS n FROM mine GROUP BY {constant}") == [(5,)]
    assert rows(f"SELECT COUNT(*) AS n FROM mine WHERE id > 9 GROUP BY {constant}") == []


def test_nulls_are_last_in_either_order(rows):
    for direction in ("ASC", "DESC"):
        found = rows(f"SELECT mag FROM sky ORDER BY mag {direction}")
        assert found[-1] == (None,)
        assert found[0] != (None,)


def test_groups_count_and_sum_as_counted_by_hand(rows, columns):
    found = rows(
        "SELECT kind, COUNT(*), COUNT(mag), SUM(flags), AVG(mag), MIN(id) FROM sky "
        "GROUP BY kind HAVING COUNT(*) > 1000 ORDER BY kind"
    )
    wanted = []
    for kind in ("Quasar", "galaxy", "star"):
        of = columns["kind"] == kind
        mag = columns["mag"][of].astype(np.float64)
        mean = pytest.approx(np.nanmean(mag), rel=1e-12)
        wanted.append((
            kind, int(of.sum()), int((~np.isnan(mag)).sum()), int(columns["flags"][of].sum()),
            mean, int(columns["id"][of].min()),
        ))  # fmt: skip
    assert found == wanted


def test_groups_may_be_expressions_and_outputs_made_of_them(rows, columns):
    found = rows(
        "SELECT FLOOR(dec / 10) * 10 + 5 AS middle, COUNT(*) FROM sky GROUP BY FLOOR(dec / 10)"
    )
    bins = np.floor(columns["dec"] / 10) * 10 + 5
    assert dict(found) == dict(collections.Counter(bins.tolist()))


def test_a_group_may_be_named_as_an_output(rows):
    by_name = rows("SELECT UPPER(kind) k, COUNT(*) FROM sky GROUP BY k ORDER BY k")
    assert by_name == rows("SELECT UPPER(kind), COUNT(*) FROM sky GROUP BY UPPER(kind) ORDER BY 1")
    assert by_name[0][0] == "GALAXY"


def test_distinct_gives_each_once(rows):
    assert rows("SELECT DISTINCT kind FROM sky ORDER BY kind DESC") == [
        ("star",), ("galaxy",), ("Quasar",), (None,),
    ]  # fmt: skip
    assert rows("SELECT COUNT(DISTINCT kind) FROM sky") == [(3,)]


@pytest.mark.parametrize("join", ["JOIN", "LEFT JOIN", "RIGHT OUTER JOIN", "FULL JOIN"])
def test_joins_are_those_of_sql(rows, columns, mine, join):
    found = rows(f"SELECT m.id, label, kind FROM mine m {join} sky s ON m.id = s.id AND s.id <> 2")
    by_id = dict(zip(columns["id"].tolist(), columns["kind"].tolist(), strict=True))
    lists = zip(mine["id"].to_pylist(), mine["label"].to_pylist(), strict=True)
    wanted = [(i, label, by_id[i]) for i, label in lists if i != 2]
    wanted += [(2, "b", None)] if join in ("LEFT JOIN", "FULL JOIN") else []
    if join in ("RIGHT OUTER JOIN", "FULL JOIN"):
        wanted += [(None, None, by_id[i]) for i in by_id if i not in (1, 3, 4, 5)]
    assert collections.Counter(found) == collections.Counter(wanted)


@pytest.mark.parametrize("join", ["JOIN", "LEFT JOIN"])
def test_a_join_may_ask_a_query_in_its_condition(rows, columns, mine, join):
    of_its_own = "s.id IN (SELECT id FROM sky WHERE dec > 0)"
    of_both = "EXISTS (SELECT t.id FROM mine t WHERE t.id = s.id AND t.id = m.id AND s.dec > 0)"
    north = dict(zip(columns["id"].tolist(), (columns["dec"] > 0).tolist(), strict=True))
    wanted = [(i, i if north[i] else None) for i in mine["id"].to_pylist()]
    wanted = [pair for pair in wanted if join == "LEFT JOIN" or pair[1] is not None]
    for condition in (of_its_own, of_both):
        found = rows(f"SELECT m.id, s.id FROM mine m {join} sky s ON m.id = s.id AND {condition}")
        assert sorted(found) == sorted(wanted)


def test_using_makes_one_column_of_two(ask):
    found = ask("SELECT * FROM mine JOIN (SELECT id, kind FROM sky) s USING (id)").to_table()
    assert found.schema.names == ["id", "ra", "dec", "label", "reach", "kind"]
    assert sorted(found["id"].to_pylist()) == [1, 2, 3, 4, 5]
    full = ask("SELECT id FROM mine FULL JOIN (SELECT id FROM sky WHERE id > 3) s USING (id)")
    assert sorted(full.to_table()["id"].to_pylist()) == list(range(1, 12_001))


def test_natural_is_using_of_all_columns_in_common(rows):
    natural = rows("SELECT label, kind FROM mine NATURAL JOIN (SELECT id, kind FROM sky) s")
    using = rows("SELECT label, kind FROM mine JOIN (SELECT id, kind FROM sky) s USING (id)")
    assert sorted(map(str, natural)) == sorted(map(str, using))


def test_columns_of_two_kinds_join_no_tables(ask):
    other = "(SELECT label AS id FROM mine) m"
    for join in (f"sky NATURAL JOIN {other}", f"sky JOIN {other} USING (id)"):
        told = "joins by id, which is a whole number in one table and a text in the other: use ON"
        with pytest.raises(QueryError, match=told):
            ask(f"SELECT COUNT(*) FROM {join}")


def test_a_condition_of_where_cuts_after_an_outer_join(rows):
    found = rows("SELECT m.id FROM mine m LEFT JOIN sky s ON m.id = s.id AND s.dec > 100")
    assert len(found) == 5
    assert rows("SELECT m.id FROM mine m LEFT JOIN sky s USING (id) WHERE s.dec > 100") == []


def test_queries_within_conditions(rows, columns):
    listed = "SELECT id FROM mine WHERE label IS NOT NULL"
    assert len(rows(f"SELECT id FROM sky WHERE id IN ({listed})")) == 4
    assert len(rows(f"SELECT id FROM sky WHERE id NOT IN ({listed})")) == len(columns["id"]) - 4
    there = "SELECT id FROM mine WHERE mine.id = sky.id AND sky.dec > 0"
    with_one = rows(f"SELECT id FROM sky WHERE EXISTS ({there})")
    without = rows(f"SELECT id FROM sky WHERE NOT EXISTS ({there})")
    wanted = set(columns["id"][(columns["id"] <= 5) & (columns["dec"] > 0)].tolist())
    assert {each for (each,) in with_one} == wanted
    assert len(with_one) + len(without) == len(columns["id"])


def test_set_operations_and_their_precedence(rows):
    one, two = "SELECT id FROM mine WHERE id < 4", "SELECT id FROM mine WHERE id > 2"
    assert rows(f"{one} UNION {two} ORDER BY id") == [(1,), (2,), (3,), (4,), (5,)]
    assert len(rows(f"{one} UNION ALL {two}")) == 6
    assert rows(f"{one} INTERSECT {two}") == [(3,)]
    assert rows(f"{one} EXCEPT {two} ORDER BY 1 DESC OFFSET 1") == [(1,)]
    assert rows(f"SELECT id FROM mine WHERE id = 1 UNION {one} INTERSECT {two} ORDER BY id") == [
        (1,), (3,),
    ]  # fmt: skip
    assert rows(f"(SELECT TOP 1 id FROM mine ORDER BY id DESC) UNION {one} ORDER BY id DESC")[
        0
    ] == (5,)


def test_named_queries_see_those_before_them(rows):
    found = rows(
        "WITH a AS (SELECT TOP 10 id, mag FROM sky WHERE mag IS NOT NULL ORDER BY mag), "
        "b AS (SELECT id, mag + 1 AS more FROM a) "
        "SELECT COUNT(*), MAX(more - mag) FROM a JOIN b ON a.id = b.id"
    )
    assert found == [(10, 1.0)]


def test_views_of_sdss_exist_over_its_objects(tmp_path, sky):
    random = np.random.default_rng(5)
    mode, kind = random.integers(1, 3, 300), random.choice([3, 6], 300)
    table = sky.slice(0, 300).select(["id", "ra", "dec"])
    table = table.append_column("mode", [mode]).append_column("type", [kind])
    write_catalog(
        tmp_path / "PhotoObj", table, properties=Roles(ra="ra", dec="dec").to_properties()
    )
    found = query(
        "SELECT s.id FROM Star s, PhotoPrimary p WHERE s.id = p.id AND s.dec < 90",
        archive=tmp_path,
    )
    ids = np.array(table["id"])
    assert sorted(found.to_table()["id"].to_pylist()) == sorted(ids[(mode == 1) & (kind == 6)])
    with pytest.raises(QueryError, match=r"Stars is no table here: did you mean Star\?"):
        query("SELECT id FROM Stars", archive=tmp_path)


def test_a_limit_stops_the_rows(rows, ask):
    assert len(rows("SELECT id FROM sky", limit=7)) == 7
    assert "at most 7 rows" in ask("SELECT id FROM sky", limit=7).explain()


def test_the_owner_s_cut_stays(archive, columns):
    north = open_catalog(archive / "sky").where("dec > 0").select(["id", "dec"])
    found = query("SELECT * FROM north WHERE id < 500", {"north": north}).to_table()
    wanted = columns["id"][(columns["dec"] > 0) & (columns["id"] < 500)]
    assert sorted(found["id"].to_pylist()) == sorted(wanted.tolist())
    with pytest.raises(QueryError, match="mag is no column of north"):
        query("SELECT mag FROM north", {"north": north})


def test_a_cone_at_another_epoch_is_asked_as_it_was_cut(tmp_path, sky):
    roles = Roles(ra="ra", dec="dec", motion=Motion("pm", "pm"), epoch=Epoch(jyear=2016.0))
    write_catalog(
        tmp_path / "moving", sky, margin_arcsec=None, index=None, properties=roles.to_properties()
    )
    cut = open_catalog(tmp_path / "moving").cone(0.0, 1.0, 1800, epoch=2030.0)
    found = query("SELECT id, ra_at_epoch AS moved FROM m WHERE ra < 1", {"m": cut}).to_table()
    table = cut.to_table()
    wanted = {i: r for i, r, ra in zip(*(table[c].to_pylist() for c in ("id", "ra_at_epoch", "ra")), strict=True) if ra < 1}  # fmt: skip  # noqa: E501
    assert dict(zip(found["id"].to_pylist(), found["moved"].to_pylist(), strict=True)) == wanted
    assert wanted


def test_streams_hold_the_same_rows(ask):
    plan = ask("SELECT id, kind FROM sky ORDER BY id")
    batches = list(plan.stream())
    assert [i for batch in batches for i in batch["id"].to_pylist()] == list(range(1, 12_001))
    assert batches[0].schema.equals(plan.schema)


def test_a_result_is_saved_by_its_suffix(ask, tmp_path):
    assert ask("SELECT TOP 3 id, ra FROM sky").save(tmp_path / "three.csv") == 3
    assert (tmp_path / "three.csv").read_text().splitlines()[0] == '"id","ra"'


def test_a_query_that_takes_too_long_is_stopped(ask):
    plan = ask("SELECT COUNT(*) FROM sky a, sky b, sky c WHERE a.ra + b.ra > c.ra", timeout=0.2)
    with pytest.raises(CancelledError, match=r"stopped after 0.2 s, its limit"):
        plan.to_table()


def test_a_value_that_cannot_be_cast_is_told_as_such(ask):
    with pytest.raises(QueryError, match=r"a value of a row cannot be worked out: .*'"):
        ask("SELECT CAST(kind AS INTEGER) FROM sky").to_table()


def test_explain_says_tiles_and_what_holds_the_first_row_back(ask):
    told = ask("SELECT mag FROM sky WHERE 1 = CONTAINS(POINT(ra, dec), CIRCLE(0, 1, 1)) ORDER BY 1")
    assert "first row after all rows are read, for ORDER BY" in told.explain()
    assert "region   Cone(ra_deg=0.0" in told.explain()
    assert "first row as tiles are read" in ask("SELECT mag FROM sky").explain()
    assert ask("SELECT mag FROM mine, sky").cost().tiles > 10


TREES = ["small_sky", "small_sky_npix_as_dir", "small_sky_source", "small_sky_source_margin"]


@pytest.mark.parametrize("name", TREES)
def test_trees_of_others_give_what_the_engine_gives(shared_data, name):
    catalog = open_catalog(shared_data / "hats" / name)
    first = catalog.head(1).to_table()
    ra, dec = catalog.roles.ra, catalog.roles.dec
    place = first[ra][0].as_py(), first[dec][0].as_py()
    cone = catalog.cone(*place, radius_arcsec=3 * 3600).to_table()
    circle = f"CIRCLE({place[0]}, {place[1]}, 3)"
    asked = f'SELECT * FROM c WHERE 1 = CONTAINS(POINT("{ra}", "{dec}"), {circle})'
    found = query(asked, {"c": catalog}).to_table()
    assert found.schema.names == cone.schema.names
    assert found.num_rows == cone.num_rows > 0
    assert sorted(found[ra].to_pylist()) == sorted(cone[ra].to_pylist())
    everything = query("SELECT COUNT(*) AS n FROM c", {"c": catalog}).to_table()
    assert everything["n"].to_pylist() == [len(catalog)]


def test_an_index_is_no_table(shared_data):
    path = shared_data / "hats/small_sky_order1_collection/small_sky_order1_id_index"
    with pytest.raises(QueryError, match="c is the index of a catalogue"):
        query("SELECT COUNT(*) FROM c", {"c": path})


def test_an_archive_is_asked_itself(archive, mine):
    sky = open_archive(archive)
    adql = "SELECT COUNT(*) AS n FROM sky AS s JOIN mine AS m ON s.id = m.id"
    assert sky.query(adql, uploads={"mine": mine}).to_table().to_pylist() == [{"n": 5}]
    assert sky.query("SELECT id FROM sky", limit=3).to_table().num_rows == 3


def test_an_archive_says_which_catalogues_it_has(archive):
    with pytest.raises(QueryError, match="skyy is no table here: did you mean sky"):
        open_archive(archive).query("SELECT id FROM skyy")


def test_a_sample_is_the_same_part_of_the_sky_in_every_catalogue(ask, archive):
    sky = open_catalog(archive / "sky")
    wanted = sorted(sky.sample(0.2).to_table()["id"].to_pylist())
    assert 1_000 < len(wanted) < 4_000
    found = ask("SELECT id FROM sky ORDER BY id", sample=0.2).to_table()
    assert found["id"].to_pylist() == wanted
    pairs = ask("SELECT a.id FROM sky a JOIN sky b ON a.id = b.id ORDER BY a.id", sample=0.2)
    assert pairs.to_table()["id"].to_pylist() == wanted
    listed = ask("SELECT id FROM mine", sample=0.2).to_table()
    assert listed.num_rows == 5  # a table that is given has no sky to be sampled by
    with pytest.raises(UserError, match="more than 0 and at most 1"):
        ask("SELECT id FROM sky", sample=2.0)


NOWHERE = "id > 1000000"


@pytest.mark.parametrize(
    ("adql", "wanted"),
    [
        (f"SELECT b.id FROM sky a JOIN sky b ON a.id = b.id WHERE a.{NOWHERE}", []),
        (f"SELECT COUNT(*) AS n FROM sky a JOIN sky b ON a.id = b.id WHERE a.{NOWHERE}", [(0,)]),
        (f"SELECT b.id FROM sky a, sky b, mine m WHERE a.{NOWHERE} AND m.id = b.id", []),
    ],
)
def test_nothing_is_read_of_what_is_joined_with_nothing(ask, adql, wanted):
    plan = ask(adql)
    run = plan.begin()
    found = [tuple(row.values()) for batch in run.batches() for row in batch.to_pylist()]
    assert found == wanted
    assert (run.report.tiles, run.report.parts) == (0, 0)
    assert run.report.tiles_in_all > 0


def test_what_is_joined_with_nothing_is_read_where_its_rows_count(rows, columns):
    """An outer join keeps them, and other SELECTs of the query have their own."""
    some = f"(SELECT id FROM sky WHERE {NOWHERE}) AS a"
    n = len(columns["id"])
    assert rows(f"SELECT COUNT(*) AS n FROM sky b LEFT JOIN {some} ON a.id = b.id") == [(n,)]
    assert rows(
        f"SELECT COUNT(*) AS n FROM sky WHERE id NOT IN (SELECT a.id FROM sky a JOIN sky b "
        f"ON a.id = b.id WHERE a.{NOWHERE})"
    ) == [(n,)]
    assert rows(
        f"SELECT a.id FROM sky a JOIN sky b ON a.id = b.id WHERE a.{NOWHERE} "
        "UNION SELECT id FROM sky WHERE id = 7"
    ) == [(7,)]


@pytest.mark.parametrize("adql", ["SELECT id FROM sky", "SELECT TOP 3 id FROM mine ORDER BY id"])
def test_what_is_no_executor_is_refused_before_anything_runs(ask, adql):
    with pytest.raises(UserError, match="executor is 'foo'"):
        ask(adql).to_table("foo")
