"""Rows sought by keys of few others: the answers are those of the whole tables."""

from __future__ import annotations

import os
import shutil
from dataclasses import replace

import duckdb
import numpy as np
import pyarrow as pa
import pytest

import skyquarry as sq
from skyquarry.adql.database import arranging, duck, hot, standing
from skyquarry.adql.database.hot import Held
from skyquarry.adql.database.keyorder import KeyOrder
from skyquarry.adql.database.stopping import Stop
from skyquarry.adql.joins import ordering, seeking
from skyquarry.adql.joins.seeking import Seeking
from skyquarry.errors import CancelledError

ROWS = {"objects": 3_000, "spectra": 700, "lines": 9_000}
WHOLE = {
    "objects": ("id", "beside"),
    "spectra": ("id", "owner", "plate"),
    "lines": ("owner", "line"),
}
"""Columns of whole numbers that may be joined by."""
FEW = "SELECT s.id, l.flux FROM spectra s JOIN lines l ON l.owner = s.id WHERE s.mag < 14.1"


def _some(random, values, kind, missing=0.1):
    values = np.asarray(values)
    return pa.array(
        values.astype(kind.to_pandas_dtype()), kind, mask=random.random(len(values)) < missing
    )


def _tables():
    """Keys that repeat, are NULL, are in the other table in no row, and of several types."""
    random = np.random.default_rng(11)
    made = {}
    for name, rows in ROWS.items():
        made[name] = {
            "ra": pa.array(random.random(rows) * 3), "dec": pa.array(random.random(rows)),
            "mag": _some(random, 14 + random.random(rows) * 10, pa.float32()),
            "flux": pa.array(random.standard_normal(rows)),
            "kind": pa.array(random.choice(["a", "b", None], rows).tolist()),
            "good": pa.array(random.random(rows) < 0.5),
        }  # fmt: skip
    integers = random.integers
    made["objects"] |= {"id": pa.array(random.permutation(3_000) - 1_000),
                        "beside": _some(random, integers(-1_000, 2_000, 3_000), pa.int32())
                        }  # fmt: skip
    made["spectra"] |= {"id": pa.array(random.permutation(700) * 3),
                        "owner": _some(random, integers(-1_200, 2_200, 700), pa.int64()),
                        "plate": _some(random, integers(0, 90, 700), pa.uint8())}  # fmt: skip
    made["lines"] |= {"owner": _some(random, integers(-30, 2_130, 9_000), pa.int32()),
                      "line": _some(random, integers(-10, 110, 9_000), pa.int16())}  # fmt: skip
    return {name: pa.table(columns) for name, columns in made.items()}


@pytest.fixture(scope="module")
def tables():
    return _tables()


@pytest.fixture(scope="module")
def home(tables, tmp_path_factory):
    folder = tmp_path_factory.mktemp("seeking")
    for name, table in tables.items():
        sq.build(table, folder / name, ra="ra", dec="dec", progress=False)
    return folder


@pytest.fixture
def oracle(tables):
    """Rows of a text by DuckDB, of the whole tables."""
    connection = duckdb.connect()
    for name, table in tables.items():
        connection.register(name, table)
    return lambda sql: _sorted(connection.sql(sql).fetchall())


@pytest.fixture
def sought(monkeypatch):
    """How many rows of each table were left in each query, as if all were large enough."""
    left = []
    real = Seeking.fewer

    def fewer(self, rows, reads):
        made = real(self, rows, reads)
        left.append(
            {
                read.name: (read.table.rows, new.table.rows)
                for read, new in zip(reads, made, strict=True)
            }
        )
        return made

    monkeypatch.setattr(Seeking, "fewer", fewer)
    monkeypatch.setattr(ordering, "_WORTH", 0)
    monkeypatch.setattr(seeking, "_WORTH", 1)
    monkeypatch.setattr(seeking, "_FEW", 2)
    _forget()
    yield left
    _forget()


def _forget():
    hot.forget_all()
    standing.close_all()
    arranging.forget_all()


