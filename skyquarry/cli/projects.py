"""`run`, `report`, `explain`, `clean`, `audit`: a project file, stage by stage."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from skyquarry.cli.options import Json  # noqa: TC001  (typer reads it)
from skyquarry.cli.output import write_json

if TYPE_CHECKING:
    from skyquarry.pipeline.project.running import Runner
    from skyquarry.pipeline.project.settings import Project

ProjectFile = Annotated[str, typer.Argument(help="A project file (TOML).")]


def run(
    project: ProjectFile,
    *,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be done, and do nothing.")
    ] = False,
    stop_after: Annotated[
        str | None, typer.Option("--stop-after", help="End in time, with all kept: 3h50m.")
    ] = None,
    disk: Annotated[
        str | None, typer.Option("--disk", help="End before the folder has more: 15GB.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Do what a project file says: what has not changed since the last run is left as it is.

    Example: skyquarry run field.toml --stop-after 3h50m

    A run that is killed, or ended by a limit, goes on where it was when it is called again.
    """
    from skyquarry.pipeline.project.limits import Limits
    from skyquarry.pipeline.project.reading import read_project
    from skyquarry.pipeline.project.running import Runner
    from skyquarry.pipeline.project.words import duration_s, size_bytes, told_s

    limits = Limits(
        None if stop_after is None else duration_s(stop_after),
        None if disk is None else size_bytes(disk),
    )
    runner = Runner(read_project(project))
    if dry_run:
        _foretell(runner, as_json=as_json)
        return
    say = (lambda _: None) if as_json else typer.echo
    ran = runner.run(limits=limits, progress=not as_json, say=say)
    if as_json:
        write_json(
            {"done": ran.done, "kept": ran.kept, "stopped": ran.stopped, "seconds": ran.seconds}
        )
    elif ran.stopped:
        typer.echo(f"stopped: {ran.stopped}. All is kept; the same command goes on")
    else:
        typer.echo(f"all done in {told_s(ran.seconds)}: {runner.folder}")


def clean(
    project: ProjectFile,
    *,
    yes: Annotated[bool, typer.Option("--yes", help="Remove it, and not only list it.")] = False,
    as_json: Json = False,
) -> None:
    """List what a project has made and uses no more: dropped stages, old versions.

    Example: skyquarry clean field.toml --yes
    """
    from skyquarry.pipeline.project.cleaning import remove, superseded
    from skyquarry.pipeline.project.reading import read_project
    from skyquarry.pipeline.project.words import told_bytes

    read = read_project(project)
    found = superseded(read)
    if yes:
        remove(found, read)
    if as_json:
        write_json([{"path": str(e.path), "why": e.why, "bytes": e.bytes} for e in found])
        return
    for each in found:
        typer.echo(f"{each.path}  {told_bytes(each.bytes)}  {each.why}")
    said = "removed" if yes else "could be removed: add --yes" if found else "to be removed"
    typer.echo(f"{told_bytes(sum(each.bytes for each in found))} {said}")


def audit(
    project: Annotated[
        str, typer.Argument(help="A project file (TOML), or the folder of what it made.")
    ],
    *,
    renew: Annotated[
        bool,
        typer.Option("--renew", help="Put a damaged log aside, whole, and begin another."),
    ] = False,
    as_json: Json = False,
) -> None:
    """Check the audit log of a project: its hash chain, and that no line is missing.

    Example: skyquarry audit field.toml

    A project whose log was changed or cut runs no more, so that nothing is written over it: bring
    it back from a copy, or go on with --renew. The new log begins with what was wrong with the old.
    """
    from skyquarry.errors import DamagedError
    from skyquarry.pipeline.project.audit import RENEWED
    from skyquarry.pipeline.project.logbook import faults_of, log_of
    from skyquarry.pipeline.project.logbook import renew as begin

    read = _project_of(project)
    log, aside = log_of(read.folder), begin(read) if renew else None
    faults = faults_of(read.folder)
    if as_json:
        write_json({"path": str(log.path), "faults": faults, "aside": aside and str(aside)})
    elif not faults:
        typer.echo(f"{log.path}: the chain of {len(log.events())} lines holds")
        for each in (each for each in log.events() if each["event"] == RENEWED):
            was = each["told"]
            typer.echo(
                f"  begun anew on {each['time']}: {was['aside'] or 'the log before it'} was "
                f"{'damaged' if was['aside'] else 'gone'} ({was['faults'][0]})"
            )
    else:
        typer.echo("\n".join(faults))
    if faults:
        raise DamagedError(
            f"{log.path} is not as it was written: {faults[0]}. Bring it back from a copy, or go "
            f"on with a new one: skyquarry audit {project} --renew"
        )


