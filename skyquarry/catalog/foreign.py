"""Where a catalogue lies and what its tiles are, as any writer of HATS may have laid it out.

A path may lead to a collection, to a catalogue, or to the properties file of either. Tiles are told
by `partition_info.csv`, else by `dataset/_metadata`, else by the names in the dataset folder.
"""

from __future__ import annotations

import posixpath
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from skyquarry.catalog import properties as props
from skyquarry.catalog.arrow import to_numpy
from skyquarry.catalog.files import Folder
from skyquarry.catalog.footers import footer_of
from skyquarry.catalog.tiles import Tiles, parse_leaf
from skyquarry.errors import DamagedError, NotFoundError

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator


def is_catalogue(where: str) -> bool:
    """Whether a path or URL is to be opened as a catalogue, and not as a file or several.

    Raises NotFoundError where nothing is there.
    """
    from pathlib import Path, PurePosixPath

    from skyquarry.catalog.formats.registry import SUFFIXES

    if where.endswith(".properties"):
        return True
    plain = where[:-3] if where.lower().endswith(".gz") else where
    if "://" in where:
        return PurePosixPath(plain.partition("?")[0]).suffix.lower() not in SUFFIXES
    path = Path(where)
    if path.is_dir():
        return any(path.glob("*.properties")) or (path / "properties").exists()
    if not path.exists() and not any(c in where for c in "*?["):
        raise NotFoundError(
            f"there is nothing at {where!r}, but a catalogue or a file of a table is needed: "
            "check the path"
        )
    return False


@dataclass(frozen=True, slots=True)
class Place:
    """Where a catalogue lies, fixed at the moment it was opened."""

    folder: Folder
    file: str
    """The properties file of the catalogue, in `folder`."""
    collection: Folder | None = None
    pointer: bytes = b""
    """What `collection.properties` said then: a later version does not change it."""
    inner: str = ""
    """Path of the catalogue below the collection, `v1/NAME`."""


def locate(where: str | os.PathLike[str]) -> Place:
    """The catalogue at a path or URL of a collection, a catalogue, or a properties file of one.

    Raises
    ------
    NotFoundError
        When there is no catalogue; what is there instead is named.
    DamagedError
        When a collection's pointer leads nowhere.
    """
    folder = Folder.at(where)
    if folder.name in props.CATALOG_FILES or folder.name.endswith(".properties"):
        return _by_file(folder.parent, folder.name)
    pointer = _read_if_there(folder, props.COLLECTION_FILE)
    if pointer is not None:
        return _in_collection(folder, pointer, props.COLLECTION_FILE)
    file = _properties_file(folder)
    if file is None:
        raise _no_catalogue(folder)
    return Place(folder, file)


def _by_file(folder: Folder, name: str) -> Place:
    """The catalogue that a properties file speaks of."""
    content = _read_if_there(folder, name)
    if content is None:
        raise NotFoundError(f"{folder.path(name)} does not exist; check the path")
    if name in props.CATALOG_FILES:
        return Place(folder, name)
    keys = props.parse(content, folder.path(name))
    if keys.get("dataproduct_type") == "extension":
        raise NotFoundError(
            f"{folder.path(name)} is an extension, which holds no rows of its own; "
            f"open its primary table instead: {keys.get('hats_primary_table_url', 'not named')}"
        )
    if "dataproduct_type" in keys:
        return Place(folder, name)
    return _in_collection(folder, content, name)


def _in_collection(folder: Folder, pointer: bytes, file: str) -> Place:
    """The primary catalogue of a collection."""
    keys = props.parse(pointer, folder.path(file))
    props.check_collection(keys, folder.path(file))
    inner = keys["hats_primary_table_url"].strip()
    primary = inner_folder(folder, inner, f"{folder.path(file)}: hats_primary_table_url")
    found = _properties_file(primary)
    if found is None:
        raise DamagedError(
            f"{folder.path(file)} points to {inner}, but {primary.root} holds no catalogue; "
            "restore that folder, or point to a version that is there"
        )
    return Place(primary, found, folder, pointer, inner)


def place_of(folder: Folder, said_by: str) -> Place:
    """The catalogue in a folder that another catalogue names (a margin, an index)."""
    file = _properties_file(folder)
    if file is None:
        raise DamagedError(
            f"{said_by} names {folder.root}, but there is no catalogue; "
            "restore that folder, or remove the name"
        )
    return Place(folder, file)


def inner_folder(collection: Folder, text: str, said_by: str) -> Folder:
    """The folder that a collection's properties name: below it, absolute, or an address.

    Raises
    ------
    DamagedError
        When a relative path climbs out of the collection, or a remote collection names a local
        path: a tree from elsewhere must not choose which files of this machine are read.
    """
    local = text.startswith(("/", "file:"))
    if "://" in text or local:
        if local and not collection.local:
            raise DamagedError(
                f"{said_by} is {text!r}, a path of this machine, but the collection is remote "
                f"({collection.root}); a path relative to the collection or a URL is needed"
            )
        return Folder.at(text)
    path = posixpath.normpath(text.replace("\\", "/"))
    if path == ".." or path.startswith("../"):
        raise DamagedError(
            f"{said_by} is {text!r}, which leads out of the collection {collection.root}; "
            "a path below the collection, or an absolute one, is needed"
        )
    return collection.join(path)


def _read_if_there(folder: Folder, rel: str) -> bytes | None:
    try:
        return folder.read_bytes(rel)
    except NotFoundError:
        return None


