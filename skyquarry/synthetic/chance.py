"""Chance that depends on a seed and on names alone: never on what was drawn before, or where.

Two kinds. `generator` for a block of the sky drawn as a whole; `uniform` and `normal` for numbers
that belong to single sources, so that a source has the same noise in whichever tile it is seen.
"""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

import numpy as np

from skyquarry.synthetic.kernels import normals, uniforms

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]

_GOLDEN = 0x9E3779B97F4A7C15
_FIRST, _SECOND = 0xBF58476D1CE4E5B9, 0x94D049BB133111EB
_WORD = (1 << 64) - 1


def generator(seed: int, *keys: int) -> np.random.Generator:
    """A generator of its own for (seed, keys): the same numbers on every machine."""
    return np.random.Generator(np.random.PCG64DXSM(np.random.SeedSequence([seed, *keys])))


def uniform(seed: int, stream: str, ids: ArrayLike) -> Floats:
    """(n,) numbers in (0, 1), one for each id (n,) int64; another `stream`, another number.

    SplitMix64 (Steele, Lea & Flood 2014, "Fast splittable pseudorandom number generators") of the
    id, started at a hash of seed and stream.
    """
    given = np.ascontiguousarray(ids, np.int64).ravel()
    told = np.empty(len(given))
    uniforms(_start(seed, stream), given.view(np.uint64), told)
    return told.reshape(np.shape(ids))


def normal(seed: int, stream: str, ids: ArrayLike) -> Floats:
    """(n,) standard normal numbers, one for each id, by the inverse of their distribution."""
    given = np.ascontiguousarray(ids, np.int64).ravel()
    told = np.empty(len(given))
    normals(_start(seed, stream), given.view(np.uint64), told)
    return told.reshape(np.shape(ids))


def _start(seed: int, stream: str) -> NDArray[np.uint64]:
    """(1,) a hash of both."""
    return np.array([_mixed((seed ^ (zlib.crc32(stream.encode()) << 32)) + _GOLDEN)], np.uint64)


def _mixed(z: int) -> int:
    z &= _WORD
    z = (z ^ (z >> 30)) * _FIRST & _WORD
    z = (z ^ (z >> 27)) * _SECOND & _WORD
    return z ^ (z >> 31)
