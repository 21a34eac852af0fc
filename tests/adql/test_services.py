"""Functions of other services: the examples of IVOA's catalogue, and astropy's and numpy's answers."""

# ruff: noqa: E501  (a case is a line)

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from astropy import units as u
from astropy.coordinates import SkyCoord
from astropy.time import Time

from skyquarry.adql.asking import query
from skyquarry.adql.calls import aggregates, servicecalls, usercalls
from skyquarry.adql.text.grammar import parse
from skyquarry.errors import QueryError

CATALOGUE = [
    ("ivo_healpix_index(0, 1, 1)", 4), ("ivo_healpix_index(17, 1, 1)", 81609757711),
    ("ivo_healpix_index(17, 359, -1)", 73009064944), ("ivo_healpix_index(0, POINT(1, 1))", 4),
    ("ivo_healpix_index(17, POINT('ICRS', 1, 1))", 81609757711),
    ("ivo_healpix_index(17, CENTROID(CIRCLE(359, -1, 3)))", 73009064944),
    ("ivo_healpix_center(0, 6)", [180.0, 0.0]),
    ("ivo_healpix_center(17, ivo_healpix_index(17, 23.4, 56.7))", pytest.approx([23.399843462947466, 56.70016214363192], abs=1e-12)),
    ("ivo_nocasematch('abcabc', 'ab%')", 1), ("ivo_nocasematch('ABcabc', 'ab__bc')", 1),
    ("ivo_nocasematch('abcabc', '%BC')", 1), ("ivo_nocasematch('abcabc', 'ABCABC')", 1), ("ivo_nocasematch('abcabc', 'abcab')", 0),
    ("ivo_hasword('Miller and Urey have', 'miller')", 1), ("ivo_hasword('shown that a primordial', 'soup')", 0),
    ("ivo_hasword('shown that a primordial', 'shown primordial')", 1), ("ivo_hasword('shown that a primordial', 'shown soup')", 0),
    ("ivo_hashlist_has('red#green#blue', 'red')", 1), ("ivo_hashlist_has('Red#green#blue', 'red')", 1),
    ("ivo_hashlist_has('red#green#blue', 're')", 0), ("ivo_hashlist_has('red#green#blue', 'red#green')", 0),
    ("ivo_interval_overlaps(-2, -3, 2, 3)", 0), ("ivo_interval_overlaps(-2, 55.3, 2, 3)", 1), ("ivo_interval_overlaps(2, 3, -2, 55.3)", 1),
    ("ivo_interval_overlaps(-2, 55.3, 3, 2)", 0), ("ivo_interval_overlaps(-2, 2, 2, 3)", 1),
    ("ivo_apply_pm(30, 15, 0, 0.1, 20)", pytest.approx([30, 16.9991882802], abs=1e-9)),
    ("ivo_apply_pm(30, 60, 0.1, 0, 20)", pytest.approx([33.993520433, 59.93965025567], abs=1e-9)),
]  # fmt: skip
"""Juaristi Campillo & Demleitner, Catalogue of ADQL User Defined Functions (IVOA endorsed note)."""
OTHERS = [
    ("ivo_hasword(label || ' (Star)', LOWER(label) || ' STAR')", 1), ("ivo_hasword('a b', '')", 1), ("ivo_hasword(NULL, 'a')", None),
    ("gavo_match('^M *[0-9]+$', 'M 31')", 1), ("gavo_match('b', 'aca')", 0), ("gavo_getauthority('ivo://org.gavo.dc/foo/bar#baz')", "org.gavo.dc"),
    ("greatest(id, 2.5)", 2.5), ("esdc_least(3, 7)", 3), ("SQUARE(-3)", 9), ("sign(-2.5)", -1), ("cbrt(-8)", -2.0), ("div(-7, 2)", -3), ("div(7, 0)", None),
    ("ivo_string_agg('a', ',')", "a"), ("ivo_string_agg(NULL, ',')", None),
    ("ROUND(9007199254740995, -1)", 9007199254741000), ("ROUND(-9007199254740994, -1)", -9007199254740990),
    ("TRUNCATE(-9007199254740999, -1)", -9007199254740990), ("ROUND(15, -2)", 0), ("ROUND(-50, -2)", -100), ("ROUND(7, -19)", 0),
    ("div(9007199254740993, 1)", 9007199254740993), ("div(-7.5, 2)", -3), ("div(id, -1)", -1),
    ("length('abc')", 3), ("replace('a-b', '-', '+')", "a+b"), ("concat('a', NULL)", "a"), ("esdc_left('abc', 2)", "ab"), ("esdc_left('abc', -1)", "ab"),
    ("esdc_right('abc', 2)", "bc"), ("esdc_position('c', 'abc')", 3), ("esdc_substring('abcdef', 2, 3)", "bcd"), ("esdc_substring('abc', 0, 2)", "ab"),
    ("esdc_translate('banana', 'an', 'AN')", "bANANA"), ("esdc_nullif('a', 'a')", None), ("esdc_to_integer(2.6)", 3), ("esdc_to_char(5)", "5"),
    ("gavo_apply_pm(359.9, 0, 1, 0, 1)", pytest.approx([0.9 - 1 + np.degrees(np.arctan(np.radians(1))), 0.0], abs=1e-12)),
]  # fmt: skip


