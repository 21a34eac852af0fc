"""What a run has finished, on disk, so that it can go on where it was killed.

One JSON line each: the first holds the fingerprint of what is being done, the others a key and its
payload. A line counts once it ends in a newline and has been synced; a torn last line is cut off.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from collections.abc import Iterator
    from io import FileIO

Key = str | int | tuple[str | int, ...]
Payload = Any
"""Anything that JSON can hold."""


class Journal:
    """The finished keys of one piece of work, found again after a crash.

    `fingerprint` says what the work is (inputs, options, versions): a journal with another one is
    put aside by starting clean. Keys are text, integers or tuples of them.

    >>> with Journal(path, "build of gaia.csv") as journal:  # doctest: +SKIP
    ...     journal.record(("tile", 7), {"rows": 12})
    """

    def __init__(self, path: str | os.PathLike[str], fingerprint: str) -> None:
        self.path = Path(path)
        self.fingerprint = fingerprint
        self._done: dict[str, Payload] = {}
        self.path.parent.mkdir(parents=True, exist_ok=True)
        kept = self._read()
        self._file: FileIO = self.path.open("r+b" if kept else "w+b", buffering=0)
        self._file.truncate(kept)
        self._file.seek(kept)
        if not kept:
            self._write({"fingerprint": fingerprint})
            _sync_folder(self.path.parent)

    def done(self, key: Key) -> Payload | None:
        """The payload recorded for the key; None where it is not done."""
        return self._done.get(_name(key))

    def __contains__(self, key: Key) -> bool:
        return _name(key) in self._done

    def __len__(self) -> int:
        return len(self._done)

    def items(self) -> Iterator[tuple[Key, Payload]]:
        """Keys with their payloads, in the order of their recording."""
        for name, payload in self._done.items():
            yield _key(json.loads(name)), payload

    def record(self, key: Key, payload: Payload = True) -> None:  # noqa: FBT002
        """Note that the key is done; on return the note is on disk."""
        self._write({"key": key, "payload": payload})
        self._done[_name(key)] = payload

    def close(self) -> None:
        """Close the file; the journal stays on disk."""
        self._file.close()

    def remove(self) -> None:
        """Close and delete the journal: the work is finished."""
        self.close()
        self.path.unlink(missing_ok=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def _read(self) -> int:
        """Fill `_done` from the file; returns how many of its bytes are good (0: start clean)."""
        if not self.path.exists():
            return 0
        good = 0
        for line in self.path.read_bytes().splitlines(keepends=True):
            entry = _entry(line)
            if entry is None or (good == 0 and entry.get("fingerprint") != self.fingerprint):
                break
            if good:
                self._done[_name(entry["key"])] = entry["payload"]
            good += len(line)
        return good

    def _write(self, entry: dict[str, Any]) -> None:
        line = memoryview(json.dumps(entry, separators=(",", ":")).encode() + b"\n")
        while line:
            line = line[self._file.write(line) :]
        os.fsync(self._file.fileno())


def _entry(line: bytes) -> dict[str, Any] | None:
    """The entry on a whole line; None for a torn or foreign one."""
    if not line.endswith(b"\n"):
        return None
    try:
        entry = json.loads(line)
    except ValueError:
        return None
    known = isinstance(entry, dict) and ("fingerprint" in entry or {"key", "payload"} <= set(entry))
    return entry if known else None


def _name(key: Any) -> str:
    return json.dumps(key)


def _key(value: Any) -> Key:
    return tuple(value) if isinstance(value, list) else value


def _sync_folder(folder: Path) -> None:
    if os.name != "posix":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
