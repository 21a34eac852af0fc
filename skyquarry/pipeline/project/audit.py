"""An append-only log in which each line carries the hash of the one before.

A line that is changed, removed or put in between breaks the chain at its place, which `verify`
names; lines cut off at the end are missed by a small file beside, which has the hash of the last.
A log that does not hold is never written on: `renew` puts it aside whole and begins another, whose
first line says so. One JSON line an event: number, time (UTC), event, what it is of, the hash of
the line before, and its own.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from skyquarry.catalog.files import Folder
from skyquarry.errors import DamagedError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

BEGINNING = "0" * 64
_HASH = re.compile(r"[0-9a-f]{64}")
RENEWED = "log begun anew"
_KINDS = {"number": int, "event": str, "told": dict, "before": str, "hash": str}


@dataclass(frozen=True, slots=True)
class Audit:
    """The log at a path."""

    path: Path
    head: Path | None = None
    """a file with the hash of its last line; None: nobody keeps it"""

    def note(self, event: str, **told: Any) -> str:
        """Append an event; on return it is on disk. Returns the hash of its line.

        A line that a kill has torn is taken off the end, and its bytes are told in a line of their
        own. Raises DamagedError where the last whole line is not of a log.
        """
        lines, torn = self._lines()
        last = _entry(lines[-1], self.path, len(lines)) if lines else None
        number, before = (last["number"] + 1, last["hash"]) if last else (1, BEGINNING)
        with self.path.open("r+b" if self.path.exists() else "w+b") as file:
            file.truncate(sum(map(len, lines)))
            file.seek(0, os.SEEK_END)
            if torn:
                line, before = _line(number, before, "torn line", {"bytes": torn.hex()})
                number += 1
                file.write(line)
            line, mine = _line(number, before, event, told)
            file.write(line)
            file.flush()
            os.fsync(file.fileno())
        if self.head is not None:  # after the line: it never tells of one that is not there
            Folder.at(self.head.parent).make().write_atomic(self.head.name, mine.encode())
        return mine

    def events(self) -> list[dict[str, Any]]:
        """All events, oldest first. Raises DamagedError at a line that is none."""
        lines, _ = self._lines()
        return [_entry(line, self.path, number) for number, line in enumerate(lines, 1)]

    def verify(self, *expected: str) -> list[str]:
        """What is wrong with the log, a sentence each; nothing is, where the list is empty.

        expected: hashes that must be among its lines, as records of stages carry them: a log that
        was cut off at its end lacks some. Those that a log had which was put aside are known.
        """
        lines, torn = self._lines()
        faults = self.broken(*expected)
        if torn:
            faults.append(f"line {len(lines) + 1} is torn: {len(torn)} bytes without an end")
        return faults

    def broken(self, *expected: str) -> list[str]:
        """`verify`, without a torn last line: a kill leaves one, and `note` mends it."""
        faults, before, seen, last = [], BEGINNING, set[str](), self._last()
        if last is not None and not _HASH.fullmatch(last):
            faults.append(f"{self.head} was changed: it has the hash of the last line no more")
        elif last is not None:
            expected = (*expected, last)
        for number, line in enumerate(self._lines()[0], 1):
            try:
                entry = _entry(line, self.path, number)
            except DamagedError as fault:
                faults.append(str(fault))
                continue
            if entry["hash"] != _hash({k: v for k, v in entry.items() if k != "hash"}):
                faults.append(f"line {number} was changed: its hash is not that of its words")
            if entry["before"] != before:
                faults.append(f"line {number} does not follow the line before it")
            if entry["number"] != number:
                faults.append(f"line {number} is numbered {entry['number']}")
            before = entry["hash"]
            seen.add(before)
            if entry["event"] == RENEWED:
                seen.update(map(str, entry["told"].get("known", ())))
        missing = [each for each in dict.fromkeys(expected) if each not in seen]
        return faults + [f"a line with the hash {each[:12]} is missing" for each in missing]

    def renew(self, faults: Sequence[str], known: Sequence[str]) -> Path | None:
        """Put the log aside, whole, and begin another; where it lies now (None: it was gone).

        The first line of the new one has the name and checksum of the old, what is wrong with it
        (the first of `faults`, and how many), and the hashes `known` to records of stages.
        """
        aside = None
        told: dict[str, Any] = {"aside": None, "faults": [*faults[:20]], "of": len(faults)}
        if self.path.exists():
            aside = self._free()
            checksum = hashlib.sha256(self.path.read_bytes()).hexdigest()
            told |= {"aside": aside.name, "sha256": checksum}
            self.path.rename(aside)
        if self.head is not None:
            self.head.unlink(missing_ok=True)
        self.note(RENEWED, **told, known=list(known))
        return aside

    def _free(self) -> Path:
        """A name beside the log that nothing has."""
        number = 1
        while True:
            path = self.path.with_name(f"{self.path.stem}-damaged-{number}{self.path.suffix}")
            if not path.exists():
                return path
            number += 1

    def _last(self) -> str | None:
        """The hash of the line that was written last, as the file beside has it; None: no file.

        A project begun before there was such a file has none.
        """
        if self.head is None or not self.head.is_file():
            return None
        return self.head.read_text("ascii", errors="replace").strip()

    def _lines(self) -> tuple[list[bytes], bytes]:
        """Whole lines, and the bytes of a torn one at the end."""
        if not self.path.exists():
            return [], b""
        lines = self.path.read_bytes().splitlines(keepends=True)
        torn = lines.pop() if lines and not lines[-1].endswith(b"\n") else b""
        return lines, torn


def _line(number: int, before: str, event: str, told: dict[str, Any]) -> tuple[bytes, str]:
    now = datetime.now(UTC).isoformat(timespec="milliseconds")
    entry = {"number": number, "time": now, "event": event, "told": told, "before": before}
    entry["hash"] = _hash(entry)
    return _written(entry) + b"\n", str(entry["hash"])


def _written(entry: dict[str, Any]) -> bytes:
    return json.dumps(entry, sort_keys=True, separators=(",", ":"), default=str).encode()


def _hash(entry: dict[str, Any]) -> str:
    return hashlib.sha256(_written(entry)).hexdigest()


def _entry(line: bytes, path: Path, number: int) -> dict[str, Any]:
    try:
        entry = json.loads(line)
    except ValueError:
        entry = None
    if not isinstance(entry, dict) or not all(
        isinstance(entry.get(name), kind) for name, kind in _KINDS.items()
    ):
        raise DamagedError(
            f"{path}: line {number} is no event of an audit log, but every line has to be one: see "
            "`skyquarry audit`"
        )
    return entry
