"""A matcher and the nearest neighbour beside it, on a frozen sky, by survey and magnitude."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from skyquarry.catalog.arrow import to_numpy
from skyquarry.testing import scores

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from skyquarry.testing.crossfields import CrossField

    Ints = NDArray[np.int64]
    Found = tuple[Ints, Ints]

LEFT: Final = "gaia_dr3"
EDGES: Final = np.array([0.0, 14.0, 16.0, 18.0, 19.0, 20.0, 30.0])
"""Bins of Gaia's G."""


def sky_of(field: CrossField, name: str, *, moving: bool) -> scores.Sky:
    """The positions of a catalogue, with epochs and motions where `moving`."""
    table, roles = field.catalogs[name], field.roles[name]
    assert roles.ra is not None
    assert roles.dec is not None
    ra, dec = to_numpy(table[roles.ra]), to_numpy(table[roles.dec])
    if not moving:
        return scores.Sky(ra, dec)
    assert roles.epoch is not None
    epoch = roles.epoch.jyears(to_numpy(table[str(roles.epoch.column)]))
    if roles.motion is None:
        return scores.Sky(ra, dec, epoch)
    pm = (to_numpy(table[each]) for each in (roles.motion.pmra, roles.motion.pmdec))
    return scores.Sky(ra, dec, epoch, *pm)


def by_nearest(field: CrossField, name: str) -> dict[str, Found]:
    """Pairs of Gaia and one survey by the nearest, and the mutual nearest, within 1"."""
    told = {}
    for moving, word in ((False, "raw"), (True, "pm")):
        left, right = (sky_of(field, each, moving=moving) for each in (LEFT, name))
        told[f"nearest {word}"] = scores.nearest(left, right, 1.0)[:2]
        told[f"mutual {word}"] = scores.mutual_nearest(left, right, 1.0)[:2]
    return told


def score_lines(
    field: CrossField, name: str, found: dict[str, Found], edges: NDArray[np.float64] = EDGES
) -> list[dict[str, Any]]:
    """One line a method, over all magnitudes and in each bin of G: the fields of `PairScore`."""
    truth = scores.true_pairs(*(scores.parts_of(field.links, n) for n in (LEFT, name)))
    mag = to_numpy(field.catalogs[LEFT]["phot_g_mean_mag"])
    lines: list[dict[str, Any]] = []
    for method, (left, right) in found.items():
        head = {"survey": name, "method": method}
        whole = scores.score_pairs(left, right, truth)
        lines.append(head | {"g_from": None, "g_to": None} | asdict(whole))
        for low, high, score in scores.score_by_magnitude(left, right, truth, mag, edges):
            lines.append(head | {"g_from": low, "g_to": high} | asdict(score))
    return lines
