"""M67 in thirteen surveys: every true pair is found, and none that is not."""

from __future__ import annotations

import pytest

from skyquarry.testing import golden, scores

FOUND_BY_NEAREST = {  # true pairs in each survey: nearest within 2"
    "ps1": 792, "twomass": 780, "allwise": 750, "tycho2": 15, "galex": 206, "sdss_star": 781,
    "sdss_gal": 15, "ukidss_las": 13, "apogee_payne": 127, "segue": 73, "lamost_dr3": 4,
    "sdss_spec": 76,
}  # fmt: skip


@pytest.fixture(scope="module")
def m67(shared_data):
    return golden.m67(shared_data / "xmatch" / "m67_west")


def place(field, name):
    table, roles = field.catalogs[name], field.roles[name]
    return scores.Sky(*(table[c].to_numpy() for c in (roles.ra, roles.dec)))


@pytest.mark.parametrize("name", golden.M67)
def test_the_mutual_nearest_is_the_true_one(m67, name):
    field, truth = m67
    pairs = scores.mutual_nearest(place(field, "gaia_dr2"), place(field, name), 2.0)[:2]
    score = scores.score_pairs(*pairs, truth[name])
    assert score.n_true_primary == score.n_matched == FOUND_BY_NEAREST[name]
    assert score.purity_primary == score.completeness_primary == 1.0


@pytest.mark.parametrize("name", golden.M67)
def test_the_identification_finds_the_true_pairs(m67, name):
    """Stated errors are guesses, and the field has no contaminants: hardly a pair may be lost."""
    field, truth = m67
    result = golden.identify(field, ("gaia_dr2", name))
    pairs = golden.matched_rows(result.pairs, "gaia_dr2", name)
    score = scores.score_pairs(*pairs, truth[name])
    assert score.purity_primary == 1.0
    assert score.completeness_primary >= 0.99


def test_five_surveys_at_once_find_the_true_pairs_too(m67):
    field, truth = m67
    names = ("gaia_dr2", "ps1", "twomass", "allwise", "sdss_star")
    result = golden.identify(field, names)
    for name in names[1:]:
        pairs = golden.matched_rows(result.pairs, "gaia_dr2", name)
        score = scores.score_pairs(*pairs, truth[name])
        assert score.purity_primary >= 0.999
        assert score.completeness_primary >= 0.99
