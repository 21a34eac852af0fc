"""An archive: a folder of catalogues with names.

>>> import skyquarry as sq
>>> sky = sq.archive("archive")  # doctest: +SKIP
>>> sky["gaia"].cone(83.82, -5.39, 60).to_table()  # doctest: +SKIP
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from skyquarry.engine.verbs import verb
from skyquarry.errors import NotFoundError, UserError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from skyquarry.catalog.files import Folder
    from skyquarry.engine.catalog import Catalog
    from skyquarry.engine.verbs import Asked, Kept

VARIABLE = "SKYQUARRY_ARCHIVE"
DEFAULT = "./archive"
_MARKS = ("collection.properties", "hats.properties", "properties")


def archive(path: str | os.PathLike[str] | None = None) -> Archive:
    """The archive at a path or URL; else at $SKYQUARRY_ARCHIVE, else at ./archive.

    The folder need not exist yet: then the archive is empty.
    """
    from skyquarry.catalog.files import Folder

    folder = Folder.at(path if path is not None else os.environ.get(VARIABLE) or DEFAULT)
    if any(folder.exists(mark) for mark in _MARKS):
        raise UserError(
            f"{folder.root} is a catalogue, but an archive is a folder of catalogues: open it with "
            "sq.open, or name the folder above it"
        )
    if folder.local and folder.exists() and not folder.is_folder():
        raise UserError(
            f"{folder.root} is a file, but an archive is a folder of catalogues: name a folder, "
            "which need not exist yet"
        )
    return Archive(folder)


@dataclass(frozen=True, repr=False)
class Archive:
    """A folder of catalogues with names: `sky["gaia"]`."""

    folder: Folder

    @property
    def path(self) -> str:
        """Where it lies."""
        return self.folder.root

    def names(self) -> list[str]:
        """The names of its catalogues, sorted; folders that begin with a dot are none."""
        if not self.folder.exists():
            return []
        return sorted(name for name in self.folder.list() if self._is_catalog(name))

    def list(self) -> list[Catalog]:
        """Its catalogues, opened, by name."""
        return [self[name] for name in self.names()]

    def __getitem__(self, name: str) -> Catalog:
        """The catalogue of that name; NotFoundError names the nearest where there is none.

        It is the version that is current now, opened once for all who ask for it.
        """
        from skyquarry.engine.catalog import Catalog
        from skyquarry.engine.opening import current_source

        if not isinstance(name, str) or not self._is_catalog(name):
            raise self._missing(name)
        return Catalog(current_source(self.folder.path(name)))

    def query(self, adql: str, uploads: Mapping[str, Any] | None = None, **how: Any) -> Asked:
        """What an ADQL query over its catalogues would do: as `sq.query`, names resolve here.

        Every other argument of `sq.query` may be given by name: `limit`, `timeout` ...

        >>> sky.query("SELECT TOP 3 ra, dec FROM gaia").to_table()  # doctest: +SKIP
        """
        asked: Asked = verb("query")(adql, uploads=uploads, archive=self, **how)
        return asked

    def saved(self) -> Sequence[Kept]:
        """The results that queries kept here by INTO my.NAME: name, folder, rows, query, moment."""
        found: Sequence[Kept] = verb("saved")(self)
        return found

    def path_of(self, name: str) -> str:
        """Where the catalogue of that name lies, or would be built.

        Raises UserError for a name that is none: empty, with a slash, or beginning with a dot.
        """
        if not _is_name(name):
            raise UserError(
                f"the name {name!r} cannot be a catalogue's, which is one folder: use letters, "
                "digits, _ and -, as in gaia_dr3"
            )
        return self.folder.path(name)

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and self._is_catalog(name)

    def __iter__(self) -> Iterator[str]:
        return iter(self.names())

    def __len__(self) -> int:
        return len(self.names())

    def __bool__(self) -> bool:
        """Always true: an empty archive is one."""
        return True

    def __repr__(self) -> str:
        names = self.names()
        shown = ", ".join(names[:12]) + (", ..." if len(names) > 12 else "")
        noun = "catalogue" if len(names) == 1 else "catalogues"
        return f"Archive {self.path}: {len(names)} {noun}{': ' if names else ''}{shown}"

    def _is_catalog(self, name: str) -> bool:
        return _is_name(name) and any(self.folder.exists(f"{name}/{mark}") for mark in _MARKS)

    def _missing(self, name: object) -> NotFoundError:
        from difflib import get_close_matches

        names = self.names()
        if not names:
            there = f"{self.path} is empty" if self.folder.exists() else f"{self.path} is not there"
            return NotFoundError(
                f"there is no catalogue {name!r}: the archive at {there}; name another with "
                f"--archive or ${VARIABLE}, or build the first with sq.build"
            )
        near = get_close_matches(str(name).lower(), [n.lower() for n in names], n=1)
        hint = next((f"did you mean {n}?" for n in names if [n.lower()] == near), "")
        choices = ", ".join(names[:20])
        return NotFoundError(
            f"there is no catalogue {name!r} in {self.path}: " + (hint or f"choose from {choices}")
        )


def _is_name(name: str) -> bool:
    return bool(name) and not name.startswith(".") and "/" not in name and "\\" not in name
