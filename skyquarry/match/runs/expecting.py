"""How many candidate pairs a run will have, before any is made: radii and errors of degrees."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from skyquarry.errors import UserError
from skyquarry.match.geometry.prediction import chance_pairs

if TYPE_CHECKING:
    from skyquarry.match.priors.footprints import Coverage
    from skyquarry.match.runs.asked import Asked
    from skyquarry.match.runs.passes import Surveyed
    from skyquarry.match.runs.rules import Rules

MOST_CANDIDATES = 1_000_000_000
"""A run with more, and with more than ten for each row, is refused unless it is forced: it may
never end."""
CANDIDATES_A_ROW = 10
WIDEST_ARCSEC = 3600.0
"""Nobody means that two positions a degree apart are one object: more has to be forced."""


# ---------------------------------------------------------------- before any row is read


def check_radius(node: Asked) -> None:
    """Raise UserError where the caller's limit of separations is one of degrees, and not forced."""
    wide = "" if node.settings.force else too_wide(node)
    if wide:
        raise UserError(
            f"{wide}, but a limit for the separation of a pair is meant to be at most "
            f"{WIDEST_ARCSEC:g} arcsec: leave it out to search as far as the errors allow, or pass "
            "force=True"
        )


def too_wide(node: Asked) -> str:
    """The limit of separations, and how many pairs lie within it; "" for one that is usual."""
    radius = node.settings.radius_arcsec
    if radius is None or radius <= WIDEST_ARCSEC:
        return ""
    most, names = -1, ""
    for a, b in node.rules.catalog_pairs():
        left, right = node.sides[a].density, node.sides[b].density
        pairs = int(chance_pairs(left.starts, left.stops, left, right, radius).sum())
        if pairs > most:
            most, names = pairs, f"{node.names[a]} and {node.names[b]}"
    return f"radius_arcsec is {radius:g}, within which about {most:,} pairs of {names} lie"


# ---------------------------------------------------------------- when errors are known


def check_candidates(surveyed: Surveyed, rules: Rules, coverage: Coverage) -> None:
    """Raise UserError where errors let far more rows be candidates than can be meant.

    By the median errors and mean densities on the sky that both catalogues looked at.
    """
    errors, radius = surveyed.median_errors_arcsec, rules.radius_arcsec
    for a, b in rules.catalog_pairs():
        expected = expected_candidates(surveyed, rules, coverage, a, b)
        most = max(MOST_CANDIDATES, CANDIDATES_A_ROW * surveyed.summary.counts[a].rows)
        if expected > most:
            names = rules.names
            worse = a if errors[a] > errors[b] else b
            within = "" if radius is None else f" within radius_arcsec={radius:g}"
            raise UserError(
                f"the median error of {names[worse]} is {errors[worse]:.4g} arcsec per axis, which "
                f"makes about {expected:,.0f} candidate pairs of {names[a]} and {names[b]}"
                f"{within}, but a run is meant for {most:,} at most: look whether the unit of the "
                "errors is right, give a smaller radius_arcsec=, or pass force=True"
            )


def expected_candidates(
    surveyed: Surveyed, rules: Rules, coverage: Coverage, a: int, b: int
) -> float:
    """Rows of `a` times how many of `b` lie within its k sigma, on the sky that both saw.

    No farther than the caller's own limit.
    """
    both = 1 << a | 1 << b
    areas = coverage.areas_sr()
    sky = [sum(area for mask, area in areas.items() if mask >> c & 1) for c in (a, b)]
    shared = sum(area for mask, area in areas.items() if mask & both == both)
    if not shared:
        return 0.0
    rows = [surveyed.summary.counts[c].rows for c in (a, b)]
    errors = np.radians(np.array(surveyed.median_errors_arcsec)[[a, b]] / 3600.0)
    reach = min(float(np.sqrt(rules.chi2_limit * (errors**2).sum())), np.pi)
    if rules.radius_arcsec is not None:
        reach = min(reach, float(np.radians(rules.radius_arcsec / 3600.0)))
    circle = 2.0 * np.pi * (1.0 - np.cos(reach))
    return float(rows[0] * shared / sky[0] * rows[1] / sky[1] * min(circle, shared))
