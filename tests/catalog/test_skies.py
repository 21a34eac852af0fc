from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from skyquarry.testing.skies import (
    CLUMPY_SCHEMA,
    DENSITY,
    clumpy_sky,
    clumpy_sky_batches,
    patch_of,
    uniform_sky,
)


@pytest.mark.parametrize("batch_rows", [1_000, 100_000, 1_000_000])
def test_the_rows_do_not_depend_on_the_batches(batch_rows):
    rows = 300_000
    batches = list(clumpy_sky_batches(rows, 3, batch_rows))
    assert {b.num_rows for b in batches[:-1]} <= {batch_rows}
    assert pa.Table.from_batches(batches).equals(clumpy_sky(rows, 3))


def test_the_sky_has_its_density_columns_and_bytes():
    table = clumpy_sky(200_000)
    assert table.schema.equals(CLUMPY_SCHEMA, check_metadata=True)
    assert len(CLUMPY_SCHEMA) == 17
    assert sum(f.type.bit_width // 8 for f in CLUMPY_SCHEMA) == 80
    west, east, south, north = patch_of(len(table))
    area = (east - west) * np.degrees(np.sin(np.radians(north)) - np.sin(np.radians(south)))
    assert len(table) / area == pytest.approx(DENSITY)
    assert np.array_equal(table["id"].to_numpy(), np.arange(1, len(table) + 1))
    assert sum(column.null_count for column in table.columns) == 0


def test_a_quarter_is_in_clumps():
    table = clumpy_sky(200_000)
    ra, dec = table["ra"].to_numpy(), table["dec"].to_numpy()
    counts = np.histogram2d(ra, dec, bins=100)[0]
    typical = np.median(counts)
    assert 0.15 < (counts[counts > 2 * typical] - typical).sum() / len(table) < 0.3
    assert counts.max() > 20 * typical


def test_another_seed_is_another_sky():
    assert not clumpy_sky(1000, 1).equals(clumpy_sky(1000, 2))
    assert clumpy_sky(1000, 1).equals(clumpy_sky(1000, 1))


def test_no_rows_are_a_sky_too():
    assert clumpy_sky(0).num_rows == 0
    assert list(clumpy_sky_batches(0)) == []


def test_the_uniform_sky_has_as_many_stars_in_each_half():
    table = uniform_sky(20_000)
    assert abs((table["dec"].to_numpy() > 0).sum() - 10_000) < 400
    assert abs((table["ra"].to_numpy() > 180).sum() - 10_000) < 400
