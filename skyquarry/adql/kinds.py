"""What values are: numbers, texts, times, geometries; and how SQL spells names and numbers."""

from __future__ import annotations

import math
from typing import Any, Final, Literal

import pyarrow as pa

Kind = Literal["integer", "float", "text", "boolean", "time", "geometry", "list", "null", "other"]

WORDS: Final[dict[str, str]] = {
    "integer": "a whole number", "float": "a number", "text": "a text", "boolean": "a truth",
    "time": "a moment", "geometry": "a geometry", "list": "a list", "null": "NULL",
    "other": "a value of a kind that ADQL does not have",
}  # fmt: skip
NUMBERS: Final = ("integer", "float", "boolean", "null")
"""Truths of a table's columns count as 1 and 0, for ADQL has none."""

_TESTS: Final[tuple[tuple[Any, Kind], ...]] = (
    (pa.types.is_boolean, "boolean"),
    (pa.types.is_integer, "integer"),
    (pa.types.is_floating, "float"),
    (pa.types.is_decimal, "float"),
    (pa.types.is_string, "text"),
    (pa.types.is_large_string, "text"),
    (pa.types.is_string_view, "text"),
    (pa.types.is_timestamp, "time"),
    (pa.types.is_date, "time"),
    (pa.types.is_null, "null"),
    (pa.types.is_list, "list"),
    (pa.types.is_large_list, "list"),
    (pa.types.is_fixed_size_list, "list"),
)


def kind_of(type_: pa.DataType) -> Kind:
    """What a column of an Arrow type is in a query."""
    value = type_.value_type if pa.types.is_dictionary(type_) else type_
    return next((kind for test, kind in _TESTS if test(value)), "other")


def items_of(type_: pa.DataType) -> Kind:
    """What the values of a list are, or those of the lists in it."""
    while not pa.types.is_dictionary(type_) and hasattr(type_, "value_type"):
        type_ = type_.value_type
    return kind_of(type_)


def quoted(name: str) -> str:
    """A name as SQL spells it, whatever is in it."""
    return '"' + name.replace('"', '""') + '"'


def literal(value: float | str | None) -> str:
    """A number, text or nothing as SQL spells it: numbers with a point or exponent are doubles."""
    if value is None:
        return "NULL"
    if isinstance(value, str):
        return "'" + value.replace("'", "''") + "'"
    if isinstance(value, int):
        return str(value) if value >= 0 else f"({value})"
    if not math.isfinite(value):
        return f"CAST('{value}' AS DOUBLE)"
    text = repr(value)
    text = text if "e" in text else text + "e0"
    return text if value >= 0 and not text.startswith("-") else f"({text})"
