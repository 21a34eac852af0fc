"""Where a river ends: functions, files, catalogues. A full sink holds the river up."""

from __future__ import annotations

import os
import queue
import threading
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any, Protocol

import pyarrow as pa

from skyquarry.catalog.formats import write_table
from skyquarry.errors import CancelledError, UserError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

WAITING = 4
"""tables that wait for a file to be written: the river waits for room"""
_PATIENCE_S = 0.1


class Sink(Protocol):
    """Who takes the rows of a river, table by table, in order."""

    name: str
    rows: int

    def take(self, table: pa.Table) -> None:
        """Take some rows; returns when there is room for more."""

    def close(self, error: BaseException | None) -> None:
        """No more rows: all of them have come, or an error ended the run."""


class ToFunction:
    """A function that is given each table that has rows, in the caller's thread."""

    def __init__(self, function: Callable[[pa.Table], Any]) -> None:
        self.function, self.rows = function, 0
        self.name = str(getattr(function, "__name__", type(function).__name__))

    def take(self, table: pa.Table) -> None:
        """Call it."""
        if table.num_rows:
            self.function(table)
            self.rows += table.num_rows

    def close(self, error: BaseException | None) -> None:
        """Nothing: what it has been given it has."""


class ToPath:
    """A file, or a catalogue where the path has no suffix: written by a thread as rows come."""

    def __init__(self, path: str, schema: pa.Schema, options: dict[str, Any]) -> None:
        self.name, self.schema, self.options, self.rows = path, schema, options, 0
        self._waiting: queue.Queue[pa.Table | BaseException | None] = queue.Queue(WAITING)
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._write, daemon=True)
        self._thread.start()

    def take(self, table: pa.Table) -> None:
        """Hand the rows over; waits while the writer is busy."""
        if table.num_rows:
            self._put(table)
            self.rows += table.num_rows

    def close(self, error: BaseException | None) -> None:
        """Finish the file; after an error there is none. Raises what the writer raised."""
        self._put(error)
        self._thread.join()
        if self._error is not None and error is None:
            raise self._error

    def _put(self, what: pa.Table | BaseException | None) -> None:
        while True:
            if not self._thread.is_alive():
                if self._error is not None and not isinstance(what, BaseException):
                    raise self._error
                return
            try:
                self._waiting.put(what, timeout=_PATIENCE_S)
            except queue.Full:
                continue
            return

    def _batches(self) -> Iterator[pa.RecordBatch]:
        while (table := self._waiting.get()) is not None:
            if isinstance(table, BaseException):
                raise CancelledError(f"{self.name} was not written: the run failed") from table
            yield from table.to_batches()

    def _write(self) -> None:
        try:
            if PurePosixPath(self.name).suffix:
                write_table(self._batches(), self.schema, self.name, **self.options)
            else:
                self._build()
        except BaseException as error:  # noqa: BLE001  told to the one who runs the river
            self._error = error

    def _build(self) -> None:
        from skyquarry.ingest.build import plan_build

        reader = pa.RecordBatchReader.from_batches(self.schema, self._batches())
        plan_build(reader, self.name, **self.options).run("inline", progress=False)


def opened(to: Any, schema: pa.Schema, options: dict[str, Any]) -> Sink:
    """The sink that a caller names: a path, or a function."""
    if isinstance(to, str | os.PathLike):
        return ToPath(os.fspath(to), schema, options)
    return ToFunction(to)


def check(to: Any) -> str:
    """The name of a sink. Raises UserError for what is none."""
    if isinstance(to, str | os.PathLike):
        return os.fspath(to)
    if callable(to):
        return ToFunction(to).name
    raise UserError(
        f"the sink is {to!r}, but a path or a function of a table is needed: try 'bright.parquet'"
    )
