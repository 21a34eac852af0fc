"""The table of groups, an object each, and that of members, a catalogue row each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from skyquarry.catalog.arrow import from_numpy
from skyquarry.match.given.rows import Flag
from skyquarry.match.kernels import pairtable
from skyquarry.match.likelihood.combine import combine
from skyquarry.match.resolution.groups import Groups
from skyquarry.match.results.columns import groups_schema, members_schema
from skyquarry.match.results.tables import REASONS, known, made_table

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
    work, chosen = maker.work, _chosen(maker)
    groups, evidence = work.groups, work.evidence
    taken = _taken(groups, chosen)
    floor = maker.calibration.common_floor_arcsec
    combined = combine(work.rows, taken, maker.rules.motion, floor, table=work.table)
    runner_up = maker.solved.resolved.runner_up[chosen]
    first = maker.first(chosen)
    columns: dict[str, Any] = {
        "group_id": maker.names.take(from_numpy(first)),
        "ra": combined.ra_deg,
        "dec": combined.dec_deg,
        "n": np.diff(taken.start).astype(np.int16),
        "catalogs": taken.catalogs.astype(np.int64),
        "posterior": maker.posterior[chosen],
        "runner_up": runner_up,
        "lnB": evidence.lnB[chosen],
        "chi2": combined.chi2,
        "dof": combined.dof.astype(np.int16),
        "p_value": combined.p_value,
        "ra_error": combined.ra_error,
        "dec_error": combined.dec_error,
        "ra_dec_corr": combined.ra_dec_corr,
        "epoch": combined.epoch,
        "pmra": combined.pm[:, 0],
        "pmdec": combined.pm[:, 1],
        "pmra_error": np.sqrt(combined.pm_covariance[:, 0]),
        "pmdec_error": np.sqrt(combined.pm_covariance[:, 1]),
        "flags": _group_flags(maker, taken, runner_up, combined),
        "_spatial": maker.spatial[first],
        **_member_columns(maker, chosen),
    }
    return made_table(columns, groups_schema(maker.shape, hidden=True))


def _chosen(maker: Maker) -> Ints:
    """The groups of the best partition, by first member along the sky."""
    chosen = np.flatnonzero(maker.solved.resolved.chosen)
    order: Ints = np.argsort(maker.place[maker.first(chosen)], kind="stable")
    return chosen[order]


def _taken(groups: Groups, chosen: Ints) -> Groups:
    """These groups as `Groups` of their own."""
    size = np.diff(groups.start)[chosen]
    start = np.concatenate([[0], np.cumsum(size)])
    place = np.repeat(groups.start[chosen] - start[:-1], size) + np.arange(start[-1])
    return Groups(
        start.astype(np.int64),
        groups.nodes[place],
        groups.catalogs[chosen],
        groups.island[chosen],
        groups.heuristic[chosen],
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
        there = nodes[number] >= 0
        mask, local = from_numpy(there), np.where(there, nodes[number] - work.start[number], 0)
        if not len(rows):
            columns[f"{name}_id"] = pa.nulls(len(chosen), rows.ids.type)
            columns[f"_{number}"] = pa.nulls(len(chosen), pa.int64())
            continue
        columns[f"{name}_id"] = pc.if_else(mask, rows.ids.take(from_numpy(local)), None)
        columns[f"_{number}"] = pc.if_else(mask, from_numpy(rows.spatial[local]), None)
    return columns


# ---------------------------------------------------------------- members


def members_of(maker: Maker) -> pa.Table:
    """One row a row of a catalogue: its group, how sure, and why it is alone if it is."""
    work, told = maker.work, maker.along
    home = maker.home[told]
    names = pa.array(REASONS, pa.string())
    reasons = from_numpy(_reasons(maker)[told].astype(np.int32))
    columns: dict[str, Any] = {
        "group_id": maker.group_names(home),
        "catalog": maker.catalog_names(told),
        "row": known(maker.row[told]),
        "id": maker.ids.take(from_numpy(told)),
        "membership_posterior": maker.posterior[home],
        "p_none": maker.posterior[maker.single[told]],
        "n": np.diff(work.groups.start)[home].astype(np.int16),
        "reason": pa.DictionaryArray.from_arrays(reasons, names),
        "flags": maker.node_flags[told],
        "_spatial": maker.spatial[told],
        "_mag": np.concatenate([each.mag for each in work.rows])[told],
    }
    return made_table(columns, members_schema(maker.shape, hidden=True))


def _reasons(maker: Maker) -> Ints:
    """(nodes,) number in REASONS: alone without candidates, or with candidates rejected."""
    work = maker.work
    alone = np.diff(work.groups.start)[maker.home] == 1
    with_candidates = np.zeros(work.n_nodes, bool)
    with_candidates[work.left] = True
    with_candidates[work.right] = True
    own = np.left_shift(1, maker.catalog).astype(np.uint32)
    unseen = (maker.coverage.observed_at(maker.spatial) | own) == own
    why = np.where(with_candidates, 2, np.where(unseen, 3, 1))
    return np.where(alone, why, 0)
