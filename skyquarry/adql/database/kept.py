"""Databases that are kept from one query to the next, with the footers of files that they read.

To read the footers of a wide catalogue takes DuckDB longer than a column of it: of a scan of 1e7
rows of 136 columns 0.3 of 0.4 s. So a locked database stays, and with it what it knows of its
files; a later query takes one whose files hold its own. Each query has a connection of its own,
whose temporary tables and views no other sees.
"""

from __future__ import annotations

import atexit
import glob
import os
import platform
import shutil
import tempfile
import threading
import uuid
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from skyquarry.adql.database.foresight import ALLOWED, Foresight
from skyquarry.adql.database.room import MEMORY_BYTES
from skyquarry.adql.database.stopping import when_over

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from skyquarry.adql.database.stopping import Stop

LOCKS: Final = (
    "SET autoinstall_known_extensions = false",
    "SET autoload_known_extensions = false",
    "SET allow_community_extensions = false",
    "SET python_enable_replacements = false",
    "SET enable_external_access = false",
    "SET lock_configuration = true",
)
AS_WRITTEN: Final = "SET disabled_optimizers = 'join_order,build_side_probe_side'"
"""For queries whose joins stand in their order already: the right side of each is hashed."""
ONE_READER: Final = {"async_threads": "1"}
"""Files are of this machine. DuckDB 2 reads by eight more threads, whose waking costs a scan of
many row groups a fifth to a third of its processor seconds, with nothing gained on local files."""
_KEPT: Final = 4
_FILES: Final = 4_096
"""Footers of more files than this are not kept: 1.5 MB each of a wide catalogue."""


@dataclass(frozen=True, slots=True)
class Told:
    """How a limit is told of to who set it, where it is not as it stands here."""

    longer: str = "timeout="
    """What gives a query more time."""
    memory: float | None = None
    """GiB of its process, of which the database counts a part; `memory_gb=` gives it more."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What a query may use."""

    seconds: float | None = None
    memory_bytes: int = MEMORY_BYTES
    spill_bytes: int = 32 << 30
    """On disk, for what memory has no room for."""
    threads: int | None = None
    stop: Stop | None = None
    """What stops it from another thread."""
    told: Told = Told()


@dataclass(frozen=True, slots=True)
class Function:
    """A function of Python that SQL may call: over Arrow arrays."""

    name: str
    function: Any
    takes: tuple[str, ...]
    gives: str


_Key = tuple[int, int, int | None, tuple[Function, ...], bool]
"""Bytes of memory and of spills, threads, functions, and whether joins are made as written."""


@dataclass
class Database:
    """A locked database, and who uses it."""

    key: _Key
    files: frozenset[str]
    editions: frozenset[str]
    connection: Any
    spill: Path
    users: int = 0
    foresight: Foresight = field(default_factory=Foresight)
    spoilt: bool = field(default=False)
    """It has spilled to disk: closed when nobody uses it, so that nothing stays there."""

    @property
    def has_spilled(self) -> bool:
        """Whether it has written rows to disk, where they stay until it is closed."""
        return self.spill.exists()

    def close(self) -> None:
        """It is of no more use, nor is what it spilled."""
        self.connection.close()
        self.remove_spilled()

    def remove_spilled(self) -> None:
        """What it has on disk: where it is closed, or the process ends."""
        shutil.rmtree(self.spill, ignore_errors=True)


_DATABASES: dict[int, list[Database]] = {}
"""By process: after a fork the other one's are of no use, and must not be closed here."""
_MAKING = threading.Lock()


@contextmanager
def cursor(
    limits: Limits,
    files: Iterable[str],
    functions: Sequence[Function] = (),
    *,
    as_written: bool = False,
    columns: Iterable[str] = (),
    editions: Iterable[str] = (),
) -> Iterator[Any]:
    """A connection to a locked database that may open these files and no other.

    Its temporary tables and views, and what is registered, are gone afterwards; what the query
    spilled to disk is gone at once. `as_written`: joins are made in the order in which they stand.
    `columns` name what is read, each with its table: those that lie in memory are not asked for
    before they are needed. `editions` tell what the files are of: what a database knows of a path,
    its footer above all, is of one edition, and those of the same size and time are alike to it.
    """
    key = (limits.memory_bytes, limits.spill_bytes, limits.threads, tuple(functions), as_written)
    database = _taken(key, frozenset(files), frozenset(editions))
    try:
        connection = database.connection.cursor()
    except BaseException:
        _given_back(database)
        raise
    try:
        with database.foresight.reading(connection, frozenset(columns)):
            yield connection
    finally:
        when_over(connection, lambda: _ended(connection, database))


