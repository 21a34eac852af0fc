"""How probable it is that a dwarf is a brown one, to whom the simulation's own numbers are known.

Every magnitude of a dwarf of a type is its type's mean, a redness that all bands share, a
luminosity and what each band has for itself (`skyquarry/synthetic/milkyway/ultracool.py`), and the
survey's error: a normal distribution for each type, for single dwarfs and pairs, plain, young and
old ones.
Types are as many as the simulation makes; distances as an exponential disc has them, and as the
parallax tells. Left out are metallicity, dust, motions, and what is told by a band in which a dwarf
was not seen: this is for dwarfs that were seen in all but Gaia's.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from skyquarry.synthetic.bands import BAND
from skyquarry.synthetic.milkyway import binaries, browndwarfs, counting, mainsequence, ultracool

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

BANDS: Final = ("sdss_r", "sdss_i", "sdss_z", "gaia_g", "gaia_rp", "twomass_j", "twomass_h",
                "twomass_ks", "wise_w1", "wise_w2")  # fmt: skip
PLACES: Final = [BAND[name] for name in BANDS]
_GAIA: Final = [BANDS.index("gaia_g"), BANDS.index("gaia_rp")]
"""they share what is their own"""
_EDGES: Final = np.append(np.arange(16.0, 23.0, 0.2), np.arange(23.0, 38.1, 0.5))
TYPES: Final = 0.5 * (_EDGES[1:] + _EDGES[:-1])
_L0: Final = 20.0
_PAIRED: Final = (0.15, 0.12)
"""of M dwarfs, of brown ones: `binaries.py`, `browndwarfs.py`"""
_COMPANIONS: Final = (np.arange(5) + 0.5) / 5
_MODULI: Final = np.arange(-2.0, 8.0, 0.1)
_SCALE_PC: Final = 300.0 / np.sin(np.radians(52.0))
"""the thin disc's, along the mean sight line of the cap"""
_UNSEEN: Final = 1e4
_ROWS: Final = 500


@dataclass(frozen=True)
class Sequence:
    """The distribution of magnitudes at each of the types (T,)."""

    means: Floats
    """(T, k, 10) absolute AB magnitudes, of k kinds"""
    shares: Floats
    """(T, k) dwarfs a cubic parsec"""
    covariance: Floats
    """(T, 10, 10) without errors of measurement"""

    @classmethod
    def known(cls, *, alike: bool = False) -> Sequence:
        """As the simulation has it; alike: single dwarfs whose type tells all their colours."""
        redder, own = (
            np.stack([np.interp(TYPES, ultracool._NODES, row[ultracool._part(name)])  # noqa: SLF001
                      for name in BANDS], axis=1)
            for row in (ultracool._REDDER, ultracool._OWN)  # noqa: SLF001
        )  # fmt: skip
        means, shares = _pairs()
        young, red, old, blue = ultracool._TAILS  # noqa: SLF001
        tails = np.array([[0.0, 1.0 - young - old], [red, young], [blue, old]])
        if alike:
            redder, means, shares, tails = 0.0 * redder, means[:, :1], shares[:, :1], tails[:1]
        covariance = redder[:, :, None] * redder[:, None, :] + ultracool.LUMINOSITY_SCATTER**2
        each = 0.0 * own if alike else np.square(own) + ultracool._EACH**2  # noqa: SLF001
        covariance += each[:, :, None] * np.eye(len(BANDS))
        if not alike:
            g, rp = _GAIA
            covariance[:, [g, rp], [rp, g]] += own[:, [g]] ** 2
        shifted = means[:, :, None] + tails[:, 0, None] * redder[:, None, None]
        kinds = shares[:, :, None] * tails[:, 1]
        return cls(shifted.reshape(len(TYPES), -1, len(BANDS)), kinds.reshape(len(TYPES), -1),
                   covariance)  # fmt: skip

    def brown(self, mags: Floats, errors: Floats, parallax: Floats, error: Floats) -> Floats:
        """(n,) probability of L0 or later; NaN: a band (n, 10) or a parallax that is not known."""
        told = [
            self._some(*(each[first : first + _ROWS] for each in (mags, errors, parallax, error)))
            for first in range(0, len(mags), _ROWS)
        ]
        return np.concatenate(told)

    def _some(self, mags: Floats, errors: Floats, parallax: Floats, error: Floats) -> Floats:
        there = np.isfinite(mags) & np.isfinite(errors)
        mags = np.where(there, mags, 15.0)
        noise = np.where(there, np.square(errors), _UNSEEN**2)
        near = _near(parallax, error)
        log = np.stack([self._of_type(each, mags, noise, near) for each in range(len(TYPES))], 1)
        p = np.exp(log - log.max(axis=1, keepdims=True))
        return np.asarray(p[:, TYPES >= _L0].sum(axis=1) / p.sum(axis=1))

    def _of_type(self, each: int, mags: Floats, noise: Floats, near: Floats) -> Floats:
        """(n,) logarithm of how many dwarfs of a type a square degree have such magnitudes."""
        whole = self.covariance[each] + noise[:, :, None] * np.eye(len(BANDS))
        inverse = np.linalg.inv(whole)
        off = mags[:, None] - self.means[each]
        turned = off @ inverse
        a = (turned * off).sum(axis=2)
        b = turned.sum(axis=2)
        c = inverse.sum(axis=(1, 2))[:, None]
        # exp(-(a - 2 b m + c m^2) / 2) over distance moduli m
        shape = -0.5 * c[:, :, None] * np.square(_MODULI - (b / c)[:, :, None]) + near[:, None]
        top = shape.max(axis=2)
        summed = top + np.log(np.exp(shape - top[:, :, None]).sum(axis=2))
        summed += -0.5 * (a - b**2 / c) + np.log(self.shares[each])
        most = summed.max(axis=1)
        everything = most + np.log(np.exp(summed - most[:, None]).sum(axis=1))
        return np.asarray(everything - 0.5 * np.linalg.slogdet(whole)[1])


