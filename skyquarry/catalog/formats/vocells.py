"""Cells of a VOTable as Arrow columns, from texts or from decoded elements."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from skyquarry.catalog.formats.astropytable import fixed_lists
from skyquarry.catalog.formats.textbody import bare
from skyquarry.catalog.formats.texttypes import castable
from skyquarry.errors import IngestError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from skyquarry.catalog.formats.vofields import VoField

TRUTH = {"true": True, "t": True, "1": True, "false": False, "f": False, "0": False}


def values_of(
    field: VoField, elements: pa.Array, lengths: NDArray[np.int64], rows: int
) -> pa.Array:
    """Flat elements as a column: single values, or lists of the lengths given."""
    if field.is_single:
        return elements
    if not field.varies:
        return fixed_lists(elements, field.count, rows)
    ends = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32)
    return pa.ListArray.from_arrays(pa.array(ends), elements)


def missing_where(array: pa.Array, mask: NDArray[np.bool_]) -> pa.Array:
    """The column with nulls where the mask is true."""
    if not mask[: len(array)].any():
        return array
    hidden = pa.array(mask[: len(array)])
    return array.take(pa.array(np.arange(len(array)), mask=hidden.to_numpy(zero_copy_only=False)))


def texts_of_units(field: VoField, data: bytes, lengths: NDArray[np.int64]) -> pa.Array:
    """Characters of `lengths` units each as texts, or as lists of texts of a fixed width."""
    unit = 2 if field.datatype == "unicodeChar" else 1
    ends = np.cumsum(lengths * unit)
    starts = ends - lengths * unit
    try:
        texts = [_text(data[a:b], field) for a, b in zip(starts, ends, strict=True)]
    except UnicodeDecodeError as error:
        raise IngestError(
            f"column {field.name!r} holds bytes that are no {field.datatype} ({error}): write the "
            "file again"
        ) from error
    return pa.array([_cut(t, field) for t in texts] if field.text_width else texts, field.kind)


def _text(raw: bytes, field: VoField) -> str:
    text = raw.decode("utf-16-be" if field.datatype == "unicodeChar" else "utf-8")
    if field.text_width:
        return text
    text = text.partition("\0")[0]
    return text if field.varies else text.rstrip(" ")  # padding of a fixed width


def _cut(text: str, field: VoField) -> list[str]:
    width = field.text_width
    padded = text if field.varies else text.ljust(field.count)
    pieces = (padded[i : i + width] for i in range(0, len(padded), width))
    return [piece.partition("\0")[0].rstrip(" ") for piece in pieces]


def column_of_texts(field: VoField, texts: Sequence[str | None], before: int) -> pa.Array:
    """TABLEDATA cells of one column; an empty cell is null. Raises IngestError naming the row."""
    if field.is_text:
        if not field.text_width:
            return pa.array(texts, pa.string())
        return pa.array([None if t is None else _cut(t, field) for t in texts], field.kind)
    if not field.is_single:
        return _lists(field, texts, before)
    return _numbers(field, pa.array(texts, pa.string()), before)


def _numbers(field: VoField, text: pa.Array, before: int) -> pa.Array:
    plain = bare(text)
    if field.null:
        plain = pc.if_else(pc.equal(plain, field.null), pa.scalar(None, pa.string()), plain)
    if field.element == pa.bool_():
        return _truth(field, plain, before)
    numbers = castable(plain, field.element)
    if numbers is None:
        numbers = _hexadecimal(field, plain, before)
    return numbers


def _truth(field: VoField, text: pa.Array, before: int) -> pa.Array:
    words = pc.utf8_lower(text).to_pylist()
    for row, word in enumerate(words):
        if word is not None and word not in TRUTH and word != "?":
            raise _misfit(field, text[row].as_py(), before + row)
    return pa.array([TRUTH.get(w) if w is not None else None for w in words], pa.bool_())


def _hexadecimal(field: VoField, text: pa.Array, before: int) -> pa.Array:
    """Numbers of which some are written 0x1F; slowly."""
    values: list[Any] = []
    for row, word in enumerate(text.to_pylist()):
        try:
            values.append(_number(field, word))
            pa.array(values[-1:], field.element)
        except (ValueError, OverflowError, pa.ArrowInvalid):
            raise _misfit(field, word, before + row) from None
    return pa.array(values, field.element)


def _number(field: VoField, word: str | None) -> int | float | None:
    if word is None:
        return None
    return int(word, 0) if pa.types.is_integer(field.element) else float(word)


def _misfit(field: VoField, word: str, row: int) -> IngestError:
    return IngestError(
        f"row {row + 1} has {word!r} in column {field.name!r}, where {field.datatype} is needed: "
        "mend the cell"
    )


def _lists(field: VoField, texts: Sequence[str | None], before: int) -> pa.Array:
    """Cells of several numbers with blanks between them."""
    cells = [None if text is None else _words(field, text) for text in texts]
    if not field.varies:
        for row, cell in enumerate(cells):
            if cell is not None and len(cell) != field.count:
                raise IngestError(
                    f"row {before + row + 1} has {len(cell)} values in column {field.name!r}, "
                    f"where {field.count} are needed: mend the cell"
                )
    flat = [word for cell in cells for word in (cell or ())]
    elements = _numbers(field, pa.array(flat, pa.string()), before)
    lengths = np.array([len(cell or ()) for cell in cells], np.int64)
    ends = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32)
    mask = pa.array([cell is None for cell in cells])
    lists = pa.ListArray.from_arrays(pa.array(ends), elements, mask=mask if any_(mask) else None)
    return lists if field.varies else lists.cast(field.kind)


def any_(mask: pa.Array) -> bool:
    """Whether any value of a mask is true."""
    return bool(pc.any(mask).as_py())


def _words(field: VoField, text: str) -> list[str]:
    return list("".join(text.split())) if field.datatype == "bit" else text.split()
