"""What was predicted is kept: the same learner on the same rows and folds is not asked twice."""

from __future__ import annotations

import hashlib
import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

FOLDER = Path(__file__).resolve().parent / "data" / "learn-predictions"


def kept(key: dict[str, Any], make: Callable[[], Any]) -> tuple[Any, float]:
    """What `make` gives, and the CPU seconds that it took (when it was made).

    The key (JSON) names all that the answer depends on: rows, folds, settings, versions, code.
    """
    name = hashlib.sha256(json.dumps(key, sort_keys=True).encode()).hexdigest()[:24]
    path = FOLDER / f"{name}.npz"
    if path.exists():
        found = np.load(path)
        return found["p"], float(found["cpu_s"])
    begun = time.process_time()
    p = make()
    spent = time.process_time() - begun
    FOLDER.mkdir(parents=True, exist_ok=True)
    beside = path.with_suffix(".part.npz")
    np.savez(beside, p=p, cpu_s=spent)
    beside.replace(path)
    return p, spent


def of_some(learnt: Any) -> dict[str, str]:
    """What a key says of the rows (n,) bool that were learnt of; nothing where all were."""
    return {} if learnt is None else {"learnt": digest(learnt)}


def digest(*parts: Any) -> str:
    """Of arrays, paths' contents and texts."""
    total = hashlib.sha256()
    for each in parts:
        if isinstance(each, Path):
            total.update(each.read_bytes())
        elif isinstance(each, np.ndarray):
            total.update(np.ascontiguousarray(each).tobytes())
        else:
            total.update(str(each).encode())
    return total.hexdigest()[:16]
