import operator
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from skyquarry.engine.catalog import open_catalog
from skyquarry.errors import CancelledError, ColumnError, PredicateError, UserError
from skyquarry.mine import blocked, flows, sorting
from skyquarry.mine.buckets import buckets
from skyquarry.mine.colours import Colours
from skyquarry.mine.river import river
from skyquarry.mine.space import Space
from skyquarry.sky.vectors import separation_arcsec, to_xyz


@pytest.fixture(scope="module")
def few(stars):
    return stars.where("id < 400 OR (id > 15000 AND id < 16500)")


def with_colour(table):
    colour = pc.subtract(table["g"], table["r"])
    return table.append_column("gr", colour).drop_columns(["u"])


def is_red(table):
    return np.array(table["gr"]) > 0.5


def test_steps_of_one_tile_do_what_they_say_and_are_one_task(few):
    flow = river(few).filter("g < 19.5").map(with_colour).filter(is_red)
    flow = flow.project({"id": "id", "twice": "2 * gr", "kind": "kind"})
    table = with_colour(few.where("g < 19.5").to_table())
    table = table.filter(pa.array(is_red(table)))
    told = flow.to_table("inline")
    assert told.num_rows > 100
    assert told["id"].to_pylist() == table["id"].to_pylist()
    assert told["kind"].equals(table["kind"])
    np.testing.assert_array_equal(np.array(told["twice"]), 2 * np.array(table["gr"]))
    assert told.equals(flow.to_table())
    text = flow.explain()
    assert "map with_colour > filter is_red > project id, twice = 2 * gr, kind" in text
    assert "g < 19.5" in text
    assert text.count("in one task") == 1


def test_what_is_filtered_and_projected_first_is_not_read(few):
    flow = river(few).filter("r < 18").project(["id", "kind"])
    told = flow.to_table("inline")
    assert told.equals(few.where("r < 18").select(["id", "kind"]).to_table())
    assert flow.flow.of.catalog.columns == ["id", "kind"]


def test_sorted_rows_are_stable_and_what_is_missing_comes_last(few, monkeypatch):
    monkeypatch.setattr(sorting, "PARTITION_BYTES", 20_000)
    table = few.select(["id", "kind", "u"]).to_table()
    flow = river(few.select(["id", "kind", "u"]))
    rows = list(zip(*(table[name].to_pylist() for name in ("id", "kind", "u")), strict=True))
    told = flow.sort("kind").to_table()
    wanted = sorted(rows, key=lambda row: row[1])
    assert told["id"].to_pylist() == [row[0] for row in wanted]
    told = flow.sort([("kind", "descending"), "u"]).to_table("inline")
    missing = [(row[2] is None, row[2] or 0.0) for row in rows]
    order = sorted(range(len(rows)), key=lambda n: missing[n])
    order.sort(key=lambda n: rows[n][1], reverse=True)
    assert told["id"].to_pylist() == [rows[n][0] for n in order]
    assert "blocked" in flow.sort("u").explain()


@pytest.mark.parametrize("by", [[], ["kind"], ["kind", "half"]])
def test_aggregates_are_those_of_brute_force(few, by):
    def halved(table):
        return table.append_column("half", pc.greater(table["g"], 19.0))

    asked = {"n": "count", "known": ("count", "u"), "u": ("mean", "u"), "low": ("min", "g"),
             "high": ("max", "g"), "sum": ("sum", "id")}  # fmt: skip
    told = river(few).map(halved).aggregate(by, asked)
    table = halved(few.to_table())
    groups = {}
    for row in table.to_pylist():
        groups.setdefault(tuple(row[name] for name in by), []).append(row)
    rows = told.to_table("inline").to_pylist()
    assert len(rows) == len(groups) > 0
    for row in rows:
        group = groups[tuple(row[name] for name in by)]
        known = [each["u"] for each in group if each["u"] is not None]
        assert row["n"] == len(group)
        assert row["known"] == len(known)
        assert row["u"] == pytest.approx(sum(known) / len(known), rel=1e-12)
        assert row["low"] == min(each["g"] for each in group)
        assert row["high"] == max(each["g"] for each in group)
        assert row["sum"] == sum(each["id"] for each in group)
    assert told.to_table().equals(told.to_table("inline"))


