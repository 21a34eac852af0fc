"""Posteriors of groups, and the best set of groups, under the constraint of a match."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from skyquarry.errors import UserError
from skyquarry.match.kernels.resolve import TIE
from skyquarry.match.kernels.rivals import best_rivals
from skyquarry.match.resolution.answers import Resolved, leave_unclaimed, listed_in_part, sums
from skyquarry.match.resolution.exact import Ready, solve_exactly
from skyquarry.match.resolution.large import gains, solve_large
from skyquarry.match.resolution.leaders import chosen_by_leaders

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from skyquarry.match.resolution.candidates import Constraint
    from skyquarry.match.resolution.groups import Groups, Islands

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]
    Mask = NDArray[np.bool_]


def resolve(
    islands: Islands,
    groups: Groups,
    ln_weight: Floats,
    constraint: Constraint = "one_to_one",
    *,
    ready: Ready | None = None,
    rivals: bool = True,
    best: bool = True,
) -> Resolved:
    """Solve every island for its groups' weights; call again with other weights as often as liked.

    Parameters
    ----------
    ln_weight
        (groups,) ln of the weight of each group, single rows included; -inf excludes a group.
    constraint
        "one_to_one": a solution is a partition of the rows, its weight the product of those of its
        groups: exact sums where that goes, else belief propagation, flagged. Posteriors of the
        groups of a row sum to 1 (heuristic: to at most 1). Where all partitions have weight 0
        rows stand alone.
        "many_to_one": every row of catalogue 0 chooses a group by itself: the rows of its groups
        are partitioned as above, apart from those of other such rows. Another row may be in
        several groups, and alone is what is in none; groups without catalogue 0 have 0.
        "none": every group is judged alone, against its rows single.

    ready
        What does not depend on the weights, `Ready.of(islands, groups)`, where it is there already.
    rivals
        Without them `runner_up` is empty.
    best
        Without it `chosen` and `runner_up` are empty where that spares time ("one_to_one"): an
        expectation step needs posteriors alone.

    Of solutions of one weight (to 1e-9 in ln) that is chosen whose sorted list of groups of
    several rows comes first.

    Raises
    ------
    UserError
        When weights are NaN, +inf or of another number than the groups, or a single row has weight
        0 where groups are weighed against it.
    """
    weight = _checked(groups, ln_weight, constraint)
    if constraint == "one_to_one":
        return _partitioned(islands, groups, weight, ready, rivals=rivals, best=best)
    gain, _ = gains(groups, weight, len(islands.nodes))
    if constraint == "many_to_one":
        return chosen_by_leaders(islands, groups, weight, gain)
    return _judged_alone(islands, groups, weight, gain)


def _checked(groups: Groups, ln_weight: Floats, constraint: str) -> Floats:
    weight = np.ascontiguousarray(ln_weight, np.float64)
    if weight.shape != (len(groups),):
        raise UserError(
            f"ln_weight has the shape {weight.shape}, but there are {len(groups)} groups, single "
            "rows included: pass one weight a group"
        )
    wrong = ~(weight < np.inf)
    if wrong.any():
        at = int(np.flatnonzero(wrong)[0])
        raise UserError(
            f"ln_weight of group {at} is {weight[at]}, but a weight is finite, or -inf for 0: "
            "look at the errors and densities of its rows"
        )
    if constraint != "one_to_one":
        single = np.diff(groups.start) == 1
        if np.isneginf(weight[single]).any():
            at = int(np.flatnonzero(single & np.isneginf(weight))[0])
            raise UserError(
                f"the single row of group {at} has weight 0, but {constraint!r} weighs groups "
                "against single rows: give single rows a density above 0, or match one_to_one"
            )
    return weight


def _partitioned(
    islands: Islands,
    groups: Groups,
    weight: Floats,
    ready: Ready | None,
    *,
    rivals: bool,
    best: bool,
) -> Resolved:
    told = Ready.of(islands, groups) if ready is None else ready
    found = solve_exactly(islands, groups, weight, told)
    if not found.solved.all() or (best and found.tied.any()):
        solve_large(islands, groups, weight, found, told.begin, best=best)
    heuristic = listed_in_part(islands, groups) | found.rough
    posterior, rival = np.minimum(found.posterior, 1.0), np.empty(0)
    chosen = found.chosen if best else np.empty(0, bool)
    if rivals and best:
        rival = best_rivals(len(islands.nodes), groups.start, groups.nodes, posterior)
    return Resolved(posterior, chosen, rival, heuristic, found.evidence)


def _judged_alone(islands: Islands, groups: Groups, weight: Floats, gain: Floats) -> Resolved:
    """Logistic of each gain; a single row: the product of (1 - P) of the groups that hold it."""
    single = np.diff(groups.start) == 1
    posterior = np.exp(-np.logaddexp(0.0, -gain))
    chosen = ~single & (gain > TIE)
    leave_unclaimed(groups, single, posterior, chosen, len(islands.nodes))
    each = np.where(single, weight, np.logaddexp(0.0, gain))
    evidence = sums(groups.island, each, len(islands))
    rival = best_rivals(len(islands.nodes), groups.start, groups.nodes, posterior)
    return Resolved(posterior, chosen, rival, listed_in_part(islands, groups), evidence)
