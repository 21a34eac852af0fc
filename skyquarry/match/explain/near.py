"""The nearest rows of other catalogues that are no candidates of a row, and why not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from skyquarry.match.explain.place import number_or_none
from skyquarry.match.geometry.search import Points, find_pairs
from skyquarry.match.likelihood.evidence import pair_evidence
from skyquarry.match.runs.nearby import agree
from skyquarry.sky.dilation import around

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from skyquarry.match.given.rows import Rows
    from skyquarry.match.runs.identification import Identification
    from skyquarry.match.runs.rules import Rules
    from skyquarry.sky.ranges import Ranges

    Ints = NDArray[np.int64]

NEAREST = 3
LEAST_ARCSEC = 30.0
"""Rows that are no candidates are told of as far as this, or as far as any row reaches."""


def beyond(
    made: Identification, number: int, other: int, row: Rows, ranges: Ranges
) -> list[dict[str, Any]]:
    """Of the catalogue `other`, for a calibrated row of the catalogue `number`; `ranges`: read."""
    rules = made.rules
    if (min(number, other), max(number, other)) not in set(rules.catalog_pairs()):
        return []
    rows = made.scene.source.rows(other, ranges | around(row.spatial, LEAST_ARCSEC))
    at = _nearest(row, rows, max(made.ring_arcsec, LEAST_ARCSEC))
    own = np.zeros(len(at), np.int64)
    a, b, i, j = row, rows, own, at
    if other < number:
        a, b, i, j = rows, row, at, own
    evidence = pair_evidence(a, b, i, j, rules.motion)
    near = agree([a, b], i, j + len(a), evidence, rules)
    found = []
    for k in np.flatnonzero(~near)[:NEAREST].tolist():
        separation, chi2 = float(evidence.sep_arcsec[k]), float(evidence.chi2[k])
        found.append(
            {
                "catalog": rules.names[other],
                "id": rows.ids[int(at[k])].as_py(),
                "sep_arcsec": separation,
                "chi2": chi2,
                "epoch_used": number_or_none(evidence.epoch_used[k]),
                "why": _why(rules, separation, chi2),
            }
        )
    return found


def _why(rules: Rules, separation: float, chi2: float) -> str:
    radius = rules.radius_arcsec
    if radius is not None and separation > radius:
        return f"{separation:.4g} arcsec is beyond radius_arcsec={radius:g}"
    return f"chi2 {chi2:.4g} is above {rules.chi2_limit:.4g}"


def _nearest(row: Rows, rows: Rows, radius_arcsec: float) -> Ints:
    """Places of the nearest rows, as catalogued, nearest first; more than are told of."""
    if not len(rows):
        return np.empty(0, np.int64)
    here, there = (Points(r.ra_deg, r.dec_deg, r.spatial, r.rank) for r in (row, rows))
    found = find_pairs(here, there, radius_arcsec, nearest=4 * NEAREST)
    return np.asarray(found.right)
