"""The table of pairs: every candidate, how well it fits, and what became of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from skyquarry.match.given.rows import Flag
from skyquarry.match.kernels import pairlines, pairtable
from skyquarry.match.likelihood.evidence import node_pairs
from skyquarry.match.results.arrays import column, known, nothing, numbered, where, words
from skyquarry.match.results.columns import pairs_schema
from skyquarry.match.runs.identify import in_order
from skyquarry.match.runs.nearby import chosen_evidence

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from skyquarry.match.likelihood.evidence import PairEvidence
    from skyquarry.match.results.tables import Maker

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]
    Mask = NDArray[np.bool_]

ABSENT = -2
"""In place of a pair's own group: it is no candidate, a chosen group joins its rows."""

_OF_EVIDENCE = (
    "sep_arcsec", "pa_deg", "dra_cosdec_arcsec", "ddec_arcsec", "epoch_used", "sigma_major_arcsec",
    "sigma_minor_arcsec", "sigma_pa_deg", "chi2", "norm_sep", "lnB_pos",
)  # fmt: skip
_OF_WEIGHTS = ("lnB_phot", "ln_gain", "posterior", "posterior_geometry", "p_any", "p_i")
_MARKS = (Flag.SHARED, Flag.BLEND, Flag.TIE, Flag.HEURISTIC, Flag.OUTLIER)


@dataclass(frozen=True, slots=True)
class _Pairs:
    """Candidates, and pairs that only a chosen group joins; sorted by left node, then right."""

    left: Ints
    right: Ints
    own: Ints
    """(m,) the group that is the pair alone; -1: not weighed, in the core of a crowd; ABSENT"""
    source: Ints
    """(m,) where the evidence is: in the first of the two, or beyond its length in the second"""
    evidence: tuple[PairEvidence, PairEvidence]


@dataclass(frozen=True, slots=True)
class _Weighed:
    """(m,) each: what the groups say of a pair, and how it ranks."""

    posterior: Floats
    geometry: Floats
    inside: Mask
    photometric: Floats
    gain: Floats
    odds: Floats
    bits: NDArray[np.uint8]
    """of `kernels.pairlines`: what the right row says"""
    mates: NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class _Lines:
    """The pairs in the order of the table."""

    pair: Ints
    """(m,) number of each"""
    left: Ints
    """(m,) its left node"""


def pairs_of(maker: Maker) -> pa.Table:
    """One row a candidate pair, by the left row along the sky, the right catalogue, and rank.

    The pairs of an accepted group are all there, those too that are no candidates of each other: a
    fast star seen thrice is joined by the row between. These have no gain of their own, and
    Flag.OUTLIER. Columns are written once, in the order of the table.
    """
    pairs = _with_absent(maker)
    begin = pairtable.starts_of(pairs.left, maker.work.n_nodes)
    told, ranked = _weighed(maker, pairs, begin)
    lines = _Lines(*pairlines.along_the_sky(maker.along, begin, ranked))
    columns = {
        **_of_rows(maker, pairs, lines),
        **_of_evidence(pairs, lines),
        **_of_weights(maker, pairs, told, lines),
        **_of_groups(maker, told, lines),
    }
    even, chi2 = columns.pop("_even"), columns.pop("_chi2")
    columns["flags"] = _flags(maker, pairs, told, lines, even, chi2)
    schema = pairs_schema(maker.shape, hidden=True)
    return pa.Table.from_arrays([columns[name] for name in schema.names], schema=schema)


def _with_absent(maker: Maker) -> _Pairs:
    """The candidates, and the other pairs of rows that are in one chosen group."""
    work, rules = maker.work, maker.rules
    none = np.empty(0, np.int64)
    every = np.arange(len(work.left))
    given = _Pairs(
        work.left, work.right, work.own, every, (work.pairs, chosen_evidence(work.pairs, none))
    )
    if rules.constraint != "one_to_one":
        return given
    begin = pairtable.starts_of(work.left, work.n_nodes)
    groups = work.groups
    left, right = pairtable.absent_pairs(
        begin, work.right, groups.start, groups.nodes, maker.chosen
    )
    if not len(left):
        return given
    order = in_order(left, right, work.n_nodes)
    left, right = left[order], right[order]
    evidence = node_pairs(work.table, left, right)
    if rules.radius_arcsec is not None:
        near = evidence.sep_arcsec <= rules.radius_arcsec
        left, right, evidence = left[near], right[near], chosen_evidence(evidence, near)
    own = np.concatenate([work.own, np.full(len(left), ABSENT)])
    left, right, source = pairtable.among(work.left, work.right, left, right)
    return _Pairs(left, right, own[source], source, (work.pairs, evidence))


def _weighed(maker: Maker, pairs: _Pairs, begin: Ints) -> tuple[_Weighed, Ints]:
    """What is told of each pair, and (m,) the pairs of each left node by catalogue and rank."""
    solved, groups = maker.solved, maker.work.groups
    value, plain, inside = pairlines.marginals(
        begin, pairs.right, pairs.own, groups.start, groups.nodes,
        maker.posterior, solved.geometry_posterior, solved.resolved.chosen,
    )  # fmt: skip
    gain, photometric, likely, odds = pairlines.gains(
        pairs.left, pairs.right, pairs.own, maker.single,
        solved.ln_weight, solved.ln_photometry, value,
    )  # fmt: skip
    ranked, top = pairlines.ranked(begin, pairs.right, maker.catalog, likely, odds)
    bits, mates = pairlines.seen_from_right(begin, pairs.right, maker.catalog, likely, odds, top)
    return _Weighed(value, plain, inside, photometric, gain, odds, bits, mates), ranked


