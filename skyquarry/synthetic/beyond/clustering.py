"""Where galaxies crowd: a log-normal cascade over HEALPix cells, the same for whoever asks.

The logarithm of the density in a shell of redshift is a sum of normal numbers, one for each cell of
each order that a place lies in; a cell's number is a hash of (seed, shell, order, pixel). So a
block knows its part of the web without any other block, and two places share the numbers of the
cells that hold both.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Final

import numpy as np
from scipy.special import gamma as gamma_function

from skyquarry.sky import healpix
from skyquarry.sky.compiledcells import centers
from skyquarry.synthetic.beyond.cosmology import comoving_mpc
from skyquarry.synthetic.chance import normal

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from skyquarry.synthetic.blocks import Block

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

FINEST: Final = 13
"""Order of the smallest cells, 26 arcseconds wide."""
_COARSEST: Final = 1
_NEAR: Final = 0.4
"""Redshift from which on cells of order 12 (0.3 Mpc there) are the smallest."""


@dataclass(frozen=True)
class Web:
    """Clustering of galaxies in shells of redshift."""

    edges: tuple[float, ...]
    """(shells + 1,) redshifts, rising"""
    length_mpc: float = 7.1
    """r0 = 5 / h Mpc, comoving, and slope of (r / r0)^-gamma: Zehavi et al. 2011, ApJ 736, 59, for
    all galaxies brighter than M_r = -20 (5.3 / h, 1.83); here slope 1.72 as w(theta) has"""
    slope: float = 1.72

    def densities(self, block: Block, bias: float) -> Floats:
        """(shells, cells) densities relative to the mean, in the block's cells of order 13.

        `bias` multiplies the logarithm. The mean over the whole sky is 1 whatever the bias.
        """
        logs, variances = _logs(self, block.seed, block.order, block.pixel)
        densities = bias * logs
        densities -= 0.5 * bias**2 * variances[:, None]
        return np.asarray(np.exp(densities, out=densities))

    def variances(self) -> Floats:
        """(shells, orders from 1 to 13) of the numbers of each order's cells.

        Two places a share the cells wider than their separation, so that the sum of the variances
        up to an order is ln(1 + w) at the scale of its cells, w that of the shell by Limber's
        equation: w(theta) = H r0^g (D theta)^(1 - g) / (thickness), H = sqrt(pi) G((g-1)/2) /
        G(g/2) (Peebles 1980, section 56).
        """
        far = comoving_mpc(np.array(self.edges))
        middle, thickness = 0.5 * (far[1:] + far[:-1]), np.diff(far)
        g = self.slope
        limber = np.sqrt(np.pi) * gamma_function((g - 1) / 2) / gamma_function(g / 2)
        orders = np.arange(_COARSEST, FINEST + 1)
        side = np.sqrt(np.pi / 3) / 2.0**orders
        apart_mpc = middle[:, None] * side * _TYPICAL
        w = limber * self.length_mpc**g * apart_mpc ** (1 - g) / thickness[:, None]
        w *= np.exp(-((apart_mpc / _FADES_MPC) ** 2))
        sums = np.log1p(w)
        steps = np.diff(sums, axis=1, prepend=0.0)
        coarse = np.array(self.edges[:-1]) >= _NEAR
        steps[coarse, -1] = 0.0
        return np.asarray(np.maximum(steps, 0.0))


_TYPICAL: Final = 0.35
"""Separation of the pairs that cells are to give their clustering, in sides of a cell."""
_FADES_MPC: Final = 40.0
"""Scale beyond which galaxies hardly cluster."""


@lru_cache(maxsize=1)
def _logs(web: Web, seed: int, own: int, pixel: int) -> tuple[Floats, Floats]:
    """(shells, cells) logarithms of densities in a cell of order `own`, their variances (shells,).

    Kept for galaxies of the other kind: 3 MB of a cell of order 6.
    """
    variances = web.variances()
    ids, places = _cells(len(variances), own, pixel, np.array(web.edges[:-1]) < _NEAR)
    numbers = normal(seed, "web", ids)
    logs = np.zeros((len(variances), 1))
    start = 0
    for order, shells, count in places:
        some = numbers[start : start + len(shells) * count].reshape(len(shells), count)
        start += some.size
        if order > own:
            logs = np.repeat(logs, 4, axis=1)
        logs[shells] += np.sqrt(variances[shells, order - _COARSEST])[:, None] * some
    return logs, variances.sum(axis=1)


def _cells(
    n_shells: int, own: int, pixel: int, near: NDArray[np.bool_]
) -> tuple[Ints, list[tuple[int, Ints, int]]]:
    """Ids of all cells that a cell lies in or holds, and which (order, shells, cells) they are."""
    ids, places = [], []
    for order in range(_COARSEST, FINEST + 1):
        shells = np.flatnonzero(near) if order == FINEST else np.arange(n_shells)
        deeper = 2 * (order - own)
        first = pixel << deeper if deeper > 0 else pixel >> -deeper
        count = 1 << max(deeper, 0)
        pixels = first + np.arange(count, dtype=np.int64)
        ids.append(((((shells << 4) + order) << 34)[:, None] + pixels).ravel())
        places.append((order, shells, count))
    return np.concatenate(ids), places


def placed(
    densities: Floats, shells: Ints, block: Block, random: np.random.Generator
) -> tuple[Floats, Floats]:
    """Positions (n,), degrees, of galaxies of given shells (n,), rising, as dense as told.

    `densities` (shells, cells) as of `Web.densities`.
    """
    aims, cells = random.random(len(shells)), np.empty(len(shells), np.int64)
    ends = np.searchsorted(shells, np.arange(len(densities) + 1))
    for density, begin, end in zip(densities, ends[:-1], ends[1:], strict=True):
        rising = np.cumsum(density)
        cells[begin:end] = np.searchsorted(rising, aims[begin:end] * rising[-1], side="right")
    last = densities.shape[1] - 1
    cells = np.minimum(cells, last) + block.pixel * densities.shape[1]
    within = 1 << 2 * (healpix.MAX_ORDER - FINEST)
    return centers(
        cells * within + random.integers(0, within, len(cells), np.int64), healpix.MAX_ORDER
    )
