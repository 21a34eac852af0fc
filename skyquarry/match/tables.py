"""What an identification gives: tables of pairs, of groups, and of their members.

`pairs` holds one row a candidate, `groups` one row an object (single rows too), `members` one row a
catalogue row: which group it is in, or why it is alone. Null is "not there", never -99.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from skyquarry.catalog.arrow import from_numpy, to_numpy
from skyquarry.match.columns import groups_schema, members_schema, pairs_schema
from skyquarry.match.combine import combine
from skyquarry.match.kernels import pairtable
from skyquarry.match.rows import Flag

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from skyquarry.match.calibrate import Calibration
    from skyquarry.match.footprints import Coverage
    from skyquarry.match.identify import Rules, Solved, Work

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]
    Mask = NDArray[np.bool_]

AMBIGUOUS = 0.1
"""A group whose runner-up is more probable than this is flagged."""
COMPARABLE = 0.5
"""A candidate is comparable (`match_flag` 2) above this share of the best one's probability."""
REASONS = ("", "no candidate", "candidates rejected", "outside footprint")
"""Why a row stands alone, by number."""


@dataclass(frozen=True, slots=True)
class Tables:
    """The rows of one patch, of whole islands."""

    pairs: pa.Table
    groups: pa.Table
    members: pa.Table


@dataclass(frozen=True, slots=True)
class Shape:
    """What the tables of every patch have in common."""

    names: tuple[str, ...]
    id_types: tuple[pa.DataType, ...]
    keep: str

    @property
    def id_type(self) -> pa.DataType:
        """One type that holds the ids of every catalogue: int64 where all are, else text."""
        if len(set(self.id_types)) == 1:
            return self.id_types[0]
        signed = all(pa.types.is_integer(t) and t != pa.uint64() for t in self.id_types)
        return pa.int64() if signed else pa.string()


@dataclass(frozen=True, slots=True)
class _Standing:
    """The pairs as seen from one of their sides."""

    rank: NDArray[np.int32]
    count: NDArray[np.int32]
    total: Floats
    best: Floats
    ties: NDArray[np.int32]


def tables(
    work: Work,
    solved: Solved,
    shape: Shape,
    rules: Rules,
    calibration: Calibration,
    coverage: Coverage,
    defer: Mask | None = None,
) -> Tables:
    """The three tables of some whole islands; `defer` (nodes,): rows alone that wait."""
    maker = _Maker(work, solved, shape, rules, calibration, coverage)
    pairs = maker.pairs()
    if shape.keep == "best":
        pairs = pairs.filter(pairs["is_match"])
    return Tables(pairs, maker.groups(defer), maker.members(defer))


