"""RAh, RAm, RAs, DE-, DEd, DEm, DEs as degrees."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from skyquarry.catalog.formats.table import metadata_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

RIGHT = ("RAh", "RAm", "RAs")
DOWN = ("DEd", "DEm", "DEs")
SIGN = "DE-"
STEPS = (1.0, 60.0, 3600.0)


@dataclass(frozen=True)
class Sexagesimal:
    """Which parts of a position the table has, and what the columns in degrees are called."""

    right: tuple[str, ...]
    down: tuple[str, ...]
    names: tuple[str, str]

    @property
    def fields(self) -> list[pa.Field]:
        """The fields of right ascension and declination."""
        said = (f"from {' '.join(self.right)}", f"from {SIGN} {' '.join(self.down)}")
        return [
            pa.field(name, pa.float64(), metadata=metadata_of(unit="deg", description=text))
            for name, text in zip(self.names, said, strict=True)
        ]

    def degrees(self, columns: Mapping[str, pa.Array]) -> list[pa.Array]:
        """Right ascension and declination in degrees; null where a part is."""
        ra = pc.multiply(_sum(columns, self.right), 15.0)
        dec = _sum(columns, self.down)
        south = pc.fill_null(pc.equal(pc.utf8_trim(columns[SIGN], " "), "-"), False)
        return [ra, pc.if_else(south, pc.negate(dec), dec)]


def _sum(columns: Mapping[str, pa.Array], names: Sequence[str]) -> pa.Array:
    parts = [
        pc.divide(columns[name].cast(pa.float64()), step)
        for name, step in zip(names, STEPS, strict=False)
    ]
    total = parts[0]
    for part in parts[1:]:
        total = pc.add(total, part)
    return total


def sexagesimal_of(names: Sequence[str]) -> Sexagesimal | None:
    """How a position is spread over columns, None where it is not."""
    if not {RIGHT[0], DOWN[0], SIGN} <= set(names):
        return None
    right = tuple(name for name in RIGHT if name in names)
    down = tuple(name for name in DOWN if name in names)
    lower = {name.lower() for name in names}
    free = [pair for pair in (("ra", "dec"), ("ra_deg", "dec_deg")) if not lower & set(pair)]
    return Sexagesimal(right, down, free[0]) if free else None