def _sorted(rows):
    rounded = [tuple(float(f"{v:.9g}") if isinstance(v, float) else v for v in row) for row in rows]
    return sorted(rounded, key=repr)


def _warm(archive, adql, **how):
    """The rows when the columns lie in memory."""
    tables = [archive.query(adql, **how).to_table() for _ in range(3)]
    return _sorted(tuple(row.values()) for row in tables[-1].to_pylist())


# ---------------------------------------------------------------- drawn queries
def _drawn(random):
    """A query of two to four tables, in a text that is ADQL and SQL: mostly of inner joins."""
    names = random.choice(list(ROWS), random.integers(2, 5))
    aliases = [f"t{number}" for number in range(len(names))]
    text = f"{names[0]} {aliases[0]}"
    for number in range(1, len(names)):
        other = random.integers(number)
        kind = random.choice(["JOIN", "JOIN", "JOIN", "JOIN", "LEFT JOIN", "RIGHT JOIN"])
        ends = [f"{aliases[each]}.{random.choice(WHOLE[names[each]])}" for each in (number, other)]
        more = random.choice(
            [
                "",
                "",
                f" AND {aliases[number]}.flux < 1.5",
                f" AND {aliases[number]}.mag < {aliases[other]}.mag",
            ]
        )
        equal = " = ".join(random.permutation(ends))
        text += f" {kind} {names[number]} {aliases[number]} ON {equal}{more}"
    tests = [
        _test(random, str(alias)) for alias in random.permutation(aliases)[: random.integers(1, 4)]
    ]
    joined = random.choice([" AND ", " AND ", " AND ", " OR "]).join(tests)
    first, last = aliases[0], aliases[-1]
    if random.random() < 0.3:
        counted = f"COUNT(*) AS n, COUNT({last}.mag) AS m, MAX({last}.flux) AS f"
        return f"SELECT {first}.good, {counted} FROM {text} WHERE {joined} GROUP BY {first}.good"
    return f"SELECT {first}.flux, {last}.flux AS other, {last}.kind FROM {text} WHERE {joined}"


def _test(random, of):
    return str(random.choice([
        f"{of}.mag < {14 + random.random() * 1.5:.2f}",
        f"{of}.mag BETWEEN 20 AND {20 + random.random():.2f}",
        f"{of}.flux > {1.5 + random.random():.2f}",
        f"{of}.mag IS NULL",
        f"({of}.kind = 'a' AND {of}.mag < 15.5)",
        f"({of}.flux < -2.2 OR {of}.flux > 2.4)",
    ]))  # fmt: skip


@pytest.mark.parametrize("seed", range(4))
def test_drawn_joins_have_the_rows_of_the_whole_tables(home, oracle, sought, seed):
    random = np.random.default_rng([31, seed])
    archive = sq.archive(home)
    for _ in range(25):
        adql = _drawn(random)
        wanted = oracle(adql)
        if len(wanted) < 100_000:
            assert _warm(archive, adql) == wanted, adql
    fewer = [sum(left < whole for whole, left in each.values()) for each in sought]
    assert sum(number > 1 for number in fewer) >= 10


# ---------------------------------------------------------------- what is sought
def test_only_rows_of_the_keys_are_left(home, oracle, sought):
    adql = FEW.replace("14.1", "15 AND s.flux < -1.2")
    assert _warm(sq.archive(home), adql) == oracle(adql)
    of = "SELECT id FROM spectra WHERE mag < 15 AND flux < -1.2"
    ((keys,),), ((rows,),) = (
        oracle(f"SELECT COUNT(*) FROM ({of})"),
        oracle(f"SELECT COUNT(*) FROM lines WHERE owner IN ({of})"),
    )
    assert sorted(sought[-1].values()) == [(700, keys), (9_000, rows)]
    assert 0 < rows < 200


