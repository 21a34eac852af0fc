"""Time, energy and cost: told where they are measured, and never guessed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from skyquarry.pipeline.project.records import Record
from skyquarry.pipeline.project.reporting.energy import metered
from skyquarry.pipeline.project.reporting.resources import resources_of
from skyquarry.pipeline.project.settings import ReportSettings

if TYPE_CHECKING:
    from pathlib import Path


def _counter(root: Path, name: str, at: int, largest: int = 1_000_000) -> Path:
    home = root / name
    home.mkdir(parents=True)
    (home / "energy_uj").write_text(f"{at}\n")
    (home / "max_energy_range_uj").write_text(f"{largest}\n")
    return home / "energy_uj"


def _record(stage: str, seconds: float, energy_j: float | None) -> Record:
    return Record(stage=stage, fingerprint="", inputs={}, output="", checksum="", seconds=seconds,
                  cpu_s=2.0, energy_j=energy_j, told={"rows": {"a": 3, "b": 4}})  # fmt: skip


def test_energy_is_the_sum_of_all_processors_and_of_none_of_their_parts(tmp_path: Path) -> None:
    one, two = (_counter(tmp_path, f"intel-rapl:{n}", 100) for n in (0, 1))
    part = _counter(tmp_path, "intel-rapl:0:0", 100)
    with metered(tmp_path) as meter:
        one.write_text("2000100")
        two.write_text("1000100")
        part.write_text("500100")
    assert meter.joules == pytest.approx(3.0)


def test_a_counter_that_came_around_is_understood(tmp_path: Path) -> None:
    counter = _counter(tmp_path, "intel-rapl:0", 900_000, largest=1_000_000)
    with metered(tmp_path) as meter:
        counter.write_text("100000")
    assert meter.joules == pytest.approx(0.2)


def test_without_counters_nothing_is_known(tmp_path: Path) -> None:
    with metered(tmp_path / "none") as meter:
        pass
    assert meter.joules is None


def test_a_counter_that_cannot_be_read_any_more_makes_all_unknown(tmp_path: Path) -> None:
    counter = _counter(tmp_path, "intel-rapl:0", 100)
    with metered(tmp_path) as meter:
        counter.unlink()
    assert meter.joules is None


def test_costs_follow_from_prices() -> None:
    prices = ReportSettings(price_per_kwh=0.5, price_per_hour=2.0)
    told = resources_of([_record("a", 1800.0, 3.6e6), _record("b", 1800.0, 3.6e6)], prices)
    assert told["energy_j"] == 7.2e6
    assert told["cost_of_energy"] == pytest.approx(1.0)
    assert told["cost_of_time"] == pytest.approx(2.0)
    assert [each["rows"] for each in told["stages"]] == [7, 7]


def test_a_part_that_is_not_known_makes_no_sum() -> None:
    prices = ReportSettings(price_per_kwh=0.5)
    told = resources_of([_record("a", 1.0, 3.6e6), _record("b", 1.0, None)], prices)
    assert told["energy_j"] is None
    assert told["cost_of_energy"] is None
    assert told["cost_of_time"] is None
