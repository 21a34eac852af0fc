"""Infinities in columns: what has no value (inf - inf, 0 * inf, sin(inf)) is NULL, as NaN is."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from skyquarry.adql.asking import query
from skyquarry.catalog.roles import Roles
from skyquarry.engine.catalog import open_catalog
from skyquarry.testing.handmade import write_catalog

_VALUES = [1.0, -2.0, 0.0, np.inf, -np.inf, np.nan]


@pytest.fixture(scope="module")
def rows() -> pd.DataFrame:
    u, g = np.meshgrid(_VALUES, _VALUES)
    number = np.arange(u.size)
    places = {"ra": number * 7.0, "dec": number - 17.0, "id": number}
    return pd.DataFrame({**places, "u": u.ravel(), "g": g.ravel(), "tame": number / 7.0})


@pytest.fixture(scope="module")
def path(rows, tmp_path_factory):
    folder = tmp_path_factory.mktemp("infinite") / "t"
    properties = Roles(ra="ra", dec="dec", id="id").to_properties()
    table = pa.Table.from_pandas(rows, preserve_index=False)
    write_catalog(folder, table, margin_arcsec=None, properties=properties)
    return folder


@pytest.fixture(params=["catalogue", "upload"])
def ask(request, path, rows):
    """A query's plan over the rows as a catalogue, and as a table given along."""
    given = ({"t": path}, {}) if request.param == "catalogue" else ({}, {"t": rows})
    return lambda adql: query(adql, *given)


@pytest.mark.parametrize("test", ["> 1", "<= 1", "<> 1", "= 0", "BETWEEN -9 AND 9"])
@pytest.mark.parametrize(
    ("value", "numpy"),
    [
        ("u - g", lambda t: t.u - t.g),
        ("u + g - 1", lambda t: t.u + t.g - 1),
        ("-(u * g)", lambda t: -(t.u * t.g)),
        ("u / g", lambda t: t.u / t.g.where(t.g != 0)),
        ("ABS(u - g) * 2", lambda t: (t.u - t.g).abs() * 2),
        ("SIN(u)", lambda t: np.sin(t.u)),
        ("MOD(u, 2)", lambda t: np.fmod(t.u, 2)),
        ("u * 0", lambda t: t.u * 0),
        ("EXP(u * 1e9) - EXP(g * 1e9)", lambda t: np.exp(t.u * 1e9) - np.exp(t.g * 1e9)),
        ("POWER(u, 2) - POWER(g, 2)", lambda t: t.u**2 - t.g**2),
        ("POWER(tame * 1e20, 9) - POWER(tame * 1e20, 16)", lambda t: t.tame * 0 + _grown(t.tame)),
    ],
)
@pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning", "ignore:overflow")
def test_what_has_no_value_is_in_no_comparison_and_in_none_of_their_opposites(
    ask, rows, value, numpy, test
):
    known = numpy(rows).dropna()
    truth = {
        "> 1": known > 1, "<= 1": known <= 1, "<> 1": known != 1, "= 0": known == 0,
        "BETWEEN -9 AND 9": known.between(-9, 9),
    }[test]  # fmt: skip
    for condition, wanted in ((f"{value} {test}", truth), (f"NOT ({value} {test})", ~truth)):
        found = ask(f"SELECT id FROM t WHERE {condition}").to_table()["id"].to_pylist()
        assert sorted(found) == wanted[wanted].index.tolist(), condition


def _grown(x: pd.Series) -> pd.Series:
    return (x * 1e20) ** 9 - (x * 1e20) ** 16


@pytest.mark.parametrize("executor", [None, "inline", "threads"])
def test_groups_sorts_and_aggregates_take_no_value_for_null(ask, rows, executor):
    made = "u - g AS d, (u - g) + 1 AS e, COUNT(*) AS n, COUNT(u - g) AS k"
    table = ask(f"SELECT {made} FROM t GROUP BY u - g ORDER BY d DESC").to_table(executor)
    known = (rows.u - rows.g).value_counts(dropna=False)
    assert table["d"].to_pylist()[0] == np.inf
    assert table["d"].to_pylist()[-1] is None
    assert table["e"].to_pylist()[-1] is None
    assert dict(zip(table["d"].to_pylist()[:-1], table["n"].to_pylist()[:-1], strict=True)) == (
        known[known.index.notna()].to_dict()
    )
    assert sum(table["k"].to_pylist()) == (rows.u - rows.g).notna().sum()
    (found,) = ask("SELECT SUM(u) AS s, AVG(u) AS a, MAX(u) AS m FROM t").to_table().to_pylist()
    assert found == {"s": None, "a": None, "m": np.inf}


def test_a_query_agrees_with_the_engines_where(path):
    for condition in ("u - g > 1", "u * 0 = 0", "u / g <= 1"):
        whole = open_catalog(path).where(condition).to_table().num_rows
        sql = f"SELECT COUNT(*) AS n FROM t WHERE {condition}"
        assert query(sql, {"t": path}).to_table()["n"].to_pylist() == [whole]


def test_sums_of_columns_that_are_finite_are_not_tested(path, rows):
    for given in (({"t": path}, {}), ({}, {"t": rows})):
        sql = query("SELECT id FROM t WHERE tame - dec > 1 AND POWER(tame, 2) * ra < 9", *given).sql
        assert "isnan" not in sql
        assert "isnan" in query("SELECT u - g AS d FROM t", *given).sql
