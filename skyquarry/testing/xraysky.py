"""A frozen simulated X-ray, optical and infrared field of COSMOS's densities, with the truth.

version = 1. After the field on which Salvato et al. (2018, MNRAS 473, 4937) show nway: at scale 1
it has 2 square degrees, 1,797 X-ray sources with errors of 0.6 to 4" per axis, 560,536 optical
sources with 0.1" and 345,512 infrared ones with 0.5". Nine in ten X-ray sources have an optical
counterpart; these are brighter, q(m), than the field, n(m). Errors are Gaussian and as stated: here
it is the probabilities that are judged, `crossfields.py` judges robustness.

The errors are such that the nearest optical source by geometry alone, the best match where optical
errors are equal, is the true one for 69 % of the X-ray sources that have one; with the true q/n the
most probable one is right for 89 %. Frozen: a better field is a new version beside this one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import pyarrow as pa

from skyquarry.catalog.arrow import from_numpy
from skyquarry.catalog.roles import Band, Epoch, PositionError, Roles
from skyquarry.errors import UserError
from skyquarry.sky.vectors import to_radec, to_xyz
from skyquarry.testing.crossfieldobjects import strewn
from skyquarry.testing.crossfields import turn_to
from skyquarry.testing.crossfieldsurveys import shifted

if TYPE_CHECKING:
    from skyquarry.testing.crossfieldobjects import Floats, Random
    from skyquarry.testing.crossfieldsurveys import Ints

version: Final = 1

COUNTS: Final = {"xray": 1_797, "optical": 560_536, "infrared": 345_512}
AREA_DEG2: Final = 2.0
COMPLETENESS: Final = 0.9
"""the share of X-ray sources that have an optical counterpart"""
OPTICAL_ARCSEC: Final = 0.1
INFRARED_ARCSEC: Final = 0.5

_ARCSEC: Final = np.pi / (180.0 * 3600.0)
_OPTICAL_LIMIT, _INFRARED_LIMIT = 26.0, 24.5
_SLOPE = 0.32
_Q_MEAN, _Q_WIDTH = 21.9, 1.5


@dataclass(frozen=True, slots=True)
class XraySky:
    """Three catalogues of one field, and what is true of them."""

    catalogs: dict[str, pa.Table]
    """xray: id, ra, dec, pos_err; optical: id, ra, dec, mag; infrared: id, ra, dec, mag"""
    roles: dict[str, Roles]
    truth: pa.Table
    """one line an X-ray source, in row order: xray, optical, infrared: rows, -1 where there is no
    counterpart"""
    pairs: pa.Table
    """optical, infrared: the rows of every object that is in both, X-ray sources' included"""
    area_deg2: float


def xraysky(
    scale: float = 1.0, *, seed: int = 1, centre_deg: tuple[float, float] = (150.1, 2.2)
) -> XraySky:
    """The field; `scale` times its area and its counts (densities stay), for smaller tests.

    Raises UserError for a scale beyond 0.001 to 10.
    """
    if not 0.001 <= scale <= 10.0:
        raise UserError(f"scale is {scale}, but 0.001 to 10 is needed: 1 is the whole field")
    random = np.random.default_rng([version, seed, round(scale * 1e6)])
    counts = {name: max(1, round(scale * count)) for name, count in COUNTS.items()}
    area = scale * AREA_DEG2
    things = _things(counts, area, random)
    turn = turn_to(*centre_deg)
    places = {
        "xray": (np.arange(counts["xray"]), things.xray_arcsec),
        "optical": (things.optical, np.full(counts["optical"], OPTICAL_ARCSEC)),
        "infrared": (things.infrared, np.full(counts["infrared"], INFRARED_ARCSEC)),
    }
    tables = {
        name: _table(things, thing, sigma, turn, random) for name, (thing, sigma) in places.items()
    }
    tables["xray"] = tables["xray"].append_column("pos_err", from_numpy(things.xray_arcsec))
    for name, mags in (("optical", things.optical_mag), ("infrared", things.infrared_mag)):
        tables[name] = tables[name].append_column("mag", from_numpy(mags[places[name][0]]))
    return XraySky(tables, roles(), *_truth(things, counts["xray"]), area)


@dataclass(frozen=True, slots=True)
class _Things:
    """All objects, those of the X-ray sources first; and which of them each catalogue holds."""

    xyz: Floats
    optical_mag: Floats
    infrared_mag: Floats
    xray_arcsec: Floats
    optical: Ints
    """(rows,) object of each row"""
    infrared: Ints


