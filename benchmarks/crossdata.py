"""Four catalogues of one sky: A is the truth with errors, B, C and D see 85 % of it and others.

A fifth of the rows of B, C and D are unrelated to A. Errors are 0.05" in A and 0.1" in the others,
as in `pairdata.py`, 0.7 to 1.4 times that along each axis of a row, as its columns say. 17 columns,
in random order, as plain Parquet files and as archives of ours with a margin of 10". The truth is
the clumpy sky of `data.py`; ids tell which of its rows a row is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from skyquarry.catalog.arrow import from_numpy, to_numpy
from skyquarry.testing.skies import CLUMPY_SCHEMA, clumpy_sky_batches

from data import FOLDER, SEED

if TYPE_CHECKING:
    from pathlib import Path

    from skyquarry.catalog.roles import Roles, Survey

SIDES = ("a", "b", "c", "d")
ERROR_ARCSEC = {"a": 0.05, "b": 0.1, "c": 0.1, "d": 0.1}
SHARED, UNRELATED = 0.85, 0.20
STEP = 1 << 41
"""ids: number of the catalogue times STEP, plus the row of the truth; unrelated ones from STEP/2"""


def roles(side: str) -> Roles:
    """Errors as they were made, one magnitude, one epoch for all."""
    from skyquarry.catalog.roles import Roles

    told = {
        "id": "id",
        "ra": "ra",
        "dec": "dec",
        "epoch": {"jyear": 2016.0},
        "position_error": {
            "model": "covariance",
            "columns": ["ra_error", "dec_error"],
            "unit": "mas",
        },
        "bands": [{"name": "r", "column": "r_mag"}],
    }
    return Roles.from_mapping(told, f"catalogue {side}")


def survey(side: str) -> Survey:
    from skyquarry.catalog.roles import Survey

    return Survey(name=side, title=f"catalogue {side}", roles=roles(side))


def plain_files(rows: int) -> list[Path]:
    """One plain Parquet file each, rows in random order; written where they are missing."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    paths = [FOLDER / f"four-{side}-{rows}.parquet" for side in SIDES]
    for side, path in zip(SIDES, paths, strict=True):
        if not path.exists():
            _write(path, side, rows)
    return paths


def archives(rows: int) -> list[Path]:
    """The same as catalogues, built where they are missing."""
    import skyquarry as sq

    paths = [FOLDER / f"four-{side}-{rows}" for side in SIDES]
    for side, plain, path in zip(SIDES, plain_files(rows), paths, strict=True):
        if not (path / "collection.properties").exists():
            sq.build(str(plain), path, survey=survey(side), margin_arcsec=10, progress=False)
    return paths


def true_ids(ids: np.ndarray) -> np.ndarray:
    """The row of the truth that a row is of; -1 for the unrelated."""
    within = ids % STEP
    return np.where(within < STEP // 2, within, -1)


def _write(path: Path, side: str, rows: int) -> None:
    number, partial = SIDES.index(side), path.with_name(f".{path.name}")
    random = np.random.default_rng([SEED, ord(side)])
    with pq.ParquetWriter(partial, CLUMPY_SCHEMA, compression="snappy") as writer:
        sources = zip(
            clumpy_sky_batches(rows, seed=SEED),
            clumpy_sky_batches(rows, seed=SEED + 100 + number),
            strict=True,
        )
        for truth, other in sources:
            table = pa.Table.from_batches([truth])
            if side != "a":
                mine = _sampled(random, truth, SHARED, 0)
                table = pa.concat_tables([mine, _sampled(random, other, UNRELATED, STEP // 2)])
                table = table.take(from_numpy(random.permutation(table.num_rows)))
            writer.write_table(_observed(random, table, number, ERROR_ARCSEC[side]))
    partial.rename(path)


def _sampled(
    random: np.random.Generator, batch: pa.RecordBatch, part: float, shift: int
) -> pa.Table:
    """A part of the rows, their ids moved apart."""
    table = pa.Table.from_batches([batch])
    table = table.filter(from_numpy(random.random(batch.num_rows) < part))
    return _with(table, "id", to_numpy(table["id"]) + shift)


def _observed(
    random: np.random.Generator, table: pa.Table, number: int, error_arcsec: float
) -> pa.Table:
    """The rows with errors of 0.7 to 1.4 times the catalogue's in their positions, and said so."""
    n = table.num_rows
    sigma = error_arcsec * random.uniform(0.7, 1.4, (2, n))
    east, north = random.standard_normal((2, n)) * sigma / 3600.0
    dec = to_numpy(table["dec"]) + north
    ra = to_numpy(table["ra"]) + east / np.cos(np.radians(dec))
    told = {"id": to_numpy(table["id"]) + number * STEP, "ra": ra, "dec": dec}
    told |= {"ra_error": 1e3 * sigma[0], "dec_error": 1e3 * sigma[1]}
    for name, values in told.items():
        table = _with(table, name, values)
    return table


def _with(table: pa.Table, name: str, values: np.ndarray) -> pa.Table:
    at = table.column_names.index(name)
    field = CLUMPY_SCHEMA.field(name)
    return table.set_column(at, field, from_numpy(values.astype(field.type.to_pandas_dtype())))
