"""The evidence of one group said slowly: dense matrices at 40 digits, every hypothesis in turn.

All observables of a group in one vector y, one covariance V for each component of the mixture of
motions and each wide state; the common position is marginalised over the sky. No filter, no
residual information, no arcsecond tricks.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import Any

import mpmath as mp  # type: ignore[import-untyped,unused-ignore]
from mpmath import mpf

KM_S_YEARS_PER_AU = mpf("149597870.7") / mpf(31557600)
MOST_WIDE = 4
ALL_WIDE_SHARE = mpf("0.5")


@dataclass(frozen=True)
class Source:
    """One row. Degrees, arcsec^2, years, mas/yr, mas; as in `match.rows`."""

    ra_deg: float
    dec_deg: float
    covariance: tuple[float, float, float]
    epoch: float = 2000.0
    pm: tuple[float, float] | None = None
    pm_covariance: tuple[float, float, float] = (1.0, 1.0, 0.0)
    cross: tuple[float, float, float, float] = (0.0, 0.0, 0.0, 0.0)
    parallax: float = 0.0
    parallax_error: float = 0.0
    rv: float | None = None
    rv_error: float = 0.0
    wide: float = 0.0  # below 0: together with all the others only
    weights: tuple[float, ...] = (1.0,)


def ln_bayes(
    sources: list[Source],
    sigmas_masyr: list[float],
    base: list[float],
    wide_arcsec: float = 0.0,
    rv_dispersion: float = 50.0,
) -> float:
    """The lnB of one object against one for each source."""
    with mp.workdps(40):
        weights = [
            mpf(base[k]) * mp.fprod(mpf(s.weights[k]) / mpf(base[k]) for s in sources)
            for k in range(len(base))
        ]
        weights = [w / mp.fsum(weights) for w in weights]
        odds = [mpf(max(s.wide, 0.0)) / (1 - mpf(max(s.wide, 0.0))) for s in sources]
        possible = [i for i, o in enumerate(odds) if o > 0]
        states = [
            (mp.fprod(odds[i] for i in members), members)
            for count in range(min(len(possible), MOST_WIDE) + 1)
            for members in combinations(possible, count)
        ]
        norm = mp.fsum(o for o, _ in states)
        if possible and len(sources) > 2 and all(s.wide != 0.0 for s in sources):
            g = ALL_WIDE_SHARE * mpf(min(sources[i].wide for i in possible))
            states.append((g / (1 - g) * norm, tuple(range(len(sources)))))
            norm /= 1 - g
        group = _Group(sources, wide_arcsec, rv_dispersion)
        total = mp.fsum(
            w * o / norm * group.density(mas(sigma), members)
            for w, sigma in zip(weights, sigmas_masyr, strict=True)
            for o, members in states
        )
        alone = mp.fsum(mp.log(_alone(s, sigmas_masyr)) for s in sources)
        return float(mp.log(total) - alone)


def mas(value: float) -> Any:
    """Milliarcseconds (a year) in radians (a year)."""
    return mpf(value) * mp.pi / (180 * 3600 * 1000)


class _Group:
    """Residuals in the tangent frame at the mean direction, in radians."""

    def __init__(self, sources: list[Source], wide_arcsec: float, rv_dispersion: float) -> None:
        self.sources, self.rv_dispersion = sources, rv_dispersion
        self.wide2 = (mas(1000) * wide_arcsec) ** 2
        self.u = [_axes(s)[2] for s in sources]
        mean = [mp.fsum(u[c] for u in self.u) for c in range(3)]
        length = mp.sqrt(mp.fsum(c * c for c in mean))
        centre = [c / length for c in mean]
        rho = mp.hypot(centre[0], centre[1])
        a = mp.atan2(centre[1], centre[0]) if rho else mpf(0)
        self.e = [-mp.sin(a), mp.cos(a), mpf(0)]
        self.n = [-centre[2] * mp.cos(a), -centre[2] * mp.sin(a), rho]
        best = min(range(len(sources)), key=lambda i: _precision(sources[i]))
        self.t0 = mpf(sources[best].epoch)
        known = [i for i, s in enumerate(sources) if s.pm is not None]
        self.lead = min(known, key=lambda i: _knowledge(sources[i])) if known else None

    def density(self, sigma: Any, wide: tuple[int, ...]) -> Any:
        """The evidence for one motion of the prior and some members in their wide state."""
        rows: list[tuple[int, Any]] = []  # (0 position, 1 motion), years
        y: list[Any] = []
        blocks: list[Any] = []
        m0 = self._track(self.t0)[1]
        prior_mean = [self._in_frame(m0, c) for c in range(2)]
        for i, s in enumerate(self.sources):
            place, motion = self._track(mpf(s.epoch))
            years = mpf(s.epoch) - self.t0
            values = [
                self._in_frame([a - b for a, b in zip(self.u[i], place, strict=True)], c)
                for c in range(2)
            ]
            rows += [(0, years)] * 2
            if s.pm is not None:
                own = [a - b for a, b in zip(_motion(s), motion, strict=True)]
                values += [self._in_frame(own, c) for c in range(2)]
                rows += [(1, years)] * 2
            y += values
            blocks.append(self._noise(i, i in wide))
        V = _diagonal(blocks)
        size = len(y)
        X, H = mp.zeros(size, 2), mp.zeros(size, 2)
        for r, (kind, years) in enumerate(rows):
            axis = r % 2
            X[r, axis] = 1 - kind
            H[r, axis] = years if kind == 0 else 1
        V = V + H * H.T * sigma**2
        # mu - track has the mean -track
        d = mp.matrix(y) + H * mp.matrix(prior_mean)
        inverse = mp.inverse(V)
        P = X.T * inverse * X
        b = X.T * inverse * d
        Q = (d.T * inverse * d)[0] - (b.T * mp.inverse(P) * b)[0]
        flat = 1 / (4 * mp.pi)
        norm = (2 * mp.pi) ** (-mpf(size) / 2 + 1)
        return flat * norm * mp.exp(-Q / 2) / mp.sqrt(mp.det(V) * mp.det(P))

    def _track(self, epoch: Any) -> tuple[list[Any], list[Any]]:
        """Direction and motion of the best-known motion at an epoch, along a straight line."""
        if self.lead is None:
            return self.u[0], [mpf(0)] * 3
        s = self.sources[self.lead]
        t = epoch - mpf(s.epoch)
        u, m = self.u[self.lead], _motion(s)
        zeta = mas(s.parallax) * mpf(s.rv or 0) / KM_S_YEARS_PER_AU
        line = [a * (1 + zeta * t) + b * t for a, b in zip(u, m, strict=True)]
        f = 1 / mp.sqrt(mp.fsum(c * c for c in line))
        mu2 = mp.fsum(c * c for c in m)
        motion = [(b * (1 + zeta * t) - a * mu2 * t) * f**3 for a, b in zip(u, m, strict=True)]
        return [c * f for c in line], motion

    def _noise(self, i: int, wide: bool) -> Any:  # noqa: FBT001 - one of two states
        s = self.sources[i]
        p, q, _ = _axes(s)
        J = mp.matrix(2, 2)
        for c, axis in enumerate((p, q)):
            J[0, c], J[1, c] = self._in_frame(axis, 0), self._in_frame(axis, 1)
        a2 = mas(1000) ** 2
        xx, yy, xy = (mpf(v) * a2 for v in s.covariance)
        C = J * mp.matrix([[xx, xy], [xy, yy]]) * J.T
        if wide:
            C = C + mp.eye(2) * self.wide2
        g = self._bend(i)
        if s.pm is None:
            if g is not None:
                C = C + g[:2, :] * g[:2, :].T
            return C
        m2 = mas(1) ** 2
        mxx, myy, mxy = (mpf(v) * m2 for v in s.pm_covariance)
        whole = mp.zeros(4, 4)
        whole[:2, :2] = C
        whole[2:, 2:] = J * mp.matrix([[mxx, mxy], [mxy, myy]]) * J.T
        X = J * mp.matrix([[s.cross[0], s.cross[1]], [s.cross[2], s.cross[3]]]) * m2 * J.T
        whole[:2, 2:], whole[2:, :2] = X, X.T
        return whole if g is None else whole + g * g.T

    def _bend(self, i: int) -> Any:
        """(4, 1): what an error of the leader's radial motion does to this row."""
        if self.lead is None or i == self.lead:
            return None
        s = self.sources[self.lead]
        v = mpf(s.rv or 0) / KM_S_YEARS_PER_AU
        v_error = mpf(self.rv_dispersion if s.rv is None else s.rv_error) / KM_S_YEARS_PER_AU
        variance = mas(s.parallax_error) ** 2 * (v**2 + v_error**2)
        sigma = mp.sqrt(variance + (mas(s.parallax) * v_error) ** 2)
        t = mpf(self.sources[i].epoch) - mpf(s.epoch)
        m = self._track(self.t0)[1]
        mu = [self._in_frame(m, c) for c in range(2)]
        return mp.matrix([mu[0] * t * t, mu[1] * t * t, 2 * mu[0] * t, 2 * mu[1] * t]) * sigma

    def _in_frame(self, vector: Any, axis: int) -> Any:
        return mp.fsum(a * b for a, b in zip((self.e, self.n)[axis], vector, strict=True))