def _project_of(path: str) -> Project:
    """The project of a file, or of the folder of what it made."""
    from pathlib import Path

    from skyquarry.pipeline.project.places import AUDIT
    from skyquarry.pipeline.project.reading import read_project
    from skyquarry.pipeline.project.records import HIDDEN
    from skyquarry.pipeline.project.settings import Project

    folder = Path(path).resolve()
    if (folder / AUDIT).exists() or (folder / HIDDEN).is_dir():
        return Project(file=folder, folder=folder)
    return read_project(path)


def report(
    project: ProjectFile,
    *,
    out: Annotated[
        str | None, typer.Option("--out", help="Write the page alone, to this .html file.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Write what a project has found as one HTML page, with lists for follow-up beside it.

    Example: skyquarry report field.toml --out field.html

    What stages have not made yet is left out. Without --out all is written to the project's folder
    `report`, as the last stage of a run does.
    """
    from skyquarry.pipeline.project.logbook import faults_of
    from skyquarry.pipeline.project.places import REPORT
    from skyquarry.pipeline.project.reading import read_project
    from skyquarry.pipeline.project.reporting.writing import PAGE, report_page, write_report

    read = read_project(project)
    if out is not None:
        path = report_page(read, out)
    else:
        write_report(read, read.folder / REPORT)
        path = read.folder / REPORT / PAGE
    faults = faults_of(read.folder)
    if faults:
        typer.echo(
            f"the audit log is not as it was written ({faults[0]}), as the page says: see "
            f"`skyquarry audit {project}`",
            err=True,
        )
    if as_json:
        write_json({"path": str(path), "audit": faults})
    else:
        typer.echo(f"written to {path}")


def explain(
    words: Annotated[
        str,
        typer.Argument(
            metavar="OBJECT", help="An id, NAME:ID of a matched catalogue, or a place: '180.1 +30'."
        ),
    ],
    *,
    project: Annotated[
        str | None, typer.Option("--project", help="A project file: an object of its match.")
    ] = None,
    model: Annotated[
        str | None, typer.Option("--model", help="The folder of a model, with --catalog.")
    ] = None,
    catalog: Annotated[
        str | None, typer.Option("--catalog", help="A catalogue that has the object.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Tell of one object: its place, its match, which class it is said to be and why.

    Example: skyquarry explain gaia:4472832130942575872 --project field.toml
    """
    from skyquarry.pipeline.project.reporting.explaining import (
        explain_in_catalogue,
        explain_in_project,
    )

    if (project is None) == (model is None) or (model is None) != (catalog is None):
        raise typer.BadParameter("give --project FILE, or --model DIR with --catalog CATALOG")
    if project is not None:
        from skyquarry.pipeline.project.reading import read_project

        story = explain_in_project(read_project(project), words)
    else:
        from skyquarry.engine.catalog import open_catalog
        from skyquarry.pipeline.models import load_model

        story = explain_in_catalogue(load_model(str(model)), open_catalog(str(catalog)), words)
    if as_json:
        write_json(story.to_dict())
    else:
        typer.echo(str(story))


def _foretell(runner: Runner, *, as_json: bool) -> None:
    from skyquarry.pipeline.project.reporting.forecasting import forecasts
    from skyquarry.pipeline.project.words import told_s

    states = runner.states()
    told = forecasts(runner.project, states, runner.audit.events(), runner.records)
    if as_json:
        write_json(
            [
                {"stage": e.stage.name, "does": e.stage.does, "why": e.why, "last_s": e.last_s,
                 "expected_s": f.seconds, "by": f.by}
                for e, f in zip(states, told, strict=True)
            ]
        )  # fmt: skip
        return
    for state, ahead in zip(states, told, strict=True):
        time = "time not known"
        if ahead.seconds is not None:
            time = f"about {told_s(ahead.seconds)}, {ahead.by}"
        what = f"{state.stage.does} ({state.why}; {time})" if state.why else "nothing has changed"
        typer.echo(f"{state.stage.name}: {what}")
    open_ended = sum(each.seconds is None for each in told)
    if any(state.why for state in states):
        whole = told_s(sum(each.seconds or 0.0 for each in told))
        rest = f", and {open_ended} of which no time is known" if open_ended else ""
        typer.echo(f"in all about {whole}{rest}" if open_ended < len(told) else "time not known")
