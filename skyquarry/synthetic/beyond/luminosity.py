"""How many red and blue galaxies there are of each luminosity, and how red they are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]

_SETTLED: Final = 1.2
"""Redshift beyond which luminosities brighten, and colours turn bluer, a quarter as fast."""

_MORE: Final = 1.15
"""Galaxies for one of Baldry et al.: their volume (z < 0.08) is emptier than the counts want."""


@dataclass(frozen=True, slots=True)
class Sequence:
    """A sequence of galaxies, red or blue, with its luminosity function and its ridge of colour.

    At redshift 0: Baldry et al. 2004, ApJ 600, 681, tables 1 to 3 (SDSS, z < 0.08, u-r and r at
    rest at redshift 0, H0 = 70, Omega_m = 0.3).
    """

    bright: float
    """M* in r"""
    schechter: tuple[tuple[float, float], ...]
    """(phi* in Mpc^-3, alpha) of each of its Schechter functions"""
    ridge: tuple[float, float, float, float, float]
    """of the mean of u-r: p0, p1, q0, q1, q2 of p0 + p1 (M + 20) + q0 tanh((M - q1) / q2); p0 is
    redder than theirs by what the magnitudes of DR14 and DR17 ask for"""
    width: tuple[float, float, float, float, float]
    """of its standard deviation, the same"""
    brighter: float
    """magnitudes of M* in a unit of redshift"""
    denser: float
    """decades of phi* in a unit of redshift"""
    bluer: float
    """magnitudes of u-r in a unit of redshift, at first"""
    slower: float = 0.0
    """that falls off with redshift e as 1 / (1 + slower e)"""
    frosted: tuple[float, float] = (0.0, 1.0)
    """share of its galaxies of the field with some young stars, and by how many magnitudes these
    make u-r bluer on the mean (exponential)"""

    def density(self, absolute: ArrayLike, redshift: ArrayLike) -> Floats:
        """Galaxies per Mpc^3 (comoving) and magnitude."""
        faintness = np.asarray(absolute) + self.brighter * elapsed(redshift) - self.bright
        bright = 10 ** (-0.4 * faintness)
        each = sum(phi * bright ** (alpha + 1) for phi, alpha in self.schechter)
        grown = 10 ** (self.denser * np.asarray(redshift))
        return np.asarray(0.4 * np.log(10) * each * np.exp(-bright) * grown * _MORE)

    def colour(self, absolute: ArrayLike, redshift: ArrayLike) -> tuple[Floats, Floats]:
        """Mean and standard deviation of u-r at rest.

        A galaxy of the past is taken to lie on the ridge of what it has faded to today.
        """
        today = np.asarray(absolute) + self.brighter * elapsed(redshift)
        past = elapsed(redshift)
        mean = _ridge(today, self.ridge) - self.bluer * past / (1 + self.slower * past)
        return mean, np.broadcast_to(_ridge(today, self.width), mean.shape)


RED: Final = Sequence(
    bright=-21.49,
    schechter=((0.00225, -0.83),),
    ridge=(2.279 + 0.125, -0.037, -0.108, -19.81, 0.96),
    width=(0.152, 0.008, 0.044, -19.91, 0.94),
    brighter=1.0,
    denser=-0.45,
    bluer=0.55,
    frosted=(0.30, 0.22),
)
"""Young stars: 30 per cent of early types have formed some lately (Kaviraj et al. 2007, ApJS 173,
619; the colour is ours, of the blue sides of u-g of SDSS galaxies with 2MASS). Evolution: by half
to three quarters fewer at z = 1, and fading passively (Faber et al. 2007, ApJ 665, 265: M*_B
brighter by 1.2, phi* lower by 0.56 decades; less in r), figures chosen on the counts."""
BLUE: Final = Sequence(
    bright=-20.60,
    schechter=((0.00282, -0.26), (0.00235, -1.35)),
    ridge=(1.790 + 0.065, -0.053, -0.300, -20.75, 1.12),
    width=(0.298, 0.014, -0.067, -19.90, 0.58),
    brighter=1.0,
    denser=0.05,
    bluer=0.75,
    slower=1.2,
)
"""Evolution: as many, brighter (Faber et al. 2007: M*_B by 1.3), figures chosen on the counts. Star
formation for a mass grows fastest near by, as (1 + z)^3 (Speagle et al. 2014, ApJS 214, 15): with
0.75, and a ridge of bright ones bluer by 0.06 than Baldry's, luminous galaxies of DR17 and of 2MASS
from redshift 0.1 to 0.2 are as often blue as real ones."""


def elapsed(redshift: ArrayLike) -> Floats:
    """Redshift, counted a quarter beyond 1.2."""
    z = np.asarray(redshift, np.float64)
    return np.where(z < _SETTLED, z, _SETTLED + 0.25 * (z - _SETTLED))


def _ridge(absolute: Floats, terms: tuple[float, float, float, float, float]) -> Floats:
    p0, p1, q0, q1, q2 = terms
    return np.asarray(p0 + p1 * (absolute + 20.0) + q0 * np.tanh((absolute - q1) / q2))
