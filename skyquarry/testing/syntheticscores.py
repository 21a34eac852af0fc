"""How well identifications of a synthetic sky agree with its truth.

A counterpart is *observed* where one true source is the brightest part of a row in both catalogues.
A pair of rows is *right* where both have the same brightest source. Where they have not, it is
- *merged* where the brightest source of the more blurred survey's row is in the other row too: both
  see the same two sources as one, and differ in which is brighter;
- *blended* where they have some other source in common: the one is a lesser part of the other;
- else *apart*.
A row that holds the light of several sources has several right counterparts. So, whatever its kind,
a pair is *false* where
- a better row was there: the brightest source of one of them has a row of its own in the survey of
  the other; or
- no source gives `LEAST_PART` of the light of both: magnitudes would be off by more than 1.5.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

import skyquarry as sq
from skyquarry.catalog.arrow import to_numpy
from skyquarry.synthetic.observe.surveys import CATALOGUES

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from skyquarry.engine.archive import Archive
    from skyquarry.match.matchresult import MatchResult

    Ints = NDArray[np.int64]

BRIGHT_R = 20.0
LEAST_PART = 0.25
SURE = 0.7
"""Of the identifications those that are at least so probable are scored by themselves, too."""


@dataclass(frozen=True, slots=True)
class Score:
    """Of one way of matching two catalogues (or four)."""

    accepted: int
    right: int
    merged: int
    blended: int
    apart: int
    false: int
    observed: int
    found: int
    observed_bright: int
    """true counterparts with r < 20"""
    found_bright: int
    wrong_expected: float | None
    """how many of the accepted are not right, as their probabilities have it"""

    def shares(self) -> dict[str, float]:
        """Parts of what was accepted, and of what was to be found."""
        accepted, observed = max(self.accepted, 1), max(self.observed, 1)
        return {
            "right": self.right / accepted,
            "merged": self.merged / accepted,
            "blended": self.blended / accepted,
            "apart": self.apart / accepted,
            "false": self.false / accepted,
            "found": self.found / observed,
            "found_bright": self.found_bright / max(self.observed_bright, 1),
        }


class Linked:
    """The rows of a survey, and the true sources in each."""

    def __init__(self, sky: Archive, name: str) -> None:
        key = CATALOGUES[name].key
        links = sky[f"{name}_truth"].select([key, "truth_id", "share"]).to_table()
        links = links.sort_by([(key, "ascending"), ("share", "descending")])
        keys = links[key].combine_chunks()
        codes = keys.dictionary_encode()
        self.keys = codes.dictionary
        row = codes.indices.to_numpy()
        first = np.flatnonzero(np.diff(row, prepend=-1))
        self.truth = links["truth_id"].to_numpy()
        self.share = links["share"].to_numpy()
        self.start = np.append(first, len(row))
        self.main: Ints = self.truth[first]
        self.mains = set(self.main.tolist())
        """sources that have a row of their own"""

    def rows_of(self, ids: pa.ChunkedArray | pa.Array) -> Ints:
        """(n,) places of rows by the survey's ids; -1 where null, or spurious."""
        found = pc.index_in(ids, value_set=self.keys).fill_null(-1)
        return np.asarray(found.to_numpy(), np.int64)

    def main_of(self, rows: Ints) -> Ints:
        """(n,) brightest source of each row, -1 of none."""
        return np.where(rows >= 0, self.main[np.maximum(rows, 0)], -1)

    def parts_of(self, row: int) -> dict[int, float]:
        """Every source in a row, the brightest first, and its share of the light."""
        if row < 0:
            return {}
        mine = slice(self.start[row], self.start[row + 1])
        return dict(zip(self.truth[mine].tolist(), self.share[mine].tolist(), strict=True))


