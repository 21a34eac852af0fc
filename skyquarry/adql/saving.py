"""`INTO my.NAME`: a query's rows kept under a name, to be asked again, joined and shared.

A result appears by a rename, whole, or not at all: what is on its way lies in a folder whose name
begins with a dot, and what a killed process left there goes when the next result is kept.
"""

from __future__ import annotations

import os
import re
import shutil
import socket
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from skyquarry.adql.keeping import KEPT, QUERY
from skyquarry.adql.text.syntax import MY
from skyquarry.errors import ColumnError, ExistsError, UserError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    import pyarrow as pa

    from skyquarry.adql.keeping import Kept, Saved
    from skyquarry.adql.reads import Read, StoredRead
    from skyquarry.adql.terms import Field
    from skyquarry.catalog.files import Folder
    from skyquarry.catalog.roles import Roles
    from skyquarry.engine.executors import Where

_STAGE: Final = re.compile(r"\.[^.]+\.(.+)\.(\d+)\.\w+")


@dataclass(frozen=True, slots=True)
class Result:
    """A query's rows, and what is known of them."""

    adql: str
    schema: pa.Schema
    fields: tuple[Field, ...]
    """What the query knows of its columns, in the schema's order."""
    reads: Sequence[Read]
    """The tables that they are from."""
    stream: Callable[[], Iterator[pa.RecordBatch]]


def save(result: Result, name: str, kept: Kept | None, executor: Where = None) -> Saved:
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
        _write(result, name, stage, executor)
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
def _write(result: Result, name: str, stage: Path, executor: Where) -> None:
    """The rows as a catalogue, else as a table, in the folder `stage/NAME`."""
    from skyquarry.catalog.formats import write_table

    words = {QUERY: result.adql, KEPT: datetime.now(UTC).isoformat(timespec="seconds")}
    words |= {"prov_progenitor": _progenitor(result)}
    schema = result.schema.with_metadata(words | {"name": name})
    (stage / "rows").mkdir()
    rows = stage / "rows" / f"{name}.parquet"
    count = write_table((each.cast(schema) for each in result.stream()), schema, rows)
    if count and _built(result, name, stage, words, executor):
        return
    shutil.rmtree(stage / name, ignore_errors=True)
    (stage / "rows").rename(stage / name)


def _built(result: Result, name: str, stage: Path, words: dict[str, str], executor: Where) -> bool:
    """Build a catalogue of the rows; False where some have no position."""
    from skyquarry.ingest.build import plan_build

    roles = _roles(result)
    if roles is None:
        return False
    source = stage / "rows" / f"{name}.parquet"
    told = roles.to_properties() | words
    planned = plan_build(
        source, stage / name, ra=roles.ra, dec=roles.dec, id=roles.id, name=name, properties=told
    )
    report = planned.run(executor, progress=False)
    return not report.rows_rejected


def _progenitor(result: Result) -> str:
    """The tables that the rows are from, catalogues with their versions."""
    found = []
    for read in result.reads:
        stored = getattr(getattr(read.table, "catalog", None), "stored", None)
        version = f" {stored.version}" if stored is not None and stored.version else ""
        found.append(f"{read.table.name}{version}")
    return ", ".join(dict.fromkeys(found))


def _roles(result: Result) -> Roles | None:
    """What the result's columns are, positions among them; None where it has no positions."""
    from skyquarry.adql.reads import StoredRead

    found = [_fitted(result, each) for each in result.reads if isinstance(each, StoredRead)]
    placed = [each for each in found if each is not None]
    return placed[0] if placed else _guessed(result.schema)


def _fitted(result: Result, read: StoredRead) -> Roles | None:
    """A catalogue's roles for those columns of its own that the result has as they were."""
    names = [each.name for each in result.schema if _is_of(result, each.name, read)]
    roles, _ = read.source.roles.fitted(names)
    return roles if roles.ra in names and roles.dec in names else None


def _is_of(result: Result, name: str, read: StoredRead) -> bool:
    """Whether a column of the result is a catalogue's of the same name and meaning."""
    stored = read.source.schema
    if name not in stored.names:
        return False
    known = result.fields[result.schema.names.index(name)]
    if known.origin is not None:
        return bool(result.reads[known.origin[0]].table is read.table)
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