def load() -> None:
    """Load the database's code, whose room a limit of memory set afterwards comes on top of."""
    import duckdb  # noqa: F401


def knows(files: Iterable[str]) -> bool:
    """Whether a database is kept that may have read the footers of these files."""
    asked = frozenset(files)
    with _MAKING:
        return any(asked <= each.files for each in _here())


def sweep() -> None:
    """Remove what processes of this machine spilled that were killed and could not tidy up."""
    if os.name != "posix":  # elsewhere a process cannot be asked whether it lives
        return
    with suppress(OSError):
        for folder in Path(tempfile.gettempdir()).glob(f"{glob.escape(_mine())}*"):
            number = folder.name.removeprefix(_mine()).partition("-")[0]
            if number.isdecimal() and not _lives(int(number)):
                shutil.rmtree(folder, ignore_errors=True)


def _mine() -> str:
    """How folders begin that processes of this machine spill to: others may share the disk."""
    return f".skyquarry-query-{platform.node()}-"


def _lives(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:  # another user's
        return True
    return True


def close_all() -> None:
    """Close those of this process that nobody uses, and forget what they knew."""
    with _MAKING:
        here = _here()
        for each in [each for each in here if not each.users]:
            here.remove(each)
            each.close()


def _end() -> None:
    """The process ends: what a call is at that nobody waits for is left, but for its files."""
    close_all()
    for each in _here():
        each.remove_spilled()


def _here() -> list[Database]:
    """Those of this process, the last used last."""
    if os.getpid() not in _DATABASES:
        _DATABASES[os.getpid()] = []
        atexit.register(_end)
        sweep()
    return _DATABASES[os.getpid()]


def _taken(key: _Key, files: frozenset[str], editions: frozenset[str]) -> Database:
    with _MAKING:
        here = _here()
        for database in reversed(here):
            known = files <= database.files and editions <= database.editions
            if database.key == key and known and not database.spoilt:
                here.remove(database)
                break
        else:
            database = _made(key, files, editions)
        here.append(database)
        database.users += 1
        return database


def _ended(connection: Any, database: Database) -> None:
    """A query's connection is of no more use."""
    try:
        connection.close()
    finally:
        _given_back(database)


def _given_back(database: Database) -> None:
    """One user less; those that nobody uses are closed where they are too many, or spoilt."""
    with _MAKING:
        database.users -= 1
        database.spoilt = database.spoilt or database.has_spilled
        here = _here()
        idle = [each for each in here if not each.users]
        spare = len(here) - _KEPT
        for each in idle:
            if each.spoilt or spare > 0:
                here.remove(each)
                each.close()
                spare -= 1


def without_files(limits: Limits, *, as_written: bool = False) -> Database:
    """A locked database that may open no file; whoever asks for it closes it."""
    key = (limits.memory_bytes, limits.spill_bytes, limits.threads, (), as_written)
    return _made(key, frozenset(), frozenset())


def _made(key: _Key, files: frozenset[str], editions: frozenset[str]) -> Database:
    import duckdb

    memory_bytes, spill_bytes, threads, functions, as_written = key

    spill = Path(tempfile.gettempdir()) / f"{_mine()}{os.getpid()}-{uuid.uuid4().hex}"
    settings: dict[str, Any] = {
        "memory_limit": f"{memory_bytes}B",
        "temp_directory": str(spill),
        "max_temp_directory_size": f"{spill_bytes}B",
        **ONE_READER,
    }
    if threads is not None:
        settings["threads"] = str(threads)
    connection: Any = duckdb.connect(":memory:", config=settings)
    connection.execute("SET GLOBAL TimeZone = 'UTC'")
    if 0 < len(files) <= _FILES:
        connection.execute("SET GLOBAL parquet_metadata_cache = true")
    connection.execute("LOAD parquet")  # it is built in; its settings are there from now on
    for each in functions:
        connection.create_function(
            each.name, each.function, list(each.takes), each.gives,
            type="arrow", null_handling="special",
        )  # fmt: skip
    if as_written:
        connection.execute(AS_WRITTEN)
    listed = ", ".join("'" + each.replace("'", "''") + "'" for each in sorted(files))
    for lock in (f"SET allowed_paths = [{listed}]", ALLOWED, *LOCKS):
        connection.execute(lock)
    return Database(key, files, editions, connection, spill)
