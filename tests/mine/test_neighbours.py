"""Tables of neighbours kept beside a catalogue, and maps."""

import numpy as np
import pyarrow as pa
import pytest

from skyquarry.errors import ExistsError, QueryError, UserError
from skyquarry.mine.cellmaps import cell_statistics
from skyquarry.mine.neighbours import neighbours
from skyquarry.sky import htm
from skyquarry.sky.vectors import separation_arcsec, to_xyz


@pytest.fixture(scope="module")
def field(tmp_path_factory):
    from skyquarry.ingest.build import build

    random = np.random.default_rng(3)
    table = pa.table({"id": np.arange(1500), "ra": random.random(1500) * 2.0,
                      "dec": random.random(1500)})  # fmt: skip
    home = tmp_path_factory.mktemp("field") / "field"
    return build(table, home, ra="ra", dec="dec", id="id", max_rows=400, progress=False)


def _naive(catalog, radius):
    table = catalog.to_table()
    ids, xyz = np.array(table["id"]), to_xyz(np.array(table["ra"]), np.array(table["dec"]))
    i, j = (each.ravel() for each in np.indices((len(ids), len(ids))))
    sep = separation_arcsec(xyz[i], xyz[j])
    near = (sep <= radius) & (i != j)
    return sorted(
        zip(ids[i[near]].tolist(), sep[near].tolist(), ids[j[near]].tolist(), strict=True)
    )


def test_neighbours_are_a_child_that_the_catalogue_finds(field):
    wanted = _naive(field, 90.0)
    child = neighbours(field, 90.0, executor="inline")
    assert list(field.children()) == [child.name] == ["field_neighbours"]
    rows = child.select(["id", "neighbour_id"]).to_table()
    told = sorted(zip(*(rows[n].to_pylist() for n in ("id", "neighbour_id")), strict=True))
    assert len(told) > 100
    assert told == sorted((a, b) for a, _, b in wanted)
    joined = field.join_child("field_neighbours").to_table()
    assert joined.num_rows == len(told)
    with pytest.raises(ExistsError):
        neighbours(field, 90.0)
    few = neighbours(field, 90.0, nearest=2, overwrite=True)
    by_row = {}
    for a, _, b in wanted:
        by_row.setdefault(a, []).append(b)
    two = sorted((a, b) for a, each in by_row.items() for b in each[:2])
    rows = few.to_table()
    assert two == sorted(zip(*(rows[n].to_pylist() for n in ("id", "neighbour_id")), strict=True))
    assert few.properties["skyquarry_neighbours_nearest"] == "2"


def test_neighbours_are_of_whole_catalogues(field):
    with pytest.raises(UserError, match="is cut"):
        neighbours(field.where("id < 5"))


@pytest.mark.parametrize("scheme", ["healpix", "htm"])
def test_maps_are_those_of_brute_force(stars, scheme):
    told = cell_statistics(stars, ["u", "g - r"], order=3, scheme=scheme, executor="inline")
    table = stars.select(["ra", "dec", "u", "g", "r", "_healpix_29"]).to_table()
    if scheme == "htm":
        cells = htm.index_radec(np.array(table["ra"]), np.array(table["dec"]), 3)
    else:
        cells = np.array(table["_healpix_29"]) >> 2 * 26
    u, g, r = (np.array(table[name].to_pylist(), float) for name in "ugr")
    assert told["cell"].to_pylist() == np.unique(cells).tolist()
    rows = told.to_pylist()
    for row in rows[::25]:
        here = cells == row["cell"]
        assert row["count"] == here.sum()
        for d, values in (("1", u[here]), ("2", (g - r)[here])):
            known = values[np.isfinite(values)]
            assert row[f"count_{d}"] == len(known)
            wanted = known.mean(), known.std(), known.min(), known.max()
            told_of = [row[f"{name}_{d}"] for name in ("mean", "std", "min", "max")]
            assert told_of == pytest.approx(wanted, rel=1e-9)
    assert told.equals(cell_statistics(stars, ["u", "g - r"], order=3, scheme=scheme))


