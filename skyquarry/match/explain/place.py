"""What holds where a row lies: densities, who looked there, and what calibration did to the row."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from skyquarry.match.priors.densitysums import LOCAL_ORDER
from skyquarry.sky.ranges import MAX_ORDER, Ranges

if TYPE_CHECKING:
    from skyquarry.match.given.rows import Rows
    from skyquarry.match.runs.identification import Identification

_PER_DEG2 = (np.pi / 180.0) ** 2


def densities_here(made: Identification, row: Rows) -> dict[str, float]:
    """Objects per square degree, at the place of one row, that exactly these catalogues detect."""
    densities, names = made.learnt.densities, made.rules.names
    cell = row.spatial >> 2 * (MAX_ORDER - LOCAL_ORDER)
    told = {}
    for mask in range(1, len(densities.nu)):
        nu = float(densities.nu[mask] * np.exp(densities.local.ln_ratio(mask, cell)[0]))
        if nu > 0.0:
            told[" ".join(n for c, n in enumerate(names) if mask >> c & 1)] = nu * _PER_DEG2
    return told


def footprint_here(made: Identification, number: int, row: Rows) -> dict[str, dict[str, Any]]:
    """Whether each other catalogue looked there: "not observed" is not "absent"."""
    coverage = made.learnt.densities.coverage
    seen = int(coverage.observed_at(row.spatial)[0])
    rim = bool(coverage.at_rim(row.spatial)[0])
    return {
        name: {"observed": bool(seen >> c & 1), "known_by": coverage.labels[c], "at_rim": rim}
        for c, name in enumerate(made.rules.names)
        if c != number
    }


def calibration_of(made: Identification, number: int, row: Rows) -> dict[str, Any]:
    """How far the row was moved, its error (arcsec, per axis) before and after, in words too."""
    pixel = int(row.spatial[0])
    raw, _ = made.source.read(number, Ranges([pixel], [pixel + 1]))
    plain = _same(raw, row)
    east = (row.ra_deg - plain.ra_deg + 180.0) % 360.0 - 180.0
    return {
        "east_arcsec": float(east[0] * np.cos(np.radians(row.dec_deg[0])) * 3600.0),
        "north_arcsec": float((row.dec_deg - plain.dec_deg)[0] * 3600.0),
        "error_before_arcsec": _error(plain),
        "error_after_arcsec": _error(row),
        "wide_probability": float(row.wide[0]),
        "wide_arcsec": row.wide_arcsec,
        "words": made.calibration.lines()[number],
    }


def _same(rows: Rows, row: Rows) -> Rows:
    """The row of the same id and number among rows of its pixel."""
    wanted = row.ids[0].as_py()
    same = np.array([each == wanted for each in rows.ids.to_pylist()], bool)
    return rows.take(np.flatnonzero(same & (rows.row == row.row[0]))[:1])


def number_or_none(value: Any) -> float | None:
    """A number that is one, else None."""
    return float(value) if np.isfinite(value) else None


def _error(rows: Rows) -> float:
    return float(np.sqrt(0.5 * (rows.covariance[0, 0] + rows.covariance[0, 1])))
