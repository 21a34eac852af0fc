"""The report of a project: what its stages left, as plain data for the page and for files."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from skyquarry.catalog.classes import DEFINITIONS
from skyquarry.engine.catalog import open_catalog
from skyquarry.pipeline.project.logbook import log_of
from skyquarry.pipeline.project.places import (
    ARCHIVE,
    CLASSIFIED,
    CLUSTERS,
    MATCHED,
    MODEL,
    REPORT,
    SCORES,
    place_of,
)
from skyquarry.pipeline.project.records import Records
from skyquarry.pipeline.project.reporting.followup import LISTINGS, listed
from skyquarry.pipeline.project.reporting.resources import resources_of
from skyquarry.pipeline.project.reporting.skyplane import Field
from skyquarry.pipeline.project.reporting.specimens import specimens_of
from skyquarry.pipeline.project.reporting.tallying import FLAGS, MAG_EDGES, tallied
from skyquarry.pipeline.project.settings import ReportSettings, matched_names
from skyquarry.software import said

if TYPE_CHECKING:
    from pathlib import Path

    import pyarrow as pa

    from skyquarry.learn.model import Model
    from skyquarry.pipeline.project.records import Record
    from skyquarry.pipeline.project.reporting.tallying import Tally
    from skyquarry.pipeline.project.settings import Project

SIMULATION: Final = "skyquarry_simulation"
"""The property of a catalogue that was simulated."""
OBJECT: Final = "object"
"""what every row of a match is while there is no model"""
_MOST_CLUSTERS: Final = 12
_FIRST: Final = 6
"""rows of a list that the page shows"""


def gathered(project: Project) -> tuple[dict[str, Any], dict[str, pa.Table]]:
    """All that there is to tell of a project, as far as its stages have come; lists for follow-up.

    What no stage has made yet is left out. Raises what reading the outputs raises.
    """
    lists: dict[str, pa.Table] = {}
    home = project.folder / ARCHIVE
    records = [each for each in Records(project.folder).all() if each.stage != REPORT]
    told: dict[str, Any] = {
        "title": _title(project),
        "seed": project.seed,
        "sources": _sources(project),
        "labels": _labels(project),
        "match": _match(home / MATCHED),
        "scores": _json(project.folder / SCORES / "scores.json"),
        "resources": resources_of(records, project.report),
        "provenance": _provenance(records),
        "audit": log_of(project.folder).verify(*(each.audit for each in records)),
        "clusters": _clusters(home / CLUSTERS),
    }
    if (home / CLASSIFIED).is_dir():
        more, lists = _classified(project)
        told |= more
    elif told["match"] is not None:
        told |= _unclassified(project)
    if told["clusters"] is not None and "sky" in told:
        told["sky"]["clusters"] = _on_plane(told["sky"]["plane"], told["clusters"]["places"])
    return told, lists


def _on_plane(plane: dict[str, Any], places: dict[str, Any]) -> Any:
    """(c, 3) degrees east and north of the middle of a field, and radius; none on a whole sky."""
    if plane["whole"]:
        return np.empty((0, 3))
    east, north = Field(**plane).project(places["ra"], places["dec"])
    return np.stack([east, north, places["radius_arcsec"] / 3600.0], axis=1)


def _title(project: Project) -> str:
    given = None if project.report is None else project.report.title
    return given or project.folder.name.replace("_", " ")


def _classified(project: Project) -> tuple[dict[str, Any], dict[str, pa.Table]]:
    from skyquarry.pipeline.brightness import magnitude_name
    from skyquarry.pipeline.models import load_model
    from skyquarry.pipeline.project.places import role_files

    home = project.folder / ARCHIVE
    model = load_model(project.folder / MODEL)
    matched, classified = (open_catalog(home / name) for name in (MATCHED, CLASSIFIED))
    magnitude = magnitude_name(model.features, model.units)
    tally = tallied(
        matched.stored, classified.stored, model.classes, role_files(project), magnitude
    )
    most = ReportSettings().most if project.report is None else project.report.most
    lists = listed(matched, classified.stored, model, tally.bands, most)
    told = _drawn(tally) | {
        "specimens": specimens_of(project, tally, model, matched),
        "model": _model(model),
        "follow_up": _follow_up(lists),
    }
    return told, lists


def _unclassified(project: Project) -> dict[str, Any]:
    """Maps and diagrams of a match that nobody has classified: all objects alike."""
    from skyquarry.pipeline.project.places import role_files

    matched = open_catalog(project.folder / ARCHIVE / MATCHED).stored
    tally = tallied(matched, None, (OBJECT,), role_files(project))
    return _drawn(tally)


def _drawn(tally: Tally) -> dict[str, Any]:
    return {
        "classes": _classes(tally),
        "sky": _sky(tally),
        "diagrams": _diagrams(tally),
        "magnitudes": _magnitudes(tally),
    }


# ------------------------------------------------------------------ of the sky
def _classes(tally: Tally) -> list[dict[str, Any]]:
    definitions = {each.label: told.physics for each, told in DEFINITIONS.items()}
    total = max(int(tally.counts.sum()), 1)
    return [
        {
            "name": name,
            "n": int(tally.counts[k]),
            "share": float(tally.counts[k] / total),
            "definition": definitions.get(name, ""),
            **{flag: int(tally.flags[line, k]) for line, flag in enumerate(FLAGS)},
        }
        for k, name in enumerate(tally.classes)
    ]


def _sky(tally: Tally) -> dict[str, Any]:
    """Counts of each class in cells, and the sampled objects' places."""
    points = {}
    for name, rows in tally.samples.items():
        ra, dec = (rows[axis].to_numpy() for axis in ("ra", "dec"))
        points[name] = (ra, dec) if tally.plane.whole else tally.plane.project(ra, dec)  # type: ignore[union-attr]
    return {
        "plane": asdict(tally.plane),
        "classes": tally.classes,
        "counts": tally.sky,
        "points": points,
    }