def test_a_group_without_values_has_no_mean_and_nan_is_none():
    table = pa.table({"k": [1, 1, 2, None], "x": [np.nan, 3.0, None, 4.0]})
    told = river(table).aggregate(["k"], {"m": ("mean", "x"), "s": ("sum", "x")}).to_table()
    rows = {row["k"]: (row["m"], row["s"]) for row in told.to_pylist()}
    assert rows == {1: (3.0, 3.0), 2: (None, None), None: (4.0, 4.0)}


def test_sets_of_rows_by_their_keys(few):
    bright, red = few.where("r < 18.5"), few.where("g - r > 0.5")
    ids = [set(each.to_table()["id"].to_pylist()) for each in (bright, red)]
    assert ids[0] & ids[1]
    for how, wanted in (("union", ids[0] | ids[1]), ("intersect", ids[0] & ids[1]),
                        ("difference", ids[0] - ids[1])):  # fmt: skip
        for on in (["id"], None):
            flow = getattr(river(bright), how)(red, on)
            told = flow.to_table("inline")
            assert sorted(told["id"].to_pylist()) == sorted(wanted)
            assert told.equals(flow.to_table())
            assert told.schema.names == few.columns


def test_values_that_are_equal_meet_whatever_their_bits():
    left = pa.table({"x": [0.0, np.nan, None, 2.5], "t": ["a", None, "b", "c"]})
    right = pa.table({"x": [-0.0, 2.5], "t": ["a", "c"]})
    assert river(left).intersect(right, ["t"]).to_table().sort_by("t")["t"].to_pylist() == [
        "a",
        "c",
    ]
    assert river(left).intersect(right.slice(1)).to_table()["t"].to_pylist() == ["c"]
    assert river(left).difference(right, ["t"]).to_table().num_rows == 2


@pytest.mark.parametrize("on", [["x"], ["x", "k"]])
def test_zeros_of_either_sign_are_one_value_and_so_are_nan_and_null(on):
    """Arrow's groups go by bits."""
    odd = pa.array([0.0, -0.0, np.nan, None, 2.5], from_pandas=False)
    left = pa.table({"x": odd, "k": [1] * 5, "n": range(5)})
    flow = river(left)
    told = flow.aggregate(on, {"rows": "count", "n": ("sum", "n")}).to_table()
    groups = {row["x"]: (row["rows"], row["n"]) for row in told.to_pylist()}
    assert groups == {0.0: (2, 1), None: (2, 5), 2.5: (1, 4)}
    right = pa.table({"x": [-0.0, None], "k": [1, 1], "n": [7, 8]})
    assert flow.union(right, on).to_table()["n"].to_pylist() == [0, 2, 4]
    assert flow.intersect(right, on).to_table()["n"].to_pylist() == [0, 2]
    assert flow.difference(right, on).to_table()["n"].to_pylist() == [4]
    assert flow.difference(left.slice(3, 1), on).to_table()["n"].to_pylist() == [0, 4]


def test_columns_of_two_rivers_that_have_not_one_meaning_are_refused():
    left = river(pa.table({"k": pa.array([1, 2], pa.int32()), "v": [[1.0], [2.0]]}))
    for type_ in (pa.float64(), pa.string(), pa.bool_()):
        right = pa.table({"k": pa.array([], type_), "v": pa.array([], pa.list_(pa.float64()))})
        with pytest.raises(UserError, match=f"k is int32 in one river and {type_} in the other"):
            left.intersect(right, ["k"])
    with pytest.raises(UserError, match=r"v is list<.* rows are compared by plain values"):
        left.union(left)
    with pytest.raises(UserError, match="is float in one river and double in the other"):
        river(pa.table({"x": pa.array([0.1], pa.float32())})).difference(pa.table({"x": [0.1]}))
    long = pa.table({"k": [2**40], "v": [[1.0]]})
    with pytest.raises(UserError, match="has a value of the other river's that is none"):
        left.union(long, ["k"]).to_table()
    few = pa.table({"k": [2], "v": [[1.0]]})
    assert left.intersect(few, ["k"]).to_table()["k"].to_pylist() == [2]


