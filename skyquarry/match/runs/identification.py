"""One run of an identification: its passes in order, each made once and kept.

1. survey      every patch: how many rows, how bright, which reach farthest
2. calibrate   a sample of patches: mutual nearest neighbours -> zero points, error floors
3. learn       the sample: candidates, groups, evidence -> densities and photometry, by EM
4. tables      every patch: islands inside it to tables; rows of islands that cross a border go on
5. the border  those rows together are whole islands again
6. fast stars  what is alone is searched once more, every patch with what waits around it, as far as
   10.5"/yr goes from what is bright or red

A sample (`sampling.py`) is a fixed choice of cells of the sky: it does not depend on tiles, order
or workers.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from skyquarry.engine.executors import shares_memory
from skyquarry.engine.memory import give_back
from skyquarry.engine.run import run_tasks
from skyquarry.engine.scratch import scratch
from skyquarry.errors import UserError
from skyquarry.match.calibration import calibrate, residuals
from skyquarry.match.calibration.calibrate import Calibration
from skyquarry.match.likelihood.fastpass import FASTEST_ARCSEC_YR
from skyquarry.match.priors.densities import Densities
from skyquarry.match.priors.fielddensities import of_field
from skyquarry.match.priors.fields import counting_order
from skyquarry.match.priors.learning import Field, learn
from skyquarry.match.runs.calibrating import draws_of, residuals_of
from skyquarry.match.runs.expecting import check_candidates
from skyquarry.match.runs.fastwords import fast_words
from skyquarry.match.runs.frozen import Frozen
from skyquarry.match.runs.identify import identified, joined
from skyquarry.match.runs.passes import (
    SLACK_ARCSEC,
    Final,
    Scene,
    Surveyed,
    extremes,
    finished,
    lesson_of_all,
    piece_of,
    reach_arcsec,
    survey_patch,
)
from skyquarry.match.runs.patches import patches_of
from skyquarry.match.runs.rowsource import Resident, Streamed, footprint_of
from skyquarry.match.runs.sampling import field_lesson_of, field_sample, lesson_of, sample_of
from skyquarry.match.runs.secondsearch import SecondSearch, second_search
from skyquarry.match.runs.waiting import Waiting
from skyquarry.match.runs.weighed import Weighed
from skyquarry.sky.ranges import Ranges

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from skyquarry.engine.executors import Where
    from skyquarry.match.given.reading import Rejects
    from skyquarry.match.given.rows import Rows
    from skyquarry.match.likelihood.fastpass import FastRule
    from skyquarry.match.priors.learning import Learnt
    from skyquarry.match.results.lazytables import Tables
    from skyquarry.match.runs.asked import Asked
    from skyquarry.match.runs.identify import Found
    from skyquarry.match.runs.passes import FastPass, Piece
    from skyquarry.match.runs.patches import Patch
    from skyquarry.match.runs.rowsource import RowSource
    from skyquarry.match.runs.rules import Rules
    from skyquarry.sky.footprint import Footprint

_NONE = np.empty(0, np.int64)
PATCH_ROWS = 250_000
"""A patch holds about so many rows, of all catalogues together: twice as many cost no less time
and a gigabyte more, where two are worked on at once."""
MANY_ROWS = 1_000_000
"""Of more rows that are all held patches are half as large: 2.6 -> 2.2 GB for four times 1e6. Those
of fewer are few, and those that are read from disk are read beyond their borders."""
SAMPLE_ROWS = 1_000_000
"""The report looks at patches of about so many rows."""


class Identification:
    """The passes of one plan, run by one executor."""

    def __init__(
        self,
        plan: Asked,
        executor: Where = None,
        cancel: threading.Event | None = None,
        progress: Callable[[str, int, int], None] | None = None,
    ) -> None:
        self.plan, self.executor, self.cancel = plan, executor, cancel
        self.progress = progress or (lambda *_: None)
        self._works: dict[int, Found] = {}

    # ------------------------------------------------------------ where the rows are
    @cached_property
    def source(self) -> RowSource:
        """The rows: in memory where they fit, and need not travel to workers with every task."""
        streamed = Streamed(self.plan.sides, self.plan.policies)
        if not self.is_resident:
            return streamed
        return Resident.of(streamed, self.executor)

    @property
    def is_resident(self) -> bool:
        """Whether all rows are read once and kept."""
        return self.plan.is_resident and shares_memory(self.executor)

    @cached_property
    def patches(self) -> list[Patch]:
        """The parts of the sky that are worked on at once; each row is core in one of them."""
        halved = self.plan.is_resident and self.plan.n_rows > MANY_ROWS
        return patches_of(self.source.counts(), PATCH_ROWS // 2 if halved else PATCH_ROWS)

    @cached_property
    def sample(self) -> list[Patch]:
        """Patches that the report looks at: all where they are few, else every so many."""
        rows = self.plan.n_rows
        step = max(1, round(rows / SAMPLE_ROWS))
        return self.patches[step // 2 :: step] or self.patches

    @cached_property
    def lessons(self) -> list[Patch]:
        """Parts of the sky that are learnt from; none: all patches are."""
        return sample_of(self.surveyed.summary.counts)

    # ------------------------------------------------------------ the passes
    @cached_property
    def surveyed(self) -> Surveyed:
        """What the first look at every patch tells, put together."""
        scene = Scene(self.source, self.plan.rules, Calibration.none(self.plan.names))
        order = counting_order(max(side.n_rows for side in self.plan.sides))
        parts = self._over("survey", survey_patch, scene, self.patches, order)
        return Surveyed.union(parts)

    @cached_property
    def extremes(self) -> list[Rows]:
        """Of each catalogue the rows that reach farthest, as catalogued."""
        return self.surveyed.extremes

    @property
    def rejects(self) -> tuple[Rejects, ...]:
        """What was set aside of each catalogue, and what is odd about the rest."""
        return self.surveyed.rejects

    @property
    def unknown_epochs(self) -> dict[str, int]:
        """Rows without an epoch, by catalogue."""
        told = zip(self.plan.names, self.surveyed.timeless, strict=True)
        return {name: rows for name, rows in told if rows}

    @property
    def fast_rules(self) -> tuple[FastRule, ...] | None:
        """Which rows of each catalogue are searched twice; None: there is no second search."""
        return None if self.second is None else self.second.rules

    @property
    def frozen(self) -> Frozen:
        """What the passes before the tables have found."""
        few = tuple(extremes(each) for each in self.extremes)
        return Frozen(self.calibration, self.learnt, few, self.fast_rules)

    @property
    def fast_words(self) -> str:
        """What the search for fast stars can have missed."""
        return "" if self.second is None else fast_words(self, self.second.rules)

    @cached_property
    def calibration(self) -> Calibration:
        """Zero points, error floors and scales: given, learnt, or none."""
        if self.plan.learnt is not None:
            return self.plan.learnt.calibration
        wanted = self.plan.settings.calibrate
        if isinstance(wanted, Calibration):
            return given(wanted, self.plan.names)
        if not wanted:
            return Calibration.none(self.plan.names)
        reference = calibrate.reference_of(self.surveyed.median_errors_arcsec)
        scene = Scene(self.source, self.plan.rules, Calibration.none(self.plan.names))
        draws = draws_of(self.surveyed.summary.counts, self.lessons, reference)
        part = self.lessons or self.patches
        parts = self._over("calibrate", residuals_of, scene, part, reference, draws)
        samples = {
            number: residuals.joined([part[number] for part in parts if number in part])
            for number in sorted(set().union(*parts))
        }
        return calibrate.fit(samples, self.plan.names, reference=reference, over=self.at_once)

    @cached_property
    def rules(self) -> Rules:
        """What holds for every patch: as planned, with the candidates that calibration asks for."""
        planned = self.plan.rules
        seen = self.calibration.chi2_within(planned.completeness)
        return replace(planned, chi2_seen=seen)

    @cached_property
    def scene(self) -> Scene:
        """What the later passes share: the rows as the evidence sees them."""
        return Scene(self.source.calibrated(self.calibration), self.rules, self.calibration)

    @cached_property
    def ring_arcsec(self) -> float:
        """How far around a patch its rows may have candidates."""
        rows = [self.calibration.apply(each, n) for n, each in enumerate(self.extremes)]
        return reach_arcsec(rows, self.rules) + SLACK_ARCSEC

    @cached_property
    def learnt(self) -> Learnt:
        """Densities and photometry, from the sample, or as an earlier run has learnt them."""
        if self.plan.learnt is not None:
            return self.plan.learnt.learnt
        plan = self.plan
        footprints = [footprint_of(side) for side in plan.sides]
        first = Densities.start(
            self.rules.names,
            self.surveyed.summary,
            footprints,
            prior=plan.settings.prior,
            completeness=plan.settings.completeness,
            within=Ranges.union(part.core for part in self.lessons) if self.lessons else None,
        )
        if not plan.settings.force:
            check_candidates(self.surveyed, self.rules, first.coverage)
        chosen = plan.settings.photometry
        pieces = self._pieces_to_learn_from()
        return learn(
            first,
            self.surveyed.summary,
            pieces,
            lone=[piece.lone for piece in pieces],
            field=self._field_to_learn_from(first, footprints),
            photometry=None if isinstance(chosen, str) else chosen,
            magnitude_prior=chosen == "auto",
            each_pass=lambda _: self.progress("learn", 0, 0),
            over=self.at_once,
        )

    def _pieces_to_learn_from(self) -> Sequence[Weighed]:
        """The evidence of the sample; where that is everything, of islands across borders too."""
        if self.lessons:
            return self._over("evidence", lesson_of, self.scene, self.lessons, self.ring_arcsec)
        both = self._over("evidence", lesson_of_all, self.scene, self.patches, self.ring_arcsec)
        if self.is_resident:
            works = [found for found, _ in both]
            self._works = dict(zip([p.number for p in self.patches], works, strict=True))
        border = self._across([found.opened for found, _ in both])
        return [*(weighed for _, weighed in both), Weighed.of(border, self.rules)]

    def _field_to_learn_from(
        self, start: Densities, footprints: Sequence[Footprint | None]
    ) -> Field | None:
        """The other catalogues among themselves, where rows of the first choose from them."""
        if self.rules.constraint != "many_to_one" or len(self.rules.names) < 3:
            return None
        summary = self.surveyed.summary
        scene = replace(self.scene, rules=replace(self.rules, constraint="one_to_one"))
        lessons = field_sample(summary.counts, self.lessons)
        rows = [self.calibration.apply(each, n) for n, each in enumerate(self.extremes)]
        ring = reach_arcsec([rows[0].take(_NONE), *rows[1:]], scene.rules) + SLACK_ARCSEC
        pieces = self._over("evidence", field_lesson_of, scene, lessons, ring)
        within = Ranges.union(part.core for part in lessons)
        field = of_field(start, summary, footprints, within)
        return Field(field, pieces, [piece.lone for piece in pieces])

    def _across(self, opened: list[list[Rows]]) -> Found:
        """The islands that cross borders, whole."""
        return identified(joined(opened), self.rules)

    # ------------------------------------------------------------ what comes out
    @cached_property
    def final(self) -> Final:
        """What turns evidence into tables."""
        return Final(self.learnt, self.plan.shape, self.second, self.is_resident)

    @cached_property
    def second(self) -> SecondSearch | None:
        """The search for fast stars; None where it is not asked for, or can find nothing."""
        return second_search(self.extremes) if self.plan.settings.fast_pass else None

    def tables(self) -> Iterator[Tables]:
        """The tables of each patch, then those of islands across borders and of fast stars."""
        opened = []
        with self._waiting() as waiting:
            for patch, piece in zip(self.patches, self._pieces(), strict=True):
                opened.append(piece.opened)
                waiting.add(patch.number, piece.unmatched)
                yield piece.tables
            border = finished(self._across(opened), self.scene, self.final)
            waiting.scatter(border.unmatched)
            yield border.tables
            if self.final.fast is not None:
                yield from self._searched_again(self.final.fast, waiting)

    @contextmanager
    def _waiting(self) -> Iterator[Waiting]:
        """The rows that wait for the second search: in files where the others are not held."""
        count = len(self.rules.names)
        if self.is_resident:
            yield Waiting(self.patches, count)
            return
        with scratch("waiting") as folder:
            yield Waiting(self.patches, count, Path(folder))

    def _searched_again(self, fast: FastPass, waiting: Waiting) -> Iterator[Tables]:
        """The tables of what waited in each patch, then those of fast stars across borders."""
        ring, opened = waiting.ring_arcsec(self.rules, FASTEST_ARCSEC_YR), []
        tasks = (
            (patch.number, fast.piece, (*waiting.around(patch, ring), self.scene, self.final))
            for patch in self.patches
            if patch in waiting
        )
        run = run_tasks(tasks, self.executor, ordered=True, cancel=self.cancel)
        for done, (_, (tables, beyond)) in enumerate(run, 1):
            self.progress("fast stars", done, len(self.patches))
            opened.append(beyond)
            yield tables
        if opened:
            yield fast.tables(joined(opened), self.scene, self.final)

    def _pieces(self) -> Iterator[Piece]:
        """Each patch's piece, in the order of the sky; evidence that is there is used again."""
        final, scene, ring = self.final, self.scene, self.ring_arcsec

        def tasks() -> Iterator[Any]:
            for patch in self.patches:
                done = self._works.pop(patch.number, None)
                if done is not None:
                    yield patch.number, finished, (done, scene, final)
                else:
                    yield patch.number, piece_of, (scene, patch, ring, final)

        run = run_tasks(tasks(), self.executor, ordered=True, cancel=self.cancel)
        for done, (_, piece) in enumerate(run, 1):
            self.progress("tables", done, len(self.patches))
            yield piece

    def at_once(self, function: Callable[[Any], Any], items: Iterable[Any]) -> list[Any]:
        """A function's values, in their order, from threads: nothing that it needs travels."""
        where: Where = "inline" if self.executor == "inline" else "threads"
        tasks = ((n, function, (item,)) for n, item in enumerate(items))
        return [value for _, value in run_tasks(tasks, where, ordered=True, cancel=self.cancel)]

    def _over(
        self, name: str, task: Callable[..., Any], scene: Scene, over: Sequence[Patch], *more: Any
    ) -> list[Any]:
        """A task's values for each patch, in their order."""
        tasks = ((patch.number, task, (scene, patch, *more)) for patch in over)
        found = []
        run = run_tasks(tasks, self.executor, ordered=True, cancel=self.cancel)
        for done, (_, value) in enumerate(run, 1):
            self.progress(name, done, len(over))
            found.append(value)
        if self.is_resident:
            give_back()
        return found


def given(calibration: Calibration, names: tuple[str, ...]) -> Calibration:
    """A saved calibration for the catalogues of this run, found by their names."""
    missing = [name for name in names if name not in calibration.names]
    if missing:
        raise UserError(
            f"the calibration is of {', '.join(calibration.names)}, but {missing[0]!r} is matched "
            "too: give names=(...) as they are in it, or calibrate anew"
        )
    place = [calibration.names.index(name) for name in names]
    chief = calibration.names[calibration.reference]
    catalogs = tuple(calibration.catalogs[n] for n in place)
    return Calibration(names, names.index(chief) if chief in names else 0, catalogs)
