"""Queries printed for Spark give there the rows that they give here, where pyspark is installed."""

from __future__ import annotations

import math
import shutil

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from skyquarry.adql.asking import query
from skyquarry.catalog.roles import Roles
from skyquarry.testing.handmade import write_catalog

pytestmark = pytest.mark.filterwarnings(
    "ignore::pytest.PytestUnraisableExceptionWarning", "ignore::ResourceWarning"
)
"""pyspark leaves sockets to the collector."""
NUMBERS = (0.5, 1.5, 2.5, -0.5, -2.5, 1e20, -1e20, 1000.0, 0.001, None, 7.0, 1e15)
TEXTS = ("a_b", "a\\_b", "a\\xb", "A_B", "it's", None, "", "axb", "ü", "a%", "#a#b", "a")
LISTS = ([1.0, 2.0, 3.0], [], None, [4.0], [5.0, 6.0], *([[7.0, 8.0]] * 7))
VALUES = [
    "LOG10(x * x)", "FLOOR(x)", "CEILING(x)", "TRUNCATE(x)", "TRUNCATE(x, 1)", "ROUND(x)",
    "ROUND(x, 1)", "ROUND(id * 100000000000000 + 6, -1)", "ROUND(-id, -1)", "-id / 4",
    "MOD(-id, 4)", "MOD(x, 0.3)", "CAST(x / 1e12 AS BIGINT)", "CAST(id / 2e0 AS INTEGER)",
    "array_item(v, id)", "array_item(v, 2)", "array_length(v)", "bitwise_and(-id, 6)",
    "text || 'b'", "UPPER(text)", "CAST(text AS CHAR(2))", "ivo_hashlist_has(text, 'A')",
    "ivo_nocasematch(text, 'a\\_B')", "COALESCE(x, id)", "POWER(x, 0.5)", "LOG(x)",
]  # fmt: skip
CONDITIONS = [
    "text LIKE 'a\\_b'", "text LIKE 'a_b'", "text LIKE text", "text ILIKE 'A\\%'",
    "x < 1e308 * 10", "x NOT BETWEEN 1 AND 3", "id NOT IN (1, 2)", "NOT (x > 1 OR text = 'a')",
]  # fmt: skip


@pytest.fixture(scope="module")
def spark():
    sql = pytest.importorskip("pyspark.sql", reason="pyspark is not installed: make spark")
    if shutil.which("java") is None:
        pytest.skip("Spark needs Java, which is not installed")
    settings = {"spark.ui.enabled": "false", "spark.driver.bindAddress": "127.0.0.1"}
    builder = sql.SparkSession.builder.master("local[1]")
    for name, value in settings.items():
        builder = builder.config(name, value)
    session = builder.getOrCreate()
    yield session
    session.stop()


@pytest.fixture(scope="module")
def both(spark, tmp_path_factory):
    """Rows of a query here and there, sorted."""
    path = tmp_path_factory.mktemp("spark")
    numbers = list(range(1, len(NUMBERS) + 1))
    place = {"ra": [float(i) for i in numbers], "dec": [0.0] * len(numbers)}
    columns = {"x": pa.array(NUMBERS), "text": pa.array(TEXTS), "v": pa.array(LISTS)}
    table = pa.table({"id": numbers, **place, **columns})
    roles = Roles(ra="ra", dec="dec", id="id").to_properties()
    write_catalog(path / "few", table, margin_arcsec=None, properties=roles)
    pq.write_table(table, path / "few.parquet")
    spark.read.parquet(str(path / "few.parquet")).createOrReplaceTempView("few")

    def of(adql: str, **how):
        plan = query(adql, {"few": path / "few"}, **how)
        here = [tuple(row.values()) for row in plan.to_table().to_pylist()]
        return here, [tuple(row) for row in spark.sql(plan.to_sql("spark")).collect()]

    return of


def _same(one: object, other: object) -> bool:
    if isinstance(one, float) and isinstance(other, float):
        return math.isclose(one, other, rel_tol=1e-14)
    return type(one) is type(other) and one == other


@pytest.mark.parametrize("value", VALUES)
def test_values_are_the_same_in_spark(both, value):
    here, there = both(f"SELECT id, {value} AS y FROM few ORDER BY id")
    for one, other in zip(here, there, strict=True):
        assert one[0] == other[0]
        assert _same(one[1], other[1]), (value, one, other)


@pytest.mark.parametrize("condition", CONDITIONS)
def test_conditions_choose_the_same_rows_in_spark(both, condition):
    here, there = both(f"SELECT id FROM few WHERE {condition} ORDER BY id")
    assert here == there


@pytest.mark.parametrize("order", ["x", "x DESC", "text", "text DESC, x"])
def test_the_first_rows_of_an_order_are_the_same_in_spark(both, order):
    here, there = both(f"SELECT id, x FROM few ORDER BY {order}, id OFFSET 1", limit=6)
    assert here == there
