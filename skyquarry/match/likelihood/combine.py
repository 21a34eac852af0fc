"""What the members of a group say together: one position, one motion, and how well they agree."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from skyquarry.errors import UserError
from skyquarry.match.likelihood.nodetable import NodeTable, Prior, node_table

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from skyquarry.match.given.rows import Rows
    from skyquarry.match.resolution.groups import Groups

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Combined:
    """One line a group; a single row is its own mean."""

    ra_deg: Floats
    """(g,) in [0, 360), at `epoch`"""
    dec_deg: Floats
    covariance: Floats
    """(g, 3) arcsec^2 in the local axes there: east-east, north-north, east-north"""
    epoch: Floats
    """(g,) Julian years: that of the most precise member; NaN where none has one"""
    pm: Floats
    """(g, 2) mas/yr at `epoch`, by the data alone (no prior); NaN where no member has a motion and
    the epochs lie less than a year apart, or the errors hide every motion of the prior"""
    pm_covariance: Floats
    """(g, 3) (mas/yr)^2"""
    chi2: Floats
    """(g,) as in GroupEvidence"""
    dof: Ints
    p_value: Floats
    """(g,) probability of a larger chi2; 1 for a single row"""

    @property
    def ra_error(self) -> Floats:
        """(g,) arcsec, of ra cos dec."""
        told: Floats = np.sqrt(self.covariance[:, 0])
        return told

    @property
    def dec_error(self) -> Floats:
        """(g,) arcsec."""
        told: Floats = np.sqrt(self.covariance[:, 1])
        return told

    @property
    def ra_dec_corr(self) -> Floats:
        """(g,) correlation of the two errors."""
        return np.asarray(self.covariance[:, 2] / (self.ra_error * self.dec_error), np.float64)


def combine(
    rows: list[Rows],
    groups: Groups,
    prior: Prior,
    common_floor_arcsec: ArrayLike | None = None,
    *,
    table: NodeTable | None = None,
) -> Combined:
    """The combined position of every group, C = (sum C_i^-1)^-1 and x = C sum C_i^-1 x_i.

    Motions enter as in the evidence, by the component of the mixture that weighs most there: a
    position at another epoch counts for less, the less is known of the motion.

    `common_floor_arcsec` (catalogues,): the part of each catalogue's errors, per axis, that all of
    its rows share. It is in the rows' covariances already, and so in the answer; where a group
    holds several rows of one catalogue, it is not averaged away among them.
    """
    told = node_table(rows, prior) if table is None else table
    floor2 = _floor2(common_floor_arcsec, len(rows))
    count = len(groups)
    out, dof = np.empty((count, 12)), np.empty(count, np.int64)
    _kernels().combine_groups(
        told.nodes, told.motions, told.ratio, told.base, told.sigma2,
        groups.start, groups.nodes, 0, count, floor2, out, dof,
    )  # fmt: skip
    ra, dec, epoch, chi2 = (np.ascontiguousarray(out[:, k]) for k in (0, 1, 5, 11))
    covariance, pm, pm_covariance = (
        np.ascontiguousarray(out[:, a:b]) for a, b in ((2, 5), (6, 8), (8, 11))
    )
    return Combined(ra, dec, covariance, epoch, pm, pm_covariance, chi2, dof, _p_value(chi2, dof))


def _floor2(given: ArrayLike | None, catalogs: int) -> Floats:
    floor = np.zeros(catalogs) if given is None else np.asarray(given, np.float64)
    if floor.shape != (catalogs,):
        raise UserError(
            f"common_floor_arcsec has the shape {floor.shape}, but {catalogs} catalogues are "
            f"combined and each needs one value; try an array of {catalogs} numbers"
        )
    if not (floor >= 0.0).all():
        raise UserError(
            f"common_floor_arcsec is {floor.tolist()}, but a floor needs 0 or more; try 0 for a "
            "catalogue whose rows share no error"
        )
    squared: Floats = floor * floor
    return squared


def _p_value(chi2: Floats, dof: Ints) -> Floats:
    from scipy.special import gammaincc

    told = gammaincc(0.5 * np.maximum(dof, 1), 0.5 * chi2)
    return np.where(dof > 0, told, 1.0)


def _kernels() -> Any:
    from skyquarry.match.kernels import combining  # numba is imported where it is first needed

    return combining
