"""What quasars look like in the 24 bands: by slope, reddening, lines, host and redshift."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Final

import numpy as np

from skyquarry.synthetic.bands import BAND
from skyquarry.synthetic.beyond.dustcurves import small_magellanic
from skyquarry.synthetic.beyond.galaxyseds import archetypes
from skyquarry.synthetic.beyond.igm import transmission
from skyquarry.synthetic.beyond.kept import kept
from skyquarry.synthetic.beyond.spectra import (
    WAVELENGTH_NM,
    band_fluxes,
    redshifts_of,
    shifts_to,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

LINES: Final = (
    # nm, equivalent width in nm, standard deviation in nm
    (103.2, 0.98, 0.8), (121.6, 9.29, 1.95), (124.0, 0.60, 0.35), (130.5, 0.17, 0.54),
    (133.5, 0.07, 0.39), (139.7, 0.81, 1.41), (154.6, 2.38, 1.43), (163.7, 0.25, 0.39),
    (166.4, 0.04, 0.53), (186.0, 0.05, 0.50), (190.6, 2.12, 2.36), (232.6, 0.20, 0.48),
    (280.0, 3.23, 3.50), (342.6, 0.12, 0.40), (372.9, 0.16, 0.33), (386.9, 0.14, 0.53),
    (410.3, 0.51, 1.86), (434.6, 1.26, 2.03), (485.3, 4.62, 4.04), (496.0, 0.35, 0.39),
    (500.8, 1.32, 0.60), (587.7, 0.49, 2.35), (656.5, 19.45, 4.74), (1083.0, 3.6, 6.0),
    (1282.0, 2.0, 6.0), (1875.0, 5.0, 8.0),
)  # fmt: skip
"""Emission lines and their equivalent widths: Vanden Berk et al. 2001, AJ 122, 549, table 2; the
three of the near infrared after Glikman et al. 2006, ApJ 640, 579 (all from memory)."""
_FITTED: Final = (
    # nm from, to, factor on equivalent widths
    (100.0, 110.0, 1.18), (120.0, 125.0, 0.70), (139.0, 140.0, 0.96), (154.0, 164.0, 0.96),
    (185.0, 191.0, 0.87), (410.0, 486.0, 1.21), (656.0, 657.0, 1.84),
)  # fmt: skip
"""Fitted with `Shape` and `_IRON` to median colours of SDSS DR5 quasars from z = 0.15 to 2.7: the
published widths are measured over iron and host as well."""
_IRON: Final = (
    (163.0, 0.064, 7.0), (178.0, 0.057, 8.0), (193.0, 0.011, 8.0), (253.0, 0.117, 9.0),
    (275.0, 0.091, 8.0), (295.0, 0.097, 6.0), (320.0, 0.094, 8.0), (385.0, 0.071, 8.0),
    (457.0, 0.237, 7.0),
)  # fmt: skip
"""Blends of Fe II and III and of faint lines: nm, height over the continuum, standard deviation in
nm.

