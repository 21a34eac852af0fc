"""The table of groups, an object each, and that of members, a catalogue row each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from skyquarry.catalog.arrow import from_numpy
from skyquarry.match.given.rows import Flag
from skyquarry.match.kernels import pairtable
from skyquarry.match.likelihood.combine import combine
from skyquarry.match.resolution.groups import Groups
from skyquarry.match.results.arrays import column, known, nothing, numbered, plain_ids, words
from skyquarry.match.results.columns import groups_schema, members_schema
from skyquarry.match.results.lazytables import REASONS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from skyquarry.match.likelihood.combine import Combined
    from skyquarry.match.results.tables import Maker

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]
    Mask = NDArray[np.bool_]

AMBIGUOUS = 0.1
"""A group whose runner-up is more probable than this is flagged."""


def groups_of(maker: Maker) -> pa.Table:
    """One row an object of the best partition: combined position, motion, and how sure."""
    work, chosen = maker.work, maker.in_order
    groups, evidence = work.groups, work.evidence
    taken = _taken(groups, chosen)
    floor = maker.calibration.common_floor_arcsec
    combined = combine(work.rows, taken, maker.rules.motion, floor, table=work.table)
    runner_up = maker.solved.resolved.runner_up[chosen]
    floats: dict[str, Floats] = {
        "ra": combined.ra_deg,
        "dec": combined.dec_deg,
        "posterior": maker.posterior[chosen],
        "runner_up": runner_up,
        "lnB": evidence.lnB[chosen],
        "chi2": combined.chi2,
        "p_value": combined.p_value,
        "ra_error": combined.ra_error,
        "dec_error": combined.dec_error,
        "ra_dec_corr": combined.ra_dec_corr,
        "epoch": combined.epoch,
        "pmra": combined.pm[:, 0],
        "pmdec": combined.pm[:, 1],
        "pmra_error": np.sqrt(combined.pm_covariance[:, 0]),
        "pmdec_error": np.sqrt(combined.pm_covariance[:, 1]),
    }
    columns: dict[str, Any] = {
        "group_id": maker.names,
        "n": column(np.diff(taken.start).astype(np.int16), pa.int16()),
        "catalogs": column(taken.catalogs.astype(np.int64), pa.int64()),
        "dof": column(combined.dof.astype(np.int16), pa.int16()),
        "flags": column(_group_flags(maker, taken, runner_up, combined), pa.int32()),
        "_spatial": column(maker.spatial[maker.first(chosen)], pa.int64()),
        **{name: known(values, pa.float64()) for name, values in floats.items()},
        **_member_columns(maker, chosen),
    }
    schema = groups_schema(maker.shape, hidden=True)
    return pa.Table.from_arrays([columns[name] for name in schema.names], schema=schema)


def _taken(groups: Groups, chosen: Ints) -> Groups:
    """These groups as `Groups` of their own."""
    start, nodes = pairtable.subset(chosen, groups.start, groups.nodes)
    return Groups(
        start, nodes, groups.catalogs[chosen], groups.island[chosen], groups.heuristic[chosen]
    )


def _group_flags(
    maker: Maker, taken: Groups, runner_up: Floats, combined: Combined
) -> NDArray[np.int32]:
    if not len(taken):
        return np.empty(0, np.int32)
    flags = np.bitwise_or.reduceat(maker.node_flags[taken.nodes], taken.start[:-1])
    several = np.diff(taken.start) > 1
    heuristic = maker.solved.resolved.heuristic[taken.island]
    unlikely = several & (combined.p_value < 1.0 - maker.rules.completeness)
    for where, flag in (
        ((runner_up > AMBIGUOUS) & several, Flag.AMBIGUOUS),
        (heuristic, Flag.HEURISTIC),
        (unlikely, Flag.OUTLIER),
    ):
        flags |= where.astype(np.int32) * np.int32(flag)
    told: NDArray[np.int32] = flags
    return told


def _member_columns(maker: Maker, chosen: Ints) -> dict[str, Any]:
    """Of each catalogue the member's id, and its order-29 pixel: so it is found again on disk."""
    groups, work = maker.work.groups, maker.work
    nodes = pairtable.member_nodes(
        chosen, groups.start, groups.nodes, maker.catalog, len(work.rows)
    )
    columns: dict[str, Any] = {}
    for number, (name, rows) in enumerate(zip(maker.shape.names, work.rows, strict=True)):
        kind = maker.shape.id_types[number]
        if not len(rows):
            columns[f"{name}_id"] = nothing(kind, len(chosen))
            columns[f"_{number}"] = nothing(pa.int64(), len(chosen))
            continue
        there = nodes[number] >= 0
        local = np.where(there, nodes[number] - work.start[number], 0)
        columns[f"_{number}"] = column(rows.spatial[local], pa.int64(), there)
        plain = plain_ids(rows.ids) if kind == rows.ids.type else None
        if plain is not None:
            columns[f"{name}_id"] = column(plain[local], kind, there)
        else:
            index = column(local, pa.int64(), there)
            columns[f"{name}_id"] = rows.ids.take(index).cast(kind)
    return columns


# ---------------------------------------------------------------- members


def members_of(maker: Maker) -> pa.Table:
    """One row a row of a catalogue: its group, how sure, and why it is alone if it is."""
    work, told, ids = maker.work, maker.along, maker.plain_ids
    home = maker.home[told]
    group = maker.in_order[home]
    size = np.diff(work.groups.start)[maker.in_order].astype(np.int16)
    reasons = _reasons(maker)[told]
    catalogs = maker.catalog[told].astype(np.int32)
    columns: dict[str, Any] = {
        "group_id": maker.group_names(told),
        "catalog": words(catalogs, maker.shape.names),
        "row": numbered(maker.row[told]),
        "id": maker.ids.take(from_numpy(told)) if ids is None else column(ids[told], pa.int64()),
        "membership_posterior": known(maker.posterior[group], pa.float64()),
        "p_none": known(maker.posterior[maker.single[told]], pa.float64()),
        "n": column(size[home], pa.int16()),
        "reason": words(reasons, REASONS),
        "flags": column(maker.node_flags[told], pa.int32()),
        "_spatial": column(maker.spatial[told], pa.int64()),
        "_mag": known(np.concatenate([each.mag for each in work.rows])[told], pa.float64()),
    }
    schema = members_schema(maker.shape, hidden=True)
    return pa.Table.from_arrays([columns[name] for name in schema.names], schema=schema)


def _reasons(maker: Maker) -> NDArray[np.int32]:
    """(nodes,) number in REASONS: alone without candidates, or with candidates rejected."""
    work = maker.work
    several = (np.diff(work.groups.start)[maker.in_order] > 1)[maker.home]
    why = np.where(several, np.int32(0), np.int32(1))
    rest = np.flatnonzero(~several)
    own = np.left_shift(np.uint32(1), maker.catalog[rest].astype(np.uint32))
    unseen = (maker.coverage.observed_at(maker.spatial[rest]) | own) == own
    why[rest[unseen]] = 3
    with_candidates = np.zeros(work.n_nodes, bool)
    with_candidates[work.left] = True
    with_candidates[work.right] = True
    why[rest[with_candidates[rest]]] = 2
    return why
