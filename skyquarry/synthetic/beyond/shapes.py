"""Sizes, profiles and axis ratios of galaxies."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]


def late_radius_kpc(absolute: ArrayLike) -> tuple[Floats, Floats]:
    """Median half-light radius of late types by M_r, and the scatter of its natural logarithm.

    Shen et al. 2003, MNRAS 343, 978, equations 15 and 16, figure 4 (alpha = 0.26, beta = 0.51,
    gamma = -1.71, M0 = -20.91, scatter 0.45 to 0.27; from memory, and at M_r = -21 equal to 3.6
    kpc, which their relation by mass gives).
    """
    m = np.asarray(absolute, np.float64)
    bend = np.log10(1 + 10 ** (-0.4 * (m + 20.91)))
    return 10 ** (-0.4 * 0.26 * m + (0.51 - 0.26) * bend - 1.71), _scatter(m)


def early_radius_kpc(absolute: ArrayLike) -> tuple[Floats, Floats]:
    """The same of early types: Shen et al. 2003, equation 14 (a = 0.60, b = -4.63; from memory).

    Theirs ends at M_r = -19; fainter ones are not made smaller than 0.6 of late types of that
    luminosity, as dwarf ellipticals are (Graham & Worley 2008, MNRAS 388, 1708; the factor is
    ours).
    """
    m = np.asarray(absolute, np.float64)
    return np.maximum(10 ** (-0.4 * 0.60 * m - 4.63), 0.6 * late_radius_kpc(m)[0]), _scatter(m)


def shrunk(redshift: ArrayLike, red: NDArray[np.bool_]) -> Floats:
    """Factor on the radii of Shen et al. 2003 for galaxies of the same mass at a redshift.

    Van der Wel et al. 2014, ApJ 788, 28, section 3: at 5e10 Msun major axes are 5.6 (1 + z)^-1.48
    kpc of early, 8.9 (1 + z)^-0.75 of late types (the two lengths from memory). With axis ratios of
    0.75 and 0.55 that meets Shen's 2.8 and 3.9 kpc at redshifts 0.44 and 1.04, and is larger before
    them, where sizes are then Shen's own: discs have not grown since redshift 1 (Barden et al.
    2005, ApJ 635, 959).
    """
    met, slope = np.where(red, 1.44, 2.04), np.where(red, -1.48, -0.75)
    return np.asarray(np.maximum((1 + np.asarray(redshift)) / met, 1.0) ** slope)


def late_axis_ratio(random: np.random.Generator, n: int) -> Floats:
    """(n,) of discs seen from anywhere: thickness 0.22 +- 0.06, not quite round face-on.

    Ryden 2004, ApJ 601, 214, and Padilla & Strauss 2008, MNRAS 388, 1321 (rounded, from memory).
    """
    thick = np.clip(random.normal(0.22, 0.06, n), 0.06, 0.5)
    oval = np.clip(np.exp(random.normal(-2.3, 0.8, n)), 0.0, 0.5)
    flat = _projected(thick, random.random(n))
    return np.asarray(flat * (1 - oval * np.abs(np.cos(np.pi * random.random(n)))))


def early_axis_ratio(random: np.random.Generator, n: int) -> Floats:
    """(n,) of spheroids, oblate, 0.57 +- 0.21 thick (Padilla & Strauss 2008, from memory)."""
    thick = np.clip(random.normal(0.57, 0.21, n), 0.2, 1.0)
    return _projected(thick, random.random(n))


def sersic_index(random: np.random.Generator, absolute: Floats, red: NDArray[np.bool_]) -> Floats:
    """(n,) around 1.2 for blue galaxies; for red ones 4 at M_r = -21.5, more for brighter ones.

    Trend and scatter after Blanton & Moustakas 2009, ARA&A 47, 159, figure 8 (read off, from
    memory).
    """
    spheroid = 4.0 * 10 ** (-0.1 * (absolute + 21.5))
    center = np.log(np.where(red, np.clip(spheroid, 1.3, 5.5), 1.2))
    drawn = np.exp(center + np.where(red, 0.25, 0.3) * random.standard_normal(len(red)))
    return np.clip(drawn, 0.5, 7.5)


def inclined_dust(axis_ratio: Floats) -> Floats:
    """(n,) E(B-V) of a disc beyond that of the mean disc: more where it is seen edge-on.

    1.27 (log10 q)^2 mag in r (Unterborn & Ryden 2008, ApJ 687, 976), by Calzetti's curve; less
    0.06, its mean over inclinations.
    """
    return np.asarray(1.27 / 3.3 * np.log10(np.maximum(axis_ratio, 0.1)) ** 2 - 0.06)


def _projected(thick: Floats, cosine: Floats) -> Floats:
    """Axis ratio of an oblate spheroid at an inclination (Hubble 1926)."""
    return np.sqrt(cosine**2 * (1 - thick**2) + thick**2)


def _scatter(absolute: Floats) -> Floats:
    return np.asarray(0.27 + (0.45 - 0.27) / (1 + 10 ** (-0.8 * (absolute + 20.91))))
