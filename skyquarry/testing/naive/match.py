"""Slow, obvious twins of the matcher's geometry: all against all, with unit vectors."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from skyquarry.sky.vectors import separation_arcsec, to_xyz

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

Pair = tuple[int, int]


def naive_separations(
    left_ra: Floats, left_dec: Floats, right_ra: Floats, right_dec: Floats
) -> Floats:
    """Every separation (n_left, n_right) in arcsec, exact to some 1e-10."""
    a, b = to_xyz(left_ra, left_dec), to_xyz(right_ra, right_dec)
    apart = separation_arcsec(np.repeat(a, len(b), axis=0), np.tile(b, (len(a), 1)))
    return apart.reshape(len(a), len(b))


def naive_pairs(
    left_ra: Floats,
    left_dec: Floats,
    right_ra: Floats,
    right_dec: Floats,
    radius_arcsec: float | Floats,
    right_radius_arcsec: float | Floats = 0.0,
    *,
    same: bool = False,
) -> dict[Pair, float]:
    """{(left, right): separation} of all pairs at most the sum of their radii apart."""
    sep = naive_separations(left_ra, left_dec, right_ra, right_dec)
    limit = np.broadcast_to(radius_arcsec, len(left_ra))[:, None] + np.broadcast_to(
        right_radius_arcsec, len(right_ra)
    )
    return {
        (i, j): float(sep[i, j])
        for i, j in np.argwhere(sep <= limit).tolist()
        if not (same and i == j)
    }


def naive_nearest(pairs: dict[Pair, float], rank: NDArray[np.int64], k: int) -> list[Pair]:
    """The k best pairs of each left row: nearer first, then lower rank, then lower row."""
    rows: dict[int, list[tuple[float, int, int]]] = {}
    for (i, j), sep in pairs.items():
        rows.setdefault(i, []).append((sep, int(rank[j]), j))
    return [(i, j) for i in sorted(rows) for _, _, j in sorted(rows[i])[:k]]
