r"""What `\d` tells: the tables that a query may name, and the columns of one."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from skyquarry.adql.keeping import kept_of
from skyquarry.adql.kinds import kind_of
from skyquarry.adql.tablenames import Tables
from skyquarry.adql.tables import Given, Plain, Stored, Table
from skyquarry.adql.text.reading import Words
from skyquarry.adql.text.reserved import RESERVED
from skyquarry.adql.text.syntax import MY
from skyquarry.cli.output import table_text
from skyquarry.errors import NotFoundError

if TYPE_CHECKING:
    import pyarrow as pa

    from skyquarry.cli.shell.session import Session

_TYPES: Final = {
    "int16": "SMALLINT", "int32": "INTEGER", "int64": "BIGINT", "float": "REAL",
    "double": "DOUBLE PRECISION", "string": "VARCHAR", "large_string": "VARCHAR",
}  # fmt: skip


def tables_of(session: Session) -> Tables:
    """The tables that a query of the session may name."""
    kept = kept_of(session.archive, session.my)
    return Tables(session.catalogs, session.uploads, session.archive, kept)


def tables_text(session: Session) -> str:
    """Every table: what it is, how many rows and columns it has."""
    here = tables_of(session)
    rows = [_table_row(here, name) for name in table_names(here)]
    names = ["name", "kind", "rows", "columns", "title"]
    return table_text(names, rows, more=False).rpartition("\n")[0] or "no tables are here"


def table_names(here: Tables) -> list[str]:
    """Every table, spelled as a query has to."""
    kept = (f"{MY}.{spelled(each)}" for each in here.kept)
    return [*(spelled(each) for each in (*here.names, *here.views)), *kept]


def _table_row(here: Tables, name: str) -> dict[str, Any]:
    from skyquarry.errors import SkyquarryError

    try:
        found = here.find(Words(name).path("a table", 2))
    except SkyquarryError as fault:
        return {"name": name, "kind": "-", "rows": None, "columns": None, "title": str(fault)}
    assert found is not None  # it is one of those that are there
    rows, kind, title = _about(found)
    columns = len(found.schema)
    return {"name": name, "kind": kind, "rows": rows, "columns": columns, "title": title}


def _about(table: Table) -> tuple[int | None, str, str]:
    """Rows, kind and title of a table."""
    if isinstance(table, Given):
        return table.rows, "table" if isinstance(table, Plain) else "upload", ""
    assert isinstance(table, Stored)
    stored = table.catalog.stored
    if table.condition:
        return None, "view", f"{stored.name} where {table.condition}"
    return stored.n_rows, stored.kind, stored.properties.get("obs_title", "")


def columns_text(session: Session, words: str) -> str:
    """The columns of a table: type, unit, and what each means."""
    found = table_called(tables_of(session), words)
    shown = set(found.shown)
    rows = [_column_row(each) for each in found.schema if each.name in shown]
    names = ["name", "type", "unit", "ucd", "description"]
    return table_text(names, rows, more=False).rpartition("\n")[0]


def table_called(here: Tables, words: str) -> Table:
    """The table of a name as a query spells it; NotFoundError where there is none."""
    found = here.find(Words(words).path("a table", 3))
    if found is None:
        raise NotFoundError(f"there is no table {words}: {here.hint(words)}")
    return found


def _column_row(column: pa.Field) -> dict[str, Any]:
    from skyquarry.catalog.columns import meaning

    told = meaning(column)
    kind = kind_of(column.type)
    type_ = _TYPES.get(str(column.type), "TIMESTAMP" if kind == "time" else str(column.type))
    words = {key: told.get(key, "") for key in ("unit", "ucd", "description")}
    return {"name": spelled(column.name), "type": type_} | words


def spelled(name: str) -> str:
    """A name as a query has to spell it: a word of ADQL goes in double quotes."""
    plain = re.fullmatch(r"[A-Za-z][A-Za-z0-9_]*", name) and name.upper() not in RESERVED
    return name if plain else '"' + name.replace('"', '""') + '"'
