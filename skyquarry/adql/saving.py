"""`INTO my.NAME`: a query's rows kept under a name, to be asked again, joined and shared.

What is kept is a folder, `my/NAME` in the archive: a catalogue where every row has a position, else
one Parquet file. Either holds the query that made it. It appears by a rename, whole, or not at all:
what is on its way lies in a folder whose name begins with a dot, and what a killed process left
there goes when the next result is kept.
"""

from __future__ import annotations

import os
import re
import shutil
import socket
import tempfile
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from skyquarry.adql.tables import Plain, Stored
from skyquarry.adql.text.syntax import MY
from skyquarry.errors import ColumnError, ExistsError, UserError

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pyarrow as pa

    from skyquarry.adql.asking import QueryPlan
    from skyquarry.adql.reads import StoredRead
    from skyquarry.catalog.files import Folder
    from skyquarry.catalog.roles import Roles
    from skyquarry.engine.executors import Where

QUERY: Final = "skyquarry_query"
KEPT: Final = "skyquarry_kept"
"""When it was kept, in ISO 8601."""
_MARK: Final = "collection.properties"
_STAGE: Final = re.compile(r"\.[^.]+\.(.+)\.(\d+)\.\w+")


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


def save(plan: QueryPlan, name: str, kept: Kept | None, executor: Where = None) -> Saved:
    """Keep the rows of a query under a name.

    Raises ExistsError where there is one of that name, in whatever case, and UserError where there
    is no place to keep it, or one that cannot be written.
    """
    if kept is None:
        raise UserError(
            f"{MY}.{name} has no place: ask an archive, as in sky.query(...) or archive=, or name "
            "a folder by my="
        )
    if not kept.folder.local:
        raise UserError(
            f"{kept.folder.root} is not on this machine, but rows are kept in a folder here: name "
            "one by my="
        )
    there = next((each for each in kept.names() if each.lower() == name.lower()), None)
    if there is not None:
        raise ExistsError(
            f"{MY}.{there} is there already: choose another name, or remove the folder "
            f"{kept.folder.path(there)}"
        )
    with _stage(kept.folder, name) as stage:
        _write(plan, name, stage, executor)
        _appear(stage / name, Path(kept.folder.path(name)), name)
    return kept.told(name)


@contextmanager
def _stage(folder: Folder, name: str) -> Iterator[Path]:
    """A folder to work in beside the results; it goes in any case."""
    root = Path(folder.root)
    try:
        root.mkdir(parents=True, exist_ok=True)
        _clear(root)
        prefix = f".{name}.{socket.gethostname()}.{os.getpid()}."
        stage = Path(tempfile.mkdtemp(prefix=prefix, dir=root))
    except OSError as error:
        raise UserError(
            f"{root} cannot be written ({error.strerror}), but results are kept there: name a "
            "folder of your own by my="
        ) from None
    try:
        yield stage
    finally:
        shutil.rmtree(stage, ignore_errors=True)


def _clear(root: Path) -> None:
    """Remove what processes of this machine left that are no more."""
    for path in root.glob(".*"):
        found = _STAGE.fullmatch(path.name)
        if found and found[1] == socket.gethostname() and not _lives(int(found[2])):
            shutil.rmtree(path, ignore_errors=True)


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


def _appear(made: Path, target: Path, name: str) -> None:
    try:
        made.rename(target)
    except OSError:
        raise ExistsError(
            f"{MY}.{name} was kept by another process meanwhile, at {target}: choose another name"
        ) from None


# ------------------------------------------------------------------ written
def _write(plan: QueryPlan, name: str, stage: Path, executor: Where) -> None:
    """The rows as a catalogue, else as a table, in the folder `stage/NAME`."""
    from skyquarry.catalog.formats import write_table

    words = {QUERY: plan.adql, KEPT: datetime.now(UTC).isoformat(timespec="seconds")}
    words |= {"prov_progenitor": _progenitor(plan)}
    schema = plan.schema.with_metadata(words | {"name": name})
    (stage / "rows").mkdir()
    rows = stage / "rows" / f"{name}.parquet"
    count = write_table((each.cast(schema) for each in plan.stream()), schema, rows)
    if count and _built(plan, name, stage, words, executor):
        return
    shutil.rmtree(stage / name, ignore_errors=True)
    (stage / "rows").rename(stage / name)


def _built(plan: QueryPlan, name: str, stage: Path, words: dict[str, str], executor: Where) -> bool:
    """Build a catalogue of the rows; False where some have no position."""
    from skyquarry.ingest.build import plan_build

    roles = _roles(plan)
    if roles is None:
        return False
    source = stage / "rows" / f"{name}.parquet"
    told = roles.to_properties() | words
    planned = plan_build(
        source, stage / name, ra=roles.ra, dec=roles.dec, id=roles.id, name=name, properties=told
    )
    report = planned.run(executor, progress=False)
    return not report.rows_rejected


def _progenitor(plan: QueryPlan) -> str:
    """The tables that the rows are from, catalogues with their versions."""
    found = []
    for read in plan.reads:
        stored = getattr(getattr(read.table, "catalog", None), "stored", None)
        version = f" {stored.version}" if stored is not None and stored.version else ""
        found.append(f"{read.table.name}{version}")
    return ", ".join(dict.fromkeys(found))


def _roles(plan: QueryPlan) -> Roles | None:
    """What the result's columns are, positions among them; None where it has no positions."""
    from skyquarry.adql.reads import StoredRead

    found = [_fitted(plan, each) for each in plan.reads if isinstance(each, StoredRead)]
    placed = [each for each in found if each is not None]
    return placed[0] if placed else _guessed(plan.schema)


def _fitted(plan: QueryPlan, read: StoredRead) -> Roles | None:
    """A catalogue's roles for those columns of its own that the result has as they were."""
    names = [each.name for each in plan.schema if _is_of(plan, each.name, read)]
    roles, _ = read.source.roles.fitted(names)
    return roles if roles.ra in names and roles.dec in names else None


def _is_of(plan: QueryPlan, name: str, read: StoredRead) -> bool:
    """Whether a column of the result is a catalogue's of the same name and meaning."""
    stored = read.source.schema
    if name not in stored.names:
        return False
    known = plan.compiled.fields[plan.schema.names.index(name)]
    if known.origin is not None:
        return bool(plan.reads[known.origin[0]].table is read.table)
    return dict(known.metadata) == dict(stored.field(name).metadata or {})


def _guessed(schema: pa.Schema) -> Roles | None:
    """Positions by names and units, where they are ICRS degrees."""
    from skyquarry.ingest.description import Given, describe_input

    try:
        found = describe_input(schema, Given())
    except (ColumnError, UserError):
        return None
    plain = found.cleaning is not None and (found.cleaning.frame, found.cleaning.unit) == (
        "icrs",
        "deg",
    )
    return found.roles if plain else None


def saved(archive: Any, my: Any = None) -> list[Saved]:
    """The results that are kept in an archive, by name; one that cannot be read is left out."""
    kept = kept_of(archive, my)
    found = []
    for name in kept.names() if kept is not None else ():
        with suppress(OSError):
            found.append(kept.told(name))  # type: ignore[union-attr]
    return found
