"""How sources change: a struct of arrays beside that of the sources."""

from __future__ import annotations

from dataclasses import dataclass, fields
from enum import IntEnum
from typing import TYPE_CHECKING, Any, Final, Protocol

import numpy as np

from skyquarry.synthetic import chance

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from skyquarry.synthetic.changing.cadence import Visits
    from skyquarry.synthetic.sources import Sources

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]


class Type(IntEnum):
    """In what way a source changes; names as the GCVS abbreviates them where it does."""

    CONSTANT = 0
    RRAB = 1
    RRC = 2
    EW = 3
    """contact binaries"""
    EA = 4
    """detached eclipsing binaries"""
    M = 5
    """Miras"""
    SRV = 6
    """semiregular giants"""
    OSARG = 7
    """small-amplitude red giants"""
    UG = 8
    """dwarf novae"""
    UV = 9
    """flaring dwarfs"""
    ML = 10
    """microlensing events"""
    QSO = 11
    SN_IA = 12
    SN_II = 13
    SN_IIN = 14
    SN_IBC = 15
    ASTEROID = 16


@dataclass(slots=True)
class Changes:
    """Of `n` sources, each field (n,). NaN where a number has no meaning for the type."""

    type: NDArray[np.int8]
    period_d: Floats
    """of pulsation or of the orbit; mean time between outbursts, or flares of 5 s and more"""
    amplitude_mag: Floats
    """in g: peak to peak; depth of the primary eclipse; height of an outburst or event; of quasars
    the structure function at long times"""
    epoch_mjd: Floats
    """of maximum light, of a primary minimum, of an outburst's start, of a supernova's maximum"""
    scale_d: Floats
    """duration of an eclipse, of an outburst's top; Einstein time; time of decorrelation as seen"""
    shape: Floats
    """depth of the secondary over that of the primary eclipse; impact parameter; stretch"""
    colour: Floats
    """of a supernova: excess E(B-V) over the bluest of its type, host dust included"""
    peak_mag: Floats
    """absolute AB magnitude in g of a supernova at its maximum, without dust"""
    east_degday: Floats
    """motion of an asteroid along right ascension, times cos(dec)"""
    north_degday: Floats

    @classmethod
    def of(cls, kind: NDArray[np.integer], **known: object) -> Changes:
        """Some columns are known, the others NaN."""
        columns: dict[str, Any] = {"type": np.asarray(kind, np.int8)}
        for name in (field.name for field in fields(cls) if field.name != "type"):
            columns[name] = np.full(len(kind), np.nan)
            if name in known:
                columns[name][:] = known.pop(name)
        if known:
            raise TypeError(f"no columns of changes: {sorted(known)}")
        return cls(**columns)

    def __len__(self) -> int:
        return len(self.type)

    def taken(self, which: Ints | NDArray[np.bool_]) -> Changes:
        """Some of them."""
        return Changes(*(getattr(self, field.name)[which] for field in fields(self)))

    @staticmethod
    def concatenated(parts: Sequence[Changes]) -> Changes:
        """One after the other."""
        parts = parts or [Changes.of(np.empty(0, np.int8))]
        names = [field.name for field in fields(Changes)]
        return Changes(*(np.concatenate([getattr(each, name) for each in parts]) for name in names))


class Model(Protocol):
    """A way to change: whom it concerns, and the light at a time."""

    @property
    def types(self) -> tuple[Type, ...]:
        """What it makes."""

    def found(self, sources: Sources, ids: Ints, seed: int) -> tuple[Ints, Changes]:
        """Places (m,) of the sources that change so, and how: hashes of seed and id decide."""

    def light(self, some: Lit, visits: Visits) -> Floats:
        """(n, v) fluxes of each source at each visit; units as `some.quiet`."""


@dataclass(frozen=True, slots=True)
class Lit:
    """Sources (n,) of one model whose light is asked for."""

    sources: Sources
    ids: Ints
    changes: Changes
    quiet: Floats
    """(n, 3) nanomaggies in g, r, i, as the truth has them"""
    seed: int

    def uniform(self, what: str) -> Floats:
        """(n,) numbers in (0, 1) of each source's own."""
        return chance.uniform(self.seed, f"changing.{what}", self.ids)

    def __len__(self) -> int:
        return len(self.ids)


_SPREAD: Final = np.uint64(0xD1B54A32D192ED03)


def each_at(ids: Ints, numbers: Ints) -> NDArray[np.uint64]:
    """(n, v) a number of its own for each source (n,) at each time, (v,) or (n, v)."""
    many = np.asarray(numbers).astype(np.uint64)
    with np.errstate(over="ignore"):
        return np.asarray(np.asarray(ids).astype(np.uint64)[:, None] * _SPREAD + many)


def population_of(ids: Ints) -> Ints:
    """(n,) number of the population that each source is of, told by its id."""
    return np.asarray((ids >> 32) & 63)
