"""Rows at other epochs: where they are then, how sure that is, and how far to search for them.

A row whose motion is known goes along it, rigorously, with its covariance
(`sky/motioncovariance.py` holds the formulas, `kernels/epochs.py` the loop). A row whose motion is
not known stays where it is: what it may have done since is for `motionprior.py` and the evidence.
A row or a pair without an epoch is compared as it stands.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from skyquarry.sky.vectors import ARCSEC_PER_RADIAN, to_xyz

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from skyquarry.match.given.rows import Motions, Rows

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]
    Mask = NDArray[np.bool_]

RV_DISPERSION_KMS = 50.0
"""Radial velocities that are not known: a mean of zero with this dispersion, that of the stars
around the Sun (crossmatch.md, section 2). Their effect grows with parallax * motion * time^2."""


@dataclass(frozen=True, slots=True)
class Moved:
    """Rows at an epoch; covariances in the local axes (east, north) at the place reached."""

    ra_deg: Floats
    """(m,) in [0, 360); that of the row to the last bit where it has not moved"""
    dec_deg: Floats
    xyz: Floats
    """(m, 3) unit vectors"""
    covariance: Floats
    """(m, 3) arcsec^2: east-east, north-north, east-north; motion's errors included"""
    pm: Floats
    """(m, 2) mas/yr at the epoch; NaN where unknown"""
    pm_covariance: Floats
    """(m, 3) (mas/yr)^2"""
    cross: Floats
    """(m, 4) mas * mas/yr, as in `Motions`"""


def moved(rows: Rows, to_jyear: float | Floats, *, parallactic: bool = False) -> Moved:
    """All rows at an epoch: a number, or one for each row (n,); NaN leaves a row where it is."""
    return moved_pairs(rows, np.arange(len(rows)), to_jyear, parallactic=parallactic)


def moved_pairs(
    rows: Rows, index: Ints, to_jyear: float | Floats, *, parallactic: bool = False
) -> Moved:
    """The rows `index` (m,) at the epochs `to_jyear` ((m,) or a number).

    `parallactic`: what they are compared with are positions of single dates, not freed of the
    annual parallax, which is then off by up to one parallax: its mean square over a year, at most
    parallax^2 / 2 an axis, is added to the covariance (where the parallax is positive).
    """
    motions = rows.motions
    if motions is None:
        return _still(rows, index)
    years = np.empty(len(index))
    np.subtract(to_jyear, rows.epoch[index], out=years)
    radec, *made = (np.empty((len(index), width)) for width in (2, 3, 3, 2, 3, 4))
    kernels = _kernels()
    kernels.move(
        np.ascontiguousarray(index, np.int64),
        years,
        _start(rows, motions),
        RV_DISPERSION_KMS,
        kernels.End(radec, *made),
    )
    if parallactic:
        made[1][:, :2] += _parallactic(motions, index)[:, np.newaxis]
    return Moved(radec[:, 0].copy(), radec[:, 1].copy(), *made)


def has_motion(rows: Rows) -> Mask:
    """(n,) whether a row's motion is known."""
    if rows.motions is None:
        return np.zeros(len(rows), bool)
    return np.asarray(np.isfinite(rows.motions.pm[:, 0]) & np.isfinite(rows.motions.pm[:, 1]))


def meeting_epoch(a: Rows, b: Rows, i: Ints, j: Ints) -> Floats:
    """(m,) the epoch at which rows i of `a` and j of `b` are compared, the same for (b, a, j, i).

    Where one motion is known that row goes to the other's epoch. Where both or none are, they meet
    at the epoch of the row with the larger variance: the better position is carried, the worse one
    stays; of equals, the earlier. A row without an epoch counts as of the other's.
    """
    first, second = a.epoch[i], b.epoch[j]
    moves_a, moves_b = has_motion(a)[i], has_motion(b)[j]
    var_a, var_b = a.covariance[i, :2].sum(axis=1), b.covariance[j, :2].sum(axis=1)
    at_first = np.where(var_a == var_b, first <= second, var_a > var_b)
    at_first = np.where(moves_a == moves_b, at_first, moves_b)
    met = np.where(at_first, first, second)
    return np.where(np.isnan(met), np.where(at_first, second, first), met)


# ---------------------------------------------------------------- how far to search


