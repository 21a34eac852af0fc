"""Which objects a spectroscopic survey chooses by their photometry: SDSS's, with their biases.

Main galaxies: Strauss et al. 2002, AJ 124, 1810. Luminous red galaxies: Eisenstein et al. 2001, AJ
122, 2267. Quasars: Richards et al. 2002, AJ 123, 2945, whose locus is a table here, and whose
exclusion boxes are from memory. Stars and serendipity: Stoughton et al. 2002, section 4.8.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from skyquarry.synthetic.sdss.codes import Target

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]
    Mask = NDArray[np.bool_]

LOCUS: Final = np.array([
    (0.85, 0.20, 0.05, 0.00), (0.95, 0.30, 0.09, 0.02), (1.15, 0.40, 0.13, 0.04),
    (1.40, 0.50, 0.17, 0.06), (1.75, 0.65, 0.23, 0.10), (2.10, 0.85, 0.31, 0.15),
    (2.40, 1.05, 0.40, 0.20), (2.60, 1.25, 0.52, 0.28), (2.60, 1.38, 0.70, 0.38),
    (2.60, 1.42, 1.00, 0.55), (2.60, 1.45, 1.40, 0.75), (2.70, 1.50, 1.90, 1.05),
])  # fmt: skip
"""u-g, g-r, r-i, i-z along the stellar locus, after Covey et al. 2007, AJ 134, 2398, figure 3"""
_WIDTHS: Final = np.array([0.15, 0.06, 0.05, 0.05])
_LOCUS_SIGMAS: Final = 4.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Looks:
    """What is known of objects (n,) before anyone takes a spectrum; magnitudes without dust."""

    psf: Floats
    """(n, 5) of u, g, r, i, z"""
    psf_error: Floats
    model: Floats
    """(n, 5)"""
    petro_r: Floats
    half_light_r: Floats
    """(n,) arcsec, as seen"""
    fiber_r: Floats
    """(n,) with dust; NaN where it is not known, and then no fibre is too bright"""
    galaxy: Mask
    star: Mask
    """(n,) a point"""
    usable: Mask
    """(n,) the best observation of its place, neither saturated nor cut off nor moving"""


@dataclass(frozen=True, slots=True)
class Chances:
    """Numbers (n,) between 0 and 1 by which a part of the objects is taken."""

    stars: Floats
    middle: Floats


@dataclass(frozen=True, slots=True)
class Shares:
    """How large these parts are."""

    targets: float = 1.0
    """times the shares of stars and of serendipity"""
    mid_z: float = 0.1
    """of point sources with the colours of quasars at 2.4 < z < 3, which A and F stars have too"""


def selected(looks: Looks, chances: Chances, shares: Shares) -> Ints:
    """(n,) why an object is a target, bits of Target; 0 for none."""
    usable = looks.usable & (looks.psf[:, 2] > 14.5) & (looks.galaxy | looks.star)
    star = usable & looks.star
    told = np.zeros(len(usable), np.int64)
    bits = _galaxies(looks, usable & looks.galaxy)
    bits |= _quasars(looks, usable, star, chances.middle < shares.mid_z)
    for bit, rows in bits.items():
        told |= np.where(rows, int(bit), 0)
    for bit, rows, share in _stars(looks.psf, star, usable):
        told |= np.where(rows & (chances.stars < share * shares.targets), int(bit), 0)
    return told


def _galaxies(looks: Looks, usable: Mask) -> dict[Target, Mask]:
    r, half, model = looks.petro_r, looks.half_light_r, looks.model
    bright = r + 2.5 * np.log10(2.0 * np.pi * half**2)
    main = (r < 17.77) & (bright < 24.5) & ~(looks.fiber_r <= 15.0)
    gr, ri = model[:, 1] - model[:, 2], model[:, 2] - model[:, 3]
    across, along = ri - gr / 4 - 0.18, 0.7 * gr + 1.2 * (ri - 0.18)
    first = (r < 13.1 + along / 0.3) & (r < 19.2) & (np.abs(across) < 0.2) & (bright < 24.2)
    second = (r < 19.5) & (across > 0.45 - gr / 6) & (gr > 1.3 + 0.25 * ri) & (bright < 24.2)
    red = (first | second) & (r > 15.0)
    return {Target.GALAXY: usable & main, Target.GALAXY_RED: usable & red}


def _quasars(looks: Looks, usable: Mask, star: Mask, sampled: Mask) -> dict[Target, Mask]:
    """Point sources far from the stellar locus, and blue extended ones."""
    psf = looks.psf
    ug, gr, ri, iz = (-np.diff(psf, axis=1)).T
    outside = _off_locus(looks, usable & (psf[:, 3] < 20.2)) > _LOCUS_SIGMAS
    dwarf = (ug < 0.7) & (gr < -0.1) & (ri < -0.1)
    hot = (ug > 0.7) & (ug < 1.4) & (gr < 0.0) & (ri < 0.0)  # A stars
    composite = (gr < 0.7) & (ri > 0.4) & (iz > 0.4)  # a white and a red dwarf
    excluded = dwarf | hot | composite
    bright = usable & (psf[:, 3] < 19.1) & ~excluded
    middle = star & (ug > 0.6) & (ug < 1.5) & (gr > 0.0) & (gr < 0.2) & (np.abs(ri - 0.15) < 0.25)
    middle &= np.abs(iz - 0.15) < 0.25
    cap = bright & star & ~middle & outside & (ug < 2.2) & (gr < 1.0)
    cap |= bright & ~star & (ug < 0.6) & (gr < 0.5)
    cap |= bright & middle & sampled
    u_out = (ug > 1.5) | (psf[:, 0] > 20.6)
    high = star & (psf[:, 3] < 20.2) & outside & u_out & (gr > 0.7)
    high &= ((ri < 0.44 * gr - 0.358) | (gr > 2.1)) & (iz < 0.25) & ~excluded
    return {Target.QSO_CAP: cap, Target.QSO_HIZ: high}


def _off_locus(looks: Looks, asked: Mask) -> Floats:
    """(n,) how many sigmas off the stellar locus; 0 of those not asked for."""
    near = np.flatnonzero(asked)
    colours, errors = -np.diff(looks.psf[near], axis=1), looks.psf_error[near]
    wide2 = _WIDTHS**2 + errors[:, :-1] ** 2 + errors[:, 1:] ** 2
    away = (colours[:, None, :] - _on_locus()[None]) ** 2 / wide2[:, None, :]
    distance = np.zeros(len(asked))
    distance[near] = np.sqrt(away.sum(axis=2).min(axis=1)) if len(near) else 0.0
    return distance


def _on_locus() -> Floats:
    """(m, 4) colours at 0.2 steps between the rows of the table."""
    steps = np.linspace(0.0, len(LOCUS) - 1.0, 5 * (len(LOCUS) - 1) + 1)
    return np.stack([np.interp(steps, np.arange(len(LOCUS)), each) for each in LOCUS.T], axis=1)


def _stars(psf: Floats, star: Mask, usable: Mask) -> list[tuple[Target, Mask, float]]:
    """(bit, rows, part of them that is observed): shares are ours, densities as SDSS's."""
    ug, gr, ri, _ = (-np.diff(psf, axis=1)).T
    r = psf[:, 2]
    white = star & (gr < -0.2) & (ug < 0.4) & (r < 20.0)
    branch = star & (gr > -0.4) & (gr < 0.0) & (ug > 0.8) & (ug < 1.5) & (r < 19.0)
    red = star & (ri > 1.0) & (r < 19.5)
    return [
        (Target.STAR_WHITE_DWARF, white, 0.5),
        (Target.STAR_BHB, branch, 0.5),
        (Target.STAR_RED_DWARF, red, 0.01),
        (Target.SERENDIP_MANUAL, star & (r < 19.0), 0.003),
        (Target.SERENDIP_DISTANT, usable & (psf[:, 2] < 20.0) & (psf[:, 2] > 18.0), 0.002),
    ]
