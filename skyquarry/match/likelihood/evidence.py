"""How much better rows fit one object than several: Bayes factors of pairs and of groups.

One evidence for everything (crossmatch.md 1.4): Gaussian positions with exact ellipses in one
tangent frame, measured motions with their covariances, motions that nobody measured marginalised
over a mixture, and errors that are sometimes wide. kernels/filter.py has the formulas.

- A row without an epoch counts as of the epoch it is compared at: nothing moves.
- A track is that of the best-known motion, rigorous, with its radial motion; what is left over is
  linear. An unknown radial velocity widens each other row on its own, as if unknown for each.
- Any members of a group may have their wide errors, up to four at once, since a blend is one in
  several surveys; the weights of these states are products of f and 1 - f, and sum to 1.
- Errors above 10" are compared on the sphere: exactly where they are circles, and else by the
  ellipses in the plane with the circles' difference between plane and sphere (Budavari & Szalay
  2008, ApJ 679 301).
"""

from __future__ import annotations

from dataclasses import dataclass
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np

from skyquarry.match.likelihood.nodetable import NodeTable, Prior, node_table

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from skyquarry.match.given.rows import Rows
    from skyquarry.match.resolution.groups import Groups

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

__all__ = [
    "GroupEvidence", "NodeTable", "PairEvidence", "Prior", "group_evidence", "node_table",
    "pair_evidence",
]  # fmt: skip


_LINES = (0, 1, 2, 3, 4, 8, 9)  # of what the kernel gives; 5 to 7 are the covariance


@dataclass(frozen=True, slots=True)
class PairEvidence:
    """Pairs compared at one epoch; every field has a line for each pair."""

    sep_arcsec: Floats
    """(m,) at the epoch compared"""
    pa_deg: Floats
    """(m,) direction from left to right, east of north at the left row, in [0, 360)"""
    dra_cosdec_arcsec: Floats
    """(m,) right minus left, in the left row's local axes"""
    ddec_arcsec: Floats
    epoch_used: Floats
    """(m,) Julian years: of the row that stays where it is; NaN where neither has one"""
    covariance: Floats
    """(m, 3) arcsec^2, of left and right together, in the left row's local axes: ee, nn, en"""
    chi2: Floats
    """(m,) of the offset, 2 degrees of freedom; a motion that neither knows by the prior's
    heaviest component, at least the slowest that moves, or that of near dwarfs where it is not
    rare; wide errors not counted"""
    lnB: Floats  # noqa: N815 - so it is called in the papers
    """(m,) by the whole mixture of motions and of wide errors"""
    flags: NDArray[np.int32]
    """(m,) Flag.PM_APPLIED: a motion was used; Flag.PM_PRIOR: nobody knows one, epochs differ"""
    joint: Floats
    """(m, 3) chi2, dof and flags of the two as a group, as in `GroupEvidence`"""
    drift: Floats
    """(m,) arcsec^2 of the covariance that are for a motion which neither knows"""
    farthest2: Floats
    """(m,) arcsec^2: a motion which neither knows has taken few (`Prior.lost`) beyond the root"""

    @property
    def norm_sep(self) -> Floats:
        """(m,) separation in standard errors."""
        told: Floats = np.sqrt(self.chi2)
        return told

    @property
    def sigma_major_arcsec(self) -> Floats:
        """(m,) larger semi-axis of the combined error ellipse."""
        mean, half = self._axes()
        return np.asarray(np.sqrt(mean + half))

    @property
    def sigma_minor_arcsec(self) -> Floats:
        """(m,) smaller semi-axis of the combined error ellipse."""
        mean, half = self._axes()
        xx, yy, xy = self.covariance.T
        # det / larger: mean - half loses the digits of a thin ellipse
        return np.asarray(np.sqrt((xx * yy - xy * xy) / (mean + half)))

    @property
    def sigma_pa_deg(self) -> Floats:
        """(m,) direction of the larger axis, east of north, in [0, 180); 0 for a circle."""
        xx, yy, xy = self.covariance.T
        pa = np.degrees(0.5 * np.arctan2(2.0 * xy, yy - xx))
        told: Floats = np.where(pa < 0.0, pa + 180.0, pa) % 180.0
        return told

    def _axes(self) -> tuple[Floats, Floats]:
        xx, yy, xy = self.covariance.T
        mean: Floats = 0.5 * (xx + yy)
        half: Floats = np.hypot(0.5 * (xx - yy), xy)
        return mean, half


