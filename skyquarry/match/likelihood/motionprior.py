"""How fast something moves whose motion nobody has measured: a mixture of Gaussians.

Four components, each a normal distribution of the two axes about zero: what stands still
(galaxies, quasars), slow stars, fast ones, and the near ones among cool dwarfs. In a Gaussian
state-space evidence each adds sigma^2 dt^2 to the covariance (crossmatch.md, section 1.2; the
Gaussian case of Kerekes et al. 2010, ApJ 719, 59), so that the mixture keeps a closed form and has
heavy tails.

The share of fast stars, by magnitude and galactic latitude, is measured in design/motion_prior.py:
a plane through Hipparcos-2 at Hp = 6 to 9, which Gaia around NGC 188 (G = 12 to 20) bears out:

    logit(fast / stars) = -0.14 - 0.42 (mag - 8.5) + 2.34 (sin|b| - 0.5),   never below 0.02.

The share of galaxies where nothing tells them from stars is not measured here but assumed: as many
as stars at magnitude 20 towards the galactic pole, with log odds that grow by 0.8 a magnitude
(counts of galaxies rise by some 0.5 dex a magnitude there, those of stars by 0.15) and fall by 2.4
towards the plane (ten times the stars). Bands differ by a magnitude or more: it is a prior, and two
measured epochs outweigh it.

Dwarfs of M8 and cooler are seen only where they are near: 0.87 of them move as the fast do, 0.10 as
the near (`design/cool_dwarfs.py`). How probable it is that a row is such a dwarf is told by its
colour (`given/cool.py`); where that is unknown, or usual, near ones are one in 10^4 rows and fewer.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from skyquarry.errors import UserError
from skyquarry.match.kernels.nearness import NEAR, RARE
from skyquarry.sky.frames import rotation
from skyquarry.sky.vectors import to_xyz

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from skyquarry.match.given.rows import Rows

    Floats = NDArray[np.float64]

FAST_AT, FAST_BY_MAG, FAST_BY_LATITUDE = -0.14, -0.42, 2.34
FEWEST_FAST = 0.02
STATIC_MAG, STATIC_BY_MAG, STATIC_BY_LATITUDE = 20.0, 0.8, 2.4
STATIC_IF_EXTENDED, STATIC_IF_POINT = 0.98, 0.02
_STATIC_LIMITS = (0.02, 0.9)
OF_COOL_DWARFS = (0.0, 0.03, 0.87, 0.10)
"""shares of the components among dwarfs of M8 and cooler"""
COOL_IF_EXTENDED = 0.1
"""such dwarfs have a tenth of the share that colours tell, among rows that look extended"""
FASTEST_MASYR, FASTEST_SHARE = 1500.0, 1e-4
"""Component of the search for the fastest stars: some 10^3 stars move by more than 1"/yr, of the
10^7 that are bright or red enough to be searched again. An order of magnitude, no measurement."""


@dataclass(frozen=True, slots=True)
class MotionPrior:
    """A mixture of motions N(0, sigma_k^2 I), weighted by what is known of a row."""

    sigmas_masyr: Floats = field(default_factory=lambda: np.array([0.0, 8.0, 80.0, 250.0]))
    """(k,) per axis: static, slow, fast, near"""
    base: Floats = field(default_factory=lambda: np.array([0.3, 0.66, 0.0399, 0.0001]))
    """(k,) weights of a row of which nothing is known; their sum is 1"""
    informed: bool = True
    """whether magnitude, latitude, extent and colour change the weights of these four"""
    fastest_share: float = 0.0
    """weight of a last component, for the second search"""

    def __post_init__(self) -> None:
        if len(self.sigmas_masyr) != len(self.base) or abs(self.base.sum() - 1.0) > 1e-12:
            raise UserError(
                f"the motion prior has sigmas {self.sigmas_masyr.tolist()} and weights "
                f"{self.base.tolist()}, but each sigma needs a weight and their sum must be 1: "
                "try weights divided by their sum"
            )

    @classmethod
    def single(cls, sigma_masyr: float) -> MotionPrior:
        """One Gaussian for every row."""
        return cls(np.array([sigma_masyr]), np.ones(1), informed=False)

    @property
    def slow_masyr(self) -> float:
        """Sigma of the slowest component that moves: candidates are sought as far as it goes."""
        moving = self.sigmas_masyr[self.sigmas_masyr > 0.0]
        return float(moving.min()) if len(moving) else 0.0

    def with_fastest(
        self, sigma_masyr: float = FASTEST_MASYR, share: float = FASTEST_SHARE
    ) -> MotionPrior:
        """The prior with one component more, for stars of up to 10"/yr."""
        return replace(
            self,
            sigmas_masyr=np.append(self.sigmas_masyr, sigma_masyr),
            base=np.append(self.base * (1.0 - share), share),
            fastest_share=share,
        )

    def weights(self, rows: Rows) -> Floats:
        """(n, k) weights of each row, each in (0, 1), their sum 1.

        A row of which neither magnitude nor extent nor colour is known has the base weights.
        """
        if not self.informed:
            return np.tile(self.base, (len(rows), 1))
        told = np.empty((len(rows), len(self.base)))
        moving = 1.0 - self.fastest_share
        static, fast = self._shares(rows)
        cool, near = self._cool(rows, static)
        usual = (1.0 - cool - near) * moving
        told[:, 0] = static * usual
        told[:, 1] = (1.0 - static) * (1.0 - fast) * usual
        told[:, 2] = (1.0 - static) * fast * usual
        told[:, 3] = near * moving
        told[:, 4:] = self.fastest_share
        for k in range(NEAR + 1):
            told[:, k] += OF_COOL_DWARFS[k] * cool * moving
        return told

    def _cool(self, rows: Rows, static: Floats) -> tuple[Floats, Floats]:
        """(n,) share of cool dwarfs; and of the near, some of the stars, where no colour tells."""
        extended = np.where(rows.extended > 0.5, COOL_IF_EXTENDED, 1.0)
        unknown = np.isnan(rows.cool)
        base = self.base[: NEAR + 1] / self.base[: NEAR + 1].sum()
        of_stars = base[NEAR] / (1.0 - base[0] / (1.0 - base[NEAR]))
        near = np.where(unknown, of_stars * (1.0 - static), 0.0)
        return np.where(unknown, 0.0, rows.cool) * extended, near

    def reach_masyr(self, rows: Rows) -> Floats:
        """(n,) sigma that a row adds, in quadrature, to how far a pair without motions is sought.

        Two rows at half the slow sigma each reach what the slow component needs. A pair may be
        judged by a faster component where that weighs more, base_f r_f r_f' > base_s r_s r_s' with
        r = weight / base of either row; then one of the two at least has
        ln(r_f / r_s) > ln(base_s / base_f) / 2, and reaches as far as the fast component alone. It
        is judged by the near one where that weighs `RARE` of the slow one and less, too.
        """
        slow = self.slow_masyr
        told = np.full(len(rows), 0.5 * slow)
        if not self.informed or slow == 0.0:
            return told
        weights = self.weights(rows) / self.base
        at = int(np.flatnonzero(self.sigmas_masyr == slow)[0])
        for k in np.flatnonzero(self.sigmas_masyr > slow):
            limit = np.sqrt((RARE if k == NEAR else 1.0) * self.base[at] / self.base[k])
            fast = weights[:, k] >= limit * weights[:, at] * (1.0 - 1e-9)
            told[fast] = np.maximum(told[fast], self.sigmas_masyr[k])
        return told

    def _shares(self, rows: Rows) -> tuple[Floats, Floats]:
        """(n,) share of what stands still, and that of the fast among the stars."""
        bright = ~np.isnan(rows.mag)
        xyz, pole = to_xyz(rows.ra_deg, rows.dec_deg), rotation("galactic")[2].tolist()
        # no matrix product: how that adds up depends on how many rows there are
        sin_b = np.abs(xyz[:, 0] * pole[0] + xyz[:, 1] * pole[1] + xyz[:, 2] * pole[2])
        base = self.base[:NEAR] / self.base[:NEAR].sum()
        fast = np.full(len(rows), base[2] / (1.0 - base[0]))
        odds = FAST_BY_MAG * (rows.mag - 8.5) + FAST_BY_LATITUDE * (sin_b - 0.5)
        fast[bright] = np.clip(_logistic(FAST_AT + odds[bright]), FEWEST_FAST, 0.98)
        static = np.full(len(rows), base[0])
        odds = STATIC_BY_MAG * (rows.mag - STATIC_MAG) + STATIC_BY_LATITUDE * (sin_b - 1.0)
        static[bright] = np.clip(_logistic(odds[bright]), *_STATIC_LIMITS)
        point = np.where(bright, np.minimum(static, STATIC_IF_POINT), STATIC_IF_POINT)
        told = (1.0 - rows.extended) * point + rows.extended * STATIC_IF_EXTENDED
        return np.where(np.isnan(rows.extended), static, told), fast


def _logistic(odds: Floats) -> Floats:
    return np.asarray(1.0 / (1.0 + np.exp(-np.clip(odds, -500.0, 500.0))))
