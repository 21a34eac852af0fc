"""From rows as a file has them to rows as the archive keeps them.

Sentinels and NaN become null, positions become degrees in ICRS, each row gets its order-29 pixel;
a row without a usable position is set aside whole, with the reason. Nothing is lost silently: every
change is counted.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping  # noqa: TC003  (beside Counter)
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import numpy as np
import pyarrow as pa

from skyquarry.catalog.arrow import pc
from skyquarry.ingest import positions
from skyquarry.ingest.missing import nan_to_null, sentinels_to_null
from skyquarry.ingest.reasons import (
    DEC_UNREADABLE,
    OK,
    RA_BEYOND,
    RA_UNREADABLE,
    REASON,
    REASONS,
    REASONS_QUOTED,
    ROW,
)
from skyquarry.ingest.spill import COUNT_ORDER, SPATIAL


@dataclass(frozen=True, slots=True)
class Cleaning:
    """What is done to every batch: plain data, so that it travels to a worker."""

    schema: pa.Schema
    """of the input"""
    ra: str
    dec: str
    frame: str = "icrs"
    unit: str = "deg"
    stored_ra: str = "ra"
    stored_dec: str = "dec"
    """the columns that hold ICRS degrees afterwards: new ones, where the input has others"""
    sentinels: tuple[tuple[str, tuple[float | str, ...]], ...] = ()
    xyz: bool = False

    @property
    def count_order(self) -> int:
        """The order of the cells that a run counts its rows in."""
        return COUNT_ORDER

    def cleaned(self, table: pa.Table) -> Cleaned:
        """The rows of one batch: `clean`."""
        return clean(self, table)

    @property
    def converts(self) -> bool:
        """Whether positions change their frame, unit or type on the way."""
        return self.stored_ra != self.ra

    def stored_schema(self) -> pa.Schema:
        """The schema of the rows that are kept."""
        fields = [pa.field(SPATIAL, pa.int64(), metadata=_SPATIAL_MEANING)]
        fields += [plain_field(each) for each in self.schema if each.name != SPATIAL]
        if self.converts:
            fields += [
                pa.field(self.stored_ra, pa.float64(), metadata=_meaning("pos.eq.ra;meta.main")),
                pa.field(self.stored_dec, pa.float64(), metadata=_meaning("pos.eq.dec;meta.main")),
            ]
        if self.xyz:
            fields += [
                pa.field(name, pa.float64(), metadata={"ucd": f"pos.cartesian.{axis}"})
                for name, axis in zip(XYZ, "xyz", strict=True)
            ]
        return pa.schema(fields, metadata=self.schema.metadata)


XYZ = ("cx", "cy", "cz")
"""Names of the unit vector's columns, as in SDSS."""

_SPATIAL_MEANING = {"ucd": "pos.healpix", "description": "HEALPix index, nested, order 29, ICRS"}


@dataclass(slots=True)
class Cleaned:
    """The rows of a batch that are kept, those that are not, and what was changed."""

    table: pa.Table
    """`Cleaning.stored_schema()`, in the order of the input"""
    rejects: pa.Table | None
    """the input's columns, then `_row` (from zero within the batch) and `_reason`; None: no row"""
    kept: Any = None
    """(n,) bool, which rows of the batch are in `table`; None: all"""
    nan: Counter[str] = field(default_factory=Counter)
    """NaN that became null, by column"""
    sentinel: Counter[str] = field(default_factory=Counter)
    """sentinels that became null, by column"""
    limits: positions.Limits = field(default_factory=positions.Limits)
    """of the positions as the input gives them"""


def clean(cleaning: Cleaning, table: pa.Table) -> Cleaned:
    """The rows of one batch as the archive keeps them; see `Cleaning`.

    Raises ColumnError where a position column holds what cannot be a coordinate.
    """
    plain = decoded(table)
    tidy, nan, sentinel = tidied(plain, cleaning.sentinels)
    ra, dec = positions.coordinates(
        tidy.column(cleaning.ra), tidy.column(cleaning.dec), cleaning.unit
    )
    given = (tidy.column(cleaning.ra), tidy.column(cleaning.dec))
    fault = positions.faults(ra, dec, *given, cleaning.unit)
    if cleaning.frame == "icrs":
        fault[(fault == OK) & ~((ra >= -180.0) & (ra <= 360.0))] = RA_BEYOND
    good = fault == OK
    limits = positions.Limits.of(ra, dec, positions.as_numbers(good, *given), cleaning.unit)
    quoted = {RA_UNREADABLE: cleaning.ra, DEC_UNREADABLE: cleaning.dec}
    rejects = None if good.all() else set_aside(plain, fault, quoted)
    limits = positions.with_faults(limits, fault, *given)
    if rejects is not None:
        tidy, ra, dec = tidy.filter(pa.array(good)), ra[good], dec[good]
    ra, dec = positions.to_icrs(ra, dec, cleaning.frame)
    kept = None if rejects is None else good
    return Cleaned(with_positions(cleaning, tidy, ra, dec), rejects, kept, nan, sentinel, limits)


