"""Made-up skies: the same rows for the same seed on any machine, in pieces of any size.

`clumpy_sky` is the sky of the benchmarks: 40,000 sources a square degree in a patch around
(150, 20), three quarters uniform and a quarter in clumps of 0.005 to 0.15 degrees, some dense as
globular clusters; 17 columns, 80 bytes a row, in random order. `uniform_sky` covers the sphere.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

DENSITY = 40_000  # sources a square degree
CLUMPED = 0.25
BANDS = ("u", "g", "r", "i", "z")
CENTRE_DEG = (150.0, 20.0)

_BLOCK = 1 << 18  # rows that one generator makes: pieces of any size are cut from these
_CLUMP_STREAM = 1 << 40  # a stream of random numbers that no block has
_ROWS_A_CLUMP = 2_500


def _field(name: str, kind: pa.DataType, unit: str, ucd: str) -> pa.Field:
    return pa.field(name, kind, metadata={"unit": unit, "ucd": ucd} if unit else {"ucd": ucd})


CLUMPY_SCHEMA = pa.schema(
    [
        _field("id", pa.int64(), "", "meta.id;meta.main"),
        _field("ra", pa.float64(), "deg", "pos.eq.ra;meta.main"),
        _field("dec", pa.float64(), "deg", "pos.eq.dec;meta.main"),
        _field("ra_error", pa.float32(), "mas", "stat.error;pos.eq.ra"),
        _field("dec_error", pa.float32(), "mas", "stat.error;pos.eq.dec"),
        _field("pmra", pa.float32(), "mas/yr", "pos.pm;pos.eq.ra"),
        _field("pmdec", pa.float32(), "mas/yr", "pos.pm;pos.eq.dec"),
        *[_field(f"{band}_mag", pa.float32(), "mag", "phot.mag") for band in BANDS],
        *[_field(f"{band}_err", pa.float32(), "mag", "stat.error;phot.mag") for band in BANDS],
    ]
)
UNIFORM_SCHEMA = pa.schema([CLUMPY_SCHEMA.field(i) for i in (0, 1, 2, 9)])


def clumpy_sky(rows: int, seed: int = 1) -> pa.Table:
    """The clumpy sky as one table: `CLUMPY_SCHEMA`, ids from 1 to `rows`."""
    return pa.Table.from_batches(clumpy_sky_batches(rows, seed), CLUMPY_SCHEMA)


def clumpy_sky_batches(
    rows: int, seed: int = 1, batch_rows: int = 1_000_000
) -> Iterator[pa.RecordBatch]:
    """The same rows as `clumpy_sky`, as batches of `batch_rows`, a few of which are in memory."""
    blocks = (_clumpy_block(rows, seed, number) for number in range(-(-rows // _BLOCK)))
    return _rebatched(blocks, CLUMPY_SCHEMA, batch_rows)


def uniform_sky(rows: int, seed: int = 1) -> pa.Table:
    """`rows` stars strewn evenly over the whole sphere: id, ra, dec, r_mag."""
    random = np.random.default_rng([seed, rows])
    columns = [
        np.arange(1, rows + 1),
        random.random(rows) * 360.0,
        np.degrees(np.arcsin(random.random(rows) * 2.0 - 1.0)),
        24.0 - random.exponential(2.0, rows).astype(np.float32),
    ]
    return pa.table(columns, schema=UNIFORM_SCHEMA)


def patch_of(rows: int) -> tuple[float, float, float, float]:
    """Where the clumpy sky of `rows` rows lies: (ra from, ra to, dec from, dec to) in degrees."""
    side = np.sqrt(rows / DENSITY)
    low, high = CENTRE_DEG[1] - side / 2, CENTRE_DEG[1] + side / 2
    height = np.degrees(np.sin(np.radians(high)) - np.sin(np.radians(low)))
    width = rows / DENSITY / height if rows else 0.0
    return CENTRE_DEG[0] - width / 2, CENTRE_DEG[0] + width / 2, float(low), float(high)


def _clumpy_block(rows: int, seed: int, number: int) -> list[NDArray[np.generic]]:
    first = number * _BLOCK
    size = min(_BLOCK, rows - first)
    random = np.random.default_rng([seed, number])
    ra, dec = _positions(rows, seed, random, size)
    base = 24.0 - random.exponential(1.6, size).astype(np.float32)
    tilt = random.standard_normal((len(BANDS), size), dtype=np.float32) * np.float32(0.4)
    magnitudes = base + tilt + np.linspace(1.2, -0.4, len(BANDS), dtype=np.float32)[:, None]
    noise = 0.8 + np.float32(0.4) * random.random((len(BANDS), size), dtype=np.float32)
    errors = np.float32(0.01) + np.exp((magnitudes - 24.0) * np.float32(0.7)) * noise / 10
    position_errors = 50.0 + 50.0 * random.random((2, size), dtype=np.float32)
    motions = random.standard_normal((2, size), dtype=np.float32) * np.float32(8.0)
    identifiers = np.arange(first + 1, first + size + 1, dtype=np.int64)
    return [identifiers, ra, dec, *position_errors, *motions, *magnitudes, *errors]


def _positions(
    rows: int, seed: int, random: np.random.Generator, size: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    ra, dec = _strewn(rows, random, size)
    clump_ra, clump_dec, width, share = _clumps(rows, seed)
    clumped = np.flatnonzero(random.random(size) < CLUMPED)
    chosen = np.searchsorted(np.cumsum(share), random.random(len(clumped)) * share.sum())
    chosen = np.minimum(chosen, len(share) - 1)
    east, north = random.standard_normal((2, len(clumped))) * width[chosen]
    dec[clumped] = clump_dec[chosen] + north
    ra[clumped] = clump_ra[chosen] + east / np.cos(np.radians(dec[clumped]))
    return ra, dec


def _clumps(rows: int, seed: int) -> tuple[NDArray[np.float64], ...]:
    """(ra, dec, width, share of the clumped rows) of each clump; degrees."""
    number = max(1, int(rows * CLUMPED) // _ROWS_A_CLUMP)
    random = np.random.default_rng([seed, _CLUMP_STREAM])
    ra, dec = _strewn(rows, random, number)
    width = 0.005 * 30.0 ** random.random(number)
    return ra, dec, width, np.exp(1.2 * random.standard_normal(number))


def _strewn(
    rows: int, random: np.random.Generator, size: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    west, east, south, north = patch_of(rows)
    low, high = np.sin(np.radians([south, north]))
    dec = np.degrees(np.arcsin(low + (high - low) * random.random(size)))
    return west + (east - west) * random.random(size), dec


def _rebatched(
    blocks: Iterator[list[NDArray[np.generic]]], schema: pa.Schema, batch_rows: int
) -> Iterator[pa.RecordBatch]:
    held: list[pa.RecordBatch] = []
    count = 0
    for block in blocks:
        held.append(pa.record_batch([pa.array(column) for column in block], schema=schema))
        count += held[-1].num_rows
        while count >= batch_rows:
            table = pa.Table.from_batches(held, schema)
            yield table.slice(0, batch_rows).combine_chunks().to_batches()[0]
            held = table.slice(batch_rows).to_batches()
            count -= batch_rows
    if count:
        yield pa.Table.from_batches(held, schema).combine_chunks().to_batches()[0]
