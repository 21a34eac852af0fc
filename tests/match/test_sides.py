"""The sides of a match: what is asked of a part of the sky is there, all of it and once."""

from __future__ import annotations

import pickle

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from skyquarry.catalog.columns import SPATIAL
from skyquarry.catalog.margin import cell_distance_arcsec
from skyquarry.catalog.roles import Roles
from skyquarry.engine.catalog import open_catalog
from skyquarry.errors import ColumnError, UserError
from skyquarry.match.given.catalogsides import CatalogSide
from skyquarry.match.given.ordering import ranks, settled, sky_order
from skyquarry.match.given.sides import ROW, along_the_sky
from skyquarry.match.given.tablesides import NOWHERE, TableSide
from skyquarry.sky import healpix
from skyquarry.sky.dilation import around, dilated, order_of
from skyquarry.sky.ranges import Ranges
from skyquarry.sky.vectors import to_radec, to_xyz
from skyquarry.testing.handmade import write_catalog

ROLES = Roles(ra="ra", dec="dec", id="id")


def near(ra, dec, rows, width_deg, seed=1):
    """A table of rows around a place, their ids in no order."""
    random = np.random.default_rng(seed)
    xyz = to_xyz(ra, dec) + random.normal(size=(rows, 3)) * np.radians(width_deg)
    ra, dec = to_radec(xyz / np.linalg.norm(xyz, axis=1)[:, None])
    return pa.table(
        {"id": random.permutation(rows), "ra": ra, "dec": dec, "m": random.random(rows)}
    )


# ---------------------------------------------------------------- a radius around
@given(
    st.integers(0, 12),
    st.floats(0, 1),
    st.floats(0.001, 300_000.0),
    st.integers(0, 1000),
)
@example(0, 0.0, 1e5, 0)
@example(3, 0.999, 3600.0, 1)
@settings(max_examples=60)
def test_all_within_the_radius_of_a_cell_lies_in_it_grown(order, part, radius_arcsec, seed):
    pixel = int(part * ((12 << 2 * order) - 1))
    ra, dec = healpix.center(pixel, order)
    reach = 1.2 * healpix.cap_radius(order) + radius_arcsec / 206_265
    random = np.random.default_rng(seed)
    xyz = to_xyz(ra, dec) + random.normal(size=(300, 3)) * reach
    ra, dec = to_radec(xyz / np.linalg.norm(xyz, axis=1)[:, None])
    within = cell_distance_arcsec(ra, dec, order, pixel) <= radius_arcsec
    grown = dilated(Ranges.from_cells(order, [pixel]), radius_arcsec)
    assert grown.contains(healpix.index(ra, dec)[within]).all()


@pytest.mark.parametrize("place", [(0.0, 90.0), (45.0, 41.8103149), (359.99999, -0.00001)])
@pytest.mark.parametrize("radius_arcsec", [0.0, 0.5, 40.0, 7200.0])
def test_all_within_the_radius_of_rows_lies_around_them(place, radius_arcsec):
    rows, others = near(*place, 50, 0.1), near(*place, 3000, 0.3, seed=2)
    a, b = (to_xyz(t["ra"].to_numpy(), t["dec"].to_numpy()) for t in (rows, others))
    within = (a @ b.T).max(axis=0) >= np.cos(np.radians(radius_arcsec / 3600)) - 1e-15
    found = around(healpix.index(rows["ra"].to_numpy(), rows["dec"].to_numpy()), radius_arcsec)
    there = found.contains(healpix.index(others["ra"].to_numpy(), others["dec"].to_numpy()))
    assert there[within & (radius_arcsec > 0)].all()


@pytest.mark.parametrize("count", [500, 2_500])
def test_many_cells_are_grown_together(count):
    cells = np.arange(count)
    grown = dilated(Ranges.from_cells(5, cells * 3), 10.0)
    one_by_one = Ranges.union(dilated(Ranges.from_cells(5, [c]), 10.0) for c in cells * 3)
    assert one_by_one <= grown


def test_a_radius_wider_than_any_cell_reaches_everywhere():
    assert order_of(40 * 3600 * 4) is None
    assert dilated(Ranges.from_cells(3, [7]), 500_000.0) == Ranges.whole()


def test_a_small_radius_adds_little():
    cell = Ranges.from_cells(5, [100])
    assert dilated(cell, 1.0).area_deg2() < 1.1 * cell.area_deg2()


# ---------------------------------------------------------------- the order of rows
@given(st.lists(st.integers(0, (12 << 58) - 1), max_size=200), st.integers(0, 58))
def test_rows_are_sorted_by_pixel_equal_ones_as_they_came(pixels, coarse):
    pixels = np.array(pixels, np.int64) >> coarse
    np.testing.assert_array_equal(sky_order(pixels), np.argsort(pixels, kind="stable"))


