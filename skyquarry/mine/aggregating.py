"""Groups of a river's rows and numbers of each: part by part, then put together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from skyquarry.catalog.columns import resolve
from skyquarry.engine.aggregates import null_for_nan
from skyquarry.errors import ColumnError, UserError, one_of
from skyquarry.mine.blocked import check_plain, grouped, hashed

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]

FUNCTIONS = ("sum", "count", "min", "max", "mean")
_ALL, _ROWS = "_all", "_rows"


@dataclass(frozen=True)
class Aggregate:
    """For each group of equal rows: sums, counts, least, greatest, means. NaN counts as null."""

    of: pa.Schema
    by: tuple[str, ...]
    asked: tuple[tuple[str, str, str], ...]
    """(name, function, column; "" for rows)"""

    @classmethod
    def of_words(
        cls,
        schema: pa.Schema,
        by: Sequence[str],
        asked: Mapping[str, tuple[str, str] | str],
    ) -> Aggregate:
        """What was asked for. Raises ColumnError, UserError."""
        if isinstance(by, str):
            raise ColumnError(f"by is {by!r}, but a list of columns is needed: try by=[{by!r}]")
        if not asked:
            raise UserError(
                'aggregate was asked for no number: try {"rows": "count", "r": ("mean", "r")}'
            )
        found = []
        for name, word in asked.items():
            function, column = (word, "") if isinstance(word, str) else word
            one_of(f"the function of {name}", function, FUNCTIONS)
            if not column and function != "count":
                raise UserError(
                    f"{name} is the {function} of nothing, but it needs a column: try "
                    f'("{function}", "r_mag")'
                )
            found.append((name, function, resolve(schema, column) if column else ""))
            if column:
                _check_values(schema.field(found[-1][2]), name, function)
        made = cls(schema, tuple(resolve(schema, each) for each in by), tuple(found))
        for each in made.by:
            check_plain(schema.field(each), "rows are grouped")
        _ = made.schema
        return made

    @property
    def rows(self) -> pa.Schema:
        """Of parts of groups."""
        return self._part(self.of.empty_table()).schema

    @property
    def schema(self) -> pa.Schema:
        """The columns of the groups, then the numbers."""
        return self.finished(self.rows.empty_table()).schema

    @property
    def _keys(self) -> tuple[str, ...]:
        return self.by or (_ALL,)

    def _columns(self) -> list[str]:
        return list(dict.fromkeys(column for _, _, column in self.asked if column))

    def sorted(self, table: pa.Table, place: int, side: int) -> tuple[pa.Table, Ints]:
        """The groups of one table."""
        del place, side
        part = self._part(table)
        return part, hashed(part, self._keys)

    def _part(self, table: pa.Table) -> pa.Table:
        n = table.num_rows
        plain = {f"_k{i}": table.column(name) for i, name in enumerate(self.by)}
        plain = plain or {"_k0": pa.nulls(n, pa.int64())}
        columns = self._columns()
        values = {f"_v{i}": null_for_nan(table.column(c)) for i, c in enumerate(columns)}
        rows = {"_one": pa.nulls(n, pa.int64()).fill_null(1)}
        every = ["_one", *values]
        asked = [(name, how) for name in every for how in self._parts_of(name, columns)]
        told = _grouped(pa.table({**plain, **values, **rows}), tuple(plain), asked)
        made = {key: told[name] for key, name in zip(self._keys, plain, strict=True)}
        made |= {f"{name}_{how}": told[f"{name}_{how}"] for name, how in asked}
        return pa.table(made)

    def _parts_of(self, name: str, columns: list[str]) -> list[str]:
        """What of a column has to be known of each part."""
        if name == "_one":
            return ["sum"]
        column = columns[int(name[2:])]
        wanted = {how for _, how, of in self.asked if of == column}
        wanted |= {"sum", "count"} if "mean" in wanted else set()
        return sorted(wanted - {"mean"})

    def finished(self, partition: pa.Table) -> pa.Table:
        """The groups of a partition, sorted by their columns."""
        keys, columns = self._keys, self._columns()
        parts = [name for name in partition.column_names if name not in keys]
        merge = {"sum": "sum", "count": "sum", "min": "min", "max": "max"}
        asked = [(name, merge[name.rpartition("_")[2]]) for name in parts]
        plain = {f"_k{i}": partition[name] for i, name in enumerate(keys)}
        rest = {name: partition[name] for name in parts}
        told = _grouped(pa.table({**plain, **rest}), tuple(plain), asked)
        told = told.sort_by([(name, "ascending") for name in plain])
        number = {name: told[f"{name}_{how}"] for name, how in asked}
        made: dict[str, Any] = {}
        for name, each in zip(plain, self.by, strict=False):
            made[each] = told[name]
        for name, function, column in self.asked:
            made[name] = _number(function, column, columns, number)
        return pa.table(made)

    def words(self) -> str:
        """By what, and which numbers."""
        told = [f"{name} = {how}({column})" for name, how, column in self.asked]
        return f"aggregate by {', '.join(self.by) or 'nothing'}: {', '.join(told)}"


def _check_values(field: pa.Field, name: str, function: str) -> None:
    """Raises UserError where a function has no meaning for a column."""
    if function != "count":
        check_plain(field, f"{name} is the {function}, taken")
    types, kind = pa.types, field.type
    number = types.is_integer(kind) or types.is_floating(kind) or types.is_decimal(kind)
    if function in ("sum", "mean") and not (number or types.is_boolean(kind)):
        raise UserError(
            f"{name} is the {function} of {field.name}, which is {kind}, but numbers are needed: "
            "count it, or take its min or max"
        )


def _grouped(table: pa.Table, by: tuple[str, ...], asked: list[tuple[str, str]]) -> pa.Table:
    """Groups; raises UserError where a sum of integers, which Arrow would wrap, is beyond them."""
    for name, how in asked:
        if how != "sum" or not pa.types.is_integer(table.schema.field(name).type):
            continue
        ends = pc.min_max(table[name]).as_py()
        largest = max(abs(ends["min"] or 0), abs(ends["max"] or 0))
        if largest * table.num_rows < 2**63:
            continue
        floats = table.select([*by]).append_column(name, table[name].cast(pa.float64(), safe=False))
        sums = pc.min_max(pc.abs(grouped(floats, by, [(name, "sum")])[f"{name}_sum"])).as_py()
        if (sums["max"] or 0.0) >= 2.0**63:
            raise UserError(
                f"a sum of integers is about {sums['max']:.3g}, but 64 bits hold 9.2e18: project "
                "the column as a number with a decimal point, as in 1.0 * x, before"
            )
    return grouped(table, by, asked)


def _number(function: str, column: str, columns: list[str], told: dict[str, Any]) -> Any:
    if not column:
        return told["_one_sum"]
    name = f"_v{columns.index(column)}"
    if function != "mean":
        return told[f"{name}_{function}"]
    count = told[f"{name}_count"].cast(pa.float64())
    some = pc.if_else(pc.equal(count, 0.0), pa.scalar(None, pa.float64()), count)
    return pc.divide(told[f"{name}_sum"].cast(pa.float64()), some)
