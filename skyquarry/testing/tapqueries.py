"""The small part of ADQL that a test's TAP server answers, over an Arrow table.

SELECT [TOP n] columns | * | COUNT(*) [AS name] FROM table [WHERE condition]; conditions of AND, OR,
NOT, comparisons, BETWEEN, IS NULL and 1 = CONTAINS(POINT, CIRCLE | POLYGON). Geometry is worked out
here by plain formulas, not by those of `skyquarry.sky`, so that a client's are held to others.
"""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pyarrow as pa
from sqlglot import exp, parse_one
from sqlglot.errors import SqlglotError


class QueryError(Exception):
    """A query that this server does not understand."""


def answer(table: pa.Table, name: str, adql: str) -> pa.Table:
    """The rows, or the count, that a query asks for. Raises QueryError."""
    try:
        tree = parse_one(_as_sql(adql), dialect="postgres")
    except SqlglotError as fault:
        raise QueryError(f"it is no ADQL: {str(fault)[:200]}") from fault
    source = tree.find(exp.Table)
    if not isinstance(tree, exp.Select) or source is None:
        raise QueryError("a SELECT ... FROM is needed")
    asked = ".".join(part.name for part in source.parts)
    if asked.lower() != name.lower():
        raise QueryError(f"there is no table {asked}")
    where = tree.args.get("where")
    rows = table if where is None else table.filter(pa.array(_truth(where.this, table)))
    limit = tree.args.get("limit")
    if limit is not None:
        rows = rows.slice(0, int(limit.expression.name))
    return _selected(tree.expressions, rows)


def _as_sql(adql: str) -> str:
    """TOP n in front as LIMIT n behind, and geometry by names that mean nothing else in SQL."""
    named = re.sub(
        r"\b(CONTAINS|POINT|CIRCLE|POLYGON)\s*\(", r"ADQL_\1(", adql, flags=re.IGNORECASE
    )
    found = re.match(r"\s*SELECT\s+TOP\s+(\d+)\s", named, re.IGNORECASE)
    return named if not found else f"SELECT {named[found.end() :]} LIMIT {found[1]}"


def _selected(wanted: list[Any], rows: pa.Table) -> pa.Table:
    first = wanted[0]
    if isinstance(first.unalias(), exp.Count):
        return pa.table({first.alias or "count": pa.array([rows.num_rows], pa.int64())})
    if isinstance(first, exp.Star):
        return rows
    return rows.select([_column(each, rows) for each in wanted])


def _column(node: Any, table: pa.Table) -> str:
    """A quoted name to the letter, another one without regard to case."""
    if not isinstance(node, exp.Column):
        raise QueryError(f"{node.sql()} is no column")
    same = node.name if node.this.quoted else None
    found = [
        name
        for name in table.column_names
        if name == same or (same is None and name.lower() == node.name.lower())
    ]
    if not found:
        raise QueryError(f"unknown column {node.name}")
    return str(found[0])


def _values(node: Any, table: pa.Table) -> Any:
    if isinstance(node, exp.Column):
        return table[_column(node, table)].to_numpy(zero_copy_only=False)
    if isinstance(node, exp.Neg):
        return -_values(node.this, table)
    if isinstance(node, exp.Paren):
        return _values(node.this, table)
    if isinstance(node, exp.Literal):
        text = node.name
        return text if node.is_string else int(text) if text.isdigit() else float(text)
    if _is_called(node, "CONTAINS"):
        return _contains(*node.expressions, table=table).astype(int)
    raise QueryError(f"{node.sql()} is not understood")


_COMPARE = {
    exp.EQ: np.equal,
    exp.NEQ: np.not_equal,
    exp.LT: np.less,
    exp.LTE: np.less_equal,
    exp.GT: np.greater,
    exp.GTE: np.greater_equal,
}


def _truth(node: Any, table: pa.Table) -> Any:  # noqa: PLR0911  a case a line
    """Which rows (n,) bool meet a condition; what compares with a null does not."""
    if isinstance(node, exp.Paren):
        return _truth(node.this, table)
    if isinstance(node, exp.And):
        return _truth(node.this, table) & _truth(node.expression, table)
    if isinstance(node, exp.Or):
        return _truth(node.this, table) | _truth(node.expression, table)
    if isinstance(node, exp.Not):
        return ~_truth(node.this, table)
    if isinstance(node, exp.Is):
        return table[_column(node.this, table)].is_null().to_numpy()
    if isinstance(node, exp.Between):
        value = _values(node.this, table)
        low, high = _values(node.args["low"], table), _values(node.args["high"], table)
        return (value >= low) & (value <= high)
    if type(node) in _COMPARE:
        pair = (_values(side, table) for side in (node.this, node.expression))
        return np.broadcast_to(_COMPARE[type(node)](*pair), table.num_rows)
    raise QueryError(f"{node.sql()} is no condition that is understood")


def _is_called(node: Any, name: str) -> bool:
    return isinstance(node, exp.Anonymous) and node.name.upper() == f"ADQL_{name}"


def _contains(point: Any, shape: Any, *, table: pa.Table) -> Any:
    if not _is_called(point, "POINT"):
        raise QueryError(f"{point.sql()} is no POINT")
    ra, dec = (np.radians(_values(each, table)) for each in _arguments(point))
    numbers = np.radians([float(_values(each, table)) for each in _arguments(shape)])
    if _is_called(shape, "CIRCLE"):
        return _in_circle(ra, dec, *numbers)
    if _is_called(shape, "POLYGON"):
        return _in_polygon(ra, dec, numbers.reshape(-1, 2))
    raise QueryError(f"{shape.sql()} is no shape that is understood")


def _arguments(node: Any) -> list[Any]:
    """The arguments of POINT, CIRCLE, POLYGON without the coordinate system."""
    inside = list(node.expressions)
    named = inside and isinstance(inside[0], exp.Literal) and inside[0].is_string
    return inside[1:] if named else inside


def _in_circle(ra: Any, dec: Any, ra0: float, dec0: float, radius: float) -> Any:
    """By the haversine."""
    half = np.sin((dec - dec0) / 2) ** 2
    half += np.cos(dec) * np.cos(dec0) * np.sin((ra - ra0) / 2) ** 2
    return 2.0 * np.arcsin(np.sqrt(np.clip(half, 0.0, 1.0))) <= radius


def _in_polygon(ra: Any, dec: Any, corners: Any) -> Any:
    """Of a convex polygon: on the same side of all its great circles as its middle."""
    vertices = _directions(corners[:, 0], corners[:, 1])
    middle, points = vertices.mean(axis=0), _directions(ra, dec)
    inside = np.ones(len(points), bool)
    for a, b in zip(vertices, np.roll(vertices, -1, axis=0), strict=True):
        plane = np.cross(a, b)
        inside &= (points @ plane) * np.sign(middle @ plane) >= 0.0
    return inside


def _directions(ra: Any, dec: Any) -> Any:
    return np.stack([np.cos(dec) * np.cos(ra), np.cos(dec) * np.sin(ra), np.sin(dec)], axis=-1)
