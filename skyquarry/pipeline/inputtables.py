"""Tables that a caller gives to a match, read column by column."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from skyquarry.match.given.tablesides import content_mark

if TYPE_CHECKING:
    from collections.abc import Sequence

    from skyquarry.ingest.clean import Cleaning
    from skyquarry.ingest.description import Described
    from skyquarry.ingest.sources import Sources


@dataclass(frozen=True)
class InputTable:
    """A table or files, read column by column: sentinels and NaN as null, positions as ICRS."""

    table: pa.Table | None
    sources: Sources | None
    described: Described
    stated: bool

    @property
    def cleaning(self) -> Cleaning:
        """What is done to positions."""
        assert self.described.cleaning is not None
        return self.described.cleaning

    @cached_property
    def schema(self) -> pa.Schema:
        """The columns as they are given, and the converted positions."""
        return self.cleaning.stored_schema().remove(0)

    @cached_property
    def fingerprint(self) -> str:
        """Equal for equal rows, or files of equal name, size and time."""
        return content_mark(self.table) if self.sources is None else self.sources.fingerprint

    def read(self, columns: Sequence[str]) -> pa.Table:
        """These columns, rows in the order of the input."""
        from skyquarry.ingest.clean import decoded, tidied

        cleaning = self.cleaning
        made = {cleaning.stored_ra, cleaning.stored_dec}
        converting = cleaning.converts and bool(made & set(columns))
        plain = [name for name in columns if not (converting and name in made)]
        raw = dict.fromkeys([*plain, *((cleaning.ra, cleaning.dec) if converting else ())])
        table = decoded(self._raw(list(raw)))
        sentinels = tuple(each for each in cleaning.sentinels if each[0] in raw)
        tidy, _, _ = tidied(table, sentinels)
        found = dict(zip(tidy.column_names, tidy.columns, strict=True))
        if cleaning.ra in raw and cleaning.dec in raw:
            ra, dec = self._degrees(found[cleaning.ra], found[cleaning.dec])
            if converting:
                found |= {cleaning.stored_ra: ra, cleaning.stored_dec: dec}
        return pa.table(
            [found[name] for name in columns],
            schema=pa.schema([self.schema.field(name) for name in columns]),
        )

    def _raw(self, columns: list[str]) -> pa.Table:
        if self.table is not None:
            return self.table.select(columns)
        assert self.sources is not None
        schema = pa.schema([self.sources.schema.field(name) for name in columns])
        batches = (b for part in self.sources.parts() for b in part.batches(columns=columns))
        return pa.Table.from_batches(batches, schema)

    def _degrees(self, given_ra: pa.ChunkedArray, given_dec: pa.ChunkedArray) -> Any:
        """ICRS degrees, NaN where there is no usable position. Raises ColumnError for hours."""
        from skyquarry.ingest import positions

        cleaning = self.cleaning
        ra, dec = positions.coordinates(given_ra, given_dec, cleaning.unit)
        good = np.isfinite(ra) & np.isfinite(dec) & (np.abs(dec) <= 90.0)
        numbers = positions.as_numbers(good, given_ra, given_dec)
        limits = positions.Limits.of(ra, dec, numbers, cleaning.unit)
        positions.check_unit(limits, cleaning.unit, stated=self.stated, remedy=self._by_roles)
        if not cleaning.converts:
            return given_ra, given_dec
        if cleaning.unit == "text":  # a plain ra beside a sexagesimal dec: hours or degrees?
            fault = positions.faults(ra, dec, given_ra, given_dec, cleaning.unit)
            good &= fault == 0
        out = ra.copy(), dec.copy()
        for values, icrs in zip(
            out, positions.to_icrs(ra[good], dec[good], cleaning.frame), strict=True
        ):
            values[good] = icrs
        if cleaning.unit == "text":
            out[0][~good] = np.nan
        return tuple(pa.chunked_array([pa.array(values)]) for values in out)

    def _by_roles(self, unit: str) -> str:
        """How the unit of these positions is stated."""
        named = f'"ra": "{self.cleaning.ra}", "dec": "{self.cleaning.dec}"'
        return (
            f'declare it, as in (table, {{{named}, "ra_unit": "{unit}"}}) or in a role file, or '
            'declare "deg" if they are degrees indeed'
        )


@dataclass(frozen=True)
class WithColumn:
    """A table with one more column, which the caller gave as an array."""

    of: Any
    name: str
    values: pa.Array

    @property
    def schema(self) -> pa.Schema:
        """The columns that it has."""
        return self.of.schema.append(pa.field(self.name, self.values.type))

    @property
    def fingerprint(self) -> str:
        """Equal for equal rows."""
        return str(self.of.fingerprint) + content_mark(pa.table({self.name: self.values}))

    def read(self, columns: Sequence[str]) -> pa.Table:
        """These columns."""
        rest = [name for name in columns if name != self.name]
        table = self.of.read(rest) if rest else None
        made = [
            self.values if name == self.name else table.column(name)  # type: ignore[union-attr]
            for name in columns
        ]
        return pa.table(made, names=list(columns))
