"""Where what a project makes lies, and whose columns it has."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from skyquarry.pipeline.project.settings import matched_names

if TYPE_CHECKING:
    from collections.abc import Sequence

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


def beside(project: Project, path: str) -> Path:
    """A path that is relative to the project file."""
    return project.file.parent / Path(path).expanduser()


def role_files(project: Project) -> dict[str, str]:
    """Whose columns those of each matched catalogue are, by its name."""
    from skyquarry.engine.catalog import open_catalog

    told = {}
    for name in matched_names(project):
        survey = open_catalog(place_of(project, name)).properties.get("skyquarry_survey")
        if survey is not None:
            told[name] = survey
    return told
