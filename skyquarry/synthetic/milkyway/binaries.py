"""Pairs of stars that no survey resolves: how often, with what, and how bright together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

_MASS: Final = (0.1, 0.3, 0.6, 1.0, 1.5, 2.2)
_SHARE: Final = (0.15, 0.25, 0.35, 0.44, 0.52, 0.60)
_LEAST_MSUN: Final = 0.079


def share(mass_msun: Floats) -> Floats:
    """(n,) chance to have a companion: Duchene & Kraus 2013, ARA&A 51, 269, figure 1."""
    return np.interp(mass_msun, _MASS, _SHARE)


def companions(mass_msun: Floats, random: np.random.Generator) -> Floats:
    """(n,) masses of companions: mass ratios uniform from that of the least star to 1.

    Raghavan et al. 2010, ApJS 190, 1, figure 16.
    """
    least = np.minimum(_LEAST_MSUN / mass_msun, 1.0)
    return np.asarray(mass_msun * random.uniform(least, 1.0))


def joined(first: Floats, second: Floats) -> Floats:
    """Magnitudes of two lights together."""
    return np.asarray(first - 2.5 * np.log10(1.0 + 10.0 ** (0.4 * (first - second))))
