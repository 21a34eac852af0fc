"""What to do with rows whose errors cannot be used, and what is told of it afterwards."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

import numpy as np

from skyquarry.engine.asked import real_number
from skyquarry.errors import UserError, one_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from numpy.typing import NDArray

    Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class ErrorPolicy:
    """How errors that are missing, zero, negative, infinite or absurd are treated."""

    default_arcsec: float | None = None
    """sigma per axis of rows without a usable error; None: as the survey's role says, else none"""
    floor_arcsec: float = 1e-3
    """what an error of zero becomes"""
    on_bad: Literal["default", "drop"] = "default"
    """rows whose error is null, negative, infinite or above 180 degrees: take the default (where
    there is none they are set aside), or set them aside in any case"""
    default_pm_masyr: float = 5.0
    """error per axis of a proper motion that has none"""

    def __post_init__(self) -> None:
        for name in ("default_arcsec", "floor_arcsec", "default_pm_masyr"):
            value = getattr(self, name)
            number = real_number(value)
            if value is not None and (number is None or not 0.0 < number < 648_000.0):
                raise UserError(
                    f"{name} is {value!r}, but an error is a number of arcsec (of mas/yr for a "
                    "motion) above 0 and below 180 degrees: try 0.5"
                )
        one_of("on_bad", self.on_bad, ("default", "drop"))


@dataclass(frozen=True, slots=True)
class Rejects:
    """What was set aside of a catalogue, and what is odd about the rest."""

    name: str
    rows_in: int = 0
    counts: Mapping[str, int] = field(default_factory=dict)
    """rows set aside, by reason"""
    warnings: Mapping[str, int] = field(default_factory=dict)
    """what was noticed, and in how many rows"""

    @property
    def total(self) -> int:
        """How many rows were set aside."""
        return sum(self.counts.values())

    def __add__(self, other: Rejects) -> Rejects:
        return Rejects(
            self.name,
            self.rows_in + other.rows_in,
            dict(Counter(self.counts) + Counter(other.counts)),
            dict(Counter(self.warnings) + Counter(other.warnings)),
        )

    def lines(self) -> list[str]:
        """The same for people, one sentence each."""
        aside = [f"{self.name}: {n:,} rows set aside: {why}" for why, n in self.counts.items()]
        return aside + [f"{self.name}: {what} ({n:,} rows)" for what, n in self.warnings.items()]


class Notes:
    """Counts of what is met while a catalogue is read."""

    def __init__(self, name: str, rows_in: int) -> None:
        self.name = name
        self.rows_in = rows_in
        self.counts: Counter[str] = Counter()
        self.warnings: Counter[str] = Counter()

    def warn(self, what: str, where: Mask | int) -> None:
        """Note what holds of these rows, if of any."""
        count = int(np.count_nonzero(where)) if isinstance(where, np.ndarray) else where
        if count:
            self.warnings[what] += count

    def first_reason(self, reasons: Iterator[tuple[str, Mask]]) -> Mask | None:
        """Which rows are set aside, each counted under the first reason that fits; None: none."""
        aside: Mask | None = None
        for why, where in reasons:
            if not where.any():
                continue
            new = where if aside is None else where & ~aside
            self.counts[why] += int(np.count_nonzero(new))
            aside = where if aside is None else aside | where
        return aside

    def rejects(self) -> Rejects:
        """What was met."""
        counts = {why: n for why, n in self.counts.items() if n}
        return Rejects(self.name, self.rows_in, counts, dict(self.warnings))
