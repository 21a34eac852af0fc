"""Queries run part by part give what DuckDB gives of the whole table."""

from __future__ import annotations

import collections
import math

import duckdb
import numpy as np
import pyarrow as pa
import pytest

from skyquarry.adql.running import dividing
from skyquarry.engine.children import KEY, ON, PARENT
from skyquarry.errors import CancelledError
from skyquarry.testing.adqlqueries import Grammar
from skyquarry.testing.handmade import write_catalog

QUERIES = 200


@pytest.fixture(scope="module")
def lines(sky):
    """Up to three rows of each of two thirds of the sky's rows, in a child's columns."""
    random = np.random.default_rng(8)
    rows = random.integers(0, sky.num_rows * 2 // 3, sky.num_rows)
    of = sky.take(pa.array(rows)).select(["id", "ra", "dec"]).rename_columns(["sky_id", "ra", "dec"])
    of = of.append_column("wave", pa.array(random.random(len(rows)) * 10))
    return of.append_column("flux", pa.array(random.standard_normal(len(rows))))


@pytest.fixture(scope="module")
def family(archive, lines):
    """The archive, where `lines` is a child of the sky in tiles of other sizes."""
    properties = {
        "skyquarry_nan": "null", PARENT: str(archive / "sky"), ON: "sky_id", KEY: "id",
        "hats_col_ra": "ra", "hats_col_dec": "dec",
    }  # fmt: skip
    if not (archive / "lines").exists():
        write_catalog(
            archive / "lines", lines, max_rows=900, margin_arcsec=None, index=None,
            properties=properties,
        )  # fmt: skip
    return archive


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
def test_random_queries_in_parts_give_the_rows_of_the_whole(ask, family, oracle, seed):
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
