"""One schema for several inputs: types widened where nothing is lost, refused otherwise."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa

from skyquarry.errors import IngestError

if TYPE_CHECKING:
    from collections.abc import Sequence

TICKS = ("s", "ms", "us", "ns")


def unified(schemas: Sequence[tuple[str, pa.Schema]]) -> pa.Schema:
    """The schema of all inputs, columns in the order of the first.

    schemas: (name of the input, its schema), at least one. Whole numbers and floats are widened;
    what a column means is taken from the first input that says it.

    Raises IngestError naming two inputs and the column that differs.
    """
    first_name, first = schemas[0]
    fields = {field.name: field for field in first}
    for name, schema in schemas[1:]:
        _refuse_other_columns(first_name, first, name, schema)
        for field in schema:
            fields[field.name] = _widened(fields[field.name], field, (first_name, name))
    return pa.schema(list(fields.values()), metadata=first.metadata)


def _refuse_other_columns(one: str, first: pa.Schema, other: str, schema: pa.Schema) -> None:
    for here, there, absent in ((one, other, schema), (other, one, first)):
        present = first if here == one else schema
        lacking = [name for name in present.names if name not in absent.names]
        if lacking:
            raise IngestError(
                f"{here} has the column {lacking[0]!r} and {there} has not; all inputs need the "
                "same columns: build them apart, or make the columns the same"
            )


def _widened(one: pa.Field, other: pa.Field, names: tuple[str, str]) -> pa.Field:
    kind = wider(one.type, other.type)
    if kind is None:
        raise IngestError(
            f"column {one.name!r} is {one.type} in {names[0]} and {other.type} in {names[1]}, "
            "which no one type holds; all inputs need the same: convert one of them"
        )
    return pa.field(one.name, kind, metadata=(other.metadata or {}) | (one.metadata or {}) or None)


def wider(one: Any, other: Any) -> Any:
    """The type that holds both, None where there is none."""
    if one == other or pa.types.is_null(other):
        return one
    if pa.types.is_null(one):
        return other
    if pa.types.is_dictionary(one) or pa.types.is_dictionary(other):
        return wider(getattr(one, "value_type", one), getattr(other, "value_type", other))
    for test, join in (
        (_is_text, _text),
        (_is_number, _number),
        (pa.types.is_timestamp, _moment),
        (_is_list, _list),
    ):
        if test(one) and test(other):
            return join(one, other)
    return None


def _is_text(kind: Any) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def _text(_one: Any, _other: Any) -> Any:
    return pa.large_string()


def _is_number(kind: Any) -> bool:
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind))


def _number(one: Any, other: Any) -> Any:
    """A 64-bit integer that a double would round is refused when its row is read."""
    if pa.types.is_integer(one) and pa.types.is_integer(other):
        return _whole(one, other)
    if pa.types.is_floating(one) and pa.types.is_floating(other):
        return max(one, other, key=lambda kind: kind.bit_width)
    whole, real = (one, other) if pa.types.is_integer(one) else (other, one)
    return real if whole.bit_width <= 16 and real.bit_width >= 32 else pa.float64()


def _whole(one: Any, other: Any) -> Any:
    signs = {pa.types.is_signed_integer(one), pa.types.is_signed_integer(other)}
    width = max(one.bit_width, other.bit_width)
    if signs == {False}:
        return {8: pa.uint8(), 16: pa.uint16(), 32: pa.uint32(), 64: pa.uint64()}[width]
    if len(signs) == 2:
        unsigned = one if pa.types.is_unsigned_integer(one) else other
        width = max(width, min(64, 2 * unsigned.bit_width))
    return {8: pa.int8(), 16: pa.int16(), 32: pa.int32(), 64: pa.int64()}[width]


def _moment(one: Any, other: Any) -> Any:
    if one.tz != other.tz:
        return None
    return pa.timestamp(TICKS[max(TICKS.index(one.unit), TICKS.index(other.unit))], one.tz)


def _is_list(kind: Any) -> bool:
    return bool(
        pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind)
    )


def _list(one: Any, other: Any) -> Any:
    inner = wider(one.value_type, other.value_type)
    if inner is None:
        return None
    same = pa.types.is_fixed_size_list(one) and pa.types.is_fixed_size_list(other)
    if same and one.list_size == other.list_size:
        return pa.list_(inner, one.list_size)
    return pa.list_(inner)
