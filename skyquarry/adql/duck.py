"""DuckDB, locked down: it sees the tiles of one query and nothing else. The one importer of it.

Its SQL is ours; this is the second wall. Only the files that the query reads may be opened, no
extension is loaded, no setting changed once the query begins, and memory and time have limits.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import threading
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from skyquarry.adql import functions
from skyquarry.adql.reads import GivenRead, Read, StoredRead
from skyquarry.adql.stopping import Stop
from skyquarry.errors import CancelledError, QueryError, RunError

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pyarrow as pa

BATCH_ROWS: Final = 65_536
_LOCKS: Final = (
    "SET autoinstall_known_extensions = false",
    "SET autoload_known_extensions = false",
    "SET allow_community_extensions = false",
    "SET python_enable_replacements = false",
    "SET enable_external_access = false",
    "SET lock_configuration = true",
)


@dataclass(frozen=True, slots=True)
class Limits:
    """What a query may use."""

    seconds: float | None = None
    memory_bytes: int = 4 << 30
    spill_bytes: int = 32 << 30
    """On disk, for what memory has no room for."""
    threads: int | None = None
    stop: Stop | None = None
    """What stops it from another thread."""


@contextmanager
def rows_of(
    sql: str, reads: list[Read], called: set[str], limits: Limits
) -> Iterator[pa.RecordBatchReader]:
    """The rows of a query as they come; whatever it made is gone afterwards.

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

    small = not called and all(read.is_small for read in reads)
    late = threading.Event()
    stop = limits.stop or Stop()
    with _shared() if small else _own(limits) as connection, stop.heard_by(connection):
        clock = _clock(connection, limits, late)
        try:
            if small:
                for read in reads:
                    connection.register(read.name, read.table_here())
            else:
                _prepare(connection, reads, called)
            stop.check()
            yield connection.sql(sql).to_arrow_reader(BATCH_ROWS)
        except (duckdb.Error, pa.ArrowException, OSError) as error:  # these from batches
            if isinstance(error, OSError) and error.errno is not None:
                raise  # a file's, and no batch's, which Arrow hands on as an OSError of its own
            raise _told(error, late, limits) from None
        finally:
            if clock is not None:
                clock.cancel()


@contextmanager
def _own(limits: Limits) -> Iterator[Any]:
    """A database of its own, not yet locked; gone afterwards, with all that it spilled."""
    import duckdb

    spill = tempfile.mkdtemp(prefix=".skyquarry-query-")
    connection = duckdb.connect(":memory:", config=_settings(limits, spill))
    try:
        connection.execute("SET TimeZone = 'UTC'")
        yield connection
    finally:
        connection.close()
        shutil.rmtree(spill, ignore_errors=True)


_SHARED: dict[int, Any] = {}
_MAKING = threading.Lock()


@contextmanager
def _shared() -> Iterator[Any]:
    """A connection to one locked database of this process, which may open no file at all.

    To make a database takes longer than a small query. Connections do not see each other's tables.
    """
    with _MAKING:
        if os.getpid() not in _SHARED:
            _SHARED.clear()  # after a fork the other process's is of no use
            _SHARED[os.getpid()] = _made_to_share()
        connection = _SHARED[os.getpid()].cursor()
    try:
        yield connection
    finally:
        connection.close()


def _made_to_share() -> Any:
    import duckdb

    connection = duckdb.connect(":memory:", config={"memory_limit": f"{Limits().memory_bytes}B"})
    for each in ("SET TimeZone = 'UTC'", "SET temp_directory = ''", *_LOCKS):
        connection.execute(each)
    return connection


def _settings(limits: Limits, spill: str) -> dict[str, Any]:
    settings = {
        "memory_limit": f"{limits.memory_bytes}B",
        "temp_directory": spill,
        "max_temp_directory_size": f"{limits.spill_bytes}B",
    }
    if limits.threads is not None:
        settings["threads"] = str(limits.threads)
    return settings


def _clock(connection: Any, limits: Limits, late: threading.Event) -> threading.Timer | None:
    """Interrupts the query when its time is over."""
    if limits.seconds is None:
        return None

    def stop() -> None:
        late.set()
        connection.interrupt()

    clock = threading.Timer(limits.seconds, stop)
    clock.daemon = True
    clock.start()
    return clock


def _prepare(connection: Any, reads: list[Read], called: set[str]) -> None:
    """Views of the tables, functions of ours, and then the locks."""
    files: list[str] = []
    for read in reads:
        files += _view(connection, read)
    for name in sorted(called):
        known = functions.PYTHON[name]
        connection.create_function(
            name, known.function, list(known.takes), known.gives,
            type="arrow", null_handling="special",
        )  # fmt: skip
    listed = ", ".join("'" + each.replace("'", "''") + "'" for each in files)
    connection.execute(f"SET allowed_paths = [{listed}]")
    for each in _LOCKS:
        connection.execute(each)


def _view(connection: Any, read: Read) -> list[str]:
    """One table under its name; the files that it may open."""
    if isinstance(read, GivenRead):
        connection.register(read.name, read.table_here())
        return []
    files = [] if read.by_engine else read.files()
    if files:
        connection.execute(f"CREATE TEMP VIEW {read.name} AS {read.select(files)}")
        return files
    _copied(connection, read)
    return []


def _copied(connection: Any, read: StoredRead) -> None:
    """Rows that the engine reads, or none at all, as a table of the database's own."""
    import pyarrow as pa

    given = f"given_{read.name}"
    batches = read.batches() if read.by_engine else iter(())
    reader = pa.RecordBatchReader.from_batches(read.scan.schema, batches)
    connection.register(given, reader)
    connection.execute(f"CREATE TEMP TABLE {read.name} AS SELECT * FROM {given}")
    connection.unregister(given)


def _told(error: Any, late: threading.Event, limits: Limits) -> Exception:
    """What the database complains of, as an error of ours."""
    import duckdb

    if limits.stop is not None and limits.stop.rung:
        return CancelledError("the query was stopped")
    first = str(error).strip().splitlines()[0]
    if late.is_set():
        return CancelledError(
            f"the query was stopped after {limits.seconds:g} s, its limit: narrow it by a region "
            "or a condition, or allow it more with timeout="
        )
    if isinstance(error, duckdb.OutOfMemoryException) or "Out of Memory Error" in first:
        gb = limits.memory_bytes / (1 << 30)
        return RunError(
            f"the query needs more than its limits of {gb:.3g} GiB of memory and "
            f"{limits.spill_bytes / (1 << 30):.3g} GiB of disk: give back fewer columns, or narrow "
            "it by a region or a condition"
        )
    values = isinstance(error, duckdb.ConversionException | duckdb.OutOfRangeException)
    if values or "Conversion Error" in first or "Out of Range Error" in first:
        return QueryError(f"a value of a row cannot be worked out: {first}")
    return RunError(f"the database failed: {first}")
