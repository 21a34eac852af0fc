"""Writing one HATS catalogue: a primary, a margin, an association.

A tile's file appears by rename, and what is known of it travels as a `TileRecord` that a journal
can hold, so that no tile is read again for the small files. The same rows give the same bytes; the
date comes from SOURCE_DATE_EPOCH where that is set.
"""

from __future__ import annotations

import base64
import hashlib
import os
import time
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from skyquarry.catalog import skymaps, statistics, versions
from skyquarry.catalog.columns import SPATIAL, with_voparquet
from skyquarry.catalog.encoding import Options, count_cells, encode
from skyquarry.catalog.properties import CATALOG_FILES, check_catalog, dump, to_text
from skyquarry.catalog.tiles import MAX_ORDER, Tiles, leaf_path
from skyquarry.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from skyquarry.catalog.files import Folder

METADATA_LIMIT = 64 << 20
"""`_metadata` is left out above this many bytes of footers: no one should have to read it."""


@dataclass(frozen=True, slots=True)
class TileRecord:
    """What is known of a tile once it is written."""

    order: int
    pixel: int
    rows: int
    bytes: int
    sha256: str
    footer_bytes: int
    statistics: dict[str, list[Any]]
    """leaf column -> [lowest, highest, nulls, values, bytes on disk, bytes decoded]"""
    counts: str
    """the tile's part of the sky map, packed as text (`unpack_counts`)"""

    @property
    def path(self) -> str:
        """The tile's file below its catalogue."""
        return leaf_path(self.order, self.pixel)

    def to_json(self) -> dict[str, Any]:
        """Plain data that `json` can write."""
        return {name: getattr(self, name) for name in self.__slots__}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> TileRecord:
        """The record that `to_json` told of."""
        return cls(**{name: data[name] for name in cls.__slots__})


class TreeWriter:
    """One HATS catalogue being written into a folder.

    Parameters
    ----------
    folder
        Where hats.properties will lie.
    name
        `obs_collection`.
    schema
        Of the tiles; holds `_healpix_29` as int64. Units and the like stand in the field metadata.
    kind
        `dataproduct_type`.
    properties
        Keys for hats.properties; those that the kind requires must be here.

    Raises
    ------
    UserError
        When the name cannot be a folder, or `_healpix_29` is missing.
    DamagedError
        When a required key is missing.
    """

    def __init__(
        self,
        folder: Folder,
        name: str,
        schema: pa.Schema,
        *,
        kind: str = "object",
        properties: Mapping[str, object] | None = None,
        options: Options | None = None,
    ) -> None:
        self.folder = folder
        self.name = versions.check_name(name)
        self.kind = kind
        self.options = options or Options()
        self.schema = with_voparquet(_with_spatial(schema), name)
        self.properties: dict[str, object] = {
            "obs_collection": name,
            "dataproduct_type": kind,
            **(properties or {}),
        }
        told = {k: to_text(v) for k, v in self.properties.items() if v is not None}
        check_catalog(told, f"the properties of {name}")

    def write_tile(self, order: int, pixel: int, table: pa.Table) -> TileRecord:
        """Write the file of a tile and tell what is in it; safe to call from many threads.

        Raises
        ------
        UserError
            When columns differ from the schema's, or rows are unsorted or outside the tile.
        """
        rows = self._conform(table, f"Norder={order}/Npix={pixel}")
        spatial = rows.column(SPATIAL).to_numpy()
        self._check_rows(order, pixel, spatial)
        encoded = encode(rows, self.options)
        data = encoded.data if self.folder.local else bytes(encoded.data)
        self.folder.write_atomic(leaf_path(order, pixel), data, durable=False)
        return TileRecord(
            order=int(order),
            pixel=int(pixel),
            rows=rows.num_rows,
            bytes=len(encoded.data),
            sha256=encoded.sha256,
            footer_bytes=encoded.footer_bytes,
            statistics=encoded.statistics,
            counts=pack_counts(*count_cells(spatial, self.options.skymap_order)),
        )

    def finish(self, records: Iterable[TileRecord]) -> dict[str, str]:
        """Write all but the tiles; give the SHA-256 of every file, path below the folder -> hex.

        The records may come in any order; an empty catalogue has none.
        """
        ordered = _along_the_curve(records)
        Tiles([r.order for r in ordered], [r.pixel for r in ordered], where=self.name)
        written = {record.path: record.sha256 for record in ordered}
        for rel, data in self._small_files(ordered):
            self.folder.write_atomic(rel, data, durable=False)
            written[rel] = _sha256(data)
        return written

    def _small_files(self, records: Sequence[TileRecord]) -> Iterator[tuple[str, bytes]]:
        yield "dataset/_common_metadata", schema_file(self.schema)
        if sum(record.footer_bytes for record in records) <= METADATA_LIMIT:
            yield "dataset/_metadata", self._merged_footers(records)
        yield "partition_info.csv", _partition_info(records)
        order = self.options.skymap_order
        pixel, count = skymaps.add_maps(unpack_counts(record.counts) for record in records)
        maps, lower = skymaps.map_files(pixel, count, order)
        yield from maps.items()
        if self.kind in ("object", "source"):
            yield "moc.fits", skymaps.write_moc(pixel, order)
        table = statistics.statistics_table(
            [record.order for record in records],
            [record.pixel for record in records],
            [record.statistics for record in records],
            self.schema,
        )
        yield statistics.FILE, statistics.statistics_bytes(table)
        fraction = skymaps.sky_fraction(pixel, order)
        text = dump({**self.properties, **self._found(records, lower, fraction)}).encode()
        yield from ((file, text) for file in CATALOG_FILES)

    def _found(
        self, records: Sequence[TileRecord], lower: Sequence[int], fraction: float
    ) -> dict[str, object]:
        """The keys of hats.properties that the tiles tell."""
        return {
            "hats_nrows": sum(record.rows for record in records),
            "hats_col_healpix": SPATIAL,
            "hats_col_healpix_order": MAX_ORDER,
            "hats_npix_suffix": ".parquet",
            "hats_skymap_order": self.options.skymap_order,
            "hats_skymap_alt_orders": list(lower) or None,
            "hats_max_rows": max((record.rows for record in records), default=0),
            "hats_order": max((record.order for record in records), default=0),
            "hats_estsize": sum(record.bytes for record in records) // 1024,
            "moc_sky_fraction": f"{fraction:.6g}",
            "skyquarry_content": _content(records),
            **provenance(),
        }

    def _merged_footers(self, records: Sequence[TileRecord]) -> bytes:
        """`_metadata`: the row groups of all tiles, each with the path of its file."""
        merged: pq.FileMetaData | None = None
        for record in records:
            with self.folder.open(record.path) as file:
                footer = pq.read_metadata(file)
            footer.set_file_path(record.path.removeprefix("dataset/"))
            if merged is None:
                merged = footer
            else:
                merged.append_row_groups(footer)
        if merged is None:
            return schema_file(self.schema)
        sink = pa.BufferOutputStream()
        merged.write_metadata_file(sink)
        return bytes(sink.getvalue())

    def _conform(self, table: pa.Table, tile: str) -> pa.Table:
        """The table with the schema's columns, in its order."""
        missing = [name for name in self.schema.names if name not in table.schema.names]
        beyond = [name for name in table.schema.names if name not in self.schema.names]
        if missing or beyond:
            raise UserError(
                f"the rows of {tile} lack the columns {missing} and have {beyond} beyond the "
                f"{len(self.schema)} of {self.name}: give exactly the columns of its schema"
            )
        try:
            return table.select(self.schema.names).cast(self.schema)
        except pa.ArrowInvalid as error:
            raise UserError(
                f"the rows of {tile} do not fit the schema of {self.name} ({error}): "
                "convert the columns first"
            ) from error

    def _check_rows(self, order: int, pixel: int, spatial: NDArray[np.int64]) -> None:
        tile = f"Norder={order}/Npix={pixel}"
        if not len(spatial):
            raise UserError(f"{tile} has 0 rows, but a tile's file needs at least 1: leave it out")
        inside = spatial >> 2 * (MAX_ORDER - order) == pixel
        wrong = np.flatnonzero(inside if self.kind == "margin" else ~inside)
        if len(wrong):
            where = "outside" if self.kind == "margin" else "inside"
            raise UserError(
                f"row {wrong[0]} of {tile} has {SPATIAL} {spatial[wrong[0]]}, but the rows of this "
                f"{self.kind} have to lie {where} the tile: divide the rows by tile first"
            )
        falls = np.flatnonzero(spatial[1:] < spatial[:-1])
        if len(falls):
            raise UserError(
                f"{SPATIAL} falls after row {falls[0]} of {tile}, but rows have to ascend by it: "
                "sort them first"
            )


