"""How long a run would take: by earlier runs and their rows, by rates, or not known."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from skyquarry.pipeline.project.reading import read_project
from skyquarry.pipeline.project.records import Record, Records
from skyquarry.pipeline.project.reporting.forecasting import MEASURED, PER_DEG2, forecasts
from skyquarry.pipeline.project.running import State
from skyquarry.pipeline.project.stages import stages_of

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Any

    from skyquarry.pipeline.project.settings import Project

TEXT = """
[region]
area_deg2 = 2
[surveys.sdss]
from = "simulate"
[surveys.gaia]
from = "simulate"
[match]
[labels]
most_per_class = 100
[training]
"""


@pytest.fixture
def project(tmp_path: Path) -> Project:
    (tmp_path / "f.toml").write_text(TEXT)
    return read_project(tmp_path / "f.toml")


def _ran(stage: str, seconds: int, told: dict[str, Any], hour: int = 1) -> list[dict[str, Any]]:
    day = f"2026-11-22T{hour:02d}"
    minutes, rest = divmod(seconds, 60)
    return [
        {"event": "began", "time": f"{day}:00:00+00:00", "told": {"stage": stage}},
        {"event": "ended", "time": f"{day}:{minutes:02d}:{rest:02d}+00:00",
         "told": {"stage": stage, "told": told}},
    ]  # fmt: skip


SIMULATED = _ran("simulate", 10, {"rows": {"truth": 65_000, "sdss": 8_000, "gaia": 1_000}})


def _told(project: Project, events: list[dict[str, Any]], ahead: tuple[str, ...]) -> dict[str, Any]:
    states = [
        State(stage, "changed" if stage.name in ahead else "", None) for stage in stages_of(project)
    ]
    made = forecasts(project, states, events, Records(project.folder))
    return {state.stage.name: each for state, each in zip(states, made, strict=True)}


def test_what_was_never_done_and_has_no_rows_is_not_known(tmp_path: Path) -> None:
    text = TEXT.replace('from = "simulate"', 'files = "mine.csv"')
    labels = '[labels]\nfrom = "files"\nfiles = "l.csv"\ncatalog = "sdss"\nid = "i"\nset = "sdss"'
    (tmp_path / "f.toml").write_text(text.replace("[labels]", labels))
    project = read_project(tmp_path / "f.toml")
    ahead = ("build sdss", "build gaia", "match", "label", "train", "evaluate")
    told = _told(project, [], ahead)
    assert set(told) == set(ahead)
    assert {each.seconds for each in told.values()} == {None}


def test_a_sky_that_was_never_simulated_is_told_by_its_area(project: Project) -> None:
    told = _told(project, [], ("simulate", "match", "label", "train", "evaluate"))
    fixed, rate = MEASURED["simulate"]
    truth = 2.0 * PER_DEG2["truth"]
    assert told["simulate"].seconds == pytest.approx(fixed + truth / rate, rel=1e-3)
    rows = 2.0 * (PER_DEG2["sdss"] + PER_DEG2["gaia"])
    assert told["match"].seconds == pytest.approx(1.0 + rows / MEASURED["match"][1], rel=1e-3)
    assert told["match"].by == f"by measured rates, for some {rows:,.0f} rows"
    fixed, rate = MEASURED["train"]  # 100 of each class at most, a fifth of them to judge with
    assert told["train"].seconds == pytest.approx(fixed + 200.0 / rate)
    assert None not in {each.seconds for each in told.values()}


def test_what_stands_takes_no_time(project: Project) -> None:
    assert _told(project, SIMULATED, ())["match"].seconds == 0.0


def test_a_first_match_of_known_rows_is_told_by_measured_rates(project: Project) -> None:
    told = _told(project, SIMULATED, ("match",))["match"]
    fixed, rate = MEASURED["match"]
    assert told.seconds == pytest.approx(fixed + 9_000 / rate)
    assert told.by == "by measured rates, for 9,000 rows"


def test_an_earlier_run_is_scaled_by_rows(project: Project) -> None:
    events = [*SIMULATED, *_ran("match", 40, {"rows": 8_500}, 2)]
    more = _ran("simulate", 20, {"rows": {"truth": 130_000, "sdss": 16_000, "gaia": 2_000}}, 3)
    told = _told(project, [*events, *more], ("match",))["match"]
    fixed, rate = MEASURED["match"]
    wanted = 40.0 * (fixed + 18_000 / rate) / (fixed + 9_000 / rate)
    assert told.seconds == pytest.approx(wanted)
    assert told.by == "by a run of 9,000 rows"


def test_of_several_runs_the_one_of_the_nearest_size_is_taken(project: Project) -> None:
    events = [*SIMULATED, *_ran("match", 40, {"rows": 8_500}, 2),
              *_ran("simulate", 9, {"rows": {"truth": 9, "sdss": 90, "gaia": 10}}, 3),
              *_ran("match", 2, {"rows": 95}, 4)]  # fmt: skip
    assert _told(project, events, ("match",))["match"].seconds == pytest.approx(2.0)


def test_a_larger_area_is_more_of_everything_but_of_examples(project: Project) -> None:
    record = Record(stage="simulate", fingerprint="", inputs={}, output="", checksum="",
                    settings={"region": {"area_deg2": 1.0, "latitude_deg": 45.0,
                                         "longitude_deg": 90.0, "text": None}})  # fmt: skip
    Records(project.folder).keep(record)
    events = [
        *SIMULATED, *_ran("match", 40, {"rows": 8_500}, 2),
        *_ran("label", 1, {"rows": {"train": 160, "test": 40}, "classes": {"a": 1, "b": 1}}, 3),
        *_ran("train", 30, {}, 4),
    ]  # fmt: skip
    told = _told(project, events, ("simulate", "match", "label", "train", "evaluate"))
    fixed, rate = MEASURED["simulate"]
    grown = (fixed + 2 * 65_000 / rate) / (fixed + 65_000 / rate)
    assert told["simulate"].seconds == pytest.approx(10.0 * grown, rel=1e-3)
    assert told["match"].seconds > 40.0
    assert told["train"].seconds == pytest.approx(30.0, rel=1e-6)  # 100 of each class, as before
