"""Where the bytes of a table go: a temporary file beside the target, renamed when it is whole."""

from __future__ import annotations

import gzip
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, BinaryIO, cast

from skyquarry.errors import ExistsError, NotFoundError, StorageError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextmanager
def finished_or_nothing(path: Path, *, overwrite: bool = True) -> Iterator[Path]:
    """A temporary path beside `path`; renamed to it at the end, removed after an error."""
    if path.exists() and not overwrite:
        raise ExistsError(
            f"{path} exists already and would be lost; a new name is needed: choose another, or "
            "pass overwrite=True"
        )
    check_folder(path)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        yield temporary
        _settle(temporary, path)
    except OSError as error:
        raise StorageError(
            f"{path} cannot be written ({error.strerror or error}); room and permission are "
            "needed: free some space or choose another folder"
        ) from error
    finally:
        temporary.unlink(missing_ok=True)


def check_folder(path: Path) -> None:
    """Raises NotFoundError where the folder of a file to be written is not there."""
    if not path.parent.is_dir():
        raise NotFoundError(
            f"{path} was given, but its folder {path.parent} is not there; an existing folder is "
            "needed: make it first"
        )


def _settle(temporary: Path, path: Path) -> None:
    with temporary.open("rb+") as file:
        os.fsync(file.fileno())
    temporary.replace(path)


@contextmanager
def byte_sink(path: Path, *, zipped: bool) -> Iterator[BinaryIO]:
    """A binary file to append to; gzipped without name or time where asked."""
    with path.open("wb") as raw:
        if not zipped:
            yield cast("BinaryIO", raw)
            return
        with gzip.GzipFile(filename="", mode="wb", fileobj=raw, mtime=0, compresslevel=6) as packed:
            yield cast("BinaryIO", packed)


def pack(plain: Path, packed: Path) -> None:
    """Gzip a finished file in blocks, and remove it."""
    with plain.open("rb") as source, byte_sink(packed, zipped=True) as sink:
        while block := source.read(1 << 20):
            sink.write(block)
    plain.unlink()
