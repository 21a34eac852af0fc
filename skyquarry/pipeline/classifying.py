"""`sq.classify`: a catalogue under a model, tile by tile, as a plan that becomes a catalogue."""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np

from skyquarry.engine.cost import in_time
from skyquarry.engine.executors import cpu_count
from skyquarry.engine.plan import Limit
from skyquarry.errors import one_of
from skyquarry.learn.density import MOST_ROWS
from skyquarry.pipeline.brightness import mix_of
from skyquarry.pipeline.labelled import check_columns
from skyquarry.pipeline.models import model_given
from skyquarry.pipeline.sampled import sample_of
from skyquarry.pipeline.verdicts import EXPLAINED, Verdicts
from skyquarry.pipeline.widening import Widened, scan_of, widened

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Sequence

    from skyquarry.engine.catalog import CatalogLike
    from skyquarry.engine.plan import Plan
    from skyquarry.engine.reader import Reader
    from skyquarry.learn.model import Model
    from skyquarry.learn.scores import SkyMix
    from skyquarry.pipeline.verdicts import Explain

_RATE: Final = 20_000.0
"""objects a second and core, of the whole ensemble: what a cost is predicted with"""
_TRIED: Final = 32
"""rows that reasons are tried on, to predict what those of all rows cost"""


def classify(
    model: Model | str | os.PathLike[str],
    catalog: CatalogLike,
    *,
    columns: Sequence[str] = (),
    mix: SkyMix | Literal["sky"] | None = None,
    explain: Explain = True,
    said: Callable[[str], Any] | None = print,
) -> Plan:
    """A plan of a catalogue's objects with their classes; `to_catalog(path)` writes it, resumable.

    Each object gets its class and probability, those of all classes (p_quasar ...), the set of
    classes that it may be, its uncertainty, how far the trees of the forest differ, its novelty and
    distance to the training set, the density of the catalogue over the training set's, and flags:
    `discovery` (a rare class beyond doubt), `follow_up` (resembles no class), `shifted` (unlike the
    training set), `undersampled` (the training set has few of its kind). Its `outcome` is its
    class, but "other" where it resembles no class or is unlike the training set: of those the class
    is the best guess among classes that may all be wrong. An object of which nothing is measured
    that the model knows has no outcome, and the probabilities of the mix. One row of a
    hundred at most, of those flagged or ambiguous, is given reasons: "W1-W2 = 1.1 speaks for
    quasar". A tile after the other, on any executor, killed and called again it goes on.

    Parameters
    ----------
    model
        A model, or the folder of one.
    catalog
        A catalogue, or the path of one.
    columns
        Columns of the catalogue to keep, beside id and position.
    mix
        The sky that probabilities are to hold at: "sky" is the one that is shipped; if not given,
        the mix of the training set.
    explain
        True: reasons for those few; False: for none; "all": for every row, which takes many times
        as long as all the rest: what it is expected to cost is said first.
    said
        Is told that cost.

    Raises ColumnError where the catalogue lacks columns of the model, or has other units.

    >>> sq.classify("model", "archive/field").to_catalog("archive/classified")  # doctest: +SKIP
    """
    if not isinstance(explain, bool):
        one_of("explain", explain, ("all",))
    model = model_given(model)
    plan, root = scan_of(catalog, "model.predict_proba judges a table")
    none = root.source.schema.empty_table()
    check_columns(model.told.get("columns", {}), none)
    model.predict_proba(none)  # what is wrong with the columns is said before a tile is read
    verdicts = Verdicts(model, mix_of(mix, model), explain)
    made = widened(plan, root, columns, verdicts, Classified)
    if explain == "all" and said is not None:
        scan = made.root.of if isinstance(made.root, Limit) else made.root
        assert isinstance(scan, Classified)
        said(scan.dearest())
    return made


@dataclass(frozen=True)
class Classified(Widened):
    """The rows of one catalogue under a cut, each with what a model says of it."""

    @property
    def judged(self) -> Verdicts:
        """The verdicts."""
        assert isinstance(self.added, Verdicts)
        return self.added

    @cached_property
    def reader(self) -> Reader:
        """How a tile is read and judged.

        The training set is compared with the whole catalogue, whatever the cut: an object's verdict
        is the same in every cut.
        """
        verdicts = self.judged
        if verdicts.model.sample is not None:
            verdicts = verdicts.beside(sample_of(self.source, self.every, MOST_ROWS))
        return self.reader_of(verdicts)

    def working_s(self, rows: float) -> float:
        """Seconds of a core that so many rows take, reasons included."""
        reasoned = rows if self.judged.explain == "all" else 0.0  # those of few are in the rate
        return rows / _RATE + reasoned * self._reason_s

    @cached_property
    def _reason_s(self) -> float:
        """Seconds of a core that the reasons of one row take: tried, as each model has its own."""
        model = self.judged.model
        rows = np.zeros((_TRIED, len(model.features)), np.float32)
        model.ensemble.explain(rows[:1])  # what is done once
        began = time.process_time()
        model.ensemble.explain(rows)
        return (time.process_time() - began) / _TRIED

    def dearest(self) -> str:
        """What reasons for all rows are expected to cost, beside what few would."""
        rows, workers = self.cost().rows_out, cpu_count()
        whole, plain = self.working_s(rows) / workers, rows / _RATE / workers
        return (
            f"reasons for all of {rows:,.0f} objects: about {in_time(whole)} on {workers} cores, "
            f"where {in_time(plain)} would give them to {EXPLAINED:.0%}, the flagged and ambiguous"
        )

    def explain(self, workers: int | None = None) -> list[str]:
        """What will be done, line by line."""
        lines = super().explain(workers)
        work = self.working_s(self.cost(workers).rows_out) / (workers or cpu_count())
        told = f"classified by {self.judged.model}: about {in_time(work)} of it"
        return [told, *(f"  {line}" for line in lines)]