Places as in the composites of Vestergaard & Wilkes 2001, ApJS 134, 1, and of Vanden Berk et al.
2001; heights fitted."""
_LYMAN_NM: Final = 91.2


@dataclass(frozen=True, slots=True)
class Shape:
    """Of the light of a quasar of no dust."""

    slope: float = -0.12
    """alpha of f_nu ~ nu^alpha from 121.6 nm to the break, for the mean quasar"""
    break_nm: float = 456.0
    red_slope: float = -0.47
    """beyond the break: the disc alone, without host and dust"""
    lyman_slope: float = -1.0
    """from Lyman alpha to the limit: between -0.61 of spectra freed of the forest (Lusso et al.
    2015, MNRAS 449, 4204) and -1.4, which u-g of DR5 below redshift 2.3 asks for"""
    far_slope: float = -1.70
    """beyond the limit: Lusso et al. 2015, abstract"""
    balmer: float = 0.206
    """flux of the Balmer continuum over that of the disc at its edge"""
    hot: float = 1.5
    """flux per frequency of dust of 1240 K over that of the disc, at 2.2 micrometres"""
    warm: float = 5.0
    """the same of a rising continuum, at 12 micrometres"""


SHAPE: Final = Shape()


def disc(shape: Shape, steeper: float = 0.0) -> Floats:
    """(6200,) flux per frequency, 1 at 250 nm; `steeper` is added to both slopes."""
    w = WAVELENGTH_NM
    blue, red = shape.slope + steeper, shape.red_slope + steeper
    law = (w / 250.0) ** -blue
    edge = (shape.break_nm / 250.0) ** -blue
    law = np.where(w > shape.break_nm, edge * (w / shape.break_nm) ** -red, law)
    lyman = (121.6 / 250.0) ** -blue
    law = np.where(w < 121.6, lyman * (w / 121.6) ** -shape.lyman_slope, law)
    limit = lyman * (_LYMAN_NM / 121.6) ** -shape.lyman_slope
    return np.asarray(np.where(w < _LYMAN_NM, limit * (w / _LYMAN_NM) ** -shape.far_slope, law))


def lines(continuum: Floats) -> Floats:
    """(6200,) emission lines upon a continuum."""
    over = np.zeros(len(WAVELENGTH_NM))
    for center, width, sigma in LINES:
        factor = next((more for low, high, more in _FITTED if low < center < high), 1.0)
        over += factor * width / (np.sqrt(2 * np.pi) * sigma) * _bell(center, sigma)
    return np.asarray(continuum * over)


def blends(shape: Shape, continuum: Floats) -> Floats:
    """(6200,) iron and Balmer continuum upon a continuum."""
    w = WAVELENGTH_NM
    over = np.zeros(len(w))
    for center, height, sigma in _IRON:
        over += height * _bell(center, sigma)
    planck = 1.0 / np.expm1(14_387_769.0 / np.minimum(w, 364.6) / 15_000.0)
    planck *= (364.6 / np.minimum(w, 364.6)) ** 3
    thin = -np.expm1(-((w / 364.6) ** 3))
    edge = 1.0 / (1.0 + np.exp(np.clip((w - 371.0) / 6.0, -50.0, 50.0)))
    over += shape.balmer * _unit(planck * thin, 350.0) * edge / _unit(continuum, 350.0)
    return np.asarray(continuum * np.where(w > _LYMAN_NM, over, 0.0))


def torus(shape: Shape, continuum: Floats) -> Floats:
    """(6200,) dust: 1240 K (Temple et al. 2021, MNRAS 508, 737), and warmer to colder beyond.

    The second as flat in nu f_nu as the mean of Richards et al. 2006, ApJS 166, 470, from 4 to 30
    micrometres.
    """
    w = WAVELENGTH_NM
    black = (1.0 / w) ** 3 / np.expm1(np.minimum(14_387_769.0 / w / 1240.0, 500.0))
    glow = w**1.3 * np.exp(-((4000.0 / w) ** 3))
    at_k, at_n = (np.interp(each, w, continuum) for each in (2200.0, 12_000.0))
    return np.asarray(
        shape.hot * at_k * _unit(black, 2200.0) + shape.warm * at_n * _unit(glow, 12_000.0)
    )


def _bell(center: float, sigma: float) -> Floats:
    return np.asarray(np.exp(-0.5 * np.minimum(((WAVELENGTH_NM - center) / sigma) ** 2, 200.0)))


def _unit(spectrum: Floats, at_nm: float) -> Floats:
    return np.asarray(spectrum / np.interp(at_nm, WAVELENGTH_NM, spectrum))


# ------------------------------------------------------------------ in the 24 bands
SLOPES: Final = np.array([-0.8, 0.0, 0.8])
"""Nodes of what is added to the slopes of the disc."""
REDDENING: Final = np.array([0.0, 0.1, 0.3, 0.8])
"""Nodes of E(B-V) by the curve of the Small Magellanic Cloud."""
FIRST: Final = np.array([0.0, 0.04, 0.08, 0.13, 0.25])
"""Nodes of where the first thick cloud lies, as `igm.transmission` has it; the last is as none: u
has no light from beyond the limit of a cloud so far before a quasar that is seen in it."""
MOST: Final = 6.0
_STRIDE: Final = 20
_CLEAR: Final = 1.3
"""Redshift up to which hydrogen dims no band."""
_HOST_ROW: Final = 8
_SDSS_U: Final = 0.04
"""Mag by which u as SDSS tells it is fainter than AB (Abazajian et al. 2004, AJ 128, 502)."""


@dataclass(frozen=True, slots=True)
class QuasarTable:
    """Fluxes in bands of the parts of a quasar, relative to g of the mean quasar at redshift 2."""

    redshift: Floats
    """(nz,) even in ln(1 + z)"""
    disc: Floats
    """(nz, 3, 4, 5, 24) logarithms of fluxes by slope, reddening and cloud, blends included"""
    lines: Floats
    """(nz, 3, 4, 5, 24) the same of lines"""
    torus: Floats
    """(nz, 24) logarithms of fluxes of dust"""
    host: Floats
    """(nz, 24) of a galaxy as bright as the mean disc at 510 nm"""

    def at(self, seen: Quasars) -> NDArray[np.float32]:
        """(n, 24) magnitudes without the distance modulus, for M_g (z = 2) of 0."""
        z, near = _between(np.log1p(seen.redshift), np.log1p(self.redshift))
        axes = [
            _between(seen.slope, SLOPES),
            _between(seen.reddening, REDDENING),
            _between(seen.first, FIRST),
        ]
        flux = np.zeros((len(z), self.torus.shape[1]))
        weights = {"disc": np.ones(len(z)), "lines": seen.lines}
        for part, weight in weights.items():
            flux += weight[:, None] * np.exp(_corners(getattr(self, part), (z, near), axes))
        for part, weight in {"torus": seen.torus, "host": seen.host}.items():
            table = getattr(self, part)
            logs = (1 - near)[:, None] * table[z] + near[:, None] * table[z + 1]
            flux += weight[:, None] * np.exp(logs)
        mags = -2.5 * np.log10(flux)
        mags[:, BAND["sdss_u"]] += _SDSS_U
        return mags.astype(np.float32)

    def obscured(
        self, redshift: Floats, reddening: Floats, torus: Floats, scattered: float
    ) -> NDArray[np.float32]:
        """(n, 24) magnitudes, as `at`, of mean discs and lines behind so much dust E(B-V).

        With all of the `torus` and with a part of disc and lines that dust does not redden.
        """
        z, near = _between(np.log1p(redshift), np.log1p(self.redshift))
        near = near[:, None]
        flux = torus[:, None] * np.exp((1 - near) * self.torus[z] + near * self.torus[z + 1])
        middle, most = len(SLOPES) // 2, REDDENING[-1]
        for table in (self.disc, self.lines):
            plain, dusty = table[:, middle, 0, -1], table[:, middle, -1, -1]
            logs = (1 - near) * plain[z] + near * plain[z + 1]
            law = (dusty - plain) / most
            dim = (1 - near) * law[z] + near * law[z + 1]
            flux += np.exp(logs) * (scattered + np.exp(reddening[:, None] * dim))
        return (-2.5 * np.log10(flux)).astype(np.float32)


@dataclass(frozen=True, slots=True)
class Quasars:
    """What single quasars (n,) have of their own."""

    redshift: Floats
    slope: Floats
    """added to that of the mean quasar"""
    reddening: Floats
    """E(B-V)"""
    first: Floats
    """where the first thick cloud lies: `igm.first_thick`"""
    lines: Floats
    """strength of lines over that of the mean quasar"""
    torus: Floats
    """the same of dust"""
    host: Floats
    """host galaxy over the mean disc, at 510 nm"""

    @classmethod
    def mean(cls, redshift: Floats, host: float = 0.0) -> Quasars:
        """Quasars like the mean one."""
        none, one = np.zeros(len(redshift)), np.ones(len(redshift))
        return cls(redshift, none, none, one, one, one, host * one)


@lru_cache(maxsize=1)
def quasar_table() -> QuasarTable:
    """The table, made once and kept on disk (1 s)."""
    return QuasarTable(**kept("quasars", _quasar_table))


def _quasar_table() -> dict[str, Floats]:
    shifts = shifts_to(MOST, _STRIDE)
    plain = disc(SHAPE)
    discs, bright = [], []
    for steeper in SLOPES:
        own = disc(SHAPE, float(steeper))
        for dust in REDDENING:
            dim = 10 ** (-0.4 * dust * small_magellanic(WAVELENGTH_NM))
            discs.append(dim * (own + blends(SHAPE, own)))
            bright.append(dim * lines(own))
    each = np.array(discs + bright)
    fluxes = np.stack([_through(each, shifts, float(first)) for first in FIRST], axis=2)
    shape = (2, len(shifts), len(SLOPES), len(REDDENING), len(FIRST), -1)
    parts = np.moveaxis(fluxes.reshape(len(shifts), 2, -1, *fluxes.shape[2:]), 1, 0).reshape(shape)
    host = archetypes()[_HOST_ROW]
    host = host * np.interp(510.0, WAVELENGTH_NM, plain) / np.interp(510.0, WAVELENGTH_NM, host)
    rest = band_fluxes(np.stack([torus(SHAPE, plain), host]), shifts)
    redshift = redshifts_of(shifts)
    at_two = parts[:, :, 1, 0, -1, BAND["sdss_g"]].sum(axis=0)
    unit = np.exp(np.interp(np.log(3.0), np.log1p(redshift), np.log(at_two)))
    logs = [np.log(np.maximum(part / unit, 1e-12)) for part in (*parts, rest[:, 0], rest[:, 1])]
    return dict(zip(("redshift", "disc", "lines", "torus", "host"), (redshift, *logs), strict=True))


def _through(spectra: Floats, shifts: NDArray[np.int64], first: float) -> Floats:
    """(nz, m, 24) fluxes through hydrogen with the first thick cloud there."""
    clear = int(np.searchsorted(redshifts_of(shifts), _CLEAR))
    far = band_fluxes(spectra, shifts[clear:], lambda z: transmission(WAVELENGTH_NM, z, first))
    return np.concatenate([band_fluxes(spectra, shifts[:clear]), far])


def _between(values: Floats, nodes: Floats) -> tuple[NDArray[np.int64], Floats]:
    """Node below, and how far beyond it, of values along rising nodes; the ends where beyond."""
    places = np.interp(values, nodes, np.arange(len(nodes)))
    below = np.minimum(places.astype(np.int64), len(nodes) - 2)
    return below, places - below


def _corners(
    table: Floats,
    redshift: tuple[NDArray[np.int64], Floats],
    axes: list[tuple[NDArray[np.int64], Floats]],
) -> Floats:
    """(n, 24) of a table (nz, a, b, c, 24), linear between its nodes."""
    told = np.zeros((len(redshift[0]), table.shape[-1]))
    for corner in np.ndindex(2, 2, 2, 2):
        weight = np.ones(len(told))
        places = []
        for (below, part), step in zip([redshift, *axes], corner, strict=True):
            weight = weight * (part if step else 1 - part)
            places.append(below + step)
        told += weight[:, None] * table[tuple(places)]
    return told
