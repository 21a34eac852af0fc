"""Functions of a query: values known beforehand, and semantics where engines differ."""

# ruff: noqa: E501  (a query or a case is a line)

from __future__ import annotations

import math

import numpy as np
import pytest

from skyquarry.sky import healpix, htm
from skyquarry.sky.frames import lonlat_to_frame
from skyquarry.sky.motion import KM_S_YEARS_PER_AU, propagate
from skyquarry.sky.motioncovariance import Astrometry, moved_astrometry

KNOWN = [
    ("7 / 2", 3), ("-7 / 2", -3), ("7. / 2", 3.5), ("id / 2 * 2", 0), ("(id - 8) / 2", -3),
    ("1 / 0", None), ("1.0 / (id - 1)", None), ("id / (id - 1)", None),
    ("LOG(EXP(2))", 2.0), ("LOG(0)", None), ("LOG10(1000)", pytest.approx(3)), ("SQRT(-1)", None),
    ("ACOS(2)", None), ("ASIN(1)", math.pi / 2), ("ATAN2(0, -1)", math.pi), ("COT(PI() / 4)", pytest.approx(1)),
    ("DEGREES(PI())", 180.0), ("RADIANS(180)", math.pi), ("POWER(-8, 1./3)", None), ("POWER(2, 10)", 1024.0),
    ("MOD(-7, 3)", -1), ("MOD(7, -3)", 1), ("MOD(7.5, 2)", 1.5), ("MOD(1, 0)", None),
    ("ROUND(2.5)", 3.0), ("ROUND(-2.5)", -3.0), ("ROUND(1234.567, -2)", 1200.0), ("ROUND(2.567, 2)", 2.57),
    ("ROUND(1250, -2)", 1300), ("TRUNCATE(-2.7)", -2.0), ("TRUNCATE(313.69, 1)", 313.6), ("TRUNCATE(1299, -2)", 1200),
    ("CEILING(-1.5)", -1.0), ("FLOOR(-1.5)", -2.0), ("ABS(-3)", 3), ("- -3", 3) if False else ("-(-3)", 3),
    ("UPPER('abc')", "ABC"), ("LOWER('ABC') || 'x'", "abcx"), ("'it''s'", "it's"), ("'a\\n'", "a\\n"),
    ("COALESCE(NULL, 5, 6)", 5), ("COALESCE(label, 'none')", "a"), ("CAST(2.6 AS INTEGER)", 3),
    ("CAST('12' AS DOUBLE PRECISION)", 12.0), ("CAST('abcdef' AS VARCHAR(3))", "abc"), ("CAST(5 AS VARCHAR)", "5"),
    ("bitwise_and(12, 10)", 8), ("bitwise_or(12, 10)", 14), ("has_flag(12, 4)", 1), ("has_flag(12, 3)", 0),
    ("ivo_hashlist_has('a#Bb#c', 'bB')", 1), ("ivo_hashlist_has('a#b', 'ab')", 0), ("ivo_hasword('big Star here', 'star')", 1),
    ("ivo_nocasematch('Hello', 'h_LL%')", 1), ("ivo_interval_overlaps(1, 3, 3, 5)", 1), ("ivo_interval_overlaps(1, 2, 3, 5)", 0),
    ("ivo_to_mjd('2000-01-01T12:00:00')", 51544.5), ("ivo_to_jd('2000-01-01T12:00:00Z')", 2451545.0),
    ("gaia_healpix_index(12, 34359738368)", 1), ("9223372036854775807", 2**63 - 1),
]  # fmt: skip


@pytest.mark.parametrize(("text", "wanted"), KNOWN)
def test_a_function_has_the_value_that_the_standard_says(rows, text, wanted):
    assert rows(f"SELECT {text} FROM mine WHERE id = 1") == [(wanted,)]


def test_numbers_of_32_bits_are_worked_with_in_64(rows, columns):
    found = dict(rows("SELECT id, mag - 0.1 FROM sky WHERE mag IS NOT NULL"))
    for i, mag in zip(columns["id"].tolist(), columns["mag"].astype(np.float64), strict=True):
        if not math.isnan(mag):
            assert found[i] == mag - 0.1


