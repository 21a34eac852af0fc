"""Which buckets a row goes to: its own, and those whose border is nearer than the margin."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import numpy as np

from skyquarry.engine.plainterms import Plain
from skyquarry.engine.predicate import parse_number
from skyquarry.engine.sampling import scrambled
from skyquarry.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import pyarrow as pa
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]
    Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Copies:
    """Rows and the buckets that they are put into, each (m,)."""

    row: Ints
    bucket: Ints
    home: NDArray[np.bool_]
    """whether it is the row's own bucket: each row has one at most"""


@runtime_checkable
class Bucketing(Protocol):
    """How rows are put into buckets, so that all that are near each other meet in one."""

    def columns(self, schema: pa.Schema) -> tuple[str, ...]:
        """Columns that it needs; raises where the schema cannot give them."""

    def copies(self, table: pa.Table) -> Copies:
        """Where the rows of a table go. A row without a value goes nowhere."""

    def near(self, left: pa.Table, right: pa.Table) -> NDArray[np.bool_]:
        """(n,) which pairs are within the margin."""


@dataclass(frozen=True)
class Colours:
    """Boxes of a grid in colours, or in any numbers: rows as near as `margin` in each of them meet.

    `of`: texts of arithmetic, "u_mag - g_mag"; `margin`: a number for all, or one for each;
    `width` of a box, by default four margins: narrower boxes hold fewer pairs and more copies.
    """

    of: str | Sequence[str]
    margin: float | Sequence[float]
    width: float | Sequence[float] | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "of", (self.of,) if isinstance(self.of, str) else tuple(self.of))
        margin, width = self._margins, self._widths
        if not len(self.of) or not bool(np.all((margin > 0.0) & (width >= margin))):
            raise UserError(
                f"buckets of {self.of} with margin {self.margin} and width {self.width} cannot "
                "be, but one number at least, margins above 0 and boxes as wide as these are "
                "needed: try Colours(['u - g', 'g - r'], margin=0.05)"
            )

    @property
    def _margins(self) -> Floats:
        return np.broadcast_to(np.asarray(self.margin, np.float64), len(self.of))

    @property
    def _widths(self) -> Floats:
        width = 4.0 * self._margins if self.width is None else np.asarray(self.width, np.float64)
        return np.broadcast_to(width, len(self.of))

    def columns(self, schema: pa.Schema) -> tuple[str, ...]:
        """Columns that the numbers are made of."""
        names = (name for text in self.of for name in parse_number(text, schema).columns)
        return tuple(dict.fromkeys(names))

    def copies(self, table: pa.Table) -> Copies:
        """Its own box, and those beyond a border that is within the margin."""
        values = self._values(table)
        known = np.flatnonzero(np.isfinite(values).all(axis=1))
        values = values[known]
        box = np.floor(values / self._widths)
        close = {-1: values - box * self._widths <= self._margins,
                 1: (box + 1.0) * self._widths - values <= self._margins}  # fmt: skip
        parts = []
        for steps in product((0, -1, 1), repeat=len(self.of)):
            near = [close[step][:, axis] for axis, step in enumerate(steps) if step]
            rows = np.flatnonzero(np.all([np.ones(len(values), bool), *near], axis=0))
            parts.append((known[rows], _keys(box[rows] + steps), not any(steps)))
        home = np.concatenate([np.full(len(rows), own) for rows, _, own in parts])
        row, bucket = (np.concatenate([part[n] for part in parts]) for n in (0, 1))
        return Copies(row, bucket, home)

    def near(self, left: pa.Table, right: pa.Table) -> NDArray[np.bool_]:
        """(n,) pairs whose numbers differ by the margin at most, each of them."""
        apart = np.abs(self._values(left) - self._values(right))
        return np.asarray(np.all(apart <= self._margins, axis=1), np.bool_)

    def _values(self, table: pa.Table) -> Floats:
        plain = Plain(table)
        return np.stack([parse_number(t, table.schema).values(plain) for t in self.of], axis=1)


@dataclass(frozen=True)
class ByKey:
    """Buckets of a function: table -> (n,) whole numbers; rows of the same number meet."""

    key: Callable[[pa.Table], Any]
    of: tuple[str, ...]
    """columns that it needs"""

    def columns(self, schema: pa.Schema) -> tuple[str, ...]:
        """Those that were named."""
        del schema
        return self.of

    def copies(self, table: pa.Table) -> Copies:
        """One bucket a row."""
        keys = np.asarray(self.key(table))
        if keys.shape != (table.num_rows,) or keys.dtype.kind not in "iu":
            raise UserError(
                f"the buckets' function gave {keys.dtype} of shape {keys.shape}, but a whole "
                f"number for each of {table.num_rows} rows is needed: return an int64 array"
            )
        n = table.num_rows
        return Copies(np.arange(n), keys.astype(np.int64), np.ones(n, bool))

    def near(self, left: pa.Table, right: pa.Table) -> NDArray[np.bool_]:
        """All pairs."""
        del right
        return np.ones(left.num_rows, bool)


def _keys(box: Floats) -> Ints:
    """(n,) a hash of the box's place: two boxes that share one cost time, and no pair."""
    key = np.zeros(len(box), np.uint64)
    for axis in range(box.shape[1]):
        key = scrambled(key ^ box[:, axis].astype(np.int64).view(np.uint64), axis)
    return key.view(np.int64)
