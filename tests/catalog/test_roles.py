"""Roles travel without loss, and say which key is wrong."""

from __future__ import annotations

import numpy as np
import pytest
from astropy.time import Time
from hypothesis import given
from hypothesis import strategies as st

from skyquarry.catalog.roles import (
    Band,
    Epoch,
    Motion,
    PositionError,
    Reference,
    Roles,
    Survey,
)
from skyquarry.errors import DamagedError, UserError

GAIA = Roles(
    id="source_id",
    ra="ra",
    dec="dec",
    epoch=Epoch(jyear=2016.0),
    position_error=PositionError("covariance", ("ra_error", "dec_error", "ra_dec_corr"), "mas"),
    motion=Motion("pmra", "pmdec", "pmra_error", "pmdec_error"),
    bands=(
        Band("G", "phot_g_mean_mag", extinction=2.74, extinction_source="a paper"),
        Band("BP", "phot_bp_mean_mag"),
    ),
    flags=("duplicated_source",),
)

names = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=12)
numbers = st.floats(allow_nan=False, allow_infinity=False)
epochs = st.builds(
    Epoch, column=names, jyear=st.none() | numbers,
    format=st.sampled_from(["jyear", "mjd", "jd", "iso"]), offset=numbers,
)  # fmt: skip
errors = st.one_of(
    st.builds(PositionError, st.just("circular"), st.tuples(names), factor=numbers),
    st.builds(PositionError, st.just("ellipse"), st.tuples(names, names, names)),
    st.builds(
        PositionError, st.just("covariance"), st.tuples(names, names, names),
        cross=st.sampled_from(["correlation", "signed_sqrt", "covariance"]),
    ),
    st.builds(PositionError, st.just("fixed"), fixed_arcsec=numbers),
)  # fmt: skip
motions = st.builds(Motion, names, names, st.none() | names, cos_dec=st.booleans())
bands = st.lists(
    st.builds(Band, names, names, softening=st.none() | numbers), max_size=12,
    unique_by=lambda band: band.name,
).map(tuple)  # fmt: skip
roles = st.builds(
    Roles, ra=names, dec=names, id=st.none() | names, epoch=st.none() | epochs,
    position_error=st.none() | errors, motion=st.none() | motions, bands=bands,
    flags=st.lists(names, max_size=3).map(tuple),
)  # fmt: skip


@given(roles)
def test_properties_give_back_the_same_roles(made):
    flat = made.to_properties()
    assert all(key.startswith("skyquarry_") and isinstance(flat[key], str) for key in flat)
    assert Roles.from_properties(flat) == made


def test_keys_of_others_are_passed_over():
    others = {"hats_nrows": "3", "skyquarry_row_group_rows": "16384"}
    assert Roles.from_properties(GAIA.to_properties() | others) == GAIA


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("skyquarry_position_error_model", "round", "skyquarry_position_error.*'round'"),
        ("skyquarry_epoch_jyear", "soon", "skyquarry_epoch_jyear is 'soon', but it is a number"),
        ("skyquarry_motion_cos_dec", "maybe", "skyquarry_motion_cos_dec is 'maybe'"),
        ("skyquarry_flags", "a b", "skyquarry_flags is 'a b', but it is a JSON list"),
        ("skyquarry_frame", "galatic", "galatic.*did you mean 'galactic'"),
    ],
)
def test_a_damaged_property_is_named(key, value, said):
    with pytest.raises(DamagedError, match=said):
        Roles.from_properties(GAIA.to_properties() | {key: value})


def test_a_missing_property_is_named():
    flat = GAIA.to_properties()
    del flat["skyquarry_bands_2_column"]
    with pytest.raises(DamagedError, match="skyquarry_bands_2_column is missing"):
        Roles.from_properties(flat)


@pytest.mark.parametrize(
    ("mapping", "said"),
    [
        ({"ra": "a"}, "ra='a', dec=None"),
        ({"ra": "a", "dec": "b", "motoin": {}}, "roles.motoin is not a key: did you mean 'motion'"),
        ({"ra": 1, "dec": "b"}, "roles.ra is 1, but it is a text"),
        ({"bands": [{"name": "x"}]}, "roles.bands.1.column is missing"),
        ({"position_error": {"model": "ellipse", "columns": ["a"]}}, "'ellipse' takes 3"),
        ({"position_error": {"model": "fixed"}}, "fixed_arcsec is missing"),
        ({"epoch": {}}, "neither column nor jyear"),
        ({"bands": [{"name": "g", "column": "a"}] * 2}, "band 'g' is given twice"),
        (
            {"bands": [{"name": "g", "column": "a", "extinction": 3.3}]},
            "extinction 3.3 without a source",
        ),
    ],
)
def test_a_wrong_role_is_named_by_its_path(mapping, said):
    with pytest.raises(UserError, match=said):
        Roles.from_mapping(mapping)


def test_roles_fit_a_table_that_lacks_columns():
    fitted, missing = GAIA.fitted(["SOURCE_ID", "ra", "dec", "ra_error", "dec_error", "pmra"])
    assert fitted.id == "SOURCE_ID"
    assert fitted.position_error == PositionError("covariance", ("ra_error", "dec_error"), "mas")
    assert fitted.motion is None
    assert fitted.bands == ()
    assert "ra_dec_corr" in missing
    assert "pmdec" in missing


