"""`sq.match_table`: a short list against an archive, in milliseconds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from skyquarry.engine import given
from skyquarry.errors import ColumnError, UserError, one_of
from skyquarry.match.given.catalogsides import CatalogSide
from skyquarry.match.given.policies import ErrorPolicy
from skyquarry.match.likelihood.motionprior import MotionPrior
from skyquarry.match.lists.counterparts import counterparts, nearest_rows
from skyquarry.match.lists.reach import farthest_rows, reading_reach
from skyquarry.match.lists.skycounts import SkyCounts
from skyquarry.match.lists.table import ListTable
from skyquarry.match.runs.rowsource import Streamed, footprint_of
from skyquarry.match.runs.rules import Rules
from skyquarry.pipeline.inputs import side_of
from skyquarry.sky.dilation import around

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pyarrow as pa

    from skyquarry.match.given.rows import Rows
    from skyquarry.match.given.sides import Side
    from skyquarry.sky.ranges import Ranges

FARTHEST_ARCSEC = 180.0
"""Barnard's star, in 17 years: an archive is not read farther than this from a row of the list."""
_MOST_REMEMBERED = 4
_REMEMBERED: dict[str, SkyCounts] = {}
"""Maps of counts by fingerprint of their catalogue: some 10 MB each."""
_DISTANCE_ONLY = ErrorPolicy(default_arcsec=1e-3)


def match_table(
    table: Any,
    archive: Any,
    *,
    keep: Literal["best", "all"] = "best",
    columns: Literal["all"] | Sequence[str] = (),
    radius_arcsec: float | None = None,
    default_error_arcsec: float | tuple[float | None, float | None] | None = None,
    completeness: float = 0.9973,
) -> pa.Table:
    """What the rows of a short list are in an archive, and how probable that is.

    Each row of the list chooses by itself; only the parts of the archive near the list are read,
    so that a thousand rows take milliseconds. For two lists of a million rows take `crossmatch`,
    which calibrates, learns from magnitudes, and lets no two rows have one counterpart.

    Parameters
    ----------
    table
        The list: a file of any readable format, a pyarrow, pandas or astropy table, a Catalog; or a
        tuple of it and what its columns are, as `crossmatch` takes.
    archive
        The same; meant for a catalogue, or the path of one.
    keep
        "best": one row for each row of the list, in its order, null where it has no candidate.
        "all": one row a candidate, and one for each row without any.
    columns
        Columns of the archive that are added, under their own names behind the archive's; "all".
    radius_arcsec
        No counterpart is farther, at one epoch; needed where a side has no errors of positions.
    default_error_arcsec
        One sigma per axis for rows without an error: of both sides, or a tuple (list's, archive's).
    completeness
        Share of the true counterparts that are looked for.

    Returns
    -------
    pyarrow.Table
        `left_id, right_id, sep_arcsec` (at one epoch, motions used), `pa_deg, dra_cosdec_arcsec,
        ddec_arcsec, epoch_used, chi2, lnB_pos`, `posterior` of this counterpart, `p_any` of any,
        `n_candidates`, `is_match` (the best, and more probable than none), `observed` (the archive
        looked there), `flags`, `left_row` (number in the list). Where a side has no errors: the
        rows within `radius_arcsec`, nearest first; chi2, lnB_pos and probabilities are null.

    Rows of the list whose position cannot be used have no candidate, and `observed` is null.
    Raises UserError, ColumnError, NotFoundError.

    >>> match_table("targets.csv", "archive/gaia", columns=["parallax"])  # doctest: +SKIP
    """
    _check(keep, radius_arcsec)
    sides = (side_of(table, "list"), side_of(archive, "archive"))
    asked = _asked(sides[1], columns)
    policies, plain = _policies(sides, default_error_arcsec, radius_arcsec)
    source = Streamed(sides, policies)
    motion = MotionPrior(lost=1.0 - completeness)
    rules = Rules(("list", "archive"), "many_to_one", completeness, motion, radius_arcsec)
    mine = source.rows(0, None)
    theirs = source.rows(1, _ranges(mine, source, rules, plain=plain))
    counts = _counts(source)
    observed = counts.observed(mine.spatial)
    if plain:
        found = nearest_rows(mine, theirs, rules)
    else:
        found = counterparts(mine, theirs, rules, counts.density_sr(mine.spatial), observed)
    return ListTable(sides, mine, theirs, found, observed).table(keep, asked)


def _counts(source: Streamed) -> SkyCounts:
    """How dense the archive is; of the last few archives it is remembered."""
    side = source.sides[1]
    if side.in_memory:
        return SkyCounts(source.counts()[1])
    key = side.fingerprint
    if key not in _REMEMBERED:
        while len(_REMEMBERED) >= _MOST_REMEMBERED:
            _REMEMBERED.pop(next(iter(_REMEMBERED)))
        _REMEMBERED[key] = SkyCounts(source.counts()[1], footprint_of(side))
    return _REMEMBERED[key]


def _ranges(mine: Rows, source: Streamed, rules: Rules, *, plain: bool) -> Ranges | None:
    """What has to be read of the archive; None: all, for it is in memory."""
    side = source.sides[1]
    if not isinstance(side, CatalogSide):
        return None
    far = reading_reach(mine, farthest_rows(side, source.policies[1]), rules, FARTHEST_ARCSEC)
    if plain:
        far += float(rules.radius_arcsec or 0.0)
    return around(mine.spatial, far)


# ---------------------------------------------------------------- what was asked


def _check(keep: Any, radius_arcsec: Any) -> None:
    one_of("keep", keep, ("best", "all"))
    number = isinstance(radius_arcsec, int | float)
    if radius_arcsec is not None and not (number and 0.0 < radius_arcsec <= 3600.0):
        raise UserError(
            f"radius_arcsec is {radius_arcsec!r}, but a list is matched within more than 0 and at "
            "most 3600 arcsec: leave it out to search as far as the errors allow"
        )


def _asked(side: Side, columns: Any) -> list[str]:
    names = list(side.schema.names)
    if columns == "all":
        return names
    if isinstance(columns, str):
        raise UserError(
            f"columns is {columns!r}, but it is 'all' or a list of columns: try [{columns!r}]"
        )
    columns = given.texts(columns, "columns", [names[0]], least=0)
    unknown = [name for name in columns if name not in names]
    if unknown:
        raise ColumnError(
            f"{unknown[0]!r} was asked for, but {side.name} has no column of that name: it has "
            f"{', '.join(names[:8])}{' ...' if len(names) > 8 else ''}"
        )
    return list(dict.fromkeys(columns))


def _policies(
    sides: tuple[Side, Side], default: Any, radius_arcsec: float | None
) -> tuple[tuple[ErrorPolicy, ErrorPolicy], bool]:
    """How errors are treated, and whether there are none, so that only distances tell."""
    values = default if isinstance(default, tuple) else (default, default)
    if len(values) != len(sides):
        raise UserError(
            f"default_error_arcsec is {default!r}, but a number, or the list's and the archive's, "
            "is needed: try (0.1, None)"
        )
    lacking = [
        side.name
        for side, value in zip(sides, values, strict=True)
        if side.roles.position_error is None and value is None
    ]
    if lacking and radius_arcsec is None:
        raise UserError(
            f"{lacking[0]} has no errors of its positions, but a probability needs them: state "
            "default_error_arcsec, one sigma per axis, or give radius_arcsec to match by distance"
        )
    if lacking:
        return (_DISTANCE_ONLY, _DISTANCE_ONLY), True
    return (ErrorPolicy(values[0]), ErrorPolicy(values[1])), False
