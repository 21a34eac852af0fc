"""Queries run part by part give what DuckDB gives of the whole table."""

from __future__ import annotations

import collections
import math
import multiprocessing
import shutil
import tempfile
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor

import duckdb
import numpy as np
import pyarrow as pa
import pytest

from skyquarry.adql.asking import query
from skyquarry.adql.running import dividing
from skyquarry.catalog.relations import KEY, ON, PARENT
from skyquarry.errors import CancelledError
from skyquarry.testing.adqlqueries import Grammar
from skyquarry.testing.handmade import write_catalog

QUERIES = 200


@pytest.fixture(scope="module")
def lines(sky):
    """Up to three rows of each of two thirds of the sky's rows, in a child's columns."""
    random = np.random.default_rng(8)
    rows = random.integers(0, sky.num_rows * 2 // 3, sky.num_rows)
    of = (
        sky.take(pa.array(rows)).select(["id", "ra", "dec"]).rename_columns(["sky_id", "ra", "dec"])
    )
    of = of.append_column("wave", pa.array(random.random(len(rows)) * 10))
    return of.append_column("flux", pa.array(random.standard_normal(len(rows))))


@pytest.fixture(scope="module")
def family(archive, lines, tmp_path_factory):
    """The sky, with `lines` as its child in tiles of other sizes."""
    folder = tmp_path_factory.mktemp("family")
    shutil.copytree(archive / "sky", folder / "sky")
    properties = {
        "skyquarry_nan": "null", PARENT: str(folder / "sky"), ON: "sky_id", KEY: "id",
        "hats_col_ra": "ra", "hats_col_dec": "dec",
    }  # fmt: skip
    write_catalog(
        folder / "lines", lines, max_rows=900, margin_arcsec=None, index=None,
        properties=properties,
    )  # fmt: skip
    return folder


@pytest.fixture
def ask(family, mine):
    """The plan of a query over the sky, its lines, and the list."""

    def asked(adql: str, **how):
        return query(adql, uploads={"mine": mine}, archive=family, **how)

    return asked


@pytest.fixture(autouse=True)
def small_parts(monkeypatch):
    """Parts of some hundred rows: a dozen of them."""
    monkeypatch.setattr(dividing, "FIRST_ROWS", 2_000)
    monkeypatch.setattr(dividing, "MOST_ROWS", 4_000)


@pytest.fixture(scope="module")
def oracle(sky, lines, mine):
    """DuckDB with the tables whole; numbers of 64 bits, as queries have them."""
    connection = duckdb.connect(":memory:", config={"threads": "1"})
    wide = {"mag": pa.float64(), "flags": pa.int64()}
    for name, type_ in wide.items():
        sky = sky.set_column(sky.schema.get_field_index(name), name, sky[name].cast(type_))
    for name, table in (("sky", sky), ("lines", lines), ("mine", mine)):
        connection.register(name, table)
    yield lambda sql: connection.sql(sql).fetchall()
    connection.close()


def _plain(value):
    """Numbers as Python's, nearly equal ones alike."""
    if isinstance(value, float):
        return float(f"{value:.9e}") if math.isfinite(value) else str(value)
    return value


def _rows(table):
    return [tuple(map(_plain, row.values())) for row in table.to_pylist()]


def _same(found, made, oracle):
    rows, wanted = _rows(found), [tuple(map(_plain, row)) for row in oracle(made.sql)]
    if made.any_of:
        every = collections.Counter(tuple(map(_plain, row)) for row in oracle(made.any_of))
        assert len(rows) == len(wanted)
        assert collections.Counter(rows) <= every
    elif made.ordered:
        assert rows == wanted
    else:
        assert collections.Counter(rows) == collections.Counter(wanted)


@pytest.mark.parametrize("seed", range(10))
def test_random_queries_in_parts_give_the_rows_of_the_whole(ask, oracle, seed):
    grammar = Grammar(np.random.default_rng(seed))
    divided = 0
    for _ in range(QUERIES // 10):
        made = grammar.query()
        plan = ask(made.adql)
        divided += bool(plan.pieces.course(spread=True).divisions)
        try:
            _same(plan.to_table("inline"), made, oracle)
        except AssertionError as error:
            error.add_note(f"{made.adql}\n{plan.pieces.course(spread=True)}")
            raise
    assert divided > QUERIES // 20


@pytest.fixture(scope="module", params=["threads", "processes", "dask"])
def executor(request):
    """Two workers of each kind, for all queries."""
    if request.param == "threads":
        with ThreadPoolExecutor(2) as pool:
            yield pool
    elif request.param == "processes":
        with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn")) as pool:
            yield pool
    else:
        distributed = pytest.importorskip("distributed")
        with distributed.Client(
            processes=False, n_workers=1, threads_per_worker=2, dashboard_address=None
        ) as client:
            yield client.get_executor()


def test_random_queries_give_the_rows_of_the_whole_on_any_executor(ask, oracle, executor):
    grammar = Grammar(np.random.default_rng(77))
    for _ in range(30):
        made = grammar.query()
        try:
            _same(ask(made.adql).to_table(executor), made, oracle)
        except AssertionError as error:
            error.add_note(made.adql)
            raise


@pytest.mark.parametrize(
    ("adql", "part", "told"),
    [
        ("SELECT id FROM sky ORDER BY mag", "SELECT t1", "the rows of all parts are sorted"),
        ("SELECT TOP 7 id FROM sky ORDER BY mag, id OFFSET 2", "LIMIT 9", "its first 9 in order"),
        ("SELECT DISTINCT kind FROM sky", "SELECT DISTINCT", "each part gives each row once"),
        (
            "SELECT kind, COUNT(DISTINCT flags) c, AVG(mag) m FROM sky GROUP BY kind",
            'GROUP BY t1."kind", t1."flags"',
            "what is to be told apart is given once by each part, an average",
        ),
        ("SELECT kind, MAX(DISTINCT pm) m FROM sky GROUP BY kind", "max(", "most of the most"),
    ],
)
def test_what_each_part_gives_of_an_order_and_of_what_is_told_apart(ask, adql, part, told):
    division = ask(adql).pieces.course(spread=True).divisions[0]
    assert part in division.merge.part
    assert told in division.merge.told


def test_rows_that_are_united_are_given_once_by_each_part(ask):
    for word, once in (
        ("UNION", True),
        ("EXCEPT", True),
        ("INTERSECT", True),
        ("UNION ALL", False),
    ):
        course = ask(f"SELECT kind FROM sky {word} SELECT label FROM mine").pieces.course(
            spread=True
        )
        assert [each.merge.way == "once" for each in course.divisions] == [once]


def test_a_group_of_no_rows_counts_none(ask):
    none = ask("SELECT COUNT(*) n, COUNT(DISTINCT flags) d, SUM(id) s FROM sky WHERE ABS(dec) > 95")
    assert none.to_table("inline").to_pylist() == [{"n": 0, "d": 0, "s": None}]


JOINED = "SELECT kind, COUNT(*), AVG(mag), MAX(flux) FROM sky s JOIN lines l ON s.id = l.sky_id GROUP BY kind"  # noqa: E501


def test_a_child_is_read_where_its_parent_is(ask):
    course = ask(JOINED).pieces.course(spread=True)
    assert [each.table.name for each in course.divisions[0].along] == ["lines"]
    assert course.divisions[0].beside == ()
    by_another = ask("SELECT wave FROM sky s JOIN lines l ON s.flags = l.sky_id")
    assert by_another.pieces.course(spread=True).divisions[0].along == ()


def test_sums_are_the_same_to_the_last_bit_wherever_they_are_formed(ask, executor):
    first = ask(JOINED).to_table("inline")
    assert ask(JOINED).to_table(executor).equals(first)
    assert ask(JOINED).to_table("threads").equals(first)


@pytest.mark.parametrize(
    ("adql", "whole"),
    [
        ("SELECT kind, COUNT(*) AS n, MAX(mag) AS m FROM sky GROUP BY kind", True),
        ("SELECT kind, COUNT(DISTINCT flags) AS n FROM sky WHERE mag < 20 GROUP BY kind", True),
        ("SELECT kind, COUNT(*) AS n, AVG(mag) AS m FROM sky GROUP BY kind", False),
        ("SELECT kind, SUM(flags) AS n FROM sky GROUP BY kind", False),
        ("SELECT TOP 2 kind, COUNT(*) AS n FROM sky GROUP BY kind", False),
        ("SELECT kind, mag FROM sky WHERE mag < 20", False),
    ],
)
def test_here_groups_run_whole_whose_values_hang_on_no_order(ask, adql, whole):
    pieces = ask(adql).pieces
    assert (not pieces.here.divisions) == whole
    parts = pieces.course(spread=True)
    assert parts.divisions
    found = [ask(adql).to_table(how).to_pylist() for how in (None, "threads")]
    if "TOP" not in adql:
        assert sorted(map(str, found[0])) == sorted(map(str, found[1]))


def test_the_first_n_leave_other_tiles_unread(ask, monkeypatch):
    monkeypatch.setattr(dividing, "FIRST_ROWS", 500)
    few = ask("SELECT TOP 5 id FROM sky").begin()
    list(few.batches())
    assert few.report.rows == 5
    assert few.report.parts == 2  # the second was begun beside the first
    assert few.report.tiles < few.report.tiles_in_all / 2
    every = ask("SELECT id FROM sky").begin()
    list(every.batches())
    assert every.report.tiles == every.report.tiles_in_all


def test_rows_come_before_the_last_tile_is_begun(ask):
    run = ask("SELECT id FROM sky WHERE flags < 100").begin("inline")
    found = run.batches()
    assert next(batch for batch in found if batch.num_rows)
    assert 0 < run.report.tiles < run.report.tiles_in_all
    found.close()


def test_rows_follow_the_sky_whatever_runs_the_parts(ask):
    whole = ask("SELECT id, mag + 1 AS m FROM sky WHERE dec > -60")
    along = whole.to_table("inline")
    assert whole.to_table().equals(along)
    assert whole.to_table("threads").equals(along)


def test_time_is_that_of_the_whole_query(ask, monkeypatch, tmp_path):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    slow = "SELECT COUNT(*) FROM sky a, mine b, mine c, mine d, mine e, mine f, mine g WHERE a.ra * b.ra > c.ra * d.ra + e.ra * f.ra * g.ra"  # noqa: E501
    with pytest.raises(CancelledError, match=r"stopped after 0\.3 s, its limit"):
        ask(slow, timeout=0.3).to_table("threads")
    assert list(tmp_path.iterdir()) == []


def test_what_cannot_be_taken_apart_is_said(ask, monkeypatch):
    monkeypatch.setattr(dividing, "FEW_ROWS", 5_000)

    def way(adql):
        return ask(adql).pieces.course(spread=True)

    assert "string_agg" in way("SELECT ivo_string_agg(kind, ',') FROM sky").divisions[0].merge.told
    assert (
        "sky would be read whole with every part"
        in way("SELECT COUNT(*) FROM sky a JOIN sky b ON a.flags = b.flags").why
    )