def pack_counts(pixel: NDArray[np.int64], count: NDArray[np.int64]) -> str:
    """A sparse map as text, small enough for a line of a journal."""
    steps = np.diff(pixel, prepend=0)
    raw = np.stack([steps, count]).astype("<i8").tobytes()
    return base64.b64encode(zlib.compress(raw, 6)).decode()


def unpack_counts(text: str) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The (pixel, count) that `pack_counts` told of."""
    raw = np.frombuffer(zlib.decompress(base64.b64decode(text)), "<i8").reshape(2, -1)
    return np.cumsum(raw[0]), raw[1].astype(np.int64)


def _along_the_curve(records: Iterable[TileRecord]) -> list[TileRecord]:
    return sorted(records, key=lambda r: (r.pixel << 2 * (MAX_ORDER - r.order), r.order))


def _partition_info(records: Sequence[TileRecord]) -> bytes:
    """HATS reads the first two columns; the others save us a look into the files."""
    lines = [f"{r.order},{r.pixel},{r.rows},{r.bytes}\n" for r in records]
    return "".join(["Norder,Npix,num_rows,num_bytes\n", *lines]).encode()


def _content(records: Sequence[TileRecord]) -> str:
    """What tells these tiles from all others: a digest of their own."""
    return _sha256("".join(f"{each.path} {each.sha256}\n" for each in records).encode())


def provenance() -> dict[str, str]:
    """Who wrote a catalogue, when (SOURCE_DATE_EPOCH, else now), and by which standard."""
    from importlib.metadata import version

    moment = time.gmtime(int(os.environ.get("SOURCE_DATE_EPOCH", time.time())))
    return {
        "hats_builder": f"skyquarry v{version('skyquarry')}",
        "hats_creation_date": time.strftime("%Y-%m-%dT%H:%MUTC", moment),
        "hats_version": "v1.0",
        "hats_release_date": "2025-08-22",
    }


def schema_file(schema: pa.Schema) -> bytes:
    """A Parquet file without rows: what `_common_metadata` is."""
    sink = pa.BufferOutputStream()
    pq.write_metadata(schema, sink)
    return bytes(sink.getvalue())


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _with_spatial(schema: pa.Schema) -> pa.Schema:
    if SPATIAL not in schema.names or schema.field(SPATIAL).type != pa.int64():
        found = str(schema.field(SPATIAL).type) if SPATIAL in schema.names else "missing"
        raise UserError(
            f"the column {SPATIAL} is {found}, but tiles need it as int64 (order-29 pixels): "
            "add it with sky.healpix.index"
        )
    return schema
