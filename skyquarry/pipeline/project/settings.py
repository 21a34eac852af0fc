"""A project file: what it may say, and what it says.

TOML. Every table and key is known here by a dataclass; another word is refused with the nearest
one, before anything is begun.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from pathlib import Path  # noqa: TC003  read when a file is taken apart by the hints
from typing import Any, Literal

Source = Literal["files", "simulate", "fetch", "catalogue"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RegionSettings:
    """`[region]`: where; a text, or a round field by its area and galactic place."""

    text: str | None = None
    """CIRCLE 180 30 1, POLYGON ..., RANGE 160 190 -5 5: degrees"""
    area_deg2: float | None = None
    latitude_deg: float = 45.0
    longitude_deg: float = 90.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnSettings:
    """`columns` of a survey: names in its files."""

    ra: str | None = None
    dec: str | None = None
    id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SurveySettings:
    """`[surveys.NAME]`: one catalogue of the project."""

    source: Source = "files"
    """where its rows are from; `from` in the file"""
    survey: str | None = None
    """a role file by name or path; what the columns are, without `columns`"""
    files: str | list[str] | None = None
    """of `from = "files"`: paths, with wildcards; relative to the project file"""
    path: str | None = None
    """of `from = "catalogue"`: one that is built already, used where it is"""
    where: str | None = None
    """of `from = "fetch"`: a condition in ADQL"""
    tap: str | None = None
    """of `from = "fetch"`: another service than the role file names"""
    table: str | None = None
    """of `from = "fetch"`: its table"""
    columns: ColumnSettings | None = None
    """of `from = "files"`: what its columns are called, where no role file tells"""


@dataclass(frozen=True, slots=True, kw_only=True)
class MatchSettings:
    """`[match]`: as `sq.crossmatch` takes it."""

    catalogs: list[str] | None = None
    """names of the project's catalogues, the first one leads; without it all, in their order"""
    constraint: Literal["one_to_one", "many_to_one", "none"] = "one_to_one"
    completeness: float = 0.9973
    prior: str = "auto"
    photometry: Literal["auto", "none"] = "auto"
    calibrate: bool = True
    default_error_arcsec: float | dict[str, float] | None = None
    """one sigma per axis, for rows without an error: of all, or by the name of each catalogue"""


@dataclass(frozen=True, slots=True, kw_only=True)
class FeatureSettings:
    """`[features]`: as `sq.make_features` takes it, of every matched object."""

    which: str | list[str] = "auto"
    ebv: str | None = None
    with_spectra: bool = False
    columns: list[str] | None = None
    """of the match, to keep beside id and position"""


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelSettings:
    """`[labels]`: which matched objects are of what class."""

    source: Literal["truth", "files"] = "truth"
    """the truth of the synthetic sky, or tables of labels; `from` in the file"""
    files: str | list[str] | None = None
    """of `from = "files"`: tables, relative to the project file"""
    catalog: str | None = None
    """of which catalogue of the match they have the ids"""
    id: str | None = None
    """in which column"""
    set: str | None = None
    """how their labels are read: docs/reference/classes.md"""
    targeting: Literal["none", "sdss"] = "none"
    """of `from = "truth"`: train with those objects alone that this survey would have chosen for a
    spectrum; judged is on all"""
    most_per_class: int = 20_000
    least_per_class: int = 50
    cell_order: int = 7
    """HEALPix order of the cells of which none both trains and judges"""
    test_share: float = 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingSettings:
    """`[training]`: as `sq.train` takes it."""

    features: str | list[str] = "auto"
    allow_leakage: bool = False
    """train although what is missing tells the class, as it does where surveys differ in depth"""
    learners: list[str] | dict[str, dict[str, Any]] | None = None
    """names; or `[training.learners.NAME]` with settings; without it all that are installed; one of
    yours by its name, or as "module:Class", which is imported"""
    combine: Literal["auto", "vote", "product", "stack"] = "auto"
    ebv: str | None = None
    threads: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassifySettings:
    """`[classify]`: as `sq.classify` takes it."""

    columns: list[str] | None = None
    """of the match, to keep beside id and position"""
    explain: bool | Literal["all"] = True
    """reasons: for the flagged and ambiguous; false: for none; "all": for each, at many times the
    cost, which is told first"""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterSettings:
    """`[clusters]`: systems of galaxies among the classified objects."""

    richness: float = 20.0
    """poorer ones are left out"""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportSettings:
    """`[report]`: a page of what was found, and lists of what to look at next."""

    title: str | None = None
    """else the name of the folder"""
    most: int = 1000
    """rows of each follow-up list"""
    price_per_kwh: float | None = None
    """of electricity; without it no cost by energy is told"""
    price_per_hour: float | None = None
    """of the machine; without it no cost by time is told"""
    currency: str = "EUR"


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """A project, as its file says it."""

    file: Path
    folder: Path
    """what is made is here"""
    seed: int = 1
    region: RegionSettings | None = None
    surveys: dict[str, SurveySettings] = field(default_factory=dict)
    match: MatchSettings | None = None
    features: FeatureSettings | None = None
    labels: LabelSettings | None = None
    training: TrainingSettings | None = None
    classify: ClassifySettings | None = None
    clusters: ClusterSettings | None = None
    report: ReportSettings | None = None

    def settings(self) -> dict[str, Any]:
        """All that was said, as plain data."""
        told = dataclasses.asdict(self)
        return told | {"file": self.file.name, "folder": self.folder.name}


def matched_names(project: Project) -> tuple[str, ...]:
    """The catalogues that a project matches, the leading one first."""
    match = project.match
    if match is None or match.catalogs is None:
        return tuple(project.surveys)
    return tuple(match.catalogs)


def simulated_names(project: Project, names: tuple[str, ...]) -> tuple[str, ...]:
    """Those of them that are simulated."""
    return tuple(name for name in names if project.surveys[name].source == "simulate")
