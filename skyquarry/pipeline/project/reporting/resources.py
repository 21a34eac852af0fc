"""What a project has cost: time by stage, CPU, energy and money where they are known."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

    from skyquarry.pipeline.project.records import Record
    from skyquarry.pipeline.project.settings import ReportSettings

_J_PER_KWH = 3.6e6


def resources_of(records: list[Record], prices: ReportSettings | None) -> dict[str, Any]:
    """Each stage's time, rows, CPU and energy, and what all of them cost.

    None stands where nobody measured it, and for costs without a price.
    """
    stages = [
        {
            "stage": each.stage,
            "seconds": each.seconds,
            "cpu_s": each.cpu_s or None,
            "energy_j": each.energy_j,
            "rows": rows_of(each.told),
            "ended": each.ended,
        }
        for each in records
    ]
    seconds = sum(each.seconds for each in records)
    energy_j = _sum(each.energy_j for each in records)
    told = {
        "stages": stages,
        "seconds": seconds,
        "cpu_s": _sum(each.cpu_s or None for each in records),
        "energy_j": energy_j,
    }
    return told | _costs(seconds, energy_j, prices)


def rows_of(told: dict[str, Any]) -> int | None:
    """How many rows a stage made; None where it told none."""
    rows = told.get("rows")
    if isinstance(rows, dict):
        return int(sum(rows.values()))
    return rows if isinstance(rows, int) else None


def _sum(values: Iterable[float | None]) -> float | None:
    """None where one of them is not known: a part is no sum."""
    known = list(values)
    if not known or any(each is None for each in known):
        return None
    return float(sum(each for each in known if each is not None))


def _costs(seconds: float, energy_j: float | None, prices: ReportSettings | None) -> dict[str, Any]:
    per_kwh = None if prices is None else prices.price_per_kwh
    per_hour = None if prices is None else prices.price_per_hour
    return {
        "currency": "" if prices is None else prices.currency,
        "price_per_kwh": per_kwh,
        "price_per_hour": per_hour,
        "cost_of_energy": None
        if per_kwh is None or energy_j is None
        else per_kwh * energy_j / _J_PER_KWH,
        "cost_of_time": None if per_hour is None else per_hour * seconds / 3600.0,
    }
