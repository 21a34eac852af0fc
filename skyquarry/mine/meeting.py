"""Each row of a river with the rows of a catalogue, or of a table, that lie near it."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, Literal, Protocol

import numpy as np
import pyarrow as pa

from skyquarry.catalog.arrow import from_numpy, to_numpy
from skyquarry.catalog.columns import resolve
from skyquarry.catalog.foreign import is_catalogue
from skyquarry.engine.catalog import Catalog, catalog_of
from skyquarry.engine.plan import Plan
from skyquarry.engine.scan import Scan
from skyquarry.errors import ColumnError, UserError, one_of
from skyquarry.ingest.guess import stated_unit
from skyquarry.ingest.positions import TO_DEGREES
from skyquarry.match.geometry.pairing import Part
from skyquarry.match.geometry.radii import Radius, radius_of
from skyquarry.match.given.catalogsides import CatalogSide
from skyquarry.mine.flows import FromPlan, FromTable, Fused, after
from skyquarry.mine.outer import Outer
from skyquarry.mine.steps import Map
from skyquarry.sky.dilation import around
from skyquarry.sky.ranges import Ranges
from skyquarry.sky.vectors import wrap_ra

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from skyquarry.match.geometry.search import Found, Points
    from skyquarry.mine.flows import Flow

    Ints = NDArray[np.int64]

How = Literal["inner", "left", "outer", "anti"]
WAYS = ("inner", "left", "outer", "anti")
ROW = "_row"
"""of a table, where it has to be known which of its rows have been met"""
_MANY_ROWS, _FINE, _COARSE = 2_000, 14, 10
"""More rows than this are surrounded in cells of the coarser order: a shorter list of them."""
_SEPARATION = {"unit": "arcsec", "ucd": "pos.angDistance", "description": "angular separation"}


class There(Protocol):
    """Where partners are looked for."""

    @property
    def name(self) -> str:
        """What it is called."""

    @property
    def fields(self) -> tuple[pa.Field, ...]:
        """Columns of partners, as they are called there."""

    @property
    def key(self) -> str:
        """The one of them that says which row a partner is, where that is to be known."""

    def flow(self) -> Flow:
        """All rows, with these columns and maybe more."""

    def near(
        self, points: Points, radius_arcsec: float, nearest: int | None
    ) -> tuple[Found, pa.Table]:
        """Pairs with these points, and the partner of each."""


@dataclass(frozen=True)
class CatalogThere:
    """The rows of a catalogue: what lies around is read."""

    side: CatalogSide
    columns: tuple[str, ...]

    @property
    def name(self) -> str:
        """That of the catalogue."""
        return self.side.name

    @property
    def fields(self) -> tuple[pa.Field, ...]:
        """As stored."""
        return tuple(map(self.side.source.schema.field, self.columns))

    @property
    def key(self) -> str:
        """The id."""
        return str(self.side.roles.id)

    def flow(self) -> Flow:
        """The catalogue, with its cuts."""
        scan = Scan(self.side.source, self.side.cut.only(columns=self.columns))
        return FromPlan(Plan(scan), self.name)

    def near(
        self, points: Points, radius_arcsec: float, nearest: int | None
    ) -> tuple[Found, pa.Table]:
        """Tiles and row groups around the points are read."""
        from skyquarry.match.geometry.search import find_pairs

        coarsest = _FINE if len(points.spatial) <= _MANY_ROWS else _COARSE
        where = around(points.spatial, radius_arcsec, coarsest)
        roles = self.side.roles
        part = Part(str(roles.id), str(roles.ra), str(roles.dec), Radius(), self.columns)
        there = self.side.fetch(where, part.needed).rows()
        placed = part.placed(there, Ranges.whole())
        found = find_pairs(points, placed.points, radius_arcsec, nearest=nearest)
        rows = there.rows_of(placed.places(found.right))
        return found, there.table.select(self.columns).take(from_numpy(rows))


@dataclass(frozen=True)
class TableThere:
    """The rows of a table in memory, sorted once: it travels with every task."""

    name: str
    table: pa.Table
    """columns that are handed out"""
    points: Points
    order: Ints
    """the row of each point"""

    @classmethod
    def of(
        cls, other: Any, columns: Sequence[str] | None, name: str | None, *, numbered: bool = False
    ) -> TableThere:
        """Files of any format, or a table that has columns ra and dec in degrees.

        Rows without a position are nobody's partner. `numbered`: the number of the row is among its
        columns, as `ROW`. Raises ColumnError.
        """
        from skyquarry.ingest.sources import open_sources
        from skyquarry.match.geometry.search import sorted_points

        sources = open_sources(other)
        parts = [pa.Table.from_batches(part.batches(), part.schema) for part in sources.parts()]
        table = pa.concat_tables([sources.schema.empty_table(), *parts])
        called = name
        if called is None:
            called = (
                PurePath(os.fspath(other)).stem if isinstance(other, str | os.PathLike) else "other"
            )
        ra, dec, rows = positions(table, resolve(table.schema, "ra"), resolve(table.schema, "dec"))
        points, order = sorted_points(ra, dec)
        wanted = table.schema.names if columns is None else columns
        told = table.select([resolve(table.schema, each) for each in wanted])
        if numbered:
            told = told.append_column(ROW, from_numpy(np.arange(told.num_rows)))
        return cls(called, told.combine_chunks(), points, rows[order])

    @property
    def fields(self) -> tuple[pa.Field, ...]:
        """Those of the table."""
        return tuple(self.table.schema)

    @property
    def key(self) -> str:
        """The number of the row."""
        return ROW

    def flow(self) -> Flow:
        """The table."""
        from skyquarry.ingest.sources import open_sources

        return FromTable(open_sources(self.table))

    def near(
        self, points: Points, radius_arcsec: float, nearest: int | None
    ) -> tuple[Found, pa.Table]:
        """All points are looked through."""
        from skyquarry.match.geometry.search import find_pairs

        found = find_pairs(points, self.points, radius_arcsec, nearest=nearest)
        return found, self.table.take(from_numpy(self.order[found.right]))


@dataclass(frozen=True)
class Match:
    """Each row with those near it: in the order of the rows, of one row the nearest first."""

    schema: pa.Schema
    there: There
    radius_arcsec: float
    ra: str
    dec: str
    nearest: int | None = None
    how: How = "inner"

    def do(self, table: pa.Table) -> pa.Table:
        """The pairs; with "left" also rows without a partner, with "anti" these alone."""
        from skyquarry.match.geometry.search import sorted_points

        ra, dec, rows = positions(table, self.ra, self.dec)
        points, order = sorted_points(ra, dec)
        found, theirs = self.there.near(points, self.radius_arcsec, self.nearest)
        left = rows[order[found.left]]
        if self.how == "inner":
            along = np.argsort(left, kind="stable")
            partner = from_numpy(along)
        else:
            alone = np.ones(table.num_rows, np.bool_)
            alone[left] = False
            if self.how == "anti":
                return table.filter(from_numpy(alone))
            none = np.flatnonzero(alone)
            every = np.concatenate([left, none])
            along = np.argsort(every, kind="stable")
            left = every
            partner = pa.array(along, mask=along >= len(found.left))
        made = table.take(from_numpy(left[along])).columns
        made.append(from_numpy(found.sep_arcsec).take(partner))
        return pa.table([*made, *theirs.take(partner).columns], schema=self.schema)

    def words(self) -> str:
        """With what, how near, and what of those without a partner."""
        which = "" if self.nearest is None else f", the {self.nearest} nearest"
        lonely = ", rows without a partner too"
        told = {"inner": "", "left": lonely, "outer": lonely, "anti": ", rows without one"}
        return (
            f"match {self.there.name} within {self.radius_arcsec:g} arcsec{which}{told[self.how]}"
        )


def outer_of(match: Match) -> tuple[Fused, Outer]:
    """The partners of an outer match, and the step that finds those of them whom nobody meets."""
    there = match.there
    names = {each.name: f"{there.name}_{each.name}" for each in there.fields}
    fields = [each.with_name(names[each.name]) for each in there.fields]
    rename = Map(pa.schema(fields), Renamed(tuple(names.items())))
    step = Outer(match.schema, names[there.key], match.words(), hides_key=there.key == ROW)
    return after(there.flow(), rename), step


@dataclass(frozen=True, slots=True)
class Renamed:
    """A table's columns by other names."""

    names: tuple[tuple[str, str], ...]

    @property
    def __name__(self) -> str:
        return "partners"

    def __call__(self, table: pa.Table) -> pa.Table:
        """These columns."""
        old, new = zip(*self.names, strict=True)
        return table.select(list(old)).rename_columns(list(new))


