"""How fast something moves whose motion nobody has measured: a mixture of Gaussians.

Five components, each a normal distribution of the two axes about zero: what stands still
(galaxies, quasars), slow stars, middling and fast ones, and the near ones among cool dwarfs. In a
Gaussian state-space evidence each adds sigma^2 dt^2 to the covariance (crossmatch.md, section 1.2;
the Gaussian case of Kerekes et al. 2010, ApJ 719, 59), so that the mixture keeps a closed form and
has heavy tails.

How many stars are middling and fast, by magnitude and galactic latitude, is measured in
design/motion_prior.py: two planes through Hipparcos-2 at Hp = 6 to 9 and simulated stars of G = 12
to 22, which Gaia around NGC 188 (G = 14 to 19) bears out:

    ln(middling / slow) = -1.31 - 0.33 (mag - 14) + 3.40 (sin|b| - 0.5),
    ln(fast / slow)     = -3.27 - 0.52 (mag - 14) + 4.13 (sin|b| - 0.5).

The share of galaxies where nothing tells them from stars is not measured here but assumed: as many
as stars at magnitude 20 towards the galactic pole, with log odds that grow by 0.8 a magnitude
(counts of galaxies rise by some 0.5 dex a magnitude there, those of stars by 0.15) and fall by 2.4
towards the plane (ten times the stars). Bands differ by a magnitude or more: it is a prior, and two
measured epochs outweigh it.

Dwarfs of M8 and cooler are seen only where they are near: 0.67 of them move as the fast do, 0.10 as
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

RULES = 2
"""Raised whenever the same rows get another prior: what was learnt by one is of no use to another.
1 knew three components, 2 knows the middling."""
MIDDLING = (-1.31, -0.33, 3.40)
"""ln of how many stars are middling for each slow one, at magnitude 14 and sin|b| = 0.5; by the
magnitude; by sin|b|"""
FAST = (-3.27, -0.52, 4.13)
"""The same of the fast."""
_MAG, _SIN_B = 14.0, 0.5
STATIC_MAG, STATIC_BY_MAG, STATIC_BY_LATITUDE = 20.0, 0.8, 2.4
STATIC_IF_EXTENDED, STATIC_IF_POINT = 0.98, 0.02
_STATIC_LIMITS = (0.02, 0.9)
OF_COOL_DWARFS = (0.0, 0.03, 0.20, 0.67, 0.10)
"""shares of the components among dwarfs of M8 and cooler"""
COOL_IF_EXTENDED = 0.1
"""such dwarfs have a tenth of the share that colours tell, among rows that look extended"""
FASTEST_MASYR, FASTEST_SHARE = 1500.0, 1e-4
"""Component of the search for the fastest stars: some 10^3 stars move by more than 1"/yr, of the
10^7 that are bright or red enough to be searched again. An order of magnitude, no measurement."""


@dataclass(frozen=True, slots=True)
class MotionPrior:
    """A mixture of motions N(0, sigma_k^2 I), weighted by what is known of a row."""

    sigmas_masyr: Floats = field(default_factory=lambda: np.array([0.0, 8.0, 25.0, 80.0, 250.0]))
    """(k,) per axis: static, slow, middling, fast, near"""
    base: Floats = field(default_factory=lambda: np.array([0.3, 0.573, 0.116, 0.0109, 0.0001]))
    """(k,) weights of a row of which nothing is known, its sum is 1: stars as at magnitude 17 and
    |b| = 45"""
    informed: bool = True
    """whether magnitude, latitude, extent and colour change the weights of these five"""
    fastest_share: float = 0.0
    """weight of a last component, for the second search"""
    lost: float = 0.0027
    """share of what moves that candidates may lose: they end where it lies beyond"""
    bounding: bool = False
    """weights not of a row but of the fastest of its whole magnitude: near the galactic pole"""

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
        return self._told(rows, 1.0)

    def together(self, rows: Rows) -> Floats:
        """(n, k) what each row adds to the weights of a group, base_k prod_i together_k / base_k.

        What extents and colours say of two rows is twice as much, but a second magnitude tells of
        a star what the first did: shares of the slow, the middling and the fast are taken half way
        from the base to the row's, in logarithms, so that two rows of one magnitude have its own.
        """
        return self._told(rows, 0.5)

    def _told(self, rows: Rows, power: float) -> Floats:
        """(n, k) with shares of the stars that are base (share / base)^power, normalised."""
        if not self.informed:
            return np.tile(self.base, (len(rows), 1))
        told = np.empty((len(rows), len(self.base)))
        moving = 1.0 - self.fastest_share
        static, stars = self._shares(rows, power)
        cool, near = self._cool(rows, (1.0 - static) * stars[0])
        usual = (1.0 - cool - near) * moving
        told[:, 0] = static * usual
        told[:, 1:NEAR] = (stars * ((1.0 - static) * usual)).T
        told[:, NEAR] = near * moving
        told[:, NEAR + 1 :] = self.fastest_share
        if cool.any():
            told[:, : NEAR + 1] += np.multiply.outer(cool * moving, OF_COOL_DWARFS)
        return told

    def _cool(self, rows: Rows, slow: Floats) -> tuple[Floats, Floats]:
        """(n,) share of cool dwarfs; and of the near, where no colour tells: some a slow star.

        Not for each star: what is bright is fast, and no such dwarf.
        """
        extended = np.where(rows.extended > 0.5, COOL_IF_EXTENDED, 1.0)
        unknown = np.isnan(rows.cool)
        odds = self.base[NEAR] / self.base[1] * slow
        near = np.where(unknown, odds / (1.0 + odds), 0.0)
        return np.where(unknown, 0.0, rows.cool) * extended, near

    def reach_masyr(self, rows: Rows, k: float) -> Floats:
        """(n,) sigma that a row adds, in quadrature, to how far a pair without motions is sought.

        Two rows at half the slow sigma each reach what the slow component needs. A pair may be
        judged by a faster component where that weighs more, base_f r_f r_f' > base_s r_s r_s' with
        r = weight / base of either row; then one of the two at least has
        ln(r_f / r_s) > ln(base_s / base_f) / 2, and reaches as far as the fast component alone. It
        is judged by the near one where that weighs `RARE` of the slow one and less, too. And it is
        sought, k sigma and all, where only `lost` of such pairs lie beyond (`farthest_masyr`).
        """
        slow = self.slow_masyr
        told = np.full(len(rows), 0.5 * slow)
        if not self.informed or slow == 0.0:
            return told
        ratio = self.together(rows) / self.base
        at = int(np.flatnonzero(self.sigmas_masyr == slow)[0])
        for n in np.flatnonzero(self.sigmas_masyr > slow):
            limit = np.sqrt((RARE if n == NEAR else 1.0) * self.base[at] / self.base[n])
            fast = ratio[:, n] >= limit * ratio[:, at] * (1.0 - 1e-9)
            told[fast] = np.maximum(told[fast], self.sigmas_masyr[n])
        shares = ratio**2 * self.base * (self.sigmas_masyr > 0.0)
        shares /= shares.sum(axis=1, keepdims=True)
        return np.asarray(np.maximum(told, self.farthest_masyr(shares) / k))

    def farthest_masyr(self, shares: Floats) -> Floats:
        """(n,) by shares (n, k) of what moves: two rows' in quadrature are what `lost` exceed.

        Of a component whose share is s = sqrt(s_1 s_2) in two rows, that much goes beyond
        sigma sqrt(2 ln(s / lost)), which is sqrt(u_1^2 + u_2^2) with u^2 = sigma^2 ln(s_i / lost):
        at most u_1 + u_2. Near dwarfs and the fastest stars are too few to count.
        """
        told = np.zeros(len(shares))
        for n in np.flatnonzero(self.sigmas_masyr[:NEAR] > self.slow_masyr):
            ln_share = np.log(np.maximum(shares[:, n] / self.lost, 1.0))
            told = np.maximum(told, self.sigmas_masyr[n] * np.sqrt(ln_share))
        return told * (1.0 + 1e-9)

    def _shares(self, rows: Rows, power: float) -> tuple[Floats, Floats]:
        """(n,) share of what stands still; (3, n) of the slow, middling and fast in the stars."""
        bright = ~np.isnan(rows.mag)
        sin_b, mag = self._place(rows)
        base = self.base[:NEAR] / self.base[:NEAR].sum()
        usual = base[1:] / (1.0 - base[0])
        stars = np.empty((3, len(rows)))
        stars[0] = 1.0
        for n, (at, by_mag, by_latitude) in enumerate((MIDDLING, FAST), start=1):
            ln_base = float(np.log(usual[n] / usual[0]))
            odds = by_mag * mag + (
                by_latitude * sin_b + (at - by_mag * _MAG - by_latitude * _SIN_B)
            )
            odds = np.where(bright, np.clip(odds, -50.0, 50.0), ln_base)
            np.exp(ln_base + power * (odds - ln_base), out=stars[n])
        stars /= stars.sum(axis=0)
        static = np.full(len(rows), base[0])
        odds = STATIC_BY_MAG * (rows.mag - STATIC_MAG) + STATIC_BY_LATITUDE * (sin_b - 1.0)
        static[bright] = np.clip(_logistic(odds[bright]), *_STATIC_LIMITS)
        point = np.where(bright, np.minimum(static, STATIC_IF_POINT), STATIC_IF_POINT)
        told = (1.0 - rows.extended) * point + rows.extended * STATIC_IF_EXTENDED
        return np.where(np.isnan(rows.extended), static, told), stars

    def _place(self, rows: Rows) -> tuple[Floats, Floats]:
        """(n,) sin|b|, and the magnitude."""
        if self.bounding:
            return np.ones(len(rows)), rows.mag - 1.0
        xyz, pole = to_xyz(rows.ra_deg, rows.dec_deg), rotation("galactic")[2].tolist()
        # no matrix product: how that adds up depends on how many rows there are
        return np.abs(xyz[:, 0] * pole[0] + xyz[:, 1] * pole[1] + xyz[:, 2] * pole[2]), rows.mag


def _logistic(odds: Floats) -> Floats:
    return np.asarray(1.0 / (1.0 + np.exp(-np.clip(odds, -500.0, 500.0))))
