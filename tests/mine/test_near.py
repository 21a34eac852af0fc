"""Two-point counts and lenses against brute force."""

import numpy as np
import pyarrow as pa
import pytest

import skyquarry as sq
from skyquarry.catalog.roles import Roles
from skyquarry.engine.catalog import open_catalog
from skyquarry.errors import ColumnError, UserError
from skyquarry.mine import twopoint
from skyquarry.mine.lensing import lenses
from skyquarry.mine.twopoint import correlation, pair_counts
from skyquarry.sky.vectors import separation_arcsec, to_xyz
from skyquarry.testing.handmade import write_catalog

EDGES = [0.0, 30.0, 60.0, 200.0, 1000.0]


@pytest.fixture(scope="module")
def some(stars):
    return stars.where("id < 300 OR (id > 15000 AND id < 16500)")


@pytest.fixture(scope="module")
def others(stars):
    return stars.where("id > 16500 AND id < 17500")


def _xyz(catalog):
    table = catalog.to_table()
    return to_xyz(np.array(table["ra"]), np.array(table["dec"]))


def _naive(a, b=None):
    first = _xyz(a)
    if b is None:
        i, j = np.triu_indices(len(first), 1)
        return separation_arcsec(first[i], first[j])
    second = _xyz(b)
    i, j = (each.ravel() for each in np.indices((len(first), len(second))))
    return separation_arcsec(first[i], second[j])


@pytest.mark.parametrize("executor", ["inline", None])
def test_pairs_are_counted_as_by_brute_force(some, others, executor):
    for other in (None, others):
        wanted = np.histogram(_naive(some, other), EDGES)[0]
        told = pair_counts(some, other, edges_arcsec=EDGES, executor=executor)
        assert wanted.min() > 0
        assert told["pairs"].to_pylist() == wanted.tolist()
        assert told["low_arcsec"].to_pylist() == EDGES[:-1]
        assert told["high_arcsec"].to_pylist() == EDGES[1:]


def test_a_catalogue_with_itself_counts_each_pair_once(some):
    told = pair_counts(some, some, edges_arcsec=EDGES)
    assert told.equals(pair_counts(some, edges_arcsec=EDGES))


def _of(numbers, home):
    """A catalogue of positions (n, 2)."""
    ra, dec = numbers.T
    table = pa.table({"id": np.arange(len(ra)), "ra": ra % 360.0, "dec": dec})
    roles = Roles(ra="ra", dec="dec", id="id").to_properties()
    write_catalog(home, table, max_rows=500, properties=roles)
    return open_catalog(home)


@pytest.mark.parametrize("place", [(0.0, 0.0), (0.0, 90.0), (45.0, -41.8), (180.0, 1e-3)])
@pytest.mark.parametrize("step", [0.5, 1e-6])
def test_counts_are_those_of_the_pairs_that_a_search_tells(place, step, tmp_path):
    """A lattice, whose distances are the edges themselves; some places twice; 0h and a pole."""
    lattice = np.stack(np.meshgrid(*[np.arange(-20, 21) * step / 3600.0] * 2), axis=-1)
    positions = place + lattice.reshape(-1, 2)
    positions = positions[np.abs(positions[:, 1]) <= 90.0]
    random = np.random.default_rng(7)
    positions = np.concatenate([positions, positions[random.integers(0, len(positions), 200)]])
    edges = step * np.array([1.0, 2.0, 3.0, 5.0, 8.0])
    one = _of(positions, tmp_path / "one")
    for other in (None, _of(positions[::3], tmp_path / "other")):
        both = False if other is None else None
        pairs = sq.pairs(one, other, radius_arcsec=edges[-1], both=both).to_table()
        wanted = np.histogram(np.array(pairs["sep_arcsec"]), edges)[0]
        assert pair_counts(one, other, edges_arcsec=edges)["pairs"].to_pylist() == wanted.tolist()
        assert wanted.min() > 300


