"""The tables of one query by their names: catalogues, uploads, kept results, and SDSS's views."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

from skyquarry.adql.tables import Given, Stored
from skyquarry.adql.text.syntax import MY, Identifier
from skyquarry.adql.text.words import nearest
from skyquarry.adql.uploads import as_arrow
from skyquarry.engine import given
from skyquarry.errors import QueryError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from skyquarry.adql.keeping import Kept
    from skyquarry.adql.tables import Table
    from skyquarry.engine.source import Source

UPLOAD: Final = "TAP_UPLOAD"
_VIEWS: Final = {
    "PhotoPrimary": "mode = 1",
    "Star": "mode = 1 AND type = 6",
    "Galaxy": "mode = 1 AND type = 3",
    "PhotoSecondary": "mode = 2",
    "PhotoFamily": "mode = 3",
}
"""SkyServer's views of PhotoObj, and the condition of each."""
_NEIGHBOURS: Final = ("Neighbors", "Neighbours")
_VIEWED: Final = ("photoobj", "photoobjall", "sdss", "photo")
"""Names of catalogues that may be SDSS's objects, the likeliest first."""


class Tables:
    """The tables of one query, by name; those of an archive are opened when they are named."""

    def __init__(
        self,
        catalogs: Mapping[str, Any] | None = None,
        uploads: Mapping[str, Any] | None = None,
        archive: Any = None,
        my: Kept | None = None,
        sample: float | None = None,
    ) -> None:
        self._catalogs = _by_name(catalogs, "catalogs", {"gaia": "archive/gaia"})
        self._archive = archive
        self._my = my
        self._sample = sample
        self._uploads = {
            name: Given(name, as_arrow(t, name))
            for name, t in _by_name(uploads, "uploads", {"mine": "stars.csv"}).items()
        }
        self._opened: dict[str, Any] = {}

    @cached_property
    def names(self) -> tuple[str, ...]:
        """What catalogues and uploads are called, views left out."""
        there = [] if self._archive is None else self._archive.names()
        return tuple(dict.fromkeys([*self._uploads, *self._catalogs, *there]))

    @property
    def opened(self) -> Mapping[str, Any]:
        """What was named so far, or looked at for a view: those of `my.` have that before them."""
        return self._opened

    def note(self, source: Source) -> None:
        """A catalogue of the archive that a plan hangs on, though no query names it."""
        name = source.stored.home.name
        if self._archive is not None and name in self.names:
            self._open(name)

    @cached_property
    def kept(self) -> tuple[str, ...]:
        """The names of results that were kept, without the `my.` before them."""
        return () if self._my is None else tuple(self._my.names())

    @cached_property
    def views(self) -> dict[str, tuple[str, str]]:
        """SDSS's views that exist: name -> (catalogue, condition)."""
        lower = {name.lower(): name for name in self.names if name not in self._uploads}
        for word in _VIEWED:
            if word in lower and {"mode", "type"} <= self._columns(lower[word]):
                taken = {name.lower() for name in self.names}
                return {
                    view: (lower[word], condition)
                    for view, condition in _VIEWS.items()
                    if view.lower() not in taken
                }
        return {}

    def _columns(self, name: str) -> set[str]:
        return {column.lower() for column in self._open(name).schema.names}

    def find(self, parts: tuple[Identifier, ...]) -> Table | None:
        """The table of a name, or None; QueryError where the name may mean several."""
        if len(parts) == 2 and parts[0].fits(UPLOAD):
            return self._one(parts[1], self._uploads)
        if len(parts) == 2 and parts[0].fits(MY):
            return self._kept(parts[1])
        if len(parts) > 1:  # as services write it: gaiadr3.gaia_source
            name = ".".join(each.name for each in parts)
            quoted = any(each.quoted for each in parts)
            return self._one(Identifier(name, quoted, parts[0].span), self.names)
        found = self._one(parts[0], self.names)
        if found is not None:
            return found
        view = next((name for name in self.views if parts[0].fits(name)), None)
        return self._neighbours(parts[0]) if view is None else self._view(view)

    def _neighbours(self, name: Identifier) -> Table | None:
        """NEIGHBORS: the one precomputed table of them, whichever catalogue it belongs to."""
        if not any(name.fits(each) for each in _NEIGHBOURS):
            return None
        there = [each for each in self.names if each.endswith("_neighbours")]
        if len(there) > 1:
            raise QueryError(f"{name.name} may be {' or '.join(there)}: name the one that is meant")
        found = self._open(there[0]) if there else None
        if found is not None:
            self._check_of_now(name, found)
        return found

    def _check_of_now(self, name: Identifier, child: Stored) -> None:
        """Neighbours of rows that are no more are given to those who name the table itself."""
        from skyquarry.engine.children import is_of

        parent = child.name.removesuffix("_neighbours")
        if parent in self.names and not is_of(child.catalog.source, self._open(parent).source):
            raise QueryError(
                f"{name.name} is {child.name}, but that was made of another version of {parent}: "
                f"make it again (neighbours=, --neighbours), or ask {child.name} for what it has"
            )

    def _kept(self, name: Identifier) -> Table | None:
        fitting = [each for each in self.kept if name.fits(each)]
        if not fitting or self._my is None:
            return None
        found = fitting[0]  # the same name in another case is refused when one is kept
        called = f"{MY}.{found}"
        if called not in self._opened:
            self._opened[called] = self._my.open(found)
        table: Table = self._opened[called]
        return table

    def _one(self, name: Identifier, names: Iterable[str]) -> Table | None:
        fitting = [each for each in names if name.fits(each)]
        if len(fitting) > 1:
            raise QueryError(
                f"the table {name.name} may be {' or '.join(fitting)}: write it in double quotes "
                f'to choose, as in "{fitting[0]}"'
            )
        if not fitting:
            return None
        return self._uploads.get(fitting[0]) or self._open(fitting[0])

    def _view(self, view: str) -> Table:
        name, condition = self.views[view]
        return Stored(view, self._open(name).catalog, condition)

    def _open(self, name: str) -> Stored:
        from skyquarry.engine.catalog import Catalog, open_catalog

        if name not in self._opened:
            given = self._catalogs[name] if name in self._catalogs else self._archive[name]
            catalog = given if isinstance(given, Catalog) else open_catalog(_path(given, name))
            if catalog.stored.kind == "index":
                raise QueryError(
                    f"{name} is the index of a catalogue, which says where ids lie and has no rows "
                    "of its own: ask the catalogue itself"
                )
            if self._sample is not None and catalog.stored.spatial.column is not None:
                catalog = catalog.sample(self._sample)
            self._opened[name] = Stored(name, catalog)
        found: Stored = self._opened[name]
        return found

    def hint(self, name: str) -> str:
        """What may have been meant by a name that no table has."""
        there = [*self.names, *self.views, *(f"{MY}.{each}" for each in self.kept)]
        if not there and self._archive is not None:
            return f"no catalogue lies in the archive {self._archive.path}: name another folder"
        if not there:
            return "no table was given: try catalogs={'gaia': sq.open(path)}"
        near = nearest(name if name.lower().startswith("my.") else name.rpartition(".")[2], there)
        shown = ", ".join(there[:12]) + (", ..." if len(there) > 12 else "")
        return near or f"choose from {shown}"


def _by_name(of: Any, what: str, example: Mapping[str, str]) -> dict[str, Any]:
    return {} if of is None else given.by_text(of, what, example)


def _path(given: Any, name: str) -> Any:
    """Where a catalogue lies; QueryError for what is neither that nor a catalogue."""
    if isinstance(given, str) or hasattr(given, "__fspath__"):
        return given
    raise QueryError(
        f"the catalogue {name!r} is a {type(given).__name__}, but an opened catalogue or its path "
        f"is needed: give a table by uploads={{{name!r}: ...}}, and the rows of a plan so, by its "
        "to_table()"
    )
