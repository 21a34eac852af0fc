"""Every exception that skyquarry raises.

SkyquarryError
├── UserError               what was asked cannot be done: exit code 2, no traceback
│   ├── PositionError       a coordinate, radius, epoch or name
│   ├── RegionError         a region's text or shape
│   ├── ColumnError         a column that is missing, ambiguous or of the wrong kind
│   ├── PredicateError      the text of `where(...)`
│   ├── QueryError          the text of an ADQL query, or a name in it
│   ├── NotFoundError       no catalogue, file, version, survey or object of that name
│   ├── FormatError         a file format that is unknown or cannot hold the table
│   ├── MissingExtraError   an optional package is not installed (also an ImportError)
│   └── ExistsError         something is there already and would be lost
├── DataError               the data are damaged or do not say what they should: exit code 2
│   ├── IngestError         an input that cannot be read to its end
│   └── DamagedError        a catalogue on disk that contradicts itself
└── RunError                a run that could not be finished
    ├── TaskLostError       a task failed on every retry
    ├── CancelledError      the run was cancelled
    ├── ServiceError        a service elsewhere is down, denies, or answers something else
    └── StorageError        disk full, permission, connection

A message has three parts: what was given (with its value), what is needed, what to try.
"""

from __future__ import annotations


class SkyquarryError(Exception):
    """The root of all exceptions that skyquarry raises on purpose."""


class UserError(SkyquarryError, ValueError):
    """What was asked cannot be done; the message says what to try."""


class PositionError(UserError):
    """A coordinate, radius, epoch or object name that cannot be used."""


class RegionError(UserError):
    """A region whose text or shape cannot be used."""


class ColumnError(UserError):
    """A column that is missing, ambiguous, or of the wrong kind."""


class PredicateError(UserError):
    """A `where` text that is not of the predicate language."""


class QueryError(UserError):
    """A query that is not ADQL, or names what is not there; the message gives line and column."""

    line: int | None = None
    """Where in the query it is, from 1; None where it is about no one place."""
    column: int | None = None


class NotFoundError(UserError):
    """No catalogue, file, version, survey or object of that name."""


class FormatError(UserError):
    """A file format that is unknown or cannot hold the table."""


class MissingExtraError(UserError, ImportError):
    """An optional package is not installed; the message gives the pip line."""


class ExistsError(UserError):
    """Something exists already and would be overwritten."""


class DataError(SkyquarryError):
    """Data that are damaged or do not say what they should."""


class IngestError(DataError):
    """An input file that cannot be read to its end."""


class DamagedError(DataError):
    """A catalogue on disk that contradicts itself; the message names the file and the fault."""


class RunError(SkyquarryError):
    """A run that could not be finished."""


class TaskLostError(RunError):
    """A task failed on every retry."""


class CancelledError(RunError):
    """The run was cancelled before its end."""


class ServiceError(RunError):
    """A service elsewhere is down, denies, or answers something other than it should."""


class StorageError(RunError):
    """The disk, object store or connection refused."""


def missing_extra(package: str, extra: str, purpose: str) -> MissingExtraError:
    """One sentence with the pip line for an optional package that is not installed."""
    return MissingExtraError(
        f"{purpose} needs the package {package}, which is not installed: "
        f"pip install 'skyquarry[{extra}]'"
    )


def one_of(name: str, value: object, allowed: tuple[object, ...]) -> None:
    """Raises UserError where the value of the argument `name` is none of those allowed."""
    if value not in allowed:
        raise UserError(
            f"{name} is {value!r}, but it is one of {', '.join(map(repr, allowed))}: "
            f"try {allowed[0]!r}"
        )
