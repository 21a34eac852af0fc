from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skyquarry.catalog.digest import digest
from skyquarry.engine.catalog import open_catalog
from skyquarry.sky.algebra import Region
from skyquarry.sky.manycones import Cones
from skyquarry.sky.regions import Cone, Polygon, Zone
from skyquarry.sky.regiontext import region_from_text

CORNERS = [(0, 0), (10, 0), (10, 10)]


@pytest.mark.parametrize(
    ("one", "two"),
    [
        (lambda: region_from_text("MOC 3/0-1"), lambda: region_from_text("MOC 3/5-6")),
        (lambda: Cones([10, 20], [0, 0], [60, 1]), lambda: Cones([10, 20], [0, 0], [60, 2])),
        (lambda: Cone(1, 2, 3), lambda: Cone(1, 2, np.nextafter(3, 4))),
        (lambda: Cone(1, 2, 3), lambda: Cone(1, 2, 3, "galactic")),
        (lambda: Zone(1, 2) & Cone(1, 2, 3), lambda: Zone(1, 2) | Cone(1, 2, 3)),
        (lambda: Polygon(CORNERS), lambda: Polygon([*CORNERS[:2], (10, 9)])),
        (lambda: pa.array([1, 2]), lambda: pa.array([1, 3])),
        (lambda: ("ab", "c"), lambda: ("a", "bc")),
        (lambda: {"a": 1}, lambda: {"a": "1"}),
        (lambda: [[1], [2]], lambda: [[1, 2]]),
    ],
)
def test_what_differs_has_another_digest_and_what_is_equal_the_same(one, two):
    assert digest(one()) == digest(one())
    assert digest(two()) == digest(two())
    assert digest(one()) != digest(two())


plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.tuples(inner, inner),
)


@given(plain, plain)
def test_digests_agree_where_the_values_do(one, two):
    assert (digest(one) == digest(two)) == (repr(one) == repr(two))


def test_a_region_of_an_unknown_kind_is_never_taken_for_another():
    assert digest(Region()) != digest(Region())


def test_cuts_are_told_apart_by_each_of_their_parts(sky_path):
    cat = open_catalog(sky_path)
    cuts = [
        cat,
        cat.where("id < 5"),
        cat.where("id < 6"),
        cat.ids([1, 2]),
        cat.ids([1, 3]),
        cat.sample(0.5),
        cat.sample(0.5, seed=1),
        cat.cone(1, 2, 3),
        cat.cone(1, 2, 3, epoch=2000),
        cat.cone(1, 2, 3, epoch=2001),
        cat.head(3),
        cat.select(["id"]),
    ]
    assert len({digest(each.cut) for each in cuts}) == len(cuts)
    assert digest(cat.where("id < 5").cut) == digest(open_catalog(sky_path).where("id < 5").cut)
