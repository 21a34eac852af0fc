"""Known sources put into a survey's catalogue, through the survey's own eyes.

What is there already counts as light: a row of the catalogue that is brighter and too near hides an
injected source, a fainter one is swallowed by it, and all others shine into each other a little.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from skyquarry.synthetic.observe.light import fluxes
from skyquarry.synthetic.observe.measuring import measured
from skyquarry.synthetic.observe.neighbours import neighbours
from skyquarry.synthetic.observe.observing import tabled
from skyquarry.synthetic.sources import Sources

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray

    from skyquarry.synthetic.observe.rows import Catalogue

    Ints = NDArray[np.int64]
    Mask = NDArray[np.bool_]

FIRST_NUMBER: Final = 0x8000
"""Injected rows of a cell are numbered from here on, past what a catalogue has there."""
_THERE: Final = np.int64(1) << np.int64(60)
"""Ids of rows that are there already: above every source's."""


@dataclass(frozen=True, slots=True)
class Injected:
    """What becomes of a piece of a catalogue."""

    rows: pa.Table
    """the injected sources that were detected, in the survey's columns"""
    links: pa.Table
    """the survey's id of each, `truth_id` and `share`; only of injected sources"""
    swallowed: Mask
    """(m,) rows of the catalogue that a brighter injected source has taken in"""


def injected(
    catalogue: Catalogue, there: pa.Table, sources: Sources, ids: Ints, home: Mask, seed: int
) -> Injected:
    """Sources (n,) observed among the rows (m,) that are there.

    `home` (n,): the sources whose rows are wanted; the others only shine. `ids` (n,) below 2^60.
    """
    instrument = catalogue.instrument
    light = _as_sources(catalogue, there)
    both = Sources.concatenated([sources, light])
    all_ids = np.concatenate([ids, _THERE + np.arange(len(light))])
    wanted = np.concatenate([home, np.zeros(len(light), np.bool_)])
    made, links = measured(instrument, both, all_ids, seed=seed, home=wanted)
    rows, linked = tabled(catalogue, both, all_ids, made, links, seed, first=FIRST_NUMBER)
    own = linked["truth_id"].to_numpy() < _THERE
    return Injected(rows, linked.filter(own), _swallowed(catalogue, both, len(sources)))


def _as_sources(catalogue: Catalogue, there: pa.Table) -> Sources:
    """Rows as points of the brightness that they are told to have."""
    ra, dec = (there[name].to_numpy() for name in catalogue.positions)
    made = Sources.of(len(ra), ra_deg=ra, dec_deg=dec, mags=np.inf)
    channels = catalogue.instrument.channels
    for place, channel, name in zip(
        catalogue.instrument.columns, channels, catalogue.magnitudes, strict=True
    ):
        told = there[name].fill_null(np.inf).to_numpy()
        made.mags[:, place] = np.where(np.isfinite(told), told + channel.vega_to_ab, np.inf)
    return made


def _swallowed(catalogue: Catalogue, both: Sources, n: int) -> Mask:
    """(m,) rows that are there and have a brighter one of the `n` injected too near."""
    instrument = catalogue.instrument
    flux = fluxes(both.mags[:, instrument.columns[instrument.channel(instrument.reference)]])
    near = neighbours(both.ra_deg, both.dec_deg, instrument.resolution_arcsec)
    taken = (near.seen >= n) & (near.other < n) & (flux[near.other] > flux[near.seen])
    mask = np.zeros(len(both) - n, np.bool_)
    mask[near.seen[taken] - n] = True
    return mask
