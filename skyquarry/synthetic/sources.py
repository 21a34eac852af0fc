"""True sources of a piece of the sky: a struct of arrays, and the table that it becomes."""

from __future__ import annotations

from dataclasses import dataclass, fields
from enum import IntEnum
from functools import cache
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pyarrow as pa

from skyquarry.catalog.arrow import from_numpy
from skyquarry.synthetic.bands import BANDS, N_BANDS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Single = NDArray[np.float32]
    Ints = NDArray[np.int64]


class Kind(IntEnum):
    """What a source is: physics, not a class to be learnt."""

    MAIN_SEQUENCE = 1
    GIANT = 2
    """subgiants, the red-giant branch, the red clump, the horizontal branch"""
    WHITE_DWARF = 3
    BROWN_DWARF = 4
    """of spectral type L or later"""
    GALAXY = 5
    QUASAR = 6
    TRANSIENT = 8
    """a supernova: no light but around its maximum"""
    ASTEROID = 9
    """met by one survey at this place; each survey has its own"""


_NONE = float("nan")
_KINDS: Final = (
    "1 main sequence, 2 giant, 3 white dwarf, 4 brown dwarf, 5 galaxy, 6 quasar, 8 transient, "
    "9 asteroid"
)
_TOLD: Final = {
    "ra_deg": ("deg", "Right ascension, ICRS, at J2016.0"),
    "dec_deg": ("deg", "Declination, ICRS, at J2016.0"),
    "pmra_masyr": ("mas.yr**-1", "Proper motion in ra times cos(dec)"),
    "pmdec_masyr": ("mas.yr**-1", "Proper motion in dec"),
    "parallax_mas": ("mas", "Parallax; 0 beyond our Galaxy"),
    "rv_kms": ("km.s**-1", "Radial velocity; null beyond our Galaxy"),
    "kind": ("", _KINDS),
    "teff_k": ("K", "Effective temperature"),
    "logg": ("", "log10 of the surface gravity in cm/s2"),
    "mass_msun": ("solMass", "Mass of a star; stellar mass of a galaxy"),
    "feh": ("", "Metallicity, [Fe/H]"),
    "redshift": ("", "Cosmological redshift"),
    "half_light_arcsec": ("arcsec", "Half-light radius along the major axis; 0 for a point"),
    "sersic": ("", "Sersic index of the profile"),
    "axis_ratio": ("", "Minor over major axis; 1 for a point"),
    "position_angle_deg": ("deg", "Of the major axis, from north to east"),
    "ebv": ("mag", "E(B-V) of our Galaxy in front of the source, SFD's scale"),
    "spectral_type": ("", "Numeric spectral type: M0 10, L0 20, T0 30"),
    "system": ("", "The binary, cluster or host galaxy of the source; -1 for none"),
    "companion": ("", "True where the light is that of an unresolved pair of stars"),
}
_DOUBLE: Final = ("ra_deg", "dec_deg", "pmra_masyr", "pmdec_masyr", "parallax_mas")
_TYPES: Final = dict.fromkeys(_DOUBLE, np.float64) | {
    "kind": np.int8,
    "system": np.int64,
    "companion": np.bool_,
}
_EMPTY: Final = {"parallax_mas": 0.0, "pmra_masyr": 0.0, "pmdec_masyr": 0.0, "ebv": 0.0} | {
    "half_light_arcsec": 0.0, "axis_ratio": 1.0, "position_angle_deg": 0.0, "system": -1,
    "companion": False, "kind": 0,
}  # fmt: skip