@dataclass(frozen=True, slots=True)
class Reach:
    """Where each row of a catalogue is looked for, and how far away its counterpart may be."""

    ra_deg: Floats
    """(n,) at one epoch for the two catalogues; the row's own where its motion is unknown"""
    dec_deg: Floats
    radius_arcsec: Floats
    """(n,) the sum of two rows' radii is never less than the separation of a candidate pair"""
    slack_arcsec: Floats
    """(n,) the part of it that is for the time between that epoch and the pair's own"""
    moved: bool
    """whether any position differs from the row's own"""


class Drift(Protocol):
    """How fast rows may be whose motion nobody knows: `motionprior.MotionPrior`."""

    def reach_masyr(self, rows: Rows, k: float) -> Floats:
        """(n,) sigma that a row adds, in quadrature, to how far a pair is sought: k of them."""


def search_reach(
    a: Rows, b: Rows, k: float, prior: Drift, *, parallactic: bool = False
) -> tuple[Reach, Reach]:
    """Places and radii of two catalogues' rows, so that no pair with chi2 <= k^2 can be lost.

    Both sides are placed at one epoch T. A pair is compared at `meeting_epoch`, which is T but for
    the spread of epochs; each row adds |mu| times the longest such spread (its slack). To that
    comes k sigma: that of the position, and at most what its motion's error adds by the far end of
    the other side's epochs (sigmas add: no correlation makes it more), the wide component of
    blends, and for two rows without motions the drift of the prior (`reach_masyr`), half of it
    a side: sqrt(A + x^2/4) + sqrt(B + x^2/4) >= sqrt(A + B + x^2).
    """
    meeting = Meeting.of(a, b, k, prior, parallactic=parallactic)
    return meeting.reach(a, b), meeting.reach(b, a)


@dataclass(frozen=True, slots=True)
class Meeting:
    """What holds for both sides of a search."""

    common: float
    k: float
    prior: Drift
    parallactic: bool

    @classmethod
    def of(cls, a: Rows, b: Rows, k: float, prior: Drift, *, parallactic: bool = False) -> Meeting:
        """Of two catalogues."""
        return cls(_common_epoch(a, b), k, prior, parallactic)

    def reach(self, rows: Rows, others: Rows) -> Reach:
        """Places and radii of rows of one side, whatever rows of the other they may meet."""
        if not len(rows) or not len(others):
            nothing = np.zeros(len(rows))
            return Reach(rows.ra_deg, rows.dec_deg, nothing, nothing, moved=False)
        theirs = has_motion(others)
        if rows.motions is None:
            span = None if theirs.all() else epoch_span(others)
            return reach_at_home(rows, span, self.k, self.prior)
        at_home = bool(theirs.any() or np.isnan(others.epoch).any())
        radec, variance, slack = self._along(rows, rows.motions, others, at_home=at_home)
        ra, dec = radec[:, 0].copy(), radec[:, 1].copy()
        if not theirs.all():
            unknown = ~has_motion(rows)
            drift = _drift(rows, epoch_span(others), self.k, self.prior)
            if drift is not None:
                variance[unknown] += drift[unknown] ** 2
        return Reach(ra, dec, _radius(rows, self.k, variance) + slack, slack, moved=True)

    def _along(
        self, rows: Rows, motions: Motions, others: Rows, *, at_home: bool
    ) -> tuple[Floats, Floats, Floats]:
        """Places at the common epoch (n, 2), variances at the far end (n,) arcsec^2, slack (n,)."""
        n, kernels = len(rows), _kernels()
        radec, sigma, slack = np.empty((n, 2)), np.empty(n), np.empty(n)
        start, (low, high) = _start(rows, motions), _span(others.epoch)
        when = (self.common, low, high)
        out = (radec, sigma, slack)
        kernels.reach(start, rows.epoch, when, at_home, RV_DISPERSION_KMS, out)
        variance = sigma**2
        if self.parallactic:
            variance += _parallactic(motions, np.arange(n))
        return radec, variance, slack


def reach_at_home(
    rows: Rows, other_epochs: tuple[float, float] | None, k: float, prior: Drift
) -> Reach:
    """Of `search_reach` the part for rows of a catalogue without motions.

    `other_epochs`: what `epoch_span` tells of the other side; None where all of its motions are
    known.
    """
    variance, slack = largest_variance(rows.covariance), np.zeros(len(rows))
    drift = None if other_epochs is None else _drift(rows, other_epochs, k, prior)
    if drift is not None:
        variance += drift**2
    return Reach(rows.ra_deg, rows.dec_deg, _radius(rows, k, variance), slack, moved=False)


