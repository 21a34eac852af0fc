"""The same bytes for any tiling of either side, any margin, and any number of workers."""

from __future__ import annotations

import itertools
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import skyquarry as sq
from skyquarry.catalog.columns import SPATIAL
from skyquarry.catalog.roles import Roles
from skyquarry.catalog.tiling import tiles_from_counts
from skyquarry.engine.catalog import open_catalog
from skyquarry.engine.source import Source
from skyquarry.match.geometry import pairing, searching, units
from skyquarry.match.geometry.joins import Rule
from skyquarry.match.geometry.pairs import PairsNode
from skyquarry.match.geometry.radii import Radius
from skyquarry.match.given.catalogsides import CatalogSide
from skyquarry.sky.vectors import to_radec, to_xyz
from skyquarry.testing import handmade
from skyquarry.testing.trees import Layout, write_tree

ROLES = Roles(ra="ra", dec="dec", id="id").to_properties()
ORDERS = (3, 4, 5, 6, 7, 8, 9)
MARGINS = {3: None, 4: 10.0, 5: (3.0, 60.0), 6: 10.0, 7: 30.0, 8: None, 9: 12.0}


def scattered(rows, seed):
    """Rows about 0h, where three base cells meet, and at the pole; some stand twice."""
    random = np.random.default_rng(seed)
    places = [(0.0, 90.0), (0.0, 41.8103149), (359.9999, 0.0001)]
    xyz = np.concatenate(
        [to_xyz(*place) + random.normal(size=(rows // 3, 3)) * 0.0008 for place in places]
    )
    ra, dec = to_radec(xyz / np.linalg.norm(xyz, axis=1)[:, None])
    table = pa.table(
        {"id": random.permutation(len(ra)), "ra": ra, "dec": dec, "m": random.random(len(ra))}
    )
    return pa.concat_tables([table, table.slice(0, 12), table.slice(0, 4)])


@pytest.fixture(scope="module")
def tables():
    return scattered(900, 1), scattered(700, 2)


@pytest.fixture(scope="module")
def tilings(tables, tmp_path_factory):
    """{(side, order): path} of catalogues with leaves of one order wherever there are rows."""
    folder = tmp_path_factory.mktemp("tilings")
    original = handmade._leaves_of

    def leaves_of(order):
        def at(rows, _):
            cells, counts = np.unique(
                rows[SPATIAL].to_numpy() >> 2 * (29 - order), return_counts=True
            )
            return tiles_from_counts(cells, 2 * counts, order, max_rows=1)

        return at

    paths = {}
    for (side, table), order in itertools.product(zip("ab", tables, strict=True), ORDERS):
        handmade._leaves_of = leaves_of(order)
        try:
            path = folder / f"{order}" / side
            handmade.write_catalog(
                path, table, name=side, margin_arcsec=MARGINS[order], properties=ROLES
            )
        finally:
            handmade._leaves_of = original
        paths[side, order] = str(path)
    return paths


def rows_of(plan, executor=None):
    """The rows as one chunk a column."""
    return plan.to_table(executor).combine_chunks()


@pytest.mark.parametrize(
    ("radius", "keep", "how", "k"),
    [
        (5.0, "all", "inner", None),
        (40.0, "best", "outer", None),
        (40.0, "mutual", "outer", None),
        (900.0, "mutual", "anti", None),
        (900.0, "all", "left", 2),
    ],
)
def test_any_two_tilings_give_the_same_bytes(tilings, radius, keep, how, k):
    options = {"radius_arcsec": radius, "keep": keep, "how": how, "k": k, "columns": "all"}
    expected = rows_of(sq.pairs(tilings["a", 3], tilings["b", 3], **options))
    assert expected.num_rows > 30
    for left, right in [(4, 9), (9, 3), (5, 6), (8, 7), (7, 5)]:
        found = rows_of(sq.pairs(tilings["a", left], tilings["b", right], **options))
        assert found.equals(expected), (left, right)


@pytest.mark.parametrize("limit", ["FEW_ROWS", "UNIT_BYTES"])
@pytest.mark.parametrize(
    ("others", "radius", "keep", "how"),
    [("b", 40.0, "best", "inner"), ("b", 900.0, "mutual", "outer"), (None, 40.0, "all", "inner")],
)
def test_tiles_that_are_worked_on_in_parts_give_the_same_bytes(
    tilings, monkeypatch, limit, others, radius, keep, how
):
    sides = tilings["a", 3], others and tilings[others, 4]
    options = {"radius_arcsec": radius, "keep": keep, "how": how, "columns": "all"}
    whole = sq.pairs(*sides, **options)
    expected = rows_of(whole)
    assert expected.num_rows > 30
    monkeypatch.setattr(units, limit, 20 if limit == "FEW_ROWS" else 4000)
    monkeypatch.setattr(units, "FEW", 1000)
    parts = sq.pairs(*sides, **options)
    assert rows_of(parts).equals(expected)
    assert len(parts.root.units) > len(whole.root.units) + 3


@pytest.mark.parametrize(
    ("others", "how", "both", "radius"),
    [("b", "inner", None, 900.0), ("b", "left", None, 60.0), ("b", "anti", None, 60.0),
     (None, "inner", False, 900.0), (None, "inner", True, 900.0)],
)  # fmt: skip
def test_parts_with_very_many_pairs_are_divided_and_give_the_same_bytes(
    tilings, monkeypatch, others, how, both, radius
):
    sides = tilings["a", 3], others and tilings[others, 4]
    plan = sq.pairs(*sides, radius_arcsec=radius, how=how, columns="all", both=both)
    whole = plan.run()
    expected = whole.table.combine_chunks()
    assert expected.num_rows > 30
    monkeypatch.setattr(pairing, "PART_PAIRS", 10)
    monkeypatch.setattr(searching, "_FEW", 1)
    monkeypatch.setattr(searching.Search, "is_small", False)
    parts = plan.run()
    assert parts.table.combine_chunks().equals(expected)
    assert parts.report["tiles"] > whole.report["tiles"] + 10
    same = [name for name in whole.report if name not in ("seconds", "tiles", "bytes")]
    assert [parts.report[name] for name in same] == [whole.report[name] for name in same]


def test_a_tile_with_its_rows_in_a_corner_is_divided_by_its_rows(tmp_path, monkeypatch):
    random = np.random.default_rng(3)
    ra, dec = 10.0 + random.random(8_000), 20.0 + random.random(8_000)
    table = pa.table({"id": np.arange(8_000), "ra": ra, "dec": dec})
    options = handmade.Options(row_group_rows=200)
    handmade.write_catalog(
        tmp_path / "corner", table, max_rows=100_000, properties=ROLES, options=options
    )
    whole = sq.pairs(tmp_path / "corner", radius_arcsec=30.0)
    assert len(whole.root.left.tiles) == len(whole.root.units) == 1
    monkeypatch.setattr(units, "FEW_ROWS", 1000)
    parts = sq.pairs(tmp_path / "corner", radius_arcsec=30.0)
    rows = parts.root.units.rows
    assert 8 <= len(rows) <= 20
    assert rows.max() <= 1000
    assert rows.sum() == pytest.approx(8_000, rel=0.1)
    assert (parts.root.units.starts[1:] >= parts.root.units.stops[:-1]).all()
    assert rows_of(parts).equals(rows_of(whole))


@pytest.mark.parametrize("order", [3, 6])
def test_no_row_lies_where_the_crowding_of_a_side_has_no_cell(tilings, order):
    side = CatalogSide(open_catalog(tilings["a", order]))
    pixels, cells = side.read(None, [SPATIAL]).column(SPATIAL).to_numpy(), side.crowding
    assert len(cells) > len(side.tiles)
    assert (cells.find(pixels) >= 0).all()
    assert (cells.starts[1:] >= cells.stops[:-1]).all()
    assert len(pixels) <= cells.rows.sum() < 1.1 * len(pixels) + len(cells)


def test_tables_give_the_bytes_of_catalogues(tilings, tables, tmp_path):
    paths = [tmp_path / name for name in ("a.parquet", "b.parquet")]
    for table, path in zip(tables, paths, strict=True):
        pq.write_table(table, path)
    for how in ("outer", "anti"):
        options = {"radius_arcsec": 20.0, "how": how, "columns": "all"}
        expected = rows_of(sq.pairs(tilings["a", 9], tilings["b", 5], **options))
        for left, right in itertools.product(
            [tilings["a", 6], paths[0]], [tilings["b", 7], paths[1]]
        ):
            assert rows_of(sq.pairs(left, right, **options)).equals(expected)


@pytest.mark.parametrize("keep", ["all", "best", "mutual"])
def test_one_table_in_any_tiling_gives_the_same_bytes(tilings, tables, keep):
    options = {"radius_arcsec": 30.0, "keep": keep}
    expected = rows_of(sq.pairs(tilings["a", 3], **options))
    for order in (4, 5, 9):
        assert rows_of(sq.pairs(tilings["a", order], **options)).equals(expected)
    assert rows_of(sq.pairs(tables[0], **options)).equals(expected)


def test_shuffled_rows_give_the_same_pairs(tables):
    a, b = (t.slice(0, t.num_rows - 16) for t in tables)  # less those that stand twice
    mixed = [t.take(pa.array(np.random.default_rng(5).permutation(t.num_rows))) for t in (a, b)]
    options = {"radius_arcsec": 30.0, "how": "outer", "columns": "all"}
    assert rows_of(sq.pairs(*mixed, **options)).equals(rows_of(sq.pairs(a, b, **options)))


def test_swapped_catalogues_give_the_same_pairs(tilings):
    there = sq.pairs(tilings["a", 6], tilings["b", 8], radius_arcsec=30.0).to_table().to_pylist()
    back = sq.pairs(tilings["b", 5], tilings["a", 9], radius_arcsec=30.0).to_table().to_pylist()
    key = lambda row: (row["left_id"], row["right_id"], row["sep_arcsec"])  # noqa: E731
    swapped = [
        {"left_id": r["right_id"], "right_id": r["left_id"], "sep_arcsec": r["sep_arcsec"]}
        for r in back
    ]
    there, swapped = sorted(there, key=key), sorted(swapped, key=key)
    assert [key(r)[:2] for r in there] == [key(r)[:2] for r in swapped]
    assert (
        max(abs(x["sep_arcsec"] - y["sep_arcsec"]) for x, y in zip(there, swapped, strict=True))
        < 1e-12 * 30
    )


def test_any_number_of_workers_gives_the_same_bytes(tilings, tables):
    options = {"radius_arcsec": 30.0, "keep": "mutual", "how": "outer", "columns": "all"}
    plans = [
        sq.pairs(tilings["a", 5], tilings["b", 6], **options),
        sq.pairs(tilings["a", 5], tables[1].rename_columns(["id", "ra", "dec", "m"]), **options),
    ]
    with (
        ThreadPoolExecutor(8) as eight,
        ThreadPoolExecutor(1) as one,
        ProcessPoolExecutor(2, get_context("spawn")) as processes,
    ):
        for plan in plans:
            expected = rows_of(plan, "inline")
            for executor in (None, one, eight, processes):
                assert rows_of(plan, executor).equals(expected)


@pytest.mark.parametrize("stored", ["_healpix_29", None])
def test_trees_of_other_writers_give_the_same_rows(tilings, tables, tmp_path, stored):
    options = {"radius_arcsec": 20.0, "how": "outer"}
    expected = rows_of(sq.pairs(tilings["a", 5], tilings["b", 5], **options))
    paths = []
    for name, table, order in (("a", tables[0], 4), ("b", tables[1], 7)):
        layout = Layout(order=order, healpix=stored, sort=name == "a", properties=ROLES)
        paths.append(write_tree(tmp_path / name, table, layout))
    assert rows_of(sq.pairs(*paths, **options)).equals(expected)


def test_a_small_list_reads_an_archive_around_its_rows_only(tmp_path):
    random = np.random.default_rng(1)
    ra, dec = random.random(60_000) * 3, random.random(60_000) * 3
    many = pa.table({"id": np.arange(60_000), "ra": ra, "dec": dec})
    handmade.write_catalog(
        tmp_path / "many",
        many,
        max_rows=100_000,
        properties=ROLES,
        options=handmade.Options(row_group_rows=500),
    )
    catalog = open_catalog(tmp_path / "many")
    few = many.slice(0, 3)
    for pair in ((few, catalog), (catalog, few)):
        before = catalog.stored.decoded.rows
        table = sq.pairs(*pair, radius_arcsec=1.0).to_table()
        assert set(table["left_id"].to_pylist()) >= {0, 1, 2}
        assert catalog.stored.decoded.rows - before < 6_000


def test_a_plan_over_a_million_tiles_is_made_from_small_files(tmp_path):
    """Nothing of these tiles is there but the list of them."""
    import time

    paths = []
    for name in ("one", "other"):
        folder = tmp_path / name
        (folder / "dataset").mkdir(parents=True)
        tiles = 1_000_000
        lines = "\n".join(f"9,{p + 1000 * (name == 'other')},7000" for p in range(tiles))
        (folder / "partition_info.csv").write_text(f"Norder,Npix,num_rows\n{lines}\n")
        schema = pa.schema([("id", pa.int64()), ("ra", pa.float64()), ("dec", pa.float64())])
        pq.write_metadata(schema, folder / "dataset" / "_common_metadata")
        keys = {
            "obs_collection": name,
            "dataproduct_type": "object",
            "hats_nrows": 7000 * tiles,
            "hats_col_ra": "ra",
            "hats_col_dec": "dec",
            **ROLES,
        }
        (folder / "hats.properties").write_text("".join(f"{k}={v}\n" for k, v in keys.items()))
        paths.append(folder)
    begun = time.process_time()
    plan = sq.pairs(*paths, radius_arcsec=1.0, keep="best")
    text = plan.explain()
    key, _, (_, left, right, core) = next(iter(plan.root.tasks()))
    assert time.process_time() - begun < 15
    assert "other: 7,000,000,000 rows in 1,000,000 tiles" in text
    assert len(plan.root) == pytest.approx(1_000_000, rel=0.01)
    assert plan.root.weight(key) > 7000 * 24
    assert len(left.pieces) == 1
    assert len(right.pieces) <= 9
    assert len(core) == 1


def test_a_node_made_by_hand_is_the_same_plan(tilings):
    left, right = (CatalogSide(open_catalog(tilings[s, 5])) for s in "ab")
    node = PairsNode(left, right, Radius(5.0), rule=Rule("best"))
    table = sq.Plan(node).to_table()
    assert table.equals(
        sq.pairs(tilings["a", 5], tilings["b", 5], radius_arcsec=5.0, keep="best").to_table()
    )
    assert isinstance(left.source, Source)
