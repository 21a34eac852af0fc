"""Tables of the survey itself: Field, Segment, Run, Stripe, Plate, and the map of extinction."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from skyquarry.sky import healpix, htm
from skyquarry.synthetic import chance, dust
from skyquarry.synthetic.observe.rows import mjd
from skyquarry.synthetic.observe.surveys.sdss import BANDS, INSTRUMENT
from skyquarry.synthetic.sdss.meanings import table_of
from skyquarry.synthetic.sdss.numbers import RERUN, field_ids
from skyquarry.synthetic.sdss.scans import (
    LENGTH_DEG,
    SECTION_DEG,
    Spots,
    first_scan,
    from_great_circle,
    inclination_of,
    middle_of,
    repeated_scan,
    run_jyear,
    second_scan,
)
from skyquarry.synthetic.sdss.targets import PLATE_ORDER, PLATES, plate_mjd, plate_of

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray

    from skyquarry.sky.algebra import Region
    from skyquarry.synthetic.sdss.settings import Archive

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

_FINE_ORDER: Final = 11
"""cells 103" wide, of which a field holds dozens"""
KEYS: Final = {
    "field": "fieldID", "segment": "segmentID", "run": "run", "stripe": "stripe",
    "plate": "plate", "extinction": "pixel",
}  # fmt: skip
"""{table: its key}"""


def tables(region: Region, archive: Archive, seed: int) -> dict[str, pa.Table]:
    """Of all that was observed in a region; a table's place is that of its middle."""
    spots = _fields(region, archive, seed)
    field = _field_columns(spots)
    told = {
        "field": field,
        "segment": _grouped(field, "segmentID", ("run", "camcol", "stripe", "strip", "mjd")),
        "run": _grouped(field, "run", ("stripe", "strip", "mjd")),
        "stripe": _grouped(field, "stripe", ()),
        "plate": _plates(region, seed),
        "extinction": _extinction(region, seed),
    }
    return {name: table_of(each) for name, each in told.items()}


def _fields(region: Region, archive: Archive, seed: int) -> Spots:
    """One spot in the middle of each field that touches the region."""
    pixels = _pixels(region, _FINE_ORDER)
    beside = healpix.neighbours(pixels, _FINE_ORDER).ravel()
    pixels = np.unique(np.append(beside[beside >= 0], pixels))
    ra, dec = healpix.center(pixels, _FINE_ORDER)
    first = first_scan(ra, dec)
    parts = [first]
    for spots, there in (second_scan(ra, dec, first), repeated_scan(first, archive.repeated, seed)):
        parts.append(spots.taken(there))
    every = Spots.concatenated(parts)
    _, one = np.unique(field_ids(every), return_index=True)
    some = every.taken(one)
    along = SECTION_DEG * some.section + (some.field - 11 + 0.5) * LENGTH_DEG
    return Spots(some.stripe, some.line, along, np.zeros(len(along)), some.repeat)


def _pixels(region: Region, order: int) -> Ints:
    """The cells of an order that a region touches."""
    return region.cover(order).all.flat(order)


def _field_columns(spots: Spots) -> dict[str, Any]:
    ids = field_ids(spots)
    tilt = inclination_of(spots.stripe)
    ra, dec = from_great_circle(spots.mu_deg, middle_of(spots.line), tilt)
    dates = INSTRUMENT.dates
    jyear = run_jyear(spots.run, dates.first_jyear, dates.last_jyear)
    told = {
        "fieldID": ids,
        "run": spots.run.astype(np.int32),
        "rerun": np.full(len(ids), RERUN, np.int16),
        "camcol": spots.camcol.astype(np.int16),
        "field": spots.field.astype(np.int16),
        "segmentID": spots.run * 8 + spots.camcol,
        "stripe": spots.stripe.astype(np.int32),
        "strip": spots.strip.astype(np.int16),
        "ra": ra,
        "dec": dec,
        "htmID": htm.index_radec(ra, dec, 20),
        "mjd": mjd(jyear),
        "quality": np.full(len(ids), 3, np.int16),
    }
    for channel, band in zip(INSTRUMENT.channels, BANDS, strict=True):
        told[f"psfWidth_{band}"] = np.full(len(ids), channel.fwhm_arcsec, np.float32)
    return told


def _grouped(field: dict[str, Any], key: str, more: tuple[str, ...]) -> dict[str, Any]:
    """One row for each value of a key: what its fields share, and the place of a middle one."""
    order = np.lexsort((field["fieldID"], field[key]))
    values, first, count = np.unique(field[key][order], return_index=True, return_counts=True)
    middle = order[first + count // 2]
    told = {key: values} | {name: field[name][middle] for name in more}
    if "run" in more or key == "run":
        told["startField"] = field["field"][order[first]]
        told["endField"] = field["field"][order[first + count - 1]]
    told["nFields"] = count.astype(np.int32)
    return told | {name: field[name][middle] for name in ("ra", "dec", "htmID")}


def _plates(region: Region, seed: int) -> dict[str, Any]:
    cells = np.repeat(_pixels(region, PLATE_ORDER), PLATES)
    tile = np.tile(np.arange(PLATES), len(cells) // PLATES)
    plate = plate_of(cells, tile)
    ra, dec = healpix.center(cells, PLATE_ORDER)
    return {
        "plate": plate.astype(np.int32),
        "mjd": plate_mjd(plate, seed).astype(np.int32),
        "tile": (1 + tile).astype(np.int16),
        "ra": ra,
        "dec": dec,
        "htmID": htm.index_radec(ra, dec, 20),
        "expTime": np.full(len(plate), 2_700.0, np.float32),
        "seeing": (1.5 * np.exp(0.15 * chance.normal(seed, "sdss.plate seeing", plate))).astype(
            np.float32
        ),
    }


def _extinction(region: Region, seed: int) -> dict[str, Any]:
    """E(B-V) of all dust in cells of 3.4', as SFD's map tells it."""
    pixels = _pixels(region, dust.CELL_ORDER)
    ra, dec = healpix.center(pixels, dust.CELL_ORDER)
    return {
        "pixel": pixels,
        "ra": ra,
        "dec": dec,
        "ebv": dust.total(seed, ra, dec).astype(np.float32),
    }