class _Maker:
    """The columns that the three tables share, worked out once."""

    def __init__(
        self,
        work: Work,
        solved: Solved,
        shape: Shape,
        rules: Rules,
        calibration: Calibration,
        coverage: Coverage,
    ) -> None:
        self.work, self.solved, self.shape, self.rules = work, solved, shape, rules
        self.calibration, self.coverage = calibration, coverage
        groups, n = work.groups, work.n_nodes
        self.catalog = np.repeat(np.arange(len(work.rows)), np.diff(work.start))
        self.single = pairtable.single_groups(n, groups.start, groups.nodes)
        self.home = pairtable.chosen_groups(n, groups.start, groups.nodes, solved.resolved.chosen)
        self.ids = _ids(work, shape)
        self.row = np.concatenate([each.row for each in work.rows])
        self.spatial = np.concatenate([each.spatial for each in work.rows])
        self.node_flags = np.concatenate([each.flags for each in work.rows])
        rim = coverage.at_rim(self.spatial)
        self.node_flags = self.node_flags | np.where(rim, int(Flag.FOOTPRINT_EDGE), 0).astype(
            np.int32
        )
        self.posterior = np.clip(solved.resolved.posterior, 0.0, 1.0)
        self.group_names = self._group_names()

    # ------------------------------------------------------------ pairs
    def pairs(self) -> pa.Table:
        """One row a candidate pair, sorted by the left row along the sky, then by rank."""
        work, evidence = self.work, self.work.pairs
        left, right = work.left, work.right
        begin = np.searchsorted(left, np.arange(work.n_nodes + 1))
        marginal, inside = self._marginals(begin)
        own, photometric, gain, geometry = self._weights(begin)
        seen_left = self._standing(left, right, self.catalog[right], marginal, gain)
        seen_right = self._standing(right, left, self.catalog[left], marginal, gain)
        flags = self._pair_flags(seen_left, seen_right, own)
        best = seen_left.best
        share = np.divide(marginal, best, out=np.zeros_like(marginal), where=best > 0)
        flag = np.where(seen_left.rank == 1, 1, np.where(share > COMPARABLE, 2, 0))
        any_ = np.clip(seen_left.total, 0.0, 1.0)
        columns: dict[str, Any] = {
            "left_id": self.ids.take(from_numpy(left)),
            "right_id": self.ids.take(from_numpy(right)),
            "sep_arcsec": evidence.sep_arcsec,
            "left_catalog": self._catalog_names(left),
            "right_catalog": self._catalog_names(right),
            "left_row": _known(self.row[left]),
            "right_row": _known(self.row[right]),
            "pa_deg": evidence.pa_deg,
            "dra_cosdec_arcsec": evidence.dra_cosdec_arcsec,
            "ddec_arcsec": evidence.ddec_arcsec,
            "epoch_used": evidence.epoch_used,
            "sigma_major_arcsec": evidence.sigma_major_arcsec,
            "sigma_minor_arcsec": evidence.sigma_minor_arcsec,
            "sigma_pa_deg": evidence.sigma_pa_deg,
            "chi2": evidence.chi2,
            "norm_sep": np.sqrt(evidence.chi2),
            "lnB_pos": evidence.lnB,
            "lnB_phot": photometric,
            "ln_gain": gain,
            "posterior": marginal,
            "posterior_geometry": geometry,
            "p_any": any_,
            "p_i": np.divide(marginal, any_, out=np.zeros_like(marginal), where=any_ > 0),
            "rank": seen_left.rank,
            "n_candidates": seen_left.count,
            "n_mates": self._mates(seen_left.rank == 1),
            "multiplicity": seen_left.ties,
            "mutual": (seen_left.rank == 1) & (seen_right.rank == 1),
            "is_match": inside,
            "match_flag": flag.astype(np.int8),
            "group_id": self._pair_groups(inside),
            "home_group": self.group_names.take(from_numpy(self.home[left])),
            "flags": flags,
            "_spatial": self.spatial[left],
        }
        return _table(columns, pairs_schema(self.shape, hidden=True))

    def _marginals(self, begin: Ints) -> tuple[Floats, Mask]:
        groups = self.work.groups
        total, inside = pairtable.pair_marginals(
            begin,
            self.work.right,
            groups.start,
            groups.nodes,
            self.posterior,
            self.solved.resolved.chosen,
        )
        return np.clip(total, 0.0, 1.0), inside

    def _weights(self, begin: Ints) -> tuple[Ints, Floats, Floats, Floats]:
        """(m,) of each pair: its own group, ln photometric ratio, gain; and P by geometry alone."""
        work, weight = self.work, self.solved.ln_weight
        groups = work.groups
        own = pairtable.pair_groups(begin, work.right, groups.start, groups.nodes)
        there = own >= 0
        alone = weight[self.single[work.left]] + weight[self.single[work.right]]
        gain = np.where(there, weight[own] - alone, np.nan)
        photometric = np.where(there, self.solved.ln_photometry[own], np.nan)
        geometry, _ = pairtable.pair_marginals(
            begin,
            work.right,
            groups.start,
            groups.nodes,
            self.solved.geometry_posterior,
            self.solved.resolved.chosen,
        )
        return own, photometric, gain, np.clip(geometry, 0.0, 1.0)

    def _standing(
        self, node: Ints, partner: Ints, partner_catalog: Ints, value: Floats, gain: Floats
    ) -> _Standing:
        """The pairs of each (row, other catalogue): most probable first, ties to the lower node.

        What differs by rounding alone is a tie: else the order of the catalogues would decide.
        """
        key = node * len(self.work.rows) + partner_catalog
        odds = np.round(np.nan_to_num(gain, nan=-np.inf, neginf=-np.inf), 9)
        order = np.lexsort((partner, -odds, -np.round(value, 12), key))
        return _Standing(*pairtable.standings(order, key, value, odds))

    def _mates(self, best: Mask) -> NDArray[np.int32]:
        """(m,) how many other rows of the left's catalogue have the right row as their best."""
        key = self.work.right * len(self.work.rows) + self.catalog[self.work.left]
        _, number = np.unique(key, return_inverse=True)
        count = np.bincount(number, weights=best, minlength=number.max(initial=-1) + 1)
        told: NDArray[np.int32] = (count[number] - best).astype(np.int32)
        return told

    def _pair_flags(self, left: _Standing, right: _Standing, own: Ints) -> NDArray[np.int32]:
        work = self.work
        flags = work.pairs.flags | self.node_flags[work.left] | self.node_flags[work.right]
        flags = flags | np.where(self._mates(left.rank == 1) > 0, Flag.SHARED, 0)
        flags |= np.where(right.count > 1, self._blended(), 0)
        flags |= np.where((left.ties > 1) | (right.ties > 1), Flag.TIE, 0)
        heuristic = self.solved.resolved.heuristic[work.islands.label[work.left]]
        flags |= np.where(heuristic | (own < 0), Flag.HEURISTIC, 0)
        told: NDArray[np.int32] = flags.astype(np.int32)
        return told

    def _blended(self) -> NDArray[np.int32]:
        """(m,) BLEND where the right row's error is more probably the wide one."""
        wide = np.concatenate([each.wide for each in self.work.rows])
        evidence = self.work.pairs
        suspect = (wide[self.work.right] > 0.0) & (evidence.chi2 > self.rules.chi2_limit)
        return np.where(suspect, int(Flag.BLEND), 0).astype(np.int32)

    def _pair_groups(self, inside: Mask) -> pa.Array:
        """The group of a pair that is a match; null for the others."""
        home = np.where(inside, self.home[self.work.left], 0)
        return pc.if_else(from_numpy(inside), self.group_names.take(from_numpy(home)), None)

    def _catalog_names(self, nodes: Ints) -> pa.Array:
        names = pa.array(self.shape.names, pa.string())
        numbers = from_numpy(self.catalog[nodes].astype(np.int32))
        return pa.DictionaryArray.from_arrays(numbers, names)

    # ------------------------------------------------------------ groups
    def chosen(self, defer: Mask | None) -> Ints:
        """Numbers of the groups of the best partition, those of rows that wait left out."""
        chosen = self.solved.resolved.chosen
        if defer is not None:
            chosen = chosen & ~defer[self.work.groups.nodes[self.work.groups.start[:-1]]]
        return np.flatnonzero(chosen)

    def _group_names(self) -> pa.Array:
        """(groups,) `gaia:4472...`: the catalogue and id of the first member."""
        groups = self.work.groups
        first = groups.nodes[groups.start[:-1]]
        names = pa.array(self.shape.names, pa.string()).take(from_numpy(self.catalog[first]))
        ids = self.ids.take(from_numpy(first)).cast(pa.string())
        return pc.binary_join_element_wise(names, ids, ":")

    def groups(self, defer: Mask | None) -> pa.Table:
        """One row an object of the best partition: combined position, motion, and how sure."""
        work, chosen = self.work, self.chosen(defer)
        groups, evidence = work.groups, work.evidence
        floor = self.calibration.common_floor_arcsec
        combined = combine(work.rows, _taken(groups, chosen), self.rules.motion, floor)
        size = np.diff(groups.start)[chosen]
        bits = groups.catalogs[chosen]
        runner_up = self.solved.resolved.runner_up[chosen]
        columns: dict[str, Any] = {
            "group_id": self.group_names.take(from_numpy(chosen)),
            "ra": combined.ra_deg,
            "dec": combined.dec_deg,
            "n": size.astype(np.int16),
            "catalogs": bits.astype(np.int64),
            "posterior": self.posterior[chosen],
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
            "flags": self._group_flags(chosen, runner_up, combined),
        }
        for number, name in enumerate(self.shape.names):
            columns[f"{name}_id"] = self._member_ids(chosen, number)
            columns[f"_{number}"] = self._member_spatial(chosen, number)
        columns["_spatial"] = self.spatial[self._first(chosen)]
        return _table(columns, groups_schema(self.shape, hidden=True))

    def _group_flags(self, chosen: Ints, runner_up: Floats, combined: Any) -> NDArray[np.int32]:
        groups = self.work.groups
        flags = np.bitwise_or.reduceat(self.node_flags[groups.nodes], groups.start[:-1])[chosen]
        several = np.diff(groups.start)[chosen] > 1
        flags = flags | np.where((runner_up > AMBIGUOUS) & several, Flag.AMBIGUOUS, 0)
        heuristic = self.solved.resolved.heuristic[groups.island[chosen]]
        flags |= np.where(heuristic, Flag.HEURISTIC, 0)
        unlikely = several & (combined.p_value < 1.0 - self.rules.completeness)
        flags |= np.where(unlikely, Flag.OUTLIER, 0)
        return flags.astype(np.int32)

    def _first(self, chosen: Ints) -> Ints:
        """(chosen,) the first member of each group."""
        groups = self.work.groups
        told: Ints = groups.nodes[groups.start[:-1][chosen]]
        return told

    def _member(self, chosen: Ints, number: int) -> Ints:
        """(chosen,) the node of the member of one catalogue; -1 where the group has none."""
        groups = self.work.groups
        node = np.full(len(groups), -1, np.int64)
        group = np.repeat(np.arange(len(groups)), np.diff(groups.start))
        mine = self.catalog[groups.nodes] == number
        node[group[mine]] = groups.nodes[mine]
        return node[chosen]

    def _member_spatial(self, chosen: Ints, number: int) -> pa.Array:
        """(chosen,) order-29 pixel of that member: so its row is found again on disk."""
        node = self._member(chosen, number)
        return pc.if_else(from_numpy(node >= 0), from_numpy(self.spatial[node]), None)

    def _member_ids(self, chosen: Ints, number: int) -> pa.Array:
        """(chosen,) id of that member; null where there is none."""
        node = self._member(chosen, number)
        there = node >= 0
        local = np.where(there, node - self.work.start[number], 0)
        ids = self.work.rows[number].ids
        if not len(ids):
            return pa.nulls(len(chosen), ids.type)
        return pc.if_else(from_numpy(there), ids.take(from_numpy(local)), None)

    # ------------------------------------------------------------ members
    def members(self, defer: Mask | None) -> pa.Table:
        """One row a row of a catalogue: its group, how sure, and why it is alone if it is."""
        groups, home = self.work.groups, self.home
        at = from_numpy(home)
        names = pa.array(REASONS, pa.string())
        columns: dict[str, Any] = {
            "group_id": self.group_names.take(at),
            "catalog": self._catalog_names(np.arange(self.work.n_nodes)),
            "row": _known(self.row),
            "id": self.ids,
            "membership_posterior": self._membership(),
            "p_none": self.posterior[self.single],
            "n": np.diff(groups.start)[home].astype(np.int16),
            "reason": pa.DictionaryArray.from_arrays(
                from_numpy(self._reasons().astype(np.int32)), names
            ),
            "flags": self.node_flags,
            "_spatial": self.spatial,
            "_mag": np.concatenate([each.mag for each in self.work.rows]),
        }
        told = _table(columns, members_schema(self.shape, hidden=True))
        return told if defer is None else told.filter(from_numpy(~defer))

    def _membership(self) -> Floats:
        told: Floats = self.posterior[self.home]
        return told

    def _reasons(self) -> Ints:
        """(nodes,) number in REASONS: alone without candidates, or with candidates rejected."""
        alone = np.diff(self.work.groups.start)[self.home] == 1
        with_candidates = np.zeros(self.work.n_nodes, bool)
        with_candidates[self.work.left] = True
        with_candidates[self.work.right] = True
        own = np.left_shift(1, self.catalog).astype(np.uint32)
        unseen = (self.coverage.observed_at(self.spatial) | own) == own
        why = np.where(with_candidates, 2, np.where(unseen, 3, 1))
        return np.where(alone, why, 0)


