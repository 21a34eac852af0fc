"""DuckDB, locked down: it sees the tables of a query and nothing else.

It is imported here, in `kept` (databases that stay) and in `standing` (statements that stay).

Its SQL is ours; this is the second wall. Only the files that the query reads may be opened, no
extension is loaded, no setting changed once the query begins, and memory and time have limits.
"""

from __future__ import annotations

import math
import threading
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from skyquarry.adql.database import functions, hot
from skyquarry.adql.database.arranging import arrangement
from skyquarry.adql.database.deadlines import after
from skyquarry.adql.database.kept import Function, Limits, cursor
from skyquarry.adql.database.room import BATCH_ROWS, matching_room_of, room_of
from skyquarry.adql.database.standing import standing
from skyquarry.adql.database.stopping import Heard, Stop, heard
from skyquarry.adql.joins.ordering import arranged, planned
from skyquarry.adql.partreads import FileRead, PieceRead
from skyquarry.adql.reads import GivenRead, PartRead, StoredRead
from skyquarry.errors import CancelledError, QueryError, RunError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from contextlib import AbstractContextManager

    import pyarrow as pa

    from skyquarry.adql.joins.flat import JoinText
    from skyquarry.adql.joins.joinplan import Plan

_SHORT: Final = 1_000_000
"""Rows, of all tables with all."""


@contextmanager
def rows_of(
    sql: str,
    reads: Sequence[PartRead],
    called: set[str],
    limits: Limits,
    joins: Sequence[JoinText] = (),
) -> Iterator[pa.RecordBatchReader | Heard]:
    """The rows of a query as they come; whatever it made is gone afterwards.

    `joins` are those of its SELECTs that may be joined in another order, or by the matcher.

    Raises
    ------
    QueryError
        For a value that a CAST cannot turn, or whole numbers that grow beyond 64 bits.
    CancelledError
        When it took longer than `limits.seconds`.
    RunError
        When it needed more memory, or the database failed.
    """
    import duckdb
    import pyarrow as pa

    tables: Sequence[Any] = reads  # of a query that runs whole
    plans = [replace(each, room_bytes=_room(each, limits)) for each in planned(joins, tables)]
    late = threading.Event()
    stop = limits.stop or Stop()

    @contextmanager
    def watched(connection: Any) -> Iterator[None]:
        with stop.heard_by(connection), after(limits.seconds, _interruption(connection, late)):
            yield

    try:
        here = None if called else _in_memory(reads, plans, limits)
        if here is not None and plans:
            sql, here = _arranged(sql, here, plans, watched)
        with (
            _own(limits, reads, called, plans)
            if here is None
            else standing(sql, _tables(here), as_written=bool(plans)) as opened,
            watched(opened[0]),
        ):
            connection, statement = opened
            if here is None:
                statement = heard(connection, lambda: _named_in(connection, sql, reads, plans))
            stop.check()
            if here is not None and _is_short(here):
                yield _reader(connection, statement)
                return
            yield Heard(heard(connection, lambda: _reader(connection, statement)), connection)
    except (duckdb.Error, pa.ArrowException, MemoryError, OSError) as error:  # two from batches
        if isinstance(error, OSError) and error.errno is not None:
            raise  # a file's, and no batch's, which Arrow hands on as an OSError of its own
        raise _told(error, late, limits, reads) from None


def _reader(connection: Any, sql: str) -> pa.RecordBatchReader:
    """The rows of a query as they come.

    A relation of DuckDB's Python reads and binds the text once to know its columns and again to run
    it, which takes longer than a small query itself. The call beneath does so once.
    """
    submit = getattr(connection, "_submit", None)
    if submit is None:
        return connection.sql(sql).to_arrow_reader(BATCH_ROWS)
    return submit(sql, None, "stream", BATCH_ROWS).arrow_reader()


