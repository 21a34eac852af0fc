"""Statement after statement: of a person, to whom faults are told, or of a script, which ends."""

from __future__ import annotations

from typing import TYPE_CHECKING

from skyquarry.cli.shell.session import Session, told
from skyquarry.cli.shell.showing import complain
from skyquarry.cli.shell.statements import split, statements
from skyquarry.errors import RunError, SkyquarryError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


def converse(session: Session, read: Callable[[], str]) -> None:
    """Answer until the end of the input, or until told to leave."""
    going = True
    while going:
        try:
            going = all(_attempt(session, each) for each in split(read() + "\n")[0])
        except KeyboardInterrupt:  # the line is dropped, the shell is not: wherever it came
            continue
        except EOFError:
            return


def _attempt(session: Session, statement: str) -> bool:
    try:
        return session.run(statement)
    except SkyquarryError as error:
        complain(told(error, statement))
    except OSError as error:
        complain(f"{error.filename or 'the file'} cannot be used ({error.strerror})")
    except KeyboardInterrupt:
        complain("stopped")
    return True


def script(session: Session, lines: Iterable[str]) -> int:
    """Answer the statements of a script up to the first that fails; gives the exit code."""
    for statement in statements(lines):
        try:
            if not session.run(statement):
                return 0
        except SkyquarryError as error:
            complain(told(error, statement))
            return 1 if isinstance(error, RunError) else 2
    return 0