def positions(table: pa.Table, ra: str, dec: str) -> tuple[Any, Any, Ints]:
    """Positions in degrees (m,) of the rows (m,) that have one; columns may say another unit."""
    unit = stated_unit(table.schema, ra, dec) or "deg"
    both = zip((ra, dec), TO_DEGREES[unit], strict=True)
    ra_deg, dec_deg = (np.asarray(to_numpy(table.column(n)), np.float64) * by for n, by in both)
    rows = np.flatnonzero(np.isfinite(ra_deg) & np.isfinite(dec_deg) & (np.abs(dec_deg) <= 90.0))
    return wrap_ra(ra_deg[rows]), dec_deg[rows], rows


def match_of(  # noqa: PLR0913, PLR0917  what River.match is given
    schema: pa.Schema,
    other: Any,
    radius_arcsec: float,
    columns: Sequence[str] | None,
    nearest: int | None,
    here: tuple[str, str],
    how: How,
    name: str | None,
) -> Match:
    """The step that `River.match` asks for; of an outer one all but partners that nobody meets."""
    one_of("how", how, WAYS)
    if nearest is not None and nearest < 1:
        raise UserError(f"nearest is {nearest}, but 1 or more is needed: leave it out for all")
    there: There
    if isinstance(other, Catalog) or (
        isinstance(other, str | os.PathLike) and is_catalogue(os.fspath(other))
    ):
        side = CatalogSide(catalog_of(other), name)
        wanted = tuple(side.source.resolve(columns or [str(side.roles.id)]))
        if how == "outer":
            wanted = tuple(dict.fromkeys([*wanted, str(side.roles.id)]))
        there, radius = CatalogThere(side, wanted), radius_of(float(radius_arcsec), side).arcsec
    else:
        there = TableThere.of(other, columns, name, numbered=how == "outer")
        radius = float(radius_arcsec)
        if not 0.0 < radius < np.inf:
            raise UserError(f"radius_arcsec is {radius_arcsec!r}, but a match needs more than 0")
    if how == "anti":
        return Match(schema, there, radius, *here, None, how)
    theirs = [each.with_name(f"{there.name}_{each.name}") for each in there.fields]
    sep = pa.field("sep_arcsec", pa.float64(), metadata=_SEPARATION)
    return Match(_unique([*schema, sep, *theirs]), there, radius, *here, nearest, how)


def _unique(fields: list[pa.Field]) -> pa.Schema:
    names = [each.name for each in fields]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ColumnError(
            f"{', '.join(twice)} would stand twice in the rows of a match: project other names "
            "before it, or say name="
        )
    return pa.schema(fields)
