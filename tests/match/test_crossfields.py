"""On the frozen sky: the identification beside the nearest within 1", by survey and latitude."""

from __future__ import annotations

import pytest

from skyquarry.testing import golden
from skyquarry.testing.crossfields import crossfield
from skyquarry.testing.fieldscores import LEFT, by_nearest, score_lines

AREA_DEG2 = {60: 0.5, 30: 0.2, 10: 0.05}
SURVEYS = ("twomass_psc", "allwise", "panstarrs1")


def lines_of(field, pairs_with):
    """{(survey, method): score over all magnitudes}; `pairs_with(survey)` -> pairs of ours."""
    lines = []
    for name in SURVEYS:
        ours = golden.matched_rows(pairs_with(name), LEFT, name)
        lines += score_lines(field, name, by_nearest(field, name) | {"ours": ours})
    return {(x["survey"], x["method"]): x for x in lines if x["g_from"] is None}


@pytest.fixture(scope="module", params=sorted(AREA_DEG2))
def made(request):
    field = crossfield(request.param, area_deg2=AREA_DEG2[request.param])
    return field, golden.Field(field.catalogs, field.roles)


@pytest.fixture(scope="module")
def two_by_two(made):
    field, tables = made
    return lines_of(field, lambda name: golden.identify(tables, (LEFT, name)).pairs)


@pytest.fixture(scope="module")
def all_at_once(made):
    field, tables = made
    pairs = golden.identify(tables, tuple(field.catalogs)).pairs
    return lines_of(field, lambda _: pairs)


def f1(line):
    """Harmonic mean of purity and completeness."""
    p, c = line["purity_primary"], line["completeness_primary"]
    return 2.0 * p * c / (p + c)


@pytest.mark.parametrize("survey", SURVEYS)
def test_the_identification_is_as_pure_as_the_nearest_and_as_complete(two_by_two, survey):
    ours, nearest = two_by_two[survey, "ours"], two_by_two[survey, "nearest raw"]
    assert ours["purity_primary"] > nearest["purity_primary"] - 0.003
    assert ours["completeness_primary"] > nearest["completeness_primary"] - 0.01


@pytest.mark.parametrize("survey", SURVEYS)
def test_the_identification_is_no_worse_than_the_mutual_nearest_with_motions(two_by_two, survey):
    """Which uses the same epochs and motions, and a radius that was chosen to suit."""
    assert f1(two_by_two[survey, "ours"]) > f1(two_by_two[survey, "mutual pm"]) - 0.005


@pytest.mark.xfail(
    strict=False,
    reason="the reference catalogue has no wide errors: galaxies and blends of three that agree "
    "are split from it",
)
@pytest.mark.parametrize("survey", SURVEYS)
def test_four_at_once_are_no_worse_than_two_by_two(all_at_once, two_by_two, survey):
    """A row that stands apart from three that agree (a galaxy, a blend) is still of the object."""
    assert f1(all_at_once[survey, "ours"]) > f1(two_by_two[survey, "ours"]) - 0.005
