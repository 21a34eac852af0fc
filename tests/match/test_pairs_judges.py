"""Pairs that others found: STILTS, CDS X-Match and LSDB say which, and how far apart."""

from __future__ import annotations

import pyarrow.csv as pc
import pyarrow.parquet as pq
import pytest
from astropy.coordinates import SkyCoord

import skyquarry as sq

# ---------------------------------------------------------------- STILTS: NGC 188


@pytest.fixture(scope="module")
def ngc188(shared_data):
    folder = shared_data / "xmatch" / "ngc188"
    gaia = (folder / "gaia_results.fits", {"ra": "ra", "dec": "dec", "id": "source_id"})
    two_mass = folder / "2MASS_results.ecsv"
    return gaia, (two_mass, {"ra": "RAJ2000", "dec": "DEJ2000", "id": "_2MASS"})


@pytest.mark.parametrize(
    ("file", "number", "options"),
    [
        ("ngc188_best_1arcsec.csv", 4125, {"radius_arcsec": 1.0, "keep": "mutual"}),
        ("ngc188_allpairs_3arcsec.csv", 4266, {"radius_arcsec": 3.0}),
    ],
)
def test_ngc_188_has_the_pairs_that_stilts_found(shared_data, ngc188, file, number, options):
    table = pc.read_csv(shared_data / "xmatch" / "expected_stilts" / file)
    names = ("source_id", "_2MASS", "Separation")
    expected = {
        (i, str(j)): s for i, j, s in zip(*(table[n].to_pylist() for n in names), strict=True)
    }
    found = sq.pairs(*ngc188, **options).to_table()
    got = {(r["left_id"], r["right_id"]): r["sep_arcsec"] for r in found.to_pylist()}
    assert len(expected) == found.num_rows == number
    assert set(got) == set(expected)
    assert max(abs(got[pair] - sep) for pair, sep in expected.items()) < 1e-6


# ---------------------------------------------------------------- CDS X-Match: AllWISE


def test_angular_distances_are_those_of_cds(shared_data):
    table = pq.read_table(shared_data / "xmatch" / "cds_allwise" / "expected.parquet")
    ours = (table.select(["ra_in", "dec_in"]), {"ra": "ra_in", "dec": "dec_in"})
    theirs = (table.select(["RAJ2000", "DEJ2000"]), {"ra": "RAJ2000", "dec": "DEJ2000"})
    widest = max(table["angDist"].to_pylist())
    found = sq.pairs(ours, theirs, radius_arcsec=widest + 1e-3).to_table().to_pylist()
    got = {r["left_id"]: r["sep_arcsec"] for r in found if r["left_id"] == r["right_id"]}
    told = table["angDist"].to_pylist()
    assert len(got) == len(told) == 2727
    off = [abs(got[row] - sep) for row, sep in enumerate(told)]
    assert sum(each > 2e-4 for each in off) <= 1  # positions were rounded after the distance
    assert max(off) < 2.02e-4
    places = [SkyCoord(table[ra], table[dec], unit="deg") for ra, dec in
              (("ra_in", "dec_in"), ("RAJ2000", "DEJ2000"))]  # fmt: skip
    astropy = places[0].separation(places[1]).arcsec
    assert max(abs(got[row] - sep) for row, sep in enumerate(astropy)) < 1e-9


def test_rows_of_cds_are_the_pairs_of_its_input(shared_data):
    """All that CDS found within its radius, of the AllWISE rows that it gave back."""
    folder = shared_data / "xmatch" / "cds_allwise"
    expected = pq.read_table(folder / "expected.parquet")
    wise = expected.select(["AllWISE", "RAJ2000", "DEJ2000"])
    given = (folder / "input.parquet", {"ra": "ra", "dec": "dec", "id": "id"})
    theirs = (wise, {"ra": "RAJ2000", "dec": "DEJ2000", "id": "AllWISE"})
    widest = max(expected["angDist"].to_pylist())
    found = sq.pairs(given, theirs, radius_arcsec=widest + 1e-3).to_table()
    pairs = set(zip(found["left_id"].to_pylist(), found["right_id"].to_pylist(), strict=True))
    told = set(zip(expected["id_in"].to_pylist(), expected["AllWISE"].to_pylist(), strict=True))
    assert told <= pairs


