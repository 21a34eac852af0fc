"""Where the bytes of a table go: a temporary file beside the target, renamed when it is whole."""

from __future__ import annotations

import gzip
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, BinaryIO, cast

from skyquarry.errors import ExistsError, NotFoundError, StorageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

_STRETCH = 8 << 20  # bytes that the disk is told of at once


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
def settling(path: Path) -> Iterator[Callable[[], None]]:
    """What is called now and then while a file grows: the disk begins with what is there.

    So the end of a large file, when all of it has to be on the disk, is not waited for.
    """
    begin = getattr(os, "posix_fadvise", None)
    if begin is None:  # not Linux
        yield lambda: None
        return
    with path.open("rb") as file:
        begun = 0

        def begin_with_more() -> None:
            nonlocal begun
            size = os.fstat(file.fileno()).st_size
            if size - begun >= _STRETCH:
                # pages that are still to be written are sent to the disk, and stay in memory
                begin(file.fileno(), begun, size - begun, os.POSIX_FADV_DONTNEED)
                begun = size

        yield begin_with_more


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