@pytest.mark.parametrize(("text", "wanted"), CATALOGUE + OTHERS)
def test_a_service_s_function_gives_what_its_description_says(rows, text, wanted):
    assert rows(f"SELECT {text} AS res FROM mine WHERE id = 1") == [(wanted,)]


def test_a_pixel_with_a_fraction_is_refused(ask):
    with pytest.raises(QueryError, match=r"23\.2 is no whole number, but ivo_healpix_center"):
        ask("SELECT ivo_healpix_center(17, 23.2) FROM mine")


@pytest.mark.parametrize(
    ("frame", "name"),
    [("GALACTIC", "galactic"), ("FK5", "fk5"), ("SUPERGALACTIC", "supergalactic"), ("ECLIPTIC", "barycentricmeanecliptic")],
)  # fmt: skip
def test_geometries_are_turned_to_frames_as_astropy_turns_them(rows, columns, frame, name):
    found = rows(f"SELECT ra, dec, gavo_transform('ICRS', '{frame}', POINT(ra, dec)) FROM sky")
    ra, dec, turned = (np.array(each) for each in zip(*found, strict=True))
    wanted = SkyCoord(ra, dec, unit="deg").transform_to(name).spherical
    there = SkyCoord(*turned.T, unit="deg")
    away = there.separation(SkyCoord(wanted.lon, wanted.lat))
    assert away.max() < 1e-6 * u.arcsec
    back = rows(
        f"SELECT TOP 1 ivo_geom_transform('{frame}', 'ICRS', CIRCLE({float(turned[0][0])!r}, {float(turned[0][1])!r}, 2)) FROM sky"
    )
    assert back[0][0] == pytest.approx([ra[0], dec[0], 2.0], abs=1e-9)


def test_a_polygon_is_turned_corner_by_corner(rows):
    asked = "CONTAINS(ivo_geom_transform('GALACTIC', 'ICRS', POINT({}, 5)), ivo_geom_transform('GALACTIC', 'ICRS', POLYGON(10, 0, 20, 0, 15, 20)))"
    text = f"SELECT {asked.format(15)} AS a, {asked.format(25)} AS b FROM mine WHERE id = 1"
    with pytest.raises(QueryError, match="is no point, circle or polygon"):
        rows("SELECT gavo_transform('ICRS', 'FK5', BOX(1, 2, 3, 4)) FROM mine")
    assert rows(text) == [(1, 0)]