def _things(counts: dict[str, int], area_deg2: float, random: Random) -> _Things:
    n_xray, n_optical, n_infrared = (counts[n] for n in ("xray", "optical", "infrared"))
    has_optical = random.random(n_xray) < COMPLETENESS
    has_infrared = random.random(n_xray) < np.where(has_optical, 0.92, 0.7)
    n_field = n_optical - int(has_optical.sum())
    n_red = round(0.25 * n_infrared)  # seen in the infrared alone
    n = n_xray + n_field + n_red
    optical_mag = np.concatenate([_q(n_xray, random), _n(n_field, random), np.full(n_red, np.nan)])
    colour = np.where(np.arange(n) < n_xray, 2.6, 1.8) + 0.9 * random.standard_normal(n)
    infrared_mag = np.where(np.isnan(optical_mag), 0.0, optical_mag) - colour
    infrared_mag[n_xray + n_field :] = _INFRARED_LIMIT - random.exponential(0.9, n_red)
    n_both = n_infrared - n_red - int(has_infrared.sum())
    wanted = infrared_mag[n_xray : n_xray + n_field] + 0.7 * random.standard_normal(n_field)
    both = n_xray + np.argsort(wanted, kind="stable")[:n_both]
    x, y = strewn(n, area_deg2, random)
    field = np.arange(n_xray, n_xray + n_field)
    optical = np.concatenate([np.flatnonzero(has_optical), field])
    red = np.arange(n_xray + n_field, n)
    infrared = np.concatenate([np.flatnonzero(has_infrared), both, red])
    return _Things(
        to_xyz(x, y),
        optical_mag,
        infrared_mag,
        np.clip(1.72 * np.exp(0.4 * random.standard_normal(n_xray)), 0.6, 4.0),
        random.permutation(optical),
        random.permutation(infrared),
    )


def _q(n: int, random: Random) -> Floats:
    """Magnitudes of counterparts: a bell, cut at the limit."""
    mags = _Q_MEAN + _Q_WIDTH * random.standard_normal(n)
    return np.where(mags < _OPTICAL_LIMIT, mags, _Q_MEAN)


def _n(n: int, random: Random) -> Floats:
    """Magnitudes of the field: a power law of counts from 17 to the limit."""
    low = 10.0 ** (_SLOPE * (17.0 - _OPTICAL_LIMIT))
    return _OPTICAL_LIMIT + np.log10(random.uniform(low, 1.0, n)) / _SLOPE


def _table(things: _Things, thing: Ints, sigma: Floats, turn: Floats, random: Random) -> pa.Table:
    """id, ra, dec of the rows, each measured with its error per axis."""
    dx, dy = sigma * _ARCSEC * random.standard_normal((2, len(thing)))
    ra, dec = to_radec(shifted(things.xyz[thing], dx, dy) @ turn)
    ids = np.arange(1, len(thing) + 1)
    return pa.table({"id": from_numpy(ids), "ra": from_numpy(ra), "dec": from_numpy(dec)})


def roles() -> dict[str, Roles]:
    """Which column of each catalogue is what, and the errors of the two that have no column."""

    def of(error: PositionError, band: str | None = None) -> Roles:
        bands = () if band is None else (Band(band, "mag"),)
        epoch = Epoch(jyear=2010.0)
        return Roles("ra", "dec", "id", epoch=epoch, position_error=error, bands=bands)

    return {
        "xray": of(PositionError("circular", ("pos_err",))),
        "optical": of(PositionError("fixed", fixed_arcsec=OPTICAL_ARCSEC), "i"),
        "infrared": of(PositionError("fixed", fixed_arcsec=INFRARED_ARCSEC), "ch1"),
    }


def _truth(things: _Things, n_xray: int) -> tuple[pa.Table, pa.Table]:
    row = np.full((2, len(things.xyz)), -1, np.int64)
    row[0, things.optical] = np.arange(len(things.optical))
    row[1, things.infrared] = np.arange(len(things.infrared))
    both = np.flatnonzero((row >= 0).all(axis=0))
    truth = {
        "xray": from_numpy(np.arange(n_xray)),
        "optical": from_numpy(row[0, :n_xray]),
        "infrared": from_numpy(row[1, :n_xray]),
    }
    pairs = {"optical": from_numpy(row[0, both]), "infrared": from_numpy(row[1, both])}
    return pa.table(truth), pa.table(pairs)
