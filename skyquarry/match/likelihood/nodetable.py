"""Rows of all catalogues as one table of numbers, which the evidence kernels read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Protocol

import numpy as np

from skyquarry.match.likelihood.epochs import RV_DISPERSION_KMS, epoch_span
from skyquarry.match.resolution.groups import offsets

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from skyquarry.match.given.rows import Motions, Rows

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]


class Prior(Protocol):
    """A mixture of motions N(0, sigma_k^2 I): what `motionprior.MotionPrior` is."""

    @property
    def sigmas_masyr(self) -> Floats:
        """(k,) per axis."""

    @property
    def base(self) -> Floats:
        """(k,) weights of a row of which nothing is known; they sum to 1."""

    @property
    def lost(self) -> float:
        """Share of what moves that candidates may lose."""

    def weights(self, rows: Rows) -> Floats:
        """(n, k) weights of each row; they sum to 1."""

    def together(self, rows: Rows) -> Floats:
        """(n, k) what a row adds to the weights of a group: base_k prod_i together_k / base_k."""


SHARED: Final = -1.0
"""A node's `wide` where the catalogue has no fit of it: wide where all rows of an object are."""


@dataclass(frozen=True, slots=True)
class NodeTable:
    """What the kernels read of the rows; made once, read by any number of threads."""

    nodes: Floats
    """(nodes, 12), see kernels/nodes.py"""
    motions: Floats
    """(measured motions, 12)"""
    ratio: Floats
    """(nodes, k) what a row adds to the weight of each component of motion (`Prior.together`), by
    that of a row of which nothing is known; 1 where nothing can have moved between the rows"""
    base: Floats
    """(k,)"""
    sigma2: Floats
    """(k,) (arcsec/yr)^2"""
    lost: float
    """as the prior has it"""
    start: Ints
    """(catalogues + 1,) first node of each"""


def node_table(rows: list[Rows], prior: Prior) -> NodeTable:
    """The table of all rows, catalogue after catalogue."""
    packing = _kernels()
    start = offsets(rows)
    sigma2 = (np.asarray(prior.sigmas_masyr, np.float64) * 1e-3) ** 2
    base = np.ascontiguousarray(prior.base, np.float64)
    nodes = np.empty((int(start[-1]), packing.NODE_COLUMNS))
    ratio = np.empty((int(start[-1]), len(base)))
    moving = [_measured(each) for each in rows]
    motions = np.empty((sum(map(len, moving)), packing.MOTION_COLUMNS))
    done = 0
    least = _least_wide(rows)
    still = not len(motions) and _at_one_epoch(rows)
    for number, each in enumerate(rows):
        first, last = int(start[number]), int(start[number + 1])
        wide, width = each.wide, _width(each)
        if width == 0.0 and least > 0.0:
            wide, width = np.full(len(each), SHARED), least
        packing.pack_rows(
            nodes, first, each.ra_deg, each.dec_deg, each.covariance, each.epoch, wide, width**2,
            number,
        )  # fmt: skip
        if still:  # nothing has moved: no weight of a motion is asked for
            ratio[first:last] = 1.0
            continue
        added = np.ascontiguousarray(prior.together(each), np.float64)
        np.divide(added, base, out=ratio[first:last], where=base > 0.0)
        ratio[first:last, base <= 0.0] = 0.0
        if each.motions is not None and len(moving[number]):
            weights = np.ascontiguousarray(prior.weights(each), np.float64)
            _pack(each.motions, moving[number], weights, sigma2, (motions, done, nodes, first))
            done += len(moving[number])
    return NodeTable(nodes, motions, ratio, base, sigma2, float(prior.lost), start)


def _at_one_epoch(rows: list[Rows]) -> bool:
    """Whether all rows that have an epoch have the same."""
    spans = [epoch_span(each) for each in rows]
    known = {epoch for span in spans for epoch in span if not np.isnan(epoch)}
    return len(known) <= 1


def _width(rows: Rows) -> float:
    """Sigma of the wide errors in arcsec; 0 where the catalogue has none."""
    return float(rows.wide_arcsec) if np.isfinite(rows.wide_arcsec) else 0.0


def _least_wide(rows: list[Rows]) -> float:
    """The least of the catalogues' that have one, by which a catalogue without a fit is wide."""
    return min((w for w in map(_width, rows) if w > 0.0), default=0.0)


def _pack(
    of: Motions,
    index: Ints,
    weights: Floats,
    sigma2: Floats,
    into: tuple[Floats, int, Floats, int],
) -> None:
    motions, offset, nodes, first = into
    _kernels().pack_motions(
        motions, offset, nodes, first, index, of.pm, of.covariance, of.cross, of.parallax,
        of.parallax_error, of.rv, of.rv_error, RV_DISPERSION_KMS, weights, sigma2,
    )  # fmt: skip


def _kernels() -> Any:
    from skyquarry.match.kernels import nodes  # numba is imported where it is first needed

    return nodes


def _measured(rows: Rows) -> Ints:
    """Rows whose motion is known with an error that can be used."""
    of = rows.motions
    if of is None:
        return np.empty(0, np.int64)
    xx, yy, xy = of.covariance.T
    with np.errstate(invalid="ignore"):
        sure = (xx > 0.0) & (yy > 0.0) & (xx * yy > xy * xy) & np.isfinite(xx * yy)
    known = np.isfinite(of.pm).all(axis=1) & np.isfinite(of.cross).all(axis=1) & sure
    return np.flatnonzero(known).astype(np.int64)