# ---------------------------------------------------------------- the columns


def _of_rows(maker: Maker, pairs: _Pairs, lines: _Lines) -> dict[str, Any]:
    """Who they are."""
    columns = {
        "_spatial": column(maker.spatial[lines.left], pa.int64()),
        "_node": column(lines.left, pa.int64()),
    }
    catalogs = _both(maker.catalog.astype(np.int32), pairs, lines)
    some, ids = bool((maker.row >= 0).any()), maker.plain_ids
    rows = _both(maker.row, pairs, lines) if some else None
    values = None if ids is None else _both(ids, pairs, lines)
    for k, side in enumerate(("left", "right")):
        columns[f"{side}_catalog"] = words(catalogs[k], maker.shape.names)
        none = nothing(pa.int64(), len(lines.pair))
        columns[f"{side}_row"] = none if rows is None else numbered(rows[k])
        if values is not None:
            columns[f"{side}_id"] = column(values[k], pa.int64())
    if values is None:
        columns["left_id"] = maker.ids.take(column(lines.left, pa.int64()))
        columns["right_id"] = maker.ids.take(column(pairs.right[lines.pair], pa.int64()))
    return columns


def _both(values: NDArray[Any], pairs: _Pairs, lines: _Lines) -> NDArray[Any]:
    """(2, m) of the left and the right node of each line."""
    told = np.empty((2, len(lines.pair)), values.dtype)
    pairlines.of_rows(lines.pair, lines.left, pairs.right, values, told)
    return told


def _of_evidence(pairs: _Pairs, lines: _Lines) -> dict[str, Any]:
    """How they lie."""
    told, first = np.empty((len(_OF_EVIDENCE), len(lines.pair))), 0
    missing = np.zeros(len(told), np.int64)
    for each in pairs.evidence:
        if len(each.flags):
            known_of = _arrays(each)
            pairlines.of_evidence(lines.pair, pairs.source, first, known_of, told, missing)
            first += len(each.flags)
    columns = _floats(_OF_EVIDENCE, told, missing)
    return {**columns, "_chi2": told[_OF_EVIDENCE.index("chi2")]}


def _arrays(evidence: PairEvidence) -> tuple[Floats, ...]:
    """As `kernels.pairlines.of_evidence` takes it."""
    told = (
        evidence.sep_arcsec, evidence.pa_deg, evidence.dra_cosdec_arcsec, evidence.ddec_arcsec,
        evidence.epoch_used, *evidence.covariance.T, evidence.chi2, evidence.lnB,
    )  # fmt: skip
    return tuple(np.ascontiguousarray(each) for each in told)


def _of_weights(maker: Maker, pairs: _Pairs, told: _Weighed, lines: _Lines) -> dict[str, Any]:
    """How probable they are."""
    m = len(lines.pair)
    floats, ranks = np.empty((len(_OF_WEIGHTS), m)), np.empty((3, m), np.int32)
    best = np.empty(m, np.int8)
    missing = pairlines.of_weights(
        lines.pair, lines.left, pairs.right, maker.catalog, told.gain, told.photometric,
        told.posterior, told.geometry, told.odds, maker.rules.constraint == "none", floats, ranks,
        best,
    )  # fmt: skip
    return {
        **_floats(_OF_WEIGHTS, floats, missing),
        "rank": column(ranks[0], pa.int32()),
        "n_candidates": column(ranks[1], pa.int32()),
        "multiplicity": column(ranks[2], pa.int32()),
        "match_flag": column(best, pa.int8()),
        "mutual": column((ranks[0] == 1) & (told.bits[lines.pair] & pairlines.TOP > 0), pa.bool_()),
        "n_mates": column(told.mates[lines.pair], pa.int32()),
        "_even": ranks[2],
    }


def _of_groups(maker: Maker, told: _Weighed, lines: _Lines) -> dict[str, Any]:
    """Where they ended: the group of both, null where they are no match; and that of the left."""
    home, inside = maker.group_names(lines.left), told.inside[lines.pair]
    return {
        "is_match": column(inside, pa.bool_()),
        "group_id": where(home, inside),
        "home_group": home,
    }


def _flags(
    maker: Maker,
    pairs: _Pairs,
    told: _Weighed,
    lines: _Lines,
    even: NDArray[np.int32],
    chi2: Floats,
) -> pa.Array:
    work = maker.work
    listed, others = pairs.evidence
    flags = listed.flags
    if len(others.flags):
        flags = np.concatenate([listed.flags, others.flags])[pairs.source]
    found = np.empty(len(lines.pair), np.int32)
    pairlines.flags_of(
        lines.pair, lines.left, pairs.right, flags, maker.node_flags,
        np.concatenate([each.wide for each in work.rows]), chi2, maker.rules.chi2_limit,
        maker.solved.resolved.heuristic[work.islands.label], told.bits, told.mates, even,
        pairs.own == ABSENT, tuple(int(flag) for flag in _MARKS), found,
    )  # fmt: skip
    return column(found, pa.int32())


def _floats(names: tuple[str, ...], told: Floats, missing: Ints) -> dict[str, Any]:
    """A column a row of `told`, null where NaN."""
    return {name: known(told[k], pa.float64(), int(missing[k])) for k, name in enumerate(names)}
