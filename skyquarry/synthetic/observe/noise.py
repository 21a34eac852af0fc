"""Errors of fluxes: photons of source and sky, and what does not average out.

Ivezic et al. 2019, ApJ 873, 111, equations 4 and 5: with x = f5 / f, f5 the flux of a source at the
5-sigma depth,

    (sigma_f / f)^2 = sigma_sys^2 + (0.04 - gamma) x + gamma x^2,    gamma = 0.039.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from skyquarry.synthetic.observe.instruments import Channel

    Floats = NDArray[np.float64]

GAMMA: Final = 0.039
PER_MAG: Final = 2.5 / np.log(10.0)
"""magnitudes of a small relative change of the flux"""


def flux_error(flux: Floats, channel: Channel, wider: Floats | float = 1.0) -> Floats:
    """(n,) one-sigma errors of fluxes (n,), nanomaggies; negative fluxes count as none.

    `wider` (n,): over how much more sky than a point source's the flux was summed.
    """
    bright = np.maximum(flux, 0.0)
    systematic, photons, sky = terms(channel)
    return np.asarray(np.sqrt(np.square(systematic * bright) + photons * bright + sky * wider))


def terms(channel: Channel) -> tuple[float, float, float]:
    """(a, b, c) of a point's error: (a f)^2 + b f + c is its square."""
    deep = channel.five_sigma
    return channel.scatter_mag / float(PER_MAG), (0.04 - GAMMA) * deep, GAMMA * deep**2
