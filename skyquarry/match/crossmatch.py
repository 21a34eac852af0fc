"""`CrossmatchPlan`: an identification of several catalogues, asked what it costs, then run.

The plan knows its sides and settings; `run` gives a `MatchResult` (`match/matchresult.py`). The
passes themselves are in `match/runs/identification.py`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

import pyarrow as pa

from skyquarry.engine.plan import Plan
from skyquarry.errors import UserError, one_of
from skyquarry.match.likelihood.motionprior import MotionPrior
from skyquarry.match.matchresult import Kind, MatchResult
from skyquarry.match.results.columns import pairs_schema
from skyquarry.match.results.tables import Shape
from skyquarry.match.runs.expecting import check_radius
from skyquarry.match.runs.identification import Identification
from skyquarry.match.runs.rowsource import RESIDENT_ROWS
from skyquarry.match.runs.rules import Rules

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Iterator

    from skyquarry.engine.cost import Cost
    from skyquarry.engine.executors import Where
    from skyquarry.engine.run import Task
    from skyquarry.match.calibration.calibrate import Calibration
    from skyquarry.match.given.reading import ErrorPolicy
    from skyquarry.match.given.sides import Side
    from skyquarry.match.priors.photometry import Photometry
    from skyquarry.match.runs.frozen import Frozen

Constraint = Literal["one_to_one", "many_to_one", "none"]
Keep = Literal["all", "best"]
HALF_A_TURN_ARCSEC = 648_000
BYTES_A_ROW = 600
"""What a row takes in memory while its patch is worked on, with its candidates and groups."""


@dataclass(frozen=True, slots=True)
class Settings:
    """How an identification is made; checked when the plan is."""

    constraint: Constraint = "one_to_one"
    keep: Keep = "all"
    completeness: float = 0.9973
    prior: Any = "auto"
    photometry: Literal["auto"] | Photometry | None = "auto"
    calibrate: bool | Calibration = True
    radius_arcsec: float | None = None
    fast_pass: bool = True
    force: bool = False

    def __post_init__(self) -> None:
        one_of("constraint", self.constraint, ("one_to_one", "many_to_one", "none"))
        one_of("keep", self.keep, ("all", "best"))
        if not isinstance(self.completeness, int | float) or not 0.0 < self.completeness < 1.0:
            raise UserError(
                f"completeness is {self.completeness!r}, but it is the share of true pairs that "
                "are looked for, between 0 and 1: 0.9973 is three sigma"
            )
        if isinstance(self.prior, str):
            one_of("prior", self.prior, ("auto", "uniform", "nway"))
        _check_teachers(self.photometry, self.calibrate)
        radius = self.radius_arcsec
        number = isinstance(radius, int | float)
        if radius is not None and not (number and 0.0 < radius <= HALF_A_TURN_ARCSEC):
            raise UserError(
                f"radius_arcsec is {radius!r}, but a limit for the separation of a pair needs more "
                f"than 0 and at most {HALF_A_TURN_ARCSEC:g} arcsec, half a turn: leave it out to "
                "search as far as the errors allow"
            )


def _check_teachers(photometry: object, calibrate: object) -> None:
    """Raise UserError for what cannot weigh magnitudes, or is no calibration."""
    if photometry not in ("auto", None) and not callable(getattr(photometry, "ln_ratio", None)):
        raise UserError(
            f"photometry is {photometry!r}, but it needs to be 'auto', None or an object with "
            "ln_ratio(rows, groups): try 'auto'"
        )
    if not isinstance(calibrate, bool) and not callable(getattr(calibrate, "apply", None)):
        raise UserError(
            f"calibrate is {calibrate!r}, but it needs to be True, False or a Calibration: try "
            "Calibration.load(path) for one that was saved"
        )


@dataclass(frozen=True)
class Identify:
    """The node of the plan: what is matched, and how."""

    sides: tuple[Side, ...]
    names: tuple[str, ...]
    policies: tuple[ErrorPolicy, ...]
    settings: Settings
    learnt: Frozen | None = None
    """what an earlier run has learnt, taken as it is; None: learnt anew"""
    given: tuple[Any, ...] = ()
    """how each catalogue can be opened again, as plain data; None for one that was in memory"""

    def __post_init__(self) -> None:
        check_radius(self)

    @cached_property
    def shape(self) -> Shape:
        """What the tables of every patch have in common."""
        types = tuple(_id_type(side) for side in self.sides)
        return Shape(self.names, types, self.settings.keep)

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

    @cached_property
    def n_rows(self) -> int:
        """Rows of all catalogues, about."""
        return sum(side.n_rows for side in self.sides)

    @property
    def is_resident(self) -> bool:
        """Whether all rows are kept in memory during the run."""
        return self.n_rows <= RESIDENT_ROWS

    @cached_property
    def rules(self) -> Rules:
        """What holds for every patch."""
        asked = self.settings
        return Rules(
            self.names, asked.constraint, asked.completeness, MotionPrior(), asked.radius_arcsec
        )


def _id_type(side: Side) -> pa.DataType:
    name = str(side.roles.id)
    return side.schema.field(name).type if name in side.schema.names else pa.int64()


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
