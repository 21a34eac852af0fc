"""VizieR's tables of a survey are known by the survey's role file."""

from __future__ import annotations

import pytest

from skyquarry.errors import UserError
from skyquarry.pipeline.build import build
from skyquarry.surveys.load import load, names, parse

VIZIER = {
    "gaia_dr3": (
        "RA_ICRS DE_ICRS Source e_RA_ICRS e_DE_ICRS Plx e_Plx PM pmRA e_pmRA pmDE e_pmDE RADEcor "
        "RApmRAcor RApmDEcor DEpmRAcor DEpmDEcor pmRApmDEcor RUWE Dup Solved NSS Gmag BPmag RPmag "
        "RV e_RV RAJ2000 DEJ2000"
    ),
    "gaia_edr3": (
        "RA_ICRS DE_ICRS Source e_RA_ICRS e_DE_ICRS Plx e_Plx pmRA e_pmRA pmDE e_pmDE RADEcor "
        "RApmRAcor RApmDEcor DEpmRAcor DEpmDEcor pmRApmDEcor RUWE Dup Solved Gmag BPmag RPmag "
        "RVDR2 e_RVDR2 RAJ2000 DEJ2000"
    ),
    "twomass_psc": (
        "RAJ2000 DEJ2000 errMaj errMin errPA 2MASS Jmag Jcmsig e_Jmag Hmag e_Hmag Kmag e_Kmag "
        "Qflg Rflg Bflg Cflg Xflg Aflg JD"
    ),
    "panstarrs1": (
        "RAJ2000 DEJ2000 objID f_objID Qual e_RAJ2000 e_DEJ2000 Epoch Nd "
        + " ".join(f"{b}mag e_{b}mag {b}Kmag e_{b}Kmag" for b in "grizy")
    ),
    "allwise": (
        "RAJ2000 DEJ2000 AllWISE eeMaj eeMin eePA "
        + " ".join(f"W{i}mag e_W{i}mag" for i in "1234")
        + " ccf ex var qph pmRA e_pmRA pmDE e_pmDE d2M"
    ),
    "sdss_dr18_photoobj": (
        "RA_ICRS DE_ICRS e_RA_ICRS e_DE_ICRS objID mode class clean SpObjID "
        + " ".join(f"{b}mag e_{b}mag {b}pmag e_{b}pmag {b}Pmag e_{b}Pmag" for b in "ugriz")
    ),
    "tycho2": (
        "RAmdeg DEmdeg TYC1 TYC2 TYC3 pflag pmRA pmDE e_RAmdeg e_DEmdeg e_pmRA e_pmDE EpRAm EpDEm "
        "Num BTmag e_BTmag VTmag e_VTmag prox TYC HIP CCDM RAdeg DEdeg posflg corr"
    ),
    "hipparcos2": (
        "RArad DErad HIP Sn So Nc Plx pmRA pmDE e_RArad e_DErad e_Plx e_pmRA e_pmDE Ntr F2 F1 var "
        "ic Hpmag e_Hpmag sHp VA B-V e_B-V V-I"
    ),
}
NOT_THERE = {
    "allwise": {"source_id", "w1mjdmean", "sigra", "sigdec", "sigradec", "nb", "na"},
    "sdss_dr18_photoobj": {"mjd", "petroR50_r", "flags"},
    "tycho2": set(),
    "hipparcos2": set(),
    "gaia_dr3": {"ref_epoch"},
    "gaia_edr3": {"ref_epoch"},
    "twomass_psc": {"use_src"},
    "panstarrs1": set(),
}


@pytest.mark.parametrize("name", VIZIER)
def test_vizier_s_spellings_fill_the_roles(name):
    columns = VIZIER[name].split()
    roles, missing = load(name).roles.fitted(columns)
    assert set(missing) == NOT_THERE[name]
    assert set(roles.columns()) <= set(columns)
    assert roles.ra == columns[0]
    assert len(roles.bands) == len(load(name).roles.bands)


def test_sdss_has_model_psf_and_petrosian_magnitudes_apart():
    roles, _ = load("sdss").roles.fitted(
        ["RA_ICRS", "DE_ICRS", "objID", "gmag", "gpmag", "gPmag", "rPmag"]
    )
    assert {band.name: band.column for band in roles.bands} == {"g": "gpmag", "g_model": "gmag"}


def test_the_specobj_files_have_the_position_of_the_plug():
    roles, _ = load("specobj").roles.fitted(["PLUG_RA", "PLUG_DEC", "SPECOBJID", "CLASS", "MJD"])
    assert (roles.ra, roles.dec, roles.id) == ("PLUG_RA", "PLUG_DEC", "SPECOBJID")


@pytest.mark.parametrize("name", names())
def test_no_other_spelling_is_the_name_of_a_column(name):
    survey = load(name)
    own = {column.lower() for column in survey.columns}
    assert not [each for each in survey.roles.spellings if each.lower() in own]


def test_a_spelling_of_a_column_that_is_not_is_an_error():
    told = {"name": "x", "title": "X", "columns": {"ra": {}, "dec": {}},
            "roles": {"ra": "ra", "dec": "dec", "spellings": {"RAJ2000": "rra"}}}  # fmt: skip
    with pytest.raises(UserError, match=r"RAJ2000 is 'rra'.*did you mean 'ra'"):
        parse(told)


def test_ngc_188_from_vizier_is_2mass(shared_data, tmp_path):
    source = shared_data / "xmatch" / "ngc188" / "2MASS_results.ecsv"
    catalog = build(source, tmp_path / "ngc188", survey="2mass")
    assert len(catalog) == 5014
    roles = catalog.stored.roles
    assert (roles.id, roles.ra) == ("_2MASS", "RAJ2000")
    assert [(b.column, b.error) for b in roles.bands] == [
        ("Jmag", "e_Jmag"), ("Hmag", "e_Hmag"), ("Kmag", "e_Kmag"),
    ]  # fmt: skip
    assert catalog.verify() == []