def test_rows_that_agree_in_their_high_bits_are_put_right():
    random = np.random.default_rng(1)
    pixels = (7 << 50) + random.integers(0, 1 << 9, 5000)
    pixels[0], pixels[1] = 0, (12 << 58) - 1
    np.testing.assert_array_equal(sky_order(pixels), np.argsort(pixels, kind="stable"))


def test_ids_decide_within_a_pixel_then_the_row():
    pixels = np.array([1, 5, 5, 5, 5, 9])
    ids = pa.chunked_array([["z", "b", "a", None, "b", "a"]])
    assert settled(pixels, ids).tolist() == [0, 2, 1, 4, 3, 5]


def test_rows_that_are_in_order_stay_as_they_are():
    assert settled(np.array([1, 5, 5]), pa.chunked_array([[3, 1, 2]])) is None


@pytest.mark.parametrize(
    "ids",
    [
        pa.array([2**63 + 1, 2**63 + 2, 0, 2**64 - 1], pa.uint64()),
        pa.array([2**53 + 1, 2**53 + 2, -(2**62), 2**62], pa.int64()),
        pa.array(["b", "ba", "a", "c"]),
        pa.array(["b", "ba", "a", "c"]).dictionary_encode(),
    ],
)
def test_ranks_are_ordered_as_ids_are(ids):
    assert np.argsort(ranks(ids)).tolist() == [2, 0, 1, 3]


# ---------------------------------------------------------------- catalogues
@pytest.fixture(scope="module")
def rows():
    return near(0.003, 41.8, 3000, 0.05)


@pytest.fixture(scope="module", params=[(50, (1.0, 20.0)), (700, 5.0), (5000, None)])
def catalog(request, rows, tmp_path_factory):
    max_rows, margin = request.param
    path = tmp_path_factory.mktemp("sides") / "stars"
    write_catalog(
        path, rows, max_rows=max_rows, margin_arcsec=margin, properties=ROLES.to_properties()
    )
    return open_catalog(path)


def ids_of(fetched, core, ra, dec, arcsec):
    """Sorted ids of the rows that lie within the radius of a cell; each row must be there once."""
    ids = fetched.column("id")
    assert len(set(ids.tolist())) == len(ids)
    distance = cell_distance_arcsec(fetched.column("ra"), fetched.column("dec"), *core)
    return sorted(ids[distance <= arcsec].tolist())


@pytest.mark.parametrize("arcsec", [0.0, 0.9, 4.9, 19.0, 60.0])
@pytest.mark.parametrize("order", [3, 9, 11])
def test_rows_around_a_cell_are_all_there_once(catalog, rows, order, arcsec):
    side = CatalogSide(catalog)
    ra, dec = rows["ra"].to_numpy(), rows["dec"].to_numpy()
    for pixel in np.unique(healpix.index(ra, dec, order))[:6].tolist():
        core = Ranges.from_cells(order, [pixel])
        fetched = side.fetch_around(core, arcsec, ["ra", "dec", "id"]).rows()
        distance = cell_distance_arcsec(ra, dec, order, pixel)
        expected = sorted(rows["id"].to_numpy()[distance <= arcsec].tolist())
        assert ids_of(fetched, (order, pixel), ra, dec, arcsec) == expected
        assert (np.diff(fetched.pixels) >= 0).all()


def test_margins_are_used_where_they_reach(catalog):
    side = CatalogSide(catalog)
    order, pixel = int(catalog.source.tiles.order[0]), int(catalog.source.tiles.pixel[0])
    core = Ranges.from_cells(order, [pixel])
    margins = [catalog.stored.open_margin(name) for name in catalog.stored.margins]
    widest = max((margin.margin_arcsec for margin in margins), default=0.1)
    fetch = side.fetch_around(core, widest - 0.05, ["ra"])
    assert [piece.tile for piece in fetch.pieces] == [0] or not margins
    assert bool(fetch.margin_pieces) == bool(margins)
    assert not side.fetch_around(core, widest, ["ra"]).margin_pieces


@pytest.fixture(params=["catalogue", "table"])
def side(request, catalog, rows):
    return CatalogSide(catalog) if request.param == "catalogue" else TableSide(rows, ROLES, "stars")


def test_a_side_reads_along_the_sky(side, rows):
    table = side.read(None, [SPATIAL, "id", "m"])
    pixels = healpix.index(rows["ra"].to_numpy(), rows["dec"].to_numpy())
    expected = np.lexsort((rows["id"].to_numpy(), pixels))
    assert table[SPATIAL].to_pylist() == pixels[expected].tolist()
    assert table["m"].to_pylist() == rows["m"].take(pa.array(expected)).to_pylist()
    half = Ranges([0], [int(np.median(pixels))])
    part = side.read(half, ["id"])
    assert part["id"].to_pylist() == table["id"][: part.num_rows].to_pylist()
    assert 0 < part.num_rows < 3000


