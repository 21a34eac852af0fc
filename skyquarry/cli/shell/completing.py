"""Words that may stand where the cursor is: keywords, tables, columns, functions, commands."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from skyquarry.adql.text.names import OURS
from skyquarry.adql.text.shapes import SET_FUNCTIONS, SHAPES
from skyquarry.cli.shell.session import COMMANDS
from skyquarry.cli.shell.tables import spelled, table_names, tables_of
from skyquarry.errors import SkyquarryError

if TYPE_CHECKING:
    from skyquarry.adql.tablenames import Tables
    from skyquarry.adql.tables import Table
    from skyquarry.cli.shell.session import Session

KEYWORDS: Final = (
    "ALL", "AND", "AS", "ASC", "BETWEEN", "BY", "CAST", "DESC", "DISTINCT", "EXCEPT", "EXISTS",
    "FROM", "FULL", "GROUP", "HAVING", "ILIKE", "IN", "INNER", "INTERSECT", "INTO", "IS", "JOIN",
    "LEFT", "LIKE", "NATURAL", "NOT", "NULL", "OFFSET", "ON", "OR", "ORDER", "OUTER", "RIGHT",
    "SELECT", "TOP", "UNION", "USING", "WHERE", "WITH",
)  # fmt: skip
_FUNCTIONS: Final = (*SHAPES, *SET_FUNCTIONS, *(name.lower() for name in OURS))
_LAST: Final = re.compile(r'((?:(?:\w+|"(?:[^"]|"")*")\.)*)(\w*|"[^"]*)$')
_HIDDEN: Final = re.compile(r"'(?:[^']|'')*'?|--[^\n]*")
_WORD: Final = re.compile(r'"(?:[^"]|"")*"|\w+(?:\.\w+)*|[^\s\w]')
_CLAUSES: Final = frozenset((
    "SELECT", "FROM", "JOIN", "INTO", "WHERE", "GROUP", "HAVING", "ORDER", "ON", "USING", "BY",
))  # fmt: skip
_OPENED: Final = 24
"""Tables whose columns are offered before FROM has named one."""


class Completer:
    """What may come next in a session; the columns of a table are read when it is first named."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self._known: dict[str, tuple[str, ...]] = {}
        self._tables: Tables | None = None

    def words(self, before: str, after: str = "") -> tuple[int, list[str]]:
        """How many characters before the cursor are replaced, and by which words, the likely first.

        `after` is what follows the cursor: FROM may stand there.
        """
        if before.startswith("\\") and " " not in before:
            return len(before), [f"\\{each}" for each in COMMANDS if f"\\{each}".startswith(before)]
        plain = _HIDDEN.sub(lambda piece: " " * len(piece.group()), before)
        if plain != before and not plain[-1:].strip() and before[-1:].strip():
            return 0, []  # within a text or a comment
        found = _LAST.search(plain)
        owner, begun = (found[1], found[2]) if found else ("", "")
        offered = (
            self._owned(owner[:-1], before + after) if owner else self._free(plain, begun, after)
        )
        fitting = [each for each in offered if _fits(each, begun)]
        return len(begun), list(dict.fromkeys(fitting))

    def _free(self, plain: str, begun: str, after: str) -> list[str]:
        """Words that stand alone: by the clause that the cursor is in."""
        said = _WORD.findall(plain[: len(plain) - len(begun)])
        if said and said[0] == "\\":
            if said[1:2] == ["d"]:
                return self.table_names()
            said = said[2:]
        last = said[-1].upper() if said else ""
        clause = next((each.upper() for each in reversed(said) if each.upper() in _CLAUSES), "")
        if last in ("FROM", "JOIN") or (clause in ("FROM", "JOIN") and last == ","):
            return self.table_names()
        if clause in ("FROM", "JOIN") and last != "(":
            return list(KEYWORDS)
        if clause in ("", "INTO"):
            return ["SELECT", "WITH", *KEYWORDS]
        return [*self._columns(plain + begun + after), *KEYWORDS, *_FUNCTIONS]

    def _owned(self, owner: str, text: str) -> list[str]:
        """The columns of a table or of what a query calls one."""
        named = self._named(text)
        table = named.get(owner.lower(), owner)
        if owner.lower() == "my" and owner.lower() not in named:
            return [each.partition(".")[2] for each in self.table_names() if each.startswith("my.")]
        return list(self.columns(table))

    def _columns(self, text: str) -> list[str]:
        """The columns of the tables in FROM; of all where there is none."""
        tables = list(dict.fromkeys(self._named(text).values()))
        found = [each for table in tables for each in self.columns(table)]
        if found:
            return [*found, *(alias for alias in self._named(text) if alias not in found)]
        return [each for table in self.table_names()[:_OPENED] for each in self.columns(table)]

    def _named(self, text: str) -> dict[str, str]:
        """Names that columns may stand behind -> tables: of FROM and JOIN, with their aliases."""
        said = _WORD.findall(_HIDDEN.sub(" ", text))
        found: dict[str, str] = {}
        for i, word in enumerate(said):
            clause = next((w.upper() for w in reversed(said[:i]) if w.upper() in _CLAUSES), "")
            opens = i > 0 and said[i - 1].upper() in ("FROM", "JOIN", ",")
            if not (opens and clause in ("FROM", "JOIN")) or not re.match(r'[\w"]', word):
                continue
            rest = said[i + 1 : i + 3]
            rest = rest[1:] if rest and rest[0].upper() == "AS" else rest
            is_alias = (
                bool(rest) and re.match(r'[\w"]', rest[0]) and rest[0].upper() not in KEYWORDS
            )
            name = rest[0] if is_alias else word.rpartition(".")[2]
            found[name.lower()] = word
        return found

    # ------------------------------------------------------------ what is there
    def table_names(self) -> list[str]:
        """The tables, spelled as a query has to."""
        return table_names(self._here())

    def columns(self, table: str) -> tuple[str, ...]:
        """The columns of a table, spelled as a query has to; none where it cannot be read."""
        if table not in self._known:
            self._known[table] = tuple(spelled(each) for each in self._shown(table))
        return self._known[table]

    def _shown(self, table: str) -> tuple[str, ...]:
        from skyquarry.adql.text.reading import Words

        try:
            found: Table | None = self._here().find(Words(table).path("a table", 3))
        except SkyquarryError:
            return ()
        return () if found is None else found.shown

    def _here(self) -> Tables:
        if self._tables is None:
            self._tables = tables_of(self.session)
        return self._tables

    def forget(self) -> None:
        """Tables may have come or gone."""
        self._tables = None
        self._known.clear()


def _fits(word: str, begun: str) -> bool:
    return word.lower().startswith(begun.lower()) or word.lower().startswith('"' + begun.lower())
