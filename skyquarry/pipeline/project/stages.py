"""What a project has to do: its stages, in order, each with what it needs and where it writes."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from skyquarry.pipeline.project import works
from skyquarry.pipeline.project.places import (
    ARCHIVE,
    CLASSIFIED,
    CLUSTERS,
    EXAMPLES,
    FEATURES,
    MATCH,
    MATCHED,
    MODEL,
    REPORT,
    SCORES,
    SIMULATE,
    beside,
    place_of,
)
from skyquarry.pipeline.project.settings import matched_names, simulated_names

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from skyquarry.pipeline.project.settings import (
        ClassifySettings,
        ClusterSettings,
        FeatureSettings,
        LabelSettings,
        Project,
        ReportSettings,
        SurveySettings,
        TrainingSettings,
    )


@dataclass(frozen=True, slots=True)
class Stage:
    """One piece of a project that is done whole, and not again while nothing changes."""

    name: str
    does: str
    """a few words: what it makes of what"""
    output: Path
    work: Callable[[Work], dict[str, Any]]
    """does it, and returns what there is to tell of it"""
    settings: dict[str, Any] = field(default_factory=dict)
    """all that the output depends on beside its inputs"""
    needs: tuple[str, ...] = ()
    """stages whose outputs it reads"""
    files: tuple[str, ...] = ()
    """patterns of files, and catalogues, that it reads and no stage makes"""

    @property
    def left(self) -> tuple[str, Path, dict[str, Any]]:
        """What tells all that it leaves: see `places.outputs_of`."""
        return self.name, self.output, self.settings


@dataclass(frozen=True, slots=True)
class Work:
    """What the work of a stage is given."""

    project: Project
    stage: Stage
    progress: bool = False
    say: Callable[[str], Any] = print
    """is told what the work has to say on its way"""


def stages_of(project: Project) -> tuple[Stage, ...]:
    """The stages of a project, each after those that it needs."""
    made = [*_simulated(project), *_surveys(project)]
    if project.match is not None:
        made.append(_match(project))
    if project.features is not None:
        made.append(_features(project, project.features))
    if project.labels is not None:
        made.append(_label(project, project.labels))
    if project.training is not None:
        made += [_train(project, project.training), _evaluate(project)]
    if project.classify is not None:
        made.append(_classify(project, project.classify))
    if project.clusters is not None:
        made.append(_clusters(project, project.clusters))
    if project.report is not None:
        made.append(_report(project, project.report, tuple(each.name for each in made)))
    return tuple(made)


def _simulated(project: Project) -> list[Stage]:
    """All simulated surveys are seen in one pass over one truth."""
    names = [name for name, each in project.surveys.items() if each.source == "simulate"]
    if not names:
        return []
    where = dataclasses.asdict(project.region) if project.region else {}
    return [
        Stage(
            SIMULATE,
            f"a synthetic sky, as {', '.join(names)} see it",
            project.folder / ARCHIVE,
            works.simulate,
            {"region": where, "surveys": names, "seed": project.seed},
        )
    ]


def _surveys(project: Project) -> list[Stage]:
    makers = {"files": _built, "fetch": _fetched}
    return [
        makers[each.source](project, name, each)
        for name, each in project.surveys.items()
        if each.source in makers
    ]


def _built(project: Project, name: str, survey: SurveySettings) -> Stage:
    given = [survey.files] if isinstance(survey.files, str) else list(survey.files or ())
    files = tuple(each if "://" in each else str(beside(project, each)) for each in given)
    role = _role_file(project, survey)
    return Stage(
        f"build {name}",
        f"a catalogue of {', '.join(given)}",
        project.folder / ARCHIVE / name,
        works.build,
        {"survey": survey.survey, "columns": survey.columns, "name": name},
        files=files + role,
    )


def _fetched(project: Project, name: str, survey: SurveySettings) -> Stage:
    where = dataclasses.asdict(project.region) if project.region else {}
    return Stage(
        f"fetch {name}",
        f"{survey.survey or survey.table}, from its own service",
        project.folder / ARCHIVE / name,
        works.fetch,
        {"region": where, "name": name} | dataclasses.asdict(survey),
        files=_role_file(project, survey),
    )


def _role_file(project: Project, survey: SurveySettings) -> tuple[str, ...]:
    """A role file of the user's is an input like any other."""
    given = survey.survey or ""
    return (str(beside(project, given)),) if given.endswith(".toml") else ()


