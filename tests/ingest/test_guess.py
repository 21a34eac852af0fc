from __future__ import annotations

import pyarrow as pa
import pytest

from skyquarry.catalog.columns import meaning
from skyquarry.catalog.roles import Band, Column, Roles, Survey
from skyquarry.errors import ColumnError
from skyquarry.ingest.description import Given, describe_input
from skyquarry.ingest.guess import PAIRS, guess_roles
from skyquarry.testing.skies import CLUMPY_SCHEMA


def schema_of(*names, metadata=None, **meanings):
    fields = [pa.field(name, pa.float64(), metadata=meanings.get(name.lower())) for name in names]
    return pa.schema(fields, metadata=metadata)


@pytest.mark.parametrize(("ra", "dec"), PAIRS)
@pytest.mark.parametrize("spelled", [str.lower, str.upper, str.title])
def test_usual_names_are_recognised_in_any_case(ra, dec, spelled):
    guess = guess_roles(schema_of("x", spelled(ra), spelled(dec)))
    assert (guess.roles.ra, guess.roles.dec) == (spelled(ra), spelled(dec))
    assert f"positions are {spelled(ra)} and {spelled(dec)} (by name)" in guess.notes[0]


def test_the_main_ucd_wins_over_names():
    main = {axis: {"ucd": f"pos.eq.{axis};meta.main"} for axis in ("ra", "dec")}
    schema = schema_of("ra", "dec", "lon", "lat", lon=main["ra"], lat=main["dec"])
    guess = guess_roles(schema)
    assert (guess.roles.ra, guess.roles.dec) == ("lon", "lat")
    assert "(by UCD)" in guess.notes[0]


def test_plain_ra_and_dec_win_over_other_names():
    guess = guess_roles(schema_of("raMean", "decMean", "ra", "dec"))
    assert guess.roles.ra == "ra"


def test_two_positions_are_an_error_that_names_both_and_the_keyword():
    with pytest.raises(ColumnError) as caught:
        guess_roles(schema_of("raMean", "decMean", "RA_ICRS", "DE_ICRS"))
    for word in ("raMean, decMean", "RA_ICRS, DE_ICRS", "ra=", "dec="):
        assert word in str(caught.value)


def test_names_that_differ_in_case_only_are_ambiguous():
    with pytest.raises(ColumnError, match="several positions"):
        guess_roles(schema_of("RA", "Ra", "Dec"))


def test_no_position_is_an_error_that_shows_the_columns():
    with pytest.raises(ColumnError, match=r"flux, size were given.*ra= and dec=.*survey="):
        guess_roles(schema_of("flux", "size"))


@pytest.mark.parametrize(
    ("unit", "expected"),
    [
        ("rad", "rad"), ("Radian", "rad"), ("h", "hourangle"), ("deg", "deg"), ("", "deg"),
        ("15deg", "hourangle"),  # what astropy's hourangle is in VOUnit
    ],
)  # fmt: skip
def test_the_stated_unit_counts(unit, expected):
    given = {"unit": unit} if unit else None
    guess = guess_roles(schema_of("ra", "dec", ra=given))
    assert guess.roles.position_unit == expected
    assert guess.unit_stated == bool(unit)


def test_texts_are_taken_for_sexagesimal():
    guess = guess_roles(pa.schema([("RAJ2000", pa.string()), ("DEJ2000", pa.string())]))
    assert guess.roles.position_unit == "sexagesimal"


@pytest.mark.parametrize(
    ("names", "metadata", "frame"),
    [
        (("l", "b"), None, "galactic"),
        (("GLON", "GLAT"), None, "galactic"),
        (("RAB1950", "DEB1950"), None, "fk4"),
        (("ra", "dec"), {"frame": "FK5"}, "fk5"),
        (("ra", "dec"), {"frame": "ICRS"}, "icrs"),
        (("RAJ2000", "DEJ2000"), None, "icrs"),
    ],
)
def test_the_frame_is_that_of_the_names_or_of_the_table(names, metadata, frame):
    assert guess_roles(schema_of(*names, metadata=metadata)).roles.frame == frame


