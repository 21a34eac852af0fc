"""The audit log of a project: whether it holds, and how a project goes on where it does not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from skyquarry.errors import DamagedError, UserError
from skyquarry.pipeline.project.audit import Audit
from skyquarry.pipeline.project.lock import alone
from skyquarry.pipeline.project.places import AUDIT
from skyquarry.pipeline.project.records import HIDDEN, Records

if TYPE_CHECKING:
    from pathlib import Path

    from skyquarry.pipeline.project.settings import Project


def log_of(folder: Path) -> Audit:
    """The log of the project in a folder."""
    return Audit(folder / AUDIT, folder / HIDDEN / "audit-last")


def faults_of(folder: Path) -> list[str]:
    """What is wrong with the log, a sentence each, a torn last line too; empty where it holds."""
    return log_of(folder).verify(*_known(folder))


def check_log(folder: Path) -> None:
    """Raises DamagedError where the log is not as it was written: nothing may be added to it.

    A torn last line, as a kill leaves it, is none: the next line tells of it.
    """
    log = log_of(folder)
    faults = log.broken(*_known(folder))
    if not faults:
        return
    more = f" (and {len(faults) - 1} more)" if len(faults) > 1 else ""
    raise DamagedError(
        f"the audit log {log.path} is not as it was written: {faults[0]}{more}. Every line has to "
        "follow the one before, so that nothing is added to it and nothing was begun. Bring it "
        f"back from a copy; or put it aside, whole, and go on with a new one that says so: "
        f"skyquarry audit {folder} --renew (no stage is done again for that)"
    )


def renew(project: Project) -> Path | None:
    """Put a damaged log aside and begin another; where it lies now (None: it was gone).

    Raises UserError for a log that holds, and RunError while the project runs.
    """
    with alone(project):
        log, known = log_of(project.folder), _known(project.folder)
        faults = log.broken(*known)
        if not faults:
            raise UserError(
                f"{log.path} holds, but only a log that does not is put aside: leave it"
            )
        return log.renew(faults, known)


def _known(folder: Path) -> tuple[str, ...]:
    """Hashes of lines that records of stages tell of."""
    return tuple(each.audit for each in Records(folder).all())