def _diagrams(tally: Tally) -> list[dict[str, Any]]:
    told = []
    for line, diagram in enumerate(tally.diagrams):
        points = {
            name: _both(rows[f"x{line}"].to_numpy(), rows[f"y{line}"].to_numpy())
            for name, rows in tally.samples.items()
        }
        told.append(
            {
                "title": diagram.title,
                "who": diagram.who,
                "x": _axis(diagram.x),
                "y": _axis(diagram.y),
                "counts": tally.planes[line],
                "shown": tally.shown[line].tolist(),
                "points": points,
            }
        )
    return [each for each in told if sum(each["shown"])]


def _both(x: Any, y: Any) -> tuple[Any, Any]:
    known = np.isfinite(x)
    return x[known], y[known]


def _axis(axis: Any) -> dict[str, Any]:
    return {name: getattr(axis, name) for name in ("words", "unit", "low", "high", "upward")}


def _magnitudes(tally: Tally) -> dict[str, Any] | None:
    if tally.magnitude is None:
        return None
    return {"name": tally.magnitude, "edges": MAG_EDGES.tolist(), "counts": tally.by_magnitude}


# ------------------------------------------------------------------ of the project
def _sources(project: Project) -> list[dict[str, Any]]:
    """Of each catalogue whether it is real, and where it is from."""
    words = {"simulate": "a synthetic sky", "fetch": "its own service", "files": "files",
             "catalogue": "a catalogue that was there"}  # fmt: skip
    told = []
    for name, each in project.surveys.items():
        place = place_of(project, name)
        made = place.is_dir() or "://" in str(place)
        catalog = open_catalog(place) if made else None
        properties = {} if catalog is None else catalog.properties
        told.append(
            {
                "name": name,
                "simulated": each.source == "simulate" or SIMULATION in properties,
                "from": words[each.source],
                "title": properties.get("obs_title", ""),
                "rows": None if catalog is None else int(catalog.stored.n_rows),
                "matched": name in matched_names(project),
            }
        )
    return told


def _labels(project: Project) -> dict[str, Any] | None:
    if project.labels is None:
        return None
    record = Records(project.folder).of("label")
    return {
        "simulated": project.labels.source == "truth",
        "told": {} if record is None else record.told,
    }


def _match(path: Path) -> dict[str, Any] | None:
    report = _json(path / "report.json")
    if report is None:
        return None
    kept = ("names", "verdict", "doubts", "rows", "calibration_lines")
    return {name: report[name] for name in kept if name in report} | {
        "groups": int(open_catalog(path).stored.n_rows)
    }


def _clusters(path: Path) -> dict[str, Any] | None:
    """The clusters of galaxies, the richest first."""
    if not path.is_dir():
        return None
    table = open_catalog(path).to_table().sort_by([("richness", "descending")])
    places = {name: table[name].to_numpy() for name in ("ra", "dec", "radius_arcsec")}
    return {
        "n": table.num_rows,
        "rows": table.slice(0, _MOST_CLUSTERS).to_pylist(),
        "places": places,
    }


def _follow_up(lists: dict[str, pa.Table]) -> list[dict[str, Any]]:
    """The first rows of each list."""
    return [
        {
            "name": each.name,
            "title": each.title,
            "note": each.note,
            "n": lists[each.name].num_rows,
            "rows": lists[each.name].slice(0, _FIRST).to_pylist(),
        }
        for each in LISTINGS
    ]


def _model(model: Model) -> dict[str, Any]:
    return {
        "learners": [each.name for each in model.learners],
        "features": len(model.features),
        "classes": list(model.classes),
        "skipped": model.told.get("skipped", []),
        "rows": model.told["data"]["rows"],
        "sha256": model.told["data"]["sha256"],
        "versions": model.told["versions"],
        "told": str(model),
    }


def _provenance(records: list[Record]) -> list[dict[str, Any]]:
    return [
        {
            "stage": each.stage,
            "output": each.output,
            "checksum": each.checksum,
            "inputs": each.inputs,
            "ended": each.ended,
            "version": said(each.code) if each.code else each.version,
            "seed": each.seed,
            "audit": each.audit,
        }
        for each in records
    ]


def _json(path: Path) -> dict[str, Any] | None:
    if not path.is_file():
        return None
    told: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return told
