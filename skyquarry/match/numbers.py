"""Numbers that several parts of the matcher need, and why they are what they are."""

from __future__ import annotations

from typing import Final

TINY: Final = 1e-300
"""Stands for 0 where a sum is divided by, or its logarithm taken, and nothing was summed: above the
least normal number (2.2e-308), and 1/TINY is finite; far below whatever a sum can be."""
