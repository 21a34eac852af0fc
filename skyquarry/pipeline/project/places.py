"""Where what a project makes lies, and whose columns it has."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from skyquarry.pipeline.project.settings import matched_names

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from skyquarry.pipeline.project.settings import Project

ARCHIVE = "archive"
"""The folder of the project's catalogues, beside what else it makes."""
MATCHED = "matched"
EXAMPLES = "examples"
MODEL = "model"
SCORES = "scores"
FEATURES = "features"
CLASSIFIED = "classified"
CLUSTERS = "clusters"
REPORT = "report"
SIMULATE = "simulate"
"""The stage that makes several catalogues at once."""
MATCH = "match"
_OF_MATCH: Final = ("pairs", "members")
"""Catalogues beside that of the groups."""
AUDIT = "audit.jsonl"


def place_of(project: Project, name: str) -> Path:
    """Where a catalogue of the project is."""
    settings = project.surveys[name]
    if settings.source == "catalogue":
        return beside(project, settings.path or "")
    return project.folder / ARCHIVE / name


def simulated_catalogues(surveys: Sequence[str]) -> list[str]:
    """All that a simulation of these surveys leaves in the archive."""
    return ["truth", *surveys, *(f"{name}_truth" for name in surveys)]


def outputs_of(stage: str, output: Path, settings: Mapping[str, Any]) -> list[Path]:
    """All that a stage leaves, by its name, output and settings."""
    if stage == SIMULATE:
        return [output / name for name in simulated_catalogues(settings["surveys"])]
    if stage == MATCH and output.name == MATCHED:  # the demo's match is a page
        return [output, *(output.with_name(f"{output.name}_{kind}") for kind in _OF_MATCH)]
    return [output]


def beside(project: Project, path: str) -> Path:
    """A path that is relative to the project file."""
    return project.file.parent / Path(path).expanduser()


def role_files(project: Project) -> dict[str, str]:
    """Whose columns those of each matched catalogue are, by its name: a survey or a role file."""
    from skyquarry.engine.catalog import open_catalog

    told = {}
    for name in matched_names(project):
        own = project.surveys[name].survey
        if own is not None and own.endswith(".toml"):
            told[name] = str(beside(project, own))
            continue
        survey = open_catalog(place_of(project, name)).properties.get("skyquarry_survey")
        if survey is not None:
            told[name] = survey
    return told
