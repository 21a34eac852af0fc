"""Variables of a piece of the sky, and their light curves as forced photometry tells them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pyarrow as pa

from skyquarry.catalog.arrow import from_numpy
from skyquarry.synthetic import chance
from skyquarry.synthetic.bands import BAND
from skyquarry.synthetic.blocks import BLOCK_ORDER
from skyquarry.synthetic.changing.cadence import BANDS, Visits, field_of, visits
from skyquarry.synthetic.changing.changes import Changes, Lit, Type, each_at
from skyquarry.synthetic.changing.populations import MODELS
from skyquarry.synthetic.observe.light import fluxes
from skyquarry.synthetic.observe.noise import GAMMA, PER_MAG

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from skyquarry.synthetic.changing.changes import Model
    from skyquarry.synthetic.sources import Sources

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]
    Mask = NDArray[np.bool_]

CONSTANT_SHARE: Final = 0.01
"""of the sources that do not change, how many have light curves: what variables are told from"""
FAINTEST: Final = 20.8
"""AB magnitude in g, r or i, at its brightest, of a source that has a light curve"""
_BRIGHTEST: Final = 12.5
"""ZTF saturates"""
_STEADY_MAG: Final = 0.012
"""error that does not fall with the flux (Masci et al. 2019, PASP 131, 018003, about 1 %)"""
_MICROJANSKY: Final = 3.631
"""a nanomaggy"""
_NAMES: Final = {Type.SN_IA: "SN Ia", Type.SN_II: "SN II", Type.SN_IIN: "SN IIn"} | {
    Type.SN_IBC: "SN Ibc", Type.ASTEROID: "asteroid", Type.CONSTANT: "constant",
    Type.RRAB: "RRab", Type.RRC: "RRc",
}  # fmt: skip
NAMES: Final = {each: _NAMES.get(each, each.name) for each in Type}

_VARIABLE: Final = {
    "id": ("int64", "", "Unique number of the source, as in the truth"),
    "ra_deg": ("float64", "deg", "Right ascension, ICRS, at J2016.0"),
    "dec_deg": ("float64", "deg", "Declination, ICRS, at J2016.0"),
    "kind": ("int8", "", "As in the truth"),
    "type": ("string", "", ("How it changes: RRab, RRc, EW, EA, M, SRV, OSARG, UG, UV, ML, QSO, "
             "SN Ia, SN II, SN IIn, SN Ibc, asteroid; constant: chosen for comparison")),
    "period_d": ("float64", "d", "Of pulsation or orbit; mean time between outbursts or flares"),
    "amplitude_mag": ("float32", "mag", ("In g: peak to peak, depth of the primary eclipse, height "
                      "of an outburst or event, structure function at long times")),
    "epoch_mjd": ("float64", "d", "Maximum light, primary minimum or closest approach; MJD"),
    "scale_d": ("float64", "d", ("Duration of an eclipse or of an outburst's top; Einstein time; "
                "time of decorrelation, as observed")),
    "shape": ("float32", "", ("Secondary over primary eclipse; impact parameter; stretch of a "
              "supernova's time; flares a day above 1 s")),
    "colour": ("float32", "mag", "Excess E(B-V) of a supernova, its host's dust included"),
    "peak_mag": ("float32", "mag", "Absolute AB magnitude in g of a supernova at maximum, no dust"),
    "east_degday": ("float64", "deg.d**-1", "Motion along right ascension times cos(dec)"),
    "north_degday": ("float64", "deg.d**-1", "Motion along declination"),
    "redshift": ("float32", "", "Cosmological redshift"),
    "host_id": ("int64", "", "The galaxy of a supernova, as in the truth"),
    "visits": ("int32", "", "Rows of the light curve"),
    "detections": ("int32", "", "Of these, differences of five sigma or more"),
}  # fmt: skip
_CURVE: Final = {
    "id": ("int64", "", "Unique number of the source, as in the truth"),
    "mjd": ("float64", "d", "Modified Julian Date of the middle of the exposure"),
    "fid": ("int8", "", "Filter: 1 g, 2 r, 3 i"),
    "diff_flux_ujy": ("float32", "uJy", "Flux in the difference image, forced at the position"),
    "diff_flux_error_ujy": ("float32", "uJy", "Its error"),
    "limit_mag": ("float32", "mag", "Five-sigma limit of the visit for a point source, AB"),
    "mag": ("float32", "mag", ("AB magnitude of difference and reference together; null below "
            "three sigma")),
    "mag_error": ("float32", "mag", "Its error"),
}  # fmt: skip


def _schema(told: dict[str, tuple[str, str, str]]) -> pa.Schema:
    fields = []
    for name, (kind, unit, text) in told.items():
        about = {"unit": unit, "description": text} if unit else {"description": text}
        fields.append(pa.field(name, pa.type_for_alias(kind), metadata=about))
    return pa.schema(fields)


VARIABLES: Final = _schema(_VARIABLE)
CURVES: Final = _schema(_CURVE)


@dataclass(frozen=True, slots=True)
class Found:
    """The sources (n,) of a piece of the sky that change, in order of their ids."""

    place: Ints
    changes: Changes
    model: Ints
    """place of the model among those given"""


def found(sources: Sources, ids: Ints, seed: int, models: Sequence[Model] = MODELS) -> Found:
    """Which sources change, and how: each depends on itself alone."""
    free = np.ones(len(ids), np.bool_)
    places, changes, numbers = [np.empty(0, np.int64)], [], [np.empty(0, np.int64)]
    for number, model in enumerate(models):
        place, made = model.found(sources, ids, seed)
        mine = free[place]
        free[place] = False
        places.append(place[mine])
        changes.append(made.taken(mine))
        numbers.append(np.full(int(mine.sum()), number))
    place, model_of = np.concatenate(places), np.concatenate(numbers)
    order = np.argsort(ids[place], kind="stable")
    return Found(place[order], Changes.concatenated(changes).taken(order), model_of[order])


def light_curves(
    block: int,
    sources: Sources,
    ids: Ints,
    seed: int,
    *,
    models: Sequence[Model] = MODELS,
    constants: float = CONSTANT_SHARE,
) -> tuple[pa.Table, pa.Table]:
    """The variables among a block's sources, and the rows of their light curves.

    Variables are all that change, seen by ZTF or not; and a share of those that do not and are
    bright enough to be seen. Light curves have a row a visit, detected or not.
    """
    seen = visits(field_of(block, BLOCK_ORDER), seed)
    some = found(sources, ids, seed, models)
    still = _constants(sources, ids, seed, some.place, constants)
    place = np.append(some.place, still)
    changes = Changes.concatenated([some.changes, Changes.of(np.full(len(still), Type.CONSTANT))])
    model = np.append(some.model, np.full(len(still), -1))
    quiet = _quiet(sources, place)
    bright = _bright(quiet, changes) if len(seen) else np.zeros(len(place), np.bool_)
    followed = np.flatnonzero(bright)
    lit = Lit(sources.taken(place), ids[place], changes, quiet, seed)
    shone = _shone(lit, followed, model, models, seen)
    rows = _Rows.of(shone, quiet[followed], ids[place[followed]], seen, seed)
    kept = np.asarray(rows.detected.any(axis=1) | (quiet[followed] > 0).any(axis=1))
    rows, followed = rows.taken(kept), followed[kept]
    many = np.zeros(len(place), np.int64)
    many[followed] = rows.detected.sum(axis=1)
    count = np.zeros(len(place), np.int64)
    count[followed] = len(seen)
    return _variables(lit, count, many), rows.table(seen)


def _constants(sources: Sources, ids: Ints, seed: int, changing: Ints, share: float) -> Ints:
    """Places of sources without change that are followed as well."""
    drawn = chance.uniform(seed, "changing.constant", ids) < share
    drawn[changing] = False
    quiet = _quiet(sources, np.flatnonzero(drawn))
    return np.flatnonzero(drawn)[(quiet > fluxes(np.array([FAINTEST]))).any(axis=1)]


def _quiet(sources: Sources, place: Ints) -> Floats:
    """(n, 3) nanomaggies in g, r, i."""
    return fluxes(sources.mags[place][:, [BAND[name] for name in BANDS]])


def _bright(quiet: Floats, changes: Changes) -> Mask:
    """(n,) sources that ZTF could see at their brightest, and that do not saturate."""
    higher = np.where(np.isin(changes.type, (Type.UG, Type.ML, Type.M)), changes.amplitude_mag, 0.0)
    best = quiet.max(axis=1) * 10.0 ** (0.4 * higher)
    low, high = fluxes(np.array([FAINTEST, _BRIGHTEST]))
    exploding = np.isin(changes.type, (Type.SN_IA, Type.SN_II, Type.SN_IIN, Type.SN_IBC))
    return np.asarray(exploding | ((best > low) & (quiet.max(axis=1) < high)))


def _shone(lit: Lit, followed: Ints, model: Ints, models: Sequence[Model], seen: Visits) -> Floats:
    """(m, v) true fluxes of the sources that are followed."""
    flux = lit.quiet[followed][:, seen.band]
    for number, each in enumerate(models):
        rows = np.flatnonzero(model[followed] == number)
        if not len(rows):
            continue
        of = followed[rows]
        some = Lit(
            lit.sources.taken(of), lit.ids[of], lit.changes.taken(of), lit.quiet[of], lit.seed
        )
        flux[rows] = each.light(some, seen)
    return flux


@dataclass(frozen=True, slots=True)
class _Rows:
    """Measured light curves: (n, v) nanomaggies."""

    ids: Ints
    difference: Floats
    error: Floats
    total: Floats

    @classmethod
    def of(cls, flux: Floats, quiet: Floats, ids: Ints, seen: Visits, seed: int) -> _Rows:
        """Noise of sky and photons (`observe/noise.py`), of each source and visit its own."""
        deep = fluxes(seen.limit)
        bright = np.maximum(flux, 0.0)
        steady = np.square(_STEADY_MAG / PER_MAG * bright)
        error = np.sqrt(steady + (0.04 - GAMMA) * deep * bright + GAMMA * deep**2)
        total = flux + error * chance.normal(seed, "ztf.noise", each_at(ids, seen.number))
        return cls(ids, total - quiet[:, seen.band], error, total)

    @property
    def detected(self) -> Mask:
        """(n, v) differences of five sigma."""
        return np.greater_equal(np.abs(self.difference), 5.0 * self.error)

    def taken(self, which: Mask) -> _Rows:
        """Some of the sources."""
        return _Rows(*(getattr(self, name)[which] for name in _Rows.__slots__))

    def table(self, seen: Visits) -> pa.Table:
        """A row a source and visit; sources in the order given, visits in that of time."""
        n, v = self.error.shape
        with np.errstate(divide="ignore", invalid="ignore"):
            mag = 22.5 - 2.5 * np.log10(self.total)
            mag_error = PER_MAG * self.error / self.total
        faint = np.ravel(self.total < 3.0 * self.error)
        columns = [
            from_numpy(np.repeat(self.ids, v)),
            from_numpy(np.tile(seen.mjd, n)),
            from_numpy(np.tile((seen.band + 1).astype(np.int8), n)),
            from_numpy(_single(_MICROJANSKY * self.difference)),
            from_numpy(_single(_MICROJANSKY * self.error)),
            from_numpy(np.tile(seen.limit.astype(np.float32), n)),
            pa.array(_single(mag), mask=faint),
            pa.array(_single(mag_error), mask=faint),
        ]
        return pa.table(columns, schema=CURVES)


def _single(values: Floats) -> NDArray[np.float32]:
    return np.ravel(values).astype(np.float32)


def _variables(lit: Lit, count: Ints, detections: Ints) -> pa.Table:
    sources, changes = lit.sources, lit.changes
    named = np.array([NAMES[Type(each)] for each in changes.type], dtype=object)
    exploded = np.array([name.startswith("SN") for name in named], np.bool_)
    known: dict[str, Any] = {
        "id": lit.ids, "ra_deg": sources.ra_deg, "dec_deg": sources.dec_deg, "kind": sources.kind,
        "redshift": sources.redshift, "visits": count, "detections": detections,
    }  # fmt: skip
    columns = []
    for field in VARIABLES:
        if field.name == "type":
            columns.append(pa.array(named, pa.string()))
        elif field.name == "host_id":
            columns.append(pa.array(sources.system, mask=~exploded))
        else:
            values = known.get(field.name, getattr(changes, field.name, None))
            values = np.asarray(values, field.type.to_pandas_dtype())
            missing = np.isnan(values) if values.dtype.kind == "f" else None
            columns.append(pa.array(values, mask=missing))
    return pa.table(columns, schema=VARIABLES)
