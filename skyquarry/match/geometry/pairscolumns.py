"""What the columns of pairs are called, and which of two tables' columns were asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

from skyquarry.catalog.columns import SPATIAL, resolve
from skyquarry.errors import ColumnError
from skyquarry.match.given.catalogsides import CatalogSide
from skyquarry.match.given.sides import ROW

if TYPE_CHECKING:
    from skyquarry.match.given.sides import Side

Names = tuple[str, ...]
_SEPARATION = {"unit": "arcsec", "ucd": "pos.angDistance", "description": "angular separation"}


def schema_of(
    left: Side, right: Side, chosen: tuple[Names, Names], *, positions: bool
) -> pa.Schema:
    """left_id, right_id, sep_arcsec, ra and dec where asked for, then the chosen columns."""
    fields = [
        field_of(left, str(left.roles.id)).with_name("left_id"),
        field_of(right, str(right.roles.id)).with_name("right_id"),
        pa.field("sep_arcsec", pa.float64(), metadata=_SEPARATION),
    ]
    if positions:
        fields += [_position_field(axis) for axis in ("ra", "dec")]
    for side, prefix, names in zip((left, right), prefixes(left, right), chosen, strict=True):
        fields += [field_of(side, name).with_name(f"{prefix}{name}") for name in names]
    return pa.schema(fields)


def prefixes(left: Side, right: Side) -> tuple[str, str]:
    """What the names of each side's columns begin with: its name.

    Numbered where both are equal, or where left_id could be another's.
    """
    first, second = (_plain_name(side.name) for side in (left, right))
    equal = first.lower() == second.lower()
    return _prefix(first, 1, numbered=equal), _prefix(second, 2, numbered=equal)


def _prefix(name: str, number: int, *, numbered: bool) -> str:
    numbered = numbered or name.lower() in ("left", "right")
    return f"{name}_{number}_" if numbered else f"{name}_"


def handed_out(left: Side, right: Side, columns: str | Names) -> tuple[Names, Names]:
    """The columns of each side that are handed out beside its id.

    columns: "ids", "all", or names as they are in the answer, or their own where one side has it.
    Raises ColumnError for a name of no column, or of one in both.
    """
    if columns == "ids":
        return (), ()
    ours, theirs = (tuple(n for n in s.schema.names if n != SPATIAL) for s in (left, right))
    if columns == "all":
        return ours, theirs
    if isinstance(columns, str):
        raise ColumnError(
            f"columns is {columns!r}, but 'ids', 'all' or a list of names is needed: try "
            f"columns=[{columns!r}]"
        )
    return _chosen(columns, (ours, theirs), prefixes(left, right))


def _chosen(
    wanted: Names, names: tuple[Names, Names], begin: tuple[str, str]
) -> tuple[Names, Names]:
    known = {f"{begin[side]}{name}": (side, name) for side in (0, 1) for name in names[side]}
    full = pa.schema([pa.field(name, pa.null()) for name in known])
    found: dict[tuple[int, str], None] = {}
    for name in wanted:
        sides = [side for side in (0, 1) if name in names[side]]
        if name in known or not sides:
            found[known[resolve(full, name)]] = None
        elif len(sides) == 1:
            found[sides[0], name] = None
        else:
            raise ColumnError(
                f"the column {name!r} is in both tables, but a name of one is needed: try "
                f"{begin[0]}{name} or {begin[1]}{name}"
            )
    ours, theirs = (tuple(name for side, name in found if side == k) for k in (0, 1))
    return ours, theirs


def field_of(side: Side, name: str) -> pa.Field:
    """The field of a column that a side can be asked for."""
    if name in (SPATIAL, ROW):
        return pa.field(name, pa.int64())
    if name in side.schema.names:
        return side.schema.field(name)
    assert isinstance(side, CatalogSide)  # a column that the cut leaves out
    return side.source.schema.field(name)


def _position_field(axis: str) -> pa.Field:
    told = {"unit": "deg", "ucd": f"pos.eq.{axis};meta.main", "description": "ICRS"}
    return pa.field(axis, pa.float64(), metadata=told)


def _plain_name(name: str) -> str:
    """The name as the beginning of a column's: letters, digits and underscores."""
    return "".join(c if c.isalnum() else "_" for c in name).strip("_") or "table"