@pytest.mark.parametrize(
    ("x", "of", "to"),
    [(656.3, "nm", "Angstrom"), (21.1, "cm", "MHz"), (2.5, "keV", "m"), (1.4, "GHz", "cm"), (13.6, "eV", "Hz"), (2e-7, "m", "J")],
)  # fmt: skip
def test_spectral_quantities_are_turned_as_astropy_turns_them(rows, x, of, to):
    wanted = (x * u.Unit(of)).to_value(u.Unit(to), u.spectral())
    for name in ("ivo_specconv", "gavo_specconv"):
        found = rows(f"SELECT {name}({x}, '{of}', '{to}') AS y FROM mine WHERE id = 1")
        assert found[0][0] == pytest.approx(wanted, rel=1e-13)


def test_a_column_s_own_unit_is_known_and_another_kind_refused(ask):
    with pytest.raises(QueryError, match="both have to measure a wavelength, frequency or energy"):
        ask("SELECT ivo_specconv(mag, 'nm') FROM sky")
    with pytest.raises(QueryError, match="reach has no unit that is known"):
        ask("SELECT ivo_specconv(reach, 'nm') FROM mine")


def test_dates_are_astropy_s(rows):
    found = rows("SELECT seen, gavo_to_mjd(seen), ivo_to_jd(seen) FROM sky WHERE id < 50")
    seen, mjd, jd = zip(*found, strict=True)
    wanted = Time(list(seen), scale="utc")
    np.testing.assert_allclose(mjd, wanted.mjd, rtol=0, atol=1e-10)
    np.testing.assert_allclose(jd, wanted.jd, rtol=0, atol=1e-9)


@pytest.mark.parametrize("six", [True, False])
def test_an_epoch_is_moved_as_astropy_moves_it(rows, columns, six):
    """With a parallax light-time differs: 0.03 mas in 16 years for the quickest star."""
    some = "5, pm, -pm, 20" if six else "pm, -pm"
    found = rows(
        f"SELECT ra, dec, pm, epoch_prop_pos(ra, dec, {some}, 2016, 2031) FROM sky WHERE ABS(dec) < 85"
    )
    ra, dec, pm, moved = (np.array(each) for each in zip(*found, strict=True))
    more = (
        {
            "distance": np.full(len(ra), 200.0) * u.pc,
            "radial_velocity": np.full(len(ra), 20.0) * u.km / u.s,
        }
        if six
        else {}
    )
    stars = SkyCoord(ra * u.deg, dec * u.deg, pm_ra_cosdec=pm * u.mas / u.yr, pm_dec=-pm * u.mas / u.yr,
                     obstime=Time(2016.0, format="jyear", scale="tdb"), **more)  # fmt: skip
    with np.errstate(all="ignore"), nullcontext() if six else pytest.warns():
        wanted = stars.apply_space_motion(Time(2031.0, format="jyear", scale="tdb"))
    away = SkyCoord(*moved.T, unit="deg").separation(SkyCoord(wanted.ra, wanted.dec))
    assert away.max() < 0.01 * u.mas


# ------------------------------------------------------------ aggregates
@pytest.mark.parametrize("where", [None, "inline"])
def test_statistics_of_groups_are_numpy_s(ask, columns, where):
    found = ask(
        "SELECT STDDEV(pm) a, ivo_variance(pm) b, median(pm) c, ivo_corr(ra, pm) d, ivo_covar_samp(ra, pm) e, "
        "ivo_regr_slope(ra, pm) f, ivo_regr_intercept(ra, pm) g, ivo_regr_r2(ra, pm) h, "
        "ivo_bit_and_agg(flags + 8) i, ivo_bit_or_agg(flags + 8) j FROM sky WHERE dec > 0"
    ).to_table(where)
    some = columns["dec"] > 0
    pm, ra, flags = (columns[name][some].astype(float) for name in ("pm", "ra", "flags"))
    slope, zero = np.polyfit(ra, pm, 1)
    corr = np.corrcoef(ra, pm)[0, 1]
    wanted = [
        pm.std(ddof=1),
        pm.var(ddof=1),
        np.median(pm),
        corr,
        np.cov(ra, pm)[0, 1],
        slope,
        zero,
        corr**2,
    ]
    row = list(found.to_pylist()[0].values())
    np.testing.assert_allclose(row[:8], wanted, rtol=1e-8)
    assert row[8:] == [
        np.bitwise_and.reduce(flags.astype(int) + 8),
        np.bitwise_or.reduce(flags.astype(int) + 8),
    ]


