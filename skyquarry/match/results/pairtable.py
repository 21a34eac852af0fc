"""The table of pairs: every candidate, how well it fits, and what became of it."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow.compute as pc

from skyquarry.catalog.arrow import from_numpy
from skyquarry.match.given.rows import Flag
from skyquarry.match.kernels import pairtable
from skyquarry.match.likelihood.evidence import node_pairs
from skyquarry.match.results.columns import pairs_schema
from skyquarry.match.results.tables import known, made_table
from skyquarry.match.runs.identify import in_order
from skyquarry.match.runs.nearby import chosen_evidence, together

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray

    from skyquarry.match.likelihood.evidence import PairEvidence
    from skyquarry.match.results.tables import Maker

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]
    Mask = NDArray[np.bool_]

COMPARABLE = 0.5
"""A candidate is comparable (`match_flag` 2) above this share of the best one's probability."""

ABSENT = -2
"""In place of a pair's own group: it is no candidate, a chosen group joins its rows."""


@dataclass(frozen=True, slots=True)
class _Pairs:
    """Candidates, and pairs that only a chosen group joins; sorted by left node, then right."""

    left: Ints
    right: Ints
    evidence: PairEvidence
    own: Ints
    """(m,) the group that is the pair alone; -1: not weighed, in the core of a crowd; ABSENT"""


@dataclass(frozen=True, slots=True)
class _Standing:
    """The pairs as seen from one of their sides; see `kernels.pairtable.standings`."""

    rank: NDArray[np.int32]
    count: NDArray[np.int32]
    total: Floats
    best: Floats
    ties: NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class _Weighed:
    """(m,) each: what the groups say of a pair."""

    posterior: Floats
    geometry: Floats
    inside: Mask
    photometric: Floats
    gain: Floats


def pairs_of(maker: Maker) -> pa.Table:
    """One row a candidate pair, by the left row along the sky, the right catalogue, and rank.

    The pairs of an accepted group are all there, those too that are no candidates of each other: a
    fast star seen thrice is joined by the row between. These have no gain of their own, and
    Flag.OUTLIER.
    """
    pairs = _with_absent(maker)
    work, catalog = maker.work, maker.catalog
    begin = pairtable.starts_of(pairs.left, work.n_nodes)
    told = _weighed(maker, pairs, begin)
    own = np.arange(len(pairs.left))
    # What differs by rounding alone is a tie: else the order of the catalogues would decide.
    odds = np.round(np.nan_to_num(told.gain, nan=-np.inf, neginf=-np.inf), 9)
    value = told.posterior, np.round(told.posterior, 12), odds, maker.rules.constraint == "none"
    *seen, order = pairtable.standings(begin, own, pairs.right, catalog, *value)
    left = _Standing(*seen)
    first, number, partner = pairtable.by_right(begin, pairs.right, work.n_nodes)
    *seen, _ = pairtable.standings(first, number, partner, catalog, *value)
    right = _Standing(*seen)
    mates = pairtable.mates(first, number, partner, catalog, left.rank == 1)
    flags = _flags(maker, pairs, left, right, mates)
    order = order[pairtable.runs_in_order(begin, maker.along)]
    pairs = _Pairs(
        pairs.left[order],
        pairs.right[order],
        chosen_evidence(pairs.evidence, order),
        pairs.own[order],
    )
    told, left, right = (_taken(each, order) for each in (told, left, right))
    mates, flags = mates[order], flags[order]
    columns = {
        **_of_rows(maker, pairs),
        **_of_evidence(pairs.evidence),
        **_of_weights(told, left),
        "n_mates": mates,
        "multiplicity": left.ties,
        "mutual": (left.rank == 1) & (right.rank == 1),
        **_of_groups(maker, pairs, told.inside),
        "flags": flags,
    }
    return made_table(columns, pairs_schema(maker.shape, hidden=True))


def _with_absent(maker: Maker) -> _Pairs:
    """The candidates, and the other pairs of rows that are in one chosen group."""
    work, rules = maker.work, maker.rules
    given = _Pairs(work.left, work.right, work.pairs, work.own)
    if rules.constraint != "one_to_one":
        return given
    begin = pairtable.starts_of(work.left, work.n_nodes)
    groups, chosen = work.groups, maker.solved.resolved.chosen
    left, right = pairtable.absent_pairs(begin, work.right, groups.start, groups.nodes, chosen)
    if not len(left):
        return given
    evidence = node_pairs(work.table, left, right)
    if rules.radius_arcsec is not None:
        near = evidence.sep_arcsec <= rules.radius_arcsec
        left, right, evidence = left[near], right[near], chosen_evidence(evidence, near)
    own = np.concatenate([work.own, np.full(len(left), ABSENT)])
    left, right = np.concatenate([work.left, left]), np.concatenate([work.right, right])
    order = in_order(left, right, work.n_nodes)
    both = together([work.pairs, evidence])
    return _Pairs(left[order], right[order], chosen_evidence(both, order), own[order])


