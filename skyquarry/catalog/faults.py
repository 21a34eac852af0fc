"""What `verify` finds: a fault is a file, what is wrong with it, and some of the rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import pyarrow as pa

    from skyquarry.catalog.stored import Stored

EXAMPLES = 5


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong with a catalogue."""

    file: str
    """Full path or URL of the file at fault."""
    what: str
    rows: tuple[dict[str, Any], ...] = ()
    """Up to five of the rows at fault: position, id and row number where they are known."""

    def __str__(self) -> str:
        shown = "; ".join(", ".join(f"{k}={v}" for k, v in row.items()) for row in self.rows)
        return f"{self.file}: {self.what}" + (f" ({shown})" if shown else "")


def examples(
    stored: Stored, table: pa.Table, rows: Any, first_row: int = 0
) -> tuple[dict[str, Any], ...]:
    """The first few of these rows (numbers or a mask) of a table, by what identifies them."""
    numbers = np.asarray(rows)
    if numbers.dtype == bool:
        numbers = np.flatnonzero(numbers)
    telling = [stored.roles.id, stored.roles.ra, stored.roles.dec, stored.spatial.column]
    names = [n for n in dict.fromkeys(telling) if n and n in table.column_names]
    return tuple(
        {"row": first_row + int(i), **{n: table.column(n)[int(i)].as_py() for n in names}}
        for i in numbers[:EXAMPLES]
    )
