"""What a part of a query reads of a table: some files, or some pieces; small enough to travel."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import pyarrow as pa

    from skyquarry.engine.reader import Piece, Reader


@dataclass(frozen=True, slots=True)
class FileRead:
    """Files that the database reads."""

    name: str
    sql: str
    """Reads the columns of the files."""
    paths: tuple[str, ...]
    may_open: tuple[str, ...]
    """Those of all parts, so that one database serves them all."""
    columns: tuple[str, ...]
    editions: tuple[str, ...]
    """What they are files of (`Source.edition`)."""
    by_engine = False
    is_small = False

    def files(self) -> list[str]:
        """Their paths."""
        return list(self.paths)

    def select(self, files: Sequence[str]) -> str:
        """The SQL that reads them."""
        assert list(files) == list(self.paths)
        return self.sql


@dataclass(frozen=True, slots=True)
class PieceRead:
    """Pieces of tiles that the engine reads."""

    name: str
    reader: Reader
    pieces: tuple[Piece, ...]
    schema: pa.Schema
    by_engine = True
    is_small = False

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Their rows."""
        for piece in self.pieces:
            yield from self.reader.read(piece).to_batches()