def test_categories_flow_as_what_they_stand_for():
    """As pandas has them: parts of a table may hold them by other dictionaries."""
    kinds = pa.array(["b", "a", None, "b"]).dictionary_encode()
    half = pa.array(np.array([1.5, 0.5, np.nan, 1.5], np.float16))
    flow = river(pa.table({"k": kinds, "h": half, "n": range(4)}))
    assert flow.schema.field("k").type == pa.string()
    assert flow.sort("k").to_table()["n"].to_pylist() == [1, 0, 3, 2]
    assert sorted(flow.union(flow, ["k"]).to_table()["n"].to_pylist()) == [0, 1, 2]
    told = flow.aggregate(["k"], {"n": "count", "h": ("sum", "h")}).to_table().to_pylist()
    assert {row["k"]: (row["n"], row["h"]) for row in told} == {
        "a": (1, 0.5), "b": (2, 3.0), None: (1, None),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        (lambda flow: flow.sort("v"), "v is list<.* rows are sorted by plain values"),
        (lambda flow: flow.aggregate(["v"], {"n": "count"}), "v is list<.* rows are grouped by"),
        (lambda flow: flow.aggregate([], {"x": ("max", "v")}), "x is the max, taken by plain"),
        (lambda flow: flow.aggregate([], {"x": ("sum", "s")}), "x is the sum of s, which is str"),
        (
            lambda flow: flow.aggregate([], {"x": ("mean", "t")}),
            "x is the mean of t, which is time",
        ),
    ],
)
def test_what_has_no_order_or_sum_is_told_before_work(asked, told):
    moments = pa.array([0, 1], pa.timestamp("us"))
    flow = river(pa.table({"v": [[1.0], [2.0]], "s": ["a", "b"], "t": moments}))
    with pytest.raises(UserError, match=told):
        asked(flow)


def test_two_sinks_never_write_one_file_and_each_is_told_of(few, tmp_path):
    path = tmp_path / "a.parquet"
    with pytest.raises(UserError, match="is one of the river's already"):
        river(few).tee(path).filter("r < 18").to(str(path))
    with pytest.raises(UserError, match="is one of the river's already"):
        river(few).tee(path).union(river(few).tee(path))
    got = []
    rows = river(few).tee(got.append).filter("r < 18")
    told = rows.to(got.append).run()
    bright = len(few.where("r < 18").to_table())
    assert told == {"append": len(few.to_table()), "append_2": bright}


def test_each_row_finds_those_near_it_in_a_catalogue(few, stars):
    other = stars.where("kind = 'galaxy'")
    flow = river(few).map(with_colour).match(other, 60.0, columns=["id", "r"], ra="ra", dec="dec")
    told = flow.to_table("inline")
    a, b = few.to_table(), other.to_table()
    xyz = [to_xyz(np.array(t["ra"]), np.array(t["dec"])) for t in (a, b)]
    i, j = (each.ravel() for each in np.indices((a.num_rows, b.num_rows)))
    sep = separation_arcsec(xyz[0][i], xyz[1][j])
    near = sep <= 60.0
    ids = np.array(a["id"])[i[near]], np.array(b["id"])[j[near]]
    wanted = sorted(zip(*(each.tolist() for each in ids), strict=True))
    pairs = list(zip(told["id"].to_pylist(), told["stars_id"].to_pylist(), strict=True))
    assert len(wanted) > 100
    assert sorted(pairs) == wanted
    np.testing.assert_allclose(np.sort(np.array(told["sep_arcsec"])), np.sort(sep[near]), atol=1e-9)
    assert [n for n, _ in pairs] == sorted((n for n, _ in pairs), key=a["id"].to_pylist().index)
    nearest = river(few).match(other, 60.0, nearest=1).to_table()
    assert nearest["id"].to_pylist() == list(dict.fromkeys(n for n, _ in pairs))


@pytest.mark.parametrize("as_table", [False, True])
def test_rows_without_a_partner_stay_or_are_those_that_stay(few, stars, as_table):
    other = stars.where("kind = 'galaxy'").select(["id", "ra", "dec", "r"])
    there = other.to_table() if as_table else other
    how = {"columns": ["id", "r"], "name": "galaxy"}
    inner = river(few).match(there, 60.0, **how).to_table()
    left = river(few).match(there, 60.0, how="left", **how).to_table()
    anti = river(few).match(there, 60.0, how="anti").to_table()
    met = set(inner["id"].to_pylist())
    rows = few.to_table()
    assert anti.equals(rows.filter(pa.array([n not in met for n in rows["id"].to_pylist()])))
    assert 50 < anti.num_rows < rows.num_rows - 50
    known = pc.is_valid(left["galaxy_id"])
    assert left.filter(known).equals(inner)
    assert left.filter(pc.invert(known)).select(rows.column_names).equals(anti)
    assert left["sep_arcsec"].null_count == left["galaxy_r"].null_count == anti.num_rows
    places = {n: place for place, n in enumerate(rows["id"].to_pylist())}
    along = [places[n] for n in left["id"].to_pylist()]
    assert along == sorted(along)


