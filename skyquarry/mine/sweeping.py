"""What a sweep does in one tile: read what all questions need once, and ask each of them."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import pyarrow as pa

from skyquarry.catalog.parquet import select_groups
from skyquarry.engine.plainterms import Plain
from skyquarry.engine.predicate import rows_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from skyquarry.catalog.stored import Stored
    from skyquarry.engine.bounds import Bounds
    from skyquarry.engine.predicate import Predicate
    from skyquarry.engine.reader import Piece, Reader

    Part = Callable[[pa.Table], pa.Table]

ROWS = 32_768
"""rows that are asked at once: few enough for a processor's cache, many enough for Arrow's calls"""
WORTH = 500_000
"""questions times rows of a tile from which on it is worth while to load compiled loops"""


@dataclass(frozen=True, slots=True)
class Question:
    """One query in one tile: how it reads, what it reads, and what it makes of its rows."""

    reader: Reader
    piece: Piece
    part: Part | None = None

    @property
    def is_of_all(self) -> bool:
        """Whether every row of the tile is to be asked: such questions share their reading."""
        cut = self.reader.cut
        return self.piece.ranges is None and not self.piece.tested and cut.moved is None


@dataclass(frozen=True, slots=True)
class Failed:
    """A question that could not be answered here: the others are."""

    error: BaseException


def sweep(stored: Stored, tile: int, questions: Sequence[Question]) -> list[pa.Table | Failed]:
    """What each question has in a tile, in their order; columns that several need are read once.

    Questions of a part of the tile read that part by themselves.
    """
    shared = _sharing(stored, tile, questions)
    found = iter(_together(stored, tile, [questions[place] for place in sorted(shared)]))
    return [
        next(found) if place in shared else _alone(each) for place, each in enumerate(questions)
    ]


def _sharing(stored: Stored, tile: int, questions: Sequence[Question]) -> set[int]:
    """Which questions are asked of rows that are read once for all of them.

    Those of the whole tile; but where a question's limits leave it few row groups, and nobody
    else reads its columns of these anyhow, it reads them by itself.
    """
    shared = {place for place, each in enumerate(questions) if each.is_of_all}
    if not any(questions[place].reader.bounds for place in shared):
        return shared
    every = _groups(stored, tile, {})
    groups = {place: _groups(stored, tile, questions[place].reader.bounds) for place in shared}
    wide = {place for place in shared if 2 * groups[place] >= every}
    read = {name for place in wide for name in questions[place].reader.needed}
    few = {place for place in shared - wide if not read.issuperset(questions[place].reader.needed)}
    return shared - few if sum(groups[place] for place in few) <= every else shared


def _groups(stored: Stored, tile: int, bounds: Bounds) -> int:
    """How many row groups of a tile may hold rows within limits."""
    footers = (stored.footer(rel)[1] for rel in stored.files(tile))
    return sum(len(select_groups(each, stored.spatial, None, bounds)) for each in footers)


def _alone(question: Question) -> pa.Table | Failed:
    return _guarded(question, partial(question.reader.read, question.piece))


def _together(stored: Stored, tile: int, questions: Sequence[Question]) -> list[pa.Table | Failed]:
    if not questions:
        return []
    if len(questions) == 1:
        return [_alone(questions[0])]
    needed = tuple(dict.fromkeys(name for each in questions for name in each.reader.needed))
    whole = stored.read(tile, needed)
    chosen = _compiled(whole, questions)
    batches: list[Plain] = []
    if any(rows is None for rows in chosen):
        batches = [Plain(part) for part in _slices(whole)]
    return [
        _guarded(each, partial(_taken, each.reader, whole, rows, batches))
        for each, rows in zip(questions, chosen, strict=True)
    ]


def _compiled(whole: pa.Table, questions: Sequence[Question]) -> list[NDArray[np.int64] | None]:
    """For each question its rows, all found in one pass; None: it has to be asked by itself."""
    if whole.num_rows * len(questions) < WORTH:
        return [None] * len(questions)
    from skyquarry.engine.programs import NoSteps, program_of

    number: dict[int, Predicate] = {}
    for place, each in enumerate(questions):
        predicate = each.reader.cut.predicate
        if predicate is None or each.reader.cut.samples or each.reader.cut.ids is not None:
            continue
        with suppress(NoSteps):
            program_of([predicate], whole)
            number[place] = predicate
    chosen: list[NDArray[np.int64] | None] = [None] * len(questions)
    with suppress(NoSteps):  # too many columns
        found = program_of(list(number.values()), whole).rows(whole) if number else []
        for place, rows in zip(number, found, strict=True):
            chosen[place] = rows
    return chosen


def _slices(whole: pa.Table) -> list[pa.Table]:
    one = whole.combine_chunks()
    return [one.slice(start, ROWS) for start in range(0, max(one.num_rows, 1), ROWS)]


def _taken(
    reader: Reader, whole: pa.Table, rows: NDArray[np.int64] | None, batches: Sequence[Plain]
) -> pa.Table:
    if rows is not None:
        return rows_of(whole.select(reader.columns), rows)
    return pa.concat_tables([reader.chosen_of(batch) for batch in batches])


def _guarded(question: Question, read: Callable[[], pa.Table]) -> pa.Table | Failed:
    try:
        rows = read()
        return rows if question.part is None else question.part(rows)
    except Exception as error:  # noqa: BLE001  told to the one who asked; the others go on
        return Failed(error)
