"""A frozen simulated sky in four surveys, with the truth: it judges the matcher, which it predates.

version = 1. Written before the matcher was tuned, and frozen: never change it to suit a matcher. A
better sky is a new version beside this one. It shares no noise model with the matcher: errors have
Student-t tails (4 degrees of freedom) and sizes that the surveys misstate by 0.8 to 1.3, with
floors they leave out; zero points wander over the sky by tens of mas; what a survey cannot resolve
is one row at the flux-weighted centroid; rows of nothing lie near the limit and along the spikes of
bright stars; rows where tiles overlap stand twice; motions have a tail to 10.5"/yr; many Gaia rows
have two parameters only. Left out: parallax, so that every position is barycentric; clustering
beyond companions.

The objects are made in `crossfieldobjects.py`, the surveys' view of them in
`crossfieldsurveys.py`. The same seed gives the same field anywhere on the sky, turned there.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import pyarrow as pa

from skyquarry.catalog.arrow import from_numpy
from skyquarry.errors import UserError
from skyquarry.sky.vectors import to_radec, to_xyz
from skyquarry.testing.crossfieldobjects import BANDS, GALAXY, LATITUDES, Objects, make_objects
from skyquarry.testing.crossfieldsurveys import SURVEYS, Detections, axes, observe, shifted

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from skyquarry.catalog.roles import Roles
    from skyquarry.testing.crossfieldobjects import Floats

version: Final = 1

_MJD_2000, _JD_2000 = 51544.5, 2451545.0


@dataclass(frozen=True, slots=True)
class CrossField:
    """Four catalogues of one sky, and what is true of them."""

    catalogs: dict[str, pa.Table]
    """gaia_dr3, twomass_psc, allwise, panstarrs1: columns and units are the surveys' own"""
    roles: dict[str, Roles]
    """of each catalogue: the survey's role file, fitted to the columns that are there"""
    objects: pa.Table
    """object, ra_deg and dec_deg at 2016.0, pmra_masyr, pmdec_masyr, kind (of
    `crossfieldobjects.KINDS`), size_arcsec, a column a band, and by survey NAME_row: the row in
    which the object is the brightest part (the one that is no duplicate), -1 where there is none"""
    links: pa.Table
    """catalog, row, object, flux_fraction, n_blend, is_primary: every object with at least 1 % of
    the flux of a row; rows of nothing have no entry"""
    rows: dict[str, pa.Table]
    """of each catalogue, row by row: object (the brightest part, -1: none), spurious, duplicate"""
    area_deg2: float


def crossfield(
    latitude_deg: int = 60,
    *,
    seed: int = 1,
    area_deg2: float = 1.0,
    centre_deg: tuple[float, float] = (150.0, 20.0),
) -> CrossField:
    """The frozen sky at galactic latitude 60, 30 or 10: a square field around `centre_deg`.

    Ids are the same wherever the field lies: row numbers and offsets. Raises UserError for another
    latitude, or an area beyond 0 to 100 square degrees.
    """
    if latitude_deg not in LATITUDES:
        raise UserError(
            f"latitude_deg is {latitude_deg}, but this sky is made for {sorted(LATITUDES)}: "
            "take the nearest of them"
        )
    if not 0.0 < area_deg2 <= 100.0:
        raise UserError(f"area_deg2 is {area_deg2}, but it needs 0 to 100: take several fields")
    random = [np.random.default_rng([version, seed, latitude_deg, k]) for k in range(9)]
    objects = make_objects(LATITUDES[latitude_deg], area_deg2, random[0])
    seen = [observe(s, objects, area_deg2, random[1 + k]) for k, s in enumerate(SURVEYS)]
    turn = turn_to(*centre_deg)
    catalogs = {
        survey.name: _table(survey.name, rows, _Place(rows.xyz, turn), objects, random[5 + k])
        for k, (survey, rows) in enumerate(zip(SURVEYS, seen, strict=True))
    }
    names = [survey.name for survey in SURVEYS]
    return CrossField(
        catalogs,
        {name: _roles(name, table) for name, table in catalogs.items()},
        _objects_table(objects, dict(zip(names, seen, strict=True)), turn),
        pa.concat_tables([_links(n, rows) for n, rows in zip(names, seen, strict=True)]),
        {n: _row_facts(rows) for n, rows in zip(names, seen, strict=True)},
        area_deg2,
    )


def _roles(name: str, table: pa.Table) -> Roles:
    from skyquarry.surveys.load import load

    return load(name).roles.fitted(table.column_names)[0]


# ---------------------------------------------------------------- to its place on the sky
def turn_to(ra_deg: float, dec_deg: float) -> Floats:
    """(3, 3): takes vectors of the field, whose centre is (0, 0), to the sky."""
    ra, dec = np.radians([ra_deg, dec_deg])
    r = [np.cos(dec) * np.cos(ra), np.cos(dec) * np.sin(ra), np.sin(dec)]
    p = [-np.sin(ra), np.cos(ra), 0.0]
    q = [-np.sin(dec) * np.cos(ra), -np.sin(dec) * np.sin(ra), np.cos(dec)]
    return np.array([r, p, q])


