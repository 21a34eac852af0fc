"""From the tables of a run to its report: counts, tests, and what the run knows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow.compute as pc

from skyquarry.catalog.properties import REPEATED_KEY
from skyquarry.match.given.positionerrors import NO_ERRORS
from skyquarry.match.reports.quality import Facts, quality_report
from skyquarry.match.reports.rotating import shifted_skies
from skyquarry.match.reports.strangers import strangers

if TYPE_CHECKING:
    from skyquarry.match.given.sides import Side
    from skyquarry.match.results.runcounts import RunCounts
    from skyquarry.match.runs.identification import Identification


def quality_of(made: Identification, told: RunCounts) -> dict[str, Any]:
    """Match rates, tests of errors and probabilities, the verdict, and what to doubt."""
    off = made.plan.settings.calibrate is False
    report = quality_report(
        told.tally,
        calibration=None if off else made.calibration,
        shifted=shifted_skies(made, told),
        strangers=strangers(made),
        facts=_facts(made, told),
        chi2_limit=made.rules.chi2_limit,
    )
    return report.to_dict()


# ---------------------------------------------------------------- what the run knows


def _facts(made: Identification, told: RunCounts) -> Facts:
    names = made.plan.names
    labels = made.learnt.densities.coverage.labels
    rejects = made.rejects
    notes = [
        f"{name}: {text}"
        for name, side in zip(names, made.plan.sides, strict=True)
        for text in side.notes
    ]
    assumed = {
        name: f"{policy.default_arcsec:g} arcsec per axis"
        for name, side, policy in zip(names, made.plan.sides, made.plan.policies, strict=True)
        if side.roles.position_error is None
    }
    notes += [
        f"{name}: {text} ({rows:,} rows)"
        for name, each in zip(names, rejects, strict=True)
        for text, rows in each.warnings.items()
        if not (name in assumed and text.startswith(NO_ERRORS))
    ]
    sides = dict(zip(names, made.plan.sides, strict=True))
    repeated = {name: repeated_ids(side) for name, side in sides.items()}
    notes += [line for name in names if (line := _of_ids(name, sides[name], repeated[name]))]
    photometry = made.learnt.photometry
    joints = getattr(photometry, "joints", None)
    return Facts(
        estimated_footprints=tuple(
            name for name, label in zip(names, labels, strict=True) if label == "estimate"
        ),
        default_errors={
            name: int(rows) for name, rows in zip(names, told.default_errors, strict=True) if rows
        },
        assumed_errors=assumed,
        unknown_epochs=made.unknown_epochs,
        invalid={name: each.total for name, each in zip(names, rejects, strict=True) if each.total},
        islands=told.groups,
        heuristic_islands=told.heuristic,
        secure_pairs=None if joints is None else int(sum(j.n_pairs for j in joints.values())),
        photometry=photometry is not None,
        fast_pass=made.fast_words,
        uncounted_ids=tuple(name for name in names if repeated[name] is None),
        notes=tuple(notes),
    )


def _of_ids(name: str, side: Side, repeated: int | None) -> str:
    """What to know of ids that repeat; "" where they do not, or nobody knows."""
    if not repeated:
        return ""
    if side.in_memory:
        told = f"{repeated:,} rows share their id with another row"
    else:
        told = f"{repeated:,} ids of the whole catalogue stand more than once"
    return f"{name}: {told}, and their groups the group_id"


def repeated_ids(side: Side) -> int | None:
    """How many ids repeat: rows of a table in memory that have the id of an earlier one.

    Of a catalogue, how many ids stand more than once, as was counted when it was built. None where
    nobody has counted; 0 where rows have no ids.
    """
    key = str(side.roles.id)
    if key not in side.schema.names:
        return 0
    if not side.in_memory:
        return _counted_ids(side, key)
    ids = side.read(None, [key]).column(0)
    return len(ids) - int(pc.count_distinct(ids, mode="all").as_py())


def _counted_ids(side: Any, key: str) -> int | None:
    """Whoever makes an index of the ids counts them."""
    stored = side.source.stored
    told = stored.properties.get(REPEATED_KEY, "").strip()
    if stored.roles.id != key or key not in stored.indexes or not told.isdecimal():
        return None
    return int(told)
