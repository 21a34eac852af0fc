"""`sq.pairs`: every pair and no other, however it is joined and whatever is given."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest
from astropy.table import Table
from hypothesis import given, settings
from hypothesis import strategies as st

import skyquarry as sq
from skyquarry.catalog.roles import Roles
from skyquarry.errors import ColumnError, NotFoundError, PositionError, UserError
from skyquarry.sky.vectors import separation_arcsec, to_radec, to_xyz
from skyquarry.testing.handmade import write_catalog

ROLES = Roles(ra="ra", dec="dec", id="id").to_properties()
PLACES = [(0.0, 90.0), (123.0, -89.999), (0.0, 0.0), (45.0, 41.8103149), (359.9999, -20.0)]


def near(ra, dec, rows, width_deg, seed=1):
    """A table of rows around a place, ids in no order."""
    random = np.random.default_rng(seed)
    xyz = to_xyz(ra, dec) + random.normal(size=(rows, 3)) * np.radians(width_deg)
    ra, dec = to_radec(xyz / np.linalg.norm(xyz, axis=1)[:, None])
    return pa.table(
        {"id": random.permutation(rows) + 2**60, "ra": ra, "dec": dec, "m": random.random(rows)}
    )


def brute(a, b, radius):
    """{(row of a, row of b): separation} of all pairs within the radius, one or one a row of a."""
    xyz = [to_xyz(t["ra"].to_numpy(), t["dec"].to_numpy()) for t in (a, b)]
    i, j = (g.ravel() for g in np.meshgrid(range(len(a)), range(len(b)), indexing="ij"))
    sep = separation_arcsec(xyz[0][i], xyz[1][j])
    within = sep <= np.broadcast_to(radius, len(a))[i]
    return dict(
        zip(zip(i[within].tolist(), j[within].tolist(), strict=True), sep[within], strict=True)
    )


def best(pairs, ids, side=0):
    """The nearest of each row of one side: the lower id where two are as near."""
    found = {}
    for pair in sorted(pairs, key=lambda p: (pairs[p], ids[p[1 - side]])):
        found.setdefault(pair[side], pair)
    return set(found.values())


def by_id(pairs, a, b):
    left, right = a["id"].to_pylist(), b["id"].to_pylist()
    return {(left[i], right[j]) for i, j in pairs}


def ids(table):
    return list(zip(table["left_id"].to_pylist(), table["right_id"].to_pylist(), strict=True))


# ---------------------------------------------------------------- against brute force
@given(st.sampled_from(PLACES), st.floats(0.0005, 2.0), st.floats(0.1, 3.0), st.integers(0, 9999))
@settings(max_examples=30)
def test_all_pairs_are_those_of_brute_force(place, width, share, seed):
    a, b = near(*place, 60, width, seed), near(*place, 80, width, seed + 1)
    radius = share * width * 3600
    table = sq.pairs(a, b, radius_arcsec=radius).to_table("inline")
    expected = brute(a, b, radius)
    assert set(ids(table)) == by_id(expected, a, b)
    assert table.num_rows == len(expected)
    seps = {key: sep for (i, j), sep in expected.items() for key in by_id([(i, j)], a, b)}
    got = dict(zip(ids(table), table["sep_arcsec"].to_pylist(), strict=True))
    assert all(abs(got[key] - sep) < 1e-8 for key, sep in seps.items())


@pytest.mark.parametrize("place", PLACES)
def test_best_and_mutual_best_are_those_of_brute_force(place):
    a, b = near(*place, 200, 0.01), near(*place, 150, 0.01, 2)
    every = brute(a, b, 20.0)
    left = best(every, b["id"].to_pylist())
    right = best(every, a["id"].to_pylist(), side=1)
    nearest = sq.pairs(a, b, radius_arcsec=20.0, keep="best").to_table()
    mutual = sq.pairs(a, b, radius_arcsec=20.0, keep="mutual").to_table()
    assert set(ids(nearest)) == by_id(left, a, b)
    assert set(ids(mutual)) == by_id(left & right, a, b)
    assert 0 < mutual.num_rows < nearest.num_rows < 200


def test_the_k_nearest_are_those_of_brute_force():
    a, b = near(10.0, 20.0, 100, 0.01), near(10.0, 20.0, 200, 0.01, 2)
    every = brute(a, b, 60.0)
    expected = {
        pair
        for _, group in itertools.groupby(
            sorted(every, key=lambda p: (p[0], every[p])), lambda p: p[0]
        )
        for pair in itertools.islice(group, 3)
    }
    table = sq.pairs(a, b, radius_arcsec=60.0, k=3).to_table()
    assert set(ids(table)) == by_id(expected, a, b)


def test_joins_keep_the_rows_that_have_no_pair():
    a, b = near(0.0, 45.0, 120, 0.02), near(0.0, 45.0, 90, 0.02, 2)
    every = by_id(brute(a, b, 15.0), a, b)
    alone = {i for i in a["id"].to_pylist() if i not in {i for i, _ in every}}
    single = {j for j in b["id"].to_pylist() if j not in {j for _, j in every}}
    found = {how: sq.pairs(a, b, radius_arcsec=15.0, how=how).to_table() for how in
             ("inner", "left", "outer", "anti")}  # fmt: skip
    lonely = {(i, None) for i in alone}
    assert set(ids(found["inner"])) == every
    assert set(ids(found["left"])) == every | lonely
    assert set(ids(found["outer"])) == every | lonely | {(None, j) for j in single}
    assert set(ids(found["anti"])) == lonely
    assert alone
    assert single
    assert found["outer"].num_rows == len(every) + len(alone) + len(single)
    assert found["left"]["sep_arcsec"].null_count == len(alone)


def test_an_outer_join_of_the_best_keeps_right_rows_that_are_nobodys_best():
    a, b = near(0.0, 45.0, 120, 0.02), near(0.0, 45.0, 90, 0.02, 2)
    chosen = by_id(best(brute(a, b, 60.0), b["id"].to_pylist()), a, b)
    table = sq.pairs(a, b, radius_arcsec=60.0, keep="best", how="outer").to_table()
    single = {(None, j) for j in b["id"].to_pylist() if j not in {j for _, j in chosen}}
    assert {pair for pair in ids(table) if pair[0] is None} == single


def test_rows_lie_along_the_sky_then_by_separation():
    a, b = near(30.0, -10.0, 300, 0.02), near(30.0, -10.0, 300, 0.02, 2)
    from skyquarry.sky.healpix import index

    for how in ("inner", "outer"):
        table = sq.pairs(a, b, radius_arcsec=20.0, how=how, columns="all").to_table()
        ra, dec = (
            np.where(pd.isna(left), right, left).astype(float)
            for left, right in (
                (table["left_1_ra"].to_pandas(), table["right_2_ra"].to_pandas()),
                (table["left_1_dec"].to_pandas(), table["right_2_dec"].to_pandas()),
            )
        )
        pixels = index(ra, dec)
        assert (np.diff(pixels) >= 0).all()
        sep = table["sep_arcsec"].fill_null(0.0).to_numpy()
        same = np.array(table["left_id"].fill_null(-1).to_pylist())
        assert (np.diff(sep)[np.diff(same) == 0] >= 0).all()


# ---------------------------------------------------------------- the golden edges
@pytest.fixture(scope="module")
def edges(golden):
    names = ("edge_A", "edge_B", "edge_pairs_within_2arcsec")
    return [pq.read_table(golden / f"{name}.parquet") for name in names]


EDGE = {"ra": "ra_deg", "dec": "dec_deg", "id": "row"}


@pytest.mark.parametrize(("radius", "number"), [(2.0, 40), (1.0, None)])
def test_the_golden_edge_pairs_are_found_and_no_other(edges, radius, number):
    a, b, pairs = edges
    keep = [True] * pairs.num_rows if number else pairs["in_1arcsec"].to_pylist()
    expected = {
        (row["row_a"], row["row_b"]): row["sep_arcsec"]
        for row, kept in zip(pairs.to_pylist(), keep, strict=True)
        if kept
    }
    table = sq.pairs((a, EDGE), (b, EDGE), radius_arcsec=radius).to_table()
    got = dict(zip(ids(table), table["sep_arcsec"].to_pylist(), strict=True))
    assert set(got) == set(expected)
    assert number in (None, len(expected))
    assert all(abs(got[pair] - sep) < 1e-9 for pair, sep in expected.items())


def test_rows_that_cannot_match_are_counted_and_kept_by_joins(edges):
    a, b, _ = edges
    result = sq.pairs((a, EDGE), (b, EDGE), radius_arcsec=2.0, how="outer").run()
    assert {20, 21, 22, 23} <= {i for i, j in ids(result.table) if j is None}
    told = result.report["set_aside"]["left"]
    assert told == {"no position (null or NaN)": 2, "position is infinite": 1, "|dec| > 90": 1}
    assert ids(result.table)[-1][0] in (None, 20, 21, 22, 23)


def test_ties_go_to_the_lower_id():
    centre = pa.table({"id": [1], "ra": [300.0], "dec": [-30.0]})
    around = pa.table({"id": [9, 4, 7], "ra": [300.0] * 3, "dec": [-30.0] * 3})
    table = sq.pairs(centre, around, radius_arcsec=1.0, keep="best").to_table()
    assert ids(table) == [(1, 4)]
    every = sq.pairs(centre, around, radius_arcsec=1.0).to_table()
    assert [j for _, j in ids(every)] == [4, 7, 9]


# ---------------------------------------------------------------- one table
def test_pairs_within_a_table_are_given_once_or_both_ways():
    a = near(0.0, 90.0, 200, 0.01)
    every = {p for p in brute(a, a, 10.0) if p[0] != p[1]}
    once = sq.pairs(a, radius_arcsec=10.0).to_table()
    both = sq.pairs(a, a, radius_arcsec=10.0, both=True).to_table()
    assert set(ids(both)) == by_id(every, a, a)
    assert both.num_rows == 2 * once.num_rows == len(every)
    assert {frozenset(p) for p in ids(once)} == {frozenset(p) for p in ids(both)}


def test_neighbours_within_a_table_are_those_of_brute_force():
    a = near(10.0, 0.0, 200, 0.01)
    every = {p: s for p, s in brute(a, a, 60.0).items() if p[0] != p[1]}
    nearest = best(every, a["id"].to_pylist())
    table = sq.pairs(a, radius_arcsec=60.0, keep="best").to_table()
    assert set(ids(table)) == by_id(nearest, a, a)
    mutual = sq.pairs(a, radius_arcsec=60.0, keep="mutual").to_table()
    expected = {frozenset(p) for p in nearest if (p[1], p[0]) in nearest}
    assert {frozenset(p) for p in ids(mutual)} == {
        frozenset(p) for p in by_id(map(tuple, expected), a, a)
    }
    assert mutual.num_rows == len(expected)


def test_rows_at_one_place_are_pairs_but_no_row_with_itself():
    a = pa.table({"id": [5, 5, 6], "ra": [1.0, 1.0, 1.0], "dec": [2.0, 2.0, 2.0]})
    table = sq.pairs(a, radius_arcsec=0.0).to_table()
    assert ids(table) == [(5, 5), (5, 6), (5, 6)]


def test_a_catalogue_given_twice_is_one_table(tmp_path):
    write_catalog(tmp_path / "stars", near(5.0, 5.0, 300, 0.01), properties=ROLES)
    path = tmp_path / "stars"
    twice = sq.pairs(str(path), sq.open(path), radius_arcsec=5.0)
    assert twice.to_table() == sq.pairs(path, radius_arcsec=5.0).to_table()
    assert "pairs within stars, each once" in twice.explain()


# ---------------------------------------------------------------- radii
def test_a_radius_may_be_each_rows_own():
    a, b = near(10.0, 70.0, 100, 0.01), near(10.0, 70.0, 100, 0.01, 2)
    radii = np.random.default_rng(3).random(100) * 40
    radii[:5] = np.nan
    expected = by_id(brute(a, b, radii), a, b)
    a = a.append_column("err", pa.array(radii))
    by_column = sq.pairs(a, b, radius_arcsec="err").run()
    assert set(ids(by_column.table)) == expected
    assert by_column.report["set_aside"]["left"] == {"no radius": 5}
    by_array = sq.pairs(a, b, radius_arcsec=radii).to_table()
    assert ids(by_array) == ids(by_column.table)


def test_radii_of_both_sides_are_added():
    a, b = near(10.0, 70.0, 100, 0.01), near(10.0, 70.0, 100, 0.01, 2)
    random = np.random.default_rng(3)
    ours, theirs = random.random(100) * 20, random.random(100) * 20
    sums = ours[:, None] + theirs[None, :]
    every = brute(a, b, 40.0)
    expected = by_id([p for p, sep in every.items() if sep <= sums[p]], a, b)
    assert set(ids(sq.pairs(a, b, radius_arcsec=(ours, theirs)).to_table())) == expected
    swapped = sq.pairs(b, a, radius_arcsec=(theirs, ours)).to_table()
    assert {(i, j) for j, i in ids(swapped)} == expected


def test_a_separation_equal_to_the_radius_is_within_it():
    a, b = (pa.table({"id": [1], "ra": [10.0], "dec": [d]}) for d in (20.0, 20.001))
    sep = sq.pairs(a, b, radius_arcsec=10.0).to_table()["sep_arcsec"][0].as_py()
    assert sq.pairs(a, b, radius_arcsec=sep).to_table().num_rows == 1
    assert sq.pairs(a, b, radius_arcsec=np.nextafter(sep, 0)).to_table().num_rows == 0


@pytest.mark.parametrize("radius", [0.0, 1e-6, 648_000.0])
def test_extreme_radii_are_right(radius):
    a = pa.table({"id": [1, 2], "ra": [10.0, 190.0], "dec": [20.0, -20.0]})
    b = pa.table({"id": [1, 2], "ra": [370.0, 10.0], "dec": [20.0, 20.0 + 1e-9]})
    found = set(ids(sq.pairs(a, b, radius_arcsec=radius).to_table()))
    expected = {0.0: {(1, 1)}, 1e-6: {(1, 1)}, 648_000.0: {(1, 1), (1, 2), (2, 1), (2, 2)}}
    assert found == expected[radius]


# ---------------------------------------------------------------- columns
def test_all_columns_are_named_after_their_table(tmp_path):
    a, b = near(5.0, 5.0, 50, 0.002), near(5.0, 5.0, 50, 0.002, 2)
    pq.write_table(a, tmp_path / "gaia-dr3.parquet")
    pyarrow.csv.write_csv(b, tmp_path / "wise.csv")
    table = sq.pairs(
        tmp_path / "gaia-dr3.parquet", tmp_path / "wise.csv", radius_arcsec=5.0, columns="all"
    ).to_table()
    names = [f"{side}_{name}" for side in ("gaia_dr3", "wise") for name in ("id", "ra", "dec", "m")]
    assert table.schema.names == ["left_id", "right_id", "sep_arcsec", *names]
    assert table["left_id"].to_pylist() == table["gaia_dr3_id"].to_pylist()
    m = dict(zip(b["id"].to_pylist(), b["m"].to_pylist(), strict=True))
    assert [m[j] for _, j in ids(table)] == table["wise_m"].to_pylist()


def test_equal_names_are_numbered():
    a, b = near(5.0, 5.0, 50, 0.002), near(5.0, 5.0, 50, 0.002, 2)
    plan = sq.pairs((a, "gaia"), (b, "gaia"), radius_arcsec=5.0, columns="all")
    assert plan.schema.names[3] == "gaia_1_id"
    assert plan.schema.names[-1] == "gaia_2_m"
    one = sq.pairs(a, radius_arcsec=5.0, columns="all")
    assert one.schema.names[3:5] == ["table_1_id", "table_1_ra"]
    assert one.schema.names[-1] == "table_2_m"


def test_some_columns_may_be_asked_for_by_their_own_names():
    a, b = near(5.0, 5.0, 50, 0.002).append_column("x", pa.array(range(50))), near(5.0, 5.0, 9, 1)
    assert sq.pairs(a, b, radius_arcsec=1, columns=["x"]).schema.names[3:] == ["left_1_x"]
    with pytest.raises(ColumnError, match=r"'m' is in both tables.*left_1_m or right_2_m"):
        sq.pairs(a, b, radius_arcsec=1, columns=["m"])
    with pytest.raises(ColumnError, match="left_1_zz"):
        sq.pairs(a, b, radius_arcsec=1, columns=["left_1_zz"])


def test_absent_partners_are_null_in_every_column():
    a, b = near(5.0, 5.0, 80, 0.01), near(5.0, 5.0, 60, 0.01, 2)
    table = sq.pairs(a, b, radius_arcsec=5.0, how="outer", columns="all").to_table()
    alone = table.filter(pa.compute.is_null(table["right_id"]))
    assert alone.num_rows
    assert alone["right_2_m"].null_count == alone.num_rows
    assert alone["left_1_m"].null_count == 0


@pytest.mark.parametrize("how", ["inner", "left", "outer", "anti"])
@pytest.mark.parametrize("empty", ["left", "right", "both"])
def test_empty_tables_give_the_full_schema(how, empty):
    full = near(5.0, 5.0, 10, 0.01)
    a = full.slice(0, 0) if empty != "right" else full
    b = full.slice(0, 0) if empty != "left" else full
    table = sq.pairs(a, b, radius_arcsec=5.0, how=how, columns="all").to_table()
    assert table.schema.names[:3] == ["left_id", "right_id", "sep_arcsec"]
    assert table.schema.field("left_id").type == pa.int64()
    expected = {"inner": 0, "left": len(a), "anti": len(a), "outer": len(a) + len(b)}
    assert table.num_rows == expected[how]


# ---------------------------------------------------------------- what may be given
KINDS = {
    "int64": pa.array([2**53 + 1, 2**53 + 2]),
    "uint64": pa.array([2**64 - 1, 2**63], pa.uint64()),
    "string": pa.array(["b", "a"]),
    "large_string": pa.array(["b", "a"], pa.large_string()),
}


@pytest.mark.parametrize("kind", KINDS)
def test_ids_keep_their_type_and_value(kind):
    a = pa.table({"id": KINDS[kind], "ra": [1.0, 1.0], "dec": [2.0, 2.0]})
    table = sq.pairs(a, a.slice(0), radius_arcsec=1.0, keep="best").to_table()
    assert table["right_id"].type == a["id"].type
    low = min(a["id"].to_pylist())
    assert table["right_id"].to_pylist() == [low, low]


@pytest.mark.parametrize("form", ["pandas", "astropy", "fits", "votable", "reader", "big_endian"])
def test_tables_of_any_kind_give_the_same_pairs(form, tmp_path):
    a, b = near(5.0, 5.0, 60, 0.01), near(5.0, 5.0, 60, 0.01, 2)
    frame = a.to_pandas()
    given = {
        "pandas": lambda: frame,
        "astropy": lambda: Table.from_pandas(frame),
        "reader": lambda: pa.RecordBatchReader.from_batches(a.schema, a.to_batches()),
        "big_endian": lambda: Table({n: frame[n].to_numpy().astype(frame[n].dtype.newbyteorder(">"))
                                     for n in frame}),
    }  # fmt: skip
    if form in given:
        left = given[form]()
    else:
        left = tmp_path / {"fits": "a.fits", "votable": "a.vot"}[form]
        Table.from_pandas(frame).write(left, format=form)
    table = sq.pairs(left, b, radius_arcsec=20.0).to_table()
    assert ids(table) == ids(sq.pairs(a, b, radius_arcsec=20.0).to_table())


@pytest.mark.parametrize(
    ("roles", "change"),
    [
        ({"ra_unit": "rad"}, lambda ra, dec: (np.radians(ra), np.radians(dec))),
        ({"ra_unit": "hourangle"}, lambda ra, dec: (ra / 15, dec)),
        ({}, lambda ra, dec: (ra - 360.0, dec)),
        ({}, lambda ra, dec: (ra + 720.0, dec)),
    ],
)
def test_positions_are_understood_in_their_unit(roles, change):
    a, b = near(5.0, 5.0, 60, 0.01), near(5.0, 5.0, 60, 0.01, 2)
    ra, dec = change(a["ra"].to_numpy(), a["dec"].to_numpy())
    other = pa.table({"n": a["id"], "x": ra, "y": dec})
    left = (other, {"id": "n", "ra": "x", "dec": "y", **roles})
    table = sq.pairs(left, b, radius_arcsec=20.0, columns="all").to_table()
    assert set(ids(table)) == set(ids(sq.pairs(a, b, radius_arcsec=20.0).to_table()))
    assert set(table["left_1_x"].to_pylist()) <= set(ra.tolist())  # as they were given


def test_galactic_positions_are_turned():
    from astropy.coordinates import SkyCoord

    a, b = near(5.0, 5.0, 60, 0.01), near(5.0, 5.0, 60, 0.01, 2)
    turned = SkyCoord(a["ra"].to_numpy(), a["dec"].to_numpy(), unit="deg").galactic
    left = pa.table({"id": a["id"], "l": turned.l.deg, "b": turned.b.deg})
    assert ids(sq.pairs(left, b, radius_arcsec=20.0).to_table()) == (
        ids(sq.pairs(a, b, radius_arcsec=20.0).to_table())
    )


def test_b1950_is_refused_unless_it_is_declared():
    a = pa.table({"RAB1950": [10.0], "DEB1950": [20.0]})
    b = near(5.0, 5.0, 10, 0.01)
    with pytest.raises(UserError, match=r"positions of B1950 \(RAB1950, DEB1950\).*\"fk4\""):
        sq.pairs(a, b, radius_arcsec=1.0)
    declared = (a, {"ra": "RAB1950", "dec": "DEB1950", "frame": "fk4"})
    from astropy.coordinates import FK4, SkyCoord

    icrs = SkyCoord(10.0, 20.0, unit="deg", frame=FK4(equinox="B1950", obstime="B1950")).icrs
    there = pa.table({"ra": [icrs.ra.deg], "dec": [icrs.dec.deg]})
    assert sq.pairs(declared, there, radius_arcsec=1e-4).to_table().num_rows == 1


def test_a_surveys_name_says_what_the_columns_are():
    a = pa.table({"source_id": [7], "ra": [10.0], "dec": [20.0], "pmra": [1.0]})
    table = sq.pairs((a, "gaia_dr3"), near(10.0, 20.0, 5, 1e-5), radius_arcsec=5, columns="all")
    assert table.to_table()["left_id"].to_pylist() == [7] * 5
    assert table.schema.names[3] == "gaia_dr3_source_id"


def test_duplicates_multiply():
    a = pa.table({"id": [1, 1, 1], "ra": [200.0] * 3, "dec": [10.0] * 3})
    b = pa.table({"id": [8, 8], "ra": [200.0] * 2, "dec": [10.0] * 2})
    assert sq.pairs(a, b, radius_arcsec=0.1).to_table().num_rows == 6


def test_a_table_without_an_id_has_its_rows_numbered():
    a = pa.table({"ra": [1.0, 5.0], "dec": [0.0, 0.0]})
    assert set(ids(sq.pairs(a, a.slice(0), radius_arcsec=1.0).to_table())) == {(0, 0), (1, 1)}


def test_float32_positions_are_accepted_with_a_warning():
    a, b = near(200.0, 5.0, 60, 0.01), near(200.0, 5.0, 60, 0.01, 2)
    coarse = a.set_column(1, "ra", a["ra"].cast(pa.float32()))
    with pytest.warns(UserWarning, match=r"ra of left is float32.*0\.11 arcsec"):
        table = sq.pairs(coarse, b, radius_arcsec=20.0).to_table()
    assert abs(table.num_rows - sq.pairs(a, b, radius_arcsec=20.0).to_table().num_rows) < 5


def test_a_cut_catalogue_gives_pairs_of_its_rows(tmp_path):
    a, b = near(5.0, 5.0, 600, 0.02), near(5.0, 5.0, 600, 0.02, 2)
    write_catalog(tmp_path / "a", a, max_rows=100, properties=ROLES)
    write_catalog(tmp_path / "b", b, max_rows=300, properties=ROLES)
    left = sq.open(tmp_path / "a").cone(5.0, 5.0, 60).select(["id", "m"])
    right = sq.open(tmp_path / "b").where("m < 0.5")
    table = sq.pairs(left, right, radius_arcsec=8.0, columns="all").to_table()
    assert table.schema.names[3:] == ["a_id", "a_m", "b_id", "b_ra", "b_dec", "b_m"]
    inside = separation_arcsec(
        to_xyz(a["ra"].to_numpy(), a["dec"].to_numpy()), np.broadcast_to(to_xyz(5.0, 5.0), (600, 3))
    ) <= 60  # fmt: skip
    a, b = a.filter(pa.array(inside)), b.filter(pa.compute.less(b["m"], 0.5))
    assert set(ids(table)) == by_id(brute(a, b, 8.0), a, b)
    first = sq.pairs(sq.open(tmp_path / "a").head(10), right, radius_arcsec=8.0).run()
    _ = first.table
    assert first.report["left_rows"] == 10


# ---------------------------------------------------------------- what comes back
def test_the_report_says_what_was_found():
    a, b = near(5.0, 5.0, 60, 0.01), near(5.0, 5.0, 60, 0.01, 2)
    result = sq.pairs(a, b, radius_arcsec=4.0, keep="best", how="left").run()
    report = (result.table, result.report)[1]
    assert report["pairs"] + report["left_alone"] == report["left_rows"] == 60
    assert report["rows"] == 60
    assert report["warnings"] == []
    assert report["radius_arcsec"] == 4.0
    assert report["predicted"]["rows"] > 0


def test_pairs_become_a_catalogue_at_the_left_positions(tmp_path):
    a, b = near(5.0, 5.0, 300, 0.01), near(5.0, 5.0, 300, 0.01, 2)
    plan = sq.pairs(a, b, radius_arcsec=5.0, how="outer", columns=["left_1_m", "right_2_m"])
    made = plan.to_catalog(tmp_path / "pairs")
    assert made.columns[:5] == ["left_id", "right_id", "sep_arcsec", "ra", "dec"]
    assert len(made) == plan.to_table().num_rows
    assert made.properties["skyquarry_pairs_radius_arcsec"] == "5"
    assert not made.verify()
    rows = made.to_table().to_pylist()
    place = {
        i: (r, d) for i, r, d in zip(*(a[n].to_pylist() for n in ("id", "ra", "dec")), strict=True)
    }
    assert all((r["ra"], r["dec"]) == place[r["left_id"]] for r in rows if r["left_id"] is not None)
    assert sum(r["left_id"] is None for r in rows) > 0


def test_pairs_are_saved_as_a_file_or_a_catalogue(tmp_path):
    a, b = near(5.0, 5.0, 100, 0.01), near(5.0, 5.0, 100, 0.01, 2)
    plan = sq.pairs(a, b, radius_arcsec=5.0)
    rows = plan.run().save(tmp_path / "pairs.parquet")
    assert pq.read_table(tmp_path / "pairs.parquet")["left_id"].to_pylist() == (
        plan.to_table()["left_id"].to_pylist()
    )
    assert plan.run().save(tmp_path / "pairs") == rows
    assert sum(batch.num_rows for batch in plan.stream()) == rows


def test_the_plan_says_what_it_will_do():
    a, b = near(5.0, 5.0, 60, 0.01), near(5.0, 5.0, 60, 0.01, 2)
    text = sq.pairs(a, b, radius_arcsec=4.0, keep="mutual", how="left").explain()
    assert "pairs of left and right within 4 arcsec" in text
    assert "each other's nearest, and left rows without one" in text
    assert "60 rows in memory" in text


# ---------------------------------------------------------------- bad input
A = near(5.0, 5.0, 10, 0.01)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({}, PositionError, r"radius_arcsec is missing.*try radius_arcsec=1"),
        ({"radius_arcsec": -1}, PositionError, r"radius_arcsec is -1, but a number of arcseconds"),
        ({"radius_arcsec": float("nan")}, PositionError, r"radius_arcsec is nan"),
        ({"radius_arcsec": 1e6}, PositionError, r"1e\+06, but no two places are more than 648000"),
        ({"radius_arcsec": object()}, PositionError, r"but a number of arcseconds"),
        ({"radius_arcsec": "err"}, ColumnError, r"err"),
        ({"radius_arcsec": [1.0, 2.0]}, UserError, r"shape \(2,\), but left has 10 rows"),
        ({"radius_arcsec": [-1.0] * 10}, PositionError, r"lowest value is -1"),
        (
            {"radius_arcsec": 1, "keep": "nearest"},
            UserError,
            r"'nearest', but it is one of 'all', 'best'.*try 'all'",
        ),
        (
            {"radius_arcsec": 1, "how": "right"},
            UserError,
            r"how is 'right', but it is one of 'inner', 'left'",
        ),
        ({"radius_arcsec": 1, "k": 0}, UserError, r"k is 0, but a whole number of neighbours"),
        ({"radius_arcsec": 1, "k": 2, "keep": "best"}, UserError, r'k is 2 with keep="best"'),
        ({"radius_arcsec": 1, "columns": "some"}, ColumnError, r"columns is 'some'.*\['some'\]"),
        ({"radius_arcsec": 1, "both": True}, UserError, r"two tables were given"),
    ],
)
def test_bad_arguments_are_refused(options, error, message):
    with pytest.raises(error, match=message):
        sq.pairs(A, near(5.0, 5.0, 10, 0.01, 2), **options)


@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        (17, UserError, r"a int was given, but a match needs a catalogue"),
        ("no/such/place", NotFoundError, r"nothing at 'no/such/place'"),
        ((A, "no_survey"), NotFoundError, r"no_survey"),
        ((A, {"ra": "RA_X", "dec": "dec"}), ColumnError, r"'RA_X' was named as a column of right"),
        ((A, {"id": "id"}), ColumnError, r"name no ra and dec"),
        ((A, 1, 2), UserError, r"a tuple of 3"),
        ((A, 5), UserError, r"told by a int"),
        (pa.table({"x": [1.0]}), ColumnError, r"none are known as a position"),
    ],
)
def test_what_is_no_table_is_refused(given, error, message):
    with pytest.raises(error, match=message):
        sq.pairs(A, given, radius_arcsec=1.0)


def test_hours_that_nobody_declared_are_refused():
    random = np.random.default_rng(1)
    hours = pa.table({"ra": random.random(500) * 24, "dec": random.random(500) * 120 - 60})
    with pytest.raises(ColumnError, match=r"looks like hours"):
        sq.pairs(hours, A, radius_arcsec=1.0).to_table()


def test_a_radius_of_degrees_is_shown_and_refused_unless_forced():
    random = np.random.default_rng(1)
    a, b = (
        pa.table({"ra": random.random(60_000) * 5, "dec": random.random(60_000) * 5})
        for _ in range(2)
    )
    plan = sq.pairs(a, b, radius_arcsec=3600 * 4)
    assert "warning  more than 1,000,000,000 pairs" in plan.explain()
    with pytest.raises(UserError, match=r"radius_arcsec is 14400.*is it in arcseconds"):
        plan.to_table()
    assert len(sq.pairs(a, b, radius_arcsec=3600 * 4, force=True).root) > 100  # in pieces


def test_predicted_pairs_are_about_right():
    random = np.random.default_rng(1)
    a, b = (pa.table({"ra": random.random(20_000), "dec": random.random(20_000)}) for _ in range(2))
    plan = sq.pairs(a, b, radius_arcsec=60.0)
    found = plan.to_table().num_rows
    assert found == pytest.approx(plan.root.predicted_pairs - 20_000, rel=0.15)


def test_tables_that_do_not_overlap_are_warned_of():
    result = sq.pairs(A, near(200.0, -5.0, 10, 0.01), radius_arcsec=1.0).run()
    assert result.table.num_rows == 0
    assert "do not overlap on the sky" in result.report["warnings"][0]