def test_an_exact_name_wins_over_one_of_another_case():
    fitted, missing = Roles(ra="ra", dec="dec").fitted(["RA", "ra", "Dec"])
    assert (fitted.ra, fitted.dec, missing) == ("ra", "Dec", ())


def test_a_time_becomes_the_julian_year_that_astropy_gives():
    times = Time(["1998-03-02", "2000-01-01T12:00:00", "2010-07-09T06:00:00"], scale="tt")
    for kind in ("jyear", "byear", "mjd", "jd"):
        ours = Epoch("t", format=kind).jyears(getattr(times, kind))
        np.testing.assert_allclose(ours, times.jyear, atol=1e-8)
    np.testing.assert_allclose(Epoch("t", format="iso").jyears(times.isot), times.jyear, atol=1e-8)
    ours = Epoch("t", format="jyear", offset=1990.0).jyears(times.jyear - 1990.0)
    np.testing.assert_allclose(ours, times.jyear, atol=1e-8)


def test_a_row_without_a_time_takes_the_fixed_epoch():
    given = Epoch("t", jyear=2000.0, format="mjd").jyears(np.array([51544.5 + 365.25, np.nan]))
    np.testing.assert_array_equal(given, [2001.0, 2000.0])


@given(st.floats(0.01, 5), st.floats(0.01, 5), st.floats(-360, 360))
def test_an_ellipse_has_its_axes_as_eigenvalues(major, minor, angle_deg):
    error = PositionError("ellipse", ("a", "b", "pa"))
    columns = {"a": [major], "b": [minor], "pa": [angle_deg]}
    east, north, cross = error.covariance_arcsec2(columns, 1)[0]
    matrix = np.array([[east, cross], [cross, north]])
    axes = sorted([major**2, minor**2])
    np.testing.assert_allclose(np.linalg.eigvalsh(matrix), axes, rtol=1e-9, atol=1e-12)
    along = np.array([np.sin(np.radians(angle_deg)), np.cos(np.radians(angle_deg))])
    np.testing.assert_allclose(along @ matrix @ along, major**2, rtol=1e-9)


def test_a_correlation_and_a_signed_root_say_the_same():
    gaia = PositionError("covariance", ("e", "n", "c"), "mas")
    wise = PositionError("covariance", ("e", "n", "c"), "mas", cross="signed_sqrt")
    by_correlation = gaia.covariance_arcsec2({"e": [2.0], "n": [3.0], "c": [-0.5]}, 1)
    by_root = wise.covariance_arcsec2({"e": [2.0], "n": [3.0], "c": [-np.sqrt(3.0)]}, 1)
    np.testing.assert_allclose(by_correlation, [[4e-6, 9e-6, -3e-6]])
    np.testing.assert_allclose(by_root, by_correlation)


def test_the_tag_is_position_magnitudes_size_and_class():
    made = Roles(
        id="objid", ra="ra", dec="dec", bands=(Band("r", "psfMag_r", "psfMagErr_r"),),
        extent="petroR50_r", class_column="type", flags=("clean",),
    )  # fmt: skip
    assert made.tag_columns() == ("objid", "ra", "dec", "psfMag_r", "petroR50_r", "type")


def test_a_survey_tells_its_provenance_in_the_keys_of_hats():
    paper = Reference("2023A&A...674A...1G", "Gaia DR3", ("Vallenari, A.",), 2023, doi="10.1/x")
    survey = Survey(
        "gaia_dr3", "Gaia DR3", GAIA, references=(paper,), acknowledgement="Thanks\n to all.",
        sentinels={"*": (-999.0,), "pmra": (0.0,)},
    )  # fmt: skip
    told = survey.to_properties()
    assert told["bib_reference"] == "2023A&A...674A...1G"
    assert told["obs_ack"] == "Thanks to all."
    assert Roles.from_properties(told) == GAIA
    assert survey.dois == ("10.1/x",)
    assert survey.sentinels_of("pmra") == (-999.0, 0.0)
    assert survey.sentinels_of("ra") == (-999.0,)


SPELLED = Roles(
    id="objID", ra="ra", dec="dec", bands=(Band("g", "psfMag_g"), Band("g_petro", "petroMag_g")),
    spellings={"RAJ2000": "ra", "DEJ2000": "dec", "gpmag": "psfMag_g", "gPmag": "petroMag_g"},
)  # fmt: skip


def test_another_spelling_fits_a_table():
    fitted, missing = SPELLED.fitted(["RAJ2000", "DEJ2000", "OBJID", "gPmag"])
    assert (fitted.id, fitted.ra, fitted.dec) == ("OBJID", "RAJ2000", "DEJ2000")
    assert fitted.bands == (Band("g_petro", "gPmag"),)
    assert missing == ("psfMag_g",)
    assert not fitted.spellings


def test_a_columns_own_name_goes_before_another_spelling():
    fitted, _ = SPELLED.fitted(["RAJ2000", "DEJ2000", "RA", "Dec"])
    assert (fitted.ra, fitted.dec) == ("RA", "Dec")


def test_spellings_stay_out_of_the_properties():
    told = SPELLED.to_properties()
    assert not any("spelling" in key for key in told)
    assert Roles.from_properties(told).to_properties() == told


def test_a_sentinel_holds_by_any_spelling():
    survey = Survey("s", "S", SPELLED, sentinels={"*": (-1.0,), "psfMag_g": (99.0,)})
    assert survey.sentinels_of("gpmag") == survey.sentinels_of("psfMag_g") == (-1.0, 99.0)
    assert survey.sentinels_of("gPmag") == (-1.0,)