def _match(project: Project) -> Stage:
    match = project.match
    assert match is not None
    names = matched_names(project)
    made = {name: _maker(project, name) for name in names}
    return Stage(
        MATCH,
        f"which rows of {', '.join(names)} are the same object",
        project.folder / ARCHIVE / MATCHED,
        works.match,
        dataclasses.asdict(match) | {"catalogs": names},
        needs=tuple(dict.fromkeys(stage for stage in made.values() if stage)),
        files=tuple(str(place_of(project, name)) for name, stage in made.items() if not stage),
    )


def _maker(project: Project, name: str) -> str:
    """The stage that makes a catalogue; none, where it is there already."""
    source = project.surveys[name].source
    return {"simulate": SIMULATE, "files": f"build {name}", "fetch": f"fetch {name}"}.get(
        source, ""
    )


def _features(project: Project, features: FeatureSettings) -> Stage:
    return Stage(
        "features",
        "the numbers that are learnt from, of every matched object",
        project.folder / ARCHIVE / FEATURES,
        works.features,
        dataclasses.asdict(features) | {"surveys": matched_names(project)},
        ("match",),
    )


def _label(project: Project, labels: LabelSettings) -> Stage:
    settings = dataclasses.asdict(labels) | {"seed": project.seed}
    needs, files = ["match"], tuple[str, ...]()
    if labels.source == "truth":
        settings["names"] = simulated_names(project, matched_names(project))
        needs.append(SIMULATE)
    else:
        given = [labels.files] if isinstance(labels.files, str) else list(labels.files or ())
        files = tuple(str(beside(project, each)) for each in given)
    return Stage(
        "label",
        f"objects with labels from {'the truth' if labels.source == 'truth' else 'files'}",
        project.folder / EXAMPLES,
        works.label,
        settings,
        tuple(needs),
        files,
    )


def _train(project: Project, training: TrainingSettings) -> Stage:
    return Stage(
        "train",
        "an ensemble that tells the classes apart",
        project.folder / MODEL,
        works.train,
        dataclasses.asdict(training) | {"seed": project.seed, "surveys": matched_names(project)},
        ("label",),
    )


def _evaluate(project: Project) -> Stage:
    return Stage(
        "evaluate",
        "scores of the model on cells of the sky that it has not seen",
        project.folder / SCORES,
        works.evaluate,
        {"seed": project.seed},
        ("train", "label"),
    )


def _classify(project: Project, classify: ClassifySettings) -> Stage:
    return Stage(
        "classify",
        "every matched object under the model",
        project.folder / ARCHIVE / CLASSIFIED,
        works.classify,
        dataclasses.asdict(classify),
        ("train", "match", "label"),
    )


def _clusters(project: Project, clusters: ClusterSettings) -> Stage:
    return Stage(
        "clusters",
        "systems of galaxies among the classified objects",
        project.folder / ARCHIVE / CLUSTERS,
        works.clusters,
        dataclasses.asdict(clusters),
        ("match", "classify"),
    )


def _report(project: Project, report: ReportSettings, needs: tuple[str, ...]) -> Stage:
    return Stage(
        REPORT,
        "a page of what was found, and lists of what to look at next",
        project.folder / REPORT,
        works.report,
        dataclasses.asdict(report),
        needs,
        tuple(
            str(place_of(project, name))
            for name, each in project.surveys.items()
            if each.source == "catalogue"
        ),
    )
