"""Steps of a river that need all rows before they give one: buckets, aggregates, sets.

Rows are sorted into partitions on disk (`exchange.py`) by a round of tasks of their own; then a
task a partition gives the rows of the answer, so that memory holds some partitions at once.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from skyquarry.catalog.arrow import from_numpy, to_numpy
from skyquarry.engine.aggregates import null_for_nan
from skyquarry.engine.run import Instead
from skyquarry.engine.sampling import scrambled
from skyquarry.errors import UserError
from skyquarry.mine.exchange import partition_of
from skyquarry.mine.flows import PARTITION_BYTES, Flow, partitions_of
from skyquarry.mine.steps import Poured, poured_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from skyquarry.engine.run import Task
    from skyquarry.mine.bucketing import Bucketing
    from skyquarry.mine.comparing import Comparison
    from skyquarry.mine.exchange import Exchange
    from skyquarry.mine.flows import Running

    Ints = NDArray[np.int64]

PLACE, SIDE = "_place", "_side"


class Blocked(Protocol):
    """How a blocked step sorts rows into partitions, and what it makes of one."""

    @property
    def rows(self) -> pa.Schema:
        """Of the rows that are sorted."""

    @property
    def schema(self) -> pa.Schema:
        """Of the rows that come out."""

    def sorted(self, table: pa.Table, place: int, side: int) -> tuple[pa.Table, Ints]:
        """Rows and a number for each, equal where they have to meet.

        `place`: of the first of them among all rows; `side`: of which river.
        """

    def finished(self, partition: pa.Table) -> pa.Table:
        """The answer of a partition."""

    def words(self) -> str:
        """What it does."""


@dataclass(frozen=True)
class Shuffled:
    """A blocked step and the rivers that come into it."""

    of: tuple[Flow, ...]
    step: Blocked

    @property
    def schema(self) -> pa.Schema:
        """That of the step."""
        return self.step.schema

    @property
    def size(self) -> int:
        """As what comes in."""
        return sum(flow.size for flow in self.of)

    @cached_property
    def partitions(self) -> int:
        """How many."""
        return partitions_of(self)

    def tasks(self, running: Running) -> Iterator[Task]:
        """One a partition, when all rows are sorted."""
        exchange = running.exchange(self.partitions)
        first = 0
        for side, flow in enumerate(self.of):
            scattering = Scattering(self.step, exchange, side)
            numbers = _counted(flow.tasks(running), scattering, first)
            first += sum(1 for _ in running.round(flow, numbers))
        for number in range(self.partitions):
            yield number, gathered, (self.step, exchange, number)

    def weight(self, key: Any) -> int:
        """That of a partition, and of what is made of it."""
        del key
        return 2 * max(self.size // self.partitions, PARTITION_BYTES // 8)

    def lines(self) -> list[str]:
        """The step, said to be blocked, and what comes in."""
        told = f"{self.step.words()}: blocked until all rows are in {self.partitions} partitions"
        return [told, *(f"  {line}" for flow in self.of for line in flow.lines())]


@dataclass(frozen=True, slots=True)
class Scattering:
    """What the tasks of a first round know."""

    step: Blocked
    exchange: Exchange
    side: int


def _counted(tasks: Iterator[Task], scattering: Scattering, first: int) -> Iterator[Task]:
    for number, (key, function, args) in enumerate(tasks, first):
        yield key, scattered, (function, args, scattering, number)


def scattered(
    function: Callable[..., Any], args: Any, to: Scattering, number: int, part: int = 0
) -> Poured | Instead:
    """The task of the first round: what another gives, into the partitions."""
    value = function(*args)
    if isinstance(value, Instead):
        each = enumerate(value.arguments)
        return Instead(tuple((function, some, to, number, i) for i, some in each))
    poured = poured_of(value)
    place = (number << 40) + (part << 28)
    rows, meeting = to.step.sorted(poured.table, place, to.side)
    partition = partition_of(meeting, to.exchange.partitions)
    to.exchange.put(f"{number:08d}.{part:04d}", rows, partition)
    return Poured(poured.table.slice(0, 0), poured.tees)


def gathered(step: Blocked, exchange: Exchange, partition: int) -> pa.Table:
    """The task of the second round."""
    return step.finished(exchange.take(partition, step.rows))


# ---------------------------------------------------------------------- buckets
@dataclass(frozen=True)
class PairsInBuckets:
    """All pairs of rows that meet in a bucket, as `sq.buckets` tells them."""

    of: pa.Schema
    by: Bucketing
    comparison: Comparison

    @property
    def rows(self) -> pa.Schema:
        """Rows, their bucket and place."""
        return self.comparison.rows(self.of)

    @property
    def schema(self) -> pa.Schema:
        """left_ and right_ columns."""
        return self.comparison.schema(self.of)

    def sorted(self, table: pa.Table, place: int, side: int) -> tuple[pa.Table, Ints]:
        """Each row to its bucket and to those near it."""
        del side
        copies = self.by.copies(table)
        every = np.arange(len(copies.row))
        return self.comparison.entries(table, copies, place, every), copies.bucket

    def finished(self, partition: pa.Table) -> pa.Table:
        """Its pairs."""
        return self.comparison.pairs(partition)

    def words(self) -> str:
        """By what."""
        return f"pairs in buckets ({type(self.by).__name__})"


# ---------------------------------------------------------------------- sets
@dataclass(frozen=True)
class SetOf:
    """Union, intersection or difference of two rivers, by some of their columns."""

    schema: pa.Schema
    how: str
    """"union", "intersect" or "difference\""""
    on: tuple[str, ...]

    @property
    def rows(self) -> pa.Schema:
        """Rows, where they came from and from which river."""
        return self.schema.append(pa.field(PLACE, pa.int64())).append(pa.field(SIDE, pa.int64()))

    def sorted(self, table: pa.Table, place: int, side: int) -> tuple[pa.Table, Ints]:
        """Rows that are equal in the key columns meet."""
        n = table.num_rows
        columns = [
            _as_here(table.column(each.name), each)
            if side == 0 or self.how == "union" or each.name in self.on
            else pa.nulls(n, each.type)
            for each in self.schema
        ]
        extra = [from_numpy(place + np.arange(n)), from_numpy(np.full(n, side))]
        rows = pa.table([*columns, *extra], schema=self.rows)
        return rows, hashed(rows, self.on)

    def finished(self, partition: pa.Table) -> pa.Table:
        """One row of each key that is wanted, the first: in the order in which they came."""
        ordered = partition.take(from_numpy(np.argsort(to_numpy(partition[PLACE]), kind="stable")))
        ordered = ordered.set_column(
            ordered.schema.get_field_index(PLACE), PLACE, from_numpy(np.arange(ordered.num_rows))
        )
        told = grouped(ordered, self.on, [(PLACE, "min"), (SIDE, "min"), (SIDE, "max")])
        first, low, high = (to_numpy(told[name]) for name in
                            (f"{PLACE}_min", f"{SIDE}_min", f"{SIDE}_max"))  # fmt: skip
        keep = {"union": low >= 0, "intersect": low < high, "difference": high == 0}[self.how]
        return ordered.select(self.schema.names).take(from_numpy(np.sort(first[keep])))

    def words(self) -> str:
        """How, and by what."""
        return f"{self.how} by {', '.join(self.on)}"