@dataclass(slots=True)
class Sources:
    """`n` true sources; each field (n,), `mags` (n, 24) float32.

    Missing is NaN here and null in the table. What the columns mean stands in `_TOLD`, and in the
    metadata of the table's columns.
    """

    ra_deg: Floats
    dec_deg: Floats
    kind: NDArray[np.int8]
    mags: Single
    """(n, 24) total apparent AB magnitudes in the order of BANDS, dust of our Galaxy included;
    inf where a source gives no light in a band"""
    pmra_masyr: Floats
    pmdec_masyr: Floats
    parallax_mas: Floats
    rv_kms: Single
    teff_k: Single
    logg: Single
    mass_msun: Single
    feh: Single
    redshift: Single
    half_light_arcsec: Single
    sersic: Single
    axis_ratio: Single
    position_angle_deg: Single
    ebv: Single
    spectral_type: Single
    system: Ints
    companion: NDArray[np.bool_]

    @classmethod
    def of(cls, n: int, **known: object) -> Sources:
        """`n` sources of which some columns are known; the others are empty.

        Raises ValueError for a column that has neither `n` rows nor one value for all, TypeError
        for one that sources do not have.
        """
        columns: dict[str, Any] = {}
        for name in _names():
            shape = (n, N_BANDS) if name == "mags" else (n,)
            given, kind = known.get(name, _EMPTY.get(name, _NONE)), _TYPES.get(name, np.float32)
            if isinstance(given, np.ndarray) and given.shape == shape:
                columns[name] = given.astype(kind)
            else:
                columns[name] = np.full(shape, given, kind)
        unknown = set(known) - set(columns)
        if unknown:
            raise TypeError(f"no columns of sources: {sorted(unknown)}")
        return cls(**columns)

    def __len__(self) -> int:
        return len(self.ra_deg)

    def taken(self, which: NDArray[np.bool_] | Ints) -> Sources:
        """Some of them: by a mask (n,) or by places (m,)."""
        return Sources(*(getattr(self, name)[which] for name in _names()))

    @staticmethod
    def concatenated(parts: Sequence[Sources]) -> Sources:
        """One after the other."""
        parts = parts or [Sources.of(0)]
        return Sources(
            *(np.concatenate([getattr(each, name) for each in parts]) for name in _names())
        )

    def to_table(self, ids: Ints) -> pa.Table:
        """Columns with units and descriptions; magnitudes as `mag_<band>`, NaN and inf as null."""
        columns = [from_numpy(np.asarray(ids, np.int64))]
        columns += [finite(getattr(self, name)) for name in _TOLD]
        columns += [finite(band) for band in _by_band(self.mags)]
        return pa.Table.from_arrays(columns, schema=SCHEMA)

    @classmethod
    def from_table(cls, table: pa.Table) -> Sources:
        """What `to_table` wrote; other columns are left out."""
        n = table.num_rows
        known: dict[str, Any] = {name: _filled(table[name], name) for name in _TOLD}
        bands = [table[f"mag_{band.name}"] for band in BANDS]
        filled = [(each.fill_null(np.inf) if each.null_count else each) for each in bands]
        return cls(mags=_by_source([each.to_numpy() for each in filled], n), **known)


_AT_ONCE: Final = 4_096
"""Sources whose magnitudes are turned at once: they fit a cache, which halves the time."""


def _by_band(mags: Single) -> Single:
    """(24, n) of (n, 24)."""
    turned = np.empty(mags.shape[::-1], np.float32)
    for start in range(0, len(mags), _AT_ONCE):
        turned[:, start : start + _AT_ONCE] = mags[start : start + _AT_ONCE].T
    return turned


def _by_source(bands: Sequence[Single], n: int) -> Single:
    """(n, 24) of 24 times (n,)."""
    mags = np.empty((n, N_BANDS), np.float32)
    for start in range(0, n, _AT_ONCE):
        some = mags[start : start + _AT_ONCE]
        for number, band in enumerate(bands):
            some[:, number] = band[start : start + _AT_ONCE]
    return mags


@cache
def _names() -> tuple[str, ...]:
    """The columns of `Sources`."""
    return tuple(field.name for field in fields(Sources))


def _filled(column: pa.ChunkedArray, name: str) -> NDArray[np.generic]:
    if column.null_count:
        column = column.fill_null(_EMPTY.get(name, _NONE))
    filled: NDArray[np.generic] = column.to_numpy().astype(_TYPES.get(name, np.float32))
    return filled


def finite(values: NDArray[Any]) -> pa.Array:
    """A column of values (n,): float32 and float64 that are not finite are null."""
    if values.dtype.kind != "f":
        return from_numpy(values)
    there = np.isfinite(values)
    if there.all():
        valid, whole = None, np.ascontiguousarray(values)
    else:
        valid = pa.py_buffer(np.packbits(there, bitorder="little"))
        whole = np.where(there, values, values.dtype.type(0.0))  # what is null is not looked at
    kind = pa.float32() if values.dtype == np.float32 else pa.float64()
    return pa.Array.from_buffers(kind, len(values), [valid, pa.py_buffer(whole)])


def _field(name: str, kind: pa.DataType, unit: str, text: str) -> pa.Field:
    told = {"unit": unit, "description": text} if unit else {"description": text}
    return pa.field(name, kind, metadata=told)


def _schema() -> pa.Schema:
    known = [
        _field(name, pa.from_numpy_dtype(_TYPES.get(name, np.float32)), *told)
        for name, told in _TOLD.items()
    ]
    mags = [
        _field(f"mag_{band.name}", pa.float32(), "mag", f"True AB magnitude in {band.name}")
        for band in BANDS
    ]
    first = _field("id", pa.int64(), "", "Unique number of the source: block, population, row")
    return pa.schema([first, *known, *mags])


SCHEMA: Final = _schema()
"""Of the table of a truth."""
