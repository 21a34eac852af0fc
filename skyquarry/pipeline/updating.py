"""`sq.update_match`: a result brought up to new versions of some of its catalogues."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from skyquarry.errors import UserError, one_of
from skyquarry.match.crossmatch import Identify
from skyquarry.match.explain.again import Again
from skyquarry.match.matchresult import MatchResult
from skyquarry.match.runs.passes import extremes
from skyquarry.match.runs.rowsource import Streamed
from skyquarry.match.updates.marks import Marks
from skyquarry.match.updates.update import updated
from skyquarry.pipeline.crossmatching import Crossmatch
from skyquarry.pipeline.inputs import given_of, side_of
from skyquarry.pipeline.written import WrittenMatch, open_match

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping

    from skyquarry.engine.executors import Where
    from skyquarry.match.results.tables import Shape
    from skyquarry.match.runs.frozen import Frozen


def update_match(
    previous: MatchResult | WrittenMatch | str | os.PathLike[str],
    changed: Mapping[str, Any],
    executor: Where = None,
) -> MatchResult:
    """The result for new versions of some catalogues: only islands that were touched are worked on.

    What the earlier run has learnt (calibration, densities, magnitudes) stays as it was: the tables
    are, to the bit, those of a whole run of the new versions with that. Rows are compared by id,
    pixel, and all that the matcher reads of them.

    Parameters
    ----------
    previous
        A result of `crossmatch`, or the path of one that was written with `updatable=True`.
    changed
        New versions by the names that the catalogues have in the match: {"gaia": new}; of anything
        that `crossmatch` takes.
    executor
        Where the whole is run, in the one case where that is needed: a new version has ids of
        another type, or other bands.

    Returns
    -------
    MatchResult
        Its `updated` tells how many rows have changed, and how many islands were worked out.

    Raises UserError, NotFoundError, ColumnError.

    >>> update_match(result, {"gaia": "archive/gaia"}).updated.islands  # doctest: +SKIP
    """
    if not isinstance(previous, MatchResult | WrittenMatch):
        previous = open_match(previous)
    shape, frozen = _learnt(previous)
    names = shape.names
    if not changed:
        raise UserError(
            f"no new version was given, but one catalogue of {', '.join(names)} has to have "
            f"changed: give it by its name, as in {{{names[0]!r}: table}}"
        )
    for name in changed:
        one_of("catalogue", name, names)
    plan = _plan(previous, frozen, changed)
    numbers = [names.index(name) for name in changed]
    streamed = Streamed(plan.node.sides, plan.node.policies)
    rows = {n: streamed.read(n, None)[0] for n in numbers}
    done = plan.run(executor)
    few = [extremes(rows[n]) if n in rows else each for n, each in enumerate(frozen.extremes)]
    again = Again(plan.node, few)
    if plan.node.shape == shape and again.fast_rules == frozen.fast:
        marks = {n: (_marks(previous, n), Marks.of(rows[n], shape.id_type)) for n in numbers}
        before = previous.tables if isinstance(previous, WrittenMatch) else previous.all
        done.take(updated(before, again, marks))
    return done


def _learnt(previous: MatchResult | WrittenMatch) -> tuple[Shape, Frozen]:
    """What the tables are like, and what the run has learnt."""
    if isinstance(previous, WrittenMatch):
        return previous.shape, previous.frozen
    return previous.asked.shape, previous.made.frozen


def _marks(previous: MatchResult | WrittenMatch, number: int) -> Marks:
    """The rows of a catalogue as they were."""
    if isinstance(previous, WrittenMatch):
        return previous.marks(number)
    kind = previous.asked.shape.id_type
    return Marks.of(previous.made.source.read(number, None)[0], kind)


def _plan(
    previous: MatchResult | WrittenMatch, frozen: Frozen, changed: Mapping[str, Any]
) -> Crossmatch:
    """The new versions in place of the old ones, with what was learnt."""
    new = {name: side_of(each, name) for name, each in changed.items()}
    if isinstance(previous, WrittenMatch):
        node = previous.node_with(new)
    else:
        assert isinstance(previous.plan.root, Identify)
        node = previous.plan.root
        old = zip(node.names, node.sides, strict=True)
        node = replace(node, sides=tuple(new.get(n, side) for n, side in old), learnt=frozen)
    given = zip(node.names, node.given or (None,) * len(node.names), strict=True)
    told = tuple(given_of(changed[n]) if n in changed else each for n, each in given)
    return Crossmatch(replace(node, given=told))
