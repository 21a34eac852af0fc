"""Small queries by statements that stay prepared: binding takes longer than running them.

The text of a look-up is bound, and a plan made of it, in four milliseconds; its hundred rows are
through in less than one. So the statement stays, with its tables as slots that the next query of
the same text fills with its own rows. Numbers with an exponent, which are those of places on the
sky, are parameters: a look-up elsewhere is the same text. No answer is kept, and no row.
"""

from __future__ import annotations

import atexit
import os
import re
import threading
from collections import OrderedDict
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from skyquarry.adql.database.kept import LOCKS, Limits

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import pyarrow as pa

_MOST: Final = 32
"""Statements that wait at most."""
_FEW: Final = 100_000
"""Rows; of more, binding is no matter."""
_NUMBER: Final = re.compile(
    r"""'(?:[^']|'')*'|"(?:[^"]|"")*"|(?<![\w.])\d+(?:\.\d+)?e[+-]?\d+(?![\w.])"""
)
_NAME: Final = "asked"
_LOCK = threading.Lock()
_Key = tuple[str, tuple[tuple[str, tuple[tuple[str, Any], ...]], ...]]
"""The text, and of each table its name and columns."""


class _Slot:
    """A table of a statement: what is in it when the statement runs."""

    def __init__(self, table: pa.Table) -> None:
        self.table: pa.Table | None = table

    def __arrow_c_stream__(self, requested_schema: Any = None) -> Any:
        assert self.table is not None
        return self.table.__arrow_c_stream__(requested_schema)


@dataclass(frozen=True, slots=True)
class _Statement:
    """One that is prepared, in a connection of its own."""

    connection: Any
    slots: dict[str, _Slot]


class _Here:
    """The database of one process, and the statements that nobody uses, the last used last."""

    def __init__(self) -> None:
        import duckdb

        memory = f"{Limits().memory_bytes}B"
        self.database: Any = duckdb.connect(":memory:", config={"memory_limit": memory})
        for each in ("SET TimeZone = 'UTC'", "SET temp_directory = ''", *LOCKS):
            self.database.execute(each)
        self.waiting: OrderedDict[_Key, list[_Statement]] = OrderedDict()


_HERE: dict[int, _Here] = {}
"""By process: after a fork the other one's is of no use, and must not be closed here."""


@contextmanager
def standing(sql: str, tables: Mapping[str, pa.Table]) -> Iterator[tuple[Any, str]]:
    """A connection to one locked database, which may open no file, and what to run there.

    The query sees these tables, by name, and no other. What failed, or was left before its end,
    is closed and not used again.
    """
    if sum(table.num_rows for table in tables.values()) > _FEW:
        with _cursor() as connection:
            for name, table in tables.items():
                connection.register(name, table)
            yield connection, sql
        return
    text, values = parted(sql)
    columns = tuple(
        (name, tuple((f.name, f.type) for f in table.schema)) for name, table in tables.items()
    )
    statement = _taken((text, columns)) or _prepared(text, tables)
    if statement is None:  # it wants its numbers where they stand
        text, values = sql, []
        statement = _taken((text, columns)) or _prepared(text, tables)
    assert statement is not None
    whole = False
    try:
        for name, table in tables.items():
            statement.slots[name].table = table
        yield statement.connection, f"EXECUTE {_NAME}{_listed(values)}"
        whole = True
    finally:
        for slot in statement.slots.values():
            slot.table = None
        if whole:
            _given_back((text, columns), statement)
        else:
            statement.connection.close()


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
    """Close those of this process that nobody uses."""
    with _LOCK:
        waiting = _here().waiting
        for each in (each for some in waiting.values() for each in some):
            each.connection.close()
        waiting.clear()


def _here() -> _Here:
    if os.getpid() not in _HERE:
        _HERE[os.getpid()] = _Here()
        atexit.register(close_all)
    return _HERE[os.getpid()]


def _cursor() -> Any:
    """A connection: none sees another's tables."""
    with _LOCK:
        return _here().database.cursor()


def _taken(key: _Key) -> _Statement | None:
    with _LOCK:
        waiting = _here().waiting
        some = waiting.get(key, [])
        found = some.pop() if some else None
        if found is not None and not some:
            del waiting[key]
        return found


def _given_back(key: _Key, statement: _Statement) -> None:
    with _LOCK:
        waiting = _here().waiting
        waiting.setdefault(key, []).append(statement)
        waiting.move_to_end(key)
        if sum(map(len, waiting.values())) > _MOST:
            oldest = next(iter(waiting))
            waiting[oldest].pop(0).connection.close()
            if not waiting[oldest]:
                del waiting[oldest]


def _prepared(text: str, tables: Mapping[str, pa.Table]) -> _Statement | None:
    """A statement anew; None for one whose parameters hide that two of its values are the same."""
    import duckdb

    connection = _cursor()
    try:
        slots = {name: _Slot(table) for name, table in tables.items()}
        for name, slot in slots.items():
            connection.register(name, slot)
        connection.execute(f"PREPARE {_NAME} AS {text}")
    except BaseException as error:
        connection.close()
        if isinstance(error, duckdb.BinderException) and "CAST($1 AS" in text:
            return None
        raise
    return _Statement(connection, slots)
