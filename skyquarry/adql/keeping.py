"""Results that are kept under a name: a folder's list of them, and each opened again.

What is kept is a folder, `my/NAME` in the archive: a catalogue where every row has a position, else
one Parquet file. Either holds the query that made it.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from skyquarry.adql.tables import Plain, Stored
from skyquarry.adql.text.syntax import MY

if TYPE_CHECKING:
    from skyquarry.catalog.files import Folder

QUERY: Final = "skyquarry_query"
KEPT: Final = "skyquarry_kept"
"""When it was kept, in ISO 8601."""
_MARK: Final = "collection.properties"


@dataclass(frozen=True, slots=True)
class Saved:
    """A result that is kept."""

    name: str
    """my.NAME"""
    path: str
    """The folder, which may be copied or sent as it is."""
    kind: str
    """"object": a catalogue; "table": rows without positions."""
    rows: int
    query: str
    """The ADQL that made it."""
    kept: str
    """When, in ISO 8601."""


@dataclass(frozen=True)
class Kept:
    """The results that are kept in one folder."""

    folder: Folder

    def names(self) -> list[str]:
        """Their names, sorted."""
        if not self.folder.exists():
            return []
        there = (each for each in self.folder.list() if not each.startswith("."))
        return sorted(each for each in there if self._is_catalog(each) or self._is_plain(each))

    def _is_catalog(self, name: str) -> bool:
        return self.folder.exists(f"{name}/{_MARK}")

    def _is_plain(self, name: str) -> bool:
        return self.folder.exists(f"{name}/{name}.parquet")

    def open(self, name: str) -> Stored | Plain:
        """The table of that name."""
        called = f"{MY}.{name}"
        if self._is_catalog(name):
            from skyquarry.engine.catalog import open_catalog

            return Stored(called, open_catalog(self.folder.path(name)))
        from skyquarry.catalog.formats import open_table

        path = self.folder.path(f"{name}/{name}.parquet")
        return Plain(called, open_table(path).schema.empty_table(), path)

    def told(self, name: str) -> Saved:
        """What is known of one of them."""
        found = self.open(name)
        path = self.folder.path(name)
        if isinstance(found, Stored):
            stored = found.catalog.stored
            words, kind = dict(stored.properties), stored.kind
            rows = stored.n_rows
        else:
            metadata = found.table.schema.metadata or {}
            words = {key.decode(): value.decode() for key, value in metadata.items()}
            kind, rows = "table", found.rows
        return Saved(f"{MY}.{name}", path, kind, rows, words.get(QUERY, ""), words.get(KEPT, ""))


def kept_of(archive: Any, my: Any = None) -> Kept | None:
    """The results kept in `my`, a folder; else in an archive's; None where there is neither."""
    from skyquarry.catalog.files import Folder

    if my is not None:
        return Kept(Folder.at(my))
    return None if archive is None else Kept(archive.folder.join(MY))


def saved(archive: Any, my: Any = None) -> list[Saved]:
    """The results that are kept in an archive, by name; one that cannot be read is left out."""
    kept = kept_of(archive, my)
    found = []
    for name in kept.names() if kept is not None else ():
        with suppress(OSError):
            found.append(kept.told(name))  # type: ignore[union-attr]
    return found