# ---------------------------------------------------------------- all patches


def together(parts: list[Tables], names: tuple[str, ...]) -> Tables:
    """The tables of all patches, sorted along the sky.

    Pairs by the left row (pixel, catalogue, id, row), then the right catalogue, then rank; groups
    by their first member, members by pixel, catalogue, id and row.
    """
    pairs = pa.concat_tables([part.pairs for part in parts]).unify_dictionaries()
    groups = pa.concat_tables([part.groups for part in parts])
    members = pa.concat_tables([part.members for part in parts]).unify_dictionaries()
    order = _sky_order(
        pairs, _code(pairs["left_catalog"], names), "left_id", "left_row",
        (_code(pairs["right_catalog"], names), column(pairs, "rank")),
    )  # fmt: skip
    first = np.zeros(len(groups), np.int32)
    for number in reversed(range(len(names))):
        first[to_numpy(groups[f"_{number}"].is_valid())] = number
    return Tables(
        pairs.take(from_numpy(order)),
        groups.take(from_numpy(_sky_order(groups, first, "group_id", None))),
        members.take(
            from_numpy(_sky_order(members, _code(members["catalog"], names), "id", "row"))
        ),
    )


def _sky_order(
    table: pa.Table, catalog: Any, id_name: str, row_name: str | None, more: tuple[Any, ...] = ()
) -> Ints:
    """(n,) the rows by pixel, catalogue, id, row, and what else there is."""
    spatial = column(table, "_spatial")
    row = np.zeros(len(spatial), np.int64)
    if row_name is not None:
        row = to_numpy(table[row_name].fill_null(-1))
    order = np.lexsort((*reversed(more), row, catalog, spatial))
    same = (np.diff(spatial[order]) == 0) & (np.diff(catalog[order]) == 0)
    if not same.any():
        return order
    # Ids decide among rows of one pixel: few rows, so that text ids are ranked among these alone.
    shared = np.zeros(len(order), bool)
    shared[1:] |= same
    shared[:-1] |= same
    rank = np.zeros(len(order), np.int64)
    ids = table[id_name].take(from_numpy(order[shared]))
    rank[order[shared]] = to_numpy(pc.rank(ids, tiebreaker="dense").cast(pa.int64()))
    return np.lexsort((*reversed(more), row, rank, catalog, spatial))


