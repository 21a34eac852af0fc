"""A survey's footprint is the MOC that its role file names."""

from __future__ import annotations

import pytest

from skyquarry.errors import NotFoundError, UserError
from skyquarry.sky.mocs import MocRegion
from skyquarry.sky.ranges import Ranges
from skyquarry.surveys.footprints import footprint_of
from skyquarry.surveys.load import load, names

OWN = 'name = "mine"\ntitle = "Mine"\nroles = {}\nfootprint = { moc = "mine.fits" }\n'


@pytest.fixture
def survey(tmp_path):
    (tmp_path / "mine.toml").write_text(OWN)
    return load(tmp_path / "mine.toml")


def test_the_moc_beside_the_role_file_is_the_surveys_own(survey, tmp_path):
    covered = Ranges.from_cells(3, [5, 6, 700])
    (tmp_path / "mine.fits").write_bytes(MocRegion(covered, 3).to_fits())
    footprint = footprint_of(survey)
    assert footprint.label == "survey"
    assert footprint.ranges == covered


def test_a_moc_that_is_not_there_is_named(survey):
    with pytest.raises(NotFoundError, match=r"names the MOC '.*mine\.fits'"):
        footprint_of(survey)


def test_a_file_that_is_no_moc_is_named(survey, tmp_path):
    (tmp_path / "mine.fits").write_bytes(b"SIMPLE  = but no more")
    with pytest.raises(UserError, match=r"mine\.fits, the footprint of mine, is no MOC"):
        footprint_of(survey)


@pytest.mark.parametrize("name", names())
def test_a_survey_without_a_moc_has_no_footprint_of_its_own(name):
    survey = load(name)
    assert survey.footprint.moc is None
    assert footprint_of(survey) is None