@pytest.mark.parametrize("as_table", [False, True])
@pytest.mark.parametrize("nearest", [None, 1])
def test_an_outer_match_has_the_partners_whom_nobody_meets(few, stars, tmp_path, as_table, nearest):
    other = stars.where("kind = 'galaxy' AND id > 14000").select(["id", "ra", "dec", "r"])
    there = other.to_table() if as_table else other
    how = {"columns": ["r", "id"], "name": "galaxy", "nearest": nearest}
    left = river(few).match(there, 60.0, how="left", **how).to_table()
    flow = river(few).match(there, 60.0, how="outer", **how)
    told = flow.to_table(folder=tmp_path)
    assert told.schema.equals(left.schema)
    ours = told.filter(pc.is_valid(told["id"]))
    by = [("id", "ascending"), ("sep_arcsec", "ascending"), ("galaxy_id", "ascending")]
    assert ours.sort_by(by).equals(left.sort_by(by))
    alone = told.filter(pc.is_null(told["id"]))
    assert alone["sep_arcsec"].null_count == alone.num_rows > 1_000
    rows = other.to_table()
    lonely = pc.invert(pc.is_in(rows["id"], value_set=left["galaxy_id"].combine_chunks()))
    wanted = rows.filter(lonely).select(["r", "id"]).sort_by("id")
    assert alone.select(["galaxy_r", "galaxy_id"]).sort_by("galaxy_id").rename_columns(
        ["r", "id"]).equals(wanted)  # fmt: skip
    assert flow.to_table("inline").equals(told)
    assert "partners without one: blocked" in flow.explain()
    assert list(tmp_path.iterdir()) == []


def test_a_table_and_a_catalogue_of_the_same_rows_give_the_same_partners(few, stars, tmp_path):
    other = stars.select(["id", "ra", "dec"])
    pq.write_table(other.to_table(), tmp_path / "others.parquet")
    found = [river(few).match(there, 90.0, columns=["id"], nearest=2, name="o").to_table()
             for there in (other, other.to_table(), tmp_path / "others.parquet")]  # fmt: skip
    assert found[0].num_rows > 100
    assert found[0].equals(found[1])
    assert found[0].equals(found[2])
    assert "others_id" in river(few).match(tmp_path / "others.parquet", 1.0).schema.names


def test_the_graph_is_drawn_for_those_who_draw(few, stars):
    flow = river(few).filter(lambda t: np.array(t["g"]) > 1).union(river(stars).filter("g > 3"))
    text, mermaid, dot = (flow.sort("g").explain(form) for form in ("text", "mermaid", "dot"))
    assert text.count("source") == mermaid.count("source") == dot.count("source") == 2
    assert mermaid.startswith("flowchart TD")
    assert mermaid.count("-->") == dot.count("->") == 4
    assert "g &gt; 3" in mermaid
    with pytest.raises(UserError, match="svg"):
        flow.explain("svg")


def test_pairs_in_buckets_are_those_of_the_hash_machine(few):
    by = Colours(["g - r"], 0.002)
    flow = river(few).filter(lambda table: np.array(table["g"]) < 19.5).buckets(by, columns=["id"])
    told = flow.to_table("inline")
    wanted = buckets(few.where("g < 19.5"), by).to_table()
    pairs = [set(zip(t["left_id"].to_pylist(), t["right_id"].to_pylist(), strict=True))
             for t in (told, wanted)]  # fmt: skip
    assert len(pairs[0]) == told.num_rows > 100
    assert pairs[0] == pairs[1]


