"""The data of the benchmarks: made once, the same bytes each time, kept out of git."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from skyquarry.testing.skies import clumpy_sky_batches

FOLDER = Path(__file__).parent / "data"
SEED = 1


def parquet_of(rows: int, files: int) -> list[Path]:
    """The clumpy sky of `rows` rows in random order, as `files` plain Parquet files."""
    folder = FOLDER / f"parquet-{rows}-{files}"
    done = sorted(folder.glob("part-*.parquet"))
    if len(done) == files:
        return done
    folder.mkdir(parents=True, exist_ok=True)
    each = -(-rows // files)
    writer: pq.ParquetWriter | None = None
    number, filled = 0, 0
    for batch in clumpy_sky_batches(rows, seed=SEED, batch_rows=min(each, 1_000_000)):
        table, start = pa.Table.from_batches([batch]), 0
        while start < table.num_rows:
            if writer is None:
                path = folder / f".part-{number}.parquet"
                writer = pq.ParquetWriter(path, table.schema, compression="snappy")
            piece = table.slice(start, min(each - filled, table.num_rows - start))
            writer.write_table(piece, row_group_size=1_000_000)
            start, filled = start + piece.num_rows, filled + piece.num_rows
            if filled == each:
                writer = closed(writer, folder, number)
                number, filled = number + 1, 0
    if writer is not None:
        closed(writer, folder, number)
    return sorted(folder.glob("part-*.parquet"))


def closed(writer: pq.ParquetWriter, folder: Path, number: int) -> None:
    """Close the file and give it the name by which it counts as made."""
    writer.close()
    (folder / f".part-{number}.parquet").rename(folder / f"part-{number}.parquet")


def archive_of(rows: int) -> tuple[Path, tuple[float, float]]:
    """The same sky as a catalogue of ours, built where missing; and a position inside it."""
    import skyquarry as sq

    path = FOLDER / f"archive-{rows}"
    if not (path / "collection.properties").exists():
        sq.build([str(p) for p in parquet_of(rows, 8)], path, margin_arcsec=10)
    first = sq.open(path).head(1).select(["ra", "dec"]).to_table().to_pylist()[0]
    return path, (first["ra"], first["dec"])
