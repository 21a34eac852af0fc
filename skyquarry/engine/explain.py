"""A plan in words: what it reads, what it leaves, how long it will take."""

from __future__ import annotations

from typing import TYPE_CHECKING

from skyquarry.engine.cost import in_bytes, in_time
from skyquarry.engine.executors import cpu_count

if TYPE_CHECKING:
    from skyquarry.engine.scan import Scan


def lines_of_scan(scan: Scan, workers: int | None = None) -> list[str]:
    """What a scan will read, one line a matter."""
    stored = scan.source.stored
    version = f" ({stored.version})" if stored.version else ""
    lines = [f"scan of {stored.name}{version}: {len(scan):,} of {len(scan.source.tiles):,} tiles"]
    lines += [f"  {word:<8} {text}" for word, text in matters(scan)]
    cost = scan.cost(workers)
    about = "" if cost.exact else "about "
    before = " before the condition" if cut_by_rows(scan) else ""
    lines.append(f"  reads    {about}{cost.rows:,} rows, {in_bytes(cost.bytes)}")
    lines.append(f"  gives    {about}{cost.rows_out:,} rows{before}")
    n = workers or cpu_count()
    lines.append(f"  takes    about {in_time(cost.seconds)} on {n} worker{'s' if n > 1 else ''}")
    return lines


def matters(scan: Scan) -> list[tuple[str, str]]:
    """What cuts the scan down, each with what it spares."""
    cut, found = scan.cut, []
    outside = len(scan.source.tiles) - len(scan)
    if cut.region is not None:
        whole = int(scan.inside.sum())
        found.append(("region", shortened(repr(cut.region))))
        told = f"{whole:,} tiles wholly inside (no row is tested), {len(scan) - whole:,} cut"
        found.append(("", f"{told}, {outside:,} outside or ruled out"))
    if cut.moved is not None and scan.reach is not None:
        reach = float(scan.reach[scan.numbers].max(initial=0.0))
        found.append(("cone", f"{cut.moved.cone!r} at J{cut.moved.epoch_jyear:g}"))
        found.append(("", f"searched up to {reach:.3g} arcsec wider, as stars there can move"))
    if cut.predicate is not None:
        found.append(("where", shortened(cut.predicate.text)))
        found.append(("", spared(scan)))
    for sample in cut.samples:
        kind = "whole order-13 cells" if sample.by == "sky" else "rows by the hash of the id"
        found.append(("sample", f"{sample.fraction:.4g} of the {sample.by}, {kind}"))
    if cut.ids is not None:
        indexed = cut.ids.column in scan.source.stored.indexes
        how = "by the id index" if indexed else "there is no index of it: tiles are searched"
        found.append(("ids", f"{cut.ids!r}: {how}"))
    found.append(("columns", shortened(", ".join(scan.columns) or "none")))
    return found


def cut_by_rows(scan: Scan) -> bool:
    """Whether a condition will choose among the rows, how many is not guessed."""
    return scan.cut.predicate is not None and not scan.cannot_match


def spared(scan: Scan) -> str:
    """What a predicate's bounds spare."""
    if scan.cannot_match:
        return "no row can meet this: nothing is read"
    bounds = scan.bounds
    if not bounds:
        return "says nothing of lowest and highest values: every row is tested"
    return f"row groups are left out whose statistics rule out {', '.join(sorted(bounds))}"


def shortened(text: str, most: int = 160) -> str:
    """The text, its middle left out where it is long."""
    half = most // 2
    return text if len(text) <= most else f"{text[:half]} ... {text[-half:]}"
