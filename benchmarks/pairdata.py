"""Two catalogues of one sky: A is the truth with errors of 0.05", B 85 % of it with 0.1".

B has another fifth as many rows that are unrelated to A. Both are in random order, 17 columns, as
in `data.py`: as plain Parquet files, and as archives of ours with a margin of 10". `lean`: id, ra
and dec alone, and one plain file at a time, for what only asks how memory and time grow.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from skyquarry.testing.skies import CLUMPY_SCHEMA, clumpy_sky_batches

from data import FOLDER, SEED

if TYPE_CHECKING:
    from pathlib import Path

ERROR_ARCSEC = {"a": 0.05, "b": 0.1}
SHARED, UNRELATED = 0.85, 0.20
OTHER_SEED = 77
LEAN = ["id", "ra", "dec"]


def plain_files(rows: int) -> tuple[Path, Path]:
    """One plain Parquet file each, rows in random order; written where they are missing."""
    paths = FOLDER / f"pairs-a-{rows}.parquet", FOLDER / f"pairs-b-{rows}.parquet"
    for side, path in zip("ab", paths, strict=True):
        if not path.exists():
            FOLDER.mkdir(parents=True, exist_ok=True)
            _write(path, side, rows)
    return paths


def lean_archives(rows: int) -> tuple[Path, Path]:
    """Catalogues of three columns, built where they are missing; their plain files do not stay."""
    import skyquarry as sq

    paths = FOLDER / f"pairs-a-{rows}-lean", FOLDER / f"pairs-b-{rows}-lean"
    for side, path in zip("ab", paths, strict=True):
        if not (path / "collection.properties").exists():
            plain = FOLDER / f"pairs-{side}-{rows}-lean.parquet"
            if not plain.exists():
                FOLDER.mkdir(parents=True, exist_ok=True)
                _write(plain, side, rows, LEAN)
            sq.build(str(plain), path, margin_arcsec=10, progress=False)
            plain.unlink()
    return paths


def archives(rows: int) -> tuple[Path, Path]:
    """The same as catalogues, built where they are missing."""
    import skyquarry as sq

    paths = FOLDER / f"pairs-a-{rows}", FOLDER / f"pairs-b-{rows}"
    for plain, path in zip(plain_files(rows), paths, strict=True):
        if not (path / "collection.properties").exists():
            sq.build(str(plain), path, margin_arcsec=10, progress=False)
    return paths


def _write(path: Path, side: str, rows: int, columns: list[str] = CLUMPY_SCHEMA.names) -> None:
    partial = path.with_name(f".{path.name}")
    random = np.random.default_rng([SEED, ord(side)])
    schema = pa.schema([CLUMPY_SCHEMA.field(name) for name in columns])
    with pq.ParquetWriter(partial, schema, compression="snappy") as writer:
        sources = zip(
            clumpy_sky_batches(rows, seed=SEED),
            clumpy_sky_batches(rows, seed=OTHER_SEED),
            strict=True,
        )
        for truth, other in sources:
            table = pa.Table.from_batches([truth])
            if side == "b":
                table = _sampled(random, truth, SHARED, 0)
                table = pa.concat_tables([table, _sampled(random, other, UNRELATED, 1 << 40)])
                table = table.take(pa.array(random.permutation(table.num_rows)))
            writer.write_table(_observed(random, table, ERROR_ARCSEC[side]).select(columns))
    partial.rename(path)


def _sampled(
    random: np.random.Generator, batch: pa.RecordBatch, part: float, shift: int
) -> pa.Table:
    """A part of the rows, their ids moved apart."""
    table = pa.Table.from_batches([batch]).filter(pa.array(random.random(batch.num_rows) < part))
    ids = table["id"].to_numpy() + (shift + (1 << 41))
    return table.set_column(0, CLUMPY_SCHEMA.field(0), pa.array(ids))


def _observed(random: np.random.Generator, table: pa.Table, error_arcsec: float) -> pa.Table:
    """The rows with errors in their positions."""
    east, north = random.normal(size=(2, table.num_rows)) * error_arcsec / 3600.0
    dec = table["dec"].to_numpy() + north
    ra = table["ra"].to_numpy() + east / np.cos(np.radians(dec))
    table = table.set_column(1, CLUMPY_SCHEMA.field(1), pa.array(ra))
    return table.set_column(2, CLUMPY_SCHEMA.field(2), pa.array(dec))