def _near(parallax: Floats, error: Floats) -> Floats:
    """(n, moduli) logarithm of dwarfs at distances, by volume and by what the parallax tells."""
    distance = 10.0 ** (0.2 * _MODULI + 1.0)
    there = np.isfinite(parallax) & np.isfinite(error)
    # no finer than a third of a step of the modulus, which moves a dwarf by less than it scatters
    wide = np.hypot(error, 0.015 * np.abs(parallax))
    off = (parallax[:, None] - 1000.0 / distance) / wide[:, None]
    told = np.where(there[:, None], -0.5 * np.square(off), 0.0)
    return np.asarray(told + 3.0 * np.log(distance) - distance / _SCALE_PC)


def typical(kinds: Floats) -> Floats:
    """(n, 10) mean absolute AB magnitudes of types (n,)."""
    return _means(kinds)[:, PLACES]


def _means(kinds: Floats) -> Floats:
    known, late = mainsequence.knots(), kinds < _L0
    means = ultracool.absolute(kinds)
    means[late] = counting.between(known.mags, _places(kinds[late]))
    return means


def _places(kinds: Floats) -> Floats:
    """(n,) of types along the main sequence."""
    known = mainsequence.knots().spectral_type
    return np.interp(kinds, known, np.arange(len(known)))


def _pairs() -> tuple[Floats, Floats]:
    """(T, 1 + companions, 10) means of single dwarfs and pairs, and how many there are of each."""
    known, late = mainsequence.knots(), TYPES < _L0
    means = _means(TYPES)
    mass = counting.between(known.mass_msun, _places(TYPES[late]))
    several = [means]
    for part in _COMPANIONS:
        other = ultracool.absolute(TYPES + (38.0 - TYPES) * part)
        least = np.minimum(binaries._LEAST_MSUN / mass, 1.0)  # noqa: SLF001
        lighter = mass * (least + (1.0 - least) * part)
        where = np.interp(-lighter, -known.mass_msun, np.arange(len(known.mass_msun)))
        other[late] = counting.between(known.mags, where)
        several.append(binaries.joined(means, other))
    paired = np.where(late, *_PAIRED)
    shares = np.stack([1.0 - paired, *[paired / len(_COMPANIONS)] * len(_COMPANIONS)], axis=1)
    return np.stack(several, axis=1)[:, :, PLACES], shares * _numbers(known)[:, None]


def _numbers(known: Any) -> Floats:
    """(T,) dwarfs a cubic parsec at the Sun in each bin of types."""
    brown = browndwarfs.types()
    edges = np.concatenate([known.spectral_type, brown.spectral_type[1:]])
    numbers = np.concatenate([known.numbers, brown.numbers])
    below = np.concatenate([[0.0], np.cumsum(numbers)])
    return np.asarray(np.diff(np.interp(_EDGES, edges, below)))
