"""Rows of a catalogue from a table and its roles: what the matcher computes with.

Everything that can be wrong with a row is settled here, once, and counted: what follows may take
positions on the sky, positive definite covariances, and ids that can be compared for granted.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from skyquarry.catalog.arrow import from_numpy, to_numpy
from skyquarry.catalog.columns import SPATIAL
from skyquarry.errors import PositionError
from skyquarry.match.given.bands import extended, magnitudes, reference_band
from skyquarry.match.given.cool import cool_bands, coolness
from skyquarry.match.given.motioncolumns import motions_of
from skyquarry.match.given.ordering import sky_order
from skyquarry.match.given.policies import ErrorPolicy, Notes, Rejects
from skyquarry.match.given.positionerrors import (
    errors_of,
    widen_for_extent,
    widen_for_single_precision,
)
from skyquarry.match.given.rows import Flag, Rows
from skyquarry.match.given.sides import ROW
from skyquarry.match.given.values import Values
from skyquarry.sky import healpix
from skyquarry.sky.vectors import wrap_ra

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from skyquarry.catalog.roles import Roles

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]
    Mask = NDArray[np.bool_]

__all__ = ["ErrorPolicy", "Rejects", "needed_columns", "rows_of"]

_TO_DEGREES = {"deg": 1.0, "rad": 180.0 / np.pi, "hourangle": 15.0}
_YEARS = (1700.0, 2300.0)
_SIGN = np.uint64(1 << 63)
_LAST = np.iinfo(np.int64).max


def needed_columns(roles: Roles, band: str | None = None) -> list[str]:
    """The columns that `rows_of` reads, each once."""
    error, motion = roles.position_error, roles.motion
    named: list[str | None] = [roles.id, roles.ra, roles.dec]
    named += [roles.epoch.column] if roles.epoch else []
    named += list(error.columns) if error else []
    if motion:
        named += [motion.pmra, motion.pmdec, motion.pmra_error, motion.pmdec_error]
        named += [motion.pmra_pmdec_corr, motion.ra_pmra_corr, motion.ra_pmdec_corr]
        named += [motion.dec_pmra_corr, motion.dec_pmdec_corr]
        named += [roles.parallax, roles.parallax_error]
        named += [roles.radial_velocity, roles.radial_velocity_error]
    reference = reference_band(roles, band)
    named += [each.column for each in (reference, *(cool_bands(roles) or ())) if each]
    named += [roles.extent or roles.class_column]
    return list(dict.fromkeys(name for name in named if name is not None))


def rows_of(
    table: pa.Table,
    roles: Roles,
    *,
    policy: ErrorPolicy | None = None,
    name: str,
    spatial: Ints | None = None,
    band: str | None = None,
) -> tuple[Rows, Rejects]:
    """The valid rows of a table, sorted by order-29 pixel, then id, then row; and what was amiss.

    Parameters
    ----------
    table
        The columns of `needed_columns`, positions in ICRS; perhaps `_healpix_29`, and `_row`, the
        number of each row in what the user gave.
    roles
        Which column is what.
    policy
        How errors that cannot be used are treated.
    name
        What messages call the catalogue.
    spatial
        (n,) order-29 pixels, where the table has none; else they are computed.
    band
        Name of the band of `Rows.mag`; None: the first.

    Rows whose position is null, not finite or beyond |dec| = 90 are set aside and counted; a row's
    own number is its `_row`, -1 in a table from disk (with `_healpix_29`), else its place.

    Raises
    ------
    UserError
        When there are no errors of positions, and no default.
    """
    policy = policy or ErrorPolicy()
    notes = Notes(name, table.num_rows)
    values, radec, pixels = _placed(_numbered(table), roles, spatial, notes)
    errors = errors_of(values, roles, policy, notes)
    widen_for_single_precision(values, roles, radec, errors, notes)
    widen_for_extent(values, roles, errors, notes)
    ids = _ids(values, roles, pixels)
    ranks = _ranks(ids)
    if ids.type == pa.int64() and not ids.null_count:
        ids = from_numpy(ranks)  # one array for both
    rows = Rows(
        *radec,
        pixels,
        ids,
        ranks,
        np.array(to_numpy(values.table.column(ROW)), np.int64),
        errors.covariance,
        _epochs(values, roles, notes),
        motions_of(values, roles, radec[1], errors, policy, notes),
        magnitudes(values, reference_band(roles, band)),
        coolness(values, roles),
        extended(values, roles),
        np.zeros(len(values)),
        0.0,
        errors.flags,
    )
    if errors.aside is not None:
        rows = rows.take(np.flatnonzero(~errors.aside))
    rows = _sorted(rows)
    _flag_duplicates(rows)
    return rows, notes.rejects()


# ---------------------------------------------------------------- positions


def _placed(
    table: pa.Table, roles: Roles, spatial: Ints | None, notes: Notes
) -> tuple[Values, tuple[Floats, Floats], Ints]:
    """Rows that have a position: their columns, RA in [0, 360) and dec, and their pixels."""
    if roles.ra is None or roles.dec is None:
        raise PositionError(
            f"the roles of {notes.name} name no ra and dec, but a match needs positions: name them"
        )
    if roles.frame != "icrs" or roles.position_unit not in _TO_DEGREES:
        raise PositionError(
            f"positions of {notes.name} are {roles.frame}, {roles.position_unit}, but rows are "
            "compared in ICRS degrees: convert them first, as skyquarry.build does"
        )
    values = Values(table, notes.name)
    factor = _TO_DEGREES[roles.position_unit]
    ra = values.floats(roles.ra) * factor
    dec = values.floats(roles.dec) * (factor if roles.position_unit == "rad" else 1.0)
    pixels = to_numpy(table.column(SPATIAL)) if values.has(SPATIAL) else spatial
    aside = notes.first_reason(_displaced(ra, dec))
    if aside is not None:
        kept = np.flatnonzero(~aside)
        ra, dec = ra[kept], dec[kept]
        values = Values(table.take(from_numpy(kept)), notes.name)
        pixels = None if pixels is None else pixels[kept]
    if len(ra) and (ra.min() < 0.0 or ra.max() >= 360.0):
        ra = wrap_ra(ra)
    if pixels is None:
        pixels = healpix.index(ra, dec)
    return values, (ra, dec), np.ascontiguousarray(pixels, np.int64)


def _displaced(ra: Floats, dec: Floats) -> Iterator[tuple[str, Mask]]:
    """Why rows have no place on the sky, and which."""
    if not len(ra) or (np.isfinite(ra.sum()) and np.abs(dec).max() <= 90.0):
        return
    yield "position is null", np.isnan(ra) | np.isnan(dec)
    yield "position is infinite", np.isinf(ra) | np.isinf(dec)
    with np.errstate(invalid="ignore"):
        yield "declination is beyond 90 degrees", np.abs(dec) > 90.0


# ---------------------------------------------------------------- names of rows


def _ids(values: Values, roles: Roles, pixels: Ints) -> pa.Array:
    """The ids; without any, the rows' own numbers, or for rows from disk their pixels."""
    if roles.id is not None and values.has(roles.id):
        ids = values.table.column(roles.id).combine_chunks()
        if isinstance(ids, pa.ChunkedArray):
            ids = pa.concat_arrays(ids.chunks) if ids.num_chunks else pa.array([], ids.type)
        return ids.dictionary_decode() if pa.types.is_dictionary(ids.type) else ids
    numbers = np.array(to_numpy(values.table.column(ROW)), np.int64)
    return from_numpy(pixels if len(numbers) and numbers[0] < 0 else numbers)