def _code(names: pa.ChunkedArray, wanted: tuple[str, ...]) -> Any:
    """(n,) number of each catalogue's name."""
    return to_numpy(pc.index_in(names.cast(pa.string()), pa.array(wanted, pa.string())))


# ---------------------------------------------------------------- small things


def _taken(groups: Any, chosen: Ints) -> Any:
    """These groups as `Groups` of their own."""
    from skyquarry.match.groups import Groups

    size = np.diff(groups.start)[chosen]
    start = np.concatenate([[0], np.cumsum(size)])
    place = np.repeat(groups.start[:-1][chosen] - start[:-1], size) + np.arange(start[-1])
    return Groups(
        start.astype(np.int64),
        groups.nodes[place],
        groups.catalogs[chosen],
        groups.island[chosen],
        groups.heuristic[chosen],
    )


def _ids(work: Work, shape: Shape) -> pa.Array:
    """(nodes,) ids of all rows in one type."""
    parts = [_flat(each.ids).cast(shape.id_type) for each in work.rows]
    return pa.concat_arrays(parts)


def _flat(ids: Any) -> pa.Array:
    return ids.combine_chunks() if isinstance(ids, pa.ChunkedArray) else ids


def _known(row: Ints) -> pa.Array:
    """Row numbers; null for rows of a catalogue on disk, which are known by their id."""
    return pc.if_else(from_numpy(row >= 0), from_numpy(row), None)


