"""What a sweep does in one tile: read what all questions need once, and ask each of them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import pyarrow as pa

from skyquarry.engine.plainterms import Plain

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from skyquarry.catalog.stored import Stored
    from skyquarry.engine.reader import Piece, Reader

    Part = Callable[[pa.Table], pa.Table]

ROWS = 32_768
"""rows that are asked at once: few enough for a processor's cache, many enough for Arrow's calls"""


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
    shared = [each for each in questions if each.is_of_all]
    found = iter(_together(stored, tile, shared))
    return [next(found) if each.is_of_all else _alone(each) for each in questions]


def _alone(question: Question) -> pa.Table | Failed:
    return _guarded(question, partial(question.reader.read, question.piece))


def _together(stored: Stored, tile: int, questions: Sequence[Question]) -> list[pa.Table | Failed]:
    if not questions:
        return []
    if len(questions) == 1:
        return [_alone(questions[0])]
    needed = tuple(dict.fromkeys(name for each in questions for name in each.reader.needed))
    whole = stored.read(tile, needed)
    batches = [Plain(part) for part in _slices(whole)]
    return [_guarded(each, partial(_asked, each.reader, batches)) for each in questions]


def _slices(whole: pa.Table) -> list[pa.Table]:
    one = whole.combine_chunks()
    return [one.slice(start, ROWS) for start in range(0, max(one.num_rows, 1), ROWS)]


def _asked(reader: Reader, batches: Sequence[Plain]) -> pa.Table:
    return pa.concat_tables([reader.chosen_of(batch) for batch in batches])


def _guarded(question: Question, read: Callable[[], pa.Table]) -> pa.Table | Failed:
    try:
        rows = read()
        return rows if question.part is None else question.part(rows)
    except Exception as error:  # noqa: BLE001  told to the one who asked; the others go on
        return Failed(error)
