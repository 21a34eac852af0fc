"""What a project has cost: time by stage, CPU, energy and money where they are known."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from skyquarry.pipeline.project.records import Record


def resources_of(records: list[Record]) -> dict[str, Any]:
    """Each stage's time, rows, CPU and energy; None where nobody measured it."""
    stages = [
        {
            "stage": each.stage,
            "seconds": each.seconds,
            "rows": rows_of(each.told),
            "ended": each.ended,
        }
        for each in records
    ]
    return {"stages": stages, "seconds": sum(each.seconds for each in records)}


def rows_of(told: dict[str, Any]) -> int | None:
    """How many rows a stage made; None where it told none."""
    rows = told.get("rows")
    if isinstance(rows, dict):
        return int(sum(rows.values()))
    return rows if isinstance(rows, int) else None