def _radius(rows: Rows, k: float, variance: Floats) -> Floats:
    """(n,) arcsec: k sigma, with the wide errors of blends."""
    if rows.wide_arcsec > 0.0:
        variance[rows.wide > 0.0] += rows.wide_arcsec**2
    return _on_the_sphere(k * np.sqrt(variance))


def _drift(rows: Rows, other_epochs: tuple[float, float], k: float, prior: Drift) -> Floats | None:
    """(n,) arcsec: this row's part in how far an unknown motion has taken it; None: nowhere."""
    low, high = other_epochs
    years = np.fmax(np.abs(low - rows.epoch), np.abs(high - rows.epoch))
    years[np.isnan(years)] = 0.0
    if not years.any():
        return None
    told: Floats = years * prior.reach_masyr(rows, k) * 1e-3
    return told


def epoch_span(rows: Rows) -> tuple[float, float]:
    """Earliest and latest epoch that is known; NaN where none is."""
    return _span(rows.epoch)


def largest_variance(covariance: Floats) -> Floats:
    """(n,) larger eigenvalue of covariances (n, 3): east-east, north-north, east-north."""
    half = 0.5 * (covariance[:, 0] + covariance[:, 1])
    difference = 0.5 * (covariance[:, 0] - covariance[:, 1])
    largest: Floats = half + np.hypot(difference, covariance[:, 2])
    return largest


def _common_epoch(a: Rows, b: Rows) -> float:
    """Middle of the epochs of the rows that cannot move, of the side that has more of these."""
    still_a, still_b = ~has_motion(a), ~has_motion(b)
    if not (still_a.any() or still_b.any()):
        epochs = b.epoch if _typical(a) <= _typical(b) else a.epoch
    else:
        epochs = b.epoch[still_b] if still_b.sum() >= still_a.sum() else a.epoch[still_a]
    middle = float(np.mean(_span(epochs)))
    return middle if np.isfinite(middle) else float(np.mean(_span(np.append(a.epoch, b.epoch))))


def _typical(rows: Rows) -> float:
    return float(np.median(rows.covariance[:, 0])) if len(rows) else 0.0


def _span(epochs: Floats) -> tuple[float, float]:
    """Earliest and latest epoch that is known; NaN where none is."""
    known = epochs[~np.isnan(epochs)]
    return (float(known.min()), float(known.max())) if len(known) else (np.nan, np.nan)


def _on_the_sphere(offset_arcsec: Floats) -> Floats:
    """Largest angles whose offset in a tangent frame, a sine, is this; and a little more."""
    sine = np.minimum(offset_arcsec / ARCSEC_PER_RADIAN, 1.0)
    angle: Floats = np.where(sine < 1.0, np.arcsin(sine), np.pi) * ARCSEC_PER_RADIAN
    return angle * (1.0 + 1e-9) + 1e-9


# ---------------------------------------------------------------- rows that stay


def _still(rows: Rows, index: Ints) -> Moved:
    """Rows of a catalogue without motions, as they are."""
    ra, dec, unknown = rows.ra_deg[index], rows.dec_deg[index], np.full((len(index), 3), np.nan)
    nothing = np.zeros((len(index), 4))
    return Moved(
        ra,
        dec,
        to_xyz(ra, dec),
        np.take(rows.covariance, index, axis=0),
        unknown[:, :2],
        unknown,
        nothing,
    )


def _start(rows: Rows, motions: Motions) -> Any:
    """Rows as the kernels take them."""
    told = (getattr(motions, each.name) for each in fields(motions))
    return _kernels().Start(rows.ra_deg, rows.dec_deg, rows.covariance, *told)


def _parallactic(motions: Motions, index: Ints) -> Floats:
    """(m,) arcsec^2 an axis."""
    parallax = np.fmax(motions.parallax[index], 0.0) * 1e-3
    return np.where(np.isnan(parallax), 0.0, 0.5 * parallax**2)


def _kernels() -> Any:
    from skyquarry.match.kernels import epochs  # numba is imported where it is first needed

    return epochs
