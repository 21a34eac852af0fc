"""No trap is only words: each is held by a fact about its role file, or by a test of its own."""

from __future__ import annotations

from pathlib import Path

import pytest

from skyquarry.surveys.load import load, names

# trap -> what the role file must make of it
FACTS = {
    "null-error-is-a-limit": lambda s: all(
        "null for an upper limit" in s.columns[b.error].description for b in s.roles.bands
    ),
    "two-positions": lambda s: (s.roles.ra, s.roles.epoch.column) == ("ra", "MeanObsMJD"),
    "uncorrected-astrometry": lambda s: s.roles.motion.pmra == "PMRA" and s.roles.parallax is None,
    "no-magnitude-error-column": lambda s: {b.error for b in s.roles.bands} == {None},
    "repeated-observations": lambda s: s.roles.object_id is None and "band" in s.roles.flags,
    "edge-of-field": lambda s: "fov_radius" in s.roles.flags,
    "position-of-the-input": lambda s: s.roles.position_error is None and s.roles.epoch is None,
    "fibre-position": lambda s: s.roles.position_error is None and s.roles.epoch is None,
    "many-single-detections": lambda s: {"nDetections", "qualityFlag"} <= set(s.roles.flags),
    "only-primary": lambda s: "mode" in s.roles.flags,
    "primary-only": lambda s: "priOrSec" in s.roles.flags,
    "two-errors": lambda s: [b.error[2:] for b in s.roles.bands] == ["msigcom"] * 3,
    "zero-specobjid": lambda s: {0, "0"} & set(s.sentinels_of("specObjID")),
    "zerr-negative": lambda s: "zWarning" in s.roles.flags and "zErr" in s.columns,
}
REPEATED = {"lamost": "designation", "sdss_dr18_specobj": "bestObjID"}

# trap -> the test that holds it
TESTS = {
    "apparent-motions": "test_allwise_motions_are_apparent_and_have_no_role",
    "signed-cosigma": "test_wise_writes_the_signed_root_of_the_covariance",
    "epoch-per-row": "test_the_rows_of_a_survey_carry_their_own_epochs",
    "arcsec-per-year": "test_catwise_moves_in_arcseconds_a_year",
    "pm-fields-hold-bp-and-rp": "test_the_fields_called_motions_are_bp_and_rp",
    "rows-from-hipparcos": "test_rows_from_hipparcos_are_kept_and_flagged",
    "zero-means-missing": "test_zeros_are_nulls",
    "polaris-at-1991.25": "test_rows_from_hipparcos_stand_where_their_epoch_says",
    "ra-error-has-cos-dec": "test_a_gaia_error_is_of_ra_cos_dec_in_mas_with_a_correlation",
    "epoch-2016.0": "test_a_fixed_epoch_is_the_surveys_own",
    "epoch-1991.25": "test_a_fixed_epoch_is_the_surveys_own",
    "minus-999": "test_a_sentinel_means_missing",
    "minus-9999": "test_a_sentinel_means_missing",
    "positions-in-radians": "test_hipparcos_is_in_radians_and_the_packaged_table_in_degrees",
    "radians-in-the-package": "test_hipparcos_is_in_radians_and_the_packaged_table_in_degrees",
    "magnitudes-by-magtype": "test_lamost_has_no_band_whose_meaning_changes_from_row_to_row",
    "asinh-magnitudes": "test_sdss_magnitudes_are_asinh_with_the_softening_of_each_band",
    "unsigned-specobjid": "test_an_unsigned_id_of_a_spectrum_survives_a_build",
    "errors-above-8-are-codes": "test_a_2mass_error_above_8_is_a_code",
    "error-ellipse": "test_2mass_has_an_ellipse_east_of_north",
    "mean-position-at-j2000": "test_tycho_takes_the_mean_position_and_not_the_observed_one",
    "errors-at-the-mean-epoch": "test_tycho_takes_the_mean_position_and_not_the_observed_one",
    "blank-mean-position": "test_tycho_takes_the_mean_position_and_not_the_observed_one",
    "minus-999999500": "test_the_ukidss_sentinel_is_there_in_single_precision_too",
    "radians-in-raw-tables": "test_the_ukidss_sentinel_is_there_in_single_precision_too",
}
EVERY = [(name, trap.id) for name in names() for trap in load(name).traps]


@pytest.mark.parametrize(("name", "trap"), EVERY, ids=lambda word: word)
def test_each_trap_is_held_by_a_fact_or_a_test(name, trap):
    if trap == "repeated-spectra":
        assert load(name).roles.object_id == REPEATED[name]
    elif trap in FACTS:
        assert FACTS[trap](load(name))
    else:
        here = Path(__file__).parent
        text = "".join((here / f"test_{of}.py").read_text() for of in ("traps", "packaged"))
        assert f"def {TESTS[trap]}(" in text
