"""Light curves of supernovae: Villar et al. 2019, ApJ 884, 83, equation 1, by wavelength at rest.

Type Ia: the six numbers of equation 1 at each wavelength were fitted to the pooled light curves of
the Carnegie and CfA supernovae of the DES-SN5YR low-redshift sample, with a second maximum in r and
i (`tests/synthetic/changing` holds them against the data). Types II, IIn and Ibc: from memory of
Anderson et al. 2014, Taddia et al. 2018 and Drout et al. 2011. Flux is 1 at maximum in g.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from skyquarry.synthetic.changing.changes import Type

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Template:
    """Of one type, at wavelengths (w,), times in days at rest since maximum in g."""

    wavelength_nm: Floats
    shape: Floats
    """(w, 9): amplitude, beta, gamma, t0, rise, fall; height, time and width of a second maximum"""
    colour_nm: Floats
    colour: Floats
    """(c,) AB magnitudes at maximum over that in g"""

    def at(self, wavelength_nm: Floats, time_d: Floats) -> Floats:
        """(n, v) flux at wavelengths and times, both (n, v) at rest."""
        flat = np.ravel(wavelength_nm)
        rows = [np.interp(flat, self.wavelength_nm, column) for column in self.shape.T]
        level = 10.0 ** (-0.4 * np.interp(flat, self.colour_nm, self.colour))
        return np.asarray((level * villar(np.ravel(time_d), rows)).reshape(np.shape(time_d)))


def villar(time_d: Floats, terms: list[Floats]) -> Floats:
    """(n,) equation 1, and a second maximum; each term (n,)."""
    amplitude, beta, gamma, start, rise, fall, height, again, width = terms
    since = time_d - start
    plateau = np.maximum(1.0 - beta * np.minimum(since, gamma), 0.0)
    late = np.exp(-np.maximum(since - gamma, 0.0) / fall)
    grown = 1.0 / (1.0 + np.exp(-np.clip(since / rise, -60.0, 60.0)))
    second = height * np.exp(-0.5 * ((time_d - again) / width) ** 2)
    return np.asarray(amplitude * plateau * late * grown + second)


_AT: Final = np.array([364.0, 440.0, 477.0, 540.0, 618.0, 760.0])
"""u, B, g, V, r, i"""
_IA: Final = Template(
    _AT,
    np.array([
        [1.534, 0.044, 18.354, -7.48, 3.057, 11.10, 0.000, 26.0, 5.0],
        [1.647, 0.044, 11.111, -5.85, 4.023, 10.50, 0.000, 26.0, 5.0],
        [1.466, 0.031, 10.599, -7.13, 3.709, 12.90, 0.000, 26.0, 5.0],
        [1.274, 0.019, 11.873, -7.46, 3.167, 18.46, 0.000, 26.0, 5.0],
        [1.076, 0.003, 10.697, -9.13, 3.231, 22.47, 0.011, 23.0, 5.0],
        [0.901, -0.017, 9.643, -12.32, 3.169, 27.94, 0.142, 26.0, 4.6],
    ]),
    np.array([250.0, 300.0, 364.0, 477.0, 618.0, 760.0, 900.0]),
    np.array([4.0, 2.2, 0.68, 0.0, 0.03, 0.55, 0.55]),
)  # fmt: skip
_II: Final = Template(
    np.array([364.0, 477.0, 618.0, 760.0]),
    np.array([
        [1.08, 0.032, 14.0, -8.0, 1.6, 14.0, 0.0, 26.0, 5.0],
        [1.07, 0.0115, 78.0, -9.0, 2.0, 16.0, 0.0, 26.0, 5.0],
        [1.03, 0.0035, 98.0, -10.0, 2.6, 18.0, 0.0, 26.0, 5.0],
        [1.02, 0.0012, 102.0, -10.5, 3.0, 20.0, 0.0, 26.0, 5.0],
    ]),
    np.array([250.0, 364.0, 477.0, 618.0, 760.0, 900.0]),
    np.array([0.2, -0.05, 0.0, 0.02, 0.10, 0.15]),
)  # fmt: skip
_IIN: Final = Template(
    np.array([364.0, 477.0, 618.0, 760.0]),
    np.array([
        [1.20, 0.008, 30.0, -16.0, 4.0, 35.0, 0.0, 26.0, 5.0],
        [1.15, 0.005, 35.0, -17.0, 4.5, 55.0, 0.0, 26.0, 5.0],
        [1.12, 0.003, 40.0, -18.0, 5.0, 75.0, 0.0, 26.0, 5.0],
        [1.12, 0.003, 40.0, -18.0, 5.5, 80.0, 0.0, 26.0, 5.0],
    ]),
    np.array([250.0, 364.0, 477.0, 618.0, 760.0, 900.0]),
    np.array([0.4, 0.1, 0.0, 0.05, 0.15, 0.2]),
)  # fmt: skip
_IBC: Final = Template(
    np.array([364.0, 477.0, 618.0, 760.0]),
    np.array([
        [1.60, 0.045, 14.0, -6.0, 3.5, 10.0, 0.0, 26.0, 5.0],
        [1.45, 0.034, 15.0, -6.0, 4.0, 16.0, 0.0, 26.0, 5.0],
        [1.25, 0.017, 16.0, -6.5, 4.5, 26.0, 0.0, 26.0, 5.0],
        [1.18, 0.011, 18.0, -6.5, 5.0, 32.0, 0.0, 26.0, 5.0],
    ]),
    np.array([250.0, 364.0, 477.0, 618.0, 760.0, 900.0]),
    np.array([3.0, 0.9, 0.0, -0.20, -0.22, -0.25]),
)  # fmt: skip
TEMPLATES: Final = {Type.SN_IA: _IA, Type.SN_II: _II, Type.SN_IIN: _IIN, Type.SN_IBC: _IBC}
