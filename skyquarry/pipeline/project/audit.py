"""An append-only log in which each line carries the hash of the one before.

A line that is changed, removed or put in between breaks the chain at its place, which `verify`
names. One JSON line an event: number, time (UTC), event, what it is of, the hash of the line
before, and its own.
"""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from skyquarry.errors import DamagedError

if TYPE_CHECKING:
    from pathlib import Path

BEGINNING = "0" * 64


@dataclass(frozen=True, slots=True)
class Audit:
    """The log at a path."""

    path: Path

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
        return mine

    def events(self) -> list[dict[str, Any]]:
        """All events, oldest first. Raises DamagedError at a line that is none."""
        lines, _ = self._lines()
        return [_entry(line, self.path, number) for number, line in enumerate(lines, 1)]

    def verify(self, *expected: str) -> list[str]:
        """What is wrong with the log, a sentence each; nothing is, where the list is empty.

        expected: hashes that must be among its lines, as records of stages carry them: a log that
        was cut off at its end lacks some.
        """
        faults, before, seen = [], BEGINNING, set()
        lines, torn = self._lines()
        for number, line in enumerate(lines, 1):
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
        if torn:
            faults.append(f"line {len(lines) + 1} is torn: {len(torn)} bytes without an end")
        missing = [each for each in expected if each not in seen]
        return faults + [f"a line with the hash {each[:12]} is missing" for each in missing]

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
    if not isinstance(entry, dict) or not {"number", "hash", "before", "event"} <= set(entry):
        raise DamagedError(
            f"{path}: line {number} is no event of an audit log, but every line has to be one: "
            "put the file aside, and a new log begins"
        )
    return entry
