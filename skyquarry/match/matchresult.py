"""`MatchResult`: the tables of an identification, its report, and ways to write them.

Tables are worked out once, when they are first asked for. Those of a run that memory may not hold
go to disk patch by patch, where they are only to be written.
"""

from __future__ import annotations

import json
import time
from contextlib import contextmanager
from functools import cached_property, partial
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from skyquarry.engine.memory import give_back, giving_back
from skyquarry.engine.plan import Result
from skyquarry.engine.scratch import scratch
from skyquarry.errors import UserError, one_of
from skyquarry.match.results.assembling import together
from skyquarry.match.results.columns import BEST_NEIGHBOUR, NEIGHBOURHOOD
from skyquarry.match.results.runcounts import RunCounts
from skyquarry.match.results.spilling import spilled
from skyquarry.match.results.tables import public

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterable, Iterator

    from skyquarry.engine.plan import Plan
    from skyquarry.match.explain.words import Telling
    from skyquarry.match.results.lazytables import Tables
    from skyquarry.match.runs.asked import Asked
    from skyquarry.match.runs.identification import Identification
    from skyquarry.match.updates.update import Updated

Kind = Literal["pairs", "groups", "members", "wide"]
KINDS = ("pairs", "groups", "members", "wide")
PASSING_ROWS = 1_000_000
"""Of matches of more rows a table that is only to be written is written while it is made."""


