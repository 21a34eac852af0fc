"""The golden field lies across RA 0 and over the pole: the same physics, so the same answer.

Two things tell the placements apart, and are the same here: the motions expected of a star by its
galactic latitude, and footprints, whose estimate goes by cells of the sky that lie differently.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from pyarrow import csv

import skyquarry as sq
from skyquarry.catalog.arrow import to_numpy
from skyquarry.catalog.roles import Survey
from skyquarry.match.crossmatch import CrossmatchPlan, Identify
from skyquarry.match.likelihood.motionprior import MotionPrior
from skyquarry.sky.footprint import Footprint
from skyquarry.sky.regions import Cone
from skyquarry.testing import golden as truth

if TYPE_CHECKING:
    from skyquarry.match.runs.rules import Rules

CENTRE = {"wrap": (0.0, 30.0), "pole": (123.4, 89.95)}
RADIUS_ARCSEC = 1030.0  # the field is a square of 0.4 degrees
KEY = ("left_catalog", "left_id", "right_catalog", "right_id")


@dataclass(frozen=True)
class AnywhereTheSame(Identify):
    """An identification that expects the same motions at every galactic latitude."""

    @property
    def rules(self) -> Rules:
        return replace(super().rules, motion=MotionPrior(informed=False))


@pytest.fixture(scope="module")
def answers(golden, tmp_path_factory):
    """Pairs and groups of both placements, from catalogues that know where they looked."""
    folder, prior = tmp_path_factory.mktemp("field4"), densities(golden)
    return {place: identified(golden, place, folder / place, prior) for place in CENTRE}


def identified(golden, place, folder, prior):
    field, _ = truth.field4(golden, place)
    footprint = Footprint.from_region(Cone(*CENTRE[place], RADIUS_ARCSEC), 12)
    catalogs = [
        sq.build(
            field.catalogs[name], folder / name, survey=Survey(name, name, roles=field.roles[name]),
            footprint=footprint, margin_arcsec=None, progress=False, executor="inline",
        )
        for name in truth.FIELD4
    ]  # fmt: skip
    asked = sq.crossmatch(*catalogs, names=truth.FIELD4, prior=prior).node
    node = AnywhereTheSame(**{each.name: getattr(asked, each.name) for each in fields(asked)})
    result = CrossmatchPlan(node).run("inline")
    return in_order(result.pairs, "left_id", "right_id"), in_order(result.members, "id")


def densities(golden):
    """The densities that the field was made with, per square degree."""
    lines = csv.read_csv(golden / "field4_wrap_set_densities.csv").to_pylist()
    per_deg2 = (np.pi / 180.0) ** 2
    return {tuple(x["catalogues"].split("+")): per_deg2 * x["density_per_sr"] for x in lines}


def in_order(table, *key):
    return table.sort_by([(name, "ascending") for name in key])


def both(answers, number, name):
    return [answers[place][number][name].combine_chunks() for place in CENTRE]


@pytest.mark.parametrize("name", [*KEY, "group_id", "is_match", "rank", "n_candidates"])
def test_both_placements_have_the_same_pairs(answers, name):
    wrap, pole = both(answers, 0, name)
    assert len(wrap) > 6_000
    assert wrap.equals(pole)


@pytest.mark.parametrize("name", ["catalog", "id", "group_id"])
def test_both_placements_have_the_same_groups(answers, name):
    wrap, pole = both(answers, 1, name)
    assert wrap.equals(pole)


@pytest.mark.parametrize(
    ("name", "rtol", "atol"),
    [
        ("chi2", 1e-7, 1e-7),  # stored degrees hold 0.2 nas
        ("sep_arcsec", 0.0, 1e-9),
        ("lnB_pos", 1e-7, 1e-7),
        ("posterior", 0.0, 1e-6),
        ("posterior_geometry", 0.0, 1e-6),
        ("p_any", 0.0, 1e-6),
    ],
)
def test_both_placements_have_the_same_figures(answers, name, rtol, atol):
    wrap, pole = (to_numpy(each) for each in both(answers, 0, name))
    np.testing.assert_allclose(wrap, pole, rtol=rtol, atol=atol)
