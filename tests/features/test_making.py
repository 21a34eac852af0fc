import re

import numpy as np
import pyarrow as pa
import pytest

from skyquarry.catalog.roles import Band, Roles
from skyquarry.errors import ColumnError, UserError
from skyquarry.features.admitted import refusal
from skyquarry.features.making import features_of
from skyquarry.features.registry import FAMILIES, template_of
from skyquarry.surveys.load import load

UGRIZ = {"u": [19.2, 20.0], "g": [18.1, 19.0], "r": [17.7, 18.5], "i": [17.5, 18.2],
         "z": [17.4, 18.0]}  # fmt: skip
SDSS17 = UGRIZ | {
    "obj_ID": [1.0, 2.0], "alpha": [10.0, 11.0], "delta": [1.0, 2.0], "class": ["STAR", "QSO"],
    "redshift": [0.0, 1.2], "plate": [300, 301], "MJD": [55000, 55001], "mood": [1.0, 2.0],
}  # fmt: skip


def test_auto_takes_bands_and_says_what_it_refused_and_why():
    made = features_of(SDSS17, "sdss")
    assert len(made.names) == 15
    refused = dict(made.refused)
    assert refused["redshift"].startswith("from a spectrum")
    assert refused["alpha"].startswith("a position")
    assert refused["class"].startswith("a label")
    assert refused["mood"] == "no feature is made of it: ask for it by name"
    for name in ("obj_ID", "plate", "MJD"):
        assert refused[name].startswith("bookkeeping"), name


def test_what_was_used_and_refused_is_told():
    told = []
    features_of(SDSS17, "sdss", telling=told.append)
    [text] = told
    assert "15 features of 2 rows" in text
    assert "sdss_u-g: u - g [mag]" in text
    assert "8 refused" in text


def test_tables_of_every_kind_give_the_same():
    import pandas as pd
    from astropy.table import Table

    expected = features_of(UGRIZ, "sdss").values
    assert expected.dtype == np.float32
    assert expected.flags.c_contiguous
    for table in (pa.table(UGRIZ), pd.DataFrame(UGRIZ), Table(UGRIZ)):
        assert np.array_equal(features_of(table, "sdss").values, expected)


def test_masked_and_null_cells_are_not_measured():
    from astropy.table import MaskedColumn, Table

    masked = Table({"g": MaskedColumn([18.0, 0.0], mask=[False, True]), "r": [17.0, 17.5]})
    null = pa.table({"g": [18.0, None], "r": [17.0, 17.5]})
    for table in (masked, null):
        told = features_of(table, "sdss", which=["sdss_g-r"]).values[:, 0]
        assert told[0] == pytest.approx(1.0)
        assert np.isnan(told[1])


def test_big_endian_columns_are_read():
    table = {name: np.array(told, ">f8") for name, told in UGRIZ.items()}
    assert np.array_equal(features_of(table, "sdss").values, features_of(UGRIZ, "sdss").values)


def test_decimals_as_databases_give_them_are_numbers():
    """They were 'of type decimal128, but a feature needs numbers'."""
    table = pa.table({name: pa.array(told).cast(pa.decimal128(20, 6)) for name, told in
                      UGRIZ.items()})  # fmt: skip
    assert np.array_equal(features_of(table, "sdss").values, features_of(UGRIZ, "sdss").values)


@pytest.mark.parametrize("name", ["alpha", "plate", "redshift", "class", "obj_ID", "MJD"])
def test_what_may_not_be_learnt_from_cannot_be_asked_for(name):
    with pytest.raises(UserError, match=f"column '{name}' was asked for, but it is"):
        features_of(SDSS17, "sdss", which=["auto", name])


def test_spectra_come_in_only_when_asked_for():
    made = features_of(SDSS17, "sdss", which=["sdss_r", "redshift"], with_spectra=True)
    assert made.names == ("sdss_r", "redshift")
    gaia = {"phot_g_mean_mag": [15.0], "radial_velocity": [20.0]}
    assert "gaia_radial_velocity" not in features_of(gaia, "gaia").names
    every = features_of(gaia, "gaia", with_spectra=True)
    assert "gaia_radial_velocity" in every.names
    again = features_of(gaia, "gaia", which=every.names, with_spectra=True)
    assert np.array_equal(again.values, every.values, equal_nan=True)
    with pytest.raises(UserError, match="is from a spectrum: leave it out, or"):
        features_of(gaia, "gaia", which=["gaia_radial_velocity"])


def test_columns_features_and_families_can_be_mixed_in_a_list():
    made = features_of(SDSS17, "sdss", which=["mood", "sdss_u-g", "colours"])
    assert made.names[:2] == ("mood", "sdss_u-g")
    assert len(made.names) == 16


