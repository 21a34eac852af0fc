"""How large and of which shape objects look through the seeing.

Profiles are the mixtures of two Gaussians of `observe.light`. Radii of Graham et al. 2005, AJ 130,
1535, table 1.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Final

import numpy as np

from skyquarry.synthetic.observe.light import FWHM, PROFILES, Shapes
from skyquarry.synthetic.observe.surveys.sdss import INSTRUMENT

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from skyquarry.synthetic.sdss.objects import Objects

    Floats = NDArray[np.float64]

ISOPHOTE: Final = 25.0
"""AB mag/arcsec2 of the isophotal axes: Stoughton et al. 2002, 4.4.6.3"""
FIBER_ARCSEC: Final = 1.5
"""radius of a spectroscopic fibre"""
_PETRO_HALF: Final = (1.0, 0.71)
"""Petrosian half-light radius over half-light radius, exponential and de Vaucouleurs"""
_PETRO_RADIUS: Final = (2.16, 1.82)
_CONCENTRATION: Final = (2.3, 3.3)
_SERSIC: Final = (1.678, 7.669)
"""b of r1/n profiles of index 1 and 4: exp(-b (r / half)^(1/n))"""


@dataclass(frozen=True)
class Images:
    """Sizes in arcsec of objects (n,), and how well they are known."""

    shapes: Shapes
    half: Floats
    """(n,) half-light radius along the major axis; 0 for points"""
    ratio: Floats
    """(n,) minor over major axis"""
    pa: Floats
    """(n,) degrees from north to east"""
    trail: Floats
    """(n,) length of a trail along the major axis"""

    @classmethod
    def of(cls, objects: Objects) -> Images:
        """Of the truth; of moving things their trails."""
        truth = objects.truth
        moving = objects.trail_arcsec > 0
        return cls(
            Shapes.of(truth),
            truth.half_light_arcsec.astype(np.float64),
            truth.axis_ratio.astype(np.float64),
            np.where(moving, objects.trail_pa, truth.position_angle_deg.astype(np.float64)),
            objects.trail_arcsec,
        )

    @cached_property
    def steep(self) -> Floats:
        """(n,) 0 for an exponential disc, 1 for a de Vaucouleurs profile."""
        return self.shapes.steep

    def between(self, pair: tuple[float, float]) -> Floats:
        """(n,) of two numbers, the first for discs, the second for de Vaucouleurs profiles."""
        return np.asarray(pair[0] + (pair[1] - pair[0]) * self.steep)

    def inside(self, radius_arcsec: float, fwhm_arcsec: float) -> Floats:
        """(n,) part of the light within a circle, as seen through the seeing."""
        seeing = (fwhm_arcsec / FWHM) ** 2
        parts = []
        for mixture in PROFILES:
            part = np.zeros(len(self.half))
            for share, times in mixture:
                width2 = seeing + np.square(times * self.shapes.width_arcsec)
                part += share * -np.expm1(-(radius_arcsec**2) / (2.0 * width2))
            parts.append(part)
        return np.asarray((1.0 - self.steep) * parts[0] + self.steep * parts[1])

    def moments(self, fwhm_arcsec: float) -> tuple[Floats, Floats]:
        """(n,) Gaussian widths along the major and minor axes, seeing included."""
        seeing2 = (fwhm_arcsec / FWHM) ** 2
        along2 = np.square(self.shapes.width_arcsec) / np.maximum(self.ratio, 1e-3)
        across2 = np.square(self.shapes.width_arcsec) * self.ratio
        along2 = along2 + self.trail**2 / 12.0  # a line of length l has the variance l2 / 12
        return np.sqrt(seeing2 + along2), np.sqrt(seeing2 + across2)

    def ellipticity(self, fwhm_arcsec: float) -> Floats:
        """(n,) length (a - b) / (a + b) of the Stokes vector (Stoughton et al. 2002, 4.4.6.4)."""
        a, b = self.moments(fwhm_arcsec)
        return (a - b) / (a + b)

    def petrosian(self, fwhm_arcsec: float) -> tuple[Floats, Floats, Floats]:
        """(n,) Petrosian radius, and the radii of 50 and 90 % of the Petrosian flux."""
        round_half = self.half * np.sqrt(self.ratio)
        seeing = 0.5 * fwhm_arcsec
        trail = 0.25 * self.trail
        half = np.sqrt(np.square(self.between(_PETRO_HALF) * round_half) + seeing**2 + trail**2)
        radius = np.hypot(self.between(_PETRO_RADIUS) * round_half, 2.2 * seeing)
        return radius, half, half * self.between(_CONCENTRATION)

    def isophotes(self, total: Floats, fwhm_arcsec: float) -> tuple[Floats, Floats]:
        """(n,) semi-axes of the isophote of 25 mag/arcsec2 of objects of this flux (nanomaggies).

        That of the profile itself, and that of the seeing, in quadrature: exact for points and for
        what is large against the seeing.
        """
        limit = 10 ** (-0.4 * (ISOPHOTE - 22.5))
        light = np.maximum(total, 1e-6)
        a, b = self.moments(fwhm_arcsec)
        seeing = fwhm_arcsec / FWHM
        peak = light / (2.0 * np.pi * a * b)
        point = seeing * np.sqrt(2.0 * np.maximum(np.log(peak / limit), 0.0))
        major = self._own_isophote(light, limit)
        trail = 0.5 * self.trail * (peak > limit)
        return np.sqrt(point**2 + major**2 + trail**2), np.hypot(point, major * self.ratio)

    def _own_isophote(self, light: Floats, limit: float) -> Floats:
        """(n,) along the major axis, of the profile without seeing."""
        half = np.maximum(self.half, 1e-6)
        mean = light / (2.0 * np.pi * half**2 * np.maximum(self.ratio, 1e-3))
        found = []
        # mean intensity inside of the half-light ellipse over that on it: Graham & Driver 2005,
        # PASA 22, 118, equation 7: 1.90 and 3.61
        for index, b, over in ((1.0, _SERSIC[0], 1.90), (4.0, _SERSIC[1], 3.61)):
            depth = 1.0 + np.log(np.maximum(mean / over / limit, 1e-30)) / b
            found.append(half * np.maximum(depth, 0.0) ** index)
        size = (1.0 - self.steep) * found[0] + self.steep * found[1]
        return np.where(self.half > 0, size, 0.0)


def isophote_arcsec(objects: Objects) -> Floats:
    """(n,) how far an object's image reaches in r, on the mean."""
    fwhm = INSTRUMENT.channels[2].fwhm_arcsec
    a, b = Images.of(objects).isophotes(objects.measured.total[:, 2], fwhm)
    return np.sqrt(a * b)
