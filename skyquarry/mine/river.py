"""The river machine: rows flow from sources through steps into sinks (Szalay et al. 2000, 6).

>>> import skyquarry as sq
>>> quasars = sq.river("archive/sdss").filter("u - g < 0.5").project({"id": "id", "ug": "u - g"})
... # doctest: +SKIP
>>> quasars.sort("ug").to("bluest.parquet").run("processes")  # doctest: +SKIP
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import pyarrow as pa

from skyquarry.catalog.columns import resolve
from skyquarry.catalog.foreign import is_catalogue
from skyquarry.engine.catalog import Catalog, open_catalog
from skyquarry.engine.plan import MEMORY_BYTES, Plan
from skyquarry.engine.predicate import parse, parse_number
from skyquarry.engine.scratch import scratch
from skyquarry.errors import ColumnError, UserError, one_of
from skyquarry.mine.aggregating import Aggregate
from skyquarry.mine.blocked import PairsInBuckets, SetOf, Shuffled, check_plain, comparable
from skyquarry.mine.bucketing import Bucketing, ByKey
from skyquarry.mine.comparing import Comparison
from skyquarry.mine.drawing import drawn
from skyquarry.mine.flows import Flow, FromPlan, FromQuery, FromTable, Running, after
from skyquarry.mine.functions import asked_of, name_of
from skyquarry.mine.meeting import match_of, outer_of
from skyquarry.mine.sinks import check, opened
from skyquarry.mine.sorting import Sorted
from skyquarry.mine.space import Space
from skyquarry.mine.steps import Decoded, Filter, Map, Project, Tee, fitted

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Iterator, Sequence

    from skyquarry.engine.executors import Where
    from skyquarry.engine.predicate import Number
    from skyquarry.mine.comparing import Compare
    from skyquarry.mine.meeting import How
    from skyquarry.mine.steps import Step


def river(source: Any) -> River:
    """A river from a source: rows that flow through steps, tile by tile, into sinks.

    source
        A Catalog with its cuts, a Plan (pairs, buckets, groups, a cross-match's tables), a query
        (`sky.query(...)`), the path of a catalogue or of files of any readable format, or a
        pyarrow, pandas or astropy table.

    Nothing is read before `run`, `stream` or `to_table`; `explain` draws the graph. Steps without
    memory of other tiles are done in one task a tile; those that need all rows (`sort`,
    `aggregate`, `buckets`, `union` ...) put them on disk, and `explain` calls them blocked. Rows
    are the same, in the same order, from every executor.

    Raises NotFoundError, UserError.

    >>> sq.river("archive/gaia").filter("g < 12").to("bright.fits").run()  # doctest: +SKIP
    """
    if isinstance(source, River):
        return source
    if isinstance(source, str | os.PathLike) and is_catalogue(os.fspath(source)):
        source = open_catalog(source)
    if isinstance(source, Catalog):
        return River(FromPlan(source.plan(), source.name, source))
    if isinstance(source, Plan):
        return River(FromPlan(source, "a plan"))
    if all(hasattr(source, each) for each in ("stream", "explain", "schema")):
        return River(FromQuery(source))
    from skyquarry.ingest.sources import open_sources

    flow = FromTable(open_sources(source))
    decoded = Decoded.of(flow.schema)
    return River(flow if decoded is None else after(flow, decoded))


@dataclass(frozen=True, repr=False, eq=False)
class River:
    """Rows on their way: each method gives a new river, one step longer."""

    flow: Flow
    sinks: tuple[tuple[str, Any, pa.Schema, dict[str, Any]], ...] = ()
    has_ended: bool = False

    @property
    def schema(self) -> pa.Schema:
        """Of the rows at this point."""
        return self.flow.schema

    # ------------------------------------------------------------ steps of one tile
    def filter(self, condition: str | Callable[[pa.Table], Any]) -> River:
        """The rows for which a condition holds: a text as `where` takes it, or a function.

        The function gets a table and gives n truths. Raises PredicateError, ColumnError, UserError.
        """
        if callable(condition):
            return self._after(Filter(self.schema, condition))
        if not isinstance(condition, str):
            raise UserError(
                f"filter was given {condition!r}, but it takes a text, or a function of a table: "
                'try filter("r < 20")'
            )
        predicate = parse(condition, self.schema)
        cut = self._catalog
        if cut is not None:  # tiles and row groups that cannot matter are not read
            return self._with(FromPlan(cut.where(condition).plan(), cut.name, cut.where(condition)))
        return self._after(Filter(self.schema, predicate))

    def project(self, columns: Sequence[str] | Mapping[str, str]) -> River:
        """These columns; or new ones by name: {"id": "id", "ug": "u - g"}.

        Raises ColumnError, PredicateError.
        """
        if isinstance(columns, str):
            raise ColumnError(
                f"project was given the text {columns!r}, but it takes a list of names or "
                f"{{name: text}}: try [{columns!r}]"
            )
        made: dict[str, str | Number]
        if isinstance(columns, Mapping):
            made = {name: self._column_of(text) for name, text in columns.items()}
        else:
            made = {name: name for name in (resolve(self.schema, each) for each in columns)}
        if not made:
            raise ColumnError("project was given no column: name one at least")
        fields = [
            self.schema.field(what).with_name(name)
            if isinstance(what, str)
            else pa.field(name, pa.float64(), metadata={"description": what.text})
            for name, what in made.items()
        ]
        return self._narrowed(made)._after(Project(pa.schema(fields), tuple(made.items())))  # noqa: SLF001

    def map(
        self, function: Callable[[pa.Table], pa.Table], schema: pa.Schema | None = None
    ) -> River:
        """What a function makes of each table of rows, of whatever columns and however many rows.

        `schema`: of what it gives; by default it is asked with an empty table. For processes the
        function is one of a module. Raises UserError for what is no function, or gives no table.
        """
        if not callable(function):
            raise UserError(
                f"map was given {function!r}, but it takes a function of a table: for columns of "
                "texts there is project"
            )
        told = schema
        if told is None:
            who = f"map {name_of(function)}"
            needed = "a pyarrow.Table, unless its schema is said (schema=), of an empty one too"
            empty = asked_of(function, self.schema.empty_table(), who=who, what=needed)
            if not isinstance(empty, pa.Table):
                raise UserError(
                    f"{who} gave {type(empty).__name__} for an empty table, but a pyarrow.Table is "
                    "needed: return one, or say schema="
                )
            told = empty.schema
        return self._after(Map(told, function))

    def match(  # noqa: PLR0913  each keyword is said by its name
        self,
        other: Any,
        radius_arcsec: float,
        *,
        columns: Sequence[str] | None = None,
        nearest: int | None = None,
        ra: str | None = None,
        dec: str | None = None,
        how: How = "inner",
        name: str | None = None,
    ) -> River:
        """Each row with those near it in a catalogue or a table: `sep_arcsec` and their columns.

        other: a Catalog with its cuts, a catalogue's path; or a table or file of any kind with
        columns ra and dec in degrees (or in rad or hours, where they say so), held in memory, which
        travels with every task. `columns` of it, by default a catalogue's id and all of a table,
        are called NAME_column, NAME being `name`, the catalogue's, the file's, or "other".
        `nearest`: so many at most, the nearest first. `ra`, `dec`: the river's columns of degrees,
        by default those of its catalogue, else "ra" and "dec". how: rows without a partner end here
        ("inner"), stay with nulls ("left"), or are those that stay ("anti"); "outer": partners that
        no row has stay as well, a catalogue's being known by their id, which takes all rows:
        blocked. Raises PositionError, ColumnError,
        UserError.
        """
        here = self._positions(ra, dec)
        step = match_of(self.schema, other, radius_arcsec, columns, nearest, here, how, name)
        if how != "outer":
            return self._after(step)
        partners, both = outer_of(step)
        return self._with(Shuffled((after(self.flow, step), partners), both))

    def tee(self, sink: Any, **options: Any) -> River:
        """The same rows, which a sink gets as well: a file's path, a catalogue's, or a function."""
        return self._into(sink, options, is_end=False)

    def to(self, sink: Any, **options: Any) -> River:
        """The river's end; then `run()`.

        A path whose suffix says the format; one without suffix, a catalogue, whose options are
        those of `sq.build`; or a function that is given each table in order.
        """
        return self._into(sink, options, is_end=True)

    # ------------------------------------------------------------ steps of all rows
    def sort(
        self,
        by: str | Sequence[str | tuple[str, Literal["ascending", "descending"]]],
        *,
        descending: bool = False,
    ) -> River:
        """In the order of columns, missing values last; equal rows stay as they came. Blocked."""
        usual: Literal["ascending", "descending"] = "descending" if descending else "ascending"
        keys = []
        for each in [by] if isinstance(by, str) else by:
            name, way = (each, usual) if isinstance(each, str) else each
            one_of("the order", way, ("ascending", "descending"))
            found = resolve(self.schema, name)
            check_plain(self.schema.field(found), "rows are sorted")
            keys.append((found, way))
        if not keys:
            raise ColumnError("sort was given no column: name one at least")
        return self._with(Sorted(self.flow, tuple(keys)))

    def aggregate(self, by: Sequence[str], asked: Mapping[str, tuple[str, str] | str]) -> River:
        """Groups of rows that are equal in columns, and numbers of each. Blocked.

        asked: {"n": "count", "r": ("mean", "r_mag")}, of sum, count (of values that are there),
        min, max, mean. NaN counts as null; what has no value is null. Without columns: one group.
        Groups come partition by partition, sorted in each.
        """
        return self._with(Shuffled((self.flow,), Aggregate.of_words(self.schema, by, asked)))

    def buckets(
        self,
        by: Bucketing | Callable[[pa.Table], Any],
        *,
        compare: Compare | None = None,
        columns: Sequence[str] | None = None,
        needs: Sequence[str] = (),
        most_pairs: int = 1_000_000_000,
    ) -> River:
        """All pairs of rows that meet in a bucket, each once, as `sq.buckets` says. Blocked."""
        if isinstance(by, Space):
            raise UserError(
                f"the buckets of a river are {by}, but rows on the sky meet in catalogues: use "
                "match(catalog, radius_arcsec), or sq.buckets(catalog, Space(...)) as the source"
            )
        need = tuple(resolve(self.schema, name) for name in needs)
        meeting = by if isinstance(by, Bucketing) else ByKey(by, need)
        told = self.schema.names if columns is None else columns
        names = tuple(resolve(self.schema, name) for name in told)
        meeting.columns(self.schema)
        comparison = Comparison(meeting, compare, names, most_pairs)
        return self._with(Shuffled((self.flow,), PairsInBuckets(self.schema, meeting, comparison)))

    def union(self, other: Any, on: Sequence[str] | None = None) -> River:
        """The rows of both, those that are equal in `on` (by default all columns) once. Blocked."""
        return self._set("union", other, on)

    def intersect(self, other: Any, on: Sequence[str] | None = None) -> River:
        """The rows that are equal in `on` to one of the other river's, each once. Blocked."""
        return self._set("intersect", other, on)

    def difference(self, other: Any, on: Sequence[str] | None = None) -> River:
        """The rows that are equal in `on` to none of the other river's, each once. Blocked."""
        return self._set("difference", other, on)

    # ------------------------------------------------------------ running
    def explain(self, form: Literal["text", "mermaid", "dot"] = "text") -> str:
        """The graph: each step above what flows into it; which are one task, which are blocked.

        form: text to read, or one for Mermaid (which GitHub and Jupyter draw) or Graphviz.
        """
        one_of("form", form, ("text", "mermaid", "dot"))
        lines = self.flow.lines()
        return "\n".join(lines) if form == "text" else drawn(lines, form)

    def tables(
        self,
        executor: Where = None,
        *,
        folder: str | os.PathLike[str] | None = None,
        cancel: threading.Event | None = None,
        memory_bytes: int | None = MEMORY_BYTES,
        window: int | None = None,
    ) -> Iterator[pa.Table]:
        """The rows, a table a task; sinks on the way are served. `run` says what each word does."""
        with scratch("river", folder) as home:
            running = Running(executor, home, {}, cancel, memory_bytes, window)
            yield from self._flowing(running)

    def _flowing(self, running: Running) -> Iterator[pa.Table]:
        sinks = running.sinks
        try:
            for key, to, schema, options in self.sinks:
                sinks[key] = opened(to, schema, options)
            for _, table in running.round(self.flow, self.flow.tasks(running)):
                if table.num_rows:
                    yield fitted(table, self.schema, "a step")
            self._rows.clear()
            for key in list(sinks):
                sink = sinks.pop(key)
                sink.close(None)
                self._rows[_unlike(sink.name, self._rows)] = sink.rows
        except BaseException as error:
            for sink in sinks.values():
                sink.close(error)
            raise

    def run(self, executor: Where = None, **how: Any) -> dict[str, int]:
        """Let it flow into its sinks: how many rows each got.

        executor: None or "threads", "processes", "inline", or any `concurrent.futures.Executor`
        (Dask's too). how: `folder` for blocked steps, which all workers must see; `cancel`, an
        event; `window`, how many tasks may be in flight; `memory_bytes`, what they may take.

        `memory_bytes` is no limit of the process: no task begins beside others while all of them
        are expected to take more, by their rows and the widths of their columns. One always runs,
        however large: a tile, a file of a table, or a partition of some 64 MB of a blocked step
        and what is made of it; steps of the user may take what they like, and Python and its
        packages come on top. Where that is too much, take fewer columns or smaller tiles.

        Sinks of one name, as functions may be, are told as name, name_2, name_3 ...

        Raises UserError where there is no sink, and what sinks, functions and files raise; then
        files that were being written are gone.
        """
        if not self.sinks:
            raise UserError(
                "the river has no sink, so that its rows would be lost: end it with "
                ".to('rows.parquet'), or take them with .to_table() or .stream()"
            )
        for _ in self.tables(executor, **how):
            pass
        return dict(self._rows)

    def stream(self, executor: Where = None, **how: Any) -> Iterator[pa.RecordBatch]:
        """Record batches as they come, in order."""
        self._check_open("stream()")
        for table in self.tables(executor, **how):
            yield from table.to_batches()

    def to_table(self, executor: Where = None, **how: Any) -> pa.Table:
        """All rows in memory."""
        self._check_open("to_table()")
        return pa.concat_tables([self.schema.empty_table(), *self.tables(executor, **how)])

    def __repr__(self) -> str:
        return f"River: {self.explain()}"

    # ------------------------------------------------------------ inside
    @property
    def _rows(self) -> dict[str, int]:
        """What sinks got in the last run."""
        rows: dict[str, int] = self.__dict__.setdefault("_told", {})
        return rows

    @property
    def _catalog(self) -> Catalog | None:
        """The catalogue of a river that is nothing else yet, and may be cut."""
        flow = self.flow
        if not isinstance(flow, FromPlan) or flow.catalog is None:
            return None
        return flow.catalog if flow.catalog.cut.limit is None else None

    def _check_open(self, what: str) -> None:
        if self.has_ended:
            raise UserError(
                f"{what} was asked of a river that has ended in a sink: use tee(...) in place of "
                "to(...), or run()"
            )

    def _with(self, flow: Flow) -> River:
        self._check_open("a step")
        return replace(self, flow=flow)

    def _after(self, step: Step) -> River:
        return self._with(after(self.flow, step))

    def _into(self, sink: Any, options: dict[str, Any], *, is_end: bool) -> River:
        name, key = check(sink), uuid.uuid4().hex
        self._check_new(sink)
        grown = self._after(Tee(self.schema, key, name, is_end))
        sinks = (*self.sinks, (key, sink, self.schema, options))
        return replace(grown, sinks=sinks, has_ended=is_end)

    def _check_new(self, sink: Any) -> None:
        """No two sinks write one file."""
        taken = {Path(each).resolve() for _, each, _, _ in self.sinks if not callable(each)}
        if not callable(sink) and Path(sink).resolve() in taken:
            raise UserError(
                f"the sink {os.fspath(sink)!r} is one of the river's already, and the second would "
                "write over it: choose another path"
            )

    def _column_of(self, text: str) -> str | Number:
        try:
            return resolve(self.schema, text)
        except ColumnError:
            if text.isidentifier():
                raise
            return parse_number(text, self.schema)

    def _narrowed(self, made: Mapping[str, str | Number]) -> River:
        """Only the columns that are needed are read."""
        catalog = self._catalog
        if catalog is None:
            return self
        needed = [n for what in made.values()
                  for n in ((what,) if isinstance(what, str) else what.columns)]  # fmt: skip
        stored = dict.fromkeys(n for n in needed if n in catalog.source.schema.names)
        if not stored or len(stored) < len(set(needed)):
            return self
        few = catalog.select(f'"{name}"' for name in stored)
        return self._with(FromPlan(few.plan(), few.name, few))

    def _positions(self, ra: str | None, dec: str | None) -> tuple[str, str]:
        known = self._catalog.roles if self._catalog is not None else None
        usual = (known.ra, known.dec) if known is not None else ("ra", "dec")
        names = [given or str(each) for given, each in zip((ra, dec), usual, strict=True)]
        return resolve(self.schema, names[0]), resolve(self.schema, names[1])

    def _set(self, how: str, other: Any, on: Sequence[str] | None) -> River:
        there = river(other)
        there._check_open(how)  # noqa: SLF001  another river
        names = tuple(resolve(self.schema, n) for n in (on or self.schema.names))
        needed = self.schema.names if how == "union" else names
        for name in needed:
            field = there.schema.field(resolve(there.schema, name))
            comparable(self.schema.field(name), field, as_key=name in names)
        step = SetOf(self.schema, how, names)
        joined = self._with(Shuffled((self.flow, there.flow), step))
        for _, sink, _, _ in there.sinks:
            self._check_new(sink)
        return replace(joined, sinks=(*self.sinks, *there.sinks))


def _unlike(name: str, taken: Mapping[str, int]) -> str:
    """The name, or name_2, name_3 ... where others have it."""
    names = (name, *(f"{name}_{n}" for n in range(2, len(taken) + 2)))
    return next(each for each in names if each not in taken)
