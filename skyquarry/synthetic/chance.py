"""Chance that depends on a seed and on names alone: never on what was drawn before, or where.

Two kinds. `generator` for a block of the sky drawn as a whole; `uniform` and `normal` for numbers
that belong to single sources, so that a source has the same noise in whichever tile it is seen.
"""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import ndtri

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_FIRST, _SECOND = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)


def generator(seed: int, *keys: int) -> np.random.Generator:
    """A generator of its own for (seed, keys): the same numbers on every machine."""
    return np.random.Generator(np.random.PCG64DXSM(np.random.SeedSequence([seed, *keys])))


def uniform(seed: int, stream: str, ids: ArrayLike) -> Floats:
    """(n,) numbers in (0, 1), one for each id (n,) int64; another `stream`, another number.

    SplitMix64 (Steele, Lea & Flood 2014, "Fast splittable pseudorandom number generators") of the
    id, started at a hash of seed and stream.
    """
    start = _mixed(np.array([seed ^ (zlib.crc32(stream.encode()) << 32)], np.uint64) + _GOLDEN)
    with np.errstate(over="ignore"):
        mixed = _mixed(_mixed(np.asarray(ids).astype(np.uint64) * _GOLDEN + start) + start)
    return ((mixed >> np.uint64(11)).astype(np.float64) + 0.5) * 2.0**-53


def normal(seed: int, stream: str, ids: ArrayLike) -> Floats:
    """(n,) standard normal numbers, one for each id, by the inverse of their distribution."""
    return np.asarray(ndtri(uniform(seed, stream, ids)))


def _mixed(z: NDArray[np.uint64]) -> NDArray[np.uint64]:
    with np.errstate(over="ignore"):
        z = (z ^ (z >> np.uint64(30))) * _FIRST
        z = (z ^ (z >> np.uint64(27))) * _SECOND
    return z ^ (z >> np.uint64(31))
