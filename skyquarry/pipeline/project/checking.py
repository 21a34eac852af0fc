"""What of a project file can be told to be wrong before anything is begun."""

from __future__ import annotations

from typing import TYPE_CHECKING

from skyquarry.catalog.labelsets import LABEL_SETS
from skyquarry.errors import UserError
from skyquarry.pipeline.project.settings import matched_names, simulated_names

if TYPE_CHECKING:
    from collections.abc import Sequence

    from skyquarry.pipeline.project.settings import (
        LabelSettings,
        MatchSettings,
        Project,
        ReportSettings,
        SurveySettings,
        TrainingSettings,
    )


def check(project: Project) -> None:
    """Raises UserError for what can be told to be wrong before any work."""
    name = project.file.name
    if not project.surveys:
        raise UserError(
            f"{name} names no survey, but a project needs one: add [surveys.NAME] with from and "
            "survey"
        )
    if not 0 <= project.seed < 2**31:
        raise UserError(f"{name}: seed is {project.seed}, but 0 to {2**31 - 1} is needed")
    for survey, settings in project.surveys.items():
        _check_survey(project, survey, settings)
    if project.match is not None:
        _check_match(project, project.match)
    if project.labels is not None:
        _check_labels(project, project.labels)
    if project.training is not None:
        _check_training(project, project.training)
    _check_order(project)
    if project.report is not None:
        _check_report(name, project.report)


def _check_order(project: Project) -> None:
    """Stages that need another one have it."""
    name = project.file.name
    if project.features is not None and project.match is None:
        raise UserError(
            f"{name} has [features] and no [match], but features are of matched objects: add it, "
            "or make those of one catalogue with `skyquarry features`"
        )
    if project.classify is not None and project.training is None:
        raise UserError(
            f"{name} has [classify] and no [training], but a model classifies: add [training]"
        )
    if project.clusters is not None and project.classify is None:
        raise UserError(
            f"{name} has [clusters] and no [classify], but clusters are found among objects that "
            "were classified as galaxies: add [classify]"
        )


_NEEDED: dict[str, tuple[str, ...]] = {
    "files": ("files",), "simulate": (), "fetch": (), "catalogue": ("path",),
}  # fmt: skip
_OF_SOURCE: dict[str, tuple[str, ...]] = {
    "files": ("files", "survey", "columns"), "simulate": (),
    "fetch": ("survey", "where", "tap", "table"), "catalogue": ("path",),
}  # fmt: skip


def _check_survey(project: Project, survey: str, settings: SurveySettings) -> None:
    where = f"{project.file.name}: surveys.{survey}"
    for key in _NEEDED[settings.source]:
        if getattr(settings, key) is None:
            raise UserError(
                f'{where} is from = "{settings.source}" and says no {key}, but {key} is needed: '
                f"add {key} = ..."
            )
    for key in ("survey", "files", "path", "where", "tap", "table", "columns"):
        if getattr(settings, key) is not None and key not in _OF_SOURCE[settings.source]:
            raise UserError(
                f'{where} says {key}, which from = "{settings.source}" does not use: remove it'
            )
    if settings.source in ("simulate", "fetch") and project.region is None:
        raise UserError(
            f'{where} is from = "{settings.source}", which needs a part of the sky: add [region] '
            'with text = "CIRCLE 180 30 1"'
        )


def _check_match(project: Project, match: MatchSettings) -> None:
    where = f"{project.file.name}: match"
    names = list(project.surveys) if match.catalogs is None else match.catalogs
    for name in names:
        if name not in project.surveys:
            raise UserError(
                f"{where}: catalogs names {name!r}, but the project has "
                f"{', '.join(project.surveys)}: correct one of the two"
            )
    if isinstance(match.default_error_arcsec, dict):
        strange = [name for name in match.default_error_arcsec if name not in names]
        if strange:
            raise UserError(
                f"{where}: default_error_arcsec names {strange[0]!r}, but matched are "
                f"{', '.join(names)}: correct one of the two"
            )
    if len(set(names)) < 2:
        raise UserError(f"{where} has {len(set(names))} catalogue, but two or more are needed")


