from __future__ import annotations

import io

import numpy as np
import pytest
from astropy.io import fits
from hypothesis import given
from hypothesis import strategies as st

from skyquarry.catalog.encoding import count_cells
from skyquarry.catalog.skymaps import (
    add_maps,
    degrade,
    lower_orders,
    map_files,
    read_skymap,
    sky_fraction,
    write_moc,
    write_skymap,
)
from skyquarry.errors import DamagedError
from skyquarry.sky.mocs import read_moc

SOME = st.dictionaries(st.integers(0, 12 * 16 - 1), st.integers(1, 2**40))


def sparse(counts):
    pixel = np.array(sorted(counts), np.int64)
    return pixel, np.array([counts[p] for p in pixel.tolist()], np.int64)


@given(SOME)
def test_a_map_is_read_as_it_was_written(counts):
    pixel, count = sparse(counts)
    order, back, values = read_skymap(write_skymap(pixel, count, 2))
    assert order == 2
    assert np.array_equal(back, pixel)
    assert np.array_equal(values, count)


@pytest.mark.parametrize(("held", "scheme"), [(95, "EXPLICIT"), (96, "IMPLICIT")])
def test_a_map_of_few_cells_names_them(held, scheme):
    data = write_skymap(np.arange(held), np.full(held, 7), 2)
    with fits.open(io.BytesIO(data)) as hdus:
        header = hdus[1].header
        assert header["INDXSCHM"] == scheme
        assert (header["PIXTYPE"], header["ORDERING"], header["NSIDE"]) == ("HEALPIX", "NESTED", 4)
        assert len(hdus[1].data) == (held if scheme == "EXPLICIT" else 192)


def test_the_same_map_gives_the_same_bytes():
    pixel, count = np.array([3, 7]), np.array([1, 2])
    assert write_skymap(pixel, count, 3) == write_skymap(pixel, count, 3)


@given(st.lists(SOME, max_size=4))
def test_maps_are_added_cell_by_cell(maps):
    total: dict[int, int] = {}
    for counts in maps:
        for pixel, count in counts.items():
            total[pixel] = total.get(pixel, 0) + count
    found = add_maps(sparse(counts) for counts in maps)
    assert dict(zip(*(part.tolist() for part in found), strict=True)) == total
    assert found[0].tolist() == sorted(total)


@given(SOME)
def test_a_lower_order_keeps_the_sum(counts):
    pixel, count = degrade(*sparse(counts), 2, 0)
    assert count.sum() == sum(counts.values())
    assert set(pixel.tolist()) == {p >> 4 for p in counts}


@given(st.lists(st.integers(0, (12 << 58) - 1), max_size=30), st.integers(0, 29))
def test_rows_are_counted_by_cell(spatial, order):
    rows = np.sort(np.array(spatial, np.int64))
    pixel, count = count_cells(rows, order)
    expected = np.unique(rows >> 2 * (29 - order), return_counts=True)
    assert np.array_equal(pixel, expected[0])
    assert np.array_equal(count, expected[1])


def test_every_file_of_a_catalogue_holds_the_same_rows():
    files, lower = map_files(np.array([5, 800]), np.array([10, 3]), 8)
    assert lower == [2, 4, 6] == lower_orders(8)
    assert set(files) == {"skymap.fits", "point_map.fits"} | {f"skymap.{k}.fits" for k in lower}
    assert {int(read_skymap(data)[2].sum()) for data in files.values()} == {13}
    assert lower_orders(2) == []


def test_the_moc_is_that_of_the_cells_with_rows():
    import mocpy

    pixel = np.array([3, 9, 100, 101, 102, 103])
    found = read_moc(write_moc(pixel, 3))
    assert found.ranges.area_deg2() == pytest.approx(6 * 129_600 / np.pi / (12 << 6))
    assert mocpy.MOC.from_string(found.to_ascii()).to_order(3).flatten().tolist() == pixel.tolist()
    assert read_moc(write_moc(pixel[:0], 3)).area() == 0


def test_the_fraction_of_the_sky_is_that_of_the_cells():
    assert sky_fraction([1, 2, 3], 0) == 0.25


@pytest.mark.parametrize("data", [b"", b"not a map", fits.PrimaryHDU().header.tostring().encode()])
@pytest.mark.filterwarnings("ignore")
def test_what_is_no_map_is_named(data):
    with pytest.raises(DamagedError, match=r"here/skymap\.fits is no HEALPix map"):
        read_skymap(data, "here/skymap.fits")


def test_a_ring_map_is_refused():
    data = write_skymap(np.array([1]), np.array([1]), 2).replace(b"'NESTED  '", b"'RING    '")
    with pytest.raises(DamagedError, match="ORDERING is RING"):
        read_skymap(data)
