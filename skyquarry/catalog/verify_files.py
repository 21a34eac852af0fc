"""Whether the files of a catalogue are those that it lists, and hold the bytes that were sealed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from skyquarry.catalog import foreign, versions
from skyquarry.catalog import properties as props
from skyquarry.catalog.faults import Fault
from skyquarry.catalog.footers import footer_of
from skyquarry.catalog.tiles import parse_leaf

if TYPE_CHECKING:
    from collections.abc import Iterator

    from skyquarry.catalog.files import Folder
    from skyquarry.catalog.stored import Stored

CHECKSUMS = "checksums.sha256"


def check_checksums(stored: Stored) -> Iterator[Fault]:
    """Files of the version whose bytes are not those of `checksums.sha256`, lack, or are beyond."""
    home = stored.folder.parent
    if not stored.version:
        return
    if not home.exists(CHECKSUMS):
        if stored.properties.get("hats_builder", "").startswith("skyquarry"):
            lost = "the file is missing, so that no byte of the version can be vouched for"
            yield Fault(home.path(CHECKSUMS), lost)
        return
    listed = versions.read_checksums(home)
    present = {rel for rel in versions.walk(home) if rel != CHECKSUMS}
    for rel, expected in listed.items():
        if rel not in present:
            yield Fault(home.path(rel), "the file is missing, but checksums.sha256 lists it")
        elif versions.sha256_of(home, rel) != expected:
            yield Fault(home.path(rel), "the bytes are not those of checksums.sha256")
    for rel in sorted(present - set(listed)):
        yield Fault(home.path(rel), "the file is not in checksums.sha256")


def check_listing(stored: Stored) -> Iterator[Fault]:
    """Where properties, lists of tiles and the files on disk contradict each other."""
    folder = stored.folder
    names = [name for name in props.CATALOG_FILES if folder.exists(name)]
    if len(names) == 2 and len({folder.read_bytes(name) for name in names}) == 2:
        yield Fault(folder.path(names[1]), f"differs from {names[0]}, of which it is a copy")
    if not folder.exists("dataset/_common_metadata"):
        yield Fault(folder.path("dataset/_common_metadata"), "the file is missing")
    if stored.kind == "index":
        return
    if not folder.exists("partition_info.csv") and not folder.exists("dataset/_metadata"):
        yield Fault(folder.path("partition_info.csv"), "the file is missing, and so is _metadata")
    listed = set(stored.tiles)
    for order, pixel in sorted(_on_disk(folder, stored.suffix) - listed):
        yield Fault(
            folder.path(f"dataset/Norder={order}"),
            f"the tile Norder={order}/Npix={pixel} is on disk, but not in the list of tiles",
        )
    yield from _check_metadata(stored, listed)


def _on_disk(folder: Folder, suffix: str) -> set[tuple[int, int]]:
    return set(foreign.listed_cells(folder, suffix))


def _check_metadata(stored: Stored, listed: set[tuple[int, int]]) -> Iterator[Fault]:
    """Where the merged footers name other tiles, or another number of rows, than there are."""
    rel = "dataset/_metadata"
    if not stored.folder.exists(rel):
        return
    path = stored.folder.path(rel)
    rows: dict[tuple[int, int], int] = {}
    metadata = footer_of(stored.folder, rel)[1].metadata
    for i in range(metadata.num_row_groups):
        group = metadata.row_group(i)
        order, pixel, _ = parse_leaf("/" + group.column(0).file_path)
        rows[order, pixel] = rows.get((order, pixel), 0) + group.num_rows
    for order, pixel in sorted(set(rows) ^ listed):
        where = "lists" if (order, pixel) in rows else "lacks"
        other = "partition_info.csv does not" if where == "lists" else "partition_info.csv lists"
        yield Fault(path, f"{where} the tile Norder={order}/Npix={pixel}, which {other}")
    yield from _check_rows(stored, rows, path)


def _check_rows(stored: Stored, rows: dict[tuple[int, int], int], path: str) -> Iterator[Fault]:
    for tile, (order, pixel) in enumerate(stored.tiles):
        told = rows.get((order, pixel))
        if told is None or not all(stored.folder.exists(rel) for rel in stored.files(tile)):
            continue
        found = sum(int(stored.footer(rel)[1].rows.sum()) for rel in stored.files(tile))
        if told != found:
            yield Fault(
                path, f"says that Norder={order}/Npix={pixel} has {told} rows, but it has {found}"
            )
