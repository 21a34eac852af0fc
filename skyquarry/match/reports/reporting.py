"""From the tables of a run to its report: counts, the shifted sky, and what the run knows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow.compute as pc

from skyquarry.catalog.properties import REPEATED_KEY
from skyquarry.match.geometry.search import find_pairs, sorted_points
from skyquarry.match.given.positionerrors import NO_ERRORS
from skyquarry.match.reports.quality import Facts, quality_report
from skyquarry.match.reports.shifted import DIRECTIONS, ShiftedSky, rotated, shift_arcsec
from skyquarry.match.reports.strangers import strangers

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from skyquarry.match.geometry.search import Points
    from skyquarry.match.given.rows import Rows
    from skyquarry.match.given.sides import Side
    from skyquarry.match.results.runcounts import RunCounts
    from skyquarry.match.runs.identification import Identification

    Floats = NDArray[np.float64]

SHIFTED_ROWS = 300_000
"""Rows of the leading catalogue that are looked for on shifted skies, at most."""
MOST_RADIUS_ARCSEC = 60.0
"""Of the shifted sky."""


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


# ---------------------------------------------------------------- the shifted sky


def shifted_skies(made: Identification, told: RunCounts) -> Mapping[tuple[int, int], ShiftedSky]:
    """Of each pair of catalogues: how many matches a sky would give that is not there."""
    found = {}
    for a, b in made.rules.catalog_pairs():
        radius = told.separation_arcsec(a, b, 0.999)
        if radius is not None:
            found[a, b] = _shifted(made, a, b, min(max(radius, 1e-3), MOST_RADIUS_ARCSEC))
    return found


def _shifted(made: Identification, a: int, b: int, radius: float) -> ShiftedSky:
    """Counts on the sky as it is, and rotated in eight directions (crossmatch.md 4a)."""
    leading = _thinned(made, a)
    angle = shift_arcsec(radius)
    sky = ShiftedSky.start(radius)
    for patch in made.sample:
        mine = leading.take(np.flatnonzero(patch.core.contains(leading.spatial)))
        if not len(mine):
            continue
        around = None if patch.is_whole else patch.core | patch.ring(angle + radius + 1.0)
        other = sorted_points(*_place(made.scene.source.rows(b, around)))
        own = sorted_points(*_place(made.scene.source.rows(a, around)))[0]
        sky = sky + _of_patch(made, mine, other, b, radius, angle)
        sky = sky.with_companions(*_companions(made, mine, own, other[0], b, radius))
    return sky


def _of_patch(
    made: Identification, rows: Rows, other: Any, b: int, radius: float, angle: float
) -> ShiftedSky:
    points = other[0]
    inside = _seen(made, rows.ra_deg, rows.dec_deg, b)
    sep = _nearest(rows.ra_deg[inside], rows.dec_deg[inside], points, radius)
    sky = ShiftedSky.start(radius).with_match(sep, int(inside.sum()))
    for direction in range(DIRECTIONS):
        ra, dec = rotated(rows.ra_deg, rows.dec_deg, direction, angle)
        inside = _seen(made, ra, dec, b)
        sep = _nearest(ra[inside], dec[inside], points, radius)
        sky = sky.with_shift(direction, sep, int(inside.sum()))
    return sky


def _companions(
    made: Identification, rows: Rows, own: Points, other: Points, b: int, radius: float
) -> tuple[int, int]:
    """How many rows have another of their catalogue within the radius; how many rows `b` has.

    The latter for as many rows as there are here, which may be but a part of their catalogue.
    """
    mine = _seen(made, rows.ra_deg, rows.dec_deg, b)
    some = sorted_points(rows.ra_deg[mine], rows.dec_deg[mine])[0]
    found = find_pairs(some, own, radius, nearest=2)
    crowd = np.bincount(found.left, minlength=len(some)) > 1
    share = len(some) / max(int(_seen(made, own.ra_deg, own.dec_deg, b).sum()), 1)
    return int(crowd.sum()), round(share * len(other))


def _nearest(ra: Floats, dec: Floats, points: Any, radius: float) -> Floats:
    found = find_pairs(sorted_points(ra, dec)[0], points, radius, nearest=1)
    return found.sep_arcsec


def _seen(made: Identification, ra: Floats, dec: Floats, b: int) -> NDArray[np.bool_]:
    from skyquarry.sky import healpix

    observed = made.learnt.densities.coverage.observed_at(healpix.index(ra, dec))
    return (observed >> np.uint32(b) & np.uint32(1)).astype(bool)


def _place(rows: Rows) -> tuple[Floats, Floats]:
    return rows.ra_deg, rows.dec_deg


def _thinned(made: Identification, number: int) -> Rows:
    """The rows of the sample, every so many of them by their pixel, where there are too many."""
    ranges = None
    if len(made.sample) < len(made.patches):
        ranges = made.sample[0].core
        for patch in made.sample[1:]:
            ranges = ranges | patch.core
    rows = made.scene.source.rows(number, ranges)
    step = -(-len(rows) // SHIFTED_ROWS) or 1
    return rows if step == 1 else rows.take(np.arange(0, len(rows), step))


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
