"""Targets and spectra: SDSS's selections, and what spectra tell of known sources."""

import numpy as np
import pytest

from skyquarry.synthetic.sdss.codes import SpecClass, Target
from skyquarry.synthetic.sdss.nuclei import Nuclei
from skyquarry.synthetic.sdss.targets import COLLISION_ARCSEC, Candidates, Fibers, with_fibers
from skyquarry.synthetic.sources import Kind


@pytest.fixture(scope="module")
def spectra(tables):
    made = tables
    return made["specobj"].join(made["photoobj"].select(["objID", "petroMag_r", "reddening_r"]),
                                "objID").to_pandas()  # fmt: skip


def test_main_galaxies_are_brighter_than_17_77(spectra):
    main = (spectra["primTarget"] & int(Target.GALAXY)) > 0
    assert main.sum() > 10
    assert (spectra["petroMag_r"] - spectra["reddening_r"])[main].max() < 17.77


def test_classes_and_redshifts_are_those_of_the_truth_but_for_failures(spectra):
    good = spectra[spectra["zConf"] > 0.9]
    quasars = good[good["specClass"].isin([SpecClass.QSO, SpecClass.HIZ_QSO])]
    assert len(quasars) > 20
    quasars = quasars[(quasars["z"] - 2.3).abs() > 0.05]
    assert (quasars["z"] > 2.3).equals(quasars["specClass"] == SpecClass.HIZ_QSO)
    assert spectra.loc[spectra["specClass"] == SpecClass.UNKNOWN, "zConf"].max() < 0.35
    stars = good[good["specClass"].isin([SpecClass.STAR, SpecClass.STAR_LATE])]
    assert stars["z"].abs().max() < 0.002


def test_fibre_numbers_are_those_of_a_plate(spectra):
    assert spectra["fiberID"].between(1, 640).all()
    assert not spectra.duplicated(["plate", "mjd", "fiberID"]).any()
    plate, mjd, fiber = (
        spectra[name].to_numpy().astype(np.int64) for name in ("plate", "mjd", "fiberID")
    )
    assert (spectra["specObjID"] == (plate << 48) | (mjd << 32) | (fiber << 22)).all()


def test_lines_lie_where_the_redshift_puts_them(spectra, tables):
    lines = tables["specline"].to_pandas().merge(spectra, on="specObjID")
    hydrogen = lines[(lines["lineID"] == 6564) & (lines["specClass"] == SpecClass.GALAXY)]
    assert len(hydrogen) > 10
    rest = (hydrogen["wave"] / (1 + hydrogen["z"])).to_numpy()
    assert rest == pytest.approx(6564.6, abs=8)
    assert lines["wave"].between(3790, 9210).all()


def test_broad_lines_are_broad_and_galaxies_lines_are_not(tables):
    made = tables
    lines = made["specline"].to_pandas().merge(made["specobj"].to_pandas(), on="specObjID")
    known = lines[(lines["lineID"] > 0) & (lines["ew"] > 0)]
    kms = known["sigma"] / known["wave"] * 299_792
    galaxy = known["specClass"] == SpecClass.GALAXY
    broad = known["lineID"].isin([1215, 1549, 1908, 2799]) & (known["specClass"] >= SpecClass.QSO)
    assert kms[galaxy].median() < 250
    assert kms[broad].median() == pytest.approx(2200, rel=0.2)


def test_of_two_targets_nearer_than_two_fibres_the_rarer_one_is_kept():
    n = 2_000
    ra, dec = 180 + np.arange(n) * 0.1, np.zeros(n)
    near = 0.5 * COLLISION_ARCSEC / 3600
    bits = np.repeat([int(Target.GALAXY), int(Target.QSO_CAP)], n)
    pairs = Candidates(np.append(ra, ra), np.append(dec, dec + near), np.arange(2 * n), bits,
                       np.arange(2 * n))  # fmt: skip
    kept = with_fibers(pairs, 1)
    assert kept[n:].all()
    assert kept[:n].mean() == pytest.approx(0.33, abs=0.05)


def test_a_block_with_too_many_targets_leaves_the_least_important_ones_out():
    fibers = Fibers.of(np.full(100, 4_096), np.arange(100.0), 1)
    assert (fibers.plate < 0).sum() == 20
    assert (fibers.plate[:20] < 0).all()
    plugged = fibers.taken(fibers.plate >= 0)
    assert len(np.unique(plugged.ids)) == 80


def test_labels_are_biased_as_those_of_sdss_are(tables, truth):
    made = tables
    share = len(made["specobj"]) / len(made["photoobj"])
    sources, _ = truth
    quasars = (sources.kind == Kind.QUASAR).mean()
    told = made["specobj"]["specClass"].to_numpy()
    assert share < 0.05
    assert np.isin(told, (SpecClass.QSO, SpecClass.HIZ_QSO)).mean() > 5 * quasars


def test_halpha_of_a_nucleus_without_dust_is_three_times_hbeta():
    n = 20_000
    made = np.random.default_rng(1)
    bare = Nuclei(np.ones(n, bool), np.full(n, 80.0), np.zeros(n))
    hbeta = bare.ew("Hb_4863", made.standard_normal(n))
    assert np.median(80.0 / hbeta) == pytest.approx(3.06, rel=0.01)
    assert np.std(np.log10(hbeta)) == pytest.approx(0.03, rel=0.1)


def test_three_of_a_hundred_galaxies_have_a_nucleus_and_stars_have_none():
    n = 50_000
    made = np.random.default_rng(1)
    galaxy = np.arange(n) % 2 == 0
    found = Nuclei.drawn(galaxy, made.random((n, 3)), made.standard_normal(n), 0.03, 0.05)
    assert found.there[galaxy].mean() == pytest.approx(0.03, rel=0.1)
    assert not found.there[~galaxy].any()
    assert (found.ebv[found.there] > 1.5).mean() == pytest.approx(0.05, abs=0.02)


def test_dust_in_front_of_a_nucleus_takes_hbeta_before_halpha():
    ebv = np.array([0.0, 1.0, 2.0])
    nuclei = Nuclei(np.ones(3, bool), np.full(3, 200.0), ebv)
    ratio = nuclei.ew("Ha_6565", np.zeros(3)) / nuclei.ew("Hb_4863", np.zeros(3))
    assert ratio == pytest.approx(3.06 * 10 ** (0.432 * ebv))
    assert (nuclei.ew("OIII_5008", np.zeros(3)) == 0).all()


def test_nuclei_and_broad_absorption_are_as_strong_as_they_are_drawn(tables):
    lines = tables["specline"].join(tables["specobj"].select(["specObjID", "z", "specClass"]),
                                    "specObjID").to_pandas()  # fmt: skip
    kms = lines["sigma"] / lines["wave"] * 299_792
    nuclei = lines[(lines["lineID"] == 6564) & (lines["specClass"] == SpecClass.GALAXY)
                   & (kms > 800)]  # fmt: skip
    rest = nuclei["ew"] / (1 + nuclei["z"])
    assert len(rest) > 30
    assert 60 < rest.median() < 130
    absorbed = lines[(lines["lineID"] == 1549) & (lines["ew"] < 0) & (kms > 2_000)]
    rest = absorbed["ew"] / (1 + absorbed["z"])
    assert len(rest) > 30
    assert -35 < rest.median() < -18