def _ranks(ids: pa.Array) -> Ints:
    """(n,) int64 in the order of the ids, null last: whole numbers as they are, others dense.

    Those of unsigned 64-bit ids are shifted by 2^63, so that all fit.
    """
    if ids.type == pa.int64() and not ids.null_count:
        return np.array(to_numpy(ids))
    if pa.types.is_uint64(ids.type):
        told = to_numpy(ids.fill_null(2**64 - 1)).astype(np.uint64) ^ _SIGN
        return told.view(np.int64)
    if pa.types.is_integer(ids.type):
        return np.array(to_numpy(ids.cast(pa.int64()).fill_null(_LAST)), np.int64)
    if not len(ids):
        return np.empty(0, np.int64)
    if pa.types.is_boolean(ids.type) or pa.types.is_null(ids.type):
        ids = ids.cast(pa.int8())
    if pa.types.is_fixed_size_binary(ids.type):
        ids = ids.cast(pa.binary())
    ranked = pc.rank(ids, tiebreaker="dense")  # null comes last
    return np.array(to_numpy(ranked.cast(pa.int64())), np.int64)


def _numbered(table: pa.Table) -> pa.Table:
    """The table with the numbers of its rows."""
    if ROW in table.column_names:
        return table
    n = table.num_rows
    on_disk = SPATIAL in table.column_names
    numbers = np.full(n, -1, np.int64) if on_disk else np.arange(n, dtype=np.int64)
    return table.append_column(ROW, from_numpy(numbers))


def _sorted(rows: Rows) -> Rows:
    """By pixel, then rank, then row; rows that are sorted already are not copied."""
    order = sky_order(rows.spatial)
    pixels = rows.spatial[order]
    same = np.flatnonzero(pixels[1:] == pixels[:-1])
    if len(same):
        tied = np.union1d(same, same + 1)
        there = order[tied]
        order[tied] = there[np.lexsort((rows.row[there], rows.rank[there], pixels[tied]))]
    if np.array_equal(order, np.arange(len(order))):
        return rows
    return rows.take(order)


def _flag_duplicates(rows: Rows) -> None:
    """Mark rows of one id in one place (overlaps of tiles of the sky, read twice)."""
    same = (rows.spatial[1:] == rows.spatial[:-1]) & (rows.rank[1:] == rows.rank[:-1])
    rows.flags[1:][same] |= Flag.DUPLICATE.value
    rows.flags[:-1][same] |= Flag.DUPLICATE.value


# ---------------------------------------------------------------- epochs


def _epochs(values: Values, roles: Roles, notes: Notes) -> Floats:
    """(n,) Julian years; NaN where unknown."""
    epoch = roles.epoch
    if epoch is None:
        if roles.motion is not None:
            notes.warn("no epoch is known: positions are compared as they stand", len(values))
        return np.full(len(values), np.nan)
    if epoch.column is None:
        return np.full(len(values), epoch.jyear, np.float64)
    column = epoch.column
    raw = values.raw(column) if epoch.format == "iso" else values.floats(column)
    years = np.array(epoch.jyears(raw), np.float64)
    with np.errstate(invalid="ignore"):
        absurd = (years < _YEARS[0]) | (years > _YEARS[1])
    notes.warn(
        f"epoch outside {_YEARS[0]:.0f} to {_YEARS[1]:.0f} ({column} as {epoch.format}): "
        "taken as unknown",
        absurd,
    )
    years[absurd | ~np.isfinite(years)] = np.nan
    return years
