"""A catalogue on disk, opened by its metadata and read tile by tile.

`open_stored` reads a few small files. What it reads then stays: a version published later does not
change a `Stored` that is open. It pickles to a path and opens itself again in a worker.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from contextlib import suppress
from functools import cached_property
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from skyquarry.catalog import foreign, parquet, schemas
from skyquarry.catalog import properties as props
from skyquarry.catalog.columns import SPATIAL
from skyquarry.catalog.filemark import mark_of
from skyquarry.catalog.footers import footer_of
from skyquarry.catalog.relations import ADDS_TO, ROWS_OF
from skyquarry.catalog.roles import Roles
from skyquarry.catalog.tiles import Tiles, leaf_path
from skyquarry.errors import ColumnError, DamagedError

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable, Mapping, Sequence

    import numpy as np
    from numpy.typing import ArrayLike, NDArray

    from skyquarry.catalog.counts import ColumnStatistics, RowGroups
    from skyquarry.catalog.filemark import Mark
    from skyquarry.catalog.files import Folder
    from skyquarry.catalog.footers import Footer, Key
    from skyquarry.catalog.foreign import Place
    from skyquarry.catalog.parquet import Bounds
    from skyquarry.catalog.schemas import Spatial
    from skyquarry.catalog.tiles import SkyRanges

NAN_KEY = "skyquarry_nan"
"""`null` in the properties of a tree whose writer turned NaN into null."""
_VERSION = re.compile(r"v\d+$")


def open_stored(where: str | os.PathLike[str]) -> Stored:
    """The catalogue at a path or URL; only its properties, list of tiles and columns are read.

    Raises
    ------
    NotFoundError
        When there is no catalogue at that place.
    DamagedError
        When one of the small files contradicts itself; it names the file and the fault.
    """
    stored = Stored(foreign.locate(where))
    stored.check()
    return stored


class Stored:
    """One HATS catalogue on disk: an object, source, margin, index, association or map table."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self.folder = place.folder
        self.decoded = parquet.Decoded()
        """What this object has decoded, beside the count of the whole process."""
        self._schemas: dict[tuple[str, ...], pa.Schema] = {}

    def __reduce__(self) -> tuple[Any, ...]:
        return _reopened, (self.place,)

    def __repr__(self) -> str:
        return f"Stored {self.kind} {self.name!r} at {self.folder.root}"

    def check(self) -> None:
        """Read the small files now, so that damage in them shows at once."""
        _ = self.kind, self.tiles, self.roles, self.spatial
        self._check_positions()

    # ------------------------------------------------------------------ what it is
    @cached_property
    def properties(self) -> dict[str, str]:
        """Every key of `hats.properties`, unknown ones as well."""
        return props.parse(self.folder.read_bytes(self.place.file), self._properties_path)

    @cached_property
    def kind(self) -> str:
        """The `dataproduct_type`: object, source, margin, index, association or map."""
        return props.check_catalog(self.properties, self._properties_path)

    @cached_property
    def collection_properties(self) -> dict[str, str]:
        """Every key of `collection.properties` as it was when opened; empty without one."""
        return props.parse(self.place.pointer, props.COLLECTION_FILE)

    @property
    def name(self) -> str:
        """What the catalogue is called."""
        return self.properties.get("obs_collection") or self.folder.name

    @property
    def version(self) -> str:
        """The version that was current when it was opened, `v3`; empty in a tree without them."""
        first = self.place.inner.split("/", maxsplit=1)[0]
        return first if _VERSION.match(first) else ""

    @property
    def home(self) -> Folder:
        """The folder that a user calls the catalogue: the collection, else the catalogue."""
        return self.place.collection or self.folder

    @cached_property
    def suffix(self) -> str:
        """How the names of tiles end: `.parquet`, or `/` where a tile is a folder of files."""
        return self.properties.get("hats_npix_suffix", ".parquet").strip() or ".parquet"

    @cached_property
    def schema(self) -> pa.Schema:
        """The stored columns with unit, ucd, utype and description in each field's metadata."""
        return schemas.read_schema(self.folder, self._first_leaf())

    @cached_property
    def default_columns(self) -> tuple[str, ...]:
        """The columns of `hats_cols_default` that are there; all where that key is absent."""
        wanted = props.as_list(self.properties.get("hats_cols_default"))
        return tuple(n for n in wanted if n in self.schema.names) or tuple(self.schema.names)

    @cached_property
    def roles(self) -> Roles:
        """Which column is what; ra and dec at least, where the catalogue has positions."""
        from dataclasses import replace

        roles = Roles.from_properties(self.properties)
        ra, dec = (self.properties.get(f"hats_col_{axis}", "").strip() for axis in ("ra", "dec"))
        return replace(roles, ra=ra, dec=dec) if ra and dec else roles

    @cached_property
    def spatial(self) -> Spatial:
        """Which column holds a row's HEALPix pixel."""
        return schemas.spatial_of(self.properties, self.schema, self._properties_path)

    @cached_property
    def tiles(self) -> Tiles:
        """The tiles; their rows are unknown (-1) where counting would mean to read more files."""
        if self.kind == "index":
            return Tiles.empty()
        return foreign.read_tiles(self.folder, self.suffix, self._stated_rows)

    @cached_property
    def counted(self) -> Tiles:
        """The tiles with rows and bytes, from the statistics file, else from every footer."""
        from skyquarry.catalog.counts import count_tiles

        return count_tiles(self)

    @cached_property
    def n_rows(self) -> int:
        """How many rows it holds: `hats_nrows`, else counted."""
        stated = self._stated_rows
        return int(self.counted.rows.sum()) if stated is None else stated

    @cached_property
    def nan_is_null(self) -> bool:
        """Whether its writer stored null in place of NaN; elsewhere NaN is mended when read."""
        return self.properties.get(NAN_KEY, "").strip() == "null"

    @cached_property
    def identity(self) -> str:
        """What tells this version of the catalogue from any other: a digest of its properties."""
        from skyquarry.catalog.digest import digest

        return digest(self.properties)

    @property
    def rows_identity(self) -> str:
        """The same for versions that have the same rows at the same places."""
        return self.properties.get(ROWS_OF, "").strip() or self.identity

    @cached_property
    def includes(self) -> frozenset[str]:
        """The identities of versions whose rows and columns it has, as they were: also its own.

        What was made of one of them, a tag, is as good as if it were made of this one.
        """
        return frozenset((*self.earlier, self.identity))

    @property
    def earlier(self) -> tuple[str, ...]:
        """Those of the earlier ones, oldest first: columns were added since, and nothing else."""
        told = (self.rows_identity, *self.properties.get(ADDS_TO, "").split())
        return tuple(each for each in dict.fromkeys(told) if each != self.identity)

    @property
    def margin_arcsec(self) -> float | None:
        """For a margin: the distance up to which it is complete."""
        return props.as_number(self.properties, "hats_margin_threshold", self._properties_path)

    # ------------------------------------------------------------------ what lies beside it
    @cached_property
    def margins(self) -> dict[str, Folder]:
        """The folders of its margins by the path that the collection calls them, default first."""
        keys = self.collection_properties
        names = props.as_list(keys.get("all_margins"))
        default = keys.get("default_margin", "").strip()
        ordered = dict.fromkeys([default, *names] if default else names)
        return {name: self._beside(name, "all_margins") for name in ordered}

    @cached_property
    def indexes(self) -> dict[str, Folder]:
        """The folders of its indexes by the column that each serves."""
        pairs = props.as_pairs(self.collection_properties, "all_indexes", self._collection_path)
        return {column: self._beside(path, "all_indexes") for column, path in pairs.items()}

    def margin(self, arcsec: float | None = None) -> Stored | None:
        """The narrowest margin that is complete to `arcsec`; the default one where none is asked.

        None where there is no such margin.
        """
        opened = [self.open_margin(name) for name in self.margins]
        if arcsec is None:
            return opened[0] if opened else None
        wide = [m for m in opened if (m.margin_arcsec or 0.0) >= arcsec]
        return min(wide, key=lambda m: m.margin_arcsec or 0.0, default=None)

    def open_margin(self, name: str) -> Stored:
        """The margin that the collection calls by this name, one of `margins`."""
        return self._open_beside(name, self.margins[name])

    def index(self, column: str) -> Stored | None:
        """The index that finds the tiles of a column's values; None where there is none."""
        at = self.indexes.get(column)
        return None if at is None else self._open_beside(column, at)

    def lookup(self, column: str, values: Iterable[Any] | ArrayLike) -> NDArray[np.int64]:
        """Numbers of the tiles that hold rows with these values of an indexed column, ascending.

        Raises
        ------
        ColumnError
            When the column has no index, or the values are of another kind than the column.
        """
        from skyquarry.catalog.lookup import tiles_of_values

        return tiles_of_values(self, column, values)

    def skymap(self, order: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Cells of `order` that hold rows, ascending, and the count of rows in each."""
        from skyquarry.catalog.counts import counts_by_cell

        return counts_by_cell(self, order)

    def statistics(self, columns: Sequence[str] | None = None) -> dict[str, ColumnStatistics]:
        """Lowest, highest and null count of columns of numbers, text or times.

        From footers where they can be trusted. In a tree that may hold NaN, floats are read: NaN
        counts as null.
        """
        from skyquarry.catalog.counts import column_statistics

        return column_statistics(self, columns)

    # ------------------------------------------------------------------ reading
    def leaf(self, tile: int) -> str:
        """Path of a tile's file (or folder) below the catalogue."""
        order, pixel = int(self.tiles.order[tile]), int(self.tiles.pixel[tile])
        return leaf_path(order, pixel, "" if self.suffix == "/" else self.suffix)

    def files(self, tile: int) -> list[str]:
        """The Parquet files of a tile, below the catalogue: mostly one."""
        return foreign.tile_files(self.folder, self.leaf(tile), self.suffix)

    def row_groups(self, tile: int) -> RowGroups:
        """Rows, bytes, lowest and highest order-29 pixel of each row group of a tile."""
        from skyquarry.catalog.counts import row_groups

        return row_groups(self, tile)

    def footer(self, rel: str) -> tuple[Key, Footer]:
        """The footer of one of its files, known to agree with the schema.

        Raises
        ------
        DamagedError
            When the file is missing or cut off, or its columns contradict the schema.
        """
        key, footer = footer_of(self.folder, rel)
        if footer.agreed is None or footer.agreed[0] is not self.schema:
            casts = schemas.agreement(self.schema, footer.schema, footer.path)
            footer.agreed = (self.schema, casts)
        return key, footer

    def read(
        self,
        tile: int,
        columns: Sequence[str] | None = None,
        *,
        ranges: SkyRanges | None = None,
        bounds: Mapping[str, Bounds] | None = None,
    ) -> pa.Table:
        """Rows of one tile whose order-29 pixel lies in `ranges`.

        Sorted by pixel in our own trees, and in others where a region or `_healpix_29` is asked.

        Parameters
        ----------
        tile
            Its number in `tiles`.
        columns
            In the asked order; all stored ones where None. `_healpix_29` may be asked for always.
        ranges
            All of the tile where None.
        bounds
            {column: (lowest, highest)}, inclusive, None open: row groups whose statistics rule
            these out are not decoded. Rows are not tested.

        Raises
        ------
        ColumnError
            When a column is not stored.
        DamagedError
            Naming the file, when it is missing, cut off, or contradicts the catalogue.
        """
        from skyquarry.catalog.reading import joined, read_file

        wanted = tuple(self.schema.names if columns is None else columns)
        schema = self._result_schema(wanted)
        parts = [
            read_file(self, rel, wanted, schema, ranges=ranges, bounds=bounds)
            for rel in self.files(tile)
        ]
        return parts[0] if len(parts) == 1 else joined(parts)

    def _result_schema(self, columns: tuple[str, ...]) -> pa.Schema:
        if columns not in self._schemas:
            if len(self._schemas) > 256:
                self._schemas.clear()
            self._schemas[columns] = pa.schema([self._field(name) for name in columns])
        return self._schemas[columns]

    def _field(self, name: str) -> pa.Field:
        if name in self.schema.names:
            return self.schema.field(name)
        if name == SPATIAL:
            return pa.field(SPATIAL, pa.int64())
        raise ColumnError(
            f"there is no column {name!r} in {self.name}; "
            f"choose from {', '.join(self.schema.names[:20])}"
        )

    # ------------------------------------------------------------------ inside
    @property
    def _properties_path(self) -> str:
        return self.folder.path(self.place.file)

    @property
    def _collection_path(self) -> str:
        return self.home.path(props.COLLECTION_FILE)

    @property
    def _stated_rows(self) -> int | None:
        rows = props.as_integer(self.properties, "hats_nrows", self._properties_path)
        if rows is not None and rows < 0:
            raise DamagedError(
                f"{self._properties_path}: hats_nrows is {rows}, but a count is needed; correct it"
            )
        return rows

    def _first_leaf(self) -> str | None:
        if self.kind == "index":
            return next(iter(self.index_files()), None)
        return self.files(0)[0] if len(self.tiles) else None

    def index_files(self) -> list[str]:
        """For an index: its files, sorted by name."""
        found: list[str] = []
        waiting = ["dataset/index"]
        while waiting:
            at = waiting.pop()
            for name in self.folder.list(at):
                rel = f"{at}/{name}"
                if name.endswith(".parquet"):
                    found.append(rel)
                elif not name.startswith((".", "_")) and self.folder.is_folder(rel):
                    waiting.append(rel)
        return sorted(found)

    def _check_positions(self) -> None:
        if self.kind not in {"object", "source"}:
            return
        for name in (self.roles.ra, self.roles.dec):
            if name not in self.schema.names:
                raise DamagedError(
                    f"{self._properties_path} names the position column {name!r}, which is not "
                    f"among the columns {', '.join(self.schema.names[:20])}; correct the key"
                )

    def _beside(self, path: str, key: str) -> Folder:
        return foreign.inner_folder(self.home, path, f"{self._collection_path}: {key}")

    def _open_beside(self, name: str, at: Folder) -> Stored:
        return _opened(foreign.place_of(at, f"{self._collection_path} ({name})"))


# A worker gets many tasks over few catalogues: each is opened once.
_OPEN: OrderedDict[tuple[foreign.Place, Mark | None], Stored] = OrderedDict()
_OPEN_AT_MOST = 64


def _reopened(place: Place) -> Stored:
    """The catalogue at a place, opened lazily; the same object while its properties stand."""
    key = place, _mark(place)
    stored = _OPEN.get(key)
    if stored is None:
        stored = _OPEN.setdefault(key, Stored(place))
        while len(_OPEN) > _OPEN_AT_MOST:
            _OPEN.popitem(last=False)
    return stored


def _mark(place: Place) -> Mark | None:
    """Of its properties; None where they lie elsewhere, or nowhere."""
    if place.folder.local:
        with suppress(OSError):
            return mark_of(place.folder.path(place.file))
    return None


def _opened(place: Place) -> Stored:
    stored = Stored(place)
    stored.check()
    return stored