def test_a_fetch_travels(side):
    ranges = Ranges(side.tiles.starts[:1], side.tiles.stops[:1])
    fetch = side.fetch(ranges, ["id", "m"])
    travelled = pickle.loads(pickle.dumps(fetch))
    assert travelled.rows().sorted().select(["id", "m"]) == (
        fetch.rows().sorted().select(["id", "m"])
    )
    assert bool(fetch)
    assert len(pickle.dumps(fetch)) < 400_000


def test_an_empty_part_of_the_sky_gives_no_row_but_the_columns(side):
    nowhere = Ranges.from_cells(5, [11_000])
    assert side.read(nowhere, ["id", SPATIAL]).schema.names == ["id", SPATIAL]
    assert side.read(nowhere, ["id", SPATIAL]).num_rows == 0


def test_cuts_hold_in_the_margins_too(catalog, rows):
    side = CatalogSide(catalog.where("m < 0.5").cone(0.003, 41.8, 200))
    whole = side.read(None, ["id"])["id"].to_pylist()
    cell = catalog.source.tiles
    core = Ranges(cell.starts[:1], cell.stops[:1])
    fetched = side.fetch_around(core, 0.9, ["id", "m"]).rows()
    assert (fetched.column("m") < 0.5).all()
    assert set(fetched.column("id").tolist()) <= set(whole)


def test_a_catalogue_without_an_id_is_named_by_its_pixels(rows, tmp_path):
    write_catalog(tmp_path / "plain", rows, index=None)
    side = CatalogSide(open_catalog(tmp_path / "plain"))
    assert side.roles.id == SPATIAL
    assert "no id" in side.notes[0]


def test_the_first_rows_of_a_catalogue_are_no_side(catalog):
    with pytest.raises(UserError, match=r"first 5 rows, but a match reads tiles"):
        CatalogSide(catalog.head(5))


# ---------------------------------------------------------------- tables
def test_rows_without_a_position_lie_nowhere_and_are_counted():
    table = pa.table(
        {
            "ra": [1.0, None, float("nan"), 4.0, float("inf"), 5.0, -1e-9],
            "dec": [1.0, 2.0, 3.0, 90.0001, 5.0, None, 0.0],
        }
    )
    side = TableSide(table, Roles(ra="ra", dec="dec"), "t")
    assert side.n_placeless == 5
    assert side.set_aside == {
        "no position (null or NaN)": 3,
        "position is infinite": 1,
        "|dec| > 90": 1,
    }
    assert side.read(NOWHERE, [ROW])[ROW].to_pylist() == [1, 2, 3, 4, 5]
    assert int(side.tiles.rows.sum()) == 2


def test_a_table_without_an_id_has_its_rows_numbered(rows):
    side = TableSide(rows, Roles(ra="ra", dec="dec"), "t")
    assert side.roles.id == ROW
    assert sorted(side.read(None, [ROW])[ROW].to_pylist()) == list(range(3000))


def test_a_large_table_is_worked_on_in_pieces():
    random = np.random.default_rng(1)
    table = pa.table({"ra": random.random(400_000), "dec": random.random(400_000)})
    tiles = TableSide(table, Roles(ra="ra", dec="dec"), "t").tiles
    assert len(tiles) >= 4
    assert tiles.rows.max() <= 131_072
    assert tiles.rows.sum() == 400_000


def test_positions_that_are_no_numbers_are_refused():
    table = pa.table({"ra": ["a"], "dec": ["b"]})
    with pytest.raises(ColumnError, match=r"holds string, but numbers are needed"):
        _ = TableSide(table, Roles(ra="ra", dec="dec"), "t").n_rows


def test_a_table_without_roles_of_positions_is_refused():
    with pytest.raises(ColumnError, match=r"name no ra and dec"):
        TableSide(pa.table({"x": [1]}), Roles(), "t")


def test_equal_tables_have_equal_fingerprints(rows):
    one, other = (TableSide(t, ROLES, "t").fingerprint for t in (rows, rows.slice(0)))
    assert one == other
    assert TableSide(rows.slice(1), ROLES, "t").fingerprint != one


@pytest.mark.parametrize("main", [[40, 50, 50, 60], [60, 40, 50, 50], []], ids=str)
@pytest.mark.parametrize("more", [[70, 30], [60, 30], [45], [90, 40, 50, 10], [40]], ids=str)
def test_lent_rows_lie_along_the_sky_with_the_others(main, more):
    tables = []
    for first, pixels in ((0, main), (100, more)):
        ids = pa.array(range(first + len(pixels), first, -1), pa.int64())
        tables.append(pa.table({SPATIAL: pa.array(pixels, pa.int64()), "id": ids}))
    found = along_the_sky(*tables, "id")
    rows = pa.concat_tables(tables).to_pylist()
    expected = sorted(rows, key=lambda row: (row[SPATIAL], row["id"]))
    assert found.sorted().to_pylist() == expected
    assert found.pixels.tolist() == [row[SPATIAL] for row in expected]
