"""Durations and sizes as people write them: 3h50m, 15GB."""

from __future__ import annotations

import re

from skyquarry.errors import UserError

_SECONDS = {"d": 86_400.0, "h": 3_600.0, "m": 60.0, "s": 1.0}
_BYTES = {"kB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12,
          "KiB": 2**10, "MiB": 2**20, "GiB": 2**30, "TiB": 2**40}  # fmt: skip
_PART = r"(\d+(?:\.\d+)?)([dhms])"
_DURATION = re.compile(rf"(?:{_PART})+")
_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([kKMGT]i?B)")


def duration_s(text: str) -> float:
    """The seconds of a duration such as 3h50m, 45m or 90s. Raises UserError for anything else."""
    word = text.replace(" ", "")
    if not _DURATION.fullmatch(word):
        raise UserError(
            f"{text!r} is no duration, but numbers with d, h, m or s are needed: try 3h50m"
        )
    seconds = sum(float(number) * _SECONDS[unit] for number, unit in re.findall(_PART, word))
    if seconds <= 0.0:
        raise UserError(f"the duration {text!r} is nothing, but some time is needed: try 3h50m")
    return seconds


def size_bytes(text: str) -> int:
    """The bytes of a size such as 15GB or 500MiB. Raises UserError for anything else."""
    found = _SIZE.fullmatch(text.strip())
    unit = found[2].replace("KB", "kB") if found else ""
    if found is None or unit not in _BYTES:
        raise UserError(
            f"{text!r} is no size on disk, but a number with {', '.join(_BYTES)} is needed: "
            "try 15GB"
        )
    return int(float(found[1]) * _BYTES[unit])


def told_s(seconds: float) -> str:
    """A duration to be read: 0.4 s, 12 s, 3 min 20 s, 2 h 5 min."""
    if seconds < 10.0:
        return f"{seconds:.1f} s"
    if seconds < 60.0:
        return f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    return f"{minutes // 60} h {minutes % 60} min"


def told_bytes(size: float) -> str:
    """A size to be read: 812 B, 3.4 MB."""
    for unit in ("B", "kB", "MB", "GB"):
        if size < 1000.0:
            return f"{size:.0f} B" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1000.0
    return f"{size:.1f} TB"
