"""How many candidate pairs a run will have, before any is made: errors of degrees are seen."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from skyquarry.errors import UserError

if TYPE_CHECKING:
    from skyquarry.match.priors.footprints import Coverage
    from skyquarry.match.runs.identification import Identification

MOST_CANDIDATES = 1_000_000_000
"""A run with more is refused unless the caller limits the separation: it may never end."""


def check_candidates(made: Identification, coverage: Coverage) -> None:
    """Raise UserError where the errors alone let far more rows be candidates than can be meant.

    By the median errors and mean densities on the sky that both catalogues looked at; a
    `radius_arcsec` of the caller's own is taken at its word.
    """
    if made.rules.radius_arcsec is not None:
        return
    errors = made.surveyed.median_errors_arcsec
    for a, b in made.rules.catalog_pairs():
        expected = expected_candidates(made, coverage, a, b)
        if expected > MOST_CANDIDATES:
            names = made.rules.names
            worse = a if errors[a] > errors[b] else b
            raise UserError(
                f"the median error of {names[worse]} is {errors[worse]:.4g} arcsec per axis, which "
                f"makes about {expected:,.0f} candidate pairs of {names[a]} and {names[b]}, but a "
                f"run has at most {MOST_CANDIDATES:,}: look whether the unit of the errors is "
                "right, or force a limit with radius_arcsec="
            )


def expected_candidates(made: Identification, coverage: Coverage, a: int, b: int) -> float:
    """Rows of `a` times how many of `b` lie within its k sigma, on the sky that both saw."""
    both = 1 << a | 1 << b
    areas = coverage.areas_sr()
    sky = [sum(area for mask, area in areas.items() if mask >> c & 1) for c in (a, b)]
    shared = sum(area for mask, area in areas.items() if mask & both == both)
    if not shared:
        return 0.0
    rows = [made.surveyed.summary.counts[c].rows for c in (a, b)]
    errors = np.radians(np.array(made.surveyed.median_errors_arcsec)[[a, b]] / 3600.0)
    variance = min(made.rules.chi2_limit * float((errors**2).sum()), np.pi**2)
    circle = 2.0 * np.pi * (1.0 - np.cos(np.sqrt(variance)))
    return float(rows[0] * shared / sky[0] * rows[1] / sky[1] * min(circle, shared))
