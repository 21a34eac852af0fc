"""The island of one row, worked out: its candidates and the groups that compete, as plain data."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from skyquarry.match.given.rows import Flag
from skyquarry.match.kernels import pairtable
from skyquarry.match.results.tables import public, tables

if TYPE_CHECKING:
    from collections.abc import Iterator

    from skyquarry.match.results.lazytables import Tables
    from skyquarry.match.results.tables import Shape
    from skyquarry.match.runs.identification import Identification
    from skyquarry.match.runs.identify import Solved, Work
    from skyquarry.match.runs.rules import Rules

MOST_GROUPS = 20
"""The most probable groups of an island that are told of; how many more there are is said."""


@dataclass(frozen=True)
class Island:
    """Whole islands, one of which holds the row that is asked for."""

    made: Identification
    rules: Rules
    shape: Shape
    work: Work
    solved: Solved
    node: int
    """the row, among all of them"""

    @cached_property
    def tables(self) -> Tables:
        """As the run tells of these islands, every candidate kept."""
        made = self.made
        coverage = made.learnt.densities.coverage
        return tables(self.work, self.solved, self.shape, self.rules, made.calibration, coverage)

    @property
    def member(self) -> dict[str, Any]:
        """The row's line in the table of members."""
        told: dict[str, Any] = self.tables.members.slice(self.node, 1).to_pylist()[0]
        return told

    @property
    def is_matched(self) -> bool:
        """Whether the row has a companion here."""
        return int(self.member["n"]) > 1

    @property
    def is_exact(self) -> bool:
        """Whether the island is small enough for that."""
        return not bool(self.solved.resolved.heuristic[self.work.islands.label[self.node]])

    # ------------------------------------------------------------ candidates
    @property
    def candidates(self) -> list[dict[str, Any]]:
        """Every candidate of the row, and rows that only an accepted group joins with it."""
        near = self._near
        names = [(self._catalog_of(node), str(self._id_of(node))) for node in near]
        own = self._catalog_of(self.node), str(self._id_of(self.node))
        told = []
        pairs = public(self.tables.pairs).to_pylist()
        for pair, left in zip(pairs, self.tables.pairs["_node"].to_pylist(), strict=True):
            right = pair["right_catalog"], str(pair["right_id"])
            if left == self.node and right in names:
                told.append(self._candidate(pair, "left", near[names.index(right)]))
            elif left in near and right == own:
                told.append(self._candidate(pair, "right", left))
        return told

    @property
    def _near(self) -> list[int]:
        """Rows that are candidates of the row, or in its accepted group."""
        work = self.work
        partners = np.concatenate(
            [
                work.right[work.left == self.node],
                work.left[work.right == self.node],
                self._nodes_of(int(self._home[self.node])),
            ]
        )
        return sorted(set(partners.astype(np.int64).tolist()) - {self.node})

    def _candidate(self, pair: dict[str, Any], side: str, node: int) -> dict[str, Any]:
        """A pair as seen from the row: offsets point from it to the other, `node`."""
        other = "right" if side == "left" else "left"
        sign = 1.0 if side == "left" else -1.0
        phot, gain = pair["lnB_phot"], pair["ln_gain"]
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
            "ln_prior": None if gain is None else gain - pair["lnB_pos"] - (phot or 0.0),
            "ln_gain": gain,
            "posterior": pair["posterior"],
            "posterior_geometry": pair["posterior_geometry"],
            "is_match": pair["is_match"],
            "group_of_other": self._name_of(int(self._home[node])),
            "flags": flag_names(pair["flags"]),
        }

    @cached_property
    def _home(self) -> Any:
        """(nodes,) the accepted group of each row."""
        work, chosen = self.work, self.solved.resolved.chosen
        return pairtable.chosen_groups(work.n_nodes, work.groups.start, work.groups.nodes, chosen)

    # ------------------------------------------------------------ groups
    @property
    def groups(self) -> list[dict[str, Any]]:
        """The groups of the row's island, the most probable first."""
        work, solved, learnt = self.work, self.solved, self.made.learnt
        posterior = np.clip(solved.resolved.posterior, 0.0, 1.0)
        flat = learnt.densities.without_magnitudes().ln_weight(
            work.groups, work.evidence.lnB, work.rows
        )
        mine = np.flatnonzero(work.groups.island == work.islands.label[self.node])
        order = mine[np.lexsort((mine, -posterior[mine]))][:MOST_GROUPS]
        return [self._group(g, float(posterior[g]), float(flat[g])) for g in order.tolist()]

    @property
    def n_groups(self) -> int:
        """How many groups the row's island has."""
        work = self.work
        return int((work.groups.island == work.islands.label[self.node]).sum())

    @property
    def n_rows(self) -> dict[str, int]:
        """How many rows of each catalogue the row's island has."""
        work = self.work
        mine = work.islands.label == work.islands.label[self.node]
        parts = np.split(mine, work.start[1:-1])
        return {n: int(part.sum()) for n, part in zip(self.rules.names, parts, strict=True)}

    def _group(self, g: int, posterior: float, flat: float) -> dict[str, Any]:
        work, solved = self.work, self.solved
        weight, phot = float(solved.ln_weight[g]), float(solved.ln_photometry[g])
        positions = float(work.evidence.lnB[g])
        return {
            "group_id": self._name_of(g),
            "members": list(self._members_of(g)),
            "lnB_pos": positions,
            "lnB_phot": phot,
            "ln_prior": weight - phot - positions,
            "ln_prior_magnitudes": weight - phot - flat,
            "ln_weight": weight,
            "posterior": posterior,
            "posterior_geometry": float(np.clip(solved.geometry_posterior[g], 0.0, 1.0)),
            "chosen": bool(solved.resolved.chosen[g]),
            "has_row": self.node in self._nodes_of(g),
        }

    def _nodes_of(self, group: int) -> list[int]:
        start, nodes = self.work.groups.start, self.work.groups.nodes
        told: list[int] = nodes[start[group] : start[group + 1]].tolist()
        return told

    def _members_of(self, group: int) -> Iterator[dict[str, Any]]:
        for node in self._nodes_of(group):
            yield {"catalog": self._catalog_of(node), "id": self._id_of(node)}

    def _catalog_of(self, node: int) -> str:
        return self.rules.names[int(np.searchsorted(self.work.start, node, side="right")) - 1]

    def _id_of(self, node: int) -> Any:
        """The id of a row, as its catalogue has it."""
        c = self.rules.names.index(self._catalog_of(node))
        return self.work.rows[c].ids[node - int(self.work.start[c])].as_py()

    def _name_of(self, group: int) -> str:
        first = next(self._members_of(group))
        return f"{first['catalog']}:{first['id']}"


def flag_names(bits: int) -> list[str]:
    """The names of the bits of `Flag`."""
    return [str(flag.name) for flag in Flag if bits & flag]