def comparable(here: pa.Field, there: pa.Field, *, as_key: bool) -> None:
    """Raises UserError where the values of two rivers' columns of a name have not one meaning."""
    if as_key:
        check_plain(here, "rows are compared")
    one, other, types = here.type, there.type, pa.types
    texts = all(_is_text(each) for each in (one, other))
    whole = types.is_integer(other) and (types.is_integer(one) or types.is_floating(one))
    floats = types.is_floating(one) and types.is_floating(other)
    held = floats and one.bit_width >= other.bit_width
    moments = types.is_timestamp(one) and types.is_timestamp(other)
    if not (one.equals(other) or texts or whole or held or moments):
        raise UserError(
            f"column {here.name} is {one} in one river and {other} in the other, but the first has "
            "to hold the values of both: exchange the rivers, or cast one by map(...)"
        )


def check_plain(field: pa.Field, what: str) -> None:
    """Raises UserError for lists and the like, which have no order."""
    if pa.types.is_nested(field.type):
        raise UserError(
            f"column {field.name} is {field.type}, but {what} by plain values: name another, or "
            "take a number of it by map(...)"
        )


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def _as_here(column: pa.ChunkedArray, here: pa.Field) -> pa.ChunkedArray:
    try:
        return column.cast(here.type)
    except pa.ArrowInvalid as error:
        raise UserError(
            f"column {here.name} is {here.type}, but has a value of the other river's that is none "
            f"({error}): exchange the rivers, or cast one by map(...)"
        ) from error


def grouped(table: pa.Table, by: tuple[str, ...], asked: list[tuple[str, str]]) -> pa.Table:
    """Groups of equal rows and what is asked of them, in a row order that is always the same.

    0.0 and -0.0 are equal, and so are NaN and null: Arrow goes by their bits.
    """
    for name in by:
        place = table.schema.get_field_index(name)
        table = table.set_column(place, table.schema.field(place), _by_value(table.column(place)))
    return table.combine_chunks().group_by(list(by), use_threads=False).aggregate(asked)


def _by_value(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """The same values with one form of zero, and null for NaN."""
    if not pa.types.is_floating(column.type):
        return column
    return pc.add(null_for_nan(column), pa.scalar(0.0, column.type))


def hashed(table: pa.Table, names: tuple[str, ...]) -> Ints:
    """(n,) a number for each row, equal where these columns are."""
    found = np.zeros(table.num_rows, np.uint64)
    for place, name in enumerate(names):
        found = scrambled(found ^ _words_of(table.column(name)), place)
    return found.view(np.int64)


def _words_of(column: pa.ChunkedArray) -> NDArray[np.uint64]:
    """(n,) 64 bits for each value; 0 for null."""
    kind = column.type
    if pa.types.is_floating(kind):
        values = np.array(column.cast(pa.float64()).fill_null(0.0)) + 0.0  # no -0.0
        return np.where(np.isnan(values), 0.0, values).view(np.uint64)  # as null is
    if pa.types.is_integer(kind):
        return np.array(column.fill_null(0)).astype(np.int64).view(np.uint64)
    encoded = column.combine_chunks().dictionary_encode()
    encoded = encoded.combine_chunks() if isinstance(encoded, pa.ChunkedArray) else encoded
    words = np.array(
        [0, *(zlib.crc32(repr(v).encode()) for v in encoded.dictionary.to_pylist())], np.uint64
    )
    places = pc.add(encoded.indices.cast(pa.int64()), 1).fill_null(0)
    found: NDArray[np.uint64] = words[np.array(places)]
    return found
