"""Strangers: rows moved to where they do not belong, to see what probabilities they are given.

Some rows of a catalogue are rotated by a few arcminutes and put beside all the rows that are there;
the same evidence, densities and islands then judge them. Whatever a stranger finds among the rows
that were there is no counterpart of it, and its probability a false one. That is the measured side
of a reliability table (crossmatch.md, section 4: bins of P against the truth that a shifted sky
tells).

A row without a counterpart and one with it do not find the same: a counterpart is a rival of all
that chance brings. So each row is moved twice, to opposite sides: alone, and together with its
counterparts, in proportion to the probability of each. What is together for other reasons than
chance (the companion of a double star) is not met by strangers, and not counted.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from skyquarry.match.given.merging import merged
from skyquarry.match.likelihood.evidence import node_pairs
from skyquarry.match.likelihood.nodetable import node_table
from skyquarry.match.reports.judged import judged
from skyquarry.match.reports.shifted import DIRECTIONS, rotated, shift_arcsec
from skyquarry.match.reports.surroundings import Surroundings
from skyquarry.match.reports.tally import P_EDGES
from skyquarry.match.resolution.groups import offsets
from skyquarry.match.resolution.islands import islands
from skyquarry.match.resolution.resolve import resolve
from skyquarry.match.runs.identify import found_of, in_order
from skyquarry.match.runs.nearby import agree, chosen_evidence, near_nodes
from skyquarry.sky import healpix

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from skyquarry.match.given.rows import Rows
    from skyquarry.match.reports.judged import Judged
    from skyquarry.match.resolution.answers import Resolved
    from skyquarry.match.runs.identification import Identification
    from skyquarry.match.runs.identify import Work
    from skyquarry.match.runs.rules import Rules

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

STRANGERS = 4_000
"""Rows of a catalogue that are moved, in each of eight directions, at most."""
_MOVED = np.int32(1 << 30)
_BROUGHT = 14
"""Bits of `Rows.flags` that no flag has. A row that was moved alone has the first; one that was
moved with others a bit for the catalogue of each, from the second on; those others have both."""
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)  # 2^64 divided by the golden ratio: spreads evenly


@dataclass(frozen=True, slots=True)
class Home:
    """Candidates that the same rows have where they belong, by posterior (p bins,)."""

    candidates: Ints
    rivals: Ints
    """of them: not accepted, while another candidate of one of the two rows is"""
    possible: Floats
    """how many of those rivals can be true: the chance that what was accepted is not, summed"""
    threatened: Floats
    """how many accepted ones can be false for the sake of a rival: its chance, summed"""

    def __add__(self, other: Home) -> Home:
        """Both."""
        return Home(
            self.candidates + other.candidates,
            self.rivals + other.rivals,
            self.possible + other.possible,
            self.threatened + other.threatened,
        )


@dataclass(frozen=True, slots=True)
class Strangers:
    """What rows of one catalogue find in another, where none of it is theirs."""

    rows: int
    """how many were put where the other catalogue has looked"""
    candidates: Ints
    """(p bins,) pairs that they have with rows of the other, by posterior: all of them are false"""
    rivals: Ints | int = 0
    """(p bins,) of them: not accepted, while another candidate of one of the two rows is"""
    accompanied: Strangers | None = None
    """the same of rows that brought their counterpart with them"""
    home: Home | None = None
    accepted: int = 0
    """of the candidates"""

    @classmethod
    def start(cls) -> Strangers:
        """None yet."""
        none = np.zeros(len(P_EDGES) - 1, np.int64)
        zero = none.astype(np.float64)
        return cls(0, none, none, cls(0, none, none), Home(none, none, zero, zero))

    def __add__(self, other: Strangers) -> Strangers:
        """Both."""
        return Strangers(
            self.rows + other.rows,
            self.candidates + other.candidates,
            self.rivals + other.rivals,
            _both(self.accompanied, other.accompanied),
            _both(self.home, other.home),
            self.accepted + other.accepted,
        )


T = TypeVar("T", Strangers, Home)


def _both(one: T | None, other: T | None) -> T | None:
    if one is None or other is None:
        return other if one is None else one
    return one + other


def strangers(made: Identification) -> dict[tuple[int, int], Strangers]:
    """Of each pair of catalogues: what strangers of the first find in the second."""
    told = {key: Strangers.start() for key in made.rules.catalog_pairs()}
    angle = shift_arcsec(made.ring_arcsec)
    most = -(-STRANGERS // len(made.sample))
    for patch in made.sample:
        ranges = None if patch.is_whole else patch.core | patch.ring(angle + made.ring_arcsec)
        sky = _Sky(made, made.scene.rows(ranges))
        chosen = {}
        for number in sorted({a for a, _ in told}):
            core = np.flatnonzero(patch.core.contains(sky.rows[number].spatial))
            if len(core):
                chosen[number] = core[:: -(-len(core) // most)]
        home = _Home.of(sky, chosen)
        for number, some in chosen.items():
            moving = _Moving(sky, number, some, home)
            for key, where in moving.home().items():
                told[key] = told[key] + replace(Strangers.start(), home=where)
            for direction in range(DIRECTIONS):
                for key, found in moving.judged(direction, angle).items():
                    told[key] = told[key] + found
    return told


def _moved(rows: Rows, direction: int, angle_arcsec: float) -> Rows:
    """The same rows elsewhere, sorted as rows are."""
    ra, dec = rotated(rows.ra_deg, rows.dec_deg, direction, angle_arcsec)
    spatial = healpix.index(ra, dec)
    moved = replace(rows, ra_deg=ra, dec_deg=dec, spatial=spatial)
    return moved.take(np.lexsort((rows.row, rows.rank, spatial)))


def _marked(rows: Rows, mark: np.int32 | NDArray[np.int32]) -> Rows:
    return replace(rows, flags=rows.flags | mark)


class _Sky:
    """All rows of a part of the sky."""

    def __init__(self, made: Identification, rows: list[Rows]) -> None:
        self.made, self.rows = made, rows
        self.here = Surroundings(rows, made.rules)

    def solved(self, rows: list[Rows]) -> tuple[Work, Resolved]:
        """What the run would say of the islands that hold a marked row."""
        made = self.made
        work = _work(rows, made.rules)
        learnt = made.learnt
        weight = learnt.densities.ln_weight(work.groups, work.evidence.lnB, work.rows)
        if learnt.photometry is not None:
            weight = weight + learnt.photometry.ln_ratio(work.rows, work.groups)
        told = resolve(
            work.islands, work.groups, weight, made.rules.constraint, ready=work.ready, rivals=False
        )
        return work, told


def _work(rows: list[Rows], rules: Rules) -> Work:
    """The islands of several rows that hold one with a mark: no other has a pair that is asked for.

    An island is solved by itself, so that the others change nothing.
    """
    start = offsets(rows)
    left, right = near_nodes(rows, start, rules)
    order = in_order(left, right, int(start[-1]))
    left, right = left[order], right[order]
    pairs = node_pairs(node_table(rows, rules.motion), left, right)
    near = agree(rows, left, right, pairs, rules)
    left, right, pairs = left[near], right[near], chosen_evidence(pairs, near)
    whole = islands(int(start[-1]), left, right)
    asked = np.zeros(len(whole), bool)
    asked[whole.label[np.concatenate([each.flags for each in rows]) >> _BROUGHT > 0]] = True
    some = asked[whole.label[left]]
    left, right, pairs = left[some], right[some], chosen_evidence(pairs, some)
    return found_of(rows, left, right, pairs, rules).work


@dataclass(frozen=True, slots=True)
class _Home:
    """The rows of every catalogue that are to be moved where they belong, and what is near them."""

    work: Work
    told: Resolved
    pairs: Judged
    """whose left row is one of them"""

    @classmethod
    def of(cls, sky: _Sky, chosen: dict[int, Ints]) -> _Home:
        """The rows with these numbers, of these catalogues."""
        none = np.empty(0, np.int64)
        rows = []
        for number, near in enumerate(sky.here.islands_of(chosen)):
            mark = np.zeros(len(sky.rows[number]), np.int32)
            mark[chosen.get(number, none)] = _MOVED
            rows.append(_marked(sky.rows[number].take(near), mark[near]))
        work, told = sky.solved(rows)
        pairs = judged(work, told, sky.made.rules.constraint)
        return cls(work, told, pairs.where(pairs.left_flags & _MOVED > 0))


class _Moving:
    """Some rows of a catalogue at home, and what is moved with them."""

    def __init__(self, sky: _Sky, number: int, some: Ints, at_home: _Home) -> None:
        self.sky, self.number, self.at_home = sky, number, at_home
        self.rows = sky.rows[number].take(some)
        self.others = [b for a, b in sky.made.rules.catalog_pairs() if a == number]

    def home(self) -> dict[tuple[int, int], Home]:
        """What the rows have for candidates where they belong."""
        pairs = self.at_home.pairs
        mine = pairs.left_catalog == self.number
        each = {b: pairs.where(mine & (pairs.right_catalog == b)) for b in self.others}
        return {
            (self.number, b): Home(*some.binned(), *some.contested()) for b, some in each.items()
        }

    @cached_property
    def company(self) -> list[Rows]:
        """Those of the rows that have counterparts, and these: of every catalogue, marked.

        Of the objects that a row may be, each is drawn as often as it is probable.
        """
        work, own = self.at_home.work, self.number
        leads = work.start[own] + np.flatnonzero(work.rows[own].flags & _MOVED)
        group = _drawn(work, self.at_home.told, leads)
        told = []
        for c, rows in enumerate(work.rows):
            nodes, come_with = _members(work, group, c)
            taken = rows.take(nodes - work.start[c])
            if c != self.number:
                told.append(_marked(taken, _MOVED | np.int32(1 << _BROUGHT + c)))
                continue
            brought = work.groups.catalogs[group[come_with]].astype(np.int32) & ~np.int32(1 << c)
            told.append(replace(taken, flags=(taken.flags & ~_MOVED) | brought << _BROUGHT))
        return told

    def judged(self, direction: int, angle_arcsec: float) -> dict[tuple[int, int], Strangers]:
        """What the rows find elsewhere, of what was there before."""
        sky, number = self.sky, self.number
        there = (direction + DIRECTIONS // 2) % DIRECTIONS
        moved = [_moved(rows, there, angle_arcsec) for rows in self.company]
        alone = _marked(_moved(self.rows, direction, angle_arcsec), _MOVED)
        moved[number] = mine = merged([moved[number], alone])
        near = [rows.take(n) for rows, n in zip(sky.rows, sky.here.around(moved), strict=True)]
        work, solved = sky.solved([merged(list(each)) for each in zip(near, moved, strict=True)])
        pairs = judged(work, solved, sky.made.rules.constraint)
        pairs = pairs.where(pairs.left_flags >> _BROUGHT > 0)
        pairs = pairs.where(pairs.right_flags >> _BROUGHT == 0)
        told = {}
        for b in self.others:
            looked = self._looked(mine.spatial, b)
            some = pairs.where((pairs.right_catalog == b) & (pairs.left_catalog == number))
            some = some.where(self._looked(some.left_spatial, b))
            kinds = []
            for kind in (_MOVED, np.int32(1 << _BROUGHT + b)):
                rows = int((looked & (mine.flags & kind > 0)).sum())
                these = some.where(some.left_flags & kind > 0)
                kinds.append(Strangers(rows, *these.binned(), accepted=int(these.accepted.sum())))
            told[number, b] = replace(kinds[0], accompanied=kinds[1])
        return told

    def _looked(self, spatial: Ints, catalog: int) -> NDArray[np.bool_]:
        """Whether the other catalogue has looked there."""
        seen = self.sky.made.learnt.densities.coverage.observed_at(spatial)
        return (seen >> np.uint32(catalog) & np.uint32(1)).astype(bool)


def _drawn(work: Work, told: Resolved, leads: Ints) -> Ints:
    """Of each lead (ascending nodes) a group that it is in; of those that are not alone in it.

    By a number that depends on the row's place alone, against the posteriors of its groups.
    """
    groups = work.groups
    if not len(leads):
        return leads
    number = np.repeat(np.arange(len(groups)), np.diff(groups.start))
    place = np.searchsorted(leads, groups.nodes)
    here = np.flatnonzero(leads[np.minimum(place, len(leads) - 1)] == groups.nodes)
    order = here[np.argsort(place[here], kind="stable")]
    lead, group = place[order], number[order]
    passed = np.cumsum(np.clip(told.posterior[group], 0.0, 1.0))
    first = np.searchsorted(lead, np.arange(len(leads)))
    last = np.append(first[1:], len(lead)) - 1
    before = passed[first] - np.clip(told.posterior[group[first]], 0.0, 1.0)
    whole = np.maximum(passed[last] - before, 1.0)
    spatial = np.concatenate([rows.spatial for rows in work.rows])[leads]
    chance = (spatial.astype(np.uint64) * _GOLDEN >> np.uint64(11)) * 2.0**-53
    at = np.searchsorted(passed, before + chance * whole, side="right")
    drawn = np.minimum(at, last)
    several = (at <= last) & (np.diff(groups.start)[group[drawn]] > 1)
    chosen: Ints = group[drawn[several]]
    return chosen


def _members(work: Work, group: Ints, catalog: int) -> tuple[Ints, Ints]:
    """Nodes of a catalogue in these groups, each once and ascending; and in which of the groups."""
    groups = work.groups
    size = np.diff(groups.start)[group]
    begin = np.cumsum(size) - size
    flat = np.repeat(groups.start[group] - begin, size) + np.arange(int(size.sum()))
    nodes, come_with = groups.nodes[flat], np.repeat(np.arange(len(group)), size)
    mine = (nodes >= work.start[catalog]) & (nodes < work.start[catalog + 1])
    nodes, first = np.unique(nodes[mine], return_index=True)
    return nodes, come_with[mine][first]