def _check_labels(project: Project, labels: LabelSettings) -> None:
    where = f"{project.file.name}: labels"
    if project.match is None:
        raise UserError(f"{where} are of matched objects, but there is no [match]: add it")
    given = {key: getattr(labels, key) for key in ("files", "catalog", "id", "set")}
    if labels.source == "files":
        for key, value in given.items():
            if value is None:
                raise UserError(
                    f'{where} are from = "files" and say no {key}, but it is needed: add {key}'
                )
    elif any(value is not None for value in given.values()):
        key = next(key for key, value in given.items() if value is not None)
        raise UserError(f'{where} say {key}, which from = "truth" does not use: remove it')
    if labels.set is not None and labels.set not in LABEL_SETS:
        raise UserError(
            f"{where}: set is {labels.set!r}, but known are {', '.join(LABEL_SETS)} "
            "(docs/reference/classes.md): with labels in words of the eight classes it is 'classes'"
        )
    _check_numbers(where, labels)
    names = matched_names(project)
    _check_targeting(where, labels, simulated_names(project, names))
    if labels.source == "truth" and not simulated_names(project, names):
        raise UserError(
            f"{where} are from the truth, but none of {', '.join(names)} is simulated: give files"
        )
    if labels.catalog is not None and labels.catalog not in names:
        raise UserError(
            f"{where}: catalog is {labels.catalog!r}, but matched are {', '.join(names)}"
        )


def _check_numbers(where: str, labels: LabelSettings) -> None:
    """Those of labels, each within its bounds."""
    bounds = {"most_per_class": (1, None), "least_per_class": (1, None), "cell_order": (0, 29)}
    for key, (least, most) in bounds.items():
        value = getattr(labels, key)
        if value < least or (most is not None and value > most):
            needed = f"{least} or more" if most is None else f"{least} to {most}"
            raise UserError(f"{where}: {key} is {value}, but {needed} is needed")
    if not 0.0 < labels.test_share < 1.0:
        raise UserError(
            f"{where}: test_share is {labels.test_share}, but a share between 0 and 1 is needed"
        )


def _check_targeting(where: str, labels: LabelSettings, simulated: Sequence[str]) -> None:
    if labels.targeting == "none":
        return
    if labels.source != "truth":
        raise UserError(
            f'{where} say targeting = "{labels.targeting}", but labels from files are chosen '
            'already: remove it, or take from = "truth"'
        )
    if labels.targeting not in simulated:
        raise UserError(
            f'{where} say targeting = "{labels.targeting}", but simulated and matched are '
            f"{', '.join(simulated) or 'none'}: add [surveys.{labels.targeting}] with from = "
            '"simulate"'
        )


def _check_training(project: Project, training: TrainingSettings) -> None:
    if project.labels is None:
        raise UserError(
            f"{project.file.name} has [training] and no [labels], but a model is trained with "
            'labels: add [labels] with from = "truth" or "files"'
        )
    from skyquarry.learn.classifiers.checking import check_learners

    if training.learners is not None and not training.learners:
        raise UserError(
            f"{project.file.name}: training.learners is empty, but one is needed: name some, or "
            "leave it out"
        )
    if training.threads is not None and training.threads < 1:
        raise UserError(
            f"{project.file.name}: training.threads is {training.threads}, but 1 or more is needed"
        )
    check_learners(training.learners, f"{project.file.name}: training.learners")


def _check_report(name: str, report: ReportSettings) -> None:
    for key in ("most", "price_per_kwh", "price_per_hour"):
        value = getattr(report, key)
        if value is not None and value < 0:
            raise UserError(f"{name}: report.{key} is {value}, but 0 or more is needed")