def tidied(
    table: pa.Table, sentinels: tuple[tuple[str, tuple[float | str, ...]], ...]
) -> tuple[pa.Table, Counter[str], Counter[str]]:
    """The table with sentinels and NaN as nulls, and how many there were in each column."""
    nan: Counter[str] = Counter()
    found: Counter[str] = Counter()
    missing = dict(sentinels)
    columns = []
    for name, column in zip(table.column_names, table.columns, strict=True):
        values = column
        if name in missing:
            values, found[name] = sentinels_to_null(values, missing[name])
        values, nan[name] = nan_to_null(values)
        columns.append(values)
    return pa.table(columns, schema=table.schema), +nan, +found


def with_positions(cleaning: Cleaning, table: pa.Table, ra: Any, dec: Any) -> pa.Table:
    """The table with its pixel column first, and the position columns that it lacks."""
    from skyquarry.sky.healpix import index

    schema = cleaning.stored_schema()
    given = dict(zip(table.column_names, table.columns, strict=True))
    given[SPATIAL] = pa.array(index(ra, dec))
    if cleaning.converts:
        given[cleaning.stored_ra], given[cleaning.stored_dec] = pa.array(ra), pa.array(dec)
    if cleaning.xyz:
        from skyquarry.sky.vectors import to_xyz

        vectors = to_xyz(ra, dec)
        given |= {name: pa.array(vectors[:, i].copy()) for i, name in enumerate(XYZ)}
    return pa.table([given[name] for name in schema.names], schema=schema)


def set_aside(
    table: pa.Table, fault: Any, quoted: Mapping[int, str] = MappingProxyType({})
) -> pa.Table:
    """The rows with a fault, with `_row` and `_reason` added.

    quoted: fault -> the column whose value its reason quotes.
    """
    rows = np.flatnonzero(fault)
    taken = table.take(pa.array(rows))
    reasons = pa.DictionaryArray.from_arrays(
        pa.array(fault[rows].astype(np.int32)), pa.array(REASONS)
    )
    words = reasons.cast(pa.string())
    for code, column in quoted.items():
        if (fault[rows] == code).any():
            words = _quoting(words, pa.array(fault[rows] == code), taken.column(column))
    return taken.append_column(ROW, pa.array(rows)).append_column(REASON, words)


def _quoting(words: pa.Array, where: pa.Array, values: pa.ChunkedArray) -> pa.Array:
    """The words, with `: 'value'` after those at `where`."""
    said = values.filter(where).to_pylist()
    told = [f"{REASONS_QUOTED}{str(value)[:60]!r}" for value in said]
    longer = pc.binary_join_element_wise(words.filter(where), pa.array(told, pa.string()), "")
    return pc.replace_with_mask(words, where, longer)


def decoded(table: pa.Table) -> pa.Table:
    """The table in one chunk a column, its dictionaries as plain values."""
    schema = pa.schema([plain_field(each) for each in table.schema], metadata=table.schema.metadata)
    return (table if schema == table.schema else table.cast(schema)).combine_chunks()


def plain_field(each: pa.Field) -> pa.Field:
    """The field without a dictionary: dictionaries of many files do not agree."""
    if pa.types.is_dictionary(each.type):
        return each.with_type(each.type.value_type)
    if pa.types.is_string_view(each.type) or pa.types.is_binary_view(each.type):
        text = pa.types.is_string_view(each.type)
        return each.with_type(pa.large_string() if text else pa.large_binary())
    return each


def _meaning(ucd: str) -> dict[str, str]:
    return {"unit": "deg", "ucd": ucd, "description": "ICRS, computed when the catalogue was built"}


def reasons_counted(rejects: pa.Table) -> dict[str, int]:
    """How many rows were set aside for each reason, less the values that reasons quote."""
    plain = pc.replace_substring_regex(rejects.column(REASON), f"(?s){REASONS_QUOTED}['\"].*$", "")
    counted = pc.value_counts(plain).to_pylist()
    return {each["values"]: each["counts"] for each in counted}