def test_a_list_of_columns_needs_no_survey_and_z_among_griz_is_a_band():
    made = features_of(SDSS17, which=list("ugriz"))
    assert made.names == tuple("ugriz")
    assert made.values.tolist() == np.array(list(UGRIZ.values()), np.float32).T.tolist()
    with pytest.raises(UserError, match="'z' was asked for, but it is from a spectrum"):
        features_of({"z": [0.1], "u_mag": [19.0]}, which=["z"])


def test_auto_without_a_survey_offers_the_one_that_fits():
    with pytest.raises(UserError, match="survey='sdss_dr18_photoobj' fits its columns"):
        features_of(SDSS17)


def test_a_name_that_is_nothing_is_answered_with_the_nearest():
    with pytest.raises(UserError, match=r"'sdss u-g' was asked for, but.*did you mean 'sdss_u-g'"):
        features_of(UGRIZ, "sdss", which=["sdss u-g"])


def test_a_feature_that_the_table_has_no_columns_for_is_an_error_or_an_empty_column():
    with pytest.raises(ColumnError, match="'wise_W1-W2' needs both bands, but the table lacks"):
        features_of(UGRIZ, "sdss", which=["sdss_r", "wise_W1-W2"])
    made = features_of(UGRIZ, "sdss", which=["sdss_r", "wise_W1-W2"], absent="nan")
    assert made.names == ("sdss_r", "wise_W1-W2")
    assert np.isnan(made.values[:, 1]).all()
    assert made.refused == (("wise_W1-W2", "the table lacks what it needs: both bands"),)


def test_a_table_without_any_of_a_models_columns_is_an_error():
    with pytest.raises(ColumnError, match="has columns for none of it"):
        features_of(UGRIZ, "sdss", which=["wise_W1-W2"], absent="nan")


def test_a_model_of_two_surveys_reads_a_table_of_one():
    made = features_of(
        UGRIZ, ["sdss", "wise"], which=["sdss_r", "sdss_z-wise_W1"], absent="nan"
    )  # fmt: skip
    assert made.values[:, 0] == pytest.approx([17.7, 18.5])
    assert np.isnan(made.values[:, 1]).all()
    assert dict(made.refused)["allwise"] == "the table has none of this survey's columns"


def test_a_survey_that_gave_nothing_is_told():
    made = features_of(UGRIZ | {"ra": [1.0, 2.0], "dec": [1.0, 2.0]}, ["sdss", "twomass"])
    assert dict(made.refused)["twomass_psc"].startswith("the survey was named, but no feature")


def test_a_survey_without_columns_is_named():
    with pytest.raises(ColumnError, match="survey 'gaia_dr3' has none of its columns"):
        features_of({"brightness": [1.0]}, "gaia")


def test_columns_of_ones_own_names_are_given_by_a_mapping():
    table = {"blue": [18.0], "red": [17.2]}
    made = features_of(table, "sdss", columns={"g": "blue", "r": "red"}, which=["sdss_g-r"])
    assert made.values[0, 0] == pytest.approx(0.8)


def test_the_one_z_of_a_table_of_quasars_is_its_redshift():
    table = {"z": [1.9], "u_mag": [18.0], "g_mag": [18.1], "r_mag": [18.0], "i_mag": [17.9],
             "z_mag": [17.8], "sig_z_mag": [0.02]}  # fmt: skip
    made = features_of(table, "sdss", which=["sdss_z"])
    assert made.values[0, 0] == pytest.approx(17.8)
    assert dict(features_of(table, "sdss").refused)["z"].startswith("from a spectrum")


def test_roles_alone_serve_as_a_survey():
    roles = Roles(bands=(Band("B", "bmag"), Band("V", "vmag")))
    made = features_of({"bmag": [16.0], "vmag": [15.4]}, roles, which=["survey_B-V"])
    assert made.values[0, 0] == pytest.approx(0.6)


class Warmth:
    """A feature of a user's own."""

    name, unit, formula, source, columns = "warmth", "", "10 - r", "nobody", ("r",)

    def of(self, sky):
        return 10.0 - sky.columns.floats("r")


class Wrong(Warmth):
    name = "wrong"

    def of(self, sky):
        return np.zeros(7)


def test_a_feature_of_ones_own_is_registered_by_passing_it():
    made = features_of(UGRIZ, "sdss", which=["sdss_u", Warmth()])
    assert made.names == ("sdss_u", "warmth")
    assert made.values[:, 1] == pytest.approx([-7.7, -8.5])
    with pytest.raises(UserError, match=re.escape("'wrong' gave an array of shape (7,), but")):
        features_of(UGRIZ, "sdss", which=[Wrong()])


