"""Numbers told by how far they lie through the quantiles of their feature.

Piecewise-linear encoding, Gorishniy, Rubachev & Babenko 2022 (arXiv 2203.05556), section 3.1: of
bins between quantiles, those below the value are 1, its own is the share of it that lies below the
value, those above are 0. Values beyond the outer quantiles go on linearly, but not for ever.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Self

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_BEYOND: Final = 2.0
"""widths of the outer bin that a value may lie beyond it"""


@dataclass(frozen=True, slots=True)
class Encoding:
    """The bins of each feature, made from what is measured among the examples."""

    edges: NDArray[np.float32]
    """(p, bins) lower edge of each bin"""
    scale: NDArray[np.float32]
    """(p, bins) 1 / width; 0 where a feature has fewer bins"""
    low: NDArray[np.float32]
    """(p, bins) least share of a bin: 0, but of the first one -2"""
    high: NDArray[np.float32]
    """(p, bins) greatest share: 1, but of the last one 3"""

    @classmethod
    def of(cls, values: NDArray[np.float32], bins: int) -> Self:
        """Bins between quantiles of the measured values (n, p)."""
        p = values.shape[1]
        edges, scale = np.zeros((p, bins), np.float32), np.zeros((p, bins), np.float32)
        low, high = np.zeros((p, bins), np.float32), np.ones((p, bins), np.float32)
        for feature in range(p):
            known = values[:, feature][np.isfinite(values[:, feature])].astype(np.float64)
            some = np.linspace(0.0, 1.0, bins + 1)
            cuts = np.unique(np.quantile(known, some)) if len(known) else np.zeros(1)
            if len(cuts) < 2:
                cuts = np.array([cuts[0] - 0.5, cuts[0] + 0.5])
            width = np.maximum(np.diff(cuts), 1e-6 * (cuts[-1] - cuts[0]))
            count = len(width)
            edges[feature, :count], scale[feature, :count] = cuts[:-1], 1.0 / width
            low[feature, 0], high[feature, count - 1] = -_BEYOND, 1.0 + _BEYOND
        return cls(edges, scale, low, high)

    @property
    def wide(self) -> int:
        """Numbers a feature is told by: its bins, and whether it is not measured."""
        return int(self.edges.shape[1]) + 1

    def encoded(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        """(p, n, bins + 1) of (n, p); a value not measured is all 0 but the last number, 1."""
        from skyquarry.learn.kernels.encoding import encode

        given = np.asarray(values, np.float32)
        out = np.empty((given.shape[1], len(given), self.wide), np.float32)
        encode(given, self.edges, self.scale, self.low, self.high, out)
        return out

    def arrays(self) -> dict[str, NDArray[Any]]:
        """By name, for a file."""
        return {"edges": self.edges, "scale": self.scale, "low": self.low, "high": self.high}
