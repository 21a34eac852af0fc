"""How much rows resemble landmarks, by features brought to one scale.

Scaling by median and quartiles with a smooth clip is that of RealMLP (Holzmueller, Grinsztajn &
Steinwart 2024, arXiv 2407.04491, section 3.2). The similarity 1 / (1 + d^2 / 2) is the rational
quadratic kernel with alpha = 1, a mixture of Gaussians of all widths (Rasmussen & Williams 2006,
equation 4.19).
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, Final, Self, TypeVar

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from skyquarry.learn.classifiers.filling import Clouds, Factors
    from skyquarry.learn.mixtures import Mixture

    Floats = NDArray[np.float64]

_CLIP: Final = 3.0
"""scaled values go to this one and no further"""
_RARELY: Final = 0.01
"""of rows that lack a feature: with more of them its absence is a number too"""
_THIN: Final = 1e-3
"""of the longest axis: shorter ones hold rounding errors"""


@dataclass(frozen=True, slots=True)
class Scaling:
    """Features on one scale: not measured is 0, and told by a number of its own."""

    middle: NDArray[np.float32]
    """(p,) median of what is measured"""
    factor: NDArray[np.float32]
    """(p,) 1 / the distance of the quartiles; 0 where all are the same"""
    absent: NDArray[np.int32]
    """features whose absence is told"""

    @classmethod
    def of(cls, values: NDArray[np.float32]) -> Self:
        """By the measured values (n, p)."""
        p = values.shape[1]
        middle, factor = np.zeros(p, np.float32), np.zeros(p, np.float32)
        for each in range(p):
            known = values[:, each][np.isfinite(values[:, each])].astype(np.float64)
            if not len(known):
                continue
            low, half, high = np.quantile(known, (0.25, 0.5, 0.75))
            middle[each] = half
            wide = high - low if high > low else 0.5 * float(np.ptp(known))
            factor[each] = 1.0 / wide if wide > 0.0 else 0.0
        lacking = (~np.isfinite(values)).mean(axis=0)
        return cls(middle, factor, np.flatnonzero(lacking > _RARELY).astype(np.int32))

    def apply(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        """(n, p + absent) of (n, p)."""
        missing = ~np.isfinite(values)
        with np.errstate(invalid="ignore", over="ignore"):
            scaled = (values - self.middle) * self.factor
            scaled /= np.sqrt(1.0 + (scaled / np.float32(_CLIP)) ** 2)
        scaled[missing] = 0.0
        np.nan_to_num(scaled, copy=False)  # a value too far off for float32
        return np.concatenate([scaled, missing[:, self.absent].astype(np.float32)], axis=1)


@dataclass(frozen=True, slots=True)
class Landmarks:
    """Rows that others are likened to, along principal axes."""

    centre: NDArray[np.float32]
    """(q,)"""
    axes: NDArray[np.float32]
    """(q, r)"""
    points: NDArray[np.float32]
    """(m, r)"""

    @classmethod
    def of(
        cls, scaled: NDArray[np.float32], drawn: NDArray[np.int64], length: float, whitening: float
    ) -> Self:
        """The drawn ones of scaled rows (n, q).

        Axes are divided by their deviation to the power `whitening`: 0 leaves them as they are, 1
        makes all the same. `length` is that of the similarity in units of the rows' deviation.
        """
        rows = scaled.astype(np.float64)
        centre = rows.mean(axis=0)
        square, turned = np.linalg.eigh(np.atleast_2d(np.cov(rows - centre, rowvar=False)))
        wide = np.sqrt(np.maximum(square, 0.0))
        kept = wide > _THIN * max(float(wide.max()), 1e-12)
        axes = turned[:, kept] / wide[kept] ** whitening
        spread = float(np.sqrt((wide[kept] ** (2.0 * (1.0 - whitening))).sum()))
        axes /= length * max(spread, 1e-12)
        points = (rows[drawn] - centre) @ axes
        return cls(*(each.astype(np.float32) for each in (centre, axes, points)))

    def likened(self, scaled: NDArray[np.float32]) -> NDArray[np.float32]:
        """(n, m) similarity of scaled rows (n, q) to each: 1 where they are the same."""
        rows = (scaled - self.centre) @ self.axes
        far = rows @ self.points.T
        far *= np.float32(-1.0)
        far += np.float32(0.5) * (rows * rows).sum(axis=1)[:, None]
        far += np.float32(0.5) * (self.points * self.points).sum(axis=1)
        np.maximum(far, np.float32(0.0), out=far)
        far += np.float32(1.0)
        return np.reciprocal(far, out=far)


T = TypeVar("T", Scaling, Landmarks, "Clouds", "Factors", "Mixture")


def arrays_of(held: Any, prefix: str) -> dict[str, NDArray[Any]]:
    """By name, for a file: those of a dataclass of arrays."""
    return {f"{prefix}.{each.name}": getattr(held, each.name) for each in fields(held)}


def of_arrays(kind: type[T], kept: Mapping[str, NDArray[Any]], prefix: str) -> T:
    """What `arrays_of` gave. Raises KeyError."""
    return kind(**{each.name: kept[f"{prefix}.{each.name}"] for each in fields(kind)})