@pytest.mark.parametrize("leaf", [1, 7, 1000])
def test_more_pairs_are_counted_than_a_run_may_keep(some, leaf, monkeypatch):
    """On the whole sphere, up to 180 degrees, in fine and coarse bins, whatever the trees."""
    from skyquarry.match.geometry import pairs

    monkeypatch.setattr(pairs, "LIMIT_PAIRS", 10)
    monkeypatch.setattr(pairs, "LIMIT_A_ROW", 0)
    monkeypatch.setattr(twopoint, "LEAF", leaf)
    edges = np.concatenate([np.geomspace(10.0, 1e4, 30), [1e5, 4e5, 648_000.0]])
    wanted = np.histogram(_naive(some), edges)[0]
    assert pair_counts(some, edges_arcsec=edges)["pairs"].to_pylist() == wanted.tolist()
    assert wanted.sum() > 1_000_000


def test_correlation_is_landys_and_szalays(some, others):
    counts = [np.histogram(_naive(*each), EDGES)[0] for each in
              ((some,), (some, others), (others,))]  # fmt: skip
    n, m = len(some), len(others)
    dd, dr, rr = counts[0] / (n * (n - 1) / 2), counts[1] / (n * m), counts[2] / (m * (m - 1) / 2)
    told = correlation(some, others, edges_arcsec=EDGES)
    assert told["dr"].to_pylist() == counts[1].tolist()
    np.testing.assert_allclose(np.array(told["w"]), (dd - 2 * dr + rr) / rr, rtol=1e-12)
    np.testing.assert_allclose(
        np.array(told["w_error"]), (1 + np.array(told["w"])) / np.sqrt(counts[0]), rtol=1e-12
    )


def test_a_bin_without_randoms_has_no_correlation(some, others):
    told = correlation(some, others, edges_arcsec=[0.0, 1e-6, 100.0])
    assert told["w"].to_pylist()[0] is None
    assert told["w"].to_pylist()[1] is not None


@pytest.mark.parametrize("edges", [[1.0], [3.0, 2.0], [-1.0, 2.0], [[0.0, 1.0]]])
def test_edges_that_do_not_rise_are_refused(some, edges):
    with pytest.raises(UserError, match="edges_arcsec"):
        pair_counts(some, edges_arcsec=edges)


def test_lenses_are_those_of_brute_force(some):
    table = some.to_table()
    u, g, r = (np.array(table[name].to_pylist(), float) for name in "ugr")
    i, j = np.triu_indices(table.num_rows, 1)
    xyz = _xyz(some)
    keep = separation_arcsec(xyz[i], xyz[j]) <= 600.0
    for colour in (u - g, g - r):
        keep &= np.abs(colour[j] - colour[i]) <= 0.3
    keep &= np.abs(r[j] - r[i]) > 0.5
    ids = np.array(table["id"])
    wanted = set(zip(ids[i[keep]].tolist(), ids[j[keep]].tolist(), strict=True))
    plan = lenses(some, 600.0, colours=["u - g", "g - r"], within=0.3, brightness="r", differ=0.5)
    told = plan.to_table()
    pairs = list(zip(told["left_id"].to_pylist(), told["right_id"].to_pylist(), strict=True))
    assert len(pairs) > 10
    assert set(pairs) == wanted
    assert len(pairs) == len(wanted)
    at = {row: n for n, row in enumerate(ids.tolist())}
    gaps = [r[at[b]] - r[at[a]] for a, b in pairs]
    np.testing.assert_array_equal(np.array(told["d_brightness"]), gaps)
    assert told.equals(plan.to_table("inline"))
    assert "by more than 0.5" in plan.explain()


def test_lenses_need_colours_that_are_there(some):
    with pytest.raises(UserError, match="a list of texts"):
        lenses(some, colours="u - g", brightness="r")
    with pytest.raises(ColumnError, match="'z'"):
        lenses(some, colours=["g - z"], brightness="r")
