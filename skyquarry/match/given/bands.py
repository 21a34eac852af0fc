"""Magnitude and extent of rows, from the bands of a catalogue."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from skyquarry.catalog.arrow import to_numpy
from skyquarry.catalog.conventions import AB_FLUX, ARCSEC
from skyquarry.errors import UserError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from skyquarry.catalog.roles import Band, Roles
    from skyquarry.match.given.values import Values

    Floats = NDArray[np.float64]

EXTENDED_ARCSEC = 1.2
"""A half-light radius above this is that of a galaxy: a star's is half that."""
_LARGEST_ARCSEC = 36_000.0
"""The Magellanic Clouds: ten degrees."""
_LOW, _HIGH = -30.0, 60.0  # magnitudes outside are numbers for "missing", as 99 and -999


def reference_band(roles: Roles, name: str | None = None) -> Band | None:
    """The band whose magnitudes are compared: the one of this name, else the first.

    Raises UserError for a name that is not there, and for a flux in a unit that is not known.
    """
    if name is None:
        return _known(roles.bands[0]) if roles.bands else None
    named = [band for band in roles.bands if band.name == name]
    if not named:
        raise UserError(
            f"band is {name!r}, but the catalogue has "
            f"{', '.join(band.name for band in roles.bands) or 'none'}: choose one of these"
        )
    return _known(named[0])


def magnitudes(values: Values, band: Band | None) -> Floats:
    """(n,) magnitudes of a band; a flux is converted; NaN where missing or not positive."""
    told = None if band is None else values.optional(band.column)
    if band is None or told is None:
        return np.full(len(values), np.nan)
    if band.kind == "flux":
        with np.errstate(divide="ignore", invalid="ignore"):
            told = -2.5 * np.log10(told / AB_FLUX[_known(band).unit])
    with np.errstate(invalid="ignore"):
        return np.where((told > _LOW) & (told < _HIGH), told, np.nan)


def _known(band: Band) -> Band:
    """The band; raises UserError for a flux in a unit that is not known."""
    if band.kind == "flux" and band.unit not in AB_FLUX:
        raise UserError(
            f"band {band.name!r} is a flux in {band.unit!r}, but its magnitude needs one of "
            f"{', '.join(AB_FLUX)}: state the unit in the roles, or leave the band out of them"
        )
    return band


def sizes(values: Values, roles: Roles) -> Floats | None:
    """(n,) sizes in arcsec, NaN where missing, negative or absurd; None without a column of them.

    A column that states no unit of angle is taken to be in arcsec.
    """
    if roles.extent is None or not values.has(roles.extent):
        return None
    size = values.floats(roles.extent) * ARCSEC.get(values.unit(roles.extent), 1.0)
    with np.errstate(invalid="ignore"):
        return np.where((size >= 0.0) & (size <= _LARGEST_ARCSEC), size, np.nan)


def extended(values: Values, roles: Roles) -> Floats:
    """(n,) 1 for extended, 0 for point-like, NaN where unknown: by size, or by a class in words."""
    size = sizes(values, roles)
    if size is not None:
        return np.where(np.isnan(size), np.nan, (size > EXTENDED_ARCSEC).astype(np.float64))
    if roles.class_column is not None and values.has(roles.class_column):
        return _by_class(values.table.column(roles.class_column))
    return np.full(len(values), np.nan)


def _by_class(classes: pa.ChunkedArray) -> Floats:
    """Classes in words; numbers mean something else in every survey and tell nothing."""
    if not (pa.types.is_string(classes.type) or pa.types.is_large_string(classes.type)):
        return np.full(len(classes), np.nan)
    words = pc.utf8_upper(pc.utf8_trim_whitespace(classes))
    made = np.full(len(classes), np.nan)
    for number, names in ((1.0, ["GALAXY"]), (0.0, ["STAR", "QSO"])):
        made[to_numpy(pc.is_in(words, value_set=pa.array(names, words.type)))] = number
    return made
