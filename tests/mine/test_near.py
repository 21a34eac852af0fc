"""Two-point counts and lenses against brute force."""

import numpy as np
import pytest

from skyquarry.errors import ColumnError, UserError
from skyquarry.mine.lensing import lenses
from skyquarry.mine.twopoint import correlation, pair_counts
from skyquarry.sky.vectors import separation_arcsec, to_xyz

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


def test_many_pairs_are_counted_in_blocks(some, monkeypatch):
    from skyquarry.mine import near

    wanted = pair_counts(some, edges_arcsec=[0.0, 20_000.0])
    monkeypatch.setattr(near, "PART_PAIRS", 10_000)
    assert pair_counts(some, edges_arcsec=[0.0, 20_000.0]).equals(wanted)
    assert wanted["pairs"][0].as_py() > 500_000


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


def test_values_are_binned_as_numpy_bins_them():
    from skyquarry.mine.kernels import binned

    values = np.append(np.random.default_rng(3).integers(-2, 30, 500) / 2.0, np.nan)
    for edges in ([0.0, 10.0], [0.0, 1.0, 2.5, 2.75, 10.0], [3.0, 5.0, 9.0, 14.5]):
        counts = np.zeros(len(edges) - 1, np.int64)
        binned(values, np.array(edges), counts)
        assert counts.tolist() == np.histogram(values[:-1], edges)[0].tolist()
