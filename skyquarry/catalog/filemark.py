"""What tells a file of this machine from any other that was, or will be, at its place.

Size and time of change do not: a clock that ticks in seconds, or a copy that keeps times, gives two
files of one size the same. The moment of change of the file's own record (ctime) is set by the
system alone.
"""

from __future__ import annotations

import os

Mark = tuple[int, int, int, int]
"""Inode, size, and ns of the last change of the content and of the file's record."""


def mark_of(path: str) -> Mark:
    """The mark of a file; OSError where there is none."""
    told = os.stat(path)  # noqa: PTH116 - the hot path of a cone
    return told.st_ino, told.st_size, told.st_mtime_ns, told.st_ctime_ns