@pytest.mark.parametrize(
    ("condition", "of"),
    [
        ("kind LIKE 'Q%'", lambda c: c["kind"] == "Quasar"),
        ("kind LIKE 'q%'", lambda c: np.zeros(len(c["id"]), bool)),
        ("kind ILIKE 'qUAs__'", lambda c: c["kind"] == "Quasar"),
        ("kind NOT LIKE '%a%'", lambda c: np.zeros(len(c["id"]), bool)),
        ("kind IN ('star', 'Quasar')", lambda c: np.isin(c["kind"].astype(str), ["star", "Quasar"])),
        ("flags NOT IN (1, 2)", lambda c: ~np.isin(c["flags"], [1, 2])),
        ("flags BETWEEN -2 AND 1", lambda c: (c["flags"] >= -2) & (c["flags"] <= 1)),
        ("NOT flags NOT BETWEEN -2 AND 1", lambda c: (c["flags"] >= -2) & (c["flags"] <= 1)),
        ("good = 1", lambda c: c["good"]),
        ("good = 'false'", lambda c: ~c["good"]),
        ("seen < '2017-06-01'", lambda c: c["seen"] < np.datetime64("2017-06-01")),
        ("seen BETWEEN '2017-01-01T00:00:00' AND '2017-06-01T12:00:00Z'", lambda c: (
            c["seen"] >= np.datetime64("2017-01-01")) & (c["seen"] <= np.datetime64("2017-06-01T12"))),
        ("mag IS NULL", lambda c: np.isnan(c["mag"])),
        ("kind IS NOT NULL AND mag <> 20", lambda c: ~np.isnan(c["mag"]) & (c["kind"] != None)),  # noqa: E711
        ("mag + 0 = NULL", lambda c: np.zeros(len(c["id"]), bool)),
        ("bitwise_and(flags, 3) = 2", lambda c: (c["flags"] & 3) == 2),
        ("1 = has_flag(flags, 4)", lambda c: (c["flags"] & 4) != 0),
    ],
)  # fmt: skip
def test_a_predicate_chooses_what_numpy_chooses(rows, columns, condition, of):
    found = rows(f"SELECT id FROM sky WHERE {condition}")
    assert {each for (each,) in found} == set(columns["id"][of(columns)].tolist())


def test_cells_of_the_sky_are_those_of_our_own_index(rows, columns):
    found = rows(
        "SELECT ra, dec, ivo_healpix_index(8, ra, dec), ivo_healpix_index(8, POINT(ra + 0.0, dec)), "
        "htm_id(ra, dec), htm_id(ra, dec, 3) FROM sky"
    )
    ra, dec, stored, worked, trixel, coarse = (np.array(each) for each in zip(*found, strict=True))
    wanted = healpix.index(ra, dec, 8)
    assert (stored == wanted).all()
    assert (worked == wanted).all()
    assert (trixel == htm.index_radec(ra, dec, 20)).all()
    assert (coarse == htm.index_radec(ra, dec, 3)).all()


def test_a_cell_of_the_sky_needs_no_python_where_rows_are_sorted_by_it(ask):
    assert ask("SELECT ivo_healpix_index(8, ra, dec) FROM sky").functions == set()
    assert ask("SELECT ivo_healpix_index(8, ra, dec) FROM mine").functions == {"sky_healpix"}


def test_the_middle_of_a_cell_is_a_point(rows):
    found = rows(
        "SELECT COORD1(p), COORD2(p) FROM (SELECT ivo_healpix_center(4, id) p FROM mine) q"
    )
    ra, dec = healpix.center(np.arange(1, 6), 4)
    assert found == list(zip(ra.tolist(), dec.tolist(), strict=True))


def test_an_epoch_is_moved_as_the_sky_moves_it(rows, columns):
    found = dict(
        rows("SELECT id, ivo_epoch_prop_pos(ra, dec, 5, pm, -pm, 20, 2016, 2000.5) FROM sky")
    )
    moved = propagate(columns["ra"], columns["dec"], columns["pm"], -columns["pm"], -15.5,
                      np.full(12_000, 5.0), np.full(12_000, 20.0))  # fmt: skip
    for i, ra, dec in zip(columns["id"].tolist(), *moved, strict=True):
        assert found[i] == [ra, dec]