def _properties_file(folder: Folder) -> str | None:
    return next((name for name in props.CATALOG_FILES if folder.exists(name)), None)


def _no_catalogue(folder: Folder) -> NotFoundError:
    """What is there instead of a catalogue, and what to do with it."""
    if folder.exists("catalog_info.json"):
        return NotFoundError(
            f"{folder.root} is a HiPSCat catalogue (catalog_info.json), the format before HATS; "
            "convert it with hats_import.hipscat_conversion, or build it anew with sq.build"
        )
    if folder.local and folder.exists() and not folder.is_folder():
        return NotFoundError(
            f"{folder.root} is a file, but a catalogue is a folder; "
            "make a catalogue of it with sq.build(file, path)"
        )
    names = folder.list()
    within = (
        [
            n
            for n in names
            if folder.exists(f"{n}/{props.COLLECTION_FILE}")
            or folder.exists(f"{n}/{props.CATALOG_FILES[0]}")
        ]
        if len(names) < 1000
        else []
    )
    if within:
        return NotFoundError(
            f"{folder.root} is not a catalogue itself, but holds some: "
            f"open one of {', '.join(within[:8])}, or the folder with sq.archive"
        )
    return NotFoundError(
        f"{folder.root} holds no catalogue (no collection.properties, hats.properties or "
        "properties); check the path"
    )


# ---------------------------------------------------------------------- tiles
def read_tiles(folder: Folder, suffix: str, n_rows: int | None) -> Tiles:
    """The tiles of a catalogue, from the first of three sources that is there.

    Raises
    ------
    DamagedError
        When the source cannot be read, two tiles overlap, or none is found for rows that are said
        to be there.
    """
    listed = _read_if_there(folder, "partition_info.csv")
    if listed is not None:
        return _from_csv(listed, folder.path("partition_info.csv"))
    if folder.exists("dataset/_metadata"):
        return _from_metadata(folder)
    tiles = _from_listing(folder, suffix)
    if not len(tiles) and n_rows != 0:
        raise DamagedError(
            f"{folder.root} has no partition_info.csv, no dataset/_metadata and no tile below "
            f"dataset/, but says it holds {'rows' if n_rows is None else f'{n_rows} rows'}; "
            "restore the dataset folder"
        )
    return tiles


def _from_csv(content: bytes, file: str) -> Tiles:
    from pyarrow import csv

    try:
        table = csv.read_csv(pa.BufferReader(content), csv.ReadOptions(use_threads=False))
        columns = {name.strip(): table[name] for name in table.column_names}
        cells = [_whole_numbers(columns[name]) for name in ("Norder", "Npix")]
        rows = _whole_numbers(columns["num_rows"]) if "num_rows" in columns else None
    except (pa.ArrowException, KeyError, ValueError) as error:
        raise DamagedError(
            f"{file} is not a list of tiles ({str(error).strip()}); it needs the columns Norder "
            "and Npix with whole numbers: remove the file, and the tiles are read from the dataset"
        ) from error
    return Tiles(cells[0], cells[1], rows, where=file)


def _whole_numbers(column: pa.ChunkedArray) -> Any:
    """int64 of a column; ValueError where a value is no whole number."""
    if not len(column):
        return np.empty(0, np.int64)
    if column.null_count:
        raise ValueError("a value is missing")
    return to_numpy(column if column.type == pa.int64() else column.cast(pa.int64()))


def _from_metadata(folder: Folder) -> Tiles:
    """Tiles and their rows, from the merged footers."""
    _, footer = footer_of(folder, "dataset/_metadata")
    rows: dict[tuple[int, int], int] = {}
    for i in range(footer.metadata.num_row_groups):
        group = footer.metadata.row_group(i)
        order, pixel, _ = parse_leaf("/" + group.column(0).file_path)
        rows[order, pixel] = rows.get((order, pixel), 0) + group.num_rows
    cells = list(rows)
    return Tiles(
        [order for order, _ in cells],
        [pixel for _, pixel in cells],
        list(rows.values()),
        where=footer.path,
    )


def _from_listing(folder: Folder, suffix: str) -> Tiles:
    cells = list(listed_cells(folder, suffix))
    return Tiles([c[0] for c in cells], [c[1] for c in cells], where=folder.path("dataset"))


def listed_cells(folder: Folder, suffix: str) -> Iterator[tuple[int, int]]:
    """(order, pixel) of every tile whose name is found; other names are passed over."""
    ending = "" if suffix == "/" else suffix
    for order in folder.list("dataset"):
        if not order.startswith("Norder="):
            continue
        for part in folder.list(f"dataset/{order}"):
            if not part.startswith("Dir="):
                continue
            for name in folder.list(f"dataset/{order}/{part}"):
                if name.startswith("Npix=") and name.endswith(ending):
                    found = parse_leaf(f"{order}/{part}/{name}")
                    yield found[0], found[1]


def tile_files(folder: Folder, leaf: str, suffix: str) -> list[str]:
    """The Parquet files of a tile: one, or with the suffix `/` all of its folder."""
    if suffix != "/":
        return [leaf]
    names = [n for n in folder.list(leaf) if not n.startswith((".", "_"))]
    if not names:
        raise DamagedError(
            f"{folder.path(leaf)} is missing or empty, but the catalogue lists this tile; "
            "restore the folder, or build the catalogue again"
        )
    return [f"{leaf.rstrip('/')}/{name}" for name in names]
