"""`CrossmatchPlan`: an identification of several catalogues, asked what it costs, then run.

The plan knows its sides and settings; `run` gives a `MatchResult` (`match/matchresult.py`). The
passes themselves are in `match/runs/identification.py`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from skyquarry.engine.plan import Plan
from skyquarry.match.matchresult import Kind, MatchResult
from skyquarry.match.results.columns import pairs_schema
from skyquarry.match.runs.asked import Asked
from skyquarry.match.runs.expecting import check_radius
from skyquarry.match.runs.identification import Identification

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Iterator

    import pyarrow as pa

    from skyquarry.engine.cost import Cost
    from skyquarry.engine.executors import Where
    from skyquarry.engine.run import Task

BYTES_A_ROW = 600
"""What a row takes in memory while its patch is worked on, with its candidates and groups."""


@dataclass(frozen=True)
class Identify(Asked):
    """The node of the plan: what is matched, and how."""

    def __post_init__(self) -> None:
        check_radius(self)

    @property
    def schema(self) -> pa.Schema:
        """The columns of the table of pairs."""
        return pairs_schema(self.shape)

    def __len__(self) -> int:
        return 1

    def tasks(self) -> Iterator[Task]:
        """The whole of it as one task: `CrossmatchPlan.run` cuts it into patches."""
        yield 0, _pairs_of, (self,)

    def weight(self, key: Any) -> int:  # noqa: ARG002
        """Bytes that the rows may take in memory."""
        return self.n_rows * BYTES_A_ROW

    def cost(self, workers: int | None = None) -> Cost:
        """Rows and bytes that are read, and the time that it may take."""
        from skyquarry.match.reports.telling import predicted

        return predicted(self, workers)

    def explain(self, workers: int | None = None) -> list[str]:
        """The passes in words."""
        from skyquarry.match.reports.telling import explained

        return explained(self, workers)


def _pairs_of(node: Identify) -> pa.Table:
    return CrossmatchPlan(node).run("inline").pairs


@dataclass(frozen=True, repr=False)
class CrossmatchPlan(Plan):
    """A plan whose root is an `Identify`."""

    @property
    def node(self) -> Identify:
        """What is matched, and how."""
        assert isinstance(self.root, Identify)
        return self.root

    @property
    def names(self) -> tuple[str, ...]:
        """What the catalogues are called."""
        return self.node.names

    def run(  # type: ignore[override]  # knobs of a scan have no meaning here
        self,
        executor: Where = None,
        *,
        cancel: threading.Event | None = None,
        progress: Callable[[str, int, int], None] | None = None,
    ) -> MatchResult:
        """The result; its tables are worked out when they are first asked for.

        `executor`: None or "threads", "processes", "inline", or any `concurrent.futures.Executor`;
        all of them give the same bytes. `progress` is called with a pass's name, and how many of
        how many patches are done.
        """
        return MatchResult(self, Identification(self.node, executor, cancel, progress))

    def to_table(self, executor: Where = None, *, kind: Kind = "pairs") -> pa.Table:
        """The table of pairs (or groups, members, wide) in memory, along the sky."""
        return self.run(executor).to_table(kind)

    def stream(
        self,
        executor: Where = None,
        *,
        ordered: bool = True,  # noqa: ARG002  patches always come in order
    ) -> Iterator[pa.RecordBatch]:
        """Batches of the table of pairs, patch by patch."""
        return self.run(executor).stream()