@dataclass(frozen=True, slots=True)
class _Place:
    """Rows of the field turned to the sky: positions, and what the turn does to directions."""

    xyz: Floats
    turn: Floats

    def radec(self) -> tuple[Floats, Floats]:
        return to_radec(self.xyz @ self.turn)

    def angle(self) -> Floats:
        """(n,) radians: by how much the field's axes are turned against local east and north."""
        there = self.xyz @ self.turn
        east, north = axes(there)
        field_east = axes(self.xyz)[0] @ self.turn
        angle: Floats = np.arctan2(_dot(north, field_east), _dot(east, field_east))
        return angle

    def vector(self, x: Floats, y: Floats) -> tuple[Floats, Floats]:
        """Components towards local east and north of vectors in the field's axes."""
        sin, cos = np.sin(self.angle()), np.cos(self.angle())
        return x * cos - y * sin, x * sin + y * cos

    def covariance(self, sigma: Floats, corr: Floats) -> tuple[Floats, Floats, Floats]:
        """(sigma east, sigma north, correlation) of errors of equal size in the field's axes."""
        twist = corr * np.sin(2.0 * self.angle())
        east, north = sigma * np.sqrt(1.0 - twist), sigma * np.sqrt(1.0 + twist)
        cross = corr * np.cos(2.0 * self.angle()) * sigma**2
        return east, north, cross / (east * north)


def _dot(a: Floats, b: Floats) -> Floats:
    return np.asarray(np.sum(a * b, axis=1))


# ---------------------------------------------------------------- the surveys' tables
def _table(
    name: str, rows: Detections, place: _Place, objects: Objects, random: np.random.Generator
) -> pa.Table:
    make: dict[str, Callable[..., dict[str, object]]] = {
        "gaia_dr3": _gaia,
        "twomass_psc": _twomass,
        "allwise": _allwise,
        "panstarrs1": _panstarrs,
    }
    columns = make[name](rows, place, objects, random)
    return pa.table({key: _column(values) for key, values in columns.items()})


def _column(values: object) -> pa.Array:
    """An Arrow column; NaN is null."""
    if not isinstance(values, np.ndarray):
        return pa.array(values)
    if values.dtype != np.float64 or not np.isnan(values).any():
        return from_numpy(values)
    return pa.array(values, mask=np.isnan(values))


def _gaia(
    rows: Detections, place: _Place, objects: Objects, random: np.random.Generator
) -> dict[str, object]:
    """Five parameters, or two where faint, crowded or not a star."""
    n = len(rows.epoch)
    owner = np.maximum(rows.object, 0)
    real = rows.object >= 0
    galaxy = (objects.kind[owner] == GALAXY) & real
    g_mag = rows.mags["G"]
    n_parts = np.bincount(rows.link, minlength=n)
    chance = 1.0 / (1.0 + np.exp(-(g_mag - 20.6) / 0.15)) + 0.15 * galaxy + 0.4 * (n_parts > 1)
    five = (random.random(n) > chance) & real
    sigma_mas = 1e3 * rows.stated_arcsec
    pm_error = 1.05 * sigma_mas
    tails = np.sqrt(2.0 / random.chisquare(4.0, (2, n))) * random.standard_normal((2, n))
    pm = np.where(real[:, None], objects.pm[owner], 0.0).T + 1.1 * pm_error * tails
    extra = np.where(five, 0.0, 2.5 * sigma_mas)  # of two parameters: worse, and it says so
    wander = 1e-3 * extra * random.standard_normal((2, n)) * np.pi / 180.0 / 3600.0
    moved = _Place(shifted(place.xyz, wander[0], wander[1]), place.turn)
    east, north, corr = place.covariance(np.hypot(sigma_mas, extra), rows.corr)
    pmra, pmdec = place.vector(pm[0], pm[1])
    ra, dec = moved.radec()
    none = np.where(five, 0.0, np.nan)
    return {
        "source_id": 4_000_000_000_000_000_000 + 7 * np.arange(n, dtype=np.int64),
        "ra": ra,
        "dec": dec,
        "ra_error": east,
        "dec_error": north,
        "ra_dec_corr": corr,
        "pmra": pmra + none,
        "pmdec": pmdec + none,
        "pmra_error": pm_error + none,
        "pmdec_error": pm_error + none,
        "pmra_pmdec_corr": 0.0 + none,
        "ref_epoch": rows.epoch,
        "astrometric_params_solved": np.where(five, 31, 3).astype(np.int64),
        "phot_g_mean_mag": g_mag,
        "phot_bp_mean_mag": np.where(rows.mags["BP"] < 21.0, rows.mags["BP"], np.nan),
        "phot_rp_mean_mag": np.where(rows.mags["RP"] < 20.5, rows.mags["RP"], np.nan),
    }


