"""Constants of the near component of motions: here, since machine code is kept while these stay."""

from __future__ import annotations

from typing import Final

NEAR: Final = 4
"""Which component of the prior of motions (`likelihood/motionprior.py`) is that of near dwarfs."""
RARE: Final = 5e-4
"""Pairs are sought as far as near dwarfs go where they are that with at least this probability, by
the colours of both rows: two that are red in the infrared have 0.001 where both are bright, and
less where one is not. As far as that most red galaxies have a chance neighbour."""
