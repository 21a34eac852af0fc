"""`sq.query`: an ADQL query as a plan, asked what it would do, then run.

>>> import skyquarry as sq
>>> plan = sq.query("SELECT TOP 5 * FROM gaia", catalogs={"gaia": "archive/gaia"})  # doctest: +SKIP
>>> print(plan.explain())  # doctest: +SKIP
>>> plan.to_table()  # doctest: +SKIP
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from skyquarry.adql.database.duck import rows_of
from skyquarry.adql.database.kept import Limits
from skyquarry.adql.giving import Giving
from skyquarry.adql.joins.namedrows import named_instead
from skyquarry.adql.keeping import kept_of
from skyquarry.adql.reads import read_of
from skyquarry.adql.recent import Asked, found, keep
from skyquarry.adql.running.answers import Run
from skyquarry.adql.running.costs import Costs, Most
from skyquarry.adql.running.deciding import Pieces
from skyquarry.adql.selects import Compiler, with_named
from skyquarry.adql.state import State
from skyquarry.adql.tablenames import Tables
from skyquarry.adql.text.grammar import parse
from skyquarry.adql.text.words import QueryText
from skyquarry.engine.executors import check as check_executor
from skyquarry.errors import QueryError, UserError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import pyarrow as pa

    from skyquarry.adql.compiled import Compiled
    from skyquarry.adql.keeping import Kept, Saved
    from skyquarry.adql.reads import Read
    from skyquarry.adql.text.syntax import Query
    from skyquarry.engine.cost import Cost
    from skyquarry.engine.executors import Where


def query(  # noqa: PLR0913  each keyword is said by its name
    adql: str,
    catalogs: Mapping[str, Any] | None = None,
    uploads: Mapping[str, Any] | None = None,
    *,
    archive: Any = None,
    my: Any = None,
    limit: int | None = None,
    timeout: float | None = None,
    trusted: bool = True,
    most_rows: int | None = None,
    most_seconds: float | None = None,
    most_bytes: float | None = None,
    sample: float | None = None,
) -> QueryPlan:
    """What an ADQL 2.1 query would do: `explain()`, then `to_table()`, `stream()` or `save(path)`.

    Its tables are catalogues by the names given here (opened ones, or paths), those of an `archive`
    (one opened, or its path), and `uploads`: tables of pandas, pyarrow or astropy, or files, which
    may also be called TAP_UPLOAD.name. At most `limit` rows come back; after `timeout` seconds it
    is stopped. A query that is expected to give more than `most_rows`, take longer than
    `most_seconds` or read more than `most_bytes` from disk is refused before it begins.
    `SELECT ... INTO my.NAME FROM ...` keeps its rows when it is run (`plan.run()`), in
    the folder `my`, which is the archive's own where none is named; later queries find them there.
    A query that is not `trusted` may not call functions of `@sq.function`: those of strangers are
    for `sq.isolated_query`. With a `sample` of 0.01 every catalogue with positions shows one
    hundredth of its cells of the sky, the same ones in all and each time: to try a query on.

    Raises
    ------
    QueryError
        A text that is not ADQL 2.1, or names no table, column or function that is there: it says
        line and column, and the nearest name.

    >>> sq.query(
    ...     "SELECT TOP 3 ra, dec FROM gaia WHERE phot_g_mean_mag < 5",
    ...     catalogs={"gaia": "archive/gaia"},
    ... ).to_table()  # doctest: +SKIP
    """
    _check(limit, timeout, most_rows=most_rows, most_seconds=most_seconds, most_bytes=most_bytes)
    if isinstance(archive, str) or hasattr(archive, "__fspath__"):
        from skyquarry.engine.archive import archive as open_archive

        archive = open_archive(archive)
    if archive is not None and not hasattr(archive, "path"):
        raise QueryError(
            f"archive is a {type(archive).__name__}, but sq.archive(path) or its path is needed; "
            "single tables go into catalogs= or uploads=, by their names"
        )
    asked = Asked(adql, "" if archive is None else archive.path, limit, trusted, sample)
    simple = archive is not None and not catalogs and not uploads
    pieces = found(asked, archive) if simple else None
    most = Most(most_rows, most_seconds, most_bytes)
    if pieces is not None:
        return QueryPlan(adql, pieces, set(), Limits(timeout), None, most)
    kept = kept_of(archive, my)
    tables = Tables(catalogs, uploads, archive, kept, sample)
    state = State(QueryText(adql), tables, trusted)
    tree = parse(adql)
    pieces = _planned(tree, state, limit)
    into = None if tree.into is None else Into(tree.into.parts[1].name, kept)
    if simple and into is None and not state.functions:
        keep(asked, pieces, tables, archive)
    return QueryPlan(adql, pieces, state.functions, Limits(timeout), into, most)


def _planned(tree: Query, state: State, limit: int | None) -> Pieces:
    try:
        compiled = Compiler(state).whole(tree)
    except RecursionError:
        raise QueryError(
            f"the query begins {state.source.text[:40]!r} and is nested too deep: write it on "
            "fewer levels"
        ) from None
    reads = named_instead([read_of(each) for each in state.scans], state.blocks, state.tables)
    return Pieces(
        compiled,
        reads,
        state.blocks,
        state.aggregates,
        limit,
        frozenset(state.functions),
        tuple(state.joins),
    )


def _check(limit: Any, timeout: Any, **mosts: Any) -> None:
    if limit is not None and not (isinstance(limit, int) and limit >= 0):
        raise UserError(f"limit is {limit!r}, but a number of rows is needed: 0 or more, or None")
    for name, most in mosts.items():
        if most is not None and not (isinstance(most, int | float) and most >= 0):
            raise UserError(f"{name} is {most!r}, but it needs a number, 0 or more, or None")
    if timeout is not None and not (isinstance(timeout, int | float) and timeout > 0):
        raise UserError(f"timeout is {timeout!r}, but it needs seconds, more than 0, or None")


@dataclass(frozen=True, slots=True)
class Into:
    """Where the rows of a query are to be kept: my.NAME."""

    name: str
    kept: Kept | None


@dataclass(frozen=True, repr=False)
class QueryPlan(Giving):
    """What a query would do; nothing is read until its rows are asked for."""

    adql: str
    """The query as it was given."""
    pieces: Pieces
    functions: set[str]
    limits: Limits = field(default_factory=Limits)
    into: Into | None = None
    most: Most = field(default_factory=Most)
    """What it may cost; checked before it begins."""

    @property
    def compiled(self) -> Compiled:
        """Its SQL, and what it gives."""
        return self.pieces.compiled

    @property
    def reads(self) -> Sequence[Read]:
        """What it reads of each table."""
        return self.pieces.reads

    @property
    def limit(self) -> int | None:
        """How many rows come back at most."""
        return self.pieces.limit

    @cached_property
    def sql(self) -> str:
        """The SQL of the whole: generated from the query's tree, with names and numbers of ours."""
        return self.pieces.whole

    @cached_property
    def costs(self) -> Costs:
        """What is expected of it."""
        return Costs(self.pieces, self.functions)

    def begin(self, executor: Where = None) -> Run:
        """One run of it, whose `report` tells what was read."""
        self._check_given_back()
        self.check_cost()
        check_executor(executor)
        if executor is not None:
            return Run(self.pieces.course(spread=True), self.functions, self.limits, executor)
        return Run(self.pieces.here, self.functions, self.limits, None, self.costs.learn)

    @cached_property
    def schema(self) -> pa.Schema:
        """The schema of the rows; a column that comes as it is keeps its unit and meaning."""
        sql = with_named(self.compiled.named, self.compiled.sql, 0)
        with rows_of(sql, self.reads, self.functions, self.limits) as reader:
            return self._meant(reader.schema)

    def run(self, executor: Where = None) -> Saved:
        """Keep the rows under the name that INTO says: whole, or not at all.

        Raises ExistsError where there is one of that name, UserError for a query without INTO.
        """
        from skyquarry.adql.saving import Result, save

        if self.into is None:
            raise UserError(
                "the query has no INTO my.NAME, under which its rows would be kept: ask for them "
                "by to_table() or stream()"
            )
        rows = replace(self, into=None)
        result = Result(self.adql, rows.schema, self.compiled.fields, self.reads, rows.stream)
        return save(result, self.into.name, self.into.kept, executor)

    def _check_given_back(self) -> None:
        """Rows of a query with INTO are kept, and asking for them would forget to."""
        if self.into is not None:
            raise UserError(
                f"the query keeps its rows as my.{self.into.name}, and gives none back: run() "
                "keeps them; leave INTO out to have them here"
            )

    def to_sql(self, dialect: str = "duckdb") -> str:
        """The same query for another engine: "duckdb", "trino" or "spark".

        For duckdb it names the files; for a cluster, tables called as here. Raises QueryError for
        a function that has no form there.
        """
        from skyquarry.adql.dialects import in_dialect

        scans = [(each.name, each.standing(dialect)) for each in self.reads]
        named = (*scans, *self.compiled.named)
        sql = with_named(named, self.compiled.sql, self.limit)
        return in_dialect(sql, dialect, self.functions)

    def _meant(self, schema: pa.Schema) -> pa.Schema:
        """The database's types with our names and meanings."""
        import pyarrow as pa

        names = _names(self.compiled)
        fields = [
            pa.field(name, each.type, metadata=dict(known.metadata) or None)
            for name, each, known in zip(names, schema, self.compiled.fields, strict=True)
        ]
        return pa.schema(fields)

    def stream(self, executor: Where = None) -> Iterator[pa.RecordBatch]:
        """Record batches as the rows come, the first as soon as its tile is read."""
        return (batch for batch in self._batches(self.begin(executor)) if batch.num_rows)

    def to_table(self, executor: Where = None) -> pa.Table:
        """All rows in memory; "threads", "processes" or an executor runs it part by part there."""
        import pyarrow as pa

        return pa.Table.from_batches(list(self._batches(self.begin(executor))))

    def _batches(self, run: Run) -> Iterator[pa.RecordBatch]:
        """With our names and meanings; the first has no rows."""
        import pyarrow as pa

        schema: Any = None
        for batch in run.batches():
            schema = self._meant(batch.schema) if schema is None else schema
            yield pa.RecordBatch.from_arrays(batch.columns, schema=schema)

    def cost(self) -> Cost:
        """Expected tiles, rows and bytes read, rows given, and seconds.

        Rows are counted on a sample of what would be read, seconds learnt from what ran before.
        """
        return self.costs.cost

    def check_cost(self) -> None:
        """Raises QueryError where more is expected than `most_rows` and the others allow."""
        if self.most:
            self.most.check(self.cost())

    def unlimited(self) -> QueryPlan:
        """The same query, whatever it costs."""
        return replace(self, most=Most())

    def explain(self) -> str:
        """What of each table is read, what that costs, how it runs, and the SQL."""
        from skyquarry.adql.running.explaining import lines_of

        kept = [] if self.into is None else [f"kept as my.{self.into.name}"]
        return "\n".join([*lines_of(self.costs), *kept])

    def __repr__(self) -> str:
        text = " ".join(self.adql.split())
        return f"QueryPlan: {text if len(text) < 200 else text[:197] + '...'}"


def _names(compiled: Compiled) -> list[str]:
    """The names of a result's columns: as the query calls them, each once."""
    found: list[str] = []
    for each in compiled.fields:
        spelled = each.sql[1:-1].replace('""', '"')
        found.append(each.name if each.name not in found else spelled)
    return found
