"""`CrossmatchPlan`: an identification of several catalogues, asked what it costs, then run.

The plan knows its sides and settings; `run` gives a `MatchResult`, whose tables are worked out once
when they are first asked for. The passes themselves are in `match/passes.py`.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

import pyarrow as pa
import pyarrow.compute as pc

from skyquarry.engine.plan import Plan, Result
from skyquarry.errors import UserError
from skyquarry.match.columns import pairs_schema
from skyquarry.match.identification import Identification
from skyquarry.match.identify import Rules
from skyquarry.match.motionprior import MotionPrior
from skyquarry.match.rowsource import RESIDENT_ROWS
from skyquarry.match.tables import Shape, home_groups, public, together

if TYPE_CHECKING:
    import os
    import threading
    from collections.abc import Callable, Iterator

    from skyquarry.engine.cost import Cost
    from skyquarry.engine.executors import Where
    from skyquarry.engine.run import Task
    from skyquarry.match.calibrate import Calibration
    from skyquarry.match.photometry import Photometry
    from skyquarry.match.reading import ErrorPolicy
    from skyquarry.match.sides import Side
    from skyquarry.match.tables import Tables

Kind = Literal["pairs", "groups", "members", "wide"]
Constraint = Literal["one_to_one", "many_to_one", "none"]
Keep = Literal["all", "best"]
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

    def __post_init__(self) -> None:
        _one_of("constraint", self.constraint, ("one_to_one", "many_to_one", "none"))
        _one_of("keep", self.keep, ("all", "best"))
        if not isinstance(self.completeness, int | float) or not 0.0 < self.completeness < 1.0:
            raise UserError(
                f"completeness is {self.completeness!r}, but it is the share of true pairs that "
                "are looked for, between 0 and 1: 0.9973 is three sigma"
            )
        if isinstance(self.prior, str):
            _one_of("prior", self.prior, ("auto", "uniform", "nway"))
        radius = self.radius_arcsec
        if radius is not None and not (isinstance(radius, int | float) and 0.0 < radius <= 3600.0):
            raise UserError(
                f"radius_arcsec is {radius!r}, but a limit for the separation of a pair needs more "
                "than 0 and at most 3600 arcsec: leave it out to search as far as the errors allow"
            )


def _one_of(name: str, value: Any, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise UserError(f"{name} is {value!r}, but it is one of {', '.join(map(repr, allowed))}")


@dataclass(frozen=True)
class Identify:
    """The node of the plan: what is matched, and how."""

    sides: tuple[Side, ...]
    names: tuple[str, ...]
    policies: tuple[ErrorPolicy, ...]
    settings: Settings

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
        from skyquarry.match.telling import predicted

        return predicted(self, workers)

    def explain(self, workers: int | None = None) -> list[str]:
        """The passes in words."""
        from skyquarry.match.telling import explained

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


class MatchResult(Result):
    """Tables of pairs, groups and members, a report, and ways to write them."""

    plan: CrossmatchPlan

    def __init__(self, plan: CrossmatchPlan, made: Identification) -> None:
        super().__init__(plan, lambda **_: iter(()))
        self.made = made
        """the passes, each kept once it is made"""
        self._seconds = 0.0

    @cached_property
    def all(self) -> Tables:
        """All three tables in memory, sorted along the sky, with the matcher's own columns."""
        begun = time.perf_counter()
        told = together(list(self.made.tables()), self.plan.names)
        self._seconds = time.perf_counter() - begun
        return told

    @property
    def table(self) -> pa.Table:
        """The candidate pairs: see `pairs`."""
        return self.pairs

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
        from skyquarry.match.wide import wide_table

        return wide_table(self.all.groups, self.plan.node.sides, self.plan.names)

    def child(self, kind: Literal["pairs", "members"]) -> pa.Table:
        """Pairs or members, each row with the id of a group that there is."""
        told = self.to_table(kind)
        if kind == "members":
            return told
        # A row that the second pass matched is in another group than its patch had told.
        return told.set_column(
            told.schema.get_field_index("home_group"), "home_group", home_groups(self.all)
        )

    def to_table(self, kind: Kind = "pairs") -> pa.Table:
        """One of the tables by its name."""
        _one_of("kind", kind, ("pairs", "groups", "members", "wide"))
        told: pa.Table = getattr(self, kind)
        return told

    def stream(self, *, ordered: bool = True) -> Iterator[pa.RecordBatch]:  # noqa: ARG002
        """Batches of the pairs, patch by patch; nothing is kept."""
        for tables in self.made.tables():
            yield from public(tables.pairs).to_batches()

    def parts(self) -> Iterator[Tables]:
        """The three tables, patch by patch; nothing is kept."""
        return self.made.tables()

    def save(self, path: str | os.PathLike[str], kind: Kind = "pairs", **options: Any) -> int:
        """Write one of the tables to a file whose suffix says how; returns its rows."""
        from skyquarry.catalog.formats import write_table

        told = {"skyquarry_crossmatch": json.dumps(self.provenance, sort_keys=True)}
        table = self.to_table(kind).replace_schema_metadata(told)
        return int(write_table(iter(table.to_batches()), table.schema, path, **options))

    @cached_property
    def provenance(self) -> dict[str, Any]:
        """Inputs, settings, calibration, densities, versions: kept with every output."""
        from skyquarry.match.telling import provenance

        return provenance(self.made)

    @cached_property
    def report(self) -> dict[str, Any]:
        """What the run says of itself: see `skyquarry.match.quality`."""
        from skyquarry.match.telling import report

        told = self.all
        return report(self.made, told, self._seconds)

    @property
    def verdict(self) -> str:
        """Five lines: matched, expected false, error scale, calibration, what to doubt."""
        return "\n".join(self.report["verdict"])

    # ------------------------------------------------------------ Gaia's names
    def neighbourhood(self, left: str | None = None, right: str | None = None) -> pa.Table:
        """All candidates of two catalogues, under the names of Gaia's `<cat>_neighbourhood`.

        Marrese et al. 2019: source_id, original_ext_source_id, angular_distance, score; here also
        the posterior. By default the first two catalogues.
        """
        chosen = self._between(left, right)
        return pa.table(
            {
                "source_id": chosen["left_id"],
                "original_ext_source_id": chosen["right_id"],
                "angular_distance": chosen["sep_arcsec"],
                "score": chosen["ln_gain"],
                "posterior": chosen["posterior"],
            }
        )

    def best_neighbour(self, left: str | None = None, right: str | None = None) -> pa.Table:
        """The accepted pairs of two catalogues, as Gaia's `<cat>_best_neighbour` names them."""
        chosen = self._between(left, right)
        chosen = chosen.filter(chosen["is_match"])
        return pa.table(
            {
                "source_id": chosen["left_id"],
                "original_ext_source_id": chosen["right_id"],
                "angular_distance": chosen["sep_arcsec"],
                "number_of_neighbours": chosen["n_candidates"],
                "number_of_mates": chosen["n_mates"],
                "best_neighbour_multiplicity": chosen["multiplicity"],
                "posterior": chosen["posterior"],
            }
        )

    def _between(self, left: str | None, right: str | None) -> pa.Table:
        names = self.plan.names
        left, right = left or names[0], right or names[1]
        for name in (left, right):
            _one_of("catalogue", name, names)
        at_left = pc.equal(self.pairs["left_catalog"].cast(pa.string()), left)
        at_right = pc.equal(self.pairs["right_catalog"].cast(pa.string()), right)
        return self.pairs.filter(pc.and_(at_left, at_right))

    def __repr__(self) -> str:
        names = " x ".join(self.plan.names)
        return f"MatchResult: {names}"
