"""Sources that change, made on the spot, and what their light curves are told by."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from skyquarry.synthetic.changing.changes import Lit
from skyquarry.synthetic.sources import Sources

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from skyquarry.synthetic.changing.cadence import Visits
    from skyquarry.synthetic.changing.changes import Model

    Floats = NDArray[np.float64]

QUIET_MAG = 16.0


def lit(model: Model, n: int, *, population: int = 0, seed: int = 1, **columns: object) -> Lit:
    """Those of `n` sources of magnitude 16 that the model changes, with their changes."""
    known = {"ra_deg": 180.0, "dec_deg": 30.0, "mags": QUIET_MAG, "ebv": 0.0} | columns
    sources = Sources.of(n, **known)
    ids = (np.int64(population) << np.int64(32)) | np.arange(n)
    place, changes = model.found(sources, ids, seed)
    quiet = np.full((len(place), 3), 10.0 ** (-0.4 * (QUIET_MAG - 22.5)))
    return Lit(sources.taken(place), ids[place], changes, quiet, seed)


def chosen(some: Lit, which: NDArray[np.integer] | NDArray[np.bool_]) -> Lit:
    """Some of them."""
    at = np.arange(len(some))[which]
    own = some.sources.taken(at), some.ids[at], some.changes.taken(at), some.quiet[at]
    return Lit(*own, some.seed)


def magnitudes(model: Model, some: Lit, seen: Visits) -> Floats:
    """(n, v) over those of the truth."""
    return np.asarray(-2.5 * np.log10(model.light(some, seen) / some.quiet[:, seen.band]))


def skewness(mags: Floats) -> Floats:
    """(n,) of each light curve (n, v); NaN of a constant one."""
    away = mags - mags.mean(axis=1, keepdims=True)
    with np.errstate(invalid="ignore"):
        return np.asarray((away**3).mean(axis=1) / (away**2).mean(axis=1) ** 1.5)


def quantiles(values: Floats) -> Floats:
    """At 16, 50 and 84 %."""
    return np.asarray(np.nanquantile(values, [0.16, 0.5, 0.84]))
