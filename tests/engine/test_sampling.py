from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skyquarry.engine.catalog import open_catalog
from skyquarry.engine.sampling import CELL_ORDER, Sample, keys_of, scrambled
from skyquarry.errors import ColumnError
from skyquarry.sky import healpix
from skyquarry.testing.handmade import write_catalog
from skyquarry.testing.naive import engine as naive
from skyquarry.testing.trees import write_tree


@given(st.lists(st.integers(0, 2**64 - 1), max_size=20), st.integers(0, 2**32))
def test_the_hash_agrees_with_its_slow_twin(keys, seed):
    found = scrambled(np.array(keys, np.uint64), seed)
    assert found.tolist() == [naive.scrambled(key, seed) for key in keys]


def test_the_hash_is_the_published_one():
    # SplitMix64 from state 0: the first outputs of the authors' own program
    assert int(scrambled(np.array([0], np.uint64))[0]) == 0xE220A8397B1DCDAF


def test_whole_cells_are_in_or_out(cat, sky):
    table = cat.sample(0.3).select(["id", "_healpix_29"]).to_table()
    cells = healpix.index(sky["ra"].to_numpy(), sky["dec"].to_numpy(), CELL_ORDER)
    kept = set((table["_healpix_29"].to_numpy() >> 2 * (29 - CELL_ORDER)).tolist())
    expected = np.isin(cells, np.array(sorted(kept)))
    assert sorted(table["id"].to_pylist()) == sorted(sky["id"].to_numpy()[expected].tolist())
    assert 0.25 < table.num_rows / len(sky) < 0.35


def test_every_catalogue_has_the_same_cells(cat, sky, tmp_path):
    part = sky.slice(0, 9000)
    write_catalog(tmp_path / "part", part, max_rows=500, margin_arcsec=None)
    other = open_catalog(tmp_path / "part").sample(0.2).to_table()["id"].to_pylist()
    both = set(part["id"].to_pylist()) & set(cat.sample(0.2).to_table()["id"].to_pylist())
    assert set(other) == both


@pytest.mark.parametrize("by", ["sky", "row"])
def test_a_smaller_sample_is_part_of_a_larger_one(cat, by):
    small, large = (set(cat.sample(f, by).to_table()["id"].to_pylist()) for f in (0.1, 0.4))
    assert small < large
    assert 0.07 < len(small) / 20_000 < 0.13
    again = set(cat.sample(0.4, by).sample(0.25, by).to_table()["id"].to_pylist())
    assert again == small


def test_a_sample_by_row_is_the_hash_of_the_id(cat, sky):
    expected = [n for n in sky["id"].to_pylist() if naive.scrambled(n) < 0.25 * 2**64]
    assert sorted(cat.sample(0.25, by="row").to_table()["id"].to_pylist()) == sorted(expected)


def test_another_seed_is_another_choice(cat):
    one, other = (cat.sample(0.2, seed=s).to_table()["id"].to_pylist() for s in (0, 1))
    assert set(one) != set(other)


def test_a_sample_of_a_region_is_the_region_of_a_sample(cat):
    one = cat.sample(0.3).cone(12, 2, 7200).to_table()
    assert one.equals(cat.cone(12, 2, 7200).sample(0.3).to_table())
    assert one.num_rows > 100


@given(st.integers(0, 29), st.data(), st.sampled_from([0.001, 0.3, 1.0]))
def test_the_ranges_of_a_tile_are_its_chosen_cells(order, data, fraction):
    pixel = data.draw(st.integers(0, 12 * 4**order - 1))
    sample = Sample(fraction)
    ranges = sample.ranges(order, pixel)
    if ranges is None:
        assert order < CELL_ORDER - 7
        return
    start, stop = (int(x) for x in healpix.pixel_range(order, pixel))
    inside = np.random.default_rng(pixel % 2**32).integers(start, stop, 50)
    assert ranges.contains(inside).tolist() == sample.of_pixels(inside).tolist()
    if not sample.tiles(np.array([order], np.int8), np.array([pixel]))[0]:
        assert not sample.of_pixels(inside).any()


def test_texts_are_keys_too():
    keys = keys_of(pa.chunked_array([["J0001", None, "J0002", "J0001"]]))
    assert keys[0] == keys[3] != keys[2]


def test_a_catalogue_without_ids_cannot_be_sampled_by_row(tmp_path):
    table = pa.table({"ra": [1.0, 2.0], "dec": [3.0, 4.0]})
    theirs = open_catalog(write_tree(tmp_path / "t", table))
    with pytest.raises(ColumnError, match='use by="sky"'):
        theirs.sample(0.5, by="row")
    assert theirs.sample(1.0).to_table().num_rows == 2
