"""Rows that another catalogue names by their key: spectra name objects, neighbours each other.

`named_by` cuts a catalogue to them. Saved beside the two they are a tag of named rows, whose
property (`catalog.relations.NamedRows`) says whose they are, and who names them: queries that join
the two by that key read it in place of the whole, as no other row can meet one. Such a tag has
tiles of its own, as large as may be, for its rows are few, and to open a file takes longer than to
read hundreds of them. Its promise holds for the two versions that it names,
and for later ones that have columns more.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from skyquarry.catalog.relations import NAMED_ROWS, NamedRows, can_name, named_rows
from skyquarry.catalog.tiling import tiles_from_counts
from skyquarry.engine.asked import ids_of
from skyquarry.engine.beside import opened, telling
from skyquarry.errors import ColumnError, UserError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from skyquarry.engine.catalog import Catalog
    from skyquarry.engine.executors import Where
    from skyquarry.engine.reader import Piece, Reader
    from skyquarry.engine.scan import Scan
    from skyquarry.engine.source import Source

MAX_ROWS: Final = 1_000_000
"""Of a tile of such a tag, as of those that are built."""


def named_by(catalog: Catalog, by: Catalog, column: str, key: str, executor: Where) -> Catalog:
    """`Catalog.named_by`, where the arguments are of the right kinds."""
    column, key = by.source.resolve([column])[0], catalog.source.resolve([key])[0]
    types = by.source.schema.field(column).type, catalog.source.schema.field(key).type
    if not can_name(*types):
        raise ColumnError(
            f"{column} of {by.name} is {types[0]}, and {key} of {catalog.name} {types[1]}, but "
            "rows are named by whole numbers of up to 64 bits, or by texts of one type: choose "
            "other columns"
        )
    if catalog.cut.ids is not None:
        raise UserError("ids were asked for already: cut the catalogue that names rows instead")
    values = by.select([column]).to_table(executor).column(0)
    ids = ids_of(key, catalog.source.schema, _fitting(values, types[1]))
    promise = _promise(catalog, by, column, key)
    return catalog._cut(catalog.cut.only(ids=_with(ids, promise)))  # noqa: SLF001  the same face


def _fitting(values: Any, kind: Any) -> Any:
    """The values that a column of this type can have: others name no row of it."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if not pa.types.is_integer(kind):
        return values
    wide = values.cast(pa.int64())
    ends = np.iinfo(kind.to_pandas_dtype())
    inside = pc.and_(pc.greater_equal(wide, int(ends.min)), pc.less_equal(wide, int(ends.max)))
    return wide.filter(inside)


def _with(ids: Any, promise: NamedRows | None) -> Any:
    from dataclasses import replace

    return replace(ids, named=promise)


def _promise(catalog: Catalog, by: Catalog, column: str, key: str) -> NamedRows | None:
    """What can be promised of these rows, if they are saved; None where not all are named."""
    ours, theirs = catalog.stored, by.stored
    if not by.cut.rows_uncut or ours.home.parent != theirs.home.parent:
        return None
    return NamedRows(
        ours.home.name, key, str(ours.version), ours.identity,
        theirs.home.name, column, str(theirs.version), theirs.identity,
    )  # fmt: skip


# ---------------------------------------------------------------- beside a catalogue
def named_beside(source: Source) -> Iterator[tuple[Source, NamedRows]]:
    """The tags of named rows of a catalogue, of whichever version, that lie in the same folder."""
    home = source.stored.home.name
    paths = (path for path, text in telling(source.stored, NAMED_ROWS) if home in text)
    for tag in opened(paths):
        try:
            promise = named_rows(tag.stored.properties)
        except ValueError:  # `verify` says what is wrong with it
            continue
        if promise is not None and promise.catalog == home:
            yield tag, promise


# ---------------------------------------------------------------- tiles of its own
Cell = tuple[int, int]
"""Order and pixel."""


def gathered(scan: Scan, counts: Sequence[tuple[Piece, int]]) -> list[tuple[Cell, list[Piece]]]:
    """The tiles of a tag, as large as may be, each with the pieces whose rows lie in it.

    `counts`: what is read of each tile of the catalogue, and how many rows that has.
    """
    tiles, some = scan.source.tiles, [(piece, rows) for piece, rows in counts if rows]
    if not some:
        return []
    order = int(max(tiles.order[piece.tile] for piece, _ in some))
    first = np.array([tiles.starts[piece.tile] >> 2 * (29 - order) for piece, _ in some], np.int64)
    leaves = tiles_from_counts(first, [rows for _, rows in counts if rows], order, MAX_ROWS)
    at = np.searchsorted(leaves.starts, [tiles.starts[piece.tile] for piece, _ in some], "right")
    found: dict[int, list[Piece]] = {}
    for leaf, (piece, _) in zip((at - 1).tolist(), some, strict=True):
        found.setdefault(leaf, []).append(piece)
    return [(_cell_of(leaves, leaf, tiles, held), held) for leaf, held in found.items()]


def _cell_of(leaves: Any, leaf: int, tiles: Any, held: list[Piece]) -> Cell:
    """The leaf's cell; or the catalogue's own tile, where that is no smaller."""
    cell = int(leaves.order[leaf]), int(leaves.pixel[leaf])
    own = int(tiles.order[held[0].tile]), int(tiles.pixel[held[0].tile])
    return own if own[0] < cell[0] else cell


def rows_in(reader: Reader, piece: Piece) -> int:
    """The task that counts: how many rows of a tile are wanted."""
    return int(reader.read(piece).num_rows)
