"""Writing a version of a catalogue: tiles first, from any thread, then every small file.

`VersionWriter` joins a primary, its margin and its id index to a version and publishes it.
"""

from __future__ import annotations

import re
from numbers import Real
from typing import TYPE_CHECKING

from skyquarry.catalog import versions
from skyquarry.catalog.encoding import Options
from skyquarry.catalog.tree import TileRecord, TreeWriter
from skyquarry.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import pyarrow as pa

    from skyquarry.catalog.files import Folder
    from skyquarry.catalog.index import IdIndex

__all__ = ["Options", "TileRecord", "TreeWriter", "VersionWriter", "margin_name", "thresholds_of"]


class VersionWriter:
    """A version of a catalogue being written: its primary, and where asked margins and an index.

    Made by `begin`; `write_tile` and `write_margin` may be called from many threads; `finish`
    writes the small files; `publish` makes it current.
    """

    version: str
    home: Folder
    """the version's own folder, NAME/v1"""
    primary: TreeWriter
    margins: tuple[TreeWriter, ...]
    """one a threshold, in the order given: the first is the collection's default"""

    def __init__(self, collection: Folder, version: str, expected: bytes | None) -> None:
        self.collection = collection
        self.version = version
        self.home = collection.join(version)
        self._expected = expected
        self._index: IdIndex | None = None

    @classmethod
    def begin(  # noqa: PLR0913  each says one thing of the catalogue
        cls,
        collection: Folder,
        name: str,
        schema: pa.Schema,
        *,
        kind: str = "object",
        ra: str = "ra",
        dec: str = "dec",
        id: str | None = None,  # noqa: A002  the role's name at the public face
        margin_arcsec: float | Sequence[float] | None = 10.0,
        properties: Mapping[str, object] | None = None,
        options: Options | None = None,
        version: str | None = None,
    ) -> VersionWriter:
        """A new version below `collection`, or `version` again to resume its writing.

        Raises
        ------
        UserError
            When a name or a margin cannot be used, or the schema lacks a column named here.
        ExistsError
            When `version` is published already.
        """
        _check_schema(schema, [ra, dec, *([id] if id else [])])
        thresholds = thresholds_of(margin_arcsec)
        versions.check_name(name)
        if id:
            _check_id(id)
        expected = versions.pointer(collection)
        self = cls(collection, versions.claim(collection, version), expected)
        shared = {"hats_col_ra": ra, "hats_col_dec": dec, **(properties or {})}
        if id:
            shared["hats_cols_sort"] = id
        self.primary = TreeWriter(
            self.home.join(name), name, schema, kind=kind, properties=shared, options=options
        )
        self.margins = tuple(
            TreeWriter(
                self.home.join(margin_name(name, threshold)),
                margin_name(name, threshold),
                schema,
                kind="margin",
                properties={
                    **shared,
                    "hats_primary_table_url": f"../{name}",
                    "hats_margin_threshold": threshold,
                },
                options=options,
            )
            for threshold in thresholds
        )
        return self

    def write_tile(self, order: int, pixel: int, table: pa.Table) -> TileRecord:
        """Write a tile of the primary: `TreeWriter.write_tile`."""
        return self.primary.write_tile(order, pixel, table)

    def write_margin(
        self, order: int, pixel: int, table: pa.Table, *, number: int = 0
    ) -> TileRecord:
        """Write a cell's rows of one of the `margins`: they lie outside the cell."""
        if not 0 <= number < len(self.margins):
            raise UserError(
                f"rows of margin number {number} were given for {self.primary.name}, which was "
                f"begun with {len(self.margins)}, counted from 0: begin with margin_arcsec"
            )
        return self.margins[number].write_tile(order, pixel, table)

    def finish(
        self,
        records: Iterable[TileRecord],
        margin_records: Sequence[Iterable[TileRecord]] = (),
        index: IdIndex | None = None,
    ) -> None:
        """Write every small file of the version, and its checksums; no tile is read again.

        margin_records: those of each of the `margins`; left out, they are empty.
        """
        checksums = self._below(self.primary.name, self.primary.finish(records))
        every = margin_records or [()] * len(self.margins)
        for margin, held in zip(self.margins, every, strict=True):
            checksums |= self._below(margin.name, margin.finish(held))
        if index is not None:
            checksums |= self._below(index.name, index.files)
        self._index = index
        versions.seal(self.home, checksums)

    def publish(self) -> None:
        """Make this version the current one, by an atomic rename: `versions.publish`."""
        versions.publish(
            self.collection,
            self.version,
            self.primary.name,
            expected=self._expected,
            margins=[margin.name for margin in self.margins],
            indexes={self._index.column: self._index.name} if self._index else {},
        )

    @staticmethod
    def _below(folder: str, files: Mapping[str, str]) -> dict[str, str]:
        return {f"{folder}/{rel}": sha256 for rel, sha256 in files.items()}


def margin_name(name: str, margin_arcsec: float) -> str:
    """The folder of a margin: `NAME_10arcs`, `NAME_0.5arcs`."""
    return f"{name}_{margin_arcsec:g}arcs"


def _check_schema(schema: pa.Schema, needed: Sequence[str]) -> None:
    missing = [name for name in needed if name not in schema.names]
    if missing:
        raise UserError(
            f"the schema lacks {', '.join(missing)} among its {len(schema)} columns, but each role "
            f"needs its column: choose from {', '.join(schema.names[:12])}"
        )


def thresholds_of(margin_arcsec: float | Sequence[float] | None) -> tuple[float, ...]:
    """The thresholds of the margins asked for, in that order: a number, several; None or 0: none.

    Raises UserError for what is no such number, or would be two margins of one name.
    """
    if margin_arcsec is None or (isinstance(margin_arcsec, Real) and margin_arcsec == 0):
        return ()
    each = margin_arcsec if isinstance(margin_arcsec, list | tuple) else (margin_arcsec,)
    if list(each) == [0]:
        return ()
    if not all(isinstance(value, Real) and 0 < float(value) < 180 * 3600 for value in each):
        raise UserError(
            f"margin_arcsec is {margin_arcsec!r}, but more than 0 and less than 648000 is needed, "
            "or a list of such numbers: give None for no margin"
        )
    names = [f"{value:g}" for value in each]
    twice = [name for name in names if names.count(name) > 1]
    if twice:
        raise UserError(
            f"margin_arcsec is {margin_arcsec!r}, which names {twice[0]} arcsec twice, but each "
            "margin needs a name of its own: leave one out"
        )
    return tuple(float(value) for value in each)


def _check_id(column: str) -> None:
    """An indexed column stands in a list of collection.properties, and in a folder's name."""
    if not re.fullmatch(r"[\w.+-]+", column, re.ASCII):
        raise UserError(
            f"the id column is called {column!r}, but a name of letters, digits and _ . + - is "
            "needed for its index: rename the column, or build without an id"
        )