def test_keys_lead_from_table_to_table(home, oracle, sought):
    adql = (
        "SELECT o.flux, l.flux AS other FROM lines l JOIN spectra s ON l.owner = s.id "
        "JOIN objects o ON s.owner = o.id WHERE l.flux > 3.0"
    )
    assert _warm(sq.archive(home), adql) == oracle(adql)
    left = sought[-1]
    assert all(few * 50 < whole for whole, few in left.values())


def test_a_table_that_stands_twice_is_two(home, oracle, sought):
    adql = (
        "SELECT a.flux, b.flux AS other FROM lines a JOIN lines b ON a.owner = b.owner "
        "WHERE a.flux > 3 AND b.flux < 0"
    )
    assert _warm(sq.archive(home), adql) == oracle(adql)
    left = sought[-1]
    assert sum(few < 100 for _, few in left.values()) == 2


def test_a_table_that_was_given_leads(home, oracle, sought, tables):
    mine = pa.table({"id": [3, 9, 9, None, 10**15]})
    adql = "SELECT m.id, l.flux FROM lines l, mine m WHERE m.id = l.owner"
    archive = sq.archive(home)
    of = tables["lines"]["owner"].to_pylist()
    for _ in range(3):
        rows = archive.query(adql, uploads={"mine": mine}).to_table()
    assert sorted(rows["id"].to_pylist()) == sorted([3] * of.count(3) + [9] * 2 * of.count(9))
    assert (9_000, of.count(3) + of.count(9)) in sought[-1].values()
    other = archive.query(adql, uploads={"mine": pa.table({"id": [12]})}).to_table()
    assert other.num_rows == of.count(12) > 0


@pytest.mark.parametrize(
    "adql",
    [
        "SELECT s.id, l.flux FROM spectra s LEFT JOIN lines l ON l.owner = s.id WHERE s.mag < 14.1",
        "SELECT l.flux FROM lines l WHERE l.owner IN (SELECT id FROM spectra WHERE mag < 14.1)",
        "SELECT s.id, l.flux FROM spectra s JOIN lines l ON l.flux = s.flux WHERE s.mag < 14.1",
        "SELECT s.id, l.flux FROM spectra s JOIN lines l ON l.owner = s.mag WHERE s.mag < 14.1",
        "SELECT s.id, l.flux FROM spectra s JOIN lines l ON l.owner = s.id + 1 WHERE s.mag < 14.1",
        "SELECT l.flux FROM spectra s JOIN lines l ON l.owner = s.id OR s.id = 3 WHERE s.mag < 15",
    ],
)
def test_where_a_row_matters_without_its_key_nothing_is_sought(home, oracle, sought, adql):
    assert _warm(sq.archive(home), adql) == oracle(adql)
    assert not sought


def test_many_keys_are_not_sought(home, oracle, sought, monkeypatch):
    monkeypatch.setattr(seeking, "_FEW", 64)
    many = FEW.replace("14.1", "16")
    assert _warm(sq.archive(home), many) == oracle(many)
    assert not sought
    monkeypatch.setattr(seeking, "_WORTH", 9_001)
    assert _warm(sq.archive(home), FEW) == oracle(FEW)
    assert not sought


def test_what_was_few_and_is_many_is_passed_over(home, oracle, sought, monkeypatch):
    """The way is chosen once for a text; the rows are those of each time."""
    archive = sq.archive(home)
    wanted = oracle(FEW)
    assert _warm(archive, FEW) == wanted
    monkeypatch.setattr(seeking, "_FEW", 9_000)
    assert _warm(archive, FEW) == wanted
    assert (9_000, 9_000) in sought[-1].values()


def test_a_condition_that_is_drawn_is_asked_once(home, sought):
    """Asked twice, it would let a quarter of the rows through where half are meant."""
    adql = (
        "SELECT COUNT(*) AS n FROM spectra s JOIN lines l ON l.owner = s.id "
        "WHERE s.mag < 15 AND RAND() + 0 * s.flux < 0.5"
    )
    _warm(sq.archive(home), adql)
    assert sought
    (_, first), *_ = sorted(sought[-1].values())
    whole = sq.archive(home).query("SELECT COUNT(*) AS n FROM spectra WHERE mag < 15").to_table()
    assert first == whole["n"][0].as_py()


