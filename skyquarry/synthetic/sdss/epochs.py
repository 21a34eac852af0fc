"""What each scan of a patch sees of the truth: the first one, the overlaps, the repetitions."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np

from skyquarry.synthetic.changing.lightcurves import found
from skyquarry.synthetic.changing.snapshots import dated
from skyquarry.synthetic.observe.measuring import measured
from skyquarry.synthetic.observe.surveys.sdss import INSTRUMENT
from skyquarry.synthetic.sdss.codes import Mode
from skyquarry.synthetic.sdss.objects import Objects
from skyquarry.synthetic.sdss.scans import (
    WIDTH_DEG,
    ScanDates,
    Spots,
    first_scan,
    repeated_scan,
    second_scan,
)
from skyquarry.synthetic.sources import Kind

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from skyquarry.synthetic.observe.instruments import Instrument
    from skyquarry.synthetic.sdss.settings import Archive
    from skyquarry.synthetic.sources import Sources

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]
    Mask = NDArray[np.bool_]

_DATES: Final = (INSTRUMENT.dates.first_jyear, INSTRUMENT.dates.last_jyear)
_BESIDE_DEG: Final = 10.0 / 3600.0
"""sources so near to a scan shine into it"""


@dataclass(frozen=True, slots=True)
class Scan:
    """One way in which a place is observed."""

    name: str
    mode: Mode
    spots: Callable[[Floats, Floats], Spots]
    seen: Callable[[Floats, Floats, float], Mask]
    """(n,) which positions it sees; or which lie so many degrees beside it, at most"""

    def instrument(self) -> Instrument:
        """The imaging camera in this scan, with noise of its own."""
        dates = ScanDates(*_DATES, spots=self.spots)
        return replace(INSTRUMENT, name=self.name, dates=dates, spurious_deg2=0.0)


def scans(archive: Archive, seed: int) -> tuple[Scan, ...]:
    """The first scan, what overlaps it, what repeats it."""

    def overlap(ra_deg: Floats, dec_deg: Floats) -> Spots:
        return second_scan(ra_deg, dec_deg, first_scan(ra_deg, dec_deg))[0]

    def again(ra_deg: Floats, dec_deg: Floats) -> Spots:
        return repeated_scan(first_scan(ra_deg, dec_deg), archive.repeated, seed)[0]

    def everywhere(ra_deg: Floats, dec_deg: Floats, beside_deg: float) -> Mask:
        del dec_deg, beside_deg
        return np.ones(len(ra_deg), np.bool_)

    def overlapped(ra_deg: Floats, dec_deg: Floats, beside_deg: float) -> Mask:
        first = first_scan(ra_deg, dec_deg)
        other, there = second_scan(ra_deg, dec_deg, first)
        return np.asarray(there | (np.abs(other.nu_deg) < WIDTH_DEG / 2 + beside_deg))

    def repeated(ra_deg: Floats, dec_deg: Floats, beside_deg: float) -> Mask:
        del beside_deg
        return repeated_scan(first_scan(ra_deg, dec_deg), archive.repeated, seed)[1]

    return (
        Scan("sdss", Mode.PRIMARY, first_scan, everywhere),
        Scan("sdss.overlap", Mode.SECONDARY, overlap, overlapped),
        Scan("sdss.repeat", Mode.SECONDARY, again, repeated),
    )


def observed(scan: Scan, sources: Sources, ids: Ints, seed: int) -> Objects:
    """What a scan sees of the sources; right for those further than 5" inside of what is given.

    Variables are as bright as they are on its date. Supernovae of SDSS's dates are of the first
    scan; asteroids are not seen here, but made by `moving`.
    """
    there = scan.seen(sources.ra_deg, sources.dec_deg, _BESIDE_DEG)
    there &= sources.kind != Kind.ASTEROID
    if scan.mode != Mode.PRIMARY:
        there &= sources.kind != Kind.TRANSIENT
    near = np.flatnonzero(there)
    sources, ids = sources.taken(near), ids[near]
    instrument = scan.instrument()
    varied = dated(instrument, sources, ids, found(sources, ids, seed), seed)
    home = scan.seen(sources.ra_deg, sources.dec_deg, 0.0)
    made, _ = measured(instrument, varied, ids, seed=seed, home=home)
    truth = sources.taken(made.source)
    return Objects.of(
        made,
        truth,
        scan.spots(truth.ra_deg, truth.dec_deg),
        scan.mode,
        place_ra=truth.ra_deg,
        place_dec=truth.dec_deg,
    )
