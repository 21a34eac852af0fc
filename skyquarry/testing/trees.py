"""HATS trees as other writers make them: plain pyarrow, odd on purpose, for tests of the reader.

Nothing here shares code with `catalog.writer`, so that what we read is not only what we write.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True)
class Layout:
    """How a foreign tree is laid out."""

    kind: str = "object"
    ra: str = "ra"
    dec: str = "dec"
    order: int = 1
    """Order of every tile."""
    healpix: str | None = "_healpix_29"
    """Name of the spatial column; None leaves it out."""
    healpix_order: int = 29
    suffix: str = ".parquet"
    files_per_tile: int = 1
    """More than one needs the suffix `/`."""
    row_group_rows: int = 100
    sort: bool = True
    info: bool = True
    metadata: bool = False
    common: bool = True
    properties: dict[str, str] = field(default_factory=dict)
    file: str = "hats.properties"


def write_tree(folder: Path, table: pa.Table, layout: Layout | None = None) -> Path:
    """Write the table, whose positions are degrees, as a HATS catalogue; returns the folder."""
    layout = layout or Layout()
    pixels = _pixels(table, layout)
    if layout.healpix:
        values = pixels >> 2 * (29 - layout.healpix_order)
        table = table.append_column(layout.healpix, pa.array(values))
    if layout.sort:
        sequence = np.argsort(pixels, kind="stable")
        table, pixels = table.take(pa.array(sequence)), pixels[sequence]
    cells = pixels >> 2 * (29 - layout.order)
    footers: list[Any] = []
    (folder / "dataset").mkdir(parents=True)
    for pixel in np.unique(cells).tolist():
        _write_tile(folder, table.filter(pa.array(cells == pixel)), pixel, layout, footers)
    _write_small_files(folder, table, np.unique(cells), layout, footers)
    return folder


def write_collection(
    folder: Path, primary: str, *, margins: str = "", indexes: str = "", default: str = ""
) -> Path:
    """Write `collection.properties` over trees that lie below `folder`; returns the folder."""
    lines = {"obs_collection": folder.name, "hats_primary_table_url": primary}
    lines |= {"all_margins": margins, "default_margin": default, "all_indexes": indexes}
    text = "".join(f"{key}={value}\n" for key, value in lines.items() if value)
    (folder / "collection.properties").write_text(text)
    return folder


def leaf_of(folder: Path, order: int, pixel: int, suffix: str = ".parquet") -> Path:
    """The path of a tile."""
    name = f"Npix={pixel}{'' if suffix == '/' else suffix}"
    return folder / "dataset" / f"Norder={order}" / f"Dir={pixel // 10000 * 10000}" / name


def _pixels(table: pa.Table, layout: Layout) -> Any:
    from skyquarry.sky import healpix

    if not len(table) or layout.ra not in table.column_names:
        return np.zeros(len(table), np.int64)
    return healpix.index(table[layout.ra].to_numpy(), table[layout.dec].to_numpy())


def _write_tile(
    folder: Path, rows: pa.Table, pixel: int, layout: Layout, footers: list[Any]
) -> None:
    leaf = leaf_of(folder, layout.order, pixel, layout.suffix)
    paths = [leaf]
    if layout.suffix == "/":
        paths = [leaf / f"part-{i}.pq" for i in range(layout.files_per_tile)]
    for i, path in enumerate(paths):
        path.parent.mkdir(parents=True, exist_ok=True)
        part = rows.take(pa.array(np.arange(i, len(rows), len(paths))))
        pq.write_table(part, path, row_group_size=layout.row_group_rows, metadata_collector=footers)
        footers[-1].set_file_path(str(path.relative_to(folder / "dataset")))


def _write_small_files(
    folder: Path, table: pa.Table, cells: Any, layout: Layout, footers: list[Any]
) -> None:
    if layout.common:
        pq.write_metadata(table.schema, folder / "dataset" / "_common_metadata")
    if layout.metadata and footers:
        pq.write_metadata(
            footers[0].schema.to_arrow_schema(),
            folder / "dataset" / "_metadata",
            metadata_collector=footers,
        )
    if layout.info:
        lines = "".join(f"{layout.order},{pixel}\n" for pixel in cells.tolist())
        (folder / "partition_info.csv").write_text("Norder,Npix\n" + lines)
    keys = {
        "obs_collection": folder.name,
        "dataproduct_type": layout.kind,
        "hats_nrows": str(len(table)),
        "hats_npix_suffix": layout.suffix,
    }
    if layout.kind in {"object", "source", "margin"}:
        keys |= {"hats_col_ra": layout.ra, "hats_col_dec": layout.dec}
    if layout.healpix:
        keys |= {
            "hats_col_healpix": layout.healpix,
            "hats_col_healpix_order": str(layout.healpix_order),
        }
    text = "".join(f"{key}={value}\n" for key, value in (keys | layout.properties).items())
    (folder / layout.file).write_text("#HATS catalog\n" + text)
