"""A query's SQL for other engines, by sqlglot; a function that has no form there is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import sqlglot
from sqlglot import exp
from sqlglot.errors import ErrorLevel, SqlglotError

from skyquarry.adql.engines import REWRITTEN, calls_in, in_words_of, ordered_once
from skyquarry.adql.geometry.manycorners import PREFIX, polygon_of
from skyquarry.adql.geometry.regionsql import MAX_EDGES, region_sql, xyz_sql
from skyquarry.errors import QueryError, one_of

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

DIALECTS: Final = ("duckdb", "trino", "spark")
_OURS: Final = {
    "sky_healpix": "ivo_healpix_index of a position that is not a catalogue's own",
    "sky_healpix_center": "ivo_healpix_center",
    "sky_htm": "htm_id",
    "sky_moved": "ivo_epoch_prop_pos",
    "sky_touching": "INTERSECTS of these two shapes",
    "sky_containing": "CONTAINS of these two shapes",
    "sky_propagated": "ivo_epoch_prop",
    "epoch_us": "ivo_to_mjd or ivo_to_jd",
    "list_has_all": "ivo_hasword with words of a column",
    "histogram": "ivo_histogram",
    "list_sum": "array_sum",
    "list_avg": "array_avg",
    "array_min": "array_min",
    "array_max": "array_max",
    "percentile_cont": "median",
    "regr_r2": "ivo_regr_r2",
}
"""Functions of our SQL that other engines lack, and those of ADQL that they stand for."""


def in_dialect(sql: str, dialect: str, called: Collection[str] = ()) -> str:
    """Our SQL as an engine's own, read again to see that it is; `called` are its functions.

    Raises QueryError for a function that has no form there, UserError for another dialect.
    """
    one_of("dialect", dialect, DIALECTS)
    tree = sqlglot.parse_one(sql, read="duckdb")
    polygons = {each.partition("=")[0]: each for each in called if each.startswith(PREFIX)}
    if polygons:
        tree = tree.transform(_edge_by_edge, polygons)
        sql = str(tree.sql(dialect="duckdb"))
    if dialect == "duckdb":
        _refuse([name for name in _unknown_in(tree) if name.startswith("sky_")], dialect)
        return sql
    _check(tree, dialect)
    try:
        tree = in_words_of(ordered_once(tree), dialect)
        found = str(tree.sql(dialect=dialect, unsupported_level=ErrorLevel.RAISE))
        sqlglot.parse_one(found, read=dialect)
    except SqlglotError as error:
        raise QueryError(f"the query has no form in {dialect}: {error}") from None
    _refuse([name.lower() for name in calls_in(found, dialect)], dialect)
    return found


def _check(tree: Any, dialect: str) -> None:
    """Refuses what has no form in any engine but ours, before it is written."""
    _refuse([name for name in _unknown_in(tree) if name not in REWRITTEN], dialect)
    if tree.find(exp.TryCast):
        raise QueryError(
            f"CAST to VARCHAR has no form in {dialect} of a number with a fraction or of a moment, "
            "which engines write with other digits: ask for the value itself"
        )


def _unknown_in(tree: Any) -> list[str]:
    return sorted({str(each.name).lower() for each in tree.find_all(exp.Anonymous)})


def _refuse(lacking: list[str], dialect: str) -> None:
    for name in lacking:
        what = _OURS.get(name, name.removeprefix("sky_user_"))
        what = "CONTAINS of a polygon of many corners" if name.startswith(PREFIX) else what
        raise QueryError(
            f"{what} has no form in {dialect}: work it out beforehand, as a column, or run the "
            "query here"
        )


def _edge_by_edge(node: Any, polygons: Mapping[str, str]) -> Any:
    """A polygon as conditions on its edges, where they are not too many for SQL."""
    name = str(node.name) if isinstance(node, exp.Anonymous) else ""
    if name not in polygons:
        return node
    polygon = polygon_of(polygons[name])
    if len(polygon.vertices) > MAX_EDGES:
        return node
    ra, dec = (each.sql(dialect="duckdb") for each in node.expressions)
    return sqlglot.parse_one(region_sql(polygon, xyz_sql(ra, dec)), read="duckdb")
