"""How a tile is encoded: the Parquet options, chosen by what a column holds, and its statistics.

Floats are split by byte and integers packed as differences: such a million rows of 17 columns has
62.4 MB by zstd, and 70.8 MB as plain values (`design/encodings.py`). What is split or packed lz4
compresses nearly as well, and is read in half the time (`design/codecs.py`): 1e7 rows with their
margin are written in 16.0 CPU s instead of zstd's 23.1, are 669.8 MB instead of 643.2, and five of
their columns are read in 0.18 CPU s instead of 0.46, by DuckDB in 0.22 instead of 0.35. A small
number with a dictionary takes 4 ns a row by lz4, 9 to 19 by zstd, whose every page begins anew.

Where all that matters is how fast DuckDB reads columns of all rows, as in a tag, numbers are stored
as they are, or by a dictionary where they repeat, and not compressed (`design/tag_encodings.py`).
But whole numbers of 32 bits or fewer that change from row to row, kinds and flags of rows above
all, have none: to ask a condition of a dictionary's numbers takes two to three times as long.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from skyquarry.catalog.arrow import is_number, pc, to_numpy
from skyquarry.catalog.columns import SPATIAL, leaf_columns
from skyquarry.catalog.footers import extremes

_SAMPLE = 16_384
_GROUPS_AT_ONCE = 16  # row groups that are laid in one piece to be written
_LITTLE = 256  # of integers that spread no wider a packed difference takes a few bits
_REPEATED = 8  # a dictionary pays where a value stands this often among the sample
_RUN = 8  # rows in a row with one value, on average, where a scan is as quick with a dictionary
_SHORT_BITS = 32


@dataclass(frozen=True, slots=True)
class Options:
    """How tiles are written; the default is what the benchmarks are run with."""

    row_group_rows: int = 8_192
    """rows of a row group: a cone of an arcminute reads one or two of them; why so few:
    design/row_groups.py"""
    level: int = 3
    """of zstd, 1 to 22"""
    numbers: Literal["zstd", "lz4", "none"] = "lz4"
    """what columns of numbers are compressed by; zstd is 4 per cent smaller. Texts are by zstd.
    By none numbers are not packed either: larger, and the quickest to scan"""
    page_bytes: int = 131_072
    """size of a data page before compression"""
    skymap_order: int = 8
    """HEALPix order of skymap.fits"""


@dataclass(frozen=True, slots=True)
class Encoded:
    """A tile as the bytes of its file, and what its footer says."""

    data: pa.Buffer
    sha256: str
    footer_bytes: int
    statistics: dict[str, list[Any]]
    """leaf column -> [lowest, highest, nulls, values, bytes on disk, bytes decoded]"""


def encode(table: pa.Table, options: Options) -> Encoded:
    """The Parquet file of one tile, in memory: the same bytes for the same rows."""
    sink = pa.BufferOutputStream()
    footers: list[pq.FileMetaData] = []
    with pq.ParquetWriter(
        sink, table.schema, metadata_collector=footers, **_settings(table, options)
    ) as writer:
        step = _GROUPS_AT_ONCE * options.row_group_rows
        for start in range(0, len(table), step):  # in one piece, or pages would end where chunks do
            some = table.slice(start, step).combine_chunks()
            writer.write_table(some, row_group_size=options.row_group_rows)
    data = sink.getvalue()
    return Encoded(
        data=data,
        sha256=hashlib.sha256(data).hexdigest(),
        footer_bytes=int.from_bytes(data[-8:-4].to_pybytes(), "little"),
        statistics=statistics_of(footers[0]),
    )


def statistics_of(footer: pq.FileMetaData) -> dict[str, list[Any]]:
    """What a footer says of each leaf column over all its row groups, fit for JSON.

    `[lowest, highest, nulls, values, bytes on disk, bytes decoded]`; extremes are None where the
    file holds none, as for a column of nulls.
    """
    found: dict[str, list[Any]] = {}
    for group in range(footer.num_row_groups):
        row_group = footer.row_group(group)
        for number in range(footer.num_columns):
            chunk = row_group.column(number)
            here = found.setdefault(chunk.path_in_schema, [None, None, 0, 0, 0, 0])
            _add_extremes(here, chunk.statistics)
            here[3] += chunk.num_values
            here[4] += chunk.total_compressed_size
            here[5] += chunk.total_uncompressed_size
    return {path: [*map(_plain, here[:2]), *here[2:]] for path, here in found.items()}


def _add_extremes(here: list[Any], told: Any) -> None:
    if told is None:
        return
    if told.has_null_count:
        here[2] += told.null_count
    low, high = extremes(told)
    if low is None:
        return
    here[0] = low if here[0] is None else min(here[0], low)
    here[1] = high if here[1] is None else max(here[1], high)


def _plain(value: Any) -> Any:
    """A value that JSON holds: numbers, booleans and text stay, others become sortable text."""
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, bytes):
        return value.hex()
    return value.isoformat() if hasattr(value, "isoformat") else str(value)


def _settings(table: pa.Table, options: Options) -> dict[str, Any]:
    leaves = list(leaf_columns(table.schema))
    as_they_are = options.numbers == "none"
    encodings, dictionaries = plain_encodings_of(table) if as_they_are else encodings_of(table)
    codecs = {path: "zstd" if _is_text(kind) else options.numbers for path, kind in leaves}
    return {
        "compression": codecs,
        "compression_level": {
            path: options.level for path, codec in codecs.items() if codec == "zstd"
        },
        "data_page_size": options.page_bytes,
        "use_dictionary": dictionaries or False,
        "column_encoding": encodings or None,
        "write_page_index": True,
        "write_statistics": True,
        "sorting_columns": [
            pq.SortingColumn(number) for number, (path, _) in enumerate(leaves) if path == SPATIAL
        ],
    }


def _is_text(kind: pa.DataType) -> bool:
    of = kind.value_type if pa.types.is_dictionary(kind) else kind
    return not (is_number(of) or pa.types.is_boolean(of) or pa.types.is_temporal(of))


def encodings_of(table: pa.Table) -> tuple[dict[str, str], list[str]]:
    """The encoding of each leaf of its columns, and the leaves that have a dictionary instead.

    Floats are split by byte: a dictionary, pyarrow's own choice, harms them. Integers are packed as
    differences and texts stored as they are, unless their values repeat; but integers that differ
    by little are packed all the same, as DuckDB reads these in two thirds of the time.
    """
    encodings: dict[str, str] = {}
    dictionaries: list[str] = []
    for path, kind in leaf_columns(table.schema):
        if pa.types.is_floating(kind):
            encodings[path] = "BYTE_STREAM_SPLIT"
        elif path != SPATIAL and repeats(table, path, kind):
            dictionaries.append(path)
        elif pa.types.is_integer(kind):
            encodings[path] = "DELTA_BINARY_PACKED"
    return encodings, dictionaries


def plain_encodings_of(table: pa.Table) -> tuple[dict[str, str], list[str]]:
    """The same where nothing is packed: a dictionary where values repeat, numbers among them.

    Short whole numbers have one only where they stand in runs.
    """
    encodings: dict[str, str] = {}
    dictionaries: list[str] = []
    for path, kind in leaf_columns(table.schema):
        number = path in table.schema.names and is_number(kind)
        if _values_repeat(table, path) if number else repeats(table, path, kind):
            dictionaries.append(path)
        elif is_number(kind):
            encodings[path] = "PLAIN"
    return encodings, dictionaries


def _values_repeat(table: pa.Table, path: str) -> bool:
    sample = table.column(path).slice(0, _SAMPLE)
    if _is_short_whole(sample.type) and not sample.null_count:
        values = to_numpy(sample)
        return bool(np.count_nonzero(values[1:] != values[:-1]) * _RUN <= len(values))
    distinct: int = pc.count_distinct(sample, mode="all").as_py()
    return distinct * _REPEATED <= len(sample)


def _is_short_whole(kind: pa.DataType) -> bool:
    return bool(pa.types.is_integer(kind) and kind.bit_width <= _SHORT_BITS)


def repeats(table: pa.Table, path: str, kind: pa.DataType) -> bool:
    """Whether a dictionary pays: values of the first rows repeat, and are no small integers.

    Nested ones: texts only.
    """
    if pa.types.is_boolean(kind):
        return False
    textual = not pa.types.is_integer(kind)
    if path not in table.schema.names:
        return textual
    sample = table.column(path).slice(0, _SAMPLE)
    if pa.types.is_dictionary(sample.type):
        return True
    if pa.types.is_integer(kind) and not sample.null_count:
        return _whole_repeat(to_numpy(sample))
    try:
        distinct = pc.count_distinct(sample, mode="all").as_py()
    except pa.ArrowNotImplementedError:
        return textual
    return bool(distinct * _REPEATED <= len(sample))


def _whole_repeat(values: np.ndarray[Any, Any]) -> bool:
    """Whether whole numbers (n,) repeat and spread widely; pyarrow.compute is not loaded."""
    values = np.sort(values)  # np.unique would load numpy.ma
    if len(values) and int(values[-1]) - int(values[0]) < _LITTLE:
        return False
    distinct = np.count_nonzero(values[1:] != values[:-1]) + min(len(values), 1)
    return bool(distinct * _REPEATED <= len(values))


def count_cells(spatial: np.ndarray[Any, np.dtype[np.int64]], order: int) -> tuple[Any, Any]:
    """(pixel, count) of the cells of `order` that hold rows, both (m,) int64, pixels ascending.

    `spatial` is (n,) int64, order-29 pixels, ascending.
    """
    cells = spatial >> 2 * (29 - order)
    first = np.flatnonzero(np.diff(cells, prepend=-1))
    return cells[first], np.diff(first, append=len(cells))