# ---------------------------------------------------------------- what is held
def test_all_plain_kinds_come_back_as_they_were(home, sought):
    kinds = [*map(pa.array, ([1.5], ["x"], [True])), *(pa.array([1], kind) for kind in (
        pa.int8(), pa.int16(), pa.int32(), pa.int64(), pa.uint8(), pa.uint16(), pa.uint32(),
        pa.uint64(), pa.float32()))]  # fmt: skip
    table = pa.table({f"c{number}": each for number, each in enumerate(kinds)})
    assert all(map(hot.is_plain, table.schema.types))
    with standing.standing("SELECT t.* FROM s0 AS t", {"s0": table}) as (connection, text):
        assert duck._reader(connection, text).read_all() == table


def test_the_order_of_keys_takes_its_place_and_goes_with_its_column(home, sought, monkeypatch):
    archive = sq.archive(home)
    _warm(archive, FEW)
    (of,) = [each for (_, name), each in hot._COLUMNS.items() if name == "owner" and each.values]
    assert of.size == of.values.nbytes + of.order.size
    monkeypatch.setattr(hot, "_MOST_BYTES", 1)
    _warm(archive, "SELECT ra FROM objects")
    assert not any(each.order for each in hot._COLUMNS.values())
    assert _warm(archive, FEW) == _warm(archive, FEW)


def test_an_order_is_that_of_its_own_values(monkeypatch):
    """Another thread may have read the column anew since this table was made."""
    ours, since = (pa.chunked_array([each]) for each in ([5, 7], [7, 5]))
    monkeypatch.setattr(hot, "_COLUMNS", hot.OrderedDict())
    hot._put(("sky", "id"), hot._Column((), since, since, order=KeyOrder.of(since)))
    table = Held("sky", pa.table({"id": ours}), "sky", {"id": hot._Column((), ours, ours)})
    assert table.sought("id", np.array([7]), 9) == pa.table({"id": [7]})
    assert table.order("id").rows_of(np.array([7]), 9).tolist() == [1]
    assert hot._COLUMNS["sky", "id"].order.rows_of(np.array([7]), 9).tolist() == [0]


def test_a_catalogue_built_anew_is_sought_anew(home, tables, sought, tmp_path):
    shutil.copytree(home / "spectra", tmp_path / "spectra")
    archive = sq.archive(tmp_path)
    for turn in range(3):
        shutil.rmtree(tmp_path / "lines", ignore_errors=True)
        owner = pa.concat_tables([tables["lines"][turn:], tables["lines"][:turn]])["owner"]
        lines = tables["lines"].drop_columns("owner").append_column("owner", owner)
        sq.build(lines, tmp_path / "lines", ra="ra", dec="dec", progress=False)
        for file in tmp_path.rglob("*"):
            os.utime(file, ns=(10**18, 10**18))
        connection = duckdb.connect()
        connection.register("lines", lines)
        connection.register("spectra", tables["spectra"])
        assert _warm(archive, FEW) == _sorted(connection.sql(FEW).fetchall())
    assert len(sought) >= 3


def test_a_query_is_heard_of_from_its_first_rows_on(home, sought, monkeypatch):
    """Whoever stops it, or its time that is over, stops also what is asked before."""
    archive, stop, heard = sq.archive(home), Stop(), []
    _warm(archive, FEW)
    reader = duck._reader

    def read(connection, text):
        heard.append(connection in stop._running)
        return reader(connection, text)

    monkeypatch.setattr(duck, "_reader", read)
    plan = archive.query(FEW)
    plan = replace(plan, limits=replace(plan.limits, stop=stop))
    assert plan.to_table().num_rows > 5
    assert heard == [True, True]
    real = Seeking.fewer
    monkeypatch.setattr(Seeking, "fewer", lambda *given: stop.ring() or real(*given))
    with pytest.raises(CancelledError, match="stopped"):
        plan.to_table()
    assert len(heard) == 3
