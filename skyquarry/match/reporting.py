"""From the tables of a run to its report: counts, the shifted sky, and what the run knows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from skyquarry.catalog.arrow import to_numpy
from skyquarry.match.quality import Facts, quality_report, tally
from skyquarry.match.rows import Flag
from skyquarry.match.search import find_pairs, sorted_points
from skyquarry.match.shifted import DIRECTIONS, ShiftedSky, rotated, shift_arcsec
from skyquarry.match.tables import REASONS, column

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from skyquarry.match.identification import Identification
    from skyquarry.match.rows import Rows
    from skyquarry.match.tables import Tables
    from skyquarry.match.tally import Tally

    Floats = NDArray[np.float64]

SHIFTED_ROWS = 300_000
"""Rows of the leading catalogue that are looked for on shifted skies, at most."""
_MOST_RADIUS_ARCSEC = 60.0


def counted(told: Tables, names: tuple[str, ...]) -> Tally:
    """Counts of candidate pairs and of rows; those of several parts can be added."""
    pairs = {
        "left": _numbers(told.pairs["left_catalog"], names),
        "right": _numbers(told.pairs["right_catalog"], names),
        **{
            name: column(told.pairs, name)
            for name in ("norm_sep", "posterior", "posterior_geometry", "is_match", "flags")
        },
    }
    members = {
        "catalog": _numbers(told.members["catalog"], names),
        "reason": _numbers(told.members["reason"], REASONS),
        "mag": column(told.members, "_mag"),
    }
    return tally(names, pairs, members)


def _numbers(words: pa.ChunkedArray, known: tuple[str, ...]) -> NDArray[np.int64]:
    found = pc.index_in(words.cast(pa.string()), pa.array(known, pa.string()))
    return np.asarray(to_numpy(found), np.int64)


def quality_of(made: Identification, told: Tables) -> dict[str, Any]:
    """Match rates, tests of errors and probabilities, the verdict, and what to doubt."""
    off = made.plan.settings.calibrate is False
    report = quality_report(
        counted(told, made.plan.names),
        calibration=None if off else made.calibration,
        shifted=shifted_skies(made, told),
        facts=_facts(made, told),
        chi2_limit=made.rules.chi2_limit,
    )
    return report.to_dict()


# ---------------------------------------------------------------- the shifted sky


def shifted_skies(made: Identification, told: Tables) -> Mapping[tuple[int, int], ShiftedSky]:
    """Of each pair of catalogues: how many matches a sky would give that is not there."""
    found = {}
    for a, b in made.rules.catalog_pairs():
        radius = _radius(told, made.plan.names, a, b)
        if radius is not None:
            found[a, b] = _shifted(made, a, b, radius)
    return found


def _radius(told: Tables, names: tuple[str, ...], a: int, b: int) -> float | None:
    """The separation below which 99.9 per cent of the matches lie; None where there are few."""
    pairs = told.pairs
    here = pc.and_(
        pc.equal(pairs["left_catalog"].cast(pa.string()), names[a]),
        pc.equal(pairs["right_catalog"].cast(pa.string()), names[b]),
    )
    sep = column(pairs.select(["sep_arcsec", "is_match"]).filter(here), "sep_arcsec")
    match = column(pairs.select(["is_match"]).filter(here), "is_match")
    if match.sum() < 10:
        return None
    return float(np.clip(np.quantile(sep[match], 0.999), 1e-3, _MOST_RADIUS_ARCSEC))


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
        sky = sky + _of_patch(made, mine, other, b, radius, angle)
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


def _facts(made: Identification, told: Tables) -> Facts:
    names = made.plan.names
    labels = made.learnt.densities.coverage.labels
    rejects = made.rejects
    flags = column(told.groups, "flags")
    by_catalog = _numbers(told.members["catalog"], names)
    row_flags = column(told.members, "flags")
    defaults = {
        name: int(((row_flags[by_catalog == n] & int(Flag.DEFAULT_ERROR)) > 0).sum())
        for n, name in enumerate(names)
    }
    notes = [
        f"{name}: {text}"
        for name, side in zip(names, made.plan.sides, strict=True)
        for text in side.notes
    ]
    notes += [
        f"{name}: {text} ({rows:,} rows)"
        for name, each in zip(names, rejects, strict=True)
        for text, rows in each.warnings.items()
    ]
    photometry = made.learnt.photometry
    joints = getattr(photometry, "joints", None)
    return Facts(
        estimated_footprints=tuple(
            name for name, label in zip(names, labels, strict=True) if label == "estimate"
        ),
        default_errors={name: rows for name, rows in defaults.items() if rows},
        unknown_epochs=made.unknown_epochs,
        invalid={name: each.total for name, each in zip(names, rejects, strict=True) if each.total},
        islands=len(flags),
        heuristic_islands=int(((flags & int(Flag.HEURISTIC)) > 0).sum()),
        secure_pairs=None if joints is None else int(sum(j.n_pairs for j in joints.values())),
        photometry=photometry is not None,
        fast_pass=made.fast_words,
        notes=tuple(notes),
    )