@pytest.mark.parametrize("where", [None, "inline"])
def test_a_histogram_counts_what_is_below_within_and_above(ask, columns, where):
    found = ask(
        "SELECT kind, gavo_histogram(mag, 16, 22.5, 13) AS h FROM sky GROUP BY kind"
    ).to_table(where)
    kinds = columns["kind"]
    for row in found.to_pylist():
        mag = columns["mag"][kinds == row["kind"]].astype(float)
        mag = mag[~np.isnan(mag)]
        within = np.histogram(mag, np.linspace(16, 22.5, 14))[0]
        within[-1] -= (mag == 22.5).sum()
        assert row["h"] == [(mag < 16).sum(), *within, (mag >= 22.5).sum()]


def test_a_histogram_of_nothing_has_empty_bins(rows):
    assert rows("SELECT ivo_histogram(mag, 0, 1, 2) AS h FROM sky WHERE mag > 99") == [
        ([0, 0, 0, 0],)
    ]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("ivo_histogram(mag, 2, 1, 5)", "needs a lower limit below the upper one"),
        ("ivo_histogram(mag, 0, ra, 5)", "ra stands where a number is needed, the same for all rows"),
        ("ivo_histogram(mag, 0, 1)", "has other arguments than it takes"),
        ("ivo_corr(mag)", "has other arguments than it takes: ivo_corr(x, y)"),
        ("ivo_bit_or_agg(mag)", "mag is no whole number"),
        ("STDDEV(kind)", "kind is a text, but STDDEV needs a number"),
        ("greatest(mag)", "has other arguments than it takes: greatest(x, y)"),
        ("esdc_left(kind, 1.5)", "1.5 is no whole number, but esdc_left needs one here"),
        ("gavo_match(kind, kind)", "kind is no pattern: write a text in quotes"),
        ("gaia_healpix_index(3, mag)", "mag is no whole number, but gaia_healpix_index needs one here"),
        ("gavo_match('M (31', kind)", "'M (31' is no regular expression (RE2): missing ): M (31"),
        ("ivo_geom_transform('FK4', 'ICRS', POINT(ra, dec))", "'FK4' is no frame that is known here: write one of 'ICRS',"),
        ("ivo_geom_transform(kind, 'ICRS', POINT(ra, dec))", "kind is no frame that is known here"),
        ("ivo_specconv(656, 'nm', 'furlong/s')", "cannot be"),
        ("ivo_interval_has(mag, 5)", "5 is a whole number, but an array of two is needed"),
        ("gavo_simbadpoint('M 31')", "is no function that is known here"),
    ],
)  # fmt: skip
def test_wrong_arguments_are_refused_before_anything_runs(ask, text, told):
    with pytest.raises(QueryError) as fault:
        ask(f"SELECT {text} AS x FROM sky")
    assert told in str(fault.value)


def test_an_interval_is_an_array_of_two():
    given = pa.table(
        {"x": [1.0, 5.0, None, 2.0], "span": [[0.0, 1.0], [0.0, 1.0], [0.0, 1.0], None]}
    )
    found = query("SELECT ivo_interval_has(x, span) AS h FROM t", uploads={"t": given}).to_table()
    assert found["h"].to_pylist() == [1, 0, None, None]


@pytest.mark.parametrize(
    "name", [*usercalls.FUNCTIONS, *servicecalls.CALLS, *aggregates.AGGREGATES]
)
def test_each_function_is_documented_and_read(name):
    page = Path(__file__).parents[2] / "docs" / "reference" / "adql.md"
    assert f"`{name.lower()}`" in page.read_text()
    assert parse(f"SELECT {name}(a) FROM t")
