"""Broad-line nuclei of galaxies: Seyfert galaxies of types 1 to 1.9, by how much dust is in front.

A part of 3 % of galaxies has one, whatever their luminosity (Stern & Laor 2012, MNRAS 423, 600);
without dust Halpha/Hbeta is 3.06, with a scatter of 0.03 dex (Dong et al. 2008, MNRAS 383, 581).
Where dust weakens Hbeta to a twentieth of Halpha or less, they are of types 1.8 and 1.9.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Mask = NDArray[np.bool_]

_HALPHA: Final = "Ha_6565"
BALMER: Final = {
    _HALPHA: (1.0, 2.53),
    "Hb_4863": (1.0 / 3.06, 3.61),
    "Hg_4342": (0.45 / 3.06, 4.17),
    "Hd_4103": (0.24 / 3.06, 4.43),
}
"""{line: (flux over that of Halpha, A / E(B-V))}: Cardelli et al. 1989, ApJ 345, 245, R = 3.1; the
two higher lines from memory"""
_MEDIAN_EW: Final = 80.0
"""angstroms of Halpha at rest, over the light of nucleus and galaxy in the fibre, with a scatter of
a factor of 2.2: ours; Halpha of bare quasars has 195"""
_USUAL_DUST: Final = 0.25
"""mean E(B-V) of types 1 to 1.5: ours"""
_MUCH_DUST: Final = (1.5, 2.5)
"""E(B-V) of types 1.8 and 1.9: ours"""


@dataclass(frozen=True, slots=True)
class Nuclei:
    """Which galaxies (n,) have a broad-line nucleus, and of which kind."""

    there: Mask
    halpha: Floats
    """(n,) equivalent width at rest, as seen through its dust, angstroms"""
    ebv: Floats
    """(n,) of the dust in front of it, and not of its galaxy"""

    @classmethod
    def drawn(cls, galaxy: Mask, chances: Floats, normal: Floats, part: float,
              dusty: float) -> Nuclei:  # fmt: skip
        """Among galaxies (n,), by chances (n, 3) in (0, 1) and normal numbers (n,).

        `part` of the galaxies have one; `dusty` of these are of types 1.8 and 1.9.
        """
        low, high = _MUCH_DUST
        much = low + (high - low) * chances[:, 2]
        ebv = np.where(chances[:, 1] < dusty, much, -_USUAL_DUST * np.log(chances[:, 2]))
        return cls(galaxy & (chances[:, 0] < part), _MEDIAN_EW * np.exp(0.8 * normal), ebv)

    def ew(self, line: str, scatter: Floats) -> Floats:
        """(n,) equivalent widths of a line; `scatter` (n,) standard normal numbers.

        The continuum is about as bright, per angstrom, at all of them.
        """
        if line not in BALMER:
            return np.zeros(len(self.halpha))
        ratio, law = BALMER[line]
        dex = -0.4 * (law - BALMER[_HALPHA][1]) * self.ebv
        if line != _HALPHA:
            dex = dex + 0.03 * scatter
        return np.where(self.there, ratio * self.halpha * 10.0**dex, 0.0)
