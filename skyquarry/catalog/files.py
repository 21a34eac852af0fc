"""Where a catalogue's bytes lie: a folder on this machine, in S3, or behind HTTP.

What is remote goes through `remote.py`, the only importer of fsspec: a search on this machine
never loads that. Remote folders take their settings from the environment (`AWS_*`, and fsspec's own
`FSSPEC_S3='{"anon": true}'`), so a `Folder` pickles to a text and is the same in a worker.
"""
# Paths are texts here, the same for a disk and for a store.
# ruff: noqa: PTH100, PTH103, PTH105, PTH107, PTH110, PTH111, PTH112, PTH116, PTH120, PTH123, PTH208

from __future__ import annotations

import os
import secrets
import shutil
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, cast
from urllib.parse import unquote

from skyquarry.catalog import remote
from skyquarry.errors import ExistsError, NotFoundError, StorageError, UserError

if TYPE_CHECKING:
    import builtins
    from collections.abc import Callable, Iterator


def path_here(where: str | os.PathLike[str], what: str) -> Path:
    """A path on this machine, for `what` no store can hold ("a model"). Raises UserError."""
    home = Folder.at(where)
    if not home.local:
        raise UserError(
            f"{home.root} is not on this machine, but {what} is written to a disk: name a folder "
            "here, and copy it from there"
        )
    return Path(home.root)


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder, local or remote; every `rel` is a path below it with `/` between the names."""

    root: str
    """An absolute local path or a URL, without a closing slash."""
    protocol: str = ""
    """`s3`, `http`, `https`, ...; empty for this machine."""

    @classmethod
    def at(cls, where: str | os.PathLike[str]) -> Folder:
        """The folder at a local path (also `file://...`) or a URL (`s3://...`, `https://...`)."""
        text = os.fspath(where) if isinstance(where, str | os.PathLike) else None
        if not isinstance(text, str):
            raise UserError(
                f"the path is {where!r:.60}, but a text or a pathlib.Path is needed: "
                "try 'archive/gaia'"
            )
        protocol, mark, _ = text.partition("://")
        if mark and protocol not in {"file", "local"}:
            return cls(text.rstrip("/"), protocol)
        text = text.split("://", 1)[1] if mark else text
        return cls(os.path.abspath(os.path.expanduser(text or ".")))

    @property
    def local(self) -> bool:
        """Whether the folder lies on this machine."""
        return not self.protocol

    @property
    def name(self) -> str:
        """The last part of the path."""
        return self.root.rstrip("/").rsplit("/", 1)[-1]

    @property
    def parent(self) -> Folder:
        """The folder that holds this one."""
        return Folder(self.root.rsplit("/", 1)[0] or "/", self.protocol)

    def join(self, rel: str) -> Folder:
        """The folder at `rel` below this one."""
        return Folder(self.path(rel), self.protocol)

    def path(self, rel: str = "") -> str:
        """The full path or URL of `rel`; UserError where `rel` would climb out of this folder."""
        rel = rel.rstrip("/")
        if rel.startswith("/") or ".." in rel.split("/"):
            raise UserError(
                f"{rel!r} leads out of {self.root}, but a path inside a folder is needed; "
                "write it relative to the folder and without '..'"
            )
        if not rel or rel == ".":
            return self.root
        return f"{self.root.rstrip('/')}/{rel}"

    # ------------------------------------------------------------------ reading
    def exists(self, rel: str = "") -> bool:
        """Whether there is a file or folder at `rel`."""
        if self.local:
            return os.path.exists(self.path(rel))
        with self._explained(rel):
            return bool(self._remote().exists(self.path(rel)))

    def is_folder(self, rel: str = "") -> bool:
        """Whether `rel` is a folder."""
        if self.local:
            return os.path.isdir(self.path(rel))
        with self._explained(rel):
            return bool(self._remote().isdir(self.path(rel)))

    def size(self, rel: str) -> int:
        """The size of the file `rel` in bytes."""
        with self._explained(rel):
            if self.local:
                return os.stat(self.path(rel)).st_size
            return remote.size_of(self._remote(), self.path(rel))

    def list(self, rel: str = "") -> builtins.list[str]:
        """The names in the folder `rel`, sorted; empty where there is no such folder."""
        try:
            with self._explained(rel):
                if self.local:
                    return sorted(os.listdir(self.path(rel)))
                return self._remote_names(rel)
        except NotFoundError:
            return []

    def read_bytes(self, rel: str) -> bytes:
        """The whole file `rel`; NotFoundError where there is none."""
        with self._explained(rel):
            if not self.local:
                return bytes(self._remote().cat_file(self.path(rel)))
            with open(self.path(rel), "rb") as file:
                return file.read()

    def read_text(self, rel: str) -> str:
        """The whole file `rel` as UTF-8 text."""
        return self.read_bytes(rel).decode("utf-8")

    def open(self, rel: str) -> IO[bytes]:
        """The file `rel`, open for reading at any place; remote ones fetch only what is read."""
        with self._explained(rel):
            if self.local:
                return open(self.path(rel), "rb")
            return cast("IO[bytes]", remote.RangeFile(self._remote(), self.path(rel)))

    # ------------------------------------------------------------------ writing
    def make(self, rel: str = "") -> Folder:
        """The folder at `rel`, made with all above it where it is missing."""
        if self.local:
            with self._explained(rel):
                os.makedirs(self.path(rel), exist_ok=True)
        return self.join(rel)

    @contextmanager
    def writer(self, rel: str, *, durable: bool = True) -> Iterator[IO[bytes]]:
        """A file to write; it appears at `rel`, whole, when the block ends without an error.

        `durable` waits for the disk (fsync of file and folder), as publishing must.
        """
        with self._explained(rel):
            opened = self._local_writer if self.local else self._remote_writer
            with opened(rel, durable=durable) as file:
                yield file

    def write_atomic(self, rel: str, content: bytes, *, durable: bool = True) -> None:
        """Write the file `rel` as a whole: readers see the old one or the new one."""
        if not self.local:
            with self._explained(rel):
                self._writable().pipe_file(self.path(rel), content)  # one PUT
            return
        with self.writer(rel, durable=durable) as file:
            file.write(content)

    def replace_if(self, rel: str, new: bytes, expected: bytes | None) -> None:
        """Write `rel` if it still holds `expected` (None: if it does not exist yet).

        ExistsError where another writer was faster; nothing is lost then. On this machine an
        advisory lock on the folder joins the comparison and the rename, for writers that use this
        function; S3 does both in one conditional PUT; other stores are refused.
        """
        if not self.local:
            with self._explained(rel):
                remote.put_if(self._writable(), self.path(rel), new, expected)
            return
        with _folder_lock(os.path.dirname(self.path(rel))):
            found = self.read_bytes(rel) if self.exists(rel) else None
            if found != expected:
                raise remote.lost_race(self.path(rel))
            self.write_atomic(rel, new)

    def share(self, rel: str, target: Folder, target_rel: str) -> None:
        """Let `rel` also be `target_rel` of `target`: a hard link, or a copy inside the store."""
        with self._explained(rel):
            if not self.local:
                self._writable().cp_file(self.path(rel), target.path(target_rel))
                return
            new = target.path(target_rel)
            os.makedirs(os.path.dirname(new), exist_ok=True)
            try:
                os.link(self.path(rel), new)
            except FileExistsError:
                raise
            except OSError:  # another disk, or a file system without links
                shutil.copyfile(self.path(rel), new)

    def remove(self, rel: str) -> None:
        """Remove the file `rel`, or the folder with all below it; nothing where it is missing."""
        with suppress(NotFoundError), self._explained(rel):
            if not self.local:
                self._writable().rm(self.path(rel), recursive=True)
            elif self.is_folder(rel):
                shutil.rmtree(self.path(rel))
            else:
                os.remove(self.path(rel))

    # ------------------------------------------------------------------ inside
    @contextmanager
    def _local_writer(self, rel: str, *, durable: bool) -> Iterator[IO[bytes]]:
        """A temporary file beside the target; renamed at the end, removed on an error."""
        path = self.path(rel)
        folder, name = os.path.split(path)
        os.makedirs(folder, exist_ok=True)
        temporary = f"{folder}/.{name}.{secrets.token_hex(6)}.tmp"
        try:
            with open(temporary, "xb") as file:
                yield file
                file.flush()
                if durable:
                    os.fsync(file.fileno())
            os.replace(temporary, path)
        except BaseException:
            with suppress(OSError):
                os.remove(temporary)
            raise
        if durable:
            _sync_folder(folder)

    @contextmanager
    def _remote_writer(self, rel: str, *, durable: bool) -> Iterator[IO[bytes]]:
        """An object that appears when it is complete (a multipart upload where it is large)."""
        del durable  # an object store answers when the object is safe
        file = self._writable().open(self.path(rel), "wb")
        try:
            yield file
        except BaseException:
            with suppress(Exception):
                file.discard()
            file.closed = True  # else it would be sent after all when it is collected
            raise
        file.close()

    def _remote(self) -> Any:
        """The fsspec file system of this protocol, one a process."""
        return remote.file_system(self.protocol)

    def _writable(self) -> Any:
        if self.protocol in {"http", "https"}:
            raise StorageError(
                f"{self.root} is read over HTTP and cannot be written; use a local folder or s3://"
            )
        return self._remote()

    def _remote_names(self, rel: str) -> builtins.list[str]:
        """Names in a remote folder; over HTTP those that the server's page links to."""
        path = self.path(rel)
        web = self.protocol in {"http", "https"}
        entries = self._remote().ls(f"{path}/" if web else path, detail=False)
        plain = [str(entry).split("?", 1)[0] if web else str(entry) for entry in entries]
        below = path if web else path.split("://", 1)[1]
        parts = [entry.partition(f"{below}/")[2].rstrip("/") for entry in plain]
        return sorted({unquote(part) if web else part for part in parts if part})

    @contextmanager
    def _explained(self, rel: str) -> Iterator[None]:
        """Say which file it was where the machine or the network refuses."""
        try:
            yield
        except (FileNotFoundError, NotADirectoryError) as error:
            raise NotFoundError(
                f"{self.path(rel)} does not exist; check the path, or list what is there"
            ) from error
        except FileExistsError as error:
            raise ExistsError(f"{self.path(rel)} exists already; choose another name") from error
        except OSError as error:
            raise StorageError(
                f"{self.path(rel)} could not be used: {error.strerror or error}; check space, "
                "permission and connection"
            ) from error
        except Exception as error:
            if type(error).__module__.split(".")[0] in {"aiohttp", "botocore", "fsspec"}:
                raise StorageError(
                    f"{self.path(rel)} could not be used: {error}; check the address and access"
                ) from error
            raise


def _sync_folder(folder: str) -> None:
    """Make a rename last; systems that cannot sync a folder do it by themselves."""
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


@contextmanager
def _folder_lock(folder: str) -> Iterator[None]:
    """An advisory lock on a folder; none where the system has no such thing."""
    release: Callable[[], None] = lambda: None  # noqa: E731
    with suppress(ImportError, OSError):
        import fcntl

        os.makedirs(folder, exist_ok=True)
        handle = os.open(folder, os.O_RDONLY)
        release = lambda: os.close(handle)  # noqa: E731 - closing releases
        fcntl.flock(handle, fcntl.LOCK_EX)
    try:
        yield
    finally:
        release()
