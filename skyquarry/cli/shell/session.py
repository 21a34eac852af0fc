r"""What a shell knows between two statements, and what becomes of each."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

from skyquarry.cli.output import kept_text
from skyquarry.cli.shell.running import stoppable
from skyquarry.cli.shell.showing import FORMATS, show, write
from skyquarry.cli.words import UPLOAD
from skyquarry.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Callable

    from skyquarry.adql.asking import QueryPlan

ENTER: Final = "a query ends in ;  \\? lists the commands"
HELP: Final = """\
\\d              tables            \\d TABLE       its columns
\\explain QUERY  what it would read, and its cost; alone: of the last query
\\o FILE         the next result goes to this file, whose suffix says how
\\format NAME    how results are written: table, csv, fits, votable, parquet ...
\\limit N        rows shown on the screen; 0 for all
\\timeout S      seconds after which a query is stopped; 0 for none
\\timing         tell the time that each query took, or no longer
\\q              leave
Every query ends in ; and may have several lines. Ctrl-C stops one that runs."""


@dataclass
class Session:
    """The tables and settings of a shell."""

    archive: Any
    catalogs: dict[str, str] = field(default_factory=dict)
    uploads: dict[str, str] = field(default_factory=dict)
    my: str | None = None
    """The folder of results that are kept, where it is not the archive's own."""
    limit: int = 20
    """Rows shown on the screen."""
    format: str = "table"
    out: str | None = None
    """The file of the next result."""
    timeout: float | None = None
    timing: bool = False
    last: str = ""
    """The last query."""
    say: Callable[[str], None] = print
    """Takes results."""
    note: Callable[[str], None] = print
    """Takes what settings are now, and times: a script's results stand without them."""

    def run(self, statement: str) -> bool:
        """Do what a statement says; False where the shell is to end.

        Raises SkyquarryError for what cannot be done, KeyboardInterrupt where Ctrl-C stopped it.
        """
        if not statement.startswith("\\"):
            self._query(statement)
            return True
        name, _, words = statement[1:].partition(" ")
        name = name.strip()
        if name == "q":
            return False
        if name not in _COMMANDS:
            raise UserError(f"\\{name} is no command of the shell: \\? lists them")
        _COMMANDS[name](self, words.strip().removesuffix(";").rstrip())
        return True

    def plan(self, adql: str) -> QueryPlan:
        """What a query would do."""
        from skyquarry.adql.asking import query

        return query(
            adql, self.catalogs, self.uploads, archive=self.archive, my=self.my,
            timeout=self.timeout,
        )  # fmt: skip

    def _query(self, adql: str) -> None:
        self.last = adql
        begun = time.perf_counter()
        self.say(stoppable(lambda stop: self._answer(adql, stop)))
        if self.timing:
            self.note(f"time: {time.perf_counter() - begun:.3f} s")

    def _answer(self, adql: str, stop: Any) -> str:
        """The rows as text, or how many were written to a file."""
        plan = self.plan(adql)
        plan = replace(plan, limits=replace(plan.limits, stop=stop))
        if plan.into is not None:
            return kept_text(plan.run())
        if self.out is None:
            return show(plan, self.format, self.limit)
        out, self.out = self.out, None
        return write(plan, out, self.format)

    # ------------------------------------------------------------ commands
    def describe(self, words: str) -> None:
        r"""`\d`: the tables, or the columns of one."""
        from skyquarry.cli.shell.tables import columns_text, tables_text

        told = tables_text(self) if not words else columns_text(self, words)
        self.say(told)

    def explain(self, words: str) -> None:
        r"""`\explain`: what a query would read."""
        adql = words or self.last
        if not adql:
            raise UserError(
                "\\explain has no query yet: write one after it, as in \\explain SELECT"
            )
        self.say(self.plan(adql).explain())

    def send(self, words: str) -> None:
        r"""`\o`: where the next result goes."""
        from skyquarry.catalog.formats.registry import check_name

        if words and self.format == "table":
            check_name(words)
        self.out = words or None
        self.note(f"the next result goes to {words}" if words else "results go to the screen")

    def choose_format(self, words: str) -> None:
        r"""`\format`: how results are written."""
        if words and words not in FORMATS:
            raise UserError(f"\\format is {words!r}, but it is one of {', '.join(FORMATS)}")
        self.format = words or self.format
        self.note(f"format: {self.format}")

    def choose_limit(self, words: str) -> None:
        r"""`\limit`: rows on the screen."""
        if words and not words.isdecimal():
            raise UserError(f"\\limit is {words!r}, but a number of rows is needed, or 0 for all")
        self.limit = int(words) if words else self.limit
        self.note(f"rows shown: {self.limit or 'all'}")

    def choose_timeout(self, words: str) -> None:
        r"""`\timeout`: seconds a query may take."""
        try:
            seconds = float(words) if words else self.timeout or 0.0
        except ValueError:
            seconds = -1.0
        if not 0.0 <= seconds < float("inf"):
            raise UserError(f"\\timeout is {words!r}, but seconds are needed, or 0 for no limit")
        self.timeout = seconds or None
        self.note(f"timeout: {f'{seconds:g} s' if seconds else 'none'}")

    def toggle_timing(self, words: str) -> None:
        r"""`\timing`: on or off."""
        if words not in ("", "on", "off"):
            raise UserError(f"\\timing is {words!r}, but it is on or off, or alone to change it")
        self.timing = {"on": True, "off": False}.get(words, not self.timing)
        self.note(f"timing: {'on' if self.timing else 'off'}")

    def help(self, words: str) -> None:  # noqa: ARG002  (every command has words)
        r"""`\?`: the commands."""
        self.say(HELP)


_COMMANDS: Final[dict[str, Callable[[Session, str], None]]] = {
    "d": Session.describe,
    "explain": Session.explain,
    "o": Session.send,
    "format": Session.choose_format,
    "limit": Session.choose_limit,
    "timeout": Session.choose_timeout,
    "timing": Session.toggle_timing,
    "?": Session.help,
}
COMMANDS: Final = ("q", *_COMMANDS)


def told(error: Exception, statement: str) -> str:
    """An error as a person reads it: the query's line with a caret below, and what is wrong."""
    line, column = getattr(error, "line", None), getattr(error, "column", None)
    message = str(error).replace("timeout=", "\\timeout S").replace("by my=", "by --my FOLDER")
    message = message.replace(UPLOAD, "--upload mine=FILE")
    if line is None or column is None:
        return message
    query, shift = _query_of(statement)
    lines = query.split("\n")
    if not 1 <= line <= len(lines):
        return message
    text = lines[line - 1]
    shift = shift if line == 1 else ""
    before = "".join("\t" if each == "\t" else " " for each in shift + text[: column - 1])
    return f"{shift}{text}\n{before}^\n{message}"


def _query_of(statement: str) -> tuple[str, str]:
    r"""The query of a statement, and what stands before it: of `\explain`."""
    if not statement.startswith("\\explain"):
        return statement, ""
    words = statement.partition(" ")[2].strip()
    return (words, statement[: statement.index(words)]) if words else ("", "")
