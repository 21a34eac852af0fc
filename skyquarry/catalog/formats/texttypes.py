"""What type a column of text has: the narrowest that holds every value without loss."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

WHOLE = r"^[+-]?(0|[1-9][0-9]*)$"
PADDED = r"^[+-]?0[0-9]+$"  # 007 is a name, not the number 7
DECIMAL = r"^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?$|^[+-]?(?i:nan|inf|infinity)$"
MOMENT = r"^\d{4}-\d\d-\d\d[ T]\d\d:\d\d(:\d\d(\.\d{1,9})?)?Z?$"
WORDS_OF_TRUTH = ("true", "false", "True", "False", "TRUE", "FALSE")
EXACT_IN_DOUBLE = 2**53


def narrowest(batches: Iterable[pa.RecordBatch], names: Sequence[str]) -> list[pa.DataType]:
    """The type of each text column over all batches.

    A column of nulls is text; so are whole numbers beyond 64 bits, or that a double would round
    where others have a fraction, numbers padded with zeros, and numbers mixed with words.
    """
    kinds: list[set[str]] = [set() for _ in names]
    for batch in batches:
        for found, column in zip(kinds, batch.columns, strict=True):
            if "string" not in found:
                found.update(_kinds(column))
    return [_joined(found) for found in kinds]


def _kinds(column: pa.Array) -> Iterator[str]:
    """Every kind of value that a text column holds."""
    text = pc.utf8_trim_whitespace(column.drop_null())
    text = text.filter(pc.not_equal(text, ""))
    if len(text) == 0:
        return
    if _all(pc.is_in(text, pa.array(WORDS_OF_TRUTH))):
        yield "bool"
    elif _all(pc.match_substring_regex(text, DECIMAL)):
        yield from _numbers(text)
    elif _all(pc.match_substring_regex(text, MOMENT)):
        yield _moments(text)
    else:
        yield "string"


def _numbers(text: pa.Array) -> Iterator[str]:
    """Kinds in a column of numbers: float64, int64, wide (a double would round it), ..."""
    if pc.any(pc.match_substring_regex(text, PADDED)).as_py():
        yield "string"
        return
    is_whole = pc.match_substring_regex(text, WHOLE)
    if not _all(is_whole):
        yield "float64"
        text = text.filter(is_whole)
    if len(text):
        yield from _widths(pc.replace_substring_regex(text, r"^\+", ""))


def _widths(digits: pa.Array) -> Iterator[str]:
    numbers = castable(digits, pa.int64())
    if numbers is None:
        numbers = castable(digits, pa.uint64())
        yield "string" if numbers is None else "uint64"
        return
    span = pc.min_max(numbers).as_py()
    if span["min"] < 0:
        yield "negative"
    yield "wide" if max(span["max"], -span["min"]) > EXACT_IN_DOUBLE else "int64"


def _moments(text: pa.Array) -> str:
    zulu = pc.ends_with(text, "Z")
    if pc.any(zulu).as_py():
        good = _all(zulu) and castable(text, pa.timestamp("us", "UTC")) is not None
        return "utc" if good else "string"
    units = (unit for unit in ("us", "ns") if castable(text, pa.timestamp(unit)) is not None)
    return next(units, "string")


def castable(text: pa.Array, kind: pa.DataType) -> pa.Array | None:
    """The text as `kind`, or None where a value does not fit."""
    try:
        return pc.cast(text, kind)
    except pa.ArrowInvalid:
        return None


def _all(mask: pa.Array) -> bool:
    return bool(pc.all(mask).as_py())


def _joined(kinds: set[str]) -> pa.DataType:
    """The one type that holds every kind; text where numbers would lose digits."""
    signs = kinds & {"negative"}
    sizes = kinds - signs
    if sizes == {"bool"}:
        return pa.bool_()
    if sizes and sizes <= {"int64", "wide"}:
        return pa.int64()
    if "uint64" in sizes and sizes <= {"int64", "wide", "uint64"} and not signs:
        return pa.uint64()
    if sizes and sizes <= {"int64", "float64"}:
        return pa.float64()
    if sizes and sizes <= {"us", "ns"}:
        return pa.timestamp("ns" if "ns" in sizes else "us")
    return pa.timestamp("us", "UTC") if sizes == {"utc"} else pa.string()
