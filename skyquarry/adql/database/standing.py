"""Small queries by statements that stay prepared: binding takes longer than running them.

The text of a look-up is bound, and a plan made of it, in four milliseconds; its hundred rows are
through in less than one. So the statement stays, with its tables as slots that the next query of
the same text fills with its own rows. Numbers with an exponent, which are those of places on the
sky, are parameters: a look-up elsewhere is the same text. No answer is kept, and no row.

Tables that stay in memory (`hot`) are asked here too. Where their joins have been put in an order,
the text is one for another database, which leaves them so. Few rows are for a database of one
thread: it is through with them before another would be awake.
"""

from __future__ import annotations

import atexit
import math
import os
import re
import threading
from collections import OrderedDict
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from skyquarry.adql.database.kept import Limits, without_files
from skyquarry.adql.database.stopping import when_over

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import pyarrow as pa

_MOST: Final = 32
"""Statements that wait at most."""
_FEW: Final = 2_000_000
"""Rows; of more, binding is no matter."""
_ALONE: Final = 100_000
"""Rows, of all tables with all; over more, two threads may be sooner than one."""
_NUMBER: Final = re.compile(
    r"""'(?:[^']|'')*'|"(?:[^"]|"")*"|(?<![\w.])\d+(?:\.\d+)?e[+-]?\d+(?![\w.])"""
)
_NAME: Final = "asked"
_LOCK = threading.Lock()
Key = tuple[str, tuple[tuple[str, tuple[tuple[str, Any], ...]], ...]]
"""The text, and of each table its name and columns."""


class _Kind(NamedTuple):
    """Of a database."""

    as_written: bool = False
    """Whether joins are made as they are written."""
    alone: bool = False
    """Whether it has one thread."""

    @classmethod
    def of(cls, tables: Mapping[str, pa.Table], *, as_written: bool) -> _Kind:
        pairs = math.prod(max(table.num_rows, 1) for table in tables.values())
        return cls(as_written, pairs <= _ALONE)


class _Slot:
    """A table of a statement: what is in it when the statement runs."""

    def __init__(self, table: pa.Table) -> None:
        self.table: pa.Table | None = table

    def __arrow_c_stream__(self, requested_schema: Any = None) -> Any:
        assert self.table is not None
        return self.table.__arrow_c_stream__(requested_schema)


@dataclass(frozen=True, slots=True)
class _Statement:
    """One that is prepared, in a connection of its own; or a text that is not."""

    connection: Any
    slots: dict[str, _Slot]
    key: Key | None = None
    """None: it is not used again."""

    def ask(self, tables: Mapping[str, pa.Table], text: str) -> tuple[Any, str]:
        """Its connection, with these tables in it, and what to run there."""
        for name, table in tables.items():
            self.slots[name].table = table
        return self.connection, text

    def forget(self) -> None:
        """The rows of its tables."""
        for slot in self.slots.values():
            slot.table = None


class _Here:
    """A database of one process, and its statements that nobody uses, the last used last."""

    def __init__(self, kind: _Kind) -> None:
        limits = replace(Limits(), threads=1) if kind.alone else Limits()
        self.database = without_files(limits, as_written=kind.as_written)
        self.users = 0
        self.waiting: OrderedDict[Key, list[_Statement]] = OrderedDict()

    def close_waiting(self) -> None:
        for each in (each for some in self.waiting.values() for each in some):
            each.connection.close()
        self.waiting.clear()


_HERE: dict[int, dict[_Kind, _Here]] = {}
"""By process: after a fork the other one's are of no use, and must not be closed here."""


@contextmanager
def standing(
    sql: str, tables: Mapping[str, pa.Table], *, as_written: bool = False
) -> Iterator[tuple[Any, str]]:
    """A connection to one locked database, which may open no file, and what to run there.

    The query sees these tables, by name, and no other; joins are made `as_written`, if so. What
    failed, or was left before its end, is closed and not used again.
    """
    here = _begun(_Kind.of(tables, as_written=as_written))
    try:
        statement, said = _stated(here, sql, tables, as_written=as_written)
    except BaseException:
        _ended(here)
        raise
    whole = False
    try:
        yield statement.ask(tables, said)
        whole = True
    finally:
        again = whole and statement.key is not None
        when_over(statement.connection, lambda: _over(here, statement, again=again))


@contextmanager
def seeing(tables: Mapping[str, pa.Table]) -> Iterator[Any]:
    """A connection to such a database for what is not asked again."""
    here = _begun(_Kind())
    try:
        statement = _with_tables(here, tables)
        try:
            yield statement.connection
        finally:
            statement.connection.close()
    finally:
        _ended(here)


def key_of(sql: str, tables: Mapping[str, pa.Table]) -> Key:
    """What a statement is known by."""
    columns = ((name, tuple((f.name, f.type) for f in t.schema)) for name, t in tables.items())
    return sql, tuple(columns)