def test_many_sinks_are_served_from_one_pass(few, tmp_path, monkeypatch):
    reads, read = [], few.stored.__class__.read

    def counting(self, tile, *args, **more):
        reads.append(tile)
        return read(self, tile, *args, **more)

    monkeypatch.setattr(few.stored.__class__, "read", counting)
    taken = []
    flow = river(few.select(["id", "ra", "dec", "r"])).tee(tmp_path / "all.parquet")
    flow = flow.filter("r < 18").tee(taken.append)
    rows = flow.sort("r").to(tmp_path / "sorted.csv").run("inline")
    assert len(reads) == len(set(reads))
    bright = few.where("r < 18").select(["id", "ra", "dec", "r"]).to_table()
    assert pa.concat_tables(taken).equals(bright)
    assert pq.read_table(tmp_path / "all.parquet").num_rows == few.count()
    assert (tmp_path / "sorted.csv").read_text().count("\n") == bright.num_rows + 1
    assert sorted(rows.values()) == sorted([few.count(), bright.num_rows, bright.num_rows])


def test_a_river_ends_in_a_catalogue(few, tmp_path):
    flow = river(few.select(["id", "ra", "dec", "r"])).filter("r < 18")
    assert flow.to(tmp_path / "bright", ra="ra", dec="dec", id="id").run("inline")
    bright = open_catalog(tmp_path / "bright")
    assert set(bright.to_table()["id"].to_pylist()) == set(
        few.where("r < 18").to_table()["id"].to_pylist()
    )


def _everything(few, stars):
    flow = river(few).map(with_colour).filter(is_red).match(stars.where("r < 18"), 100.0)
    flow = flow.aggregate(["kind"], {"n": "count", "gr": ("sum", "gr")})
    return flow.union(river(few).map(with_colour).aggregate(
        ["kind"], {"n": "count", "gr": ("sum", "gr")})).sort(["kind", "n"])  # fmt: skip


def test_every_executor_gives_the_same_rows_and_leaves_nothing_behind(few, stars, tmp_path):
    flow = _everything(few, stars)
    first = flow.to_table("inline", folder=tmp_path)
    assert first.num_rows == 4
    with ThreadPoolExecutor(8) as pool:
        assert flow.to_table(pool, folder=tmp_path).equals(first)
    assert list(tmp_path.iterdir()) == []