def test_features_are_taken_in_the_order_of_a_model():
    made = features_of(UGRIZ, "sdss")
    some = made.columns(["sdss_r", "sdss_u-g"])
    assert some.names == ("sdss_r", "sdss_u-g")
    assert some.values[0] == pytest.approx([17.7, 1.1])
    with pytest.raises(UserError, match="'sdss_k' was asked for, but it was not made"):
        made.columns(["sdss_k"])


def test_no_rows_make_no_rows():
    made = features_of({name: [] for name in UGRIZ}, "sdss")
    assert made.values.shape == (0, 15)


def test_every_feature_is_told_by_its_template_and_every_template_has_a_source():
    shorts = ["sdss", "ps1", "gaia", "twomass", "wise", "ukidss"]
    numbers = {"short", "int", "long", "float", "double", "unsignedByte"}
    table = {
        f"{short}_{name}": [1.0] if told.type in numbers else ["AAAA"]
        for short in shorts for name, told in load(short).columns.items()
    }  # fmt: skip
    for each in features_of(table, shorts).used:
        template = template_of(each.name)
        assert template is not None
        assert (template.unit, template.source) == (each.unit, each.source), each.name
        assert each.columns
    for own in FAMILIES:
        assert all(each.formula and each.source and each.needs for each in own.templates)


# ids, places and times as surveys and label files call them; and what may be learnt from
@pytest.mark.parametrize(
    "name",
    ["run", "rerun", "camcol", "field", "plate", "mjd", "MJD", "fiberid", "fiber_ID", "objid",
     "specobjid", "spec_obj_ID", "source_id", "obsdate", "planid", "GAIA_Source_id", "recno",
     "_healpix_29", "nObs", "LINEARobjectID", "name_cat_id", "group_id", "htmid_id"],
)  # fmt: skip
def test_bookkeeping_never_enters(name):
    assert refusal(name, with_spectra=True).startswith("bookkeeping")


@pytest.mark.parametrize(
    "name",
    ["ra", "dec", "RA", "alpha", "delta", "RA_ICRS", "DE_ICRS", "l", "b", "glon", "GLAT", "raj2000",
     "GAIA_RA", "ra_cat", "R.A.", "Dec.", "elat"],
)  # fmt: skip
def test_positions_never_enter(name):
    assert refusal(name, with_spectra=True).startswith("a position")


@pytest.mark.parametrize(
    "name",
    ["redshift", "z", "rv", "teff", "logg", "feh", "TeffH", "subclass", "spt", "snrg", "Vel"],
)
def test_spectra_enter_by_name_only(name):
    assert refusal(name).startswith("from a spectrum")
    assert refusal(name, with_spectra=True) is None


@pytest.mark.parametrize(
    "name",
    ["u_g", "r_i", "Fcsc_s", "Fcsc_b", "W1mag", "ruwe", "parallax", "pmra", "B", "V", "p_any",
     "significance", "petroR50_r", "ug", "JK", "logP", "Ampl", "ebv", "G", "Bmag"],
)  # fmt: skip
def test_measurements_may_be_learnt_from(name):
    assert refusal(name) is None


def test_the_words_of_a_role_file_decide_before_the_name():
    gaia, sdss, spectra = load("gaia"), load("sdss"), load("sdss_spec")
    assert refusal("source_id", gaia.columns["source_id"]).startswith("bookkeeping")
    assert refusal("b", gaia.columns["b"]).startswith("a position")
    assert refusal("radial_velocity", gaia.columns["radial_velocity"]).startswith("from a spec")
    assert refusal("pmra", gaia.columns["pmra"]) is None
    assert refusal("type", sdss.columns["type"]).startswith("a label")
    assert refusal("z", spectra.columns["z"]).startswith("from a spectrum")


def with_unit(name, unit):
    table = pa.table(UGRIZ)
    field = table.schema.field(name).with_metadata({"unit": unit})
    return table.set_column(table.column_names.index(name), field, table[name])


@pytest.mark.parametrize("unit", ["mag", "mag(AB)", "", "unheard of"])
def test_a_unit_that_is_the_surveys_or_unknown_is_taken(unit):
    assert features_of(with_unit("g", unit), "sdss").values.shape == (2, 15)


@pytest.mark.parametrize("unit", ["mJy", "1e-9 Jy", "mas"])
def test_another_unit_than_the_surveys_is_refused(unit):
    with pytest.raises(ColumnError, match=re.escape(f"'g' is in {unit!r}, but sdss")):
        features_of(with_unit("g", unit), "sdss")


def test_the_unit_of_an_astropy_column_is_heeded():
    from astropy.table import Table

    table = Table({name: np.array(values) for name, values in UGRIZ.items()})
    table["r"].unit = "Jy"
    with pytest.raises(ColumnError, match="'r' is in 'Jy'"):
        features_of(table, "sdss")