def _in_memory(
    reads: Sequence[Any], plans: Sequence[Plan], limits: Limits
) -> list[GivenRead] | None:
    """The tables in memory, where all of them are small: places, tables, and what was given."""
    usual = Limits()
    if limits.threads is not None:
        return None
    if all(read.is_small for read in reads):
        return None if plans else [hot.here(read) for read in reads]
    if any(plan.may_match for plan in plans):
        return None  # it may ask for the rows where others lie
    if (limits.memory_bytes, limits.spill_bytes) != (usual.memory_bytes, usual.spill_bytes):
        return None
    return hot.in_memory(reads)


def _arranged(
    sql: str,
    reads: Sequence[GivenRead],
    plans: Sequence[Plan],
    watched: Callable[[Any], AbstractContextManager[None]],
) -> tuple[str, list[GivenRead]]:
    """A query of tables in memory with its joins in an order, and the rows that can matter."""
    made, left = arrangement(sql, plans, reads), list(reads)
    for each in made.first:
        first = [read for read in left if read.name == each.first]
        with (
            standing(each.sql, _tables(first), as_written=True) as (connection, text),
            watched(connection),
        ):
            left = each.fewer(_reader(connection, text).read_all(), left)
    return made.sql, left


def _tables(reads: Sequence[GivenRead]) -> dict[str, pa.Table]:
    return {read.name: read.table_here() for read in reads}


def _is_short(reads: Sequence[GivenRead]) -> bool:
    """Whether it is through before Ctrl-C could be pressed, however its tables are joined."""
    return math.prod(max(read.table.rows, 1) for read in reads) <= _SHORT


def _room(plan: Plan, limits: Limits) -> int:
    """What rows that are held for a join may take."""
    return (matching_room_of if plan.may_match else room_of)(limits.memory_bytes)


@contextmanager
def _own(
    limits: Limits, reads: Sequence[PartRead], called: set[str], plans: Sequence[Plan]
) -> Iterator[tuple[Any, str]]:
    """A connection to a database that may open the files of these tables."""
    known = [(name, functions.known(name)) for name in sorted(called)]
    used = [
        Function(name.partition("=")[0], each.function, each.takes, each.gives)
        for name, each in known
    ]
    files = [file for read in reads for file in _files(read)]
    columns = [name for read in reads for name in _columns(read)]
    if plans:  # which hold rows beside the database
        held_bytes = max(each.room_bytes for each in plans)
        limits = replace(limits, memory_bytes=limits.memory_bytes - held_bytes)
    editions = [each for read in reads for each in _editions(read)]
    with cursor(
        limits, files, used, as_written=bool(plans), columns=columns, editions=editions
    ) as connection:
        yield connection, ""


def _files(read: PartRead) -> tuple[str, ...]:
    """What a table may open."""
    if isinstance(read, GivenRead | PieceRead) or read.by_engine:
        return ()
    return read.may_open


def _editions(read: PartRead) -> tuple[str, ...]:
    """What its files are of."""
    return read.editions if _files(read) else ()  # type: ignore[union-attr]


def _columns(read: PartRead) -> list[str]:
    """What it reads of files, each column with one file of its table."""
    opened = _files(read)
    return [f"{opened[0]} {name}" for name in read.columns] if opened else []  # type: ignore[union-attr]


def _interruption(connection: Any, late: threading.Event) -> Callable[[], None]:
    """What happens when the query's time is over."""

    def stop() -> None:
        late.set()
        connection.interrupt()

    return stop


def _named_in(connection: Any, sql: str, reads: Sequence[PartRead], plans: Sequence[Plan]) -> str:
    """The SQL, with its tables there for it."""
    matched = any(plan.near is not None for plan in plans)  # which asks for its tables by name
    for read in reads:
        if matched or not _in_files(read):
            _named(connection, read)
    if plans:
        tables: Any = reads  # of a query that runs whole
        sql = arranged(sql, plans, tables, connection).sql
    return sql if matched else _inline(sql, reads)