@dataclass(frozen=True, slots=True)
class Truth:
    """What is to be found in a synthetic sky."""

    linked: dict[str, Linked]
    bright: Ints
    """ids of sources with r < 20, sorted"""

    @classmethod
    def of(cls, sky: Archive, names: Sequence[str]) -> Truth:
        """Of these surveys."""
        bright = sky["truth"].where(f"mag_sdss_r < {BRIGHT_R}").select(["id"]).to_table()
        ids = np.sort(bright["id"].to_numpy())
        return cls({name: Linked(sky, name) for name in names}, ids)

    def score(
        self,
        names: tuple[str, ...],
        ids: Sequence[pa.ChunkedArray],
        probability: NDArray[np.float64] | None = None,
    ) -> Score:
        """Of rows that were taken for one object: ids (n,) of each survey, none of them null.

        `probability` (n,) that they are one.
        """
        rows = [self.linked[name].rows_of(each) for name, each in zip(names, ids, strict=True)]
        mains = [self.linked[name].main_of(each) for name, each in zip(names, rows, strict=True)]
        right = np.logical_and.reduce([(each == mains[0]) & (each >= 0) for each in mains])
        wrong = np.stack(rows, axis=1)[~right]
        kinds = [self._kind(names, line) for line in wrong.tolist()]
        mixed = sum(each.mixed for each in kinds)
        merged = sum(each.merged for each in kinds)
        observed = self.observed(names)
        found = np.unique(mains[0][right])
        return Score(
            accepted=len(right),
            right=int(right.sum()),
            merged=merged,
            blended=mixed - merged,
            apart=len(wrong) - mixed,
            false=sum(each.false for each in kinds),
            observed=len(observed),
            found=int(np.isin(found, observed).sum()),
            observed_bright=int(np.isin(observed, self.bright).sum()),
            found_bright=int((np.isin(found, observed) & np.isin(found, self.bright)).sum()),
            wrong_expected=None if probability is None else float((1.0 - probability).sum()),
        )

    def observed(self, names: tuple[str, ...]) -> Ints:
        """Sources that are the brightest of a row in each of the surveys."""
        there = np.unique(self.linked[names[0]].main)
        for name in names[1:]:
            there = np.intersect1d(there, self.linked[name].main)
        return there

    def _kind(self, names: tuple[str, ...], rows: list[int]) -> _Kind:
        """Of rows (k,) that have not all the same brightest source."""
        parts = [self.linked[name].parts_of(row) for name, row in zip(names, rows, strict=True)]
        common = set.intersection(*(set(each) for each in parts))
        part = max((min(each[one] for each in parts) for one in common), default=0.0)
        blurs = [CATALOGUES[name].instrument.resolution_arcsec for name in names]
        mains = [next(iter(each), None) for each in parts]
        return _Kind(
            bool(common),
            mains[int(np.argmax(blurs))] in common,
            part < LEAST_PART or self._better_was_there(names, mains),
        )

    def _better_was_there(self, names: tuple[str, ...], mains: list[int | None]) -> bool:
        """Whether the brightest source of a row has a row of its own in another's survey."""
        return any(
            main is not None and main != other and main in self.linked[name].mains
            for main in mains
            for name, other in zip(names, mains, strict=True)
        )


@dataclass(frozen=True, slots=True)
class _Kind:
    """What is wrong with rows that were taken for one object."""

    mixed: bool
    merged: bool
    false: bool


def scores(
    sky: Archive, names: Sequence[str], radius_arcsec: float = 1.0
) -> dict[str, dict[str, Score]]:
    """{"a x b": {"crossmatch": ..., "sure": ..., "nearest": ...}} for every two, and all at once.

    The identification of all surveys at once at its defaults, what of it is at least as probable as
    `SURE`, and the nearest within the radius.
    """
    result = sq.crossmatch(*[sky[name] for name in names]).run()
    truth = Truth.of(sky, names)
    told = {}
    for some in _choices(tuple(names)):
        both = _accepted(result, some)
        sure = both.filter(pc.greater_equal(both["posterior"], SURE))
        told[" x ".join(some)] = {
            "crossmatch": truth.score(some, both.columns[1:], to_numpy(both["posterior"])),
            "sure": truth.score(some, sure.columns[1:], to_numpy(sure["posterior"])),
            "nearest": truth.score(some, _nearest(sky, some, radius_arcsec)),
        }
    return told


def scores_alone(
    sky: Archive, names: Sequence[str], radius_arcsec: float = 1.0
) -> dict[str, dict[str, Score]]:
    """As `scores`, of every two surveys matched by themselves."""
    told: dict[str, dict[str, Score]] = {}
    for some in combinations(names, 2):
        told |= scores(sky, some, radius_arcsec)
    return told


def _accepted(result: MatchResult, names: tuple[str, ...]) -> pa.Table:
    """Of accepted groups with all of these surveys: `posterior`, and the ids of each.

    Of two surveys the probability is that of the pair, whatever else belongs to it; of more, and of
    two rows that only a third one joins, that of the group.
    """
    ids = [f"{name}_id" for name in names]
    groups = result.groups.select(["group_id", "posterior", *ids]).drop_null()
    told = groups["posterior"]
    if len(names) == 2:
        pairs = result.pairs.filter(result.pairs["is_match"])
        for side, name in zip(("left_catalog", "right_catalog"), names, strict=True):
            pairs = pairs.filter(pc.equal(pairs[side].cast(pa.string()), name))
        of = pc.index_in(groups["group_id"], value_set=pairs["group_id"].combine_chunks())
        told = pc.coalesce(pairs["posterior"].combine_chunks().take(of.combine_chunks()), told)
    return pa.table([told, *groups.select(ids).columns], ["posterior", *ids])


def _choices(names: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    yield from combinations(names, 2)
    if len(names) > 2:
        yield names


def _nearest(sky: Archive, names: tuple[str, ...], radius_arcsec: float) -> list[pa.ChunkedArray]:
    """Ids of the first survey's rows and of their nearest in each of the others."""
    whole: pa.Table | None = None
    for name in names[1:]:
        pairs = sq.pairs(sky[names[0]], sky[name], radius_arcsec=radius_arcsec, keep="best")
        table = pairs.to_table().select(["left_id", "right_id"]).rename_columns(["left", name])
        whole = table if whole is None else whole.join(table, "left", join_type="inner")
    assert whole is not None
    return [whole["left"], *(whole[name] for name in names[1:])]
