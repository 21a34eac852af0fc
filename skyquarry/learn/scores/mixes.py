"""Weights that bring a labelled sample to the mix of a sky.

A test set is stratified, or as spectrographs chose it; the sky is neither. A row of class k at
magnitude m and latitude b stands for as many objects of the sky as there are in its bin, divided by
the rows in it. What the sky holds where the sample has no row is told, not made up.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from skyquarry.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class SkyMix:
    """How many objects of each class a sky holds, by magnitude and |b|."""

    counts: Floats
    """(magnitudes, latitudes, K): any unit, as a square degree"""
    magnitude_edges: tuple[float, ...]
    """(magnitudes + 1,): rising; one bin without limits where empty"""
    latitude_edges: tuple[float, ...] = ()
    name: str = "a sky mix"

    def __post_init__(self) -> None:
        wanted = tuple(
            max(len(each) - 1, 1) for each in (self.magnitude_edges, self.latitude_edges)
        )
        good = np.isfinite(self.counts).all() and not (self.counts < 0).any()
        if self.counts.ndim != 3 or self.counts.shape[:2] != wanted or not good:
            raise UserError(
                f"counts have shape {self.counts.shape}, but the edges need {(*wanted, 'K')}, none "
                "negative or NaN: give one count a bin and class"
            )
        for what, edges in (("magnitude", self.magnitude_edges), ("latitude", self.latitude_edges)):
            if list(edges) != sorted(set(edges)) or np.isnan(np.array(edges, np.float64)).any():
                raise UserError(f"{what}_edges are {edges}, but they have to rise: sort the bins")

    @classmethod
    def of_objects(
        cls,
        labels: ArrayLike,
        kinds: int,
        *,
        magnitude: ArrayLike | None = None,
        magnitude_edges: Sequence[float] = (),
        latitude_deg: ArrayLike | None = None,
        latitude_edges: Sequence[float] = (),
        name: str = "a sky mix",
    ) -> SkyMix:
        """Counted in a list of objects that is complete, as the truth of a simulated sky."""
        label = np.asarray(labels).astype(np.int64)
        place = _place(label, magnitude, magnitude_edges, latitude_deg, latitude_edges)
        shape = (max(len(magnitude_edges) - 1, 1), max(len(latitude_edges) - 1, 1), kinds)
        counts = np.zeros(shape)
        inside = (place >= 0).all(axis=1) & (label >= 0)
        np.add.at(counts, (place[inside, 0], place[inside, 1], label[inside]), 1.0)
        edges = tuple(map(float, magnitude_edges)), tuple(map(float, latitude_edges))
        return cls(counts, *edges, name)

    def weights(
        self,
        labels: ArrayLike,
        magnitude: ArrayLike | None = None,
        latitude_deg: ArrayLike | None = None,
    ) -> tuple[Floats, Floats]:
        """(n,) the weight of each row, and (K,) the share of each class that no row stands for.

        Weights have mean 1 over rows that weigh; rows outside the mix (or without a magnitude it
        hangs on) weigh 0.
        """
        label = np.asarray(labels).astype(np.int64)
        if len(label) and label.max() >= self.counts.shape[2]:
            raise UserError(
                f"a label is {label.max()}, but {self.name} counts {self.counts.shape[2]} classes: "
                "give it those of the model, in the same order"
            )
        place = _place(label, magnitude, self.magnitude_edges, latitude_deg, self.latitude_edges)
        inside = (place >= 0).all(axis=1) & (label >= 0)
        where = (place[inside, 0], place[inside, 1], label[inside])
        have = np.zeros_like(self.counts)
        np.add.at(have, where, 1.0)
        weight = np.zeros(len(label))
        weight[inside] = self.counts[where] / have[where]
        total = self.counts.sum(axis=(0, 1))
        lost = np.where(have > 0, 0.0, self.counts).sum(axis=(0, 1))
        if not weight.sum():
            raise UserError(
                f"none of {len(label)} rows lies where {self.name} has objects: look at the "
                "magnitudes and their edges"
            )
        uncovered = np.divide(lost, total, out=np.zeros(len(total)), where=total > 0)
        return weight / weight[weight > 0].mean(), uncovered


def _place(
    label: NDArray[np.int64],
    magnitude: ArrayLike | None,
    magnitude_edges: Sequence[float],
    latitude_deg: ArrayLike | None,
    latitude_edges: Sequence[float],
) -> NDArray[np.int64]:
    """(n, 2): the bin of each row, -1 outside or unknown."""
    b = None if latitude_deg is None else np.abs(np.asarray(latitude_deg, np.float64))
    told = np.zeros((len(label), 2), np.int64)
    for axis, (name, value, edges) in enumerate((
        ("magnitude", magnitude, magnitude_edges), ("latitude_deg", b, latitude_edges),
    )):  # fmt: skip
        if not len(edges):
            continue
        if value is None:
            raise UserError(
                f"{name} is None, but the mix has {len(edges) - 1} bins of it: give one value a row"
            )
        known = np.asarray(value, np.float64)
        place = np.searchsorted(np.asarray(edges, np.float64), known, "right") - 1
        place[known == edges[-1]] = len(edges) - 2
        told[:, axis] = np.where((place < 0) | (place > len(edges) - 2), -1, place)
    return told
