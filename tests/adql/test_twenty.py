"""The twenty queries in ADQL give the rows that the database's own SQL, written apart, gives."""

from __future__ import annotations

import pytest

from skyquarry.adql.asking import query
from skyquarry.testing.smallsky import BOXES, small_archive
from skyquarry.testing.twentyadql import adql
from skyquarry.testing.twentyqueries import answers


@pytest.fixture(scope="module")
def sdss(tmp_path_factory):
    return small_archive(tmp_path_factory.mktemp("sdss"))


@pytest.fixture(scope="module")
def wanted(sdss):
    return answers(sdss, BOXES)


def ordered(rows):
    """Rows in one order, minus nought as nought: numbers of 32 bits differ in the seventh digit."""
    plain = [tuple(each + 0 for each in row) for row in rows]
    return sorted(plain, key=lambda row: tuple(round(each, 3) for each in row))


@pytest.mark.parametrize("name", sorted(adql()))
def test_each_query_gives_the_rows_of_its_twin(sdss, wanted, name):
    found = query(adql(BOXES)[name], archive=sdss).to_table().to_pylist()
    rows, twins = ordered(tuple(row.values()) for row in found), ordered(wanted[name])
    assert len(rows) == len(twins) > 0
    for row, twin in zip(rows, twins, strict=True):
        assert row == pytest.approx(twin, rel=2e-7)


def test_the_queries_are_twenty_and_their_variants(wanted):
    assert sorted(adql()) == sorted(wanted)
    assert {str(number) for number in range(1, 21)} <= set(wanted)


def test_a_region_leaves_tiles_of_an_sdss_archive_unread(sdss):
    plan = query(adql(BOXES)["1"], archive=sdss)
    assert plan.reads[0].scan.cut.region is not None
    assert plan.reads[0].narrow.bounds["mode"] == (1, 1)
