"""Patches: the sky in parts, without a row, a pair or an island lost or doubled."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skyquarry.errors import UserError
from skyquarry.match.likelihood.motionprior import MotionPrior
from skyquarry.match.priors.fields import Counts
from skyquarry.match.runs.identify import identified, identify, joined
from skyquarry.match.runs.passes import reach_arcsec
from skyquarry.match.runs.patches import Patch, patches_of
from skyquarry.match.runs.rules import Rules
from skyquarry.sky import healpix
from skyquarry.sky.ranges import N_PIXELS, Ranges
from skyquarry.sky.vectors import ARCSEC_PER_RADIAN, separation_arcsec, to_radec, to_xyz
from skyquarry.testing.naive.calibrate import plain_rows

PLACES = [
    (10.0, 41.0),
    (0.0, 0.0),
    (45.0, 0.0),  # corner of two base cells and their neighbours
    (0.0, 41.8103148957786),  # where three cells meet
    (90.0, 41.8103148957786),
    (123.0, 90.0),
    (271.0, -90.0),
    (359.9999, 30.0),
]


def cloud(place, radius_arcsec, n, seed):
    """(ra, dec) of points within about the radius of a place, some at one position."""
    rng = np.random.default_rng(seed)
    centre = to_xyz(*place)[0]
    away = rng.normal(0.0, 0.5 * radius_arcsec / ARCSEC_PER_RADIAN, (n, 3))
    away[: n // 8] = 0.0
    ra, dec = to_radec((centre + away) / np.linalg.norm(centre + away, axis=1)[:, None])
    return ra, dec


def counted(ra, dec, order):
    return Counts.of(healpix.index(ra, dec), order)


# ---------------------------------------------------------------- the division


@given(
    st.lists(st.integers(0, 12 * 4**8 - 1), max_size=60),
    st.integers(1, 30),
    st.sampled_from([3, 6, 8, 10]),
)
def test_patches_are_the_sky_and_hold_as_many_rows_as_they_may(pixels, most, order):
    spatial = np.sort(np.array(pixels, np.int64) << 42)
    found = patches_of([Counts.of(spatial, order), Counts.of(spatial[::2], order)], most)
    assert Ranges.union(p.core for p in found) == Ranges.whole()
    assert sum(p.core.count() for p in found) == N_PIXELS
    assert [p.number for p in found] == list(range(len(found)))
    finest = 4 ** (29 - min(order, 8))
    rows = [p.core.contains(spatial).sum() + p.core.contains(spatial[::2]).sum() for p in found]
    for patch, count in zip(found, rows, strict=True):
        assert count <= most or patch.core.count() == finest
    if sum(rows) <= most:
        assert len(found) == 1
    together = np.array(rows[:-1]) + rows[1:]
    assert len(found) <= 2 + 2 * (together > most).sum() + 12


def test_a_small_table_is_one_patch_without_a_ring():
    (patch,) = patches_of([counted(*cloud((10, 41), 100, 50, 1), 8)], 1000)
    assert patch.is_whole
    assert not patch.ring(648000.0)


def test_rows_at_one_point_stay_together():
    spatial = np.full(5000, 123456789012)
    found = patches_of([Counts.of(np.sort(spatial), 8)], 10)
    assert [p.core.contains(spatial).sum() for p in found if p.core.contains(spatial).any()] == [
        5000
    ]


def test_what_is_no_patch_is_refused():
    with pytest.raises(UserError, match=r"rows_a_patch is 0, but a patch needs room for 1 row"):
        patches_of([], 0)
    with pytest.raises(UserError, match=r"radius_arcsec is nan, but a ring needs"):
        Patch(0, Ranges([0], [5])).ring(np.nan)


# ---------------------------------------------------------------- the ring


@given(
    st.sampled_from(PLACES),
    st.sampled_from([0.0, 0.01, 1.0, 60.0, 3600.0, 40_000.0, 500_000.0]),
    st.integers(0, 14),
    st.integers(0, 999),
)
@settings(max_examples=120)
def test_the_ring_misses_nothing_within_the_radius(place, radius, order, seed):
    """Points in the core, and points at up to the radius from them in any direction."""
    side = 2.0 * 3600.0 * 58.6 / 2**order
    ra, dec = cloud(place, max(side, radius), 200, seed)
    cell = healpix.index(ra, dec, order)[0]
    neighbours = [c for c in healpix.neighbours(np.array([cell]), order)[0] if c >= 0]
    cells = np.array([cell, *neighbours[: seed % 3]])
    patch = Patch(0, Ranges.from_cells(order, cells))
    xyz = to_xyz(ra, dec)
    rng = np.random.default_rng(seed)
    apart = (radius * np.sqrt(rng.uniform(0, 1, 200)) / ARCSEC_PER_RADIAN)[:, None]
    away = np.cross(xyz, rng.normal(size=(200, 3)))
    away /= np.linalg.norm(away, axis=1)[:, None]
    moved = to_radec(xyz * np.cos(apart) + away * np.sin(apart))
    here = patch.core.contains(healpix.index(ra, dec))
    there = healpix.index(*moved)
    beyond = here & ~patch.core.contains(there)
    near = separation_arcsec(xyz, to_xyz(*moved)) <= radius
    ring = patch.ring(radius)
    assert ring.contains(there[beyond & near]).all()
    assert not ring & patch.core


def test_a_narrow_ring_is_narrow():
    """1 arcsec round a cell of order 5: not more than a twentieth of its area is read again."""
    patch = Patch(0, Ranges.from_cells(5, [1234]))
    assert patch.ring(1.0).area_deg2() < 0.1 * patch.core.area_deg2()


# ---------------------------------------------------------------- islands

RULES = Rules(("a", "b"), "one_to_one", 0.9973, MotionPrior.single(0.0))


@st.composite
def divided_skies(draw):
    """Two catalogues whose errors make islands of them, and patches: any division of the curve."""
    place = draw(st.sampled_from(PLACES))
    error = draw(st.sampled_from([0.2, 30.0, 3000.0]))
    n = draw(st.integers(4, 60))
    wide = error * np.sqrt(n) * draw(st.sampled_from([1.0, 2.0, 4.0]))
    ra, dec = cloud(place, wide, n, draw(st.integers(0, 9999)))
    covariance = np.tile([error**2, error**2, 0.0], (n, 1))
    half = n // 2
    rows = [
        plain_rows(ra[part], dec[part], covariance[part], ids=np.arange(n)[part])
        for part in (slice(None, half), slice(half, None))
    ]
    spatial = np.concatenate([each.spatial for each in rows])
    cuts = draw(st.lists(st.sampled_from(np.sort(spatial).tolist()), max_size=6))
    edges = np.unique([0, *cuts, N_PIXELS])
    colour = draw(st.lists(st.integers(0, 3), min_size=len(edges), max_size=len(edges)))
    cores = [
        Ranges(edges[:-1][mine], edges[1:][mine])
        for mine in (np.array(colour[:-1]) == c for c in range(4))
        if mine.any()
    ]
    return rows, [Patch(i, core) for i, core in enumerate(cores)]


def told(work):
    """Ids of the rows of a work, and its pairs with the evidence, by ids."""
    ids = [i for rows in work.rows for i in rows.ids.to_pylist()]
    pairs = zip(work.left.tolist(), work.right.tolist(), work.pairs.lnB.tolist(), strict=True)
    return ids, {(ids[i], ids[j]): lnB for i, j, lnB in pairs}


@given(divided_skies())
@settings(max_examples=60)
def test_islands_of_patches_and_of_those_across_borders_are_those_of_the_whole(sky):
    rows, patches = sky
    expected_ids, expected = told(identify(rows, RULES))
    ring = reach_arcsec(rows, RULES)
    ids, alone, pairs, opened = [], [], {}, []
    for patch in patches:
        near = [
            each.take(np.flatnonzero((patch.core | patch.ring(ring)).contains(each.spatial)))
            for each in rows
        ]
        core = [patch.core.contains(each.spatial) for each in near]
        here = identified(near, RULES, core)
        opened.append(here.opened)
        mine, found = told(here.work)
        ids += mine
        alone += [i for rows in here.alone.rows for i in rows.ids.to_pylist()]
        pairs |= found
    border = identified(joined(opened), RULES)
    assert not any(map(len, border.alone.rows + border.opened))
    mine, across = told(border.work)
    in_pairs = {i for pair in expected for i in pair}
    assert sorted(ids + mine) == sorted(in_pairs)
    assert sorted(alone) == sorted(set(expected_ids) - in_pairs)
    assert not pairs.keys() & across.keys()
    assert (pairs | across).keys() == expected.keys()
    assert all(lnB == expected[pair] for pair, lnB in (pairs | across).items())
