"""Blends: objects whose images run into each other, and the parents they are cut from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from skyquarry.sky.vectors import to_radec, to_xyz
from skyquarry.synthetic.observe.neighbours import neighbours
from skyquarry.synthetic.sdss.codes import Mode, PhotoType
from skyquarry.synthetic.sdss.images import isophote_arcsec
from skyquarry.synthetic.sdss.objects import Objects

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

_RED: Final = 2


def with_families(objects: Objects, blend_arcsec: float) -> Objects:
    """The objects of one scan, each blend's parent behind them; children know their parents.

    An object follows its brightest overlapping neighbour, that one its own, and so on three times.
    Objects that end at the same one, which follows none, are a blend: all are at home where that
    one is, so that no border of blocks parts them. As the pipeline does, it cuts blends at the
    borders of fields. Right for objects with 45" of the sky around them: three steps of 10", the
    neighbours of the last one, and what shines into those.
    """
    leader = _leaders(objects, blend_arcsec)
    members = np.bincount(leader, minlength=len(objects))
    heads = np.flatnonzero(members > 1)
    if not len(heads):
        return objects
    parents = _parents(objects, heads, leader)
    parents.children = members[heads]
    place = np.full(len(objects), -1, np.int64)
    place[heads] = len(objects) + np.arange(len(heads))
    every = Objects.concatenated([objects, parents])
    every.parent[: len(objects)] = place[leader]
    for home in (every.place_ra, every.place_dec):
        home[: len(objects)] = home[leader]
    return every


def _leaders(objects: Objects, blend_arcsec: float) -> Ints:
    """(n,) the object that each one's blend is named by; itself where it is alone."""
    made, n = objects.measured, len(objects)
    light = made.total[:, _RED]
    reach = np.minimum(isophote_arcsec(objects), 0.5 * blend_arcsec)
    near = neighbours(made.ra_deg, made.dec_deg, blend_arcsec)
    brighter = (light[near.other] > light[near.seen]) | (
        (light[near.other] == light[near.seen]) & (made.owner[near.other] < made.owner[near.seen])
    )
    touch = near.distance_arcsec < reach[near.seen] + reach[near.other]
    frame = objects.spots.packed
    touch &= frame[near.seen] == frame[near.other]
    seen, other = (each[touch & brighter] for each in (near.seen, near.other))
    order = np.lexsort((made.owner[other], -light[other], seen))
    seen, other = seen[order], other[order]
    first = np.flatnonzero(np.diff(seen, prepend=-1))
    step = np.arange(n)
    step[seen[first]] = other[first]
    leader: Ints = step[step[step]]
    return np.where(step[leader] == leader, leader, np.arange(n))


def _parents(objects: Objects, heads: Ints, leader: Ints) -> Objects:
    """One object for each blend: all light of its members, in the middle of it."""
    made = objects.measured
    parents = objects.taken(heads)
    inside = np.isin(leader, heads)
    place = np.full(len(objects), -1, np.int64)
    place[heads] = np.arange(len(heads))
    of, some = place[leader[inside]], np.flatnonzero(inside)
    mine, m = parents.measured, len(heads)
    for band in range(made.total.shape[1]):
        for name in ("total", "flux"):
            getattr(mine, name)[:, band] = np.bincount(of, getattr(made, name)[some, band], m)
        for name in ("total_error", "flux_error"):
            squares = np.bincount(of, getattr(made, name)[some, band] ** 2, m)
            getattr(mine, name)[:, band] = np.sqrt(squares)
    weight = np.maximum(made.total[some, _RED], 1e-3)
    xyz = to_xyz(made.ra_deg[some], made.dec_deg[some])
    middle = np.stack([np.bincount(of, weight * xyz[:, k], m) for k in range(3)], axis=1)
    mine.ra_deg, mine.dec_deg = to_radec(middle / np.linalg.norm(middle, axis=1)[:, None])
    parents.mode = np.full(m, int(Mode.FAMILY), np.int64)
    parents.given_type = np.full(m, int(PhotoType.GALAXY), np.int64)
    parents.parent = np.full(m, -1, np.int64)
    return parents
