"""Densities, group by group in plain loops: the twin of `match/priors/densities.py`."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from skyquarry.match.resolution.groups import offsets

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from skyquarry.match.given.rows import Rows
    from skyquarry.match.priors.densities import Densities
    from skyquarry.match.resolution.groups import Groups

    Floats = NDArray[np.float64]

LOCAL_SHIFT = 2 * (29 - 6)


def ln_weight(densities: Densities, groups: Groups, lnB: Floats, rows: list[Rows]) -> list[float]:
    """Each group's ln weight against its rows alone."""
    return [_gain(densities, groups, g, float(lnB[g]), rows) for g in range(len(groups))]


def _gain(densities: Densities, groups: Groups, g: int, lnB: float, rows: list[Rows]) -> float:
    members = members_of(groups, g, rows)
    if len(members) == 1:
        return 0.0
    together = ln_density(densities, members, rows)
    apart = sum(ln_density(densities, [each], rows) for each in members)
    return together - apart + lnB - (len(members) - 1) * math.log(4.0 * math.pi)


def members_of(groups: Groups, g: int, rows: list[Rows]) -> list[tuple[int, int]]:
    """Catalogue and row of each member."""
    first = offsets(rows).tolist()
    nodes = groups.nodes[groups.start[g] : groups.start[g + 1]].tolist()
    catalogs = [max(c for c in range(len(rows)) if first[c] <= node) for node in nodes]
    return [(c, node - first[c]) for c, node in zip(catalogs, nodes, strict=True)]


def place_of(members: list[tuple[int, int]], rows: list[Rows]) -> int:
    """The lowest pixel of a group's rows."""
    return min(int(rows[c].spatial[row]) for c, row in members)


def ln_density(densities: Densities, members: list[tuple[int, int]], rows: list[Rows]) -> float:
    """The ln density of objects that look like these rows, here."""
    place = place_of(members, rows)
    mask = sum(1 << c for c, _ in members)
    observed = int(densities.coverage.observed_at(np.array([place]))[0]) | mask
    total = 0.0
    for whole in range(1, 1 << len(rows)):
        if whole & observed == mask and densities.nu[whole] > 0.0:
            total += densities.nu[whole] * _ratio(densities, whole, members, rows, int(place))
    return math.log(total) if total > 0.0 else -math.inf


def _ratio(
    densities: Densities, whole: int, members: list[tuple[int, int]], rows: list[Rows], place: int
) -> float:
    ln = float(densities.local.ln_ratio(whole, np.array([place >> LOCAL_SHIFT]))[0])
    if densities.magnitudes is not None:
        for c, row in members:
            mag, centers = float(rows[c].mag[row]), densities.magnitudes.scales[c].centers
            if math.isfinite(mag) and len(centers):
                ln += float(np.interp(mag, centers, densities.magnitudes.ln_ratio[c][whole]))
    return math.exp(ln)


def expected(
    densities: Densities, groups: Groups, posterior: Floats, rows: list[Rows]
) -> dict[tuple[int, int, int], float]:
    """Expected number of groups by cell of order 6, observed set and set."""
    total: dict[tuple[int, int, int], float] = {}
    for g in range(len(groups)):
        members = members_of(groups, g, rows)
        place = place_of(members, rows)
        mask = sum(1 << c for c, _ in members)
        observed = int(densities.coverage.observed_at(np.array([place]))[0]) | mask
        key = int(place) >> LOCAL_SHIFT, observed, mask
        total[key] = total.get(key, 0.0) + float(posterior[g])
    return total
