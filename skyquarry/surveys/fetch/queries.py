"""ADQL texts: what a table has, how many rows a cell holds, and the rows themselves."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from skyquarry.surveys.fetch import areas

if TYPE_CHECKING:
    from collections.abc import Sequence

    from skyquarry.surveys.fetch.cells import Cell
    from skyquarry.surveys.fetch.head import Head

COUNTED = "n_rows"
_REGULAR = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
# SQL92's and ADQL 2.1's reserved words that columns of surveys are called by.
_RESERVED = frozenset(
    """
    ABS AREA AS AT BOX BY CASE CAST CIRCLE COLUMN CONTAINS COUNT COORD1 COORD2 DATE DAY
    DEGREES DESC DISTANCE DOMAIN END EXP FIRST FLOOR FOR FROM GROUP HOUR IN INDEX INTERSECTS
    IS KEY LAST LEVEL LOG MAX MIN MINUTE MOD MODULE MONTH NAMES NO NOT OF OFFSET ON OPEN
    OPTION OR ORDER PAD PI POINT POLYGON POSITION POWER PUBLIC RAND READ REAL REGION ROUND
    ROWS SECOND SECTION SELECT SESSION SIGN SIZE SQRT SUM TABLE TIME TIMESTAMP TO TOP
    TRUNCATE UNION UNIQUE USAGE USER USING VALUE VALUES VIEW WHEN WHERE WITH YEAR ZONE
    """.split()  # noqa: SIM905
)  # without DEC: every service takes `dec` as it stands


def name(column: str) -> str:
    """A column as ADQL writes it: quoted where it is no regular name, or a reserved word.

    >>> name("ra"), name("e_B-V"), name("date")
    ('ra', '"e_B-V"', '"date"')
    """
    if _REGULAR.fullmatch(column) and column.upper() not in _RESERVED:
        return column
    return '"' + column.replace('"', '""') + '"'


def table_name(table: str) -> str:
    """A table as ADQL writes it; one that is quoted already stays as it is.

    >>> table_name("gaiadr3.gaia_source"), table_name("II/246/out")
    ('gaiadr3.gaia_source', '"II/246/out"')
    """
    regular = all(_REGULAR.fullmatch(part) for part in table.split("."))
    return table if regular or '"' in table else f'"{table}"'


def head_query(table: str) -> str:
    """A query whose answer shows the table's columns."""
    return f"SELECT TOP 1 * FROM {table_name(table)}"  # noqa: S608  no value is put in


def count_query(head: Head, cell: Cell) -> str:
    """A query that counts the rows `rows_query` gives."""
    return (
        f"SELECT COUNT(*) AS {COUNTED} FROM {table_name(head.table)} "  # noqa: S608
        f"WHERE {condition(head, cell)}"
    )


def rows_query(head: Head, cell: Cell) -> str:
    """A query for a cell's rows, and some beyond its border."""
    what = "*" if head.asked is None else ", ".join(name(each) for each in head.asked)
    table = table_name(head.table)
    return f"SELECT {what} FROM {table} WHERE {condition(head, cell)}"  # noqa: S608


def condition(head: Head, cell: Cell) -> str:
    """What stands behind WHERE: the cell, and what was asked for beside."""
    place = _PLACES[head.area](head, cell)
    return place if head.where is None else f"{place} AND ({head.where})"


def _of_circle(head: Head, cell: Cell) -> str:
    ra, dec, radius = areas.circle(cell)
    return _contains(head, f"CIRCLE('ICRS', {_numbers((ra, dec, radius))})")


def _of_polygon(head: Head, cell: Cell) -> str:
    corners = areas.polygon(cell)
    if corners is None:
        return _of_circle(head, cell)
    numbers = _numbers([number for corner in corners for number in corner])
    return _contains(head, f"POLYGON('ICRS', {numbers})")


def _of_box(head: Head, cell: Cell) -> str:
    west, east, south, north = areas.box(cell)
    ra, dec = name(head.ra), name(head.dec)
    band = f"{dec} BETWEEN {south:.9f} AND {north:.9f}"
    if (west, east) == (0.0, 360.0):
        return band
    if west <= east:
        return f"{band} AND {ra} BETWEEN {west:.9f} AND {east:.9f}"
    return f"{band} AND ({ra} >= {west:.9f} OR {ra} <= {east:.9f})"


def _of_pixels(head: Head, cell: Cell) -> str:
    first, last = pixel_values(head, cell)
    return f"{name(head.healpix or '')} BETWEEN {first} AND {last}"


def pixel_values(head: Head, cell: Cell) -> tuple[int, int]:
    """The first and the last value of the service's own HEALPix column in a cell."""
    shift = 2 * (head.healpix_order - cell.order)
    step = head.healpix_step
    return (cell.pixel << shift) * step, ((cell.pixel + 1) << shift) * step - 1


def _contains(head: Head, shape: str) -> str:
    return f"1 = CONTAINS(POINT('ICRS', {name(head.ra)}, {name(head.dec)}), {shape})"


def _numbers(values: Sequence[float]) -> str:
    return ", ".join(f"{value:.9f}" for value in values)


_PLACES = {
    "circle": _of_circle,
    "polygon": _of_polygon,
    "range": _of_box,
    "healpix": _of_pixels,
}
