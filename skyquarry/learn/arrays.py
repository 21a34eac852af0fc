"""Named arrays in one safetensors file: numbers that are safe to load. The importer of safetensors.

A safetensors file holds a JSON header and plain bytes; to read one never runs code.
"""

from __future__ import annotations

import json
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import numpy as np

from skyquarry.errors import DamagedError, missing_extra

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

_TOLD = "skyquarry"


def to_bytes(arrays: Mapping[str, NDArray[Any]], told: Mapping[str, Any]) -> bytes:
    """The arrays, and what is told beside them (JSON), as the bytes of a file."""
    _needed()
    from safetensors.numpy import save

    whole = {name: np.ascontiguousarray(each) for name, each in arrays.items()}
    return bytes(save(whole, metadata={_TOLD: json.dumps(told, sort_keys=True)}))


def from_bytes(content: bytes, name: str) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
    """What `to_bytes` was given. Raises DamagedError, naming the file, for other bytes."""
    _needed()
    from safetensors import SafetensorError
    from safetensors.numpy import load

    try:
        arrays = load(content)
        length = int.from_bytes(content[:8], "little")
        told = json.loads(json.loads(content[8 : 8 + length])["__metadata__"][_TOLD])
    except (SafetensorError, KeyError, ValueError) as error:
        raise DamagedError(
            f"{name} cannot be read as arrays ({error}): take it from a copy, or train again"
        ) from error
    return arrays, told


def _needed() -> None:
    if find_spec("safetensors") is None:
        raise missing_extra("safetensors", "learn", "to keep what was learnt")
