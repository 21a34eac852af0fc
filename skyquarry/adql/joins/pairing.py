"""Joins on position in plain SQL: both sides by cells of the sky, which the database can hash.

Declinations are cut into zones a little higher than the radius, each zone into as many bins of RA
as are wider than the radius reaches there. A row of one side lies in one cell; a row of the other
is looked for in nine, its own and those round it, of which a pair has exactly one in common. So
each pair is met once, wherever it lies: bins close round 0h, a zone that holds a pole is one bin.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from skyquarry.adql.kinds import literal

if TYPE_CHECKING:
    from skyquarry.adql.geometry.shapes import Point
    from skyquarry.adql.scopes import Relation, Tree
    from skyquarry.adql.state import State
    from skyquarry.adql.terms import Near

_LEAST: Final = 0.05 / 3600.0
"""Degrees: lower zones would have more bins than a key has room for."""
_MOST: Final = 2.0
"""Degrees: wider, nine cells hold so much that nothing is gained."""
_WIDER: Final = 1.0 + 1e-6
_KEY: Final = 100_000_000
CELL: Final = '"~cell"'
"""What the column of cells is called: no name of ADQL's, quoted or not, is like it."""


@dataclass(frozen=True, slots=True)
class Hashed:
    """How a join on position is made quick."""

    relation: Relation
    """The side that is looked for in nine cells."""
    sql: str
    """What stands in its place."""
    test: str
    """The condition that joins the cells."""


def hashed(near: Near, one: Relation, other: Point) -> Hashed | None:
    """One side of a pair of points spread over nine cells; None for a radius that gains nothing."""
    if not 0.0 <= near.radius_deg <= _MOST:
        return None
    height = max(near.radius_deg, _LEAST) * _WIDER
    spread = near.one if near.other is other else near.other
    zone = f"({_zone(spread, height)} + dz)"
    bins = _bins(zone, height)
    key = f"{zone} * {_KEY} + ({_bin(spread, bins)} + db + {bins}) % {bins}"
    sql = (
        f"(SELECT {one.alias}.*, {key} AS {CELL} FROM {one.sql} "
        "CROSS JOIN (VALUES (-1), (0), (1)) AS zones(dz) "
        "CROSS JOIN (VALUES (0), (1), (-1)) AS bins(db) "
        f"WHERE db = 0 OR (db = 1 AND {bins} > 1) OR {bins} > 2) AS {one.alias}"
    )
    own = _zone(other, height)
    count = _bins(own, height)
    test = f"{one.alias}.{CELL} = {own} * {_KEY} + {_bin(other, count)} % {count}"
    return Hashed(one, sql, test)


def quickened(state: State, tree: Tree, nears: tuple[Near, ...]) -> tuple[Tree, str]:
    """A FROM with one of its tables spread over cells, and the condition that joins them.

    The condition is empty where no pair of points is of two tables of it, or of one and another.
    The smaller table is spread.
    """
    found = [
        (_rows(state, relation), number, made)
        for number, near in enumerate(nears)
        for spread, other in ((near.one, near.other), (near.other, near.one))
        if (relation := _owner(tree, spread)) is not None and _owner(tree, other) is not relation
        if (made := hashed(near, relation, other)) is not None
    ]
    for _, _, made in sorted(found, key=lambda each: each[:2]):
        whole = re.compile(re.escape(made.relation.sql) + r"(?!\d)")
        parts = whole.split(tree.sql)
        if len(parts) == 2:
            return replace(tree, sql=made.sql.join(parts)), made.test
    return tree, ""


def _owner(tree: Tree, point: Point) -> Relation | None:
    """The table whose columns, and no other's, a point is made of."""
    names = {column.partition(".")[0] for part in point.parts for column in part.free}
    owners = [each for each in tree.relations if {each.alias} == names and each.sql]
    return owners[0] if len(owners) == 1 else None


def _rows(state: State, relation: Relation) -> int:
    """How many rows a table has, about; a query's are not guessed."""
    for scan in state.scans:
        if scan.alias == relation.alias:
            table = getattr(scan.table, "table", None)
            if table is not None:
                return int(table.num_rows)
            return int(scan.table.source.stored.n_rows)  # type: ignore[attr-defined]
    return 1 << 62


def _zone(point: Point, height: float) -> str:
    return f"CAST(floor(({point.lat.sql} + 90) / {literal(height)}) AS BIGINT)"


def _bins(zone: str, height: float) -> str:
    """How many bins of RA a zone has: each wider than a pair in it or next to it can be apart."""
    h = literal(height)
    south, north = f"abs({zone} * {h} - 90 - {h})", f"abs(({zone} + 1) * {h} - 90 + {h})"
    farthest = f"greatest({south}, {north})"
    ratio = f"sin(radians({h})) / cos(radians(least({farthest}, 89)))"
    apart = f"degrees(asin(least({ratio}, 1))) * {literal(_WIDER)}"
    return (
        f"(CASE WHEN {farthest} + {h} < 89 "
        f"THEN greatest(CAST(floor(360 / ({apart})) AS BIGINT), 1) ELSE 1 END)"
    )


def _bin(point: Point, bins: str) -> str:
    turned = f"({point.lon.sql} - 360 * floor({point.lon.sql} / 360))"
    return f"CAST(floor({turned} * {bins} / 360) AS BIGINT)"