@dataclass(frozen=True, slots=True)
class GroupEvidence:
    """One line a group; single rows have 0 throughout."""

    lnB: Floats  # noqa: N815 - so it is called in the papers
    """(g,) ln of the evidence for one object over that for as many objects as members"""
    chi2: Floats
    """(g,) of the component of the mixture that weighs most"""
    dof: Ints
    """(g,) scalar observables - 2: the prior on the motion counts as two data"""
    flags: NDArray[np.int32]
    """(g,) Flag.PM_APPLIED, PM_PRIOR; BLEND: wide errors weigh most"""


def pair_evidence(
    a: Rows, b: Rows, i: Ints, j: Ints, prior: Prior, *, table: NodeTable | None = None
) -> PairEvidence:
    """Rows i (m,) of `a` against rows j (m,) of `b`.

    The row whose motion is known is carried to the epoch of the other (`epochs.meeting_epoch`).
    Exchanging the catalogues changes no lnB, chi2 or separation by more than 1e-12 of it.
    `table`: node_table([a, b], prior), where it is there already.
    """
    told = node_table([a, b], prior) if table is None else table
    return node_pairs(told, np.asarray(i, np.int64), np.asarray(j, np.int64) + told.start[1])


def node_pairs(table: NodeTable, left: Ints, right: Ints) -> PairEvidence:
    """The nodes left (m,) against right (m,), of any catalogues of the table."""
    left, right = np.ascontiguousarray(left, np.int64), np.ascontiguousarray(right, np.int64)
    out, flags = np.empty((15, len(left))), np.empty(len(left), np.int32)
    _kernels().pairs_evidence(
        table.nodes, table.motions, table.ratio, table.base, table.sigma2, table.lost, left, right,
        out, flags,
    )  # fmt: skip
    sep, pa, east, north, epoch, chi2, lnB = (out[k] for k in _LINES)
    joint, drift, farthest2 = out[10:13].T, out[13], out[14]
    return PairEvidence(
        sep, pa, east, north, epoch, out[5:8].T, chi2, lnB, flags, joint, drift, farthest2
    )


def group_evidence(
    rows: list[Rows],
    groups: Groups,
    prior: Prior,
    *,
    table: NodeTable | None = None,
    start: int = 0,
    stop: int | None = None,
    pairs: tuple[Ints, PairEvidence] | None = None,
) -> GroupEvidence:
    """Groups start to stop (default: all), in any split the same to the last bit.

    `pairs`: the evidence of every group of two, where that is known already (of the same rows and
    prior), and their groups, -1 for none; then these are not worked out again, and all groups must
    be asked for.

    `table`: node_table(rows, prior), where it is there already. Any number of threads may work on
    slices of the same groups at once: nothing that is given is written to.
    """
    told = node_table(rows, prior) if table is None else table
    last = len(groups) if stop is None else stop
    count = last - start
    lnB, chi2 = np.empty(count), np.empty(count)
    dof, flags = np.empty(count, np.int64), np.empty(count, np.int32)
    _kernels().groups_evidence(
        told.nodes, told.motions, told.ratio, told.base, told.sigma2,
        groups.start, groups.nodes, start, last, 2 if pairs is None else 3, lnB, chi2, dof, flags,
    )  # fmt: skip
    if pairs is not None:
        own, known = pairs
        held = slice(None) if (own >= 0).all() else own >= 0
        own, joint = own[held], known.joint[held]
        lnB[own], chi2[own], dof[own] = known.lnB[held], joint[:, 0], joint[:, 1]
        flags[own] = joint[:, 2]
    return GroupEvidence(lnB, chi2, dof, flags)


def _kernels() -> Any:
    from skyquarry.match.kernels import evidence, pairevidence  # numba: where first needed

    return SimpleNamespace(
        groups_evidence=evidence.groups_evidence, pairs_evidence=pairevidence.pairs_evidence
    )