class MatchResult(Result):
    """Tables of pairs, groups and members, a report, and ways to write them."""

    updated: Updated | None = None
    """what was worked out again, where the result is an earlier one brought up to date"""

    def __init__(self, plan: Plan, made: Identification) -> None:
        super().__init__(plan, lambda **_: iter(()))
        self.made = made
        """the passes, each kept once it is made"""
        self._seconds = 0.0

    @property
    def asked(self) -> Asked:
        """What was matched, and how."""
        return self.made.plan

    @cached_property
    def all(self) -> Tables:
        """All three tables in memory, sorted along the sky, with the matcher's own columns."""
        begun = time.perf_counter()
        parts = list(self.made.tables())
        give_back()
        told = self._together(parts)
        self._seconds = time.perf_counter() - begun
        return told

    def take(self, told: Updated) -> None:
        """Have these tables, which an update has put together, in place of a run's own."""
        self.updated = told
        self.__dict__["all"] = told.tables

    @property
    def table(self) -> pa.Table:
        """The candidate pairs: see `pairs`."""
        return self.pairs

    @cached_property
    def counts(self) -> RunCounts:
        """What the report is made of."""
        return RunCounts.of(self.all, self.asked.names)

    @property
    def is_large(self) -> bool:
        """Whether the tables go to disk patch by patch, since memory may not hold them."""
        return not self.asked.is_resident and "all" not in self.__dict__

    def _passes(self, kind: Kind) -> bool:
        """Whether a table is written while it is made."""
        made = "all" in self.__dict__ or self.is_large or kind == "wide"
        return not made and self.asked.n_rows > PASSING_ROWS

    def spill(self, folder: Path, *, wide: bool = False) -> None:
        """Write the three tables, and the wide view, into Parquet files of a folder, and count.

        Patch by patch, for results that are larger than memory: afterwards there is a report.
        """
        begun = time.perf_counter()
        widened = partial(self._wide, everywhere=False) if wide else None
        self.counts = spilled(self.made.tables(), folder, self.asked.names, widened)
        self._seconds = time.perf_counter() - begun

    def pieces(self, *, wide: bool = False) -> Iterator[tuple[pa.Table, pa.Table, pa.Table]]:
        """Groups, pairs and members of one part of the sky after the other, at least of one.

        A group is in one piece, with all that belongs to it. `wide`: groups have every column of
        every catalogue. Tables that are not in memory are made on the way, and not kept; afterwards
        there is a report. Columns of the matcher's own begin with `_`.
        """
        if "all" in self.__dict__:
            told = self.all
            yield self.wide if wide else public(told.groups), told.pairs, told.members
            return
        begun, counts = time.perf_counter(), None
        for part in giving_back(self.made.tables()):
            mine = RunCounts.of(part, self.asked.names)
            counts = mine if counts is None else counts + mine
            groups = self._wide(part.groups, everywhere=False) if wide else public(part.groups)
            yield groups, part.pairs, part.members
        assert counts is not None  # there is one part at least
        self.counts = counts
        self._seconds = time.perf_counter() - begun
        give_back()

    def _passing(self, kind: Kind) -> Iterator[pa.Table]:
        """One of the tables, patch by patch as it is made, islands across borders last.

        It is not kept: where it is asked for again, it is made again. The others are kept, and what
        the report is made of.
        """
        begun, counts = time.perf_counter(), None
        parts: list[Tables] = []
        for part in self.made.tables():
            mine = RunCounts.of(part, self.asked.names)
            counts = mine if counts is None else counts + mine
            parts.append(part)
            yield public(part.let_go(kind))
        assert counts is not None  # there is one part at least
        self._seconds = time.perf_counter() - begun
        self.counts = counts
        again = partial(_made_again, self.made, kind)
        self.__dict__["all"] = self._together(parts).with_made(kind, again)
        give_back()

    def _together(self, parts: list[Tables]) -> Tables:
        return _put_together(parts, self.made)

    @contextmanager
    def kept(
        self, folder: Path | None = None, *, wide: bool = False
    ) -> Iterator[Callable[[Kind], Any]]:
        """A function of a table's name: the table, or the file that it was written to.

        Files lie in a folder of their own in `folder`, and are gone at the end.
        """
        if not self.is_large:
            yield self.to_table
            return
        with scratch("crossmatch", folder) as name:
            self.spill(Path(name), wide=wide)
            yield lambda kind: Path(name) / f"{kind}.parquet"

    @cached_property
    def pairs(self) -> pa.Table:
        """One row a candidate pair: left_id, right_id, sep_arcsec, evidence, probabilities."""
        return public(self.all.pairs)

    @cached_property
    def groups(self) -> pa.Table:
        """One row an object: combined position, probability, the id in each catalogue."""
        return public(self.all.groups)

    @cached_property
    def members(self) -> pa.Table:
        """One row a catalogue row: the group that it is in, or why it is alone."""
        return public(self.all.members)

    @cached_property
    def wide(self) -> pa.Table:
        """The groups with every column of every catalogue, prefixed, null where absent."""
        return self._wide(self.all.groups)

    def _wide(self, groups: pa.Table, *, everywhere: bool = True) -> pa.Table:
        from skyquarry.match.results.wide import wide_table

        return wide_table(groups, self.asked.sides, self.asked.names, everywhere=everywhere)

    def to_table(self, kind: Kind = "pairs") -> pa.Table:
        """One of the tables by its name."""
        one_of("kind", kind, KINDS)
        told: pa.Table = getattr(self, kind)
        return told

    def stream(self, *, ordered: bool = True) -> Iterator[pa.RecordBatch]:  # noqa: ARG002
        """Batches of the pairs; those of a large result come from disk, patch by patch."""
        yield from self.batches("pairs")

    def batches(self, kind: Kind, folder: Path | None = None) -> Iterator[pa.RecordBatch]:
        """Batches of one of the tables, at least one; what must go to disk lies in `folder`.

        Of a match of many rows, whose tables were not asked for yet, they come while it is worked
        out: patch by patch, islands across borders last.
        """
        if self._passes(kind):
            for part in self._passing(kind):
                yield from part.to_batches() or [pa.RecordBatch.from_pylist([], part.schema)]
            return
        with self.kept(folder, wide=kind == "wide") as table:
            told = table(kind)
            if isinstance(told, Path):
                with pq.ParquetFile(told) as file:
                    yield pa.RecordBatch.from_pylist([], file.schema_arrow)
                    yield from file.iter_batches()
            else:
                yield from told.to_batches() or [pa.RecordBatch.from_pylist([], told.schema)]

    def save(self, path: str | os.PathLike[str], kind: Kind = "pairs", **options: Any) -> int:
        """Write one of the tables to a file whose suffix says how; returns its rows.

        Parquet, FITS, VOTable and ECSV keep the provenance, as JSON under `skyquarry_crossmatch`.
        """
        from skyquarry.catalog.formats import write_table
        from skyquarry.catalog.formats.table import PROVENANCE

        one_of("kind", kind, KINDS)
        told = {PROVENANCE: json.dumps(self.provenance, sort_keys=True)}
        batches = self.batches(kind, Path(path).absolute().parent)
        first = next(batches)
        schema = first.schema.with_metadata(told)
        rows = (each.cast(schema) for each in chain([first], batches))
        return int(write_table(rows, schema, path, **options))

    @cached_property
    def provenance(self) -> dict[str, Any]:
        """Inputs, settings, calibration, densities, versions: kept with every output."""
        from skyquarry.match.reports.telling import provenance

        return provenance(self.made)

    @cached_property
    def report(self) -> dict[str, Any]:
        """What the run says of itself: see `skyquarry.match.reports.quality`."""
        from skyquarry.match.reports.telling import report

        return report(self.made, self.counts, self._seconds)

    @property
    def verdict(self) -> str:
        """Five lines: matched, expected false, error scale, calibration, what to doubt."""
        return "\n".join(self.report["verdict"])

    # ------------------------------------------------------------ one row, a few rows
    def explain_match(self, catalog: str, row_id: Any, which: int = 0) -> Telling:
        """Why the row of `catalog` with this id was matched, or not.

        Every candidate with its offset at the epoch compared, chi2, evidence, prior and
        probability; the groups that compete; the nearest rows that are no candidates; densities,
        who looked there, and what calibration did. `str()` says it in words, `.to_dict()` gives
        plain data. Of several rows of one id `which` chooses, along the sky. The tables need not
        have been made: only the row's island is worked out.

        Raises UserError for an unknown catalogue, NotFoundError for an unknown id.

        >>> print(result.explain_match("gaia", 4472832130942575872))  # doctest: +SKIP
        """
        from skyquarry.match.explain.explaining import explain_match

        return explain_match(self.made, catalog, row_id, which)

    def lookup(self, catalog: str, ids: Iterable[Any]) -> pa.Table:
        """The groups that hold these rows of `catalog`, in the order of the ids.

        Ids that were not matched over (unknown, or without a position) are left out.
        """
        from skyquarry.match.explain.locating import groups_with

        one_of("catalogue", catalog, self.asked.names)
        return groups_with(self.groups, catalog, ids)

    # ------------------------------------------------------------ Gaia's names
    def neighbourhood(self, left: str | None = None, right: str | None = None) -> pa.Table:
        """All candidates of two catalogues, under the names of Gaia's `<cat>_neighbourhood`.

        Marrese et al. 2019: source_id, original_ext_source_id, angular_distance, score; here also
        the posterior. By default the first two catalogues.
        """
        chosen = self._between(left, right)
        return pa.table({name: chosen[ours] for name, ours in NEIGHBOURHOOD})

    def best_neighbour(self, left: str | None = None, right: str | None = None) -> pa.Table:
        """The accepted pairs of two catalogues, as Gaia's `<cat>_best_neighbour` names them."""
        chosen = self._between(left, right)
        chosen = chosen.filter(chosen["is_match"])
        return pa.table({name: chosen[ours] for name, ours in BEST_NEIGHBOUR})

    def _between(self, left: str | None, right: str | None) -> pa.Table:
        names = self.asked.names
        left, right = left or names[0], right or names[1]
        for name in (left, right):
            one_of("catalogue", name, names)
        if names.index(left) >= names.index(right):
            raise UserError(
                f"the neighbours of {left!r} in {right!r} were asked for, but candidates are told "
                f"from an earlier catalogue to a later one of {', '.join(names)}: try two of "
                "these, the earlier first"
            )
        at_left = pc.equal(self.pairs["left_catalog"].cast(pa.string()), left)
        at_right = pc.equal(self.pairs["right_catalog"].cast(pa.string()), right)
        return self.pairs.filter(pc.and_(at_left, at_right))

    def __repr__(self) -> str:
        names = " x ".join(self.asked.names)
        return f"MatchResult: {names}"


def _put_together(parts: list[Tables], made: Identification) -> Tables:
    return together(parts, made.rules.names, made.at_once)


def _made_again(made: Identification, kind: Kind) -> pa.Table:
    """One of the tables, worked out once more."""
    told: pa.Table = getattr(_put_together(list(made.tables()), made), kind)
    return told
