"""How long a run would take: by earlier runs in the audit log, scaled by rows; else by rates.

A stage takes a + n / r seconds of n rows. Its a and r were measured (`MEASURED`); an earlier run of
the project says how much slower or faster its machine is. A sky that was never simulated is taken
to be as dense as one at |b| = 45. Where neither rows nor rates are known, nothing is told.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from skyquarry.pipeline.project.places import REPORT, SIMULATE, place_of
from skyquarry.pipeline.project.settings import matched_names

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from skyquarry.pipeline.project.records import Records
    from skyquarry.pipeline.project.running import State
    from skyquarry.pipeline.project.settings import Project, RegionSettings

    Told = Mapping[str, Mapping[str, Any]]

MEASURED: Final = {
    SIMULATE: (5.0, 65_000.0),
    "match": (1.0, 9_000.0),
    "features": (0.5, 100_000.0),
    "label": (0.2, 130_000.0),
    "train": (5.0, 75.0),
    "evaluate": (0.5, 2_000.0),
    "classify": (0.5, 15_000.0),
    "clusters": (1.0, 90_000.0),
    REPORT: (5.0, 40_000.0),
}
"""Seconds, and rows a second beyond them: two cores, November 2026, four surveys, four learners"""
PER_DEG2: Final = {
    "truth": 65_700.0, "sdss": 27_300.0, "allwise": 14_900.0, "gaia": 4_800.0, "twomass": 2_100.0,
}  # fmt: skip
"""Rows of a simulated square degree at |b| = 45; elsewhere up to twice or half as many"""
_MATCHED: Final = 0.63
"""objects for each row of the catalogues of a match, measured there"""
_FULL: Final = 2.5
"""classes of which a first choice of examples takes as many as it may, measured there"""
_UNMEASURED: Final = (0.0, 1.0)
"""What is only ever scaled: time goes with rows"""


@dataclass(frozen=True, slots=True)
class Forecast:
    """How long a stage would take."""

    seconds: float | None
    """None where nothing is known"""
    by: str
    """what it is known by, in words"""


@dataclass(frozen=True, slots=True)
class Past:
    """An earlier run of a stage."""

    seconds: float
    rows: float | None
    """that it had to work on; None where the log does not say"""


def forecasts(
    project: Project, states: Sequence[State], events: Iterable[Mapping[str, Any]], records: Records
) -> list[Forecast]:
    """Of each state of a run how long it would take; 0 for what stands.

    events: of the project's audit log, oldest first.
    """
    past, told = _history(project, events)
    ahead: dict[str, Mapping[str, Any]] = dict(told)
    made = []
    for state in states:
        name = state.stage.name
        if not state.why:
            made.append(Forecast(0.0, "it stands"))
            continue
        ahead[name] = _expected(project, name, told, ahead, records)
        rows = _rows(project, name, ahead)
        guessed = SIMULATE in ahead and SIMULATE not in told
        made.append(_forecast(name, rows, past.get(name, []), "some " if guessed else ""))
    return made


def _forecast(name: str, rows: float | None, past: list[Past], some: str) -> Forecast:
    sized = [each for each in past if each.rows]
    if rows and sized:
        nearest = min(sized, key=lambda each: abs(float(each.rows or 0.0) - rows))
        factor = _seconds(name, rows) / _seconds(name, float(nearest.rows or 0.0))
        return Forecast(nearest.seconds * factor, f"by a run of {nearest.rows:,.0f} rows")
    if past:
        return Forecast(past[-1].seconds, "as the last time")
    if rows and name in MEASURED:
        return Forecast(_seconds(name, rows), f"by measured rates, for {some}{rows:,.0f} rows")
    return Forecast(None, "")


def _seconds(name: str, rows: float) -> float:
    fixed, rate = MEASURED.get(name, _UNMEASURED)
    return fixed + rows / rate


# ------------------------------------------------------------------ earlier runs
def _history(
    project: Project, events: Iterable[Mapping[str, Any]]
) -> tuple[dict[str, list[Past]], dict[str, Mapping[str, Any]]]:
    """Runs that ended, by stage, oldest first; and what each stage told the last time."""
    past: dict[str, list[Past]] = {}
    told: dict[str, Mapping[str, Any]] = {}
    began: dict[str, str] = {}
    for event in events:
        name = event["told"].get("stage", "")
        if event["event"] == "began":
            began[name] = event["time"]
        elif event["event"] == "ended" and name in began:
            told[name] = event["told"].get("told") or {}
            seconds = _between(began.pop(name), event["time"])
            past.setdefault(name, []).append(Past(seconds, _rows(project, name, told)))
    return past, told


def _between(began: str, ended: str) -> float:
    return (datetime.fromisoformat(ended) - datetime.fromisoformat(began)).total_seconds()


# ------------------------------------------------------------------ rows to work on
def _rows(project: Project, name: str, told: Told) -> float | None:
    """How many rows a stage has to work on, by what each stage has told or will tell."""
    if name == SIMULATE:
        return _number(told, name, "truth")
    if name == "match":
        parts = [_of_catalogue(project, each, told) for each in matched_names(project)]
        return None if any(each is None for each in parts) else sum(each or 0.0 for each in parts)
    if name == "train":
        return _number(told, "label", "train")
    if name == "evaluate":
        return _number(told, "label", "test")
    if name.startswith(("build ", "fetch ")):
        return _number(told, name)
    return _number(told, "match")


def _of_catalogue(project: Project, name: str, told: Told) -> float | None:
    source = project.surveys[name].source
    if source == "simulate":
        return _number(told, SIMULATE, name)
    if source == "catalogue":
        return _there(project, name)
    return _number(told, f"{'build' if source == 'files' else 'fetch'} {name}")


def _there(project: Project, name: str) -> float | None:
    from skyquarry.engine.catalog import open_catalog
    from skyquarry.errors import SkyquarryError

    try:
        return float(open_catalog(place_of(project, name)).stored.n_rows)
    except SkyquarryError:
        return None


def _number(told: Told, stage: str, name: str | None = None) -> float | None:
    rows = told.get(stage, {}).get("rows")
    if isinstance(rows, dict):
        rows = rows.get(name)
    return None if rows is None else float(rows)


# ------------------------------------------------------------------ what a stage will tell
def _expected(
    project: Project, name: str, told: Told, ahead: Told, records: Records
) -> dict[str, Any]:
    """The rows that a stage will make: those of the last time, scaled as its input is."""
    if name not in told:
        return {"rows": _guessed(project, name, ahead)}
    factor = 1.0
    if name == SIMULATE:
        factor = _area_factor(project, records)
    elif name in ("match", "label"):
        now, then = _rows(project, name, ahead), _rows(project, name, told)
        factor = now / then if now and then else 1.0
    rows = told.get(name, {}).get("rows")
    if isinstance(rows, dict):
        rows = {key: count * factor for key, count in rows.items()}
        if name == "label":
            rows = _thinned(project, told, rows)
    elif rows is not None:
        rows *= factor
    return {"rows": rows}


def _guessed(project: Project, name: str, ahead: Told) -> Any:
    """The rows of a stage that was never done, where those that it works on tell them."""
    if name == SIMULATE:
        assert project.region is not None  # a project without is refused
        area = _area(project.region)
        return {each: count * area for each, count in PER_DEG2.items()}
    rows = _rows(project, "match", ahead)
    if rows is None:
        return None
    if name == "match":
        return _MATCHED * rows
    if name == "label" and project.labels is not None:
        chosen = min(_MATCHED * rows, _FULL * project.labels.most_per_class)
        share = project.labels.test_share
        return {"train": (1.0 - share) * chosen, "test": share * chosen}
    return None


def _thinned(project: Project, told: Told, rows: dict[str, float]) -> dict[str, float]:
    """Of examples there are no more than so many of each class."""
    classes = told["label"].get("classes", {})
    if project.labels is None or not classes:
        return rows
    most = project.labels.most_per_class * len(classes)
    total = sum(rows.values())
    shrink = min(1.0, most / total) if total else 1.0
    return {key: count * shrink for key, count in rows.items()}


def _area_factor(project: Project, records: Records) -> float:
    """The area of the project's region over that of the last simulation."""
    record = records.of(SIMULATE)
    if record is None or project.region is None or not record.settings.get("region"):
        return 1.0
    from skyquarry.pipeline.project.settings import RegionSettings

    return _area(project.region) / _area(RegionSettings(**record.settings["region"]))


def _area(where: RegionSettings) -> float:
    from skyquarry.pipeline.skyasked import field

    made = field(
        where.area_deg2, latitude_deg=where.latitude_deg, longitude_deg=where.longitude_deg,
        region=where.text,
    )  # fmt: skip
    return float(made.area())