def _twomass(
    rows: Detections, place: _Place, _: Objects, random: np.random.Generator
) -> dict[str, object]:
    """Errors as an ellipse: the correlation in the field's axes makes its axes the diagonals."""
    ra, dec = place.radec()
    big = rows.stated_arcsec * np.sqrt(1.0 + np.abs(rows.corr))
    small = rows.stated_arcsec * np.sqrt(1.0 - np.abs(rows.corr))
    diagonal = np.where(rows.corr > 0.0, 45.0, 135.0)  # of the field, east of its north
    angle = np.mod(diagonal - np.degrees(place.angle()), 180.0)
    lost = random.random((2, len(ra))) < 0.04
    return {
        "designation": [f"T{k:08d}" for k in range(len(ra))],
        "ra": ra,
        "dec": dec,
        "err_maj": big,
        "err_min": small,
        "err_ang": angle,
        "jdate": _JD_2000 + 365.25 * (rows.epoch - 2000.0),
        "j_m": rows.mags["J"],
        "h_m": np.where(lost[0], np.nan, rows.mags["H"]),
        "k_m": np.where(lost[1], np.nan, rows.mags["Ks"]),
    }


def _allwise(
    rows: Detections, place: _Place, _: Objects, random: np.random.Generator
) -> dict[str, object]:
    ra, dec = place.radec()
    east, north, corr = place.covariance(rows.stated_arcsec, rows.corr)
    cross = corr * east * north
    lost = random.random(len(ra)) < 0.05
    return {
        "source_id": [f"W{k:08d}" for k in range(len(ra))],
        "ra": ra,
        "dec": dec,
        "sigra": east,
        "sigdec": north,
        "sigradec": np.sign(cross) * np.sqrt(np.abs(cross)),
        "w1mjdmean": _MJD_2000 + 365.25 * (rows.epoch - 2000.0),
        "w1mpro": rows.mags["W1"],
        "w2mpro": np.where(lost, np.nan, rows.mags["W2"]),
    }


def _panstarrs(
    rows: Detections, place: _Place, objects: Objects, random: np.random.Generator
) -> dict[str, object]:
    """Errors without a cross term; Kron magnitudes that are brighter where a row is extended."""
    ra, dec = place.radec()
    east, north, _ = place.covariance(rows.stated_arcsec, rows.corr)
    size = np.where(rows.object >= 0, objects.size_arcsec[np.maximum(rows.object, 0)], 0.0)
    kron = rows.mags["i"] - 2.5 * np.log10(1.0 + size**2)
    return {
        "objID": 90_000_000_000_000_000 + 3 * np.arange(len(ra), dtype=np.int64),
        "raMean": ra,
        "decMean": dec,
        "raMeanErr": east,
        "decMeanErr": north,
        "epochMean": _MJD_2000 + 365.25 * (rows.epoch - 2000.0),
        "gMeanPSFMag": np.where(rows.mags["g"] < 23.0, rows.mags["g"], np.nan),
        "iMeanPSFMag": rows.mags["i"],
        "iMeanKronMag": kron + 0.03 * random.standard_normal(len(ra)),
    }


# ---------------------------------------------------------------- the truth
def _objects_table(objects: Objects, seen: dict[str, Detections], turn: Floats) -> pa.Table:
    place = _Place(to_xyz(objects.x_deg, objects.y_deg), turn)
    ra, dec = place.radec()
    pmra, pmdec = place.vector(objects.pm[:, 0], objects.pm[:, 1])
    columns: dict[str, NDArray[np.generic]] = {
        "object": np.arange(len(objects), dtype=np.int64),
        "ra_deg": ra,
        "dec_deg": dec,
        "pmra_masyr": pmra,
        "pmdec_masyr": pmdec,
        "kind": objects.kind.astype(np.int64),
        "size_arcsec": objects.size_arcsec,
    }
    columns |= {band: objects.mags[band] for band in BANDS}
    columns |= {f"{name}_row": _row_of(rows, len(objects)) for name, rows in seen.items()}
    return pa.table({name: from_numpy(values) for name, values in columns.items()})


def _row_of(rows: Detections, n_objects: int) -> NDArray[np.int64]:
    found = np.full(n_objects, -1, np.int64)
    first = np.flatnonzero((rows.object >= 0) & ~rows.duplicate)
    found[rows.object[first]] = first
    return found


def _links(name: str, rows: Detections) -> pa.Table:
    order = np.lexsort((-rows.link_share, rows.link))
    row, thing = rows.link[order], rows.link_object[order]
    counts = np.bincount(row, minlength=len(rows.epoch))
    return pa.table(
        {
            "catalog": [name] * len(row),
            "row": from_numpy(row),
            "object": from_numpy(thing),
            "flux_fraction": from_numpy(rows.link_share[order]),
            "n_blend": from_numpy(counts[row]),
            "is_primary": from_numpy(rows.object[row] == thing),
        }
    )


def _row_facts(rows: Detections) -> pa.Table:
    return pa.table(
        {
            "object": from_numpy(rows.object),
            "spurious": from_numpy(rows.spurious),
            "duplicate": from_numpy(rows.duplicate),
        }
    )
