"""Room for rows that are held here, beside the database: part of the memory that a query may use.

The database counts what it holds itself, and spills what it has no room for. Rows that the matcher
works on, or functions of Python are asked about, are Arrow tables that it does not count: they have
a share of the query's memory, and the database the rest.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import pyarrow as pa

    from skyquarry.adql.database.stopping import Heard

MEMORY_BYTES: Final = 4 << 30
"""Of a query that is given no other limit."""
BATCH_ROWS: Final = 65_536
_SHARE: Final = 4
_PART: Final = 32


class NoRoomError(MemoryError):
    """Rows that are held here take more than their share of a query's memory."""


def room_of(memory_bytes: int) -> int:
    """What rows that are held here may take of a query's memory."""
    return memory_bytes // _SHARE


def matching_room_of(memory_bytes: int) -> int:
    """The same where the matcher finds pairs, which has the rows of both tables here."""
    return memory_bytes // 2


def part_room_of(memory_bytes: int) -> int:
    """The same of each part of a query: several run at a time."""
    return memory_bytes // _PART


def gathered(reader: pa.RecordBatchReader | Heard, most_bytes: float) -> pa.Table | None:
    """All rows of a reader; None where they take more: what was read of them is let go."""
    import pyarrow as pa

    found: list[pa.RecordBatch] = []
    left = most_bytes
    for batch in reader:
        left -= batch.nbytes
        if left < 0:
            return None
        found.append(batch)
    return pa.Table.from_batches(found, reader.schema)