def test_a_river_runs_on_dask_unchanged(few, stars, tmp_path):
    distributed = pytest.importorskip("distributed")
    from skyquarry.engine.cluster import dask_executor

    with (
        distributed.LocalCluster(
            n_workers=1, threads_per_worker=2, processes=False, dashboard_address="127.0.0.1:0"
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        flow = _everything(few, stars)
        assert flow.to_table(dask_executor(client), folder=tmp_path).equals(flow.to_table())


def test_tasks_travel_to_other_processes(few, stars):
    import pickle

    flow = river(few).filter("r < 19").match(stars, 100.0)
    home = flows.Running("inline", ".", {})
    for key, function, args in list(flow.flow.tasks(home))[:3]:
        there, again = pickle.loads(pickle.dumps((function, args)))
        assert there(*again).table.equals(function(*args).table), key


def test_a_river_runs_in_real_processes(few, stars, tmp_path):
    flow = river(few).map(operator.methodcaller("select", ["id", "ra", "dec", "kind", "g"]))
    flow = flow.match(stars.where("r < 18"), 100.0).tee(tmp_path / "pairs.parquet")
    flow = flow.aggregate(["kind"], {"n": "count", "g": ("mean", "g")}).sort("kind")
    told = flow.to_table("processes", folder=tmp_path)
    assert told.num_rows == 2
    assert pq.read_table(tmp_path / "pairs.parquet").num_rows == sum(told["n"].to_pylist())
    assert flow.to_table("inline").equals(told)


def test_a_slow_sink_holds_the_river_up(stars):
    read, behind = [], []

    def counting(table):
        if table.num_rows:
            read.append(table.num_rows)
        return table

    def slow(table):
        del table
        behind.append(len(read) - len(behind))

    river(stars).map(counting).to(slow).run(ThreadPoolExecutor(2), window=3)
    assert len(behind) > 10
    assert max(behind) <= 3 + 3


def test_a_failure_leaves_no_file_and_no_folder(few, tmp_path):
    def broken(table):
        if table.num_rows:
            raise ValueError("no light")
        return table

    flow = river(few).tee(tmp_path / "all.parquet").sort("r").map(broken)
    with pytest.raises(ValueError, match="no light"):
        flow.to(tmp_path / "end.csv").run("inline", folder=tmp_path)
    cancel = threading.Event()
    cancel.set()
    with pytest.raises(CancelledError):
        river(few).to(tmp_path / "more.csv").run("inline", folder=tmp_path, cancel=cancel)
    assert list(tmp_path.iterdir()) == []


def test_a_sink_that_cannot_write_ends_the_run(few, tmp_path):
    with pytest.raises(UserError, match="sideways"):
        river(few).to(tmp_path / "end.csv", sideways=True).run("inline")
    assert list(tmp_path.iterdir()) == []


def test_files_and_tables_are_sources(few, tmp_path):
    table = few.to_table()
    pq.write_table(table, tmp_path / "some.parquet")
    wanted = few.where("r < 18").to_table()
    assert river(table).filter("r < 18").to_table()["id"].equals(wanted["id"])
    told = river(tmp_path / "some.parquet").filter("r < 18").to_table()
    assert told["id"].to_pylist() == wanted["id"].to_pylist()
    path = few.path
    assert river(path).filter("id < 10").to_table().num_rows == 10
    assert river(few.head(7).plan()).to_table().num_rows == 7


@pytest.mark.parametrize("executor", ["inline", "threads"])
def test_a_query_is_a_source(stars, tmp_path, executor, monkeypatch):
    from skyquarry.adql.asking import query

    monkeypatch.setattr(flows, "_QUERY_ROWS", 100)
    asked = query("SELECT id, g - r AS gr FROM t WHERE r < 20 ORDER BY g, id", {"t": stars})
    rows = asked.to_table()
    flow = river(asked).filter("gr > 0.2").tee(tmp_path / "red.parquet")
    told = flow.aggregate([], {"n": "count", "gr": ("mean", "gr")}).to_table(executor)
    red = rows.filter(pc.greater(rows["gr"], 0.2))
    assert 100 < red.num_rows < rows.num_rows
    assert told.to_pylist() == [{"n": len(red), "gr": pytest.approx(pc.mean(red["gr"]).as_py())}]
    assert pq.read_table(tmp_path / "red.parquet")["id"].to_pylist() == red["id"].to_pylist()
    assert "source a query" in flow.explain()
    none = query("SELECT id FROM t WHERE r < -99", {"t": stars})
    assert river(none).filter("id > 0").to_table(executor).num_rows == 0


def test_what_cannot_be_is_refused_before_work_starts(few):
    with pytest.raises(UserError, match="as the source"):
        river(few).buckets(Space(arcmin=1))
    with pytest.raises(ColumnError, match="'ra'"):
        river(few).match(pa.table({"x": [1.0]}), 1.0)
    with pytest.raises(UserError, match="how is 'right'"):
        river(few).match(few, 1.0, how="right")
    pairs = buckets(few, Space(arcmin=1), compare=operator.attrgetter("num_rows"))
    assert "attrgetter" in river(pairs).explain()
    with pytest.raises(PredicateError):
        river(few).filter("r <")
    with pytest.raises(ColumnError, match="'z'"):
        river(few).sort("z")
    with pytest.raises(ColumnError, match="'u'"):
        river(few).map(with_colour).project(["u"])
    with pytest.raises(UserError, match="no sink"):
        river(few).run()
    with pytest.raises(UserError, match="has ended"):
        river(few).to(print).sort("r")
    with pytest.raises(UserError, match="has ended"):
        river(few).to(print).to_table()
    with pytest.raises(UserError, match="a path or a function"):
        river(few).to(5)
    with pytest.raises(UserError, match="for an empty table"):
        river(few).map(lambda table: 5)
    with pytest.raises(UserError, match="map was given 'u - g', but it takes a function"):
        river(few).map("u - g")
    with pytest.raises(UserError, match="filter was given 5, but it takes a text, or a function"):
        river(few).filter(5)
    with pytest.raises(UserError, match="median"):
        river(few).aggregate(["kind"], {"r": ("median", "r")})


def test_a_function_that_changes_its_columns_is_told_so(few):
    def fickle(table):
        return table.select(["id"] if table.num_rows else ["id", "r"])

    with pytest.raises(UserError, match="map fickle gave"):
        river(few).map(fickle).to_table("inline")


def test_a_file_weighs_what_its_rows_take_in_memory(tmp_path):
    """Not what they take on disk: a million zeros are 9 kB there."""
    pq.write_table(pa.table({"a": np.zeros(1_000_000)}), tmp_path / "zeros.parquet")
    flow = river(str(tmp_path / "zeros.parquet")).flow
    assert flow.weight(0) == flow.size == 8_000_000


def test_partitions_grow_with_what_flows(few, monkeypatch):
    monkeypatch.setattr(flows, "PARTITION_BYTES", 10_000)
    flow = river(few).aggregate(["id"], {"n": "count"})
    assert flow.flow.partitions > 5
    told = flow.to_table("inline")
    assert sorted(told["id"].to_pylist()) == sorted(few.to_table()["id"].to_pylist())
    assert blocked.SIDE not in told.column_names


def test_sums_that_integers_do_not_hold_are_refused():
    table = pa.table({"k": [1, 1, 2], "x": [2**62, 2**62, -5]})
    flow = river(table)
    with pytest.raises(UserError, match="64 bits"):
        flow.aggregate(["k"], {"s": ("sum", "x")}).to_table("inline")
    told = flow.project({"k": "k", "x": "1.0 * x"}).aggregate(["k"], {"s": ("sum", "x")})
    assert sorted(told.to_table()["s"].to_pylist()) == [-5.0, 2.0**63]
    apart = flow.filter("k = 2 OR x < 0").aggregate(["k"], {"s": ("sum", "x")})
    assert apart.to_table()["s"].to_pylist() == [-5]
    most = river(table.slice(1)).aggregate([], {"s": ("sum", "x")}).to_table()
    assert most["s"].to_pylist() == [2**62 - 5]


@pytest.mark.parametrize(
    ("unit", "by"), [("rad", (np.pi / 180, np.pi / 180)), ("15deg", (1 / 15, 1)), ("deg", (1, 1))]
)
def test_a_table_that_says_its_unit_is_met_where_it_lies(few, unit, by):
    three = few.head(3).to_table().select(["id", "ra", "dec"])
    said = (unit, "deg" if unit == "15deg" else unit)
    columns = [np.array(three[name]) * by[i] for i, name in enumerate(("ra", "dec"))]
    names = zip(("ra", "dec"), said, strict=True)
    fields = [pa.field(name, pa.float64(), metadata={"unit": each}) for name, each in names]
    table = pa.table(columns, schema=pa.schema(fields))
    assert set(river(few).match(table, 0.01).to_table()["id"].to_pylist()) == set(
        three["id"].to_pylist()
    )
    back = river(table).match(few, 0.01, columns=["id"]).to_table()
    assert sorted(back.column(back.column_names[-1]).to_pylist()) == sorted(three["id"].to_pylist())


def test_rows_of_which_a_filter_says_null_do_not_flow_on():
    numbers = river(pa.table({"g": [19.0, None, 21.0, None]}))
    assert numbers.filter(lambda table: pc.less(table["g"], 20)).to_table()["g"].to_pylist() == [19]
    with pytest.raises(UserError, match="a truth for each of 4 rows"):
        numbers.filter(lambda table: table["g"]).to_table()


def test_a_users_function_that_fails_is_named_with_what_it_has_to_give(few, tmp_path):
    def blind(table):
        return table["no such band"]

    with pytest.raises(UserError, match=r"map blind failed with KeyError: .* of 0 rows") as told:
        river(few).map(blind)
    assert "has to give a pyarrow.Table, unless its schema is said" in str(told.value)
    assert isinstance(told.value.__cause__, KeyError)
    whole = river(few).project({"n": "id"})

    def risky(table):
        return pa.table({"n": pc.divide(table["n"], 0)}) if table.num_rows else table

    flow = whole.map(risky).to(tmp_path / "out.parquet")
    with pytest.raises(UserError, match=r"map risky failed with ArrowInvalid: divide by zero"):
        flow.run("threads", folder=tmp_path)
    with pytest.raises(UserError, match=r"filter blind failed with KeyError.* a truth for each"):
        river(few).filter(blind).to_table("inline")
    with pytest.raises(UserError, match=r"map short gave list, but a pyarrow.Table of \(n int64\)"):
        whole.map(short).to_table("inline")
    assert list(tmp_path.iterdir()) == []


def short(table):
    return [1] if table.num_rows else table


def test_a_lost_connection_in_a_users_function_is_tried_again(few):
    seen = []

    def flaky(table):
        if table.num_rows and not seen:
            seen.append(1)
            raise ConnectionResetError("gone")
        return table

    assert river(few).map(flaky).to_table("inline").num_rows == few.to_table().num_rows