def test_every_role_of_a_table_with_ucds_is_found_and_said():
    guess = guess_roles(CLUMPY_SCHEMA)
    roles = guess.roles
    assert roles.id == "id"
    assert (roles.motion.pmra, roles.motion.unit) == ("pmra", "mas/yr")
    assert roles.position_error.columns == ("ra_error", "dec_error")
    assert [band.column for band in roles.bands][:2] == ["u_mag", "g_mag"]
    assert len(guess.notes) == 5


def test_ids_by_name_tell_of_the_others():
    schema = pa.schema(
        [("ra", pa.float64()), ("dec", pa.float64()), ("id", pa.int64()), ("objID", pa.int64())]
    )
    guess = guess_roles(schema)
    assert guess.roles.id == "objID"
    assert any("id would do as well: id= decides" in note for note in guess.notes)


def test_a_column_of_floats_is_no_id():
    assert guess_roles(schema_of("ra", "dec", "id")).roles.id is None


def test_epochs_of_rows_and_of_the_table_are_found():
    rows = guess_roles(schema_of("ra", "dec", "ref_epoch"))
    assert rows.roles.epoch.column == "ref_epoch"
    table = guess_roles(schema_of("ra", "dec", metadata={"epoch": "J2015.5"}))
    assert table.roles.epoch.jyear == 2015.5


# ---------------------------------------------------------------------- keywords and role files
def test_a_keyword_wins_over_the_guess():
    found = describe_input(schema_of("ra", "dec", "ra2", "dec2"), Given(ra="RA2", dec="dec2"))
    assert (found.roles.ra, found.roles.dec) == ("ra2", "dec2")


def test_a_column_that_is_missing_gets_the_nearest_names():
    with pytest.raises(ColumnError, match=r"ra='raMaen'.*did you mean raMean"):
        describe_input(schema_of("raMean", "decMean"), Given(ra="raMaen", dec="decMean"))


def test_a_role_file_gives_roles_sentinels_and_meanings():
    survey = Survey(
        name="toy",
        title="A toy",
        roles=Roles(ra="RA", dec="DEC", id="objid", parallax="plx"),
        sentinels={"mag": (-99.0,), "*": (-9999.0,)},
    )
    schema = pa.schema(
        [("ra", pa.float64()), ("dec", pa.float64()), ("objid", pa.int64()), ("mag", pa.float32())]
    )
    found = describe_input(schema, Given(survey=survey))
    assert (found.roles.ra, found.roles.id, found.roles.parallax) == ("ra", "objid", None)
    assert dict(found.sentinels)["mag"] == (-9999.0, -99.0)
    assert dict(found.sentinels)["ra"] == (-9999.0,)
    assert any("also speaks of plx" in note for note in found.notes)
    assert found.unit_stated


def test_what_a_survey_without_its_columns_cannot_tell_is_said():
    """A table of SDSS's fluxes was built as SDSS, and nothing said that it had no magnitude."""
    survey = Survey(
        name="toy", title="A toy",
        roles=Roles(ra="ra", dec="dec", id="objid", bands=(Band("g", "gmag"),)),
    )  # fmt: skip
    [note] = describe_input(schema_of("ra", "dec", "gflux"), Given(survey=survey)).notes
    assert note.endswith("so no id, no magnitude is known of its rows")
    [note] = describe_input(schema_of("ra", "dec", "k"), Given(survey=survey, id="k")).notes
    assert note.endswith("so no magnitude is known of its rows")
    [note] = describe_input(schema_of("ra", "dec", "gmag"), Given(survey=survey, id="gmag")).notes
    assert "so no" not in note


