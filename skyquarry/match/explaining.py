"""`explain_match`: why one row was matched, or not: everything that the answer for it came from.

Its island is found where it lies and worked out again, which takes milliseconds: the answer of an
island depends on its own rows, and on what the run has learnt.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from skyquarry.errors import NotFoundError, UserError
from skyquarry.match.evidence import pair_evidence
from skyquarry.match.explainplace import calibration_of, densities_here, footprint_here
from skyquarry.match.explainwords import Telling
from skyquarry.match.groups import offsets
from skyquarry.match.identify import agree, identify, solve
from skyquarry.match.kernels import pairtable
from skyquarry.match.locating import located
from skyquarry.match.rows import Flag
from skyquarry.match.search import Points, find_pairs
from skyquarry.match.tables import public, tables
from skyquarry.match.whole import Neighbourhood, whole_islands

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from skyquarry.match.matchresult import MatchResult
    from skyquarry.match.identify import Solved, Work
    from skyquarry.match.passes import Scene
    from skyquarry.match.rows import Rows

    Ints = NDArray[np.int64]

MOST_GROUPS = 20
"""The most probable groups of an island that are told of; how many more there are is said."""
NEAREST = 3
LEAST_ARCSEC = 30.0
"""Rows that are no candidates are told of as far as this, or as far as any row reaches."""


def explain_match(result: MatchResult, catalog: str, row_id: Any, which: int = 0) -> Telling:
    """What there is to tell of the row of `catalog` with this id.

    Where several rows have it, `which` of them, counted along the sky from 0.
    Raises UserError for an unknown catalogue, NotFoundError for an id that it does not have.
    """
    made = result.made
    names = made.rules.names
    if catalog not in names:
        raise UserError(
            f"catalogue is {catalog!r}, but the result is of {', '.join(names)}: name one of these"
        )
    number = names.index(catalog)
    found = located(made, number, row_id)
    if not len(found):
        raise NotFoundError(
            f"no row of {catalog} that was matched has the id {row_id!r}: check the id, and that "
            "the row has a position (the report says how many rows were set aside)"
        )
    if not 0 <= which < len(found):
        raise UserError(
            f"which is {which}, but {len(found)} rows of {catalog} have the id {row_id!r}: they "
            "are counted from 0"
        )
    nth = int((found[:which] == found[which]).sum())
    told = _Explaining(result, number, (row_id, nth), int(found[which])).told()
    told.data["same_id"] = len(found)
    return told


@dataclass(frozen=True, slots=True)
class _Target:
    """The row asked for, among the rows of its island."""

    number: int
    local: int
    node: int


class _Explaining:
    """One row, its island, and what is told of them."""

    def __init__(self, result: MatchResult, number: int, row: tuple[Any, int], pixel: int) -> None:
        self.result, self.made, self.number = result, result.made, number
        made = self.made
        row_id, nth = row

        def is_seed(catalog: int, rows: Rows) -> NDArray[np.bool_]:
            if catalog != number:
                return np.zeros(len(rows), bool)
            here = np.flatnonzero(rows.spatial == pixel)
            mask = np.zeros(len(rows), bool)
            mask[[k for k in here.tolist() if rows.ids[k].as_py() == row_id][nth : nth + 1]] = True
            return mask

        self.near: Neighbourhood = whole_islands(
            made.scene, np.array([pixel]), is_seed, made.ring_arcsec
        )
        rows = self.near.island_rows
        seed = self.near.seeds[number][self.near.chosen[number]]
        local = int(np.flatnonzero(seed)[0])
        self.work: Work = identify(rows, made.rules)[0]
        learnt = made.learnt
        self.solved: Solved = solve(self.work, made.rules, learnt.densities, learnt.photometry)
        self.target = _Target(number, local, int(offsets(rows)[number]) + local)

    @property
    def row(self) -> Rows:
        """The row asked for, calibrated, alone."""
        return self.work.rows[self.number].take(np.array([self.target.local]))

    def told(self) -> Telling:
        """All of it, as plain data."""
        made, work = self.made, self.work
        shape = replace(made.plan.shape, keep="all")
        coverage = made.learnt.densities.coverage
        told = tables(work, self.solved, shape, made.rules, made.calibration, coverage)
        names = made.rules.names
        member = told.members.slice(self.target.node, 1).to_pylist()[0]
        pairs = public(told.pairs).to_pylist()
        candidates = [self._candidate(p, s) for p, s in self._mine(pairs)]
        candidates += self._fast()
        row = self.row
        data: dict[str, Any] = {
            "catalog": names[self.number],
            "id": row.ids[0].as_py(),
            "row": member["row"],
            "ra": float(row.ra_deg[0]),
            "dec": float(row.dec_deg[0]),
            "epoch": _number(row.epoch[0]),
            "mag": _number(row.mag[0]),
            "group_id": member["group_id"],
            "posterior": member["membership_posterior"],
            "p_none": member["p_none"],
            "reason": member["reason"],
            "flags": _flags(member["flags"]),
            "chi2_limit": made.rules.chi2_limit,
            "radius_arcsec": made.rules.radius_arcsec,
            "constraint": made.rules.constraint,
            "candidates": candidates,
            "beyond": [each for n in range(len(names)) for each in self._beyond(n)],
            "groups": self._groups(),
            "n_groups": len(work.groups),
            "island_rows": {n: len(each) for n, each in zip(names, work.rows, strict=True)},
            "exact": not bool(self.solved.resolved.heuristic[0]),
            "densities_per_deg2": densities_here(made, row),
            "footprint": footprint_here(made, self.number, row),
            "calibration": calibration_of(made, self.number, row),
        }
        self._after_second_search(data)
        return Telling(data)

    # ------------------------------------------------------------ candidates
    def _mine(self, pairs: list[dict[str, Any]]) -> Iterator[tuple[dict[str, Any], str]]:
        """The pairs that hold the row, and which side of them it is."""
        work, node = self.work, self.target.node
        for pair, a, b in zip(pairs, work.left, work.right, strict=True):
            if node in (a, b):
                yield pair, "left" if a == node else "right"

    def _candidate(self, pair: dict[str, Any], side: str) -> dict[str, Any]:
        """A pair as seen from the row: offsets point from it to the other."""
        other = "right" if side == "left" else "left"
        sign = 1.0 if side == "left" else -1.0
        phot = pair["lnB_phot"]
        gain = pair["ln_gain"]
        prior = None if gain is None else gain - pair["lnB_pos"] - (phot or 0.0)
        return {
            "catalog": pair[f"{other}_catalog"],
            "id": pair[f"{other}_id"],
            "row": pair[f"{other}_row"],
            "sep_arcsec": pair["sep_arcsec"],
            "east_arcsec": sign * pair["dra_cosdec_arcsec"],
            "north_arcsec": sign * pair["ddec_arcsec"],
            "epoch_used": pair["epoch_used"],
            "sigma_major_arcsec": pair["sigma_major_arcsec"],
            "sigma_minor_arcsec": pair["sigma_minor_arcsec"],
            "chi2": pair["chi2"],
            "lnB_pos": pair["lnB_pos"],
            "lnB_phot": phot,
            "ln_prior": prior,
            "ln_gain": gain,
            "posterior": pair["posterior"],
            "posterior_geometry": pair["posterior_geometry"],
            "is_match": pair["is_match"],
            "group_of_other": self._group_of(pair[f"{other}_catalog"], pair[f"{other}_id"]),
            "flags": _flags(pair["flags"]),
        }

    def _group_of(self, catalog: str, row_id: Any) -> str | None:
        """The accepted group that holds a row of the island."""
        work = self.work
        number = self.made.rules.names.index(catalog)
        home = pairtable.chosen_groups(
            work.n_nodes, work.groups.start, work.groups.nodes, self.solved.resolved.chosen
        )
        for k, each in enumerate(work.rows[number].ids.to_pylist()):
            if str(each) == str(row_id):
                return self._name_of(int(home[work.start[number] + k]))
        return None

    def _fast(self) -> list[dict[str, Any]]:
        """Candidates that only the second search found, from the tables of the run."""
        if self.made.final.fast is None or self._is_matched:
            return []
        import pyarrow.compute as pc

        pairs, name = self.result.pairs, self.made.rules.names[self.number]
        row_id = self._shown_id()
        fast = pc.not_equal(pc.bit_wise_and(pairs["flags"], int(Flag.FAST_PASS)), 0)
        found = []
        for side in ("left", "right"):
            mine = pc.and_(pc.equal(pairs[f"{side}_id"], row_id), fast)
            some = pairs.filter(mine).to_pylist()
            found += [self._candidate(p, side) for p in some if p[f"{side}_catalog"] == name]
        return found

    @property
    def _is_matched(self) -> bool:
        """Whether the first search gave the row a companion."""
        work, chosen = self.work, self.solved.resolved.chosen
        home = pairtable.chosen_groups(work.n_nodes, work.groups.start, work.groups.nodes, chosen)[
            self.target.node
        ]
        return bool(work.groups.start[home + 1] - work.groups.start[home] > 1)

    def _shown_id(self) -> Any:
        """The id as the tables have it."""
        return self.row.ids.cast(self.made.plan.shape.id_type)[0]

    def _after_second_search(self, data: dict[str, Any]) -> None:
        """What the second search made of a row that the first one left alone."""
        match = [each for each in data["candidates"] if each["is_match"]]
        if self._is_matched or not match:
            return
        import pyarrow.compute as pc

        members = self.result.members
        mine = pc.and_(
            pc.equal(members["id"], self._shown_id()),
            pc.equal(members["catalog"].cast("string"), data["catalog"]),
        )
        for member in members.filter(mine).to_pylist()[:1]:
            data["group_id"], data["reason"] = member["group_id"], member["reason"]
            data["posterior"], data["p_none"] = member["membership_posterior"], member["p_none"]

    # ------------------------------------------------------------ what was no candidate
    def _beyond(self, number: int) -> list[dict[str, Any]]:
        """The nearest rows of a catalogue that are no candidates of the row, and why not."""
        made, rules = self.made, self.made.rules
        if number == self.number or not self._is_searched(number):
            return []
        rows = _around(made.scene, number, self.near, self.row)
        at = _nearest(self.row, rows, max(made.ring_arcsec, LEAST_ARCSEC))
        own = np.zeros(len(at), np.int64)
        a, b, i, j = self.row, rows, own, at
        if number < self.number:
            a, b, i, j = rows, self.row, at, own
        evidence = pair_evidence(a, b, i, j, rules.motion)
        near = agree(a, b, i, j, evidence, rules)
        found = []
        for k in np.flatnonzero(~near)[:NEAREST].tolist():
            separation, chi2 = float(evidence.sep_arcsec[k]), float(evidence.chi2[k])
            found.append(
                {
                    "catalog": rules.names[number],
                    "id": rows.ids[int(at[k])].as_py(),
                    "sep_arcsec": separation,
                    "chi2": chi2,
                    "epoch_used": _number(evidence.epoch_used[k]),
                    "why": self._why(separation, chi2),
                }
            )
        return found

    def _is_searched(self, number: int) -> bool:
        pair = (min(number, self.number), max(number, self.number))
        return pair in set(self.made.rules.catalog_pairs())

    def _why(self, separation: float, chi2: float) -> str:
        radius = self.made.rules.radius_arcsec
        if radius is not None and separation > radius:
            return f"{separation:.4g} arcsec is beyond radius_arcsec={radius:g}"
        return f"chi2 {chi2:.4g} is above {self.made.rules.chi2_limit:.4g}"

    # ------------------------------------------------------------ groups
    def _groups(self) -> list[dict[str, Any]]:
        """The groups of the island that hold the row or compete for its candidates."""
        work, solved, learnt = self.work, self.solved, self.made.learnt
        posterior = np.clip(solved.resolved.posterior, 0.0, 1.0)
        flat = learnt.densities.without_magnitudes().ln_weight(
            work.groups, work.evidence.lnB, work.rows
        )
        order = np.lexsort((np.arange(len(work.groups)), -posterior))[:MOST_GROUPS]
        found = []
        for g in order.tolist():
            weight, phot = float(solved.ln_weight[g]), float(solved.ln_photometry[g])
            found.append(
                {
                    "group_id": self._name_of(g),
                    "members": self._members_of(g),
                    "lnB_pos": float(work.evidence.lnB[g]),
                    "lnB_phot": phot,
                    "ln_prior": weight - phot - float(work.evidence.lnB[g]),
                    "ln_prior_magnitudes": weight - phot - float(flat[g]),
                    "ln_weight": weight,
                    "posterior": float(posterior[g]),
                    "posterior_geometry": float(np.clip(solved.geometry_posterior[g], 0.0, 1.0)),
                    "chosen": bool(solved.resolved.chosen[g]),
                    "has_row": self.target.node in self._nodes_of(g),
                }
            )
        return found

    def _nodes_of(self, group: int) -> list[int]:
        start, nodes = self.work.groups.start, self.work.groups.nodes
        told: list[int] = nodes[start[group] : start[group + 1]].tolist()
        return told

    def _members_of(self, group: int) -> list[dict[str, Any]]:
        told = []
        for node in self._nodes_of(group):
            c = int(np.searchsorted(self.work.start, node, side="right")) - 1
            row_id = self.work.rows[c].ids[node - int(self.work.start[c])].as_py()
            told.append({"catalog": self.made.rules.names[c], "id": row_id})
        return told

    def _name_of(self, group: int) -> str:
        first = self._members_of(group)[0]
        return f"{first['catalog']}:{first['id']}"


def _around(scene: Scene, number: int, near: Neighbourhood, row: Rows) -> Rows:
    """Rows of a catalogue as far from the row as is told of."""
    from skyquarry.match.dilation import around

    wide = around(row.spatial, LEAST_ARCSEC)
    return scene.source.rows(number, near.ranges | wide)


def _nearest(row: Rows, rows: Rows, radius_arcsec: float) -> Ints:
    """Places of the nearest rows, as catalogued, nearest first; more than are told of."""
    if not len(rows):
        return np.empty(0, np.int64)
    here, there = (Points(r.ra_deg, r.dec_deg, r.spatial, r.rank) for r in (row, rows))
    found = find_pairs(here, there, radius_arcsec, nearest=4 * NEAREST)
    return np.asarray(found.right)


def _number(value: Any) -> float | None:
    return float(value) if np.isfinite(value) else None


def _flags(bits: int) -> list[str]:
    return [str(flag.name) for flag in Flag if bits & flag]
