"""What a cross-match says of itself: its plan before, its provenance and report afterwards."""

from __future__ import annotations

import platform
from importlib import metadata
from typing import TYPE_CHECKING, Any

from skyquarry.engine.cost import Cost
from skyquarry.engine.executors import cpu_count
from skyquarry.match.given.reading import needed_columns
from skyquarry.match.priors.jointmags import FEWEST
from skyquarry.match.reports.reporting import quality_of
from skyquarry.match.runs.expecting import too_wide
from skyquarry.match.runs.identification import PATCH_ROWS
from skyquarry.match.runs.sampling import sampled_share

if TYPE_CHECKING:
    from skyquarry.match.given.sides import Side
    from skyquarry.match.results.runcounts import RunCounts
    from skyquarry.match.runs.asked import Asked
    from skyquarry.match.runs.identification import Identification

SECONDS_A_ROW = 2.5e-6
"""On one core of a laptop of 2026: `benchmarks/crossmatch.py`."""


def predicted(node: Asked, workers: int | None = None) -> Cost:
    """Rows and bytes that are read, and the time that it may take."""
    passes = 1 if node.is_resident else 2
    bytes_read = int(passes * sum(_bytes(side) for side in node.sides))
    tiles = sum(len(side.tiles) for side in node.sides)
    rows = node.n_rows
    seconds = rows * SECONDS_A_ROW / min(workers or cpu_count(), 16)
    most = max((side.n_rows for side in node.sides), default=0)
    return Cost(
        tiles=tiles, rows=rows, bytes=bytes_read, rows_out=most, seconds=seconds, exact=False
    )


def _bytes(side: Side) -> float:
    columns = [name for name in needed_columns(side.roles) if name in side.schema.names]
    told = getattr(side, "bytes_of", None)
    return float(told(columns)) if told is not None else 8.0 * len(columns) * side.n_rows


def explained(node: Asked, workers: int | None = None) -> list[str]:
    """The plan in words."""
    asked = node.settings
    cost = predicted(node, workers)
    rows = " x ".join(
        f"{name} ({side.n_rows:,} rows)" for name, side in zip(node.names, node.sides, strict=True)
    )
    kept = "held in memory" if node.is_resident else "read patch by patch, in each pass"
    sample = sampled_share([side.n_rows for side in node.sides])
    lines = [
        f"cross-match {rows}: {asked.constraint}, candidates to {asked.completeness:.2%}",
        f"  rows are {kept}; patches of some {PATCH_ROWS:,} rows, no finer than order 8",
        "  pass 1, survey: counts, magnitudes, and how far rows reach",
    ]
    if asked.calibrate is True:
        lines.append(f"  pass 2, calibrate: mutual nearest neighbours of {sample:.0%} of the sky")
    lines.append(
        f"  pass 3, learn: densities{' and magnitudes' if asked.photometry == 'auto' else ''} by "
        f"expectation and maximisation, from {sample:.0%} of the sky"
    )
    lines.append("  pass 4, tables: evidence, islands, probabilities; islands across borders last")
    if asked.fast_pass:
        lines.append("  pass 5, fast stars: what is alone and bright or red, to 10.5 arcsec a year")
    lines.append(
        f"  reads {cost.tiles:,} tiles, {cost.rows:,} rows, {cost.bytes / 1e6:,.0f} MB; about "
        f"{cost.seconds:,.1f} s"
    )
    wide = too_wide(node)
    lines += [f"  warning  {wide}: it was forced"] if wide else []
    lines += [f"  {note}" for side in node.sides for note in side.notes]
    return lines


def provenance(made: Identification) -> dict[str, Any]:
    """Inputs, settings, what was learnt, and the versions of what computed it."""
    asked, node = made.plan.settings, made.plan
    return {
        "skyquarry": metadata.version("skyquarry"),
        "python": platform.python_version(),
        "inputs": [
            {"name": name, "rows": side.n_rows, "fingerprint": side.fingerprint}
            for name, side in zip(node.names, node.sides, strict=True)
        ],
        "settings": {
            "constraint": asked.constraint,
            "keep": asked.keep,
            "completeness": asked.completeness,
            "prior": asked.prior if isinstance(asked.prior, str) else _plain(asked.prior),
            "photometry": asked.photometry if isinstance(asked.photometry, str | None) else "own",
            "calibrate": asked.calibrate if isinstance(asked.calibrate, bool) else "given",
            "radius_arcsec": asked.radius_arcsec,
            "fast_pass": asked.fast_pass,
            "force": asked.force,
            "default_error_arcsec": [policy.default_arcsec for policy in node.policies],
        },
        "calibration": made.calibration.to_dict(),
        "densities_per_deg2": made.learnt.densities.lines(),
        "passes": made.learnt.passes,
    }


def _plain(prior: Any) -> dict[str, float]:
    return {" ".join(key): float(value) for key, value in prior.items()}


def photometry_lines(made: Identification) -> list[str]:
    """What magnitudes of several catalogues together contribute, or why they do not."""
    used = made.learnt.photometry
    if used is None:
        asked = made.plan.settings.photometry
        few = f"fewer than {FEWEST} secure pairs have magnitudes: none were used"
        return [few if asked == "auto" else "not asked for"]
    told = getattr(used, "lines", None)
    return list(told(made.plan.names)) if told is not None else ["the caller's own evidence"]


def report(made: Identification, told: RunCounts, seconds: float) -> dict[str, Any]:
    """Match rates, tests, the verdict, and what was learnt: plain data."""
    learnt = made.learnt
    return {
        "catalogues": list(made.plan.names),
        "seconds": seconds,
        "provenance": provenance(made),
        "densities": learnt.densities.lines(),
        "photometry": photometry_lines(made),
        "passes": learnt.passes,
        **quality_of(made, told),
    }