def test_a_role_file_without_its_positions_is_refused():
    survey = Survey(name="toy", title="A toy", roles=Roles(ra="alpha", dec="delta"))
    with pytest.raises(ColumnError, match="toy needs its positions alpha and delta"):
        describe_input(schema_of("ra", "dec"), Given(survey=survey))


def test_converted_positions_avoid_names_that_are_taken():
    found = describe_input(schema_of("ra", "dec"), Given(ra_unit="rad"))
    assert (found.roles.ra, found.roles.dec) == ("ra_icrs", "dec_icrs")
    assert found.roles.position_unit == "deg"
    with pytest.raises(ColumnError, match="names for the result are taken"):
        describe_input(
            schema_of("ra", "dec", "ra_icrs", "dec_deg_icrs"),
            Given(frame="fk5", ra="ra", dec="dec"),
        )


# ---------------------------------------------------------------------- units
RAD = Survey(name="toy", title="A toy", roles=Roles(ra="RArad", dec="DErad", position_unit="rad"))


def units_of(ra, dec):
    told = {"rarad": {"unit": ra} if ra else None, "derad": {"unit": dec} if dec else None}
    return schema_of("RArad", "DErad", **told)


@pytest.mark.parametrize(
    ("ra", "dec", "unit"),
    [("deg", "deg", "deg"), ("", "", "rad"), ("rad", "rad", "rad"), ("h", "deg", "hourangle")],
)
def test_the_unit_of_the_table_wins_over_the_role_files(ra, dec, unit):
    found = describe_input(units_of(ra, dec), Given(survey=RAD))
    assert found.cleaning.unit == unit
    said = [note for note in found.notes if "as the table states" in note]
    assert bool(said) == (unit != "rad")
    assert all("role file of toy says rad" in note for note in said)


def test_the_callers_unit_wins_over_both():
    assert describe_input(units_of("deg", "deg"), Given(RAD, ra_unit="rad")).cleaning.unit == "rad"


@pytest.mark.parametrize("survey", [RAD, None])
@pytest.mark.parametrize(
    ("ra", "dec", "message"),
    [("deg", "rad", "RArad is in deg and DErad in rad"), ("mas", "mas", "RArad is in mas, but")],
)
def test_units_that_place_no_row_are_refused(ra, dec, message, survey):
    with pytest.raises(ColumnError, match=message):
        describe_input(units_of(ra, dec), Given(survey=survey))
    assert describe_input(units_of(ra, dec), Given(survey, ra_unit="deg")).cleaning.unit == "deg"


def test_other_spellings_get_the_role_files_meanings():
    survey = Survey(
        name="toy",
        title="A toy",
        roles=Roles(ra="ra", dec="dec", spellings={"e_RA": "ra_error"}),
        columns={"ra_error": Column(unit="mas", ucd="stat.error;pos.eq.ra")},
    )
    found = describe_input(schema_of("ra", "dec", "e_RA", "e_ra2"), Given(survey=survey))
    assert meaning(found.schema.field("e_RA"))["unit"] == "mas"
    assert meaning(found.schema.field("e_ra2")) == {}


def test_the_role_files_unit_is_not_that_of_columns_named_by_the_caller():
    schema = schema_of("RArad", "DErad", "lon", "lat")
    found = describe_input(schema, Given(RAD, ra="lon", dec="lat"))
    assert found.cleaning.unit == "deg"
    assert not found.unit_stated
    assert describe_input(schema, Given(RAD, ra="rarad", dec="derad")).cleaning.unit == "rad"


def test_a_magnitude_that_is_text_is_told():
    """One word in a column of a CSV makes it text: a catalogue lost Gaia's G without a sound."""
    survey = Survey(name="toy", title="A toy", roles=Roles(bands=(Band("g", "gmag"),)))
    schema = pa.schema([("ra", pa.float64()), ("dec", pa.float64()), ("gmag", pa.string())])
    [note] = describe_input(schema, Given(survey=survey, ra="ra", dec="dec")).notes
    assert note.startswith("gmag: texts, where numbers are needed")
