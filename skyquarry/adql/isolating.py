"""A stranger's query in a process of its own, whose time, memory and rows have hard limits.

A database hears an interrupt between two vectors only, and counts only a part of its memory. So the
text is read, and run, in a fresh interpreter: the system gives it no more memory than it may have,
and it is killed when its time is over. Rows come as Arrow's stream over a pipe, faults as JSON. It
ends with the process that started it, and its folder for what it spills goes with it.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from skyquarry import errors
from skyquarry.adql.giving import Giving
from skyquarry.errors import CancelledError, RunError, SkyquarryError, UserError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import pyarrow as pa

_BEGIN: Final = (
    "import json, os, shutil, sys; line = sys.stdin.buffer.readline(); "
    "line or (shutil.rmtree(os.getcwd(), True), os._exit(1)); "  # who asked is gone already
    "asked = json.loads(line); "
    "sys.path[:] = asked['path']; "
    "from skyquarry.adql.isolated import serve; serve(asked)"
)
_GRACE_S: Final = 1.0
"""What a query that heeds its time by itself needs to say so."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """What an isolated query may use."""

    seconds: float = 60.0
    memory_gb: float = 2.0
    rows: int = 1_000_000

    def __post_init__(self) -> None:
        for name in ("seconds", "memory_gb", "rows"):
            value = getattr(self, name)
            if isinstance(value, bool) or not (isinstance(value, int | float) and value > 0):
                raise UserError(f"{name} is {value!r}, but more than 0 is needed: leave it out")


def isolated_query(  # noqa: PLR0913  each keyword is said by its name
    adql: str,
    catalogs: Mapping[str, Any] | None = None,
    uploads: Mapping[str, Any] | None = None,
    *,
    archive: Any = None,
    my: Any = None,
    seconds: float = 60.0,
    memory_gb: float = 2.0,
    rows: int = 1_000_000,
) -> IsolatedPlan:
    """A query of someone who is not trusted: read and run in a process of its own, when asked.

    Tables are named as for `sq.query`, catalogues whole ones. No more than `rows` rows come back;
    a query that takes longer than `seconds`, its process's start included, or needs more than
    `memory_gb`, is killed, and leaves no file and no process behind. Functions of `@sq.function`
    are not there, nor is INTO. Faults of the text are raised when its rows, its schema or
    `explain()` are asked for.

    >>> plan = sq.isolated_query(text, archive="archive", seconds=10)  # doctest: +SKIP
    >>> plan.to_table()  # doctest: +SKIP
    """
    from skyquarry.adql.uploads import as_arrow

    named = {name: _place(name, given) for name, given in (catalogs or {}).items()}
    tables = {name: as_arrow(given, name) for name, given in (uploads or {}).items()}
    bounds = Bounds(seconds, memory_gb, rows)
    return IsolatedPlan(adql, named, tables, _folder(archive), _folder(my), bounds)


def _place(name: str, given: Any) -> str:
    """Where a catalogue lies; UserError for one that was cut."""
    from skyquarry.engine.catalog import Catalog

    if not isinstance(given, Catalog):
        return _absolute(os.fspath(given))
    if not given.cut.rows_uncut or given.cut.columns is not None:
        raise UserError(
            f"the catalogue {name} was cut before it was given, but another process reads it whole:"
            " give it whole, and say the cut in WHERE"
        )
    return _absolute(given.stored.home.root)


def _folder(given: Any) -> str | None:
    if given is None:
        return None
    plain = isinstance(given, str) or hasattr(given, "__fspath__")
    return _absolute(os.fspath(given) if plain else given.folder.root)


def _absolute(place: str) -> str:
    """A path that means the same in another folder; a URL as it is."""
    return place if "://" in place else str(Path(place).absolute())


@dataclass(frozen=True, repr=False)
class IsolatedPlan(Giving):
    """A query that another process will read and run; each request starts one."""

    adql: str
    catalogs: dict[str, str] = field(default_factory=dict)
    uploads: dict[str, pa.Table] = field(default_factory=dict)
    archive: str | None = None
    my: str | None = None
    bounds: Bounds = field(default_factory=Bounds)

    def explain(self) -> str:
        """What it would read, and the SQL that would run."""
        with self._asked("explain") as answer:
            return str(answer.told["text"])

    @property
    def schema(self) -> pa.Schema:
        """The schema of its rows."""
        with self._asked("schema") as answer:
            return next(answer.streams()).schema

    def stream(self) -> Iterator[pa.RecordBatch]:
        """Record batches as the rows come; what takes them counts towards its time."""
        with self._asked("rows") as answer:
            for stream in answer.streams():
                yield from (batch for batch in stream if batch.num_rows)

    def to_table(self) -> pa.Table:
        """All rows in memory."""
        with self._asked("rows") as answer:
            tables = [stream.read_all() for stream in answer.streams()]
        return tables[0]

    def __repr__(self) -> str:
        return f"IsolatedPlan: {self.adql!r:.80}, {self.bounds}"

    @contextmanager
    def _asked(self, what: str) -> Iterator[_Answer]:
        """A process that answers one request; it is gone afterwards, with all that it made."""
        folder = tempfile.mkdtemp(prefix=".skyquarry-isolated-")
        process = _Process(folder, self.bounds)
        try:
            process.tell(self._request(what, folder), self.uploads)
            yield process.answer()
        except (OSError, EOFError, ValueError) as error:  # Arrow's too, of a stream that was cut
            if isinstance(error, SkyquarryError) or getattr(error, "errno", None) is not None:
                raise
            raise process.died() from None
        finally:
            process.end()
            shutil.rmtree(folder, ignore_errors=True)

    def _request(self, what: str, folder: str) -> dict[str, Any]:
        bounds = self.bounds
        limits = {"seconds": bounds.seconds, "memory": int(bounds.memory_gb * 2**30)}
        tables = {"catalogs": self.catalogs, "archive": self.archive, "my": self.my}
        uploads = list(self.uploads)
        asked = {"what": what, "adql": self.adql, "rows": bounds.rows, "uploads": uploads}
        return {"path": sys.path, "folder": folder, **asked, **limits, **tables}


class _Process:
    """A fresh interpreter in a session of its own, and the clock that kills it."""

    def __init__(self, folder: str, bounds: Bounds) -> None:
        self.bounds = bounds
        self.late = threading.Event()
        self.process = subprocess.Popen(  # noqa: S603  this interpreter
            [sys.executable, "-c", _BEGIN],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=folder,
            env={**os.environ, "TMPDIR": folder, "MALLOC_ARENA_MAX": "4"},
            start_new_session=True,
        )
        self.clock = threading.Timer(bounds.seconds + _GRACE_S, self._stop)
        self.clock.daemon = True
        self.clock.start()

    def tell(self, request: dict[str, Any], uploads: dict[str, pa.Table]) -> None:
        """Send the request; its pipe stays open, as the process ends when it closes."""
        import pyarrow as pa

        assert self.process.stdin is not None
        with suppress(OSError):  # it ended before it had read all: its answer says why
            self.process.stdin.write(json.dumps(request).encode() + b"\n")
            for table in uploads.values():
                with pa.ipc.new_stream(self.process.stdin, table.schema) as writer:
                    writer.write_table(table)
            self.process.stdin.flush()

    def answer(self) -> _Answer:
        """What it says first. Raises what went wrong there."""
        return _Answer(self, self.line())

    def line(self) -> dict[str, Any]:
        """One line of JSON; raises the fault that it tells, or that it died of."""
        assert self.process.stdout is not None
        words = self.process.stdout.readline()
        if not words.endswith(b"\n"):
            raise self.died()
        told: dict[str, Any] = json.loads(words)
        if "fault" in told:
            raise _fault(told)
        return told

    def died(self) -> SkyquarryError:
        """Why there is no more to read."""
        try:
            code = self.process.wait(_GRACE_S)
        except subprocess.TimeoutExpired:
            return RunError("the query's process sent what is no answer: ask again")
        if self.late.is_set():
            return CancelledError(
                f"the query was stopped after {self.bounds.seconds:g} s, its limit: narrow it by a "
                "region or a condition, or allow it more with seconds="
            )
        return RunError(
            f"the query's process ended ({_signal(code)}): it needs more than its "
            f"{self.bounds.memory_gb:g} GiB of memory: give back fewer columns, narrow it by a "
            "region or a condition, or allow it more with memory_gb="
        )

    def _stop(self) -> None:
        self.late.set()
        self._kill()

    def _kill(self) -> None:
        with suppress(OSError):
            os.killpg(self.process.pid, signal.SIGKILL)

    def end(self) -> None:
        """Gone, whatever it was at."""
        self.clock.cancel()
        self._kill()
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout):
            with suppress(OSError):
                pipe.close()  # type: ignore[union-attr]


@dataclass(frozen=True, slots=True)
class _Answer:
    """What a process said first, and the rows that follow."""

    process: _Process
    told: dict[str, Any]

    def streams(self) -> Iterator[pa.RecordBatchReader]:
        """The rows; once they are taken, whether all of them came."""
        import pyarrow as pa

        yield pa.ipc.open_stream(self.process.process.stdout)
        self.process.line()


def _signal(code: int) -> str:
    with suppress(ValueError):
        return signal.Signals(-code).name
    return f"exit code {code}"


def _fault(told: dict[str, Any]) -> SkyquarryError:
    """A fault that the process told, as what it was."""
    kind = getattr(errors, str(told["fault"]), RunError)
    if not (isinstance(kind, type) and issubclass(kind, SkyquarryError)):
        kind = RunError
    found: SkyquarryError = kind(str(told["message"]))
    if isinstance(found, errors.QueryError):
        found.line, found.column = told["line"], told["column"]
    return found