def _stated(
    here: _Here, sql: str, tables: Mapping[str, pa.Table], *, as_written: bool
) -> tuple[_Statement, str]:
    """A statement for a text, and what to run there."""
    if sum(table.num_rows for table in tables.values()) > _FEW:
        return _with_tables(here, tables), sql
    text, values = (sql, []) if as_written else parted(sql)
    key = key_of(text, tables)
    found = _taken(here, key) or _prepared(here, key, tables)
    if found is None:  # it wants its numbers where they stand
        values, key = [], key_of(sql, tables)
        found = _taken(here, key) or _prepared(here, key, tables)
    assert found is not None
    return found, f"EXECUTE {_NAME}{_listed(values)}"


def _listed(values: list[str]) -> str:
    return f"({', '.join(values)})" if values else ""


def parted(sql: str) -> tuple[str, list[str]]:
    """A text with parameters in the place of its numbers with an exponent, and these numbers.

    Each is a parameter of its own: one that stands twice is bound anew whenever it runs. So what
    has groups, where a value is told by its text, keeps its numbers.

    >>> parted("SELECT ra - 0.5e0, '1e0' WHERE dec < 5e-1")
    ("SELECT ra - CAST($1 AS DOUBLE), '1e0' WHERE dec < CAST($2 AS DOUBLE)", ['0.5e0', '5e-1'])
    """
    if "GROUP BY" in sql or "DISTINCT" in sql:
        return sql, []
    found: list[str] = []

    def parameter(match: re.Match[str]) -> str:
        if match[0][0] in "'\"":
            return match[0]
        found.append(match[0])
        return f"CAST(${len(found)} AS DOUBLE)"

    return _NUMBER.sub(parameter, sql), found


def close_all() -> None:
    """Close the statements of this process that nobody uses."""
    with _LOCK:
        for here in _HERE.get(os.getpid(), {}).values():
            here.close_waiting()


def _end() -> None:
    """The process ends: what was spilled is removed, whoever uses it."""
    close_all()
    for here in _HERE.get(os.getpid(), {}).values():
        here.database.remove_spilled()


def _here(kind: _Kind) -> _Here:
    if os.getpid() not in _HERE:
        _HERE[os.getpid()] = {}
        atexit.register(_end)
    some = _HERE[os.getpid()]
    if kind not in some:
        some[kind] = _Here(kind)
    return some[kind]


def _begun(kind: _Kind) -> _Here:
    """The database, with a user more."""
    with _LOCK:
        here = _here(kind)
        here.users += 1
        return here


def _over(here: _Here, statement: _Statement, *, again: bool) -> None:
    """What a statement is at has ended; it waits for the next to ask it `again`."""
    statement.forget()
    if again:
        _given_back(here, statement)
    else:
        statement.connection.close()
    _ended(here)


def _ended(here: _Here) -> None:
    """A user less; a database that has spilled is closed behind the last, so that nothing stays."""
    with _LOCK:
        here.users -= 1
        some = _HERE.get(os.getpid(), {})
        if here.database.has_spilled:
            for name in [name for name, each in some.items() if each is here]:
                del some[name]
        if not here.users and here not in some.values():
            here.close_waiting()
            here.database.close()


def _taken(here: _Here, key: Key) -> _Statement | None:
    with _LOCK:
        some = here.waiting.get(key, [])
        found = some.pop() if some else None
        if found is not None and not some:
            del here.waiting[key]
        return found


def _given_back(here: _Here, statement: _Statement) -> None:
    assert statement.key is not None
    with _LOCK:
        waiting = here.waiting
        waiting.setdefault(statement.key, []).append(statement)
        waiting.move_to_end(statement.key)
        if sum(map(len, waiting.values())) > _MOST:
            oldest = next(iter(waiting))
            waiting[oldest].pop(0).connection.close()
            if not waiting[oldest]:
                del waiting[oldest]


def _with_tables(here: _Here, tables: Mapping[str, pa.Table], key: Key | None = None) -> _Statement:
    """A connection that sees these tables: none sees another's."""
    with _LOCK:
        connection = here.database.connection.cursor()
    try:
        slots = {name: _Slot(table) for name, table in tables.items()}
        for name, slot in slots.items():
            connection.register(name, slot)
    except BaseException:
        connection.close()
        raise
    return _Statement(connection, slots, key)


def _prepared(here: _Here, key: Key, tables: Mapping[str, pa.Table]) -> _Statement | None:
    """A statement anew; None for one whose parameters hide that two of its values are the same."""
    import duckdb

    statement, text = _with_tables(here, tables, key), key[0]
    try:
        statement.connection.execute(f"PREPARE {_NAME} AS {text}")
    except BaseException as error:
        statement.connection.close()
        if isinstance(error, duckdb.BinderException) and "CAST($1 AS" in text:
            return None
        raise
    return statement
