"""Variables as a survey caught them that looked once: on its date, not at their mean."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Final

import numpy as np

from skyquarry.synthetic.bands import BAND, BANDS
from skyquarry.synthetic.changing.cadence import BANDS as ZTF_BANDS
from skyquarry.synthetic.changing.cadence import WAVELENGTHS_NM, Visits
from skyquarry.synthetic.changing.changes import Lit
from skyquarry.synthetic.changing.populations import MODELS
from skyquarry.synthetic.observe.light import fluxes
from skyquarry.synthetic.observe.places import places
from skyquarry.synthetic.sources import Sources

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from skyquarry.synthetic.changing.lightcurves import Found
    from skyquarry.synthetic.observe.instruments import Instrument

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

ONCE: Final = frozenset({"sdss", "twomass", "ukidss"})
"""Short names of surveys that looked once; others tell means of many looks"""
_INFRARED: Final = 0.6
"""change in magnitude beyond 1,000 nm over that in i: RR Lyrae, Miras, quasars (from memory)"""


def dated(instrument: Instrument, sources: Sources, ids: Ints, some: Found, seed: int) -> Sources:
    """The sources with magnitudes of the survey's date, where they change.

    Bands between g and i by wavelength, bluer ones as g, redder ones as i, infrared ones less. The
    bands of a survey look at the same moment.
    """
    if instrument.name.partition(".")[0] not in ONCE or not len(some.place):
        return sources
    columns = [BAND[name] for name in ZTF_BANDS]
    lit = np.flatnonzero(np.isfinite(sources.mags[some.place][:, columns]).all(axis=1))
    place, model, changes = some.place[lit], some.model[lit], some.changes.taken(lit)
    own = sources.taken(place)
    quiet = fluxes(own.mags[:, columns])
    at = places(instrument, own, seed)
    mjd = 51_544.5 + (at.jyear - 2000.0) * 365.25
    change = np.zeros((len(place), 3))
    looked, which = np.unique(np.stack([at.field, model]), axis=1, return_inverse=True)
    for group in range(looked.shape[1]):
        rows = np.flatnonzero(which.ravel() == group)
        mine = Lit(own.taken(rows), ids[place[rows]], changes.taken(rows), quiet[rows], seed)
        flux = MODELS[looked[1, group]].light(mine, _look(instrument, float(mjd[rows[0]])))
        change[rows] = -2.5 * np.log10(np.maximum(flux, 1e-3 * quiet[rows]) / quiet[rows])
    mags = sources.mags.copy()
    for channel in instrument.channels:
        column = BAND[channel.band]
        mags[place, column] += _in_band(change, BANDS[column].wavelength_nm)
    names = [name for name in Sources.__slots__ if name != "mags"]
    return Sources(mags=mags, **{name: getattr(sources, name) for name in names})


def _look(instrument: Instrument, mjd: float) -> Visits:
    """One visit in g, r and i at once."""
    number = zlib.crc32(instrument.name.encode())
    return Visits(
        np.full(3, mjd), np.arange(3, dtype=np.int8), np.full(3, np.inf), np.full(3, number)
    )


def _in_band(change: Floats, wavelength_nm: float) -> NDArray[np.float32]:
    """(n,) magnitudes, of changes (n, 3) in g, r and i."""
    place = float(np.interp(wavelength_nm, WAVELENGTHS_NM, (0.0, 1.0, 2.0)))
    low = min(int(place), 1)
    mags = (low + 1 - place) * change[:, low] + (place - low) * change[:, low + 1]
    return (mags * (_INFRARED if wavelength_nm > 1000.0 else 1.0)).astype(np.float32)