def _weighed(maker: Maker, pairs: _Pairs, begin: Ints) -> _Weighed:
    work, solved = maker.work, maker.solved
    groups, weight, own = work.groups, solved.ln_weight, pairs.own
    total, plain, inside = pairtable.both_marginals(
        begin, pairs.right, groups.start, groups.nodes,
        maker.posterior, solved.geometry_posterior, solved.resolved.chosen,
    )  # fmt: skip
    there = own >= 0
    alone = weight[maker.single[pairs.left]] + weight[maker.single[pairs.right]]
    gain = np.where(there, weight[own] - alone, np.nan)
    photometric = np.where(there, solved.ln_photometry[own], np.nan)
    return _Weighed(np.clip(total, 0.0, 1.0), np.clip(plain, 0.0, 1.0), inside, photometric, gain)


def _flags(
    maker: Maker, pairs: _Pairs, left: _Standing, right: _Standing, mates: NDArray[np.int32]
) -> NDArray[np.int32]:
    work, node = maker.work, maker.node_flags
    wide = np.concatenate([each.wide for each in work.rows])
    blended = (wide[pairs.right] > 0.0) & (pairs.evidence.chi2 > maker.rules.chi2_limit)
    heuristic = maker.solved.resolved.heuristic[work.islands.label[pairs.left]]
    flags = pairs.evidence.flags | node[pairs.left] | node[pairs.right]
    for where, flag in (
        (mates > 0, Flag.SHARED),
        (blended & (right.count > 1), Flag.BLEND),
        ((left.ties > 1) | (right.ties > 1), Flag.TIE),
        (heuristic, Flag.HEURISTIC),
        (pairs.own == ABSENT, Flag.OUTLIER),
    ):
        flags |= where.astype(np.int32) * np.int32(flag)
    return flags


# ---------------------------------------------------------------- the columns


def _of_rows(maker: Maker, pairs: _Pairs) -> dict[str, Any]:
    """Who they are."""
    left, right = pairs.left, pairs.right
    return {
        "left_id": maker.ids.take(from_numpy(left)),
        "right_id": maker.ids.take(from_numpy(right)),
        "left_catalog": maker.catalog_names(left),
        "right_catalog": maker.catalog_names(right),
        "left_row": known(maker.row[left]),
        "right_row": known(maker.row[right]),
        "_spatial": maker.spatial[left],
        "_node": left,
    }


def _of_evidence(evidence: PairEvidence) -> dict[str, Any]:
    """How they lie."""
    columns = (np.ascontiguousarray(evidence.covariance[:, k]) for k in range(3))
    major, minor, direction = pairtable.ellipses(*columns)
    return {
        "sep_arcsec": evidence.sep_arcsec,
        "pa_deg": evidence.pa_deg,
        "dra_cosdec_arcsec": evidence.dra_cosdec_arcsec,
        "ddec_arcsec": evidence.ddec_arcsec,
        "epoch_used": evidence.epoch_used,
        "sigma_major_arcsec": major,
        "sigma_minor_arcsec": minor,
        "sigma_pa_deg": direction,
        "chi2": evidence.chi2,
        "norm_sep": np.sqrt(evidence.chi2),
        "lnB_pos": evidence.lnB,
    }


def _of_weights(told: _Weighed, left: _Standing) -> dict[str, Any]:
    """How probable they are."""
    posterior = told.posterior
    any_ = np.clip(left.total, 0.0, 1.0)
    share = np.divide(posterior, left.best, out=np.zeros_like(posterior), where=left.best > 0)
    flag = np.where(left.rank == 1, 1, np.where(share > COMPARABLE, 2, 0))
    return {
        "lnB_phot": told.photometric,
        "ln_gain": told.gain,
        "posterior": posterior,
        "posterior_geometry": told.geometry,
        "p_any": any_,
        "p_i": np.divide(posterior, any_, out=np.zeros_like(posterior), where=any_ > 0),
        "rank": left.rank,
        "n_candidates": left.count,
        "is_match": told.inside,
        "match_flag": flag.astype(np.int8),
    }


def _of_groups(maker: Maker, pairs: _Pairs, inside: Mask) -> dict[str, Any]:
    """Where they ended: the group of both, null where they are no match; and that of the left."""
    home = maker.group_names(maker.home[pairs.left])
    return {"group_id": pc.if_else(from_numpy(inside), home, None), "home_group": home}


def _taken(of: Any, order: Ints) -> Any:
    return type(of)(*(getattr(of, each.name)[order] for each in fields(of)))
