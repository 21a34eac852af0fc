"""The scan machine: one sweep over a catalogue serves all who ask (Szalay et al. 2000, section 6).

A sweep goes round and round, tile by tile, while somebody waits. A question joins at the tile that
comes next and leaves after one round; what several need is read once.
"""

from __future__ import annotations

import atexit
import threading
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from weakref import WeakSet

from skyquarry.engine.catalog import Catalog, catalog_of
from skyquarry.engine.plan import MEMORY_BYTES
from skyquarry.engine.run import run_tasks
from skyquarry.engine.scan import Scan
from skyquarry.errors import CancelledError, UserError
from skyquarry.mine.sweeping import Failed, Question, sweep

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from types import TracebackType
    from typing import Self

    import pyarrow as pa

    from skyquarry.engine.catalog import CatalogLike
    from skyquarry.engine.executors import Where
    from skyquarry.engine.reader import Piece
    from skyquarry.engine.run import Task
    from skyquarry.mine.sweeping import Part

UNREAD_BYTES = 256 << 20
"""An answer of which more is unread takes no part until some of it is taken: nothing is lost, and
the tiles that it has missed come in the next round"""


@dataclass(eq=False)
class Answer:
    """What one who asked gets: `table()` or `stream()`, `cancel()`, `share` of the round done."""

    schema: pa.Schema
    wanted: dict[int, Piece]
    """tiles that it has not been asked in, and what it reads of each"""
    scan: Scan
    part: Part | None
    _changed: threading.Condition
    tiles: int = 0
    flying: set[int] = field(default_factory=set)
    """tiles in which it is being asked"""
    error: BaseException | None = None
    _found: deque[tuple[int, pa.Table]] = field(default_factory=deque)
    _unread: int = 0

    def stream(self) -> Iterator[pa.RecordBatch]:
        """Record batches as the sweep finds them: from the tile where it joined, round the sky.

        Raises what went wrong, and CancelledError after `cancel()` or when its machine closes.
        """
        for _, table in self._tables():
            yield from table.to_batches()

    def table(self) -> pa.Table:
        """All of it, in the order of the sky. What `stream` has handed out is gone."""
        import pyarrow as pa

        parts = [table for _, table in sorted(self._tables(), key=lambda told: told[0])]
        return pa.concat_tables([self.schema.empty_table(), *parts]).select(self.schema.names)

    @property
    def share(self) -> float:
        """How much of the round is done, 0 to 1."""
        left = len(self.wanted) + len(self.flying)
        return 1.0 - left / self.tiles if self.tiles else 1.0

    def cancel(self) -> None:
        """Ask no further: the sweep goes on for the others."""
        self._fail(CancelledError("the question was cancelled: ask it again to have its rows"))

    # ------------------------------------------------------------ of the machine
    @property
    def _is_done(self) -> bool:
        return self.error is not None or not (self.wanted or self.flying)

    @property
    def _has_room(self) -> bool:
        return self._unread < UNREAD_BYTES

    def _tables(self) -> Iterator[tuple[int, pa.Table]]:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._found or self._is_done)
                if self.error is not None:
                    raise self.error
                if not self._found:
                    return
                tile, table = self._found.popleft()
                self._unread -= table.nbytes
                self._changed.notify_all()
            yield tile, table

    def _take(self, tile: int, told: pa.Table | Failed) -> None:
        if isinstance(told, Failed):
            self._fail(told.error)
            return
        with self._changed:
            self.flying.discard(tile)
            if told.num_rows and self.error is None:
                self._found.append((tile, told))
                self._unread += told.nbytes
            self._changed.notify_all()

    def _fail(self, error: BaseException) -> None:
        with self._changed:
            if not self._is_done:
                self.error = error
                self._found.clear()
                self._changed.notify_all()