@pytest.mark.parametrize("step", [0.5, 7.0, 90.0])
def test_a_grid_counts_as_numpy_does(stars, step):
    ra_edges = np.append(np.arange(0.0, 360.0, step), 360.0)
    dec_edges = np.append(np.arange(-90.0, 90.0, step), 90.0)
    table = stars.to_table()
    ra, dec, r = (np.array(table[name]) for name in ("ra", "dec", "r"))
    wanted = np.histogram2d(dec, ra, [dec_edges, ra_edges])[0].ravel()
    total = np.histogram2d(dec, ra, [dec_edges, ra_edges], weights=r)[0].ravel()
    told = cell_statistics(stars, ["r"], scheme="grid", step_deg=step)
    cell = np.array(told["cell"])
    assert cell.tolist() == np.flatnonzero(wanted).tolist()
    assert told["count"].to_pylist() == wanted[cell].tolist()
    np.testing.assert_allclose(np.array(told["mean_1"]), (total / np.maximum(wanted, 1))[cell])
    middles = [(each[1:] + each[:-1]) / 2 for each in (dec_edges, ra_edges)]
    row, column = np.divmod(cell, len(middles[1]))
    np.testing.assert_allclose(np.array(told["dec"]), middles[0][row], atol=1e-9)
    np.testing.assert_allclose(np.array(told["ra"]), middles[1][column])


def test_a_grid_has_a_step_and_nothing_else_has_one(stars):
    for how in ({"scheme": "grid"}, {"step_deg": 1.0}, {"scheme": "grid", "step_deg": 0.0},
                {"scheme": "grid", "step_deg": "1"}):  # fmt: skip
        with pytest.raises(UserError, match="step_deg"):
            cell_statistics(stars, **how)


def test_a_map_says_what_is_missing_and_where_cells_are(stars):
    told = cell_statistics(stars.where("u IS NULL AND id < 30"), ["u"], order=5)
    assert told["mean_1"].null_count == told.num_rows > 0
    assert told["count_1"].to_pylist() == [0] * told.num_rows
    assert told.schema.field("mean_1").metadata[b"description"] == b"u"
    none = cell_statistics(stars.where("id < 0"), ["u"])
    assert none.num_rows == 0
    with pytest.raises(UserError, match="order is 30"):
        cell_statistics(stars, order=30)
    with pytest.raises(UserError, match="a list of texts"):
        cell_statistics(stars, "u")


def test_a_query_calls_the_one_table_of_neighbours_neighbors(field):
    from skyquarry.adql.asking import query
    from skyquarry.engine.archive import archive

    child = neighbours(field, 60.0, overwrite=True)
    assert child.properties["skyquarry_neighbours_version"] == field.stored.version == "v1"
    sky = archive(field.stored.home.parent.root)
    text = ("SELECT n.id, n.sep_arcsec FROM field AS f JOIN Neighbors AS n ON n.id = f.id "
            "WHERE n.sep_arcsec < 30 AND f.dec > 0.5")  # fmt: skip
    found = query(text, archive=sky).to_table()
    dec = dict(zip(*(field.to_table()[n].to_pylist() for n in ("id", "dec")), strict=True))
    wanted = [a for a, sep, _ in _naive(field, 60.0) if sep < 30 and dec[a] > 0.5]
    assert sorted(found["id"].to_pylist()) == sorted(wanted)
    assert len(wanted) > 5
    query("SELECT id FROM NEIGHBOURS", archive=sky)


def test_neighbours_of_rows_that_are_no_more_are_not_called_neighbors(tmp_path):
    """Those of the version before, when a catalogue was built again without them."""
    from skyquarry.adql.adding import add_column
    from skyquarry.adql.asking import query
    from skyquarry.engine.archive import archive
    from skyquarry.ingest.build import build

    def built(n, **how):
        table = pa.table({"id": np.arange(n), "ra": np.arange(n) * 1e-3, "dec": np.zeros(n)})
        return build(table, tmp_path / "f", ra="ra", dec="dec", id="id", progress=False, **how)

    neighbours(built(20), 5.0)
    add_column(tmp_path / "f", "twice", "2 * ra")
    text = "SELECT COUNT(*) AS n FROM NEIGHBORS"
    assert query(text, archive=archive(tmp_path)).to_table()["n"].to_pylist() == [38]
    again = built(30, overwrite=True)
    with pytest.raises(QueryError, match="made of another version of f: make it again"):
        query(text, archive=archive(tmp_path))
    named = query("SELECT COUNT(*) AS n FROM f_neighbours", archive=archive(tmp_path))
    assert named.to_table()["n"].to_pylist() == [38]
    neighbours(again, 5.0, overwrite=True)
    assert query(text, archive=archive(tmp_path)).to_table()["n"].to_pylist() == [58]