def test_galactic_coordinates_are_those_of_the_frame(rows, columns):
    found = rows("SELECT ra, dec, galactic_longitude(ra, dec), galactic_latitude(ra, dec), "
                 "ivo_geom_transform('ICRS', 'GALACTIC', POINT(ra, dec)) FROM sky")  # fmt: skip
    ra, dec, lon, lat, both = zip(*found, strict=True)
    wanted = lonlat_to_frame(np.array(ra), np.array(dec), "galactic")
    np.testing.assert_allclose(np.array([lon, lat]), np.array(wanted), rtol=0, atol=1e-11)
    assert [list(each) for each in zip(lon, lat, strict=True)] == list(both)


def test_texts_are_joined_in_their_order(rows):
    assert rows("SELECT ivo_string_agg(label, '-') FROM mine") == [("a-b-d-e",)]


def test_a_unit_is_turned_into_another(ask):
    found = ask(
        "SELECT pm, IN_UNIT(pm, 'arcsec/yr') a, IN_UNIT(pm * 2, 'deg/s') b FROM sky"
    ).to_table()
    pm = found["pm"].to_numpy()
    np.testing.assert_allclose(found["a"].to_numpy(), pm / 1000, rtol=1e-14)
    np.testing.assert_allclose(found["b"].to_numpy(), pm * 2 / 3.6e6 / 31_557_600, rtol=1e-12)
    assert found.schema.field("a").metadata == {b"unit": b"arcsec/yr"}


def test_truths_beside_numbers_count_as_numbers_in_coalesce(rows):
    wanted = {(1.0,), (0.0,)}
    assert set(rows("SELECT COALESCE(good, 2.5) FROM sky")) == wanted
    assert set(rows("SELECT COALESCE(NULL, good, 3) FROM sky")) == wanted


def test_random_numbers_lie_between_nought_and_one(rows):
    found = np.array(rows("SELECT RAND() FROM sky"))
    assert 0 <= found.min() < 0.01
    assert 0.99 < found.max() < 1


def test_all_six_parameters_are_moved_to_another_epoch(rows):
    """Barnard's star; its parallax, motion and velocity change with its place."""
    six = "269.452, 4.693, 546.98, -801.551, 10362.394, -110.5"
    names = ("ivo_epoch_prop", "EPOCH_PROP", "gaia_epoch_prop")
    found = [
        rows(f"SELECT {name}({six}, 2016.0, 2066.0) AS p FROM mine WHERE id = 1") for name in names
    ]
    assert found[0] == found[1] == found[2]
    ra, dec, parallax, pmra, pmdec, velocity = found[0][0][0]
    stars = Astrometry.of(*map(float, six.split(", ")[:5]), -110.5 * 546.98 / KM_S_YEARS_PER_AU)
    wanted = moved_astrometry(stars, 50.0)
    assert (ra, dec) == (wanted.ra_deg[0], wanted.dec_deg[0])
    assert (parallax, pmra, pmdec) == (
        wanted.parallax_mas[0],
        wanted.pmra_masyr[0],
        wanted.pmdec_masyr[0],
    )
    assert velocity == pytest.approx(
        wanted.radial_masyr[0] * KM_S_YEARS_PER_AU / parallax, rel=1e-14
    )
    assert pmdec > 10_400
    place = rows(
        f"SELECT COORD1(gaia_epoch_prop_pos({six}, 2016.0, 2066.0)) AS x FROM mine WHERE id = 1"
    )
    assert place[0][0] == pytest.approx(ra, abs=1e-12)


def test_without_a_parallax_there_is_no_velocity_and_without_a_place_nothing(rows):
    asked = (
        "SELECT ivo_epoch_prop({}, 20, NULL, 5, NULL, 30, 2016, 2020) AS p FROM mine WHERE id = 1"
    )
    ((six,),) = rows(asked.format(10))
    assert six[:2] == pytest.approx([10.0, 20.0], abs=1e-4)
    assert six[5] is None
    assert rows(asked.format("NULL")) == [(None,)]


def test_normal_numbers_have_the_mean_and_width_that_are_asked(rows):
    ((mean, square),) = rows(
        "SELECT AVG(x) AS m, AVG(x * x) AS s FROM (SELECT ivo_normal_random(3, 2) AS x FROM sky) q"
    )
    assert abs(mean - 3) < 0.12
    assert abs(square - mean**2 - 4) < 0.4
