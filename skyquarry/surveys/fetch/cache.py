"""What has been fetched, on disk: a file a cell, checked by its sum, and a journal of all."""

from __future__ import annotations

import hashlib
import os
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from skyquarry.engine.journal import Journal
from skyquarry.errors import ExistsError, StorageError

if TYPE_CHECKING:
    from pathlib import Path

    from skyquarry.surveys.fetch.cells import Cell


@dataclass(frozen=True, slots=True)
class Kept:
    """What is known of a cell that has been fetched."""

    file: Path | None
    """None: no row of the table is the cell's."""
    rows: int
    received: int


class Cache:
    """The folder, lock and journal of one download; a context manager.

    Raises ExistsError where another process fetches into the folder, StorageError where it cannot
    be made.
    """

    def __init__(self, folder: Path, fingerprint: str) -> None:
        self.folder = folder
        self.fingerprint = fingerprint
        self._handle: int | None = None

    def __enter__(self) -> Self:
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as fault:
            raise StorageError(
                f"{self.folder} cannot be made ({fault.strerror}), but what is fetched is kept on "
                "disk: name another folder with cache (--cache)"
            ) from fault
        self._lock()
        self.journal = Journal(self.folder / "journal.jsonl", self.fingerprint)
        return self

    def __exit__(self, *error: object) -> None:
        self.journal.close()
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None

    def kept(self, cell: Cell) -> Kept | None:
        """What is kept of a cell; None where nothing is, or the file is no longer as it was."""
        told = self.journal.done(("cell", cell.order, cell.pixel))
        if told is None:
            return None
        if told["file"] is None:
            return Kept(None, 0, told["received"])
        path = self.folder / told["file"]
        if not path.is_file() or path.stat().st_size != told["bytes"]:
            return None
        return Kept(path, told["rows"], told["received"]) if _sum(path) == told["sum"] else None

    def keep(self, cell: Cell, rows: int, received: int) -> Kept:
        """Note a cell whose file lies in its place; one without rows has none."""
        path = self.path(cell)
        kept = Kept(path if rows else None, rows, received)
        told: dict[str, Any] = {"file": None, "rows": rows, "received": received}
        if kept.file is None:
            path.unlink(missing_ok=True)
        else:
            told |= {
                "file": str(path.relative_to(self.folder)),
                "bytes": path.stat().st_size,
                "sum": _sum(path),
            }
        told["date"] = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        self.journal.record(("cell", cell.order, cell.pixel), told)
        return kept

    def path(self, cell: Cell) -> Path:
        """Where the file of a cell lies."""
        return self.folder / f"Norder={cell.order}" / f"Npix={cell.pixel}.parquet"

    def scratch(self, cell: Cell | None, what: str) -> Path:
        """A name for an answer that is not read yet."""
        name = "head" if cell is None else f"{cell.order}-{cell.pixel}"
        return self.folder / f".{what}-{name}.vot"

    def count(self, cell: Cell) -> int | None:
        """How many rows the service has counted; None where it was not asked."""
        told = self.journal.done(("count", cell.order, cell.pixel))
        return None if told is None else int(told)

    def keep_count(self, cell: Cell, rows: int) -> None:
        """Note what the service has counted."""
        self.journal.record(("count", cell.order, cell.pixel), rows)

    def cut(self, cell: Cell) -> int:
        """By how many orders the cell was cut, because its answer overflowed; 0: it was not."""
        return int(self.journal.done(("cut", cell.order, cell.pixel)) or 0)

    def keep_cut(self, cell: Cell, levels: int) -> None:
        """Note that the cell was cut."""
        self.journal.record(("cut", cell.order, cell.pixel), levels)

    def __len__(self) -> int:
        """How many cells are kept."""
        return sum(_is_cell(key) for key, _ in self.journal.items())

    def date(self) -> str:
        """When the last cell was fetched, in UTC."""
        dates = [told["date"] for key, told in self.journal.items() if _is_cell(key)]
        return max(dates, default="")

    def _lock(self) -> None:
        try:
            import fcntl
        except ImportError:  # no such locks: two downloads into one folder are the user's care
            return
        self._handle = os.open(self.folder / "lock", os.O_RDWR | os.O_CREAT, 0o644)
        try:
            fcntl.flock(self._handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(self._handle)
            self._handle = None
            raise ExistsError(
                f"another process fetches into {self.folder}, but one at a time can: wait for it, "
                "or name another folder with cache (--cache)"
            ) from None


def _is_cell(key: Any) -> bool:
    return isinstance(key, tuple) and key[0] == "cell"


def _sum(path: Path) -> str:
    """The file's SHA-256."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