def _precision(s: Source) -> tuple[float, float]:
    return (s.covariance[0] + s.covariance[1], s.epoch)


def _knowledge(s: Source) -> tuple[float, ...]:
    return (s.pm_covariance[0] + s.pm_covariance[1], *_precision(s))


def _axes(s: Source) -> tuple[list[Any], list[Any], list[Any]]:
    ra, dec = mp.radians(mpf(s.ra_deg)), mp.radians(mpf(s.dec_deg))
    sa, ca, sd, cd = mp.sin(ra), mp.cos(ra), mp.sin(dec), mp.cos(dec)
    return [-sa, ca, mpf(0)], [-sd * ca, -sd * sa, cd], [cd * ca, cd * sa, sd]


def _motion(s: Source) -> list[Any]:
    p, q, _ = _axes(s)
    assert s.pm is not None
    return [a * mas(s.pm[0]) + b * mas(s.pm[1]) for a, b in zip(p, q, strict=True)]


def _alone(s: Source, sigmas_masyr: list[float]) -> Any:
    """Evidence of a row by itself: its position anywhere, its motion from the prior."""
    if s.pm is None:
        return 1 / (4 * mp.pi)
    total = mpf(0)
    d = mp.matrix([mas(s.pm[0]), mas(s.pm[1])])
    m2 = mas(1) ** 2
    xx, yy, xy = (mpf(v) * m2 for v in s.pm_covariance)
    for sigma, w in zip(sigmas_masyr, s.weights, strict=True):
        V = mp.matrix([[xx, xy], [xy, yy]]) + mp.eye(2) * mas(sigma) ** 2
        chi2 = (d.T * mp.inverse(V) * d)[0]
        total += mpf(w) * mp.exp(-chi2 / 2) / (2 * mp.pi * mp.sqrt(mp.det(V)))
    return total / (4 * mp.pi)


def _diagonal(blocks: list[Any]) -> Any:
    size = sum(b.rows for b in blocks)
    whole, at = mp.zeros(size, size), 0
    for b in blocks:
        whole[at : at + b.rows, at : at + b.rows] = b
        at += b.rows
    return whole