def _table(columns: dict[str, Any], schema: pa.Schema) -> pa.Table:
    """A table of that schema; NaN of floats becomes null."""
    made = {}
    for name, values in columns.items():
        if not isinstance(values, np.ndarray):
            made[name] = values
            continue
        array = from_numpy(np.ascontiguousarray(values))
        if values.dtype.kind == "f" and np.isnan(values).any():
            array = pc.if_else(from_numpy(~np.isnan(values)), array, None)
        made[name] = array
    arrays = [made[name].cast(schema.field(name).type) for name in schema.names]
    return pa.Table.from_arrays(arrays, schema=schema)


def column(table: pa.Table, name: str) -> NDArray[Any]:
    """A column as numpy, null as NaN."""
    told: NDArray[Any] = to_numpy(table.column(name))
    return told


def public(table: pa.Table) -> pa.Table:
    """The table without the columns that only the matcher needs."""
    return table.select([name for name in table.column_names if not name.startswith("_")])


def home_groups(told: Tables) -> pa.Array:
    """(pairs,) the group of each pair's left row, by the members of all patches together."""
    code = told.members["catalog"].cast(pa.string()).combine_chunks()
    key = pc.binary_join_element_wise(
        code, told.members["id"].cast(pa.string()).combine_chunks(), ":"
    )
    wanted = pc.binary_join_element_wise(
        told.pairs["left_catalog"].cast(pa.string()).combine_chunks(),
        told.pairs["left_id"].cast(pa.string()).combine_chunks(),
        ":",
    )
    return told.members["group_id"].combine_chunks().take(pc.index_in(wanted, key))