class ScanMachine:
    """A sweep over one catalogue that serves all who ask, in any number, at any time.

    >>> with sq.ScanMachine(sky["gaia"]) as machine:  # doctest: +SKIP
    ...     red = machine.ask(sky["gaia"].where("bp_rp > 3").select(["source_id"]))
    ...     near = machine.ask(sky["gaia"].where("parallax > 50"))
    ...     print(red.table().num_rows, near.table().num_rows)
    """

    def __init__(
        self,
        catalog: CatalogLike,
        executor: Where = None,
        *,
        memory_bytes: int | None = MEMORY_BYTES,
    ) -> None:
        self.catalog = catalog_of(catalog)
        self.executor = executor
        self.memory_bytes = memory_bytes
        self.read = 0
        """tiles that have been read, however many asked in them"""
        self._changed = threading.Condition()
        self._answers: list[Answer] = []
        self._next = 0
        self._closed = False
        self._thread: threading.Thread | None = None

    def ask(self, cut: Catalog, part: Part | None = None) -> Answer:
        """The rows of a cut of the machine's catalogue; the sweep begins, or is joined.

        `part`: a function of a table (the wanted rows of one tile) whose result is kept in its
        place, a table of the same columns every time: counts, sums, the best few. For processes
        and clusters a function of a module.

        Raises UserError for another catalogue's cut, for one with `head`, for a closed machine.
        """
        self._check(cut)
        scan = Scan(cut.source, cut.cut)
        wanted = {piece.tile: piece for piece in scan.pieces()}
        scan.prepare()
        schema = scan.schema if part is None else part(scan.schema.empty_table()).schema
        answer = Answer(schema, wanted, scan, part, self._changed, len(wanted))
        with self._changed:
            if self._closed:
                raise UserError("the machine is closed, and sweeps no more: open another")
            self._answers.append(answer)
            if self._thread is None:
                self._thread = threading.Thread(target=self._sweep, daemon=True)
                self._thread.start()
                _SWEEPING.add(self)
            self._changed.notify_all()
        return answer

    def _check(self, cut: Catalog) -> None:
        if not isinstance(cut, Catalog):
            raise UserError(
                f"the question is {cut!r}, but a cut of the machine's catalogue is asked: try "
                "machine.catalog.where(...)"
            )
        mine, theirs = self.catalog.stored, cut.stored
        if (mine.home.root, mine.version) != (theirs.home.root, theirs.version):
            raise UserError(
                f"the question is of {theirs.name} {theirs.version}, but the machine sweeps "
                f"{mine.name} {mine.version}: cut the machine's own catalogue, machine.catalog"
            )
        if cut.cut.limit is not None:
            raise UserError(
                f"the question ends with head({cut.cut.limit}), the first rows along the sky, but "
                "a sweep begins anywhere: leave it out and cancel() when there are enough, or ask "
                "the catalogue itself"
            )

    def close(self) -> None:
        """End the sweep: questions that are not answered are cancelled."""
        with self._changed:
            self._closed = True
            open_ones = [each for each in self._answers if not each._is_done]  # noqa: SLF001
            self._changed.notify_all()
        for each in open_ones:
            each.cancel()
        if self._thread is not None:
            self._thread.join()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    # ------------------------------------------------------------ the sweep
    def _sweep(self) -> None:
        while self._somebody_waits():
            asked: dict[int, list[Answer]] = {}
            try:
                for tile, told in run_tasks(
                    self._tasks(asked), self.executor,
                    memory_bytes=self.memory_bytes, weigh=self._weight,
                ):  # fmt: skip
                    self.read += 1
                    for answer, each in zip(asked.pop(tile), told, strict=True):
                        answer._take(tile, each)  # noqa: SLF001
            except BaseException as error:  # noqa: BLE001  told to all who wait
                for answer in list(self._answers):
                    answer._fail(error)  # noqa: SLF001

    def _somebody_waits(self) -> bool:
        with self._changed:
            self._changed.wait_for(lambda: self._closed or any(map(self._asks, self._answers)))
            self._answers = [each for each in self._answers if not each._is_done]  # noqa: SLF001
            return not self._closed

    @staticmethod
    def _asks(answer: Answer) -> bool:
        return bool(answer.wanted) and not answer._is_done and answer._has_room  # noqa: SLF001

    def _tasks(self, asked: dict[int, list[Answer]]) -> Iterator[Task]:
        """Tiles in turn, as long as somebody asks: who joins now is asked in the next one."""
        tiles = len(self.catalog.source.tiles)
        while True:
            with self._changed:
                askers = [each for each in self._answers if self._asks(each)]
                tile = self._coming(askers, tiles)
                if tile is None or self._closed or tile in asked:
                    return
                here = [each for each in askers if tile in each.wanted]
                questions = []
                for each in here:
                    questions.append(Question(each.scan.reader, each.wanted.pop(tile), each.part))
                    each.flying.add(tile)
                asked[tile] = here
                self._next = (tile + 1) % tiles
            yield tile, sweep, (self.catalog.stored, tile, questions)

    def _coming(self, askers: Iterable[Answer], tiles: int) -> int | None:
        """The next tile that somebody wants, round the sky from where the sweep is."""
        wanted = set().union(*(each.wanted for each in askers))
        if not wanted:
            return None
        return min(wanted, key=lambda tile: (tile - self._next) % tiles)

    def _weight(self, tile: Any) -> int:
        return sum(each.scan.weight(tile) for each in self._answers if not each._is_done)  # noqa: SLF001


def sweep_once(cuts: Sequence[CatalogLike], executor: Where = None) -> list[pa.Table]:
    """The rows of many cuts of one catalogue, found in one sweep; as each would give alone.

    Raises UserError for no cut at all, and for cuts of different catalogues.
    """
    if isinstance(cuts, str | Catalog) or not isinstance(cuts, Iterable):
        raise UserError(f"cuts is {cuts!r:.80}, but a list of catalogues is needed: try [catalog]")
    asked = [catalog_of(cut) for cut in cuts]
    if not asked:
        raise UserError("sweep_once was given no cut, but it needs one at least: try [catalog]")
    with ScanMachine(asked[0], executor) as machine:
        with machine._changed:  # noqa: SLF001  all have asked before the first tile is read
            answers = [machine.ask(cut) for cut in asked]
        return [answer.table() for answer in answers]


_SWEEPING: WeakSet[ScanMachine] = WeakSet()
"""Machines whose threads may be reading: one that reads while Python ends would abort it."""


@atexit.register
def _close_all() -> None:
    for machine in list(_SWEEPING):
        machine.close()