# ---------------------------------------------------------------- LSDB: its small sky


@pytest.fixture(scope="module", params=["catalogues", "tables"])
def small_sky(request, shared_data):
    """The left tables `small` and `more`, and the right one, as LSDB's tests have them."""
    raw = shared_data / "hats" / "raw"
    tables = {
        "small": raw / "small_sky" / "small_sky.csv",
        "more": raw / "xmatch" / "small_sky_left_xmatch.csv",
        "right": raw / "xmatch" / "small_sky_xmatch.csv",
    }
    if request.param == "catalogues":  # of the left ones, LSDB made a tree of one alone
        tables["small"] = shared_data / "hats" / "small_sky"
        tables["right"] = shared_data / "hats" / "small_sky_xmatch"
    return tables


def within(sky, left, *, at_least=0.0, at_most, nearest):
    """{pair: degrees}: the nearest few of each left row, counted from `at_least` degrees on."""
    plan = sq.pairs(sky[left], sky["right"], radius_arcsec=at_most * 3600, columns="all")
    rows, counted, found = plan.to_table(), {}, {}
    names = [n for n in rows.schema.names if n.endswith("_id")]
    ids = [n for n in names if n not in ("left_id", "right_id")]
    for i, j, sep in zip(*(rows[n].to_pylist() for n in (*ids[:2], "sep_arcsec")), strict=True):
        if sep >= at_least * 3600 and counted.setdefault(i, 0) < nearest:
            counted[i] += 1
            found[i, j] = sep / 3600
    return found


@pytest.mark.parametrize(
    ("file", "left", "options"),
    [
        # the nearest within 0.01 degrees, and within 0.005
        ("xmatch_correct", "small", {"at_most": 0.01, "nearest": 1}),
        ("xmatch_correct_0_005", "small", {"at_most": 0.005, "nearest": 1}),
        # the nearest of those between 0.002 and 0.005 degrees
        ("xmatch_correct_002_005", "small", {"at_least": 0.002, "at_most": 0.005, "nearest": 1}),
        # three neighbours within 2 degrees, with a margin wide enough
        ("xmatch_correct_3n_2t", "small", {"at_most": 2.0, "nearest": 3}),
        # the same of a left table with one more row, which lies where the right has no tile
        ("xmatch_correct_3n_2t_negative", "more", {"at_most": 2.0, "nearest": 3}),
        # three neighbours between half a degree and 2
        ("xmatch_correct_05_2_3n_margin", "small", {"at_least": 0.5, "at_most": 2.0, "nearest": 3}),
    ],
)
def test_lsdb_expects_the_same_pairs(shared_data, small_sky, file, left, options):
    expected = _expected(shared_data, file)
    found = within(small_sky, left, **options)
    assert set(found) == set(expected)
    assert max(abs(found[pair] - degrees) for pair, degrees in expected.items()) < 1e-12


def test_without_a_margin_lsdb_loses_pairs_that_we_keep(shared_data, small_sky):
    """`no_margin` is what LSDB finds where it reads no margin: six pairs fewer, and a wrong one."""
    lost = _expected(shared_data, "xmatch_correct_3n_2t_no_margin")
    found = within(small_sky, "small", at_most=2.0, nearest=3)
    assert set(found) == set(_expected(shared_data, "xmatch_correct_3n_2t"))
    assert len(set(found) - set(lost)) == 6
    assert len(set(lost) - set(found)) == 1


def _expected(shared_data, file):
    table = pc.read_csv(shared_data / "hats" / "raw" / "xmatch_expected" / f"{file}.csv")
    columns = (table[name].to_pylist() for name in ("ss_id", "xmatch_id", "dist"))
    return {(i, int(j)): degrees for i, j, degrees in zip(*columns, strict=True)}
