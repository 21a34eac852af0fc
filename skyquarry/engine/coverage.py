"""The part of the sky that a catalogue covers: by the survey, by the user, or estimated."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from skyquarry.errors import DamagedError, NotFoundError, RegionError

if TYPE_CHECKING:
    from skyquarry.engine.catalog import Catalog
    from skyquarry.sky.footprint import Footprint

LABEL_KEY = "skyquarry_footprint"
"""The property that says whose footprint is kept with the catalogue: survey, user or estimate."""
FILE = "footprint.fits"
"""Its MOC, in the folder of the version, beside the primary."""
_FINEST = 10
_ENOUGH = 20
"""Sources a cell below which `Footprint.from_counts` refuses to guess."""


def footprint(catalog: Catalog, user: Footprint | None = None) -> Footprint:
    """The survey's footprint, else the user's, else an estimate from counts, labelled as such."""
    kept = kept_with(catalog)
    if kept is not None and (kept.label == "survey" or user is None):
        return kept
    return estimated(catalog) if user is None else user


def kept_with(catalog: Catalog) -> Footprint | None:
    """The footprint that was built into the catalogue; None where there is none.

    Raises DamagedError where the properties speak of one, and its file is missing or no MOC.
    """
    label = catalog.stored.properties.get(LABEL_KEY, "").strip()
    if not label:
        return None
    from skyquarry.sky.footprint import Footprint

    folder = catalog.stored.folder.parent
    try:
        return Footprint.from_moc(folder.read_bytes(FILE), label)  # type: ignore[arg-type]
    except (NotFoundError, RegionError) as error:
        raise DamagedError(
            f"{folder.path(FILE)} cannot be read ({error}), but {LABEL_KEY} is {label!r} in the "
            "properties: restore the file, or remove the key"
        ) from error


def estimated(catalog: Catalog) -> Footprint:
    """The cells that hold sources, as fine as their counts allow.

    Raises RegionError where there are too few sources at any order.
    """
    from skyquarry.sky.footprint import Footprint

    pixels, counts = catalog.counts(_FINEST)
    order = _FINEST
    while order > 0 and counts.size and counts.sum() < _ENOUGH * counts.size:
        pixels, places = np.unique(pixels >> 2, return_inverse=True)
        counts, order = np.bincount(places, counts).astype(np.int64), order - 1
    return Footprint.from_counts(pixels, counts, order)
