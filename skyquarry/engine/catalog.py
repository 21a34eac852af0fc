"""The public face of a catalogue: lazily cut by region, columns and condition, then read.

>>> import skyquarry as sq
>>> stars = sq.open("archive/gaia").cone(83.82, -5.39, 1800)  # doctest: +SKIP
>>> stars.where("phot_g_mean_mag < 10").select(["ra", "dec"]).to_table()  # doctest: +SKIP
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

from skyquarry.engine.asked import cone_of, ids_of, region_of, whole_number
from skyquarry.engine.cut import Cut
from skyquarry.engine.plan import Limit, Plan
from skyquarry.engine.sampling import By, Sample
from skyquarry.engine.scan import Scan
from skyquarry.engine.source import Source
from skyquarry.errors import ColumnError, UserError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    import numpy as np
    import pyarrow as pa
    from numpy.typing import ArrayLike, NDArray

    from skyquarry.catalog.report import Report
    from skyquarry.catalog.roles import Roles
    from skyquarry.catalog.stored import Stored
    from skyquarry.catalog.verify import Fault
    from skyquarry.engine.aggregates import Summary
    from skyquarry.engine.executors import Where
    from skyquarry.sky.algebra import Region
    from skyquarry.sky.footprint import Footprint


def open_catalog(path: str | os.PathLike[str]) -> Catalog:
    """The catalogue at a path or URL; only its small files are read.

    Raises
    ------
    NotFoundError
        When there is no catalogue; the message says what is there instead.
    DamagedError
        When its small files contradict themselves; it names the file.
    """
    from skyquarry.catalog.stored import open_stored

    return Catalog(Source(open_stored(path)))


CatalogLike: TypeAlias = "Catalog | str | os.PathLike[str]"
"""A catalogue, or the path or URL of one."""


def catalog_of(given: CatalogLike) -> Catalog:
    """A catalogue as it is given, or the one at a path or URL.

    Raises UserError for anything else, and what `open_catalog` raises.
    """
    if isinstance(given, Catalog):
        return given
    if isinstance(given, str | os.PathLike):
        return open_catalog(given)
    raise UserError(
        f"a {type(given).__name__} is given, but a catalogue is needed: give sq.open(path), or its "
        "path; sq.build(table, path) makes one of a table"
    )


@dataclass(frozen=True, repr=False, eq=False)
class Catalog:
    """A catalogue, or a part of one: nothing is read until rows are asked for.

    Methods that cut give a new `Catalog`; those that begin with `to_`, and `stream`, read.
    `_healpix_29` is handed out only where it is asked for by name.
    """

    source: Source
    cut: Cut = field(default_factory=Cut)
    built: Report | None = None
    """the report of the build that has just made it: `report` is for all"""

    # ------------------------------------------------------------ what it is
    @property
    def stored(self) -> Stored:
        """What is on disk."""
        return self.source.stored

    @property
    def name(self) -> str:
        """What the catalogue is called."""
        return self.stored.name

    @property
    def path(self) -> str:
        """Where it lies."""
        return self.stored.home.root

    @property
    def version(self) -> str:
        """The version that was opened, `v3`; empty in a tree without versions."""
        return self.stored.version

    @property
    def properties(self) -> dict[str, str]:
        """Every key of `hats.properties`."""
        return dict(self.stored.properties)

    @property
    def report(self) -> Report:
        """The account of its building: rows in, stored, set aside and why, nulls made, ids twice.

        Raises NotFoundError where the catalogue keeps none: it was not built here.
        """
        from skyquarry.catalog.report import Report

        kept = (self.stored.properties, len(self.stored.tiles))
        return self.built or Report.from_properties(*kept)

    @property
    def roles(self) -> Roles:
        """Which column is what: id, position and its error, motion, epoch, bands."""
        return self.source.roles

    @property
    def schema(self) -> pa.Schema:
        """The columns that would be handed out; unit, ucd, description in each field's metadata."""
        return Scan(self.source, self.cut).schema

    @property
    def columns(self) -> list[str]:
        """The names of the columns that would be handed out."""
        return list(self.schema.names)

    def columns_table(self) -> pa.Table:
        """One row a column: its name, type, unit, ucd and description."""
        import pyarrow as pa

        from skyquarry.catalog.columns import meaning

        told = [{"column": f.name, "type": str(f.type), **meaning(f)} for f in self.schema]
        names = ("column", "type", "unit", "ucd", "description")
        return pa.table({name: [row.get(name, "") for row in told] for name in names})

    # ------------------------------------------------------------ cuts
    def cone(
        self,
        ra_deg: Any,
        dec_deg: Any = None,
        radius_arcsec: Any = None,
        *,
        epoch: float | None = None,
    ) -> Catalog:
        """The rows within `radius_arcsec` of a position.

        The position is two numbers of degrees, or one thing in their place: a SkyCoord, a text
        ("05:35:17.3 -05:23:28") or a name ("M42"), with `radius_arcsec=` by its name. With `epoch`
        (a Julian year) stars are moved there first, so that a fast one is found where it is then;
        ra and dec stay as stored, and `ra_at_epoch`, `dec_at_epoch` are added.

        Raises
        ------
        PositionError
            A position, radius or epoch that cannot be used.
        ColumnError
            With `epoch`, when the catalogue knows no proper motions.

        >>> gaia.cone("M42", radius_arcsec=600)  # doctest: +SKIP
        """
        cone = cone_of(ra_deg, dec_deg, radius_arcsec)
        if epoch is None:
            return self.region(cone)
        from skyquarry.engine.epoch import MovedCone, check_motion

        self._check_open_end("cone(..., epoch=)")
        if self.cut.moved is not None:
            raise UserError(
                f"a cone at epoch J{self.cut.moved.epoch_jyear:g} was asked for already: "
                "combine it with a region, which is tested at the stored positions"
            )
        self.source.position_columns("cone(..., epoch=)")
        check_motion(self.roles, self.name, epoch)
        return self._cut(self.cut.only(moved=MovedCone(cone, float(epoch))))

    def region(self, region: Region | str) -> Catalog:
        """The rows inside a region: a Region, or its text (`CIRCLE 12 -3 1`, STC-S, a MOC).

        Raises RegionError for a text that is no region, ColumnError for a table without positions.
        """
        self._check_open_end("region")
        self.source.position_columns("a region")
        return self._cut(self.cut.within(region_of(region)))

    def where(self, sql: str) -> Catalog:
        """The rows that meet a condition: columns, numbers, 'texts', + - * /, comparisons, AND ...

        Raises PredicateError or ColumnError, which say where in the text. NaN counts as null.

        >>> gaia.where("phot_g_mean_mag < 18 AND parallax / parallax_error > 5")  # doctest: +SKIP
        """
        from skyquarry.engine.predicate import parse

        self._check_open_end("where")
        return self._cut(self.cut.where(parse(sql, self.source.schema)))

    def select(self, columns: Iterable[str]) -> Catalog:
        """These columns only, in this order; names match without case unless quoted.

        Raises ColumnError for a name of no column, or of several.
        """
        if isinstance(columns, str):
            raise ColumnError(
                f"select was given the text {columns!r}, but it takes a list of names: "
                f"try select([{', '.join(repr(c.strip()) for c in columns.split(','))}])"
            )
        names = tuple(dict.fromkeys(self.source.resolve(columns)))
        if not names:
            raise ColumnError(
                "select was given no column, but a table needs one at least: use len(...) to count"
            )
        return self._cut(self.cut.only(columns=names))

    def tag(self) -> Catalog:
        """The narrow table: id, position, magnitudes, size, class, as far as roles name them."""
        here = set(self.source.schema.names)
        return self.select([name for name in self.roles.tag_columns() if name in here])

    def head(self, n: int = 5) -> Catalog:
        """The first rows along the sky."""
        limit = whole_number(n)
        if limit is None or limit < 0:
            raise UserError(f"the number of rows is {n!r}, but it needs to be 0 or more: try 5")
        limit = limit if self.cut.limit is None else min(limit, self.cut.limit)
        return self._cut(self.cut.only(limit=limit))

    limit = head

    def sample(self, fraction: float, by: By = "sky", *, seed: int = 0) -> Catalog:
        """A part of the rows that is the same each time.

        `by="sky"`: whole order-13 cells (26 arcsec), the same ones in every catalogue, so that
        neighbours and cross-matches survive. `by="row"`: by a hash of the id. A smaller fraction is
        part of a larger one; another `seed` is another choice.
        """
        self._check_open_end("sample")
        sample = Sample(fraction, by, seed)
        if by == "row" and self.roles.id is None:
            raise ColumnError(
                f'a sample by="row" goes by the id, but {self.name} names no id column: '
                'use by="sky", or build with id='
            )
        return self._cut(self.cut.sampled(sample))

    def ids(self, values: Iterable[Any] | ArrayLike) -> Catalog:
        """The rows with these ids, in the order of the sky; ids that are not there are left out.

        The id index says which tiles to read; without one, all are searched (`explain` says so).
        """
        self._check_open_end("ids")
        column = self.roles.id or next(iter(self.stored.indexes), None)
        if column is None:
            raise ColumnError(
                f"ids(...) needs an id column, but {self.name} names none: use where(...), or "
                "build with id="
            )
        if self.cut.ids is not None:
            raise UserError("ids(...) was asked for already: give all ids at once")
        return self._cut(self.cut.only(ids=ids_of(column, self.source.schema, values)))

    def named_by(
        self, by: CatalogLike, column: str, key: str | None = None, *, executor: Where = None
    ) -> Catalog:
        """The rows whose `key` stands in a `column` of another catalogue, each once.

        `key` is called as the column is, unless said. The column is read now; rows are told by
        whole numbers or texts. Some columns of these rows, saved in the folder of both catalogues
        (`select(...).to_catalog(path)`), are a tag that queries read which join the two by them.

        Raises ColumnError for columns that cannot be compared, UserError where ids were asked for.

        >>> sky["photoobj"].named_by(sky["specobj"], "objID")  # doctest: +SKIP
        """
        from skyquarry.engine.named import named_by

        self._check_open_end("named_by")
        return named_by(self, catalog_of(by), column, key or column, executor)

    # ------------------------------------------------------------ rows
    def plan(self) -> Plan:
        """What reading would do: `explain()`, `run(executor)`, `to_table()`, `stream()`."""
        if self.cut.limit is None:
            return Plan(Scan(self.source, self.cut))
        whole = self.cut.only(limit=None)
        first = self.cut.limit if whole.rows_uncut else None
        return Plan(Limit(Scan(self.source, whole, first), self.cut.limit))

    def explain(self) -> str:
        """What reading would cost: tiles inside, cut and outside, rows, bytes, seconds."""
        return self.plan().explain()

    def to_table(self, executor: Where = None) -> pa.Table:
        """All rows as one `pyarrow.Table`, in the order of the sky."""
        return self.plan().to_table(executor)

    def stream(self, executor: Where = None, *, ordered: bool = True) -> Iterator[pa.RecordBatch]:
        """Record batches, read as they are taken; with `ordered=False` as tiles finish."""
        return self.plan().stream(executor, ordered=ordered)

    def to_pandas(self, executor: Where = None) -> Any:
        """All rows as a pandas DataFrame with Arrow's types: missing stays missing."""
        from skyquarry.engine.convert import to_pandas

        return to_pandas(self.to_table(executor))

    def to_astropy(self, executor: Where = None) -> Any:
        """All rows as an `astropy.table.Table`: units on the columns, missing values masked."""
        from skyquarry.engine.convert import to_astropy

        return to_astropy(self.to_table(executor), name=self.name)

    def to_catalog(
        self, path: str | os.PathLike[str], executor: Where = None, **options: Any
    ) -> Catalog:
        """A catalogue of these rows written at `path`: see `skyquarry.engine.save.to_catalog`."""
        return self.plan().to_catalog(path, executor, **options)

    # ------------------------------------------------------------ aggregates
    def __len__(self) -> int:
        """How many rows: from the metadata where nothing is cut, else counted."""
        return self.count()

    def __bool__(self) -> bool:
        """Always true: whether there are rows may cost a scan, so ask `len`."""
        return True

    def count(self, executor: Where = None) -> int:
        """How many rows, exactly."""
        from skyquarry.engine.aggregates import count_rows

        return count_rows(self, executor)

    def counts(
        self, order: int, executor: Where = None
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Cells of a HEALPix order that hold rows, ascending, and the rows in each.

        From the sky map where nothing is cut and it is fine enough, else counted.
        """
        from skyquarry.engine.aggregates import counts_by_cell

        return counts_by_cell(self, order, executor)

    def statistics(
        self, columns: Sequence[str] | None = None, executor: Where = None
    ) -> dict[str, Summary]:
        """Count, nulls, lowest, highest, mean and deviation of columns; NaN counts as null.

        Columns of numbers where none are named. Every row of the cut is read.
        """
        from skyquarry.engine.aggregates import summaries

        return summaries(self, columns, executor)

    def describe(self, columns: Sequence[str] | None = None, executor: Where = None) -> pa.Table:
        """`statistics` as a table, one row a column."""
        from skyquarry.engine.aggregates import as_table

        return as_table(self.statistics(columns, executor), self.source.schema)

    def footprint(self, user: Footprint | None = None) -> Footprint:
        """The part of the sky that the catalogue covers.

        The survey's own coverage where the catalogue names one, else `user`, else an estimate from
        counts, which is labelled so and refused below 20 sources a cell.
        """
        from skyquarry.engine import coverage

        return coverage.footprint(self, user)

    def verify(self) -> list[Fault]:
        """What is wrong with the catalogue on disk (all of it, however cut); empty when sound."""
        from skyquarry.catalog.verify import verify

        return verify(self.stored)

    # ------------------------------------------------------------ children
    def children(self) -> dict[str, Catalog]:
        """The tables without positions that are stored in this catalogue's tiles, by name."""
        from skyquarry.engine.children import children

        return children(self)

    def join_child(self, name: str, *, columns: Sequence[str] | None = None) -> Plan:
        """Each row with its rows of a child table, joined on the key tile by tile."""
        from skyquarry.engine.children import join_child

        return join_child(self, name, columns)

    # ------------------------------------------------------------ to look at
    def __repr__(self) -> str:
        from skyquarry.engine.show import sentence

        return sentence(self)

    def _repr_html_(self) -> str:
        from skyquarry.engine.show import html

        return html(self)

    # ------------------------------------------------------------ inside
    def _cut(self, cut: Cut) -> Catalog:
        return Catalog(self.source, cut)

    def _check_open_end(self, what: str) -> None:
        if self.cut.limit is not None:
            raise UserError(
                f"head({self.cut.limit}) was applied before {what}, which would choose among those "
                f"rows only: put {what} first"
            )