def _named(connection: Any, read: PartRead) -> None:
    """One table under its name, for as many statements as are asked of it."""
    if isinstance(read, GivenRead):
        connection.register(read.name, read.table_here())
    elif not isinstance(read, PieceRead) and _in_files(read):
        connection.execute(f"CREATE TEMP VIEW {read.name} AS {read.select(read.files())}")
    else:
        assert isinstance(read, StoredRead | PieceRead)
        _copied(connection, read)


def _in_files(read: PartRead) -> bool:
    """Whether the database reads it, and there are files of it to read."""
    if isinstance(read, GivenRead | PieceRead):
        return False
    return not read.by_engine and bool(read.files())


def _inline(sql: str, reads: Sequence[PartRead]) -> str:
    """The SQL with its tables of files named before it: one statement is bound sooner than two."""
    named = [
        f"{read.name} AS NOT MATERIALIZED ({read.select(read.files())})"
        for read in reads
        if isinstance(read, StoredRead | FileRead) and _in_files(read)
    ]
    if not named:
        return sql
    rest = sql.removeprefix("WITH ")
    return f"WITH {', '.join(named)}{', ' if rest != sql else ' '}{rest}"


def _copied(connection: Any, read: StoredRead | PieceRead) -> None:
    """Rows that the engine reads, or none at all, as a table of the database's own."""
    import pyarrow as pa

    given = f"given_{read.name}"
    schema = read.schema if isinstance(read, PieceRead) else read.scan.schema
    batches = read.batches() if read.by_engine else iter(())
    reader = pa.RecordBatchReader.from_batches(schema, batches)
    connection.register(given, reader)
    connection.execute(f"CREATE TEMP TABLE {read.name} AS SELECT * FROM {given}")
    connection.unregister(given)


def too_late(limits: Limits) -> CancelledError:
    """What is said of a query whose time is over."""
    return CancelledError(
        f"the query was stopped after {limits.seconds:g} s, its limit: narrow it by a region "
        f"or a condition, or allow it more with {limits.told.longer}"
    )


def no_room(limits: Limits) -> RunError:
    """What is said of a query that needs more memory than it may use."""
    if limits.told.memory is not None:
        return RunError(
            f"the query needs more than its {limits.told.memory:.3g} GiB of memory: give back "
            "fewer columns, narrow it by a region or a condition, or allow it more with memory_gb="
        )
    gb = limits.memory_bytes / (1 << 30)
    return RunError(
        f"the query needs more than its limits of {gb:.3g} GiB of memory and "
        f"{limits.spill_bytes / (1 << 30):.3g} GiB of disk: give back fewer columns, or narrow "
        "it by a region or a condition"
    )


def _gone(reads: Sequence[PartRead]) -> RunError | None:
    """What is said where a file that is read is there no more."""
    files = (file for read in reads if _files(read) for file in read.files())  # type: ignore[union-attr]
    lost = next((file for file in files if not Path(file).exists()), None)
    if lost is None:
        return None
    return RunError(
        f"{lost} is gone, which was there when the query was planned: a catalogue, or a tag of "
        "one, was removed meanwhile; ask again"
    )


def _told(
    error: Any, late: threading.Event, limits: Limits, reads: Sequence[PartRead]
) -> Exception:
    """What the database complains of, as an error of ours."""
    import duckdb

    if limits.stop is not None and limits.stop.rung:
        return CancelledError("the query was stopped")
    first = (str(error).strip().splitlines() or [""])[0]
    if late.is_set():
        return too_late(limits)
    full = isinstance(error, duckdb.OutOfMemoryException | MemoryError)
    if full or "Out of Memory Error" in first:
        return no_room(limits)
    if "Python exception occurred while executing the UDF" in first:
        return QueryError(first.rpartition("Error: ")[2])
    values = isinstance(error, duckdb.ConversionException | duckdb.OutOfRangeException)
    if values or "Conversion Error" in first or "Out of Range Error" in first:
        return QueryError(f"a value of a row cannot be worked out: {first}")
    return _gone(reads) or RunError(f"the database failed: {first}")
