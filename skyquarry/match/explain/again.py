"""A run that is not made as a whole: islands of it are worked out where they are asked for."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from skyquarry.match.runs.identification import Identification
from skyquarry.match.runs.rowsource import Streamed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from skyquarry.engine.executors import Where
    from skyquarry.match.given.rows import Rows
    from skyquarry.match.runs.asked import Asked


class Again(Identification):
    """The plan has `learnt`, so nothing is learnt; rows are read where an island needs them."""

    def __init__(self, plan: Asked, extremes: Sequence[Rows], executor: Where = "inline") -> None:
        super().__init__(plan, executor)
        assert plan.learnt is not None
        self._extremes = list(extremes)

    @cached_property
    def source(self) -> Streamed:
        """The rows where they lie."""
        return Streamed(self.plan.sides, self.plan.policies)

    @cached_property
    def extremes(self) -> list[Rows]:
        """Known from before."""
        return self._extremes
