"""An exact digest of what was asked: equal for equal cuts, different for all others.

A `repr` is for eyes and leaves out what is long; here every number of a region counts.
"""

from __future__ import annotations

import dataclasses
import hashlib
import os
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from skyquarry.sky.ranges import Ranges

if TYPE_CHECKING:
    from collections.abc import Iterator


def digest(*values: Any) -> str:
    """SHA-256 of the values, 64 hexadecimal digits.

    Dataclasses count by what they were made of, conditions by their text, `digested`. What is of
    no known kind has another digest each time: nothing is taken for equal that may not be.
    """
    found = hashlib.sha256()
    for part in _parts(values):
        found.update(len(part).to_bytes(8, "little"))
        found.update(part)
    return found.hexdigest()


def _parts(value: Any) -> Iterator[bytes]:
    """The value in pieces: its kind first, then what is in it."""
    yield type(value).__qualname__.encode()
    if value is None or isinstance(value, bool | int | float | str):
        yield repr(value).encode()
    elif isinstance(value, bytes):
        yield value
    elif isinstance(value, dict):
        yield from _of_many([part for item in sorted(value.items()) for part in item])
    elif isinstance(value, tuple | list):
        yield from _of_many(list(value))
    elif isinstance(value, np.ndarray | np.generic) and not np.asarray(value).dtype.hasobject:
        yield f"{value.dtype} {value.shape}".encode()
        yield value.tobytes()
    elif isinstance(value, Ranges):
        yield from (each.tobytes() for each in (value.starts, value.stops))
    elif isinstance(value, pa.Array | pa.ChunkedArray):
        yield str(value.type).encode()
        yield from _of_many(value.to_pylist())
    elif isinstance(told := getattr(value, "digested", None), str):
        yield told.encode()
    elif dataclasses.is_dataclass(value):
        yield from _of_many([getattr(value, f.name) for f in dataclasses.fields(value) if f.init])
    else:
        yield os.urandom(32)


def _of_many(values: list[Any]) -> Iterator[bytes]:
    yield str(len(values)).encode()
    for value in values:
        yield from _parts(value)
