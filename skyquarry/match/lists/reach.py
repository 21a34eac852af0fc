"""How far from the rows of a list a catalogue has to be read, told by the limits of its columns."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from skyquarry.catalog.conventions import ARCSEC
from skyquarry.match.given.reading import needed_columns, rows_of
from skyquarry.match.runs.passes import extremes, reach_arcsec

if TYPE_CHECKING:
    from skyquarry.catalog.roles import Roles
    from skyquarry.match.given.catalogsides import CatalogSide
    from skyquarry.match.given.policies import ErrorPolicy
    from skyquarry.match.given.rows import Rows
    from skyquarry.match.runs.rules import Rules

_BELIEVED_ARCSEC = 600_000.0


def reading_reach(mine: Rows, theirs: Rows, rules: Rules, most_arcsec: float) -> float:
    """How far from a row of the list, as catalogued, a candidate may be, in arcsec; at most most.

    `theirs` are rows that reach as far as any of the other catalogue do.
    """
    if not len(mine) or not len(theirs):
        return 0.0
    return min(reach_arcsec([extremes(mine), theirs], rules), most_arcsec)


def farthest_rows(side: CatalogSide, policy: ErrorPolicy) -> Rows:
    """Made-up rows that reach at least as far as every row of a catalogue on disk.

    One has the highest value of every column and one the lowest; the same without any motion, since
    what nobody knows may be more than what somebody has measured. No row is read: limits of columns
    are in the footers.
    """
    roles = side.roles
    named = [n for n in needed_columns(roles) if n in side.schema.names and n != roles.id]
    limits = {name: side.limits(name) for name in named if _is_number(side.schema, name)}
    whole = {str(roles.ra), str(roles.dec), *_lengths(roles), *_epoch(roles)}
    told: dict[str, list[float | None]] = {}
    for name in named:
        low, high = limits.get(name, (None, None))
        if name in _neutral(roles):
            low, high = 0.0, 0.0
        rest = [low, high] if name in whole else [None, None]
        told[name] = [low, high, *rest]
    for name in _lengths(roles):
        told[name] = [_longest(roles, limits[name][1])] * 4
    types = {name: side.schema.field(name).type for name in named}
    table = pa.table(
        {
            name: pa.array(values, types[name] if pa.types.is_floating(types[name]) else None)
            for name, values in told.items()
        }
    )
    plain = replace(roles, id=None)
    return rows_of(table, plain, policy=policy, name=side.name)[0]


def _is_number(schema: pa.Schema, name: str) -> bool:
    kind = schema.field(name).type
    return bool(pa.types.is_floating(kind) or pa.types.is_integer(kind))


def _lengths(roles: Roles) -> tuple[str, ...]:
    """Columns of errors that are lengths: the largest counts."""
    error = roles.position_error
    if error is None:
        return ()
    return error.columns[: 1 if error.model == "circular" else 2]


def _longest(roles: Roles, value: float) -> float:
    """The longest axis of an ellipse whose sigmas reach so far; at most what is believed."""
    error = roles.position_error
    assert error is not None
    scale = error.factor * ARCSEC[error.unit]
    if error.model == "covariance" and len(error.columns) > 2:
        value *= 1.4143
    return min(value, _BELIEVED_ARCSEC / scale)


def _epoch(roles: Roles) -> tuple[str, ...]:
    return (roles.epoch.column,) if roles.epoch and roles.epoch.column else ()


def _neutral(roles: Roles) -> set[Any]:
    """Columns of angles and correlations, which make no ellipse longer than its axes."""
    error, motion = roles.position_error, roles.motion
    found: set[Any] = set(error.columns[2:]) if error else set()
    if motion:
        found |= {motion.pmra_pmdec_corr, motion.ra_pmra_corr, motion.ra_pmdec_corr}
        found |= {motion.dec_pmra_corr, motion.dec_pmdec_corr}
    return found
